//! From cart to paid order.

use crate::{guest::Card, shop::stories};

stories! {
    async fn a_guest_pays_by_card_and_reads_the_paid_order(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;

        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");

        assert_eq!(guest.cart().await, "");
        assert_eq!(shop.stock("mug").await, (98, 0));
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }

    async fn a_declined_card_leaves_the_cart_and_an_order_that_can_still_be_paid(shop: Shop) {
        let guest = shop.guest_with_cart([("mug", 2)]).await;

        assert_eq!(guest.pay_with(Card::Declined).await, "402 payment.declined");

        assert_eq!(guest.cart().await, "2 x mug");
        assert_eq!(shop.orders().await, "1 pending");
        assert_eq!(guest.pay_with(Card::Good).await, "200 paid");
        assert_eq!(shop.orders().await, "1 paid");
        shop.close().await;
    }
}
