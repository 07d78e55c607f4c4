//! What a merchant sets once: currencies, gateways, integrations. They are kept and shown;
//! integrations are never called.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::elastic_path::Options;
use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::api::list;
use crate::elastic_path::objects::price::{decimals, symbol};
use crate::elastic_path::routes::{Access, Route};
use crate::elastic_path::state::State;
use crate::ids::Ids;

pub(crate) const ROUTES: &[Route] = &[
    Route::new("GET", "/v2/currencies", Access::Anyone, currencies),
    Route::new("GET", "/v2/currencies/{}", Access::Anyone, currency),
    Route::new("GET", "/v2/gateways", Access::Server, gateways),
    Route::new("GET", "/v2/gateways/{}", Access::Server, gateway),
    Route::new("PUT", "/v2/gateways/{}", Access::Server, set_gateway),
    Route::new("GET", "/v2/integrations", Access::Server, integrations),
    Route::new("POST", "/v2/integrations", Access::Server, add_integration),
    Route::new("GET", "/v2/integrations/{}", Access::Server, integration),
    Route::new("PUT", "/v2/integrations/{}", Access::Server, set_integration),
    Route::new("DELETE", "/v2/integrations/{}", Access::Server, remove_integration),
];

/// Stripe's gateway and the one by hand, both switched on.
pub(crate) fn default_gateways(options: &Options, ids: &mut Ids) -> BTreeMap<String, Value> {
    let gateways = [
        json!({
            "id": ids.uuid(),
            "type": "gateway",
            "name": "Elastic Path Payments powered by Stripe",
            "slug": "elastic_path_payments_stripe",
            "enabled": true,
            "stripe_account": options.stripe_account,
            "test": true,
        }),
        json!({
            "id": ids.uuid(),
            "type": "gateway",
            "name": "Manual",
            "slug": "manual",
            "enabled": true,
        }),
    ];
    let slug = |gateway: &Value| gateway["slug"].as_str().unwrap_or_default().to_owned();
    gateways.into_iter().map(|gateway| (slug(&gateway), gateway)).collect()
}

/// Those in which anything has a price, and the store's own.
fn known_currencies(state: &State) -> Vec<Value> {
    let of_products = state.products.values().flat_map(|product| product.prices.keys());
    let mut codes: BTreeSet<&String> = of_products.collect();
    codes.insert(&state.options.currency);
    let show = |code: &String| {
        json!({
            "id": code,
            "type": "currency",
            "code": code,
            "exchange_rate": 1,
            "format": format!("{}{{price}}", symbol(code)),
            "decimal_point": ".",
            "thousand_separator": ",",
            "decimal_places": decimals(code),
            "default": *code == state.options.currency,
            "enabled": true,
        })
    };
    codes.into_iter().map(show).collect()
}

fn currencies(state: &mut State, _: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::ok(json!({ "data": known_currencies(state) })))
}

fn currency(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let found = known_currencies(state).into_iter().find(|currency| currency["id"] == call.id(0));
    one(found.as_ref())
}

fn one(found: Option<&Value>) -> Result<Answer, ApiError> {
    let found = found.ok_or_else(|| ApiError::not_found("The requested object was not found"))?;
    Ok(Answer::ok(json!({ "data": found })))
}

fn gateways(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    list::page(call, state.gateways.values().cloned().collect())
}

fn gateway(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    one(state.gateways.get(call.id(0)))
}

fn set_gateway(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let place = state.gateways.get_mut(call.id(0));
    change(place, call.data())
}

/// Puts what is given over what is there.
fn change(place: Option<&mut Value>, data: &Value) -> Result<Answer, ApiError> {
    let Some(place) = place else { return one(None) };
    for (name, value) in data.as_object().into_iter().flatten() {
        if name != "id" && name != "slug" {
            place[name] = value.clone();
        }
    }
    one(Some(place))
}

fn integrations(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    list::page(call, state.integrations.values().cloned().collect())
}

fn integration(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    one(state.integrations.get(call.id(0)))
}

fn add_integration(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = state.ids.uuid();
    let mut integration = call.data().clone();
    if !integration.is_object() {
        return Err(ApiError::bad_request("data must be an object"));
    }
    integration["id"] = json!(id);
    integration["type"] = json!("integration");
    state.integrations.insert(id, integration.clone());
    Ok(Answer::created(json!({ "data": integration })))
}

fn set_integration(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    change(state.integrations.get_mut(call.id(0)), call.data())
}

fn remove_integration(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    match state.integrations.remove(call.id(0)) {
        Some(_) => Ok(Answer::nothing()),
        None => one(None),
    }
}
