//! The life of a payment intent.

use serde_json::json;

use crate::world::{INTENT, World};

#[tokio::test]
async fn a_new_intent_waits_for_a_payment_method() {
    let world = World::new();
    let intent = world.intent().await;
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["amount"], 2000);
    assert_eq!(intent["amount_received"], 0);
    assert_eq!(intent["livemode"], false);
    assert_eq!(intent["metadata"], json!({ "order_id": "ord_1" }));
    assert_eq!(intent["payment_method_types"], json!(["card", "sepa_debit"]));
    assert!(intent["id"].as_str().unwrap().starts_with("pi_3"));
    let start = format!("{}_secret_", intent["id"].as_str().unwrap());
    assert!(intent["client_secret"].as_str().unwrap().starts_with(&start));
    assert_eq!(world.kinds(), ["payment_intent.created"]);
}

#[tokio::test]
async fn created_and_confirmed_at_once_it_succeeds_with_one_charge() {
    let world = World::new();
    let mut fields = INTENT.to_vec();
    fields.extend([
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
        ("expand[]", "latest_charge"),
    ]);
    let paid = world.post("/v1/payment_intents", &fields).await;
    assert_eq!(paid.body["status"], "succeeded");
    assert_eq!(paid.body["amount_received"], 2000);
    let charge = &paid.body["latest_charge"];
    assert_eq!(charge["status"], "succeeded");
    assert_eq!(charge["metadata"]["order_id"], "ord_1");
    assert_eq!(charge["payment_intent"], paid.body["id"]);
    assert_eq!(
        world.kinds(),
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "charge.updated"
        ]
    );
    let ledger = world.stripe.ledger();
    assert_eq!((ledger[0].status, ledger[0].amount_received), ("succeeded", 2000));
    assert_eq!(ledger[0].charges_succeeded, 1);
}

