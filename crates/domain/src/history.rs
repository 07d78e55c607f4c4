//! What happened to an order, told line by line, so that an operator understands why it is as it
//! is. A line is written in the transaction that makes the thing happen, never changed, and holds
//! ids and amounts, but no address, no e-mail, no secret and nothing of a card.

use jiff::Timestamp;

use crate::id::OrderId;

/// One line of an order's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose history.
    pub order: OrderId,
    /// Who did it.
    pub actor: Actor,
    /// What sort of thing happened.
    pub kind: Kind,
    /// What happened, for a person; one line.
    pub sentence: String,
    /// When.
    pub at: Timestamp,
}

impl Entry {
    /// A line. Whatever would break the line (a foreign text may hold it) becomes a space.
    pub fn new(
        order: OrderId,
        actor: Actor,
        kind: Kind,
        sentence: impl Into<String>,
        at: Timestamp,
    ) -> Self {
        let sentence = sentence.into().replace(char::is_control, " ");
        Self { order, actor, kind, sentence, at }
    }
}

macro_rules! named {
    ($(#[$doc:meta])* $enum:ident { $($(#[$of:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $enum {
            $($(#[$of])* $variant,)+
        }

        impl $enum {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name in rows and on the wire.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The one of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}

named! {
    /// Who did something.
    Actor {
        /// The visitor who made the order.
        Shopper = "shopper",
        /// Somebody who works for the shop.
        Operator = "operator",
        /// The gateway.
        Gateway = "stripe",
        /// The server by itself.
        Till = "till",
    }
}

named! {
    /// What sort of thing happened.
    Kind {
        /// The order was made.
        OrderMade = "order_made",
        /// It waits longer for its payment.
        OrderExtended = "order_extended",
        /// Another order of the cart takes its place.
        OrderReplaced = "order_replaced",
        /// It ended without the gateway's word, because nobody can pay it.
        OrderGivenUp = "order_given_up",
        /// The gateway is asked for the payment.
        PaymentAsked = "payment_asked",
        /// The gateway did not answer.
        AnswerLost = "answer_lost",
        /// The gateway answered something new.
        Answered = "answered",
        /// An event of the gateway was applied.
        EventApplied = "event_applied",
        /// Somebody wants the order cancelled.
        CancelAsked = "cancel_asked",
        /// The wish to cancel came too late.
        CancelVoid = "cancel_void",
        /// A refund was written down.
        RefundAsked = "refund_asked",
        /// A refund moved.
        RefundMoved = "refund_moved",
        /// A dispute was heard of, or moved.
        DisputeMoved = "dispute_moved",
        /// A person is called.
        ItemRaised = "item_raised",
        /// A person has dealt with it.
        ItemResolved = "item_resolved",
        /// Work failed and is done again.
        TriedAgain = "tried_again",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_text_came_into_it() {
        let order = OrderId(Uuid::from_u128(1));
        let told = |sentence| {
            let at = Timestamp::UNIX_EPOCH;
            Entry::new(order, Actor::Gateway, Kind::Answered, sentence, at).sentence
        };
        assert_eq!(told("Declined:\r\n\u{1b}[31mno."), "Declined:   [31mno.");
        assert_eq!(told("Größe"), "Größe");
    }

    #[test]
    fn every_actor_and_kind_is_found_by_its_own_name() {
        for actor in Actor::ALL {
            assert_eq!(Actor::from_name(actor.name()), Some(*actor));
        }
        let names: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(*kind));
        }
        assert_eq!(Kind::from_name("nothing"), None);
    }
}
