//! Disputes: how they open, are answered and end.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::stripe::DisputeOutcome;

use crate::schema;
use crate::world::{Answer, INTENT, World};

pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The default of `Options::dispute_delay`.
pub const DECISION: Duration = Duration::from_secs(5);

/// What a paid card reports before anything is disputed.
pub const PAID: usize = 4;

/// Pays 20 EUR and returns the intent.
pub async fn paid(world: &World, method: &str) -> Value {
    let answer = world.pay(method).await;
    assert_eq!(answer.body["status"], "succeeded", "{:#}", answer.body);
    answer.body
}

pub async fn disputes(world: &World) -> Vec<Value> {
    let list = world.get("/v1/disputes", &[]).await;
    assert_eq!(list.status, 200, "{:#}", list.body);
    list.body["data"].as_array().unwrap().clone()
}

/// Pays with a method that is disputed once, and returns the dispute.
pub async fn disputed(world: &World, method: &str) -> Value {
    paid(world, method).await;
    let mut all = disputes(world).await;
    assert_eq!(all.len(), 1);
    all.remove(0)
}

pub fn path(dispute: &Value) -> String {
    format!("/v1/disputes/{}", dispute["id"].as_str().unwrap())
}

pub async fn again(world: &World, dispute: &Value) -> Value {
    world.get(&path(dispute), &[]).await.body
}

pub async fn answer(world: &World, dispute: &Value, text: &str) -> Answer {
    world.post(&path(dispute), &[("evidence[uncategorized_text]", text)]).await
}

/// The events after the first `skip`, each held against its schema.
pub async fn events_after(world: &World, skip: usize) -> Vec<Value> {
    let list = world.get("/v1/events", &[("limit", "100")]).await.body;
    let mut events = list["data"].as_array().unwrap().clone();
    events.reverse();
    events.split_off(skip)
}

pub async fn kinds_after(world: &World, skip: usize) -> Vec<String> {
    let events = events_after(world, skip).await;
    events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

pub async fn charge_of(world: &World, dispute: &Value) -> Value {
    let charge = dispute["charge"].as_str().unwrap();
    world.get(&format!("/v1/charges/{charge}"), &[]).await.body
}

/// What a dispute has moved, as amount and fee.
pub fn moved(dispute: &Value) -> Vec<(i64, i64)> {
    let booked = dispute["balance_transactions"].as_array().unwrap().iter();
    booked.map(|row| (row["amount"].as_i64().unwrap(), row["fee"].as_i64().unwrap())).collect()
}

#[tokio::test]
async fn a_disputed_card_charge_loses_its_money_and_waits_for_an_answer() {
    for (method, reason, code) in [
        ("pm_card_createDispute", "fraudulent", "10.4"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received", "13.1"),
    ] {
        let world = World::new();
        let dispute = disputed(&world, method).await;
        assert!(dispute["id"].as_str().unwrap().starts_with("du_"));
        assert_eq!(dispute["status"], "needs_response");
        assert_eq!(dispute["reason"], reason);
        assert_eq!(dispute["amount"], 2000);
        assert_eq!(dispute["is_charge_refundable"], false);
        assert_eq!(dispute["network_reason_code"], code);
        assert_eq!(
            dispute["payment_method_details"],
            json!({
                "card": {
                    "brand": "visa",
                    "case_type": "chargeback",
                    "network": "visa",
                    "network_reason_code": code,
                },
                "type": "card",
            })
        );
        assert_eq!(
            dispute["evidence_details"],
            json!({
                "due_by": "2026-11-28T23:59:59Z".parse::<jiff::Timestamp>().unwrap().as_second(),
                "enhanced_eligibility": {},
                "has_evidence": false,
                "past_due": false,
                "submission_count": 0,
                "submission_method": "not_submitted",
            })
        );
        assert_eq!(charge_of(&world, &dispute).await["disputed"], true);
        assert_eq!(
            kinds_after(&world, PAID).await,
            ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
        );
    }
}

#[tokio::test]
async fn the_money_of_a_dispute_is_in_the_balance_with_its_fee() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    let taken = &dispute["balance_transactions"][0];
    assert_eq!(taken["amount"], -2000);
    assert_eq!(taken["fee"], 2000);
    assert_eq!(taken["net"], -4000);
    assert_eq!(taken["type"], "adjustment");
    assert_eq!(taken["reporting_category"], "dispute");
    assert_eq!(taken["source"], dispute["id"]);
    assert_eq!(taken["fee_details"][0]["description"], "Dispute fee");
    let description = format!("Chargeback withdrawal for {}", dispute["charge"].as_str().unwrap());
    assert_eq!(taken["description"], description);
}

#[tokio::test]
async fn one_charge_can_have_several_disputes_that_share_its_amount() {
    let world = World::new();
    let intent = paid(&world, "pm_card_createMultipleDisputes").await;
    let all = disputes(&world).await;
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["charge"], all[1]["charge"]);
    assert_ne!(all[0]["reason"], all[1]["reason"]);
    assert_eq!(all[0]["amount"].as_i64().unwrap() + all[1]["amount"].as_i64().unwrap(), 2000);
    let pair = ["charge.dispute.created", "charge.dispute.funds_withdrawn"];
    assert_eq!(kinds_after(&world, PAID).await, [pair, pair].concat());

    // One being won does not end the other.
    answer(&world, &all[0], "winning_evidence").await;
    world.stripe.advance(DECISION);
    assert_eq!(again(&world, &all[0]).await["status"], "won");
    assert_eq!(again(&world, &all[1]).await["status"], "needs_response");
    let ledger = world.stripe.ledger();
    assert_eq!(ledger[0].id, intent["id"]);
    let statuses: Vec<_> = ledger[0].disputes.iter().map(|dispute| dispute.status).collect();
    assert_eq!(statuses, ["needs_response", "won"]);
}

