//! Payments and the requests made for them. A request is written down before it is sent; a payment
//! that may still move money occupies its cart (`live_cart_id`, unique), so that there is never a
//! second one beside it, whatever asked for it.

use std::fmt;

use domain::event::{Decline, EventId, GatewayReference, Receipt};
use domain::id::{CartId, OrderId, PaymentId};
use domain::money::{Currency, Money};
use domain::payment::{Attempt, FailureReason, IdempotencyKey, Payment, PaymentState};
use jiff::Timestamp;

use crate::lease::Claims;
use crate::lines::{joined, split};
use crate::{Columns, Lease, Row, Sql, StoreError, Tx, Value, statements};

macro_rules! columns {
    () => {
        "id, order_id, cart_id, amount_minor, currency, livemode, gateway_reference, client_secret, \
         state, declined, decline_attempt, decline_code, decline_message, failure_reason, \
         receipt_event, receipt_minor, receipt_currency, receipt_at, due_at, held_until, updated_at"
    };
}

macro_rules! save {
    ($live:literal) => {
        concat!(
            "update payments set ", $live, "gateway_reference = ?2, declined = ?3, state = ?4, \
             decline_attempt = ?5, decline_code = ?6, decline_message = ?7, failure_reason = ?8, \
             receipt_event = ?9, receipt_minor = ?10, receipt_currency = ?11, receipt_at = ?12, \
             updated_at = ?13 where id = ?1"
        )
    };
}

statements! {
    BY_ID = concat!("select ", columns!(), " from payments where id = ?1");
    OF_ORDER = concat!("select ", columns!(), " from payments where order_id = ?1");
    BY_REFERENCE = concat!("select ", columns!(), " from payments where gateway_reference = ?1");
    LIVE_OF_CART = concat!("select ", columns!(), " from payments where live_cart_id = ?1");
    MADE = "select id, order_id, gateway_reference, livemode, created_at from payments \
        where created_at >= ?1 and created_at < ?2 and (created_at > ?1 or id > ?3) \
        order by created_at, id limit ?4";
    OVERDUE_COUNT = "select count(*) as payments from payments where due_at <= ?1";
    OLDEST_LIVE = "select min(created_at) as oldest from payments where live_cart_id is not null";
    INSERT = "insert into payments (id, order_id, cart_id, live_cart_id, amount_minor, currency, \
        livemode, gateway_reference, declined, state, decline_attempt, decline_code, \
        decline_message, failure_reason, receipt_event, receipt_minor, receipt_currency, \
        receipt_at, due_at, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
        ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?20)";
    SAVE_LIVE = save!("");
    SAVE_OVER = save!("live_cart_id = null, ");
    SAVE_CLIENT_SECRET = "update payments set client_secret = ?2 where id = ?1";
    SCHEDULE = "update payments set due_at = ?2, lease_token = null, lease_until = null \
        where id = ?1";
    HOLD = "update payments set held_until = ?2 where id = ?1";
    DUE = "select id from payments where due_at <= ?1 \
        and (lease_until is null or lease_until <= ?1) order by due_at, id limit ?2";
    TAKE = "update payments set lease_token = ?2, lease_until = ?3 where id = ?1 \
        and due_at <= ?4 and (lease_until is null or lease_until <= ?4)";
    TAKEN = "select id, order_id from payments where due_at <= ?1 and lease_token = ?2 \
        order by due_at, id limit ?3";
    ATTEMPTS = "select payment_id, number, idempotency_key, request, created_at \
        from payment_attempts where payment_id = ?1 order by number";
    INSERT_ATTEMPT = "insert into payment_attempts (payment_id, number, idempotency_key, request, \
        created_at) values (?1, ?2, ?3, ?4, ?5)";
    RECORD_ANSWER = "update payment_attempts set outcome = ?3, answer = ?4, answered_at = ?5 \
        where payment_id = ?1 and number = ?2";
}

static CLAIMS: Claims = Claims { due: &DUE, take: &TAKE, taken: &TAKEN };

/// A payment with what the store adds to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The payment.
    pub payment: Payment,
    /// The cart its order was made from.
    pub cart: CartId,
    /// What the browser needs to pay; asked for again when the page is loaded again. Not a secret
    /// of the shop, but of the shopper, so it stays out of logs.
    pub client_secret: Option<String>,
    /// When the worker must look at it again; nothing when it is over.
    pub due_at: Option<Timestamp>,
    /// Until then another order is taking its order's place, and its cancellation is left to that.
    pub held_until: Option<Timestamp>,
    /// When news last moved it.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("payment", &self.payment)
            .field("cart", &self.cart)
            .field("client_secret", &self.client_secret.as_ref().map(|_| "…"))
            .field("due_at", &self.due_at)
            .finish()
    }
}

