//! A confirmation token: what a customer has entered in a page, for one confirmation by a server.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::Params;
use crate::stripe::objects::payment_method::draft::Choice;
use crate::stripe::state::State;
use crate::stripe::table::Row;

/// Twelve hours.
pub(crate) const LIFETIME_SECONDS: i64 = 12 * 60 * 60;

pub(crate) struct ConfirmationToken {
    pub id: String,
    pub created: i64,
    pub usage: Usage,
    pub method: Option<Choice>,
    /// The method as it was when the token was made.
    pub preview: Option<Value>,
    pub mandate_data: Option<Value>,
    pub metadata: BTreeMap<String, String>,
    pub return_url: Option<String>,
    pub setup_future_usage: Option<String>,
    pub shipping: Option<Value>,
    pub livemode: bool,
}

/// A token confirms once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Usage {
    Unused { expires_at: i64 },
    Used { payment_intent: String },
}

impl Row for ConfirmationToken {
    fn id(&self) -> &str {
        &self.id
    }

    fn created(&self) -> i64 {
        self.created
    }
}

/// The token that a confirmation comes with, if it can still be used.
pub(crate) fn given<'a>(
    state: &'a State,
    params: &Params,
) -> Result<Option<&'a ConfirmationToken>, ApiError> {
    let param = "confirmation_token";
    let Some(id) = params.text(param)? else { return Ok(None) };
    if let Some(other) =
        ["payment_method", "payment_method_data"].into_iter().find(|name| params.has(name))
    {
        return Err(ApiError::invalid(format!(
            "You may only specify one of these parameters: confirmation_token, {other}."
        ))
        .code("parameters_exclusive")
        .param(param));
    }
    let missing = || ApiError::missing("confirmationtoken", &id, param);
    let token = state.confirmation_tokens.get(&id).ok_or_else(missing)?;
    match token.usage {
        Usage::Used { .. } => Err(ApiError::invalid(
            "The confirmation token has already been used to confirm a previous PaymentIntent",
        )
        .param(param)),
        Usage::Unused { expires_at } if expires_at <= state.clock.seconds() => Err(missing()),
        Usage::Unused { .. } => Ok(Some(token)),
    }
}

/// What a publishable key may see (`@stripe/stripe-js`, `api/confirmation-tokens.d.ts`).
const PUBLIC: &[&str] = &[
    "id",
    "object",
    "created",
    "expires_at",
    "livemode",
    "payment_intent",
    "payment_method_preview",
    "return_url",
    "setup_future_usage",
    "setup_intent",
    "shipping",
    "use_stripe_sdk",
];

pub(crate) fn project(whole: &Value) -> Value {
    let Value::Object(fields) = whole else { return whole.clone() };
    let mut seen: Map<String, Value> = fields.clone();
    seen.retain(|name, _| PUBLIC.contains(&name.as_str()));
    if let Some(Value::Object(preview)) = seen.get_mut("payment_method_preview") {
        preview.retain(|name, _| {
            !["allow_redisplay", "customer", "customer_account"].contains(&&**name)
        });
        for kind in ["card", "sepa_debit"] {
            if let Some(Value::Object(details)) = preview.get_mut(kind) {
                details.remove("fingerprint");
            }
        }
    }
    Value::Object(seen)
}

impl ConfirmationToken {
    pub fn render(&self) -> Value {
        let (expires_at, payment_intent) = match &self.usage {
            Usage::Unused { expires_at } => (Some(*expires_at), None),
            Usage::Used { payment_intent } => (None, Some(payment_intent)),
        };
        json!({
            "id": self.id,
            "object": "confirmation_token",
            "created": self.created,
            "expires_at": expires_at,
            "livemode": self.livemode,
            "mandate_data": self.mandate_data,
            "metadata": if self.metadata.is_empty() { Value::Null } else { json!(self.metadata) },
            "payment_intent": payment_intent,
            "payment_method_options": null,
            "payment_method_preview": self.preview,
            "return_url": self.return_url,
            "setup_future_usage": self.setup_future_usage,
            "setup_intent": null,
            "shipping": self.shipping.as_ref().map(|shipping| json!({
                "address": shipping["address"],
                "name": shipping["name"],
                "phone": shipping["phone"],
            })),
            "use_stripe_sdk": true,
        })
    }
}
