//! Comparing our books with the gateway's: what both say of one payment, and of one refund, and
//! what is to be done where they disagree.
//!
//! Nothing here believes one side more than the other. A difference that a flow of ours can end (an
//! event that was lost, a refund that we have not heard of) names that flow; every other one is for
//! a person, with a sentence that says why and what to do.

use crate::{
    event::{News, Report},
    money::Money,
    order::{Order, OrderState},
    payment::{Discrepancy, Payment, PaymentState},
    refund::{Refund, RefundNews, RefundOrigin, RefundReport, RefundState, given_back, received},
};

/// What we have of one payment.
#[derive(Debug, Clone, Copy)]
pub struct Ours<'a> {
    /// The order it pays for.
    pub order: &'a Order,
    /// The payment.
    pub payment: &'a Payment,
    /// What went back of it.
    pub refunds: &'a [Refund],
}

impl Ours<'_> {
    /// What the payment has brought, by our books.
    pub fn received(&self) -> Option<Money> {
        received(self.payment, self.refunds)
    }
}

/// Where the two books disagree about a payment or a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The money came there, and the order still waits for it here.
    PaidThere,
    /// The money came there for an order that is over here, and nothing went back.
    PaidThereOverHere,
    /// Paid here, and there the money has not come.
    PaidHere,
    /// Over here, and there the shopper can still pay.
    PayableThere,
    /// Over here, and under way there.
    UnderWayThere,
    /// Open here, and there it can no longer succeed.
    CancelledThere,
    /// It names one of our orders, and what it says of it is not what we know.
    Discrepancy(Discrepancy),
    /// It looks like one of ours and names an order that we do not have.
    NoOrderHere,
    /// It names an order of ours for which nothing was to be paid.
    NothingToPay,
    /// We have its name, and it is not there.
    NotThere,
    /// It names one of our orders and cannot be read.
    Unreadable,
    /// Here the order and its payment contradict each other.
    OrderAgainstPayment,
    /// A refund that we have not heard of.
    RefundNotHere,
    /// A refund of ours that is not there.
    RefundNotThere,
    /// A refund of another amount.
    RefundAmount,
    /// A refund that stands elsewhere there.
    RefundState,
    /// A dispute that we have not heard of, or that stands elsewhere there.
    Dispute,
}

/// What ends a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Fetch the event that proves the success; without one an order never becomes paid.
    FetchEvent,
    /// Have the gateway cancel the payment.
    Cancel,
    /// Read the payment into our books.
    Hear,
    /// Read the payment's refunds into our books.
    TakeInRefunds,
    /// Read the payment's disputes into our books.
    TakeInDisputes,
    /// It ends by itself.
    Wait,
    /// A person.
    Person,
}

/// Compares one payment. `theirs` is what the gateway answers now, nothing where it has no such
/// payment; `ours` is nothing where we know neither the payment nor the order that it names.
pub fn compare_payment(theirs: Option<&News>, ours: Option<Ours<'_>>) -> Option<Difference> {
    match (theirs, ours) {
        (None, None) => None,
        (Some(news), None) => match news.report {
            // It names no order of anybody's, or can no longer bring money.
            _ if news.order.is_none() => None,
            Report::Cancelled => None,
            Report::Open
            | Report::Declined(_)
            | Report::RequiresAction
            | Report::Processing
            | Report::Succeeded { .. } => Some(Difference::NoOrderHere),
        },
        (None, Some(ours)) => not_there(ours),
        (Some(news), Some(ours)) if !is_consistent(ours) => {
            (news.report != Report::Cancelled).then_some(Difference::OrderAgainstPayment)
        }
        (Some(news), Some(ours)) => match ours.payment.discrepancy(news) {
            // What can no longer bring money may say what it likes.
            Some(_) if news.report == Report::Cancelled => ended_there(ours.payment, news),
            Some(discrepancy) => Some(Difference::Discrepancy(discrepancy)),
            None => compare_states(news, ours),
        },
    }
}

/// Order and payment move in one transaction.
fn is_consistent(ours: Ours<'_>) -> bool {
    use PaymentState as S;
    match (ours.order.state(), ours.payment.state()) {
        (OrderState::Paid { .. }, S::Succeeded { .. })
        | (OrderState::Failed { .. }, S::Failed { .. })
        | (OrderState::Cancelled { .. }, S::Cancelled) => true,
        (OrderState::Pending { .. }, _) => ours.payment.is_live(),
        (
            OrderState::Paid { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. },
            S::Created
            | S::Unknown
            | S::Open
            | S::Declined { .. }
            | S::RequiresAction
            | S::Processing
            | S::Answered
            | S::Closing { .. }
            | S::Succeeded { .. }
            | S::Failed { .. }
            | S::Cancelled,
        ) => false,
    }
}

