//! Card testers are stopped before Stripe is asked, and shoppers are not.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use simulators::turnstile::{SECRET, Turnstile};
use storage::{Store, StoreError};
use tokio::net::TcpListener;

use crate::{
    challenge::solve,
    guest::{Card, Guest, Intent, Reply, checkout_request},
    shop::{Shop, stories},
};

storage::statements! {
    COUNTED = "select (select count(*) from shield_marks) as marks, \
        (select count(*) from shield_orders) as orders, \
        (select count(*) from shield_tries) as tries, \
        (select count(*) from shield_proofs) as proofs";
    MARKS = "select mark from shield_marks";
    ITEMS = "select id, kind, sentence from attention where resolved_at is null";
}

const HOME: &str = "203.0.113.1";
const ELSEWHERE: &str = "198.51.100.7";

/// The shop with its usual limits, behind a proxy; a story changes what it is about.
pub(super) async fn shielded<const N: usize>(shop: &mut Shop, changes: [(&str, &str); N]) {
    shop.restart_with([
        ("TILL_TRUSTED_PROXIES", "127.0.0.1"),
        ("TILL_SHIELD_ORDERS", ""),
        ("TILL_SHIELD_DECLINES", ""),
        ("TILL_SHIELD_UNPAID", ""),
        ("TILL_SHIELD_BREAKER_PERCENT", ""),
    ])
    .await;
    shop.restart_with(changes).await;
}

/// Asks for an intent from an address, as somebody with this e-mail address.
async fn ask(guest: &Guest<'_>, from: &str, email: &str) -> Reply {
    ask_with(guest, from, email, None).await
}

async fn ask_with(guest: &Guest<'_>, from: &str, email: &str, solution: Option<Value>) -> Reply {
    let mut request = checkout_request();
    request["email"] = email.into();
    if let Some(solution) = solution {
        request["challenge"] = solution;
    }
    let body = Some(request.to_string());
    guest.send(Method::POST, "/api/checkout/intent", body, &[("x-forwarded-for", from)]).await
}

/// Somebody new with a mug in her cart asks for an intent.
async fn newcomer(shop: &Shop, from: &str, email: &str) -> Reply {
    ask(&shop.guest_with_cart([("mug", 1)]).await, from, email).await
}

/// A tester: somebody new whose card is declined so many times.
async fn tester<'shop>(
    shop: &'shop Shop,
    from: &str,
    email: &str,
    declines: usize,
) -> (Guest<'shop>, Intent) {
    let guest = shop.guest_with_cart([("mug", 1)]).await;
    let reply = ask(&guest, from, email).await;
    assert_eq!(reply.status, 200, "{reply}");
    let intent = reply.intent();
    try_cards(&guest, &intent, &vec![Card::Declined; declines]).await;
    (guest, intent)
}

/// Tries cards on an order, until everybody has heard of it.
async fn try_cards(guest: &Guest<'_>, intent: &Intent, cards: &[Card]) {
    for card in cards {
        guest.confirm_at_stripe(intent, *card).await;
        guest.confirm(intent).await;
    }
    guest.shop.quiet().await;
}

/// Twenty declines, too few for any order and any card to be ended: the breaker opens, and a person is
/// called, which the story has to expect.
pub(super) async fn open_breaker(shop: &Shop) {
    let cards =
        [Card::Declined, Card::InsufficientFunds, Card::Stolen, Card::Declined, Card::Stolen];
    for number in 0..4 {
        let (from, email) = (format!("192.0.2.{number}"), format!("{number}@x.example"));
        let (guest, intent) = tester(shop, &from, &email, 0).await;
        try_cards(&guest, &intent, &cards).await;
    }
}

fn payments(shop: &Shop) -> usize {
    shop.stripe.ledger().len()
}

async fn counted(store: &Store) -> [i64; 4] {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let row = tx.query_opt(&COUNTED, &[]).await?.unwrap();
            let mut row = row.read("shield");
            Ok([row.int("marks")?, row.int("orders")?, row.int("tries")?, row.int("proofs")?])
        })
    });
    let counted: Result<_, StoreError> = read.await;
    counted.unwrap()
}

