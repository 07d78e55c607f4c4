//! Refunds: what they do to a charge, and how they end.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::stripe::{RefundCourse, RefundFailure, RefundOrder, RefundOutcome};

use crate::schema;
use crate::world::{Answer, INTENT, World};

const DELAY: Duration = Duration::from_secs(5);

/// 20 EUR paid: the ids of the intent and of its charge.
async fn paid(world: &World, method: &str) -> (String, String) {
    let paid = world.pay(method).await;
    assert_eq!(paid.status, 200, "{:#}", paid.body);
    (paid.id(), paid.body["latest_charge"].as_str().unwrap().to_owned())
}

async fn debited(world: &World) -> (String, String) {
    let ids = paid(world, "pm_sepaDebit_success_de").await;
    world.stripe.advance(DELAY);
    ids
}

async fn refund(world: &World, fields: &[(&str, &str)]) -> Answer {
    world.post("/v1/refunds", fields).await
}

async fn charge(world: &World, id: &str) -> Value {
    world.get(&format!("/v1/charges/{id}"), &[]).await.body
}

/// Amount refunded, and whether that is all.
async fn given_back(world: &World, charge_id: &str) -> (i64, bool) {
    let charge = charge(world, charge_id).await;
    (charge["amount_refunded"].as_i64().unwrap(), charge["refunded"].as_bool().unwrap())
}

async fn events(world: &World, kind: &str) -> Vec<Value> {
    let page = world.get("/v1/events", &[("type", kind)]).await.body;
    page["data"].as_array().unwrap().clone()
}

async fn kinds_after(world: &World, count: usize) -> Vec<&'static str> {
    world.kinds().split_off(count)
}

#[tokio::test]
async fn a_refund_gives_back_all_that_is_left_and_the_intent_does_not_change() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_visa").await;
    let before = world.retrieve(&intent).await;
    let count = world.kinds().len();
    let made = refund(
        &world,
        &[("payment_intent", &intent), ("reason", "duplicate"), ("metadata[n]", "1")],
    )
    .await;
    assert_eq!(made.status, 200, "{:#}", made.body);
    let made = made.body;
    assert!(made["id"].as_str().unwrap().starts_with("re_"));
    assert_eq!((&made["amount"], &made["currency"]), (&json!(2000), &json!("eur")));
    assert_eq!((&made["status"], &made["reason"]), (&json!("succeeded"), &json!("duplicate")));
    assert_eq!((&made["charge"], &made["payment_intent"]), (&json!(charge_id), &json!(intent)));
    assert_eq!(made["payment_method"], before["payment_method"]);
    // The intent's metadata is not copied.
    assert_eq!(made["metadata"], json!({ "n": "1" }));
    assert_eq!(made["destination_details"]["card"]["reference_status"], "pending");
    for absent in ["failure_reason", "pending_reason", "next_action"] {
        assert_eq!(made.get(absent), None, "{absent}");
    }
    assert_eq!(given_back(&world, &charge_id).await, (2000, true));
    assert_eq!(world.retrieve(&intent).await, before);
    assert_eq!(kinds_after(&world, count).await, ["refund.created", "charge.refunded"]);
    let refunded = &events(&world, "charge.refunded").await[0]["data"];
    assert_eq!(refunded["object"]["amount_refunded"], 2000);
    let previous = json!({ "amount_refunded": 0, "refunded": false });
    assert_eq!(refunded["previous_attributes"], previous);
}

#[tokio::test]
async fn parts_can_be_refunded_until_all_is_given_back_and_no_more() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_visa").await;
    let first = refund(&world, &[("charge", &charge_id), ("amount", "1300")]).await;
    assert_eq!(first.body["payment_intent"], json!(intent));
    assert_eq!(given_back(&world, &charge_id).await, (1300, false));
    let previous = &events(&world, "charge.refunded").await[0]["data"]["previous_attributes"];
    assert_eq!(*previous, json!({ "amount_refunded": 0 }));

    let too_much = refund(&world, &[("charge", &charge_id), ("amount", "1000")]).await;
    assert_eq!(too_much.code(), "400 -");
    assert_eq!(too_much.body["error"]["param"], "amount");
    let text = "Refund amount (€10.00) is greater than unrefunded amount on charge (€7.00)";
    assert_eq!(too_much.message(), text);

    assert_eq!(refund(&world, &[("charge", &charge_id)]).await.body["amount"], 700);
    assert_eq!(given_back(&world, &charge_id).await, (2000, true));
    let again = refund(&world, &[("payment_intent", &intent), ("amount", "1")]).await;
    assert_eq!(again.code(), "400 charge_already_refunded");
    assert_eq!(again.message(), format!("Charge {charge_id} has already been refunded."));
    assert_eq!(world.stripe.ledger()[0].refunds.len(), 2);
}

