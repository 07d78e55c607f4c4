//! A cart that names a payment before ours is made: of an earlier try, or of another program. It is
//! asked how it stands, and nothing is charged beside one that has paid or may still.

use std::time::Duration;

use http::Method;
use simulators::elastic_path::{ErrorShape, Fault, FaultKind, SecondPayment, UpdateEndedPayment};

use crate::platform::{PAN, Platform, Shopper, platform_stories, said};

const TOLD: &str = "This cart has another payment, which may have been paid. It was not charged \
                    again. The shop has been told and looks into it.";

/// She pays, is told that the cart has another payment, and nothing is charged.
async fn is_held_back(shop: &Platform, shopper: &Shopper<'_>) {
    let charges = shop.asked("POST", "/payments");
    let answer = shopper.pay("ctoken_ok").await;
    assert_eq!(said(&answer), "open/failed");
    assert_eq!(answer.unwrap().sentence(), Some(TOLD));
    assert_eq!(shop.asked("POST", "/payments"), charges, "nothing was charged");
    assert_eq!(shop.items().await, ["cart_payment"]);
}

platform_stories! {
    async fn a_cart_that_another_program_has_paid_is_not_charged_again(shop: Platform) {
        let mut shop = shop;
        shop.set(|modes| modes.update_ended_payment = UpdateEndedPayment::Answers);
        let cart = {
            let shopper = shop.shopper([(PAN, 1)]).await;
            let payment = shop.pay_elsewhere(&shopper.cart, "ctoken_ok").await;
            is_held_back(&shop, &shopper).await;
            let sentence = shop.sentences().await.remove(0);
            assert!(sentence.contains("that has paid"), "{sentence}");
            assert!(sentence.contains(&payment) && sentence.contains(shopper.cart.as_str()));
            // However often she tries, it is one matter.
            is_held_back(&shop, &shopper).await;
            shopper.cart.clone()
        };
        assert_eq!(shop.cart(&cart).await.payment.unwrap().as_str(), shop.ep.ledger().payments[0].id);
        shop.known_strays.push(shop.ep.ledger().payments[0].id.clone());
        shop.expected_items = 1;
        shop.close().await;
    }

    async fn a_payment_of_which_elastic_path_does_not_tell_may_have_paid(shop: Platform) {
        let mut shop = shop;
        {
            let shopper = shop.shopper([(PAN, 1)]).await;
            shop.pay_elsewhere(&shopper.cart, "ctoken_ok").await;
            is_held_back(&shop, &shopper).await;
            // A person gives the money back at Stripe, and closes the item.
            shop.close_items().await;
            assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        }
        shop.known_strays.push(shop.ep.ledger().payments[0].id.clone());
        shop.close().await;
    }

    async fn a_payment_that_can_still_be_paid_is_waited_for_whatever_a_person_says(shop: Platform) {
        shop.set(|modes| modes.update_ended_payment = UpdateEndedPayment::Answers);
        for kind in ["ctoken_3ds", "ctoken_processing"] {
            let shopper = shop.shopper([(PAN, 1)]).await;
            let payment = shop.pay_elsewhere(&shopper.cart, kind).await;
            is_held_back(&shop, &shopper).await;
            shop.close_items().await;
            is_held_back(&shop, &shopper).await;
            // It comes to nothing, and the item is closed by itself.
            let ended = shop.ep.authenticate(&payment, Some(false));
            assert!(ended || shop.ep.settle(&payment, Some(false)), "{kind}");
            assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded", "{kind}");
            assert!(shop.items().await.is_empty());
        }
        shop.close().await;
    }

    async fn a_payment_that_a_page_is_about_to_make_is_not_taken_off_the_cart(shop: Platform) {
        let mut shop = shop;
        {
            let shopper = shop.shopper([(PAN, 1)]).await;
            shop.begin_payment_elsewhere(&shopper.cart).await;
            is_held_back(&shop, &shopper).await;
            assert!(shop.cart(&shopper.cart).await.payment.is_some());
        }
        shop.expected_items = 1;
        shop.close().await;
    }

    async fn a_payment_that_came_to_nothing_is_taken_off_the_cart(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.pay_elsewhere(&shopper.cart, "ctoken_decline_201").await;
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert!(shop.items().await.is_empty());
        let paid = shop.ep.ledger().payments.into_iter().filter(|one| one.status == "succeeded");
        assert_eq!(paid.count(), 1);
        shop.close().await;
    }

    async fn a_question_about_an_old_payment_that_nobody_answers_charges_nothing(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.pay_elsewhere(&shopper.cart, "ctoken_decline_201").await;
        for kind in [FaultKind::LoseBefore, FaultKind::Status(500, ErrorShape::Number)] {
            shop.faults(Method::PUT, "/v2/carts/{}/payments/{}", kind, 100);
            is_held_back(&shop, &shopper).await;
            shop.ep.clear_faults();
        }
        // The platform answers, and the item is closed by itself.
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert!(shop.items().await.is_empty());
        shop.close().await;
    }

    async fn a_payment_that_cannot_be_taken_off_the_cart_is_not_followed_by_another(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.pay_elsewhere(&shopper.cart, "ctoken_decline_201").await;
        shop.faults(Method::PUT, "/v2/carts/{}", FaultKind::Status(500, ErrorShape::Number), 100);
        let told = said(&shopper.pay("ctoken_ok").await);
        assert_eq!(told, "refused: the payment could not be started");
        assert_eq!(shop.asked("POST", "/payments"), 1, "the other program's");
        shop.ep.clear_faults();
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn another_program_that_is_faster_than_our_charge_does_not_make_us_charge_twice(shop: Platform) {
        let mut shop = shop;
        shop.set(|modes| {
            modes.update_ended_payment = UpdateEndedPayment::Answers;
            modes.second_payment = SecondPayment::Reject409;
        });
        let other = {
            let shopper = shop.shopper([(PAN, 1)]).await;
            shop.fault(Method::POST, "/payments", FaultKind::Slow(Duration::from_secs(2)));
            let other = async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                shop.pay_elsewhere(&shopper.cart, "ctoken_ok").await
            };
            let (ours, other) = futures::join!(shopper.click("ctoken_ok"), other);
            assert_eq!(said(&ours), "processing/pending");
            shop.heal().await;
            assert_eq!(shop.items().await, ["purchase_another_payment"]);
            other
        };
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        shop.known_strays.push(other);
        shop.close().await;
    }

    async fn a_payment_made_elsewhere_while_ours_is_looked_for_is_not_taken_for_ours(shop: Platform) {
        shop.set(|modes| {
            modes.update_ended_payment = UpdateEndedPayment::Answers;
            modes.second_payment = SecondPayment::Second;
        });
        {
            let shopper = shop.shopper([(PAN, 1)]).await;
            shop.fault(Method::POST, "/v2/carts/{}/payments", FaultKind::LoseAfter);
            let kind = FaultKind::Status(500, ErrorShape::Number);
            shop.ep.inject(Fault::once("/v2/carts/{}", kind).of(Method::GET).nth(3).times(100));
            assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
            shop.ep.clear_faults();
            shop.pay_elsewhere(&shopper.cart, "ctoken_decline_201").await;
            shop.heal().await;
            assert_eq!(shop.items().await, ["purchase_another_payment"]);
            assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        }
        shop.close().await;
    }
}
