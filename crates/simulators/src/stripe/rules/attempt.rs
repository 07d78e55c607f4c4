//! One try to be paid: what the card or bank says, and what that makes of the intent.
//!
//! Every change and its events are made while the state is locked, so no reader sees one without
//! the other.

use serde_json::{Map, Value, json};

use crate::stripe::api::call::{Call, Key};
use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::Params;
use crate::stripe::objects::balance_transaction::Kind;
use crate::stripe::objects::charge::{self, Charge, ChargeStatus};
use crate::stripe::objects::confirmation_token;
use crate::stripe::objects::event::Origin;
use crate::stripe::objects::payment_intent::{
    CaptureMethod, Challenge, ConfirmationMethod, PaymentIntent, Redirects, Status,
};
use crate::stripe::objects::payment_method::{self, PaymentMethod};
use crate::stripe::rules::agenda::Task;
use crate::stripe::rules::banks;
use crate::stripe::rules::capture;
use crate::stripe::rules::cards::{self, Afterwards, Asks, Behaviour, Decline};
use crate::stripe::rules::{customers, debits, disputes};
use crate::stripe::state::State;

/// The parameters that count for one confirmation only.
pub(crate) struct Confirmation {
    return_url: Option<String>,
    use_stripe_sdk: bool,
    off_session: bool,
    error_on_requires_action: bool,
    amount_to_confirm: Option<i64>,
}

enum Step {
    Pay,
    Decline(&'static Decline),
    Challenge,
    /// The customer goes to the bank's page.
    Redirect,
    Debit,
}

impl Confirmation {
    /// What the request says itself comes before what its confirmation token says.
    pub fn read(state: &State, params: &Params) -> Result<Self, ApiError> {
        let token = confirmation_token::given(state, params)?;
        let return_url = params.text("return_url")?;
        let use_stripe_sdk = params.flag("use_stripe_sdk")?;
        let off_session = match params.text("off_session")?.as_deref() {
            Some("one_off" | "recurring") => true,
            _ => params.flag("off_session")?.unwrap_or(false),
        };
        Ok(Self {
            return_url: return_url.or_else(|| token.and_then(|token| token.return_url.clone())),
            // True of every token: it was made by Stripe.js, which will show what is to be done.
            use_stripe_sdk: use_stripe_sdk.unwrap_or(token.is_some()),
            off_session,
            error_on_requires_action: params.flag("error_on_requires_action")?.unwrap_or(false),
            amount_to_confirm: params.integer("amount_to_confirm")?,
        })
    }

    /// A parameter that a create without `confirm=true` may not have.
    pub fn first_given(params: &Params) -> Option<&'static str> {
        let names = [
            "confirmation_token",
            "return_url",
            "off_session",
            "error_on_requires_action",
            "mandate_data",
        ];
        names.into_iter().find(|name| params.has(name))
    }

    /// Whether the intent may be confirmed with a method of the type `method`; `None` says that
    /// there is no method.
    pub fn check(
        &self,
        call: &Call,
        intent: &PaymentIntent,
        method: Option<&str>,
    ) -> Result<(), ApiError> {
        check_open(intent)?;
        if call.key == Key::Publishable && intent.confirmation == ConfirmationMethod::Manual {
            return Err(refused(
                intent,
                "This PaymentIntent cannot be confirmed with a publishable key because its \
                 confirmation_method is manual.",
            ));
        }
        if self.amount_to_confirm.is_some_and(|amount| amount != intent.amount) {
            let text = format!(
                "The amount_to_confirm does not match this PaymentIntent's amount of {}.",
                intent.amount
            );
            return Err(refused(intent, text).param("amount_to_confirm"));
        }
        let Some(method) = method else {
            return Err(refused(intent, method_missing(intent.customer.as_deref())));
        };
        let needs_return_url = intent.automatic == Some(Redirects::Always)
            && call.key == Key::Secret
            && self.return_url.is_none();
        if needs_return_url {
            return Err(
                ApiError::invalid(RETURN_URL_MISSING).with("payment_intent", intent.render())
            );
        }
        if self.return_url.is_none() && banks::by_name(method).is_some() {
            return Err(ApiError::invalid(
                "You must provide a `return_url` when confirming using a payment method that \
                 redirects.",
            )
            .param("return_url"));
        }
        Ok(())
    }

