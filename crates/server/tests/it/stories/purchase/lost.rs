//! Answers that get lost at each call, after the call was carried out and before.

use std::time::Duration;

use http::Method;
use simulators::elastic_path::{ConfirmAgain, FaultKind, SecondPayment, UpdateEndedPayment};

use crate::platform::{PAN, Platform, platform_stories, said};

/// One call's answer is lost; in the end there is one charge and one order that is paid.
async fn ends_well(shop: &Platform, method: Method, path: &str, kind: FaultKind) {
    let shopper = shop.shopper([(PAN, 1)]).await;
    let (payments, orders) = (shop.ep.ledger().payments.len(), shop.ep.ledger().orders.len());
    shop.fault(method.clone(), path, kind);
    let first = said(&shopper.pay("ctoken_ok_first").await);
    if shopper.stands().await.starts_with("open") {
        // Nothing was carried out, and she has been told so.
        assert!(first.starts_with("open/failed") || first.starts_with("refused"), "{first}");
        let again = said(&shopper.pay("ctoken_ok_again").await);
        assert_eq!(again, "complete/succeeded", "{method} {path} {kind:?}: {first}");
    }
    shop.heal().await;
    assert_eq!(shopper.stands().await, "complete/succeeded", "{method} {path} {kind:?}: {first}");
    let ledger = shop.ep.ledger();
    assert_eq!(ledger.payments.len() - payments, 1, "{method} {path} {kind:?}");
    let paid = ledger.orders.iter().skip(orders).filter(|order| order.payment == "paid");
    assert_eq!(paid.count(), 1, "{method} {path} {kind:?}");
}

const KINDS: [FaultKind; 7] = [
    FaultKind::LoseBefore,
    FaultKind::LoseAfter,
    FaultKind::FailAfter,
    FaultKind::GatewayPage,
    FaultKind::GatewayPageAfter,
    FaultKind::Garbage,
    FaultKind::RateLimited { retry_after_s: None },
];

