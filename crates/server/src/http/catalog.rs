//! The catalogue over HTTP.

use axum::{Json, extract::State};
use domain::{catalog::Product as Known, id::ProductId};
use serde::{Deserialize, Serialize};
use storage::catalog::{self, ProductQuery};
use utoipa::{IntoParams, ToSchema};

use super::{
    error::{ApiError, Code},
    read::{Id, NoSuch, Search},
    routes::Web,
    wire::{Amount, currency},
};
use crate::flows::FlowError;

/// Products on a page when the client does not say.
const PAGE: u32 = 24;
/// Products on a page at most: a page of a hundred is a screenful on the widest grid.
const PAGE_MAX: u32 = 100;
/// Longest search text; a product's name is shorter.
const SEARCH_CHARS_MAX: usize = 100;

/// A product of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub struct Product {
    /// The product's id.
    pub id: String,
    /// The merchant's number.
    pub sku: String,
    /// The name.
    pub name: String,
    /// Plain text.
    pub description: String,
    /// A URL, absolute or from the shop's root.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub image: Option<String>,
    /// What one piece costs.
    pub price: Amount,
    /// The shop's currency, such as `eur`.
    pub currency: String,
    /// How many can be ordered: on hand minus reserved.
    pub available: u32,
}

/// A page of products, and where the next one starts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProductPage {
    /// The products.
    pub items: Vec<Product>,
    /// Give it as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProductSearch {
    /// A text in the name, the number or the description.
    pub q: Option<String>,
    /// Where the page starts: the `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// How many, from 1 to 100; 24 unless told.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
}

/// The products that are for sale.
#[utoipa::path(get, path = "/api/products", tag = "catalogue", params(ProductSearch),
    responses((status = 200, description = "A page of products.", body = ProductPage)))]
pub async fn list_products(
    State(web): State<Web>,
    Search(search): Search<ProductSearch>,
) -> Result<Json<ProductPage>, ApiError> {
    let (query, limit) = parse(search)?;
    let mut products = web
        .cx
        .store
        .read(query, |tx, query| Box::pin(catalog::products(tx, query)))
        .await
        .map_err(FlowError::Store)?;
    let more = products.len() > limit as usize;
    products.truncate(limit as usize);
    let last = products.last().map(|product| product.id.to_string());
    Ok(Json(ProductPage {
        items: products.into_iter().map(Product::from).collect(),
        next_cursor: last.filter(|_| more),
    }))
}

/// One product.
#[utoipa::path(get, path = "/api/products/{id}", tag = "catalogue",
    params(("id" = String, Path, description = "The product's id.")),
    responses((status = 200, description = "The product.", body = Product)))]
pub async fn get_product(
    State(web): State<Web>,
    id: Result<Id<ProductId>, NoSuch>,
) -> Result<Json<Product>, ApiError> {
    let Id(id) = id.map_err(|NoSuch| ApiError::new(Code::ProductNotFound))?;
    let product = web
        .cx
        .store
        .read(id, |tx, id| Box::pin(catalog::product(tx, *id)))
        .await
        .map_err(FlowError::Store)?;
    let product = product.filter(|product| product.active);
    Ok(Json(product.ok_or(FlowError::NoSuchProduct)?.into()))
}

/// How many products a page has.
pub fn page_size(search: &ProductSearch) -> Result<u32, ApiError> {
    let limit = search.limit.unwrap_or(PAGE);
    match (1..=PAGE_MAX).contains(&limit) {
        true => Ok(limit),
        false => Err(ApiError::invalid(format!("limit is a number from 1 to {PAGE_MAX}."))),
    }
}

/// One more product than asked for tells whether there is a next page.
fn parse(search: ProductSearch) -> Result<(ProductQuery, u32), ApiError> {
    let limit = page_size(&search)?;
    let after = search.cursor.map(|cursor| cursor.parse::<ProductId>()).transpose();
    let after = after.map_err(|_| {
        ApiError::invalid("cursor is not one of ours: give the nextCursor of the page before.")
    })?;
    let text = search.q.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    if text.as_ref().is_some_and(|text| text.chars().count() > SEARCH_CHARS_MAX) {
        return Err(ApiError::invalid(format!("q is longer than {SEARCH_CHARS_MAX} characters.")));
    }
    // Databases end a text at a zero, or refuse it.
    if text.as_ref().is_some_and(|text| text.contains(char::is_control)) {
        return Err(ApiError::invalid("q holds a control character."));
    }
    Ok((ProductQuery { text, after, limit: limit + 1 }, limit))
}

impl From<Known> for Product {
    fn from(known: Known) -> Self {
        Self {
            id: known.id.to_string(),
            available: known.available(),
            currency: currency(known.price),
            price: known.price.into(),
            sku: known.sku,
            name: known.name,
            description: known.description,
            image: known.image,
        }
    }
}
