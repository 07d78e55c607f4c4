//! The other side of the wire: servers that behave like the companies a checkout talks to,
//! for development and tests.
//!
//! They are written from the vendors' manuals, not from our clients: this crate depends on no
//! other crate of the workspace, so a field misspelt in a client cannot be misspelt here too.
//! No money moves here, and nothing is kept on disk.

// A charge has more keys than json! counts to by default.
#![recursion_limit = "256"]

mod clock;
pub mod elastic_path;
mod guard;
mod ids;
pub mod stripe;
pub mod turnstile;
mod wire;
