//! The event log.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::World;

async fn kinds(world: &World, fields: &[(&str, &str)]) -> Vec<String> {
    let page = world.get("/v1/events", fields).await.body;
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn an_event_keeps_the_object_as_it_was() {
    let world = World::new();
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_intents/{id}/confirm");
    world.post(&path, &[("payment_method", "pm_card_visa")]).await;
    let events = world.get("/v1/events", &[]).await.body["data"].as_array().unwrap().clone();
    let of = |kind: &str| events.iter().find(|event| event["type"] == kind).unwrap().clone();
    let created = of("payment_intent.created");
    assert_eq!(created["data"]["object"]["status"], "requires_payment_method");
    assert_eq!(created["api_version"], "2026-10-28.endive");
    assert_eq!(of("payment_intent.succeeded")["data"]["object"]["status"], "succeeded");
    let updated = of("charge.updated");
    assert_eq!(
        updated["data"]["previous_attributes"],
        json!({ "balance_transaction": Value::Null })
    );
    assert!(updated["data"]["object"]["balance_transaction"].is_string());
    let charged = of("charge.succeeded");
    assert_eq!(charged["data"]["object"]["balance_transaction"], Value::Null);

    let path = format!("/v1/events/{}", charged["id"].as_str().unwrap());
    assert_eq!(world.get(&path, &[]).await.body, charged);
    assert_eq!(world.get("/v1/events/evt_none", &[]).await.code(), "404 resource_missing");
}

#[tokio::test]
async fn events_are_found_by_type_newest_first() {
    let world = World::new();
    world.pay("pm_card_visa").await;
    world.pay("pm_card_visa_chargeDeclined").await;
    assert_eq!(
        kinds(&world, &[("limit", "3")]).await,
        ["payment_intent.payment_failed", "charge.failed", "payment_intent.created"]
    );
    assert_eq!(kinds(&world, &[("type", "charge.failed")]).await, ["charge.failed"]);
    assert_eq!(
        kinds(&world, &[("type", "charge.*")]).await,
        ["charge.failed", "charge.updated", "charge.succeeded"]
    );
    let two = [("types[]", "charge.failed"), ("types[]", "charge.succeeded")];
    assert_eq!(kinds(&world, &two).await, ["charge.failed", "charge.succeeded"]);
    let both = [("types[]", "charge.failed"), ("type", "charge.failed")];
    assert_eq!(world.get("/v1/events", &both).await.code(), "400 parameters_exclusive");
}

#[tokio::test]
async fn events_are_found_by_time_and_forgotten_after_thirty_days() {
    let world = World::new();
    world.intent().await;
    world.stripe.advance(Duration::from_secs(60));
    let later = world.stripe.now().as_second().to_string();
    world.pay("pm_card_visa_chargeDeclined").await;
    assert_eq!(kinds(&world, &[("created[gte]", &later)]).await.len(), 3);
    assert_eq!(kinds(&world, &[("created[lt]", &later)]).await.len(), 1);
    world.stripe.advance(Duration::from_secs(30 * 24 * 60 * 60 - 30));
    assert_eq!(kinds(&world, &[]).await.len(), 3);
}
