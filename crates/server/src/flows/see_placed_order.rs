//! Reading an order at Elastic Path, for the visitor whose purchase made it. It is the platform's
//! order and told as the platform tells it; whose it is stands in our purchase alone, which the order
//! names.

use std::time::Duration;

use domain::{
    elastic_path::EpOrderId,
    id::{PurchaseId, VisitorId},
    purchase::{Purchase, PurchaseState, Reached},
};
use gateways::elastic_path::{Admin, EpError, Unsent, placed::PlacedOrder};
use storage::{StoreError, purchase};
use tokio::time::{Instant, sleep};

use super::FlowError;
use crate::context::PlatformContext;

/// An order at Elastic Path, as it stands.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The order.
    pub placed: PlacedOrder,
    /// How its purchase stands.
    pub purchase: Standing,
}

/// How the purchase stands that has made an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is to be paid, as far as its purchase has heard.
    Open,
    /// The payment is booked on it, complete.
    Booked,
    /// The purchase has come to nothing: it was declined or given up, or a person has ended it.
    Over,
}

/// The calls that it takes: a token and the order.
const CALLS: u32 = 2;
/// So long a reader waits for room among the calls that the platform allows.
const ROOM_WITHIN: Duration = Duration::from_secs(3);

/// The order, if this visitor's purchase made it. Everyone else hears the same as for an order that
/// does not exist.
pub async fn see_placed_order(
    px: &PlatformContext,
    visitor: VisitorId,
    id: &EpOrderId,
) -> Result<Seen, FlowError> {
    // Without the shop's own right nothing can have been bought here.
    let admin = px.elastic_path.admin().ok_or(FlowError::NoSuchOrder)?;
    if is_anothers(px, visitor, id).await? {
        return Err(FlowError::NoSuchOrder);
    }
    room(&admin).await?;
    let placed = px.elastic_path.placed_order(&admin, id).await;
    let placed = placed.map_err(|error| match error.refusal() {
        Some(no) if no.is_not_found() => FlowError::NoSuchOrder,
        Some(_) | None => error.into(),
    })?;
    let named = placed.order.external_ref.as_deref().and_then(|name| name.parse().ok());
    let purchase = load(px, named.ok_or(FlowError::NoSuchOrder)?).await?;
    let made = purchase.as_ref().filter(|purchase| purchase.terms.visitor == visitor);
    let purchase = made.and_then(|purchase| standing_of(purchase, id));
    purchase.map(|purchase| Seen { placed, purchase }).ok_or(FlowError::NoSuchOrder)
}

/// Whether our own rows have the order, and it is another visitor's: then nobody need be asked.
async fn is_anothers(
    px: &PlatformContext,
    visitor: VisitorId,
    id: &EpOrderId,
) -> Result<bool, StoreError> {
    let read = px.store.read(id.clone(), |tx, id| Box::pin(purchase::by_order(tx, id)));
    let made: Option<purchase::Stored> = read.await?;
    Ok(made.is_some_and(|made| made.purchase.terms.visitor != visitor))
}

/// Who only looks waits for those who pay.
async fn room(admin: &Admin) -> Result<(), EpError> {
    let begun = Instant::now();
    loop {
        let Err(busy) = admin.look(CALLS) else { return Ok(()) };
        let wait = busy.retry_after;
        if begun.elapsed() + wait > ROOM_WITHIN {
            return Err(EpError::NotSent(Unsent::TooMany { retry_after: Some(wait) }));
        }
        sleep(wait).await;
    }
}

async fn load(px: &PlatformContext, id: PurchaseId) -> Result<Option<Purchase>, StoreError> {
    let stored = px.store.read(id, |tx, id| Box::pin(purchase::by_id(tx, *id))).await;
    let stored: Option<purchase::Stored> = stored?;
    Ok(stored.map(|stored| stored.purchase))
}

/// How the purchase stands of an order that names it; nothing where it has come to another order, or
/// to none yet.
fn standing_of(purchase: &Purchase, id: &EpOrderId) -> Option<Standing> {
    use PurchaseState as S;
    let (order, standing) = match purchase.state() {
        S::Confirmed { booking, .. } | S::Cleaned { booking } => (&booking.order, Standing::Booked),
        S::Pending { booking, .. } | S::Cancelling { booking, .. } => {
            (&booking.order, Standing::Open)
        }
        S::Ordered { order, .. }
        | S::Confirming { order, .. }
        | S::NeedsReconciliation { reached: Reached::Order(_, order), .. } => {
            (order, Standing::Open)
        }
        // Which orders it made it no longer knows. They are hers all the same, and nobody pays them
        // any more.
        S::Declined { .. } | S::Abandoned { .. } => return Some(Standing::Over),
        S::NeedsReconciliation { reached: Reached::Nothing | Reached::Means(_), .. }
        | S::Created { .. }
        | S::Charging { .. }
        | S::RequiresAction { .. }
        | S::Processing { .. }
        | S::Charged { .. }
        | S::Ordering { .. } => return None,
    };
    (order == id).then_some(standing)
}
