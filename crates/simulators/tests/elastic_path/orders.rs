//! Orders after their checkout: confirmed, paid, found, changed, given back.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::elastic_path::{CancelPending, ConfirmAgain, Modes, Pending};

use crate::world::{CART, PAN, World, checkout};

#[tokio::test]
async fn a_confirm_pays_the_order_and_takes_its_goods_off_the_shelf() {
    let world = World::new().await;
    let order = world.ordered("ctoken_ok").await;
    assert_eq!(world.store.stock(PAN), Some(100));
    let metadata = json!({ "data": { "options": { "metadata": { "order_id": order } } } });
    let path = format!("/v2/orders/{order}/confirm");
    let answer = world.ask("POST", &path, metadata).await;
    assert_eq!(answer.status, 200);
    let transaction = &answer.body["data"];
    assert_eq!(transaction["status"], "complete");
    assert_eq!(transaction["transaction_type"], "purchase");
    assert_eq!(transaction["reference"], world.payment().id.as_str());
    assert_eq!(transaction["payment_intent"]["metadata"]["order_id"], order.as_str());
    let order = world.order(&order).await;
    assert_eq!((&order["payment"], &order["status"]), (&json!("paid"), &json!("complete")));
    assert_eq!(order.get("payment_intent_id"), None);
    assert_eq!(order["meta"]["display_price"]["paid"]["amount"], 3000);
    assert_eq!(order["meta"]["timestamps"]["fully_paid_at"], "2026-11-21T10:00:00Z");
    assert_eq!(world.store.stock(PAN), Some(98));
    assert_eq!(world.store.breaches(&[]), Vec::<String>::new());
}

#[tokio::test]
async fn a_second_confirm_is_as_its_mode_says() {
    let world = World::new().await;
    let order = world.ordered("ctoken_ok").await;
    world.confirm(&order).await;
    let again = world.confirm(&order).await;
    assert_eq!(again.refusal(), "422 Unprocessable Entity");
    assert_eq!(again.body["errors"][0]["status"], "422", "as a text");
    world.store.set_modes(Modes { confirm_again: ConfirmAgain::Duplicate, ..Modes::default() });
    assert_eq!(world.confirm(&order).await.status, 200);
    let breaches = world.store.breaches(&[]);
    assert!(breaches[0].ends_with("pays 2 times"), "{breaches:?}");
}

#[tokio::test]
async fn two_orders_of_one_cart_are_both_paid_by_its_one_payment() {
    let world = World::new().await;
    let first = world.ordered("ctoken_ok").await;
    let second = world.check_out().await.id();
    for order in [&first, &second] {
        assert_eq!(world.confirm(order).await.body["data"]["status"], "complete");
        assert_eq!(world.order(order).await["payment"], "paid");
    }
    assert!(world.store.breaches(&[])[0].ends_with("pays 2 times"));
}

#[tokio::test]
async fn an_order_without_a_payment_cannot_be_confirmed() {
    let world = World::new().await;
    world.fill().await;
    let order = world.check_out().await.id();
    assert_eq!(world.confirm(&order).await.status, 422);
    assert_eq!(world.confirm("nobody").await.status, 404);
}

#[tokio::test]
async fn what_is_set_aside_makes_an_order_authorized_until_it_is_captured() {
    let world = World::new().await;
    let order = world.ordered("ctoken_auth_only").await;
    let transaction = world.confirm(&order).await;
    assert_eq!(transaction.body["data"]["transaction_type"], "authorize");
    let shown = world.order(&order).await;
    assert_eq!((&shown["payment"], &shown["status"]), (&json!("authorized"), &json!("processing")));
    let path = format!("/v2/orders/{order}/transactions/{}/capture", transaction.id());
    assert_eq!(world.ask("POST", &path, Value::Null).await.status, 200);
    assert_eq!(world.order(&order).await["payment"], "paid");
    assert_eq!(world.payment().status, "succeeded");
}

