//! From cart to paid order.

use std::time::Duration;

use http::Method;
use serde_json::json;
use simulators::stripe::{Fault, FaultKind};

use crate::{
    books,
    guest::{Card, checkout_request},
    shop::stories,
};

/// The route at Stripe that makes a payment.
const PAYMENTS: &str = "/v1/payment_intents";

fn post(kind: FaultKind, times: u32) -> Fault {
    Fault { method: Some(Method::POST), times, ..Fault::once(PAYMENTS, kind) }
}

stories! {
    async fn a_guest_pays_by_card_and_reads_the_paid_order(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;

        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");

        assert_eq!(guest.cart().await, "");
        assert_eq!(shop.stock("mug").await, (98, 0));
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn a_declined_card_leaves_the_cart_and_an_order_that_can_still_be_paid(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;

        assert_eq!(guest.pay_with(Card::Declined).await, "402 payment.declined");

        assert_eq!(guest.cart().await, "2 x mug");
        assert_eq!(shop.orders().await, "1 pending");
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn the_order_is_paid_without_the_confirm_call(shop: Shop) {
        let guest = shop.guest_with_cart([("lamp", 1)]).await;
        let intent = guest.intent().await;

        assert_eq!(guest.confirm_at_stripe(&intent, Card::Good).await, "succeeded");

        guest.until_order_is(&intent, "paid").await;
        shop.close().await;
    }

    async fn the_same_cart_and_request_again_is_the_same_order_and_payment(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let first = guest.intent().await;

        assert_eq!(guest.intent().await, first);

        assert_eq!(shop.stripe.ledger().len(), 1);
        assert_eq!(shop.orders().await, "1 pending");
        shop.close().await;
    }

    async fn ten_intents_at_once_make_one_order_and_one_payment(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        guest.get("/api/cart").await;
        let tabs: Vec<_> = (0..10).map(|_| guest.other_tab()).collect();

        let intents = futures::future::join_all(tabs.iter().map(|tab| tab.intent())).await;

        assert!(intents.iter().all(|intent| *intent == intents[0]));
        assert_eq!(shop.stripe.ledger().len(), 1);
        assert_eq!(shop.stock("mug").await, (100, 1));
        shop.close().await;
    }

    async fn a_changed_cart_replaces_the_order_and_the_old_payment_can_no_longer_succeed(
        shop: Shop
    ) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let old = guest.intent().await;
        guest.add("lamp", 1).await;

        let new = guest.intent().await;

        assert_ne!(new.order, old.order);
        assert_eq!(guest.order(&old).await.to_string(), "200 cancelled");
        let late = guest.confirm_at_stripe(&old, Card::Good).await;
        assert_eq!(late, "payment_intent_unexpected_state");
        guest.confirm_at_stripe(&new, Card::Good).await;
        guest.until_order_is(&new, "paid").await;
        assert_eq!(shop.stock("mug").await, (99, 0));
        shop.close().await;
    }

    async fn another_address_is_another_order_at_the_same_stock(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let old = guest.intent().await;
        let mut request = checkout_request();
        request["shippingAddress"]["city"] = json!("Hamburg");

        let reply = guest.post("/api/checkout/intent", request).await;

        assert_eq!(reply.status, 200, "{reply}");
        assert_ne!(reply.intent().order, old.order);
        assert_eq!(shop.stock("print").await, (1, 1));
        shop.close().await;
    }

    async fn a_changed_cart_does_not_replace_an_order_whose_payment_has_succeeded(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.hold_webhooks();
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        guest.add("lamp", 1).await;

        let reply = guest.ask_intent().await;

        assert_eq!(reply.to_string(), "409 request.conflict");
        assert_eq!(reply.details()["orderId"], intent.order.as_str());
        shop.stripe.release_webhooks();
        guest.until_order_is(&intent, "paid").await;
        assert_eq!(guest.cart().await, "1 x lamp");
        shop.close().await;
    }

    async fn a_changed_cart_does_not_replace_an_order_whose_payment_is_under_way(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_debit(&intent, "DE89370400440532013000").await;
        guest.add("mug", 1).await;

        assert_eq!(guest.ask_intent().await.to_string(), "409 request.conflict");

        shop.stripe.settle(intent.payment(), None);
        guest.until_order_is(&intent, "paid").await;
        shop.close().await;
    }

    async fn a_price_that_changed_is_shown_before_anything_is_charged(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;
        shop.change("mug", |mug| mug.price = mug.price.times(2).unwrap()).await;

        let reply = guest.ask_intent().await;

        assert_eq!(reply.to_string(), "409 checkout.priceChanged");
        assert!(reply.text.contains(r#""oldUnitPrice":12.00,"newUnitPrice":24.00"#), "{}", reply.text);
        assert!(shop.stripe.ledger().is_empty());
        let cart = guest.get("/api/cart").await.text;
        assert!(cart.contains(r#""changed":{"oldUnitPrice":12.00}"#), "{cart}");
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        shop.close().await;
    }

    async fn a_lost_answer_is_asked_for_again_under_the_same_key(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.inject(post(FaultKind::LoseAfter, 1));

        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");

        assert_eq!(shop.stripe.ledger().len(), 1);
        shop.close().await;
    }

    async fn while_stripe_does_not_answer_the_order_waits_and_nothing_is_asked_twice(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.inject(post(FaultKind::LoseAfter, 1));
        shop.stripe.inject(post(FaultKind::LoseBefore, 20));

        assert_eq!(guest.ask_intent().await.to_string(), "503 payment.unknown");

        assert_eq!(shop.stock("mug").await, (100, 1));
        shop.stripe.clear_faults();
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        assert_eq!(shop.stripe.ledger().len(), 1);
        shop.close().await;
    }

    async fn a_fault_of_stripes_after_the_effect_is_looked_up_and_not_repeated(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.inject(post(FaultKind::FailAfter, 1));

        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");

        assert_eq!(shop.stripe.ledger().len(), 1);
        shop.close().await;
    }

    async fn an_answer_that_breaks_off_is_asked_for_again(shop: Shop) {
        for kind in [FaultKind::Truncated, FaultKind::Status(502)] {
            let guest = shop.guest_with_cart([("mug", 1)]).await;
            shop.stripe.inject(post(kind, 1));
            assert_eq!(guest.pay_with(Card::Good).await, "200 paid", "{kind:?}");
        }
        assert_eq!(shop.orders().await, "2 paid");
        assert_eq!(shop.stripe.ledger().len(), 2);
        shop.close().await;
    }

    async fn an_answer_that_says_nothing_is_no_yes_and_no_no(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.inject(post(FaultKind::Garbage, 1));

        assert_eq!(guest.pay_with(Card::Good).await, "503 payment.unknown");
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");

        assert_eq!(shop.stripe.ledger().len(), 1);
        shop.close().await;
    }

    async fn a_busy_stripe_is_asked_again_and_the_shopper_does_not_notice(shop: Shop) {
        for kind in [FaultKind::Status(429), FaultKind::Status(409), FaultKind::LockTimeout] {
            let guest = shop.guest_with_cart([("mug", 1)]).await;
            shop.stripe.inject(post(kind, 2));
            assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        }
        assert_eq!(shop.orders().await, "3 paid");
        shop.close().await;
    }

    async fn an_order_outlives_the_connection_that_asked_for_it(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.inject(post(FaultKind::Slow(Duration::from_millis(300)), 1));

        let hung_up =
            tokio::time::timeout(Duration::from_millis(100), guest.ask_intent()).await;

        assert!(hung_up.is_err());
        shop.until("the payment is made", || async { shop.stripe.ledger().len() == 1 }).await;
        // Nobody asks again: what Stripe answered is written down by who asked.
        shop.until("its answer is kept", || async { books::answers(&shop.cx.store).await == 1 }).await;
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        assert_eq!(shop.stripe.ledger().len(), 1);
        shop.close().await;
    }

    async fn a_wrong_key_is_our_fault_and_not_the_shoppers(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("STRIPE_SECRET_KEY", "sk_test_of_somebody_else_0123456789")]).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;

        assert_eq!(guest.ask_intent().await.to_string(), "500 server.error");

        assert!(shop.stripe.ledger().is_empty());
        shop.close().await;
    }

    async fn an_intent_repeated_after_the_payment_answers_with_the_paid_order(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        guest.until_order_is(&intent, "paid").await;

        let again = guest.ask_intent().await;

        assert_eq!(again.status, 200, "{again}");
        assert_eq!(again.intent().order, intent.order);
        let mut other = checkout_request();
        other["email"] = json!("eve@example.org");
        let other = guest.post("/api/checkout/intent", other).await;
        assert_eq!(other.to_string(), "400 checkout.cartEmpty");
        shop.close().await;
    }

    async fn a_fault_that_stripe_repeats_for_a_day_does_not_keep_the_shopper_from_buying(
        shop: Shop
    ) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        shop.stripe.inject(post(FaultKind::FailBefore, 1));
        assert_eq!(guest.ask_intent().await.to_string(), "503 payment.unknown");

        shop.advance(Duration::from_secs(2 * 60));
        shop.until("the order is given up", || async {
            shop.orders().await == "1 cancelled"
        }).await;

        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        shop.close().await;
    }
}