pub(super) async fn items(store: &Store) -> Vec<(String, String)> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let rows = tx.query(&ITEMS, &[]).await?.into_iter();
            rows.map(|row| {
                let mut row = row.read("attention");
                row.id("id")?;
                Ok((row.text("kind")?, row.text("sentence")?))
            })
            .collect()
        })
    });
    let items: Result<_, StoreError> = read.await;
    items.unwrap()
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

stories! {
    async fn a_network_that_orders_too_often_is_stopped_before_stripe_is_asked(shop: Shop) {
        let mut shop = shop;
        let limit = [("TILL_SHIELD_ORDERS", "visitor:20, network:3, email:20")];
        shielded(&mut shop, limit).await;
        for email in ["a@example.org", "b@example.org"] {
            assert_eq!(newcomer(&shop, HOME, email).await.status, 200);
        }
        // It is written down: another process knows it too.
        shop.restart_with([]).await;
        assert_eq!(newcomer(&shop, HOME, "c@example.org").await.status, 200);

        let refused = newcomer(&shop, HOME, "d@example.org").await;

        assert_eq!(refused.to_string(), "429 rate.limited");
        let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((60..=1200).contains(&seconds) && seconds.is_multiple_of(60), "{seconds}");
        // What stands before our proxy's word was written by the tester.
        let spoofed = format!("{ELSEWHERE}, {HOME}");
        assert_eq!(newcomer(&shop, &spoofed, "e@example.org").await.status, 429);
        assert_eq!((payments(&shop), shop.orders().await.as_str()), (3, "3 pending"));
        assert_eq!(shop.stock("mug").await, (100, 3));
        assert_eq!(newcomer(&shop, ELSEWHERE, "f@example.org").await.status, 200);
        shop.advance(Duration::from_secs(seconds));
        assert_eq!(newcomer(&shop, HOME, "d@example.org").await.status, 200);
        shop.close().await;
    }

    async fn a_visitor_or_a_mailbox_that_orders_too_often_hears_the_same_as_a_network(shop: Shop) {
        let mut shop = shop;
        let limit = [("TILL_SHIELD_ORDERS", "visitor:2, network:20, email:2")];
        shielded(&mut shop, limit).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        for email in ["a@example.org", "b@example.org"] {
            assert_eq!(ask(&guest, HOME, email).await.status, 200);
        }
        let of_visitor = ask(&guest, HOME, "c@example.org").await;
        // One mailbox, wherever its owner is.
        assert_eq!(newcomer(&shop, "198.51.100.1", "ada@example.org").await.status, 200);
        assert_eq!(newcomer(&shop, "198.51.100.2", "Ada+2@example.org").await.status, 200);
        let of_mailbox = newcomer(&shop, "198.51.100.3", "ada+3@example.org").await;

        for refused in [&of_visitor, &of_mailbox] {
            assert_eq!(refused.to_string(), "429 rate.limited");
            assert_eq!(refused.body, of_visitor.body, "which limit it was is not said");
            assert_eq!(refused.headers["retry-after"], of_visitor.headers["retry-after"]);
        }
        assert_eq!(payments(&shop), 4);
        assert_eq!(newcomer(&shop, "198.51.100.3", "bob@example.org").await.status, 200);
        shop.close().await;
    }

    async fn the_same_order_asked_for_again_is_counted_once(shop: Shop) {
        let mut shop = shop;
        let limit = [("TILL_SHIELD_ORDERS", "visitor:1, network:1, email:1")];
        shielded(&mut shop, limit).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let first = ask(&guest, HOME, "ada@example.org").await.intent();

        for _ in 0..5 {
            assert_eq!(ask(&guest, HOME, "ada@example.org").await.intent(), first);
        }

        assert_eq!(guest.confirm_at_stripe(&first, Card::Good).await, "succeeded");
        assert_eq!(guest.confirm(&first).await.to_string(), "200 paid");
        // A page that is reloaded after it was paid.
        assert_eq!(ask(&guest, HOME, "ada@example.org").await.intent().order, first.order);
        shop.close().await;
    }

    async fn a_shopper_who_mistypes_thrice_and_changes_her_mind_still_pays(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, []).await;
        let (guest, _) = tester(&shop, HOME, "ada@example.org", 3).await;
        assert_eq!(guest.add("book", 1).await.status, 200);

        let intent = ask(&guest, HOME, "ada@example.org").await.intent();
        guest.confirm_at_stripe(&intent, Card::Good).await;

        assert_eq!(guest.confirm(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn a_card_that_is_declined_often_ends_the_orders_it_is_tried_on(shop: Shop) {
        let mut shop = shop;
        let limit = [
            ("TILL_SHIELD_DECLINES", "visitor:15, network:60, email:15, card:3"),
        ];
        shielded(&mut shop, limit).await;
        let (first, tried) = tester(&shop, HOME, "a@example.org", 2).await;
        assert_eq!(first.order(&tried).await.word(), Some("pending"));

        let (second, tried_again) = tester(&shop, ELSEWHERE, "b@example.org", 1).await;

        second.until_order_is(&tried_again, "failed").await;
        assert_eq!(second.confirm_at_stripe(&tried_again, Card::Good).await, "payment_intent_unexpected_state");
        assert_eq!(shop.stripe.ledger()[1].status, "canceled");
        // Only the card is known: whoever pays with another one is welcome.
        let intent = ask(&second, ELSEWHERE, "b@example.org").await.intent();
        second.confirm_at_stripe(&intent, Card::Good).await;
        assert_eq!(second.confirm(&intent).await.to_string(), "200 paid");
        first.confirm_at_stripe(&tried, Card::Good).await;
        assert_eq!(first.confirm(&tried).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn who_is_declined_too_often_gets_no_further_try_by_any_of_her_marks(shop: Shop) {
        let mut shop = shop;
        for (number, (limits, same)) in [
            ("visitor:3, network:60, email:60, card:60", "visitor"),
            ("visitor:60, network:3, email:60, card:60", "network"),
            ("visitor:60, network:60, email:3, card:60", "email"),
        ]
        .into_iter()
        .enumerate()
        {
            shielded(&mut shop, [("TILL_SHIELD_DECLINES", limits)]).await;
            let (home, away) = (format!("203.0.113.{number}"), format!("198.51.100.{number}"));
            let (mine, other) = (format!("a{number}@example.org"), format!("b{number}@example.org"));
            let (guest, intent) = tester(&shop, &home, &mine, 3).await;
            guest.until_order_is(&intent, "failed").await;

            let stranger = shop.guest_with_cart([("mug", 1)]).await;
            let again = match same {
                "visitor" => ask(&guest, &away, &other).await,
                "network" => ask(&stranger, &home, &other).await,
                _ => ask(&stranger, &away, &mine).await,
            };

            assert_eq!(again.to_string(), "429 rate.limited", "{same}");
            assert_eq!(newcomer(&shop, &away, &other).await.status, 200, "{same}");
        }
        assert_eq!(payments(&shop), 6);
        shop.close().await;
    }

    async fn who_gives_an_order_up_right_after_a_decline_is_known_by_it_all_the_same(shop: Shop) {
        let mut shop = shop;
        let limits =
            [("TILL_SHIELD_DECLINES", "visitor:60, network:3, email:60, card:60")];
        shielded(&mut shop, limits).await;
        shop.stripe.hold_webhooks();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        for email in ["a@example.org", "b@example.org", "c@example.org", "d@example.org"] {
            let reply = ask(&guest, HOME, email).await;
            assert_eq!(reply.status, 200, "{email}: {reply}");
            // Nobody has been told of it when the next order takes its place.
            guest.confirm_at_stripe(&reply.intent(), Card::Declined).await;
        }
        shop.stripe.release_webhooks();
        shop.until("the declines are heard", || async {
            newcomer(&shop, HOME, "e@example.org").await.status == 429
        })
        .await;
        shop.close().await;
    }

    async fn a_decline_counts_although_a_later_try_is_under_way(shop: Shop) {
        let mut shop = shop;
        let limits =
            [("TILL_SHIELD_DECLINES", "visitor:60, network:2, email:60, card:60")];
        shielded(&mut shop, limits).await;
        shop.stripe.hold_webhooks();
        let (guest, intent) = tester(&shop, HOME, "a@example.org", 0).await;
        for card in [Card::Declined, Card::Stolen, Card::ThreeDSecure] {
            guest.confirm_at_stripe(&intent, card).await;
        }

        shop.stripe.release_webhooks();

        guest.until_order_is(&intent, "failed").await;
        assert_eq!(newcomer(&shop, HOME, "b@example.org").await.status, 429);
        shop.close().await;
    }

    async fn a_few_cannot_hold_the_stock_of_the_shop(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, [("TILL_SHIELD_UNPAID", "orders:2, pieces:9")]).await;
        let holder = |from: &'static str, email: &'static str, count| {
            let shop = &shop;
            async move {
                let guest = shop.guest_with_cart([("mug", count)]).await;
                ask(&guest, from, email).await
            }
        };
        assert_eq!(holder(HOME, "a@example.org", 5).await.status, 200);
        // Another network, another mailbox: they are limited each by itself.
        assert_eq!(holder(HOME, "b@example.org", 5).await.to_string(), "429 rate.limited");
        assert_eq!(holder(ELSEWHERE, "a@example.org", 5).await.to_string(), "429 rate.limited");
        assert_eq!(holder(HOME, "b@example.org", 4).await.status, 200);
        assert_eq!(holder(HOME, "c@example.org", 1).await.to_string(), "429 rate.limited");
        assert_eq!(holder(ELSEWHERE, "c@example.org", 9).await.status, 200);
        let large = holder("192.0.2.1", "d@example.org", 10).await;
        assert_eq!(large.to_string(), "400 request.invalid");
        large.says("An order has at most 9 pieces.");
        assert_eq!(shop.stock("mug").await, (100, 18));

        shop.advance(minutes(31));
        shop.until("the orders expire", || async { shop.stock("mug").await == (100, 0) }).await;
        assert_eq!(holder(HOME, "b@example.org", 5).await.status, 200);
        shop.close().await;
    }

    async fn an_order_that_takes_anothers_place_does_not_stand_in_its_own_way(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, [("TILL_SHIELD_UNPAID", "orders:1, pieces:5")]).await;
        let guest = shop.guest_with_cart([("mug", 4)]).await;
        ask(&guest, HOME, "ada@example.org").await.intent();
        assert_eq!(guest.add("book", 1).await.status, 200);

        let intent = ask(&guest, HOME, "ada@example.org").await.intent();

        guest.confirm_at_stripe(&intent, Card::Good).await;
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 paid");
        // What is paid is no longer held.
        assert_eq!(newcomer(&shop, HOME, "ada@example.org").await.status, 200);
        shop.close().await;
    }

    async fn when_banks_refuse_most_tries_new_orders_need_a_challenge_until_it_is_over(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, []).await;
        shop.expect_items(1);
        let early = newcomer(&shop, "192.0.2.99", "early@example.org").await;
        assert_eq!(early.status, 200);
        open_breaker(&shop).await;
        let before = payments(&shop);
        let guest = shop.guest_with_cart([("mug", 1)]).await;

        let asked = ask(&guest, HOME, "ada@example.org").await;

        assert_eq!(asked.to_string(), "403 checkout.challengeRequired");
        assert_eq!(payments(&shop), before);
        shop.guest().get("/metrics").await.says("till_shield_breaker_open 1");
        let items = items(&shop.cx.store).await;
        assert_eq!((items.len(), items[0].0.as_str()), (1, "card_testing"));
        assert!(items[0].1.starts_with("Banks refused 20 of the last 20 tries"), "{items:?}");
        // What costs nothing cannot be used to try a card.
        let free = shop.guest_with_cart([("gift", 1)]).await;
        assert_eq!(ask(&free, HOME, "free@example.org").await.status, 200);
        let solution = solve(&asked.details()["challenge"]);
        let intent = ask_with(&guest, HOME, "ada@example.org", Some(solution)).await.intent();
        guest.confirm_at_stripe(&intent, Card::Good).await;
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 paid");

        shop.advance(minutes(16));
        assert_eq!(newcomer(&shop, HOME, "bob@example.org").await.status, 200);
        shop.guest().get("/metrics").await.says("till_shield_breaker_open 0");
        shop.close().await;
    }

    async fn a_solution_counts_once_and_is_the_visitors_own(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, []).await;
        shop.expect_items(1);
        open_breaker(&shop).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let asked = ask(&guest, HOME, "ada@example.org").await;
        let solution = solve(&asked.details()["challenge"]);
        let mut wrong = solution.clone();
        wrong["answer"] = "nonsense".into();

        let thief = shop.guest_with_cart([("mug", 1)]).await;
        let stolen = ask_with(&thief, HOME, "eve@example.org", Some(solution.clone())).await;
        assert_eq!(stolen.to_string(), "403 checkout.challengeRequired");
        let refused = ask_with(&guest, HOME, "ada@example.org", Some(wrong)).await;
        assert_eq!(refused.to_string(), "403 checkout.challengeRequired");
        let first = ask_with(&guest, HOME, "ada@example.org", Some(solution.clone())).await;
        assert_eq!(first.status, 200, "{first}");
        // The answer was lost: the same request is the same order.
        let again = ask_with(&guest, HOME, "ada@example.org", Some(solution.clone())).await;
        assert_eq!(again.intent(), first.intent());
        let other = ask_with(&guest, HOME, "ada+2@example.org", Some(solution)).await;
        assert_eq!(other.to_string(), "403 checkout.challengeRequired");
        assert_ne!(other.details()["challenge"], asked.details()["challenge"]);
        shop.close().await;
    }

    async fn a_challenge_ends_soon_but_not_by_the_second(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, []).await;
        shop.expect_items(1);
        open_breaker(&shop).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let late = shop.guest_with_cart([("mug", 1)]).await;
        let solution = solve(&ask(&guest, HOME, "a@example.org").await.details()["challenge"]);
        let stale = solve(&ask(&late, HOME, "b@example.org").await.details()["challenge"]);

        // Five minutes, and two for clocks that differ.
        shop.advance(Duration::from_secs(6 * 60 + 30));
        assert_eq!(ask_with(&guest, HOME, "a@example.org", Some(solution)).await.status, 200);
        shop.advance(minutes(1));
        let refused = ask_with(&late, HOME, "b@example.org", Some(stale)).await;
        assert_eq!(refused.to_string(), "403 checkout.challengeRequired");
        shop.close().await;
    }

    async fn an_order_that_was_made_before_the_breaker_opened_has_three_tries(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, []).await;
        shop.expect_items(1);
        let (hoarder, hoarded) = tester(&shop, HOME, "a@example.org", 0).await;
        let (guest, intent) = tester(&shop, ELSEWHERE, "b@example.org", 0).await;
        open_breaker(&shop).await;

        try_cards(&hoarder, &hoarded, &[Card::InsufficientFunds; 3]).await;
        hoarder.until_order_is(&hoarded, "failed").await;

        try_cards(&guest, &intent, &[Card::InsufficientFunds; 2]).await;
        guest.confirm_at_stripe(&intent, Card::Good).await;
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 paid");
        shop.close().await;
    }

    async fn where_the_shop_has_a_widget_it_is_the_challenge(shop: Shop) {
        let mut shop = shop;
        let turnstile = Turnstile::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn({
            let turnstile = turnstile.clone();
            async move { turnstile.serve(listener).await }
        });
        let widget = [
            ("TILL_TURNSTILE_SECRET", SECRET),
            ("TILL_TURNSTILE_SITE_KEY", "0x4AAA_site"),
            ("TILL_TURNSTILE_BASE", &base),
        ];
        shielded(&mut shop, widget).await;
        shop.expect_items(1);
        open_breaker(&shop).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let token = |token: &str| Some(json!({ "kind": "turnstile", "token": token }));
        let asked = ask(&guest, HOME, "ada@example.org").await;
        let shown = json!({ "kind": "turnstile", "siteKey": "0x4AAA_site" });
        assert_eq!((asked.status, &asked.details()["challenge"]), (403, &shown));
        assert_eq!(turnstile.asked(), 0, "there is nothing to ask without a token");

        let invented = ask_with(&guest, HOME, "ada@example.org", token("0.invented")).await;
        assert_eq!((invented.status, &invented.details()["challenge"]), (403, &shown));
        let person = turnstile.person();
        let intent = ask_with(&guest, HOME, "ada@example.org", token(&person)).await.intent();
        guest.confirm_at_stripe(&intent, Card::Good).await;
        assert_eq!(guest.confirm(&intent).await.to_string(), "200 paid");
        let robot = shop.guest_with_cart([("mug", 1)]).await;
        let repeated = ask_with(&robot, HOME, "eve@example.org", token(&person)).await;
        assert_eq!((repeated.status, &repeated.details()["challenge"]), (403, &shown));

        // Turnstile is gone: work is asked for instead, never nothing.
        serving.abort();
        let _ = serving.await;
        let instead = ask_with(&robot, HOME, "bob@example.org", token("")).await;
        assert_eq!(instead.to_string(), "403 checkout.challengeRequired");
        let solution = solve(&instead.details()["challenge"]);
        assert_eq!(ask_with(&robot, HOME, "bob@example.org", Some(solution)).await.status, 200);
        shop.close().await;
    }

    async fn a_widget_that_cloudflare_does_not_know_asks_for_work_instead(shop: Shop) {
        let mut shop = shop;
        let turnstile = Turnstile::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn({
            let turnstile = turnstile.clone();
            async move { turnstile.serve(listener).await }
        });
        let widget = [
            ("TILL_TURNSTILE_SECRET", "a_secret_that_was_mistyped"),
            ("TILL_TURNSTILE_SITE_KEY", "0x4AAA_site"),
            ("TILL_TURNSTILE_BASE", &base),
        ];
        shielded(&mut shop, widget).await;
        shop.expect_items(1);
        open_breaker(&shop).await;

        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let token = json!({ "kind": "turnstile", "token": turnstile.person() });
        let asked = ask_with(&guest, HOME, "ada@example.org", Some(token)).await;

        assert_eq!((asked.status, &asked.details()["challenge"]["kind"]), (403, &json!("work")));
        serving.abort();
        shop.close().await;
    }

    async fn what_the_shield_need_not_remember_is_thrown_away(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, []).await;
        shop.expect_items(1);
        open_breaker(&shop).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let asked = ask(&guest, HOME, "ada@example.org").await;
        let solution = solve(&asked.details()["challenge"]);
        ask_with(&guest, HOME, "ada@example.org", Some(solution)).await.intent();
        // Five visitors, networks and mailboxes, and three cards; five orders; one proof.
        let [marks, orders, tries, proofs] = counted(&shop.cx.store).await;
        assert_eq!((marks, orders, proofs), (18, 5, 1));
        assert!(tries > 0);

        shop.advance(minutes(31));
        shop.until("the orders expire", || async { shop.stock("mug").await == (100, 0) }).await;
        assert_eq!(counted(&shop.cx.store).await[1], 5, "they may still be heard of");
        shop.advance(minutes(120));
        shop.until("the rest is forgotten", || async { counted(&shop.cx.store).await == [0; 4] })
            .await;
        shop.close().await;
    }

    async fn no_address_and_no_card_is_in_what_the_shield_remembers(shop: Shop) {
        let mut shop = shop;
        shielded(&mut shop, []).await;
        tester(&shop, HOME, "ada@example.org", 1).await;
        let read = shop.cx.store.read((), |tx, ()| Box::pin(tx.query(&MARKS, &[])));
        let rows: Result<Vec<_>, StoreError> = read.await;
        let marks: Vec<_> = rows.unwrap().iter().map(|row| row.values()[0].clone()).collect();

        assert_eq!(marks.len(), 4);
        for mark in &marks {
            let storage::Value::Bytes(bytes) = mark else { panic!("{mark:?}") };
            assert_eq!(bytes.len(), 32, "a digest, whatever it was made of");
        }
        // The same shopper is somebody else under another secret.
        let other = [("TILL_SECRET", "another secret for stories that is long enough")];
        shop.restart_with(other).await;
        tester(&shop, HOME, "ada@example.org", 1).await;
        assert_eq!(counted(&shop.cx.store).await[0], 8);
        shop.close().await;
    }

    async fn who_turns_the_shield_off_has_none(shop: Shop) {
        let mut shop = shop;
        let limit = [
            ("TILL_SHIELD", "off"),
            ("TILL_SHIELD_ORDERS", "visitor:1, network:1, email:1"),
        ];
        shielded(&mut shop, limit).await;
        for _ in 0..3 {
            tester(&shop, HOME, "ada@example.org", 7).await;
        }
        assert_eq!(newcomer(&shop, HOME, "ada@example.org").await.status, 200);
        assert_eq!(counted(&shop.cx.store).await, [0; 4]);
        shop.close().await;
    }
}
