//! Carts: made by looking, gone by waiting, never missing.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::elastic_path::{DeleteUnknownCart, Modes};

use crate::world::{CART, World};

fn path() -> String {
    format!("/v2/carts/{CART}")
}

#[tokio::test]
async fn an_unknown_cart_is_made_by_reading_it() {
    let world = World::new().await;
    let answer = world.get(&path()).await;
    assert_eq!((answer.status, answer.id().as_str()), (200, CART));
    assert_eq!(answer.body["data"]["relationships"]["items"]["data"], Value::Null);
    assert_eq!(answer.body.get("included"), None);
    assert_eq!(*answer.total(), 0);
}

#[tokio::test]
async fn a_deleted_cart_is_an_empty_one_of_the_same_id() {
    let world = World::new().await;
    world.fill().await;
    assert_eq!(*world.get(&path()).await.total(), 3000);
    assert_eq!(world.ask("DELETE", &path(), Value::Null).await.status, 204);
    let answer = world.get(&path()).await;
    assert_eq!((answer.status, answer.id().as_str()), (200, CART));
    assert_eq!(*answer.total(), 0);
}

#[tokio::test]
async fn deleting_a_cart_that_is_not_there_answers_as_its_mode_says() {
    let world = World::new().await;
    assert_eq!(world.ask("DELETE", "/v2/carts/nobody", Value::Null).await.status, 204);
    let modes = Modes { delete_unknown_cart: DeleteUnknownCart::NotFound, ..Modes::default() };
    world.store.set_modes(modes);
    assert_eq!(world.ask("DELETE", "/v2/carts/nobody", Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_cart_lives_a_week_after_its_last_change_and_reading_is_none() {
    let world = World::new().await;
    world.fill().await;
    let day = Duration::from_secs(24 * 60 * 60);
    world.store.advance(6 * day);
    world.store.clear_faults();
    let world = World { server: world.mint("client_credentials").await, ..world };
    let answer = world.get(&path()).await;
    let times = &answer.body["data"]["meta"]["timestamps"];
    assert_eq!(times["expires_at"], "2026-11-28T10:00:00Z");
    world.store.advance(day);
    let world = World { server: world.mint("client_credentials").await, ..world };
    assert_eq!(*world.get(&path()).await.total(), 0);
}

#[tokio::test]
async fn items_come_along_when_asked_for_in_either_way_of_writing_a_list() {
    let world = World::new().await;
    world.fill().await;
    assert_eq!(world.get(&path()).await.body.get("included"), None);
    for query in ["include=items", "include=promotions,items", "include=promotions&include=items"] {
        let answer = world.get(&format!("{}?{query}", path())).await;
        assert_eq!(answer.body["included"]["items"][0]["quantity"], 2, "{query}");
    }
}

#[tokio::test]
async fn custom_attributes_are_replaced_as_a_whole_and_checked_by_their_types() {
    let world = World::new().await;
    let put = |attributes: Value| {
        let body = json!({ "data": { "custom_attributes": attributes } });
        let world = &world;
        async move { world.ask("PUT", &path(), body).await }
    };
    put(json!({ "a": { "type": "string", "value": "x" } })).await;
    let second = put(json!({ "b": { "type": "integer", "value": 3 } })).await;
    let expected = json!({ "b": { "type": "integer", "value": 3 } });
    assert_eq!(second.body["data"]["custom_attributes"], expected);
    assert_eq!(put(json!({ "a": { "type": "integer", "value": "x" } })).await.status, 400);
}

#[tokio::test]
async fn only_the_empty_text_takes_a_payment_from_a_cart() {
    let world = World::new().await;
    world.fill().await;
    let intent = world.pay("ctoken_3ds").await.intent()["id"].clone();
    assert_eq!(world.get(&path()).await.body["data"]["payment_intent_id"], intent);
    for wrong in [json!(null), json!("pi_other")] {
        let body = json!({ "data": { "payment_intent_id": wrong } });
        assert_eq!(world.ask("PUT", &path(), body).await.status, 400);
    }
    let body = json!({ "data": { "payment_intent_id": "" } });
    assert_eq!(world.ask("PUT", &path(), body).await.status, 200);
    assert_eq!(world.get(&path()).await.body["data"].get("payment_intent_id"), None);
    assert_eq!(world.payment().status, "requires_action", "it can be paid all the same");
}

#[tokio::test]
async fn an_account_is_associated_once_and_its_last_cart_stays() {
    let world = World::new().await;
    let (account, _) = world.store.add_account();
    let body = json!({ "data": [{ "id": account, "type": "account" }] });
    let accounts = format!("{}/relationships/accounts", path());
    assert_eq!(world.ask("POST", &accounts, body.clone()).await.status, 200);
    assert_eq!(world.ask("POST", &accounts, body.clone()).await.status, 204);
    let (other, _) = world.store.add_account();
    let another = json!({ "data": [{ "id": other, "type": "account" }] });
    assert_eq!(world.ask("POST", &accounts, another).await.status, 403);
    assert_eq!(world.ask("DELETE", &path(), Value::Null).await.refusal(), "400 Last cart");
    assert_eq!(world.ask("DELETE", &accounts, body).await.status, 204);
    assert_eq!(world.ask("DELETE", &path(), Value::Null).await.status, 204);
}

#[tokio::test]
async fn a_guests_cart_with_her_email_takes_no_account() {
    let world = World::new().await;
    let (account, _) = world.store.add_account();
    let contact = json!({ "data": { "contact": { "email": "jane@example.com" } } });
    assert_eq!(world.ask("PUT", &path(), contact).await.status, 200);
    let body = json!({ "data": [{ "id": account, "type": "account" }] });
    let accounts = format!("{}/relationships/accounts", path());
    let answer = world.ask("POST", &accounts, body).await;
    assert_eq!(answer.refusal(), "422 Cannot associate accounts to carts with contact emails");
    assert_eq!(answer.body["errors"][0]["status"], 400, "the inner status differs");
}

#[tokio::test]
async fn shipping_groups_are_the_only_shipping_that_a_cart_calls_so() {
    let world = World::new().await;
    world.fill().await;
    let groups = format!("{}/shipping-groups", path());
    let body = json!({ "data": {
        "type": "shipping_group", "shipping_type": "standard",
        "shipping_price": { "total": 599, "base": 599 },
    }});
    let group = world.ask("POST", &groups, body).await;
    assert_eq!(group.status, 201);
    let cart = world.get(&path()).await;
    assert_eq!(cart.body["data"]["meta"]["display_price"]["shipping"]["amount"], 599);
    assert_eq!(*cart.total(), 3599);
    let one = format!("{groups}/{}", group.id());
    assert_eq!(world.ask("DELETE", &one, Value::Null).await.status, 204);
    assert_eq!(*world.get(&path()).await.total(), 3000);
}
