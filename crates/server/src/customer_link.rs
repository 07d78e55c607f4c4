//! The links in letters to customers. A link names the letter and is signed with a key of its own made
//! from `TILL_SECRET`, for one purpose: whoever copies the database finds no link in it, and a link
//! that confirms an address opens nothing else. That it works once, and until when, stands in the
//! letter's row.
//!
//! What names the letter stands behind a `#`: browsers send that to no server, so that no log of a proxy
//! has it, and no page that the shopper goes on to.

use domain::{customer::LetterKind, id::LetterId};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use url::Url;
use uuid::Uuid;

use crate::order_link::keyed;

/// What the key is for.
const PURPOSE: &[u8] = b"till: a letter to a customer, version 1";
/// An id in hexadecimal digits.
const ID_DIGITS: usize = 32;

/// Makes the links, and knows them again.
#[derive(Clone)]
pub struct CustomerLinks {
    signed: Hmac<Sha256>,
    shop: Url,
}

impl CustomerLinks {
    /// `secret` is the server's own; `shop` is where browsers reach it.
    pub fn new(secret: &str, shop: Url) -> Self {
        let key = keyed(secret.as_bytes()).chain_update(PURPOSE).finalize().into_bytes();
        Self { signed: keyed(key.as_slice()), shop }
    }

    /// The page that a letter leads to.
    pub fn url(&self, kind: LetterKind, letter: LetterId) -> String {
        let page = match kind {
            LetterKind::Confirm | LetterKind::NewAddress => "account/confirm",
            LetterKind::Reset => "account/reset",
            LetterKind::Known | LetterKind::Changed => return format!("{}account", self.shop),
        };
        let signature = hex::encode(self.signature(kind, letter).finalize().into_bytes());
        format!("{}{page}#token={}{signature}", self.shop, letter.0.simple())
    }

    /// The letter of this kind whose link holds the token. It takes the same time wherever the
    /// signatures differ.
    pub fn letter(&self, kind: LetterKind, token: &str) -> Option<LetterId> {
        let (id, signature) = token.split_at_checked(ID_DIGITS)?;
        let letter = LetterId(Uuid::try_parse(id).ok()?);
        let signature = hex::decode(signature).ok()?;
        self.signature(kind, letter).verify_slice(&signature).is_ok().then_some(letter)
    }

    fn signature(&self, kind: LetterKind, letter: LetterId) -> Hmac<Sha256> {
        self.signed.clone().chain_update(kind.name()).chain_update(letter.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(secret: &str) -> CustomerLinks {
        CustomerLinks::new(secret, "https://shop.example/".parse().unwrap())
    }

    #[test]
    fn a_link_is_good_for_its_own_letter_and_purpose_alone() {
        let letter = LetterId(Uuid::from_u128(1));
        let url = links("secret").url(LetterKind::Reset, letter);
        let (page, token) = url.split_once("#token=").unwrap();
        assert_eq!(page, "https://shop.example/account/reset");
        let read = |secret, kind, token: &str| links(secret).letter(kind, token);
        assert_eq!(read("secret", LetterKind::Reset, token), Some(letter));
        assert_eq!(read("secret", LetterKind::Confirm, token), None);
        assert_eq!(read("another", LetterKind::Reset, token), None);
        let other = Uuid::from_u128(2).simple().to_string() + &token[ID_DIGITS..];
        for wrong in
            ["", "x", "ä", &token[..ID_DIGITS], &token[..95], &format!("{token}00"), &other]
        {
            assert_eq!(read("secret", LetterKind::Reset, wrong), None, "{wrong}");
        }
    }
}
