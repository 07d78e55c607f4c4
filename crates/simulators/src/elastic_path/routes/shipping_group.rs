//! The routes of a cart's shipping groups.

use serde_json::{Value, json};

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::objects::shipping_group::ShippingGroup;
use crate::elastic_path::routes::{Access, Route};
use crate::elastic_path::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::new("GET", "/v2/carts/{}/shipping-groups", Access::Anyone, list),
    Route::new("POST", "/v2/carts/{}/shipping-groups", Access::Anyone, create),
    Route::new("GET", "/v2/carts/{}/shipping-groups/{}", Access::Anyone, read),
    Route::new("PUT", "/v2/carts/{}/shipping-groups/{}", Access::Anyone, update),
    Route::new("DELETE", "/v2/carts/{}/shipping-groups/{}", Access::Anyone, delete),
];

fn missing() -> ApiError {
    ApiError::new(404, "Not Found", "Shipping group not found")
}

fn rendered(state: &mut State, cart_id: &str) -> Vec<Value> {
    let default = state.options.currency.clone();
    let cart = state.cart(cart_id);
    let currency = cart.currency(&default);
    cart.shipping_groups.iter().map(|group| group.render(cart_id, &currency)).collect()
}

fn shown(state: &mut State, cart_id: &str, id: &str) -> Result<Value, ApiError> {
    let found = rendered(state, cart_id).into_iter().find(|group| group["id"] == id);
    Ok(json!({ "data": found.ok_or_else(missing)? }))
}

fn list(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::ok(json!({ "data": rendered(state, call.id(0)) })))
}

fn read(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    shown(state, call.id(0), call.id(1)).map(Answer::ok)
}

fn create(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let now = state.now();
    let mut group = ShippingGroup {
        id: state.ids.uuid(),
        shipping_type: "standard".into(),
        total: 0,
        tracking_reference: String::new(),
        address: Value::Null,
        delivery_estimate: Value::Null,
        created: now,
        updated: now,
    };
    change(&mut group, call.data())?;
    let id = group.id.clone();
    state.change_cart(call.id(0), |_, cart| {
        cart.shipping_groups.push(group);
        Ok(())
    })?;
    shown(state, call.id(0), &id).map(Answer::created)
}

fn update(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    state.change_cart(call.id(0), |state, cart| {
        let found = cart.shipping_groups.iter_mut().find(|group| group.id == call.id(1));
        let group = found.ok_or_else(missing)?;
        group.updated = state.now();
        change(group, call.data())
    })?;
    shown(state, call.id(0), call.id(1)).map(Answer::ok)
}

fn change(group: &mut ShippingGroup, data: &Value) -> Result<(), ApiError> {
    let price = &data["shipping_price"];
    if let Some(total) = price["total"].as_i64().or_else(|| price["base"].as_i64()) {
        if total < 0 {
            return Err(ApiError::new(400, "number_gte", "Must be greater than or equal to 0"));
        }
        group.total = total;
    }
    let texts = [
        ("shipping_type", &mut group.shipping_type),
        ("tracking_reference", &mut group.tracking_reference),
    ];
    for (name, place) in texts {
        if let Some(text) = data[name].as_str() {
            *place = text.to_owned();
        }
    }
    let objects =
        [("address", &mut group.address), ("delivery_estimate", &mut group.delivery_estimate)];
    for (name, place) in objects {
        if data[name].is_object() {
            *place = data[name].clone();
        }
    }
    let estimate = |end: &str| group.delivery_estimate[end].as_str();
    match (estimate("start"), estimate("end")) {
        (Some(start), Some(end)) if start > end => Err(ApiError::new(
            400,
            "Date Logic Discrepancy",
            "The start date cannot occur after the end date",
        )),
        _ => Ok(()),
    }
}

fn delete(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    state.change_cart(call.id(0), |_, cart| {
        let id = call.id(1);
        if cart.lines.iter().any(|line| line.shipping_group_id.as_deref() == Some(id)) {
            return Err(ApiError::new(
                400,
                "Cannot delete shipping group",
                "Cannot delete shipping groups attached to cart items.",
            ));
        }
        let before = cart.shipping_groups.len();
        cart.shipping_groups.retain(|group| group.id != id);
        if cart.shipping_groups.len() == before { Err(missing()) } else { Ok(()) }
    })?;
    Ok(Answer::nothing())
}
