//! Disputes, inquiries and early fraud warnings: how they open, what they do to money, how they
//! end.
//!
//! Sources: docs.stripe.com/disputes, docs.stripe.com/testing#disputes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stripe::api::params::Field;
use crate::stripe::objects::balance_transaction::{Booking, Kind};
use crate::stripe::objects::dispute::{Dispute, Status};
use crate::stripe::objects::early_fraud_warning::EarlyFraudWarning;
use crate::stripe::objects::event::{Origin, previous};
use crate::stripe::objects::payment_method;
use crate::stripe::objects::refund::{RefundFailure, RefundOutcome};
use crate::stripe::rules::agenda::Task;
use crate::stripe::rules::cards::Complaint;
use crate::stripe::rules::details::MetadataChange;
use crate::stripe::rules::refunds;
use crate::stripe::state::State;

/// What Stripe keeps of every dispute, won or lost: twenty euros.
const FEE: i64 = 2000;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Networks give 7 to 21 days; evidence is due at the end of the last one.
const DAYS_TO_ANSWER: i64 = 7;

/// An inquiry that has not become a dispute by then never will.
const INQUIRY_ENDS: Duration = Duration::from_secs(120 * 24 * 60 * 60);

/// What happens to a dispute by itself. Whoever runs it looks first whether it still applies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Later {
    /// The time to answer is over.
    Due,
    /// The bank has read evidence that says how it decides.
    Decided,
    InquiryEnds,
}

/// How the bank decides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Decision {
    Won,
    Lost,
    WarningClosed,
    Prevented,
}

/// What a dispute is about.
pub(crate) struct Claim {
    pub reason: &'static str,
    pub inquiry: bool,
    /// Minor units.
    pub amount: i64,
}

/// What an update writes.
pub(crate) struct Update {
    pub evidence: Vec<(&'static str, Field<String>)>,
    pub metadata: MetadataChange,
    pub submit: bool,
}

/// Several complaints share the charge's amount: together they claim no more than was paid.
pub(crate) fn open_all(
    state: &mut State,
    charge_id: &str,
    complaints: &[Complaint],
    origin: &Origin,
) {
    let Some(charge) = state.charges.get(charge_id) else { return };
    let mut rest = charge.amount_captured;
    for (place, complaint) in complaints.iter().enumerate() {
        let still_to_come = i64::try_from(complaints.len() - place).unwrap_or(1);
        let amount = rest / still_to_come;
        rest -= amount;
        let claim = Claim { reason: complaint.reason, inquiry: complaint.inquiry, amount };
        open(state, charge_id, &claim, origin);
    }
}

/// Returns the id of the dispute; `None` when there is no such charge.
pub(crate) fn open(
    state: &mut State,
    charge_id: &str,
    claim: &Claim,
    origin: &Origin,
) -> Option<String> {
    let brand = card_brand(state, charge_id);
    let due_by = brand.map(|_| due_by(state));
    let charge = state.charges.get_mut(charge_id)?;
    charge.disputed = true;
    let id = state.ids.make("du_1", 23);
    state.disputes.insert(Dispute {
        id: id.clone(),
        created: state.clock.seconds(),
        amount: claim.amount,
        currency: charge.currency.clone(),
        charge: charge_id.to_owned(),
        payment_intent: charge.payment_intent.clone(),
        reason: claim.reason,
        status: Status::WarningNeedsResponse,
        brand,
        evidence: BTreeMap::new(),
        due_by,
        submissions: 0,
        past_due: false,
        metadata: BTreeMap::new(),
        livemode: state.settings.livemode,
    });
    if claim.inquiry {
        state.schedule(INQUIRY_ENDS, Task::Dispute { id: id.clone(), later: Later::InquiryEnds });
    } else {
        let taken = take(state, &id, FEE)?;
        state.disputes.get_mut(&id)?.status = match brand {
            Some(_) => Status::NeedsResponse { taken },
            // Disputes of debits are final.
            None => Status::Lost { taken: Some(taken) },
        };
    }
    report(state, &id, "charge.dispute.created", origin);
    if !claim.inquiry {
        report(state, &id, "charge.dispute.funds_withdrawn", origin);
        stop_refunds(state, charge_id, origin);
        match due_by {
            Some(due_by) => schedule_due(state, &id, due_by),
            None => report(state, &id, "charge.dispute.closed", origin),
        }
    }
    calm(state, charge_id, origin);
    Some(id)
}

/// `None` when something else than a card paid.
pub(crate) fn card_brand(state: &State, charge_id: &str) -> Option<&'static str> {
    let charge = state.charges.get(charge_id)?;
    match &state.payment_methods.get(&charge.payment_method)?.kind {
        payment_method::Kind::Card { number, .. } => Some(number.brand()),
        payment_method::Kind::SepaDebit { .. } | payment_method::Kind::Redirect(_) => None,
    }
}

