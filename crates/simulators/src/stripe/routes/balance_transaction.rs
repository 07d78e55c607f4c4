//! The balance transaction routes: retrieve and list.

use serde_json::Value;

use crate::stripe::api::call::Call;
use crate::stripe::api::error::ApiError;
use crate::stripe::api::list::Listing;
use crate::stripe::api::params;
use crate::stripe::objects::balance_transaction::BalanceTransaction;
use crate::stripe::routes::Route;
use crate::stripe::rules::money;
use crate::stripe::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::get("balance_transactions", "balance_transaction[]", list),
    Route::get("balance_transactions/{}", "balance_transaction", retrieve),
];

fn retrieve(state: &mut State, call: &Call, id: &str) -> Result<Value, ApiError> {
    call.params.only(&[&["expand.*"]], &[])?;
    let now = state.clock.seconds();
    let missing = || ApiError::missing("balance transaction", id, "id").status(404);
    state.balance_transactions.get(id).map(|line| line.render(now)).ok_or_else(missing)
}

fn list(state: &mut State, call: &Call, _: &str) -> Result<Value, ApiError> {
    call.params.only(&[params::LIST, &["currency", "source", "type"]], &["payout"])?;
    let kind = call.params.text("type")?;
    let source = call.params.text("source")?;
    let currency = call.params.text("currency")?.map(|code| money::currency(&code)).transpose()?;
    let now = state.clock.seconds();
    let listing = Listing::read(&call.params)?;
    let lines = &state.balance_transactions;
    let page = listing.page(lines, "balance_transaction", |line: &BalanceTransaction| {
        kind.as_deref().is_none_or(|kind| kind == line.kind.name())
            && source.as_ref().is_none_or(|source| *source == line.source)
            && currency.as_ref().is_none_or(|currency| *currency == line.currency)
    })?;
    Ok(page.render("/v1/balance_transactions", |line| line.render(now)))
}
