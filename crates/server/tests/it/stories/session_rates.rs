//! What sending costs, where a server of the merchant's says it: it is asked when the shopper wants to
//! know and again before she pays, and nothing is charged that it does not offer then.

use axum::{Router, body::Body};
use serde_json::{Value, json};

use super::{
    session::{address, ready},
    session_pay::{pay, until_paid},
};
use crate::{
    browser::{Browser, CURRENT, home, state},
    guest::{Card, Guest, Reply},
    platform::{PAN, Platform},
    rate_desk::{RateDesk, rate, settings},
    shop::Shop,
};

const URL: &str = "http://127.0.0.1:82/rates";

/// Somebody in a shop at Elastic Path that asks this desk, with a cart and an address.
async fn shopper<'shop>(shop: &'shop Platform, desk: &RateDesk) -> Browser<'shop> {
    let wire = gateways::in_process::<Router, Body, Body>(desk.router());
    let guest = Browser::with_merchant(shop, wire, &settings(URL));
    guest.add(PAN, 2).await;
    guest.open_session().await;
    let form = json!({
        "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
        "shippingAddress": home(),
        "billingAddress": home(),
    });
    assert_eq!(guest.patch(form).await.status, 200);
    guest
}

/// She chooses a rate; what she pays then.
async fn choose(guest: &Browser<'_>, rate: &str) -> Value {
    let chosen = guest.patch(json!({ "selectedShippingRateId": rate })).await;
    assert_eq!(chosen.status, 200, "{chosen}");
    chosen.body["data"]["session"]["totals"]["total"].clone()
}

fn rates(reply: &Reply) -> Vec<(String, i64)> {
    let rates = reply.body["data"]["session"]["availableShippingRates"].as_array().unwrap().iter();
    let pair =
        |rate: &Value| (rate["id"].as_str().unwrap().into(), rate["amount"].as_i64().unwrap());
    rates.map(pair).collect()
}

/// Everything by which such a server can fail to say what sending costs.
fn failures() -> Vec<(&'static str, u16, String)> {
    let of = |rates: Vec<Value>| json!({ "rates": rates }).to_string();
    let many = (0..51).map(|n| rate(&n.to_string(), 1, "USD")).collect();
    vec![
        ("a fault", 500, String::new()),
        ("a no", 404, of(vec![])),
        ("a way elsewhere", 302, of(vec![])),
        ("no JSON", 200, "<html>".into()),
        ("another currency", 200, of(vec![rate("post", 700, "GBP")])),
        ("less than nothing", 200, of(vec![rate("post", -1, "USD")])),
        ("one name twice", 200, of(vec![rate("post", 1, "USD"), rate("post", 2, "USD")])),
        ("more than anybody reads", 200, of(many)),
        ("too much", 200, format!("{{\"rates\":[],\"x\":\"{}\"}}", "x".repeat(200_000))),
    ]
}

crate::platform::platform_stories! {
    async fn rates_of_the_merchants_server_are_offered_and_the_chosen_one_is_charged(shop: Platform) {
        let desk = RateDesk::offering(&[rate("post", 700, "USD"), rate("courier", 1900, "USD")]);
        let guest = shopper(&shop, &desk).await;
        let offered = guest.offer().await;
        assert_eq!(rates(&offered), [("post".into(), 700), ("courier".into(), 1900)]);
        assert_eq!(choose(&guest, "courier").await, 4900);
        let question = &desk.asked()[0]["session"];
        assert_eq!(question["destination"]["country"], "US");
        assert_eq!((&question["subtotal"], &question["currency"]), (&json!(3000), &json!("USD")));
        assert_eq!(question["lines"][0]["quantity"], 2);
        assert!(!question.to_string().contains("Ada"), "{question}");

        let before = desk.asked().len();
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        assert_eq!(desk.asked().len(), before + 1);
        assert_eq!(shop.ep.ledger().payments[0].amount, 4900);
        shop.close().await;
    }

    async fn a_rate_that_is_gone_or_costs_something_else_is_chosen_again_before_the_charge(shop: Platform) {
        let desk = RateDesk::offering(&[rate("post", 700, "USD"), rate("courier", 1900, "USD")]);
        let guest = shopper(&shop, &desk).await;
        guest.offer().await;
        choose(&guest, "post").await;
        for offered in [vec![rate("courier", 1900, "USD")], vec![rate("post", 800, "USD")], vec![]] {
            desk.offer(&offered);
            let reply = guest.pay("ctoken_ok").await;
            assert_eq!(reply.to_string(), "409 SHIPPING_RATE_UNRESOLVABLE");
        }
        assert_eq!(shop.asked("POST", "/payments"), 0);
        assert_eq!(shop.purchases().await, "");

        // She looks again: the same rate costs something else now, and she sees what she will pay.
        desk.offer(&[rate("post", 800, "USD")]);
        let offered = guest.offer().await;
        assert_eq!(rates(&offered), [("post".into(), 800)]);
        assert_eq!(offered.body["data"]["session"]["totals"]["total"], 3800);
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        assert_eq!(shop.ep.ledger().payments[0].amount, 3800);
        shop.close().await;
    }

    async fn a_rate_of_the_same_name_and_price_is_another_rate_all_the_same(shop: Platform) {
        let named = |id: &str| {
            let mut rate = rate(id, 700, "USD");
            rate["name"] = "Standard".into();
            rate
        };
        let desk = RateDesk::offering(&[named("post"), named("courier")]);
        let guest = shopper(&shop, &desk).await;
        guest.offer().await;
        for chosen in ["post", "courier"] {
            choose(&guest, chosen).await;
            let lines = shop.cart(&guest.cart().await.parse().unwrap()).await.lines;
            let rates: Vec<&str> = lines.iter().filter_map(|line| line.rate.as_deref()).collect();
            assert_eq!(rates, [chosen], "whoever packs it reads which");
        }
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        shop.close().await;
    }

    async fn while_nobody_says_what_sending_costs_nothing_is_offered_and_nothing_charged(shop: Platform) {
        let desk = RateDesk::offering(&[rate("post", 700, "USD")]);
        let guest = shopper(&shop, &desk).await;
        guest.offer().await;
        choose(&guest, "post").await;
        for (what, status, body) in failures() {
            desk.answer(status, &body);
            assert_eq!(guest.offer().await.to_string(), "502 SHIPPING_ERROR", "{what}");
            assert_eq!(guest.pay("ctoken_ok").await.to_string(), "502 SHIPPING_ERROR", "{what}");
        }
        desk.fall_silent();
        let elsewhere = json!({ "shippingAddress": crate::browser::abroad() });
        assert_eq!(guest.patch(elsewhere).await.to_string(), "502 SHIPPING_ERROR");
        assert_eq!(guest.pay("ctoken_ok").await.to_string(), "502 SHIPPING_ERROR");
        assert_eq!(shop.asked("POST", "/payments"), 0);

        desk.offer(&[rate("post", 700, "USD")]);
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        // Whoever has paid needs nobody's word any more.
        desk.fall_silent();
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        shop.close().await;
    }
}