/// The last second (UTC) of the day on which evidence is due.
fn due_by(state: &State) -> i64 {
    let today = state.clock.seconds().div_euclid(DAY_SECONDS);
    (today + DAYS_TO_ANSWER + 1) * DAY_SECONDS - 1
}

fn schedule_due(state: &mut State, id: &str, due_by: i64) {
    let seconds = u64::try_from(due_by + 1 - state.clock.seconds()).unwrap_or_default();
    let task = Task::Dispute { id: id.to_owned(), later: Later::Due };
    state.schedule(Duration::from_secs(seconds), task);
}

/// Takes the disputed amount, and a fee, out of the balance.
fn take(state: &mut State, id: &str, fee: i64) -> Option<String> {
    book(state, id, Kind::Dispute, fee)
}

/// The amount comes back; the fee does not.
fn give_back(state: &mut State, id: &str) -> Option<String> {
    book(state, id, Kind::DisputeReversal, 0)
}

fn book(state: &mut State, id: &str, kind: Kind, fee: i64) -> Option<String> {
    let dispute = state.disputes.get(id)?;
    let reversal = kind == Kind::DisputeReversal;
    let what = if reversal { "reversal" } else { "withdrawal" };
    let booking = Booking {
        kind,
        source: id.to_owned(),
        amount: if reversal { dispute.amount } else { -dispute.amount },
        fee,
        currency: dispute.currency.clone(),
        description: Some(format!("Chargeback {what} for {}", dispute.charge)),
    };
    Some(state.book(booking))
}

/// Writes evidence and metadata, and sends the evidence to the bank if it is to be sent.
pub(crate) fn update(state: &mut State, id: &str, update: Update, origin: &Origin) {
    let now = state.clock.seconds();
    let Some(before) = render(state, id) else { return };
    let Some(dispute) = state.disputes.get_mut(id) else { return };
    for (name, field) in update.evidence {
        match field {
            Field::Absent => {}
            Field::Unset => {
                dispute.evidence.remove(name);
            }
            Field::Set(text) => {
                dispute.evidence.insert(name, text);
            }
        }
    }
    update.metadata.apply(&mut dispute.metadata);
    let sends = update.submit && !dispute.evidence.is_empty();
    if let Some(next) = dispute.status.clone().submit().filter(|_| sends) {
        dispute.status = next;
        dispute.submissions += 1;
        dispute.past_due = dispute.due_by.is_some_and(|due_by| now > due_by);
        let delay = state.settings.dispute_delay;
        state.schedule(delay, Task::Dispute { id: id.to_owned(), later: Later::Decided });
    }
    report_update(state, id, &before, origin);
}

/// The shop gives in. `None` when it no longer can.
pub(crate) fn concede(state: &mut State, id: &str, origin: &Origin) -> Option<()> {
    let dispute = state.disputes.get_mut(id)?;
    dispute.status = dispute.status.clone().concede()?;
    report(state, id, "charge.dispute.closed", origin);
    Some(())
}

