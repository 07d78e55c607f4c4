//! How many requests a second are answered (docs.stripe.com/rate-limits).

use std::collections::HashMap;

use http::Method;
use serde::{Deserialize, Serialize};

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;

/// Requests per second of the simulated clock; what is refused does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimits {
    /// Of all requests together.
    pub per_second: u32,
    /// Of one method and path, whatever the id in it.
    pub per_endpoint: u32,
    /// Of all searches together.
    pub search: u32,
}

impl RateLimits {
    /// Those of a sandbox.
    pub fn sandbox() -> Self {
        Self { per_second: 25, per_endpoint: 25, search: 20 }
    }

    /// Those of live mode.
    pub fn live() -> Self {
        Self { per_second: 100, per_endpoint: 25, search: 20 }
    }
}

/// The requests of the second that runs.
#[derive(Default)]
pub(crate) struct Meter {
    second: i64,
    all: u32,
    searches: u32,
    endpoints: HashMap<(Method, &'static str), u32>,
}

impl Meter {
    pub fn admit(&mut self, limits: RateLimits, call: &Call, second: i64) -> Result<(), ApiError> {
        if second != self.second {
            self.endpoints.clear();
            (self.second, self.all, self.searches) = (second, 0, 0);
        }
        let endpoint = self.endpoints.entry((call.method.clone(), call.route.path)).or_default();
        let is_search = call.route.answers.ends_with("[?]");
        if self.all >= limits.per_second {
            return Err(exceeded("global-rate"));
        }
        if *endpoint >= limits.per_endpoint || (is_search && self.searches >= limits.search) {
            return Err(exceeded("endpoint-rate"));
        }
        self.all += 1;
        *endpoint += 1;
        self.searches += u32::from(is_search);
        Ok(())
    }
}

pub(crate) fn exceeded(reason: &'static str) -> ApiError {
    let mut error = ApiError::new(
        429,
        "invalid_request_error",
        "Request rate limit exceeded. Learn more about rate limits here \
         https://stripe.com/docs/rate-limits.",
    )
    .code("rate_limit");
    error.headers.push(("stripe-rate-limited-reason", reason));
    error
}