#[tokio::test]
async fn money_that_is_only_set_aside_is_not_disputed_until_it_is_captured() {
    let world = World::new();
    let mut fields = INTENT.to_vec();
    fields.extend([
        ("confirm", "true"),
        ("payment_method", "pm_card_createDispute"),
        ("capture_method", "manual"),
    ]);
    let waiting = world.post("/v1/payment_intents", &fields).await;
    assert_eq!(waiting.body["status"], "requires_capture");
    assert_eq!(disputes(&world).await, Vec::<Value>::new());
    let capture = format!("/v1/payment_intents/{}/capture", waiting.id());
    world.post(&capture, &[("amount_to_capture", "1200")]).await;
    let dispute = disputes(&world).await.remove(0);
    assert_eq!(dispute["amount"], 1200);
    assert_eq!(moved(&dispute), [(-1200, 2000)]);
}

#[tokio::test]
async fn a_disputed_debit_is_lost_at_once() {
    let world = World::new();
    assert_eq!(world.pay("pm_sepaDebit_disputed_de").await.body["status"], "processing");
    world.stripe.advance(DECISION);
    let dispute = disputes(&world).await.remove(0);
    assert_eq!(dispute["status"], "lost");
    assert_eq!(dispute["reason"], "debit_not_authorized");
    assert_eq!(dispute["evidence_details"]["due_by"], 0);
    assert_eq!(dispute["payment_method_details"], Value::Null);
    assert_eq!(moved(&dispute), [(-2000, 2000)]);
    let kinds = world.kinds();
    assert_eq!(
        kinds[kinds.len() - 3..],
        ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed"]
    );
    let refused = answer(&world, &dispute, "winning_evidence").await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.message(), "This dispute is already closed");
}

#[tokio::test]
async fn winning_evidence_is_reviewed_and_brings_the_money_back_without_the_fee() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    let sent = answer(&world, &dispute, "winning_evidence").await.body;
    assert_eq!(sent["status"], "under_review");
    assert_eq!(sent["evidence"]["uncategorized_text"], "winning_evidence");
    assert_eq!(sent["evidence_details"]["has_evidence"], true);
    assert_eq!(sent["evidence_details"]["submission_count"], 1);
    assert_eq!(sent["evidence_details"]["submission_method"], "manual");
    assert_eq!(sent["is_charge_refundable"], false);
    world.stripe.advance(DECISION - Duration::from_secs(1));
    assert_eq!(again(&world, &dispute).await["status"], "under_review");
    world.stripe.advance(Duration::from_secs(1));
    let won = again(&world, &dispute).await;
    assert_eq!(won["status"], "won");
    assert_eq!(won["is_charge_refundable"], true);
    assert_eq!(moved(&won), [(-2000, 2000), (2000, 0)]);
    let back = &won["balance_transactions"][1];
    assert_eq!(back["reporting_category"], "dispute_reversal");
    assert_eq!(back["fee_details"], json!([]));
    assert_eq!(
        kinds_after(&world, PAID + 2).await,
        ["charge.dispute.updated", "charge.dispute.funds_reinstated", "charge.dispute.closed"]
    );
    // That the charge was disputed once stays true.
    assert_eq!(charge_of(&world, &dispute).await["disputed"], true);
}

