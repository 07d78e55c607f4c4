//! Stripe's events, delivered as badly as they can be.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use simulators::stripe::{Fault, FaultKind, Options, Outcome};

use super::payment::PAYING;
use crate::{
    guest::{Card, Guest},
    shop::{Shop, stories},
};

const ROUTE: &str = "/api/webhooks/stripe";

/// What the inbox holds: kind and outcome, in the order of arrival.
async fn inbox(shop: &Shop) -> Vec<(String, String)> {
    shop.quiet().await;
    crate::books::inbox(&shop.cx.store).await
}

async fn inbox_count(shop: &Shop, kind: &str) -> usize {
    let rows = crate::books::inbox(&shop.cx.store).await;
    rows.iter().filter(|(found, _)| found == kind).count()
}

/// An event such as Stripe's, signed with the endpoint's secret now.
fn signed(shop: &Shop, event: &Value) -> (String, String) {
    let body = event.to_string();
    let signature = shop.sign(&body, shop.stripe.now().as_second());
    (body, signature)
}

fn event(id: &str, kind: &str, object: &Value) -> Value {
    json!({
        "id": id, "object": "event", "type": kind, "api_version": "2026-10-28.endive",
        "created": 1_700_000_000, "livemode": false, "pending_webhooks": 1, "request": null,
        "data": { "object": object },
    })
}

fn foreign_payment(id: &str) -> Value {
    json!({
        "id": id, "object": "payment_intent", "amount": 1200, "amount_received": 1200,
        "currency": "eur", "livemode": false, "status": "succeeded", "metadata": {},
    })
}

