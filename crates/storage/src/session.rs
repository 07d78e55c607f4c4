//! Checkout sessions. Whoever changes one locks its row first; where a purchase or an order moves the
//! sessions that follow it, that row is locked before them.

use domain::elastic_path::EpCartId;
use domain::id::{CartId, OrderId, PurchaseId, SessionId, VisitorId};
use domain::money::{Currency, Money};
use domain::purchase::{CartHash, ClientSecret};
use domain::session::{
    Action, AddressPart, AttributeValue, Attributes, CheckoutSession, Customer, FailedTry,
    Followed, Form, FormAddress, NewSession, NumberText, Rate, RateId, RateWords, SessionCart,
    SessionOrder, SessionState, SessionTotals,
};
use jiff::{SignedDuration, Timestamp};

use crate::lines::{joined, split};
use crate::{Columns, Row, Sql, StoreError, Tx, Value, statements};

macro_rules! columns {
    () => {
        "id, visitor_id, cart_id, platform_cart, cart_hash, customer_name, customer_email, \
         shipping_address, billing_address, rate, requires_shipping, attributes, rates, currency, \
         subtotal_minor, tax_minor, shipping_minor, total_minor, state, order_id, purchase_id, \
         reconciling, failure, action_reference, client_secret, bought_order, bought_transaction, \
         bought_free, expires_at, lifetime_s"
    };
}

/// What has ended by then, and whose payment is at rest: nobody will look at it again.
macro_rules! over {
    () => {
        " where state in ('complete', 'expired') and updated_at <= ?1 \
         and not exists (select 1 from purchases where purchases.id = \
         checkout_sessions.purchase_id and purchases.due_at is not null) \
         and not exists (select 1 from purchases where purchases.session_id = \
         checkout_sessions.id and purchases.due_at is not null) \
         and not exists (select 1 from orders where orders.id = checkout_sessions.order_id \
         and orders.state = 'pending') "
    };
}

statements! {
    OF_VISITOR =
        concat!("select ", columns!(), " from checkout_sessions where id = ?1 and visitor_id = ?2");
    LOCK_OF_VISITOR = concat!(
        "select ", columns!(), " from checkout_sessions where id = ?1 and visitor_id = ?2 for update"
    );
    LOCK = concat!("select ", columns!(), " from checkout_sessions where id = ?1 for update");
    FOLLOWING_ORDER = "select id from checkout_sessions where order_id = ?1 order by id limit ?2";
    FOLLOWING_PURCHASE =
        "select id from checkout_sessions where purchase_id = ?1 order by id limit ?2";
    GIVE = "update checkout_sessions set visitor_id = ?3 where id = ?1 and visitor_id = ?2";
    OVERDUE = "select expires_at from checkout_sessions where state = 'open' \
        and expires_at <= ?1 order by expires_at limit ?2";
    EXPIRE = "update checkout_sessions set state = 'expired', updated_at = ?2 \
        where state = 'open' and expires_at <= ?1";
    OVER = concat!("select updated_at from checkout_sessions", over!(), "order by updated_at limit ?2");
    DELETE = concat!("delete from checkout_sessions", over!());
    INSERT = concat!(
        "insert into checkout_sessions (", columns!(), ", created_at, updated_at) values (?1, ?2, \
         ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
         ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?31)"
    );
    SAVE = "update checkout_sessions set cart_hash = ?2, customer_name = ?3, customer_email = ?4, \
        shipping_address = ?5, billing_address = ?6, rate = ?7, requires_shipping = ?8, \
        attributes = ?9, rates = ?10, currency = ?11, subtotal_minor = ?12, tax_minor = ?13, \
        shipping_minor = ?14, total_minor = ?15, state = ?16, order_id = ?17, purchase_id = ?18, \
        reconciling = ?19, failure = ?20, action_reference = ?21, client_secret = ?22, \
        bought_order = ?23, bought_transaction = ?24, bought_free = ?25, expires_at = ?26, \
        updated_at = ?27 where id = ?1";
}

/// No cart has as many; a list without an end would be a bug.
const FOLLOWING_MAX: u32 = 1_000;

