//! What banks, card holders and mistakes do to payments when a test says so.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;

use crate::stripe::Stripe;
use crate::stripe::control::{done, refused};
use crate::stripe::objects::payment_intent::{PaymentIntent, Status};
use crate::stripe::rules::attempt;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settle {
    outcome: Option<Outcome>,
}

/// How a debit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The bank paid.
    Succeeded,
    /// The bank refused.
    Failed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AmountReceived {
    amount: i64,
}

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/payment_intents/{id}/settle", post(settle))
        .route("/_sim/payment_intents/{id}/amount_received", post(amount_received))
}

async fn settle(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    order: Option<Json<Settle>>,
) -> Response {
    let outcome = order.and_then(|Json(order)| order.outcome);
    match stripe.settle(&id, outcome) {
        true => done(),
        false => refused(StatusCode::CONFLICT, format!("{id} is not processing")),
    }
}

async fn amount_received(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    Json(order): Json<AmountReceived>,
) -> Response {
    match stripe.falsify_amount_received(&id, order.amount) {
        true => done(),
        false => refused(StatusCode::NOT_FOUND, format!("no payment intent {id}")),
    }
}

impl Stripe {
    /// Ends a debit that is processing; without an outcome as its test account says. False when
    /// there is no such debit.
    pub fn settle(&self, payment_intent_id: &str, outcome: Option<Outcome>) -> bool {
        let done = {
            let mut state = self.lock();
            let paid = match outcome {
                Some(outcome) => outcome == Outcome::Succeeded,
                None => state.debit_would_succeed(payment_intent_id),
            };
            attempt::settle(&mut state, payment_intent_id, paid, &Default::default())
        };
        self.wake();
        done.is_some()
    }

    /// Makes an intent receive another amount than it asked for: at once when it has succeeded,
    /// else when it will. Events that exist keep the amount they were made with. False when there
    /// is no such intent.
    pub fn falsify_amount_received(&self, payment_intent_id: &str, amount: i64) -> bool {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(intent) = state.payment_intents.get_mut(payment_intent_id) else { return false };
        intent.receives_instead = Some(amount);
        if intent.status == Status::Succeeded {
            intent.amount_received = amount;
            let charge = intent.latest_charge.as_deref();
            if let Some(charge) = charge.and_then(|charge| state.charges.get_mut(charge)) {
                charge.amount_captured = amount;
            }
        }
        true
    }

    /// Answers the open 3-D Secure challenge of an intent as its page would. False when there is
    /// none.
    pub fn authenticate(&self, payment_intent_id: &str, passed: bool) -> bool {
        let done = {
            let mut state = self.lock();
            let challenge = match state.payment_intents.get(payment_intent_id) {
                Some(PaymentIntent { status: Status::RequiresAction(open), .. }) => open.id.clone(),
                _ => return false,
            };
            attempt::authenticate(&mut state, &challenge, passed, &Default::default())
        };
        self.wake();
        done.is_some()
    }
}
