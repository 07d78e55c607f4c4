//! An order that nobody pays is given up: first the gateway confirms that the payment can no
//! longer succeed, then the stock is released. A payment that is under way keeps its reservation.

use std::time::Duration;

use domain::{
    id::OrderId,
    order::{Order, OrderState},
    payment::PaymentState,
};
use gateways::stripe::CancelReason;
use jiff::Timestamp;
use storage::{StoreError, Tx, history, order, payment};

use super::{
    FlowError,
    apply::{self, Standing},
    ask,
    tell::{self, Via},
};
use crate::context::{Context, after};

/// How much longer an order waits for a payment that is under way before it is asked about again.
const EXTENSION: Duration = Duration::from_secs(60 * 60);

/// When the shop had waited long enough; nothing while it still waits, or need not wait any more.
pub fn end(order: &Order, now: Timestamp) -> Option<Timestamp> {
    match order.state() {
        OrderState::Pending { expires_at } => Some(*expires_at).filter(|end| *end <= now),
        OrderState::Paid { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. } => None,
    }
}

/// Gives an overdue order up, or settles it if the money moved after all.
pub async fn expire(cx: &Context, standing: Standing) -> Result<(), FlowError> {
    let id = standing.order.id;
    let standing = match standing.payment.payment.reference() {
        Some(reference) => ask::look_up(cx, id, reference).await?,
        None => match ask::ask(cx, id).await {
            Ok(standing) => standing,
            // The shopper has paid, or not: only the gateway knows.
            Err(error) if ask::pays_by_itself(cx, id).await? => return Err(error),
            Err(FlowError::PaymentUnknown | FlowError::GatewayRefusesUs(_)) => {
                // Its client secret was never handed out, so nobody can pay it, whether or not it
                // exists; and an answer that comes now finds the payment over.
                let reason =
                    "Nobody paid in time, and nobody can: the payment was never handed out.";
                return Ok(ask::give_up(cx, id, reason).await?);
            }
            Err(error) => return Err(error),
        },
    };
    match standing.payment.payment.state() {
        PaymentState::Open | PaymentState::Declined { .. } | PaymentState::RequiresAction => {
            ask::cancel(cx, &standing, CancelReason::Abandoned, Via::Expiry).await?;
            Ok(())
        }
        PaymentState::Processing => extend(cx, id).await,
        // The event is on its way; or the outbox is closing it; or it is over.
        PaymentState::Answered
        | PaymentState::Created
        | PaymentState::Unknown
        | PaymentState::Closing { .. }
        | PaymentState::Succeeded { .. }
        | PaymentState::Failed { .. }
        | PaymentState::Cancelled => Ok(()),
    }
}

async fn extend(cx: &Context, id: OrderId) -> Result<(), FlowError> {
    cx.store
        .write((id, cx.clock.now()), |tx, (id, now)| Box::pin(wait_longer(tx, *id, *now)))
        .await
        .map_err(|error: StoreError| error.into())
}

async fn wait_longer(tx: &mut Tx, id: OrderId, now: Timestamp) -> Result<(), StoreError> {
    let Some(standing) = apply::lock(tx, id).await? else { return Ok(()) };
    let until = after(now, EXTENSION);
    // An order that was settled in the meantime needs no extension.
    let Ok(order) = standing.order.extend(until) else { return Ok(()) };
    order::save_state(tx, &order, now).await?;
    history::note_once(tx, &tell::under_way(id, now)).await?;
    payment::schedule(tx, standing.payment.payment.id, Some(until)).await
}
