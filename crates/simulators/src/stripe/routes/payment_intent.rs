//! The payment intent routes: create, retrieve, update, confirm, cancel, list.

use serde_json::Value;

use crate::stripe::api::call::{Call, Key};
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params::{self, Field};
use crate::stripe::api::search::{self, Searched};
use crate::stripe::objects::payment_intent::{
    CaptureMethod, ConfirmationMethod, PaymentIntent, Redirects, Status, project,
};
use crate::stripe::routes::Route;
use crate::stripe::rules::attempt::{Confirmation, attempt};
use crate::stripe::rules::details::{Details, MetadataChange, descriptor_of_card};
use crate::stripe::rules::{capture, customers, money};
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::post("payment_intents", "payment_intent", create),
    Route::get("payment_intents", "payment_intent[]", list),
    Route::get("payment_intents/search", "payment_intent[?]", search),
    Route::get("payment_intents/{}", "payment_intent", retrieve).for_browsers(project),
    Route::post("payment_intents/{}", "payment_intent", update),
    Route::post("payment_intents/{}/confirm", "payment_intent", confirm).for_browsers(project),
    Route::post("payment_intents/{}/cancel", "payment_intent", cancel),
    Route::post("payment_intents/{}/capture", "payment_intent", capture),
];

/// Versions from 2026-09-30 on know this parameter no more.
const TYPES: &[&str] = &["payment_method_types.*"];

fn legacy(call: &Call) -> &'static [&'static str] {
    if call.names_types { TYPES } else { &[] }
}

fn create(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    let groups = [
        params::CREATE,
        params::CONFIRMATION,
        params::DETAILS,
        params::SHIPPING,
        params::CARRIER,
        params::PAYMENT_METHOD_DATA,
        legacy(call),
    ];
    call.params.only(&groups, params::CREATE_NOT_SIMULATED)?;
    call.params.required("amount")?;
    call.params.required("currency")?;
    let confirm = call.params.flag("confirm")?.unwrap_or(false);
    let confirmation = Confirmation::read(state, &call.params)?;
    if !confirm && let Some(name) = Confirmation::first_given(&call.params) {
        return Err(ApiError::invalid(format!(
            "You cannot provide `{name}` unless `confirm` is set to `true`."
        ))
        .param(name));
    }
    let details = Details::read(state, call)?;
    let intent = blank(state, call, &details)?;
    details.check(state, &intent)?;
    let method = details.method_type(state, &intent).filter(|_| confirm);
    details.check_descriptor(&intent, method)?;
    if confirm {
        // What is refused is not made, so no answer may show it.
        let checked = confirmation.check(call, &intent, method);
        checked.map_err(|error| error.without("payment_intent"))?;
    }

    let id = intent.id.clone();
    state.payment_intents.insert(intent);
    details.apply(state, &id);
    let created = render(state, &id)?;
    state.emit("payment_intent.created", &created, &call.origin);
    if confirm {
        attempt(state, &id, &confirmation, &call.origin)?;
    }
    render(state, &id)
}

fn blank(state: &mut State, call: &Call, details: &Details) -> Result<PaymentIntent, ApiError> {
    let params = &call.params;
    let confirmation = match params.one_of("confirmation_method", &["automatic", "manual"])? {
        Some(method) if method == "manual" => ConfirmationMethod::Manual,
        _ => ConfirmationMethod::Automatic,
    };
    let automatic = automatic(call)?;
    let id = state.ids.make("pi_3", 23);
    let client_secret = state.ids.make(&format!("{id}_secret_"), 25);
    Ok(PaymentIntent {
        id,
        client_secret,
        created: state.clock.seconds(),
        amount: details.amount.unwrap_or_default(),
        amount_received: 0,
        receives_instead: None,
        currency: details.currency.clone().unwrap_or_default(),
        status: Status::RequiresPaymentMethod,
        automatic,
        allowed_types: None,
        excluded_types: None,
        types: vec!["card".into()],
        confirmation,
        capture: details.capture.unwrap_or(CaptureMethod::AutomaticAsync),
        request_three_d_secure: "automatic".into(),
        setup_future_usage: None,
        customer: details.customer.clone(),
        payment_method: None,
        authenticated: None,
        latest_charge: None,
        last_payment_error: None,
        metadata: Default::default(),
        description: None,
        receipt_email: None,
        shipping: None,
        statement_descriptor: None,
        statement_descriptor_suffix: None,
        transfer_group: None,
        livemode: state.settings.livemode,
    })
}

/// On unless the request turns it off or names its types.
fn automatic(call: &Call) -> Result<Option<Redirects>, ApiError> {
    let params = &call.params;
    let redirects =
        params.one_of("automatic_payment_methods.allow_redirects", &["always", "never"])?;
    let enabled = params.flag("automatic_payment_methods.enabled")?;
    if params.map("automatic_payment_methods").is_some() && enabled.is_none() {
        return Err(ApiError::missing_param("automatic_payment_methods[enabled]"));
    }
    let named = params.has("payment_method_types");
    if named && enabled == Some(true) {
        return Err(ApiError::invalid(
            "You may only specify one of these parameters: automatic_payment_methods, \
             payment_method_types.",
        )
        .code("parameters_exclusive")
        .param("automatic_payment_methods"));
    }
    Ok(match (enabled.unwrap_or(!named), redirects.as_deref()) {
        (false, _) => None,
        (true, Some("never")) => Some(Redirects::Never),
        (true, _) => Some(Redirects::Always),
    })
}

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["client_secret", "expand.*"]], &[])?;
    find(state, call, id).map(PaymentIntent::render)
}

