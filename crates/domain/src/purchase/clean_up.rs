//! What is tidied up after an order is paid: the cart forgets the payment, the account lets go of
//! the cart, the cart is deleted, and an order that was made twice is looked for. Each is done until
//! it is done, in this order, and none of it ever fails the sale.

use jiff::{SignedDuration, Timestamp};

use super::Step;

/// What is done of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanUp {
    /// The cart no longer names the payment: an order made of it later would be linked to it.
    pub is_detached: bool,
    /// The account no longer holds the cart, or never did.
    pub is_dissociated: bool,
    /// What became of the cart.
    pub cart: Option<CartsEnd>,
    /// When a second order, and a second booking, is to be looked for; nothing once that is done, or
    /// where both were asked for once.
    pub twin_due_at: Option<Timestamp>,
}

/// What became of a cart that is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartsEnd {
    /// It is deleted.
    Deleted,
    /// The shopper had put something else into it by then: it is hers.
    Kept,
}

/// A thing to be tidied up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanUpStep {
    /// Take the payment off the cart.
    Detach,
    /// Take the cart off the account.
    Dissociate,
    /// Delete the cart if it still holds what was ordered, and nothing else.
    DeleteCart,
    /// Look for another order that carries our reference, and for another booking on ours. An order
    /// that is not paid is cancelled, anything else is a matter for a person.
    FindTwin,
}

/// What was asked for twice may take so long to show in the list.
const TWIN_SHOWS_WITHIN: SignedDuration = SignedDuration::from_mins(15);

impl CleanUp {
    /// Nothing is done yet.
    pub(super) fn begin(has_account: bool, may_have_twins: bool, now: Timestamp) -> Self {
        Self {
            is_detached: false,
            is_dissociated: !has_account,
            cart: None,
            twin_due_at: may_have_twins.then(|| now + TWIN_SHOWS_WITHIN),
        }
    }

    /// Whether the cart can no longer be taken for one that is not paid.
    pub fn is_cart_done(&self) -> bool {
        self.is_detached && self.cart.is_some()
    }

    pub(super) fn next(&self, now: Timestamp) -> Step {
        if !self.is_detached {
            return Step::CleanUp(CleanUpStep::Detach);
        }
        if !self.is_dissociated {
            return Step::CleanUp(CleanUpStep::Dissociate);
        }
        match (self.cart, self.twin_due_at) {
            (None, _) => Step::CleanUp(CleanUpStep::DeleteCart),
            (Some(_), Some(due_at)) if now >= due_at => Step::CleanUp(CleanUpStep::FindTwin),
            (Some(_), Some(_)) => Step::Wait,
            (Some(_), None) => Step::Nothing,
        }
    }

    /// When to go on, where that is known.
    pub(super) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        self.twin_due_at.filter(|due_at| self.is_cart_done() && *due_at > now)
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_cart_done() && self.is_dissociated && self.twin_due_at.is_none()
    }
}
