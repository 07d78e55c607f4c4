//! Giving money back. A refund is written down with its exact request before Stripe hears of it,
//! and goes out under one key however often, and by whatever process, it is sent. What Stripe says
//! of it (in an answer, in its list, or when an event made us look) is taken in by [`apply`].

use domain::{
    event::GatewayReference,
    id::{OrderId, RefundId},
    money::Money,
    order::Order,
    payment::{IdempotencyKey, Payment},
    refund::{
        NotMade, Refund, RefundConsequence, RefundNews, RefundOrigin, RefundRefused, RefundState,
        decide_refund, rest,
    },
};
use gateways::{
    Doubt, GatewayError,
    stripe::{AmountError, refund::encode},
};
use jiff::Timestamp;
use storage::{
    StoreError, Tx, dispute, history,
    outbox::{self, EffectKind, NewEffect},
    refund::{self, Request, Stored},
};
use uuid::Uuid;

use super::{
    FlowError, announce,
    apply::{self, Standing},
    ask::{KEY_LIFETIME, unanswered},
    tell::{self, Via},
};
use crate::context::{Context, after};

/// What an operator wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Of which order.
    pub order: OrderId,
    /// How much; without it, all that is left.
    pub amount: Option<Money>,
    /// Why, for the shop alone.
    pub note: Option<String>,
}

