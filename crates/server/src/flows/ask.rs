//! Asking the gateway for a payment that has been written down. The same request goes out under
//! the same key however often it is asked, by whatever process: the gateway carries it out once.

use std::time::Duration;

use domain::{
    checkout::Refusal,
    event::{GatewayReference, News, Report},
    id::OrderId,
    payment::{Attempt, PaymentState},
};
use gateways::{
    Doubt, GatewayError,
    stripe::{Answer, CancelReason, Refused, Stripe},
};
use jiff::Timestamp;
use storage::{StoreError, history, payment};

use super::{
    FlowError,
    apply::{self, Heard, Standing, Time},
    back_off,
    tell::{self, Via},
};
use crate::context::{Context, after};

/// Stripe forgets a key after 24 hours; from then on the same request would make a second
/// payment. The margin is for clocks that disagree. (docs.stripe.com/api/idempotent_requests)
pub const KEY_LIFETIME: Duration = Duration::from_secs(20 * 60 * 60);

/// Stripe's clock and ours.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5 * 60);

/// What is told of an order that ends because its payment does not exist.
const NEVER_ARRIVED: &str = "The payment is not at Stripe, and never will be.";

/// By then a payment that Stripe made stands in its list.
const VISIBLE_AFTER: Duration = Duration::from_secs(60);

/// Asks for the payment of `order` and takes the answer in. Safe to repeat: the process may die
/// after any line, and the next one that asks finds the same attempt.
pub async fn ask(cx: &Context, order: OrderId) -> Result<Standing, FlowError> {
    let (standing, attempt) = cx
        .store
        .read(order, |tx, order| {
            Box::pin(async move {
                let Some(standing) = apply::look(tx, *order).await? else { return Ok(None) };
                let attempts = payment::attempts(tx, standing.payment.payment.id).await?;
                let attempt = attempts.into_iter().last();
                Ok::<_, StoreError>(attempt.map(|attempt| (standing, attempt)))
            })
        })
        .await?
        .ok_or(FlowError::NoSuchOrder)?;
    let written = attempt.created_at;
    if after(written, KEY_LIFETIME) > cx.clock.now() {
        let answer = match cx.stripe.create(&attempt.key, &attempt.request).await {
            // Stripe repeats a fault of its own under the same key for a day, although the payment
            // may exist: then it is found, not asked for again.
            Err(fault @ GatewayError::Unknown(Doubt::Status { status: 500.., .. })) => {
                match look_for(cx, order, written).await {
                    Ok(Some(answer)) => Ok(answer),
                    // It does not exist and never will: the next intent is a new order.
                    Ok(None) if after(written, VISIBLE_AFTER) <= cx.clock.now() => {
                        give_up(cx, order, NEVER_ARRIVED).await?;
                        return Err(FlowError::PaymentUnknown);
                    }
                    Ok(None) | Err(_) => Err(fault),
                }
            }
            answer => answer,
        };
        return take_answer(cx, order, &attempt, answer).await;
    }
    // Too old to be sent again. If it exists it is found, whatever became of it; if it does not there
    // is nothing to give up.
    match look_for(cx, order, written).await {
        Ok(Some(answer)) => take_answer(cx, order, &attempt, Ok(answer)).await,
        Ok(None) => {
            give_up(cx, order, NEVER_ARRIVED).await?;
            Ok(standing)
        }
        Err(error) => take_answer(cx, order, &attempt, Err(error)).await,
    }
}

/// Whether the payment of `order` was asked for with what pays it: as long as no answer has come,
/// money may have moved.
pub async fn pays_by_itself(cx: &Context, order: OrderId) -> Result<bool, StoreError> {
    cx.store
        .read(order, |tx, order| {
            Box::pin(async move {
                let Some(stored) = payment::of_order(tx, *order).await? else { return Ok(false) };
                let attempts = payment::attempts(tx, stored.payment.id).await?;
                Ok(attempts.iter().any(|attempt| Stripe::pays_by_itself(&attempt.request)))
            })
        })
        .await
}

/// Looks for a payment that was asked for at `written`, or within a day after it.
async fn look_for(
    cx: &Context,
    order: OrderId,
    written: Timestamp,
) -> Result<Option<Answer>, GatewayError> {
    let from = written.checked_sub(CLOCKS_DIFFER).unwrap_or(Timestamp::MIN);
    cx.stripe.find(order, from, after(written, KEY_LIFETIME + CLOCKS_DIFFER)).await
}

