//! Who may ask, and what they get to see. A handler parses, authorizes, calls one flow and
//! renders; it decides nothing.

pub mod better_auth;
pub mod cart;
pub mod catalog;
pub mod checkout;
pub mod cookie;
pub mod customer;
pub mod error;
pub mod gate;
pub mod health;
pub mod notice;
pub mod openapi;
pub mod order;
pub mod page;
pub mod placed_order;
pub mod platform;
pub mod read;
pub mod routes;
pub mod session;
pub mod storefront;
pub mod visitor;
pub mod webhook;
pub mod wire;
