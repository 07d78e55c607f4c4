//! What a person must look at: money and books that disagree, work that fails again and again. The
//! same matter is raised once.

use domain::id::OrderId;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Row, StoreError, Tx, Value, statements};

statements! {
    INSERT = "insert into attention (id, order_id, kind, subject, sentence, raised_at) \
        values (?1, ?2, ?3, ?4, ?5, ?6)";
    OPEN = "select id, order_id, kind, subject, sentence, raised_at from attention \
        where resolved_at is null order by raised_at, id limit ?1";
    OF_ORDER = "select id, order_id, kind, subject, sentence, raised_at from attention \
        where order_id = ?1 and resolved_at is null order by raised_at, id limit 100";
    BY_ID = "select id, order_id, kind, subject, sentence, raised_at from attention where id = ?1";
    OPEN_COUNT = "select count(*) as items from attention where resolved_at is null";
    NAMED = "select id, resolved_at from attention where kind = ?1 and subject = ?2";
    REOPEN = "update attention set resolved_at = null, sentence = ?2, raised_at = ?3 where id = ?1 \
        and resolved_at is not null";
    RESOLVE = "update attention set resolved_at = ?2 where id = ?1 and resolved_at is null";
    RESOLVE_MATTER = "update attention set resolved_at = ?3 where kind = ?1 and subject = ?2 \
        and resolved_at is null";
}

/// A matter for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Our id.
    pub id: Uuid,
    /// The order it is about, if it is about one.
    pub order: Option<OrderId>,
    /// What kind of matter; at most 100 characters.
    pub kind: String,
    /// What it is about; at most 255 characters. Kind and subject together are raised once.
    pub subject: String,
    /// What the person reads.
    pub sentence: String,
    /// When it was found.
    pub at: Timestamp,
}

/// An open matter.
pub type Item = NewItem;

/// Raises a matter; `false` if it was raised before, even if it has been resolved since.
pub async fn raise(tx: &mut Tx, item: &NewItem) -> Result<bool, StoreError> {
    let params = [
        item.id.into(),
        item.order.map(|order| order.0).into(),
        Value::from(&item.kind),
        Value::from(&item.subject),
        Value::from(&item.sentence),
        item.at.into(),
    ];
    tx.insert_new(&INSERT, &params).await
}

/// Raises a matter, or opens it again where a person had closed it: what goes on by itself, such as
/// work that fails again, is no less a matter the second time. `false` if it is open already.
pub async fn raise_again(tx: &mut Tx, item: &NewItem) -> Result<bool, StoreError> {
    if raise(tx, item).await? {
        return Ok(true);
    }
    let named = [Value::from(&item.kind), Value::from(&item.subject)];
    let Some(row) = tx.query_opt(&NAMED, &named).await? else { return Ok(false) };
    let id = row.read("attention").id("id")?;
    let params = [id.into(), Value::from(&item.sentence), item.at.into()];
    Ok(tx.exec(&REOPEN, &params).await? == 1)
}

/// The open matters, oldest first.
pub async fn open(tx: &mut Tx, limit: u32) -> Result<Vec<Item>, StoreError> {
    let rows = tx.query(&OPEN, &[limit.into()]).await?;
    rows.into_iter().map(read).collect()
}

/// The open matters of an order, oldest first.
pub async fn of_order(tx: &mut Tx, order: OrderId) -> Result<Vec<Item>, StoreError> {
    let rows = tx.query(&OF_ORDER, &[order.0.into()]).await?;
    rows.into_iter().map(read).collect()
}

/// A matter, open or not.
pub async fn by_id(tx: &mut Tx, id: Uuid) -> Result<Option<Item>, StoreError> {
    tx.query_opt(&BY_ID, &[id.into()]).await?.map(read).transpose()
}

/// How many matters are open.
pub async fn open_count(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = tx.query_opt(&OPEN_COUNT, &[]).await?;
    row.map_or(Ok(0), |row| row.read("attention").int("items"))
}

/// Whether a matter was raised and has been closed since.
pub async fn is_closed(tx: &mut Tx, kind: &str, subject: &str) -> Result<bool, StoreError> {
    let Some(row) = tx.query_opt(&NAMED, &[kind.into(), subject.into()]).await? else {
        return Ok(false);
    };
    Ok(row.read("attention").time_opt("resolved_at")?.is_some())
}

/// A person has dealt with it; `false` if it was resolved before.
pub async fn resolve(tx: &mut Tx, id: Uuid, at: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(&RESOLVE, &[id.into(), at.into()]).await? == 1)
}

/// A matter has come right by itself; `false` if it was not open.
pub async fn resolve_matter(
    tx: &mut Tx,
    kind: &str,
    subject: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.exec(&RESOLVE_MATTER, &[kind.into(), subject.into(), at.into()]).await? == 1)
}

fn read(row: Row) -> Result<Item, StoreError> {
    let mut row = row.read("attention");
    Ok(Item {
        id: row.id("id")?,
        order: row.id_opt("order_id")?.map(OrderId),
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        sentence: row.text("sentence")?,
        at: row.time("raised_at")?,
    })
}
