//! What an order's history says, in words for the operator. Nothing here decides: the flows say
//! what happened, in the transaction in which it does.

use std::fmt::{self, Display};

use domain::{
    cancellation::NotCancellable,
    cart::Line,
    dispute::{Dispute, DisputeNews, DisputeState},
    event::{Decline, EventId},
    history::{Actor, Entry, Kind},
    id::OrderId,
    order::{Order, OrderState},
    payment::{Attempt, Consequence, FailureReason, Payment, PaymentState},
    refund::{Refund, RefundOrigin, RefundState},
};
use jiff::Timestamp;
use storage::{attention::Item, inbox::Source};

use super::cancel_order::Canceller;

/// How news came to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// The gateway answered a question of ours.
    Answer,
    /// The gateway answered when the time to pay was over and it was told to cancel the payment.
    Expiry,
    /// The gateway made a record of it.
    Event {
        /// Its id.
        id: EventId,
        /// Its type, in the gateway's words.
        kind: String,
        /// How it came.
        source: Source,
    },
}

impl Via {
    fn kind(&self) -> Kind {
        match self {
            Self::Answer | Self::Expiry => Kind::Answered,
            Self::Event { .. } => Kind::EventApplied,
        }
    }

    /// The line of an event that changed nothing here. Answers that say what we know are not told:
    /// there may be any number of them.
    pub fn unchanged(&self, order: OrderId, why: &str, at: Timestamp) -> Option<Entry> {
        match self {
            Self::Answer | Self::Expiry => None,
            Self::Event { .. } => {
                let sentence = format!("{self}: {why}");
                Some(Entry::new(order, Actor::Gateway, self.kind(), sentence, at))
            }
        }
    }
}

impl Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer => f.write_str("Stripe answered"),
            Self::Expiry => {
                f.write_str("Nobody paid in time, so Stripe was told to cancel; it answered")
            }
            Self::Event { id, kind, source: Source::Webhook } => {
                write!(f, "Event {id} ({kind}, delivered)")
            }
            Self::Event { id, kind, source: Source::Poll } => {
                write!(f, "Event {id} ({kind}, fetched)")
            }
        }
    }
}

/// The order was made; where nothing is to be paid, that is all.
pub fn made(order: &Order) -> Entry {
    let total = order.totals.total();
    let lines = listed(&order.lines);
    let sentence = match order.state() {
        OrderState::Pending { expires_at } => {
            format!("Ordered {lines}; {total} in all. The pieces are set aside until {expires_at}.")
        }
        OrderState::Paid { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. } => {
            format!("Ordered {lines}. Nothing is to be paid: the pieces are sold.")
        }
    };
    Entry::new(order.id, Actor::Shopper, Kind::OrderMade, sentence, order.created_at)
}

/// As many lines as a person reads.
fn listed(lines: &[Line]) -> String {
    const LINES_MAX: usize = 10;
    let line = |line: &Line| format!("{} x {}", line.quantity.count(), line.sku);
    let mut text = lines.iter().take(LINES_MAX).map(line).collect::<Vec<_>>().join(", ");
    if lines.len() > LINES_MAX {
        text += &format!(" and {} more lines", lines.len() - LINES_MAX);
    }
    text
}

/// The gateway is about to be asked for the payment.
pub fn asked(payment: &Payment, attempt: &Attempt) -> Entry {
    let (number, key) = (attempt.number, attempt.key.as_str());
    let sentence = format!(
        "Stripe is asked for a payment of {}: attempt {number}, key {key}.",
        payment.amount
    );
    Entry::new(payment.order, Actor::Till, Kind::PaymentAsked, sentence, attempt.created_at)
}

/// The gateway did not answer.
pub fn unanswered(order: OrderId, again: Timestamp, at: Timestamp) -> Entry {
    let sentence = format!(
        "Stripe did not answer, so the payment may exist or not. It is asked again under the same \
         key, at {again} at the latest."
    );
    Entry::new(order, Actor::Till, Kind::AnswerLost, sentence, at)
}

/// The order is given up without the gateway's word: nobody can pay it.
pub fn given_up(order: OrderId, reason: &str, at: Timestamp) -> Entry {
    let sentence = format!("{reason} {}", ended("is cancelled"));
    Entry::new(order, Actor::Till, Kind::OrderGivenUp, sentence, at)
}

/// Another order of the cart takes this one's place.
pub fn replaced(order: OrderId, at: Timestamp) -> Entry {
    let sentence = "The cart or the details have changed: Stripe is told to cancel this payment, \
                    and another order is to take this one's place.";
    Entry::new(order, Actor::Shopper, Kind::OrderReplaced, sentence, at)
}

