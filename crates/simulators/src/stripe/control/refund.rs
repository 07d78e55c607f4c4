//! Refunds from the other side: made in the dashboard, and ended as a test wants it.

use std::collections::BTreeMap;

use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::stripe::Stripe;
use crate::stripe::api::error::ApiError;
use crate::stripe::control::{done, refused};
use crate::stripe::objects::event::Origin;
use crate::stripe::objects::refund::{Refund, RefundFailure, RefundOutcome, RefundReason};
use crate::stripe::rules::details::MetadataChange;
use crate::stripe::rules::refunds::{self, RefundCourse, Wanted};
use crate::stripe::state::State;

/// A refund as the books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerRefund {
    /// Refund id.
    pub id: String,
    /// Minor units.
    pub amount: i64,
    /// Its status as the API names it.
    pub status: &'static str,
    /// As the shop set it.
    pub metadata: BTreeMap<String, String>,
    /// False when it was made in the dashboard.
    pub created_by_api: bool,
}

/// A refund to be made in the dashboard; without an amount all that is left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefundOrder {
    /// Minor units.
    pub amount: Option<i64>,
    /// Why.
    pub reason: Option<RefundReason>,
    /// Kept with the refund.
    pub metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settlement {
    outcome: Ending,
    failure_reason: Option<RefundFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ending {
    Succeeded,
    Failed,
    Canceled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Next {
    outcome: RefundCourse,
}

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/payment_intents/{id}/refund", post(refund))
        .route("/_sim/refunds/next", post(next))
        .route("/_sim/refunds/{id}/settle", post(settle))
}

async fn refund(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    order: Option<Json<RefundOrder>>,
) -> Response {
    let order = order.map(|Json(order)| order).unwrap_or_default();
    match stripe.make_refund(&id, order) {
        Ok(id) => {
            let refund = stripe.lock().refunds.get(&id).map(Refund::render);
            Json(refund).into_response()
        }
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            refused(status, message(&error))
        }
    }
}

async fn next(Shared(stripe): Shared<Stripe>, Json(order): Json<Next>) -> Response {
    stripe.order_refund_course(order.outcome);
    done()
}

async fn settle(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    Json(order): Json<Settlement>,
) -> Response {
    let outcome = match order.outcome {
        Ending::Succeeded => RefundOutcome::Succeeded,
        Ending::Failed => {
            RefundOutcome::Failed(order.failure_reason.unwrap_or(RefundFailure::Unknown))
        }
        Ending::Canceled => RefundOutcome::Canceled,
    };
    if order.failure_reason.is_some() && !matches!(order.outcome, Ending::Failed) {
        return refused(StatusCode::BAD_REQUEST, "failure_reason is for the outcome failed");
    }
    match stripe.settle_refund(&id, outcome) {
        true => done(),
        false => refused(StatusCode::CONFLICT, format!("{id} is no refund that can end so")),
    }
}

fn message(error: &ApiError) -> String {
    error.body.get("message").and_then(|text| text.as_str()).unwrap_or_default().to_owned()
}

/// The refunds of every payment intent, oldest first.
pub(crate) fn by_intent(state: &State) -> BTreeMap<&str, Vec<&Refund>> {
    let mut refunds: BTreeMap<&str, Vec<&Refund>> = BTreeMap::new();
    for refund in state.refunds.rows() {
        if let Some(intent) = &refund.payment_intent {
            refunds.entry(intent).or_default().push(refund);
        }
    }
    refunds
}

impl From<&Refund> for LedgerRefund {
    fn from(refund: &Refund) -> Self {
        Self {
            id: refund.id.clone(),
            amount: refund.amount,
            status: refund.status.name(),
            metadata: refund.metadata.clone(),
            created_by_api: refund.by_api,
        }
    }
}

impl Stripe {
    /// Gives money of a payment back as somebody does in the dashboard: its events name no
    /// request. Returns the refund's id, or Stripe's words why there can be none.
    pub fn refund(&self, payment_intent_id: &str, order: RefundOrder) -> Result<String, String> {
        self.make_refund(payment_intent_id, order).map_err(|error| message(&error))
    }

    fn make_refund(&self, intent_id: &str, order: RefundOrder) -> Result<String, ApiError> {
        let made = {
            let mut state = self.lock();
            let missing = || ApiError::missing("payment_intent", intent_id, "intent").status(404);
            let intent = state.payment_intents.get(intent_id).ok_or_else(missing)?;
            let charge = intent.latest_charge.clone();
            let keys = order.metadata.clone().into_iter().map(|(key, value)| (key, Some(value)));
            MetadataChange::Keys(keys.collect()).check(&BTreeMap::new())?;
            let wanted = Wanted {
                charge: charge.ok_or_else(|| refunds::nothing_to_refund(intent_id))?,
                amount: order.amount,
                reason: order.reason,
                metadata: order.metadata,
                by_api: false,
            };
            refunds::make(&mut state, wanted, &Origin::default())
        };
        self.wake();
        made
    }

    /// Ends a refund: a pending one, or one that had succeeded and fails or is stopped after all.
    /// False when there is no refund that can end so.
    pub fn settle_refund(&self, refund_id: &str, outcome: RefundOutcome) -> bool {
        let done = {
            let mut state = self.lock();
            refunds::settle(&mut state, refund_id, outcome, &Origin::default())
        };
        self.wake();
        done.is_some()
    }

    /// Makes the next refund take this course, whatever the card or account says. Orders queue.
    pub fn order_refund_course(&self, course: RefundCourse) {
        self.lock().refund_courses.push(course);
    }
}
