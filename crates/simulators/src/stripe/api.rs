//! The wire: how a request is read, checked, routed and answered, whatever it is about.

pub(crate) mod call;
pub(crate) mod error;
pub(crate) mod expand;
pub(crate) mod form;
pub(crate) mod http;
pub(crate) mod idempotency;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod params;
pub(crate) mod rate_limit;
pub(crate) mod search;
pub(crate) mod v2;
