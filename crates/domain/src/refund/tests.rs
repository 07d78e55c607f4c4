use jiff::Timestamp;
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use super::*;
use crate::{
    dispute::{DisputeNews, DisputeState},
    event::{EventId, News, Report, Word},
    id::DisputeId,
};

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

fn unpaid() -> Payment {
    let (id, order) = (PaymentId(Uuid::from_u128(1)), OrderId(Uuid::from_u128(2)));
    Payment::new(id, order, eur(1000), false)
}

fn paid() -> Payment {
    let payment = unpaid();
    let news = News {
        reference: GatewayReference::new("pi_1").unwrap(),
        order: Some(payment.order),
        amount: payment.amount,
        livemode: false,
        word: Word::Event(EventId::new("evt_1").unwrap()),
        report: Report::Succeeded { received: payment.amount },
        card: None,
    };
    payment.hear(&news, Timestamp::UNIX_EPOCH).0
}

fn refund(minor: i64) -> Refund {
    let origin = RefundOrigin::Operator { note: None };
    Refund::new(RefundId(Uuid::from_u128(3)), &paid(), eur(minor), origin)
}

fn news(report: RefundReport) -> RefundNews {
    let reference = GatewayReference::new("re_1").unwrap();
    let payment = GatewayReference::new("pi_1").unwrap();
    RefundNews { reference, payment, ours: Some(refund(400).id), amount: eur(400), report }
}

fn failed() -> RefundReport {
    RefundReport::Failed { reason: "declined".into() }
}

#[test]
fn all_that_is_left_is_given_back_unless_an_amount_is_named() {
    assert_eq!(decide_refund(&paid(), &[], &[], None), Ok(eur(1000)));
    assert_eq!(decide_refund(&paid(), &[refund(400)], &[], None), Ok(eur(600)));
    assert_eq!(decide_refund(&paid(), &[refund(400)], &[], Some(eur(600))), Ok(eur(600)));
}

#[test]
fn more_than_what_is_left_nothing_or_what_never_came_is_not_given_back() {
    let refused = decide_refund(&paid(), &[refund(400)], &[], Some(eur(601))).unwrap_err();
    assert_eq!(refused.to_string(), "6.01 EUR is more than what is left to give back: 6.00");
    let refused = decide_refund(&paid(), &[refund(400), refund(600)], &[], None).unwrap_err();
    assert_eq!(refused.to_string(), "all of 10.00 EUR has been given back already");
    assert_eq!(decide_refund(&paid(), &[], &[], Some(eur(0))), Err(RefundRefused::Nothing));
    assert_eq!(decide_refund(&unpaid(), &[], &[], None), Err(RefundRefused::NothingPaid));
    let yen = Money::new(5, "JPY".parse().unwrap()).unwrap();
    let refused = decide_refund(&paid(), &[], &[], Some(yen));
    assert!(matches!(refused, Err(RefundRefused::Amount(_))), "{refused:?}");
}

#[test]
fn what_failed_was_cancelled_or_refused_can_be_given_back_again() {
    let over = [
        refund(400).hear(&news(failed())).0,
        refund(400).hear(&news(RefundReport::Cancelled)).0,
        refund(400).refuse(NotMade::Disputed).0,
    ];
    assert_eq!(decide_refund(&paid(), &over, &[], None), Ok(eur(1000)));
    assert_eq!(given_back(&over), Ok(None));
}

#[test]
fn while_a_bank_has_the_money_or_has_kept_it_nothing_is_given_back() {
    let dispute = |state, payment: &str| {
        let news = DisputeNews {
            reference: GatewayReference::new("du_1").unwrap(),
            payment: GatewayReference::new(payment).unwrap(),
            amount: eur(400),
            reason: "fraudulent".into(),
            respond_by: None,
            state,
        };
        [Dispute::restore(DisputeId(Uuid::nil()), paid().order, news)]
    };
    let left = |disputes: &[Dispute]| decide_refund(&paid(), &[], disputes, None);
    for state in DisputeState::ALL {
        let refused = left(&dispute(state, "pi_1"));
        assert_eq!(refused.is_err(), state.has_money(), "{state:?}");
        assert_eq!(left(&dispute(state, "pi_2")), Ok(eur(1000)), "of another payment");
    }
    let refused = left(&dispute(DisputeState::Lost, "pi_1")).unwrap_err().to_string();
    assert!(refused.ends_with("(du_1): a refund beside it would pay her twice"), "{refused}");
}

