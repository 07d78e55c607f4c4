//! Comparing our books with Stripe's, period by period: every payment, refund and dispute that either
//! side has is held against the other's, what a flow of ours can end is ended by it, and what remains is
//! put before a person. The worker does it daily, `till reconcile` when it is asked to.
//!
//! A period is gone through in slices of a day, oldest first, and a slice in pages; only the names
//! of one slice's payments are in memory. Stripe is read first and we after it, and whatever looks
//! different is then read once more by itself on both sides. Everything may stop after any line
//! and be done again: what is done about a difference are flows that bear that.

mod disputes;
mod settle;
mod sums;

use std::{collections::HashSet, future::Future, time::Duration};

use domain::{
    books::{Difference, Ours, Remedy, compare_payment, compare_refund},
    event::GatewayReference,
    id::{OrderId, PaymentId, RefundId},
    order::Order,
    refund::Refund,
};
use gateways::{
    GatewayError,
    stripe::books::{PaymentEntry, RefundEntry, Span},
};
use jiff::Timestamp;
use storage::{StoreError, Tx, cursor, order, payment, refund};
pub use sums::{BothSides, Sums};
use uuid::Uuid;

use super::{
    FlowError,
    ask::unanswered,
    back_off,
    call_person::{Matter, call_if_stuck},
};
use crate::context::{Context, after};

/// Where the worker's comparison has come to.
pub const CURSOR: &str = "books";
/// How much is compared at a time.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The worker compares the last days again: what was under way has ended, and what somebody did
/// late in Stripe's dashboard shows up.
const LAST_DAYS: Duration = Duration::from_secs(3 * 24 * 60 * 60);
/// What is younger still moves, here or there.
const YOUNG: Duration = Duration::from_secs(5 * 60);
/// The clocks of our nodes.
pub const CLOCKS_DIFFER: Duration = Duration::from_secs(5 * 60);
/// Rows of ours in a page.
const PAGE: u32 = 100;
/// Between two questions: ten a second of the 25 that Stripe allows on a route. Shoppers come first.
const REST: Duration = Duration::from_millis(100);
/// How often a question is asked again before the comparison gives up for now.
const TRIES_MAX: u32 = 4;

/// From when to when, the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub from: Timestamp,
    /// The moment after the last.
    pub to: Timestamp,
}

/// Whether anything is done about what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hands {
    /// Differences are ended, and what remains is put before a person.
    Mend,
    /// Nothing is changed.
    Still,
}

/// A difference and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where the books disagree.
    pub difference: Difference,
    /// About which order, where one of ours or theirs is named.
    pub order: Option<OrderId>,
    /// Stripe's name of the payment.
    pub payment: GatewayReference,
    /// Stripe's name of the refund, where it is about one.
    pub refund: Option<GatewayReference>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The books agree now.
    Mended,
    /// It is still moving.
    UnderWay,
    /// A person has been called.
    NeedsPerson,
    /// Nothing was done, because nothing was to be done.
    NotTouched,
}

