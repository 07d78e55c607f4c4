//! Faults that tests order: some requests to a route fail in a chosen way.

use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::Method;
use serde::{Deserialize, Serialize};

use crate::elastic_path::ElasticPath;
use crate::elastic_path::control::{done, refused};
use crate::elastic_path::state::State;
use crate::wire::hits;

/// Of the requests that match, the next `times` after `skip` others fail as `kind` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// `None` matches every method.
    pub method: Option<Method>,
    /// Which paths: those that start so (`/v2/carts`), end so (`/checkout`), or are so with any id
    /// for `{}` (`/v2/carts/{}/checkout`).
    pub path: String,
    /// How many requests it still lets through.
    pub skip: u32,
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
    /// This status with `errors` of this shape; no effect.
    Status(u16, ErrorShape),
    /// 429; no effect.
    RateLimited {
        /// The header `Retry-After`, which nobody promises.
        retry_after_s: Option<u64>,
    },
    /// The effect takes place, the answer is a 500.
    FailAfter,
    /// A 502 in HTML; no effect.
    GatewayPage,
    /// The effect takes place, the answer is a 502 in HTML.
    GatewayPageAfter,
    /// The effect and the answer come this much later, even if the caller has hung up by then.
    Slow(Duration),
    /// The effect takes place at once, the answer comes this much later.
    SlowAfter(Duration),
    /// The effect takes place; the answer breaks off in the middle of its JSON.
    Garbage,
    /// The effect takes place; beside the answer there are `errors`.
    SoftErrors,
    /// The effect takes place; the answer has `errors`, and what is in `meta` is left out.
    ErrorsAlone,
}

/// How an error is written; all of these have been seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// `"status": 500`.
    #[default]
    Number,
    /// `"status": "500"`.
    Text,
    /// Without a status.
    Absent,
    /// One error in place of a list of them.
    Object,
}

impl Fault {
    /// One failing request of any method whose path matches.
    pub fn once(path: impl Into<String>, kind: FaultKind) -> Self {
        Self { method: None, path: path.into(), skip: 0, times: 1, kind }
    }

    /// Only requests of this method.
    #[must_use]
    pub fn of(self, method: Method) -> Self {
        Self { method: Some(method), ..self }
    }

    /// Beginning with the nth request that matches; the next one is the first.
    #[must_use]
    pub fn nth(self, nth: u32) -> Self {
        Self { skip: nth.saturating_sub(1), ..self }
    }

    /// So many requests, one after the other.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }
}

impl State {
    /// What goes wrong with this request. Every fault that it fits counts it, the first that is due
    /// hits it.
    pub fn next_fault(&mut self, method: &Method, path: &str) -> Option<FaultKind> {
        let mut due = None;
        for fault in &mut self.faults {
            let fits = fault.method.as_ref().is_none_or(|wanted| wanted == method);
            if !fits || !hits(&fault.path, path) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if due.is_none() && fault.times > 0 {
                fault.times -= 1;
                due = Some(fault.kind);
            }
        }
        self.faults.retain(|fault| fault.times > 0);
        due
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultOrder {
    method: Option<String>,
    #[serde(default)]
    path: String,
    nth: Option<u32>,
    times: Option<u32>,
    kind: String,
    status: Option<u16>,
    #[serde(default)]
    shape: ErrorShape,
    retry_after_s: Option<u64>,
    ms: Option<u64>,
}

pub(crate) fn router() -> Router<ElasticPath> {
    Router::new().route("/_sim/faults", get(faults).post(inject).delete(clear_faults))
}

async fn faults(Shared(store): Shared<ElasticPath>) -> Response {
    let faults: Vec<String> = store.lock().faults.iter().map(|one| format!("{one:?}")).collect();
    Json(faults).into_response()
}

async fn clear_faults(Shared(store): Shared<ElasticPath>) -> Response {
    store.clear_faults();
    done()
}

async fn inject(Shared(store): Shared<ElasticPath>, Json(order): Json<FaultOrder>) -> Response {
    match order.into_fault() {
        Ok(fault) => {
            store.inject(fault);
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
            "status" => match self.status {
                Some(status @ 400..=599) => FaultKind::Status(status, self.shape),
                _ => return Err("status must be one from 400 to 599".into()),
            },
            "rate_limited" => FaultKind::RateLimited { retry_after_s: self.retry_after_s },
            "500_after" => FaultKind::FailAfter,
            "gateway_page" => FaultKind::GatewayPage,
            "gateway_page_after" => FaultKind::GatewayPageAfter,
            "slow" => FaultKind::Slow(pause()?),
            "slow_after" => FaultKind::SlowAfter(pause()?),
            "garbage" => FaultKind::Garbage,
            "soft_errors" => FaultKind::SoftErrors,
            "errors_alone" => FaultKind::ErrorsAlone,
            other => return Err(format!("unknown kind {other}")),
        };
        let method = self.method.map(|method| method.parse()).transpose();
        let method = method.map_err(|_| "unknown method")?;
        let fault = Fault { method, ..Fault::once(self.path, kind) };
        Ok(fault.nth(self.nth.unwrap_or(1)).times(self.times.unwrap_or(1)))
    }
}

impl ElasticPath {
    /// Orders a failure.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Whether a failure was ordered that has not come to its end.
    pub fn has_faults(&self) -> bool {
        !self.lock().faults.is_empty()
    }

    /// Takes back every ordered failure.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
    }
}