/// A payment in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The payment.
    pub id: PaymentId,
    /// What it pays for.
    pub order: OrderId,
    /// Its name at the gateway, once we know it.
    pub reference: Option<GatewayReference>,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When it was written down.
    pub created_at: Timestamp,
}

/// What became of a new payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored, with its first attempt.
    New,
    /// It was stored before, by an earlier run of the same operation.
    AlreadyMine,
    /// The cart has another payment that may still move money. Nothing was stored.
    CartHasAnother,
}

/// Stores a new payment with its first attempt, to be looked at by the worker at `due_at`.
pub async fn insert(
    tx: &mut Tx,
    payment: &Payment,
    cart: CartId,
    attempt: &Attempt,
    due_at: Timestamp,
) -> Result<Inserted, StoreError> {
    let mut params: Vec<Value> = vec![
        payment.id.0.into(),
        payment.order.0.into(),
        cart.0.into(),
        payment.is_live().then_some(cart.0).into(),
        payment.amount.minor().into(),
        payment.amount.currency().code().into(),
        payment.livemode.into(),
    ];
    params.extend(state_params(payment));
    params.extend([due_at.into(), attempt.created_at.into()]);
    if tx.insert_new(&INSERT, &params).await? {
        insert_attempt(tx, attempt).await?;
        return Ok(Inserted::New);
    }
    if by_id(tx, payment.id).await?.is_some() {
        return Ok(Inserted::AlreadyMine);
    }
    if live_of_cart(tx, cart).await?.is_some() {
        return Ok(Inserted::CartHasAnother);
    }
    // The order has another payment, or the gateway's reference is another's: a bug of the caller.
    Err(StoreError::Duplicate { constraint: "payments_order_id".to_owned() })
}

/// Writes down a further request for a payment; `false` if its number or key is there already.
pub async fn insert_attempt(tx: &mut Tx, attempt: &Attempt) -> Result<bool, StoreError> {
    let params = [
        attempt.payment.0.into(),
        attempt.number.into(),
        attempt.key.as_str().into(),
        Value::from(&attempt.request),
        attempt.created_at.into(),
    ];
    tx.insert_new(&INSERT_ATTEMPT, &params).await
}

/// A payment by its id.
pub async fn by_id(tx: &mut Tx, id: PaymentId) -> Result<Option<Stored>, StoreError> {
    one(tx, &BY_ID, id.0.into()).await
}

/// The payment of an order.
pub async fn of_order(tx: &mut Tx, order: OrderId) -> Result<Option<Stored>, StoreError> {
    one(tx, &OF_ORDER, order.0.into()).await
}

/// The payment that the gateway knows by this name.
pub async fn by_reference(
    tx: &mut Tx,
    reference: &GatewayReference,
) -> Result<Option<Stored>, StoreError> {
    one(tx, &BY_REFERENCE, reference.as_str().into()).await
}

/// The payment of this cart that may still move money.
pub async fn live_of_cart(tx: &mut Tx, cart: CartId) -> Result<Option<Stored>, StoreError> {
    one(tx, &LIVE_OF_CART, cart.0.into()).await
}

/// Payments that were made from `from` on and before `to`, oldest first. The next page starts at the
/// last one's time and behind its id; the first one behind the nil id.
pub async fn made(
    tx: &mut Tx,
    (from, behind): (Timestamp, PaymentId),
    to: Timestamp,
    limit: u32,
) -> Result<Vec<Made>, StoreError> {
    let params = [from.into(), to.into(), behind.0.into(), limit.into()];
    let rows = tx.query(&MADE, &params).await?;
    let made = rows.into_iter().map(|row| {
        let mut row = row.read("payments");
        let id = PaymentId(row.id("id")?);
        let order = OrderId(row.id("order_id")?);
        let reference = row.text_opt("gateway_reference")?.map(GatewayReference::new).transpose();
        let reference = reference.map_err(|error| row.corrupt("gateway_reference", &error))?;
        let (livemode, created_at) = (row.truth("livemode")?, row.time("created_at")?);
        Ok(Made { id, order, reference, livemode, created_at })
    });
    made.collect()
}

/// How many payments should have been looked at by then.
pub async fn overdue_count(tx: &mut Tx, then: Timestamp) -> Result<i64, StoreError> {
    let row = tx.query_opt(&OVERDUE_COUNT, &[then.into()]).await?;
    row.map_or(Ok(0), |row| row.read("payments").int("payments"))
}