/// What is said while books are compared.
#[derive(Debug)]
pub enum Told<'a> {
    /// A difference.
    Finding(&'a Finding),
    /// A payment at Stripe that is none of ours.
    Foreign(&'a GatewayReference),
    /// Everything before this moment has been compared.
    Until(Timestamp),
}

/// Compares a period, and tells what it finds.
pub async fn compare(
    cx: &Context,
    period: Period,
    hands: Hands,
    tell: &mut (dyn FnMut(Told<'_>) + Send),
) -> Result<Sums, FlowError> {
    let mut run = Run { cx, period, hands, tell, sums: Sums::default(), seen: HashSet::new() };
    for slice in slices(period) {
        run.compare_slice(slice).await?;
    }
    Ok(run.sums)
}

/// Compares what the worker has not compared yet and the days before it, at most once a day.
/// `None`: it is not time, or another node is at it.
///
/// A shop's first comparison is a day after its first start: until then there is nothing to
/// compare, and what an older shop had before is compared by `till reconcile`.
pub async fn compare_due(cx: &Context) -> Result<Option<Sums>, FlowError> {
    let now = cx.clock.now();
    let read = cx.store.read((), |tx, ()| Box::pin(cursor::load(tx, CURSOR)));
    let read: Option<String> = read.await.map_err(FlowError::Store)?;
    let Some(compared) = read.and_then(|text| text.parse::<Timestamp>().ok()) else {
        save_cursor(cx, now).await?;
        return Ok(None);
    };
    // A clock that once went wrong has written a time that is still to come: the last days are
    // compared, and the cursor is set back.
    let is_wrong = compared > after(now, CLOCKS_DIFFER);
    let compared = if is_wrong { now.checked_sub(DAY).unwrap_or(now) } else { compared };
    if after(compared, DAY) > now {
        return Ok(None);
    }
    match compare_since(cx, compared, now).await {
        Err(error) => {
            let subject = compared.to_string();
            let matter = Matter { order: None, kind: "books_stuck", subject };
            call_if_stuck(cx, matter, after(compared, DAY), &error).await?;
            Err(error)
        }
        done => done,
    }
}

async fn compare_since(
    cx: &Context,
    compared: Timestamp,
    now: Timestamp,
) -> Result<Option<Sums>, FlowError> {
    let from = compared.checked_sub(LAST_DAYS).unwrap_or(compared);
    let period = Period { from, to: now };
    let mut tell = |told: Told<'_>| log(&told);
    let mut run = Run {
        cx,
        period,
        hands: Hands::Mend,
        tell: &mut tell,
        sums: Sums::default(),
        seen: HashSet::new(),
    };
    let mut lease = cx.lease();
    for slice in slices(period) {
        // Under the same token a claim is prolonged.
        lease.until = cx.lease().until;
        let claim = (lease, cx.clock.now());
        let claimed = cx
            .store
            .write(claim, |tx, (lease, now)| Box::pin(cursor::claim(tx, CURSOR, *now, lease)))
            .await;
        if !claimed.map_err(FlowError::Store)? {
            return Ok(None);
        }
        run.compare_slice(slice).await?;
        if slice.to > compared {
            save_cursor(cx, slice.to).await?;
        }
    }
    let given = cx.store.write(lease, |tx, lease| Box::pin(cursor::give_back(tx, CURSOR, lease)));
    given.await.map_err(FlowError::Store)?;
    let Sums { orders, payments, refunds, mended, under_way, left, .. } = &run.sums;
    tracing::info!(orders, payments, refunds, mended, under_way, left, "compared books");
    Ok(Some(run.sums))
}

async fn save_cursor(cx: &Context, until: Timestamp) -> Result<(), FlowError> {
    let write =
        cx.store.write(until.to_string(), |tx, until| Box::pin(cursor::save(tx, CURSOR, until)));
    write.await.map_err(FlowError::Store)
}

fn log(told: &Told<'_>) {
    let Told::Finding(Finding { difference, order, payment, refund, outcome }) = told else {
        return;
    };
    let (order, refund) = (order.map(|id| id.to_string()), refund.as_ref().map(|id| id.as_str()));
    let (difference, outcome) = (difference.name(), outcome.name());
    tracing::warn!(difference, order, %payment, refund, outcome, "the books differ");
}

/// The period in slices of a day, oldest first.
fn slices(period: Period) -> impl Iterator<Item = Period> {
    let mut from = period.from;
    std::iter::from_fn(move || {
        let slice = Period { from, to: after(from, DAY).min(period.to) };
        from = slice.to;
        (slice.from < slice.to).then_some(slice)
    })
}

/// Asks, not too often, and again where no answer came.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, FlowError>
where
    F: Future<Output = Result<T, GatewayError>>,
{
    let mut tries = 0;
    loop {
        tokio::time::sleep(REST).await;
        match ask().await {
            Err(GatewayError::NotSent(_) | GatewayError::Unknown(_)) if tries < TRIES_MAX => {
                tokio::time::sleep(back_off(tries)).await;
                tries += 1;
            }
            answer => return answer.map_err(unanswered),
        }
    }
}

struct Run<'a> {
    cx: &'a Context,
    period: Period,
    hands: Hands,
    tell: &'a mut (dyn FnMut(Told<'_>) + Send),
    sums: Sums,
    /// Stripe's names of what was seen in the slice.
    seen: HashSet<GatewayReference>,
}

