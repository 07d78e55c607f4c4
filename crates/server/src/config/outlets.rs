//! Who is told of orders, the merchant's own servers and the shoppers, and which of the merchant's servers
//! says what sending costs.

use std::{fmt::Display, path::PathBuf, str::FromStr};

use gateways::{
    mail::{MailPlace, Sender},
    merchant::SigningSecret,
};
use url::Url;

use super::{grammar, sources::Values};

/// The merchant's own servers.
#[derive(Debug)]
pub struct WebhookConfig {
    /// Where they are reached.
    pub urls: Vec<Url>,
    /// What notices are signed with; more than one while one is being replaced.
    pub secrets: Vec<SigningSecret>,
}

/// The merchant's own server that says what sending costs.
#[derive(Debug)]
pub struct ShippingRatesConfig {
    /// Where it is reached.
    pub url: Url,
    /// What questions are signed with; more than one while one is being replaced.
    pub secrets: Vec<SigningSecret>,
}

/// How shoppers get mail.
#[derive(Debug)]
pub struct MailConfig {
    /// By which server, or into which folder.
    pub place: MailPlace,
    /// Who writes.
    pub from: Sender,
    /// The merchant's own templates.
    pub templates: Option<PathBuf>,
}

/// Each has a loop of the worker's for itself.
const ENDPOINTS_MAX: usize = 8;
/// A delivery's row names its receiver.
const URL_CHARS_MAX: usize = 240;

pub(super) fn webhooks(values: &mut Values) -> Option<WebhookConfig> {
    let urls = values.parse("TILL_WEBHOOK_URLS", endpoints);
    let secrets = values.parse("TILL_WEBHOOK_SECRETS", signing_secrets);
    let (urls, secrets) = (urls?, secrets?);
    match (urls.is_empty(), secrets.is_empty()) {
        (false, true) => {
            let wrong = "is missing: TILL_WEBHOOK_URLS names servers, and without a secret they \
                         could not know who is asking. `echo whsec_$(openssl rand -base64 32)` \
                         makes one";
            values.refuse("TILL_WEBHOOK_SECRETS", wrong);
            None
        }
        (true, _) | (false, false) => Some(WebhookConfig { urls, secrets }),
    }
}

/// `Some(None)` where the shop's own prices say it.
pub(super) fn shipping_rates(values: &mut Values) -> Option<Option<ShippingRatesConfig>> {
    let urls = values.parse("TILL_SHIPPING_RATES_URL", |text| match endpoints(text)? {
        urls if urls.len() > 1 => Err("names more than one address".to_owned()),
        urls => Ok(urls),
    });
    let secrets = values.parse("TILL_SHIPPING_RATES_SECRET", signing_secrets);
    let (urls, secrets) = (urls?, secrets?);
    match urls.into_iter().next() {
        None => Some(None),
        Some(_) if secrets.is_empty() => {
            let wrong = "is missing: TILL_SHIPPING_RATES_URL names a server, and without a secret it \
                         could not know who is asking. `echo whsec_$(openssl rand -base64 32)` \
                         makes one";
            values.refuse("TILL_SHIPPING_RATES_SECRET", wrong);
            None
        }
        Some(url) => Some(Some(ShippingRatesConfig { url, secrets })),
    }
}

fn endpoints(text: &str) -> Result<Vec<Url>, String> {
    let mut urls: Vec<Url> = Vec::new();
    for entry in grammar::entries(text) {
        // Not repeated: somebody may have written a password into it.
        let url = grammar::web_url(entry).map_err(|_| {
            "has an entry that is no address such as https://erp.example/hooks, without user, \
             query and fragment"
        })?;
        let url = grammar::safe_url(url)?;
        if url.as_str().len() > URL_CHARS_MAX {
            return Err(format!("has an address of more than {URL_CHARS_MAX} characters"));
        }
        if urls.contains(&url) {
            return Err(format!("names {url} twice"));
        }
        urls.push(url);
    }
    if urls.len() > ENDPOINTS_MAX {
        return Err(format!("names more than {ENDPOINTS_MAX} addresses"));
    }
    Ok(urls)
}

fn signing_secrets(text: &str) -> Result<Vec<SigningSecret>, String> {
    let secret = |text: &str| {
        text.parse::<SigningSecret>().map_err(|error| {
            format!(
                "cannot be used: {error}; `echo whsec_$(openssl rand -base64 32)` makes one. It is \
                 your own, not the one that Stripe shows"
            )
        })
    };
    grammar::entries(text).map(secret).collect()
}

/// `Some(None)` where no mail is wanted.
pub(super) fn mail(values: &mut Values) -> Option<Option<MailConfig>> {
    let place = values.parse("TILL_MAIL", given::<MailPlace>);
    let from = values.parse("TILL_MAIL_FROM", given::<Sender>);
    let templates = values.parse("TILL_MAIL_TEMPLATES", given::<PathBuf>);
    let (place, from, templates) = (place?, from?, templates?);
    match (place, from) {
        (None, _) => Some(None),
        (Some(place), Some(from)) => Some(Some(MailConfig { place, from, templates })),
        (Some(_), None) => {
            let wrong = "is missing: TILL_MAIL is set, and a mail must say who writes, such as \
                         shop@example.org";
            values.refuse("TILL_MAIL_FROM", wrong);
            None
        }
    }
}

/// What a setting says, if it says anything.
fn given<T: FromStr<Err: Display>>(text: &str) -> Result<Option<T>, String> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|error: T::Err| error.to_string()),
    }
}
