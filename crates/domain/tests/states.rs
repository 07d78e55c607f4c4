//! Prints `docs/states.md` from the transitions themselves, so that the page cannot say anything
//! else than the code does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use domain::{
    contact::{Address, AddressDraft},
    dispute::{Dispute, DisputeConsequence, DisputeNews, DisputeState},
    event::{Decline, EventId, GatewayReference, News, Receipt, Report, Word},
    id::{CartId, DisputeId, OrderId, PaymentId, RefundId, VisitorId},
    money::Money,
    order::{Fingerprint, Marketing, Order, OrderParts, OrderState, TransitionError},
    payment::{Consequence, Discrepancy, Payment, PaymentState},
    pricing::{TaxMode, Totals},
    refund::{
        NotMade, Refund, RefundConsequence, RefundNews, RefundOrigin, RefundReport, RefundState,
    },
};
use jiff::Timestamp;
use uuid::Uuid;

#[path = "states/sales.rs"]
mod sales;

const UNCHANGED: &str = "·";

#[test]
fn the_page_of_states_says_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/states.md");
    let printed = [
        HEAD,
        &payment_part(),
        &order_part(),
        &refund_part(),
        &dispute_part(),
        &sales::session_part(),
        &sales::purchase_part(),
    ]
    .concat();
    if std::env::var_os("TILL_BLESS").is_some_and(|bless| bless == "1") {
        fs::write(&path, &printed).expect("docs/ can be written to");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == printed,
        "docs/states.md differs from what the code does. Print it anew with \
         `TILL_BLESS=1 cargo test -p domain --test states`, and read what has changed."
    );
}

const HEAD: &str = "\
# States

This page is printed from the code by `crates/domain/tests/states.rs`; a test fails when the two \
differ. To print it anew: `TILL_BLESS=1 cargo test -p domain --test states`.

In a table, a row is where something stands and a column is what happens to it. A cell names the \
state that follows and, after a semicolon, what must be done about it. A dot: the state stays as \
it is. An empty cell: it cannot happen there.
";

// Payments

