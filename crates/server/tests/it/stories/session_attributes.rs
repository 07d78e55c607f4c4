//! What a storefront notes with an order goes with it, as it was when the shopper paid.

use std::collections::BTreeMap;

use gateways::elastic_path::{Caller, cart::Attribute};
use http::Method;
use serde_json::{Map, Value, json};
use simulators::elastic_path::{ErrorShape, FaultKind};

use super::{
    notice::{tell, until_told},
    operator::till,
    session_pay::{CURRENT, order, pay, shopper, state, until_paid},
};
use crate::{
    browser::{Browser, state as stands},
    erp::Erp,
    guest::{Card, Guest},
    platform::{Platform, platform_stories},
    shop::stories,
};

const ALLOWED: (&str, &str) = ("TILL_CUSTOM_ATTRIBUTES", "gift, count, price, note");

async fn note(guest: &Guest<'_>, attributes: &Value) -> u16 {
    guest.patch(CURRENT, json!({ "customAttributes": attributes })).await.status
}

stories! {
    async fn what_the_storefront_notes_goes_with_the_order_wherever_it_is_shown(shop: Shop) {
        let (erp, url, _serving) = Erp::serve().await;
        let mut shop = shop;
        shop.restart_with([ALLOWED]).await;
        tell(&mut shop, &[&url]).await;
        let guest = shopper(&shop).await;
        // A text of many lines, as a shopper types one.
        let noted = json!({ "count": 3, "gift": true, "note": "Ring\ntwice \\n", "price": 1.50 });
        assert_eq!(note(&guest, &noted).await, 200);
        assert_eq!(note(&guest, &json!({ "secret": "x" })).await, 200);
        let paid = pay(&guest, Card::Good).await;
        assert_eq!(state(&paid), "200 complete succeeded");
        let id = order(&paid);
        until_paid(&shop, &guest, id).await;

        let seen = guest.get(&format!("/api/orders/{id}")).await;
        assert_eq!(seen.body["customAttributes"], noted);
        let table = till(&shop, &["show", id]).await.out;
        let line = r#"noted    {"count":3,"gift":true,"note":"Ring\ntwice \\n","price":1.5}"#;
        assert!(table.lines().any(|one| one == line), "{table}");
        let shown = till(&shop, &["show", id, "--json"]).await.json_lines();
        assert_eq!(shown[0]["order"]["customAttributes"], noted);
        let exported = till(&shop, &["export"]).await.out;
        let mut rows = csv::Reader::from_reader(exported.as_bytes());
        let column = rows.headers().unwrap().iter().position(|name| name == "custom_attributes");
        let row = rows.records().next().unwrap().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&row[column.unwrap()]).unwrap(), noted);
        until_told(&shop, &erp, "order.paid").await;
        assert_eq!(erp.posted()[0].json()["data"]["customAttributes"], noted);
        shop.close().await;
    }

    async fn what_was_noted_with_an_order_is_not_changed_by_what_is_noted_later(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([ALLOWED]).await;
        let guest = shopper(&shop).await;
        note(&guest, &json!({ "gift": true })).await;
        assert_eq!(state(&pay(&guest, Card::Declined).await), "200 open failed");
        // The order of the declined try keeps what was noted then; the next one has both.
        note(&guest, &json!({ "note": "Ring" })).await;
        let paid = pay(&guest, Card::Good).await;
        assert_eq!(state(&paid), "200 complete succeeded");
        assert_eq!(note(&guest, &json!({ "gift": false })).await, 400, "it is ordered");
        until_paid(&shop, &guest, order(&paid)).await;
        let shown = till(&shop, &["list", "--json"]).await;
        let noted: Vec<Value> = {
            let lines = shown.json_lines();
            lines.iter().map(|order| order["customAttributes"].clone()).collect()
        };
        assert_eq!(noted, [json!({ "gift": true, "note": "Ring" }), json!({ "gift": true })]);
        shop.close().await;
    }

    async fn what_the_shop_takes_no_longer_is_not_noted_with_the_order(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([ALLOWED]).await;
        let cookie = {
            let guest = shopper(&shop).await;
            note(&guest, &json!({ "gift": true, "note": "Ring" })).await;
            guest.cookie()
        };
        shop.restart_with([("TILL_CUSTOM_ATTRIBUTES", "note")]).await;
        let guest = Guest::returning(&shop, cookie);
        let paid = pay(&guest, Card::Good).await;
        assert_eq!(state(&paid), "200 complete succeeded");
        let seen = guest.get(&format!("/api/orders/{}", order(&paid))).await;
        assert_eq!(seen.body["customAttributes"], json!({ "note": "Ring" }));
        until_paid(&shop, &guest, order(&paid)).await;
        shop.close().await;
    }
}

