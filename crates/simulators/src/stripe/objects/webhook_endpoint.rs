//! A webhook endpoint: where events are sent, which of them, and the secrets that sign them.

use serde_json::{Value, json};

use crate::stripe::API_VERSION;
use crate::stripe::state::State;
use crate::stripe::table::Row;

/// For how long a rolled secret keeps signing beside its successor.
pub(crate) const ROLLED_SECRET_SECONDS: i64 = 24 * 60 * 60;

pub(crate) struct Endpoint {
    pub id: String,
    pub created: i64,
    pub url: String,
    pub enabled_events: Vec<String>,
    pub description: Option<String>,
    pub metadata: std::collections::BTreeMap<String, String>,
    pub enabled: bool,
    pub secrets: Vec<Secret>,
    pub livemode: bool,
}

pub(crate) struct Secret {
    pub text: String,
    /// Seconds since 1970; `None` is the current one.
    pub expires: Option<i64>,
}

impl Row for Endpoint {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Secret {
    pub fn signs_at(&self, now: i64) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl Endpoint {
    pub fn wants(&self, kind: &str) -> bool {
        self.enabled_events.iter().any(|wanted| wanted == "*" || wanted == kind)
    }

    /// The current secret is shown once, in the answer that creates the endpoint.
    pub fn render(&self, with_secret: bool) -> Value {
        let mut object = json!({
            "id": self.id,
            "object": "webhook_endpoint",
            "api_version": API_VERSION,
            "application": null,
            "created": self.created,
            "description": self.description,
            "enabled_events": self.enabled_events,
            "livemode": self.livemode,
            "metadata": self.metadata,
            "status": if self.enabled { "enabled" } else { "disabled" },
            "url": self.url,
        });
        if with_secret && let Some(secret) = self.secrets.first() {
            object["secret"] = secret.text.clone().into();
        }
        object
    }
}

impl State {
    pub fn add_endpoint(&mut self, url: String, enabled_events: Vec<String>) -> String {
        let mut id = self.ids.make("we_1", 23);
        // Endpoints outlive a reset, after which the same seed would make the same ids.
        while self.endpoints.get(&id).is_some() {
            id = self.ids.make("we_1", 23);
        }
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
