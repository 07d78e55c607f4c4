//! Money that goes back: asked for here, made at Stripe, lost on the way, or come too late.

use std::time::{Duration, Instant};

use domain::money::Money;
use http::Method;
use server::flows::refund::{RequestError, Wish, request};
use simulators::stripe::{
    Fault, FaultKind, Options, RefundCourse, RefundFailure, RefundOrder, RefundOutcome,
};

use super::catalogue::NOBODYS;
use crate::{
    books,
    database::{Held, On},
    guest::{Card, Guest, Intent},
    lost_commit,
    shop::{Shop, stories, tell},
};

/// Longer than the claim of a worker that died, and than it waits before it asks again.
pub const A_WHILE: Duration = Duration::from_secs(2 * 60);

/// A mug and its sending: 16.90.
pub async fn paid(guest: &Guest<'_>) -> Intent {
    let intent = guest.intent().await;
    guest.confirm_at_stripe(&intent, Card::Good).await;
    assert_eq!(guest.confirm(&intent).await.to_string(), "200 paid");
    intent
}

/// The operator asks for cents, or for all that is left.
pub async fn give_back(
    shop: &Shop,
    intent: &Intent,
    cents: Option<i64>,
) -> Result<(), RequestError> {
    let amount = cents.map(|cents| Money::new(cents, "EUR".parse().unwrap()).unwrap());
    let wish = Wish { order: intent.order.parse().unwrap(), amount, note: None };
    request(&shop.cx, wish).await.map(drop)
}

/// Waits until our books and Stripe's have these refunds, such as `400 succeeded, 1290 pending`.
pub async fn until_refunds(shop: &Shop, expected: &str) {
    let as_expected = shop.until("the refunds have moved", || async {
        books::refunds(&shop.cx.store).await == expected
            && books::compare_refunds(&shop.cx.store, &shop.stripe).await.is_empty()
    });
    if tokio::time::timeout(Duration::from_secs(14), as_expected).await.is_err() {
        let ours = books::refunds(&shop.cx.store).await;
        let differences = books::compare_refunds(&shop.cx.store, &shop.stripe).await;
        panic!("the refunds are {ours}, not {expected}; {differences:?}");
    }
}

/// Orders a fault for requests that make a refund, and for no others.
pub fn fail(shop: &Shop, times: u32, kind: FaultKind) {
    let fault = Fault::once("/v1/refunds", kind);
    shop.stripe.inject(Fault { method: Some(Method::POST), times, ..fault });
}

/// Events cannot be fetched.
fn lose_events(shop: &Shop) {
    let fault = Fault::once("/v1/events", FaultKind::LoseBefore);
    shop.stripe.inject(Fault { times: 1000, ..fault });
}

/// At Stripe, so many refunds of the only payment.
fn made_at_stripe(shop: &Shop) -> usize {
    shop.stripe.ledger()[0].refunds.len()
}

/// What a command prints, on either output.
pub async fn till(shop: &Shop, arguments: &[&str]) -> String {
    till_with(shop, arguments, &[]).await
}

