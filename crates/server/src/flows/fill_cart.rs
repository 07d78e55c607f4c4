//! Filling a cart. Each change is one transaction that locks the cart, so two tabs of one visitor
//! take turns.

use domain::{
    cart::{Cart, CartError, Drift, Shortage},
    catalog::{Offer, Quantity},
    id::{CartId, LineId, ProductId, VisitorId},
    money::Currency,
};
use jiff::Timestamp;
use storage::{StoreError, Tx, cart, catalog};
use uuid::Uuid;

use super::FlowError;
use crate::context::Context;

/// What a visitor asks of her cart.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// Puts more of a product in.
    Add {
        /// What.
        product: ProductId,
        /// How many.
        quantity: Quantity,
    },
    /// Sets how many a line asks for.
    SetQuantity {
        /// Which line.
        line: LineId,
        /// How many.
        quantity: Quantity,
    },
    /// Takes a line out.
    Remove {
        /// Which line.
        line: LineId,
    },
    /// Takes everything out.
    Clear,
    /// Brings the lines up to date with the catalogue.
    Refresh,
}

/// A cart, and what the visitor should hear about it.
#[derive(Debug, Clone)]
pub struct Filled {
    /// The cart.
    pub cart: Cart,
    /// What the catalogue changed.
    pub drift: Drift,
}

/// Changes the visitor's cart; her first change makes it.
pub async fn fill_cart(
    cx: &Context,
    visitor: VisitorId,
    change: Change,
) -> Result<Filled, FlowError> {
    let (id, line) = (CartId(cx.ids.next()), LineId(cx.ids.next()));
    let (currency, at) = (cx.shop.prices.currency, cx.clock.now());
    let made = cx.ids.next();
    let filling = Filling { visitor, change, made, id, line, currency, at };
    cx.store.write(filling, |tx, filling| Box::pin(filling.run(tx))).await
}

/// The visitor's cart, brought up to date with the catalogue: what changed is told, and kept. A
/// look at a cart that nothing has changed writes nothing.
pub async fn look_at_cart(cx: &Context, visitor: VisitorId) -> Result<Filled, FlowError> {
    let currency = cx.shop.prices.currency;
    let new = CartId(cx.ids.next());
    let (filled, is_fresh) = cx
        .store
        .read((visitor, currency, new), |tx, (visitor, currency, new)| {
            Box::pin(async move {
                let Some(cart) = cart::of_visitor(tx, *visitor).await? else {
                    let cart = Cart::empty(*new, *visitor, *currency);
                    return Ok((Filled { cart, drift: Drift::default() }, true));
                };
                let offers = catalog::offers_of_cart(tx, cart.id).await?;
                let (fresh, drift) = cart.clone().refresh(&offers);
                let is_fresh = fresh == cart;
                Ok::<_, StoreError>((Filled { cart, drift }, is_fresh))
            })
        })
        .await?;
    if is_fresh {
        return Ok(filled);
    }
    fill_cart(cx, visitor, Change::Refresh).await
}

#[derive(Debug)]
struct Filling {
    visitor: VisitorId,
    change: Change,
    /// Names this change, so that a lost commit does not lead to a second one.
    made: Uuid,
    /// For a visitor who has no cart yet.
    id: CartId,
    /// For a product that has no line yet.
    line: LineId,
    currency: Currency,
    at: Timestamp,
}

impl Filling {
    async fn run(&self, tx: &mut Tx) -> Result<Filled, FlowError> {
        let before = self.lock(tx).await?;
        let offers = catalog::offers_of_cart(tx, before.id).await?;
        // Whatever was asked, the answer shows every line at its present price and says so.
        let (fresh, Drift { prices, .. }) = before.clone().refresh(&offers);
        let after = match cart::note_change(tx, before.id, self.made).await? {
            true => self.changed(tx, fresh).await?,
            // An earlier run made it; only the answer was lost.
            false => fresh,
        };
        cart::save_lines(tx, &before, &after, self.at).await?;
        let offers = catalog::offers_of_cart(tx, after.id).await?;
        let Drift { shortages, .. } = after.drift(&offers);
        Ok(Filled { cart: after, drift: Drift { prices, shortages } })
    }

    async fn lock(&self, tx: &mut Tx) -> Result<Cart, FlowError> {
        if let Some(cart) = cart::lock_of_visitor(tx, self.visitor).await? {
            return Ok(cart);
        }
        let empty = Cart::empty(self.id, self.visitor, self.currency);
        if cart::insert(tx, &empty, self.at).await? {
            return Ok(empty);
        }
        // Another tab was faster by a moment.
        let cart = cart::lock_of_visitor(tx, self.visitor).await?;
        cart.ok_or_else(|| FlowError::Broken("a cart vanished".to_owned()))
    }

    async fn changed(&self, tx: &mut Tx, cart: Cart) -> Result<Cart, FlowError> {
        match self.change {
            Change::Add { product, quantity } => {
                let offer = offer(tx, product, &cart).await?;
                let offer = offer.filter(|offer| offer.product.active);
                let offer = offer.ok_or(FlowError::NoSuchProduct)?;
                payable(cart.add(&offer, quantity, self.line)?.0)
            }
            Change::SetQuantity { line, quantity } => {
                let known = cart.lines().iter().find(|known| known.id == line);
                let known = known.ok_or(CartError::NoSuchLine)?;
                let Some(offer) = offer(tx, known.product, &cart).await? else {
                    let gone = known.shortage(Some(line), 0);
                    let wanted = quantity.count();
                    return Err(CartError::Short(Shortage { wanted, ..gone }).into());
                };
                payable(cart.set_quantity(line, quantity, &offer)?)
            }
            Change::Remove { line } => Ok(cart.remove(line)?),
            Change::Clear => Ok(cart.clear()),
            Change::Refresh => Ok(cart),
        }
    }
}

/// A cart whose sum is an amount at all, so that it can be shown.
fn payable(cart: Cart) -> Result<Cart, FlowError> {
    cart.subtotal().map_err(CartError::from)?;
    Ok(cart)
}

async fn offer(tx: &mut Tx, product: ProductId, cart: &Cart) -> Result<Option<Offer>, StoreError> {
    catalog::offer(tx, product, cart.id).await
}