/// Something that happens to a payment.
type Happening = (&'static str, fn(&Payment) -> Option<(Payment, Consequence)>);

/// What the gateway says. A decline can be repeated only where there was one.
const SAYINGS: [Happening; 10] = [
    ("open", |payment| Some(hear(payment, &event(Report::Open)))),
    ("action required", |payment| Some(hear(payment, &event(Report::RequiresAction)))),
    ("an answer requires action", |payment| Some(hear(payment, &answer(Report::RequiresAction)))),
    ("processing", |payment| Some(hear(payment, &event(Report::Processing)))),
    ("declined", |payment| Some(hear(payment, &event(declined(99))))),
    ("an event repeats a decline", |payment| repeat(payment, event)),
    ("an answer repeats a decline", |payment| repeat(payment, answer)),
    ("an answer says succeeded", |payment| Some(hear(payment, &answer(succeeded())))),
    ("an event says succeeded", |payment| Some(hear(payment, &event(succeeded())))),
    ("cancelled", |payment| Some(hear(payment, &event(Report::Cancelled)))),
];

/// What we find out by ourselves.
const FINDINGS: [Happening; 4] = [
    ("no answer came", |payment| Some((payment.clone().lose_answer(), Consequence::Nothing))),
    ("it was never made", |payment| Some(payment.clone().never_was())),
    ("all of it went back, and she or the shop cancels", |payment| {
        Some(payment.clone().went_back())
    }),
    ("declined too often elsewhere", |payment| Some(payment.clone().stop_tries())),
];

fn payment_part() -> String {
    let situations = situations();
    let seen: BTreeSet<usize> =
        situations.iter().map(|(_, payment)| position(payment.state())).collect();
    assert!(seen.into_iter().eq(0..STATES), "a state of a payment has no row");
    let mut page = String::from("\n## Payments\n\n");
    page += "What the gateway says, in an event unless the column says otherwise:\n\n";
    page += &payment_table(&situations, &SAYINGS);
    page += "\nWhat we find out ourselves:\n\n";
    page += &payment_table(&situations, &FINDINGS);
    page += "\nThe states alone:\n\n";
    page += &payment_diagram(&situations);
    page +=
        "\nNews that does not fit our books leaves every payment as it is, and a person reads:\n\n";
    page += &misfit_table(&situations);
    page
}

fn payment_table(situations: &[(String, Payment)], happenings: &[Happening]) -> String {
    let columns: Vec<_> = happenings.iter().map(|(name, _)| *name).collect();
    let rows = situations.iter().map(|(label, payment)| {
        let cells = happenings.iter().map(|(_, happen)| match happen(payment) {
            Some((after, consequence)) => payment_cell(payment, &after, &consequence),
            None => String::new(),
        });
        (label.clone(), cells.collect())
    });
    table(&columns, rows.collect())
}

fn payment_cell(before: &Payment, after: &Payment, consequence: &Consequence) -> String {
    let moved = before.state().name() != after.state().name();
    match (moved, duty(consequence)) {
        (false, "") => UNCHANGED.to_owned(),
        (false, duty) => format!("{UNCHANGED} ; {duty}"),
        (true, "") => code(after.state().name()),
        (true, duty) => format!("{} ; {duty}", code(after.state().name())),
    }
}

fn payment_diagram(situations: &[(String, Payment)]) -> String {
    let mut arrows = BTreeMap::<_, BTreeSet<_>>::new();
    for (_, before) in situations {
        for (name, happen) in SAYINGS.iter().chain(&FINDINGS) {
            let Some((after, _)) = happen(before) else { continue };
            let (from, to) = (position(before.state()), position(after.state()));
            if from != to {
                let key = (from, to, before.state().name(), after.state().name());
                let tenth = before.declined().len() + 1 == Payment::DECLINES_MAX;
                let name = if tenth && *name == "declined" { "the tenth decline" } else { name };
                arrows.entry(key).or_default().insert(name);
            }
        }
    }
    let mut lines = vec!["[*] --> created".to_owned()];
    lines.extend(arrows.iter().map(|((_, _, from, to), names)| {
        let names: Vec<_> = names.iter().copied().collect();
        format!("{from} --> {to} : {}", names.join(", "))
    }));
    let over = situations.iter().filter(|(_, payment)| !payment.is_live());
    lines.extend(over.map(|(_, payment)| format!("{} --> [*]", payment.state().name())));
    diagram(&lines)
}

fn misfit_table(situations: &[(String, Payment)]) -> String {
    let right = event(succeeded());
    let cents = |minor| Money::new(minor, amount().currency()).expect("an amount");
    let partial = Report::Succeeded { received: cents(1) };
    let reference = GatewayReference::new("pi_2").expect("a reference");
    let wrong = [
        ("another amount or currency", News { amount: cents(1), ..right.clone() }),
        ("another amount received", News { report: partial, ..right.clone() }),
        ("another order, or none", News { order: None, ..right.clone() }),
        // One that succeeded is given back.
        (
            "another payment of the gateway",
            News { reference, report: Report::Open, ..right.clone() },
        ),
        ("test money for real money, or the reverse", News { livemode: true, ..right }),
    ];
    let rows = wrong.map(|(label, news)| {
        let sentence = sentence_for(situations, &news);
        (label.to_owned(), vec![sentence.to_owned()])
    });
    table(&["sentence"], rows.to_vec())
}

/// What a person reads, after a check that the news leaves every payment as it is.
fn sentence_for(situations: &[(String, Payment)], news: &News) -> &'static str {
    let mut sentence = "";
    for (label, before) in situations {
        let (after, consequence) = hear(before, news);
        match consequence {
            Consequence::NeedsAttention(discrepancy) => sentence = discrepancy.sentence(),
            // The first news of a payment brings its reference: none is another one yet.
            _ if before.reference().is_none() => continue,
            other => panic!("{label}: {other:?}"),
        }
        assert_eq!(&after, before, "{label}");
    }
    sentence
}

