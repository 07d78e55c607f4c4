use jiff::SignedDuration;
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use super::*;
use crate::session::{FormAddress, SessionOrder, Standing};

mod tidied;
mod unsent;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap()).unwrap()
}

fn terms(amount: i64) -> Terms {
    let address = FormAddress::new(|_| "x".into()).unwrap();
    Terms {
        id: PurchaseId(Uuid::from_u128(1)),
        visitor: VisitorId(Uuid::from_u128(2)),
        session: SessionId(Uuid::from_u128(3)),
        cart: "5f6c".parse().unwrap(),
        cart_hash: CartHash::of([]),
        amount: usd(amount),
        buyer: Buyer {
            customer: Customer::new("Jane Doe", "jane@example.com").unwrap(),
            billing_address: address.clone(),
            shipping_address: address,
            account: None,
        },
        attributes: Attributes::default(),
        created_at: at(0),
    }
}

fn token() -> PayToken {
    PayToken::new("ctoken_1").unwrap()
}

fn fresh() -> Purchase {
    Purchase::new(terms(3599), Some(token())).unwrap()
}

fn free() -> Purchase {
    Purchase::new(terms(0), None).unwrap()
}

fn payment() -> EpPaymentId {
    "pi_1".parse().unwrap()
}

fn client_secret() -> ClientSecret {
    ClientSecret::new("pi_1_secret").unwrap()
}

fn succeeded() -> ChargeNews {
    ChargeNews::Succeeded { payment: payment(), amount: usd(3599) }
}

fn challenged() -> ChargeNews {
    let (payment, amount) = (payment(), usd(3599));
    ChargeNews::RequiresAction { payment, amount, client_secret: client_secret() }
}

fn processing() -> ChargeNews {
    ChargeNews::Processing { payment: payment(), amount: usd(3599) }
}

fn declined() -> ChargeNews {
    ChargeNews::Declined { payment: None, message: "Your card was declined.".into() }
}

fn refused() -> ChargeNews {
    ChargeNews::Refused { message: "No such token.".into() }
}

fn order(total: i64) -> OrderNews {
    OrderNews { order: "aa85".parse().unwrap(), total: usd(total) }
}

fn paid(amount: i64) -> Settlement {
    Settlement::Paid { transaction: "3369".parse().unwrap(), amount: usd(amount) }
}

fn booked(client_secret: Option<ClientSecret>) -> Settlement {
    Settlement::Pending { transaction: "3369".parse().unwrap(), client_secret }
}

fn charging() -> Purchase {
    fresh().charge(at(1)).unwrap()
}

fn charged() -> Purchase {
    charging().hear_charge(succeeded(), at(2))
}

fn ordering() -> Purchase {
    charged().check_out(at(3)).unwrap()
}

fn ordered() -> Purchase {
    ordering().hear_order(order(3599), at(4))
}

fn confirming() -> Purchase {
    ordered().confirm(at(5)).unwrap()
}

fn confirmed() -> Purchase {
    confirming().hear_settlement(paid(3599), at(6))
}

fn name(purchase: &Purchase) -> &'static str {
    purchase.state().name()
}

fn matter(purchase: &Purchase) -> Option<Matter> {
    match purchase.state() {
        PurchaseState::NeedsReconciliation { matter, .. } => Some(*matter),
        _ => None,
    }
}

#[test]
fn a_purchase_goes_from_the_charge_over_the_order_to_a_clean_cart() {
    assert_eq!(fresh().next(at(0)), Step::Prepare);
    assert_eq!(charging().next(at(1)), Step::Wait);
    assert_eq!(charged().next(at(2)), Step::CheckOut);
    assert_eq!(ordering().next(at(3)), Step::Wait);
    assert_eq!(ordered().next(at(4)), Step::Confirm("aa85".parse().unwrap()));
    assert_eq!(confirming().next(at(5)), Step::Wait);
    let mut purchase = confirmed();
    for (step, tidied) in [
        (CleanUpStep::Detach, Tidied::Detached),
        (CleanUpStep::DeleteCart, Tidied::Cart(CartsEnd::Deleted)),
    ] {
        assert!(purchase.is_live());
        assert_eq!(purchase.next(at(7)), Step::CleanUp(step));
        purchase = purchase.tidy(tidied, at(7));
    }
    assert_eq!((name(&purchase), purchase.is_live()), ("cleaned", false));
    assert_eq!((purchase.next(at(8)), purchase.due(at(8))), (Step::Nothing, None));
    let bought =
        SessionOrder { id: "aa85".into(), transaction: Some("3369".into()), is_free: false };
    assert_eq!(purchase.standing(), Standing::Succeeded(bought));
}

