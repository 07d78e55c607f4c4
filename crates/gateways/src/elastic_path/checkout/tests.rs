//! The checkout body builder: guest and account, empty texts and never null.

use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::elastic_path::{
    order::{OrderPayment, OrderStatus},
    script::{CART, ORDER, cart, ep, example, external_ref, last, no, outcome, payment},
};
use crate::stripe::script::says;

fn jane() -> EpAddress {
    EpAddress {
        first_name: "Jane".into(),
        last_name: "Doe".into(),
        line_1: "123 Main St".into(),
        city: "Springfield".into(),
        region: "IL".into(),
        postcode: "62701".into(),
        country: "US".into(),
        ..EpAddress::default()
    }
}

fn contact() -> Contact {
    Contact { name: "Jane Doe".into(), email: "jane@example.com".parse().unwrap() }
}

fn body(buyer: Buyer, billing: EpAddress, shipping: EpAddress) -> Value {
    let request = CheckoutRequest { buyer, external_ref: external_ref(), billing, shipping };
    serde_json::from_str(&encode(&request)).unwrap()
}

fn billing() -> Value {
    json!({
        "first_name": "Jane", "last_name": "Doe", "company_name": "", "line_1": "123 Main St",
        "line_2": "", "city": "Springfield", "county": "", "region": "IL",
        "postcode": "62701", "country": "US",
    })
}

fn shipping() -> Value {
    let mut address = billing();
    address["phone_number"] = json!("");
    address["instructions"] = json!("");
    address
}

#[test]
fn a_guest_is_a_customer() {
    assert_eq!(
        body(Buyer::Guest(contact()), jane(), jane()),
        json!({"data": {
            "customer": {"name": "Jane Doe", "email": "jane@example.com"},
            "external_ref": external_ref().as_str(),
            "billing_address": billing(),
            "shipping_address": shipping(),
        }})
    );
}

#[test]
fn an_account_is_named_with_its_member_or_known_by_its_token() {
    let contacted = json!({"name": "Jane Doe", "email": "jane@example.com"});
    let named = Buyer::Account {
        account: "a1".parse().unwrap(),
        member: "m1".parse().unwrap(),
        contact: contact(),
    };
    assert_eq!(
        body(named, jane(), jane()),
        json!({"data": {
            "account": {"id": "a1", "member_id": "m1"},
            "contact": contacted,
            "external_ref": external_ref().as_str(),
            "billing_address": billing(),
            "shipping_address": shipping(),
        }})
    );
    assert_eq!(
        body(Buyer::TokenHolder(contact()), jane(), jane()),
        json!({"data": {
            "contact": contacted,
            "external_ref": external_ref().as_str(),
            "billing_address": billing(),
            "shipping_address": shipping(),
        }})
    );
}

fn nulls(value: &Value) -> usize {
    match value {
        Value::Null => 1,
        Value::Array(items) => items.iter().map(nulls).sum(),
        Value::Object(fields) => fields.values().map(nulls).sum(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[test]
fn what_is_not_known_is_an_empty_text_and_never_null() {
    let body = body(Buyer::Guest(contact()), EpAddress::default(), EpAddress::default());
    assert_eq!(nulls(&body), 0, "{body}");
    let empty = json!({
        "first_name": "", "last_name": "", "company_name": "", "line_1": "", "line_2": "",
        "city": "", "county": "", "postcode": "", "country": "",
    });
    assert_eq!(body["data"]["billing_address"], empty);
    assert_eq!(body["data"]["shipping_address"]["phone_number"], "");
}

#[test]
fn the_same_request_always_makes_the_same_bytes() {
    let request = CheckoutRequest {
        buyer: Buyer::Guest(contact()),
        external_ref: external_ref(),
        billing: jane(),
        shipping: jane(),
    };
    assert_eq!(encode(&request), encode(&request.clone()));
}

#[test]
fn no_log_shows_who_buys_or_where_she_lives() {
    let request = CheckoutRequest {
        buyer: Buyer::Guest(contact()),
        external_ref: external_ref(),
        billing: jane(),
        shipping: jane(),
    };
    let shown = format!("{request:?}");
    assert!(!["Jane", "Doe", "Main", "jane@"].iter().any(|word| shown.contains(word)), "{shown}");
}

#[tokio::test]
async fn a_checkout_makes_an_unpaid_order_linked_to_the_payment() {
    let (ep, _, asked) = ep([says(201, example!("checkout.post.201"))]);
    let order = ep.checkout(Caller::Implicit, &cart(), r#"{"data":{}}"#).await.unwrap();
    assert_eq!(
        last(&asked),
        (Method::POST, format!("/v2/carts/{CART}/checkout"), json!({"data": {}}))
    );
    assert_eq!(order.id, ORDER.parse().unwrap());
    assert_eq!((order.status, order.payment), (OrderStatus::Incomplete, OrderPayment::Unpaid));
    assert_eq!(
        (order.total.map(|total| total.minor()), order.linked),
        (Some(3599), Some(payment()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_checkout_that_is_refused_says_why_and_one_without_an_answer_is_not_repeated() {
    let (client, _, _) = ep([says(400, example!("error.400.stock"))]);
    let error = client.checkout(Caller::Implicit, &cart(), "{}").await.unwrap_err();
    let no_stock = error.refusal().unwrap();
    assert!(no_stock.is_out_of_stock());
    assert_eq!(no_stock.entries[0].sku.as_deref(), Some("fry-pan-26"));

    let (client, _, _) = ep([says(400, example!("error.400.email"))]);
    let error = client.checkout(Caller::Implicit, &cart(), "{}").await.unwrap_err();
    let entry = &error.refusal().unwrap().entries[0];
    assert_eq!(entry.source.as_deref(), Some("data.customer.email"));

    for status in [409, 500] {
        let (client, _, asked) = ep([no(status)]);
        let result = client.checkout(Caller::Implicit, &cart(), "{}").await;
        assert_eq!(outcome(&result), format!("unknown {status}"));
        assert_eq!(asked.lock().unwrap().len(), 2);
    }
}
