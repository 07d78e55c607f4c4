//! The shop API with Elastic Path behind it: the same products and carts on the wire, read from the
//! platform. What the native backend alone can do answers that it is not here.

use axum::{Extension, Json, extract::State};
use domain::{
    catalog::Quantity,
    elastic_path::{EpItemId, EpProductId},
    id::VisitorId,
    money::{Currency, Money},
};
use gateways::elastic_path::{
    Caller,
    cart::{CartView, LineKind},
    catalogue::ProductView,
};

use super::{
    cart::{AddItem, Cart, CartLine, OrderLine, SetQuantity, quantity},
    catalog::{Product, ProductPage, ProductSearch, page_size},
    error::{ApiError, Code},
    read::{Body, Id, NoSuch, Search},
    routes::PlatformWeb,
    wire::currency,
};
use crate::flows::{
    FlowError,
    platform_cart::{Change, fill_cart, look_at_cart},
};

/// What this platform does not say. It refuses what it has too little of when it is asked for it.
const AVAILABLE: u32 = Quantity::MAX;

/// The products that are for sale. The platform's catalogue is not searched by text.
pub async fn list_products(
    State(web): State<PlatformWeb>,
    Search(search): Search<ProductSearch>,
) -> Result<Json<ProductPage>, ApiError> {
    let limit = page_size(&search)?;
    if search.q.is_some_and(|text| !text.trim().is_empty()) {
        return Err(ApiError::invalid("This shop's catalogue is not searched by text: omit q."));
    }
    let cursor = search.cursor.unwrap_or_else(|| "0".to_owned()).parse::<usize>();
    let offset = cursor.ok().filter(|offset| *offset <= OFFSET_MAX).ok_or_else(|| {
        ApiError::invalid("cursor is not one of ours: give the nextCursor of the page before.")
    })?;
    let page = web.px.elastic_path.product_page(Caller::Implicit, offset, limit as usize).await;
    let page = page.map_err(FlowError::from)?;
    let next = offset + page.products.len();
    let more = page.total.is_some_and(|total| (next as u64) < total) && !page.products.is_empty();
    Ok(Json(ProductPage {
        // What has no price in this shop's currency cannot be bought here.
        items: page.products.into_iter().filter_map(product).collect(),
        next_cursor: more.then(|| next.to_string()),
    }))
}

/// One product.
pub async fn get_product(
    State(web): State<PlatformWeb>,
    id: Result<Id<EpProductId>, NoSuch>,
) -> Result<Json<Product>, ApiError> {
    let Id(id) = id.map_err(|NoSuch| ApiError::new(Code::ProductNotFound))?;
    let found = web.px.elastic_path.product(Caller::Implicit, &id).await;
    let found = found.map_err(|error| match error.refusal() {
        Some(no) if no.is_not_found() => FlowError::NoSuchProduct,
        Some(_) | None => error.into(),
    })?;
    Ok(Json(product(found).ok_or(FlowError::NoSuchProduct)?))
}

/// The visitor's cart.
pub async fn get_cart(
    State(web): State<PlatformWeb>,
    Extension(visitor): Extension<VisitorId>,
) -> Result<Json<Cart>, ApiError> {
    render(&web, look_at_cart(&web.px, visitor).await?)
}

/// Takes everything out of the cart.
pub async fn clear_cart(
    State(web): State<PlatformWeb>,
    Extension(visitor): Extension<VisitorId>,
) -> Result<Json<Cart>, ApiError> {
    render(&web, fill_cart(&web.px, visitor, Change::Clear).await?)
}

/// Puts a product into the cart; her first one makes it.
pub async fn add_item(
    State(web): State<PlatformWeb>,
    Extension(visitor): Extension<VisitorId>,
    Body(item): Body<AddItem>,
) -> Result<Json<Cart>, ApiError> {
    let quantity = quantity(item.quantity)?;
    let product = item.product_id.parse::<EpProductId>();
    let product = product.map_err(|_| ApiError::new(Code::ProductNotFound))?;
    let change = Change::Add { product, quantity };
    render(&web, fill_cart(&web.px, visitor, change).await?)
}

