//! The payment intent: its fields, its states and how it is shown.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::Params;
use crate::stripe::objects::payment_method;
use crate::stripe::table::Row;

pub(crate) struct PaymentIntent {
    pub id: String,
    pub client_secret: String,
    pub created: i64,
    /// Minor units, as [`crate::stripe::rules::money`] counts them.
    pub amount: i64,
    pub amount_received: i64,
    /// What the control API makes it receive in place of its amount.
    pub receives_instead: Option<i64>,
    pub currency: String,
    pub status: Status,
    /// `None` when the request named its types, as versions before 2026-09-30 could.
    pub automatic: Option<Redirects>,
    pub allowed_types: Option<Vec<String>>,
    pub excluded_types: Option<Vec<String>>,
    pub types: Vec<String>,
    pub confirmation: ConfirmationMethod,
    pub capture: CaptureMethod,
    pub request_three_d_secure: String,
    pub setup_future_usage: Option<String>,
    pub customer: Option<String>,
    pub payment_method: Option<String>,
    /// The method whose holder has passed 3-D Secure for this payment.
    pub authenticated: Option<String>,
    pub latest_charge: Option<String>,
    pub last_payment_error: Option<Value>,
    pub metadata: BTreeMap<String, String>,
    pub description: Option<String>,
    pub receipt_email: Option<String>,
    pub shipping: Option<Value>,
    pub statement_descriptor: Option<String>,
    pub statement_descriptor_suffix: Option<String>,
    pub transfer_group: Option<String>,
    pub livemode: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction(Challenge),
    /// The money is set aside and not yet taken.
    RequiresCapture,
    Processing,
    Succeeded,
    Canceled {
        at: i64,
        reason: Option<String>,
    },
}

/// A 3-D Secure challenge that waits for the card's holder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Challenge {
    pub id: String,
    pub page: String,
    /// Where the page leads back to; `None` when Stripe.js shows the challenge.
    pub return_url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Redirects {
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ConfirmationMethod {
    Automatic,
    /// After the challenge the server has to confirm again.
    Manual,
}

/// When the money of an authorized payment is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum CaptureMethod {
    Automatic,
    /// At once, but its line in the balance comes later: the default.
    AutomaticAsync,
    /// When the server says so.
    Manual,
}

impl CaptureMethod {
    pub const NAMES: &[&str] = &["automatic", "automatic_async", "manual"];

    pub fn read(params: &Params) -> Result<Option<Self>, ApiError> {
        Ok(params.one_of("capture_method", Self::NAMES)?.map(|name| match name.as_str() {
            "manual" => Self::Manual,
            "automatic" => Self::Automatic,
            _ => Self::AutomaticAsync,
        }))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::AutomaticAsync => "automatic_async",
            Self::Manual => "manual",
        }
    }
}

impl Row for PaymentIntent {
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
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction(_) => "requires_action",
            Self::RequiresCapture => "requires_capture",
            Self::Processing => "processing",
            Self::Succeeded => "succeeded",
            Self::Canceled { .. } => "canceled",
        }
    }

    /// Whether it may be canceled. A debit that is on its way to the bank can be stopped "in rare
    /// cases" only: not here.
    pub fn may_cancel(&self) -> bool {
        self.is_open() || *self == Self::RequiresCapture
    }

    /// Whether amount, method and the like may still change.
    pub fn is_open(&self) -> bool {
        match self {
            Self::RequiresPaymentMethod | Self::RequiresConfirmation | Self::RequiresAction(_) => {
                true
            }
            Self::RequiresCapture | Self::Processing | Self::Succeeded | Self::Canceled { .. } => {
                false
            }
        }
    }
}

/// What a publishable key may see (`@stripe/stripe-js`, `api/payment-intents.d.ts`): no metadata.
const PUBLIC: &[&str] = &[
    "id",
    "object",
    "amount",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "last_payment_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_types",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "status",
];

