//! What a shopper's page and her bank do.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::elastic_path::control::{done, refused};
use crate::elastic_path::rules::payment;
use crate::elastic_path::{Course, ElasticPath};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    course: Course,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ending {
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Succeeded,
    Failed,
}

pub(crate) fn router() -> Router<ElasticPath> {
    Router::new()
        .route("/_sim/confirmation_tokens", post(make_token))
        .route("/_sim/payment_intents/{id}/authenticate", post(authenticate))
        .route("/_sim/payment_intents/{id}/settle", post(settle))
}

async fn make_token(Shared(store): Shared<ElasticPath>, Json(card): Json<Card>) -> Response {
    Json(json!({ "id": store.confirmation_token(card.course) })).into_response()
}

impl Ending {
    fn is_good(ending: Option<Json<Self>>) -> Option<bool> {
        let outcome = ending.and_then(|Json(ending)| ending.outcome);
        outcome.map(|outcome| outcome == Outcome::Succeeded)
    }
}

async fn authenticate(
    Shared(store): Shared<ElasticPath>,
    Path(id): Path<String>,
    ending: Option<Json<Ending>>,
) -> Response {
    match store.authenticate(&id, Ending::is_good(ending)) {
        true => done(),
        false => refused(StatusCode::CONFLICT, format!("{id} has no challenge")),
    }
}

async fn settle(
    Shared(store): Shared<ElasticPath>,
    Path(id): Path<String>,
    ending: Option<Json<Ending>>,
) -> Response {
    match store.settle(&id, Ending::is_good(ending)) {
        true => done(),
        false => refused(StatusCode::CONFLICT, format!("{id} is not processing")),
    }
}

impl ElasticPath {
    /// What a page makes of a card: a confirmation token, whose payment will go so.
    pub fn confirmation_token(&self, course: Course) -> String {
        self.lock().make_confirmation_token(course)
    }

    /// Answers the 3-D Secure challenge of a payment intent; without `passed` as its token says.
    /// False when there is none.
    pub fn authenticate(&self, payment_intent_id: &str, passed: Option<bool>) -> bool {
        payment::authenticate(&mut self.lock(), payment_intent_id, passed)
    }

    /// Ends a payment that is processing; without `paid` as its token says. False when there is
    /// none.
    pub fn settle(&self, payment_intent_id: &str, paid: Option<bool>) -> bool {
        payment::settle(&mut self.lock(), payment_intent_id, paid)
    }
}
