//! Every state of ours beside every word of the gateway's.

use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::{
    contact::{Address, AddressDraft},
    event::{Decline, EventId, GatewayReference, Word},
    id::{CartId, OrderId, PaymentId, RefundId, VisitorId},
    order::{Fingerprint, Marketing, OrderParts},
    pricing::{TaxMode, Totals},
};

fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap()).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn order() -> Order {
    let draft = AddressDraft {
        name: "Ada".into(),
        street: "Hauptstr. 1".into(),
        postal_code: "10115".into(),
        city: "Berlin".into(),
        country: "DE".into(),
        ..AddressDraft::default()
    };
    let address = Address::parse(&draft).unwrap();
    let none = eur(0);
    let parts = OrderParts {
        id: OrderId(Uuid::from_u128(1)),
        visitor: VisitorId(Uuid::from_u128(2)),
        cart: CartId(Uuid::from_u128(3)),
        email: "ada@example.org".parse().unwrap(),
        marketing: Marketing::Declined,
        shipping_address: address.clone(),
        billing_address: address,
        lines: Vec::new(),
        totals: Totals::restore(eur(1000), none, none, TaxMode::Included, eur(1000)).unwrap(),
        attributes: crate::session::Attributes::default(),
        fingerprint: Fingerprint([0; 32]),
        created_at: at(0),
    };
    Order::place(parts, at(1800))
}

fn news(reference: &str, report: Report) -> News {
    News {
        reference: GatewayReference::new(reference).unwrap(),
        order: Some(order().id),
        amount: eur(1000),
        livemode: false,
        word: Word::Answer,
        report,
        card: None,
    }
}

fn succeeded() -> Report {
    Report::Succeeded { received: eur(1000) }
}

fn no() -> Report {
    let decline = Decline { attempt: "ch_1".into(), code: "x".into(), message: "No.".into() };
    Report::Declined(decline)
}

/// What we have after these reports, as events.
fn ours(reports: &[Report]) -> (Order, Payment) {
    let mut order = order();
    let mut payment = Payment::new(PaymentId(Uuid::from_u128(4)), order.id, eur(1000), false);
    for report in reports {
        let word = Word::Event(EventId::new("evt_1").unwrap());
        let (next, consequence) =
            payment.hear(&News { word, ..news("pi_1", report.clone()) }, at(60));
        payment = next;
        order = match consequence {
            crate::payment::Consequence::OrderPaid { receipt } => order.pay(&receipt).unwrap(),
            crate::payment::Consequence::OrderCancelled => order.cancel(at(60)).unwrap(),
            _ => order,
        };
    }
    (order, payment)
}

fn compared(theirs: Option<&News>, (order, payment): &(Order, Payment)) -> Option<Difference> {
    compare_payment(theirs, Some(Ours { order, payment, refunds: &[] }))
}

fn refund(minor: i64, origin: RefundOrigin) -> Refund {
    let (_, payment) = ours(&[]);
    Refund::new(RefundId(Uuid::from_u128(5)), &payment, eur(minor), origin)
}

fn told(minor: i64, report: RefundReport) -> RefundNews {
    let reference = GatewayReference::new("re_1").unwrap();
    let payment = GatewayReference::new("pi_1").unwrap();
    RefundNews { reference, payment, ours: None, amount: eur(minor), report }
}

#[test]
fn what_both_sides_say_is_no_difference() {
    for reports in [vec![], vec![Report::Open], vec![no()], vec![Report::Processing]] {
        let ours = ours(&reports);
        for report in [Report::Open, no(), Report::RequiresAction, Report::Processing] {
            assert_eq!(compared(Some(&news("pi_1", report)), &ours), None);
        }
    }
    assert_eq!(compared(Some(&news("pi_1", succeeded())), &ours(&[succeeded()])), None);
    let ended = news("pi_1", Report::Cancelled);
    assert_eq!(compared(Some(&ended), &ours(&[Report::Cancelled])), None);
    assert_eq!(compared(None, &ours(&[])), None, "it was never made");
    assert_eq!(compared(None, &ours(&[Report::Open, Report::Cancelled])), None);
    assert_eq!(compare_payment(None, None), None);
}

#[test]
fn each_disagreement_about_a_payment_has_its_name() {
    let open = || ours(&[Report::Open]);
    let paid = || ours(&[succeeded()]);
    let over = || ours(&[Report::Cancelled]);
    for (theirs, ours, name) in [
        (Some(succeeded()), open(), "paid_there"),
        (Some(succeeded()), over(), "paid_there_over_here"),
        (Some(Report::Open), paid(), "paid_here"),
        (Some(Report::Cancelled), paid(), "paid_here"),
        (None, paid(), "paid_here"),
        (Some(no()), over(), "payable_there"),
        (Some(Report::RequiresAction), over(), "payable_there"),
        (Some(Report::Processing), over(), "under_way_there"),
        (Some(Report::Cancelled), open(), "cancelled_there"),
        (None, open(), "not_there"),
    ] {
        let theirs = theirs.map(|report| news("pi_1", report));
        let found = compared(theirs.as_ref(), &ours).map(Difference::name);
        assert_eq!(found, Some(name), "{theirs:?}");
    }
}

