//! The books as a test reads them: the whole state, what was paid, what happened; and the reset.

use std::collections::BTreeMap;

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ids::Ids;
use crate::stripe::Stripe;
use crate::stripe::control::dispute::{self, LedgerDispute};
use crate::stripe::control::refund::{self, LedgerRefund};
use crate::stripe::control::{done, fault};
use crate::stripe::objects::charge::{Charge, ChargeStatus};
use crate::stripe::objects::confirmation_token::ConfirmationToken;
use crate::stripe::objects::customer::Customer;
use crate::stripe::objects::early_fraud_warning::EarlyFraudWarning;
use crate::stripe::objects::event::Event;
use crate::stripe::objects::event_destination::Include;
use crate::stripe::objects::payment_intent::PaymentIntent;
use crate::stripe::objects::payment_method::PaymentMethod;
use crate::stripe::objects::refund::Refund;
use crate::stripe::objects::thin_event::ThinEvent;
use crate::stripe::webhooks::queue::Delivery;

/// One payment intent as the books have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// Payment intent id.
    pub id: String,
    /// Its status as the API names it.
    pub status: &'static str,
    /// Minor units of `currency`, in Stripe's counting.
    pub amount: i64,
    /// Minor units that were received; 0 until it succeeded.
    pub amount_received: i64,
    /// ISO code in lower case.
    pub currency: String,
    /// As the shop set it.
    pub metadata: BTreeMap<String, String>,
    /// How many of its charges succeeded: more than one would be a double charge.
    pub charges_succeeded: usize,
    /// Minor units that its charges took.
    pub amount_captured: i64,
    /// Minor units of its refunds that have neither failed nor been canceled.
    pub amount_refunded: i64,
    /// Oldest first.
    pub refunds: Vec<LedgerRefund>,
    /// Oldest first, inquiries among them.
    pub disputes: Vec<LedgerDispute>,
}

/// What happened, without the object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventSummary {
    /// Event id.
    pub id: String,
    /// Event type, such as `payment_intent.succeeded`.
    pub kind: &'static str,
    /// The intent it is about.
    pub payment_intent: Option<String>,
    /// Seconds since 1970 on the simulated clock.
    pub created: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    seed: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    seed: u64,
}

pub(crate) fn router() -> Router<Stripe> {
    Router::new()
        .route("/_sim/state", get(state))
        .route("/_sim/ledger", get(ledger))
        .route("/_sim/reset", post(reset))
        .route("/_sim/seed", post(seed))
}

async fn state(Shared(stripe): Shared<Stripe>) -> Response {
    let state = stripe.lock();
    let all = json!({
        "now": state.clock.now().to_string(),
        "payment_intents":
            state.payment_intents.rows().iter().map(PaymentIntent::render).collect::<Vec<_>>(),
        "charges": state.charges.rows().iter().map(Charge::render).collect::<Vec<_>>(),
        "refunds": state.refunds.rows().iter().map(Refund::render).collect::<Vec<_>>(),
        "disputes":
            state.disputes.rows().iter().map(|dispute| dispute.render(&state)).collect::<Vec<_>>(),
        "early_fraud_warnings": state
            .early_fraud_warnings
            .rows()
            .iter()
            .map(EarlyFraudWarning::render)
            .collect::<Vec<_>>(),
        "balance_transactions": state
            .balance_transactions
            .rows()
            .iter()
            .map(|line| line.render(state.clock.seconds()))
            .collect::<Vec<_>>(),
        "payment_methods":
            state.payment_methods.rows().iter().map(PaymentMethod::render).collect::<Vec<_>>(),
        "customers": state.customers.rows().iter().map(Customer::render).collect::<Vec<_>>(),
        "confirmation_tokens": state
            .confirmation_tokens
            .rows()
            .iter()
            .map(ConfirmationToken::render)
            .collect::<Vec<_>>(),
        "events":
            state.events.rows().iter().map(|event| state.render_event(event)).collect::<Vec<_>>(),
        "thin_events":
            state.thin_events.rows().iter().map(ThinEvent::notification).collect::<Vec<_>>(),
        "deliveries": state.webhooks.rows().iter().map(Delivery::render).collect::<Vec<_>>(),
        "webhook_endpoints": state
            .endpoints
            .rows()
            .iter()
            .map(|endpoint| endpoint.render(true))
            .collect::<Vec<_>>(),
        "event_destinations": state
            .event_destinations
            .rows()
            .iter()
            .map(|found| found.render(Include { signing_secret: true, url: true }))
            .collect::<Vec<_>>(),
        "faults": fault::as_ordered(&state),
    });
    Json(all).into_response()
}

