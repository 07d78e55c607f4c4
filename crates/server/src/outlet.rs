//! Whom the shop tells of its orders, and by which way. Each outlet has a loop of the worker's for
//! itself, and a claim on its own deliveries alone.

use domain::delivery::Receiver;
use gateways::{mail::Mailer, merchant::Merchant};
use tokio::sync::Notify;
use url::Url;

use crate::letters::Letters;

/// A receiver, and how it is reached.
pub struct Outlet {
    /// By which way.
    pub way: Way,
    /// Rung when something is on its way to it.
    pub bell: Notify,
}

/// How a receiver is reached.
pub enum Way {
    /// A server of the merchant's.
    Endpoint {
        /// Where.
        url: Url,
        /// Who signs and posts.
        merchant: Merchant,
    },
    /// Whoever ordered, at the address in the order.
    Mail {
        /// What is written.
        letters: Box<Letters>,
        /// Who sends it.
        mailer: Mailer,
    },
}

impl Outlet {
    /// An outlet for which nothing is on its way yet.
    pub fn new(way: Way) -> Self {
        Self { way, bell: Notify::new() }
    }

    /// Whose deliveries it makes.
    pub fn receiver(&self) -> Receiver {
        match &self.way {
            Way::Endpoint { url, .. } => Receiver::Endpoint(url.to_string()),
            Way::Mail { .. } => Receiver::Shopper,
        }
    }
}
