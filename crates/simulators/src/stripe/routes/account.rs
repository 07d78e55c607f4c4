//! The account that the keys belong to: there is one, and it can do everything that is simulated.

use serde_json::{Value, json};

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::routes::Route;
use crate::stripe::state::State;

/// What the account is called, and what the pages for buyers call the shop.
pub(crate) const SHOP: &str = "Till test shop";

pub(crate) const ROUTES: &[Route] =
    &[Route::get("account", "account", own), Route::get("accounts/{}", "account", by_id)];

/// The same in every simulator, as the keys are by default.
pub(crate) const ACCOUNT: &str = "acct_1TillSimulator000";

fn own(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    Ok(render(state))
}

fn by_id(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    if id == ACCOUNT { Ok(render(state)) } else { Err(no_access(id)) }
}

/// There are no connected accounts, and the keys open no other one.
pub(crate) fn no_access(id: &str) -> ApiError {
    let text = format!(
        "The provided key does not have access to account '{id}' (or that account does not \
         exist). Application access may have been revoked."
    );
    ApiError::invalid(text).code("account_invalid").status(403)
}

fn render(state: &State) -> Value {
    json!({
        "id": ACCOUNT,
        "object": "account",
        "business_profile": {
            "mcc": null,
            "minority_owned_business_designation": null,
            "name": SHOP,
            "product_description": null,
            "specified_commercial_transactions_act_url": null,
            "support_address": null,
            "support_email": null,
            "support_phone": null,
            "support_url": null,
            "url": null,
        },
        "business_type": null,
        "capabilities": {
            "card_payments": "active",
            "sepa_debit_payments": "active",
            "transfers": "active",
        },
        "charges_enabled": state.charges_enabled,
        "controller": { "type": "account" },
        "country": "DE",
        "default_currency": "eur",
        "details_submitted": true,
        "email": "shop@example.com",
        "metadata": {},
        "payouts_enabled": true,
        "settings": settings(),
        "type": "standard",
    })
}

fn settings() -> Value {
    json!({
        "branding": { "icon": null, "logo": null, "primary_color": null, "secondary_color": null },
        "card_payments": {
            "statement_descriptor_prefix": null,
            "statement_descriptor_prefix_kana": null,
            "statement_descriptor_prefix_kanji": null,
        },
        "dashboard": { "display_name": SHOP, "timezone": "Etc/UTC" },
        "payments": {
            "statement_descriptor": "TILL SIMULATOR",
            "statement_descriptor_kana": null,
            "statement_descriptor_kanji": null,
            "statement_descriptor_prefix_kana": null,
            "statement_descriptor_prefix_kanji": null,
        },
        "sepa_debit_payments": {},
    })
}
