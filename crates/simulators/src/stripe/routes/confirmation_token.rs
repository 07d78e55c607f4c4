//! The confirmation token routes: made by pages with the publishable key or by tests with the
//! secret one, and looked at before they are used.

use serde_json::{Value, json};

use crate::stripe::api::call::{Call, Key};
use crate::stripe::api::error::ApiError;
use crate::stripe::api::params::{self, Field, Params};
use crate::stripe::objects::confirmation_token::{
    ConfirmationToken, LIFETIME_SECONDS, Usage, project,
};
use crate::stripe::objects::payment_method::PaymentMethod;
use crate::stripe::objects::payment_method::draft::{self, Choice};
use crate::stripe::routes::Route;
use crate::stripe::rules::details::{MetadataChange, setup_future_usage, shipping};
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::post("confirmation_tokens", "confirmation_token", create).for_browsers(project),
    Route::get("confirmation_tokens/{}", "confirmation_token", retrieve).for_browsers(project),
    Route::post("test_helpers/confirmation_tokens", "confirmation_token", create_for_test),
];

const FIELDS: &[&str] = &["payment_method", "return_url", "setup_future_usage", "expand.*"];

/// What Stripe.js adds to what tests may give.
const OF_PAGES: &[&str] = &[
    "metadata",
    "metadata.*",
    "mandate_data.customer_acceptance.type",
    "mandate_data.customer_acceptance.online.infer_from_client",
    "mandate_data.customer_acceptance.online.ip_address",
    "mandate_data.customer_acceptance.online.user_agent",
];

const NOT_SIMULATED: &[&str] = &["payment_method_data.**", "payment_method_options.**"];

fn create(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    if call.key == Key::Secret {
        return Err(ApiError::invalid(
            "You cannot create a ConfirmationToken with a secret key: Stripe.js does it with a \
             publishable key. To create one in a test, use \
             /v1/test_helpers/confirmation_tokens.",
        )
        .status(403));
    }
    let groups =
        [FIELDS, params::SHIPPING, OF_PAGES, params::PAYMENT_METHOD_DATA, params::TELEMETRY];
    let not_simulated = [NOT_SIMULATED, &["client_context.**"]].concat();
    call.params.only(&groups, &not_simulated)?;
    make(state, &call.params)
}

fn create_for_test(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[FIELDS, params::SHIPPING, params::PAYMENT_METHOD_DATA], NOT_SIMULATED)?;
    make(state, &call.params)
}

fn make(state: &mut State, params: &Params) -> Result<Value, ApiError> {
    let set = |field: Field<Value>| match field {
        Field::Set(value) => Some(value),
        Field::Absent | Field::Unset => None,
    };
    let method = match draft::choice(state, params)? {
        Field::Set(choice) => Some(choice),
        Field::Absent | Field::Unset => None,
    };
    let setup_future_usage = match setup_future_usage(params)? {
        Field::Set(usage) => Some(usage),
        Field::Absent | Field::Unset => None,
    };
    let change = MetadataChange::read(params)?;
    let mut metadata = Default::default();
    change.check(&metadata)?;
    change.apply(&mut metadata);
    let shipping = set(shipping(params)?);
    let return_url = params.text("return_url")?;
    let mandate_data = mandate_data(params)?;
    let preview = method.as_ref().and_then(|choice| preview(state, choice));
    let created = state.clock.seconds();
    let token = ConfirmationToken {
        id: state.ids.make("ctoken_1", 23),
        created,
        usage: Usage::Unused { expires_at: created + LIFETIME_SECONDS },
        method,
        preview,
        mandate_data,
        metadata,
        return_url,
        setup_future_usage,
        shipping,
        livemode: state.settings.livemode,
    };
    let made = token.render();
    state.confirmation_tokens.insert(token);
    Ok(made)
}

fn preview(state: &State, choice: &Choice) -> Option<Value> {
    match choice {
        Choice::Existing(id) => state.payment_methods.get(id).map(PaymentMethod::preview),
        Choice::New(draft) => Some(draft.clone().named(String::new(), state).preview()),
    }
}

fn mandate_data(params: &Params) -> Result<Option<Value>, ApiError> {
    if params.map("mandate_data").is_none() {
        return Ok(None);
    }
    let at = "mandate_data.customer_acceptance";
    let kind = params.one_of(&format!("{at}.type"), &["offline", "online"])?;
    let kind =
        kind.ok_or_else(|| ApiError::missing_param("mandate_data[customer_acceptance][type]"))?;
    params.flag(&format!("{at}.online.infer_from_client"))?;
    let online = (kind == "online").then_some(json!({
        "ip_address": params.text(&format!("{at}.online.ip_address"))?,
        "user_agent": params.text(&format!("{at}.online.user_agent"))?,
    }));
    Ok(Some(json!({ "customer_acceptance": { "online": online, "type": kind } })))
}

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let missing = || ApiError::missing("confirmationtoken", id, "confirmation_token").status(404);
    state.confirmation_tokens.get(id).map(ConfirmationToken::render).ok_or_else(missing)
}
