//! What every flow is handed: the store, the gateway, the clock, and the shop's rules.

use std::{future::Future, ops::Deref, sync::Arc, time::Duration};

use domain::{checkout::ChargeLimits, pricing::PriceRules, session::AllowedAttributes};
use gateways::{
    elastic_path::ElasticPath,
    shipping_rates::ShippingRates,
    stripe::{Stripe, webhook::WebhookSecret},
};
use jiff::{SignedDuration, Timestamp};
use storage::{Lease, Store};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::{
    clock::{Clock, Ids},
    flows::{FlowError, customer::Accounts, shield::Shield},
    outlet::Outlet,
};

/// What every backend stands on.
pub struct Base {
    /// What is remembered.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
    /// The merchant's own server that says what sending costs; none where the shop's prices do.
    pub shipping_rates: Option<ShippingRates>,
    /// Which custom attributes a checkout session takes.
    pub attributes: AllowedAttributes,
    /// So long a checkout session waits for its shopper.
    pub session_lifetime: SignedDuration,
    /// So long after its end a checkout session is kept.
    pub session_retention: Duration,
    /// Money flows under way: a client that hangs up does not stop them, shutdown awaits them.
    pub tasks: TaskTracker,
}

/// The native backend, shared by all requests and the worker: catalogue, carts and orders are ours,
/// and Stripe is asked for payments.
pub struct Context {
    /// Store, clock and ids.
    pub base: Arc<Base>,
    /// The payment gateway.
    pub stripe: Stripe,
    /// What keeps card testers out; none where the operator has turned it off.
    pub shield: Option<Shield>,
    /// Customers' accounts.
    pub accounts: Accounts,
    /// The shop's own rules.
    pub shop: ShopRules,
    /// Whom the shop tells of its orders.
    pub outlets: Vec<Outlet>,
    /// Rung when there is something to do at once.
    pub bells: Bells,
}

impl Deref for Context {
    type Target = Base;

    fn deref(&self) -> &Base {
        &self.base
    }
}

/// The backend at Elastic Path: catalogue, carts and orders are there, and its own gateway takes the
/// money. Till keeps sessions and purchases.
pub struct PlatformContext {
    /// Store, clock and ids.
    pub base: Arc<Base>,
    /// The store at Elastic Path.
    pub elastic_path: ElasticPath,
    /// What the merchant decides.
    pub shop: PlatformRules,
    /// Rung when a purchase should be looked at.
    pub purchases: Notify,
}

/// What the merchant of a shop at Elastic Path decides.
#[derive(Debug)]
pub struct PlatformRules {
    /// Currency, and what sending costs; the tax is the platform's.
    pub prices: PriceRules,
    /// Where a shopper comes back to from her bank.
    pub return_url: Url,
    /// Whether Elastic Path lets go of a payment that waits for its shopper.
    pub closes_challenges: bool,
}

impl Deref for PlatformContext {
    type Target = Base;

    fn deref(&self) -> &Base {
        &self.base
    }
}

/// The handle that is passed around by what works at Elastic Path.
pub type Px = Arc<PlatformContext>;

/// The one backend of this server.
#[derive(Clone)]
pub enum Backend {
    /// Our own.
    Native(Cx),
    /// Elastic Path.
    Platform(Px),
}

impl Deref for Backend {
    type Target = Base;

    fn deref(&self) -> &Base {
        match self {
            Self::Native(cx) => &cx.base,
            Self::Platform(px) => &px.base,
        }
    }
}

/// What the merchant decides.
#[derive(Debug)]
pub struct ShopRules {
    /// Currency, shipping and tax.
    pub prices: PriceRules,
    /// What the gateway can charge.
    pub charges: ChargeLimits,
    /// Where a shopper comes back to from her bank.
    pub return_url: Url,
    /// How long a pending order keeps its stock.
    pub reservation: Duration,
    /// Handed to the browser with each intent.
    pub publishable_key: String,
    /// Likewise.
    pub stripe_js_url: Url,
    /// The secrets that events are signed with; more than one while one is being rolled.
    pub webhook_secrets: Vec<WebhookSecret>,
}

/// Who waits for what. Each bell has one listener.
#[derive(Debug, Default)]
pub struct Bells {
    /// Rung when an event waits that can be applied as it stands.
    pub first: Notify,
    /// Rung when an event waits that needs a question first.
    pub later: Notify,
    /// Rung when an effect waits.
    pub effects: Notify,
    /// Rung when a notice waits for its deliveries.
    pub notices: Notify,
    /// Rung when a letter to a customer waits.
    pub letters: Notify,
    /// Rung when a payment should be looked at.
    pub payments: Notify,
    /// Rung when the gateway's events should be fetched now.
    pub poll: Notify,
    /// Rung when an event has been applied.
    pub applied: Notify,
}

impl Bells {
    /// Something is due; whoever works looks whether it is theirs.
    pub fn ring_work(&self) {
        let bells = [&self.first, &self.later, &self.effects, &self.notices, &self.payments];
        for bell in bells {
            bell.notify_one();
        }
    }
}

/// How long a claimed piece of work belongs to the one who claimed it: longer than any flow takes
/// (a gateway call ends after ten seconds, and a flow makes at most three), short enough that the
/// work of a process that died is soon found again.
const LEASE: Duration = Duration::from_secs(60);

/// The handle that is passed around.
pub type Cx = Arc<Context>;

impl Base {
    /// Runs a money flow to its end, whether or not anybody still waits for the answer.
    pub async fn see_through<T, F>(&self, flow: F) -> Result<T, FlowError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, FlowError>> + Send + 'static,
    {
        match self.tasks.spawn(flow).await {
            Ok(result) => result,
            Err(error) => Err(FlowError::Broken(error.to_string())),
        }
    }

    /// A claim on work, from now on.
    pub fn lease(&self) -> Lease {
        self.lease_for(LEASE)
    }

    /// A claim on work that takes at most so long.
    pub fn lease_for(&self, length: Duration) -> Lease {
        Lease { token: self.ids.next(), until: self.later(length) }
    }

    /// The time after `wait`.
    pub fn later(&self, wait: Duration) -> Timestamp {
        after(self.clock.now(), wait)
    }
}

/// The time `wait` after `from`.
pub fn after(from: Timestamp, wait: Duration) -> Timestamp {
    from.checked_add(wait).unwrap_or(Timestamp::MAX)
}
