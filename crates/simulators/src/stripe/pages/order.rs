//! What can be ordered on the pages: each order is a label, the moment it makes sense, and the
//! JSON that it sends to a route of the control API. The pages know no other way to change a
//! thing, so whatever a button does a test can do.

use serde::Serialize;
use serde_json::{Value, json};

use crate::stripe::rules::money;
use crate::stripe::webhooks::rules::Gate;

#[derive(Serialize)]
pub(crate) struct Order {
    /// Unique on its page.
    id: String,
    label: &'static str,
    /// What it is about, for those who hear the label only.
    about: String,
    method: &'static str,
    path: String,
    body: String,
    /// What the page says when it is done.
    said: String,
    ask: Option<Ask>,
    harsh: bool,
}

/// What is asked first, in plain words.
#[derive(Serialize)]
struct Ask {
    text: String,
    confirm: &'static str,
    field: Option<Field>,
}

#[derive(Serialize)]
struct Field {
    /// Kind and name, as [`super::forward`] reads it.
    name: String,
    label: String,
    value: String,
    choices: Vec<(&'static str, &'static str)>,
}

impl Order {
    fn new(label: &'static str, path: String, body: &Value, said: impl Into<String>) -> Self {
        let slug = |text: &str| -> String {
            let keep = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
            text.chars().map(keep).collect()
        };
        Self {
            id: format!("ask{}-{}", slug(&path), slug(label)),
            label,
            about: String::new(),
            method: "POST",
            path,
            body: body.to_string(),
            said: said.into(),
            ask: None,
            harsh: false,
        }
    }

    fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    fn ask(mut self, text: impl Into<String>, confirm: &'static str) -> Self {
        self.ask = Some(Ask { text: text.into(), confirm, field: None });
        self
    }

    fn field(mut self, field: Field) -> Self {
        if let Some(ask) = &mut self.ask {
            ask.field = Some(field);
        }
        self
    }

    fn harsh(mut self) -> Self {
        self.harsh = true;
        self
    }
}

impl Field {
    /// Typed as people write it, sent in minor units.
    fn money(label: &str, amount: i64, currency: &str) -> Self {
        let value = money::digits(amount, currency);
        let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        Self {
            name: format!("money{decimals}.amount"),
            label: format!("{label} in {}", currency.to_uppercase()),
            value,
            choices: Vec::new(),
        }
    }

    fn choice(name: &str, label: &str, choices: &[(&'static str, &'static str)]) -> Self {
        Self {
            name: format!("text.{name}"),
            label: label.into(),
            value: String::new(),
            choices: choices.to_vec(),
        }
    }
}

const CANCEL_REASONS: [(&str, &str); 5] = [
    ("", "No reason"),
    ("abandoned", "Abandoned"),
    ("requested_by_customer", "Requested by the customer"),
    ("duplicate", "Duplicate"),
    ("fraudulent", "Fraudulent"),
];

const DISPUTE_REASONS: [(&str, &str); 7] = [
    ("", "As usual for the method"),
    ("fraudulent", "Fraudulent"),
    ("product_not_received", "Product not received"),
    ("product_unacceptable", "Product unacceptable"),
    ("credit_not_processed", "Credit not processed"),
    ("duplicate", "Duplicate"),
    ("general", "General"),
];