#[tokio::test]
async fn losing_evidence_loses_and_the_bank_keeps_the_money() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    answer(&world, &dispute, "losing_evidence").await;
    world.stripe.advance(DECISION);
    let lost = again(&world, &dispute).await;
    assert_eq!(lost["status"], "lost");
    assert_eq!(lost["is_charge_refundable"], false);
    assert_eq!(moved(&lost), [(-2000, 2000)]);
    assert_eq!(
        kinds_after(&world, PAID + 2).await,
        ["charge.dispute.updated", "charge.dispute.closed"]
    );
}

#[tokio::test]
async fn other_evidence_waits_for_the_bank_and_is_not_late() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    let fields = [("evidence[product_description]", "a chair"), ("evidence[customer_name]", "J")];
    assert_eq!(world.post(&path(&dispute), &fields).await.body["status"], "under_review");
    world.stripe.advance(60 * DAY);
    assert_eq!(again(&world, &dispute).await["status"], "under_review");
    let id = dispute["id"].as_str().unwrap();
    assert!(world.stripe.decide_dispute(id, DisputeOutcome::Won));
    assert_eq!(again(&world, &dispute).await["status"], "won");
    assert!(!world.stripe.decide_dispute(id, DisputeOutcome::Lost));
    assert!(!world.stripe.decide_dispute(id, DisputeOutcome::Won));
    assert_eq!(moved(&again(&world, &dispute).await), [(-2000, 2000), (2000, 0)]);
}

#[tokio::test]
async fn without_an_answer_a_dispute_is_lost_when_its_day_is_over() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    // Staged evidence is not an answer.
    let staged = [("evidence[uncategorized_text]", "winning_evidence"), ("submit", "false")];
    world.post(&path(&dispute), &staged).await;
    world.stripe.set_clock("2026-11-28T23:59:59Z".parse().unwrap());
    assert_eq!(again(&world, &dispute).await["status"], "needs_response");
    world.stripe.advance(Duration::from_secs(1));
    let lost = again(&world, &dispute).await;
    assert_eq!(lost["status"], "lost");
    assert_eq!(lost["evidence_details"]["submission_count"], 0);
    let closed = events_after(&world, PAID + 2).await.pop().unwrap();
    assert_eq!(closed["type"], "charge.dispute.closed");
    assert_eq!(closed["data"]["object"], lost);
    assert_eq!(closed["request"]["id"], Value::Null);
    let late = answer(&world, &dispute, "winning_evidence").await;
    assert_eq!(late.message(), "This dispute is already closed");
}

#[tokio::test]
async fn evidence_can_be_staged_and_sent_later() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    let staged = [
        ("evidence[uncategorized_text]", "winning_evidence"),
        ("evidence[service_date]", "2026-11-20"),
        ("submit", "false"),
    ];
    let staged = world.post(&path(&dispute), &staged).await.body;
    assert_eq!(staged["status"], "needs_response");
    assert_eq!(staged["evidence_details"]["has_evidence"], true);
    assert_eq!(staged["evidence_details"]["submission_count"], 0);
    world.stripe.advance(DECISION);
    assert_eq!(again(&world, &dispute).await["status"], "needs_response");
    // An empty text takes one back.
    let unstaged = [("evidence[service_date]", ""), ("submit", "false")];
    let unstaged = world.post(&path(&dispute), &unstaged).await.body;
    assert_eq!(unstaged["evidence"]["service_date"], Value::Null);
    let sent = world.post(&path(&dispute), &[("submit", "true")]).await.body;
    assert_eq!(sent["status"], "under_review");
    assert_eq!(sent["evidence_details"]["submission_count"], 1);
    world.stripe.advance(DECISION);
    assert_eq!(again(&world, &dispute).await["status"], "won");
}

