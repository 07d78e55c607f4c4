//! Reading and moving the simulated clock.

use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use crate::stripe::Stripe;
use crate::stripe::control::refused;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    #[serde(default)]
    seconds: i64,
    #[serde(default)]
    ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    to: String,
}

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/clock", get(clock))
        .route("/_sim/clock/advance", post(advance))
        .route("/_sim/clock/set", post(set))
}

async fn clock(Shared(stripe): Shared<Stripe>) -> Response {
    Json(json!({ "now": stripe.now().to_string() })).into_response()
}

async fn advance(Shared(stripe): Shared<Stripe>, Json(by): Json<Advance>) -> Response {
    let by =
        SignedDuration::from_secs(by.seconds).saturating_add(SignedDuration::from_millis(by.ms));
    stripe.move_clock(by);
    clock(Shared(stripe)).await
}

async fn set(Shared(stripe): Shared<Stripe>, Json(order): Json<SetClock>) -> Response {
    match order.to.parse::<Timestamp>() {
        Ok(to) => {
            stripe.set_clock(to);
            clock(Shared(stripe)).await
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, error.to_string()),
    }
}

impl Stripe {
    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        self.lock().clock.now()
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.move_clock(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX));
    }

    /// Sets the clock; a system clock goes on from there.
    pub fn set_clock(&self, to: Timestamp) {
        self.lock().clock.set(to);
        self.wake();
    }

    fn move_clock(&self, by: SignedDuration) {
        self.lock().clock.advance(by);
        self.wake();
    }
}
