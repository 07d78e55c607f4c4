//! Giving an order up because the shopper or the operator wants it so. The wish is written down
//! before Stripe is told to cancel the payment, and Stripe's answer is what cancels the order and
//! frees its pieces. If no answer comes the worker goes on, until the payment is cancelled or it
//! turns out that the shopper was faster: then the wish is void, and the history says so.
//!
//! What if the process dies after each step? Before the wish is on the disk: nothing happened.
//! After it, or after Stripe cancelled: the worker finds the wish and asks how the payment stands.
//! After the answer was taken in: the worker finds that nothing is left to do.

use domain::{
    cancellation::{Cancellation, NotCancellable, decide_cancellation},
    history::Actor,
    id::{OrderId, VisitorId},
    refund::Refund,
};
use gateways::stripe::CancelReason;
use jiff::Timestamp;
use storage::{
    StoreError, Tx, history, order,
    outbox::{self, EffectKind, NewEffect},
    refund,
};
use uuid::Uuid;

use super::{
    FlowError,
    apply::{self, Standing},
    ask,
    tell::{self, Via},
};
use crate::context::Context;

/// Who wants which order cancelled.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The order.
    pub order: OrderId,
    /// Who wants it.
    pub by: Canceller,
}

/// Who wants an order cancelled.
#[derive(Debug, Clone)]
pub enum Canceller {
    /// Whoever may see the order, by the name of the visitor who made it.
    Shopper(VisitorId),
    /// The shop's operator.
    Operator {
        /// Her reason, for the shop alone.
        reason: Option<String>,
    },
}

impl Canceller {
    /// Who that is in the history.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Shopper(_) => Actor::Shopper,
            Self::Operator { .. } => Actor::Operator,
        }
    }
}

/// Cancels an order. `Ok`: it is over, and no money can come any more. Asking again, or for an
/// order that is over already, changes nothing.
pub async fn cancel_order(cx: &Context, wish: Wish) -> Result<(), FlowError> {
    let id = wish.order;
    let input = (wish, cx.ids.next(), cx.clock.now());
    let effect = cx
        .store
        .write(input, |tx, (wish, id, now)| Box::pin(write_down(tx, wish, *id, *now)))
        .await?;
    let Some(effect) = effect else { return Ok(()) };
    match carry_out(cx, id, effect).await? {
        Ok(()) => Ok(()),
        Err(reason) => Err(FlowError::NotCancellable { order: id, reason }),
    }
}

/// Writes the wish down as work for later, should this process not get to its end. Nothing is
/// returned where nothing is left to do.
async fn write_down(
    tx: &mut Tx,
    wish: &Wish,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<Uuid>, FlowError> {
    let order = order::load(tx, wish.order).await?.ok_or(FlowError::NoSuchOrder)?;
    match &wish.by {
        Canceller::Shopper(visitor) if *visitor != order.visitor => {
            return Err(FlowError::NoSuchOrder);
        }
        Canceller::Shopper(_) | Canceller::Operator { .. } => {}
    }
    let decided = match apply::lock(tx, order.id).await? {
        Some(standing) => decide(tx, standing, now).await?,
        None => decide_cancellation(&order, None, &[]),
    };
    match decided.map_err(|reason| FlowError::NotCancellable { order: order.id, reason })? {
        Cancellation::Over | Cancellation::WentBack => return Ok(None),
        Cancellation::Due => {}
    }
    // Somebody may have wished it before; or the commit of an earlier run was lost on the way back.
    if let Some(open) = outbox::open(tx, order.id, EffectKind::CancelOrder).await? {
        return Ok(Some(open));
    }
    // Later than this process takes, so that the two do not meet.
    let (kind, due_at) = (EffectKind::CancelOrder, apply::first_look(now));
    let effect = NewEffect { id, order: order.id, kind, subject: id.to_string(), due_at };
    outbox::put(tx, &effect).await?;
    history::note(tx, &tell::cancel_asked(order.id, &wish.by, now)).await?;
    Ok(Some(id))
}

/// What the wish leads to; where all of the money has gone back, the order ends in this transaction.
async fn decide(
    tx: &mut Tx,
    standing: Standing,
    now: Timestamp,
) -> Result<Result<Cancellation, NotCancellable>, StoreError> {
    let refunds = refund::of_order(tx, standing.order.id).await?;
    let refunds: Vec<Refund> = refunds.into_iter().map(|stored| stored.refund).collect();
    let payment = Some(&standing.payment.payment);
    let decided = decide_cancellation(&standing.order, payment, &refunds);
    if decided == Ok(Cancellation::WentBack) {
        apply::end_that_went_back(tx, standing, now).await?;
    }
    Ok(decided)
}

/// Has an order cancelled whose wish is written down. Safe to repeat, at any time and by several at
/// once. The outer error says that the outcome is not known yet; the inner one that the wish is void.
pub async fn carry_out(
    cx: &Context,
    order: OrderId,
    effect: Uuid,
) -> Result<Result<(), NotCancellable>, FlowError> {
    // Whatever goes wrong, the order may be over by now.
    let asked = cancel_at_stripe(cx, order).await;
    match settle(cx, order, effect).await? {
        Ok(Cancellation::Over | Cancellation::WentBack) => Ok(Ok(())),
        Err(reason) => Ok(Err(reason)),
        Ok(Cancellation::Due) => Err(asked.err().unwrap_or(FlowError::PaymentUnknown)),
    }
}

/// Asks how the payment stands before it is cancelled: money that is on its way is not called back.
async fn cancel_at_stripe(cx: &Context, id: OrderId) -> Result<(), FlowError> {
    let standing = cx.store.read(id, |tx, id| Box::pin(apply::look(tx, *id))).await?;
    let Some(standing) = standing.filter(is_due) else { return Ok(()) };
    let standing = match standing.payment.payment.reference() {
        Some(reference) => ask::look_up(cx, id, reference).await?,
        // It may exist there all the same.
        None => ask::ask(cx, id).await?,
    };
    if is_due(&standing) {
        let reason = CancelReason::RequestedByCustomer;
        ask::cancel(cx, &standing, reason, Via::Answer).await?;
    }
    Ok(())
}

fn is_due(standing: &Standing) -> bool {
    let decided = decide_cancellation(&standing.order, Some(&standing.payment.payment), &[]);
    decided == Ok(Cancellation::Due)
}

/// Closes the wish, if what became of it is known by now.
async fn settle(
    cx: &Context,
    order: OrderId,
    effect: Uuid,
) -> Result<Result<Cancellation, NotCancellable>, StoreError> {
    cx.store
        .write((order, effect, cx.clock.now()), |tx, (order, effect, now)| {
            Box::pin(async move {
                let Some(standing) = apply::lock(tx, *order).await? else {
                    return Ok(Ok(Cancellation::Over));
                };
                let decided = decide(tx, standing, *now).await?;
                match decided {
                    Ok(Cancellation::Due) => {}
                    Ok(Cancellation::Over | Cancellation::WentBack) => {
                        outbox::done(tx, *effect, *now).await?;
                    }
                    Err(reason) => {
                        if outbox::done(tx, *effect, *now).await? {
                            history::note(tx, &tell::cancel_void(*order, reason, *now)).await?;
                        }
                    }
                }
                Ok(decided)
            })
        })
        .await
}
