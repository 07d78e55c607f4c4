//! Faults that tests order: the next requests to a route fail in a chosen way.

use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stripe::Stripe;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::{idempotency, rate_limit};
use crate::stripe::control::{done, once, refused};
use crate::stripe::state::State;
use crate::wire::hits;

/// The next `times` requests that match fail as `kind` says; each uses one up.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// `None` matches every method.
    pub method: Option<Method>,
    /// Which paths: those that start so (`/v1/payment_intents`), end so (`/confirm`), or are so
    /// with any id for `{}` (`/v1/payment_intents/{}/confirm`).
    pub path_prefix: String,
    /// How many requests it still hits.
    pub times: u32,
    /// What goes wrong.
    pub kind: FaultKind,
}

/// What goes wrong. *Effect* is what the request would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The connection closes without an answer; no effect.
    LoseBefore,
    /// The effect takes place, then the connection closes without an answer.
    LoseAfter,
    /// One of [`FaultKind::STATUSES`] in place of an effect; nothing is kept under the key. The
    /// body is Stripe's, of 502 and 503 a gateway's HTML page.
    Status(u16),
    /// 429 `lock_timeout`: another request holds the object; no effect.
    LockTimeout,
    /// 500, kept under the idempotency key; no effect.
    FailBefore,
    /// The effect takes place, the answer is a 500, kept under the idempotency key.
    FailAfter,
    /// The effect and the answer come this much later, even if the caller has hung up by then.
    /// Until then the idempotency key is in use.
    Slow(Duration),
    /// The effect takes place at once, the answer comes this much later.
    SlowAfter(Duration),
    /// The effect takes place; the answer's body breaks off half way.
    Truncated,
    /// The effect takes place; the answer is a 200 whose body is no JSON.
    Garbage,
}

impl FaultKind {
    /// The statuses that can be ordered.
    pub const STATUSES: [u16; 9] = [401, 403, 404, 409, 424, 429, 500, 502, 503];
}

impl State {
    pub fn next_fault(&mut self, method: &Method, path: &str) -> Option<FaultKind> {
        let place = self.faults.iter().position(|fault| {
            fault.method.as_ref().is_none_or(|wanted| wanted == method)
                && hits(&fault.path_prefix, path)
        })?;
        let fault = &mut self.faults[place];
        let kind = fault.kind;
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.faults.remove(place);
        }
        Some(kind)
    }
}

impl Fault {
    /// One failing request of any method whose path matches `path_prefix`.
    pub fn once(path_prefix: impl Into<String>, kind: FaultKind) -> Self {
        Self { method: None, path_prefix: path_prefix.into(), times: 1, kind }
    }
}

/// The answer of an injected status that Stripe itself gives.
pub(crate) fn injected(status: u16, path: &str, idempotency_key: Option<&str>) -> ApiError {
    let invalid = |text: &str| ApiError::new(status, "invalid_request_error", text);
    match status {
        401 => invalid("Expired API Key provided: sk_test_***.").code("api_key_expired"),
        403 => invalid(
            "The provided key does not have the required permissions for this endpoint. Giving \
             it the permission it lacks would allow this request to continue.",
        ),
        404 => {
            let mut segments = path.split('/').skip(2);
            let noun = segments.next().unwrap_or_default().trim_end_matches('s');
            ApiError::missing(noun, segments.next().unwrap_or_default(), "id").status(404)
        }
        409 => idempotency::in_use(idempotency_key.unwrap_or_default()),
        424 => ApiError::new(
            status,
            "api_error",
            "The request could not be completed due to a failure in a dependency external to \
             Stripe.",
        ),
        429 => rate_limit::exceeded("endpoint-rate"),
        _ => ApiError::new(
            status,
            "api_error",
            "Sorry! There was an error while talking to one of our backends. Support has been \
             notified.",
        ),
    }
}

pub(crate) fn lock_timeout() -> ApiError {
    let mut error = ApiError::invalid(
        "This object cannot be accessed right now because another API request or Stripe process \
         is currently accessing it. If you see this error intermittently, retry the request. If \
         you see this error frequently and are making multiple concurrent requests to a single \
         object, make your requests serially or at a lower rate.",
    )
    .code("lock_timeout")
    .status(429);
    error.headers.push(("stripe-should-retry", "true"));
    error
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

pub(crate) fn router() -> Router<Stripe> {
    Router::new().route("/_sim/faults", get(faults).post(inject).delete(clear_faults))
}

/// As they were ordered.
pub(crate) fn as_ordered(state: &State) -> Value {
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
            FaultKind::Truncated => ("truncated", None, None),
            FaultKind::Garbage => ("garbage", None, None),
        };
        json!({
            "method": fault.method.as_ref().map(Method::as_str),
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
    let faults = as_ordered(&stripe.lock());
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
            "truncated" => FaultKind::Truncated,
            "garbage" => FaultKind::Garbage,
            "status" => match self.status {
                Some(status) if FaultKind::STATUSES.contains(&status) => FaultKind::Status(status),
                _ => return Err(format!("status must be one of {:?}", FaultKind::STATUSES)),
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

impl Stripe {
    /// Orders a failure.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Takes back every ordered failure.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }
}
