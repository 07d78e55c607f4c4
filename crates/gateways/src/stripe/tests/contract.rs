//! What we send and what we can read, held against the types of Stripe's own library.
//!
//! `cargo xtask test` derives the schemas from it; objects inside others are checked by their own
//! names, as they are derived.

use std::path::PathBuf;

use bytes::Bytes;

use domain::{
    id::RefundId,
    refund::{Refund, RefundOrigin},
};

use super::*;
use crate::stripe::webhook::{About, Beside, Finality, read_event};

/// `None` where they have not been derived.
fn official_types() -> Option<Value> {
    let path = match std::env::var("TILL_STRIPE_SCHEMA") {
        Ok(named) => PathBuf::from(named),
        Err(_) => {
            let left = "../../target/stripe-types.schema.json";
            let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(left);
            if !path.is_file() {
                println!(
                    "skipped: requests are not validated, `cargo xtask test --only sdks` derives \
                     Stripe's types into target/stripe-types.schema.json"
                );
                return None;
            }
            path
        }
    };
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

/// What is wrong with `value` as a `name`. Only the definitions that the type reaches are given to
/// the validator: all of them would cost a second each time.
fn complaints(types: &Value, name: &str, value: &Value) -> Vec<String> {
    let reference = &types["types"][name];
    assert!(reference["$ref"].is_string(), "Stripe has no {name}");
    let mut schema = reference.clone();
    schema["$defs"] = json!({});
    let mut next = vec![reference];
    while let Some(part) = next.pop() {
        let target = part["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        if let Some(target) = target.filter(|target| schema["$defs"].get(target).is_none()) {
            schema["$defs"][target] = types["$defs"][target].clone();
            next.push(&types["$defs"][target]);
        }
        match part {
            Value::Object(fields) => next.extend(fields.values()),
            Value::Array(items) => next.extend(items),
            _ => {}
        }
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{name}: {error}")).collect()
}

/// Nests `a[b][0]=v` again; numbers and booleans where Stripe's library has them.
fn nested(form: &str) -> Value {
    let mut root = json!({});
    for (name, value) in form_urlencoded::parse(form.as_bytes()) {
        let mut place = &mut root;
        for part in name.split(['[', ']']).filter(|part| !part.is_empty()) {
            place = match part.parse::<usize>() {
                Ok(index) => {
                    if place.is_null() {
                        *place = json!([]);
                    }
                    let items = place.as_array_mut().unwrap();
                    assert_eq!(index, items.len(), "{name} comes in its order");
                    items.push(Value::Null);
                    items.last_mut().unwrap()
                }
                Err(_) => &mut place[part],
            };
        }
        *place = match name.as_ref() {
            "amount" | "limit" | "created[gte]" | "created[lte]" | "created[lt]" => {
                value.parse::<i64>().unwrap().into()
            }
            "automatic_payment_methods[enabled]" | "delivery_success" => {
                value.parse::<bool>().unwrap().into()
            }
            _ => value.into_owned().into(),
        };
    }
    root
}

/// The type of a request's parameters; a request to somewhere new fails.
fn params_type(request: &http::Request<Bytes>) -> &'static str {
    let ids = ["pi_1", "re_1", "du_1"].iter();
    let path = ids.fold(request.uri().path().to_owned(), |path, id| path.replace(id, "{id}"));
    match (request.method().as_str(), path.as_str()) {
        ("POST", "/v1/payment_intents") => "payment_intent_create_params",
        ("GET", "/v1/payment_intents") => "payment_intent_list_params",
        ("GET", "/v1/payment_intents/{id}") => "payment_intent_retrieve_params",
        ("POST", "/v1/payment_intents/{id}") => "payment_intent_update_params",
        ("POST", "/v1/payment_intents/{id}/cancel") => "payment_intent_cancel_params",
        ("GET", "/v1/events") => "event_list_params",
        ("POST", "/v1/refunds") => "refund_create_params",
        ("GET", "/v1/refunds") => "refund_list_params",
        ("GET", "/v1/refunds/{id}") => "refund_retrieve_params",
        ("GET", "/v1/disputes") => "dispute_list_params",
        ("GET", "/v1/disputes/{id}") => "dispute_retrieve_params",
        ("GET", "/v1/account") => "account_retrieve_current_params",
        ("GET", "/v1/webhook_endpoints") => "webhook_endpoint_list_params",
        other => panic!("{other:?} has no type of parameters here"),
    }
}

/// One of everything that the client can ask for.
async fn every_request() -> Vec<http::Request<Bytes>> {
    let one = || says(200, intent("pi_1", "canceled", ORDER));
    let refund =
        || says(200, r#"{"id":"re_1","payment_intent":"pi_1","amount":1,"currency":"eur"}"#);
    let (stripe, asked) = stripe([
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        one(),
        list(&[intent("pi_1", "canceled", "")], true),
        list(&[], false),
        list(&[r#"{"id":"evt_1"}"#.into()], true),
        list(&[], false),
        refund(),
        refund(),
        says(200, r#"{"data":[],"has_more":false}"#),
        says(200, r#"{"id":"du_1"}"#),
        says(200, r#"{"data":[],"has_more":false}"#),
        list(&[], false),
        list(&[], false),
        list(&[], false),
        says(200, r#"{"id":"pi_1","created":1}"#),
        says(200, r#"{"id":"re_1","created":1}"#),
        list(&[], false),
        says(200, r#"{"id":"acct_1"}"#),
        list(&[], false),
        list(&[], false),
        list(&[], false),
        list(&[], false),
        list(&[], false),
    ]);
    let key = IdempotencyKey::create(PaymentId(Uuid::nil()), 1);
    for requires_shipping in [true, false] {
        let request = encode(money(4998, "EUR"), berlin(), requires_shipping);
        stripe.create(&key, &request).await.unwrap();
    }
    let pi_1 = reference("pi_1");
    stripe.retrieve(&pi_1).await.unwrap();
    stripe.update(&pi_1, &key, "amount=4998").await.unwrap();
    for reason in
        [CancelReason::RequestedByCustomer, CancelReason::Abandoned, CancelReason::Duplicate]
    {
        stripe.cancel(&pi_1, reason).await.unwrap();
    }
    stripe.find(order_id(), second(0), second(9)).await.unwrap();
    let query = EventsQuery { since: second(0), after: None, deliveries: Deliveries::Undelivered };
    let page = stripe.events(&query).await.unwrap();
    let query = EventsQuery { after: page.next, deliveries: Deliveries::All, ..query };
    stripe.events(&query).await.unwrap();
    every_request_for_refunds(&stripe, &pi_1).await;
    stripe.retrieve_dispute(&reference("du_1")).await.unwrap();
    stripe.list_disputes(&pi_1).await.unwrap();
    every_request_for_books(&stripe, &pi_1).await;
    let asked = asked.lock().unwrap();
    asked.clone()
}

async fn every_request_for_refunds(stripe: &Stripe, pi_1: &GatewayReference) {
    let (_, payment) = order(money(4998, "EUR"), berlin(), true);
    let id = RefundId(Uuid::nil());
    let refund = Refund::new(id, &payment, money(1, "EUR"), RefundOrigin::Automatic);
    let request = refund::encode(&refund, pi_1).unwrap();
    stripe.create_refund(&IdempotencyKey::refund(id), &request).await.unwrap();
    stripe.retrieve_refund(&reference("re_1")).await.unwrap();
    stripe.list_refunds(pi_1).await.unwrap();
}

async fn every_request_for_books(stripe: &Stripe, pi_1: &GatewayReference) {
    let span = books::Span { from: second(0), to: second(9) };
    stripe.payments_made(span, Some(pi_1)).await.unwrap();
    stripe.refunds_made(span, None).await.unwrap();
    stripe.disputes_made(span, None).await.unwrap();
    stripe.payment_entry(pi_1).await.unwrap();
    stripe.refund_entry(&reference("re_1")).await.unwrap();
    stripe.successes(second(0), None).await.unwrap();
    stripe.account().await.unwrap();
    stripe.webhook_endpoints().await.unwrap();
    for what in account::Readable::ALL {
        stripe.try_reading(what).await.unwrap();
    }
}

#[tokio::test]
async fn requests_are_what_the_official_types_of_this_version_allow() {
    let Some(types) = official_types() else { return };
    let requests = every_request().await;
    assert_eq!(requests.len(), 28, "every answer of the script was asked for");
    for request in requests {
        let form = match request.method().as_str() {
            "POST" => std::str::from_utf8(request.body()).unwrap().to_owned(),
            _ => request.uri().query().unwrap_or_default().to_owned(),
        };
        let none: [String; 0] = [];
        assert_eq!(complaints(&types, params_type(&request), &nested(&form)), none, "{form}");
    }
    let wrong =
        complaints(&types, "payment_intent_create_params", &nested("amount=1&currencies=eur"));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}

fn examples() -> Value {
    serde_json::from_str(include_str!("examples.json")).unwrap()
}

/// Every object in `value`, with the name that its type has among the schemas.
fn objects(value: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    if let Some(kind) = value["object"].as_str() {
        let happened = value["type"].as_str().unwrap_or_default().replace('.', "_");
        let name = if kind == "event" { format!("event_{happened}") } else { kind.to_owned() };
        found.push((name, value));
    }
    match value {
        Value::Object(fields) => found.extend(fields.values().flat_map(objects)),
        Value::Array(items) => found.extend(items.iter().flat_map(objects)),
        _ => {}
    }
    found
}

#[test]
fn the_example_objects_are_what_the_official_types_of_this_version_say() {
    let Some(types) = official_types() else { return };
    let examples = examples();
    let objects = objects(&examples);
    assert!(objects.len() >= examples.as_object().unwrap().len());
    for (name, object) in objects {
        let none: [String; 0] = [];
        assert_eq!(complaints(&types, &name, object), none, "{object:#}");
    }
}

#[test]
fn objects_of_the_official_types_of_this_version_are_read() {
    let examples = examples();
    let read = |name: &str| Answer::read(&examples[name].to_string()).unwrap();
    let reports = [
        ("pi_created", Report::Open),
        ("pi_requires_action_sdk", Report::RequiresAction),
        ("pi_requires_action_redirect", Report::RequiresAction),
        ("pi_processing_sepa", Report::Processing),
        ("pi_canceled", Report::Cancelled),
        ("pi_succeeded", Report::Succeeded { received: money(4998, "EUR") }),
    ];
    for (name, report) in reports {
        let answer = read(name);
        assert_eq!(answer.news.report, report, "{name}");
        assert_eq!(answer.news.amount, money(4998, "EUR"), "{name}");
        assert!(answer.client_secret.is_some(), "{name}");
        assert_eq!(answer.news.order, None, "{name}: ord_01K is no order id of ours");
    }
    let Report::Declined(decline) = read("pi_declined").news.report else { panic!("not declined") };
    assert_eq!(decline.attempt, "ch_3SWn0aLcl000000000000002");
    assert_eq!(decline.code, "insufficient_funds");

    let event = read_event(&examples["event_payment_intent_succeeded"].to_string()).unwrap();
    assert!(matches!(event.about, About::Payment(_, Finality::Final)), "{event:?}");
    assert_eq!(event.api_version.as_deref(), Some(STRIPE_VERSION));
    let refund = read_event(&examples["event_charge_refunded"].to_string()).unwrap();
    assert!(matches!(refund.about, About::Beside(_, Beside::Refund(None))), "{refund:?}");
}
