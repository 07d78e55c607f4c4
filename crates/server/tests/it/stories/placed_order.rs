//! An order at Elastic Path, read over the shop API.

use axum::body::Body;
use http::{Method, Request, header};
use serde_json::{Value, json};
use server::flows::purchase::settle::{Verdict, Wish, settle};
use simulators::elastic_path::{ErrorShape, Fault, FaultKind, Options};

use crate::{
    browser::{Browser, state},
    guest::Reply,
    platform::{PAN, Platform, platform_stories},
    stage::exchange,
};

/// Somebody who has bought two pans, and her order.
async fn bought(shop: &Platform) -> (Browser<'_>, String) {
    let guest = Browser::open(shop, &[]);
    guest.ready().await;
    let paid = guest.pay("ctoken_ok").await;
    assert_eq!(state(&paid), "200 complete succeeded");
    let order = paid.body["data"]["session"]["order"]["id"].as_str().unwrap().to_owned();
    (guest, order)
}

/// Somebody who has paid for two pans, and her order, whose payment Elastic Path does not book.
async fn unbooked(shop: &Platform) -> (Browser<'_>, String) {
    let guest = Browser::open(shop, &[]);
    guest.ready().await;
    let broken = FaultKind::Status(422, ErrorShape::Number);
    shop.ep.inject(Fault::once("/v2/orders/{}/confirm", broken).times(100));
    assert_eq!(state(&guest.pay("ctoken_ok").await), "200 processing pending");
    (guest, shop.ep.ledger().orders[0].id.clone())
}

async fn read(guest: &Browser<'_>, order: &str) -> Reply {
    guest.get(&format!("/api/orders/{order}")).await
}

/// What the merchant does in Commerce Manager.
async fn manage(shop: &Platform, method: Method, path: &str, body: Value) {
    let keys = Options::default();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        keys.client_id, keys.client_secret
    );
    let mint = Request::post("/oauth/access_token")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let (_, _, minted) = exchange(shop.ep.router(), mint).await.unwrap();
    let minted: Value = serde_json::from_str(&minted).unwrap();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", minted["access_token"].as_str().unwrap()),
        )
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "data": body }).to_string()))
        .unwrap();
    let (status, _, text) = exchange(shop.ep.router(), request).await.unwrap();
    assert!((200..300).contains(&status), "{status} {text}");
}

