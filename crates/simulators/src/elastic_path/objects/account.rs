//! Shoppers that are known by name.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::ids::Ids;

/// An account, and the tokens of whoever has logged in to it.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub id: String,
    /// Who has logged in; one person may have several accounts.
    pub member: String,
    tokens: Vec<(String, Timestamp)>,
}

impl Account {
    /// A token is good for a day.
    const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24);

    pub fn new(id: String, member: String) -> Self {
        Self { id, member, tokens: Vec::new() }
    }

    /// A new token: a JSON Web Token whose signature is made up.
    pub fn log_in(&mut self, ids: &mut Ids, now: Timestamp) -> String {
        let expires = now + Self::TOKEN_LIFE;
        let claims = json!({
            "sub": self.member,
            "scope": self.id,
            "iat": now.to_string(),
            "exp": expires.to_string(),
        });
        let head = json!({ "alg": "HS256", "typ": "JWT" });
        let [head, claims] = [head, claims].map(|part| BASE64.encode(part.to_string()));
        let token = format!("{head}.{claims}.{}", ids.make("", 43));
        self.tokens.push((token.clone(), expires));
        token
    }

    pub fn knows(&self, token: &str, now: Timestamp) -> bool {
        self.tokens.iter().any(|(known, expires)| known == token && now < *expires)
    }

    /// As a log-in answers it.
    pub fn to_json(&self, token: &str, now: Timestamp) -> Value {
        json!({
            "type": "account_management_authentication_token",
            "account_id": self.id,
            "account_name": "Account",
            "token": token,
            "expires": (now + Self::TOKEN_LIFE).to_string(),
        })
    }
}
