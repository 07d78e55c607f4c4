//! What a shopper or a program may say at checkout, and what it hears when it says it wrongly.
//! Nothing of this reaches Stripe, makes an order or sets anything aside.

use http::Method;
use serde_json::{Value, json};
use simulators::stripe::{Fault, FaultKind};

use super::{cart::reprice, catalogue::NOBODYS};
use crate::{
    guest::{Guest, address, checkout_request},
    shop::{Shop, stories},
};

stories! {
    async fn an_intent_without_a_field_says_which_one_is_missing(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        for field in ["email", "shippingAddress", "acceptsMarketing"] {
            let mut request = checkout_request();
            request.as_object_mut().unwrap().remove(field);
            let reply = guest.ask_intent_with(request).await;
            assert_eq!(reply.to_string(), "400 request.invalid", "{field}");
            reply.says(&format!("missing field `{field}`"));
        }
        for field in ["name", "street", "postalCode", "city", "country"] {
            let mut request = checkout_request();
            request["shippingAddress"].as_object_mut().unwrap().remove(field);
            let reply = guest.ask_intent_with(request).await;
            assert_eq!(reply.to_string(), "400 request.invalid", "{field}");
            reply.says(&format!("shippingAddress: missing field `{field}`"));
        }
        nothing_happened(shop).await;
    }

    async fn a_field_of_the_wrong_kind_is_named(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        for (path, value) in [
            ("/email", json!(1)),
            ("/acceptsMarketing", json!("yes")),
            ("/acceptsMarketing", Value::Null),
            ("/shippingAddress", json!("Hauptstr. 1, Berlin")),
            ("/shippingAddress/postalCode", json!(10115)),
            ("/shippingAddress/city", json!(["Berlin"])),
        ] {
            let mut request = checkout_request();
            *request.pointer_mut(path).unwrap() = value;
            let reply = guest.ask_intent_with(request).await;
            assert_eq!(reply.to_string(), "400 request.invalid", "{path}");
            reply.says(&path[1..].replace('/', "."));
        }
        for body in ["", "{", "null", "email=ada@example.org"] {
            let body = Some(body.to_owned());
            let reply = guest.send(Method::POST, "/api/checkout/intent", body, &[]).await;
            assert_eq!(reply.to_string(), "400 request.invalid");
        }
        nothing_happened(shop).await;
    }

    async fn an_email_address_that_cannot_be_written_to_is_refused(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let long = format!("{}@example.org", "a".repeat(65));
        for email in [
            "", " ", "ada", "ada@", "@example.org", "ada@localhost", "a da@example.org",
            "Ada <ada@example.org>", "ada@example.org, eve@example.org", "ada@example.org\n",
            "ada@exam\u{0}ple.org", "ada@[127.0.0.1]", &long,
        ] {
            let mut request = checkout_request();
            request["email"] = json!(email);
            let reply = guest.ask_intent_with(request).await;
            let trimmed = email.trim() == "ada@example.org";
            if trimmed {
                assert_eq!(reply.status, 200, "blanks around an address are not part of it");
                continue;
            }
            assert_eq!(reply.to_string(), "400 checkout.addressInvalid", "{email:?}");
            assert_eq!(reply.details(), &json!({ "field": "email" }));
        }
        shop.close().await;
    }

    async fn the_wrong_field_of_an_address_is_named(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let long = "x".repeat(201);
        for (field, value) in [
            ("name", ""),
            ("name", " \u{a0} "),
            ("name", "Ada\u{0}"),
            ("name", &long),
            ("company", "Analytical\nEngines"),
            ("company", &long),
            ("street", " "),
            ("street", &long),
            ("postalCode", ""),
            ("postalCode", "1011"),
            ("postalCode", "ABCDE"),
            ("postalCode", &long),
            ("city", ""),
            ("city", "Ber\u{7}lin"),
            ("country", ""),
            ("country", "D"),
            ("country", "DEU"),
            ("country", "XX"),
            ("country", "Germany"),
            ("phone", "+49\t30"),
            ("phone", &long),
        ] {
            for whose in ["shippingAddress", "billingAddress"] {
                let mut request = checkout_request();
                request["billingAddress"] = address();
                request[whose][field] = json!(value);
                let reply = guest.ask_intent_with(request).await;
                assert_eq!(reply.to_string(), "400 checkout.addressInvalid", "{field} {value:?}");
                assert_eq!(reply.details(), &json!({ "field": format!("{whose}.{field}") }));
                let message = reply.body["error"]["message"].as_str().unwrap();
                assert!(message.ends_with('.'), "a sentence for the shopper: {message}");
            }
        }
        nothing_happened(shop).await;
    }

    async fn a_postal_code_follows_the_rules_of_its_country(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        for (country, wrong, right) in [
            ("DE", "1011", "10115"),
            ("AT", "10115", "1010"),
            ("CH", "80001", "8001"),
            ("GB", "10115", "SW1A 1AA"),
            ("NL", "ABCDE", "1012 AB"),
            ("US", "ABC", "94103"),
            ("HK", "", ""),
            ("de", "1011", "10115"),
        ] {
            let mut request = checkout_request();
            request["shippingAddress"]["country"] = json!(country);
            request["shippingAddress"]["postalCode"] = json!(wrong);
            if wrong != right {
                let reply = guest.ask_intent_with(request.clone()).await;
                assert_eq!(reply.details()["field"], "shippingAddress.postalCode", "{country}");
            }
            request["shippingAddress"]["postalCode"] = json!(right);
            let reply = guest.ask_intent_with(request).await;
            assert_eq!(reply.status, 200, "{country} {right}: {reply}");
        }
        shop.close().await;
    }

    async fn the_bill_goes_where_the_goods_go_unless_the_shopper_says_otherwise(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let order = guest.order(&guest.intent().await).await.body;
        assert_eq!(order["billingAddress"], address());

        let mut request = checkout_request();
        request["billingAddress"] = Value::Null;
        let same = guest.ask_intent_with(request.clone()).await;
        assert_eq!(same.body["orderId"], order["id"]);

        let office = json!({
            "name": "Ada Beispiel", "company": "Analytical Engines AG", "street": "Seeweg 2",
            "postalCode": "8001", "city": "Zürich", "country": "CH", "phone": "+41 44 000 00 00",
        });
        request["billingAddress"] = office.clone();
        let intent = guest.ask_intent_with(request).await.intent();
        let order = guest.order(&intent).await.body;
        assert_eq!((&order["shippingAddress"], &order["billingAddress"]), (&address(), &office));
        shop.close().await;
    }

    async fn what_a_shopper_types_comes_back_in_any_script_without_blanks_around_it(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let typed = json!({
            "name": "  Zoë Ångström-Ñandú 🏡 ", "company": "株式会社 例", "street": "Straße \"des\" 'O''Brien' 17½ \\ 5",
            "postalCode": " 10115 ", "city": "🏙".repeat(200), "country": "de", "phone": " ",
        });

        let request = json!({
            "email": " ada+till@exämple.org ", "shippingAddress": typed, "acceptsMarketing": true,
        });
        let intent = guest.ask_intent_with(request).await.intent();

        let order = guest.order(&intent).await.body;
        let shown = json!({
            "name": "Zoë Ångström-Ñandú 🏡", "company": "株式会社 例",
            "street": "Straße \"des\" 'O''Brien' 17½ \\ 5",
            "postalCode": "10115", "city": "🏙".repeat(200), "country": "DE",
        });
        assert_eq!(order["shippingAddress"], shown);
        assert_eq!(order["customer"], json!({ "email": "ada+till@exämple.org" }));
        shop.close().await;
    }

    async fn what_a_browser_says_about_the_amount_is_not_believed(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        let mut request = checkout_request();
        let claims = json!({
            "amount": 0.01, "total": 0.01, "subtotal": 0, "shipping": 0, "tax": 0, "price": 0.01,
            "currency": "jpy", "status": "paid", "paid": true, "orderId": NOBODYS,
            "items": [{ "sku": "gift", "quantity": 1, "unitPrice": 0 }],
        });
        request.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());

        let reply = guest.ask_intent_with(request).await;

        reply.says(r#""amount":28.90,"currency":"eur""#);
        let order = guest.order(&reply.intent()).await;
        order.says(r#""total":28.90"#);
        assert_eq!(order.word(), Some("pending"));
        assert_eq!(shop.stripe.ledger()[0].amount, 2890);
        shop.close().await;
    }

    async fn an_empty_cart_cannot_be_ordered(shop: Shop) {
        let guest = shop.guest();
        assert_eq!(guest.ask_intent().await.to_string(), "400 checkout.cartEmpty");
        guest.add("mug", 1).await;
        guest.delete("/api/cart").await;
        let reply = guest.ask_intent().await;
        assert_eq!(reply.to_string(), "400 checkout.cartEmpty");
        let error = json!({ "code": "checkout.cartEmpty", "message": "Cart is empty." });
        assert_eq!(reply.body, json!({ "error": error }));
        nothing_happened(shop).await;
    }

    async fn a_total_below_stripes_minimum_is_refused_and_says_the_minimum(shop: Shop) {
        let guest = shop.guest_with_cart([("sticker", 1)]).await;

        let reply = guest.ask_intent().await;

        assert_eq!(reply.to_string(), "400 checkout.amountTooSmall");
        reply.says(r#""details":{"minimum":0.50}"#);
        assert_eq!(shop.orders().await, "");
        assert_eq!(shop.stock("sticker").await, (1000, 0));
        guest.add("sticker", 1).await;
        guest.ask_intent().await.says(r#""amount":0.60"#);
        shop.close().await;
    }

    async fn a_total_above_what_stripe_takes_is_refused_and_can_be_mended(shop: Shop) {
        reprice(&shop, "mug", 99_999_990).await;
        reprice(&shop, "lamp", 100_000_000_000).await;
        let guest = shop.guest_with_cart([("mug", 1), ("book", 1)]).await;

        assert_eq!(guest.ask_intent().await.to_string(), "400 request.invalid");
        let other = shop.guest_with_cart([("lamp", 1)]).await;
        assert_eq!(other.ask_intent().await.to_string(), "400 request.invalid");

        assert_eq!(shop.stock("mug").await, (100, 0));
        assert_eq!(guest.cart().await, "1 x mug, 1 x book");
        guest.delete(&format!("/api/cart/items/{}", guest.line("book").await)).await;
        guest.ask_intent().await.says(r#""amount":999999.90"#);
        shop.close().await;
    }

    async fn goods_are_not_sent_where_the_shop_does_not_send_to(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_SHIPPING", "DE:4.90")]).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let mut request = checkout_request();
        request["shippingAddress"]["country"] = json!("FR");
        request["shippingAddress"]["postalCode"] = json!("75001");

        let reply = guest.ask_intent_with(request.clone()).await;

        assert_eq!(reply.to_string(), "400 checkout.addressInvalid");
        assert_eq!(reply.details(), &json!({ "field": "shippingAddress.country" }));
        reply.says("does not send to FR.");
        assert_eq!(shop.orders().await, "");
        let reader = shop.guest_with_cart([("book", 1)]).await;
        reader.ask_intent_with(request).await.says(r#""amount":19.99"#);
        guest.ask_intent().await.says(r#""amount":16.90"#);
        shop.close().await;
    }

    async fn while_stripe_does_not_answer_confirm_says_that_it_is_being_checked(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let lost = Fault::once("/v1/payment_intents/", FaultKind::LoseBefore);
        shop.stripe.inject(Fault { method: Some(Method::GET), times: 20, ..lost });

        assert_eq!(guest.confirm(&intent).await.to_string(), "503 payment.unknown");

        assert_eq!(shop.stock("mug").await, (100, 1));
        shop.stripe.clear_faults();
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 pending");
        shop.close().await;
    }

    async fn confirm_answers_only_the_visitor_who_made_the_order(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let stranger = shop.guest_with_cart([("mug", 1)]).await;
        let unknown = confirm(&stranger, json!(NOBODYS)).await;
        assert!(unknown.starts_with("404") && unknown.contains("order.notFound"), "{unknown}");

        assert_eq!(confirm(&stranger, json!(intent.order)).await, unknown);
        assert_eq!(confirm(&shop.guest(), json!(intent.order)).await, unknown);
        for id in ["", "0", "mug", "\u{0}", &"9".repeat(300)] {
            assert_eq!(confirm(&guest, json!(id)).await, unknown, "{id}");
        }
        for id in [json!(1), Value::Null, json!([intent.order])] {
            assert!(confirm(&guest, id).await.starts_with("400"));
        }
        let reply = guest.post("/api/checkout/confirm", json!({})).await;
        assert_eq!(reply.to_string(), "400 request.invalid");
        reply.says("missing field `orderId`");
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 pending");
        shop.close().await;
    }
}

/// Status and body of the answer.
async fn confirm(guest: &Guest<'_>, order: Value) -> String {
    let reply = guest.post("/api/checkout/confirm", json!({ "orderId": order })).await;
    format!("{} {}", reply.status, reply.text)
}

/// No order, no reservation, and Stripe has not been asked.
async fn nothing_happened(shop: Shop) {
    assert_eq!(shop.orders().await, "");
    assert_eq!(shop.stock("mug").await, (100, 0));
    assert!(shop.stripe.ledger().is_empty());
    shop.close().await;
}
