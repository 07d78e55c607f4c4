//! What a store keeps: fields, states, how it is shown.

pub(crate) mod account;
pub(crate) mod cart;
pub(crate) mod line;
pub(crate) mod order;
pub(crate) mod payment_intent;
pub(crate) mod price;
pub(crate) mod product;
pub(crate) mod promotion;
pub(crate) mod shipping_group;
pub(crate) mod transaction;

use jiff::Timestamp;

/// Whole seconds, as every timestamp of the API is written.
pub(crate) fn written(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}
