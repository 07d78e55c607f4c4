//! Confirmation tokens: what a page collects and a server confirms with, once.

use std::time::Duration;

use serde_json::json;

use crate::world::{Answer, World};

const PATH: &str = "/v1/test_helpers/confirmation_tokens";

const CARD: [(&str, &str); 6] = [
    ("payment_method_data[type]", "card"),
    ("payment_method_data[card][number]", "4242424242424242"),
    ("payment_method_data[card][exp_month]", "12"),
    ("payment_method_data[card][exp_year]", "34"),
    ("payment_method_data[card][cvc]", "123"),
    ("payment_method_data[billing_details][address][country]", "DE"),
];

impl World {
    async fn token(&self, fields: &[(&str, &str)]) -> String {
        let made = self.post(PATH, fields).await;
        assert_eq!(made.status, 200, "{:#}", made.body);
        made.id()
    }

    async fn shown(&self, token: &str) -> serde_json::Value {
        self.get(&format!("/v1/confirmation_tokens/{token}"), &[]).await.body
    }

    async fn confirm_with(&self, id: &str, fields: &[(&str, &str)]) -> Answer {
        self.post(&format!("/v1/payment_intents/{id}/confirm"), fields).await
    }
}

#[tokio::test]
async fn a_page_makes_a_token_and_the_server_looks_at_it_before_charging() {
    let world = World::new();
    let mut fields = CARD.to_vec();
    fields.extend([
        ("return_url", "https://shop.test/back"),
        ("shipping[name]", "Jenny Rosen"),
        ("shipping[address][line1]", "Torstr. 1"),
        ("metadata[cart]", "c1"),
        ("mandate_data[customer_acceptance][type]", "online"),
        ("mandate_data[customer_acceptance][online][infer_from_client]", "true"),
        ("payment_user_agent", "stripe.js/x"),
    ]);
    let made = world.browser("POST", "/v1/confirmation_tokens", &fields).await;
    assert_eq!(made.status, 200, "{:#}", made.body);
    let mut names: Vec<&str> = made.body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = "created expires_at id livemode object payment_intent payment_method_preview \
                    return_url setup_future_usage setup_intent shipping use_stripe_sdk";
    assert_eq!(names.join(" "), expected);
    let text = made.body.to_string();
    assert!(!text.contains("fingerprint") && !text.contains("c1"), "{text}");
    assert_eq!(made.header("access-control-allow-origin"), Some("*"));

    let seen = world.shown(&made.id()).await;
    assert_eq!(seen["payment_method_preview"]["card"]["last4"], "4242");
    assert_eq!(seen["payment_method_preview"]["billing_details"]["address"]["country"], "DE");
    assert_eq!(seen["metadata"], json!({ "cart": "c1" }));
    assert_eq!(seen["use_stripe_sdk"], true);
    assert_eq!(seen["shipping"]["name"], "Jenny Rosen");
    let lifetime = seen["expires_at"].as_i64().unwrap() - seen["created"].as_i64().unwrap();
    assert_eq!(lifetime, 43200);
    let again = world.browser("GET", &format!("/v1/confirmation_tokens/{}", made.id()), &[]).await;
    assert_eq!(again.body, made.body);

    let intent = world.intent().await;
    let paid = world
        .confirm_with(intent["id"].as_str().unwrap(), &[("confirmation_token", &made.id())])
        .await;
    assert_eq!(paid.body["status"], "succeeded", "{:#}", paid.body);
    assert_eq!(paid.body["shipping"]["name"], "Jenny Rosen");
    assert_eq!(paid.body["metadata"], json!({ "order_id": "ord_1" }));
    let used = world.shown(&made.id()).await;
    assert_eq!(used["payment_intent"], paid.body["id"]);
    assert_eq!(used["expires_at"], json!(null));
}

#[tokio::test]
async fn a_payment_can_be_made_from_a_token_in_one_request() {
    let world = World::new();
    let fields = [
        ("payment_method", "pm_card_visa"),
        ("return_url", "https://shop.test/back"),
        ("setup_future_usage", "off_session"),
    ];
    let token = world.token(&fields).await;
    // With redirects allowed a return URL is needed: the token has it.
    let fields = [
        ("amount", "2000"),
        ("currency", "eur"),
        ("confirm", "true"),
        ("confirmation_token", &*token),
    ];
    let paid = world.post("/v1/payment_intents", &fields).await;
    assert_eq!(paid.body["status"], "succeeded", "{:#}", paid.body);
    assert_eq!(paid.body["setup_future_usage"], "off_session");
    let method = paid.body["payment_method"].as_str().unwrap();
    assert!(method.starts_with("pm_1"));
    let bare = world.token(&[("payment_method", "pm_card_visa")]).await;
    let mut fields = fields;
    fields[3] = ("confirmation_token", &bare);
    let refused = world.post("/v1/payment_intents", &fields).await;
    assert!(refused.message().contains("you must provide a `return_url`"));
}

