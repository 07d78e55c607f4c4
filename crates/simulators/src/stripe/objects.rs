//! What Stripe keeps: the fields of each object, its states and how it is shown.

pub(crate) mod balance_transaction;
pub(crate) mod charge;
pub(crate) mod confirmation_token;
pub(crate) mod customer;
pub(crate) mod dispute;
pub(crate) mod early_fraud_warning;
pub(crate) mod event;
pub(crate) mod event_destination;
pub(crate) mod payment_intent;
pub(crate) mod payment_method;
pub(crate) mod refund;
pub(crate) mod thin_event;
pub(crate) mod webhook_endpoint;
