//! The pages a person sees: what happened, and the bank's 3-D Secure challenge.

use axum::Form;
use axum::extract::{Path, Request, State as Shared};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::stripe::Stripe;
use crate::stripe::api::call::base_url;
use crate::stripe::objects::event::Origin;
use crate::stripe::objects::payment_intent::{PaymentIntent, Status};
use crate::stripe::rules::attempt::authenticate;
use crate::stripe::rules::money;
use crate::stripe::state::State;

const STYLE: &str = include_str!("page.css");

/// As many rows as fit a glance; everything is in `/_sim/state`.
const ROWS_SHOWN: usize = 25;

pub(crate) async fn overview(Shared(stripe): Shared<Stripe>) -> Html<String> {
    let state = stripe.lock();
    let body = format!(
        "<header><h1>Stripe simulator</h1><p>No money moves here. <time>{}</time></p></header>\
         <main>{}{}{}</main>",
        state.clock.now().strftime("%Y-%m-%d %H:%M:%S UTC"),
        payments(&state),
        events(&state),
        deliveries(&state),
    );
    Html(document("Stripe simulator", "<meta http-equiv=\"refresh\" content=\"2\">", &body))
}

fn payments(state: &State) -> String {
    let row = |intent: &PaymentIntent| {
        format!(
            "<tr><td class=n>{}<td><b class={status}>{status}</b><td>{}\
             <td class=wide><code>{}</code>",
            sum(intent),
            escape(intent.metadata.get("order_id").map_or("", String::as_str)),
            intent.id,
            status = intent.status.name(),
        )
    };
    let rows = state.payment_intents.rows().iter().rev().take(ROWS_SHOWN).map(row);
    table(
        "Payments",
        state.payment_intents.len(),
        &["Amount", "Status", "Order", "Payment intent"],
        rows,
    )
}

fn events(state: &State) -> String {
    let row = |event: &crate::stripe::objects::event::Event| {
        format!(
            "<tr><td>{}<td class=n>{}<td class=wide><code>{}</code>",
            event.kind,
            state.pending_webhooks(event),
            event.id
        )
    };
    let rows = state.events.rows().iter().rev().take(ROWS_SHOWN).map(row);
    table("Events", state.events.len(), &["Event", "Pending", "Id"], rows)
}

fn deliveries(state: &State) -> String {
    let row = |delivery: &crate::stripe::webhooks::queue::Delivery| {
        let last = match delivery.attempts.last().map(|attempt| &attempt.answer) {
            Some(Ok(status)) => status.to_string(),
            Some(Err(error)) => error.clone(),
            None => String::new(),
        };
        let url = state.receiver(&delivery.endpoint).map_or("", |receiver| receiver.url);
        format!(
            "<tr><td>{}<td><b class={state}>{state}</b><td class=n>{}<td>{}<td class=wide>{}",
            delivery.kind,
            delivery.attempts.len(),
            escape(&last),
            escape(url),
            state = delivery.state.name(),
        )
    };
    let rows = state.webhooks.rows().iter().rev().take(ROWS_SHOWN).map(row);
    let heads = ["Delivery", "State", "Tries", "Last answer", "To"];
    table("Deliveries", state.webhooks.rows().len(), &heads, rows)
}

fn table(title: &str, count: usize, heads: &[&str], rows: impl Iterator<Item = String>) -> String {
    let rows: String = rows.collect();
    if rows.is_empty() {
        return format!("<section><h2>{title}</h2><p class=none>None yet.</p></section>");
    }
    let last = heads.len() - 1;
    let heads: String = heads
        .iter()
        .enumerate()
        .map(|(place, head)| match place {
            place if place == last => format!("<th class=wide>{head}"),
            _ => format!("<th>{head}"),
        })
        .collect();
    format!(
        "<section><h2>{title} <small>{count}</small></h2><div class=scroll><table>\
         <thead><tr>{heads}<tbody>{rows}</table></div></section>"
    )
}

pub(crate) async fn challenge(Shared(stripe): Shared<Stripe>, Path(id): Path<String>) -> Response {
    let state = stripe.lock();
    let Some(intent) = waiting(&state, &id) else { return gone() };
    let body = format!(
        "<main class=card><p class=bank>Test bank</p><h1>Is this you?</h1>\
         <p class=sum>{}</p><p>3-D Secure test page. No money moves here.</p>\
         <form method=post><button name=outcome value=complete>Complete</button>\
         <button name=outcome value=fail class=plain>Fail</button></form></main>",
        sum(intent),
    );
    Html(document("3-D Secure", "", &body)).into_response()
}

#[derive(Deserialize)]
pub(crate) struct Answer {
    outcome: Outcome,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Complete,
    Fail,
}

pub(crate) async fn answer(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let origin = Origin { base_url: base_url(&parts), ..Origin::default() };
    let request = Request::from_parts(parts, body);
    let Ok(Form(answer)) =
        <Form<Answer> as axum::extract::FromRequest<()>>::from_request(request, &()).await
    else {
        return (StatusCode::BAD_REQUEST, "outcome must be complete or fail").into_response();
    };
    let response = {
        let mut state = stripe.lock();
        let Some(return_url) = waiting(&state, &id).map(return_url) else { return gone() };
        let Some(intent_id) =
            authenticate(&mut state, &id, answer.outcome == Outcome::Complete, &origin)
        else {
            return gone();
        };
        let Some(intent) = state.payment_intents.get(&intent_id) else { return gone() };
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

fn return_url(intent: &PaymentIntent) -> Option<String> {
    match &intent.status {
        Status::RequiresAction(challenge) => challenge.return_url.clone(),
        _ => None,
    }
}

/// The shop's page with what Stripe appends; none of it proves a payment.
fn back(url: &str, intent: &PaymentIntent) -> String {
    let (page, fragment) = url.split_once('#').map_or((url, None), |(a, b)| (a, Some(b)));
    let joint = if page.contains('?') { '&' } else { '?' };
    let redirect_status = match &intent.status {
        Status::Succeeded => "succeeded",
        Status::Processing => "processing",
        Status::RequiresConfirmation => "requires_confirmation",
        _ => "failed",
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

/// In the frame that Stripe.js opened: the page around it is told that the challenge is over.
fn done(intent: &PaymentIntent) -> Response {
    let body = format!(
        "<main class=card><p class=bank>Test bank</p><h1>Thank you</h1><p>You can go back to the \
         shop.</p></main><script>parent.postMessage({{type:'three_d_secure_done',\
         payment_intent:'{}'}},'*')</script>",
        intent.id
    );
    Html(document("3-D Secure", "", &body)).into_response()
}

fn gone() -> Response {
    let body = "<main class=card><p class=bank>Test bank</p><h1>Nothing to confirm</h1>\
                <p>This payment does not wait for you any more.</p></main>";
    (StatusCode::NOT_FOUND, Html(document("3-D Secure", "", body))).into_response()
}

fn document(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <meta name=color-scheme content=\"light dark\"><title>{title}</title>{head}\
         <style>{STYLE}</style><body>{body}"
    )
}

fn sum(intent: &PaymentIntent) -> String {
    format!("{} {}", money::digits(intent.amount, &intent.currency), intent.currency.to_uppercase())
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}
