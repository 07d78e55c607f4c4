//! The one demand for an order's total, and what moves it.
//!
//! News comes late, twice and in the wrong order. [`Payment::hear`] is therefore monotone: a
//! payment only ever gets closer to its end, whatever the order of arrival, and a success is
//! never undone. What the gateway says *has happened* is not refused; news that does not fit has
//! a [`Consequence`] that somebody must carry out.

use jiff::Timestamp;

use crate::{
    event::{Decline, GatewayReference, News, Receipt, Report, Word},
    id::{OrderId, PaymentId, RefundId},
    money::Money,
};

/// The demand for an order's total at the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Our id. The idempotency keys are made from it.
    pub id: PaymentId,
    /// What it pays for.
    pub order: OrderId,
    /// What it demands: the order's total.
    pub amount: Money,
    /// Whether it is about real money.
    pub livemode: bool,
    /// Its name at the gateway, from the first news on; it never changes.
    reference: Option<GatewayReference>,
    /// The tries that a bank said no to, each once; at most [`Payment::DECLINES_MAX`].
    declined: Vec<String>,
    state: PaymentState,
}

/// Where a payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentState {
    /// Written down; the gateway is about to be asked.
    Created,
    /// Asked, and no answer came: it may exist at the gateway.
    Unknown,
    /// At the gateway, waiting for the shopper.
    Open,
    /// A bank said no; the shopper may try again.
    Declined {
        /// The last no.
        decline: Decline,
    },
    /// The shopper must prove who she is.
    RequiresAction,
    /// An asynchronous method is under way. It may take days, and keeps its reservation.
    Processing,
    /// The gateway answered that the money moved; the event that proves it is still to come.
    Answered,
    /// No further try is allowed: the gateway must be told to cancel it.
    Closing {
        /// Why.
        reason: FailureReason,
    },
    /// The money moved. The end.
    Succeeded {
        /// The proof.
        receipt: Receipt,
    },
    /// It was closed because it kept failing. The end.
    Failed {
        /// Why.
        reason: FailureReason,
    },
    /// It was given up before any money moved, or all of it went back before an event proved that it
    /// had come. The end.
    Cancelled,
}

/// Why a payment is closed without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureReason {
    /// An asynchronous method failed after it had been accepted.
    Asynchronous,
    /// [`Payment::DECLINES_MAX`] declines in a row, or too many of the same shopper or card.
    TooManyDeclines,
}

/// What must be done because of the news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing beyond keeping the new state.
    Nothing,
    /// The order is paid, its reservation becomes sold stock.
    OrderPaid {
        /// The proof.
        receipt: Receipt,
    },
    /// The order failed; its reservation is released.
    OrderFailed,
    /// The order is cancelled; its reservation is released.
    OrderCancelled,
    /// The gateway must be told to cancel the payment.
    CancelDue,
    /// The event that proves the success must be fetched if it does not come by itself.
    EventDue,
    /// Money came for an order that is over: it must be given back.
    RefundDue {
        /// The proof.
        receipt: Receipt,
    },
    /// A stray has succeeded, another payment that names the order: what it brought must be given
    /// back, whatever becomes of the order's own.
    StrayRefundDue {
        /// The proof.
        receipt: Receipt,
    },
    /// A person must look at it.
    NeedsAttention(Discrepancy),
}

/// News that does not fit our books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discrepancy {
    /// Another amount or currency than the order's total.
    Amount,
    /// Another order than the payment's.
    Order,
    /// Another payment of the gateway than the one we know.
    Reference,
    /// Test money for a real order, or real money for a test order.
    Livemode,
    /// The gateway says that a payment was cancelled after it said that it had succeeded.
    Contradiction,
}

impl Payment {
    /// So many declines in a row are a card tester, not a shopper.
    pub const DECLINES_MAX: usize = 10;

    /// A payment that the gateway is about to be asked for.
    pub fn new(id: PaymentId, order: OrderId, amount: Money, livemode: bool) -> Self {
        let state = PaymentState::Created;
        Self { id, order, amount, livemode, reference: None, declined: Vec::new(), state }
    }

