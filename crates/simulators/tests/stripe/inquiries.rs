//! What a bank asks before it takes money, what an issuer reports, and disputes by order of a test.

use serde_json::{Value, json};
use simulators::stripe::{DisputeOrder, DisputeOutcome};

use crate::disputes::{
    DAY, DECISION, PAID, again, answer, charge_of, disputed, disputes, events_after, kinds_after,
    moved, paid, path,
};
use crate::world::World;

#[tokio::test]
async fn an_inquiry_takes_nothing_and_leaves_the_charge_refundable() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    assert_eq!(inquiry["status"], "warning_needs_response");
    assert_eq!(inquiry["balance_transactions"], json!([]));
    assert_eq!(inquiry["is_charge_refundable"], true);
    assert_eq!(inquiry["payment_method_details"]["card"]["case_type"], "inquiry");
    assert_eq!(charge_of(&world, &inquiry).await["disputed"], true);
    assert_eq!(kinds_after(&world, PAID).await, ["charge.dispute.created"]);
}

#[tokio::test]
async fn giving_in_to_an_inquiry_takes_no_money() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    let closed = world.post(&format!("{}/close", path(&inquiry)), &[]).await.body;
    assert_eq!(closed["status"], "lost");
    assert_eq!(moved(&closed), []);
    assert_eq!(closed["is_charge_refundable"], true);
}

#[tokio::test]
async fn an_inquiry_ends_as_its_evidence_says() {
    for (text, ending) in [
        ("winning_evidence", "warning_closed"),
        ("losing_evidence", "warning_closed"),
        ("escalate_inquiry_evidence", "needs_response"),
        ("a receipt", "warning_under_review"),
    ] {
        let world = World::new();
        let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
        assert_eq!(answer(&world, &inquiry, text).await.body["status"], "warning_under_review");
        world.stripe.advance(DECISION);
        assert_eq!(again(&world, &inquiry).await["status"], ending, "{text}");
    }
}

#[tokio::test]
async fn an_escalated_inquiry_takes_the_money_and_has_a_due_date_of_its_own() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    answer(&world, &inquiry, "a receipt").await;
    world.stripe.advance(5 * DAY);
    let id = inquiry["id"].as_str().unwrap();
    assert!(world.stripe.escalate_dispute(id));
    assert!(!world.stripe.escalate_dispute(id));
    let dispute = again(&world, &inquiry).await;
    assert_eq!(dispute["status"], "needs_response");
    assert_eq!(dispute["payment_method_details"]["card"]["case_type"], "chargeback");
    assert_eq!(dispute["is_charge_refundable"], false);
    assert_eq!(moved(&dispute), [(-2000, 2000)]);
    let events = events_after(&world, PAID + 2).await;
    assert_eq!(events[0]["type"], "charge.dispute.updated");
    let previous = &events[0]["data"]["previous_attributes"];
    assert_eq!(previous["status"], "warning_under_review");
    assert_eq!(previous["balance_transactions"], json!([]));
    assert_eq!(events[1]["type"], "charge.dispute.funds_withdrawn");
    assert_eq!(events.len(), 2);
    // The inquiry's date passes without a consequence, the dispute's does not.
    world.stripe.advance(6 * DAY);
    assert_eq!(again(&world, &inquiry).await["status"], "needs_response");
    world.stripe.advance(2 * DAY);
    assert_eq!(again(&world, &inquiry).await["status"], "lost");
}

#[tokio::test]
async fn an_escalated_inquiry_can_be_answered_again_and_won() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    answer(&world, &inquiry, "escalate_inquiry_evidence").await;
    world.stripe.advance(DECISION);
    let sent = answer(&world, &inquiry, "winning_evidence").await.body;
    assert_eq!(sent["status"], "under_review");
    assert_eq!(sent["evidence_details"]["submission_count"], 2);
    world.stripe.advance(DECISION);
    assert_eq!(again(&world, &inquiry).await["status"], "won");
}

#[tokio::test]
async fn an_inquiry_that_nobody_answers_is_closed_after_120_days() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    world.stripe.advance(119 * DAY);
    assert_eq!(again(&world, &inquiry).await["status"], "warning_needs_response");
    world.stripe.advance(DAY);
    let closed = again(&world, &inquiry).await;
    assert_eq!(closed["status"], "warning_closed");
    assert_eq!(moved(&closed), []);
    assert_eq!(closed["is_charge_refundable"], true);
    assert_eq!(world.kinds().last(), Some(&"charge.dispute.closed"));
}