#[tokio::test]
async fn of_a_payment_captured_in_part_only_that_part_is_refunded() {
    let world = World::new();
    let mut fields = INTENT.to_vec();
    fields.extend([
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
    ]);
    let intent = world.post("/v1/payment_intents", &fields).await;
    let id = intent.id();
    let waiting = refund(&world, &[("payment_intent", &id)]).await;
    assert_eq!(waiting.code(), "400 -");
    assert!(waiting.message().starts_with("This uncaptured Charge was created by a PaymentIntent"));
    let capture = format!("/v1/payment_intents/{id}/capture");
    world.post(&capture, &[("amount_to_capture", "1500")]).await;
    let all = refund(&world, &[("payment_intent", &id)]).await;
    assert_eq!(all.body["amount"], 1500);
    assert_eq!(
        given_back(&world, intent.body["latest_charge"].as_str().unwrap()).await,
        (1500, true)
    );
    assert_eq!(
        refund(&world, &[("payment_intent", &id)]).await.code(),
        "400 charge_already_refunded"
    );
}

#[tokio::test]
async fn what_nobody_has_paid_cannot_be_refunded() {
    let world = World::new();
    let refused = async |intent: &str| {
        let answer = refund(&world, &[("payment_intent", intent)]).await;
        assert_eq!(answer.code(), "400 -");
        assert_eq!(
            answer.message(),
            format!("This PaymentIntent ({intent}) does not have a successful charge to refund.")
        );
    };
    refused(world.intent().await["id"].as_str().unwrap()).await;
    refused(&paid(&world, "pm_sepaDebit_success_de").await.0).await;
    let declined = world.pay("pm_card_chargeDeclined").await;
    let error = &declined.body["error"];
    refused(error["payment_intent"]["id"].as_str().unwrap()).await;
    let by_charge = refund(&world, &[("charge", error["charge"].as_str().unwrap())]).await;
    assert!(by_charge.message().ends_with("does not have a successful charge to refund."));

    let mut fields = INTENT.to_vec();
    fields.extend([
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
    ]);
    let let_go = world.post("/v1/payment_intents", &fields).await.id();
    world.post(&format!("/v1/payment_intents/{let_go}/cancel"), &[]).await;
    refused(&let_go).await;
    assert!(world.stripe.ledger().iter().all(|entry| entry.refunds.is_empty()));
}

#[tokio::test]
async fn a_refund_names_a_charge_or_an_intent_that_exist_and_belong_together() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_visa").await;
    let (other, _) = paid(&world, "pm_card_visa").await;
    let neither = refund(&world, &[("amount", "100")]).await;
    assert_eq!(neither.code(), "400 -");
    assert_eq!(
        neither.message(),
        "One of the following params should be provided for this request: payment_intent or charge."
    );
    let unknown = refund(&world, &[("charge", "ch_none")]).await;
    assert_eq!(
        (unknown.code(), unknown.message()),
        ("404 resource_missing".into(), "No such charge: 'ch_none'")
    );
    assert_eq!(unknown.body["error"]["param"], "id");
    let unknown = refund(&world, &[("payment_intent", "pi_none")]).await;
    assert_eq!(unknown.code(), "404 resource_missing");
    assert_eq!(unknown.message(), "No such payment_intent: 'pi_none'");
    let apart = refund(&world, &[("payment_intent", &other), ("charge", &charge_id)]).await;
    assert_eq!((apart.code(), &apart.body["error"]["param"]), ("400 -".into(), &json!("charge")));
    assert_eq!(given_back(&world, &charge_id).await, (0, false));
    let together = refund(&world, &[("payment_intent", &intent), ("charge", &charge_id)]).await;
    assert_eq!(together.status, 200);
}

