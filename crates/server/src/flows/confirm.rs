//! One call after the browser's confirmation, to get the final order without waiting for the
//! webhook. It asks the gateway, never believes the browser, and never makes an order paid by
//! itself: if the gateway says that the money moved and the event is late, it has the event
//! fetched.

use std::time::Duration;

use domain::{id::OrderId, payment::PaymentState};
use tokio::time::Instant;

use super::{
    FlowError, ask,
    customer::Asker,
    see_order::{Seen, see_order},
};
use crate::context::Cx;

/// Longest wait for the event; a shopper does not notice two seconds after a payment.
const WAIT_FOR_EVENT: Duration = Duration::from_secs(2);
/// Another node may have applied the event: its bell does not ring here, so the row is read again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How the asker's order stands, by the gateway's word.
pub async fn confirm(cx: &Cx, asker: Asker, id: OrderId) -> Result<Seen, FlowError> {
    let seen = see_order(cx, asker, id).await?;
    let Some(payment) = &seen.payment else { return Ok(seen) };
    if !payment.payment.is_live() {
        return Ok(seen);
    }
    let standing = match payment.payment.reference() {
        Some(reference) => ask::look_up(cx, id, reference).await?,
        None => ask::ask(cx, id).await?,
    };
    match standing.payment.payment.state() {
        PaymentState::Answered => wait_for_event(cx, asker, id).await,
        PaymentState::Declined { decline } => {
            Err(FlowError::Declined { message: decline.message.clone() })
        }
        PaymentState::Closing { .. } => {
            Err(FlowError::Declined { message: "The payment was declined.".to_owned() })
        }
        PaymentState::RequiresAction => Err(FlowError::AuthRequired),
        PaymentState::Created
        | PaymentState::Unknown
        | PaymentState::Open
        | PaymentState::Processing
        | PaymentState::Succeeded { .. }
        | PaymentState::Failed { .. }
        | PaymentState::Cancelled => see_order(cx, asker, id).await,
    }
}

/// Has the event fetched and waits for it to be applied. If it does not come in time the order is
/// shown as it is; the worker goes on.
async fn wait_for_event(cx: &Cx, asker: Asker, id: OrderId) -> Result<Seen, FlowError> {
    let end = Instant::now() + WAIT_FOR_EVENT;
    cx.bells.poll.notify_one();
    loop {
        let applied = cx.bells.applied.notified();
        let seen = see_order(cx, asker, id).await?;
        let live = seen.payment.as_ref().is_some_and(|payment| payment.payment.is_live());
        if !live || Instant::now() >= end {
            return Ok(seen);
        }
        tokio::select! {
            () = applied => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}
