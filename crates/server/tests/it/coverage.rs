//! Whether every route, every error code and every documented field has a story.
//!
//! Stories write down what they exchanged with the server (`TILL_COVERAGE_RECORD` names the
//! file); when all have been told, one test compares that with the OpenAPI document
//! (`TILL_COVERAGE_CHECK` names the same file). `cargo xtask test` does both.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Write,
    sync::{LazyLock, Mutex},
};

use http::Method;
use serde_json::{Value, json};
use server::http::{error::Code, openapi, session::code::SessionCode};

use crate::guest::Reply;

static RECORD: LazyLock<Option<Mutex<fs::File>>> = LazyLock::new(|| {
    let path = env::var("TILL_COVERAGE_RECORD").ok()?;
    let file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    Some(Mutex::new(file))
});

/// Writes down one exchange: which operation, which status and code, which fields.
pub fn record(method: &Method, path: &str, sent: Option<&Value>, reply: &Reply) {
    let Some(file) = RECORD.as_ref() else { return };
    let line = json!({
        "operation": operation(method, path.split('?').next().unwrap_or(path)),
        "status": reply.status,
        "code": reply.body["error"]["code"],
        "sent": sent.map(fields).unwrap_or_default(),
        "got": fields(&reply.body),
    });
    writeln!(file.lock().unwrap(), "{line}").unwrap();
}

/// What the document promises and nobody can meet, with the reason.
const NEVER: [(&str, &str); 4] = [
    ("clear_cart answers with items[].", "the cart that is answered has just been emptied"),
    ("cancel_order answers with paidAt", "an order that is paid is not cancelled"),
    ("cancel_order answers with payment.eventId", "likewise"),
    ("Error has error.challenge.siteKey", "the same challenge has a story at start_intent"),
];

/// Every route, code and field of the document that the stories have not met.
#[test]
fn every_route_code_and_documented_field_has_a_story() {
    let Ok(path) = env::var("TILL_COVERAGE_CHECK") else {
        // The run that records checks afterwards.
        if env::var_os("TILL_COVERAGE_RECORD").is_some() {
            return;
        }
        eprintln!("skipped: TILL_COVERAGE_CHECK is not set; `cargo xtask test` sets it");
        return;
    };
    let record = fs::read_to_string(&path).unwrap();
    let met: BTreeSet<String> =
        record.lines().flat_map(|line| words(&serde_json::from_str(line).unwrap())).collect();
    let missing = documented().into_iter().filter(|word| !met.contains(word));
    let missing: Vec<_> =
        missing.filter(|word| !NEVER.iter().any(|(start, _)| word.starts_with(start))).collect();
    assert!(missing.is_empty(), "no story meets:\n{}", missing.join("\n"));
}

/// What one exchange proves.
fn words(line: &Value) -> Vec<String> {
    let operation = line["operation"].as_str().unwrap_or_default();
    let status = line["status"].as_u64().unwrap_or_default();
    let mut words = vec![format!("{operation} answers {status}")];
    if let Some(code) = line["code"].as_str() {
        words.push(format!("code {code}"));
        words.push(format!("{operation} answers {code}"));
    }
    let list = |name: &str| line[name].as_array().cloned().unwrap_or_default();
    for field in list("got") {
        let field = field.as_str().unwrap_or_default();
        words.push(answers_with(operation, field));
    }
    for field in list("sent") {
        words.push(format!("{operation} takes {}", field.as_str().unwrap_or_default()));
    }
    words
}

/// That an operation answers with a field. All failures have one form, and all sessions.
fn answers_with(operation: &str, field: &str) -> String {
    match field {
        _ if field.starts_with("error.") => format!("Error has {field}"),
        _ if !openapi::session_codes(operation).is_empty() => format!("Session has {field}"),
        _ => format!("{operation} answers with {field}"),
    }
}