/// A payment in each state, led there by the transitions themselves, and what the row is called.
fn situations() -> Vec<(String, Payment)> {
    let closing = || vec![Report::Processing, declined(1)];
    let cancelled = |mut reports: Vec<_>| {
        reports.push(Report::Cancelled);
        reports
    };
    let nine: Vec<_> = (1..Payment::DECLINES_MAX).map(declined).collect();
    let mut nine_and_action = nine.clone();
    nine_and_action.push(Report::RequiresAction);
    let rows = [
        ("", vec![Report::Open]),
        ("", vec![declined(1)]),
        (", nine tries", nine),
        ("", vec![Report::RequiresAction]),
        (" after a decline", vec![declined(1), Report::RequiresAction]),
        (" after nine declines", nine_and_action),
        ("", vec![Report::Processing]),
        (" after a decline", vec![declined(1), Report::Processing]),
    ];
    let ends = [closing(), vec![succeeded()], cancelled(closing()), cancelled(vec![Report::Open])];
    let led = |reports: Vec<Report>| {
        reports.into_iter().fold(fresh(), |payment, report| hear(&payment, &event(report)).0)
    };
    let mut payments = vec![("", fresh()), ("", fresh().lose_answer())];
    payments.extend(rows.map(|(note, reports)| (note, led(reports))));
    payments.push(("", hear(&fresh(), &answer(succeeded())).0));
    payments.extend(ends.map(|reports| ("", led(reports))));
    let named = |(note, payment): (&str, Payment)| {
        (format!("{}{note}", code(payment.state().name())), payment)
    };
    payments.into_iter().map(named).collect()
}

const STATES: usize = 11;

/// The order of the states on the page. A new state makes the compiler ask for its place here.
fn position(state: &PaymentState) -> usize {
    match state {
        PaymentState::Created => 0,
        PaymentState::Unknown => 1,
        PaymentState::Open => 2,
        PaymentState::Declined { .. } => 3,
        PaymentState::RequiresAction => 4,
        PaymentState::Processing => 5,
        PaymentState::Answered => 6,
        PaymentState::Closing { .. } => 7,
        PaymentState::Succeeded { .. } => 8,
        PaymentState::Failed { .. } => 9,
        PaymentState::Cancelled => 10,
    }
}

fn duty(consequence: &Consequence) -> &'static str {
    match consequence {
        Consequence::Nothing => "",
        Consequence::OrderPaid { .. } => "the order is paid",
        Consequence::OrderFailed => "the order failed",
        Consequence::OrderCancelled => "the order is cancelled",
        Consequence::CancelDue => "cancel it at the gateway",
        Consequence::EventDue => "fetch the event",
        Consequence::RefundDue { .. } => "give the money back",
        Consequence::StrayRefundDue { .. } => panic!("the news of this page is of one payment"),
        Consequence::NeedsAttention(Discrepancy::Contradiction) => "a person looks at it",
        Consequence::NeedsAttention(other) => panic!("the news of this page fits: {other:?}"),
    }
}

fn amount() -> Money {
    Money::new(4998, "EUR".parse().expect("a currency")).expect("an amount")
}

fn fresh() -> Payment {
    let (id, order) = (PaymentId(Uuid::from_u128(1)), OrderId(Uuid::from_u128(2)));
    Payment::new(id, order, amount(), false)
}

fn hear(payment: &Payment, news: &News) -> (Payment, Consequence) {
    payment.clone().hear(news, Timestamp::UNIX_EPOCH)
}

fn repeat(payment: &Payment, say: fn(Report) -> News) -> Option<(Payment, Consequence)> {
    (!payment.declined().is_empty()).then(|| hear(payment, &say(declined(1))))
}

fn news(word: Word, report: Report) -> News {
    let Payment { order, amount, livemode, .. } = fresh();
    let reference = GatewayReference::new("pi_1").expect("a reference");
    News { reference, order: Some(order), amount, livemode, word, report, card: None }
}

fn event(report: Report) -> News {
    news(Word::Event(EventId::new("evt_1").expect("an id")), report)
}

fn answer(report: Report) -> News {
    news(Word::Answer, report)
}

fn succeeded() -> Report {
    Report::Succeeded { received: amount() }
}

fn declined(attempt: usize) -> Report {
    let (code, message) = ("card_declined".to_owned(), "Your card was declined.".to_owned());
    Report::Declined(Decline { attempt: format!("ch_{attempt}"), code, message })
}

// Orders

