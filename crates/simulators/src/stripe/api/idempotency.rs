//! Idempotency keys as v1 keeps them (docs.stripe.com/api/idempotent_requests).
//!
//! The first answer under a key is kept once execution has begun: successes, declines, requests
//! that do not fit the object's state, and 5xx alike. Answers of validation, of limits and of
//! conflicts are not kept. After 24 hours a key is new again.
//!
//! Under `/v2` only successes are kept, for 30 days: a repeated request carries on where a failed
//! one ended (docs.stripe.com/api-v2-overview).

use std::collections::HashMap;

use serde_json::Value;

use crate::stripe::api::call::{Call, Key};
use crate::stripe::api::error::ApiError;
use crate::stripe::api::v2::Api;

const KEPT_SECONDS: i64 = 24 * 60 * 60;
const V2_KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;
const KEY_CHARACTERS_MAX: usize = 255;

#[derive(Default)]
pub(crate) struct Replies {
    entries: HashMap<Place, Entry>,
}

/// Where a key counts: in one half of the API, whoever sends it.
type Place = (Api, String);

struct Entry {
    fingerprint: String,
    at: i64,
    answer: Option<Kept>,
}

/// A first answer.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub status: u16,
    pub body: Value,
    pub request_id: String,
}

/// What a key says about a request that comes with it.
pub(crate) enum Turn {
    /// No key, or one not seen before: carry the request out.
    First,
    Replay(Kept),
}

impl Replies {
    /// Reserves the request's key. Refuses a key that runs at this moment or that belongs to
    /// another request.
    pub fn begin(&mut self, call: &Call, now: i64) -> Result<Turn, ApiError> {
        let Some(key) = &call.origin.idempotency_key else { return Ok(Turn::First) };
        if key.chars().count() > KEY_CHARACTERS_MAX {
            return Err(ApiError::invalid(format!(
                "Idempotency keys may be at most {KEY_CHARACTERS_MAX} characters."
            )));
        }
        let asks = match call.key {
            Key::Secret => "server",
            Key::Publishable => "page",
        };
        let (method, path) = (&call.method, &call.path);
        let fingerprint = format!("{asks} {method} {path}\n{}", call.params.canonical());
        let place = (call.api, key.clone());
        let kept = match call.api {
            Api::V1 => KEPT_SECONDS,
            Api::V2 => V2_KEPT_SECONDS,
        };
        // A request that still runs keeps its key, however far the clock jumps.
        let live = |entry: &&Entry| entry.answer.is_none() || now - entry.at < kept;
        if let Some(entry) = self.entries.get(&place).filter(live) {
            if entry.fingerprint != fingerprint {
                return Err(other_request(key, call.api));
            }
            return match &entry.answer {
                Some(kept) => Ok(Turn::Replay(kept.clone())),
                None => Err(in_use(key)),
            };
        }
        self.entries.insert(place, Entry { fingerprint, at: now, answer: None });
        Ok(Turn::First)
    }

    /// Keeps the answer, if the request was `begun`, or frees the key.
    pub fn finish(&mut self, call: &Call, begun: bool, answer: impl FnOnce() -> Kept) {
        let Some(key) = &call.origin.idempotency_key else { return };
        let place = (call.api, key.clone());
        if !begun {
            self.entries.remove(&place);
        } else if let Some(entry) = self.entries.get_mut(&place) {
            entry.answer = Some(answer());
        }
    }
}

fn other_request(key: &str, api: Api) -> ApiError {
    let status = match api {
        Api::V1 => 400,
        Api::V2 => 409,
    };
    ApiError::new(
        status,
        "idempotency_error",
        format!(
            "Keys for idempotent requests can only be used with the same parameters they were \
             first used with. Try using a key other than '{key}' if you meant to execute a \
             different request."
        ),
    )
}

pub(crate) fn in_use(key: &str) -> ApiError {
    ApiError::new(
        409,
        "idempotency_error",
        format!(
            "There is currently another in-progress request using this Idempotent Key (that \
             probably means you submitted twice, and the other request is still going through): \
             {key}. Please try again later."
        ),
    )
    .code("idempotency_key_in_use")
}
