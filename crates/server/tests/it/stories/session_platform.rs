//! A checkout session on a cart at Elastic Path, as a browser meets it.

use http::Method;
use serde_json::{Value, json};
use server::context::Backend;
use simulators::elastic_path::{ErrorShape, FaultKind};

use crate::{
    browser::{Browser, CURRENT, SESSIONS, abroad, home, state},
    platform::{EBOOK, PAN, platform_stories},
};

platform_stories! {
    async fn nobody_opens_or_pays_a_session_on_an_empty_cart(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        assert_eq!(guest.ask(Method::DELETE, "/api/cart", None).await.status, 200);
        assert_eq!(guest.pay("ctoken_ok").await.to_string(), "409 CART_MISMATCH");
        assert_eq!(guest.pay("ctoken_ok").await.status, 400, "she has seen that it is empty");
        assert_eq!(guest.post(SESSIONS, json!({})).await.status, 400);
        assert!(shop.ep.ledger().payments.is_empty());
        shop.close().await;
    }

    async fn a_session_on_a_cart_at_the_platform_is_priced_by_the_platform_with_its_shipping(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.add(PAN, 2).await;
        let opened = guest.open_session().await;
        let session = &opened.body["data"]["session"];
        assert_eq!((&session["status"], &session["totals"]["total"]), (&json!("open"), &json!(3000)));
        assert_eq!(session.get("cartHash"), None);

        let form = json!({
            "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
            "shippingAddress": abroad(),
            "billingAddress": abroad(),
        });
        guest.patch(form).await;
        let offered = guest.offer().await;
        assert_eq!(offered.body["data"]["session"]["availableShippingRates"][0]["amount"], 1450);
        let chosen = guest.patch(json!({ "selectedShippingRateId": "standard" })).await;
        let totals = &chosen.body["data"]["session"]["totals"];
        assert_eq!((&totals["shipping"], &totals["total"]), (&json!(1450), &json!(4450)));
        assert_eq!(totals["subtotal"], 3000);

        // Another country costs something else, in the platform's cart too.
        let moved = guest.patch(json!({ "shippingAddress": home() })).await;
        let moved = &moved.body["data"]["session"];
        assert_eq!(moved["totals"]["total"], 3599);
        assert_eq!(guest.session().await, *moved);
        shop.close().await;
    }

    async fn without_a_cart_or_with_a_name_that_is_none_there_is_no_session_at_the_platform(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        let none = guest.post(SESSIONS, json!({})).await;
        assert_eq!(none.to_string(), "400 VALIDATION_ERROR");
        let hostile = guest.post(SESSIONS, json!({ "cartId": "..%2Forders" })).await;
        assert_eq!(hostile.to_string(), "400 VALIDATION_ERROR");
        assert!(shop.ep.requests().iter().all(|one| !one.path.contains("orders")));
        shop.close().await;
    }

    async fn what_needs_orders_of_our_own_is_not_there_at_the_platform(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        for path in ["/api/checkout/intent", "/api/checkout/confirm", "/api/webhooks/stripe"] {
            let answer = guest.post(path, json!({})).await;
            assert_eq!(answer.to_string(), "404 backend.unsupported");
        }
        shop.close().await;
    }

    async fn a_cart_that_the_platform_does_not_show_opens_no_session(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.add(PAN, 1).await;
        let broken = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::GET, "/v2/carts", broken, 100);
        let answer = guest.post(SESSIONS, json!({})).await;
        assert_eq!(answer.to_string(), "502 EP_ERROR");
        assert_eq!(answer.body["error"]["message"], "Failed to fetch cart");
        assert_eq!(guest.session().await, Value::Null);
        shop.close().await;
    }

    async fn a_line_that_cannot_be_counted_is_not_sent_for_nothing(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.add(EBOOK, 1).await;
        // The platform counts further than Till does.
        shop.ep.set_stock(PAN, None);
        shop.add(&guest.cart().await.parse().unwrap(), PAN, 10_000).await;
        guest.open_session().await;
        guest.patch(json!({ "shippingAddress": home() })).await;
        assert_eq!(guest.offer().await.to_string(), "502 SHIPPING_ERROR");
        shop.close().await;
    }

    async fn shipping_that_the_platform_does_not_take_is_not_shown_as_chosen(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.add(PAN, 1).await;
        guest.open_session().await;
        guest.patch(json!({ "shippingAddress": home() })).await;
        guest.offer().await;
        let broken = FaultKind::Status(422, ErrorShape::Number);
        shop.faults(Method::POST, "/items", broken, 100);
        let answer = guest.patch(json!({ "selectedShippingRateId": "standard" })).await;
        assert_eq!(answer.to_string(), "502 EP_ERROR");
        assert_eq!(answer.body["error"]["message"], "Failed to apply shipping");
        assert_eq!(guest.session().await["selectedShippingRateId"], Value::Null);
        shop.close().await;
    }

    async fn a_session_at_the_platform_is_paid_in_one_call_and_its_cart_is_gone(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        let declined = guest.pay("ctoken_decline_4xx").await;
        assert_eq!(state(&declined), "200 open failed");
        assert!(declined.body["paymentError"].is_string(), "{declined}");

        let paid = guest.pay("ctoken_ok").await;
        assert_eq!(state(&paid), "200 complete succeeded");
        let session = &paid.body["data"]["session"];
        assert!(session["order"]["transactionId"].is_string());
        let named = session["payment"]["gatewayMetadata"]["paymentIntentId"].as_str().unwrap();
        assert_eq!(named, shop.ep.ledger().payments.last().unwrap().id);
        let again = guest.pay("ctoken_ok_2").await;
        assert_eq!(again.body["data"]["session"]["order"], session["order"]);
        assert_eq!(shop.asked("POST", "/checkout"), 1);

        // The next product makes another cart.
        let cart = guest.get("/api/cart").await.body;
        assert_eq!((&cart["id"], &cart["items"]), (&json!(""), &json!([])));
        guest.add(PAN, 1).await;
        assert_ne!(guest.cart().await, session["cartId"].as_str().unwrap());
        shop.close().await;
    }

    async fn the_second_of_two_clicks_is_not_charged_a_price_at_the_platform_that_she_has_not_seen(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        let tab = guest.other_tab(&[]);
        let cart = guest.cart().await.parse().unwrap();
        // Another program puts something into the cart that her page shows for 35.99.
        shop.add(&cart, EBOOK, 1).await;
        let clicks = ["ctoken_ok_1", "ctoken_ok_2"];
        let (first, second) =
            tokio::join!(guest.pay_seeing(clicks[0], 3599), tab.pay_seeing(clicks[1], 3599));
        for reply in [&first, &second] {
            assert_eq!(reply.to_string(), "409 CART_MISMATCH");
            assert_eq!(reply.body["data"]["session"]["totals"]["total"], 4499);
        }
        // The session is priced anew, and the click comes from the page of before.
        let late = tab.pay_seeing("ctoken_ok_3", 3599).await;
        assert_eq!(late.to_string(), "409 CART_MISMATCH");
        assert_eq!(late.body["data"]["session"]["status"], "open");
        assert_eq!(shop.asked("POST", "/payments"), 0);

        let paid = guest.pay_seeing("ctoken_ok_4", 4499).await;
        assert_eq!(state(&paid), "200 complete succeeded");
        // Whoever repeats a click hears of the order, whatever her page shows.
        let again = tab.pay_seeing("ctoken_ok_5", 3599).await;
        assert_eq!(again.body["data"]["session"]["order"], paid.body["data"]["session"]["order"]);
        let payments = shop.ep.ledger().payments;
        assert_eq!(payments.iter().map(|one| one.amount).collect::<Vec<_>>(), [4499]);
        shop.close().await;
    }

    async fn a_total_that_is_no_amount_is_refused_at_the_platform_and_none_is_asked_for(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        for total in [json!(-1), json!("3599"), json!(35.99), json!(1e300), json!([3599])] {
            let reply = guest.pay_seeing("ctoken_ok", total).await;
            assert_eq!(reply.to_string(), "400 VALIDATION_ERROR");
        }
        assert_eq!(shop.asked("POST", "/payments"), 0);
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        shop.close().await;
    }

    async fn a_challenge_at_the_platform_is_resumed_or_abandoned(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        let asked = guest.pay("ctoken_3ds").await;
        assert_eq!(state(&asked), "200 open requires_action");
        assert_eq!(guest.resume().await.to_string(), "409 PAYMENT_STILL_REQUIRES_ACTION");
        let payment = &asked.body["data"]["session"]["payment"];
        let payment = payment["actionData"]["paymentIntentId"].as_str().unwrap();
        assert!(shop.ep.authenticate(payment, Some(true)));
        assert_eq!(state(&guest.resume().await), "200 complete succeeded");
        guest.rest().await;

        let other = Browser::open(&shop, &[("EP_CLOSES_CHALLENGES", "yes")]);
        other.ready().await;
        assert_eq!(state(&other.pay("ctoken_3ds_2").await), "200 open requires_action");
        assert_eq!(state(&other.abandon().await), "200 open failed");
        assert_eq!(other.abandon().await.to_string(), "400 SESSION_NOT_ABANDONABLE");
        assert_eq!(state(&other.pay("ctoken_ok").await), "200 complete succeeded");
        shop.close().await;
    }

    async fn stock_that_is_gone_after_the_charge_is_told_as_it_is_wherever_she_asks(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        shop.ep.set_stock(PAN, Some(0));
        let paid = guest.pay("ctoken_ok").await;
        let again = guest.pay("ctoken_ok_2").await;
        let seen = guest.get(CURRENT).await;
        for reply in [&paid, &again, &seen] {
            assert_eq!(state(reply), "200 processing pending");
            let sentence = reply.body["paymentError"].as_str().unwrap();
            let truth = "Your card was charged, but the order could not be placed";
            assert!(sentence.starts_with(truth), "{reply}");
            assert_eq!(reply.body["reconciliationPending"], true);
            let payment = &reply.body["data"]["session"]["payment"];
            assert_eq!(payment["gatewayMetadata"]["needsReconciliation"], true);
            let named = &payment["gatewayMetadata"]["paymentIntentId"];
            assert_eq!(*named, *shop.ep.ledger().payments[0].id);
        }
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        assert_eq!(shop.items().await, ["purchase_checkout_refused"]);
        shop.close().await;
    }

    async fn a_shop_without_its_secret_has_no_gateway_to_pay_by(shop: Platform) {
        let guest = Browser::open(&shop, &[("EP_CLIENT_SECRET", "")]);
        guest.ready().await;
        assert_eq!(guest.pay("ctoken_ok").await.to_string(), "400 UNKNOWN_GATEWAY");
        assert_eq!(guest.session().await["status"], "open");
        assert!(shop.ep.ledger().payments.is_empty());
        shop.close().await;
    }

    async fn whoever_finds_no_room_in_the_stores_rate_limit_is_told_so_before_the_charge(shop: Platform) {
        let guest = Browser::open(&shop, &[("EP_CALLS_PER_SECOND", "1")]);
        guest.ready().await;
        let Backend::Platform(px) = &guest.server.backend else { panic!("another backend") };
        let _admitted = px.elastic_path.admin().unwrap().admit(50).await.unwrap();
        let reply = guest.pay("ctoken_ok").await;
        assert_eq!(reply.to_string(), "429 RATE_LIMITED");
        assert!(reply.headers.contains_key("retry-after"));
        assert_eq!(shop.asked("POST", "/payments"), 0);
        assert_eq!(guest.session().await["status"], "open");
        shop.close().await;
    }

    async fn a_store_that_is_asked_too_often_is_told_of_as_such_at_every_step(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.add(PAN, 1).await;
        let limited = || {
            let kind = FaultKind::RateLimited { retry_after_s: Some(7) };
            shop.faults(Method::GET, "/v2/carts", kind, 100);
        };
        limited();
        let opened = guest.post(SESSIONS, json!({})).await;
        shop.ep.clear_faults();
        guest.open_session().await;
        guest.patch(json!({ "shippingAddress": home() })).await;
        limited();
        let offered = guest.offer().await;
        shop.ep.clear_faults();
        assert_eq!(guest.offer().await.status, 200);
        limited();
        let chosen = guest.patch(json!({ "selectedShippingRateId": "standard" })).await;
        for reply in [opened, offered, chosen] {
            assert_eq!(reply.to_string(), "429 RATE_LIMITED");
            assert!(reply.headers.contains_key("retry-after"));
        }
        shop.close().await;
    }

    async fn a_cart_with_nothing_to_pay_is_bought_without_a_card(shop: Platform) {
        shop.ep.set_price(EBOOK, "USD", 0);
        let guest = Browser::open(&shop, &[]);
        guest.add(EBOOK, 1).await;
        let opened = guest.post(SESSIONS, json!({ "requiresShipping": false })).await;
        assert_eq!(opened.status, 201);
        let form = json!({
            "customerInfo": { "name": "Ada Beispiel", "email": "ada@example.org" },
            "billingAddress": home(),
        });
        guest.patch(form).await;
        let paid = guest.post(&format!("{CURRENT}/pay"), json!({ "gateway": "manual" })).await;
        guest.rest().await;
        assert_eq!(state(&paid), "200 complete succeeded");
        let payment = &paid.body["data"]["session"]["payment"];
        assert_eq!((&payment["gateway"], &payment["gatewayMetadata"]["free"]), (&json!("manual"), &json!(true)));
        assert!(shop.ep.ledger().payments.is_empty());
        shop.close().await;
    }

    async fn what_she_buys_while_a_debit_is_under_way_goes_into_another_cart(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        let cart = guest.cart().await;
        assert_eq!(state(&guest.pay("ctoken_processing").await), "200 processing pending");
        let emptied = guest.ask(Method::DELETE, "/api/cart", None).await;
        assert_eq!(emptied.to_string(), "409 request.conflict", "the bank is asked for these goods");

        guest.add(PAN, 1).await;

        assert_ne!(guest.cart().await, cart);
        let payment = shop.ep.ledger().payments[0].id.clone();
        assert!(shop.ep.settle(&payment, Some(true)));
        shop.heal().await;
        assert_eq!(state(&guest.get(CURRENT).await), "200 complete succeeded");
        shop.close().await;
    }

    async fn a_cart_whose_shopper_is_at_her_banks_is_not_changed(shop: Platform) {
        let guest = Browser::open(&shop, &[("EP_CLOSES_CHALLENGES", "yes")]);
        guest.ready().await;
        assert_eq!(state(&guest.pay("ctoken_3ds").await), "200 open requires_action");
        let item = json!({ "productId": PAN, "quantity": 1 });
        let added = guest.post("/api/cart/items", item.clone()).await;
        assert_eq!(added.to_string(), "409 request.conflict");
        let line = guest.get("/api/cart").await.body["items"][0]["id"].as_str().unwrap().to_owned();
        let line = format!("/api/cart/items/{line}");
        let more = || guest.ask(Method::PATCH, &line, Some(json!({ "quantity": 3 })));
        let out = || guest.ask(Method::DELETE, &line, None);
        for refused in [more().await, out().await] {
            assert_eq!(refused.to_string(), "409 request.conflict");
            assert_eq!(refused.body["error"].get("details"), None, "no order of ours is named");
        }
        assert_eq!(guest.get("/api/cart").await.body["items"][0]["quantity"], 2);

        assert_eq!(state(&guest.abandon().await), "200 open failed");
        assert_eq!(guest.post("/api/cart/items", item).await.status, 200);
        assert_eq!(more().await.body["items"][0]["quantity"], 3);
        assert_eq!(out().await.body["items"], json!([]));
        shop.close().await;
    }

    async fn a_session_changes_nothing_of_a_cart_that_another_session_pays(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        let tab = guest.other_tab(&[]);
        tab.open_session().await;
        tab.fill_in().await;
        let late = guest.other_tab(&[]);
        let asked = guest.pay("ctoken_3ds").await;
        assert_eq!(state(&asked), "200 open requires_action");
        let name = guest.cart().await.parse().unwrap();
        let lines = || async { format!("{:?}", shop.cart(&name).await.lines) };
        let paid_for = lines().await;

        // Where she lives now it costs more, but that is not what her bank is being asked for.
        let moved = tab.patch(json!({ "shippingAddress": abroad() })).await;
        assert_eq!(moved.to_string(), "400 SESSION_NOT_OPEN");
        assert_eq!(lines().await, paid_for);
        // What does not change the cart is taken in.
        let renamed = json!({ "customerInfo": { "name": "Eva", "email": "eva@example.org" } });
        assert_eq!(tab.patch(renamed).await.status, 200);
        assert_eq!(tab.offer().await.status, 200);
        // A third session shows the cart as it is being paid.
        let opened = late.open_session().await;
        assert_eq!(opened.body["data"]["session"]["totals"]["total"], 3599);
        assert_eq!(lines().await, paid_for);

        let payment = &asked.body["data"]["session"]["payment"];
        let payment = payment["actionData"]["paymentIntentId"].as_str().unwrap();
        assert!(shop.ep.authenticate(payment, Some(true)));
        assert_eq!(state(&tab.pay("ctoken_ok").await), "200 open requires_action");
        assert_eq!(state(&guest.resume().await), "200 complete succeeded");
        guest.rest().await;
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        for other in [&tab, &late] {
            assert_eq!(other.get(CURRENT).await.status, 200);
        }
        assert_eq!(tab.session().await["status"], "complete");
        shop.close().await;
    }
}
