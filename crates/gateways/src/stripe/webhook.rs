//! Stripe's events: who sent them, and what they say.
//!
//! Anybody can post to a webhook address. What makes an event Stripe's is its signature over the
//! raw bytes, or that we fetched it with our own key; a [`VerifiedEvent`] exists only after one
//! of the two. Whether it is news to the shop is decided later, from the inbox.

use std::{fmt, str::FromStr};

use domain::event::{EventId, GatewayReference, News, Report, Word};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::wire::{Envelope, Identified, OfPayment, PaymentIntent, WireError, need};

/// How far the time of sending may lie from now, in seconds, either way. Stripe's libraries use
/// the same five minutes; every delivery, late ones too, is signed anew with its time of sending.
pub const TOLERANCE_SECONDS: u64 = 300;

/// The secret of a webhook endpoint, `whsec_…`.
#[derive(Clone)]
pub struct WebhookSecret(SecretString);

/// The text is no webhook secret. It is not repeated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Stripe webhook secret starts with whsec_")]
pub struct WebhookSecretError;

impl WebhookSecret {
    /// Reads one secret, or several with commas between them while one is being replaced.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, WebhookSecretError> {
        text.split(',').map(str::parse).collect()
    }
}

impl FromStr for WebhookSecret {
    type Err = WebhookSecretError;
    /// Reads a secret; blanks around it are dropped.
    fn from_str(text: &str) -> Result<Self, WebhookSecretError> {
        match text.trim() {
            secret if secret.len() > "whsec_".len() && secret.starts_with("whsec_") => {
                Ok(Self(secret.into()))
            }
            _ => Err(WebhookSecretError),
        }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// An event that Stripe made: its signature has been checked, or we fetched it with our key.
#[derive(Clone)]
pub struct VerifiedEvent {
    payload: String,
}

/// The payload holds a shopper's name and the payment's client secret.
impl fmt::Debug for VerifiedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedEvent({} bytes)", self.payload.len())
    }
}

impl VerifiedEvent {
    /// For [`Stripe::events`](super::Stripe::events).
    pub(super) fn fetched(payload: &str) -> Self {
        Self { payload: payload.to_owned() }
    }

    /// The event as Stripe wrote it.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// What it says.
    pub fn read(&self) -> Result<Event, WireError> {
        read_event(&self.payload)
    }
}

/// Why a delivery is not taken for Stripe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header is not `t=<seconds>,v1=<signature>`.
    #[error("the signature header has no single time of sending")]
    NoTime,
    /// No signature of the one scheme that counts.
    #[error("the signature header has no v1 signature")]
    NoSignature,
    /// Another secret, or other bytes.
    #[error("no signature fits the body and a secret of ours")]
    Mismatch,
    /// Rightly signed, but too long ago or too far ahead: a replay, or a clock that is wrong.
    #[error("it was sent {seconds_ago} seconds ago; at most {TOLERANCE_SECONDS} either way count")]
    OutsideTolerance {
        /// Negative where it lies in the future.
        seconds_ago: i64,
    },
    /// Rightly signed, and no text: not UTF-8, or with a zero in it, which no JSON has and not every
    /// database keeps.
    #[error("the body is no text in UTF-8")]
    NotText,
}

/// Checks a delivery by <https://docs.stripe.com/webhooks/signature> (read 2026-11-21): the
/// header names the second of sending and one HMAC-SHA256 over it and the body's raw bytes for
/// each secret that is in force. Comparison takes the same time wherever the first difference is.
pub fn verify(
    body: &[u8],
    signature: &str,
    secrets: &[WebhookSecret],
    now: Timestamp,
) -> Result<VerifiedEvent, SignatureError> {
    let items = || signature.split(',').filter_map(|item| item.split_once('='));
    let mut times = items().filter(|(name, _)| *name == "t").map(|(_, value)| value);
    let (Some(time), None) = (times.next(), times.next()) else {
        return Err(SignatureError::NoTime);
    };
    let sent = seconds(time).ok_or(SignatureError::NoTime)?;
    let claimed: Vec<&str> =
        items().filter(|(scheme, _)| *scheme == "v1").map(|(_, value)| value).collect();
    if claimed.is_empty() {
        return Err(SignatureError::NoSignature);
    }
    let fits = |secret: &WebhookSecret| {
        let expected = sign(secret, time, body);
        let equal = |claim: &&str| bool::from(expected.as_bytes().ct_eq(claim.as_bytes()));
        claimed.iter().any(equal)
    };
    if !secrets.iter().any(fits) {
        return Err(SignatureError::Mismatch);
    }
    let seconds_ago = now.as_second().saturating_sub(sent);
    if seconds_ago.unsigned_abs() > TOLERANCE_SECONDS {
        return Err(SignatureError::OutsideTolerance { seconds_ago });
    }
    match str::from_utf8(body) {
        Ok(payload) if !body.contains(&0) => Ok(VerifiedEvent { payload: payload.to_owned() }),
        Ok(_) | Err(_) => Err(SignatureError::NotText),
    }
}

