//! News that comes twice, late and in the wrong order.

use proptest::{prelude::*, sample::Index, strategy::ValueTree as _};
use uuid::Uuid;

use super::*;
use crate::event::EventId;

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, code.parse().unwrap()).unwrap()
}

fn fresh() -> Payment {
    let (id, order) = (PaymentId(Uuid::from_u128(1)), OrderId(Uuid::from_u128(2)));
    Payment::new(id, order, money(4998, "EUR"), false)
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn news(word: Word, report: Report) -> News {
    let Payment { order, amount, livemode, .. } = fresh();
    let reference = GatewayReference::new("pi_1").unwrap();
    News { reference, order: Some(order), amount, livemode, word, report, card: None }
}

fn event(report: Report) -> News {
    news(Word::Event(EventId::new("evt_1").unwrap()), report)
}

fn answer(report: Report) -> News {
    news(Word::Answer, report)
}

fn succeeded() -> Report {
    Report::Succeeded { received: fresh().amount }
}

fn declined(attempt: usize) -> Report {
    Report::Declined(Decline {
        attempt: format!("ch_{attempt}"),
        code: "card_declined".to_owned(),
        message: format!("Your card was declined ({attempt})."),
    })
}

fn hear_all<'a>(
    payment: Payment,
    all: impl IntoIterator<Item = &'a News>,
) -> (Payment, Vec<Consequence>) {
    let mut told = Vec::new();
    let payment = all.into_iter().fold(payment, |payment, news| {
        let (payment, consequence) = payment.hear(news, now());
        told.push(consequence);
        payment
    });
    (payment, told)
}

fn after<const N: usize>(reports: [Report; N]) -> (Payment, Consequence) {
    let events = reports.map(event);
    let (payment, mut told) = hear_all(fresh(), &events);
    (payment, told.pop().unwrap_or(Consequence::Nothing))
}

fn has_succeeded(payment: &Payment) -> bool {
    matches!(payment.state(), PaymentState::Succeeded { .. })
}

fn is_paid(consequence: &Consequence) -> bool {
    matches!(consequence, Consequence::OrderPaid { .. })
}

fn is_refund(consequence: &Consequence) -> bool {
    matches!(consequence, Consequence::RefundDue { .. })
}

fn is_over(consequence: &Consequence) -> bool {
    matches!(consequence, Consequence::OrderFailed | Consequence::OrderCancelled)
}

fn count(told: &[Consequence], which: fn(&Consequence) -> bool) -> usize {
    told.iter().filter(|consequence| which(consequence)).count()
}

/// What a gateway says while the money has not moved and the payment is not over.
fn underway() -> impl Strategy<Value = Report> {
    prop_oneof![
        Just(Report::Open),
        Just(Report::RequiresAction),
        Just(Report::Processing),
        (0..13usize).prop_map(declined),
    ]
}

fn any_report() -> impl Strategy<Value = Report> {
    prop_oneof![4 => underway(), 1 => Just(succeeded()), 1 => Just(Report::Cancelled)]
}

fn any_news(report: impl Strategy<Value = Report>) -> impl Strategy<Value = News> {
    let word = prop_oneof![
        1 => Just(Word::Answer),
        3 => (0..5u8).prop_map(|number| Word::Event(EventId::new(format!("evt_{number}")).unwrap())),
    ];
    (word, report).prop_map(|(word, report)| news(word, report))
}

fn any_history() -> impl Strategy<Value = Vec<News>> {
    prop::collection::vec(any_news(any_report()), 0..30)
}

/// A history with its success event somewhere in it, and the same told in another order and with
/// repetitions.
fn paid_in_two_orders() -> impl Strategy<Value = (Vec<News>, Vec<News>)> {
    let others = prop::collection::vec(any_news(underway()), 0..20);
    let repeats = prop::collection::vec(any::<Index>(), 0..10);
    (others, repeats).prop_flat_map(|(mut one, repeats)| {
        one.push(event(succeeded()));
        let again: Vec<_> = repeats.iter().map(|index| index.get(&one).clone()).collect();
        let other = [one.clone(), again].concat();
        (Just(one).prop_shuffle(), Just(other).prop_shuffle())
    })
}