fn not_there(ours: Ours<'_>) -> Option<Difference> {
    match ours.payment.state() {
        PaymentState::Succeeded { .. } => Some(Difference::PaidHere),
        _ if ours.payment.is_live() && ours.payment.reference().is_some() => {
            Some(Difference::NotThere)
        }
        // It was never made, or is over on both sides.
        _ => None,
    }
}

fn compare_states(news: &News, ours: Ours<'_>) -> Option<Difference> {
    match news.report {
        Report::Succeeded { .. } => succeeded_there(ours),
        Report::Cancelled => ended_there(ours.payment, news),
        Report::Open | Report::Declined(_) | Report::RequiresAction => {
            open_there(ours.payment, Difference::PayableThere)
        }
        Report::Processing => open_there(ours.payment, Difference::UnderWayThere),
    }
}

fn succeeded_there(ours: Ours<'_>) -> Option<Difference> {
    use PaymentState as S;
    match ours.payment.state() {
        S::Succeeded { .. } => None,
        S::Created
        | S::Unknown
        | S::Open
        | S::Declined { .. }
        | S::RequiresAction
        | S::Processing
        | S::Answered
        | S::Closing { .. } => Some(Difference::PaidThere),
        S::Failed { .. } | S::Cancelled => {
            let noticed = |refund: &Refund| refund.origin == RefundOrigin::Automatic;
            let returned = given_back(ours.refunds) == Ok(Some(ours.payment.amount));
            let is_settled = returned || ours.refunds.iter().any(noticed);
            (!is_settled).then_some(Difference::PaidThereOverHere)
        }
    }
}

fn ended_there(payment: &Payment, news: &News) -> Option<Difference> {
    use PaymentState as S;
    match payment.state() {
        // A second payment of the order, which came to nothing.
        _ if payment.reference().is_some_and(|known| *known != news.reference) => None,
        S::Answered | S::Succeeded { .. } => Some(Difference::PaidHere),
        S::Created
        | S::Unknown
        | S::Open
        | S::Declined { .. }
        | S::RequiresAction
        | S::Processing
        | S::Closing { .. } => Some(Difference::CancelledThere),
        S::Failed { .. } | S::Cancelled => None,
    }
}

fn open_there(payment: &Payment, over_here: Difference) -> Option<Difference> {
    use PaymentState as S;
    match payment.state() {
        S::Answered | S::Succeeded { .. } => Some(Difference::PaidHere),
        S::Failed { .. } | S::Cancelled => Some(over_here),
        S::Created
        | S::Unknown
        | S::Open
        | S::Declined { .. }
        | S::RequiresAction
        | S::Processing
        | S::Closing { .. } => None,
    }
}

/// Compares one refund of a payment of ours; `None` on a side that does not have it.
pub fn compare_refund(theirs: Option<&RefundNews>, ours: Option<&Refund>) -> Option<Difference> {
    use RefundState as S;
    match (theirs, ours) {
        (None, None) => None,
        (Some(_), None) => Some(Difference::RefundNotHere),
        (None, Some(ours)) => match ours.state() {
            // It is on its way there, or never came to be.
            S::Requested | S::Unknown | S::Refused { .. } => None,
            S::Pending | S::Succeeded | S::Failed { .. } | S::Cancelled => {
                Some(Difference::RefundNotThere)
            }
        },
        (Some(theirs), Some(ours)) if theirs.amount != ours.amount => {
            Some(Difference::RefundAmount)
        }
        (Some(theirs), Some(ours)) => {
            let agree = matches!(
                (&theirs.report, ours.state()),
                (RefundReport::Pending, S::Pending)
                    | (RefundReport::Succeeded, S::Succeeded)
                    | (RefundReport::Failed { .. }, S::Failed { .. })
                    | (RefundReport::Cancelled, S::Cancelled)
            );
            (!agree).then_some(Difference::RefundState)
        }
    }
}

/// Whether all that a payment brought has gone back, or is on its way.
pub fn is_given_back(received: Money, refunds: &[RefundNews]) -> bool {
    let counts = |refund: &&RefundNews| match refund.report {
        RefundReport::Pending | RefundReport::Succeeded => true,
        RefundReport::Failed { .. } | RefundReport::Cancelled => false,
    };
    let none = Money::zero(received.currency());
    let mut counted = refunds.iter().filter(counts);
    counted.try_fold(none, |sum, refund| sum.plus(refund.amount)) == Ok(received)
}

impl Difference {
    /// What ends it.
    pub fn remedy(self) -> Remedy {
        match self {
            Self::PaidThere | Self::PaidThereOverHere => Remedy::FetchEvent,
            Self::PayableThere => Remedy::Cancel,
            Self::CancelledThere => Remedy::Hear,
            Self::UnderWayThere => Remedy::Wait,
            Self::RefundNotHere | Self::RefundState => Remedy::TakeInRefunds,
            Self::Dispute => Remedy::TakeInDisputes,
            Self::PaidHere
            | Self::Discrepancy(_)
            | Self::NoOrderHere
            | Self::NothingToPay
            | Self::NotThere
            | Self::Unreadable
            | Self::OrderAgainstPayment
            | Self::RefundNotThere
            | Self::RefundAmount => Remedy::Person,
        }
    }

