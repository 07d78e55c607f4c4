//! Products and their stock. Stock moves by conditional updates of one row by its key: the condition
//! and the change are one statement, so that two buyers of the last piece cannot both have it, and a
//! count of rows says which of them has.

use domain::cart::Line;
use domain::catalog::{Offer, Product, Stock};
use domain::id::{CartId, ProductId};
use domain::money::{Currency, Money};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Columns, Row, StoreError, Tx, Value, statements};

macro_rules! columns {
    () => {
        "p.id, p.sku, p.name, p.description, p.image, p.price_minor, p.currency, p.on_hand, \
         p.reserved, p.active, p.requires_shipping"
    };
}

statements! {
    PRODUCT = concat!("select ", columns!(), " from products p where p.id = ?1");
    PRODUCT_BY_SKU = concat!("select ", columns!(), " from products p where p.sku = ?1");
    FOR_SALE = concat!(
        "select ", columns!(), " from products p where p.id > ?1 and p.active = 1 \
         order by p.id limit ?2"
    );
    FOR_SALE_MATCHING = concat!(
        "select ", columns!(), " from products p where p.id > ?1 and p.active = 1 \
         and p.search_text like ?2 escape '!' order by p.id limit ?3"
    );
    ALL_PRODUCTS = concat!(
        "select ", columns!(), " from products p where p.id > ?1 order by p.id limit ?2"
    );
    OFFER = concat!(
        "select ", columns!(), ", coalesce(l.quantity, 0) as held from products p \
         left join payments y on y.live_cart_id = ?2 \
         left join orders o on o.id = y.order_id and o.state = 'pending' \
         left join order_lines l on l.order_id = o.id and l.product_id = p.id \
         where p.id = ?1"
    );
    OFFERS_OF_CART = concat!(
        "select ", columns!(), ", coalesce(l.quantity, 0) as held from cart_lines c \
         join products p on p.id = c.product_id \
         left join payments y on y.live_cart_id = c.cart_id \
         left join orders o on o.id = y.order_id and o.state = 'pending' \
         left join order_lines l on l.order_id = o.id and l.product_id = c.product_id \
         where c.cart_id = ?1 order by p.id"
    );
    INSERT = "insert into products (id, sku, name, description, image, price_minor, currency, \
        on_hand, reserved, active, requires_shipping, search_text, created_at, updated_at) \
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)";
    UPDATE = "update products set sku = ?2, name = ?3, description = ?4, image = ?5, \
        price_minor = ?6, currency = ?7, on_hand = ?8, active = ?9, requires_shipping = ?10, \
        search_text = ?11, updated_at = ?12 where id = ?1 and reserved <= ?8";
    RESERVE = "update products set reserved = reserved + ?2 \
        where id = ?1 and active = 1 and on_hand - reserved >= ?2";
    RELEASE = "update products set reserved = reserved - ?2 where id = ?1 and reserved >= ?2";
    SELL = "update products set on_hand = on_hand - ?2, reserved = reserved - ?2 \
        where id = ?1 and reserved >= ?2";
}

/// Which products to list.
#[derive(Debug, Clone, Default)]
pub struct ProductQuery {
    /// Part of the name, the number or the description, in any case; at most some hundred letters.
    pub text: Option<String>,
    /// The last product of the page before.
    pub after: Option<ProductId>,
    /// Size of the page.
    pub limit: u32,
}

/// A product, for sale or not.
pub async fn product(tx: &mut Tx, id: ProductId) -> Result<Option<Product>, StoreError> {
    let row = tx.query_opt(&PRODUCT, &[id.0.into()]).await?;
    row.map(read_product).transpose()
}

/// The product with the merchant's number `sku`, for sale or not.
pub async fn product_by_sku(tx: &mut Tx, sku: &str) -> Result<Option<Product>, StoreError> {
    let row = tx.query_opt(&PRODUCT_BY_SKU, &[sku.into()]).await?;
    row.map(read_product).transpose()
}

/// Products for sale, oldest first.
pub async fn products(tx: &mut Tx, query: &ProductQuery) -> Result<Vec<Product>, StoreError> {
    let after = Value::from(query.after.map_or(Uuid::nil(), |id| id.0));
    let limit = Value::from(query.limit);
    let rows = match &query.text {
        None => tx.query(&FOR_SALE, &[after, limit]).await?,
        Some(text) => tx.query(&FOR_SALE_MATCHING, &[after, pattern(text).into(), limit]).await?,
    };
    rows.into_iter().map(read_product).collect()
}

/// All products, for sale or not, oldest first.
pub async fn all_products(
    tx: &mut Tx,
    after: Option<ProductId>,
    limit: u32,
) -> Result<Vec<Product>, StoreError> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows = tx.query(&ALL_PRODUCTS, &[after.into(), limit.into()]).await?;
    rows.into_iter().map(read_product).collect()
}

/// Adds a product; `false` if the id or the number is taken.
pub async fn insert_product(
    tx: &mut Tx,
    product: &Product,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let params = [
        product.id.0.into(),
        Value::from(&product.sku),
        Value::from(&product.name),
        Value::from(&product.description),
        product.image.clone().into(),
        product.price.minor().into(),
        product.price.currency().code().into(),
        product.stock.on_hand().into(),
        product.stock.reserved().into(),
        product.active.into(),
        product.requires_shipping.into(),
        search_text(product).into(),
        at.into(),
    ];
    tx.insert_new(&INSERT, &params).await
}