#[tokio::test]
async fn an_update_reports_what_it_changed() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    answer(&world, &dispute, "a receipt").await;
    let update = events_after(&world, PAID + 2).await.remove(0);
    assert_eq!(update["type"], "charge.dispute.updated");
    assert_eq!(update["data"]["object"]["status"], "under_review");
    assert_eq!(
        update["data"]["previous_attributes"],
        json!({
            "evidence": { "uncategorized_text": null },
            "evidence_details": {
                "has_evidence": false,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "status": "needs_response",
        })
    );
    // Metadata can be changed at any time while it is open, and moves nothing.
    let noted = world.post(&path(&dispute), &[("metadata[case]", "7")]).await.body;
    assert_eq!(noted["metadata"], json!({ "case": "7" }));
    assert_eq!(noted["evidence_details"]["submission_count"], 1);
    let noting = events_after(&world, PAID + 3).await.remove(0);
    assert_eq!(noting["data"]["previous_attributes"], json!({ "metadata": { "case": null } }));
    // The same once more changes nothing, so there is nothing to report.
    world.post(&path(&dispute), &[("metadata[case]", "7")]).await;
    assert_eq!(events_after(&world, PAID + 4).await, Vec::<Value>::new());
}

#[tokio::test]
async fn evidence_is_sent_once() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    answer(&world, &dispute, "a receipt").await;
    let second = answer(&world, &dispute, "winning_evidence").await;
    assert_eq!(second.status, 400);
    assert_eq!(second.body["error"]["param"], "evidence");
    world.stripe.advance(DECISION);
    let kept = again(&world, &dispute).await;
    assert_eq!(kept["status"], "under_review");
    assert_eq!(kept["evidence"]["uncategorized_text"], "a receipt");
}

#[tokio::test]
async fn a_repeated_answer_with_one_idempotency_key_is_one_submission() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    let fields = [("evidence[uncategorized_text]", "winning_evidence")];
    let path = path(&dispute);
    let send = || world.send("POST", &path, &fields, &[("idempotency-key", "k1")]);
    let first = send().await;
    world.stripe.advance(DECISION);
    let second = send().await;
    assert_eq!(second.body, first.body);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(again(&world, &dispute).await["evidence_details"]["submission_count"], 1);
}

#[tokio::test]
async fn a_shop_can_give_in_before_it_has_answered() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    let close = format!("{}/close", path(&dispute));
    let closed = world.post(&close, &[]).await.body;
    assert_eq!(closed["status"], "lost");
    assert_eq!(moved(&closed), [(-2000, 2000)]);
    assert_eq!(kinds_after(&world, PAID + 2).await, ["charge.dispute.closed"]);
    let twice = world.post(&close, &[]).await;
    assert_eq!(twice.code(), "400 -");
    assert_eq!(twice.message(), "This dispute is already closed");
    // Nothing happens any more when the time to answer is over.
    world.stripe.advance(10 * DAY);
    assert_eq!(kinds_after(&world, PAID + 3).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_shop_cannot_give_in_while_the_bank_reviews() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    answer(&world, &dispute, "a receipt").await;
    let refused = world.post(&format!("{}/close", path(&dispute)), &[]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains("under_review"), "{}", refused.message());
    assert_eq!(again(&world, &dispute).await["status"], "under_review");
}