/// The same with some settings changed.
async fn till_with(shop: &Shop, arguments: &[&str], changes: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_till"));
    command.args(arguments).current_dir(folder.path()).env_clear().envs(shop.settings());
    let output = command.envs(changes.iter().copied()).output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[test]
fn a_command_that_does_not_learn_whether_it_was_written_down_does_not_say_that_it_was_not() {
    for on in [On::Postgres, On::Mysql] {
        tell(on, |shop| async move {
            let guest = shop.guest_with_cart([("mug", 1)]).await;
            let intent = paid(&guest).await;
            let url = lost_commit::through(shop.database_url()).await;

            let refund = ["orders", "refund", &intent.order, "--amount", "4.00"];
            let said = till_with(&shop, &refund, &[("DATABASE_URL", &url)]).await;

            assert!(said.contains("it is not known whether the refund is written down"), "{said}");
            assert!(!said.contains("nothing was given back"), "{said}");
            until_refunds(&shop, "400 succeeded").await;
            shop.close().await;
        });
    }
}

stories! {
    async fn a_refund_of_everything_shows_the_order_as_refunded(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;

        give_back(&shop, &intent, None).await.unwrap();

        guest.until_order_is(&intent, "refunded").await;
        until_refunds(&shop, "1690 succeeded").await;
        guest.order(&intent).await.says(r#""refundedAmount":16.90"#);
        let confirmed = guest.confirm(&intent).await;
        assert_eq!(confirmed.text, guest.order(&intent).await.text);
        assert_eq!(shop.stripe.ledger()[0].amount_refunded, 1690);
        shop.close().await;
    }

    async fn refunds_in_parts_leave_the_order_paid_until_nothing_is_left(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;

        give_back(&shop, &intent, Some(400)).await.unwrap();
        give_back(&shop, &intent, Some(290)).await.unwrap();

        shop.quiet().await;
        let order = guest.order(&intent).await;
        assert_eq!(order.word(), Some("paid"));
        order.says(r#""refundedAmount":6.90"#);
        give_back(&shop, &intent, None).await.unwrap();
        guest.until_order_is(&intent, "refunded").await;
        until_refunds(&shop, "400 succeeded, 290 succeeded, 1000 succeeded").await;
        shop.close().await;
    }

    async fn more_than_what_was_received_is_never_given_back(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let unpaid = guest.intent().await;
        let refused = give_back(&shop, &unpaid, None).await.unwrap_err();
        assert!(refused.to_string().starts_with("nothing was paid"), "{refused}");
        let intent = paid(&guest).await;

        // Two at the same time, of 60 % each.
        let parts = tokio::join!(
            give_back(&shop, &intent, Some(1014)), give_back(&shop, &intent, Some(1014)),
        );

        let refused = parts.0.and(parts.1).unwrap_err().to_string();
        assert_eq!(refused, "10.14 EUR is more than what is left to give back: 6.76");
        until_refunds(&shop, "1014 succeeded").await;
        give_back(&shop, &intent, None).await.unwrap();
        let refused = give_back(&shop, &intent, None).await.unwrap_err().to_string();
        assert_eq!(refused, "all of 16.90 EUR has been given back already");
        until_refunds(&shop, "1014 succeeded, 676 succeeded").await;
        shop.close().await;
    }

    async fn a_refund_whose_answer_was_lost_is_made_once(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        // Nothing tells of the refund: the key alone keeps a second from being made.
        shop.stripe.drop_webhooks();
        lose_events(&shop);
        fail(&shop, 20, FaultKind::LoseAfter);

        give_back(&shop, &intent, Some(400)).await.unwrap();

        shop.until("Stripe has made it", || async { made_at_stripe(&shop) == 1 }).await;
        // Else the first request, which is sent more than once, would still be answered.
        shop.until("the answer is missed", || async {
            books::refunds(&shop.cx.store).await == "400 unknown"
        }).await;
        shop.stripe.clear_faults();
        lose_events(&shop);
        shop.advance(A_WHILE);
        until_refunds(&shop, "400 succeeded").await;
        assert_eq!(made_at_stripe(&shop), 1);
        shop.stripe.clear_faults();
        shop.close().await;
    }

    async fn a_refund_that_stripe_did_not_hear_of_is_asked_for_again(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1000, FaultKind::LoseBefore);

        give_back(&shop, &intent, Some(400)).await.unwrap();

        shop.until("the answer is missed", || async {
            books::refunds(&shop.cx.store).await == "400 unknown"
        }).await;
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");
        shop.stripe.clear_faults();
        shop.advance(A_WHILE);
        until_refunds(&shop, "400 succeeded").await;
        shop.close().await;
    }

    async fn a_fault_of_stripes_after_a_refund_was_made_is_looked_up_and_not_repeated(shop: Shop) {
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1, FaultKind::FailAfter);

        give_back(&shop, &intent, Some(400)).await.unwrap();

        until_refunds(&shop, "400 succeeded").await;
        assert_eq!(made_at_stripe(&shop), 1);
        shop.close().await;
    }

    async fn a_fault_of_stripes_that_it_keeps_before_a_refund_was_made_ends_with_a_person(
        shop: Shop
    ) {
        let mut shop = shop;
        // That it is stuck, and later that it was not made.
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1, FaultKind::FailBefore);
        give_back(&shop, &intent, Some(400)).await.unwrap();
        shop.until("the answer is missed", || async {
            books::refunds(&shop.cx.store).await == "400 unknown"
        }).await;

        // Stripe repeats its fault under the key for a day, and another key is not tried.
        shop.until("a person is called", || async {
            shop.advance(A_WHILE);
            books::items(&shop.cx.store).await == 1
        }).await;
        assert_eq!(books::refunds(&shop.cx.store).await, "400 unknown");
        assert_eq!(made_at_stripe(&shop), 0);
        shop.advance(Duration::from_secs(21 * 60 * 60));
        until_refunds(&shop, "400 refused").await;

        give_back(&shop, &intent, Some(400)).await.unwrap();
        until_refunds(&shop, "400 refused, 400 succeeded").await;
        assert_eq!(made_at_stripe(&shop), 1);
        shop.close().await;
    }

    async fn a_server_killed_after_stripe_made_the_refund_finds_it(shop: Shop) {
        let mut shop = shop;
        shop.stripe.hold_webhooks_of(&["refund.created", "charge.refunded"]);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1, FaultKind::SlowAfter(Duration::from_secs(20)));
        give_back(&shop, &intent, Some(400)).await.unwrap();
        shop.until("Stripe has made it", || async { made_at_stripe(&shop) == 1 }).await;
        shop.kill();

        shop.start().await;
        shop.advance(A_WHILE);

        until_refunds(&shop, "400 succeeded").await;
        assert_eq!(made_at_stripe(&shop), 1);
        shop.stripe.release_webhooks();
        shop.close().await;
    }

    async fn a_server_killed_before_stripe_heard_of_the_refund_asks_for_it(shop: Shop) {
        let mut shop = shop;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1000, FaultKind::LoseBefore);
        give_back(&shop, &intent, Some(400)).await.unwrap();
        shop.kill();
        shop.stripe.clear_faults();

        shop.start().await;
        shop.advance(A_WHILE);

        until_refunds(&shop, "400 succeeded").await;
        assert_eq!(made_at_stripe(&shop), 1);
        shop.close().await;
    }

    async fn a_refund_asked_for_longer_ago_than_a_key_lives_is_looked_up(shop: Shop) {
        let mut shop = shop;
        shop.stripe.drop_webhooks_of(&["refund.created", "charge.refunded"]);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1, FaultKind::LoseAfter);
        fail(&shop, 1000, FaultKind::LoseBefore);
        give_back(&shop, &intent, Some(400)).await.unwrap();
        shop.until("Stripe has made it", || async { made_at_stripe(&shop) == 1 }).await;
        shop.kill();
        // A request that makes refunds would work, and no event tells of the one that is made.
        shop.stripe.clear_faults();
        lose_events(&shop);
        shop.advance(Duration::from_secs(25 * 60 * 60));

        shop.start().await;

        until_refunds(&shop, "400 succeeded").await;
        assert_eq!(made_at_stripe(&shop), 1);
        shop.stripe.clear_faults();
        shop.close().await;
    }

    async fn a_refund_that_cannot_be_asked_for_any_more_and_is_not_there_calls_a_person(
        shop: Shop
    ) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1000, FaultKind::LoseBefore);
        give_back(&shop, &intent, Some(400)).await.unwrap();
        shop.kill();
        // A request that makes refunds would still be lost; looking them up works.
        shop.advance(Duration::from_secs(25 * 60 * 60));

        shop.start().await;

        until_refunds(&shop, "400 refused").await;
        assert_eq!(made_at_stripe(&shop), 0);
        shop.close().await;
    }

    async fn a_refund_made_in_stripes_dashboard_shows_up_here(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;

        let part = RefundOrder { amount: Some(400), ..RefundOrder::default() };
        shop.stripe.refund(intent.payment(), part).unwrap();

        until_refunds(&shop, "400 succeeded").await;
        let refused = give_back(&shop, &intent, Some(1300)).await.unwrap_err().to_string();
        assert_eq!(refused, "13.00 EUR is more than what is left to give back: 12.90");
        shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();
        guest.until_order_is(&intent, "refunded").await;
        until_refunds(&shop, "400 succeeded, 1290 succeeded").await;
        shop.close().await;
    }

    async fn a_refund_made_at_stripe_is_found_although_every_webhook_is_lost(shop: Shop) {
        shop.stripe.drop_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;

        shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();
        shop.advance(A_WHILE);

        guest.until_order_is(&intent, "refunded").await;
        until_refunds(&shop, "1690 succeeded").await;
        shop.close().await;
    }

    async fn a_refund_that_takes_days_counts_from_the_start(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.order_refund_course(RefundCourse::InsufficientFunds);

        give_back(&shop, &intent, None).await.unwrap();

        until_refunds(&shop, "1690 pending").await;
        assert_eq!(guest.order(&intent).await.to_string(), "200 refunded");
        assert!(give_back(&shop, &intent, Some(1)).await.is_err());
        let id = shop.stripe.ledger()[0].refunds[0].id.clone();
        assert!(shop.stripe.settle_refund(&id, RefundOutcome::Succeeded));
        until_refunds(&shop, "1690 succeeded").await;
        shop.close().await;
    }

    async fn a_refund_that_fails_weeks_later_shows_the_order_as_paid_and_calls_a_person(
        shop: Shop
    ) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        give_back(&shop, &intent, None).await.unwrap();
        guest.until_order_is(&intent, "refunded").await;

        let id = shop.stripe.ledger()[0].refunds[0].id.clone();
        let failed = RefundOutcome::Failed(RefundFailure::Declined);
        assert!(shop.stripe.settle_refund(&id, failed));

        guest.until_order_is(&intent, "paid").await;
        until_refunds(&shop, "1690 failed").await;
        assert_eq!(guest.order(&intent).await.body["payment"].get("refundedAmount"), None);
        // It is owed again.
        give_back(&shop, &intent, None).await.unwrap();
        until_refunds(&shop, "1690 failed, 1690 succeeded").await;
        shop.close().await;
    }

    async fn a_refund_that_somebody_was_faster_with_at_stripe_is_not_made_twice(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        shop.stripe.hold_webhooks_of(&["refund.created", "charge.refunded"]);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1000, FaultKind::LoseBefore);
        give_back(&shop, &intent, None).await.unwrap();
        shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();

        shop.stripe.clear_faults();
        shop.advance(A_WHILE);

        until_refunds(&shop, "1690 refused, 1690 succeeded").await;
        assert_eq!(guest.order(&intent).await.to_string(), "200 refunded");
        shop.stripe.release_webhooks();
        shop.close().await;
    }

    async fn events_of_refunds_ten_times_and_backwards_leave_the_same_books(shop: Shop) {
        let mut shop = shop;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        shop.stripe.hold_webhooks();
        give_back(&shop, &intent, Some(400)).await.unwrap();
        shop.until("Stripe has made it", || async { made_at_stripe(&shop) == 1 }).await;
        let part = RefundOrder { amount: Some(290), ..RefundOrder::default() };
        let theirs = shop.stripe.refund(intent.payment(), part).unwrap();
        let failed = RefundOutcome::Failed(RefundFailure::Unknown);
        assert!(shop.stripe.settle_refund(&theirs, failed));

        shop.stripe.release_webhooks_reversed();
        until_refunds(&shop, "400 succeeded, 290 failed").await;
        for event in shop.stripe.events() {
            shop.stripe.repeat_event(&event.id, 10).await;
            shop.stripe.duplicate_event(&event.id).unwrap();
        }
        shop.stripe.repeat_all_reversed().await;

        shop.quiet().await;
        until_refunds(&shop, "400 succeeded, 290 failed").await;
        shop.close().await;
    }

    async fn the_operator_gives_money_back_by_command_and_sees_it(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let order = &intent.order;

        let part = ["orders", "refund", order, "--amount", "4.00", "--reason", "broken"];
        let said = till(&shop, &part).await;

        assert!(said.contains(&format!("Giving back 4.00 EUR of order {order} (")), "{said}");
        assert!(said.ends_with("Done: Stripe has sent 4.00 EUR.\n"), "{said}");
        until_refunds(&shop, "400 succeeded").await;
        let said = till(&shop, &["orders", "refund", order, "--amount", "12.91"]).await;
        assert!(said.contains("12.91 EUR is more than what is left to give back: 12.90"), "{said}");
        till(&shop, &["orders", "refund", order]).await;
        until_refunds(&shop, "400 succeeded, 1290 succeeded").await;
        let shown = till(&shop, &["orders", "show", order]).await;
        for text in ["1 x mug", "  succeeded  4.00 EUR", "operator: broken", "given back 16.90 EUR"] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        assert!(till(&shop, &["orders", "show", NOBODYS]).await.contains("no such order"));
        shop.close().await;
    }

    async fn a_command_that_stripe_does_not_answer_leaves_the_refund_to_the_server(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1000, FaultKind::LoseBefore);

        let said = till(&shop, &["orders", "refund", &intent.order]).await;

        assert!(said.contains("do not ask for another one"), "{said}");
        shop.stripe.clear_faults();
        shop.advance(A_WHILE);
        until_refunds(&shop, "1690 succeeded").await;
        shop.close().await;
    }

    async fn money_that_comes_after_its_order_is_over_goes_back_once(shop: Shop) {
        let guest = shop.guest_with_cart([("print", 1)]).await;
        shop.stripe.inject(Fault::once("/v1/payment_intents", FaultKind::LoseAfter));
        shop.stripe.inject(Fault {
            times: 1000, ..Fault::once("/v1/payment_intents", FaultKind::LoseBefore)
        });
        assert_eq!(guest.ask_intent().await.to_string(), "503 payment.unknown");
        shop.advance(Duration::from_secs(31 * 60));
        shop.until("the order is given up", || async {
            shop.orders().await == "1 cancelled"
        }).await;
        shop.stripe.clear_faults();

        let payment = shop.stripe.ledger()[0].id.clone();
        let url = format!("{}/v1/payment_intents/{payment}/confirm", shop.stripe_url);
        let form = [("payment_method", "pm_card_visa"), ("return_url", "https://shop.example")];
        let request = shop.http.post(url).bearer_auth(Options::default().secret_key).form(&form);
        assert_eq!(request.send().await.unwrap().status(), 200);

        until_refunds(&shop, "2940 succeeded").await;
        // Stripe may make two records of one success.
        let proof = shop.stripe.events().into_iter()
            .find(|event| event.kind == "payment_intent.succeeded").unwrap();
        shop.stripe.repeat_event(&proof.id, 10).await;
        shop.stripe.duplicate_event(&proof.id).unwrap();
        shop.stripe.repeat_all_reversed().await;
        shop.quiet().await;
        assert_eq!(made_at_stripe(&shop), 1);
        assert_eq!(shop.orders().await, "1 cancelled");
        assert_eq!(shop.stock("print").await, (1, 0));
        shop.close().await;
    }
}

