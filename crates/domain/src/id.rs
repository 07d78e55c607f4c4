//! Ids that cannot be mixed up. The caller makes the number (time-ordered, version 7); this crate
//! only gives it a type.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// The text was not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a UUID such as 0197f3c2-5b1e-7c3a-9d2e-2f6b8a4c1d00")]
pub struct IdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdError)
            }
        }
    )+};
}

ids! {
    /// A browser known by its cookie.
    VisitorId;
    /// A product of the catalogue.
    ProductId;
    /// A visitor's cart.
    CartId;
    /// A line of a cart, and of the order made from it.
    LineId;
    /// An order.
    OrderId;
    /// The payment of an order.
    PaymentId;
    /// A refund of a payment.
    RefundId;
    /// A dispute of a payment.
    DisputeId;
    /// What others are told of a step of an order.
    NoticeId;
    /// A notice on its way to one receiver.
    DeliveryId;
    /// A checkout session.
    SessionId;
    /// A try to buy a cart at a commerce platform.
    PurchaseId;
    /// A customer.
    CustomerId;
    /// An address that a customer has kept.
    AddressId;
    /// The time from a customer's sign-in to her sign-out.
    SignInId;
    /// A letter to a customer.
    LetterId;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_id_is_read_as_it_is_written(number: u128) {
            let id = OrderId(Uuid::from_u128(number));
            prop_assert_eq!(id.to_string().parse::<OrderId>(), Ok(id));
        }

        #[test]
        fn what_is_read_as_an_id_is_one(
            text in prop_oneof![".*", "[0-9a-fA-F-]{30,38}", "[{]?(urn:uuid:)?[0-9a-f]{32}[}]?"],
        ) {
            if let Ok(id) = text.parse::<OrderId>() {
                let digits: String = text.rsplit(':').next().unwrap().to_ascii_lowercase();
                let digits = digits.replace(['-', '{', '}'], "");
                prop_assert_eq!(id.to_string().replace('-', ""), digits);
            }
        }
    }
}