    /// A stored payment. An error where its parts contradict each other.
    pub fn restore(
        fresh: &Self,
        reference: Option<GatewayReference>,
        declined: Vec<String>,
        state: PaymentState,
    ) -> Result<Self, RestoreError> {
        use PaymentState as S;
        match (&reference, &state) {
            (Some(_), _) | (None, S::Created | S::Unknown | S::Cancelled) => {
                Ok(Self { reference, declined, state, ..fresh.clone() })
            }
            (
                None,
                S::Open
                | S::Declined { .. }
                | S::RequiresAction
                | S::Processing
                | S::Answered
                | S::Closing { .. }
                | S::Succeeded { .. }
                | S::Failed { .. },
            ) => Err(RestoreError),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> &PaymentState {
        &self.state
    }

    /// Its name at the gateway, once we know it.
    pub fn reference(&self) -> Option<&GatewayReference> {
        self.reference.as_ref()
    }

    /// The tries that a bank said no to.
    pub fn declined(&self) -> &[String] {
        &self.declined
    }

    /// Whether money may still move: until it is over, no other payment for the cart may start.
    pub fn is_live(&self) -> bool {
        self.state.is_live()
    }

    /// The gateway was asked and did not answer.
    #[must_use]
    pub fn lose_answer(self) -> Self {
        use PaymentState as S;
        match self.state {
            S::Created => Self { state: S::Unknown, ..self },
            // News was faster than our own lost answer.
            S::Unknown
            | S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Processing
            | S::Answered
            | S::Closing { .. }
            | S::Succeeded { .. }
            | S::Failed { .. }
            | S::Cancelled => self,
        }
    }

    /// The gateway refused to make the payment, or was never asked and never will be: nothing
    /// exists there.
    #[must_use]
    pub fn never_was(self) -> (Self, Consequence) {
        use PaymentState as S;
        match self.state {
            S::Created | S::Unknown => {
                (Self { state: S::Cancelled, ..self }, Consequence::OrderCancelled)
            }
            // News proves that it does exist.
            S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Processing
            | S::Answered
            | S::Closing { .. }
            | S::Succeeded { .. }
            | S::Failed { .. }
            | S::Cancelled => (self, Consequence::Nothing),
        }
    }

    /// All that it brought has gone back, and no event has proven that it came: nothing is paid with
    /// it.
    #[must_use]
    pub fn went_back(self) -> (Self, Consequence) {
        use PaymentState as S;
        match self.state {
            S::Answered => (Self { state: S::Cancelled, ..self }, Consequence::OrderCancelled),
            // No money came, or an event has said what to do with it.
            S::Created
            | S::Unknown
            | S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Processing
            | S::Closing { .. }
            | S::Succeeded { .. }
            | S::Failed { .. }
            | S::Cancelled => (self, Consequence::Nothing),
        }
    }

    /// Takes in what the gateway says. Hearing it twice, late or in another order leads to the
    /// same end.
    #[must_use]
    pub fn hear(self, news: &News, at: Timestamp) -> (Self, Consequence) {
        // A payment that can no longer succeed is over, whatever else is written on it by now.
        let is_over = news.report == Report::Cancelled;
        let is_known = self.reference.as_ref() == Some(&news.reference);
        match self.discrepancy(news) {
            Some(discrepancy) if !(is_over && is_known) => {
                let consequence = self.misfit(discrepancy, news, at);
                return (self, consequence);
            }
            Some(_) | None => {}
        }
        let payment = Self { reference: Some(news.reference.clone()), ..self };
        match &news.report {
            Report::Open => (payment.open(), Consequence::Nothing),
            Report::Declined(decline) => payment.decline(decline.clone(), &news.word),
            Report::RequiresAction => (payment.require_action(&news.word), Consequence::Nothing),
            Report::Processing => (payment.process(), Consequence::Nothing),
            Report::Succeeded { .. } => match Receipt::from_news(news, at) {
                Some(receipt) => payment.succeed(receipt),
                None => payment.answer(),
            },
            Report::Cancelled => payment.cancel(),
        }
    }

    /// A bank said no to a try that a later one, or the end, has overtaken: it counts and moves
    /// nothing.
    #[must_use]
    pub fn remember(mut self, decline: &Decline) -> Self {
        let heard_before = self.declined.contains(&decline.attempt);
        if !heard_before && self.declined.len() < Self::DECLINES_MAX {
            self.declined.push(decline.attempt.clone());
        }
        self
    }

    /// Its shopper, or the card, has been declined too often elsewhere: it gets no further try.
    #[must_use]
    pub fn stop_tries(self) -> (Self, Consequence) {
        use PaymentState as S;
        match self.state {
            S::Open | S::Declined { .. } | S::RequiresAction => {
                let state = S::Closing { reason: FailureReason::TooManyDeclines };
                (Self { state, ..self }, Consequence::CancelDue)
            }
            // Nothing to cancel yet, money on its way, or over.
            S::Created
            | S::Unknown
            | S::Processing
            | S::Answered
            | S::Closing { .. }
            | S::Succeeded { .. }
            | S::Failed { .. }
            | S::Cancelled => (self, Consequence::Nothing),
        }
    }

    /// Where the news does not fit what we know of the payment, whatever has happened to it.
    pub fn discrepancy(&self, news: &News) -> Option<Discrepancy> {
        if self.reference.as_ref().is_some_and(|known| *known != news.reference) {
            return Some(Discrepancy::Reference);
        }
        if news.order != Some(self.order) {
            return Some(Discrepancy::Order);
        }
        if news.livemode != self.livemode {
            return Some(Discrepancy::Livemode);
        }
        let received = match news.report {
            Report::Succeeded { received } => received,
            Report::Open
            | Report::Declined(_)
            | Report::RequiresAction
            | Report::Processing
            | Report::Cancelled => self.amount,
        };
        (news.amount != self.amount || received != self.amount).then_some(Discrepancy::Amount)
    }

    /// What must be done about news that does not fit. Our own payment is known by its name and
    /// cannot be meant by that of a stray.
    fn misfit(&self, discrepancy: Discrepancy, news: &News, at: Timestamp) -> Consequence {
        let is_ours = news.order == Some(self.order) && news.livemode == self.livemode;
        match (discrepancy, Receipt::from_news(news, at)) {
            (Discrepancy::Reference, Some(receipt)) if is_ours && !receipt.received().is_zero() => {
                Consequence::StrayRefundDue { receipt }
            }
            (discrepancy, Some(_) | None) => Consequence::NeedsAttention(discrepancy),
        }
    }

    fn open(self) -> Self {
        use PaymentState as S;
        match self.state {
            S::Created | S::Unknown => Self { state: S::Open, ..self },
            // Everything else is at least as far; an answer that took long must not turn it back.
            S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Processing
            | S::Answered
            | S::Closing { .. }
            | S::Succeeded { .. }
            | S::Failed { .. }
            | S::Cancelled => self,
        }
    }

    fn require_action(self, word: &Word) -> Self {
        use PaymentState as S;
        match (self.state, word) {
            (S::Created | S::Unknown | S::Open | S::Declined { .. } | S::RequiresAction, _)
            // What was under way has failed, and the shopper tries anew: an answer says how things
            // stand now, and nothing else may ever lead out of Processing again. An answer that
            // took long is put right by the next look; until then nothing is lost, because the
            // gateway does not cancel what is under way.
            | (S::Processing, Word::Answer) => Self { state: S::RequiresAction, ..self },
            (
                state @ (S::Processing
                | S::Answered
                | S::Closing { .. }
                | S::Succeeded { .. }
                | S::Failed { .. }
                | S::Cancelled),
                Word::Event(_) | Word::Answer,
            ) => Self { state, ..self },
        }
    }

    fn process(self) -> Self {
        use PaymentState as S;
        match self.state {
            S::Created
            | S::Unknown
            | S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Processing
            // The shopper was faster than our cancellation: money may be on its way.
            | S::Closing { .. } => Self { state: S::Processing, ..self },
            S::Answered | S::Succeeded { .. } | S::Failed { .. } | S::Cancelled => self,
        }
    }

    fn decline(mut self, decline: Decline, word: &Word) -> (Self, Consequence) {
        use PaymentState as S;
        let heard_before = self.declined.contains(&decline.attempt);
        match word {
            // A record of an old no, told again, does not end a new try.
            Word::Event(_) if heard_before => return (self, Consequence::Nothing),
            // An answer says how things stand now. Where a record of the same try came after the
            // no that ended it, nothing else would ever lead out of Processing again.
            Word::Event(_) | Word::Answer => {}
        }
        self = self.remember(&decline);
        let close = |reason| (S::Closing { reason }, Consequence::CancelDue);
        let (state, consequence) = match self.state {
            S::Processing => close(FailureReason::Asynchronous),
            S::Created | S::Unknown | S::Open | S::Declined { .. } | S::RequiresAction
                if self.declined.len() >= Self::DECLINES_MAX =>
            {
                close(FailureReason::TooManyDeclines)
            }
            S::Created | S::Unknown | S::Open | S::Declined { .. } | S::RequiresAction => {
                (S::Declined { decline }, Consequence::Nothing)
            }
            state @ (S::Answered
            | S::Closing { .. }
            | S::Succeeded { .. }
            | S::Failed { .. }
            | S::Cancelled) => (state, Consequence::Nothing),
        };
        (Self { state, ..self }, consequence)
    }

    fn answer(self) -> (Self, Consequence) {
        use PaymentState as S;
        match self.state {
            S::Created
            | S::Unknown
            | S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Processing
            | S::Answered
            | S::Closing { .. } => (Self { state: S::Answered, ..self }, Consequence::EventDue),
            S::Succeeded { .. } => (self, Consequence::Nothing),
            // The event that proves it leads to the refund.
            S::Failed { .. } | S::Cancelled => (self, Consequence::EventDue),
        }
    }

    fn succeed(self, receipt: Receipt) -> (Self, Consequence) {
        use PaymentState as S;
        match self.state {
            S::Created
            | S::Unknown
            | S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Processing
            | S::Answered
            | S::Closing { .. } => {
                let state = S::Succeeded { receipt: receipt.clone() };
                (Self { state, ..self }, Consequence::OrderPaid { receipt })
            }
            S::Succeeded { .. } => (self, Consequence::Nothing),
            S::Failed { .. } | S::Cancelled => (self, Consequence::RefundDue { receipt }),
        }
    }

    fn cancel(self) -> (Self, Consequence) {
        use PaymentState as S;
        match self.state {
            S::Created
            | S::Unknown
            | S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Processing => (Self { state: S::Cancelled, ..self }, Consequence::OrderCancelled),
            S::Closing { reason } => {
                (Self { state: S::Failed { reason }, ..self }, Consequence::OrderFailed)
            }
            S::Answered | S::Succeeded { .. } => {
                (self, Consequence::NeedsAttention(Discrepancy::Contradiction))
            }
            S::Failed { .. } | S::Cancelled => (self, Consequence::Nothing),
        }
    }
}

impl PaymentState {
    /// Whether money may still move.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Created
            | Self::Unknown
            | Self::Open
            | Self::Declined { .. }
            | Self::RequiresAction
            | Self::Processing
            | Self::Answered
            | Self::Closing { .. } => true,
            Self::Succeeded { .. } | Self::Failed { .. } | Self::Cancelled => false,
        }
    }

