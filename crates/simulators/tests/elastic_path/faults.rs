//! Failures that tests order, and the controls over HTTP.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use simulators::elastic_path::{ErrorShape, Fault, FaultKind};

use crate::world::{CART, World, payment};

impl World {
    async fn pay_somehow(&self) -> Option<crate::world::Answer> {
        let bearer = format!("Bearer {}", self.server);
        let path = format!("/v2/carts/{CART}/payments");
        let token = format!("ctoken_ok_{}", self.store.requests().len());
        self.with_headers(&[("authorization", &bearer)], "POST", &path, payment(&token)).await
    }
}

#[tokio::test]
async fn each_fault_has_its_effect_and_its_answer() {
    let slow = Duration::from_millis(1);
    for (kind, status, payments) in [
        (FaultKind::LoseBefore, None, 0),
        (FaultKind::LoseAfter, None, 1),
        (FaultKind::Status(500, ErrorShape::Number), Some(500), 0),
        (FaultKind::Status(409, ErrorShape::Text), Some(409), 0),
        (FaultKind::RateLimited { retry_after_s: None }, Some(429), 0),
        (FaultKind::FailAfter, Some(500), 1),
        (FaultKind::GatewayPage, Some(502), 0),
        (FaultKind::GatewayPageAfter, Some(502), 1),
        (FaultKind::Slow(slow), Some(201), 1),
        (FaultKind::SlowAfter(slow), Some(201), 1),
        (FaultKind::Garbage, Some(201), 1),
        (FaultKind::SoftErrors, Some(201), 1),
        (FaultKind::ErrorsAlone, Some(201), 1),
    ] {
        let world = World::new().await;
        world.fill().await;
        world.store.inject(Fault::once("/v2/carts/{}/payments", kind));
        let answer = world.pay_somehow().await;
        assert_eq!(answer.map(|answer| answer.status), status, "{kind:?}");
        assert_eq!(world.store.ledger().payments.len(), payments, "{kind:?}");
        let logged = world.store.requests().pop().unwrap();
        assert_eq!((logged.status, logged.carried_out), (status, payments == 1), "{kind:?}");
        assert_eq!(world.pay_somehow().await.unwrap().status, 201, "it was ordered once");
    }
}

#[tokio::test]
async fn errors_come_in_every_shape_that_was_seen() {
    let world = World::new().await;
    let mut shapes = Vec::new();
    for shape in [ErrorShape::Number, ErrorShape::Text, ErrorShape::Absent, ErrorShape::Object] {
        world.store.inject(Fault::once("/v2/orders", FaultKind::Status(400, shape)));
        let body = world.get("/v2/orders").await.body;
        let error = if body["errors"].is_array() { &body["errors"][0] } else { &body["errors"] };
        shapes.push((body["errors"].is_array(), error.get("status").cloned()));
    }
    let expected = [
        (true, Some(json!(400))),
        (true, Some(json!("400"))),
        (true, None),
        (false, Some(json!(400))),
    ];
    assert_eq!(shapes, expected);
    world
        .store
        .inject(Fault::once("/v2/orders", FaultKind::RateLimited { retry_after_s: Some(3) }));
    let limited = world.get("/v2/orders").await;
    assert_eq!(limited.headers["retry-after"], "3");
    assert_eq!(limited.refusal(), "429 Too Many Requests");
    world.store.inject(Fault::once("/v2/orders", FaultKind::GatewayPage));
    assert!(world.get("/v2/orders").await.text.starts_with("<html>"));
    world.store.inject(Fault::once("/v2/orders", FaultKind::SoftErrors));
    let soft = world.get("/v2/orders").await;
    assert_eq!((soft.status, soft.refusal().as_str()), (200, "200 Bad Request"));
    world.store.inject(Fault::once("/v2/orders", FaultKind::Garbage));
    assert_eq!(world.get("/v2/orders").await.body, Value::Null);
}

#[tokio::test]
async fn a_fault_hits_the_nth_request_of_its_method_and_as_many_as_ordered() {
    let world = World::new().await;
    let fault = Fault::once("/v2/carts/{}", FaultKind::Status(500, ErrorShape::Number));
    world.store.inject(fault.of(Method::GET).nth(2).times(2));
    let cart = format!("/v2/carts/{CART}");
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(world.get(&cart).await.status);
        assert_eq!(world.ask("PUT", &cart, json!({ "data": {} })).await.status, 200);
    }
    assert_eq!(statuses, [200, 500, 500, 200]);
}

