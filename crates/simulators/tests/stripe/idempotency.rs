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

#[tokio::test]
async fn keys_of_reads_and_deletions_are_not_heeded() {
    let world = World::new();
    let id = create(&world, "k", &INTENT).await.id();
    let key = [("idempotency-key", "k")];
    let read = world.send("GET", &format!("/v1/payment_intents/{id}"), &[], &key).await;
    assert_eq!((read.status, read.header("idempotency-key")), (200, None));
    let url = [("url", "http://shop.test/"), ("enabled_events[]", "*")];
    let path =
        format!("/v1/webhook_endpoints/{}", world.post("/v1/webhook_endpoints", &url).await.id());
    assert_eq!(world.send("DELETE", &path, &[], &key).await.status, 200);
    assert_eq!(world.send("DELETE", &path, &[], &key).await.status, 404);
}

#[tokio::test]
async fn the_keys_open_no_other_account() {
    let world = World::new();
    let own = world.get("/v1/account", &[]).await.id();
    let of = async |name: &str, account: &str| {
        let headers = [("idempotency-key", "k"), (name, account)];
        world.send("POST", "/v1/payment_intents", &INTENT, &headers).await
    };
    assert_eq!(of("stripe-account", "acct_1").await.code(), "403 account_invalid");
    assert_eq!(of("stripe-context", "acct_1").await.code(), "403 account_invalid");
    let made = of("stripe-account", "").await;
    assert_eq!(of("stripe-account", &own).await.id(), made.id());
    assert_eq!(of("stripe-account", &own).await.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn a_refund_of_too_much_stays_refused_under_its_key() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await.id();
    let refund = async |amount: &str, key: &str| {
        let fields = [("payment_intent", paid.as_str()), ("amount", amount)];
        world.send("POST", "/v1/refunds", &fields, &[("idempotency-key", key)]).await
    };
    let first = refund("1500", "a").await.id();
    let refused = refund("1000", "b").await;
    assert_eq!((refused.status, &refused.body["error"]["param"]), (400, &"amount".into()));
    let failed = simulators::stripe::RefundFailure::Declined;
    assert!(world.stripe.settle_refund(&first, simulators::stripe::RefundOutcome::Failed(failed)));
    let again = refund("1000", "b").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (400, Some("true")));
    assert_eq!(refund("1000", "c").await.status, 200);
}

#[tokio::test]
async fn a_page_and_a_server_do_not_get_each_others_answers() {
    let world = World::new();
    let intent = world.intent().await;
    let path = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
    let fields = [
        ("client_secret", intent["client_secret"].as_str().unwrap()),
        ("payment_method", "pm_card_visa"),
    ];
    let confirm = async |secret: &str| {
        let authorization = format!("Bearer {secret}");
        let headers = [("authorization", authorization.as_str()), ("idempotency-key", "k")];
        let response = world.raw(crate::world::request("POST", &path, &fields, &headers)).await;
        let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&bytes.to_bytes()).unwrap()
    };
    let page = confirm(crate::world::PUBLISHABLE).await;
    assert_eq!(page["status"], "succeeded");
    assert_eq!(page.get("metadata"), None);
    assert_eq!(confirm(crate::world::PUBLISHABLE).await, page);
    let server = confirm(crate::world::SECRET).await;
    assert_eq!(server["error"]["type"], "idempotency_error");
    assert_eq!(world.stripe.ledger()[0].charges_succeeded, 1);
}

#[tokio::test]
async fn a_refusal_that_is_due_to_the_state_is_kept() {
    let world = World::new();
    let id = world.pay("pm_card_visa").await.id();
    let path = format!("/v1/payment_intents/{id}/cancel");
    let key = [("idempotency-key", "k")];
    let first = world.send("POST", &path, &[], &key).await;
    assert_eq!(first.code(), "400 payment_intent_unexpected_state");
    let second = world.send("POST", &path, &[], &key).await;
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn what_is_missing_leaves_its_key_free() {
    let world = World::new();
    let path = "/v1/payment_intents/pi_none/cancel";
    let key = [("idempotency-key", "k")];
    assert_eq!(world.send("POST", path, &[], &key).await.status, 404);
    assert_eq!(world.send("POST", path, &[], &key).await.header("idempotent-replayed"), None);
}

#[tokio::test]
async fn parameters_are_compared_by_what_they_say() {
    let world = World::new();
    let fields = with(&[("expand[]", "latest_charge"), ("metadata[b]", "1"), ("metadata[a]", "2")]);
    let first = create(&world, "k", &fields).await;
    let other_spelling =
        with(&[("metadata[a]", "2"), ("expand[0]", "latest_charge"), ("metadata[b]", "1")]);
    assert_eq!(create(&world, "k", &other_spelling).await.body, first.body);
    let fewer = with(&[("metadata[b]", "1"), ("expand[]", "latest_charge")]);
    assert_eq!(create(&world, "k", &fewer).await.body["error"]["type"], "idempotency_error");
    assert_eq!(create(&world, &"k".repeat(255), &INTENT).await.status, 200);
    assert_eq!(create(&world, &"k".repeat(256), &INTENT).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_running_request_keeps_its_key_when_the_clock_jumps() {
    let world = World::new();
    let slow = FaultKind::Slow(Duration::from_secs(2));
    world.stripe.inject(Fault::once("/v1/payment_intents", slow));
    let second = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.stripe.advance(Duration::from_secs(48 * 60 * 60));
        create(&world, "k", &INTENT).await
    };
    let (first, second) = tokio::join!(create(&world, "k", &INTENT), second);
    assert_eq!((first.status, second.status), (200, 409));
}
