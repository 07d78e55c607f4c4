//! `/payments/{id}`: one payment, what became of it in the order it happened, and its objects.

use axum::extract::{Path, Query, State as Shared};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use minijinja::{Value, context, value::Serde};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::stripe::Stripe;
use crate::stripe::objects::charge::{Charge, ChargeStatus};
use crate::stripe::objects::payment_intent::{PaymentIntent, Status};
use crate::stripe::pages::dashboard::{Clock, fragment, whole};
use crate::stripe::pages::document;
use crate::stripe::pages::order::{self, Order};
use crate::stripe::pages::view::{self, ClaimRow, EventRow, Lens, Mark, Moment};
use crate::stripe::state::State;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    part: String,
}

/// One thing that happened.
#[derive(Serialize)]
struct Step {
    key: String,
    /// Milliseconds, then the order they were made in.
    #[serde(skip)]
    at: (i64, usize),
    when: Moment,
    event: Option<EventStep>,
    attempt: Option<AttemptStep>,
}

#[derive(Serialize)]
struct EventStep {
    row: EventRow,
    json: String,
}

#[derive(Serialize)]
struct AttemptStep {
    kind: &'static str,
    url: String,
    mark: Mark,
    answer: String,
    number: usize,
    repeat: bool,
    next: Option<Moment>,
}

#[derive(Serialize)]
struct Object {
    title: &'static str,
    id: String,
    json: String,
}

pub(crate) async fn show(
    Shared(stripe): Shared<Stripe>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let (live, clock) = {
        let state = stripe.lock();
        let live = state.payment_intents.get(&id).map(|intent| story_of(&state, intent));
        (live, Clock::of(&state))
    };
    let Some(live) = live else {
        let page = context! {
            title => "No such payment",
            text => "It may have been forgotten when the simulator was reset.",
            link => "/",
            link_text => "All payments",
            message => (),
        };
        return document::own_page(StatusCode::NOT_FOUND, "over.html", page);
    };
    match asked.part.as_str() {
        "live" => fragment("story.html", live, &clock, &headers),
        _ => whole("payment.html", live, clock, &headers),
    }
}

fn story_of(state: &State, intent: &PaymentIntent) -> Value {
    let lens = Lens::new(state);
    let mine = |object: &&Json| object["payment_intent"] == intent.id.as_str();
    let (refunds, disputes) = (lens.refunds(), lens.disputes());
    let refunds: Vec<&Json> = refunds.iter().filter(mine).collect();
    let disputes: Vec<&Json> = disputes.iter().filter(mine).collect();
    let charges: Vec<&Charge> = state
        .charges
        .rows()
        .iter()
        .filter(|charge| charge.payment_intent.as_deref() == Some(intent.id.as_str()))
        .collect();
    let refundable = charges
        .iter()
        .filter(|charge| charge.status == ChargeStatus::Succeeded && charge.captured)
        .map(|charge| charge.amount_captured - charge.amount_refunded)
        .sum();
    let rendered = intent.render();
    let error = intent.last_payment_error.as_ref().map(|error| {
        let text = |name: &str| error[name].as_str().map(str::to_owned);
        context! {
            message => text("message"), code => text("code"), decline_code => text("decline_code"),
        }
    });
    let paid = charges.iter().find(|charge| charge.status == ChargeStatus::Succeeded);
    let rows = |rows: Vec<ClaimRow>| Value::from(Serde(rows));
    context! {
        id => intent.id.clone(),
        payment => Value::from(Serde(lens.payment(intent))),
        error,
        waits_at => match &intent.status {
            // Its path only: the page is reached where this page is reached.
            Status::RequiresAction(open) => page_path(&open.page),
            _ => None,
        },
        receipt => paid.map(|charge| format!("/receipts/{}", charge.id)),
        customer => intent.customer.clone(),
        description => intent.description.clone(),
        email => intent.receipt_email.clone(),
        metadata => Value::from(Serde(intent.metadata.clone().into_iter().collect::<Vec<_>>())),
        received => Value::from(Serde(view::Sum::new(intent.amount_received, &intent.currency))),
        refunds => rows(refunds.iter().map(|refund| lens.refund(refund)).collect()),
        disputes => rows(disputes.iter().map(|dispute| lens.dispute(dispute)).collect()),
        orders => Value::from(Serde::<Vec<Order>>(
            order::of_payment(&rendered, refundable, !disputes.is_empty()))),
        steps => Value::from(Serde(steps(&lens, &intent.id))),
        objects => Value::from(Serde(objects(state, intent, &charges, &refunds, &disputes))),
        back => format!("/payments/{}", intent.id),
    }
}

