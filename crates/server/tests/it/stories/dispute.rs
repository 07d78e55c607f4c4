//! Shoppers who tell their banks that a payment is not right, and banks that take the money back.

use simulators::stripe::{
    DisputeOrder, DisputeOutcome, Fault, FaultKind, RefundCourse, RefundOrder,
};
use storage::{StoreError, attention};

use super::refund::{A_WHILE, give_back, paid, till, until_refunds};
use crate::{
    books,
    guest::{Card, Intent},
    shop::{Shop, stories},
};

/// She disputes cents of the payment, or all of it. Returns Stripe's id of the dispute.
fn dispute(shop: &Shop, intent: &Intent, cents: Option<i64>) -> String {
    let order = DisputeOrder { amount: cents, ..DisputeOrder::default() };
    shop.stripe.dispute(intent.payment(), &order).unwrap()
}

/// Her bank asks about the payment.
fn inquire(shop: &Shop, intent: &Intent) -> String {
    let order = DisputeOrder { inquiry: true, ..DisputeOrder::default() };
    shop.stripe.dispute(intent.payment(), &order).unwrap()
}

/// Waits until our books and Stripe's have these disputes, such as `1690 needs_response`.
async fn until_disputes(shop: &Shop, expected: &str) {
    shop.until(&format!("the disputes are {expected}"), || async {
        books::disputes(&shop.cx.store).await == expected
            && books::compare_disputes(&shop.cx.store, &shop.stripe).await.is_empty()
    })
    .await;
}

/// What waits for a person, oldest first: kind and sentence.
async fn items(shop: &Shop) -> Vec<(String, String)> {
    shop.quiet().await;
    let read = shop.cx.store.read((), |tx, ()| Box::pin(attention::open(tx, 100)));
    let items: Result<Vec<attention::Item>, StoreError> = read.await;
    items.unwrap().into_iter().map(|item| (item.kind, item.sentence)).collect()
}

async fn kinds(shop: &Shop) -> Vec<String> {
    items(shop).await.into_iter().map(|(kind, _)| kind).collect()
}

