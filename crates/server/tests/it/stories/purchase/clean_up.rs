//! Tidying up after a sale: each step may fail, is tried again, and fails no sale.

use domain::session::Patch;
use gateways::elastic_path::Caller;
use http::Method;
use simulators::elastic_path::{ErrorShape, FaultKind};

use crate::platform::{EBOOK, PAN, Platform, platform_stories, said};

/// A sale in which one path of the tidying up does not work for a while.
async fn fails_for_a_while(shop: Platform, method: Method, path: &str, skip: u32) {
    let mut shopper = shop.shopper([(PAN, 1)]).await;
    shopper.sign_in();
    let kind = FaultKind::Status(500, ErrorShape::Number);
    let fault = simulators::elastic_path::Fault::once(path, kind).of(method.clone());
    shop.ep.inject(fault.nth(skip + 1).times(100));
    assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
    assert_eq!(shop.purchases().await, "1 confirmed", "{method} {path}");
    shop.pass(2, std::time::Duration::from_secs(20)).await;
    assert_eq!(shop.purchases().await, "1 confirmed");
    shop.ep.clear_faults();
    shop.heal().await;
    assert_eq!(shop.purchases().await, "1 cleaned");
    assert!(shop.cart(&shopper.cart).await.lines.is_empty());
    assert_eq!(shopper.stands().await, "complete/succeeded");
    shop.close().await;
}

