//! Events: what happened, with the object as it was at that moment.
//!
//! An event is made in the same critical section as the change it reports, and its `data` never
//! changes afterwards.

use serde_json::{Map, Value, json};

use crate::stripe::API_VERSION;
use crate::stripe::objects::event_destination::Payload;
use crate::stripe::objects::payment_intent::{PaymentIntent, Status};
use crate::stripe::state::State;
use crate::stripe::table::Row;

/// Events are kept for 30 days.
pub(crate) const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;

pub(crate) struct Event {
    pub id: String,
    pub created: i64,
    pub kind: &'static str,
    pub data: Value,
    pub request: Value,
    pub livemode: bool,
    /// Places in the deliveries, one per endpoint that wanted it.
    pub deliveries: Vec<usize>,
}

/// The request that caused something; both are absent when the simulator's own page, control API
/// or clock did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub request_id: Option<String>,
    pub idempotency_key: Option<String>,
    /// Where this simulator is reached, without a slash at the end.
    pub base_url: String,
}

impl Origin {
    /// The address of a page of this simulator; `None` when nobody said where it is reached.
    pub fn page(&self, path: &str) -> Option<String> {
        (!self.base_url.is_empty()).then(|| format!("{}/{path}", self.base_url))
    }

    /// A clock or a control route does not say where the simulator is reached; the page that an
    /// intent waits for does.
    pub fn reached_as(&self, intent: &PaymentIntent) -> Self {
        let mut origin = self.clone();
        if let Status::RequiresAction(open) = &intent.status
            && origin.base_url.is_empty()
        {
            let path = open.page.splitn(4, '/').nth(3).map_or(0, |path| path.len() + 1);
            origin.base_url = open.page[..open.page.len() - path].to_owned();
        }
        origin
    }
}

impl Row for Event {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl State {
    /// Records an event and queues it for every endpoint that wants it.
    pub fn emit(&mut self, kind: &'static str, object: &Value, origin: &Origin) {
        self.emit_update(kind, object, None, origin);
    }

    pub fn emit_update(
        &mut self,
        kind: &'static str,
        object: &Value,
        previous: Option<Value>,
        origin: &Origin,
    ) {
        let mut data = json!({ "object": object });
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        let request = json!({ "id": origin.request_id, "idempotency_key": origin.idempotency_key });
        self.record(kind, data, request);
    }

    /// A second event object for what one reports already. `None` when there is no such event.
    pub fn duplicate_event(&mut self, id: &str) -> Option<String> {
        let event = self.events.get(id)?;
        let (kind, data, request) = (event.kind, event.data.clone(), event.request.clone());
        Some(self.record(kind, data, request))
    }

    fn record(&mut self, kind: &'static str, data: Value, request: Value) -> String {
        let id = self.ids.make("evt_3", 23);
        let deliveries = self.queue_deliveries(&id, kind, Payload::Snapshot);
        self.emit_twin(kind, &data["object"], &request, &id);
        self.events.insert(Event {
            id: id.clone(),
            created: self.clock.seconds(),
            kind,
            data,
            request,
            livemode: self.settings.livemode,
            deliveries,
        });
        id
    }

    pub fn pending_webhooks(&self, event: &Event) -> usize {
        event.deliveries.iter().filter(|place| !self.webhooks.is_delivered(**place)).count()
    }

    pub fn render_event(&self, event: &Event) -> Value {
        json!({
            "id": event.id,
            "object": "event",
            "api_version": API_VERSION,
            "created": event.created,
            "data": event.data,
            "livemode": event.livemode,
            "pending_webhooks": self.pending_webhooks(event),
            "request": event.request,
            "type": event.kind,
        })
    }

    pub fn is_kept(&self, event: &Event) -> bool {
        event.created > self.clock.seconds() - KEPT_SECONDS
    }
}

/// `previous_attributes`: what differs in `before`, down to the key; null for what was not there.
pub(crate) fn previous(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return before.clone();
    };
    let mut changed = Map::new();
    for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
        let (old, new) = (before.get(name), after.get(name));
        if old != new {
            let old = match (old, new) {
                (Some(old), Some(new)) => previous(old, new),
                (Some(old), None) => old.clone(),
                (None, _) => Value::Null,
            };
            changed.insert(name.clone(), old);
        }
    }
    Value::Object(changed)
}