/// Digits alone: a sign or a blank would be another message than the one that was signed.
fn seconds(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// The signature in lower-case hexadecimal.
fn sign(secret: &WebhookSecret, time: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.0.expose_secret().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// An event, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, by which it counts once.
    pub id: EventId,
    /// Stripe's name of what happened, such as `payment_intent.succeeded`.
    pub kind: String,
    /// Whether it is about real money.
    pub livemode: bool,
    /// When Stripe made it.
    pub created: Timestamp,
    /// The version of the API that its snapshot is written in; thin events have none.
    pub api_version: Option<String>,
    /// What it is about, by its id.
    pub object: Option<GatewayReference>,
    /// What it says of it.
    pub about: About,
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// News of a payment.
    Payment(Box<News>, Finality),
    /// Something beside a payment, which is named by its id.
    Beside(GatewayReference, Beside),
    /// It is about a payment that may be ours, and its snapshot cannot be read, as another version
    /// of the API may have written it. Re-read the payment.
    Unreadable,
    /// A thin event: it holds an id and no snapshot.
    Thin,
    /// Nothing of a payment, or of a kind that we do not follow.
    Other,
}

/// What stands beside a payment. The snapshot is not believed: read how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// A refund was made or has moved; where it is not told which, any of the payment's.
    Refund(Option<GatewayReference>),
    /// A dispute was opened or has moved.
    Dispute(GatewayReference),
    /// The bank that issued the card reports the payment as fraud; a dispute may follow.
    FraudWarning,
}

/// How much an event's snapshot is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// The kind says that the payment has ended, and the snapshot agrees: it is the truth.
    Final,
    /// The payment may have moved on since: re-read it. A hint's report is never
    /// [`Report::Succeeded`] or [`Report::Cancelled`], so that applying it ends nothing.
    Hint,
}

/// Reads an event leniently: what is missing for one purpose is an error only there.
pub fn read_event(payload: &str) -> Result<Event, WireError> {
    let envelope: Envelope<'_> = serde_json::from_str(payload)?;
    let id = EventId::new(need(envelope.id.as_deref(), "id")?)?;
    let snapshot = envelope.data.as_ref().and_then(|data| data.object);
    let thin = envelope.object.as_deref() != Some("event");
    let object = match (&envelope.related_object, snapshot) {
        (Some(related), _) => related.id.clone(),
        (None, Some(raw)) => serde_json::from_str::<Identified>(raw.get()).ok().and_then(|o| o.id),
        (None, None) => None,
    };
    let kind = kind(need(envelope.kind, "type")?)?;
    let about = match snapshot {
        _ if thin => About::Thin,
        // Whoever made it has been told, and nothing has happened to it yet.
        _ if kind == "payment_intent.created" => About::Other,
        Some(raw) if kind.starts_with("payment_intent.") => about_payment(&kind, raw.get(), &id),
        None if kind.starts_with("payment_intent.") => About::Unreadable,
        Some(raw) => beside_payment(&kind, raw.get()),
        None => About::Other,
    };
    Ok(Event {
        id,
        livemode: need(envelope.livemode, "livemode")?,
        created: need(envelope.created, "created")?.timestamp()?,
        api_version: envelope.api_version,
        object: object.and_then(|id| GatewayReference::new(id).ok()),
        kind,
        about,
    })
}

/// Longer than any kind of Stripe's, and what our table takes.
const KIND_CHARS_MAX: usize = 255;

fn kind(text: String) -> Result<String, WireError> {
    match text.chars().count() {
        0..=KIND_CHARS_MAX if !text.contains(char::is_control) => Ok(text),
        _ => Err(WireError::Kind),
    }
}

/// What stands beside a payment. What no payment brought is none of ours.
fn beside_payment(kind: &str, snapshot: &str) -> About {
    let reference = |id: Option<String>| id.and_then(|id| GatewayReference::new(id).ok());
    let Ok(OfPayment { id, payment_intent }) = serde_json::from_str(snapshot) else {
        return About::Other;
    };
    let Some(payment) = reference(payment_intent) else { return About::Other };
    let beside = match (kind, reference(id)) {
        // The snapshot is the charge, which does not list its refunds.
        ("charge.refunded", _) => Beside::Refund(None),
        // `charge.refund.updated` is the deprecated twin of `refund.updated`.
        ("refund.created" | "refund.updated" | "refund.failed", refund) => Beside::Refund(refund),
        ("radar.early_fraud_warning.created", _) => Beside::FraudWarning,
        (kind, Some(dispute)) if kind.starts_with("charge.dispute.") => Beside::Dispute(dispute),
        (_, Some(_) | None) => return About::Other,
    };
    About::Beside(payment, beside)
}

fn about_payment(kind: &str, snapshot: &str, id: &EventId) -> About {
    let Ok(payment) = serde_json::from_str::<PaymentIntent>(snapshot) else {
        return About::Unreadable;
    };
    let Ok(mut news) = payment.news(Word::Event(id.clone())) else {
        // Another shop's payment may be in any currency; there is nothing to re-read it for.
        return if payment.order().is_some() { About::Unreadable } else { About::Other };
    };
    let finality = match (&news.report, kind) {
        (Report::Succeeded { .. }, "payment_intent.succeeded")
        | (Report::Cancelled, "payment_intent.canceled") => Finality::Final,
        (Report::Succeeded { .. } | Report::Cancelled, _) => {
            news.report = Report::Open;
            Finality::Hint
        }
        (Report::Open | Report::Declined(_) | Report::RequiresAction | Report::Processing, _) => {
            Finality::Hint
        }
    };
    About::Payment(Box::new(news), finality)
}

#[cfg(test)]
mod tests;
