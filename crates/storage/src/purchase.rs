//! Purchases at the platform. One is moved only from where it was seen ([`transition`]): of a request,
//! a second click and a worker that hold the same purchase, one puts the next question.

use domain::elastic_path::{EpCartId, EpOrderId, EpPaymentId, EpTransactionId};
use domain::id::{PurchaseId, SessionId, VisitorId};
use domain::money::{Currency, Money};
use domain::purchase::{
    Abandonment, Account, Aim, Asked, Booking, Buyer, CartsEnd, CleanUp, ClientSecret, Matter,
    Means, PayToken, Progress, Purchase, PurchaseState, Reached, Terms,
};
use domain::session::Customer;
use jiff::Timestamp;
use uuid::Uuid;

use crate::lease::Claims;
use crate::session::{address_text, attributes_text, read_address, read_attributes, read_hash};
use crate::{Columns, Lease, Row, Sql, StoreError, Tx, Value, statements};

macro_rules! columns {
    () => {
        "id, visitor_id, session_id, cart, cart_hash, amount_minor, currency, customer_name, \
         customer_email, billing_address, shipping_address, account, account_member, attributes, \
         created_at, aim, is_charged, money_since, orders_asked, since, state, token, client_secret, payment, \
         platform_order, platform_transaction, asked_last, asked_times, asked_lost, detached, \
         dissociated, cart_end, noted, twin_due_at, message, reason, due_at, revision"
    };
}

/// The states in which money may have moved and nobody has an order that is paid.
macro_rules! with_money {
    () => {
        "('charging', 'charged', 'ordering', 'ordered', 'confirming')"
    };
}

statements! {
    BY_ID = concat!("select ", columns!(), " from purchases where id = ?1");
    LOCK = concat!("select ", columns!(), " from purchases where id = ?1 for update");
    LIVE_OF_CART = concat!("select ", columns!(), " from purchases where live_cart = ?1");
    LAST_OF_CART = concat!(
        "select ", columns!(), " from purchases where cart = ?1 order by created_at desc, id desc \
         limit 1"
    );
    BY_PAYMENT = concat!("select ", columns!(), " from purchases where payment = ?1");
    BY_ORDER = concat!("select ", columns!(), " from purchases where platform_order = ?1");
    NEWEST = concat!(
        "select ", columns!(), " from purchases order by created_at desc, id desc limit ?1"
    );
    NEWEST_IN_STATE = concat!(
        "select ", columns!(), " from purchases where state = ?1 \
         order by created_at desc, id desc limit ?2"
    );
    OVERDUE_COUNT = "select count(*) as purchases from purchases where due_at <= ?1";
    INSERT = concat!(
        "insert into purchases (", columns!(), ", live_cart, updated_at) values (?1, ?2, ?3, ?4, \
         ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, \
         ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, 0, ?38, ?15)"
    );
    MOVE = "update purchases set aim = ?3, is_charged = ?4, money_since = ?5, orders_asked = ?6, \
        since = ?7, state = ?8, token = ?9, client_secret = ?10, payment = ?11, \
        platform_order = ?12, platform_transaction = ?13, asked_last = ?14, asked_times = ?15, \
        asked_lost = ?16, detached = ?17, dissociated = ?18, cart_end = ?19, noted = ?20, \
        twin_due_at = ?21, message = ?22, reason = ?23, due_at = ?24, live_cart = ?25, \
        last_change = ?26, updated_at = ?27, revision = revision + 1, lease_token = null, lease_until = null \
        where id = ?1 and revision = ?2";
    LAST_CHANGE = "select id, last_change from purchases where id = ?1";
    DUE_WITH_MONEY = concat!(
        "select ", columns!(), " from purchases where due_at <= ?1 and state in ", with_money!(),
        " order by due_at, id limit ?2"
    );
    DUE = concat!(
        "select id from purchases where due_at <= ?1 \
         and (lease_until is null or lease_until <= ?1) \
         order by case when state in ", with_money!(), " then 0 else 1 end, due_at, id limit ?2"
    );
    TAKE = "update purchases set lease_token = ?2, lease_until = ?3 where id = ?1 \
        and due_at <= ?4 and (lease_until is null or lease_until <= ?4)";
    TAKEN = "select id from purchases where due_at <= ?1 and lease_token = ?2 \
        order by due_at, id limit ?3";
}

static CLAIMS: Claims = Claims { due: &DUE, take: &TAKE, taken: &TAKEN };

/// A purchase with what the store adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The purchase.
    pub purchase: Purchase,
    /// How often it was moved: by this [`transition`] knows that nobody else was faster.
    pub revision: u32,
    /// When the worker must look at it again; nothing when it is over.
    pub due_at: Option<Timestamp>,
}

