//! Stripe, as a shop meets it: a PaymentIntent is made for an order, the browser confirms it with
//! Stripe directly, and Stripe's events say how it ended. Here are the calls; [`webhook`] reads
//! the events.
//!
//! The body that makes a payment is encoded once ([`Stripe::encode_create`]) and kept with the
//! attempt, so that whoever sends it again sends the same bytes under the same key. Stripe
//! forgets a key after a day; after that the payment is looked up ([`Stripe::find`]).

pub mod account;
pub mod books;
pub mod dispute;
mod errors;
mod form;
mod money;
pub mod refund;
#[cfg(test)]
pub(crate) mod script;
mod send;
#[cfg(test)]
mod tests;
pub mod webhook;
mod wire;

use std::{fmt, str::FromStr, sync::Arc};

use domain::{
    checkout::ChargeLimits,
    event::{EventId, GatewayReference, News, Word},
    id::OrderId,
    money::Currency,
    order::Order,
    payment::{IdempotencyKey, Payment},
    purchase::PayToken,
};
pub use errors::Refused;
/// What a shopper may read about a decline, whoever passes it on.
pub(crate) use errors::sentence as decline_sentence;
use form::{Form, segment};
use http::{HeaderValue, Method};
use jiff::Timestamp;
pub use money::AmountError;
/// Stripe's amounts, whoever passes them on.
pub(crate) use money::from_stripe as money_from_stripe;
use secrecy::{ExposeSecret, SecretString};
use send::{Call, Sender};
pub use send::{RetryLimits, STRIPE_VERSION};
use url::Url;
use webhook::VerifiedEvent;
use wire::{Identified, List, PaymentIntent, need};
pub use wire::{Status, WireError};

use crate::{BoxError, Doubt, GatewayError, Transport};

/// The kinds of events that the poller asks for and a webhook endpoint must be sent: all that say
/// how a payment, a refund or a dispute moves. [`webhook::read_event`] understands them. Stripe's
/// list of events takes twenty at most.
pub const EVENT_KINDS: [&str; 15] = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
    "radar.early_fraud_warning.created",
];

/// Stripe's largest page: <https://docs.stripe.com/api/pagination> (read 2026-11-21).
const PAGE_SIZE: &str = "100";

/// A look-up reads so many pages at most: five thousand payments in the window that was asked
/// for. Beyond it the window was chosen wrongly.
const FIND_PAGES_MAX: u32 = 50;

/// What the client needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The shop's key.
    pub secret_key: SecretKey,
    /// `https://api.stripe.com`, or a simulator.
    pub api_base: Url,
    /// The ends of a call.
    pub retry: RetryLimits,
}

/// A secret or restricted key of Stripe's: `sk_test_…`, `rk_live_…`.
#[derive(Clone)]
pub struct SecretKey {
    key: SecretString,
    livemode: bool,
}

/// The text is no secret key. It is not repeated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Stripe secret key starts with sk_test_, sk_live_, rk_test_ or rk_live_")]
pub struct SecretKeyError;

impl SecretKey {
    /// Whether it moves real money.
    pub fn livemode(&self) -> bool {
        self.livemode
    }
}

impl FromStr for SecretKey {
    type Err = SecretKeyError;
    /// Reads a key; blanks around it are dropped.
    fn from_str(text: &str) -> Result<Self, SecretKeyError> {
        let key = text.trim();
        let rest = key.strip_prefix("sk_").or_else(|| key.strip_prefix("rk_"));
        let livemode = match rest.and_then(|rest| rest.split_once('_')) {
            Some(("test", random)) if !random.is_empty() => false,
            Some(("live", random)) if !random.is_empty() => true,
            Some(_) | None => return Err(SecretKeyError),
        };
        match key.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self { key: key.into(), livemode }),
            false => Err(SecretKeyError),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// What lets one browser confirm one payment. It goes to the shopper whose order it is, to
/// nobody else and into no log.
#[derive(Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// The secret itself, for the shopper's own response.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for ClientSecret {
    fn from(secret: String) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// What Stripe says of a payment when asked.
#[derive(Clone)]
pub struct Answer {
    /// The news, on the word of an answer: it never makes an order paid.
    pub news: News,
    /// For the shopper's browser.
    pub client_secret: Option<ClientSecret>,
    /// Where the payment stands, in Stripe's words.
    pub status: Status,
    /// The PaymentIntent as Stripe wrote it; it holds the client secret and an address.
    pub raw: String,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("news", &self.news).finish_non_exhaustive()
    }
}

