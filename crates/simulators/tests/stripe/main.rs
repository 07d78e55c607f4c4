//! What the Stripe simulator promises to whoever tests against it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod account;
mod balance;
mod bank_pages;
mod banks;
mod capture;
mod cards;
mod charges;
mod cli;
mod confirmation_tokens;
mod customers;
mod debits;
mod deliveries;
mod disputes;
mod elements;
mod events;
mod example;
mod faults;
mod http_api;
mod idempotency;
mod inquiries;
mod locks;
mod pages;
mod payment_methods;
mod payments;
mod rate_limits;
mod refunds;
mod schema;
mod sdk;
mod search;
mod thin_events;
mod walk;
mod webhooks;
mod world;
