//! Elastic Path's names for its things. Each is checked where it comes in, because whoever may write
//! a path of their choice into a cart's name reads other people's orders: Elastic Path was seen to
//! resolve `..%2Forders`. What is an id here can be written into a path as it is.

use std::{fmt, str::FromStr};

/// The text is no id of Elastic Path's. It is not repeated here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of Elastic Path's: letters, digits, _ and - only, at most {chars_max}")]
pub struct EpIdError {
    chars_max: usize,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $chars_max:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// As Elastic Path writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = EpIdError;
            fn from_str(text: &str) -> Result<Self, EpIdError> {
                match is_id(text, $chars_max) {
                    true => Ok(Self(text.to_owned())),
                    false => Err(EpIdError { chars_max: $chars_max }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// A cart. Whoever knows it may read and change the cart.
    EpCartId: 128;
    /// A line of a cart.
    EpItemId: 128;
    /// A product of the catalogue.
    EpProductId: 128;
    /// A payment, by the name that Stripe gave it.
    EpPaymentId: 128;
    /// An order.
    EpOrderId: 128;
    /// What an order knows of a payment.
    EpTransactionId: 128;
    /// An account that a shopper buys for.
    EpAccountId: 128;
    /// A member of an account.
    EpMemberId: 128;
    /// Our own name for an order, by which it is found again when an answer was lost. Elastic Path
    /// takes 64 characters and does not see to it that there is one such order.
    ExternalRef: 64;
}

fn is_id(text: &str, chars_max: usize) -> bool {
    let fits = (1..=chars_max).contains(&text.len());
    fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_id_can_leave_its_segment_of_a_path() {
        for text in ["", ".", "..", "a/b", "..%2Forders", "a?b", "a#b", "a b", "a\n", "ä", "a:b"] {
            assert!(text.parse::<EpCartId>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_has_as_many_characters_as_its_owner_takes() {
        assert!("x".repeat(128).parse::<EpCartId>().is_ok());
        assert!("x".repeat(129).parse::<EpCartId>().is_err());
        assert!("x".repeat(64).parse::<ExternalRef>().is_ok());
        assert!("x".repeat(65).parse::<ExternalRef>().is_err());
    }

    proptest! {
        #[test]
        fn an_id_is_read_as_it_is_written(text in "[0-9A-Za-z_-]{1,128}") {
            let id: EpOrderId = text.parse().unwrap();
            prop_assert_eq!(id.as_str(), &text);
            prop_assert_eq!(id.to_string(), text);
        }
    }
}
