//! Fetching the gateway's events ourselves: deliveries get lost, endpoints get misconfigured, and
//! an order becomes paid on an event alone. One cursor, one poller at a time, one inbox for both
//! ways.

use std::time::Duration;

use gateways::{
    GatewayError,
    stripe::{Deliveries, EventsQuery, webhook::VerifiedEvent},
};
use jiff::Timestamp;
use storage::{StoreError, Tx, cursor, inbox::Source, payment};

use super::receive_event;
use crate::context::Context;

/// The cursor's name.
const CURSOR: &str = "stripe_events";
/// Events carry seconds and become visible a little later than they are made; each poll looks
/// back this far, and the inbox throws away what it knows.
const OVERLAP: Duration = Duration::from_secs(5 * 60);
/// How far the first poll of a new shop looks back; further where a payment has waited for longer.
const FIRST_LOOK: Duration = Duration::from_secs(60 * 60);
/// Why a poll did not finish. The cursor stays where it was.
#[derive(Debug, thiserror::Error)]
pub enum PollError {
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Fetches what happened since the last poll. Returns how many events were new, or `None` if
/// another node is at it.
pub async fn poll_events(cx: &Context) -> Result<Option<usize>, PollError> {
    let lease = cx.lease();
    let claim = (lease, cx.clock.now());
    let claimed = cx
        .store
        .write(claim, |tx, (lease, now)| Box::pin(cursor::claim(tx, CURSOR, *now, lease)))
        .await?;
    if !claimed {
        return Ok(None);
    }
    let fetched = fetch(cx).await;
    cx.store.write(lease, |tx, lease| Box::pin(cursor::give_back(tx, CURSOR, lease))).await?;
    fetched.map(Some)
}

async fn fetch(cx: &Context) -> Result<usize, PollError> {
    let started = cx.clock.now();
    let since = before(cx.store.read(started, |tx, at| Box::pin(since(tx, *at))).await?, OVERLAP);
    let (mut new, mut newest, mut after) = (0, None, None);
    // Ends: Stripe keeps the events of thirty days, and each page lies further back.
    loop {
        let query = EventsQuery { since, after: after.take(), deliveries: Deliveries::All };
        let page = cx.stripe.events(&query).await?;
        newest = newest.max(page.events.iter().filter_map(created).max());
        new += receive_event::receive(cx, &page.events, Source::Poll).await?;
        after = page.next;
        if after.is_none() {
            save_cursor(cx, newest).await?;
            return Ok(new);
        }
    }
}

/// The newest event that was seen. A shop that has seen none yet may all the same have been down
/// for days while its first payment succeeded.
async fn since(tx: &mut Tx, started: Timestamp) -> Result<Timestamp, StoreError> {
    let cursor = cursor::load(tx, CURSOR).await?;
    if let Some(cursor) = cursor.and_then(|text| text.parse().ok()) {
        return Ok(cursor);
    }
    let first = before(started, FIRST_LOOK);
    Ok(payment::oldest_live(tx).await?.map_or(first, |oldest| oldest.min(first)))
}

/// The cursor moves only when every page down to the old one is stored.
async fn save_cursor(cx: &Context, newest: Option<Timestamp>) -> Result<(), StoreError> {
    let Some(newest) = newest else { return Ok(()) };
    cx.store
        .write(newest.to_string(), |tx, newest| Box::pin(cursor::save(tx, CURSOR, newest)))
        .await
}

fn created(event: &VerifiedEvent) -> Option<Timestamp> {
    event.read().ok().map(|event| event.created)
}

fn before(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_sub(wait).unwrap_or(Timestamp::MIN)
}
