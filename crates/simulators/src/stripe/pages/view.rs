//! What the pages say about each thing: rows of words, digits and times, newest first.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use crate::stripe::control::fault::{Fault, FaultKind};
use crate::stripe::objects::charge::ChargeStatus;
use crate::stripe::objects::event::Event;
use crate::stripe::objects::payment_intent::{PaymentIntent, Status};
use crate::stripe::objects::refund::Refund;
use crate::stripe::pages::order::{self, Order};
use crate::stripe::rules::money;
use crate::stripe::state::State;
use crate::stripe::webhooks::queue::{Answer, Delivery, DeliveryState};
use crate::stripe::webhooks::rules::Gate;

/// A sum as people read it.
#[derive(Serialize)]
pub(crate) struct Sum {
    digits: String,
    currency: String,
}

/// A moment of the simulated clock.
#[derive(Serialize)]
pub(crate) struct Moment {
    iso: String,
    text: String,
}

/// A state in words; the tone only underlines it.
#[derive(Serialize)]
pub(crate) struct Mark {
    text: String,
    tone: &'static str,
}

#[derive(Serialize)]
pub(crate) struct PaymentRow {
    id: String,
    sum: Sum,
    method: Option<String>,
    mark: Mark,
    note: Option<String>,
    order: Option<String>,
    when: Moment,
    received: Option<Sum>,
    refunded: Option<Sum>,
    dispute: Option<Mark>,
    charged_twice: bool,
}

/// The payment that something belongs to, by the shop's name for it.
#[derive(Serialize)]
pub(crate) struct Payment {
    id: String,
    name: String,
}

/// A refund or a dispute.
#[derive(Serialize)]
pub(crate) struct ClaimRow {
    id: String,
    sum: Sum,
    mark: Mark,
    note: Option<String>,
    payment: Option<Payment>,
    when: Moment,
    due: Option<Moment>,
    orders: Vec<Order>,
}

#[derive(Serialize)]
pub(crate) struct EventRow {
    id: String,
    kind: &'static str,
    payment: Option<Payment>,
    when: Moment,
    pending: usize,
    /// The request that caused it.
    request: Option<String>,
    orders: Vec<Order>,
}

#[derive(Serialize)]
pub(crate) struct DeliveryRow {
    id: String,
    kind: &'static str,
    event: String,
    url: String,
    mark: Mark,
    tries: usize,
    answer: Option<String>,
    when: Option<Moment>,
    next: Option<Moment>,
    repeat: bool,
}

#[derive(Serialize)]
pub(crate) struct EndpointRow {
    id: String,
    url: String,
    mark: Mark,
    wants: String,
    orders: Vec<Order>,
}

#[derive(Serialize)]
pub(crate) struct FaultRow {
    what: String,
    place: String,
    times: u32,
}

/// Looks at the state on behalf of a page.
pub(crate) struct Lens<'a> {
    pub state: &'a State,
    now: Timestamp,
    /// When each waiting delivery is tried next, in milliseconds, by its place.
    due: HashMap<usize, i64>,
}

impl Sum {
    pub fn new(amount: i64, currency: &str) -> Self {
        Self { digits: money::digits(amount, currency), currency: currency.to_uppercase() }
    }

    fn of(object: &Value) -> Self {
        let currency = object["currency"].as_str().unwrap_or_default();
        Self::new(object["amount"].as_i64().unwrap_or_default(), currency)
    }
}

impl Mark {
    pub fn new(text: &str) -> Self {
        let tone = match text {
            "succeeded" | "won" | "delivered" | "enabled" => "good",
            "failed" | "lost" | "declined" | "needs_response" | "dropped" => "bad",
            "canceled" | "disabled" | "warning_closed" | "prevented" => "off",
            _ => "wait",
        };
        Self { text: text.replace('_', " "), tone }
    }

    fn with_tone(self, tone: &'static str) -> Self {
        Self { tone, ..self }
    }
}

impl<'a> Lens<'a> {
    pub fn new(state: &'a State) -> Self {
        Self { state, now: state.clock.now(), due: state.webhooks.due_times() }
    }

    /// What becomes of webhooks of this type; `*` is what becomes of most.
    pub fn gate(&self, kind: &str) -> Gate {
        self.state.webhooks.rules.gate.of(kind)
    }