/// News like `right`, but wrong in one part, and what is wrong with it.
fn misfits(right: &News) -> Vec<(Discrepancy, News)> {
    let stranger = Some(OrderId(Uuid::from_u128(99)));
    let mut wrong = vec![
        (Discrepancy::Amount, News { amount: money(4997, "EUR"), ..right.clone() }),
        (Discrepancy::Amount, News { amount: money(4998, "USD"), ..right.clone() }),
        (Discrepancy::Livemode, News { livemode: true, ..right.clone() }),
        (Discrepancy::Order, News { order: stranger, ..right.clone() }),
        (Discrepancy::Order, News { order: None, ..right.clone() }),
    ];
    if matches!(right.report, Report::Succeeded { .. }) {
        for received in [money(4997, "EUR"), money(4999, "EUR"), money(4998, "USD")] {
            let report = Report::Succeeded { received };
            wrong.push((Discrepancy::Amount, News { report, ..right.clone() }));
        }
    }
    wrong
}

proptest! {
    #[test]
    fn a_success_event_pays_the_order_once_whatever_came_before_after_and_again(
        (one, other) in paid_in_two_orders(),
    ) {
        for history in [one, other] {
            let (payment, told) = hear_all(fresh(), &history);
            let receipt = Receipt::from_news(&event(succeeded()), now()).unwrap();
            let end = &PaymentState::Succeeded { receipt: receipt.clone() };
            prop_assert_eq!(payment.state(), end);
            prop_assert_eq!(count(&told, is_paid), 1);
            let paid = Consequence::OrderPaid { receipt };
            prop_assert!(told.contains(&paid));
            prop_assert_eq!(count(&told, |told| is_refund(told) || is_over(told)), 0);
        }
    }

    #[test]
    fn an_order_ends_once_and_money_that_comes_for_one_that_is_over_is_given_back(
        history in any_history(),
    ) {
        let (payment, told) = hear_all(fresh(), &history);
        let (paid, over) = (count(&told, is_paid), count(&told, is_over));
        let receipts = history.iter().filter(|news| Receipt::from_news(news, now()).is_some());
        prop_assert!(paid + over <= 1, "{told:?}");
        prop_assert_eq!(has_succeeded(&payment), paid == 1);
        prop_assert_eq!(payment.is_live(), paid + over == 0);
        prop_assert_eq!(receipts.count() > 0, paid == 1 || count(&told, is_refund) > 0);
    }

    #[test]
    fn a_succeeded_payment_stays_as_it_is_whatever_is_said_later(later in any_history()) {
        let (paid, _) = after([succeeded()]);
        let (payment, told) = hear_all(paid.clone(), &later);
        prop_assert_eq!(payment.state(), paid.state());
        for consequence in told {
            let contradiction = Consequence::NeedsAttention(Discrepancy::Contradiction);
            prop_assert!(consequence == Consequence::Nothing || consequence == contradiction);
        }
    }

    #[test]
    fn a_payment_that_is_over_never_comes_back(history in any_history(), later in any_history()) {
        let (over, _) = hear_all(fresh(), &history);
        prop_assume!(!over.is_live());
        let (payment, told) = hear_all(over.clone(), &later);
        prop_assert_eq!(payment.state(), over.state());
        prop_assert_eq!(count(&told, |told| is_paid(told) || is_over(told)), 0);
    }

    #[test]
    fn a_cancellation_ends_every_payment_that_was_not_said_to_have_succeeded(
        history in prop::collection::vec(any_news(underway()), 0..20),
    ) {
        let (payment, _) = hear_all(fresh(), &history);
        let (payment, told) = payment.hear(&event(Report::Cancelled), now());
        prop_assert!(is_over(&told) && !payment.is_live());
    }

    #[test]
    fn news_that_does_not_fit_changes_nothing_and_is_put_before_a_person(
        history in any_history(),
        right in any_news(any_report()),
    ) {
        let (before, _) = hear_all(fresh(), &history);
        let mut wrong = misfits(&right);
        // A stray that has succeeded has a consequence of its own.
        if before.reference().is_some() && Receipt::from_news(&right, now()).is_none() {
            let reference = GatewayReference::new("pi_2").unwrap();
            wrong.push((Discrepancy::Reference, News { reference, ..right }));
        }
        let is_known = |news: &News| before.reference() == Some(&news.reference);
        for (discrepancy, news) in wrong {
            if news.report == Report::Cancelled && is_known(&news) {
                continue;
            }
            let (after, told) = before.clone().hear(&news, now());
            prop_assert_eq!(&after, &before);
            prop_assert_eq!(told, Consequence::NeedsAttention(discrepancy));
        }
    }

    #[test]
    fn a_stray_that_has_succeeded_is_given_back_and_changes_nothing(
        history in any_history(),
        minor in 1_i64..10_000,
    ) {
        let (before, _) = hear_all(fresh(), &history);
        prop_assume!(before.reference().is_some());
        let reference = GatewayReference::new("pi_2").unwrap();
        let amount = money(minor, "USD");
        let stray = News { reference, amount, ..event(Report::Succeeded { received: amount }) };
        let (after, told) = before.clone().hear(&stray, now());
        prop_assert_eq!(&after, &before);
        let receipt = Receipt::from_news(&stray, now()).unwrap();
        prop_assert_eq!(told, Consequence::StrayRefundDue { receipt });
        // Neither an answer, nor test money, nor another order's gives money back.
        for other in [
            News { word: Word::Answer, ..stray.clone() },
            News { livemode: true, ..stray.clone() },
            News { order: None, ..stray },
        ] {
            let told = before.clone().hear(&other, now()).1;
            prop_assert_eq!(told, Consequence::NeedsAttention(Discrepancy::Reference));
        }
    }

    #[test]
    fn a_cancelled_payment_that_we_know_is_over_whatever_else_is_written_on_it(
        history in any_history(),
    ) {
        let (before, _) = hear_all(fresh(), &history);
        let right = event(Report::Cancelled);
        for (_, news) in misfits(&right) {
            if before.reference() == Some(&news.reference) {
                prop_assert_eq!(before.clone().hear(&news, now()), before.clone().hear(&right, now()));
            }
        }
    }

    #[test]
    fn the_same_news_told_twice_in_a_row_is_told_once(
        history in any_history(),
        news in any_news(any_report()),
    ) {
        let (before, _) = hear_all(fresh(), &history);
        let (once, _) = before.hear(&news, now());
        let (twice, again) = once.clone().hear(&news, now());
        prop_assert_eq!(twice, once);
        prop_assert!(!is_paid(&again) && !is_over(&again));
    }

    #[test]
    fn each_try_that_was_declined_counts_once(history in any_history()) {
        let (payment, _) = hear_all(fresh(), &history);
        let mut tries = Vec::new();
        for news in &history {
            if let Report::Declined(decline) = &news.report {
                tries.push(&decline.attempt);
            }
        }
        tries.sort();
        tries.dedup();
        prop_assert_eq!(payment.declined().len(), tries.len().min(Payment::DECLINES_MAX));
        prop_assert!(payment.declined().iter().all(|attempt| tries.contains(&attempt)));
    }

    #[test]
    fn an_answer_never_pays_an_order_nor_gives_money_back(history in any_history()) {
        let answers: Vec<_> =
            history.into_iter().map(|news| News { word: Word::Answer, ..news }).collect();
        let (payment, told) = hear_all(fresh(), &answers);
        prop_assert!(!has_succeeded(&payment));
        prop_assert_eq!(count(&told, |told| is_paid(told) || is_refund(told)), 0);
    }

    #[test]
    fn every_payment_that_can_arise_can_be_stored_and_loaded(history in any_history()) {
        let (payment, _) = hear_all(fresh(), &history);
        let reference = payment.reference().cloned();
        let loaded =
            Payment::restore(&fresh(), reference, payment.declined().to_vec(), payment.state().clone());
        prop_assert_eq!(loaded, Ok(payment));
    }

    #[test]
    fn our_own_lost_answer_never_turns_news_back(history in any_history()) {
        let (payment, _) = hear_all(fresh(), &history);
        let heard = payment.reference().is_some();
        let (given_up, told) = payment.clone().never_was();
        prop_assert_eq!(payment.clone().lose_answer() == payment, heard);
        prop_assert_eq!(given_up == payment && told == Consequence::Nothing, heard);
    }
}

