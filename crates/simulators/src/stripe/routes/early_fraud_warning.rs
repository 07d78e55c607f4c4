//! The early fraud warning routes: retrieve and list.

use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params;
use crate::stripe::objects::early_fraud_warning::EarlyFraudWarning;
use crate::stripe::routes::Route;
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::get("radar/early_fraud_warnings", "radar.early_fraud_warning[]", list),
    Route::get("radar/early_fraud_warnings/{}", "radar.early_fraud_warning", retrieve),
];

const NOUN: &str = "early fraud warning";

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let missing = || ApiError::missing(NOUN, id, "early_fraud_warning").status(404);
    state.early_fraud_warnings.get(id).map(EarlyFraudWarning::render).ok_or_else(missing)
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST, &["charge", "payment_intent"]], &[])?;
    let charge = call.params.text("charge")?;
    let intent = call.params.text("payment_intent")?;
    let listing = Listing::read(&call.params)?;
    let page = listing.page(&state.early_fraud_warnings, NOUN, |warning: &EarlyFraudWarning| {
        charge.as_ref().is_none_or(|wanted| *wanted == warning.charge)
            && (intent.is_none() || intent == warning.payment_intent)
    })?;
    Ok(page.render("/v1/radar/early_fraud_warnings", EarlyFraudWarning::render))
}
