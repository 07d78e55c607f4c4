//! What happens to carts and money: items, confirmation tokens, payments, checkouts, confirms.

pub(crate) mod checkout;
pub(crate) mod confirm;
pub(crate) mod confirmation_token;
pub(crate) mod items;
pub(crate) mod payment;
pub(crate) mod stripe;
