//! The payment method routes: create, retrieve, update, attach, detach, list.

use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params::{self, Params};
use crate::stripe::objects::event::previous;
use crate::stripe::objects::payment_method::draft::{Draft, change_billing_details, expiry};
use crate::stripe::objects::payment_method::{
    Kind, PaymentMethod, REDISPLAY, TYPES_NOT_SIMULATED, is_type, project,
};
use crate::stripe::routes::Route;
use crate::stripe::rules::customers;
use crate::stripe::rules::details::MetadataChange;
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::post("payment_methods", "payment_method", create).for_browsers(project),
    Route::get("payment_methods", "payment_method[]", list),
    Route::get("payment_methods/{}", "payment_method", retrieve),
    Route::post("payment_methods/{}", "payment_method", update),
    Route::post("payment_methods/{}/attach", "payment_method", attach),
    Route::post("payment_methods/{}/detach", "payment_method", detach),
];

/// What create and update have in common.
const FIELDS: &[&str] = &[
    "allow_redisplay",
    "billing_details.name",
    "billing_details.email",
    "billing_details.phone",
    "billing_details.address",
    "billing_details.address.city",
    "billing_details.address.country",
    "billing_details.address.line1",
    "billing_details.address.line2",
    "billing_details.address.postal_code",
    "billing_details.address.state",
    "card.exp_month",
    "card.exp_year",
    "metadata",
    "metadata.*",
    "expand.*",
];

const CREATE: &[&str] =
    &["type", "card.number", "card.cvc", "card.token", "sepa_debit.iban", "eps.bank", "ideal.bank"];

const CREATE_NOT_SIMULATED: &[&str] = &[
    "billing_details.tax_id",
    "card.networks.**",
    "customer",
    "payment_method",
    "radar_options.**",
];

const UPDATE_NOT_SIMULATED: &[&str] =
    &["billing_details.tax_id", "card.networks.**", "us_bank_account.**"];

/// By what a customer's methods can be narrowed.
pub(crate) const FILTERS: &[&str] = &["allow_redisplay", "type"];

fn create(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    let not_simulated = [CREATE_NOT_SIMULATED, TYPES_NOT_SIMULATED].concat();
    call.params.only(&[FIELDS, CREATE, params::TELEMETRY], &not_simulated)?;
    let id = Draft::read(state, &call.params, "")?.make(state);
    render(state, &id)
}

fn missing(id: &str) -> ApiError {
    ApiError::missing("PaymentMethod", id, "payment_method").status(404)
}

fn render(state: &State, id: &str) -> Result<Value, ApiError> {
    state.payment_methods.get(id).map(PaymentMethod::render).ok_or_else(|| missing(id))
}

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    render(state, id)
}

fn update(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    let params = &call.params;
    params.only(&[FIELDS], UPDATE_NOT_SIMULATED)?;
    let method = state.payment_methods.get(id).ok_or_else(|| missing(id))?;
    if method.customer().is_none() {
        return Err(ApiError::invalid(
            "You must save this PaymentMethod to a customer before you can update it.",
        ));
    }
    let kind = kind_with_expiry(state, method, params)?;
    let mut billing_details = method.billing_details.clone();
    change_billing_details(params, "billing_details", &mut billing_details)?;
    let allow_redisplay = params.one_of("allow_redisplay", REDISPLAY)?;
    let metadata = MetadataChange::read(params)?;
    metadata.check(&method.metadata)?;

    let method = state.payment_methods.get_mut(id).ok_or_else(|| missing(id))?;
    let before = method.render();
    method.kind = kind;
    method.billing_details = billing_details;
    if let Some(allow_redisplay) = allow_redisplay {
        method.allow_redisplay = allow_redisplay;
    }
    metadata.apply(&mut method.metadata);
    let after = method.render();
    if before != after {
        let was = previous(&before, &after);
        state.emit_update("payment_method.updated", &after, Some(was), &call.origin);
    }
    Ok(after)
}

/// A card lives on under a new date; a debit has none.
fn kind_with_expiry(
    state: &State,
    method: &PaymentMethod,
    params: &Params,
) -> Result<Kind, ApiError> {
    let month = params.integer("card.exp_month")?;
    let year = params.integer("card.exp_year")?;
    let mut kind = method.kind.clone();
    match &mut kind {
        Kind::Card { exp_month, exp_year, .. } => {
            if month.is_some() || year.is_some() {
                let new = expiry(state, month.unwrap_or(*exp_month), year.unwrap_or(*exp_year))?;
                (*exp_month, *exp_year) = new;
            }
        }
        Kind::SepaDebit { .. } | Kind::Redirect(_) if params.has("card") => {
            return Err(ApiError::invalid(format!(
                "You cannot update `card` on a PaymentMethod of the type {}.",
                method.type_name()
            ))
            .param("card"));
        }
        Kind::SepaDebit { .. } | Kind::Redirect(_) => {}
    }
    Ok(kind)
}

fn attach(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["customer", "expand.*"]], &["customer_account"])?;
    let customer = customers::given(state, &call.params)?;
    let customer = customer.ok_or_else(|| ApiError::missing_param("customer"))?;
    let method = customers::attachable(state, id, 404)?;
    let id = customers::attach(state, method, &customer, &call.origin);
    render(state, &id)
}

fn detach(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    render(state, id)?;
    if !customers::detach(state, id, &call.origin) {
        return Err(ApiError::invalid(
            "The payment method you provided is not attached to a customer so detachment is \
             impossible.",
        ));
    }
    render(state, id)
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::PAGE, FILTERS, &["customer"]], &["customer_account"])?;
    let customer = customers::given(state, &call.params)?;
    let customer = customer.ok_or_else(|| ApiError::missing_param("customer"))?;
    page(state, call, &customer)
}

/// A page of a customer's methods.
pub(crate) fn page(state: &State, call: &Call, customer: &str) -> Result<Value, ApiError> {
    let kind = call.params.text("type")?;
    if let Some(other) = kind.as_deref().filter(|kind| !is_type(kind)) {
        let text = format!("Invalid type: {other} is not a payment method type");
        return Err(ApiError::invalid(text).param("type"));
    }
    let redisplay = call.params.one_of("allow_redisplay", REDISPLAY)?;
    let wanted = |method: &PaymentMethod| {
        method.customer() == Some(customer)
            && kind.as_deref().is_none_or(|kind| kind == method.type_name())
            && redisplay.as_ref().is_none_or(|wanted| *wanted == method.allow_redisplay)
    };
    let page =
        Listing::read(&call.params)?.page(&state.payment_methods, "PaymentMethod", wanted)?;
    Ok(page.render(&call.path, PaymentMethod::render))
}
