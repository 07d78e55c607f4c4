//! What the test cards do, by token and by number.

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::world::{INTENT, World};

/// 20 EUR with a card number, as a browser would send it.
async fn pay_by_number(world: &World, number: &str) -> (u16, Value) {
    let mut fields = INTENT.to_vec();
    fields.extend([
        ("confirm", "true"),
        ("payment_method_data[type]", "card"),
        ("payment_method_data[card][number]", number),
        ("payment_method_data[card][exp_month]", "12"),
        ("payment_method_data[card][exp_year]", "34"),
        ("payment_method_data[card][cvc]", "123"),
        ("payment_method_data[billing_details][address][postal_code]", "10119"),
        ("payment_method_data[billing_details][address][line1]", "Torstr. 1"),
    ]);
    let answer = world.post("/v1/payment_intents", &fields).await;
    (answer.status, answer.body)
}

/// `succeeded`, `requires_action`, or code and decline code.
fn ending(status: u16, body: &Value) -> String {
    let text = |name: &str| body["error"][name].as_str().unwrap_or("-").to_owned();
    match status {
        200 => body["status"].as_str().unwrap().to_owned(),
        _ => format!("{status} {} {}", text("code"), text("decline_code")),
    }
}

const TABLE: &[(&str, &str, &str)] = &[
    ("4242424242424242", "visa", "succeeded"),
    ("4000056655665556", "visa_debit", "succeeded"),
    ("5555555555554444", "mastercard", "succeeded"),
    ("378282246310005", "amex", "succeeded"),
    ("4000000000000002", "visa_chargeDeclined", "402 card_declined generic_decline"),
    (
        "4000000000009995",
        "visa_chargeDeclinedInsufficientFunds",
        "402 card_declined insufficient_funds",
    ),
    ("4000000000009987", "visa_chargeDeclinedLostCard", "402 card_declined lost_card"),
    ("4000000000009979", "visa_chargeDeclinedStolenCard", "402 card_declined stolen_card"),
    ("4000000000000069", "chargeDeclinedExpiredCard", "402 expired_card expired_card"),
    ("4000000000000127", "chargeDeclinedIncorrectCvc", "402 incorrect_cvc incorrect_cvc"),
    ("4000000000000119", "chargeDeclinedProcessingError", "402 processing_error processing_error"),
    (
        "4000000000006975",
        "visa_chargeDeclinedVelocityLimitExceeded",
        "402 card_declined card_velocity_exceeded",
    ),
    ("4000000000000341", "chargeCustomerFail", "402 card_declined generic_decline"),
    ("4100000000000019", "radarBlock", "402 card_declined fraudulent"),
    ("4000000000004954", "riskLevelHighest", "402 card_declined fraudulent"),
    ("4000000000009235", "riskLevelElevated", "succeeded"),
    ("4000000000000101", "cvcCheckFail", "succeeded"),
    ("4000000000000036", "avsZipFail", "succeeded"),
    ("4000002500003155", "authenticationRequiredOnSetup", "requires_action"),
    ("4000002760003184", "authenticationRequired", "requires_action"),
    ("4000003800000446", "authenticationRequiredSetupForOffSession", "requires_action"),
    (
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "requires_action",
    ),
    ("4000000000003220", "threeDSecure2Required", "requires_action"),
    ("4000008400001629", "threeDSecureRequiredChargeDeclined", "requires_action"),
    (
        "4000008400001280",
        "threeDSecureRequiredProcessingError",
        "402 card_declined generic_decline",
    ),
    ("4000000000003055", "threeDSecureOptional", "succeeded"),
    ("4000000000000077", "bypassPending", "succeeded"),
];

#[tokio::test]
async fn every_card_of_the_table_does_the_same_by_number_and_by_token() {
    for (number, token, expected) in TABLE {
        let world = World::new();
        let by_token = world.pay(&format!("pm_card_{token}")).await;
        assert_eq!(ending(by_token.status, &by_token.body), *expected, "{token}");
        let (status, body) = pay_by_number(&world, number).await;
        assert_eq!(ending(status, &body), *expected, "{number}");
    }
}

#[tokio::test]
async fn an_unknown_number_with_a_right_check_digit_succeeds() {
    let world = World::new();
    let (status, body) = pay_by_number(&world, "4012 8888 8888 1881").await;
    assert_eq!(ending(status, &body), "succeeded");
}

#[tokio::test]
async fn wrong_card_data_is_refused_and_leaves_no_intent() {
    let world = World::new();
    let (status, body) = pay_by_number(&world, "4242424242424241").await;
    assert_eq!(ending(status, &body), "402 incorrect_number -");
    assert_eq!(body["error"]["message"], "Your card number is incorrect.");
    let attempt = async |name: &'static str, value: &'static str| {
        let mut fields = INTENT.to_vec();
        let card = [
            ("payment_method_data[card][number]", "4242424242424242"),
            ("payment_method_data[card][exp_month]", "12"),
            ("payment_method_data[card][exp_year]", "2034"),
            ("payment_method_data[type]", "card"),
        ];
        fields.extend(card.into_iter().filter(|(given, _)| *given != name));
        fields.extend([("confirm", "true"), (name, value)]);
        world.post("/v1/payment_intents", &fields).await.code()
    };
    let month = "payment_method_data[card][exp_month]";
    let year = "payment_method_data[card][exp_year]";
    assert_eq!(attempt(month, "13").await, "402 invalid_expiry_month");
    assert_eq!(attempt(year, "2025").await, "402 invalid_expiry_year");
    assert_eq!(attempt("payment_method_data[card][cvc]", "12").await, "402 invalid_cvc");
    assert!(world.stripe.ledger().is_empty());
}

