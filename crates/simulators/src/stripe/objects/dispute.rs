//! A dispute: the holder of a card or account tells the bank that a payment is not right. The bank
//! takes the money back at once, or asks about the payment first (an inquiry).
//!
//! The shop answers with evidence until a due date; the bank decides. A disputed debit is lost from
//! the start: SEPA knows no answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::stripe::state::State;
use crate::stripe::table::Row;

pub(crate) struct Dispute {
    pub id: String,
    pub created: i64,
    /// Minor units.
    pub amount: i64,
    pub currency: String,
    pub charge: String,
    pub payment_intent: Option<String>,
    pub reason: &'static str,
    pub status: Status,
    /// Of the card; `None` when something else than a card paid.
    pub brand: Option<&'static str>,
    pub evidence: BTreeMap<&'static str, String>,
    /// Seconds since 1970; `None` when the bank takes no answer.
    pub due_by: Option<i64>,
    pub submissions: u32,
    /// Whether the last evidence came after the due date.
    pub past_due: bool,
    pub metadata: BTreeMap<String, String>,
    pub livemode: bool,
}

/// Where a dispute stands, with the balance transactions that have moved its money.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Status {
    /// The bank asks; nothing has been taken.
    WarningNeedsResponse,
    WarningUnderReview,
    WarningClosed,
    NeedsResponse {
        taken: String,
    },
    UnderReview {
        taken: String,
    },
    Won {
        taken: String,
        given_back: String,
    },
    /// Nothing was taken when the shop gave in to an inquiry.
    Lost {
        taken: Option<String>,
    },
    /// The card network gave the holder the money before there was a chargeback.
    Prevented {
        taken: String,
    },
}

/// As docs.stripe.com/api/disputes/object lists them.
pub(crate) const REASONS: &[&str] = &[
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "noncompliant",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
];

