//! A simulator on a clock that stands still, and the ways to talk to it.

use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt;
use serde_json::Value;
use simulators::stripe::{ConnectionLost, Options, Stripe};
use tower::ServiceExt;

use crate::schema;

pub const SECRET: &str = "sk_test_0123456789abcdef";
pub const PUBLISHABLE: &str = "pk_test_0123456789abcdef";

pub struct World {
    pub stripe: Stripe,
}

pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Value,
}

pub fn options() -> Options {
    Options {
        seed: Some(7),
        start: Some("2026-11-21T12:00:00Z".parse().unwrap()),
        secret_key: SECRET.into(),
        publishable_key: PUBLISHABLE.into(),
        ..Options::default()
    }
}

/// `&[("a[b]", "c")]` as a form body.
pub fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

pub fn request(
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    headers: &[(&str, &str)],
) -> http::Request<Body> {
    let encoded = form(fields);
    let (uri, body) = match method {
        "POST" => (path.to_owned(), encoded),
        _ if encoded.is_empty() => (path.to_owned(), String::new()),
        _ => (format!("{path}?{encoded}"), String::new()),
    };
    let mut request = http::Request::builder()
        .method(method)
        .uri(uri)
        .header("host", "127.0.0.1:12111")
        .header("content-type", "application/x-www-form-urlencoded");
    if !headers.iter().any(|(name, _)| *name == "authorization") {
        request = request.header("authorization", format!("Bearer {SECRET}"));
    }
    if !headers.iter().any(|(name, _)| *name == "stripe-version") {
        request = request.header("stripe-version", "2026-10-28.endive");
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body)).unwrap()
}

impl World {
    pub fn new() -> Self {
        Self { stripe: Stripe::new(options()) }
    }

    pub async fn raw(&self, request: http::Request<Body>) -> Response {
        self.stripe.router().oneshot(request).await.unwrap()
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let response = self.raw(request(method, path, fields, headers)).await;
        assert!(response.extensions().get::<ConnectionLost>().is_none(), "the answer got lost");
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        schema::check(&body);
        Answer { status, headers, body }
    }

    pub async fn get(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("GET", path, fields, &[]).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, fields, &[]).await
    }

    /// Without schema checks: what a browser gets is a projection.
    pub async fn browser(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let authorization = format!("Bearer {PUBLISHABLE}");
        let headers = [("authorization", authorization.as_str()), ("origin", "https://shop.test")];
        let response = self.raw(request(method, path, fields, &headers)).await;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// 20 EUR for order `ord_1`, not confirmed.
    pub async fn intent(&self) -> Value {
        let answer = self.post("/v1/payment_intents", &INTENT).await;
        assert_eq!(answer.status, 200, "{:#}", answer.body);
        answer.body
    }

    /// 20 EUR confirmed at once with a method by token.
    pub async fn pay(&self, method: &str) -> Answer {
        let mut fields = INTENT.to_vec();
        fields.extend([("confirm", "true"), ("payment_method", method)]);
        self.post("/v1/payment_intents", &fields).await
    }

    pub async fn retrieve(&self, id: &str) -> Value {
        let answer = self.get(&format!("/v1/payment_intents/{id}"), &[]).await;
        assert_eq!(answer.status, 200, "{:#}", answer.body);
        answer.body
    }

    pub fn kinds(&self) -> Vec<&'static str> {
        self.stripe.events().into_iter().map(|event| event.kind).collect()
    }

    pub async fn control(&self, path: &str, order: Value) -> Answer {
        let request = http::Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(order.to_string()))
            .unwrap();
        let response = self.raw(request).await;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }
}

pub const INTENT: [(&str, &str); 5] = [
    ("amount", "2000"),
    ("currency", "eur"),
    ("automatic_payment_methods[enabled]", "true"),
    ("automatic_payment_methods[allow_redirects]", "never"),
    ("metadata[order_id]", "ord_1"),
];

impl Answer {
    pub fn code(&self) -> String {
        format!("{} {}", self.status, self.body["error"]["code"].as_str().unwrap_or("-"))
    }

    pub fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_default().to_owned()
    }
}
