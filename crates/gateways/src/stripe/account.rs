//! The account behind the key: whether it can charge, what the key may do, where events are sent.
//! For whoever checks a shop before its shoppers do.
//!
//! Facts: <https://docs.stripe.com/api/accounts/object>,
//! <https://docs.stripe.com/api/webhook_endpoints/object> (read 2026-11-21).

use domain::money::Currency;
use jiff::{Timestamp, fmt::rfc2822};
use serde::Deserialize;

use super::{EVENT_KINDS, Form, PAGE_SIZE, Stripe, get, unreadable, wire::List};
use crate::GatewayError;

/// The account that the key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Whether it may take money.
    pub charges_enabled: bool,
    /// The currency that it is paid out in, where we know it.
    pub currency: Option<Currency>,
    /// Stripe's clock when it answered, to the second.
    pub clock: Option<Timestamp>,
}

/// Where Stripe sends events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: String,
    /// The address.
    pub url: String,
    /// Whether anything is sent there.
    pub enabled: bool,
    /// The version of the API that events are written in; without one it is the account's.
    pub api_version: Option<String>,
    /// Kinds of events, or `*` for all.
    kinds: Vec<String>,
}

impl WebhookEndpoint {
    /// Kinds of events that we follow and that are not sent there.
    pub fn missing_kinds(&self) -> Vec<&'static str> {
        let is_sent = |kind: &str| self.kinds.iter().any(|sent| sent == "*" || sent == kind);
        EVENT_KINDS.into_iter().filter(|kind| !is_sent(kind)).collect()
    }
}

/// What a key must be able to read, in the words of Stripe's page for restricted keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readable {
    /// Payments.
    Payments,
    /// Refunds.
    Refunds,
    /// Disputes.
    Disputes,
    /// Events.
    Events,
}

impl Readable {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Payments, Self::Refunds, Self::Disputes, Self::Events];

    /// The permission's name.
    pub fn permission(self) -> &'static str {
        match self {
            Self::Payments => "PaymentIntents: Write",
            Self::Refunds => "Charges and Refunds: Write",
            Self::Disputes => "Disputes: Read",
            Self::Events => "Events: Read",
        }
    }

    fn route(self) -> &'static str {
        match self {
            Self::Payments => "/v1/payment_intents",
            Self::Refunds => "/v1/refunds",
            Self::Disputes => "/v1/disputes",
            Self::Events => "/v1/events",
        }
    }
}

impl Stripe {
    /// Reads the account that the key belongs to.
    pub async fn account(&self) -> Result<Account, GatewayError> {
        let route = "/v1/account";
        let reply = self.0.sender.send(&get(route, route.to_owned())).await?;
        let account: WireAccount = serde_json::from_str(&reply.body).map_err(unreadable)?;
        Ok(Account {
            id: account.id,
            charges_enabled: account.charges_enabled.unwrap_or(false),
            currency: account.default_currency.and_then(|code| code.parse().ok()),
            clock: reply.date.as_deref().and_then(|date| rfc2822::parse(date).ok()).map(Into::into),
        })
    }

    /// All webhook endpoints of the account; Stripe allows 16.
    pub async fn webhook_endpoints(&self) -> Result<Vec<WebhookEndpoint>, GatewayError> {
        let route = "/v1/webhook_endpoints";
        let path = format!("{route}?{}", Form::default().with("limit", PAGE_SIZE).encode());
        let reply = self.0.sender.send(&get(route, path)).await?;
        let list: List<'_> = serde_json::from_str(&reply.body).map_err(unreadable)?;
        let endpoints = list.data.iter().map(|raw| {
            let endpoint: WireEndpoint = serde_json::from_str(raw.get())?;
            Ok(WebhookEndpoint {
                id: endpoint.id,
                url: endpoint.url,
                enabled: endpoint.status.as_deref() == Some("enabled"),
                api_version: endpoint.api_version,
                kinds: endpoint.enabled_events.unwrap_or_default(),
            })
        });
        endpoints.collect::<Result<_, serde_json::Error>>().map_err(unreadable)
    }

    /// Asks for one of something; an error where the key may not read it.
    pub async fn try_reading(&self, what: Readable) -> Result<(), GatewayError> {
        let path = format!("{}?{}", what.route(), Form::default().with("limit", "1").encode());
        self.0.sender.send(&get(what.route(), path)).await.map(drop)
    }
}

#[derive(Deserialize)]
struct WireAccount {
    id: String,
    charges_enabled: Option<bool>,
    default_currency: Option<String>,
}

#[derive(Deserialize)]
struct WireEndpoint {
    id: String,
    url: String,
    status: Option<String>,
    api_version: Option<String>,
    enabled_events: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stripe::script::{Step, says, stripe};

    #[tokio::test]
    async fn the_account_tells_what_it_can_and_what_time_it_is_there() {
        let body = json!({"id": "acct_1", "charges_enabled": true, "default_currency": "eur"});
        let date = ("date", "Sun, 22 Nov 2026 07:04:33 GMT");
        let (stripe, _) = stripe([Step::Says(200, vec![date], body.to_string())]);
        let account = stripe.account().await.unwrap();
        assert!(account.charges_enabled);
        assert_eq!(account.currency, "EUR".parse().ok());
        assert_eq!(account.clock, "2026-11-22T07:04:33Z".parse().ok());
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_sent_everything_says_what_it_misses() {
        let endpoint = |kinds: &[&str]| {
            json!({
                "id": "we_1", "url": "https://shop.example/api/webhooks/stripe",
                "status": "enabled", "enabled_events": kinds,
            })
        };
        let few = ["payment_intent.succeeded", "charge.refunded", "refund.created"];
        let data = json!({"has_more": false, "data": [endpoint(&["*"]), endpoint(&few)]});
        let (stripe, _) = stripe([says(200, data.to_string())]);
        let endpoints = stripe.webhook_endpoints().await.unwrap();
        assert!(endpoints[0].missing_kinds().is_empty());
        let missing = endpoints[1].missing_kinds();
        assert_eq!(missing.len() + few.len(), EVENT_KINDS.len());
        assert!(missing.contains(&"refund.failed"), "{missing:?}");
    }
}
