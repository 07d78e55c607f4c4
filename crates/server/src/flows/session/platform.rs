//! What a session on a cart at Elastic Path costs: the platform prices the cart, shipping included,
//! which stands in it as a line that the server owns.

use domain::{
    catalog::Quantity,
    contact::CountryCode,
    elastic_path::EpCartId,
    money::Money,
    pricing::PriceError,
    purchase::{Purchase, PurchaseState},
    session::{AddressPart, CheckoutSession, FormAddress, Rate, SessionCart},
};
use gateways::elastic_path::{
    Caller, EpError,
    cart::{CartLine, CartView, LineKind, NewItem, ShippingLine},
};
use storage::{StoreError, platform_cart, purchase};

use super::{Opening, SessionError, fresh, standard};
use crate::{
    context::PlatformContext,
    flows::{
        FlowError,
        platform_cart::cart_of,
        purchase::cart::{hash, totals},
    },
};

/// A session on the cart that the storefront names, or on the one that the visitor has here.
pub(super) async fn open(
    px: &PlatformContext,
    opening: Opening,
) -> Result<CheckoutSession, SessionError> {
    let cart = match opening.cart {
        Some(cart) => cart,
        None => cart_of(px, opening.visitor).await?.ok_or(SessionError::NoCart)?,
    };
    let view = read_cart(px, &cart).await?;
    if is_consumed(px, &view).await? {
        forget(px, opening.visitor, &cart).await?;
        return Err(SessionError::NoCart);
    }
    // Another session may have chosen how it is sent; this one has not.
    let view = match view.lines.iter().any(CartLine::is_shipping) {
        true => apply_shipping(px, &cart, None).await?,
        false => view,
    };
    let requires_shipping = opening.requires_shipping.unwrap_or(true);
    let of = (SessionCart::Platform(cart), hash(&view));
    let session = fresh(px, opening.visitor, of, requires_shipping);
    let totals = totals(&view).ok_or(SessionError::CartUnpriced)?;
    Ok(session.price(hash(&view), totals, px.clock.now())?)
}

/// Brings the platform's cart to what was typed: where another address or another rate costs
/// something else, the line that shipping is charged by is replaced, and the cart priced again.
pub(super) async fn follow_form(
    px: &PlatformContext,
    before: &CheckoutSession,
    session: CheckoutSession,
) -> Result<CheckoutSession, SessionError> {
    let is_elsewhere = before.form.shipping_address != session.form.shipping_address;
    let session = match session.rates() {
        [..] if !is_elsewhere => session,
        [] => session,
        [..] => offer_shipping(px, session).await?,
    };
    if before.selected_rate() == session.selected_rate() {
        return Ok(session);
    }
    let cart = cart(&session)?;
    let rate = session.selected_rate().cloned();
    let view = apply_shipping(px, &cart, rate.as_ref()).await?;
    let hash = hash(&view);
    // A cart that has changed is not priced: to pay it says so.
    if hash != session.cart_hash {
        return Ok(session);
    }
    let totals = totals(&view).ok_or(SessionError::CartUnpriced)?;
    Ok(session.price(hash, totals, px.clock.now())?)
}

/// Offers the shop's rate for where it goes.
pub(super) async fn offer_shipping(
    px: &PlatformContext,
    session: CheckoutSession,
) -> Result<CheckoutSession, SessionError> {
    let view = read_cart(px, &cart(&session)?).await?;
    let rates = rates(px, &view, session.form.shipping_address.as_ref())?;
    Ok(session.offer(rates, px.clock.now())?)
}

/// Forgets a cart that has become an order: the visitor's next product makes another.
pub async fn forget(
    px: &PlatformContext,
    visitor: domain::id::VisitorId,
    cart: &EpCartId,
) -> Result<(), StoreError> {
    let write = px.store.write((visitor, cart.clone()), |tx, (visitor, cart)| {
        Box::pin(platform_cart::forget(tx, *visitor, cart))
    });
    write.await
}