/// Stores a new session; `false` if it is there already.
pub async fn insert(
    tx: &mut Tx,
    session: &CheckoutSession,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let (here, platform) = match &session.cart {
        SessionCart::Here(cart) => (Some(cart.0), None),
        SessionCart::Platform(cart) => (None, Some(cart.as_str())),
    };
    let mut params: Vec<Value> =
        vec![session.id.0.into(), session.visitor.0.into(), here.into(), platform.into()];
    params.extend(changing_params(session));
    params.extend([session.lifetime().as_secs().into(), at.into()]);
    tx.insert_new(&INSERT, &params).await
}

/// The visitor's session of this id. That of another visitor is not found.
pub async fn of_visitor(
    tx: &mut Tx,
    id: SessionId,
    visitor: VisitorId,
) -> Result<Option<CheckoutSession>, StoreError> {
    one(tx, &OF_VISITOR, &[id.0.into(), visitor.0.into()]).await
}

/// The same, locked until the transaction ends.
pub async fn lock_of_visitor(
    tx: &mut Tx,
    id: SessionId,
    visitor: VisitorId,
) -> Result<Option<CheckoutSession>, StoreError> {
    one(tx, &LOCK_OF_VISITOR, &[id.0.into(), visitor.0.into()]).await
}

/// A session, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: SessionId) -> Result<Option<CheckoutSession>, StoreError> {
    one(tx, &LOCK, &[id.0.into()]).await
}

/// Makes a visitor's session another's. That of a third one stays as it is.
pub async fn give(
    tx: &mut Tx,
    id: SessionId,
    (from, to): (VisitorId, VisitorId),
) -> Result<(), StoreError> {
    tx.exec(&GIVE, &[id.0.into(), from.0.into(), to.0.into()]).await.map(drop)
}

/// The sessions that follow a payment, each locked until the transaction ends.
pub async fn lock_following(
    tx: &mut Tx,
    followed: Followed,
) -> Result<Vec<CheckoutSession>, StoreError> {
    let (sql, key): (&'static Sql, _) = match followed {
        Followed::Order(order) => (&FOLLOWING_ORDER, order.0),
        Followed::Purchase(purchase) => (&FOLLOWING_PURCHASE, purchase.0),
    };
    let rows = tx.query(sql, &[key.into(), FOLLOWING_MAX.into()]).await?;
    let mut sessions = Vec::new();
    // Locked one after the other, in one order. One that follows another payment by now is left.
    for row in rows {
        let id = SessionId(row.read("checkout_sessions").id("id")?);
        let session = lock(tx, id).await?;
        sessions.extend(session.filter(|session| session.followed() == Some(followed)));
    }
    Ok(sessions)
}

/// Until when the longest overdue of the open sessions waited, at most `limit` of them; nothing where
/// none is overdue.
pub async fn overdue(
    tx: &mut Tx,
    now: Timestamp,
    limit: u32,
) -> Result<Option<Timestamp>, StoreError> {
    last(tx, &OVERDUE, "expires_at", (now, limit)).await
}

/// Ends the open sessions that waited until then, and no longer. Returns how many those were. One
/// that is renewed, or begins to follow a payment, in the same moment is left.
pub async fn expire(tx: &mut Tx, then: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
    tx.exec(&EXPIRE, &[then.into(), now.into()]).await
}

/// When the longest over of the sessions ended that had ended by `then`, at most `limit` of them; one
/// whose payment is not at rest does not count.
pub async fn over(
    tx: &mut Tx,
    then: Timestamp,
    limit: u32,
) -> Result<Option<Timestamp>, StoreError> {
    last(tx, &OVER, "updated_at", (then, limit)).await
}

/// Deletes the sessions that had ended by then, but those whose payment is not at rest. Returns how
/// many those were.
pub async fn delete(tx: &mut Tx, then: Timestamp) -> Result<u64, StoreError> {
    tx.exec(&DELETE, &[then.into()]).await
}

/// The last of the times that a statement finds.
async fn last(
    tx: &mut Tx,
    sql: &'static Sql,
    column: &'static str,
    (then, limit): (Timestamp, u32),
) -> Result<Option<Timestamp>, StoreError> {
    let rows = tx.query(sql, &[then.into(), limit.into()]).await?;
    rows.into_iter().next_back().map(|row| row.read("checkout_sessions").time(column)).transpose()
}