/// An inquiry becomes a dispute that takes the money. `None` when it is no open inquiry.
pub(crate) fn escalate(state: &mut State, id: &str, origin: &Origin) -> Option<()> {
    let before = render(state, id)?;
    let due_by = due_by(state);
    let status = open_inquiry(state, id)?;
    let taken = take(state, id, FEE)?;
    let dispute = state.disputes.get_mut(id)?;
    dispute.status = status.escalate(taken)?;
    dispute.due_by = Some(due_by);
    dispute.past_due = false;
    let charge_id = dispute.charge.clone();
    schedule_due(state, id, due_by);
    report_update(state, id, &before, origin);
    report(state, id, "charge.dispute.funds_withdrawn", origin);
    stop_refunds(state, &charge_id, origin);
    Some(())
}

/// Refunds that are still on their way fail once the bank has taken the money itself.
fn stop_refunds(state: &mut State, charge_id: &str, origin: &Origin) {
    let waiting: Vec<String> = state
        .refunds
        .rows()
        .iter()
        .filter(|refund| refund.charge == charge_id && refund.status.is_pending())
        .map(|refund| refund.id.clone())
        .collect();
    let outcome = RefundOutcome::Failed(RefundFailure::ChargeForPendingRefundDisputed);
    for id in waiting {
        let _ended_before = refunds::settle(state, &id, outcome, origin);
    }
}

/// Asked before money is booked for a move that the status would refuse.
fn open_inquiry(state: &State, id: &str) -> Option<Status> {
    let status = &state.disputes.get(id)?.status;
    status.is_open_inquiry().then(|| status.clone())
}

/// The bank decides. `None` when the dispute is not one that can end so.
pub(crate) fn decide(
    state: &mut State,
    id: &str,
    decision: Decision,
    origin: &Origin,
) -> Option<()> {
    let (next, moved) = match decision {
        Decision::Lost => (state.disputes.get(id)?.status.clone().lose()?, None),
        Decision::WarningClosed => (open_inquiry(state, id)?.close_inquiry()?, None),
        Decision::Won => {
            let status = state.disputes.get(id)?.status.clone();
            if !status.is_open_chargeback() {
                return None;
            }
            let given_back = give_back(state, id)?;
            (status.win(given_back)?, Some("charge.dispute.funds_reinstated"))
        }
        Decision::Prevented => {
            let status = open_inquiry(state, id)?;
            // Without a chargeback there is no fee for one.
            let taken = take(state, id, 0)?;
            (status.prevent(taken)?, Some("charge.dispute.funds_withdrawn"))
        }
    };
    let dispute = state.disputes.get_mut(id)?;
    dispute.status = next;
    let charge_id = dispute.charge.clone();
    if let Some(moved) = moved {
        report(state, id, moved, origin);
    }
    report(state, id, "charge.dispute.closed", origin);
    if decision == Decision::Prevented {
        stop_refunds(state, &charge_id, origin);
    }
    Some(())
}

/// Does what was written down for later, if it still applies; the dispute may have ended meanwhile.
pub(crate) fn later(state: &mut State, id: &str, later: Later, origin: &Origin) {
    let _too_late = match later {
        Later::Due => expire(state, id, origin),
        Later::InquiryEnds => decide(state, id, Decision::WarningClosed, origin),
        Later::Decided => judge(state, id, origin),
    };
}

/// Who does not answer in time gives in. The due date of an escalated inquiry is a new one.
fn expire(state: &mut State, id: &str, origin: &Origin) -> Option<()> {
    let due_by = state.disputes.get(id)?.due_by?;
    if state.clock.seconds() <= due_by {
        return None;
    }
    concede(state, id, origin)
}

