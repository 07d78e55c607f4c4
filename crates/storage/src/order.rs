//! Orders: written once with their lines, then only their state changes.

use domain::contact::{Address, AddressDraft, Email};
use domain::event::EventId;
use domain::id::{CartId, OrderId, VisitorId};
use domain::money::{Currency, Money};
use domain::order::{Fingerprint, Marketing, Order, OrderParts, OrderState, PaidBy};
use domain::pricing::{TaxMode, Totals};
use jiff::Timestamp;
use uuid::Uuid;

use crate::cart::{line_params, read_line};
use crate::session::{attributes_text, read_attributes};
use crate::{Columns, Sql, StoreError, Tx, Value, statements};

macro_rules! columns {
    () => {
        "id, visitor_id, cart_id, fingerprint, email, accepts_marketing, \
         shipping_name, shipping_company, shipping_street, shipping_postal_code, shipping_city, \
         shipping_country, shipping_phone, billing_name, billing_company, billing_street, \
         billing_postal_code, billing_city, billing_country, billing_phone, \
         currency, subtotal_minor, shipping_minor, tax_minor, total_minor, tax_mode, \
         state, expires_at, state_at, paid_by_event, created_at, attributes"
    };
}

statements! {
    LOAD = concat!("select ", columns!(), " from orders where id = ?1");
    LOCK = concat!("select ", columns!(), " from orders where id = ?1 for update");
    NEWEST_OF_CART = concat!(
        "select ", columns!(), " from orders where cart_id = ?1 \
         order by created_at desc, id desc limit 1"
    );
    LINES = "select id, product_id, sku, name, image, unit_price_minor, quantity, \
        requires_shipping from order_lines where order_id = ?1 order by position";
    INSERT = concat!(
        "insert into orders (", columns!(), ", updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, \
         ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, \
         ?27, ?28, ?29, ?30, ?31, ?32, ?31)"
    );
    INSERT_LINE = "insert into order_lines (order_id, position, id, product_id, sku, name, image, \
        unit_price_minor, quantity, requires_shipping) \
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    SAVE_STATE = "update orders set state = ?2, expires_at = ?3, state_at = ?4, \
        paid_by_event = ?5, updated_at = ?6 where id = ?1";
    NEWEST = "select id from orders where id < ?1 and created_at >= ?2 and created_at < ?3 \
        and (?4 = '' or state = ?4) and (?5 = '' or lower(email) = lower(?5)) \
        order by id desc limit ?6";
    COUNT_BY_STATE = "select state, count(*) as orders from orders group by state";
}

/// Stores a new order with its lines; `false`, and nothing stored, if it is there already.
pub async fn insert(tx: &mut Tx, order: &Order) -> Result<bool, StoreError> {
    if !tx.insert_new(&INSERT, &params(order)).await? {
        return Ok(false);
    }
    let lines = order.lines.iter().zip(1_i64..).map(|(line, position)| {
        let mut params =
            vec![order.id.0.into(), position.into(), line.id.0.into(), line.product.0.into()];
        params.extend(line_params(line));
        (&INSERT_LINE, params)
    });
    tx.execs(&lines.collect::<Vec<(&'static Sql, _)>>()).await?;
    Ok(true)
}

/// An order, for looking at.
pub async fn load(tx: &mut Tx, id: OrderId) -> Result<Option<Order>, StoreError> {
    read(tx, &LOAD, id.0.into()).await
}

/// An order, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: OrderId) -> Result<Option<Order>, StoreError> {
    read(tx, &LOCK, id.0.into()).await
}

/// The newest order that was made from a cart, for looking at.
pub async fn newest_of_cart(tx: &mut Tx, cart: CartId) -> Result<Option<Order>, StoreError> {
    read(tx, &NEWEST_OF_CART, cart.0.into()).await
}

/// Which orders are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// In this state; empty for any.
    pub state: &'static str,
    /// Made with this e-mail address, in capitals or not; empty for any.
    pub email: String,
    /// Made at this time or later.
    pub since: Timestamp,
    /// Made before this time.
    pub until: Timestamp,
}

