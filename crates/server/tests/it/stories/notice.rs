//! The merchant's own systems are told of every step of an order, once, whatever becomes of them
//! meanwhile; and nobody who pays waits for them.

use std::{process::Stdio, time::Duration};

use domain::{id::OrderId, money::Money};
use jiff::Timestamp;
use server::flows::refund::{Wish, request};
use simulators::stripe::{FaultKind, Options, RefundFailure, RefundOrder, RefundOutcome};
use storage::{StoreError, attention};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::{
    refund::{fail, till, until_refunds},
    second_payment::pay_beside,
};
use crate::{
    books,
    database::On,
    erp::{Erp, SECRET},
    guest::{Card, Guest, Intent},
    shop::{Shop, stories},
};

/// Longer than the claim of a worker that died.
const A_WHILE: Duration = Duration::from_secs(2 * 60);

/// The shop opens again with these servers to tell.
pub async fn tell(shop: &mut Shop, urls: &[&str]) {
    let (urls, secrets) = (urls.join(","), format!("{SECRET},whsec_{}", "A".repeat(32)));
    shop.restart_with([("TILL_WEBHOOK_URLS", &urls), ("TILL_WEBHOOK_SECRETS", &secrets)]).await;
}

async fn paid(guest: &Guest<'_>) -> Intent {
    let intent = guest.intent().await;
    guest.confirm_at_stripe(&intent, Card::Good).await;
    guest.until_order_is(&intent, "paid").await;
    intent
}

pub async fn until_told(shop: &Shop, erp: &Erp, kinds: &str) {
    let told = shop.until("it is told", || async { erp.told() == kinds });
    if tokio::time::timeout(Duration::from_secs(14), told).await.is_err() {
        panic!("it was told {:?}, not {kinds:?}", erp.told());
    }
}

async fn until_settled(shop: &Shop) {
    shop.until("nothing is on its way", || async {
        books::on_their_way(&shop.cx.store).await == 0
    })
    .await;
}

async fn give_back(shop: &Shop, intent: &Intent, cents: Option<i64>) {
    let amount = cents.map(|cents| Money::new(cents, "EUR".parse().unwrap()).unwrap());
    let order: OrderId = intent.order.parse().unwrap();
    request(&shop.cx, Wish { order, amount, note: None }).await.unwrap();
}

/// The sentences that wait for a person.
async fn items(shop: &Shop) -> Vec<(String, String)> {
    let open = shop.cx.store.read((), |tx, ()| Box::pin(attention::open(tx, 100)));
    let open: Result<Vec<attention::Item>, StoreError> = open.await;
    open.unwrap().into_iter().map(|item| (item.kind, item.sentence)).collect()
}

