//! How the values of settings are written. Every function answers what is wrong in words that
//! follow the setting's name: `TILL_LISTEN` "must be …".

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use domain::{
    contact::CountryCode,
    money::{Currency, Money},
    pricing::{PerCountry, ShippingRate, TaxMode, TaxRate},
    session::AllowedAttributes,
};
use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

/// One of a few words.
pub(super) fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("must be {}, not {text:?}", words.join(" or "))
    })
}

/// A whole number from `least` to `most`.
pub(super) fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("must be a whole number from {least} to {most}, not {text:?}"))
}

/// `NAME:NUMBER` for each of the names, with commas between, in any order.
pub(super) fn numbers<const N: usize>(
    text: &str,
    names: [&str; N],
    (least, most): (u32, u32),
) -> Result<[u32; N], String> {
    let mut found = [None; N];
    for entry in entries(text) {
        let (name, value) = entry.split_once(':').unwrap_or((entry, ""));
        let Some(place) = names.iter().position(|known| *known == name.trim()) else {
            return Err(format!("has {entry:?} where one of {} belongs", names.join(", ")));
        };
        let value = number(value.trim(), least, most);
        let value = value.map_err(|wrong| format!("is wrong at {}: it {wrong}", names[place]))?;
        if found[place].replace(value).is_some() {
            return Err(format!("names {} twice", names[place]));
        }
    }
    match found.iter().position(Option::is_none) {
        Some(place) => Err(format!("lacks {}, such as {}:20", names[place], names[place])),
        None => Ok(found.map(Option::unwrap_or_default)),
    }
}

/// An address with a port. Names are not looked up: they would make the start depend on DNS.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let address = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    let address = address.as_deref().unwrap_or(text).parse();
    address.map_err(|_| {
        format!("must be an address with a port, such as 127.0.0.1:8080, not {text:?}")
    })
}

/// A currency of ISO 4217.
pub(super) fn currency(text: &str) -> Result<Currency, String> {
    text.parse().map_err(|_| format!("must be a currency of ISO 4217, such as EUR, not {text:?}"))
}

/// `COUNTRY:FLAT` or `COUNTRY:FLAT/FREE_FROM`, in the currency's major unit.
pub(super) fn shipping(text: &str, currency: Currency) -> Result<PerCountry<ShippingRate>, String> {
    let amount = |text: &str| {
        Money::parse_major(text.trim(), currency)
            .map_err(|error| format!("cannot be read: {error}"))
    };
    per_country(text, "CH:12.00", |rule| {
        let (flat, free_from) = match rule.split_once('/') {
            Some((flat, free_from)) => (flat, Some(amount(free_from)?)),
            None => (rule, None),
        };
        Ok(ShippingRate { flat: amount(flat)?, free_from })
    })
}

/// `COUNTRY:PERCENT`, with at most two decimals.
pub(super) fn tax_rates(text: &str) -> Result<PerCountry<TaxRate>, String> {
    let rates = per_country(text, "AT:20", |rule| {
        percent(rule).map(TaxRate).ok_or_else(|| {
            format!("has {rule:?} where a percentage from 0 to 100 belongs, such as 19 or 8.1")
        })
    })?;
    let otherwise = rates.otherwise.or(Some(TaxRate::NONE));
    Ok(PerCountry { otherwise, ..rates })
}

/// Whether prices contain the tax.
pub(super) fn tax_mode(text: &str) -> Result<TaxMode, String> {
    one_of(text, &[("included", TaxMode::Included), ("added", TaxMode::Added)])
}

/// Hundredths of a per cent: money is never computed with floats, and neither is its tax.
fn percent(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !are_digits(whole, 3) || !are_digits(decimals, 2) {
        return None;
    }
    let hundredths: u32 = format!("{whole}{decimals:0<2}").parse().ok()?;
    u16::try_from(hundredths).ok().filter(|rate| *rate <= 10_000)
}

/// `COUNTRY:RULE`, several with commas between; `*` stands for all other countries.
fn per_country<T>(
    text: &str,
    example: &str,
    rule: impl Fn(&str) -> Result<T, String>,
) -> Result<PerCountry<T>, String> {
    let mut all = PerCountry { countries: BTreeMap::new(), otherwise: None };
    for entry in entries(text) {
        let Some((country, text)) = entry.split_once(':') else {
            return Err(format!("has {entry:?} where COUNTRY:VALUE belongs, such as {example}"));
        };
        let (country, value) = (country.trim(), rule(text.trim())?);
        let previous = match country {
            "*" => all.otherwise.replace(value),
            country => {
                let code = CountryCode::from_str(country)
                    .map_err(|error| format!("cannot be read: {error}, or * for all others"))?;
                all.countries.insert(code, value)
            }
        };
        if previous.is_some() {
            return Err(format!("names {country} twice"));
        }
    }
    Ok(all)
}

/// Parts with commas between; blanks and an empty last part do not matter.
pub(super) fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}

/// An address of the web without user, query and fragment.
pub(super) fn web_url(text: &str) -> Result<Url, String> {
    let wrong = || format!("must be a web address such as https://shop.example, not {text:?}");
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_plain { Ok(url) } else { Err(wrong()) }
}

/// A web address that ends with its host.
pub(super) fn host_url(text: &str) -> Result<Url, String> {
    let url = web_url(text)?;
    match url.path() {
        "/" => Ok(url),
        _ => Err(format!("must end after the host, without a path, not {text:?}")),
    }
}

/// A web address whose way nobody can listen in to: HTTPS, or this very machine.
pub(super) fn safe_url(url: Url) -> Result<Url, String> {
    match url.scheme() {
        "https" => Ok(url),
        _ if is_loopback(&url) => Ok(url),
        _ => Err(format!("must begin with https:// unless it is on this machine, not {url}")),
    }
}

/// Whether the address is this very machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Names of custom attributes with commas between; * is any.
pub(super) fn attributes(text: &str) -> Result<AllowedAttributes, String> {
    if text == "*" {
        return Ok(AllowedAttributes::All);
    }
    let fits = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let name = |name: &str| match fits(name) {
        true => Ok(name.to_owned()),
        false => Err(format!("{name:?} is no name: it has letters, digits, - and _ alone")),
    };
    entries(text).map(name).collect::<Result<_, _>>().map(AllowedAttributes::Only)
}

/// Origins as browsers write them in their `Origin` header.
pub(super) fn origins(text: &str) -> Result<Vec<String>, String> {
    let origin = |entry| {
        let url = host_url(entry).map_err(|_| {
            format!("has {entry:?} where an origin belongs, such as https://www.shop.example")
        })?;
        Ok(url.origin().ascii_serialization())
    };
    entries(text).map(origin).collect()
}

/// Networks, or single addresses.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let network = |entry: &str| {
        let single = entry.parse::<IpAddr>().map(IpNet::from);
        entry.parse::<IpNet>().or(single).map_err(|_| {
            format!("has {entry:?} where an address or a network belongs, such as 10.0.0.0/8")
        })
    };
    entries(text).map(network).collect()
}

/// What is logged.
pub(super) fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!(
            "must be error, warn, info, debug or trace, also per part as in info,server=debug, \
             not {text:?}"
        )),
    }
}
