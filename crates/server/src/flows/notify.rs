//! Bringing notices to those who should hear of them. What if the process dies after each step?
//! Before the try: the claim runs out, and it is tried. After it, or while it is on its way: the
//! claim runs out, and it is tried again, with the same id and the same body, by which the receiver
//! knows it. After its outcome has been written: nothing is left to do.
//!
//! Nothing here is waited for by anybody who pays: each receiver has a loop of its own.

use domain::{
    delivery::{Next, Outcome, Receiver},
    order::Order,
};
use gateways::{Tried, mail::Letter};
use jiff::Timestamp;
use storage::{
    StoreError, Tx, attention,
    delivery::{self, Delivery, Try},
    notice::{self, Notice},
    order, refund,
};

use super::{FlowError, side_by_side};
use crate::{
    context::{Context, after},
    http::notice::is_full,
    letters::Returned,
    outlet::{Outlet, Way},
};

/// Tries to one receiver at the same time: enough for a shop that is busy, and no assault on a
/// server that is just coming back.
const AT_ONCE: u32 = 4;

/// Tries the deliveries that are due for an outlet. Returns how many there were.
pub async fn deliver_due(cx: &Context, outlet: &Outlet) -> Result<usize, FlowError> {
    let claim = (outlet.receiver(), cx.clock.now(), cx.lease());
    let due = cx.store.write(claim, |tx, (receiver, now, lease)| {
        Box::pin(delivery::claim_due(tx, receiver, *now, lease, AT_ONCE))
    });
    let due: Vec<Delivery> = due.await.map_err(FlowError::Store)?;
    let count = due.len();
    side_by_side(due.into_iter().map(|delivery| deliver(cx, outlet, delivery))).await?;
    Ok(count)
}

async fn deliver(cx: &Context, outlet: &Outlet, delivery: Delivery) -> Result<(), StoreError> {
    let Some(told) = read(cx, &delivery).await? else { return Ok(()) };
    let at = cx.clock.now();
    let tried = match (&outlet.way, told.gone_since) {
        (Way::Endpoint { .. }, Some(since)) => {
            let words = format!("not sent: the endpoint is gone since {since}");
            Tried { outcome: Outcome::Gone, words }
        }
        (Way::Endpoint { url, merchant }, None) => {
            merchant.post(url, told.notice.id, &told.notice.body, at).await
        }
        (Way::Mail { letters, mailer }, _) => {
            match letters.write(&told.order, told.refund) {
                Ok(written) => {
                    let (id, at, to) = (told.notice.id, told.notice.created_at, told.order.email);
                    let (subject, text, html) = written;
                    mailer.send(&Letter { id, at, to, subject, text, html }).await
                }
                // A template may be mended.
                Err(error) => Tried::not_now(format!("the letter cannot be written: {error}")),
            }
        }
    };
    settle(cx, (delivery, told.gone_since), at, tried).await
}

/// What a delivery is about.
struct Told {
    notice: Notice,
    order: Order,
    refund: Option<Returned>,
    /// Since when the receiver wants nothing more.
    gone_since: Option<Timestamp>,
}

async fn read(cx: &Context, delivery: &Delivery) -> Result<Option<Told>, StoreError> {
    let read = cx.store.read(delivery.clone(), |tx, delivery| {
        Box::pin(async move {
            let Some(notice) = notice::by_id(tx, delivery.notice).await? else { return Ok(None) };
            let Some(order) = order::load(tx, notice.order).await? else { return Ok(None) };
            let refund = match notice.refund {
                Some(id) => refund::by_id(tx, id).await?.map(|stored| {
                    // As it was at the step: a refund of later is another letter's.
                    let full = is_full(&notice.body);
                    Returned { amount: stored.refund.amount, full }
                }),
                None => None,
            };
            let gone_since = delivery::gone_since(tx, delivery.receiver.name()).await?;
            Ok(Some(Told { notice, order, refund, gone_since }))
        })
    });
    read.await
}

