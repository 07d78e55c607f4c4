//! Cloudflare's Turnstile: a widget on the shop's page makes a token when it believes that a person is
//! there, and we ask Cloudflare whether the token is worth anything. A token lives five minutes and
//! counts once; Cloudflare sees to both.
//! <https://developers.cloudflare.com/turnstile/get-started/server-side-validation/> (read 2026-11-22)
//!
//! The shopper's address is not passed on.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::timeout;
use tower::ServiceExt;
use url::{Url, form_urlencoded::Serializer};

use crate::{BoxError, Transport};

/// A shopper waits for it, and there is another way when it does not answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Cloudflare makes none that is longer.
const TOKEN_BYTES_MAX: usize = 2048;

/// What we are told of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A person is there.
    Passed,
    /// It is too old, has been used, or was never made by the widget.
    Failed,
    /// Nobody could say: no answer, or they do not know our secret.
    NoVerdict,
}

/// The shop's widget at Cloudflare. Cheap to clone.
#[derive(Clone)]
pub struct Turnstile {
    transport: Transport,
    verify_url: String,
    secret: SecretString,
}

impl fmt::Debug for Turnstile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turnstile").field("verify_url", &self.verify_url).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    success: bool,
    #[serde(default, rename = "error-codes")]
    error_codes: Vec<String>,
}

/// Error codes that say something of the token; all others are about us or about Cloudflare.
const OF_THE_TOKEN: [&str; 3] =
    ["missing-input-response", "invalid-input-response", "timeout-or-duplicate"];

impl Turnstile {
    /// A client that sends through `transport`. `base` is `https://challenges.cloudflare.com`, or a
    /// simulator.
    pub fn new(base: &Url, secret: SecretString, transport: Transport) -> Self {
        let base = base.as_str().trim_end_matches('/');
        Self { transport, verify_url: format!("{base}/turnstile/v0/siteverify"), secret }
    }

    /// Asks what a token is worth.
    pub async fn verify(&self, token: &str) -> Verdict {
        if token.len() > TOKEN_BYTES_MAX {
            return Verdict::Failed;
        }
        let asked = timeout(DEADLINE, self.ask(token)).await;
        match asked.unwrap_or_else(|elapsed| Err(elapsed.into())) {
            Ok(Answer { success: true, .. }) => Verdict::Passed,
            Ok(Answer { error_codes, .. }) => {
                let is_known = |code: &String| OF_THE_TOKEN.contains(&code.as_str());
                if !error_codes.is_empty() && error_codes.iter().all(is_known) {
                    return Verdict::Failed;
                }
                tracing::error!(?error_codes, "Turnstile does not work: check TILL_TURNSTILE_*");
                Verdict::NoVerdict
            }
            Err(error) => {
                tracing::warn!(%error, "Turnstile does not answer");
                Verdict::NoVerdict
            }
        }
    }

    async fn ask(&self, token: &str) -> Result<Answer, BoxError> {
        let form = [("secret", self.secret.expose_secret()), ("response", token)];
        let form = Serializer::new(String::new()).extend_pairs(form).finish();
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(&self.verify_url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(form))?;
        let response = self.transport.clone().oneshot(request).await?;
        // Their refusals are answers too, whatever the status.
        Ok(serde_json::from_slice(response.body())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stripe::script::{Asked, Step, play, says};

    async fn told(step: Step, token: &str) -> (Verdict, Asked) {
        let (transport, asked) = play([step]);
        let base = "https://challenges.cloudflare.example".parse().unwrap();
        let turnstile = Turnstile::new(&base, "s & s".to_owned().into(), transport);
        (turnstile.verify(token).await, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_yes_is_a_yes_and_only_a_no_to_the_token_is_a_no() {
        let no = |code: &str| says(200, format!(r#"{{"success":false,"error-codes":["{code}"]}}"#));
        let both = r#"{"success":false,"error-codes":["invalid-input-response","bad-request"]}"#;
        for (step, verdict) in [
            (
                says(200, r#"{"success":true,"error-codes":[],"hostname":"shop.example"}"#),
                Verdict::Passed,
            ),
            (no("missing-input-response"), Verdict::Failed),
            (no("invalid-input-response"), Verdict::Failed),
            (no("timeout-or-duplicate"), Verdict::Failed),
            (no("invalid-input-secret"), Verdict::NoVerdict),
            (no("internal-error"), Verdict::NoVerdict),
            (no("a-code-of-tomorrow"), Verdict::NoVerdict),
            (says(200, both), Verdict::NoVerdict),
            (says(200, r#"{"success":false}"#), Verdict::NoVerdict),
            (says(200, r#"{"success":"true"}"#), Verdict::NoVerdict),
            (says(502, "<html>"), Verdict::NoVerdict),
            (Step::NotSent, Verdict::NoVerdict),
            (Step::NoAnswer, Verdict::NoVerdict),
            (Step::Silence, Verdict::NoVerdict),
        ] {
            assert_eq!(told(step, "token").await.0, verdict);
        }
    }

    #[tokio::test]
    async fn the_token_and_the_secret_are_asked_for_and_nothing_else() {
        let (_, asked) = told(says(200, r#"{"success":true}"#), "a=b&c").await;
        let asked = asked.lock().unwrap();
        assert_eq!(asked[0].uri(), "https://challenges.cloudflare.example/turnstile/v0/siteverify");
        assert_eq!(asked[0].body(), "secret=s+%26+s&response=a%3Db%26c");
    }

    #[tokio::test]
    async fn a_token_longer_than_any_is_not_worth_a_question() {
        let (transport, asked) = play([]);
        let base = "https://challenges.cloudflare.example".parse().unwrap();
        let turnstile = Turnstile::new(&base, "s".to_owned().into(), transport);
        assert_eq!(turnstile.verify(&"x".repeat(2049)).await, Verdict::Failed);
        assert!(asked.lock().unwrap().is_empty());
    }
}
