//! What a session costs, and what its page has shown of it.

use crate::money::{Money, MoneyError};

/// What a cart costs. The platform computes its own totals, and they need not add up in our way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTotals {
    subtotal: Money,
    tax: Money,
    shipping: Money,
    total: Money,
}

impl SessionTotals {
    /// Totals in one currency; an error where they are in several.
    pub fn new(
        subtotal: Money,
        tax: Money,
        shipping: Money,
        total: Money,
    ) -> Result<Self, MoneyError> {
        for part in [subtotal, tax, shipping] {
            Money::zero(total.currency()).plus(part)?;
        }
        Ok(Self { subtotal, tax, shipping, total })
    }

    /// The lines.
    pub fn subtotal(&self) -> Money {
        self.subtotal
    }

    /// The tax.
    pub fn tax(&self) -> Money {
        self.tax
    }

    /// The sending.
    pub fn shipping(&self) -> Money {
        self.shipping
    }

    /// What is charged.
    pub fn total(&self) -> Money {
        self.total
    }
}

/// What the shopper's page showed her that it costs when she paid, in the minor unit; nothing where
/// the page does not say. A session may have been priced anew since: by another click of hers, or in
/// another tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenTotal(pub Option<u64>);

impl SeenTotal {
    /// Whether this may be charged: she saw it, or her page leaves it to the session.
    pub fn allows(self, total: Money) -> bool {
        self.0.is_none_or(|seen| u64::try_from(total.minor()) == Ok(seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_she_saw_may_be_charged_and_a_page_that_does_not_say_leaves_it_open() {
        let total = |minor| Money::new(minor, "EUR".parse().unwrap()).unwrap();
        assert!(SeenTotal(Some(2890)).allows(total(2890)));
        assert!(!SeenTotal(Some(2890)).allows(total(4090)));
        assert!(SeenTotal(Some(0)).allows(total(0)));
        assert!(!SeenTotal(Some(0)).allows(total(1)));
        assert!(!SeenTotal(Some(u64::MAX)).allows(total(1)));
        assert!(SeenTotal(None).allows(total(4090)));
    }
}