#[tokio::test]
async fn the_log_says_who_asked_for_what_and_tells_no_secret() {
    let world = World::new().await;
    world.fill().await;
    world.pay("ctoken_ok").await;
    let said: Vec<String> = world
        .store
        .requests()
        .iter()
        .map(|one| format!("{} {} {}", one.method, one.path, one.grant.unwrap_or("-")))
        .collect();
    let expected = [
        "POST /oauth/access_token implicit".to_owned(),
        "POST /oauth/access_token client_credentials".to_owned(),
        format!("POST /v2/carts/{CART}/items client_credentials"),
        format!("POST /v2/carts/{CART}/payments client_credentials"),
    ];
    assert_eq!(said, expected);
    let log = format!("{:?}", world.store.requests());
    assert!(!log.contains(&world.server) && !log.contains("ctoken_"));
}

#[tokio::test]
async fn everything_can_be_ordered_over_http() {
    let world = World::new().await;
    let order = |method: &'static str, path: &'static str, body: Value| {
        let world = &world;
        async move {
            let answer = world.with_headers(&[], method, path, body).await.unwrap();
            assert_eq!(answer.status, 200, "{path} {answer:?}");
            answer.body
        }
    };
    let token = order("POST", "/_sim/confirmation_tokens", json!({ "course": "3ds" })).await;
    let mug = json!({ "sku": "mug", "name": "Mug", "prices": { "USD": 1000 }, "stock": 4 });
    let mug = order("POST", "/_sim/products", mug).await["id"].as_str().unwrap().to_owned();
    world.add(json!({ "type": "cart_item", "id": mug, "quantity": 1 })).await;
    world.pay(token["id"].as_str().unwrap()).await;
    let path = format!("/_sim/payment_intents/{}/authenticate", world.payment().id);
    let failed = json!({ "outcome": "failed" });
    assert_eq!(world.with_headers(&[], "POST", &path, failed).await.unwrap().status, 200);
    let ledger = order("GET", "/_sim/ledger", Value::Null).await;
    assert_eq!(ledger["payments"][0]["status"], "requires_payment_method");
    let mode = json!({ "second_payment": "reject409", "order_index_lag_ms": 5 });
    assert_eq!(order("PUT", "/_sim/modes", mode).await["second_payment"], "reject409");
    assert_eq!(world.pay("ctoken_ok").await.status, 409);
    let fault = json!({ "method": "POST", "path": "/payments", "kind": "status", "status": 503, "shape": "text" });
    order("POST", "/_sim/faults", fault).await;
    assert_eq!(world.pay("ctoken_ok").await.status, 503);
    order("POST", "/_sim/clock/advance", json!({ "seconds": 7200 })).await;
    assert_eq!(order("GET", "/_sim/clock", Value::Null).await["now"], "2026-11-21T12:00:00Z");
    assert_eq!(order("GET", "/_sim/breaches", Value::Null).await, json!([]));
    order("POST", "/_sim/reset", Value::Null).await;
    assert!(world.store.ledger().payments.is_empty() && world.store.requests().is_empty());
    let unknown = json!({ "path": "/x", "kind": "flood" });
    let refused = world.with_headers(&[], "POST", "/_sim/faults", unknown).await.unwrap();
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn the_same_seed_and_the_same_requests_give_the_same_answers() {
    let run = || async {
        let world = World::new().await;
        let order = world.ordered("ctoken_ok").await;
        let confirmed = world.confirm(&order).await.text;
        (world.server.clone(), confirmed, world.get("/v2/orders").await.text)
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn two_payments_of_one_cart_are_a_breach() {
    let world = World::new().await;
    world.fill().await;
    world.pay("ctoken_ok_1").await;
    world.pay("ctoken_ok_2").await;
    let breaches = world.store.breaches(&[]);
    assert!(breaches[0].starts_with(&format!("the cart {CART} was paid by ")), "{breaches:?}");
}

#[tokio::test]
async fn an_oversold_shelf_is_a_breach() {
    let world = World::new().await;
    let order = world.ordered("ctoken_ok").await;
    world.store.set_stock(crate::world::PAN, Some(1));
    world.confirm(&order).await;
    assert_eq!(world.store.breaches(&[]), ["-1 of fry-pan-26 are left"]);
}

#[tokio::test]
async fn over_a_socket_a_lost_answer_is_a_closed_connection() {
    let world = World::new().await;
    world.fill().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v2/carts/{CART}/payments", listener.local_addr().unwrap());
    let served = world.store.clone();
    let serving = tokio::spawn(async move { served.serve(listener).await });
    world.store.inject(Fault::once("/payments", FaultKind::LoseAfter));
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |token: &str| {
        let (request, body) = (client.post(&url), payment(token).to_string());
        let request = request.header("content-type", "application/json").body(body);
        request.bearer_auth(&world.server).send()
    };
    assert!(ask("ctoken_ok_1").await.unwrap_err().is_request());
    assert_eq!(world.payment().status, "succeeded");
    assert_eq!(ask("ctoken_ok_2").await.unwrap().status(), 201);
    serving.abort();
}
