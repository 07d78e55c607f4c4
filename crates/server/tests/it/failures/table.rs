//! The cases, by number.

use super::Case;
use super::Standing::{self, Held};

mod later;

/// The first case of each group, and what the group is about.
pub(super) static GROUPS: &[(u8, &str)] = &[
    (1, "Webhooks and the order's time"),
    (19, "Charged twice, charged wrongly"),
    (35, "Paid without an order, an order without payment, stock"),
    (48, "3-D Secure and payments that take their time"),
    (53, "Refunds and disputes"),
    (56, "Abuse, operation, formats of money"),
];

pub(super) const fn case(number: u8, what: &'static str, standing: Standing) -> Case {
    Case { number, what, standing }
}

/// Every case.
pub(super) fn cases() -> impl Iterator<Item = &'static Case> {
    FIRST.iter().chain(later::CASES)
}

static FIRST: &[Case] = &[
    case(
        1,
        "The event comes before the order's row is there and is lost.",
        Held {
            by: "Order, payment and attempt are written before Stripe is asked; an event is stored before it is answered.",
            tests: &["a_server_killed_while_it_asks_for_a_payment_asks_again_under_the_same_key"],
        },
    ),
    case(
        2,
        "The browser's return and the event complete an order at the same time, and one undoes the other.",
        Held {
            by: "One way into paid, under the order's lock, and only by an event.",
            tests: &["a_hundred_confirms_and_events_at_once_pay_each_order_once"],
        },
    ),
    case(
        3,
        "Two orders from one cart.",
        Held {
            by: "One live payment per cart, which the database insists on.",
            tests: &["ten_intents_at_once_make_one_order_and_one_payment"],
        },
    ),
    case(
        4,
        "Checkout and webhook wait for each other's locks.",
        Held {
            by: "One order of locks, short transactions, none open while Stripe is asked; a deadlock is tried again.",
            tests: &["a_hundred_confirms_and_events_at_once_pay_each_order_once"],
        },
    ),
    case(
        5,
        "An event is marked as seen, its work fails, and the repeat is skipped.",
        Held {
            by: "An event counts as applied in the transaction that applies it.",
            tests: &[
                "an_event_is_applied_once",
                "an_event_that_could_not_be_applied_comes_back",
                "an_event_that_was_taken_is_there_although_the_server_dies_at_once",
                "a_webhook_survives_a_crash_anywhere",
            ],
        },
    ),
    case(
        6,
        "The same event twice at the same time.",
        Held {
            by: "The event's id is the inbox's key.",
            tests: &["the_same_events_ten_times_at_once_and_backwards_leave_the_same_books"],
        },
    ),
    case(
        7,
        "Two events for one happening send two mails and take stock twice.",
        Held {
            by: "What follows hangs on the order's step, not on the event.",
            tests: &[
                "two_events_for_one_happening_have_one_effect",
                "a_paid_order_brings_one_receipt_although_its_event_comes_ten_times",
            ],
        },
    ),
    case(
        8,
        "A late decline makes a paid order a failed one.",
        Held {
            by: "Paid has no way back to failed.",
            tests: &["a_late_decline_does_not_unpay_a_paid_order"],
        },
    ),
    case(
        9,
        "Success is ignored because an earlier try had failed.",
        Held {
            by: "A decline ends a try and not the payment.",
            tests: &["a_declined_card_leaves_the_cart_and_an_order_that_can_still_be_paid"],
        },
    ),
    case(
        10,
        "Events come in another order than they were made.",
        Held {
            by: "Only a success or a cancellation is the truth; every other event makes us ask.",
            tests: &["all_events_backwards_and_at_once_still_pay_the_order_once"],
        },
    ),
    case(
        11,
        "A cart is completed by an event that says no more than that a payment exists.",
        Held {
            by: "Only a success pays.",
            tests: &["a_payment_that_nobody_has_confirmed_is_pending_and_open"],
        },
    ),
    case(
        12,
        "No event arrives, and paid orders are cancelled.",
        Held {
            by: "Events are also fetched, Stripe is asked before anything is cancelled, and books are compared daily.",
            tests: &[
                "the_worker_compares_books_daily_and_after_an_outage_longer_than_events_are_kept",
                "the_worker_leads_to_paid_although_every_webhook_is_lost",
                "confirm_leads_to_paid_although_every_webhook_is_lost",
            ],
        },
    ),
    case(
        13,
        "Events of other programs on the account are refused until Stripe gives up on the endpoint.",
        Held {
            by: "What is signed is taken in; 400 is for bad signatures alone.",
            tests: &["events_of_strangers_and_unknown_kinds_are_taken_in_and_change_nothing"],
        },
    ),
    case(
        14,
        "The handler is slow, Stripe sends again, and again.",
        Held {
            by: "Stored, answered, and worked off afterwards; no question to Stripe in between.",
            tests: &["an_order_is_paid_at_once_although_stripe_answers_no_question"],
        },
    ),
    case(
        15,
        "200 is answered, and then the work is lost.",
        Held {
            by: "The event is on the disk before the answer.",
            tests: &["an_event_that_was_taken_is_there_although_the_server_dies_at_once"],
        },
    ),
    case(
        16,
        "Signatures fail for a body that was parsed first, a wrong secret, or an old event.",
        Held {
            by: "The raw bytes are checked, with every secret there is, five minutes either way; `till doctor` compares the clocks and says when the last signed event came.",
            tests: &[
                "a_clock_that_signed_events_would_fail_by_is_wrong",
                "a_forged_unsigned_or_stale_event_is_refused_and_not_stored",
                "while_a_secret_is_rolled_either_one_is_enough",
                "a_webhook_secret_is_trimmed_told_from_other_keys_and_never_shown",
            ],
        },
    ),
    case(
        17,
        "A test event pays a live order.",
        Held {
            by: "The mode of an event must be that of the key, and both keys must be of one mode.",
            tests: &[
                "events_of_strangers_and_unknown_kinds_are_taken_in_and_change_nothing",
                "keys_of_two_modes_do_not_go_together",
            ],
        },
    ),
    case(
        18,
        "An event of another API version cannot be read, and Stripe sends it for ever.",
        Held {
            by: "Few fields are read, and what cannot be read is kept for a person.",
            tests: &[
                "a_signed_event_that_cannot_be_read_is_kept_and_shown_to_a_person",
                "a_payment_of_ours_in_a_shape_that_we_cannot_read_is_to_be_read_again",
            ],
        },
    ),
    case(
        19,
        "An answer is lost, the shopper tries again, and is charged twice.",
        Held {
            by: "The same key for the same attempt; no other attempt before the first is known.",
            tests: &[
                "a_lost_answer_is_asked_for_again_under_the_same_key",
                "an_answer_that_breaks_off_is_asked_for_again",
                "an_answer_that_says_nothing_is_no_yes_and_no_no",
            ],
        },
    ),
    case(
        20,
        "A double click.",
        Held {
            by: "The same cart and request are the same order and payment.",
            tests: &["ten_intents_at_once_make_one_order_and_one_payment"],
        },
    ),
    case(
        21,
        "Two tabs, each with a payment of its own, and both are paid.",
        Held {
            by: "A new payment of a cart begins only when the old one can no longer succeed; what another payment brings that names the order goes back by itself, once.",
            tests: &[
                "a_changed_cart_replaces_the_order_and_the_old_payment_can_no_longer_succeed",
                "a_second_success_on_one_order_is_given_back_once_and_shown_to_a_person",
                "a_second_payment_that_succeeds_while_the_orders_own_is_open_does_not_pay_it",
            ],
        },
    ),
    case(
        22,
        "One payment for two orders of different totals.",
        Held {
            by: "A payment belongs to one order, by its id and by its metadata.",
            tests: &["an_event_of_another_payment_does_not_pay_an_order_that_it_names"],
        },
    ),
    case(
        23,
        "A reload makes another payment, and the first is paid and never found.",
        Held {
            by: "The same request is the same payment, and every payment stays on the books.",
            tests: &["the_same_cart_and_request_again_is_the_same_order_and_payment"],
        },
    ),
    case(
        24,
        "The page holds an old payment, and an old amount is charged.",
        Held {
            by: "A changed cart cancels the old payment first; what was received must be the total.",
            tests: &[
                "a_changed_cart_replaces_the_order_and_the_old_payment_can_no_longer_succeed",
                "money_of_another_amount_does_not_pay_an_order_but_calls_a_person",
            ],
        },
    ),
    case(
        25,
        "The price changes after a decline, and the old payment is used again.",
        Held {
            by: "Prices are compared at every request, and another total is another payment.",
            tests: &["a_price_that_changed_is_shown_before_anything_is_charged"],
        },
    ),
    case(
        26,
        "The page reports a failure although the charge was made, and the shopper pays again.",
        Held {
            by: "The request repeated answers with the order that is paid.",
            tests: &["an_intent_repeated_after_the_payment_answers_with_the_paid_order"],
        },
    ),
    case(
        27,
        "More or less is charged than was ordered.",
        Held {
            by: "The total is frozen before Stripe is asked; another amount received does not pay.",
            tests: &["money_of_another_amount_does_not_pay_an_order_but_calls_a_person"],
        },
    ),
    case(
        28,
        "The same capture is counted twice, from the answer and from the event.",
        Held {
            by: "Amounts are set, never added.",
            tests: &["the_same_events_ten_times_at_once_and_backwards_leave_the_same_books"],
        },
    ),
    case(
        29,
        "Confirming what is already paid is shown as a failure.",
        Held {
            by: "A refusal for the payment's state makes us read the payment.",
            tests: &["a_payment_that_succeeded_just_before_the_end_is_settled_and_not_cancelled"],
        },
    ),
    case(
        30,
        "A key is used again with other parameters.",
        Held {
            by: "The key is the attempt's, and what is sent under it is kept with it.",
            tests: &["another_address_is_another_order_at_the_same_stock"],
        },
    ),
    case(
        31,
        "A good card gets the decline of the card before it, repeated under the same key.",
        Held {
            by: "In the shop's API the browser confirms, under keys of its own; in a session each token is an order, and the key is the order's attempt's.",
            tests: &[
                "a_declined_card_leaves_the_session_open_and_another_card_pays_it",
                "a_declined_card_leaves_the_cart_and_an_order_that_can_still_be_paid",
            ],
        },
    ),
    case(
        32,
        "A key of yesterday is sent again and charges again.",
        Held {
            by: "After twenty hours a payment is looked up and never asked for again.",
            tests: &["a_payment_that_was_asked_for_longer_ago_than_a_key_lives_is_looked_up"],
        },
    ),
    case(
        33,
        "A busy Stripe is shown as a problem of the card.",
        Held {
            by: "409, 429 and lock time-outs are asked again; what stays unknown is said to be unknown.",
            tests: &["a_busy_stripe_is_asked_again_and_the_shopper_does_not_notice"],
        },
    ),
    case(
        34,
        "A payment is made at Stripe, and our write fails.",
        Held {
            by: "Row first, then the call, then the answer; the worker asks for what has no answer.",
            tests: &["a_payment_whose_answer_was_lost_is_asked_for_again_by_the_worker"],
        },
    ),
];
