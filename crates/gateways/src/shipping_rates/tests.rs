use domain::session::TEXT_CHARS_MAX;
use standardwebhooks::Webhook;

use super::*;
use crate::stripe::script::{Asked, Step, play, says};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap()).unwrap()
}

fn home() -> FormAddress {
    FormAddress::new(|part| format!("{part:?}")).unwrap()
}

async fn told(step: Step) -> (Result<Vec<Rate>, RatesError>, Asked) {
    let (transport, asked) = play([step]);
    let endpoint = "https://erp.example/rates".parse().unwrap();
    let desk = ShippingRates::new(transport, endpoint, vec![SECRET.parse().unwrap()]);
    let line = GoodsLine {
        product: Some("p1".into()),
        sku: "mug".into(),
        name: "Mug".into(),
        quantity: 2,
        unit_price: usd(1500),
    };
    let home = home();
    let question = Question {
        id: Uuid::from_u128(1),
        session: SessionId(Uuid::from_u128(2)),
        to: &home,
        goods: Goods { lines: vec![line], subtotal: usd(3000) },
    };
    (desk.ask(&question, Timestamp::now()).await, asked)
}

fn rate(change: &Value) -> Value {
    let mut rate = json!({ "id": "a", "name": "Post", "amount": 599, "currency": "USD" });
    rate.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    rate
}

/// What becomes of an answer with these rates.
async fn of(rates: Vec<Value>) -> Result<Vec<Rate>, RatesError> {
    told(says(200, json!({ "rates": rates }).to_string())).await.0
}

#[tokio::test]
async fn the_question_is_signed_and_says_where_it_goes_but_not_to_whom() {
    let (rates, asked) = told(says(200, json!({ "rates": [] }).to_string())).await;
    assert_eq!(rates.unwrap(), []);
    let asked = asked.lock().unwrap();
    let request = &asked[0];
    assert_eq!((request.method(), request.uri().path()), (&http::Method::POST, "/rates"));
    Webhook::new(SECRET).unwrap().verify(request.body(), request.headers()).unwrap();
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(
        body["session"],
        json!({
            "id": Uuid::from_u128(2).to_string(),
            "destination": {
                "line1": "Line1", "line2": "Line2", "city": "City", "county": "County",
                "postcode": "Postcode", "country": "Country",
            },
            "lines": [{
                "productId": "p1", "sku": "mug", "name": "Mug", "quantity": 2, "unitAmount": 1500,
            }],
            "subtotal": 3000,
            "currency": "USD",
        })
    );
}

#[tokio::test]
async fn what_is_offered_is_read_with_all_its_words() {
    let words = json!({
        "description": "d", "deliveryTime": "2 days", "serviceLevel": "express", "carrier": "ups",
        "unknown": [1],
    });
    let rates = of(vec![rate(&words), rate(&json!({ "id": "b", "amount": 0 }))]).await.unwrap();
    let [first, second] = &rates[..] else { panic!("{rates:?}") };
    assert_eq!((first.id.as_str(), first.amount), ("a", usd(599)));
    let words = &first.words;
    assert_eq!((words.name.as_str(), words.delivery_time.as_str()), ("Post", "2 days"));
    assert_eq!((words.service_level.as_str(), words.carrier.as_str()), ("express", "ups"));
    assert_eq!((words.description.as_str(), second.amount), ("d", usd(0)));
}

#[tokio::test]
async fn an_answer_that_breaks_a_rule_is_none() {
    use RatesError as E;
    let many = |count: usize| (0..count).map(|n| rate(&json!({ "id": n.to_string() }))).collect();
    assert_eq!(of(many(CheckoutSession::RATES_MAX)).await.unwrap().len(), 50);
    assert!(matches!(of(many(CheckoutSession::RATES_MAX + 1)).await, Err(E::TooMany(51))));
    assert!(matches!(of(vec![rate(&json!({})), rate(&json!({}))]).await, Err(E::Twice(_))));
    for (change, is_it) in [
        (json!({ "amount": -1 }), (|e| matches!(e, E::Amount(_))) as fn(&E) -> bool),
        (json!({ "amount": i64::MAX }), |e| matches!(e, E::Amount(_))),
        (json!({ "amount": 5.99 }), |e| matches!(e, E::Unreadable(_))),
        (json!({ "amount": "599" }), |e| matches!(e, E::Unreadable(_))),
        (json!({ "currency": "EUR" }), |e| matches!(e, E::Currency(_))),
        (json!({ "currency": "usd" }), |e| matches!(e, E::Currency(_))),
        (json!({ "id": "" }), |e| matches!(e, E::Text(_))),
        (json!({ "name": "n".repeat(TEXT_CHARS_MAX + 1) }), |e| matches!(e, E::Text(_))),
    ] {
        let error = of(vec![rate(&change)]).await.unwrap_err();
        assert!(is_it(&error), "{change}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_says_no_or_nothing_or_too_much_has_not_answered() {
    use RatesError as E;
    for (step, is_it) in [
        (says(500, ""), (|e| matches!(e, E::Status(_))) as fn(&E) -> bool),
        (says(201, json!({ "rates": [] }).to_string()), |e| matches!(e, E::Status(_))),
        (says(302, ""), |e| matches!(e, E::Status(_))),
        (says(200, "<html>"), |e| matches!(e, E::Unreadable(_))),
        (says(200, "{}"), |e| matches!(e, E::Unreadable(_))),
        (says(200, " ".repeat(ANSWER_BYTES_MAX + 1)), |e| matches!(e, E::TooLong)),
        (Step::NotSent, |e| matches!(e, E::NoAnswer(_))),
        (Step::NoAnswer, |e| matches!(e, E::NoAnswer(_))),
        (Step::Silence, |e| matches!(e, E::TooLate)),
    ] {
        let (answer, _) = told(step).await;
        let error = answer.unwrap_err();
        assert!(is_it(&error), "{error:?}");
    }
}
