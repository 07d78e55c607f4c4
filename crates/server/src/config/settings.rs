//! The one list of settings. The parse, the answers of `--help`, and the check of `.env.example`
//! all read it, so that none of them can know a setting that the others do not.

use std::fmt::Write as _;

/// A setting of the server. Its name is the same in the environment, in `.env` and in
/// `till.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The name, in capitals.
    pub name: &'static str,
    /// What holds where the setting is absent or empty; without a default it must be given.
    pub default: Option<&'static str>,
    /// What it does, in a sentence or two.
    pub help: &'static str,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// Which backend looks at it.
    pub(super) scope: Scope,
}

/// Which backend looks at a setting, and what becomes of it where the other one runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Both.
    Both,
    /// Ours. At Elastic Path it is named in a warning: two kinds of shop may share a `.env`.
    Native,
    /// Ours. At Elastic Path it is refused, for what its operator would believe costs money.
    NativeOrRefused {
        /// What holds there instead.
        because: &'static str,
    },
    /// Elastic Path's. Ours names it in a warning.
    ElasticPath,
}

impl Setting {
    const fn open(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self { name, default: Some(default), help, secret: false, scope: Scope::Both }
    }

    const fn required(name: &'static str, help: &'static str) -> Self {
        Self { name, default: None, help, secret: false, scope: Scope::Both }
    }

    const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    const fn only(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }
}

/// A key that nobody needs is only a secret that can be lost.
const NO_STRIPE: Scope =
    Scope::NativeOrRefused { because: "Till never calls Stripe there; remove it" };

/// Who believes that her tax is added finds out from her accountant.
const TAXED_THERE: Scope = Scope::NativeOrRefused {
    because: "Elastic Path computes the tax there, and this one would not be charged; remove it",
};

/// Who believes that her warehouse is told sends nothing.
const TOLD_THERE: Scope = Scope::NativeOrRefused {
    because: "the orders are at Elastic Path, whose own integrations tell of them; remove it",
};