/// Whether the cart has become an order: its last purchase is bought, and it holds what was ordered,
/// or nothing any more. What its shopper put into it afterwards is hers.
async fn is_consumed(px: &PlatformContext, view: &CartView) -> Result<bool, SessionError> {
    let read =
        px.store.read(view.id.clone(), |tx, cart| Box::pin(purchase::last_of_cart(tx, cart)));
    let last: Result<_, StoreError> = read.await;
    let Some(last) = last? else { return Ok(false) };
    let is_left = view.lines.iter().all(CartLine::is_shipping);
    Ok(is_bought(&last.purchase) && (is_left || hash(view) == last.purchase.terms.cart_hash))
}

fn is_bought(purchase: &Purchase) -> bool {
    use PurchaseState as S;
    match purchase.state() {
        S::Confirmed { .. } | S::Cleaned { .. } => true,
        S::Created { .. }
        | S::Charging { .. }
        | S::RequiresAction { .. }
        | S::Processing { .. }
        | S::Charged { .. }
        | S::Ordering { .. }
        | S::Ordered { .. }
        | S::Confirming { .. }
        | S::Pending { .. }
        | S::Cancelling { .. }
        | S::Declined { .. }
        | S::Abandoned { .. }
        | S::NeedsReconciliation { .. } => false,
    }
}

/// Puts the line right that shipping is charged by, and reads what the cart costs with it.
pub async fn apply_shipping(
    px: &PlatformContext,
    cart: &EpCartId,
    rate: Option<&Rate>,
) -> Result<CartView, SessionError> {
    let refused = SessionError::ShippingNotApplied;
    let ep = &px.elastic_path;
    let view = read_cart(px, cart).await?;
    for line in view.lines.iter().filter(|line| line.is_shipping()) {
        ep.remove_item(Caller::Implicit, cart, &line.id).await.map_err(refused)?;
    }
    if let Some(rate) = rate {
        let line = NewItem::Shipping(ShippingLine {
            name: rate.words.name.clone(),
            rate_id: rate.id.as_str().to_owned(),
            service_level: rate.words.service_level.clone(),
            price: rate.amount,
        });
        ep.add_item(Caller::Implicit, cart, &line).await.map_err(refused)?;
    }
    read_cart(px, cart).await
}

async fn read_cart(px: &PlatformContext, cart: &EpCartId) -> Result<CartView, SessionError> {
    let read: Result<CartView, EpError> = px.elastic_path.cart(Caller::Implicit, cart).await;
    read.map_err(SessionError::CartUnreadable)
}

/// What the goods cost, as their lines say.
fn goods(view: &CartView) -> Result<Money, SessionError> {
    let total = view.total.ok_or(SessionError::CartUnpriced)?;
    let mut goods = Money::zero(total.currency());
    for line in &view.lines {
        let is_goods = matches!(line.kind, LineKind::Product | LineKind::Subscription);
        let is_goods = is_goods || (line.kind == LineKind::Custom && !line.is_shipping());
        let (true, Ok(quantity)) = (is_goods, Quantity::new(line.quantity)) else { continue };
        let price = Money::new(line.price_minor, total.currency())?;
        goods = goods.plus(price.times(quantity.count())?)?;
    }
    Ok(goods)
}

/// The ways to send it: none where the shop does not send to.
pub fn rates(
    px: &PlatformContext,
    view: &CartView,
    address: Option<&FormAddress>,
) -> Result<Vec<Rate>, SessionError> {
    let country = address.map(|address| address.get(AddressPart::Country));
    let country = country.and_then(|text| text.parse::<CountryCode>().ok());
    let Some(country) = country else { return Ok(Vec::new()) };
    let goods = goods(view)?;
    // The shop's prices are in its own currency, and a cart may be in another.
    if goods.currency() != px.shop.prices.currency {
        return Ok(Vec::new());
    }
    match px.shop.prices.sending(goods, country) {
        Ok(amount) => Ok(vec![standard(amount)?]),
        Err(PriceError::NotSentTo(_)) => Ok(Vec::new()),
        Err(error @ (PriceError::Money(_) | PriceError::DoesNotAddUp(_))) => {
            Err(SessionError::Invalid(error.to_string()))
        }
    }
}

fn cart(session: &CheckoutSession) -> Result<EpCartId, FlowError> {
    match &session.cart {
        SessionCart::Platform(cart) => Ok(cart.clone()),
        SessionCart::Here(_) => Err(FlowError::Broken("a session of the other backend".to_owned())),
    }
}