platform_stories! {
    async fn an_order_at_the_platform_is_shown_to_its_visitor_as_the_platform_tells_it(shop: Platform) {
        let (guest, id) = bought(&shop).await;
        let shown = read(&guest, &id).await;
        assert_eq!(shown.status, 200, "{shown}");
        let order = &shown.body;
        assert_eq!((&order["id"], &order["status"]), (&json!(id), &json!("paid")));
        let line = &order["items"][0];
        assert_eq!((&line["productId"], &line["quantity"]), (&json!(PAN), &json!(2)));
        assert_eq!(order["items"].as_array().unwrap().len(), 1, "shipping is no thing");
        let sums = ["subtotal", "shipping", "tax", "total"].map(|name| order[name].to_string());
        assert_eq!(sums, ["30.0", "5.99", "0.0", "35.99"]);
        assert_eq!((&order["currency"], &order["taxIncluded"]), (&json!("usd"), &json!(true)));
        assert_eq!(order["customer"]["email"], "ada@example.org");
        assert_eq!(order["shippingAddress"]["country"], "US");
        assert!(order["paidAt"].is_string() && order["createdAt"].is_string(), "{order}");
        assert_eq!(order.get("payment"), None, "the platform knows of no disputes");
        shop.close().await;
    }

    async fn everyone_else_hears_of_an_order_at_the_platform_what_is_said_of_one_that_is_not(shop: Platform) {
        let (guest, id) = bought(&shop).await;
        let unknown = read(&guest, "aa854b8f-5930-476d-951a-e9b9cfbdefb1").await;
        assert_eq!(unknown.to_string(), "404 order.notFound");
        guest.keep("");
        assert_eq!(read(&guest, &id).await.text, unknown.text);
        let told = shop.ep.requests().len();
        assert_eq!(read(&guest, "..%2Forders").await.text, unknown.text);
        assert_eq!(shop.ep.requests().len(), told, "what is no id is not asked for");
        shop.close().await;
    }

    async fn whoever_asks_for_orders_that_are_not_hers_takes_no_room_from_those_who_pay(shop: Platform) {
        let (guest, id) = bought(&shop).await;
        guest.keep("");
        let told = shop.ep.requests().len();
        assert_eq!(read(&guest, &id).await.to_string(), "404 order.notFound");
        assert_eq!(shop.ep.requests().len(), told, "whose it is we know ourselves");

        let guest = Browser::open(&shop, &[("EP_CALLS_PER_SECOND", "20")]);
        guest.ready().await;
        let strangers = (0..20).map(|_| read(&guest, "aa854b8f-5930-476d-951a-e9b9cfbdefb1"));
        let (paid, _) = futures::join!(guest.pay("ctoken_ok_2"), futures::future::join_all(strangers));
        assert_eq!(state(&paid), "200 complete succeeded");
        shop.close().await;
    }

    async fn an_order_that_was_not_made_here_is_nobodys(shop: Platform) {
        let (guest, id) = bought(&shop).await;
        for name in ["", "somebody elses"] {
            let body = json!({ "type": "order", "external_ref": name });
            manage(&shop, Method::PUT, &format!("/v2/orders/{id}"), body).await;
            assert_eq!(read(&guest, &id).await.to_string(), "404 order.notFound");
        }
        shop.close_apart(&["is cleaned, and its order", "has 0 orders", "no purchase knows of it"]).await;
    }

    async fn an_order_at_the_platform_whose_payment_is_not_booked_is_pending(shop: Platform) {
        let (guest, id) = unbooked(&shop).await;
        let order = read(&guest, &id).await;
        assert_eq!((order.status, &order.body["status"]), (200, &json!("pending")));
        assert_eq!(order.body.get("paidAt"), None);
        shop.close().await;
    }

    async fn an_order_that_the_merchant_cancels_without_giving_back_stays_paid(shop: Platform) {
        let (guest, id) = bought(&shop).await;
        let cancel = json!({ "type": "order", "status": "cancelled" });
        manage(&shop, Method::PUT, &format!("/v2/orders/{id}"), cancel).await;
        assert_eq!(shop.ep.ledger().orders[0].status, "cancelled");
        assert_eq!(read(&guest, &id).await.body["status"], "paid");

        let booked = shop.ep.ledger().transactions[0].id.clone();
        let refund = format!("/v2/orders/{id}/transactions/{booked}/refund");
        manage(&shop, Method::POST, &refund, json!({})).await;
        assert_eq!(read(&guest, &id).await.body["status"], "refunded");
        shop.close_apart(&["is cleaned, and its order", "has 0 orders"]).await;
    }

    async fn an_order_at_the_platform_that_nobody_paid_and_the_merchant_cancels_is_cancelled(shop: Platform) {
        let (guest, id) = unbooked(&shop).await;
        let cancel = json!({ "type": "order", "status": "cancelled" });
        manage(&shop, Method::PUT, &format!("/v2/orders/{id}"), cancel).await;
        assert_eq!(read(&guest, &id).await.body["status"], "cancelled");
        shop.close().await;
    }

    async fn an_order_whose_purchase_a_person_has_ended_is_cancelled_and_still_hers(shop: Platform) {
        let mut shop = shop;
        {
            let (guest, id) = unbooked(&shop).await;
            let cart = guest.session().await["cartId"].as_str().unwrap().parse().unwrap();
            let wish = Wish {
                purchase: shop.purchase(&cart).await,
                verdict: Verdict::Refunded,
                note: None,
            };
            settle(&shop.px, wish).await.unwrap();
            let order = read(&guest, &id).await;
            assert_eq!((order.status, &order.body["status"]), (200, &json!("cancelled")));
            assert_eq!(order.body.get("paidAt"), None);
            guest.keep("");
            assert_eq!(read(&guest, &id).await.to_string(), "404 order.notFound");
        }
        // The store's books do not know what was given back at Stripe.
        shop.known_strays.push(shop.ep.ledger().payments[0].id.clone());
        shop.close_apart(&["holds money for it"]).await;
    }

    async fn while_the_platform_does_not_answer_an_order_is_not_said_to_be_missing(shop: Platform) {
        let (guest, id) = bought(&shop).await;
        let broken = FaultKind::Status(500, ErrorShape::Number);
        shop.ep.inject(Fault::once("/v2/orders", broken).of(Method::GET).times(100));
        assert_eq!(read(&guest, &id).await.to_string(), "503 server.unavailable");
        shop.close().await;
    }

    async fn the_list_of_orders_is_for_those_who_are_signed_in_at_the_platform_too(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        let answer = guest.get("/api/orders").await;
        assert_eq!(answer.to_string(), "401 auth.required");
        shop.close().await;
    }
}
