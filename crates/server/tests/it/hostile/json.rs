//! JSON that is right but for one place, and JSON that is not right at all.

use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use super::one_of;

/// Numbers and texts that no parser of ours may stumble over. What begins with `raw:` is written
/// as it stands, because no value holds it.
const ODD: [&str; 27] = [
    "raw:1e999",
    "raw:-1e999",
    "raw:123456789012345678901234567890",
    "raw:-0",
    "raw:1.0000000000000000000001",
    "raw:9223372036854775808",
    "raw:\"\\ud800\"",
    "raw:\"\\u0000\"",
    "raw:{\"id\":1,\"id\":2}",
    "raw:nul",
    "raw:\"",
    "",
    " ",
    "\u{0}",
    "\u{feff}\u{202e}",
    "e\u{301}🦀\u{10ffff}",
    "' or 1=1 --",
    "%00../..",
    "{{7*7}}",
    "00000000-0000-0000-0000-000000000000",
    "ada@example.org\r\nBcc: eve@example.org",
    "true",
    "$mug",
    "$line",
    "$order",
    "$rate",
    "$token",
];

/// Any JSON.
pub fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-2..20_000_i64).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        one_of(&ODD).prop_map(Value::from),
        (0..9000_usize).prop_map(|length| "x".repeat(length).into()),
        (0..200_usize).prop_map(deep),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn deep(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| Value::from(vec![inner]))
}

/// What is changed about a value that is right.
#[derive(Debug, Clone)]
pub enum Change {
    Nothing,
    /// Another value in some place.
    Put(Index, Value),
    /// A field is missing.
    Drop(Index),
    /// A field that nobody knows.
    Add(Index, String, Value),
}

pub fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => Just(Change::Nothing),
        5 => (any::<Index>(), any_json()).prop_map(|(place, value)| Change::Put(place, value)),
        1 => any::<Index>().prop_map(Change::Drop),
        1 => (any::<Index>(), ".{0,8}", any_json())
            .prop_map(|(place, name, value)| Change::Add(place, name, value)),
    ]
}

/// The value with the change, as text.
pub fn changed(mut value: Value, change: &Change) -> String {
    match change {
        Change::Nothing => {}
        Change::Put(place, new) => {
            let mut places = places(&value, "");
            places.push(String::new());
            *value.pointer_mut(place.get(&places)).unwrap() = new.clone();
        }
        Change::Drop(place) => {
            let places = places(&value, "");
            if !places.is_empty() {
                let (parent, name) = place.get(&places).rsplit_once('/').unwrap();
                if let Some(Value::Object(fields)) = value.pointer_mut(parent) {
                    fields.remove(name);
                }
            }
        }
        Change::Add(place, name, new) => {
            let mut places = places(&value, "");
            places.push(String::new());
            if let Some(Value::Object(fields)) = value.pointer_mut(place.get(&places)) {
                fields.insert(name.clone(), new.clone());
            }
        }
    }
    text(&value)
}

/// Pointers to everything inside of a value.
fn places(value: &Value, at: &str) -> Vec<String> {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (format!("{at}/{name}"), value)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(n, item)| (format!("{at}/{n}"), item)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let deeper = inside.iter().flat_map(|(at, value)| places(value, at));
    let deeper: Vec<String> = deeper.collect();
    inside.into_iter().map(|(at, _)| at).chain(deeper).collect()
}

/// As text, with the raw pieces as they stand.
pub fn text(value: &Value) -> String {
    ODD.iter().filter_map(|odd| odd.strip_prefix("raw:")).fold(value.to_string(), |text, raw| {
        text.replace(&json!(format!("raw:{raw}")).to_string(), raw)
    })
}

/// A value as the document describes it, with ids and texts that the shop knows.
pub fn as_documented(document: &Value, schema: &Value, name: &str) -> Value {
    if name == "challenge" {
        // Nobody is asked to solve one.
        return Value::Null;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let name_of = reference.rsplit('/').next().unwrap();
        return as_documented(document, &document["components"]["schemas"][name_of], name);
    }
    for choice in ["allOf", "oneOf", "anyOf"] {
        if let Some(Value::Array(schemas)) = schema.get(choice) {
            return as_documented(document, schemas.last().unwrap(), name);
        }
    }
    if let Some(Value::Object(fields)) = schema.get("properties") {
        let fields = fields
            .iter()
            .map(|(name, schema)| (name.clone(), as_documented(document, schema, name)));
        return Value::Object(fields.collect::<Map<_, _>>());
    }
    let is_a = |kind: &str| {
        schema["type"] == kind
            || schema["type"].as_array().is_some_and(|all| all.contains(&kind.into()))
    };
    match name {
        "productId" => "$mug".into(),
        "orderId" => "$order".into(),
        "gateway" => "stripe".into(),
        "confirmation_token" => "$token".into(),
        "selectedShippingRateId" => "$rate".into(),
        "email" => "ada@example.org".into(),
        "country" => "DE".into(),
        "postalCode" | "postcode" => "10115".into(),
        _ if is_a("integer") || is_a("number") => 2.into(),
        _ if is_a("boolean") => true.into(),
        _ if is_a("array") => vec![as_documented(document, &schema["items"], name)].into(),
        _ => "Ada".into(),
    }
}