/// When the oldest payment was made that may still move money.
pub async fn oldest_live(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let row = tx.query_opt(&OLDEST_LIVE, &[]).await?;
    row.map_or(Ok(None), |row| row.read("payments").time_opt("oldest"))
}

/// Writes where a payment stands. When it is over, its cart is free for another. The caller holds
/// the lock on its order.
pub async fn save(tx: &mut Tx, payment: &Payment, at: Timestamp) -> Result<(), StoreError> {
    let mut params: Vec<Value> = vec![payment.id.0.into()];
    params.extend(state_params(payment));
    params.push(at.into());
    let sql = if payment.is_live() { &SAVE_LIVE } else { &SAVE_OVER };
    let matched = tx.exec(sql, &params).await?;
    found(matched, payment.id)
}

/// Keeps what the browser needs to pay.
pub async fn save_client_secret(
    tx: &mut Tx,
    id: PaymentId,
    client_secret: &str,
) -> Result<(), StoreError> {
    let matched = tx.exec(&SAVE_CLIENT_SECRET, &[id.0.into(), client_secret.into()]).await?;
    found(matched, id)
}

/// Says when the worker must look at the payment again, if ever, and gives its lease back.
pub async fn schedule(
    tx: &mut Tx,
    id: PaymentId,
    due_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let matched = tx.exec(&SCHEDULE, &[id.0.into(), due_at.into()]).await?;
    found(matched, id)
}

/// Says until when another order is taking its order's place.
pub async fn hold(tx: &mut Tx, id: PaymentId, until: Option<Timestamp>) -> Result<(), StoreError> {
    let matched = tx.exec(&HOLD, &[id.0.into(), until.into()]).await?;
    found(matched, id)
}

/// Leases up to `limit` payments that are due, longest due first, and names their orders.
pub async fn claim_due(
    tx: &mut Tx,
    now: Timestamp,
    lease: &Lease,
    limit: u32,
) -> Result<Vec<OrderId>, StoreError> {
    let rows = CLAIMS.claim(tx, now, lease, limit).await?;
    rows.into_iter().map(|row| row.read("payments").id("order_id").map(OrderId)).collect()
}

/// The requests for a payment, first one first.
pub async fn attempts(tx: &mut Tx, payment: PaymentId) -> Result<Vec<Attempt>, StoreError> {
    let rows = tx.query(&ATTEMPTS, &[payment.0.into()]).await?;
    let attempts = rows.into_iter().map(|row| {
        let mut row = row.read("payment_attempts");
        Ok(Attempt {
            payment: PaymentId(row.id("payment_id")?),
            number: row.count("number")?,
            key: IdempotencyKey::restore(row.text("idempotency_key")?),
            request: row.text("request")?,
            created_at: row.time("created_at")?,
        })
    });
    attempts.collect()
}

/// Keeps what came back for a request: our word for it, and the gateway's own.
pub async fn record_answer(
    tx: &mut Tx,
    payment: PaymentId,
    number: u32,
    (outcome, answer): (&str, &str),
    at: Timestamp,
) -> Result<(), StoreError> {
    let params = [payment.0.into(), number.into(), outcome.into(), answer.into(), at.into()];
    let matched = tx.exec(&RECORD_ANSWER, &params).await?;
    found(matched, payment)
}

fn found(matched: u64, id: PaymentId) -> Result<(), StoreError> {
    match matched {
        1 => Ok(()),
        _ => Err(StoreError::Misuse(format!("payment {id}, or its attempt, is not stored"))),
    }
}

/// From `gateway_reference` to `receipt_at`, as both `INSERT` and `SAVE` have them.
fn state_params(payment: &Payment) -> [Value; 11] {
    use PaymentState as S;
    let (decline, reason, receipt) = match payment.state() {
        S::Created | S::Unknown | S::Open | S::RequiresAction | S::Processing | S::Answered => {
            (None, None, None)
        }
        S::Declined { decline } => (Some(decline), None, None),
        S::Closing { reason } | S::Failed { reason } => (None, Some(*reason), None),
        S::Succeeded { receipt } => (None, None, Some(receipt)),
        S::Cancelled => (None, None, None),
    };
    let received = receipt.map(Receipt::received);
    [
        payment.reference().map(GatewayReference::as_str).into(),
        joined(payment.declined()).into(),
        payment.state().name().into(),
        decline.map(|decline| decline.attempt.as_str()).into(),
        decline.map(|decline| decline.code.as_str()).into(),
        decline.map(|decline| decline.message.as_str()).into(),
        reason.map(FailureReason::name).into(),
        receipt.map(|receipt| receipt.event().as_str()).into(),
        received.map(Money::minor).into(),
        received.map(|received| received.currency().code()).into(),
        receipt.map(Receipt::at).into(),
    ]
}

