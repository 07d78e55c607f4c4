//! Paying for a cart: a payment intent of what the cart costs now, confirmed by a token.

use serde_json::{Value, json};

use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::objects::payment_intent::{Passed, PaymentIntent, Status};
use crate::elastic_path::objects::price::Totals;
use crate::elastic_path::rules::confirmation_token::Course;
use crate::elastic_path::state::State;
use crate::elastic_path::{DeclinedPayment, Pending, SecondPayment, UpdateEndedPayment};

/// The one gateway for carts.
const GATEWAY: &str = "elastic_path_payments_stripe";

/// How a request for a payment ended, other than in a refusal.
pub(crate) enum Made {
    /// The payment, linked to its cart.
    Linked(String),
    /// Declined in the one way of which nobody would think.
    DeclinedSoftly,
}

/// What confirms a payment.
enum Confirmation {
    None,
    Token(String),
    /// A method named directly, which pays.
    Method(String),
}

/// Makes a payment for a cart, and confirms it if so asked.
pub(crate) fn make(state: &mut State, cart_id: &str, data: &Value) -> Result<Made, ApiError> {
    let (capture_later, confirmation) = read(data)?;
    let currency = state.options.currency.clone();
    let cart = state.cart(cart_id);
    let (total, linked) = (cart.totals(&currency), cart.payment_intent.clone());
    if total.with_tax() == 0 {
        return Err(ApiError::bad_request("The amount must be greater than or equal to 1."));
    }
    let second = state.options.modes.second_payment;
    if linked.is_some() && second == SecondPayment::Reject409 {
        return Err(ApiError::new(409, "Conflict", "The cart has a payment intent already."));
    }
    let attempt = Attempt::of(state, &total, data, &confirmation)?;
    if let (Some(first), SecondPayment::Replace) = (linked, second) {
        give_up(state, &first);
    }
    let course = attempt.course;
    let mut intent = attempt.intent(state, cart_id, total, data);
    intent.capture_later = capture_later || course == Some(Course::AuthOnly);
    if let (None, Some(method), None) = (course, data["payment"].as_str(), &intent.at_stripe) {
        intent.payment_method = Some(method.to_owned());
        intent.status = Status::RequiresConfirmation;
    }
    if let Some(course) = course {
        intent.payment_method = Some(match confirmation {
            Confirmation::Method(method) => method,
            Confirmation::Token(_) | Confirmation::None => state.ids.make("pm_1", 23),
        });
        confirm(&mut intent, course, state.options.modes.declined_payment);
    }
    let id = intent.id.clone();
    state.payment_intents.push(intent);
    match course {
        Some(Course::DeclineRefused) => {
            Err(ApiError::new(400, "Bad Request", "Your card was declined."))
        }
        Some(Course::DeclineSoft) => Ok(Made::DeclinedSoftly),
        _ => {
            let cart = state.cart(cart_id);
            cart.payment_intent = Some(id.clone());
            Ok(Made::Linked(id))
        }
    }
}

/// What the confirmation of a new payment leads to.
struct Attempt {
    /// How it goes, where the bank behind it is in here.
    course: Option<Course>,
    /// The payment, where it was made at Stripe.
    at_stripe: Option<Value>,
}

impl Attempt {
    fn of(
        state: &mut State,
        total: &Totals,
        data: &Value,
        confirmation: &Confirmation,
    ) -> Result<Self, ApiError> {
        let here = |course| Ok(Self { course, at_stripe: None });
        let token = match confirmation {
            Confirmation::None => return here(None),
            Confirmation::Method(_) => return here(Some(Course::Ok)),
            Confirmation::Token(token) => token,
        };
        let Some(account) = state.stripe_of(token).cloned() else {
            return here(Some(state.use_confirmation_token(token)?));
        };
        if data["method"] != "purchase" {
            return Err(ApiError::not_simulated("authorizations at Stripe"));
        }
        let price = (total.with_tax(), total.currency.as_str());
        let made = account.pay(price, token, data["options"]["return_url"].as_str())?;
        Ok(Self { course: None, at_stripe: Some(made) })
    }

