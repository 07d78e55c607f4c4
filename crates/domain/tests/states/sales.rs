//! The part of the page about sales in a single shot: sessions, and purchases at the platform.

use domain::{
    id::{PurchaseId, SessionId, VisitorId},
    purchase::{
        Abandonment, Buyer, CartHash, CartsEnd, ChargeNews, ClientSecret, Closing, Matter,
        OrderNews, PayToken, Purchase, PurchaseState, Settlement, Step, StepError, Terms, Tidied,
    },
    session::{
        Action, CheckoutSession, Customer, Followed, FormAddress, NewSession, SessionCart,
        SessionOrder, SessionState, Standing,
    },
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{UNCHANGED, amount, code, diagram, table};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

// Sessions

type SessionHappening = (&'static str, fn(CheckoutSession) -> Option<CheckoutSession>);

const SESSION_HAPPENINGS: [SessionHappening; 9] = [
    ("the shopper pays", |session| session.begin(followed(), at(1)).ok()),
    ("pending", |session| show(session, Standing::Pending { reconciling: false })),
    ("a challenge", |session| show(session, Standing::ActionRequired(action()))),
    ("failed", |session| show(session, Standing::Failed { message: "No.".into() })),
    ("not begun", |session| show(session, Standing::NotBegun)),
    ("succeeded", |session| show(session, Standing::Succeeded(bought()))),
    ("succeeded, for other goods", |session| {
        let standing = Standing::Succeeded(bought());
        Some(session.show(followed(), standing, CartHash::of([("other goods", 1, 500)]), at(1)))
    }),
    ("the shopper types", |session| session.patch(Default::default(), at(1)).ok()),
    ("time is over", |session| Some(session.expire(at(1_000_000)))),
];

pub fn session_part() -> String {
    let paying = session().begin(followed(), at(1)).expect("it is open");
    let shown = |standing| show(paying.clone(), standing).expect("it shows everything");
    let failed = shown(Standing::Failed { message: "No.".into() });
    let sessions = [
        session(),
        failed.clone(),
        paying.clone(),
        shown(Standing::ActionRequired(action())),
        shown(Standing::Succeeded(bought())),
        session().expire(at(1_000_000)),
        failed.expire(at(1_000_000)),
    ];
    let seen: Vec<_> = sessions.iter().map(|session| place(session.state())).collect();
    assert!((0..5).all(|place| seen.contains(&place)), "a state has no row");
    let rows = sessions.iter().map(|before| {
        let cells = SESSION_HAPPENINGS.map(|(_, happen)| match happen(before.clone()) {
            None => "refused".to_owned(),
            Some(after) if words(&after) == words(before) => UNCHANGED.to_owned(),
            Some(after) => words(&after),
        });
        (words(before), cells.to_vec())
    });
    let columns = SESSION_HAPPENINGS.map(|(name, _)| name);
    let page = "\n## Sessions\n\nA session follows one payment and shows how it stands, in two \
                words: its own `status` and its payment's. The columns from `pending` to `succeeded` \
                are what becomes of that payment; one that never began a payment hears of none.\n\n";
    [page, &table(&columns, rows.collect())].concat()
}

/// A new state makes the compiler ask for its place here.
fn place(state: &SessionState) -> usize {
    match state {
        SessionState::Open { .. } => 0,
        SessionState::Processing { .. } => 1,
        SessionState::ActionRequired { .. } => 2,
        SessionState::Complete { .. } => 3,
        SessionState::Expired { .. } => 4,
    }
}

fn words(session: &CheckoutSession) -> String {
    code(&format!("{} {}", session.state().status(), session.state().payment_status()))
}

fn show(session: CheckoutSession, standing: Standing) -> Option<CheckoutSession> {
    let paid_for = session.cart_hash;
    Some(session.show(followed(), standing, paid_for, at(1)))
}

fn followed() -> Followed {
    Followed::Purchase(terms().id)
}

fn action() -> Action {
    Action { reference: "pi_1".into(), client_secret: client_secret() }
}

fn bought() -> SessionOrder {
    SessionOrder { id: "order-1".into(), transaction: None, is_free: false }
}

fn session() -> CheckoutSession {
    CheckoutSession::open(NewSession {
        id: terms().session,
        visitor: terms().visitor,
        cart: SessionCart::Platform(terms().cart),
        cart_hash: CartHash::of([]),
        totals: None,
        lifetime: jiff::SignedDuration::from_mins(30),
        requires_shipping: true,
        at: at(0),
    })
}

// Purchases

type PurchaseHappening = (&'static str, fn(Purchase) -> Purchase);

const PURCHASE_HAPPENINGS: [PurchaseHappening; 19] = [
    ("charged", |purchase| purchase.hear_charge(charge(4998), at(NOW))),
    ("challenged", |purchase| purchase.hear_charge(challenge(), at(NOW))),
    ("processing", |purchase| {
        let (payment, amount) = ("pi_1".parse().expect("an id"), amount());
        purchase.hear_charge(ChargeNews::Processing { payment, amount }, at(NOW))
    }),
    ("declined", |purchase| {
        let news = ChargeNews::Declined { payment: None, message: "No.".into() };
        purchase.hear_charge(news, at(NOW))
    }),
    ("refused", |purchase| {
        purchase.hear_charge(ChargeNews::Refused { message: "No.".into() }, at(NOW))
    }),
    ("a payment, untold", |purchase| {
        purchase
            .hear_charge(ChargeNews::Untold { payment: "pi_1".parse().expect("an id") }, at(NOW))
    }),
    ("another amount charged", |purchase| purchase.hear_charge(charge(1), at(NOW))),
    ("an order", |purchase| purchase.hear_order(order(4998), at(NOW))),
    ("an order of another total", |purchase| purchase.hear_order(order(1), at(NOW))),
    ("no order is made", |purchase| purchase.hear_no_order(at(NOW))),
    ("paid", |purchase| purchase.hear_settlement(paid(), at(NOW))),
    ("booked, not paid", |purchase| purchase.hear_settlement(booked(), at(NOW))),
    ("the payment failed", |purchase| {
        purchase.hear_settlement(Settlement::Failed { message: "No.".into() }, at(NOW))
    }),
    ("the payment is cancelled", |purchase| {
        purchase.hear_settlement(Settlement::Cancelled, at(NOW))
    }),
    ("it is not booked", |purchase| purchase.hear_not_booked(at(NOW))),
    ("it is not cancelled", |purchase| purchase.hear_not_cancelled(at(NOW))),
    ("no answer came", Purchase::lose_answer),
    ("all is tidied up", |purchase| {
        let purchase = purchase.tidy(Tidied::Detached, at(NOW));
        purchase.tidy(Tidied::Cart(CartsEnd::Deleted), at(NOW))
    }),
    ("a person has settled it", |purchase| purchase.clone().settle(at(NOW)).unwrap_or(purchase)),
];

/// So long after the last question that it may be put again.
const NOW: i64 = 130;

pub fn purchase_part() -> String {
    let situations = situations();
    let seen: Vec<_> = situations.iter().map(|(_, one)| rank(one.state())).collect();
    assert!((0..15).all(|rank| seen.contains(&rank)), "a state of a purchase has no row");
    let mut lines = vec!["[*] --> created".to_owned()];
    lines.extend(QUESTIONS.map(|(from, to, name)| format!("{from} --> {to} : {name}")));
    let mut rows = Vec::new();
    let mut steps = Vec::new();
    for (label, before) in &situations {
        let from = before.state().name();
        let cells = PURCHASE_HAPPENINGS.map(|(name, happen)| {
            let after = happen(before.clone());
            let to = after.state().name();
            let line = format!("{from} --> {to} : {name}");
            if from != to && !lines.contains(&line) {
                lines.push(line);
            }
            match (from == to, matter(&after)) {
                (true, _) => UNCHANGED.to_owned(),
                (false, Some(matter)) => format!("{} ; {}", code(to), matter.name()),
                (false, None) => code(to),
            }
        });
        rows.push((label.clone(), cells.to_vec()));
        let live = if before.is_live() { "yes" } else { "no" };
        let late = before.next(at(100_000_000));
        let next = [live, step(&before.next(at(2))), step(&before.next(at(NOW))), step(&late)];
        steps.push((label.clone(), next.map(str::to_owned).to_vec()));
    }
    let columns = PURCHASE_HAPPENINGS.map(|(name, _)| name);
    let page = "\n## Purchases\n\nWhat the platform says:\n\n";
    let next = "\nWhat may be done next: within seconds of the last question, after two minutes, and \
                when all time is over. A cart with a live purchase takes no other:\n\n";
    let last = ["live", "at once", "after two minutes", "in the end"];
    let alone = "\nThe states alone:\n\n";
    [page, &table(&columns, rows), next, &table(&last, steps), alone, &diagram(&lines)].concat()
}

/// What we ask for ourselves; each was taken by `situations`.
const QUESTIONS: [(&str, &str, &str); 8] = [
    ("created", "charging", "charge"),
    ("created", "ordering", "nothing to pay"),
    ("created", "abandoned", "not begun"),
    ("charged", "ordering", "check out"),
    ("requires_action", "ordering", "check out"),
    ("processing", "ordering", "check out"),
    ("ordered", "confirming", "confirm"),
    ("pending", "cancelling", "cancel"),
];

/// A purchase in each state, led there by the transitions themselves, and what the row is called.
fn situations() -> Vec<(String, Purchase)> {
    let ok = |taken: Result<Purchase, StepError>| taken.expect("it is allowed there");
    let token = PayToken::new("ctoken_1").expect("a token");
    let created = ok(Purchase::new(terms(), Some(token)));
    let charging = ok(created.clone().charge(at(1)));
    let again = ok(charging.clone().charge_again(at(100)));
    let challenged = charging.clone().hear_charge(challenge(), at(1));
    let closing = ok(challenged.clone().abandon(Closing::ThroughOrder));
    let watched = ok(challenged.clone().abandon(Closing::ByWatching));
    let (payment, amount) = ("pi_1".parse().expect("an id"), amount());
    let processing =
        charging.clone().hear_charge(ChargeNews::Processing { payment, amount }, at(1));
    let charged = charging.clone().hear_charge(charge(4998), at(1));
    let ordering = ok(charged.clone().check_out(at(1)));
    let ordered = ordering.clone().hear_order(order(4998), at(1));
    let confirming = ok(ordered.clone().confirm(at(1)));
    let proving = ok(closing.clone().check_out(at(1))).hear_order(order(4998), at(1));
    let pending = ok(proving.confirm(at(1))).hear_settlement(booked(), at(1));
    let cancelling = ok(pending.clone().cancel(at(1)));
    let confirmed = confirming.clone().hear_settlement(paid(), at(1));
    let cleaned = confirmed.clone().tidy(Tidied::Detached, at(1));
    let cleaned = cleaned.tidy(Tidied::Cart(CartsEnd::Deleted), at(1));
    let refused = ChargeNews::Refused { message: "No.".into() };
    let declined = charging.clone().hear_charge(refused, at(1));
    let abandoned = ok(created.clone().give_up(Abandonment::TooLate, at(1)));
    let called = [
        charging.clone().call_person(Matter::ChargeUnknown, at(1)),
        processing.clone().call_person(Matter::Unfinished, at(1)),
        ordering.clone().call_person(Matter::CheckoutUnknown, at(1)),
        confirming.clone().call_person(Matter::ConfirmUnknown, at(1)),
    ];
    let rows = [
        ("", created),
        ("", charging),
        (" for the second time", again),
        ("", challenged),
        (" given up, to be closed", closing),
        (" given up, watched", watched),
        ("", processing),
        ("", charged),
        ("", ordering),
        ("", ordered),
        ("", confirming),
        (" of what was given up", pending),
        ("", cancelling),
        ("", confirmed),
        ("", cleaned),
        ("", declined),
        ("", abandoned),
    ];
    let named = |(note, purchase): (&str, Purchase)| {
        (format!("{}{note}", code(purchase.state().name())), purchase)
    };
    let called = called.into_iter().map(|purchase| {
        let matter = matter(&purchase).expect("a person was called");
        (format!("{}: {}", code(purchase.state().name()), matter.name()), purchase)
    });
    rows.into_iter().map(named).chain(called).collect()
}

/// The order of the states. A new state makes the compiler ask for its place here.
fn rank(state: &PurchaseState) -> usize {
    match state {
        PurchaseState::Created { .. } => 0,
        PurchaseState::Charging { .. } => 1,
        PurchaseState::RequiresAction { .. } => 2,
        PurchaseState::Processing { .. } => 3,
        PurchaseState::Charged { .. } => 4,
        PurchaseState::Ordering { .. } => 5,
        PurchaseState::Ordered { .. } => 6,
        PurchaseState::Confirming { .. } => 7,
        PurchaseState::Pending { .. } => 8,
        PurchaseState::Cancelling { .. } => 9,
        PurchaseState::Confirmed { .. } => 10,
        PurchaseState::Cleaned { .. } => 11,
        PurchaseState::Declined { .. } => 12,
        PurchaseState::Abandoned { .. } => 13,
        PurchaseState::NeedsReconciliation { .. } => 14,
    }
}

fn step(step: &Step) -> &'static str {
    match step {
        Step::Wait => "wait",
        Step::Prepare => "prepare and charge",
        Step::GiveUp => "give up",
        Step::FindCharge { may_repeat: false } => "look for the charge",
        Step::FindCharge { may_repeat: true } => "look for the charge, or send the token again",
        Step::AskPayment(_) => "ask the payment",
        Step::Abandon => "close it",
        Step::CheckOut => "check out",
        Step::FindOrder { may_repeat: false } => "look for the order",
        Step::FindOrder { may_repeat: true } => "look for the order, or check out again",
        Step::Confirm(_) => "confirm",
        Step::ReadOrder { may_repeat: false, .. } => "read the order",
        Step::ReadOrder { may_repeat: true, .. } => "read the order, or ask again",
        Step::Cancel(_) => "cancel",
        Step::CleanUp(_) => "tidy up",
        Step::CallPerson(_) => "call a person",
        Step::Nothing => "",
    }
}

fn matter(purchase: &Purchase) -> Option<Matter> {
    match purchase.state() {
        PurchaseState::NeedsReconciliation { matter, .. } => Some(*matter),
        _ => None,
    }
}

fn terms() -> Terms {
    let address = FormAddress::new(|_| "x".into()).expect("short texts");
    Terms {
        id: PurchaseId(Uuid::from_u128(1)),
        visitor: VisitorId(Uuid::from_u128(2)),
        session: SessionId(Uuid::from_u128(3)),
        cart: "cart-1".parse().expect("an id"),
        cart_hash: CartHash::of([]),
        amount: amount(),
        buyer: Buyer {
            customer: Customer::new("Ada", "ada@example.org").expect("short texts"),
            billing_address: address.clone(),
            shipping_address: address,
            account: None,
        },
        attributes: domain::session::Attributes::default(),
        created_at: at(0),
    }
}

fn client_secret() -> ClientSecret {
    ClientSecret::new("pi_1_secret").expect("a secret")
}

fn charge(minor: i64) -> ChargeNews {
    let amount = domain::money::Money::new(minor, amount().currency()).expect("an amount");
    ChargeNews::Succeeded { payment: "pi_1".parse().expect("an id"), amount }
}

fn challenge() -> ChargeNews {
    let (payment, client_secret) = ("pi_1".parse().expect("an id"), client_secret());
    ChargeNews::RequiresAction { payment, amount: amount(), client_secret }
}

fn order(minor: i64) -> OrderNews {
    let total = domain::money::Money::new(minor, amount().currency()).expect("an amount");
    OrderNews { order: "order-1".parse().expect("an id"), total }
}

fn paid() -> Settlement {
    Settlement::Paid { transaction: "booking-1".parse().expect("an id"), amount: amount() }
}

fn booked() -> Settlement {
    let transaction = "booking-1".parse().expect("an id");
    Settlement::Pending { transaction, client_secret: Some(client_secret()) }
}
