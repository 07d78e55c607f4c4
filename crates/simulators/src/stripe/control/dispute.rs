//! Disputes by order: a test plays the customer and the bank.

use std::collections::BTreeMap;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::stripe::Stripe;
use crate::stripe::control::{done, refused};
use crate::stripe::objects::charge::ChargeStatus;
use crate::stripe::objects::dispute::REASONS;
use crate::stripe::rules::disputes::{self, Claim, Decision};
use crate::stripe::state::State;

/// A dispute as the books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerDispute {
    /// Dispute id.
    pub id: String,
    /// Its status as the API names it.
    pub status: &'static str,
    /// Minor units that are disputed.
    pub amount: i64,
}

/// What a customer complains about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisputeOrder {
    /// As the API names it; `fraudulent` for a card and `debit_not_authorized` for a debit when
    /// not given.
    pub reason: Option<String>,
    /// Minor units, at most what was paid and no other dispute claims; all of that when not given.
    pub amount: Option<i64>,
    /// The bank only asks, no money is taken yet.
    #[serde(default)]
    pub inquiry: bool,
}

/// How a bank decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeOutcome {
    /// The shop gets its money back; not for inquiries.
    Won,
    /// The customer keeps the money; not for inquiries.
    Lost,
    /// The bank asks no more; for inquiries only.
    WarningClosed,
    /// The network gave the customer the money before there was a chargeback; for inquiries only.
    Prevented,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decide {
    outcome: String,
}

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/payment_intents/{id}/dispute", post(open))
        .route("/_sim/disputes/{id}/decide", post(decide))
        .route("/_sim/disputes/{id}/escalate", post(escalate))
}

async fn open(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    order: Option<Json<DisputeOrder>>,
) -> Response {
    let order = order.map(|Json(order)| order).unwrap_or_default();
    match stripe.dispute(&id, &order) {
        Ok(dispute) => Json(json!({ "ok": true, "dispute": dispute })).into_response(),
        Err(why) => refused(StatusCode::CONFLICT, why),
    }
}

async fn decide(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    Json(order): Json<Decide>,
) -> Response {
    let outcome = match order.outcome.as_str() {
        "won" => DisputeOutcome::Won,
        "lost" => DisputeOutcome::Lost,
        "warning_closed" => DisputeOutcome::WarningClosed,
        "prevented" => DisputeOutcome::Prevented,
        appeal @ ("appeal_needs_response" | "appeal_under_review") => {
            let why = format!("this simulator does not simulate appeals ({appeal})");
            return refused(StatusCode::BAD_REQUEST, why);
        }
        other => return refused(StatusCode::BAD_REQUEST, format!("unknown outcome {other}")),
    };
    match stripe.decide_dispute(&id, outcome) {
        true => done(),
        false => {
            let why = format!("{id} is not a dispute that can end as {}", order.outcome);
            refused(StatusCode::CONFLICT, why)
        }
    }
}

async fn escalate(Shared(stripe): Shared<Stripe>, Path(id): Path<String>) -> Response {
    match stripe.escalate_dispute(&id) {
        true => done(),
        false => refused(StatusCode::CONFLICT, format!("{id} is not an open inquiry")),
    }
}

impl Stripe {
    /// Lets the customer dispute a payment that has succeeded, and returns the dispute's id; the
    /// error says why there is none.
    pub fn dispute(&self, payment_intent_id: &str, order: &DisputeOrder) -> Result<String, String> {
        let opened = {
            let mut state = self.lock();
            let (charge, claim) = claim(&state, payment_intent_id, order)?;
            disputes::open(&mut state, &charge, &claim, &Default::default())
        };
        self.wake();
        opened.ok_or_else(|| format!("{payment_intent_id} has no charge"))
    }

    /// Decides a dispute as its bank would. False when it cannot end so, or not any more.
    pub fn decide_dispute(&self, dispute_id: &str, outcome: DisputeOutcome) -> bool {
        let decision = match outcome {
            DisputeOutcome::Won => Decision::Won,
            DisputeOutcome::Lost => Decision::Lost,
            DisputeOutcome::WarningClosed => Decision::WarningClosed,
            DisputeOutcome::Prevented => Decision::Prevented,
        };
        let decided =
            disputes::decide(&mut self.lock(), dispute_id, decision, &Default::default()).is_some();
        self.wake();
        decided
    }

    /// Makes an inquiry a dispute that takes the money. False when it is no open inquiry.
    pub fn escalate_dispute(&self, dispute_id: &str) -> bool {
        let escalated =
            disputes::escalate(&mut self.lock(), dispute_id, &Default::default()).is_some();
        self.wake();
        escalated
    }
}

/// The charge that is disputed and what is claimed, if that is possible.
fn claim(
    state: &State,
    payment_intent_id: &str,
    order: &DisputeOrder,
) -> Result<(String, Claim), String> {
    let intent = state.payment_intents.get(payment_intent_id);
    let intent = intent.ok_or_else(|| format!("no payment intent {payment_intent_id}"))?;
    let charge = intent.latest_charge.as_deref().and_then(|id| state.charges.get(id));
    let paid = charge.filter(|charge| charge.captured && charge.status == ChargeStatus::Succeeded);
    let charge = paid.ok_or_else(|| format!("{payment_intent_id} has not been paid"))?;
    let by_card = disputes::card_brand(state, &charge.id).is_some();
    if order.inquiry && !by_card {
        return Err("banks do not ask about debits, they take them back".into());
    }
    let default = if by_card { "fraudulent" } else { "debit_not_authorized" };
    let given = order.reason.as_deref().unwrap_or(default);
    let reason = REASONS.iter().find(|reason| **reason == given);
    let reason = reason.ok_or_else(|| format!("unknown reason {given}"))?;
    let left = charge.amount_captured - disputes::claimed(state, &charge.id);
    if left < 1 {
        return Err(format!("all of {payment_intent_id} is disputed already"));
    }
    let amount = order.amount.unwrap_or(left);
    if !(1..=left).contains(&amount) {
        return Err(format!("amount must be from 1 to {left}"));
    }
    Ok((charge.id.clone(), Claim { reason, inquiry: order.inquiry, amount }))
}

/// Oldest first.
pub(crate) fn by_intent(state: &State) -> BTreeMap<&str, Vec<LedgerDispute>> {
    let mut disputes: BTreeMap<&str, Vec<LedgerDispute>> = BTreeMap::new();
    for dispute in state.disputes.rows() {
        let Some(intent) = &dispute.payment_intent else { continue };
        disputes.entry(intent).or_default().push(LedgerDispute {
            id: dispute.id.clone(),
            status: dispute.status.name(),
            amount: dispute.amount,
        });
    }
    disputes
}