#[tokio::test]
async fn a_confirm_can_answer_200_and_pay_nothing() {
    for token in ["ctoken_3ds", "ctoken_processing", "ctoken_decline_201"] {
        let world = World::new().await;
        let order = world.ordered(token).await;
        let answer = world.confirm(&order).await;
        assert_eq!((answer.status, &answer.body["data"]["status"]), (200, &json!("pending")));
        assert_eq!(answer.body["data"]["next_actions"], json!(["cancel"]));
        assert_eq!(answer.body["data"]["client_parameters"]["token"], world.payment().id.as_str());
        assert_eq!(world.order(&order).await["payment"], "unpaid");
        assert_eq!(world.store.stock(PAN), Some(100));
    }
}

#[tokio::test]
async fn a_pending_transaction_is_completed_by_its_confirm_or_by_itself() {
    for pending in [Pending::Waits, Pending::FollowsStripe] {
        let world = World::new().await;
        world.store.set_modes(Modes { pending, ..Modes::default() });
        let order = world.ordered("ctoken_processing").await;
        let transaction = world.confirm(&order).await.id();
        assert!(world.store.settle(&world.payment().id, None));
        let path = format!("/v2/orders/{order}/transactions/{transaction}");
        let status = world.get(&path).await.body["data"]["status"].clone();
        if pending == Pending::Waits {
            assert_eq!(status, "pending");
            let confirm = format!("{path}/confirm");
            let answer = world.ask("POST", &confirm, json!({ "data": {} })).await;
            assert_eq!(answer.body["data"]["status"], "complete");
        } else {
            assert_eq!(status, "complete");
        }
        assert_eq!(world.order(&order).await["payment"], "paid");
    }
}

#[tokio::test]
async fn a_pending_transaction_can_be_cancelled_if_its_mode_says_so() {
    for (cancel_pending, status, intent) in [
        (CancelPending::Allowed, 200, "canceled"),
        (CancelPending::Refused422, 422, "requires_action"),
    ] {
        let world = World::new().await;
        world.store.set_modes(Modes { cancel_pending, ..Modes::default() });
        let order = world.ordered("ctoken_3ds").await;
        let transaction = world.confirm(&order).await.id();
        let path = format!("/v2/orders/{order}/transactions/{transaction}/cancel");
        assert_eq!(world.ask("POST", &path, Value::Null).await.status, status);
        assert_eq!(world.payment().status, intent);
    }
}

#[tokio::test]
async fn a_refund_without_an_amount_gives_nothing_back() {
    for (data, refunded) in [(json!({ "amount": 3000 }), 3000), (json!({}), 0)] {
        let world = World::new().await;
        let order = world.ordered("ctoken_ok").await;
        let transaction = world.confirm(&order).await.id();
        let path = format!("/v2/orders/{order}/transactions/{transaction}/refund");
        let answer = world.ask("POST", &path, json!({ "data": data })).await;
        assert_eq!(answer.body["data"]["refunded_amount"], 3000);
        assert_eq!(world.order(&order).await["payment"], "refunded");
        assert_eq!(world.payment().amount_refunded, refunded);
        assert_eq!(world.ask("POST", &path, json!({ "data": data })).await.status, 422);
    }
}

#[tokio::test]
async fn a_free_order_is_settled_by_hand() {
    let world = World::new().await;
    let free =
        json!({ "type": "custom_item", "name": "Gift", "quantity": 1, "price": { "amount": 0 } });
    world.add(free).await;
    let order = world.check_out().await.id();
    let body = json!({ "data": {
        "gateway": "manual", "method": "purchase",
        "paymentmethod_meta": { "custom_reference": "free", "name": "Free order" },
    }});
    let path = format!("/v2/orders/{order}/payments");
    let answer = world.ask("POST", &path, body.clone()).await;
    assert_eq!((answer.status, &answer.body["data"]["reference"]), (200, &json!("manual")));
    assert_eq!(world.order(&order).await["payment"], "paid");
    assert_eq!(world.ask("POST", &path, body).await.status, 422);
    assert_eq!(world.store.breaches(&[]), Vec::<String>::new());
}

