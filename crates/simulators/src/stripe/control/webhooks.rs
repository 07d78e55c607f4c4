//! Webhooks on order: held back, let go, late, lost, repeated; all of them or by event type.

use std::time::Duration;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stripe::Stripe;
use crate::stripe::control::{done, once, refused};
use crate::stripe::objects::webhook_endpoint::{ROLLED_SECRET_SECONDS, Secret};
use crate::stripe::webhooks::queue::ReleaseOrder;
use crate::stripe::webhooks::rules::Types;

/// Whose deliveries an order is about.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    types: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    types: Option<Vec<String>>,
    #[serde(default)]
    order: ReleaseOrder,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delay {
    types: Option<Vec<String>>,
    ms: u32,
}

/// Existing events at once, or the future ones of some types.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    event: Option<String>,
    #[serde(default)]
    all: bool,
    types: Option<Vec<String>>,
    #[serde(default = "once")]
    times: u32,
}

/// Requests to the control API are a test's own; a repeat of this size is a load, not a test.
const REPEATS_MAX: u32 = 1000;

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/webhooks", get(show))
        .route("/_sim/webhooks/hold", post(hold))
        .route("/_sim/webhooks/release", post(release))
        .route("/_sim/webhooks/drop", post(drop_some))
        .route("/_sim/webhooks/resume", post(release))
        .route("/_sim/webhooks/delay", post(delay))
        .route("/_sim/webhooks/repeat", post(repeat))
        .route("/_sim/webhook_endpoints/{id}/roll_secret", post(roll_secret))
}

async fn show(Shared(stripe): Shared<Stripe>) -> Response {
    let state = stripe.lock();
    let all = json!({
        "rules": state.webhooks.rules.render(),
        "waiting": state.webhooks.render_waiting(),
    });
    Json(all).into_response()
}

/// Does what `order` does with the types, if they are types.
fn with_types(given: Option<Vec<String>>, order: impl FnOnce(Types)) -> Response {
    match Types::read(given) {
        Ok(types) => {
            order(types);
            done()
        }
        Err(why) => refused(StatusCode::BAD_REQUEST, why),
    }
}

async fn hold(Shared(stripe): Shared<Stripe>, order: Option<Json<Which>>) -> Response {
    let Json(order) = order.unwrap_or_default();
    with_types(order.types, |types| stripe.hold_types(&types))
}

async fn release(Shared(stripe): Shared<Stripe>, order: Option<Json<Release>>) -> Response {
    let Json(Release { types, order }) = order.unwrap_or_default();
    with_types(types, |types| stripe.release_types(&types, order))
}

async fn drop_some(Shared(stripe): Shared<Stripe>, order: Option<Json<Which>>) -> Response {
    let Json(order) = order.unwrap_or_default();
    with_types(order.types, |types| stripe.drop_types(&types))
}

async fn delay(Shared(stripe): Shared<Stripe>, Json(order): Json<Delay>) -> Response {
    with_types(order.types, |types| stripe.delay_types(&types, i64::from(order.ms)))
}

async fn repeat(Shared(stripe): Shared<Stripe>, Json(order): Json<Repeat>) -> Response {
    let times = order.times.min(REPEATS_MAX);
    let answers = match (order.event, order.types) {
        (None, Some(_)) if order.times == 0 => {
            return refused(StatusCode::BAD_REQUEST, "times must be at least 1");
        }
        (None, Some(types)) if !order.all => {
            return with_types(Some(types), |types| stripe.repeat_types(&types, times));
        }
        (Some(event), None) if !order.all => {
            if !stripe.has_event(&event) {
                return refused(StatusCode::NOT_FOUND, format!("no event {event}"));
            }
            stripe.repeat_event(&event, usize::try_from(times).unwrap_or(1)).await
        }
        (None, None) if order.all => stripe.repeat_all_reversed().await,
        _ => {
            let why = "name one of: event, types, all: true";
            return refused(StatusCode::BAD_REQUEST, why);
        }
    };
    answered(answers)
}

