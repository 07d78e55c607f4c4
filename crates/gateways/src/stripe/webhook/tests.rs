use proptest::prelude::*;

use super::*;

const SENT: i64 = 1_700_000_000;
const PRETTY: &str = "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}";
const PRETTY_V1: &str = "4f1cd7feda9826e746b7d482c4badebb657398df1099e1046364f6196a230150";
const PRETTY_V1_OTHER: &str = "62837b024f75143bacf95b5aefe083505d73fd291de844e4e837186da8abbeaa";

fn secrets(list: &str) -> Vec<WebhookSecret> {
    WebhookSecret::parse_list(list).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Row 1 of the vectors, with another header, at the second of sending.
fn check(header: &str) -> Result<(), SignatureError> {
    check_at(header, SENT)
}

fn check_at(header: &str, now: i64) -> Result<(), SignatureError> {
    verify(PRETTY.as_bytes(), header, &secrets("whsec_test_secret"), at(now)).map(|_| ())
}

fn header() -> String {
    format!("t={SENT},v1={PRETTY_V1}")
}

/// Made with npm `stripe` 23.1.0 (`generateTestHeaderString`); PyPI `stripe` 16.1.0 agrees.
#[test]
fn what_stripes_own_libraries_sign_is_accepted() {
    for (secret, payload, v1) in [
        ("whsec_test_secret", PRETTY, PRETTY_V1),
        (
            "whsec_test_secret",
            r#"{"id":"evt_1","object":"event","type":"payment_intent.succeeded"}"#,
            "67da5088c63e080c71bd2bb0cb5c03d85a8fc6a21ce3aaf484df809654745b92",
        ),
        ("whsec_other", PRETTY, PRETTY_V1_OTHER),
        (
            "whsec_test_secret",
            r#"{"id":"evt_é","note":"żółć €"}"#,
            "e9060c7b7a51ef4bfe10fd688732e9ef1c696cbb99c50ced918047197ab3b63b",
        ),
    ] {
        let header = format!("t={SENT},v1={v1}");
        let event = verify(payload.as_bytes(), &header, &secrets(secret), at(SENT)).unwrap();
        assert_eq!(event.payload(), payload);
    }
}

#[test]
fn five_minutes_count_either_way_and_not_a_second_more() {
    for (now, seconds_ago) in [(SENT + 301, 301), (SENT - 301, -301)] {
        let error = SignatureError::OutsideTolerance { seconds_ago };
        assert_eq!(check_at(&header(), now), Err(error));
    }
    for now in [SENT - 300, SENT, SENT + 300] {
        assert_eq!(check_at(&header(), now), Ok(()));
    }
}

#[test]
fn one_of_several_signatures_is_enough_in_any_place() {
    let wrong = "0".repeat(64);
    for header in [
        format!("t={SENT},v1={wrong},v1={PRETTY_V1}"),
        format!("t={SENT},v1={PRETTY_V1},v1={wrong}"),
        format!("v1={PRETTY_V1},t={SENT}"),
        format!("t={SENT},v0={wrong},v1={PRETTY_V1},v9=x,nonsense"),
    ] {
        assert_eq!(check(&header), Ok(()), "{header}");
    }
}

#[test]
fn while_a_secret_is_rolled_either_one_is_enough() {
    let both = secrets("whsec_other, whsec_test_secret");
    for v1 in [PRETTY_V1, PRETTY_V1_OTHER] {
        let header = format!("t={SENT},v1={v1}");
        assert!(verify(PRETTY.as_bytes(), &header, &both, at(SENT)).is_ok());
    }
    let header = format!("t={SENT},v1={PRETTY_V1_OTHER},v1={PRETTY_V1}");
    assert_eq!(check(&header), Ok(()));
    assert_eq!(check(&format!("t={SENT},v1={PRETTY_V1_OTHER}")), Err(SignatureError::Mismatch));
}

#[test]
fn a_header_that_stripes_libraries_refuse_is_refused() {
    use SignatureError as E;
    for (header, error) in [
        (String::new(), E::NoTime),
        (format!("v1={PRETTY_V1}"), E::NoTime),
        (format!("t=,v1={PRETTY_V1}"), E::NoTime),
        (format!("t=+{SENT},v1={PRETTY_V1}"), E::NoTime),
        (format!("t={SENT}.5,v1={PRETTY_V1}"), E::NoTime),
        (format!("t=99999999999999999999,v1={PRETTY_V1}"), E::NoTime),
        (format!("t={SENT},t={SENT},v1={PRETTY_V1}"), E::NoTime),
        (format!("t={SENT}"), E::NoSignature),
        (format!("t={SENT},v0={PRETTY_V1}"), E::NoSignature),
        (format!("t={SENT}, v1={PRETTY_V1}"), E::NoSignature),
        (format!("t={SENT},v1="), E::Mismatch),
        (format!("t={SENT},v1={}", &PRETTY_V1[..63]), E::Mismatch),
        (format!("t={SENT},v1={}", PRETTY_V1.to_uppercase()), E::Mismatch),
        (format!("t={},v1={PRETTY_V1}", SENT + 1), E::Mismatch),
    ] {
        assert_eq!(check(&header), Err(error), "{header}");
    }
}

#[test]
fn one_changed_byte_is_refused() {
    let changed = PRETTY.replace("evt_test", "evt_tesT");
    let secrets = secrets("whsec_test_secret");
    let result = verify(changed.as_bytes(), &header(), &secrets, at(SENT));
    assert_eq!(result.map(|_| ()), Err(SignatureError::Mismatch));
    let unformatted = r#"{"id":"evt_test_webhook","object":"event"}"#;
    let result = verify(unformatted.as_bytes(), &header(), &secrets, at(SENT));
    assert_eq!(result.map(|_| ()), Err(SignatureError::Mismatch));
}

#[test]
fn without_a_secret_nothing_is_accepted() {
    let result = verify(PRETTY.as_bytes(), &header(), &[], at(SENT));
    assert_eq!(result.map(|_| ()), Err(SignatureError::Mismatch));
}

#[test]
fn a_rightly_signed_body_that_is_no_text_is_refused() {
    let secrets = secrets("whsec_test_secret");
    for body in [&[0xff, 0xfe][..], b"{\"id\":\"evt_\0\"}"] {
        let v1 = sign(&secrets[0], "1700000000", body);
        let result = verify(body, &format!("t={SENT},v1={v1}"), &secrets, at(SENT));
        assert_eq!(result.map(|_| ()), Err(SignatureError::NotText));
    }
}

#[test]
fn a_webhook_secret_is_trimmed_told_from_other_keys_and_never_shown() {
    for text in ["", " ", "whsec_", "sk_test_x", "whsec_a,,whsec_b", "whsec_a,sk_test_x"] {
        assert!(WebhookSecret::parse_list(text).is_err(), "{text:?}");
    }
    let list = secrets(" whsec_a ,\n\twhsec_b\n");
    assert_eq!(list[1].0.expose_secret(), "whsec_b");
    assert_eq!(format!("{list:?}"), "[WebhookSecret(…), WebhookSecret(…)]");
}

proptest! {
    #[test]
    fn any_flipped_bit_of_the_body_is_refused(
        body in proptest::collection::vec(any::<u8>(), 1..200),
        place: prop::sample::Index,
        bit in 0..8,
    ) {
        let secrets = secrets("whsec_test_secret");
        let v1 = sign(&secrets[0], "1700000000", &body);
        let mut changed = body;
        let place = place.index(changed.len());
        changed[place] ^= 1_u8 << bit;
        let result = verify(&changed, &format!("t={SENT},v1={v1}"), &secrets, at(SENT));
        prop_assert_eq!(result.map(|_| ()), Err(SignatureError::Mismatch));
    }

    #[test]
    fn any_flipped_bit_of_the_header_is_refused(place: prop::sample::Index, bit in 0..7) {
        let mut changed = header().into_bytes();
        let place = place.index(changed.len());
        changed[place] ^= 1_u8 << bit;
        let Ok(changed) = String::from_utf8(changed) else { return Ok(()) };
        prop_assert!(check(&changed).is_err(), "{}", changed);
    }

    #[test]
    fn no_header_makes_it_panic(header in ".*", now in -9_999_999_999i64..99_999_999_999) {
        let _ = check_at(&header, now);
    }

    #[test]
    fn no_header_of_the_right_shape_makes_it_panic(
        header in "(t=[0-9+ -]{0,25},?|v[01]=[0-9a-fA-F]{0,70},?|,|=){0,6}",
    ) {
        prop_assert!(check(&header).is_err());
    }

    #[test]
    fn no_payload_makes_reading_panic(payload in ".*") {
        let _ = read_event(&payload);
    }
}

fn event(kind: &str, snapshot: &str) -> Event {
    read_event(&format!(
        r#"{{"id":"evt_1","object":"event","api_version":"2026-10-28.endive","created":{SENT},
        "livemode":false,"type":"{kind}","data":{{"object":{snapshot}}},"pending_webhooks":1}}"#
    ))
    .unwrap()
}

