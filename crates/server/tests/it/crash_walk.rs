//! The crash walk: the power fails at every boundary of every flow, on each side of it, and
//! whatever the next process finds on the disk must be enough.
//!
//! For each flow an undisturbed run counts the boundaries (every commit, every request to the
//! gateway, every answer) and prints them; then the flow is run again for each of them, the power
//! fails there, the server is opened again over the disk as it stood, and the shopper comes back
//! at once, or later, or never. In the end our books must agree with Stripe's, nobody may be
//! charged twice, the shelves must be right, and nothing may be left lying.
//!
//! To see the boundaries: `cargo test -p server --test it crash_walk -- --nocapture`.

mod accounts;
mod flows;
mod machine;
mod platform;
mod stage;

use std::{fmt::Write as _, time::Duration};

use flows::Flow;
use machine::{Boundary, Cut, Kind, Side};
use stage::Stage;

/// When the shopper is there again.
#[derive(Debug, Clone, Copy)]
enum Return {
    /// Before the worker has done anything.
    AtOnce,
    /// When everything has settled.
    Later,
    Never,
}

/// Longer than any claim lasts and any event is late: what can heal by itself has healed.
fn a_while(stage: &Stage) {
    stage.pass(2, Duration::from_secs(2));
    stage.pass(2, Duration::from_secs(20));
    stage.pass(2, Duration::from_secs(60));
}

/// Longer than any order waits to be paid.
fn hours(stage: &Stage) {
    stage.pass(3, Duration::from_secs(40 * 60));
}

fn a_day(stage: &Stage) {
    hours(stage);
    stage.pass(2, Duration::from_secs(11 * 60 * 60));
}

/// Runs the flow once undisturbed and says what it crossed.
fn undisturbed(flow: &Flow) -> (Vec<Boundary>, Vec<String>) {
    let mut stage = Stage::open();
    (flow.before)(&mut stage).unwrap();
    stage.watch(None);
    (flow.act)(&mut stage).unwrap();
    let (mut boundaries, looks) = stage.machine().counted();
    let mut looks = looks.windows(2).skip(1);
    for boundary in boundaries.iter_mut().filter(|boundary| boundary.kind == Kind::Commit) {
        boundary.words = difference(looks.next().unwrap());
    }
    let faults = settle(&mut stage, flow, Return::Later);
    (boundaries, faults)
}

/// What a commit changed.
fn difference(looks: &[Vec<String>]) -> String {
    let (before, after) = (&looks[0], &looks[1]);
    let new: Vec<&str> =
        after.iter().filter(|fact| !before.contains(fact)).map(String::as_str).collect();
    let gone = before.iter().filter(|fact| fact.starts_with("cart") && !after.contains(fact));
    let gone = gone.map(|fact| fact.replace("cart has", "cart has no more"));
    let words: Vec<String> = new.into_iter().map(str::to_owned).chain(gone).collect();
    if words.is_empty() { "only when to look again".to_owned() } else { words.join("; ") }
}

/// The power fails at `cut`. Returns what is wrong in the end.
fn with_a_cut(flow: &Flow, cut: Cut, comes_back: Return) -> Vec<String> {
    let mut stage = Stage::open();
    (flow.before)(&mut stage).unwrap();
    stage.watch(Some(cut));
    let survived = (flow.act)(&mut stage).is_some();
    if survived {
        return vec!["the power did not fail".to_owned()];
    }
    stage.open_again();
    settle(&mut stage, flow, comes_back)
}

/// Everything takes its course. Returns what is wrong in the end.
fn settle(stage: &mut Stage, flow: &Flow, comes_back: Return) -> Vec<String> {
    stage.stripe.clear_faults();
    stage.stripe.release_webhooks();
    match comes_back {
        Return::AtOnce => {
            (flow.act)(stage).unwrap();
            stage.let_arrive();
        }
        Return::Later => {
            a_while(stage);
            stage.let_arrive();
            (flow.act)(stage).unwrap();
        }
        Return::Never => {
            hours(stage);
            // No request is on its way for as long as a key lives.
            stage.let_arrive();
        }
    }
    let bought = match comes_back {
        Return::AtOnce | Return::Later => flows::buy(stage),
        Return::Never => Ok(()),
    };
    a_while(stage);
    let mut faults = stage.compare();
    faults.extend(bought.err());
    a_day(stage);
    let later = stage.compare();
    faults.extend(later.into_iter().filter(|fault| !faults.contains(fault)).collect::<Vec<_>>());
    if stage.orders().contains("pending") {
        faults.push("an order is still pending after a day".to_owned());
    }
    faults
}

fn side_in_words(kind: Kind, side: Side) -> &'static str {
    match (kind, side) {
        (Kind::Commit, Side::After) => "right after it",
        (Kind::Answer, Side::After) => "right after it has come in",
        (Kind::Send, Side::OnTheWay | Side::After) => "while it is on its way",
        (Kind::Commit | Kind::Send | Kind::Answer, Side::Before | Side::OnTheWay) => "before it",
    }
}

