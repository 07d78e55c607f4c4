//! The cases from the 35th on.

use super::case;
use crate::failures::Case;
use crate::failures::Standing::{Apart, Held};

pub(super) static CASES: &[Case] = &[
    case(
        35,
        "Money is taken, and there is no order.",
        Held {
            by: "The order and its stock are there before the payment; a payment that names an order that is not there is found.",
            tests: &[
                "a_server_killed_between_the_charge_and_the_event_finds_both",
                "payments_that_name_our_orders_and_are_not_ours_call_a_person",
            ],
        },
    ),
    case(
        36,
        "The confirm call believes the browser.",
        Held {
            by: "Stripe is asked, and only its event pays.",
            tests: &["a_payment_that_nobody_has_confirmed_is_pending_and_open"],
        },
    ),
    case(
        37,
        "A cheap payment pays a dear order.",
        Held {
            by: "Id, order, amount and currency must all be the order's.",
            tests: &[
                "an_event_of_another_payment_does_not_pay_an_order_that_it_names",
                "money_of_another_amount_does_not_pay_an_order_but_calls_a_person",
            ],
        },
    ),
    case(
        38,
        "The browser names the price.",
        Held {
            by: "Totals are computed from the server's own cart.",
            tests: &[
                "what_a_browser_says_about_prices_is_not_believed",
                "what_a_browser_says_about_the_amount_is_not_believed",
            ],
        },
    ),
    case(
        39,
        "Two shoppers pay for the last piece.",
        Held {
            by: "Stock is reserved before the payment, by a conditional update.",
            tests: &["of_fifty_buyers_of_ten_pieces_ten_pay_and_forty_hear_so_before_they_pay"],
        },
    ),
    case(
        40,
        "Goods sell out while they lie in a cart.",
        Held {
            by: "Stock is looked at when the order is made, not only in the cart.",
            tests: &["a_cart_with_one_line_too_many_reserves_nothing_of_the_others"],
        },
    ),
    case(
        41,
        "A paid order is cancelled as unpaid.",
        Held {
            by: "Stripe is told to cancel first; what has succeeded or is under way stays.",
            tests: &[
                "a_payment_that_succeeded_just_before_the_end_is_settled_and_not_cancelled",
                "a_debit_under_way_keeps_its_order_for_days",
                "a_shopper_who_pays_before_her_wish_is_carried_out_has_paid",
            ],
        },
    ),
    case(
        42,
        "Money comes for an order that is over.",
        Held {
            by: "All of it goes back by itself, in a refund that an order has once, written where the success is taken in.",
            tests: &[
                "money_that_comes_after_its_order_is_over_goes_back_once",
                "money_that_came_too_late_goes_back_although_the_key_of_its_refund_is_forgotten",
            ],
        },
    ),
    case(
        43,
        "A paid payment is cancelled, an unpaid one refunded.",
        Held {
            by: "The payment's state at Stripe decides.",
            tests: &["a_payment_that_succeeded_just_before_the_end_is_settled_and_not_cancelled"],
        },
    ),
    case(
        44,
        "The cart is emptied before the payment has succeeded.",
        Held {
            by: "A cart is closed by the step to paid, in its transaction.",
            tests: &["a_declined_card_leaves_the_cart_and_an_order_that_can_still_be_paid"],
        },
    ),
    case(
        45,
        "Clearing the cart fails after the payment.",
        Apart { why: "it is no step of its own: cart and order change in one transaction." },
    ),
    case(
        46,
        "The event is late, the page waits for ever, and the shopper pays again.",
        Held {
            by: "Confirm asks Stripe itself and wakes the search for the event.",
            tests: &["confirm_leads_to_paid_although_every_webhook_is_lost"],
        },
    ),
    case(
        47,
        "A total of nothing, or below what can be charged.",
        Held {
            by: "Nothing is paid at once and without Stripe; too little is refused before.",
            tests: &[
                "an_order_that_costs_nothing_is_paid_at_once",
                "a_total_below_stripes_minimum_is_refused_and_says_the_minimum",
            ],
        },
    ),
    case(
        48,
        "The bank's window is closed, the page reloaded, the phone switched off.",
        Held {
            by: "The payment waits, can be taken up again, and ends when nobody comes back.",
            tests: &[
                "a_shopper_who_fails_to_authenticate_can_pay_with_another_card",
                "an_authentication_that_is_never_finished_expires",
            ],
        },
    ),
    case(
        49,
        "A failed return from the bank leads round in circles.",
        Held {
            by: "The page that she comes back to asks how the payment stands and leads nowhere; the server believes nothing of what the address of that page says.",
            tests: &["whoever_comes_back_from_her_bank_in_vain_is_told_so_once_and_pays_otherwise"],
        },
    ),
    case(
        50,
        "No way back is given, and every payment is refused.",
        Held {
            by: "Whoever confirms says where she comes back to: a session's payment the shop's own page, a browser its own; the simulator insists on it.",
            tests: &[
                "a_bank_that_leads_her_away_leads_her_back_and_the_session_is_resumed",
                "a_confirmation_needs_a_method_the_right_amount_and_a_way_back",
            ],
        },
    ),
    case(
        51,
        "A confirmation token is used twice, or too late.",
        Held {
            by: "A token is part of the order that it pays: sent again it is that order; one that Stripe refuses ends its order, and another pays.",
            tests: &[
                "the_same_declined_token_again_is_answered_the_same",
                "a_token_that_stripe_does_not_know_charges_nothing_and_another_pays",
            ],
        },
    ),
    case(
        52,
        "A debit is delivered before it is paid, or never, or fails days later.",
        Held {
            by: "Its own state, with the stock kept until the bank has spoken.",
            tests: &[
                "a_debit_keeps_its_stock_until_the_bank_has_paid",
                "a_debit_that_fails_later_ends_the_order_and_releases_its_stock",
            ],
        },
    ),
    case(
        53,
        "A refund in the Dashboard is not seen, or ours is counted twice.",
        Held {
            by: "Refunds are kept by Stripe's id; ours carry an id of ours and are written before the call.",
            tests: &[
                "a_refund_made_in_stripes_dashboard_shows_up_here",
                "a_refund_whose_events_stripe_has_forgotten_is_taken_in",
                "events_of_refunds_ten_times_and_backwards_leave_the_same_books",
            ],
        },
    ),
    case(
        54,
        "A refund fails later, is too large, or is made twice, or beside a dispute.",
        Held {
            by: "What is left is decided under the order's lock; one key for each refund; a failure reopens the order and calls a person; nothing is given back while a bank has the money.",
            tests: &[
                "more_than_what_was_received_is_never_given_back",
                "a_refund_that_fails_weeks_later_shows_the_order_as_paid_and_calls_a_person",
                "a_refund_whose_answer_was_lost_is_made_once",
                "a_fault_of_stripes_that_it_keeps_before_a_refund_was_made_ends_with_a_person",
                "a_payment_whose_money_a_bank_has_is_not_given_back",
                "a_refund_under_way_that_a_dispute_overtakes_fails_and_is_not_made_again",
            ],
        },
    ),
    case(
        55,
        "Nobody notices a dispute, or one that was won leaves the order wrong.",
        Held {
            by: "Disputes are kept beside the order, by their payment, and read again at every event; each calls a person who can act, and the order stays paid.",
            tests: &[
                "a_dispute_is_recorded_beside_the_order_and_calls_a_person",
                "a_dispute_is_found_although_every_webhook_is_lost",
                "a_key_that_may_not_read_disputes_calls_a_person_who_can_mend_it",
                "a_dispute_that_is_won_lets_the_money_be_given_back_again",
                "several_disputes_of_one_payment_are_all_recorded",
                "an_early_fraud_warning_asks_a_person_whether_to_give_the_money_back",
                "what_is_said_beside_a_payment_before_we_know_of_it_is_not_lost",
            ],
        },
    ),
    case(
        56,
        "Thousands of stolen cards are tried at an open checkout.",
        Held {
            by: "New orders and declines are limited by visitor, network, mailbox and card, in rows that all nodes share; when banks refuse most tries of the shop, new orders need a challenge.",
            tests: &[
                "ten_thousand_attempts_from_a_few_networks_are_stopped_by_their_limits",
                "ten_thousand_attempts_from_as_many_networks_are_stopped_by_the_breaker",
                "a_card_that_is_declined_often_ends_the_orders_it_is_tried_on",
                "who_gives_an_order_up_right_after_a_decline_is_known_by_it_all_the_same",
                "when_banks_refuse_most_tries_new_orders_need_a_challenge_until_it_is_over",
                "ten_declines_in_a_row_close_the_order",
            ],
        },
    ),
    case(
        57,
        "Amounts a hundred times too large or too small.",
        Held {
            by: "One table of Stripe's units, used in both directions; what cannot be sent exactly is refused.",
            tests: &[
                "amounts_are_sent_in_the_unit_that_stripe_counts_the_currency_in",
                "an_amount_that_stripe_cannot_charge_exactly_is_refused_not_rounded",
                "what_is_sent_is_read_back_exactly",
                "amounts_have_the_decimals_of_the_shops_currency",
            ],
        },
    ),
    case(
        58,
        "A long text or a bad address breaks the payment.",
        Held {
            by: "Metadata carries ids alone; addresses are checked before Stripe sees them.",
            tests: &[
                "an_email_address_that_cannot_be_written_to_is_refused",
                "a_postal_code_follows_the_rules_of_its_country",
            ],
        },
    ),
    case(
        59,
        "Stripe is slow or refuses on the busiest day.",
        Held {
            by: "Deadlines, waits that grow, and answers that say what is known.",
            tests: &[
                "while_stripe_does_not_answer_the_order_waits_and_nothing_is_asked_twice",
                "a_fault_of_stripes_after_the_effect_is_looked_up_and_not_repeated",
            ],
        },
    ),
    case(
        60,
        "One shop has several webhook endpoints.",
        Held {
            by: "The same event twice is one event; `till doctor` tells of a second endpoint.",
            tests: &[
                "the_same_events_ten_times_at_once_and_backwards_leave_the_same_books",
                "a_webhook_endpoint_that_is_missing_disabled_or_sent_too_little_is_wrong",
            ],
        },
    ),
    case(
        61,
        "Keys stand in a log, one shopper gets another's payment.",
        Held {
            by: "Secrets do not print themselves; orders and payments are for the visitor who made them.",
            tests: &[
                "nobody_else_can_tell_whether_an_order_exists",
                "confirm_answers_only_the_visitor_who_made_the_order",
                "metrics_count_what_happens_and_name_nobody",
            ],
        },
    ),
];
