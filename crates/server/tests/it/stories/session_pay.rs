//! Paying a session: one call, one charge, whatever is lost, repeated or done twice at once.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use simulators::stripe::{DisputeOrder, Fault, FaultKind, Outcome, ReleaseOrder};

use super::{
    payment::PAYING,
    session::{address, ready},
    shield::{items, open_breaker, shielded},
};
use crate::{
    challenge::solve,
    guest::{Card, Guest, Reply},
    shop::{Shop, stories},
};

pub const CURRENT: &str = "/api/checkout/sessions/current";
pub const PAYMENTS: &str = "/v1/payment_intents";

pub async fn pay_by(guest: &Guest<'_>, token: &str) -> Reply {
    let body = json!({ "gateway": "stripe", "confirmation_token": token });
    guest.post(&format!("{CURRENT}/pay"), body).await
}

/// She pays what her page shows, in minor units.
async fn pay_seeing(guest: &Guest<'_>, total: impl Into<Value>) -> Reply {
    pay_seeing_by(guest, &guest.token(Card::Good).await, total).await
}

async fn pay_seeing_by(guest: &Guest<'_>, token: &str, total: impl Into<Value>) -> Reply {
    let seen = total.into();
    let body = json!({ "gateway": "stripe", "confirmation_token": token, "total": seen });
    guest.post(&format!("{CURRENT}/pay"), body).await
}

pub async fn pay(guest: &Guest<'_>, card: Card) -> Reply {
    pay_by(guest, &guest.token(card).await).await
}

pub async fn current(guest: &Guest<'_>) -> Reply {
    guest.get(CURRENT).await
}

/// The two words of a session's state, such as `200 complete succeeded`.
pub fn state(reply: &Reply) -> String {
    let session = &reply.body["data"]["session"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (status, payment) = (word(&session["status"]), word(&session["payment"]["status"]));
    format!("{} {status} {payment}", reply.status)
}

pub fn order(reply: &Reply) -> &str {
    reply.body["data"]["session"]["order"]["id"].as_str().unwrap()
}

/// Stripe's name of the payment whose challenge waits.
pub fn challenged(reply: &Reply) -> &str {
    let payment = &reply.body["data"]["session"]["payment"];
    payment["actionData"]["paymentIntentId"].as_str().unwrap()
}

pub async fn until_paid(shop: &Shop, guest: &Guest<'_>, order: &str) {
    let path = format!("/api/orders/{order}");
    shop.until("the order is paid", || async { guest.get(&path).await.body["status"] == "paid" })
        .await;
}

pub async fn shopper(shop: &Shop) -> Guest<'_> {
    let guest = shop.guest_with_cart([("mug", 2)]).await;
    ready(&guest).await;
    guest
}