#[tokio::test]
async fn radar_blocks_before_the_bank_hears_of_it() {
    let world = World::new();
    let blocked = world.pay("pm_card_radarBlock").await;
    let charge = blocked.body["error"]["charge"].as_str().unwrap();
    let charge = world.get(&format!("/v1/charges/{charge}"), &[]).await.body;
    assert_eq!(charge["outcome"]["type"], "blocked");
    assert_eq!(charge["outcome"]["network_status"], "not_sent_to_network");
    assert_eq!(charge["outcome"]["risk_level"], "highest");
}

#[tokio::test]
async fn checks_are_reported_for_what_was_given() {
    let world = World::new();
    let (_, paid) = pay_by_number(&world, "4000000000000036").await;
    let charge = paid["latest_charge"].as_str().unwrap();
    let charge = world.get(&format!("/v1/charges/{charge}"), &[]).await.body;
    assert_eq!(
        charge["payment_method_details"]["card"]["checks"],
        json!({
            "address_line1_check": "pass",
            "address_postal_code_check": "fail",
            "cvc_check": "pass"
        })
    );
}

async fn challenged(world: &World, method: &str, more: &[(&str, &str)]) -> (String, Value) {
    let mut fields = INTENT.to_vec();
    fields.extend([("confirm", "true"), ("payment_method", method)]);
    fields.extend(more);
    let answer = world.post("/v1/payment_intents", &fields).await;
    assert_eq!(answer.body["status"], "requires_action", "{:#}", answer.body);
    (answer.id(), answer.body["next_action"].clone())
}

