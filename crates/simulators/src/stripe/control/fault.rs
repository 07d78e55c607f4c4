//! Faults that tests order: the next requests to a route fail in a chosen way.

use std::time::Duration;

use http::Method;

use crate::stripe::api::error::ApiError;
use crate::stripe::api::idempotency;
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