stories! {
    async fn one_call_pays_the_session_and_the_event_pays_its_order(shop: Shop) {
        let guest = shopper(&shop).await;
        let token = guest.token(Card::Good).await;
        // A solution that nobody has asked for is no hindrance.
        let body = json!({
            "gateway": "stripe",
            "confirmation_token": token,
            "challenge": { "kind": "turnstile", "token": "unasked" },
        });
        let reply = guest.post(&format!("{CURRENT}/pay"), body).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        assert_eq!(reply.body["success"], true);
        until_paid(&shop, &guest, order(&reply)).await;
        let paid = guest.get(&format!("/api/orders/{}", order(&reply))).await;
        paid.says("\"total\":28.90");
        assert_eq!(guest.cart().await, "");
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn a_declined_card_leaves_the_session_open_and_another_card_pays_it(shop: Shop) {
        let guest = shopper(&shop).await;
        let reply = pay(&guest, Card::InsufficientFunds).await;
        assert_eq!(state(&reply), "200 open failed");
        assert_eq!(reply.body["success"], true);
        assert_eq!(reply.body["paymentError"], "Your card has insufficient funds.");
        assert_eq!(reply.body["data"]["session"]["order"], Value::Null);

        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        assert_eq!(reply.body.get("paymentError"), None);
        until_paid(&shop, &guest, order(&reply)).await;
        assert_eq!(shop.orders().await, "1 cancelled, 1 paid");
        shop.close().await;
    }

    async fn the_same_declined_token_again_is_answered_the_same(shop: Shop) {
        let guest = shopper(&shop).await;
        let token = guest.token(Card::Declined).await;
        let first = pay_by(&guest, &token).await;
        let again = pay_by(&guest, &token).await;
        assert_eq!((state(&first), state(&again)), (state(&again), "200 open failed".into()));
        assert_eq!(first.body["paymentError"], again.body["paymentError"]);
        assert_eq!(shop.orders().await, "1 pending");
        shop.close().await;
    }

    async fn ten_pays_at_once_charge_once_and_are_all_answered_the_same(shop: Shop) {
        let guest = shopper(&shop).await;
        let mut pays = Vec::new();
        for _ in 0..10 {
            // Each tab has made a token of its own.
            pays.push((guest.other_tab(), guest.token(Card::Good).await));
        }
        let replies =
            futures::future::join_all(pays.iter().map(|(tab, token)| pay_by(tab, token))).await;
        for reply in &replies {
            assert_eq!(state(reply), "200 complete succeeded", "{reply}");
            assert_eq!(order(reply), order(&replies[0]));
        }
        until_paid(&shop, &guest, order(&replies[0])).await;
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn paying_again_after_success_is_answered_the_same(shop: Shop) {
        let guest = shopper(&shop).await;
        let cookie = guest.other_tab();
        let first = pay(&guest, Card::Good).await;
        until_paid(&shop, &guest, order(&first)).await;
        // The cookie of before the payment names the same row.
        for tab in [guest.other_tab(), cookie] {
            let again = pay(&tab, Card::Good).await;
            assert_eq!(state(&again), "200 complete succeeded");
            assert_eq!(order(&again), order(&first));
        }
        let patched = guest.patch(CURRENT, json!({ "billingAddress": address() })).await;
        assert_eq!(patched.to_string(), "400 SESSION_NOT_OPEN");
        let offered = guest.post(&format!("{CURRENT}/shipping"), json!({})).await;
        assert_eq!(offered.to_string(), "400 SESSION_NOT_OPEN");
        shop.close().await;
    }

    async fn a_second_session_of_the_same_cart_shows_the_first_ones_order(shop: Shop) {
        let guest = shopper(&shop).await;
        let other = guest.other_tab();
        ready(&other).await;
        let late = guest.other_tab();
        ready(&late).await;
        let (one, two) = tokio::join!(pay(&guest, Card::Good), pay(&other, Card::Good));
        assert_eq!((state(&one), state(&two)), (state(&two), "200 complete succeeded".into()));
        assert_eq!(order(&one), order(&two));
        until_paid(&shop, &guest, order(&one)).await;

        let three = pay(&late, Card::Good).await;
        assert_eq!(state(&three), "200 complete succeeded");
        assert_eq!(order(&three), order(&one));
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn a_session_of_more_than_is_being_paid_is_not_complete_by_that_payment(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        let intent = guest.intent().await;
        assert_eq!(guest.confirm_debit(&intent, PAYING).await, "processing");
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 pending");
        guest.add("print", 1).await;
        ready(&guest).await;
        assert_eq!(state(&pay(&guest, Card::Good).await), "200 processing pending");

        shop.stripe.settle(intent.payment(), Some(Outcome::Succeeded));
        guest.until_order_is(&intent, "paid").await;

        assert_eq!(state(&current(&guest).await), "200 open idle");
        assert_eq!(pay(&guest, Card::Good).await.to_string(), "409 CART_MISMATCH");
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        assert_ne!(order(&reply), intent.order);
        until_paid(&shop, &guest, order(&reply)).await;
        assert_eq!(shop.orders().await, "2 paid");
        shop.close().await;
    }

    async fn a_cart_that_changed_is_shown_before_it_is_paid(shop: Shop) {
        let guest = shopper(&shop).await;
        guest.add("mug", 1).await;
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(reply.to_string(), "409 CART_MISMATCH");
        assert_eq!(reply.body["data"]["session"]["totals"]["total"], 4090);
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        until_paid(&shop, &guest, order(&reply)).await;
        shop.close().await;
    }

    async fn the_second_of_two_clicks_is_not_charged_a_price_that_she_has_not_seen(shop: Shop) {
        let guest = shopper(&shop).await;
        let tab = guest.other_tab();
        guest.add("mug", 1).await;
        let (first, second) = tokio::join!(pay_seeing(&guest, 2890), pay_seeing(&tab, 2890));
        for reply in [&first, &second] {
            assert_eq!(reply.to_string(), "409 CART_MISMATCH");
            assert_eq!(reply.body["data"]["session"]["totals"]["total"], 4090);
        }
        // The session is priced anew, and the click comes from the page of before.
        let late = pay_seeing(&tab, 2890).await;
        assert_eq!(late.to_string(), "409 CART_MISMATCH");
        assert_eq!(late.body["data"]["session"]["status"], "open");
        assert_eq!(shop.orders().await, "");

        let paid = pay_seeing(&guest, 4090).await;
        assert_eq!(state(&paid), "200 complete succeeded");
        // Whoever repeats a click hears of the order, whatever her page shows.
        let again = pay_seeing(&tab, 2890).await;
        assert_eq!(order(&again), order(&paid));
        until_paid(&shop, &guest, order(&paid)).await;
        let charged: Vec<i64> = shop.stripe.ledger().iter().map(|entry| entry.amount).collect();
        assert_eq!(charged, [4090]);
        shop.close().await;
    }

    async fn a_click_with_another_total_follows_the_payment_that_is_under_way(shop: Shop) {
        let guest = shopper(&shop).await;
        let asked = pay_seeing_by(&guest, &guest.token(Card::ThreeDSecure).await, 2890).await;
        assert_eq!(state(&asked), "200 open requires_action");
        let second = pay_seeing(&guest.other_tab(), 1).await;
        assert_eq!(challenged(&second), challenged(&asked));
        shop.close().await;
    }

    async fn a_total_that_is_no_amount_is_refused_and_nothing_is_ordered(shop: Shop) {
        let guest = shopper(&shop).await;
        for total in [json!(-1), json!("2890"), json!(28.90), json!(1e300), json!([2890])] {
            let reply = pay_seeing(&guest, total).await;
            assert_eq!(reply.to_string(), "400 VALIDATION_ERROR");
        }
        assert_eq!(shop.orders().await, "");
        shop.close().await;
    }

    async fn what_was_free_on_her_page_and_no_longer_is_is_shown_first(shop: Shop) {
        let guest = shop.guest_with_cart([("gift", 1)]).await;
        ready(&guest).await;
        guest.add("book", 1).await;
        let body = json!({ "gateway": "manual", "total": 0 });
        for _ in 0..2 {
            let reply = guest.post(&format!("{CURRENT}/pay"), body.clone()).await;
            assert_eq!(reply.to_string(), "409 CART_MISMATCH");
        }
        assert_eq!(shop.orders().await, "");
        shop.close().await;
    }

    async fn what_is_missing_is_said_before_anything_is_charged(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        guest.post("/api/checkout/sessions", json!({})).await;
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(reply.to_string(), "400 MISSING_FIELDS");
        assert_eq!(
            reply.body["error"]["message"],
            "Missing required fields: customerInfo, billingAddress, shippingAddress, \
             selectedShippingRateId"
        );
        ready(&guest).await;
        let path = format!("{CURRENT}/pay");
        let nothing = guest.post(&path, json!({})).await;
        assert_eq!(nothing.to_string(), "400 VALIDATION_ERROR");
        for gateway in ["clover", "manual"] {
            let reply = guest.post(&path, json!({ "gateway": gateway })).await;
            assert_eq!(reply.to_string(), "400 UNKNOWN_GATEWAY");
        }
        // A rate that is not offered is not taken.
        let reply = guest.patch(CURRENT, json!({ "selectedShippingRateId": "express" })).await;
        assert_eq!(reply.body["data"]["session"]["selectedShippingRateId"], Value::Null);
        assert_eq!(shop.orders().await, "");
        shop.close().await;
    }

    async fn a_rate_that_has_changed_is_chosen_again_before_it_is_paid(shop: Shop) {
        let mut shop = shop;
        let cookie = shopper(&shop).await.cookie();
        shop.restart_with([("TILL_SHIPPING", "*:6.90")]).await;
        let guest = Guest::returning(&shop, cookie);
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(reply.to_string(), "409 SHIPPING_RATE_UNRESOLVABLE");
        assert_eq!(shop.orders().await, "");
        shop.close().await;
    }

    async fn a_session_with_nothing_to_pay_is_complete_at_once(shop: Shop) {
        let guest = shop.guest_with_cart([("gift", 1)]).await;
        ready(&guest).await;
        let reply = guest.post(&format!("{CURRENT}/pay"), json!({ "gateway": "manual" })).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        let payment = &reply.body["data"]["session"]["payment"];
        assert_eq!(payment["gateway"], "manual");
        assert_eq!(payment["gatewayMetadata"]["free"], true);
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn a_lost_answer_is_asked_for_under_the_same_key_and_charges_once(shop: Shop) {
        let guest = shopper(&shop).await;
        let lost = Fault::once(PAYMENTS, FaultKind::LoseAfter);
        shop.stripe.inject(Fault { method: Some(Method::POST), ..lost });
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        until_paid(&shop, &guest, order(&reply)).await;
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn while_stripe_does_not_answer_the_session_is_processing_and_nothing_is_asked_twice(shop: Shop) {
        let guest = shopper(&shop).await;
        let lost = Fault::once(PAYMENTS, FaultKind::LoseAfter);
        let silent = Fault { times: 1000, ..Fault::once(PAYMENTS, FaultKind::LoseBefore) };
        shop.stripe.inject(Fault { method: Some(Method::POST), ..lost });
        shop.stripe.inject(silent);
        shop.stripe.inject(Fault { times: 1000, ..Fault::once("/v1/events", FaultKind::LoseBefore) });
        shop.stripe.drop_webhooks();
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 processing pending");
        assert_eq!(reply.body["data"]["session"]["order"], Value::Null);
        // Half an hour does not make an expired session or a given up order of it.
        shop.advance(Duration::from_secs(40 * 60));
        assert_eq!(state(&current(&guest).await), "200 processing pending");

        shop.stripe.clear_faults();
        shop.advance(Duration::from_secs(10 * 60));
        shop.until("the answer comes", || async {
            state(&current(&guest).await) == "200 complete succeeded"
        }).await;
        until_paid(&shop, &guest, order(&current(&guest).await)).await;
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn what_is_said_beside_a_payment_before_we_know_of_it_is_not_lost(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shopper(&shop).await;
        // Stripe charges, its answer is lost, and nobody tells of the payment itself.
        let lost = Fault::once(PAYMENTS, FaultKind::LoseAfter);
        shop.stripe.inject(Fault { method: Some(Method::POST), times: 1000, ..lost });
        shop.stripe.inject(Fault { times: 1000, ..Fault::once("/v1/events", FaultKind::LoseBefore) });
        shop.stripe.hold_webhooks_of(&["*"]);
        assert_eq!(state(&pay(&guest, Card::ReportedAsFraud).await), "200 processing pending");
        let payment = shop.stripe.ledger()[0].id.clone();
        let inquiry = DisputeOrder { inquiry: true, ..DisputeOrder::default() };
        shop.stripe.dispute(&payment, &inquiry).unwrap();
        let beside = ["radar.*", "charge.dispute.*"];
        shop.stripe.release_webhooks_of(&beside, ReleaseOrder::AsMade);

        shop.until("a person hears of the warning and of the bank's question", || async {
            items(&shop.cx.store).await.len() == 2
        }).await;

        shop.stripe.clear_faults();
        shop.stripe.release_webhooks();
        let reply = current(&guest).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        until_paid(&shop, &guest, order(&reply)).await;
        shop.close().await;
    }

    async fn a_payment_that_stripe_says_nothing_of_is_not_given_up_when_its_order_is_over(shop: Shop) {
        let mut shop = shop;
        // Whoever runs the shop hears that Stripe refuses the key.
        shop.expect_items(1);
        let guest = shopper(&shop).await;
        let lost = Fault::once(PAYMENTS, FaultKind::LoseAfter);
        shop.stripe.inject(Fault { method: Some(Method::POST), ..lost });
        for path in [PAYMENTS, "/v1/events"] {
            let refused = Fault::once(path, FaultKind::Status(401));
            shop.stripe.inject(Fault { times: 10_000, ..refused });
        }
        shop.stripe.drop_webhooks();
        assert_eq!(state(&pay(&guest, Card::Good).await), "200 processing pending");

        shop.advance(Duration::from_secs(40 * 60));
        shop.until("the worker has asked", || async {
            !items(&shop.cx.store).await.is_empty()
        }).await;
        assert_eq!(shop.orders().await, "1 pending");
        assert_eq!(state(&current(&guest).await), "200 processing pending");

        shop.stripe.clear_faults();
        shop.advance(Duration::from_secs(10 * 60));
        shop.until("the answer comes", || async {
            state(&current(&guest).await) == "200 complete succeeded"
        }).await;
        until_paid(&shop, &guest, order(&current(&guest).await)).await;
        shop.close().await;
    }

    async fn a_server_that_is_killed_while_it_asks_finishes_when_it_starts_again(shop: Shop) {
        let mut shop = shop;
        let cookie = {
            let guest = shopper(&shop).await;
            let token = guest.token(Card::Good).await;
            let slow = Fault::once(PAYMENTS, FaultKind::SlowAfter(Duration::from_secs(5)));
            shop.stripe.inject(Fault { method: Some(Method::POST), ..slow });
            shop.stripe.hold_webhooks();
            let paying = pay_by(&guest, &token);
            let seen = shop.until("the order is written down", || async {
                shop.orders().await == "1 pending"
            });
            tokio::select! {
                reply = paying => panic!("{reply}"),
                () = seen => {}
            }
            guest.cookie()
        };
        shop.kill();
        shop.stripe.clear_faults();
        shop.start().await;
        shop.advance(Duration::from_secs(40));
        shop.stripe.release_webhooks();
        let guest = Guest::returning(&shop, cookie);
        shop.until("the session is complete", || async {
            state(&current(&guest).await) == "200 complete succeeded"
        }).await;
        until_paid(&shop, &guest, order(&current(&guest).await)).await;
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn an_unconfirmed_intent_of_the_same_cart_makes_room_for_the_session(shop: Shop) {
        let guest = shopper(&shop).await;
        let intent = guest.intent().await;
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        assert_eq!(guest.confirm_at_stripe(&intent, Card::Good).await, "payment_intent_unexpected_state");
        until_paid(&shop, &guest, order(&reply)).await;
        assert_eq!(shop.orders().await, "1 cancelled, 1 paid");
        shop.close().await;
    }

    async fn an_intent_beside_a_session_that_is_being_paid_starts_no_other_payment(shop: Shop) {
        let guest = shopper(&shop).await;
        let reply = pay_by(&guest, &guest.token_of_a_debit().await).await;
        assert_eq!(state(&reply), "200 processing pending");
        assert_eq!(guest.ask_intent().await.to_string(), "409 request.conflict");
        assert_eq!(shop.stripe.ledger().len(), 1);
        assert!(shop.stripe.settle(&shop.stripe.ledger()[0].id, None));
        shop.until("the session is complete", || async {
            state(&current(&guest).await) == "200 complete succeeded"
        }).await;
        until_paid(&shop, &guest, order(&current(&guest).await)).await;
        assert_eq!(guest.ask_intent().await.to_string(), "400 checkout.cartEmpty");
        assert_eq!(shop.stripe.ledger().len(), 1);
        shop.close().await;
    }

    async fn a_token_that_stripe_does_not_know_charges_nothing_and_another_pays(shop: Shop) {
        let guest = shopper(&shop).await;
        let reply = pay_by(&guest, "ctoken_of_nobody").await;
        assert_eq!(state(&reply), "200 open failed");
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        until_paid(&shop, &guest, order(&reply)).await;
        shop.close().await;
    }

    async fn where_stripe_cannot_be_asked_nothing_is_begun_and_the_shopper_hears_so(shop: Shop) {
        let guest = shopper(&shop).await;
        assert_eq!(state(&pay(&guest, Card::Declined).await), "200 open failed");
        let token = guest.token(Card::ThreeDSecure).await;
        let silent = Fault { times: 1000, ..Fault::once(PAYMENTS, FaultKind::Status(502)) };
        shop.stripe.inject(silent.clone());
        // The declined payment cannot be closed, so no other is begun.
        assert_eq!(pay_by(&guest, &token).await.to_string(), "502 ADAPTER_ERROR");
        shop.stripe.clear_faults();
        let reply = pay_by(&guest, &token).await;
        assert_eq!(state(&reply), "200 open requires_action");

        shop.stripe.inject(silent);
        for path in ["resume-payment", "abandon-payment"] {
            let reply = guest.post(&format!("{CURRENT}/{path}"), json!({})).await;
            assert_eq!(reply.to_string(), "502 ADAPTER_ERROR");
        }
        // The wish to give up is written down.
        shop.stripe.clear_faults();
        shop.advance(Duration::from_secs(60));
        shop.until("the payment is cancelled", || async {
            state(&current(&guest).await) == "200 open failed"
        }).await;
        shop.close().await;
    }

    async fn whoever_pays_too_often_waits_and_is_told_for_how_long(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_SHIELD_ORDERS", "visitor:1, network:1, email:1")]).await;
        let guest = shopper(&shop).await;
        assert_eq!(state(&pay(&guest, Card::Declined).await), "200 open failed");
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(reply.to_string(), "429 RATE_LIMITED");
        assert!(reply.headers.contains_key("retry-after"));
        shop.close().await;
    }

    async fn while_cards_are_being_tried_out_a_session_is_paid_after_a_challenge(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, []).await;
        shop.expect_items(1);
        open_breaker(&shop).await;
        let guest = shopper(&shop).await;
        let token = guest.token(Card::Good).await;
        let asked = pay_by(&guest, &token).await;
        assert_eq!(asked.to_string(), "403 CHALLENGE_REQUIRED");
        let body = json!({
            "gateway": "stripe",
            "confirmation_token": token,
            "challenge": solve(&asked.body["error"]["challenge"]),
        });
        let reply = guest.post(&format!("{CURRENT}/pay"), body).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        until_paid(&shop, &guest, order(&reply)).await;
        shop.close().await;
    }

    async fn goods_that_are_gone_are_not_charged(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        ready(&guest).await;
        let other = shop.guest_with_cart([("print", 1)]).await;
        assert_eq!(other.pay_with(Card::Good).await, "200 paid");
        let reply = pay(&guest, Card::Good).await;
        // The cart is as she saw it: to look at it again would not help her.
        assert_eq!(reply.to_string(), "502 EP_ERROR");
        let message = reply.body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("Order creation failed: no longer in stock: "), "{message}");
        assert_eq!(state(&current(&guest).await), "200 open idle");
        shop.close().await;
    }
}
