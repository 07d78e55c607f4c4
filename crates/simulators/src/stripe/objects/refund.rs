//! A refund: money of a charge on its way back to whoever paid.
//!
//! A refund that has succeeded is not over: weeks later the bank may send the money back, and the
//! refund has failed after all (docs.stripe.com/refunds, "Failed refunds").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::stripe::table::Row;

pub(crate) struct Refund {
    pub id: String,
    pub created: i64,
    /// Minor units.
    pub amount: i64,
    pub currency: String,
    pub charge: String,
    pub payment_intent: Option<String>,
    pub payment_method: String,
    pub customer: Option<String>,
    pub to: Destination,
    pub reason: Option<RefundReason>,
    pub metadata: BTreeMap<String, String>,
    pub status: Status,
    /// `None` while the balance has not paid for it.
    pub balance_transaction: Option<String>,
    /// Asked for by the shop's server; the others were made in the dashboard.
    pub by_api: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Status {
    Pending(Wait),
    /// The customer has to say by mail where the money shall go.
    RequiresAction(Question),
    Succeeded,
    Failed {
        reason: RefundFailure,
        /// The line by which the money came back into the balance.
        returned: Option<String>,
    },
    Canceled {
        returned: Option<String>,
    },
}

/// What a pending refund waits for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Wait {
    /// The bank.
    Processing,
    /// The shop, whose balance does not cover it.
    InsufficientFunds,
}

/// The mail that asks a customer for a bank account.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Question {
    pub sent_at: i64,
    pub sent_to: String,
    pub expires_at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Destination {
    Card,
    BankAccount,
}

/// Why a shop gives money back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundReason {
    /// The customer was charged twice.
    Duplicate,
    /// The payment was not the holder's.
    Fraudulent,
    /// The customer asked for it.
    RequestedByCustomer,
}

/// Why a refund failed, with the codes of docs.stripe.com/refunds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundFailure {
    /// The payment was disputed while its refund was pending.
    ChargeForPendingRefundDisputed,
    /// The bank refused it.
    Declined,
    /// The card is no longer valid.
    ExpiredOrCanceledCard,
    /// The shop's balance did not cover it in time.
    InsufficientFunds,
    /// The card was reported.
    LostOrStolenCard,
    /// The shop had it stopped.
    MerchantRequest,
    /// The bank gave no reason.
    Unknown,
}

/// How a refund ends, or ends after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundOutcome {
    /// The bank took the money.
    Succeeded,
    /// The money came back.
    Failed(RefundFailure),
    /// The shop stopped it in time.
    Canceled,
}

impl Row for Refund {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl RefundReason {
    pub(crate) const NAMES: &'static [&'static str] =
        &["duplicate", "fraudulent", "requested_by_customer"];

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Duplicate, Self::Fraudulent, Self::RequestedByCustomer]
            .into_iter()
            .find(|reason| reason.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
            Self::RequestedByCustomer => "requested_by_customer",
        }
    }
}

impl RefundFailure {
    fn name(self) -> &'static str {
        match self {
            Self::ChargeForPendingRefundDisputed => "charge_for_pending_refund_disputed",
            Self::Declined => "declined",
            Self::ExpiredOrCanceledCard => "expired_or_canceled_card",
            Self::InsufficientFunds => "insufficient_funds",
            Self::LostOrStolenCard => "lost_or_stolen_card",
            Self::MerchantRequest => "merchant_request",
            Self::Unknown => "unknown",
        }
    }
}

impl Status {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending(_) => "pending",
            Self::RequiresAction(_) => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Canceled { .. } => "canceled",
        }
    }

    /// Whether its amount counts as given back.
    pub fn counts(&self) -> bool {
        match self {
            Self::Pending(_) | Self::RequiresAction(_) | Self::Succeeded => true,
            Self::Failed { .. } | Self::Canceled { .. } => false,
        }
    }

    pub fn waits_for_customer(&self) -> bool {
        match self {
            Self::RequiresAction(_) => true,
            Self::Pending(_) | Self::Succeeded | Self::Failed { .. } | Self::Canceled { .. } => {
                false
            }
        }
    }

    /// What success may still become is failure or a cancellation; those two are final.
    pub fn is_pending(&self) -> bool {
        match self {
            Self::Pending(_) | Self::RequiresAction(_) => true,
            Self::Succeeded | Self::Failed { .. } | Self::Canceled { .. } => false,
        }
    }

    pub fn may_end(&self, outcome: RefundOutcome) -> bool {
        match self {
            Self::Pending(_) | Self::RequiresAction(_) => true,
            Self::Succeeded => outcome != RefundOutcome::Succeeded,
            Self::Failed { .. } | Self::Canceled { .. } => false,
        }
    }
}

impl Refund {
    pub fn render(&self) -> Value {
        let mut refund = json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "customer_account": null,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method,
            "reason": self.reason.map(RefundReason::name),
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": self.status.name(),
            "transfer_reversal": null,
        });
        if self.to == Destination::Card {
            refund["destination_details"] = json!({
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            });
        }
        let returned = match &self.status {
            Status::Pending(wait) => {
                refund["pending_reason"] = match wait {
                    Wait::Processing => "processing".into(),
                    Wait::InsufficientFunds => "insufficient_funds".into(),
                };
                None
            }
            Status::RequiresAction(question) => {
                refund["next_action"] = question.render();
                None
            }
            Status::Succeeded => None,
            Status::Failed { reason, returned } => {
                refund["failure_reason"] = reason.name().into();
                returned.as_ref()
            }
            Status::Canceled { returned } => returned.as_ref(),
        };
        if let Some(returned) = returned {
            refund["failure_balance_transaction"] = returned.as_str().into();
        }
        refund
    }
}

impl Question {
    fn render(&self) -> Value {
        json!({
            "type": "display_details",
            "display_details": {
                "email_sent": { "email_sent_at": self.sent_at, "email_sent_to": self.sent_to },
                "expires_at": self.expires_at,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: [RefundOutcome; 3] = [
        RefundOutcome::Succeeded,
        RefundOutcome::Failed(RefundFailure::Declined),
        RefundOutcome::Canceled,
    ];

    #[test]
    fn a_pending_refund_may_end_in_any_way_and_a_failed_or_canceled_one_in_none() {
        let ways = |status: Status| ENDS.map(|outcome| status.may_end(outcome));
        assert_eq!(ways(Status::Pending(Wait::Processing)), [true, true, true]);
        assert_eq!(ways(Status::Pending(Wait::InsufficientFunds)), [true, true, true]);
        assert_eq!(ways(Status::Succeeded), [false, true, true]);
        let failed = Status::Failed { reason: RefundFailure::Declined, returned: None };
        assert_eq!(ways(failed), [false, false, false]);
        assert_eq!(ways(Status::Canceled { returned: None }), [false, false, false]);
    }
}
