//! Balance transactions: where the account's money came from and went.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn lines(world: &World, fields: &[(&str, &str)]) -> Vec<Value> {
    let page = world.get("/v1/balance_transactions", fields).await;
    assert_eq!(page.status, 200, "{:#}", page.body);
    page.body["data"].as_array().unwrap().clone()
}

fn amounts(lines: &[Value]) -> Vec<i64> {
    lines.iter().map(|line| line["amount"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn the_balance_shows_what_came_in_went_out_and_came_back() {
    let world = World::new();
    let id = world.pay("pm_card_refundFail").await.id();
    let refund = [("payment_intent", id.as_str()), ("amount", "800"), ("expand[]", "charge")];
    let refund = world.post("/v1/refunds", &refund).await;
    world.stripe.advance(Duration::from_secs(5));
    let all = lines(&world, &[]).await;
    assert_eq!(amounts(&all), [800, -800, 2000]);
    let kinds: Vec<_> = all.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["refund_failure", "refund", "charge"]);
    let categories: Vec<_> =
        all.iter().map(|line| line["reporting_category"].as_str().unwrap()).collect();
    assert_eq!(categories, ["refund_failure", "refund", "charge"]);
    // What Stripe kept of the charge stays with Stripe.
    let fees: Vec<_> = all.iter().map(|line| line["fee"].as_i64().unwrap()).collect();
    assert_eq!(fees, [0, 0, 55]);
    assert_eq!((&all[1]["net"], &all[2]["net"]), (&json!(-800), &json!(1945)));
    assert_eq!(all[1]["id"], refund.body["balance_transaction"]);
    assert_eq!(all[1]["source"], refund.body["id"]);
    assert_eq!(all[2]["source"], refund.body["charge"]["id"]);
}

#[tokio::test]
async fn debits_and_their_refunds_are_payments_in_the_balance() {
    let world = World::new();
    let id = world.pay("pm_sepaDebit_success_de").await.id();
    assert!(lines(&world, &[]).await.is_empty());
    world.stripe.advance(Duration::from_secs(5));
    world.post("/v1/refunds", &[("payment_intent", &id)]).await;
    let all = lines(&world, &[]).await;
    assert_eq!((&all[0]["type"], &all[1]["type"]), (&json!("payment_refund"), &json!("payment")));
    assert_eq!(all[0]["reporting_category"], "refund");
}

#[tokio::test]
async fn money_is_pending_for_some_days_unless_the_card_says_otherwise() {
    let world = World::new();
    world.pay("pm_card_visa").await;
    world.pay("pm_card_bypassPending").await;
    let statuses = async || {
        let all = lines(&world, &[]).await;
        all.iter().map(|line| line["status"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(statuses().await, ["available", "pending"]);
    let line = &lines(&world, &[]).await[1];
    let waits = line["available_on"].as_i64().unwrap() - line["created"].as_i64().unwrap();
    assert_eq!(waits, 2 * 24 * 60 * 60);
    world.stripe.advance(2 * DAY - Duration::from_secs(1));
    assert_eq!(statuses().await, ["available", "pending"]);
    world.stripe.advance(Duration::from_secs(1));
    assert_eq!(statuses().await, ["available", "available"]);
}

#[tokio::test]
async fn lines_are_found_by_type_source_currency_and_time() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await;
    let charge = paid.body["latest_charge"].as_str().unwrap().to_owned();
    world.stripe.advance(DAY);
    let later = world.stripe.now().as_second().to_string();
    let refund = world.post("/v1/refunds", &[("charge", &charge), ("amount", "300")]).await.id();
    assert_eq!(amounts(&lines(&world, &[("type", "refund")]).await), [-300]);
    assert_eq!(amounts(&lines(&world, &[("source", &charge)]).await), [2000]);
    assert_eq!(amounts(&lines(&world, &[("source", &refund)]).await), [-300]);
    assert_eq!(amounts(&lines(&world, &[("currency", "eur")]).await), [-300, 2000]);
    assert!(lines(&world, &[("currency", "usd")]).await.is_empty());
    assert_eq!(amounts(&lines(&world, &[("created[lt]", &later)]).await), [2000]);
    let newest = &lines(&world, &[("limit", "1")]).await[0];
    let rest = [("starting_after", newest["id"].as_str().unwrap())];
    assert_eq!(amounts(&lines(&world, &rest).await), [2000]);
    let sources = lines(&world, &[("expand[]", "data.source")]).await;
    assert_eq!(sources[0]["source"]["object"], "refund");
    assert_eq!(sources[1]["source"]["object"], "charge");

    let list = async |name: &str| {
        let answer = world.get("/v1/balance_transactions", &[(name, "x")]).await;
        (answer.code(), answer.message().to_owned())
    };
    let text = "This simulator does not simulate the parameter payout.";
    assert_eq!(list("payout").await, ("400 -".into(), text.into()));
    assert_eq!(list("payot").await.0, "400 parameter_unknown");
    let missing = world.get("/v1/balance_transactions/txn_none", &[]).await;
    assert_eq!(missing.code(), "404 resource_missing");
    assert_eq!(missing.message(), "No such balance transaction: 'txn_none'");
}

#[tokio::test]
async fn the_whole_state_shows_refunds_and_the_balance() {
    let world = World::new();
    let id = world.pay("pm_card_visa").await.id();
    world.post("/v1/refunds", &[("payment_intent", &id)]).await;
    let request = http::Request::get("/_sim/state").body(axum::body::Body::empty()).unwrap();
    let response = world.raw(request).await;
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let state: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(state["refunds"][0]["amount"], 2000);
    assert_eq!(state["balance_transactions"].as_array().unwrap().len(), 2);
}
