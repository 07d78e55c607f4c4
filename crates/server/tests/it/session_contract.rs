//! The contract of checkout sessions that front ends for Elastic Path speak: each route and each error
//! code of it, and which story meets it here, or why it cannot be met.

use std::{collections::BTreeMap, fs, path::Path};

use server::http::{openapi, session::code::SessionCode};

/// What has become of a code of the contract.
enum Here {
    /// This story meets it.
    Shown(&'static str),
    /// It is answered, and no request can bring it about.
    Unseen(&'static str),
    /// It is never answered.
    Absent(&'static str),
}
use Here::{Absent, Shown, Unseen};

/// The routes, as this document names them.
const ROUTES: [(&str, &str, &str); 8] = [
    ("post", "/api/checkout/sessions", "open_session"),
    ("get", "/api/checkout/sessions/current", "current_session"),
    ("patch", "/api/checkout/sessions/current", "patch_session"),
    ("post", "/api/checkout/sessions/current/shipping", "offer_shipping"),
    ("post", "/api/checkout/sessions/current/pay", "pay_session"),
    ("post", "/api/checkout/sessions/current/resume-payment", "resume_payment"),
    ("post", "/api/checkout/sessions/current/abandon-payment", "abandon_payment"),
    ("post", "/api/checkout/sessions/current/confirm", "confirm_session"),
];

/// Nothing is confirmed by itself.
const NO_CONFIRM: &str =
    "of gateways that are confirmed by themselves; confirm_session says what to call";

/// The codes of the contract, and those that are answered here beyond it.
const CODES: [(u16, &str, Here); 25] = [
    (
        400,
        "VALIDATION_ERROR",
        Shown("what_cannot_be_understood_is_refused_with_a_sentence_and_changes_nothing"),
    ),
    (410, "SESSION_GONE", Shown("a_session_that_nobody_comes_back_to_expires")),
    (400, "SESSION_NOT_OPEN", Shown("paying_again_after_success_is_answered_the_same")),
    (400, "MISSING_FIELDS", Shown("what_is_missing_is_said_before_anything_is_charged")),
    (
        400,
        "MISSING_SHIPPING_ADDRESS",
        Shown("a_session_is_opened_on_the_cart_and_filled_in_step_by_step"),
    ),
    (409, "CART_MISMATCH", Shown("a_cart_that_changed_is_shown_before_it_is_paid")),
    (
        409,
        "SHIPPING_RATE_UNRESOLVABLE",
        Shown("a_rate_that_is_gone_or_costs_something_else_is_chosen_again_before_the_charge"),
    ),
    (
        502,
        "SHIPPING_ERROR",
        Shown("while_nobody_says_what_sending_costs_nothing_is_offered_and_nothing_charged"),
    ),
    (400, "UNKNOWN_GATEWAY", Shown("a_shop_without_its_secret_has_no_gateway_to_pay_by")),
    (
        502,
        "ADAPTER_ERROR",
        Shown("where_stripe_cannot_be_asked_nothing_is_begun_and_the_shopper_hears_so"),
    ),
    (502, "EP_ERROR", Shown("a_cart_that_the_platform_does_not_show_opens_no_session")),
    (500, "STORE_ERROR", Unseen("a fault of our own cannot be caused from outside")),
    (
        400,
        "SESSION_NOT_RESUMABLE",
        Shown("a_shopper_who_fails_to_authenticate_may_pay_with_another_card"),
    ),
    (
        400,
        "NO_PAYMENT_INTENT",
        Absent(
            "a session that waits for a challenge holds its payment; any other is not resumable",
        ),
    ),
    (
        409,
        "PAYMENT_STILL_REQUIRES_ACTION",
        Shown("a_challenge_at_the_platform_is_resumed_or_abandoned"),
    ),
    (400, "SESSION_NOT_ABANDONABLE", Shown("a_challenge_at_the_platform_is_resumed_or_abandoned")),
    (400, "SESSION_NOT_CONFIRMABLE", Shown("whoever_confirms_by_itself_is_told_what_to_call")),
    (400, "NO_ORDER", Absent(NO_CONFIRM)),
    (400, "NO_GATEWAY", Absent(NO_CONFIRM)),
    (500, "MISSING_TRANSACTION_ID", Absent(NO_CONFIRM)),
    (
        0,
        "IN_FLIGHT",
        Absent("a browser says it to itself; a second click is answered like the first"),
    ),
    (403, "ACCOUNT_REQUIRED", Shown("a_subscription_is_not_sold_and_nothing_is_charged_for_it")),
    (
        401,
        "ACCOUNT_TOKEN_INVALID",
        Shown("a_sign_in_that_is_over_or_never_was_is_told_before_anything_is_charged"),
    ),
    (
        403,
        "CHALLENGE_REQUIRED",
        Shown("while_cards_are_being_tried_out_a_session_is_paid_after_a_challenge"),
    ),
    (
        429,
        "RATE_LIMITED",
        Shown("whoever_finds_no_room_in_the_stores_rate_limit_is_told_so_before_the_charge"),
    ),
];

/// What `EP_ERROR` says in the contract.
const SENTENCES: [(&str, Here); 7] = [
    ("Failed to fetch cart", Shown("a_cart_that_the_platform_does_not_show_opens_no_session")),
    (
        "Failed to apply shipping",
        Shown("shipping_that_the_platform_does_not_take_is_not_shown_as_chosen"),
    ),
    ("Order creation failed", Shown("goods_that_are_gone_are_not_charged")),
    (
        "Payment succeeded but order creation failed",
        Absent("after a charge the session is processing, with paymentError, and is worked off"),
    ),
    (
        "Failed to load existing order",
        Absent("likewise: what is not known is asked for again, and the session is processing"),
    ),
    ("Free order creation failed", Absent("the session is open and failed, with paymentError")),
    ("Free order could not be settled (is the manual gateway enabled?)", Absent("likewise")),
];

/// Every story's text by its name.
fn stories() -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/stories")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for story in text.split("async fn ").skip(1) {
                let (name, _) = story.split_once('(').unwrap();
                told.insert(name.to_owned(), story.to_owned());
            }
        }
    }
    told
}

#[test]
fn every_route_of_the_session_contract_is_here() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    for (method, path, operation) in ROUTES {
        assert_eq!(paths[path][method]["operationId"], operation, "{method} {path}");
    }
    let sessions = paths.iter().filter(|(path, _)| path.starts_with("/api/checkout/sessions"));
    let count: usize = sessions.map(|(_, methods)| methods.as_object().unwrap().len()).sum();
    assert_eq!(count, ROUTES.len(), "a route that the contract does not know");
}

#[test]
fn every_code_of_the_session_contract_has_a_story_or_a_reason() {
    let stories = stories();
    let shows = |story: &str, word: &str| {
        let text = stories.get(story).unwrap_or_else(|| panic!("no story {story}"));
        assert!(text.contains(word), "{story} does not meet {word}");
    };
    let mut answered = Vec::new();
    for (status, code, here) in CODES {
        match here {
            Shown(story) => shows(story, code),
            Unseen(reason) | Absent(reason) => assert!(!reason.is_empty()),
        }
        if !matches!(here, Absent(_)) {
            answered.push((code, status));
        }
    }
    for (sentence, here) in SENTENCES {
        match here {
            Shown(story) => shows(story, sentence),
            Unseen(reason) | Absent(reason) => assert!(!reason.is_empty()),
        }
    }
    let mut known = SessionCode::ALL.map(|code| (code.wire().0, code.wire().1.as_u16()));
    answered.sort();
    known.sort();
    assert_eq!(answered, known);
}
