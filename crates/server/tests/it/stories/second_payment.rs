//! Strays: a second payment at Stripe names an order of ours, and succeeds.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use simulators::stripe::{DisputeOrder, FaultKind, Options, RefundOrder};
use storage::{StoreError, attention};

use super::refund::{A_WHILE, fail, give_back, paid, till, until_refunds};
use crate::{
    books,
    guest::Intent,
    shop::{Shop, stories},
};

/// Somebody makes a payment of so many cents at Stripe that names the order, and it succeeds.
/// Returns Stripe's id of it.
pub async fn pay_beside(shop: &Shop, intent: &Intent, cents: &str, currency: &str) -> String {
    let url = format!("{}/v1/payment_intents", shop.stripe_url);
    let form = [
        ("amount", cents),
        ("currency", currency),
        ("confirm", "true"),
        ("payment_method", "pm_card_visa"),
        ("automatic_payment_methods[enabled]", "true"),
        ("automatic_payment_methods[allow_redirects]", "never"),
        ("metadata[order_id]", &intent.order),
    ];
    let request = shop.http.post(url).bearer_auth(Options::default().secret_key).form(&form);
    let text = request.send().await.unwrap().text().await.unwrap();
    let made: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(made["status"], "succeeded", "{text}");
    made["id"].as_str().unwrap().to_owned()
}

/// How many refunds Stripe has made of a payment.
pub fn refunds_of(shop: &Shop, payment: &str) -> usize {
    let ledger = shop.stripe.ledger();
    ledger.iter().find(|entry| entry.id == payment).unwrap().refunds.len()
}

/// What a person reads of this kind.
pub async fn sentence(shop: &Shop, kind: &str) -> String {
    let read = shop.cx.store.read((), |tx, ()| Box::pin(attention::open(tx, 100)));
    let items: Result<Vec<attention::Item>, StoreError> = read.await;
    let item = items.unwrap().into_iter().find(|item| item.kind == kind);
    item.map(|item| item.sentence).unwrap_or_default()
}

