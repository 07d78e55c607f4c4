//! `till orders attention` and `till orders resolve`: what no rule can settle waits here for a person,
//! with a sentence that says why and what to do.

use std::io::Write;

use jiff::Timestamp;
use storage::{Store, StoreError, attention};
use uuid::Uuid;

use super::{OrdersError, list::Form, show::ItemForPrograms};
use crate::flows::call_person;

/// Lists the open items, oldest first.
pub async fn attention(
    store: &Store,
    limit: u32,
    form: Form,
    now: Timestamp,
    mut out: impl Write,
) -> Result<(), OrdersError> {
    let read = store.read(limit, |tx, limit| {
        Box::pin(async move {
            Ok::<_, StoreError>((
                attention::open(tx, *limit).await?,
                attention::open_count(tx).await?,
            ))
        })
    });
    let (items, count) = read.await?;
    if form == Form::Json {
        for item in &items {
            writeln!(out, "{}", serde_json::to_string(&ItemForPrograms::of(item))?)?;
        }
        return Ok(());
    }
    for item in &items {
        let order = item.order.map_or("none".to_owned(), |order| order.to_string());
        writeln!(out, "item   {}  {}, {} old", item.id, item.kind, age(item.at, now))?;
        writeln!(out, "order  {order}")?;
        writeln!(out, "       {}\n", item.sentence)?;
    }
    match (count, items.len()) {
        (0, _) => writeln!(out, "Nothing waits for you.")?,
        (count, listed) => {
            writeln!(out, "{listed} of {count}. Close one with `till orders resolve ITEM`.")?;
        }
    }
    Ok(())
}

fn age(since: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(since).as_mins().max(0);
    match minutes {
        ..120 => format!("{minutes} minutes"),
        120..2880 => format!("{} hours", minutes / 60),
        2880.. => format!("{} days", minutes / (24 * 60)),
    }
}

/// Closes an item.
pub async fn resolve(
    store: &Store,
    item: &str,
    note: Option<String>,
    now: Timestamp,
    mut out: impl Write,
) -> Result<(), OrdersError> {
    let id = Uuid::try_parse(item).map_err(|_| domain::id::IdError)?;
    match call_person::resolve(store, id, note, now).await? {
        None => Err(OrdersError::NoSuchItem),
        Some(true) => Ok(writeln!(out, "Item {id} is closed.")?),
        Some(false) => Ok(writeln!(out, "Item {id} was closed before.")?),
    }
}
