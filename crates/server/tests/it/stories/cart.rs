//! What a visitor means to buy.

use domain::{catalog::Stock, money::Money};
use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use storage::StoreError;

use super::catalogue::{NOBODYS, numbered_goods};
use crate::{
    guest::Reply,
    shop::{Shop, stories},
};

storage::statements! {
    FORGET = "delete from products where sku = ?1";
}

stories! {
    async fn a_new_visitors_cart_is_empty_and_costs_nothing(shop: Shop) {
        let cart = shop.guest().get("/api/cart").await;

        assert_eq!((cart.status, &cart.body["items"]), (200, &json!([])));
        assert_eq!(cart.body["currency"], "eur");
        cart.says(r#""subtotal":0.00,"#);
        shop.close().await;
    }

    async fn a_line_shows_what_was_added_and_what_it_costs(shop: Shop) {
        let guest = shop.guest();
        guest.add("book", 1).await;

        let added = guest.add("mug", 2).await;

        let line = &added.body["items"][1];
        let expected = json!({
            "id": line["id"], "productId": shop.product("mug").to_string(), "sku": "mug",
            "name": "A mug", "image": "/assets/mug.svg",
            "unitPrice": 12.0, "quantity": 2, "lineTotal": 24.0,
        });
        assert_eq!((added.status, line), (200, &expected));
        added.says(r#""unitPrice":12.00,"quantity":2,"lineTotal":24.00"#);
        added.says(r#""subtotal":43.99,"currency":"eur""#);
        assert_eq!(guest.get("/api/cart").await.text, added.text);
        shop.close().await;
    }

    async fn the_same_product_added_again_is_one_line_in_its_old_place(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2), ("lamp", 1), ("mug", 3)]).await;

        assert_eq!(guest.cart().await, "5 x mug, 1 x lamp");
        guest.get("/api/cart").await.says(r#""subtotal":149.00"#);
        shop.close().await;
    }

    async fn what_a_browser_says_about_prices_is_not_believed(shop: Shop) {
        let guest = shop.guest();
        let mut item = json!({
            "productId": shop.product("mug").to_string(), "quantity": 1, "price": 0.01,
            "unitPrice": 0.01, "lineTotal": 0.01, "subtotal": 0.01, "currency": "jpy",
        });

        let added = guest.post("/api/cart/items", item.clone()).await;

        added.says(r#""unitPrice":12.00,"quantity":1,"lineTotal":12.00"#);
        let line = format!("/api/cart/items/{}", guest.line("mug").await);
        item["quantity"] = json!(2);
        let changed = guest.patch(&line, item).await;
        changed.says(r#""unitPrice":12.00,"quantity":2,"lineTotal":24.00"#);
        changed.says(r#""subtotal":24.00,"currency":"eur""#);
        shop.close().await;
    }

    async fn a_quantity_is_a_whole_number_from_1_to_9999(shop: Shop) {
        shop.change("mug", |mug| mug.stock = Stock::new(20_000, 0).unwrap()).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let product = shop.product("mug").to_string();
        let line = format!("/api/cart/items/{}", guest.line("mug").await);

        for quantity in ["0", "-1", "1.5", "\"2\"", "null", "true", "10000", "1e3", "1e400", "[1]"] {
            let add = format!(r#"{{"productId":"{product}","quantity":{quantity}}}"#);
            let added = guest.send(Method::POST, "/api/cart/items", Some(add), &[]).await;
            assert_eq!(added.to_string(), "400 request.invalid", "add {quantity}");
            let set = format!(r#"{{"quantity":{quantity}}}"#);
            let set = guest.send(Method::PATCH, &line, Some(set), &[]).await;
            assert_eq!(set.to_string(), "400 request.invalid", "set {quantity}");
        }
        assert_eq!(guest.cart().await, "1 x mug");
        assert_eq!(guest.patch(&line, json!({ "quantity": 9999 })).await.status, 200);
        // Two quantities that are fine by themselves may be too many together.
        assert_eq!(guest.add("mug", 1).await.to_string(), "400 request.invalid");
        assert_eq!(guest.cart().await, "9999 x mug");
        shop.close().await;
    }

    async fn a_line_is_changed_and_taken_out_and_a_cart_is_emptied(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2), ("lamp", 1), ("book", 1)]).await;
        let mug = format!("/api/cart/items/{}", guest.line("mug").await);

        let changed = guest.patch(&mug, json!({ "quantity": 5 })).await;
        assert_eq!((changed.status, lines(&changed).as_str()), (200, "5 x mug, 1 x lamp, 1 x book"));

        let removed = guest.delete(&mug).await;
        assert_eq!((removed.status, lines(&removed).as_str()), (200, "1 x lamp, 1 x book"));
        removed.says(r#""subtotal":108.99"#);

        let emptied = guest.delete("/api/cart").await;
        assert_eq!((emptied.status, lines(&emptied).as_str()), (200, ""));
        emptied.says(r#""subtotal":0.00"#);
        assert_eq!(emptied.body["id"], removed.body["id"]);
        assert_eq!(guest.cart().await, "");
        assert_eq!(guest.delete("/api/cart").await.status, 200);
        shop.close().await;
    }

    async fn more_than_there_is_does_not_get_into_a_cart(shop: Shop) {
        let guest = shop.guest();

        let refused = guest.add("print", 2).await;
        assert_eq!(refused.to_string(), "409 checkout.stockChanged");
        let print = shop.product("print").to_string();
        let mut short =
            json!({ "productId": print, "name": "A print", "wanted": 2, "available": 1 });
        assert_eq!(refused.details(), &json!({ "lines": [short] }));
        assert_eq!(guest.cart().await, "");

        assert_eq!(guest.add("print", 1).await.status, 200);
        let line = guest.line("print").await;
        short["lineId"] = json!(line);
        let set = json!({ "quantity": 2 });
        let path = format!("/api/cart/items/{line}");
        for refused in [guest.add("print", 1).await, guest.patch(&path, set).await] {
            assert_eq!(refused.to_string(), "409 checkout.stockChanged");
            assert_eq!(refused.details(), &json!({ "lines": [short] }));
        }
        assert_eq!(guest.cart().await, "1 x print");
        shop.close().await;
    }

    async fn a_changed_price_is_told_once_and_holds_from_then_on(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2), ("book", 1)]).await;
        reprice(&shop, "mug", 1350).await;

        let told = guest.get("/api/cart").await;

        told.says(r#""unitPrice":13.50,"quantity":2,"lineTotal":27.00"#);
        told.says(r#""changed":{"oldUnitPrice":12.00}"#);
        told.says(r#""subtotal":46.99"#);
        assert_eq!(told.body["items"][1].get("changed"), None);
        let again = guest.get("/api/cart").await;
        again.says(r#""unitPrice":13.50"#);
        assert!(!again.text.contains("changed"), "{}", again.text);
        assert_eq!(guest.ask_intent().await.status, 200);
        shop.close().await;
    }

    async fn every_answer_with_a_cart_tells_prices_that_have_changed(shop: Shop) {
        let goods = [("mug", 1), ("lamp", 1), ("book", 1)];
        let guest = shop.guest_with_cart(goods).await;
        let lamp = format!("/api/cart/items/{}", guest.line("lamp").await);

        reprice(&shop, "mug", 1300).await;
        let added = guest.add("book", 1).await;
        added.says(r#""unitPrice":13.00,"quantity":1,"lineTotal":13.00,"changed":{"oldUnitPrice":12.00}"#);

        // More of the same product: the pieces that were there have become dearer too.
        reprice(&shop, "mug", 1400).await;
        let added = guest.add("mug", 1).await;
        added.says(r#""unitPrice":14.00,"quantity":2,"lineTotal":28.00,"changed":{"oldUnitPrice":13.00}"#);

        reprice(&shop, "mug", 1500).await;
        let set = guest.patch(&lamp, json!({ "quantity": 2 })).await;
        set.says(r#""unitPrice":15.00,"quantity":2,"lineTotal":30.00,"changed":{"oldUnitPrice":14.00}"#);

        reprice(&shop, "mug", 1600).await;
        let removed = guest.delete(&lamp).await;
        removed.says(r#""unitPrice":16.00,"quantity":2,"lineTotal":32.00,"changed":{"oldUnitPrice":15.00}"#);

        assert!(!guest.get("/api/cart").await.text.contains("changed"));
        shop.close().await;
    }

    async fn a_new_name_or_picture_is_shown_in_the_cart(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.change("mug", |mug| {
            mug.name = "A better mug".to_owned();
            mug.image = None;
        })
        .await;

        let line = guest.get("/api/cart").await.body["items"][0].clone();

        assert_eq!((&line["name"], line.get("image")), (&json!("A better mug"), None));
        assert_eq!(line.get("changed"), None);
        shop.close().await;
    }

    async fn a_line_that_asks_for_more_than_is_left_says_so_until_it_is_mended(shop: Shop) {
        let guest = shop.guest_with_cart([("lamp", 5), ("mug", 1)]).await;
        shop.change("lamp", |lamp| lamp.stock = Stock::new(3, 0).unwrap()).await;

        let mug = format!("/api/cart/items/{}", guest.line("mug").await);
        let set = json!({ "quantity": 2 });
        for cart in [
            guest.get("/api/cart").await,
            guest.add("book", 1).await,
            guest.patch(&mug, set).await,
            guest.delete(&format!("/api/cart/items/{}", guest.line("book").await)).await,
        ] {
            assert_eq!(cart.body["items"][0]["changed"], json!({ "available": 3 }));
            assert_eq!(cart.body["items"][1].get("changed"), None);
        }
        assert_eq!(guest.ask_intent().await.to_string(), "409 checkout.stockChanged");

        let line = format!("/api/cart/items/{}", guest.line("lamp").await);
        let mended = guest.patch(&line, json!({ "quantity": 3 })).await;
        assert_eq!(mended.body["items"][0].get("changed"), None);
        assert_eq!(guest.ask_intent().await.status, 200);
        shop.close().await;
    }

    async fn a_product_that_is_gone_stays_in_the_cart_as_none_available(shop: Shop) {
        let guest = shop.guest_with_cart([("lamp", 1), ("mug", 1)]).await;
        let lamp = format!("/api/cart/items/{}", guest.line("lamp").await);
        let mug = format!("/api/cart/items/{}", guest.line("mug").await);
        // One is no longer for sale, the other's row is gone.
        shop.change("lamp", |lamp| lamp.active = false).await;
        forget(&shop, "mug").await;

        let cart = guest.get("/api/cart").await;
        for (at, line) in [(0, &lamp), (1, &mug)] {
            assert_eq!(cart.body["items"][at]["changed"], json!({ "available": 0 }));
            let refused = guest.patch(line, json!({ "quantity": 2 })).await;
            assert_eq!(refused.to_string(), "409 checkout.stockChanged");
            let short = &refused.details()["lines"][0];
            assert_eq!((&short["wanted"], &short["available"]), (&json!(2), &json!(0)));
        }
        assert_eq!(guest.add("lamp", 1).await.to_string(), "404 product.notFound");
        assert_eq!(guest.add("mug", 1).await.to_string(), "404 product.notFound");
        assert_eq!(guest.ask_intent().await.to_string(), "409 checkout.stockChanged");
        assert_eq!(guest.delete(&lamp).await.status, 200);
        assert_eq!(lines(&guest.delete(&mug).await), "");
        shop.close().await;
    }

    async fn a_cart_holds_at_most_a_hundred_different_products(shop: Shop) {
        let mut shop = shop;
        shop.import(&numbered_goods(1..=101), "EUR").await;
        let guest = shop.guest();
        for number in 1..=100 {
            assert_eq!(guest.add(&format!("n{number}"), 1).await.status, 200);
        }

        let refused = guest.add("n101", 1).await;

        assert_eq!(refused.to_string(), "400 request.invalid");
        refused.says("at most 100");
        let more = guest.add("n100", 1).await;
        assert_eq!(more.body["items"].as_array().unwrap().len(), 100);
        more.says(r#""subtotal":101.00"#);
        shop.close().await;
    }

    async fn a_cart_that_no_card_could_pay_is_refused_and_the_cart_stays_usable(shop: Shop) {
        reprice(&shop, "mug", Money::MINOR_MAX).await;
        let guest = shop.guest_with_cart([("lamp", 1)]).await;

        assert_eq!(guest.add("mug", 1).await.to_string(), "400 request.invalid");
        assert_eq!(guest.cart().await, "1 x lamp");
        guest.delete("/api/cart").await;
        assert_eq!(guest.add("mug", 1).await.status, 200);
        assert_eq!(guest.add("mug", 1).await.to_string(), "400 request.invalid");
        guest.get("/api/cart").await.says(r#""subtotal":9999999999.99"#);
        shop.close().await;
    }

    async fn what_is_not_there_cannot_be_changed_or_added(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let stranger = shop.guest_with_cart([("lamp", 1)]).await;
        let hers = stranger.line("lamp").await;
        let unknown = guest.delete(&format!("/api/cart/items/{NOBODYS}")).await;
        assert_eq!(unknown.to_string(), "404 cartLine.notFound");

        for line in [NOBODYS, &hers, "0", "mug", "%00"] {
            let path = format!("/api/cart/items/{line}");
            let set = guest.patch(&path, json!({ "quantity": 1 })).await;
            assert_eq!((set.status, &set.text), (404, &unknown.text), "{line}");
            let removed = guest.delete(&path).await;
            assert_eq!((removed.status, &removed.text), (404, &unknown.text), "{line}");
        }
        for product in [NOBODYS, "", "mug", &hers] {
            let item = json!({ "productId": product, "quantity": 1 });
            let added = guest.post("/api/cart/items", item).await;
            assert_eq!(added.to_string(), "404 product.notFound", "{product}");
        }
        assert_eq!(guest.cart().await, "1 x mug");
        assert_eq!(stranger.cart().await, "1 x lamp");
        shop.close().await;
    }

    async fn tabs_of_one_visitor_take_turns_and_lose_nothing(shop: Shop) {
        let guest = shop.guest_with_cart([("lamp", 1)]).await;
        let tabs: Vec<_> = (0..12).map(|_| guest.other_tab()).collect();

        let added = join_all(tabs.iter().map(|tab| tab.add("mug", 1))).await;

        assert!(added.iter().all(|reply| reply.status == 200), "{added:?}");
        assert_eq!(guest.cart().await, "1 x lamp, 12 x mug");
        shop.close().await;
    }

    async fn two_visitors_have_two_carts(shop: Shop) {
        let ada = shop.guest_with_cart([("mug", 1)]).await;
        let eve = shop.guest_with_cart([("lamp", 2)]).await;

        assert_eq!((ada.cart().await.as_str(), eve.cart().await.as_str()), ("1 x mug", "2 x lamp"));
        shop.close().await;
    }

    async fn a_body_that_cannot_be_read_is_refused_in_a_sentence(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let line = format!("/api/cart/items/{}", guest.line("mug").await);
        let product = shop.product("mug");
        let twice = format!(r#"{{"productId":"{product}","quantity":1,"quantity":2}}"#);
        let deep = format!(r#"{{"note":{}"#, "[".repeat(300));
        for (body, why) in [
            ("", "EOF"),
            ("{", "EOF"),
            ("quantity=1", "expected"),
            ("null", "invalid type"),
            ("[]", "invalid"),
            ("{}", "missing field `"),
            (&twice, "duplicate field `quantity`"),
            (&deep, "EOF"),
        ] {
            for (method, path) in [(Method::POST, "/api/cart/items"), (Method::PATCH, &line)] {
                let reply = guest.send(method, path, Some(body.to_owned()), &[]).await;
                assert_eq!(reply.to_string(), "400 request.invalid", "{body}");
                reply.says(why);
            }
        }
        let long = json!({ "productId": product.to_string(), "quantity": "x".repeat(9000) });
        let reply = guest.post("/api/cart/items", long).await;
        let message = reply.body["error"]["message"].as_str().unwrap();
        assert!(reply.status == 400 && message.len() < 500 && message.ends_with("xxx…"), "{reply}");
        let item = json!({ "productId": product.to_string(), "quantity": 1 }).to_string();
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
            let headers = [("content-type", kind)];
            let reply =
                guest.send(Method::POST, "/api/cart/items", Some(item.clone()), &headers).await;
            assert_eq!(reply.to_string(), "400 request.invalid", "{kind}");
            reply.says("Content-Type: application/json");
        }
        let headers = [("content-type", "application/json; charset=utf-8")];
        let read = guest.send(Method::POST, "/api/cart/items", Some(item), &headers).await;
        assert_eq!((read.status, guest.cart().await.as_str()), (200, "2 x mug"));
        shop.close().await;
    }
}

/// The merchant changes a price.
pub async fn reprice(shop: &Shop, sku: &str, minor: i64) {
    shop.change(sku, |product| {
        product.price = Money::new(minor, product.price.currency()).unwrap();
    })
    .await;
}

/// Somebody removes a product's row by hand.
async fn forget(shop: &Shop, sku: &'static str) {
    let write = shop
        .cx
        .store
        .write(sku, |tx, sku| Box::pin(async move { tx.exec(&FORGET, &[(*sku).into()]).await }));
    let forgotten: Result<u64, StoreError> = write.await;
    assert_eq!(forgotten.unwrap(), 1);
}

/// The lines of an answer, such as `2 x mug, 1 x lamp`.
fn lines(reply: &Reply) -> String {
    let items = reply.body["items"].as_array().unwrap_or_else(|| panic!("{reply}"));
    let line = |item: &Value| format!("{} x {}", item["quantity"], item["sku"].as_str().unwrap());
    items.iter().map(line).collect::<Vec<_>>().join(", ")
}