/// What looks different, or was not seen, in the lists.
struct Suspect {
    payment: GatewayReference,
    /// Where it is about a refund.
    refund: Option<GatewayReference>,
    order: Option<OrderId>,
}

/// What we have of a payment.
struct Known {
    order: Order,
    stored: payment::Stored,
    refunds: Vec<Refund>,
}

impl Known {
    fn ours(&self) -> Ours<'_> {
        Ours { order: &self.order, payment: &self.stored.payment, refunds: &self.refunds }
    }
}

/// A payment by Stripe's name of it, or the one of the order that Stripe says it is for.
async fn load(
    tx: &mut Tx,
    reference: &GatewayReference,
    order: Option<OrderId>,
) -> Result<Option<Known>, StoreError> {
    let stored = match (payment::by_reference(tx, reference).await?, order) {
        (Some(stored), _) => Some(stored),
        (None, Some(order)) => payment::of_order(tx, order).await?,
        (None, None) => None,
    };
    let Some(stored) = stored else { return Ok(None) };
    let Some(order) = order::load(tx, stored.payment.order).await? else { return Ok(None) };
    let refunds = refund::of_order(tx, order.id).await?;
    let refunds = refunds.into_iter().map(|stored| stored.refund).collect();
    Ok(Some(Known { order, stored, refunds }))
}

/// The order of ours that a payment was made for. A stray that our books do not know names it at
/// Stripe.
async fn order_of(cx: &Context, payment: &GatewayReference) -> Result<Option<OrderId>, FlowError> {
    let read = cx.store.read(payment.clone(), |tx, payment| Box::pin(known_order(tx, payment)));
    let known: Result<_, StoreError> = read.await;
    if let Some(order) = known? {
        return Ok(Some(order));
    }
    let entry = patiently(|| cx.stripe.payment_entry(payment)).await?;
    Ok(entry.and_then(|entry| entry.order))
}

/// The order of ours that a payment was made for, as far as our books know.
async fn known_order(
    tx: &mut Tx,
    payment: &GatewayReference,
) -> Result<Option<OrderId>, StoreError> {
    match payment::by_reference(tx, payment).await? {
        Some(stored) => Ok(Some(stored.payment.order)),
        None => refund::order_of_stray(tx, payment).await,
    }
}

/// Whether there is such an order here, also one for which nothing was to be paid.
async fn is_here(cx: &Context, order: Option<OrderId>) -> Result<bool, StoreError> {
    let Some(order) = order else { return Ok(false) };
    let read = cx.store.read(order, |tx, id| Box::pin(order::load(tx, *id)));
    Ok(read.await?.is_some())
}

type Names = Vec<(GatewayReference, Option<OrderId>)>;

async fn load_all(cx: &Context, names: Names) -> Result<Vec<Option<Known>>, FlowError> {
    let read = cx.store.read(names, |tx, names| {
        Box::pin(async move {
            let mut known = Vec::with_capacity(names.len());
            for (reference, order) in names {
                known.push(load(tx, reference, *order).await?);
            }
            Ok::<_, StoreError>(known)
        })
    });
    Ok(read.await?)
}

fn judge_payment(theirs: Option<&PaymentEntry>, ours: Option<&Known>) -> Option<Difference> {
    match theirs.map(|entry| (&entry.news, entry.order)) {
        Some((Ok(news), _)) => compare_payment(Some(news), ours.map(Known::ours)),
        Some((Err(_), order)) => {
            (ours.is_some() || order.is_some()).then_some(Difference::Unreadable)
        }
        None => compare_payment(None, ours.map(Known::ours)),
    }
}