/// For a payment; `refundable` is what its charge can still give back.
pub(crate) fn of_payment(intent: &Value, refundable: i64, disputed: bool) -> Vec<Order> {
    let text = |name: &str| intent[name].as_str().unwrap_or_default();
    let (id, currency) = (text("id"), text("currency"));
    let at = |action: &str| format!("/_sim/payment_intents/{id}/{action}");
    let mut orders = Vec::new();
    match text("status") {
        "processing" => orders.extend(settle(at("settle"))),
        "requires_action" => orders.extend(challenge(&at)),
        _ => {}
    }
    if refundable > 0 {
        let ask = "A refund that the shop did not make, as from Stripe's own dashboard.";
        let order = Order::new("Refund…", at("refund"), &json!({}), "The refund is made.");
        orders.push(order.ask(ask, "Refund").field(Field::money("Amount", refundable, currency)));
    }
    if text("status") == "succeeded" && !disputed {
        let reasons = || Field::choice("reason", "Reason", &DISPUTE_REASONS);
        let said = "The dispute is opened.";
        let order = Order::new("Open a dispute…", at("dispute"), &json!({}), said);
        let ask = "The buyer complains at the bank, and the bank takes the money back.";
        orders.push(order.ask(ask, "Open it").field(reasons()));
        let inquiry = json!({ "inquiry": true });
        let said = "The inquiry is opened.";
        let order = Order::new("Open an inquiry…", at("dispute"), &inquiry, said);
        let ask = "The bank asks what the payment was for. No money is taken yet.";
        orders.push(order.ask(ask, "Open it").field(reasons()));
    }
    let received = intent["amount_received"].as_i64().filter(|received| *received > 0);
    let amount = received.or(intent["amount"].as_i64()).unwrap_or_default();
    let order = Order::new(
        "Change the amount received…",
        at("amount_received"),
        &json!({}),
        "The amount is changed.",
    );
    let ask = "Stripe will say that it received this sum, whatever was asked for. Events that \
               exist keep the sum they were made with.";
    orders.push(order.ask(ask, "Change it").field(Field::money("Sum", amount, currency)));
    let open = text("status").starts_with("requires_");
    if open {
        let order = Order::new("Cancel…", at("cancel"), &json!({}), "The payment is canceled.");
        let field = Field::choice("reason", "Reason", &CANCEL_REASONS);
        let ask = "The payment ends here. It cannot be opened again.";
        orders.push(order.ask(ask, "Cancel the payment").field(field).harsh());
    }
    orders
}

fn settle(path: String) -> [Order; 2] {
    let outcome = |outcome: &str| json!({ "outcome": outcome });
    [
        Order::new("The bank pays", path.clone(), &outcome("succeeded"), "The bank has paid."),
        Order::new("The bank refuses", path, &outcome("failed"), "The bank has refused."),
    ]
}

fn challenge(at: &dyn Fn(&str) -> String) -> [Order; 3] {
    let outcome = |outcome: &str| json!({ "outcome": outcome });
    let path = at("authenticate");
    [
        Order::new("The buyer confirms", path.clone(), &outcome("succeeded"), "Confirmed."),
        Order::new("The buyer fails", path, &outcome("failed"), "Failed."),
        Order::new("Let it expire", at("expire_authentication"), &json!({}), "Expired."),
    ]
}

pub(crate) fn of_refund(refund: &Value) -> Vec<Order> {
    let id = refund["id"].as_str().unwrap_or_default();
    let path = format!("/_sim/refunds/{id}/settle");
    let order = |label, outcome: &str, said: &str| {
        Order::new(label, path.clone(), &json!({ "outcome": outcome }), said).about(id)
    };
    let succeed = || order("Succeed", "succeeded", "The refund has succeeded.");
    let fail = || order("Fail", "failed", "The refund has failed.");
    match refund["status"].as_str() {
        Some("pending" | "requires_action") => vec![succeed(), fail()],
        // A refund may fail weeks after it succeeded.
        Some("succeeded") => vec![fail()],
        _ => Vec::new(),
    }
}

pub(crate) fn of_dispute(dispute: &Value) -> Vec<Order> {
    let id = dispute["id"].as_str().unwrap_or_default();
    let decide = |label, outcome: &str, said: &str| {
        let path = format!("/_sim/disputes/{id}/decide");
        Order::new(label, path, &json!({ "outcome": outcome }), said).about(id)
    };
    match dispute["status"].as_str() {
        Some("won" | "lost" | "prevented" | "warning_closed") => Vec::new(),
        Some("warning_needs_response" | "warning_under_review") => {
            let path = format!("/_sim/disputes/{id}/escalate");
            let said = "The inquiry has become a chargeback.";
            vec![
                Order::new("Becomes a chargeback", path, &json!({}), said).about(id),
                decide("The bank asks no more", "warning_closed", "The inquiry is closed."),
                decide("Prevented", "prevented", "The dispute was prevented."),
            ]
        }
        _ => vec![
            decide("The shop wins", "won", "The shop has won the dispute."),
            decide("The shop loses", "lost", "The shop has lost the dispute."),
        ],
    }
}

pub(crate) fn of_event(id: &str, kind: &str) -> Vec<Order> {
    let order = |label, body: &Value, said: &str| {
        Order::new(label, "/_sim/webhooks/repeat".into(), body, said).about(format!("{kind} {id}"))
    };
    vec![
        order("Send again", &json!({ "event": id }), "Sent again."),
        order("Twice at once", &json!({ "event": id, "times": 2 }), "Sent twice at once."),
    ]
}

