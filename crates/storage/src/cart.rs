//! Carts and their lines. Whoever changes a cart locks its row first; the lines then stand still.

use domain::cart::{Cart, Line};
use domain::catalog::Quantity;
use domain::id::{CartId, LineId, ProductId, VisitorId};
use domain::money::{Currency, Money};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Row, Sql, StoreError, Tx, Value, statements};

statements! {
    OF_VISITOR = "select id, visitor_id, currency from carts where visitor_id = ?1";
    LOCK_OF_VISITOR =
        "select id, visitor_id, currency from carts where visitor_id = ?1 for update";
    LOCK = "select id, visitor_id, currency from carts where id = ?1 for update";
    LINES = "select id, product_id, sku, name, image, unit_price_minor, quantity, \
        requires_shipping from cart_lines where cart_id = ?1 order by position, id";
    INSERT = "insert into carts (id, visitor_id, currency, created_at, updated_at) \
        values (?1, ?2, ?3, ?4, ?4)";
    NOTE_CHANGE = "update carts set last_change = ?2 where id = ?1 \
        and (last_change is null or last_change <> ?2)";
    GIVE = "update carts set visitor_id = ?2 where id = ?1";
    TOUCH = "update carts set updated_at = ?2 where id = ?1";
    LAST_POSITION = "select coalesce(max(position), 0) as position from cart_lines \
        where cart_id = ?1";
    INSERT_LINE = "insert into cart_lines (cart_id, id, product_id, sku, name, image, \
        unit_price_minor, quantity, requires_shipping, position) \
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    UPDATE_LINE = "update cart_lines set sku = ?3, name = ?4, image = ?5, unit_price_minor = ?6, \
        quantity = ?7, requires_shipping = ?8 where cart_id = ?1 and id = ?2";
    DELETE_LINE = "delete from cart_lines where cart_id = ?1 and id = ?2";
}

/// The visitor's cart, for looking at.
pub async fn of_visitor(tx: &mut Tx, visitor: VisitorId) -> Result<Option<Cart>, StoreError> {
    load(tx, &OF_VISITOR, visitor.0.into()).await
}

/// The visitor's cart, locked until the transaction ends.
pub async fn lock_of_visitor(tx: &mut Tx, visitor: VisitorId) -> Result<Option<Cart>, StoreError> {
    load(tx, &LOCK_OF_VISITOR, visitor.0.into()).await
}

/// A cart, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: CartId) -> Result<Option<Cart>, StoreError> {
    load(tx, &LOCK, id.0.into()).await
}

async fn load(tx: &mut Tx, sql: &'static Sql, key: Value) -> Result<Option<Cart>, StoreError> {
    let Some(row) = tx.query_opt(sql, &[key]).await? else { return Ok(None) };
    let mut row = row.read("carts");
    let id = CartId(row.id("id")?);
    let visitor = VisitorId(row.id("visitor_id")?);
    let currency = row.parsed("currency", str::parse::<Currency>)?;
    let lines = tx.query(&LINES, &[id.0.into()]).await?;
    let lines = lines.into_iter().map(|row| read_line(row, "cart_lines", currency));
    Ok(Some(Cart::restore(id, visitor, currency, lines.collect::<Result<_, _>>()?)))
}

/// Stores a new cart with its lines; `false`, and nothing stored, if the visitor has another cart
/// already. A cart that is already there under the same id counts as stored.
pub async fn insert(tx: &mut Tx, cart: &Cart, at: Timestamp) -> Result<bool, StoreError> {
    let params = [cart.id.0.into(), cart.visitor.0.into(), cart.currency.code().into(), at.into()];
    if !tx.insert_new(&INSERT, &params).await? {
        let there = of_visitor(tx, cart.visitor).await?;
        return Ok(there.is_some_and(|there| there.id == cart.id));
    }
    let empty = Cart::empty(cart.id, cart.visitor, cart.currency);
    save_lines(tx, &empty, cart, at).await?;
    Ok(true)
}

