//! News from the gateway's events. A verified event is stored before anything else happens, and
//! applied from our own table in a transaction that also marks it applied. Whatever dies in
//! between, the row is found again.

use std::time::Duration;

use domain::{
    event::{EventId, GatewayReference, News, Report},
    id::OrderId,
};
use gateways::stripe::webhook::{About, Beside, Event, Finality, VerifiedEvent, read_event};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use storage::{
    StoreError,
    inbox::{self, InboxEvent, NewEvent, Source, Turn},
    payment,
};
use uuid::Uuid;

use super::{
    AT_ONCE, FlowError,
    apply::{self, Heard, Time},
    ask, back_off,
    call_person::{Matter, call_if_stuck, call_person},
    dispute, refund, side_by_side,
    tell::Via,
};
use crate::context::Context;

/// How many events are claimed at a time that need no question: each is one transaction.
const BATCH: u32 = 32;
/// For how long. If the one who claimed them dies, their shoppers wait until it is over; where a slow
/// database takes longer, another node applies them too, and each counts once.
const BATCH_LEASE: Duration = Duration::from_secs(10);

/// Stores events, each once. Returns how many were new.
pub async fn receive(
    cx: &Context,
    events: &[VerifiedEvent],
    source: Source,
) -> Result<usize, StoreError> {
    let received_at = cx.clock.now();
    let rows: Vec<_> = events.iter().filter_map(|event| row(event, source, received_at)).collect();
    let new = cx
        .store
        .write(rows, |tx, rows| {
            Box::pin(async move {
                let mut new = 0;
                for row in rows {
                    new += usize::from(inbox::store(tx, row).await?);
                }
                Ok::<_, StoreError>(new)
            })
        })
        .await?;
    if new > 0 {
        cx.bells.ring_work();
    }
    Ok(new)
}

fn row(verified: &VerifiedEvent, source: Source, received_at: Timestamp) -> Option<NewEvent> {
    let payload = verified.payload().to_owned();
    match verified.read() {
        Ok(event) => {
            let turn = turn(&event.about);
            let Event { id, kind, livemode, object, .. } = event;
            Some(NewEvent { id, kind, object, livemode, payload, source, turn, received_at })
        }
        // It is Stripe's all the same: it is kept, under a name made from its bytes.
        Err(error) => {
            tracing::error!(%error, "an event of Stripe's cannot be read");
            let digest = hex::encode(Sha256::digest(&payload));
            let id = EventId::new(format!("unreadable:{digest}")).ok()?;
            let (kind, turn) = ("unreadable".to_owned(), Turn::First);
            let (object, livemode) = (None, false);
            Some(NewEvent { id, kind, object, livemode, payload, source, turn, received_at })
        }
    }
}

fn turn(about: &About) -> Turn {
    match about {
        About::Payment(_, Finality::Final) | About::Thin | About::Other => Turn::First,
        // Also a warning: whose payment it is about may have to be asked.
        About::Beside(_, Beside::Refund(_) | Beside::Dispute(_) | Beside::FraudWarning)
        | About::Payment(_, Finality::Hint)
        | About::Unreadable => Turn::Later,
    }
}

/// Applies the events of a turn that are due. Returns how many there were.
pub async fn apply_due(cx: &Context, turn: Turn) -> Result<usize, FlowError> {
    let (limit, lease) = match turn {
        Turn::First => (BATCH, cx.lease_for(BATCH_LEASE)),
        Turn::Later => (AT_ONCE, cx.lease()),
    };
    let claim = (turn, cx.clock.now(), lease, limit);
    let events = cx
        .store
        .write(claim, |tx, (turn, now, lease, limit)| {
            Box::pin(inbox::claim_due(tx, *turn, *now, lease, *limit))
        })
        .await?;
    let count = events.len();
    side_by_side(events.into_iter().map(|event| apply_or_postpone(cx, event))).await?;
    if count > 0 {
        cx.bells.applied.notify_waiters();
    }
    Ok(count)
}

async fn apply_or_postpone(cx: &Context, event: InboxEvent) -> Result<(), StoreError> {
    match apply_one(cx, &event).await {
        Ok(()) => Ok(()),
        Err(error) => postpone(cx, &event, &error).await,
    }
}