platform_stories! {
    async fn a_cart_that_can_never_be_tidied_up_calls_a_person_and_is_free(shop: Platform) {
        let mut shop = shop;
        let kind = FaultKind::Status(422, ErrorShape::Number);
        shop.faults(Method::PUT, "/v2/carts/{}", kind, 10_000);
        shop.faults(Method::DELETE, "/relationships/accounts", kind, 10_000);
        {
            let mut shopper = shop.shopper([(PAN, 1)]).await;
            shopper.sign_in();
            assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
            assert!(shop.cart(&shopper.cart).await.lines.is_empty(), "what works is done at once");
        }
        shop.pass(20, std::time::Duration::from_secs(3_600)).await;
        assert_eq!((shop.purchases().await, shop.items().await.len()), ("1 confirmed".to_owned(), 0));
        shop.pass(6, std::time::Duration::from_secs(3_600)).await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        assert_eq!(shop.items().await, ["purchase_untidied", "purchase_untidied"]);
        shop.expected_items = 2;
        shop.close().await;
    }

    async fn a_cart_that_is_never_deleted_calls_a_person(shop: Platform) {
        let mut shop = shop;
        let kind = FaultKind::Status(422, ErrorShape::Number);
        shop.faults(Method::DELETE, "/v2/carts/{}", kind, 10_000);
        {
            let shopper = shop.shopper([(PAN, 1)]).await;
            assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
            shop.pass(26, std::time::Duration::from_secs(3_600)).await;
            assert_eq!(shop.purchases().await, "1 cleaned");
            let lines = shop.cart(&shopper.cart).await.lines;
            assert!(!lines.is_empty(), "the platform keeps it");
        }
        assert_eq!(shop.items().await, ["purchase_untidied"]);
        shop.expected_items = 1;
        shop.close().await;
    }

    async fn a_session_that_outlives_a_cart_that_is_never_deleted_does_not_buy_it_again(shop: Platform) {
        let mut shop = shop;
        shop.restart(&[("TILL_SESSION_MINUTES", "1440")]);
        let kind = FaultKind::Status(422, ErrorShape::Number);
        shop.faults(Method::DELETE, "/v2/carts/{}", kind, 10_000);
        {
            let shopper = shop.shopper([(PAN, 1)]).await;
            let other = shopper.second_session(true).await;
            assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
            shop.pass(12, std::time::Duration::from_secs(3_600)).await;
            let now = shop.px.clock.now();
            other.change(|session| {
                *session = session.clone().patch(Patch::default(), now).unwrap();
            }).await;
            shop.pass(14, std::time::Duration::from_secs(3_600)).await;
            assert_eq!((shop.purchases().await, other.stands().await), ("1 cleaned".into(), "open/idle".into()));
            assert_eq!(said(&other.pay("ctoken_ok_2").await), "complete/succeeded");
            assert_eq!(shop.ep.ledger().payments.len(), 1);
        }
        shop.expected_items = 1;
        shop.close().await;
    }

    async fn a_payment_that_cannot_be_taken_off_the_cart_is_taken_off_later(shop: Platform) {
        fails_for_a_while(shop, Method::PUT, "/v2/carts/{}", 0).await;
    }

    async fn an_account_that_does_not_let_go_of_the_cart_does_later(shop: Platform) {
        fails_for_a_while(shop, Method::DELETE, "/relationships/accounts", 0).await;
    }

    async fn a_cart_that_cannot_be_deleted_is_deleted_later(shop: Platform) {
        fails_for_a_while(shop, Method::DELETE, "/v2/carts/{}", 0).await;
    }

    async fn a_cart_that_cannot_be_read_before_it_is_deleted_is_deleted_later(shop: Platform) {
        // Read before the charge by the check, by the preparation, and before the checkout.
        fails_for_a_while(shop, Method::GET, "/v2/carts/{}", 3).await;
    }

    async fn a_cart_that_is_not_deleted_right_after_its_account_let_go_is_deleted_later(shop: Platform) {
        let mut shopper = shop.shopper([(PAN, 1)]).await;
        shopper.sign_in();
        let not_yet = FaultKind::Status(400, ErrorShape::Number);
        shop.fault(Method::DELETE, "/v2/carts/{}", not_yet);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert_eq!(shop.asked("DELETE", "/relationships/accounts"), 1);
        assert_eq!(shop.purchases().await, "1 confirmed");
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        assert!(shop.cart(&shopper.cart).await.lines.is_empty());
        assert_eq!(shop.asked("DELETE", "/relationships/accounts"), 1, "what is done is not done again");
        shop.close().await;
    }

    async fn an_accounts_last_cart_is_emptied_where_it_cannot_be_deleted(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::DELETE, "/v2/carts/{}", kind, 100);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        // She signs in on the page, which makes the cart her account's before it is tidied up.
        let (account, _) = shop.ep.add_account();
        let admin = shop.px.elastic_path.admin().unwrap();
        let (caller, account) = (Caller::Admin(&admin), account.parse().unwrap());
        shop.px.elastic_path.associate(caller, &shopper.cart, &account).await.unwrap();
        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        assert_eq!(shop.asked("DELETE", "/items"), 1);
        let left = shop.cart(&shopper.cart).await;
        assert_eq!((left.lines.len(), left.accounts), (0, vec![account]));
        shop.close().await;
    }

    async fn a_cart_whose_deletion_failed_is_not_paid_again(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let other = shopper.second_session(true).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::DELETE, "/v2/carts/{}", kind, 100);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        // A cookie from before, another tab: the cart is still there, and is bought already.
        assert_eq!(said(&other.pay("ctoken_ok_2").await), "complete/succeeded");
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        shop.close().await;
    }

    async fn what_she_puts_into_a_bought_cart_is_not_said_to_be_bought(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::DELETE, "/v2/carts/{}", kind, 100);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert_eq!(shop.purchases().await, "1 confirmed", "the cart is not tidied up yet");
        shop.add(&shopper.cart, EBOOK, 1).await;

        let more = shopper.second_session(true).await;
        let said_of_more = said(&more.pay("ctoken_ok_2").await);
        assert_eq!(said_of_more, "refused: the cart has changed");
        assert_eq!(more.stands().await, "open/idle");
        assert_eq!(shop.ep.ledger().payments.len(), 1);
        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        shop.close().await;
    }

    async fn a_deletion_whose_answer_is_lost_does_not_take_what_came_after_it(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.fault(Method::DELETE, "/v2/carts/{}", FaultKind::LoseAfter);
        assert_eq!(said(&shopper.click("ctoken_ok").await), "complete/succeeded");
        // The cart is deleted, and another tab begins it anew before anything is asked again.
        while shop.asked("DELETE", shopper.cart.as_str()) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        shop.add(&shopper.cart, EBOOK, 1).await;
        shop.rest().await;
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        let lines = shop.cart(&shopper.cart).await.lines;
        assert!(lines.iter().any(|line| line.sku.as_deref() == Some("recipes-ebook")));
        shop.close().await;
    }

    async fn what_she_puts_into_the_cart_afterwards_is_hers(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::DELETE, "/v2/carts/{}", kind, 4);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.add(&shopper.cart, EBOOK, 1).await;
        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        let lines = shop.cart(&shopper.cart).await.lines;
        assert!(lines.iter().any(|line| line.sku.as_deref() == Some("recipes-ebook")));
        assert_eq!(shop.cart(&shopper.cart).await.payment, None, "no later order takes it along");
        shop.close().await;
    }
}
