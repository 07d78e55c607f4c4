//! Webhooks on order: held back, let go, lost, repeated.

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stripe::Stripe;
use crate::stripe::control::{done, once, refused};
use crate::stripe::objects::webhook_endpoint::{ROLLED_SECRET_SECONDS, Secret};
use crate::stripe::webhooks::queue::Mode;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    #[serde(default)]
    reverse: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    event: Option<String>,
    #[serde(default)]
    all: bool,
    #[serde(default = "once")]
    times: u32,
}

/// Requests to the control API are a test's own; a repeat of this size is a load, not a test.
const REPEATS_MAX: u32 = 1000;

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/webhooks/hold", post(hold))
        .route("/_sim/webhooks/release", post(release))
        .route("/_sim/webhooks/drop", post(drop_all))
        .route("/_sim/webhooks/resume", post(resume))
        .route("/_sim/webhooks/repeat", post(repeat))
        .route("/_sim/webhook_endpoints/{id}/roll_secret", post(roll_secret))
}

async fn hold(Shared(stripe): Shared<Stripe>) -> Response {
    stripe.hold_webhooks();
    done()
}

async fn release(Shared(stripe): Shared<Stripe>, order: Option<Json<Release>>) -> Response {
    match order {
        Some(Json(Release { reverse: true })) => stripe.release_webhooks_reversed(),
        _ => stripe.release_webhooks(),
    }
    done()
}

async fn drop_all(Shared(stripe): Shared<Stripe>) -> Response {
    stripe.drop_webhooks();
    done()
}

async fn resume(Shared(stripe): Shared<Stripe>) -> Response {
    stripe.release_webhooks();
    done()
}

async fn repeat(Shared(stripe): Shared<Stripe>, Json(order): Json<Repeat>) -> Response {
    let times = usize::try_from(order.times.min(REPEATS_MAX)).unwrap_or(1);
    let answers = match order.event {
        Some(event) if stripe.lock().events.get(&event).is_none() => {
            return refused(StatusCode::NOT_FOUND, format!("no event {event}"));
        }
        Some(event) => stripe.repeat_event(&event, times).await,
        None if order.all => stripe.repeat_all_reversed().await,
        None => return refused(StatusCode::BAD_REQUEST, "name an event, or say all: true"),
    };
    let answers: Vec<Value> = answers
        .into_iter()
        .map(|answer| match answer {
            Ok(status) => status.into(),
            Err(error) => error.into(),
        })
        .collect();
    Json(json!({ "answers": answers })).into_response()
}

async fn roll_secret(Shared(stripe): Shared<Stripe>, Path(id): Path<String>) -> Response {
    match stripe.roll_webhook_secret(&id) {
        Some(secret) => Json(json!({ "secret": secret })).into_response(),
        None => refused(StatusCode::NOT_FOUND, format!("no webhook endpoint {id}")),
    }
}

impl Stripe {
    /// Adds an endpoint that wants every event and returns its signing secret.
    pub fn create_webhook_endpoint(&self, url: &str) -> String {
        let mut state = self.lock();
        let id = state.add_endpoint(url.to_owned(), vec!["*".into()]);
        let secret = state.endpoints.get(&id).and_then(|endpoint| endpoint.secrets.first());
        secret.map(|secret| secret.text.clone()).unwrap_or_default()
    }

    /// A new secret for an endpoint; the old one signs beside it for 24 hours. `None` when there
    /// is no such endpoint.
    pub fn roll_webhook_secret(&self, endpoint_id: &str) -> Option<String> {
        let mut state = self.lock();
        let expires = state.clock.seconds() + ROLLED_SECRET_SECONDS;
        let text = state.ids.make("whsec_", 32);
        let endpoint = state.endpoints.get_mut(endpoint_id)?;
        for old in &mut endpoint.secrets {
            old.expires.get_or_insert(expires);
        }
        endpoint.secrets.insert(0, Secret { text: text.clone(), expires: None });
        Some(text)
    }

    /// Keeps webhooks back until they are released.
    pub fn hold_webhooks(&self) {
        self.lock().webhooks.mode = Mode::Held;
    }

    /// Sends what was held; also ends a [`Self::drop_webhooks`].
    pub fn release_webhooks(&self) {
        self.lock().webhooks.release();
        self.wake();
    }

    /// Sends what was held, the newest first.
    pub fn release_webhooks_reversed(&self) {
        {
            let mut state = self.lock();
            let now = state.clock.milliseconds();
            state.webhooks.release_reversed(now);
        }
        self.wake();
    }

    /// Loses every webhook that is not yet delivered and every one to come, until released.
    pub fn drop_webhooks(&self) {
        self.lock().webhooks.drop_all();
    }
}
