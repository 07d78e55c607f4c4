//! What a visitor means to buy. A line keeps the price that the visitor saw; when the catalogue
//! says otherwise, the visitor is told before anything is charged.

use crate::{
    catalog::{Offer, Product, Quantity, QuantityError},
    id::{CartId, LineId, ProductId, VisitorId},
    money::{Currency, Money, MoneyError},
};

/// A visitor's cart: at most one line for each product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Our id.
    pub id: CartId,
    /// Whose it is.
    pub visitor: VisitorId,
    /// The shop's currency; all lines have it.
    pub currency: Currency,
    /// In the order in which they were added. No two name the same product.
    lines: Vec<Line>,
}

/// Some pieces of one product at the price the visitor saw; in a cart, and frozen in an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Our id.
    pub id: LineId,
    /// What is bought.
    pub product: ProductId,
    /// The merchant's number of it.
    pub sku: String,
    /// Its name when the visitor saw it.
    pub name: String,
    /// Its picture.
    pub image: Option<String>,
    /// What one piece cost when the visitor saw it.
    pub unit_price: Money,
    /// How many.
    pub quantity: Quantity,
    /// Whether it must be sent.
    pub requires_shipping: bool,
}

/// Why a cart cannot be changed as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// The cart has no such line.
    #[error("the cart has no such line")]
    NoSuchLine,
    /// There are already [`Cart::LINES_MAX`] lines.
    #[error("a cart holds at most {} different products", Cart::LINES_MAX)]
    TooManyLines,
    /// Too many pieces of one product.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
    /// There is less than was asked for.
    #[error("there is not enough of it")]
    Short(Shortage),
    /// The product is priced in another currency than the shop's, or the sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A line asks for more than there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The line, where it already stands in the cart.
    pub line: Option<LineId>,
    /// The product.
    pub product: ProductId,
    /// Its name.
    pub name: String,
    /// How many were asked for.
    pub wanted: u32,
    /// How many there are.
    pub available: u32,
}

/// The catalogue's price is no longer the one the visitor saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceChange {
    /// The line.
    pub line: LineId,
    /// The product.
    pub product: ProductId,
    /// Its name.
    pub name: String,
    /// What the visitor saw.
    pub old: Money,
    /// What it costs now.
    pub new: Money,
}

/// What a look at the catalogue changed or found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// Prices that are different now.
    pub prices: Vec<PriceChange>,
    /// Lines that ask for more than there is.
    pub shortages: Vec<Shortage>,
}

impl Cart {
    /// A purchase with more different products is a wholesale order.
    pub const LINES_MAX: usize = 100;

    /// A new cart.
    pub fn empty(id: CartId, visitor: VisitorId, currency: Currency) -> Self {
        Self { id, visitor, currency, lines: Vec::new() }
    }

    /// A stored cart. `lines` come in the order in which they were added.
    pub fn restore(id: CartId, visitor: VisitorId, currency: Currency, lines: Vec<Line>) -> Self {
        Self { id, visitor, currency, lines }
    }

    /// In the order in which they were added.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Puts more of a product into the cart, at its present price. A product that is already
    /// there keeps its line. `new` is the id of the line if there is none yet.
    pub fn add(
        mut self,
        offer: &Offer,
        quantity: Quantity,
        new: LineId,
    ) -> Result<(Self, LineId), CartError> {
        let product = &offer.product;
        let position = self.lines.iter().position(|line| line.product == product.id);
        let wanted = match position {
            Some(at) => self.lines[at].quantity.plus(quantity)?,
            None => quantity,
        };
        let id = position.map_or(new, |at| self.lines[at].id);
        // A price in another currency than the shop's never gets into a cart.
        Money::zero(self.currency).plus(product.price)?;
        let line = Line::of(id, product, wanted);
        line.check_stock(offer, position.map(|_| id))?;
        match position {
            Some(at) => self.lines[at] = line,
            None if self.lines.len() >= Self::LINES_MAX => return Err(CartError::TooManyLines),
            None => self.lines.push(line),
        }
        Ok((self, id))
    }

    /// Sets how many pieces a line asks for.
    pub fn set_quantity(
        mut self,
        id: LineId,
        quantity: Quantity,
        offer: &Offer,
    ) -> Result<Self, CartError> {
        let line = self.lines.iter_mut().find(|line| line.id == id).ok_or(CartError::NoSuchLine)?;
        line.quantity = quantity;
        line.check_stock(offer, Some(id))?;
        Ok(self)
    }