impl Filter {
    /// All orders.
    pub fn all() -> Self {
        let (state, email) = ("", String::new());
        Self { state, email, since: Timestamp::MIN, until: Timestamp::MAX }
    }
}

/// The newest orders that are wanted, made before the order `before`, newest first. An id begins with
/// the time it was made at, so that no further index is needed to go back in time.
pub async fn newest(
    tx: &mut Tx,
    filter: &Filter,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Vec<OrderId>, StoreError> {
    let params = [
        before.map_or(Uuid::max(), |order| order.0).into(),
        filter.since.into(),
        filter.until.into(),
        filter.state.into(),
        Value::from(&filter.email),
        limit.into(),
    ];
    let rows = tx.query(&NEWEST, &params).await?;
    rows.into_iter().map(|row| row.read("orders").id("id").map(OrderId)).collect()
}

/// Writes how far the order has come. The caller holds the lock on it.
pub async fn save_state(tx: &mut Tx, order: &Order, at: Timestamp) -> Result<(), StoreError> {
    let [state, expires_at, state_at, paid_by_event] = state_params(order.state());
    let params = [order.id.0.into(), state, expires_at, state_at, paid_by_event, at.into()];
    match tx.exec(&SAVE_STATE, &params).await? {
        1 => Ok(()),
        _ => Err(StoreError::Misuse(format!("order {} is not stored", order.id))),
    }
}

/// How many orders there are in each state that has any.
pub async fn count_by_state(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = tx.query(&COUNT_BY_STATE, &[]).await?;
    let counts = rows.into_iter().map(|row| {
        let mut row = row.read("orders");
        Ok((row.text("state")?, row.int("orders")?))
    });
    counts.collect()
}

fn params(order: &Order) -> Vec<Value> {
    let totals = order.totals;
    let mut params = vec![
        order.id.0.into(),
        order.visitor.0.into(),
        order.cart.0.into(),
        order.fingerprint.0.as_slice().into(),
        order.email.as_str().into(),
        match order.marketing {
            Marketing::Accepted => true.into(),
            Marketing::Declined => false.into(),
        },
    ];
    for address in [&order.shipping_address, &order.billing_address] {
        params.extend([
            address.name().into(),
            address.company().into(),
            address.street().into(),
            address.postal_code().into(),
            address.city().into(),
            address.country().as_str().into(),
            address.phone().into(),
        ]);
    }
    params.extend([
        totals.total().currency().code().into(),
        totals.subtotal().minor().into(),
        totals.shipping().minor().into(),
        totals.tax().minor().into(),
        totals.total().minor().into(),
        match totals.tax_mode() {
            TaxMode::Included => "included".into(),
            TaxMode::Added => "added".into(),
        },
    ]);
    params.extend(state_params(order.state()));
    params.push(order.created_at.into());
    params.push(attributes_text(&order.attributes).into());
    params
}

/// State, `expires_at`, `state_at`, `paid_by_event`.
fn state_params(state: &OrderState) -> [Value; 4] {
    let (expires_at, state_at, event) = match state {
        OrderState::Pending { expires_at } => (Some(*expires_at), None, None),
        OrderState::Paid { at, by: PaidBy::Event(event) } => (None, Some(*at), Some(event)),
        OrderState::Paid { at, by: PaidBy::NothingToPay }
        | OrderState::Failed { at }
        | OrderState::Cancelled { at } => (None, Some(*at), None),
    };
    [state.name().into(), expires_at.into(), state_at.into(), event.map(EventId::as_str).into()]
}

async fn read(tx: &mut Tx, sql: &'static Sql, key: Value) -> Result<Option<Order>, StoreError> {
    let Some(row) = tx.query_opt(sql, &[key]).await? else { return Ok(None) };
    let mut row = row.read("orders");
    let id = OrderId(row.id("id")?);
    let visitor = VisitorId(row.id("visitor_id")?);
    let cart = CartId(row.id("cart_id")?);
    let fingerprint = row.bytes("fingerprint")?;
    let fingerprint =
        fingerprint.try_into().map_err(|_| row.corrupt("fingerprint", "not 32 bytes"))?;
    // The reason is ours, not the parser's, which repeats what it read: no personal data in logs.
    let email = row.parsed("email", |text| text.parse::<Email>().map_err(|_| "not an address"))?;
    let marketing =
        if row.truth("accepts_marketing")? { Marketing::Accepted } else { Marketing::Declined };
    let shipping_address = shipping_address(&mut row)?;
    let billing_address = billing_address(&mut row)?;
    let (totals, currency) = totals(&mut row)?;
    let state = state(&mut row)?;
    let created_at = row.time("created_at")?;
    let attributes = read_attributes(&mut row)?;
    let lines = tx.query(&LINES, &[id.0.into()]).await?;
    let lines = lines.into_iter().map(|row| read_line(row, "order_lines", currency));
    let parts = OrderParts {
        id,
        visitor,
        cart,
        email,
        marketing,
        shipping_address,
        billing_address,
        lines: lines.collect::<Result<_, _>>()?,
        totals,
        attributes,
        fingerprint: Fingerprint(fingerprint),
        created_at,
    };
    Ok(Some(Order::restore(parts, state)))
}

fn shipping_address(row: &mut Columns) -> Result<Address, StoreError> {
    let draft = AddressDraft {
        name: row.text("shipping_name")?,
        company: row.text_opt("shipping_company")?,
        street: row.text("shipping_street")?,
        postal_code: row.text("shipping_postal_code")?,
        city: row.text("shipping_city")?,
        country: row.text("shipping_country")?,
        phone: row.text_opt("shipping_phone")?,
    };
    Address::restore(draft).map_err(|error| row.corrupt("shipping_country", &error))
}

fn billing_address(row: &mut Columns) -> Result<Address, StoreError> {
    let draft = AddressDraft {
        name: row.text("billing_name")?,
        company: row.text_opt("billing_company")?,
        street: row.text("billing_street")?,
        postal_code: row.text("billing_postal_code")?,
        city: row.text("billing_city")?,
        country: row.text("billing_country")?,
        phone: row.text_opt("billing_phone")?,
    };
    Address::restore(draft).map_err(|error| row.corrupt("billing_country", &error))
}

fn totals(row: &mut Columns) -> Result<(Totals, Currency), StoreError> {
    let currency = row.parsed("currency", str::parse::<Currency>)?;
    let mut money = |column| {
        let minor = row.int(column)?;
        Money::new(minor, currency).map_err(|error| row.corrupt(column, &error))
    };
    let (subtotal, shipping) = (money("subtotal_minor")?, money("shipping_minor")?);
    let (tax, total) = (money("tax_minor")?, money("total_minor")?);
    let tax_mode = row.parsed("tax_mode", |text| match text {
        "included" => Ok(TaxMode::Included),
        "added" => Ok(TaxMode::Added),
        _ => Err("neither included nor added"),
    })?;
    let totals = Totals::restore(subtotal, shipping, tax, tax_mode, total);
    Ok((totals.map_err(|error| row.corrupt("total_minor", &error))?, currency))
}

fn state(row: &mut Columns) -> Result<OrderState, StoreError> {
    let name = row.text("state")?;
    let expires_at = row.time_opt("expires_at")?;
    let state_at = row.time_opt("state_at")?;
    let event = row.text_opt("paid_by_event")?;
    let event = event.map(EventId::new).transpose();
    let event = event.map_err(|error| row.corrupt("paid_by_event", &error))?;
    match (name.as_str(), expires_at, state_at, event) {
        ("pending", Some(expires_at), None, None) => Ok(OrderState::Pending { expires_at }),
        ("paid", None, Some(at), Some(event)) => {
            Ok(OrderState::Paid { at, by: PaidBy::Event(event) })
        }
        ("paid", None, Some(at), None) => Ok(OrderState::Paid { at, by: PaidBy::NothingToPay }),
        ("failed", None, Some(at), None) => Ok(OrderState::Failed { at }),
        ("cancelled", None, Some(at), None) => Ok(OrderState::Cancelled { at }),
        _ => Err(row.corrupt("state", "it contradicts the columns that belong to it")),
    }
}