/// What became of a new purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored, and the cart is taken.
    New,
    /// It was stored before, by an earlier run of the same operation.
    AlreadyMine,
    /// The cart has another purchase that is live. Nothing was stored.
    CartHasAnother,
}

/// Stores a new purchase, which takes its cart.
pub async fn insert(tx: &mut Tx, purchase: &Purchase) -> Result<Inserted, StoreError> {
    let terms = &purchase.terms;
    let account = terms.buyer.account.as_ref();
    let mut params: Vec<Value> = vec![
        terms.id.0.into(),
        terms.visitor.0.into(),
        terms.session.0.into(),
        terms.cart.as_str().into(),
        terms.cart_hash.0.as_slice().into(),
        terms.amount.minor().into(),
        terms.amount.currency().code().into(),
        terms.buyer.customer.name().into(),
        terms.buyer.customer.email().into(),
        address_text(&terms.buyer.billing_address).into(),
        address_text(&terms.buyer.shipping_address).into(),
        account.map(|account| account.account.as_str()).into(),
        account.map(|account| account.member.as_str()).into(),
        attributes_text(&terms.attributes).into(),
        terms.created_at.into(),
    ];
    params.extend(progress_params(purchase));
    params.extend([purchase.due(terms.created_at).into(), live_cart(purchase)]);
    if tx.insert_new(&INSERT, &params).await? {
        return Ok(Inserted::New);
    }
    match by_id(tx, terms.id).await? {
        Some(_) => Ok(Inserted::AlreadyMine),
        None => Ok(Inserted::CartHasAnother),
    }
}

/// A purchase by its id.
pub async fn by_id(tx: &mut Tx, id: PurchaseId) -> Result<Option<Stored>, StoreError> {
    one(tx, &BY_ID, id.0.into()).await
}

/// A purchase, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: PurchaseId) -> Result<Option<Stored>, StoreError> {
    one(tx, &LOCK, id.0.into()).await
}

/// The live purchase of a cart.
pub async fn live_of_cart(tx: &mut Tx, cart: &EpCartId) -> Result<Option<Stored>, StoreError> {
    one(tx, &LIVE_OF_CART, cart.as_str().into()).await
}

/// The newest purchase of a cart, live or not: it tells whether the cart has been bought.
pub async fn last_of_cart(tx: &mut Tx, cart: &EpCartId) -> Result<Option<Stored>, StoreError> {
    one(tx, &LAST_OF_CART, cart.as_str().into()).await
}

/// The purchase that a payment was made for. One payment is never another purchase's too.
pub async fn by_payment(tx: &mut Tx, payment: &EpPaymentId) -> Result<Option<Stored>, StoreError> {
    one(tx, &BY_PAYMENT, payment.as_str().into()).await
}

/// The purchase that an order was made for. One order is never another purchase's too.
pub async fn by_order(tx: &mut Tx, order: &EpOrderId) -> Result<Option<Stored>, StoreError> {
    one(tx, &BY_ORDER, order.as_str().into()).await
}

/// The newest purchases, of one state or of all, newest first.
pub async fn newest(
    tx: &mut Tx,
    state: Option<&str>,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let rows = match state {
        Some(state) => tx.query(&NEWEST_IN_STATE, &[state.into(), limit.into()]).await?,
        None => tx.query(&NEWEST, &[limit.into()]).await?,
    };
    rows.into_iter().map(read).collect()
}

/// How many purchases should have been looked at by then.
pub async fn overdue_count(tx: &mut Tx, then: Timestamp) -> Result<i64, StoreError> {
    let row = tx.query_opt(&OVERDUE_COUNT, &[then.into()]).await?;
    row.map_or(Ok(0), |row| row.read("purchases").int("purchases"))
}

/// Moves a purchase from where it was seen, says when the worker must look at it again, and gives
/// its lease back; to leave it where it is, hand in the same again. `false`, and nothing written, if
/// somebody else has moved it since. `change` is made anew for every move, so that a move whose
/// commit was lost is known again.
pub async fn transition(
    tx: &mut Tx,
    before: &Stored,
    after: &Purchase,
    change: Uuid,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let id = before.purchase.terms.id;
    let mut params: Vec<Value> = vec![id.0.into(), before.revision.into()];
    params.extend(progress_params(after));
    params.extend([after.due(at).into(), live_cart(after), change.into(), at.into()]);
    if tx.exec(&MOVE, &params).await? == 1 {
        return Ok(true);
    }
    let Some(row) = tx.query_opt(&LAST_CHANGE, &[id.0.into()]).await? else {
        return Err(StoreError::Misuse(format!("purchase {id} is not stored")));
    };
    Ok(row.read("purchases").id_opt("last_change")? == Some(change))
}

