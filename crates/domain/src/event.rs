//! What a gateway says of a payment. It reaches us in two ways: as the *answer* to a question of
//! ours, or as an *event*, a record the gateway made, delivered to us or fetched by us. Only an
//! event can become a [`Receipt`].

use std::fmt;

use jiff::Timestamp;

use crate::{id::OrderId, money::Money};

/// The gateway's id of an event. Two ids that differ only in letter case are two events.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(String);

/// The gateway's id of a payment. Opaque.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayReference(String);

/// The gateway's name for a card's number, the same whoever uses it. Opaque.
#[derive(Clone, PartialEq, Eq)]
pub struct CardFingerprint(String);

/// The text cannot be a gateway's id: it is empty or too long, holds a control character, which no
/// table and no header takes, or is a step in a path, which would make our question another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a gateway's id has 1 to {} characters and none that controls", REFERENCE_CHARS_MAX)]
pub struct ReferenceError;

/// Stripe promises ids of at most 255 characters: <https://docs.stripe.com/upgrades>.
const REFERENCE_CHARS_MAX: usize = 255;

macro_rules! references {
    ($($name:ident)+) => {$(
        impl $name {
            /// An id as the gateway wrote it.
            pub fn new(text: impl Into<String>) -> Result<Self, ReferenceError> {
                let text = text.into();
                let is_step = matches!(text.as_str(), "." | "..");
                match text.chars().count() {
                    1..=REFERENCE_CHARS_MAX if !is_step && !text.contains(char::is_control) => {
                        Ok(Self(text))
                    }
                    _ => Err(ReferenceError),
                }
            }

            /// As the gateway wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

    )+};
}

references! { EventId GatewayReference CardFingerprint }

macro_rules! displays {
    ($($name:ident)+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

displays! { EventId GatewayReference }

/// It stands for a card, so logs do not hold it.
impl fmt::Debug for CardFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardFingerprint(…)")
    }
}

/// What a gateway says of one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Which payment, by the gateway's id.
    pub reference: GatewayReference,
    /// The order that we wrote into it when we asked for it; without it the payment is not ours.
    pub order: Option<OrderId>,
    /// What it demands.
    pub amount: Money,
    /// Whether it is about real money.
    pub livemode: bool,
    /// How we know.
    pub word: Word,
    /// What happened.
    pub report: Report,
    /// The card of the last try, where a bank said no to it.
    pub card: Option<CardFingerprint>,
}

/// How we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// The gateway answered a question of ours.
    Answer,
    /// The gateway made a record of it.
    Event(EventId),
}

/// What happened to a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It waits for the shopper.
    Open,
    /// A bank said no to one try; the shopper may try again.
    Declined(Decline),
    /// The shopper must prove who she is (3-D Secure).
    RequiresAction,
    /// An asynchronous method is under way; it may take days.
    Processing,
    /// The money moved.
    Succeeded {
        /// How much of it.
        received: Money,
    },
    /// It can no longer succeed.
    Cancelled,
}

/// A bank's no to one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decline {
    /// What identifies the try: the gateway's id of it. The same try told twice counts once.
    pub attempt: String,
    /// The gateway's code, for the operator.
    pub code: String,
    /// A sentence the shopper may read. It never says that a card is reported lost or stolen.
    pub message: String,
}

/// The proof that money moved: taken from an event, never from an answer or a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    event: EventId,
    received: Money,
    at: Timestamp,
}

impl Receipt {
    /// The receipt in the news, if it is an event that says that money moved. `at` is when we
    /// read it.
    pub fn from_news(news: &News, at: Timestamp) -> Option<Self> {
        match (&news.word, &news.report) {
            (Word::Event(event), Report::Succeeded { received }) => {
                Some(Self { event: event.clone(), received: *received, at })
            }
            (Word::Event(_) | Word::Answer, _) => None,
        }
    }

    /// A receipt that was stored.
    pub fn restore(event: EventId, received: Money, at: Timestamp) -> Self {
        Self { event, received, at }
    }

    /// The event it was taken from.
    pub fn event(&self) -> &EventId {
        &self.event
    }

    /// How much money moved.
    pub fn received(&self) -> Money {
        self.received
    }

    /// When we read the event.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn news(word: Word, report: Report) -> News {
        let amount = Money::new(4998, "EUR".parse().unwrap()).unwrap();
        let reference = GatewayReference::new("pi_1").unwrap();
        let order = Some(OrderId(Uuid::from_u128(1)));
        News { reference, order, amount, livemode: false, word, report, card: None }
    }

    #[test]
    fn a_receipt_is_made_of_an_event_that_says_succeeded_and_of_nothing_else() {
        let at = Timestamp::UNIX_EPOCH;
        let id = EventId::new("evt_1").unwrap();
        let received = Money::new(4998, "EUR".parse().unwrap()).unwrap();
        let decline = Decline { attempt: "ch_1".into(), code: "x".into(), message: "No.".into() };
        let others = [
            Report::Open,
            Report::Declined(decline),
            Report::RequiresAction,
            Report::Processing,
            Report::Cancelled,
        ];
        for report in others {
            assert_eq!(Receipt::from_news(&news(Word::Event(id.clone()), report), at), None);
        }
        let succeeded = Report::Succeeded { received };
        assert_eq!(Receipt::from_news(&news(Word::Answer, succeeded.clone()), at), None);
        let receipt = Receipt::from_news(&news(Word::Event(id.clone()), succeeded), at).unwrap();
        assert_eq!((receipt.event(), receipt.received(), receipt.at()), (&id, received, at));
        assert_eq!(Receipt::restore(id, received, at), receipt);
    }

    #[test]
    fn ids_of_a_gateway_differ_by_the_case_of_their_letters() {
        assert_ne!(EventId::new("evt_a"), EventId::new("evt_A"));
        assert_ne!(GatewayReference::new("pi_a"), GatewayReference::new("pi_A"));
    }

    #[test]
    fn an_id_of_a_gateway_is_neither_empty_nor_longer_than_it_promises() {
        assert_eq!(EventId::new(""), Err(ReferenceError));
        assert!(EventId::new("é".repeat(255)).is_ok());
        assert_eq!(GatewayReference::new("x".repeat(256)), Err(ReferenceError));
    }

    #[test]
    fn an_id_of_a_gateway_can_be_kept_and_asked_for() {
        for text in ["pi_\0", "pi_\n", "\u{7f}", ".", ".."] {
            assert_eq!(GatewayReference::new(text), Err(ReferenceError), "{text:?}");
            assert_eq!(EventId::new(text), Err(ReferenceError), "{text:?}");
        }
        assert!(GatewayReference::new("pi_1...").is_ok());
    }
}