/// Every text and file of the evidence.
const EVIDENCE: &[&str] = &[
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

impl Row for Dispute {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

impl Status {
    pub fn name(&self) -> &'static str {
        match self {
            Self::WarningNeedsResponse => "warning_needs_response",
            Self::WarningUnderReview => "warning_under_review",
            Self::WarningClosed => "warning_closed",
            Self::NeedsResponse { .. } => "needs_response",
            Self::UnderReview { .. } => "under_review",
            Self::Won { .. } => "won",
            Self::Lost { .. } => "lost",
            Self::Prevented { .. } => "prevented",
        }
    }

    pub fn is_open_inquiry(&self) -> bool {
        match self {
            Self::WarningNeedsResponse | Self::WarningUnderReview => true,
            Self::WarningClosed
            | Self::NeedsResponse { .. }
            | Self::UnderReview { .. }
            | Self::Won { .. }
            | Self::Lost { .. }
            | Self::Prevented { .. } => false,
        }
    }

    pub fn is_open_chargeback(&self) -> bool {
        match self {
            Self::NeedsResponse { .. } | Self::UnderReview { .. } => true,
            Self::WarningNeedsResponse
            | Self::WarningUnderReview
            | Self::WarningClosed
            | Self::Won { .. }
            | Self::Lost { .. }
            | Self::Prevented { .. } => false,
        }
    }

    pub fn is_closed(&self) -> bool {
        !self.is_open_inquiry() && !self.is_open_chargeback()
    }

    /// What was taken and what came back.
    fn moved(&self) -> (Option<&String>, Option<&String>) {
        match self {
            Self::WarningNeedsResponse | Self::WarningUnderReview | Self::WarningClosed => {
                (None, None)
            }
            Self::NeedsResponse { taken }
            | Self::UnderReview { taken }
            | Self::Prevented { taken } => (Some(taken), None),
            Self::Won { taken, given_back } => (Some(taken), Some(given_back)),
            Self::Lost { taken } => (taken.as_ref(), None),
        }
    }

    /// The shop has sent its evidence.
    pub fn submit(self) -> Option<Self> {
        match self {
            Self::WarningNeedsResponse => Some(Self::WarningUnderReview),
            Self::NeedsResponse { taken } => Some(Self::UnderReview { taken }),
            Self::WarningUnderReview
            | Self::WarningClosed
            | Self::UnderReview { .. }
            | Self::Won { .. }
            | Self::Lost { .. }
            | Self::Prevented { .. } => None,
        }
    }

    /// The shop gives in, which it can do only before it has answered.
    pub fn concede(self) -> Option<Self> {
        match self {
            Self::WarningNeedsResponse => Some(Self::Lost { taken: None }),
            Self::NeedsResponse { taken } => Some(Self::Lost { taken: Some(taken) }),
            Self::WarningUnderReview
            | Self::WarningClosed
            | Self::UnderReview { .. }
            | Self::Won { .. }
            | Self::Lost { .. }
            | Self::Prevented { .. } => None,
        }
    }

    /// The bank takes the money that it has only asked about so far.
    pub fn escalate(self, taken: String) -> Option<Self> {
        match self {
            Self::WarningNeedsResponse | Self::WarningUnderReview => {
                Some(Self::NeedsResponse { taken })
            }
            Self::WarningClosed
            | Self::NeedsResponse { .. }
            | Self::UnderReview { .. }
            | Self::Won { .. }
            | Self::Lost { .. }
            | Self::Prevented { .. } => None,
        }
    }

    /// The bank asks no more.
    pub fn close_inquiry(self) -> Option<Self> {
        match self {
            Self::WarningNeedsResponse | Self::WarningUnderReview => Some(Self::WarningClosed),
            Self::WarningClosed
            | Self::NeedsResponse { .. }
            | Self::UnderReview { .. }
            | Self::Won { .. }
            | Self::Lost { .. }
            | Self::Prevented { .. } => None,
        }
    }

    pub fn prevent(self, taken: String) -> Option<Self> {
        match self {
            Self::WarningNeedsResponse | Self::WarningUnderReview => {
                Some(Self::Prevented { taken })
            }
            Self::WarningClosed
            | Self::NeedsResponse { .. }
            | Self::UnderReview { .. }
            | Self::Won { .. }
            | Self::Lost { .. }
            | Self::Prevented { .. } => None,
        }
    }

    pub fn win(self, given_back: String) -> Option<Self> {
        match self {
            Self::NeedsResponse { taken } | Self::UnderReview { taken } => {
                Some(Self::Won { taken, given_back })
            }
            Self::WarningNeedsResponse
            | Self::WarningUnderReview
            | Self::WarningClosed
            | Self::Won { .. }
            | Self::Lost { .. }
            | Self::Prevented { .. } => None,
        }
    }

    pub fn lose(self) -> Option<Self> {
        match self {
            Self::NeedsResponse { taken } | Self::UnderReview { taken } => {
                Some(Self::Lost { taken: Some(taken) })
            }
            Self::WarningNeedsResponse
            | Self::WarningUnderReview
            | Self::WarningClosed
            | Self::Won { .. }
            | Self::Lost { .. }
            | Self::Prevented { .. } => None,
        }
    }
}

impl Dispute {
    /// A refund on top of money that the bank has taken would pay the customer twice.
    pub fn is_charge_refundable(&self) -> bool {
        let (taken, given_back) = self.status.moved();
        taken.is_none() || given_back.is_some()
    }

    pub fn render(&self, state: &State) -> Value {
        let (taken, given_back) = self.status.moved();
        let moved = taken.into_iter().chain(given_back);
        let booked = moved.filter_map(|id| state.balance_transactions.get(id));
        let booked = booked.map(|line| line.render(state.clock.seconds()));
        let mut dispute = json!({
            "id": self.id,
            "object": "dispute",
            "amount": self.amount,
            "balance_transactions": booked.collect::<Vec<_>>(),
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "enhanced_eligibility_types": [],
            "evidence": self.evidence_json(),
            "evidence_details": {
                // Zero says that the bank takes no answer.
                "due_by": self.due_by.unwrap_or_default(),
                "enhanced_eligibility": {},
                "has_evidence": !self.evidence.is_empty(),
                "past_due": self.past_due,
                "submission_count": self.submissions,
                "submission_method": if self.submissions == 0 { "not_submitted" } else { "manual" },
            },
            "intended_submission_method": null,
            "is_charge_refundable": self.is_charge_refundable(),
            "livemode": self.livemode,
            "metadata": self.metadata,
            "network_reason_code": self.network_reason_code(),
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "status": self.status.name(),
        });
        if let Some(brand) = self.brand {
            dispute["payment_method_details"] = json!({
                "card": {
                    "brand": brand,
                    "case_type": self.case_type(),
                    "network": brand,
                    "network_reason_code": self.network_reason_code(),
                },
                "type": "card",
            });
        }
        dispute
    }

    fn evidence_json(&self) -> Value {
        let mut evidence: Map<String, Value> = EVIDENCE
            .iter()
            .map(|name| ((*name).to_owned(), self.evidence.get(name).cloned().into()))
            .collect();
        evidence.insert("enhanced_evidence".into(), json!({}));
        Value::Object(evidence)
    }

    fn case_type(&self) -> &'static str {
        match &self.status {
            Status::WarningNeedsResponse
            | Status::WarningUnderReview
            | Status::WarningClosed
            | Status::Lost { taken: None } => "inquiry",
            Status::NeedsResponse { .. }
            | Status::UnderReview { .. }
            | Status::Won { .. }
            | Status::Lost { taken: Some(_) } => "chargeback",
            Status::Prevented { .. } => "resolution",
        }
    }

    /// Visa's dispute conditions; the codes of the other networks are not simulated.
    fn network_reason_code(&self) -> Option<&'static str> {
        if self.brand != Some("visa") {
            return None;
        }
        match (self.case_type(), self.reason) {
            ("inquiry", _) => Some("10"),
            (_, "fraudulent") => Some("10.4"),
            (_, "product_not_received") => Some("13.1"),
            (_, "subscription_canceled") => Some("13.2"),
            (_, "product_unacceptable") => Some("13.3"),
            (_, "credit_not_processed") => Some("13.6"),
            (_, "duplicate") => Some("12.6.1"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: &str = "txn_1";

    fn every_status() -> [Status; 9] {
        let taken = || TAKEN.to_owned();
        [
            Status::WarningNeedsResponse,
            Status::WarningUnderReview,
            Status::WarningClosed,
            Status::NeedsResponse { taken: taken() },
            Status::UnderReview { taken: taken() },
            Status::Won { taken: taken(), given_back: "txn_2".into() },
            Status::Lost { taken: Some(taken()) },
            Status::Lost { taken: None },
            Status::Prevented { taken: taken() },
        ]
    }

    fn allowed(verb: impl Fn(Status) -> Option<Status>) -> Vec<(&'static str, &'static str)> {
        let moves = every_status().into_iter().map(|from| (from.name(), verb(from)));
        moves.filter_map(|(from, to)| Some((from, to?.name()))).collect()
    }

    #[test]
    fn each_verb_moves_from_its_own_states_only() {
        let asked = [("warning_needs_response", "x"), ("warning_under_review", "x")];
        let taken = [("needs_response", "x"), ("under_review", "x")];
        let to = |from: [(&'static str, &'static str); 2], end| from.map(|(from, _)| (from, end));
        assert_eq!(
            allowed(Status::submit),
            [
                ("warning_needs_response", "warning_under_review"),
                ("needs_response", "under_review")
            ]
        );
        assert_eq!(
            allowed(Status::concede),
            [("warning_needs_response", "lost"), ("needs_response", "lost")]
        );
        assert_eq!(allowed(|s| s.escalate(TAKEN.into())), to(asked, "needs_response"));
        assert_eq!(allowed(|s| s.prevent(TAKEN.into())), to(asked, "prevented"));
        assert_eq!(allowed(Status::close_inquiry), to(asked, "warning_closed"));
        assert_eq!(allowed(|s| s.win("txn_2".into())), to(taken, "won"));
        assert_eq!(allowed(Status::lose), to(taken, "lost"));
    }

    #[test]
    fn what_is_closed_moves_no_more() {
        for status in every_status().into_iter().filter(Status::is_closed) {
            assert_eq!(status.clone().submit(), None);
            assert_eq!(status.clone().concede(), None);
            assert_eq!(status.clone().escalate(TAKEN.into()), None);
            assert_eq!(status.clone().prevent(TAKEN.into()), None);
            assert_eq!(status.clone().close_inquiry(), None);
            assert_eq!(status.clone().win("txn_2".into()), None);
            assert_eq!(status.lose(), None);
        }
    }
}
