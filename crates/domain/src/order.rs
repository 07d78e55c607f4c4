//! A cart at the moment of checkout, frozen. While it is pending it holds a reservation; it is
//! paid on a gateway's event alone.

use jiff::Timestamp;

use crate::{
    cart::Line,
    contact::{Address, Email},
    event::{EventId, Receipt},
    id::{CartId, OrderId, VisitorId},
    pricing::Totals,
};

/// What one visitor ordered, at which price, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Our id.
    pub id: OrderId,
    /// Who made it.
    pub visitor: VisitorId,
    /// The cart it was made from.
    pub cart: CartId,
    /// Where the receipt goes.
    pub email: Email,
    /// Whether the shopper wants to hear from the shop.
    pub marketing: Marketing,
    /// Where the goods go.
    pub shipping_address: Address,
    /// Where the bill goes.
    pub billing_address: Address,
    /// What was ordered, as the shopper saw it.
    pub lines: Vec<Line>,
    /// What it costs.
    pub totals: Totals,
    /// What the shopper asked for: the same cart and request again is the same order.
    pub fingerprint: Fingerprint,
    /// When it was made.
    pub created_at: Timestamp,
    state: OrderState,
}

/// How far an order has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderState {
    /// Waiting for its payment; its lines are reserved.
    Pending {
        /// When the shop stops waiting, unless the payment is under way.
        expires_at: Timestamp,
    },
    /// Paid; its lines are sold.
    Paid {
        /// Since when.
        at: Timestamp,
        /// On whose word.
        by: PaidBy,
    },
    /// The payment ended without success; nothing is reserved.
    Failed {
        /// Since when.
        at: Timestamp,
    },
    /// Given up before any money moved; nothing is reserved.
    Cancelled {
        /// Since when.
        at: Timestamp,
    },
}

/// On whose word an order is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaidBy {
    /// The gateway's event says that the whole total was received.
    Event(EventId),
    /// The total is zero.
    NothingToPay,
}

/// Whether the shopper wants to hear from the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marketing {
    /// She ticked the box.
    Accepted,
    /// She did not.
    Declined,
}

/// A digest of a cart and a checkout request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// The order is in a state that the step does not start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot become {to}")]
pub struct TransitionError {
    /// What it is.
    pub from: &'static str,
    /// What it was to become.
    pub to: &'static str,
}

/// Everything about an order but its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderParts {
    /// See [`Order::id`].
    pub id: OrderId,
    /// See [`Order::visitor`].
    pub visitor: VisitorId,
    /// See [`Order::cart`].
    pub cart: CartId,
    /// See [`Order::email`].
    pub email: Email,
    /// See [`Order::marketing`].
    pub marketing: Marketing,
    /// See [`Order::shipping_address`].
    pub shipping_address: Address,
    /// See [`Order::billing_address`].
    pub billing_address: Address,
    /// See [`Order::lines`].
    pub lines: Vec<Line>,
    /// See [`Order::totals`].
    pub totals: Totals,
    /// See [`Order::fingerprint`].
    pub fingerprint: Fingerprint,
    /// See [`Order::created_at`].
    pub created_at: Timestamp,
}

impl Order {
    /// A new order. One that costs nothing is paid at once; any other waits until `expires_at`.
    pub fn place(parts: OrderParts, expires_at: Timestamp) -> Self {
        let state = if parts.totals.total().is_zero() {
            OrderState::Paid { at: parts.created_at, by: PaidBy::NothingToPay }
        } else {
            OrderState::Pending { expires_at }
        };
        Self::restore(parts, state)
    }

    /// A stored order.
    pub fn restore(parts: OrderParts, state: OrderState) -> Self {
        let OrderParts {
            id,
            visitor,
            cart,
            email,
            marketing,
            shipping_address,
            billing_address,
            lines,
            totals,
            fingerprint,
            created_at,
        } = parts;
        Self {
            id,
            visitor,
            cart,
            email,
            marketing,
            shipping_address,
            billing_address,
            lines,
            totals,
            fingerprint,
            created_at,
            state,
        }
    }

    /// How far it has come.
    pub fn state(&self) -> &OrderState {
        &self.state
    }

    /// The money arrived.
    pub fn pay(self, receipt: &Receipt) -> Result<Self, TransitionError> {
        match self.state {
            OrderState::Pending { .. } => {
                let by = PaidBy::Event(receipt.event().clone());
                Ok(Self { state: OrderState::Paid { at: receipt.at(), by }, ..self })
            }
            OrderState::Paid { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. } => {
                Err(self.state.cannot_become("paid"))
            }
        }
    }

    /// The payment ended without success.
    pub fn fail(self, at: Timestamp) -> Result<Self, TransitionError> {
        match self.state {
            OrderState::Pending { .. } => Ok(Self { state: OrderState::Failed { at }, ..self }),
            OrderState::Paid { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. } => {
                Err(self.state.cannot_become("failed"))
            }
        }
    }

    /// It is given up before any money moved.
    pub fn cancel(self, at: Timestamp) -> Result<Self, TransitionError> {
        match self.state {
            OrderState::Pending { .. } => Ok(Self { state: OrderState::Cancelled { at }, ..self }),
            OrderState::Paid { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. } => {
                Err(self.state.cannot_become("cancelled"))
            }
        }
    }

    /// The payment is under way, so the shop waits longer.
    pub fn extend(self, until: Timestamp) -> Result<Self, TransitionError> {
        match self.state {
            OrderState::Pending { .. } => {
                Ok(Self { state: OrderState::Pending { expires_at: until }, ..self })
            }
            OrderState::Paid { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. } => {
                Err(self.state.cannot_become("pending for longer"))
            }
        }
    }
}

impl OrderState {
    /// The state's name on the wire, in rows and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Paid { .. } => "paid",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    fn cannot_become(&self, to: &'static str) -> TransitionError {
        TransitionError { from: self.name(), to }
    }
}
