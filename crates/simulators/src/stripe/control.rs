//! The control API under `/_sim`: what a test orders and sees that Stripe has no route for.

pub(crate) mod fault;

use axum::Json;
use axum::Router;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

use crate::stripe::Stripe;
use crate::stripe::control::fault::{Fault, FaultKind};
use crate::stripe::objects::charge::{Charge, ChargeStatus};
use crate::stripe::objects::payment_intent::{PaymentIntent, Status};
use crate::stripe::objects::webhook_endpoint::{ROLLED_SECRET_SECONDS, Secret};
use crate::stripe::state::State;
use crate::stripe::webhooks::queue::{Delivery, Mode};

/// One payment intent as the books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// Payment intent id.
    pub id: String,
    /// Its status as the API names it.
    pub status: &'static str,
    /// Minor units of `currency`, in Stripe's counting.
    pub amount: i64,
    /// Minor units that were received; 0 until it succeeded.
    pub amount_received: i64,
    /// ISO code in lower case.
    pub currency: String,
    /// As the shop set it.
    pub metadata: BTreeMap<String, String>,
    /// How many of its charges succeeded: more than one would be a double charge.
    pub charges_succeeded: usize,
}

/// What happened, without the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventSummary {
    /// Event id.
    pub id: String,
    /// Event type, such as `payment_intent.succeeded`.
    pub kind: &'static str,
    /// The intent it is about.
    pub payment_intent: Option<String>,
    /// Seconds since 1970 on the simulated clock.
    pub created: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultOrder {
    method: Option<String>,
    #[serde(default)]
    path: String,
    #[serde(default = "once")]
    times: u32,
    kind: String,
    status: Option<u16>,
    ms: Option<u64>,
}

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

fn once() -> u32 {
    1
}

/// Requests to the control API are a test's own; a repeat of this size is a load, not a test.
const REPEATS_MAX: u32 = 1000;

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/state", get(state))
        .route("/_sim/ledger", get(ledger))
        .route("/_sim/reset", post(reset))
        .route("/_sim/clock", get(clock))
        .route("/_sim/clock/advance", post(advance))
        .route("/_sim/clock/set", post(set))
        .route("/_sim/webhooks/hold", post(hold))
        .route("/_sim/webhooks/release", post(release))
        .route("/_sim/webhooks/drop", post(drop_all))
        .route("/_sim/webhooks/resume", post(resume))
        .route("/_sim/webhooks/repeat", post(repeat))
        .route("/_sim/webhook_endpoints/{id}/roll_secret", post(roll_secret))
        .route("/_sim/faults", get(faults).post(inject).delete(clear_faults))
        .route("/_sim/payment_intents/{id}/settle", post(settle))
        .route("/_sim/payment_intents/{id}/amount_received", post(amount_received))
}

fn done() -> Response {
    Json(json!({ "ok": true })).into_response()
}

fn refused(status: StatusCode, why: impl Into<String>) -> Response {
    (status, Json(json!({ "error": why.into() }))).into_response()
}

async fn state(Shared(stripe): Shared<Stripe>) -> Response {
    let state = stripe.lock();
    let all = json!({
        "now": state.clock.now().to_string(),
        "payment_intents":
            state.payment_intents.rows().iter().map(PaymentIntent::render).collect::<Vec<_>>(),
        "charges": state.charges.rows().iter().map(Charge::render).collect::<Vec<_>>(),
        "events":
            state.events.rows().iter().map(|event| state.render_event(event)).collect::<Vec<_>>(),
        "deliveries": state.webhooks.rows().iter().map(Delivery::render).collect::<Vec<_>>(),
        "webhook_endpoints": state
            .endpoints
            .rows()
            .iter()
            .map(|endpoint| endpoint.render(true))
            .collect::<Vec<_>>(),
        "faults": faults_json(&state),
    });
    Json(all).into_response()
}

async fn ledger(Shared(stripe): Shared<Stripe>) -> Json<Vec<LedgerEntry>> {
    Json(stripe.ledger())
}

