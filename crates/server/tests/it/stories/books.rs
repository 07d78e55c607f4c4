//! Our books beside Stripe's: what differs is found, and ended or put before a person.

use std::time::Duration;

use jiff::Timestamp;
use server::flows::{
    cancel_order::{Canceller, Wish, cancel_order},
    compare_books::{Finding, Hands, Period, Sums, Told, compare, compare_due},
};
use simulators::stripe::{DisputeOrder, Fault, FaultKind, Options, RefundOrder, RefundOutcome};
use storage::{StoreError, attention};

use crate::{
    books,
    guest::{Card, Guest, Intent},
    shop::{Shop, stories},
};

/// What is older does not move any more.
const SOME_TIME: Duration = Duration::from_secs(10 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What we write into a payment, and others too.
const ORDER: &str = "metadata[order_id]";
/// What only we write into a payment.
const PAYMENT: &str = "metadata[payment_id]";
const NOBODYS: &str = "0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00";

/// A mug and its sending: 16.90.
async fn paid(guest: &Guest<'_>) -> Intent {
    let intent = guest.intent().await;
    guest.confirm_at_stripe(&intent, Card::Good).await;
    assert_eq!(guest.confirm(&intent).await.to_string(), "200 paid");
    intent
}

/// Compares what was made on the story's first day, whatever time it is in the story by now.
async fn compared(shop: &Shop, hands: Hands) -> (Sums, Vec<Finding>) {
    let from = Timestamp::now() - 2 * HOUR;
    let period = Period { from, to: from + DAY };
    let mut found = Vec::new();
    let mut tell = |told: Told<'_>| {
        if let Told::Finding(finding) = told {
            found.push(finding.clone());
        }
    };
    let sums = compare(&shop.cx, period, hands, &mut tell).await.unwrap();
    (sums, found)
}

/// Differences and what became of them, such as `paid_there: mended`.
async fn found(shop: &Shop, hands: Hands) -> String {
    let (_, found) = compared(shop, hands).await;
    let mut words: Vec<_> = found
        .iter()
        .map(|one| format!("{}: {}", one.difference.name(), one.outcome.name()))
        .collect();
    words.sort();
    words.join(", ")
}

/// The sentences before a person.
async fn sentences(shop: &Shop) -> Vec<String> {
    let read = shop.cx.store.read((), |tx, ()| Box::pin(attention::open(tx, 100)));
    let items: Result<Vec<attention::Item>, StoreError> = read.await;
    items.unwrap().into_iter().map(|item| item.sentence).collect()
}

/// Somebody makes a payment at Stripe with the shop's own key, pays it, and writes this into it.
async fn pay_elsewhere(shop: &Shop, metadata: &[(&str, &str)]) -> String {
    let mut form = vec![
        ("amount", "700"),
        ("currency", "eur"),
        ("payment_method", "pm_card_visa"),
        ("confirm", "true"),
        ("automatic_payment_methods[enabled]", "true"),
        ("automatic_payment_methods[allow_redirects]", "never"),
    ];
    form.extend_from_slice(metadata);
    let url = format!("{}/v1/payment_intents", shop.stripe_url);
    let request = shop.http.post(url).bearer_auth(Options::default().secret_key).form(&form);
    let reply: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    reply["id"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
}

/// The command's exit code and what it prints, on either output.
async fn till(shop: &Shop, arguments: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_till"));
    let since = (Timestamp::now() - 2 * HOUR).to_string();
    command.args(arguments).args(["--since", &since]);
    command.current_dir(folder.path()).env_clear().envs(shop.settings());
    let output = command.output().await.unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), text)
}

