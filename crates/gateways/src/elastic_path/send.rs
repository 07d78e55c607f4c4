//! One call to Elastic Path: as many tries as its deadline and its nature allow, and at the end the
//! last thing that is certain.
//!
//! Elastic Path has no idempotency keys. So what makes or moves something is sent again only where
//! nothing was carried out: no connection, or 429. What only reads, or can be done twice with the
//! same effect, is also sent again after 408, 5xx and a lost answer.
//!
//! A machine may be held up for longer than a call may take, and its own measure of time with it.
//! Others have taken over by then, so what is not to be done twice is not sent again after that.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use tower::ServiceExt;

use super::{
    WallClock,
    errors::{self, EpError, Refused, SoftErrors, Unsent},
};
use crate::{Doubt, Transport, TransportError};

const ACCOUNT: HeaderName = HeaderName::from_static("ep-account-management-authentication-token");

/// The ends of a call.
#[derive(Debug, Clone, Copy)]
pub struct RetryLimits {
    /// From the first try to the last word, waits and tokens included.
    pub deadline: Duration,
    /// How often a request is sent again.
    pub retries_max: u32,
    /// The longest first wait; for each further one it is twice as long. All of a wait is jitter.
    pub wait: Duration,
}

impl Default for RetryLimits {
    /// What Elastic Path's own client does: three retries within half a minute.
    fn default() -> Self {
        Self { deadline: Duration::from_secs(30), retries_max: 3, wait: Duration::from_millis(500) }
    }
}

/// Whether a request may be sent again although the one before may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It reads, or doing it twice is doing it once.
    Always,
    /// Doing it twice would make a second thing, or charge twice.
    OnlyUnsent,
}

/// What is asked.
pub(super) struct Call {
    pub method: Method,
    /// The path without ids, for the log.
    pub template: &'static str,
    /// The path, with the query.
    pub path: String,
    pub body: Body,
    pub repeat: Repeat,
}

/// What a request carries. It may hold secrets, so it has no `Debug`.
pub(super) enum Body {
    Nothing,
    Json(String),
    Form(String),
}

/// Who asks.
#[derive(Default)]
pub(super) struct Credentials {
    pub bearer: Option<HeaderValue>,
    pub account: Option<HeaderValue>,
}

/// A yes of Elastic Path's.
pub(super) struct Reply {
    pub status: u16,
    pub body: Bytes,
}

impl Reply {
    /// The answer as JSON, unless it names errors beside the data: then it is no yes.
    pub fn json(&self) -> Result<Value, EpError> {
        let body: Value = serde_json::from_slice(&self.body).map_err(EpError::unreadable)?;
        match errors::entries_in(&body) {
            entries if entries.is_empty() => Ok(body),
            entries => Err(EpError::unreadable(SoftErrors(entries))),
        }
    }

    /// Looks for errors in an answer of which nothing else is wanted.
    pub fn done(&self) -> Result<(), EpError> {
        match errors::entries(&self.body) {
            entries if entries.is_empty() => Ok(()),
            entries => Err(EpError::unreadable(SoftErrors(entries))),
        }
    }
}

/// How one try ended.
enum Ending {
    Answer(Reply),
    Refused(Refused),
    /// Nothing was carried out.
    Unsent(Unsent),
    /// It may have been carried out.
    Doubtful(Doubt, Option<Duration>),
    /// It may have been carried out, and asking again brings no more.
    NoUse(Doubt),
}

/// Sends calls.
pub(super) struct Sender {
    pub transport: Transport,
    /// Scheme, host and path, without a slash at the end.
    pub api_base: String,
    pub retry: RetryLimits,
    pub clock: WallClock,
    /// Makes the jitter of this process differ from that of others.
    pub seed: u64,
    /// Makes the jitter of a call differ from that of others.
    pub calls: AtomicU64,
}