#[tokio::test]
async fn a_late_answer_to_an_inquiry_is_past_due() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    world.stripe.advance(9 * DAY);
    let late = answer(&world, &inquiry, "a receipt").await.body;
    assert_eq!(late["status"], "warning_under_review");
    assert_eq!(late["evidence_details"]["past_due"], true);
}

#[tokio::test]
async fn a_payment_is_disputed_by_order() {
    let world = World::new();
    let intent = paid(&world, "pm_card_visa").await["id"].as_str().unwrap().to_owned();
    let order = json!({ "reason": "duplicate", "amount": 700 });
    let path = format!("/_sim/payment_intents/{intent}/dispute");
    let opened = world.control(&path, order).await;
    assert_eq!(opened.status, 200, "{:#}", opened.body);
    let dispute = disputes(&world).await.remove(0);
    assert_eq!(opened.body["dispute"], dispute["id"]);
    assert_eq!(dispute["reason"], "duplicate");
    assert_eq!(moved(&dispute), [(-700, 2000)]);

    let bare = http::Request::post(&path).body(axum::body::Body::empty()).unwrap();
    assert_eq!(world.raw(bare).await.status(), 200);
    let second = disputes(&world).await.remove(0);
    assert_eq!((&second["reason"], &second["amount"]), (&json!("fraudulent"), &json!(1300)));

    let refused = async |order: Value| world.control(&path, order).await.status;
    assert_eq!(refused(json!({ "reason": "mood" })).await, 409);
    assert_eq!(disputes(&world).await.len(), 2);
}

#[tokio::test]
async fn disputes_claim_no_more_than_was_paid_and_is_not_claimed_already() {
    let world = World::new();
    let intent = paid(&world, "pm_card_visa").await["id"].as_str().unwrap().to_owned();
    let path = format!("/_sim/payment_intents/{intent}/dispute");
    let order = async |order: Value| world.control(&path, order).await.status;
    assert_eq!(order(json!({ "amount": 2001 })).await, 409);
    assert_eq!(order(json!({ "amount": 0 })).await, 409);
    assert_eq!(order(json!({ "amount": 1500 })).await, 200);
    assert_eq!(order(json!({ "amount": 501 })).await, 409);
    assert_eq!(order(json!({ "amount": 500, "inquiry": true })).await, 200);
    assert_eq!(order(json!({})).await, 409);
    let first = disputes(&world).await.remove(1)["id"].as_str().unwrap().to_owned();
    assert!(world.stripe.decide_dispute(&first, simulators::stripe::DisputeOutcome::Won));
    assert_eq!(order(json!({ "amount": 1501 })).await, 409);
    assert_eq!(order(json!({ "amount": 1500 })).await, 200);
}

#[tokio::test]
async fn a_refund_on_its_way_fails_when_the_network_gives_the_money_back_itself() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    world.stripe.order_refund_course(simulators::stripe::RefundCourse::Pending);
    let fields = [("payment_intent", inquiry["payment_intent"].as_str().unwrap()), ("amount", "5")];
    let refund = world.post("/v1/refunds", &fields).await.id();
    let id = inquiry["id"].as_str().unwrap();
    assert!(world.stripe.decide_dispute(id, simulators::stripe::DisputeOutcome::Prevented));
    let refund = world.get(&format!("/v1/refunds/{refund}"), &[]).await.body;
    assert_eq!(refund["status"], "failed");
    assert_eq!(refund["failure_reason"], "charge_for_pending_refund_disputed");
}

#[tokio::test]
async fn only_what_has_been_paid_can_be_disputed() {
    let world = World::new();
    let open = world.intent().await["id"].as_str().unwrap().to_owned();
    assert!(world.stripe.dispute(&open, &DisputeOrder::default()).is_err());
    assert!(world.stripe.dispute("pi_none", &DisputeOrder::default()).is_err());
    let debit = world.pay("pm_sepaDebit_success_de").await.id();
    assert!(world.stripe.dispute(&debit, &DisputeOrder::default()).is_err());
    world.stripe.advance(DECISION);
    let inquiry = DisputeOrder { inquiry: true, ..DisputeOrder::default() };
    assert!(world.stripe.dispute(&debit, &inquiry).is_err());
    world.stripe.dispute(&debit, &DisputeOrder::default()).unwrap();
    assert_eq!(disputes(&world).await[0]["status"], "lost");
}