stories! {
    async fn a_second_success_on_one_order_is_given_back_once_and_shown_to_a_person(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;

        let second = pay_beside(&shop, &intent, "1690", "eur").await;

        until_refunds(&shop, "1690 succeeded").await;
        assert_eq!((refunds_of(&shop, &second), refunds_of(&shop, intent.payment())), (1, 0));
        let order = guest.order(&intent).await;
        assert_eq!(order.to_string(), "200 paid");
        assert_eq!(order.body["payment"].get("refundedAmount"), None);
        let told = sentence(&shop, "second_payment").await;
        assert!(told.contains(&format!("{second}, has succeeded. All of it (16.90 EUR)")), "{told}");
        let shown = till(&shop, &["orders", "show", &intent.order]).await;
        assert!(shown.contains(&format!("automatic of the second payment {second}")), "{shown}");
        // The order's own money is untouched.
        give_back(&shop, &intent, None).await.unwrap();
        guest.until_order_is(&intent, "refunded").await;
        shop.close().await;
    }

    async fn a_second_success_told_ten_times_and_backwards_is_given_back_once(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.hold_webhooks();
        let first = pay_beside(&shop, &intent, "1690", "eur").await;
        let second = pay_beside(&shop, &intent, "500", "eur").await;

        shop.stripe.release_webhooks_reversed();
        shop.until("both are given back", || async {
            refunds_of(&shop, &first) + refunds_of(&shop, &second) == 2
        }).await;
        for event in shop.stripe.events() {
            shop.stripe.repeat_event(&event.id, 10).await;
            shop.stripe.duplicate_event(&event.id).unwrap();
        }
        shop.stripe.repeat_all_reversed().await;

        shop.quiet().await;
        assert_eq!((refunds_of(&shop, &first), refunds_of(&shop, &second)), (1, 1));
        assert_eq!(shop.stock("mug").await, (99, 0));
        shop.close().await;
    }

    async fn a_second_payment_that_succeeds_while_the_orders_own_is_open_does_not_pay_it(
        shop: Shop
    ) {
        let mut shop = shop;
        shop.expect_items(1);
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;

        let second = pay_beside(&shop, &intent, "1690", "eur").await;
        shop.advance(A_WHILE);

        until_refunds(&shop, "1690 succeeded").await;
        assert_eq!(guest.order(&intent).await.to_string(), "200 pending");
        assert_eq!(refunds_of(&shop, &second), 1);
        guest.confirm_at_stripe(&intent, crate::guest::Card::Good).await;
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 paid");
        assert_eq!(refunds_of(&shop, intent.payment()), 0);
        shop.close().await;
    }

    async fn a_second_payment_that_succeeds_after_the_order_is_over_goes_back(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;
        shop.advance(Duration::from_secs(31 * 60));
        guest.until_order_is(&intent, "cancelled").await;

        let second = pay_beside(&shop, &intent, "2940", "eur").await;

        until_refunds(&shop, "2940 succeeded").await;
        assert_eq!(refunds_of(&shop, &second), 1);
        assert_eq!(guest.order(&intent).await.to_string(), "200 cancelled");
        assert_eq!(shop.stock("print").await, (1, 0));
        shop.close().await;
    }

    async fn a_second_payment_goes_back_in_its_own_amount_and_currency(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;

        let second = pay_beside(&shop, &intent, "777", "usd").await;

        until_refunds(&shop, "777 succeeded").await;
        assert_eq!(refunds_of(&shop, &second), 1);
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn a_lost_answer_to_the_refund_of_a_second_payment_is_asked_for_again(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 20, FaultKind::LoseAfter);

        let second = pay_beside(&shop, &intent, "1690", "eur").await;

        shop.until("Stripe has made it", || async { refunds_of(&shop, &second) == 1 }).await;
        shop.stripe.clear_faults();
        shop.advance(A_WHILE);
        until_refunds(&shop, "1690 succeeded").await;
        assert_eq!(refunds_of(&shop, &second), 1);
        shop.close().await;
    }

    async fn the_refund_of_a_second_payment_is_looked_up_when_its_key_is_old(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.drop_webhooks_of(&["refund.created", "charge.refunded"]);
        fail(&shop, 1, FaultKind::LoseAfter);
        fail(&shop, 1000, FaultKind::LoseBefore);
        let second = pay_beside(&shop, &intent, "1690", "eur").await;
        shop.until("Stripe has made it", || async { refunds_of(&shop, &second) == 1 }).await;
        shop.kill();
        // A request that makes refunds would still be lost; looking them up works.
        shop.advance(Duration::from_secs(25 * 60 * 60));

        shop.start().await;

        until_refunds(&shop, "1690 succeeded").await;
        assert_eq!(refunds_of(&shop, &second), 1);
        shop.close().await;
    }

    async fn a_second_payment_that_somebody_gave_back_at_stripe_is_not_given_back_again(
        shop: Shop
    ) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.hold_webhooks();
        let second = pay_beside(&shop, &intent, "1690", "eur").await;
        shop.stripe.refund(&second, RefundOrder::default()).unwrap();

        shop.stripe.release_webhooks();

        shop.until("both are known", || async {
            let refunds = books::refunds(&shop.cx.store).await;
            refunds == "1690 refused, 1690 succeeded" || refunds == "1690 succeeded, 1690 refused"
        }).await;
        assert_eq!(refunds_of(&shop, &second), 1);
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn a_second_payment_that_is_disputed_is_known_and_the_order_is_not(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(3);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1000, FaultKind::LoseBefore);
        let second = pay_beside(&shop, &intent, "1690", "eur").await;
        shop.until("it is to go back", || async {
            books::refunds(&shop.cx.store).await == "1690 unknown"
        }).await;

        shop.stripe.dispute(&second, &DisputeOrder::default()).unwrap();
        shop.until("the dispute is known", || async {
            books::disputes(&shop.cx.store).await == "1690 needs_response"
        }).await;
        shop.stripe.clear_faults();
        shop.advance(A_WHILE);

        // The bank has the money: it does not go back twice.
        until_refunds(&shop, "1690 refused").await;
        assert_eq!(refunds_of(&shop, &second), 0);
        guest.order(&intent).await.says(r#""disputed":false"#);
        give_back(&shop, &intent, None).await.unwrap();
        guest.until_order_is(&intent, "refunded").await;
        shop.quiet().await;
        shop.close_apart(&["has no order"]).await;
    }

    async fn a_second_success_that_is_not_in_our_account_moves_nothing_and_calls_a_person(
        shop: Shop
    ) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let body = json!({
            "id": "evt_elsewhere", "object": "event", "type": "payment_intent.succeeded",
            "api_version": "2026-10-28.endive", "created": 1_700_000_000, "livemode": false,
            "account": "acct_of_somebody_else", "pending_webhooks": 1, "request": null,
            "data": { "object": {
                "id": "pi_elsewhere", "object": "payment_intent", "amount": 1690,
                "amount_received": 1690, "currency": "eur", "livemode": false,
                "status": "succeeded", "metadata": { "order_id": intent.order },
            } },
        }).to_string();
        let signature = shop.sign(&body, shop.stripe.now().as_second());
        let headers = [("stripe-signature", signature.as_str())];

        guest.send(Method::POST, "/api/webhooks/stripe", Some(body), &headers).await;

        until_refunds(&shop, "1690 refused").await;
        let told = sentence(&shop, "refund_refused").await;
        assert!(told.starts_with("16.90 EUR of a second payment, pi_elsewhere,"), "{told}");
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }
}
