//! The charge routes: retrieve, update, list and search.

use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params;
use crate::stripe::api::search::{self, Searched};
use crate::stripe::objects::charge::Charge;
use crate::stripe::objects::event;
use crate::stripe::routes::Route;
use crate::stripe::rules::customers;
use crate::stripe::rules::details::{self, MetadataChange};
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::get("charges", "charge[]", list),
    Route::get("charges/search", "charge[?]", search),
    Route::get("charges/{}", "charge", retrieve),
    Route::post("charges/{}", "charge", update),
];

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let missing = || ApiError::missing("charge", id, "id").status(404);
    state.charges.get(id).map(Charge::render).ok_or_else(missing)
}

const UPDATE: &[&str] =
    &["description", "expand.*", "metadata", "metadata.*", "receipt_email", "transfer_group"];

/// What was paid for may be said later; what was paid may not change.
fn update(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    let groups = [UPDATE, params::SHIPPING, params::CARRIER];
    call.params.only(&groups, &["customer", "fraud_details", "fraud_details.**"])?;
    let metadata = MetadataChange::read(&call.params)?;
    let description = call.params.field("description")?;
    let receipt_email = details::email(&call.params, "receipt_email")?;
    let transfer_group = call.params.field("transfer_group")?;
    let shipping = details::shipping(&call.params)?;
    let missing = || ApiError::missing("charge", id, "id").status(404);
    let charge = state.charges.get_mut(id).ok_or_else(missing)?;
    metadata.check(&charge.metadata)?;
    let before = charge.render();
    metadata.apply(&mut charge.metadata);
    description.apply(&mut charge.description);
    receipt_email.apply(&mut charge.receipt_email);
    transfer_group.apply(&mut charge.transfer_group);
    shipping.apply(&mut charge.shipping);
    let after = charge.render();
    if after != before {
        let changed = event::previous(&before, &after);
        state.emit_update("charge.updated", &after, Some(changed), &call.origin);
    }
    Ok(after)
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST, &["customer", "payment_intent"]], &["transfer_group"])?;
    let customer = customers::listed(state, &call.params)?;
    let intent = call.params.text("payment_intent")?;
    let page = Listing::read(&call.params)?.page(&state.charges, "charge", |charge: &Charge| {
        (intent.is_none() || intent == charge.payment_intent)
            && (customer.is_none() || customer == charge.customer)
    })?;
    Ok(page.render("/v1/charges", Charge::render))
}

/// docs.stripe.com/search#query-fields-for-charges
const SEARCHED: Searched = Searched {
    resource: "charges",
    texts: &[
        "billing_details.address.postal_code",
        "currency",
        "customer",
        "disputed",
        "payment_method_details.card.brand",
        "payment_method_details.card.exp_month",
        "payment_method_details.card.exp_year",
        "payment_method_details.card.fingerprint",
        "payment_method_details.card.last4",
        "refunded",
        "status",
    ],
    numbers: &["amount", "created"],
};

fn search(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    search::run(call, &SEARCHED, &state.charges, state.indexed(), Charge::render)
}