/// Walks a flow. `expected` is how many boundaries it crosses.
fn walk(name: &str, flow: &Flow, expected: usize) {
    let (boundaries, mut faults) = undisturbed(flow);
    faults.iter_mut().for_each(|fault| fault.insert_str(0, "undisturbed: "));
    let mut listed = format!("{name}, {} boundaries\n", boundaries.len());
    for (number, Boundary { kind, words }) in (1..).zip(&boundaries) {
        let kind = format!("{kind:?}").to_lowercase();
        writeln!(listed, "{number:>4}  {kind:<6}  {words}").unwrap();
    }
    println!("{listed}");
    assert_eq!(
        boundaries.len(),
        expected,
        "{listed}\nThis flow crosses another number of boundaries than was thought about. For each \
         new one say what happens if the process dies before it and after it (the tables in \
         docs/ARCHITECTURE.md, the comment of the flow); if the walk below passes with the new \
         number and the list is what you meant, change the number in \
         crates/server/tests/it/crash_walk.rs."
    );
    let mut cuts = 0;
    for (number, boundary) in (1..).zip(&boundaries) {
        for side in boundary.kind.sides() {
            for comes_back in [Return::AtOnce, Return::Later, Return::Never] {
                cuts += 1;
                let found = with_a_cut(flow, (number, side), comes_back);
                faults.extend(found.into_iter().map(|fault| {
                    let side = side_in_words(boundary.kind, side);
                    let words = &boundary.words;
                    format!(
                        "the power fails at {number} ({words}), {side}; she comes back \
                         {comes_back:?}: {fault}"
                    )
                }));
            }
        }
    }
    println!("{name}: the power failed {cuts} times, {} faults\n", faults.len());
    assert!(faults.is_empty(), "{listed}\n{}", faults.join("\n"));
}

/// Makes a test of each flow of a module: its name, the flow, the number of its boundaries.
macro_rules! survived {
    (in $place:ident $($name:ident: $flow:ident crosses $boundaries:literal;)+) => {$(
        #[test]
        fn $name() {
            walk(stringify!($name), &$place::$flow, $boundaries);
        }
    )+};
}

survived! {
    in flows
    a_first_intent_survives_a_crash_anywhere: FIRST_INTENT crosses 4;
    a_repeated_intent_survives_a_crash_anywhere: REPEATED_INTENT crosses 1;
    an_intent_whose_first_answer_is_lost_survives_a_crash_anywhere:
        INTENT_WHOSE_FIRST_ANSWER_IS_LOST crosses 6;
    an_intent_repeated_after_all_answers_were_lost_survives_a_crash_anywhere:
        INTENT_REPEATED_AFTER_ALL_ANSWERS_WERE_LOST crosses 3;
    an_intent_with_nothing_to_pay_survives_a_crash_anywhere:
        INTENT_WITH_NOTHING_TO_PAY crosses 1;
    an_intent_after_the_cart_changed_survives_a_crash_anywhere:
        INTENT_AFTER_THE_CART_CHANGED crosses 10;
    a_confirm_survives_a_crash_anywhere: CONFIRM crosses 12;
    a_webhook_survives_a_crash_anywhere: WEBHOOK crosses 10;
    telling_others_survives_a_crash_anywhere: OTHERS_TOLD crosses 7;
    a_polled_event_survives_a_crash_anywhere: POLLED_EVENT crosses 9;
    a_decline_that_is_heard_survives_a_crash_anywhere: DECLINE_HEARD crosses 10;
    a_cancellation_that_is_heard_survives_a_crash_anywhere: CANCELLATION_HEARD crosses 4;
    a_payment_that_failed_for_good_survives_a_crash_anywhere:
        PAYMENT_THAT_FAILED_FOR_GOOD crosses 17;
    an_expiry_survives_a_crash_anywhere: EXPIRY crosses 8;
    an_expiry_of_a_payment_that_stripe_never_confirmed_survives_a_crash_anywhere:
        EXPIRY_OF_A_PAYMENT_THAT_STRIPE_NEVER_CONFIRMED crosses 12;
    a_cancellation_by_the_shopper_survives_a_crash_anywhere:
        CANCELLATION_BY_THE_SHOPPER crosses 8;
    a_cancellation_carried_out_later_survives_a_crash_anywhere:
        CANCELLATION_CARRIED_OUT_LATER crosses 9;
    reconciling_an_unknown_attempt_survives_a_crash_anywhere:
        RECONCILING_AN_UNKNOWN_ATTEMPT crosses 4;
    reconciling_an_attempt_older_than_its_key_survives_a_crash_anywhere:
        RECONCILING_AN_ATTEMPT_OLDER_THAN_ITS_KEY crosses 9;
    a_refund_made_at_stripe_that_is_heard_survives_a_crash_anywhere:
        REFUND_MADE_AT_STRIPE crosses 10;
    a_refund_by_the_operator_survives_a_crash_anywhere: REFUND_BY_THE_OPERATOR crosses 7;
    money_that_comes_when_its_order_is_over_survives_a_crash_anywhere:
        SUCCESS_AFTER_THE_END crosses 15;
    a_dispute_that_is_heard_survives_a_crash_anywhere: DISPUTE_HEARD crosses 9;
    a_second_success_that_is_heard_survives_a_crash_anywhere: SECOND_SUCCESS_HEARD crosses 14;
    the_rest_of_a_second_success_survives_a_crash_anywhere:
        SECOND_SUCCESS_OF_WHICH_A_PART_WENT_BACK crosses 30;
    comparing_a_success_without_its_event_survives_a_crash_anywhere:
        COMPARING_A_SUCCESS_WITHOUT_ITS_EVENT crosses 18;
    comparing_a_refund_that_nobody_told_of_survives_a_crash_anywhere:
        COMPARING_A_REFUND_THAT_NOBODY_TOLD_OF crosses 13;
    the_payment_of_a_session_survives_a_crash_anywhere: PAYMENT_OF_A_SESSION crosses 4;
    the_payment_of_a_session_whose_first_answer_is_lost_survives_a_crash_anywhere:
        PAYMENT_OF_A_SESSION_WHOSE_FIRST_ANSWER_IS_LOST crosses 6;
    the_payment_of_a_session_after_a_decline_survives_a_crash_anywhere:
        PAYMENT_OF_A_SESSION_AFTER_A_DECLINE crosses 9;
    the_resumption_of_a_session_survives_a_crash_anywhere:
        SESSION_RESUMED_AFTER_ITS_CHALLENGE crosses 18;
    the_challenge_of_a_session_that_is_given_up_survives_a_crash_anywhere:
        CHALLENGE_OF_A_SESSION_GIVEN_UP crosses 8;
    a_session_with_nothing_to_pay_survives_a_crash_anywhere:
        SESSION_WITH_NOTHING_TO_PAY crosses 1;
}

