//! What the shop sells, as anybody may read it.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Value, json};

use crate::{
    guest::{Guest, Reply},
    shop::stories,
};

/// An id that no product, line or order has.
pub const NOBODYS: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

stories! {
    async fn a_product_shows_its_price_with_exact_decimals_and_what_is_available(shop: Shop) {
        let id = shop.product("mug").to_string();

        let reply = shop.guest().get(&format!("/api/products/{id}")).await;

        let expected = json!({
            "id": id, "sku": "mug", "name": "A mug",
            "description": "What everybody wants: a mug.", "image": "/assets/mug.svg",
            "price": 12.0, "currency": "eur", "available": 100,
        });
        assert_eq!((reply.status, &reply.body), (200, &expected));
        reply.says(r#""price":12.00,"#);
        shop.close().await;
    }

    async fn what_others_have_reserved_is_not_available(shop: Shop) {
        let guest = shop.guest_with_cart([("lamp", 4)]).await;
        guest.intent().await;

        let lamp = guest.get(&format!("/api/products/{}", shop.product("lamp"))).await;

        assert_eq!(lamp.body["available"], 6);
        assert_eq!(shop.stock("lamp").await, (10, 4));
        shop.close().await;
    }

    async fn a_product_without_a_picture_has_no_image(shop: Shop) {
        shop.change("mug", |mug| mug.image = None).await;

        let mug = shop.guest().get(&format!("/api/products/{}", shop.product("mug"))).await;

        assert_eq!(mug.body.get("image"), None, "{mug}");
        shop.close().await;
    }

    async fn a_product_that_is_not_for_sale_is_neither_listed_nor_found(shop: Shop) {
        shop.change("lamp", |lamp| lamp.active = false).await;
        let guest = shop.guest();

        let lamp = guest.get(&format!("/api/products/{}", shop.product("lamp"))).await;

        assert_eq!(lamp.to_string(), "404 product.notFound");
        let page = guest.get("/api/products").await;
        assert_eq!(skus(&page), "mug print sticker gift book");
        assert_eq!(skus(&guest.get("/api/products?q=lamp").await), "");
        shop.close().await;
    }

    async fn what_is_no_id_is_not_found_like_an_id_that_nobody_has(shop: Shop) {
        let guest = shop.guest();
        let unknown = guest.get(&format!("/api/products/{NOBODYS}")).await;
        assert_eq!(unknown.to_string(), "404 product.notFound");

        for id in ["0", "-1", "mug", "%00", "%F0%9F%8F%BA", "..%2Forders", &"9".repeat(300)] {
            let reply = guest.get(&format!("/api/products/{id}")).await;
            assert_eq!((reply.status, reply.text), (404, unknown.text.clone()), "{id}");
        }
        shop.close().await;
    }

    async fn the_catalogue_is_read_page_by_page(shop: Shop) {
        let guest = shop.guest();

        assert_eq!(pages(&guest, "limit=4").await, ["mug lamp print sticker", "gift book"]);
        assert_eq!(pages(&guest, "limit=3").await, ["mug lamp print", "sticker gift book"]);
        assert_eq!(pages(&guest, "limit=6").await, ["mug lamp print sticker gift book"]);
        assert_eq!(pages(&guest, "limit=100").await, ["mug lamp print sticker gift book"]);
        assert_eq!(pages(&guest, "q=A+&limit=2").await.concat(), "mug lampprint stickergift book");
        shop.close().await;
    }

    async fn a_page_has_24_products_when_the_client_does_not_say(shop: Shop) {
        let mut shop = shop;
        shop.import(&numbered_goods(1..=20), "EUR").await;

        let page = shop.guest().get("/api/products").await;

        assert_eq!(page.body["items"].as_array().unwrap().len(), 24);
        assert!(page.body["nextCursor"].is_string());
        shop.close().await;
    }

    async fn products_that_are_added_do_not_shift_the_pages_of_a_reader(shop: Shop) {
        let mut shop = shop;
        let first = shop.guest().get("/api/products?limit=4").await;
        assert_eq!(skus(&first), "mug lamp print sticker");

        shop.import(&numbered_goods(1..=2), "EUR").await;
        shop.change("lamp", |lamp| lamp.active = false).await;

        let cursor = first.body["nextCursor"].as_str().unwrap();
        let rest = pages(&shop.guest(), &format!("limit=4&cursor={cursor}")).await;
        assert_eq!(rest, ["gift book n1 n2"]);
        shop.close().await;
    }

    async fn a_search_looks_into_name_number_and_description_in_any_case(shop: Shop) {
        shop.change("mug", |mug| {
            mug.name = "Große Tasse".to_owned();
            mug.description = "Holds 100% of your tea_time!".to_owned();
        })
        .await;
        let guest = shop.guest();

        for (text, found) in [
            ("MUG", "mug"),
            ("+mug+", "mug"),
            ("gro%C3%9Fe", "mug"),
            ("GRO%C3%9FE+T", "mug"),
            ("tea", "mug"),
            ("100%25", "mug"),
            ("tea_time!", "mug"),
            ("a+lamp", "lamp"),
            ("everybody", "lamp print sticker gift book"),
            ("", "mug lamp print sticker gift book"),
            // What stands for any text in a database stands for itself here.
            ("%25", "mug"),
            ("m_g", ""),
            ("%27", ""),
            ("mug+lamp", ""),
            ("grosse", ""),
        ] {
            let page = guest.get(&format!("/api/products?q={text}")).await;
            assert_eq!((page.status, skus(&page).as_str()), (200, found), "{text}");
        }
        shop.close().await;
    }

    async fn a_page_that_cannot_be_is_refused_in_a_sentence(shop: Shop) {
        let guest = shop.guest();
        let long = format!("q={}", "a".repeat(101));
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=1.5", "limit"),
            ("limit=all", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("cursor=mug", "cursor"),
            ("cursor=", "cursor"),
            ("q=%00", "q"),
            ("q=a%0Ab", "q"),
            (&long, "q"),
        ] {
            let reply = guest.get(&format!("/api/products?{query}")).await;
            assert_eq!(reply.to_string(), "400 request.invalid", "{query}");
            let message = reply.body["error"]["message"].as_str().unwrap();
            assert!(message.contains(field) && message.ends_with('.'), "{query}: {message}");
        }
        let unknown = guest.get("/api/products?colour=red").await;
        assert_eq!(unknown.status, 200);
        shop.close().await;
    }

    async fn whoever_looks_at_the_catalogue_is_not_marked(shop: Shop) {
        let page = shop.guest().get("/api/products").await;

        assert_eq!(page.headers.get("set-cookie"), None);
        assert_eq!(page.headers["content-type"], "application/json");
        shop.close().await;
    }
}

/// The numbers of a page's products.
fn skus(page: &Reply) -> String {
    let items = page.body["items"].as_array().unwrap_or_else(|| panic!("{page}"));
    let skus: Vec<_> = items.iter().map(|item| item["sku"].as_str().unwrap()).collect();
    skus.join(" ")
}

/// All pages from here to the end.
async fn pages(guest: &Guest<'_>, query: &str) -> Vec<String> {
    let mut pages = Vec::new();
    let mut seen = BTreeSet::new();
    let mut page = guest.get(&format!("/api/products?{query}")).await;
    loop {
        assert_eq!(page.status, 200, "{page}");
        pages.push(skus(&page));
        let Some(cursor) = page.body.get("nextCursor").and_then(Value::as_str) else { break };
        assert!(seen.insert(cursor.to_owned()), "{cursor} leads in a circle");
        // A later value of the same name would count; the first page's cursor has served.
        let query = query.split("&cursor=").next().unwrap();
        page = guest.get(&format!("/api/products?{query}&cursor={cursor}")).await;
    }
    pages
}

/// Rows of goods called `n1`, `n2`, and so on.
pub fn numbered_goods(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.fold(String::new(), |mut rows, number| {
        writeln!(rows, "n{number},Number {number},,,1.00,EUR,10,true,false").unwrap();
        rows
    })
}