/// The shopper came back shortly before the end.
pub fn back_to_pay(order: OrderId, at: Timestamp) -> Entry {
    let sentence =
        "The shopper is back to pay shortly before the end: the order waits longer for her.";
    Entry::new(order, Actor::Shopper, Kind::OrderExtended, sentence, at)
}

/// The time to pay is over, but the payment is under way.
pub fn under_way(order: OrderId, at: Timestamp) -> Entry {
    let sentence = "The time to pay is over, but the payment is under way: the order waits until \
                    the bank has decided.";
    Entry::new(order, Actor::Till, Kind::OrderExtended, sentence, at)
}

/// What news changed; nothing where an answer says what we know.
pub fn news(
    via: &Via,
    (payment_before, payment): (&Payment, &Payment),
    (order_before, order): (&Order, &Order),
    consequence: &Consequence,
    at: Timestamp,
) -> Option<Entry> {
    let mut changes = Vec::new();
    if payment.state() != payment_before.state() {
        let reference = payment.reference().map_or("the payment", |known| known.as_str());
        changes.push(format!("{reference} {}.", stands(payment)));
    }
    if order.state().name() != order_before.state().name() {
        changes.push(match order.state() {
            OrderState::Pending { .. } => "The order is pending again.".to_owned(),
            OrderState::Paid { .. } => "The order is paid; its pieces are sold.".to_owned(),
            OrderState::Failed { .. } => ended("has failed"),
            OrderState::Cancelled { .. } => ended("is cancelled"),
        });
    }
    if changes.is_empty() {
        return via.unchanged(order.id, unchanged_because(consequence), at);
    }
    let sentence = format!("{via}: {}", changes.join(" "));
    Some(Entry::new(order.id, Actor::Gateway, via.kind(), sentence, at))
}

fn unchanged_because(consequence: &Consequence) -> &'static str {
    match consequence {
        Consequence::RefundDue { .. } => "money came for an order that is over.",
        Consequence::StrayRefundDue { .. } => "money came from another payment of this order.",
        Consequence::NeedsAttention(_) => "it does not fit our books.",
        Consequence::Nothing
        | Consequence::OrderPaid { .. }
        | Consequence::OrderFailed
        | Consequence::OrderCancelled
        | Consequence::CancelDue
        | Consequence::EventDue => "nothing new.",
    }
}

fn ended(how: &str) -> String {
    format!("The order {how}; its pieces are free again.")
}

/// How a payment stands, after its name.
fn stands(payment: &Payment) -> String {
    use PaymentState as S;
    match payment.state() {
        S::Created => "is about to be asked for".to_owned(),
        S::Unknown => "may exist or not".to_owned(),
        S::Open => "waits for the shopper".to_owned(),
        S::Declined { decline: Decline { code, message, .. } } => {
            format!("was declined ({code}): \"{message}\" The shopper may try again")
        }
        S::RequiresAction => "waits for the shopper to prove who she is (3-D Secure)".to_owned(),
        S::Processing => "is under way; that may take days".to_owned(),
        S::Answered => {
            format!("has brought {}; the event that proves it is awaited", payment.amount)
        }
        S::Closing { reason } => format!("{}; Stripe is told to cancel it", because(*reason)),
        S::Succeeded { receipt } => format!("has brought {}", receipt.received()),
        S::Failed { .. } => "is closed for good".to_owned(),
        S::Cancelled => "can no longer be paid".to_owned(),
    }
}

fn because(reason: FailureReason) -> &'static str {
    match reason {
        FailureReason::Asynchronous => "failed after it had been under way",
        FailureReason::TooManyDeclines => "was declined too often in a row",
    }
}

/// Somebody wants the order cancelled.
pub fn cancel_asked(order: OrderId, by: &Canceller, at: Timestamp) -> Entry {
    let sentence = match by {
        Canceller::Shopper(_) | Canceller::Operator { reason: None } => {
            "The order is to be cancelled: Stripe is told to cancel its payment.".to_owned()
        }
        Canceller::Operator { reason: Some(reason) } => format!(
            "The order is to be cancelled: \"{reason}\". Stripe is told to cancel its payment."
        ),
    };
    Entry::new(order, by.actor(), Kind::CancelAsked, sentence, at)
}

/// The wish to cancel came too late.
pub fn cancel_void(order: OrderId, reason: NotCancellable, at: Timestamp) -> Entry {
    let sentence = format!("The wish to cancel came too late and is void: {reason}.");
    Entry::new(order, Actor::Till, Kind::CancelVoid, sentence, at)
}

