use http::Method;

use super::*;
use crate::elastic_path::script::{CART, answer, cart, ep, example, last, no, outcome};
use crate::stripe::script::says;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

async fn cart_of(body: &Value) -> Result<CartView, EpError> {
    let (ep, _, _) = ep([answer(200, body)]);
    ep.cart(Caller::Implicit, &cart()).await
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap()).unwrap()
}

#[tokio::test]
async fn a_cart_is_read_with_its_lines_and_totals() {
    let (ep, _, asked) = ep([says(200, example!("cart.get.include-items.200"))]);
    let view = ep.cart(Caller::Implicit, &cart()).await.unwrap();
    let path = format!("/v2/carts/{CART}?include=items");
    assert_eq!(last(&asked), (Method::GET, path, Value::Null));
    assert_eq!(view.id, cart());
    assert_eq!((view.subtotal, view.tax), (Some(usd(3599)), Some(usd(0))));
    assert_eq!((view.total, &view.payment), (Some(usd(3599)), &None));
    let [pan, shipping] = &view.lines[..] else { panic!("two lines") };
    assert_eq!((pan.quantity, pan.price_minor, &pan.kind), (2, 1500, &LineKind::Product));
    assert_eq!(pan.product, "3281ce38-87a7-488e-a113-9a6b2f616908".parse().ok());
    assert!(shipping.is_shipping() && !pan.is_shipping());
    assert_eq!((pan.rate.as_deref(), shipping.rate.as_deref()), (None, Some("standard")));
    assert_eq!((&shipping.kind, &shipping.product), (&LineKind::Custom, &None));
    assert!(!view.has_subscription());
}

