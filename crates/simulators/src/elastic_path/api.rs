//! The wire: tokens, queries, errors, lists, and what a fault makes of an answer.

pub(crate) mod call;
pub(crate) mod error;
pub(crate) mod filter;
pub(crate) mod http;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod token;
