//! One try to buy a cart at a commerce platform: charge, checkout, confirmation, clean-up.
//!
//! The platform charges the card before there is an order, makes another order each time it is
//! asked, and promises for no question that asking twice does no harm. So each question that moves
//! something is written down here before it is put ([`Asked`]), and when no answer came the books
//! of the platform are read ([`Step`]) until they say what became of it. Nothing is put again
//! unless its own rule allows it, and where nothing more can be found out a person is called.
//!
//! [`Purchase::next`] alone decides what may be done next. The request of the shopper, her second
//! click, and the worker that finds the purchase after a crash all ask it, so they cannot disagree.
//! While [`Purchase::is_live`] no other purchase of the cart may begin.

use jiff::Timestamp;

use crate::{
    elastic_path::{
        EpAccountId, EpCartId, EpMemberId, EpOrderId, EpPaymentId, EpTransactionId, ExternalRef,
    },
    id::{PurchaseId, SessionId, VisitorId},
    money::Money,
    session::{Attributes, Customer, FormAddress},
};

mod clean_up;
mod news;
mod next;
mod secrets;
mod transitions;
mod words;

pub use clean_up::{CartsEnd, CleanUp, CleanUpStep};
pub use news::{ChargeNews, OrderNews, Settlement, Tidied};
pub use next::Step;
pub use secrets::{CartHash, ClientSecret, PayToken, SecretError};
pub use transitions::{Closing, StepError};

/// One try to buy a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// What it is about.
    pub terms: Terms,
    progress: Progress,
}

/// What a purchase is about; it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Our id. The order carries it ([`Purchase::external_ref`]), so that it can be found.
    pub id: PurchaseId,
    /// Who buys.
    pub visitor: VisitorId,
    /// Where she began; other sessions of the cart may follow.
    pub session: SessionId,
    /// What is bought.
    pub cart: EpCartId,
    /// What was in the cart when she said so.
    pub cart_hash: CartHash,
    /// What she saw that it costs. Nothing else is charged.
    pub amount: Money,
    /// What the order will say of her, frozen.
    pub buyer: Buyer,
    /// What the storefront notes with the order, of what the shop takes.
    pub attributes: Attributes,
    /// When it was written down.
    pub created_at: Timestamp,
}

/// How far a purchase has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What it is to come to.
    pub aim: Aim,
    /// The gateway has said that the money moved.
    pub is_charged: bool,
    /// Since when money may have moved: since the charge was asked for, or since the gateway says so
    /// of a payment that waited for somebody. Nothing while it is known not to have moved.
    pub money_since: Option<Timestamp>,
    /// How often an order was asked for.
    pub orders_asked: u32,
    /// When it came to stand where it stands.
    pub since: Timestamp,
    /// Where it stands.
    pub state: PurchaseState,
}

/// What the order will say of the shopper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buyer {
    /// Name and e-mail address.
    pub customer: Customer,
    /// Where the bill goes.
    pub billing_address: FormAddress,
    /// Where the goods go; where the bill goes if nothing is sent.
    pub shipping_address: FormAddress,
    /// Her account at the platform, if she is signed in there.
    pub account: Option<Account>,
}

/// A customer's account at the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub account: EpAccountId,
    /// Which of its members.
    pub member: EpMemberId,
}

/// What a purchase is to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// An order that is paid.
    Sell,
    /// The shopper gave up: the payment is closed by an order made for it, confirmed unpaid, of
    /// which the transaction is cancelled.
    CloseThroughOrder,
    /// The shopper gave up, and the platform has no way to close the payment: it is watched until it
    /// can move no money.
    WatchUntilOver,
}

/// What pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// A payment of the gateway.
    Payment(EpPaymentId),
    /// There is nothing to pay.
    Free,
}

/// A question that moves something, written down before it is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// When it was put last.
    pub last: Timestamp,
    /// How often it was put; what reached nobody does not count.
    pub times: u32,
    /// We know that no answer will come.
    pub is_lost: bool,
}