async fn take_answer(
    cx: &Context,
    order: OrderId,
    attempt: &Attempt,
    answer: Result<Answer, GatewayError>,
) -> Result<Standing, FlowError> {
    match answer {
        Ok(answer) => keep_answer(cx, order, attempt, answer).await,
        Err(GatewayError::Refused(refused)) => refuse(cx, order, attempt, *refused).await,
        Err(error @ (GatewayError::NotSent(_) | GatewayError::Unknown(_))) => {
            tracing::warn!(%order, %error, "the gateway did not answer");
            lose_answer(cx, order).await?;
            Err(FlowError::PaymentUnknown)
        }
    }
}

async fn refuse(
    cx: &Context,
    order: OrderId,
    attempt: &Attempt,
    mut refused: Refused,
) -> Result<Standing, FlowError> {
    if let Some(answer) = refused.payment.take() {
        // It exists all the same: that is an answer.
        return keep_answer(cx, order, attempt, *answer).await;
    }
    record(cx, attempt, ("refused", &refused.to_string())).await?;
    if refused.is_operator_fault() {
        // A wrong key says nothing about the payment; the order waits until it is mended.
        return Err(FlowError::GatewayRefusesUs(refused.to_string()));
    }
    let reason = format!("{refused}.");
    give_up(cx, order, &reason).await?;
    Err(what_was_refused(&refused))
}

async fn keep_answer(
    cx: &Context,
    order: OrderId,
    attempt: &Attempt,
    answer: Answer,
) -> Result<Standing, FlowError> {
    let now = cx.clock.now();
    let input = (order, attempt.clone(), heard(cx, &answer.news), answer, now);
    let standing = cx
        .store
        .write(input, |tx, (order, attempt, heard, answer, now)| {
            Box::pin(async move {
                let standing = apply::apply(tx, *order, std::slice::from_ref(heard), *now).await?;
                let Some(mut standing) = standing else { return Ok::<_, StoreError>(None) };
                let (id, number) = (attempt.payment, attempt.number);
                payment::record_answer(tx, id, number, ("answered", &answer.raw), *now).await?;
                // News that does not fit is not taken in, and its secret is not handed out.
                let is_ours = standing.payment.payment.reference() == Some(&answer.news.reference);
                if let Some(secret) = answer.client_secret.as_ref().filter(|_| is_ours) {
                    payment::save_client_secret(tx, id, secret.expose()).await?;
                    standing.payment.client_secret = Some(secret.expose().to_owned());
                    apply::show(tx, &standing.payment, *now).await?;
                }
                Ok(Some(standing))
            })
        })
        .await?;
    standing.ok_or(FlowError::NoSuchOrder)
}

/// News of an answer, with an id for the row it may cause, and with what it is judged by.
pub fn heard(cx: &Context, news: &News) -> Heard {
    heard_via(cx, news, Via::Answer)
}

fn heard_via(cx: &Context, news: &News, via: Via) -> Heard {
    let watch = cx.shield.as_ref().map(|shield| shield.watch(news));
    Heard { news: news.clone(), via, id: cx.ids.next(), time: Time::Present, watch }
}