impl Answer {
    fn read(raw: &str) -> Result<Self, WireError> {
        let payment: PaymentIntent = serde_json::from_str(raw)?;
        Ok(Self {
            news: payment.news(Word::Answer)?,
            status: payment.status()?,
            client_secret: payment.client_secret.map(ClientSecret::from),
            raw: raw.to_owned(),
        })
    }
}

/// Why a payment is cancelled at Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// The shopper or the shop gave the order up.
    RequestedByCustomer,
    /// Nobody paid in time, or it kept failing.
    Abandoned,
    /// Another order took its place.
    Duplicate,
}

impl CancelReason {
    fn word(self) -> &'static str {
        match self {
            Self::RequestedByCustomer => "requested_by_customer",
            Self::Abandoned => "abandoned",
            Self::Duplicate => "duplicate",
        }
    }
}

/// Which events to fetch.
#[derive(Debug, Clone)]
pub struct EventsQuery {
    /// Made at this second or later.
    pub since: Timestamp,
    /// Older than this one: the cursor of the page before.
    pub after: Option<EventId>,
    /// Which deliveries.
    pub deliveries: Deliveries,
}

/// Whether a webhook delivery decides which events are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deliveries {
    /// All events, delivered or not.
    All,
    /// Events whose delivery failed or is still due.
    Undelivered,
}

/// A page of events, newest first.
#[derive(Debug, Clone)]
pub struct EventsPage {
    /// The events.
    pub events: Vec<VerifiedEvent>,
    /// Where the next, older page starts; none after the last.
    pub next: Option<EventId>,
}

/// The shop's account at Stripe. Cheap to clone.
#[derive(Clone)]
pub struct Stripe(Arc<Inner>);

struct Inner {
    sender: Sender,
    livemode: bool,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe").field("livemode", &self.0.livemode).finish_non_exhaustive()
    }
}

impl Stripe {
    /// A client that sends through `transport`.
    pub fn new(config: Config, transport: Transport) -> Self {
        let Config { secret_key, api_base, retry } = config;
        let bearer = format!("Bearer {}", secret_key.key.expose_secret());
        let mut authorization =
            HeaderValue::try_from(bearer).expect("a secret key is printable ASCII");
        authorization.set_sensitive(true);
        let api_base = api_base.as_str().trim_end_matches('/').to_owned();
        let sender = Sender { transport, api_base, authorization, retry };
        Self(Arc::new(Inner { sender, livemode: secret_key.livemode }))
    }

    /// Whether payments are about real money.
    pub fn livemode(&self) -> bool {
        self.0.livemode
    }

    /// What can be charged in a currency, in ISO minor units; an error where Stripe does not
    /// charge in it. Minimums: <https://docs.stripe.com/currencies> (read 2026-11-21).
    pub fn charge_limits(&self, currency: Currency) -> Result<ChargeLimits, AmountError> {
        money::charge_limits(currency, self.0.livemode)
    }