    /// Its name in rows, logs and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::PaidThere => "paid_there",
            Self::PaidThereOverHere => "paid_there_over_here",
            Self::PaidHere => "paid_here",
            Self::PayableThere => "payable_there",
            Self::UnderWayThere => "under_way_there",
            Self::CancelledThere => "cancelled_there",
            Self::Discrepancy(Discrepancy::Amount) => "amount",
            Self::Discrepancy(Discrepancy::Order) => "other_order",
            Self::Discrepancy(Discrepancy::Reference) => "second_payment",
            Self::Discrepancy(Discrepancy::Livemode) => "livemode",
            Self::Discrepancy(Discrepancy::Contradiction) => "contradiction",
            Self::NoOrderHere => "no_order_here",
            Self::NothingToPay => "nothing_to_pay",
            Self::NotThere => "not_there",
            Self::Unreadable => "unreadable",
            Self::OrderAgainstPayment => "order_against_payment",
            Self::RefundNotHere => "refund_not_here",
            Self::RefundNotThere => "refund_not_there",
            Self::RefundAmount => "refund_amount",
            Self::RefundState => "refund_state",
            Self::Dispute => "dispute",
        }
    }

    /// What is wrong.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::PaidThere => "The gateway has the money, and the order still waits for it here.",
            Self::PaidThereOverHere => {
                "The gateway has money for an order that is over here, and none of it went back."
            }
            Self::PaidHere => {
                "The order counts on money here that the gateway says it does not have."
            }
            Self::PayableThere => {
                "The order is over here, and at the gateway it can still be paid."
            }
            Self::UnderWayThere => {
                "The order is over here, and at the gateway a payment of it is under way; should \
                 it succeed, the money goes back by itself."
            }
            Self::CancelledThere => {
                "The order is open here, and its payment was cancelled at the gateway."
            }
            Self::Discrepancy(discrepancy) => discrepancy.sentence(),
            Self::NoOrderHere => {
                "A payment at the gateway names an order that does not exist here."
            }
            Self::NothingToPay => {
                "A payment at the gateway names an order for which nothing was to be paid here."
            }
            Self::NotThere => {
                "The gateway does not know the payment of an order that is open here."
            }
            Self::Unreadable => "A payment at the gateway names an order and cannot be read.",
            Self::OrderAgainstPayment => {
                "The rows of an order and of its payment contradict each other here."
            }
            Self::RefundNotHere => "A refund at the gateway is not in the books here.",
            Self::RefundNotThere => "A refund that is in the books here is not at the gateway.",
            Self::RefundAmount => "A refund has another amount at the gateway than here.",
            Self::RefundState => "A refund stands elsewhere at the gateway than here.",
            Self::Dispute => "A dispute stands elsewhere at the gateway than here.",
        }
    }

    /// What a person does about it, where nothing else has ended it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::PaidThere | Self::PaidThereOverHere => {
                "The gateway has no event that proves it (it keeps them for 30 days), and without \
                 one no order becomes paid: give the money back there, cancel the order and tell \
                 the shopper."
            }
            Self::PaidHere => {
                "Look the payment up there before anything is sent; ask the gateway's support \
                 about its event."
            }
            Self::PayableThere => "Cancel the payment at the gateway.",
            Self::UnderWayThere => "Look at it again when it has ended.",
            Self::CancelledThere => "Look at the order's payment at the gateway.",
            Self::Discrepancy(Discrepancy::Reference) | Self::NothingToPay => {
                "If it has taken money, give that back at the gateway; if not, cancel it there."
            }
            Self::Discrepancy(
                Discrepancy::Amount
                | Discrepancy::Order
                | Discrepancy::Livemode
                | Discrepancy::Contradiction,
            ) => "Compare the two, and give back at the gateway what is too much.",
            Self::NoOrderHere => {
                "Find out who made it: another shop on the same account, or a database that was \
                 set back. If it is nobody's, give its money back at the gateway."
            }
            Self::NotThere => {
                "Check that the shop's key is one of the account that the payment was made in."
            }
            Self::Unreadable => "Look at it there.",
            Self::OrderAgainstPayment => {
                "Somebody changed them by hand: restore them from the order's events."
            }
            Self::RefundNotHere | Self::RefundState => {
                "Compare the refunds of the payment with those of `till orders show`."
            }
            Self::RefundNotThere => {
                "The shopper may not have her money: look at the payment there, and ask the \
                 gateway's support."
            }
            Self::RefundAmount => "Compare the two, and settle the rest with the shopper.",
            Self::Dispute => "Look at it there, and answer the bank in time.",
        }
    }
}

#[cfg(test)]
mod tests;
