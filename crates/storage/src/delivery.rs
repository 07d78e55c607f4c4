//! Notices on their way, a row for each receiver. Whoever works for a receiver claims its rows alone,
//! so that one that is dead holds up nobody else; each try is kept.

use domain::delivery::Receiver;
use domain::id::{DeliveryId, NoticeId, OrderId};
use domain::notice::NoticeKind;
use jiff::Timestamp;
use uuid::Uuid;

use crate::lease::{Claims, shortened};
use crate::{Lease, Row, Sql, StoreError, Tx, Value, notice, statements};

macro_rules! with_notice {
    ($rest:literal) => {
        concat!(
            "select d.id, d.notice_id, n.order_id, n.kind, d.receiver, d.state, d.created_at, \
             d.due_at, d.settled_at, d.tries, d.last_outcome \
             from deliveries d join notices n on n.id = d.notice_id ",
            $rest
        )
    };
}

statements! {
    INSERT = "insert into deliveries (id, notice_id, receiver, state, created_at, due_at, tries) \
        values (?1, ?2, ?3, 'waiting', ?4, ?4, 0)";
    DUE = "select id from deliveries where due_at <= ?1 and receiver = ?3 \
        and (lease_until is null or lease_until <= ?1) order by due_at, id limit ?2";
    TAKE = "update deliveries set lease_token = ?2, lease_until = ?3, tries = tries + 1 \
        where id = ?1 and due_at <= ?4 and (lease_until is null or lease_until <= ?4)";
    TAKEN = with_notice!(
        "where d.due_at <= ?1 and d.lease_token = ?2 order by d.due_at, d.id limit ?3"
    );
    SETTLE = "update deliveries set state = ?2, due_at = null, settled_at = ?3, \
        last_outcome = ?4, lease_token = null, lease_until = null \
        where id = ?1 and state = 'waiting'";
    POSTPONE = "update deliveries set due_at = ?2, last_outcome = ?3, lease_token = null, \
        lease_until = null where id = ?1 and state = 'waiting'";
    REPEAT = "update deliveries set state = 'waiting', due_at = ?2, settled_at = null, tries = 0, \
        lease_token = null, lease_until = null where id = ?1";
    BY_ID = with_notice!("where d.id = ?1");
    NEWEST = with_notice!("order by d.created_at desc, d.id desc limit ?1");
    FAILED = with_notice!(
        "where d.state = 'given_up' or (d.state = 'waiting' and d.tries > 0) \
         order by d.created_at desc, d.id desc limit ?1"
    );
    OF_ORDER = with_notice!(
        "where n.order_id = ?1 order by d.created_at desc, d.id desc limit ?2"
    );
    WAITING_COUNT = "select count(*) as deliveries from deliveries where due_at is not null";
    INSERT_TRY = "insert into delivery_tries (id, delivery_id, at, duration_ms, outcome) \
        values (?1, ?2, ?3, ?4, ?5)";
    TRIES = "select id, at, duration_ms, outcome from delivery_tries where delivery_id = ?1 \
        order by at, id limit ?2";
    INSERT_GONE = "insert into gone_endpoints (url, gone_at) values (?1, ?2)";
    GONE = "select url, gone_at from gone_endpoints where url = ?1";
    DELETE_GONE = "delete from gone_endpoints where url = ?1";
}

static CLAIMS: Claims = Claims { due: &DUE, take: &TAKE, taken: &TAKEN };

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is tried when this time has come.
    Waiting {
        /// When.
        due_at: Timestamp,
    },
    /// The receiver has it.
    Done {
        /// Since when.
        at: Timestamp,
    },
    /// It is tried no more.
    GivenUp {
        /// Since when.
        at: Timestamp,
    },
}

/// A notice on its way to one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Made from notice and receiver.
    pub id: DeliveryId,
    /// What is told.
    pub notice: NoticeId,
    /// Of which order.
    pub order: OrderId,
    /// Which step of it.
    pub kind: NoticeKind,
    /// To whom.
    pub receiver: Receiver,
    /// How far it has come.
    pub state: State,
    /// Since when it is on its way.
    pub created_at: Timestamp,
    /// How often it has been taken up, since it was last asked for.
    pub tries: u32,
    /// How the last try ended, in words.
    pub last_outcome: Option<String>,
}

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// Our id.
    pub id: Uuid,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// How it ended, in words.
    pub outcome: String,
}

/// Sends a notice on its way; `false` if it is on it already, or has come to its end.
pub async fn put(
    tx: &mut Tx,
    notice: NoticeId,
    receiver: &Receiver,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let id = DeliveryId::of(notice, receiver);
    let params = [id.0.into(), notice.0.into(), receiver.name().into(), at.into()];
    tx.insert_new(&INSERT, &params).await
}

/// Leases up to `limit` deliveries to a receiver that are due, longest due first. Each time counts
/// as a try.
pub async fn claim_due(
    tx: &mut Tx,
    receiver: &Receiver,
    now: Timestamp,
    lease: &Lease,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let scope = Some(receiver.name().into());
    let rows = CLAIMS.claim_among(tx, scope, (now, lease), limit).await?;
    rows.into_iter().map(read).collect()
}

/// The receiver has it; `false` if it had come to its end before.
pub async fn done(
    tx: &mut Tx,
    id: DeliveryId,
    at: Timestamp,
    outcome: &str,
) -> Result<bool, StoreError> {
    settle(tx, id, "done", at, outcome).await
}

