//! What an order's history tells an operator. That every order's history begins with the order,
//! tells its end and every event once, and keeps quiet about the shopper, is compared at the end of
//! every story (`books.rs`).

use std::time::Duration;

use http::Method;
use server::flows::refund::{Wish, request};
use simulators::stripe::{Fault, FaultKind, RefundFailure, RefundOrder, RefundOutcome};
use storage::{StoreError, history};

use crate::{
    books,
    guest::{Card, Intent},
    shop::{Shop, stories},
};

const PAYING: &str = "DE89370400440532013000";
const FAILING: &str = "DE62370400440532013001";

/// The lines of an order, such as `till: Stripe is asked …`.
async fn history(shop: &Shop, order: &str) -> Vec<String> {
    let id = order.parse().unwrap();
    let read = shop.cx.store.read(id, |tx, id| Box::pin(history::of_order(tx, *id, 0, 1000)));
    let lines: Result<_, StoreError> = read.await;
    let told =
        |line: history::Line| format!("{}: {}", line.entry.actor.name(), line.entry.sentence);
    lines.unwrap().into_iter().map(told).collect()
}

/// The place of the one line that contains all of these words.
#[track_caller]
fn place(lines: &[String], words: &[&str]) -> usize {
    let found = |line: &&String| words.iter().all(|word| line.contains(word));
    assert_eq!(lines.iter().filter(found).count(), 1, "{words:?} in {lines:#?}");
    lines.iter().position(|line| found(&line)).unwrap()
}

fn count(lines: &[String], words: &str) -> usize {
    lines.iter().filter(|line| line.contains(words)).count()
}

/// Waits until the history has a line with these words.
async fn until_told(shop: &Shop, intent: &Intent, words: &str) {
    shop.until(words, || async { count(&history(shop, &intent.order).await, words) > 0 }).await;
}

