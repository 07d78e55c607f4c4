//! What others must not read, and what a cart held.

use std::fmt;

use sha2::{Digest, Sha256};

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The secret as it was given: 1 to 500 visible characters.
            pub fn new(text: impl Into<String>) -> Result<Self, SecretError> {
                let text = text.into();
                let is_visible = text.chars().all(|letter| letter.is_ascii_graphic());
                let fits = (1..=SECRET_CHARS_MAX).contains(&text.len());
                (fits && is_visible).then_some(Self(text)).ok_or(SecretError)
            }

            /// The secret itself, for whoever must have it.
            pub fn reveal(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

/// The text cannot be such a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has 1 to {} visible characters", SECRET_CHARS_MAX)]
pub struct SecretError;

/// Several times what the gateway makes.
const SECRET_CHARS_MAX: usize = 500;

secrets! {
    /// What the shopper's browser made of her card. It pays once.
    PayToken
    /// By which the shopper's browser may take part in a payment.
    ClientSecret
}

/// A digest of a cart's lines: which, how many, at which price. The line that carries the shipping is
/// not among them, and neither are taxes and promotions: the total is compared beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CartHash(pub [u8; 32]);

impl CartHash {
    /// The digest of lines: name, quantity, price of a piece in minor units. Their order does not
    /// matter.
    pub fn of<'a>(lines: impl IntoIterator<Item = (&'a str, u32, i64)>) -> Self {
        let mut lines: Vec<_> = lines.into_iter().collect();
        lines.sort_unstable();
        let lines: Vec<_> = lines
            .into_iter()
            .map(|(name, quantity, price)| format!("{name}:{quantity}:{price}"))
            .collect();
        Self(Sha256::digest(lines.join("|")).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", PayToken::new("ctoken_1").unwrap()), "PayToken(…)");
        assert_eq!(ClientSecret::new("with\nline"), Err(SecretError));
    }

    #[test]
    fn a_carts_digest_is_that_of_the_contract_whatever_the_order_of_its_lines() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(CartHash::of([]).0), empty);
        let lines = [("b", 2, 500), ("a", 1, 1000)];
        let digest: [u8; 32] = Sha256::digest("a:1:1000|b:2:500").into();
        assert_eq!(CartHash::of(lines), CartHash(digest));
    }
}
