//! What the shield counts: rows, so that all nodes count together and a restart forgets nothing. No
//! address and no card is in them, only marks, and [`forget`] throws away what no longer matters.

use domain::id::OrderId;
use domain::shield::{Asker, Breaker, HOUR, Level, Mark, Tally, Tries, WATCHED};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Columns, Row, Sql, StoreError, Tx, Value, statements};

statements! {
    TALLIES = "select mark, orders_empty_at, declines_empty_at from shield_marks \
        where mark in (?1, ?2, ?3, ?4) order by mark for update";
    INSERT_TALLY = "insert into shield_marks (mark, orders_empty_at, declines_empty_at, \
        forget_at) values (?1, ?2, ?3, ?4)";
    SAVE_TALLY = "update shield_marks set orders_empty_at = ?2, declines_empty_at = ?3, \
        forget_at = ?4 where mark = ?1";
    INSERT_ORDER = "insert into shield_orders (order_id, visitor, network, email, pieces, \
        proven) values (?1, ?2, ?3, ?4, ?5, ?6)";
    ORDER = "select order_id, visitor, network, email, pieces, proven from shield_orders \
        where order_id = ?1";
    ORDERS_OF = "select order_id, visitor, network, email, pieces, proven from shield_orders \
        where (network = ?1 or email = ?2) and forget_at is null limit ?3";
    RELEASE_ORDER = "update shield_orders set forget_at = ?2 \
        where order_id = ?1 and forget_at is null";
    INSERT_TRIES = "insert into shield_tries (minute, slot, succeeded, declined) \
        values (?1, ?2, ?3, ?4)";
    ADD_TRIES = "update shield_tries set succeeded = succeeded + ?3, declined = declined + ?4 \
        where minute = ?1 and slot = ?2";
    TRIES = "select minute, succeeded, declined from shield_tries \
        where minute >= ?1 and minute <= ?2 limit 1000";
    BREAKER = "select id, opened_at, open_until from shield_breaker where id = 1";
    INSERT_BREAKER = "insert into shield_breaker (id, opened_at, open_until) values (1, ?1, ?2)";
    OPEN_BREAKER = "update shield_breaker set opened_at = ?1, open_until = ?2 \
        where id = 1 and (open_until <= ?1 or open_until > ?3)";
    HOLD_BREAKER = "update shield_breaker set open_until = ?2 \
        where id = 1 and opened_at = ?1 and open_until < ?2";
    INSERT_PROOF = "insert into shield_proofs (id, order_id, forget_at) values (?1, ?2, ?3)";
    PROOF = "select id, order_id from shield_proofs where id = ?1";
    OLD_MARKS = "select mark from shield_marks where forget_at <= ?1 order by forget_at limit ?2";
    DELETE_MARK = "delete from shield_marks where mark = ?1 and forget_at <= ?2";
    OLD_ORDERS = "select order_id from shield_orders where forget_at <= ?1 \
        order by forget_at limit ?2";
    DELETE_ORDER = "delete from shield_orders where order_id = ?1 and forget_at <= ?2";
    OLD_PROOFS = "select id from shield_proofs where forget_at <= ?1 order by forget_at limit ?2";
    DELETE_PROOF = "delete from shield_proofs where id = ?1 and forget_at <= ?2";
    OLD_TRIES = "select minute, slot from shield_tries where minute < ?1 \
        order by minute, slot limit ?2";
    DELETE_TRIES = "delete from shield_tries where minute = ?1 and slot = ?2";
}

/// One order has at most so many marks: visitor, network, e-mail address, card.
const MARKS_MAX: usize = 4;

/// What is counted under some marks; they stay locked, so that nobody counts in between.
#[derive(Debug, Clone)]
pub struct Tallies(Vec<(Mark, Tally)>);

impl Tallies {
    /// What is counted under a mark.
    #[must_use]
    pub fn of(&self, mark: Mark) -> Tally {
        let known = self.0.iter().find(|(known, _)| *known == mark);
        known.map_or(Tally::NONE, |(_, tally)| *tally)
    }
}

/// Reads and locks what is counted under up to four marks.
pub async fn tallies(tx: &mut Tx, marks: &[Mark]) -> Result<Tallies, StoreError> {
    let (Some(first), true) = (marks.first(), marks.len() <= MARKS_MAX) else {
        return Err(StoreError::Misuse(format!("{} marks", marks.len())));
    };
    let params: Vec<Value> =
        (0..MARKS_MAX).map(|place| marks.get(place).unwrap_or(first).into()).collect();
    let rows = tx.query(&TALLIES, &params).await?;
    let known = rows.into_iter().map(|row| {
        let mut row = row.read("shield_marks");
        let orders = Level { empty_at: row.time("orders_empty_at")? };
        let declines = Level { empty_at: row.time("declines_empty_at")? };
        Ok((mark(&mut row, "mark")?, Tally { orders, declines }))
    });
    known.collect::<Result<_, StoreError>>().map(Tallies)
}

