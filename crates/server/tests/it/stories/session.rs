//! A checkout session, from its opening to the moment before it is paid.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::{guest::Guest, shop::stories};

const SESSIONS: &str = "/api/checkout/sessions";
const CURRENT: &str = "/api/checkout/sessions/current";

/// The usual address, in the words of the session's contract.
pub fn address() -> Value {
    json!({
        "firstName": "Ada", "lastName": "Beispiel", "company": "Analytical", "line1": "Hauptstr. 1",
        "line2": "3rd floor", "city": "Berlin", "county": "Berlin", "country": "DE",
        "postcode": "10115",
    })
}

/// A shopper whose session has everything that is needed to pay.
pub async fn ready(guest: &Guest<'_>) {
    let opened = guest.post(SESSIONS, json!({})).await;
    assert_eq!(opened.status, 201, "{opened}");
    fill_in(guest).await;
}

/// She types what is asked, and selects the only rate.
pub async fn fill_in(guest: &Guest<'_>) {
    let form = json!({
        "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
        "shippingAddress": address(),
        "billingAddress": address(),
    });
    assert_eq!(guest.patch(CURRENT, form).await.status, 200);
    let offered = guest.post(&format!("{CURRENT}/shipping"), json!({})).await;
    let rates = offered.body["data"]["session"]["availableShippingRates"].clone();
    if let Some(rate) = rates.get(0) {
        let choice = json!({ "selectedShippingRateId": rate["id"] });
        assert_eq!(guest.patch(CURRENT, choice).await.status, 200);
    }
}

async fn current(guest: &Guest<'_>) -> Value {
    guest.get(CURRENT).await.body["data"]["session"].clone()
}