    /// The exact body that makes the payment, to be kept with the attempt. It says nothing of the
    /// shopper but where goods go, which banks and wallets ask for; the receipt is our mail.
    pub fn encode_create(&self, order: &Order, payment: &Payment) -> Result<String, AmountError> {
        let currency = payment.amount.currency().code().to_ascii_lowercase();
        let form = Form::default()
            .with("amount", money::to_stripe(payment.amount)?.to_string())
            .with("currency", currency)
            .with("automatic_payment_methods[enabled]", "true")
            .with("capture_method", "automatic_async")
            .with("metadata[order_id]", order.id.to_string())
            .with("metadata[payment_id]", payment.id.to_string());
        if !order.lines.iter().any(|line| line.requires_shipping) {
            return Ok(form.encode());
        }
        let address = &order.shipping_address;
        let form = form
            .with("shipping[name]", address.name())
            .with_some("shipping[address][line1]", address.street())
            .with_some("shipping[address][postal_code]", address.postal_code())
            .with_some("shipping[address][city]", address.city())
            .with("shipping[address][country]", address.country().as_str());
        Ok(form.encode())
    }

    /// The same, paid in the same call with what the shopper's browser has made of her card. Where her
    /// bank sends her away, she comes back to `return_url`.
    pub fn encode_paid(
        &self,
        order: &Order,
        payment: &Payment,
        (token, return_url): (&PayToken, &Url),
    ) -> Result<String, AmountError> {
        let paid = Form::default()
            .with("confirm", "true")
            .with("confirmation_token", token.reveal())
            .with("return_url", return_url.as_str());
        Ok(format!("{}&{}", self.encode_create(order, payment)?, paid.encode()))
    }

    /// Whether a kept request pays by itself: then money may have moved although no browser ever
    /// heard of the payment.
    pub fn pays_by_itself(request: &str) -> bool {
        request.split('&').any(|pair| pair == "confirm=true")
    }

    /// Makes a payment. Sent again under the same key with the same body within a day, it makes
    /// no second one and answers the same.
    pub async fn create(
        &self,
        key: &IdempotencyKey,
        request: &str,
    ) -> Result<Answer, GatewayError> {
        let path = "/v1/payment_intents";
        self.payment(post(path, path.to_owned(), request, Some(key))).await
    }

    /// Reads a payment.
    pub async fn retrieve(&self, reference: &GatewayReference) -> Result<Answer, GatewayError> {
        let path = format!("/v1/payment_intents/{}", segment(reference.as_str()));
        self.payment(get("/v1/payment_intents/{id}", path)).await
    }

    /// Changes a payment; `request` is a form of Stripe's parameters, kept by the caller like the
    /// one of [`create`](Self::create).
    pub async fn update(
        &self,
        reference: &GatewayReference,
        key: &IdempotencyKey,
        request: &str,
    ) -> Result<Answer, GatewayError> {
        let path = format!("/v1/payment_intents/{}", segment(reference.as_str()));
        self.payment(post("/v1/payment_intents/{id}", path, request, Some(key))).await
    }

    /// Cancels a payment, so that it can no longer succeed. The answer is where it stands now,
    /// also where it was too late: cancelled before, succeeded or under way.
    ///
    /// It has no key: a payment cannot be cancelled twice, while under a key Stripe would repeat
    /// a "too late" for a day, although an asynchronous payment may have failed meanwhile.
    pub async fn cancel(
        &self,
        reference: &GatewayReference,
        reason: CancelReason,
    ) -> Result<Answer, GatewayError> {
        let template = "/v1/payment_intents/{id}/cancel";
        let path = format!("/v1/payment_intents/{}/cancel", segment(reference.as_str()));
        let form = Form::default().with("cancellation_reason", reason.word()).encode();
        match self.payment(post(template, path, &form, None)).await {
            Err(GatewayError::Refused(mut refused)) if refused.is_unexpected_state() => {
                match refused.payment.take() {
                    Some(answer) => Ok(*answer),
                    None => Err(GatewayError::Refused(refused)),
                }
            }
            other => other,
        }
    }