/// Every setting, in the order in which an operator meets them.
pub const SETTINGS: &[Setting] = &[
    Setting::open("TILL_LISTEN", "127.0.0.1:8080", "Address and port to listen on."),
    Setting::open(
        "TILL_PUBLIC_URL",
        "",
        "Where browsers reach the shop, such as https://shop.example. Empty: http:// and \
         TILL_LISTEN.",
    ),
    Setting::open(
        "DATABASE_URL",
        "sqlite://till.db",
        "The database: sqlite://FILE, postgres://USER:PASSWORD@HOST/DATABASE or \
         mysql://USER:PASSWORD@HOST/DATABASE (also for MariaDB).",
    )
    .secret(),
    Setting::open(
        "TILL_BACKEND",
        "native",
        "Where catalogue, carts and orders live. native: in this server's own database, and Stripe \
         is asked for payments. elastic-path: at Elastic Path, whose own gateway takes the money.",
    ),
    Setting::required(
        "TILL_SECRET",
        "Signs the visitors' cookies; at least 32 characters. `openssl rand -hex 32` makes one.",
    )
    .secret(),
    Setting::open("TILL_SHOP_NAME", "Till", "The shop's name on its pages."),
    Setting::open(
        "TILL_STOREFRONT",
        "on",
        "on: the shop is at /, for shoppers. off: only the API is here, and at / a page about it.",
    ),
    Setting::open("TILL_CURRENCY", "EUR", "The one currency of the shop (ISO 4217)."),
    Setting::open(
        "TILL_SHIPPING",
        "",
        "What sending costs, as COUNTRY:PRICE or COUNTRY:PRICE/FREE_FROM, with * for all other \
         countries: \"*:4.90/50.00, CH:12.00\". A country without a price is not sent to; empty: \
         the shop sells nothing that must be sent.",
    ),
    Setting::open(
        "TILL_TAX_MODE",
        "included",
        "included: the catalogue's prices contain the tax. added: it comes on top.",
    )
    .only(TAXED_THERE),
    Setting::open(
        "TILL_TAX_RATES",
        "",
        "The tax of the country that the goods go to, as COUNTRY:PERCENT, with * for all others: \
         \"*:19, AT:20, CH:8.1\". Empty: no tax.",
    )
    .only(TAXED_THERE),
    Setting::open(
        "TILL_RESERVATION_MINUTES",
        "30",
        "How long an unpaid order keeps its stock, from 5 to 1440.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_ALLOWED_ORIGINS",
        "",
        "Origins of other front ends whose pages may change carts and orders, such as \
         \"https://www.shop.example, https://preview.shop.example\".",
    ),
    Setting::open(
        "TILL_TRUSTED_PROXIES",
        "",
        "Addresses of the reverse proxies whose Forwarded and X-Forwarded-For headers are \
         believed, such as \"127.0.0.1, 10.0.0.0/8\". Without them all shoppers behind a proxy \
         count as one address.",
    ),
    Setting::open(
        "TILL_RATE_VISITOR_PER_MINUTE",
        "120",
        "Requests that one visitor may make in a minute.",
    ),
    Setting::open(
        "TILL_RATE_ADDRESS_PER_MINUTE",
        "600",
        "Requests that one network address may make in a minute; a whole office may share one.",
    ),
    Setting::open(
        "TILL_SHIELD",
        "on",
        "on: whoever tries out stolen cards is stopped before Stripe is asked. off: she is not.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_SHIELD_ORDERS",
        "visitor:20, network:120, email:20",
        "New orders that one visitor, one network address and one e-mail address may make in an \
         hour.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_SHIELD_DECLINES",
        "visitor:15, network:60, email:15, card:10",
        "Declines in an hour after which a visitor, a network address, an e-mail address or a \
         card gets no further try.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_SHIELD_UNPAID",
        "orders:50, pieces:500",
        "Unpaid orders, and pieces in them, that one network address or one e-mail address may \
         have at the same time; also the most pieces of one order.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_SHIELD_BREAKER_PERCENT",
        "50",
        "When banks refuse such a share of all tries in ten minutes, new orders need a \
         challenge; from 20 to 100.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_ACCOUNT_SIGN_INS",
        "network:60, email:20",
        "Tries to sign in that one network address may make in an hour, and that may be made for one \
         e-mail address.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_ACCOUNT_LETTERS",
        "network:30, email:5",
        "Letters about accounts that one network address may cause in an hour, and that may go to one \
         e-mail address.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_ACCOUNT_SIGN_IN_DAYS",
        "30",
        "How many days a customer stays signed in; from 1 to 400.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_TURNSTILE_SECRET",
        "",
        "Secret key of a Turnstile widget of Cloudflare's, which is then the challenge. Empty: \
         the browser has to compute for a second.",
    )
    .secret()
    .only(Scope::Native),
    Setting::open("TILL_TURNSTILE_SITE_KEY", "", "Site key of the same widget, for browsers.")
    .only(Scope::Native),
    Setting::open(
        "TILL_TURNSTILE_BASE",
        "https://challenges.cloudflare.com",
        "Where tokens of the widget are checked, or a simulator on this machine.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_POLL_SECONDS",
        "60",
        "How often Stripe is asked for events that no webhook has brought, from 1 to 3600.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_WEBHOOK_URLS",
        "",
        "Your own servers that are told when an order is paid, cancelled, failed or refunded, up to \
         eight with commas between. Empty: nobody is told.",
    )
    .only(TOLD_THERE),
    Setting::open(
        "TILL_WEBHOOK_SECRETS",
        "",
        "What they check our signatures with: whsec_ and 24 to 64 random bytes in base64; while one \
         is being replaced, the new and the old one with a comma between. `echo \
         whsec_$(openssl rand -base64 32)` makes one.",
    )
    .secret()
    .only(Scope::Native),
    Setting::open(
        "TILL_MAIL",
        "",
        "How shoppers get their receipts: smtp://USER:PASSWORD@HOST:587 (with STARTTLS), \
         smtps://USER:PASSWORD@HOST, or folder:PATH for files to look at. Empty: no mail.",
    )
    .secret()
    .only(Scope::Native),
    Setting::open(
        "TILL_MAIL_FROM",
        "",
        "Who writes to them: shop@example.org, or \"Shop <shop@example.org>\".",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_MAIL_TEMPLATES",
        "",
        "A folder with templates of your own; one that is not there is the built-in one.",
    )
    .only(Scope::Native),
    Setting::open(
        "TILL_MIGRATE",
        "auto",
        "auto: `till serve` brings the database up to date when it starts. manual: only `till \
         migrate` does.",
    ),
    Setting::open(
        "TILL_LOG",
        "info",
        "What is logged: error, warn, info, debug or trace, also per part: \"info,server=debug\".",
    ),
    Setting::open("TILL_LOG_FORMAT", "text", "text: lines for people. json: one object per line."),
    Setting::open(
        "TILL_SHIPPING_RATES_URL",
        "",
        "A server of your own that says what sending a checkout session's cart costs; asked when the \
         shopper wants to know and again before she pays. Empty: TILL_SHIPPING says it.",
    ),
    Setting::open(
        "TILL_SHIPPING_RATES_SECRET",
        "",
        "What it checks our signatures with: whsec_ and 24 to 64 random bytes in base64; while one \
         is being replaced, the new and the old one with a comma between.",
    )
    .secret(),
    Setting::open(
        "TILL_SESSION_MINUTES",
        "30",
        "How long a checkout session waits for its shopper after each step of hers, from 5 to 1440.",
    ),
    Setting::open(
        "TILL_SESSION_RETENTION_DAYS",
        "14",
        "How many days after its end a checkout session is deleted with what its shopper typed, from \
         1 to 3650.",
    ),
    Setting::open(
        "TILL_CUSTOM_ATTRIBUTES",
        "",
        "Names of the custom attributes that a checkout session takes, with commas between; all \
         others are dropped. *: any. Empty: none.",
    ),
    Setting::required(
        "STRIPE_SECRET_KEY",
        "Native backend only: Stripe's secret (sk_) or restricted (rk_) key.",
    )
    .secret()
    .only(NO_STRIPE),
    Setting::required(
        "STRIPE_PUBLISHABLE_KEY",
        "Native backend only: Stripe's publishable key (pk_), handed to browsers.",
    )
    .only(Scope::Native),
    Setting::required(
        "STRIPE_WEBHOOK_SECRET",
        "Native backend only: signing secret (whsec_) of the webhook endpoint; while one is being rolled, the old and \
         the new one with a comma between.",
    )
    .secret()
    .only(NO_STRIPE),
    Setting::open(
        "STRIPE_API_BASE",
        "https://api.stripe.com",
        "Stripe's API, or a simulator on this machine.",
    )
    .only(Scope::Native),
    Setting::open(
        "STRIPE_JS_URL",
        "https://js.stripe.com/endive/stripe.js",
        "The script that browsers load from Stripe.",
    )
    .only(Scope::Native),
    Setting::required(
        "EP_CLIENT_ID",
        "Elastic Path backend only: the store's client id, from Commerce Manager.",
    )
    .only(Scope::ElasticPath),
    Setting::open(
        "EP_CLIENT_SECRET",
        "",
        "Elastic Path backend only: the secret beside it. Server only: it must never get a name that \
         begins with NEXT_PUBLIC_. Empty: carts can be filled, and nothing can be paid.",
    )
    .secret()
    .only(Scope::ElasticPath),
    Setting::required(
        "EP_API_BASE_URL",
        "Elastic Path backend only: https://useast.api.elasticpath.com, \
         https://euwest.api.elasticpath.com, or a simulator on this machine.",
    )
    .only(Scope::ElasticPath),
    Setting::open(
        "EP_CALLS_PER_SECOND",
        "20",
        "How many calls a second the store may make; Elastic Path grants a development store 25, a \
         production store 100.",
    )
    .only(Scope::ElasticPath),
    Setting::open(
        "EP_CLOSES_CHALLENGES",
        "no",
        "yes: a payment whose shopper gave up before her bank's challenge is closed at Elastic Path by \
         an order that is cancelled. no: her cart waits until the payment can no longer succeed.",
    )
    .only(Scope::ElasticPath),
    Setting::open(
        "BETTER_AUTH_SECRET",
        "",
        "Elastic Path backend only: the secret of the storefront's betterAuth, if it uses that: the \
         cart is read from its session cookie. Server only, like the one above. Empty: Till's own \
         session knows the cart.",
    )
    .secret()
    .only(Scope::ElasticPath),
];

