//! A cart at the moment of checkout, frozen. While it is pending it holds a reservation; it is
//! paid on a gateway's event alone.

use jiff::Timestamp;

use crate::{
    cart::Line,
    contact::{Address, Email},
    event::{EventId, Receipt},
    id::{CartId, OrderId, VisitorId},
    pricing::Totals,
    session::Attributes,
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
    /// What the storefront noted with it, in its own words.
    pub attributes: Attributes,
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
    /// See [`Order::attributes`].
    pub attributes: Attributes,
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
            attributes,
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
            attributes,
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

    /// The payment is under way, so the shop waits longer: at least until then, and never
    /// shorter than it was going to.
    pub fn extend(self, until: Timestamp) -> Result<Self, TransitionError> {
        match self.state {
            OrderState::Pending { expires_at } => {
                let expires_at = expires_at.max(until);
                Ok(Self { state: OrderState::Pending { expires_at }, ..self })
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{contact::AddressDraft, money::Money, pricing::TaxMode};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    fn parts(total: i64) -> OrderParts {
        let draft = AddressDraft {
            name: "Ada".into(),
            street: "Hauptstr. 1".into(),
            postal_code: "10115".into(),
            city: "Berlin".into(),
            country: "DE".into(),
            ..AddressDraft::default()
        };
        let address = Address::parse(&draft).unwrap();
        let (total, none) = (eur(total), eur(0));
        OrderParts {
            id: OrderId(Uuid::from_u128(1)),
            visitor: VisitorId(Uuid::from_u128(2)),
            cart: CartId(Uuid::from_u128(3)),
            email: "ada@example.org".parse().unwrap(),
            marketing: Marketing::Declined,
            shipping_address: address.clone(),
            billing_address: address,
            lines: Vec::new(),
            totals: Totals::restore(total, none, none, TaxMode::Included, total).unwrap(),
            attributes: Attributes::default(),
            fingerprint: Fingerprint([0; 32]),
            created_at: at(0),
        }
    }

    fn pending() -> Order {
        Order::place(parts(4998), at(1800))
    }

    fn receipt() -> Receipt {
        Receipt::restore(EventId::new("evt_1").unwrap(), eur(4998), at(60))
    }

    #[test]
    fn an_order_waits_for_its_money() {
        assert_eq!(pending().state(), &OrderState::Pending { expires_at: at(1800) });
    }

    #[test]
    fn an_order_that_costs_nothing_is_paid_at_once() {
        let order = Order::place(parts(0), at(1800));
        assert_eq!(order.state(), &OrderState::Paid { at: at(0), by: PaidBy::NothingToPay });
    }

    #[test]
    fn an_order_is_paid_at_the_time_and_on_the_word_of_its_receipt() {
        let paid = pending().pay(&receipt()).unwrap();
        let by = PaidBy::Event(EventId::new("evt_1").unwrap());
        assert_eq!(paid.state(), &OrderState::Paid { at: at(60), by });
    }

    #[test]
    fn a_receipt_that_comes_after_the_expiry_still_pays_a_pending_order() {
        let late = Receipt::restore(EventId::new("evt_1").unwrap(), eur(4998), at(9999));
        assert_eq!(pending().pay(&late).unwrap().state().name(), "paid");
    }

    #[test]
    fn an_order_that_has_ended_is_never_moved_again() {
        let ended = [
            pending().pay(&receipt()).unwrap(),
            pending().fail(at(60)).unwrap(),
            pending().cancel(at(60)).unwrap(),
            Order::place(parts(0), at(1800)),
        ];
        for order in ended {
            let from = order.state().name();
            let refused = |to| Err(TransitionError { from, to });
            assert_eq!(order.clone().pay(&receipt()), refused("paid"));
            assert_eq!(order.clone().fail(at(61)), refused("failed"));
            assert_eq!(order.clone().cancel(at(61)), refused("cancelled"));
            assert_eq!(order.extend(at(9999)), refused("pending for longer"));
        }
    }

    #[test]
    fn a_refused_step_says_what_it_was_and_what_it_was_to_become() {
        let error = pending().cancel(at(60)).unwrap().pay(&receipt()).unwrap_err();
        assert_eq!(error.to_string(), "an order that is cancelled cannot become paid");
    }

    #[test]
    fn waiting_longer_twice_or_late_never_makes_the_wait_shorter() {
        let longer = pending().extend(at(3600)).unwrap();
        assert_eq!(longer.state(), &OrderState::Pending { expires_at: at(3600) });
        assert_eq!(longer.clone().extend(at(3600)).unwrap(), longer);
        assert_eq!(longer.clone().extend(at(1800)).unwrap(), longer);
    }

    #[test]
    fn a_step_changes_nothing_but_the_state() {
        let parts = parts(4998);
        let order = Order::place(parts.clone(), at(1800)).pay(&receipt()).unwrap();
        assert_eq!(order, Order::restore(parts, order.state().clone()));
    }
}
