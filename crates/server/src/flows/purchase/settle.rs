//! An operator ends a purchase that no rule can settle: it is paid by an order that she names, nothing
//! was charged for it, or she has given the money back. The platform is asked first, as far as it
//! tells, and what it contradicts is refused.
//!
//! The process may die after each line: orders that nobody pays are cancelled and the payment is taken
//! off the cart before anything is written, and the same command does so again; the verdict is one
//! commit.

use domain::{
    elastic_path::{EpOrderId, EpPaymentId, EpTransactionId},
    history::Actor,
    id::PurchaseId,
    purchase::{Booking, Means, Purchase, PurchaseState, Reached},
};
use gateways::elastic_path::{
    Admin, Caller, EpError,
    order::{OrderChange, OrderPayment, OrderStatus, OrderView, TransactionStatus, WaitsFor},
};
use storage::{
    StoreError,
    purchase::{self as rows, Stored},
};

use super::{
    go_on::{Drive, Until, go_on},
    load,
    old_payment::{self, Old},
    record::{Told, record_as},
    went_on,
};
use crate::{context::Px, flows::FlowError};

/// What a person has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// This order is paid for it.
    Paid(EpOrderId),
    /// Nothing was charged.
    NotPaid,
    /// What was charged has been given back.
    Refunded,
}

/// What a person wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The purchase.
    pub purchase: PurchaseId,
    /// What she has found.
    pub verdict: Verdict,
    /// What she did; kept in the history.
    pub note: Option<String>,
}

/// Why a purchase was not ended. It stands as it did.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// There is no such purchase.
    #[error("there is no such purchase; `till purchases list` shows those that there are")]
    NoSuchPurchase,
    /// No person is wanted.
    #[error("it is {state}: only one that needs a person is ended by hand")]
    NeedsNobody {
        /// Where it stands.
        state: &'static str,
    },
    /// The shop cannot ask.
    #[error("Elastic Path cannot be asked: EP_CLIENT_SECRET is not set")]
    NoSecret,
    /// The platform says otherwise.
    #[error("Elastic Path says otherwise: {0}")]
    Contradicted(String),
    /// It came right, or a server has moved it.
    #[error("it has moved meanwhile; look at it again with `till purchases show`")]
    Moved,
    /// The platform or the database did not answer.
    #[error("it is not ended, for there was no answer: {0}")]
    NoAnswer(#[from] FlowError),
}

impl From<EpError> for SettleError {
    fn from(error: EpError) -> Self {
        Self::NoAnswer(error.into())
    }
}

impl From<StoreError> for SettleError {
    fn from(error: StoreError) -> Self {
        Self::NoAnswer(error.into())
    }
}

/// Ends a purchase by a person's word, and frees its cart. Where it stands then.
pub async fn settle(px: &Px, wish: Wish) -> Result<Purchase, SettleError> {
    let Wish { purchase: id, verdict, note } = wish;
    let stored = load(px, id).await?.ok_or(SettleError::NoSuchPurchase)?;
    let state = stored.purchase.state();
    if !matches!(state, PurchaseState::NeedsReconciliation { .. }) {
        return Err(SettleError::NeedsNobody { state: state.name() });
    }
    let admin = px.elastic_path.admin().ok_or(SettleError::NoSecret)?;
    let (after, words) = match &verdict {
        Verdict::Paid(order) => {
            let booking = paid_by(px, &admin, &stored.purchase, order).await?;
            let after = stored.purchase.clone().settle_as_paid(booking, px.clock.now());
            (after, format!("Order {order} is paid for it."))
        }
        Verdict::NotPaid | Verdict::Refunded => {
            close(px, &admin, &stored.purchase, &verdict).await?;
            let words = match verdict {
                Verdict::Refunded => "What was charged is given back.",
                Verdict::NotPaid | Verdict::Paid(_) => "Nothing was charged.",
            };
            (stored.purchase.clone().settle(px.clock.now()), words.to_owned())
        }
    };
    let after = after.map_err(|_| SettleError::Moved)?;
    let note = note.map_or_else(String::new, |note| format!(" Note: {note}"));
    let told = Told { actor: Actor::Operator, sentence: format!("Ended by hand. {words}{note}") };
    let moved = record_as(px, &stored, after, told).await?.ok_or(SettleError::Moved)?;
    // What is to be tidied up after a sale; a running server does it too.
    let end = went_on(id, go_on(px, Drive::of(admin), moved.clone(), Until::AtRest).await);
    Ok(end.unwrap_or(moved).purchase)
}

fn contradicted<T>(what: impl Into<String>) -> Result<T, SettleError> {
    Err(SettleError::Contradicted(what.into()))
}

