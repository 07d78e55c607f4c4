//! Stripe: the key and what it may do, the account, the clocks, where events are sent.

use domain::money::Currency;
use gateways::{
    GatewayError,
    stripe::{
        self, STRIPE_VERSION, Stripe,
        account::{Account, Readable, WebhookEndpoint},
        webhook::TOLERANCE_SECONDS,
    },
};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use url::{Host, Url};

use super::Line;
use crate::{
    config::{Config, StripeConfig},
    http::webhook,
};

pub(super) async fn examine(
    config: &Config,
    settings: &StripeConfig,
    transport: gateways::Transport,
    now: Timestamp,
) -> Vec<Line> {
    let Ok(secret_key) = settings.secret_key.expose_secret().parse() else {
        let mend = "Copy the secret key from Stripe's dashboard.";
        return vec![Line::wrong("stripe", "STRIPE_SECRET_KEY is no secret key", mend)];
    };
    let api_base = settings.api_base.clone();
    let retry = stripe::RetryLimits::default();
    let stripe = Stripe::new(stripe::Config { secret_key, api_base, retry }, transport);
    let mode = if stripe.livemode() { "live" } else { "test" };
    let mut lines = Vec::new();
    match stripe.account().await {
        Ok(account) => {
            let found = format!("the {mode} key opens account {}", account.id);
            lines.push(Line::ok("stripe key", found));
            lines.push(charges(&account, config.prices.currency));
            lines.push(clocks(&account, now));
        }
        Err(error) if is_refused(&error, 403) => lines.push(Line::warning(
            "stripe account",
            "the key may not read the account, so whether it can charge is not known",
            "Give the restricted key the permission \"Account: Read\", or look in the dashboard.",
        )),
        Err(error) => {
            lines.push(broken("stripe key", &error, &settings.api_base));
            return lines;
        }
    }
    lines.push(permissions(&stripe).await);
    match stripe.webhook_endpoints().await {
        Ok(endpoints) => lines.extend(webhooks(&endpoints, &config.public_url)),
        Err(error) if is_refused(&error, 403) => lines.push(Line::warning(
            "webhook",
            "the key may not read the webhook endpoints, so they were not checked",
            "Give the restricted key the permission \"Webhook Endpoints: Read\".",
        )),
        Err(error) => lines.push(broken("webhook", &error, &settings.api_base)),
    }
    lines
}

fn is_refused(error: &GatewayError, status: u16) -> bool {
    matches!(error, GatewayError::Refused(no) if no.status == status)
}

fn broken(check: &'static str, error: &GatewayError, api_base: &Url) -> Line {
    match error {
        GatewayError::Refused(no) if no.status == 401 => Line::wrong(
            check,
            "Stripe does not know STRIPE_SECRET_KEY, or it has expired",
            "Copy the key again from Stripe's dashboard (Developers, API keys).",
        ),
        GatewayError::Refused(no) => Line::wrong(
            check,
            no.to_string(),
            "Look the request up in Stripe's dashboard by its id.",
        ),
        GatewayError::NotSent(_) | GatewayError::Unknown(_) => Line::wrong(
            check,
            format!("{api_base} does not answer: {}", super::super::told(error)),
            "Check this machine's way to the internet and STRIPE_API_BASE.",
        ),
    }
}

fn charges(account: &Account, currency: Currency) -> Line {
    let check = "stripe account";
    if !account.charges_enabled {
        let mend = "Complete the account in Stripe's dashboard; it says there what is missing.";
        return Line::wrong(check, "the account may not take money", mend);
    }
    match account.currency {
        Some(theirs) if theirs != currency => Line::warning(
            check,
            format!("it is paid out in {theirs}, and the shop sells in {currency}"),
            "Stripe converts, for a fee; add a bank account in the shop's currency to avoid it.",
        ),
        Some(_) | None => Line::ok(check, "it may take money"),
    }
}