#[tokio::test]
async fn amounts_and_reasons_of_refunds_are_checked() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_visa").await;
    let with = async |name: &str, value: &str| {
        let answer = refund(&world, &[("payment_intent", &intent), (name, value)]).await;
        assert_eq!(answer.body["error"]["param"], name);
        (answer.code(), answer.message().to_owned())
    };
    let least = "This value must be greater than or equal to 1.".to_owned();
    let wrong = "400 parameter_invalid_integer".to_owned();
    assert_eq!(with("amount", "0").await, (wrong.clone(), least.clone()));
    assert_eq!(with("amount", "-5").await, (wrong.clone(), least));
    assert_eq!(with("amount", "ten").await.0, wrong);
    assert_eq!(with("amount", "").await.0, "400 parameter_invalid_empty");
    let text = "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer";
    let reason = with("reason", "expired_uncaptured_charge").await;
    assert_eq!(reason, ("400 -".into(), text.into()));
    for name in ["currency", "customer", "instructions_email", "origin", "reverse_transfer"] {
        let text = format!("This simulator does not simulate the parameter {name}.");
        assert_eq!(with(name, "x").await, ("400 -".into(), text));
    }
    assert_eq!(with("reasn", "duplicate").await.0, "400 parameter_unknown");
    let long = "x".repeat(501);
    assert_eq!(with("metadata[note]", &long).await.0, "400 -");
    assert_eq!(given_back(&world, &charge_id).await, (0, false));
}

#[tokio::test]
async fn every_refund_parameter_of_stripes_own_types_is_known_by_name() {
    let world = World::new();
    let (intent, _) = paid(&world, "pm_card_visa").await;
    let made = refund(&world, &[("payment_intent", &intent)]).await;
    let one = format!("/v1/refunds/{}", made.id());
    let routes = [
        ("refund_create", "POST", "/v1/refunds".to_owned()),
        ("refund_retrieve", "GET", one.clone()),
        ("refund_update", "POST", one.clone()),
        ("refund_cancel", "POST", format!("{one}/cancel")),
        ("test_helpers.refund_expire", "POST", format!("/v1/test_helpers{}/expire", &one[3..])),
        ("refund_list", "GET", "/v1/refunds".to_owned()),
        ("balance_transaction_retrieve", "GET", "/v1/balance_transactions/txn_none".to_owned()),
        ("balance_transaction_list", "GET", "/v1/balance_transactions".to_owned()),
    ];
    for (name, method, path) in routes {
        let Some(params) = schema::params(&format!("{name}_params")) else { return };
        assert!(!params.is_empty(), "{name}");
        for param in params {
            let code = world.send(method, &path, &[(param.as_str(), "?")], &[]).await.code();
            assert_ne!(code, "400 parameter_unknown", "{name} does not know {param}");
        }
    }
}

#[tokio::test]
async fn a_pending_refund_of_a_card_succeeds_later() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_pendingRefund").await;
    let count = world.kinds().len();
    let made = refund(&world, &[("payment_intent", &intent)]).await;
    assert_eq!(made.body["status"], "pending");
    assert_eq!(made.body["pending_reason"], "processing");
    assert!(made.body["balance_transaction"].is_string());
    assert_eq!(given_back(&world, &charge_id).await, (2000, true));
    assert_eq!(
        refund(&world, &[("charge", &charge_id)]).await.code(),
        "400 charge_already_refunded"
    );

    world.stripe.advance(DELAY);
    let path = format!("/v1/refunds/{}", made.id());
    let after = world.get(&path, &[]).await.body;
    assert_eq!((&after["status"], after.get("pending_reason")), (&json!("succeeded"), None));
    assert_eq!(after["balance_transaction"], made.body["balance_transaction"]);
    assert_eq!(
        kinds_after(&world, count).await,
        ["refund.created", "charge.refunded", "refund.updated", "charge.refund.updated"]
    );
    let updated = &events(&world, "refund.updated").await[0];
    let previous = json!({ "pending_reason": "processing", "status": "pending" });
    assert_eq!(updated["data"]["previous_attributes"], previous);
    assert_eq!(updated["request"], json!({ "id": null, "idempotency_key": null }));
    assert_eq!(updated["created"], json!(after["created"].as_i64().unwrap() + 5));
}

