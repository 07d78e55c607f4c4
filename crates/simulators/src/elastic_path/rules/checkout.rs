//! The checkout: a new order of what is in the cart, every time. The cart stays as it is.

use serde_json::{Map, Value, json};

use crate::elastic_path::EmptyCheckout;
use crate::elastic_path::api::call::Call;
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::objects::order::{Buyer, Order};
use crate::elastic_path::rules::items;
use crate::elastic_path::state::State;

/// Characters of an external reference.
const EXTERNAL_REF_MAX: usize = 64;

const ADDRESS_REQUIRED: [&str; 5] = ["first_name", "last_name", "line_1", "postcode", "country"];

/// Makes an order of a cart; its id.
pub(crate) fn check_out(state: &mut State, cart_id: &str, call: &Call) -> Result<String, ApiError> {
    let data = call.data();
    let buyer = buyer(data, call.account.as_deref())?;
    let mut wrong = Vec::new();
    for name in ["billing_address", "shipping_address"] {
        check_address(name, &data[name], &mut wrong);
    }
    for name in ["order_number", "external_ref"] {
        if data.get(name).is_some_and(|value| !value.is_string()) {
            wrong.push(problem(name, "invalid_type", "Invalid type. Expected: string"));
        }
    }
    if data["external_ref"].as_str().is_some_and(|text| text.chars().count() > EXTERNAL_REF_MAX) {
        let detail = format!("String length must be less than or equal to {EXTERNAL_REF_MAX}");
        wrong.push(problem("external_ref", "string_lte", &detail));
    }
    if !wrong.is_empty() {
        return Err(ApiError { status: 400, errors: wrong });
    }
    let cart = state.cart(cart_id).clone();
    if cart.lines.is_empty() {
        let (status, detail) = (400, "The cart is empty.");
        return Err(match state.options.modes.empty_checkout {
            EmptyCheckout::BadRequest => ApiError::new(status, "Bad Request", detail),
            EmptyCheckout::Unprocessable => ApiError::unprocessable(detail),
        });
    }
    for line in &cart.lines {
        let product = line.product_id().and_then(|id| state.products.get(id));
        if let Some(product) = product {
            // The final check is made for carts that put it off too.
            let mut cart = cart.clone();
            cart.defer_inventory_check = false;
            items::check_stock(&cart, product)?;
        }
    }
    let id = state.ids.uuid();
    let lines = cart.priced().into_iter().map(|line| (state.ids.uuid(), line)).collect();
    let text = |name: &str| data[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    state.orders.push(Order {
        id: id.clone(),
        cart_id: cart_id.to_owned(),
        order_number: text("order_number"),
        external_ref: text("external_ref"),
        buyer,
        billing_address: data["billing_address"].clone(),
        shipping_address: data["shipping_address"].clone(),
        custom_attributes: cart.custom_attributes.clone(),
        flow_fields: Map::new(),
        payment_intent: cart.payment_intent.clone(),
        confirmed_intent: None,
        lines,
        totals: cart.totals(&state.options.currency),
        paid: 0,
        authorized: 0,
        refunded: 0,
        settled: false,
        allocated: false,
        fulfilled: false,
        cancelled: false,
        created: state.now(),
        updated: state.now(),
        fully_paid: None,
    });
    Ok(id)
}

/// `customer` of a guest, or `contact` of whoever has an account.
fn buyer(data: &Value, logged_in: Option<&str>) -> Result<Buyer, ApiError> {
    let (name, person) = match (&data["customer"], &data["contact"]) {
        (customer @ Value::Object(_), _) => ("customer", customer),
        (_, contact @ Value::Object(_)) => ("contact", contact),
        _ => return Err(ApiError::field("data.customer", "required", "customer is required")),
    };
    let source = format!("data.{name}.email");
    match person["email"].as_str() {
        Some(email) if is_email(email) => {}
        Some(_) => return Err(ApiError::field(&source, "format", "Does not match format 'email'")),
        None => return Err(ApiError::field(&source, "required", "email is required")),
    }
    if person["name"].is_null() {
        let source = format!("data.{name}.name");
        return Err(ApiError::field(&source, "required", "name is required"));
    }
    if name == "customer" {
        return Ok(Buyer::Guest { customer: person.clone() });
    }
    let account = data["account"]["id"].as_str().or(logged_in);
    let required = || ApiError::field("data.account", "required", "account is required");
    let account_id = account.ok_or_else(required)?.to_owned();
    Ok(Buyer::Account { account_id, contact: person.clone() })
}

fn is_email(text: &str) -> bool {
    let halves = text.split_once('@');
    let plain = |half: &str| !half.is_empty() && !half.contains(['@', ' ', '\t', '\n']);
    halves.is_some_and(|(local, domain)| plain(local) && plain(domain))
}

fn problem(source: &str, title: &str, detail: &str) -> Value {
    json!({ "status": 400, "source": format!("data.{source}"), "title": title, "detail": detail })
}

/// Everything about an address must be a text, if an empty one.
fn check_address(name: &str, address: &Value, wrong: &mut Vec<Value>) {
    let Some(fields) = address.as_object() else {
        wrong.push(problem(name, "required", &format!("{name} is required")));
        return;
    };
    for (field, value) in fields.iter().filter(|(_, value)| !value.is_string()) {
        let kind = if value.is_null() { "null" } else { "another" };
        let detail = format!("Invalid type. Expected: string, given: {kind}");
        wrong.push(problem(&format!("{name}.{field}"), "invalid_type", &detail));
    }
    for field in ADDRESS_REQUIRED {
        if !fields.contains_key(field) {
            wrong.push(problem(
                &format!("{name}.{field}"),
                "required",
                &format!("{field} is required"),
            ));
        }
    }
    if !fields.contains_key("region") && !fields.contains_key("county") {
        wrong.push(problem(&format!("{name}.county"), "required", "county is required"));
    }
}

/// The address, if an order can have it.
pub(crate) fn checked_address(name: &str, address: &Value) -> Result<Value, ApiError> {
    let mut wrong = Vec::new();
    check_address(name, address, &mut wrong);
    match wrong.is_empty() {
        true => Ok(address.clone()),
        false => Err(ApiError { status: 400, errors: wrong }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_all_that_is_wrong_with_it() {
        let mut wrong = Vec::new();
        let address = json!({ "first_name": "", "last_name": null, "line_1": "", "country": "US" });
        check_address("billing_address", &address, &mut wrong);
        let said: Vec<String> = wrong
            .iter()
            .map(|error| format!("{} {}", error["source"], error["title"]).replace('"', ""))
            .collect();
        assert_eq!(
            said,
            [
                "data.billing_address.last_name invalid_type",
                "data.billing_address.postcode required",
                "data.billing_address.county required",
            ]
        );
    }

    #[test]
    fn an_email_has_two_halves() {
        assert!(is_email("jane@example.com"));
        for wrong in ["jane", "@example.com", "jane@", "a@b@c", "a b@c.d"] {
            assert!(!is_email(wrong), "{wrong}");
        }
    }
}
