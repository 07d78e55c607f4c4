//! Refunds, ours and those that somebody made at the gateway. Ours are written down with their
//! request before it is sent. Whoever writes here holds the lock on the order.

use domain::event::GatewayReference;
use domain::id::{OrderId, PaymentId, RefundId};
use domain::money::{Currency, Money};
use domain::payment::{IdempotencyKey, Payment};
use domain::refund::{NotMade, Refund, RefundOrigin, RefundState};
use jiff::Timestamp;

use crate::{Columns, Row, Sql, StoreError, Tx, Value, statements};

macro_rules! columns {
    () => {
        "id, order_id, payment_id, amount_minor, currency, origin, note, gateway_reference, \
         idempotency_key, request, state, failure, created_at"
    };
}

/// Refunds of orders' own payments and of strays, by the same condition.
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "select ",
            columns!(),
            ", null as stray from refunds where ",
            $condition,
            " union all select ",
            columns!(),
            ", stray from stray_refunds where ",
            $condition
        )
    };
}

/// No order has a thousandth of it; a list without an end would be a bug.
const REFUNDS_MAX: u32 = 10_000;

statements! {
    BY_ID = select!("id = ?1");
    BY_REFERENCE = select!("gateway_reference = ?1");
    OF_ORDER = concat!(select!("order_id = ?1"), " order by created_at, id limit ?2");
    ORDER_OF_STRAY = "select order_id from stray_refunds where stray = ?1 limit 1";
    MADE = concat!(
        select!("created_at >= ?1 and created_at < ?2 and (created_at > ?1 or id > ?3)"),
        " order by created_at, id limit ?4"
    );
    INSERT = concat!(
        "insert into refunds (", columns!(), ", automatic_order_id, updated_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?13)"
    );
    INSERT_OF_STRAY = concat!(
        "insert into stray_refunds (", columns!(), ", stray, automatic_stray, updated_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?13)"
    );
    MOVE = "update refunds set state = ?3, failure = ?4, gateway_reference = ?5, \
        updated_at = ?6 where id = ?1 and state = ?2";
    MOVE_OF_STRAY = "update stray_refunds set state = ?3, failure = ?4, gateway_reference = ?5, \
        updated_at = ?6 where id = ?1 and state = ?2";
}

/// The request that makes a refund at the gateway, as it is sent each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Under which key.
    pub key: IdempotencyKey,
    /// The exact encoded request.
    pub body: String,
}

/// A refund with what the store adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The refund.
    pub refund: Refund,
    /// What is sent for it; nothing where somebody else made it.
    pub request: Option<Request>,
    /// When it was written down.
    pub created_at: Timestamp,
}

/// Stores a refund; `false`, and nothing stored, if it is there already: by its id, by the
/// gateway's, or because the order or the stray has an automatic refund of this amount.
pub async fn insert(
    tx: &mut Tx,
    refund: &Refund,
    request: Option<&Request>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (note, automatic) = match &refund.origin {
        RefundOrigin::Operator { note } => (note.as_deref(), false),
        RefundOrigin::Automatic => (None, true),
        RefundOrigin::Elsewhere => (None, false),
    };
    let [state, failure, reference] = state_params(refund);
    let mut params: Vec<Value> = vec![
        refund.id.0.into(),
        refund.order.0.into(),
        refund.payment.0.into(),
        refund.amount.minor().into(),
        refund.amount.currency().code().into(),
        refund.origin.name().into(),
        note.into(),
        reference,
        request.map(|request| request.key.as_str()).into(),
        request.map(|request| request.body.as_str()).into(),
        state,
        failure,
        at.into(),
    ];
    match refund.stray.as_ref().map(GatewayReference::as_str) {
        None => {
            params.push(automatic.then_some(refund.order.0).into());
            tx.insert_new(&INSERT, &params).await
        }
        Some(stray) => {
            params.extend([stray.into(), automatic.then_some(stray).into()]);
            tx.insert_new(&INSERT_OF_STRAY, &params).await
        }
    }
}

/// A refund by our id.
pub async fn by_id(tx: &mut Tx, id: RefundId) -> Result<Option<Stored>, StoreError> {
    one(tx, &BY_ID, id.0.into()).await
}

/// The refund that the gateway knows by this name.
pub async fn by_reference(
    tx: &mut Tx,
    reference: &GatewayReference,
) -> Result<Option<Stored>, StoreError> {
    one(tx, &BY_REFERENCE, reference.as_str().into()).await
}

/// The refunds of an order, oldest first.
pub async fn of_order(tx: &mut Tx, order: OrderId) -> Result<Vec<Stored>, StoreError> {
    let rows = tx.query(&OF_ORDER, &[order.0.into(), REFUNDS_MAX.into()]).await?;
    rows.into_iter().map(read).collect()
}