/// Up to `limit` purchases that are due and of which money may have moved, longest due first, also
/// those that somebody works on.
pub async fn due_with_money(
    tx: &mut Tx,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let rows = tx.query(&DUE_WITH_MONEY, &[now.into(), limit.into()]).await?;
    rows.into_iter().map(read).collect()
}

/// Leases up to `limit` purchases that are due: first those of which money may have moved, then those
/// that wait for a bank or a shopper, or to be tidied up; of each longest due first.
pub async fn claim_due(
    tx: &mut Tx,
    now: Timestamp,
    lease: &Lease,
    limit: u32,
) -> Result<Vec<PurchaseId>, StoreError> {
    let rows = CLAIMS.claim(tx, now, lease, limit).await?;
    rows.into_iter().map(|row| row.read("purchases").id("id").map(PurchaseId)).collect()
}

fn live_cart(purchase: &Purchase) -> Value {
    purchase.is_live().then_some(purchase.terms.cart.as_str()).into()
}

/// What a state holds, in the columns of all states.
#[derive(Default)]
struct Held<'a> {
    token: Option<&'a PayToken>,
    client_secret: Option<&'a ClientSecret>,
    payment: Option<&'a EpPaymentId>,
    order: Option<&'a EpOrderId>,
    transaction: Option<&'a EpTransactionId>,
    asked: Option<&'a Asked>,
    clean_up: Option<&'a CleanUp>,
    message: Option<&'a str>,
    reason: Option<&'static str>,
}

impl<'a> Held<'a> {
    fn paid_by(means: &'a Means, order: Option<&'a EpOrderId>) -> Self {
        let payment = match means {
            Means::Payment(payment) => Some(payment),
            Means::Free => None,
        };
        Self { payment, order, ..Self::default() }
    }

    fn booked(booking: &'a Booking) -> Self {
        let transaction = Some(&booking.transaction);
        Self { transaction, ..Self::paid_by(&booking.means, Some(&booking.order)) }
    }

    fn of(state: &'a PurchaseState) -> Self {
        use PurchaseState as S;
        let none = Self::default();
        match state {
            S::Created { token } => Self { token: token.as_ref(), ..none },
            S::Charging { token, asked } => Self { token: Some(token), asked: Some(asked), ..none },
            S::RequiresAction { payment, client_secret } => {
                Self { payment: Some(payment), client_secret: Some(client_secret), ..none }
            }
            S::Processing { payment } | S::Charged { payment } => {
                Self { payment: Some(payment), ..none }
            }
            S::Ordering { means, asked } => {
                Self { asked: Some(asked), ..Self::paid_by(means, None) }
            }
            S::Ordered { means, order } => Self::paid_by(means, Some(order)),
            S::Confirming { means, order, asked } => {
                Self { asked: Some(asked), ..Self::paid_by(means, Some(order)) }
            }
            S::Pending { booking, client_secret } => {
                Self { client_secret: client_secret.as_ref(), ..Self::booked(booking) }
            }
            S::Cancelling { booking, asked } => {
                Self { asked: Some(asked), ..Self::booked(booking) }
            }
            S::Confirmed { booking, clean_up } => {
                Self { clean_up: Some(clean_up), ..Self::booked(booking) }
            }
            S::Cleaned { booking } => Self::booked(booking),
            S::Declined { message } => Self { message: Some(message), ..none },
            S::Abandoned { why, dead } => {
                Self { payment: dead.as_ref(), reason: Some(why.name()), ..none }
            }
            S::NeedsReconciliation { matter, reached } => {
                let held = match reached {
                    Reached::Nothing => none,
                    Reached::Means(means) => Self::paid_by(means, None),
                    Reached::Order(means, order) => Self::paid_by(means, Some(order)),
                };
                Self { reason: Some(matter.name()), ..held }
            }
        }
    }
}

