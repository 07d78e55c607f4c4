//! The header by which a browser says who it is. `$ada` stands for the one that Ada was given.

use axum::body::Body;
use http::{HeaderValue, Request, header};
use percent_encoding::percent_decode_str;

use super::shop::Shop;

thread_local! {
    static SHOP: Shop = Shop::open();
}

/// Only what Ada was given shows Ada's cart. Anything else is somebody new, with an empty cart and
/// a cookie of her own.
pub fn cookie(input: &[u8]) {
    SHOP.with(|shop| {
        let sent = shop.fill_in(input);
        let Ok(value) = HeaderValue::from_bytes(&sent) else { return };
        let request = Request::get("/api/cart").header(header::COOKIE, value);
        let answer = shop.ask(request.body(Body::empty()).unwrap());
        assert_eq!(answer.status, 200, "{}", answer.json);
        let is_empty = answer.json["items"].as_array().unwrap().is_empty();
        let is_new = answer.headers.contains_key(header::SET_COOKIE);
        assert_eq!(is_empty, is_new, "a cart of nobody's, or a visitor who is not recognised");
        assert!(is_new || holds(&sent, &shop.fill_in(b"$ada")), "let in by {sent:?}");
    });
}

/// Whether one of the cookies is this one, however it is spelt.
fn holds(sent: &[u8], ada: &[u8]) -> bool {
    let decoded = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?.into_owned();
        Some((name.trim().to_owned(), value))
    };
    let ada = std::str::from_utf8(ada).ok().and_then(decoded);
    let sent = std::str::from_utf8(sent).unwrap_or_default();
    sent.split(';').any(|pair| ada.is_some() && decoded(pair) == ada)
}
