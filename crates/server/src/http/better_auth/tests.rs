use http::header::COOKIE;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// When the cookies of these tests run out.
const END: i64 = 2_000_000_000;

fn auth() -> BetterAuth {
    BetterAuth::new(&SECRET.into())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A session as better-auth writes it, with a token of some length in it.
fn session(token_length: usize) -> Value {
    let inner = json!({ "id": "s1", CART: "cart-1", "epAccessToken": "t".repeat(token_length) });
    json!({ "session": inner, "user": { "id": "u1" }, "updatedAt": 1, "version": "1", "exp": END })
}

fn headers(cookies: &[(String, String)]) -> HeaderMap {
    let pairs: Vec<String> =
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, HeaderValue::from_str(&pairs.join("; ")).unwrap());
    headers
}

/// The cookies that a browser has once these were set.
fn kept(set: &[HeaderValue]) -> Vec<(String, String)> {
    let set = set.iter().map(|header| header.to_str().unwrap());
    let live = set.filter(|cookie| !cookie.contains("Max-Age=0;"));
    let pair = live.map(|cookie| cookie.split(';').next().unwrap().split_once('=').unwrap());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn minted(name: &'static str, session: &Value) -> Vec<(String, String)> {
    let token = auth().encrypt(session.to_string().as_bytes(), (name, Uuid::from_u128(1)));
    let set = cut(name, &token, 60).into_iter();
    let set = set.map(|(name, rest)| HeaderValue::from_str(&format!("{name}={rest}")).unwrap());
    kept(&set.collect::<Vec<_>>())
}

#[test]
fn the_cart_is_read_and_given_back_without_touching_anything_else() {
    let cart: EpCartId = "cart-1".parse().unwrap();
    for (name, length) in [(NAMES[0], 10), (NAMES[0], 9000), (NAMES[1], 10), (NAMES[1], 9000)] {
        let mine = headers(&minted(name, &session(length)));
        assert_eq!(auth().cart(&mine, at(END)), Some(cart.clone()), "{name} {length}");

        let set = auth().without_cart(&mine, &cart, at(END - 60), Uuid::from_u128(2));
        assert!(set.iter().all(|cookie| cookie.len() <= COOKIE_BYTES_MAX));
        let back = headers(&kept(&set));
        assert_eq!(auth().cart(&back, at(END)), None);
        let mut expected = session(length);
        expected["session"].as_object_mut().unwrap().remove(CART);
        let found = auth().found(&back, at(END)).next().unwrap();
        assert_eq!(Value::Object(found.session), expected);
    }
}

#[test]
fn of_two_cookies_the_one_that_travels_by_tls_counts_and_both_lose_a_cart_that_is_bought() {
    let mut old = session(10);
    old["session"][CART] = "cart-2".into();
    let both = [minted(NAMES[1], &old), minted(NAMES[0], &session(10))].concat();
    let cart: EpCartId = "cart-1".parse().unwrap();
    assert_eq!(auth().cart(&headers(&both), at(END)), Some(cart.clone()));
    let set = auth().without_cart(&headers(&both), &cart, at(END - 60), Uuid::from_u128(2));
    assert_eq!(kept(&set).len(), 1, "the other names another cart");

    let both = [minted(NAMES[1], &session(10)), minted(NAMES[0], &session(10))].concat();
    let set = auth().without_cart(&headers(&both), &cart, at(END - 60), Uuid::from_u128(2));
    let left = kept(&set);
    assert_eq!(left.len(), 2);
    assert!(
        left.iter().all(|one| auth().cart(&headers(std::slice::from_ref(one)), at(END)).is_none())
    );
    assert_ne!(left[0].1, left[1].1, "no text is encrypted twice in one way");
}

#[test]
fn pieces_that_are_no_longer_needed_are_taken_back() {
    let cart: EpCartId = "cart-1".parse().unwrap();
    let mut cookies = minted(NAMES[1], &session(10));
    cookies.push((format!("{}.0", NAMES[1]), "old".to_owned()));
    let set = auth().without_cart(&headers(&cookies), &cart, at(END - 60), Uuid::from_u128(2));
    let [kept, gone] = &set[..] else { panic!("{set:?}") };
    assert!(kept.to_str().unwrap().contains("; Max-Age=60; Path=/; HttpOnly; SameSite=Lax"));
    assert!(gone.to_str().unwrap().starts_with("better-auth.session_data.0=; Max-Age=0;"));
}

#[test]
fn a_cookie_that_is_forged_old_or_of_another_shop_names_no_cart() {
    let cookies = minted(NAMES[0], &session(10));
    let good = headers(&cookies);
    assert_eq!(auth().cart(&good, at(END + TOLERANCE_SECONDS)), None, "too old");
    let other = BetterAuth::new(&"another secret of the same length".into());
    assert_eq!(other.cart(&good, at(END)), None);
    let (name, token) = &cookies[0];
    for (index, byte) in token.bytes().enumerate() {
        let changed = if byte == b'A' { "B" } else { "A" };
        let mut forged = token.clone();
        forged.replace_range(index..=index, changed);
        // The last character of a part may hold bits that mean nothing.
        let cart = auth().cart(&headers(&[(name.clone(), forged)]), at(END));
        assert!(cart.is_none() || token[index + 1..].starts_with('.') || index + 1 == token.len());
    }
    for nothing in ["", ".", "....", "a.b.c.d.e", "a..b.c.d"] {
        let headers = headers(&[(name.clone(), nothing.to_owned())]);
        assert_eq!(auth().cart(&headers, at(END)), None, "{nothing}");
    }
}

#[test]
fn a_cookie_whose_tag_is_shortened_names_no_cart() {
    let (name, token) = minted(NAMES[0], &session(10)).remove(0);
    let (rest, tag) = token.rsplit_once('.').unwrap();
    let tag = BASE64.decode(tag).unwrap();
    for length in 0..tag.len() {
        let forged = format!("{rest}.{}", BASE64.encode(&tag[..length]));
        assert_eq!(auth().cart(&headers(&[(name.clone(), forged)]), at(END)), None, "{length}");
    }
}

#[test]
fn a_session_that_names_another_cart_is_left_alone() {
    let mine = headers(&minted(NAMES[0], &session(10)));
    let other: EpCartId = "cart-2".parse().unwrap();
    assert!(auth().without_cart(&mine, &other, at(END), Uuid::from_u128(2)).is_empty());
}
