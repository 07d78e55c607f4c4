//! Stock: reserved before money moves, never negative, released when no money can come any more.

use std::time::Duration;

use serde_json::json;
use simulators::stripe::{Fault, FaultKind};

use crate::{
    books,
    guest::{Card, checkout_request},
    shop::stories,
};

stories! {
    async fn of_fifty_buyers_of_ten_pieces_ten_pay_and_forty_hear_so_before_they_pay(shop: Shop) {
        let mut guests = Vec::new();
        for _ in 0..50 {
            guests.push(shop.guest_with_cart([("lamp", 1)]).await);
        }

        let said = futures::future::join_all(guests.iter().map(|g| g.pay_with(Card::Good))).await;

        let count = |word: &str| said.iter().filter(|said| *said == word).count();
        // Whose event takes longer than `confirm` waits for it hears "pending" first.
        let buyers = count("200 paid") + count("200 pending");
        assert_eq!((buyers, count("409 checkout.stockChanged")), (10, 40), "{said:?}");
        shop.until("ten pieces are sold", || async { shop.stock("lamp").await == (0, 0) }).await;
        assert_eq!(shop.stripe.ledger().len(), 10);
        shop.close().await;
    }

    async fn a_shopper_who_changes_her_cart_is_not_blocked_by_her_own_reservation(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        guest.intent().await;
        assert_eq!(shop.stock("print").await, (1, 1));

        assert_eq!(guest.add("mug", 1).await.status, 200);

        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        assert_eq!(shop.stock("print").await, (0, 0));
        shop.close().await;
    }

    async fn the_last_piece_goes_to_the_first_who_asks_to_pay(shop: Shop) {
        let first = shop.guest_with_cart([("print", 1)]).await;
        let second = shop.guest_with_cart([("print", 1)]).await;
        let intent = first.intent().await;

        let reply = second.ask_intent().await;

        assert_eq!(reply.to_string(), "409 checkout.stockChanged");
        let line = &reply.details()["lines"][0];
        assert_eq!((&line["wanted"], &line["available"]), (&1.into(), &0.into()));
        first.confirm_at_stripe(&intent, Card::Good).await;
        first.until_order_is(&intent, "paid").await;
        shop.close().await;
    }

    async fn a_cart_with_one_line_too_many_reserves_nothing_of_the_others(shop: Shop) {
        let greedy = shop.guest_with_cart([("mug", 5), ("print", 1)]).await;
        let other = shop.guest_with_cart([("print", 1)]).await;
        other.intent().await;

        assert_eq!(greedy.ask_intent().await.to_string(), "409 checkout.stockChanged");

        assert_eq!(shop.stock("mug").await, (100, 0));
        shop.close().await;
    }

    async fn nobody_gets_the_last_piece_while_its_holder_changes_her_address(shop: Shop) {
        let ada = shop.guest_with_cart([("print", 1)]).await;
        let bob = shop.guest_with_cart([("print", 1)]).await;
        let old = ada.intent().await;
        // Stripe cancels at once and sends its event; its answer takes longer.
        let cancel = format!("/v1/payment_intents/{}/cancel", old.payment());
        let slow = FaultKind::SlowAfter(Duration::from_millis(1500));
        shop.stripe.inject(Fault::once(cancel, slow));
        let mut elsewhere = checkout_request();
        elsewhere["shippingAddress"]["city"] = json!("Hamburg");

        let changed = ada.post("/api/checkout/intent", elsewhere);
        let meanwhile = async {
            shop.until("stripe has cancelled", || async {
                shop.stripe.events().iter().any(|event| event.kind.ends_with("canceled"))
            })
            .await;
            shop.until("the event is in", || async { books::inbox(&shop.cx.store).await.len() > 1 })
                .await;
            shop.quiet().await;
            bob.ask_intent().await
        };
        let (changed, bobs) = futures::future::join(changed, meanwhile).await;

        assert_eq!(bobs.to_string(), "409 checkout.stockChanged");
        assert_eq!(changed.status, 200, "{changed}");
        ada.confirm_at_stripe(&changed.intent(), Card::Good).await;
        ada.until_order_is(&changed.intent(), "paid").await;
        shop.close().await;
    }
}
