//! Payment methods on their own: made, saved, changed and given up.

use serde_json::json;

use crate::world::World;

const CARD: [(&str, &str); 6] = [
    ("type", "card"),
    ("card[number]", "4242 4242 4242 4242"),
    ("card[exp_month]", "12"),
    ("card[exp_year]", "34"),
    ("card[cvc]", "123"),
    ("billing_details[address][postal_code]", "10119"),
];

#[tokio::test]
async fn a_method_is_made_from_a_number_a_token_or_an_iban() {
    let world = World::new();
    let card = world.post("/v1/payment_methods", &CARD).await;
    assert_eq!(card.status, 200, "{:#}", card.body);
    assert_eq!(card.body["card"]["exp_year"], 2034);
    assert_eq!(card.body["customer"], json!(null));
    assert_eq!(card.body["card"]["checks"]["cvc_check"], "unchecked");
    assert_eq!(card.body["card"]["checks"]["address_postal_code_check"], "unchecked");
    let path = format!("/v1/payment_methods/{}", card.id());
    assert_eq!(world.get(&path, &[]).await.body, card.body);

    let token = [("type", "card"), ("card[token]", "tok_visa"), ("metadata[a]", "b")];
    let token = world.post("/v1/payment_methods", &token).await.body;
    assert_eq!(token["card"]["last4"], "4242");
    assert_eq!(token["card"]["fingerprint"], card.body["card"]["fingerprint"]);
    assert_eq!(token["metadata"], json!({ "a": "b" }));

    let debit = [
        ("type", "sepa_debit"),
        ("sepa_debit[iban]", "DE89370400440532013000"),
        ("billing_details[name]", "Jenny Rosen"),
        ("billing_details[email]", "jenny@example.com"),
    ];
    let debit = world.post("/v1/payment_methods", &debit).await.body;
    assert_eq!(debit["sepa_debit"]["last4"], "3000");
    assert!(world.kinds().is_empty());
    let id = card.id();
    assert_eq!(world.pay(&id).await.body["status"], "succeeded");
    let checked = world.get(&path, &[]).await.body;
    assert_eq!(checked["card"]["checks"]["cvc_check"], "pass");
}

