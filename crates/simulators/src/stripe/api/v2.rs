//! What is different under `/v2`: JSON bodies, pages by token, errors without `param`
//! (docs.stripe.com/api-v2-overview).

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::form::{Form, bracketed};
use crate::stripe::api::params::{Field, Params};
use crate::stripe::table::{Row, Table};

const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: i64 = 100;

/// The parameters that every list takes.
pub(crate) const PAGE: &[&str] = &["limit", "page"];

/// Which half of the API a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Api {
    V1,
    V2,
}

impl Api {
    pub fn of(path: &str) -> Self {
        if path.starts_with("/v2/") { Self::V2 } else { Self::V1 }
    }
}

/// Reads a body into `map`. False when it is not an object of texts, lists and objects: nothing
/// that is simulated takes a number or a truth value.
pub(crate) fn parse(body: &[u8], map: &mut BTreeMap<String, Form>) -> bool {
    if body.is_empty() {
        return true;
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return false };
    for (name, value) in fields {
        let Some(form) = form(value) else { return false };
        map.insert(name, form);
    }
    true
}

/// `null` removes, as an empty text does in a form.
fn form(value: Value) -> Option<Form> {
    match value {
        Value::Null => Some(Form::Text(String::new())),
        Value::String(text) => Some(Form::Text(text)),
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            items.map(|(place, item)| Some((place.to_string(), form(item)?))).collect::<Option<_>>()
        }
        .map(Form::Map),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields.map(|(name, value)| Some((name, form(value)?))).collect::<Option<_>>()
        }
        .map(Form::Map),
        Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A list of a query, which may be a single text.
pub(crate) fn list(params: &Params, name: &str) -> Result<Vec<String>, ApiError> {
    if params.map(name).is_some() {
        return Ok(params.list(name));
    }
    match params.field(name)? {
        Field::Set(one) => Ok(vec![one]),
        Field::Absent | Field::Unset => Ok(Vec::new()),
    }
}

/// The page that a call asks for, newest first.
pub(crate) fn page<T: Row>(
    call: &Call,
    table: &Table<T>,
    wanted: impl Fn(&T) -> bool,
    render: impl Fn(&T) -> Value,
) -> Result<Value, ApiError> {
    let limit = limit(&call.params)?;
    let start = match call.params.text("page")? {
        None => table.len(),
        Some(token) => place(&token)
            .filter(|place| *place <= table.len())
            .ok_or_else(|| ApiError::invalid("Invalid page token.").param("page"))?,
    };
    let matching = |place: &usize| wanted(&table.rows()[*place]);
    let shown: Vec<usize> = (0..start).rev().filter(matching).take(limit + 1).collect();
    let more = shown.len() > limit;
    let shown = &shown[..shown.len().min(limit)];
    let next = shown.last().filter(|_| more).map(|last| url(call, *last));
    let newer: Vec<usize> = (start..table.len()).filter(matching).take(limit).collect();
    let previous = newer.last().map(|first| url(call, first + 1));
    let data: Vec<Value> = shown.iter().map(|place| render(&table.rows()[*place])).collect();
    Ok(json!({ "data": data, "next_page_url": next, "previous_page_url": previous }))
}

fn limit(params: &Params) -> Result<usize, ApiError> {
    match params.integer("limit")? {
        None => Ok(LIMIT_DEFAULT),
        Some(limit) if (1..=LIMIT_MAX).contains(&limit) => {
            Ok(usize::try_from(limit).unwrap_or(LIMIT_DEFAULT))
        }
        Some(limit) => Err(ApiError::invalid(format!(
            "Invalid limit: {limit}. It must be between 1 and {LIMIT_MAX}."
        ))
        .param("limit")),
    }
}

/// The same query with another page. A token is the place that the page ends before.
fn url(call: &Call, before: usize) -> String {
    let token = format!("page_{}", hex::encode(before.to_string()));
    let mut url = format!("{}?page={token}", call.path);
    for (path, value) in call.params.leaves() {
        let name = bracketed(path.into_iter());
        if name != "page" {
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
            url.push_str(&format!("&{}={value}", utf8_percent_encode(&name, NON_ALPHANUMERIC)));
        }
    }
    url
}

fn place(token: &str) -> Option<usize> {
    let bytes = hex::decode(token.strip_prefix("page_")?).ok()?;
    std::str::from_utf8(&bytes).ok()?.parse().ok()
}

/// An error as v2 writes it. `not_found` and `idempotency_error` are in its reference; that what
/// is wrong with a parameter is `invalid_fields` is in stripe-node's `Error.js`.
pub(crate) fn error_json(error: &ApiError) -> Value {
    let message = &error.body["message"];
    match error.status {
        404 => json!({ "error": { "code": "not_found", "message": message } }),
        400 => json!({ "error": { "code": "invalid_fields", "message": message } }),
        409 => json!({ "error": {
            "type": "idempotency_error", "code": "idempotency_error", "message": message,
        } }),
        429 => json!({ "error": {
            "type": "rate_limit",
            "code": error.body.get("code").cloned().unwrap_or_else(|| "rate_limit".into()),
            "message": message,
        } }),
        _ => error.to_json(),
    }
}
