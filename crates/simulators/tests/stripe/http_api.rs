//! Keys, parameters, errors and lists of the HTTP interface.

use axum::body::Body;
use serde_json::json;

use crate::schema;
use crate::world::{INTENT, PUBLISHABLE, SECRET, World, request};

#[tokio::test]
async fn a_request_without_a_right_key_is_refused() {
    let world = World::new();
    let with = async |authorization: &str| {
        let headers = [("authorization", authorization)];
        let answer = world.send("GET", "/v1/payment_intents", &[], &headers).await;
        (answer.status, answer.message().to_owned())
    };
    let (status, message) = with("").await;
    assert_eq!(status, 401);
    assert!(message.starts_with("You did not provide an API key."));
    let wrong = with("Bearer sk_test_4eC39HqLyjWDarjtT1zdp7dc").await;
    assert_eq!(wrong, (401, "Invalid API Key provided: sk_test_***p7dc".into()));
    assert_eq!(with("Bearer x").await, (401, "Invalid API Key provided: ***".into()));
    assert_eq!(with(&format!("Bearer {SECRET}")).await.0, 200);
    // base64 of "sk_test_0123456789abcdef:"
    assert_eq!(with("Basic c2tfdGVzdF8wMTIzNDU2Nzg5YWJjZGVmOg==").await.0, 200);
    assert_eq!(with("Basic c2tfdGVzdF8wOg==").await.0, 401);
}

#[tokio::test]
async fn a_restricted_key_is_as_good_and_one_of_the_other_mode_finds_nothing() {
    let world = World::new();
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let with = async |key: &str, path: &str| {
        let authorization = format!("Bearer {key}_0123456789abcdef");
        world.send("GET", path, &[], &[("authorization", &authorization)]).await
    };
    let path = format!("/v1/payment_intents/{id}");
    assert_eq!(with("rk_test", &path).await.status, 200);
    let live = with("sk_live", &path).await;
    assert_eq!(live.code(), "404 resource_missing");
    assert_eq!(
        live.message(),
        format!(
            "No such payment_intent: '{id}'; a similar object exists in test mode, but a live \
             mode key was used to make this request."
        )
    );
    let nowhere = with("sk_live", "/v1/payment_intents/pi_none").await;
    assert_eq!(nowhere.message(), "No such payment_intent: 'pi_none'");
    assert_eq!(with("sk_live", "/v1/payment_intents").await.status, 400);
    for stranger in ["sk_next", "xk_test", "sk"] {
        assert_eq!(with(stranger, &path).await.status, 401, "{stranger}");
    }
}

#[tokio::test]
async fn every_answer_names_its_request_and_version() {
    let world = World::new();
    let answer = world.get("/v1/payment_intents/pi_none", &[]).await;
    assert_eq!(answer.code(), "404 resource_missing");
    assert_eq!(answer.message(), "No such payment_intent: 'pi_none'");
    assert_eq!(answer.body["error"]["param"], "intent");
    assert!(answer.header("request-id").unwrap().starts_with("req_"));
    assert_eq!(answer.header("stripe-version"), Some("2026-10-28.endive"));
    let nowhere = world.get("/v1/nothing", &[]).await;
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.message().starts_with("Unrecognized request URL (GET: /v1/nothing)."));
}

#[tokio::test]
async fn parameters_that_stripe_does_not_have_are_refused() {
    let world = World::new();
    let refused = async |name: &'static str| {
        let mut fields = INTENT.to_vec();
        fields.push((name, "1"));
        let answer = world.post("/v1/payment_intents", &fields).await;
        assert_eq!(answer.body["error"]["param"], name);
        (answer.code(), answer.message().to_owned())
    };
    let unknown = "400 parameter_unknown".to_owned();
    let (code, message) = refused("amout").await;
    assert_eq!((code, message), (unknown.clone(), "Received unknown parameter: amout".into()));
    let (code, message) = refused("shipping[address][street]").await;
    assert_eq!(code, unknown);
    assert_eq!(message, "Received unknown parameter: shipping[address][street]");
    assert_eq!(refused("payment_method_types[0]").await.0, unknown);
    let (code, message) = refused("customer_account").await;
    assert_eq!(code, "400 -");
    assert_eq!(message, "This simulator does not simulate the parameter customer_account.");
    assert!(world.stripe.ledger().is_empty());
}