stories! {
    async fn a_clean_shop_has_no_difference(shop: Shop) {
        shop.begin_earlier(HOUR);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.refund(
            intent.payment(), RefundOrder { amount: Some(400), ..RefundOrder::default() },
        ).unwrap();
        shop.until("the refund is here", || async {
            books::refunds(&shop.cx.store).await == "400 succeeded"
        }).await;
        let other = shop.guest_with_cart([("mug", 2)]).await;
        let waiting = other.intent().await;
        other.confirm_at_stripe(&waiting, Card::Declined).await;
        pay_elsewhere(&shop, &[]).await;
        shop.quiet().await;

        let (sums, differences) = compared(&shop, Hands::Mend).await;

        assert_eq!(differences, []);
        assert_eq!((sums.orders, sums.payments, sums.refunds, sums.foreign), (2, 2, 1, 1));
        let (code, text) = till(&shop, &["reconcile"]).await;
        assert_eq!(code, 0, "{text}");
        for line in [
            "Compared 2 orders here, 2 payments at Stripe and 1 refunds; 1 payments at Stripe are \
             not this shop's.",
            "EUR: received 16.90 here and 16.90 there, given back 4.00 here and 4.00 there.",
            "The books agree.",
        ] {
            assert!(text.contains(line), "{text}");
        }
        shop.close_apart(&["has no order"]).await;
    }

    async fn a_success_whose_event_was_overlooked_is_fetched_and_pays_the_order(shop: Shop) {
        let mut shop = shop;
        shop.begin_earlier(HOUR);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let cookie = guest.cookie();
        shop.rest().await;
        shop.stripe.drop_webhooks();
        Guest::returning(&shop, cookie.clone()).confirm_at_stripe(&intent, Card::Good).await;
        shop.advance(SOME_TIME);

        let (code, text) = till(&shop, &["reconcile", "--dry-run"]).await;
        assert_eq!(code, 1, "{text}");
        assert!(text.contains("1 differences, and nothing was changed"), "{text}");
        assert_eq!(shop.orders().await, "1 pending");

        let (code, text) = till(&shop, &["reconcile", "--json"]).await;
        assert_eq!(code, 0, "{text}");
        assert!(text.contains(r#""difference":"paid_there""#), "{text}");
        assert!(text.contains(r#""outcome":"mended""#), "{text}");
        assert_eq!(shop.orders().await, "1 paid");
        let (code, text) = till(&shop, &["reconcile"]).await;
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("The books agree."), "{text}");
        shop.start().await;
        // What the command wrote is due by its own clock.
        shop.advance(HOUR);
        shop.close().await;
    }

    async fn a_success_whose_event_stripe_has_forgotten_calls_a_person_once(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let cookie = guest.cookie();
        shop.rest().await;
        shop.stripe.drop_webhooks();
        Guest::returning(&shop, cookie.clone()).confirm_at_stripe(&intent, Card::Good).await;
        shop.advance(31 * DAY);

        assert_eq!(found(&shop, Hands::Still).await, "paid_there: not_touched");
        assert_eq!(books::items(&shop.cx.store).await, 0);
        assert_eq!(found(&shop, Hands::Mend).await, "paid_there: needs_person");
        shop.advance(SOME_TIME);
        assert_eq!(found(&shop, Hands::Mend).await, "paid_there: needs_person");

        let told = sentences(&shop).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("give the money back there"), "{told:?}");
        assert!(told[0].contains(intent.payment()), "{told:?}");
        assert_eq!(shop.orders().await, "1 pending", "no order becomes paid without its event");
        // The worker misses the event too.
        shop.expect_items(2);
        shop.start().await;
        shop.advance(SOME_TIME);
        shop.until("the event is overdue", || async { books::items(&shop.cx.store).await == 2 }).await;
        let by = Canceller::Operator { reason: None };
        let wish = Wish { order: intent.order.parse().unwrap(), by };
        let refused = cancel_order(&shop.cx, wish.clone()).await.unwrap_err().to_string();
        assert!(refused.contains("when all of the money has been given back"), "{refused}");

        // As the sentences say.
        shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();
        shop.advance(SOME_TIME);
        shop.until("the refund is here", || async {
            books::refunds(&shop.cx.store).await == "1690 succeeded"
        }).await;
        assert_eq!(shop.stock("mug").await, (100, 1));
        cancel_order(&shop.cx, wish.clone()).await.unwrap();
        cancel_order(&shop.cx, wish).await.unwrap();

        assert_eq!(shop.orders().await, "1 cancelled");
        assert_eq!(shop.stock("mug").await, (100, 0));
        let guest = Guest::returning(&shop, cookie);
        guest.add("mug", 1).await;
        assert_ne!(guest.intent().await.order, intent.order);
        shop.close().await;
    }

    async fn a_dispute_whose_events_stripe_has_forgotten_is_taken_in_and_calls_a_person(
        shop: Shop
    ) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.rest().await;
        shop.stripe.drop_webhooks();
        shop.stripe.dispute(intent.payment(), &DisputeOrder::default()).unwrap();
        shop.advance(31 * DAY);

        assert_eq!(found(&shop, Hands::Still).await, "dispute: not_touched");
        assert_eq!(found(&shop, Hands::Mend).await, "dispute: mended");
        assert_eq!(found(&shop, Hands::Mend).await, "");

        assert_eq!(books::compare_disputes(&shop.cx.store, &shop.stripe).await, [""; 0]);
        assert!(sentences(&shop).await[0].contains(intent.payment()));
        shop.start().await;
        shop.close().await;
    }

    async fn a_clock_that_was_ahead_once_does_not_end_the_comparison(shop: Shop) {
        let mut shop = shop;
        shop.rest().await;
        let (now, ahead) = (shop.cx.clock.now(), shop.cx.clock.now() + 300 * DAY);
        let write = shop.cx.store.write(ahead.to_string(), |tx, ahead| {
            Box::pin(storage::cursor::save(tx, "books", ahead))
        });
        let written: Result<(), StoreError> = write.await;
        written.unwrap();
        let told = super::refund::till(&shop, &["doctor"]).await;
        assert!(told.contains("a time that is still to come"), "{told}");

        assert!(compare_due(&shop.cx).await.unwrap().is_some());

        let since = compares_since(&shop).await.unwrap();
        assert!(now <= since && since < now + DAY, "{since}");
        assert_eq!(compare_due(&shop.cx).await.unwrap(), None, "once a day");
        let told = super::refund::till(&shop, &["doctor"]).await;
        assert!(told.contains("they were compared with Stripe's "), "{told}");
        shop.start().await;
        shop.close().await;
    }

    async fn a_refund_whose_events_stripe_has_forgotten_is_taken_in(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.rest().await;
        shop.stripe.drop_webhooks();
        let part = RefundOrder { amount: Some(400), ..RefundOrder::default() };
        shop.stripe.refund(intent.payment(), part).unwrap();
        shop.advance(31 * DAY);

        assert_eq!(found(&shop, Hands::Still).await, "refund_not_here: not_touched");
        assert_eq!(found(&shop, Hands::Mend).await, "refund_not_here: mended");
        assert_eq!(found(&shop, Hands::Mend).await, "");

        assert_eq!(books::refunds(&shop.cx.store).await, "400 succeeded");
        shop.start().await;
        shop.close().await;
    }

    async fn a_refund_of_a_second_payment_whose_events_stripe_has_forgotten_is_taken_in(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.rest().await;
        shop.stripe.drop_webhooks();
        let second = pay_elsewhere(&shop, &[(ORDER, &intent.order)]).await;
        shop.stripe.refund(&second, RefundOrder::default()).unwrap();
        shop.advance(31 * DAY);

        assert_eq!(found(&shop, Hands::Still).await, "refund_not_here: not_touched");
        assert_eq!(found(&shop, Hands::Mend).await, "refund_not_here: mended");
        assert_eq!(found(&shop, Hands::Mend).await, "");

        assert_eq!(books::refunds(&shop.cx.store).await, "700 succeeded");
        shop.start().await;
        shop.close().await;
    }

    async fn a_refund_that_was_stopped_unheard_is_taken_in(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let refund = shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();
        guest.until_order_is(&intent, "refunded").await;
        shop.rest().await;
        shop.stripe.drop_webhooks();
        assert!(shop.stripe.settle_refund(&refund, RefundOutcome::Canceled));
        shop.advance(31 * DAY);

        assert_eq!(found(&shop, Hands::Mend).await, "refund_state: mended");
        assert_eq!(found(&shop, Hands::Mend).await, "");
        assert_eq!(books::refunds(&shop.cx.store).await, "1690 cancelled");
        shop.start().await;
        shop.close().await;
    }

    async fn a_payment_that_was_cancelled_unheard_ends_its_order(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        shop.rest().await;
        shop.stripe.drop_webhooks();
        assert!(shop.stripe.cancel(intent.payment(), None));
        shop.advance(SOME_TIME);

        assert_eq!(found(&shop, Hands::Mend).await, "cancelled_there: mended");

        assert_eq!(shop.orders().await, "1 cancelled");
        assert_eq!(shop.stock("mug").await, (100, 0));
        shop.start().await;
        shop.close().await;
    }

    async fn a_payment_that_outlived_its_order_is_cancelled_at_stripe(shop: Shop) {
        let mut shop = shop;
        shop.stripe.hold_webhooks();
        // Stripe makes the payment, and nobody hears of it.
        let lost = Fault::once("/v1/payment_intents", FaultKind::LoseAfter);
        shop.stripe.inject(Fault { times: 1000, ..lost });
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        assert_eq!(guest.ask_intent().await.status, 503);
        shop.advance(Duration::from_secs(31 * 60));
        shop.until("the order is given up", || async { shop.orders().await == "1 cancelled" }).await;
        shop.rest().await;
        shop.stripe.clear_faults();
        shop.stripe.drop_webhooks();
        shop.advance(SOME_TIME);

        assert_eq!(found(&shop, Hands::Still).await, "payable_there: not_touched");
        assert_eq!(found(&shop, Hands::Mend).await, "payable_there: mended");
        assert_eq!(found(&shop, Hands::Mend).await, "");

        assert_eq!(shop.stripe.ledger()[0].status, "canceled");
        shop.start().await;
        shop.close().await;
    }

    async fn payments_that_name_our_orders_and_are_not_ours_call_a_person(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(2);
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.rest().await;
        let unknown = pay_elsewhere(&shop, &[(ORDER, NOBODYS), (PAYMENT, NOBODYS)]).await;
        let second = pay_elsewhere(&shop, &[(ORDER, &intent.order)]).await;
        shop.advance(31 * DAY);

        let all = "no_order_here: needs_person, second_payment: needs_person";
        assert_eq!(found(&shop, Hands::Mend).await, all);
        assert_eq!(found(&shop, Hands::Mend).await, all);

        let told = sentences(&shop).await.join("\n");
        assert!(told.contains(&unknown) && told.contains(&second), "{told}");
        let (sums, _) = compared(&shop, Hands::Still).await;
        let eur = sums.money["EUR"];
        assert_eq!((eur.received_here.minor(), eur.received_there.minor()), (1690, 1690 + 1400));
        // What has gone back is settled.
        shop.stripe.refund(&second, RefundOrder::default()).unwrap();
        assert_eq!(found(&shop, Hands::Mend).await, "no_order_here: needs_person");
        shop.start().await;
        shop.close_apart(&["has no order", "at Stripe", "at Stripe"]).await;
    }

    async fn what_another_shop_on_the_account_is_paid_is_its_own_and_a_free_order_takes_no_money(
        shop: Shop
    ) {
        let mut shop = shop;
        shop.expect_items(1);
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("gift", 1)]).await;
        let made = guest.ask_intent().await;
        let free = made.body["orderId"].as_str().unwrap().to_owned();
        shop.rest().await;
        pay_elsewhere(&shop, &[(ORDER, NOBODYS)]).await;
        let stray = pay_elsewhere(&shop, &[(ORDER, &free)]).await;
        shop.advance(31 * DAY);

        assert_eq!(found(&shop, Hands::Mend).await, "nothing_to_pay: needs_person");

        let (sums, _) = compared(&shop, Hands::Still).await;
        assert_eq!(sums.foreign, 1);
        let told = sentences(&shop).await.join("\n");
        assert!(told.contains(&stray) && told.contains(&free), "{told}");
        assert!(told.contains("for which nothing was to be paid"), "{told}");
        shop.start().await;
        shop.close_apart(&["has no order", "has no order"]).await;
    }

    async fn money_of_another_amount_is_found_and_calls_a_person(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        assert!(shop.stripe.falsify_amount_received(intent.payment(), 1500));
        shop.rest().await;
        shop.advance(SOME_TIME);

        assert_eq!(found(&shop, Hands::Mend).await, "amount: needs_person");

        let told = sentences(&shop).await;
        assert!(told[0].contains("another amount"), "{told:?}");
        shop.start().await;
        shop.close_apart(&["another amount"]).await;
    }

    async fn what_our_books_have_and_stripes_do_not_calls_a_person(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();
        guest.until_order_is(&intent, "refunded").await;
        shop.quiet().await;
        shop.rest().await;
        shop.advance(SOME_TIME);
        // All that Stripe knew is gone, as when the test data of an account are deleted.
        shop.stripe.reset();

        let all = "paid_here: needs_person, refund_not_there: needs_person";
        assert_eq!(found(&shop, Hands::Mend).await, all);

        let (sums, _) = compared(&shop, Hands::Still).await;
        assert_eq!((sums.orders, sums.payments, sums.refunds), (1, 0, 1));
        shop.expect_items(2);
        shop.start().await;
        shop.close_apart(&["paid without an event", "1 refunds here, 0 at Stripe"]).await;
    }

    async fn what_still_moves_is_no_difference_for_a_person(shop: Shop) {
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        shop.stripe.inject(Fault { times: 1000, ..Fault::once("/v1/events", FaultKind::LoseBefore) });
        guest.confirm_at_stripe(&intent, Card::Good).await;

        assert_eq!(found(&shop, Hands::Mend).await, "paid_there: under_way");

        shop.stripe.clear_faults();
        // The poller is called.
        shop.advance(Duration::from_secs(1));
        guest.until_order_is(&intent, "paid").await;
        assert_eq!(found(&shop, Hands::Mend).await, "");
        shop.close().await;
    }

    async fn the_worker_compares_books_daily_and_after_an_outage_longer_than_events_are_kept(
        shop: Shop
    ) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        // The first look only notes where to begin.
        shop.until("the worker has looked", || async { compares_since(&shop).await.is_some() }).await;
        shop.rest().await;
        shop.stripe.drop_webhooks();
        shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();
        shop.advance(31 * DAY);

        shop.start().await;

        shop.until("the refund is taken in", || async {
            books::refunds(&shop.cx.store).await == "1690 succeeded"
        }).await;
        let now = shop.cx.clock.now();
        shop.until("the worker has compared all of it", || async {
            compares_since(&shop).await.is_some_and(|until| until > now - DAY)
        }).await;
        assert_eq!(compare_due(&shop.cx).await.unwrap(), None, "once a day");
        shop.close().await;
    }

    async fn a_comparison_that_is_killed_half_way_is_done_again(shop: Shop) {
        let mut shop = shop;
        shop.begin_earlier(HOUR);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.rest().await;
        shop.stripe.drop_webhooks();
        let part = RefundOrder { amount: Some(400), ..RefundOrder::default() };
        shop.stripe.refund(intent.payment(), part).unwrap();
        shop.advance(SOME_TIME);
        let slow = FaultKind::SlowAfter(Duration::from_secs(60));
        shop.stripe.inject(Fault::once("/v1/refunds", slow));
        let folder = tempfile::tempdir().unwrap();
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_till"));
        command.arg("reconcile").current_dir(folder.path()).env_clear().envs(shop.settings());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut running = command.spawn().unwrap();
        let faults = format!("{}/_sim/faults", shop.stripe_url);
        shop.until("it asks for refunds", || async {
            shop.http.get(&faults).send().await.unwrap().text().await.unwrap() == "[]"
        }).await;
        running.kill().await.unwrap();

        let (code, text) = till(&shop, &["reconcile"]).await;
        assert_eq!(code, 0, "{text}");
        assert_eq!(books::refunds(&shop.cx.store).await, "400 succeeded");
        assert_eq!(found(&shop, Hands::Still).await, "");
        shop.start().await;
        // What the command wrote is due by its own clock.
        shop.advance(HOUR);
        shop.close().await;
    }
}

/// Where the worker's comparison stands.
async fn compares_since(shop: &Shop) -> Option<Timestamp> {
    let read = shop.cx.store.read((), |tx, ()| Box::pin(storage::cursor::load(tx, "books")));
    let read: Result<Option<String>, StoreError> = read.await;
    read.unwrap().map(|text| text.parse().unwrap())
}
