//! Effects that a transition caused: written in the transition's own transaction, carried out
//! afterwards, at least once, until done. Each is safe to repeat.

use domain::{cancellation::NotCancellable, id::RefundId, payment::PaymentState};
use gateways::stripe::CancelReason;
use storage::{
    StoreError, history, order,
    outbox::{self, Effect, EffectKind},
};

use super::{
    AT_ONCE, FlowError, apply, ask, back_off,
    call_person::{Matter, call_if_stuck},
    cancel_order, first_try, refund, side_by_side,
    tell::{self, Via},
};
use crate::context::{Context, after};

/// Carries out the effects that are due. Returns how many there were.
pub async fn deliver_due(cx: &Context) -> Result<usize, FlowError> {
    let claim = (cx.clock.now(), cx.lease());
    let effects = cx
        .store
        .write(claim, |tx, (now, lease)| Box::pin(outbox::claim_due(tx, *now, lease, AT_ONCE)))
        .await?;
    let count = effects.len();
    side_by_side(effects.into_iter().map(|effect| carry_out(cx, effect))).await?;
    Ok(count)
}

async fn carry_out(cx: &Context, effect: Effect) -> Result<(), StoreError> {
    let outcome = match effect.effect.kind {
        EffectKind::CancelPayment => close_payment(cx, &effect).await,
        EffectKind::CancelOrder => cancel_order(cx, &effect).await,
        EffectKind::MakeRefund => make_refund(cx, &effect).await,
    };
    match outcome {
        Ok(()) => done(cx, &effect).await,
        Err(error) => postpone(cx, &effect, &error).await,
    }
}

/// A payment that failed for good is closed at the gateway, so that nobody can pay it any more;
/// the gateway's answer is what makes the order failed.
async fn close_payment(cx: &Context, effect: &Effect) -> Result<(), FlowError> {
    let standing =
        cx.store.read(effect.effect.order, |tx, id| Box::pin(apply::look(tx, *id))).await?;
    let Some(standing) = standing else { return Ok(()) };
    let Some(reference) = standing.payment.payment.reference() else { return Ok(()) };
    // The shopper may have been faster: money that is on its way is not called back.
    let answer = cx.stripe.retrieve(reference).await.map_err(ask::unanswered)?;
    let standing = ask::hear(cx, effect.effect.order, &answer).await?;
    let closing = matches!(standing.payment.payment.state(), PaymentState::Closing { .. });
    if closing && ask::may_be_cancelled(&answer) {
        ask::cancel(cx, &standing, CancelReason::Abandoned, Via::Answer).await?;
    }
    Ok(())
}

/// A wish that came too late is void, and done.
async fn cancel_order(cx: &Context, effect: &Effect) -> Result<(), FlowError> {
    let wish = cancel_order::carry_out(cx, effect.effect.order, effect.effect.id).await?;
    wish.or_else(|_: NotCancellable| Ok(()))
}

async fn make_refund(cx: &Context, effect: &Effect) -> Result<(), FlowError> {
    let id = effect.effect.subject.parse::<RefundId>();
    let id = id.map_err(|error| FlowError::Broken(error.to_string()))?;
    refund::carry_out(cx, id).await
}

async fn done(cx: &Context, effect: &Effect) -> Result<(), StoreError> {
    let input = (effect.effect.id, cx.clock.now());
    let write = cx.store.write(input, |tx, (id, now)| Box::pin(outbox::done(tx, *id, *now)));
    write.await.map(|_first: bool| ())
}

async fn postpone(cx: &Context, effect: &Effect, error: &FlowError) -> Result<(), StoreError> {
    tracing::warn!(order = %effect.effect.order, %error, "an effect failed; it is tried again");
    let input = (effect.clone(), back_off(effect.tries), error.to_string(), cx.clock.now());
    cx.store
        .write(input, |tx, (effect, wait, error, now)| {
            Box::pin(async move {
                let (id, order, due_at) =
                    (effect.effect.id, effect.effect.order, after(*now, *wait));
                order::lock(tx, order).await?;
                let postponed = outbox::postpone(tx, id, due_at, error).await?;
                // Once the wait grows no more an item says that it goes on.
                if postponed && *wait < back_off(u32::MAX) {
                    let work = effect.effect.kind.sentence();
                    let entry = tell::tried_again(order, (work, error), due_at, *now);
                    history::note(tx, &entry).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    let order = Some(effect.effect.order);
    let matter = Matter { order, kind: "effect_stuck", subject: effect.effect.id.to_string() };
    call_if_stuck(cx, matter, first_try(cx.clock.now(), effect.tries), error).await
}