    /// The state's name, in rows, logs and `docs/states.md`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Unknown => "unknown",
            Self::Open => "open",
            Self::Declined { .. } => "declined",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::Answered => "answered",
            Self::Closing { .. } => "closing",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FailureReason {
    /// The reason's name in rows and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asynchronous => "asynchronous",
            Self::TooManyDeclines => "too_many_declines",
        }
    }
}

impl Discrepancy {
    /// What an operator reads.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Amount => {
                "The gateway reports another amount or currency than the order's total."
            }
            Self::Order => "The gateway reports the payment under another order.",
            Self::Reference => "A second payment at the gateway names this order.",
            Self::Livemode => "Test money and real money are mixed up.",
            Self::Contradiction => {
                "The gateway reports a payment as cancelled that it had reported as succeeded."
            }
        }
    }
}

/// A stored payment that is at the gateway has no gateway id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is at the gateway must have a gateway reference")]
pub struct RestoreError;

/// A key under which the gateway carries a request out at most once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key of the `number`th request that makes `payment` at the gateway. It follows from
    /// what is stored, so that any process, at any time, repeats the same request under the same
    /// key.
    pub fn create(payment: PaymentId, number: u32) -> Self {
        Self(format!("till:{payment}:create:{number}"))
    }

    /// The key of the one request that makes `refund` at the gateway.
    pub fn refund(refund: RefundId) -> Self {
        Self(format!("till:{refund}:refund"))
    }

    /// A key that was stored.
    pub fn restore(text: String) -> Self {
        Self(text)
    }

    /// The key as it is sent: at most 255 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One request for a payment, written down before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What is asked for.
    pub payment: PaymentId,
    /// Counts from one.
    pub number: u32,
    /// Under which key.
    pub key: IdempotencyKey,
    /// The exact encoded request: what is sent again is what was sent.
    pub request: String,
    /// When it was written down. A gateway forgets a key after a day, so an old request is
    /// looked up, never sent again.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests;
