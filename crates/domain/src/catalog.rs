//! What the shop sells and how much of it lies on the shelf.

use crate::{id::ProductId, money::Money};

/// How many pieces of one product a line may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

/// The number is not a quantity that a line can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is a whole number from 1 to {}", Quantity::MAX)]
pub struct QuantityError;

impl Quantity {
    /// A shop's line; more is a wholesale order, which is agreed on by other means.
    pub const MAX: u32 = 9_999;

    /// A quantity of at least one.
    pub fn new(count: i64) -> Result<Self, QuantityError> {
        match u32::try_from(count) {
            Ok(count @ 1..=Self::MAX) => Ok(Self(count)),
            Ok(_) | Err(_) => Err(QuantityError),
        }
    }

    /// The number of pieces.
    pub fn count(self) -> u32 {
        self.0
    }

    /// Both together, or an error where that is too many for one line.
    pub fn plus(self, other: Self) -> Result<Self, QuantityError> {
        Self::new(i64::from(self.0) + i64::from(other.0))
    }
}

/// Pieces of a product: on the shelf, and set aside for orders that may still be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stock {
    /// On the shelf, reserved or not. Never negative.
    on_hand: u32,
    /// Of these, set aside. At most `on_hand`.
    reserved: u32,
}

/// More is reserved than lies on the shelf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reserved} reserved of {on_hand} on hand")]
pub struct StockError {
    on_hand: u32,
    reserved: u32,
}

impl Stock {
    /// Stock of which `reserved` is set aside.
    pub fn new(on_hand: u32, reserved: u32) -> Result<Self, StockError> {
        if reserved > on_hand {
            return Err(StockError { on_hand, reserved });
        }
        Ok(Self { on_hand, reserved })
    }

    /// On the shelf, reserved or not.
    pub fn on_hand(self) -> u32 {
        self.on_hand
    }

    /// Set aside for orders that may still be paid.
    pub fn reserved(self) -> u32 {
        self.reserved
    }

    /// What a new order can still have.
    pub fn available(self) -> u32 {
        self.on_hand - self.reserved
    }
}

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Our id.
    pub id: ProductId,
    /// The merchant's own number, unique in the shop.
    pub sku: String,
    /// The name on the page.
    pub name: String,
    /// Plain text.
    pub description: String,
    /// A URL, absolute or from the shop's root.
    pub image: Option<String>,
    /// What one piece costs now.
    pub price: Money,
    /// What there is.
    pub stock: Stock,
    /// Whether it is for sale.
    pub active: bool,
    /// Whether it must be sent by post.
    pub requires_shipping: bool,
}

impl Product {
    /// What a new order can have: nothing when the product is not for sale.
    pub fn available(&self) -> u32 {
        if self.active { self.stock.available() } else { 0 }
    }
}

/// A product as one visitor may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The product.
    pub product: Product,
    /// What the visitor's own pending order has reserved of it: it is set aside for her, so it
    /// never stands in her own way.
    pub held: u32,
}

impl Offer {
    /// What this visitor can have: the free pieces and her own reserved ones.
    pub fn available(&self) -> u32 {
        if self.product.active { self.product.stock.available() + self.held } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_at_least_one_and_has_an_upper_end() {
        for count in [0, -1, i64::MAX, i64::from(Quantity::MAX) + 1] {
            assert_eq!(Quantity::new(count), Err(QuantityError));
        }
        let most = Quantity::new(i64::from(Quantity::MAX)).unwrap();
        assert_eq!(most.plus(most), Err(QuantityError));
    }

    #[test]
    fn never_more_is_reserved_than_lies_on_the_shelf() {
        assert!(Stock::new(1, 2).is_err());
        assert_eq!(Stock::new(5, 2).unwrap().available(), 3);
    }
}