/// Applies one stored event.
async fn apply_one(cx: &Context, stored: &InboxEvent) -> Result<(), FlowError> {
    let event = match read_event(&stored.event.payload) {
        Ok(event) => event,
        Err(error) => return keep_unreadable(cx, &stored.event.id, &error.to_string()).await,
    };
    if event.livemode != cx.stripe.livemode() {
        return mark(cx, &stored.event.id, "other mode").await;
    }
    let told = match &event.about {
        About::Payment(news, finality) => Told::News(news, *finality),
        About::Unreadable => Told::Only(event.object.as_ref()),
        About::Beside(payment, beside) => {
            return apply_beside(cx, stored, payment, beside).await;
        }
        About::Thin | About::Other => return mark(cx, &stored.event.id, "ignored").await,
    };
    let Some(order) = find_order(cx, &told).await? else {
        return mark(cx, &stored.event.id, "foreign").await;
    };
    let mut heard = hear(cx, &told).await?;
    // The event is told once, with what it changed; what we asked beside it is an answer.
    if let Some(first) = heard.first_mut() {
        first.via = via(stored);
    }
    let input = (stored.event.id.clone(), order, heard, cx.clock.now());
    cx.store
        .write(input, |tx, (id, order, heard, now)| {
            Box::pin(async move {
                // Another node may have been faster, after our claim had run out.
                if inbox::mark_applied(tx, id, "applied", *now).await? {
                    apply::apply(tx, *order, heard, *now).await?;
                }
                Ok(())
            })
        })
        .await
        .map_err(|error: StoreError| error.into())
}

fn via(stored: &InboxEvent) -> Via {
    let NewEvent { id, kind, source, .. } = &stored.event;
    Via::Event { id: id.clone(), kind: kind.clone(), source: *source }
}

/// What stands beside a payment, as it was read again.
#[derive(Clone)]
enum Looked {
    Refunds(Vec<refund::Told>),
    Disputes(Vec<dispute::Told>),
    /// The payment, and an id for the item that it may cause.
    FraudWarning(GatewayReference, Uuid),
}

/// An event only hints that something beside a payment has moved: how it stands is asked, and taken
/// in like any other answer.
async fn apply_beside(
    cx: &Context,
    stored: &InboxEvent,
    payment: &GatewayReference,
    beside: &Beside,
) -> Result<(), FlowError> {
    let Some(order) = find_order_beside(cx, payment).await? else {
        return mark(cx, &stored.event.id, "foreign").await;
    };
    let looked = match beside {
        Beside::Refund(refund) => {
            Looked::Refunds(refund::look(cx, payment, refund.as_ref()).await?)
        }
        Beside::Dispute(dispute) => Looked::Disputes(dispute::look(cx, dispute).await?),
        Beside::FraudWarning => Looked::FraudWarning(payment.clone(), cx.ids.next()),
    };
    let input = (stored.event.id.clone(), order, looked, via(stored), cx.clock.now());
    cx.store
        .write(input, |tx, (id, order, looked, via, now)| {
            Box::pin(async move {
                if !inbox::mark_applied(tx, id, "applied", *now).await? {
                    return Ok(());
                }
                match looked {
                    Looked::Refunds(told) => refund::apply_all(tx, *order, told, via, *now).await,
                    Looked::Disputes(told) => dispute::apply_all(tx, *order, told, via, *now).await,
                    Looked::FraudWarning(payment, item) => {
                        dispute::warn(tx, *order, payment, via, (*item, *now)).await
                    }
                }
            })
        })
        .await
        .map_err(|error: StoreError| error.into())
}

/// The order of a payment that something is said beside. The event names the payment alone, and may be
/// faster than the answer that tells us the payment's id: then Stripe says whose it is, and the payment
/// is heard first.
async fn find_order_beside(
    cx: &Context,
    payment: &GatewayReference,
) -> Result<Option<OrderId>, FlowError> {
    if let Some(order) = find_order(cx, &Told::Only(Some(payment))).await? {
        return Ok(Some(order));
    }
    let entry = cx.stripe.payment_entry(payment).await.map_err(ask::unanswered)?;
    let Some(order) = entry.and_then(|entry| entry.order) else { return Ok(None) };
    let read = cx.store.read(order, |tx, order| Box::pin(payment::of_order(tx, *order)));
    let ours: Option<payment::Stored> = read.await.map_err(FlowError::Store)?;
    // One that is known by another name has a second payment beside it, whose own event tells of it.
    if ours.is_none_or(|ours| ours.payment.reference().is_some()) {
        return Ok(None);
    }
    ask::look_up(cx, order, payment).await?;
    Ok(Some(order))
}

/// What an event tells.
enum Told<'a> {
    /// News.
    News(&'a News, Finality),
    /// Only which payment it is about.
    Only(Option<&'a GatewayReference>),
}

impl Told<'_> {
    fn reference(&self) -> Option<&GatewayReference> {
        match self {
            Self::News(news, _) => Some(&news.reference),
            Self::Only(reference) => *reference,
        }
    }
}