/// Writes what is now counted under a mark. `known`: as it was read and locked.
pub async fn save_tally(
    tx: &mut Tx,
    known: &Tallies,
    (mark, tally): (Mark, Tally),
    now: Timestamp,
) -> Result<(), StoreError> {
    let params = [
        (&mark).into(),
        tally.orders.empty_at.into(),
        tally.declines.empty_at.into(),
        forget_at(now).into(),
    ];
    let is_known = known.0.iter().any(|(known, _)| *known == mark);
    if !is_known && tx.insert_new(&INSERT_TALLY, &params).await? {
        return Ok(());
    }
    // Where somebody made the row in between, one of the two is not counted.
    tx.exec(&SAVE_TALLY, &params).await.map(drop)
}

/// A level is empty after an hour; one more, for servers whose clocks differ.
fn forget_at(now: Timestamp) -> Timestamp {
    now.checked_add(HOUR + HOUR).unwrap_or(Timestamp::MAX)
}

/// Under which marks an order was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watched {
    /// The order.
    pub order: OrderId,
    /// Whose it is.
    pub asker: Asker,
    /// How many pieces it holds.
    pub pieces: u32,
    /// Whether a challenge was solved for it.
    pub proven: bool,
}

/// Remembers a new order.
pub async fn insert_order(tx: &mut Tx, watched: &Watched) -> Result<(), StoreError> {
    let Asker { visitor, network, email } = &watched.asker;
    let params = [
        watched.order.0.into(),
        visitor.into(),
        network.as_ref().map_or(Value::Null, Value::from),
        email.into(),
        watched.pieces.into(),
        watched.proven.into(),
    ];
    tx.exec(&INSERT_ORDER, &params).await.map(drop)
}

/// Under which marks an order was made, until some time after its end.
pub async fn order(tx: &mut Tx, id: OrderId) -> Result<Option<Watched>, StoreError> {
    tx.query_opt(&ORDER, &[id.0.into()]).await?.map(watched).transpose()
}

/// Unpaid orders of a network or an e-mail address, up to `limit`.
pub async fn orders_of(tx: &mut Tx, asker: &Asker, limit: u32) -> Result<Vec<Watched>, StoreError> {
    let network = asker.network.as_ref().map_or(Value::Null, Value::from);
    let rows = tx.query(&ORDERS_OF, &[network, (&asker.email).into(), limit.into()]).await?;
    rows.into_iter().map(watched).collect()
}

/// An order is no longer pending: it holds nothing, but may still be heard of. A tester who gives an
/// order up right after a decline is to be known by it all the same.
pub async fn release_order(tx: &mut Tx, id: OrderId, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(&RELEASE_ORDER, &[id.0.into(), forget_at(now).into()]).await.map(drop)
}

/// Counts tries. `by` spreads those who count in the same minute over rows.
pub async fn add_tries(
    tx: &mut Tx,
    tries: Tries,
    by: OrderId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let [.., last] = *by.0.as_bytes();
    let params = [
        minute(now).into(),
        u32::from(last % SLOTS).into(),
        tries.succeeded.into(),
        tries.declined.into(),
    ];
    // Whoever is not the first of the minute need not try to be.
    let added = tx.exec(&ADD_TRIES, &params).await? == 1;
    if !added && !tx.insert_new(&INSERT_TRIES, &params).await? {
        tx.exec(&ADD_TRIES, &params).await?;
    }
    Ok(())
}

/// So many rows for each minute: eight who pay at the same moment seldom meet.
const SLOTS: u8 = 8;

/// The tries of the time watched.
pub async fn tries(tx: &mut Tx, now: Timestamp) -> Result<Tries, StoreError> {
    let from = now.checked_sub(WATCHED).unwrap_or(Timestamp::MIN);
    let rows = tx.query(&TRIES, &[minute(from).into(), minute(now).into()]).await?;
    let mut all = Tries::default();
    for row in rows {
        let mut row = row.read("shield_tries");
        all.succeeded = all.succeeded.saturating_add(row.count("succeeded")?);
        all.declined = all.declined.saturating_add(row.count("declined")?);
    }
    Ok(all)
}

fn minute(at: Timestamp) -> i64 {
    at.as_second().div_euclid(60)
}

/// The breaker as it was last moved; none if it has never opened.
pub async fn breaker(tx: &mut Tx) -> Result<Option<Breaker>, StoreError> {
    let row = tx.query_opt(&BREAKER, &[]).await?;
    let breaker = row.map(|row| {
        let mut row = row.read("shield_breaker");
        Ok(Breaker { opened_at: row.time("opened_at")?, open_until: row.time("open_until")? })
    });
    breaker.transpose()
}

