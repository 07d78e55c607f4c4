//! The event destination routes of API v2. Only webhook endpoints are simulated, no cloud's bus.

use serde_json::{Value, json};

use crate::stripe::API_VERSION;
use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::Params;
use crate::stripe::api::v2;
use crate::stripe::objects::event_destination::{EventDestination, Include, Payload};
use crate::stripe::objects::webhook_endpoint::Secret;
use crate::stripe::routes::{Route, webhook_endpoint};
use crate::stripe::rules::details::MetadataChange;
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::post("core/event_destinations", "v2.core.event_destination", create),
    Route::get("core/event_destinations", "v2.core.event_destination[]", list),
    Route::get("core/event_destinations/{}", "v2.core.event_destination", retrieve),
    Route::post("core/event_destinations/{}", "v2.core.event_destination", update),
    Route::delete("core/event_destinations/{}", "v2.deleted_object", delete),
    Route::post("core/event_destinations/{}/disable", "v2.core.event_destination", disable),
    Route::post("core/event_destinations/{}/enable", "v2.core.event_destination", enable),
    Route::post("core/event_destinations/{}/ping", "v2.core.event", ping),
];

const FIELDS: &[&str] = &[
    "name",
    "description",
    "enabled_events.*",
    "metadata",
    "metadata.*",
    "webhook_endpoint.url",
    "include.*",
];

fn create(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    let fixed = &["type", "event_payload", "events_from.*", "snapshot_api_version"];
    call.params.only(&[FIELDS, fixed], &["amazon_eventbridge.*", "azure_event_grid.*"])?;
    let name = call.params.required("name")?;
    check_type(&call.params.required("type")?)?;
    let payload = payload(&call.params)?;
    check_scope(&call.params)?;
    check_version(&call.params, payload)?;
    let enabled_events =
        events(&call.params, payload)?.ok_or_else(|| ApiError::missing_param("enabled_events"))?;
    let url = call.params.required("webhook_endpoint.url")?;
    let url = webhook_endpoint::url(&url, state.settings.livemode)?;
    let description = call.params.field("description")?;
    let metadata = MetadataChange::read(&call.params)?;
    let include =
        include(&call.params, &["webhook_endpoint.signing_secret", "webhook_endpoint.url"])?;

    let livemode = state.settings.livemode;
    let now = state.clock.now();
    let prefix = if livemode { "ed_61" } else { "ed_test_61" };
    let mut id = state.ids.make(prefix, 42);
    // Destinations outlive a reset, after which the same seed would make the same ids.
    while state.event_destinations.get(&id).is_some() {
        id = state.ids.make(prefix, 42);
    }
    let secret = Secret { text: state.ids.make("whsec_", 32), expires: None };
    let mut destination = EventDestination {
        id,
        created: now,
        updated: now,
        name,
        description: String::new(),
        enabled_events,
        payload,
        url,
        metadata: Default::default(),
        enabled: true,
        secrets: vec![secret],
        livemode,
    };
    let mut text = None;
    description.apply(&mut text);
    destination.description = text.unwrap_or_default();
    metadata.apply(&mut destination.metadata);
    let answer = destination.render(include);
    state.event_destinations.insert(destination);
    Ok(answer)
}

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["include", "include.*"]], &[])?;
    let include = include(&call.params, &["webhook_endpoint.url"])?;
    Ok(state.event_destinations.get(id).ok_or_else(|| missing(id))?.render(include))
}

fn update(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[FIELDS], &[])?;
    let payload = state.event_destinations.get(id).ok_or_else(|| missing(id))?.payload;
    let name = call.params.text("name")?;
    let enabled_events = events(&call.params, payload)?;
    let livemode = state.settings.livemode;
    let url = call.params.text("webhook_endpoint.url")?;
    let url = url.map(|given| webhook_endpoint::url(&given, livemode)).transpose()?;
    let description = call.params.field("description")?;
    let metadata = MetadataChange::read(&call.params)?;
    let include = include(&call.params, &["webhook_endpoint.url"])?;
    let now = state.clock.now();
    let destination = state.event_destinations.get_mut(id).ok_or_else(|| missing(id))?;
    destination.name = name.unwrap_or_else(|| std::mem::take(&mut destination.name));
    if let Some(enabled_events) = enabled_events {
        destination.enabled_events = enabled_events;
    }
    if let Some(url) = url {
        destination.url = url;
    }
    let mut text = Some(std::mem::take(&mut destination.description));
    description.apply(&mut text);
    destination.description = text.unwrap_or_default();
    metadata.apply(&mut destination.metadata);
    destination.updated = now;
    Ok(destination.render(include))
}

