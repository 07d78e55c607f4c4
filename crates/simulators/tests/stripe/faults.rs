//! Failures on order, and the control API over a real socket.

use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::{Value, json};
use simulators::stripe::{ConnectionLost, Fault, FaultKind, RateLimits, Stripe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{INTENT, SECRET, World, form, options, request};

#[tokio::test]
async fn an_injected_status_comes_once_and_without_an_effect() {
    let world = World::new();
    let next = async |kind: FaultKind| {
        world.stripe.inject(Fault::once("/v1/payment_intents", kind));
        world.post("/v1/payment_intents", &INTENT).await
    };
    assert_eq!(next(FaultKind::Status(409)).await.code(), "409 idempotency_key_in_use");
    let limited = next(FaultKind::Status(429)).await;
    assert_eq!(limited.code(), "429 rate_limit");
    assert_eq!(limited.header("stripe-rate-limited-reason"), Some("endpoint-rate"));
    assert_eq!(next(FaultKind::Status(500)).await.status, 500);
    let locked = next(FaultKind::LockTimeout).await;
    assert_eq!(locked.code(), "429 lock_timeout");
    assert_eq!(locked.header("stripe-rate-limited-reason"), None);
    assert!(world.stripe.ledger().is_empty());
    assert_eq!(world.post("/v1/payment_intents", &INTENT).await.status, 200);
}

#[tokio::test]
async fn every_status_that_can_be_ordered_has_a_body_as_at_stripe_and_no_effect() {
    let world = World::new();
    let key = [("idempotency-key", "k")];
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_intents/{id}/confirm");
    let fields = [("payment_method", "pm_card_visa")];
    for status in FaultKind::STATUSES {
        let order = json!({
            "path": "/v1/payment_intents/{}/confirm", "kind": "status", "status": status
        });
        assert_eq!(world.control("/_sim/faults", order).await.status, 200);
        let response = world.raw(request("POST", &path, &fields, &key)).await;
        assert_eq!(response.status(), status);
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        if matches!(status, 502 | 503) {
            assert!(kind.starts_with("text/html"), "{kind}");
            assert!(bytes.starts_with(b"<html>"));
        } else {
            let body: Value = serde_json::from_slice(&bytes).unwrap();
            assert!(body["error"]["message"].is_string(), "{body}");
        }
        assert_eq!(world.retrieve(&id).await["status"], "requires_payment_method");
    }
    let paid = world.send("POST", &path, &fields, &key).await;
    assert_eq!((paid.status, paid.header("idempotent-replayed")), (200, None));
}

#[tokio::test]
async fn an_answer_without_json_has_had_its_effect_and_is_replayed_whole() {
    let world = World::new();
    let key = [("idempotency-key", "k")];
    world.control("/_sim/faults", json!({ "path": "/v1/", "kind": "garbage" })).await;
    let response = world.raw(request("POST", "/v1/payment_intents", &INTENT, &key)).await;
    assert_eq!(response.status(), 200);
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert!(serde_json::from_slice::<Value>(&bytes).is_err());
    let again = world.send("POST", "/v1/payment_intents", &INTENT, &key).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(world.stripe.ledger()[0].id, again.id());
}

#[tokio::test]
async fn in_process_a_truncated_body_ends_with_an_error() {
    let world = World::new();
    world.stripe.inject(Fault::once("/v1/", FaultKind::Truncated));
    let response = world.raw(request("POST", "/v1/payment_intents", &INTENT, &[])).await;
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(world.stripe.ledger().len(), 1);
}

#[tokio::test]
async fn over_a_socket_a_truncated_answer_is_shorter_than_announced() {
    let (stripe, address) = served().await;
    let order = json!({ "path": "/v1/payment_intents", "kind": "truncated" }).to_string();
    raw(address, "POST", "/_sim/faults", &order).await;
    let received = raw(address, "POST", "/v1/payment_intents", &form(&INTENT)).await;
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let announced: usize = announced.parse().unwrap();
    assert_eq!(body.len(), announced / 2, "{received}");
    assert_eq!(stripe.ledger().len(), 1);

    let replayed = raw(address, "POST", "/v1/payment_intents", &form(&INTENT)).await;
    let (_, whole) = replayed.split_once("\r\n\r\n").unwrap();
    assert!(whole.starts_with(body) && whole.len() == announced);
}

#[tokio::test]
async fn a_fault_hits_its_route_and_method_only() {
    let world = World::new();
    world.stripe.inject(Fault {
        method: Some(http::Method::POST),
        path_prefix: "/v1/payment_intents/".into(),
        times: 2,
        kind: FaultKind::Status(500),
    });
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    assert_eq!(world.retrieve(&id).await["status"], "requires_payment_method");
    let path = format!("/v1/payment_intents/{id}/cancel");
    let statuses = [
        world.post(&path, &[]).await.status,
        world.post(&path, &[]).await.status,
        world.post(&path, &[]).await.status,
    ];
    assert_eq!(statuses, [500, 500, 200]);
}

#[tokio::test]
async fn in_process_a_lost_answer_is_marked_as_lost() {
    let world = World::new();
    for (kind, payments) in [(FaultKind::LoseBefore, 0), (FaultKind::LoseAfter, 1)] {
        world.stripe.inject(Fault::once("/v1/", kind));
        let answer = world.raw(request("POST", "/v1/payment_intents", &INTENT, &[])).await;
        assert_eq!(answer.extensions().get(), Some(&ConnectionLost));
        assert!(http_body_util::BodyExt::collect(answer.into_body()).await.is_err());
        assert_eq!(world.stripe.ledger().len(), payments);
    }
}

async fn served() -> (Stripe, std::net::SocketAddr) {
    let stripe = Stripe::new(options());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = stripe.clone();
    tokio::spawn(async move { server.serve(listener).await });
    (stripe, address)
}

/// Everything the server sends until it closes the connection.
async fn raw(address: std::net::SocketAddr, method: &str, path: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let kind = if body.starts_with('{') { "json" } else { "x-www-form-urlencoded" };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {SECRET}\r\n\
         idempotency-key: k\r\ncontent-type: application/{kind}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    // A reset is an end, too.
    let _ended = socket.read_to_end(&mut received).await;
    String::from_utf8(received).unwrap()
}

#[tokio::test]
async fn over_a_socket_a_lost_answer_closes_the_connection_without_a_byte() {
    let (stripe, address) = served().await;
    let body = form(&INTENT);
    for kind in ["lose_before", "lose_after"] {
        let order = json!({ "path": "/v1/payment_intents", "method": "POST", "kind": kind });
        let done = raw(address, "POST", "/_sim/faults", &order.to_string()).await;
        assert!(done.starts_with("HTTP/1.1 200"), "{done}");
        assert_eq!(raw(address, "POST", "/v1/payment_intents", &body).await, "", "{kind}");
    }
    assert_eq!(stripe.ledger().len(), 1);
    let replayed = raw(address, "POST", "/v1/payment_intents", &body).await;
    assert!(replayed.contains("idempotent-replayed: true"), "{replayed}");
    assert_eq!(stripe.ledger().len(), 1);
}

#[tokio::test]
async fn a_client_sees_a_lost_answer_as_a_transport_error() {
    let (stripe, address) = served().await;
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{address}/v1/payment_intents");
    let send = async || {
        let request = client.post(&url).bearer_auth(SECRET).form(&INTENT);
        request.send().await.map(|answer| answer.status().as_u16())
    };
    assert_eq!(send().await.unwrap(), 200);
    stripe.inject(Fault::once("/v1/", FaultKind::LoseAfter));
    let error = send().await.unwrap_err();
    assert!(error.is_request(), "{error:?}");
    assert_eq!(stripe.ledger().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_request_has_its_effect_even_if_the_caller_hangs_up() {
    let world = World::new();
    let slow = FaultKind::Slow(Duration::from_millis(100));
    world.stripe.inject(Fault::once("/v1/payment_intents", slow));
    let call = world.post("/v1/payment_intents", &INTENT);
    assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err());
    assert!(world.stripe.ledger().is_empty());
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.stripe.ledger().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_comes_after_its_effect() {
    let world = World::new();
    let late = FaultKind::SlowAfter(Duration::from_secs(2));
    world.stripe.inject(Fault::once("/v1/payment_intents", late));
    let start = tokio::time::Instant::now();
    let call = world.post("/v1/payment_intents", &INTENT);
    let look = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.stripe.ledger().len()
    };
    let (answer, payments) = tokio::join!(call, look);
    assert_eq!((answer.status, payments), (200, 1));
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn the_amount_received_can_be_made_to_differ() {
    let world = World::new();
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let path = format!("/_sim/payment_intents/{id}/amount_received");
    assert_eq!(world.control(&path, json!({ "amount": 1999 })).await.status, 200);
    assert_eq!(world.retrieve(&id).await["amount_received"], 0);
    let confirm = format!("/v1/payment_intents/{id}/confirm");
    world.post(&confirm, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(world.retrieve(&id).await["amount_received"], 1999);
    assert!(world.stripe.falsify_amount_received(&id, 1));
    assert_eq!(world.retrieve(&id).await["amount_received"], 1);
    assert!(!world.stripe.falsify_amount_received("pi_none", 1));
}

#[tokio::test]
async fn the_clock_moves_only_when_told_to() {
    let world = World::new();
    let at = async |path: &str, order: Value| world.control(path, order).await.body;
    let noon = at("/_sim/clock/advance", json!({ "seconds": 0 })).await;
    assert_eq!(noon, json!({ "now": "2026-11-21T12:00:00Z" }));
    let later = at("/_sim/clock/advance", json!({ "seconds": 60, "ms": 500 })).await;
    assert_eq!(later, json!({ "now": "2026-11-21T12:01:00.5Z" }));
    let set = at("/_sim/clock/set", json!({ "to": "2027-01-01T00:00:00Z" })).await;
    assert_eq!(set, json!({ "now": "2027-01-01T00:00:00Z" }));
    assert_eq!(world.control("/_sim/clock/set", json!({ "to": "soon" })).await.status, 400);
}

#[tokio::test]
async fn a_reset_forgets_payments_and_keeps_endpoints() {
    let world = World::new();
    world.stripe.set_rate_limits(Some(RateLimits::live()));
    world.stripe.create_webhook_endpoint("http://127.0.0.1:9/webhooks");
    world.pay("pm_card_visa").await;
    world.stripe.inject(Fault::once("/v1/", FaultKind::LoseBefore));
    assert_eq!(world.control("/_sim/reset", json!({})).await.status, 200);
    let state = world.raw(request("GET", "/_sim/state", &[], &[])).await;
    let state = http_body_util::BodyExt::collect(state.into_body()).await.unwrap().to_bytes();
    let state: Value = serde_json::from_slice(&state).unwrap();
    for (name, count) in [
        ("payment_intents", 0),
        ("charges", 0),
        ("events", 0),
        ("deliveries", 0),
        ("faults", 0),
        ("thin_events", 0),
        ("event_destinations", 0),
        ("webhook_endpoints", 1),
    ] {
        assert_eq!(state[name].as_array().unwrap().len(), count, "{name}");
    }
    assert_eq!(world.get("/_sim/rate_limits", &[]).await.body["per_second"], 100);
}

#[tokio::test]
async fn ordered_faults_are_shown_as_they_were_ordered() {
    let world = World::new();
    let order = json!({
        "method": "POST", "path": "/v1/", "times": 2, "kind": "slow", "status": null, "ms": 30
    });
    let other = json!({
        "method": null, "path": "/confirm", "times": 1, "kind": "truncated", "status": null,
        "ms": null
    });
    world.control("/_sim/faults", order.clone()).await;
    world.control("/_sim/faults", other.clone()).await;
    assert_eq!(world.get("/_sim/faults", &[]).await.body, json!([order, other]));
    world.stripe.clear_faults();
    assert_eq!(world.get("/_sim/faults", &[]).await.body, json!([]));
}

#[tokio::test]
async fn orders_that_make_no_sense_are_refused() {
    let world = World::new();
    let status = async |path: &str, order: Value| world.control(path, order).await.status;
    assert_eq!(status("/_sim/faults", json!({ "kind": "explode" })).await, 400);
    assert_eq!(status("/_sim/faults", json!({ "kind": "slow" })).await, 400);
    assert_eq!(status("/_sim/faults", json!({ "kind": "status", "status": 200 })).await, 400);
    assert_eq!(status("/_sim/faults", json!({ "kind": "lose_after", "times": 0 })).await, 400);
    assert_eq!(status("/_sim/faults", json!({ "kind": "lose_after", "path_": "" })).await, 422);
    assert_eq!(status("/_sim/webhooks/repeat", json!({})).await, 400);
    assert_eq!(status("/_sim/webhooks/repeat", json!({ "event": "evt_none" })).await, 404);
    assert_eq!(status("/_sim/payment_intents/pi_none/settle", json!({})).await, 409);
}