#[tokio::test]
async fn an_order_is_found_by_its_reference_once_the_index_knows_it() {
    let world = World::new().await;
    world.store.set_modes(Modes { order_index_lag_ms: 5000, ..Modes::default() });
    world.fill().await;
    let mut body = checkout();
    body["data"]["external_ref"] = json!("attempt-1");
    let order = world.ask("POST", &format!("/v2/carts/{CART}/checkout"), body).await.id();
    world.check_out().await;
    let found = |filter: &'static str| {
        let world = &world;
        async move {
            let answer = world.get(&format!("/v2/orders?filter={filter}")).await;
            let all = answer.body["data"].as_array().unwrap().clone();
            let ids: Vec<String> =
                all.iter().map(|one| one["id"].as_str().unwrap().into()).collect();
            ids
        }
    };
    assert!(found("eq(external_ref,attempt-1)").await.is_empty());
    assert_eq!(world.order(&order).await["external_ref"], "attempt-1", "by its id it is there");
    world.store.advance(Duration::from_secs(5));
    assert_eq!(found("eq(external_ref,attempt-1)").await, [order.as_str()]);
    assert_eq!(found("eq(external_ref,attempt-1):eq(payment,unpaid)").await, [order.as_str()]);
    assert!(found("eq(external_ref,attempt-1):eq(payment,paid)").await.is_empty());
    assert_eq!(found("eq(external_ref,attempt-1)%7Ceq(payment,unpaid)").await.len(), 2);
    assert_eq!(world.get("/v2/orders?filter=like(email,*a*)").await.status, 400);
}

#[tokio::test]
async fn an_order_is_cancelled_without_a_refund_and_fulfilled_when_it_is_paid() {
    let world = World::new().await;
    let order = world.ordered("ctoken_ok").await;
    let path = format!("/v2/orders/{order}");
    let put = |data: Value| {
        let (world, path) = (&world, &path);
        async move { world.ask("PUT", path, json!({ "data": data })).await }
    };
    assert_eq!(put(json!({ "type": "order", "shipping": "fulfilled" })).await.status, 422);
    world.confirm(&order).await;
    assert_eq!(world.store.stock(PAN), Some(98));
    let flows = put(json!({ "type": "order", "gift_note": "hello", "external_ref": "x" })).await;
    assert_eq!(flows.body["data"]["gift_note"], "hello");
    assert_eq!(put(json!({ "external_ref": "" })).await.body["data"].get("external_ref"), None);
    let cancelled = put(json!({ "type": "order", "status": "cancelled" })).await;
    assert_eq!(cancelled.body["data"]["status"], "cancelled");
    assert_eq!(cancelled.body["data"]["payment"], "paid");
    assert_eq!(world.store.stock(PAN), Some(100), "the goods are back");
    assert_eq!(world.payment().amount_refunded, 0, "the money is not");
}

#[tokio::test]
async fn an_order_that_is_on_its_way_cannot_be_cancelled() {
    let world = World::new().await;
    let order = world.ordered("ctoken_ok").await;
    world.confirm(&order).await;
    let path = format!("/v2/orders/{order}");
    let fulfilled = world.ask("PUT", &path, json!({ "data": { "shipping": "fulfilled" } })).await;
    assert_eq!(fulfilled.body["data"]["shipping"], "fulfilled");
    let cancel = json!({ "data": { "status": "cancelled" } });
    assert_eq!(world.ask("PUT", &path, cancel).await.status, 422);
}

#[tokio::test]
async fn a_cart_that_grew_after_its_payment_leaves_its_order_partly_paid() {
    let world = World::new().await;
    world.fill().await;
    world.pay("ctoken_ok").await;
    world.fill().await;
    let order = world.check_out().await.id();
    world.confirm(&order).await;
    let order = world.order(&order).await;
    assert_eq!(
        (&order["payment"], &order["status"]),
        (&json!("partially_paid"), &json!("incomplete"))
    );
}
