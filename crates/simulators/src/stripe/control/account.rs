//! What Stripe decides about the account.

use axum::extract::State as Shared;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

use crate::stripe::Stripe;
use crate::stripe::control::done;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    charges_enabled: bool,
}

pub(crate) fn router() -> Router<Stripe> {
    Router::new().route("/_sim/account", post(decide))
}

async fn decide(Shared(stripe): Shared<Stripe>, Json(order): Json<Decision>) -> Response {
    stripe.set_charges_enabled(order.charges_enabled);
    done()
}

impl Stripe {
    /// What the account says of itself from now on; payments are taken all the same.
    pub fn set_charges_enabled(&self, enabled: bool) {
        self.lock().charges_enabled = enabled;
    }
}