#[test]
fn a_payment_that_is_not_what_we_asked_for_is_a_difference_unless_it_came_to_nothing() {
    let other = News { amount: eur(999), ..news("pi_1", Report::Open) };
    let less = news("pi_1", Report::Succeeded { received: eur(999) });
    let nameless = News { order: None, ..news("pi_1", succeeded()) };
    for (theirs, name) in [
        (other.clone(), "amount"),
        (less, "amount"),
        (nameless, "other_order"),
        (news("pi_2", Report::Open), "second_payment"),
        (news("pi_2", succeeded()), "second_payment"),
    ] {
        let found = compared(Some(&theirs), &ours(&[succeeded()])).map(Difference::name);
        assert_eq!(found, Some(name), "{theirs:?}");
    }
    let second = news("pi_2", Report::Cancelled);
    assert_eq!(compared(Some(&second), &ours(&[succeeded()])), None);
    let ended = News { report: Report::Cancelled, ..other };
    let found = compared(Some(&ended), &ours(&[Report::Open]));
    assert_eq!(found, Some(Difference::CancelledThere));
}

#[test]
fn a_payment_of_an_unknown_order_is_a_difference_while_it_may_bring_money() {
    let alone = |news: &News| compare_payment(Some(news), None);
    assert_eq!(alone(&news("pi_1", succeeded())), Some(Difference::NoOrderHere));
    assert_eq!(alone(&news("pi_1", Report::Open)), Some(Difference::NoOrderHere));
    assert_eq!(alone(&news("pi_1", Report::Cancelled)), None);
    assert_eq!(alone(&News { order: None, ..news("pi_1", succeeded()) }), None, "foreign");
}

#[test]
fn an_order_that_contradicts_its_payment_is_a_difference_of_our_own() {
    let (pending, _) = ours(&[]);
    let (_, payment) = ours(&[succeeded()]);
    let found = compared(Some(&news("pi_1", succeeded())), &(pending, payment));
    assert_eq!(found, Some(Difference::OrderAgainstPayment));
}

#[test]
fn money_for_an_order_that_is_over_is_settled_when_it_goes_back() {
    let (order, payment) = ours(&[Report::Cancelled]);
    let with = |refunds: &[Refund]| {
        let ours = Ours { order: &order, payment: &payment, refunds };
        compare_payment(Some(&news("pi_1", succeeded())), Some(ours))
    };
    let elsewhere =
        |minor| refund(minor, RefundOrigin::Elsewhere).hear(&told(minor, RefundReport::Pending)).0;
    assert_eq!(with(&[elsewhere(400)]), Some(Difference::PaidThereOverHere));
    assert_eq!(with(&[elsewhere(1000)]), None);
    assert_eq!(with(&[refund(1000, RefundOrigin::Automatic)]), None, "it is on its way");
}

#[test]
fn each_disagreement_about_a_refund_has_its_name() {
    let operator = || refund(400, RefundOrigin::Operator { note: None });
    let sent = operator().hear(&told(400, RefundReport::Succeeded)).0;
    let failed = RefundReport::Failed { reason: "declined".into() };
    for (theirs, ours, difference) in [
        (Some(told(400, RefundReport::Pending)), None, Some(Difference::RefundNotHere)),
        (None, Some(sent.clone()), Some(Difference::RefundNotThere)),
        (None, Some(operator()), None),
        (
            Some(told(500, RefundReport::Succeeded)),
            Some(sent.clone()),
            Some(Difference::RefundAmount),
        ),
        (Some(told(400, failed)), Some(sent.clone()), Some(Difference::RefundState)),
        (Some(told(400, RefundReport::Pending)), Some(operator()), Some(Difference::RefundState)),
        (Some(told(400, RefundReport::Succeeded)), Some(sent), None),
    ] {
        assert_eq!(compare_refund(theirs.as_ref(), ours.as_ref()), difference, "{theirs:?}");
    }
}

#[test]
fn a_payment_is_given_back_when_what_counts_sums_up_to_it() {
    let failed = RefundReport::Failed { reason: "declined".into() };
    let parts = [told(400, RefundReport::Succeeded), told(600, RefundReport::Pending)];
    assert!(is_given_back(eur(1000), &parts));
    assert!(!is_given_back(eur(1000), &parts[..1]));
    assert!(!is_given_back(eur(1000), &[told(1000, failed)]));
}
