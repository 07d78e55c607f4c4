//! Shoppers that are known by name.

/// An account with the token of somebody who has logged in.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub id: String,
    pub token: String,
}
