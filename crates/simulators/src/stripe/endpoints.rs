//! The webhook endpoint routes.

use serde_json::{Value, json};

use super::Call;
use super::details::MetadataChange;
use super::error::ApiError;
use super::list::Listing;
use super::params::{self, Field, Params};
use super::state::State;
use super::webhook::{Endpoint, Secret};

const FIELDS: &[&str] =
    &["url", "enabled_events.*", "description", "metadata", "metadata.*", "expand.*"];

pub(crate) fn create(state: &mut State, call: &Call) -> Result<Value, ApiError> {
    call.params.only(&[FIELDS, &["api_version"]], &["connect"])?;
    let url = url(&call.params.required("url")?, state.settings.livemode)?;
    let enabled_events =
        events(&call.params)?.ok_or_else(|| ApiError::missing_param("enabled_events"))?;
    check_version(&call.params)?;
    let description = call.params.field("description")?;
    let metadata = MetadataChange::read(&call.params)?;
    let id = state.add_endpoint(url, enabled_events);
    let Some(endpoint) = state.endpoints.get_mut(&id) else { return Err(missing(&id)) };
    description.apply(&mut endpoint.description);
    metadata.apply(&mut endpoint.metadata);
    Ok(endpoint.render(true))
}

pub(crate) fn retrieve(state: &State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    state.endpoints.get(id).map(|endpoint| endpoint.render(false)).ok_or_else(|| missing(id))
}

pub(crate) fn update(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[FIELDS, &["disabled"]], &[])?;
    let livemode = state.settings.livemode;
    let url = call.params.text("url")?.map(|given| url(&given, livemode)).transpose()?;
    let enabled_events = events(&call.params)?;
    let disabled = call.params.flag("disabled")?;
    let description = call.params.field("description")?;
    let metadata = MetadataChange::read(&call.params)?;
    let endpoint = state.endpoints.get_mut(id).ok_or_else(|| missing(id))?;
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

pub(crate) fn delete(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[], &[])?;
    state.endpoints.remove(id).ok_or_else(|| missing(id))?;
    Ok(json!({ "id": id, "object": "webhook_endpoint", "deleted": true }))
}

pub(crate) fn list(state: &State, call: &Call) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST], &[])?;
    let page = Listing::read(&call.params)?.page(&state.endpoints, "webhook endpoint", |_| true)?;
    Ok(page.render("/v1/webhook_endpoints", |endpoint| endpoint.render(false)))
}

fn missing(id: &str) -> ApiError {
    ApiError::missing("webhook endpoint", id, "webhook_endpoint").status(404)
}

fn url(given: &str, livemode: bool) -> Result<String, ApiError> {
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
    match list.iter().find(|kind| *kind != "*" && !kind.contains('.')) {
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
        Field::Set(version) if version != super::API_VERSION => Err(ApiError::not_simulated(
            &format!("events of another version than {}", super::API_VERSION),
            "api_version",
        )),
        _ => Ok(()),
    }
}

impl State {
    pub fn add_endpoint(&mut self, url: String, enabled_events: Vec<String>) -> String {
        let id = self.ids.make("we_1", 23);
        let secret = Secret { text: self.ids.make("whsec_", 32), expires: None };
        self.endpoints.insert(Endpoint {
            id: id.clone(),
            created: self.clock.seconds(),
            url,
            enabled_events,
            description: None,
            metadata: Default::default(),
            enabled: true,
            secrets: vec![secret],
            livemode: self.settings.livemode,
        });
        id
    }
}
