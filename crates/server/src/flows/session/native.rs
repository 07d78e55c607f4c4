//! What a session on a cart of our own costs: the lines as the catalogue has them now, and what the
//! shop's rules say of the place that it goes to.

use domain::{
    cart::Cart,
    contact::CountryCode,
    money::Money,
    pricing::{PriceError, PriceRules},
    purchase::CartHash,
    session::{
        AddressPart, CheckoutSession, Form, FormAddress, PostcodeRule, Rate, SessionCart,
        SessionTotals,
    },
};
use gateways::shipping_rates::{Goods, GoodsLine};
use jiff::Timestamp;

use super::{Opening, SessionError, fresh, rates};
use crate::{context::Context, flows::fill_cart::look_at_cart};

/// A session on the visitor's cart.
pub(super) async fn open(cx: &Context, opening: Opening) -> Result<CheckoutSession, SessionError> {
    let cart = look_at_cart(cx, opening.visitor).await?.cart;
    if cart.lines().is_empty() {
        return Err(SessionError::NoCart);
    }
    let requires_shipping = opening.requires_shipping.unwrap_or_else(|| must_ship(&cart));
    let of = (SessionCart::Here(cart.id), hash(&cart));
    let session = fresh(cx, opening.visitor, of, requires_shipping);
    priced(&cx.shop.prices, &cart, session, cx.clock.now())
}

/// Prices what was typed. A cart that has changed is not priced: to pay it says so.
pub(super) async fn follow_form(
    cx: &Context,
    before: &CheckoutSession,
    session: CheckoutSession,
) -> Result<CheckoutSession, SessionError> {
    let cart = look_at_cart(cx, session.visitor).await?.cart;
    if hash(&cart) != session.cart_hash {
        return Ok(session);
    }
    let (prices, now) = (&cx.shop.prices, cx.clock.now());
    let is_elsewhere = before.form.shipping_address != session.form.shipping_address;
    let session = match session.rates() {
        [] => session,
        offered if !is_elsewhere => {
            // A selection that is not among them is dropped.
            let offered = offered.to_vec();
            session.offer(offered, now)?
        }
        [..] => {
            let rates = rates(cx, &cart, &session).await?;
            session.offer(rates, now)?
        }
    };
    priced(prices, &cart, session, now)
}

/// Offers the ways to send it to where it goes.
pub(super) async fn offer_shipping(
    cx: &Context,
    session: CheckoutSession,
) -> Result<CheckoutSession, SessionError> {
    let cart = look_at_cart(cx, session.visitor).await?.cart;
    let (prices, now) = (&cx.shop.prices, cx.clock.now());
    let rates = rates(cx, &cart, &session).await?;
    let session = session.offer(rates, now)?;
    match hash(&cart) == session.cart_hash {
        true => priced(prices, &cart, session, now),
        false => Ok(session),
    }
}

/// What is in a cart, as a digest.
pub(crate) fn hash(cart: &Cart) -> CartHash {
    hash_of_lines(cart.lines())
}

/// The same of an order's lines.
pub(crate) fn hash_of_lines(lines: &[domain::cart::Line]) -> CartHash {
    let ids: Vec<String> = lines.iter().map(|line| line.id.to_string()).collect();
    let lines = ids
        .iter()
        .zip(lines)
        .map(|(id, line)| (id.as_str(), line.quantity.count(), line.unit_price.minor()));
    CartHash::of(lines)
}

/// Whether goods must be sent. The goods say so, not the storefront.
pub(crate) fn must_ship(cart: &Cart) -> bool {
    cart.lines().iter().any(|line| line.requires_shipping)
}

/// Where the goods go, and whose taxes they bear; what is not sent goes where the bill goes, unless
/// the shopper has said where she is.
pub(crate) fn destination(form: &Form, must_ship: bool) -> Option<&FormAddress> {
    let shipping = form.shipping_address.as_ref();
    match must_ship {
        true => shipping,
        false => shipping
            .filter(|address| address.is_complete(PostcodeRule::ByCountry))
            .or(form.billing_address.as_ref()),
    }
}

/// The ways to send it: none where the shop does not send to, or nothing is to be sent.
pub(crate) async fn rates(
    cx: &Context,
    cart: &Cart,
    session: &CheckoutSession,
) -> Result<Vec<Rate>, SessionError> {
    if !must_ship(cart) {
        return Ok(Vec::new());
    }
    let lines = cart.lines().iter().filter(|line| line.requires_shipping).map(|line| GoodsLine {
        product: Some(line.product.to_string()),
        sku: line.sku.clone(),
        name: line.name.clone(),
        quantity: line.quantity.count(),
        unit_price: line.unit_price,
    });
    let goods = Goods { lines: lines.collect(), subtotal: cart.subtotal()? };
    rates::offered(cx, &cx.shop.prices, session, goods).await
}

/// The session with what the cart costs now. Before the shopper has said where she is there is no
/// tax to be told; before she has chosen how it is sent, no sending.
pub(crate) fn priced(
    prices: &PriceRules,
    cart: &Cart,
    session: CheckoutSession,
    now: Timestamp,
) -> Result<CheckoutSession, SessionError> {
    let must_ship = must_ship(cart);
    let subtotal = cart.subtotal()?;
    let zero = Money::zero(prices.currency);
    let country = destination(&session.form, must_ship).and_then(country);
    let rate = session.selected_rate().filter(|_| must_ship);
    let sending = rate.map_or(zero, |rate| rate.amount);
    let totals = match country.map(|country| prices.totals_with(subtotal, country, sending)) {
        Some(Ok(totals)) => {
            let (shipping, tax) = (totals.shipping(), totals.tax());
            SessionTotals::new(totals.subtotal(), tax, shipping, totals.total())?
        }
        Some(Err(PriceError::NotSentTo(_))) | None => {
            SessionTotals::new(subtotal, zero, zero, subtotal)?
        }
        Some(Err(error @ (PriceError::Money(_) | PriceError::DoesNotAddUp(_)))) => {
            return Err(SessionError::Invalid(error.to_string()));
        }
    };
    Ok(session.price(hash(cart), totals, now)?)
}

fn country(address: &FormAddress) -> Option<CountryCode> {
    address.get(AddressPart::Country).parse().ok()
}