async fn record(
    cx: &Context,
    attempt: &Attempt,
    (outcome, raw): (&'static str, &str),
) -> Result<(), StoreError> {
    let input = (attempt.payment, attempt.number, outcome, raw.to_owned(), cx.clock.now());
    cx.store
        .write(input, |tx, (id, number, outcome, raw, now)| {
            Box::pin(payment::record_answer(tx, *id, *number, (outcome, raw), *now))
        })
        .await
}

/// Ends an order whose payment nobody can pay.
pub async fn give_up(cx: &Context, order: OrderId, reason: &str) -> Result<(), StoreError> {
    cx.store
        .write((order, reason.to_owned(), cx.clock.now()), |tx, (order, reason, now)| {
            Box::pin(apply::give_up(tx, *order, reason, *now))
        })
        .await
}

async fn lose_answer(cx: &Context, order: OrderId) -> Result<(), StoreError> {
    cx.store
        .write((order, cx.clock.now()), |tx, (order, now)| {
            Box::pin(async move {
                let Some(standing) = apply::lock(tx, *order).await? else { return Ok(()) };
                let before = standing.payment.payment;
                let payment = before.clone().lose_answer();
                if payment != before {
                    payment::save(tx, &payment, *now).await?;
                }
                if matches!(payment.state(), PaymentState::Unknown) {
                    // How often it was asked is seen from how long ago it was first asked.
                    let age = now.duration_since(standing.order.created_at).as_secs();
                    let tries = age.max(1).ilog2();
                    let due_at = after(*now, back_off(tries));
                    payment::schedule(tx, payment.id, Some(due_at)).await?;
                    // The same operation run again finds its own time.
                    if standing.payment.due_at != Some(due_at) {
                        history::note(tx, &tell::unanswered(*order, due_at, *now)).await?;
                    }
                }
                Ok(())
            })
        })
        .await
}

/// Asks how a payment stands, and takes the answer in.
pub async fn look_up(
    cx: &Context,
    order: OrderId,
    reference: &GatewayReference,
) -> Result<Standing, FlowError> {
    let answer = cx.stripe.retrieve(reference).await.map_err(unanswered)?;
    hear(cx, order, &answer).await
}

/// Tells the gateway to cancel a payment, and takes the answer in: it may say that the money has
/// moved in the meantime.
pub async fn cancel(
    cx: &Context,
    standing: &Standing,
    reason: CancelReason,
    via: Via,
) -> Result<Standing, FlowError> {
    let payment = &standing.payment.payment;
    let answer = request_cancel(cx, standing, reason).await?;
    match answer {
        Some(answer) => take_in(cx, payment.order, heard_via(cx, &answer.news, via)).await,
        None => Ok(standing.clone()),
    }
}

/// Tells the gateway to cancel a payment. `None`: it is not there yet.
pub async fn request_cancel(
    cx: &Context,
    standing: &Standing,
    reason: CancelReason,
) -> Result<Option<Answer>, FlowError> {
    let payment = &standing.payment.payment;
    let Some(reference) = payment.reference() else { return Ok(None) };
    let answer = cx.stripe.cancel(reference, reason).await;
    answer.map(Some).map_err(unanswered)
}

/// Takes an answer in.
pub async fn hear(cx: &Context, order: OrderId, answer: &Answer) -> Result<Standing, FlowError> {
    take_in(cx, order, heard(cx, &answer.news)).await
}

async fn take_in(cx: &Context, order: OrderId, heard: Heard) -> Result<Standing, FlowError> {
    let standing = cx
        .store
        .write((order, heard, cx.clock.now()), |tx, (order, heard, now)| {
            Box::pin(apply::apply(tx, *order, std::slice::from_ref(heard), *now))
        })
        .await?;
    standing.ok_or(FlowError::NoSuchOrder)
}

/// Whether the payment waits for the shopper, so that cancelling it takes nothing from anybody.
pub fn may_be_cancelled(answer: &Answer) -> bool {
    match answer.news.report {
        Report::Open | Report::Declined(_) | Report::RequiresAction => true,
        Report::Processing | Report::Succeeded { .. } | Report::Cancelled => false,
    }
}

/// Whether it can no longer succeed.
pub fn is_cancelled(answer: &Answer) -> bool {
    match answer.news.report {
        Report::Cancelled => true,
        Report::Open
        | Report::Declined(_)
        | Report::RequiresAction
        | Report::Processing
        | Report::Succeeded { .. } => false,
    }
}

/// What a question without an answer means.
pub fn unanswered(error: GatewayError) -> FlowError {
    match error {
        GatewayError::Refused(refused) => FlowError::GatewayRefusesUs(refused.to_string()),
        GatewayError::NotSent(_) | GatewayError::Unknown(_) => FlowError::PaymentUnknown,
    }
}

fn what_was_refused(refused: &Refused) -> FlowError {
    let field = refused.address_field();
    if field.is_some() || refused.code.as_deref() == Some("email_invalid") {
        return FlowError::ContactRefused { field };
    }
    // The published limits are not all of them: an account may be paid out in another currency.
    if refused.is_amount_too_small() {
        return FlowError::AmountTooSmall;
    }
    if refused.param.as_deref() == Some("amount") {
        return Refusal::AmountNotChargeable.into();
    }
    FlowError::GatewayRefusesUs(refused.to_string())
}