#[test]
fn a_purchase_that_was_not_begun_in_time_charges_nobody() {
    assert_eq!(fresh().next(at(60)), Step::GiveUp);
    assert_eq!(fresh().due(at(0)), Some(at(60)));
    assert_eq!(fresh().charge(at(60)), Err(StepError));
    assert_eq!(free().order_free(at(60)), Err(StepError));
    assert_eq!(name(&fresh().give_up(Abandonment::TooLate, at(60)).unwrap()), "abandoned");
    assert_eq!(charging().give_up(Abandonment::TooLate, at(60)), Err(StepError));
}

#[test]
fn a_cart_that_changed_before_the_charge_leaves_the_session_as_if_nothing_had_been() {
    let abandoned = fresh().give_up(Abandonment::CartChanged, at(1)).unwrap();
    assert_eq!((abandoned.standing(), abandoned.is_live()), (Standing::NotBegun, false));
}

#[test]
fn without_a_token_there_must_be_nothing_to_pay() {
    assert_eq!(Purchase::new(terms(1), None), Err(StepError));
    let state = PurchaseState::Created { token: None };
    assert_eq!(Purchase::new(terms(0), Some(token())).unwrap().state(), &state);
    assert_eq!(free().charge(at(1)), Err(StepError));
    assert_eq!(fresh().order_free(at(1)), Err(StepError));
}

#[test]
fn an_order_with_nothing_to_pay_is_made_and_confirmed_without_a_charge() {
    let ordering = free().order_free(at(1)).unwrap();
    let confirming = ordering.hear_order(order(0), at(2)).confirm(at(3)).unwrap();
    let confirmed = confirming.hear_settlement(paid(0), at(4));
    assert!(matches!(confirmed.standing(), Standing::Succeeded(order) if order.is_free));
    let refused = free().order_free(at(1)).unwrap().hear_no_order(at(2));
    assert_eq!((name(&refused), refused.is_live()), ("abandoned", false));
}

#[test]
fn a_lost_charge_is_looked_for_and_the_same_token_sent_once_more() {
    let lost = charging().lose_answer();
    assert_eq!(lost.next(at(2)), Step::FindCharge { may_repeat: false });
    assert_eq!(lost.clone().charge_again(at(2)), Err(StepError));
    assert_eq!(lost.next(at(31)), Step::FindCharge { may_repeat: true });
    let again = lost.clone().charge_again(at(31)).unwrap();
    assert!(
        matches!(again.state(), PurchaseState::Charging { token: same, .. } if *same == token())
    );
    assert_eq!(again.next(at(32)), Step::Wait);
    let lost_again = again.clone().lose_answer();
    assert_eq!(lost_again.next(at(200)), Step::FindCharge { may_repeat: false });
    assert_eq!(lost_again.clone().charge_again(at(200)), Err(StepError), "not a third time");
    assert_eq!(lost_again.next(at(241)), Step::CallPerson(Matter::ChargeUnknown));
    // A charge that the platform tells of late is taken even then.
    let called = lost_again.call_person(Matter::ChargeUnknown, at(241));
    assert_eq!(called.next(at(300)), Step::FindCharge { may_repeat: false });
    assert_eq!(name(&called.hear_charge(succeeded(), at(300))), "charged");
}

