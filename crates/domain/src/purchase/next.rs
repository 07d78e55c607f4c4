//! What may be done next with a purchase, and when. How long each thing may take stands here.

use jiff::{SignedDuration, Timestamp};

use super::{
    Abandonment, Aim, Asked, Booking, CleanUpStep, ClientSecret, Matter, Means, Purchase,
    PurchaseState, Reached, StepError,
};
use crate::{
    elastic_path::{EpOrderId, EpPaymentId},
    id::VisitorId,
    session::{Action, SessionOrder, Standing},
};

/// What may be done next with a purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Somebody is at it: look again when [`Purchase::due`] says.
    Wait,
    /// Compare the cart, put the shipping right, take an old payment off the cart; then
    /// [`Purchase::charge`] or [`Purchase::order_free`], and put the question.
    Prepare,
    /// [`Purchase::give_up`]: it was not begun in time, and nothing was charged.
    GiveUp,
    /// Read the cart. A payment there is asked how it stands, and heard. If there is none and
    /// `may_repeat`: [`Purchase::charge_again`], with the same token.
    FindCharge {
        /// Whether the charge may be asked for again.
        may_repeat: bool,
    },
    /// Ask how the payment stands. Where the platform does not tell: as for [`Step::CheckOut`].
    AskPayment(EpPaymentId),
    /// [`Purchase::abandon`]: the shopper did not come back.
    Abandon,
    /// Compare the cart; then [`Purchase::check_out`], and put the question.
    CheckOut,
    /// Look for an order that carries [`Purchase::external_ref`]. If there is none and
    /// `may_repeat`: as for [`Step::CheckOut`].
    FindOrder {
        /// Whether the order may be asked for again.
        may_repeat: bool,
    },
    /// [`Purchase::confirm`], and put the question.
    Confirm(EpOrderId),
    /// Read the order and its transactions. If none books our payment and `may_repeat`: as for
    /// [`Step::Confirm`].
    ReadOrder {
        /// Which order.
        order: EpOrderId,
        /// Whether the question that was put last may be put again.
        may_repeat: bool,
    },
    /// [`Purchase::cancel`], and put the question; then cancel the order too.
    Cancel(Booking),
    /// Something is to be tidied up.
    CleanUp(CleanUpStep),
    /// [`Purchase::call_person`].
    CallPerson(Matter),
    /// It is over.
    Nothing,
}

/// How long the worker leaves to whoever put a question, or is between two of them. Longer than a
/// call to the platform may take (30 seconds) that was begun within [`PUT_WITHIN`].
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_secs(45);
/// A question is put so soon after it was written down, or not at all.
const PUT_WITHIN: SignedDuration = SignedDuration::from_secs(10);
/// A shopper who waited longer for the charge to begin has gone, or has clicked again.
pub(super) const BEGIN_WITHIN: SignedDuration = SignedDuration::from_secs(60);
/// So long after money may have moved a person is called when nothing can be found out, however many
/// questions went unanswered meanwhile; where none can have moved, so long after the question.
pub(super) const FIND_WITHIN: SignedDuration = SignedDuration::from_mins(4);
/// A charge or a booking may take so long to show in the platform's books.
pub(super) const SHOWS_WITHIN: SignedDuration = SignedDuration::from_secs(30);
/// An order may take so long to show in the list of orders.
pub(super) const LISTED_WITHIN: SignedDuration = SignedDuration::from_mins(2);
/// How often a question is put at most.
const TIMES_MAX: u32 = 2;
/// Money that a bank moves by itself has its order, or a person who knows, within five minutes: who
/// waits for a bank is looked at so often, in seconds.
const LOOK_WITHIN: i64 = 240;
/// A shopper does not take longer for a challenge.
const ACTION_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// After it a person is called for a challenge that was never solved.
const ACTION_ENDS: SignedDuration = SignedDuration::from_hours(24);
/// An asynchronous method may take two weeks.
const PROCESSING_ENDS: SignedDuration = SignedDuration::from_hours(24 * 15);

impl Asked {
    pub(super) fn first(at: Timestamp) -> Self {
        Self { last: at, times: 1, is_lost: false }
    }

    /// It is put once more, if that is allowed so long after the last time.
    pub(super) fn again(self, at: Timestamp, after: SignedDuration) -> Result<Self, StepError> {
        match !self.is_awaited(at) && self.may_repeat(at, after) {
            true => Ok(Self { last: at, times: self.times + 1, is_lost: false }),
            false => Err(StepError),
        }
    }

    /// It reached nobody, so it counts as if it had not been put.
    pub(super) fn not_put(self) -> Self {
        Self { times: self.times.saturating_sub(1), is_lost: true, ..self }
    }

    pub(super) fn may_still_be_put(self, now: Timestamp) -> bool {
        !self.is_lost && now < self.last + PUT_WITHIN
    }

    /// Whether the answer may still come.
    fn is_awaited(self, now: Timestamp) -> bool {
        !self.is_lost && now < self.last + ANSWER_WITHIN
    }

