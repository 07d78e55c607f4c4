//! The payment routes of a cart: make one, and bring it up to date.

use serde_json::json;

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::objects::payment_intent::PaymentIntent;
use crate::elastic_path::routes::{Access, Route, cart};
use crate::elastic_path::rules::payment::{self, Made};
use crate::elastic_path::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::new("POST", "/v2/carts/{}/payments", Access::Server, make),
    Route::new("PUT", "/v2/carts/{}/payments/{}", Access::Server, update),
];

fn make(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let mut body = match payment::make(state, call.id(0), call.data())? {
        Made::Linked(id) => return shown(state, call, &id).map(Answer::created),
        Made::DeclinedSoftly => cart::shown(state, call, call.id(0)),
    };
    body["errors"] = json!([{
        "status": 400,
        "title": "Bad Request",
        "detail": "Your card was declined.",
    }]);
    Ok(Answer::created(body))
}

fn update(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    payment::update(state, call.id(0), call.id(1), call.data())?;
    shown(state, call, call.id(1)).map(Answer::ok)
}

/// The cart with its payment, which is nested twice.
fn shown(state: &mut State, call: &Call, intent_id: &str) -> Result<serde_json::Value, ApiError> {
    let mut body = cart::shown(state, call, call.id(0));
    let intent = state.payment_intent(intent_id).map(PaymentIntent::render);
    body["meta"] = json!({ "payment_intent": { "payment_intent": intent } });
    Ok(body)
}
