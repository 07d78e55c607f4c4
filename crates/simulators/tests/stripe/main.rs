//! What the Stripe simulator promises to whoever tests against it.

mod payments;
mod schema;
mod world;