#[tokio::test]
async fn the_bank_decides_by_order_only_what_is_still_open() {
    let decide = async |method: &'static str, outcome: &'static str| {
        let world = World::new();
        let dispute = disputed(&world, method).await;
        let path = format!("/_sim/disputes/{}/decide", dispute["id"].as_str().unwrap());
        let answer = world.control(&path, json!({ "outcome": outcome })).await;
        let ended = again(&world, &dispute).await;
        (answer.status, ended["status"].as_str().unwrap().to_owned(), moved(&ended))
    };
    let taken = (-2000, 2000);
    let dispute = "pm_card_createDispute";
    assert_eq!(decide(dispute, "won").await, (200, "won".into(), vec![taken, (2000, 0)]));
    assert_eq!(decide(dispute, "lost").await, (200, "lost".into(), vec![taken]));
    for outcome in ["warning_closed", "prevented"] {
        assert_eq!(decide(dispute, outcome).await, (409, "needs_response".into(), vec![taken]));
    }
    for outcome in ["appeal_needs_response", "draw"] {
        assert_eq!(decide(dispute, outcome).await, (400, "needs_response".into(), vec![taken]));
    }
    let inquiry = "pm_card_createDisputeInquiry";
    let asked = "warning_needs_response".to_owned();
    assert_eq!(decide(inquiry, "won").await, (409, asked.clone(), vec![]));
    assert_eq!(decide(inquiry, "lost").await, (409, asked, vec![]));
    assert_eq!(decide(inquiry, "warning_closed").await, (200, "warning_closed".into(), vec![]));
    assert_eq!(decide(inquiry, "prevented").await, (200, "prevented".into(), vec![(-2000, 0)]));
}

#[tokio::test]
async fn a_prevented_dispute_says_what_it_took() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    let id = inquiry["id"].as_str().unwrap();
    assert!(world.stripe.decide_dispute(id, DisputeOutcome::Prevented));
    let prevented = again(&world, &inquiry).await;
    assert_eq!(prevented["payment_method_details"]["card"]["case_type"], "resolution");
    assert_eq!(prevented["is_charge_refundable"], false);
    assert_eq!(
        kinds_after(&world, PAID + 1).await,
        ["charge.dispute.funds_withdrawn", "charge.dispute.closed"]
    );
}

#[tokio::test]
async fn escalation_by_order_and_the_control_api_show_the_same() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    let path = format!("/_sim/disputes/{}/escalate", inquiry["id"].as_str().unwrap());
    assert_eq!(world.control(&path, json!({})).await.status, 200);
    assert_eq!(world.control(&path, json!({})).await.status, 409);
    let state = world.raw(http::Request::get("/_sim/state").body("".into()).unwrap()).await;
    let bytes = http_body_util::BodyExt::collect(state.into_body()).await.unwrap().to_bytes();
    let state: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(state["disputes"], json!([again(&world, &inquiry).await]));
    assert_eq!(state["early_fraud_warnings"], json!([]));
    let ledger = serde_json::to_value(world.stripe.ledger()).unwrap();
    let expected = json!([{ "id": inquiry["id"], "status": "needs_response", "amount": 2000 }]);
    assert_eq!(ledger[0]["disputes"], expected);
}

#[tokio::test]
async fn an_issuer_reports_fraud_and_nothing_is_taken() {
    let world = World::new();
    let intent = paid(&world, "pm_card_createIssuerFraudRecord").await;
    assert_eq!(kinds_after(&world, PAID).await, ["radar.early_fraud_warning.created"]);
    let list = world.get("/v1/radar/early_fraud_warnings", &[]).await.body;
    let warning = &list["data"][0];
    assert!(warning["id"].as_str().unwrap().starts_with("issfr_"));
    assert_eq!(warning["object"], "radar.early_fraud_warning");
    assert_eq!(warning["actionable"], true);
    assert_eq!(warning["payment_intent"], intent["id"]);
    assert_eq!(disputes(&world).await, Vec::<Value>::new());

    let path = format!("/v1/radar/early_fraud_warnings/{}", warning["id"].as_str().unwrap());
    assert_eq!(world.get(&path, &[]).await.body, *warning);
    let whole = world.get(&path, &[("expand[]", "charge")]).await.body;
    assert_eq!(whole["charge"]["disputed"], false);
    let of = async |name: &'static str, value: &str| {
        let page = world.get("/v1/radar/early_fraud_warnings", &[(name, value)]).await.body;
        page["data"].as_array().unwrap().len()
    };
    assert_eq!(of("charge", warning["charge"].as_str().unwrap()).await, 1);
    assert_eq!(of("payment_intent", intent["id"].as_str().unwrap()).await, 1);
    assert_eq!(of("charge", "ch_none").await, 0);
    let missing = world.get("/v1/radar/early_fraud_warnings/issfr_none", &[]).await;
    assert_eq!(missing.code(), "404 resource_missing");
}