#[tokio::test]
async fn a_challenge_after_a_token_is_for_stripe_js_unless_the_request_says_otherwise() {
    let world = World::new();
    let fields = [
        ("payment_method", "pm_card_threeDSecure2Required"),
        ("return_url", "https://shop.test/back"),
    ];
    let token = world.token(&fields).await;
    let waiting = world.pay_with(&[("confirmation_token", &token)]).await;
    assert_eq!(waiting.body["next_action"]["type"], "use_stripe_sdk");
    let token = world.token(&fields).await;
    let own = [
        ("confirmation_token", token.as_str()),
        ("use_stripe_sdk", "false"),
        ("return_url", "https://shop.test/other"),
    ];
    let waiting = world.pay_with(&own).await;
    let action = &waiting.body["next_action"];
    assert_eq!(action["redirect_to_url"]["return_url"], "https://shop.test/other");
}

#[tokio::test]
async fn what_the_request_says_comes_before_what_the_token_says() {
    let world = World::new();
    let fields = [
        ("payment_method", "pm_card_visa"),
        ("setup_future_usage", "off_session"),
        ("shipping[name]", "From the token"),
        ("shipping[address][line1]", "Torstr. 1"),
    ];
    let token = world.token(&fields).await;
    let own = [
        ("confirmation_token", token.as_str()),
        ("setup_future_usage", "on_session"),
        ("shipping[name]", "From the request"),
        ("shipping[address][line1]", "Torstr. 2"),
    ];
    let paid = world.pay_with(&own).await.body;
    assert_eq!(paid["setup_future_usage"], "on_session");
    assert_eq!(paid["shipping"]["name"], "From the request");
    assert_eq!(paid["shipping"]["address"]["line1"], "Torstr. 2");
}

#[tokio::test]
async fn a_token_confirms_once_whatever_came_of_it() {
    let world = World::new();
    let used = "The confirmation token has already been used to confirm a previous PaymentIntent";
    for method in ["pm_card_visa", "pm_card_chargeDeclined"] {
        let token = world.token(&[("payment_method", method)]).await;
        world.pay_with(&[("confirmation_token", &token)]).await;
        let again = world.pay_with(&[("confirmation_token", &token)]).await;
        assert_eq!((again.status, again.message()), (400, used));
    }
    assert_eq!(world.stripe.ledger().len(), 2);
}

#[tokio::test]
async fn a_refused_request_leaves_the_token_unused() {
    let world = World::new();
    let token = world.token(&[("payment_method", "pm_card_visa")]).await;
    let refused = async |name: &str, value: &str| {
        let answer = world.pay_with(&[("confirmation_token", &token), (name, value)]).await;
        assert_eq!(world.shown(&token).await["payment_intent"], json!(null));
        answer.code()
    };
    assert_eq!(refused("receipt_email", "jenny").await, "400 email_invalid");
    assert_eq!(refused("payment_method", "pm_card_visa").await, "400 parameters_exclusive");
    assert_eq!(refused("payment_method_data[type]", "card").await, "400 parameters_exclusive");
    assert_eq!(refused("nonsense", "1").await, "400 parameter_unknown");
    assert_eq!(refused("amount", "1").await, "400 amount_too_small");
    let unconfirmed = [("amount", "2000"), ("currency", "eur"), ("confirmation_token", &*token)];
    let unconfirmed = world.post("/v1/payment_intents", &unconfirmed).await;
    assert_eq!(unconfirmed.body["error"]["param"], "confirmation_token");
    let intent = world.intent().await;
    let id = intent["id"].as_str().unwrap();
    let drifted = [("confirmation_token", token.as_str()), ("amount_to_confirm", "1")];
    assert_eq!(world.confirm_with(id, &drifted).await.status, 400);
    let paid = world.confirm_with(id, &[("confirmation_token", &token)]).await;
    assert_eq!(paid.body["status"], "succeeded");
}

#[tokio::test]
async fn a_token_expires_after_twelve_hours() {
    let world = World::new();
    let (early, late) = (
        world.token(&[("payment_method", "pm_card_visa")]).await,
        world.token(&[("payment_method", "pm_card_visa")]).await,
    );
    world.stripe.advance(Duration::from_secs(12 * 60 * 60 - 1));
    let in_time = world.pay_with(&[("confirmation_token", &early)]).await;
    assert_eq!(in_time.body["status"], "succeeded");
    world.stripe.advance(Duration::from_secs(1));
    let expired = world.pay_with(&[("confirmation_token", &late)]).await;
    assert_eq!(expired.code(), "400 resource_missing");
    assert_eq!(expired.body["error"]["param"], "confirmation_token");
    assert_eq!(world.stripe.ledger().len(), 1);
    assert_eq!(world.shown(&late).await["payment_intent"], json!(null));
}

