use std::collections::BTreeSet;

use uuid::Uuid;

use super::*;
use crate::{
    event::{Decline, EventId, GatewayReference, News, Report, Word},
    id::PaymentId,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn usd(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap()).unwrap()
}

fn session() -> CheckoutSession {
    CheckoutSession::open(NewSession {
        id: SessionId(Uuid::from_u128(1)),
        visitor: VisitorId(Uuid::from_u128(2)),
        cart: SessionCart::Platform("5f6c".parse().unwrap()),
        cart_hash: content(),
        totals: Some(SessionTotals::new(usd(3000), usd(0), usd(0), usd(3000)).unwrap()),
        lifetime: jiff::SignedDuration::from_mins(30),
        requires_shipping: true,
        at: at(0),
    })
}

fn ours() -> Followed {
    Followed::Purchase(PurchaseId(Uuid::from_u128(3)))
}

fn another() -> Followed {
    Followed::Purchase(PurchaseId(Uuid::from_u128(4)))
}

fn action() -> Action {
    let client_secret = ClientSecret::new("pi_1_secret_2").unwrap();
    Action { reference: "pi_1".into(), client_secret }
}

fn order() -> SessionOrder {
    SessionOrder { id: "aa85".into(), transaction: Some("3369".into()), is_free: false }
}

fn standings() -> [Standing; 6] {
    [
        Standing::Pending { reconciling: false },
        Standing::Pending { reconciling: true },
        Standing::ActionRequired(action()),
        Standing::Failed { message: "Your card was declined.".into() },
        Standing::NotBegun,
        Standing::Succeeded(order()),
    ]
}

/// What the session saw in its cart.
fn content() -> CartHash {
    CartHash::of([("a", 1, 3000)])
}

fn paying() -> CheckoutSession {
    session().begin(ours(), at(1)).unwrap()
}

fn shown(standing: Standing) -> CheckoutSession {
    paying().show(ours(), standing, content(), at(2))
}

fn failed() -> CheckoutSession {
    shown(Standing::Failed { message: "Your card was declined.".into() })
}

fn words(session: &CheckoutSession) -> (&'static str, &'static str) {
    let (status, payment) = (session.state().status(), session.state().payment_status());
    assert!(SessionState::STATUSES.contains(&status), "{status} is not in the contract");
    assert!(SessionState::PAYMENT_STATUSES.contains(&payment), "{payment} is not in the contract");
    (status, payment)
}

/// One session for each pair of the contract's words that there is.
fn situations() -> Vec<CheckoutSession> {
    vec![
        session(),
        failed(),
        paying(),
        shown(Standing::ActionRequired(action())),
        shown(Standing::Succeeded(order())),
        session().expire(at(1800)),
        failed().expire(at(9999)),
    ]
}

#[test]
fn each_state_is_one_pair_of_the_contracts_words() {
    let pairs = [
        ("open", "idle"),
        ("open", "failed"),
        ("processing", "pending"),
        ("open", "requires_action"),
        ("complete", "succeeded"),
        ("expired", "idle"),
        ("expired", "failed"),
    ];
    assert_eq!(situations().iter().map(words).collect::<Vec<_>>(), pairs);
}

#[test]
fn a_session_goes_from_open_over_processing_to_complete() {
    assert_eq!(words(&session()), ("open", "idle"));
    assert_eq!(words(&paying()), ("processing", "pending"));
    let complete = shown(Standing::Succeeded(order()));
    assert_eq!(words(&complete), ("complete", "succeeded"));
    assert_eq!(complete.state(), &SessionState::Complete { followed: ours(), order: order() });
}

#[test]
fn whatever_is_shown_of_the_payment_leads_where_it_should() {
    // For each situation, what each standing of the followed payment leads to.
    let rows: [[(&str, &str); 6]; 7] = {
        let [pending, action, failed, idle, done] = [
            ("processing", "pending"),
            ("open", "requires_action"),
            ("open", "failed"),
            ("open", "idle"),
            ("complete", "succeeded"),
        ];
        let moving = [pending, pending, action, failed, idle, done];
        let (new, gone) = (("open", "idle"), ("expired", "idle"));
        let lost = ("expired", "failed");
        [
            // Nothing has been begun: no payment is its own.
            [new; 6],
            moving,
            moving,
            moving,
            [done; 6],
            [gone; 6],
            [pending, pending, action, lost, lost, done],
        ]
    };
    for (before, row) in situations().into_iter().zip(rows) {
        for (standing, expected) in standings().into_iter().zip(row) {
            let after = before.clone().show(ours(), standing.clone(), content(), at(3));
            assert_eq!(words(&after), expected, "{before:?} {standing:?}");
            assert_eq!(
                after.clone().show(ours(), standing, content(), at(4)),
                after,
                "twice is once"
            );
        }
    }
}

