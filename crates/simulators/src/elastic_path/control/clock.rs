//! Reading and moving the simulated clock.

use std::time::Duration;

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::elastic_path::ElasticPath;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    to: Timestamp,
}

pub(crate) fn router() -> Router<ElasticPath> {
    Router::new()
        .route("/_sim/clock", get(clock))
        .route("/_sim/clock/advance", post(advance))
        .route("/_sim/clock/set", post(set))
}

async fn clock(Shared(store): Shared<ElasticPath>) -> Response {
    Json(json!({ "now": store.now().to_string() })).into_response()
}

async fn advance(Shared(store): Shared<ElasticPath>, Json(by): Json<Advance>) -> Response {
    store.advance(Duration::from_secs(by.seconds));
    clock(Shared(store)).await
}

async fn set(Shared(store): Shared<ElasticPath>, Json(order): Json<SetClock>) -> Response {
    store.set_clock(order.to);
    clock(Shared(store)).await
}

impl ElasticPath {
    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.lock().clock.advance(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX));
    }

    /// Sets the clock; a system clock goes on from there.
    pub fn set_clock(&self, to: Timestamp) {
        self.lock().clock.set(to);
    }
}
