//! What the Elastic Path simulator promises to whoever tests against it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod carts;
mod checkout;
mod faults;
mod items;
mod orders;
mod payments;
<<<<<<< HEAD
=======
mod schema;
mod sdk;
mod settings;
>>>>>>> ep-sim
mod tokens;
mod world;
