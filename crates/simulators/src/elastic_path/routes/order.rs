//! The order routes: read, list, change, confirm.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::api::filter::Filter;
use crate::elastic_path::api::list;
use crate::elastic_path::api::token::Grant;
use crate::elastic_path::objects::order::{Buyer, Order};
use crate::elastic_path::routes::{Access, Route, transaction};
use crate::elastic_path::rules::checkout::checked_address;
use crate::elastic_path::rules::confirm::{self, order_not_found};
use crate::elastic_path::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::new("GET", "/v2/orders", Access::Reader, list),
    Route::new("GET", "/v2/orders/{}", Access::Reader, read),
    Route::new("PUT", "/v2/orders/{}", Access::Server, update),
    Route::new("GET", "/v2/orders/{}/items", Access::Reader, items),
    Route::new("POST", "/v2/orders/{}/confirm", Access::AfterOrder, confirm_order),
];

const FILTERS: &[&str] = &[
    "external_ref",
    "order_number",
    "email",
    "contact.email",
    "name",
    "account_id",
    "status",
    "payment",
    "shipping",
    "currency",
];

/// What the API itself keeps of an order, which no flow of a store can name so.
const OWN_FIELDS: &[&str] = &[
    "id",
    "type",
    "status",
    "payment",
    "shipping",
    "shipping_address",
    "billing_address",
    "customer",
    "contact",
    "external_ref",
    "order_number",
    "meta",
    "relationships",
    "links",
    "anonymized",
    "payment_intent_id",
    "custom_attributes",
];

pub(crate) fn shown(state: &State, id: &str, with_items: bool) -> Result<Value, ApiError> {
    let order = state.order(id).ok_or_else(order_not_found)?;
    let mut body = json!({ "data": order.render() });
    if with_items {
        body["included"] = json!({ "items": order.render_items() });
    }
    Ok(body)
}

/// A shopper who has logged in sees her own.
fn is_visible(order: &Order, call: &Call) -> bool {
    match (call.grant, &call.account, &order.buyer) {
        (Grant::Implicit, Some(account), Buyer::Account { account_id, .. }) => {
            account_id == account
        }
        (Grant::Implicit, Some(_), Buyer::Guest { .. }) => false,
        (Grant::ClientCredentials, _, _) | (Grant::Implicit, None, _) => true,
    }
}

fn visible<'a>(state: &'a State, call: &Call) -> Result<&'a Order, ApiError> {
    let order = state.order(call.id(0)).filter(|order| is_visible(order, call));
    order.ok_or_else(order_not_found)
}

fn read(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = visible(state, call)?.id.clone();
    shown(state, &id, call.includes("items")).map(Answer::ok)
}

fn items(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let items = visible(state, call)?.render_items();
    Ok(Answer::ok(json!({ "data": items })))
}

/// Newest first. What was made a moment ago may not be there yet.
fn list(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let filter = call.asked("filter").map(Filter::parse).transpose()?;
    let lag = i64::try_from(state.options.modes.order_index_lag_ms).unwrap_or(i64::MAX);
    let lag = SignedDuration::from_millis(lag);
    let mut found = Vec::new();
    for order in state.orders.iter().rev() {
        let is_indexed = state.now().duration_since(order.created) >= lag;
        let of = |field: &str| field_of(order, field);
        let fits = filter.as_ref().map_or(Ok(true), |filter| filter.holds(of, FILTERS))?;
        if is_indexed && fits && is_visible(order, call) {
            found.push(order.render());
        }
    }
    list::page(call, found)
}

fn field_of(order: &Order, field: &str) -> Option<String> {
    let text = |text: &str| Some(text.to_owned());
    match field {
        "external_ref" => order.external_ref.clone(),
        "order_number" => order.order_number.clone(),
        "email" | "contact.email" => order.buyer.field("email").and_then(text),
        "name" => order.buyer.field("name").and_then(text),
        "account_id" => match &order.buyer {
            Buyer::Account { account_id, .. } => text(account_id),
            Buyer::Guest { .. } => None,
        },
        "status" => text(order.status()),
        "payment" => text(order.payment()),
        "shipping" => text(order.shipping()),
        "currency" => text(&order.totals.currency),
        _ => None,
    }
}

/// One change at a time is what the manual shows; a store's own fields may come along.
fn update(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let (id, data, now) = (call.id(0), call.data(), state.now());
    let refused = || ApiError::unprocessable("Order cannot be updated in its current state");
    let mut order = state.order(id).ok_or_else(order_not_found)?.clone();
    if let Some(address) = data.get("shipping_address") {
        order.shipping_address = checked_address("shipping_address", address)?;
    }
    match data.get("status").map(Value::as_str) {
        None => {}
        Some(Some("cancelled")) if !order.fulfilled => order.cancelled = true,
        Some(Some("cancelled")) => return Err(refused()),
        Some(_) => return Err(ApiError::bad_request("status can become cancelled only")),
    }
    match data.get("shipping").map(Value::as_str) {
        None => {}
        Some(Some("fulfilled")) if order.payment() == "paid" && !order.cancelled => {
            order.fulfilled = true;
        }
        Some(Some("fulfilled")) => return Err(refused()),
        Some(_) => return Err(ApiError::bad_request("shipping can become fulfilled only")),
    }
    let texts =
        [("external_ref", &mut order.external_ref), ("order_number", &mut order.order_number)];
    for (name, place) in texts {
        if let Some(text) = data[name].as_str() {
            *place = Some(text.to_owned()).filter(|text| !text.is_empty());
        }
    }
    for (name, value) in data.as_object().into_iter().flatten() {
        if !OWN_FIELDS.contains(&name.as_str()) {
            order.flow_fields.insert(name.clone(), value.clone());
        }
    }
    order.updated = now;
    if let Some(place) = state.order_mut(id) {
        *place = order;
    }
    state.sum_up(id);
    shown(state, id, false).map(Answer::ok)
}

fn confirm_order(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = confirm::confirm(state, call.id(0), call.data())?;
    transaction::shown(state, &id).map(Answer::ok)
}
