//! Events: what happened, with the object as it was at that moment.
//!
//! An event is made in the same critical section as the change it reports, and its `data` never
//! changes afterwards.

use serde_json::{Value, json};

use super::error::ApiError;
use super::list::{self, Listing};
use super::params::{self, Params};
use super::state::State;
use super::table::Row;
use super::{API_VERSION, Call};

/// Events are kept for 30 days.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;

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
        let id = self.ids.make("evt_3", 23);
        let mut data = json!({ "object": object });
        if let Some(previous) = previous {
            data["previous_attributes"] = previous;
        }
        let deliveries = self.queue_deliveries(&id, kind);
        self.events.insert(Event {
            id,
            created: self.clock.seconds(),
            kind,
            data,
            request: json!({ "id": origin.request_id, "idempotency_key": origin.idempotency_key }),
            livemode: self.settings.livemode,
            deliveries,
        });
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

    fn is_kept(&self, event: &Event) -> bool {
        event.created > self.clock.seconds() - KEPT_SECONDS
    }
}

pub(crate) fn retrieve(state: &State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let event = state.events.get(id).filter(|event| state.is_kept(event));
    event
        .map(|event| state.render_event(event))
        .ok_or_else(|| ApiError::missing("event", id, "id").status(404))
}

pub(crate) fn list(state: &State, call: &Call) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST, &["type", "types.*", "delivery_success"]], &[])?;
    let wanted = wanted_kinds(&call.params)?;
    let delivered = call.params.flag("delivery_success")?;
    let listing = Listing::read(&call.params)?;
    let page = listing.page(&state.events, "event", |event: &Event| {
        state.is_kept(event)
            && (wanted.is_empty() || wanted.iter().any(|kind| list::kind_matches(kind, event.kind)))
            && delivered.is_none_or(|wanted| wanted == (state.pending_webhooks(event) == 0))
    })?;
    Ok(page.render("/v1/events", |event| state.render_event(event)))
}

fn wanted_kinds(params: &Params) -> Result<Vec<String>, ApiError> {
    let kinds = params.list("types");
    match params.text("type")? {
        Some(_) if !kinds.is_empty() => {
            Err(ApiError::invalid("You may only specify one of these parameters: type, types.")
                .code("parameters_exclusive")
                .param("type"))
        }
        Some(kind) => Ok(vec![kind]),
        None if kinds.len() > 20 => {
            Err(ApiError::invalid("You may pass at most 20 event types.").param("types"))
        }
        None => Ok(kinds),
    }
}