#[tokio::test]
async fn after_a_dispute_a_fraud_warning_is_no_longer_actionable() {
    let world = World::new();
    let intent = paid(&world, "pm_card_createIssuerFraudRecord").await;
    let id = intent["id"].as_str().unwrap();
    world.stripe.dispute(id, &DisputeOrder::default()).unwrap();
    let events = events_after(&world, PAID + 1).await;
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "charge.dispute.created",
            "charge.dispute.funds_withdrawn",
            "radar.early_fraud_warning.updated"
        ]
    );
    let update = &events[2]["data"];
    assert_eq!(update["object"]["actionable"], false);
    assert_eq!(update["previous_attributes"], json!({ "actionable": true }));
}

#[tokio::test]
async fn a_reset_forgets_disputes_and_warnings_and_what_would_have_happened_to_them() {
    let world = World::new();
    disputed(&world, "pm_card_createDispute").await;
    paid(&world, "pm_card_createIssuerFraudRecord").await;
    world.stripe.reset();
    world.stripe.advance(30 * DAY);
    assert_eq!(disputes(&world).await, Vec::<Value>::new());
    let warnings = world.get("/v1/radar/early_fraud_warnings", &[]).await.body;
    assert_eq!(warnings["data"], json!([]));
    assert!(world.stripe.events().is_empty());
}

#[tokio::test]
async fn a_charged_back_payment_is_refunded_only_after_the_dispute_is_won() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    let charge = dispute["charge"].as_str().unwrap();
    let refund = async || world.post("/v1/refunds", &[("charge", charge)]).await;
    let refused = refund().await;
    assert_eq!(refused.code(), "400 charge_disputed");
    let text = format!("Charge {charge} has been charged back; cannot issue a refund.");
    assert_eq!(refused.message(), text);
    answer(&world, &dispute, "winning_evidence").await;
    assert_eq!(refund().await.code(), "400 charge_disputed");
    world.stripe.advance(DECISION);
    assert_eq!(refund().await.body["status"], "succeeded");
}

#[tokio::test]
async fn a_lost_dispute_leaves_nothing_to_refund() {
    let world = World::new();
    let dispute = disputed(&world, "pm_card_createDispute").await;
    world.post(&format!("{}/close", path(&dispute)), &[]).await;
    let refund = [("payment_intent", dispute["payment_intent"].as_str().unwrap())];
    assert_eq!(world.post("/v1/refunds", &refund).await.code(), "400 charge_disputed");
}

#[tokio::test]
async fn an_inquiry_is_closed_by_a_whole_refund_and_not_by_a_part() {
    let world = World::new();
    let inquiry = disputed(&world, "pm_card_createDisputeInquiry").await;
    let charge = inquiry["charge"].as_str().unwrap();
    let part = world.post("/v1/refunds", &[("charge", charge), ("amount", "500")]).await;
    assert_eq!(part.body["status"], "succeeded");
    assert_eq!(again(&world, &inquiry).await["status"], "warning_needs_response");
    world.post("/v1/refunds", &[("charge", charge)]).await;
    assert_eq!(again(&world, &inquiry).await["status"], "warning_closed");
    assert_eq!(
        kinds_after(&world, PAID + 3).await,
        ["refund.created", "charge.refunded", "charge.dispute.closed"]
    );
    assert!(!world.stripe.escalate_dispute(inquiry["id"].as_str().unwrap()));
}

#[tokio::test]
async fn a_refund_on_its_way_fails_when_the_payment_is_disputed() {
    let world = World::new();
    let debit = world.pay("pm_sepaDebit_success_de").await.id();
    world.stripe.advance(DECISION);
    let refund = world.post("/v1/refunds", &[("payment_intent", &debit)]).await;
    assert_eq!(refund.body["status"], "pending", "{:#}", refund.body);
    world.stripe.dispute(&debit, &DisputeOrder::default()).unwrap();
    let failed = world.get(&format!("/v1/refunds/{}", refund.id()), &[]).await.body;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["failure_reason"], "charge_for_pending_refund_disputed");
    world.stripe.advance(DAY);
    let kept = world.get(&format!("/v1/refunds/{}", refund.id()), &[]).await.body;
    assert_eq!(kept, failed);
}
