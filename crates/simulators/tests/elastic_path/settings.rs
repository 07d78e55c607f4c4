//! What is sold and what the merchant has set.

use serde_json::{Value, json};

use crate::world::{PAN, World};

#[tokio::test]
async fn the_catalogue_is_read_by_id_and_by_filter() {
    let world = World::new().await;
    let one = world.get(&format!("/catalog/products/{PAN}")).await;
    assert_eq!(one.body["data"]["attributes"]["commodity_type"], "physical");
    let price = &one.body["data"]["meta"]["display_price"]["without_tax"];
    assert_eq!(*price, json!({ "amount": 1500, "currency": "USD", "formatted": "$15.00" }));
    let ids = format!("/catalog/products?filter=in(id,{PAN},nobody)");
    let listed = world.get(&ids).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(listed.body["meta"]["results"]["total"], 1);
    assert_eq!(world.get("/catalog/products/nobody").await.status, 404);
}

#[tokio::test]
async fn lists_come_a_page_at_a_time() {
    let world = World::new().await;
    let ids = |body: &Value| -> Vec<String> {
        let all = body["data"].as_array().unwrap();
        all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&world.get("/catalog/products").await.body);
    let first = world.get("/catalog/products?page%5Blimit%5D=2").await.body;
    let second = world.get("/catalog/products?page[limit]=2&page[offset]=2").await.body;
    assert_eq!([ids(&first), ids(&second)].concat(), all);
    assert_eq!(
        second["meta"]["page"],
        json!({ "limit": 2, "offset": 2, "current": 2, "total": 2 })
    );
    assert_eq!(world.get("/catalog/products?page[offset]=10001").await.status, 400);
}

#[tokio::test]
async fn settings_are_kept_and_shown_to_the_server() {
    let world = World::new().await;
    assert_eq!(world.get("/v2/currencies").await.body["data"][0]["code"], "USD");
    let gateway = "/v2/gateways/elastic_path_payments_stripe";
    let account = world.get(gateway).await.body["data"]["stripe_account"].clone();
    assert_eq!(account, "acct_1TillElasticPath");
    let body = json!({ "data": { "enabled": false } });
    assert_eq!(world.ask("PUT", gateway, body).await.body["data"]["enabled"], false);
    assert_eq!(world.ask_as(&world.shopper, "GET", gateway, Value::Null).await.status, 403);

    let body = json!({ "data": { "name": "orders", "observes": ["order.paid"] } });
    let id = world.ask("POST", "/v2/integrations", body).await.id();
    let path = format!("/v2/integrations/{id}");
    assert_eq!(world.get(&path).await.body["data"]["observes"], json!(["order.paid"]));
    assert_eq!(world.ask("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(world.get(&path).await.status, 404);
    assert_eq!(world.get("/v2/subscriptions").await.status, 404, "which nobody simulates");
}