#[test]
fn a_session_that_waits_for_the_payment_of_something_else_has_bought_nothing_by_it() {
    let something_else = CartHash::of([("b", 1, 500)]);
    let waits = paying().show(ours(), Standing::ActionRequired(action()), something_else, at(2));
    assert_eq!(words(&waits), ("open", "requires_action"));
    let after = waits.show(ours(), Standing::Succeeded(order()), something_else, at(3));
    assert_eq!(words(&after), ("open", "idle"));
    assert_eq!(after.followed(), None);
}

#[test]
fn the_payment_of_another_changes_nothing() {
    for before in situations() {
        for standing in standings() {
            assert_eq!(before.clone().show(another(), standing, content(), at(3)), before);
        }
    }
}

#[test]
fn one_payment_is_followed_at_a_time() {
    let begun: Vec<_> = situations()
        .into_iter()
        .map(|session| session.begin(another(), at(3)).map(|session| session.followed()))
        .collect();
    use SessionRefusal::{Over, PaymentUnderWay};
    let free = Ok(Some(another()));
    let (busy, over) = (Err(PaymentUnderWay), Err(Over));
    assert_eq!(begun, [free, free, busy, busy, over, over, over]);
    assert_eq!(paying().begin(ours(), at(3)), Ok(paying()), "to follow it again changes nothing");
}

#[test]
fn an_expired_session_never_hides_a_live_payment() {
    let late = at(1_000_000);
    let names: Vec<_> =
        situations().into_iter().map(|session| session.expire(late).state().name()).collect();
    let kept = ["processing", "action_required", "complete"];
    assert_eq!(names, ["expired", "expired", kept[0], kept[1], kept[2], "expired", "expired"]);
    assert_eq!(session().expire(at(1799)), session());
}

#[test]
fn only_an_open_session_takes_in_what_is_typed_and_each_step_renews_it() {
    let rate = RateId::new("standard").unwrap();
    let totals = SessionTotals::new(usd(1), usd(0), usd(0), usd(1)).unwrap();
    for (index, before) in situations().into_iter().enumerate() {
        let patch = Patch { rate: Some(rate.clone()), ..Patch::default() };
        let patched = before.clone().patch(patch, at(100));
        let offered = before.clone().offer(Vec::new(), at(100));
        let priced = before.clone().price(CartHash::of([]), totals, at(100));
        for outcome in [patched, offered, priced] {
            match index {
                0 | 1 => assert_eq!(outcome.unwrap().expires_at(), at(1900)),
                2 | 3 => assert_eq!(outcome, Err(SessionRefusal::PaymentUnderWay)),
                _ => assert_eq!(outcome, Err(SessionRefusal::Over)),
            }
        }
    }
}

fn address() -> FormAddress {
    FormAddress::new(|part| match part {
        AddressPart::FirstName => " Jane ".into(),
        AddressPart::LastName => "Doe".into(),
        AddressPart::Line1 => "123 Main St".into(),
        AddressPart::City => "Springfield".into(),
        AddressPart::County => "IL".into(),
        AddressPart::Country => "US".into(),
        AddressPart::Postcode => "62701".into(),
        AddressPart::Company | AddressPart::Line2 => String::new(),
    })
    .unwrap()
}

fn without(part: AddressPart) -> FormAddress {
    let text = |which| if which == part { String::new() } else { address().get(which).to_owned() };
    FormAddress::new(text).unwrap()
}

#[test]
fn whoever_fills_it_in_anew_begins_with_an_empty_form() {
    let customer = |name: &str| Some(Customer::new(name, "jane@example.com").unwrap());
    let patch = Patch {
        customer: customer("Jane Doe"),
        shipping_address: Some(address()),
        billing_address: Some(address()),
        ..Patch::default()
    };
    let filled = session().patch(patch, at(1)).unwrap();
    let patch = Patch { is_anew: true, customer: customer("Eva"), ..Patch::default() };
    let form = filled.patch(patch, at(2)).unwrap().form;
    assert_eq!(form.customer, customer("Eva"));
    assert_eq!((form.shipping_address, form.billing_address), (None, None));
}

