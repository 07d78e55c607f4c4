//! An answer of Stripe's, or of whatever speaks in its place: the first line is the status and then
//! any headers that matter, the rest is the body. Every call of ours gets it.

use std::time::Duration;

use bytes::Bytes;
use domain::{
    event::{GatewayReference, Receipt, Report},
    id::OrderId,
    payment::IdempotencyKey,
    refund::{RefundNews, RefundReport},
};
use gateways::{
    GatewayError, Transport,
    stripe::{Answer, CancelReason, Config, Deliveries, EventsQuery, RetryLimits, Stripe},
};
use jiff::Timestamp;
use serde_json::Value;
use tower::service_fn;

use super::event::compare_news;

/// The order that every look-up is for.
const ORDER: &str = "0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00";

/// Whatever comes back, no call panics; money has moved only where a success says so in Stripe's
/// own words; an answer never proves it; and only an error of Stripe's own makes a refusal.
pub fn stripe_answer(input: &[u8]) {
    let Some((given, stripe)) = given(input) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let reference = GatewayReference::new("pi_1").unwrap();
        let key = IdempotencyKey::restore("till:1".to_owned());
        given.payment(stripe.create(&key, "amount=1").await);
        given.payment(stripe.retrieve(&reference).await);
        given.payment(stripe.update(&reference, &key, "amount=1").await);
        given.cancelled(stripe.cancel(&reference, CancelReason::Abandoned).await);
        given.refund(stripe.create_refund(&key, "amount=1").await);
        given.refund(stripe.retrieve_refund(&reference).await);
        given.refunds(stripe.list_refunds(&reference).await);
        let (from, to) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        given.found(stripe.find(ORDER.parse().unwrap(), from, to).await);
        let deliveries = Deliveries::All;
        let query = EventsQuery { since: from, after: None, deliveries };
        if let Some(page) = given.answered(stripe.events(&query).await) {
            for event in page.events {
                assert!(given.body.contains(event.payload()));
                let _ = event.read();
            }
        }
    });
}

/// What every call was answered with.
struct Given {
    status: u16,
    body: String,
    /// The body as a reader that knows nothing of Stripe reads it.
    json: Value,
}

fn given(input: &[u8]) -> Option<(Given, Stripe)> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let mut words = std::str::from_utf8(&input[..end]).ok()?.split(' ');
    let mut answer = http::Response::builder().status(words.next()?);
    for (name, value) in words.filter_map(|word| word.split_once(':')) {
        answer = answer.header(name, value);
    }
    let body = Bytes::copy_from_slice(&input[end + 1..]);
    let answer = answer.body(body.clone()).ok()?;
    let status = answer.status().as_u16();
    let config = Config {
        secret_key: "sk_test_promise".parse().unwrap(),
        api_base: "https://api.stripe.example".parse().unwrap(),
        // One try; a second would be answered with the same.
        retry: RetryLimits { retries_max: 0, wait: Duration::ZERO, ..RetryLimits::default() },
    };
    let transport = Transport::new(service_fn(move |_: http::Request<Bytes>| {
        let answer = answer.clone();
        async move { Ok(answer) }
    }));
    let text = String::from_utf8_lossy(&body).into_owned();
    let json = serde_json::from_str(&text).unwrap_or_default();
    Some((Given { status, body: text, json }, Stripe::new(config, transport)))
}

impl Given {
    /// A yes has a status of success, a refusal the status and the error of Stripe's refusals.
    fn answered<T>(&self, result: Result<T, GatewayError>) -> Option<T> {
        match result {
            Ok(answer) => {
                assert!((200..300).contains(&self.status), "{} is no yes", self.status);
                return Some(answer);
            }
            Err(GatewayError::Refused(refused)) => {
                assert!((400..=404).contains(&self.status), "{} is no no", self.status);
                assert_eq!(refused.status, self.status);
                assert!(self.body.contains("error"));
            }
            Err(GatewayError::NotSent(_)) => panic!("it was sent"),
            Err(GatewayError::Unknown(_)) => {}
        }
        None
    }

    fn payment(&self, result: Result<Answer, GatewayError>) {
        if let Some(answer) = self.answered(result) {
            check(&answer, &self.json);
        }
    }

    /// Too late is an answer too, if the payment came with it.
    fn cancelled(&self, result: Result<Answer, GatewayError>) {
        match (result, self.status) {
            (Ok(answer), 400..=404) => check(&answer, &self.json["error"]["payment_intent"]),
            (result, _) => self.payment(result),
        }
    }

    fn found(&self, result: Result<Option<Answer>, GatewayError>) {
        if let Some(Some(answer)) = self.answered(result) {
            assert_eq!(answer.news.order, Some(ORDER.parse::<OrderId>().unwrap()));
            assert_no_receipt(&answer);
        }
    }

    fn refund(&self, result: Result<RefundNews, GatewayError>) {
        if let Some(news) = self.answered(result) {
            check_refund(&news, &self.json);
        }
    }

    fn refunds(&self, result: Result<Vec<RefundNews>, GatewayError>) {
        if let Some(all) = self.answered(result) {
            let written = self.json["data"].as_array().cloned().unwrap_or_default();
            all.iter().zip(&written).for_each(|(news, written)| check_refund(news, written));
        }
    }
}

fn assert_no_receipt(answer: &Answer) {
    assert!(Receipt::from_news(&answer.news, Timestamp::UNIX_EPOCH).is_none());
    assert!(!format!("{answer:?}").contains("_secret_"), "a secret is shown");
}

fn check(answer: &Answer, written: &Value) {
    assert_no_receipt(answer);
    if written.is_object() {
        compare_news(&answer.news, written);
        let open = !matches!(answer.news.report, Report::Cancelled);
        assert!(open || written["status"] == "canceled");
    }
}

fn check_refund(news: &RefundNews, written: &Value) {
    if !written.is_object() {
        return;
    }
    assert_eq!(written["id"], news.reference.as_str());
    match &news.report {
        RefundReport::Succeeded => assert_eq!(written["status"], "succeeded"),
        RefundReport::Failed { .. } => assert_eq!(written["status"], "failed"),
        RefundReport::Cancelled => assert_eq!(written["status"], "canceled"),
        RefundReport::Pending => assert_ne!(written["status"], "succeeded"),
    }
}