pub(crate) fn project(whole: &Value) -> Value {
    let Value::Object(fields) = whole else { return whole.clone() };
    let mut public: Map<String, Value> = fields
        .iter()
        .filter(|(name, _)| PUBLIC.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Some(error) = public.get_mut("last_payment_error")
        && let Some(method) = error.get_mut("payment_method")
    {
        *method = payment_method::project(method);
    }
    if let Some(method) = public.get_mut("payment_method") {
        *method = payment_method::project(method);
    }
    Value::Object(public)
}

impl PaymentIntent {
    /// After a change of amount or method: a challenge that was open is void, and an open intent
    /// has to be confirmed again.
    pub fn reconsider(&mut self) {
        if self.status.is_open() {
            self.status = match self.payment_method {
                Some(_) => Status::RequiresConfirmation,
                None => Status::RequiresPaymentMethod,
            };
        }
    }

    /// What a capture can take.
    pub fn amount_capturable(&self) -> i64 {
        if self.status == Status::RequiresCapture { self.amount } else { 0 }
    }

    pub fn render(&self) -> Value {
        let (canceled_at, cancellation_reason) = match &self.status {
            Status::Canceled { at, reason } => (Some(*at), reason.clone()),
            _ => (None, None),
        };
        json!({
            "id": self.id,
            "object": "payment_intent",
            "allowed_payment_method_types": self.allowed_types,
            "amount": self.amount,
            "amount_capturable": self.amount_capturable(),
            "amount_details": { "tip": {} },
            "amount_received": self.amount_received,
            "application": null,
            "application_fee_amount": null,
            "automatic_payment_methods": self.automatic_json(),
            "canceled_at": canceled_at,
            "cancellation_reason": cancellation_reason,
            "capture_method": self.capture.name(),
            "client_secret": self.client_secret,
            "confirmation_method": match self.confirmation {
                ConfirmationMethod::Automatic => "automatic",
                ConfirmationMethod::Manual => "manual",
            },
            "created": self.created,
            "currency": self.currency,
            "customer": self.customer,
            "customer_account": null,
            "description": self.description,
            "excluded_payment_method_types": self.excluded_types,
            "last_payment_error": self.last_payment_error,
            "latest_charge": self.latest_charge,
            "livemode": self.livemode,
            "managed_payments": null,
            "metadata": self.metadata,
            "next_action": self.next_action(),
            "on_behalf_of": null,
            "payment_method": self.payment_method,
            "payment_method_configuration_details": null,
            "payment_method_options": self.options_json(),
            "payment_method_types": self.types,
            "payment_record": null,
            "processing": null,
            "receipt_email": self.receipt_email,
            "review": null,
            "setup_future_usage": self.setup_future_usage,
            "shipping": self.shipping,
            "source": null,
            "statement_descriptor": self.statement_descriptor,
            "statement_descriptor_suffix": self.statement_descriptor_suffix,
            "status": self.status.name(),
            "transfer_data": null,
            "transfer_group": self.transfer_group,
        })
    }

    fn automatic_json(&self) -> Value {
        match self.automatic {
            None => Value::Null,
            Some(Redirects::Always) => json!({ "allow_redirects": "always", "enabled": true }),
            Some(Redirects::Never) => json!({ "allow_redirects": "never", "enabled": true }),
        }
    }

    fn options_json(&self) -> Value {
        let mut options = Map::new();
        for kind in &self.types {
            let value = match kind.as_str() {
                "card" => json!({
                    "installments": null,
                    "mandate_options": null,
                    "network": null,
                    "request_three_d_secure": self.request_three_d_secure,
                }),
                "bancontact" => json!({ "preferred_language": "en" }),
                _ => json!({}),
            };
            options.insert(kind.clone(), value);
        }
        Value::Object(options)
    }

    fn next_action(&self) -> Value {
        let Status::RequiresAction(challenge) = &self.status else { return Value::Null };
        match &challenge.return_url {
            Some(return_url) => json!({
                "type": "redirect_to_url",
                "redirect_to_url": { "return_url": return_url, "url": challenge.page },
            }),
            // The inside of this object is Stripe.js's business; a server must not read it.
            None => json!({
                "type": "use_stripe_sdk",
                "use_stripe_sdk": {
                    "type": "three_d_secure_redirect",
                    "stripe_js": challenge.page,
                    "source": challenge.id,
                },
            }),
        }
    }
}