    fn step(&self, intent: &PaymentIntent, method: &PaymentMethod) -> Step {
        let authenticated = intent.authenticated.as_deref() == Some(method.id.as_str());
        let card = match &method.kind {
            payment_method::Kind::Card { card, .. } => card,
            payment_method::Kind::SepaDebit { .. } => return Step::Debit,
            payment_method::Kind::Redirect(_) if authenticated => return Step::Pay,
            payment_method::Kind::Redirect(_) => return Step::Redirect,
        };
        match card.behaviour {
            Behaviour::Succeeds => Step::Pay,
            Behaviour::Declines(decline) => Step::Decline(decline),
            Behaviour::Blocked => Step::Decline(&cards::FRAUDULENT),
            Behaviour::Authenticates { asks, then } => {
                let asked = match asks {
                    Asks::Always => true,
                    Asks::OnSession => !self.off_session,
                    Asks::IfRequested => intent.request_three_d_secure != "automatic",
                    Asks::UnlessSetUp => !(self.off_session && method.is_set_up()),
                };
                match then {
                    _ if asked && !authenticated && self.off_session => {
                        Step::Decline(&cards::AUTHENTICATION_REQUIRED)
                    }
                    _ if asked && !authenticated => Step::Challenge,
                    Some(decline) => Step::Decline(decline),
                    None => Step::Pay,
                }
            }
        }
    }
}

/// Refuses an intent that has been paid, is being paid or was canceled.
fn check_open(intent: &PaymentIntent) -> Result<(), ApiError> {
    match &intent.status {
        Status::Succeeded => Err(refused(
            intent,
            "You cannot confirm this PaymentIntent because it has already succeeded after being \
             previously confirmed.",
        )),
        status @ (Status::Canceled { .. } | Status::Processing | Status::RequiresCapture) => {
            let text = format!(
                "You cannot confirm this PaymentIntent because it has a status of {}. Only a \
                 PaymentIntent with one of the following statuses may be confirmed: \
                 requires_confirmation, requires_action.",
                status.name()
            );
            Err(refused(intent, text))
        }
        Status::RequiresPaymentMethod
        | Status::RequiresConfirmation
        | Status::RequiresAction(_) => Ok(()),
    }
}

fn refused(intent: &PaymentIntent, why: impl Into<String>) -> ApiError {
    ApiError::unexpected_state(why).with("payment_intent", intent.render())
}

fn method_missing(customer: Option<&str>) -> String {
    let start = "You cannot confirm this PaymentIntent because it's missing a payment method.";
    match customer {
        Some(customer) => format!(
            "{start} To confirm the PaymentIntent with {customer}, specify a payment method \
             attached to this customer along with the customer ID."
        ),
        None => format!(
            "{start} You can either update the PaymentIntent with a payment method and then \
             confirm it again, or confirm it again directly with a payment method or \
             ConfirmationToken."
        ),
    }
}

const RETURN_URL_MISSING: &str = "This PaymentIntent is configured to accept payment methods \
     enabled in your Dashboard. Because some of these payment methods might redirect your customer \
     off of your page, you must provide a `return_url`. If you don't want to accept redirect-based \
     payment methods, set `automatic_payment_methods[enabled]` to `true` and \
     `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and \
     Payment Intents.";

/// Tries to be paid with the intent's method. A decline is the 402 answer, after the intent, its
/// charge and the events have been written.
pub(crate) fn attempt(
    state: &mut State,
    id: &str,
    confirmation: &Confirmation,
    origin: &Origin,
) -> Result<(), ApiError> {
    let Some(intent) = state.payment_intents.get_mut(id) else { return Ok(()) };
    intent.last_payment_error = None;
    let Some(intent) = state.payment_intents.get(id) else { return Ok(()) };
    let method = intent.payment_method.as_deref().and_then(|id| state.payment_methods.get(id));
    let Some(method) = method else { return Ok(()) };
    match confirmation.step(intent, method) {
        Step::Pay => succeed(state, id, origin),
        Step::Decline(decline) => return Err(refuse(state, id, decline, origin)),
        Step::Debit => debit(state, id, origin),
        Step::Challenge | Step::Redirect if confirmation.error_on_requires_action => {
            return Err(refuse_action(state, id, origin));
        }
        Step::Challenge => {
            // Stripe.js shows it on the shop's page, where it is used.
            let return_url =
                confirmation.return_url.clone().filter(|_| !confirmation.use_stripe_sdk);
            challenge(state, id, "3d_secure/challenge", return_url, origin);
        }
        Step::Redirect => {
            let return_url = confirmation.return_url.clone();
            challenge(state, id, "redirect", return_url, origin);
        }
    }
    Ok(())
}