    /// Takes a line out.
    pub fn remove(mut self, id: LineId) -> Result<Self, CartError> {
        let position = self.lines.iter().position(|line| line.id == id);
        self.lines.remove(position.ok_or(CartError::NoSuchLine)?);
        Ok(self)
    }

    /// Takes everything out.
    pub fn clear(mut self) -> Self {
        self.lines.clear();
        self
    }

    /// With what is in another cart of the same person: of a product that is in both, as many as the
    /// cart that asks for more of it. What would be too much for one cart is left out.
    pub fn join(mut self, other: &Self) -> Self {
        for line in other.lines() {
            let before = self.lines.clone();
            match self.lines.iter_mut().find(|known| known.product == line.product) {
                Some(known) if known.quantity.count() >= line.quantity.count() => {}
                Some(known) => known.quantity = line.quantity,
                None => self.lines.push(line.clone()),
            }
            if self.lines.len() > Self::LINES_MAX || self.subtotal().is_err() {
                self.lines = before;
            }
        }
        self
    }

    /// Takes out what was ordered, and nothing else: pieces that the visitor added since the
    /// order was made stay in the cart.
    pub fn take_ordered(mut self, ordered: &[Line]) -> Self {
        for bought in ordered {
            self.lines.retain_mut(|line| {
                if line.product != bought.product {
                    return true;
                }
                let left = i64::from(line.quantity.count()) - i64::from(bought.quantity.count());
                match Quantity::new(left) {
                    Ok(left) => {
                        line.quantity = left;
                        true
                    }
                    Err(_) => false,
                }
            });
        }
        self
    }

    /// Brings names, pictures and prices up to date with the catalogue and says what the visitor
    /// must hear about. A product that is gone shows as none available.
    pub fn refresh(mut self, offers: &[Offer]) -> (Self, Drift) {
        let drift = self.drift(offers);
        for line in &mut self.lines {
            if let Some(offer) = offers.iter().find(|offer| offer.product.id == line.product) {
                *line = Line::of(line.id, &offer.product, line.quantity);
            }
        }
        (self, drift)
    }

    /// What is different between the cart and the catalogue.
    pub fn drift(&self, offers: &[Offer]) -> Drift {
        let mut drift = Drift::default();
        for line in &self.lines {
            let offer = offers.iter().find(|offer| offer.product.id == line.product);
            let available = offer.map_or(0, Offer::available);
            if available < line.quantity.count() {
                drift.shortages.push(line.shortage(Some(line.id), available));
            }
            match offer.map(|offer| &offer.product) {
                Some(product) if product.price != line.unit_price => {
                    drift.prices.push(PriceChange {
                        line: line.id,
                        product: line.product,
                        name: line.name.clone(),
                        old: line.unit_price,
                        new: product.price,
                    });
                }
                Some(_) | None => {}
            }
        }
        drift
    }

    /// The sum of the lines.
    pub fn subtotal(&self) -> Result<Money, MoneyError> {
        subtotal(&self.lines, self.currency)
    }
}

impl Line {
    fn of(id: LineId, product: &Product, quantity: Quantity) -> Self {
        Self {
            id,
            product: product.id,
            sku: product.sku.clone(),
            name: product.name.clone(),
            image: product.image.clone(),
            unit_price: product.price,
            quantity,
            requires_shipping: product.requires_shipping,
        }
    }

    /// What the line costs.
    pub fn total(&self) -> Result<Money, MoneyError> {
        self.unit_price.times(self.quantity.count())
    }

    /// The line asks for more than the `available` pieces.
    pub fn shortage(&self, line: Option<LineId>, available: u32) -> Shortage {
        Shortage {
            line,
            product: self.product,
            name: self.name.clone(),
            wanted: self.quantity.count(),
            available,
        }
    }

    fn check_stock(&self, offer: &Offer, line: Option<LineId>) -> Result<(), CartError> {
        let available = offer.available();
        if self.quantity.count() <= available {
            return Ok(());
        }
        Err(CartError::Short(self.shortage(line, available)))
    }
}

