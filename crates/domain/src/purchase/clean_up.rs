//! What is tidied up after an order is paid: the cart forgets the payment, the account lets go of
//! the cart, the cart is deleted, the order is told what the storefront notes with it, and an order that was made twice is looked for. They are done in this
//! order, none waits for another that does not work, each is tried until it is done or has been
//! refused for so long that it is left to a person, and none of it ever fails the sale.

use jiff::{SignedDuration, Timestamp};

use super::{Purchase, PurchaseState, Step, Terms};

/// What is done of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanUp {
    /// The cart no longer names the payment, or a person has been told that it does: an order made of
    /// it later would be linked to it.
    pub is_detached: bool,
    /// The account no longer holds the cart, or never did, or a person has been told that it does.
    pub is_dissociated: bool,
    /// What became of the cart.
    pub cart: Option<CartsEnd>,
    /// The order has what the storefront notes with it, or there is nothing, or it takes none of it.
    pub is_noted: bool,
    /// When a second order, and a second booking, is to be looked for; nothing once that is done, or
    /// where both were asked for once.
    pub twin_due_at: Option<Timestamp>,
}

/// What became of a cart that is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartsEnd {
    /// It is deleted.
    Deleted,
    /// It stays: the shopper had put something else into it by then, which is hers, or the platform
    /// does not delete it, and a person has been told so.
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
    /// Write on the order what the storefront notes with it.
    Note,
    /// Look for another order that carries our reference, and for another booking on ours. An order
    /// that is not paid is cancelled, anything else is a matter for a person.
    FindTwin,
}

/// What was asked for twice may take so long to show in the list.
const TWIN_SHOWS_WITHIN: SignedDuration = SignedDuration::from_mins(15);
/// What is refused a day after the order was paid is refused for good. By then a session of the same
/// cart has ended, unless its shopper has come back to it all day.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(24);

impl CleanUp {
    /// Nothing is done yet.
    pub(super) fn begin(terms: &Terms, may_have_twins: bool, now: Timestamp) -> Self {
        Self {
            is_detached: false,
            is_dissociated: terms.buyer.account.is_none(),
            cart: None,
            is_noted: terms.attributes.is_empty(),
            twin_due_at: may_have_twins.then(|| now + TWIN_SHOWS_WITHIN),
        }
    }

    /// Whether the cart can no longer be taken for one that is not paid.
    pub fn is_cart_done(&self) -> bool {
        self.is_detached && self.cart.is_some()
    }

    pub(super) fn next(&self, now: Timestamp) -> Step {
        match self.steps(now).first() {
            Some(step) => Step::CleanUp(*step),
            None if self.is_done() => Step::Nothing,
            None => Step::Wait,
        }
    }

    /// What can be done now.
    fn steps(&self, now: Timestamp) -> Vec<CleanUpStep> {
        let steps = [
            (!self.is_detached, CleanUpStep::Detach),
            (!self.is_dissociated, CleanUpStep::Dissociate),
            (self.cart.is_none(), CleanUpStep::DeleteCart),
            (!self.is_noted, CleanUpStep::Note),
            (self.twin_due_at.is_some_and(|due_at| now >= due_at), CleanUpStep::FindTwin),
        ];
        steps.into_iter().filter_map(|(is_open, step)| is_open.then_some(step)).collect()
    }

    /// When to go on, where that is known.
    pub(super) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        self.twin_due_at.filter(|due_at| self.is_cart_done() && self.is_noted && *due_at > now)
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_cart_done() && self.is_dissociated && self.is_noted && self.twin_due_at.is_none()
    }
}

impl Purchase {
    /// What can be tidied up now, in this order.
    pub fn to_tidy(&self, now: Timestamp) -> Vec<CleanUpStep> {
        match self.state() {
            PurchaseState::Confirmed { clean_up, .. } => clean_up.steps(now),
            PurchaseState::Created { .. }
            | PurchaseState::Charging { .. }
            | PurchaseState::RequiresAction { .. }
            | PurchaseState::Processing { .. }
            | PurchaseState::Charged { .. }
            | PurchaseState::Ordering { .. }
            | PurchaseState::Ordered { .. }
            | PurchaseState::Confirming { .. }
            | PurchaseState::Pending { .. }
            | PurchaseState::Cancelling { .. }
            | PurchaseState::Cleaned { .. }
            | PurchaseState::Declined { .. }
            | PurchaseState::Abandoned { .. }
            | PurchaseState::NeedsReconciliation { .. } => Vec::new(),
        }
    }

    /// Whether what the platform refuses to tidy up now is left to a person.
    pub fn is_refused_for_good(&self, now: Timestamp) -> bool {
        now >= self.progress().since + REFUSED_FOR
    }
}

impl CleanUpStep {
    /// Its name in the list of what a person must see to.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detach => "detach",
            Self::Dissociate => "dissociate",
            Self::DeleteCart => "delete_cart",
            Self::Note => "note",
            Self::FindTwin => "find_twin",
        }
    }
}