/// Writes a session as it is now. The caller holds the lock on it.
pub async fn save(tx: &mut Tx, session: &CheckoutSession, at: Timestamp) -> Result<(), StoreError> {
    let mut params: Vec<Value> = vec![session.id.0.into()];
    params.extend(changing_params(session));
    params.push(at.into());
    match tx.exec(&SAVE, &params).await? {
        1 => Ok(()),
        _ => Err(StoreError::Misuse(format!("session {} is not stored", session.id))),
    }
}

/// From `cart_hash` to `expires_at`, as both `INSERT` and `SAVE` have them.
fn changing_params(session: &CheckoutSession) -> Vec<Value> {
    let form = &session.form;
    let totals = session.totals.as_ref();
    let minor = |of: fn(&SessionTotals) -> Money| totals.map(|totals| of(totals).minor());
    let mut params: Vec<Value> = vec![
        session.cart_hash.0.as_slice().into(),
        form.customer.as_ref().map(Customer::name).into(),
        form.customer.as_ref().map(Customer::email).into(),
        form.shipping_address.as_ref().map(address_text).into(),
        form.billing_address.as_ref().map(address_text).into(),
        form.rate.as_ref().map(RateId::as_str).into(),
        form.requires_shipping.into(),
        attributes_text(&form.attributes).into(),
        rates_text(session.rates()).into(),
        totals.map(|totals| totals.total().currency().code()).into(),
        minor(SessionTotals::subtotal).into(),
        minor(SessionTotals::tax).into(),
        minor(SessionTotals::shipping).into(),
        minor(SessionTotals::total).into(),
        session.state().name().into(),
    ];
    params.extend(state_params(session.state()));
    params.push(session.expires_at().into());
    params
}

/// From `order_id` to `bought_free`.
fn state_params(state: &SessionState) -> [Value; 9] {
    use SessionState as S;
    let (order, purchase) = match state.followed() {
        None => (None, None),
        Some(Followed::Order(order)) => (Some(order.0), None),
        Some(Followed::Purchase(purchase)) => (None, Some(purchase.0)),
    };
    let (mut reconciling, mut failure, mut action, mut bought) = (None, None, None, None);
    match state {
        S::Open { failed } | S::Expired { failed } => {
            failure = failed.as_ref().map(|failed| failed.message.as_str());
        }
        S::Processing { reconciling: is, .. } => reconciling = Some(Value::from(*is)),
        S::ActionRequired { action: needed, .. } => action = Some(needed),
        S::Complete { order, .. } => bought = Some(order),
    }
    [
        order.into(),
        purchase.into(),
        reconciling.unwrap_or(Value::Null),
        failure.into(),
        action.map(|action| action.reference.as_str()).into(),
        action.map(|action| action.client_secret.reveal()).into(),
        bought.map(|order| order.id.as_str()).into(),
        bought.and_then(|order| order.transaction.as_deref()).into(),
        bought.map_or(Value::Null, |order| order.is_free.into()),
    ]
}

/// An address as it stands in its column.
pub(crate) fn address_text(address: &FormAddress) -> String {
    joined(&AddressPart::ALL.map(|part| address.get(part)))
}

/// An address from its column.
pub(crate) fn read_address(
    row: &mut Columns,
    column: &'static str,
) -> Result<Option<FormAddress>, StoreError> {
    let Some(text) = row.text_opt(column)? else { return Ok(None) };
    let parts = split(&text);
    if parts.len() != AddressPart::ALL.len() {
        return Err(row.corrupt(column, "not the parts of an address"));
    }
    let address = FormAddress::new(|part| parts[part as usize].clone());
    address.map(Some).map_err(|error| row.corrupt(column, &error))
}

/// Three lines for each attribute: name, kind, value.
pub(crate) fn attributes_text(attributes: &Attributes) -> String {
    let mut texts = Vec::new();
    for (name, value) in attributes.iter() {
        let (kind, value) = value.words();
        texts.extend([name, kind, value]);
    }
    joined(&texts)
}

