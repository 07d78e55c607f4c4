//! The merchant's own systems. A notice is posted to each of them as Standard Webhooks 1.0.0 has it
//! (<https://www.standardwebhooks.com>, read 2026-11-22): three headers, of which one is an
//! HMAC-SHA256 over the other two and the body. While a secret is being replaced it is signed with
//! both.
//!
//! The operator, and nobody else, decides where notices go. So an address inside the operator's own
//! network is as good as any other, and is not refused here; a redirect is not followed, because
//! whoever answers does not decide.

use std::{fmt, str::FromStr, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use domain::{delivery::Outcome, id::NoticeId};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, StatusCode, header, request::Builder};
use jiff::{Timestamp, fmt::rfc2822};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use tower::ServiceExt;
use url::Url;

use crate::{Transport, TransportLimits, Tried, with_causes};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How long an endpoint may take, and how much of what it says is read. The specification suggests
/// fifteen to thirty seconds; of the answer only its status and one header count.
pub const LIMITS: TransportLimits = TransportLimits {
    connect: Duration::from_secs(5),
    exchange: Duration::from_secs(15),
    body_bytes_max: 1024 * 1024,
};

/// The secret that notices are signed with, `whsec_` and 24 to 64 random bytes in base64.
#[derive(Clone)]
pub struct SigningSecret(SecretSlice<u8>);

/// The text is no signing secret. It is not repeated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected whsec_ and 24 to 64 bytes in base64")]
pub struct SigningSecretError;