/// The setting of this name.
pub(super) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// The setting whose name is most like `name`: one that goes on from it or contains it, else the
/// one with the fewest letters between.
pub(super) fn nearest(name: &str) -> &'static str {
    let upper = name.to_ascii_uppercase();
    let likeness = |setting: &&Setting| {
        (!setting.name.contains(upper.as_str()), distance(setting.name, &upper))
    };
    SETTINGS.iter().min_by_key(likeness).map_or("", |setting| setting.name)
}

/// How many letters must be added, removed or replaced to make one name of the other.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

/// How wide the listing is: it fits a terminal of eighty columns.
const LISTING_COLUMNS: usize = 78;

/// Every setting with its default and its sentence, for `--help`.
pub fn listing() -> String {
    let mut text = String::new();
    for Setting { name, default, help, .. } in SETTINGS {
        let default = match default {
            None => "required",
            Some("") => "default: empty",
            Some(default) => &format!("default: {default}"),
        };
        let _infallible = write!(text, "\n  {name} [{default}]");
        let mut column = LISTING_COLUMNS;
        for word in help.split(' ') {
            if column + 1 + word.len() > LISTING_COLUMNS {
                text.push_str("\n     ");
                column = 5;
            }
            text.push(' ');
            text.push_str(word);
            column += 1 + word.len();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_setting_is_listed_twice() {
        let names: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(names.len(), SETTINGS.len());
    }

    #[test]
    fn the_listing_names_every_setting_and_fits_the_terminal() {
        let listing = listing();
        for setting in SETTINGS {
            assert!(listing.contains(setting.name), "{}", setting.name);
        }
        let longest = listing.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(LISTING_COLUMNS), "{longest:?}\n{listing}");
    }

    #[test]
    fn a_misspelt_name_finds_the_setting_that_was_meant() {
        for (misspelt, meant) in [
            ("TILL_LISTN", "TILL_LISTEN"),
            ("TILL_RESERVATION_MINUTE", "TILL_RESERVATION_MINUTES"),
            ("till_shop_name", "TILL_SHOP_NAME"),
            ("STRIPE_SECRET", "STRIPE_SECRET_KEY"),
        ] {
            assert_eq!(nearest(misspelt), meant);
        }
    }
}