stories! {
    async fn an_order_that_is_paid_is_told_once_although_its_event_comes_ten_times(shop: Shop) {
        let mut shop = shop;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&url]).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        until_told(&shop, &erp, "order.paid").await;

        for event in shop.stripe.events() {
            shop.stripe.repeat_event(&event.id, 10).await;
        }
        shop.stripe.repeat_all_reversed().await;
        shop.quiet().await;
        until_settled(&shop).await;

        let posted = erp.posted();
        assert_eq!(posted.len(), 1);
        // What is told is the order as the API shows it, digit for digit.
        let shown = guest.order(&intent).await.text;
        assert!(posted[0].body.contains(&format!(r#""data":{shown}"#)), "{shown} {posted:?}");
        assert!(posted[0].body.contains(r#""total":16.90"#), "{posted:?}");
        shop.close().await;
    }

    async fn every_end_of_an_order_is_told(shop: Shop) {
        let mut shop = shop;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&url]).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        guest.intent().await;
        shop.advance(Duration::from_secs(31 * 60));
        until_told(&shop, &erp, "order.cancelled").await;

        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        guest.confirm_debit(&intent, "DE62370400440532013001").await;
        guest.confirm(&intent).await;
        shop.quiet().await;
        assert!(shop.stripe.settle(intent.payment(), None));
        until_told(&shop, &erp, "order.cancelled, order.failed").await;

        let guest = shop.guest_with_cart([("gift", 1)]).await;
        assert_eq!(guest.ask_intent().await.status, 200);
        until_told(&shop, &erp, "order.cancelled, order.failed, order.paid").await;
        for (posted, status) in erp.posted().iter().zip(["cancelled", "failed", "paid"]) {
            assert_eq!(posted.json()["data"]["status"], status);
        }
        shop.close().await;
    }

    async fn every_refund_is_told_and_so_is_one_that_does_not_arrive(shop: Shop) {
        let mut shop = shop;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&url]).await;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        until_told(&shop, &erp, "order.paid").await;

        give_back(&shop, &intent, Some(400)).await;
        until_told(&shop, &erp, "order.paid, order.refunded").await;
        let theirs = shop.stripe.refund(intent.payment(), RefundOrder::default()).unwrap();
        until_told(&shop, &erp, "order.paid, order.refunded, order.refunded").await;
        let failed = RefundOutcome::Failed(RefundFailure::Unknown);
        assert!(shop.stripe.settle_refund(&theirs, failed));
        let all = "order.paid, order.refunded, order.refunded, order.refund_failed";
        until_told(&shop, &erp, all).await;

        let posted = erp.posted();
        let told = |at: usize| {
            let (json, body) = (posted[at].json(), &posted[at].body);
            let amount = body.split(r#""refund":{"#).nth(1).unwrap().split(',').nth(1).unwrap();
            (amount.to_owned(), json["refund"]["full"].clone(), json["data"]["status"].clone())
        };
        assert_eq!(told(1), (r#""amount":4.00"#.into(), false.into(), "paid".into()));
        assert_eq!(told(2), (r#""amount":12.90"#.into(), true.into(), "refunded".into()));
        assert_eq!(told(3), (r#""amount":12.90"#.into(), false.into(), "paid".into()));
        assert_eq!(posted[3].json()["refund"]["reason"], "unknown");
        shop.close().await;
    }

    async fn a_refund_that_fails_twice_is_told_three_times(shop: Shop) {
        let mut shop = shop;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&url]).await;
        shop.expect_items(2);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        fail(&shop, 1, FaultKind::Status(404));
        let order: OrderId = intent.order.parse().unwrap();
        let refund = request(&shop.cx, Wish { order, amount: None, note: None }).await.unwrap();
        until_told(&shop, &erp, "order.paid, order.refund_failed").await;

        // Stripe mends what it had left half done.
        let form = [
            ("payment_intent", intent.payment().to_owned()),
            ("amount", "1690".to_owned()),
            ("metadata[order_id]", intent.order.clone()),
            ("metadata[refund_id]", refund.id.to_string()),
        ];
        let made = shop.http.post(format!("{}/v1/refunds", shop.stripe_url)).form(&form);
        let made = made.bearer_auth(Options::default().secret_key).send().await.unwrap();
        assert_eq!(made.status(), 200);
        until_told(&shop, &erp, "order.paid, order.refund_failed, order.refunded").await;
        let theirs = shop.stripe.ledger()[0].refunds[0].id.clone();
        let failed = RefundOutcome::Failed(RefundFailure::Unknown);
        assert!(shop.stripe.settle_refund(&theirs, failed));

        let all = "order.paid, order.refund_failed, order.refunded, order.refund_failed";
        until_told(&shop, &erp, all).await;
        assert_eq!(erp.orders(), 4, "four notices");
        assert_eq!(books::refunds(&shop.cx.store).await, "1690 failed");
        shop.close().await;
    }

    async fn what_goes_back_of_a_second_payment_is_told_to_nobody(shop: Shop) {
        let mut shop = shop;
        let (erp, url, _serving) = Erp::serve().await;
        let folder = tempfile::tempdir().unwrap();
        let mail = format!("folder:{}", folder.path().display());
        shop.restart_with([("TILL_MAIL", &mail), ("TILL_MAIL_FROM", "orders@shop.example")]).await;
        tell(&mut shop, &[&url]).await;
        shop.expect_items(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;

        pay_beside(&shop, &intent, "1690", "eur").await;
        until_refunds(&shop, "1690 succeeded").await;
        // Of the order's own there is something to tell, also that nothing is left.
        give_back(&shop, &intent, Some(400)).await;
        until_told(&shop, &erp, "order.paid, order.refunded").await;
        give_back(&shop, &intent, None).await;
        until_told(&shop, &erp, "order.paid, order.refunded, order.refunded").await;
        until_settled(&shop).await;

        let letters: Vec<String> = std::fs::read_dir(folder.path()).unwrap()
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        let told = |words: &str| letters.iter().filter(|text| text.contains(words)).count();
        assert_eq!((letters.len(), told("16.90 EUR back")), (3, 0));
        assert_eq!((told("has sent you 4.00 EUR back."), told("12.90 EUR back; with it all")), (1, 1));
        shop.close().await;
    }

    async fn a_server_killed_between_the_post_and_its_answer_sends_the_same_again(shop: Shop) {
        let mut shop = shop;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&url]).await;
        erp.hold();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        paid(&guest).await;
        until_told(&shop, &erp, "order.paid").await;
        shop.kill();
        erp.let_go();

        shop.start().await;
        shop.advance(A_WHILE);

        until_told(&shop, &erp, "order.paid, order.paid").await;
        until_settled(&shop).await;
        let posted = erp.posted();
        assert_eq!((&posted[0].id, &posted[0].body), (&posted[1].id, &posted[1].body));
        assert!(posted[1].second > posted[0].second);
        shop.close().await;
    }

    async fn an_endpoint_that_is_down_for_hours_hears_of_every_order_when_it_is_back(shop: Shop) {
        let mut shop = shop;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&url]).await;
        erp.answer(503);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        let told_and_kept = |count: usize| {
            let (shop, erp) = (&shop, &erp);
            shop.until("it was tried, and it is written down", move || async move {
                erp.posted().len() == count && books::last_outcomes(&shop.cx.store).await
                    == ["answered 503"] && books::claimed(&shop.cx.store).await == 0
            })
        };
        told_and_kept(1).await;
        for (tries, minutes) in [(2, 1), (3, 7), (4, 40), (5, 150)] {
            shop.advance(Duration::from_secs(60 * minutes));
            told_and_kept(tries).await;
        }
        assert_eq!(guest.order(&intent).await.to_string(), "200 paid");

        erp.answer(204);
        shop.advance(Duration::from_secs(7 * 60 * 60));
        until_settled(&shop).await;

        let posted = erp.posted();
        assert_eq!(posted.len(), 6);
        assert!(posted.iter().all(|one| one.id == posted[0].id && one.body == posted[0].body));
        shop.close().await;
    }

    async fn a_dead_endpoint_holds_up_neither_another_one_nor_the_payments(shop: Shop) {
        let mut shop = shop;
        let (dead, dead_url, _) = Erp::serve().await;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&dead_url, &url]).await;
        dead.hold();

        for _ in 0..6 {
            let guest = shop.guest_with_cart([("mug", 1)]).await;
            paid(&guest).await;
        }

        until_told(&shop, &erp, &["order.paid"; 6].join(", ")).await;
        // Four tries at a time wait there, and no more.
        assert!((1..=4).contains(&dead.posted().len()), "{}", dead.told());
        dead.let_go();
        shop.until("the dead one hears of all", || async { dead.orders() == 6 }).await;
        until_settled(&shop).await;
        shop.close().await;
    }

    async fn an_endpoint_that_answers_gone_is_told_nothing_more_and_a_person_is(shop: Shop) {
        let mut shop = shop;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&url]).await;
        shop.expect_items(1);
        erp.answer(410);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        paid(&guest).await;
        until_told(&shop, &erp, "order.paid").await;
        until_settled(&shop).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        paid(&guest).await;
        shop.until("both are given up", || async {
            books::last_outcomes(&shop.cx.store).await.len() == 2
                && books::on_their_way(&shop.cx.store).await == 0
        }).await;
        assert_eq!(erp.told(), "order.paid");
        let [(kind, sentence)] = &items(&shop).await[..] else { panic!() };
        assert_eq!(kind, "endpoint_gone");
        assert!(sentence.starts_with(&format!("{url} answered 410")), "{sentence}");

        // It is there again once it has answered a test.
        erp.answer(200);
        let said = till(&shop, &["webhooks", "test"]).await;
        assert!(said.contains(&format!("{url}  answered 200")), "{said}");
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        paid(&guest).await;
        until_told(&shop, &erp, "order.paid, ping, order.paid").await;
        let since = Timestamp::now() - Duration::from_secs(60 * 60);
        till(&shop, &["webhooks", "replay", "--since", &since.to_string()]).await;
        shop.until("all are told", || async { erp.posted().len() == 6 }).await;
        shop.close().await;
    }

    async fn what_is_never_taken_is_given_up_after_three_days_and_can_be_sent_again(shop: Shop) {
        let mut shop = shop;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&url]).await;
        shop.expect_items(1);
        // A redirect is no yes, and is not followed.
        erp.answer(302);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = paid(&guest).await;
        for tries in 1..=10 {
            shop.until("it was tried", || async {
                erp.posted().len() == tries && books::claimed(&shop.cx.store).await == 0
            }).await;
            shop.advance(Duration::from_secs(30 * 60 * 60));
        }
        until_settled(&shop).await;
        assert_eq!(erp.posted().len(), 10);
        let [(kind, sentence)] = &items(&shop).await[..] else { panic!() };
        assert_eq!(kind, "webhook_undelivered");
        assert!(sentence.contains("answered 302"), "{sentence}");

        let listed = till(&shop, &["webhooks", "list", "--failed"]).await;
        let id = listed.lines().find(|line| line.contains(&intent.order)).unwrap();
        let id = id.split(' ').next().unwrap();
        let shown = till(&shop, &["webhooks", "show", id]).await;
        assert_eq!(shown.lines().filter(|line| line.starts_with("try ")).count(), 10, "{shown}");
        assert!(shown.contains(r#""type":"order.paid""#), "{shown}");
        erp.answer(204);
        let said = till(&shop, &["webhooks", "replay", id]).await;
        assert!(said.starts_with("It is sent again"), "{said}");
        shop.until("it is sent", || async { erp.posted().len() == 11 }).await;
        until_settled(&shop).await;
        let posted = erp.posted();
        assert_eq!((&posted[0].id, &posted[0].body), (&posted[10].id, &posted[10].body));
        let of_order = till(&shop, &["webhooks", "list", "--order", &intent.order]).await;
        assert!(of_order.contains("done"), "{of_order}");
        assert!(!till(&shop, &["webhooks", "list", "--failed"]).await.contains(&intent.order));
        shop.close().await;
    }

    async fn an_endpoint_that_is_added_later_can_be_told_what_it_missed(shop: Shop) {
        let mut shop = shop;
        let start = Timestamp::now() - Duration::from_secs(1);
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        paid(&guest).await;
        shop.quiet().await;
        let (erp, url, _serving) = Erp::serve().await;
        tell(&mut shop, &[&url]).await;

        let said = till(&shop, &["webhooks", "replay", "--since", &start.to_string()]).await;

        assert!(said.starts_with("1 notice"), "{said}");
        until_told(&shop, &erp, "order.paid").await;
        shop.close().await;
    }
}

