//! A Stripe that remembers: payment intents, charges, customers and what they saved, events and
//! signed webhooks, of API version [`API_VERSION`].
//!
//! A shop's server creates and confirms payment intents with the secret key, a browser confirms
//! them with the publishable key and the client secret, a card's holder passes or fails 3-D
//! Secure on a page served here, and every change is reported as an event to the shop's webhook
//! endpoints. A test decides what goes wrong: answers get lost before or after their effect,
//! webhooks come late, twice, reversed or never.
//!
//! What exists at Stripe but not here is refused by name, never ignored.

mod api;
mod control;
mod objects;
mod pages;
mod routes;
mod rules;
mod state;
mod table;
mod webhooks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, map_response_with_state};
use axum::routing::any;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tower_http::cors::{AllowHeaders, CorsLayer};

pub use crate::wire::ConnectionLost;
pub use api::rate_limit::RateLimits;
pub use control::books::{EventSummary, LedgerEntry};
pub use control::dispute::{DisputeOrder, DisputeOutcome, LedgerDispute};
pub use control::fault::{Fault, FaultKind};
pub use control::payments::Outcome;
pub use control::refund::{LedgerRefund, RefundOrder};
pub use objects::refund::{RefundFailure, RefundOutcome, RefundReason};
pub use rules::refunds::RefundCourse;
pub use webhooks::courier::{Courier, Delivered};
pub use webhooks::queue::ReleaseOrder;

use crate::guard;
use api::http;
use api::lock::Locks;
use state::State;

/// The only version objects are rendered in.
pub const API_VERSION: &str = "2026-10-28.endive";

/// How a simulator is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The same seed and the same requests give the same ids. `None`: different ones every time.
    pub seed: Option<u64>,
    /// A clock that starts here and moves only when told to. `None`: the system's clock.
    pub start: Option<Timestamp>,
    /// The key of the shop's server.
    pub secret_key: String,
    /// The key of the shop's pages.
    pub publishable_key: String,
    /// Pauses on the simulated clock before a failed webhook is tried again; when they are used
    /// up, the delivery has failed. [`Options::sandbox_retry_delays`] has Stripe's own.
    pub retry_delays: Vec<Duration>,
    /// How long a request waits for an object that another one is changing, before it is refused
    /// with `lock_timeout`.
    pub lock_wait: Duration,
    /// How many requests a second are answered. `None`: as many as come.
    pub rate_limits: Option<RateLimits>,
    /// How long a bank takes to answer a debit; test accounts that are slow take three minutes
    /// more. Banks take days, a demo a few seconds.
    pub debit_delay: Duration,
    /// How long a new object is not found by a search, in whole seconds. At Stripe usually less
    /// than a minute.
    pub search_lag: Duration,
    /// How long a refund that is pending at first takes to succeed, and one that fails later to
    /// fail. Banks take days or weeks.
    pub refund_delay: Duration,
    /// How long a bank takes to decide a dispute when the evidence says how: seconds in Stripe's
    /// test mode, months in life.
    pub dispute_delay: Duration,
    /// What `livemode` of every object says.
    pub livemode: bool,
}

impl Options {
    /// Three retries over a few hours, as Stripe's sandboxes do (docs.stripe.com/webhooks).
    pub fn sandbox_retry_delays() -> Vec<Duration> {
        [5 * 60, 60 * 60, 3 * 60 * 60].map(Duration::from_secs).to_vec()
    }

    /// Pauses that double over almost three days, as in live mode (docs.stripe.com/webhooks says
    /// "up to three days with an exponential back off" and no more).
    pub fn live_retry_delays() -> Vec<Duration> {
        (0..11).map(|tries| Duration::from_secs(120 << tries)).collect()
    }
}

impl Default for Options {
    /// Test mode on the system's clock, with retries quick enough to watch.
    fn default() -> Self {
        Self {
            seed: None,
            start: None,
            secret_key: "sk_test_till_0123456789abcdef".into(),
            publishable_key: "pk_test_till_0123456789abcdef".into(),
            retry_delays: [1, 2, 5, 15, 60].map(Duration::from_secs).to_vec(),
            lock_wait: Duration::from_secs(2),
            rate_limits: None,
            debit_delay: Duration::from_secs(5),
            search_lag: Duration::from_secs(2),
            refund_delay: Duration::from_secs(5),
            dispute_delay: Duration::from_secs(5),
            livemode: false,
        }
    }
}

/// A running simulator. Clones are the same simulator.
#[derive(Clone)]
pub struct Stripe {
    shared: Arc<SharedState>,
}

struct SharedState {
    state: Mutex<State>,
    /// Tells the delivery loop that something may be due.
    wake: Notify,
    courier: Mutex<Option<Courier>>,
    locks: Arc<Locks>,
}

impl Stripe {
    /// A simulator without payments, events or endpoints.
    pub fn new(options: Options) -> Self {
        let shared = SharedState {
            state: Mutex::new(State::new(options)),
            wake: Notify::new(),
            courier: Mutex::new(None),
            locks: Arc::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Everything it serves, as a service that needs no socket. An answer that must get lost
    /// carries [`ConnectionLost`] among its extensions.
    pub fn router(&self) -> Router {
        let control = control::router().route_layer(from_fn(guard::refuse_other_sites));
        pages::router().merge(control).with_state(self.clone()).merge(self.api_router())
    }

    /// The API alone, which is all that a shop and a browser ask.
    pub fn api_router(&self) -> Router {
        // Pages of any shop may call; a wildcard would not cover the Authorization header.
        let cors = CorsLayer::permissive()
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([::http::HeaderName::from_static("request-id")]);
        Router::new()
            .route("/v1/{*path}", any(http::api))
            .route("/v2/{*path}", any(http::api))
            .layer(map_response_with_state(self.clone(), http::dated))
            .layer(cors)
            .with_state(self.clone())
    }

    /// Serves and delivers webhooks until the returned future is dropped.
    pub async fn serve(&self, listener: TcpListener) -> std::io::Result<()> {
        self.serve_with_shutdown(listener, std::future::pending()).await
    }

    /// As [`Self::serve`], but stops taking requests when `shutdown` resolves and returns when the
    /// running ones are answered.
    pub async fn serve_with_shutdown(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let serving = axum::serve(listener, self.router()).with_graceful_shutdown(shutdown);
        tokio::select! {
            ended = async { serving.await } => ended,
            () = self.run_deliveries() => Ok(()),
        }
    }

    /// The state as of now: what has become due has happened.
    fn lock(&self) -> MutexGuard<'_, State> {
        // A handler that panicked has failed its own request; the others go on.
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.run_due() {
            self.wake();
        }
        state
    }

    fn wake(&self) {
        self.shared.wake.notify_one();
    }
}
