//! The names of states and reasons in rows and logs, and what people read of them.

use super::{Abandonment, Aim, Matter, PurchaseState};

impl PurchaseState {
    /// The state's name, in rows, logs and `docs/states.md`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Charging { .. } => "charging",
            Self::RequiresAction { .. } => "requires_action",
            Self::Processing { .. } => "processing",
            Self::Charged { .. } => "charged",
            Self::Ordering { .. } => "ordering",
            Self::Ordered { .. } => "ordered",
            Self::Confirming { .. } => "confirming",
            Self::Pending { .. } => "pending",
            Self::Cancelling { .. } => "cancelling",
            Self::Confirmed { .. } => "confirmed",
            Self::Cleaned { .. } => "cleaned",
            Self::Declined { .. } => "declined",
            Self::Abandoned { .. } => "abandoned",
            Self::NeedsReconciliation { .. } => "needs_reconciliation",
        }
    }
}

impl Aim {
    /// Every aim.
    pub const ALL: [Self; 3] = [Self::Sell, Self::CloseThroughOrder, Self::WatchUntilOver];

    /// The aim's name in rows and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sell => "sell",
            Self::CloseThroughOrder => "close_through_order",
            Self::WatchUntilOver => "watch_until_over",
        }
    }
}

impl Abandonment {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::TooLate,
        Self::CartChanged,
        Self::NotBegun,
        Self::CartHasPayment,
        Self::FreeOrderRefused,
        Self::Closed,
        Self::Cancelled,
        Self::Settled,
    ];

    /// The reason's name in rows and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLate => "too_late",
            Self::CartChanged => "cart_changed",
            Self::NotBegun => "not_begun",
            Self::CartHasPayment => "cart_has_payment",
            Self::FreeOrderRefused => "free_order_refused",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::Settled => "settled",
        }
    }

    /// What the shopper reads.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::TooLate => "The payment could not be started. Nothing was charged.",
            Self::CartChanged => "The cart has changed. Nothing was charged.",
            Self::NotBegun => "The payment was not started. Nothing was charged.",
            Self::CartHasPayment => {
                "This cart has another payment, which may have been paid. It was not charged again. \
                 The shop has been told and looks into it."
            }
            Self::FreeOrderRefused => "The order could not be placed. There was nothing to pay.",
            Self::Closed => "The payment was given up. Nothing was charged.",
            Self::Cancelled => "The payment was cancelled. Nothing was charged.",
            Self::Settled => "The shop has settled this payment.",
        }
    }
}

impl Matter {
    /// Every matter.
    pub const ALL: [Self; 14] = [
        Self::ChargeUnknown,
        Self::ChargeAmount,
        Self::AnotherPayment,
        Self::Unfinished,
        Self::CartChanged,
        Self::CartUnread,
        Self::CheckoutRefused,
        Self::CheckoutUnknown,
        Self::OrderTotal,
        Self::ConfirmRefused,
        Self::ConfirmUnknown,
        Self::NotPaid,
        Self::CancelUnknown,
        Self::LateCharge,
    ];

    /// The matter's name in rows and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChargeUnknown => "charge_unknown",
            Self::ChargeAmount => "charge_amount",
            Self::AnotherPayment => "another_payment",
            Self::Unfinished => "unfinished",
            Self::CartChanged => "cart_changed",
            Self::CartUnread => "cart_unread",
            Self::CheckoutRefused => "checkout_refused",
            Self::CheckoutUnknown => "checkout_unknown",
            Self::OrderTotal => "order_total",
            Self::ConfirmRefused => "confirm_refused",
            Self::ConfirmUnknown => "confirm_unknown",
            Self::NotPaid => "not_paid",
            Self::CancelUnknown => "cancel_unknown",
            Self::LateCharge => "late_charge",
        }
    }

    /// What an operator reads.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::ChargeUnknown => {
                "The card may have been charged, and the platform does not say so: look the \
                 payment up at Stripe, and give it back if there is one."
            }
            Self::ChargeAmount => {
                "The payment is of another amount than the shopper saw: give it back at Stripe."
            }
            Self::AnotherPayment => {
                "The cart at the platform holds another payment than ours: look both up at Stripe."
            }
            Self::Unfinished => {
                "The payment has not ended for too long: cancel it at Stripe, or wait for it."
            }
            Self::CartChanged => {
                "The card is charged, or may be, and the cart was changed before the order was made: give \
                 the payment back at Stripe."
            }
            Self::CartUnread => {
                "The card is charged, and the platform has not been reached since for the order: it is made \
                 as soon as that works. Whoever wants to give the payment back instead ends the purchase first."
            }
            Self::CheckoutRefused => {
                "The card is charged, or may be, and the platform makes no order of the cart, perhaps because \
                 stock is gone: give the payment back at Stripe."
            }
            Self::CheckoutUnknown => {
                "The card is charged, or may be, and no order can be found: give the payment back at Stripe, \
                 or make the order."
            }
            Self::OrderTotal => {
                "The order costs something else than was charged: give the payment back, or put \
                 the order right."
            }
            Self::ConfirmRefused => {
                "The platform does not book the payment on its order: look both up."
            }
            Self::ConfirmUnknown => {
                "It cannot be found out whether the payment is booked on its order: look both up."
            }
            Self::NotPaid => {
                "The card is charged, or may be, and the platform says that the order is not paid: look both \
                 up."
            }
            Self::CancelUnknown => {
                "It cannot be found out whether the payment that the shopper gave up is closed: \
                 look it up at Stripe."
            }
            Self::LateCharge => {
                "The card was charged for a purchase that had failed: give the payment back at \
                 Stripe."
            }
        }
    }

    /// Whether the platform's later word on the booking can put it right.
    pub(super) fn is_of_lost_confirmation(self) -> bool {
        match self {
            Self::ConfirmRefused | Self::ConfirmUnknown => true,
            Self::ChargeUnknown
            | Self::ChargeAmount
            | Self::AnotherPayment
            | Self::Unfinished
            | Self::CartChanged
            | Self::CartUnread
            | Self::CheckoutRefused
            | Self::CheckoutUnknown
            | Self::OrderTotal
            | Self::NotPaid
            | Self::CancelUnknown
            | Self::LateCharge => false,
        }
    }
}
