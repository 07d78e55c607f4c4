//! Events from outside. An event is stored before it is answered for and applied from here, so that
//! it counts once however often it is delivered: its id is the primary key, byte by byte.

use domain::event::{EventId, GatewayReference};
use jiff::Timestamp;

use crate::lease::{Claims, shortened};
use crate::{Lease, Row, StoreError, Tx, Value, statements};

macro_rules! columns {
    () => {
        "id, kind, object, livemode, payload, source, turn, received_at, applied_at, outcome, tries"
    };
}

statements! {
    LOAD = concat!("select ", columns!(), " from inbox where id = ?1");
    LOCK = concat!("select ", columns!(), " from inbox where id = ?1 for update");
    INSERT = "insert into inbox (id, kind, object, livemode, payload, source, turn, received_at, \
        due_at, tries) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 0)";
    FIRST_DUE = "select id from inbox where turn = 1 and due_at <= ?1 \
        and (lease_until is null or lease_until <= ?1) order by due_at, id limit ?2";
    LATER_DUE = "select id from inbox where turn = 2 and due_at <= ?1 \
        and (lease_until is null or lease_until <= ?1) order by due_at, id limit ?2";
    TAKE = "update inbox set lease_token = ?2, lease_until = ?3, tries = tries + 1 where id = ?1 \
        and due_at <= ?4 and (lease_until is null or lease_until <= ?4)";
    TAKEN = concat!(
        "select ", columns!(), " from inbox where due_at <= ?1 and lease_token = ?2 \
         order by due_at, id limit ?3"
    );
    MARK_APPLIED = "update inbox set applied_at = ?2, outcome = ?3, due_at = null, \
        lease_token = null, lease_until = null where id = ?1 and applied_at is null";
    POSTPONE = "update inbox set due_at = ?2, last_error = ?3, lease_token = null, \
        lease_until = null where id = ?1 and applied_at is null";
    UNAPPLIED_COUNT = "select count(*) as events from inbox where due_at is not null";
    NEWEST_RECEIVED = "select max(received_at) as received_at from inbox";
    NEWEST_FROM = "select id, received_at from inbox where source = ?1 \
        order by received_at desc limit 1";
    OVERDUE_COUNT = "select count(*) as events from inbox where (turn = 1 or turn = 2) \
        and due_at <= ?1";
}

static FIRST: Claims = Claims { due: &FIRST_DUE, take: &TAKE, taken: &TAKEN };
static LATER: Claims = Claims { due: &LATER_DUE, take: &TAKE, taken: &TAKEN };

/// How an event reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The gateway delivered it.
    Webhook,
    /// We fetched it from the gateway's list.
    Poll,
}

/// When an event's turn comes. Those that can be applied as they stand never wait behind those
/// that need a question to somebody who may be slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It can be applied as it stands.
    First,
    /// The gateway must be asked something first.
    Later,
}

/// An event whose signature or origin has been checked.
#[derive(Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The gateway's id of it.
    pub id: EventId,
    /// The gateway's name for what happened; at most 255 characters.
    pub kind: String,
    /// What it is about, by the gateway's id.
    pub object: Option<GatewayReference>,
    /// Whether it is about real money.
    pub livemode: bool,
    /// The event as it was received.
    pub payload: String,
    /// How it reached us.
    pub source: Source,
    /// When its turn comes.
    pub turn: Turn,
    /// When.
    pub received_at: Timestamp,
}

/// An event in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEvent {
    /// As it came.
    pub event: NewEvent,
    /// When it was applied; nothing while it waits.
    pub applied_at: Option<Timestamp>,
    /// What it led to.
    pub outcome: Option<String>,
    /// How often a worker has taken it.
    pub tries: u32,
}

impl std::fmt::Debug for NewEvent {
    /// Without the payload, which holds the shopper's data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewEvent({} {} by {})", self.id, self.kind, self.source.name())
    }
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Source::Webhook => "webhook",
            Source::Poll => "poll",
        }
    }
}

impl Turn {
    fn number(self) -> i64 {
        match self {
            Turn::First => 1,
            Turn::Later => 2,
        }
    }
}

