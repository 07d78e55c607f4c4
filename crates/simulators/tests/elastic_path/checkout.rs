//! From a cart to an order, as often as somebody asks.

use serde_json::{Value, json};
use simulators::elastic_path::{EmptyCheckout, Modes};

use crate::world::{CART, PAN, World, checkout};

fn path() -> String {
    format!("/v2/carts/{CART}/checkout")
}

#[tokio::test]
async fn every_checkout_makes_a_new_order_and_leaves_the_cart_as_it_is() {
    let world = World::new().await;
    world.fill().await;
    let intent = world.pay("ctoken_ok").await.intent()["id"].clone();
    let before = world.get(&format!("/v2/carts/{CART}?include=items")).await.body;
    let [first, second] = [world.check_out().await, world.check_out().await];
    assert_eq!((first.status, second.status), (201, 201));
    assert_ne!(first.id(), second.id());
    for order in [&first, &second] {
        let data = &order.body["data"];
        assert_eq!(data["payment_intent_id"], intent);
        assert_eq!((&data["status"], &data["payment"]), (&json!("incomplete"), &json!("unpaid")));
        assert_eq!(data["meta"]["display_price"]["balance_owing"]["amount"], 3000);
        assert_eq!(order.body["included"]["items"][0]["sku"], "fry-pan-26");
    }
    assert_eq!(world.get(&format!("/v2/carts/{CART}?include=items")).await.body, before);
}

#[tokio::test]
async fn nulls_missing_fields_and_wrong_emails_are_refused() {
    let world = World::new().await;
    world.fill().await;
    let refused = |change: fn(&mut Value)| {
        let mut body = checkout();
        change(&mut body["data"]);
        let world = &world;
        async move {
            let answer = world.ask("POST", &path(), body).await;
            let error = &answer.body["errors"][0];
            format!("{} {}", answer.status, error["source"].as_str().unwrap_or("-"))
        }
    };
    let email = refused(|data| data["customer"]["email"] = json!("jane")).await;
    assert_eq!(email, "400 data.customer.email");
    let null = refused(|data| data["billing_address"]["last_name"] = Value::Null).await;
    assert_eq!(null, "400 data.billing_address.last_name");
    let null = refused(|data| data["shipping_address"]["line_2"] = Value::Null).await;
    assert_eq!(null, "400 data.shipping_address.line_2");
    let missing =
        refused(|data| drop(data["billing_address"].as_object_mut().unwrap().remove("postcode")))
            .await;
    assert_eq!(missing, "400 data.billing_address.postcode");
    let nobody = refused(|data| data["customer"] = Value::Null).await;
    assert_eq!(nobody, "400 data.customer");
    let long = refused(|data| data["external_ref"] = json!("x".repeat(65))).await;
    assert_eq!(long, "400 data.external_ref");
    assert!(world.store.ledger().orders.is_empty());
}

#[tokio::test]
async fn an_empty_cart_is_refused_as_its_mode_says() {
    let world = World::new().await;
    assert_eq!(world.check_out().await.status, 400);
    let modes = Modes { empty_checkout: EmptyCheckout::Unprocessable, ..Modes::default() };
    world.store.set_modes(modes);
    assert_eq!(world.check_out().await.status, 422);
}

#[tokio::test]
async fn goods_that_are_gone_fail_the_checkout_although_they_are_paid() {
    let world = World::new().await;
    world.fill().await;
    assert_eq!(world.pay("ctoken_ok").await.status, 201);
    world.store.set_stock(PAN, Some(1));
    assert_eq!(world.check_out().await.refusal(), "400 Insufficient stock");
    let breaches = world.store.breaches(&[]);
    assert_eq!(breaches.len(), 1, "{breaches:?}");
    assert!(breaches[0].ends_with("holds money and no order has it"));
    assert!(world.store.breaches(&[world.payment().id]).is_empty(), "somebody looks after it");
}
