//! Every object that a test sees is held against the types of Stripe's own library.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};

struct Schemas {
    whole: Value,
    by_type: HashMap<String, jsonschema::Validator>,
}

static SCHEMAS: OnceLock<Option<Schemas>> = OnceLock::new();

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/specs/stripe/types-endive.schema.json")
}

fn schemas() -> Option<&'static Schemas> {
    let load = || {
        let Ok(text) = std::fs::read_to_string(path()) else {
            eprintln!("skipped: {} is not there, objects are not validated", path().display());
            return None;
        };
        let whole: Value = serde_json::from_str(&text).unwrap();
        let mut by_type = HashMap::new();
        for name in whole["types"].as_object().unwrap().keys() {
            let wanted = ["payment_intent", "charge", "payment_method", "webhook_endpoint"];
            if !wanted.contains(&name.as_str()) {
                continue;
            }
            let schema =
                json!({ "$ref": whole["types"][name]["$ref"], "$defs": whole["$defs"].clone() });
            by_type.insert(name.clone(), jsonschema::validator_for(&schema).unwrap());
        }
        Some(Schemas { whole, by_type })
    };
    SCHEMAS.get_or_init(load).as_ref()
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
                // What changed, not an object.
                if name != "previous_attributes" {
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
    let deleted = value["deleted"] == true;
    let Some(validator) = schemas().and_then(|schemas| schemas.by_type.get(kind)) else { return };
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty() || deleted, "{kind} is not valid: {errors:#?}\n{value:#}");
}