#[test]
fn a_process_that_died_with_the_charge_under_way_leaves_a_charge_to_be_looked_for() {
    assert_eq!(charging().due(at(1)), Some(at(46)));
    assert_eq!(charging().next(at(45)), Step::Wait);
    assert_eq!(charging().next(at(46)), Step::FindCharge { may_repeat: true });
}

#[test]
fn a_refusal_of_the_same_token_sent_again_is_no_proof_that_nothing_was_charged() {
    assert_eq!(name(&charging().hear_charge(refused(), at(2))), "declined");
    let again = charging().lose_answer().charge_again(at(31)).unwrap();
    let refused = again.clone().hear_charge(refused(), at(32));
    assert_eq!((matter(&refused), refused.is_live()), (Some(Matter::ChargeUnknown), true));
    assert_eq!(name(&again.hear_charge(declined(), at(32))), "declined");
}

#[test]
fn the_token_is_forgotten_once_the_outcome_is_known() {
    let debug = |purchase: Purchase| format!("{:?}", purchase.progress().state);
    assert!(debug(charging()).contains("PayToken"));
    for news in [succeeded(), challenged(), processing(), declined(), refused()] {
        assert!(!debug(charging().hear_charge(news, at(2))).contains("PayToken"));
    }
}

#[test]
fn another_amount_than_the_shopper_saw_calls_a_person_and_goes_no_further() {
    let dearer = ChargeNews::Succeeded { payment: payment(), amount: usd(3600) };
    let called = charging().hear_charge(dearer, at(2));
    assert_eq!(matter(&called), Some(Matter::ChargeAmount));
    assert_eq!(called.check_out(at(3)), Err(StepError));
    let called = ordering().hear_order(order(3600), at(4));
    assert_eq!(matter(&called), Some(Matter::OrderTotal));
    assert_eq!(called.confirm(at(5)), Err(StepError));
    let called = confirming().hear_settlement(paid(3598), at(6));
    assert_eq!(matter(&called), Some(Matter::OrderTotal));
}

#[test]
fn a_cart_that_changed_after_the_charge_calls_a_person() {
    let called = charged().call_person(Matter::CartChanged, at(3));
    assert_eq!((matter(&called), called.is_live()), (Some(Matter::CartChanged), true));
    assert_eq!(called.clone().check_out(at(4)), Err(StepError));
    assert_eq!(called.standing(), Standing::Pending { reconciling: true });
}

#[test]
fn stock_that_is_gone_at_checkout_calls_a_person_who_settles_it() {
    let called = ordering().hear_no_order(at(4));
    assert_eq!(matter(&called), Some(Matter::CheckoutRefused));
    let settled = called.settle(at(99)).unwrap();
    assert_eq!((name(&settled), settled.is_live()), ("abandoned", false));
    assert_eq!(charged().settle(at(99)), Err(StepError));
}

#[test]
fn a_lost_order_is_looked_for_over_minutes_before_it_is_asked_for_again() {
    let lost = ordering().lose_answer();
    assert_eq!(lost.next(at(60)), Step::FindOrder { may_repeat: false });
    assert_eq!(lost.clone().check_out(at(60)), Err(StepError));
    assert_eq!(lost.next(at(123)), Step::FindOrder { may_repeat: true });
    let again = lost.clone().check_out(at(123)).unwrap();
    assert_eq!(lost.hear_order(order(3599), at(60)).progress().orders_asked, 1);
    // Then there may be two orders, and the second is looked for when all is done.
    let confirming = again.hear_order(order(3599), at(124)).confirm(at(125)).unwrap();
    let confirmed = confirming.hear_settlement(paid(3599), at(126));
    let tidy = confirmed.tidy(Tidied::Detached, at(127));
    let tidy = tidy.tidy(Tidied::Cart(CartsEnd::Kept), at(127));
    assert_eq!((tidy.next(at(128)), tidy.is_live()), (Step::Wait, false));
    assert_eq!(tidy.due(at(128)), Some(at(126 + 900)));
    assert_eq!(tidy.next(at(126 + 900)), Step::CleanUp(CleanUpStep::FindTwin));
    assert_eq!(name(&tidy.tidy(Tidied::Twin, at(1100))), "cleaned");
}

