//! What becomes of a payment: 3-D Secure, declines, debits that take days, money that does not
//! fit.

use std::time::Duration;

use serde_json::Value;
use simulators::stripe::Outcome;

use crate::{
    books,
    guest::{Card, Guest, Intent},
    shop::stories,
};

/// Stripe's test accounts: one that pays, one that does not.
pub const PAYING: &str = "DE89370400440532013000";
const FAILING: &str = "DE62370400440532013001";

async fn status(guest: &Guest<'_>, intent: &Intent) -> (Value, Value) {
    let order = guest.order(intent).await.body;
    (order["status"].clone(), order["payment"]["status"].clone())
}

stories! {
    async fn a_shopper_who_must_authenticate_pays_after_she_has(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let said = guest.confirm_at_stripe(&intent, Card::ThreeDSecure).await;
        assert_eq!(said, "requires_action");

        assert_eq!(guest.confirm(&intent).await.to_string(), "402 payment.authRequired");
        assert_eq!(status(&guest, &intent).await, ("pending".into(), "requires_action".into()));

        assert!(shop.stripe.authenticate(intent.payment(), true));
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn a_shopper_who_fails_to_authenticate_can_pay_with_another_card(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::ThreeDSecure).await;
        assert!(shop.stripe.authenticate(intent.payment(), false));

        assert_eq!(guest.confirm(&intent).await.to_string(), "402 payment.declined");

        assert_eq!(guest.cart().await, "1 x mug");
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        shop.close().await;
    }

    async fn the_shopper_reads_the_banks_reason_but_not_that_a_card_is_stolen(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let mut messages = Vec::new();
        for card in [Card::Declined, Card::InsufficientFunds, Card::Stolen] {
            guest.confirm_at_stripe(&intent, card).await;
            let reply = guest.confirm(&intent).await;
            assert_eq!(reply.to_string(), "402 payment.declined");
            messages.push(reply.body["error"]["message"].as_str().unwrap().to_owned());
        }
        assert_eq!(messages[1], "Your card has insufficient funds.");
        assert!(!messages[2].contains("stolen"), "{}", messages[2]);
        shop.close().await;
    }

    async fn a_payment_that_nobody_has_confirmed_is_pending_and_open(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;

        assert_eq!(guest.confirm(&intent).await.to_string(), "200 pending");

        assert_eq!(status(&guest, &intent).await, ("pending".into(), "open".into()));
        shop.close().await;
    }

    async fn a_debit_keeps_its_stock_until_the_bank_has_paid(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 3)]).await;
        let intent = guest.intent().await;
        assert_eq!(guest.confirm_debit(&intent, PAYING).await, "processing");

        assert_eq!(guest.confirm(&intent).await.to_string(), "200 pending");
        assert_eq!(status(&guest, &intent).await, ("pending".into(), "processing".into()));
        assert_eq!(shop.stock("mug").await, (100, 3));

        shop.stripe.settle(intent.payment(), Some(Outcome::Succeeded));
        guest.until_order_is(&intent, "paid").await;
        assert_eq!(shop.stock("mug").await, (97, 0));
        shop.close().await;
    }

    async fn a_debit_that_fails_later_ends_the_order_and_releases_its_stock(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 3)]).await;
        let intent = guest.intent().await;
        guest.confirm_debit(&intent, FAILING).await;
        guest.confirm(&intent).await;

        shop.stripe.settle(intent.payment(), None);

        guest.until_order_is(&intent, "failed").await;
        assert_eq!(shop.stock("mug").await, (100, 0));
        assert_eq!(shop.stripe.ledger()[0].status, "canceled");
        assert_eq!(guest.cart().await, "3 x mug");
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        shop.close().await;
    }

    async fn ten_declines_in_a_row_close_the_order(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        for _ in 0..9 {
            guest.confirm_at_stripe(&intent, Card::Declined).await;
            assert_eq!(guest.confirm(&intent).await.to_string(), "402 payment.declined");
        }
        assert_eq!(status(&guest, &intent).await.0, "pending");

        guest.confirm_at_stripe(&intent, Card::Declined).await;

        assert_eq!(guest.confirm(&intent).await.to_string(), "402 payment.declined");
        guest.until_order_is(&intent, "failed").await;
        let late = guest.confirm_at_stripe(&intent, Card::Good).await;
        assert_eq!(late, "payment_intent_unexpected_state");
        assert_eq!(shop.stock("mug").await, (100, 0));
        shop.close().await;
    }

    async fn ten_declines_count_although_nobody_asks_between_them(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        for _ in 0..10 {
            guest.confirm_at_stripe(&intent, Card::Declined).await;
        }

        guest.until_order_is(&intent, "failed").await;

        assert_eq!(shop.stripe.ledger()[0].status, "canceled");
        shop.close().await;
    }

    async fn money_of_another_amount_does_not_pay_an_order_but_calls_a_person(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        assert!(shop.stripe.falsify_amount_received(intent.payment(), 1));
        assert_eq!(guest.confirm_at_stripe(&intent, Card::Good).await, "succeeded");

        assert_eq!(guest.confirm(&intent).await.to_string(), "200 pending");

        shop.quiet().await;
        assert_eq!(shop.orders().await, "1 pending");
        shop.close_apart(&["succeeded"]).await;
    }

    async fn a_payment_that_does_not_fit_is_not_asked_about_without_end(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        assert!(shop.stripe.falsify_amount_received(intent.payment(), 1));
        guest.confirm_at_stripe(&intent, Card::Good).await;
        shop.quiet().await;

        shop.advance(Duration::from_secs(2 * 60 * 60));
        shop.until("the worker has looked", || async {
            !books::is_overdue(&shop.cx.store, shop.cx.clock.now()).await
        }).await;

        let in_half_an_hour = shop.cx.clock.now() + Duration::from_secs(30 * 60);
        assert!(!books::is_overdue(&shop.cx.store, in_half_an_hour).await);
        shop.close_apart(&["succeeded"]).await;
    }

    async fn a_payment_cancelled_at_stripe_is_over_although_its_metadata_was_edited(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;
        shop.edit_at_stripe(&intent, &[("metadata[order_id]", "")]).await;

        shop.advance(Duration::from_secs(31 * 60));

        guest.until_order_is(&intent, "cancelled").await;
        assert_eq!(shop.stock("print").await, (1, 0));
        shop.close().await;
    }
}
