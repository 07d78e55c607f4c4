//! SEPA debits: what the bank says comes later.

use std::time::Duration;

use serde_json::json;

use crate::world::{INTENT, World};

/// How long the bank takes in these tests.
const DELAY: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_debit_is_processing_until_the_bank_says_how_it_ended() {
    let world = World::new();
    let paid = world.pay("pm_sepaDebit_success_de").await;
    assert_eq!(paid.body["status"], "processing");
    assert!(paid.body["latest_charge"].as_str().unwrap().starts_with("py_"));
    let cancel = world.post(&format!("/v1/payment_intents/{}/cancel", paid.id()), &[]).await;
    assert_eq!(cancel.code(), "400 payment_intent_unexpected_state");
    let order = json!({ "outcome": "succeeded" });
    let settle = format!("/_sim/payment_intents/{}/settle", paid.id());
    assert_eq!(world.control(&settle, order.clone()).await.status, 200);
    assert_eq!(world.retrieve(&paid.id()).await["status"], "succeeded");
    assert_eq!(world.control(&settle, order).await.status, 409);

    let failed = world.pay("pm_sepaDebit_failed_de").await.id();
    assert!(world.stripe.settle(&failed, None));
    let intent = world.retrieve(&failed).await;
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["last_payment_error"]["payment_method"]["type"], "sepa_debit");
    assert_eq!(
        world.kinds(),
        [
            "payment_intent.created",
            "charge.pending",
            "payment_intent.processing",
            "charge.succeeded",
            "payment_intent.succeeded",
            "charge.updated",
            "payment_intent.created",
            "charge.pending",
            "payment_intent.processing",
            "charge.failed",
            "payment_intent.payment_failed"
        ]
    );
}

#[tokio::test]
async fn a_debit_by_iban_needs_euros_a_name_and_an_address_for_mail() {
    let world = World::new();
    let mut fields = INTENT.to_vec();
    fields.extend([
        ("confirm", "true"),
        ("payment_method_data[type]", "sepa_debit"),
        ("payment_method_data[sepa_debit][iban]", "DE89 3704 0044 0532 0130 00"),
        ("payment_method_data[billing_details][name]", "Jenny Rosen"),
    ]);
    let nameless = world.post("/v1/payment_intents", &fields).await;
    assert_eq!(nameless.code(), "400 parameter_missing");
    fields.push(("payment_method_data[billing_details][email]", "jenny@example.com"));
    assert_eq!(world.post("/v1/payment_intents", &fields).await.body["status"], "processing");
    fields[1] = ("currency", "usd");
    let dollars = world.post("/v1/payment_intents", &fields).await;
    assert_eq!(dollars.code(), "400 payment_intent_incompatible_payment_method");
}

#[tokio::test]
async fn the_bank_answers_by_itself_when_the_simulated_time_has_come() {
    let world = World::new();
    let paid = world.pay("pm_sepaDebit_success_de").await.id();
    let failed = world.pay("pm_sepaDebit_failed_de").await.id();
    let slow = world.pay("pm_sepaDebit_successDelayed_de").await.id();
    world.stripe.advance(DELAY - Duration::from_millis(1));
    for id in [&paid, &failed, &slow] {
        assert_eq!(world.retrieve(id).await["status"], "processing");
    }
    world.stripe.advance(Duration::from_millis(1));
    assert_eq!(world.retrieve(&paid).await["status"], "succeeded");
    assert_eq!(world.retrieve(&failed).await["status"], "requires_payment_method");
    assert_eq!(world.retrieve(&slow).await["status"], "processing");
    world.stripe.advance(Duration::from_secs(3 * 60));
    assert_eq!(world.retrieve(&slow).await["status"], "succeeded");
}

#[tokio::test]
async fn what_was_settled_by_hand_is_not_settled_again_by_the_clock() {
    let world = World::new();
    let id = world.pay("pm_sepaDebit_failed_de").await.id();
    assert!(world.stripe.settle(&id, Some(simulators::stripe::Outcome::Succeeded)));
    let events = world.kinds().len();
    world.stripe.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(world.retrieve(&id).await["status"], "succeeded");
    assert_eq!(world.kinds().len(), events);
}

#[tokio::test]
async fn a_second_debit_waits_for_its_own_answer() {
    let world = World::new();
    let id = world.pay("pm_sepaDebit_success_de").await.id();
    assert!(world.stripe.settle(&id, Some(simulators::stripe::Outcome::Failed)));
    world.stripe.advance(DELAY - Duration::from_secs(1));
    let confirm = format!("/v1/payment_intents/{id}/confirm");
    world.post(&confirm, &[("payment_method", "pm_sepaDebit_success_de")]).await;
    world.stripe.advance(DELAY - Duration::from_secs(1));
    assert_eq!(world.retrieve(&id).await["status"], "processing");
    world.stripe.advance(Duration::from_secs(1));
    assert_eq!(world.retrieve(&id).await["status"], "succeeded");
}

#[tokio::test]
async fn a_debit_that_fails_says_why() {
    let world = World::new();
    let general = "payment_intent_payment_attempt_failed";
    for (iban, code, charge_code) in [
        ("DE62370400440532013001", general, general),
        ("DE65370400440000343434", "charge_exceeds_source_limit", "charge_exceeds_source_limit"),
        ("DE27370400440000121212", general, "charge_exceeds_weekly_limit"),
        ("DE65370400440002222227", "insufficient_funds", "insufficient_funds"),
    ] {
        let mut fields = INTENT.to_vec();
        fields.extend([
            ("confirm", "true"),
            ("payment_method_data[type]", "sepa_debit"),
            ("payment_method_data[sepa_debit][iban]", iban),
            ("payment_method_data[billing_details][name]", "Jenny Rosen"),
            ("payment_method_data[billing_details][email]", "jenny@example.com"),
        ]);
        let id = world.post("/v1/payment_intents", &fields).await.id();
        world.stripe.advance(DELAY);
        let failed = world.retrieve(&id).await;
        assert_eq!(failed["last_payment_error"]["code"], code);
        let charge = failed["latest_charge"].as_str().unwrap();
        let charge = world.get(&format!("/v1/charges/{charge}"), &[]).await.body;
        assert_eq!(charge["status"], "failed");
        assert_eq!(charge["failure_code"], charge_code);
    }
}

#[tokio::test]
async fn an_unknown_iban_pays_if_its_check_digits_are_right() {
    let world = World::new();
    let pay = async |iban: &'static str| {
        let mut fields = INTENT.to_vec();
        fields.extend([
            ("confirm", "true"),
            ("payment_method_data[type]", "sepa_debit"),
            ("payment_method_data[sepa_debit][iban]", iban),
            ("payment_method_data[billing_details][name]", "Jenny Rosen"),
            ("payment_method_data[billing_details][email]", "jenny@example.com"),
        ]);
        world.post("/v1/payment_intents", &fields).await
    };
    assert_eq!(pay("NL91 ABNA 0417 1643 00").await.body["status"], "processing");
    assert_eq!(pay("NL91ABNA0417164301").await.code(), "400 invalid_bank_account_iban");
}