/// A shopper at Elastic Path with something noted, whose storefront has put something on the cart
/// itself.
async fn noting<'a>(shop: &'a Platform, allowed: &str, noted: &Value) -> Browser<'a> {
    let guest = Browser::open(shop, &[("TILL_CUSTOM_ATTRIBUTES", allowed)]);
    guest.ready().await;
    let cart = shop.cart(&guest.cart().await.parse().unwrap()).await;
    let campaign = BTreeMap::from([("campaign".to_owned(), Attribute::Text("autumn".into()))]);
    shop.px.elastic_path.add_attributes(Caller::Implicit, &cart, &campaign).await.unwrap();
    assert_eq!(guest.patch(json!({ "customAttributes": noted })).await.status, 200);
    guest
}

/// The fields of the one order.
fn fields(shop: &Platform) -> Map<String, Value> {
    shop.ep.ledger().orders[0].fields.clone()
}

platform_stories! {
    async fn what_is_noted_goes_with_the_order_at_the_platform_and_replaces_nothing(shop: Platform) {
        // A shopper can name the platform's own fields, if the merchant lets her.
        let noted = json!({ "gift": true, "note": "Ring", "status": "cancelled",
                            "shipping": "fulfilled", "external_ref": "x" });
        let allowed = "gift, note, status, shipping, external_ref";
        let guest = noting(&shop, allowed, &noted).await;
        assert_eq!(stands(&guest.pay("ctoken_ok").await), "200 complete succeeded");

        let order = shop.ep.ledger().orders[0].clone();
        assert_eq!((order.status, order.payment), ("complete", "paid"));
        let beside = order.custom_attributes.unwrap();
        assert_eq!(beside["campaign"], json!({ "type": "string", "value": "autumn" }));
        assert_eq!(beside["gift"], json!({ "type": "boolean", "value": true }));
        assert_eq!(Value::from(fields(&shop)), json!({ "gift": true, "note": "Ring" }));
        shop.close().await;
    }

    async fn what_anybody_may_name_is_kept_beside_the_cart_and_not_in_the_orders_fields(shop: Platform) {
        let guest = noting(&shop, "*", &json!({ "discount": "100" })).await;
        assert_eq!(stands(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        let order = shop.ep.ledger().orders[0].clone();
        assert_eq!(order.custom_attributes.unwrap()["discount"]["value"], "100");
        assert_eq!(fields(&shop), Map::new());
        assert_eq!(shop.purchases().await, "1 cleaned");
        shop.close().await;
    }

    async fn an_order_that_takes_no_notes_is_an_order_all_the_same(shop: Platform) {
        let guest = noting(&shop, "gift", &json!({ "gift": true })).await;
        let kind = FaultKind::Status(422, ErrorShape::Number);
        shop.fault(Method::PUT, "/v2/orders/{}", kind);
        assert_eq!(stands(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        assert_eq!((shop.purchases().await, fields(&shop)), ("1 cleaned".to_owned(), Map::new()));
        shop.close().await;
    }

    async fn notes_that_the_order_has_not_got_yet_are_written_later(shop: Platform) {
        let mut shop = shop;
        shop.restart(&[("TILL_CUSTOM_ATTRIBUTES", "gift")]);
        let guest = noting(&shop, "gift", &json!({ "gift": true })).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::PUT, "/v2/orders/{}", kind, 100);
        assert_eq!(stands(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        assert_eq!(shop.purchases().await, "1 confirmed");
        // The cart does not wait for it.
        guest.ready().await;
        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        assert_eq!(Value::from(fields(&shop)), json!({ "gift": true }));
        shop.close().await;
    }
}