#[tokio::test]
async fn a_refund_that_fails_later_gives_the_money_back_to_the_balance() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_refundFail").await;
    refund(&world, &[("payment_intent", &intent), ("amount", "500")]).await;
    let made = refund(&world, &[("payment_intent", &intent)]).await;
    assert_eq!(made.body["status"], "succeeded");
    assert_eq!(given_back(&world, &charge_id).await, (2000, true));
    let count = world.kinds().len();

    world.stripe.settle_refund(&made.id(), RefundOutcome::Failed(RefundFailure::Declined));
    assert_eq!(given_back(&world, &charge_id).await, (500, false));
    world.stripe.advance(DELAY);
    assert_eq!(given_back(&world, &charge_id).await, (0, false));
    let failed = ["refund.updated", "charge.refund.updated", "refund.failed"];
    // What a test has settled by hand does not end a second time when its delay is over.
    assert_eq!(kinds_after(&world, count).await, [failed, failed].concat());

    let rows = world.get("/v1/refunds", &[("payment_intent", &intent)]).await.body;
    let reasons = [&rows["data"][0]["failure_reason"], &rows["data"][1]["failure_reason"]];
    assert_eq!(reasons, ["declined", "expired_or_canceled_card"]);
    let line = rows["data"][1]["failure_balance_transaction"].as_str().unwrap();
    let line = world.get(&format!("/v1/balance_transactions/{line}"), &[]).await.body;
    assert_eq!((&line["amount"], &line["type"]), (&json!(500), &json!("refund_failure")));
    let event = &events(&world, "refund.failed").await[0]["data"];
    let previous = json!({
        "failure_balance_transaction": null,
        "failure_reason": null,
        "status": "succeeded",
    });
    assert_eq!(event["previous_attributes"], previous);
    assert_eq!(event["object"]["status"], "failed");
    // The money is there to be refunded again.
    assert_eq!(refund(&world, &[("payment_intent", &intent)]).await.body["amount"], 2000);
}

#[tokio::test]
async fn money_goes_back_to_a_bank_account_with_time() {
    let world = World::new();
    let (intent, charge_id) = debited(&world).await;
    let made = refund(&world, &[("payment_intent", &intent), ("amount", "800")]).await;
    assert!(made.id().starts_with("pyr_"), "{}", made.id());
    assert_eq!(made.body["status"], "pending");
    assert_eq!(made.body.get("destination_details"), None);
    world.stripe.advance(DELAY);
    let after = world.get(&format!("/v1/refunds/{}", made.id()), &[]).await.body;
    assert_eq!(after["status"], "succeeded");
    assert_eq!(given_back(&world, &charge_id).await, (800, false));
}

#[tokio::test]
async fn nothing_but_the_metadata_of_a_refund_can_change() {
    let world = World::new();
    let (intent, _) = paid(&world, "pm_card_visa").await;
    let made = refund(&world, &[("payment_intent", &intent), ("metadata[a]", "1")]).await;
    let path = format!("/v1/refunds/{}", made.id());
    let count = world.kinds().len();
    let changed = world.post(&path, &[("metadata[b]", "2")]).await;
    assert_eq!(changed.body["metadata"], json!({ "a": "1", "b": "2" }));
    assert_eq!(world.post(&path, &[("metadata[b]", "2")]).await.status, 200);
    assert_eq!(kinds_after(&world, count).await, ["refund.updated", "charge.refund.updated"]);
    let previous = &events(&world, "refund.updated").await[0]["data"]["previous_attributes"];
    assert_eq!(*previous, json!({ "metadata": { "b": null } }));
    assert_eq!(world.post(&path, &[("metadata", "")]).await.body["metadata"], json!({}));
    assert_eq!(world.post(&path, &[("amount", "1")]).await.code(), "400 parameter_unknown");
    let missing = world.post("/v1/refunds/re_none", &[("metadata[b]", "2")]).await;
    assert_eq!(missing.code(), "404 resource_missing");
    assert_eq!(missing.message(), "No such refund: 're_none'");
    assert_eq!(world.get("/v1/refunds/re_none", &[]).await.body["error"]["param"], "refund");
}

