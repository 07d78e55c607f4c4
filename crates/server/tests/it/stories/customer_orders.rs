//! A customer's cart and orders: what comes along when she signs in, and what becomes hers by proof.

use serde_json::{Value, json};
use server::flows::refund::{Wish, request};

use super::{
    catalogue::NOBODYS,
    customer::{ADA, PASSWORD, login, me, sign_up, with_mail},
};
use crate::{
    guest::{Card, Guest, address, checkout_request},
    shop::{Shop, stories},
};

/// The ids of a page of orders.
fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}")).iter();
    items.map(|order| order["id"].as_str().unwrap().to_owned()).collect()
}

/// A guest's order that costs nothing, and is paid at once.
async fn gift(shop: &Shop, guest: &Guest<'_>, email: &str) -> String {
    assert_eq!(guest.add("gift", 1).await.status, 200);
    let mut request = checkout_request();
    request["email"] = json!(email);
    let made = guest.ask_intent_with(request).await;
    assert_eq!(made.status, 200, "{made}");
    shop.quiet().await;
    made.body["orderId"].as_str().unwrap().to_owned()
}

stories! {
    async fn the_cart_comes_along_and_is_the_same_wherever_she_is_signed_in(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest_with_cart([("mug", 2)]).await;
        let before = ada.get("/api/cart").await.body["id"].clone();

        sign_up(&ada, &mail, ADA).await;

        assert_eq!(ada.cart().await, "2 x mug");
        assert_eq!(ada.get("/api/cart").await.body["id"], before);
        let phone = shop.guest_with_cart([("mug", 5), ("book", 1)]).await;
        login(&phone, ADA, PASSWORD).await;
        assert_eq!(phone.cart().await, "5 x mug, 1 x book");
        assert_eq!(ada.cart().await, "5 x mug, 1 x book");
        phone.add("lamp", 1).await;
        assert_eq!(ada.cart().await, "5 x mug, 1 x book, 1 x lamp");
        // Whoever uses the browser next has a cart of her own.
        ada.post("/api/customers/logout", Value::Null).await;
        assert_eq!(ada.cart().await, "");
        ada.add("sticker", 20).await;
        login(&ada, ADA, PASSWORD).await;
        assert_eq!(phone.cart().await, "5 x mug, 1 x book, 1 x lamp, 20 x sticker");
        login(&ada, ADA, PASSWORD).await;
        assert_eq!(phone.cart().await, "5 x mug, 1 x book, 1 x lamp, 20 x sticker");
        shop.close().await;
    }

    async fn a_cart_that_is_being_paid_keeps_its_one_payment_when_its_shopper_signs_in(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let desk = shop.guest_with_cart([("book", 3)]).await;
        sign_up(&desk, &mail, ADA).await;
        let guest = shop.guest_with_cart([("mug", 1)]).await;
        let intent = guest.intent().await;
        let anonymous = Guest::returning(&shop, guest.cookie());

        login(&guest, ADA, PASSWORD).await;

        // What was in the account's cart is there too, and changes nothing of what is being paid.
        assert_eq!(guest.cart().await, "1 x mug, 3 x book");
        assert_eq!(desk.cart().await, "1 x mug, 3 x book");
        assert_eq!(anonymous.cart().await, "");
        guest.confirm_at_stripe(&intent, Card::Good).await;
        let paid = guest.confirm(&intent).await;
        assert_eq!(paid.to_string(), "200 paid");
        let id = me(&guest).await.body["id"].clone();
        assert_eq!(paid.body["customer"], json!({ "email": ADA, "customerId": id }));
        assert_eq!(desk.cart().await, "3 x book");
        for reader in [&guest, &desk] {
            assert_eq!(reader.order(&intent).await.text, paid.text);
        }
        assert_eq!(anonymous.order(&intent).await.body["customer"], json!({ "email": ADA }));
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn two_carts_that_are_both_being_paid_charge_once_each_and_no_more(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let desk = shop.guest_with_cart([("book", 1)]).await;
        sign_up(&desk, &mail, ADA).await;
        let first = desk.intent().await;
        let phone = shop.guest_with_cart([("mug", 1)]).await;
        let second = phone.intent().await;

        login(&phone, ADA, PASSWORD).await;

        assert_eq!(phone.cart().await, "1 x mug");
        for (guest, intent) in [(&desk, &first), (&phone, &second)] {
            guest.confirm_at_stripe(intent, Card::Good).await;
            assert_eq!(phone.confirm(intent).await.to_string(), "200 paid");
        }
        assert_eq!(phone.cart().await, "");
        assert_eq!(ids(&desk.get("/api/orders").await.body), [second.order, first.order]);
        assert_eq!(shop.orders().await, "2 paid");
        shop.close().await;
    }

    async fn orders_of_a_guest_are_hers_once_the_address_is_proven_and_no_others(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, eve) = (shop.guest(), shop.guest());
        let hers = gift(&shop, &ada, "Ada@Example.org").await;
        let other = gift(&shop, &ada, "ada+shop@example.org").await;
        let eves = gift(&shop, &eve, "eve@example.org").await;
        let phone = shop.guest();
        shop.until("the receipts are there", || async { mail.received().len() == 3 }).await;

        sign_up(&phone, &mail, ADA).await;

        let page = phone.get("/api/orders").await;
        assert_eq!(ids(&page.body), std::slice::from_ref(&hers));
        let id = me(&phone).await.body["id"].clone();
        assert_eq!(page.body["items"][0]["customer"]["customerId"], id);
        assert_eq!(phone.get(&format!("/api/orders/{hers}")).await.body, page.body["items"][0]);
        let nobodys = phone.get(&format!("/api/orders/{NOBODYS}")).await;
        for order in [&other, &eves] {
            let refused = phone.get(&format!("/api/orders/{order}")).await;
            assert_eq!((refused.status, &refused.text), (404, &nobodys.text));
        }
        // The browsers that made them see them as before.
        assert_eq!(ada.get(&format!("/api/orders/{hers}")).await.status, 200);
        assert_eq!(ada.get(&format!("/api/orders/{other}")).await.status, 200);
        assert_eq!(eve.get(&format!("/api/orders/{hers}")).await.status, 404);

        // One that she makes as a guest later is hers with the next sign-in.
        let later = gift(&shop, &eve, ADA).await;
        assert_eq!(ids(&phone.get("/api/orders").await.body), std::slice::from_ref(&hers));
        login(&phone, ADA, PASSWORD).await;
        assert_eq!(ids(&phone.get("/api/orders").await.body), [later, hers]);
        shop.close().await;
    }

    async fn whoever_ordered_with_anothers_address_does_not_learn_that_she_has_an_account(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let (ada, eve) = (shop.guest(), shop.guest());
        assert_eq!(eve.add("mug", 1).await.status, 200);
        let unpaid = eve.intent().await;
        let free = gift(&shop, &shop.guest(), ADA).await;
        let buyer = shop.guest();
        let paid = gift(&shop, &buyer, ADA).await;
        let receipt = || mail.received().into_iter().find(|letter| letter.text.contains(&paid));
        shop.until("the receipt is there", || async { receipt().is_some() }).await;
        let before = (eve.order(&unpaid).await.text, buyer.get(&format!("/api/orders/{paid}")).await.text);

        shop.until("both are there", || async { mail.received().len() == 2 }).await;
        sign_up(&ada, &mail, ADA).await;
        login(&ada, ADA, PASSWORD).await;

        // What nobody has paid for is not put among her orders.
        assert_eq!(ids(&ada.get("/api/orders").await.body), [paid.clone(), free]);
        let after = (eve.order(&unpaid).await.text, buyer.get(&format!("/api/orders/{paid}")).await.text);
        assert_eq!(after, before);
        // Nor does a link tell it, which may be handed on.
        let text = receipt().unwrap().decoded();
        let (_, token) = text.split_once(&format!("/orders/{paid}?token=")).unwrap();
        let token: String = token.chars().take_while(char::is_ascii_alphanumeric).collect();
        let linked = shop.guest().get(&format!("/api/orders/{paid}?token={token}")).await;
        assert_eq!((linked.status, linked.text), (200, before.1));
        let hers = ada.get(&format!("/api/orders/{paid}")).await;
        assert_eq!(hers.body["customer"]["customerId"], me(&ada).await.body["id"]);
        shop.close().await;
    }

    async fn a_customers_orders_come_in_pages_newest_first(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let ada = shop.guest();
        sign_up(&ada, &mail, ADA).await;
        shop.change("mug", |mug| mug.image = Some("/mug.svg".to_owned())).await;
        ada.add("mug", 2).await;
        let mut full = checkout_request();
        for of in ["shippingAddress", "billingAddress"] {
            full[of] = address();
            full[of]["company"] = json!("c/o Babbage");
            full[of]["phone"] = json!("+49 30 000000");
        }
        let intent = ada.ask_intent_with(full).await.intent();
        ada.confirm_at_stripe(&intent, Card::Good).await;
        ada.until_order_is(&intent, "paid").await;
        let order = intent.order.parse().unwrap();
        request(&shop.cx, Wish { order, amount: None, note: None }).await.unwrap();
        ada.until_order_is(&intent, "refunded").await;
        // Whatever her address in an order is: she was signed in.
        let second = gift(&shop, &ada, "office@example.org").await;
        let third = gift(&shop, &ada, ADA).await;

        let first_page = ada.get("/api/orders?limit=2").await;
        assert_eq!(ids(&first_page.body), [third, second]);
        let cursor = first_page.body["nextCursor"].as_str().unwrap();
        let last_page = ada.get(&format!("/api/orders?limit=2&cursor={cursor}")).await;
        assert_eq!(ids(&last_page.body), std::slice::from_ref(&intent.order));
        assert_eq!(last_page.body["nextCursor"], Value::Null);
        assert_eq!(last_page.body["items"][0], ada.order(&intent).await.body);
        for wrong in ["limit=0", "limit=51", "limit=x", "cursor=x", "cursor="] {
            assert_eq!(ada.get(&format!("/api/orders?{wrong}")).await.status, 400, "{wrong}");
        }
        ada.post("/api/customers/logout", Value::Null).await;
        let signed_out = ada.get("/api/orders").await;
        assert_eq!((signed_out.status, &signed_out.body["error"]["code"]), (401, &json!("auth.required")));
        shop.close().await;
    }

    async fn a_customer_gives_an_order_up_wherever_she_is_signed_in(shop: Shop) {
        let mut shop = shop;
        let mail = with_mail(&mut shop).await;
        let desk = shop.guest_with_cart([("mug", 1)]).await;
        sign_up(&desk, &mail, ADA).await;
        let intent = desk.intent().await;
        let (phone, eve) = (shop.guest(), shop.guest());
        login(&phone, ADA, PASSWORD).await;
        sign_up(&eve, &mail, "eve@example.org").await;
        let cancel = format!("/api/orders/{}/cancel", intent.order);
        assert_eq!(eve.post(&cancel, Value::Null).await.status, 404);
        assert_eq!(eve.confirm(&intent).await.status, 404);

        let cancelled = phone.post(&cancel, Value::Null).await;

        assert_eq!(cancelled.to_string(), "200 cancelled");
        assert_eq!(cancelled.body["customer"]["customerId"], me(&phone).await.body["id"]);
        shop.close().await;
    }
}