/// Attributes from their column; what was stored before there were any has none.
pub(crate) fn read_attributes(row: &mut Columns) -> Result<Attributes, StoreError> {
    let texts = split(&row.text_opt("attributes")?.unwrap_or_default());
    let attributes = texts.chunks(3).map(|three| match three {
        [name, kind, value] => {
            let value = match (kind.as_str(), value.as_str()) {
                ("text", text) => Some(AttributeValue::Text(text.to_owned())),
                ("number", text) => NumberText::new(text).map(AttributeValue::Number),
                ("flag", "yes") => Some(AttributeValue::Flag(true)),
                ("flag", "no") => Some(AttributeValue::Flag(false)),
                (_, _) => None,
            };
            value.map(|value| (name.clone(), value))
        }
        _ => None,
    });
    let attributes = attributes.collect::<Option<Vec<_>>>();
    let attributes = attributes.ok_or_else(|| row.corrupt("attributes", "not attributes"))?;
    Attributes::new(attributes).map_err(|error| row.corrupt("attributes", &error))
}

/// Eight lines for each rate.
fn rates_text(rates: &[Rate]) -> String {
    let mut texts = Vec::new();
    for Rate { id, amount, words } in rates {
        texts.extend([id.as_str().to_owned(), amount.minor().to_string()]);
        texts.push(amount.currency().code().to_owned());
        let RateWords { name, description, delivery_time, service_level, carrier } = words.clone();
        texts.extend([name, description, delivery_time, service_level, carrier]);
    }
    joined(&texts)
}

fn read_rates(row: &mut Columns) -> Result<Vec<Rate>, StoreError> {
    let texts = split(&row.text("rates")?);
    let rates = texts.chunks(8).map(|eight| {
        let [id, minor, currency, name, description, delivery_time, service_level, carrier] = eight
        else {
            return None;
        };
        let currency = currency.parse::<Currency>().ok()?;
        let words = RateWords {
            name: name.clone(),
            description: description.clone(),
            delivery_time: delivery_time.clone(),
            service_level: service_level.clone(),
            carrier: carrier.clone(),
        };
        let amount = Money::new(minor.parse().ok()?, currency).ok()?;
        Some(Rate { id: RateId::new(id).ok()?, amount, words })
    });
    rates.collect::<Option<_>>().ok_or_else(|| row.corrupt("rates", "not shipping rates"))
}

async fn one(
    tx: &mut Tx,
    sql: &'static Sql,
    key: &[Value],
) -> Result<Option<CheckoutSession>, StoreError> {
    tx.query_opt(sql, key).await?.map(read).transpose()
}

fn read(row: Row) -> Result<CheckoutSession, StoreError> {
    let mut row = row.read("checkout_sessions");
    let id = SessionId(row.id("id")?);
    let visitor = VisitorId(row.id("visitor_id")?);
    let here = row.id_opt("cart_id")?;
    let platform = row.text_opt("platform_cart")?.map(|text| text.parse::<EpCartId>()).transpose();
    let platform = platform.map_err(|error| row.corrupt("platform_cart", &error))?;
    let cart = match (here, platform) {
        (Some(cart), None) => SessionCart::Here(CartId(cart)),
        (None, Some(cart)) => SessionCart::Platform(cart),
        (Some(_), Some(_)) | (None, None) => return Err(row.corrupt("cart_id", "not one cart")),
    };
    let cart_hash = read_hash(&mut row)?;
    let customer = match (row.text_opt("customer_name")?, row.text_opt("customer_email")?) {
        (Some(name), Some(email)) => {
            let customer = Customer::new(&name, &email);
            Some(customer.map_err(|error| row.corrupt("customer_name", &error))?)
        }
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            return Err(row.corrupt("customer_name", "half a customer"));
        }
    };
    let shipping_address = read_address(&mut row, "shipping_address")?;
    let billing_address = read_address(&mut row, "billing_address")?;
    let rate = row.text_opt("rate")?.map(|text| RateId::new(&text)).transpose();
    let rate = rate.map_err(|error| row.corrupt("rate", &error))?;
    let requires_shipping = row.truth("requires_shipping")?;
    let attributes = read_attributes(&mut row)?;
    let rates = read_rates(&mut row)?;
    let totals = read_totals(&mut row)?;
    let state = read_state(&mut row)?;
    let expires_at = row.time("expires_at")?;
    let (lifetime, at) = (SignedDuration::from_secs(row.int("lifetime_s")?), expires_at);
    let fresh =
        NewSession { id, visitor, cart, cart_hash, totals, requires_shipping, lifetime, at };
    let form =
        Form { customer, shipping_address, billing_address, rate, requires_shipping, attributes };
    let fresh = CheckoutSession::open(fresh);
    Ok(CheckoutSession::restore(fresh, form, rates, (state, expires_at)))
}