/// With a publishable key only its bearer's intent, proven by the client secret.
fn find<'a>(state: &'a State, call: &Call, id: &str) -> Result<&'a PaymentIntent, ApiError> {
    let missing = || ApiError::missing("payment_intent", id, "intent").status(404);
    let intent = state.payment_intents.get(id).ok_or_else(missing)?;
    match call.params.text("client_secret")? {
        None if call.key == Key::Publishable => Err(ApiError::missing_param("client_secret")),
        Some(given) if given != intent.client_secret => Err(ApiError::invalid(
            "The client_secret provided does not match the client_secret associated with the \
             PaymentIntent.",
        )
        .code("payment_intent_invalid_parameter")
        .param("client_secret")),
        _ => Ok(intent),
    }
}

fn update(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    let groups = [
        params::UPDATE,
        params::DETAILS,
        params::SHIPPING,
        params::CARRIER,
        params::PAYMENT_METHOD_DATA,
        legacy(call),
    ];
    call.params.only(&groups, params::UPDATE_NOT_SIMULATED)?;
    let details = Details::read(state, call)?;
    let intent = find(state, call, id)?;
    details.check(state, intent)?;
    details.check_descriptor(intent, None)?;
    details.apply(state, id);
    render(state, id)
}

fn confirm(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    let groups = [
        params::CONFIRM,
        params::CONFIRMATION,
        params::DETAILS,
        params::SHIPPING,
        params::CARRIER,
        params::PAYMENT_METHOD_DATA,
        legacy(call),
    ];
    call.params.only(&groups, params::CONFIRM_NOT_SIMULATED)?;
    let confirmation = Confirmation::read(state, &call.params)?;
    let details = Details::read(state, call)?;
    let intent = find(state, call, id)?;
    let method = details.method_type(state, intent);
    confirmation.check(call, intent, method)?;
    details.check(state, intent)?;
    details.check_descriptor(intent, method)?;
    details.check_own_method(state, intent)?;
    details.apply(state, id);
    attempt(state, id, &confirmation, &call.origin)?;
    render(state, id)
}

fn cancel(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["cancellation_reason", "expand.*"]], &[])?;
    let reasons = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];
    let reason = call.params.one_of("cancellation_reason", &reasons)?;
    let intent = find(state, call, id)?;
    if !intent.status.may_cancel() {
        return Err(ApiError::unexpected_state(format!(
            "You cannot cancel this PaymentIntent because it has a status of {}. Only a \
             PaymentIntent with one of the following statuses may be canceled: \
             requires_payment_method, requires_capture, requires_confirmation, requires_action, \
             processing.",
            intent.status.name()
        ))
        .with("payment_intent", intent.render()));
    }
    capture::cancel(state, id, reason, &call.origin);
    render(state, id)
}

fn capture(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::CAPTURE], params::CAPTURE_NOT_SIMULATED)?;
    if call.params.flag("final_capture")? == Some(false) {
        return Err(ApiError::not_simulated("capture in several parts", "final_capture"));
    }
    let amount = call.params.integer("amount_to_capture")?;
    let metadata = MetadataChange::read(&call.params)?;
    let descriptor = call.params.field("statement_descriptor")?;
    let suffix = call.params.field("statement_descriptor_suffix")?;
    let intent = find(state, call, id)?;
    if intent.status != Status::RequiresCapture {
        return Err(ApiError::unexpected_state(format!(
            "This PaymentIntent could not be captured because it has a status of {}. Only a \
             PaymentIntent with one of the following statuses may be captured: requires_capture.",
            intent.status.name()
        ))
        .with("payment_intent", intent.render()));
    }
    // Only cards can set money aside.
    if descriptor != Field::Absent && descriptor != Field::Unset {
        return Err(descriptor_of_card());
    }
    let amount = capture_amount(intent, amount)?;
    metadata.check(&intent.metadata)?;
    if let Some(intent) = state.payment_intents.get_mut(id) {
        metadata.apply(&mut intent.metadata);
        suffix.apply(&mut intent.statement_descriptor_suffix);
    }
    capture::capture(state, id, amount, &call.origin);
    render(state, id)
}

fn capture_amount(intent: &PaymentIntent, wanted: Option<i64>) -> Result<i64, ApiError> {
    let capturable = intent.amount_capturable();
    match wanted {
        None => Ok(capturable),
        Some(amount) if amount > capturable => Err(ApiError::invalid(format!(
            "Amount to capture ({amount}) is greater than the amount capturable ({capturable})."
        ))
        .code("amount_too_large")
        .param("amount_to_capture")),
        Some(amount) => money::check_amount(amount, &intent.currency)
            .map(|()| amount)
            .map_err(|error| error.param("amount_to_capture")),
    }
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST, &["customer"]], &["customer_account"])?;
    let customer = customers::listed(state, &call.params)?;
    let wanted = |intent: &PaymentIntent| customer.is_none() || customer == intent.customer;
    let page =
        Listing::read(&call.params)?.page(&state.payment_intents, "payment_intent", wanted)?;
    Ok(page.render("/v1/payment_intents", PaymentIntent::render))
}

/// docs.stripe.com/search#query-fields-for-payment-intents
const SEARCHED: Searched = Searched {
    resource: "payment_intents",
    texts: &["currency", "customer", "status"],
    numbers: &["amount", "created"],
};

fn search(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    let indexed = state.indexed();
    search::run(call, &SEARCHED, &state.payment_intents, indexed, PaymentIntent::render)
}

fn render(state: &State, id: &str) -> Result<Value, ApiError> {
    let missing = || ApiError::missing("payment_intent", id, "intent").status(404);
    state.payment_intents.get(id).map(PaymentIntent::render).ok_or_else(missing)
}
