//! What no rule can settle: a person hears of it, the shopper is told the truth, and what comes right
//! later is taken in.

use std::time::Duration;

use gateways::elastic_path::Caller;
use http::Method;
use server::flows::purchase::cart::put_shipping;
use simulators::elastic_path::{ErrorShape, Fault, FaultKind};

use crate::platform::{EBOOK, KETTLE, PAN, platform_stories, said};

platform_stories! {
    async fn stock_that_is_gone_at_the_checkout_is_a_matter_for_a_person_and_she_is_told(shop: Platform) {
        let shopper = shop.shopper([(KETTLE, 1)]).await;
        shop.ep.set_stock(KETTLE, Some(0));
        let answer = shopper.pay("ctoken_ok").await;
        assert_eq!(said(&answer), "processing/pending");
        let answer = answer.unwrap();
        let sentence = answer.sentence().unwrap();
        assert!(sentence.starts_with("Your card was charged, but the order could not be placed"));
        assert_eq!(shop.items().await, ["purchase_checkout_refused"]);
        // She tries again, and is told the same: nothing is charged twice.
        let again = shopper.pay("ctoken_ok_2").await.unwrap();
        assert_eq!(again.sentence(), Some(sentence));
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 needs_reconciliation");
        shop.close().await;
    }

    async fn a_checkout_that_fails_after_the_charge_is_no_second_charge(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::POST, "/v2/carts/{}/checkout", kind, 100);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        assert_eq!(said(&shopper.pay("ctoken_ok_2").await), "processing/pending");
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        shop.close().await;
    }

    async fn a_checkout_that_never_answers_calls_a_person_within_five_minutes(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::POST, "/v2/carts/{}/checkout", kind, 100);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        shop.pass(10, Duration::from_secs(30)).await;
        assert_eq!(shop.items().await, ["purchase_checkout_unknown"]);
        assert_eq!(shopper.stands().await, "processing/pending");
        shop.close().await;
    }

    async fn two_steps_that_nobody_answers_call_a_person_within_five_minutes_of_the_charge(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.fault(Method::POST, "/v2/carts/{}/payments", FaultKind::LoseAfter);
        let broken = || FaultKind::Status(500, ErrorShape::Number);
        // How the payment stands nobody says for three minutes, and then nobody makes an order.
        shop.faults(Method::PUT, "/v2/carts/{}/payments/{}", broken(), 1000);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        shop.pass(6, Duration::from_secs(30)).await;
        assert_eq!(shop.purchases().await, "1 charging");
        shop.ep.clear_faults();
        shop.faults(Method::POST, "/v2/carts/{}/checkout", broken(), 1000);
        shop.pass(1, Duration::from_secs(30)).await;
        assert_eq!(shop.purchases().await, "1 ordering");
        shop.pass(3, Duration::from_secs(30)).await;
        assert_eq!(shop.items().await, ["purchase_checkout_unknown"]);
        shop.close().await;
    }

    async fn an_order_that_is_not_confirmed_is_no_success(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(422, ErrorShape::Text);
        shop.fault(Method::POST, "/v2/orders/{}/confirm", kind);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        assert_eq!(shop.items().await, ["purchase_confirm_refused"]);
        assert!(!shop.cart(&shopper.cart).await.lines.is_empty(), "the cart is not deleted");
        shop.close().await;
    }

    async fn a_matter_that_comes_right_is_closed(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(422, ErrorShape::Text);
        shop.fault(Method::POST, "/v2/orders/{}/confirm", kind);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        // A person confirms the order.
        let admin = shop.px.elastic_path.admin().unwrap();
        let order = shop.ep.ledger().orders[0].id.parse().unwrap();
        let name = shop.purchase(&shopper.cart).await.to_string().parse().unwrap();
        shop.px.elastic_path.confirm(&admin, &order, &name).await.unwrap();
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        assert!(shop.items().await.is_empty());
        shop.close().await;
    }

    async fn a_free_order_that_the_manual_gateway_refuses_is_no_success(shop: Platform) {
        shop.ep.set_price(EBOOK, "USD", 0);
        let mut shopper = shop.shopper([(EBOOK, 1)]).await;
        shopper.open_session(false).await;
        let kind = FaultKind::Status(400, ErrorShape::Object);
        shop.fault(Method::POST, "/v2/orders/{}/payments", kind);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        assert_eq!(shop.items().await, ["purchase_confirm_refused"]);
        shop.close().await;
    }

    async fn a_free_order_that_is_refused_can_be_tried_again(shop: Platform) {
        shop.ep.set_price(EBOOK, "USD", 0);
        let mut shopper = shop.shopper([(EBOOK, 1)]).await;
        shopper.open_session(false).await;
        let kind = FaultKind::Status(400, ErrorShape::Object);
        shop.fault(Method::POST, "/v2/carts/{}/checkout", kind);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "open/failed");
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn a_cart_that_changes_between_charge_and_checkout_makes_no_order(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        // The platform is silent after the charge, and meanwhile another tab adds something.
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.ep.inject(Fault::once("/v2/carts/{}", kind).of(Method::GET).nth(3).times(100));
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        shop.ep.clear_faults();
        shop.add(&shopper.cart, EBOOK, 1).await;
        shop.heal().await;
        assert_eq!(shop.items().await, ["purchase_cart_changed"]);
        assert!(shop.ep.ledger().orders.is_empty());
        assert_eq!(shopper.stands().await, "processing/pending");
        shop.close().await;
    }

    async fn a_cart_that_is_not_shown_after_the_charge_calls_a_person_and_is_ordered_later(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.ep.inject(Fault::once("/v2/carts/{}", kind).of(Method::GET).nth(3).times(1000));
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        shop.pass(20, Duration::from_secs(15)).await;
        assert_eq!(shop.items().await, ["purchase_cart_unread"]);
        assert!(shop.ep.ledger().orders.is_empty());
        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        assert!(shop.items().await.is_empty());
        shop.close().await;
    }

    async fn a_shipping_line_that_another_tab_took_out_after_the_charge_is_put_back(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.ep.inject(Fault::once("/v2/carts/{}", kind).of(Method::GET).nth(3).times(100));
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        shop.ep.clear_faults();
        let admin = shop.px.elastic_path.admin().unwrap();
        let seen = shop.cart(&shopper.cart).await;
        put_shipping(&shop.px, Caller::Admin(&admin), seen, None).await.unwrap();
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        shop.close().await;
    }

    async fn a_charge_that_nobody_can_find_out_about_calls_a_person(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.fault(Method::POST, "/v2/carts/{}/payments", FaultKind::LoseAfter);
        // The bank had said no, in the way that leaves no trace on the cart.
        assert_eq!(said(&shopper.pay("ctoken_decline_4xx").await), "processing/pending");
        shop.heal().await;
        assert_eq!(shop.items().await, ["purchase_charge_unknown"]);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        assert_eq!(shop.asked("POST", "/payments"), 2, "the same token again, and no other");
        shop.close().await;
    }
}
