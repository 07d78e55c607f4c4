//! What the platform says of a purchase. It is not refused; hearing it twice, late or in another
//! order leads to the same end. What does not fit calls a person, and money that moved is never
//! forgotten for it.

use jiff::Timestamp;

use super::{
    Abandonment, Aim, Booking, CartsEnd, CleanUp, ClientSecret, Matter, Means, Purchase,
    PurchaseState as S, Reached,
};
use crate::{
    elastic_path::{EpOrderId, EpPaymentId, EpTransactionId},
    money::Money,
};

/// What the platform says of the charge, in its answer or when it is asked how the payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeNews {
    /// The money moved.
    Succeeded {
        /// The payment.
        payment: EpPaymentId,
        /// How much it is about.
        amount: Money,
    },
    /// The shopper must prove who she is.
    RequiresAction {
        /// The payment.
        payment: EpPaymentId,
        /// How much it is about.
        amount: Money,
        /// What her browser needs for it.
        client_secret: ClientSecret,
    },
    /// An asynchronous method is under way.
    Processing {
        /// The payment.
        payment: EpPaymentId,
        /// How much it is about.
        amount: Money,
    },
    /// A bank said no.
    Declined {
        /// The payment, where the platform names it.
        payment: Option<EpPaymentId>,
        /// What the shopper reads.
        message: String,
    },
    /// The platform, or the gateway behind it, did not take the charge, for another reason than a
    /// bank's; perhaps because it had taken it before.
    Refused {
        /// What the shopper reads.
        message: String,
    },
    /// The payment can no longer succeed.
    Cancelled {
        /// The payment.
        payment: EpPaymentId,
    },
    /// There is a payment, and the platform does not tell how it stands; one that has ended cannot
    /// be asked. An order made for it tells ([`Purchase::check_out`]).
    Untold {
        /// The payment.
        payment: EpPaymentId,
    },
}

/// An order that carries our reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderNews {
    /// The order.
    pub order: EpOrderId,
    /// What it costs.
    pub total: Money,
}

/// What the platform says of an order's payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// The booking of our payment is complete, and the order is paid.
    Paid {
        /// The booking.
        transaction: EpTransactionId,
        /// How much of it.
        amount: Money,
    },
    /// Our payment is booked, and not paid.
    Pending {
        /// The booking.
        transaction: EpTransactionId,
        /// What the shopper's browser needs, if she must prove who she is.
        client_secret: Option<ClientSecret>,
    },
    /// The payment failed.
    Failed {
        /// What the shopper reads.
        message: String,
    },
    /// The payment, or its booking, is cancelled.
    Cancelled,
    /// Nothing is booked, or what is said of it does not go together yet.
    Unclear,
}

/// A piece of tidying up that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tidied {
    /// The cart names no payment.
    Detached,
    /// The account does not hold the cart.
    Dissociated,
    /// The cart has come to its end.
    Cart(CartsEnd),
    /// The order has what the storefront notes with it.
    Noted,
    /// A second order was looked for.
    Twin,
}

impl Purchase {
    /// No answer will come to the question that was put last.
    #[must_use]
    pub fn lose_answer(mut self) -> Self {
        match &mut self.progress.state {
            S::Charging { asked, .. }
            | S::Ordering { asked, .. }
            | S::Confirming { asked, .. }
            | S::Cancelling { asked, .. } => asked.is_lost = true,
            // News was faster than our own lost answer.
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
            | S::NeedsReconciliation { .. } => {}
        }
        self
    }

    /// Takes in what the platform says of the charge.
    #[must_use]
    pub fn hear_charge(self, news: ChargeNews, now: Timestamp) -> Self {
        let (known, is_repeat) = match self.state() {
            S::Charging { asked, .. } => (None, asked.times > 1),
            S::RequiresAction { payment, .. } | S::Processing { payment } => {
                (Some(payment.clone()), false)
            }
            S::NeedsReconciliation { matter: Matter::ChargeUnknown, reached: Reached::Nothing } => {
                (None, true)
            }
            S::NeedsReconciliation {
                matter: Matter::Unfinished,
                reached: Reached::Means(Means::Payment(payment)),
            } => (Some(payment.clone()), false),
            // Nothing was asked for, or it is further, or it waits for a person.
            S::Created { .. }
            | S::Charged { .. }
            | S::Ordering { .. }
            | S::Ordered { .. }
            | S::Confirming { .. }
            | S::Pending { .. }
            | S::Cancelling { .. }
            | S::Confirmed { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. }
            | S::NeedsReconciliation { .. } => return self,
        };
        match (known, news.payment()) {
            (Some(known), Some(payment)) if known != *payment => {
                let reached = Reached::Means(Means::Payment(known));
                let matter = Matter::AnotherPayment;
                return self.to(S::NeedsReconciliation { matter, reached }, now);
            }
            (Some(_) | None, Some(_) | None) => {}
        }
        self.take_charge(news, is_repeat, now)
    }

