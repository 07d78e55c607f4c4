//! The visitor's cart over HTTP.

use axum::{Extension, Json, extract::State};
use domain::{
    cart::Line,
    catalog::Quantity,
    id::{LineId, ProductId, VisitorId},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    error::{ApiError, Code},
    read::{Body, Id, NoSuch},
    routes::Web,
    wire::{Amount, currency},
};
use crate::flows::{
    FlowError,
    fill_cart::{Change, Filled, fill_cart, look_at_cart},
};

/// What the visitor means to buy.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cart {
    /// The cart's id.
    pub id: String,
    /// In the order in which they were added.
    pub items: Vec<CartLine>,
    /// The sum of the lines.
    pub subtotal: Amount,
    /// The shop's currency, such as `eur`.
    pub currency: String,
}

/// A line of a cart: what an order's line has, and what is new about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CartLine {
    /// What it would be as a line of an order.
    #[serde(flatten)]
    pub line: OrderLine,
    /// What is different since the shopper last looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub changed: Option<LineChange>,
}

/// Some pieces of one product, at the price the shopper saw.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// The line's id.
    pub id: String,
    /// What is bought.
    pub product_id: String,
    /// The merchant's number.
    pub sku: String,
    /// The name.
    pub name: String,
    /// A picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub image: Option<String>,
    /// What one piece costs.
    pub unit_price: Amount,
    /// How many.
    pub quantity: u32,
    /// What the line costs.
    pub line_total: Amount,
}

/// What is different about a line since the shopper last looked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineChange {
    /// What one piece cost before, where that has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub old_unit_price: Option<Amount>,
    /// How many there are, where the line asks for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub available: Option<u32>,
}

/// A product to put into the cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddItem {
    /// What.
    pub product_id: String,
    /// How many, from 1 to 9999.
    pub quantity: i64,
}

/// How many pieces a line should have.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SetQuantity {
    /// How many, from 1 to 9999.
    pub quantity: i64,
}

/// The visitor's cart, brought up to date with the catalogue.
#[utoipa::path(get, path = "/api/cart", tag = "cart",
    responses((status = 200, description = "The cart; lines that changed say so.", body = Cart)))]
pub async fn get_cart(
    State(web): State<Web>,
    Extension(visitor): Extension<VisitorId>,
) -> Result<Json<Cart>, ApiError> {
    render(look_at_cart(&web.cx, visitor).await?)
}

/// Takes everything out of the cart.
#[utoipa::path(delete, path = "/api/cart", tag = "cart",
    responses((status = 200, description = "The empty cart.", body = Cart)))]
pub async fn clear_cart(
    State(web): State<Web>,
    Extension(visitor): Extension<VisitorId>,
) -> Result<Json<Cart>, ApiError> {
    render(fill_cart(&web.cx, visitor, Change::Clear).await?)
}

/// Puts a product into the cart, at its present price.
#[utoipa::path(post, path = "/api/cart/items", tag = "cart", request_body = AddItem,
    responses((status = 200, description = "The cart with the product in it.", body = Cart)))]
pub async fn add_item(
    State(web): State<Web>,
    Extension(visitor): Extension<VisitorId>,
    Body(item): Body<AddItem>,
) -> Result<Json<Cart>, ApiError> {
    let quantity = quantity(item.quantity)?;
    let product = item.product_id.parse::<ProductId>();
    let product = product.map_err(|_| ApiError::new(Code::ProductNotFound))?;
    let change = Change::Add { product, quantity };
    render(fill_cart(&web.cx, visitor, change).await?)
}

/// Sets how many pieces a line asks for.
#[utoipa::path(patch, path = "/api/cart/items/{lineId}", tag = "cart", request_body = SetQuantity,
    params(("lineId" = String, Path, description = "The line's id.")),
    responses((status = 200, description = "The cart with the new quantity.", body = Cart)))]
pub async fn set_quantity(
    State(web): State<Web>,
    Extension(visitor): Extension<VisitorId>,
    line: Result<Id<LineId>, NoSuch>,
    Body(body): Body<SetQuantity>,
) -> Result<Json<Cart>, ApiError> {
    let quantity = quantity(body.quantity)?;
    let change = Change::SetQuantity { line: line_id(line)?, quantity };
    render(fill_cart(&web.cx, visitor, change).await?)
}

/// Takes a line out of the cart.
#[utoipa::path(delete, path = "/api/cart/items/{lineId}", tag = "cart",
    params(("lineId" = String, Path, description = "The line's id.")),
    responses((status = 200, description = "The cart without the line.", body = Cart)))]
pub async fn remove_item(
    State(web): State<Web>,
    Extension(visitor): Extension<VisitorId>,
    line: Result<Id<LineId>, NoSuch>,
) -> Result<Json<Cart>, ApiError> {
    let change = Change::Remove { line: line_id(line)? };
    render(fill_cart(&web.cx, visitor, change).await?)
}

fn line_id(line: Result<Id<LineId>, NoSuch>) -> Result<LineId, ApiError> {
    line.map(|Id(line)| line).map_err(|NoSuch| ApiError::new(Code::LineNotFound))
}

/// How many pieces, as asked.
pub fn quantity(count: i64) -> Result<Quantity, ApiError> {
    Quantity::new(count).map_err(|error| ApiError::invalid(format!("quantity: {error}.")))
}

fn render(filled: Filled) -> Result<Json<Cart>, ApiError> {
    let Filled { cart, drift } = filled;
    let subtotal = cart.subtotal().map_err(FlowError::from)?;
    let wire = lines(cart.lines()).map_err(FlowError::from)?;
    let items = cart.lines().iter().zip(wire).map(|(known, line)| {
        let price = drift.prices.iter().find(|change| change.line == known.id);
        let short = drift.shortages.iter().find(|short| short.product == known.product);
        let changed = (price.is_some() || short.is_some()).then(|| LineChange {
            old_unit_price: price.map(|change| change.old.into()),
            available: short.map(|short| short.available),
        });
        CartLine { line, changed }
    });
    let items = items.collect();
    let id = cart.id.to_string();
    Ok(Json(Cart { id, items, subtotal: subtotal.into(), currency: currency(subtotal) }))
}

/// Lines as the wire has them, in a cart and in an order.
pub fn lines(lines: &[Line]) -> Result<Vec<OrderLine>, domain::money::MoneyError> {
    lines.iter().map(line).collect()
}

fn line(line: &Line) -> Result<OrderLine, domain::money::MoneyError> {
    Ok(OrderLine {
        id: line.id.to_string(),
        product_id: line.product.to_string(),
        sku: line.sku.clone(),
        name: line.name.clone(),
        image: line.image.clone(),
        unit_price: line.unit_price.into(),
        quantity: line.quantity.count(),
        line_total: line.total()?.into(),
    })
}
