//! The one place that decides what a payment's news means for its order. Every way in which news
//! comes (webhook, poll, confirm, worker) leads here.
//!
//! Everything happens in one transaction, in one fixed order of locks: the cart, the order, then
//! the products by id. The sessions that follow the payment are of the locked cart, so they may come
//! at any place. Hearing the same news again changes nothing, so it does not matter who is first, who
//! dies half-way, or how often Stripe repeats itself.

use std::time::Duration;

use domain::{
    cart::Line,
    event::{News, Receipt, Report},
    history::Entry,
    id::{OrderId, RefundId},
    order::{Order, OrderState, TransitionError},
    payment::{Consequence, Payment, PaymentState},
    purchase::ClientSecret,
    refund::{Refund, RefundOrigin},
    session::{Followed, Standing as Shown},
};
use jiff::Timestamp;
use storage::{
    StoreError, Tx, attention, cart,
    catalog::{self, StockMove},
    history, order,
    outbox::{self, EffectKind},
    payment, session,
};
use uuid::Uuid;

use super::{
    announce, refund,
    session::native,
    shield::{self, Watch},
    tell::{self, Via},
};
use crate::context::after;

/// News, how it came, and the id of the rows that it may cause, one of a kind (a refund, an effect,
/// an operator's item). The id is made outside the transaction, which may run several times.
#[derive(Debug, Clone)]
pub struct Heard {
    /// What the gateway says.
    pub news: News,
    /// How it came.
    pub via: Via,
    /// For the rows it may cause.
    pub id: Uuid,
    /// Whether it tells how things stand.
    pub time: Time,
    /// By what a decline is judged; none where the shield is off.
    pub watch: Option<Watch>,
}

/// Of when news tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// How things stand.
    Present,
    /// Of a try that a later one, or the end, has overtaken: a decline is counted and moves nothing.
    Past,
}

/// How things stand after the news.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The order.
    pub order: Order,
    /// Its payment, and what the browser needs for it.
    pub payment: payment::Stored,
}

/// While the shopper is at it, the gateway is asked this often: events bring the news, this is
/// the net below them.
pub const LOOK_AGAIN: Duration = Duration::from_secs(5 * 60);
/// A payment under way (SEPA) takes days.
const LOOK_AGAIN_PROCESSING: Duration = Duration::from_secs(60 * 60);
/// The event of a payment that the gateway says has succeeded is normally there at once. Nothing is
/// looked at more often.
const LOOK_AGAIN_ANSWERED: Duration = Duration::from_secs(10);

/// Takes news in for an order. `None`: there is no such order, or nothing to pay for it.
pub async fn apply(
    tx: &mut Tx,
    id: OrderId,
    heard: &[Heard],
    now: Timestamp,
) -> Result<Option<Standing>, StoreError> {
    let Some(mut standing) = lock(tx, id).await? else { return Ok(None) };
    for heard in heard {
        standing = take_in(tx, standing, heard, now).await?;
    }
    Ok(Some(standing))
}

/// Locks an order with its cart and reads its payment.
pub async fn lock(tx: &mut Tx, id: OrderId) -> Result<Option<Standing>, StoreError> {
    let Some(unlocked) = payment::of_order(tx, id).await? else { return Ok(None) };
    cart::lock(tx, unlocked.cart).await?;
    let Some(order) = order::lock(tx, id).await? else { return Ok(None) };
    // Read again: it may have moved while we waited for the lock.
    let Some(payment) = payment::of_order(tx, id).await? else { return Ok(None) };
    Ok(Some(Standing { order, payment }))
}

/// Reads how things stand, without locks.
pub async fn look(tx: &mut Tx, id: OrderId) -> Result<Option<Standing>, StoreError> {
    let Some(order) = order::load(tx, id).await? else { return Ok(None) };
    let payment = payment::of_order(tx, id).await?;
    Ok(payment.map(|payment| Standing { order, payment }))
}

/// The gateway was never asked, or refused: the order is over.
pub async fn give_up(
    tx: &mut Tx,
    id: OrderId,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(standing) = lock(tx, id).await? else { return Ok(()) };
    end(tx, standing, Payment::never_was, (reason, now)).await
}