#[tokio::test]
async fn only_a_refund_that_waits_for_its_customer_can_be_canceled() {
    let world = World::new();
    let cancel = async |id: &str| world.post(&format!("/v1/refunds/{id}/cancel"), &[]).await;
    let (card, _) = paid(&world, "pm_card_pendingRefund").await;
    let (bank, charge_id) = debited(&world).await;
    world.stripe.order_refund_course(RefundCourse::RequiresAction);
    let pending = refund(&world, &[("payment_intent", &card)]).await;
    assert_eq!(pending.body["status"], "pending", "no card asks its holder");
    let refused = cancel(&pending.id()).await;
    assert_eq!(
        (refused.code(), refused.message()),
        ("400 -".into(), "Canceling this refund is unsupported.")
    );

    let waiting = refund(&world, &[("payment_intent", &bank)]).await;
    assert_eq!(waiting.body["status"], "requires_action");
    assert_eq!(waiting.body["next_action"]["type"], "display_details");
    assert_eq!(waiting.body["balance_transaction"], Value::Null);
    assert_eq!(given_back(&world, &charge_id).await, (2000, true));
    let count = world.kinds().len();
    let canceled = cancel(&waiting.id()).await;
    assert_eq!(canceled.body["status"], "canceled");
    assert_eq!(canceled.body.get("failure_balance_transaction"), None);
    assert_eq!(given_back(&world, &charge_id).await, (0, false));
    assert_eq!(kinds_after(&world, count).await, ["refund.updated", "charge.refund.updated"]);
    assert_eq!(cancel(&waiting.id()).await.status, 400);
    assert_eq!(cancel("re_none").await.code(), "404 resource_missing");
}

#[tokio::test]
async fn a_refund_whose_customer_does_not_answer_can_be_expired() {
    let world = World::new();
    let (intent, charge_id) = debited(&world).await;
    world.stripe.order_refund_course(RefundCourse::RequiresAction);
    let id = refund(&world, &[("payment_intent", &intent)]).await.id();
    let path = format!("/v1/test_helpers/refunds/{id}/expire");
    let expired = world.post(&path, &[]).await;
    assert_eq!(expired.body["status"], "failed");
    assert_eq!(world.kinds().last(), Some(&"refund.failed"));
    assert_eq!(given_back(&world, &charge_id).await, (0, false));
    assert_eq!(world.post(&path, &[]).await.code(), "400 -");
}

#[tokio::test]
async fn the_same_key_refunds_once() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_visa").await;
    let fields = [("payment_intent", intent.as_str()), ("amount", "500")];
    let key = [("idempotency-key", "ord_1:refund:1")];
    let first = world.send("POST", "/v1/refunds", &fields, &key).await;
    let again = world.send("POST", "/v1/refunds", &fields, &key).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
    assert_eq!(given_back(&world, &charge_id).await, (500, false));
    let other = [("payment_intent", intent.as_str()), ("amount", "600")];
    assert_eq!(world.send("POST", "/v1/refunds", &other, &key).await.status, 400);
    let request = &events(&world, "refund.created").await[0]["request"];
    assert_eq!(request["idempotency_key"], "ord_1:refund:1");
}

#[tokio::test]
async fn refunds_are_listed_by_charge_intent_and_time() {
    let world = World::new();
    let (one, one_charge) = paid(&world, "pm_card_visa").await;
    let (two, _) = paid(&world, "pm_card_visa").await;
    let first = refund(&world, &[("payment_intent", &one), ("amount", "100")]).await.id();
    world.stripe.advance(Duration::from_secs(60));
    let later = world.stripe.now().as_second().to_string();
    let second = refund(&world, &[("payment_intent", &one), ("amount", "100")]).await.id();
    let other = refund(&world, &[("payment_intent", &two)]).await.id();
    let list = async |path: &str, fields: &[(&str, &str)]| {
        let page = world.get(path, fields).await.body;
        assert_eq!(page["url"], path);
        let rows = page["data"].as_array().unwrap().iter();
        let ids: Vec<String> = rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["has_more"].as_bool().unwrap())
    };
    let all = list("/v1/refunds", &[]).await;
    assert_eq!(all, (vec![other.clone(), second.clone(), first.clone()], false));
    let of_one = (vec![second.clone(), first.clone()], false);
    assert_eq!(list("/v1/refunds", &[("payment_intent", &one)]).await, of_one);
    assert_eq!(list("/v1/refunds", &[("charge", &one_charge)]).await, of_one);
    assert_eq!(list(&format!("/v1/charges/{one_charge}/refunds"), &[]).await, of_one);
    let page = [("charge", one_charge.as_str()), ("limit", "1")];
    assert_eq!(list("/v1/refunds", &page).await, (vec![second.clone()], true));
    let next = [("charge", one_charge.as_str()), ("limit", "1"), ("starting_after", &second)];
    assert_eq!(list("/v1/refunds", &next).await, (vec![first], false));
    let recent = [("created[gte]", later.as_str())];
    assert_eq!(list("/v1/refunds", &recent).await, (vec![other, second], false));
    let missing = world.get("/v1/charges/ch_none/refunds", &[]).await;
    assert_eq!(missing.code(), "404 resource_missing");
}

