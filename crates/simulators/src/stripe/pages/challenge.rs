//! `/3d_secure/challenge/{id}`: the bank asks the card's holder. Stripe.js shows it in a frame,
//! a redirect shows it as a page.
//!
//! Whoever has the address may answer, as at Stripe: the id cannot be guessed.

use axum::Form;
use axum::extract::{Path, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use http::request::Parts;
use minijinja::{Value, context, value::Serde};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::stripe::Stripe;
use crate::stripe::api::call::base_url;
use crate::stripe::objects::event::Origin;
use crate::stripe::objects::payment_intent::{PaymentIntent, Status};
use crate::stripe::pages::document;
use crate::stripe::pages::view::{Lens, Sum};
use crate::stripe::routes::account::SHOP;
use crate::stripe::rules::attempt::authenticate;
use crate::stripe::state::State;

#[derive(Deserialize)]
pub(crate) struct Answer {
    pub outcome: Outcome,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Complete,
    Fail,
}

pub(crate) async fn show(Shared(stripe): Shared<Stripe>, Path(id): Path<String>) -> Response {
    ask(&stripe, &id, "challenge.html")
}

pub(crate) async fn answer(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    parts: Parts,
    form: Result<Form<Answer>, axum::extract::rejection::FormRejection>,
) -> Response {
    take(&stripe, &id, &parts, form.map(|Form(answer)| answer.outcome).ok())
}

/// Shows who asks for how much, if the payment still waits.
pub(crate) fn ask(stripe: &Stripe, id: &str, template: &str) -> Response {
    let page = {
        let state = stripe.lock();
        let Some(intent) = waiting(&state, id) else { return over(&state, id) };
        context! {
            shop => SHOP,
            sum => Value::from(Serde(Sum::new(intent.amount, &intent.currency))),
            method => Lens::new(&state).method(intent),
            message => message("three_d_secure_closed", intent),
        }
    };
    document::framed_page(StatusCode::OK, template, page)
}

/// Carries out the answer and leads back to the shop, or tells the page around the frame.
pub(crate) fn take(stripe: &Stripe, id: &str, parts: &Parts, outcome: Option<Outcome>) -> Response {
    let Some(outcome) = outcome else {
        return (StatusCode::BAD_REQUEST, "outcome must be complete or fail").into_response();
    };
    let origin = Origin { base_url: base_url(parts), ..Origin::default() };
    let response = {
        let mut state = stripe.lock();
        let Some(intent) = waiting(&state, id) else { return over(&state, id) };
        let return_url = match &intent.status {
            Status::RequiresAction(challenge) => challenge.return_url.clone(),
            _ => None,
        };
        let answered = authenticate(&mut state, id, outcome == Outcome::Complete, &origin);
        let Some(intent) = answered.and_then(|id| state.payment_intents.get(&id)) else {
            return over(&state, id);
        };
        match return_url {
            Some(url) => Redirect::to(&back(&url, intent)).into_response(),
            None => done(intent),
        }
    };
    stripe.wake();
    response
}

fn waiting<'a>(state: &'a State, challenge: &str) -> Option<&'a PaymentIntent> {
    let intent = state.payment_intents.get(state.challenges.get(challenge)?)?;
    matches!(&intent.status, Status::RequiresAction(open) if open.id == challenge).then_some(intent)
}

/// The shop's page with what Stripe appends; none of it proves a payment.
fn back(url: &str, intent: &PaymentIntent) -> String {
    let (page, fragment) = url.split_once('#').map_or((url, None), |(a, b)| (a, Some(b)));
    let joint = if page.contains('?') { '&' } else { '?' };
    let redirect_status = match &intent.status {
        // What is set aside and not yet captured has succeeded as far as the buyer goes.
        Status::Succeeded | Status::RequiresCapture => "succeeded",
        Status::Processing => "processing",
        Status::RequiresConfirmation => "requires_confirmation",
        Status::RequiresPaymentMethod | Status::RequiresAction(_) | Status::Canceled { .. } => {
            "failed"
        }
    };
    let mut url = format!(
        "{page}{joint}payment_intent={}&payment_intent_client_secret={}&redirect_status={}",
        intent.id,
        utf8_percent_encode(&intent.client_secret, NON_ALPHANUMERIC),
        redirect_status,
    );
    if let Some(fragment) = fragment {
        url.push('#');
        url.push_str(fragment);
    }
    url
}

/// What the page around the frame is told.
fn message(kind: &str, intent: &PaymentIntent) -> String {
    serde_json::json!({ "type": kind, "payment_intent": intent.id }).to_string()
}

fn done(intent: &PaymentIntent) -> Response {
    let page = context! {
        title => "Thank you",
        text => "You can go back to the shop.",
        link => (),
        message => message("three_d_secure_done", intent),
    };
    document::framed_page(StatusCode::OK, "over.html", page)
}

/// It was answered, replaced or canceled, or there never was one.
fn over(state: &State, id: &str) -> Response {
    let intent = state.challenges.get(id).and_then(|id| state.payment_intents.get(id));
    let text = match intent.map(|intent| &intent.status) {
        Some(Status::Succeeded | Status::RequiresCapture) => "This payment has succeeded already.",
        Some(Status::Processing) => "This payment is on its way already.",
        Some(Status::Canceled { .. }) => "This payment was canceled.",
        Some(
            Status::RequiresPaymentMethod
            | Status::RequiresConfirmation
            | Status::RequiresAction(_),
        ) => "This question has been answered, or the shop has asked anew.",
        None => "This payment does not wait for you any more.",
    };
    let page = context! {
        title => "Nothing to confirm",
        text => format!("{text} You can go back to the shop."),
        link => (),
        message => intent.map(|intent| message("three_d_secure_closed", intent)),
    };
    document::framed_page(StatusCode::NOT_FOUND, "over.html", page)
}
