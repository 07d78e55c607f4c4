//! What happens by itself, when nobody asks any more.

use std::time::Duration;

use server::flows::call_person::resolve;
use simulators::stripe::{Fault, FaultKind};
use storage::{StoreError, attention};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::refund::{A_WHILE, fail, give_back, paid, until_refunds};
use crate::{
    books,
    guest::{Card, Guest},
    shop::stories,
};

/// Longer than a pending order keeps its stock.
const TOO_LONG: Duration = Duration::from_secs(31 * 60);

stories! {
    async fn work_that_is_stuck_again_opens_the_item_that_was_closed(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1, FaultKind::Status(403));
        fail(&shop, 1000, FaultKind::LoseBefore);
        give_back(&shop, &intent, None).await.unwrap();
        shop.until("a person is called", || async { books::items(&shop.cx.store).await == 1 }).await;
        let open = || async {
            let read = shop.cx.store.read((), |tx, ()| Box::pin(attention::open(tx, 100)));
            let open: Result<Vec<attention::Item>, StoreError> = read.await;
            open.unwrap().pop()
        };
        let first = open().await.unwrap();
        let now = shop.cx.clock.now();
        assert_eq!(resolve(&shop.cx.store, first.id, None, now).await.unwrap(), Some(true));
        assert_eq!(books::items(&shop.cx.store).await, 0);

        shop.until("it is open again", || async {
            shop.advance(A_WHILE);
            books::items(&shop.cx.store).await == 1
        }).await;

        let again = open().await.unwrap();
        assert_eq!((again.id, again.kind.as_str()), (first.id, "effect_stuck"));
        assert!(!again.sentence.contains("403"), "{}", again.sentence);
        shop.stripe.clear_faults();
        shop.advance(Duration::from_secs(10 * 60));
        until_refunds(&shop, "1690 succeeded").await;
        shop.close().await;
    }

    async fn an_order_that_nobody_pays_is_cancelled_at_stripe_and_then_releases_its_stock(
        shop: Shop
    ) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;

        shop.advance(TOO_LONG);

        guest.until_order_is(&intent, "cancelled").await;
        assert_eq!(shop.stripe.ledger()[0].status, "canceled");
        assert_eq!(shop.stock("print").await, (1, 0));
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        shop.close().await;
    }

    async fn stock_stays_reserved_while_stripe_cannot_say_that_the_payment_is_cancelled(
        shop: Shop
    ) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;
        shop.quiet().await;
        // First Stripe answers nothing, then only how the payment stands.
        for unanswered in ["/v1/payment_intents/", "/cancel"] {
            shop.stripe.clear_faults();
            let fault = Fault::once(unanswered, FaultKind::LoseBefore);
            shop.stripe.inject(Fault { times: 1000, ..fault });

            shop.advance(TOO_LONG);
            shop.until("the worker has looked", || async {
                !crate::books::is_overdue(&shop.cx.store, shop.cx.clock.now()).await
            })
            .await;

            assert_eq!(guest.order(&intent).await.to_string(), "200 pending");
            assert_eq!(shop.stock("print").await, (1, 1));
        }
        shop.stripe.clear_faults();
        shop.advance(TOO_LONG);
        guest.until_order_is(&intent, "cancelled").await;
        shop.close().await;
    }

    async fn a_payment_that_succeeded_just_before_the_end_is_settled_and_not_cancelled(
        shop: Shop
    ) {
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;

        shop.advance(TOO_LONG);

        guest.until_order_is(&intent, "paid").await;
        shop.close().await;
    }

    async fn a_debit_under_way_keeps_its_order_for_days(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_debit(&intent, "DE89370400440532013000").await;
        guest.confirm(&intent).await;

        for _ in 0..5 {
            shop.advance(Duration::from_secs(24 * 60 * 60));
            shop.until("the worker has looked", || async {
                !crate::books::is_overdue(&shop.cx.store, shop.cx.clock.now()).await
            }).await;
        }

        assert_eq!(guest.order(&intent).await.to_string(), "200 pending");
        assert_eq!(shop.stock("print").await, (1, 1));
        shop.stripe.settle(intent.payment(), None);
        guest.until_order_is(&intent, "paid").await;
        shop.close().await;
    }

    async fn an_authentication_that_is_never_finished_expires(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::ThreeDSecure).await;
        guest.confirm(&intent).await;

        shop.advance(TOO_LONG);

        guest.until_order_is(&intent, "cancelled").await;
        assert!(!shop.stripe.authenticate(intent.payment(), true));
        shop.close().await;
    }

    async fn a_payment_whose_answer_was_lost_is_asked_for_again_by_the_worker(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.inject(Fault {
            times: 20, ..Fault::once("/v1/payment_intents", FaultKind::LoseBefore)
        });
        assert_eq!(guest.ask_intent().await.to_string(), "503 payment.unknown");
        shop.stripe.clear_faults();

        shop.advance(Duration::from_secs(60));
        shop.until("the payment is made", || async { shop.stripe.ledger().len() == 1 }).await;

        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        assert_eq!(shop.stripe.ledger().len(), 1);
        shop.close().await;
    }

    async fn an_order_that_stripe_never_heard_of_is_given_up_and_releases_its_stock(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        shop.stripe.inject(Fault {
            times: 1000, ..Fault::once("/v1/payment_intents", FaultKind::LoseBefore)
        });
        assert_eq!(guest.ask_intent().await.to_string(), "503 payment.unknown");

        shop.advance(TOO_LONG);

        shop.until("the order is given up", || async {
            shop.orders().await == "1 cancelled"
        }).await;
        assert_eq!(shop.stock("print").await, (1, 0));
        shop.stripe.clear_faults();
        shop.close().await;
    }

    async fn a_server_that_was_stopped_goes_on_where_it_was(shop: Shop) {
        let mut shop = shop;
        shop.stripe.hold_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        shop.restart_with([]).await;

        shop.stripe.release_webhooks();

        shop.until("the order is paid", || async { shop.orders().await == "1 paid" }).await;
        shop.close().await;
    }

    async fn a_server_killed_while_it_asks_for_a_payment_asks_again_under_the_same_key(
        shop: Shop
    ) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.inject(Fault::once(
            "/v1/payment_intents", FaultKind::SlowAfter(Duration::from_secs(20)),
        ));
        let asked = tokio::time::timeout(Duration::from_secs(5), async {
            let made = shop.until("the payment is made", || async {
                shop.stripe.ledger().len() == 1
            });
            tokio::join!(made, async {
                let _never = tokio::time::timeout(
                    Duration::from_secs(1), guest.ask_intent(),
                ).await;
            });
        });
        asked.await.unwrap();
        let cookie = guest.cookie();
        shop.kill();

        shop.start().await;

        let guest = Guest::returning(&shop, cookie);
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        assert_eq!(shop.stripe.ledger().len(), 1);
        shop.close().await;
    }

    async fn a_server_killed_between_the_charge_and_the_event_finds_both(shop: Shop) {
        let mut shop = shop;
        shop.stripe.hold_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        shop.kill();

        shop.start().await;
        shop.stripe.release_webhooks();

        shop.until("the order is paid", || async { shop.orders().await == "1 paid" }).await;
        assert_eq!(shop.stock("mug").await, (99, 0));
        shop.close().await;
    }

    async fn an_event_that_was_taken_is_there_although_the_server_dies_at_once(shop: Shop) {
        let mut shop = shop;
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        let events = shop.stripe.events();
        let paid = events.iter().find(|event| event.kind == "payment_intent.succeeded").unwrap();

        assert_eq!(shop.stripe.repeat_event(&paid.id, 1).await, [Ok(200)]);
        shop.kill();

        let kept = crate::books::inbox(&shop.cx.store).await;
        assert!(kept.iter().any(|(kind, _)| kind == "payment_intent.succeeded"), "{kept:?}");
        // What the dead server had in hand is free again when its lease has ended.
        shop.advance(Duration::from_secs(61));
        shop.start().await;
        shop.until("the order is paid", || async { shop.orders().await == "1 paid" }).await;
        assert_eq!(shop.stock("mug").await, (99, 0));
        shop.close().await;
    }

    async fn a_payment_that_was_asked_for_longer_ago_than_a_key_lives_is_looked_up(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.inject(Fault::once("/v1/payment_intents", FaultKind::LoseAfter));
        shop.stripe.inject(Fault {
            times: 1000, ..Fault::once("/v1/payment_intents", FaultKind::LoseBefore)
        });
        assert_eq!(guest.ask_intent().await.to_string(), "503 payment.unknown");
        shop.kill();
        shop.stripe.clear_faults();
        shop.advance(Duration::from_secs(25 * 60 * 60));

        shop.start().await;

        shop.until("the order is over", || async { shop.orders().await == "1 cancelled" }).await;
        let ledger = shop.stripe.ledger();
        assert_eq!((ledger.len(), ledger[0].status), (1, "canceled"));
        assert_eq!(shop.stock("mug").await, (100, 0));
        shop.close().await;
    }

    async fn a_server_stops_although_a_client_never_finishes_its_request(shop: Shop) {
        let address = shop.url.trim_start_matches("http://");
        let mut slow = tokio::net::TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").await.unwrap();

        shop.close().await;

        // Hung up by now, or as soon as it is read: nothing is answered.
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), slow.read_to_end(&mut answer)).await;
        assert!(read.is_ok());
    }
}
