//! The cases, by number.

use super::Case;
use super::Standing::{self, Apart, Held, Open};

/// The first case of each group, and what the group is about.
pub(super) static GROUPS: &[(u8, &str)] = &[
    (1, "Webhooks and the order's time"),
    (19, "Charged twice, charged wrongly"),
    (35, "Paid without an order, an order without payment, stock"),
    (48, "3-D Secure and payments that take their time"),
    (53, "Refunds and disputes"),
    (56, "Abuse, operation, formats of money"),
];

const fn case(number: u8, what: &'static str, standing: Standing) -> Case {
    Case { number, what, standing }
}

pub(super) static CASES: &[Case] = &[
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
            tests: &["an_event_is_applied_once", "an_event_that_could_not_be_applied_comes_back"],
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
        Apart { why: "the browser confirms, under keys of its own; the server confirms nothing." },
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
        Open { why: "there is no page to return to yet; it comes with the storefront." },
    ),
    case(
        50,
        "No way back is given, and every payment is refused.",
        Held {
            by: "Payments are made without redirects; the simulator insists on a way back for others.",
            tests: &["a_confirmation_needs_a_method_the_right_amount_and_a_way_back"],
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
