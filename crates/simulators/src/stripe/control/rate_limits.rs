//! Setting how many requests a second are answered.

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::stripe::Stripe;
use crate::stripe::api::rate_limit::{Meter, RateLimits};
use crate::stripe::control::done;

pub(crate) fn router() -> Router<Stripe> {
    Router::new().route("/_sim/rate_limits", get(show).post(set).delete(clear))
}

async fn show(Shared(stripe): Shared<Stripe>) -> Response {
    let limits = stripe.lock().settings.rate_limits;
    Json(limits).into_response()
}

async fn set(Shared(stripe): Shared<Stripe>, Json(limits): Json<RateLimits>) -> Response {
    stripe.set_rate_limits(Some(limits));
    done()
}

async fn clear(Shared(stripe): Shared<Stripe>) -> Response {
    stripe.set_rate_limits(None);
    done()
}

impl Stripe {
    /// Limits requests from now on, or no longer. What was counted before does not count.
    pub fn set_rate_limits(&self, limits: Option<RateLimits>) {
        let mut state = self.lock();
        state.settings.rate_limits = limits;
        state.meter = Meter::default();
    }
}
