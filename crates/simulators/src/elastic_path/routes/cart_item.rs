//! The routes of a cart's items. Each answers with all of them.

use serde_json::{Value, json};

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::objects::cart::Cart;
use crate::elastic_path::routes::{Access, Route};
use crate::elastic_path::rules::items::{self, Wanted};
use crate::elastic_path::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::new("GET", "/v2/carts/{}/items", Access::Anyone, read),
    Route::new("POST", "/v2/carts/{}/items", Access::Anyone, add),
    Route::new("PUT", "/v2/carts/{}/items", Access::Anyone, update_all),
    Route::new("DELETE", "/v2/carts/{}/items", Access::Anyone, delete_all),
    Route::new("PUT", "/v2/carts/{}/items/{}", Access::Anyone, update),
    Route::new("DELETE", "/v2/carts/{}/items/{}", Access::Anyone, delete),
];

/// All items, and what could not be done.
fn shown(state: &mut State, call: &Call, errors: Vec<Value>) -> Value {
    let currency = state.options.currency.clone();
    let cart = state.cart(call.id(0));
    let mut body = json!({
        "data": cart.render_items(&currency, &call.base_url),
        "meta": cart.meta(&currency),
    });
    if !errors.is_empty() {
        body["errors"] = errors.into();
    }
    body
}

fn read(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::ok(shown(state, call, Vec::new())))
}

fn add(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let currency = call.currency.clone().unwrap_or_else(|| state.options.currency.clone());
    let add_one = |state: &mut State, cart: &mut Cart, data: &Value| {
        items::add(state, cart, &Wanted { data, currency: &currency })
    };
    let errors = match call.data() {
        Value::Array(all) => each(state, call, all, "add_all_or_nothing", add_one)?,
        one => {
            state.change_cart(call.id(0), |state, cart| add_one(state, cart, one))?;
            Vec::new()
        }
    };
    Ok(Answer::created(shown(state, call, errors)))
}

/// Does something for each of several; unless it was to be all or nothing, what cannot be done is
/// told beside a success.
fn each(
    state: &mut State,
    call: &Call,
    all: &[Value],
    option: &str,
    change: impl Fn(&mut State, &mut Cart, &Value) -> Result<(), ApiError>,
) -> Result<Vec<Value>, ApiError> {
    let together = call.body["options"][option].as_bool().unwrap_or(true);
    if together {
        state.change_cart(call.id(0), |state, cart| {
            all.iter().try_for_each(|one| change(state, cart, one))
        })?;
        return Ok(Vec::new());
    }
    let mut errors = Vec::new();
    for one in all {
        let done = state.change_cart(call.id(0), |state, cart| change(state, cart, one));
        if let Err(error) = done {
            errors.extend(error.errors);
        }
    }
    Ok(errors)
}

fn update(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    state.change_cart(call.id(0), |state, cart| change(state, cart, call.id(1), call.data()))?;
    Ok(Answer::ok(shown(state, call, Vec::new())))
}

fn update_all(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let Value::Array(all) = call.data() else {
        return Err(ApiError::bad_request("data must be a list"));
    };
    let errors = each(state, call, all, "update_all_or_nothing", |state, cart, one| {
        change(state, cart, one["id"].as_str().unwrap_or_default(), one)
    })?;
    Ok(Answer::ok(shown(state, call, errors)))
}

fn change(state: &mut State, cart: &mut Cart, id: &str, data: &Value) -> Result<(), ApiError> {
    let now = state.now();
    let missing = || ApiError::new(404, "Not Found", "Item was not found in the cart");
    let line = cart.lines.iter_mut().find(|line| line.id == id).ok_or_else(missing)?;
    if data.get("quantity").is_some() {
        line.quantity = items::quantity(data)?;
    }
    if let Some(inputs) = data.get("custom_inputs").filter(|inputs| inputs.is_object()) {
        line.custom_inputs = Some(inputs.clone());
    }
    if let Some(group) = data["shipping_group_id"].as_str() {
        line.shipping_group_id = Some(group.to_owned());
    }
    line.updated = now;
    let product = line.product_id().and_then(|id| state.products.get(id));
    product.map_or(Ok(()), |product| items::check_stock(cart, product))
}

fn delete(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    state.change_cart(call.id(0), |_, cart| {
        cart.lines.retain(|line| line.id != call.id(1));
        Ok(())
    })?;
    Ok(Answer::ok(shown(state, call, Vec::new())))
}

fn delete_all(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    state.change_cart(call.id(0), |_, cart| {
        cart.lines.clear();
        Ok(())
    })?;
    Ok(Answer::nothing())
}