#[tokio::test]
async fn the_refunds_of_a_charge_are_seen_by_whoever_expands_them() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_visa").await;
    let mut newest = String::new();
    for _ in 0..11 {
        newest = refund(&world, &[("charge", &charge_id), ("amount", "100")]).await.id();
    }
    assert_eq!(charge(&world, &charge_id).await.get("refunds"), None);
    let path = format!("/v1/charges/{charge_id}");
    let whole = world.get(&path, &[("expand[]", "refunds"), ("expand[]", "refunds.data.charge")]);
    let refunds = &whole.await.body["refunds"];
    assert_eq!(refunds["data"].as_array().unwrap().len(), 10);
    assert_eq!((&refunds["has_more"], &refunds["data"][0]["id"]), (&json!(true), &json!(newest)));
    assert_eq!(refunds["url"], format!("{path}/refunds"));
    assert_eq!(refunds["data"][0]["charge"]["id"], json!(charge_id));

    let path = format!("/v1/payment_intents/{intent}");
    let nested = world.get(&path, &[("expand[]", "latest_charge.refunds")]).await.body;
    assert_eq!(nested["latest_charge"]["refunds"]["data"][0]["id"], json!(newest));
    let listed = world.get("/v1/charges", &[("expand[]", "data.refunds")]).await.body;
    assert_eq!(listed["data"][0]["refunds"]["data"][0]["id"], json!(newest));

    let own = ["charge", "payment_intent", "payment_method", "balance_transaction"];
    let expand: Vec<_> = own.iter().map(|name| ("expand[]", *name)).collect();
    let refund = world.get(&format!("/v1/refunds/{newest}"), &expand).await.body;
    for name in own {
        assert_eq!(refund[name]["object"], *name);
    }
    let wrong = world.get(&path, &[("expand[]", "refunds")]).await;
    assert_eq!(wrong.body["error"]["param"], "expand");
}

#[tokio::test]
async fn a_refund_made_in_the_dashboard_names_no_request() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_visa").await;
    let path = format!("/_sim/payment_intents/{intent}/refund");
    let order = json!({ "amount": 700, "reason": "fraudulent", "metadata": { "by": "jo" } });
    let made = world.control(&path, order).await;
    assert_eq!(made.status, 200, "{:#}", made.body);
    schema::check(&made.body);
    assert_eq!((&made.body["amount"], &made.body["reason"]), (&json!(700), &json!("fraudulent")));
    let created = &events(&world, "refund.created").await[0];
    assert_eq!(created["request"], json!({ "id": null, "idempotency_key": null }));
    let rest = world.stripe.refund(&intent, RefundOrder::default()).unwrap();
    assert_eq!(given_back(&world, &charge_id).await, (2000, true));
    let refused = world.stripe.refund(&intent, RefundOrder::default()).unwrap_err();
    assert_eq!(refused, format!("Charge {charge_id} has already been refunded."));

    let entry = &world.stripe.ledger()[0];
    assert_eq!((entry.amount_captured, entry.amount_refunded), (2000, 2000));
    let ids: Vec<_> = entry.refunds.iter().map(|refund| refund.id.as_str()).collect();
    assert_eq!(ids, [made.id().as_str(), rest.as_str()]);
    assert_eq!((entry.refunds[0].amount, entry.refunds[0].status), (700, "succeeded"));
    assert_eq!(entry.refunds[0].metadata["by"], "jo");
    assert!(entry.refunds.iter().all(|refund| !refund.created_by_api));

    assert_eq!(world.control(&path, json!({})).await.status, 400);
    let none = "/_sim/payment_intents/pi_none/refund";
    assert_eq!(world.control(none, json!({})).await.status, 404);
}