/// What the document promises. A status of ours that no client can cause (5xx of the server
/// itself) needs a story for its code, not for each route.
fn documented() -> BTreeSet<String> {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let mut promised = BTreeSet::new();
    for (_, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let Some(id) = operation["operationId"].as_str() else { continue };
            for (status, response) in operation["responses"].as_object().unwrap() {
                if status.starts_with('2') {
                    promised.insert(format!("{id} answers {status}"));
                    let schema = &response["content"]["application/json"]["schema"];
                    for field in schema_fields(&document, schema, "") {
                        promised.insert(answers_with(id, &field));
                    }
                }
            }
            for code in openapi::codes(id) {
                if !matches!(code, Code::Server | Code::Unavailable | Code::RateLimited) {
                    promised.insert(format!("{id} answers {}", code.wire().0));
                }
            }
            for code in openapi::session_codes(id) {
                // What depends on the platform is told where the platform is.
                let elsewhere =
                    [SessionCode::Store, SessionCode::Platform, SessionCode::AccountRequired];
                if !elsewhere.contains(&code) {
                    promised.insert(format!("{id} answers {}", code.wire().0));
                }
            }
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            for field in schema_fields(&document, body, "") {
                promised.insert(format!("{id} takes {field}"));
            }
        }
    }
    // A fault of our own cannot be caused from outside without a fault of our own.
    let elsewhere = |code: &&Code| matches!(code, Code::Server | Code::BackendUnsupported);
    let codes = Code::ALL.iter().filter(|code| !elsewhere(code));
    promised.extend(codes.map(|code| format!("code {}", code.wire().0)));
    let error = json!({ "$ref": "#/components/schemas/Error" });
    let fields = schema_fields(&document, &error, "");
    promised.extend(fields.iter().map(|field| format!("Error has {field}")));
    promised
}

/// All fields of a schema, as paths such as `items[].unitPrice`.
fn schema_fields(document: &Value, schema: &Value, path: &str) -> Vec<String> {
    // Where a field may be null, what it else is has a story.
    if schema["type"] == "null" {
        return Vec::new();
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return schema_fields(document, &document["components"]["schemas"][name], path);
    }
    for list in ["allOf", "oneOf", "anyOf"] {
        if let Some(parts) = schema[list].as_array() {
            let parts = parts.iter().flat_map(|part| schema_fields(document, part, path));
            return parts.collect();
        }
    }
    // What is in such an object is named by whoever sends it.
    if schema.get("additionalProperties").is_some_and(Value::is_object) {
        return Vec::new();
    }
    if schema.get("items").is_some() {
        return schema_fields(document, &schema["items"], &format!("{path}[]"));
    }
    let Some(properties) = schema["properties"].as_object() else {
        return if path.is_empty() { Vec::new() } else { vec![path.to_owned()] };
    };
    let dot = if path.is_empty() { "" } else { "." };
    let fields = properties
        .iter()
        .flat_map(|(name, schema)| schema_fields(document, schema, &format!("{path}{dot}{name}")));
    fields.collect()
}

/// All leaves of a value, as the same paths.
fn fields(value: &Value) -> Vec<String> {
    fn walk(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (name, value) in map {
                    let dot = if path.is_empty() { "" } else { "." };
                    walk(value, &format!("{path}{dot}{name}"), found);
                }
            }
            Value::Array(list) => {
                for value in list {
                    walk(value, &format!("{path}[]"), found);
                }
            }
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                found.insert(path.to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(value, "", &mut found);
    found.into_iter().collect()
}

/// The operation that a request meets, by the document's own paths.
fn operation(method: &Method, path: &str) -> String {
    static DOCUMENT: LazyLock<Value> =
        LazyLock::new(|| serde_json::to_value(openapi::document()).unwrap());
    let method = method.as_str().to_lowercase();
    let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let asked = segments(path);
    let fits = |template: &str| {
        let template = segments(template);
        let same =
            |(template, asked): (&String, &String)| template == asked || template.starts_with('{');
        template.len() == asked.len() && template.iter().zip(&asked).all(same)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let met = paths.iter().find(|(template, _)| fits(template));
    let id = met.and_then(|(_, methods)| methods[&method]["operationId"].as_str());
    id.unwrap_or("unknown").to_owned()
}