#[test]
fn the_histories_of_these_tests_reach_every_state() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2_000 {
        let history = any_history().new_tree(&mut runner).unwrap().current();
        seen.insert(hear_all(fresh(), &history).0.state().name());
    }
    // Unknown comes of no news, but of its absence.
    assert_eq!(seen.len(), 10, "{seen:?}");
}

#[test]
fn ten_declines_close_a_payment_and_nine_do_not() {
    let events: Vec<_> = (1..=10).map(declined).map(event).collect();
    let (nine, told) = hear_all(fresh(), &events[..9]);
    assert!(matches!(nine.state(), PaymentState::Declined { .. }));
    assert!(told.iter().all(|told| *told == Consequence::Nothing));

    let (ten, told) = nine.hear(&events[9], now());
    assert_eq!(ten.state(), &PaymentState::Closing { reason: FailureReason::TooManyDeclines });
    assert_eq!(told, Consequence::CancelDue);

    let (more, told) = hear_all(ten.clone(), &events);
    assert_eq!(more, ten);
    assert!(told.iter().all(|told| *told == Consequence::Nothing), "{told:?}");
}

#[test]
fn an_asynchronous_method_that_fails_closes_the_payment() {
    let (payment, told) = after([Report::Processing, declined(1)]);
    assert_eq!(payment.state(), &PaymentState::Closing { reason: FailureReason::Asynchronous });
    assert_eq!(told, Consequence::CancelDue);
}