#[test]
fn an_order_that_is_never_found_calls_a_person_within_five_minutes() {
    let again = ordering().lose_answer().check_out(at(123)).unwrap().lose_answer();
    assert_eq!(again.next(at(243)), Step::CallPerson(Matter::CheckoutUnknown));
    let called = again.call_person(Matter::CheckoutUnknown, at(243));
    assert_eq!(called.next(at(300)), Step::FindOrder { may_repeat: false });
    assert_eq!(name(&called.hear_order(order(3599), at(300))), "ordered");
}

#[test]
fn two_questions_in_a_row_that_nobody_answers_call_a_person_four_minutes_after_the_money() {
    let charged = charging().lose_answer().hear_charge(succeeded(), at(200));
    let lost = charged.check_out(at(201)).unwrap().lose_answer();
    assert_eq!(lost.next(at(240)), Step::FindOrder { may_repeat: false });
    assert!(lost.due(at(240)).unwrap() <= at(246), "{:?}", lost.due(at(240)));
    assert_eq!(lost.next(at(246)), Step::CallPerson(Matter::CheckoutUnknown));
    // What was found after a person was called does not begin the time anew.
    let called = charging().lose_answer().call_person(Matter::ChargeUnknown, at(241));
    let found = called.hear_charge(succeeded(), at(600));
    let lost = found.check_out(at(601)).unwrap().lose_answer();
    assert_eq!(lost.next(at(646)), Step::CallPerson(Matter::CheckoutUnknown));
}

#[test]
fn money_that_waited_for_somebody_is_counted_from_when_it_came() {
    for waits in [challenged(), processing()] {
        let waiting = charging().hear_charge(waits, at(2));
        assert_eq!(waiting.progress().money_since, None);
        let charged = waiting.hear_charge(succeeded(), at(900));
        assert_eq!(charged.progress().money_since, Some(at(900)));
        assert_eq!(charged.next(at(1139)), Step::CheckOut);
        assert_eq!(charged.next(at(1140)), Step::CallPerson(Matter::CartUnread));
    }
}

#[test]
fn a_lost_confirmation_is_read_from_the_order_before_it_is_asked_for_again() {
    let lost = confirming().lose_answer();
    let read = |may_repeat| Step::ReadOrder { order: "aa85".parse().unwrap(), may_repeat };
    assert_eq!(lost.next(at(6)), read(false));
    assert_eq!(lost.next(at(35)), read(true));
    let again = lost.clone().confirm(at(35)).unwrap();
    assert_eq!(name(&again.hear_not_booked(at(36))), "confirming", "it may be booked already");
    assert_eq!(matter(&confirming().hear_not_booked(at(6))), Some(Matter::ConfirmRefused));
    let unclear = confirming().hear_settlement(Settlement::Unclear, at(6));
    assert_eq!(unclear, lost);
    assert_eq!(name(&lost.hear_settlement(paid(3599), at(7))), "confirmed");
}

#[test]
fn what_was_charged_and_is_not_paid_calls_a_person_and_may_still_come_right() {
    for news in [Settlement::Failed { message: "No.".into() }, Settlement::Cancelled] {
        let called = confirming().hear_settlement(news, at(6));
        assert_eq!(matter(&called), Some(Matter::NotPaid));
        assert_eq!(name(&called.hear_settlement(paid(3599), at(7))), "confirmed");
    }
}

#[test]
fn an_asynchronous_payment_is_asked_about_and_not_taken_for_paid() {
    let processing = charging().hear_charge(processing(), at(2));
    assert_eq!(processing.next(at(3)), Step::AskPayment(payment()));
    assert_eq!(processing.standing(), Standing::Pending { reconciling: false });
    let late = at(2 + 15 * 24 * 3600);
    assert_eq!(processing.next(late), Step::CallPerson(Matter::Unfinished));
    let called = processing.clone().call_person(Matter::Unfinished, late);
    assert_eq!(called.next(late), Step::AskPayment(payment()));
    assert_eq!(name(&called.hear_charge(succeeded(), late)), "charged");
    assert_eq!(name(&processing.hear_charge(declined(), at(9))), "declined");
}