/// Where a purchase stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PurchaseState {
    /// Written down, and the cart is taken. Nothing is charged.
    Created {
        /// What will pay; nothing where there is nothing to pay.
        token: Option<PayToken>,
    },
    /// The charge was asked for. Until its outcome is known, the same token may be sent again, and
    /// no other.
    Charging {
        /// What pays.
        token: PayToken,
        /// When and how often.
        asked: Asked,
    },
    /// The shopper must prove who she is.
    RequiresAction {
        /// The payment.
        payment: EpPaymentId,
        /// What her browser needs for it.
        client_secret: ClientSecret,
    },
    /// An asynchronous method is under way.
    Processing {
        /// The payment.
        payment: EpPaymentId,
    },
    /// The money moved; there is no order.
    Charged {
        /// The payment.
        payment: EpPaymentId,
    },
    /// The order was asked for.
    Ordering {
        /// What pays for it.
        means: Means,
        /// When and how often.
        asked: Asked,
    },
    /// There is an order; it knows of no money.
    Ordered {
        /// What pays for it.
        means: Means,
        /// The order.
        order: EpOrderId,
    },
    /// The platform was asked to book the payment on the order.
    Confirming {
        /// What pays for it.
        means: Means,
        /// The order.
        order: EpOrderId,
        /// When and how often.
        asked: Asked,
    },
    /// The payment is booked on the order, and is not paid.
    Pending {
        /// The booking.
        booking: Booking,
        /// What the shopper's browser needs if she must prove who she is.
        client_secret: Option<ClientSecret>,
    },
    /// The platform was asked to cancel the booking, and the payment with it.
    Cancelling {
        /// The booking.
        booking: Booking,
        /// When and how often.
        asked: Asked,
    },
    /// The platform says that the order is paid. What is left to do harms nobody if it waits.
    Confirmed {
        /// The booking.
        booking: Booking,
        /// What is done of it.
        clean_up: CleanUp,
    },
    /// Nothing is left to do. The end.
    Cleaned {
        /// The booking.
        booking: Booking,
    },
    /// The bank said no, or the gateway did; nothing was charged. The end.
    Declined {
        /// What the shopper reads.
        message: String,
    },
    /// It was given up, and no money can move. The end.
    Abandoned {
        /// Why.
        why: Abandonment,
        /// The payment that can move no money any more, by the platform's word or a person's.
        dead: Option<EpPaymentId>,
    },
    /// What the platform says does not fit, or it says nothing: a person must look. Its books are
    /// read on all the same, for they may come right.
    NeedsReconciliation {
        /// What is wrong.
        matter: Matter,
        /// How far it came.
        reached: Reached,
    },
}

/// A payment that is booked on an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// What pays.
    pub means: Means,
    /// The order.
    pub order: EpOrderId,
    /// The platform's name of the booking.
    pub transaction: EpTransactionId,
}

/// How far a purchase came before a person was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// No payment is known; there may be one.
    Nothing,
    /// A payment.
    Means(Means),
    /// An order too.
    Order(Means, EpOrderId),
}

/// Why a purchase was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandonment {
    /// It was not begun in time.
    TooLate,
    /// The cart was another than the shopper saw, before anything was charged.
    CartChanged,
    /// It could not be begun: the platform, or the shop, refused before anything was charged.
    NotBegun,
    /// The cart names another payment, which is not over, or of which nobody knows.
    CartHasPayment,
    /// The platform took no order for a cart with nothing to pay.
    FreeOrderRefused,
    /// The shopper gave it up, and its payment is closed.
    Closed,
    /// The gateway says that the payment is cancelled.
    Cancelled,
    /// A person has dealt with it.
    Settled,
}