#[tokio::test]
async fn a_declined_intent_stays_open_and_can_still_be_paid() {
    let world = World::new();
    let declined = world.pay("pm_card_visa_chargeDeclinedInsufficientFunds").await;
    assert_eq!(declined.code(), "402 card_declined");
    let error = &declined.body["error"];
    assert_eq!(error["decline_code"], "insufficient_funds");
    assert_eq!(error["message"], "Your card has insufficient funds.");
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
    assert_eq!(error["payment_intent"]["payment_method"], json!(null));
    assert_eq!(error["payment_intent"]["latest_charge"], error["charge"]);
    assert_eq!(error["payment_intent"]["last_payment_error"]["code"], "card_declined");
    assert_eq!(
        world.kinds(),
        ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    );

    let id = error["payment_intent"]["id"].as_str().unwrap();
    let path = format!("/v1/payment_intents/{id}/confirm");
    let paid = world.post(&path, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(paid.body["status"], "succeeded");
    assert_eq!(paid.body["last_payment_error"], json!(null));
    let charges = world.get("/v1/charges", &[("payment_intent", id)]).await;
    let statuses: Vec<_> =
        charges.body["data"].as_array().unwrap().iter().map(|charge| &charge["status"]).collect();
    assert_eq!(statuses, ["succeeded", "failed"]);
}

#[tokio::test]
async fn what_is_done_cannot_be_confirmed_canceled_or_changed() {
    let world = World::new();
    let id = world.pay("pm_card_visa").await.id();
    let path = format!("/v1/payment_intents/{id}");

    let again = world.post(&format!("{path}/confirm"), &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(again.code(), "400 payment_intent_unexpected_state");
    assert_eq!(
        again.message(),
        "You cannot confirm this PaymentIntent because it has already succeeded after being \
         previously confirmed."
    );
    assert_eq!(again.body["error"]["payment_intent"]["status"], "succeeded");

    let cancel = world.post(&format!("{path}/cancel"), &[]).await;
    assert_eq!(
        cancel.message(),
        "You cannot cancel this PaymentIntent because it has a status of succeeded. Only a \
         PaymentIntent with one of the following statuses may be canceled: \
         requires_payment_method, requires_capture, requires_confirmation, requires_action, \
         processing."
    );

    let amount = world.post(&path, &[("amount", "100")]).await;
    assert_eq!(
        amount.message(),
        "This PaymentIntent's amount could not be updated because it has a status of succeeded. \
         You may only update the amount of a PaymentIntent with one of the following statuses: \
         requires_payment_method, requires_confirmation, requires_action."
    );
    let metadata = world.post(&path, &[("metadata[note]", "kept")]).await;
    assert_eq!(metadata.body["metadata"], json!({ "note": "kept", "order_id": "ord_1" }));
}

#[tokio::test]
async fn a_canceled_intent_is_over() {
    let world = World::new();
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_intents/{id}");
    let bad = world.post(&format!("{path}/cancel"), &[("cancellation_reason", "bored")]).await;
    assert_eq!(bad.status, 400);
    let canceled =
        world.post(&format!("{path}/cancel"), &[("cancellation_reason", "abandoned")]).await;
    assert_eq!(canceled.body["status"], "canceled");
    assert_eq!(canceled.body["cancellation_reason"], "abandoned");
    assert_eq!(canceled.body["canceled_at"], world.stripe.now().as_second());
    let confirm =
        world.post(&format!("{path}/confirm"), &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(confirm.code(), "400 payment_intent_unexpected_state");
    let update = world.post(&path, &[("payment_method", "pm_card_visa")]).await;
    assert!(update.message().contains("payment_method could not be updated"));
    assert_eq!(world.kinds(), ["payment_intent.created", "payment_intent.canceled"]);
}

#[tokio::test]
async fn a_confirmation_needs_a_method_the_right_amount_and_a_way_back() {
    let world = World::new();
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_intents/{id}/confirm");
    let missing = world.post(&path, &[]).await;
    assert_eq!(missing.code(), "400 payment_intent_unexpected_state");
    let wrong = world
        .post(&path, &[("payment_method", "pm_card_visa"), ("amount_to_confirm", "1999")])
        .await;
    assert_eq!(wrong.status, 400);
    assert_eq!(wrong.body["error"]["param"], "amount_to_confirm");

    let open = [("amount", "2000"), ("currency", "eur")];
    let open = world.post("/v1/payment_intents", &open).await;
    assert_eq!(
        open.body["automatic_payment_methods"],
        json!({ "allow_redirects": "always", "enabled": true })
    );
    let path = format!("/v1/payment_intents/{}/confirm", open.id());
    let no_way_back = world.post(&path, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(no_way_back.status, 400);
    assert!(no_way_back.message().contains("you must provide a `return_url`"));
    let fields = [
        ("payment_method", "pm_card_visa"),
        ("return_url", "https://shop.test/back"),
        ("amount_to_confirm", "2000"),
    ];
    assert_eq!(world.post(&path, &fields).await.body["status"], "succeeded");
}

#[tokio::test]
async fn an_update_changes_amount_address_and_metadata() {
    let world = World::new();
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/payment_intents/{id}");
    let fields = [
        ("amount", "2500"),
        ("receipt_email", "jenny@example.com"),
        ("shipping[name]", "Jenny Rosen"),
        ("shipping[address][line1]", "Torstr. 1"),
        ("shipping[address][country]", "DE"),
        ("metadata[order_id]", ""),
        ("metadata[attempt]", "2"),
        ("payment_method", "pm_card_visa"),
    ];
    let updated = world.post(&path, &fields).await;
    assert_eq!(updated.body["amount"], 2500);
    assert_eq!(updated.body["metadata"], json!({ "attempt": "2" }));
    assert_eq!(updated.body["shipping"]["address"]["country"], "DE");
    assert_eq!(updated.body["status"], "requires_confirmation");
    let cleared = world.post(&path, &[("metadata", ""), ("shipping", "")]).await;
    assert_eq!(cleared.body["metadata"], json!({}));
    assert_eq!(cleared.body["shipping"], json!(null));
    assert_eq!(world.kinds(), ["payment_intent.created"]);
}

#[tokio::test]
async fn amounts_follow_stripes_rules_for_each_currency() {
    let world = World::new();
    let create = async |amount: &str, currency: &str| {
        let fields = [("amount", amount), ("currency", currency)];
        world.post("/v1/payment_intents", &fields).await.code()
    };
    assert_eq!(create("50", "EUR").await, "200 -");
    assert_eq!(create("49", "eur").await, "400 amount_too_small");
    assert_eq!(create("0", "eur").await, "400 parameter_invalid_integer");
    assert_eq!(create("19.99", "eur").await, "400 parameter_invalid_integer");
    assert_eq!(create("100000000", "eur").await, "400 amount_too_large");
    assert_eq!(create("", "eur").await, "400 parameter_invalid_empty");
    assert_eq!(create("50", "xyz").await, "400 -");
    assert_eq!(create("10050", "isk").await, "400 invalid_charge_amount");
    assert_eq!(create("10100", "isk").await, "200 -");
    assert!(world.stripe.ledger().iter().all(|entry| entry.status == "requires_payment_method"));
    assert_eq!(world.stripe.ledger().len(), 2);
}

#[tokio::test]
async fn a_method_pays_once() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await;
    let method = paid.body["payment_method"].as_str().unwrap();
    let again = world.pay(method).await;
    assert_eq!(again.code(), "400 payment_method_unexpected_state");
    assert_eq!(world.pay("pm_nobody").await.code(), "400 resource_missing");
}

#[tokio::test]
async fn intents_are_listed_newest_first_in_pages() {
    let world = World::new();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(world.intent().await["id"].as_str().unwrap().to_owned());
        world.stripe.advance(std::time::Duration::from_secs(10));
    }
    let list = async |fields: &[(&str, &str)]| {
        let page = world.get("/v1/payment_intents", fields).await.body;
        let places: Vec<usize> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| ids.iter().position(|id| *id == row["id"]).unwrap())
            .collect();
        (places, page["has_more"].as_bool().unwrap())
    };
    assert_eq!(list(&[]).await, (vec![4, 3, 2, 1, 0], false));
    assert_eq!(list(&[("limit", "2")]).await, (vec![4, 3], true));
    assert_eq!(list(&[("limit", "2"), ("starting_after", &ids[3])]).await, (vec![2, 1], true));
    assert_eq!(list(&[("limit", "2"), ("ending_before", &ids[1])]).await, (vec![3, 2], true));
    let start = world.stripe.now().as_second() - 50;
    let from = (start + 10).to_string();
    let to = (start + 30).to_string();
    assert_eq!(list(&[("created[gte]", &from), ("created[lt]", &to)]).await, (vec![2, 1], false));
    let unknown = world.get("/v1/payment_intents", &[("starting_after", "pi_none")]).await;
    assert_eq!(unknown.code(), "400 resource_missing");
    assert_eq!(world.get("/v1/payment_intents", &[("limit", "101")]).await.status, 400);
}

#[tokio::test]
async fn any_update_clears_the_last_error() {
    let world = World::new();
    let declined = world.pay("pm_card_visa_chargeDeclined").await;
    let id = declined.body["error"]["payment_intent"]["id"].as_str().unwrap().to_owned();
    assert_eq!(world.retrieve(&id).await["last_payment_error"]["code"], "card_declined");
    let path = format!("/v1/payment_intents/{id}");
    let updated = world.post(&path, &[("metadata[note]", "called")]).await.body;
    assert!(updated["last_payment_error"].is_null());
    assert_eq!(updated["status"], "requires_payment_method");
}

#[tokio::test]
async fn a_card_takes_an_addition_to_the_descriptor_and_no_other_one() {
    let world = World::new();
    let mut fields = INTENT.to_vec();
    fields.push(("statement_descriptor", "SHOP"));
    let debit = world.post("/v1/payment_intents", &fields).await;
    assert_eq!((debit.status, &debit.body["statement_descriptor"]), (200, &"SHOP".into()));
    let confirm = format!("/v1/payment_intents/{}/confirm", debit.id());
    let refused = world.post(&confirm, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(refused.body["error"]["param"], "statement_descriptor");
    fields.extend([("confirm", "true"), ("payment_method", "pm_card_visa")]);
    assert_eq!(world.post("/v1/payment_intents", &fields).await.status, 400);
    fields[5].0 = "statement_descriptor_suffix";
    assert_eq!(world.post("/v1/payment_intents", &fields).await.status, 200);
    let named = [
        ("amount", "2000"),
        ("currency", "eur"),
        ("payment_method_types[]", "card"),
        ("statement_descriptor", "SHOP"),
    ];
    let old = [("stripe-version", "2025-09-30.clover")];
    assert_eq!(world.send("POST", "/v1/payment_intents", &named, &old).await.status, 400);
}

#[tokio::test]
async fn an_intent_that_is_not_made_is_in_no_answer() {
    let world = World::new();
    for missing in ["payment_method", "return_url"] {
        let mut fields = vec![("amount", "2000"), ("currency", "eur"), ("confirm", "true")];
        fields.extend([("payment_method", "pm_card_visa"), ("return_url", "http://shop.test")]);
        fields.retain(|(name, _)| *name != missing);
        let refused = world.post("/v1/payment_intents", &fields).await;
        assert_eq!(refused.status, 400, "{missing}");
        assert_eq!(refused.body["error"].get("payment_intent"), None, "{missing}");
    }
    assert!(world.stripe.ledger().is_empty());
}