/// Notes that a change is being made; `false` if this very change has been made already, by an
/// earlier run whose commit was lost on the way back. The caller holds the lock on the cart.
pub async fn note_change(tx: &mut Tx, id: CartId, change: Uuid) -> Result<bool, StoreError> {
    Ok(tx.exec(&NOTE_CHANGE, &[id.0.into(), change.into()]).await? == 1)
}

/// Makes the cart another visitor's, who has none. The caller holds the lock on it.
pub async fn give(tx: &mut Tx, id: CartId, to: VisitorId) -> Result<(), StoreError> {
    tx.exec(&GIVE, &[id.0.into(), to.0.into()]).await.map(drop)
}

/// Writes the lines that differ between the cart as it was loaded and as it is now. The caller
/// holds the lock on the cart.
pub async fn save_lines(
    tx: &mut Tx,
    before: &Cart,
    after: &Cart,
    at: Timestamp,
) -> Result<(), StoreError> {
    let cart = || Value::from(after.id.0);
    let mut statements: Vec<(&'static Sql, Vec<Value>)> = Vec::new();
    // Removals come first: a product may leave and come back as another line.
    for line in before.lines().iter().filter(|line| find(after, line.id).is_none()) {
        statements.push((&DELETE_LINE, vec![cart(), line.id.0.into()]));
    }
    for line in after.lines() {
        if find(before, line.id).is_some_and(|stored| stored != line) {
            let mut params = vec![cart(), line.id.0.into()];
            params.extend(line_params(line));
            statements.push((&UPDATE_LINE, params));
        }
    }
    let new: Vec<&Line> =
        after.lines().iter().filter(|line| find(before, line.id).is_none()).collect();
    let mut position = if new.is_empty() { 0 } else { last_position(tx, after.id).await? };
    for line in new {
        position += 1;
        let mut params = vec![cart(), line.id.0.into(), line.product.0.into()];
        params.extend(line_params(line));
        params.push(position.into());
        statements.push((&INSERT_LINE, params));
    }
    if statements.is_empty() {
        return Ok(());
    }
    statements.push((&TOUCH, vec![cart(), at.into()]));
    let matched = tx.execs(&statements).await?;
    match matched.iter().position(|matched| *matched != 1) {
        None => Ok(()),
        Some(index) => Err(StoreError::Misuse(format!(
            "{:?} of cart {} found no row: the cart was not locked",
            statements[index].0, after.id
        ))),
    }
}

async fn last_position(tx: &mut Tx, cart: CartId) -> Result<i64, StoreError> {
    let row = tx.query_opt(&LAST_POSITION, &[cart.0.into()]).await?;
    row.map_or(Ok(0), |row| row.read("cart_lines").int("position"))
}

fn find(cart: &Cart, id: LineId) -> Option<&Line> {
    cart.lines().iter().find(|line| line.id == id)
}

/// What a line says of its product: number, name, picture, price, count, shipping.
pub(crate) fn line_params(line: &Line) -> [Value; 6] {
    [
        Value::from(&line.sku),
        Value::from(&line.name),
        line.image.clone().into(),
        line.unit_price.minor().into(),
        line.quantity.count().into(),
        line.requires_shipping.into(),
    ]
}

/// A line of a cart or of an order; its price has the currency of the whole.
pub(crate) fn read_line(
    row: Row,
    table: &'static str,
    currency: Currency,
) -> Result<Line, StoreError> {
    let mut row = row.read(table);
    let id = LineId(row.id("id")?);
    let product = ProductId(row.id("product_id")?);
    let sku = row.text("sku")?;
    let name = row.text("name")?;
    let image = row.text_opt("image")?;
    let minor = row.int("unit_price_minor")?;
    let unit_price =
        Money::new(minor, currency).map_err(|e| row.corrupt("unit_price_minor", &e))?;
    let quantity = row.int("quantity")?;
    let quantity = Quantity::new(quantity).map_err(|e| row.corrupt("quantity", &e))?;
    let requires_shipping = row.truth("requires_shipping")?;
    Ok(Line { id, product, sku, name, image, unit_price, quantity, requires_shipping })
}
