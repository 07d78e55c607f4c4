//! What a shopper reads while a person looks at her payment, and what a purchase's history says. Both
//! say what is certain and no more.

use domain::purchase::{Aim, Matter, Purchase, PurchaseState};

/// The truth about her money, and what she should do, where her session's state does not say it.
pub(super) fn for_shopper(purchase: &Purchase) -> Option<&'static str> {
    if let PurchaseState::NeedsReconciliation { matter, .. } = purchase.state() {
        return Some(of_matter(*matter));
    }
    (purchase.is_live() && purchase.aim() == Aim::WatchUntilOver).then_some(
        "The payment that you gave up may still go through at your bank, so nothing else is charged \
         yet. You can pay again when it has ended, a day from now at the latest.",
    )
}

fn of_matter(matter: Matter) -> &'static str {
    match matter {
        Matter::CheckoutRefused => {
            "Your card was charged, but the order could not be placed; something may just have sold \
             out. The shop has been told, and will place the order or give the money back. Please \
             do not pay again."
        }
        Matter::ChargeUnknown => {
            "It is not certain whether your card was charged. The shop has been told and looks into \
             it. Please do not pay again."
        }
        Matter::ChargeAmount
        | Matter::AnotherPayment
        | Matter::CartChanged
        | Matter::CartUnread
        | Matter::CheckoutUnknown
        | Matter::OrderTotal
        | Matter::ConfirmRefused
        | Matter::ConfirmUnknown
        | Matter::NotPaid
        | Matter::LateCharge => {
            "Your card was charged, or may be, and the order is not complete yet. The shop has been \
             told and looks into it. Please do not pay again."
        }
        Matter::Unfinished | Matter::CancelUnknown => {
            "The payment has not ended yet. The shop has been told and looks into it. Please do not \
             pay again."
        }
    }
}

/// What a purchase has come to, for an operator.
pub(super) fn for_history(purchase: &Purchase) -> String {
    use PurchaseState as S;
    match purchase.state() {
        S::Created { .. } => format!("The shopper pays {}.", purchase.terms.amount),
        S::Charging { .. } => "The charge is asked for.".to_owned(),
        S::RequiresAction { payment, .. } => {
            format!("The shopper must prove who she is, for payment {payment}.")
        }
        S::Processing { payment } => format!("Payment {payment} is under way."),
        S::Charged { payment } => format!("Payment {payment} has succeeded."),
        S::Ordering { .. } => "The order is asked for.".to_owned(),
        S::Ordered { order, .. } => format!("Order {order} is made."),
        S::Confirming { order, .. } => format!("The payment is to be booked on order {order}."),
        S::Pending { booking, .. } => {
            format!("The payment is booked on order {}, and not paid.", booking.order)
        }
        S::Cancelling { booking, .. } => {
            format!("The booking on order {} is to be cancelled.", booking.order)
        }
        S::Confirmed { booking, .. } => format!("Order {} is paid.", booking.order),
        S::Cleaned { .. } => "The cart is tidied up.".to_owned(),
        S::Declined { message } => format!("Declined: {message}"),
        S::Abandoned { why, .. } => format!("Given up. {}", why.sentence()),
        S::NeedsReconciliation { matter, .. } => {
            format!("A person is called. {}", matter.sentence())
        }
    }
}
