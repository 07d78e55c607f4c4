//! Runs what is due: stored events, effects, payments to look at, sessions, and the poller. The worker owns
//! nothing in memory: all of its work is rows, claimed by lease, so any number of nodes may run it
//! and any of them may die.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures::{FutureExt, future::join_all};
use storage::inbox::Turn;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    context::{Backend, Base, Context, Cx, Px},
    flows::{
        FlowError, announce, compare_books, customer, deliver, notify, poll_events, purchase,
        receive_event, reconcile, session::retention, shield,
    },
    outlet::Outlet,
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

/// Whether it is time to compare books is asked every so many ticks: once a minute.
const TICKS_OF_COMPARISON: u32 = 60;

/// Works until `stop`, and finishes what it has begun. Each kind of work has a loop of its own: an
/// event that proves a payment never waits behind a question to a gateway that is slow, and nothing
/// that moves money behind a mail.
pub async fn run(backend: Backend, rhythm: Rhythm, stop: CancellationToken) {
    match backend {
        Backend::Native(cx) => Box::pin(run_native(cx, rhythm, stop)).await,
        Backend::Platform(px) => run_platform(px, rhythm, stop).await,
    }
}

async fn run_native(cx: Cx, rhythm: Rhythm, stop: CancellationToken) {
    let bells = &cx.bells;
    let nobody_rings = Notify::new();
    let work = |what, bell| work(&cx, what, bell, rhythm.tick, &stop);
    tokio::join!(
        work(Work::FirstEvents, &bells.first),
        work(Work::LaterEvents, &bells.later),
        work(Work::Effects, &bells.effects),
        work(Work::Notices, &bells.notices),
        work(Work::Letters, &bells.letters),
        join_all(cx.outlets.iter().map(|one| work(Work::Deliveries(one), &one.bell))),
        work(Work::Payments, &bells.payments),
        work(Work::Forgetting, &nobody_rings),
        work(Work::Sessions, &nobody_rings),
        poll(&cx, rhythm.poll, &stop),
        compare(&cx, rhythm.tick * TICKS_OF_COMPARISON, &stop),
    );
}

async fn run_platform(px: Px, rhythm: Rhythm, stop: CancellationToken) {
    let purchases = async {
        while !stop.is_cancelled() {
            if run_due_purchases(&px).await > 0 {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = px.purchases.notified() => {}
                () = tokio::time::sleep(rhythm.tick) => {}
            }
        }
    };
    let sessions = async {
        while !stop.is_cancelled() {
            if run_due_sessions(&px).await > 0 {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(rhythm.tick) => {}
            }
        }
    };
    // A person is called in time however slow the platform is.
    let persons = async {
        while !stop.is_cancelled() {
            call_due_persons(&px).await;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(rhythm.tick) => {}
            }
        }
    };
    tokio::join!(purchases, persons, sessions);
}

/// Calls a person for every purchase whose money has waited too long.
pub async fn call_due_persons(px: &Px) {
    once("persons", async { purchase::call_due_persons(px).await.map(|()| 0) }).await;
}

/// Goes on with every purchase that is due, once. Returns how many those were.
pub async fn run_due_purchases(px: &Px) -> usize {
    once("purchases", purchase::work_due(px)).await
}

/// Ends and deletes sessions whose time has passed, a batch of them. Returns how many those were.
pub async fn run_due_sessions(base: &Base) -> usize {
    once("sessions", retention::sweep(base)).await
}

/// Kinds of work that is due at some time.
#[derive(Clone, Copy)]
enum Work<'a> {
    /// Events that can be applied as they stand.
    FirstEvents,
    /// Events that need a question first.
    LaterEvents,
    /// Effects of the outbox.
    Effects,
    /// Notices to be sent on their way.
    Notices,
    /// Letters to customers.
    Letters,
    /// Deliveries of one outlet.
    Deliveries(&'a Outlet),
    /// Payments to look at.
    Payments,
    /// What need not be remembered of shoppers.
    Forgetting,
    /// Checkout sessions whose time has passed.
    Sessions,
}

impl Work<'_> {
    /// All but the deliveries.
    const OF_THE_SHOP: [Self; 8] = [
        Self::FirstEvents,
        Self::LaterEvents,
        Self::Effects,
        Self::Notices,
        Self::Letters,
        Self::Payments,
        Self::Forgetting,
        Self::Sessions,
    ];

    async fn run(self, cx: &Context) -> Result<usize, FlowError> {
        match self {
            Self::FirstEvents => receive_event::apply_due(cx, Turn::First).await,
            Self::LaterEvents => receive_event::apply_due(cx, Turn::Later).await,
            Self::Effects => deliver::deliver_due(cx).await,
            Self::Notices => announce::send_out_due(cx).await,
            Self::Letters => customer::post::send_due(cx).await,
            Self::Deliveries(outlet) => notify::deliver_due(cx, outlet).await,
            Self::Payments => reconcile::reconcile_due(cx).await,
            Self::Forgetting => Ok(shield::forget(cx).await? + customer::post::forget(cx).await?),
            Self::Sessions => retention::sweep(cx).await,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::FirstEvents => "first events",
            Self::LaterEvents => "later events",
            Self::Effects => "effects",
            Self::Notices => "notices",
            Self::Letters => "letters",
            Self::Deliveries(_) => "deliveries",
            Self::Payments => "payments",
            Self::Forgetting => "forgetting",
            Self::Sessions => "sessions",
        }
    }
}

async fn work(
    cx: &Context,
    what: Work<'_>,
    bell: &Notify,
    tick: Duration,
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        if run_once(cx, what).await > 0 {
            // Effects and notices may have come up, and whoever waits for them may be asleep.
            cx.bells.effects.notify_one();
            cx.bells.notices.notify_one();
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = bell.notified() => {}
            () = tokio::time::sleep(tick) => {}
        }
    }
}

/// Does everything that is due once. Returns how much that was.
pub async fn run_due(cx: &Context) -> usize {
    let mut done = 0;
    for what in Work::OF_THE_SHOP {
        done += run_once(cx, what).await;
    }
    for outlet in &cx.outlets {
        done += run_once(cx, Work::Deliveries(outlet)).await;
    }
    done
}

async fn run_once(cx: &Context, what: Work<'_>) -> usize {
    once(what.name(), what.run(cx)).await
}

/// A panic ends the piece of work, not the worker: the claim runs out, and the row is found again.
async fn once(name: &'static str, work: impl Future<Output = Result<usize, FlowError>>) -> usize {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(done)) => {
            metrics::counter!("till_worker_done_total", "what" => name).increment(done as u64);
            done
        }
        Ok(Err(error)) => {
            tracing::error!(what = name, %error, "the worker could not go on");
            0
        }
        Err(_panic) => {
            metrics::counter!("till_worker_panics_total", "what" => name).increment(1);
            tracing::error!(what = name, "the worker panicked");
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

/// Compares books once a day. It may take long and is not waited for at the end: it goes on where
/// its cursor stands.
async fn compare(cx: &Context, interval: Duration, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            done = compare_books::compare_due(cx) => {
                if let Err(error) = done {
                    tracing::warn!(%error, "could not compare books; they are compared again");
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(interval) => {}
        }
    }
}
