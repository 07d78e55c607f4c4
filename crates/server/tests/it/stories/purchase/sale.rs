//! What is sold.

use http::{Method, Request};
use simulators::elastic_path::{Promotion, Reduction};
use tower::ServiceExt;

use crate::platform::{EBOOK, KETTLE, PAN, platform_stories, said};

platform_stories! {
    async fn a_cart_is_charged_then_ordered_then_confirmed_then_tidied_up(shop: Platform) {
        let shopper = shop.shopper([(PAN, 2)]).await;
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert_eq!(shop.purchases().await, "1 cleaned");

        let ledger = shop.ep.ledger();
        let [payment] = ledger.payments.as_slice() else { panic!("{ledger:?}") };
        let [order] = ledger.orders.as_slice() else { panic!("{ledger:?}") };
        assert_eq!((payment.status, payment.amount), ("succeeded", 3599));
        assert_eq!((order.payment, order.total), ("paid", 3599));
        assert_eq!(shop.stock(PAN), Some(98));
        let steps = shop.ep.requests();
        let wanted = ["/payments", "/checkout", "/confirm"];
        let order_of = |end: &str| steps.iter().position(|one| one.path.ends_with(end)).unwrap();
        assert!(wanted.windows(2).all(|two| order_of(two[0]) < order_of(two[1])));
        let deletion = steps.iter().rposition(|one| one.method == "DELETE").unwrap();
        assert!(order_of("/confirm") < deletion);

        assert!(shop.cart(&shopper.cart).await.lines.is_empty());
        let forgotten = server::flows::platform_cart::cart_of(&shop.px, shopper.visitor).await;
        assert_eq!(forgotten.unwrap(), None, "the visitor has no cart until she fills one");
        shop.close().await;
    }

    async fn a_second_pay_after_the_sale_answers_the_same_and_asks_for_nothing(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        let asked = shop.ep.requests().len();
        assert_eq!(said(&shopper.pay("ctoken_ok_2").await), "complete/succeeded");
        assert_eq!(shop.ep.requests().len(), asked);
        shop.close().await;
    }

    async fn money_that_is_only_held_pays_the_order_when_elastic_path_says_authorized(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_auth_only").await), "complete/succeeded");
        assert_eq!(shop.ep.ledger().orders[0].payment, "authorized");
        shop.close().await;
    }

    async fn a_debit_is_pending_until_its_bank_has_paid(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_processing").await), "processing/pending");
        shop.heal().await;
        assert_eq!(shopper.stands().await, "processing/pending");
        let payment = shop.ep.ledger().payments[0].id.clone();
        assert!(shop.ep.settle(&payment, Some(true)));
        shop.heal().await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        assert_eq!(shop.purchases().await, "1 cleaned");
        shop.close().await;
    }

    async fn a_debit_that_its_bank_refuses_is_no_sale(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_processing_fails").await), "processing/pending");
        let payment = shop.ep.ledger().payments[0].id.clone();
        assert!(shop.ep.settle(&payment, Some(false)));
        shop.heal().await;
        assert_eq!(shopper.stands().await, "open/failed");
        assert_eq!(shop.purchases().await, "1 declined");
        shop.close().await;
    }

    async fn a_cart_with_nothing_to_pay_becomes_an_order_by_the_manual_gateway(shop: Platform) {
        shop.ep.set_price(EBOOK, "USD", 0);
        let mut shopper = shop.shopper([(EBOOK, 1)]).await;
        shopper.open_session(false).await;
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        let ledger = shop.ep.ledger();
        assert!(ledger.payments.is_empty());
        assert_eq!(ledger.transactions[0].reference, "manual");
        shop.close().await;
    }

    async fn an_account_buys_with_its_own_order_and_lets_go_of_the_cart(shop: Platform) {
        let mut shopper = shop.shopper([(PAN, 1)]).await;
        shopper.sign_in();
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert_eq!(shop.asked("POST", "/relationships/accounts"), 1);
        assert_eq!(shop.asked("DELETE", "/relationships/accounts"), 1);
        assert_eq!(shop.purchases().await, "1 cleaned");
        shop.close().await;
    }

    async fn nobody_but_elastic_path_can_be_reached(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert!(shop.denied().is_empty());
        // The list is live: the wire that the server has leads nowhere else.
        let elsewhere = "https://api.stripe.com/v1/refunds";
        let request = Request::post(elsewhere).body(bytes::Bytes::new()).unwrap();
        assert!(shop.wire.clone().oneshot(request).await.is_err());
        assert_eq!(shop.denied(), [elsewhere]);
        shop.close_apart(&[]).await;
    }

    async fn the_shop_asks_for_one_token_of_its_own_for_each_request(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let own = || {
            let requests = shop.ep.requests();
            let is_own = |path: &str, grant: Option<&str>| {
                path.ends_with("/access_token") && grant == Some("client_credentials")
            };
            requests.iter().filter(|one| is_own(&one.path, one.grant)).count()
        };
        let before = own();
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert_eq!(own() - before, 1);
        shop.close().await;
    }

    async fn what_the_shopper_saw_is_what_is_charged_a_promotion_that_ended_stops_it(shop: Platform) {
        shop.ep.add_promotion(Promotion {
            code: "HALF".into(),
            name: "Half".into(),
            reduction: Reduction::Percent(50),
        });
        let mut shopper = shop.shopper([(KETTLE, 1)]).await;
        let url = format!("/v2/carts/{}/items", shopper.cart);
        promote(&shop, &url, "HALF").await;
        shopper.open_session(true).await;
        let seen = shopper.session().await.totals.unwrap().total().minor();
        shop.ep.end_promotion("HALF");
        let refused = said(&shopper.pay("ctoken_ok").await);
        assert_eq!(refused, "refused: the cart has changed");
        assert!(shop.ep.ledger().payments.is_empty(), "nothing was charged");
        let now = shopper.session().await.totals.unwrap().total().minor();
        assert!(now > seen, "the session shows what it costs now");
        assert_eq!(said(&shopper.pay("ctoken_ok_2").await), "complete/succeeded");
        assert_eq!(shop.ep.ledger().payments[0].amount, now);
        shop.close().await;
    }
}

/// The shopper's page puts a code into her cart.
async fn promote(shop: &crate::platform::Platform, path: &str, code: &str) {
    let form = "grant_type=implicit&client_id=ep_till_client_0123456789abcdef";
    let mint = Request::post("http://127.0.0.1:81/oauth/access_token")
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(bytes::Bytes::from(form))
        .unwrap();
    let minted = shop.wire.clone().oneshot(mint).await.unwrap();
    let minted: serde_json::Value = serde_json::from_slice(minted.body()).unwrap();
    let body = serde_json::json!({"data": {"type": "promotion_item", "code": code}});
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://127.0.0.1:81{path}"))
        .header("authorization", format!("Bearer {}", minted["access_token"].as_str().unwrap()))
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(bytes::Bytes::from(body.to_string()))
        .unwrap();
    assert_eq!(shop.wire.clone().oneshot(request).await.unwrap().status(), 201);
}