    fn may_repeat(self, now: Timestamp, after: SignedDuration) -> bool {
        self.times == 0 || (self.times < TIMES_MAX && now >= self.last + after)
    }
}

impl Purchase {
    /// What may be done next.
    pub fn next(&self, now: Timestamp) -> Step {
        use PurchaseState as S;
        match self.state() {
            S::Created { .. } if now < self.progress.since + BEGIN_WITHIN => Step::Prepare,
            S::Created { .. } => Step::GiveUp,
            S::Charging { asked, .. } => self.find(now, *asked, Matter::ChargeUnknown, || {
                Step::FindCharge { may_repeat: asked.may_repeat(now, SHOWS_WITHIN) }
            }),
            S::RequiresAction { payment, .. } => self.after_challenge(now, payment),
            S::Processing { .. } if now >= self.processed_by() => {
                Step::CallPerson(Matter::Unfinished)
            }
            S::Processing { payment } => Step::AskPayment(payment.clone()),
            S::Charged { .. } if now >= self.found_by() => Step::CallPerson(Matter::CartUnread),
            S::Charged { .. } => Step::CheckOut,
            S::Ordering { asked, .. } => {
                // What reached nobody has made no order: it is asked for as soon as that works.
                let is_unasked = asked.times == 0 && self.progress.is_charged;
                let matter = if is_unasked { Matter::CartUnread } else { Matter::CheckoutUnknown };
                self.find(now, *asked, matter, || Step::FindOrder {
                    may_repeat: asked.may_repeat(now, LISTED_WITHIN),
                })
            }
            S::Ordered { order, .. } => Step::Confirm(order.clone()),
            S::Confirming { order, asked, .. } => {
                self.find(now, *asked, Matter::ConfirmUnknown, || Step::ReadOrder {
                    order: order.clone(),
                    may_repeat: asked.may_repeat(now, SHOWS_WITHIN),
                })
            }
            S::Pending { booking, client_secret } => {
                self.while_pending(now, booking, client_secret)
            }
            S::Cancelling { booking, asked } => {
                self.find(now, *asked, Matter::CancelUnknown, || Step::ReadOrder {
                    order: booking.order.clone(),
                    may_repeat: asked.may_repeat(now, SHOWS_WITHIN),
                })
            }
            S::Confirmed { clean_up, .. } => clean_up.next(now),
            S::Cleaned { .. } | S::Declined { .. } | S::Abandoned { .. } => Step::Nothing,
            S::NeedsReconciliation { matter, reached } => match reached {
                Reached::Means(Means::Payment(payment)) if *matter == Matter::Unfinished => {
                    Step::AskPayment(payment.clone())
                }
                Reached::Means(Means::Payment(_)) if *matter == Matter::CartUnread => {
                    Step::CheckOut
                }
                Reached::Nothing => Step::FindCharge { may_repeat: false },
                Reached::Means(_) => Step::FindOrder { may_repeat: false },
                Reached::Order(_, order) => {
                    Step::ReadOrder { order: order.clone(), may_repeat: false }
                }
            },
        }
    }

    /// When the worker must look at it after `now`, if ever. What nobody answers is asked about less
    /// and less often.
    pub fn due(&self, now: Timestamp) -> Option<Timestamp> {
        use PurchaseState as S;
        let secs = SignedDuration::from_secs;
        let within = |least: i64, most: i64| {
            let half = now.duration_since(self.progress.since) / 2;
            now + half.clamp(secs(least), secs(most))
        };
        // A person is not called later for the sake of a look that comes later.
        let end = self.found_by();
        let in_time = |look: Timestamp| if now < end { look.min(end) } else { look };
        let answer_of = |asked: &Asked| match asked.is_awaited(now) {
            true => asked.last + ANSWER_WITHIN,
            false => in_time(within(2, 60)),
        };
        match self.state() {
            S::Created { .. } => Some(self.progress.since + BEGIN_WITHIN),
            S::Charging { asked, .. }
            | S::Ordering { asked, .. }
            | S::Confirming { asked, .. }
            | S::Cancelling { asked, .. } => Some(answer_of(asked)),
            // Whoever brought it here is about to go on.
            S::Charged { .. } | S::Ordered { .. } => Some(in_time(within(10, 60))),
            S::Processing { .. } if self.progress.money_since.is_some() => {
                Some(in_time(within(2, 60)))
            }
            S::RequiresAction { .. } | S::Processing { .. } | S::Pending { .. } => {
                Some(within(15, LOOK_WITHIN))
            }
            S::Confirmed { clean_up, .. } => Some(clean_up.due(now).unwrap_or(within(5, 3_600))),
            S::NeedsReconciliation { .. } => Some(within(60, 3_600)),
            S::Cleaned { .. } | S::Declined { .. } | S::Abandoned { .. } => None,
        }
    }