async fn reset(Shared(stripe): Shared<Stripe>) -> Response {
    stripe.reset();
    done()
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

/// As they were ordered.
fn faults_json(state: &State) -> Value {
    let faults = state.faults.iter().map(|fault| {
        let (kind, status, pause) = match fault.kind {
            FaultKind::LoseBefore => ("lose_before", None, None),
            FaultKind::LoseAfter => ("lose_after", None, None),
            FaultKind::Status(status) => ("status", Some(status), None),
            FaultKind::LockTimeout => ("lock_timeout", None, None),
            FaultKind::FailBefore => ("500_before", None, None),
            FaultKind::FailAfter => ("500_after", None, None),
            FaultKind::Slow(pause) => ("slow", None, Some(pause)),
            FaultKind::SlowAfter(pause) => ("slow_after", None, Some(pause)),
        };
        json!({
            "method": fault.method.as_ref().map(http::Method::as_str),
            "path": fault.path_prefix,
            "times": fault.times,
            "kind": kind,
            "status": status,
            "ms": pause.and_then(|pause| u64::try_from(pause.as_millis()).ok()),
        })
    });
    faults.collect()
}

async fn faults(Shared(stripe): Shared<Stripe>) -> Response {
    let faults = faults_json(&stripe.lock());
    Json(faults).into_response()
}

async fn clear_faults(Shared(stripe): Shared<Stripe>) -> Response {
    stripe.clear_faults();
    done()
}

async fn inject(Shared(stripe): Shared<Stripe>, Json(order): Json<FaultOrder>) -> Response {
    match order.into_fault() {
        Ok(fault) => {
            stripe.inject(fault);
            done()
        }
        Err(why) => refused(StatusCode::BAD_REQUEST, why),
    }
}

impl FaultOrder {
    fn into_fault(self) -> Result<Fault, String> {
        let pause = || self.ms.map(Duration::from_millis).ok_or("this kind needs ms");
        let kind = match self.kind.as_str() {
            "lose_before" => FaultKind::LoseBefore,
            "lose_after" => FaultKind::LoseAfter,
            "lock_timeout" => FaultKind::LockTimeout,
            "500_before" => FaultKind::FailBefore,
            "500_after" => FaultKind::FailAfter,
            "slow" => FaultKind::Slow(pause()?),
            "slow_after" => FaultKind::SlowAfter(pause()?),
            "status" => match self.status {
                Some(status @ (409 | 429 | 500)) => FaultKind::Status(status),
                _ => return Err("status must be 409, 429 or 500".into()),
            },
            other => return Err(format!("unknown kind {other}")),
        };
        let method = self.method.map(|method| method.parse()).transpose();
        let method = method.map_err(|_| "unknown method")?;
        if self.times == 0 {
            return Err("times must be at least 1".into());
        }
        Ok(Fault { method, path_prefix: self.path, times: self.times, kind })
    }
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
    /// Every payment intent, oldest first.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        let state = self.lock();
        let mut succeeded: BTreeMap<&str, usize> = BTreeMap::new();
        for charge in state.charges.rows() {
            let Some(intent) = &charge.payment_intent else { continue };
            if charge.status == ChargeStatus::Succeeded {
                *succeeded.entry(intent.as_str()).or_default() += 1;
            }
        }
        let entry = |intent: &PaymentIntent| LedgerEntry {
            id: intent.id.clone(),
            status: intent.status.name(),
            amount: intent.amount,
            amount_received: intent.amount_received,
            currency: intent.currency.clone(),
            metadata: intent.metadata.clone(),
            charges_succeeded: succeeded.get(intent.id.as_str()).copied().unwrap_or_default(),
        };
        state.payment_intents.rows().iter().map(entry).collect()
    }

    /// Every event, oldest first.
    pub fn events(&self) -> Vec<EventSummary> {
        let state = self.lock();
        let summary = |event: &crate::stripe::objects::event::Event| {
            let object = &event.data["object"];
            let name = if object["object"] == "payment_intent" { "id" } else { "payment_intent" };
            EventSummary {
                id: event.id.clone(),
                kind: event.kind,
                payment_intent: object[name].as_str().map(str::to_owned),
                created: event.created,
            }
        };
        state.events.rows().iter().map(summary).collect()
    }

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

    /// Orders a failure.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Takes back every ordered failure.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    /// Ends a debit that is processing; without an outcome as its test account says. False when
    /// there is no such debit.
    pub fn settle(&self, payment_intent_id: &str, outcome: Option<Outcome>) -> bool {
        let done = {
            let mut state = self.lock();
            let paid = match outcome {
                Some(outcome) => outcome == Outcome::Succeeded,
                None => state.debit_would_succeed(payment_intent_id),
            };
            crate::stripe::rules::attempt::settle(
                &mut state,
                payment_intent_id,
                paid,
                &Default::default(),
            )
        };
        self.wake();
        done.is_some()
    }

    /// Makes an intent receive another amount than it asked for: at once when it has succeeded,
    /// else when it will. Events that exist keep the amount they were made with. False when there
    /// is no such intent.
    pub fn falsify_amount_received(&self, payment_intent_id: &str, amount: i64) -> bool {
        let mut state = self.lock();
        let Some(intent) = state.payment_intents.get_mut(payment_intent_id) else { return false };
        intent.receives_instead = Some(amount);
        if intent.status == Status::Succeeded {
            intent.amount_received = amount;
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
            crate::stripe::rules::attempt::authenticate(
                &mut state,
                &challenge,
                passed,
                &Default::default(),
            )
        };
        self.wake();
        done.is_some()
    }

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

    /// Forgets everything but the clock, the keys and the webhook endpoints.
    pub fn reset(&self) {
        self.lock().reset();
    }
}
