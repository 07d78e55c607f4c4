//! A session whose bank wants to know who pays: proven, failed, led away, given up.

use serde_json::{Value, json};
use simulators::stripe::{Fault, FaultKind, Options};

use super::{
    session::ready,
    session_pay::{
        CURRENT, PAYMENTS, challenged, current, order, pay, pay_by, shopper, state, until_paid,
    },
};
use crate::{
    guest::{Card, Reply},
    shop::{Shop, stories},
};

/// The page of her bank to which Stripe leads her, and the one to which the bank leads her back.
async fn banks_page(shop: &Shop, payment: &str) -> (String, String) {
    let url = format!("{}{PAYMENTS}/{payment}", shop.stripe_url);
    let key = Options::default().secret_key;
    let answer = shop.http.get(url).bearer_auth(key).send().await.unwrap();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let action = &answer["next_action"]["redirect_to_url"];
    let [page, back] = ["url", "return_url"].map(|name| action[name].as_str().unwrap().to_owned());
    (page, back)
}

/// No event comes, and none can be fetched. Said before the payment: one that is on its way would have
/// it looked at.
fn hear_nothing(shop: &Shop) {
    shop.stripe.hold_webhooks();
    let unheard = Fault::once("/v1/events", FaultKind::LoseBefore);
    shop.stripe.inject(Fault { times: 1000, ..unheard });
}

fn hear_again(shop: &Shop) {
    shop.stripe.clear_faults();
    shop.stripe.release_webhooks();
}