#[tokio::test]
async fn a_card_that_is_no_card_gives_no_token() {
    let world = World::new();
    let with = async |name: &'static str, value: &'static str| {
        let mut fields: Vec<_> = CARD.into_iter().filter(|(given, _)| *given != name).collect();
        fields.push((name, value));
        world.browser("POST", "/v1/confirmation_tokens", &fields).await.code()
    };
    let number = "payment_method_data[card][number]";
    assert_eq!(with(number, "4242424242424241").await, "402 incorrect_number");
    let year = with("payment_method_data[card][exp_year]", "20").await;
    assert_eq!(year, "402 invalid_expiry_year");
    assert_eq!(with("payment_method_data[card][cvc]", "1").await, "402 invalid_cvc");
    // A bank is asked when the payment is made, not before.
    assert_eq!(with(number, "4000000000000002").await, "200 -");
    assert_eq!(with("client_context[mode]", "payment").await, "400 -");
    assert_eq!(with("nonsense", "1").await, "400 parameter_unknown");
}

#[tokio::test]
async fn servers_make_tokens_by_the_test_helper_and_pages_do_not() {
    let world = World::new();
    let page = world.browser("POST", PATH, &CARD).await;
    assert_eq!(page.code(), "401 secret_key_required");
    assert_eq!(world.post("/v1/confirmation_tokens", &CARD).await.status, 403);
    let options = [("payment_method_options[card][installments][plan][count]", "3")];
    assert!(world.post(PATH, &options).await.message().contains("does not simulate"));
    let nobody = world.post(PATH, &[("payment_method", "pm_nobody")]).await;
    assert_eq!(nobody.code(), "400 resource_missing");
    let missing = world.pay_with(&[("confirmation_token", "ctoken_none")]).await;
    assert_eq!(missing.code(), "400 resource_missing");
    let missing = world.get("/v1/confirmation_tokens/ctoken_none", &[]).await;
    assert_eq!(missing.code(), "404 resource_missing");
}

#[tokio::test]
async fn a_token_of_a_saved_method_pays_for_its_customer_only() {
    let world = World::new();
    let (jenny, other) = (world.customer().await, world.customer().await);
    let method = world.saved(&jenny, "pm_card_visa").await;
    let token = world.token(&[("payment_method", &method)]).await;
    let preview = &world.shown(&token).await["payment_method_preview"];
    assert_eq!(preview["customer"], jenny.as_str());
    let wrong = world.pay_with(&[("customer", &other), ("confirmation_token", &token)]).await;
    assert!(wrong.message().contains("does not belong to the Customer you supplied"));
    let paid = world.pay_with(&[("customer", &jenny), ("confirmation_token", &token)]).await;
    assert_eq!(paid.body["payment_method"], method.as_str());

    let token = world.token(&[("payment_method", &method)]).await;
    world.post(&format!("/v1/payment_methods/{method}/detach"), &[]).await;
    let detached = world.pay_with(&[("customer", &jenny), ("confirmation_token", &token)]).await;
    assert_eq!(detached.code(), "400 payment_method_unexpected_state");
}

#[tokio::test]
async fn a_token_can_save_its_method_for_the_customer() {
    let world = World::new();
    let customer = world.customer().await;
    let mut fields = CARD.to_vec();
    fields.extend([
        ("setup_future_usage", "off_session"),
        ("payment_method_data[allow_redisplay]", "always"),
        ("payment_method_data[metadata][cart]", "c1"),
    ]);
    let token = world.token(&fields).await;
    let paid = world.pay_with(&[("customer", &customer), ("confirmation_token", &token)]).await;
    let path = format!("/v1/customers/{customer}/payment_methods");
    let saved = world.get(&path, &[("allow_redisplay", "always")]).await.body;
    assert_eq!(saved["data"][0]["id"], paid.body["payment_method"]);
    assert_eq!(saved["data"][0]["metadata"], json!({ "cart": "c1" }));
}

#[tokio::test]
async fn a_page_confirms_with_a_token_too() {
    let world = World::new();
    let token = world.browser("POST", "/v1/confirmation_tokens", &CARD).await.id();
    let intent = world.intent().await;
    let path = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
    let secret = intent["client_secret"].as_str().unwrap();
    let fields = [("client_secret", secret), ("confirmation_token", &*token)];
    let paid = world.browser("POST", &path, &fields).await;
    assert_eq!(paid.body["status"], "succeeded", "{:#}", paid.body);
}

#[tokio::test]
async fn the_same_key_confirms_with_a_token_once_and_is_answered_twice() {
    let world = World::new();
    let token = world.token(&[("payment_method", "pm_card_visa")]).await;
    let intent = world.intent().await;
    let path = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
    let confirm = async || {
        let fields = [("confirmation_token", token.as_str())];
        world.send("POST", &path, &fields, &[("idempotency-key", "ord_1:confirm:1")]).await
    };
    let first = confirm().await;
    let second = confirm().await;
    assert_eq!(first.body["status"], "succeeded");
    assert_eq!(first.body, second.body);
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    assert_eq!(world.stripe.ledger()[0].charges_succeeded, 1);
}
