//! Every answer that a test sees is held against the types of Elastic Path's own library, from
//! which `tests/sdk/elastic_path/schemas.mjs` derives the schemas.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use serde_json::{Value, json};

struct Schemas {
    whole: Value,
    /// By operation, made when first asked for.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

static SCHEMAS: OnceLock<Option<Schemas>> = OnceLock::new();

/// Fields of answers that the types do not know, by the end of their path, with the reason.
const BEYOND_THE_TYPES: [(&str, &str); 3] = [
    ("/errors", "they ride along in answers whose types have none"),
    ("/data/transaction-type", "the older spelling, which the manual still prints"),
    ("/data/gift_note", "a field of the store's own"),
];

/// Named by `cargo xtask test`, else where its last run has left it.
fn path() -> Option<PathBuf> {
    if let Ok(named) = std::env::var("TILL_ELASTIC_PATH_SCHEMA") {
        return Some(named.into());
    }
    let left = "../../target/elastic-path-types.schema.json";
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(left)).filter(|path| path.is_file())
}

fn schemas() -> Option<&'static Schemas> {
    let load = || {
        let Some(path) = path() else {
            eprintln!(
                "skipped: answers are not validated, `cargo xtask test --only sdks` derives \
                 Elastic Path's types into target/elastic-path-types.schema.json"
            );
            return None;
        };
        let text = std::fs::read_to_string(&path).unwrap();
        Some(Schemas { whole: serde_json::from_str(&text).unwrap(), validators: Mutex::default() })
    };
    SCHEMAS.get_or_init(load).as_ref()
}

/// `POST /v2/carts/{}/items 201`, if the library knows such an operation. A name in its place
/// counts more than an id.
fn operation(schemas: &Schemas, method: &str, path: &str, status: u16) -> Option<String> {
    let fits = |key: &&String| {
        let mut words = key.split(' ');
        let same = |word: Option<&str>, wanted: &str| word == Some(wanted);
        let shape = (same(words.next(), method)).then(|| words.next()).flatten();
        let (wanted, given): (Vec<&str>, Vec<&str>) =
            (shape.unwrap_or_default().split('/').collect(), path.split('/').collect());
        wanted.len() == given.len()
            && wanted.iter().zip(&given).all(|(one, other)| one == other || *one == "{}")
            && same(words.next(), &status.to_string())
    };
    let types = schemas.whole["types"].as_object().unwrap();
    types.keys().filter(fits).min_by_key(|key| key.matches("{}").count()).cloned()
}

/// Checks the answer of an operation that the library knows.
pub fn check(method: &str, path: &str, status: u16, body: &Value) {
    let Some(schemas) = schemas() else { return };
    // What is really asked for stands behind such a path.
    if path.contains("..") {
        return;
    }
    let Some(operation) = operation(schemas, method, path, status) else { return };
    let make = || {
        let schema = json!({
            "allOf": [schemas.whole["types"][&operation]],
            "$defs": schemas.whole["$defs"],
        });
        Arc::new(jsonschema::validator_for(&schema).unwrap())
    };
    let validator = {
        let mut made = schemas.validators.lock().unwrap_or_else(|error| error.into_inner());
        made.entry(operation.clone()).or_insert_with(make).clone()
    };
    let body = known(body, "");
    let errors: Vec<String> = validator
        .iter_errors(&body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{operation} is not valid: {errors:#?}\n{body:#}");
}

/// Without what is beyond the types.
fn known(value: &Value, path: &str) -> Value {
    match value {
        Value::Object(fields) => {
            let is_beyond = |name: &str| {
                let whole = format!("{path}/{name}");
                BEYOND_THE_TYPES.iter().any(|(end, _)| whole.ends_with(end))
            };
            let kept = fields.iter().filter(|(name, _)| !is_beyond(name));
            kept.map(|(name, value)| (name.clone(), known(value, &format!("{path}/{name}"))))
                .collect()
        }
        Value::Array(items) => items.iter().map(|item| known(item, path)).collect(),
        other => other.clone(),
    }
}