    /// The day is said only when it is another day.
    pub fn moment(&self, milliseconds: i64) -> Moment {
        let at = Timestamp::from_millisecond(milliseconds).unwrap_or(self.now);
        let zoned = at.to_zoned(TimeZone::UTC);
        let today = self.now.to_zoned(TimeZone::UTC).date();
        let shape = match zoned.date() {
            day if day == today => "%H:%M:%S",
            day if day.year() == today.year() => "%-d %b, %H:%M:%S",
            _ => "%-d %b %Y, %H:%M:%S",
        };
        Moment { iso: at.to_string(), text: zoned.strftime(shape).to_string() }
    }

    /// As a receipt says it: with its day, whatever day it is now.
    pub fn dated(&self, seconds: i64) -> Moment {
        let at = Timestamp::from_second(seconds).unwrap_or(self.now);
        Moment { iso: at.to_string(), text: at.strftime("%-d %b %Y, %H:%M UTC").to_string() }
    }

    pub fn seconds(&self, seconds: i64) -> Moment {
        self.moment(seconds.saturating_mul(1000))
    }

    /// The payment that an event is about.
    pub fn payment_of(event: &Event) -> Option<&str> {
        let object = &event.data["object"];
        let name = if object["object"] == "payment_intent" { "id" } else { "payment_intent" };
        object[name].as_str()
    }

    /// The payment that a delivery is about; thin events are about what their twins are about.
    pub fn payment_of_delivery(&self, delivery: &Delivery) -> Option<&str> {
        let thin = self.state.thin_events.get(&delivery.event);
        let twin = thin.and_then(|thin| thin.snapshot_event.as_deref());
        Self::payment_of(self.state.events.get(twin.unwrap_or(&delivery.event))?)
    }

    pub fn refunds(&self) -> Vec<Value> {
        self.state.refunds.rows().iter().rev().map(Refund::render).collect()
    }

    pub fn disputes(&self) -> Vec<Value> {
        self.state.disputes.rows().iter().rev().map(|dispute| dispute.render(self.state)).collect()
    }

    /// Ids of the payments that `text` speaks of: by id, status, order or description.
    pub fn matching(&self, text: &str) -> HashSet<String> {
        let text = text.to_lowercase();
        let has = |value: &str| value.to_lowercase().contains(&text);
        let matches = |intent: &&PaymentIntent| {
            has(&intent.id)
                || has(intent.status.name())
                || has(&intent.status.name().replace('_', " "))
                || intent.metadata.values().any(|value| has(value))
                || intent.description.as_deref().is_some_and(has)
                || intent.latest_charge.as_deref().is_some_and(has)
        };
        self.state
            .payment_intents
            .rows()
            .iter()
            .filter(matches)
            .map(|intent| intent.id.clone())
            .collect()
    }

    pub fn payment(&self, intent: &PaymentIntent) -> PaymentRow {
        let mine = |id: &Option<String>| id.as_deref() == Some(intent.id.as_str());
        let charges =
            self.state.charges.rows().iter().filter(|charge| mine(&charge.payment_intent));
        let (mut refunded, mut succeeded) = (0, 0);
        for charge in charges {
            refunded += charge.amount_refunded;
            succeeded += usize::from(charge.status == ChargeStatus::Succeeded);
        }
        let sum = |amount| Sum::new(amount, &intent.currency);
        let of_mine = |dispute: &Value| dispute["payment_intent"] == intent.id.as_str();
        let dispute = self.disputes().into_iter().find(of_mine);
        let falsified =
            intent.status == Status::Succeeded && intent.amount_received != intent.amount;
        PaymentRow {
            id: intent.id.clone(),
            sum: sum(intent.amount),
            method: self.method(intent),
            mark: payment_mark(intent),
            note: payment_note(intent),
            order: order_of(intent),
            when: self.seconds(intent.created),
            received: falsified.then(|| sum(intent.amount_received)),
            refunded: (refunded > 0).then(|| sum(refunded)),
            dispute: dispute.and_then(|dispute| Some(Mark::new(dispute["status"].as_str()?))),
            charged_twice: succeeded > 1,
        }
    }