/// Somebody holds the table of refunds until both operators wait: one for it, and the other, who
/// would otherwise decide by what she read before, for the first.
async fn of_two_refunds_decided_at_the_same_moment_the_second_knows_of_the_first(shop: Shop) {
    let guest = shop.guest_with_cart([("mug", 1)]).await;
    let intent = paid(&guest).await;
    shop.quiet().await;
    let mut held = Held::table(shop.database_url(), "refunds").await;
    let both_wait = async {
        let end = Instant::now() + Duration::from_secs(30);
        while held.waiting().await < 2 {
            assert!(Instant::now() < end, "the two never met");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        held.let_go().await;
    };

    // 60 % each.
    let (one, other, ()) = tokio::join!(
        give_back(&shop, &intent, Some(1014)),
        give_back(&shop, &intent, Some(1014)),
        both_wait,
    );

    assert!(one.is_ok() != other.is_ok(), "{one:?}, {other:?}");
    let refused = one.and(other).unwrap_err().to_string();
    assert_eq!(refused, "10.14 EUR is more than what is left to give back: 6.76");
    until_refunds(&shop, "1014 succeeded").await;
    shop.close().await;
}

/// SQLite has one writer, who meets nobody.
mod of_two_refunds_decided_at_the_same_moment_the_second_knows_of_the_first {
    use crate::{database::On, shop::tell};

    #[test]
    fn postgres() {
        tell(
            On::Postgres,
            super::of_two_refunds_decided_at_the_same_moment_the_second_knows_of_the_first,
        );
    }

    #[test]
    fn mysql() {
        tell(
            On::Mysql,
            super::of_two_refunds_decided_at_the_same_moment_the_second_knows_of_the_first,
        );
    }
}
