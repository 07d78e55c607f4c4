//! The worker's look at every payment that is not over: those whose answer was lost are asked for
//! again under the same key, those whose event is late have it fetched, those that nobody pays
//! expire.

use std::time::Duration;

use domain::{id::OrderId, payment::PaymentState};
use storage::{StoreError, attention, payment};

use super::{
    AT_ONCE, FlowError,
    apply::{self, Standing},
    ask, back_off,
    call_person::{Matter, call_if_stuck},
    expire, side_by_side,
};
use crate::context::{Context, after};

/// An event that is this late is worth a person's look at the webhook endpoint and the account.
const EVENT_OVERDUE: Duration = Duration::from_secs(5 * 60);

/// Looks at the payments that are due. Returns how many there were.
pub async fn reconcile_due(cx: &Context) -> Result<usize, FlowError> {
    let claim = (cx.clock.now(), cx.lease());
    let orders = cx
        .store
        .write(claim, |tx, (now, lease)| Box::pin(payment::claim_due(tx, *now, lease, AT_ONCE)))
        .await?;
    let count = orders.len();
    side_by_side(orders.into_iter().map(|order| settle(cx, order))).await?;
    Ok(count)
}

async fn settle(cx: &Context, order: OrderId) -> Result<(), StoreError> {
    let Err(error) = reconcile(cx, order).await else { return Ok(()) };
    tracing::warn!(%order, %error, "could not settle a payment; it is tried again");
    postpone(cx, order, &error).await
}

async fn reconcile(cx: &Context, id: OrderId) -> Result<(), FlowError> {
    let standing = cx.store.read(id, |tx, id| Box::pin(apply::look(tx, *id))).await?;
    let Some(standing) = standing else { return Ok(()) };
    let is_over = expire::end(&standing.order, cx.clock.now()).is_some();
    match standing.payment.payment.state() {
        PaymentState::Answered => fetch_event(cx, &standing).await?,
        PaymentState::Created
        | PaymentState::Unknown
        | PaymentState::Open
        | PaymentState::Declined { .. }
        | PaymentState::RequiresAction
        | PaymentState::Processing
        | PaymentState::Closing { .. }
            if is_over =>
        {
            expire::expire(cx, standing).await?;
        }
        PaymentState::Created | PaymentState::Unknown => {
            ask::ask(cx, id).await?;
        }
        PaymentState::Open
        | PaymentState::Declined { .. }
        | PaymentState::RequiresAction
        | PaymentState::Processing
        | PaymentState::Closing { .. } => {
            if let Some(reference) = standing.payment.payment.reference() {
                ask::look_up(cx, id, reference).await?;
            }
        }
        PaymentState::Succeeded { .. } | PaymentState::Failed { .. } | PaymentState::Cancelled => {}
    }
    Ok(())
}

async fn fetch_event(cx: &Context, standing: &Standing) -> Result<(), FlowError> {
    cx.bells.poll.notify_one();
    let input = (standing.order.id, cx.ids.next(), cx.clock.now());
    cx.store
        .write(input, |tx, (id, item, now)| {
            Box::pin(async move {
                let Some(standing) = apply::lock(tx, *id).await? else { return Ok(()) };
                let Standing { order, payment } = standing;
                if !matches!(payment.payment.state(), PaymentState::Answered) {
                    // The event was faster, and has said when to look again, if at all.
                    return Ok(());
                }
                let mut again = after(*now, Duration::from_secs(10));
                if after(payment.updated_at, EVENT_OVERDUE) <= *now {
                    let reference = payment.payment.reference().map_or("", |known| known.as_str());
                    let sentence = format!(
                        "Stripe says that {reference} succeeded, but its event has not come for \
                         five minutes. Check the webhook endpoint and the account's events. If \
                         Stripe has the event no more (it keeps them for 30 days), give the money \
                         back there, and when that shows in `till orders show`: till orders cancel \
                         {}",
                        order.id
                    );
                    let (order, subject) = (Some(order.id), reference.to_owned());
                    let (id, kind, at) = (*item, "event_overdue".to_owned(), *now);
                    let item = attention::NewItem { id, order, kind, subject, sentence, at };
                    apply::raise_again(tx, &item).await?;
                    // A person was called; asking as often as before would not help.
                    again = after(*now, apply::LOOK_AGAIN);
                }
                payment::schedule(tx, payment.payment.id, Some(again)).await
            })
        })
        .await
        .map_err(|error: StoreError| error.into())
}

/// Gives the claim back. How long to wait follows from how long the payment has not moved.
async fn postpone(cx: &Context, id: OrderId, error: &FlowError) -> Result<(), StoreError> {
    let since = cx
        .store
        .write((id, cx.clock.now()), |tx, (id, now)| {
            Box::pin(async move {
                let Some(standing) = apply::look(tx, *id).await? else { return Ok(None) };
                let Standing { order, payment: stored } = standing;
                if !stored.payment.is_live() {
                    return Ok(None);
                }
                let idle = now.duration_since(stored.updated_at).as_secs().max(1);
                let tries = idle.ilog2();
                let due_at = after(*now, back_off(tries));
                payment::schedule(tx, stored.payment.id, Some(due_at)).await?;
                // What fails now was due at the order's end, or at the last look before it.
                let looked = after(stored.updated_at, apply::LOOK_AGAIN);
                Ok::<_, StoreError>(Some(expire::end(&order, *now).unwrap_or(looked)))
            })
        })
        .await?;
    let Some(since) = since else { return Ok(()) };
    let matter = Matter { order: Some(id), kind: "payment_stuck", subject: id.to_string() };
    call_if_stuck(cx, matter, since, error).await
}
