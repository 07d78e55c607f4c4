//! The storefront's session cookie, made and read back by better-auth itself.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use domain::elastic_path::EpCartId;
use http::{HeaderMap, HeaderValue, header::COOKIE};
use jiff::Timestamp;
use serde_json::{Value, json};
use server::http::better_auth::BetterAuth;
use uuid::Uuid;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Asks the real better-auth.
fn better_auth(question: &Value) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../simulators/tests/sdk");
    let mut node = Command::new("node");
    node.arg("better-auth.mjs").current_dir(folder);
    let mut node = node.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    node.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let said = node.wait_with_output().unwrap();
    assert!(said.status.success(), "{question}");
    serde_json::from_slice(&said.stdout).unwrap()
}

/// A browser's cookies.
#[derive(Default)]
struct Jar(Vec<(String, String)>);

impl Jar {
    fn set<'a>(&mut self, cookies: impl Iterator<Item = &'a str>) {
        for cookie in cookies {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.0.retain(|(known, _)| known != name);
            if !attributes.contains("Max-Age=0;") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn header(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&self.header()).unwrap())])
    }
}

/// A storefront's session that names a cart, with a field of some length beside it.
fn a_cart_is_read_and_given_back(base: &str, length: usize) {
    let fields =
        json!({ "epCartId": "cart-1", "epAccessToken": "t", "padding": "p".repeat(length) });
    let question = json!({ "do": "mint", "secret": SECRET, "baseURL": base, "fields": fields });
    let minted = better_auth(&question);
    let mut jar = Jar::default();
    jar.set(minted.as_array().unwrap().iter().map(|cookie| cookie.as_str().unwrap()));
    let (ours, now) = (BetterAuth::new(&SECRET.into()), Timestamp::now());
    let cart: EpCartId = "cart-1".parse().unwrap();
    assert_eq!(ours.cart(&jar.headers(), now), Some(cart.clone()));

    let given_back = ours.without_cart(&jar.headers(), &cart, now, Uuid::from_u128(7));
    jar.set(given_back.iter().map(|cookie| cookie.to_str().unwrap()));

    assert_eq!(ours.cart(&jar.headers(), now), None);
    let question =
        json!({ "do": "read", "secret": SECRET, "baseURL": base, "cookie": jar.header() });
    let read = better_auth(&question);
    for session in [&read["cache"]["session"], &read["session"]] {
        assert_eq!(session["epAccessToken"], "t", "{read}");
        assert_eq!(session["padding"].as_str().unwrap().len(), length);
        assert!(session["epCartId"].is_null());
    }
}

#[test]
fn a_storefronts_session_gives_its_cart_back_and_keeps_everything_else() {
    if std::env::var_os("TILL_NODE_SDK").is_none() {
        return eprintln!("skipped: TILL_NODE_SDK is not set; `cargo xtask test` sets it");
    }
    for base in ["http://shop.example", "https://shop.example"] {
        a_cart_is_read_and_given_back(base, 10);
        a_cart_is_read_and_given_back(base, 9_000);
    }
}
