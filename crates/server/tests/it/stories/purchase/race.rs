//! Two clicks, two tabs, two sessions, an old cookie: one charge, one order, the same answer.

use std::time::Duration;

use domain::{
    id::VisitorId,
    money::Money,
    session::{AddressPart, FormAddress, Rate},
};
use futures::future::join_all;
use http::Method;
use simulators::elastic_path::FaultKind;

use crate::platform::{PAN, address, platform_stories, said};

platform_stories! {
    async fn ten_clicks_at_once_charge_once_and_are_told_the_same(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let tokens: Vec<String> = (0..10).map(|number| format!("ctoken_ok_{number}")).collect();
        let answers = join_all(tokens.iter().map(|token| shopper.click(token))).await;
        for answer in &answers {
            assert_eq!(said(answer), "complete/succeeded");
        }
        shop.rest().await;
        assert_eq!(shop.asked("POST", "/payments"), 1);
        assert_eq!(shop.asked("POST", "/checkout"), 1);
        assert_eq!(shop.purchases().await, "1 cleaned");
        shop.close().await;
    }

    async fn an_address_that_was_taken_in_before_the_payment_is_the_orders(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.fault(Method::GET, "/v2/carts/{}", FaultKind::SlowAfter(Duration::from_secs(2)));
        let moved = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let elsewhere = |part| match part {
                AddressPart::City => "Shelbyville".to_owned(),
                part => address().get(part).to_owned(),
            };
            let elsewhere = FormAddress::new(elsewhere).unwrap();
            shopper.change(|session| session.form.shipping_address = Some(elsewhere)).await;
        };
        let (paid, ()) = futures::join!(shopper.click("ctoken_ok"), moved);
        assert_eq!(said(&paid), "complete/succeeded");
        shop.rest().await;
        let read = shop.px.store.read(shopper.cart.clone(), |tx, cart| {
            Box::pin(storage::purchase::last_of_cart(tx, cart))
        });
        let bought: Result<_, storage::StoreError> = read.await;
        let terms = bought.unwrap().unwrap().purchase.terms;
        assert_eq!(terms.buyer.shipping_address.get(AddressPart::City), "Shelbyville");
        shop.close().await;
    }

    async fn ten_clicks_with_a_card_that_is_declined_are_told_the_same(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let slow = FaultKind::SlowAfter(Duration::from_secs(2));
        shop.fault(Method::POST, "/v2/carts/{}/payments", slow);
        let first = shopper.click("ctoken_decline_201");
        let second = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            shopper.click("ctoken_ok").await
        };
        let (first, second) = futures::join!(first, second);
        assert_eq!(said(&first), "open/failed");
        assert_eq!(said(&second), "open/failed");
        assert_eq!(second.unwrap().sentence(), first.unwrap().sentence());
        assert_eq!(shop.asked("POST", "/payments"), 1);
        shop.close().await;
    }

    async fn two_sessions_on_one_cart_buy_it_once(shop: Platform) {
        let one = shop.shopper([(PAN, 1)]).await;
        let other = one.second_session(true).await;
        let (first, second) = futures::join!(one.click("ctoken_ok_1"), other.click("ctoken_ok_2"));
        assert_eq!(said(&first), "complete/succeeded");
        assert_eq!(said(&second), "complete/succeeded");
        shop.rest().await;
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        assert_eq!(shop.ep.ledger().orders.len(), 1);
        shop.close().await;
    }

    async fn pay_while_a_challenge_is_pending_is_shown_the_challenge(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_3ds").await), "open/requires_action");
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "open/requires_action");
        let other = shopper.second_session(true).await;
        assert_eq!(said(&other.pay("ctoken_ok_2").await), "open/requires_action");
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        let payment = shop.ep.ledger().payments[0].id.clone();
        assert!(shop.ep.authenticate(&payment, Some(true)));
        assert_eq!(said(&shopper.resume().await), "complete/succeeded");
        shop.heal().await;
        shop.close().await;
    }

    async fn a_session_that_saw_the_cart_before_it_was_bought_shows_the_same_order(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let old = shopper.second_session(true).await;
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert_eq!(shop.purchases().await, "1 cleaned", "the cart is gone");
        assert_eq!(said(&old.pay("ctoken_ok_2").await), "complete/succeeded");
        assert_eq!(old.session().await.state(), shopper.session().await.state());
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        shop.close().await;
    }

    async fn another_visitor_on_the_same_cart_is_shown_nothing_of_the_challenge(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let mut stranger = shopper.second_session(true).await;
        stranger.visitor = VisitorId(shop.px.ids.next());
        stranger.open_session(true).await;
        assert_eq!(said(&shopper.pay("ctoken_3ds").await), "open/requires_action");

        assert_eq!(said(&stranger.pay("ctoken_ok").await), "processing/pending");
        let given_up = said(&stranger.abandon().await);
        assert_eq!(given_up, "refused: the session has no payment that can be given up");
        assert_eq!(said(&stranger.resume().await), "processing/pending");

        let payment = shop.ep.ledger().payments[0].id.clone();
        assert!(shop.ep.authenticate(&payment, Some(true)));
        assert_eq!(said(&shopper.resume().await), "complete/succeeded");
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        shop.close().await;
    }

    async fn a_rate_is_asserted_for_the_very_cart_that_is_charged(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let now = shop.px.clock.now();
        // What the sending of another cart cost.
        shopper.change(|session| {
            let rate = session.selected_rate().cloned().unwrap();
            let free = Rate { amount: Money::zero(rate.amount.currency()), ..rate };
            *session = session.clone().offer(vec![free], now).unwrap();
        }).await;
        let paid = said(&shopper.pay("ctoken_ok").await);
        assert_eq!(paid, "refused: the selected shipping rate is not offered");
        assert!(shop.ep.ledger().payments.is_empty());
        shop.close().await;
    }
}
