//! What the merchant's own systems are told, as it is posted: the order as the API shows it, and
//! which step it has made.

use domain::{dispute::Dispute, money::MoneyError, notice::NoticeKind, refund};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{order::Order, wire::Amount};

/// A notice.
#[derive(Debug, Serialize)]
pub struct Notice {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    data: Order,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<Refund>,
}

/// The refund that a notice is about.
#[derive(Debug, Serialize)]
struct Refund {
    id: Uuid,
    amount: Amount,
    /// Whether nothing is left to give back.
    full: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What a notice is made of.
#[derive(Debug)]
pub struct Step<'a> {
    /// Which step.
    pub kind: NoticeKind,
    /// When it was made.
    pub at: Timestamp,
    /// The order after it.
    pub order: &'a domain::order::Order,
    /// Its payment, where there was something to pay.
    pub payment: Option<&'a domain::payment::Payment>,
    /// All of its refunds.
    pub refunds: &'a [refund::Refund],
    /// All of its disputes.
    pub disputes: &'a [Dispute],
    /// The refund that the step is about.
    pub refund: Option<&'a refund::Refund>,
}

impl Notice {
    /// What is told of a step.
    pub fn of(step: &Step) -> Result<Self, MoneyError> {
        let given_back = refund::given_back(step.refunds)?;
        Ok(Self {
            kind: step.kind.name(),
            timestamp: step.at,
            data: Order::of(step.order, step.payment, step.refunds, step.disputes)?,
            refund: step.refund.map(|one| Refund {
                id: one.id.0,
                amount: one.amount.into(),
                full: given_back == Some(step.order.totals.total()),
                reason: reason(one.state()),
            }),
        })
    }
}

/// Whether nothing was left to give back after the step that `body` tells.
pub fn is_full(body: &str) -> bool {
    #[derive(Deserialize)]
    struct Told {
        refund: Option<Full>,
    }
    #[derive(Deserialize)]
    struct Full {
        full: bool,
    }
    let told = serde_json::from_str::<Told>(body).ok().and_then(|told| told.refund);
    told.is_some_and(|refund| refund.full)
}

/// Why the money did not go back.
fn reason(state: &refund::RefundState) -> Option<String> {
    use refund::RefundState as S;
    match state {
        S::Refused { reason } => Some(reason.name().to_owned()),
        S::Failed { reason } => Some(reason.clone()),
        S::Cancelled => Some("cancelled".to_owned()),
        S::Requested | S::Unknown | S::Pending | S::Succeeded => None,
    }
}