    /// Looks for an order's payment among those made between two points in time, by the order id
    /// that we wrote into it: for requests that are too old to be sent again. `None` is certain
    /// only if the span covers the request with room for the clocks to differ. Of several
    /// payments for one order it answers the one that is nearest to success.
    pub async fn find(
        &self,
        order: OrderId,
        created_from: Timestamp,
        created_to: Timestamp,
    ) -> Result<Option<Answer>, GatewayError> {
        let template = "/v1/payment_intents";
        let mut best: Option<Answer> = None;
        let mut after: Option<String> = None;
        for _ in 0..FIND_PAGES_MAX {
            let form = Form::default()
                .with("created[gte]", created_from.as_second().to_string())
                .with("created[lte]", created_to.as_second().saturating_add(1).to_string())
                .with("limit", PAGE_SIZE)
                .with_some("starting_after", after.as_deref().unwrap_or_default());
            let path = format!("{template}?{}", form.encode());
            let reply = self.0.sender.send(&get(template, path)).await?;
            let page: List<'_> = serde_json::from_str(&reply.body).map_err(unreadable)?;
            for raw in &page.data {
                let payment: PaymentIntent = serde_json::from_str(raw.get()).map_err(unreadable)?;
                if payment.order() == Some(order) {
                    let found = Answer::read(raw.get()).map_err(unreadable)?;
                    best = nearer(best, found);
                }
                after = payment.id;
            }
            if !page.has_more {
                return Ok(best);
            }
            if page.data.is_empty() {
                return Err(unreadable(WireError::Missing("data")));
            }
        }
        Err(GatewayError::Unknown(Doubt::TooManyPages { pages: FIND_PAGES_MAX }))
    }

    /// Fetches a page of events about payments, newest first. Stripe keeps them for 30 days.
    pub async fn events(&self, query: &EventsQuery) -> Result<EventsPage, GatewayError> {
        let mut form = Form::default();
        for (index, kind) in EVENT_KINDS.iter().enumerate() {
            form = form.with(&format!("types[{index}]"), kind);
        }
        if query.deliveries == Deliveries::Undelivered {
            form = form.with("delivery_success", "false");
        }
        let form = form.with("created[gte]", query.since.as_second().to_string());
        self.events_page(form, query.after.as_ref()).await
    }

    async fn events_page(
        &self,
        form: Form,
        after: Option<&EventId>,
    ) -> Result<EventsPage, GatewayError> {
        let template = "/v1/events";
        let form = form
            .with("limit", PAGE_SIZE)
            .with_some("starting_after", after.map_or("", EventId::as_str));
        let path = format!("{template}?{}", form.encode());
        let reply = self.0.sender.send(&get(template, path)).await?;
        let page: List<'_> = serde_json::from_str(&reply.body).map_err(unreadable)?;
        let next = match (page.has_more, page.data.last()) {
            (false, _) => None,
            (true, None) => return Err(unreadable(WireError::Missing("data"))),
            (true, Some(raw)) => {
                let last: Identified = serde_json::from_str(raw.get()).map_err(unreadable)?;
                let id = need(last.id, "id").map_err(unreadable)?;
                Some(EventId::new(id).map_err(unreadable)?)
            }
        };
        let events = page.data.iter().map(|raw| VerifiedEvent::fetched(raw.get())).collect();
        Ok(EventsPage { events, next })
    }

    async fn payment(&self, call: Call<'_>) -> Result<Answer, GatewayError> {
        let reply = self.0.sender.send(&call).await?;
        Answer::read(&reply.body).map_err(unreadable)
    }
}

fn get(template: &'static str, path: String) -> Call<'static> {
    Call { method: Method::GET, template, path, body: "", key: None }
}

fn post<'a>(
    template: &'static str,
    path: String,
    body: &'a str,
    key: Option<&'a IdempotencyKey>,
) -> Call<'a> {
    Call { method: Method::POST, template, path, body, key }
}

fn nearer(best: Option<Answer>, found: Answer) -> Option<Answer> {
    match best {
        Some(best) if best.status.nearness() >= found.status.nearness() => Some(best),
        Some(_) | None => Some(found),
    }
}

/// Stripe said yes in words that we cannot read: it may have been carried out.
fn unreadable(error: impl Into<BoxError>) -> GatewayError {
    GatewayError::Unknown(Doubt::Unreadable(error.into()))
}