stories! {
    async fn a_forged_unsigned_or_stale_event_is_refused_and_not_stored(shop: Shop) {
        let stranger = shop.guest();
        let (body, good) = signed(&shop, &event("evt_1", "charge.updated", &json!({})));
        let now = shop.stripe.now().as_second();
        let stale = shop.sign(&body, now - 301);
        // A minute more than it takes: time passes until it is looked at.
        let ahead = shop.sign(&body, now + 360);
        let forged = good.replace("v1=", "v1=00");
        for signature in ["", "t=1", &forged, &stale, &ahead, &good.replace("t=", "t=1")] {
            let headers = [("stripe-signature", signature)];
            let reply = stranger.send(Method::POST, ROUTE, Some(body.clone()), &headers).await;
            assert_eq!(reply.to_string(), "400 request.invalid", "{signature}");
        }
        let other = body.replace("evt_1", "evt_2");
        let headers = [("stripe-signature", good.as_str())];
        let reply = stranger.send(Method::POST, ROUTE, Some(other), &headers).await;
        assert_eq!(reply.to_string(), "400 request.invalid");

        assert_eq!(inbox(&shop).await, []);
        shop.close().await;
    }

    async fn events_of_strangers_and_unknown_kinds_are_taken_in_and_change_nothing(shop: Shop) {
        let stranger = shop.guest();
        let mut live = event("evt_live", "payment_intent.succeeded", &foreign_payment("pi_live"));
        live["livemode"] = json!(true);
        let events = [
            event("evt_a", "customer.created", &json!({ "id": "cus_1", "object": "customer" })),
            event("evt_b", "payment_intent.succeeded", &foreign_payment("pi_of_another_shop")),
            event("evt_c", "something.new", &json!({ "id": "x", "object": "news" })),
            json!({
                "id": "evt_d", "object": "v2.core.event", "type": "v1.payment_intent.succeeded",
                "livemode": false, "created": "2026-11-21T22:58:00.000Z",
                "related_object": { "id": "pi_1", "type": "payment_intent", "url": "/v1/x" },
            }),
            live,
        ];
        for event in &events {
            let (body, signature) = signed(&shop, event);
            let headers = [("stripe-signature", signature.as_str())];
            let reply = stranger.send(Method::POST, ROUTE, Some(body), &headers).await;
            assert_eq!(reply.status, 200, "{event}");
        }

        let outcomes: Vec<_> = inbox(&shop).await.into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes.len(), 5);
        assert_eq!(outcomes.iter().filter(|outcome| *outcome == "foreign").count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| *outcome == "other mode").count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| *outcome == "ignored").count(), 3);
        shop.close().await;
    }

    async fn an_event_of_another_payment_does_not_pay_an_order_that_it_names(shop: Shop) {
        let mut shop = shop;
        // That there is such a payment, and that it cannot be given back: Stripe knows none.
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let mut cheap = foreign_payment("pi_cheap");
        cheap["metadata"] = json!({ "order_id": intent.order });
        cheap["amount"] = json!(1690);
        cheap["amount_received"] = json!(1690);
        let (body, signature) =
            signed(&shop, &event("evt_cheap", "payment_intent.succeeded", &cheap));

        let headers = [("stripe-signature", signature.as_str())];
        guest.send(Method::POST, ROUTE, Some(body), &headers).await;
        shop.quiet().await;

        assert_eq!(guest.order(&intent).await.to_string(), "200 pending");
        shop.close().await;
    }

    async fn the_same_events_ten_times_at_once_and_backwards_leave_the_same_books(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Declined).await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        guest.until_order_is(&intent, "paid").await;
        let before = guest.order(&intent).await.text;

        for event in shop.stripe.events() {
            let answers = shop.stripe.repeat_event(&event.id, 10).await;
            assert!(answers.iter().all(|answer| *answer == Ok(200)), "{answers:?}");
        }
        shop.stripe.repeat_all_reversed().await;
        shop.quiet().await;

        assert_eq!(guest.order(&intent).await.text, before);
        assert_eq!(shop.stock("mug").await, (98, 0));
        shop.close().await;
    }

    async fn two_events_for_one_happening_have_one_effect(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        guest.until_order_is(&intent, "paid").await;
        let before = guest.order(&intent).await.text;

        for event in shop.stripe.events() {
            shop.stripe.duplicate_event(&event.id).unwrap();
        }
        shop.until("the second events are here", || async {
            inbox_count(&shop, "payment_intent.succeeded").await == 2
        })
        .await;
        shop.quiet().await;

        assert_eq!(guest.order(&intent).await.text, before);
        assert_eq!(shop.stock("mug").await, (98, 0));
        shop.close().await;
    }

    async fn all_events_backwards_and_at_once_still_pay_the_order_once(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        let intent = guest.intent().await;
        shop.stripe.hold_webhooks();
        guest.confirm_at_stripe(&intent, Card::Declined).await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        shop.stripe.release_webhooks_reversed();

        guest.until_order_is(&intent, "paid").await;
        shop.quiet().await;

        assert_eq!(shop.stock("mug").await, (98, 0));
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn a_decline_that_is_told_late_does_not_end_the_debit_that_came_after_it(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        shop.stripe.hold_webhooks_of(&["payment_intent.payment_failed"]);
        guest.confirm_at_stripe(&intent, Card::Declined).await;
        assert_eq!(guest.confirm_debit(&intent, PAYING).await, "processing");
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 pending");
        let stands = async || {
            let order = guest.order(&intent).await.body;
            (order["status"].clone(), order["payment"]["status"].clone())
        };
        let under_way = (json!("pending"), json!("processing"));
        shop.until("the debit is known", || async { stands().await == under_way }).await;
        shop.quiet().await;

        shop.stripe.release_webhooks();
        shop.until("the decline is told", || async {
            inbox_count(&shop, "payment_intent.payment_failed").await == 1
        }).await;
        shop.quiet().await;

        assert_eq!(stands().await, under_way);
        assert_eq!(shop.stock("mug").await, (100, 1));

        shop.stripe.settle(intent.payment(), Some(Outcome::Succeeded));
        guest.until_order_is(&intent, "paid").await;
        shop.close().await;
    }

    async fn a_late_decline_does_not_unpay_a_paid_order(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Declined).await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        guest.until_order_is(&intent, "paid").await;
        let failed = shop.stripe.events().into_iter()
            .find(|event| event.kind == "payment_intent.payment_failed").unwrap();
        let again = json!({
            "id": "evt_told_twice", "object": "event", "type": failed.kind, "created": failed.created,
            "livemode": false, "data": { "object": {
                "id": intent.payment(), "object": "payment_intent", "amount": 1690,
                "amount_received": 0, "currency": "eur", "livemode": false,
                "status": "requires_payment_method", "metadata": { "order_id": intent.order },
            } },
        });

        let (body, signature) = signed(&shop, &again);
        let headers = [("stripe-signature", signature.as_str())];
        assert_eq!(guest.send(Method::POST, ROUTE, Some(body), &headers).await.status, 200);
        shop.quiet().await;

        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn confirm_leads_to_paid_although_every_webhook_is_lost(shop: Shop) {
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;

        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");

        shop.close().await;
    }

    async fn the_worker_leads_to_paid_although_every_webhook_is_lost(shop: Shop) {
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;

        shop.advance(Duration::from_secs(6 * 60));

        guest.until_order_is(&intent, "paid").await;
        shop.close().await;
    }

    async fn a_hundred_confirms_and_events_at_once_pay_each_order_once(shop: Shop) {
        let mut guests = Vec::new();
        for _ in 0..10 {
            guests.push(shop.guest_with_cart([("mug", 1)]).await);
        }
        let pay = |guest: usize| {
            let guest = &guests[guest];
            async move {
                let intent = guest.intent().await;
                guest.confirm_at_stripe(&intent, Card::Good).await;
                let tabs: Vec<_> = (0..10).map(|_| guest.other_tab()).collect();
                futures::future::join_all(tabs.iter().map(|tab| tab.confirm(&intent))).await;
                guest.until_order_is(&intent, "paid").await;
            }
        };
        futures::future::join_all((0..10).map(pay)).await;

        assert_eq!(shop.orders().await, "10 paid");
        assert_eq!(shop.stock("mug").await, (90, 0));
        shop.close().await;
    }

    async fn a_signed_event_that_cannot_be_read_is_kept_and_shown_to_a_person(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(4);
        let stranger = shop.guest();
        // Databases end a text at a zero or refuse it, and their columns have an end.
        let surprises = [
            json!({ "id": 7, "surprise": true }),
            event("evt_\0", "charge.updated", &json!({})),
            event("evt_1", "charge\0updated", &json!({})),
            event("evt_2", &"x".repeat(300), &json!({})),
        ];

        for surprise in &surprises {
            let (body, signature) = signed(&shop, surprise);
            let headers = [("stripe-signature", signature.as_str())];
            for _ in 0..2 {
                let reply = stranger.send(Method::POST, ROUTE, Some(body.clone()), &headers).await;
                assert_eq!(reply.status, 200, "{reply}");
            }
        }

        let unreadable = ("unreadable".to_owned(), "unreadable".to_owned());
        assert_eq!(inbox(&shop).await, vec![unreadable; surprises.len()]);
        shop.close().await;
    }

    async fn an_order_is_paid_at_once_although_stripe_answers_no_question(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let mut others = Vec::new();
        for _ in 0..3 {
            let other = shop.guest_with_cart([("book", 1)]).await;
            let intent = other.intent().await;
            others.push((other, intent));
        }
        shop.quiet().await;
        shop.stripe.inject(Fault {
            method: Some(Method::GET),
            times: 1000,
            ..Fault::once("/v1/payment_intents/", FaultKind::Slow(Duration::from_secs(4)))
        });
        for (other, intent) in &others {
            for _ in 0..5 {
                other.confirm_at_stripe(intent, Card::Declined).await;
            }
        }

        guest.confirm_at_stripe(&intent, Card::Good).await;

        guest.until_order_is(&intent, "paid").await;
        assert!(!crate::books::is_quiet(&shop.cx.store).await, "the declines still wait");
        shop.stripe.clear_faults();
        shop.close().await;
    }

    async fn a_key_that_does_not_work_any_more_calls_a_person(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        shop.quiet().await;
        let cookie = guest.cookie();
        let key = "sk_test_of_somebody_else_0123456789";
        shop.restart_with([("STRIPE_SECRET_KEY", key)]).await;
        let guest = Guest::returning(&shop, cookie);
        guest.confirm_at_stripe(&intent, Card::Declined).await;
        shop.until("a person is called", || async {
            crate::books::items(&shop.cx.store).await == 1
        }).await;

        let key = Options::default().secret_key;
        shop.restart_with([("STRIPE_SECRET_KEY", key.as_str())]).await;

        shop.advance(Duration::from_secs(60));
        shop.close().await;
    }
}
