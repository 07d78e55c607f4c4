//! The page at `/`: everything there is, newest first, and what can be ordered.

use std::collections::HashSet;

use axum::extract::{Query, State as Shared};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use minijinja::{Value, context, value::Serde};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::stripe::Stripe;
use crate::stripe::pages::forward::Said;
use crate::stripe::pages::view::{self, Lens};
use crate::stripe::pages::{document, order};
use crate::stripe::state::State;
use crate::stripe::webhooks::queue::DeliveryState;
use crate::stripe::webhooks::rules::Gate;

/// As many rows of each kind as fit a glance.
const ROWS_SHOWN: usize = 25;

/// As many as a browser still shows without a pause; the rest is in `/_sim/state`.
const ROWS_MAX: usize = 1000;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Asked {
    /// Shows only payments it speaks of, and what belongs to them.
    q: String,
    /// `all`: as many rows as the page can bear.
    rows: String,
    /// `live`: only the part that changes, if it has changed.
    part: String,
}

/// The rows of one kind, and how many there are.
#[derive(Serialize)]
struct Section<T> {
    rows: Vec<T>,
    count: usize,
    /// Leads to all of them, where not all are shown.
    more: Option<String>,
}

/// What the page is asked to show.
struct Choice {
    payments: Option<HashSet<String>>,
    rows: usize,
    more: String,
}

pub(crate) async fn overview(
    Shared(stripe): Shared<Stripe>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let (live, clock) = {
        let state = stripe.lock();
        (overview_of(&state, &asked), Clock::of(&state))
    };
    if asked.part == "live" {
        return fragment("overview.html", live, &clock, &headers);
    }
    whole("dashboard.html", live, clock, &headers)
}

fn overview_of(state: &State, asked: &Asked) -> Value {
    let lens = Lens::new(state);
    let text = asked.q.trim();
    let choice = Choice {
        payments: (!text.is_empty()).then(|| lens.matching(text)),
        rows: if asked.rows == "all" { ROWS_MAX } else { ROWS_SHOWN },
        more: format!("/?rows=all&q={}", utf8_percent_encode(text, NON_ALPHANUMERIC)),
    };
    let of_payment = |claim: &serde_json::Value| choice.shows(claim["payment_intent"].as_str());
    let payments = state.payment_intents.rows().iter().rev();
    let events = state.events.rows().iter().rev();
    let deliveries = state.webhooks.rows().iter().enumerate().rev();
    let refunds = lens.refunds();
    let disputes = lens.disputes();
    let waiting = |delivery: &&crate::stripe::webhooks::queue::Delivery| {
        delivery.state == DeliveryState::Waiting
    };
    context! {
        q => text,
        payments => choice.section(
            payments.filter(|intent| choice.shows(Some(&intent.id))),
            |intent| lens.payment(intent),
        ),
        refunds => choice.section(
            refunds.iter().filter(|refund| of_payment(refund)),
            |refund| lens.refund(refund),
        ),
        disputes => choice.section(
            disputes.iter().filter(|dispute| of_payment(dispute)),
            |dispute| lens.dispute(dispute),
        ),
        events => choice.section(
            events.filter(|event| choice.shows(Lens::payment_of(event))),
            |event| lens.event(event),
        ),
        deliveries => choice.section(
            deliveries.filter(|(_, delivery)| choice.shows(lens.payment_of_delivery(delivery))),
            |(place, delivery)| lens.delivery(place, delivery),
        ),
        endpoints => Value::from(Serde(lens.endpoints())),
        rules => lens.webhook_rules(),
        faults => Value::from(Serde(state.faults.iter().map(view::fault).collect::<Vec<_>>())),
        mode => match lens.gate("*") {
            Gate::Open => "flowing",
            Gate::Held => "held",
            Gate::Dropping => "dropping",
        },
        waiting => state.webhooks.rows().iter().filter(waiting).count(),
        webhook_orders => Value::from(Serde(order::of_webhooks(lens.gate("*")))),
        clock_orders => Value::from(Serde(order::of_clock())),
        fault_order => Value::from(Serde(order::of_faults())),
        fault_kinds => order::fault_kinds(),
        fault_places => order::fault_places(),
        reset_order => Value::from(Serde(order::reset())),
        back => if text.is_empty() { "/".to_owned() } else { choice.more.clone() },
    }
}

impl Choice {
    fn shows(&self, payment: Option<&str>) -> bool {
        match &self.payments {
            None => true,
            Some(chosen) => payment.is_some_and(|id| chosen.contains(id)),
        }
    }

    fn section<T, R: Serialize>(
        &self,
        all: impl Iterator<Item = T>,
        row: impl Fn(T) -> R,
    ) -> Value {
        let mut rows = Vec::new();
        let mut count = 0;
        for one in all {
            count += 1;
            if rows.len() < self.rows {
                rows.push(row(one));
            }
        }
        let more = (count > rows.len() && self.rows < ROWS_MAX).then(|| self.more.clone());
        let section = Section { rows, count, more };
        let shown: Result<serde_json::Value, _> = serde_json::to_value(&section);
        Value::from(Serde(shown.unwrap_or_default()))
    }
}

/// What a page's clock shows; it moves on in the browser where it moves by itself.
pub(crate) struct Clock {
    milliseconds: i64,
    iso: String,
    text: String,
    moves: bool,
}

impl Clock {
    pub fn of(state: &State) -> Self {
        let now = state.clock.now();
        Self {
            milliseconds: now.as_millisecond(),
            iso: now.to_string(),
            text: now.strftime("%a %-d %b %Y, %H:%M:%S UTC").to_string(),
            moves: state.clock.moves_by_itself(),
        }
    }
}

/// A page with its clock and with what the order before it had to say.
pub(crate) fn whole(template: &str, live: Value, clock: Clock, headers: &HeaderMap) -> Response {
    let said = Said::read(headers);
    let heard = said.is_some();
    let page = context! {
        now => clock.milliseconds,
        now_iso => clock.iso,
        now_text => clock.text,
        moves => clock.moves,
        said => said.map(|said| context! { good => said.good, text => said.text }),
        ..live
    };
    let mut response = document::own_page(StatusCode::OK, template, page);
    if heard {
        Said::forget(&mut response);
    }
    response
}

/// The part of a page that changes. A page that has it already gets no more than the time.
pub(crate) fn fragment(
    template: &str,
    live: Value,
    clock: &Clock,
    headers: &HeaderMap,
) -> Response {
    let text = match document::text(template, live) {
        Ok(text) => text,
        Err(error) => return document::broken(&error),
    };
    let tag = format!("\"{}\"", &hex::encode(Sha256::digest(text.as_bytes()))[..32]);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == *tag);
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => axum::response::Html(text).into_response(),
    };
    let more = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (HeaderName::from_static("till-now"), clock.milliseconds.to_string()),
    ];
    for (name, value) in more {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
