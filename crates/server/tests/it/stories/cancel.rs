//! Orders that somebody does not want any more: the shopper or the operator, in time or too late,
//! with a Stripe that answers or does not.

use std::time::Duration;

use http::Method;
use serde_json::json;
use server::flows::{
    FlowError,
    cancel_order::{Canceller, Wish, cancel_order},
};
use simulators::stripe::{Fault, FaultKind, Options};
use storage::{StoreError, history};

use super::catalogue::NOBODYS;
use crate::{
    books,
    guest::{Card, Guest, Reply, address, checkout_request},
    shop::{Shop, stories},
};

/// Longer than the worker waits before it takes a wish up.
const A_WHILE: Duration = Duration::from_secs(2 * 60);
const PAYING: &str = "DE89370400440532013000";
const FAILING: &str = "DE62370400440532013001";

async fn cancel(guest: &Guest<'_>, order: &str) -> Reply {
    guest.send(Method::POST, &format!("/api/orders/{order}/cancel"), None, &[]).await
}

async fn cancel_as_operator(shop: &Shop, order: &str) -> Result<(), FlowError> {
    let by = Canceller::Operator { reason: Some("sold out".to_owned()) };
    cancel_order(&shop.cx, Wish { order: order.parse().unwrap(), by }).await
}

/// What the history says with these words: who said so, and how often.
async fn told(shop: &Shop, order: &str, words: &str) -> Vec<&'static str> {
    let id = order.parse().unwrap();
    let read = shop.cx.store.read(id, |tx, id| Box::pin(history::of_order(tx, *id, 0, 1000)));
    let lines: Result<Vec<history::Line>, StoreError> = read.await;
    let lines = lines.unwrap().into_iter().filter(|line| line.entry.sentence.contains(words));
    lines.map(|line| line.entry.actor.name()).collect()
}

/// Orders a fault for everything that is asked about a payment that exists, and for no others.
fn silence(shop: &Shop, kind: FaultKind) {
    shop.stripe.inject(Fault { times: 1000, ..Fault::once("/v1/payment_intents/", kind) });
}

const VOID: &str = "The wish to cancel came too late and is void";