platform_stories! {
    async fn a_charge_whose_answer_is_lost_is_charged_once(shop: Platform) {
        for kind in KINDS {
            ends_well(&shop, Method::POST, "/v2/carts/{}/payments", kind).await;
        }
        shop.close().await;
    }

    async fn a_charge_whose_answer_is_lost_is_found_where_an_ended_payment_answers(shop: Platform) {
        shop.set(|modes| modes.update_ended_payment = UpdateEndedPayment::Answers);
        for kind in KINDS {
            ends_well(&shop, Method::POST, "/v2/carts/{}/payments", kind).await;
        }
        shop.close().await;
    }

    async fn a_checkout_whose_answer_is_lost_makes_one_order(shop: Platform) {
        for kind in KINDS {
            ends_well(&shop, Method::POST, "/v2/carts/{}/checkout", kind).await;
        }
        shop.close().await;
    }

    async fn a_checkout_that_was_never_sent_is_sent_as_soon_as_the_platform_is_there(shop: Platform) {
        let busy = FaultKind::RateLimited { retry_after_s: None };
        for question in ["/v2/carts/{}/checkout", "/v2/orders/{}/confirm"] {
            let shopper = shop.shopper([(PAN, 1)]).await;
            shop.faults(Method::POST, question, busy, 1000);
            assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
            // More often than an answer may be lost.
            shop.pass(5, Duration::from_secs(20)).await;
            assert_eq!(shopper.stands().await, "processing/pending", "{question}");
            shop.ep.clear_faults();
            shop.pass(1, Duration::from_secs(60)).await;
            assert_eq!(shopper.stands().await, "complete/succeeded", "{question}");
        }
        assert_eq!(shop.purchases().await, "2 cleaned", "no second order is looked for");
        shop.close().await;
    }

    async fn a_checkout_that_cannot_be_sent_for_long_calls_a_person_and_makes_its_order_later(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let busy = FaultKind::RateLimited { retry_after_s: None };
        shop.faults(Method::POST, "/v2/carts/{}/checkout", busy, 1000);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        shop.pass(20, Duration::from_secs(15)).await;
        assert_eq!(shop.items().await, ["purchase_cart_unread"]);
        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        assert!(shop.items().await.is_empty());
        shop.close().await;
    }

    async fn a_confirmation_whose_answer_is_lost_books_once(shop: Platform) {
        for kind in KINDS {
            ends_well(&shop, Method::POST, "/v2/orders/{}/confirm", kind).await;
        }
        shop.close().await;
    }

    async fn a_confirmation_whose_answer_is_lost_books_once_where_a_second_would_count(shop: Platform) {
        shop.set(|modes| modes.confirm_again = ConfirmAgain::Duplicate);
        for kind in KINDS {
            ends_well(&shop, Method::POST, "/v2/orders/{}/confirm", kind).await;
            ends_well(&shop, Method::GET, "/v2/orders/{}/transactions", kind).await;
        }
        let ledger = shop.ep.ledger();
        assert_eq!(ledger.transactions.len(), ledger.orders.len());
        shop.close().await;
    }

    async fn a_charge_whose_answer_is_lost_is_charged_once_whatever_a_second_payment_does(shop: Platform) {
        for second in [SecondPayment::Replace, SecondPayment::Reject409, SecondPayment::Second] {
            shop.set(|modes| modes.second_payment = second);
            for kind in [FaultKind::LoseBefore, FaultKind::LoseAfter] {
                ends_well(&shop, Method::POST, "/v2/carts/{}/payments", kind).await;
            }
        }
        shop.close().await;
    }

    async fn an_order_that_cannot_be_read_is_paid_when_it_can(shop: Platform) {
        for kind in KINDS {
            ends_well(&shop, Method::GET, "/v2/orders/{}", kind).await;
        }
        shop.close().await;
    }

    async fn what_is_asked_before_the_charge_may_get_lost(shop: Platform) {
        for kind in KINDS {
            ends_well(&shop, Method::GET, "/v2/carts/{}", kind).await;
        }
        shop.close().await;
    }

    async fn an_order_that_the_list_shows_late_is_not_made_twice(shop: Platform) {
        shop.set(|modes| modes.order_index_lag_ms = 60_000);
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.fault(Method::POST, "/v2/carts/{}/checkout", FaultKind::LoseAfter);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        assert_eq!(shop.asked("POST", "/checkout"), 1);
        shop.close().await;
    }

    async fn an_order_that_showed_too_late_is_made_twice_and_one_is_cancelled(shop: Platform) {
        shop.set(|modes| modes.order_index_lag_ms = 10 * 60_000);
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.fault(Method::POST, "/v2/carts/{}/checkout", FaultKind::LoseAfter);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        shop.heal().await;
        shop.pass(2, Duration::from_secs(20 * 60)).await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        assert_eq!(shop.purchases().await, "1 cleaned");
        let orders = shop.ep.ledger().orders;
        let cancelled = orders.iter().filter(|order| order.status == "cancelled").count();
        assert_eq!((orders.len(), cancelled), (2, 1));
        shop.close().await;
    }

    async fn soft_errors_beside_a_charge_are_no_success_and_no_second_charge(shop: Platform) {
        ends_well(&shop, Method::POST, "/v2/carts/{}/payments", FaultKind::SoftErrors).await;
        shop.close().await;
    }

    async fn an_answer_that_takes_too_long_is_a_payment_under_way(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let slow = FaultKind::SlowAfter(Duration::from_secs(20));
        shop.fault(Method::POST, "/v2/carts/{}/payments", slow);
        let begun = tokio::time::Instant::now();
        let answer = shopper.click("ctoken_ok").await;
        assert!(begun.elapsed() <= Duration::from_secs(11), "{:?}", begun.elapsed());
        assert_eq!(said(&answer), "processing/pending");
        shop.rest().await;
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        shop.close().await;
    }
}
