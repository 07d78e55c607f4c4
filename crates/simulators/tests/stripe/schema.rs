//! Every object that a test sees is held against the types of Stripe's own library.
//!
//! `tests/sdk/schemas.mjs` derives the schemas; there each object of the API is described on its
//! own, and what is inside it is checked by its own name here.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

struct Schemas {
    whole: Value,
    /// Made when first asked for; `None` for what has no schema.
    validators: Mutex<HashMap<String, Option<Arc<Validator>>>>,
}

static SCHEMAS: OnceLock<Option<Schemas>> = OnceLock::new();

/// Named by `cargo xtask test`, else where its last run has left it.
fn path() -> Option<PathBuf> {
    if let Ok(named) = std::env::var("TILL_STRIPE_SCHEMA") {
        return Some(named.into());
    }
    let left = "../../target/stripe-types.schema.json";
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(left)).filter(|path| path.is_file())
}

fn schemas() -> Option<&'static Schemas> {
    let load = || {
        let Some(path) = path() else {
            eprintln!(
                "skipped: objects are not validated, `cargo xtask test --only sdks` derives \
                 Stripe's types into target/stripe-types.schema.json"
            );
            return None;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        Some(Schemas { whole: serde_json::from_str(&text).unwrap(), validators: Mutex::default() })
    };
    SCHEMAS.get_or_init(load).as_ref()
}

/// The schema of `name` in `whole`, with the definitions that it reaches and no others: a
/// validator of all of them takes a second to make.
fn standalone(whole: &Value, name: &str) -> Option<Value> {
    let root = whole["types"].get(name)?;
    let mut reached = Map::new();
    let mut seen = HashSet::new();
    let mut next = vec![root];
    while let Some(schema) = next.pop() {
        match schema {
            Value::Object(fields) => {
                next.extend(fields.values());
                let target = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
                if let Some(target) = target.filter(|target| seen.insert(*target)) {
                    next.push(&whole["$defs"][target]);
                    reached.insert(target.to_owned(), whole["$defs"][target].clone());
                }
            }
            Value::Array(items) => next.extend(items),
            _ => {}
        }
    }
    Some(json!({ "$ref": root["$ref"], "$defs": reached }))
}

fn validator(name: &str) -> Option<Arc<Validator>> {
    let schemas = schemas()?;
    let make = || {
        let schema = standalone(&schemas.whole, name)?;
        Some(Arc::new(jsonschema::validator_for(&schema).unwrap()))
    };
    let mut made = schemas.validators.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    made.entry(name.to_owned()).or_insert_with(make).clone()
}

/// The names of a route's parameters at Stripe, nested ones as `shipping[address][city]`.
pub fn params(type_name: &str) -> Option<Vec<String>> {
    let whole = &schemas()?.whole;
    let mut names = Vec::new();
    leaves(whole, &whole["types"][type_name], "", 0, &mut names);
    Some(names)
}

/// Deep enough for every parameter that is simulated, and for each that is not, one below it.
const DEPTH_MAX: usize = 4;

fn leaves(whole: &Value, schema: &Value, name: &str, depth: usize, names: &mut Vec<String>) {
    if let Some(target) = schema["$ref"].as_str() {
        let target = &whole["$defs"][target.rsplit('/').next().unwrap()];
        return leaves(whole, target, name, depth, names);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices.iter().for_each(|choice| leaves(whole, choice, name, depth, names));
    }
    let inside = |inner: &str| match name {
        "" => inner.to_owned(),
        _ => format!("{name}[{inner}]"),
    };
    if depth == DEPTH_MAX {
        names.push(name.to_owned());
    } else if schema["type"] == "array" {
        leaves(whole, &schema["items"], &inside("0"), depth + 1, names);
    } else if schema["type"] == "object" {
        for (inner, schema) in schema["properties"].as_object().unwrap() {
            leaves(whole, schema, &inside(inner), depth + 1, names);
        }
        if schema["additionalProperties"].is_object() {
            leaves(whole, &schema["additionalProperties"], &inside("any"), depth + 1, names);
        }
    } else {
        names.push(name.to_owned());
    }
}