/// From `aim` to `reason`, as both `INSERT` and `MOVE` have them.
fn progress_params(purchase: &Purchase) -> [Value; 21] {
    let Progress { aim, is_charged, money_since, orders_asked, since, state } = purchase.progress();
    let held = Held::of(state);
    let cart_end = held.clean_up.and_then(|clean_up| clean_up.cart).map(|end| match end {
        CartsEnd::Deleted => "deleted",
        CartsEnd::Kept => "kept",
    });
    let truth = |truth: Option<bool>| truth.map_or(Value::Null, Value::from);
    [
        aim.name().into(),
        (*is_charged).into(),
        (*money_since).into(),
        (*orders_asked).into(),
        (*since).into(),
        state.name().into(),
        held.token.map(PayToken::reveal).into(),
        held.client_secret.map(ClientSecret::reveal).into(),
        held.payment.map(EpPaymentId::as_str).into(),
        held.order.map(EpOrderId::as_str).into(),
        held.transaction.map(EpTransactionId::as_str).into(),
        held.asked.map(|asked| asked.last).into(),
        held.asked.map(|asked| asked.times).into(),
        truth(held.asked.map(|asked| asked.is_lost)),
        truth(held.clean_up.map(|clean_up| clean_up.is_detached)),
        truth(held.clean_up.map(|clean_up| clean_up.is_dissociated)),
        cart_end.into(),
        truth(held.clean_up.map(|clean_up| clean_up.is_noted)),
        held.clean_up.and_then(|clean_up| clean_up.twin_due_at).into(),
        held.message.into(),
        held.reason.into(),
    ]
}

async fn one(tx: &mut Tx, sql: &'static Sql, key: Value) -> Result<Option<Stored>, StoreError> {
    tx.query_opt(sql, &[key]).await?.map(read).transpose()
}

fn read(row: Row) -> Result<Stored, StoreError> {
    let mut row = row.read("purchases");
    let terms = read_terms(&mut row)?;
    let is_free = terms.amount.is_zero();
    let aim = row.parsed("aim", |name| {
        Aim::ALL.into_iter().find(|aim| aim.name() == name).ok_or("not an aim")
    })?;
    let is_charged = row.truth("is_charged")?;
    let money_since = row.time_opt("money_since")?;
    let orders_asked = row.count("orders_asked")?;
    let since = row.time("since")?;
    let state = read_state(&mut row, is_free)?;
    let due_at = row.time_opt("due_at")?;
    let revision = row.count("revision")?;
    let progress = Progress { aim, is_charged, money_since, orders_asked, since, state };
    Ok(Stored { purchase: Purchase::restore(terms, progress), revision, due_at })
}

