//! What a session on a cart at Elastic Path costs: the platform prices the cart, shipping included,
//! which stands in it as a line that the server owns.

use domain::{
    catalog::Quantity,
    elastic_path::{EpCartId, EpProductId},
    money::Money,
    purchase::{Account, Purchase, PurchaseState},
    session::{CheckoutSession, Followed, Rate, SessionCart, SessionState},
};
use gateways::{
    elastic_path::{
        AccountToken, Caller, EpError,
        cart::{CartLine, CartView, LineKind},
    },
    shipping_rates::{Goods, GoodsLine},
};
use storage::{StoreError, platform_cart, purchase};

use super::{Named, Opening, SessionError, alive, fresh, rates};
use crate::{
    context::PlatformContext,
    flows::{
        FlowError,
        platform_cart::cart_of,
        purchase::{
            Answer,
            cart::{hash, is_empty, is_shipped_by, put_shipping, totals},
        },
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
    if is_empty(&view) {
        return Err(SessionError::NoCart);
    }
    // Another session may have chosen how it is sent; this one has not. A cart that is being paid
    // stays as it is, and to pay this session too is to follow that payment.
    let view = match put_line(px, view.clone(), None).await {
        Err(SessionError::NotOpen) => view,
        put => put?,
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
        [..] => offer(px, session).await?,
    };
    follow_rate(px, before, session).await
}

/// Where another rate is selected, or the same at another price, the cart is priced with it.
async fn follow_rate(
    px: &PlatformContext,
    before: &CheckoutSession,
    session: CheckoutSession,
) -> Result<CheckoutSession, SessionError> {
    if before.selected_rate() == session.selected_rate() {
        return Ok(session);
    }
    let view = read_cart(px, &cart(&session)?).await?;
    let view = put_line(px, view, session.selected_rate()).await?;
    let hash = hash(&view);
    // A cart that has changed is not priced: to pay it says so.
    if hash != session.cart_hash {
        return Ok(session);
    }
    let totals = totals(&view).ok_or(SessionError::CartUnpriced)?;
    Ok(session.price(hash, totals, px.clock.now())?)
}

/// Offers the ways to send it to where it goes.
pub(super) async fn offer_shipping(
    px: &PlatformContext,
    before: &CheckoutSession,
) -> Result<CheckoutSession, SessionError> {
    let offered = offer(px, before.clone()).await?;
    follow_rate(px, before, offered).await
}

async fn offer(
    px: &PlatformContext,
    session: CheckoutSession,
) -> Result<CheckoutSession, SessionError> {
    let view = read_cart(px, &cart(&session)?).await?;
    let rates = rates(px, &view, &session).await?;
    Ok(session.offer(rates, px.clock.now())?)
}

/// What must be known before a session is paid, beyond what the payment itself looks at.
pub enum Ready {
    /// It may be paid, by this account if its shopper is signed in.
    ToPay(Option<Account>),
    /// It is being paid or has been; its shopper is told how that stands.
    ToBeTold(Box<CheckoutSession>),
}

/// Looks up who is signed in. Whoever has begun to pay is told how that stands, even if her sign-in has
/// come to its end meanwhile.
pub async fn make_ready(
    px: &PlatformContext,
    named: Named,
    token: Option<AccountToken>,
) -> Result<Ready, SessionError> {
    let session = alive(px, named).await?;
    let Some(token) = token else { return Ok(Ready::ToPay(None)) };
    match signed_in(px, &token).await {
        Ok(account) => Ok(Ready::ToPay(Some(account))),
        Err(_) if !matches!(session.state(), SessionState::Open { .. }) => {
            Ok(Ready::ToBeTold(Box::new(session)))
        }
        Err(error) => Err(error),
    }
}

async fn signed_in(px: &PlatformContext, token: &AccountToken) -> Result<Account, SessionError> {
    match px.elastic_path.signed_in(token).await {
        Ok(Some(account)) => Ok(account),
        Ok(None) | Err(EpError::Refused(_)) => Err(SessionError::NotSignedIn),
        Err(error) => Err(SessionError::AccountUnreadable(error)),
    }
}

/// Whether goods are still sent in this way, at this price.
pub async fn is_offered(
    px: &PlatformContext,
    view: &CartView,
    session: &CheckoutSession,
    rate: &Rate,
) -> Result<bool, SessionError> {
    Ok(rates(px, view, session).await?.contains(rate))
}

/// A session as its shopper is told of it.
pub async fn told(px: &PlatformContext, session: CheckoutSession) -> Result<Answer, StoreError> {
    let Some(Followed::Purchase(id)) = session.followed() else {
        return Ok(Answer::of(session, None));
    };
    let read = px.store.read(id, |tx, id| Box::pin(purchase::by_id(tx, *id)));
    let stored: Option<purchase::Stored> = read.await?;
    Ok(Answer::of(session, stored.as_ref().map(|stored| &stored.purchase)))
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

/// Puts the line right that shipping is charged by. Who pays a cart has it: while somebody does,
/// nobody else changes what she is charged, and the answer is that it is being paid.
///
/// That is a look, and a purchase may begin before the platform has carried out what is asked for
/// here. Nobody is charged unseen for it: before the charge the purchase puts its own shipping line in
/// the place of this one, and compares the sum; what comes after that is found in the amount of the
/// payment, in the cart before the order, or in the order's total, and calls a person. Nothing of the
/// shopper's is deleted by it: only lines of this kind are taken out, by their ids, and a cart that has
/// become an order is left with nothing but such a line.
async fn put_line(
    px: &PlatformContext,
    view: CartView,
    rate: Option<&Rate>,
) -> Result<CartView, SessionError> {
    if is_shipped_by(&view, rate) {
        return Ok(view);
    }
    if is_being_paid(px, &view.id).await? {
        return Err(SessionError::NotOpen);
    }
    let put = put_shipping(px, Caller::Implicit, view, rate).await;
    put.map_err(SessionError::ShippingNotApplied)
}

/// Whether a purchase has the cart, whichever session began it.
async fn is_being_paid(px: &PlatformContext, cart: &EpCartId) -> Result<bool, StoreError> {
    let read = px.store.read(cart.clone(), |tx, cart| Box::pin(purchase::live_of_cart(tx, cart)));
    let live: Option<purchase::Stored> = read.await?;
    Ok(live.is_some())
}

async fn read_cart(px: &PlatformContext, cart: &EpCartId) -> Result<CartView, SessionError> {
    let read: Result<CartView, EpError> = px.elastic_path.cart(Caller::Implicit, cart).await;
    read.map_err(SessionError::CartUnreadable)
}

/// The goods, and what they cost as their lines say.
fn goods(view: &CartView) -> Result<Goods, SessionError> {
    let total = view.total.ok_or(SessionError::CartUnpriced)?;
    let mut goods = Goods { lines: Vec::new(), subtotal: Money::zero(total.currency()) };
    for line in &view.lines {
        let is_goods = matches!(line.kind, LineKind::Product | LineKind::Subscription);
        let is_goods = is_goods || (line.kind == LineKind::Custom && !line.is_shipping());
        if !is_goods {
            continue;
        }
        // What nobody can count is not left out: then it would be sent for nothing.
        let quantity = Quantity::new(line.quantity).map_err(|_| SessionError::CartUncountable)?;
        let unit_price = Money::new(line.price_minor, total.currency())?;
        goods.subtotal = goods.subtotal.plus(unit_price.times(quantity.count())?)?;
        goods.lines.push(GoodsLine {
            product: line.product.as_ref().map(EpProductId::to_string),
            sku: line.sku.clone().unwrap_or_default(),
            name: line.name.clone(),
            quantity: quantity.count(),
            unit_price,
        });
    }
    Ok(goods)
}

async fn rates(
    px: &PlatformContext,
    view: &CartView,
    session: &CheckoutSession,
) -> Result<Vec<Rate>, SessionError> {
    rates::offered(px, &px.shop.prices, session, goods(view)?).await
}

fn cart(session: &CheckoutSession) -> Result<EpCartId, FlowError> {
    match &session.cart {
        SessionCart::Platform(cart) => Ok(cart.clone()),
        SessionCart::Here(_) => Err(FlowError::Broken("a session of the other backend".to_owned())),
    }
}
