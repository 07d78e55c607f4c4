//! What comes from Stripe or from Elastic Path, or says so.

use std::{fs, path::Path};

use proptest::{prelude::*, sample::Index};
use serde_json::Value;

use super::{
    cases,
    json::{any_json, change, changed, text},
    one_of,
    promises::{event_body, form_encoder, platform_answer, stripe_answer, webhook_signature},
};

/// The values of the files that a fuzzer keeps, without what stands on their first lines.
pub fn kept(folder: &str, lines: usize) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(folder);
    let texts = fs::read_dir(root).unwrap().map(|file| fs::read_to_string(file.unwrap().path()));
    let bodies = texts.filter_map(|text| {
        let text = text.ok()?;
        serde_json::from_str(text.splitn(lines + 1, '\n').last()?).ok()
    });
    let mut found: Vec<Value> = bodies.collect();
    assert!(!found.is_empty());
    found.sort_by_key(Value::to_string);
    found
}

/// A header of the right kind, with pieces that are wrong, missing, twice, or out of this world.
fn header() -> impl Strategy<Value = String> {
    let item = prop_oneof![
        6 => Just("t=1790000000".to_owned()),
        6 => one_of(&["v1=$ours", "v1=$older"]),
        4 => one_of(&[
            "v1=$strange", "v0=$ours", "V1=$ours", " v1=$ours", "v1= $ours", "v1=$ours$ours",
            "v1=", "v1", "=", "", "t=", "t", "t=1790000300", "t=1789999700", "t=1790000301",
            "t=-1790000000", "t=+1790000000", "t= 1790000000", "t=01790000000", "t=1790000000.0",
            "t=9223372036854775807", "t=99999999999999999999999", "t=١٧٩٠٠٠٠٠٠٠",
        ]),
        1 => "(t|v1)=[0-9a-fA-F]{0,70}",
        1 => "[^\n]{0,20}",
    ];
    prop::collection::vec(item, 0..6).prop_map(|items| items.join(","))
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_delivery_is_taken_if_and_only_if_it_was_signed_by_stripe_just_now(
        header in header(),
        body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        webhook_signature(&[header.as_bytes(), b"\n", &body].concat());
    }

    #[test]
    fn a_header_of_any_bytes_proves_nothing_and_breaks_nothing(
        input in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        webhook_signature(&input);
    }

    #[test]
    fn an_event_that_is_wrong_in_one_place_says_nothing_that_was_not_written(
        which: Index,
        change in change(),
        cut: Index,
        is_cut in prop::bool::weighted(0.1),
    ) {
        let mut event = changed(which.get(&kept("event_body", 0)).clone(), &change);
        if is_cut {
            let ends: Vec<usize> = event.char_indices().map(|(end, _)| end).collect();
            event.truncate(*cut.get(&ends));
        }
        event_body(event.as_bytes());
    }

    #[test]
    fn an_event_of_any_json_is_read_or_refused(event in any_json()) {
        event_body(text(&event).as_bytes());
    }

    #[test]
    fn no_text_of_a_shopper_becomes_another_field_of_a_request_to_stripe(
        name in "\\PC*|[&=%+\\[\\]#;]{0,12}",
        rest in prop::collection::vec("[^\n]{0,20}|[&=%+\\[\\] \u{0}é🦀]{0,12}", 0..5),
    ) {
        form_encoder(format!("{name}\n{}", rest.join("\n")).as_bytes());
    }
}

/// Statuses of every kind, and the headers that change what they mean.
fn status() -> impl Strategy<Value = String> {
    let heading = one_of(&[
        "",
        " stripe-should-retry:true",
        " stripe-should-retry:false",
        " idempotent-replayed:true",
        " request-id:req_1",
        " content-type:text/html",
    ]);
    let status = prop_oneof![
        6 => one_of(&["200", "400", "402", "404"]),
        2 => one_of(&["201", "204", "301", "422", "401", "403", "409", "429", "500", "503"]),
        1 => (100..1000_u16).prop_map(|status| status.to_string()),
    ];
    (status, heading).prop_map(|(status, heading)| status + &heading)
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn an_answer_that_is_wrong_in_one_place_is_no_success_but_in_stripes_own_words(
        status in status(),
        which: Index,
        change in change(),
    ) {
        let answer = changed(which.get(&kept("stripe_answer", 1)).clone(), &change);
        stripe_answer(format!("{status}\n{answer}").as_bytes());
    }

    #[test]
    fn an_answer_of_any_bytes_is_no_success(
        status in status(),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        stripe_answer(&[status.as_bytes(), b"\n", &body].concat());
    }

    #[test]
    fn an_answer_of_elastic_paths_that_is_wrong_in_one_place_is_no_success_but_in_stripes_own_word(
        status in status(),
        which: Index,
        change in change(),
    ) {
        let answer = changed(which.get(&kept("platform_answer", 1)).clone(), &change);
        platform_answer(format!("{status}\n{answer}").as_bytes());
    }

    #[test]
    fn an_answer_of_elastic_paths_of_any_bytes_is_no_success(
        status in status(),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        platform_answer(&[status.as_bytes(), b"\n", &body].concat());
    }
}