    /// How it stands for the sessions that follow it.
    pub fn standing(&self) -> Standing {
        use PurchaseState as S;
        let pending = Standing::Pending { reconciling: false };
        let sells = self.aim() == Aim::Sell;
        match self.state() {
            S::Created { .. }
            | S::Charging { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordering { .. }
            | S::Ordered { .. }
            | S::Confirming { .. }
            | S::Cancelling { .. } => pending,
            S::RequiresAction { payment, client_secret } if sells => action(payment, client_secret),
            S::Pending {
                booking: Booking { means: Means::Payment(payment), .. },
                client_secret: Some(client_secret),
            } if sells => action(payment, client_secret),
            S::RequiresAction { .. } | S::Pending { .. } => pending,
            S::Confirmed { booking, .. } | S::Cleaned { booking } => {
                Standing::Succeeded(SessionOrder {
                    id: booking.order.to_string(),
                    transaction: Some(booking.transaction.to_string()),
                    is_free: booking.means == Means::Free,
                })
            }
            S::Declined { message } => Standing::Failed { message: message.clone() },
            S::Abandoned { why: Abandonment::CartChanged | Abandonment::NotBegun, .. } => {
                Standing::NotBegun
            }
            S::Abandoned { why, .. } => Standing::Failed { message: why.sentence().to_owned() },
            S::NeedsReconciliation { .. } => Standing::Pending { reconciling: true },
        }
    }

    /// The same, for a session of this visitor. Another's on the same cart learns that it is being
    /// paid; how to prove who pays is not for it.
    pub fn standing_for(&self, visitor: VisitorId) -> Standing {
        match self.standing() {
            Standing::ActionRequired(_) if visitor != self.terms.visitor => {
                Standing::Pending { reconciling: false }
            }
            standing => standing,
        }
    }

    /// Whether it has the cart for longer than a shopper waits: a bank takes days, and so may a
    /// person.
    pub fn takes_long(&self) -> bool {
        use PurchaseState as S;
        match self.state() {
            S::Processing { .. }
            | S::Pending { .. }
            | S::Cancelling { .. }
            | S::Confirmed { .. }
            | S::NeedsReconciliation { .. } => true,
            S::RequiresAction { .. } => self.aim() == Aim::WatchUntilOver,
            S::Created { .. }
            | S::Charging { .. }
            | S::Charged { .. }
            | S::Ordering { .. }
            | S::Ordered { .. }
            | S::Confirming { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. } => false,
        }
    }

    /// When a payment under way has taken too long. Where nobody has said how it stands, money may have
    /// moved.
    fn processed_by(&self) -> Timestamp {
        match self.progress.money_since {
            Some(_) => self.found_by(),
            None => self.progress.since + PROCESSING_ENDS,
        }
    }

    /// When a person is called. Whatever has just been begun is waited for as long as for an answer.
    fn found_by(&self) -> Timestamp {
        let since = self.progress.since;
        let money_since = self.progress.money_since.unwrap_or(since);
        (money_since + FIND_WITHIN).max(since + ANSWER_WITHIN)
    }

    /// What to do about a question that was put: wait, look for what became of it, or call a person.
    fn find(
        &self,
        now: Timestamp,
        asked: Asked,
        matter: Matter,
        step: impl FnOnce() -> Step,
    ) -> Step {
        if asked.is_awaited(now) {
            return Step::Wait;
        }
        match now < self.found_by() {
            true => step(),
            false => Step::CallPerson(matter),
        }
    }

    fn after_challenge(&self, now: Timestamp, payment: &EpPaymentId) -> Step {
        match self.aim() {
            Aim::CloseThroughOrder => Step::CheckOut,
            Aim::Sell if now >= self.progress.since + ACTION_WITHIN => Step::Abandon,
            Aim::WatchUntilOver if now >= self.progress.since + ACTION_ENDS => {
                Step::CallPerson(Matter::Unfinished)
            }
            Aim::Sell | Aim::WatchUntilOver => Step::AskPayment(payment.clone()),
        }
    }

    fn while_pending(
        &self,
        now: Timestamp,
        booking: &Booking,
        client_secret: &Option<ClientSecret>,
    ) -> Step {
        let is_over_at = |after| now >= self.progress.since + after;
        let read = Step::ReadOrder { order: booking.order.clone(), may_repeat: false };
        match (self.aim(), client_secret) {
            (Aim::CloseThroughOrder, _) => Step::Cancel(booking.clone()),
            (Aim::Sell, Some(_)) if is_over_at(ACTION_WITHIN) => Step::Abandon,
            (Aim::WatchUntilOver, Some(_)) if is_over_at(ACTION_ENDS) => {
                Step::CallPerson(Matter::Unfinished)
            }
            (Aim::Sell | Aim::WatchUntilOver, None) if is_over_at(PROCESSING_ENDS) => {
                Step::CallPerson(Matter::Unfinished)
            }
            (Aim::Sell | Aim::WatchUntilOver, Some(_) | None) => read,
        }
    }
}

fn action(payment: &EpPaymentId, client_secret: &ClientSecret) -> Standing {
    Standing::ActionRequired(Action {
        reference: payment.to_string(),
        client_secret: client_secret.clone(),
    })
}