async fn one(tx: &mut Tx, sql: &'static Sql, key: Value) -> Result<Option<Stored>, StoreError> {
    tx.query_opt(sql, &[key]).await?.map(read).transpose()
}

fn read(row: Row) -> Result<Stored, StoreError> {
    let mut row = row.read("payments");
    let id = PaymentId(row.id("id")?);
    let order = OrderId(row.id("order_id")?);
    let cart = CartId(row.id("cart_id")?);
    let amount = money(&mut row, "amount_minor", "currency")?;
    let amount = amount.ok_or_else(|| row.corrupt("amount_minor", "missing"))?;
    let livemode = row.truth("livemode")?;
    let reference = row.text_opt("gateway_reference")?.map(GatewayReference::new).transpose();
    let reference = reference.map_err(|error| row.corrupt("gateway_reference", &error))?;
    let client_secret = row.text_opt("client_secret")?;
    let name = row.text("state")?;
    let declined = split(&row.text("declined")?);
    let state = state(&mut row, &name)?;
    let due_at = row.time_opt("due_at")?;
    let held_until = row.time_opt("held_until")?;
    let updated_at = row.time("updated_at")?;
    let fresh = Payment::new(id, order, amount, livemode);
    let payment = Payment::restore(&fresh, reference, declined, state);
    let payment = payment.map_err(|error| row.corrupt("gateway_reference", &error))?;
    Ok(Stored { payment, cart, client_secret, due_at, held_until, updated_at })
}

fn state(row: &mut Columns, name: &str) -> Result<PaymentState, StoreError> {
    use PaymentState as S;
    let decline = match (
        row.text_opt("decline_attempt")?,
        row.text_opt("decline_code")?,
        row.text_opt("decline_message")?,
    ) {
        (Some(attempt), Some(code), Some(message)) => Some(Decline { attempt, code, message }),
        (None, None, None) => None,
        _ => return Err(row.corrupt("decline_attempt", "half a decline")),
    };
    let reason = match row.text_opt("failure_reason")?.as_deref() {
        None => None,
        Some("asynchronous") => Some(FailureReason::Asynchronous),
        Some("too_many_declines") => Some(FailureReason::TooManyDeclines),
        Some(_) => return Err(row.corrupt("failure_reason", "not a reason")),
    };
    let receipt = receipt(row)?;
    match (name, decline, reason, receipt) {
        ("created", None, None, None) => Ok(S::Created),
        ("unknown", None, None, None) => Ok(S::Unknown),
        ("open", None, None, None) => Ok(S::Open),
        ("declined", Some(decline), None, None) => Ok(S::Declined { decline }),
        ("requires_action", None, None, None) => Ok(S::RequiresAction),
        ("processing", None, None, None) => Ok(S::Processing),
        ("answered", None, None, None) => Ok(S::Answered),
        ("closing", None, Some(reason), None) => Ok(S::Closing { reason }),
        ("succeeded", None, None, Some(receipt)) => Ok(S::Succeeded { receipt }),
        ("failed", None, Some(reason), None) => Ok(S::Failed { reason }),
        ("cancelled", None, None, None) => Ok(S::Cancelled),
        _ => Err(row.corrupt("state", "it contradicts the columns that belong to it")),
    }
}

fn receipt(row: &mut Columns) -> Result<Option<Receipt>, StoreError> {
    let event = row.text_opt("receipt_event")?;
    let received = money(row, "receipt_minor", "receipt_currency")?;
    let at = row.time_opt("receipt_at")?;
    match (event, received, at) {
        (Some(event), Some(received), Some(at)) => {
            let event = EventId::new(event).map_err(|e| row.corrupt("receipt_event", &e))?;
            Ok(Some(Receipt::restore(event, received, at)))
        }
        (None, None, None) => Ok(None),
        _ => Err(row.corrupt("receipt_event", "half a receipt")),
    }
}

fn money(
    row: &mut Columns,
    minor_column: &'static str,
    currency_column: &'static str,
) -> Result<Option<Money>, StoreError> {
    let minor = row.int_opt(minor_column)?;
    let currency = row.text_opt(currency_column)?;
    match (minor, currency) {
        (Some(minor), Some(currency)) => {
            let currency = currency.parse::<Currency>();
            let currency = currency.map_err(|error| row.corrupt(currency_column, &error))?;
            let money = Money::new(minor, currency);
            money.map(Some).map_err(|error| row.corrupt(minor_column, &error))
        }
        (None, None) => Ok(None),
        _ => Err(row.corrupt(minor_column, "an amount without a currency")),
    }
}