impl Sender {
    /// Carries the call out, or says what is known of it.
    pub async fn send(
        &self,
        call: &Call,
        credentials: &Credentials,
        deadline: Instant,
    ) -> Result<Reply, EpError> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let began = (self.clock)();
        let mut doubt = None;
        let mut tries = 0;
        let result = loop {
            tries += 1;
            let ending = match timeout_at(deadline, self.try_once(call, credentials)).await {
                Ok(ending) => ending,
                Err(_) => Ending::NoUse(Doubt::Deadline),
            };
            let (failure, retry_after) = match ending {
                Ending::Answer(reply) => break Ok(reply),
                Ending::NoUse(doubt) => break Err(EpError::Unknown(doubt)),
                Ending::Refused(refused) => break Err(after_refusal(refused, doubt)),
                Ending::Doubtful(doubt, _) if call.repeat == Repeat::OnlyUnsent => {
                    break Err(EpError::Unknown(doubt));
                }
                Ending::Doubtful(doubt, retry_after) => (EpError::Unknown(doubt), retry_after),
                Ending::Unsent(unsent) => {
                    let retry_after = unsent.retry_after();
                    let known = doubt.take().map(EpError::Unknown);
                    (known.unwrap_or(EpError::NotSent(unsent)), retry_after)
                }
            };
            let wait = retry_after.unwrap_or_else(|| self.wait_after(tries, number));
            // Who asks for more time than any clock has is not waited for.
            let again = Instant::now().checked_add(wait).filter(|again| *again < deadline);
            if tries > self.retry.retries_max || again.is_none() {
                break Err(failure);
            }
            if let EpError::Unknown(known) = failure {
                doubt = Some(known);
            }
            sleep(wait).await;
            let took = (self.clock)().duration_since(began);
            if call.repeat == Repeat::OnlyUnsent && took.unsigned_abs() >= self.retry.deadline {
                break Err(EpError::Unknown(Doubt::Deadline));
            }
        };
        call.log(&result, tries);
        result
    }

    async fn try_once(&self, call: &Call, credentials: &Credentials) -> Ending {
        let request = match self.request(call, credentials) {
            Ok(request) => request,
            Err(error) => return not_sent(TransportError::NotSent(error.into())),
        };
        match self.transport.clone().oneshot(request).await {
            Ok(response) => judge(response, call.repeat),
            Err(error @ TransportError::NotSent(_)) => not_sent(error),
            Err(error @ TransportError::NoAnswer(_)) => {
                Ending::Doubtful(Doubt::NoAnswer(error), None)
            }
        }
    }

    fn request(
        &self,
        call: &Call,
        credentials: &Credentials,
    ) -> Result<http::Request<Bytes>, http::Error> {
        let mut request = http::Request::builder()
            .method(&call.method)
            .uri(format!("{}{}", self.api_base, call.path))
            .header(header::ACCEPT, "application/json");
        if let Some(bearer) = &credentials.bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        if let Some(account) = &credentials.account {
            request = request.header(ACCOUNT, account);
        }
        let (kind, body) = match &call.body {
            Body::Nothing => return request.body(Bytes::new()),
            Body::Json(body) => ("application/json", body),
            Body::Form(body) => ("application/x-www-form-urlencoded", body),
        };
        let request = request.header(header::CONTENT_TYPE, kind);
        request.body(Bytes::copy_from_slice(body.as_bytes()))
    }

    /// Anything up to the doubling wait. It follows from the seed and the number of the call, so
    /// that a run can be repeated exactly.
    fn wait_after(&self, tries: u32, number: u64) -> Duration {
        let longest = self.retry.wait.saturating_mul(1 << (tries - 1).min(16));
        let mut hasher = DefaultHasher::new();
        (self.seed, number, tries).hash(&mut hasher);
        let share = u32::try_from(hasher.finish() % 1024).unwrap_or(0);
        longest * share / 1024
    }
}

impl Unsent {
    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after } => *retry_after,
            Self::NoConnection(_) | Self::NoToken(_) => None,
        }
    }
}

impl Call {
    fn log(&self, result: &Result<Reply, EpError>, tries: u32) {
        let (status, outcome) = match result {
            Ok(reply) => (reply.status, "answered"),
            Err(EpError::Refused(no)) => (no.status, "refused"),
            Err(EpError::Unknown(Doubt::Status { status, .. })) => (*status, "unknown"),
            Err(EpError::Unknown(_)) => (0, "unknown"),
            Err(EpError::NotSent(_)) => (0, "not sent"),
        };
        let (method, path) = (&self.method, self.template);
        tracing::debug!(%method, path, status, tries, outcome, "called Elastic Path");
    }
}

fn not_sent(error: TransportError) -> Ending {
    Ending::Unsent(Unsent::NoConnection(Arc::new(error)))
}

/// A wrong token is refused before anything is looked at, so such a no does not tell whether an
/// earlier try got through. Any other no was given to the request itself.
fn after_refusal(refused: Refused, doubt: Option<Doubt>) -> EpError {
    match doubt {
        Some(doubt) if refused.is_operator_fault() => EpError::Unknown(doubt),
        Some(_) | None => EpError::Refused(Box::new(refused)),
    }
}

/// What a whole response means. Only a no in Elastic Path's own words, or one where nothing is at
/// stake, is a no: a proxy's may come after the effect. A conflict may too: the payment can stand
/// at Stripe before its cart is written.
fn judge(response: http::Response<Bytes>, repeat: Repeat) -> Ending {
    let status = response.status();
    if status.is_success() {
        return Ending::Answer(Reply { status: status.as_u16(), body: response.into_body() });
    }
    let retry_after = retry_after(&response);
    let entries = errors::entries(response.body());
    let doubt = || Doubt::Status {
        status: status.as_u16(),
        code: entries.iter().find_map(|entry| entry.code.clone().or(entry.title.clone())),
        request_id: entries.iter().find_map(|entry| entry.request_id.clone()),
    };
    match (status.as_u16(), repeat) {
        (429, _) => Ending::Unsent(Unsent::TooMany { retry_after }),
        (408 | 500.., _) => Ending::Doubtful(doubt(), retry_after),
        (409, Repeat::OnlyUnsent) => Ending::NoUse(doubt()),
        (401, _) | (400..=499, Repeat::Always) => {
            Ending::Refused(Refused { status: status.as_u16(), entries })
        }
        (400..=499, Repeat::OnlyUnsent) if !entries.is_empty() => {
            Ending::Refused(Refused { status: status.as_u16(), entries })
        }
        _ => Ending::NoUse(doubt()),
    }
}

/// In seconds. As a date it would need the time of day, and no source says that it comes at all.
fn retry_after(response: &http::Response<Bytes>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