async fn answer_challenge(world: &World, page: &str, outcome: &str) -> (u16, String, String) {
    let path = page.strip_prefix("http://127.0.0.1:12111").unwrap().to_owned();
    let shown = world.raw(http::Request::get(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(shown.status(), 200);
    let request = http::Request::post(&path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!("outcome={outcome}")))
        .unwrap();
    let response = world.raw(request).await;
    let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (status, location.unwrap_or_default(), String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test]
async fn a_passed_challenge_charges_the_card_and_leads_back_to_the_shop() {
    let world = World::new();
    let back = [("return_url", "https://shop.test/back?o=1")];
    let (id, action) = challenged(&world, "pm_card_threeDSecure2Required", &back).await;
    assert_eq!(action["type"], "redirect_to_url");
    assert_eq!(action["redirect_to_url"]["return_url"], "https://shop.test/back?o=1");
    let page = action["redirect_to_url"]["url"].as_str().unwrap();
    let (status, location, _) = answer_challenge(&world, page, "complete").await;
    assert_eq!(status, 303);
    assert!(location.starts_with(&format!("https://shop.test/back?o=1&payment_intent={id}&")));
    assert!(location.ends_with("&redirect_status=succeeded"));
    let intent = world.retrieve(&id).await;
    assert_eq!(intent["status"], "succeeded");
    let charge = intent["latest_charge"].as_str().unwrap();
    let charge = world.get(&format!("/v1/charges/{charge}"), &[]).await.body;
    let card = &charge["payment_method_details"]["card"];
    assert_eq!(card["three_d_secure"]["result"], "authenticated");
    assert_eq!(
        world.kinds(),
        [
            "payment_intent.created",
            "payment_intent.requires_action",
            "charge.succeeded",
            "payment_intent.succeeded",
            "charge.updated"
        ]
    );
    let again = http::Request::post(page).body(Body::from("outcome=complete")).unwrap();
    assert_ne!(world.raw(again).await.status(), 200);
    assert_eq!(world.stripe.ledger()[0].charges_succeeded, 1);
}

#[tokio::test]
async fn a_failed_challenge_makes_no_charge_and_leaves_the_intent_open() {
    let world = World::new();
    let sdk = [("use_stripe_sdk", "true"), ("return_url", "https://shop.test/back")];
    let (id, action) = challenged(&world, "pm_card_authenticationRequired", &sdk).await;
    assert_eq!(action["type"], "use_stripe_sdk");
    let page = action["use_stripe_sdk"]["stripe_js"].as_str().unwrap();
    let (status, _, text) = answer_challenge(&world, page, "fail").await;
    assert_eq!(status, 200);
    assert!(text.contains("three_d_secure_done"));
    let intent = world.retrieve(&id).await;
    assert_eq!(intent["status"], "requires_payment_method");
    let error = &intent["last_payment_error"];
    assert_eq!(error["code"], "payment_intent_authentication_failure");
    assert_eq!(intent["latest_charge"], json!(null));
    assert_eq!(
        world.kinds(),
        [
            "payment_intent.created",
            "payment_intent.requires_action",
            "payment_intent.payment_failed"
        ]
    );
    let path = format!("/v1/payment_intents/{id}/confirm");
    let paid = world.post(&path, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(paid.body["status"], "succeeded");
}

#[tokio::test]
async fn a_card_can_be_declined_after_the_challenge() {
    let world = World::new();
    let (id, _) = challenged(&world, "pm_card_threeDSecureRequiredChargeDeclined", &[]).await;
    assert!(world.stripe.authenticate(&id, true));
    let intent = world.retrieve(&id).await;
    assert_eq!(intent["status"], "requires_payment_method");
    assert_eq!(intent["last_payment_error"]["code"], "card_declined");
    assert!(!world.stripe.authenticate(&id, true));
}

#[tokio::test]
async fn a_challenge_is_void_after_a_change_of_amount_a_new_try_or_a_cancellation() {
    let world = World::new();
    let change = async |path: &str, fields: &[(&str, &str)]| {
        let (id, action) = challenged(&world, "pm_card_authenticationRequired", &[]).await;
        world.post(&format!("/v1/payment_intents/{id}{path}"), fields).await;
        let page = action["use_stripe_sdk"]["stripe_js"].as_str().unwrap().to_owned();
        world.raw(http::Request::get(page).body(Body::empty()).unwrap()).await.status().as_u16()
    };
    assert_eq!(change("", &[("amount", "2500")]).await, 404);
    assert_eq!(change("", &[("currency", "usd")]).await, 404);
    assert_eq!(change("/cancel", &[]).await, 404);
    assert_eq!(change("/confirm", &[("payment_method", "pm_card_visa")]).await, 404);
    assert_eq!(change("/confirm", &[]).await, 404);
    assert_eq!(change("", &[("metadata[a]", "b")]).await, 200);
}

#[tokio::test]
async fn every_try_asks_the_holder_anew() {
    let world = World::new();
    let customer = world.customer().await;
    let card = "pm_card_threeDSecureRequiredChargeDeclined";
    let method = world.saved(&customer, card).await;
    let more = [("customer", customer.as_str()), ("payment_method", method.as_str())];
    let id = world.pay_with(&more).await.id();
    assert!(world.stripe.authenticate(&id, true));
    let confirm = format!("/v1/payment_intents/{id}/confirm");
    let again = world.post(&confirm, &[("payment_method", &method)]).await;
    assert_eq!(again.body["status"], "requires_action");
}

#[tokio::test]
async fn a_method_that_has_paid_elsewhere_during_its_challenge_pays_no_more() {
    let world = World::new();
    let (first, _) = challenged(&world, "pm_card_authenticationRequired", &[]).await;
    let method = world.retrieve(&first).await["payment_method"].as_str().unwrap().to_owned();
    let second = world.pay(&method).await.id();
    assert!(world.stripe.authenticate(&first, true));
    assert_eq!(world.retrieve(&first).await["status"], "succeeded");
    assert!(world.stripe.authenticate(&second, true));
    let unpaid = world.retrieve(&second).await;
    assert_eq!(unpaid["status"], "requires_payment_method");
    assert_eq!(unpaid["last_payment_error"]["code"], "payment_method_unexpected_state");
    assert_eq!(world.kinds().last(), Some(&"payment_intent.payment_failed"));
}

#[tokio::test]
async fn off_session_there_is_nobody_to_ask() {
    let world = World::new();
    let pay = async |method: &'static str, more: &'static str| {
        let mut fields = INTENT.to_vec();
        fields.extend([("confirm", "true"), ("payment_method", method), (more, "true")]);
        let answer = world.post("/v1/payment_intents", &fields).await;
        ending(answer.status, &answer.body)
    };
    let required = "402 authentication_required authentication_required";
    assert_eq!(pay("pm_card_authenticationRequired", "off_session").await, required);
    let set_up = "pm_card_authenticationRequiredSetupForOffSession";
    assert_eq!(pay(set_up, "off_session").await, "succeeded");
    let not_handled = "402 authentication_required authentication_not_handled";
    assert_eq!(pay("pm_card_threeDSecure2Required", "error_on_requires_action").await, not_handled);
}

#[tokio::test]
async fn a_card_that_asks_only_if_requested_asks_when_requested() {
    let world = World::new();
    let request = [("payment_method_options[card][request_three_d_secure]", "any")];
    challenged(&world, "pm_card_threeDSecureOptional", &request).await;
}

#[tokio::test]
async fn with_manual_confirmation_the_server_confirms_again_after_the_challenge() {
    let world = World::new();
    let manual = [("confirmation_method", "manual")];
    let (id, _) = challenged(&world, "pm_card_threeDSecure2Required", &manual).await;
    assert!(world.stripe.authenticate(&id, true));
    assert_eq!(world.retrieve(&id).await["status"], "requires_confirmation");
    let paid = world.post(&format!("/v1/payment_intents/{id}/confirm"), &[]).await;
    assert_eq!(paid.body["status"], "succeeded");
}