#[test]
fn missing_fields_are_named_in_the_contracts_order() {
    let all = ["customerInfo", "billingAddress", "shippingAddress", "selectedShippingRateId"];
    let rule = PostcodeRule::Always;
    assert_eq!(session().missing(true, rule), all);
    assert_eq!(session().missing(false, rule), all[..2]);
    let patch = Patch {
        customer: Some(Customer::new("Jane Doe", "jane@example.com").unwrap()),
        billing_address: Some(address()),
        shipping_address: Some(address()),
        rate: Some(RateId::new("standard").unwrap()),
        ..Patch::default()
    };
    let filled = session().patch(patch, at(1)).unwrap();
    assert!(filled.missing(true, rule).is_empty());
    let nobody = Customer::new("Jane Doe", "jane").unwrap();
    let patch = Patch { customer: Some(nobody), ..Patch::default() };
    assert_eq!(filled.patch(patch, at(2)).unwrap().missing(true, rule), ["customerInfo"]);
}

#[test]
fn an_address_is_complete_when_an_order_can_be_made_with_it() {
    use AddressPart as P;
    assert!(address().is_complete(PostcodeRule::Always));
    for part in [P::FirstName, P::LastName, P::Line1, P::Country, P::Postcode] {
        assert!(!without(part).is_complete(PostcodeRule::ByCountry), "{part:?}");
    }
    let in_hong_kong = FormAddress::new(|part| match part {
        P::Country => "HK".into(),
        P::Postcode => String::new(),
        part => address().get(part).to_owned(),
    });
    let in_hong_kong = in_hong_kong.unwrap();
    assert!(in_hong_kong.is_complete(PostcodeRule::ByCountry));
    assert!(!in_hong_kong.is_complete(PostcodeRule::Always));
}

#[test]
fn an_address_becomes_one_of_our_own() {
    let draft = address().draft();
    assert_eq!((draft.name.as_str(), draft.street.as_str()), ("Jane Doe", "123 Main St"));
    assert_eq!((draft.city.as_str(), draft.company), ("Springfield, IL", None));
    assert!(crate::contact::Address::parse(&address().draft()).is_ok());
}

#[test]
fn texts_have_bounds_and_none_that_controls() {
    assert!(Customer::new(&"a".repeat(TEXT_CHARS_MAX + 1), "").is_err());
    assert!(FormAddress::new(|_| "a\nb".into()).is_err());
    assert!(RateId::new(" ").is_err());
    assert_eq!(format!("{:?}", address()), "FormAddress(US)");
}

#[test]
fn a_rate_that_is_no_longer_offered_is_no_longer_selected() {
    let rate = |id: &str| Rate {
        id: RateId::new(id).unwrap(),
        amount: usd(599),
        words: RateWords::default(),
    };
    let patch = Patch { rate: Some(RateId::new("express").unwrap()), ..Patch::default() };
    let selected = session().patch(patch, at(1)).unwrap();
    let offered = selected.offer(vec![rate("standard"), rate("express")], at(2)).unwrap();
    assert_eq!(offered.selected_rate(), Some(&rate("express")));
    let again = offered.offer(vec![rate("standard")], at(3)).unwrap();
    assert_eq!((again.selected_rate(), again.form.rate.clone()), (None, None));
    let many = session().offer(vec![rate("a"); 99], at(1)).unwrap();
    assert_eq!(many.rates().len(), CheckoutSession::RATES_MAX);
}