/// All of the money has gone back, and no event has proven that it came: the order is over.
pub async fn end_that_went_back(
    tx: &mut Tx,
    standing: Standing,
    now: Timestamp,
) -> Result<(), StoreError> {
    let reason = "The money came, its event did not, and all of it has gone back.";
    end(tx, standing, Payment::went_back, (reason, now)).await
}

async fn end(
    tx: &mut Tx,
    Standing { order, payment: stored }: Standing,
    ended: fn(Payment) -> (Payment, Consequence),
    (reason, now): (&str, Timestamp),
) -> Result<(), StoreError> {
    let (id, before) = (order.id, stored.payment.clone());
    let (payment, consequence) = ended(before.clone());
    let order = carry_out_on_order(tx, order, (&payment, &consequence), now).await?;
    if payment != before {
        history::note(tx, &tell::given_up(id, reason, now)).await?;
    }
    payment::save(tx, &payment, now).await?;
    payment::schedule(tx, payment.id, next_look(&order, &payment, now)).await?;
    show(tx, &payment::Stored { payment, ..stored }, now).await
}

/// Shows how a payment stands to the sessions that follow it. They are of its cart, whose lock the
/// caller holds.
pub async fn show(tx: &mut Tx, stored: &payment::Stored, now: Timestamp) -> Result<(), StoreError> {
    let of = Followed::Order(stored.payment.order);
    let secret = stored.client_secret.as_deref().map(ClientSecret::new).transpose();
    let secret = secret.map_err(|error| {
        contradiction("payments", "client_secret", stored.payment.id.to_string(), error.to_string())
    })?;
    let sessions = session::lock_following(tx, of).await?;
    if sessions.is_empty() {
        return Ok(());
    }
    let order = order::load(tx, stored.payment.order).await?;
    let paid_for =
        native::hash_of_lines(order.as_ref().map_or(&[], |order| order.lines.as_slice()));
    for session in sessions {
        let standing = Shown::of_payment(&stored.payment, secret.as_ref());
        let shown = session.clone().show(of, standing, paid_for, now);
        if shown != session {
            session::save(tx, &shown, now).await?;
        }
    }
    Ok(())
}

/// One piece of news: the pure decision, then its consequence, then both rows.
pub async fn take_in(
    tx: &mut Tx,
    standing: Standing,
    heard: &Heard,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    if is_replaced_elsewhere(&standing.payment, heard, now) {
        let why = "it is left to the order that takes this one's place.";
        note(tx, heard.via.unchanged(standing.order.id, why, now)).await?;
        return Ok(standing);
    }
    let Standing { order: order_before, payment: stored } = standing;
    let before = stored.payment.clone();
    let told = match (heard.time, &heard.news.report) {
        (Time::Past, Report::Declined(decline))
            if before.reference() == Some(&heard.news.reference) =>
        {
            (before.clone().remember(decline), Consequence::Nothing)
        }
        (Time::Past, _) => (before.clone(), Consequence::Nothing),
        (Time::Present, _) => before.clone().hear(&heard.news, now),
    };
    let (payment, consequence) = shield::watch(tx, &before, told, heard, now).await?;
    if payment.state().name() != before.state().name() {
        tracing::info!(
            order = %order_before.id,
            payment = %payment.id,
            from = before.state().name(),
            to = payment.state().name(),
            "payment moved"
        );
    }
    let moved = (&payment, &consequence);
    let order = carry_out_on_order(tx, order_before.clone(), moved, now).await?;
    let (payments, orders) = ((&before, &payment), (&order_before, &order));
    note(tx, tell::news(&heard.via, payments, orders, &consequence, now)).await?;
    leave_work(tx, (&order, &payment), &consequence, heard, now).await?;
    if payment != before {
        payment::save(tx, &payment, now).await?;
    }
    let due_at = match consequence {
        // A person was called; asking more often would not help.
        Consequence::NeedsAttention(_) if payment.is_live() => {
            Some(after(now, LOOK_AGAIN_PROCESSING))
        }
        _ => next_look(&order, &payment, now),
    };
    payment::schedule(tx, payment.id, due_at).await?;
    let has_moved = payment != before;
    let stored = payment::Stored { payment, due_at, ..stored };
    if has_moved {
        show(tx, &stored, now).await?;
    }
    Ok(Standing { order, payment: stored })
}

