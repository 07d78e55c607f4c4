//! Giving an order up because somebody wants it so, before any money has moved. The wish itself
//! moves nothing: the gateway cancels the payment, and its word cancels the order.

use crate::{
    order::{Order, OrderState, PaidBy},
    payment::{Payment, PaymentState},
};

/// What a wish to cancel leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// The gateway must be told to cancel the payment.
    Due,
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
    #[error("the money has moved, and the order is about to be paid")]
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
        Some(S::Answered | S::Succeeded { .. }) => Err(NotCancellable::Answered),
        Some(S::Closing { .. }) => Err(NotCancellable::Closing),
    }
}
