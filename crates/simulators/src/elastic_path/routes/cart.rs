//! The cart routes. A cart that nobody knows is made by looking at it.

use serde_json::{Value, json};

use crate::elastic_path::DeleteUnknownCart;
use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::api::list;
use crate::elastic_path::api::token::Grant;
use crate::elastic_path::objects::cart::Cart;
use crate::elastic_path::routes::{Access, Route};
use crate::elastic_path::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::new("GET", "/v2/carts", Access::Anyone, list),
    Route::new("POST", "/v2/carts", Access::Anyone, create),
    Route::new("GET", "/v2/carts/{}", Access::Anyone, read),
    Route::new("PUT", "/v2/carts/{}", Access::Anyone, update),
    Route::new("DELETE", "/v2/carts/{}", Access::Anyone, delete),
    Route::new("DELETE", "/v2/carts/{}/discounts/{}", Access::Anyone, remove_promotion),
    Route::new("POST", "/v2/carts/{}/relationships/accounts", Access::Anyone, associate),
    Route::new("DELETE", "/v2/carts/{}/relationships/accounts", Access::Anyone, dissociate),
];

/// Values a cart can carry for its shop.
const ATTRIBUTES_MAX: usize = 20;

/// The cart as `GET` shows it.
pub(crate) fn shown(state: &mut State, call: &Call, id: &str) -> Value {
    let currency = state.options.currency.clone();
    let cart = state.cart(id);
    let mut body = json!({ "data": cart.render(&currency, &call.base_url) });
    if call.includes("items") && !cart.lines.is_empty() {
        body["included"] = json!({ "items": cart.render_items(&currency, &call.base_url) });
    }
    body
}

fn read(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    Ok(Answer::ok(shown(state, call, call.id(0))))
}

/// The carts of whoever has logged in.
fn list(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let account = call.account.clone().ok_or_else(ApiError::forbidden)?;
    let currency = &state.options.currency;
    let own = state.carts.values().filter(|cart| cart.accounts.contains(&account));
    let found = own.map(|cart| cart.render(currency, &call.base_url)).collect();
    list::page(call, found)
}

fn create(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = state.ids.uuid();
    state.change_cart(&id, |_, cart| change(cart, call.data()))?;
    Ok(Answer::created(shown(state, call, &id)))
}

fn update(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    state.change_cart(call.id(0), |_, cart| change(cart, call.data()))?;
    Ok(Answer::ok(shown(state, call, call.id(0))))
}

fn change(cart: &mut Cart, data: &Value) -> Result<(), ApiError> {
    for (field, place) in [("name", &mut cart.name), ("description", &mut cart.description)] {
        if let Some(text) = data[field].as_str() {
            *place = text.to_owned();
        }
    }
    if let Some(contact) = data["contact"].as_object() {
        if !cart.accounts.is_empty() {
            return Err(ApiError::unprocessable("The cart belongs to an account."));
        }
        cart.contact = Some(Value::Object(contact.clone()));
    }
    let settings = &data["discount_settings"];
    let flags = [
        (&settings["custom_discounts_enabled"], &mut cart.custom_discounts_enabled),
        (&settings["use_rule_promotions"], &mut cart.use_rule_promotions),
        (&data["inventory_settings"]["defer_inventory_check"], &mut cart.defer_inventory_check),
    ];
    for (given, place) in flags {
        if let Some(flag) = given.as_bool() {
            *place = flag;
        }
    }
    if let Some(attributes) = data.get("custom_attributes") {
        check_attributes(attributes)?;
        cart.custom_attributes = Some(attributes.clone());
    }
    match data.get("payment_intent_id").map(Value::as_str) {
        None => {}
        Some(Some("")) => cart.payment_intent = None,
        Some(_) => {
            let source = "data.payment_intent_id";
            return Err(ApiError::field(source, "enum", "payment_intent_id must be empty"));
        }
    }
    Ok(())
}