stories! {
    async fn the_history_of_a_paid_order_tells_who_did_what_on_which_word(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1), ("sticker", 2)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        guest.until_order_is(&intent, "paid").await;
        shop.quiet().await;

        let lines = history(&shop, &intent.order).await;

        let payment = intent.payment();
        let made = "shopper: Ordered 1 x mug, 2 x sticker; 17.50 EUR in all. The pieces are set \
                    aside until 2";
        assert_eq!(place(&lines, &[made]), 0);
        let asked = "till: Stripe is asked for a payment of 17.50 EUR: attempt 1, key till:";
        assert_eq!(place(&lines, &[asked]), 1);
        let open = place(&lines, &["stripe: ", &format!("{payment} waits for the shopper.")]);
        let proof = shop.stripe.events().into_iter()
            .find(|event| event.kind == "payment_intent.succeeded").unwrap();
        let event = format!("stripe: Event {} (payment_intent.succeeded, ", proof.id);
        let paid = format!("): {payment} has brought 17.50 EUR. The order is paid; its pieces are");
        assert!(open < place(&lines, &[&event, &paid]));
        shop.close().await;
    }

    async fn look_ups_that_say_what_is_known_are_not_told(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        shop.quiet().await;
        let before = history(&shop, &intent.order).await;

        for _ in 0..10 {
            assert_eq!(guest.confirm(&intent).await.to_string(), "200 pending");
            assert_eq!(guest.intent().await, intent);
        }

        assert_eq!(history(&shop, &intent.order).await, before);
        shop.close().await;
    }

    async fn declines_and_authentication_are_told_with_the_banks_code(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::InsufficientFunds).await;
        guest.confirm(&intent).await;
        guest.confirm_at_stripe(&intent, Card::ThreeDSecure).await;
        guest.confirm(&intent).await;
        assert!(shop.stripe.authenticate(intent.payment(), true));
        guest.until_order_is(&intent, "paid").await;
        shop.quiet().await;

        let lines = history(&shop, &intent.order).await;

        let words = "was declined (insufficient_funds): \"Your card has insufficient funds.\"";
        let declined = place(&lines, &[words]);
        let asked = place(&lines, &["waits for the shopper to prove who she is (3-D Secure)"]);
        let paid = place(&lines, &["The order is paid"]);
        assert!(declined < asked && asked < paid, "{lines:#?}");
        shop.close().await;
    }

    async fn an_answer_that_was_lost_and_when_it_is_asked_for_again_are_told(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        shop.stripe.inject(Fault {
            times: 20, ..Fault::once("/v1/payment_intents", FaultKind::LoseBefore)
        });
        let refused = guest.ask_intent().await;
        assert_eq!(refused.to_string(), "503 payment.unknown");
        shop.stripe.clear_faults();
        shop.advance(Duration::from_secs(60));
        let intent = guest.intent().await;
        shop.quiet().await;

        let lines = history(&shop, &intent.order).await;

        let lost = place(&lines, &["till: Stripe did not answer", "asked again under the same key, at 2"]);
        assert!(lost < place(&lines, &["waits for the shopper."]));
        shop.close().await;
    }

    async fn an_expiry_is_told_with_its_reason(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        shop.advance(Duration::from_secs(31 * 60));
        guest.until_order_is(&intent, "cancelled").await;
        shop.quiet().await;

        let lines = history(&shop, &intent.order).await;

        let words = "Nobody paid in time, so Stripe was told to cancel; it answered: ";
        place(&lines, &[words, "The order is cancelled; its pieces are free again."]);
        shop.close().await;
    }

    async fn an_order_that_makes_room_for_another_says_so(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let older = guest.intent().await;
        guest.add("lamp", 1).await;
        let newer = guest.intent().await;
        shop.quiet().await;

        let lines = history(&shop, &older.order).await;

        let replaced = place(&lines, &["shopper: The cart or the details have changed"]);
        assert!(replaced < place(&lines, &["The order is cancelled"]), "{lines:#?}");
        place(&history(&shop, &newer.order).await, &["Ordered 1 x mug, 1 x lamp"]);
        shop.close().await;
    }

    async fn a_wait_for_days_is_told_once(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_debit(&intent, PAYING).await;
        guest.confirm(&intent).await;
        // A line in between would be followed by another one that says that the order waits.
        until_told(&shop, &intent, "(payment_intent.processing, ").await;
        shop.quiet().await;
        for _ in 0..5 {
            shop.advance(Duration::from_secs(24 * 60 * 60));
            shop.until("the worker has looked", || async {
                !books::is_overdue(&shop.cx.store, shop.cx.clock.now()).await
            }).await;
        }

        let lines = history(&shop, &intent.order).await;

        place(&lines, &["is under way; that may take days."]);
        place(&lines, &["till: The time to pay is over, but the payment is under way"]);
        shop.stripe.settle(intent.payment(), None);
        guest.until_order_is(&intent, "paid").await;
        shop.close().await;
    }

    async fn a_debit_that_failed_and_the_closing_of_its_payment_are_told(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_debit(&intent, FAILING).await;
        guest.confirm(&intent).await;
        shop.stripe.settle(intent.payment(), None);
        guest.until_order_is(&intent, "failed").await;
        shop.quiet().await;

        let lines = history(&shop, &intent.order).await;

        let words = "failed after it had been under way; Stripe is told to cancel it.";
        let closing = place(&lines, &[words]);
        assert!(closing < place(&lines, &["is closed for good. The order has failed; its pieces"]));
        shop.close().await;
    }

    async fn refunds_are_told_wherever_they_were_made_and_however_they_ended(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        guest.until_order_is(&intent, "paid").await;
        let note = Some("one cup broken".to_owned());
        let order = intent.order.parse().unwrap();
        request(&shop.cx, Wish { order, amount: None, note }).await.unwrap();
        guest.until_order_is(&intent, "refunded").await;
        let ours = shop.stripe.ledger()[0].refunds[0].id.clone();
        let failed = RefundOutcome::Failed(RefundFailure::Declined);
        assert!(shop.stripe.settle_refund(&ours, failed));
        guest.until_order_is(&intent, "paid").await;
        let part = RefundOrder { amount: Some(400), ..RefundOrder::default() };
        let theirs = shop.stripe.refund(intent.payment(), part).unwrap();
        until_told(&shop, &intent, &theirs).await;
        shop.quiet().await;

        let lines = history(&shop, &intent.order).await;

        let asked = "operator: 16.90 EUR are to be given back: \"one cup broken\". Stripe is asked";
        let asked = place(&lines, &[asked]);
        let sent = place(&lines, &[&format!("{ours} of 16.90 EUR has been sent.")]);
        let failed = place(&lines, &[&format!("{ours} of 16.90 EUR failed (declined)")]);
        let called = place(&lines, &["till: A person is called: A refund of 16.90 EUR did not"]);
        place(&lines, &[&format!("{theirs}, made at Stripe, of 4.00 EUR has been sent.")]);
        assert!(asked < sent && sent < failed && failed < called, "{lines:#?}");
        shop.close().await;
    }

    async fn work_that_is_tried_again_is_told_with_its_error_until_a_person_is_called(
        shop: Shop
    ) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        guest.until_order_is(&intent, "paid").await;
        let lost = Fault::once("/v1/refunds", FaultKind::LoseBefore);
        shop.stripe.inject(Fault { method: Some(Method::POST), times: 1000, ..lost });
        let order = intent.order.parse().unwrap();
        request(&shop.cx, Wish { order, amount: None, note: None }).await.unwrap();
        let tried = "Giving the money back did not work: the gateway has not answered yet. It is";
        until_told(&shop, &intent, tried).await;
        for tries in 2..=10 {
            shop.advance(Duration::from_secs(6 * 60));
            shop.until("it is tried again", || async {
                let lines = history(&shop, &intent.order).await;
                count(&lines, tried) >= tries || count(&lines, "A person is called") > 0
            }).await;
        }

        let lines = history(&shop, &intent.order).await;

        place(&lines, &["till: Stripe did not answer: 16.90 EUR may be on the way back or not."]);
        place(&lines, &["till: A person is called: It could not be worked off"]);
        assert!((2..9).contains(&count(&lines, tried)), "{lines:#?}");
        shop.stripe.clear_faults();
        shop.advance(Duration::from_secs(6 * 60));
        guest.until_order_is(&intent, "refunded").await;
        shop.close().await;
    }
}