/// Test mode reads the decision out of the evidence; other evidence waits for a decision by order.
fn judge(state: &mut State, id: &str, origin: &Origin) -> Option<()> {
    let dispute = state.disputes.get(id)?;
    let unanswered = dispute.status.clone().submit().is_some();
    if unanswered {
        return None;
    }
    let inquiry = dispute.status.is_open_inquiry();
    let decision = match (dispute.evidence.get("uncategorized_text")?.as_str(), inquiry) {
        ("winning_evidence", false) => Decision::Won,
        ("losing_evidence", false) => Decision::Lost,
        ("winning_evidence" | "losing_evidence", true) => Decision::WarningClosed,
        ("escalate_inquiry_evidence", true) => return escalate(state, id, origin),
        _ => return None,
    };
    decide(state, id, decision, origin)
}

/// Whether the bank has, or may keep, the money that a refund would give back once more.
pub(crate) fn blocks_refund(state: &State, charge_id: &str) -> bool {
    of_charge(state, charge_id).any(|dispute| !dispute.is_charge_refundable())
}

/// A charge has been refunded. If nothing is left of it, the bank has nothing more to ask.
pub(crate) fn refunded(state: &mut State, charge_id: &str, origin: &Origin) {
    let wholly = state
        .charges
        .get(charge_id)
        .is_some_and(|charge| charge.amount_refunded >= charge.amount_captured);
    if !wholly {
        return;
    }
    let inquiries: Vec<String> = of_charge(state, charge_id)
        .filter(|dispute| dispute.status.is_open_inquiry())
        .map(|dispute| dispute.id.clone())
        .collect();
    for id in inquiries {
        let _closed = decide(state, &id, Decision::WarningClosed, origin);
    }
    calm(state, charge_id, origin);
}

/// What customers have back, or want back, by disputes: several share the charge's amount.
pub(crate) fn claimed(state: &State, charge_id: &str) -> i64 {
    let claims =
        |dispute: &&Dispute| dispute.status.is_open_inquiry() || !dispute.is_charge_refundable();
    of_charge(state, charge_id).filter(claims).map(|dispute| dispute.amount).sum()
}

fn of_charge<'a>(state: &'a State, charge_id: &'a str) -> impl Iterator<Item = &'a Dispute> {
    state.disputes.rows().iter().filter(move |dispute| dispute.charge == charge_id)
}

/// The issuer reports the charge as fraud.
pub(crate) fn warn(state: &mut State, charge_id: &str, origin: &Origin) {
    let Some(charge) = state.charges.get(charge_id) else { return };
    let warning = EarlyFraudWarning {
        id: state.ids.make("issfr_1", 23),
        created: state.clock.seconds(),
        charge: charge_id.to_owned(),
        payment_intent: charge.payment_intent.clone(),
        actionable: !charge.disputed && charge.amount_refunded < charge.amount_captured,
        livemode: state.settings.livemode,
    };
    let created = warning.render();
    state.early_fraud_warnings.insert(warning);
    state.emit("radar.early_fraud_warning.created", &created, origin);
}

/// After a dispute or a whole refund there is nothing left to do about a warning.
fn calm(state: &mut State, charge_id: &str, origin: &Origin) {
    let warnings = state.early_fraud_warnings.rows().iter();
    let open = warnings.filter(|warning| warning.charge == charge_id && warning.actionable);
    let ids: Vec<String> = open.map(|warning| warning.id.clone()).collect();
    for id in ids {
        let Some(warning) = state.early_fraud_warnings.get_mut(&id) else { continue };
        warning.actionable = false;
        let updated = warning.render();
        let previous = Some(json!({ "actionable": true }));
        state.emit_update("radar.early_fraud_warning.updated", &updated, previous, origin);
    }
}

fn render(state: &State, id: &str) -> Option<Value> {
    state.disputes.get(id).map(|dispute| dispute.render(state))
}

fn report(state: &mut State, id: &str, kind: &'static str, origin: &Origin) {
    let Some(dispute) = render(state, id) else { return };
    state.emit(kind, &dispute, origin);
}

