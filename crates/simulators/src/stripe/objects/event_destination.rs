//! An event destination of API v2: where thin events or snapshots are sent. Also the one view of
//! whoever receives deliveries, which a v1 webhook endpoint is, too.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::stripe::API_VERSION;
use crate::stripe::objects::thin_event::instant;
use crate::stripe::objects::webhook_endpoint::Secret;
use crate::stripe::state::State;
use crate::stripe::table::Row;

/// What a delivery's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// The v1 event with its object.
    Snapshot,
    /// The v2 event that names its object.
    Thin,
}

pub(crate) struct EventDestination {
    pub id: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub name: String,
    pub description: String,
    pub enabled_events: Vec<String>,
    pub payload: Payload,
    pub url: String,
    pub metadata: BTreeMap<String, String>,
    pub enabled: bool,
    pub secrets: Vec<Secret>,
    pub livemode: bool,
}

/// What an answer shows beyond the usual.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Include {
    pub signing_secret: bool,
    pub url: bool,
}

/// Whoever gets deliveries.
pub(crate) struct Receiver<'a> {
    pub url: &'a str,
    pub enabled: bool,
    pub secrets: &'a [Secret],
}

impl Payload {
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Thin => "thin",
        }
    }
}

impl Row for EventDestination {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created.as_second()
    }
}

impl EventDestination {
    pub fn wants(&self, kind: &str) -> bool {
        self.enabled_events.iter().any(|wanted| wanted == "*" || wanted == kind)
    }

    /// Secret and URL are redacted unless asked for; the secret is in the answer of the creation
    /// alone.
    pub fn render(&self, include: Include) -> Value {
        let disabled = json!({ "disabled": { "reason": "user" } });
        let secret = self.secrets.first().filter(|_| include.signing_secret);
        json!({
            "id": self.id,
            "object": "v2.core.event_destination",
            "created": instant(self.created),
            "description": self.description,
            "enabled_events": self.enabled_events,
            "event_payload": self.payload.name(),
            "events_from": ["@self"],
            "livemode": self.livemode,
            "metadata": self.metadata,
            "name": self.name,
            "snapshot_api_version": match self.payload {
                Payload::Snapshot => Some(API_VERSION),
                Payload::Thin => None,
            },
            "status": if self.enabled { "enabled" } else { "disabled" },
            "status_details": if self.enabled { Value::Null } else { disabled },
            "type": "webhook_endpoint",
            "updated": instant(self.updated),
            "webhook_endpoint": {
                "signing_secret": secret.map(|secret| &secret.text),
                "url": include.url.then_some(&self.url),
            },
        })
    }
}

impl State {
    /// The ids of everybody who wants events of this type with this payload.
    pub fn receivers(&self, kind: &str, payload: Payload) -> Vec<String> {
        let endpoints = self.endpoints.rows().iter().filter(|endpoint| {
            payload == Payload::Snapshot && endpoint.enabled && endpoint.wants(kind)
        });
        let destinations = self.event_destinations.rows().iter().filter(|destination| {
            payload == destination.payload && destination.enabled && destination.wants(kind)
        });
        let endpoints = endpoints.map(|endpoint| endpoint.id.clone());
        endpoints.chain(destinations.map(|destination| destination.id.clone())).collect()
    }

    pub fn receiver(&self, id: &str) -> Option<Receiver<'_>> {
        if let Some(endpoint) = self.endpoints.get(id) {
            let (enabled, secrets) = (endpoint.enabled, &endpoint.secrets);
            return Some(Receiver { url: &endpoint.url, enabled, secrets });
        }
        let destination = self.event_destinations.get(id)?;
        let (enabled, secrets) = (destination.enabled, &destination.secrets);
        Some(Receiver { url: &destination.url, enabled, secrets })
    }
}
