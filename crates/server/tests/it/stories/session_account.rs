//! Who is signed in to an account at Elastic Path buys in its name; who may not buy is told so before
//! anything is charged.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use simulators::elastic_path::{ErrorShape, FaultKind};

use crate::{
    browser::{ACCOUNT, Browser, state},
    platform::{PAN, Platform, platform_stories},
    platform_books::purchases,
};

/// Somebody who is signed in, with everything that is needed to pay.
async fn signed_in<'shop>(shop: &'shop Platform, token: &str) -> Browser<'shop> {
    let mut guest = Browser::open(shop, &[]);
    guest.headers.push((ACCOUNT, token.to_owned()));
    guest.ready().await;
    guest
}

/// Nothing that charges was asked for.
fn nothing_is_charged(shop: &Platform) {
    assert_eq!(shop.asked("POST", "/payments"), 0);
    assert!(shop.ep.ledger().payments.is_empty());
}

/// The accounts of the purchases, in the order in which they began.
async fn accounts(shop: &Platform) -> Vec<Option<String>> {
    let all = purchases(&shop.px.store).await.into_iter();
    let account = all.map(|one| one.terms.buyer.account.map(|account| account.account.to_string()));
    account.collect()
}

platform_stories! {
    async fn whoever_is_signed_in_to_an_account_buys_in_its_name(shop: Platform) {
        let (account, token) = shop.ep.add_account();
        let guest = signed_in(&shop, &token).await;
        let paid = guest.pay("ctoken_ok").await;
        assert_eq!(state(&paid), "200 complete succeeded");
        assert_eq!(accounts(&shop).await, [Some(account.clone())]);
        let order = shop.ep.ledger().orders[0].clone();
        assert_eq!(paid.body["data"]["session"]["order"]["id"], order.id.as_str());
        assert_eq!(order.account_id, Some(account));
        assert_eq!(shop.asked("POST", "/relationships/accounts"), 1);
        assert_eq!(shop.asked("DELETE", "/relationships/accounts"), 1);
        shop.close().await;
    }

    async fn whoever_has_two_accounts_buys_in_the_name_of_the_one_she_has_chosen(shop: Platform) {
        let (first, _) = shop.ep.add_account();
        let (second, token) = shop.ep.add_account_beside(&first).unwrap();
        let guest = signed_in(&shop, &token).await;
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        assert_eq!(accounts(&shop).await, [Some(second)]);
        shop.close().await;
    }

    async fn what_one_account_has_filled_in_is_not_shown_to_whoever_signs_in_next(shop: Platform) {
        let (_, first) = shop.ep.add_account();
        let (account, second) = shop.ep.add_account();
        let mut guest = signed_in(&shop, &first).await;
        let who = |session: &Value| {
            let fields = ["customerInfo", "shippingAddress", "billingAddress"];
            fields.map(|field| session[field].is_null())
        };
        assert_eq!(who(&guest.session().await), [false; 3]);

        // She signs out, and somebody else signs in in the same browser.
        for next in [None, Some(second)] {
            guest.headers = next.map(|token| (ACCOUNT, token)).into_iter().collect();
            assert_eq!(who(&guest.session().await), [true; 3]);
            let offered = guest.offer().await;
            assert_eq!(who(&offered.body["data"]["session"]), [true; 3]);
        }
        // What the other begins to fill in is a form of her own.
        let begun = json!({ "customerInfo": { "name": "Eva", "email": "eva@example.org" } });
        let begun = guest.patch(begun).await;
        assert_eq!(who(&begun.body["data"]["session"]), [false, true, true]);
        let missing = guest.pay("ctoken_ok").await;
        assert_eq!(missing.to_string(), "400 MISSING_FIELDS");
        guest.fill_in().await;
        assert_eq!(who(&guest.session().await), [false; 3]);
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        assert_eq!(accounts(&shop).await, [Some(account)]);
        guest.headers = vec![(ACCOUNT, first)];
        assert_eq!(who(&guest.session().await), [true; 3]);
        shop.close().await;
    }

    async fn a_sign_in_that_is_over_or_never_was_is_told_before_anything_is_charged(shop: Platform) {
        let (_, old) = shop.ep.add_account();
        shop.ep.advance(Duration::from_secs(25 * 60 * 60));
        for token in [old.as_str(), "nobodys", "h.e30.s"] {
            let guest = signed_in(&shop, token).await;
            let reply = guest.pay("ctoken_ok").await;
            assert_eq!(reply.to_string(), "401 ACCOUNT_TOKEN_INVALID");
            assert_eq!(guest.session().await["status"], "open");
        }
        nothing_is_charged(&shop);
        // Who signs out may buy as a guest, who signs in again in the account's name.
        let mut guest = signed_in(&shop, &old).await;
        assert_eq!(guest.pay("ctoken_ok").await.status, 401);
        guest.headers.clear();
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        assert_eq!(accounts(&shop).await, [None]);
        shop.close().await;
    }

    async fn while_nobody_says_who_is_signed_in_nothing_is_charged(shop: Platform) {
        let (account, token) = shop.ep.add_account();
        let guest = signed_in(&shop, &token).await;
        let broken = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::POST, "/v2/account-members/tokens", broken, 100);
        let reply = guest.pay("ctoken_ok").await;
        assert_eq!(reply.to_string(), "502 EP_ERROR");
        assert_eq!(reply.body["error"]["message"], "Failed to read the account");
        nothing_is_charged(&shop);
        shop.ep.clear_faults();
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        assert_eq!(accounts(&shop).await, [Some(account)]);
        shop.close().await;
    }

    async fn whoever_has_begun_to_pay_is_told_how_it_stands_although_her_sign_in_is_over(shop: Platform) {
        let (_, token) = shop.ep.add_account();
        let mut guest = signed_in(&shop, &token).await;
        assert_eq!(state(&guest.pay("ctoken_3ds").await), "200 open requires_action");
        let tab = guest.other_tab(&[]);
        guest.headers = vec![(ACCOUNT, "nobodys".to_owned())];
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 open requires_action");
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        let payment = shop.ep.ledger().payments[0].id.clone();
        assert!(shop.ep.authenticate(&payment, Some(true)));
        assert_eq!(state(&tab.resume().await), "200 complete succeeded");
        tab.rest().await;
        assert_eq!(state(&guest.pay("ctoken_ok").await), "200 complete succeeded");
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        shop.close().await;
    }

    async fn whoever_signs_in_to_another_account_after_a_decline_buys_in_that_ones_name(shop: Platform) {
        let (_, first) = shop.ep.add_account();
        let (account, second) = shop.ep.add_account();
        let mut guest = signed_in(&shop, &first).await;
        assert_eq!(state(&guest.pay("ctoken_decline_4xx").await), "200 open failed");
        guest.headers = vec![(ACCOUNT, second)];
        let asked = shop.asked("POST", "/payments");
        // While the cart does not change hands nothing is charged.
        let broken = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::DELETE, "/v2/carts/{}/relationships/accounts", broken, 100);
        assert_eq!(guest.pay("ctoken_ok").await.to_string(), "502 ADAPTER_ERROR");
        assert_eq!(shop.asked("POST", "/payments"), asked);
        shop.ep.clear_faults();
        assert_eq!(state(&guest.pay("ctoken_ok_2").await), "200 complete succeeded");
        assert_eq!(accounts(&shop).await.last(), Some(&Some(account.clone())));
        assert_eq!(shop.ep.ledger().orders[0].account_id, Some(account));
        shop.close().await;
    }

    async fn a_subscription_is_not_sold_and_nothing_is_charged_for_it(shop: Platform) {
        let (_, token) = shop.ep.add_account();
        for signed_in in [false, true] {
            let mut guest = Browser::open(&shop, &[]);
            guest.add(PAN, 2).await;
            let cart = guest.cart().await.parse().unwrap();
            let item = json!({
                "type": "subscription_item",
                "id": PAN,
                "quantity": 1,
                "subscription_configuration": { "pricing_option": "p1" },
            });
            shop.add_by_page(&cart, &item).await;
            guest.open_session().await;
            guest.fill_in().await;
            if signed_in {
                guest.headers.push((ACCOUNT, token.clone()));
            }
            let reply = guest.pay("ctoken_ok").await;
            assert_eq!(reply.to_string(), "403 ACCOUNT_REQUIRED");
            assert_eq!(guest.session().await["payment"]["status"], "idle");
        }
        nothing_is_charged(&shop);
        assert_eq!(shop.purchases().await, "");
        shop.close().await;
    }
}
