//! What a shopper reads while a person looks at her payment. It says what is certain and no more.

use domain::purchase::Matter;

/// The truth about her money, and what she should do.
pub(super) fn for_shopper(matter: Matter) -> &'static str {
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