#[tokio::test]
async fn every_parameter_of_stripes_own_types_is_known_by_name() {
    let world = World::new();
    let id = world.intent().await["id"].as_str().unwrap().to_owned();
    let one = format!("/v1/payment_intents/{id}");
    let routes = [
        ("create", "POST", "/v1/payment_intents".to_owned()),
        ("update", "POST", one.clone()),
        ("confirm", "POST", format!("{one}/confirm")),
        ("cancel", "POST", format!("{one}/cancel")),
        ("capture", "POST", format!("{one}/capture")),
        ("list", "GET", "/v1/payment_intents".to_owned()),
    ];
    for (name, method, path) in routes {
        let Some(params) = schema::params(&format!("payment_intent_{name}_params")) else { return };
        assert!(params.len() > 1, "{name}");
        for param in params {
            let code = world.send(method, &path, &[(param.as_str(), "?")], &[]).await.code();
            assert_ne!(code, "400 parameter_unknown", "{name} does not know {param}");
        }
    }
}

#[tokio::test]
async fn payment_method_types_is_a_parameter_of_older_versions_only() {
    let world = World::new();
    let fields = [("amount", "2000"), ("currency", "eur"), ("payment_method_types[]", "card")];
    let with = async |version: &str| {
        let headers = [("stripe-version", version)];
        world.send("POST", "/v1/payment_intents", &fields, &headers).await
    };
    assert_eq!(with("2026-10-28.endive").await.code(), "400 parameter_unknown");
    assert_eq!(with("2026-09-30.endive").await.code(), "400 parameter_unknown");
    for version in ["2026-08-26.dahlia", ""] {
        let answer = with(version).await;
        assert_eq!(answer.body["payment_method_types"], json!(["card"]));
        assert_eq!(answer.body["automatic_payment_methods"], json!(null));
    }
    assert_eq!(with("newest").await.status, 400);
}

#[tokio::test]
async fn missing_empty_and_malformed_parameters_are_named() {
    let world = World::new();
    let create = async |fields: &[(&str, &str)]| {
        let answer = world.post("/v1/payment_intents", fields).await;
        (answer.code(), answer.body["error"]["param"].as_str().unwrap_or("-").to_owned())
    };
    let missing = create(&[("currency", "eur")]).await;
    assert_eq!(missing, ("400 parameter_missing".into(), "amount".into()));
    let with = async |name: &'static str, value: &'static str| {
        let mut fields = INTENT.to_vec();
        fields.push((name, value));
        create(&fields).await
    };
    assert_eq!(with("receipt_email", "jenny").await.0, "400 email_invalid");
    assert_eq!(with("confirm", "yes").await.1, "confirm");
    assert_eq!(with("return_url", "https://shop.test").await.1, "return_url");
    assert_eq!(with("capture_method", "never").await.1, "capture_method");
    let name = with("shipping[address][line1]", "Torstr. 1").await;
    assert_eq!(name, ("400 parameter_missing".into(), "shipping[name]".into()));
    assert_eq!(with("expand[]", "nothing").await.1, "expand");
    let long: &'static str = "x".repeat(501).leak();
    assert_eq!(with("metadata[note]", long).await.1, "metadata[note]");
    let json = http::Request::post("/v1/payment_intents")
        .header("authorization", format!("Bearer {SECRET}"))
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap();
    assert_eq!(world.raw(json).await.status(), 400);
    assert!(world.stripe.ledger().is_empty());
}

#[tokio::test]
async fn references_are_ids_until_they_are_expanded() {
    let world = World::new();
    let paid = world.pay("pm_card_visa").await;
    assert!(paid.body["latest_charge"].is_string());
    let path = format!("/v1/payment_intents/{}", paid.id());
    let expand = [("expand[]", "latest_charge.payment_intent"), ("expand[]", "payment_method")];
    let whole = world.get(&path, &expand).await.body;
    assert_eq!(whole["latest_charge"]["payment_intent"]["id"], paid.body["id"]);
    assert_eq!(whole["payment_method"]["card"]["last4"], "4242");
    let list = [("expand[]", "data.latest_charge")];
    let list = world.get("/v1/payment_intents", &list).await.body;
    assert_eq!(list["data"][0]["latest_charge"]["object"], "charge");
    let wrong = world.get("/v1/payment_intents", &[("expand[]", "latest_charge")]).await;
    assert!(wrong.message().contains("'data.latest_charge'"));
}