/// Sets how many pieces a line asks for.
pub async fn set_quantity(
    State(web): State<PlatformWeb>,
    Extension(visitor): Extension<VisitorId>,
    line: Result<Id<EpItemId>, NoSuch>,
    Body(body): Body<SetQuantity>,
) -> Result<Json<Cart>, ApiError> {
    let change = Change::SetQuantity { line: line_id(line)?, quantity: quantity(body.quantity)? };
    render(&web, fill_cart(&web.px, visitor, change).await?)
}

/// Takes a line out of the cart.
pub async fn remove_item(
    State(web): State<PlatformWeb>,
    Extension(visitor): Extension<VisitorId>,
    line: Result<Id<EpItemId>, NoSuch>,
) -> Result<Json<Cart>, ApiError> {
    let change = Change::Remove { line: line_id(line)? };
    render(&web, fill_cart(&web.px, visitor, change).await?)
}

/// What the native backend alone can do.
pub async fn unsupported(State(_): State<PlatformWeb>) -> ApiError {
    ApiError::new(Code::BackendUnsupported)
}

/// Elastic Path pages no further.
const OFFSET_MAX: usize = 10_000;

fn line_id(line: Result<Id<EpItemId>, NoSuch>) -> Result<EpItemId, ApiError> {
    line.map(|Id(line)| line).map_err(|NoSuch| ApiError::new(Code::LineNotFound))
}

fn product(known: ProductView) -> Option<Product> {
    let price = known.price?;
    Some(Product {
        id: known.id.to_string(),
        sku: known.sku,
        name: known.name,
        description: known.description,
        image: None,
        price: price.into(),
        currency: currency(price),
        available: AVAILABLE,
    })
}

/// The goods of a cart, and what they cost. Shipping and promotions are no goods: they show in what a
/// checkout session says of the total.
fn render(web: &PlatformWeb, cart: Option<CartView>) -> Result<Json<Cart>, ApiError> {
    let shops = web.px.shop.prices.currency;
    let Some(cart) = cart else {
        let (id, subtotal) = (String::new(), Money::zero(shops));
        let (items, currency) = (Vec::new(), currency(subtotal));
        return Ok(Json(Cart { id, items, subtotal: subtotal.into(), currency }));
    };
    let of_cart = cart.total.map_or(shops, Money::currency);
    let (items, subtotal) = goods(&cart, of_cart).map_err(FlowError::from)?;
    let (id, currency) = (cart.id.to_string(), currency(subtotal));
    Ok(Json(Cart { id, items, subtotal: subtotal.into(), currency }))
}

fn goods(
    cart: &CartView,
    currency: Currency,
) -> Result<(Vec<CartLine>, Money), domain::money::MoneyError> {
    let (mut items, mut subtotal) = (Vec::new(), Money::zero(currency));
    for line in &cart.lines {
        let is_goods = matches!(line.kind, LineKind::Product | LineKind::Subscription);
        let (true, Ok(quantity)) = (is_goods, Quantity::new(line.quantity)) else { continue };
        let unit_price = Money::new(line.price_minor, currency)?;
        let line_total = unit_price.times(quantity.count())?;
        subtotal = subtotal.plus(line_total)?;
        let line = OrderLine {
            id: line.id.to_string(),
            product_id: line.product.as_ref().map(ToString::to_string).unwrap_or_default(),
            sku: line.sku.clone().unwrap_or_default(),
            name: line.name.clone(),
            image: None,
            unit_price: unit_price.into(),
            quantity: quantity.count(),
            line_total: line_total.into(),
        };
        items.push(CartLine { line, changed: None });
    }
    Ok((items, subtotal))
}

/// The orders of a customer who is signed in: there are no accounts here.
pub async fn nobody_signs_in() -> ApiError {
    ApiError::new(Code::SignIn)
}