/// Opens the breaker; `false` if somebody else was faster.
pub async fn open_breaker(tx: &mut Tx, breaker: Breaker) -> Result<bool, StoreError> {
    let params = [breaker.opened_at.into(), breaker.open_until.into(), breaker.latest().into()];
    if tx.exec(&OPEN_BREAKER, &params).await? == 1 {
        return Ok(true);
    }
    tx.insert_new(&INSERT_BREAKER, &params[..2]).await
}

/// Holds the breaker open for longer.
pub async fn hold_breaker(tx: &mut Tx, breaker: Breaker) -> Result<(), StoreError> {
    let params = [breaker.opened_at.into(), breaker.open_until.into()];
    tx.exec(&HOLD_BREAKER, &params).await.map(drop)
}

/// Uses a proof up for an order; `false` if it was used for another.
pub async fn use_proof(
    tx: &mut Tx,
    id: Uuid,
    order: OrderId,
    forget_at: Timestamp,
) -> Result<bool, StoreError> {
    if tx.insert_new(&INSERT_PROOF, &[id.into(), order.0.into(), forget_at.into()]).await? {
        return Ok(true);
    }
    let row = tx.query_opt(&PROOF, &[id.into()]).await?;
    let used_for = row.map(|row| row.read("shield_proofs").id("order_id")).transpose()?;
    Ok(used_for == Some(order.0))
}

/// What no longer matters, by its keys.
#[derive(Debug, Clone, Default)]
pub struct Old {
    marks: Vec<Mark>,
    orders: Vec<Uuid>,
    proofs: Vec<Uuid>,
    tries: Vec<(i64, i64)>,
}

impl Old {
    /// How many rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.marks.len() + self.orders.len() + self.proofs.len() + self.tries.len()
    }
}

/// Up to `limit` rows of each kind that no longer matter.
pub async fn old(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Old, StoreError> {
    let mut old = Old::default();
    for row in tx.query(&OLD_MARKS, &[now.into(), limit.into()]).await? {
        old.marks.push(mark(&mut row.read("shield_marks"), "mark")?);
    }
    for row in tx.query(&OLD_ORDERS, &[now.into(), limit.into()]).await? {
        old.orders.push(row.read("shield_orders").id("order_id")?);
    }
    for row in tx.query(&OLD_PROOFS, &[now.into(), limit.into()]).await? {
        old.proofs.push(row.read("shield_proofs").id("id")?);
    }
    let before = now.checked_sub(WATCHED + WATCHED).unwrap_or(Timestamp::MIN);
    for row in tx.query(&OLD_TRIES, &[minute(before).into(), limit.into()]).await? {
        let mut row = row.read("shield_tries");
        old.tries.push((row.int("minute")?, row.int("slot")?));
    }
    Ok(old)
}

/// Throws it away, unless it has come to matter again.
pub async fn forget(tx: &mut Tx, old: &Old, now: Timestamp) -> Result<(), StoreError> {
    let marks = old.marks.iter().map(|mark| (&DELETE_MARK, vec![mark.into(), now.into()]));
    let orders = old.orders.iter().map(|id| (&DELETE_ORDER, vec![(*id).into(), now.into()]));
    let proofs = old.proofs.iter().map(|id| (&DELETE_PROOF, vec![(*id).into(), now.into()]));
    let tries = old
        .tries
        .iter()
        .map(|(minute, slot)| (&DELETE_TRIES, vec![Value::from(*minute), Value::from(*slot)]));
    let all: Vec<(&'static Sql, Vec<Value>)> =
        marks.chain(orders).chain(proofs).chain(tries).collect();
    tx.execs(&all).await.map(drop)
}

impl From<&Mark> for Value {
    fn from(mark: &Mark) -> Value {
        Value::Bytes(mark.0.to_vec())
    }
}

fn mark_opt(row: &mut Columns, column: &'static str) -> Result<Option<Mark>, StoreError> {
    let bytes = row.bytes_opt(column)?.map(<[u8; 32]>::try_from).transpose();
    bytes.map(|bytes| bytes.map(Mark)).map_err(|_| row.corrupt(column, "not 32 bytes"))
}

fn mark(row: &mut Columns, column: &'static str) -> Result<Mark, StoreError> {
    mark_opt(row, column)?.ok_or_else(|| row.corrupt(column, "missing"))
}

fn watched(row: Row) -> Result<Watched, StoreError> {
    let mut row = row.read("shield_orders");
    let asker = Asker {
        visitor: mark(&mut row, "visitor")?,
        network: mark_opt(&mut row, "network")?,
        email: mark(&mut row, "email")?,
    };
    Ok(Watched {
        order: OrderId(row.id("order_id")?),
        asker,
        pieces: row.count("pieces")?,
        proven: row.truth("proven")?,
    })
}