stories! {
    async fn a_shopper_cancels_and_the_pieces_are_free_at_once(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;

        let reply = cancel(&guest, &intent.order).await;

        assert_eq!(reply.to_string(), "200 cancelled");
        assert_eq!(reply.body["payment"]["status"], "cancelled");
        assert_eq!(shop.stripe.ledger()[0].status, "canceled");
        assert_eq!(shop.stock("print").await, (1, 0));
        assert_eq!(told(&shop, &intent.order, "is to be cancelled").await, ["shopper"]);
        assert_eq!(guest.cart().await, "1 x print");
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        shop.close().await;
    }

    async fn a_cancelled_order_that_is_cancelled_again_is_answered_as_it_is(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let mut full = address();
        (full["company"], full["phone"]) = ("Engines".into(), "+49 30 1".into());
        let mut request = checkout_request();
        (request["shippingAddress"], request["billingAddress"]) = (full.clone(), full);
        let intent = guest.ask_intent_with(request).await.intent();
        let first = cancel(&guest, &intent.order).await;

        let again = cancel(&guest, &intent.order).await;
        cancel_as_operator(&shop, &intent.order).await.unwrap();

        assert_eq!((first.status, first.text), (200, again.text));
        assert_eq!(told(&shop, &intent.order, "is to be cancelled").await, ["shopper"]);
        shop.close().await;
    }

    async fn ten_who_cancel_at_once_cancel_once(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let tabs: Vec<_> = (0..10).map(|_| guest.other_tab()).collect();

        let replies = futures::future::join_all(
            tabs.iter().map(|tab| cancel(tab, &intent.order)),
        ).await;

        for reply in replies {
            assert_eq!(reply.to_string(), "200 cancelled");
        }
        assert_eq!(told(&shop, &intent.order, "is to be cancelled").await, ["shopper"]);
        assert_eq!(shop.stock("mug").await, (100, 0));
        shop.close().await;
    }

    async fn an_order_is_cancelled_by_its_own_visitor_alone(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let stranger = shop.guest_with_cart([("mug", 1)]).await;

        for order in [intent.order.as_str(), NOBODYS, "not-an-id"] {
            assert_eq!(cancel(&stranger, order).await.to_string(), "404 order.notFound");
        }
        let path = format!("/api/orders/{}/cancel", intent.order);
        let foreign = [("origin", "https://evil.example")];
        let reply = guest.send(Method::POST, &path, None, &foreign).await;
        assert_eq!(reply.to_string(), "403 request.crossOrigin");

        assert_eq!(guest.order(&intent).await.to_string(), "200 pending");
        let missing = cancel_as_operator(&shop, NOBODYS).await.unwrap_err();
        assert!(matches!(missing, FlowError::NoSuchOrder), "{missing}");
        shop.close().await;
    }

    async fn an_order_that_is_paid_or_about_to_be_is_not_cancelled(shop: Shop) {
        shop.stripe.hold_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;

        // Stripe is asked first, and says that she was faster.
        let reply = cancel(&guest, &intent.order).await;

        assert_eq!(reply.to_string(), "409 request.conflict");
        assert_eq!(reply.details(), &json!({ "orderId": intent.order }));
        assert_eq!(told(&shop, &intent.order, VOID).await, ["till"]);
        shop.stripe.release_webhooks();
        guest.until_order_is(&intent, "paid").await;
        let reply = cancel(&guest, &intent.order).await;
        assert_eq!(reply.to_string(), "409 request.conflict");
        let message = &reply.body["error"]["message"];
        assert_eq!(message, "The order is paid; it can no longer be cancelled.");
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn an_order_that_cost_nothing_is_done_and_not_cancelled(shop: Shop) {
        let guest = shop.guest_with_cart([("gift", 1)]).await;
        let order = guest.ask_intent().await.intent().order;

        let reply = cancel(&guest, &order).await;

        assert_eq!(reply.to_string(), "409 request.conflict");
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn a_debit_under_way_is_not_cancelled_and_one_that_failed_has_nothing_to_cancel(
        shop: Shop
    ) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_debit(&intent, FAILING).await;

        let reply = cancel(&guest, &intent.order).await;

        assert_eq!(reply.to_string(), "409 request.conflict");
        let message = &reply.body["error"]["message"];
        assert_eq!(message, "The payment is under way; it can no longer be cancelled.");
        assert_eq!(shop.stock("mug").await, (100, 1));
        shop.stripe.settle(intent.payment(), None);
        guest.until_order_is(&intent, "failed").await;
        assert_eq!(cancel(&guest, &intent.order).await.to_string(), "200 failed");
        shop.close().await;
    }

    async fn a_declined_or_unauthenticated_payment_can_be_cancelled(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Declined).await;
        guest.confirm_at_stripe(&intent, Card::ThreeDSecure).await;

        assert_eq!(cancel(&guest, &intent.order).await.to_string(), "200 cancelled");

        assert!(!shop.stripe.authenticate(intent.payment(), true));
        shop.close().await;
    }

    async fn a_wish_that_stripe_does_not_answer_is_carried_out_later(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;
        silence(&shop, FaultKind::LoseBefore);

        assert_eq!(cancel(&guest, &intent.order).await.to_string(), "503 payment.unknown");
        assert_eq!(cancel(&guest, &intent.order).await.to_string(), "503 payment.unknown");

        assert_eq!(guest.order(&intent).await.to_string(), "200 pending");
        assert_eq!(shop.stock("print").await, (1, 1));
        shop.stripe.clear_faults();
        shop.advance(A_WHILE);
        guest.until_order_is(&intent, "cancelled").await;
        assert_eq!(shop.stock("print").await, (1, 0));
        assert_eq!(told(&shop, &intent.order, "is to be cancelled").await, ["shopper"]);
        shop.close().await;
    }

    async fn a_cancellation_whose_answer_was_lost_is_found(shop: Shop) {
        shop.stripe.hold_webhooks();
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;
        let lost = Fault::once("/v1/payment_intents/", FaultKind::LoseAfter);
        shop.stripe.inject(Fault { method: Some(Method::POST), times: 1000, ..lost });
        assert_eq!(cancel(&guest, &intent.order).await.to_string(), "503 payment.unknown");
        assert_eq!(shop.stripe.ledger()[0].status, "canceled");
        assert_eq!(guest.order(&intent).await.to_string(), "200 pending");

        // Whatever would cancel it is still not answered; looking it up is.
        shop.advance(A_WHILE);

        guest.until_order_is(&intent, "cancelled").await;
        shop.stripe.clear_faults();
        shop.stripe.release_webhooks();
        shop.close().await;
    }

    async fn a_shopper_who_pays_before_her_wish_is_carried_out_has_paid(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        silence(&shop, FaultKind::LoseBefore);
        assert_eq!(cancel(&guest, &intent.order).await.to_string(), "503 payment.unknown");
        shop.stripe.clear_faults();
        guest.confirm_at_stripe(&intent, Card::Good).await;

        shop.advance(A_WHILE);

        guest.until_order_is(&intent, "paid").await;
        shop.quiet().await;
        assert_eq!(told(&shop, &intent.order, VOID).await, ["till"]);
        assert!(shop.stripe.ledger()[0].refunds.is_empty());
        shop.close().await;
    }

    async fn a_wish_for_an_order_whose_debit_is_under_way_by_then_is_void(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        silence(&shop, FaultKind::LoseBefore);
        assert_eq!(cancel(&guest, &intent.order).await.to_string(), "503 payment.unknown");
        shop.stripe.clear_faults();
        guest.confirm_debit(&intent, PAYING).await;

        shop.advance(A_WHILE);

        shop.quiet().await;
        assert_eq!(told(&shop, &intent.order, VOID).await, ["till"]);
        shop.stripe.settle(intent.payment(), None);
        guest.until_order_is(&intent, "paid").await;
        shop.close().await;
    }

    async fn paying_and_cancelling_at_once_ends_in_one_of_them(shop: Shop) {
        for _ in 0..5 {
            let guest = shop.guest_with_cart([("mug", 1)]).await;
            let intent = guest.intent().await;

            let (reply, _) = tokio::join!(
                cancel(&guest, &intent.order),
                guest.confirm_at_stripe(&intent, Card::Good),
            );

            let end = if reply.status == 200 { "cancelled" } else { "paid" };
            guest.until_order_is(&intent, end).await;
        }
        shop.close().await;
    }

    async fn cancelling_while_the_intent_is_asked_for_leaves_nothing_to_pay(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let slow = FaultKind::SlowAfter(Duration::from_secs(2));
        shop.stripe.inject(Fault::once("/v1/payment_intents", slow));

        let cancelled = async {
            shop.until("Stripe has heard of it", || async {
                shop.stripe.ledger().len() == 1
            }).await;
            let order = shop.stripe.ledger()[0].metadata["order_id"].clone();
            let mut said = cancel(&guest.other_tab(), &order).await.to_string();
            if said == "503 payment.unknown" {
                shop.advance(A_WHILE);
                shop.until("it is cancelled", || async {
                    shop.orders().await == "1 cancelled"
                }).await;
                said = cancel(&guest.other_tab(), &order).await.to_string();
            }
            said
        };
        let (asked, cancelled) = tokio::join!(guest.ask_intent(), cancelled);

        assert_eq!(cancelled, "200 cancelled");
        // Its secret opens nothing any more, if she got one.
        assert!(matches!(asked.status, 200 | 409 | 503), "{asked}");
        assert_eq!(shop.stripe.ledger()[0].status, "canceled");
        assert_eq!(shop.stock("print").await, (1, 0));
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        shop.close().await;
    }

    async fn a_wish_for_a_payment_that_stripe_never_confirmed_ends_with_its_time_and_late_money_goes_back(
        shop: Shop
    ) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("print", 1)]).await;
        shop.stripe.inject(Fault::once("/v1/payment_intents", FaultKind::LoseAfter));
        shop.stripe.inject(Fault {
            times: 1000, ..Fault::once("/v1/payment_intents", FaultKind::LoseBefore)
        });
        assert_eq!(guest.ask_intent().await.to_string(), "503 payment.unknown");
        let order = shop.stripe.ledger()[0].metadata["order_id"].clone();
        assert_eq!(cancel(&guest, &order).await.to_string(), "503 payment.unknown");
        let cookie = guest.cookie();
        shop.kill();
        shop.advance(Duration::from_secs(31 * 60));
        shop.start().await;
        shop.until("the order is given up", || async {
            shop.orders().await == "1 cancelled"
        }).await;
        shop.stripe.clear_faults();
        shop.advance(A_WHILE);

        let payment = shop.stripe.ledger()[0].id.clone();
        let url = format!("{}/v1/payment_intents/{payment}/confirm", shop.stripe_url);
        let form = [("payment_method", "pm_card_visa"), ("return_url", "https://shop.example")];
        let request = shop.http.post(url).bearer_auth(Options::default().secret_key).form(&form);
        assert_eq!(request.send().await.unwrap().status(), 200);

        shop.until("the money went back", || async {
            books::refunds(&shop.cx.store).await == "2940 succeeded"
        }).await;
        shop.stripe.repeat_all_reversed().await;
        shop.quiet().await;
        assert_eq!(shop.stripe.ledger()[0].refunds.len(), 1);
        let guest = Guest::returning(&shop, cookie);
        let reply = cancel(&guest, &order).await;
        assert_eq!(reply.to_string(), "200 cancelled");
        reply.says(r#""refundedAmount":29.40"#);
        assert_eq!(told(&shop, &order, "came when the order was over").await, ["till"]);
        shop.close().await;
    }

    async fn a_server_killed_while_it_cancels_goes_on_with_it(shop: Shop) {
        let mut shop = shop;
        shop.stripe.hold_webhooks();
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;
        let slow = Fault::once("/v1/payment_intents/", FaultKind::SlowAfter(Duration::from_secs(20)));
        shop.stripe.inject(Fault { method: Some(Method::POST), ..slow });
        let asked = tokio::time::timeout(Duration::from_secs(2), cancel(&guest, &intent.order));
        assert!(asked.await.is_err());
        assert_eq!(shop.stripe.ledger()[0].status, "canceled");
        shop.kill();

        shop.start().await;
        shop.advance(A_WHILE);

        shop.until("it is cancelled", || async { shop.orders().await == "1 cancelled" }).await;
        assert_eq!(shop.stock("print").await, (1, 0));
        shop.stripe.release_webhooks();
        shop.close().await;
    }

    async fn the_operator_cancels_with_a_reason_that_only_the_history_keeps(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;

        cancel_as_operator(&shop, &intent.order).await.unwrap();

        let order = guest.order(&intent).await;
        assert_eq!(order.to_string(), "200 cancelled");
        assert!(!order.text.contains("sold out"), "{order}");
        let words = "The order is to be cancelled: \"sold out\".";
        assert_eq!(told(&shop, &intent.order, words).await, ["operator"]);
        shop.close().await;
    }
}
