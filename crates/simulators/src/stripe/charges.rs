//! The charge routes: retrieve and list.

use serde_json::Value;

use super::Call;
use super::charge::Charge;
use super::error::ApiError;
use super::list::Listing;
use super::params;
use super::state::State;

pub(crate) fn retrieve(state: &State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let missing = || ApiError::missing("charge", id, "id").status(404);
    state.charges.get(id).map(Charge::render).ok_or_else(missing)
}

pub(crate) fn list(state: &State, call: &Call) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST, &["payment_intent"]], &["customer", "transfer_group"])?;
    let intent = call.params.text("payment_intent")?;
    let page = Listing::read(&call.params)?.page(&state.charges, "charge", |charge: &Charge| {
        intent.as_ref().is_none_or(|wanted| *wanted == charge.payment_intent)
    })?;
    Ok(page.render("/v1/charges", Charge::render))
}
