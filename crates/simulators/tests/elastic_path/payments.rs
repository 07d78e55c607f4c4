//! Payments of carts, and the shoppers and banks behind them.

use serde_json::{Value, json};
use simulators::elastic_path::{Course, Modes, SecondPayment, UpdateEndedPayment};

use crate::world::{CART, World, payment};

#[tokio::test]
async fn a_payment_takes_what_the_cart_costs_now_and_is_nested_twice() {
    let world = World::new().await;
    world.fill().await;
    let answer = world.pay("ctoken_ok").await;
    assert_eq!(answer.status, 201);
    let intent = answer.intent();
    assert_eq!(intent["status"], "succeeded");
    assert_eq!((&intent["amount"], &intent["amount_received"]), (&json!(3000), &json!(3000)));
    assert_eq!(intent["currency"], "usd");
    assert_eq!(answer.body["data"]["payment_intent_id"], intent["id"]);
    world.fill().await;
    assert_eq!(world.payment().amount, 3000, "the cart has changed, the payment has not");
}

#[tokio::test]
async fn a_token_confirms_once_even_if_it_is_declined() {
    let world = World::new().await;
    world.fill().await;
    for token in ["ctoken_ok", "ctoken_decline_4xx", "ctoken_decline_201"] {
        world.pay(token).await;
        let again = world.pay(token).await;
        assert_eq!(again.status, 400);
        let detail = again.body["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with("No such confirmation_token"), "{detail}");
    }
    assert_eq!(world.pay("ctoken_expired").await.status, 400);
    assert_eq!(world.pay("ctoken_unheard_of").await.status, 400);
}

#[tokio::test]
async fn each_magic_token_goes_its_way() {
    for (token, status, intent) in [
        ("ctoken_ok_2", 201, "succeeded"),
        ("ctoken_auth_only", 201, "requires_capture"),
        ("ctoken_3ds", 201, "requires_action"),
        ("ctoken_3ds_fail", 201, "requires_action"),
        ("ctoken_decline_4xx", 400, "requires_payment_method"),
        ("ctoken_decline_201", 201, "requires_payment_method"),
        ("ctoken_decline_soft", 201, "requires_payment_method"),
        ("ctoken_processing", 201, "processing"),
    ] {
        let world = World::new().await;
        world.fill().await;
        let answer = world.pay(token).await;
        assert_eq!(answer.status, status, "{token} {answer:?}");
        assert_eq!(world.payment().status, intent, "{token}");
    }
}

#[tokio::test]
async fn a_decline_has_three_forms() {
    let world = World::new().await;
    world.fill().await;
    let refused = world.pay("ctoken_decline_4xx").await;
    assert_eq!(refused.body["errors"][0]["detail"], "Your card was declined.");
    let soft = world.pay("ctoken_decline_soft").await;
    assert_eq!(soft.body["errors"][0]["detail"], "Your card was declined.");
    assert_eq!((soft.id().as_str(), soft.intent()), (CART, &Value::Null));
    let answered = world.pay("ctoken_decline_201").await;
    assert_eq!(answered.body.get("errors"), None);
    assert_eq!(answered.intent()["last_payment_error"]["code"], "card_declined");
}

#[tokio::test]
async fn a_challenge_is_passed_or_failed_by_its_holder() {
    for (token, passed, ended) in [
        ("ctoken_3ds", None, "succeeded"),
        ("ctoken_3ds_fail", None, "requires_payment_method"),
        ("ctoken_3ds", Some(false), "requires_payment_method"),
        ("ctoken_3ds_fail", Some(true), "succeeded"),
    ] {
        let world = World::new().await;
        world.fill().await;
        let answer = world.pay(token).await;
        assert_eq!(answer.intent()["next_action"]["type"], "use_stripe_sdk");
        let id = answer.intent()["id"].as_str().unwrap();
        assert!(world.store.authenticate(id, passed));
        assert_eq!(world.payment().status, ended, "{token} {passed:?}");
        assert!(!world.store.authenticate(id, passed), "there is no challenge any more");
    }
}

#[tokio::test]
async fn a_debit_is_paid_or_refused_by_its_bank() {
    for (course, paid, ended) in [
        (Course::Processing, None, "succeeded"),
        (Course::ProcessingFails, None, "requires_payment_method"),
        (Course::Processing, Some(false), "requires_payment_method"),
    ] {
        let world = World::new().await;
        world.fill().await;
        let token = world.store.confirmation_token(course);
        let id = world.pay(&token).await.intent()["id"].as_str().unwrap().to_owned();
        assert!(world.store.settle(&id, paid));
        assert_eq!(world.payment().status, ended);
    }
}

#[tokio::test]
async fn a_second_payment_of_a_cart_is_as_its_mode_says() {
    for (mode, status, statuses) in [
        (SecondPayment::Second, 201, vec!["requires_action", "succeeded"]),
        (SecondPayment::Replace, 201, vec!["canceled", "succeeded"]),
        (SecondPayment::Reject409, 409, vec!["requires_action"]),
    ] {
        let world = World::new().await;
        world.store.set_modes(Modes { second_payment: mode, ..Modes::default() });
        world.fill().await;
        world.pay("ctoken_3ds").await;
        assert_eq!(world.pay("ctoken_ok").await.status, status);
        let ledger = world.store.ledger();
        let found: Vec<&str> = ledger.payments.iter().map(|one| one.status).collect();
        assert_eq!(found, statuses);
    }
}

#[tokio::test]
async fn a_second_payment_that_is_refused_replaces_nothing() {
    let world = World::new().await;
    let modes = Modes { second_payment: SecondPayment::Replace, ..Modes::default() };
    world.store.set_modes(modes);
    world.fill().await;
    world.pay("ctoken_3ds").await;
    assert_eq!(world.pay("ctoken_3ds").await.status, 400, "it was used");
    assert_eq!(world.payment().status, "requires_action");
}

#[tokio::test]
async fn an_update_brings_an_open_payment_to_what_the_cart_costs() {
    let world = World::new().await;
    world.fill().await;
    let id = world.pay("ctoken_3ds").await.intent()["id"].as_str().unwrap().to_owned();
    world.fill().await;
    let path = format!("/v2/carts/{CART}/payments/{id}");
    let body = json!({ "data": {
        "gateway": "elastic_path_payments_stripe", "method": "purchase",
        "options": { "metadata": { "attempt": "a1" } },
    }});
    let answer = world.ask("PUT", &path, body.clone()).await;
    assert_eq!((answer.status, &answer.intent()["amount"]), (200, &json!(6000)));
    assert_eq!(answer.intent()["metadata"], json!({ "attempt": "a1" }));

    assert!(world.store.authenticate(&id, Some(true)));
    let refused = world.ask("PUT", &path, body.clone()).await;
    assert_eq!(refused.status, 400);
    let modes = Modes { update_ended_payment: UpdateEndedPayment::Answers, ..Modes::default() };
    world.store.set_modes(modes);
    assert_eq!(world.ask("PUT", &path, body.clone()).await.intent()["status"], "succeeded");
    let other = format!("/v2/carts/{CART}/payments/pi_other");
    assert_eq!(world.ask("PUT", &other, body).await.status, 404);
}

#[tokio::test]
async fn stripes_own_rules_hold_for_what_is_handed_through() {
    let world = World::new().await;
    assert_eq!(world.pay("ctoken_ok").await.status, 400, "an empty cart costs nothing");
    world.fill().await;
    let path = format!("/v2/carts/{CART}/payments");
    let mut no_return = payment("ctoken_ok");
    no_return["data"]["options"].as_object_mut().unwrap().remove("return_url");
    let mut both = payment("ctoken_ok");
    both["data"]["payment_method_types"] = json!(["card"]);
    let mut no_token = payment("ctoken_ok");
    no_token["data"]["options"].as_object_mut().unwrap().remove("confirmation_token");
    for body in [no_return, both, no_token] {
        assert_eq!(world.ask("POST", &path, body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(world.pay("ctoken_ok").await.status, 201, "the token was not used up");
}

#[tokio::test]
async fn to_authorize_is_to_set_aside() {
    let world = World::new().await;
    world.fill().await;
    let mut body = payment("ctoken_ok");
    body["data"]["method"] = json!("authorize");
    let answer = world.ask("POST", &format!("/v2/carts/{CART}/payments"), body).await;
    assert_eq!(answer.intent()["status"], "requires_capture");
    assert_eq!(answer.intent()["capture_method"], "manual");
}