/// The sum of some lines.
pub fn subtotal(lines: &[Line], currency: Currency) -> Result<Money, MoneyError> {
    lines.iter().try_fold(Money::zero(currency), |sum, line| sum.plus(line.total()?))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::catalog::Stock;

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    fn mug(on_hand: u32, held: u32) -> Offer {
        let product = Product {
            id: ProductId(Uuid::from_u128(7)),
            sku: "mug".into(),
            name: "Mug".into(),
            description: String::new(),
            image: None,
            price: eur(1200),
            stock: Stock::new(on_hand, held).unwrap(),
            active: true,
            requires_shipping: true,
        };
        Offer { product, held }
    }

    fn pieces(count: i64) -> Quantity {
        Quantity::new(count).unwrap()
    }

    fn cart_of(count: i64) -> (Cart, LineId) {
        let visitor = VisitorId(Uuid::from_u128(2));
        let cart = Cart::empty(CartId(Uuid::from_u128(1)), visitor, eur(0).currency());
        cart.add(&mug(10, 0), pieces(count), LineId(Uuid::from_u128(3))).unwrap()
    }

    #[test]
    fn the_same_product_added_twice_is_one_line() {
        let (cart, line) = cart_of(2);
        let (cart, same) = cart.add(&mug(10, 0), pieces(3), LineId(Uuid::from_u128(4))).unwrap();
        assert_eq!((same, cart.lines().len(), cart.subtotal().unwrap()), (line, 1, eur(6000)));
    }

    #[test]
    fn more_than_there_is_does_not_get_into_a_cart() {
        let (cart, line) = cart_of(2);
        let refused = cart.clone().set_quantity(line, pieces(11), &mug(10, 0)).unwrap_err();
        assert!(matches!(refused, CartError::Short(Shortage { available: 10, wanted: 11, .. })));
    }

    #[test]
    fn what_the_visitors_own_pending_order_holds_is_there_for_her() {
        let (cart, line) = cart_of(1);
        assert!(cart.clone().set_quantity(line, pieces(1), &mug(1, 1)).is_ok());
        assert_eq!(cart.drift(&[mug(1, 1)]), Drift::default());
    }

    #[test]
    fn a_changed_price_is_told_once_and_then_kept() {
        let (cart, _) = cart_of(1);
        let mut dearer = mug(10, 0);
        dearer.product.price = eur(1300);
        let (cart, drift) = cart.refresh(std::slice::from_ref(&dearer));
        assert_eq!((drift.prices[0].old, drift.prices[0].new), (eur(1200), eur(1300)));
        assert_eq!(cart.refresh(&[dearer]).1, Drift::default());
    }

    #[test]
    fn a_product_that_is_gone_is_short_of_every_piece() {
        let (cart, _) = cart_of(2);
        assert_eq!(cart.drift(&[]).shortages[0].available, 0);
        let mut retired = mug(10, 0);
        retired.product.active = false;
        assert_eq!(cart.drift(&[retired]).shortages[0].available, 0);
    }

    #[test]
    fn only_what_was_ordered_leaves_the_cart() {
        let (cart, line) = cart_of(2);
        let ordered = cart.lines().to_vec();
        let more = cart.clone().set_quantity(line, pieces(5), &mug(10, 0)).unwrap();
        assert_eq!(more.take_ordered(&ordered).lines()[0].quantity, pieces(3));
        assert!(cart.clone().take_ordered(&ordered).lines().is_empty());
        let emptied = cart.clear();
        assert!(emptied.take_ordered(&ordered).lines().is_empty());
    }

    #[test]
    fn two_carts_of_one_person_become_one_with_the_greater_number_of_each_product() {
        let (two, _) = cart_of(2);
        let (five, _) = cart_of(5);
        assert_eq!(two.clone().join(&five).lines()[0].quantity, pieces(5));
        assert_eq!(five.clone().join(&two), five);
        assert_eq!(two.clone().clear().join(&two), two);
        let other = Line { product: ProductId(Uuid::from_u128(8)), ..two.lines()[0].clone() };
        let other = Cart { lines: vec![other], ..two.clone() };
        assert_eq!(two.join(&other).lines().len(), 2);
    }

    #[test]
    fn two_carts_become_none_that_is_too_large() {
        let (cart, _) = cart_of(1);
        let line = |number| Line {
            product: ProductId(Uuid::from_u128(number)),
            ..cart.lines()[0].clone()
        };
        let full = Cart { lines: (100..200).map(line).collect(), ..cart.clone() };
        assert_eq!(full.clone().join(&cart), full);
    }
}