/// What is to be applied.
async fn hear(cx: &Context, told: &Told<'_>) -> Result<Vec<Heard>, FlowError> {
    let (told, reference) = match told {
        // Succeeded and cancelled are ends: the event says all there is to say.
        Told::News(news, Finality::Final) => return Ok(vec![ask::heard(cx, news)]),
        // Anything else may be old by now: ask how things stand.
        Told::News(news, Finality::Hint) => (Some(*news), &news.reference),
        Told::Only(Some(reference)) => (None, *reference),
        // An order was found, so there is a reference to find it by.
        Told::Only(None) => return Ok(Vec::new()),
    };
    let answer = cx.stripe.retrieve(reference).await.map_err(ask::unanswered)?;
    Ok(as_it_stands(told.map(|told| ask::heard(cx, told)), ask::heard(cx, &answer.news)))
}

/// It stays in the inbox, and a person is told: it may be about money.
async fn keep_unreadable(cx: &Context, id: &EventId, error: &str) -> Result<(), FlowError> {
    let matter = Matter { order: None, kind: "event_unreadable", subject: id.to_string() };
    let sentence = format!("An event of Stripe's cannot be read ({error}). Look at it there.");
    call_person(cx, matter, sentence).await?;
    mark(cx, id, "unreadable").await
}

/// The gateway's present word, preceded by a decline that the event tells of, so that it is
/// counted. If a new try is under way by now, or it is over, the old no is history.
fn as_it_stands(told: Option<Heard>, present: Heard) -> Vec<Heard> {
    let time = match present.news.report {
        Report::Open | Report::Declined(_) => Time::Present,
        Report::RequiresAction
        | Report::Processing
        | Report::Succeeded { .. }
        | Report::Cancelled => Time::Past,
    };
    match told {
        Some(told) if matches!(told.news.report, Report::Declined(_)) => {
            vec![Heard { time, ..told }, present]
        }
        Some(_) | None => vec![present],
    }
}

/// The order a payment is for, its own or a stray: the one we wrote into it. If that is not ours,
/// neither is the payment.
async fn find_order(cx: &Context, told: &Told<'_>) -> Result<Option<OrderId>, StoreError> {
    let order = match told {
        Told::News(news, _) => news.order,
        Told::Only(_) => None,
    };
    cx.store
        .read((told.reference().cloned(), order), |tx, (reference, order)| {
            Box::pin(async move {
                if let Some(reference) = reference
                    && let Some(stored) = payment::by_reference(tx, reference).await?
                {
                    return Ok(Some(stored.payment.order));
                }
                if let Some(reference) = reference
                    && let Some(order) = storage::refund::order_of_stray(tx, reference).await?
                {
                    return Ok(Some(order));
                }
                // The event may be faster than the answer that tells us the payment's id.
                let Some(order) = order else { return Ok(None) };
                let stored = payment::of_order(tx, *order).await?;
                Ok::<_, StoreError>(stored.map(|stored| stored.payment.order))
            })
        })
        .await
}

async fn mark(cx: &Context, id: &EventId, outcome: &'static str) -> Result<(), FlowError> {
    let input = (id.clone(), outcome, cx.clock.now());
    let write = cx.store.write(input, |tx, (id, outcome, now)| {
        Box::pin(inbox::mark_applied(tx, id, outcome, *now))
    });
    write.await.map(|_first: bool| ()).map_err(|error: StoreError| error.into())
}

async fn postpone(cx: &Context, stored: &InboxEvent, error: &FlowError) -> Result<(), StoreError> {
    let event = &stored.event;
    tracing::warn!(event = %event.id, %error, "could not apply an event; it is tried again");
    let input = (event.id.clone(), cx.later(back_off(stored.tries)), error.to_string());
    cx.store
        .write(input, |tx, (id, due_at, error)| Box::pin(inbox::postpone(tx, id, *due_at, error)))
        .await?;
    let order = order_of(cx, stored).await?;
    let matter = Matter { order, kind: "event_stuck", subject: event.id.to_string() };
    call_if_stuck(cx, matter, event.received_at, error).await
}

/// Which order of ours an event is about, as far as it can be read.
async fn order_of(cx: &Context, stored: &InboxEvent) -> Result<Option<OrderId>, StoreError> {
    let Ok(event) = read_event(&stored.event.payload) else { return Ok(None) };
    let told = match &event.about {
        About::Payment(news, finality) => Told::News(news, *finality),
        About::Beside(payment, _) => Told::Only(Some(payment)),
        About::Unreadable => Told::Only(event.object.as_ref()),
        About::Thin | About::Other => return Ok(None),
    };
    find_order(cx, &told).await
}