    /// The payment before its confirmation, or as it is at Stripe.
    fn intent(
        self,
        state: &mut State,
        cart_id: &str,
        total: Totals,
        data: &Value,
    ) -> PaymentIntent {
        let text = |name: &str| Some(self.at_stripe.as_ref()?[name].as_str()?.to_owned());
        let id = text("id").unwrap_or_else(|| state.ids.make("pi_3", 23));
        let secret = text("client_secret");
        let mut intent = PaymentIntent {
            client_secret: secret.unwrap_or_else(|| state.ids.make(&format!("{id}_secret_"), 24)),
            id,
            cart_id: cart_id.to_owned(),
            amount: total.with_tax(),
            amount_refunded: 0,
            currency: total.currency,
            status: Status::RequiresPaymentMethod,
            capture_later: false,
            course: self.course,
            payment_method: None,
            last_error: None,
            metadata: Default::default(),
            options: passed(data),
            created: state.clock.seconds(),
            cancelled: None,
            at_stripe: None,
        };
        merge_metadata(&mut intent, &data["options"]["metadata"]);
        if let Some(made) = self.at_stripe {
            intent.adopt(made, state.options.modes.declined_payment);
        }
        intent
    }
}

/// Whether the money is only set aside, and what confirms the payment.
fn read(data: &Value) -> Result<(bool, Confirmation), ApiError> {
    match data["gateway"].as_str() {
        Some(GATEWAY) => {}
        Some(other) => return Err(ApiError::not_simulated(&format!("the gateway {other}"))),
        None => return Err(ApiError::field("data.gateway", "required", "gateway is required")),
    }
    let capture_later = match data["method"].as_str() {
        Some("purchase") => false,
        Some("authorize") => true,
        Some(other) => return Err(ApiError::not_simulated(&format!("the method {other}"))),
        None => return Err(ApiError::field("data.method", "required", "method is required")),
    };
    let options = &data["options"];
    let automatic = options["automatic_payment_methods"]["enabled"].as_bool() == Some(true);
    if automatic && data.get("payment_method_types").is_some() {
        return Err(ApiError::bad_request(
            "You may only specify one of these parameters: automatic_payment_methods, \
             payment_method_types.",
        ));
    }
    if options["confirm"].as_bool() != Some(true) {
        return Ok((capture_later, Confirmation::None));
    }
    let redirects = options["automatic_payment_methods"]["allow_redirects"].as_str();
    if automatic && redirects != Some("never") && !options["return_url"].is_string() {
        return Err(ApiError::bad_request(
            "This PaymentIntent is configured to accept payment methods enabled in your \
             Dashboard. Because some of these payment methods might redirect your customer off of \
             your page, you must provide a `return_url`.",
        ));
    }
    let confirmation = match (options["confirmation_token"].as_str(), data["payment"].as_str()) {
        (Some(token), _) => Confirmation::Token(token.to_owned()),
        (None, Some(method)) if method.starts_with("pm_") => {
            Confirmation::Method(method.to_owned())
        }
        (None, Some(method)) => {
            return Err(ApiError::bad_request(format!("No such PaymentMethod: '{method}'")));
        }
        (None, None) => {
            return Err(ApiError::bad_request(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
            ));
        }
    };
    Ok((capture_later, confirmation))
}

fn passed(data: &Value) -> Passed {
    let options = &data["options"];
    let text = |name: &str| options[name].as_str().unwrap_or_default().to_owned();
    let types = data["payment_method_types"].as_array();
    Passed {
        receipt_email: text("receipt_email"),
        setup_future_usage: text("setup_future_usage"),
        customer: options["customer"].as_str().map(str::to_owned),
        payment_method_types: types
            .map(|types| types.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect()),
    }
}

/// Cancels the payment that another one takes the place of, unless it has ended.
fn give_up(state: &mut State, intent_id: &str) {
    let now = state.clock.seconds();
    if let Some(intent) = state.payment_intent_mut(intent_id)
        && intent.status.is_open()
    {
        intent.cancel(now);
    }
}