    /// `visa ···· 4242`: of the last try, or chosen for the next one.
    pub fn method(&self, intent: &PaymentIntent) -> Option<String> {
        let chosen = intent.payment_method.as_deref();
        let chosen = chosen.and_then(|id| self.state.payment_methods.get(id));
        let details = match chosen {
            Some(method) => method.render(),
            None => {
                let charge = self.state.charges.get(intent.latest_charge.as_deref()?)?;
                charge.payment_method_details.clone()
            }
        };
        let kind = details["type"].as_str()?;
        let of_kind = &details[kind];
        let name = of_kind["brand"].as_str().unwrap_or(kind).replace('_', " ");
        Some(match of_kind["last4"].as_str() {
            Some(last4) => format!("{name} ···· {last4}"),
            None => name,
        })
    }

    pub fn refund(&self, refund: &Value) -> ClaimRow {
        let mut row = self.claim(refund, "failure_reason");
        row.orders = order::of_refund(refund);
        row
    }

    pub fn dispute(&self, dispute: &Value) -> ClaimRow {
        let mut row = self.claim(dispute, "reason");
        row.due = dispute["evidence_details"]["due_by"].as_i64().map(|due| self.seconds(due));
        row.orders = order::of_dispute(dispute);
        row
    }

    fn claim(&self, object: &Value, note: &str) -> ClaimRow {
        let text = |name: &str| object[name].as_str().map(str::to_owned);
        ClaimRow {
            id: text("id").unwrap_or_default(),
            sum: Sum::of(object),
            mark: Mark::new(object["status"].as_str().unwrap_or("unknown")),
            note: text(note).or_else(|| text("reason")).map(|note| note.replace('_', " ")),
            payment: self.named(object["payment_intent"].as_str()),
            when: self.seconds(object["created"].as_i64().unwrap_or_default()),
            due: None,
            orders: Vec::new(),
        }
    }

    fn named(&self, payment: Option<&str>) -> Option<Payment> {
        let intent = self.state.payment_intents.get(payment?)?;
        let name = order_of(intent).unwrap_or_else(|| intent.id.clone());
        Some(Payment { id: intent.id.clone(), name })
    }

    pub fn event(&self, event: &Event) -> EventRow {
        EventRow {
            id: event.id.clone(),
            kind: event.kind,
            payment: self.named(Self::payment_of(event)),
            when: self.seconds(event.created),
            pending: self.state.pending_webhooks(event),
            request: event.request["id"].as_str().map(str::to_owned),
            orders: order::of_event(&event.id, event.kind),
        }
    }

    pub fn delivery(&self, place: usize, delivery: &Delivery) -> DeliveryRow {
        let last = delivery.attempts.last();
        DeliveryRow {
            id: delivery.id.clone(),
            kind: delivery.kind,
            event: delivery.event.clone(),
            url: self.url(&delivery.endpoint),
            mark: match (delivery.state, self.gate(delivery.kind)) {
                (DeliveryState::Waiting, Gate::Held) => Mark::new("held"),
                (state, _) => Mark::new(state.name()),
            },
            tries: delivery.attempts.len(),
            answer: last.map(|attempt| answer(&attempt.answer)),
            when: last.map(|attempt| self.moment(attempt.at)),
            next: self.next_try(place),
            repeat: delivery.repeat,
        }
    }

    /// A delivery that was put in front of all others is due now.
    pub fn next_try(&self, place: usize) -> Option<Moment> {
        self.due.get(&place).map(|due| match *due {
            0 => self.moment(self.now.as_millisecond()),
            due => self.moment(due),
        })
    }

    pub fn url(&self, endpoint: &str) -> String {
        let found = self.state.receiver(endpoint);
        found.map_or_else(|| "a deleted endpoint".into(), |receiver| receiver.url.to_owned())
    }

    /// Webhook endpoints, then event destinations.
    pub fn endpoints(&self) -> Vec<EndpointRow> {
        let row = |id: &str, url: &str, enabled: bool, wants: String, orders| EndpointRow {
            id: id.to_owned(),
            url: url.to_owned(),
            mark: Mark::new(if enabled { "enabled" } else { "disabled" }),
            wants,
            orders,
        };
        let endpoints = self.state.endpoints.rows().iter().map(|one| {
            let orders = order::of_endpoint(&one.id, &one.url);
            row(&one.id, &one.url, one.enabled, wants(&one.enabled_events), orders)
        });
        let destinations = self.state.event_destinations.rows().iter().map(|one| {
            let wants = format!("{}, {}", wants(&one.enabled_events), one.payload.name());
            row(&one.id, &one.url, one.enabled, wants, Vec::new())
        });
        endpoints.chain(destinations).collect()
    }