async fn ledger(Shared(stripe): Shared<Stripe>) -> Json<Vec<LedgerEntry>> {
    Json(stripe.ledger())
}

async fn reset(Shared(stripe): Shared<Stripe>, order: Option<Json<Reset>>) -> Response {
    stripe.reset();
    if let Some(seed) = order.and_then(|Json(order)| order.seed) {
        stripe.seed(seed);
    }
    done()
}

async fn seed(Shared(stripe): Shared<Stripe>, Json(order): Json<Seed>) -> Response {
    stripe.seed(order.seed);
    done()
}

impl Stripe {
    /// Every payment intent, oldest first.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        let state = self.lock();
        let mut succeeded: BTreeMap<&str, (usize, i64)> = BTreeMap::new();
        for charge in state.charges.rows() {
            let Some(intent) = &charge.payment_intent else { continue };
            if charge.status == ChargeStatus::Succeeded {
                let (count, captured) = succeeded.entry(intent.as_str()).or_default();
                *count += 1;
                *captured += charge.amount_captured;
            }
        }
        let refunds = refund::by_intent(&state);
        let disputes = dispute::by_intent(&state);
        let entry = |intent: &PaymentIntent| {
            let (count, captured) = succeeded.get(intent.id.as_str()).copied().unwrap_or_default();
            let refunds = refunds.get(intent.id.as_str()).map(Vec::as_slice).unwrap_or_default();
            let counting = refunds.iter().filter(|refund| refund.status.counts());
            LedgerEntry {
                id: intent.id.clone(),
                status: intent.status.name(),
                amount: intent.amount,
                amount_received: intent.amount_received,
                currency: intent.currency.clone(),
                metadata: intent.metadata.clone(),
                charges_succeeded: count,
                amount_captured: captured,
                amount_refunded: counting.map(|refund| refund.amount).sum(),
                refunds: refunds.iter().map(|refund| LedgerRefund::from(*refund)).collect(),
                disputes: disputes.get(intent.id.as_str()).cloned().unwrap_or_default(),
            }
        };
        state.payment_intents.rows().iter().map(entry).collect()
    }

    /// Every event, oldest first.
    pub fn events(&self) -> Vec<EventSummary> {
        let state = self.lock();
        let summary = |event: &Event| {
            let object = &event.data["object"];
            let name = if object["object"] == "payment_intent" { "id" } else { "payment_intent" };
            EventSummary {
                id: event.id.clone(),
                kind: event.kind,
                payment_intent: object[name].as_str().map(str::to_owned),
                created: event.created,
            }
        };
        state.events.rows().iter().map(summary).collect()
    }

    /// Forgets what happened (objects, events, deliveries, kept answers, what was to come) and
    /// what was ordered (faults, rules for webhooks). The clock, the keys, the rate limits, webhook
    /// endpoints and event destinations stay.
    pub fn reset(&self) {
        self.lock().reset();
    }

    /// From now on ids and shuffles follow from this seed. Ids that are in use may come again if
    /// it was in use before, so it belongs after a [`Self::reset`].
    pub fn seed(&self, seed: u64) {
        self.lock().ids = Ids::new(Some(seed));
    }
}