#[test]
fn what_is_only_asked_for_is_claimed_but_not_given_back() {
    let asked = [refund(400), refund(100).lose_answer()];
    assert_eq!(given_back(&asked), Ok(None));
    assert_eq!(decide_refund(&paid(), &asked, &[], None), Ok(eur(500)));
    let there = [refund(400).hear(&news(RefundReport::Pending)).0, refund(600)];
    assert_eq!(given_back(&there), Ok(Some(eur(400))));
}

#[test]
fn a_refund_is_recognised_by_our_id_and_amount_and_then_by_its_name_alone() {
    let mine = news(RefundReport::Pending);
    assert!(refund(400).is_told_by(&mine));
    assert!(!refund(400).is_told_by(&RefundNews { amount: eur(1), ..mine.clone() }));
    assert!(!refund(400).is_told_by(&RefundNews { ours: None, ..mine.clone() }));
    let known = refund(400).hear(&mine).0;
    let reference = GatewayReference::new("re_2").unwrap();
    assert!(!known.is_told_by(&RefundNews { reference, ..mine }));
}

#[test]
fn what_a_stray_brought_and_got_back_is_not_the_orders_own() {
    let pi_2 = || GatewayReference::new("pi_2").unwrap();
    let stray = Refund::new(refund(1).id, &paid(), eur(1000), RefundOrigin::Automatic);
    let stray = stray.of_stray(pi_2());
    let sent = stray.clone().hear(&RefundNews {
        payment: pi_2(),
        amount: eur(1000),
        ..news(RefundReport::Succeeded)
    });
    for refunds in [[stray.clone()], [sent.0]] {
        assert_eq!(decide_refund(&paid(), &refunds, &[], None), Ok(eur(1000)));
        assert_eq!(given_back(&refunds), Ok(None));
        let nothing = decide_refund(&unpaid(), &refunds, &[], None);
        assert_eq!(nothing, Err(RefundRefused::NothingPaid));
    }
    let copied = RefundNews { amount: eur(1000), ..news(RefundReport::Pending) };
    assert!(!stray.is_told_by(&copied), "it is of another payment");
    let elsewhere = |payment| RefundNews { payment, ours: None, ..news(RefundReport::Pending) };
    let made = |payment| Refund::elsewhere(refund(1).id, &paid(), &elsewhere(payment)).0.stray;
    assert_eq!(made(pi_2()), Some(pi_2()));
    assert_eq!(made(GatewayReference::new("pi_1").unwrap()), None);
}

#[test]
fn a_failure_after_a_success_calls_a_person_once() {
    let (sent, _) = refund(400).hear(&news(RefundReport::Succeeded));
    let (failed, told) = sent.hear(&news(failed()));
    assert_eq!((failed.state().name(), told), ("failed", RefundConsequence::NotReturned));
    assert_eq!(failed.hear(&news(self::failed())).1, RefundConsequence::Nothing);
}

proptest! {
    #[test]
    fn whatever_comes_twice_late_or_in_another_order_the_end_is_the_same(
        told in proptest::collection::vec(
            select(vec![RefundReport::Pending, RefundReport::Succeeded]), 0..6),
        end in proptest::bool::ANY,
        place in 0_usize..6,
    ) {
        let mut told = told;
        if end {
            told.insert(place.min(told.len()), failed());
        }
        let after = told.iter().fold(refund(400), |one, report| one.hear(&news(report.clone())).0);
        let wanted = match (end, told.contains(&RefundReport::Succeeded), told.is_empty()) {
            (true, _, _) => "failed",
            (false, true, _) => "succeeded",
            (false, false, false) => "pending",
            (false, false, true) => "requested",
        };
        prop_assert_eq!(after.state().name(), wanted);
    }
}