pub(crate) fn of_endpoint(id: &str, url: &str) -> Vec<Order> {
    let path = format!("/_sim/webhook_endpoints/{id}/roll_secret");
    let ask = "A new secret signs from now on, the old one beside it for another day.";
    let order = Order::new("Roll the secret…", path, &json!({}), "The secret is rolled.");
    vec![order.about(url).ask(ask, "Roll it")]
}

pub(crate) fn of_webhooks(gate: Gate) -> Vec<Order> {
    let order = |label, action: &str, body: &Value, said: &str| {
        Order::new(label, format!("/_sim/webhooks/{action}"), body, said)
    };
    let hold = || order("Hold", "hold", &json!({}), "Webhooks are held.");
    let drop = || {
        let ask = "Every webhook that waits is lost, and so is every new one until you resume.";
        let order = order("Drop…", "drop", &json!({}), "Webhooks are dropped.");
        order.ask(ask, "Drop them").harsh()
    };
    match gate {
        Gate::Open => vec![hold(), drop()],
        Gate::Held => vec![
            order("Release", "release", &json!({}), "Webhooks go out in order."),
            order(
                "Release, newest first",
                "release",
                &json!({ "order": "reverse" }),
                "Webhooks go out, the newest first.",
            ),
            order(
                "Release, shuffled",
                "release",
                &json!({ "order": "shuffle" }),
                "Webhooks go out, shuffled.",
            ),
            drop(),
        ],
        Gate::Dropping => vec![order("Resume", "resume", &json!({}), "Webhooks go out again.")],
    }
}

pub(crate) fn of_clock() -> Vec<Order> {
    let by = |label, seconds: u32, said: &str| {
        let path = "/_sim/clock/advance".to_owned();
        Order::new(label, path, &json!({ "seconds": seconds }), said).about("clock")
    };
    vec![
        by("+1 minute", 60, "One minute has passed."),
        by("+1 hour", 60 * 60, "One hour has passed."),
        by("+1 day", 24 * 60 * 60, "One day has passed."),
        by("+1 week", 7 * 24 * 60 * 60, "One week has passed."),
    ]
}

pub(crate) fn of_faults() -> Order {
    let path = "/_sim/faults".to_owned();
    let order = Order::new("Take them back", path, &json!({}), "No faults are ordered.");
    Order { method: "DELETE", ..order }
}

pub(crate) fn reset() -> Order {
    let ask = "Every payment, refund, event and delivery is forgotten. Webhook endpoints, keys and \
               the clock stay.";
    let order = Order::new("Reset…", "/_sim/reset".into(), &json!({}), "Everything is forgotten.");
    order.ask(ask, "Forget everything").harsh()
}

/// What a fault does, and the part of the order that says so.
pub(crate) fn fault_kinds() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Lost before anything is done", r#"{"kind":"lose_before"}"#),
        ("Lost after it is done", r#"{"kind":"lose_after"}"#),
        ("500, nothing is done", r#"{"kind":"500_before"}"#),
        ("500, though it is done", r#"{"kind":"500_after"}"#),
        ("409, the key is in use", r#"{"kind":"status","status":409}"#),
        ("429, too many requests", r#"{"kind":"status","status":429}"#),
        ("429, lock timeout", r#"{"kind":"lock_timeout"}"#),
        ("5 seconds, then done", r#"{"kind":"slow","ms":5000}"#),
        ("200 that breaks off half way", r#"{"kind":"truncated"}"#),
        ("200 that is no JSON", r#"{"kind":"garbage"}"#),
        ("503 of a gateway, nothing is done", r#"{"kind":"status","status":503}"#),
        ("Done, then 5 seconds", r#"{"kind":"slow_after","ms":5000}"#),
    ]
}

/// Which requests a fault waits for.
pub(crate) fn fault_places() -> Vec<(&'static str, &'static str)> {
    vec![
        ("Any request", "{}"),
        ("Any change (POST)", r#"{"method":"POST"}"#),
        ("Any read (GET)", r#"{"method":"GET"}"#),
        ("Changing a payment", r#"{"method":"POST","path":"/v1/payment_intents"}"#),
        ("Reading a payment", r#"{"method":"GET","path":"/v1/payment_intents"}"#),
        ("Making a refund", r#"{"method":"POST","path":"/v1/refunds"}"#),
        ("Reading events", r#"{"method":"GET","path":"/v1/events"}"#),
    ]
}
