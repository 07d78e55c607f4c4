//! Whose method it is: who may pay with it, how it becomes a customer's, and how it ceases to be.
//!
//! A method of a customer pays for that customer alone. One that was detached is nobody's for
//! ever.

use serde_json::json;

use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::Params;
use crate::stripe::objects::customer::Customer;
use crate::stripe::objects::event::{Origin, previous};
use crate::stripe::objects::payment_intent::PaymentIntent;
use crate::stripe::objects::payment_method::draft::Draft;
use crate::stripe::objects::payment_method::{Kind, PaymentMethod, Standing};
use crate::stripe::rules::cards::Decline;
use crate::stripe::state::State;

/// The customer that a request names; one that was deleted is none.
pub(crate) fn given(state: &State, params: &Params) -> Result<Option<String>, ApiError> {
    let named = params.text("customer")?;
    match named.as_ref().map(|id| (id, state.customers.get(id))) {
        Some((id, None | Some(Customer { deleted: true, .. }))) => Err(no_such(id)),
        Some((_, Some(Customer { deleted: false, .. }))) | None => Ok(named),
    }
}

/// The customer whose things are asked for; what a deleted one left can still be listed.
pub(crate) fn listed(state: &State, params: &Params) -> Result<Option<String>, ApiError> {
    let named = params.text("customer")?;
    match named.as_ref().filter(|id| state.customers.get(id).is_none()) {
        Some(id) => Err(no_such(id)),
        None => Ok(named),
    }
}

fn no_such(id: &str) -> ApiError {
    ApiError::missing("customer", id, "customer")
}

/// An intent keeps the customer it has been given.
pub(crate) fn check_change(
    to: Option<&str>,
    state: &State,
    intent: &PaymentIntent,
) -> Result<(), ApiError> {
    match (&intent.customer, to) {
        (Some(customer), Some(other)) if customer != other => {
            let text = "You cannot modify `customer` on a PaymentIntent once it already has been \
                        set. To fulfill a payment with a different Customer, cancel this \
                        PaymentIntent and create a new one.";
            Err(with_intent(ApiError::invalid(text).param("customer"), state, intent))
        }
        _ => Ok(()),
    }
}

/// Refuses a method that belongs to another customer than the payment.
pub(crate) fn check_owner(
    method: &str,
    customer: Option<&str>,
    state: &State,
    intent: &PaymentIntent,
) -> Result<(), ApiError> {
    let owner = state.payment_methods.get(method).and_then(PaymentMethod::customer);
    let error = match (owner, customer) {
        (None, _) => return Ok(()),
        (Some(owner), Some(customer)) if owner == customer => return Ok(()),
        (Some(_), Some(customer)) => ApiError::invalid(format!(
            "The PaymentMethod {method} does not belong to the Customer you supplied {customer}. \
             Please use this PaymentMethod with the Customer that it belongs to instead."
        ))
        .param("payment_method"),
        (Some(owner), None) => ApiError::invalid(format!(
            "The `payment_method` parameter supplied {method} belongs to the Customer {owner}. \
             Please include the Customer in the `customer` parameter on the PaymentIntent."
        ))
        .code("parameter_missing")
        // The name that the parameter had before there were payment methods.
        .param("source"),
    };
    Err(with_intent(error, state, intent))
}

/// An intent that is being created is in no answer.
fn with_intent(error: ApiError, state: &State, intent: &PaymentIntent) -> ApiError {
    match state.payment_intents.get(&intent.id) {
        Some(_) => error.with("payment_intent", intent.render()),
        None => error,
    }
}