/// How a try ended, and what follows from it.
struct Ended {
    delivery: Delivery,
    one: Try,
    next: Next,
    outcome: Outcome,
    now: Timestamp,
    item: attention::NewItem,
}

async fn settle(
    cx: &Context,
    (delivery, gone_since): (Delivery, Option<Timestamp>),
    at: Timestamp,
    tried: Tried,
) -> Result<(), StoreError> {
    let now = cx.clock.now();
    let Tried { outcome, words } = tried;
    let next = delivery.id.after(delivery.tries, outcome);
    let (channel, word) = (delivery.receiver.channel(), word(next));
    metrics::counter!("till_deliveries_total", "channel" => channel, "outcome" => word)
        .increment(1);
    let (order, notice) = (delivery.order, delivery.notice);
    tracing::info!(%order, %notice, channel, tries = delivery.tries, words, "delivery {word}");
    let duration_ms = i64::try_from(now.duration_since(at).as_millis()).unwrap_or(0).max(0);
    let one = Try { id: cx.ids.next(), at, duration_ms, outcome: words };
    let item = item(cx, &delivery, outcome, (&one, gone_since));
    let ended = Ended { delivery, one, next, outcome, now, item };
    cx.store.write(ended, |tx, ended| Box::pin(write(tx, ended))).await
}

async fn write(tx: &mut Tx, ended: &Ended) -> Result<(), StoreError> {
    let Ended { delivery, one, next, outcome, now, item } = ended;
    delivery::keep_try(tx, delivery.id, one).await?;
    match next {
        Next::Done => delivery::done(tx, delivery.id, *now, &one.outcome).await.map(drop),
        Next::Again(wait) => {
            delivery::postpone(tx, delivery.id, after(*now, *wait), &one.outcome).await
        }
        Next::GiveUp => {
            if *outcome == Outcome::Gone {
                delivery::mark_gone(tx, delivery.receiver.name(), *now).await?;
            }
            if delivery::give_up(tx, delivery.id, *now, &one.outcome).await? {
                attention::raise(tx, item).await?;
            }
            Ok(())
        }
    }
}

/// What a person is told when a delivery is given up: of each mail; of an endpoint that is down once
/// a day, for it brings hundreds; and of one that is gone once.
fn item(
    cx: &Context,
    delivery: &Delivery,
    outcome: Outcome,
    (one, gone_since): (&Try, Option<Timestamp>),
) -> attention::NewItem {
    let words = &one.outcome;
    let day = gone_since.unwrap_or(one.at).strftime("%F");
    let (kind, subject, order, sentence) = match (&delivery.receiver, outcome) {
        (Receiver::Shopper, _) => (
            "mail_undelivered",
            delivery.id.to_string(),
            Some(delivery.order),
            format!("The shopper got no mail about {}: {words}.", delivery.kind.name()),
        ),
        (Receiver::Endpoint(url), Outcome::Gone) => (
            "endpoint_gone",
            format!("{url} {day}"),
            None,
            format!(
                "{url} answered 410 and is told nothing more. Take it out of TILL_WEBHOOK_URLS, or \
                 mend it and run `till webhooks test`, then `till webhooks replay --since`."
            ),
        ),
        (Receiver::Endpoint(url), _) => (
            "webhook_undelivered",
            format!("{url} {day}"),
            None,
            format!(
                "{url} was not told of some orders: {words}. `till webhooks list --failed` lists \
                 them, `till webhooks replay` sends them again."
            ),
        ),
    };
    let (kind, id, at) = (kind.to_owned(), cx.ids.next(), cx.clock.now());
    attention::NewItem { id, order, kind, subject, sentence, at }
}

fn word(next: Next) -> &'static str {
    match next {
        Next::Done => "done",
        Next::Again(_) => "failed",
        Next::GiveUp => "given_up",
    }
}
