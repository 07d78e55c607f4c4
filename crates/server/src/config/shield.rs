//! The settings of the shield against card testers.

use std::num::NonZeroU32;

use domain::shield::{DeclineLimits, HeldLimits, OrderLimits, PerHour, Rules};
use secrecy::SecretString;
use url::Url;

use super::{grammar, sources::Values};

/// The shield that the operator wants.
#[derive(Debug)]
pub struct ShieldConfig {
    /// The limits.
    pub rules: Rules,
    /// The shop's widget at Cloudflare.
    pub turnstile: Option<TurnstileConfig>,
}

/// A widget of Cloudflare's Turnstile.
#[derive(Debug)]
pub struct TurnstileConfig {
    /// For our own questions.
    pub secret: SecretString,
    /// Handed to browsers.
    pub site_key: String,
    /// Cloudflare, or a simulator.
    pub base: Url,
}

/// A million in an hour is no limit.
const LIMIT_MAX: u32 = 1_000_000;
/// Below, an ordinary evening would open the breaker: banks refuse one card in ten. A share of a
/// hundred is never reached while anybody pays.
const BREAKER_PERCENT: (u32, u32) = (20, 100);

/// Reads the settings. `Some(None)`: the shield is off.
pub(super) fn load(values: &mut Values) -> Option<Option<ShieldConfig>> {
    let is_on =
        values.parse("TILL_SHIELD", |text| grammar::one_of(text, &[("on", true), ("off", false)]));
    let orders = values.parse("TILL_SHIELD_ORDERS", |text| {
        let [visitor, network, email] = per_hour(text, ["visitor", "network", "email"])?;
        Ok(OrderLimits { visitor, network, email })
    });
    let declines = values.parse("TILL_SHIELD_DECLINES", |text| {
        let [visitor, network, email, card] =
            per_hour(text, ["visitor", "network", "email", "card"])?;
        Ok(DeclineLimits { visitor, network, email, card })
    });
    let held = values.parse("TILL_SHIELD_UNPAID", |text| {
        let [orders, pieces] = grammar::numbers(text, ["orders", "pieces"], (1, LIMIT_MAX))?;
        Ok(HeldLimits { orders, pieces })
    });
    let breaker_percent = values.parse("TILL_SHIELD_BREAKER_PERCENT", |text| {
        grammar::number(text, BREAKER_PERCENT.0, BREAKER_PERCENT.1)
    });
    let turnstile = turnstile(values)?;
    let rules = Rules {
        orders: orders?,
        declines: declines?,
        held: held?,
        breaker_percent: breaker_percent?,
    };
    Some(is_on?.then_some(ShieldConfig { rules, turnstile }))
}

fn per_hour<const N: usize>(text: &str, names: [&str; N]) -> Result<[PerHour; N], String> {
    let numbers = grammar::numbers(text, names, (1, LIMIT_MAX))?;
    Ok(numbers.map(|number| PerHour(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))))
}

/// Both of its keys are given, or none.
fn turnstile(values: &mut Values) -> Option<Option<TurnstileConfig>> {
    let secret = values.parse("TILL_TURNSTILE_SECRET", key)?;
    let site_key = values.parse("TILL_TURNSTILE_SITE_KEY", key)?;
    let base =
        values.parse("TILL_TURNSTILE_BASE", |text| grammar::safe_url(grammar::host_url(text)?))?;
    match (secret, site_key) {
        (Some(secret), Some(site_key)) => {
            Some(Some(TurnstileConfig { secret: secret.into(), site_key, base }))
        }
        (None, None) => Some(None),
        (Some(_), None) => {
            values.refuse("TILL_TURNSTILE_SITE_KEY", "is missing; the secret alone is no use");
            None
        }
        (None, Some(_)) => {
            values.refuse("TILL_TURNSTILE_SECRET", "is missing; the site key alone is no use");
            None
        }
    }
}

fn key(text: &str) -> Result<Option<String>, String> {
    match text {
        "" => Ok(None),
        text if text.contains(char::is_whitespace) => {
            Err("has a blank inside; it is shown beside the widget in Cloudflare's dashboard"
                .to_owned())
        }
        text => Ok(Some(text.to_owned())),
    }
}
