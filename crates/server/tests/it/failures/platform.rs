//! What has gone wrong in shops at Elastic Path: the first eight were seen in programs that ship, the
//! others are documented or reported.

use super::Case;
use super::Standing::{Apart, Held};
use super::table::case;

pub(super) const HEAD: &str = "
## Elastic Path

The same for shops whose carts and orders are at Elastic Path: the first eight were reproduced with \
checkouts that others ship, the rest is documented or reported.

| | what happens | here | shown by |
|---|---|---|---|
";

pub(super) static CASES: &[Case] = &[
    case(
        1,
        "The charge succeeds, the checkout fails; the next try charges again.",
        Held {
            by: "The purchase has the cart until it is ordered or a person has ended it; whoever comes follows it.",
            tests: &[
                "a_checkout_that_fails_after_the_charge_is_no_second_charge",
                "a_checkout_whose_answer_is_lost_makes_one_order",
            ],
        },
    ),
    case(
        2,
        "Two pays at once charge twice and order twice.",
        Held {
            by: "The purchase takes the cart before anything is charged; the database allows one.",
            tests: &[
                "ten_clicks_at_once_charge_once_and_are_told_the_same",
                "two_sessions_on_one_cart_buy_it_once",
            ],
        },
    ),
    case(
        3,
        "The confirmation is refused after the charge, and the shopper is told that she has bought.",
        Held {
            by: "A sale is one when order and transaction say so; else a person is called.",
            tests: &["an_order_that_is_not_confirmed_is_no_success"],
        },
    ),
    case(
        4,
        "A free order that the manual gateway refuses is shown as complete.",
        Held {
            by: "The same: the order's own word counts.",
            tests: &["a_free_order_that_the_manual_gateway_refuses_is_no_success"],
        },
    ),
    case(
        5,
        "A bank's no comes as an error, as a success, or beside one.",
        Held {
            by: "Each is read as a decline; nothing else is.",
            tests: &[
                "all_three_shapes_of_a_decline_are_declines",
                "a_decline_in_any_shape_leaves_the_session_open_and_says_why",
            ],
        },
    ),
    case(
        6,
        "Pay while a challenge waits makes a second payment, and the first can still succeed.",
        Held {
            by: "The challenge is shown again; no second payment while the first may move.",
            tests: &["pay_while_a_challenge_is_pending_is_shown_the_challenge"],
        },
    ),
    case(
        7,
        "A cookie from before the payment, or a second tab, buys the cart again.",
        Held {
            by: "The row knows, not the cookie; a cart that is bought is followed or gone.",
            tests: &[
                "a_cart_whose_deletion_failed_is_not_paid_again",
                "a_session_that_saw_the_cart_before_it_was_bought_shows_the_same_order",
            ],
        },
    ),
    case(
        8,
        "A cart that cannot be read opens a session on nothing.",
        Held {
            by: "A session needs the cart's lines and total.",
            tests: &[
                "a_cart_that_the_platform_does_not_show_opens_no_session",
                "a_cart_that_cannot_be_read_is_not_charged",
            ],
        },
    ),
    case(
        9,
        "A cart that survives its order keeps its payment, and the next order takes that along.",
        Held {
            by: "What the cart names is asked how it stands before the charge, and taken off after the sale.",
            tests: &[
                "a_cart_that_another_program_has_paid_is_not_charged_again",
                "a_payment_that_cannot_be_taken_off_the_cart_is_taken_off_later",
            ],
        },
    ),
    case(
        10,
        "Several checkouts of one cart make several orders of one payment.",
        Held {
            by: "An order is looked for by our name before it is asked for again; a twin that shows up late is cancelled.",
            tests: &[
                "an_order_that_the_list_shows_late_is_not_made_twice",
                "an_order_that_showed_too_late_is_made_twice_and_one_is_cancelled",
                "a_confirmation_whose_answer_is_lost_books_once_where_a_second_would_count",
            ],
        },
    ),
    case(
        11,
        "Stock, or the gift that a promotion adds, is gone at the checkout, after the charge.",
        Held {
            by: "A person is called, and the shopper is told what is certain. The simulator knows no gifts: the refusal is the same, of another article.",
            tests: &[
                "stock_that_is_gone_at_the_checkout_is_a_matter_for_a_person_and_she_is_told",
                "stock_that_is_gone_after_the_charge_is_told_as_it_is_wherever_she_asks",
            ],
        },
    ),
    case(
        12,
        "The cart changes after its payment was made for a sum.",
        Held {
            by: "Cart and sums are compared before the charge, before the order and before the booking.",
            tests: &[
                "a_cart_that_changes_between_charge_and_checkout_makes_no_order",
                "what_the_shopper_saw_is_what_is_charged_a_promotion_that_ended_stops_it",
            ],
        },
    ),
    case(
        13,
        "A payment that takes its time is shown as a success.",
        Held {
            by: "It is pending, and no order, until the bank has paid.",
            tests: &[
                "a_debit_is_pending_until_its_bank_has_paid",
                "a_debit_that_its_bank_refuses_is_no_sale",
            ],
        },
    ),
    case(
        14,
        "The token was made with a key of another account than the store's.",
        Held {
            by: "The store's refusal of a token is a failed try: nothing is charged, and the shopper hears so.",
            tests: &["a_token_that_cannot_be_used_is_a_failed_try"],
        },
    ),
    case(
        15,
        "The payment is asked for with a list of methods beside the automatic ones.",
        Held {
            by: "One request, compared field by field.",
            tests: &["the_request_confirms_at_once_with_the_shoppers_token"],
        },
    ),
    case(
        16,
        "A part of an address is missing, and the checkout is refused after the charge.",
        Held {
            by: "All that the checkout asks for is asked for before the charge; what is unknown is an empty text.",
            tests: &[
                "missing_fields_are_named_in_the_contracts_order",
                "what_is_not_known_is_an_empty_text_and_never_null",
            ],
        },
    ),
    case(
        17,
        "The cart cannot be deleted right after its account let go of it, or because it is the account's last.",
        Held {
            by: "The deletion is tried again; a last cart is emptied.",
            tests: &[
                "a_cart_that_is_not_deleted_right_after_its_account_let_go_is_deleted_later",
                "an_accounts_last_cart_is_emptied_where_it_cannot_be_deleted",
            ],
        },
    ),
    case(
        18,
        "An id leads out of its path, to other people's orders.",
        Held {
            by: "An id is letters, digits, `-` and `_`, checked where it comes in.",
            tests: &[
                "no_id_can_leave_its_segment_of_a_path",
                "without_a_cart_or_with_a_name_that_is_none_there_is_no_session_at_the_platform",
            ],
        },
    ),
    case(
        19,
        "After a sign-out, or into another account, the next person sees what the last one typed.",
        Held {
            by: "A form is shown to the sign-in that filled it in; another begins an empty one.",
            tests: &["what_one_account_has_filled_in_is_not_shown_to_whoever_signs_in_next"],
        },
    ),
    case(
        20,
        "Behind a proxy that ends TLS the storefront's session has two names.",
        Held {
            by: "Both are read, the secure one first, and a bought cart is taken out of both.",
            tests: &[
                "of_two_cookies_the_one_that_travels_by_tls_counts_and_both_lose_a_cart_that_is_bought",
            ],
        },
    ),
    case(
        21,
        "A payment that was taken off its cart is completed by the shopper later: money without an order.",
        Held {
            by: "A challenge that was given up is closed, or watched until it can no longer succeed; passed after all, it is a sale.",
            tests: &[
                "a_challenge_that_was_passed_after_all_is_a_sale",
                "a_challenge_that_is_given_up_blocks_the_cart_where_it_cannot_be_closed",
                "a_challenge_that_is_given_up_is_closed_where_elastic_path_can",
            ],
        },
    ),
    case(
        22,
        "The process dies between charge and order.",
        Held {
            by: "The purchase is on the disk, and the worker goes on with it.",
            tests: &[
                "a_purchase_at_elastic_path_survives_a_crash_anywhere",
                "a_charge_whose_answer_is_lost_is_charged_once",
            ],
        },
    ),
    case(
        23,
        "A store with several stock locations refuses a changed quantity that names none.",
        Apart {
            why: "such stores are not sold from: no line names a location, and the refusal is shown.",
        },
    ),
];
