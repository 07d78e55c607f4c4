//! Idempotency keys.

use std::time::Duration;

use serde_json::json;
use simulators::stripe::{Fault, FaultKind};

use crate::world::{Answer, INTENT, World};

async fn create(world: &World, key: &str, fields: &[(&str, &str)]) -> Answer {
    world.send("POST", "/v1/payment_intents", fields, &[("idempotency-key", key)]).await
}

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut fields = INTENT.to_vec();
    fields.extend(more);
    fields
}

#[tokio::test]
async fn the_same_key_and_request_get_the_first_answer_and_one_effect() {
    let world = World::new();
    let fields = with(&[("confirm", "true"), ("payment_method", "pm_card_visa")]);
    let first = create(&world, "ord_1:pay:1", &fields).await;
    assert_eq!(first.header("idempotency-key"), Some("ord_1:pay:1"));
    assert_eq!(first.header("idempotent-replayed"), None);
    let mut shuffled = fields.clone();
    shuffled.reverse();
    let second = create(&world, "ord_1:pay:1", &shuffled).await;
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(second.header("original-request"), first.header("request-id"));
    assert_ne!(second.header("request-id"), first.header("request-id"));
    assert_eq!(world.stripe.ledger().len(), 1);
    let event = world.get("/v1/events", &[("type", "payment_intent.succeeded")]).await.body;
    assert_eq!(
        event["data"][0]["request"],
        json!({ "id": first.header("request-id"), "idempotency_key": "ord_1:pay:1" })
    );
}

#[tokio::test]
async fn a_decline_is_replayed_even_when_the_next_card_would_pay() {
    let world = World::new();
    let declined = "pm_card_visa_chargeDeclined";
    let fields = with(&[("confirm", "true"), ("payment_method", declined)]);
    let first = create(&world, "k", &fields).await;
    let second = create(&world, "k", &fields).await;
    assert_eq!((first.status, second.status), (402, 402));
    assert_eq!(second.body, first.body);
    let other_card = with(&[("confirm", "true"), ("payment_method", "pm_card_visa")]);
    let refused = create(&world, "k", &other_card).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.body["error"]["type"], "idempotency_error");
    assert_eq!(
        refused.message(),
        "Keys for idempotent requests can only be used with the same parameters they were first \
         used with. Try using a key other than 'k' if you meant to execute a different request."
    );
    assert_eq!(create(&world, "k2", &other_card).await.status, 200);
}

#[tokio::test]
async fn a_key_belongs_to_its_route() {
    let world = World::new();
    let intent = create(&world, "k", &INTENT).await;
    let path = format!("/v1/payment_intents/{}/cancel", intent.id());
    let other = world.send("POST", &path, &[], &[("idempotency-key", "k")]).await;
    assert_eq!(other.body["error"]["type"], "idempotency_error");
}

#[tokio::test]
async fn a_request_that_was_not_begun_leaves_its_key_free() {
    let world = World::new();
    let wrong = create(&world, "k", &with(&[("amout", "1")])).await;
    assert_eq!(wrong.code(), "400 parameter_unknown");
    assert_eq!(create(&world, "k", &INTENT).await.status, 200);
}

#[tokio::test]
async fn after_a_day_a_key_is_new() {
    let world = World::new();
    let first = create(&world, "k", &INTENT).await;
    world.stripe.advance(Duration::from_secs(24 * 60 * 60 - 1));
    assert_eq!(create(&world, "k", &INTENT).await.id(), first.id());
    world.stripe.advance(Duration::from_secs(1));
    let later = create(&world, "k", &INTENT).await;
    assert_ne!(later.id(), first.id());
    assert_eq!(later.header("idempotent-replayed"), None);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_runs_is_in_use() {
    let world = World::new();
    let slow = FaultKind::Slow(Duration::from_secs(2));
    world.stripe.inject(Fault::once("/v1/payment_intents", slow));
    let first = create(&world, "k", &INTENT);
    let second = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        create(&world, "k", &INTENT).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.status, 200);
    assert_eq!(second.code(), "409 idempotency_key_in_use");
    assert_eq!(create(&world, "k", &INTENT).await.id(), first.id());
    assert_eq!(world.stripe.ledger().len(), 1);
}

#[tokio::test]
async fn a_server_error_is_kept_whether_or_not_it_had_an_effect() {
    let world = World::new();
    for (kind, key, payments) in [(FaultKind::FailAfter, "a", 1), (FaultKind::FailBefore, "b", 1)] {
        world.stripe.inject(Fault::once("/v1/payment_intents", kind));
        let first = create(&world, key, &INTENT).await;
        let second = create(&world, key, &INTENT).await;
        assert_eq!((first.status, second.status), (500, 500));
        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        assert_eq!(world.stripe.ledger().len(), payments);
    }
}