/// A shop of our own that asks this desk, and somebody in it who has everything but a rate.
async fn native(shop: &mut Shop, desk: &RateDesk) -> (Option<String>, tokio::task::JoinHandle<()>) {
    let (url, serving) = desk.serve().await;
    shop.restart_with(settings(&url)).await;
    let guest = shop.guest_with_cart([("mug", 2), ("book", 1)]).await;
    ready(&guest).await;
    (guest.cookie(), serving)
}

crate::shop::stories! {
    async fn an_order_of_ours_costs_what_the_merchants_server_said_of_the_chosen_rate(shop: Shop) {
        let mut shop = shop;
        let desk = RateDesk::offering(&[rate("post", 700, "EUR"), rate("courier", 1900, "EUR")]);
        let (cookie, _serving) = native(&mut shop, &desk).await;
        let guest = Guest::returning(&shop, cookie);
        let chosen = guest.patch(CURRENT, json!({ "selectedShippingRateId": "courier" })).await;
        let totals = &chosen.body["data"]["session"]["totals"];
        let sum = 2 * 1200 + 1999 + 1900;
        assert_eq!((&totals["shipping"], &totals["total"]), (&json!(1900), &json!(sum)));
        // What is downloaded is not sent, but counts for what the order is worth.
        let question = &desk.asked()[0]["session"];
        assert_eq!(question["lines"].as_array().unwrap().len(), 1);
        assert_eq!(question["subtotal"], 2 * 1200 + 1999);
        assert_eq!(question["destination"]["postcode"], address()["postcode"]);

        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        let order = reply.body["data"]["session"]["order"]["id"].as_str().unwrap();
        until_paid(&shop, &guest, order).await;
        guest.get(&format!("/api/orders/{order}")).await.says("\"shipping\":19.00");
        shop.close().await;
    }

    async fn an_order_of_ours_is_not_made_of_a_rate_that_has_changed_or_that_nobody_knows(shop: Shop) {
        let mut shop = shop;
        let desk = RateDesk::offering(&[rate("post", 700, "EUR")]);
        let (cookie, _serving) = native(&mut shop, &desk).await;
        let guest = Guest::returning(&shop, cookie);
        desk.offer(&[rate("post", 800, "EUR")]);
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(reply.to_string(), "409 SHIPPING_RATE_UNRESOLVABLE");
        desk.answer(500, "");
        assert_eq!(pay(&guest, Card::Good).await.to_string(), "502 SHIPPING_ERROR");
        let offered = guest.post(&format!("{CURRENT}/shipping"), json!({})).await;
        assert_eq!(offered.to_string(), "502 SHIPPING_ERROR");
        let mut abroad = address();
        abroad["postcode"] = "10117".into();
        let moved = guest.patch(CURRENT, json!({ "shippingAddress": abroad })).await;
        assert_eq!(moved.to_string(), "502 SHIPPING_ERROR");
        assert_eq!(shop.orders().await, "");

        desk.offer(&[rate("post", 800, "EUR")]);
        let offered = guest.post(&format!("{CURRENT}/shipping"), json!({})).await;
        let total = offered.body["data"]["session"]["totals"]["total"].clone();
        assert_eq!(total, 2 * 1200 + 1999 + 800);
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        let order = reply.body["data"]["session"]["order"]["id"].as_str().unwrap();
        until_paid(&shop, &guest, order).await;
        shop.close().await;
    }
}
