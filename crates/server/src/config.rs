//! What the operator decides, read once at the start and checked as a whole.
//!
//! A server that starts with a wrong key finds out when the first shopper pays. So everything that
//! can be known before is checked here, and everything that is wrong is said at once, in sentences
//! that say how to mend it. No sentence ever repeats a secret's value.
//!
//! [`SETTINGS`] is the one list of settings; `config/sources.rs` says where they are read from,
//! `config/grammar.rs` how they are written.

mod accounts;
mod elastic_path;
mod grammar;
mod keys;
mod outlets;
mod settings;
mod shield;
mod sources;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use domain::{money::Currency, pricing::PriceRules, session::AllowedAttributes};
use gateways::stripe::webhook::WebhookSecret;
use ipnet::IpNet;
use jiff::SignedDuration;
use secrecy::SecretString;
use storage::DatabaseUrl;
use url::Url;

use crate::flows::customer::AccountRules;

pub use elastic_path::ElasticPathConfig;
use keys::Mode;
pub use outlets::{MailConfig, ShippingRatesConfig, WebhookConfig};
use settings::Scope;
pub use settings::{SETTINGS, Setting, listing};
pub use shield::{ShieldConfig, TurnstileConfig};
use sources::Values;
pub use sources::{Sources, variables_of_process};

/// A configuration that the server can start with.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where browsers reach the shop: an origin, with the path `/`.
    pub public_url: Url,
    /// The database.
    pub database_url: DatabaseUrl,
    /// Signs the visitors' cookies.
    pub secret: SecretString,
    /// Where catalogue, carts and orders live.
    pub backend: BackendConfig,
    /// Which custom attributes a checkout session takes.
    pub attributes: AllowedAttributes,
    /// So long a checkout session waits for its shopper.
    pub session_lifetime: SignedDuration,
    /// So long after its end a checkout session is kept.
    pub session_retention: Duration,
    /// The merchant's own server that says what sending costs; none where the shop's prices do.
    pub shipping_rates: Option<ShippingRatesConfig>,
    /// Settings that are set and that this backend does not look at.
    pub unused: Vec<&'static str>,
    /// The name on the pages.
    pub shop_name: String,
    /// Whether shoppers find the storefront at `/`.
    pub storefront: bool,
    /// Currency, shipping and tax.
    pub prices: PriceRules,
    /// Origins, as browsers write them, that may change carts and orders beside the public URL's.
    pub allowed_origins: Vec<String>,
    /// Whose `Forwarded` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests that one visitor may make in a minute.
    pub rate_visitor_per_minute: NonZeroU32,
    /// Requests that one network address may make in a minute.
    pub rate_address_per_minute: NonZeroU32,
    /// Whether the server brings the database up to date when it starts.
    pub migrate_at_start: bool,
    /// What is logged, as a filter of `tracing`.
    pub log: String,
    /// How it is written.
    pub log_format: LogFormat,
}

/// Where catalogue, carts and orders live, and who takes the money.
#[derive(Debug)]
pub enum BackendConfig {
    /// In our own database; Stripe takes it.
    Native(Box<NativeConfig>),
    /// At Elastic Path, which has a gateway of its own.
    ElasticPath(ElasticPathConfig),
}

/// What concerns a shop whose orders are our own.
#[derive(Debug)]
pub struct NativeConfig {
    /// The payment gateway.
    pub stripe: StripeConfig,
    /// The merchant's own servers that are told of orders.
    pub webhooks: WebhookConfig,
    /// How shoppers get mail; nothing where they get none.
    pub mail: Option<MailConfig>,
    /// How long an unpaid order keeps its stock.
    pub reservation: Duration,
    /// What keeps card testers out, unless it is turned off.
    pub shield: Option<ShieldConfig>,
    /// Customers' accounts.
    pub accounts: AccountRules,
    /// How often the gateway is asked for events that no webhook has brought.
    pub poll_interval: Duration,
}

/// What TILL_BACKEND names.
#[derive(Debug, Clone, Copy)]
enum BackendName {
    Native,
    ElasticPath,
}