/// Checks every object inside `value` that has a type of its own.
pub fn check(value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(check),
        Value::Object(fields) => {
            if let Some(kind) = value["object"].as_str() {
                check_object(kind, value);
            }
            for (name, inner) in fields {
                // What changed, and what a shop wrote: no objects.
                if name != "previous_attributes" && name != "metadata" {
                    check(inner);
                }
            }
        }
        _ => {}
    }
}

fn check_object(kind: &str, value: &Value) {
    if kind == "event" {
        let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let expected = "api_version created data id livemode object pending_webhooks request type";
        assert_eq!(keys.join(" "), expected);
    }
    if schemas().is_none() || is_deleted_in_v2(kind, value) {
        return;
    }
    let name = name_of(kind, value);
    let validator = validator(&name).unwrap_or_else(|| panic!("Stripe has no {name}: {value:#}"));
    let mut value = value.clone();
    if name.starts_with("v2.") {
        // The types leave out what v2 writes as null, as its own samples do.
        without_nulls(&mut value);
    }
    if let Some(previous) = value.pointer_mut("/data/previous_attributes") {
        without_nulls(previous);
    }
    let errors: Vec<String> = validator
        .iter_errors(&with_whole_previous(&value))
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name} is not valid: {errors:#?}\n{value:#}");
}

/// Inside a changed hash `previous_attributes` names what differs alone; the types know whole
/// hashes only.
fn with_whole_previous(value: &Value) -> Value {
    let mut whole = value.clone();
    let object = &value["data"]["object"];
    if let Some(Value::Object(previous)) = whole.pointer_mut("/data/previous_attributes") {
        for (name, before) in previous {
            *before = overlaid(&object[name], before);
        }
    }
    whole
}

fn overlaid(now: &Value, before: &Value) -> Value {
    let (Value::Object(now), Value::Object(before)) = (now, before) else { return before.clone() };
    let mut whole = now.clone();
    for (name, before) in before {
        whole.insert(name.clone(), overlaid(&now.get(name).cloned().unwrap_or_default(), before));
    }
    whole.into()
}

/// Of what the second API has deleted nothing but its name is left.
fn is_deleted_in_v2(kind: &str, value: &Value) -> bool {
    let is_name = |name: &String| name == "id" || name == "object";
    kind.starts_with("v2.") && value.as_object().unwrap().keys().all(is_name)
}

/// Stripe's types make a partial object of what changed. Events from the wild have null in it for
/// what was not there before, also where the object itself knows no null.
fn without_nulls(previous: &mut Value) {
    if let Value::Object(fields) = previous {
        fields.retain(|_, value| !value.is_null());
        fields.values_mut().for_each(without_nulls);
    }
}

fn name_of(kind: &str, value: &Value) -> String {
    let of_event = value["type"].as_str().map(|happened| happened.replace('.', "_"));
    match (kind, of_event) {
        ("event" | "v2.core.event", Some(happened)) => format!("{kind}_{happened}"),
        _ if value["deleted"] == true => format!("deleted_{kind}"),
        _ => kind.to_owned(),
    }
}

#[test]
fn an_object_with_a_wrong_field_word_or_type_does_not_pass_for_stripes() {
    if schemas().is_none() {
        return;
    }
    let refund = json!({
        "id": "re_1", "object": "refund", "amount": 1, "balance_transaction": null, "charge": "ch_1",
        "created": 1, "currency": "eur", "customer": null, "customer_account": null, "metadata": {}, "payment_intent": "pi_1",
        "payment_method": null, "reason": null, "receipt_number": null,
        "source_transfer_reversal": null, "status": "succeeded", "transfer_reversal": null,
    });
    let errors = |change: fn(&mut Value)| {
        let mut refund = refund.clone();
        change(&mut refund);
        let validator = validator("refund").unwrap();
        validator.iter_errors(&refund).map(|error| error.to_string()).collect::<Vec<_>>()
    };
    let none: [String; 0] = [];
    assert_eq!(errors(|_| {}), none);
    assert_eq!(errors(|refund| refund["paid"] = true.into()).len(), 1);
    assert_eq!(errors(|refund| refund["reason"] = "regret".into()).len(), 1);
    assert_eq!(errors(|refund| refund["amount"] = "1".into()).len(), 1);
    assert_eq!(errors(|refund| refund["charge"] = json!({ "object": "refund" })).len(), 1);
    assert!(errors(|refund| *refund = json!({ "object": "refund" })).len() > 10);
}