#[tokio::test]
async fn disputes_are_found_by_charge_intent_and_time() {
    let world = World::new();
    let first = paid(&world, "pm_card_createDispute").await;
    world.stripe.advance(Duration::from_secs(60));
    let second = paid(&world, "pm_card_createDisputeProductNotReceived").await;
    let of = async |name: &'static str, value: &str| {
        let page = world.get("/v1/disputes", &[(name, value)]).await.body;
        let rows = page["data"].as_array().unwrap().clone();
        rows.iter().map(|row| row["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("payment_intent", first["id"].as_str().unwrap()).await, ["fraudulent"]);
    let charge = second["latest_charge"].as_str().unwrap();
    assert_eq!(of("charge", charge).await, ["product_not_received"]);
    assert_eq!(of("charge", "ch_none").await, Vec::<String>::new());
    let later = world.stripe.now().as_second().to_string();
    assert_eq!(of("created[gte]", &later).await, ["product_not_received"]);
    assert_eq!(of("limit", "1").await, ["product_not_received"]);
    let newest = disputes(&world).await.remove(0)["id"].as_str().unwrap().to_owned();
    assert_eq!(of("starting_after", &newest).await, ["fraudulent"]);
    let unknown = world.get("/v1/disputes", &[("customer", "cus_1")]).await;
    assert_eq!(unknown.code(), "400 parameter_unknown");
}

#[tokio::test]
async fn charge_and_intent_of_a_dispute_can_be_expanded() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    let both = [("expand[]", "charge.balance_transaction"), ("expand[]", "payment_intent")];
    let whole = world.get(&path(&dispute), &both).await.body;
    assert_eq!(whole["charge"]["id"], dispute["charge"]);
    assert_eq!(whole["charge"]["balance_transaction"]["amount"], 2000);
    assert_eq!(whole["payment_intent"]["id"], dispute["payment_intent"]);
    let listed = world.get("/v1/disputes", &[("expand[]", "data.charge")]).await.body;
    assert_eq!(listed["data"][0]["charge"]["disputed"], true);
    let refused = world.get(&path(&dispute), &[("expand[]", "evidence")]).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn what_cannot_be_done_to_a_dispute_is_refused_and_changes_nothing() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    let attempt = async |name: &str, value: &str| {
        let answer = world.post(&path(&dispute), &[(name, value)]).await;
        (answer.code(), answer.body["error"]["param"].as_str().unwrap_or("-").to_owned())
    };
    for file in ["receipt", "customer_communication", "uncategorized_file"] {
        let name = format!("evidence[{file}]");
        assert_eq!(attempt(&name, "file_1").await, ("400 -".to_owned(), name));
    }
    let unknown = "evidence[excuse]";
    assert_eq!(attempt(unknown, "x").await, ("400 parameter_unknown".to_owned(), unknown.into()));
    assert_eq!(attempt("submit", "maybe").await.0, "400 -");
    let long = "x".repeat(5001);
    let name = "evidence[customer_name]";
    assert_eq!(attempt(name, &long).await, ("400 -".to_owned(), name.into()));
    assert_eq!(again(&world, &dispute).await, dispute);
    assert_eq!(events_after(&world, PAID + 2).await, Vec::<Value>::new());

    for (method, path) in [
        ("GET", "/v1/disputes/du_none"),
        ("POST", "/v1/disputes/du_none"),
        ("POST", "/v1/disputes/du_none/close"),
    ] {
        let missing = world.send(method, path, &[], &[]).await;
        assert_eq!(missing.code(), "404 resource_missing");
        assert_eq!(missing.message(), "No such dispute: 'du_none'");
        assert_eq!(missing.body["error"]["param"], "dispute");
    }
}

#[tokio::test]
async fn a_card_is_disputed_by_its_number_as_by_its_token() {
    for (number, reason) in [
        ("4000000000000259", "fraudulent"),
        ("4000000000002685", "product_not_received"),
        ("4000000000001976", "fraudulent"),
    ] {
        let world = World::new();
        let mut fields = INTENT.to_vec();
        fields.extend([
            ("confirm", "true"),
            ("payment_method_data[type]", "card"),
            ("payment_method_data[card][number]", number),
            ("payment_method_data[card][exp_month]", "12"),
            ("payment_method_data[card][exp_year]", "34"),
        ]);
        assert_eq!(world.post("/v1/payment_intents", &fields).await.status, 200);
        assert_eq!(disputes(&world).await[0]["reason"], reason, "{number}");
    }
}

#[tokio::test]
async fn every_parameter_of_stripes_own_types_is_known_by_name_to_the_dispute_routes() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    for (name, method, path) in [
        ("dispute_update", "POST", path(&dispute)),
        ("dispute_list", "GET", "/v1/disputes".to_owned()),
        ("dispute_close", "POST", format!("{}/close", path(&dispute))),
        ("radar.early_fraud_warning_list", "GET", "/v1/radar/early_fraud_warnings".to_owned()),
    ] {
        let Some(params) = schema::params(&format!("{name}_params")) else { return };
        assert!(!params.is_empty(), "{name}");
        for param in params {
            let code = world.send(method, &path, &[(param.as_str(), "?")], &[]).await.code();
            assert_ne!(code, "400 parameter_unknown", "{name} does not know {param}");
        }
    }
}