#[test]
fn a_payment_that_was_being_closed_has_failed_when_it_is_cancelled() {
    let (payment, told) = after([Report::Processing, declined(1), Report::Cancelled]);
    assert_eq!(payment.state(), &PaymentState::Failed { reason: FailureReason::Asynchronous });
    assert_eq!(told, Consequence::OrderFailed);
}

#[test]
fn a_shopper_who_is_faster_than_the_closing_has_paid() {
    let (payment, told) = after([Report::Processing, declined(1), succeeded()]);
    assert!(has_succeeded(&payment) && is_paid(&told));
}

#[test]
fn a_new_try_that_is_faster_than_the_closing_is_not_taken_from_the_shopper() {
    let (payment, _) = after([Report::Processing, declined(1), Report::Processing]);
    assert_eq!(payment.state(), &PaymentState::Processing);
}

#[test]
fn a_success_after_the_end_is_given_back_every_time_it_is_told() {
    for first in [vec![Report::Cancelled], vec![Report::Processing, declined(1), Report::Cancelled]]
    {
        let history: Vec<_> = first.into_iter().map(event).collect();
        let (over, _) = hear_all(fresh(), &history);
        let (payment, told) = hear_all(over.clone(), &[event(succeeded()), event(succeeded())]);
        assert_eq!((payment, count(&told, is_refund)), (over, 2));
    }
}

#[test]
fn an_answer_that_says_succeeded_waits_for_its_event() {
    let (payment, told) = fresh().hear(&answer(succeeded()), now());
    assert_eq!((payment.state(), told), (&PaymentState::Answered, Consequence::EventDue));

    let (payment, told) = payment.hear(&event(declined(1)), now());
    assert_eq!((payment.state(), told), (&PaymentState::Answered, Consequence::Nothing));

    let (payment, told) = payment.hear(&event(succeeded()), now());
    assert!(has_succeeded(&payment) && is_paid(&told));

    let (_, told) = payment.hear(&answer(succeeded()), now());
    assert_eq!(told, Consequence::Nothing);
}

#[test]
fn an_answer_that_says_succeeded_after_the_end_waits_for_the_event_that_gives_it_back() {
    let (over, _) = after([Report::Cancelled]);
    let (payment, told) = over.hear(&answer(succeeded()), now());
    assert_eq!((payment.state(), told), (&PaymentState::Cancelled, Consequence::EventDue));
}

