//! An Elastic Path Commerce Cloud store that remembers: tokens, carts, cart payments through its
//! Stripe gateway, orders and transactions.
//!
//! A shop's server and its pages mint tokens, fill a cart and pay for it. The payment intent lives
//! in here too, with the bank behind it: a confirmation token says how its payment goes. For pages with
//! Stripe.js it lives at a simulated Stripe instead ([`ElasticPath::paid_at`]). Nothing
//! is idempotent and nothing is cleaned up by itself: every checkout makes another order, every
//! confirmed payment stays confirmed, a cart that was deleted is an empty cart. A test decides what
//! goes wrong, and which of the behaviours that nobody has documented apply ([`Modes`]).
//!
//! What exists at Elastic Path but not here is refused by name.
//!
//! # The handle
//!
//! [`ElasticPath::new`] makes a store, clones are the same store. [`ElasticPath::router`] is a
//! service that needs no socket: an answer that must get lost carries [`ConnectionLost`] among its
//! extensions, the same type as the simulated Stripe's. [`ElasticPath::serve`] serves a listener.
//!
//! | to | methods |
//! |---|---|
//! | sell something | [`add_product`](ElasticPath::add_product), [`set_stock`](ElasticPath::set_stock), [`set_price`](ElasticPath::set_price), [`add_promotion`](ElasticPath::add_promotion), [`add_account`](ElasticPath::add_account) |
//! | be the shopper's page | [`confirmation_token`](ElasticPath::confirmation_token), or a magic token of [`Course`] |
//! | be the bank | [`authenticate`](ElasticPath::authenticate) for 3-D Secure, [`settle`](ElasticPath::settle) for what is processing |
//! | break something | [`inject`](ElasticPath::inject), [`clear_faults`](ElasticPath::clear_faults), [`set_modes`](ElasticPath::set_modes), [`expire_tokens`](ElasticPath::expire_tokens) |
//! | move time | [`now`](ElasticPath::now), [`advance`](ElasticPath::advance), [`set_clock`](ElasticPath::set_clock) |
//! | look | [`ledger`](ElasticPath::ledger), [`look_at_cart`](ElasticPath::look_at_cart), [`requests`](ElasticPath::requests), [`breaches`](ElasticPath::breaches) |
//!
//! The same is under `/_sim` for whoever is not in this process (`docs/simulators.md`).

mod api;
mod control;
mod objects;
mod routes;
mod rules;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::any;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tower_http::cors::{AllowHeaders, CorsLayer};

pub use crate::wire::ConnectionLost;
pub use api::log::Logged;
pub use control::catalogue::sample_catalogue;
pub use control::fault::{ErrorShape, Fault, FaultKind};
pub use control::ledger::{
    Ledger, LedgerCart, LedgerLine, LedgerOrder, LedgerPayment, LedgerTransaction,
};
pub use objects::product::{Commodity, Product};
pub use objects::promotion::{Promotion, Reduction};
pub use rules::confirmation_token::{Course, MAGIC_TOKENS};

use crate::guard;
use crate::stripe::Stripe;
use rules::stripe::{StripeAccount, agree};
use state::State;

/// How a store is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The same seed and the same requests give the same ids. `None`: different ones every time.
    pub seed: Option<u64>,
    /// A clock that starts here and moves only when told to. `None`: the system's clock.
    pub start: Option<Timestamp>,
    /// Names the store, with either grant.
    pub client_id: String,
    /// What the shop's server adds for `client_credentials`.
    pub client_secret: String,
    /// How long an access token lives, in whole seconds.
    pub token_lifetime: Duration,
    /// How long a confirmation token can be used.
    pub confirmation_token_lifetime: Duration,
    /// Days without a change after which a cart is gone.
    pub cart_days: i64,
    /// The currency of a cart whose shopper names none.
    pub currency: String,
    /// The connected account of the store's Stripe gateway.
    pub stripe_account: String,
    /// What nobody has documented.
    pub modes: Modes,
}

impl Default for Options {
    /// The system's clock, tokens for an hour, carts for a week, US dollars.
    fn default() -> Self {
        Self {
            seed: None,
            start: None,
            client_id: "ep_till_client_0123456789abcdef".into(),
            client_secret: "ep_till_secret_0123456789abcdef".into(),
            token_lifetime: Duration::from_secs(60 * 60),
            confirmation_token_lifetime: Duration::from_secs(12 * 60 * 60),
            cart_days: 7,
            currency: "USD".into(),
            stripe_account: "acct_1TillElasticPath".into(),
            modes: Modes::default(),
        }
    }
}