/// Our refund that Stripe's entry is about.
fn refund_of<'a>(entry: &RefundEntry, ours: &'a Known) -> Option<&'a Refund> {
    let named = ours.refunds.iter().find(|one| one.reference() == Some(&entry.reference));
    let told =
        || ours.refunds.iter().find(|one| matches!(&entry.news, Ok(news) if one.is_told_by(news)));
    named.or_else(told)
}

fn judge_refund(theirs: Option<&RefundEntry>, ours: Option<&Refund>) -> Option<Difference> {
    match theirs.map(|entry| &entry.news) {
        Some(Ok(news)) => compare_refund(Some(news), ours),
        Some(Err(_)) => Some(Difference::Unreadable),
        None => compare_refund(None, ours),
    }
}

impl Run<'_> {
    async fn compare_slice(&mut self, slice: Period) -> Result<(), FlowError> {
        self.seen.clear();
        let mut suspects = self.payments_there(slice).await?;
        suspects.extend(self.payments_here(slice).await?);
        suspects.extend(self.refunds_there(slice).await?);
        suspects.extend(self.refunds_here(slice).await?);
        self.settle(suspects).await?;
        self.compare_disputes(slice).await?;
        (self.tell)(Told::Until(slice.to));
        Ok(())
    }

    async fn payments_there(&mut self, slice: Period) -> Result<Vec<Suspect>, FlowError> {
        let span = Span { from: slice.from, to: slice.to };
        let (mut suspects, mut behind) = (Vec::new(), None);
        loop {
            let stripe = &self.cx.stripe;
            let page = patiently(|| stripe.payments_made(span, behind.as_ref())).await?;
            let names = page.entries.iter().map(|one| (one.reference.clone(), one.order));
            let known = load_all(self.cx, names.collect()).await?;
            for (entry, ours) in page.entries.into_iter().zip(known) {
                if ours.is_none() && !entry.is_like_ours && !is_here(self.cx, entry.order).await? {
                    self.sums.foreign += 1;
                    (self.tell)(Told::Foreign(&entry.reference));
                    continue;
                }
                self.seen.insert(entry.reference.clone());
                if judge_payment(Some(&entry), ours.as_ref()).is_none() {
                    self.sums.count_payment(Some(&entry), ours.as_ref())?;
                    continue;
                }
                let (payment, order) = (entry.reference, entry.order);
                suspects.push(Suspect { payment, refund: None, order });
            }
            behind = page.next;
            if behind.is_none() {
                return Ok(suspects);
            }
        }
    }

    /// Payments of ours that Stripe did not list in this slice: it made them a little later, or
    /// does not have them. Those of the other mode are in other books.
    async fn payments_here(&mut self, slice: Period) -> Result<Vec<Suspect>, FlowError> {
        let mut suspects = Vec::new();
        let mut place = (slice.from, PaymentId(Uuid::nil()));
        loop {
            let read = self.cx.store.read((place, slice.to), |tx, (place, to)| {
                Box::pin(payment::made(tx, *place, *to, PAGE))
            });
            let page: Vec<payment::Made> = read.await.map_err(FlowError::Store)?;
            let Some(last) = page.last() else { return Ok(suspects) };
            place = (last.created_at, last.id);
            for made in page.into_iter().filter(|made| made.livemode == self.cx.stripe.livemode()) {
                let order = Some(made.order);
                match made.reference {
                    Some(payment) if !self.seen.contains(&payment) => {
                        suspects.push(Suspect { payment, refund: None, order });
                    }
                    Some(_) => {}
                    // Nobody has asked for it, or nobody heard the answer: the worker sees to it.
                    None => self.sums.orders += 1,
                }
            }
        }
    }

    async fn refunds_there(&mut self, slice: Period) -> Result<Vec<Suspect>, FlowError> {
        let span = Span { from: slice.from, to: slice.to };
        let (mut suspects, mut behind) = (Vec::new(), None);
        loop {
            let stripe = &self.cx.stripe;
            let page = patiently(|| stripe.refunds_made(span, behind.as_ref())).await?;
            // Money that no payment brought is none of ours.
            let entries = page.entries.into_iter();
            let entries =
                entries.filter_map(|one| one.payment.clone().map(|payment| (payment, one)));
            let (payments, entries): (Vec<_>, Vec<_>) = entries.unzip();
            let mut names = Vec::with_capacity(payments.len());
            for payment in &payments {
                names.push((payment.clone(), order_of(self.cx, payment).await?));
            }
            let known = load_all(self.cx, names).await?;
            for ((entry, payment), known) in entries.into_iter().zip(payments).zip(known) {
                let Some(known) = known else { continue };
                self.seen.insert(entry.reference.clone());
                let ours = refund_of(&entry, &known);
                if judge_refund(Some(&entry), ours).is_none() {
                    self.sums.count_refund(Some(&entry), ours)?;
                    continue;
                }
                let order = Some(known.order.id);
                suspects.push(Suspect { payment, refund: Some(entry.reference), order });
            }
            behind = page.next;
            if behind.is_none() {
                return Ok(suspects);
            }
        }
    }

    /// Refunds of ours that Stripe did not list in this slice.
    async fn refunds_here(&mut self, slice: Period) -> Result<Vec<Suspect>, FlowError> {
        let mut suspects = Vec::new();
        let mut place = (slice.from, RefundId(Uuid::nil()));
        loop {
            let read = self.cx.store.read((place, slice.to), |tx, (place, to)| {
                Box::pin(async move {
                    let mut named = Vec::new();
                    let page = refund::made(tx, *place, *to, PAGE).await?;
                    for stored in page {
                        let paid = payment::by_id(tx, stored.refund.payment).await?;
                        named.push((stored, paid.map(|paid| paid.payment)));
                    }
                    Ok::<_, StoreError>(named)
                })
            });
            let page = read.await?;
            let Some((last, _)) = page.last() else { return Ok(suspects) };
            place = (last.created_at, last.refund.id);
            for (stored, paid) in page {
                let Some(paid) = paid.filter(|paid| paid.livemode == self.cx.stripe.livemode())
                else {
                    continue;
                };
                // What has no name there is on its way, or never came to be.
                let of = stored.refund.stray.as_ref().or(paid.reference());
                let names = (of.cloned(), stored.refund.reference().cloned());
                let (Some(payment), Some(refund)) = names else { continue };
                if !self.seen.contains(&refund) {
                    let order = Some(stored.refund.order);
                    suspects.push(Suspect { payment, refund: Some(refund), order });
                }
            }
        }
    }

    fn found(&mut self, suspect: &Suspect, difference: Difference, outcome: Outcome) {
        match outcome {
            Outcome::Mended => self.sums.mended += 1,
            Outcome::UnderWay => self.sums.under_way += 1,
            Outcome::NeedsPerson | Outcome::NotTouched => self.sums.left += 1,
        }
        let Suspect { payment, refund, order } = suspect;
        let (order, payment, refund) = (*order, payment.clone(), refund.clone());
        let finding = Finding { difference, order, payment, refund, outcome };
        (self.tell)(Told::Finding(&finding));
    }
}

impl Outcome {
    /// Its name in the log and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mended => "mended",
            Self::UnderWay => "under_way",
            Self::NeedsPerson => "needs_person",
            Self::NotTouched => "not_touched",
        }
    }
}

/// What a person reads of a difference.
fn sentence(suspect: &Suspect, difference: Difference) -> String {
    let mut about = vec![format!("payment {}", suspect.payment)];
    about.extend(suspect.refund.as_ref().map(|refund| format!("refund {refund}")));
    about.extend(suspect.order.map(|order| format!("order {order}")));
    format!("{} {} ({})", difference.sentence(), difference.advice(), about.join(", "))
}

/// Whether the flow that ends it needs an event.
fn needs_event(difference: Difference) -> bool {
    difference.remedy() == Remedy::FetchEvent
}