fn delete(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[], &[])?;
    state.event_destinations.remove(id).ok_or_else(|| missing(id))?;
    Ok(json!({ "id": id, "object": "v2.core.event_destination" }))
}

fn disable(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    switch(state, call, id, false)
}

fn enable(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    switch(state, call, id, true)
}

fn switch(state: &mut State, call: &Call, id: &str, enabled: bool) -> Result<Value, ApiError> {
    call.params.only(&[], &[])?;
    let now = state.clock.now();
    let destination = state.event_destinations.get_mut(id).ok_or_else(|| missing(id))?;
    destination.enabled = enabled;
    destination.updated = now;
    Ok(destination.render(Include::default()))
}

fn ping(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[], &[])?;
    state.event_destinations.get(id).ok_or_else(|| missing(id))?;
    let (request, key) = (&call.origin.request_id, &call.origin.idempotency_key);
    let request = json!({ "id": request, "idempotency_key": key });
    Ok(state.emit_ping(id, json!({ "type": "request", "request": request })))
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[v2::PAGE, &["include", "include.*"]], &[])?;
    let include = include(&call.params, &["webhook_endpoint.url"])?;
    v2::page(call, &state.event_destinations, |_| true, |found| found.render(include))
}

fn missing(id: &str) -> ApiError {
    ApiError::missing("event destination", id, "id").status(404)
}

fn check_type(given: &str) -> Result<(), ApiError> {
    match given {
        "webhook_endpoint" => Ok(()),
        "amazon_eventbridge" | "azure_event_grid" => {
            Err(ApiError::not_simulated(&format!("event destinations of type {given}"), "type"))
        }
        _ => Err(ApiError::invalid(format!("Invalid type: {given}")).param("type")),
    }
}

fn payload(params: &Params) -> Result<Payload, ApiError> {
    let given = params.required("event_payload")?;
    let known = [Payload::Snapshot, Payload::Thin];
    let wrong = || ApiError::invalid(format!("Invalid event_payload: {given}"));
    let found = known.into_iter().find(|payload| payload.name() == given);
    found.ok_or_else(|| wrong().param("event_payload"))
}

/// There is one account here.
fn check_scope(params: &Params) -> Result<(), ApiError> {
    match params.list("events_from").into_iter().find(|scope| scope != "@self") {
        Some(other) => Err(ApiError::not_simulated(&format!("events from {other}"), "events_from")),
        None => Ok(()),
    }
}

fn check_version(params: &Params, payload: Payload) -> Result<(), ApiError> {
    let param = "snapshot_api_version";
    match (params.text(param)?, payload) {
        (None, _) => Ok(()),
        (Some(_), Payload::Thin) => {
            Err(ApiError::invalid("Thin events have no API version.").param(param))
        }
        (Some(version), Payload::Snapshot) if version == API_VERSION => Ok(()),
        (Some(_), Payload::Snapshot) => {
            let what = format!("events of another version than {API_VERSION}");
            Err(ApiError::not_simulated(&what, param))
        }
    }
}

/// Thin events begin with the version of the API they come from, snapshots do not.
fn events(params: &Params, payload: Payload) -> Result<Option<Vec<String>>, ApiError> {
    let list = params.list("enabled_events");
    let thin = |kind: &str| kind.starts_with("v1.") || kind.starts_with("v2.");
    let fits = |kind: &String| match payload {
        _ if kind == "*" => true,
        Payload::Thin => thin(kind),
        Payload::Snapshot => kind.contains('.') && !thin(kind),
    };
    match list.iter().find(|kind| !fits(kind)) {
        Some(wrong) => {
            let text = format!("Invalid enabled_events for {} events: {wrong}", payload.name());
            Err(ApiError::invalid(text).param("enabled_events"))
        }
        None => Ok((!list.is_empty()).then_some(list)),
    }
}

fn include(params: &Params, allowed: &[&str]) -> Result<Include, ApiError> {
    let wanted = v2::list(params, "include")?;
    match wanted.iter().find(|name| !allowed.contains(&name.as_str())) {
        Some(wrong) => Err(ApiError::invalid(format!("Invalid include: {wrong}")).param("include")),
        None => Ok(Include {
            signing_secret: wanted.iter().any(|name| name == "webhook_endpoint.signing_secret"),
            url: wanted.iter().any(|name| name == "webhook_endpoint.url"),
        }),
    }
}