stories! {
    async fn a_session_is_opened_on_the_cart_and_filled_in_step_by_step(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        assert_eq!(current(&guest).await, Value::Null);

        let opened = guest
            .post(SESSIONS, json!({ "requiresShipping": true, "cartId": "another-shops_cart" }))
            .await;
        assert_eq!(opened.status, 201);
        let session = &opened.body["data"]["session"];
        assert_eq!(session["status"], "open");
        assert_eq!(session["payment"]["status"], "idle");
        assert_eq!(
            session["totals"],
            json!({ "subtotal": 2400, "tax": 0, "shipping": 0, "total": 2400, "currency": "EUR" })
        );
        assert_eq!(session.get("cartHash"), None);
        let cookie = opened.headers.get("set-cookie").unwrap().to_str().unwrap();
        assert!(cookie.starts_with("ep_checkout_session="), "{cookie}");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");

        let nowhere = guest.post(&format!("{CURRENT}/shipping"), json!({})).await;
        assert_eq!(nowhere.to_string(), "400 MISSING_SHIPPING_ADDRESS");
        fill_in(&guest).await;
        let session = current(&guest).await;
        assert_eq!(session["shippingAddress"], address());
        assert_eq!(session["selectedShippingRateId"], "standard");
        assert_eq!(session["availableShippingRates"][0]["amount"], 490);
        assert_eq!(
            session["totals"],
            json!({ "subtotal": 2400, "tax": 461, "shipping": 490, "total": 2890,
                    "currency": "EUR" })
        );
        shop.close().await;
    }

    async fn another_country_is_priced_and_offered_anew(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        ready(&guest).await;
        let mut abroad = address();
        abroad["country"] = "CH".into();
        abroad["postcode"] = "8001".into();
        let reply = guest.patch(CURRENT, json!({ "shippingAddress": abroad })).await;
        let session = &reply.body["data"]["session"];
        assert_eq!(session["availableShippingRates"][0]["amount"], 1200);
        assert_eq!(session["totals"]["total"], 2400);
        shop.close().await;
    }

    async fn a_cart_of_downloads_is_not_sent(shop: Shop) {
        let guest = shop.guest_with_cart([("book", 1)]).await;
        ready(&guest).await;
        let session = current(&guest).await;
        assert_eq!(session["requiresShipping"], false);
        assert_eq!(session["availableShippingRates"], json!([]));
        assert_eq!(session["totals"]["total"], 1999);
        shop.close().await;
    }

    async fn a_session_takes_the_attributes_that_the_shop_has_allowed_and_drops_others(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_CUSTOM_ATTRIBUTES", "gift, count, price, note")]).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        ready(&guest).await;
        let first = json!({ "gift": true, "count": 3, "price": 1.50, "secret": "x" });
        guest.patch(CURRENT, json!({ "customAttributes": first })).await;
        let reply = guest.patch(CURRENT, json!({ "customAttributes": { "note": "Hi" } })).await;
        let expected = json!({ "gift": true, "count": 3, "price": 1.5, "note": "Hi" });
        assert_eq!(reply.body["data"]["session"]["customAttributes"], expected);

        let wrong = json!({ "customAttributes": { "note": ["a", "list"] } });
        assert_eq!(guest.patch(CURRENT, wrong).await.to_string(), "400 VALIDATION_ERROR");
        shop.close().await;
    }

    async fn what_cannot_be_understood_is_refused_with_a_sentence_and_changes_nothing(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        ready(&guest).await;
        let before = current(&guest).await;
        let wrong_cart = guest.post(SESSIONS, json!({ "cartId": "../orders" })).await;
        assert_eq!(wrong_cart.to_string(), "400 VALIDATION_ERROR");
        for wrong in [
            json!({ "customerInfo": "Ada" }),
            json!({ "requiresShipping": "yes" }),
            json!({ "selectedShippingRateId": "" }),
            json!({ "customerInfo": { "name": "a".repeat(300), "email": "" } }),
        ] {
            let reply = guest.patch(CURRENT, wrong.clone()).await;
            assert_eq!(reply.to_string(), "400 VALIDATION_ERROR", "{wrong}");
            assert_eq!(reply.body["success"], false);
            assert!(!reply.body["error"]["message"].as_str().unwrap().is_empty());
        }
        assert_eq!(current(&guest).await, before);
        shop.close().await;
    }

    async fn a_page_of_another_shop_can_neither_change_nor_pay_a_session(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        ready(&guest).await;
        let before = current(&guest).await;
        let elsewhere = [("origin", "https://elsewhere.example")];
        let paths = ["", "/current/shipping", "/current/pay", "/current/resume-payment"];
        for path in paths.into_iter().chain(["/current/abandon-payment", "/current/confirm"]) {
            let body = Some("{}".to_owned());
            let path = format!("{SESSIONS}{path}");
            let reply = guest.send(Method::POST, &path, body, &elsewhere).await;
            assert_eq!(reply.to_string(), "403 request.crossOrigin");
        }
        let reply = guest.send(Method::PATCH, CURRENT, Some("{}".to_owned()), &elsewhere).await;
        assert_eq!(reply.to_string(), "403 request.crossOrigin");

        let long = json!({ "gateway": "x".repeat(40_000) });
        for path in [SESSIONS.to_owned(), format!("{CURRENT}/pay")] {
            assert_eq!(guest.post(&path, long.clone()).await.to_string(), "413 request.tooLarge");
        }
        assert_eq!(guest.patch(CURRENT, long).await.to_string(), "413 request.tooLarge");
        assert_eq!(current(&guest).await, before);
        shop.close().await;
    }

    async fn without_anything_in_the_cart_there_is_no_session(shop: Shop) {
        let guest = shop.guest();
        assert_eq!(guest.post(SESSIONS, json!({})).await.to_string(), "400 VALIDATION_ERROR");
        assert_eq!(guest.patch(CURRENT, json!({})).await.to_string(), "410 SESSION_GONE");
        let pay = json!({ "gateway": "stripe", "confirmation_token": "ctoken_1" });
        let paid = guest.post(&format!("{CURRENT}/pay"), pay).await;
        assert_eq!(paid.to_string(), "410 SESSION_GONE");
        assert_eq!(current(&guest).await, Value::Null);
        shop.close().await;
    }

    async fn a_session_is_its_visitors_alone(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        ready(&guest).await;
        let cookie = guest.cookie().unwrap();
        let stolen = cookie.split("; ").find(|pair| pair.starts_with("ep_checkout_session"));
        let thief = Guest::returning(&shop, stolen.map(str::to_owned));
        assert_eq!(current(&thief).await, Value::Null);
        assert_eq!(thief.patch(CURRENT, json!({})).await.to_string(), "410 SESSION_GONE");
        shop.close().await;
    }

    async fn a_session_that_nobody_comes_back_to_expires(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        ready(&guest).await;
        shop.advance(Duration::from_secs(29 * 60));
        assert_eq!(guest.patch(CURRENT, json!({})).await.status, 200);
        shop.advance(Duration::from_secs(29 * 60));
        assert_eq!(current(&guest).await["status"], "open");
        shop.advance(Duration::from_secs(2 * 60));
        assert_eq!(current(&guest).await["status"], "expired");
        for path in ["shipping", "resume-payment", "abandon-payment"] {
            let reply = guest.post(&format!("{CURRENT}/{path}"), json!({})).await;
            assert_eq!(reply.to_string(), "410 SESSION_GONE");
        }
        shop.close().await;
    }
}
