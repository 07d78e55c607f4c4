//! `till webhooks`: the operator sees what was told to whom and how each try ended, and has it told
//! again. What is sent again is written into the database, from where a running server sends it; a
//! test is sent by the command itself.

pub mod command;

use std::io::{self, Write};

use domain::{
    delivery::{Outcome, Receiver},
    id::{DeliveryId, IdError, NoticeId, OrderId},
};
use jiff::Timestamp;
use storage::{
    Store, StoreError,
    delivery::{self, Delivery, State},
    notice,
};
use uuid::Uuid;

use crate::{
    context::Context,
    flows::announce::concerns,
    outlet::{Outlet, Way},
};

/// Why a command about webhooks failed.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// Not an id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// Not a time.
    #[error("{0:?} is not a time such as 2026-11-22T09:00:00Z")]
    Time(String),
    /// There is no such delivery.
    #[error("there is no such delivery; `till webhooks list` lists them")]
    NoSuchDelivery,
    /// There is nobody to tell.
    #[error("TILL_WEBHOOK_URLS names no server")]
    NoEndpoint,
    /// A test was not answered with yes.
    #[error("not every server has taken the test")]
    NotTaken,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody reads the output.
    #[error("the output cannot be written")]
    Io(#[from] io::Error),
}

/// The longest list. Older ones are found by their order.
const SHOWN: u32 = 1000;
/// Notices that are sent again in one transaction.
const BATCH: u32 = 100;

/// Which deliveries are listed.
#[derive(Debug)]
pub struct Listed {
    /// Of this order alone.
    pub order: Option<String>,
    /// Those alone that were given up, or whose last try failed.
    pub failed: bool,
}

/// Lists deliveries, newest first.
pub async fn list(store: &Store, which: Listed, mut out: impl Write) -> Result<(), WebhooksError> {
    let order = which.order.map(|order| order.parse::<OrderId>()).transpose()?;
    let found = store.read((order, which.failed), |tx, (order, failed)| {
        Box::pin(async move {
            match (order, failed) {
                (Some(order), _) => delivery::of_order(tx, *order, SHOWN).await,
                (None, true) => delivery::failed(tx, SHOWN).await,
                (None, false) => delivery::newest(tx, SHOWN).await,
            }
        })
    });
    let found: Vec<Delivery> = found.await?;
    for one in found.iter().filter(|one| !which.failed || has_failed(one)) {
        writeln!(out, "{}", line(one))?;
    }
    Ok(())
}

fn has_failed(one: &Delivery) -> bool {
    match one.state {
        State::GivenUp { .. } => true,
        State::Waiting { .. } => one.tries > 0,
        State::Done { .. } => false,
    }
}

fn line(one: &Delivery) -> String {
    let Delivery { id, order, created_at, .. } = one;
    let (kind, state) = (one.kind.name(), state(one.state));
    let to = match &one.receiver {
        Receiver::Endpoint(url) => url,
        Receiver::Shopper => "mail to the shopper",
    };
    let outcome = one.last_outcome.as_deref().unwrap_or("not tried yet");
    format!("{id}  {created_at}  {kind}  {order}  {to}  {state}  {outcome}")
}

fn state(state: State) -> String {
    match state {
        State::Waiting { due_at } => format!("waiting until {due_at}"),
        State::Done { at } => format!("done at {at}"),
        State::GivenUp { at } => format!("given up at {at}"),
    }
}

/// Shows a delivery with every try and what is told.
pub async fn show(store: &Store, id: &str, mut out: impl Write) -> Result<(), WebhooksError> {
    let id: DeliveryId = id.parse()?;
    let found = store.read(id, |tx, id| {
        Box::pin(async move {
            let Some(one) = delivery::by_id(tx, *id).await? else { return Ok(None) };
            let tries = delivery::tries(tx, *id, SHOWN).await?;
            let notice = notice::by_id(tx, one.notice).await?;
            Ok::<_, StoreError>(Some((one, tries, notice)))
        })
    });
    let (one, tries, notice) = found.await?.ok_or(WebhooksError::NoSuchDelivery)?;
    writeln!(out, "{}", line(&one))?;
    for one in tries {
        writeln!(out, "try  {}  {} ms  {}", one.at, one.duration_ms, one.outcome)?;
    }
    if let Some(notice) = notice {
        writeln!(out, "id   {}", notice.id)?;
        writeln!(out, "{}", notice.body)?;
    }
    Ok(())
}

