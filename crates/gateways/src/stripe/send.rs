//! One call to Stripe: as many tries as its deadline allows, all under one key, and at the end
//! the last thing that is certain. Once a try may have reached Stripe, only an answer of Stripe's
//! makes it certain again; a later refused connection does not.
//!
//! Stripe's own rule for repeating is in its libraries (stripe-node 23.1.0, `RequestSender`):
//! a lost connection, 409 and 5xx, unless the header `Stripe-Should-Retry` says otherwise. We add
//! 424 and 429, which are documented as "not now".

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use bytes::Bytes;
use domain::payment::IdempotencyKey;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::time::{Instant, sleep, timeout_at};
use tower::ServiceExt;

use super::errors::{ErrorBody, Refused};
use crate::{Doubt, GatewayError, Transport, TransportError};

/// The version of the API whose words this client speaks.
pub const STRIPE_VERSION: &str = "2026-10-28.endive";

const VERSION: HeaderName = HeaderName::from_static("stripe-version");
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The ends of a call.
#[derive(Debug, Clone, Copy)]
pub struct RetryLimits {
    /// From the first try to the last word, waits included.
    pub deadline: Duration,
    /// How often a request is sent again.
    pub retries_max: u32,
    /// The first wait; each further one is twice as long. Half of every wait is jitter.
    pub wait: Duration,
    /// The longest wait.
    pub wait_max: Duration,
}

impl Default for RetryLimits {
    /// Ten seconds: a shopper waits for it. Three retries are past by then, and what is still
    /// unknown is the worker's to find out.
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            retries_max: 3,
            wait: Duration::from_millis(250),
            wait_max: Duration::from_secs(2),
        }
    }
}

/// What is asked. Every call may be sent again: it only reads, or it has a key under which Stripe
/// carries it out once, or, like a cancellation, it cannot happen twice.
pub(super) struct Call<'a> {
    pub method: Method,
    /// The path without ids, for the log.
    pub template: &'static str,
    /// The path, with the query.
    pub path: String,
    pub body: &'a str,
    /// The same for every try.
    pub key: Option<&'a IdempotencyKey>,
}

/// A yes of Stripe's.
pub(super) struct Reply {
    pub status: u16,
    pub body: String,
    pub request_id: Option<String>,
    /// Stripe's clock, as it wrote it.
    pub date: Option<String>,
}

/// How one try ended.
enum Ending {
    Answer(Reply),
    Refused(Refused),
    /// Nothing left this machine.
    NotSent(TransportError),
    /// It may have been carried out, and asking again may tell.
    AskAgain(Doubt),
    /// It may have been carried out, and asking again brings the same answer.
    NoUse(Doubt),
}

/// Sends calls with the shop's key.
pub(super) struct Sender {
    pub transport: Transport,
    /// Scheme, host and path, without a slash at the end.
    pub api_base: String,
    pub authorization: HeaderValue,
    pub retry: RetryLimits,
}

impl Sender {
    /// Carries the call out, or says what is known of it.
    pub async fn send(&self, call: &Call<'_>) -> Result<Reply, GatewayError> {
        let deadline = Instant::now() + self.retry.deadline;
        let mut known = None;
        let mut tries = 0;
        let result = loop {
            tries += 1;
            let ending = match timeout_at(deadline, self.try_once(call)).await {
                Ok(ending) => ending,
                Err(_) => Ending::NoUse(Doubt::Deadline),
            };
            let failure = match ending {
                Ending::Answer(reply) => break Ok(reply),
                Ending::NoUse(doubt) => break Err(GatewayError::Unknown(doubt)),
                Ending::Refused(refused) => break Err(after_refusal(refused, known)),
                Ending::AskAgain(doubt) => GatewayError::Unknown(doubt),
                Ending::NotSent(error) => match known {
                    Some(unknown @ GatewayError::Unknown(_)) => unknown,
                    Some(_) | None => GatewayError::NotSent(error),
                },
            };
            let wait = self.wait_after(tries, call);
            if tries > self.retry.retries_max || Instant::now() + wait >= deadline {
                break Err(failure);
            }
            known = Some(failure);
            sleep(wait).await;
        };
        call.log(&result, tries);
        result
    }

