//! The body of an event that Stripe has signed.

use domain::event::{News, Report, Word};
use gateways::stripe::webhook::{About, Event, Finality, read_event};
use serde_json::Value;

/// An event that can be read says nothing that Stripe has not written, fits into our tables, and is
/// the end of a payment only where Stripe says so twice.
pub fn event_body(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(event) = read_event(text) else { return };
    let object = event.object.as_ref().map(|object| object.as_str());
    for word in [Some(event.id.as_str()), Some(&event.kind), object].into_iter().flatten() {
        let length = word.chars().count();
        assert!((1..=255).contains(&length), "a word of {length} characters");
        assert!(!word.contains(char::is_control), "{word:?} holds a control character");
    }
    if let Ok(written) = serde_json::from_str(text)
        && is_by_name(&written)
    {
        compare(&event, &written);
    }
}

/// A reader of fields takes a list of their values too, in their order; nobody writes that.
fn is_by_name(event: &Value) -> bool {
    let data = &event["data"];
    event.is_object() && !data.is_array() && !data["object"].is_array()
}

fn compare(event: &Event, written: &Value) {
    assert_eq!(written["id"], event.id.as_str());
    assert_eq!(written["type"], event.kind.as_str());
    assert_eq!(written["livemode"], event.livemode);
    let snapshot = &written["data"]["object"];
    match &event.about {
        About::Payment(news, finality) => {
            assert_eq!(written["object"], "event");
            assert_eq!(news.word, Word::Event(event.id.clone()));
            compare_news(news, snapshot);
            let told = (event.kind.as_str(), snapshot["status"].as_str());
            let end = match &news.report {
                Report::Succeeded { .. } => Some(("payment_intent.succeeded", Some("succeeded"))),
                Report::Cancelled => Some(("payment_intent.canceled", Some("canceled"))),
                Report::Open
                | Report::Declined(_)
                | Report::RequiresAction
                | Report::Processing => None,
            };
            assert_eq!(end.is_some(), *finality == Finality::Final);
            assert!(end.is_none_or(|end| end == told), "{told:?} is no end");
        }
        About::Beside(payment, _) => {
            assert_eq!(snapshot["payment_intent"], payment.as_str());
        }
        About::Unreadable | About::Thin | About::Other => {}
    }
}

/// News of a payment says what its PaymentIntent says.
pub fn compare_news(news: &News, written: &Value) {
    assert_eq!(written["id"], news.reference.as_str());
    assert_eq!(written["livemode"], news.livemode);
    let code = news.amount.currency().code();
    let named = written["currency"].as_str().unwrap_or_default();
    assert!(named.eq_ignore_ascii_case(code), "{named:?} is not {code}");
    if let Report::Succeeded { received } = &news.report {
        assert_eq!(written["status"], "succeeded");
        if code == "EUR" {
            assert_eq!(written["amount_received"], received.minor());
        }
    }
    if code == "EUR" {
        assert_eq!(written["amount"], news.amount.minor());
    }
}
