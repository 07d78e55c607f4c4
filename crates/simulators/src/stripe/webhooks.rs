//! How events reach the shop: what waits for whom, signed and sent, held, lost or repeated.

pub(crate) mod courier;
pub(crate) mod queue;
pub(crate) mod rules;
