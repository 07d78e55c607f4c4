//! Elastic Path, as a checkout meets it: a cart that the shopper filled is charged through Elastic
//! Path's own gateway ([`payment`]), only then becomes an order ([`checkout`]), and the order is told
//! of the payment and believed when it says that it is paid ([`order`]). Nothing here ever calls
//! Stripe.
//!
//! Nothing that Elastic Path does happens once by itself: a second charge, a second checkout and a
//! second confirmation are second ones. So a call that makes or moves something is sent again only
//! where it certainly was not carried out, and everything else is [`EpError::Unknown`].
//!
//! Each call says whose token it is made with ([`Caller`]). What an incoming request or a job asks
//! for in the shop's own name it asks with one [`Admin`], made for it and dropped with it.

mod account;
pub mod cart;
pub mod catalogue;
pub mod checkout;
mod errors;
mod limit;
pub mod order;
pub mod payment;
pub mod placed;
mod send;
mod token;
mod wire;

use std::{
    fmt,
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicU64},
};

pub use errors::{EpError, ErrorEntry, Refused, SoftErrors, Unsent};
use http::Method;
use jiff::Timestamp;
use limit::RateLimit;
pub use limit::{Busy, CALLS_PER_SECOND, Sequence};
use secrecy::SecretString;
pub use send::RetryLimits;
use send::{Body, Call, Repeat, Reply, Sender};
use serde::Serialize;
use token::Kept;
pub use token::{AccountToken, Admin, Caller, TokenError};
use tokio::time::Instant;
use url::Url;
pub use wire::WireError;

use crate::Transport;

/// What the client needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The store's client id; it is no secret.
    pub client_id: String,
    /// What the shop's own calls are made with. Without it nothing can be paid.
    pub client_secret: Option<SecretString>,
    /// `https://useast.api.elasticpath.com`, or a simulator.
    pub api_base: Url,
    /// The ends of a call.
    pub retry: RetryLimits,
    /// How many calls a second may be begun.
    pub calls_per_second: NonZeroU32,
    /// Any number that differs between processes: they must not wait equally long.
    pub jitter_seed: u64,
}

/// Tells what time it is.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The shop's store at Elastic Path. Cheap to clone.
#[derive(Clone)]
pub struct ElasticPath(Arc<Inner>);

struct Inner {
    sender: Sender,
    client_id: String,
    client_secret: Option<SecretString>,
    implicit: Kept,
    limit: RateLimit,
}

impl fmt::Debug for ElasticPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = &self.0.sender.api_base;
        f.debug_struct("ElasticPath").field("api_base", base).finish_non_exhaustive()
    }
}

impl ElasticPath {
    /// A client that sends through `transport`, and reads the time that all servers go by from
    /// `clock`.
    pub fn new(config: Config, transport: Transport, clock: WallClock) -> Self {
        let Config { client_id, client_secret, api_base, retry, jitter_seed: seed, .. } = config;
        let limit = RateLimit::per_second(config.calls_per_second);
        let api_base = api_base.as_str().trim_end_matches('/').to_owned();
        let calls = AtomicU64::new(0);
        let sender = Sender { transport, api_base, retry, clock, seed, calls };
        let implicit = Kept::default();
        Self(Arc::new(Inner { sender, client_id, client_secret, implicit, limit }))
    }

    /// The shop's own right to ask, for one incoming request or one job; none where the shop has
    /// no client secret. It asks for its token when it is first needed.
    pub fn admin(&self) -> Option<Admin> {
        let secret = self.0.client_secret.clone()?;
        Some(Admin::new(self.clone(), secret))
    }

    /// Carries a call out in the name of `caller`, and counts it. An implicit token that is refused
    /// is renewed once: a refusal comes before anything is carried out.
    async fn call(&self, caller: Caller<'_>, call: &Call) -> Result<Reply, EpError> {
        let Inner { sender, .. } = &*self.0;
        let deadline = Instant::now() + sender.retry.deadline;
        let credentials = self.0.credentials(caller, deadline).await?;
        match caller {
            Caller::Admin(admin) => admin.spend(),
            Caller::Implicit | Caller::Account(_) => self.0.limit.count(Instant::now()),
        }
        let answer = sender.send(call, &credentials, deadline).await;
        match (caller, answer) {
            (Caller::Implicit | Caller::Account(_), Err(EpError::Refused(no)))
                if no.status == 401 =>
            {
                let credentials = self.0.renewed(credentials, deadline).await?;
                self.0.limit.count(Instant::now());
                sender.send(call, &credentials, deadline).await
            }
            (_, answer) => answer,
        }
    }
}

fn get(template: &'static str, path: String) -> Call {
    Call { method: Method::GET, template, path, body: Body::Nothing, repeat: Repeat::Always }
}

fn delete(template: &'static str, path: String) -> Call {
    Call { method: Method::DELETE, ..get(template, path) }
}

fn post(template: &'static str, path: String, body: String) -> Call {
    let (method, repeat) = (Method::POST, Repeat::OnlyUnsent);
    Call { method, template, path, body: Body::Json(body), repeat }
}

fn put(template: &'static str, path: String, body: String) -> Call {
    Call { method: Method::PUT, ..post(template, path, body) }
}

/// A body as almost all have it: something under `data`.
fn data(data: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Envelope<'a, T> {
        data: &'a T,
    }
    serde_json::to_string(&Envelope { data }).expect("texts, numbers and lists make JSON")
}

#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