#[tokio::test]
async fn the_hash_is_of_what_the_shopper_put_in() {
    let view = cart_of(&parsed(example!("cart.get.include-items.200"))).await.unwrap();
    let words = "b6f4a1a2-6f7e-4a39-9c54-0a1f4b0f5c11:2:1500";
    assert_eq!(view.hash(), hex::encode(Sha256::digest(words)));

    let mut other = view.clone();
    other.lines.reverse();
    other.lines.retain(|line| !line.is_shipping());
    assert_eq!(other.hash(), view.hash(), "neither order nor shipping counts");
    other.lines[0].quantity = 3;
    assert_ne!(other.hash(), view.hash());

    let empty = cart_of(&parsed(example!("cart.get.empty.200"))).await.unwrap();
    assert_eq!(empty.lines, []);
    assert_eq!(empty.hash(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[tokio::test]
async fn lines_are_hashed_in_the_order_of_their_ids_by_what_one_piece_costs() {
    let line = |id: &str, more: Value| {
        let mut line = json!({"id": id, "type": "cart_item", "quantity": 1});
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    let body = json!({"data": {"id": "c1"}, "included": {"items": [
        line("b", json!({"unit_price": {"amount": 5}, "value": {"amount": 9}})),
        line("c", json!({"type": "promotion_item", "value": {"amount": -200}})),
        line("a", json!({})),
    ]}});
    let view = cart_of(&body).await.unwrap();
    assert_eq!(view.hash(), hex::encode(Sha256::digest("a:1:0|b:1:5|c:1:-200")));
}

#[tokio::test]
async fn a_cart_whose_lines_are_left_out_does_not_look_empty() {
    let mut body = parsed(example!("cart.get.include-items.200"));
    body.as_object_mut().unwrap().remove("included");
    assert_eq!(outcome(&cart_of(&body).await), "unknown, unreadable");
    assert_eq!(outcome(&cart_of(&json!({})).await), "unknown, unreadable");
    assert_eq!(outcome(&cart_of(&json!({"data": {}})).await), "unknown, unreadable");
}

#[tokio::test]
async fn an_amount_with_a_fraction_or_an_id_that_is_a_path_is_not_read() {
    let mut body = parsed(example!("cart.get.include-items.200"));
    let amount = "/data/meta/display_price/with_tax/amount";
    *body.pointer_mut(amount).unwrap() = json!(35.99);
    assert_eq!(outcome(&cart_of(&body).await), "unknown, unreadable");
    *body.pointer_mut(amount).unwrap() = json!(3599);
    *body.pointer_mut("/data/id").unwrap() = json!("../orders");
    assert_eq!(outcome(&cart_of(&body).await), "unknown, unreadable");
}

#[tokio::test]
async fn what_is_absent_may_be_null_empty_or_not_there() {
    let body = json!({"data": {
        "id": "c1", "payment_intent_id": "", "new_field": {"x": 1},
        "meta": {"display_price": {"with_tax": {"amount": 0, "currency": ""}, "tax": null}},
        "relationships": {"items": {"data": null}, "accounts": {"data": {"id": "a1"}}},
    }});
    let view = cart_of(&body).await.unwrap();
    assert_eq!((view.total, view.tax, view.payment), (None, None, None));
    assert_eq!(view.accounts, ["a1".parse().unwrap()]);
    let body = json!({"data": {"id": "c1", "relationships": {
        "accounts": {"data": [{"id": "a1"}, {"id": "a2"}]},
    }}});
    assert_eq!(cart_of(&body).await.unwrap().accounts.len(), 2);
}

#[tokio::test]
async fn a_subscription_is_known_by_its_kind() {
    let line = json!({"id": "i1", "type": "subscription_item", "quantity": 1});
    let body = json!({"data": {"id": "c1"}, "included": {"items": [line]}});
    assert!(cart_of(&body).await.unwrap().has_subscription());
    let line = json!({"id": "i1", "type": "a_word_of_tomorrow", "quantity": 1});
    let body = json!({"data": {"id": "c1"}, "included": {"items": [line]}});
    let view = cart_of(&body).await.unwrap();
    assert_eq!(view.lines[0].kind, LineKind::Other("a_word_of_tomorrow".into()));
}

#[tokio::test]
async fn items_are_added_changed_and_removed() {
    let items = example!("cart.items.post.201");
    let (ep, _, asked) = ep([says(201, items), says(201, items), says(200, items), no(404)]);
    let two = NonZeroU32::new(2).unwrap();
    let product = "3281ce38-87a7-488e-a113-9a6b2f616908";
    let item = NewItem::Product { product: product.parse().unwrap(), quantity: two };
    let lines = ep.add_item(Caller::Implicit, &cart(), &item).await.unwrap();
    assert_eq!((lines.len(), lines[0].quantity), (1, 2));
    let path = format!("/v2/carts/{CART}/items");
    let body = json!({"data": {"type": "cart_item", "id": product, "quantity": 2}});
    assert_eq!(last(&asked), (Method::POST, path.clone(), body));

    let shipping = NewItem::Shipping(ShippingLine {
        name: "Standard Shipping".into(),
        rate_id: "standard".into(),
        service_level: "standard".into(),
        price: usd(599),
    });
    ep.add_item(Caller::Implicit, &cart(), &shipping).await.unwrap();
    let body = json!({"data": {
        "type": "custom_item", "name": "Standard Shipping", "sku": "__ep_shipping",
        "quantity": 1, "price": {"amount": 599, "includes_tax": true},
        "custom_inputs": {"kind": "shipping", "rateId": "standard", "serviceLevel": "standard"},
    }});
    assert_eq!(last(&asked), (Method::POST, path, body));

    let line = "i1".parse().unwrap();
    ep.change_quantity(Caller::Implicit, &cart(), &line, two).await.unwrap();
    let path = format!("/v2/carts/{CART}/items/i1");
    let body = json!({"data": {"type": "cart_item", "id": "i1", "quantity": 2}});
    assert_eq!(last(&asked), (Method::PUT, path.clone(), body));
    ep.remove_item(Caller::Implicit, &cart(), &line).await.unwrap();
    assert_eq!(last(&asked), (Method::DELETE, path, Value::Null));
}

#[tokio::test]
async fn attributes_carry_their_kind_and_leave_those_of_others() {
    let others = json!({"type": "string", "value": "autumn"});
    let kept = json!({"data": {"id": CART, "custom_attributes": {"campaign": others, "gift": 1}}});
    let (ep, _, asked) = ep([says(200, kept.to_string()), says(200, "{}")]);
    let seen = ep.cart(Caller::Implicit, &cart()).await.unwrap();
    let attributes = BTreeMap::from([
        ("note".to_owned(), Attribute::Text("ring twice".into())),
        ("gift".to_owned(), Attribute::Flag(true)),
        ("floor".to_owned(), Attribute::Number(3.into())),
        ("weight".to_owned(), Attribute::Number(serde_json::from_str("1.5").unwrap())),
    ]);
    ep.add_attributes(Caller::Implicit, &seen, &attributes).await.unwrap();
    let body = json!({"data": {"custom_attributes": {
        "campaign": others,
        "note": {"type": "string", "value": "ring twice"},
        "gift": {"type": "boolean", "value": true},
        "floor": {"type": "integer", "value": 3},
        "weight": {"type": "float", "value": 1.5},
    }}});
    assert_eq!(last(&asked), (Method::PUT, format!("/v2/carts/{CART}"), body));
}

#[tokio::test]
async fn attributes_that_a_cart_has_already_are_not_said_again() {
    let there = json!({"gift": {"value": true, "type": "boolean"}, "more": null});
    let kept = json!({"data": {"id": CART, "custom_attributes": there}});
    let (ep, _, asked) = ep([says(200, kept.to_string())]);
    let seen = ep.cart(Caller::Implicit, &cart()).await.unwrap();
    for attributes in
        [BTreeMap::new(), BTreeMap::from([("gift".to_owned(), Attribute::Flag(true))])]
    {
        ep.add_attributes(Caller::Implicit, &seen, &attributes).await.unwrap();
    }
    assert_eq!(last(&asked).0, Method::GET);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_sent_once_and_what_is_gone_is_deleted() {
    for (step, ended) in [
        (says(204, ""), "answer"),
        (no(404), "answer"),
        (says(400, example!("error.400.last-cart")), "refused 400"),
        (no(403), "refused 403"),
        (no(409), "unknown 409"),
        (no(500), "unknown 500"),
    ] {
        let (ep, admin, asked) = ep([step]);
        let result = ep.delete_cart(Caller::Admin(&admin), &cart()).await;
        assert_eq!(outcome(&result), ended);
        assert_eq!(last(&asked), (Method::DELETE, format!("/v2/carts/{CART}"), Value::Null));
        if let Err(EpError::Refused(no)) = result {
            assert_eq!(no.is_last_cart(), no.status == 400);
        }
    }
}

#[tokio::test]
async fn a_cart_is_given_to_an_account_and_taken_away() {
    let (ep, admin, asked) = ep([says(204, ""), says(204, "")]);
    let account = "a1".parse().unwrap();
    let path = format!("/v2/carts/{CART}/relationships/accounts");
    let body = json!({"data": [{"id": "a1", "type": "account"}]});
    ep.associate(Caller::Admin(&admin), &cart(), &account).await.unwrap();
    assert_eq!(last(&asked), (Method::POST, path.clone(), body.clone()));
    ep.dissociate(Caller::Admin(&admin), &cart(), &account).await.unwrap();
    assert_eq!(last(&asked), (Method::DELETE, path, body));
}