    async fn try_once(&self, call: &Call<'_>) -> Ending {
        let request = match self.request(call) {
            Ok(request) => request,
            Err(error) => return Ending::NotSent(TransportError::NotSent(error.into())),
        };
        match self.transport.clone().oneshot(request).await {
            Ok(response) => judge(&response),
            Err(error @ TransportError::NotSent(_)) => Ending::NotSent(error),
            Err(error @ TransportError::NoAnswer(_)) => Ending::AskAgain(Doubt::NoAnswer(error)),
        }
    }

    fn request(&self, call: &Call<'_>) -> Result<http::Request<Bytes>, http::Error> {
        let mut request = http::Request::builder()
            .method(&call.method)
            .uri(format!("{}{}", self.api_base, call.path))
            .header(header::AUTHORIZATION, &self.authorization)
            .header(VERSION, STRIPE_VERSION);
        if let Some(key) = call.key {
            request = request.header(KEY, key.as_str());
        }
        if call.method == Method::POST {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        request.body(Bytes::copy_from_slice(call.body.as_bytes()))
    }

    /// Between half and all of the doubling wait. The jitter follows from the request, so that a
    /// run can be repeated exactly, and differs between requests, which is all it is for.
    fn wait_after(&self, tries: u32, call: &Call<'_>) -> Duration {
        let doubled = self.retry.wait.saturating_mul(1 << (tries - 1).min(16));
        let half = doubled.min(self.retry.wait_max) / 2;
        let mut hasher = DefaultHasher::new();
        (call.key.map(IdempotencyKey::as_str), &call.path, tries).hash(&mut hasher);
        let share = u32::try_from(hasher.finish() % 1024).unwrap_or(0);
        half + half * share / 1024
    }
}

impl Call<'_> {
    fn log(&self, result: &Result<Reply, GatewayError>, tries: u32) {
        let (status, request_id, outcome) = match result {
            Ok(reply) => (reply.status, reply.request_id.as_deref(), "answered"),
            Err(GatewayError::Refused(no)) => (no.status, no.request_id.as_deref(), "refused"),
            Err(GatewayError::Unknown(Doubt::Status { status, request_id, .. })) => {
                (*status, request_id.as_deref(), "unknown")
            }
            Err(GatewayError::Unknown(_)) => (0, None, "unknown"),
            Err(GatewayError::NotSent(_)) => (0, None, "not sent"),
        };
        let (method, path) = (&self.method, self.template);
        tracing::debug!(%method, path, status, request_id, tries, outcome, "called Stripe");
    }
}

/// A wrong key is refused before Stripe looks at anything else, so such a no does not tell
/// whether an earlier try got through. Any other no was given to the request itself.
fn after_refusal(refused: Refused, known: Option<GatewayError>) -> GatewayError {
    match known {
        Some(unknown @ GatewayError::Unknown(_)) if refused.is_operator_fault() => unknown,
        Some(_) | None => GatewayError::Refused(Box::new(refused)),
    }
}

/// What a whole response means.
fn judge(response: &http::Response<Bytes>) -> Ending {
    let status = response.status();
    let request_id = text(response.headers(), &REQUEST_ID).map(str::to_owned);
    let body = match std::str::from_utf8(response.body()) {
        Ok(body) => body,
        Err(_) if !status.is_success() => "",
        Err(error) => return Ending::NoUse(Doubt::Unreadable(error.into())),
    };
    if status.is_success() {
        return Ending::Answer(Reply {
            status: status.as_u16(),
            body: body.to_owned(),
            request_id,
            date: text(response.headers(), &header::DATE).map(str::to_owned),
        });
    }
    let error = serde_json::from_str::<ErrorBody<'_>>(body).ok().map(|body| body.error);
    let doubt = Doubt::Status {
        status: status.as_u16(),
        code: error.as_ref().and_then(|error| error.payment_error.code.clone()),
        request_id: request_id.clone(),
    };
    let replayed = text(response.headers(), &REPLAYED) == Some("true");
    if replayed && status.is_server_error() {
        return Ending::NoUse(doubt);
    }
    match text(response.headers(), &SHOULD_RETRY) {
        Some("true") => return Ending::AskAgain(doubt),
        Some("false") => {}
        Some(_) | None if is_passing(status) => return Ending::AskAgain(doubt),
        Some(_) | None => {}
    }
    match (status.as_u16(), error) {
        // Without Stripe's error object it may be a proxy that speaks.
        (400..=404, Some(error)) if !error.is_key_reused() => {
            Ending::Refused(error.refused(status.as_u16(), request_id))
        }
        _ => Ending::NoUse(doubt),
    }
}

/// Whether the same request may fare better in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 409 | 424 | 429) || status.is_server_error()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
