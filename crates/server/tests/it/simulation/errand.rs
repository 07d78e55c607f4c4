//! What is carried out on the street: a browser asks the shop or Stripe, Stripe's courier goes
//! round, and somebody wakes a node's worker.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use http::Request;
use server::{flows::poll_events, worker};
use simulators::stripe::Stripe;

use super::node::Door;
use crate::stage;

pub enum Errand {
    /// Nothing to do: there is no such payment, or no such line.
    Nothing,
    Shop(Door, Request<Body>),
    AtStripe(Request<Body>),
    Deliver,
    DeliverAgain,
    Work(Door),
    /// After so many turns, when all claims have run out.
    Overtake(Door, u32),
    Poll(Door),
}

/// An answer as a client sees it.
pub struct Reply {
    pub status: u16,
    pub cookie: Option<String>,
    pub text: String,
}

#[derive(Clone)]
pub struct Tools {
    pub stripe: Stripe,
    pub stripe_router: Router,
    /// How often a client looks whether the answer is there before it goes away.
    pub patience: Option<u32>,
    /// The shop's clock.
    pub now: Arc<AtomicI64>,
}

/// A claim lasts for a minute.
const LONGER_THAN_A_CLAIM: Duration = Duration::from_secs(61);
/// The worker stops by itself when nothing is due; it is stopped where it finds work for ever.
const ROUNDS_MAX: usize = 20;

impl Tools {
    /// Nothing where no answer came.
    pub async fn go(self, errand: Errand) -> Option<Reply> {
        match errand {
            Errand::Nothing => None,
            Errand::Shop(door, request) => self.ask_shop(door, request).await,
            Errand::AtStripe(request) => stage::exchange(self.stripe_router, request)
                .await
                .map(|(status, _, text)| Reply { status, cookie: None, text }),
            Errand::Deliver => said(self.stripe.deliver_pending().await),
            Errand::DeliverAgain => said(self.stripe.repeat_all_reversed().await.len()),
            Errand::Work(door) => work(door).await,
            Errand::Overtake(door, turns) => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                let passed = i64::try_from(LONGER_THAN_A_CLAIM.as_millis()).unwrap();
                self.now.fetch_add(passed, Ordering::Relaxed);
                self.stripe.advance(LONGER_THAN_A_CLAIM);
                work(door).await
            }
            Errand::Poll(door) => {
                let cx = door.cx;
                let poll = async move { poll_events::poll_events(&cx).await };
                let polled = door.machine.spawn(poll).await.ok()?;
                let text = polled.map_or_else(|error| error.to_string(), |new| format!("{new:?}"));
                Some(Reply { status: 0, cookie: None, text })
            }
        }
    }

    async fn ask_shop(&self, door: Door, request: Request<Body>) -> Option<Reply> {
        let task = door.machine.spawn(stage::exchange(door.router, request));
        if let Some(patience) = self.patience {
            for _ in 0..patience {
                tokio::task::yield_now().await;
            }
            if !task.is_finished() {
                task.abort();
            }
        }
        let (status, headers, text) = task.await.ok().flatten()?;
        let cookie = headers.get(http::header::SET_COOKIE).and_then(|set| set.to_str().ok());
        let cookie = cookie.and_then(|set| set.split(';').next()).map(str::to_owned);
        Some(Reply { status, cookie, text })
    }
}

async fn work(door: Door) -> Option<Reply> {
    let cx = door.cx;
    let rounds = async move {
        let mut done = 0;
        for _ in 0..ROUNDS_MAX {
            let more = worker::run_due(&cx).await;
            done += more;
            if more == 0 {
                break;
            }
        }
        done
    };
    door.machine.spawn(rounds).await.ok().and_then(said)
}

#[expect(clippy::unnecessary_wraps, reason = "the answer of an errand that always has one")]
fn said(count: usize) -> Option<Reply> {
    Some(Reply { status: 0, cookie: None, text: count.to_string() })
}
