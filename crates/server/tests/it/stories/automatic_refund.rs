//! Refunds that nobody asks for: of money that came when its order was over, and of strays. They
//! are owed by themselves, so none of them is given up while Stripe would still make it.

use std::time::Duration;

use simulators::stripe::{Fault, FaultKind, Options, RefundCourse, RefundOrder, RefundOutcome};

use super::{
    refund::{A_WHILE, fail, give_back, paid, till, until_refunds},
    second_payment::{pay_beside, refunds_of, sentence},
};
use crate::{
    books,
    shop::{Shop, stories},
};

/// Longer than Stripe remembers a key.
const KEY_FORGOTTEN: Duration = Duration::from_secs(25 * 60 * 60);

/// An order of a mug is given up before Stripe's answer to its payment was heard. Returns Stripe's
/// id of the payment.
async fn given_up(shop: &Shop) -> String {
    let guest = shop.guest_with_cart([("mug", 1)]).await;
    shop.stripe.inject(Fault::once("/v1/payment_intents", FaultKind::LoseAfter));
    let never = Fault::once("/v1/payment_intents", FaultKind::LoseBefore);
    shop.stripe.inject(Fault { times: 1000, ..never });
    assert_eq!(guest.ask_intent().await.to_string(), "503 payment.unknown");
    shop.advance(Duration::from_secs(31 * 60));
    shop.until("the order is given up", || async { shop.orders().await == "1 cancelled" }).await;
    shop.stripe.clear_faults();
    shop.stripe.ledger()[0].id.clone()
}

