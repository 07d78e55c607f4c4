//! The questions that a purchase puts. Each names where it may be put from, and is refused from
//! everywhere else: whoever holds a purchase that another has moved puts nothing.

use jiff::Timestamp;

use super::next::{BEGIN_WITHIN, FIND_WITHIN, LISTED_WITHIN, SHOWS_WITHIN};
use super::{
    Abandonment, Aim, Asked, Booking, Matter, Means, PayToken, Progress, Purchase,
    PurchaseState as S, Reached, Terms,
};

/// A purchase does not take this step from where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the purchase does not take this step from where it stands")]
pub struct StepError;

impl Purchase {
    /// A purchase that takes its cart. Without a token there must be nothing to pay.
    pub fn new(terms: Terms, token: Option<PayToken>) -> Result<Self, StepError> {
        let token = match (terms.amount.is_zero(), token) {
            (true, _) => None,
            (false, Some(token)) => Some(token),
            (false, None) => return Err(StepError),
        };
        let progress = Progress {
            aim: Aim::Sell,
            is_charged: false,
            money_since: None,
            orders_asked: 0,
            since: terms.created_at,
            state: S::Created { token },
        };
        Ok(Self { terms, progress })
    }

    /// A stored purchase.
    pub fn restore(terms: Terms, progress: Progress) -> Self {
        Self { terms, progress }
    }

    /// The charge is about to be asked for.
    pub fn charge(mut self, now: Timestamp) -> Result<Self, StepError> {
        if !self.may_begin(now) {
            return Err(StepError);
        }
        let S::Created { token: Some(token) } = self.state().clone() else {
            return Err(StepError);
        };
        self.progress.money_since = Some(now);
        Ok(self.to(S::Charging { token, asked: Asked::first(now) }, now))
    }

    /// The charge is about to be asked for once more, with the same token: it pays once, whatever
    /// became of the first request.
    pub fn charge_again(self, now: Timestamp) -> Result<Self, StepError> {
        let S::Charging { token, asked } = self.state().clone() else { return Err(StepError) };
        let asked = asked.again(now, SHOWS_WITHIN)?;
        Ok(self.at(S::Charging { token, asked }))
    }

    /// The order of a cart with nothing to pay is about to be asked for.
    pub fn order_free(self, now: Timestamp) -> Result<Self, StepError> {
        if !self.may_begin(now) {
            return Err(StepError);
        }
        let S::Created { token: None } = self.state() else { return Err(StepError) };
        Ok(self.ask_order(Means::Free, now))
    }

    /// It is given up before anything was asked for.
    pub fn give_up(self, why: Abandonment, now: Timestamp) -> Result<Self, StepError> {
        let S::Created { .. } = self.state() else { return Err(StepError) };
        Ok(self.to(S::Abandoned { why, dead: None }, now))
    }

    /// The order is about to be asked for: after the charge; to close a payment; or because the
    /// platform tells how a payment stands only on an order ([`super::ChargeNews::Untold`]).
    pub fn check_out(mut self, now: Timestamp) -> Result<Self, StepError> {
        if let S::Ordering { means, asked } = self.state().clone() {
            let asked = asked.again(now, LISTED_WITHIN)?;
            self.progress.orders_asked += 1;
            return Ok(self.at(S::Ordering { means, asked }));
        }
        let is_watched = self.aim() == Aim::WatchUntilOver;
        let is_late = matches!(self.state(), S::NeedsReconciliation { .. });
        let payment = match self.state().clone() {
            S::Charged { payment }
            | S::NeedsReconciliation {
                matter: Matter::CartUnread,
                reached: Reached::Means(Means::Payment(payment)),
            } => Some(payment),
            S::RequiresAction { payment, .. } | S::Processing { payment } => {
                (!is_watched).then_some(payment)
            }
            S::Created { .. }
            | S::Charging { .. }
            | S::Ordering { .. }
            | S::Ordered { .. }
            | S::Confirming { .. }
            | S::Pending { .. }
            | S::Cancelling { .. }
            | S::Confirmed { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. }
            | S::NeedsReconciliation { .. } => None,
        };
        let mut asked = self.ask_order(Means::Payment(payment.ok_or(StepError)?), now);
        if is_late {
            // A person has been called: where this brings nothing she is called again at once.
            asked.progress.since = now - FIND_WITHIN;
        }
        Ok(asked)
    }

    /// The platform is about to be asked to book the payment.
    pub fn confirm(self, now: Timestamp) -> Result<Self, StepError> {
        if let S::Confirming { means, order, asked } = self.state().clone() {
            let asked = asked.again(now, SHOWS_WITHIN)?;
            return Ok(self.at(S::Confirming { means, order, asked }));
        }
        let S::Ordered { means, order } = self.state().clone() else { return Err(StepError) };
        Ok(self.to(S::Confirming { means, order, asked: Asked::first(now) }, now))
    }

