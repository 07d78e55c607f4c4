//! Idempotency keys as v1 keeps them (docs.stripe.com/api/idempotent_requests).
//!
//! The first answer under a key is kept once execution has begun: successes, declines and 5xx
//! alike. Answers of validation and of conflicts are not kept. After 24 hours a key is new again.

use std::collections::HashMap;

use serde_json::Value;

use crate::stripe::api::call::{Call, Key};
use crate::stripe::api::error::ApiError;

const KEPT_SECONDS: i64 = 24 * 60 * 60;
const KEY_CHARACTERS_MAX: usize = 255;

#[derive(Default)]
pub(crate) struct Replies {
    entries: HashMap<(Key, String), Entry>,
}

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
        let fingerprint = format!("{} {}\n{}", call.method, call.path, call.params.canonical());
        let place = (call.key, key.clone());
        if let Some(entry) = self.entries.get(&place).filter(|entry| now - entry.at < KEPT_SECONDS)
        {
            if entry.fingerprint != fingerprint {
                return Err(ApiError::new(
                    400,
                    "idempotency_error",
                    format!(
                        "Keys for idempotent requests can only be used with the same parameters \
                         they were first used with. Try using a key other than '{key}' if you \
                         meant to execute a different request."
                    ),
                ));
            }
            return match &entry.answer {
                Some(kept) => Ok(Turn::Replay(kept.clone())),
                None => Err(in_use(key)),
            };
        }
        self.entries.insert(place, Entry { fingerprint, at: now, answer: None });
        Ok(Turn::First)
    }

    /// Keeps the answer, or frees the key when nothing was begun.
    pub fn finish(&mut self, call: &Call, status: u16, body: &Value, request_id: &str) {
        let Some(key) = &call.origin.idempotency_key else { return };
        let place = (call.key, key.clone());
        let begun = status < 400 || status == 402 || status >= 500;
        if !begun {
            self.entries.remove(&place);
        } else if let Some(entry) = self.entries.get_mut(&place) {
            entry.answer =
                Some(Kept { status, body: body.clone(), request_id: request_id.to_owned() });
        }
    }
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
