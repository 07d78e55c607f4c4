//! Access tokens: opaque, an hour long, of one of two grants.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::elastic_path::api::call::{Answer, Incoming};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::state::State;

/// Who a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// Any shopper.
    Implicit,
    /// The shop's server.
    ClientCredentials,
}

impl Grant {
    pub fn name(self) -> &'static str {
        match self {
            Self::Implicit => "implicit",
            Self::ClientCredentials => "client_credentials",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        match name {
            "implicit" => Some(Self::Implicit),
            "client_credentials" => Some(Self::ClientCredentials),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct AccessToken {
    pub grant: Grant,
    pub expires: Timestamp,
}

/// Makes a token for whoever names the store, and for the server if it knows the secret.
pub(crate) fn mint(state: &mut State, incoming: &Incoming) -> Result<Answer, ApiError> {
    let refused = |status: u16, title: &str| {
        Err(ApiError {
            status,
            errors: vec![json!({ "status": status.to_string(), "title": title })],
        })
    };
    let Some(form) = incoming.form() else {
        return refused(400, "Bad Request");
    };
    let field =
        |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let Some(grant) = field("grant_type").and_then(Grant::named) else {
        return refused(400, "Bad Request");
    };
    let knows_secret = match grant {
        Grant::Implicit => true,
        Grant::ClientCredentials => {
            field("client_secret") == Some(state.options.client_secret.as_str())
        }
    };
    if field("client_id") != Some(state.options.client_id.as_str()) || !knows_secret {
        return refused(401, "Unauthorized");
    }
    let value = state.ids.hex(40);
    let lifetime = i64::try_from(state.options.token_lifetime.as_secs()).unwrap_or(i64::MAX);
    let expires = state.now().checked_add(SignedDuration::from_secs(lifetime));
    let expires = expires.unwrap_or(Timestamp::MAX);
    state.tokens.insert(value.clone(), AccessToken { grant, expires });
    Ok(Answer::ok(json!({
        "access_token": value,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "expires": expires.as_second(),
        "identifier": grant.name(),
    })))
}

impl State {
    /// The grant of a token that still holds.
    pub fn grant(&self, token: &str) -> Option<Grant> {
        let token = self.tokens.get(token)?;
        (self.now() < token.expires).then_some(token.grant)
    }
}
