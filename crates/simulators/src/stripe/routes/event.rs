//! The event routes: retrieve and list.

use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::{self, Listing};
use crate::stripe::api::params::{self, Params};
use crate::stripe::objects::event::Event;
use crate::stripe::routes::Route;
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] =
    &[Route::get("events", "event[]", list), Route::get("events/{}", "event", retrieve)];

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let event = state.events.get(id).filter(|event| state.is_kept(event));
    event
        .map(|event| state.render_event(event))
        .ok_or_else(|| ApiError::missing("event", id, "id").status(404))
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
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
