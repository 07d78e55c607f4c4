//! What banks refuse.

use simulators::elastic_path::DeclinedPayment;

use crate::platform::{PAN, platform_stories, said};

platform_stories! {
    async fn a_decline_in_any_shape_leaves_the_session_open_and_says_why(shop: Platform) {
        let tokens = ["ctoken_decline_4xx", "ctoken_decline_201", "ctoken_decline_soft"];
        for (number, token) in tokens.into_iter().enumerate() {
            let shopper = shop.shopper([(PAN, 1)]).await;
            let answer = shopper.pay(&format!("{token}_{number}")).await;
            assert_eq!(said(&answer), "open/failed", "{token}");
            let answer = answer.unwrap();
            let sentence = answer.sentence().unwrap();
            assert!(sentence.contains("declined"), "{token}: {sentence}");
        }
        assert!(shop.ep.ledger().orders.is_empty());
        assert_eq!(shop.purchases().await, "3 declined");
        shop.close().await;
    }

    async fn a_token_that_cannot_be_used_is_a_failed_try(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_expired").await), "open/failed");
        assert!(shop.ep.ledger().orders.is_empty());
        shop.close().await;
    }

    async fn after_a_decline_another_card_pays_and_the_old_payment_is_off_the_cart(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_decline_201").await), "open/failed");
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert_eq!(shop.purchases().await, "1 cleaned, 1 declined");
        let ledger = shop.ep.ledger();
        assert_eq!(ledger.orders.len(), 1);
        assert_eq!(ledger.transactions[0].reference, ledger.payments[1].id);
        shop.close().await;
    }

    async fn after_a_decline_of_which_nobody_says_why_another_card_pays(shop: Platform) {
        shop.set(|modes| modes.declined_payment = DeclinedPayment::Untold);
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_decline_201").await), "open/failed");
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert!(shop.items().await.is_empty());
        shop.close().await;
    }
}
