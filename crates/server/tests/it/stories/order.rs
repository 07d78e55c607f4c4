//! What has become of a cart: the order, its parts, and who may read it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{cart::reprice, catalogue::NOBODYS};
use crate::{
    guest::{Card, Guest, Reply, address, checkout_request},
    shop::stories,
};

stories! {
    async fn an_order_shows_everything_it_was_made_of(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2), ("book", 1)]).await;
        let lines = guest.get("/api/cart").await.body["items"].clone();

        let office = json!({
            "name": "Ada Beispiel", "company": "Analytical Engines AG", "street": "Seeweg 2",
            "postalCode": "8001", "city": "Zürich", "country": "CH", "phone": "+41 44 000 00 00",
        });
        let mut home = address();
        home["company"] = json!("c/o Babbage");
        home["phone"] = json!("+49 30 000000");
        let request = json!({
            "email": "ada@example.org", "shippingAddress": home, "billingAddress": office,
            "acceptsMarketing": true,
        });

        let intent = guest.ask_intent_with(request).await;

        intent.says(r#""publishableKey":"pk_test_"#);
        intent.says(r#""amount":48.89,"currency":"eur""#);
        let order = guest.order(&intent.intent()).await;
        let expected = json!({
            "id": intent.body["orderId"], "status": "pending", "items": lines,
            "subtotal": 43.99, "shipping": 4.9, "tax": 7.81, "taxIncluded": true, "total": 48.89,
            "currency": "eur", "customer": { "email": "ada@example.org" },
            "shippingAddress": home, "billingAddress": office,
            "createdAt": order.body["createdAt"], "payment": { "status": "open", "disputed": false },
        });
        assert_eq!(order.body, expected);
        order.says(r#""subtotal":43.99,"shipping":4.90,"tax":7.81,"taxIncluded":true,"total":48.89"#);
        assert!(shop.cx.clock.now() >= time(&order.body["createdAt"]));
        assert_eq!(guest.confirm(&intent.intent()).await.text, order.text);
        shop.close().await;
    }

    async fn a_paid_order_says_when_it_was_paid_and_by_which_event(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        let confirmed = guest.confirm(&intent).await;

        assert_eq!(confirmed.to_string(), "200 paid");
        let order = guest.order(&intent).await;
        assert_eq!(order.text, confirmed.text);
        assert!(time(&order.body["paidAt"]) >= time(&order.body["createdAt"]));
        assert_eq!(order.body["payment"]["status"], "succeeded");
        let event = order.body["payment"]["eventId"].as_str().unwrap();
        assert!(shop.stripe.events().iter().any(|known| known.id == event), "{event}");
        shop.close().await;
    }

    async fn an_order_keeps_what_the_shopper_saw_when_the_catalogue_changes(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let before = guest.order(&intent).await;
        reprice(&shop, "mug", 9900).await;
        shop.change("mug", |mug| {
            mug.name = "Another mug".to_owned();
            mug.image = None;
            mug.active = false;
        })
        .await;

        assert_eq!(guest.order(&intent).await.text, before.text);
        assert_eq!(guest.confirm_at_stripe(&intent, Card::Good).await, "succeeded");
        guest.until_order_is(&intent, "paid").await;
        guest.order(&intent).await.says(r#""total":16.90"#);
        shop.close().await;
    }

    async fn nobody_else_can_tell_whether_an_order_exists(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let eve = shop.guest_with_cart([("mug", 1)]).await;
        let unknown = eve.get(&format!("/api/orders/{NOBODYS}")).await;
        assert_eq!(unknown.to_string(), "404 order.notFound");

        for asker in [&eve, &shop.guest()] {
            let reply = asker.order(&intent).await;
            assert_eq!((reply.status, &reply.text), (404, &unknown.text));
        }
        for id in ["0", "mug", "%00", &"9".repeat(300)] {
            let reply = guest.get(&format!("/api/orders/{id}")).await;
            assert_eq!((reply.status, &reply.text), (404, &unknown.text), "{id}");
        }
        assert_eq!(guest.other_tab().order(&intent).await.to_string(), "200 pending");
        shop.close().await;
    }

    async fn a_list_of_orders_is_for_those_who_are_signed_in(shop: Shop) {
        let guest = shop.guest_with_cart([("gift", 1)]).await;
        assert_eq!(guest.ask_intent().await.status, 200);

        for asker in [&guest, &shop.guest()] {
            assert_eq!(asker.get("/api/orders").await.to_string(), "401 auth.required");
        }
        shop.close().await;
    }

    async fn an_order_that_costs_nothing_is_paid_at_once(shop: Shop) {
        let guest = shop.guest_with_cart([("gift", 3)]).await;

        let reply = guest.ask_intent().await;

        assert_eq!(reply.status, 200, "{reply}");
        assert_eq!(reply.body.get("clientSecret"), None);
        reply.says(r#""amount":0.00,"currency":"eur""#);
        let order = guest.order(&reply.intent()).await;
        order.says(r#""subtotal":0.00,"shipping":0.00,"tax":0.00,"taxIncluded":true,"total":0.00"#);
        assert_eq!((order.word(), order.body.get("payment")), (Some("paid"), None));
        assert_eq!(order.body["paidAt"], order.body["createdAt"]);
        assert_eq!(guest.confirm(&reply.intent()).await.text, order.text);
        assert_eq!(shop.stock("gift").await, (47, 0));
        assert_eq!(guest.cart().await, "");
        // The answer may have been lost: asked again, it is the same.
        assert_eq!(guest.ask_intent().await.text, reply.text);
        assert!(shop.stripe.ledger().is_empty());
        shop.close().await;
    }

    async fn sending_costs_what_the_country_says_and_nothing_from_the_threshold_on(shop: Shop) {
        for (goods, country, postal_code, parts) in [
            // 24.00 + 4.90, of which 19 / 119 is tax.
            ([("mug", 2), ("book", 0)], "DE", "10115", "24.00 4.90 4.61 28.90"),
            // 49.98 is below the threshold, 60.00 above it, and so is 48.00 + 19.99.
            ([("print", 1), ("mug", 2)], "DE", "10115", "48.50 4.90 8.53 53.40"),
            ([("mug", 5), ("book", 0)], "DE", "10115", "60.00 0.00 9.58 60.00"),
            ([("mug", 4), ("book", 1)], "DE", "10115", "67.99 0.00 10.86 67.99"),
            // Switzerland has a price of its own, without a threshold; the tax is everybody's.
            ([("mug", 5), ("book", 0)], "CH", "8001", "60.00 12.00 11.50 72.00"),
            // Austria has a tax of its own: 28.90 * 20 / 120.
            ([("mug", 2), ("book", 0)], "AT", "1010", "24.00 4.90 4.82 28.90"),
            // What is not sent costs nothing to send.
            ([("book", 1), ("gift", 1)], "CH", "8001", "19.99 0.00 3.19 19.99"),
        ] {
            let guest = shop.guest();
            for (sku, quantity) in goods.into_iter().filter(|(_, quantity)| *quantity > 0) {
                guest.add(sku, quantity).await;
            }
            assert_eq!(order_to(&guest, country, postal_code).await, parts, "{goods:?} {country}");
            guest.delete("/api/cart").await;
        }
        shop.close().await;
    }

    async fn tax_that_is_added_comes_on_top_of_lines_and_sending(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_TAX_MODE", "added"), ("TILL_TAX_RATES", "DE:19, CH:8.1")]).await;
        for (country, postal_code, parts) in [
            // (24.00 + 4.90) * 0.19 = 5.491
            ("DE", "10115", "24.00 4.90 5.49 34.39"),
            // (24.00 + 12.00) * 0.081 = 2.916
            ("CH", "8001", "24.00 12.00 2.92 38.92"),
            ("FR", "75001", "24.00 4.90 0.00 28.90"),
        ] {
            let guest = shop.guest_with_cart([("mug", 2)]).await;
            assert_eq!(order_to(&guest, country, postal_code).await, parts, "{country}");
        }
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        assert!(shop.stripe.ledger().iter().any(|entry| entry.amount_received == 3439));
        shop.close().await;
    }

    async fn amounts_have_the_decimals_of_the_shops_currency(shop: Shop) {
        let mut shop = shop;
        // What arrives at Stripe is counted as Stripe counts, which is not the same in each.
        for (currency, goods, price, sending, parts, received) in [
            ("JPY", "tea", "480", "*:500", "1440 500 176 1940", 1940),
            ("KWD", "rug", "12.250", "*:1.500", "36.750 1.500 3.477 38.250", 38_250),
            ("ISK", "wool", "1200", "*:900", "3600 900 409 4500", 450_000),
        ] {
            let row = format!("{goods},Goods,,,{price},{currency},10,true,true\n");
            shop.import(&row, currency).await;
            let settings = [
                ("TILL_CURRENCY", currency),
                ("TILL_SHIPPING", sending),
                ("TILL_TAX_RATES", "*:10"),
            ];
            shop.restart_with(settings).await;
            let guest = shop.guest_with_cart([(goods, 3)]).await;
            let code = currency.to_lowercase();

            let product = guest.get(&format!("/api/products/{}", shop.product(goods))).await;
            product.says(&format!(r#""price":{price},"currency":"{code}""#));
            let cart = guest.get("/api/cart").await;
            cart.says(&format!(r#""unitPrice":{price},"quantity":3,"#));
            cart.says(&format!(r#""currency":"{code}""#));
            assert_eq!(order_to(&guest, "DE", "10115").await, parts);
            assert_eq!(guest.pay_with(Card::Good).await, "200 paid", "{currency}");
            let ledger = shop.stripe.ledger();
            let paid = ledger.iter().find(|entry| entry.currency == code).unwrap();
            assert_eq!(paid.amount_received, received, "{currency}");
        }
        shop.close().await;
    }

    async fn goods_in_another_currency_than_the_shops_are_not_sold(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_CURRENCY", "JPY"), ("TILL_SHIPPING", "*:500")]).await;
        let guest = shop.guest();

        assert_eq!(guest.add("mug", 1).await.to_string(), "400 request.invalid");

        assert_eq!(guest.cart().await, "");
        shop.close().await;
    }

    async fn an_order_survives_the_end_of_the_process(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let before = guest.order(&intent).await.text;
        let cookie = guest.cookie();

        shop.restart_with([]).await;

        let guest = Guest::returning(&shop, cookie);
        assert_eq!(guest.order(&intent).await.text, before);
        assert_eq!(guest.intent().await, intent);
        shop.close().await;
    }
}

/// An order of the visitor's cart to this country: subtotal, shipping, tax and total, as written.
async fn order_to(guest: &Guest<'_>, country: &str, postal_code: &str) -> String {
    let mut request = checkout_request();
    request["shippingAddress"]["country"] = json!(country);
    request["shippingAddress"]["postalCode"] = json!(postal_code);
    let intent = guest.ask_intent_with(request).await;
    assert_eq!(intent.status, 200, "{intent}");
    let order = guest.order(&intent.intent()).await;
    let parts = ["subtotal", "shipping", "tax", "total"].map(|name| number(&order, name));
    assert_eq!(number(&intent, "amount"), parts[3]);
    parts.join(" ")
}

/// A number as it is written in the answer.
fn number<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let key = format!("\"{name}\":");
    let rest = &reply.text[reply.text.find(&key).unwrap() + key.len()..];
    &rest[..rest.find([',', '}']).unwrap()]
}

/// A time of ISO 8601 in UTC, as this API writes it.
fn time(value: &Value) -> Timestamp {
    let text = value.as_str().unwrap();
    assert!(text.ends_with('Z') && text.contains('T'), "{text}");
    text.parse().unwrap()
}