/// It is paid all the same: 16.90.
async fn pay_late(shop: &Shop, payment: &str) {
    let url = format!("{}/v1/payment_intents/{payment}/confirm", shop.stripe_url);
    let form = [("payment_method", "pm_card_visa"), ("return_url", "https://shop.example")];
    let request = shop.http.post(url).bearer_auth(Options::default().secret_key).form(&form);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

async fn until_missed(shop: &Shop) {
    shop.until("the answer is missed", || async {
        books::refunds(&shop.cx.store).await == "1690 unknown"
    })
    .await;
}

fn part() -> RefundOrder {
    RefundOrder { amount: Some(400), ..RefundOrder::default() }
}

stories! {
    async fn money_that_came_too_late_goes_back_although_the_key_of_its_refund_is_forgotten(
        shop: Shop
    ) {
        let mut shop = shop;
        let payment = given_up(&shop).await;
        fail(&shop, 1000, FaultKind::LoseBefore);
        pay_late(&shop, &payment).await;
        until_missed(&shop).await;
        shop.kill();
        shop.stripe.clear_faults();
        shop.advance(KEY_FORGOTTEN);

        shop.start().await;

        until_refunds(&shop, "1690 succeeded").await;
        shop.quiet().await;
        assert_eq!(refunds_of(&shop, &payment), 1);
        shop.close().await;
    }

    async fn money_that_came_too_late_goes_back_once_although_key_and_answer_are_gone(shop: Shop) {
        let mut shop = shop;
        let payment = given_up(&shop).await;
        shop.stripe.drop_webhooks_of(&["refund.created", "charge.refunded"]);
        fail(&shop, 1, FaultKind::LoseAfter);
        fail(&shop, 1000, FaultKind::LoseBefore);
        pay_late(&shop, &payment).await;
        shop.until("Stripe has made it", || async { refunds_of(&shop, &payment) == 1 }).await;
        shop.kill();
        shop.stripe.clear_faults();
        shop.advance(KEY_FORGOTTEN);

        shop.start().await;

        until_refunds(&shop, "1690 succeeded").await;
        assert_eq!(refunds_of(&shop, &payment), 1);
        shop.close().await;
    }

    async fn a_second_payment_goes_back_although_the_key_of_its_refund_is_forgotten(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1000, FaultKind::LoseBefore);
        let second = pay_beside(&shop, &intent, "1690", "eur").await;
        until_missed(&shop).await;
        shop.kill();
        shop.stripe.clear_faults();
        shop.advance(KEY_FORGOTTEN);

        shop.start().await;

        until_refunds(&shop, "1690 succeeded").await;
        assert_eq!((refunds_of(&shop, &second), refunds_of(&shop, intent.payment())), (1, 0));
        shop.close().await;
    }

    async fn of_money_that_came_too_late_the_rest_goes_back_where_a_part_has_already(shop: Shop) {
        let mut shop = shop;
        let payment = given_up(&shop).await;
        shop.kill();
        pay_late(&shop, &payment).await;
        shop.stripe.refund(&payment, part()).unwrap();

        shop.start().await;
        shop.advance(A_WHILE);

        until_refunds(&shop, "1690 refused, 400 succeeded, 1290 succeeded").await;
        for event in shop.stripe.events() {
            shop.stripe.repeat_event(&event.id, 3).await;
        }
        shop.quiet().await;
        until_refunds(&shop, "1690 refused, 400 succeeded, 1290 succeeded").await;
        assert_eq!(refunds_of(&shop, &payment), 2);
        shop.close().await;
    }

    async fn of_a_second_payment_the_rest_goes_back_where_a_part_has_already(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.kill();
        let second = pay_beside(&shop, &intent, "1690", "eur").await;
        shop.stripe.refund(&second, part()).unwrap();

        shop.start().await;
        shop.advance(A_WHILE);

        until_refunds(&shop, "1690 refused, 400 succeeded, 1290 succeeded").await;
        assert_eq!((refunds_of(&shop, &second), refunds_of(&shop, intent.payment())), (2, 0));
        shop.close().await;
    }

    async fn what_a_person_reads_of_a_second_payment_leaves_the_orders_own_alone(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1, FaultKind::Status(404));

        let second = pay_beside(&shop, &intent, "1690", "eur").await;

        until_refunds(&shop, "1690 refused").await;
        shop.quiet().await;
        let told = sentence(&shop, "refund_refused").await;
        let wanted = format!("Give what is left of {second} back in Stripe's dashboard");
        assert!(told.contains(&wanted), "{told}");
        assert!(!told.contains("till orders"), "{told}");
        shop.close_apart(&["has no order"]).await;
    }

    async fn a_refund_that_was_on_its_way_and_is_stopped_calls_a_person(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(3);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.order_refund_course(RefundCourse::InsufficientFunds);
        give_back(&shop, &intent, None).await.unwrap();
        until_refunds(&shop, "1690 pending").await;
        let stop = |payment: &str| {
            let ledger = shop.stripe.ledger();
            let entry = ledger.iter().find(|entry| entry.id == payment).unwrap();
            assert!(shop.stripe.settle_refund(&entry.refunds[0].id, RefundOutcome::Canceled));
        };

        stop(intent.payment());

        until_refunds(&shop, "1690 cancelled").await;
        shop.quiet().await;
        let told = sentence(&shop, "refund_cancelled").await;
        assert!(told.contains(&format!("till orders refund {}", intent.order)), "{told}");
        let shown = till(&shop, &["orders", "show", &intent.order]).await;
        assert!(shown.contains("was stopped at Stripe"), "{shown}");

        // One that is owed by itself, and of which nobody had heard that it was on its way.
        shop.stripe.order_refund_course(RefundCourse::InsufficientFunds);
        fail(&shop, 1, FaultKind::LoseAfter);
        fail(&shop, 1000, FaultKind::LoseBefore);
        shop.stripe.drop_webhooks_of(&["refund.created", "charge.refunded"]);
        let second = pay_beside(&shop, &intent, "1690", "eur").await;
        shop.until("Stripe has made it", || async { refunds_of(&shop, &second) == 1 }).await;
        stop(&second);
        shop.stripe.clear_faults();
        shop.advance(A_WHILE);
        until_refunds(&shop, "1690 cancelled, 1690 cancelled").await;
        shop.close_apart(&["has no order"]).await;
    }
}