fn snapshot(status: &str) -> String {
    format!(
        r#"{{"id":"pi_1","object":"payment_intent","amount":4998,"amount_received":4998,
        "currency":"eur","livemode":false,"status":"{status}",
        "metadata":{{"order_id":"0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00"}}}}"#
    )
}

fn finality(event: &Event) -> (&Report, Finality) {
    match &event.about {
        About::Payment(news, finality) => (&news.report, *finality),
        about => panic!("not about a payment: {about:?}"),
    }
}

#[test]
fn a_success_and_a_cancellation_are_the_truth_when_kind_and_snapshot_agree() {
    let succeeded = event("payment_intent.succeeded", &snapshot("succeeded"));
    let (report, end) = finality(&succeeded);
    assert!(matches!(report, Report::Succeeded { received } if received.minor() == 4998));
    assert_eq!(end, Finality::Final);
    let cancelled = event("payment_intent.canceled", &snapshot("canceled"));
    assert_eq!(finality(&cancelled), (&Report::Cancelled, Finality::Final));
}

#[test]
fn every_other_event_is_a_hint_that_ends_nothing() {
    for (kind, status) in [
        ("payment_intent.amount_capturable_updated", "succeeded"),
        ("payment_intent.processing", "succeeded"),
        ("payment_intent.payment_failed", "canceled"),
        ("payment_intent.succeeded", "canceled"),
        ("payment_intent.succeeded", "requires_payment_method"),
        ("payment_intent.succeeded", "a_word_of_tomorrow"),
        ("payment_intent.a_kind_of_tomorrow", "requires_confirmation"),
    ] {
        let event = event(kind, &snapshot(status));
        assert_eq!(finality(&event), (&Report::Open, Finality::Hint), "{kind} {status}");
    }
}