/// A payment with `setup_future_usage` has been confirmed and its holder has done what was asked:
/// the method becomes the customer's, or without one may still be attached by hand.
pub(crate) fn save(state: &mut State, intent_id: &str, origin: &Origin) {
    let Some(intent) = state.payment_intents.get(intent_id) else { return };
    let Some(usage) = intent.setup_future_usage.as_deref() else { return };
    let off_session = usage == "off_session";
    let lives = |id: &String| state.customers.get(id).is_some_and(|customer| !customer.deleted);
    let customer = intent.customer.clone().filter(lives);
    let method = intent.payment_method.as_deref();
    let Some(method) = method.and_then(|id| state.payment_methods.get_mut(id)) else { return };
    match (&mut method.standing, customer) {
        (Standing::Saved { set_up, .. }, _) => *set_up |= off_session,
        (standing @ Standing::New, None) => *standing = Standing::ToBeSaved,
        (standing @ Standing::New, Some(customer)) => {
            *standing = Standing::Saved { customer, set_up: off_session };
            method.checked = true;
            let attached = method.render();
            state.emit("payment_method.attached", &attached, origin);
        }
        (Standing::ToBeSaved | Standing::UsedUp, _) => {}
    }
}

/// A method that may be attached: there and nobody's, or yet to be made from a token.
pub(crate) enum Attachable {
    Stored(String),
    New(Draft),
}

/// Checks everything that can keep a method from being attached; the bank has its say too.
pub(crate) fn attachable(state: &State, id: &str, status: u16) -> Result<Attachable, ApiError> {
    let Some(method) = state.payment_methods.get(id) else {
        let missing = || ApiError::missing("PaymentMethod", id, "payment_method").status(status);
        let draft = Draft::by_token(state, id).ok_or_else(missing)?;
        check_bank(&draft.kind)?;
        return Ok(Attachable::New(draft));
    };
    let refuse = |text: &str| {
        let error = ApiError::invalid(text).code("payment_method_unexpected_state");
        Err(error.param("payment_method").of_state())
    };
    match method.standing {
        Standing::New | Standing::ToBeSaved => {}
        Standing::Saved { .. } => {
            return refuse(
                "The payment method you provided has already been attached to a customer.",
            );
        }
        Standing::UsedUp => {
            return refuse(
                "This PaymentMethod was previously used without being attached to a Customer or \
                 was detached from a Customer, and may not be used again.",
            );
        }
    }
    check_bank(&method.kind)?;
    Ok(Attachable::Stored(id.to_owned()))
}

fn check_bank(kind: &Kind) -> Result<(), ApiError> {
    match kind {
        Kind::Card { card, .. } => card.refuses_attachment().map_or(Ok(()), |no| Err(declined(no))),
        Kind::SepaDebit { .. } | Kind::Redirect(_) => Ok(()),
    }
}

fn declined(decline: &Decline) -> ApiError {
    let mut error = ApiError::new(402, "card_error", decline.message)
        .code(decline.code)
        .with("decline_code", decline.decline_code);
    if let Some(advice) = decline.advice {
        error = error.with("advice_code", advice);
    }
    if let Some(code) = decline.network_code {
        error = error.with("network_decline_code", code);
    }
    error
}

/// Makes it the customer's, and returns its id.
pub(crate) fn attach(
    state: &mut State,
    method: Attachable,
    customer: &str,
    origin: &Origin,
) -> String {
    let id = match method {
        Attachable::Stored(id) => id,
        Attachable::New(draft) => draft.make(state),
    };
    if let Some(method) = state.payment_methods.get_mut(&id) {
        method.checked = true;
        method.standing = Standing::Saved { customer: customer.to_owned(), set_up: false };
        let attached = method.render();
        state.emit("payment_method.attached", &attached, origin);
    }
    id
}

/// Ends what there was between the method and its customer. False when there was nothing.
pub(crate) fn detach(state: &mut State, id: &str, origin: &Origin) -> bool {
    let Some(method) = state.payment_methods.get_mut(id) else { return false };
    let Some(customer) = method.customer().map(str::to_owned) else { return false };
    method.standing = Standing::UsedUp;
    let detached = method.render();
    let was = json!({ "customer": customer });
    state.emit_update("payment_method.detached", &detached, Some(was), origin);
    let Some(customer) = state.customers.get_mut(&customer) else { return true };
    let before = customer.render();
    if customer.default_payment_method.as_deref() == Some(id) && !customer.deleted {
        customer.default_payment_method = None;
        let after = customer.render();
        let was = previous(&before, &after);
        state.emit_update("customer.updated", &after, Some(was), origin);
    }
    true
}
