//! Limits on requests a second.

use std::time::Duration;

use serde_json::json;
use simulators::stripe::{Options, RateLimits, Stripe};

use crate::world::{INTENT, World, options};

fn limited(per_second: u32, per_endpoint: u32, search: u32) -> World {
    let limits = RateLimits { per_second, per_endpoint, search };
    World { stripe: Stripe::new(Options { rate_limits: Some(limits), ..options() }) }
}

#[tokio::test]
async fn all_requests_of_a_second_are_limited_together() {
    let world = limited(3, 2, 9);
    for path in ["/v1/payment_intents", "/v1/events", "/v1/charges"] {
        assert_eq!(world.get(path, &[]).await.status, 200);
    }
    let refused = world.post("/v1/payment_intents", &INTENT).await;
    assert_eq!(refused.code(), "429 rate_limit");
    assert_eq!(refused.header("stripe-rate-limited-reason"), Some("global-rate"));
    assert!(world.stripe.ledger().is_empty());
    world.stripe.advance(Duration::from_secs(1));
    assert_eq!(world.post("/v1/payment_intents", &INTENT).await.status, 200);
}

#[tokio::test]
async fn each_endpoint_has_a_limit_whatever_the_id() {
    let world = limited(100, 2, 9);
    let (one, two) = (world.intent().await, world.intent().await);
    let third = world.post("/v1/payment_intents", &INTENT).await;
    assert_eq!(third.header("stripe-rate-limited-reason"), Some("endpoint-rate"));
    world.retrieve(one["id"].as_str().unwrap()).await;
    world.retrieve(two["id"].as_str().unwrap()).await;
    let path = format!("/v1/payment_intents/{}", one["id"].as_str().unwrap());
    assert_eq!(world.get(&path, &[]).await.code(), "429 rate_limit");
    assert_eq!(world.post(&path, &[]).await.status, 200);
}

#[tokio::test]
async fn searches_have_a_limit_of_their_own() {
    let world = limited(100, 100, 1);
    let search = async || {
        let query = [("query", "status:'succeeded'")];
        world.get("/v1/payment_intents/search", &query).await.code()
    };
    assert_eq!(search().await, "200 -");
    assert_eq!(search().await, "429 rate_limit");
    assert_eq!(world.get("/v1/payment_intents", &[]).await.status, 200);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let world = limited(1, 1, 1);
    let create = async || {
        let key = [("idempotency-key", "k")];
        world.send("POST", "/v1/payment_intents", &INTENT, &key).await
    };
    world.get("/v1/events", &[]).await;
    assert_eq!(create().await.status, 429);
    world.stripe.advance(Duration::from_secs(1));
    assert_eq!(create().await.header("idempotent-replayed"), None);
    // A replay is a request like any other.
    assert_eq!(create().await.status, 429);
    world.stripe.advance(Duration::from_secs(1));
    assert_eq!(create().await.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn limits_are_set_and_taken_away_while_it_runs() {
    let world = World::new();
    let order = json!({ "per_second": 1, "per_endpoint": 1, "search": 1 });
    assert_eq!(world.control("/_sim/rate_limits", order.clone()).await.status, 200);
    assert_eq!(world.get("/_sim/rate_limits", &[]).await.body, order);
    assert_eq!(world.get("/v1/events", &[]).await.status, 200);
    assert_eq!(world.get("/v1/events", &[]).await.status, 429);
    world.send("DELETE", "/_sim/rate_limits", &[], &[]).await;
    for _ in 0..30 {
        assert_eq!(world.get("/v1/events", &[]).await.status, 200);
    }
    world.stripe.set_rate_limits(Some(RateLimits::sandbox()));
    let mut answered = 0;
    while world.get("/v1/events", &[]).await.status == 200 {
        answered += 1;
    }
    assert_eq!(answered, 25);
    assert_eq!(RateLimits::live().per_second, 100);
}