/// `{name: {type, value}}`, the value being what the type says.
fn check_attributes(attributes: &Value) -> Result<(), ApiError> {
    let wrong = |name: &str| {
        let source = format!("data.custom_attributes.{name}");
        ApiError::field(&source, "invalid_type", "The value is not of its type.")
    };
    let Some(fields) = attributes.as_object().filter(|fields| fields.len() <= ATTRIBUTES_MAX)
    else {
        let detail = format!("custom_attributes may have {ATTRIBUTES_MAX} keys at most");
        return Err(ApiError::field("data.custom_attributes", "object_lte", detail));
    };
    for (name, attribute) in fields {
        let value = &attribute["value"];
        let fits = match attribute["type"].as_str() {
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64(),
            Some("float") => value.is_number(),
            _ => false,
        };
        if !fits {
            return Err(wrong(name));
        }
    }
    Ok(())
}

/// The payment of a cart that is deleted stays as it is.
fn delete(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = call.id(0);
    let Some(cart) = state.carts.get(id) else {
        return match state.options.modes.delete_unknown_cart {
            DeleteUnknownCart::NoContent => Ok(Answer::nothing()),
            DeleteUnknownCart::NotFound => Err(ApiError::not_found("Cart not found")),
        };
    };
    let is_last = |account: &String| {
        state.carts.values().filter(|cart| cart.accounts.contains(account)).count() == 1
    };
    if cart.accounts.iter().any(is_last) {
        return Err(ApiError::new(
            400,
            "Last cart",
            "This is the last cart associated with a customer and it cannot be deleted, try \
             disassociating instead",
        ));
    }
    state.carts.remove(id);
    Ok(Answer::nothing())
}

fn remove_promotion(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    state.change_cart(call.id(0), |_, cart| {
        cart.lines.retain(|line| line.promotion_code() != Some(call.id(1)));
        Ok(())
    })?;
    Ok(Answer::nothing())
}

/// The account that the body names, if the caller may speak for it.
fn account(state: &State, call: &Call) -> Result<String, ApiError> {
    let forbidden = |detail: &str| ApiError::new(403, "Forbidden", detail);
    let [one] = call.data().as_array().map(Vec::as_slice).unwrap_or_default() else {
        let several = call.data().as_array().is_some_and(|all| all.len() > 1);
        return Err(forbidden(match several {
            true => "Cannot associate more than one account",
            false => "Invalid json payload",
        }));
    };
    let known = |id: &&str| state.accounts.iter().any(|account| account.id == **id);
    let id = one["id"].as_str().filter(known);
    let id = id.ok_or_else(|| ApiError::bad_request("Account not found"))?;
    let speaks = call.account.as_deref() == Some(id) || call.grant == Grant::ClientCredentials;
    if speaks { Ok(id.to_owned()) } else { Err(ApiError::forbidden()) }
}

fn associate(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let account = account(state, call)?;
    let is_new = state.change_cart(call.id(0), |_, cart| {
        if cart.contact.is_some() {
            let detail = "Unable to associate accounts to carts with contact emails attached.";
            let title = "Cannot associate accounts to carts with contact emails";
            let error = ApiError::new(400, title, detail);
            return Err(ApiError { status: 422, ..error });
        }
        if cart.accounts.iter().any(|other| *other != account) {
            return Err(ApiError::new(403, "Forbidden", "Cannot associate more than one account"));
        }
        let is_new = cart.accounts.is_empty();
        cart.accounts = vec![account.clone()];
        Ok(is_new)
    })?;
    Ok(match is_new {
        true => Answer::ok(json!({ "data": [{ "type": "account", "id": account }] })),
        false => Answer::nothing(),
    })
}

fn dissociate(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let account = account(state, call)?;
    state.change_cart(call.id(0), |_, cart| {
        cart.accounts.retain(|other| *other != account);
        Ok(())
    })?;
    Ok(Answer::nothing())
}