#[test]
fn attributes_are_merged_and_those_that_are_not_allowed_are_dropped() {
    let text = |text: &str| AttributeValue::Text(text.into());
    let given = |pairs: &[(&str, AttributeValue)]| {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Attributes::new(pairs).unwrap()
    };
    let number = AttributeValue::Number(NumberText::new("1.5").unwrap());
    let sent = given(&[("gift", AttributeValue::Flag(true)), ("note", text("Hi")), ("n", number)]);
    let only = |names: &[&str]| {
        AllowedAttributes::Only(names.iter().map(|name| (*name).to_owned()).collect())
    };
    assert_eq!(sent.clone().allowed(&only(&[])), Attributes::default());
    assert_eq!(sent.clone().allowed(&AllowedAttributes::All), sent);
    let noted = sent.allowed(&only(&["note"]));
    assert_eq!(noted, given(&[("note", text("Hi"))]));
    let newer = given(&[("note", text("Ho")), ("more", text("x"))]);
    assert_eq!(noted.merged(newer.clone()), Ok(newer));
    let many = (0..=Attributes::COUNT_MAX).map(|n| (n.to_string(), text("")));
    assert_eq!(Attributes::new(many), Err(AttributesError));
    let long = "a".repeat(Attributes::VALUE_CHARS_MAX + 1);
    assert_eq!(Attributes::new([("a".to_owned(), text(&long))]), Err(AttributesError));
}

#[test]
fn a_number_is_what_json_calls_one() {
    for text in ["0", "-1", "1.50", "1e9", "12E-3"] {
        assert!(NumberText::new(text).is_some(), "{text}");
    }
    for text in ["", "01", ".5", "1.", "NaN", "1,5", "0x1", &"9".repeat(21)] {
        assert!(NumberText::new(text).is_none(), "{text}");
    }
}

#[test]
fn totals_are_in_one_currency() {
    let euro = Money::new(1, "EUR".parse().unwrap()).unwrap();
    assert!(SessionTotals::new(usd(1), euro, usd(0), usd(1)).is_err());
}

#[test]
fn each_state_of_a_payment_of_our_own_stands_somewhere() {
    let payment = |reports: &[Report]| {
        let order = OrderId(Uuid::from_u128(9));
        let fresh = Payment::new(PaymentId(Uuid::from_u128(8)), order, usd(3000), false);
        reports.iter().fold(fresh, |payment, report| {
            let news = News {
                reference: GatewayReference::new("pi_1").unwrap(),
                order: Some(order),
                amount: usd(3000),
                livemode: false,
                word: Word::Answer,
                report: report.clone(),
                card: None,
            };
            payment.hear(&news, at(1)).0
        })
    };
    let succeeded = || Report::Succeeded { received: usd(3000) };
    let declined = || {
        let (attempt, code) = ("ch_1".to_owned(), "card_declined".to_owned());
        Report::Declined(Decline { attempt, code, message: "No.".into() })
    };
    let secret = action().client_secret;
    let seen = |reports: &[Report]| Standing::of_payment(&payment(reports), Some(&secret));
    let pending = Standing::Pending { reconciling: false };
    assert_eq!(seen(&[]), pending);
    assert_eq!(seen(&[Report::Open]), pending);
    assert_eq!(seen(&[Report::Processing]), pending);
    assert_eq!(seen(&[Report::Processing, declined()]), pending);
    assert_eq!(seen(&[declined()]), Standing::Failed { message: "No.".into() });
    assert_eq!(seen(&[Report::RequiresAction]), Standing::ActionRequired(action()));
    assert_eq!(Standing::of_payment(&payment(&[Report::RequiresAction]), None), pending);
    assert!(matches!(seen(&[Report::Cancelled]), Standing::Failed { .. }));
    let lost = [Report::Processing, declined(), Report::Cancelled];
    assert!(matches!(seen(&lost), Standing::Failed { .. }));
    let answered = seen(&[succeeded()]);
    assert!(matches!(&answered, Standing::Succeeded(order) if !order.is_free));
    let event = EventId::new("evt_1").unwrap();
    let news = News {
        reference: GatewayReference::new("pi_1").unwrap(),
        order: Some(OrderId(Uuid::from_u128(9))),
        amount: usd(3000),
        livemode: false,
        word: Word::Event(event),
        report: succeeded(),
        card: None,
    };
    let paid = payment(&[]).hear(&news, at(1)).0;
    assert_eq!(Standing::of_payment(&paid, None), answered);
}

#[test]
fn the_parts_of_an_address_are_all_there_once() {
    let names: BTreeSet<_> = AddressPart::ALL.map(AddressPart::name).into_iter().collect();
    assert_eq!(names.len(), AddressPart::ALL.len());
    for (index, part) in AddressPart::ALL.into_iter().enumerate() {
        assert_eq!(part as usize, index);
    }
}
