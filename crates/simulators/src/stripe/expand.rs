//! `expand[]`: ids in an answer replaced by the objects they name.

use serde_json::Value;

use super::charge::Charge;
use super::error::ApiError;
use super::params::Params;
use super::payment_intent::PaymentIntent;
use super::payment_method::PaymentMethod;
use super::state::State;

const DEPTH_MAX: usize = 4;

/// Object, property, object that the property names. Properties that are always null here
/// because their objects are not simulated expand to null.
const EXPANDABLE: &[(&str, &str, &str)] = &[
    ("payment_intent", "latest_charge", "charge"),
    ("payment_intent", "payment_method", "payment_method"),
    ("payment_intent", "customer", "customer"),
    ("payment_intent", "application", "application"),
    ("payment_intent", "on_behalf_of", "account"),
    ("payment_intent", "review", "review"),
    ("charge", "payment_intent", "payment_intent"),
    ("charge", "customer", "customer"),
    ("charge", "application", "application"),
    ("charge", "on_behalf_of", "account"),
    ("charge", "review", "review"),
    ("payment_method", "customer", "customer"),
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
    let (list, mut object) = match root.strip_suffix("[]") {
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
        if (object, property) == ("charge", "balance_transaction") {
            return Err(ApiError::not_simulated("balance transactions", "expand"));
        }
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
    let Some(found) = value.get_mut(property) else { return };
    if let Some(object) = found.as_str().and_then(|id| by_id(state, id)) {
        *found = object;
    }
    if let Some(rest) = rest {
        apply(state, found, rest);
    }
}

fn by_id(state: &State, id: &str) -> Option<Value> {
    let intent = || state.payment_intents.get(id).map(PaymentIntent::render);
    let charge = || state.charges.get(id).map(Charge::render);
    let method = || state.payment_methods.get(id).map(PaymentMethod::render);
    intent().or_else(charge).or_else(method)
}