impl FromStr for SigningSecret {
    type Err = SigningSecretError;
    fn from_str(text: &str) -> Result<Self, SigningSecretError> {
        let encoded = text.strip_prefix("whsec_").ok_or(SigningSecretError)?;
        let key = STANDARD.decode(encoded).map_err(|_| SigningSecretError)?;
        if (24..=64).contains(&key.len()) { Ok(Self(key.into())) } else { Err(SigningSecretError) }
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

impl SigningSecret {
    fn sign(&self, id: &str, second: i64, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret())
            .expect("HMAC takes a key of any length");
        mac.update(format!("{id}.{second}.").as_bytes());
        mac.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// Posts notices.
#[derive(Clone)]
pub struct Merchant {
    transport: Transport,
    secrets: Vec<SigningSecret>,
}

impl Merchant {
    /// Signs with every secret.
    pub fn new(transport: Transport, secrets: Vec<SigningSecret>) -> Self {
        Self { transport, secrets }
    }

    /// Posts a notice once. The same notice has the same id and the same body each time; the time
    /// in the signature is that of the try.
    pub async fn post(&self, endpoint: &Url, id: NoticeId, body: &str, now: Timestamp) -> Tried {
        let request = match self.request(endpoint, id, body, now) {
            Ok(request) => request,
            Err(error) => return Tried::not_now(with_causes(&error)),
        };
        match self.transport.clone().oneshot(request).await {
            Ok(response) => judge(response.status(), response.headers(), now),
            Err(error) => Tried::not_now(with_causes(&error)),
        }
    }

    fn request(
        &self,
        endpoint: &Url,
        id: NoticeId,
        body: &str,
        now: Timestamp,
    ) -> Result<http::Request<Bytes>, http::Error> {
        let request = http::Request::post(endpoint.as_str());
        signed(request, &self.secrets, (&id.to_string(), body), now)
            .body(Bytes::copy_from_slice(body.as_bytes()))
    }
}

/// A request with the headers by which its receiver knows who asks, and when.
pub(crate) fn signed(
    request: Builder,
    secrets: &[SigningSecret],
    (id, body): (&str, &str),
    now: Timestamp,
) -> Builder {
    let second = now.as_second();
    let signatures: Vec<String> =
        secrets.iter().map(|secret| secret.sign(id, second, body)).collect();
    request
        .header(header::CONTENT_TYPE, "application/json")
        .header(ID, id)
        .header(TIMESTAMP, second)
        .header(SIGNATURE, signatures.join(" "))
}

/// Any 2xx is a yes, 410 an end, and everything else, redirects too, not yet a yes.
fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Tried {
    let outcome = match status {
        StatusCode::GONE => Outcome::Gone,
        status if status.is_success() => Outcome::Taken,
        _ => Outcome::NotNow { retry_after: retry_after(headers, now) },
    };
    Tried::new(outcome, format!("answered {}", status.as_u16()))
}

/// `Retry-After` in either form: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = rfc2822::parse(text).ok()?.timestamp();
    Duration::try_from(until.duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use domain::id::NoticeId;
    use standardwebhooks::Webhook;
    use uuid::Uuid;

    use super::*;
    use crate::stripe::script::{Asked, Step, play, says};

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const BODY: &str = r#"{"type":"order.paid","data":{"total":49.90,"name":"Grüße"}}"#;

    fn endpoint() -> Url {
        "https://erp.example/hooks?shop=1".parse().unwrap()
    }

    async fn post(step: Step, secrets: &[&str], now: Timestamp) -> (Tried, Asked) {
        let (transport, asked) = play([step]);
        let secrets = secrets.iter().map(|secret| secret.parse().unwrap()).collect();
        let merchant = Merchant::new(transport, secrets);
        let id = NoticeId(Uuid::from_u128(7));
        (merchant.post(&endpoint(), id, BODY, now).await, asked)
    }

    #[tokio::test]
    async fn a_notice_is_signed_so_that_a_library_of_others_accepts_it() {
        let (tried, asked) = post(says(204, ""), &[OLD, NEW], Timestamp::now()).await;

        assert_eq!(tried, Tried::new(Outcome::Taken, "answered 204"));
        let asked = asked.lock().unwrap();
        let request = &asked[0];
        assert_eq!(request.method(), http::Method::POST);
        assert_eq!(request.uri(), endpoint().as_str());
        assert_eq!(request.body(), BODY.as_bytes());
        // Whoever has either secret while they are being replaced is content.
        for secret in [OLD, NEW] {
            let theirs = Webhook::new(secret).unwrap();
            theirs.verify(request.body(), request.headers()).unwrap();
            assert!(theirs.verify(b"{}", request.headers()).is_err());
        }
        let other = Webhook::new("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        assert!(other.verify(request.body(), request.headers()).is_err());
    }

    #[tokio::test]
    async fn only_a_yes_is_a_yes_and_only_gone_is_an_end() {
        let not_now = Outcome::NotNow { retry_after: None };
        for (status, outcome) in [
            (200, Outcome::Taken),
            (299, Outcome::Taken),
            (301, not_now),
            (302, not_now),
            (400, not_now),
            (404, not_now),
            (410, Outcome::Gone),
            (429, not_now),
            (500, not_now),
        ] {
            let (tried, _) = post(says(status, "x"), &[OLD], Timestamp::UNIX_EPOCH).await;
            assert_eq!(tried, Tried::new(outcome, format!("answered {status}")));
        }
    }

    #[tokio::test]
    async fn an_endpoint_says_how_long_it_wants_to_be_left_alone() {
        let now = Timestamp::from_second(784_111_777).unwrap();
        for (header, seconds) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", None),
            ("soon", None),
            ("-5", None),
        ] {
            let step = Step::Says(503, vec![("retry-after", header)], String::new());
            let (tried, _) = post(step, &[OLD], now).await;
            let retry_after = seconds.map(Duration::from_secs);
            assert_eq!(tried.outcome, Outcome::NotNow { retry_after }, "{header}");
        }
    }

    #[tokio::test]
    async fn a_lost_connection_is_told_in_words() {
        let (tried, _) = post(Step::NotSent, &[OLD], Timestamp::UNIX_EPOCH).await;
        assert_eq!(tried, Tried::not_now("nothing was sent: connection refused"));
        let (tried, _) = post(Step::NoAnswer, &[OLD], Timestamp::UNIX_EPOCH).await;
        assert_eq!(tried, Tried::not_now("sent, but no whole answer came: connection reset"));
    }

    #[test]
    fn a_secret_is_long_enough_and_never_shown() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
        for (bytes, fits) in [(23, false), (24, true), (64, true), (65, false)] {
            assert_eq!(of(bytes).parse::<SigningSecret>().is_ok(), fits, "{bytes}");
        }
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64"] {
            assert_eq!(text.parse::<SigningSecret>().unwrap_err(), SigningSecretError);
        }
        assert_eq!(format!("{:?}", OLD.parse::<SigningSecret>().unwrap()), "SigningSecret(…)");
    }
}
