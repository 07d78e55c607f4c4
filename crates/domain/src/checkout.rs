//! Turning a cart into an order: everything that can be known to be wrong is found here, before
//! any money moves.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    cart::{Cart, PriceChange, Shortage},
    catalog::Offer,
    contact::{Address, CountryCode, Email},
    id::{OrderId, PaymentId},
    money::{Money, MoneyError},
    order::{Fingerprint, Marketing, Order, OrderParts},
    payment::Payment,
    pricing::{PriceError, PriceRules},
};

/// What the shopper says at checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutRequest {
    /// Where the receipt goes.
    pub email: Email,
    /// Where the goods go.
    pub shipping_address: Address,
    /// Where the bill goes.
    pub billing_address: Address,
    /// Whether she wants to hear from the shop.
    pub marketing: Marketing,
}

/// What the outside world contributes to a new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewOrder {
    /// The order's id.
    pub order: OrderId,
    /// Its payment's id.
    pub payment: PaymentId,
    /// Now.
    pub at: Timestamp,
    /// Until when the shop waits for the money.
    pub expires_at: Timestamp,
}

/// What the gateway can charge in the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargeLimits {
    /// The smallest amount above zero.
    pub minimum: Money,
    /// Amounts are multiples of so many minor units.
    pub step_minor: i64,
    /// Whether payments are about real money.
    pub livemode: bool,
}

/// An order that may be made, and the payment to ask for; a total of zero needs none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The order.
    pub order: Order,
    /// The payment of its total.
    pub payment: Option<Payment>,
}

/// Why a cart cannot become an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing in the cart.
    #[error("the cart is empty")]
    CartEmpty,
    /// The shopper saw other prices.
    #[error("prices have changed")]
    PriceChanged(Vec<PriceChange>),
    /// There is less than the cart asks for.
    #[error("stock has changed")]
    StockChanged(Vec<Shortage>),
    /// The goods must be sent, and the shop does not send there.
    #[error("the shop does not send to {0}")]
    NotSentTo(CountryCode),
    /// The total is above zero and below what can be charged.
    #[error("the total is below {minimum}, the least that can be charged")]
    AmountTooSmall {
        /// The least that can be charged.
        minimum: Money,
    },
    /// The total cannot be charged exactly in this currency, or is too large.
    #[error("the total cannot be charged")]
    AmountNotChargeable,
}

impl From<MoneyError> for Refusal {
    fn from(_: MoneyError) -> Self {
        Self::AmountNotChargeable
    }
}

impl From<PriceError> for Refusal {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::NotSentTo(country) => Self::NotSentTo(country),
            PriceError::Money(_) | PriceError::DoesNotAddUp(_) => Self::AmountNotChargeable,
        }
    }
}

/// Makes an order of a cart, or says why not. `offers` are the catalogue's products of the cart.
pub fn place(
    cart: &Cart,
    offers: &[Offer],
    request: CheckoutRequest,
    new: NewOrder,
    (rules, limits): (&PriceRules, &ChargeLimits),
) -> Result<Placed, Refusal> {
    if cart.lines().is_empty() {
        return Err(Refusal::CartEmpty);
    }
    let drift = cart.drift(offers);
    // Stock first: a price that changed on something sold out is not worth a second round.
    if !drift.shortages.is_empty() {
        return Err(Refusal::StockChanged(drift.shortages));
    }
    if !drift.prices.is_empty() {
        return Err(Refusal::PriceChanged(drift.prices));
    }
    let requires_shipping = cart.lines().iter().any(|line| line.requires_shipping);
    let country = request.shipping_address.country();
    let totals = rules.totals(cart.subtotal()?, country, requires_shipping)?;
    check_chargeable(totals.total(), limits)?;
    let parts = OrderParts {
        id: new.order,
        visitor: cart.visitor,
        cart: cart.id,
        fingerprint: fingerprint(cart, &request),
        email: request.email,
        marketing: request.marketing,
        shipping_address: request.shipping_address,
        billing_address: request.billing_address,
        lines: cart.lines().to_vec(),
        totals,
        created_at: new.at,
    };
    let payment = (!totals.total().is_zero())
        .then(|| Payment::new(new.payment, new.order, totals.total(), limits.livemode));
    Ok(Placed { order: Order::place(parts, new.expires_at), payment })
}

fn check_chargeable(total: Money, limits: &ChargeLimits) -> Result<(), Refusal> {
    if total.is_zero() {
        return Ok(());
    }
    if total.minor() < limits.minimum.minor() {
        return Err(Refusal::AmountTooSmall { minimum: limits.minimum });
    }
    if total.minor() % limits.step_minor != 0 {
        return Err(Refusal::AmountNotChargeable);
    }
    Ok(())
}

/// A digest of everything the shopper asked for. Each part is preceded by its length, so that no
/// two requests run together into one.
pub fn fingerprint(cart: &Cart, request: &CheckoutRequest) -> Fingerprint {
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    add(cart.id.0.as_bytes());
    for line in cart.lines() {
        add(line.product.0.as_bytes());
        add(&line.quantity.count().to_be_bytes());
        add(&line.unit_price.minor().to_be_bytes());
        add(line.unit_price.currency().code().as_bytes());
    }
    add(request.email.as_str().as_bytes());
    add(match request.marketing {
        Marketing::Accepted => b"accepted",
        Marketing::Declined => b"declined",
    });
    for address in [&request.shipping_address, &request.billing_address] {
        add(address.name().as_bytes());
        add(address.company().unwrap_or_default().as_bytes());
        add(address.street().as_bytes());
        add(address.postal_code().as_bytes());
        add(address.city().as_bytes());
        add(address.country().as_str().as_bytes());
        add(address.phone().unwrap_or_default().as_bytes());
    }
    Fingerprint(digest.finalize().into())
}
