//! Manual capture: money set aside first, taken or let go later.

use std::time::Duration;

use crate::world::{Answer, INTENT, World};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

async fn authorized(world: &World) -> Answer {
    let mut fields = INTENT.to_vec();
    fields.extend([
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
        ("expand[]", "latest_charge"),
    ]);
    world.post("/v1/payment_intents", &fields).await
}

#[tokio::test]
async fn manual_capture_sets_the_money_aside_and_takes_it_later() {
    let world = World::new();
    let waiting = authorized(&world).await;
    assert_eq!(waiting.body["status"], "requires_capture");
    assert_eq!(waiting.body["amount_capturable"], 2000);
    assert_eq!(waiting.body["amount_received"], 0);
    let charge = &waiting.body["latest_charge"];
    assert_eq!((charge["paid"] == true, charge["captured"] == true), (true, false));
    assert!(charge["payment_method_details"]["card"]["capture_before"].is_i64());

    let captured = world.post(&format!("/v1/payment_intents/{}/capture", waiting.id()), &[]).await;
    assert_eq!(captured.body["status"], "succeeded");
    assert_eq!(captured.body["amount_capturable"], 0);
    assert_eq!(captured.body["amount_received"], 2000);
    assert_eq!(
        world.kinds(),
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.amount_capturable_updated",
            "charge.captured",
            "payment_intent.succeeded",
        ]
    );
    assert_eq!(world.stripe.ledger()[0].charges_succeeded, 1);
}

#[tokio::test]
async fn a_part_can_be_captured_and_no_more_than_was_set_aside() {
    let world = World::new();
    let capture = format!("/v1/payment_intents/{}/capture", authorized(&world).await.id());
    let too_much = world.post(&capture, &[("amount_to_capture", "2001")]).await;
    assert_eq!(too_much.code(), "400 amount_too_large");
    let part = [("amount_to_capture", "1500"), ("expand[]", "latest_charge")];
    let captured = world.post(&capture, &part).await;
    assert_eq!(captured.body["amount_received"], 1500);
    assert_eq!(captured.body["amount"], 2000);
    assert_eq!(captured.body["latest_charge"]["amount_captured"], 1500);
    let again = world.post(&capture, &[]).await;
    assert_eq!(again.code(), "400 payment_intent_unexpected_state");
    assert!(again.message().contains("has a status of succeeded"), "{}", again.message());
}

#[tokio::test]
async fn canceled_money_that_was_set_aside_is_let_go() {
    let world = World::new();
    let id = authorized(&world).await.id();
    let canceled = world.post(&format!("/v1/payment_intents/{id}/cancel"), &[]).await;
    assert_eq!(canceled.body["status"], "canceled");
    assert_eq!(canceled.body["amount_capturable"], 0);
    assert_eq!(world.kinds()[3..], ["charge.refunded", "payment_intent.canceled"]);
}

#[tokio::test]
async fn an_authorization_that_is_not_captured_expires_after_seven_days() {
    let world = World::new();
    let id = authorized(&world).await.id();
    world.stripe.advance(WEEK - Duration::from_secs(1));
    assert_eq!(world.retrieve(&id).await["status"], "requires_capture");
    world.stripe.advance(Duration::from_secs(60 * 60));
    let expired = world.retrieve(&id).await;
    assert_eq!(expired["status"], "canceled");
    assert_eq!(expired["cancellation_reason"], "automatic");
    // Dated when it happened, not when somebody looked.
    let after = expired["canceled_at"].as_i64().unwrap() - expired["created"].as_i64().unwrap();
    assert_eq!(after, i64::try_from(WEEK.as_secs()).unwrap());
    assert_eq!(world.kinds()[3..], ["charge.expired", "payment_intent.canceled"]);
}

#[tokio::test]
async fn a_captured_payment_does_not_expire() {
    let world = World::new();
    let id = authorized(&world).await.id();
    world.post(&format!("/v1/payment_intents/{id}/capture"), &[]).await;
    world.stripe.advance(2 * WEEK);
    assert_eq!(world.retrieve(&id).await["status"], "succeeded");
}

#[tokio::test]
async fn the_amount_of_an_authorized_payment_cannot_be_changed() {
    let world = World::new();
    let id = authorized(&world).await.id();
    let changed = world.post(&format!("/v1/payment_intents/{id}"), &[("amount", "2500")]).await;
    assert_eq!(changed.code(), "400 payment_intent_unexpected_state");
    assert!(changed.message().contains("has a status of requires_capture"));
}

#[tokio::test]
async fn debits_cannot_be_captured_by_hand() {
    let world = World::new();
    let mut fields = INTENT.to_vec();
    fields.push(("capture_method", "manual"));
    let intent = world.post("/v1/payment_intents", &fields).await;
    assert_eq!(intent.body["payment_method_types"], serde_json::json!(["card"]));
}

#[tokio::test]
async fn a_refused_capture_names_its_parameter() {
    let world = World::new();
    let id = authorized(&world).await.id();
    let capture = async |name: &str, value: &str| {
        let path = format!("/v1/payment_intents/{id}/capture");
        let refused = world.post(&path, &[(name, value)]).await;
        (refused.status, refused.body["error"]["param"] == name)
    };
    assert_eq!(capture("amount_to_capture", "0").await, (400, true));
    assert_eq!(capture("amount_to_capture", "2001").await, (400, true));
    assert_eq!(capture("statement_descriptor", "SHOP").await, (400, true));
    assert_eq!(world.retrieve(&id).await["status"], "requires_capture");
}

#[tokio::test]
async fn a_cancellation_says_what_it_has_changed_of_the_charge() {
    let world = World::new();
    let id = authorized(&world).await.id();
    world.post(&format!("/v1/payment_intents/{id}/cancel"), &[]).await;
    let events = world.get("/v1/events", &[("type", "charge.refunded")]).await.body;
    let previous = &events["data"][0]["data"]["previous_attributes"];
    assert_eq!(*previous, serde_json::json!({ "amount_refunded": 0, "refunded": false }));
}