/// The receivers' answers to what was sent by hand.
pub(crate) fn answered(answers: Vec<Result<u16, String>>) -> Response {
    let text = |answer: Result<u16, String>| answer.map_or_else(Value::from, Value::from);
    let answers: Vec<Value> = answers.into_iter().map(text).collect();
    Json(json!({ "answers": answers })).into_response()
}

async fn roll_secret(Shared(stripe): Shared<Stripe>, Path(id): Path<String>) -> Response {
    match stripe.roll_webhook_secret(&id) {
        Some(secret) => Json(json!({ "secret": secret })).into_response(),
        None => refused(StatusCode::NOT_FOUND, format!("no webhook endpoint {id}")),
    }
}

/// Types as a test writes them. Nothing of the wrong form is in there: that is the test's mistake.
fn named(types: &[&str]) -> Types {
    let names = types.iter().map(|name| (*name).to_owned()).collect();
    match Types::read(Some(names)) {
        Ok(types) => types,
        Err(why) => panic!("{why}"),
    }
}

/// Wherever types of events are named, `charge.*` and `*` may stand for many, and the newest order
/// that matches counts.
///
/// # Panics
///
/// The methods that take types panic when there is none, or one with a star before its end.
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
        let secrets = match state.endpoints.get_mut(endpoint_id) {
            Some(endpoint) => &mut endpoint.secrets,
            None => &mut state.event_destinations.get_mut(endpoint_id)?.secrets,
        };
        for old in secrets.iter_mut() {
            old.expires.get_or_insert(expires);
        }
        secrets.insert(0, Secret { text: text.clone(), expires: None });
        Some(text)
    }

    /// Keeps webhooks back until they are released.
    pub fn hold_webhooks(&self) {
        self.hold_types(&Types::all());
    }

    /// Keeps webhooks of these types back until they are released.
    pub fn hold_webhooks_of(&self, types: &[&str]) {
        self.hold_types(&named(types));
    }

    /// Sends what was held; also ends a [`Self::drop_webhooks`].
    pub fn release_webhooks(&self) {
        self.release_types(&Types::all(), ReleaseOrder::AsMade);
    }

    /// Sends what was held, the newest first.
    pub fn release_webhooks_reversed(&self) {
        self.release_types(&Types::all(), ReleaseOrder::Reverse);
    }

    /// Sends what was held of these types, in this order; also ends a [`Self::drop_webhooks_of`].
    pub fn release_webhooks_of(&self, types: &[&str], order: ReleaseOrder) {
        self.release_types(&named(types), order);
    }

    /// Loses every webhook that is not yet delivered and every one to come, until released.
    pub fn drop_webhooks(&self) {
        self.drop_types(&Types::all());
    }

    /// Loses webhooks of these types, until released.
    pub fn drop_webhooks_of(&self, types: &[&str]) {
        self.drop_types(&named(types));
    }

    /// From now on events of these types are first delivered this much later, by the simulated
    /// clock. No delay ends it.
    pub fn delay_webhooks(&self, types: &[&str], by: Duration) {
        self.delay_types(&named(types), i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
    }

    /// From now on every event of these types is delivered this often. Once ends it.
    pub fn repeat_webhooks(&self, types: &[&str], times: u32) {
        self.repeat_types(&named(types), times);
    }

    fn hold_types(&self, types: &Types) {
        self.lock().webhooks.hold(types);
    }

    fn release_types(&self, types: &Types, order: ReleaseOrder) {
        self.lock().release_deliveries(types, order);
        self.wake();
    }

    fn drop_types(&self, types: &Types) {
        self.lock().webhooks.drop(types);
        self.wake();
    }

    fn delay_types(&self, types: &Types, ms: i64) {
        self.lock().webhooks.rules.delay.set(types, ms);
    }

    fn repeat_types(&self, types: &Types, times: u32) {
        self.lock().webhooks.rules.times.set(types, times.min(REPEATS_MAX));
    }
}
