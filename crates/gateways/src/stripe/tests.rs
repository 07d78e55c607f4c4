mod contract;

use domain::{
    cart::Line,
    catalog::Quantity,
    contact::{Address, AddressDraft, AddressField, CountryCode},
    event::Report,
    id::{CartId, LineId, PaymentId, ProductId, VisitorId},
    money::Money,
    order::{Fingerprint, Marketing, OrderParts},
    pricing::{TaxMode, Totals},
};
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{
    script::{Step, says, stripe},
    *,
};

const ORDER: &str = "0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00";

fn order_id() -> OrderId {
    ORDER.parse().unwrap()
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn reference(id: &str) -> GatewayReference {
    GatewayReference::new(id).unwrap()
}

fn address(draft: AddressDraft) -> Address {
    Address::parse(&AddressDraft { name: "Ada Ö. Lovelace".into(), ..draft }).unwrap()
}

fn berlin() -> Address {
    address(AddressDraft {
        company: Some("Analytical & Co".into()),
        street: "Torstr. 1".into(),
        postal_code: "10119".into(),
        city: "Berlin".into(),
        country: "DE".into(),
        phone: Some("+4930123456".into()),
        ..AddressDraft::default()
    })
}

fn order(total: Money, shipping_address: Address, requires_shipping: bool) -> (Order, Payment) {
    let zero = Money::zero(total.currency());
    let parts = OrderParts {
        id: order_id(),
        visitor: VisitorId(Uuid::nil()),
        cart: CartId(Uuid::nil()),
        email: "ada@example.org".parse().unwrap(),
        marketing: Marketing::Declined,
        billing_address: shipping_address.clone(),
        shipping_address,
        lines: vec![Line {
            id: LineId(Uuid::nil()),
            product: ProductId(Uuid::nil()),
            sku: "mug".into(),
            name: "Mug".into(),
            image: None,
            unit_price: total,
            quantity: Quantity::new(1).unwrap(),
            requires_shipping,
        }],
        totals: Totals::restore(total, zero, zero, TaxMode::Included, total).unwrap(),
        attributes: domain::session::Attributes::default(),
        fingerprint: Fingerprint([0; 32]),
        created_at: second(1_700_000_000),
    };
    let payment = Payment::new(PaymentId(Uuid::nil()), order_id(), total, false);
    (Order::place(parts, second(1_700_003_600)), payment)
}

fn money(minor: i64, code: &str) -> Money {
    Money::new(minor, code.parse().unwrap()).unwrap()
}

fn encode(total: Money, shipping_address: Address, requires_shipping: bool) -> String {
    let (order, payment) = order(total, shipping_address, requires_shipping);
    stripe([]).0.encode_create(&order, &payment).unwrap()
}

fn intent(id: &str, status: &str, order: &str) -> String {
    json!({
        "id": id, "object": "payment_intent", "amount": 4998, "amount_received": 0,
        "currency": "eur", "livemode": false, "status": status,
        "client_secret": format!("{id}_secret_x"), "metadata": {"order_id": order},
    })
    .to_string()
}

fn list(items: &[String], has_more: bool) -> Step {
    says(200, format!(r#"{{"object":"list","has_more":{has_more},"data":[{}]}}"#, items.join(",")))
}

fn refused(result: Result<Answer, GatewayError>) -> Refused {
    match result {
        Err(GatewayError::Refused(refused)) => *refused,
        other => panic!("not refused: {other:?}"),
    }
}

/// The query of each request, as a reader of forms reads it.
fn queries(asked: &script::Asked) -> Vec<Vec<(String, String)>> {
    let query = |request: &http::Request<bytes::Bytes>| {
        let query = request.uri().query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    };
    asked.lock().unwrap().iter().map(query).collect()
}

fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[test]
fn a_payment_that_pays_by_itself_is_the_same_request_with_its_token() {
    let (order, payment) = order(money(4998, "EUR"), berlin(), true);
    let gateway = stripe([]).0;
    let made = gateway.encode_create(&order, &payment).unwrap();
    let token = PayToken::new("ctoken_1").unwrap();
    let back = Url::parse("https://shop.example/").unwrap();
    let paid = gateway.encode_paid(&order, &payment, (&token, &back)).unwrap();
    let further =
        "confirm=true&confirmation_token=ctoken_1&return_url=https%3A%2F%2Fshop.example%2F";
    assert_eq!(paid, format!("{made}&{further}"));
    assert!(Stripe::pays_by_itself(&paid) && !Stripe::pays_by_itself(&made));
}

#[test]
fn the_request_for_a_payment_says_what_it_demands_and_where_goods_go_and_nothing_else() {
    let request = encode(money(4998, "EUR"), berlin(), true);
    assert_eq!(
        request.split('&').collect::<Vec<_>>(),
        [
            "amount=4998",
            "currency=eur",
            "automatic_payment_methods[enabled]=true",
            "capture_method=automatic_async",
            "metadata[order_id]=0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00",
            "metadata[payment_id]=00000000-0000-0000-0000-000000000000",
            "shipping[name]=Ada%20%C3%96.%20Lovelace",
            "shipping[address][line1]=Torstr.%201",
            "shipping[address][postal_code]=10119",
            "shipping[address][city]=Berlin",
            "shipping[address][country]=DE",
        ]
    );
}

#[test]
fn an_order_of_downloads_sends_no_address() {
    let request = encode(money(4998, "EUR"), berlin(), false);
    assert!(!request.contains("shipping"), "{request}");
}

#[test]
fn a_field_that_the_country_does_not_have_is_left_out() {
    let hong_kong = address(AddressDraft {
        street: "1 Queen's Road".into(),
        city: "Central".into(),
        country: "HK".into(),
        ..AddressDraft::default()
    });
    let request = encode(money(4998, "HKD"), hong_kong, true);
    assert!(!request.contains("postal_code"), "{request}");
    assert!(request.contains("currency=hkd"), "{request}");
}

#[test]
fn the_amount_is_written_in_the_unit_that_stripe_counts_in() {
    assert!(encode(money(500, "ISK"), berlin(), false).starts_with("amount=50000&currency=isk"));
    assert!(encode(money(500, "JPY"), berlin(), false).starts_with("amount=500&currency=jpy"));
    let (order, payment) = order(money(1501, "KWD"), berlin(), false);
    assert!(stripe([]).0.encode_create(&order, &payment).is_err());
}

#[test]
fn the_same_order_always_makes_the_same_bytes() {
    let once = encode(money(4998, "EUR"), berlin(), true);
    assert_eq!(once, encode(money(4998, "EUR"), berlin(), true));
}

#[tokio::test]
async fn an_answer_brings_news_and_the_browsers_secret_and_shows_neither_in_logs() {
    let (stripe, _) = stripe([says(200, intent("pi_1", "requires_action", ORDER))]);
    let answer = stripe.retrieve(&reference("pi_1")).await.unwrap();
    assert_eq!(answer.news.reference, reference("pi_1"));
    assert_eq!(answer.news.order, Some(order_id()));
    assert_eq!(answer.news.amount, money(4998, "EUR"));
    assert_eq!((answer.news.word.clone(), answer.news.livemode), (Word::Answer, false));
    assert_eq!(answer.news.report, Report::RequiresAction);
    assert_eq!(answer.status, Status::RequiresAction);
    assert_eq!(answer.client_secret.as_ref().unwrap().expose(), "pi_1_secret_x");
    let shown = format!("{answer:?} {:?}", answer.client_secret);
    assert!(!shown.contains("_secret_x"), "{shown}");
}

#[test]
fn a_status_is_a_success_or_an_end_only_in_stripes_own_words_for_it() {
    let report = |status: &str| Answer::read(&intent("pi_1", status, ORDER)).unwrap().news.report;
    assert_eq!(report("requires_payment_method"), Report::Open);
    assert_eq!(report("requires_confirmation"), Report::Open);
    assert_eq!(report("requires_action"), Report::RequiresAction);
    assert_eq!(report("processing"), Report::Processing);
    assert_eq!(report("requires_capture"), Report::Processing);
    assert_eq!(report("canceled"), Report::Cancelled);
    assert_eq!(report("succeeded"), Report::Succeeded { received: money(0, "EUR") });
    for unknown in ["", "SUCCEEDED", "succeeded ", "cancelled", "a_word_of_tomorrow"] {
        assert_eq!(report(unknown), Report::Open, "{unknown:?}");
    }
}

fn declined(error: &Value) -> domain::event::Decline {
    let mut intent: Value =
        serde_json::from_str(&intent("pi_1", "requires_payment_method", ORDER)).unwrap();
    intent["last_payment_error"] = error.clone();
    match Answer::read(&intent.to_string()).unwrap().news.report {
        Report::Declined(decline) => decline,
        report => panic!("not declined: {report:?}"),
    }
}

#[test]
fn a_decline_is_known_by_its_charge_or_else_by_the_card_that_was_tried() {
    let card = json!({"id": "pm_1", "object": "payment_method"});
    let code = "payment_intent_authentication_failure";
    let bank = json!({"charge": "ch_1", "code": "card_declined", "payment_method": card, "message": "No."});
    assert_eq!(declined(&bank).attempt, "ch_1");
    let authentication = json!({"code": code, "payment_method": card, "message": "No."});
    assert_eq!(declined(&authentication).attempt, "pm_1");
    assert_eq!(declined(&json!({"code": code})).attempt, code);
    assert_eq!(declined(&json!({})).code, "unknown");
}

#[test]
fn a_declined_card_is_known_by_stripes_name_for_its_number() {
    let card_of = |error: Value| {
        let mut intent: Value =
            serde_json::from_str(&intent("pi_1", "requires_payment_method", ORDER)).unwrap();
        intent["last_payment_error"] = error;
        Answer::read(&intent.to_string()).unwrap().news.card
    };
    let tried = |method: Value| json!({"charge": "ch_1", "payment_method": method});
    let card = card_of(tried(json!({"id": "pm_1", "card": {"fingerprint": "Xt5EWLLDS7FJjR1c"}})));
    assert_eq!(card.unwrap().as_str(), "Xt5EWLLDS7FJjR1c");
    let debit = json!({"id": "pm_1", "sepa_debit": {"fingerprint": "Xt5EWLLDS7FJjR1c"}});
    for error in [
        tried(debit),
        tried(json!({"id": "pm_1", "card": {"fingerprint": ""}})),
        tried(json!({"id": "pm_1", "card": {}})),
        tried(Value::Null),
        Value::Null,
    ] {
        assert_eq!(card_of(error.clone()), None, "{error}");
    }
}

#[test]
fn fraud_lost_and_stolen_read_like_any_other_decline() {
    let error = |decline_code: &str| {
        json!({"charge": "ch_1", "code": "card_declined", "decline_code": decline_code,
               "message": "Your card was reported stolen."})
    };
    for hidden in ["fraudulent", "lost_card", "stolen_card", "pickup_card", "merchant_blacklist"] {
        let decline = declined(&error(hidden));
        assert_eq!(decline.message, "Your card was declined.", "{hidden}");
        assert_eq!(decline.code, hidden, "the operator still sees it");
    }
    let old = json!({"code": "stolen_card", "message": "Your card was reported stolen."});
    assert_eq!(declined(&old).message, "Your card was declined.");
    let funds = json!({"code": "card_declined", "decline_code": "insufficient_funds",
                       "message": "Your card has insufficient funds."});
    assert_eq!(declined(&funds).message, "Your card has insufficient funds.");
    assert_eq!(declined(&json!({"code": "card_declined"})).message, "Your card was declined.");
}

#[tokio::test]
async fn a_refusal_names_its_reason_and_the_payment_that_exists() {
    let payment = intent("pi_1", "requires_payment_method", ORDER);
    let (stripe, _) = stripe([Step::Says(
        402,
        vec![("request-id", "req_1")],
        format!(
            r#"{{"error":{{"advice_code":"do_not_try_again","charge":"ch_1","code":"card_declined",
            "decline_code":"stolen_card","message":"Your card was stolen.","type":"card_error",
            "payment_intent":{payment},"payment_method":{{"id":"pm_1"}}}}}}"#
        ),
    )]);
    let key = IdempotencyKey::create(PaymentId(Uuid::nil()), 1);
    let refused = refused(stripe.create(&key, "").await);
    let decline = refused.decline().unwrap();
    assert_eq!((decline.attempt.as_str(), decline.code.as_str()), ("ch_1", "stolen_card"));
    assert_eq!(decline.message, "Your card was declined.");
    assert_eq!(refused.payment.as_ref().unwrap().news.reference, reference("pi_1"));
    assert_eq!(refused.to_string(), "Stripe refused: 402 stolen_card (request req_1)");
    assert!(!refused.is_operator_fault() && !refused.is_not_found());
}

