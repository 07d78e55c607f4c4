//! What was paid for an order: the gateway's doing, written down.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::elastic_path::objects::payment_intent::{PaymentIntent, Status as AtStripe};
use crate::elastic_path::objects::price::display;
use crate::elastic_path::objects::written;

#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub id: String,
    pub order_id: String,
    /// Payment intent id, or `manual`.
    pub reference: String,
    pub name: String,
    pub custom_reference: String,
    pub gateway: Gateway,
    pub amount: i64,
    pub refunded: i64,
    /// Marked as given back, by hand and elsewhere.
    pub refunded_by_hand: bool,
    pub currency: String,
    pub kind: Kind,
    pub status: Status,
    pub created: Timestamp,
    pub updated: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gateway {
    Stripe,
    Manual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Purchase,
    Authorize,
    Capture,
    Refund,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Complete,
    Failed,
    Cancelled,
}

impl Gateway {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stripe => "elastic_path_payments_stripe",
            Self::Manual => "manual",
        }
    }
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Refund => "refund",
        }
    }

    /// Whether money was taken, and not only set aside.
    pub fn takes(self) -> bool {
        match self {
            Self::Purchase | Self::Capture | Self::Refund => true,
            Self::Authorize => false,
        }
    }
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Transaction {
    /// Minor units that it has brought, after refunds.
    pub fn kept(&self) -> i64 {
        match (self.status, self.kind.takes()) {
            (Status::Complete, true) => self.amount - self.refunded,
            (Status::Complete | Status::Pending | Status::Failed | Status::Cancelled, _) => 0,
        }
    }

    /// As the API shows it, with the payment as it is at Stripe now.
    pub fn render(&self, intent: Option<&PaymentIntent>) -> Value {
        let mut transaction = json!({
            "id": self.id,
            "type": "transaction",
            "reference": self.reference,
            "name": self.name,
            "custom_reference": self.custom_reference,
            "gateway": self.gateway.name(),
            "amount": self.amount,
            "refunded_amount": self.refunded,
            "currency": self.currency,
            "transaction_type": self.kind.name(),
            "transaction-type": self.kind.name(),
            "status": self.status.name(),
            "relationships": { "order": { "data": { "type": "order", "id": self.order_id } } },
            "meta": {
                "display_price": display(self.amount, &self.currency),
                "display_refunded_amount": { "total": display(self.refunded, &self.currency) },
                "timestamps": {
                    "created_at": written(self.created),
                    "updated_at": written(self.updated),
                },
            },
            "next_actions": [],
        });
        if self.refunded > 0 {
            let mechanism = if self.refunded_by_hand { "manual" } else { "automatic" };
            transaction["refund_mechanism"] = json!(mechanism);
        }
        if let Some(intent) = intent {
            transaction["payment_intent"] = intent.render();
            transaction["payment_details"] = json!({ "detailed_status": intent.status.name() });
            if self.status == Status::Pending {
                transaction["next_actions"] = json!(["cancel"]);
                transaction["client_parameters"] =
                    json!({ "token": intent.id, "secret": intent.client_secret });
            }
        }
        transaction
    }

    /// What becomes of it when its payment is so at Stripe.
    pub fn follow(&mut self, at_stripe: AtStripe, now: Timestamp) {
        let (status, kind) = match at_stripe {
            AtStripe::Succeeded => (Status::Complete, Kind::Purchase),
            AtStripe::RequiresCapture => (Status::Complete, Kind::Authorize),
            AtStripe::Canceled => (Status::Failed, self.kind),
            AtStripe::RequiresPaymentMethod
            | AtStripe::RequiresConfirmation
            | AtStripe::RequiresAction
            | AtStripe::Processing => (Status::Pending, self.kind),
        };
        (self.status, self.kind, self.updated) = (status, kind, now);
    }
}
