//! What gets into a cart, and what keeps it out.

use serde_json::{Value, json};
use simulators::elastic_path::Product;

use crate::world::{CART, EBOOK, PAN, World};

fn items() -> String {
    format!("/v2/carts/{CART}/items")
}

fn pans(quantity: i64) -> Value {
    json!({ "type": "cart_item", "id": PAN, "quantity": quantity })
}

fn shipping(amount: i64) -> Value {
    json!({
        "type": "custom_item", "name": "Standard Shipping", "sku": "__ep_shipping", "quantity": 1,
        "price": { "amount": amount, "includes_tax": true },
        "custom_inputs": { "kind": "shipping" },
    })
}

#[tokio::test]
async fn goods_are_found_by_id_or_number_and_the_same_are_one_line() {
    let world = World::new().await;
    assert_eq!(*world.add(pans(1)).await.total(), 1500);
    let by_sku = json!({ "type": "cart_item", "sku": "fry-pan-26", "quantity": 2 });
    let answer = world.add(by_sku).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(answer.body["data"][0]["quantity"], 3);
    assert_eq!(*answer.total(), 4500);
    let unknown = json!({ "type": "cart_item", "sku": "nothing", "quantity": 1 });
    assert_eq!(world.add(unknown).await.refusal(), "404 Product not found");
}

#[tokio::test]
async fn custom_items_cost_what_they_say_but_never_less_than_nothing() {
    let world = World::new().await;
    world.add(pans(2)).await;
    let answer = world.add(shipping(599)).await;
    assert_eq!(*answer.total(), 3599);
    let line = &answer.body["data"][1];
    assert_eq!((&line["type"], &line["sku"]), (&json!("custom_item"), &json!("__ep_shipping")));
    assert_eq!(answer.body["meta"]["display_price"]["shipping"]["amount"], 0);
    let merged = world.add(shipping(100)).await;
    assert_eq!(merged.body["data"][1]["quantity"], 2);
    assert_eq!(world.add(shipping(-1)).await.refusal(), "400 number_gte");
}

#[tokio::test]
async fn a_code_takes_off_its_part_and_a_wrong_one_nothing() {
    let world = World::new().await;
    world.add(pans(2)).await;
    let answer = world.add(json!({ "type": "promotion_item", "code": "SAVE10" })).await;
    assert_eq!(*answer.total(), 2700);
    let prices = &answer.body["meta"]["display_price"];
    assert_eq!(prices["discount"]["amount"], -300);
    assert_eq!(prices["without_discount"]["amount"], 3000);
    let wrong = world.add(json!({ "type": "promotion_item", "code": "SAVE99" })).await;
    assert_eq!((wrong.status, &wrong.body["errors"][0]["meta"]["code"]), (404, &json!("SAVE99")));
    let off = format!("/v2/carts/{CART}/discounts/SAVE10");
    assert_eq!(world.ask("DELETE", &off, Value::Null).await.status, 204);
    assert_eq!(*world.get(&items()).await.total(), 3000);
}

#[tokio::test]
async fn a_code_that_ends_makes_the_cart_cost_more() {
    let world = World::new().await;
    world.add(pans(2)).await;
    world.add(json!({ "type": "promotion_item", "code": "SAVE10" })).await;
    world.store.end_promotion("SAVE10");
    assert_eq!(*world.get(&items()).await.total(), 3000);
}

#[tokio::test]
async fn a_price_that_changes_changes_the_carts_that_have_it() {
    let world = World::new().await;
    world.add(pans(2)).await;
    assert!(world.store.set_price(PAN, "USD", 1600));
    assert_eq!(*world.get(&items()).await.total(), 3200);
}

#[tokio::test]
async fn tax_comes_on_top_of_what_a_product_costs() {
    let world = World::new().await;
    let mug = Product { tax_basis_points: 2000, ..Product::new("mug", "Mug", "USD", 1000) };
    let mug = world.store.add_product(mug);
    let answer = world.add(json!({ "type": "cart_item", "id": mug, "quantity": 3 })).await;
    let prices = &answer.body["meta"]["display_price"];
    let amounts = ["with_tax", "without_tax", "tax"].map(|name| prices[name]["amount"].clone());
    assert_eq!(amounts, [3600, 3000, 600].map(Value::from));
}

