//! The cart payment intent adapter: its request, and every answer.

use http::Method;

use super::*;
use crate::{
    elastic_path::script::{
        CART, PAYMENT, answer, cart, ep, example, external_ref, last, mints, no, outcome, payment,
    },
    stripe::script::{Asked, Step, says},
};

const TOKEN: &str = "ctoken_1Nexample";

async fn create(step: Step) -> (Result<CartPayment, EpError>, Asked) {
    let (ep, admin, asked) = ep([step]);
    let return_url = "https://shop.example/checkout/return".parse().unwrap();
    let request = PaymentRequest {
        sequence: &admin.admit(1).await.unwrap(),
        confirmation_token: TOKEN,
        return_url: &return_url,
        receipt_email: None,
        external_ref: &external_ref(),
    };
    (ep.create_payment(&admin, &cart(), &request).await, asked)
}

async fn created(step: Step) -> CartPayment {
    create(step).await.0.unwrap()
}

async fn update(step: Step) -> Result<CartPayment, EpError> {
    let (ep, admin, _) = ep([step]);
    ep.ask_payment(&admin, &cart(), &payment()).await.map(|view| view.stands)
}

/// How an answer reads, in one word, with its payment if it has one.
fn word(read: &CartPayment) -> (&'static str, bool) {
    match read {
        CartPayment::Succeeded { .. } => ("succeeded", true),
        CartPayment::Authorized { .. } => ("authorized", true),
        CartPayment::Processing { .. } => ("processing", true),
        CartPayment::RequiresAction { .. } => ("requires action", true),
        CartPayment::Declined { payment, .. } => ("declined", payment.is_some()),
        CartPayment::Untried { .. } => ("untried", true),
        CartPayment::Unclear { payment } => ("unclear", payment.is_some()),
    }
}

fn intent(status: &str) -> Value {
    json!({
        "id": PAYMENT, "status": status, "amount": 3599, "amount_received": 3599,
        "currency": "usd", "client_secret": format!("{PAYMENT}_secret_abc"),
        "last_payment_error": null,
    })
}

fn doubly(intent: &Value) -> Value {
    json!({
        "data": {"id": CART, "payment_intent_id": PAYMENT},
        "meta": {"payment_intent": {"payment_intent": intent}},
    })
}

fn message(read: CartPayment) -> String {
    match read {
        CartPayment::Declined { message, .. } => message,
        other => panic!("not declined: {other:?}"),
    }
}

#[tokio::test]
async fn the_request_confirms_at_once_with_the_shoppers_token() {
    let (result, asked) = create(says(201, example!("cart.payments.post.succeeded.201"))).await;
    result.unwrap();
    let body = json!({"data": {
        "gateway": "elastic_path_payments_stripe",
        "method": "purchase",
        "options": {
            "automatic_payment_methods": {"enabled": true},
            "confirm": true,
            "confirmation_token": TOKEN,
            "return_url": "https://shop.example/checkout/return",
            "metadata": {"attempt": external_ref().as_str()},
        },
    }});
    assert_eq!(last(&asked), (Method::POST, format!("/v2/carts/{CART}/payments"), body));
    let grant = asked.lock().unwrap()[0].body().clone();
    assert!(grant.starts_with(b"grant_type=client_credentials&"), "{grant:?}");
    assert_eq!(mints(&asked), 1);
}

#[tokio::test]
async fn the_request_names_the_receipts_address_where_there_is_one() {
    let email = "jane@example.com".parse().unwrap();
    let (_, admin, _) = ep([]);
    let request = PaymentRequest {
        sequence: &admin.admit(1).await.unwrap(),
        confirmation_token: TOKEN,
        return_url: &"https://shop.example/".parse().unwrap(),
        receipt_email: Some(&email),
        external_ref: &external_ref(),
    };
    let body: Value = serde_json::from_str(&request.body()).unwrap();
    assert_eq!(body["data"]["options"]["receipt_email"], "jane@example.com");
}

#[tokio::test]
async fn a_success_brings_the_payment_and_what_was_received() {
    let read = created(says(201, example!("cart.payments.post.succeeded.201"))).await;
    let CartPayment::Succeeded { payment: found, amount } = read else { panic!("{read:?}") };
    assert_eq!(found, payment());
    assert_eq!(amount, Some(Money::new(3599, "USD".parse().unwrap()).unwrap()));
}