/// A refund is written down.
pub fn refund_asked(refund: &Refund, key: &str, at: Timestamp) -> Entry {
    let amount = refund.amount;
    let (actor, sentence) = match (&refund.origin, &refund.stray) {
        (RefundOrigin::Operator { note }, _) => {
            let why = note.as_ref().map(|note| format!(": \"{note}\"")).unwrap_or_default();
            (Actor::Operator, format!("{amount} are to be given back{why}."))
        }
        (RefundOrigin::Automatic, Some(stray)) => {
            (Actor::Till, format!("{amount} that {stray} brought are to be given back."))
        }
        (RefundOrigin::Automatic, None) => (
            Actor::Till,
            format!("{amount} came when the order was over, and are to be given back."),
        ),
        (RefundOrigin::Elsewhere, _) => {
            (Actor::Gateway, format!("Somebody gives {amount} back at Stripe."))
        }
    };
    let sentence = format!("{sentence} Stripe is asked under the key {key}.");
    Entry::new(refund.order, actor, Kind::RefundAsked, sentence, at)
}

/// A refund has moved, or was found at the gateway.
pub fn refund_moved(via: &Via, refund: &Refund, at: Timestamp) -> Entry {
    let name = refund.reference().map_or("The refund", |known| known.as_str());
    let whose = match refund.origin {
        RefundOrigin::Operator { .. } | RefundOrigin::Automatic => "",
        RefundOrigin::Elsewhere => ", made at Stripe,",
    };
    let amount = match &refund.stray {
        Some(stray) => format!("{} of the second payment {stray}", refund.amount),
        None => refund.amount.to_string(),
    };
    let (actor, sentence) = match refund.state() {
        RefundState::Requested => (Actor::Till, format!("{name} of {amount} is asked for.")),
        RefundState::Unknown => (
            Actor::Till,
            format!(
                "Stripe did not answer: {amount} may be on the way back or not. It is asked again \
                 under the same key."
            ),
        ),
        RefundState::Refused { reason } => {
            (Actor::Gateway, format!("{amount} were not given back. {}", reason.sentence()))
        }
        RefundState::Pending => {
            (Actor::Gateway, format!("{via}: {name}{whose} of {amount} is on its way."))
        }
        RefundState::Succeeded => {
            (Actor::Gateway, format!("{via}: {name}{whose} of {amount} has been sent."))
        }
        RefundState::Failed { reason } => (
            Actor::Gateway,
            format!(
                "{via}: {name}{whose} of {amount} failed ({reason}); the shopper does not have the \
                 money."
            ),
        ),
        RefundState::Cancelled => (
            Actor::Gateway,
            format!("{via}: {name}{whose} of {amount} was stopped; the money stays."),
        ),
    };
    Entry::new(refund.order, actor, Kind::RefundMoved, sentence, at)
}

/// A dispute was heard of, or moved.
pub fn dispute_moved(via: &Via, dispute: &Dispute, at: Timestamp) -> Entry {
    let DisputeNews { reference, payment, amount, reason, .. } = dispute.news();
    let stands = match dispute.state() {
        DisputeState::Inquiry => "the bank asks",
        DisputeState::InquiryUnderReview => "the bank reads the answer",
        DisputeState::InquiryClosed => "the bank asks no more",
        DisputeState::InquiryLost => "the shop gave in, and nothing was taken",
        DisputeState::NeedsResponse => "the bank has taken the money and waits for evidence",
        DisputeState::UnderReview => "the bank has taken the money and reads the evidence",
        DisputeState::Won => "won, and the money is back",
        DisputeState::Lost => "lost, and the money is gone",
        DisputeState::Prevented => "the card network gave the shopper the money",
    };
    let sentence =
        format!("{via}: {amount} of {payment} disputed ({reference}, {reason}): {stands}.");
    Entry::new(dispute.order, Actor::Gateway, Kind::DisputeMoved, sentence, at)
}

/// A person is called.
pub fn raised(order: OrderId, sentence: &str, at: Timestamp) -> Entry {
    let sentence = format!("A person is called: {sentence}");
    Entry::new(order, Actor::Till, Kind::ItemRaised, sentence, at)
}

/// A person has dealt with an item.
pub fn resolved(order: OrderId, item: &Item, note: Option<&str>, at: Timestamp) -> Entry {
    let kind = &item.kind;
    let sentence = match note {
        Some(note) => format!("Dealt with ({kind}): \"{note}\"."),
        None => format!("Dealt with ({kind})."),
    };
    Entry::new(order, Actor::Operator, Kind::ItemResolved, sentence, at)
}

/// Work failed and is done again.
pub fn tried_again(
    order: OrderId,
    (work, error): (&str, &str),
    again: Timestamp,
    at: Timestamp,
) -> Entry {
    let sentence = format!("{work} did not work: {error}. It is tried again at {again}.");
    Entry::new(order, Actor::Till, Kind::TriedAgain, sentence, at)
}
