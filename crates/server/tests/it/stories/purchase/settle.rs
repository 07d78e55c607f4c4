//! An operator ends what no rule could settle, by her word and as far as Elastic Path agrees.

use std::time::Duration;

use http::Method;
use server::cli::purchases;
use server::flows::purchase::settle::{Verdict, Wish};
use simulators::elastic_path::{ErrorShape, Fault, FaultKind, UpdateEndedPayment};

use crate::platform::{EBOOK, KETTLE, PAN, Platform, Shopper, platform_stories, said};

const REFUNDED: Verdict = Verdict::Refunded;

/// What `till purchases settle` says, for the newest purchase of the shopper's cart.
async fn settle(shop: &Platform, shopper: &Shopper<'_>, verdict: Verdict) -> String {
    let (purchase, note) = (shop.purchase(&shopper.cart).await, Some("as agreed by phone".into()));
    let mut out = Vec::new();
    let done = purchases::end(&shop.px, Wish { purchase, verdict, note }, &mut out).await;
    shop.rest().await;
    match done {
        Ok(()) => String::from_utf8(out).unwrap(),
        Err(error) => error.to_string(),
    }
}

/// A shopper who was charged for goods that sold out before the order was made.
async fn sold_out(shop: &Platform) -> Shopper<'_> {
    let shopper = shop.shopper([(KETTLE, 1)]).await;
    shop.ep.set_stock(KETTLE, Some(0));
    assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
    let sentence = shop.sentences().await.remove(0);
    let command = format!("`till purchases settle {} ", shop.purchase(&shopper.cart).await);
    assert!(sentence.contains(&command), "{sentence}");
    shopper
}

/// An order that was charged, and of which the platform refused to book the payment.
async fn not_booked(shop: &Platform) -> (Shopper<'_>, String) {
    let shopper = shop.shopper([(PAN, 1)]).await;
    shop.fault(Method::POST, "/confirm", FaultKind::Status(422, ErrorShape::Text));
    assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
    let order = shop.ep.ledger().orders.last().unwrap().id.clone();
    (shopper, order)
}

