//! Disputes at Stripe, which are only read here: evidence is sent in Stripe's dashboard. A dispute
//! carries nothing of ours; its payment tells whose it is.
//!
//! Facts: <https://docs.stripe.com/api/disputes> (read 2026-11-21).

use domain::{
    dispute::{DisputeNews, DisputeState},
    event::GatewayReference,
};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Form, PAGE_SIZE, Stripe, get, money, segment, unreadable,
    wire::{List, WireError, need},
};
use crate::GatewayError;

const ROUTE: &str = "/v1/disputes";

impl Stripe {
    /// Reads a dispute. `None`: it is of no payment of the kind that we make.
    pub async fn retrieve_dispute(
        &self,
        reference: &GatewayReference,
    ) -> Result<Option<DisputeNews>, GatewayError> {
        let path = format!("{ROUTE}/{}", segment(reference.as_str()));
        let reply = self.0.sender.send(&get("/v1/disputes/{id}", path)).await?;
        read(&reply.body).map_err(unreadable)
    }

    /// The disputes of a payment, newest first. One page of them: together they cannot dispute more
    /// than the payment, and no payment has had a hundred.
    pub async fn list_disputes(
        &self,
        payment: &GatewayReference,
    ) -> Result<Vec<DisputeNews>, GatewayError> {
        let form =
            Form::default().with("payment_intent", payment.as_str()).with("limit", PAGE_SIZE);
        let path = format!("{ROUTE}?{}", form.encode());
        let reply = self.0.sender.send(&get(ROUTE, path)).await?;
        let page: List<'_> = serde_json::from_str(&reply.body).map_err(unreadable)?;
        let disputes = page.data.iter().filter_map(|raw| read(raw.get()).transpose());
        disputes.collect::<Result<_, _>>().map_err(unreadable)
    }
}

/// A Dispute; every field is optional.
#[derive(Deserialize)]
struct WireDispute {
    id: Option<String>,
    payment_intent: Option<String>,
    amount: Option<i64>,
    currency: Option<String>,
    reason: Option<String>,
    status: Option<String>,
    is_charge_refundable: Option<bool>,
    evidence_details: Option<EvidenceDetails>,
}

#[derive(Deserialize)]
struct EvidenceDetails {
    due_by: Option<i64>,
}

pub(super) fn read(raw: &str) -> Result<Option<DisputeNews>, WireError> {
    let dispute: WireDispute = serde_json::from_str(raw)?;
    let Some(payment) = &dispute.payment_intent else { return Ok(None) };
    let state = dispute.state()?;
    let due_by = dispute.evidence_details.and_then(|details| details.due_by);
    // Zero says that the bank takes no answer.
    let due_by = due_by.filter(|seconds| *seconds > 0);
    let currency = need(dispute.currency.as_deref(), "currency")?;
    Ok(Some(DisputeNews {
        reference: GatewayReference::new(need(dispute.id, "id")?)?,
        payment: GatewayReference::new(payment)?,
        amount: money::from_stripe(need(dispute.amount, "amount")?, currency)?,
        reason: dispute.reason.unwrap_or_else(|| "general".to_owned()),
        respond_by: due_by.map(Timestamp::from_second).transpose()?,
        state,
    }))
}

impl WireDispute {
    /// An appeal against a lost dispute leaves the money gone until it is won. A word that is new
    /// to us is no end; whether the bank has the money is told apart from it.
    fn state(&self) -> Result<DisputeState, WireError> {
        let status = need(self.status.as_deref(), "status")?;
        let has_money = !self.is_charge_refundable.unwrap_or(false);
        Ok(match (status, has_money) {
            ("warning_needs_response", _) => DisputeState::Inquiry,
            ("warning_under_review", _) => DisputeState::InquiryUnderReview,
            ("warning_closed", _) => DisputeState::InquiryClosed,
            ("needs_response", _) => DisputeState::NeedsResponse,
            ("under_review", _) => DisputeState::UnderReview,
            ("won", _) => DisputeState::Won,
            ("lost", false) => DisputeState::InquiryLost,
            ("lost" | "appeal_needs_response" | "appeal_under_review", _) => DisputeState::Lost,
            ("prevented", _) => DisputeState::Prevented,
            (_, true) => DisputeState::UnderReview,
            (_, false) => DisputeState::InquiryUnderReview,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::money::Money;
    use serde_json::json;

    use super::*;
    use crate::stripe::script::{says, stripe};

    fn wire(status: &str, is_charge_refundable: bool) -> serde_json::Value {
        json!({
            "id": "du_1", "object": "dispute", "payment_intent": "pi_1", "charge": "ch_1",
            "amount": 400, "currency": "eur", "reason": "product_not_received", "status": status,
            "is_charge_refundable": is_charge_refundable,
            "evidence_details": {"due_by": 1_800_000_000},
        })
    }

    fn state(status: &str, is_charge_refundable: bool) -> DisputeState {
        read(&wire(status, is_charge_refundable).to_string()).unwrap().unwrap().state
    }

    #[test]
    fn every_status_of_a_dispute_is_one_of_our_states() {
        use DisputeState as S;
        for (status, refundable, wanted) in [
            ("warning_needs_response", true, S::Inquiry),
            ("warning_under_review", true, S::InquiryUnderReview),
            ("warning_closed", true, S::InquiryClosed),
            ("needs_response", false, S::NeedsResponse),
            ("under_review", false, S::UnderReview),
            ("won", true, S::Won),
            ("lost", false, S::Lost),
            ("lost", true, S::InquiryLost),
            ("appeal_needs_response", false, S::Lost),
            ("appeal_under_review", false, S::Lost),
            ("prevented", false, S::Prevented),
            ("a_new_word", false, S::UnderReview),
            ("a_new_word", true, S::InquiryUnderReview),
        ] {
            assert_eq!(state(status, refundable), wanted, "{status}");
        }
    }

    #[test]
    fn a_dispute_is_read_with_its_payment_and_the_time_to_answer() {
        let mut dispute = wire("needs_response", false);
        let read = |dispute: &serde_json::Value| super::read(&dispute.to_string()).unwrap();
        let news = read(&dispute).unwrap();
        assert_eq!((news.reference.as_str(), news.payment.as_str()), ("du_1", "pi_1"));
        assert_eq!(news.amount, Money::new(400, "EUR".parse().unwrap()).unwrap());
        assert_eq!(news.reason, "product_not_received");
        assert_eq!(news.respond_by, Some(Timestamp::from_second(1_800_000_000).unwrap()));
        dispute["evidence_details"]["due_by"] = json!(0);
        assert_eq!(read(&dispute).unwrap().respond_by, None);
        dispute["payment_intent"] = json!(null);
        assert_eq!(read(&dispute), None);
    }

    #[tokio::test]
    async fn the_disputes_of_a_payment_are_asked_for_by_its_name() {
        let page = json!({"object": "list", "has_more": false, "data": [wire("won", true)]});
        let (stripe, asked) = stripe([says(200, page.to_string())]);
        let payment = GatewayReference::new("pi_1").unwrap();
        let found = stripe.list_disputes(&payment).await.unwrap();
        assert_eq!(found[0].state, DisputeState::Won);
        let query = asked.lock().unwrap()[0].uri().query().unwrap().to_owned();
        assert_eq!(query, "payment_intent=pi_1&limit=100");
    }
}