/// The order that a stray names of which something goes back, or has.
pub async fn order_of_stray(
    tx: &mut Tx,
    stray: &GatewayReference,
) -> Result<Option<OrderId>, StoreError> {
    let row = tx.query_opt(&ORDER_OF_STRAY, &[stray.as_str().into()]).await?;
    row.map(|row| Ok(OrderId(row.read("stray_refunds").id("order_id")?))).transpose()
}

/// Refunds that were written down from `from` on and before `to`, oldest first. The next page starts
/// at the last one's time and behind its id; the first one behind the nil id.
pub async fn made(
    tx: &mut Tx,
    (from, behind): (Timestamp, RefundId),
    to: Timestamp,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let params = [from.into(), to.into(), behind.0.into(), limit.into()];
    tx.query(&MADE, &params).await?.into_iter().map(read).collect()
}

/// Writes where a refund stands, if it still stands where `before` says; else `false`.
pub async fn transition(
    tx: &mut Tx,
    before: &Refund,
    after: &Refund,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let [state, failure, reference] = state_params(after);
    let expected = before.state().name().into();
    let params = [before.id.0.into(), expected, state, failure, reference, at.into()];
    let sql = if before.stray.is_none() { &MOVE } else { &MOVE_OF_STRAY };
    Ok(tx.exec(sql, &params).await? == 1)
}

/// State, failure and gateway reference.
fn state_params(refund: &Refund) -> [Value; 3] {
    use RefundState as S;
    let failure = match refund.state() {
        S::Requested | S::Unknown | S::Pending | S::Succeeded | S::Cancelled => None,
        S::Refused { reason } => Some(reason.name()),
        S::Failed { reason } => Some(reason.as_str()),
    };
    [
        refund.state().name().into(),
        failure.into(),
        refund.reference().map(GatewayReference::as_str).into(),
    ]
}

async fn one(tx: &mut Tx, sql: &'static Sql, key: Value) -> Result<Option<Stored>, StoreError> {
    tx.query_opt(sql, &[key]).await?.map(read).transpose()
}

fn read(row: Row) -> Result<Stored, StoreError> {
    let mut row = row.read("refunds");
    let id = RefundId(row.id("id")?);
    let order = OrderId(row.id("order_id")?);
    let payment = PaymentId(row.id("payment_id")?);
    let currency = row.text("currency")?.parse::<Currency>();
    let currency = currency.map_err(|error| row.corrupt("currency", &error))?;
    let minor = row.int("amount_minor")?;
    let amount = Money::new(minor, currency).map_err(|e| row.corrupt("amount_minor", &e))?;
    let note = row.text_opt("note")?;
    let origin = match row.text("origin")?.as_str() {
        "operator" => RefundOrigin::Operator { note },
        "automatic" => RefundOrigin::Automatic,
        "elsewhere" => RefundOrigin::Elsewhere,
        _ => return Err(row.corrupt("origin", "not an origin")),
    };
    let reference = row.text_opt("gateway_reference")?.map(GatewayReference::new).transpose();
    let reference = reference.map_err(|error| row.corrupt("gateway_reference", &error))?;
    let request = match (row.text_opt("idempotency_key")?, row.text_opt("request")?) {
        (Some(key), Some(body)) => Some(Request { key: IdempotencyKey::restore(key), body }),
        (None, None) => None,
        _ => return Err(row.corrupt("request", "half a request")),
    };
    let name = row.text("state")?;
    let state = state(&mut row, &name)?;
    let created_at = row.time("created_at")?;
    let stray = row.text_opt("stray")?.map(GatewayReference::new).transpose();
    let stray = stray.map_err(|error| row.corrupt("stray", &error))?;
    // The demand does not matter here: a refund is made from it only by its ids.
    let fresh = Refund::new(id, &Payment::new(payment, order, amount, false), amount, origin);
    let fresh = match stray {
        Some(stray) => fresh.of_stray(stray),
        None => fresh,
    };
    let refund = Refund::restore(fresh, reference, state);
    let refund = refund.map_err(|error| row.corrupt("gateway_reference", &error))?;
    Ok(Stored { refund, request, created_at })
}

fn state(row: &mut Columns, name: &str) -> Result<RefundState, StoreError> {
    use RefundState as S;
    match (name, row.text_opt("failure")?) {
        ("requested", None) => Ok(S::Requested),
        ("unknown", None) => Ok(S::Unknown),
        ("refused", Some(word)) => {
            let reason = NotMade::ALL.into_iter().find(|reason| reason.name() == word);
            let reason = reason.ok_or_else(|| row.corrupt("failure", "not a reason"))?;
            Ok(S::Refused { reason })
        }
        ("pending", None) => Ok(S::Pending),
        ("succeeded", None) => Ok(S::Succeeded),
        ("failed", Some(reason)) => Ok(S::Failed { reason }),
        ("cancelled", None) => Ok(S::Cancelled),
        _ => Err(row.corrupt("state", "it contradicts the columns that belong to it")),
    }
}
