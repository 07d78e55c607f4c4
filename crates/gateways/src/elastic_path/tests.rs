//! What holds for all calls.

use serde_json::Value;

use super::script::{CART, answer, cart, ep, example};
use super::*;

/// The composed errors, each with its status.
const ERRORS: [(u16, &str); 7] = [
    (400, example!("error.400.email")),
    (400, example!("error.400.last-cart")),
    (400, example!("error.400.stock")),
    (401, example!("error.401")),
    (403, example!("error.403.scopes")),
    (409, example!("error.409")),
    (422, example!("error.422.confirm")),
];

#[test]
fn every_composed_error_names_what_is_wrong() {
    for (status, body) in ERRORS.into_iter().chain([(429, example!("error.429"))]) {
        let entries = errors::entries(body.as_bytes());
        assert_eq!(entries.len(), 1, "{body}");
        let refused = Refused { status, entries };
        assert!(refused.sentence().is_some(), "{body}");
        assert_eq!(refused.is_operator_fault(), matches!(status, 401 | 403));
    }
}

/// Each composed answer is read by the tests of its call; a new one must be added to them.
#[test]
fn every_composed_answer_is_in_use() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/elastic_path");
    let mut tests = String::new();
    for part in ["", "cart/", "checkout/", "order/", "payment/", "token/"] {
        tests += &std::fs::read_to_string(format!("{folder}/{part}tests.rs")).unwrap();
    }
    for file in std::fs::read_dir(format!("{folder}/tests/examples")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let name = name.strip_suffix(".json").unwrap().to_owned();
        assert!(tests.contains(&format!("example!(\"{name}\")")), "{name}");
    }
}

#[test]
fn a_body_is_wrapped_in_data() {
    let body: Value = serde_json::from_str(&data(&["a"])).unwrap();
    assert_eq!(body, serde_json::json!({"data": ["a"]}));
}

#[tokio::test(start_paused = true)]
async fn the_store_admits_a_sequence_before_the_charge_and_counts_what_comes_after() {
    let looks = || answer(200, &serde_json::json!({"data": {"id": CART}}));
    let (ep, admin, _) = ep(std::iter::repeat_with(looks).take(9));
    let begun = tokio::time::Instant::now();
    let turn = async || {
        let _sequence = ep.admin().unwrap().admit(15).await.unwrap();
        begun.elapsed().as_millis()
    };
    let _sequence = admin.admit(5).await.unwrap();
    // The token and four calls are admitted, the other five are counted.
    for _ in 0..9 {
        ep.cart(Caller::Admin(&admin), &cart()).await.unwrap();
    }
    assert_eq!((turn().await, turn().await), (250, 1000));
}