#[test]
fn a_challenge_is_shown_to_the_shopper_and_its_end_is_asked_about() {
    let challenged = charging().hear_charge(challenged(), at(2));
    assert!(matches!(challenged.standing(), Standing::ActionRequired(_)));
    assert_eq!(challenged.next(at(3)), Step::AskPayment(payment()));
    assert_eq!(name(&challenged.clone().hear_charge(succeeded(), at(9))), "charged");
    assert_eq!(name(&challenged.clone().hear_charge(declined(), at(9))), "declined");
    assert_eq!(challenged.next(at(2 + 1800)), Step::Abandon);
    // Where a payment cannot be asked, an order tells how it stands.
    let ordering = challenged.check_out(at(3)).unwrap();
    let confirming = ordering.hear_order(order(3599), at(4)).confirm(at(5)).unwrap();
    let pending = confirming.clone().hear_settlement(booked(Some(client_secret())), at(6));
    assert!(matches!(pending.standing(), Standing::ActionRequired(_)));
    let failed = pending.hear_settlement(Settlement::Failed { message: "No.".into() }, at(7));
    assert_eq!(failed.standing(), Standing::Failed { message: "No.".into() });
}

#[test]
fn a_challenge_that_was_given_up_is_closed_through_an_order() {
    let challenged = charging().hear_charge(challenged(), at(2));
    let closing = challenged.abandon(Closing::ThroughOrder).unwrap();
    assert_eq!((closing.next(at(3)), closing.is_live()), (Step::CheckOut, true));
    assert_eq!(closing.standing(), Standing::Pending { reconciling: false });
    let confirming = closing.check_out(at(3)).unwrap().hear_order(order(3599), at(4));
    let confirming = confirming.confirm(at(5)).unwrap();
    // The shopper solved it in another window: it is sold.
    assert_eq!(name(&confirming.clone().hear_settlement(paid(3599), at(6))), "confirmed");
    let pending = confirming.hear_settlement(booked(Some(client_secret())), at(6));
    assert!(matches!(pending.next(at(7)), Step::Cancel(_)));
    let cancelling = pending.cancel(at(7)).unwrap();
    let closed = cancelling.clone().hear_settlement(Settlement::Cancelled, at(8));
    assert_eq!((name(&closed), closed.is_live()), ("abandoned", false));
    let kept = cancelling.hear_not_cancelled(at(8));
    assert_eq!((name(&kept), kept.aim()), ("pending", Aim::WatchUntilOver));
}

#[test]
fn a_challenge_that_cannot_be_closed_keeps_its_cart_until_it_is_over() {
    let challenged = charging().hear_charge(challenged(), at(2));
    let watched = challenged.abandon(Closing::ByWatching).unwrap();
    assert_eq!((watched.next(at(9000)), watched.is_live()), (Step::AskPayment(payment()), true));
    assert_eq!(watched.clone().check_out(at(9000)), Err(StepError));
    assert_eq!(watched.next(at(2 + 86_400)), Step::CallPerson(Matter::Unfinished));
    let cancelled = ChargeNews::Cancelled { payment: payment() };
    assert_eq!(name(&watched.clone().hear_charge(cancelled, at(9))), "abandoned");
    let sold = watched.hear_charge(succeeded(), at(9));
    assert_eq!((name(&sold), sold.aim()), ("charged", Aim::Sell));
}

#[test]
fn a_payment_that_cannot_be_asked_is_read_from_an_order() {
    let untold = ChargeNews::Untold { payment: payment() };
    let found = charging().lose_answer().hear_charge(untold.clone(), at(31));
    assert_eq!(found.next(at(31)), Step::AskPayment(payment()));
    // It may have succeeded, so that is to be known as soon as of any other.
    assert_eq!(found.next(at(241)), Step::CallPerson(Matter::Unfinished));
    let confirming = found.check_out(at(32)).unwrap().hear_order(order(3599), at(33));
    let confirming = confirming.confirm(at(34)).unwrap();
    assert_eq!(name(&confirming.hear_settlement(paid(3599), at(35))), "confirmed");
    // To refuse the question says nothing of the payment.
    let challenged = charging().hear_charge(challenged(), at(2));
    assert_eq!(challenged.clone().hear_charge(refused(), at(3)), challenged);
    assert_eq!(challenged.clone().hear_charge(untold, at(3)), challenged);
}