survived! {
    in accounts
    a_registration_survives_a_crash_anywhere: REGISTRATION crosses 4;
    the_proof_of_an_address_survives_a_crash_anywhere: VERIFICATION crosses 3;
    a_sign_in_with_a_cart_that_is_being_paid_survives_a_crash_anywhere:
        SIGN_IN_WITH_A_CART_THAT_IS_BEING_PAID crosses 2;
    a_reset_survives_a_crash_anywhere: RESET crosses 5;
    a_change_of_everything_survives_a_crash_anywhere: CHANGE_OF_EVERYTHING crosses 8;
    the_deletion_of_an_account_survives_a_crash_anywhere: DELETION crosses 3;
}

/// The same for the flows at Elastic Path.
macro_rules! survived_at_elastic_path {
    ($($name:ident: $flow:ident crosses $boundaries:literal;)+) => {$(
        #[test]
        fn $name() {
            platform::walk(stringify!($name), &platform::flows::$flow, $boundaries);
        }
    )+};
}

survived_at_elastic_path! {
    a_purchase_at_elastic_path_survives_a_crash_anywhere: PURCHASE crosses 31;
    a_purchase_with_a_challenge_survives_a_crash_anywhere: PURCHASE_WITH_A_CHALLENGE crosses 35;
    a_purchase_of_a_cart_with_an_old_payment_survives_a_crash_anywhere:
        PURCHASE_OF_A_CART_THAT_WAS_TRIED_ELSEWHERE crosses 35;
    a_cart_that_is_paid_elsewhere_is_not_charged_whenever_the_power_fails:
        PURCHASE_OF_A_CART_THAT_IS_PAID_ELSEWHERE crosses 11;
    a_purchase_after_a_decline_survives_a_crash_anywhere: PURCHASE_AFTER_A_DECLINE crosses 35;
    a_purchase_by_an_account_survives_a_crash_anywhere: PURCHASE_BY_AN_ACCOUNT crosses 36;
    a_purchase_with_nothing_to_pay_survives_a_crash_anywhere:
        PURCHASE_WITH_NOTHING_TO_PAY crosses 27;
    a_debit_that_is_paid_later_survives_a_crash_anywhere: DEBIT_THAT_IS_PAID crosses 18;
    a_challenge_that_is_given_up_survives_a_crash_anywhere: CHALLENGE_GIVEN_UP crosses 23;
    a_lost_order_that_is_found_survives_a_crash_anywhere: ORDER_THAT_IS_FOUND crosses 20;
    the_twin_of_an_order_survives_a_crash_anywhere: TWIN_THAT_IS_FOUND crosses 10;
    a_purchase_that_an_operator_ends_as_paid_survives_a_crash_anywhere:
        SETTLED_AS_PAID crosses 15;
    a_purchase_that_an_operator_ends_as_not_paid_survives_a_crash_anywhere:
        SETTLED_AS_NOT_PAID crosses 11;
}