#[tokio::test]
async fn a_refusal_whose_payment_is_abbreviated_is_still_a_refusal() {
    let (stripe, _) = stripe([says(
        402,
        r#"{"error":{"type":"card_error","code":"expired_card","message":"Expired.",
           "payment_intent":{"id":"pi_1","status":"requires_payment_method"}}}"#,
    )]);
    let key = IdempotencyKey::create(PaymentId(Uuid::nil()), 1);
    let refused = refused(stripe.create(&key, "").await);
    assert!(refused.payment.is_none());
    assert_eq!(refused.decline().unwrap().message, "Expired.");
}

#[tokio::test]
async fn what_can_be_done_about_a_refusal_is_asked_by_name() {
    let error = |status: u16, rest: &str| {
        says(status, format!(r#"{{"error":{{"type":"invalid_request_error",{rest}}}}}"#))
    };
    let ask = async |step| refused(stripe([step]).0.retrieve(&reference("pi_1")).await);
    assert!(ask(error(401, r#""code":"api_key_expired""#)).await.is_operator_fault());
    assert!(ask(error(403, r#""message":"no permission""#)).await.is_operator_fault());
    assert!(ask(error(404, r#""code":"resource_missing","param":"intent""#)).await.is_not_found());
    assert!(ask(error(400, r#""code":"amount_too_small""#)).await.is_amount_too_small());
    for (rest, field) in [
        (r#""code":"postal_code_invalid""#, Some(AddressField::PostalCode)),
        (r#""code":"shipping_address_invalid""#, Some(AddressField::Street)),
        (r#""param":"shipping[address][city]""#, Some(AddressField::City)),
        (r#""param":"shipping[address][country]""#, Some(AddressField::Country)),
        (r#""param":"shipping[address][line1]""#, Some(AddressField::Street)),
        (r#""param":"shipping[name]""#, Some(AddressField::Name)),
        (r#""param":"amount""#, None),
    ] {
        assert_eq!(ask(error(400, rest)).await.address_field(), field, "{rest}");
    }
}

#[tokio::test]
async fn a_cancellation_that_comes_too_late_answers_where_the_payment_stands() {
    for (status, report) in [
        ("succeeded", Report::Succeeded { received: money(0, "EUR") }),
        ("canceled", Report::Cancelled),
        ("processing", Report::Processing),
    ] {
        let body = format!(
            r#"{{"error":{{"type":"invalid_request_error","code":"payment_intent_unexpected_state",
            "message":"You cannot cancel this PaymentIntent.","payment_intent":{}}}}}"#,
            intent("pi_1", status, ORDER)
        );
        let (stripe, asked) = stripe([says(400, body)]);
        let answer = stripe.cancel(&reference("pi_1"), CancelReason::Abandoned).await.unwrap();
        assert_eq!(answer.news.report, report);
        let asked = asked.lock().unwrap();
        assert_eq!(asked[0].uri().path(), "/v1/payment_intents/pi_1/cancel");
        assert_eq!(asked[0].body(), "cancellation_reason=abandoned");
    }
}

#[tokio::test]
async fn a_cancellation_that_is_refused_without_the_payment_stays_a_refusal() {
    let (stripe, _) = stripe([says(
        400,
        r#"{"error":{"type":"invalid_request_error","code":"payment_intent_unexpected_state"}}"#,
    )]);
    let result = stripe.cancel(&reference("pi_1"), CancelReason::Duplicate).await;
    assert!(refused(result).is_unexpected_state());
}

#[tokio::test]
async fn a_payment_is_found_by_its_order_on_whatever_page_it_stands() {
    let foreign = |n: usize| intent(&format!("pi_f{n}"), "succeeded", "ord_of_another_shop");
    // A currency that is none of ours does not hide what comes after it.
    let odd = foreign(2).replace("eur", "zzz");
    let (stripe, asked) = stripe([
        list(&[foreign(1), odd], true),
        list(&[intent("pi_1", "requires_payment_method", ORDER), foreign(3)], false),
    ]);
    let found = stripe.find(order_id(), second(100), second(200)).await.unwrap().unwrap();
    assert_eq!(found.news.reference, reference("pi_1"));
    let pages = queries(&asked);
    for page in &pages {
        assert_eq!(value_of(page, "created[gte]"), Some("100"));
        assert_eq!(value_of(page, "created[lte]"), Some("201"));
        assert_eq!(value_of(page, "limit"), Some("100"));
    }
    assert_eq!(value_of(&pages[0], "starting_after"), None);
    assert_eq!(value_of(&pages[1], "starting_after"), Some("pi_f2"));
}

#[tokio::test]
async fn of_two_payments_of_one_order_the_one_nearest_to_success_is_found() {
    let (stripe, _) = stripe([list(
        &[
            intent("pi_3", "canceled", ORDER),
            intent("pi_2", "processing", ORDER),
            intent("pi_1", "requires_action", ORDER),
        ],
        false,
    )]);
    let found = stripe.find(order_id(), second(0), second(9)).await.unwrap().unwrap();
    assert_eq!(found.news.reference, reference("pi_2"));
}

#[tokio::test]
async fn absence_is_certain_only_after_the_last_page_and_if_all_of_ours_can_be_read() {
    let empty = stripe([list(&[], false)]).0;
    assert!(empty.find(order_id(), second(0), second(9)).await.unwrap().is_none());

    let ours_but_odd = intent("pi_1", "succeeded", ORDER).replace("eur", "zzz");
    let foreign = || intent("pi_f", "succeeded", "");
    for steps in [
        vec![list(&[ours_but_odd], false)],
        vec![list(&["[]".into()], false)],
        vec![list(&[], true)],
        vec![says(200, r#"{"data":[]}"#)],
        vec![list(&[foreign()], true); FIND_PAGES_MAX as usize],
    ] {
        let result = stripe(steps).0.find(order_id(), second(0), second(9)).await;
        assert!(matches!(result, Err(GatewayError::Unknown(_))), "{result:?}");
    }
}

#[tokio::test]
async fn fetched_events_keep_the_text_that_stripe_wrote() {
    let written = "{\n  \"id\": \"evt_2\",\n  \"odd\":   1.50 }";
    let (stripe, asked) =
        stripe([list(&[written.into(), r#"{"id":"evt_1"}"#.into()], true), list(&[], false)]);
    let mut query =
        EventsQuery { since: second(100), after: None, deliveries: Deliveries::Undelivered };
    let page = stripe.events(&query).await.unwrap();
    assert_eq!(page.events[0].payload(), written);
    assert_eq!(page.next, Some(EventId::new("evt_1").unwrap()));

    query = EventsQuery { after: page.next, deliveries: Deliveries::All, ..query };
    let last = stripe.events(&query).await.unwrap();
    assert!(last.events.is_empty() && last.next.is_none());

    let pages = queries(&asked);
    assert_eq!(value_of(&pages[0], "types[0]"), Some("payment_intent.succeeded"));
    assert_eq!(value_of(&pages[0], "types[4]"), Some("payment_intent.requires_action"));
    assert_eq!(value_of(&pages[0], "created[gte]"), Some("100"));
    assert_eq!(value_of(&pages[0], "delivery_success"), Some("false"));
    assert_eq!(value_of(&pages[0], "starting_after"), None);
    assert_eq!(value_of(&pages[1], "delivery_success"), None);
    assert_eq!(value_of(&pages[1], "starting_after"), Some("evt_1"));
}

#[test]
fn a_secret_key_tells_real_money_from_test_money_and_is_never_shown() {
    for (text, livemode) in
        [("sk_test_a", false), (" rk_test_a\n", false), ("sk_live_a", true), ("rk_live_a", true)]
    {
        let key: SecretKey = text.parse().unwrap();
        assert_eq!((key.livemode(), format!("{key:?}")), (livemode, "SecretKey(…)".into()));
    }
    for text in ["", "pk_test_a", "whsec_a", "sk_a", "sk_test_", "sk_prod_a", "sk_test_a b"] {
        assert!(text.parse::<SecretKey>().is_err(), "{text:?}");
    }
}

#[test]
fn every_country_can_be_written_into_a_request() {
    for country in CountryCode::all() {
        let draft = AddressDraft {
            street: "1".into(),
            city: "X".into(),
            country: country.as_str().into(),
            ..AddressDraft::default()
        };
        let Ok(address) = Address::parse(&AddressDraft { name: "Ada".into(), ..draft }) else {
            continue;
        };
        let request = encode(money(4998, "EUR"), address, true);
        assert!(request.ends_with(&format!("shipping[address][country]={country}")));
    }
}