/// The card's holder passed or failed the challenge. `None` when it is no longer waiting.
pub(crate) fn authenticate(
    state: &mut State,
    challenge_id: &str,
    passed: bool,
    origin: &Origin,
) -> Option<String> {
    let id = state.challenges.get(challenge_id)?.clone();
    let intent = state.payment_intents.get_mut(&id)?;
    let open = matches!(&intent.status, Status::RequiresAction(open) if open.id == challenge_id);
    if !open {
        return None;
    }
    let origin = &origin.reached_as(intent);
    if !passed {
        let error = json!({
            "code": "payment_intent_authentication_failure",
            "doc_url": doc_url("payment_intent_authentication_failure"),
            "message": "We are unable to authenticate your payment method. Please choose a \
                        different payment method and try again.",
            "type": "invalid_request_error",
        });
        fail(state, &id, error, origin);
        return Some(id);
    }
    intent.authenticated.clone_from(&intent.payment_method);
    if intent.confirmation == ConfirmationMethod::Manual {
        intent.status = Status::RequiresConfirmation;
        return Some(id);
    }
    let method = intent.payment_method.as_deref().and_then(|id| state.payment_methods.get(id));
    if let Some(Err(used_up)) = method.map(PaymentMethod::check_usable) {
        // Another payment has used it while its holder was being asked.
        fail(state, &id, Value::Object(used_up.body), origin);
        return Some(id);
    }
    let again = Confirmation {
        return_url: None,
        use_stripe_sdk: false,
        off_session: false,
        error_on_requires_action: false,
        amount_to_confirm: None,
    };
    // A decline after the challenge has no request to answer; the intent carries it.
    let _declined = attempt(state, &id, &again, origin);
    Some(id)
}

/// The bank's word on a debit. `None` when no such intent is processing.
pub(crate) fn settle(state: &mut State, id: &str, paid: bool, origin: &Origin) -> Option<()> {
    let intent = state.payment_intents.get(id)?;
    if intent.status != Status::Processing {
        return None;
    }
    let charge_id = intent.latest_charge.clone()?;
    if paid {
        let charge = state.charges.get_mut(&charge_id)?;
        charge.status = ChargeStatus::Succeeded;
        charge.amount_captured = charge.amount;
        receive(state, id, &charge_id, "charge.succeeded", origin);
        return Some(());
    }
    let refusal = state.debited(id).and_then(|account| account.refusal).unwrap_or(&debits::FAILED);
    let (code, message) = (refusal.code, refusal.message);
    let charge = state.charges.get_mut(&charge_id)?;
    charge.status =
        ChargeStatus::Failed { code: refusal.charge_code.into(), message: message.into() };
    let failed = charge.render();
    state.emit("charge.failed", &failed, origin);
    let error = json!({
        "charge": charge_id,
        "code": code,
        "doc_url": doc_url(code),
        "message": message,
        "type": "card_error",
    });
    fail(state, id, error, origin);
    Some(())
}

fn succeed(state: &mut State, id: &str, origin: &Origin) {
    customers::save(state, id, origin);
    let manual =
        state.payment_intents.get(id).is_some_and(|intent| intent.capture == CaptureMethod::Manual);
    let Some(charge_id) = charge_for(state, id, ChargeStatus::Succeeded, None, origin) else {
        return;
    };
    match manual {
        true => capture::authorize(state, id, &charge_id, origin),
        false => receive(state, id, &charge_id, "charge.succeeded", origin),
    }
}

