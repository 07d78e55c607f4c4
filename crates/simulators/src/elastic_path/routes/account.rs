//! Logging in to accounts. Of the ways to do so only the one without a password is here: whoever is
//! logged in to one account asks for tokens of all that she has.

use serde_json::json;

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::api::list;
use crate::elastic_path::routes::{Access, Route};
use crate::elastic_path::state::State;

pub(crate) const ROUTES: &[Route] =
    &[Route::new("POST", "/v2/account-members/tokens", Access::Anyone, switch)];

const SWITCHING: &str = "account_management_authentication_token";

fn switch(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    match call.data()["authentication_mechanism"].as_str() {
        Some(SWITCHING) => {}
        other => return Err(ApiError::not_simulated(&format!("logging in by {other:?}"))),
    }
    let account = call.account.as_deref().ok_or_else(ApiError::unauthorized)?;
    let known = state.accounts.iter().find(|known| known.id == account);
    let member = known.ok_or_else(ApiError::unauthorized)?.member.clone();
    let (now, State { accounts, ids, .. }) = (state.now(), state);
    let tokens = accounts.iter_mut().filter(|one| one.member == member).map(|one| {
        let token = one.log_in(ids, now);
        one.to_json(&token, now)
    });
    let mut answer = list::page(call, tokens.collect())?;
    answer.body["meta"]["account_member_id"] = json!(member);
    Ok(Answer { status: 201, ..answer })
}