/// Stores an event, due at once; `false` if it is there already.
pub async fn store(tx: &mut Tx, event: &NewEvent) -> Result<bool, StoreError> {
    let params = [
        event.id.as_str().into(),
        Value::from(&event.kind),
        event.object.as_ref().map(GatewayReference::as_str).into(),
        event.livemode.into(),
        Value::from(&event.payload),
        event.source.name().into(),
        event.turn.number().into(),
        event.received_at.into(),
    ];
    tx.insert_new(&INSERT, &params).await
}

/// An event by its id.
pub async fn load(tx: &mut Tx, id: &EventId) -> Result<Option<InboxEvent>, StoreError> {
    tx.query_opt(&LOAD, &[id.as_str().into()]).await?.map(read).transpose()
}

/// An event, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: &EventId) -> Result<Option<InboxEvent>, StoreError> {
    tx.query_opt(&LOCK, &[id.as_str().into()]).await?.map(read).transpose()
}

/// Leases up to `limit` events of a turn that are due, longest due first. Each time counts as a try, so that
/// an event that kills its worker is seen to.
pub async fn claim_due(
    tx: &mut Tx,
    turn: Turn,
    now: Timestamp,
    lease: &Lease,
    limit: u32,
) -> Result<Vec<InboxEvent>, StoreError> {
    let claims = match turn {
        Turn::First => &FIRST,
        Turn::Later => &LATER,
    };
    let rows = claims.claim(tx, now, lease, limit).await?;
    rows.into_iter().map(read).collect()
}

/// Marks an event as applied, in the transaction that applies it; `false` if it was applied before.
pub async fn mark_applied(
    tx: &mut Tx,
    id: &EventId,
    outcome: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let params = [id.as_str().into(), at.into(), shortened(outcome).into()];
    Ok(tx.exec(&MARK_APPLIED, &params).await? == 1)
}

/// Puts an event off that could not be applied, and gives its lease back.
pub async fn postpone(
    tx: &mut Tx,
    id: &EventId,
    due_at: Timestamp,
    error: &str,
) -> Result<(), StoreError> {
    let params = [id.as_str().into(), due_at.into(), shortened(error).into()];
    tx.exec(&POSTPONE, &params).await.map(drop)
}

/// How many events wait to be applied.
pub async fn unapplied_count(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = tx.query_opt(&UNAPPLIED_COUNT, &[]).await?;
    row.map_or(Ok(0), |row| row.read("inbox").int("events"))
}

/// When the last event came in.
pub async fn newest_received(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let row = tx.query_opt(&NEWEST_RECEIVED, &[]).await?;
    row.map_or(Ok(None), |row| row.read("inbox").time_opt("received_at"))
}

/// When the last event came in this way.
pub async fn newest_from(tx: &mut Tx, source: Source) -> Result<Option<Timestamp>, StoreError> {
    let row = tx.query_opt(&NEWEST_FROM, &[source.name().into()]).await?;
    row.map_or(Ok(None), |row| row.read("inbox").time("received_at").map(Some))
}

/// How many events should have been applied by then.
pub async fn overdue_count(tx: &mut Tx, then: Timestamp) -> Result<i64, StoreError> {
    let row = tx.query_opt(&OVERDUE_COUNT, &[then.into()]).await?;
    row.map_or(Ok(0), |row| row.read("inbox").int("events"))
}

fn read(row: Row) -> Result<InboxEvent, StoreError> {
    let mut row = row.read("inbox");
    let id = row.parsed("id", |text| EventId::new(text))?;
    let kind = row.text("kind")?;
    let object = row.text_opt("object")?.map(GatewayReference::new).transpose();
    let object = object.map_err(|error| row.corrupt("object", &error))?;
    let livemode = row.truth("livemode")?;
    let payload = row.text("payload")?;
    let source = row.parsed("source", |text| match text {
        "webhook" => Ok(Source::Webhook),
        "poll" => Ok(Source::Poll),
        _ => Err("neither webhook nor poll"),
    })?;
    let turn = match row.int("turn")? {
        1 => Turn::First,
        2 => Turn::Later,
        _ => return Err(row.corrupt("turn", "neither 1 nor 2")),
    };
    let received_at = row.time("received_at")?;
    let event = NewEvent { id, kind, object, livemode, payload, source, turn, received_at };
    Ok(InboxEvent {
        event,
        applied_at: row.time_opt("applied_at")?,
        outcome: row.text_opt("outcome")?,
        tries: row.count("tries")?,
    })
}