/// Says what has changed since `before`, if anything has.
fn report_update(state: &mut State, id: &str, before: &Value, origin: &Origin) {
    let Some(after) = render(state, id) else { return };
    if after != *before {
        let changed = previous(before, &after);
        state.emit_update("charge.dispute.updated", &after, Some(changed), origin);
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;
    use crate::stripe::{DisputeOutcome, Options, Stripe};

    /// 20 EUR paid with this method, and the id of its charge.
    async fn paid(method: &str) -> (Stripe, String) {
        let stripe = Stripe::new(Options { seed: Some(7), ..Options::default() });
        let form = format!(
            "amount=2000&currency=eur&confirm=true&payment_method={method}\
             &automatic_payment_methods[enabled]=true\
             &automatic_payment_methods[allow_redirects]=never"
        );
        let key = Options::default().secret_key;
        let request = http::Request::post("/v1/payment_intents")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {key}"))
            .body(Body::from(form));
        let answer = stripe.router().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
        let charge = stripe.lock().charges.rows()[0].id.clone();
        (stripe, charge)
    }

    fn refund(stripe: &Stripe, charge: &str, amount: i64) {
        let mut state = stripe.lock();
        state.charges.get_mut(charge).unwrap().amount_refunded = amount;
        refunded(&mut state, charge, &Origin::default());
    }

    fn statuses(stripe: &Stripe) -> Vec<&'static str> {
        stripe.lock().disputes.rows().iter().map(|dispute| dispute.status.name()).collect()
    }

    #[tokio::test]
    async fn a_refund_is_blocked_while_the_bank_has_the_money() {
        let (stripe, charge) = paid("pm_card_createDispute").await;
        let blocked = || blocks_refund(&stripe.lock(), &charge);
        assert!(blocked());
        let dispute = stripe.lock().disputes.rows()[0].id.clone();
        assert!(stripe.decide_dispute(&dispute, DisputeOutcome::Won));
        assert!(!blocked());

        let (stripe, charge) = paid("pm_card_createDispute").await;
        let dispute = stripe.lock().disputes.rows()[0].id.clone();
        assert!(stripe.decide_dispute(&dispute, DisputeOutcome::Lost));
        assert!(blocks_refund(&stripe.lock(), &charge));

        let (stripe, charge) = paid("pm_card_visa").await;
        assert!(!blocks_refund(&stripe.lock(), &charge));
    }

    #[tokio::test]
    async fn one_of_two_disputes_is_enough_to_block_a_refund() {
        let (stripe, charge) = paid("pm_card_createMultipleDisputes").await;
        let dispute = stripe.lock().disputes.rows()[0].id.clone();
        assert!(stripe.decide_dispute(&dispute, DisputeOutcome::Won));
        assert!(blocks_refund(&stripe.lock(), &charge));
    }

    #[tokio::test]
    async fn an_inquiry_lets_a_refund_through_and_a_whole_one_closes_it() {
        let (stripe, charge) = paid("pm_card_createDisputeInquiry").await;
        assert!(!blocks_refund(&stripe.lock(), &charge));
        refund(&stripe, &charge, 500);
        assert_eq!(statuses(&stripe), ["warning_needs_response"]);
        refund(&stripe, &charge, 2000);
        assert_eq!(statuses(&stripe), ["warning_closed"]);
        let before = stripe.events().len();
        assert_eq!(stripe.events()[before - 1].kind, "charge.dispute.closed");
        refund(&stripe, &charge, 2000);
        assert_eq!(stripe.events().len(), before);
    }

    #[tokio::test]
    async fn a_whole_refund_answers_a_fraud_warning() {
        let (stripe, charge) = paid("pm_card_createIssuerFraudRecord").await;
        let actionable = || stripe.lock().early_fraud_warnings.rows()[0].actionable;
        refund(&stripe, &charge, 500);
        assert!(actionable());
        refund(&stripe, &charge, 2000);
        assert!(!actionable());
        let events = stripe.events();
        assert_eq!(events[events.len() - 1].kind, "radar.early_fraud_warning.updated");
    }
}
