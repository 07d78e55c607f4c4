//! What others are told of orders. A notice is written in the transaction of the step that it tells,
//! with the body that is posted, once: its id is made from the step. It is due until its deliveries
//! have been written, which needs nothing but the database.

use domain::id::{NoticeId, OrderId, RefundId};
use domain::notice::NoticeKind;
use jiff::Timestamp;

use crate::{Columns, Row, StoreError, Tx, statements};

macro_rules! columns {
    () => {
        "id, order_id, kind, refund_id, body, created_at"
    };
}

statements! {
    INSERT = concat!(
        "insert into notices (", columns!(), ", due_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?6)"
    );
    BY_ID = concat!("select ", columns!(), " from notices where id = ?1");
    DUE = concat!(
        "select ", columns!(), " from notices where due_at <= ?1 order by due_at, id limit ?2"
    );
    DONE = "update notices set due_at = null where id = ?1";
    // PostgreSQL compares a pair at once; written out, every database finds its way by the index.
    SINCE = concat!(
        "select ", columns!(), " from notices where created_at >= ?1 \
         and (created_at > ?1 or id > ?2) order by created_at, id limit ?3"
    );
    DUE_COUNT = "select count(*) as notices from notices where due_at is not null";
}

/// What is told of a step of an order.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// Made from the step.
    pub id: NoticeId,
    /// The order.
    pub order: OrderId,
    /// Which step.
    pub kind: NoticeKind,
    /// The refund that it tells of; of refunds alone.
    pub refund: Option<RefundId>,
    /// What is posted, to the letter.
    pub body: String,
    /// When the step was made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for Notice {
    /// Without the body, which holds the shopper's data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Notice({} {} of {})", self.id, self.kind.name(), self.order)
    }
}

/// Writes a notice down; `false`, and nothing written, if the step was told before.
pub async fn put(tx: &mut Tx, notice: &Notice) -> Result<bool, StoreError> {
    let params = [
        notice.id.0.into(),
        notice.order.0.into(),
        notice.kind.name().into(),
        notice.refund.map(|refund| refund.0).into(),
        notice.body.as_str().into(),
        notice.created_at.into(),
    ];
    tx.insert_new(&INSERT, &params).await
}

/// A notice by its id.
pub async fn by_id(tx: &mut Tx, id: NoticeId) -> Result<Option<Notice>, StoreError> {
    tx.query_opt(&BY_ID, &[id.0.into()]).await?.map(read).transpose()
}

/// Up to `limit` notices whose deliveries have not been written, oldest first.
pub async fn due(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<Notice>, StoreError> {
    let rows = tx.query(&DUE, &[now.into(), limit.into()]).await?;
    rows.into_iter().map(read).collect()
}

/// Its deliveries have been written.
pub async fn done(tx: &mut Tx, id: NoticeId) -> Result<(), StoreError> {
    tx.exec(&DONE, &[id.0.into()]).await.map(drop)
}

/// Up to `limit` notices of a time and later, after the one with this time and id, oldest first.
pub async fn since(
    tx: &mut Tx,
    (from, after): (Timestamp, NoticeId),
    limit: u32,
) -> Result<Vec<Notice>, StoreError> {
    let rows = tx.query(&SINCE, &[from.into(), after.0.into(), limit.into()]).await?;
    rows.into_iter().map(read).collect()
}

/// How many notices wait for their deliveries to be written.
pub async fn due_count(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = tx.query_opt(&DUE_COUNT, &[]).await?;
    row.map_or(Ok(0), |row| row.read("notices").int("notices"))
}

/// The kind in a row.
pub(crate) fn kind(row: &mut Columns) -> Result<NoticeKind, StoreError> {
    row.parsed("kind", |name| {
        NoticeKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or("not a kind we know")
    })
}

fn read(row: Row) -> Result<Notice, StoreError> {
    let mut row = row.read("notices");
    Ok(Notice {
        id: NoticeId(row.id("id")?),
        order: OrderId(row.id("order_id")?),
        kind: kind(&mut row)?,
        refund: row.id_opt("refund_id")?.map(RefundId),
        body: row.text("body")?,
        created_at: row.time("created_at")?,
    })
}
