//! Bank redirects: the customer leaves for the bank's page and comes back.

use serde_json::json;

use crate::world::{Answer, World};

const IDEAL: [(&str, &str); 6] = [
    ("amount", "2000"),
    ("currency", "eur"),
    ("confirm", "true"),
    ("payment_method_data[type]", "ideal"),
    ("payment_method_data[billing_details][name]", "Jenny Rosen"),
    ("expand[]", "latest_charge"),
];

async fn pay(world: &World, more: &[(&str, &str)]) -> Answer {
    let mut fields = IDEAL.to_vec();
    fields.extend(more);
    world.post("/v1/payment_intents", &fields).await
}

#[tokio::test]
async fn a_bank_pays_after_its_customer_agreed_on_its_page() {
    let world = World::new();
    // Even if Stripe.js is to show what is to be done: it can only lead there.
    let back = [("return_url", "https://shop.test/back?o=1"), ("use_stripe_sdk", "true")];
    let waiting = pay(&world, &back).await;
    assert_eq!(waiting.body["status"], "requires_action", "{:#}", waiting.body);
    let action = &waiting.body["next_action"];
    assert_eq!(action["type"], "redirect_to_url");
    assert_eq!(action["redirect_to_url"]["return_url"], "https://shop.test/back?o=1");
    let page = action["redirect_to_url"]["url"].as_str().unwrap();
    assert!(page.starts_with("http://127.0.0.1:12111/redirect/payatt_"), "{page}");
    assert!(world.stripe.authenticate(&waiting.id(), true));
    let paid = world
        .get(&format!("/v1/payment_intents/{}", waiting.id()), &[("expand[]", "latest_charge")])
        .await;
    assert_eq!(paid.body["status"], "succeeded");
    let charge = &paid.body["latest_charge"];
    assert!(charge["id"].as_str().unwrap().starts_with("py_"));
    assert_eq!(charge["payment_method_details"]["type"], "ideal");
    assert_eq!(charge["payment_method_details"]["ideal"]["verified_name"], "Jenny Rosen");
    assert_eq!(
        world.kinds(),
        [
            "payment_intent.created",
            "payment_intent.requires_action",
            "charge.succeeded",
            "payment_intent.succeeded",
            "charge.updated",
        ]
    );
}

#[tokio::test]
async fn a_customer_who_refuses_at_the_bank_can_pay_otherwise() {
    let world = World::new();
    let waiting = pay(&world, &[("return_url", "https://shop.test/back")]).await;
    assert!(world.stripe.authenticate(&waiting.id(), false));
    let open = world.retrieve(&waiting.id()).await;
    assert_eq!(open["status"], "requires_payment_method");
    assert_eq!(open["last_payment_error"]["code"], "payment_intent_authentication_failure");
    assert_eq!(open["latest_charge"], json!(null));
}

#[tokio::test]
async fn a_redirect_needs_a_way_back_and_euros_and_consent() {
    let world = World::new();
    let nowhere = pay(&world, &[]).await;
    assert_eq!(nowhere.status, 400);
    assert!(nowhere.message().contains("return_url"), "{}", nowhere.message());
    let back = ("return_url", "https://shop.test/back");
    for (name, value) in [
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("automatic_payment_methods[allow_redirects]", "never"),
    ] {
        let enabled = ("automatic_payment_methods[enabled]", "true");
        let refused = pay(&world, &[back, enabled, (name, value)]).await;
        assert_eq!(refused.code(), "400 payment_intent_incompatible_payment_method", "{name}");
    }
    assert!(world.stripe.ledger().is_empty());
}

#[tokio::test]
async fn the_banks_are_offered_where_redirects_are_allowed() {
    let world = World::new();
    let fields = [("amount", "2000"), ("currency", "eur")];
    let intent = world.post("/v1/payment_intents", &fields).await;
    let offered = json!(["card", "bancontact", "eps", "ideal", "sepa_debit"]);
    assert_eq!(intent.body["payment_method_types"], offered);
    for kind in ["bancontact", "eps"] {
        let more = [("return_url", "https://shop.test"), ("payment_method_data[type]", kind)];
        let waiting = pay(&world, &more).await;
        assert!(world.stripe.authenticate(&waiting.id(), true));
        assert_eq!(world.retrieve(&waiting.id()).await["status"], "succeeded", "{kind}");
    }
}
