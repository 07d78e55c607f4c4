//! A payment intent in the store's account at Stripe, as Elastic Path passes it on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::elastic_path::{DeclinedPayment, rules::confirmation_token::Course};

#[derive(Debug, Clone)]
pub(crate) struct PaymentIntent {
    pub id: String,
    pub client_secret: String,
    pub cart_id: String,
    /// Minor units, what the cart cost when it was last told.
    pub amount: i64,
    pub amount_refunded: i64,
    /// As carts write it; Stripe writes it small.
    pub currency: String,
    pub status: Status,
    /// The money is set aside first and taken by a capture.
    pub capture_later: bool,
    /// What its holder and his bank will do, once something has been confirmed.
    pub course: Option<Course>,
    pub payment_method: Option<String>,
    pub last_error: Option<Value>,
    pub metadata: BTreeMap<String, Value>,
    pub options: Passed,
    pub created: i64,
    pub cancelled: Option<i64>,
    /// As the store's Stripe showed it last, where it is a payment there.
    pub at_stripe: Option<Value>,
}

/// What the request handed through to Stripe.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passed {
    pub receipt_email: String,
    pub setup_future_usage: String,
    pub customer: Option<String>,
    /// `None`: automatic.
    pub payment_method_types: Option<Vec<String>>,
}

/// Where a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }

    /// The status that Stripe calls so.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::RequiresPaymentMethod,
            Self::RequiresConfirmation,
            Self::RequiresAction,
            Self::Processing,
            Self::RequiresCapture,
            Self::Succeeded,
            Self::Canceled,
        ];
        all.into_iter().find(|status| status.name() == name)
    }

    /// Whether a shopper's money is taken or set aside.
    pub fn holds_money(self) -> bool {
        match self {
            Self::RequiresCapture | Self::Succeeded => true,
            Self::RequiresPaymentMethod
            | Self::RequiresConfirmation
            | Self::RequiresAction
            | Self::Processing
            | Self::Canceled => false,
        }
    }

    /// Whether its amount may still change, and whether it may be cancelled without having paid.
    pub fn is_open(self) -> bool {
        match self {
            Self::RequiresPaymentMethod | Self::RequiresConfirmation | Self::RequiresAction => true,
            Self::Processing | Self::RequiresCapture | Self::Succeeded | Self::Canceled => false,
        }
    }
}

impl PaymentIntent {
    /// The money is there, or set aside.
    pub fn succeed(&mut self) {
        self.last_error = None;
        self.status = match self.capture_later {
            true => Status::RequiresCapture,
            false => Status::Succeeded,
        };
    }

    /// The try is over and another method may be tried.
    pub fn fail(&mut self, error: Value, shown: DeclinedPayment) {
        self.last_error = match shown {
            DeclinedPayment::Says => Some(error),
            DeclinedPayment::Untold => None,
        };
        self.payment_method = None;
        self.status = Status::RequiresPaymentMethod;
    }

    pub fn cancel(&mut self, now: i64) {
        self.status = Status::Canceled;
        self.cancelled = Some(now);
    }

    /// Becomes what it is at Stripe.
    pub fn adopt(&mut self, intent: Value, shown: DeclinedPayment) {
        let Some(status) = intent["status"].as_str().and_then(Status::named) else { return };
        let error = &intent["last_payment_error"];
        self.last_error = match shown {
            DeclinedPayment::Says => Some(error.clone()).filter(|error| !error.is_null()),
            DeclinedPayment::Untold => None,
        };
        self.payment_method = intent["payment_method"].as_str().map(str::to_owned);
        self.status = status;
        self.at_stripe = Some(intent);
    }

    pub fn amount_received(&self) -> i64 {
        if self.status == Status::Succeeded { self.amount } else { 0 }
    }

    /// An absent text is empty here, an absent number 0.
    pub fn render(&self) -> Value {
        let capturable = if self.status == Status::RequiresCapture { self.amount } else { 0 };
        let types = match &self.options.payment_method_types {
            Some(types) => json!(types),
            None => json!(["card", "link"]),
        };
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": capturable,
            "amount_details": { "tip": { "amount": 0 } },
            "amount_received": self.amount_received(),
            "application": { "deleted": false, "id": "ca_till", "name": "", "object": "" },
            "automatic_payment_methods": self.options.payment_method_types.is_none()
                .then(|| json!({ "enabled": true })),
            "canceled_at": self.cancelled.unwrap_or(0),
            "cancellation_reason": "",
            "capture_method": if self.capture_later { "manual" } else { "automatic" },
            "client_secret": self.client_secret,
            "confirmation_method": "automatic",
            "created": self.created,
            "currency": self.currency.to_lowercase(),
            "customer": self.options.customer,
            "description": "",
            "invoice": null,
            "last_payment_error": self.last_error,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": self.next_action(),
            "on_behalf_of": null,
            "payment_method": self.payment_method,
            "payment_method_types": types,
            "processing": null,
            "receipt_email": self.options.receipt_email,
            "setup_future_usage": self.options.setup_future_usage,
            "shipping": null,
            "statement_descriptor": "",
            "status": self.status.name(),
            "transfer_data": null,
            "transfer_group": "",
        })
    }

    fn next_action(&self) -> Value {
        if let Some(intent) = &self.at_stripe {
            return intent["next_action"].clone();
        }
        match self.status {
            Status::RequiresAction => json!({
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {
                    "type": "three_d_secure_redirect",
                    "stripe_js": format!("https://hooks.stripe.com/redirect/authenticate/{}", self.id),
                },
            }),
            Status::RequiresPaymentMethod
            | Status::RequiresConfirmation
            | Status::Processing
            | Status::RequiresCapture
            | Status::Succeeded
            | Status::Canceled => Value::Null,
        }
    }
}
