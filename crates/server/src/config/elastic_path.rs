//! The settings of the backend at Elastic Path. What must not be set beside them says the list of
//! settings.

use std::num::NonZeroU32;

use secrecy::SecretString;
use url::Url;

use super::{grammar, keys, sources::Values};

/// A store at Elastic Path.
#[derive(Debug)]
pub struct ElasticPathConfig {
    /// The store's client id.
    pub client_id: String,
    /// What payments and orders are asked for with; without it nothing can be paid.
    pub client_secret: Option<SecretString>,
    /// Elastic Path's region, or a simulator.
    pub api_base: Url,
    /// How many calls a second the store may make.
    pub calls_per_second: NonZeroU32,
    /// Whether Elastic Path lets go of a payment that waits for its shopper.
    pub closes_challenges: bool,
    /// What the storefront's better-auth encrypts its session cookie with, where it has one.
    pub better_auth_secret: Option<SecretString>,
}

/// A production store may make a hundred calls a second.
const CALLS_PER_SECOND: (u32, u32) = (1, 1000);

/// Reads the settings.
pub(super) fn load(values: &mut Values) -> Option<ElasticPathConfig> {
    let client_id = values.parse("EP_CLIENT_ID", client_id);
    let client_secret = values.parse("EP_CLIENT_SECRET", |text| match text {
        "" => Ok(None),
        text => keys::client_secret(text).map(|secret| Some(SecretString::from(secret))),
    });
    let api_base =
        values.parse("EP_API_BASE_URL", |text| grammar::safe_url(grammar::host_url(text)?));
    let calls_per_second = values.parse("EP_CALLS_PER_SECOND", |text| {
        let calls = grammar::number(text, CALLS_PER_SECOND.0, CALLS_PER_SECOND.1)?;
        NonZeroU32::new(calls).ok_or_else(|| "must be at least 1".to_owned())
    });
    let closes_challenges = values.parse("EP_CLOSES_CHALLENGES", |text| {
        grammar::one_of(text, &[("no", false), ("yes", true)])
    });
    let better_auth_secret = values.parse("BETTER_AUTH_SECRET", |text| match text {
        "" => Ok(None),
        text => keys::shared_secret(text).map(|secret| Some(SecretString::from(secret))),
    });
    Some(ElasticPathConfig {
        client_id: client_id?,
        client_secret: client_secret?,
        api_base: api_base?,
        calls_per_second: calls_per_second?,
        closes_challenges: closes_challenges?,
        better_auth_secret: better_auth_secret?,
    })
}

fn client_id(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match keys::kind_of(text) {
        Some(kind) => Err(format!("holds {kind}; it is shown in Commerce Manager under API keys")),
        None if text.bytes().all(fits) => Ok(text.to_owned()),
        None => Err("is no client id: it has letters, digits, - and _ alone".to_owned()),
    }
}
