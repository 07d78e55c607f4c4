//! The refund routes: create, retrieve, update, cancel, list; and the test helper that expires one.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params::{self, Params};
use crate::stripe::objects::refund::{Refund, RefundFailure, RefundOutcome, RefundReason};
use crate::stripe::routes::Route;
use crate::stripe::rules::details::MetadataChange;
use crate::stripe::rules::refunds::{self, Wanted};
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::post("refunds", "refund", create),
    Route::get("refunds", "refund[]", list),
    Route::get("refunds/{}", "refund", retrieve),
    Route::post("refunds/{}", "refund", update),
    Route::post("refunds/{}/cancel", "refund", cancel),
    Route::post("test_helpers/refunds/{}/expire", "refund", expire),
    Route::get("charges/{}/refunds", "refund[]", list_of_charge),
];

const CREATE: &[&str] =
    &["amount", "charge", "payment_intent", "reason", "metadata", "metadata.*", "expand.*"];

const CREATE_NOT_SIMULATED: &[&str] = &[
    "currency",
    "customer",
    "instructions_email",
    "origin",
    "refund_application_fee",
    "reverse_transfer",
];

fn create(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    let params = &call.params;
    params.only(&[CREATE], CREATE_NOT_SIMULATED)?;
    let amount = params.integer("amount")?;
    let reason = params.one_of("reason", RefundReason::NAMES)?;
    let change = MetadataChange::read(params)?;
    change.check(&BTreeMap::new())?;
    let mut metadata = BTreeMap::new();
    change.apply(&mut metadata);
    let wanted = Wanted {
        charge: charge(state, params)?,
        amount,
        reason: reason.as_deref().and_then(RefundReason::named),
        metadata,
        by_api: true,
    };
    let id = refunds::make(state, wanted, &call.origin)?;
    find(state, &id).map(Refund::render)
}

/// The id of the charge that the request means.
fn charge(state: &State, params: &Params) -> Result<String, ApiError> {
    let charge = params.text("charge")?;
    let Some(intent_id) = params.text("payment_intent")? else {
        return charge.ok_or_else(|| {
            ApiError::invalid(
                "One of the following params should be provided for this request: payment_intent \
                 or charge.",
            )
        });
    };
    let missing = || ApiError::missing("payment_intent", &intent_id, "payment_intent").status(404);
    let intent = state.payment_intents.get(&intent_id).ok_or_else(missing)?;
    let Some(charge) = charge else {
        let latest = intent.latest_charge.clone();
        return latest.ok_or_else(|| refunds::nothing_to_refund(&intent_id));
    };
    let found = state.charges.get(&charge);
    let found = found.ok_or_else(|| ApiError::missing("charge", &charge, "id").status(404))?;
    if found.payment_intent.as_ref() != Some(&intent_id) {
        return Err(ApiError::invalid(format!(
            "The charge {charge} does not belong to the PaymentIntent {intent_id}."
        ))
        .param("charge"));
    }
    Ok(charge)
}

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    find(state, id).map(Refund::render)
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Refund, ApiError> {
    let missing = || ApiError::missing("refund", id, "refund").status(404);
    state.refunds.get(id).ok_or_else(missing)
}

/// Nothing but metadata can change.
fn update(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["metadata", "metadata.*", "expand.*"]], &[])?;
    let change = MetadataChange::read(&call.params)?;
    let refund = find(state, id)?;
    change.check(&refund.metadata)?;
    let before = refund.render();
    if let Some(refund) = state.refunds.get_mut(id) {
        change.apply(&mut refund.metadata);
    }
    refunds::report_change(state, id, &before, &call.origin);
    find(state, id).map(Refund::render)
}

fn cancel(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let refund = find(state, id)?;
    if !refund.status.waits_for_customer() {
        return Err(ApiError::invalid("Canceling this refund is unsupported.").of_state());
    }
    // It was waiting a moment ago and the state is ours since then.
    let _canceled = refunds::settle(state, id, RefundOutcome::Canceled, &call.origin);
    find(state, id).map(Refund::render)
}

/// The customer has not answered in time.
fn expire(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let refund = find(state, id)?;
    if !refund.status.waits_for_customer() {
        return Err(ApiError::invalid(format!(
            "You cannot expire this refund because it has a status of {}. Only a refund with the \
             status requires_action may be expired.",
            refund.status.name()
        ))
        .of_state());
    }
    let failed = RefundOutcome::Failed(RefundFailure::Unknown);
    let _expired = refunds::settle(state, id, failed, &call.origin);
    find(state, id).map(Refund::render)
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST, &["charge", "payment_intent"]], &[])?;
    let charge = call.params.text("charge")?;
    let intent = call.params.text("payment_intent")?;
    let page = Listing::read(&call.params)?.page(&state.refunds, "refund", |refund: &Refund| {
        charge.as_ref().is_none_or(|charge| *charge == refund.charge)
            && (intent.is_none() || intent == refund.payment_intent)
    })?;
    Ok(page.render("/v1/refunds", Refund::render))
}

/// The older way to ask for the refunds of one charge.
fn list_of_charge(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST], &[])?;
    if state.charges.get(id).is_none() {
        return Err(ApiError::missing("charge", id, "charge").status(404));
    }
    let listing = Listing::read(&call.params)?;
    let page = listing.page(&state.refunds, "refund", |refund: &Refund| refund.charge == id)?;
    Ok(page.render(&format!("/v1/charges/{id}/refunds"), Refund::render))
}