/// What happens in the moment of the confirmation.
fn confirm(intent: &mut PaymentIntent, course: Course, declined: DeclinedPayment) {
    match course {
        Course::Ok | Course::AuthOnly => intent.succeed(),
        Course::Challenge | Course::ChallengeFails => intent.status = Status::RequiresAction,
        Course::Processing | Course::ProcessingFails => intent.status = Status::Processing,
        Course::DeclineRefused | Course::DeclineAnswered | Course::DeclineSoft => {
            let error = json!({
                "type": "card_error",
                "code": "card_declined",
                "decline_code": "generic_decline",
                "message": "Your card was declined.",
            });
            intent.fail(error, declined);
        }
        // Such a token confirms nothing.
        Course::Expired => {}
    }
}

/// Changes a payment of a cart: its amount becomes what the cart costs now.
pub(crate) fn update(
    state: &mut State,
    cart_id: &str,
    intent_id: &str,
    data: &Value,
) -> Result<(), ApiError> {
    read(data)?;
    let currency = state.options.currency.clone();
    let cart = state.cart(cart_id);
    let amount = cart.totals(&currency).with_tax();
    if cart.payment_intent.as_deref() != Some(intent_id) {
        return Err(ApiError::not_found("Payment intent not found"));
    }
    let answers = state.options.modes.update_ended_payment == UpdateEndedPayment::Answers;
    let missing = || ApiError::not_found("Payment intent not found");
    let intent = state.payment_intent_mut(intent_id).ok_or_else(missing)?;
    if !intent.status.is_open() && !answers {
        let status = intent.status.name();
        return Err(ApiError::bad_request(format!(
            "This PaymentIntent's amount could not be updated because it has a status of \
             {status}. You may only update the amount of a PaymentIntent with one of the \
             following statuses: requires_payment_method, requires_confirmation, requires_action."
        )));
    }
    if intent.status.is_open() {
        intent.amount = amount;
    }
    let options = &data["options"];
    if let Some(email) = options["receipt_email"].as_str() {
        intent.options.receipt_email = email.to_owned();
    }
    merge_metadata(intent, &options["metadata"]);
    Ok(())
}

pub(crate) fn merge_metadata(intent: &mut PaymentIntent, metadata: &Value) {
    for (name, value) in metadata.as_object().into_iter().flatten() {
        intent.metadata.insert(name.clone(), value.clone());
    }
}

/// Ends a challenge, or without `passed` as its card's holder does. False when there is none.
pub(crate) fn authenticate(state: &mut State, intent_id: &str, passed: Option<bool>) -> bool {
    end(state, intent_id, Status::RequiresAction, passed, || {
        json!({
            "type": "invalid_request_error",
            "code": "payment_intent_authentication_failure",
            "decline_code": "",
            "message": "The provided PaymentMethod has failed authentication.",
        })
    })
}

/// Ends a debit, or without `paid` as its bank does. False when there is none.
pub(crate) fn settle(state: &mut State, intent_id: &str, paid: Option<bool>) -> bool {
    end(state, intent_id, Status::Processing, paid, || {
        json!({
            "type": "card_error",
            "code": "payment_intent_payment_attempt_failed",
            "decline_code": "",
            "message": "The payment failed.",
        })
    })
}

fn end(
    state: &mut State,
    intent_id: &str,
    waiting: Status,
    well: Option<bool>,
    error: fn() -> Value,
) -> bool {
    let declined = state.options.modes.declined_payment;
    let Some(intent) = state.payment_intent_mut(intent_id) else { return false };
    // A payment at Stripe ends there.
    if intent.status != waiting || intent.at_stripe.is_some() {
        return false;
    }
    let fails = [Some(Course::ChallengeFails), Some(Course::ProcessingFails)];
    match well.unwrap_or(!fails.contains(&intent.course)) {
        true => intent.succeed(),
        false => intent.fail(error(), declined),
    }
    if state.options.modes.pending == Pending::FollowsStripe {
        state.follow_stripe(intent_id);
    }
    true
}
