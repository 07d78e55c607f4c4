//! An order's history, line by line. A line is written in the transaction that makes the thing
//! happen, by an operation that has just changed a row for it and holds the lock on the order: so
//! positions follow the order of those transactions, and an operation that runs again after its
//! commit was lost finds nothing to change and tells nothing twice.

use domain::history::{Actor, Entry, Kind};
use domain::id::OrderId;

use crate::lease::shortened;
use crate::{Row, StoreError, Tx, Value, statements};

statements! {
    INSERT = "insert into history (order_id, position, happened_at, actor, kind, sentence) \
        select ?1, coalesce(max(position), 0) + 1, ?2, ?3, ?4, ?5 from history where order_id = ?1";
    NEWEST = "select order_id, kind from history where order_id = ?1 \
        order by position desc limit 1";
    OF_ORDER = "select order_id, position, happened_at, actor, kind, sentence from history \
        where order_id = ?1 and position > ?2 order by position limit ?3";
}

/// A line as it stands in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Counts from one; later lines happened later.
    pub position: i64,
    /// What it says.
    pub entry: Entry,
}

/// Tells a line. The caller holds the lock on the order, or has just made it.
pub async fn note(tx: &mut Tx, entry: &Entry) -> Result<(), StoreError> {
    note_all(tx, std::slice::from_ref(entry)).await
}

/// Tells lines, one after the other.
pub async fn note_all(tx: &mut Tx, entries: &[Entry]) -> Result<(), StoreError> {
    let statements: Vec<_> = entries.iter().map(|entry| (&INSERT, params(entry))).collect();
    tx.execs(&statements).await.map(drop)
}

/// Tells a line, unless the newest one is of the same kind: for what goes on and on.
pub async fn note_once(tx: &mut Tx, entry: &Entry) -> Result<(), StoreError> {
    let newest = tx.query_opt(&NEWEST, &[entry.order.0.into()]).await?;
    let newest = newest.map(|row| row.read("history").text("kind")).transpose()?;
    if newest.as_deref() == Some(entry.kind.name()) {
        return Ok(());
    }
    note(tx, entry).await
}

/// The lines of an order after a position, first one first.
pub async fn of_order(
    tx: &mut Tx,
    order: OrderId,
    after: i64,
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let rows = tx.query(&OF_ORDER, &[order.0.into(), after.into(), limit.into()]).await?;
    rows.into_iter().map(read).collect()
}

fn params(entry: &Entry) -> Vec<Value> {
    vec![
        entry.order.0.into(),
        entry.at.into(),
        entry.actor.name().into(),
        entry.kind.name().into(),
        shortened(&entry.sentence).into(),
    ]
}

fn read(row: Row) -> Result<Line, StoreError> {
    let mut row = row.read("history");
    let order = OrderId(row.id("order_id")?);
    let position = row.int("position")?;
    let at = row.time("happened_at")?;
    let actor = row.parsed("actor", |name| Actor::from_name(name).ok_or("not an actor"))?;
    let kind = row.parsed("kind", |name| Kind::from_name(name).ok_or("not a kind of line"))?;
    let sentence = row.text("sentence")?;
    Ok(Line { position, entry: Entry { order, actor, kind, sentence, at } })
}