/// The booking of a named order, if the order is this purchase's and paid.
async fn paid_by(
    px: &Px,
    admin: &Admin,
    purchase: &Purchase,
    named: &EpOrderId,
) -> Result<Booking, SettleError> {
    let order = match px.elastic_path.order(admin, named).await {
        Err(EpError::Refused(no)) if no.status == 404 => {
            return contradicted(format!("there is no order {named}."));
        }
        order => order?,
    };
    if let Some(owner) = owner_of(px, &order).await?.filter(|owner| *owner != purchase.terms.id) {
        return contradicted(format!("order {named} was made for purchase {owner}."));
    }
    let is_paid = matches!(order.payment, OrderPayment::Paid | OrderPayment::Authorized);
    if !is_paid || order.status == OrderStatus::Cancelled {
        let cancelled = if order.status == OrderStatus::Cancelled { " and cancelled" } else { "" };
        return contradicted(format!("order {named} is {}{cancelled}.", order.payment));
    }
    let amount = purchase.terms.amount;
    if order.total != Some(amount) {
        let total = order.total.map_or_else(|| "an unknown sum".to_owned(), |sum| sum.to_string());
        return contradicted(format!("order {named} comes to {total}, and not to {amount}."));
    }
    let booked = px.elastic_path.transactions(admin, named).await?;
    let Some(done) = booked.into_iter().find(|one| one.has_happened()) else {
        return contradicted(format!("nothing that is booked on order {named} has happened."));
    };
    let means = match (purchase.payment(), done.payment) {
        (Some(known), Some(paid)) if *known != paid && purchase.progress().is_charged => {
            return contradicted(format!(
                "order {named} is paid by {paid}, and {known} has succeeded too: give that back, \
                 and use --refunded."
            ));
        }
        (_, Some(paid)) => Means::Payment(paid),
        (Some(known), None) => Means::Payment(known.clone()),
        (None, None) if amount.is_zero() => Means::Free,
        (None, None) => {
            return contradicted(format!(
                "order {named} does not tell by which payment it is paid."
            ));
        }
    };
    Ok(booking(means, named, done.id))
}

fn booking(means: Means, order: &EpOrderId, transaction: EpTransactionId) -> Booking {
    Booking { means, order: order.clone(), transaction }
}

/// The purchase that an order belongs to, by our books or by the name that it carries.
async fn owner_of(px: &Px, order: &OrderView) -> Result<Option<PurchaseId>, StoreError> {
    let named = order.external_ref.as_deref().and_then(|name| name.parse::<PurchaseId>().ok());
    let read = px.store.read((order.id.clone(), named), |tx, (order, named)| {
        Box::pin(async move {
            if let Some(owner) = rows::by_order(tx, order).await? {
                return Ok(Some(owner));
            }
            match named {
                Some(named) => rows::by_id(tx, *named).await,
                None => Ok(None),
            }
        })
    });
    let owner: Option<Stored> = read.await?;
    Ok(owner.map(|owner| owner.purchase.terms.id))
}

/// Sees to it that no money can come, and that no order goes out: then the cart is free.
async fn close(
    px: &Px,
    admin: &Admin,
    purchase: &Purchase,
    verdict: &Verdict,
) -> Result<(), SettleError> {
    let is_charged = purchase.progress().is_charged;
    if let (true, Verdict::NotPaid, Some(payment)) = (is_charged, verdict, purchase.payment()) {
        return contradicted(has_paid(payment));
    }
    let unpaid = unpaid_orders(px, admin, purchase, verdict).await?;
    let cart = &purchase.terms.cart;
    let seen = px.elastic_path.cart(Caller::Admin(admin), cart).await?;
    if let Some(payment) = &seen.payment {
        match (old_payment::ask(px, admin, (cart, payment)).await?, verdict) {
            (Old::UnderWay, _) => {
                return contradicted(format!(
                    "payment {payment} can still be paid: cancel it at Stripe first."
                ));
            }
            (Old::Paid, Verdict::NotPaid) => return contradicted(has_paid(payment)),
            (Old::Paid | Old::Over | Old::Untold, _) => {}
        }
    }
    for order in unpaid {
        px.elastic_path.change_order(admin, &order, &OrderChange::Cancel).await?;
    }
    if seen.payment.is_some() {
        px.elastic_path.detach_payment(admin, cart).await?;
    }
    Ok(())
}

fn has_paid(payment: &EpPaymentId) -> String {
    format!("payment {payment} has succeeded: give it back at Stripe, and use --refunded.")
}

/// The orders of a purchase that nobody has paid; none of them may be paid, or about to be.
async fn unpaid_orders(
    px: &Px,
    admin: &Admin,
    purchase: &Purchase,
    verdict: &Verdict,
) -> Result<Vec<EpOrderId>, SettleError> {
    let ep = &px.elastic_path;
    let mut orders = ep.orders_named(admin, &purchase.external_ref()).await?;
    if let PurchaseState::NeedsReconciliation { reached: Reached::Order(_, order), .. } =
        purchase.state()
        && !orders.iter().any(|one| one.id == *order)
    {
        orders.push(ep.order(admin, order).await?);
    }
    let mut unpaid = Vec::new();
    for OrderView { id, status, payment, .. } in orders {
        match (&status, &payment, verdict) {
            (OrderStatus::Cancelled, _, Verdict::Refunded)
            | (OrderStatus::Cancelled, OrderPayment::Unpaid, _)
            | (_, OrderPayment::Refunded, Verdict::Refunded) => continue,
            (_, OrderPayment::Unpaid, _) => {}
            (_, _, Verdict::Refunded) => {
                return contradicted(format!(
                    "order {id} is {payment}: cancel it there first, or use --paid {id}."
                ));
            }
            (_, _, _) => {
                return contradicted(format!("order {id} is {payment}: use --paid {id}."));
            }
        }
        for one in ep.transactions(admin, &id).await? {
            let may_come = match one.waits_for() {
                WaitsFor::Shopper | WaitsFor::Bank => one.status == TransactionStatus::Pending,
                WaitsFor::AnotherWay | WaitsFor::Nothing => false,
            };
            if may_come || one.has_happened() {
                return contradicted(format!(
                    "what is booked on order {id} can still be paid, or has been: cancel it first."
                ));
            }
        }
        unpaid.push(id);
    }
    Ok(unpaid)
}