#[tokio::test]
async fn three_d_secure_brings_the_secret_for_the_browser_and_no_log_shows_it() {
    let read = created(says(201, example!("cart.payments.post.requires_action.201"))).await;
    assert!(!format!("{read:?}").contains("_secret_"));
    let CartPayment::RequiresAction { client_secret, amount, .. } = read else {
        panic!("{read:?}")
    };
    assert_eq!(client_secret.expose(), format!("{PAYMENT}_secret_abc"));
    assert!(amount.is_some());
}

#[tokio::test]
async fn all_three_shapes_of_a_decline_are_declines() {
    let refused = json!({"errors": [
        {"status": 400, "title": "Bad Request", "detail": "Your card was declined."},
    ]});
    let as_4xx = created(answer(400, &refused)).await;
    assert_eq!(word(&as_4xx), ("declined", false));
    assert_eq!(message(as_4xx), "Your card was declined.");

    let example = example!("cart.payments.post.requires_payment_method.201");
    let as_201 = created(says(201, example)).await;
    assert_eq!(word(&as_201), ("declined", true));
    assert_eq!(message(as_201), "Your card was declined.");

    let as_soft = created(answer(201, &refused)).await;
    assert_eq!(word(&as_soft), ("declined", false));
    assert_eq!(message(as_soft), "Your card was declined.");
}

#[tokio::test]
async fn every_status_reads_as_what_it_means_for_the_money() {
    for (status, expected) in [
        ("succeeded", ("succeeded", true)),
        ("requires_capture", ("authorized", true)),
        ("processing", ("processing", true)),
        ("requires_action", ("requires action", true)),
        ("requires_payment_method", ("untried", true)),
        ("requires_confirmation", ("untried", true)),
        ("canceled", ("declined", true)),
        ("a_word_of_tomorrow", ("unclear", true)),
    ] {
        let body = doubly(&intent(status));
        assert_eq!(word(&created(answer(201, &body)).await), expected, "{status}");
        assert_eq!(word(&update(answer(200, &body)).await.unwrap()), expected, "{status}");
    }
    let read = created(answer(201, &doubly(&intent("canceled")))).await;
    assert_eq!(message(read), "Payment did not complete (canceled)");
}

#[tokio::test]
async fn the_payment_is_found_in_each_place_that_it_may_lie_in() {
    let intent = intent("succeeded");
    for body in [
        json!({"meta": {"payment_intent": {"payment_intent": intent}}}),
        json!({"meta": {"payment_intent": intent}}),
        json!({"data": {"meta": {"payment_intent": {"payment_intent": intent}}}}),
        json!({"data": {"meta": {"payment_intent": intent}}}),
        json!({"data": {"payment_intent": intent}}),
        json!({
            "meta": {"payment_intent": {"deleted": false, "id": "", "object": ""}},
            "data": {"payment_intent": intent},
        }),
    ] {
        assert_eq!(word(&created(answer(201, &body)).await), ("succeeded", true), "{body}");
    }
    let first = json!({
        "meta": {"payment_intent": {"payment_intent": intent}},
        "data": {"payment_intent": {"id": "pi_other", "status": "requires_payment_method"}},
    });
    assert_eq!(word(&created(answer(201, &first)).await), ("succeeded", true));
}

#[tokio::test]
async fn a_payment_without_a_status_is_no_success() {
    for (body, expected) in [
        (json!({"data": {"payment_intent_id": PAYMENT}}), ("unclear", true)),
        (doubly(&json!({"id": PAYMENT})), ("unclear", true)),
        (doubly(&json!({"id": PAYMENT, "status": ""})), ("unclear", true)),
        (json!({"data": {"id": CART}}), ("unclear", false)),
        (json!({"meta": {"payment_intent": {"status": "succeeded"}}}), ("unclear", false)),
        (json!({}), ("unclear", false)),
    ] {
        assert_eq!(word(&created(answer(201, &body)).await), expected, "{body}");
    }
    let mut secretless = intent("requires_action");
    secretless["client_secret"] = json!("");
    assert_eq!(word(&created(answer(201, &doubly(&secretless))).await), ("unclear", true));
}

#[tokio::test]
async fn a_success_with_errors_beside_it_is_neither_a_success_nor_a_decline() {
    for status in ["succeeded", "processing", "requires_action"] {
        let mut body = doubly(&intent(status));
        body["errors"] = json!([{"title": "Conflict"}]);
        assert_eq!(word(&created(answer(201, &body)).await), ("unclear", true), "{status}");
    }
    let mut linked = json!({"data": {"payment_intent_id": PAYMENT}});
    linked["errors"] = json!([{"detail": "Your card was declined."}]);
    assert_eq!(word(&created(answer(201, &linked)).await), ("unclear", true));
}

