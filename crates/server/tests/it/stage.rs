//! What every run in one thread needs: a beginning, a configuration, and a way to ask a router.

use axum::{Router, body::Body};
use http::{HeaderMap, Request};
use server::config::{Config, Sources};
use simulators::stripe::Options;
use tower::ServiceExt;

use crate::shop;

/// When every story begins.
pub const START: i64 = 1_790_000_000;

/// Where webhooks go; nothing listens there.
pub const ENDPOINT: &str = "http://127.0.0.1:80/api/webhooks/stripe";

/// The configuration of a server without a socket.
pub fn config(webhook_secret: &str) -> Config {
    config_with(webhook_secret, &[])
}

/// The same with some settings changed.
pub fn config_with(webhook_secret: &str, changes: &[(&str, &str)]) -> Config {
    let mut settings =
        shop::settings("http://127.0.0.1:80", "http://127.0.0.1:81", "sqlite://x", webhook_secret);
    settings.extend(changes.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    let pairs = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Config::load(Sources::of_texts(pairs, "", "")).unwrap()
}

/// One request and its whole answer; nothing where the connection broke.
pub async fn exchange(router: Router, request: Request<Body>) -> Option<(u16, HeaderMap, String)> {
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let lost = parts.extensions.get::<simulators::stripe::ConnectionLost>().is_some();
    if lost {
        return None;
    }
    let bytes = axum::body::to_bytes(body, usize::MAX).await.ok()?;
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Some((parts.status.as_u16(), parts.headers, text))
}

/// A browser's request to confirm a payment at Stripe, with this payment method.
pub fn confirmation(secret: &str, method: &str) -> Request<Body> {
    let payment = payment_of(secret);
    let key = Options::default().publishable_key;
    let form =
        format!("key={key}&client_secret={secret}&return_url=https://shop.example/return&{method}");
    Request::post(format!("/v1/payment_intents/{payment}/confirm"))
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap()
}

/// Stripe's id of the payment, as a browser reads it from the secret.
pub fn payment_of(secret: &str) -> &str {
    secret.split("_secret_").next().unwrap()
}

/// A card as its form is filled in.
pub fn card(number: &str) -> String {
    format!(
        "payment_method_data[type]=card&payment_method_data[card][number]={number}\
         &payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040\
         &payment_method_data[card][cvc]=123"
    )
}
