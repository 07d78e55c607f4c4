//! What was asked, without a secret: no token, no body.

use serde::Serialize;

/// One request that has arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// `POST`.
    pub method: String,
    /// With its query.
    pub path: String,
    /// `implicit`, `client_credentials`, or nothing where no token of ours came along. Of a token's
    /// own request the grant that was asked for.
    pub grant: Option<&'static str>,
    /// Whether a shopper's account was named too.
    pub account: bool,
    /// The request has had its effect, if it has one.
    pub carried_out: bool,
    /// What was answered; nothing where the answer got lost.
    pub status: Option<u16>,
}
