//! Till: who may ask, and in which order things happen.
//!
//! A request makes three hops: a handler ([`http`]) parses it and calls one flow ([`flows`]),
//! which reads and writes the store, asks the domain to decide, and speaks with the gateway. What
//! must happen later is a row that the [`worker`] finds.
//!
//! Reading order: [`http::routes`] (everything that can be asked), [`flows::start_checkout`] and
//! [`flows::receive_event`] (the story), [`flows::apply`] (what the gateway's news means).

pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod customer_link;
pub mod flows;
pub mod http;
pub mod letters;
pub mod order_link;
pub mod outlet;
pub mod password;
pub mod serve;
pub mod worker;
