//! Runs what is due: stored events, effects, payments to look at, and the poller. The worker owns
//! nothing in memory: all of its work is rows, claimed by lease, so any number of nodes may run it
//! and any of them may die.

use std::{future::Future, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    context::{Context, Cx},
    flows::{FlowError, deliver, poll_events, receive_event, reconcile},
};

/// How often the worker looks without being called.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// For rows that are due.
    pub tick: Duration,
    /// For the gateway's events.
    pub poll: Duration,
}

/// The poller rests this long between two rounds, however often it is called: Stripe allows 25
/// requests a second on a route, and shoppers who confirm at the same time share one round.
const POLL_REST: Duration = Duration::from_millis(400);

/// Works until `stop`, and finishes what it has begun.
pub async fn run(cx: Cx, rhythm: Rhythm, stop: CancellationToken) {
    tokio::join!(work(&cx, rhythm.tick, &stop), poll(&cx, rhythm.poll, &stop));
}

async fn work(cx: &Context, tick: Duration, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let done = run_due(cx).await;
        if done > 0 {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = cx.bells.work.notified() => {}
            () = tokio::time::sleep(tick) => {}
        }
    }
}

/// Does everything that is due once. Returns how much that was.
pub async fn run_due(cx: &Context) -> usize {
    let mut done = 0;
    done += counted("events", receive_event::apply_due(cx)).await;
    done += counted("effects", deliver::deliver_due(cx)).await;
    done += counted("payments", reconcile::reconcile_due(cx)).await;
    done
}

async fn counted(what: &'static str, due: impl Future<Output = Result<usize, FlowError>>) -> usize {
    match due.await {
        Ok(done) => {
            metrics::counter!("till_worker_done_total", "what" => what).increment(done as u64);
            done
        }
        Err(error) => {
            // The claims run out by themselves; the rows are found again.
            tracing::error!(what, %error, "the worker could not go on");
            0
        }
    }
}

async fn poll(cx: &Context, interval: Duration, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match poll_events::poll_events(cx).await {
            Ok(Some(new)) if new > 0 => tracing::info!(new, "fetched events"),
            Ok(Some(_) | None) => {}
            Err(error) => tracing::warn!(%error, "could not fetch events; they are fetched again"),
        }
        let next = Instant::now() + interval;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(POLL_REST.min(interval)) => {}
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = cx.bells.poll.notified() => {}
            () = tokio::time::sleep_until(next) => {}
        }
    }
}
