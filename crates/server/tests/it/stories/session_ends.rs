//! Sessions end by themselves, and what their shoppers typed is deleted some days later; one whose payment
//! may still move does neither.

use std::{collections::BTreeMap, time::Duration};

use http::Method;
use serde_json::json;
use server::worker::run_due_sessions;
use simulators::elastic_path::{ErrorShape, FaultKind};
use storage::{Store, StoreError};

use super::session::ready;
use super::session_pay::{pay, until_paid};
use crate::{
    browser::{Browser, CURRENT, state},
    guest::Card,
    platform::Platform,
};

storage::statements! {
    STATES = "select state from checkout_sessions order by id";
}

const MINUTES: Duration = Duration::from_secs(60);
const DAYS: Duration = Duration::from_secs(24 * 60 * 60);

/// Sessions by state, such as `1 complete, 1 open`, without looking at any of them.
async fn sessions(store: &Store) -> String {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let mut counts = BTreeMap::<String, u32>::new();
            for row in tx.query(&STATES, &[]).await? {
                *counts.entry(row.read("checkout_sessions").text("state")?).or_default() += 1;
            }
            Ok(counts)
        })
    });
    let counts: Result<_, StoreError> = read.await;
    let words = counts.unwrap().into_iter().map(|(state, count)| format!("{count} {state}"));
    words.collect::<Vec<_>>().join(", ")
}

/// Everything that is due with sessions of a shop at Elastic Path.
async fn sweep(shop: &Platform) {
    while run_due_sessions(&shop.px).await > 0 {}
}

crate::shop::stories! {
    async fn the_merchant_says_how_long_a_session_waits_for_its_shopper(shop: Shop) {
        let mut shop = shop;
        shop.restart_with([("TILL_SESSION_MINUTES", "90")]).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        ready(&guest).await;
        for _ in 0..2 {
            shop.advance(89 * MINUTES);
            assert_eq!(guest.patch(CURRENT, json!({})).await.status, 200);
        }
        shop.advance(91 * MINUTES);
        assert_eq!(guest.patch(CURRENT, json!({})).await.to_string(), "410 SESSION_GONE");
        shop.close().await;
    }

    async fn a_session_ends_without_being_looked_at_and_is_deleted_later(shop: Shop) {
        let store = shop.cx.store.clone();
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        ready(&guest).await;
        let buyer = shop.guest_with_cart([("mug", 1)]).await;
        ready(&buyer).await;
        let paid = pay(&buyer, Card::Good).await;
        until_paid(&shop, &buyer, paid.body["data"]["session"]["order"]["id"].as_str().unwrap()).await;
        assert_eq!(sessions(&store).await, "1 complete, 1 open");
        shop.advance(31 * MINUTES);
        shop.until("the session has expired", || async {
            sessions(&store).await == "1 complete, 1 expired"
        }).await;
        shop.advance(13 * DAYS);
        let late = shop.guest_with_cart([("mug", 1)]).await;
        ready(&late).await;
        assert_eq!(sessions(&store).await, "1 complete, 1 expired, 1 open");
        shop.advance(2 * DAYS);
        shop.until("both are gone, and the third has expired", || async {
            sessions(&store).await == "1 expired"
        }).await;
        // What was bought is still there.
        let order = paid.body["data"]["session"]["order"]["id"].as_str().unwrap();
        assert_eq!(buyer.get(&format!("/api/orders/{order}")).await.body["status"], "paid");
        shop.close().await;
    }
}

crate::platform::platform_stories! {
    async fn a_session_that_follows_a_live_payment_neither_ends_nor_is_deleted(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        let asked = guest.pay("ctoken_3ds").await;
        assert_eq!(state(&asked), "200 open requires_action");
        let other = Browser::open(&shop, &[]);
        other.ready().await;
        shop.ep.advance(31 * MINUTES);
        sweep(&shop).await;
        assert_eq!(sessions(&shop.px.store).await, "1 action_required, 1 expired");
        assert_eq!(other.session().await["status"], "expired");
        assert_eq!(other.pay("ctoken_ok").await.to_string(), "410 SESSION_GONE");
        assert_eq!(state(&guest.get(CURRENT).await), "200 open requires_action");

        // Her bank says no in the end: she may pay again, and then her time is over too.
        let payment = shop.ep.ledger().payments[0].id.clone();
        assert!(shop.ep.authenticate(&payment, Some(false)));
        shop.heal().await;
        sweep(&shop).await;
        assert_eq!(sessions(&shop.px.store).await, "2 expired");
        shop.ep.advance(15 * DAYS);
        sweep(&shop).await;
        assert_eq!(sessions(&shop.px.store).await, "");
        shop.close().await;
    }

    async fn a_session_whose_cart_is_not_yet_tidied_up_is_kept_until_it_is(shop: Platform) {
        let guest = Browser::open(&shop, &[]);
        guest.ready().await;
        let broken = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::DELETE, "/v2/carts", broken, 1_000);
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 confirmed");
        shop.ep.advance(15 * DAYS);
        sweep(&shop).await;
        assert_eq!(sessions(&shop.px.store).await, "1 complete");
        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        sweep(&shop).await;
        assert_eq!(sessions(&shop.px.store).await, "");
        assert_eq!(guest.session().await, serde_json::Value::Null);
        shop.close().await;
    }
}
