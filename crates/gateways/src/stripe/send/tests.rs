use domain::{event::GatewayReference, id::PaymentId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::stripe::{
    CancelReason,
    script::{Step, headers, play, says, stripe},
};

const INTENT: &str = r#"{"id":"pi_1","object":"payment_intent","amount":4998,"amount_received":0,
    "currency":"eur","livemode":false,"status":"requires_payment_method"}"#;

fn key() -> IdempotencyKey {
    IdempotencyKey::create(PaymentId(Uuid::nil()), 1)
}

fn yes() -> Step {
    says(200, INTENT)
}

fn no(status: u16, kind: &str) -> Step {
    says(status, format!(r#"{{"error":{{"type":"{kind}","code":"c_{status}","message":"No."}}}}"#))
}

fn with(header: (&'static str, &'static str), step: Step) -> Step {
    match step {
        Step::Says(status, mut headers, body) => {
            headers.push(header);
            Step::Says(status, headers, body)
        }
        Step::NotSent | Step::NoAnswer | Step::Silence => step,
    }
}

fn outcome<T>(result: &Result<T, GatewayError>) -> String {
    match result {
        Ok(_) => "answer".into(),
        Err(GatewayError::NotSent(_)) => "not sent".into(),
        Err(GatewayError::Refused(refused)) => format!("refused {}", refused.status),
        Err(GatewayError::Unknown(Doubt::Status { status, .. })) => format!("unknown {status}"),
        Err(GatewayError::Unknown(Doubt::NoAnswer(_))) => "unknown, no answer".into(),
        Err(GatewayError::Unknown(Doubt::Deadline)) => "unknown, too late".into(),
        Err(GatewayError::Unknown(Doubt::Unreadable(_))) => "unknown, unreadable".into(),
        Err(GatewayError::Unknown(Doubt::TooManyPages { .. })) => "unknown, endless".into(),
    }
}

/// Creates a payment against the script; says how it ended. Every step must have been used, and
/// every try must have carried the same key and body.
async fn create(steps: Vec<Step>) -> String {
    let expected = steps.len();
    let (stripe, asked) = stripe(steps);
    let result = stripe.create(&key(), "amount=4998").await;
    let keys = headers(&asked, "idempotency-key");
    assert_eq!(keys, vec![key().as_str().to_owned(); expected], "one key for every try");
    assert!(asked.lock().unwrap().iter().all(|request| request.body() == "amount=4998"));
    outcome(&result)
}

#[tokio::test(start_paused = true)]
async fn a_try_that_may_fare_better_is_repeated_under_the_same_key() {
    for passing in [
        Step::NotSent,
        Step::NoAnswer,
        no(409, "idempotency_error"),
        no(409, "invalid_request_error"),
        no(424, "api_error"),
        no(429, "rate_limit_error"),
        no(429, "invalid_request_error"),
        no(500, "api_error"),
        says(503, "<html>busy</html>"),
        with(("stripe-should-retry", "true"), no(400, "invalid_request_error")),
    ] {
        assert_eq!(create(vec![passing.clone(), yes()]).await, "answer");
        assert_eq!(create(vec![passing.clone(), passing.clone(), passing, yes()]).await, "answer");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_fare_better_is_asked_once() {
    for (step, expected) in [
        (no(400, "invalid_request_error"), "refused 400"),
        (no(401, "invalid_request_error"), "refused 401"),
        (no(402, "card_error"), "refused 402"),
        (no(403, "invalid_request_error"), "refused 403"),
        (no(404, "invalid_request_error"), "refused 404"),
        // The key stands for another request, under which a payment may exist.
        (no(400, "idempotency_error"), "unknown 400"),
        // A stored fault is repeated for as long as the key lives.
        (with(("idempotent-replayed", "true"), no(500, "api_error")), "unknown 500"),
        (
            with(
                ("stripe-should-retry", "true"),
                with(("idempotent-replayed", "true"), no(500, "api_error")),
            ),
            "unknown 500",
        ),
        (with(("stripe-should-retry", "false"), no(500, "api_error")), "unknown 500"),
        (with(("stripe-should-retry", "false"), no(409, "api_error")), "unknown 409"),
        (with(("stripe-should-retry", "false"), no(429, "api_error")), "unknown 429"),
        // Not Stripe's words: a proxy's, perhaps.
        (says(403, "<html>forbidden</html>"), "unknown 403"),
        (says(302, ""), "unknown 302"),
        (no(418, "invalid_request_error"), "unknown 418"),
        (says(200, "<html>fine</html>"), "unknown, unreadable"),
        (says(200, r#"{"object":"payment_intent"}"#), "unknown, unreadable"),
        (says(200, INTENT.replace("eur", "zzz")), "unknown, unreadable"),
    ] {
        assert_eq!(create(vec![step]).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn once_a_try_may_have_reached_stripe_only_an_answer_makes_it_certain_again() {
    use Step::{NoAnswer, NotSent};
    let wrong_key = || no(401, "invalid_request_error");
    let forbidden = || no(403, "invalid_request_error");
    let invalid = || no(400, "invalid_request_error");
    for (steps, expected) in [
        (vec![NotSent, NotSent, NotSent, NotSent], "not sent"),
        (vec![NoAnswer, NotSent, NotSent, NotSent], "unknown, no answer"),
        (vec![NotSent, NoAnswer, NotSent, NotSent], "unknown, no answer"),
        (vec![no(500, "api_error"), NotSent, NotSent, NotSent], "unknown 500"),
        (vec![NoAnswer, NoAnswer, NoAnswer, no(503, "api_error")], "unknown 503"),
        (vec![NotSent, NotSent, NotSent, no(429, "rate_limit_error")], "unknown 429"),
        (vec![NotSent, wrong_key()], "refused 401"),
        (vec![NoAnswer, wrong_key()], "unknown, no answer"),
        (vec![NoAnswer, forbidden()], "unknown, no answer"),
        (vec![NoAnswer, invalid()], "refused 400"),
        (vec![NoAnswer, NotSent, yes()], "answer"),
    ] {
        assert_eq!(create(steps).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_at_the_deadline() {
    let started = Instant::now();
    assert_eq!(create(vec![Step::Silence]).await, "unknown, too late");
    assert_eq!(started.elapsed(), RetryLimits::default().deadline);
    assert_eq!(create(vec![Step::NotSent, Step::Silence]).await, "unknown, too late");
}

#[tokio::test(start_paused = true)]
async fn no_wait_goes_beyond_the_deadline() {
    let (transport, asked) = play(vec![Step::NotSent; 10]);
    let retry = RetryLimits {
        deadline: Duration::from_millis(600),
        retries_max: 9,
        ..RetryLimits::default()
    };
    let sender = Sender {
        transport,
        api_base: "https://api.stripe.example".into(),
        authorization: HeaderValue::from_static("Bearer sk_test_x"),
        retry,
    };
    let started = Instant::now();
    let result = sender.send(&call(Method::GET, None)).await;
    assert_eq!(outcome(&result), "not sent");
    assert!(started.elapsed() < retry.deadline);
    assert!((2..4).contains(&asked.lock().unwrap().len()));
}

#[tokio::test(start_paused = true)]
async fn reading_and_cancelling_are_repeated_without_a_key() {
    let reference = GatewayReference::new("pi_1").unwrap();
    let (stripe, asked) = stripe([Step::NoAnswer, yes(), Step::NoAnswer, yes()]);
    assert_eq!(outcome(&stripe.retrieve(&reference).await), "answer");
    assert_eq!(outcome(&stripe.cancel(&reference, CancelReason::Abandoned).await), "answer");
    assert_eq!(headers(&asked, "idempotency-key"), [""; 4]);
}

#[tokio::test(start_paused = true)]
async fn every_request_names_the_key_of_the_shop_and_one_version_of_the_api() {
    let (stripe, asked) = stripe([yes(), yes()]);
    stripe.create(&key(), "amount=1").await.unwrap();
    stripe.retrieve(&GatewayReference::new("pi_1").unwrap()).await.unwrap();
    assert_eq!(headers(&asked, "stripe-version"), ["2026-10-28.endive"; 2]);
    assert_eq!(headers(&asked, "authorization"), ["Bearer sk_test_script"; 2]);
    assert_eq!(headers(&asked, "content-type"), ["application/x-www-form-urlencoded", ""]);
    let lines: Vec<String> = asked
        .lock()
        .unwrap()
        .iter()
        .map(|request| format!("{} {}", request.method(), request.uri()))
        .collect();
    assert_eq!(
        lines,
        [
            "POST https://api.stripe.example/v1/payment_intents",
            "GET https://api.stripe.example/v1/payment_intents/pi_1",
        ]
    );
    let shown = format!("{:?}", asked.lock().unwrap()[0].headers());
    assert!(!shown.contains("sk_test_script"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_header_can_carry_is_not_sent() {
    let (stripe, asked) = stripe([Step::NotSent]);
    let key = IdempotencyKey::restore("till:\n".into());
    assert_eq!(outcome(&stripe.create(&key, "amount=1").await), "not sent");
    assert!(asked.lock().unwrap().is_empty());
}

fn call(method: Method, key: Option<&IdempotencyKey>) -> Call<'_> {
    Call { method, template: "/v1/x", path: "/v1/x".into(), body: "", key }
}

proptest! {
    #[test]
    fn waits_double_up_to_a_limit_and_are_the_same_in_every_run(
        key in "[a-z0-9:]{1,40}",
        tries in 1u32..100,
    ) {
        let sender = Sender {
            transport: play([]).0,
            api_base: String::new(),
            authorization: HeaderValue::from_static("x"),
            retry: RetryLimits::default(),
        };
        let key = IdempotencyKey::restore(key);
        let wait = sender.wait_after(tries, &call(Method::POST, Some(&key)));
        let RetryLimits { wait: first, wait_max, .. } = sender.retry;
        let full = first.saturating_mul(2u32.saturating_pow(tries - 1)).min(wait_max);
        prop_assert!(wait >= full / 2 && wait <= full, "{wait:?}");
        prop_assert_eq!(wait, sender.wait_after(tries, &call(Method::POST, Some(&key))));
    }
}