#[tokio::test]
async fn a_browser_sees_its_own_intent_and_no_metadata() {
    let world = World::new();
    let intent = world.intent().await;
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    let secret = intent["client_secret"].as_str().unwrap();
    let seen = world.browser("GET", &path, &[("client_secret", secret)]).await;
    assert_eq!(seen.status, 200);
    assert_eq!(seen.body["amount"], 2000);
    assert_eq!(seen.body.get("metadata"), None);
    assert_eq!(seen.header("access-control-allow-origin"), Some("*"));

    let without = world.browser("GET", &path, &[]).await;
    assert_eq!(without.code(), "400 parameter_missing");
    let wrong = world.browser("GET", &path, &[("client_secret", "pi_x_secret_y")]).await;
    assert_eq!(wrong.code(), "400 payment_intent_invalid_parameter");
    let create = world.browser("POST", "/v1/payment_intents", &INTENT).await;
    assert_eq!(create.code(), "401 secret_key_required");
    let cancel = world.browser("POST", &format!("{path}/cancel"), &[]).await;
    assert_eq!(cancel.code(), "401 secret_key_required");
}

#[tokio::test]
async fn a_browser_that_expands_the_method_sees_no_customer_and_no_notes() {
    let world = World::new();
    let customer = world.customer().await;
    let method = world.saved(&customer, "pm_card_visa").await;
    let path = format!("/v1/payment_methods/{method}");
    world.post(&path, &[("metadata[note]", "for the server")]).await;
    let more = [("customer", customer.as_str()), ("payment_method", method.as_str())];
    let paid = world.pay_with(&more).await;
    let secret = paid.body["client_secret"].as_str().unwrap();
    let fields = [("client_secret", secret), ("expand[]", "payment_method.customer")];
    let seen =
        world.browser("GET", &format!("/v1/payment_intents/{}", paid.id()), &fields).await.body;
    assert_eq!(seen["payment_method"]["id"], method);
    assert_eq!(seen["payment_method"]["customer"], customer);
    assert_eq!(seen["payment_method"].get("metadata"), None);
    assert_eq!(seen["payment_method"]["card"].get("fingerprint"), None);
}

#[tokio::test]
async fn a_browser_confirms_with_the_client_secret() {
    let world = World::new();
    let intent = world.intent().await;
    let path = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
    let secret = intent["client_secret"].as_str().unwrap();
    let declined = [
        ("client_secret", secret),
        ("payment_method_data[type]", "card"),
        ("payment_method_data[card][number]", "4000000000000002"),
        ("payment_method_data[card][exp_month]", "12"),
        ("payment_method_data[card][exp_year]", "34"),
    ];
    let declined = world.browser("POST", &path, &declined).await;
    assert_eq!(declined.code(), "402 card_declined");
    let inside = &declined.body["error"]["payment_intent"];
    assert_eq!(inside["status"], "requires_payment_method");
    assert_eq!(inside.get("metadata"), None);

    let key = [("key", PUBLISHABLE), ("client_secret", secret), ("payment_method", "pm_card_visa")];
    let mut by_parameter = request("POST", &path, &key, &[("authorization", "")]);
    by_parameter.headers_mut().insert("origin", "https://shop.test".parse().unwrap());
    assert_eq!(world.raw(by_parameter).await.status(), 200);
    assert_eq!(world.stripe.ledger()[0].status, "succeeded");
}

#[tokio::test]
async fn a_preflight_of_any_page_is_answered() {
    let world = World::new();
    let preflight = http::Request::builder()
        .method("OPTIONS")
        .uri("/v1/payment_intents/pi_1/confirm")
        .header("origin", "https://shop.test")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .body(Body::empty())
        .unwrap();
    let answer = world.raw(preflight).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("authorization"), "{allowed}");
}

#[tokio::test]
async fn the_same_seed_and_requests_give_the_same_ids() {
    let run = async || {
        let world = World::new();
        let paid = world.pay("pm_card_visa").await.body;
        let events: Vec<_> = world.stripe.events().into_iter().map(|event| event.id).collect();
        (paid, events)
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn live_mode_says_so_in_every_object() {
    let mut options = crate::world::options();
    options.livemode = true;
    let world = World { stripe: simulators::stripe::Stripe::new(options) };
    assert_eq!(world.pay("pm_card_visa").await.body["livemode"], true);
    let events = world.get("/v1/events", &[]).await.body;
    assert!(events["data"].as_array().unwrap().iter().all(|event| event["livemode"] == true));
}

#[tokio::test]
async fn a_person_can_watch() {
    let world = World::new();
    world.pay("pm_card_visa").await;
    let page = http::Request::get("/").body(Body::empty()).unwrap();
    let page = world.raw(page).await;
    assert_eq!(page.status(), 200);
    let text = http_body_util::BodyExt::collect(page.into_body()).await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.contains("20.00") && text.contains("payment_intent.succeeded"));
}
