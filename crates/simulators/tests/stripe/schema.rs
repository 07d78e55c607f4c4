//! Every object that a test sees is held against the types of Stripe's own library.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

struct Schemas {
    whole: Value,
    /// Made when first asked for; `None` for what has no schema.
    validators: Mutex<HashMap<String, Option<Arc<Validator>>>>,
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
        Some(Schemas { whole: serde_json::from_str(&text).unwrap(), validators: Mutex::default() })
    };
    SCHEMAS.get_or_init(load).as_ref()
}

fn validator(name: &str) -> Option<Arc<Validator>> {
    let schemas = schemas()?;
    let make = || {
        let reference = schemas.whole["types"][name].get("$ref")?;
        let schema = json!({ "$ref": reference, "$defs": schemas.whole["$defs"] });
        Some(Arc::new(jsonschema::validator_for(&schema).unwrap()))
    };
    schemas.validators.lock().unwrap().entry(name.to_owned()).or_insert_with(make).clone()
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
    let name = match value["type"].as_str() {
        Some(happened) if kind == "event" => format!("event_{}", happened.replace('.', "_")),
        _ => kind.to_owned(),
    };
    let deleted = value["deleted"] == true;
    let Some(validator) = validator(&name) else { return };
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty() || deleted, "{name} is not valid: {errors:#?}\n{value:#}");
}