platform_stories! {
    async fn what_was_given_back_by_hand_is_ended_and_the_cart_can_be_paid_again(shop: Platform) {
        let mut shop = shop;
        shop.set(|modes| modes.update_ended_payment = UpdateEndedPayment::Answers);
        {
            let shopper = sold_out(&shop).await;
            let refused = settle(&shop, &shopper, Verdict::NotPaid).await;
            assert!(refused.contains("has succeeded: give it back at Stripe"), "{refused}");
            assert_eq!(shop.items().await, ["purchase_checkout_refused"]);
            let done = settle(&shop, &shopper, REFUNDED).await;
            assert!(done.contains("is abandoned, and its item is closed"), "{done}");
            assert!(shop.items().await.is_empty());
            assert_eq!(shopper.stands().await, "open/failed");
            assert_eq!(shop.cart(&shopper.cart).await.payment, None);
            let history = shop.history(&shopper.cart).await;
            let told = "operator: Ended by hand. What was charged is given back. Note: as agreed by phone";
            assert!(history.iter().any(|line| line == told), "{history:?}");
            shop.ep.set_stock(KETTLE, Some(1));
            assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        }
        // The store's books do not know what was given back at Stripe.
        shop.known_strays.push(shop.ep.ledger().payments[0].id.clone());
        shop.close_apart(&["holds money for it"]).await;
    }

    async fn an_order_that_a_person_names_ends_it_as_paid_if_elastic_path_says_so(shop: Platform) {
        let (shopper, order) = not_booked(&shop).await;
        let refused = settle(&shop, &shopper, Verdict::Paid(order.parse().unwrap())).await;
        assert!(refused.contains(&format!("order {order} is unpaid")), "{refused}");
        let unheard_of = settle(&shop, &shopper, Verdict::Paid("nobody-knows".parse().unwrap())).await;
        assert!(unheard_of.contains("there is no order nobody-knows"), "{unheard_of}");
        // She has the payment booked at the platform.
        let admin = shop.px.elastic_path.admin().unwrap();
        let name = shop.purchase(&shopper.cart).await.to_string().parse().unwrap();
        let order = order.parse().unwrap();
        shop.px.elastic_path.confirm(&admin, &order, &name).await.unwrap();
        let refunded = settle(&shop, &shopper, REFUNDED).await;
        assert!(refunded.contains(&format!("use --paid {order}")), "{refunded}");
        let done = settle(&shop, &shopper, Verdict::Paid(order)).await;
        assert!(done.contains("is confirmed, and its item is closed"), "{done}");
        assert_eq!(shopper.stands().await, "complete/succeeded");
        assert!(shop.cart(&shopper.cart).await.lines.is_empty(), "the cart is tidied up");
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        shop.close().await;
    }

    async fn an_order_of_another_purchase_or_another_sum_pays_nothing(shop: Platform) {
        let other = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&other.pay("ctoken_ok").await), "complete/succeeded");
        let theirs = shop.ep.ledger().orders[0].id.parse().unwrap();
        let (shopper, _) = not_booked(&shop).await;
        let refused = settle(&shop, &shopper, Verdict::Paid(theirs)).await;
        assert!(refused.contains("was made for purchase"), "{refused}");
        let ended = settle(&shop, &other, Verdict::NotPaid).await;
        assert!(ended.contains("only one that needs a person is ended by hand"), "{ended}");
        assert_eq!(shop.items().await, ["purchase_confirm_refused"]);
        shop.close().await;
    }

    async fn a_charge_that_was_never_made_is_ended_and_another_card_pays(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        shop.fault(Method::POST, "/v2/carts/{}/payments", FaultKind::LoseAfter);
        assert_eq!(said(&shopper.pay("ctoken_decline_4xx").await), "processing/pending");
        shop.heal().await;
        assert_eq!(shop.items().await, ["purchase_charge_unknown"]);
        // Where Elastic Path does not answer, nothing is ended.
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::GET, "/v2/orders", kind, 100);
        let unanswered = settle(&shop, &shopper, Verdict::NotPaid).await;
        assert!(unanswered.contains("there was no answer"), "{unanswered}");
        shop.ep.clear_faults();
        assert_eq!(shop.purchases().await, "1 needs_reconciliation");
        let done = settle(&shop, &shopper, Verdict::NotPaid).await;
        assert!(done.contains("is abandoned"), "{done}");
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn a_payment_that_can_still_be_paid_is_not_ended_by_a_word(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_3ds").await), "open/requires_action");
        shopper.abandon().await.unwrap();
        shop.pass(30, Duration::from_secs(60 * 60)).await;
        assert_eq!(shop.items().await, ["purchase_unfinished"]);
        for verdict in [Verdict::NotPaid, REFUNDED] {
            let refused = settle(&shop, &shopper, verdict).await;
            assert!(refused.contains("can still be paid: cancel it at Stripe first"), "{refused}");
        }
        let payment = shop.ep.ledger().payments[0].id.clone();
        assert!(shop.ep.authenticate(&payment, Some(false)));
        let done = settle(&shop, &shopper, Verdict::NotPaid).await;
        assert!(done.contains("is abandoned"), "{done}");
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        shop.close().await;
    }

    async fn orders_that_nobody_paid_are_cancelled_before_a_purchase_is_ended(shop: Platform) {
        let mut shop = shop;
        {
            let (shopper, order) = not_booked(&shop).await;
            let done = settle(&shop, &shopper, REFUNDED).await;
            assert!(done.contains("is abandoned"), "{done}");
            let orders = shop.ep.ledger().orders;
            assert!(orders.iter().all(|one| one.id == order && one.status == "cancelled"), "{orders:?}");
            assert_eq!(shopper.stands().await, "open/failed");
        }
        shop.known_strays.push(shop.ep.ledger().payments[0].id.clone());
        shop.close_apart(&["holds money for it"]).await;
    }

    async fn the_operator_sees_purchases_and_what_became_of_them(shop: Platform) {
        let shopper = shop.shopper([(PAN, 1)]).await;
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
        let stuck = shop.shopper([(PAN, 1)]).await;
        let kind = FaultKind::Status(500, ErrorShape::Number);
        shop.ep.inject(Fault::once("/v2/carts/{}", kind).of(Method::GET).nth(3).times(100));
        stuck.pay("ctoken_ok").await.unwrap();
        shop.ep.clear_faults();
        shop.add(&stuck.cart, EBOOK, 1).await;
        shop.heal().await;
        let listed = shop.listed(None).await;
        assert_eq!(listed.lines().count(), 2, "{listed}");
        let waiting = shop.listed(Some("needs_reconciliation")).await;
        assert!(waiting.contains("cart_changed  20.99 USD  cart"), "{waiting}");
        let history = shop.history(&shopper.cart).await;
        assert!(history[0].starts_with("shopper: The shopper pays"), "{history:?}");
        assert!(history.last().unwrap().contains("The cart is tidied up."), "{history:?}");
        shop.close().await;
    }
}
