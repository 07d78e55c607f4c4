//! The catalogue as shoppers see it.

use serde_json::json;

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::api::filter::Filter;
use crate::elastic_path::api::list;
use crate::elastic_path::routes::{Access, Route};
use crate::elastic_path::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::new("GET", "/catalog/products", Access::Anyone, products),
    Route::new("GET", "/catalog/products/{}", Access::Anyone, product),
];

const FILTERS: &[&str] = &["id", "sku", "slug", "name"];

fn products(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let filter = call.asked("filter").map(Filter::parse).transpose()?;
    let currency = currency(state, call);
    let mut found = Vec::new();
    for product in state.products.values() {
        let of = |field: &str| {
            Some(match field {
                "id" => product.id.clone(),
                "sku" | "slug" => product.sku.clone(),
                _ => product.name.clone(),
            })
        };
        let fits = filter.as_ref().map_or(Ok(true), |filter| filter.holds(of, FILTERS))?;
        if fits {
            found.push(product.render(&currency));
        }
    }
    list::page(call, found)
}

fn product(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let currency = currency(state, call);
    let found = state.products.get(call.id(0));
    let found = found.ok_or_else(|| ApiError::not_found("Product not found"))?;
    Ok(Answer::ok(json!({ "data": found.render(&currency) })))
}

fn currency(state: &State, call: &Call) -> String {
    call.currency.clone().unwrap_or_else(|| state.options.currency.clone())
}
