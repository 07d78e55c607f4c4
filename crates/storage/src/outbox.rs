//! Our effects on the outside that follow from an order's state. A row is written in the transaction
//! that changes the state, once for each (order, kind, subject), and a worker carries it out until it
//! is done; it may happen twice, so every effect must bear that.

use domain::id::OrderId;
use jiff::Timestamp;
use uuid::Uuid;

use crate::lease::{Claims, shortened};
use crate::{Lease, Row, StoreError, Tx, Value, statements};

statements! {
    INSERT = "insert into outbox (id, order_id, kind, subject, due_at, tries) \
        values (?1, ?2, ?3, ?4, ?5, 0)";
    DUE = "select id from outbox where due_at <= ?1 \
        and (lease_until is null or lease_until <= ?1) order by due_at, id limit ?2";
    TAKE = "update outbox set lease_token = ?2, lease_until = ?3, tries = tries + 1 where id = ?1 \
        and due_at <= ?4 and (lease_until is null or lease_until <= ?4)";
    TAKEN = "select id, order_id, kind, subject, due_at, tries from outbox where due_at <= ?1 \
        and lease_token = ?2 order by due_at, id limit ?3";
    DONE = "update outbox set done_at = ?2, due_at = null, lease_token = null, \
        lease_until = null where id = ?1 and done_at is null";
    POSTPONE = "update outbox set due_at = ?2, last_error = ?3, lease_token = null, \
        lease_until = null where id = ?1 and done_at is null and due_at <> ?2";
    OPEN = "select id from outbox where order_id = ?1 and kind = ?2 and done_at is null limit 1";
    OPEN_COUNT = "select count(*) as effects from outbox where due_at is not null";
    OVERDUE_COUNT = "select count(*) as effects from outbox where due_at <= ?1";
}

static CLAIMS: Claims = Claims { due: &DUE, take: &TAKE, taken: &TAKEN };

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectKind {
    /// Tell the gateway to cancel the order's payment, which failed for good.
    CancelPayment,
    /// Cancel the order, because somebody wants it so.
    CancelOrder,
    /// Ask the gateway for a refund; the subject is its id.
    MakeRefund,
}

impl EffectKind {
    const ALL: [EffectKind; 3] =
        [EffectKind::CancelPayment, EffectKind::CancelOrder, EffectKind::MakeRefund];

    /// Its name in rows and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EffectKind::CancelPayment => "cancel_payment",
            EffectKind::CancelOrder => "cancel_order",
            EffectKind::MakeRefund => "make_refund",
        }
    }

    /// What it is called in a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            EffectKind::CancelPayment => "Closing the payment at Stripe",
            EffectKind::CancelOrder => "Cancelling the order",
            EffectKind::MakeRefund => "Giving the money back",
        }
    }

    fn from_name(name: &str) -> Result<EffectKind, &'static str> {
        EffectKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or("not an effect we know")
    }
}

/// An effect to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEffect {
    /// Our id.
    pub id: Uuid,
    /// The order whose state calls for it.
    pub order: OrderId,
    /// What is to be done.
    pub kind: EffectKind,
    /// To what; at most 255 characters. The same kind to the same subject of an order is done once.
    pub subject: String,
    /// When.
    pub due_at: Timestamp,
}

/// An effect in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// As it was put.
    pub effect: NewEffect,
    /// How often a worker has taken it.
    pub tries: u32,
}

/// Puts an effect; `false` if the order has called for it before.
pub async fn put(tx: &mut Tx, effect: &NewEffect) -> Result<bool, StoreError> {
    let params = [
        effect.id.into(),
        effect.order.0.into(),
        effect.kind.name().into(),
        Value::from(&effect.subject),
        effect.due_at.into(),
    ];
    tx.insert_new(&INSERT, &params).await
}

/// The effect of this kind that waits to be done for an order, if there is one. Under the order's
/// lock there will be none in the next moment either.
pub async fn open(
    tx: &mut Tx,
    order: OrderId,
    kind: EffectKind,
) -> Result<Option<Uuid>, StoreError> {
    let row = tx.query_opt(&OPEN, &[order.0.into(), kind.name().into()]).await?;
    row.map(|row| row.read("outbox").id("id")).transpose()
}

/// Leases up to `limit` effects that are due, longest due first. Each time counts as a try.
pub async fn claim_due(
    tx: &mut Tx,
    now: Timestamp,
    lease: &Lease,
    limit: u32,
) -> Result<Vec<Effect>, StoreError> {
    let rows = CLAIMS.claim(tx, now, lease, limit).await?;
    rows.into_iter().map(read).collect()
}

/// Marks an effect as done; `false` if it was done before.
pub async fn done(tx: &mut Tx, id: Uuid, at: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(&DONE, &[id.into(), at.into()]).await? == 1)
}

/// Puts an effect off that could not be carried out, and gives its lease back; `false` if it is put
/// off to that time already, or done.
pub async fn postpone(
    tx: &mut Tx,
    id: Uuid,
    due_at: Timestamp,
    error: &str,
) -> Result<bool, StoreError> {
    Ok(tx.exec(&POSTPONE, &[id.into(), due_at.into(), shortened(error).into()]).await? == 1)
}

/// How many effects wait to be done.
pub async fn open_count(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = tx.query_opt(&OPEN_COUNT, &[]).await?;
    row.map_or(Ok(0), |row| row.read("outbox").int("effects"))
}

/// How many effects should have been done by then.
pub async fn overdue_count(tx: &mut Tx, then: Timestamp) -> Result<i64, StoreError> {
    let row = tx.query_opt(&OVERDUE_COUNT, &[then.into()]).await?;
    row.map_or(Ok(0), |row| row.read("outbox").int("effects"))
}

fn read(row: Row) -> Result<Effect, StoreError> {
    let mut row = row.read("outbox");
    let effect = NewEffect {
        id: row.id("id")?,
        order: OrderId(row.id("order_id")?),
        kind: row.parsed("kind", EffectKind::from_name)?,
        subject: row.text("subject")?,
        due_at: row.time("due_at")?,
    };
    Ok(Effect { effect, tries: row.count("tries")? })
}