#[tokio::test]
async fn a_wrong_method_is_not_made() {
    let world = World::new();
    let with = async |name: &'static str, value: &'static str| {
        let mut fields: Vec<_> = CARD.into_iter().filter(|(given, _)| *given != name).collect();
        fields.push((name, value));
        world.post("/v1/payment_methods", &fields).await.code()
    };
    assert_eq!(with("card[number]", "4242424242424241").await, "402 incorrect_number");
    assert_eq!(with("card[exp_month]", "13").await, "402 invalid_expiry_month");
    assert_eq!(with("card[exp_year]", "2025").await, "402 invalid_expiry_year");
    assert_eq!(with("card[cvc]", "1").await, "402 invalid_cvc");
    assert_eq!(with("card[token]", "tok_visa").await, "400 parameters_exclusive");
    assert_eq!(with("type", "klarna").await, "400 -");
    assert_eq!(with("type", "gold").await, "400 -");
    assert_eq!(with("klarna[dob][day]", "1").await, "400 -");
    assert_eq!(with("customer", "cus_1").await, "400 -");
    assert_eq!(with("card[colour]", "red").await, "400 parameter_unknown");
    let token = [("type", "card"), ("card[token]", "tok_nobody")];
    let token = world.post("/v1/payment_methods", &token).await;
    assert_eq!(
        (token.code(), token.message()),
        ("400 resource_missing".into(), "No such token: 'tok_nobody'")
    );
    let none = world.post("/v1/payment_methods", &[]).await;
    assert_eq!(none.code(), "400 parameter_missing");
    let missing = world.get("/v1/payment_methods/pm_none", &[]).await;
    assert_eq!(missing.message(), "No such PaymentMethod: 'pm_none'");
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn a_page_makes_a_method_and_sees_no_fingerprint_or_metadata() {
    let world = World::new();
    let mut fields = CARD.to_vec();
    fields.extend([
        ("metadata[note]", "vip"),
        ("payment_user_agent", "stripe.js/x"),
        ("muid", "m"),
    ]);
    let made = world.browser("POST", "/v1/payment_methods", &fields).await;
    assert_eq!(made.status, 200, "{:#}", made.body);
    assert_eq!(made.body["card"]["last4"], "4242");
    assert_eq!(made.body.get("metadata"), None);
    assert_eq!(made.body["card"].get("fingerprint"), None);
    let stored = world.get(&format!("/v1/payment_methods/{}", made.id()), &[]).await.body;
    assert_eq!(stored["metadata"], json!({ "note": "vip" }));
    assert!(!made.body.to_string().contains("4242424242424242"));

    let path = format!("/v1/payment_methods/{}", made.id());
    assert_eq!(world.browser("GET", &path, &[]).await.code(), "401 secret_key_required");
    let list = world.browser("GET", "/v1/payment_methods", &[("customer", "cus_1")]).await;
    assert_eq!(list.code(), "401 secret_key_required");
}

#[tokio::test]
async fn a_declined_page_sees_no_fingerprint_either() {
    let world = World::new();
    let intent = world.intent().await;
    let path = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
    let fields = [
        ("client_secret", intent["client_secret"].as_str().unwrap()),
        ("payment_method", "pm_card_chargeDeclined"),
    ];
    let declined = world.browser("POST", &path, &fields).await;
    assert_eq!(declined.code(), "402 card_declined");
    assert_eq!(declined.body["error"]["payment_method"]["card"]["last4"], "0002");
    let text = declined.body.to_string();
    assert!(!text.contains("fingerprint") && !text.contains("metadata"), "{text}");
}

#[tokio::test]
async fn a_method_is_attached_once_and_told_so() {
    let world = World::new();
    let (jenny, other) = (world.customer().await, world.customer().await);
    let method = world.post("/v1/payment_methods", &CARD).await.id();
    let path = format!("/v1/payment_methods/{method}/attach");
    assert_eq!(world.post(&path, &[]).await.code(), "400 parameter_missing");
    let nobody = world.post(&path, &[("customer", "cus_none")]).await;
    assert_eq!(nobody.code(), "400 resource_missing");
    let attached = world.post(&path, &[("customer", &jenny)]).await.body;
    assert_eq!((&attached["id"], &attached["customer"]), (&json!(method), &json!(jenny)));
    assert_eq!(attached["card"]["checks"]["cvc_check"], "pass");
    let event = world.newest("payment_method.attached").await;
    assert_eq!(event["data"]["object"], attached);
    let again = world.post(&path, &[("customer", &other)]).await;
    assert_eq!(
        again.message(),
        "The payment method you provided has already been attached to a customer."
    );
    let missing = world.post("/v1/payment_methods/pm_x/attach", &[("customer", &jenny)]).await;
    assert_eq!(missing.code(), "404 resource_missing");
}

#[tokio::test]
async fn a_token_given_to_attach_makes_a_new_method_each_time() {
    let world = World::new();
    let customer = world.customer().await;
    let first = world.saved(&customer, "pm_card_visa").await;
    let second = world.saved(&customer, "pm_card_visa").await;
    assert_ne!(first, second);
    assert!(first.starts_with("pm_1") && second.starts_with("pm_1"));
}

#[tokio::test]
async fn a_card_that_declines_cannot_be_attached_but_for_the_one_that_declines_afterwards() {
    let world = World::new();
    let customer = world.customer().await;
    let attach = async |token: &str| {
        let path = format!("/v1/payment_methods/{token}/attach");
        world.post(&path, &[("customer", &customer)]).await
    };
    let declined = attach("pm_card_visa_chargeDeclinedInsufficientFunds").await;
    assert_eq!(declined.code(), "402 card_declined");
    assert_eq!(declined.body["error"]["decline_code"], "insufficient_funds");
    assert_eq!(attach("pm_card_chargeDeclinedExpiredCard").await.code(), "402 expired_card");
    assert_eq!(world.kinds(), ["customer.created"]);

    let fails = attach("pm_card_chargeCustomerFail").await.id();
    let charged = world.pay_with(&[("customer", &customer), ("payment_method", &fails)]).await;
    assert_eq!(charged.code(), "402 card_declined");
    let kept = world.get(&format!("/v1/payment_methods/{fails}"), &[]).await.body;
    assert_eq!(kept["customer"], customer.as_str());
}

#[tokio::test]
async fn a_detached_method_is_nobodys_for_ever() {
    let world = World::new();
    let customer = world.customer().await;
    let method = world.saved(&customer, "pm_card_visa").await;
    let fields = [("customer", customer.as_str()), ("payment_method", method.as_str())];
    let mut open = crate::world::INTENT.to_vec();
    open.extend(fields);
    let open = world.post("/v1/payment_intents", &open).await;
    assert_eq!(open.body["status"], "requires_confirmation");

    let path = format!("/v1/payment_methods/{method}");
    let detached = world.post(&format!("{path}/detach"), &[]).await;
    assert_eq!(detached.body["customer"], json!(null));
    let event = world.newest("payment_method.detached").await;
    assert_eq!(event["data"]["previous_attributes"], json!({ "customer": customer }));

    let unusable = "400 payment_method_unexpected_state";
    assert_eq!(world.pay_with(&fields).await.code(), unusable);
    let confirm = format!("/v1/payment_intents/{}/confirm", open.id());
    assert_eq!(world.post(&confirm, &[]).await.code(), unusable);
    let attach = world.post(&format!("{path}/attach"), &[("customer", &customer)]).await;
    assert_eq!(attach.code(), unusable);
    let again = world.post(&format!("{path}/detach"), &[]).await;
    assert_eq!(
        again.message(),
        "The payment method you provided is not attached to a customer so detachment is \
         impossible."
    );
    let other = world.post(&confirm, &[("payment_method", "pm_card_visa")]).await;
    assert_eq!(other.body["status"], "succeeded");
}

#[tokio::test]
async fn only_a_saved_method_can_be_changed() {
    let world = World::new();
    let customer = world.customer().await;
    let loose = world.post("/v1/payment_methods", &CARD).await.id();
    let path = format!("/v1/payment_methods/{loose}");
    let refused = world.post(&path, &[("metadata[a]", "b")]).await;
    assert_eq!(
        refused.message(),
        "You must save this PaymentMethod to a customer before you can update it."
    );
    world.saved(&customer, &loose).await;
    let fields = [
        ("billing_details[name]", "Jenny Rosen"),
        ("billing_details[address][city]", "Berlin"),
        ("card[exp_month]", "3"),
        ("card[exp_year]", "2040"),
        ("allow_redisplay", "always"),
        ("metadata[a]", "b"),
    ];
    let changed = world.post(&path, &fields).await.body;
    assert_eq!(changed["billing_details"]["address"]["postal_code"], "10119");
    assert_eq!(
        (&changed["card"]["exp_month"], &changed["card"]["exp_year"]),
        (&json!(3), &json!(2040))
    );
    assert_eq!(changed["allow_redisplay"], "always");
    let event = world.newest("payment_method.updated").await;
    assert_eq!(
        event["data"]["previous_attributes"],
        json!({
            "allow_redisplay": "unspecified",
            "billing_details": { "address": { "city": null }, "name": null },
            "card": { "exp_month": 12, "exp_year": 2034 },
            "metadata": { "a": null },
        })
    );
    assert_eq!(
        world.post(&path, &[("card[exp_year]", "2020")]).await.code(),
        "402 invalid_expiry_year"
    );
    let number = world.post(&path, &[("card[number]", "4242424242424242")]).await;
    assert_eq!(number.code(), "400 parameter_unknown");
}

#[tokio::test]
async fn methods_are_listed_for_a_customer_by_type_in_pages() {
    let world = World::new();
    let (jenny, other) = (world.customer().await, world.customer().await);
    let visa = world.saved(&jenny, "pm_card_visa").await;
    let debit = world.saved(&jenny, "pm_sepaDebit_success_de").await;
    let amex = world.saved(&jenny, "pm_card_amex").await;
    world.saved(&other, "pm_card_visa").await;
    world.post("/v1/payment_methods", &CARD).await;

    let of_customer = format!("/v1/customers/{jenny}/payment_methods");
    let list = async |path: &str, fields: &[(&str, &str)]| {
        let page = world.get(path, fields).await.body;
        assert_eq!(page["url"], path);
        let rows = page["data"].as_array().unwrap().iter();
        let ids: Vec<String> = rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        (ids, page["has_more"].as_bool().unwrap())
    };
    let all = (vec![amex.clone(), debit.clone(), visa.clone()], false);
    assert_eq!(list(&of_customer, &[]).await, all);
    assert_eq!(list("/v1/payment_methods", &[("customer", &jenny)]).await, all);
    let cards = (vec![amex.clone(), visa.clone()], false);
    assert_eq!(list(&of_customer, &[("type", "card")]).await, cards);
    let first = list(&of_customer, &[("type", "card"), ("limit", "1")]).await;
    assert_eq!(first, (vec![amex.clone()], true));
    let second = [("type", "card"), ("limit", "1"), ("starting_after", amex.as_str())];
    assert_eq!(list(&of_customer, &second).await, (vec![visa.clone()], false));
    assert_eq!(list(&of_customer, &[("type", "klarna")]).await, (vec![], false));
    assert_eq!(world.get(&of_customer, &[("type", "gold")]).await.status, 400);

    let unnamed = world.get("/v1/payment_methods", &[]).await;
    assert_eq!(unnamed.code(), "400 parameter_missing");
    let one = world.get(&format!("{of_customer}/{visa}"), &[]).await;
    assert_eq!(one.id(), visa);
    let path = format!("/v1/customers/{other}/payment_methods/{visa}");
    assert_eq!(world.get(&path, &[]).await.code(), "404 resource_missing");
}