    /// The platform is about to be asked to cancel the booking.
    pub fn cancel(self, now: Timestamp) -> Result<Self, StepError> {
        if let S::Cancelling { booking, asked } = self.state().clone() {
            let asked = asked.again(now, SHOWS_WITHIN)?;
            return Ok(self.at(S::Cancelling { booking, asked }));
        }
        let closes = self.aim() == Aim::CloseThroughOrder;
        let S::Pending { booking, .. } = self.state().clone() else { return Err(StepError) };
        let asked = Asked::first(now);
        closes.then(|| self.to(S::Cancelling { booking, asked }, now)).ok_or(StepError)
    }

    /// The shopper gives up a payment that waits for her, or did not come back to it. It stays alive
    /// until it is closed.
    pub fn abandon(mut self, closing: Closing) -> Result<Self, StepError> {
        let (S::RequiresAction { .. } | S::Pending { client_secret: Some(_), .. }) = self.state()
        else {
            return Err(StepError);
        };
        self.progress.aim = match closing {
            Closing::ThroughOrder => Aim::CloseThroughOrder,
            Closing::ByWatching => Aim::WatchUntilOver,
        };
        Ok(self)
    }

    /// A person has seen to it that nothing is owed to anybody, and that no money can move.
    pub fn settle(self, now: Timestamp) -> Result<Self, StepError> {
        let S::NeedsReconciliation { .. } = self.state() else { return Err(StepError) };
        let dead = self.payment().cloned();
        Ok(self.to(S::Abandoned { why: Abandonment::Settled, dead }, now))
    }

    /// A person has found the order that is paid for this purchase, and the platform says so too.
    pub fn settle_as_paid(self, booking: Booking, now: Timestamp) -> Result<Self, StepError> {
        let S::NeedsReconciliation { .. } = self.state() else { return Err(StepError) };
        Ok(self.paid(booking, now))
    }

    /// The question that was put last certainly reached nobody: it counts as if it had not been put,
    /// and may be put again. An order with nothing to pay is not waited for.
    #[must_use]
    pub fn unsent(mut self, now: Timestamp) -> Self {
        match self.state().clone() {
            // Somebody has heard already that no answer will come.
            S::Charging { asked, .. }
            | S::Ordering { asked, .. }
            | S::Confirming { asked, .. }
            | S::Cancelling { asked, .. }
                if asked.is_lost =>
            {
                self
            }
            S::Charging { token, asked } => self.at(S::Charging { token, asked: asked.not_put() }),
            S::Ordering { means: Means::Free, asked } if asked.times == 1 => {
                self.to(S::Abandoned { why: Abandonment::NotBegun, dead: None }, now)
            }
            S::Ordering { means, asked } => {
                self.progress.orders_asked = self.progress.orders_asked.saturating_sub(1);
                self.at(S::Ordering { means, asked: asked.not_put() })
            }
            S::Confirming { means, order, asked } => {
                self.at(S::Confirming { means, order, asked: asked.not_put() })
            }
            S::Cancelling { booking, asked } => {
                self.at(S::Cancelling { booking, asked: asked.not_put() })
            }
            S::Created { .. }
            | S::RequiresAction { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordered { .. }
            | S::Pending { .. }
            | S::Confirmed { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. }
            | S::NeedsReconciliation { .. } => self,
        }
    }

    /// Whether the question that was written down last may be put now. Whoever was held up since
    /// puts nothing: by the time an answer came, another would be looking for it.
    pub fn may_still_ask(&self, now: Timestamp) -> bool {
        match self.state() {
            S::Charging { asked, .. }
            | S::Ordering { asked, .. }
            | S::Confirming { asked, .. }
            | S::Cancelling { asked, .. } => asked.may_still_be_put(now),
            S::Created { .. }
            | S::RequiresAction { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordered { .. }
            | S::Pending { .. }
            | S::Confirmed { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. }
            | S::NeedsReconciliation { .. } => false,
        }
    }

    fn may_begin(&self, now: Timestamp) -> bool {
        now < self.progress.since + BEGIN_WITHIN
    }

    fn ask_order(mut self, means: Means, now: Timestamp) -> Self {
        self.progress.orders_asked += 1;
        self.to(S::Ordering { means, asked: Asked::first(now) }, now)
    }

    /// It stands elsewhere from now on.
    pub(super) fn to(mut self, state: S, now: Timestamp) -> Self {
        if self.progress.state != state {
            self.progress.state = state;
            self.progress.since = now;
        }
        self
    }

    /// It still stands there, and something about it has changed.
    pub(super) fn at(mut self, state: S) -> Self {
        self.progress.state = state;
        self
    }
}

/// How a payment is closed that the shopper gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The platform cancels what is booked on an order.
    ThroughOrder,
    /// It cannot be closed; it is watched until it is over.
    ByWatching,
}
