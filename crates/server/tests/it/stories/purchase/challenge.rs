//! 3-D Secure: the shopper comes back, fails, gives up, or never comes back.

use std::time::Duration;

use http::Method;
use simulators::elastic_path::{CancelPending, FaultKind, UpdateEndedPayment};

use crate::platform::{PAN, Platform, Shopper, platform_stories, said};

const CLOSES: [(&str, &str); 1] = [("EP_CLOSES_CHALLENGES", "yes")];

/// A shopper before her bank's challenge, and the payment that waits for her.
async fn challenged(shop: &Platform) -> (Shopper<'_>, String) {
    let shopper = shop.shopper([(PAN, 1)]).await;
    assert_eq!(said(&shopper.pay("ctoken_3ds").await), "open/requires_action");
    let payment = shop.ep.ledger().payments.last().unwrap().id.clone();
    (shopper, payment)
}

platform_stories! {
    async fn a_challenge_that_was_passed_is_a_sale(shop: Platform) {
        let (shopper, payment) = challenged(&shop).await;
        assert_eq!(said(&shopper.resume().await), "refused: the payment still requires action");
        assert!(shop.ep.authenticate(&payment, Some(true)));
        assert_eq!(said(&shopper.resume().await), "complete/succeeded");
        assert_eq!(said(&shopper.resume().await), "complete/succeeded");
        assert_eq!(shop.ep.ledger().orders.len(), 1);
        shop.close().await;
    }

    async fn a_challenge_that_was_passed_is_a_sale_where_an_ended_payment_answers(shop: Platform) {
        shop.set(|modes| modes.update_ended_payment = UpdateEndedPayment::Answers);
        let (shopper, payment) = challenged(&shop).await;
        assert!(shop.ep.authenticate(&payment, Some(true)));
        assert_eq!(said(&shopper.resume().await), "complete/succeeded");
        shop.close().await;
    }

    async fn an_answer_that_says_nothing_of_the_payment_is_asked_for_again(shop: Platform) {
        let (shopper, payment) = challenged(&shop).await;
        shop.faults(Method::PUT, "/v2/carts/{}/payments/{}", FaultKind::ErrorsAlone, 3);
        assert_eq!(said(&shopper.resume().await), "refused: the payment still requires action");
        shop.pass(1, Duration::from_secs(60)).await;
        assert!(shop.items().await.is_empty(), "nobody has said that it is another's payment");
        assert_eq!(shopper.stands().await, "open/requires_action", "she can still solve it");
        assert!(shop.ep.authenticate(&payment, Some(true)));
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        shop.close().await;
    }

    async fn a_challenge_that_was_failed_is_a_decline_and_another_card_pays(shop: Platform) {
        let (shopper, payment) = challenged(&shop).await;
        assert!(shop.ep.authenticate(&payment, Some(false)));
        assert_eq!(said(&shopper.resume().await), "open/failed");
        assert!(shop.ep.ledger().orders.is_empty());
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn a_shopper_who_passed_and_never_came_back_gets_her_order(shop: Platform) {
        let (shopper, payment) = challenged(&shop).await;
        assert!(shop.ep.authenticate(&payment, Some(true)));
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        shop.close().await;
    }

    async fn a_challenge_that_is_given_up_is_closed_where_elastic_path_can(shop: Platform) {
        let mut shop = shop;
        shop.restart(&CLOSES);
        let (shopper, payment) = challenged(&shop).await;
        assert_eq!(said(&shopper.abandon().await), "open/failed");
        assert_eq!(shop.purchases().await, "1 abandoned");
        assert!(!shop.ep.authenticate(&payment, Some(true)), "nobody can bring it about any more");
        let orders = shop.ep.ledger().orders;
        assert!(orders.iter().all(|order| order.status == "cancelled"), "{orders:?}");
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn a_challenge_that_is_given_up_blocks_the_cart_where_it_cannot_be_closed(shop: Platform) {
        let (shopper, payment) = challenged(&shop).await;
        let given_up = shopper.abandon().await;
        assert_eq!(said(&given_up), "processing/pending");
        let again = shopper.pay("ctoken_ok").await;
        assert_eq!(said(&again), "processing/pending");
        for answer in [given_up, again] {
            let sentence = answer.unwrap().sentence().map(str::to_owned).unwrap_or_default();
            assert!(sentence.contains("You can pay again when it has ended"), "{sentence}");
        }
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        // She fails it in the other tab: now it is safe to try again.
        assert!(shop.ep.authenticate(&payment, Some(false)));
        shop.pass(4, Duration::from_secs(20)).await;
        assert_eq!(shopper.stands().await, "open/failed");
        assert_eq!(said(&shopper.pay("ctoken_ok_2").await), "complete/succeeded");
        shop.close().await;
    }

    async fn a_challenge_that_was_passed_after_all_is_a_sale(shop: Platform) {
        let (shopper, payment) = challenged(&shop).await;
        assert_eq!(said(&shopper.abandon().await), "processing/pending");
        assert!(shop.ep.authenticate(&payment, Some(true)));
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        shop.close().await;
    }

    async fn a_challenge_passed_before_it_is_given_up_is_a_sale(shop: Platform) {
        let mut shop = shop;
        shop.restart(&CLOSES);
        let (shopper, payment) = challenged(&shop).await;
        assert!(shop.ep.authenticate(&payment, Some(true)));
        assert_eq!(said(&shopper.abandon().await), "complete/succeeded");
        shop.close().await;
    }

    async fn a_cancellation_that_elastic_path_refuses_keeps_the_cart_until_it_is_safe(shop: Platform) {
        let mut shop = shop;
        shop.restart(&CLOSES);
        shop.set(|modes| modes.cancel_pending = CancelPending::Refused422);
        let (shopper, payment) = challenged(&shop).await;
        assert_eq!(said(&shopper.abandon().await), "processing/pending");
        assert!(shop.ep.authenticate(&payment, Some(false)));
        shop.heal().await;
        assert_eq!(shopper.stands().await, "open/failed");
        shop.close().await;
    }

    async fn giving_up_survives_a_lost_answer_at_each_call(shop: Platform) {
        let mut shop = shop;
        shop.restart(&CLOSES);
        for path in ["/checkout", "/confirm", "/cancel"] {
            for kind in [FaultKind::LoseBefore, FaultKind::LoseAfter] {
                let (shopper, payment) = challenged(&shop).await;
                shop.fault(Method::POST, path, kind);
                shopper.abandon().await.unwrap();
                shop.heal().await;
                assert_eq!(shopper.stands().await, "open/failed", "{path} {kind:?}");
                assert!(!shop.ep.authenticate(&payment, Some(true)), "{path} {kind:?}");
            }
        }
        shop.close().await;
    }

    async fn a_challenge_that_nobody_solves_is_given_up_after_half_an_hour(shop: Platform) {
        let mut shop = shop;
        shop.restart(&CLOSES);
        let (shopper, _) = challenged(&shop).await;
        shop.pass(4, Duration::from_secs(20 * 60)).await;
        assert_eq!(shopper.stands().await, "open/failed");
        shop.close().await;
    }

    async fn a_challenge_that_cannot_be_closed_is_a_matter_for_a_person_after_a_day(shop: Platform) {
        let (shopper, payment) = challenged(&shop).await;
        shop.pass(30, Duration::from_secs(60 * 60)).await;
        assert_eq!(shop.items().await, ["purchase_unfinished"]);
        assert_eq!(shopper.stands().await, "processing/pending");
        assert!(shop.ep.authenticate(&payment, Some(false)));
        shop.pass(3, Duration::from_secs(60 * 60)).await;
        assert_eq!(shopper.stands().await, "open/failed");
        assert!(shop.items().await.is_empty());
        shop.close().await;
    }

    async fn a_session_without_a_challenge_is_neither_resumed_nor_given_up(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.resume().await), "refused: the session waits for no challenge");
        let given_up = said(&shopper.abandon().await);
        assert_eq!(given_up, "refused: the session has no payment that can be given up");
        shop.close().await;
    }
}
