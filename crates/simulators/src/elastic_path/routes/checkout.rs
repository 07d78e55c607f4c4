//! The checkout route.

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::routes::{Access, Route, order};
use crate::elastic_path::rules::checkout;
use crate::elastic_path::state::State;

pub(crate) const ROUTES: &[Route] =
    &[Route::new("POST", "/v2/carts/{}/checkout", Access::Anyone, check_out)];

fn check_out(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = checkout::check_out(state, call.id(0), call)?;
    order::shown(state, &id, true).map(Answer::created)
}