stories! {
    async fn whoever_confirms_by_itself_is_told_what_to_call(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let path = format!("{CURRENT}/confirm");
        let confirm = || guest.post(&path, json!({ "gateway": "clover" }));
        assert_eq!(confirm().await.to_string(), "410 SESSION_GONE");
        ready(&guest).await;
        let told = confirm().await;
        assert_eq!(told.to_string(), "400 SESSION_NOT_CONFIRMABLE");
        let sentence = told.body["error"]["message"].as_str().unwrap();
        assert!(sentence.contains("/current/pay") && sentence.contains("/current/resume-payment"));
        assert_eq!(state(&current(&guest).await), "200 open idle");
        shop.close().await;
    }

    async fn the_payment_is_named_from_the_moment_in_which_there_is_one(shop: Shop) {
        let guest = shopper(&shop).await;
        let named = |reply: &Reply| {
            let metadata = &reply.body["data"]["session"]["payment"]["gatewayMetadata"];
            metadata["paymentIntentId"].as_str().map(str::to_owned)
        };
        assert_eq!(named(&current(&guest).await), None);
        let declined = pay(&guest, Card::Declined).await;
        let first = named(&declined).unwrap();
        let asked = pay(&guest, Card::ThreeDSecure).await;
        assert_eq!(named(&asked).as_deref(), Some(challenged(&asked)));
        assert_ne!(named(&asked), Some(first));
        assert!(shop.stripe.authenticate(challenged(&asked), true));
        let paid = guest.post(&format!("{CURRENT}/resume-payment"), json!({})).await;
        assert_eq!(state(&paid), "200 complete succeeded");
        for reply in [&paid, &current(&guest).await] {
            assert_eq!(named(reply), named(&asked));
        }
        until_paid(&shop, &guest, order(&paid)).await;
        shop.close().await;
    }

    async fn a_shopper_who_must_authenticate_resumes_after_she_has(shop: Shop) {
        let guest = shopper(&shop).await;
        let reply = pay(&guest, Card::ThreeDSecure).await;
        assert_eq!(state(&reply), "200 open requires_action");
        let payment = &reply.body["data"]["session"]["payment"];
        assert!(payment["clientToken"].as_str().unwrap().contains("_secret_"));
        assert_eq!(payment["actionData"]["type"], "stripe_3ds");

        // Another token does not start another payment meanwhile.
        let second = pay(&guest.other_tab(), Card::Good).await;
        assert_eq!(challenged(&second), challenged(&reply));
        let early = guest.post(&format!("{CURRENT}/resume-payment"), json!({})).await;
        assert_eq!(early.to_string(), "409 PAYMENT_STILL_REQUIRES_ACTION");

        assert!(shop.stripe.authenticate(challenged(&reply), true));
        let resumed = guest.post(&format!("{CURRENT}/resume-payment"), json!({})).await;
        assert_eq!(state(&resumed), "200 complete succeeded");
        until_paid(&shop, &guest, order(&resumed)).await;
        shop.close().await;
    }

    async fn a_shopper_who_fails_to_authenticate_may_pay_with_another_card(shop: Shop) {
        let guest = shopper(&shop).await;
        let reply = pay(&guest, Card::ThreeDSecure).await;
        assert!(shop.stripe.authenticate(challenged(&reply), false));
        shop.until("the session has heard", || async {
            state(&current(&guest).await) == "200 open failed"
        }).await;
        let resumed = guest.post(&format!("{CURRENT}/resume-payment"), json!({})).await;
        assert_eq!(resumed.to_string(), "400 SESSION_NOT_RESUMABLE");
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        until_paid(&shop, &guest, order(&reply)).await;
        shop.close().await;
    }

    async fn a_bank_that_leads_her_away_leads_her_back_and_the_session_is_resumed(shop: Shop) {
        let guest = shopper(&shop).await;
        let reply = pay_by(&guest, &guest.token_of_a_bank().await).await;
        assert_eq!(state(&reply), "200 open requires_action");
        let (page, back) = banks_page(&shop, challenged(&reply)).await;
        assert_eq!(back.trim_end_matches('/'), shop.url);
        let agreed = shop.http.post(page).form(&[("outcome", "complete")]).send().await.unwrap();
        assert!(agreed.url().as_str().starts_with(&back), "{}", agreed.url());

        let resumed = guest.post(&format!("{CURRENT}/resume-payment"), json!({})).await;
        assert_eq!(state(&resumed), "200 complete succeeded");
        until_paid(&shop, &guest, order(&resumed)).await;
        shop.close().await;
    }

    async fn whoever_comes_back_from_her_bank_in_vain_is_told_so_once_and_pays_otherwise(
        shop: Shop
    ) {
        let guest = shopper(&shop).await;
        hear_nothing(&shop);
        let reply = pay_by(&guest, &guest.token_of_a_bank().await).await;
        let (page, _) = banks_page(&shop, challenged(&reply)).await;
        let refused = shop.http.post(page).form(&[("outcome", "fail")]).send().await.unwrap();
        // What the address says is nobody's word: not that she failed, and not that she has paid.
        assert!(refused.url().query().unwrap().contains("redirect_status=failed"));
        let said = format!("{CURRENT}?redirect_status=succeeded&payment_intent={}", challenged(&reply));
        assert_eq!(state(&guest.get(&said).await), "200 open requires_action");

        let resume = format!("{CURRENT}/resume-payment");
        assert_eq!(state(&guest.post(&resume, json!({})).await), "200 open failed");
        for _ in 0..3 {
            assert_eq!(state(&current(&guest).await), "200 open failed");
            assert_eq!(guest.post(&resume, json!({})).await.to_string(), "400 SESSION_NOT_RESUMABLE");
        }
        hear_again(&shop);
        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        until_paid(&shop, &guest, order(&reply)).await;
        shop.close().await;
    }

    async fn a_session_that_waited_for_another_sale_sees_its_cart_as_it_is(shop: Shop) {
        for gives_up in [false, true] {
            let guest = shopper(&shop).await;
            hear_nothing(&shop);
            let waits = pay(&guest, Card::ThreeDSecure).await;
            assert_eq!(guest.add("book", 1).await.status, 200);
            // She has gone back to her cart, and comes to another checkout with one more thing in it.
            let again = guest.other_tab();
            ready(&again).await;
            assert_eq!(challenged(&pay(&again, Card::Good).await), challenged(&waits));
            assert!(shop.stripe.authenticate(challenged(&waits), true));

            let what = if gives_up { "abandon-payment" } else { "resume-payment" };
            let shown = again.post(&format!("{CURRENT}/{what}"), json!({})).await;

            assert_eq!(shown.to_string(), "409 CART_MISMATCH");
            hear_again(&shop);
            until_paid(&shop, &guest, order(&current(&guest).await)).await;
            assert_eq!(again.cart().await, "1 x book");
            assert_eq!(pay(&again, Card::Good).await.to_string(), "409 CART_MISMATCH");
            let paid = pay(&again, Card::Good).await;
            assert_eq!(state(&paid), "200 complete succeeded", "{paid}");
            until_paid(&shop, &again, order(&paid)).await;
        }
        shop.close().await;
    }

    async fn a_payment_that_is_abandoned_is_cancelled_at_stripe_first(shop: Shop) {
        let guest = shopper(&shop).await;
        let reply = pay(&guest, Card::ThreeDSecure).await;
        let abandoned = guest.post(&format!("{CURRENT}/abandon-payment"), json!({})).await;
        assert_eq!(state(&abandoned), "200 open failed");
        assert_eq!(abandoned.body["data"]["session"]["payment"]["clientToken"], Value::Null);
        assert!(!shop.stripe.authenticate(challenged(&reply), true));
        assert_eq!(shop.stock("mug").await, (100, 0));
        let again = guest.post(&format!("{CURRENT}/abandon-payment"), json!({})).await;
        assert_eq!(again.to_string(), "400 SESSION_NOT_ABANDONABLE");

        let reply = pay(&guest, Card::Good).await;
        assert_eq!(state(&reply), "200 complete succeeded");
        until_paid(&shop, &guest, order(&reply)).await;
        shop.close().await;
    }

    async fn a_shopper_who_was_faster_than_her_wish_to_give_up_has_paid(shop: Shop) {
        let guest = shopper(&shop).await;
        hear_nothing(&shop);
        let reply = pay(&guest, Card::ThreeDSecure).await;
        assert!(shop.stripe.authenticate(challenged(&reply), true));
        let abandoned = guest.post(&format!("{CURRENT}/abandon-payment"), json!({})).await;
        assert_eq!(state(&abandoned), "200 complete succeeded");
        hear_again(&shop);
        until_paid(&shop, &guest, order(&abandoned)).await;
        shop.close().await;
    }
}
