//! What the Elastic Path simulator promises to whoever tests against it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod carts;
mod checkout;
mod faults;
mod items;
mod orders;
mod payments;
mod schema;
mod sdk;
mod settings;
mod stripe_js;
mod tokens;
mod walk;
mod world;