/// It is tried no more; `false` if it had come to its end before.
pub async fn give_up(
    tx: &mut Tx,
    id: DeliveryId,
    at: Timestamp,
    outcome: &str,
) -> Result<bool, StoreError> {
    settle(tx, id, "given_up", at, outcome).await
}

async fn settle(
    tx: &mut Tx,
    id: DeliveryId,
    state: &'static str,
    at: Timestamp,
    outcome: &str,
) -> Result<bool, StoreError> {
    let params = [id.0.into(), state.into(), at.into(), shortened(outcome).into()];
    Ok(tx.exec(&SETTLE, &params).await? == 1)
}

/// It is tried again then.
pub async fn postpone(
    tx: &mut Tx,
    id: DeliveryId,
    due_at: Timestamp,
    outcome: &str,
) -> Result<(), StoreError> {
    let params = [id.0.into(), due_at.into(), shortened(outcome).into()];
    tx.exec(&POSTPONE, &params).await.map(drop)
}

/// It is sent once more from the first try on, wherever it had come to; `false` if there is none.
pub async fn repeat(tx: &mut Tx, id: DeliveryId, at: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(&REPEAT, &[id.0.into(), at.into()]).await? == 1)
}

/// A delivery by its id.
pub async fn by_id(tx: &mut Tx, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    tx.query_opt(&BY_ID, &[id.0.into()]).await?.map(read).transpose()
}

/// The newest deliveries, newest first.
pub async fn newest(tx: &mut Tx, limit: u32) -> Result<Vec<Delivery>, StoreError> {
    many(tx, &NEWEST, &[limit.into()]).await
}

/// Those that were given up, or whose last try did not succeed, newest first.
pub async fn failed(tx: &mut Tx, limit: u32) -> Result<Vec<Delivery>, StoreError> {
    many(tx, &FAILED, &[limit.into()]).await
}

/// Those of an order, newest first.
pub async fn of_order(
    tx: &mut Tx,
    order: OrderId,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    many(tx, &OF_ORDER, &[order.0.into(), limit.into()]).await
}

/// How many deliveries wait for a try.
pub async fn waiting_count(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = tx.query_opt(&WAITING_COUNT, &[]).await?;
    row.map_or(Ok(0), |row| row.read("deliveries").int("deliveries"))
}

/// Keeps a try.
pub async fn keep_try(tx: &mut Tx, delivery: DeliveryId, one: &Try) -> Result<(), StoreError> {
    let outcome = shortened(&one.outcome).into();
    let params = [one.id.into(), delivery.0.into(), one.at.into(), one.duration_ms.into(), outcome];
    tx.insert_new(&INSERT_TRY, &params).await.map(drop)
}

/// The tries of a delivery, oldest first.
pub async fn tries(tx: &mut Tx, delivery: DeliveryId, limit: u32) -> Result<Vec<Try>, StoreError> {
    let rows = tx.query(&TRIES, &[delivery.0.into(), limit.into()]).await?;
    let tries = rows.into_iter().map(|row| {
        let mut row = row.read("delivery_tries");
        Ok(Try {
            id: row.id("id")?,
            at: row.time("at")?,
            duration_ms: row.int("duration_ms")?,
            outcome: row.text("outcome")?,
        })
    });
    tries.collect()
}

/// The endpoint wants nothing more; `false` if it had said so before.
pub async fn mark_gone(tx: &mut Tx, url: &str, at: Timestamp) -> Result<bool, StoreError> {
    tx.insert_new(&INSERT_GONE, &[url.into(), at.into()]).await
}

/// Since when the endpoint wants nothing more.
pub async fn gone_since(tx: &mut Tx, url: &str) -> Result<Option<Timestamp>, StoreError> {
    let row = tx.query_opt(&GONE, &[url.into()]).await?;
    row.map(|row| row.read("gone_endpoints").time("gone_at")).transpose()
}

/// The endpoint is there again; `false` if it had never gone.
pub async fn mark_there(tx: &mut Tx, url: &str) -> Result<bool, StoreError> {
    Ok(tx.exec(&DELETE_GONE, &[url.into()]).await? == 1)
}

async fn many(
    tx: &mut Tx,
    sql: &'static Sql,
    params: &[Value],
) -> Result<Vec<Delivery>, StoreError> {
    tx.query(sql, params).await?.into_iter().map(read).collect()
}

fn read(row: Row) -> Result<Delivery, StoreError> {
    let mut row = row.read("deliveries");
    let id = DeliveryId(row.id("id")?);
    let notice_id = NoticeId(row.id("notice_id")?);
    let order = OrderId(row.id("order_id")?);
    let kind = notice::kind(&mut row)?;
    let receiver = Receiver::from_name(&row.text("receiver")?);
    let name = row.text("state")?;
    let created_at = row.time("created_at")?;
    let (due_at, settled_at) = (row.time_opt("due_at")?, row.time_opt("settled_at")?);
    let state = match (name.as_str(), due_at, settled_at) {
        ("waiting", Some(due_at), None) => State::Waiting { due_at },
        ("done", None, Some(at)) => State::Done { at },
        ("given_up", None, Some(at)) => State::GivenUp { at },
        _ => return Err(row.corrupt("state", "it contradicts the columns that belong to it")),
    };
    Ok(Delivery {
        id,
        notice: notice_id,
        order,
        kind,
        receiver,
        state,
        created_at,
        tries: row.count("tries")?,
        last_outcome: row.text_opt("last_outcome")?,
    })
}
