//! The platform's cart as a session and a purchase see it: what it holds, what it costs, what is sent
//! with it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    elastic_path::EpProductId,
    id::{SessionId, VisitorId},
    money::Money,
    purchase::{CartHash, Purchase},
    session::{
        AttributeValue, Attributes, CheckoutSession, Rate, SessionCart, SessionRefusal,
        SessionTotals,
    },
};
use gateways::elastic_path::{
    Caller, EpError,
    cart::{Attribute, CartLine, CartView, LineKind, NewItem, ShippingLine},
    catalogue::Commodity,
};
use jiff::Timestamp;
use storage::{Tx, session};

use super::PayError;
use crate::{
    context::{PlatformContext, Px},
    flows::FlowError,
};

/// Whether there is nothing in it to buy.
pub fn is_empty(cart: &CartView) -> bool {
    !cart.lines.iter().any(|line| match line.kind {
        LineKind::Product | LineKind::Subscription | LineKind::Custom => !line.is_shipping(),
        LineKind::Promotion | LineKind::Other(_) => false,
    })
}

/// The digest of what the shopper put into a cart.
pub fn hash(cart: &CartView) -> CartHash {
    let mut digest = [0; 32];
    // It is a SHA-256, in hexadecimal.
    let read = hex::decode_to_slice(cart.hash(), &mut digest);
    debug_assert!(read.is_ok());
    CartHash(digest)
}

/// What a cart costs, with its shipping; nothing where the platform does not say.
pub fn totals(cart: &CartView) -> Option<SessionTotals> {
    let total = cart.total?;
    let zero = Money::zero(total.currency());
    let shipping = cart.lines.iter().filter(|line| line.is_shipping());
    let shipping = shipping.map(|line| line.price_minor.saturating_mul(line.quantity)).sum();
    let shipping = Money::new(shipping, total.currency()).unwrap_or(zero);
    let with_shipping = cart.subtotal.unwrap_or(total);
    let subtotal = with_shipping.minus(shipping).unwrap_or(with_shipping);
    SessionTotals::new(subtotal, cart.tax.unwrap_or(zero), shipping, total).ok()
}

/// Whether something in the cart must be sent, whatever the storefront says. What nobody knows must.
pub async fn is_physical(px: &PlatformContext, cart: &CartView) -> bool {
    let products: BTreeSet<EpProductId> =
        cart.lines.iter().filter_map(|line| line.product.clone()).collect();
    if products.is_empty() {
        return cart.lines.iter().any(|line| line.kind == LineKind::Product);
    }
    match px.elastic_path.products(Caller::Implicit, &products).await {
        Ok(known) => products.iter().any(|id| {
            known.get(id).is_none_or(|product| match product.commodity {
                Commodity::Digital => false,
                Commodity::Physical | Commodity::Unknown => true,
            })
        }),
        Err(error) => {
            tracing::warn!(%error, "the catalogue does not say what must be sent: everything must");
            true
        }
    }
}

/// Makes the cart's shipping line the one that the server charges; what is right already is left.
/// The cart as it is then.
pub async fn put_shipping(
    px: &PlatformContext,
    caller: Caller<'_>,
    cart: CartView,
    rate: Option<&Rate>,
) -> Result<CartView, EpError> {
    if is_shipped_by(&cart, rate) {
        return Ok(cart);
    }
    let ep = &px.elastic_path;
    for line in cart.lines.iter().filter(|line| line.is_shipping()) {
        ep.remove_item(caller, &cart.id, &line.id).await?;
    }
    if let Some(rate) = rate {
        ep.add_item(caller, &cart.id, &NewItem::Shipping(line_of(rate))).await?;
    }
    ep.cart(caller, &cart.id).await
}

/// Whether the cart's shipping line is the one of this rate; without a rate, whether there is none.
pub fn is_shipped_by(cart: &CartView, rate: Option<&Rate>) -> bool {
    let lines: Vec<&CartLine> = cart.lines.iter().filter(|line| line.is_shipping()).collect();
    match (lines.as_slice(), rate) {
        ([], None) => true,
        ([line], Some(rate)) => {
            line.quantity == 1
                && line.price_minor == rate.amount.minor()
                && line.name == name_of(rate)
                && line.rate.as_deref() == Some(rate.id.as_str())
        }
        (_, _) => false,
    }
}

fn name_of(rate: &Rate) -> &str {
    match rate.words.name.as_str() {
        "" => rate.id.as_str(),
        name => name,
    }
}

fn line_of(rate: &Rate) -> ShippingLine {
    ShippingLine {
        name: name_of(rate).to_owned(),
        rate_id: rate.id.as_str().to_owned(),
        service_level: rate.words.service_level.clone(),
        price: rate.amount,
    }
}

/// What the storefront notes with the order, as the platform keeps it beside the cart
/// and with the order.
pub(super) fn attributes(noted: &Attributes) -> BTreeMap<String, Attribute> {
    let typed = |value: &AttributeValue| match value {
        AttributeValue::Text(text) => Some(Attribute::Text(text.clone())),
        AttributeValue::Flag(flag) => Some(Attribute::Flag(*flag)),
        AttributeValue::Number(number) => {
            serde_json::from_str(number.as_str()).ok().map(Attribute::Number)
        }
    };
    noted.iter().filter_map(|(name, value)| Some((name.to_owned(), typed(value)?))).collect()
}

/// Whether a cart is what the shopper saw: the same lines for the same sum.
pub(super) fn is_as_seen(purchase: &Purchase, cart: &CartView) -> bool {
    hash(cart) == purchase.terms.cart_hash && cart.total == Some(purchase.terms.amount)
}

/// Shows the shopper her cart as it is now, so that she may pay that.
pub(super) async fn refresh(px: &Px, visitor: VisitorId, id: SessionId) -> Result<(), PayError> {
    let (session, _) = super::look(px, visitor, id).await?;
    let SessionCart::Platform(cart) = &session.cart else { return Ok(()) };
    match px.elastic_path.cart(Caller::Implicit, cart).await {
        Ok(cart) => price(px, (visitor, id), &cart).await.map(drop),
        Err(error) => {
            tracing::warn!(%error, "could not show the cart as it is now");
            Ok(())
        }
    }
}

/// Writes what a cart holds and costs into its session, if that is open.
pub(super) async fn price(
    px: &Px,
    (visitor, id): (VisitorId, SessionId),
    cart: &CartView,
) -> Result<CheckoutSession, PayError> {
    let totals = totals(cart).ok_or(PayError::NoTotal)?;
    let input = Priced { visitor, id, hash: hash(cart), totals, at: px.clock.now() };
    px.store.write(input, |tx, priced| Box::pin(write(tx, priced))).await
}

struct Priced {
    visitor: VisitorId,
    id: SessionId,
    hash: CartHash,
    totals: SessionTotals,
    at: Timestamp,
}

async fn write(tx: &mut Tx, priced: &Priced) -> Result<CheckoutSession, PayError> {
    let Priced { visitor, id, hash, totals, at } = priced;
    let session = session::lock_of_visitor(tx, *id, *visitor).await?.ok_or(PayError::Gone)?;
    match session.clone().price(*hash, *totals, *at) {
        Ok(priced) => {
            session::save(tx, &priced, *at).await?;
            Ok(priced)
        }
        Err(SessionRefusal::PaymentUnderWay | SessionRefusal::Over) => Ok(session),
        Err(SessionRefusal::Attributes(error)) => {
            Err(PayError::Flow(FlowError::Broken(error.to_string())))
        }
    }
}
