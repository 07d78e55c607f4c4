//! `POST /dashboard/order`: an order of a page's form, handed to the control API in this process.
//!
//! The form carries the control API's path and JSON; the fields that a person fills in are put
//! into the JSON by the kind that stands before their name (`money2.amount`, `text.reason`).

use axum::Form;
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use crate::stripe::{Stripe, control};

/// The answers of the control API to orders are a few words.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Carries what is to be said over the redirect that ends a form.
const COOKIE: &str = "till_said";

pub(crate) struct Said {
    pub good: bool,
    pub text: String,
}

pub(crate) async fn order(
    Shared(stripe): Shared<Stripe>,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let said = match request(&fields) {
        Ok(request) => send(stripe, request, field(&fields, "said")).await,
        Err(why) => Said { good: false, text: why },
    };
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    if accepts.is_some_and(|accept| accept.starts_with("application/json")) {
        return Json(json!({ "ok": said.good, "text": said.text })).into_response();
    }
    let mut response = Redirect::to(local(field(&fields, "back"))).into_response();
    if let Some(cookie) = said.cookie() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
}

/// A page of this server; anything else leads to the dashboard.
fn local(back: &str) -> &str {
    let ours = back.starts_with('/') && !back[1..].starts_with(['/', '\\']);
    if ours && back.bytes().all(|byte| byte.is_ascii_graphic()) { back } else { "/" }
}

fn request(fields: &[(String, String)]) -> Result<Request<Body>, String> {
    let path = field(fields, "path");
    if !path.starts_with("/_sim/") {
        return Err("Orders go to the control API only.".into());
    }
    let method = match field(fields, "method") {
        "" | "POST" => "POST",
        "DELETE" => "DELETE",
        other => return Err(format!("{other} is not the method of an order.")),
    };
    let mut body = object(field(fields, "body"))?;
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        if name == "merge" {
            body.extend(object(value)?);
        } else if let Some((kind, name)) = name.split_once('.') {
            body.insert(name.to_owned(), typed(kind, value.trim())?);
        }
    }
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(Value::Object(body).to_string()))
        .map_err(|_| "This order has no readable path.".to_owned())
}

fn object(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) | Err(_) => Err("This order is not readable.".into()),
    }
}

fn typed(kind: &str, value: &str) -> Result<Value, String> {
    let number = |text: &str| text.parse::<i64>().map_err(|_| format!("{text} is not a number."));
    match kind {
        "text" => Ok(value.into()),
        "int" => number(value).map(Value::from),
        _ => match kind.strip_prefix("money").and_then(|decimals| decimals.parse().ok()) {
            Some(decimals) => minor_units(value, decimals)
                .map(Value::from)
                .ok_or_else(|| format!("{value} is not a sum of money.")),
            None => Err(format!("{kind} is not a kind of field.")),
        },
    }
}

/// `12.50` and `12,5` are 1250 where there are two decimals.
fn minor_units(text: &str, decimals: usize) -> Option<i64> {
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > decimals {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse().ok()
}

async fn send(stripe: Stripe, request: Request<Body>, said: &str) -> Said {
    let answered = control::router().with_state(stripe).oneshot(request).await;
    let response = match answered {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await.unwrap_or_default();
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let text = match (&answer["error"], &answer["answers"], &answer["secret"]) {
        (Value::String(error), _, _) => format!("Not done: {error}."),
        _ if status == StatusCode::NOT_FOUND => "Not done: nothing takes this order.".into(),
        _ if !status.is_success() => {
            format!("Not done: {}", String::from_utf8_lossy(&bytes).trim())
        }
        (_, Value::Array(answers), _) if answers.is_empty() => {
            "Not sent: no endpoint wants this event.".into()
        }
        (_, Value::Array(answers), _) => {
            let answers: Vec<String> =
                answers.iter().map(|one| one.to_string().replace('"', "")).collect();
            format!("{said} Answered: {}.", answers.join(", "))
        }
        (_, _, Value::String(secret)) => format!("{said} It is {secret} now."),
        _ => said.to_owned(),
    };
    Said { good: status.is_success(), text }
}

impl Said {
    fn cookie(&self) -> Option<HeaderValue> {
        let mark = if self.good { '+' } else { '-' };
        let text = utf8_percent_encode(&self.text, NON_ALPHANUMERIC);
        let cookie =
            format!("{COOKIE}={mark}{text}; Path=/; Max-Age=20; HttpOnly; SameSite=Strict");
        HeaderValue::from_str(&cookie).ok()
    }

    /// What the order before this page had to say.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
        let mut pairs = cookies.split("; ").filter_map(|cookie| cookie.split_once('='));
        let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
        let good = value.starts_with('+');
        let text = percent_decode_str(value.get(1..)?).decode_utf8().ok()?;
        Some(Self { good, text: text.into_owned() })
    }

    /// It is said once.
    pub fn forget(response: &mut Response) {
        let cookie = "till_said=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict";
        response.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_static(cookie));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_as_people_write_them() {
        assert_eq!(minor_units("12.50", 2), Some(1250));
        assert_eq!(minor_units("12,5", 2), Some(1250));
        assert_eq!(minor_units("12", 2), Some(1200));
        assert_eq!(minor_units("500", 0), Some(500));
        assert_eq!(minor_units("1.234", 3), Some(1234));
        for wrong in ["", "-1", "1.234", "1.2.3", "abc", ".5", "1e3", "99999999999999999999"] {
            assert_eq!(minor_units(wrong, 2), None, "{wrong}");
        }
    }

    #[test]
    fn an_order_leads_back_to_this_server_only() {
        assert_eq!(local("/payments/pi_1?a=b"), "/payments/pi_1?a=b");
        for elsewhere in ["https://evil.test/", "//evil.test", "/\\evil.test", "", "a", "/\r\nx"] {
            assert_eq!(local(elsewhere), "/", "{elsewhere}");
        }
    }
}
