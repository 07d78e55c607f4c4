//! The dispute routes: retrieve, list, answer with evidence, give in.

use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params::{self, Field, Params};
use crate::stripe::objects::dispute::Dispute;
use crate::stripe::routes::Route;
use crate::stripe::rules::details::MetadataChange;
use crate::stripe::rules::disputes::{self, Update};
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::get("disputes", "dispute[]", list),
    Route::get("disputes/{}", "dispute", retrieve),
    Route::post("disputes/{}", "dispute", update),
    Route::post("disputes/{}/close", "dispute", close),
];

/// Texts of a line or an address.
const SHORT: &[&str] = &[
    "evidence.billing_address",
    "evidence.customer_email_address",
    "evidence.customer_name",
    "evidence.customer_purchase_ip",
    "evidence.duplicate_charge_id",
    "evidence.service_date",
    "evidence.shipping_address",
    "evidence.shipping_carrier",
    "evidence.shipping_date",
    "evidence.shipping_tracking_number",
];

const LONG: &[&str] = &[
    "evidence.access_activity_log",
    "evidence.cancellation_policy_disclosure",
    "evidence.cancellation_rebuttal",
    "evidence.duplicate_charge_explanation",
    "evidence.product_description",
    "evidence.refund_policy_disclosure",
    "evidence.refund_refusal_explanation",
    "evidence.uncategorized_text",
];

/// Characters (docs.stripe.com/api/disputes/update).
const SHORT_MAX: usize = 5_000;
const LONG_MAX: usize = 20_000;
const EVIDENCE_MAX: usize = 150_000;

/// Files cannot be uploaded here, and there is no programme of a card network to qualify for.
const NOT_SIMULATED: &[&str] = &[
    "evidence.appeal.**",
    "evidence.cancellation_policy",
    "evidence.customer_communication",
    "evidence.customer_signature",
    "evidence.duplicate_charge_documentation",
    "evidence.enhanced_evidence.**",
    "evidence.receipt",
    "evidence.refund_policy",
    "evidence.service_documentation",
    "evidence.shipping_documentation",
    "evidence.uncategorized_file",
    "intended_submission_method",
];

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    find(state, id).map(|dispute| dispute.render(state))
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST, &["charge", "payment_intent"]], &[])?;
    let charge = call.params.text("charge")?;
    let intent = call.params.text("payment_intent")?;
    let listing = Listing::read(&call.params)?;
    let page = listing.page(&state.disputes, "dispute", |dispute: &Dispute| {
        charge.as_ref().is_none_or(|wanted| *wanted == dispute.charge)
            && (intent.is_none() || intent == dispute.payment_intent)
    })?;
    Ok(page.render("/v1/disputes", |dispute| dispute.render(state)))
}

fn update(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    let rest: &[&str] = &["metadata", "metadata.*", "submit", "expand.*"];
    call.params.only(&[SHORT, LONG, rest], NOT_SIMULATED)?;
    let evidence = evidence(&call.params)?;
    let submit = call.params.flag("submit")?;
    let metadata = MetadataChange::read(&call.params)?;
    let dispute = find(state, id)?;
    refuse_closed(dispute)?;
    metadata.check(&dispute.metadata)?;
    let given = evidence.iter().any(|(_, field)| field.is_present());
    if given && dispute.status.clone().submit().is_none() {
        return Err(ApiError::invalid(format!(
            "Evidence for this dispute has already been submitted; its status is {}.",
            dispute.status.name()
        ))
        .param("evidence")
        .of_state());
    }
    let present: usize = evidence.iter().map(|(name, field)| length(dispute, name, field)).sum();
    if present > EVIDENCE_MAX {
        return Err(ApiError::invalid(format!(
            "The combined character count of all evidence fields is limited to {EVIDENCE_MAX}."
        ))
        .param("evidence"));
    }
    // A change of metadata alone sends nothing; evidence is sent unless told otherwise.
    let submit = submit.unwrap_or(given);
    disputes::update(state, id, Update { evidence, metadata, submit }, &call.origin);
    find(state, id).map(|dispute| dispute.render(state))
}

fn close(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let dispute = find(state, id)?;
    refuse_closed(dispute)?;
    let status = dispute.status.name();
    disputes::concede(state, id, &call.origin).ok_or_else(|| {
        ApiError::invalid(format!(
            "This dispute cannot be closed because it has a status of {status}. Only a dispute \
             with one of the following statuses may be closed: needs_response, \
             warning_needs_response."
        ))
        .of_state()
    })?;
    find(state, id).map(|dispute| dispute.render(state))
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Dispute, ApiError> {
    let missing = || ApiError::missing("dispute", id, "dispute").status(404);
    state.disputes.get(id).ok_or_else(missing)
}

fn refuse_closed(dispute: &Dispute) -> Result<(), ApiError> {
    match dispute.status.is_closed() {
        true => Err(ApiError::invalid("This dispute is already closed").of_state()),
        false => Ok(()),
    }
}

/// Every text of the evidence by its name, given or not.
fn evidence(params: &Params) -> Result<Vec<(&'static str, Field<String>)>, ApiError> {
    let short = SHORT.iter().map(|path| (*path, SHORT_MAX));
    let long = LONG.iter().map(|path| (*path, LONG_MAX));
    let mut texts = Vec::new();
    for (path, max) in short.chain(long) {
        let field = params.field(path)?;
        let name = path.strip_prefix("evidence.").unwrap_or(path);
        if matches!(&field, Field::Set(text) if text.chars().count() > max) {
            let text = format!("Invalid string: must be at most {max} characters");
            return Err(ApiError::invalid(text).param(format!("evidence[{name}]")));
        }
        texts.push((name, field));
    }
    Ok(texts)
}

/// Of one text after the change.
fn length(dispute: &Dispute, name: &str, field: &Field<String>) -> usize {
    match field {
        Field::Absent => dispute.evidence.get(name).map_or(0, |text| text.chars().count()),
        Field::Unset => 0,
        Field::Set(text) => text.chars().count(),
    }
}
