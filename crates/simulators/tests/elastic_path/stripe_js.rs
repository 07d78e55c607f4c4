//! Payments with Stripe.js: the store's payment is one at a simulated Stripe, and stays what it is there.

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::Value;
use simulators::stripe::{Options, Stripe};
use tower::ServiceExt;

use crate::world::World;

/// A store whose payments are at a Stripe, with 30 dollars in its cart.
async fn open() -> (World, Stripe) {
    let mut world = World::new().await;
    let stripe = Stripe::new(Options::default());
    world.store = world.store.paid_at(stripe.clone(), "http://stripe.test");
    world.fill().await;
    (world, stripe)
}

/// What a page makes of a card.
async fn token(stripe: &Stripe, card: &str) -> String {
    let form = format!(
        "key={}&payment_method_data[type]=card&payment_method_data[card][number]={card}&\
         payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040&\
         payment_method_data[card][cvc]=123",
        Options::default().publishable_key
    );
    let request = http::Request::post("/v1/confirmation_tokens")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let response = stripe.router().oneshot(request).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&bytes).unwrap();
    answer["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

#[tokio::test]
async fn a_card_of_a_page_pays_at_stripe_and_the_order_follows() {
    let (world, stripe) = open().await;
    let token = token(&stripe, "4242424242424242").await;
    assert_eq!(world.pay(&token).await.intent()["status"], "succeeded");
    assert_eq!(world.pay(&token).await.refusal(), "400 Bad Request");
    let [taken] = stripe.ledger().try_into().unwrap();
    assert_eq!((&world.payment().id, taken.amount_received), (&taken.id, 3000));
    let order = world.check_out().await.id();
    world.confirm(&order).await;
    assert_eq!(world.order(&order).await["payment"], "paid");
}

#[tokio::test]
async fn a_declined_card_of_a_page_says_so() {
    let (world, stripe) = open().await;
    let answer = world.pay(&token(&stripe, "4000000000000002").await).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.intent()["status"], "requires_payment_method");
    assert_eq!(answer.intent()["last_payment_error"]["code"], "card_declined");
}

#[tokio::test]
async fn a_challenge_is_answered_at_stripe_alone() {
    for (passed, status) in [(true, "succeeded"), (false, "requires_payment_method")] {
        let (world, stripe) = open().await;
        let answer = world.pay(&token(&stripe, "4000000000003220").await).await;
        assert_eq!(answer.intent()["status"], "requires_action");
        let id = world.payment().id;
        assert!(!world.store.authenticate(&id, Some(true)));
        assert!(stripe.authenticate(&id, passed));
        assert_eq!(world.payment().status, status);
    }
}

#[tokio::test]
async fn what_is_cancelled_here_is_cancelled_at_stripe() {
    let (world, stripe) = open().await;
    world.pay(&token(&stripe, "4000000000003220").await).await;
    let order = world.check_out().await.id();
    let transaction = world.confirm(&order).await.id();
    let path = format!("/v2/orders/{order}/transactions/{transaction}/cancel");
    assert_eq!(world.ask("POST", &path, Value::Null).await.status, 200);
    assert_eq!(stripe.ledger().first().unwrap().status, "canceled");
}
