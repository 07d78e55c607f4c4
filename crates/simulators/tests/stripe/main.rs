//! What the Stripe simulator promises to whoever tests against it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod balance;
mod capture;
mod cards;
mod debits;
mod events;
mod faults;
mod http_api;
mod idempotency;
mod payments;
mod refunds;
mod schema;
mod sdk;
mod search;
mod webhooks;
mod world;