/// What Elastic Path does where no document of theirs says so, or where two disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Modes {
    /// Whether cart payments, orders, their transactions and settings need `client_credentials`.
    pub scopes: Scopes,
    /// Whether what pays an order does: confirm, order payments, the confirm of a transaction.
    pub confirm_scope: Scopes,
    /// What a second payment of a cart that has one does.
    pub second_payment: SecondPayment,
    /// What a second confirm of an order does.
    pub confirm_again: ConfirmAgain,
    /// What deleting a cart that is not there answers.
    pub delete_unknown_cart: DeleteUnknownCart,
    /// What the checkout of an empty cart answers.
    pub empty_checkout: EmptyCheckout,
    /// How a pending transaction learns that its payment has ended.
    pub pending: Pending,
    /// Whether a pending transaction can be cancelled.
    pub cancel_pending: CancelPending,
    /// What an update of a payment that has ended answers.
    pub update_ended_payment: UpdateEndedPayment,
    /// Whether a payment that was declined says why.
    pub declined_payment: DeclinedPayment,
    /// Milliseconds for which the list of orders does not know a new order.
    pub order_index_lag_ms: u64,
}

impl Default for Modes {
    /// What was seen where something was seen, else what is hardest on a client.
    fn default() -> Self {
        Self {
            scopes: Scopes::Strict,
            confirm_scope: Scopes::Lenient,
            second_payment: SecondPayment::Second,
            confirm_again: ConfirmAgain::Refused,
            delete_unknown_cart: DeleteUnknownCart::NoContent,
            empty_checkout: EmptyCheckout::BadRequest,
            pending: Pending::Waits,
            cancel_pending: CancelPending::Allowed,
            update_ended_payment: UpdateEndedPayment::Refused,
            declined_payment: DeclinedPayment::Says,
            order_index_lag_ms: 0,
        }
    }
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scopes {
    /// Whoever has `client_credentials`; else 403.
    Strict,
    /// Whoever has any token.
    Lenient,
}

/// A second payment of a cart that has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondPayment {
    /// The first is cancelled unless it has ended; the cart names the second.
    Replace,
    /// 409.
    Reject409,
    /// The first stays as it is, and can still be paid; the cart names the second.
    Second,
}

/// A second confirm of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmAgain {
    /// 422.
    Refused,
    /// Another transaction on the same payment.
    Duplicate,
}

/// The deletion of a cart that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteUnknownCart {
    /// 204.
    NoContent,
    /// 404.
    NotFound,
}

/// The checkout of an empty cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyCheckout {
    /// 400.
    BadRequest,
    /// 422.
    Unprocessable,
}

/// A payment that was declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclinedPayment {
    /// Its `last_payment_error` says why.
    Says,
    /// It is as if nobody had tried: much that Stripe says is left out on the way.
    Untold,
}

/// A pending transaction whose payment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pending {
    /// Stays pending until it is confirmed.
    Waits,
    /// Ends with its payment, and its order is paid.
    FollowsStripe,
}

/// The cancellation of a pending transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelPending {
    /// It ends, and its payment is cancelled.
    Allowed,
    /// 422.
    Refused422,
}

/// The update of a payment whose amount can no longer change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateEndedPayment {
    /// 400 with Stripe's reason.
    Refused,
    /// 200 with the payment as it is, its metadata changed.
    Answers,
}

/// A running store. Clones are the same store.
#[derive(Clone)]
pub struct ElasticPath {
    state: Arc<Mutex<State>>,
}

impl ElasticPath {
    /// A store that sells nothing yet.
    pub fn new(options: Options) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(options))) }
    }

    /// Its payments with tokens of pages with Stripe.js are made at this Stripe, which browsers reach
    /// there.
    #[must_use]
    pub fn paid_at(self, stripe: Stripe, url: &str) -> Self {
        self.lock().stripe = Some(StripeAccount { stripe, url: url.into() });
        self
    }

    /// Everything it serves, as a service that needs no socket.
    pub fn router(&self) -> Router {
        let control = control::router().route_layer(from_fn(guard::refuse_other_sites));
        // A shopper's page asks for its cart itself; a wildcard would not cover Authorization.
        let cors = CorsLayer::permissive().allow_headers(AllowHeaders::mirror_request());
        let api = Router::new().fallback(any(api::http::answer)).layer(cors);
        api.merge(control).with_state(self.clone())
    }

    /// Serves until the returned future is dropped.
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
        axum::serve(listener, self.router()).with_graceful_shutdown(shutdown).await
    }

    /// The state as of now: what has happened at Stripe is known.
    fn lock(&self) -> MutexGuard<'_, State> {
        // A handler that panicked has failed its own request; the others go on.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        agree(&mut state);
        state
    }
}
