//! The control API under `/_sim`: what a test orders and sees that Elastic Path has no route for.

pub(crate) mod breach;
pub(crate) mod catalogue;
pub(crate) mod clock;
pub(crate) mod fault;
pub(crate) mod ledger;
pub(crate) mod modes;
pub(crate) mod payments;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;

use crate::elastic_path::ElasticPath;

pub(crate) fn router() -> Router<ElasticPath> {
    Router::new()
        .merge(catalogue::router())
        .merge(clock::router())
        .merge(fault::router())
        .merge(ledger::router())
        .merge(modes::router())
        .merge(payments::router())
}

fn done() -> Response {
    Json(json!({ "ok": true })).into_response()
}

fn refused(status: StatusCode, why: impl Into<String>) -> Response {
    (status, Json(json!({ "error": why.into() }))).into_response()
}
