//! Events on order: a second one for one happening, or one sent to one receiver alone.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::stripe::Stripe;
use crate::stripe::control::refused;
use crate::stripe::control::webhooks::answered;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    endpoint: String,
}

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/events/{id}/duplicate", post(duplicate))
        .route("/_sim/events/{id}/send", post(send))
}

async fn duplicate(Shared(stripe): Shared<Stripe>, Path(id): Path<String>) -> Response {
    match stripe.duplicate_event(&id) {
        Some(copy) => Json(json!({ "id": copy })).into_response(),
        None => refused(StatusCode::NOT_FOUND, format!("no event {id}")),
    }
}

async fn send(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    Json(order): Json<Send>,
) -> Response {
    match stripe.send_event(&id, &order.endpoint).await {
        Some(answer) => answered(vec![answer]),
        None => {
            let why = format!("no event {id}, or no enabled endpoint {}", order.endpoint);
            refused(StatusCode::NOT_FOUND, why)
        }
    }
}

impl Stripe {
    /// A second, distinct event for what an event reports, delivered as any other: Stripe does so
    /// at times (docs.stripe.com/webhooks). Returns its id; `None` when there is no such event.
    pub fn duplicate_event(&self, event_id: &str) -> Option<String> {
        let copy = self.lock().duplicate_event(event_id);
        self.wake();
        copy
    }

    /// Sends an event to one webhook endpoint or event destination, at once and whether or not it
    /// wants it. Returns its answer; `None` when the event is not there, or the receiver is not
    /// there or disabled.
    pub async fn send_event(
        &self,
        event_id: &str,
        endpoint_id: &str,
    ) -> Option<Result<u16, String>> {
        let outgoing = self.lock().send_to(event_id, endpoint_id)?;
        Some(self.deliver(outgoing).await)
    }

    pub(crate) fn has_event(&self, event_id: &str) -> bool {
        let state = self.lock();
        state.events.get(event_id).is_some() || state.thin_events.get(event_id).is_some()
    }
}