/// Why a refund was not written down.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no such order.
    #[error("there is no such order")]
    NoSuchOrder,
    /// It may not be given back.
    #[error(transparent)]
    Refused(#[from] RefundRefused),
    /// The gateway cannot count so.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// News of a refund, with the id of the row that it may cause (a refund made elsewhere, or an
/// item for a person).
#[derive(Debug, Clone)]
pub struct Told {
    news: RefundNews,
    id: Uuid,
}

/// Writes a refund down, and the work to make it. Nothing has been asked of the gateway yet; the
/// worker, or whoever calls [`carry_out`], does that.
pub async fn request(cx: &Context, wish: Wish) -> Result<Refund, RequestError> {
    let input = (wish, RefundId(cx.ids.next()), cx.clock.now());
    let refund = cx
        .store
        .write(input, |tx, (wish, id, now)| Box::pin(write_down(tx, wish, *id, *now)))
        .await?;
    cx.bells.effects.notify_one();
    Ok(refund)
}

async fn write_down(
    tx: &mut Tx,
    wish: &Wish,
    id: RefundId,
    now: Timestamp,
) -> Result<Refund, RequestError> {
    if let Some(mine) = refund::by_id(tx, id).await? {
        // The commit of an earlier run was lost on the way back.
        return Ok(mine.refund);
    }
    let Some(standing) = apply::lock(tx, wish.order).await? else {
        let exists = storage::order::load(tx, wish.order).await?.is_some();
        let free = RequestError::Refused(RefundRefused::NothingPaid);
        return Err(if exists { free } else { RequestError::NoSuchOrder });
    };
    let payment = &standing.payment.payment;
    let others = refund::of_order(tx, wish.order).await?;
    let others: Vec<Refund> = others.into_iter().map(|stored| stored.refund).collect();
    let disputes = dispute::of_order(tx, wish.order).await?;
    let amount = decide_refund(payment, &others, &disputes, wish.amount)?;
    let reference = payment.reference().ok_or(RefundRefused::NoReference)?;
    let origin = RefundOrigin::Operator { note: wish.note.clone() };
    let refund = Refund::new(id, payment, amount, origin);
    put(tx, &refund, encode(&refund, reference)?, now).await?;
    Ok(refund)
}

/// Money came for an order that is over, or from a stray: all of it goes back, once, however often
/// that is heard. Stripe finds only payments of the account that asks, so money that another
/// account reports cannot leave ours.
pub async fn request_automatic(
    tx: &mut Tx,
    refund: &Refund,
    reference: &GatewayReference,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let body = encode(refund, reference).map_err(|error| {
        let id = refund.payment.to_string();
        apply::contradiction("payments", "amount_minor", id, error.to_string())
    })?;
    put(tx, refund, body, now).await
}

/// `false` where it is there already.
async fn put(
    tx: &mut Tx,
    refund: &Refund,
    body: String,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let request = Request { key: IdempotencyKey::refund(refund.id), body };
    if !refund::insert(tx, refund, Some(&request), now).await? {
        return Ok(false);
    }
    let (kind, subject) = (EffectKind::MakeRefund, refund.id.to_string());
    let effect = NewEffect { id: refund.id.0, order: refund.order, kind, subject, due_at: now };
    outbox::put(tx, &effect).await?;
    history::note(tx, &tell::refund_asked(refund, request.key.as_str(), now)).await?;
    let (order, amount) = (refund.order, refund.amount.major());
    tracing::info!(%order, refund = %refund.id, amount, origin = refund.origin.name(), "refund");
    Ok(true)
}

/// Has a refund made that was written down. Safe to repeat, at any time and by several at once:
/// Stripe carries the request out once. `Ok` when the outcome is known.
pub async fn carry_out(cx: &Context, id: RefundId) -> Result<(), FlowError> {
    let Some((stored, reference)) = read(cx, id).await? else { return Ok(()) };
    let Stored { refund, request: Some(request), created_at } = stored else { return Ok(()) };
    if !refund.is_to_be_asked() {
        return Ok(());
    }
    if after(created_at, KEY_LIFETIME) <= cx.clock.now() {
        // Stripe has forgotten the key, or soon will: sent again it might be a second refund.
        if is_there(cx, &refund, &reference).await? {
            return Ok(());
        }
        if !refund.bears_a_second_request() {
            return Ok(refuse(cx, &refund, &reference, NotMade::NeverArrived).await?);
        }
    }
    match cx.stripe.create_refund(&request.key, &request.body).await {
        Ok(news) => take_in(cx, refund.order, vec![news]).await.map_err(FlowError::from),
        // A wrong key says nothing about the refund; it waits until the key is mended.
        Err(GatewayError::Refused(no)) if no.is_operator_fault() => {
            Err(FlowError::GatewayRefusesUs(no.to_string()))
        }
        Err(GatewayError::Refused(no)) => {
            tracing::warn!(refund = %refund.id, error = %no, message = no.message, "refused");
            let reason = no.no_refund();
            // Somebody may have been faster there, or it was made after all: our books learn of it
            // first.
            sync(cx, refund.order, &reference).await?;
            refuse(cx, &refund, &reference, reason).await?;
            match reason {
                NotMade::Disputed => super::dispute::sync(cx, refund.order, &reference).await,
                NotMade::AlreadyRefunded
                | NotMade::TooMuch
                | NotMade::NeverArrived
                | NotMade::Other => Ok(()),
            }
        }
        Err(error @ (GatewayError::NotSent(_) | GatewayError::Unknown(_))) => {
            tracing::warn!(refund = %refund.id, %error, "the gateway did not answer");
            lose_answer(cx, &refund).await?;
            match error {
                // Stripe repeats a fault of its own under the same key for a day, although the
                // refund may exist: then it is found in the list. If it is not, that proves
                // nothing: Stripe mends later what it left half done, and names no time by which
                // it has (docs.stripe.com/error-low-level#server-errors, read 2026-11-22). So no
                // other key is tried while this one is remembered.
                GatewayError::Unknown(Doubt::Status { status: 500.., .. })
                    if is_there(cx, &refund, &reference).await? =>
                {
                    Ok(())
                }
                GatewayError::NotSent(_) | GatewayError::Unknown(_) | GatewayError::Refused(_) => {
                    Err(FlowError::PaymentUnknown)
                }
            }
        }
    }
}

/// A refund and the gateway's name of its payment.
async fn read(
    cx: &Context,
    id: RefundId,
) -> Result<Option<(Stored, GatewayReference)>, StoreError> {
    cx.store
        .read(id, |tx, id| {
            Box::pin(async move {
                let Some(stored) = refund::by_id(tx, *id).await? else { return Ok(None) };
                let own = apply::look(tx, stored.refund.order).await?;
                let own = own.and_then(|known| known.payment.payment.reference().cloned());
                let reference = stored.refund.stray.clone().or(own);
                Ok(reference.map(|reference| (stored, reference)))
            })
        })
        .await
}

/// Reads all refunds of the payment into our books, and says whether this one is among them.
async fn is_there(
    cx: &Context,
    refund: &Refund,
    reference: &GatewayReference,
) -> Result<bool, FlowError> {
    sync(cx, refund.order, reference).await?;
    let known = read(cx, refund.id).await?;
    Ok(known.is_some_and(|(stored, _)| !stored.refund.is_to_be_asked()))
}

/// Reads all refunds of a payment into our books, whoever made them.
pub async fn sync(
    cx: &Context,
    order: OrderId,
    reference: &GatewayReference,
) -> Result<(), FlowError> {
    let mut news = cx.stripe.list_refunds(reference).await.map_err(unanswered)?;
    // The list is newest first; our books are told in the order in which it happened.
    news.reverse();
    Ok(take_in(cx, order, news).await?)
}

/// What an event hinted at, as it stands now.
pub async fn look(
    cx: &Context,
    payment: &GatewayReference,
    refund: Option<&GatewayReference>,
) -> Result<Vec<Told>, FlowError> {
    let news = match refund {
        Some(refund) => cx.stripe.retrieve_refund(refund).await.map(|news| vec![news]),
        None => cx.stripe.list_refunds(payment).await,
    };
    Ok(told(cx, news.map_err(unanswered)?))
}

fn told(cx: &Context, news: Vec<RefundNews>) -> Vec<Told> {
    news.into_iter().map(|news| Told { news, id: cx.ids.next() }).collect()
}

async fn take_in(cx: &Context, order: OrderId, news: Vec<RefundNews>) -> Result<(), StoreError> {
    let input = (order, told(cx, news), cx.clock.now());
    cx.store
        .write(input, |tx, (order, told, now)| {
            Box::pin(apply_all(tx, *order, told, &Via::Answer, *now))
        })
        .await
}

/// Takes in what Stripe says of refunds of an order.
pub async fn apply_all(
    tx: &mut Tx,
    order: OrderId,
    told: &[Told],
    via: &Via,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(standing) = apply::lock(tx, order).await? else { return Ok(()) };
    let mut moved = false;
    for told in told {
        moved |= apply(tx, &standing, told, via, now).await?;
    }
    match via.unchanged(order, "nothing new.", now) {
        Some(entry) if !moved => history::note(tx, &entry).await,
        Some(_) | None => Ok(()),
    }
}

/// One refund, as Stripe says it stands: ours is recognised by the id that we wrote into it, any
/// other was made by somebody there and is kept by Stripe's id. Says whether that was new.
async fn apply(
    tx: &mut Tx,
    standing: &Standing,
    told: &Told,
    via: &Via,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Standing { order, payment } = standing;
    let news = &told.news;
    let known = match refund::by_reference(tx, &news.reference).await? {
        Some(known) => Some(known.refund),
        None => ours(tx, order, news).await?,
    };
    let was = known.as_ref().map(|refund| refund.state().clone());
    let (moved, after, consequence) = match known {
        Some(before) => {
            let (after, consequence) = before.clone().hear(news);
            (save(tx, &before, &after, via, now).await?, after, consequence)
        }
        None => {
            let (made, consequence) = Refund::elsewhere(RefundId(told.id), &payment.payment, news);
            refund::insert(tx, &made, None, now).await?;
            history::note(tx, &tell::refund_moved(via, &made, now)).await?;
            tracing::info!(order = %order.id, refund = %made.id, "a refund was made at Stripe");
            (true, made, consequence)
        }
    };
    let of = (order, &payment.payment);
    announce::refund_moved(tx, of, was.as_ref(), &after, now).await?;
    call_person(tx, order, &after, consequence, (told.id, now)).await?;
    Ok(moved)
}

/// Our refund that the news is about and whose name at the gateway we did not know.
async fn ours(tx: &mut Tx, order: &Order, news: &RefundNews) -> Result<Option<Refund>, StoreError> {
    let Some(id) = news.ours else { return Ok(None) };
    let found = refund::by_id(tx, id).await?.map(|stored| stored.refund);
    Ok(found.filter(|refund| refund.order == order.id && refund.is_told_by(news)))
}

async fn save(
    tx: &mut Tx,
    before: &Refund,
    after: &Refund,
    via: &Via,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if before == after {
        return Ok(false);
    }
    let (from, to) = (before.state().name(), after.state().name());
    if !refund::transition(tx, before, after, now).await? {
        // Every change is made under the order's lock, so nobody can have been faster.
        let id = before.id.to_string();
        return Err(apply::contradiction("refunds", "state", id, format!("it is not {from}")));
    }
    history::note(tx, &tell::refund_moved(via, after, now)).await?;
    tracing::info!(order = %after.order, refund = %after.id, from, to, "refund moved");
    Ok(true)
}

async fn call_person(
    tx: &mut Tx,
    order: &Order,
    refund: &Refund,
    consequence: RefundConsequence,
    (id, now): (Uuid, Timestamp),
) -> Result<(), StoreError> {
    match consequence {
        RefundConsequence::Nothing => return Ok(()),
        RefundConsequence::NotReturned => {}
    }
    let of = refund.stray.as_ref().map(|stray| format!(" of a second payment, {stray},"));
    let amount = format!("{}{}", refund.amount, of.unwrap_or_default());
    let (kind, sentence) = match refund.state() {
        RefundState::Refused { reason } => {
            let (why, advice) = (reason.sentence(), advice(refund, *reason));
            ("refund_refused", format!("{amount} was not given back. {why}{advice}"))
        }
        RefundState::Failed { reason } => (
            "refund_failed",
            format!(
                "A refund of {amount} did not reach the shopper ({reason}). If she disputes the \
                 payment, her bank decides about the money. Otherwise it is back in the Stripe \
                 account: agree on another way with her."
            ),
        ),
        RefundState::Cancelled => (
            "refund_cancelled",
            format!(
                "A refund of {amount} was stopped at Stripe, and the money stays in the account. \
                 If it is owed, it must be given back anew.{}",
                again(refund)
            ),
        ),
        RefundState::Requested
        | RefundState::Unknown
        | RefundState::Pending
        | RefundState::Succeeded => return Ok(()),
    };
    let subject = refund.id.to_string();
    apply::raise(tx, order, (kind, &subject), sentence, (id, now)).await
}

/// What a person does about a refund that was not made.
fn advice(refund: &Refund, reason: NotMade) -> String {
    match reason {
        NotMade::Disputed | NotMade::AlreadyRefunded => String::new(),
        NotMade::TooMuch | NotMade::NeverArrived | NotMade::Other => again(refund),
    }
}

/// How it is asked for again. Our command gives the order's own payment back, which must not be
/// done for a stray.
fn again(refund: &Refund) -> String {
    match &refund.stray {
        None => format!(" Ask for it again: till orders refund {}", refund.order),
        Some(stray) => format!(
            " Give what is left of {stray} back in Stripe's dashboard; the order's own payment is \
             not concerned, and none of it goes back for this."
        ),
    }
}

/// What is written when Stripe does not make a refund, and the ids for it.
#[derive(Clone)]
struct Refusal {
    refund: Refund,
    /// Stripe's name of the payment.
    payment: GatewayReference,
    reason: NotMade,
    item: Uuid,
    /// Of the refund of the rest, where somebody had given back a part.
    rest: RefundId,
    at: Timestamp,
}

async fn refuse(
    cx: &Context,
    refund: &Refund,
    payment: &GatewayReference,
    reason: NotMade,
) -> Result<(), StoreError> {
    let (refund, payment) = (refund.clone(), payment.clone());
    let (item, rest, at) = (cx.ids.next(), RefundId(cx.ids.next()), cx.clock.now());
    let refusal = Refusal { refund, payment, reason, item, rest, at };
    cx.store.write(refusal, |tx, refusal| Box::pin(take_refusal(tx, refusal))).await?;
    cx.bells.effects.notify_one();
    Ok(())
}

async fn take_refusal(tx: &mut Tx, refusal: &Refusal) -> Result<(), StoreError> {
    let Refusal { refund, reason, item, at: now, .. } = refusal;
    let Some(Standing { order, payment }) = apply::lock(tx, refund.order).await? else {
        return Ok(());
    };
    let Some(Stored { refund: before, .. }) = refund::by_id(tx, refund.id).await? else {
        return Ok(());
    };
    let (after, consequence) = before.clone().refuse(*reason);
    save(tx, &before, &after, &Via::Answer, *now).await?;
    if before != after && ask_for_the_rest(tx, &payment.payment, refusal).await? {
        return Ok(());
    }
    let of = (&order, &payment.payment);
    announce::refund_moved(tx, of, Some(before.state()), &after, *now).await?;
    call_person(tx, &order, &after, consequence, (*item, *now)).await
}

/// Somebody had given a part back at Stripe when all of it was to go back by itself: what is left
/// still does. Says whether it will.
async fn ask_for_the_rest(
    tx: &mut Tx,
    payment: &Payment,
    Refusal { refund, payment: reference, reason, rest: id, at, .. }: &Refusal,
) -> Result<bool, StoreError> {
    match (reason, &refund.origin) {
        (NotMade::TooMuch, RefundOrigin::Automatic) => {}
        (
            NotMade::Disputed
            | NotMade::AlreadyRefunded
            | NotMade::TooMuch
            | NotMade::NeverArrived
            | NotMade::Other,
            RefundOrigin::Operator { .. } | RefundOrigin::Automatic | RefundOrigin::Elsewhere,
        ) => return Ok(false),
    }
    let others = refund::of_order(tx, refund.order).await?;
    let others: Vec<Refund> = others.into_iter().map(|stored| stored.refund).collect();
    let Ok(Some(amount)) = rest(refund, &others) else { return Ok(false) };
    let left = Refund::new(*id, payment, amount, RefundOrigin::Automatic);
    let left = match &refund.stray {
        Some(stray) => left.of_stray(stray.clone()),
        None => left,
    };
    request_automatic(tx, &left, reference, *at).await
}

async fn lose_answer(cx: &Context, refund: &Refund) -> Result<(), StoreError> {
    let input = (refund.id, refund.order, cx.clock.now());
    cx.store
        .write(input, |tx, (id, order, now)| {
            Box::pin(async move {
                apply::lock(tx, *order).await?;
                let Some(Stored { refund: before, .. }) = refund::by_id(tx, *id).await? else {
                    return Ok(());
                };
                let after = before.clone().lose_answer();
                save(tx, &before, &after, &Via::Answer, *now).await.map(drop)
            })
        })
        .await
}