#[tokio::test]
async fn a_test_ends_refunds_as_it_likes_but_no_refund_twice() {
    let world = World::new();
    let (intent, charge_id) = paid(&world, "pm_card_pendingRefund").await;
    let made = async |amount: &str| {
        refund(&world, &[("payment_intent", &intent), ("amount", amount)]).await.id()
    };
    let settle = async |id: &str, order: Value| {
        world.control(&format!("/_sim/refunds/{id}/settle"), order).await.status
    };
    let (good, bad, stopped) = (made("100").await, made("200").await, made("300").await);
    assert_eq!(settle(&good, json!({ "outcome": "succeeded" })).await, 200);
    assert_eq!(settle(&good, json!({ "outcome": "succeeded" })).await, 409);
    let lost = json!({ "outcome": "failed", "failure_reason": "lost_or_stolen_card" });
    assert_eq!(settle(&bad, lost.clone()).await, 200);
    assert_eq!(settle(&bad, lost).await, 409);
    assert_eq!(settle(&bad, json!({ "outcome": "succeeded" })).await, 409);
    assert_eq!(settle(&stopped, json!({ "outcome": "canceled" })).await, 200);
    assert_eq!(settle("re_none", json!({ "outcome": "canceled" })).await, 409);
    let both = json!({ "outcome": "succeeded", "failure_reason": "declined" });
    assert_eq!(settle(&good, both).await, 400);
    let count = world.kinds().len();
    world.stripe.advance(DELAY);
    let get = async |id: &str| world.get(&format!("/v1/refunds/{id}"), &[]).await.body;
    assert_eq!(get(&good).await["status"], "succeeded");
    assert_eq!(get(&bad).await["failure_reason"], "lost_or_stolen_card");
    assert_eq!(get(&stopped).await["status"], "canceled");
    assert!(get(&stopped).await["failure_balance_transaction"].is_string());
    assert_eq!(world.kinds().len(), count);
    assert_eq!(given_back(&world, &charge_id).await, (100, false));
    let entry = &world.stripe.ledger()[0];
    assert_eq!(entry.amount_refunded, 100);
    let statuses: Vec<_> = entry.refunds.iter().map(|refund| refund.status).collect();
    assert_eq!(statuses, ["succeeded", "failed", "canceled"]);
}

#[tokio::test]
async fn a_test_orders_what_the_next_refund_does() {
    let world = World::new();
    let (intent, _) = paid(&world, "pm_card_visa").await;
    let next = async |outcome: &str| {
        let answer = world.control("/_sim/refunds/next", json!({ "outcome": outcome })).await;
        assert_eq!(answer.status, 200, "{outcome}");
    };
    let made = async |amount: &str| {
        refund(&world, &[("payment_intent", &intent), ("amount", amount)]).await
    };
    let get = async |id: &str| world.get(&format!("/v1/refunds/{id}"), &[]).await.body;
    next("insufficient_funds").await;
    next("fails_later").await;
    next("pending").await;
    // A refused refund uses no order up.
    assert_eq!(made("5000").await.status, 400);
    let poor = made("100").await;
    assert_eq!(poor.body["pending_reason"], "insufficient_funds");
    assert_eq!(poor.body["balance_transaction"], Value::Null);
    let failing = made("200").await;
    assert_eq!(failing.body["status"], "succeeded");
    assert_eq!(made("300").await.body["pending_reason"], "processing");
    assert_eq!(made("400").await.body["status"], "succeeded");
    world.stripe.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(get(&failing.id()).await["status"], "failed");
    assert_eq!(get(&poor.id()).await["status"], "pending");
    assert!(world.stripe.settle_refund(&poor.id(), RefundOutcome::Succeeded));
    let settled = get(&poor.id()).await;
    assert_eq!(settled["status"], "succeeded");
    assert!(settled["balance_transaction"].is_string());
    let refused = world.control("/_sim/refunds/next", json!({ "outcome": "never" })).await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn a_reset_forgets_refunds_and_what_was_ordered_for_them() {
    let world = World::new();
    let (intent, _) = paid(&world, "pm_card_pendingRefund").await;
    refund(&world, &[("payment_intent", &intent)]).await;
    world.stripe.order_refund_course(RefundCourse::Pending);
    world.stripe.reset();
    world.stripe.advance(DELAY);
    assert!(world.kinds().is_empty());
    let (intent, _) = paid(&world, "pm_card_visa").await;
    let made = refund(&world, &[("payment_intent", &intent)]).await;
    assert_eq!(made.body["status"], "succeeded");
    assert_eq!(world.get("/v1/refunds", &[]).await.body["data"].as_array().unwrap().len(), 1);
}
