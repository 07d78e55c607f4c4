//! What is refused before anything is charged.

use std::time::Duration;

use domain::session::{FormAddress, RateId};
use gateways::elastic_path::Caller;
use http::Method;
use serde_json::json;
use server::flows::purchase::cart::put_shipping;
use simulators::elastic_path::{ErrorShape, FaultKind};

use crate::platform::{EBOOK, KETTLE, PAN, Platform, Shopper, platform_stories, said};

async fn refused(shop: &Platform, shopper: &Shopper<'_>) -> String {
    let said = said(&shopper.pay("ctoken_ok").await);
    assert_eq!(shop.asked("POST", "/payments"), 0, "nothing was charged");
    said.strip_prefix("refused: ").unwrap_or_else(|| panic!("{said}")).to_owned()
}

platform_stories! {
    async fn a_cart_that_changed_is_shown_and_not_charged_and_then_it_can_be_paid(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.add(&shopper.cart, EBOOK, 1).await;
        assert_eq!(refused(&shop, &shopper).await, "the cart has changed");
        assert_eq!(shopper.session().await.totals.unwrap().total().minor(), 1500 + 900 + 599);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn an_empty_cart_is_not_what_she_saw(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let ep = &shop.px.elastic_path;
        ep.empty_cart(gateways::elastic_path::Caller::Implicit, &shopper.cart).await.unwrap();
        let said = refused(&shop, &shopper).await;
        assert!(["the cart has changed", "the cart has no total"].contains(&said.as_str()), "{said}");
        shop.close().await;
    }

    async fn missing_fields_are_named_in_the_contracts_order(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shopper
            .change(|session| {
                session.form.customer = None;
                session.form.shipping_address = None;
                session.form.billing_address = FormAddress::new(|_| String::new()).ok();
                session.form.rate = None;
            })
            .await;
        assert_eq!(
            refused(&shop, &shopper).await,
            "missing required fields: customerInfo, billingAddress, shippingAddress, \
             selectedShippingRateId"
        );
        shop.close().await;
    }

    async fn what_must_be_sent_is_more_than_the_storefronts_word(shop: Platform) {
        let mut shopper = shop.shopper([(PAN, 1)]).await;
        shopper.open_session(false).await;
        shopper.change(|session| session.form.requires_shipping = false).await;
        assert_eq!(
            refused(&shop, &shopper).await,
            "missing required fields: selectedShippingRateId"
        );
        shop.close().await;
    }

    async fn a_catalogue_that_does_not_answer_makes_everything_something_to_send(shop: Platform) {
        let mut shopper = shop.shopper([(EBOOK, 1)]).await;
        shopper.open_session(false).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::GET, "/catalog/products", kind, 100);
        assert_eq!(
            refused(&shop, &shopper).await,
            "missing required fields: selectedShippingRateId"
        );
        shop.ep.clear_faults();
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn a_cart_with_a_subscription_needs_an_account_and_is_not_charged(shop: Platform) {
        let mut shopper = shop.shopper([(PAN, 1)]).await;
        let subscription = json!({
            "type": "subscription_item",
            "id": KETTLE,
            "quantity": 1,
            "subscription_configuration": {"pricing_option": "monthly"},
        });
        shop.add_by_page(&shopper.cart, &subscription).await;
        shopper.open_session(true).await;
        assert_eq!(refused(&shop, &shopper).await, "the cart holds a subscription");
        shop.close().await;
    }

    async fn a_rate_that_was_never_offered_is_refused(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shopper.change(|session| session.form.rate = RateId::new("free-for-me").ok()).await;
        assert_eq!(refused(&shop, &shopper).await, "the selected shipping rate is not offered");
        shop.close().await;
    }

    async fn a_shipping_line_that_somebody_made_cheaper_is_put_right(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let ep = &shop.px.elastic_path;
        let admin = ep.admin().unwrap();
        let seen = shop.cart(&shopper.cart).await;
        put_shipping(&shop.px, Caller::Admin(&admin), seen, None).await.unwrap();
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        assert_eq!(shop.ep.ledger().payments[0].amount, 1500 + 599);
        shop.close().await;
    }

    async fn a_shop_without_its_secret_takes_no_payment(shop: Platform) {
        let mut shop = shop;
        let (visitor, session, cart) = {
            let shopper = shop.shopper([(PAN, 1)]).await;
            (shopper.visitor, shopper.session, shopper.cart.clone())
        };
        shop.restart(&[("EP_CLIENT_SECRET", "")]);
        let shopper = Shopper { shop: &shop, visitor, cart, session, account: None };
        assert_eq!(refused(&shop, &shopper).await, "no gateway takes payments");
        shop.close().await;
    }

    async fn a_store_without_room_for_the_whole_sequence_turns_away_before_the_charge(shop: Platform) {
        let mut shop = shop;
        let (visitor, session, cart) = {
            let shopper = shop.shopper([(PAN, 1)]).await;
            (shopper.visitor, shopper.session, shopper.cart.clone())
        };
        shop.restart(&[("EP_CALLS_PER_SECOND", "1")]);
        let shopper = Shopper { shop: &shop, visitor, cart, session, account: None };
        let _admitted = shop.px.elastic_path.admin().unwrap().admit(50).await.unwrap();
        assert!(refused(&shop, &shopper).await.starts_with("too many calls, try again in"));
        assert_eq!(shopper.stands().await, "open/idle");
        shop.close().await;
    }

    async fn debits_that_wait_for_their_banks_take_no_more_room_than_they_use(shop: Platform) {
        let mut shop = shop;
        for _ in 0..12 {
            let debtor = shop.shopper([(PAN, 1)]).await;
            assert_eq!(said(&debtor.pay("ctoken_processing").await), "processing/pending");
        }
        let (visitor, session, cart) = {
            let shopper = shop.shopper([(PAN, 1)]).await;
            (shopper.visitor, shopper.session, shopper.cart.clone())
        };
        shop.restart(&[("EP_CALLS_PER_SECOND", "20")]);
        shop.ep.advance(Duration::from_secs(20));
        shop.work().await;
        let shopper = Shopper { shop: &shop, visitor, cart, session, account: None };
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn a_session_of_another_visitor_is_not_there(shop: Platform) {
        let (one, two) = (shop.shopper([(PAN, 1)]).await, shop.shopper([(PAN, 1)]).await);
        let stranger = Shopper { session: one.session, cart: one.cart.clone(), ..two };
        assert_eq!(refused(&shop, &stranger).await, "there is no such session");
        shop.close().await;
    }

    async fn a_session_whose_time_is_over_takes_no_payment(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.ep.advance(std::time::Duration::from_secs(31 * 60));
        assert_eq!(refused(&shop, &shopper).await, "the session is not open");
        assert_eq!(shopper.stands().await, "expired/idle");
        shop.close().await;
    }

    async fn a_cart_that_cannot_be_read_is_not_charged(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::GET, "/v2/carts/{}", kind, 100);
        assert_eq!(refused(&shop, &shopper).await, "Elastic Path's answer is not known");
        shop.ep.clear_faults();
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn notes_that_the_cart_does_not_take_are_no_reason_not_to_sell(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shopper
            .change(|session| {
                let note = domain::session::AttributeValue::Text("a gift".into());
                let notes = domain::session::Attributes::new([("gift".to_owned(), note)]);
                session.form.attributes = notes.unwrap();
            })
            .await;
        let kind = FaultKind::Status(400, ErrorShape::Object);
        shop.fault(Method::PUT, "/v2/carts/{}", kind);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }
}