/// The digest of a cart.
pub(crate) fn read_hash(row: &mut Columns) -> Result<CartHash, StoreError> {
    let bytes = row.bytes("cart_hash")?;
    let hash = <[u8; 32]>::try_from(bytes).map_err(|_| row.corrupt("cart_hash", "not 32 bytes"))?;
    Ok(CartHash(hash))
}

fn read_totals(row: &mut Columns) -> Result<Option<SessionTotals>, StoreError> {
    let Some(currency) = row.text_opt("currency")? else { return Ok(None) };
    let currency = currency.parse::<Currency>().map_err(|e| row.corrupt("currency", &e))?;
    let mut part = |column| {
        let minor = row.int(column)?;
        Money::new(minor, currency).map_err(|error| row.corrupt(column, &error))
    };
    let (subtotal, tax) = (part("subtotal_minor")?, part("tax_minor")?);
    let (shipping, total) = (part("shipping_minor")?, part("total_minor")?);
    let totals = SessionTotals::new(subtotal, tax, shipping, total);
    totals.map(Some).map_err(|error| row.corrupt("total_minor", &error))
}

fn read_state(row: &mut Columns) -> Result<SessionState, StoreError> {
    use SessionState as S;
    let name = row.text("state")?;
    let followed = match (row.id_opt("order_id")?, row.id_opt("purchase_id")?) {
        (Some(order), None) => Some(Followed::Order(OrderId(order))),
        (None, Some(purchase)) => Some(Followed::Purchase(PurchaseId(purchase))),
        (None, None) => None,
        (Some(_), Some(_)) => return Err(row.corrupt("order_id", "two payments")),
    };
    let reconciling = row.int_opt("reconciling")?.map(|number| number == 1);
    let failure = row.text_opt("failure")?;
    let reference = row.text_opt("action_reference")?;
    let secret = row.text_opt("client_secret")?.map(ClientSecret::new).transpose();
    let secret = secret.map_err(|error| row.corrupt("client_secret", &error))?;
    let order = row.text_opt("bought_order")?;
    let transaction = row.text_opt("bought_transaction")?;
    let is_free = row.int_opt("bought_free")?.map(|number| number == 1);
    let failed = |followed, message| FailedTry { followed, message };
    match (name.as_str(), followed, failure) {
        ("open", None, None) => return Ok(S::Open { failed: None }),
        ("open", Some(followed), Some(message)) => {
            return Ok(S::Open { failed: Some(failed(followed, message)) });
        }
        ("expired", None, None) => return Ok(S::Expired { failed: None }),
        ("expired", Some(followed), Some(message)) => {
            return Ok(S::Expired { failed: Some(failed(followed, message)) });
        }
        (_, _, _) => {}
    }
    match (name.as_str(), followed, reconciling, (reference, secret), (order, is_free)) {
        ("processing", Some(followed), Some(reconciling), ..) => {
            Ok(S::Processing { followed, reconciling })
        }
        ("action_required", Some(followed), _, (Some(reference), Some(client_secret)), _) => {
            Ok(S::ActionRequired { followed, action: Action { reference, client_secret } })
        }
        ("complete", Some(followed), _, _, (Some(id), Some(is_free))) => {
            let order = SessionOrder { id, transaction, is_free };
            Ok(S::Complete { followed, order })
        }
        (_, _, _, _, _) => Err(row.corrupt("state", "not a state, or half of one")),
    }
}
