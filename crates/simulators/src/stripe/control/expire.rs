//! What a buyer, a bank or a person at Stripe's dashboard does to a payment that is still open:
//! a challenge is answered or runs out, the payment is canceled from outside.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::stripe::Stripe;
use crate::stripe::control::payments::Outcome;
use crate::stripe::control::{done, refused};
use crate::stripe::objects::event::Origin;
use crate::stripe::objects::payment_intent::Status;
use crate::stripe::rules::{attempt, capture};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authenticate {
    outcome: Outcome,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Cancel {
    reason: Option<String>,
}

/// What `cancellation_reason` of a payment intent may say.
const REASONS: [&str; 8] = [
    "abandoned",
    "automatic",
    "duplicate",
    "expired",
    "failed_invoice",
    "fraudulent",
    "requested_by_customer",
    "void_invoice",
];

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/payment_intents/{id}/authenticate", post(authenticate))
        .route("/_sim/payment_intents/{id}/expire_authentication", post(expire))
        .route("/_sim/payment_intents/{id}/cancel", post(cancel))
}

async fn authenticate(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    Json(order): Json<Authenticate>,
) -> Response {
    match stripe.authenticate(&id, order.outcome == Outcome::Succeeded) {
        true => done(),
        false => not_waiting(&id),
    }
}

async fn expire(Shared(stripe): Shared<Stripe>, Path(id): Path<String>) -> Response {
    match stripe.expire_authentication(&id) {
        true => done(),
        false => not_waiting(&id),
    }
}

fn not_waiting(id: &str) -> Response {
    refused(StatusCode::CONFLICT, format!("{id} does not wait for its buyer"))
}

async fn cancel(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    order: Option<Json<Cancel>>,
) -> Response {
    let reason = order.and_then(|Json(order)| order.reason);
    if let Some(reason) = reason.as_deref().filter(|reason| !REASONS.contains(reason)) {
        let why = format!("{reason} is not a reason; reasons are {}", REASONS.join(", "));
        return refused(StatusCode::BAD_REQUEST, why);
    }
    match stripe.cancel(&id, reason.as_deref()) {
        true => done(),
        false => refused(StatusCode::CONFLICT, format!("{id} is not open")),
    }
}

impl Stripe {
    /// Lets the open 3-D Secure challenge or bank page of an intent run out: the try has failed
    /// and the intent waits for another method. False when nothing is open.
    pub fn expire_authentication(&self, payment_intent_id: &str) -> bool {
        {
            let mut state = self.lock();
            let intent = state.payment_intents.get(payment_intent_id);
            if !intent.is_some_and(|intent| matches!(intent.status, Status::RequiresAction(_))) {
                return false;
            }
            let error = json!({
                "code": "payment_intent_payment_attempt_expired",
                "doc_url": attempt::doc_url("payment_intent_payment_attempt_expired"),
                "message": "The latest attempt to pay this PaymentIntent has expired. Provide a \
                            new payment method to attempt payment again.",
                "type": "invalid_request_error",
            });
            attempt::fail(&mut state, payment_intent_id, error, &Origin::default());
        }
        self.wake();
        true
    }

    /// Cancels an intent as a person at Stripe's dashboard would: nobody's request. False when it
    /// cannot be canceled any more, or there is none.
    pub fn cancel(&self, payment_intent_id: &str, reason: Option<&str>) -> bool {
        {
            let mut state = self.lock();
            let intent = state.payment_intents.get(payment_intent_id);
            if !intent.is_some_and(|intent| intent.status.may_cancel()) {
                return false;
            }
            let reason = reason.map(str::to_owned);
            capture::cancel(&mut state, payment_intent_id, reason, &Origin::default());
        }
        self.wake();
        true
    }
}