stories! {
    async fn a_dispute_is_recorded_beside_the_order_and_calls_a_person(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        guest.order(&intent).await.says(r#""disputed":false"#);

        let id = dispute(&shop, &intent, None);

        until_disputes(&shop, "1690 needs_response").await;
        let order = guest.order(&intent).await;
        assert_eq!(order.to_string(), "200 paid");
        order.says(r#""disputed":true"#);
        let (kind, sentence) = items(&shop).await.remove(0);
        assert_eq!(kind, "dispute_needs_response");
        let payment = intent.payment();
        let what = format!("The shopper disputes 16.90 EUR of {payment} ({id}, fraudulent), and");
        assert!(sentence.starts_with(&what), "{sentence}");
        assert!(sentence.contains("Send evidence at Stripe by 20"), "{sentence}");
        let shown = till(&shop, &["orders", "show", &intent.order]).await;
        assert!(shown.contains(&format!("dispute  {id}  needs_response  16.90 EUR")), "{shown}");
        shop.close().await;
    }

    async fn a_dispute_is_found_although_every_webhook_is_lost(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;

        dispute(&shop, &intent, None);
        shop.advance(A_WHILE);

        until_disputes(&shop, "1690 needs_response").await;
        shop.close().await;
    }

    async fn a_key_that_may_not_read_disputes_calls_a_person_who_can_mend_it(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let forbidden = Fault::once("/v1/disputes", FaultKind::Status(403));
        shop.stripe.inject(Fault { times: 1000, ..forbidden });

        let id = dispute(&shop, &intent, None);

        shop.until("a person is called", || async { books::items(&shop.cx.store).await > 0 }).await;
        let read = shop.cx.store.read((), |tx, ()| Box::pin(attention::open(tx, 100)));
        let open: Result<Vec<attention::Item>, StoreError> = read.await;
        let item = open.unwrap().remove(0);
        assert_eq!(item.order.map(|order| order.to_string()), Some(intent.order.clone()));
        for words in [id.as_str(), "\"Disputes: Read\""] {
            assert!(item.sentence.contains(words), "{words}: {}", item.sentence);
        }
        shop.stripe.clear_faults();
        shop.advance(A_WHILE);
        until_disputes(&shop, "1690 needs_response").await;
        let kinds = kinds(&shop).await;
        let stuck = kinds.iter().filter(|kind| *kind == "event_stuck").count();
        assert!(kinds.contains(&"dispute_needs_response".to_owned()), "{kinds:?}");
        shop.expect_items(stuck as i64 + 1);
        shop.close().await;
    }

    async fn a_payment_whose_money_a_bank_has_is_not_given_back(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let id = dispute(&shop, &intent, Some(400));
        until_disputes(&shop, "400 needs_response").await;

        let refused = give_back(&shop, &intent, None).await.unwrap_err().to_string();
        assert!(refused.contains(&format!("because of a dispute ({id})")), "{refused}");
        assert!(shop.stripe.decide_dispute(&id, DisputeOutcome::Lost));
        until_disputes(&shop, "400 lost").await;
        assert!(give_back(&shop, &intent, Some(1)).await.is_err());

        guest.order(&intent).await.says(r#""disputed":true"#);
        assert_eq!(kinds(&shop).await, ["dispute_needs_response", "dispute_lost"]);
        until_refunds(&shop, "").await;
        shop.close().await;
    }

    async fn a_dispute_that_is_won_lets_the_money_be_given_back_again(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let id = dispute(&shop, &intent, None);
        until_disputes(&shop, "1690 needs_response").await;

        assert!(shop.stripe.decide_dispute(&id, DisputeOutcome::Won));

        until_disputes(&shop, "1690 won").await;
        guest.order(&intent).await.says(r#""disputed":false"#);
        assert_eq!(kinds(&shop).await, ["dispute_needs_response", "dispute_won"]);
        give_back(&shop, &intent, None).await.unwrap();
        until_refunds(&shop, "1690 succeeded").await;
        shop.close().await;
    }

    async fn a_question_of_a_bank_is_ended_by_giving_everything_back(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        inquire(&shop, &intent);
        until_disputes(&shop, "1690 inquiry").await;
        guest.order(&intent).await.says(r#""disputed":false"#);

        give_back(&shop, &intent, None).await.unwrap();

        until_refunds(&shop, "1690 succeeded").await;
        until_disputes(&shop, "1690 inquiry_closed").await;
        assert_eq!(kinds(&shop).await, ["dispute_inquiry"]);
        shop.close().await;
    }

    async fn a_question_of_a_bank_that_becomes_a_dispute_calls_a_person_again(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let id = inquire(&shop, &intent);
        until_disputes(&shop, "1690 inquiry").await;

        assert!(shop.stripe.escalate_dispute(&id));

        until_disputes(&shop, "1690 needs_response").await;
        assert_eq!(kinds(&shop).await, ["dispute_inquiry", "dispute_needs_response"]);
        assert!(give_back(&shop, &intent, None).await.is_err());
        shop.close().await;
    }

    async fn money_that_a_network_returns_before_a_dispute_is_gone(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let id = inquire(&shop, &intent);
        until_disputes(&shop, "1690 inquiry").await;

        assert!(shop.stripe.decide_dispute(&id, DisputeOutcome::Prevented));

        until_disputes(&shop, "1690 prevented").await;
        assert_eq!(kinds(&shop).await, ["dispute_inquiry", "dispute_prevented"]);
        assert!(give_back(&shop, &intent, None).await.is_err());
        shop.close().await;
    }

    async fn several_disputes_of_one_payment_are_all_recorded(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(3);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let first = dispute(&shop, &intent, Some(400));
        dispute(&shop, &intent, Some(290));
        assert!(shop.stripe.decide_dispute(&first, DisputeOutcome::Won));

        shop.until("both are there", || async {
            let disputes = books::disputes(&shop.cx.store).await;
            disputes == "400 won, 290 needs_response" || disputes == "290 needs_response, 400 won"
        }).await;
        // One that still has the money is enough.
        assert!(give_back(&shop, &intent, None).await.is_err());
        shop.quiet().await;
        if kinds(&shop).await.len() == 2 {
            // The second look at the first was fast enough to find it won already.
            shop.expect_items(2);
        }
        shop.close().await;
    }

    async fn events_of_disputes_ten_times_and_backwards_leave_the_same_books(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.hold_webhooks();
        let id = inquire(&shop, &intent);
        assert!(shop.stripe.escalate_dispute(&id));
        assert!(shop.stripe.decide_dispute(&id, DisputeOutcome::Lost));

        shop.stripe.release_webhooks_reversed();
        until_disputes(&shop, "1690 lost").await;
        for event in shop.stripe.events() {
            shop.stripe.repeat_event(&event.id, 10).await;
            shop.stripe.duplicate_event(&event.id).unwrap();
        }
        shop.stripe.repeat_all_reversed().await;

        shop.quiet().await;
        until_disputes(&shop, "1690 lost").await;
        let kinds = kinds(&shop).await;
        assert_eq!(kinds, ["dispute_lost"], "each was read as it stood in the end");
        shop.expect_items(1);
        shop.close().await;
    }

    async fn a_refund_that_stripe_refuses_for_a_dispute_brings_the_dispute_into_our_books(
        shop: Shop
    ) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        // Nobody has told us yet.
        shop.stripe.hold_webhooks();
        dispute(&shop, &intent, None);

        give_back(&shop, &intent, None).await.unwrap();

        until_refunds(&shop, "1690 refused").await;
        until_disputes(&shop, "1690 needs_response").await;
        assert!(give_back(&shop, &intent, None).await.is_err());
        shop.stripe.release_webhooks();
        shop.quiet().await;
        let mut kinds = kinds(&shop).await;
        kinds.sort();
        assert_eq!(kinds, ["dispute_needs_response", "refund_refused"]);
        shop.close().await;
    }

    async fn a_refund_under_way_that_a_dispute_overtakes_fails_and_is_not_made_again(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.order_refund_course(RefundCourse::InsufficientFunds);
        give_back(&shop, &intent, None).await.unwrap();
        until_refunds(&shop, "1690 pending").await;

        dispute(&shop, &intent, None);

        until_disputes(&shop, "1690 needs_response").await;
        until_refunds(&shop, "1690 failed").await;
        guest.until_order_is(&intent, "paid").await;
        assert!(give_back(&shop, &intent, None).await.is_err());
        shop.close().await;
    }

    async fn a_disputed_debit_is_lost_at_once(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_debit(&intent, "DE89370400440532013000").await;
        assert!(shop.stripe.settle(intent.payment(), None));
        guest.until_order_is(&intent, "paid").await;

        dispute(&shop, &intent, None);

        until_disputes(&shop, "1690 lost").await;
        let (kind, sentence) = items(&shop).await.remove(0);
        assert_eq!(kind, "dispute_lost");
        assert!(sentence.contains("debit_not_authorized) is lost"), "{sentence}");
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn a_dispute_of_a_payment_of_another_shop_is_marked_as_foreign(shop: Shop) {
        let url = format!("{}/v1/payment_intents", shop.stripe_url);
        let form = [
            ("amount", "500"), ("currency", "eur"), ("confirm", "true"),
            ("payment_method", "pm_card_createDispute"),
            ("automatic_payment_methods[enabled]", "true"),
            ("automatic_payment_methods[allow_redirects]", "never"),
        ];
        let key = simulators::stripe::Options::default().secret_key;
        let request = shop.http.post(url).bearer_auth(key).form(&form);
        assert_eq!(request.send().await.unwrap().status(), 200);

        shop.until("its dispute was heard of", || async {
            books::inbox(&shop.cx.store).await.iter().any(|(kind, outcome)| {
                kind == "charge.dispute.created" && outcome == "foreign"
            })
        }).await;
        assert_eq!(books::disputes(&shop.cx.store).await, "");
        shop.close_apart(&["has no order", "at Stripe", "0 disputes here, 1 at Stripe"]).await;
    }

    async fn an_early_fraud_warning_asks_a_person_whether_to_give_the_money_back(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::ReportedAsFraud).await;
        guest.until_order_is(&intent, "paid").await;

        shop.until("the person is called", || async {
            books::items(&shop.cx.store).await == 1
        }).await;

        let (kind, sentence) = items(&shop).await.remove(0);
        assert_eq!(kind, "fraud_warning");
        let command = format!("till orders refund {}", intent.order);
        assert!(sentence.ends_with(&command), "{sentence}");
        shop.close().await;
    }

    async fn a_fraud_warning_after_the_money_went_back_calls_nobody(shop: Shop) {
        shop.stripe.hold_webhooks_of(&["radar.early_fraud_warning.created"]);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_at_stripe(&intent, Card::ReportedAsFraud).await;
        guest.until_order_is(&intent, "paid").await;
        shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();
        guest.until_order_is(&intent, "refunded").await;

        shop.stripe.release_webhooks();

        shop.until("the warning was heard of", || async {
            let inbox = books::inbox(&shop.cx.store).await;
            inbox.iter().any(|(kind, outcome)| {
                kind == "radar.early_fraud_warning.created" && outcome == "applied"
            })
        }).await;
        shop.close().await;
    }
}