/// The program as a merchant would copy it.
fn program_of_the_manual() -> &'static str {
    let manual = include_str!("../../../../../docs/webhooks.md");
    manual.split("```js\n").nth(1).unwrap().split("```").next().unwrap()
}

async fn the_manual_is_followed(shop: Shop) {
    let mut shop = shop;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let library = concat!(env!("CARGO_MANIFEST_DIR"), "/../simulators/tests/sdk");
    let mut node = tokio::process::Command::new("node");
    node.args(["--input-type=module", "--eval", program_of_the_manual()]).current_dir(library);
    node.env("PORT", free.port().to_string()).env("TILL_WEBHOOK_SECRET", SECRET);
    let mut node = node.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut said = BufReader::new(node.stdout.take().unwrap()).lines();
    assert_eq!(said.next_line().await.unwrap().unwrap(), "listening");
    let url = format!("http://{free}/");

    let forged = shop.http.post(&url).body(r#"{"type":"order.paid","data":{}}"#);
    assert_eq!(forged.send().await.unwrap().status(), 400);
    tell(&mut shop, &[&url]).await;
    let guest = shop.guest_with_cart([("mug", 1)]).await;
    let intent = paid(&guest).await;

    let line = said.next_line().await.unwrap().unwrap();
    assert_eq!(line, format!("order.paid {}", intent.order));
    until_settled(&shop).await;
    let tested = till(&shop, &["webhooks", "test"]).await;
    assert_eq!(tested, format!("{url}  answered 204\n"));
    assert_eq!(said.next_line().await.unwrap().unwrap().trim(), "ping");
    shop.close().await;
}

#[test]
fn the_program_of_the_manual_takes_our_notices_and_no_forged_ones() {
    if std::env::var_os("TILL_NODE_SDK").is_none() {
        return eprintln!("skipped: TILL_NODE_SDK is not set; `cargo xtask test` sets it");
    }
    crate::shop::tell(On::Sqlite, the_manual_is_followed);
}