    fn take_charge(mut self, news: ChargeNews, is_repeat: bool, now: Timestamp) -> Self {
        let is_right = news.amount().is_none_or(|amount| amount == self.terms.amount);
        let state = match news {
            ChargeNews::Succeeded { payment, .. }
            | ChargeNews::RequiresAction { payment, .. }
            | ChargeNews::Processing { payment, .. }
                if !is_right =>
            {
                let reached = Reached::Means(Means::Payment(payment));
                S::NeedsReconciliation { matter: Matter::ChargeAmount, reached }
            }
            ChargeNews::Succeeded { payment, .. } => {
                // The shopper may have given up; the money was faster.
                self.progress.aim = Aim::Sell;
                self.progress.is_charged = true;
                self.progress.money_since.get_or_insert(now);
                S::Charged { payment }
            }
            // An answer that took long must not turn it back.
            ChargeNews::RequiresAction { .. } if self.is_beyond_challenge() => return self,
            ChargeNews::RequiresAction { payment, client_secret, .. } => {
                self.progress.money_since = None;
                S::RequiresAction { payment, client_secret }
            }
            ChargeNews::Processing { payment, .. } => match self.is_unfinished() {
                true => return self,
                false => {
                    self.progress.money_since = None;
                    S::Processing { payment }
                }
            },
            // What is known of a payment stays.
            ChargeNews::Untold { .. } | ChargeNews::Refused { .. } if self.knows_payment() => {
                return self;
            }
            ChargeNews::Untold { payment } => S::Processing { payment },
            // The first request may have been carried out, and its token be used up by it.
            ChargeNews::Refused { .. } if is_repeat => {
                let (matter, reached) = (Matter::ChargeUnknown, Reached::Nothing);
                S::NeedsReconciliation { matter, reached }
            }
            ChargeNews::Declined { message, .. } | ChargeNews::Refused { message } => {
                self.failed(message)
            }
            ChargeNews::Cancelled { payment } => self.cancelled(Some(payment)),
        };
        self.to(state, now)
    }