    /// What is ordered for the deliveries of some event types.
    pub fn webhook_rules(&self) -> Vec<String> {
        let rules = self.state.webhooks.rules.render();
        let rules = rules.as_array().map(Vec::as_slice).unwrap_or_default();
        let types = |rule: &Value| {
            let types = rule["types"].as_array().map(Vec::as_slice).unwrap_or_default();
            types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        };
        let rule = |rule: &Value| {
            let more = match (rule["ms"].as_i64(), rule["times"].as_i64()) {
                (Some(ms), _) => format!(" by {ms} ms"),
                (_, Some(times)) => format!(", {times} times each"),
                (None, None) => String::new(),
            };
            format!("{} {}{more}", rule["order"].as_str().unwrap_or_default(), types(rule))
        };
        rules.iter().map(rule).collect()
    }
}

fn wants(types: &[String]) -> String {
    match types {
        [all] if all == "*" => "every event".to_owned(),
        some => some.join(", "),
    }
}

fn payment_mark(intent: &PaymentIntent) -> Mark {
    let mark = Mark::new(intent.status.name());
    let declined = intent.status == Status::RequiresPaymentMethod;
    if declined && intent.last_payment_error.is_some() { mark.with_tone("bad") } else { mark }
}

/// What it waits for, or why it is where it is.
fn payment_note(intent: &PaymentIntent) -> Option<String> {
    if let Some(error) = &intent.last_payment_error {
        let code = error["decline_code"].as_str().or(error["code"].as_str()).unwrap_or("unknown");
        return Some(format!("last try failed: {}", code.replace('_', " ")));
    }
    match &intent.status {
        Status::RequiresAction(challenge) if challenge.page.contains("/redirect/") => {
            Some("the buyer is at the bank".into())
        }
        Status::RequiresAction(_) => Some("waits for 3-D Secure".into()),
        Status::RequiresPaymentMethod => Some("no method yet".into()),
        Status::Processing => Some("waits for the bank".into()),
        Status::Canceled { reason, .. } => reason.as_ref().map(|reason| reason.replace('_', " ")),
        Status::RequiresCapture => Some("waits to be captured".into()),
        Status::RequiresConfirmation => Some("waits to be confirmed".into()),
        Status::Succeeded => None,
    }
}

/// The shop's name for what is paid.
fn order_of(intent: &PaymentIntent) -> Option<String> {
    let metadata = &intent.metadata;
    let named = ["order_id", "order", "order_number"].iter().find_map(|name| metadata.get(*name));
    let first = || metadata.iter().next().map(|(name, value)| format!("{name}: {value}"));
    named.cloned().or_else(first).or_else(|| intent.description.clone())
}

pub(crate) fn answer(answer: &Answer) -> String {
    match answer {
        Ok(status) => format!("answered {status}"),
        // The address stands beside it.
        Err(error) => format!("no answer: {}", error.split(" for url (").next().unwrap_or(error)),
    }
}

pub(crate) fn fault(fault: &Fault) -> FaultRow {
    let what = match fault.kind {
        FaultKind::LoseBefore => "lost before anything is done".into(),
        FaultKind::LoseAfter => "lost after it is done".into(),
        FaultKind::Status(status) => format!("answered {status}"),
        FaultKind::LockTimeout => "429, lock timeout".into(),
        FaultKind::FailBefore => "500, nothing is done".into(),
        FaultKind::FailAfter => "500, though it is done".into(),
        FaultKind::Slow(pause) => format!("done after {} ms", pause.as_millis()),
        FaultKind::SlowAfter(pause) => format!("answered {} ms late", pause.as_millis()),
        FaultKind::Truncated => "broken off half way".into(),
        FaultKind::Garbage => "no JSON, though it is done".into(),
    };
    let method = fault.method.as_ref().map_or("any", http::Method::as_str);
    let path = if fault.path_prefix.is_empty() { "request" } else { &fault.path_prefix };
    FaultRow { what, place: format!("{method} {path}"), times: fault.times }
}