/// Has one delivery made again.
pub async fn replay_one(
    store: &Store,
    (id, now): (&str, Timestamp),
    mut out: impl Write,
) -> Result<(), WebhooksError> {
    let id: DeliveryId = id.parse()?;
    let again = store.write((id, now), |tx, (id, now)| Box::pin(delivery::repeat(tx, *id, *now)));
    if !again.await.map_err(WebhooksError::Store)? {
        return Err(WebhooksError::NoSuchDelivery);
    }
    writeln!(out, "It is sent again, with the same id, as soon as a server runs.")?;
    Ok(())
}

/// Has every endpoint told of everything since a time, also those that did not exist then. No mail
/// is sent again.
pub async fn replay_since(
    cx: &Context,
    since: &str,
    mut out: impl Write,
) -> Result<(), WebhooksError> {
    let since: Timestamp = since.parse().map_err(|_| WebhooksError::Time(since.to_owned()))?;
    let receivers: Vec<Receiver> = endpoints(cx).map(|(outlet, ..)| outlet.receiver()).collect();
    if receivers.is_empty() {
        return Err(WebhooksError::NoEndpoint);
    }
    let (mut from, mut count) = ((since, NoticeId(Uuid::nil())), 0);
    loop {
        let input = (from, receivers.clone(), cx.clock.now());
        let page = cx.store.write(input, |tx, (from, receivers, now)| {
            Box::pin(async move {
                let page = notice::since(tx, *from, BATCH).await?;
                for notice in &page {
                    for receiver in receivers.iter().filter(|one| concerns(notice.kind, one)) {
                        if !delivery::put(tx, notice.id, receiver, *now).await? {
                            let id = DeliveryId::of(notice.id, receiver);
                            delivery::repeat(tx, id, *now).await?;
                        }
                    }
                }
                Ok(page)
            })
        });
        let page: Result<Vec<notice::Notice>, StoreError> = page.await;
        let page = page?;
        count += page.len();
        match page.last() {
            Some(last) => from = (last.created_at, last.id),
            None => break,
        }
    }
    let notices = if count == 1 { "notice is" } else { "notices are" };
    writeln!(out, "{count} {notices} sent again, with the same ids, as soon as a server runs.")?;
    Ok(())
}

/// Posts a test to every endpoint. One that was gone and takes it is told of orders again.
pub async fn test(cx: &Context, mut out: impl Write) -> Result<(), WebhooksError> {
    let (mut all, mut taken) = (0, 0);
    for (_, url, merchant) in endpoints(cx) {
        let now = cx.clock.now();
        let body = serde_json::json!({ "type": "ping", "timestamp": now, "data": {} });
        let tried = merchant.post(url, NoticeId(cx.ids.next()), &body.to_string(), now).await;
        writeln!(out, "{url}  {}", tried.words)?;
        all += 1;
        if tried.outcome == Outcome::Taken {
            taken += 1;
            let there =
                cx.store.write(url.to_string(), |tx, url| Box::pin(delivery::mark_there(tx, url)));
            if there.await.map_err(WebhooksError::Store)? {
                writeln!(out, "{url}  is told of orders again")?;
            }
        }
    }
    match (all, taken) {
        (0, _) => Err(WebhooksError::NoEndpoint),
        (all, taken) if all == taken => Ok(()),
        (_, _) => Err(WebhooksError::NotTaken),
    }
}

fn endpoints(
    cx: &Context,
) -> impl Iterator<Item = (&Outlet, &url::Url, &gateways::merchant::Merchant)> {
    cx.outlets.iter().filter_map(|outlet| match &outlet.way {
        Way::Endpoint { url, merchant } => Some((outlet, url, merchant)),
        Way::Mail { .. } => None,
    })
}