/// The money is there: what was set aside of the charge, or all of it. `happened` is the event
/// that tells of the charge.
pub(crate) fn receive(
    state: &mut State,
    id: &str,
    charge_id: &str,
    happened: &'static str,
    origin: &Origin,
) {
    let instead = state.payment_intents.get(id).and_then(|intent| intent.receives_instead);
    let Some(charge) = state.charges.get_mut(charge_id) else { return };
    charge.captured = true;
    // No more than that can go back.
    charge.amount_captured = instead.unwrap_or(charge.amount_captured);
    let (amount, currency) = (charge.amount_captured, charge.currency.clone());
    let kind = if charge_id.starts_with("ch_") { Kind::Charge } else { Kind::Payment };
    let balance_transaction = state.book_charge(kind, charge_id, amount, &currency);
    let Some(intent) = state.payment_intents.get_mut(id) else { return };
    intent.status = Status::Succeeded;
    intent.amount_received = amount;
    intent.latest_charge = Some(charge_id.to_owned());
    let succeeded = intent.render();
    let at_once = intent.capture != CaptureMethod::AutomaticAsync;
    let Some(charge) = state.charges.get_mut(charge_id) else { return };
    if at_once {
        charge.balance_transaction = Some(balance_transaction.clone());
    }
    let charged = charge.render();
    charge.balance_transaction = Some(balance_transaction);
    let updated = charge.render();
    state.emit(happened, &charged, origin);
    state.emit("payment_intent.succeeded", &succeeded, origin);
    if !at_once {
        let previous = json!({ "balance_transaction": null });
        state.emit_update("charge.updated", &updated, Some(previous), origin);
    }
    afterwards(state, charge_id, origin);
}

/// What a test card or account makes happen to its charge once it has been paid.
fn afterwards(state: &mut State, charge_id: &str, origin: &Origin) {
    let method = state.charges.get(charge_id).map(|charge| charge.payment_method.clone());
    let method = method.and_then(|id| state.payment_methods.get(&id));
    let (disputed, reported): (&[_], bool) = match method.map(|method| &method.kind) {
        Some(payment_method::Kind::Card { card, .. }) => match card.afterwards {
            Afterwards::Nothing
            | Afterwards::AvailableAtOnce
            | Afterwards::RefundsPend
            | Afterwards::RefundsFail => (&[], false),
            Afterwards::Disputed(complaints) => (complaints, false),
            Afterwards::ReportedAsFraud => (&[], true),
        },
        Some(payment_method::Kind::SepaDebit { account, .. }) => (account.disputed, false),
        Some(payment_method::Kind::Redirect(_)) => (&[], false),
        None => (&[], false),
    };
    if reported {
        disputes::warn(state, charge_id, origin);
    }
    disputes::open_all(state, charge_id, disputed, origin);
}

fn debit(state: &mut State, id: &str, origin: &Origin) {
    customers::save(state, id, origin);
    let Some(charge_id) = charge_for(state, id, ChargeStatus::Pending, None, origin) else {
        return;
    };
    let Some(intent) = state.payment_intents.get_mut(id) else { return };
    intent.status = Status::Processing;
    intent.latest_charge = Some(charge_id.clone());
    let processing = intent.render();
    let Some(pending) = state.charges.get(&charge_id).map(Charge::render) else { return };
    state.emit("charge.pending", &pending, origin);
    state.emit("payment_intent.processing", &processing, origin);
    let delay = state.debit_delay(id);
    state.schedule(delay, Task::SettleDebit { intent: id.to_owned(), charge: charge_id });
}

/// Waits for the customer, who is asked on a page of ours under `page`.
fn challenge(state: &mut State, id: &str, page: &str, return_url: Option<String>, origin: &Origin) {
    let challenge_id = state.ids.make("payatt_3", 23);
    state.challenges.insert(challenge_id.clone(), id.to_owned());
    let Some(intent) = state.payment_intents.get_mut(id) else { return };
    let page = format!("{}/{page}/{challenge_id}", origin.base_url);
    intent.status = Status::RequiresAction(Challenge { id: challenge_id, page, return_url });
    let waiting = intent.render();
    state.emit("payment_intent.requires_action", &waiting, origin);
}

/// Declines, and returns the answer that says so.
fn refuse(state: &mut State, id: &str, decline: &'static Decline, origin: &Origin) -> ApiError {
    let status =
        ChargeStatus::Failed { code: decline.code.into(), message: decline.message.into() };
    let charge_id = charge_for(state, id, status, Some(decline), origin).unwrap_or_default();
    if let Some(failed) = state.charges.get(&charge_id).map(Charge::render) {
        state.emit("charge.failed", &failed, origin);
    }
    if let Some(intent) = state.payment_intents.get_mut(id) {
        intent.latest_charge = Some(charge_id.clone());
    }
    let mut error = Map::new();
    if let Some(advice) = decline.advice {
        error.insert("advice_code".into(), advice.into());
    }
    if let Some(code) = decline.network_code {
        error.insert("network_decline_code".into(), code.into());
    }
    error.insert("charge".into(), charge_id.into());
    error.insert("code".into(), decline.code.into());
    error.insert("decline_code".into(), decline.decline_code.into());
    error.insert("doc_url".into(), doc_url(decline.code).into());
    error.insert("message".into(), decline.message.into());
    error.insert("type".into(), "card_error".into());
    fail(state, id, Value::Object(error), origin);
    answer_402(state, id, origin)
}

