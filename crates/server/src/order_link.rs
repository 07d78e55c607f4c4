//! The link in a receipt, by which an order is read without the visitor's cookie: on another device,
//! or years later. Whoever has the mail has the link, and it has no end; it shows one order and can
//! change nothing. Another `TILL_SECRET` makes all of them worthless.

use domain::id::OrderId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::Url;

/// What the key is for: with it, nothing else that the secret signs can be taken for such a link.
const PURPOSE: &[u8] = b"till: read one order, version 1";

/// Where a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderPage {
    /// To the order's page of the storefront.
    Storefront,
    /// To the order as the API shows it, where there is no storefront of ours.
    Api,
}

/// Makes the links, and knows them again.
#[derive(Clone)]
pub struct OrderLinks {
    signed: Hmac<Sha256>,
    shop: Url,
    page: OrderPage,
}

impl OrderLinks {
    /// `secret` is the server's own; `shop` is where browsers reach it.
    pub fn new(secret: &str, shop: Url, page: OrderPage) -> Self {
        let key = keyed(secret.as_bytes()).chain_update(PURPOSE).finalize().into_bytes();
        Self { signed: keyed(key.as_slice()), shop, page }
    }

    /// The link to an order.
    pub fn url(&self, order: OrderId) -> String {
        let token = self.signed.clone().chain_update(order.0.as_bytes()).finalize().into_bytes();
        let orders = match self.page {
            OrderPage::Storefront => "orders",
            OrderPage::Api => "api/orders",
        };
        format!("{}{orders}/{order}?token={}", self.shop, hex::encode(token))
    }

    /// Whether the token is that of the order's link. It takes the same time wherever they differ.
    pub fn is_for(&self, order: OrderId, token: &str) -> bool {
        let Ok(token) = hex::decode(token) else { return false };
        self.signed.clone().chain_update(order.0.as_bytes()).verify_slice(&token).is_ok()
    }
}

/// Ready to sign.
pub(crate) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn links_to(secret: &str, page: OrderPage) -> OrderLinks {
        OrderLinks::new(secret, "https://shop.example/".parse().unwrap(), page)
    }

    fn links(secret: &str) -> OrderLinks {
        links_to(secret, OrderPage::Api)
    }

    #[test]
    fn a_link_leads_to_the_page_of_the_storefront_where_there_is_one() {
        let order = OrderId(Uuid::from_u128(1));
        let url = links_to("secret", OrderPage::Storefront).url(order);
        let (address, token) = url.split_once("?token=").unwrap();
        assert_eq!(address, format!("https://shop.example/orders/{order}"));
        assert!(links("secret").is_for(order, token));
    }

    #[test]
    fn a_link_opens_its_own_order_and_no_other() {
        let (mine, other) = (OrderId(Uuid::from_u128(1)), OrderId(Uuid::from_u128(2)));
        let url = links("secret").url(mine);
        let (address, token) = url.split_once("?token=").unwrap();
        assert_eq!(address, format!("https://shop.example/api/orders/{mine}"));
        assert!(links("secret").is_for(mine, token));
        assert!(!links("secret").is_for(other, token));
        assert!(!links("another").is_for(mine, token));
        for wrong in ["", "00", &token[2..], &format!("{token}00"), "x"] {
            assert!(!links("secret").is_for(mine, wrong), "{wrong}");
        }
    }
}