#[test]
fn only_a_payment_that_waits_for_the_shopper_can_be_given_up() {
    let purchases =
        [fresh(), charging(), charged(), ordering(), ordered(), confirming(), confirmed()];
    for purchase in purchases {
        assert_eq!(purchase.abandon(Closing::ThroughOrder), Err(StepError));
    }
}

#[test]
fn another_payment_in_the_cart_is_not_taken_for_ours() {
    let other: EpPaymentId = "pi_2".parse().unwrap();
    let news = ChargeNews::Succeeded { payment: other, amount: usd(3599) };
    let challenged = charging().hear_charge(challenged(), at(2));
    assert_eq!(matter(&challenged.hear_charge(news, at(3))), Some(Matter::AnotherPayment));
}

#[test]
fn money_that_comes_after_the_end_is_a_matter_for_a_person() {
    let declined = charging().hear_charge(declined(), at(2));
    assert_eq!(declined.contradiction(&succeeded()), Some(Matter::LateCharge));
    assert_eq!(declined.clone().hear_charge(succeeded(), at(3)), declined);
    assert_eq!(charging().contradiction(&succeeded()), None);
    assert_eq!(confirmed().contradiction(&succeeded()), None);
}

/// Anything that can happen to a purchase, in its words, except that a person settles it.
#[derive(Debug, Clone)]
enum Happening {
    Ask(&'static str),
    Charge(ChargeNews),
    Order(i64),
    Settle(Settlement),
    NoOrder,
    NotBooked,
    NotCancelled,
    Lose,
    Call(Matter),
    Tidy(Tidied),
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening as H;
    let questions = ["charge", "again", "check_out", "confirm", "cancel", "close", "watch"];
    let wrong = ChargeNews::Succeeded { payment: payment(), amount: usd(1) };
    let cancelled = ChargeNews::Cancelled { payment: payment() };
    let untold = ChargeNews::Untold { payment: payment() };
    let told = [succeeded(), challenged(), processing(), declined(), refused()];
    let charges: Vec<_> = told.into_iter().chain([wrong, cancelled, untold]).collect();
    let failed = Settlement::Failed { message: "No.".into() };
    let pending = [booked(None), booked(Some(client_secret()))];
    let [open, secret] = pending;
    let settlements =
        vec![paid(3599), paid(1), open, secret, failed, Settlement::Cancelled, Settlement::Unclear];
    let tidied = vec![
        Tidied::Detached,
        Tidied::Dissociated,
        Tidied::Cart(CartsEnd::Deleted),
        Tidied::Cart(CartsEnd::Kept),
        Tidied::Twin,
    ];
    prop_oneof![
        4 => select(questions.to_vec()).prop_map(H::Ask),
        4 => select(charges).prop_map(H::Charge),
        2 => select(vec![3599, 1]).prop_map(H::Order),
        3 => select(settlements).prop_map(H::Settle),
        1 => select(vec![H::NoOrder, H::NotBooked, H::NotCancelled, H::Lose, H::Lose]),
        1 => select(Matter::ALL.to_vec()).prop_map(H::Call),
        1 => select(tidied).prop_map(H::Tidy),
    ]
}

fn happen(purchase: Purchase, happening: &Happening, now: Timestamp) -> Purchase {
    use Happening as H;
    let same = purchase.clone();
    let asked = |asked: Result<Purchase, StepError>| asked.unwrap_or(same);
    match happening.clone() {
        H::Ask("charge") => asked(purchase.charge(now)),
        H::Ask("again") => asked(purchase.charge_again(now)),
        H::Ask("check_out") => asked(purchase.check_out(now)),
        H::Ask("confirm") => asked(purchase.confirm(now)),
        H::Ask("cancel") => asked(purchase.cancel(now)),
        H::Ask("close") => asked(purchase.abandon(Closing::ThroughOrder)),
        H::Ask(_) => asked(purchase.abandon(Closing::ByWatching)),
        H::Charge(news) => purchase.hear_charge(news, now),
        H::Order(total) => purchase.hear_order(order(total), now),
        H::Settle(news) => purchase.hear_settlement(news, now),
        H::NoOrder => purchase.hear_no_order(now),
        H::NotBooked => purchase.hear_not_booked(now),
        H::NotCancelled => purchase.hear_not_cancelled(now),
        H::Lose => purchase.lose_answer(),
        H::Call(matter) => purchase.call_person(matter, now),
        H::Tidy(tidied) => purchase.tidy(tidied, now),
    }
}

/// What must hold after everything that happens.
fn check(before: &Purchase, after: &Purchase, now: Timestamp) {
    use PurchaseState as S;
    let over = matches!(after.state(), S::Declined { .. } | S::Abandoned { .. });
    assert!(!(after.progress().is_charged && over), "money that moved is forgotten: {after:?}");
    if before.progress().is_charged {
        assert!(after.progress().is_charged);
    }
    if !before.is_live() {
        assert!(!after.is_live(), "a cart that was let go is taken again: {before:?} {after:?}");
    }
    if after.is_live() {
        assert_ne!(after.next(now), Step::Nothing, "nobody goes on: {after:?}");
        assert!(after.due(now).is_some(), "nobody looks again: {after:?}");
    }
    if let Some(due_at) = after.due(now) {
        let is_begun = !matches!(after.state(), S::Created { .. });
        assert!(due_at > now || !is_begun, "{after:?}");
    }
    let confirmed = matches!(after.state(), S::Confirmed { .. } | S::Cleaned { .. });
    let succeeded = matches!(after.standing(), Standing::Succeeded(_));
    assert_eq!(confirmed, succeeded);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn whatever_happens_in_whatever_order_no_money_is_forgotten_and_no_cart_stands_still(
        steps in proptest::collection::vec((happening(), 0..90_i64), 1..30),
    ) {
        let mut purchase = charging();
        let mut now = 1;
        for (happening, seconds) in &steps {
            now += seconds;
            let after = happen(purchase.clone(), happening, at(now));
            check(&purchase, &after, at(now));
            purchase = after;
        }
    }

    #[test]
    fn news_that_comes_twice_is_heard_once(
        steps in proptest::collection::vec((happening(), 0..90_i64), 1..30),
    ) {
        let mut purchase = charging();
        let mut now = 1;
        for (happening, seconds) in &steps {
            now += seconds;
            let once = happen(purchase.clone(), happening, at(now));
            if !matches!(happening, Happening::Ask(_)) {
                let twice = happen(once.clone(), happening, at(now + 1));
                prop_assert_eq!(&twice, &once);
            }
            purchase = once;
        }
    }

    #[test]
    fn what_nobody_answers_calls_a_person_within_five_minutes(
        asked in select(vec![charging(), ordering(), confirming()]),
        looks in proptest::collection::vec(1..60_i64, 1..60),
    ) {
        let began = at(5);
        let mut purchase = asked;
        let mut now = began;
        for seconds in looks {
            now = purchase.due(now).unwrap().max(now + SignedDuration::from_secs(seconds));
            match purchase.next(now) {
                Step::CallPerson(_) => {
                    prop_assert!(now.duration_since(began) <= SignedDuration::from_mins(6));
                    return Ok(());
                }
                Step::FindCharge { may_repeat: true } => purchase = purchase.charge_again(now).unwrap(),
                Step::FindOrder { may_repeat: true } => purchase = purchase.check_out(now).unwrap(),
                Step::ReadOrder { may_repeat: true, .. } => purchase = purchase.confirm(now).unwrap(),
                _ => {}
            }
            prop_assert!(now.duration_since(began) <= SignedDuration::from_mins(5));
        }
    }
}
