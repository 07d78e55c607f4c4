//! Any request to any route, written as a request is: its method and target on the first line, a
//! header on each of the next, an empty line, and the body. `$ada` stands for Ada's cookie, `$session`
//! for the one that names her session, `$line`, `$order`, `$rate` and `$token` for hers, `$mug` for a
//! product; in `Stripe-Signature`, `$ours` for the signature.

use std::sync::LazyLock;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use serde_json::Value;
use server::http::{error::Code, openapi, session::code::SessionCode};

use super::{
    shop::{Answer, Shop},
    signature,
};

/// The largest bodies that are taken: of a webhook, and of anything else.
const EVENT_BYTES_MAX: usize = 1024 * 1024;
const BODY_BYTES_MAX: usize = 32 * 1024;
/// Longer than a sentence has to be, whatever was sent.
const MESSAGE_CHARS_MAX: usize = 500;

thread_local! {
    static SHOP: Shop = Shop::open();
}

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(openapi::document()).unwrap());

/// No request is a fault of ours; a refusal is one that the document promises, in the shape that it
/// promises; and whoever was refused has changed nothing.
pub fn json_routes(input: &[u8]) {
    SHOP.with(|shop| {
        let Some((method, uri, request)) = read(&shop.fill_in(input)) else { return };
        let length = request.1;
        let before = shop.version();
        let answer = shop.ask(request.0);
        let has_written = shop.version() != before;
        assert!(answer.status < 500, "{method} {uri}: {} {}", answer.status, answer.json);
        let operation = operation(&method, uri.path());
        if answer.status >= 400 {
            // Who is told that her cart has changed is shown it as it is.
            let is_shown = answer.json["error"]["code"] == "CART_MISMATCH";
            assert!(
                !has_written || is_shown,
                "{method} {uri} was refused and has written: {}",
                answer.json
            );
            if uri.path().starts_with("/api/") && method != Method::HEAD {
                check_refusal(&answer, operation);
            }
        }
        if operation.is_some_and(|operation| !operation["requestBody"].is_null()) {
            let limit = match uri.path() {
                "/api/webhooks/stripe" => EVENT_BYTES_MAX,
                _ => BODY_BYTES_MAX,
            };
            assert!(length <= limit || answer.status >= 400, "{length} bytes were taken");
        }
        // What a webhook brings changes nothing of Ada's before the worker looks at it.
        if has_written && uri.path() != "/api/webhooks/stripe" {
            shop.welcome_ada();
        }
    });
}

/// The request, with the length of its body; nothing where it could not be sent at all.
fn read(input: &[u8]) -> Option<(Method, Uri, (Request<Body>, usize))> {
    let end = input.windows(2).position(|two| two == b"\n\n").unwrap_or(input.len());
    let body = input.get(end + 2..).unwrap_or_default();
    let mut lines = input[..end].split(|byte| *byte == b'\n');
    let mut first = lines.next()?.splitn(2, |byte| *byte == b' ');
    let method = Method::from_bytes(first.next()?).ok()?;
    let uri = Uri::try_from(first.next()?).ok()?;
    let mut request = Request::builder().method(&method).uri(&uri);
    for line in lines {
        let mut pair = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (pair.next(), pair.next()) else { continue };
        let Ok(name) = HeaderName::from_bytes(name) else { continue };
        let value = value.trim_ascii();
        let value = match name == "stripe-signature" {
            true => signature::fill_in(&String::from_utf8_lossy(value), body).into_bytes(),
            false => value.to_vec(),
        };
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            request = request.header(name, value);
        }
    }
    let length = body.len();
    Some((method, uri, (request.body(Body::from(body.to_vec())).ok()?, length)))
}

fn check_refusal(answer: &Answer, operation: Option<&Value>) {
    let shown = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json", "{shown}");
    let error = &answer.json["error"];
    let id = operation.and_then(|operation| operation["operationId"].as_str()).unwrap_or_default();
    let of_session = SessionCode::ALL.into_iter().find(|code| error["code"] == code.wire().0);
    if let Some(code) = of_session {
        assert_eq!(code.wire().1.as_u16(), answer.status, "{shown}");
        assert!(openapi::session_codes(id).contains(&code), "{id} is not said to answer {shown}");
        return;
    }
    let code = Code::ALL.into_iter().find(|code| error["code"] == code.wire().0);
    let code = code.unwrap_or_else(|| panic!("no code of ours: {shown}"));
    assert_eq!(code.wire().1.as_u16(), answer.status, "{shown}");
    let length = error["message"].as_str().unwrap_or_default().chars().count();
    assert!((1..=MESSAGE_CHARS_MAX).contains(&length), "a message of {length} characters");
    if !id.is_empty() {
        assert!(openapi::codes(id).contains(&code), "{id} is not said to answer {shown}");
    }
}

/// The documented operation that a request meets.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template.zip(path).all(|(one, other)| one.starts_with('{') || one == other)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (_, methods) = paths.iter().find(|(template, _)| fits(template))?;
    methods.get(method.as_str().to_lowercase())
}
