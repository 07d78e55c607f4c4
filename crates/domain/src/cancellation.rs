//! Giving an order up because somebody wants it so, before any money has moved. The wish itself
//! moves nothing: the gateway cancels the payment, and its word cancels the order. Where the money
//! came, its event did not, and all of it has gone back, there is nothing left to cancel there.

use crate::{
    order::{Order, OrderState, PaidBy},
    payment::{Payment, PaymentState},
    refund::{Refund, given_back},
};

/// What a wish to cancel leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// The gateway must be told to cancel the payment.
    Due,
    /// The money came without the event that proves it, and all of it has gone back: the order ends.
    WentBack,
    /// The order is over without money; nothing is left to do.
    Over,
}

/// Why an order cannot be cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCancellable {
    /// It is paid.
    #[error("the order is paid")]
    Paid,
    /// There was nothing to pay, so it was done at once.
    #[error("there was nothing to pay, and the order is done")]
    NothingToPay,
    /// The money moved; the event that proves it is on its way.
    #[error(
        "the money has moved: the order is paid with the event that proves it, or can be cancelled \
         when all of the money has been given back"
    )]
    Answered,
    /// An asynchronous payment is under way.
    #[error("the payment is under way")]
    Processing,
    /// The payment has failed for good and is being closed, which ends the order by itself.
    #[error("the payment has failed, and the order is about to end by itself")]
    Closing,
}

/// What a wish to cancel leads to as things stand.
pub fn decide_cancellation(
    order: &Order,
    payment: Option<&Payment>,
    refunds: &[Refund],
) -> Result<Cancellation, NotCancellable> {
    use PaymentState as S;
    match order.state() {
        OrderState::Failed { .. } | OrderState::Cancelled { .. } => return Ok(Cancellation::Over),
        OrderState::Paid { by: PaidBy::NothingToPay, .. } => {
            return Err(NotCancellable::NothingToPay);
        }
        OrderState::Paid { by: PaidBy::Event(_), .. } => return Err(NotCancellable::Paid),
        OrderState::Pending { .. } => {}
    }
    let went_back =
        |payment: &Payment| given_back(refunds).is_ok_and(|back| back == Some(payment.amount));
    match payment.map(Payment::state) {
        // A pending order always has a payment that is not over; without one nobody can pay it.
        None
        | Some(
            S::Created
            | S::Unknown
            | S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Failed { .. }
            | S::Cancelled,
        ) => Ok(Cancellation::Due),
        Some(S::Processing) => Err(NotCancellable::Processing),
        Some(S::Answered) if payment.is_some_and(went_back) => Ok(Cancellation::WentBack),
        Some(S::Answered | S::Succeeded { .. }) => Err(NotCancellable::Answered),
        Some(S::Closing { .. }) => Err(NotCancellable::Closing),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::{
        contact::{Address, AddressDraft},
        event::{Decline, EventId, GatewayReference, Receipt},
        id::{CartId, OrderId, PaymentId, RefundId, VisitorId},
        money::Money,
        order::{Fingerprint, Marketing, OrderParts},
        payment::{Consequence, FailureReason},
        pricing::{TaxMode, Totals},
        refund::{RefundNews, RefundReport},
    };

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    fn order(total: i64) -> Order {
        let draft = AddressDraft {
            name: "Ada".into(),
            street: "Hauptstr. 1".into(),
            postal_code: "10115".into(),
            city: "Berlin".into(),
            country: "DE".into(),
            ..AddressDraft::default()
        };
        let address = Address::parse(&draft).unwrap();
        let (total, none) = (eur(total), eur(0));
        let parts = OrderParts {
            id: OrderId(Uuid::from_u128(1)),
            visitor: VisitorId(Uuid::from_u128(2)),
            cart: CartId(Uuid::from_u128(3)),
            email: "ada@example.org".parse().unwrap(),
            marketing: Marketing::Declined,
            shipping_address: address.clone(),
            billing_address: address,
            lines: Vec::new(),
            totals: Totals::restore(total, none, none, TaxMode::Included, total).unwrap(),
            attributes: crate::session::Attributes::default(),
            fingerprint: Fingerprint([0; 32]),
            created_at: AT,
        };
        Order::place(parts, AT)
    }

    fn receipt() -> Receipt {
        Receipt::restore(EventId::new("evt_1").unwrap(), eur(4998), AT)
    }

    fn decide(state: PaymentState) -> Result<Cancellation, NotCancellable> {
        let fresh = Payment::new(PaymentId(Uuid::from_u128(4)), order(1).id, eur(4998), false);
        let reference = GatewayReference::new("pi_1").unwrap();
        let payment = Payment::restore(&fresh, Some(reference), Vec::new(), state).unwrap();
        decide_cancellation(&order(4998), Some(&payment), &[])
    }

    #[test]
    fn a_payment_that_waits_for_the_shopper_can_be_cancelled_and_money_under_way_cannot() {
        use PaymentState as S;
        let decline = Decline { attempt: "ch_1".into(), code: "x".into(), message: "No.".into() };
        let waiting = [S::Created, S::Unknown, S::Open, S::Declined { decline }, S::RequiresAction];
        for state in waiting {
            assert_eq!(decide(state), Ok(Cancellation::Due));
        }
        assert_eq!(decide(S::Processing), Err(NotCancellable::Processing));
        assert_eq!(decide(S::Answered), Err(NotCancellable::Answered));
        let closing = S::Closing { reason: FailureReason::Asynchronous };
        assert_eq!(decide(closing), Err(NotCancellable::Closing));
    }

    #[test]
    fn a_payment_without_its_event_can_be_given_up_when_all_of_it_has_gone_back() {
        let fresh = Payment::new(PaymentId(Uuid::from_u128(4)), order(1).id, eur(4998), false);
        let reference = GatewayReference::new("pi_1").unwrap();
        let state = PaymentState::Answered;
        let answered =
            Payment::restore(&fresh, Some(reference.clone()), Vec::new(), state).unwrap();
        let part = |number, minor| {
            let news = RefundNews {
                reference: GatewayReference::new(format!("re_{number}")).unwrap(),
                payment: reference.clone(),
                ours: None,
                amount: eur(minor),
                report: RefundReport::Succeeded,
            };
            Refund::elsewhere(RefundId(Uuid::from_u128(number)), &answered, &news).0
        };
        let decide =
            |refunds: &[Refund]| decide_cancellation(&order(4998), Some(&answered), refunds);
        assert_eq!(decide(&[part(1, 998)]), Err(NotCancellable::Answered));
        assert_eq!(decide(&[part(1, 998), part(2, 4000)]), Ok(Cancellation::WentBack));
        let (ended, told) = answered.clone().went_back();
        assert_eq!((ended.state().name(), told), ("cancelled", Consequence::OrderCancelled));
        assert_eq!(ended.went_back().1, Consequence::Nothing);
    }

    #[test]
    fn an_order_that_is_over_without_money_needs_no_cancelling_and_a_paid_one_gets_none() {
        for over in [order(4998).cancel(AT).unwrap(), order(4998).fail(AT).unwrap()] {
            assert_eq!(decide_cancellation(&over, None, &[]), Ok(Cancellation::Over));
        }
        let paid = order(4998).pay(&receipt()).unwrap();
        assert_eq!(decide_cancellation(&paid, None, &[]), Err(NotCancellable::Paid));
        assert_eq!(decide_cancellation(&order(0), None, &[]), Err(NotCancellable::NothingToPay));
    }
}