#[test]
fn an_event_names_itself_its_object_and_the_order_we_wrote_into_it() {
    let event = event("payment_intent.succeeded", &snapshot("succeeded"));
    assert_eq!((event.id.as_str(), event.kind.as_str()), ("evt_1", "payment_intent.succeeded"));
    assert_eq!(event.created, at(SENT));
    assert_eq!(event.object.as_ref().map(GatewayReference::as_str), Some("pi_1"));
    let About::Payment(news, _) = event.about else { panic!("not about a payment") };
    assert_eq!(news.order, Some("0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00".parse().unwrap()));
    assert_eq!(news.word, Word::Event(EventId::new("evt_1").unwrap()));
}

#[test]
fn another_shops_payment_names_no_order_of_ours() {
    for metadata in ["null", "{}", r#"{"order_id":"ord_01K"}"#] {
        let foreign = snapshot("succeeded")
            .replace(r#"{"order_id":"0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00"}"#, metadata);
        let About::Payment(news, _) = event("payment_intent.succeeded", &foreign).about else {
            panic!("not about a payment")
        };
        assert_eq!(news.order, None);
    }
}

#[test]
fn a_payment_of_ours_in_a_shape_that_we_cannot_read_is_to_be_read_again() {
    let odd = snapshot("succeeded").replace("\"eur\"", "\"zzz\"");
    let event = event("payment_intent.succeeded", &odd);
    assert_eq!(event.about, About::Unreadable);
    assert_eq!(event.object.as_ref().map(GatewayReference::as_str), Some("pi_1"));
    assert_eq!(self::event("payment_intent.succeeded", "null").about, About::Unreadable);
    let typed = snapshot("succeeded").replace("4998", "\"4998\"");
    assert_eq!(self::event("payment_intent.succeeded", &typed).about, About::Unreadable);
}

#[test]
fn another_shops_payment_that_we_cannot_read_is_left_alone() {
    let foreign = snapshot("succeeded").replace("\"eur\"", "\"zzz\"").replace("order_id", "other");
    assert_eq!(event("payment_intent.succeeded", &foreign).about, About::Other);
}

#[test]
fn a_success_without_the_amount_received_is_no_success() {
    let silent = snapshot("succeeded").replace("\"amount_received\":4998,", "");
    assert_eq!(event("payment_intent.succeeded", &silent).about, About::Unreadable);
}

#[test]
fn events_of_other_kinds_are_read_and_left_alone() {
    for kind in ["charge.refunded", "a.kind.of.tomorrow", "payment_intentional.x"] {
        let event = event(kind, r#"{"id":"ch_1","amount":"a type of tomorrow"}"#);
        assert_eq!(event.about, About::Other, "{kind}");
        assert_eq!(event.object.as_ref().map(GatewayReference::as_str), Some("ch_1"));
    }
}

#[test]
fn an_event_of_a_refund_says_whose_it_is_and_no_more() {
    for (kind, named) in [
        ("refund.created", Some("re_1")),
        ("refund.updated", Some("re_1")),
        ("refund.failed", Some("re_1")),
        ("charge.refunded", None),
    ] {
        let event = event(kind, r#"{"id":"re_1","payment_intent":"pi_1","status":"succeeded"}"#);
        let reference = |id| GatewayReference::new(id).unwrap();
        let (payment, refund) = (reference("pi_1"), named.map(reference));
        assert_eq!(event.about, About::Beside(payment, Beside::Refund(refund)), "{kind}");
    }
}

#[test]
fn an_event_of_a_dispute_or_a_fraud_warning_says_whose_it_is_and_no_more() {
    let reference = |id| GatewayReference::new(id).unwrap();
    let of_payment = r#"{"id":"du_1","payment_intent":"pi_1","status":"lost"}"#;
    for kind in ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated"] {
        let event = event(&format!("charge.dispute.{kind}"), of_payment);
        let (payment, dispute) = (reference("pi_1"), reference("du_1"));
        assert_eq!(event.about, About::Beside(payment, Beside::Dispute(dispute)), "{kind}");
    }
    let warning = event("radar.early_fraud_warning.created", of_payment);
    assert_eq!(warning.about, About::Beside(reference("pi_1"), Beside::FraudWarning));
    let of_no_payment = event("charge.dispute.created", r#"{"id":"du_1","charge":"ch_1"}"#);
    assert_eq!(of_no_payment.about, About::Other);
}

#[test]
fn a_thin_event_names_its_object_and_says_no_more() {
    let event = read_event(
        r#"{"id":"evt_65","object":"v2.core.event","type":"v1.payment_intent.succeeded",
        "livemode":true,"created":"2026-11-21T22:58:00.000Z","context":null,
        "related_object":{"id":"pi_9","type":"payment_intent","url":"/v1/payment_intents/pi_9"}}"#,
    )
    .unwrap();
    assert_eq!(event.about, About::Thin);
    assert_eq!(event.object.as_ref().map(GatewayReference::as_str), Some("pi_9"));
    assert_eq!(event.created, "2026-11-21T22:58:00Z".parse().unwrap());
    assert!(event.livemode);
}

#[test]
fn what_makes_an_event_countable_must_be_there() {
    for (payload, field) in [
        (r#"{"type":"x","livemode":false,"created":1}"#, "id"),
        (r#"{"id":"evt_1","livemode":false,"created":1}"#, "type"),
        (r#"{"id":"evt_1","type":"x","created":1}"#, "livemode"),
        (r#"{"id":"evt_1","type":"x","livemode":false}"#, "created"),
    ] {
        let error = read_event(payload).unwrap_err();
        assert!(matches!(error, WireError::Missing(name) if name == field), "{error:?}");
    }
    for payload in ["", "[]", "{", r#"{"id":1}"#] {
        assert!(matches!(read_event(payload), Err(WireError::Json(_))), "{payload}");
    }
}

#[test]
fn an_event_whose_names_no_table_takes_is_unreadable() {
    let event = |id: &str, kind: &str, object: &str| {
        let snapshot = format!(r#"{{"id":"{object}"}}"#);
        read_event(&format!(
            r#"{{"id":"{id}","object":"event","created":{SENT},"livemode":false,
            "type":"{kind}","data":{{"object":{snapshot}}}}}"#
        ))
    };
    let long = "x".repeat(256);
    for kind in [r"a\u0000b", r"a\nb", &long] {
        assert!(matches!(event("evt_1", kind, "cus_1"), Err(WireError::Kind)), "{kind}");
    }
    for id in [r"evt_\u0000", &long, ".."] {
        assert!(matches!(event(id, "x", "cus_1"), Err(WireError::Reference(_))), "{id}");
        assert_eq!(event("evt_1", "x", id).unwrap().object, None, "{id}");
    }
}

#[test]
fn a_payload_is_never_shown() {
    let event = VerifiedEvent::fetched("{\"client_secret\":\"pi_1_secret_2\"}");
    assert_eq!(format!("{event:?}"), "VerifiedEvent(33 bytes)");
}
