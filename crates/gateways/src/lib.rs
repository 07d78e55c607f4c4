//! Other people's servers: the only crate that sends requests.
//!
//! The shop asks a payment company to make, read or cancel a payment. Three things can come of a
//! call, and they are three types, because what may be done next differs:
//!
//! * an **answer**, good or bad news of the payment: it is applied like any other news;
//! * **did not happen** ([`GatewayError::NotSent`], [`GatewayError::Refused`]): nothing moved;
//! * **unknown** ([`GatewayError::Unknown`]): the request may have been carried out. Whoever gets
//!   this asks again or looks the payment up; asking anew under another key could charge twice.
//!
//! Where the shop is [`elastic_path`]'s, Elastic Path asks the payment company for us, and the same
//! three can come of a call; the types are its own ([`elastic_path::EpError`]), because nothing
//! there has a key under which it could be sent again.
//!
//! Whether a person is there is asked of Cloudflare ([`turnstile`]): no money is in it, so an answer
//! that does not come is no doubt, but a no to the question whether it could be asked.
//!
//! All of it goes through one seam, the [`Transport`]: in production a pooled HTTPS client, in
//! tests a simulator's router called in the same process. Nothing here reads the wall clock,
//! touches a database or decides what news means for an order.
//!
//! Two more receive what the shop tells of its orders: the [`merchant`]'s own systems, by signed
//! webhook, and the shopper, by [`mail`]. Either may be told twice; each try ends as a [`Tried`].

pub mod elastic_path;
pub mod mail;
pub mod merchant;
pub mod shipping_rates;
pub mod stripe;
mod transport;
pub mod turnstile;

use std::error::Error;

use domain::delivery::Outcome;
use stripe::Refused;
pub use transport::{
    BoxError, HttpsError, Transport, TransportError, TransportLimits, https, in_process,
};

/// Why a call brought no answer, and what may be done about it.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Nothing left this machine, so nothing happened. Safe to repeat.
    #[error("the gateway could not be reached")]
    NotSent(#[source] TransportError),
    /// The request may have been carried out. Ask for the payment, or send exactly the same
    /// request under the same key; never ask under a new key.
    #[error("the gateway's answer is not known")]
    Unknown(#[source] Doubt),
    /// The gateway says no.
    #[error("the gateway refused the request")]
    Refused(#[source] Box<Refused>),
}

/// Why it is not known whether a request was carried out.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// It was sent, and no whole answer came back.
    #[error("no answer came")]
    NoAnswer(#[source] TransportError),
    /// The call's time was over before an answer came.
    #[error("no answer came in time")]
    Deadline,
    /// An answer that promises nothing: overload, a lock, a fault on their side, the stored copy
    /// of such a fault, or a status that is not documented.
    #[error("the answer was {status} ({})", code.as_deref().unwrap_or("no code"))]
    Status {
        /// HTTP status.
        status: u16,
        /// The gateway's code, where it gave one.
        code: Option<String>,
        /// The gateway's name of the exchange, for its support.
        request_id: Option<String>,
    },
    /// It said yes in words that we cannot read.
    #[error("the answer could not be read")]
    Unreadable(#[source] BoxError),
    /// A look-up went through so many pages without an end that it proves nothing.
    #[error("the look-up found no end within {pages} pages")]
    TooManyPages {
        /// How many were read.
        pages: u32,
    },
}

/// How one try to bring a notice to its receiver ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What may be done next.
    pub outcome: Outcome,
    /// What the receiver said, or what went wrong, without anybody's address.
    pub words: String,
}

impl Tried {
    fn new(outcome: Outcome, words: impl Into<String>) -> Self {
        Self { outcome, words: words.into() }
    }

    /// It did not get there, as far as is known; another try may.
    pub fn not_now(words: impl Into<String>) -> Self {
        Self::new(Outcome::NotNow { retry_after: None }, words)
    }
}

/// An error with the causes that say more than it does.
fn with_causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}
