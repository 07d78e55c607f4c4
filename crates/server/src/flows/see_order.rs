//! Reading an order, for those who may.

use domain::{
    dispute::Dispute,
    id::{CustomerId, OrderId},
    order::Order,
    refund::Refund,
};
use storage::{
    StoreError, Tx, customer::SignedIn, customer_order, dispute, order, payment, refund,
};

use super::{FlowError, customer::Asker};
use crate::context::Context;

/// An order and its payment, as they stand.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The order.
    pub order: Order,
    /// Its payment; none where the total was zero.
    pub payment: Option<payment::Stored>,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// Its disputes, oldest first.
    pub disputes: Vec<Dispute>,
    /// The customer whose it is, if it is one's; to shoppers it is shown where she is signed in.
    pub customer: Option<CustomerId>,
}

/// The order, for whoever has the link to it.
pub async fn see_linked_order(cx: &Context, id: OrderId) -> Result<Seen, FlowError> {
    look(cx, id).await?.map(|seen| seen.shown_to(None)).ok_or(FlowError::NoSuchOrder)
}

/// The order, if the asker's browser made it, or it is hers who is signed in. Everyone else hears the
/// same as for an order that does not exist, so that nobody can find out which ids do.
pub async fn see_order(cx: &Context, asker: Asker, id: OrderId) -> Result<Seen, FlowError> {
    let seen = look(cx, id).await?.filter(|seen| may_see(asker, seen));
    seen.map(|seen| seen.shown_to(asker.signed_in)).ok_or(FlowError::NoSuchOrder)
}

impl Seen {
    /// Whose it is is nobody's business but hers: whoever ordered with another's address would see that
    /// she has an account, and when she signs in.
    fn shown_to(self, signed_in: Option<SignedIn>) -> Self {
        let asks = signed_in.map(|signed_in| signed_in.customer);
        Self { customer: self.customer.filter(|customer| Some(*customer) == asks), ..self }
    }
}

fn may_see(asker: Asker, seen: &Seen) -> bool {
    let is_hers = asker.signed_in.is_some_and(|signed_in| {
        signed_in.visitor == seen.order.visitor || Some(signed_in.customer) == seen.customer
    });
    asker.browser == seen.order.visitor || is_hers
}

async fn look(cx: &Context, id: OrderId) -> Result<Option<Seen>, StoreError> {
    cx.store.read(id, |tx, id| Box::pin(read(tx, *id))).await
}

/// An order, whoever asks.
pub async fn read(tx: &mut Tx, id: OrderId) -> Result<Option<Seen>, StoreError> {
    let Some(order) = order::load(tx, id).await? else { return Ok(None) };
    let payment = payment::of_order(tx, id).await?;
    let refunds = refund::of_order(tx, id).await?;
    let refunds = refunds.into_iter().map(|stored| stored.refund).collect();
    let disputes = dispute::of_order(tx, id).await?;
    let customer = customer_order::owner(tx, id).await?;
    Ok(Some(Seen { order, payment, refunds, disputes, customer }))
}
