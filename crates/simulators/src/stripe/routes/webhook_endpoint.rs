//! The webhook endpoint routes.

use serde_json::{Value, json};

use crate::stripe::API_VERSION;
use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params::{self, Field, Params};
use crate::stripe::routes::Route;
use crate::stripe::rules::details::MetadataChange;
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::post("webhook_endpoints", "webhook_endpoint", create),
    Route::get("webhook_endpoints", "webhook_endpoint[]", list),
    Route::get("webhook_endpoints/{}", "webhook_endpoint", retrieve),
    Route::post("webhook_endpoints/{}", "webhook_endpoint", update),
    Route::delete("webhook_endpoints/{}", "deleted_webhook_endpoint", delete),
];

const FIELDS: &[&str] =
    &["url", "enabled_events.*", "description", "metadata", "metadata.*", "expand.*"];

fn create(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[FIELDS, &["api_version"]], &["connect"])?;
    let url = url(&call.params.required("url")?, state.settings.livemode)?;
    let enabled_events =
        events(&call.params)?.ok_or_else(|| ApiError::missing_param("enabled_events"))?;
    check_version(&call.params)?;
    let description = call.params.field("description")?;
    let metadata = MetadataChange::read(&call.params)?;
    metadata.check(&Default::default())?;
    let id = state.add_endpoint(url, enabled_events);
    let Some(endpoint) = state.endpoints.get_mut(&id) else { return Err(missing(&id)) };
    description.apply(&mut endpoint.description);
    metadata.apply(&mut endpoint.metadata);
    Ok(endpoint.render(true))
}

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    state.endpoints.get(id).map(|endpoint| endpoint.render(false)).ok_or_else(|| missing(id))
}

fn update(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[FIELDS, &["disabled"]], &[])?;
    let livemode = state.settings.livemode;
    let url = call.params.text("url")?.map(|given| url(&given, livemode)).transpose()?;
    let enabled_events = events(&call.params)?;
    let disabled = call.params.flag("disabled")?;
    let description = call.params.field("description")?;
    let metadata = MetadataChange::read(&call.params)?;
    let endpoint = state.endpoints.get_mut(id).ok_or_else(|| missing(id))?;
    metadata.check(&endpoint.metadata)?;
    if let Some(url) = url {
        endpoint.url = url;
    }
    if let Some(enabled_events) = enabled_events {
        endpoint.enabled_events = enabled_events;
    }
    if let Some(disabled) = disabled {
        endpoint.enabled = !disabled;
    }
    description.apply(&mut endpoint.description);
    metadata.apply(&mut endpoint.metadata);
    Ok(endpoint.render(false))
}

fn delete(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[], &[])?;
    state.endpoints.remove(id).ok_or_else(|| missing(id))?;
    Ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST], &[])?;
    let page = Listing::read(&call.params)?.page(&state.endpoints, "webhook endpoint", |_| true)?;
    Ok(page.render("/v1/webhook_endpoints", |endpoint| endpoint.render(false)))
}

fn missing(id: &str) -> ApiError {
    ApiError::missing("webhook endpoint", id, "webhook_endpoint").status(404)
}

pub(crate) fn url(given: &str, livemode: bool) -> Result<String, ApiError> {
    let secure = given.starts_with("https://");
    let parsed = given.parse::<http::Uri>().ok().filter(|uri| uri.host().is_some());
    match parsed {
        Some(_) if secure || (!livemode && given.starts_with("http://")) => Ok(given.to_owned()),
        _ => Err(ApiError::invalid(
            "Invalid URL: an explicit scheme (such as https) must be provided.",
        )
        .code("url_invalid")
        .param("url")),
    }
}

fn events(params: &Params) -> Result<Option<Vec<String>>, ApiError> {
    let list = params.list("enabled_events");
    // A star stands for all types or for none: `charge.*` is no type.
    let wrong = |kind: &&String| *kind != "*" && (kind.contains('*') || !kind.contains('.'));
    match list.iter().find(wrong) {
        Some(wrong) => {
            Err(ApiError::invalid(format!("Invalid enabled_events: {wrong}"))
                .param("enabled_events"))
        }
        None if list.is_empty() => Ok(None),
        None => Ok(Some(list)),
    }
}

fn check_version(params: &Params) -> Result<(), ApiError> {
    match params.field("api_version")? {
        Field::Set(version) if version != API_VERSION => Err(ApiError::not_simulated(
            &format!("events of another version than {}", API_VERSION),
            "api_version",
        )),
        _ => Ok(()),
    }
}
