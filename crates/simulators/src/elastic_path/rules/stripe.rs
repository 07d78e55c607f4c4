//! The store's account at a simulated Stripe of the same process: for pages with Stripe.js, whose tokens,
//! challenges and debits are there. Without it the payment intent and its bank live in the store.

use std::sync::Arc;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::elastic_path::Pending;
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::objects::payment_intent::Status;
use crate::elastic_path::state::State;
use crate::stripe::Stripe;

const INTENTS: &str = "/v1/payment_intents";

/// A Stripe, and where browsers reach it.
#[derive(Clone)]
pub(crate) struct StripeAccount {
    pub stripe: Stripe,
    pub url: Arc<str>,
}

impl StripeAccount {
    fn ask(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let form: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        self.stripe.ask(method, path, &form.join("&"), &self.url)
    }

    /// Makes a payment and confirms it with a page's token. The intent, also where it was declined.
    pub fn pay(
        &self,
        (amount, currency): (i64, &str),
        token: &str,
        return_url: Option<&str>,
    ) -> Result<Value, ApiError> {
        let (amount, currency) = (amount.to_string(), currency.to_lowercase());
        let mut fields = vec![
            ("amount", amount.as_str()),
            ("currency", currency.as_str()),
            ("automatic_payment_methods[enabled]", "true"),
            ("confirm", "true"),
            ("confirmation_token", token),
            ("use_stripe_sdk", "true"),
        ];
        fields.extend(return_url.map(|url| ("return_url", url)));
        let (status, mut answer) = self.ask(Method::POST, INTENTS, &fields);
        match answer.pointer_mut("/error/payment_intent").map(Value::take) {
            _ if status == 200 => Ok(answer),
            Some(declined) => Ok(declined),
            None => Err(refused(&answer)),
        }
    }

    /// Gives back a part of a payment.
    pub fn refund(&self, intent: &str, amount: i64) -> Result<(), ApiError> {
        let fields = [("payment_intent", intent), ("amount", &amount.to_string())];
        let (status, answer) = self.ask(Method::POST, "/v1/refunds", &fields);
        if status == 200 { Ok(()) } else { Err(refused(&answer)) }
    }
}

fn refused(answer: &Value) -> ApiError {
    ApiError::bad_request(answer["error"]["message"].as_str().unwrap_or("Stripe refused it."))
}

/// Hears how the payments stand that are not over, and says which ones were cancelled here.
pub(crate) fn agree(state: &mut State) {
    let Some(account) = state.stripe.clone() else { return };
    for index in 0..state.payment_intents.len() {
        let Some(intent) = state.payment_intents.get_mut(index) else { return };
        let Some(seen) = &intent.at_stripe else { continue };
        let path = format!("{INTENTS}/{}", intent.id);
        let (_, now) = match intent.status {
            Status::Canceled if seen["status"] != Status::Canceled.name() => {
                account.ask(Method::POST, &format!("{path}/cancel"), &[])
            }
            Status::Succeeded | Status::Canceled => continue,
            Status::RequiresPaymentMethod
            | Status::RequiresConfirmation
            | Status::RequiresAction
            | Status::Processing
            | Status::RequiresCapture => account.ask(Method::GET, &path, &[]),
        };
        intent.adopt(now, state.options.modes.declined_payment);
        let id = intent.id.clone();
        if state.options.modes.pending == Pending::FollowsStripe {
            state.follow_stripe(&id);
        }
    }
}
