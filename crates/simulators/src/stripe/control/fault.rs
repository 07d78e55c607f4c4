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
use crate::stripe::api::idempotency;
use crate::stripe::control::{done, once, refused};
use crate::stripe::state::State;

/// The next `times` requests that match fail as `kind` says; each uses one up.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// `None` matches every method.
    pub method: Option<Method>,
    /// Start of the path, such as `/v1/payment_intents`.
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
    /// This status (409, 429 or 500) in place of an effect; nothing is kept under the key.
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
}

/// A response that must never reach a client: in its place the connection closes without a byte.
///
/// Over a socket this happens by itself, because the body fails. Whoever calls the router in
/// process finds this type among the response's extensions and makes a transport error of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLost;

impl State {
    pub fn next_fault(&mut self, method: &Method, path: &str) -> Option<FaultKind> {
        let place = self.faults.iter().position(|fault| {
            fault.method.as_ref().is_none_or(|wanted| wanted == method)
                && path.starts_with(&fault.path_prefix)
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
    /// One failing request of any method whose path starts with `path_prefix`.
    pub fn once(path_prefix: impl Into<String>, kind: FaultKind) -> Self {
        Self { method: None, path_prefix: path_prefix.into(), times: 1, kind }
    }
}

/// The answer of an injected status.
pub(crate) fn injected(status: u16, idempotency_key: Option<&str>) -> ApiError {
    match status {
        409 => idempotency::in_use(idempotency_key.unwrap_or_default()),
        429 => {
            let mut error = ApiError::new(
                429,
                "invalid_request_error",
                "Request rate limit exceeded. Learn more about rate limits here \
                 https://stripe.com/docs/rate-limits.",
            )
            .code("rate_limit");
            error.headers.push(("stripe-rate-limited-reason", "endpoint-rate"));
            error
        }
        status => ApiError::new(
            status,
            "api_error",
            "Sorry! There was an error while talking to one of our backends. Support has been \
             notified.",
        ),
    }
}

pub(crate) fn lock_timeout() -> ApiError {
    ApiError::invalid(
        "This object cannot be accessed right now because another API request or Stripe process \
         is currently accessing it. If you see this error intermittently, retry the request. If \
         you see this error frequently and are making multiple concurrent requests to a single \
         object, make your requests serially or at a lower rate.",
    )
    .code("lock_timeout")
    .status(429)
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
