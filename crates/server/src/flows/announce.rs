//! Telling others of an order. The step and what is told of it are one transaction: whoever dies
//! afterwards, it is told. The body is made there and stays as it is, because a notice tells how
//! things stood at the step, and not how they stand when somebody at last receives it; an endpoint
//! that was added later can be told of earlier steps too.
//!
//! Who receives it is decided afterwards, in a second transaction that needs nothing but the
//! database: no step waits for it, or knows of it.

use domain::{
    delivery::Receiver,
    id::NoticeId,
    notice::NoticeKind,
    order::Order,
    payment::Payment,
    refund::{Refund, RefundState},
};
use jiff::Timestamp;
use storage::{StoreError, Tx, delivery, dispute, notice, refund};

use super::{FlowError, apply};
use crate::{
    context::Context,
    http::notice::{Notice, Step},
};

/// How many notices are sent on their way in one transaction.
const BATCH: u32 = 32;

/// An order has come to the state that it is in.
pub async fn order_moved(
    tx: &mut Tx,
    order: &Order,
    payment: Option<&Payment>,
    now: Timestamp,
) -> Result<(), StoreError> {
    match NoticeKind::of_order(order.state()) {
        Some(kind) => tell(tx, (kind, None), (order, payment), now).await,
        None => Ok(()),
    }
}

/// A refund has come to the state that it is in, from `before`. That of a stray is nobody's news:
/// the order's money does not move.
pub async fn refund_moved(
    tx: &mut Tx,
    (order, payment): (&Order, &Payment),
    before: Option<&RefundState>,
    after: &Refund,
    now: Timestamp,
) -> Result<(), StoreError> {
    if after.stray.is_some() {
        return Ok(());
    }
    match NoticeKind::of_refund(before, after.state()) {
        Some(kind) => tell(tx, (kind, Some(after)), (order, Some(payment)), now).await,
        None => Ok(()),
    }
}

async fn tell(
    tx: &mut Tx,
    (kind, about): (NoticeKind, Option<&Refund>),
    (order, payment): (&Order, Option<&Payment>),
    at: Timestamp,
) -> Result<(), StoreError> {
    let refunds = refund::of_order(tx, order.id).await?;
    let refunds: Vec<Refund> = refunds.into_iter().map(|stored| stored.refund).collect();
    let disputes = dispute::of_order(tx, order.id).await?;
    let (refunds, disputes) = (&refunds, &disputes);
    let step = Step { kind, at, order, payment, refunds, disputes, refund: about };
    let broken =
        |error: String| apply::contradiction("orders", "total_minor", order.id.to_string(), error);
    let body = Notice::of(&step).map_err(|error| broken(error.to_string()))?;
    let body = serde_json::to_string(&body).map_err(|error| broken(error.to_string()))?;
    let id = NoticeId::of(order.id, kind, about);
    let refund = about.map(|refund| refund.id);
    let told = notice::Notice { id, order: order.id, kind, refund, body, created_at: at };
    if notice::put(tx, &told).await? {
        tracing::info!(order = %order.id, notice = %id, kind = kind.name(), "notice");
    }
    Ok(())
}

/// Sends notices on their way to everybody who should hear of them. Returns how many there were.
pub async fn send_out_due(cx: &Context) -> Result<usize, FlowError> {
    let receivers: Vec<Receiver> = cx.outlets.iter().map(|outlet| outlet.receiver()).collect();
    let sent = cx.store.write((cx.clock.now(), receivers), |tx, (now, receivers)| {
        Box::pin(async move {
            let due = notice::due(tx, *now, BATCH).await?;
            for notice in &due {
                let concerned = receivers.iter().filter(|one| concerns(notice.kind, one));
                for receiver in concerned {
                    delivery::put(tx, notice.id, receiver, *now).await?;
                }
                notice::done(tx, notice.id).await?;
            }
            Ok::<_, StoreError>(due.len())
        })
    });
    let sent = sent.await?;
    if sent > 0 {
        cx.outlets.iter().for_each(|outlet| outlet.bell.notify_one());
    }
    Ok(sent)
}

/// Whether a receiver is told of such steps.
pub fn concerns(kind: NoticeKind, receiver: &Receiver) -> bool {
    match receiver {
        Receiver::Endpoint(_) => true,
        Receiver::Shopper => kind.is_for_the_shopper(),
    }
}