impl BackendName {
    fn scope(self) -> Scope {
        match self {
            Self::Native => Scope::Native,
            Self::ElasticPath => Scope::ElasticPath,
        }
    }
}

/// Stripe's keys and addresses. Both keys are of the same mode.
#[derive(Debug)]
pub struct StripeConfig {
    /// For our own calls.
    pub secret_key: SecretString,
    /// Handed to browsers.
    pub publishable_key: String,
    /// What webhooks are signed with; more than one while one is being rolled.
    pub webhook_secrets: Vec<WebhookSecret>,
    /// Stripe's API or a simulator's.
    pub api_base: Url,
    /// The script that browsers load.
    pub js_url: Url,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// What commands need that work on the database alone.
#[derive(Debug)]
pub struct DatabaseConfig {
    /// The database.
    pub url: DatabaseUrl,
    /// The shop's currency.
    pub currency: Currency,
}

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub struct ConfigError {
    /// One sentence each: which setting, what is wrong, how to mend it.
    problems: Vec<String>,
}

impl ConfigError {
    /// The sentences.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// No two polls at once, and none so late that a paid order waits for more than an hour.
const POLL_SECONDS: (u32, u32) = (1, 3600);
/// Less is not enough to type a card number and answer one's bank; after a day, stock that nobody
/// has paid for should be for sale again.
const RESERVATION_MINUTES: (u32, u32) = (5, 1440);
/// Less is not enough to type two addresses and a card number; after a day the shopper, and what her
/// cart costs, are others.
const SESSION_MINUTES: (u32, u32) = (5, 1440);
/// What a shopper has typed is not kept for ever; less than a day, and she would find her order gone
/// who pays in the evening and looks in the morning.
const RETENTION_DAYS: (u32, u32) = (1, 3650);
/// More than any person, or any office, clicks.
const RATE_MAX: u32 = 1_000_000;

impl Config {
    /// Reads and checks every setting.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let mut values = Values::new(sources);
        let listen = values.parse("TILL_LISTEN", grammar::listen);
        let public_url = values.parse("TILL_PUBLIC_URL", |text| public_url(text, listen));
        let database_url = values.parse("DATABASE_URL", database_url);
        let backend = values.parse("TILL_BACKEND", |text| {
            let names =
                [("native", BackendName::Native), ("elastic-path", BackendName::ElasticPath)];
            grammar::one_of(text, &names)
        });
        let secret = values.parse("TILL_SECRET", keys::own_secret);
        let shop_name = values.parse("TILL_SHOP_NAME", shop_name);
        let prices = prices(&mut values);
        let allowed_origins = values.parse("TILL_ALLOWED_ORIGINS", grammar::origins);
        let trusted_proxies = values.parse("TILL_TRUSTED_PROXIES", grammar::networks);
        let rate_visitor = values.parse("TILL_RATE_VISITOR_PER_MINUTE", rate);
        let rate_address = values.parse("TILL_RATE_ADDRESS_PER_MINUTE", rate);
        let migrate_at_start = values.parse("TILL_MIGRATE", |text| {
            grammar::one_of(text, &[("auto", true), ("manual", false)])
        });
        let storefront = values.parse("TILL_STOREFRONT", |text| {
            grammar::one_of(text, &[("on", true), ("off", false)])
        });
        let log = values.parse("TILL_LOG", grammar::log_filter);
        let log_format = values.parse("TILL_LOG_FORMAT", |text| {
            grammar::one_of(text, &[("text", LogFormat::Text), ("json", LogFormat::Json)])
        });
        let attributes = values.parse("TILL_CUSTOM_ATTRIBUTES", grammar::attributes);
        let session_lifetime = values.parse("TILL_SESSION_MINUTES", session_lifetime);
        let session_retention = values.parse("TILL_SESSION_RETENTION_DAYS", session_retention);
        let shipping_rates = outlets::shipping_rates(&mut values);
        let unused = backend.map_or_else(Vec::new, |backend| values.unused(backend.scope()));
        let backend = backend.and_then(|backend| match backend {
            BackendName::Native => {
                native(&mut values, public_url.as_ref()).map(Box::new).map(BackendConfig::Native)
            }
            BackendName::ElasticPath => {
                elastic_path::load(&mut values).map(BackendConfig::ElasticPath)
            }
        });
        let complete = || {
            Some(Self {
                listen: listen?,
                public_url: public_url?,
                database_url: database_url?,
                secret: secret?.into(),
                backend: backend?,
                attributes: attributes?,
                session_lifetime: session_lifetime?,
                session_retention: session_retention?,
                shipping_rates: shipping_rates?,
                unused,
                shop_name: shop_name?,
                prices: prices?,
                allowed_origins: allowed_origins?,
                trusted_proxies: trusted_proxies?,
                rate_visitor_per_minute: rate_visitor?,
                rate_address_per_minute: rate_address?,
                storefront: storefront?,
                migrate_at_start: migrate_at_start?,
                log: log?,
                log_format: log_format?,
            })
        };
        complete().filter(|_| values.are_fine()).ok_or_else(|| values.into_error())
    }
}

impl DatabaseConfig {
    /// Reads the two settings; the others may be absent, but not misspelt.
    pub fn load(sources: Sources) -> Result<Self, ConfigError> {
        let mut values = Values::new(sources);
        let url = values.parse("DATABASE_URL", database_url);
        let currency = values.parse("TILL_CURRENCY", grammar::currency);
        match (url, currency) {
            (Some(url), Some(currency)) if values.are_fine() => Ok(Self { url, currency }),
            _ => Err(values.into_error()),
        }
    }
}

/// Without a public URL the shop is reached where it listens; on all addresses means, for a
/// browser on this machine, on this machine.
fn public_url(text: &str, listen: Option<SocketAddr>) -> Result<Url, String> {
    match listen {
        Some(mut listen) if text.is_empty() => {
            if listen.ip().is_unspecified() {
                listen.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
            }
            grammar::host_url(&format!("http://{listen}"))
        }
        // That TILL_LISTEN cannot be read has been said.
        None if text.is_empty() => grammar::host_url("http://127.0.0.1"),
        _ => grammar::host_url(text),
    }
}

fn database_url(text: &str) -> Result<DatabaseUrl, String> {
    DatabaseUrl::parse(text).map_err(|error| {
        let sentence = error.to_string();
        match sentence.strip_prefix("DATABASE_URL ") {
            Some(wrong) => wrong.to_owned(),
            None => format!("cannot be used: {sentence}"),
        }
    })
}

/// A name that fits a page's title.
fn shop_name(text: &str) -> Result<String, String> {
    const CHARACTERS_MAX: usize = 80;
    if text.chars().count() > CHARACTERS_MAX || text.contains(char::is_control) {
        return Err(format!("must be one line of at most {CHARACTERS_MAX} characters"));
    }
    Ok(text.to_owned())
}

fn session_lifetime(text: &str) -> Result<SignedDuration, String> {
    let minutes = grammar::number(text, SESSION_MINUTES.0, SESSION_MINUTES.1)?;
    Ok(SignedDuration::from_mins(i64::from(minutes)))
}

fn session_retention(text: &str) -> Result<Duration, String> {
    let days = grammar::number(text, RETENTION_DAYS.0, RETENTION_DAYS.1)?;
    Ok(Duration::from_secs(24 * 60 * 60 * u64::from(days)))
}

fn rate(text: &str) -> Result<NonZeroU32, String> {
    let number = grammar::number(text, 1, RATE_MAX)?;
    NonZeroU32::new(number).ok_or_else(|| "must be at least 1".to_owned())
}

fn prices(values: &mut Values) -> Option<PriceRules> {
    let currency = values.parse("TILL_CURRENCY", grammar::currency);
    let tax_mode = values.parse("TILL_TAX_MODE", grammar::tax_mode);
    let tax = values.parse("TILL_TAX_RATES", grammar::tax_rates);
    // Its amounts have the decimals of the currency.
    let currency = currency?;
    let shipping = values.parse("TILL_SHIPPING", |text| grammar::shipping(text, currency));
    Some(PriceRules { currency, shipping: shipping?, tax: tax?, tax_mode: tax_mode? })
}

fn native(values: &mut Values, public_url: Option<&Url>) -> Option<NativeConfig> {
    let stripe = stripe(values, public_url);
    let webhooks = outlets::webhooks(values);
    let mail = outlets::mail(values);
    let reservation = values.parse("TILL_RESERVATION_MINUTES", |text| {
        let minutes = grammar::number(text, RESERVATION_MINUTES.0, RESERVATION_MINUTES.1)?;
        Ok(Duration::from_secs(60 * u64::from(minutes)))
    });
    let shield = shield::load(values);
    let accounts = accounts::load(values);
    let poll_interval = values.parse("TILL_POLL_SECONDS", |text| {
        let seconds = grammar::number(text, POLL_SECONDS.0, POLL_SECONDS.1)?;
        Ok(Duration::from_secs(u64::from(seconds)))
    });
    Some(NativeConfig {
        stripe: stripe?,
        webhooks: webhooks?,
        mail: mail?,
        reservation: reservation?,
        shield: shield?,
        accounts: accounts?,
        poll_interval: poll_interval?,
    })
}

fn stripe(values: &mut Values, public_url: Option<&Url>) -> Option<StripeConfig> {
    let secret_key = values.parse("STRIPE_SECRET_KEY", keys::secret_key);
    let publishable_key = values.parse("STRIPE_PUBLISHABLE_KEY", keys::publishable_key);
    let webhook_secrets = values.parse("STRIPE_WEBHOOK_SECRET", webhook_secrets);
    let safe = |text: &str| grammar::safe_url(grammar::web_url(text)?);
    let api_base =
        values.parse("STRIPE_API_BASE", |text| grammar::safe_url(grammar::host_url(text)?));
    let js_url = values.parse("STRIPE_JS_URL", safe);
    let ((secret_key, mode), (publishable_key, publishable_mode)) = (secret_key?, publishable_key?);
    check_modes(values, mode, publishable_mode);
    if mode == Mode::Live {
        check_live(values, api_base.as_ref(), public_url);
    }
    Some(StripeConfig {
        secret_key: secret_key.into(),
        publishable_key,
        webhook_secrets: webhook_secrets?,
        api_base: api_base?,
        js_url: js_url?,
    })
}

fn webhook_secrets(text: &str) -> Result<Vec<WebhookSecret>, String> {
    let secret = |text| {
        let secret = keys::webhook_secret(text)?.parse::<WebhookSecret>();
        secret.map_err(|error| format!("cannot be used: {error}"))
    };
    // At least one, so that a list of commas is refused as well.
    let first = text.split(',').next().unwrap_or_default().trim();
    secret(first)?;
    grammar::entries(text).map(secret).collect()
}

/// A payment that is made with one key cannot be confirmed with a key of the other mode.
fn check_modes(values: &mut Values, secret: Mode, publishable: Mode) {
    let (this, that) = match (secret, publishable) {
        (Mode::Live, Mode::Test) => ("a test key", "a live key"),
        (Mode::Test, Mode::Live) => ("a live key", "a test key"),
        (Mode::Live, Mode::Live) | (Mode::Test, Mode::Test) => return,
    };
    let wrong = format!("is {this} and STRIPE_SECRET_KEY is {that}; both must be of one mode");
    values.refuse("STRIPE_PUBLISHABLE_KEY", &wrong);
}

/// Real money goes to the real Stripe, from pages that nobody on the way can change.
fn check_live(values: &mut Values, api_base: Option<&Url>, public_url: Option<&Url>) {
    if api_base.is_some_and(|url| url.host_str() != Some("api.stripe.com")) {
        values.refuse(
            "STRIPE_API_BASE",
            "is not Stripe's own address, but STRIPE_SECRET_KEY is a live key; use test keys with \
             a simulator",
        );
    }
    if public_url.is_some_and(|url| url.scheme() != "https") {
        values.refuse(
            "TILL_PUBLIC_URL",
            "must begin with https:// because STRIPE_SECRET_KEY is a live key",
        );
    }
}

#[cfg(test)]
mod tests;