async fn note(tx: &mut Tx, entry: Option<Entry>) -> Result<(), StoreError> {
    match entry {
        Some(entry) => history::note(tx, &entry).await,
        None => Ok(()),
    }
}

/// While another order is taking this one's place, the cancellation belongs to the transaction
/// that makes the new order, so that the reservation passes over without a gap. Should that never
/// come, the hold runs out, and the worker's next look finds the payment cancelled.
fn is_replaced_elsewhere(stored: &payment::Stored, heard: &Heard, now: Timestamp) -> bool {
    let is_held = stored.held_until.is_some_and(|until| until > now);
    is_held && stored.payment.is_live() && heard.news.report == Report::Cancelled
}

async fn carry_out_on_order(
    tx: &mut Tx,
    order: Order,
    (payment, consequence): (&Payment, &Consequence),
    now: Timestamp,
) -> Result<Order, StoreError> {
    let moved = match consequence {
        Consequence::OrderPaid { receipt } => order.clone().pay(receipt),
        Consequence::OrderFailed => order.clone().fail(now),
        Consequence::OrderCancelled => order.clone().cancel(now),
        Consequence::Nothing
        | Consequence::CancelDue
        | Consequence::EventDue
        | Consequence::RefundDue { .. }
        | Consequence::StrayRefundDue { .. }
        | Consequence::NeedsAttention(_) => return Ok(order),
    };
    let order = moved.map_err(|error| broken(&order, &error))?;
    match order.state() {
        OrderState::Paid { .. } => {
            move_reserved(tx, &order.lines, StockMove::Sell).await?;
            take_from_cart(tx, &order, now).await?;
        }
        OrderState::Failed { .. } | OrderState::Cancelled { .. } => {
            move_reserved(tx, &order.lines, StockMove::Release).await?;
        }
        OrderState::Pending { .. } => {}
    }
    order::save_state(tx, &order, now).await?;
    announce::order_moved(tx, &order, Some(payment), now).await?;
    storage::shield::release_order(tx, order.id, now).await?;
    Ok(order)
}

/// Payment and order move together, in one transaction; where they do not, the rows were changed
/// by hand, and the news waits until a person has looked.
fn broken(order: &Order, error: &TransitionError) -> StoreError {
    contradiction("orders", "state", order.id.to_string(), error.to_string())
}

/// Rows that contradict each other.
pub fn contradiction(
    table: &'static str,
    column: &'static str,
    id: String,
    reason: impl Into<String>,
) -> StoreError {
    StoreError::Corrupt { table, column, id, reason: reason.into() }
}

async fn leave_work(
    tx: &mut Tx,
    (order, payment): (&Order, &Payment),
    consequence: &Consequence,
    heard: &Heard,
    now: Timestamp,
) -> Result<(), StoreError> {
    let reference = heard.news.reference.as_str();
    match consequence {
        Consequence::Nothing
        | Consequence::EventDue
        | Consequence::OrderPaid { .. }
        | Consequence::OrderFailed
        | Consequence::OrderCancelled => {}
        Consequence::CancelDue => {
            // The try that led to it names the effect: a later one may lead to another.
            let subject = match &heard.news.report {
                Report::Declined(decline) => decline.attempt.clone(),
                Report::Open
                | Report::RequiresAction
                | Report::Processing
                | Report::Succeeded { .. }
                | Report::Cancelled => reference.to_owned(),
            };
            let kind = EffectKind::CancelPayment;
            let effect =
                outbox::NewEffect { id: heard.id, order: order.id, kind, subject, due_at: now };
            outbox::put(tx, &effect).await?;
        }
        Consequence::RefundDue { receipt } => {
            let refund = automatic(heard, payment, receipt);
            refund::request_automatic(tx, &refund, &heard.news.reference, now).await?;
        }
        Consequence::StrayRefundDue { receipt } => {
            let refund = automatic(heard, payment, receipt).of_stray(heard.news.reference.clone());
            refund::request_automatic(tx, &refund, &heard.news.reference, now).await?;
            let sentence = format!(
                "A second payment of this order, {reference}, has succeeded. All of it ({}) goes \
                 back by itself; the order and its own payment stay as they are. Find out at \
                 Stripe who made it.",
                refund.amount
            );
            raise(tx, order, ("second_payment", reference), sentence, (heard.id, now)).await?;
        }
        Consequence::NeedsAttention(discrepancy) => {
            let sentence = format!("{} Compare {reference} at Stripe.", discrepancy.sentence());
            raise(tx, order, ("discrepancy", reference), sentence, (heard.id, now)).await?;
        }
    }
    Ok(())
}