/// What a person must look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// Nobody knows whether the card was charged.
    ChargeUnknown,
    /// The payment is of another amount than the shopper saw.
    ChargeAmount,
    /// The cart holds another payment than ours.
    AnotherPayment,
    /// The payment has not ended for too long.
    Unfinished,
    /// The cart was changed between charge and checkout.
    CartChanged,
    /// Since the charge the cart cannot be read, or the order cannot be asked for.
    CartUnread,
    /// The platform took no order for what was charged.
    CheckoutRefused,
    /// Nobody knows whether there is an order.
    CheckoutUnknown,
    /// The order costs something else than was charged.
    OrderTotal,
    /// The platform does not book the payment on the order.
    ConfirmRefused,
    /// Nobody knows whether the payment is booked.
    ConfirmUnknown,
    /// The platform says that the charged order is not paid.
    NotPaid,
    /// Nobody knows whether the payment is closed.
    CancelUnknown,
    /// The money moved after the purchase was over.
    LateCharge,
}

impl Purchase {
    /// What a platform's order carries, by which it is found again.
    pub fn external_ref(&self) -> ExternalRef {
        self.terms.id.to_string().parse().expect("a UUID has 36 digits and hyphens")
    }

    /// Where it stands.
    pub fn state(&self) -> &PurchaseState {
        &self.progress.state
    }

    /// How far it has come.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What it is to come to.
    pub fn aim(&self) -> Aim {
        self.progress.aim
    }

    /// What pays, where that is known.
    pub fn payment(&self) -> Option<&EpPaymentId> {
        use PurchaseState as S;
        fn by(means: &Means) -> Option<&EpPaymentId> {
            match means {
                Means::Payment(payment) => Some(payment),
                Means::Free => None,
            }
        }
        match self.state() {
            S::RequiresAction { payment, .. }
            | S::Processing { payment }
            | S::Charged { payment } => Some(payment),
            S::Ordering { means, .. } | S::Ordered { means, .. } | S::Confirming { means, .. } => {
                by(means)
            }
            S::Pending { booking, .. }
            | S::Cancelling { booking, .. }
            | S::Confirmed { booking, .. }
            | S::Cleaned { booking } => by(&booking.means),
            S::NeedsReconciliation { reached, .. } => match reached {
                Reached::Nothing => None,
                Reached::Means(means) | Reached::Order(means, _) => by(means),
            },
            S::Abandoned { dead, .. } => dead.as_ref(),
            S::Created { .. } | S::Charging { .. } | S::Declined { .. } => None,
        }
    }

    /// The platform's order, where there is one.
    pub fn order(&self) -> Option<&EpOrderId> {
        use PurchaseState as S;
        match self.state() {
            S::Ordered { order, .. }
            | S::Confirming { order, .. }
            | S::NeedsReconciliation { reached: Reached::Order(_, order), .. } => Some(order),
            S::Pending { booking, .. }
            | S::Cancelling { booking, .. }
            | S::Confirmed { booking, .. }
            | S::Cleaned { booking } => Some(&booking.order),
            S::Created { .. }
            | S::Charging { .. }
            | S::RequiresAction { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordering { .. }
            | S::Declined { .. }
            | S::Abandoned { .. }
            | S::NeedsReconciliation { .. } => None,
        }
    }

    /// Whether another purchase of the cart must not begin: until it is certain that no money can
    /// move, or until the cart of an order that is paid is out of the way. Whoever wants to pay the
    /// cart until then gets this purchase's answer.
    pub fn is_live(&self) -> bool {
        use PurchaseState as S;
        match self.state() {
            S::Created { .. }
            | S::Charging { .. }
            | S::RequiresAction { .. }
            | S::Processing { .. }
            | S::Charged { .. }
            | S::Ordering { .. }
            | S::Ordered { .. }
            | S::Confirming { .. }
            | S::Pending { .. }
            | S::Cancelling { .. }
            | S::NeedsReconciliation { .. } => true,
            S::Confirmed { clean_up, .. } => !clean_up.is_cart_done(),
            S::Cleaned { .. } | S::Declined { .. } | S::Abandoned { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