fn page_path(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("://")?;
    rest.find('/').map(|slash| rest[slash..].to_owned())
}

/// Events and every try to deliver them, the newest first.
fn steps(lens: &Lens<'_>, payment: &str) -> Vec<Step> {
    let state = lens.state;
    let mine =
        |event: &crate::stripe::objects::event::Event| Lens::payment_of(event) == Some(payment);
    let mut steps = Vec::new();
    for event in state.events.rows().iter().filter(|event| mine(event)) {
        let json = pretty(&state.render_event(event));
        steps.push(Step {
            key: event.id.clone(),
            at: (event.created.saturating_mul(1000), steps.len()),
            when: lens.seconds(event.created),
            event: Some(EventStep { row: lens.event(event), json }),
            attempt: None,
        });
    }
    for (place, delivery) in state.webhooks.rows().iter().enumerate() {
        if lens.payment_of_delivery(delivery) != Some(payment) {
            continue;
        }
        let last = delivery.attempts.len();
        for (index, attempt) in delivery.attempts.iter().enumerate() {
            let delivered = attempt.answer.as_ref().is_ok_and(|code| (200..300).contains(code));
            steps.push(Step {
                key: format!("{}-{index}", delivery.id),
                at: (attempt.at, steps.len()),
                when: lens.moment(attempt.at),
                event: None,
                attempt: Some(AttemptStep {
                    kind: delivery.kind,
                    url: lens.url(&delivery.endpoint),
                    mark: Mark::new(if delivered { "delivered" } else { "failed" }),
                    answer: view::answer(&attempt.answer),
                    number: index + 1,
                    repeat: delivery.repeat,
                    next: if index + 1 == last { lens.next_try(place) } else { None },
                }),
            });
        }
    }
    steps.sort_by_key(|step| std::cmp::Reverse(step.at));
    steps
}

fn objects(
    state: &State,
    intent: &PaymentIntent,
    charges: &[&Charge],
    refunds: &[&Json],
    disputes: &[&Json],
) -> Vec<Object> {
    let object = |title, json: &Json| Object {
        title,
        id: json["id"].as_str().unwrap_or_default().to_owned(),
        json: pretty(json),
    };
    let mut objects = vec![object("Payment intent", &intent.render())];
    let method = intent.payment_method.as_deref();
    if let Some(method) = method.and_then(|id| state.payment_methods.get(id)) {
        objects.push(object("Payment method", &method.render()));
    }
    objects.extend(charges.iter().map(|charge| object("Charge", &charge.render())));
    objects.extend(refunds.iter().map(|refund| object("Refund", refund)));
    objects.extend(disputes.iter().map(|dispute| object("Dispute", dispute)));
    let mut sources: Vec<&str> = charges.iter().map(|charge| charge.id.as_str()).collect();
    sources.extend(refunds.iter().chain(disputes).filter_map(|claim| claim["id"].as_str()));
    for booking in state.balance_transactions.rows() {
        let json = booking.render(state.clock.seconds());
        if json["source"].as_str().is_some_and(|source| sources.contains(&source)) {
            objects.push(object("Balance transaction", &json));
        }
    }
    objects
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}