fn read_terms(row: &mut Columns) -> Result<Terms, StoreError> {
    let id = PurchaseId(row.id("id")?);
    let visitor = VisitorId(row.id("visitor_id")?);
    let session = SessionId(row.id("session_id")?);
    let cart = row.parsed("cart", str::parse::<EpCartId>)?;
    let cart_hash = read_hash(row)?;
    let minor = row.int("amount_minor")?;
    let currency = row.parsed("currency", str::parse::<Currency>)?;
    let amount = Money::new(minor, currency).map_err(|e| row.corrupt("amount_minor", &e))?;
    let (name, email) = (row.text("customer_name")?, row.text("customer_email")?);
    let customer = Customer::new(&name, &email).map_err(|e| row.corrupt("customer_name", &e))?;
    let billing_address = read_address(row, "billing_address")?;
    let billing_address =
        billing_address.ok_or_else(|| row.corrupt("billing_address", "missing"))?;
    let shipping_address = read_address(row, "shipping_address")?;
    let shipping_address =
        shipping_address.ok_or_else(|| row.corrupt("shipping_address", "missing"))?;
    let account = match (parsed_opt(row, "account")?, parsed_opt(row, "account_member")?) {
        (Some(account), Some(member)) => Some(Account { account, member }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(row.corrupt("account", "half an account")),
    };
    let attributes = read_attributes(row)?;
    let created_at = row.time("created_at")?;
    let buyer = Buyer { customer, billing_address, shipping_address, account };
    Ok(Terms { id, visitor, session, cart, cart_hash, amount, buyer, attributes, created_at })
}

fn parsed_opt<T>(row: &mut Columns, column: &'static str) -> Result<Option<T>, StoreError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let parsed = row.text_opt(column)?.map(|text| text.parse::<T>()).transpose();
    parsed.map_err(|error| row.corrupt(column, &error))
}

/// What the columns hold, each for the states that need it.
struct Read {
    token: Option<PayToken>,
    client_secret: Option<ClientSecret>,
    payment: Option<EpPaymentId>,
    is_free: bool,
    order: Option<EpOrderId>,
    transaction: Option<EpTransactionId>,
    asked: Option<Asked>,
    clean_up: Option<CleanUp>,
    message: Option<String>,
    reason: Option<String>,
}

impl Read {
    fn means(&self) -> Option<Means> {
        match (&self.payment, self.is_free) {
            (Some(payment), _) => Some(Means::Payment(payment.clone())),
            (None, true) => Some(Means::Free),
            (None, false) => None,
        }
    }

    fn booking(&self) -> Option<Booking> {
        let (order, transaction) = (self.order.clone()?, self.transaction.clone()?);
        Some(Booking { means: self.means()?, order, transaction })
    }

    fn abandonment(&self) -> Option<Abandonment> {
        let name = self.reason.as_deref()?;
        Abandonment::ALL.into_iter().find(|why| why.name() == name)
    }

    fn matter(&self) -> Option<Matter> {
        let name = self.reason.as_deref()?;
        Matter::ALL.into_iter().find(|matter| matter.name() == name)
    }

    /// The state of this name, if the columns hold all of it.
    fn state(self, name: &str) -> Option<PurchaseState> {
        use PurchaseState as S;
        let (means, booking) = (self.means(), self.booking());
        Some(match name {
            "created" => S::Created { token: self.token },
            "charging" => S::Charging { token: self.token?, asked: self.asked? },
            "requires_action" => {
                S::RequiresAction { payment: self.payment?, client_secret: self.client_secret? }
            }
            "processing" => S::Processing { payment: self.payment? },
            "charged" => S::Charged { payment: self.payment? },
            "ordering" => S::Ordering { means: means?, asked: self.asked? },
            "ordered" => S::Ordered { means: means?, order: self.order? },
            "confirming" => S::Confirming { means: means?, order: self.order?, asked: self.asked? },
            "pending" => S::Pending { booking: booking?, client_secret: self.client_secret },
            "cancelling" => S::Cancelling { booking: booking?, asked: self.asked? },
            "confirmed" => S::Confirmed { booking: booking?, clean_up: self.clean_up? },
            "cleaned" => S::Cleaned { booking: booking? },
            "declined" => S::Declined { message: self.message? },
            "abandoned" => S::Abandoned { why: self.abandonment()?, dead: self.payment },
            "needs_reconciliation" => {
                let matter = self.matter()?;
                let reached = match (means, self.order) {
                    (Some(means), Some(order)) => Reached::Order(means, order),
                    (Some(means), None) => Reached::Means(means),
                    (None, None) => Reached::Nothing,
                    (None, Some(_)) => return None,
                };
                S::NeedsReconciliation { matter, reached }
            }
            _ => return None,
        })
    }
}

fn read_state(row: &mut Columns, is_free: bool) -> Result<PurchaseState, StoreError> {
    let name = row.text("state")?;
    let token = row.text_opt("token")?.map(PayToken::new).transpose();
    let token = token.map_err(|error| row.corrupt("token", &error))?;
    let client_secret = row.text_opt("client_secret")?.map(ClientSecret::new).transpose();
    let client_secret = client_secret.map_err(|error| row.corrupt("client_secret", &error))?;
    let payment = parsed_opt(row, "payment")?;
    let order = parsed_opt(row, "platform_order")?;
    let transaction = parsed_opt(row, "platform_transaction")?;
    let asked = read_asked(row)?;
    let clean_up = read_clean_up(row)?;
    let message = row.text_opt("message")?;
    let reason = row.text_opt("reason")?;
    let read = Read {
        token,
        client_secret,
        payment,
        is_free,
        order,
        transaction,
        asked,
        clean_up,
        message,
        reason,
    };
    read.state(&name).ok_or_else(|| row.corrupt("state", "not a state, or half of one"))
}

fn read_asked(row: &mut Columns) -> Result<Option<Asked>, StoreError> {
    let Some(last) = row.time_opt("asked_last")? else { return Ok(None) };
    let (times, is_lost) = (row.count("asked_times")?, row.truth("asked_lost")?);
    Ok(Some(Asked { last, times, is_lost }))
}

fn read_clean_up(row: &mut Columns) -> Result<Option<CleanUp>, StoreError> {
    let Some(detached) = row.int_opt("detached")? else { return Ok(None) };
    let is_dissociated = row.truth("dissociated")?;
    let cart = match row.text_opt("cart_end")?.as_deref() {
        None => None,
        Some("deleted") => Some(CartsEnd::Deleted),
        Some("kept") => Some(CartsEnd::Kept),
        Some(_) => return Err(row.corrupt("cart_end", "not an end of a cart")),
    };
    // What was paid before there were notes has none.
    let is_noted = row.int_opt("noted")? != Some(0);
    let twin_due_at = row.time_opt("twin_due_at")?;
    Ok(Some(CleanUp { is_detached: detached == 1, is_dissociated, cart, is_noted, twin_due_at }))
}
