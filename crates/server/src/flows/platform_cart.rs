//! The visitor's cart at Elastic Path. It is made with the first product that she puts into it, and
//! a cart that has become an order is hers no longer.

use std::num::NonZeroU32;

use domain::{
    catalog::Quantity,
    elastic_path::{EpCartId, EpItemId, EpProductId},
    id::VisitorId,
};
use gateways::elastic_path::{
    Caller, EpError,
    cart::{CartView, NewItem},
};
use jiff::Timestamp;
use storage::{StoreError, Tx, platform_cart, purchase};

use super::FlowError;
use crate::context::PlatformContext;

/// What a visitor wants of her cart.
#[derive(Debug, Clone)]
pub enum Change {
    /// Some pieces of a product are added.
    Add {
        /// The product.
        product: EpProductId,
        /// How many.
        quantity: Quantity,
    },
    /// A line gets another quantity.
    SetQuantity {
        /// The line.
        line: EpItemId,
        /// How many.
        quantity: Quantity,
    },
    /// A line is taken out.
    Remove {
        /// The line.
        line: EpItemId,
    },
    /// Everything is taken out.
    Clear,
}

/// The visitor's cart; nothing where she has none. To look makes none.
pub async fn look_at_cart(
    px: &PlatformContext,
    visitor: VisitorId,
) -> Result<Option<CartView>, FlowError> {
    match cart_of(px, visitor).await? {
        Some(cart) => Ok(Some(px.elastic_path.cart(Caller::Implicit, &cart).await?)),
        None => Ok(None),
    }
}

/// Changes the visitor's cart, and answers it as it is then.
pub async fn fill_cart(
    px: &PlatformContext,
    visitor: VisitorId,
    change: Change,
) -> Result<Option<CartView>, FlowError> {
    let cart = match &change {
        Change::Add { .. } => Some(cart_to_fill(px, visitor).await?),
        Change::SetQuantity { .. } | Change::Remove { .. } | Change::Clear => {
            cart_to_change(px, visitor).await?
        }
    };
    let Some(cart) = cart else {
        return match change {
            Change::Clear | Change::Add { .. } => Ok(None),
            Change::SetQuantity { .. } | Change::Remove { .. } => Err(FlowError::NoSuchLine),
        };
    };
    let ep = &px.elastic_path;
    let done = match &change {
        Change::Add { product, quantity } => {
            let (product, quantity) = (product.clone(), pieces(*quantity)?);
            let item = NewItem::Product { product, quantity };
            ep.add_item(Caller::Implicit, &cart, &item).await.map(drop)
        }
        Change::SetQuantity { line, quantity } => {
            ep.change_quantity(Caller::Implicit, &cart, line, pieces(*quantity)?).await
        }
        Change::Remove { line } => ep.remove_item(Caller::Implicit, &cart, line).await,
        Change::Clear => ep.empty_cart(Caller::Implicit, &cart).await,
    };
    done.map_err(|error| of_change(&change, error))?;
    Ok(Some(ep.cart(Caller::Implicit, &cart).await?))
}

fn pieces(quantity: Quantity) -> Result<NonZeroU32, FlowError> {
    NonZeroU32::new(quantity.count()).ok_or_else(|| FlowError::Broken("no pieces".to_owned()))
}

/// What the platform does not find is what the visitor named.
fn of_change(change: &Change, error: EpError) -> FlowError {
    match (error.refusal().is_some_and(|no| no.is_not_found()), change) {
        (true, Change::Add { .. }) => FlowError::NoSuchProduct,
        (true, Change::SetQuantity { .. } | Change::Remove { .. }) => FlowError::NoSuchLine,
        (true, Change::Clear) | (false, _) => error.into(),
    }
}

/// The visitor's cart by name.
pub async fn cart_of(
    px: &PlatformContext,
    visitor: VisitorId,
) -> Result<Option<EpCartId>, StoreError> {
    px.store.read(visitor, |tx, visitor| Box::pin(platform_cart::of_visitor(tx, *visitor))).await
}

/// The visitor's cart, unless it is being paid: what is charged is what she saw.
async fn cart_to_change(
    px: &PlatformContext,
    visitor: VisitorId,
) -> Result<Option<EpCartId>, FlowError> {
    let read = px.store.read(visitor, |tx, visitor| {
        Box::pin(async move {
            let Some(cart) = platform_cart::of_visitor(tx, *visitor).await? else {
                return Ok(None);
            };
            let live = purchase::live_of_cart(tx, &cart).await?;
            Ok(Some((cart, live.is_some())))
        })
    });
    let seen: Result<_, StoreError> = read.await;
    match seen? {
        Some((_, true)) => Err(FlowError::CartBeingPaid),
        Some((cart, false)) => Ok(Some(cart)),
        None => Ok(None),
    }
}

/// The visitor's cart, or a new one: also where hers is being paid and that takes long, or what she
/// goes on to buy would stop an order that is already charged.
async fn cart_to_fill(px: &PlatformContext, visitor: VisitorId) -> Result<EpCartId, FlowError> {
    let new = px.ids.next().to_string().parse::<EpCartId>();
    let new = new.map_err(|error| FlowError::Broken(error.to_string()))?;
    let write = px.store.write((visitor, new, px.clock.now()), |tx, (visitor, new, at)| {
        Box::pin(free_cart(tx, *visitor, new, *at))
    });
    write.await
}

async fn free_cart(
    tx: &mut Tx,
    visitor: VisitorId,
    new: &EpCartId,
    at: Timestamp,
) -> Result<EpCartId, FlowError> {
    let cart = platform_cart::of_visitor_or_new(tx, visitor, new, at).await?;
    let Some(live) = purchase::live_of_cart(tx, &cart).await? else { return Ok(cart) };
    if !live.purchase.takes_long() {
        return Err(FlowError::CartBeingPaid);
    }
    platform_cart::forget(tx, visitor, &cart).await?;
    Ok(platform_cart::of_visitor_or_new(tx, visitor, new, at).await?)
}
