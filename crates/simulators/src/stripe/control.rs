//! The control API under `/_sim`: what a test orders and sees that Stripe has no route for.

mod account;
pub(crate) mod books;
pub(crate) mod clock;
pub(crate) mod dispute;
pub(crate) mod events;
mod expire;
pub(crate) mod fault;
pub(crate) mod payments;
pub(crate) mod rate_limits;
pub(crate) mod refund;
pub(crate) mod webhooks;

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::stripe::Stripe;

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .merge(account::router())
        .merge(books::router())
        .merge(clock::router())
        .merge(events::router())
        .merge(dispute::router())
        .merge(expire::router())
        .merge(fault::router())
        .merge(payments::router())
        .merge(refund::router())
        .merge(rate_limits::router())
        .merge(webhooks::router())
}

fn once() -> u32 {
    1
}

fn done() -> Response {
    Json(json!({ "ok": true })).into_response()
}

fn refused(status: StatusCode, why: impl Into<String>) -> Response {
    (status, Json(json!({ "error": why.into() }))).into_response()
}
