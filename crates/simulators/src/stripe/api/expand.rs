//! `expand[]`: ids in an answer replaced by the objects they name.

use serde_json::Value;

use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params::Params;
use crate::stripe::objects::charge::Charge;
use crate::stripe::objects::customer::Customer;
use crate::stripe::objects::payment_intent::PaymentIntent;
use crate::stripe::objects::payment_method::PaymentMethod;
use crate::stripe::objects::refund::Refund;
use crate::stripe::state::State;

const DEPTH_MAX: usize = 4;

/// Object, property, object that the property names. A property that is always null here, because
/// its objects are not simulated, expands to null.
const EXPANDABLE: &[(&str, &str, &str)] = &[
    ("balance_transaction", "source", "charge"),
    ("charge", "application", "application"),
    ("charge", "balance_transaction", "balance_transaction"),
    ("charge", "customer", "customer"),
    ("charge", "failure_balance_transaction", "balance_transaction"),
    ("charge", "on_behalf_of", "account"),
    ("charge", "payment_intent", "payment_intent"),
    ("charge", "refunds", "list of refund"),
    ("charge", "review", "review"),
    ("customer", "default_source", "source"),
    ("customer", "invoice_settings", "customer.invoice_settings"),
    ("customer.invoice_settings", "default_payment_method", "payment_method"),
    ("dispute", "charge", "charge"),
    ("dispute", "payment_intent", "payment_intent"),
    ("list of refund", "data", "refund"),
    ("payment_intent", "application", "application"),
    ("payment_intent", "customer", "customer"),
    ("payment_intent", "latest_charge", "charge"),
    ("payment_intent", "on_behalf_of", "account"),
    ("payment_intent", "payment_method", "payment_method"),
    ("payment_intent", "review", "review"),
    ("payment_method", "customer", "customer"),
    ("radar.early_fraud_warning", "charge", "charge"),
    ("radar.early_fraud_warning", "payment_intent", "payment_intent"),
    ("refund", "balance_transaction", "balance_transaction"),
    ("refund", "charge", "charge"),
    ("refund", "customer", "customer"),
    ("refund", "failure_balance_transaction", "balance_transaction"),
    ("refund", "payment_intent", "payment_intent"),
    ("refund", "payment_method", "payment_method"),
];

/// The paths of a request, checked against the object `root` that its route answers with.
pub(crate) fn read(params: &Params, root: &'static str) -> Result<Vec<String>, ApiError> {
    let paths = params.list("expand");
    for path in &paths {
        check(path, root)?;
    }
    Ok(paths)
}

fn check(path: &str, root: &'static str) -> Result<(), ApiError> {
    let refuse = |text: String| Err(ApiError::invalid(text).param("expand"));
    if path == "total_count" && root.ends_with("[?]") {
        return Ok(());
    }
    let (list, mut object) = match root.strip_suffix("[]").or_else(|| root.strip_suffix("[?]")) {
        Some(item) => (true, item),
        None => (false, root),
    };
    let inner = if list { path.strip_prefix("data.") } else { Some(path) };
    let Some(inner) = inner else {
        return refuse(format!(
            "This property cannot be expanded ({path}). You may want to try expanding \
             'data.{path}' instead."
        ));
    };
    if path.split('.').count() > DEPTH_MAX {
        return refuse(format!("You cannot expand more than {DEPTH_MAX} levels: {path}."));
    }
    for property in inner.split('.') {
        let found = EXPANDABLE.iter().find(|(from, name, _)| (*from, *name) == (object, property));
        let Some((_, _, to)) = found else {
            return refuse(format!("This property cannot be expanded ({path})."));
        };
        object = to;
    }
    Ok(())
}

pub(crate) fn apply(state: &State, value: &mut Value, path: &str) {
    if let Value::Array(items) = value {
        items.iter_mut().for_each(|item| apply(state, item, path));
        return;
    }
    let (property, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
    if property == "refunds"
        && let Some(refunds) = refunds(state, value)
    {
        value["refunds"] = refunds;
    }
    let Some(found) = value.get_mut(property) else { return };
    if let Some(object) = found.as_str().and_then(|id| by_id(state, id)) {
        *found = object;
    }
    if let Some(rest) = rest {
        apply(state, found, rest);
    }
}

/// The newest refunds of a charge: a list that is there only when it is asked for, and that a
/// second path through it must not make anew.
fn refunds(state: &State, charge: &Value) -> Option<Value> {
    if charge["object"] != "charge" || charge.get("refunds").is_some() {
        return None;
    }
    let id = charge["id"].as_str()?;
    let listing = Listing::read(&Params::default()).ok()?;
    let page =
        listing.page(&state.refunds, "refund", |refund: &Refund| refund.charge == id).ok()?;
    Some(page.render(&format!("/v1/charges/{id}/refunds"), Refund::render))
}

/// The object of this id as it is shown, whatever it is.
pub(crate) fn by_id(state: &State, id: &str) -> Option<Value> {
    let intent = || state.payment_intents.get(id).map(PaymentIntent::render);
    let charge = || state.charges.get(id).map(Charge::render);
    let method = || state.payment_methods.get(id).map(PaymentMethod::render);
    let customer = || state.customers.get(id).map(Customer::render);
    let refund = || state.refunds.get(id).map(Refund::render);
    let dispute = || state.disputes.get(id).map(|dispute| dispute.render(state));
    let booked =
        || state.balance_transactions.get(id).map(|line| line.render(state.clock.seconds()));
    intent()
        .or_else(charge)
        .or_else(method)
        .or_else(customer)
        .or_else(booked)
        .or_else(refund)
        .or_else(dispute)
}
