//! How the server is: for load balancers, for Prometheus, and for whoever is on call.

use std::sync::OnceLock;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{Method, StatusCode, header};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use storage::{StoreError, attention, delivery, inbox, notice, order, outbox, shield};
use tokio::time::Instant;

use super::{error::ApiError, routes::Front};
use crate::{context::Base, flows::FlowError};

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Seconds; an order transaction takes milliseconds, a gateway call up to ten seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 20.0];

/// The database counts the orders of states that have any; the others have none, and not what they
/// had before.
const ORDER_STATES: [&str; 4] = ["pending", "paid", "failed", "cancelled"];

/// Starts to count. Called before anything is counted; again is harmless.
pub fn start_counting() {
    RECORDER.get_or_init(|| {
        let name = Matcher::Full("till_http_seconds".to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(name, &BUCKETS);
        builder.and_then(|builder| builder.install_recorder()).ok()
    });
}

/// The process runs.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The process can do its work: the database answers.
pub async fn readyz(State(front): State<Front>) -> Result<&'static str, ApiError> {
    front.base.store.ping().await.map_err(FlowError::Store)?;
    Ok("ready\n")
}

/// Counters and gauges for Prometheus.
pub async fn metrics(
    State(front): State<Front>,
) -> Result<([(header::HeaderName, &'static str); 1], String), ApiError> {
    gauge(&front.base).await.map_err(FlowError::Store)?;
    let text = RECORDER.get().and_then(Option::as_ref).map(PrometheusHandle::render);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text.unwrap_or_default()))
}

/// What only the database knows is read when it is asked for.
async fn gauge(base: &Base) -> Result<(), StoreError> {
    let (orders, events, effects, notices, items, newest, breaker) = base
        .store
        .read((), |tx, ()| {
            Box::pin(async move {
                let orders = order::count_by_state(tx).await?;
                let events = inbox::unapplied_count(tx).await?;
                let effects = outbox::open_count(tx).await?;
                // On the way are those that have a receiver, and those that will have some.
                let notices = notice::due_count(tx).await? + delivery::waiting_count(tx).await?;
                let items = attention::open_count(tx).await?;
                let newest = inbox::newest_received(tx).await?;
                let breaker = shield::breaker(tx).await?;
                Ok::<_, StoreError>((orders, events, effects, notices, items, newest, breaker))
            })
        })
        .await?;
    let none = ORDER_STATES.map(|state| (state.to_owned(), 0));
    for (state, count) in none.into_iter().chain(orders) {
        set("till_orders", Some(state), count);
    }
    set("till_events_waiting", None, events);
    set("till_effects_waiting", None, effects);
    set("till_deliveries_waiting", None, notices);
    set("till_attention_items", None, items);
    let is_open = breaker.is_some_and(|breaker| breaker.is_open(base.clock.now()));
    set("till_shield_breaker_open", None, i64::from(is_open));
    if let Some(newest) = newest {
        set("till_last_event_age_seconds", None, base.clock.now().duration_since(newest).as_secs());
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and counts are small")]
fn set(name: &'static str, state: Option<String>, value: i64) {
    match state {
        Some(state) => metrics::gauge!(name, "state" => state).set(value as f64),
        None => metrics::gauge!(name).set(value as f64),
    }
}

/// Counts and times every request by its route, and writes a line about it. The line holds no
/// address, no query and no body.
pub async fn measure(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unknown".to_owned());
    let response = next.run(request).await;
    let status = response.status();
    let seconds = started.elapsed().as_secs_f64();
    let labels = [("method", method_name(&method).to_owned()), ("route", route.clone())];
    metrics::histogram!("till_http_seconds", &labels).record(seconds);
    let class = status_class(status);
    metrics::counter!("till_http_total", "route" => route.clone(), "status" => class).increment(1);
    tracing::info!(
        method = method_name(&method),
        route,
        status = status.as_u16(),
        seconds,
        "request"
    );
    response
}

/// Anybody may make up methods; each would be a series of its own for as long as we run.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}