    /// An order was made for this purchase, or has been found.
    #[must_use]
    pub fn hear_order(self, news: OrderNews, now: Timestamp) -> Self {
        let means = match self.state() {
            S::Ordering { means, .. } => means.clone(),
            S::NeedsReconciliation {
                matter: Matter::CartChanged | Matter::CheckoutRefused | Matter::CheckoutUnknown,
                reached: Reached::Means(means),
            } => means.clone(),
            // It has an order, or none was asked for.
            S::Created { .. }
            | S::Charging { .. }
            | S::RequiresAction { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordered { .. }
            | S::Confirming { .. }
            | S::Pending { .. }
            | S::Cancelling { .. }
            | S::Confirmed { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. }
            | S::NeedsReconciliation { .. } => return self,
        };
        let OrderNews { order, total } = news;
        let state = match total == self.terms.amount {
            true => S::Ordered { means, order },
            false => {
                let reached = Reached::Order(means, order);
                S::NeedsReconciliation { matter: Matter::OrderTotal, reached }
            }
        };
        self.to(state, now)
    }

    /// The platform makes no order.
    #[must_use]
    pub fn hear_no_order(self, now: Timestamp) -> Self {
        let S::Ordering { means, asked } = self.state().clone() else { return self };
        let state = match means {
            // Where it was asked for before, there may be an order all the same.
            Means::Free if asked.times == 1 => {
                S::Abandoned { why: Abandonment::FreeOrderRefused, dead: None }
            }
            Means::Free | Means::Payment(_) => {
                let reached = Reached::Means(means);
                S::NeedsReconciliation { matter: Matter::CheckoutRefused, reached }
            }
        };
        self.to(state, now)
    }

    /// The platform does not book the payment. The second time that may be because it has.
    #[must_use]
    pub fn hear_not_booked(self, now: Timestamp) -> Self {
        let S::Confirming { means, order, asked } = self.state().clone() else { return self };
        if asked.times > 1 {
            return self.lose_answer();
        }
        let reached = Reached::Order(means, order);
        self.to(S::NeedsReconciliation { matter: Matter::ConfirmRefused, reached }, now)
    }

    /// The platform does not cancel the booking.
    #[must_use]
    pub fn hear_not_cancelled(mut self, now: Timestamp) -> Self {
        let S::Cancelling { booking, asked } = self.state().clone() else { return self };
        if asked.times > 1 {
            return self.lose_answer();
        }
        self.progress.aim = Aim::WatchUntilOver;
        self.to(S::Pending { booking, client_secret: None }, now)
    }

    /// Takes in what the platform says of the order's payment.
    #[must_use]
    pub fn hear_settlement(self, news: Settlement, now: Timestamp) -> Self {
        let (means, order) = match self.state() {
            S::Confirming { means, order, .. } => (means.clone(), order.clone()),
            S::Pending { booking, .. } | S::Cancelling { booking, .. } => {
                (booking.means.clone(), booking.order.clone())
            }
            S::NeedsReconciliation { reached: Reached::Order(means, order), .. } => {
                (means.clone(), order.clone())
            }
            // Nothing is booked, or it is over.
            S::Created { .. }
            | S::Charging { .. }
            | S::RequiresAction { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordering { .. }
            | S::Ordered { .. }
            | S::Confirmed { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. }
            | S::NeedsReconciliation { .. } => return self,
        };
        match news {
            Settlement::Paid { transaction, amount } => {
                self.take_payment(Booking { means, order, transaction }, amount, now)
            }
            Settlement::Pending { transaction, client_secret } => {
                self.take_pending(Booking { means, order, transaction }, client_secret, now)
            }
            Settlement::Failed { message } => {
                let state = self.failed(message);
                self.to(state, now)
            }
            Settlement::Cancelled => {
                let state = self.cancelled(self.payment().cloned());
                self.to(state, now)
            }
            Settlement::Unclear => self.lose_answer(),
        }
    }

    fn take_payment(self, booking: Booking, amount: Money, now: Timestamp) -> Self {
        if amount != self.terms.amount {
            let reached = Reached::Order(booking.means, booking.order);
            return self.to(S::NeedsReconciliation { matter: Matter::OrderTotal, reached }, now);
        }
        self.paid(booking, now)
    }

    pub(super) fn paid(mut self, booking: Booking, now: Timestamp) -> Self {
        self.progress.aim = Aim::Sell;
        self.progress.is_charged = true;
        let clean_up = CleanUp::begin(&self.terms, self.may_have_twins(), now);
        self.to(S::Confirmed { booking, clean_up }, now)
    }

    /// Whether an order, or its booking, was asked for more than once.
    fn may_have_twins(&self) -> bool {
        let is_booked_again = match self.state() {
            S::Confirming { asked, .. } => asked.times > 1,
            S::NeedsReconciliation { .. } => true,
            S::Created { .. }
            | S::Charging { .. }
            | S::RequiresAction { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordering { .. }
            | S::Ordered { .. }
            | S::Pending { .. }
            | S::Cancelling { .. }
            | S::Confirmed { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. } => false,
        };
        is_booked_again || self.progress.orders_asked > 1
    }

    fn take_pending(
        mut self,
        booking: Booking,
        client_secret: Option<ClientSecret>,
        now: Timestamp,
    ) -> Self {
        let may_come_right = match self.state() {
            // The challenge may have been renewed, or solved; it is the same wait.
            S::Pending { .. } => return self.at(S::Pending { booking, client_secret }),
            // The cancellation is not carried out.
            S::Cancelling { .. } => return self.lose_answer(),
            S::Confirming { .. } => true,
            S::NeedsReconciliation { matter, .. } => matter.is_of_lost_confirmation(),
            S::Created { .. }
            | S::Charging { .. }
            | S::RequiresAction { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordering { .. }
            | S::Ordered { .. }
            | S::Confirmed { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. } => false,
        };
        match may_come_right {
            true => {
                if !self.progress.is_charged {
                    self.progress.money_since = None;
                }
                self.to(S::Pending { booking, client_secret }, now)
            }
            false => self,
        }
    }

    /// Calls a person. Where one was called, the first matter stays.
    #[must_use]
    pub fn call_person(self, matter: Matter, now: Timestamp) -> Self {
        match self.state() {
            S::Charging { .. }
            | S::RequiresAction { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordering { .. }
            | S::Ordered { .. }
            | S::Confirming { .. }
            | S::Pending { .. }
            | S::Cancelling { .. } => {
                let reached = self.reached();
                self.to(S::NeedsReconciliation { matter, reached }, now)
            }
            // It was to go on by itself, and now it cannot.
            S::NeedsReconciliation { matter: Matter::CartUnread, reached }
                if matter != Matter::CartUnread =>
            {
                let reached = reached.clone();
                self.to(S::NeedsReconciliation { matter, reached }, now)
            }
            // Nothing was charged, it is paid, or it is over.
            S::Created { .. }
            | S::Confirmed { .. }
            | S::Cleaned { .. }
            | S::Declined { .. }
            | S::Abandoned { .. }
            | S::NeedsReconciliation { .. } => self,
        }
    }

    /// A piece of tidying up is done.
    #[must_use]
    pub fn tidy(self, tidied: Tidied, now: Timestamp) -> Self {
        let S::Confirmed { booking, mut clean_up } = self.state().clone() else { return self };
        match tidied {
            Tidied::Detached => clean_up.is_detached = true,
            Tidied::Dissociated => clean_up.is_dissociated = true,
            Tidied::Cart(end) => clean_up.cart = clean_up.cart.or(Some(end)),
            Tidied::Noted => clean_up.is_noted = true,
            Tidied::Twin => clean_up.twin_due_at = None,
        }
        match clean_up.is_done() {
            true => self.to(S::Cleaned { booking }, now),
            false => self.at(S::Confirmed { booking, clean_up }),
        }
    }

    /// Whether news that money moved contradicts that nothing was charged: it leaves the purchase as
    /// it is, for its cart may be another's by now, and a person must hear of it.
    pub fn contradiction(&self, news: &ChargeNews) -> Option<Matter> {
        let is_over = matches!(self.state(), S::Declined { .. } | S::Abandoned { .. });
        let has_moved = matches!(news, ChargeNews::Succeeded { .. });
        (is_over && has_moved).then_some(Matter::LateCharge)
    }

    /// A person has been called because the payment did not end.
    fn is_unfinished(&self) -> bool {
        matches!(self.state(), S::NeedsReconciliation { matter: Matter::Unfinished, .. })
    }

    fn knows_payment(&self) -> bool {
        matches!(self.state(), S::RequiresAction { .. } | S::Processing { .. })
            || self.is_unfinished()
    }

    fn is_beyond_challenge(&self) -> bool {
        matches!(self.state(), S::Processing { .. }) || self.is_unfinished()
    }

    fn failed(&self, message: String) -> S {
        self.nothing_came(S::Declined { message }, None)
    }

    fn cancelled(&self, dead: Option<EpPaymentId>) -> S {
        let why = Abandonment::Cancelled;
        self.nothing_came(S::Abandoned { why, dead: dead.clone() }, dead)
    }

    /// The payment came to nothing. Where the gateway had said that the money moved, that is a
    /// contradiction; where the shopper had given up, it is what she wanted.
    fn nothing_came(&self, end: S, dead: Option<EpPaymentId>) -> S {
        if self.progress.is_charged {
            return S::NeedsReconciliation { matter: Matter::NotPaid, reached: self.reached() };
        }
        match self.progress.aim {
            Aim::Sell => end,
            Aim::CloseThroughOrder | Aim::WatchUntilOver => {
                S::Abandoned { why: Abandonment::Closed, dead }
            }
        }
    }

    /// How far it has come, for a person.
    fn reached(&self) -> Reached {
        let paid_by = |payment: &EpPaymentId| Reached::Means(Means::Payment(payment.clone()));
        match self.state() {
            S::Created { .. } | S::Charging { .. } | S::Declined { .. } | S::Abandoned { .. } => {
                Reached::Nothing
            }
            S::RequiresAction { payment, .. }
            | S::Processing { payment }
            | S::Charged { payment } => paid_by(payment),
            S::Ordering { means, .. } => Reached::Means(means.clone()),
            S::Ordered { means, order } | S::Confirming { means, order, .. } => {
                Reached::Order(means.clone(), order.clone())
            }
            S::Pending { booking, .. }
            | S::Cancelling { booking, .. }
            | S::Confirmed { booking, .. }
            | S::Cleaned { booking } => {
                Reached::Order(booking.means.clone(), booking.order.clone())
            }
            S::NeedsReconciliation { reached, .. } => reached.clone(),
        }
    }
}

impl ChargeNews {
    /// The payment that it is about, where it names one.
    pub fn payment(&self) -> Option<&EpPaymentId> {
        match self {
            Self::Succeeded { payment, .. }
            | Self::RequiresAction { payment, .. }
            | Self::Processing { payment, .. }
            | Self::Cancelled { payment }
            | Self::Untold { payment } => Some(payment),
            Self::Declined { payment, .. } => payment.as_ref(),
            Self::Refused { .. } => None,
        }
    }

    fn amount(&self) -> Option<Money> {
        match self {
            Self::Succeeded { amount, .. }
            | Self::RequiresAction { amount, .. }
            | Self::Processing { amount, .. } => Some(*amount),
            Self::Declined { .. }
            | Self::Refused { .. }
            | Self::Cancelled { .. }
            | Self::Untold { .. } => None,
        }
    }
}
