//! Thin events of API v2: what happened and to which object, without the object.
//!
//! Most v1 events have a thin twin that names them as its `snapshot_event`.

use jiff::{SignedDuration, Timestamp, TimestampRound, Unit};
use serde_json::{Value, json};

use crate::stripe::objects::event::KEPT_SECONDS;
use crate::stripe::objects::event_destination::Payload;
use crate::stripe::state::State;
use crate::stripe::table::Row;

/// The test of a destination.
pub(crate) const PING: &str = "v2.core.event_destination.ping";

/// The thin twins of v1 events that this simulator can emit (stripe-node 23.1.0,
/// `V2/Core/Events.d.ts`).
const TWINS: &[&str] = &[
    "v1.balance.available",
    "v1.charge.captured",
    "v1.charge.dispute.closed",
    "v1.charge.dispute.created",
    "v1.charge.dispute.funds_reinstated",
    "v1.charge.dispute.funds_withdrawn",
    "v1.charge.dispute.updated",
    "v1.charge.expired",
    "v1.charge.failed",
    "v1.charge.pending",
    "v1.charge.refund.updated",
    "v1.charge.refunded",
    "v1.charge.succeeded",
    "v1.charge.updated",
    "v1.customer.created",
    "v1.customer.deleted",
    "v1.customer.updated",
    "v1.mandate.updated",
    "v1.payment_intent.amount_capturable_updated",
    "v1.payment_intent.canceled",
    "v1.payment_intent.created",
    "v1.payment_intent.partially_funded",
    "v1.payment_intent.payment_failed",
    "v1.payment_intent.processing",
    "v1.payment_intent.requires_action",
    "v1.payment_intent.succeeded",
    "v1.payment_method.attached",
    "v1.payment_method.automatically_updated",
    "v1.payment_method.detached",
    "v1.payment_method.updated",
    "v1.radar.early_fraud_warning.created",
    "v1.radar.early_fraud_warning.updated",
    "v1.refund.created",
    "v1.refund.failed",
    "v1.refund.updated",
    "v1.review.closed",
    "v1.review.opened",
    "v1.setup_intent.canceled",
    "v1.setup_intent.created",
    "v1.setup_intent.requires_action",
    "v1.setup_intent.setup_failed",
    "v1.setup_intent.succeeded",
];

pub(crate) struct ThinEvent {
    pub id: String,
    pub created: Timestamp,
    pub kind: &'static str,
    pub related: Related,
    /// The request that caused it.
    pub reason: Value,
    pub livemode: bool,
    /// The v1 event of the same happening.
    pub snapshot_event: Option<String>,
}

/// The object that an event is about.
pub(crate) struct Related {
    pub id: String,
    pub kind: String,
    pub url: String,
}

/// As v2 writes times: RFC 3339 with milliseconds.
pub(crate) fn instant(at: Timestamp) -> String {
    let whole = at.round(TimestampRound::new().smallest(Unit::Millisecond)).unwrap_or(at);
    format!("{whole:.3}")
}

fn twin(kind: &str) -> Option<&'static str> {
    let named = |name: &&&str| name.strip_prefix("v1.") == Some(kind);
    TWINS.iter().find(named).copied()
}

impl Row for ThinEvent {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created.as_second()
    }
}

impl Related {
    /// A v1 object: `charge` is at `/v1/charges/…`, `radar.early_fraud_warning` at
    /// `/v1/radar/early_fraud_warnings/…`.
    fn read(object: &Value) -> Option<Self> {
        let (id, kind) = (object["id"].as_str()?, object["object"].as_str()?);
        let url = format!("/v1/{}s/{id}", kind.replace('.', "/"));
        Some(Self { id: id.to_owned(), kind: kind.to_owned(), url })
    }
}

impl ThinEvent {
    /// What is delivered; it never changes.
    pub fn notification(&self) -> Value {
        let mut object = json!({
            "id": self.id,
            "object": "v2.core.event",
            "type": self.kind,
            "livemode": self.livemode,
            "created": instant(self.created),
            "context": null,
            "reason": self.reason,
            "related_object": {
                "id": self.related.id,
                "type": self.related.kind,
                "url": self.related.url,
            },
        });
        if let Some(snapshot) = &self.snapshot_event {
            object["snapshot_event"] = snapshot.clone().into();
        }
        object
    }

    /// What the API answers with.
    pub fn render(&self) -> Value {
        let mut object = self.notification();
        object["changes"] = Value::Null;
        object
    }
}

impl State {
    /// Records the thin twin of a v1 event, if that type has one.
    pub fn emit_twin(&mut self, kind: &str, object: &Value, request: &Value, snapshot: &str) {
        let (Some(kind), Some(related)) = (twin(kind), Related::read(object)) else { return };
        let reason = match request["id"] {
            Value::Null => Value::Null,
            // The types know no request without a key, so one that had none has an empty one.
            _ => {
                let key = request["idempotency_key"].as_str().unwrap_or_default();
                let request = json!({ "id": request["id"], "idempotency_key": key });
                json!({ "type": "request", "request": request })
            }
        };
        let event = self.thin_event(kind, related, reason, Some(snapshot.to_owned()));
        self.queue_deliveries(&event.id, kind, Payload::Thin);
        self.thin_events.insert(event);
    }

    /// Records a ping and sends it to its destination, whatever that wants.
    pub fn emit_ping(&mut self, destination: &str, reason: Value) -> Value {
        let related = Related {
            id: destination.to_owned(),
            kind: "v2.core.event_destination".into(),
            url: format!("/v2/core/event_destinations/{destination}"),
        };
        let event = self.thin_event(PING, related, reason, None);
        let answer = event.render();
        let now = self.clock.milliseconds();
        self.queue_delivery(&event.id, PING, destination, now);
        self.thin_events.insert(event);
        answer
    }

    fn thin_event(
        &mut self,
        kind: &'static str,
        related: Related,
        reason: Value,
        snapshot_event: Option<String>,
    ) -> ThinEvent {
        let livemode = self.settings.livemode;
        ThinEvent {
            id: self.ids.make(if livemode { "evt_65" } else { "evt_test_65" }, 44),
            created: self.clock.now(),
            kind,
            related,
            reason,
            livemode,
            snapshot_event,
        }
    }

    /// Events are kept for 30 days, thin ones as well.
    pub fn is_thin_kept(&self, event: &ThinEvent) -> bool {
        let age = self.clock.now().duration_since(event.created);
        age < SignedDuration::from_secs(KEPT_SECONDS)
    }
}