#[tokio::test]
async fn an_amount_that_cannot_be_read_does_not_hide_a_success() {
    for amount in [json!(null), json!("3599"), json!(35.99)] {
        let mut odd = intent("succeeded");
        odd["amount_received"] = amount;
        odd["metadata"] = json!(7);
        let read = created(answer(201, &doubly(&odd))).await;
        assert!(matches!(read, CartPayment::Succeeded { amount: None, .. }), "{read:?}");
    }
}

#[tokio::test]
async fn a_bank_that_suspects_theft_says_so_to_the_shop_alone() {
    let mut stolen = intent("requires_payment_method");
    stolen["last_payment_error"] = json!({
        "code": "card_declined", "decline_code": "stolen_card", "message": "Stolen.",
    });
    let read = created(answer(201, &doubly(&stolen))).await;
    assert_eq!(message(read), "Your card was declined.");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_of_the_banks_is_no_decline() {
    for (step, ended) in [
        (says(401, example!("error.401")), "refused 401"),
        (says(403, example!("error.403.scopes")), "refused 403"),
        (no(404), "refused 404"),
        (says(409, example!("error.409")), "unknown 409"),
        (no(500), "unknown 500"),
        (says(502, "<html>"), "unknown 502"),
        (says(400, "<html>"), "unknown 400"),
        (says(201, "<html>"), "unknown, unreadable"),
        (Step::NoAnswer, "unknown, no answer"),
        (Step::Silence, "unknown, too late"),
    ] {
        let (result, asked) = create(step).await;
        assert_eq!(outcome(&result), ended);
        assert_eq!(asked.lock().unwrap().len(), 2, "a charge is asked for once");
    }
}

#[tokio::test]
async fn a_question_that_is_refused_says_nothing_of_the_payment() {
    assert_eq!(outcome(&update(no(400)).await), "refused 400");
    assert_eq!(outcome(&update(no(422)).await), "refused 422");
    let soft = json!({"errors": [{"detail": "Your card was declined."}]});
    assert_eq!(word(&update(answer(200, &soft)).await.unwrap()), ("unclear", false));
}

#[tokio::test]
async fn a_payment_is_asked_after_by_writing_nothing_and_says_who_made_it() {
    let mut named = intent("succeeded");
    named["metadata"] = json!({"attempt": external_ref().as_str()});
    for (intent, name) in [(named, Some(external_ref().to_string())), (intent("succeeded"), None)] {
        let (ep, admin, asked) = ep([answer(200, &doubly(&intent))]);
        let view = ep.ask_payment(&admin, &cart(), &payment()).await.unwrap();
        assert_eq!(view.named, name);
        let body = json!({"data": {
            "gateway": "elastic_path_payments_stripe", "method": "purchase",
        }});
        let path = format!("/v2/carts/{CART}/payments/{PAYMENT}");
        assert_eq!(last(&asked), (Method::PUT, path, body));
    }
}

#[tokio::test]
async fn a_payment_that_nobody_has_tried_is_told_from_one_that_failed() {
    let mut failed = intent("requires_payment_method");
    failed["last_payment_error"] = json!({"code": "card_declined", "message": "Declined."});
    for (intent, expected) in [(failed, "declined"), (intent("requires_payment_method"), "untried")]
    {
        let read = update(answer(200, &doubly(&intent))).await.unwrap();
        assert_eq!(word(&read), (expected, true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_cart_is_unlinked_with_an_empty_text_and_as_often_as_it_takes() {
    let (ep, admin, asked) =
        ep([no(500), Step::NoAnswer, answer(200, &json!({"data": {"id": CART}}))]);
    ep.detach_payment(&admin, &cart()).await.unwrap();
    let body = json!({"data": {"payment_intent_id": ""}});
    assert_eq!(last(&asked), (Method::PUT, format!("/v2/carts/{CART}"), body));
}

#[tokio::test]
async fn a_sentence_for_a_shopper_is_short_and_has_no_control_characters() {
    let long = format!("a\u{7}\n{}", "x".repeat(1000));
    let refused = json!({"errors": [{"detail": long}]});
    let message = message(created(answer(400, &refused)).await);
    assert_eq!(message, format!("a{}", "x".repeat(SENTENCE_CHARS_MAX - 1)));
}