/// Changes everything about a product but what is reserved of it. `false`, and nothing changed, if
/// there is no such product or more of it is reserved than would lie on the shelf.
pub async fn update_product(
    tx: &mut Tx,
    product: &Product,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let params = [
        product.id.0.into(),
        Value::from(&product.sku),
        Value::from(&product.name),
        Value::from(&product.description),
        product.image.clone().into(),
        product.price.minor().into(),
        product.price.currency().code().into(),
        product.stock.on_hand().into(),
        product.active.into(),
        product.requires_shipping.into(),
        search_text(product).into(),
        at.into(),
    ];
    Ok(tx.exec(&UPDATE, &params).await? == 1)
}

/// A product as the owner of `cart` may have it.
pub async fn offer(tx: &mut Tx, id: ProductId, cart: CartId) -> Result<Option<Offer>, StoreError> {
    let row = tx.query_opt(&OFFER, &[id.0.into(), cart.0.into()]).await?;
    row.map(read_offer).transpose()
}

/// The products of a cart's lines, as its owner may have them. A product that is gone is missing.
pub async fn offers_of_cart(tx: &mut Tx, cart: CartId) -> Result<Vec<Offer>, StoreError> {
    let rows = tx.query(&OFFERS_OF_CART, &[cart.0.into()]).await?;
    rows.into_iter().map(read_offer).collect()
}

/// Sets pieces aside for an order; `false`, and nothing changed, if there are not enough free ones
/// or the product is not for sale.
pub async fn reserve(tx: &mut Tx, id: ProductId, count: u32) -> Result<bool, StoreError> {
    Ok(tx.exec(&RESERVE, &[id.0.into(), count.into()]).await? == 1)
}

/// Gives reserved pieces back to the shelf; `false` if so many are not reserved.
pub async fn release(tx: &mut Tx, id: ProductId, count: u32) -> Result<bool, StoreError> {
    Ok(tx.exec(&RELEASE, &[id.0.into(), count.into()]).await? == 1)
}

/// Turns reserved pieces into sold ones; `false` if so many are not reserved.
pub async fn sell(tx: &mut Tx, id: ProductId, count: u32) -> Result<bool, StoreError> {
    Ok(tx.exec(&SELL, &[id.0.into(), count.into()]).await? == 1)
}

/// What happens to the stock of an order's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockMove {
    /// As [`reserve`].
    Reserve,
    /// As [`release`].
    Release,
    /// As [`sell`].
    Sell,
}

/// Moves the stock of all `lines`, in the order of their products, so that two orders of the same
/// products cannot wait for each other, and in one flight where the database can. Returns the
/// products for which it was refused; the others have moved all the same, so that a caller that
/// gets any must fail its operation.
pub async fn move_stock(
    tx: &mut Tx,
    lines: &[Line],
    movement: StockMove,
) -> Result<Vec<ProductId>, StoreError> {
    let sql = match movement {
        StockMove::Reserve => &RESERVE,
        StockMove::Release => &RELEASE,
        StockMove::Sell => &SELL,
    };
    let mut sorted: Vec<&Line> = lines.iter().collect();
    sorted.sort_by_key(|line| line.product);
    let statements: Vec<_> = sorted
        .iter()
        .map(|line| (sql, vec![line.product.0.into(), line.quantity.count().into()]))
        .collect();
    let moved = tx.execs(&statements).await?;
    let refused = sorted.iter().zip(moved).filter(|(_, matched)| *matched != 1);
    Ok(refused.map(|(line, _)| line.product).collect())
}

fn search_text(product: &Product) -> String {
    format!("{}\n{}\n{}", product.name, product.sku, product.description).to_lowercase()
}

fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.to_lowercase().chars() {
        if matches!(letter, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn read_product(row: Row) -> Result<Product, StoreError> {
    product_of(&mut row.read("products"))
}

fn read_offer(row: Row) -> Result<Offer, StoreError> {
    let mut row = row.read("products");
    let product = product_of(&mut row)?;
    Ok(Offer { product, held: row.count("held")? })
}

fn product_of(row: &mut Columns) -> Result<Product, StoreError> {
    let id = ProductId(row.id("id")?);
    let sku = row.text("sku")?;
    let name = row.text("name")?;
    let description = row.text("description")?;
    let image = row.text_opt("image")?;
    let price_minor = row.int("price_minor")?;
    let currency = row.parsed("currency", str::parse::<Currency>)?;
    let price = Money::new(price_minor, currency).map_err(|e| row.corrupt("price_minor", &e))?;
    let (on_hand, reserved) = (row.count("on_hand")?, row.count("reserved")?);
    let stock = Stock::new(on_hand, reserved).map_err(|e| row.corrupt("reserved", &e))?;
    let active = row.truth("active")?;
    let requires_shipping = row.truth("requires_shipping")?;
    Ok(Product { id, sku, name, description, image, price, stock, active, requires_shipping })
}