fn refuse_action(state: &mut State, id: &str, origin: &Origin) -> ApiError {
    let error = json!({
        "code": "authentication_required",
        "decline_code": "authentication_not_handled",
        "doc_url": doc_url("authentication_required"),
        "message": "This payment required an authentication action to complete, but \
                    `error_on_requires_action` was set. When you're ready, you can upgrade your \
                    integration to handle actions at \
                    https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
        "type": "card_error",
    });
    fail(state, id, error, origin);
    answer_402(state, id, origin)
}

/// The try is over, the intent is open for another one.
pub(crate) fn fail(state: &mut State, id: &str, mut error: Value, origin: &Origin) {
    let Some(intent) = state.payment_intents.get_mut(id) else { return };
    if let Some(method) =
        intent.payment_method.take().and_then(|method| state.payment_methods.get(&method))
    {
        error["payment_method"] = method.render();
    }
    intent.status = Status::RequiresPaymentMethod;
    intent.last_payment_error = Some(error);
    // The holder is asked anew for every try.
    intent.authenticated = None;
    let failed = intent.render();
    state.emit("payment_intent.payment_failed", &failed, origin);
}

fn answer_402(state: &State, id: &str, origin: &Origin) -> ApiError {
    let mut answer = ApiError::new(402, "card_error", "");
    let Some(intent) = state.payment_intents.get(id) else { return answer };
    if let Some(Value::Object(error)) = &intent.last_payment_error {
        answer.body.clone_from(error);
    }
    if let Some(request) = &origin.request_id {
        let log = format!("https://dashboard.stripe.com/test/logs/{request}");
        answer = answer.with("request_log_url", log);
    }
    answer.with("payment_intent", intent.render())
}

/// Makes the charge of this try; a method that is no customer's is used up by it.
fn charge_for(
    state: &mut State,
    id: &str,
    status: ChargeStatus,
    decline: Option<&'static Decline>,
    origin: &Origin,
) -> Option<String> {
    let intent = state.payment_intents.get(id)?;
    let method_id = intent.payment_method.clone()?;
    let prefix = match state.payment_methods.get(&method_id)?.kind {
        payment_method::Kind::Card { .. } => "ch_3",
        payment_method::Kind::SepaDebit { .. } | payment_method::Kind::Redirect(_) => "py_3",
    };
    let charge_id = state.ids.make(prefix, 23);
    let method = state.payment_methods.get_mut(&method_id)?;
    method.spend();
    let authenticated = intent.authenticated.as_deref() == Some(method_id.as_str());
    let charge = Charge {
        id: charge_id.clone(),
        created: state.clock.seconds(),
        amount: intent.amount,
        currency: intent.currency.clone(),
        captured: status == ChargeStatus::Succeeded,
        amount_captured: if status == ChargeStatus::Succeeded { intent.amount } else { 0 },
        amount_refunded: 0,
        disputed: false,
        status,
        payment_intent: Some(id.to_owned()),
        customer: intent.customer.clone(),
        payment_method_details: charge::details(method, intent.amount, authenticated),
        billing_details: method.billing_details.clone(),
        outcome: charge::outcome(method, decline),
        payment_method: method_id,
        // Copied once: later changes of the intent's metadata do not reach its charges.
        metadata: intent.metadata.clone(),
        description: intent.description.clone(),
        receipt_email: intent.receipt_email.clone(),
        receipt_url: origin.page(&format!("receipts/{charge_id}")),
        shipping: intent.shipping.clone(),
        statement_descriptor: intent.statement_descriptor.clone(),
        statement_descriptor_suffix: intent.statement_descriptor_suffix.clone(),
        transfer_group: intent.transfer_group.clone(),
        balance_transaction: None,
        livemode: intent.livemode,
    };
    state.charges.insert(charge);
    Some(charge_id)
}

pub(crate) fn doc_url(code: &str) -> String {
    format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))
}
