//! A checkout session whose shopper signs in before it is paid.

use serde_json::{Value, json};

use super::{
    customer::{ADA, PASSWORD, login, sign_up, with_mail},
    session_pay::{CURRENT, challenged, current, order, pay, shopper, state, until_paid},
};
use crate::{guest::Card, shop::stories};

stories! {
    async fn who_signs_in_before_her_banks_challenge_finishes_it_or_gives_it_up(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        sign_up(&shop.guest(), &mail, ADA).await;
        for proves in [true, false] {
            let guest = shopper(&shop).await;
            let waits = pay(&guest, Card::ThreeDSecure).await;

            assert_eq!(login(&guest, ADA, PASSWORD).await.status, 200);

            let seen = current(&guest).await;
            assert_eq!((state(&seen), challenged(&seen)),
                ("200 open requires_action".to_owned(), challenged(&waits)));
            let paid = if proves {
                assert!(shop.stripe.authenticate(challenged(&waits), true));
                guest.post(&format!("{CURRENT}/resume-payment"), json!({})).await
            } else {
                let over = guest.post(&format!("{CURRENT}/abandon-payment"), json!({})).await;
                assert_eq!(state(&over), "200 open failed", "{over}");
                assert!(!shop.stripe.authenticate(challenged(&waits), true));
                pay(&guest, Card::Good).await
            };
            assert_eq!(state(&paid), "200 complete succeeded", "{paid}");
            until_paid(&shop, &guest, order(&paid)).await;
            assert_eq!(guest.cart().await, "");
        }
        assert_eq!(shop.orders().await, "1 cancelled, 2 paid");
        shop.close().await;
    }

    async fn what_a_shopper_has_filled_in_comes_along_when_she_signs_in(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let desk = shop.guest_with_cart([("book", 1)]).await;
        sign_up(&desk, &mail, ADA).await;
        let guest = shopper(&shop).await;
        let before = current(&guest).await.body["data"]["session"]["customerInfo"].clone();
        assert_ne!(before, Value::Null);
        let left = guest.other_tab();

        assert_eq!(login(&guest, ADA, PASSWORD).await.status, 200);

        assert_eq!(current(&guest).await.body["data"]["session"]["customerInfo"], before);
        // Whoever sits there when she is not signed in any more has none.
        assert_eq!(current(&left).await.body["data"]["session"], Value::Null);
        // What was in her account's cart is in it too: she sees that before she pays.
        assert_eq!(pay(&guest, Card::Good).await.to_string(), "409 CART_MISMATCH");
        let paid = pay(&guest, Card::Good).await;
        assert_eq!(state(&paid), "200 complete succeeded", "{paid}");
        until_paid(&shop, &guest, order(&paid)).await;
        shop.close().await;
    }
}
