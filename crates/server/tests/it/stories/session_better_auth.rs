//! A storefront whose sessions are better-auth's: the cart is read from its cookie, and the cookie given
//! back without it once it has become an order. That the cookie is what better-auth makes and reads
//! is proven with the real package (`stories/better_auth.rs`).

use aes::Aes256;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use cbc::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use domain::elastic_path::EpCartId;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, Method, header::COOKIE};
use serde_json::{Value, json};
use server::http::better_auth::BetterAuth;
use sha2::{Sha256, Sha512};
use simulators::elastic_path::{ErrorShape, FaultKind};

use crate::{
    browser::{Browser, CURRENT, SESSIONS, state},
    guest::Reply,
    platform::{PAN, Platform, platform_stories},
};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const NAME: &str = "better-auth.session_data";

/// The cookie of a storefront's session: better-auth's form, made here by its description.
fn cookie(shop: &Platform, cart: &str) -> String {
    let mut keys = [0; 64];
    let hkdf = Hkdf::<Sha256>::new(Some(b"better-auth-session"), SECRET.as_bytes());
    hkdf.expand(b"BetterAuth.js Generated Encryption Key", &mut keys).unwrap();
    let (mac_key, key) = keys.split_at(32);
    let session = json!({
        "session": { "id": "s1", "epCartId": cart, "epAccessToken": "t" },
        "user": { "id": "u1" },
        "exp": shop.px.clock.now().as_second() + 60 * 60,
    });
    let iv = [7; 16];
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(key, &iv).unwrap();
    let text = cipher.encrypt_padded_vec::<Pkcs7>(session.to_string().as_bytes());
    let head = BASE64.encode(json!({ "alg": "dir", "enc": "A256CBC-HS512" }).to_string());
    let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(mac_key).unwrap();
    let bits = (head.len() as u64 * 8).to_be_bytes();
    [head.as_bytes(), &iv, &text, &bits].into_iter().for_each(|part| mac.update(part));
    let tag = mac.finalize().into_bytes();
    let [iv, text, tag] = [&iv[..], &text, &tag[..32]].map(|part| BASE64.encode(part));
    format!("{NAME}={head}..{iv}.{text}.{tag}")
}

/// The cart that a browser's cookies name to the storefront.
fn named(shop: &Platform, cookies: &str) -> Option<EpCartId> {
    let headers = HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookies).unwrap())]);
    BetterAuth::new(&SECRET.into()).cart(&headers, shop.px.clock.now())
}

/// Whether an answer gives the storefront's cookie back.
fn gives_back(reply: &Reply) -> bool {
    let set = reply.headers.get_all("set-cookie").iter();
    set.filter_map(|cookie| cookie.to_str().ok()).any(|cookie| cookie.starts_with(NAME))
}

/// A shopper whose storefront knows her cart, which Till has never seen.
async fn shopper<'shop>(shop: &'shop Platform, cart: &str) -> Browser<'shop> {
    let guest = Browser::open(shop, &[("BETTER_AUTH_SECRET", SECRET)]);
    let item = json!({ "type": "cart_item", "id": PAN, "quantity": 2 });
    shop.add_by_page(&cart.parse().unwrap(), &item).await;
    guest.keep(&cookie(shop, cart));
    let opened = guest.open_session().await;
    assert_eq!(opened.body["data"]["session"]["cartId"], cart);
    assert!(!gives_back(&opened));
    guest.fill_in().await;
    guest
}

/// A concurrent refresh of the storefront's session brings the cart back.
fn refresh(shop: &Platform, guest: &Browser<'_>, cart: &str) {
    let kept = guest.cookie();
    let others = kept.split("; ").filter(|pair| !pair.starts_with(NAME));
    let cookies: Vec<String> = others.map(str::to_owned).chain([cookie(shop, cart)]).collect();
    guest.keep(&cookies.join("; "));
}

platform_stories! {
    async fn the_storefronts_cookie_names_the_cart_and_comes_back_without_it_once_it_is_bought(shop: Platform) {
        let guest = shopper(&shop, "of-the-storefront").await;
        let declined = guest.pay("ctoken_decline_201").await;
        assert_eq!(state(&declined), "200 open failed");
        assert!(!gives_back(&declined) && named(&shop, &guest.cookie()).is_some());

        let paid = guest.pay("ctoken_ok").await;
        assert_eq!(state(&paid), "200 complete succeeded");
        assert!(gives_back(&paid));
        assert_eq!(named(&shop, &guest.cookie()), None);
        // What is not named needs no clearing.
        assert!(!gives_back(&guest.get(CURRENT).await));

        refresh(&shop, &guest, "of-the-storefront");
        assert!(gives_back(&guest.get(CURRENT).await));
        assert_eq!(named(&shop, &guest.cookie()), None);
        refresh(&shop, &guest, "of-the-storefront");
        let over = guest.post(SESSIONS, json!({})).await;
        assert_eq!(over.to_string(), "400 VALIDATION_ERROR");
        assert!(gives_back(&over));
        assert_eq!(named(&shop, &guest.cookie()), None);

        // No cart was made meanwhile; the next product makes one.
        assert_eq!(guest.cart().await, "");
        guest.add(PAN, 1).await;
        assert!(!["", "of-the-storefront"].contains(&guest.cart().await.as_str()));
        assert_eq!(shop.ep.ledger().orders.len(), 1);
        shop.close().await;
    }

    async fn a_clean_up_that_fails_holds_neither_the_answer_nor_the_cookie_back(shop: Platform) {
        let guest = shopper(&shop, "kept").await;
        let broken = FaultKind::Status(500, ErrorShape::Number);
        shop.faults(Method::PUT, "/v2/carts/kept", broken, 100);
        shop.faults(Method::DELETE, "/v2/carts/kept", broken, 100);
        let paid = guest.pay("ctoken_ok").await;
        assert_eq!(state(&paid), "200 complete succeeded");
        assert_eq!(paid.body.get("paymentError"), None::<&Value>);
        assert!(gives_back(&paid));
        assert_eq!(named(&shop, &guest.cookie()), None);
        assert_eq!(shop.purchases().await, "1 confirmed");

        shop.ep.clear_faults();
        shop.heal().await;
        assert_eq!(shop.purchases().await, "1 cleaned");
        assert!(shop.cart(&"kept".parse().unwrap()).await.lines.is_empty());
        shop.close().await;
    }

    async fn a_cart_that_the_page_names_counts_more_than_the_cookies(shop: Platform) {
        let guest = shopper(&shop, "in-the-cookie").await;
        let item = json!({ "type": "cart_item", "id": PAN, "quantity": 1 });
        shop.add_by_page(&"on-the-page".parse().unwrap(), &item).await;
        let opened = guest.post(SESSIONS, json!({ "cartId": "on-the-page" })).await;
        assert_eq!(opened.body["data"]["session"]["cartId"], "on-the-page");
        guest.fill_in().await;
        let paid = guest.pay("ctoken_ok").await;
        assert_eq!(state(&paid), "200 complete succeeded");
        // Another cart than the one that was bought is still hers.
        assert!(!gives_back(&paid));
        assert!(named(&shop, &guest.cookie()).is_some());
        shop.close().await;
    }
}