fn clocks(account: &Account, now: Timestamp) -> Line {
    let check = "clock";
    let Some(theirs) = account.clock else {
        let mend =
            "Something between here and Stripe removes the Date header; check the clock by hand.";
        return Line::warning(check, "Stripe's answer does not say what time it is there", mend);
    };
    let apart = now.duration_since(theirs).as_secs();
    let mend = "Synchronise this machine's clock (NTP).";
    match apart.unsigned_abs() {
        0..=5 => Line::ok(check, "it goes as Stripe's does"),
        seconds if seconds < TOLERANCE_SECONDS / 2 => {
            Line::warning(check, format!("it is {apart} seconds ahead of Stripe's"), mend)
        }
        _ => Line::wrong(
            check,
            format!(
                "it is {apart} seconds ahead of Stripe's; from {TOLERANCE_SECONDS} on, every signed \
                 event is refused"
            ),
            mend,
        ),
    }
}

/// Reading is tried. That the key may write cannot be tried without doing something.
async fn permissions(stripe: &Stripe) -> Line {
    let mut missing = Vec::new();
    for what in Readable::ALL {
        if stripe.try_reading(what).await.is_err_and(|error| is_refused(&error, 403)) {
            missing.push(format!("\"{}\"", what.permission()));
        }
    }
    match missing.as_slice() {
        [] => Line::ok("permissions", "the key may read payments, refunds, disputes and events"),
        missing => Line::wrong(
            "permissions",
            "the restricted key may not do all that the server needs",
            format!("Give it the permissions {} in Stripe's dashboard.", missing.join(", ")),
        ),
    }
}

fn webhooks(endpoints: &[WebhookEndpoint], public_url: &Url) -> Vec<Line> {
    let check = "webhook";
    let Ok(wanted) = public_url.join(webhook::PATH) else { return Vec::new() };
    let ours: Vec<_> = endpoints.iter().filter(|one| is_same(&one.url, &wanted)).collect();
    let enabled: Vec<_> = ours.iter().filter(|one| one.enabled).collect();
    match (ours.as_slice(), enabled.as_slice()) {
        ([], _) if is_local(public_url) => vec![Line::warning(
            check,
            format!("no endpoint at Stripe sends events to {wanted}, which Stripe cannot reach"),
            "Forward them with `stripe listen --forward-to`, or live with events fetched every \
             TILL_POLL_SECONDS.",
        )],
        ([], _) => vec![Line::wrong(
            check,
            format!("no endpoint at Stripe sends events to {wanted}"),
            format!(
                "Create one in Stripe's dashboard (Developers, Webhooks) with API version \
                 {STRIPE_VERSION} and the events {}, and put its signing secret into \
                 STRIPE_WEBHOOK_SECRET.",
                stripe::EVENT_KINDS.join(", ")
            ),
        )],
        ([one, ..], []) => vec![Line::wrong(
            check,
            format!("the endpoint {} is disabled", one.id),
            "Enable it in Stripe's dashboard; Stripe disables what has failed for days.",
        )],
        (_, [one]) => endpoint(one),
        (_, several) => {
            let mut lines = vec![Line::warning(
                check,
                format!("{} enabled endpoints send events to {wanted}", several.len()),
                "Delete all but one: each signs with a secret of its own.",
            )];
            lines.extend(several.iter().flat_map(|one| endpoint(one)));
            lines
        }
    }
}

fn endpoint(one: &WebhookEndpoint) -> Vec<Line> {
    let check = "webhook";
    let mut lines = Vec::new();
    let missing = one.missing_kinds();
    if !missing.is_empty() {
        lines.push(Line::wrong(
            check,
            format!("the endpoint {} is not sent {}", one.id, missing.join(", ")),
            "Add these events to it in Stripe's dashboard.",
        ));
    }
    if one.api_version.as_deref() != Some(STRIPE_VERSION) {
        let theirs = one.api_version.as_deref().unwrap_or("the account's default version");
        lines.push(Line::warning(
            check,
            format!("the endpoint {} is sent events of {theirs}", one.id),
            format!("Create it anew with API version {STRIPE_VERSION}."),
        ));
    }
    if lines.is_empty() {
        lines.push(Line::ok(check, format!("the endpoint {} is sent all that is needed", one.id)));
    }
    lines
}

fn is_same(theirs: &str, wanted: &Url) -> bool {
    theirs.parse::<Url>().is_ok_and(|theirs| theirs == *wanted)
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_private(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
