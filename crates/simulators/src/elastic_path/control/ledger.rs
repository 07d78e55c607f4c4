//! The books as a test reads them: payments, orders, transactions, and what was asked.

use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::elastic_path::ElasticPath;
use crate::elastic_path::api::log::Logged;
use crate::elastic_path::control::done;
use crate::elastic_path::objects::order::{Buyer, Order};
use crate::elastic_path::objects::payment_intent::PaymentIntent;
use crate::elastic_path::objects::transaction::Transaction;
use crate::elastic_path::state::State;

/// Everything about money, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ledger {
    /// Payment intents, also those that no cart names any more.
    pub payments: Vec<LedgerPayment>,
    /// Orders, paid or not.
    pub orders: Vec<LedgerOrder>,
    /// Of all orders.
    pub transactions: Vec<LedgerTransaction>,
}

/// One payment intent as the books have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerPayment {
    /// Payment intent id.
    pub id: String,
    /// What `handleNextAction` would be given.
    pub client_secret: String,
    /// The cart it was made for.
    pub cart_id: String,
    /// Orders that name it or were confirmed with it.
    pub order_ids: Vec<String>,
    /// Its status as Stripe names it.
    pub status: &'static str,
    /// Minor units.
    pub amount: i64,
    /// Minor units that Stripe has given back.
    pub amount_refunded: i64,
    /// Three capital letters.
    pub currency: String,
    /// As the shop set it.
    pub metadata: Value,
}

/// One order as the books have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerOrder {
    /// Order id.
    pub id: String,
    /// The cart that was checked out.
    pub cart_id: String,
    /// What the shop calls it.
    pub external_ref: Option<String>,
    /// Whose it is, if it is not a guest's.
    pub account_id: Option<String>,
    /// `incomplete`, `processing`, `complete` or `cancelled`.
    pub status: &'static str,
    /// `unpaid`, `paid` and so on.
    pub payment: &'static str,
    /// Minor units with tax.
    pub total: i64,
    /// Three capital letters.
    pub currency: String,
    /// Whose id it still carries, so that it can be confirmed.
    pub payment_intent_id: Option<String>,
    /// Whether its goods have been taken off the shelf.
    pub allocated: bool,
    /// What was kept beside its cart: under each name its type and its value.
    pub custom_attributes: Option<Value>,
    /// The store's own fields.
    pub fields: Map<String, Value>,
}

/// One transaction as the books have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LedgerTransaction {
    /// Transaction id.
    pub id: String,
    /// Its order.
    pub order_id: String,
    /// Payment intent id, or `manual`.
    pub reference: String,
    /// `purchase`, `authorize`, `capture` or `refund`.
    pub kind: &'static str,
    /// `pending`, `complete`, `failed` or `cancelled`.
    pub status: &'static str,
    /// Minor units.
    pub amount: i64,
    /// Minor units that were given back, by Stripe or by hand.
    pub refunded: i64,
}

/// A cart as the books have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerCart {
    /// The payment intent that it is linked to.
    pub payment_intent_id: Option<String>,
    /// What it holds.
    pub lines: Vec<LedgerLine>,
}

/// A line of a cart as the books have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerLine {
    /// Line id.
    pub id: String,
    /// What the shop calls it.
    pub sku: String,
    /// How many.
    pub quantity: i64,
    /// Minor units of one.
    pub unit_amount: i64,
}

pub(crate) fn router() -> Router<ElasticPath> {
    Router::new()
        .route("/_sim/ledger", get(ledger))
        .route("/_sim/requests", get(requests))
        .route("/_sim/breaches", get(breaches))
        .route("/_sim/reset", post(reset))
}

async fn ledger(Shared(store): Shared<ElasticPath>) -> Response {
    Json(store.ledger()).into_response()
}

async fn requests(Shared(store): Shared<ElasticPath>) -> Response {
    Json(store.requests()).into_response()
}

async fn breaches(Shared(store): Shared<ElasticPath>) -> Response {
    Json(store.breaches(&[])).into_response()
}

async fn reset(Shared(store): Shared<ElasticPath>) -> Response {
    store.reset();
    done()
}

impl State {
    fn entry(&self, intent: &PaymentIntent) -> LedgerPayment {
        let names = |order: &&Order| {
            [&order.payment_intent, &order.confirmed_intent].contains(&&Some(intent.id.clone()))
        };
        LedgerPayment {
            id: intent.id.clone(),
            client_secret: intent.client_secret.clone(),
            cart_id: intent.cart_id.clone(),
            order_ids: self.orders.iter().filter(names).map(|order| order.id.clone()).collect(),
            status: intent.status.name(),
            amount: intent.amount,
            amount_refunded: intent.amount_refunded,
            currency: intent.currency.clone(),
            metadata: intent.metadata.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
        }
    }
}

impl From<&Order> for LedgerOrder {
    fn from(order: &Order) -> Self {
        Self {
            id: order.id.clone(),
            cart_id: order.cart_id.clone(),
            account_id: match &order.buyer {
                Buyer::Guest { .. } => None,
                Buyer::Account { account_id, .. } => Some(account_id.clone()),
            },
            external_ref: order.external_ref.clone(),
            custom_attributes: order.custom_attributes.clone(),
            fields: order.flow_fields.clone(),
            status: order.status(),
            payment: order.payment(),
            total: order.total(),
            currency: order.totals.currency.clone(),
            payment_intent_id: order.payment_intent.clone(),
            allocated: order.allocated,
        }
    }
}

impl From<&Transaction> for LedgerTransaction {
    fn from(transaction: &Transaction) -> Self {
        Self {
            id: transaction.id.clone(),
            order_id: transaction.order_id.clone(),
            reference: transaction.reference.clone(),
            kind: transaction.kind.name(),
            status: transaction.status.name(),
            amount: transaction.amount,
            refunded: transaction.refunded,
        }
    }
}

impl ElasticPath {
    /// What it has on its books.
    pub fn ledger(&self) -> Ledger {
        let state = self.lock();
        Ledger {
            payments: state.payment_intents.iter().map(|intent| state.entry(intent)).collect(),
            orders: state.orders.iter().map(LedgerOrder::from).collect(),
            transactions: state.transactions.iter().map(LedgerTransaction::from).collect(),
        }
    }

    /// What a cart holds. Unlike a request, to look makes none.
    pub fn look_at_cart(&self, cart_id: &str) -> LedgerCart {
        let state = self.lock();
        let Some(cart) = state.carts.get(cart_id) else { return LedgerCart::default() };
        let lines = cart.lines.iter().map(|line| LedgerLine {
            id: line.id.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            unit_amount: line.unit_amount,
        });
        LedgerCart { payment_intent_id: cart.payment_intent.clone(), lines: lines.collect() }
    }

    /// Every request but those to `/_sim`, in the order in which they ended.
    pub fn requests(&self) -> Vec<Logged> {
        self.lock().log.clone()
    }

    /// Forgets carts, payments, orders, faults and the log; what is sold, accounts, settings, the
    /// clock and access tokens stay.
    pub fn reset(&self) {
        self.lock().reset();
    }
}
