//! The routes of an order's transactions, and the payments that make some.

use serde_json::{Value, json};

use crate::elastic_path::api::call::{Answer, Call};
use crate::elastic_path::api::error::ApiError;
use crate::elastic_path::objects::transaction::Transaction;
use crate::elastic_path::routes::{Access, Route};
use crate::elastic_path::rules::confirm::{self, order_not_found};
use crate::elastic_path::state::State;

pub(crate) const ROUTES: &[Route] = &[
    Route::new("POST", "/v2/orders/{}/payments", Access::AfterOrder, pay),
    Route::new("GET", "/v2/orders/{}/transactions", Access::Server, list),
    Route::new("GET", "/v2/orders/{}/transactions/{}", Access::Server, read),
    Route::new("POST", "/v2/orders/{}/transactions/{}/confirm", Access::AfterOrder, confirm),
    Route::new("POST", "/v2/orders/{}/transactions/{}/capture", Access::Server, capture),
    Route::new("POST", "/v2/orders/{}/transactions/{}/refund", Access::Server, refund),
    Route::new("POST", "/v2/orders/{}/transactions/{}/cancel", Access::Server, cancel),
];

pub(crate) fn shown(state: &State, id: &str) -> Result<Value, ApiError> {
    let found = state.transactions.iter().find(|transaction| transaction.id == id);
    let found = found.ok_or_else(|| ApiError::not_found("Transaction not found"))?;
    Ok(json!({ "data": rendered(state, found) }))
}

fn rendered(state: &State, transaction: &Transaction) -> Value {
    transaction.render(state.payment_intent(&transaction.reference))
}

/// The transaction of the path, which must be one of its order.
fn named<'a>(state: &State, call: &'a Call) -> Result<&'a str, ApiError> {
    let (order, id) = (call.id(0), call.id(1));
    state.order(order).ok_or_else(order_not_found)?;
    let is_it = |one: &Transaction| one.id == id && one.order_id == order;
    match state.transactions.iter().any(is_it) {
        true => Ok(id),
        false => Err(ApiError::not_found("Transaction not found")),
    }
}

fn list(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    state.order(call.id(0)).ok_or_else(order_not_found)?;
    let own = state.transactions.iter().filter(|one| one.order_id == call.id(0));
    let found: Vec<Value> = own.map(|one| rendered(state, one)).collect();
    Ok(Answer::ok(json!({ "data": found })))
}

fn read(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    shown(state, named(state, call)?).map(Answer::ok)
}

fn pay(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = confirm::pay_by_hand(state, call.id(0), call.data())?;
    shown(state, &id).map(Answer::ok)
}

fn confirm(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = named(state, call)?;
    confirm::confirm_pending(state, id)?;
    shown(state, id).map(Answer::ok)
}

fn capture(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = named(state, call)?;
    confirm::capture(state, id)?;
    shown(state, id).map(Answer::ok)
}

fn refund(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = named(state, call)?;
    confirm::refund(state, id, call.data())?;
    shown(state, id).map(Answer::ok)
}

fn cancel(state: &mut State, call: &Call) -> Result<Answer, ApiError> {
    let id = named(state, call)?;
    confirm::cancel(state, id)?;
    shown(state, id).map(Answer::ok)
}