/// All that came goes back.
fn automatic(heard: &Heard, payment: &Payment, receipt: &Receipt) -> Refund {
    Refund::new(RefundId(heard.id), payment, receipt.received(), RefundOrigin::Automatic)
}

/// Puts an item before a person, once for each subject.
pub async fn raise(
    tx: &mut Tx,
    order: &Order,
    (kind, subject): (&str, &str),
    sentence: String,
    (id, at): (Uuid, Timestamp),
) -> Result<(), StoreError> {
    let (order, kind, subject) = (Some(order.id), kind.to_owned(), subject.to_owned());
    let item = attention::NewItem { id, order, kind, subject, sentence, at };
    if attention::raise(tx, &item).await? {
        told(tx, &item).await?;
    }
    Ok(())
}

/// The same of what goes on by itself: again, where a person has closed it since.
pub async fn raise_again(tx: &mut Tx, item: &attention::NewItem) -> Result<(), StoreError> {
    if attention::raise_again(tx, item).await? {
        told(tx, item).await?;
    }
    Ok(())
}

async fn told(tx: &mut Tx, item: &attention::NewItem) -> Result<(), StoreError> {
    let attention::NewItem { kind, sentence, at, .. } = item;
    let Some(order) = item.order else { return Ok(()) };
    history::note(tx, &tell::raised(order, sentence, *at)).await?;
    tracing::warn!(%order, kind, sentence, "needs attention");
    Ok(())
}

/// Moves the stock of lines whose pieces are reserved. Where they are not, somebody changed the
/// rows by hand, and the news waits until a person has looked.
pub async fn move_reserved(
    tx: &mut Tx,
    lines: &[Line],
    movement: StockMove,
) -> Result<(), StoreError> {
    match catalog::move_stock(tx, lines, movement).await?.first() {
        None => Ok(()),
        Some(product) => {
            Err(contradiction("products", "reserved", product.to_string(), "too few are reserved"))
        }
    }
}

/// When an order is paid, the ordered lines leave the cart, nothing else.
pub async fn take_from_cart(tx: &mut Tx, order: &Order, now: Timestamp) -> Result<(), StoreError> {
    let Some(before) = cart::lock(tx, order.cart).await? else { return Ok(()) };
    let after = before.clone().take_ordered(&order.lines);
    cart::save_lines(tx, &before, &after, now).await
}

/// When the worker should look at a payment that is about to be asked for: later than the asking
/// itself can take, so that the two do not meet.
pub fn first_look(now: Timestamp) -> Timestamp {
    after(now, Duration::from_secs(30))
}

/// When the worker should look at a payment again.
fn next_look(order: &Order, payment: &Payment, now: Timestamp) -> Option<Timestamp> {
    use PaymentState as S;
    let expires_at = match order.state() {
        OrderState::Pending { expires_at } => *expires_at,
        OrderState::Paid { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. } => {
            return None;
        }
    };
    match payment.state() {
        S::Created | S::Unknown | S::Closing { .. } | S::Answered => {
            Some(after(now, LOOK_AGAIN_ANSWERED))
        }
        S::Open | S::Declined { .. } | S::RequiresAction => {
            let soonest = after(now, LOOK_AGAIN_ANSWERED);
            Some(after(now, LOOK_AGAIN).min(expires_at.max(soonest)))
        }
        S::Processing => Some(after(now, LOOK_AGAIN_PROCESSING)),
        S::Succeeded { .. } | S::Failed { .. } | S::Cancelled => None,
    }
}