#[test]
fn a_cancellation_after_a_success_is_a_contradiction_and_takes_nothing_back() {
    let contradiction = Consequence::NeedsAttention(Discrepancy::Contradiction);
    for said in [answer(succeeded()), event(succeeded())] {
        let (before, _) = fresh().hear(&said, now());
        let (after, told) = before.clone().hear(&event(Report::Cancelled), now());
        assert_eq!((after, told), (before, contradiction.clone()));
    }
}

#[test]
fn late_news_of_an_earlier_stage_does_not_turn_a_payment_back() {
    for stage in [Report::RequiresAction, Report::Processing, declined(1)] {
        let (before, _) = after([stage]);
        assert_eq!(before.clone().hear(&event(Report::Open), now()).0, before);
    }
    let (processing, _) = after([Report::Processing]);
    assert_eq!(processing.clone().hear(&event(Report::RequiresAction), now()).0, processing);
}

#[test]
fn an_answer_says_that_a_try_under_way_has_given_way_to_another() {
    let (processing, _) = after([Report::Processing]);
    let (next, told) = processing.hear(&answer(Report::RequiresAction), now());
    assert_eq!((next.state(), told), (&PaymentState::RequiresAction, Consequence::Nothing));
}

#[test]
fn a_repeated_decline_does_not_end_the_try_that_came_after_it() {
    for next in [Report::RequiresAction, Report::Processing, declined(2)] {
        let (before, _) = after([declined(1), next]);
        let (after, told) = before.clone().hear(&event(declined(1)), now());
        assert_eq!((after, told), (before, Consequence::Nothing));
    }
}

#[test]
fn a_decline_that_overtook_its_own_processing_is_set_right_by_the_next_answer() {
    let (overtaken, _) = after([declined(1), Report::Processing]);
    assert_eq!(overtaken.state(), &PaymentState::Processing);
    let (payment, told) = overtaken.hear(&answer(declined(1)), now());
    assert_eq!(payment.state(), &PaymentState::Closing { reason: FailureReason::Asynchronous });
    assert_eq!(told, Consequence::CancelDue);
}

#[test]
fn a_decline_that_overtook_its_own_authentication_is_set_right_by_the_next_answer() {
    let (overtaken, _) = after([declined(1), Report::RequiresAction]);
    let (payment, told) = overtaken.hear(&answer(declined(1)), now());
    assert!(matches!(payment.state(), PaymentState::Declined { .. }));
    assert_eq!(told, Consequence::Nothing);
}

#[test]
fn a_payment_that_never_was_ends_its_order_once() {
    for payment in [fresh(), fresh().lose_answer()] {
        let (payment, told) = payment.never_was();
        assert_eq!(
            (payment.state(), told),
            (&PaymentState::Cancelled, Consequence::OrderCancelled)
        );
        let (payment, told) = payment.never_was();
        assert_eq!(told, Consequence::Nothing);
        assert!(is_refund(&payment.hear(&event(succeeded()), now()).1));
    }
}

#[test]
fn a_lost_answer_leaves_an_unknown_outcome_that_any_news_resolves() {
    let unknown = fresh().lose_answer();
    assert_eq!(unknown.state(), &PaymentState::Unknown);
    assert_eq!(unknown.clone().lose_answer(), unknown);
    assert_eq!(unknown.hear(&answer(Report::Open), now()).0.state(), &PaymentState::Open);
}

#[test]
fn a_payment_that_is_at_the_gateway_cannot_be_loaded_without_its_reference() {
    for report in
        [Report::Open, Report::Processing, declined(1), Report::RequiresAction, succeeded()]
    {
        let state = after([report]).0.state().clone();
        assert_eq!(Payment::restore(&fresh(), None, Vec::new(), state), Err(RestoreError));
    }
}

#[test]
fn the_same_request_has_the_same_key_and_another_request_another() {
    let (one, two) = (PaymentId(Uuid::from_u128(1)), PaymentId(Uuid::from_u128(2)));
    assert_eq!(IdempotencyKey::create(one, 1), IdempotencyKey::create(one, 1));
    assert_ne!(IdempotencyKey::create(one, 1), IdempotencyKey::create(one, 2));
    assert_ne!(IdempotencyKey::create(one, 1), IdempotencyKey::create(two, 1));
    assert!(IdempotencyKey::create(one, u32::MAX).as_str().len() <= 255);
}