#[tokio::test]
async fn there_is_no_more_than_the_stock_unless_the_cart_asks_later() {
    let world = World::new().await;
    world.store.set_stock(PAN, Some(3));
    assert_eq!(world.add(pans(2)).await.status, 201);
    let refused = world.add(pans(2)).await;
    assert_eq!(refused.refusal(), "400 Insufficient stock");
    assert_eq!(refused.body["errors"][0]["meta"]["sku"], "fry-pan-26");
    assert_eq!(world.get(&items()).await.body["data"][0]["quantity"], 2, "left as it was");
    let defer = json!({ "data": { "inventory_settings": { "defer_inventory_check": true } } });
    assert_eq!(world.ask("PUT", &format!("/v2/carts/{CART}"), defer).await.status, 200);
    assert_eq!(world.add(pans(2)).await.status, 201);
    assert_eq!(world.check_out().await.refusal(), "400 Insufficient stock");
    assert_eq!(world.store.stock(PAN), Some(3), "a cart puts nothing aside");
}

#[tokio::test]
async fn the_first_line_decides_on_the_currency() {
    let world = World::new().await;
    world.store.set_price(PAN, "EUR", 1400);
    let bearer = format!("Bearer {}", world.shopper);
    let euros = [("authorization", bearer.as_str()), ("x-moltin-currency", "EUR")];
    let body = json!({ "data": pans(1) });
    let answer = world.with_headers(&euros, "POST", &items(), body).await.unwrap();
    assert_eq!(answer.body["data"][0]["unit_price"]["currency"], "EUR");
    let ebook = json!({ "type": "cart_item", "id": EBOOK, "quantity": 1 });
    assert_eq!(world.add(ebook).await.status, 400, "it has no price in euros");
}

#[tokio::test]
async fn a_cart_has_a_hundred_lines_at_most() {
    let world = World::new().await;
    let line = |number: usize| {
        let mut line = shipping(1);
        line["sku"] = json!(format!("line-{number}"));
        line
    };
    let lines: Vec<Value> = (0..100).map(line).collect();
    let answer = world.add(json!(lines)).await;
    assert_eq!(answer.body["data"].as_array().unwrap().len(), 100);
    assert_eq!(world.add(line(100)).await.status, 400);
}

#[tokio::test]
async fn several_at_once_are_all_or_nothing_unless_told_otherwise() {
    let world = World::new().await;
    let data = json!([pans(1), { "type": "cart_item", "sku": "nothing", "quantity": 1 }]);
    assert_eq!(world.add(data.clone()).await.status, 404);
    assert_eq!(world.get(&items()).await.body["data"], json!([]));
    let body = json!({ "data": data, "options": { "add_all_or_nothing": false } });
    let answer = world.ask("POST", &items(), body).await;
    assert_eq!(answer.refusal(), "201 Product not found", "a success with errors in it");
    assert_eq!(answer.body["data"][0]["quantity"], 1);
}

#[tokio::test]
async fn items_are_changed_and_removed_one_by_one_or_together() {
    let world = World::new().await;
    let first = world.add(pans(1)).await.body["data"][0]["id"].as_str().unwrap().to_owned();
    world.add(shipping(500)).await;
    let one = format!("{}/{first}", items());
    let put = |data: Value| json!({ "data": data });
    let answer = world.ask("PUT", &one, put(json!({ "type": "cart_item", "quantity": 4 }))).await;
    assert_eq!((answer.status, answer.total()), (200, &json!(6500)));
    assert_eq!(world.ask("PUT", &one, put(json!({ "quantity": 0 }))).await.status, 400);
    let bulk = put(json!([{ "id": first, "quantity": 2 }]));
    assert_eq!(*world.ask("PUT", &items(), bulk).await.total(), 3500);
    let unknown = put(json!([{ "id": "nobody", "quantity": 2 }]));
    assert_eq!(world.ask("PUT", &items(), unknown).await.refusal(), "404 Not Found");
    let rest = world.ask("DELETE", &one, Value::Null).await;
    assert_eq!((rest.status, rest.total()), (200, &json!(500)));
    assert_eq!(world.ask("DELETE", &items(), Value::Null).await.status, 204);
    assert_eq!(*world.get(&items()).await.total(), 0);
}

#[tokio::test]
async fn a_subscription_is_a_line_and_a_cart_can_take_in_another() {
    let world = World::new().await;
    let subscription = json!({
        "type": "subscription_item", "id": EBOOK, "quantity": 1,
        "subscription_configuration": { "pricing_option": "monthly" },
    });
    let answer = world.add(subscription).await;
    assert_eq!(answer.body["data"][0]["type"], "subscription_item");
    let merge = json!({ "data": { "type": "cart_items", "cart_id": CART } });
    let merged = world.ask("POST", "/v2/carts/another/items", merge).await;
    assert_eq!((merged.status, merged.total()), (201, &json!(900)));
}
