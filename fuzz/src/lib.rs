//! What the shop promises of input that anybody may send: one function for each border it comes in
//! by. A promise takes any bytes, says nothing where it is kept, and panics where it is not.
//!
//! Three things call them: the fuzzers of this folder, the test on stable Rust that goes through
//! `corpus`, and the properties that make input with some sense to it.

mod better_auth_cookie;
mod catalogue;
mod cookie;
mod event;
mod form;
mod json_routes;
mod money;
mod platform_answer;
mod shop;
mod signature;
mod stripe_answer;

pub use better_auth_cookie::better_auth_cookie;
pub use catalogue::catalogue_csv;
pub use cookie::cookie;
pub use event::event_body;
pub use form::form_encoder;
pub use json_routes::json_routes;
pub use money::money;
pub use platform_answer::platform_answer;
pub use signature::webhook_signature;
pub use stripe_answer::stripe_answer;

/// A promise about any bytes.
pub type Promise = fn(&[u8]);

/// All of them, by the names of their fuzzers and of their folders in `corpus`.
pub const PROMISES: [(&str, Promise); 10] = [
    ("better_auth_cookie", better_auth_cookie),
    ("catalogue_csv", catalogue_csv),
    ("cookie", cookie),
    ("event_body", event_body),
    ("form_encoder", form_encoder),
    ("json_routes", json_routes),
    ("money", money),
    ("platform_answer", platform_answer),
    ("stripe_answer", stripe_answer),
    ("webhook_signature", webhook_signature),
];