/// Something that is done to an order.
type Verb = (&'static str, fn(Order) -> Result<Order, TransitionError>);

const VERBS: [Verb; 4] = [
    ("pay", |order| order.pay(&receipt())),
    ("fail", |order| order.fail(Timestamp::UNIX_EPOCH)),
    ("cancel", |order| order.cancel(Timestamp::UNIX_EPOCH)),
    ("wait longer", |order| order.extend(Timestamp::MAX)),
];

fn order_part() -> String {
    let mut orders = vec![order(4998)];
    for (_, verb) in VERBS {
        let next = verb(order(4998)).expect("every verb starts from pending");
        if orders.iter().all(|known| known.state().name() != next.state().name()) {
            orders.push(next);
        }
    }
    orders.sort_by_key(|order| place_of(order.state()));
    assert!(orders.iter().map(|order| place_of(order.state())).eq(0..4), "a state has no row");
    let mut lines = vec!["[*] --> pending : something to pay".to_owned()];
    lines.push(format!("[*] --> {} : nothing to pay", order(0).state().name()));
    let mut rows = Vec::new();
    for before in &orders {
        let from = before.state().name();
        let cells = VERBS.map(|(name, verb)| match verb(before.clone()) {
            Ok(after) if after.state().name() == from => UNCHANGED.to_owned(),
            Ok(after) => {
                lines.push(format!("{from} --> {} : {name}", after.state().name()));
                code(after.state().name())
            }
            Err(_) => "refused".to_owned(),
        });
        rows.push((code(from), cells.to_vec()));
    }
    let ends = orders.iter().filter(|order| place_of(order.state()) > 0);
    lines.extend(ends.map(|order| format!("{} --> [*]", order.state().name())));
    let columns = VERBS.map(|(name, _)| name);
    let page = "\n## Orders\n\nAn order is moved by its payment's consequences; whoever asks for \
                a step that does not start from where it stands is refused.\n\n";
    [page, &table(&columns, rows), "\n", &diagram(&lines)].concat()
}

/// The order of the states on the page.
fn place_of(state: &OrderState) -> usize {
    match state {
        OrderState::Pending { .. } => 0,
        OrderState::Paid { .. } => 1,
        OrderState::Failed { .. } => 2,
        OrderState::Cancelled { .. } => 3,
    }
}

fn receipt() -> Receipt {
    Receipt::restore(EventId::new("evt_1").expect("an id"), amount(), Timestamp::UNIX_EPOCH)
}

fn order(total: i64) -> Order {
    let draft = AddressDraft {
        name: "Ada".into(),
        street: "Hauptstr. 1".into(),
        postal_code: "10115".into(),
        city: "Berlin".into(),
        country: "DE".into(),
        ..AddressDraft::default()
    };
    let address = Address::parse(&draft).expect("an address");
    let total = Money::new(total, amount().currency()).expect("an amount");
    let none = Money::zero(amount().currency());
    let totals = Totals::restore(total, none, none, TaxMode::Included, total);
    let parts = OrderParts {
        id: fresh().order,
        visitor: VisitorId(Uuid::from_u128(3)),
        cart: CartId(Uuid::from_u128(4)),
        email: "ada@example.org".parse().expect("an address"),
        marketing: Marketing::Declined,
        shipping_address: address.clone(),
        billing_address: address,
        lines: Vec::new(),
        totals: totals.expect("parts that add up"),
        attributes: domain::session::Attributes::default(),
        fingerprint: Fingerprint([0; 32]),
        created_at: Timestamp::UNIX_EPOCH,
    };
    Order::place(parts, Timestamp::UNIX_EPOCH)
}

// Refunds

/// Something that happens to a refund.
type RefundHappening = (&'static str, fn(Refund) -> (Refund, RefundConsequence));

const REFUND_HAPPENINGS: [RefundHappening; 6] = [
    ("no answer came", |refund| (refund.lose_answer(), RefundConsequence::Nothing)),
    ("the gateway refuses it", |refund| refund.refuse(NotMade::Disputed)),
    ("pending", |refund| refund.hear(&told(RefundReport::Pending))),
    ("succeeded", |refund| refund.hear(&told(RefundReport::Succeeded))),
    ("failed", |refund| refund.hear(&told(RefundReport::Failed { reason: "declined".into() }))),
    ("cancelled", |refund| refund.hear(&told(RefundReport::Cancelled))),
];

fn refund_part() -> String {
    let mut refunds = vec![refund()];
    refunds.extend(REFUND_HAPPENINGS.map(|(_, happen)| happen(refund()).0));
    assert!(refunds.iter().map(|one| rank_of(one.state())).eq(0..7), "a state has no row");
    let mut lines = vec!["[*] --> requested".to_owned()];
    let mut rows = Vec::new();
    for before in &refunds {
        let from = before.state().name();
        let cells = REFUND_HAPPENINGS.map(|(name, happen)| {
            let (after, consequence) = happen(before.clone());
            let to = after.state().name();
            if from != to {
                lines.push(format!("{from} --> {to} : {name}"));
            }
            let cell = if from == to { UNCHANGED.to_owned() } else { code(to) };
            match consequence {
                RefundConsequence::Nothing => cell,
                RefundConsequence::NotReturned => format!("{cell} ; a person is told"),
            }
        });
        rows.push((code(from), cells.to_vec()));
    }
    let columns = REFUND_HAPPENINGS.map(|(name, _)| name);
    let page = "\n## Refunds\n\nWhat the gateway says comes in its answer, in its list, or is asked \
                for because an event gave a hint. A refund that is `failed` has not returned the \
                money, even if it had `succeeded` before. An order of which everything is given \
                back stays `paid` here and is shown as `refunded`.\n\n";
    [page, &table(&columns, rows), "\n", &diagram(&lines)].concat()
}

/// The order of the states on the page.
fn rank_of(state: &RefundState) -> usize {
    match state {
        RefundState::Requested => 0,
        RefundState::Unknown => 1,
        RefundState::Refused { .. } => 2,
        RefundState::Pending => 3,
        RefundState::Succeeded => 4,
        RefundState::Failed { .. } => 5,
        RefundState::Cancelled => 6,
    }
}

fn refund() -> Refund {
    Refund::new(RefundId(Uuid::from_u128(5)), &fresh(), amount(), RefundOrigin::Automatic)
}

fn told(report: RefundReport) -> RefundNews {
    let reference = GatewayReference::new("re_1").expect("a reference");
    let payment = GatewayReference::new("pi_1").expect("a reference");
    RefundNews { reference, payment, ours: Some(refund().id), amount: amount(), report }
}

// Disputes

fn dispute_part() -> String {
    let columns = DisputeState::ALL.map(DisputeState::name);
    let mut lines = Vec::new();
    let opened = DisputeState::ALL.map(|state| {
        lines.push(format!("[*] --> {}", state.name()));
        dispute_cell("", state.name(), Dispute::open(dispute_ids().0, dispute_ids().1, said(state)))
    });
    let mut rows = vec![("first heard of".to_owned(), opened.to_vec())];
    for before in DisputeState::ALL {
        let from = before.name();
        let cells = DisputeState::ALL.map(|state| {
            let dispute = Dispute::restore(dispute_ids().0, dispute_ids().1, said(before));
            let heard = dispute.hear(said(state));
            let to = heard.0.state().name();
            if from != to {
                lines.push(format!("{from} --> {to}"));
            }
            dispute_cell(from, to, heard)
        });
        rows.push((code(from), cells.to_vec()));
    }
    let page = "\n## Disputes\n\nA dispute stands beside its order, which stays as it is. A column \
                is what the gateway says when it is asked, which it is because an event gave a \
                hint. While a dispute is `needs_response`, `under_review`, `lost` or `prevented` \
                the bank has the money, and none of the payment is given back.\n\n";
    [page, &table(&columns, rows), "\n", &diagram(&lines)].concat()
}

fn dispute_cell(from: &str, to: &str, (_, consequence): (Dispute, DisputeConsequence)) -> String {
    let cell = if from == to { UNCHANGED.to_owned() } else { code(to) };
    match consequence {
        DisputeConsequence::Nothing => cell,
        DisputeConsequence::CallPerson => format!("{cell} ; a person is told"),
        DisputeConsequence::Contradiction => format!("{cell} ; a person looks at it"),
    }
}

fn dispute_ids() -> (DisputeId, OrderId) {
    (DisputeId(Uuid::from_u128(6)), fresh().order)
}

fn said(state: DisputeState) -> DisputeNews {
    let reference = |name| GatewayReference::new(name).expect("a reference");
    DisputeNews {
        reference: reference("du_1"),
        payment: reference("pi_1"),
        amount: amount(),
        reason: "fraudulent".into(),
        respond_by: None,
        state,
    }
}

// Markdown

fn code(name: &str) -> String {
    format!("`{name}`")
}

fn table(columns: &[&str], rows: Vec<(String, Vec<String>)>) -> String {
    let mut text =
        format!("| | {} |\n|---|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
    for (label, cells) in rows {
        writeln!(text, "| {label} | {} |", cells.join(" | ")).expect("memory");
    }
    text.replace(" ; ", "; ")
}

fn diagram(lines: &[String]) -> String {
    format!("```mermaid\nstateDiagram-v2\n    {}\n```\n", lines.join("\n    "))
}
