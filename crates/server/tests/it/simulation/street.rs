//! What is carried out on the street: a browser asks the shop, and somebody wakes a node's worker.

use std::{pin::Pin, sync::atomic::Ordering, time::Duration};

use axum::body::Body;
use http::{Request, header::SET_COOKIE};
use server::{context::Backend, flows::compare_books, worker};

use super::node::{Door, Ground};
use crate::stage;

/// What somebody goes for. Nothing comes of it where there is nothing to do, or no answer came.
pub type Errand = Pin<Box<dyn Future<Output = Option<Reply>> + Send>>;

/// An answer as a client sees it.
pub struct Reply {
    pub status: u16,
    /// Each as `name=value`.
    pub cookies: Vec<String>,
    pub text: String,
}

/// A claim lasts for a minute.
const LONGER_THAN_A_CLAIM: Duration = Duration::from_secs(61);
/// The worker stops by itself when nothing is due; it is stopped where it finds work for ever.
const ROUNDS_MAX: usize = 20;

/// Nothing to go for: there is no such payment, or no such line.
pub fn nothing() -> Errand {
    Box::pin(async { None })
}

/// The answer of an errand that always has one.
pub fn said(what: &impl ToString) -> Option<Reply> {
    Some(Reply { status: 0, cookies: Vec::new(), text: what.to_string() })
}

/// Somebody's requests to the shop, one after the other as long as they are granted. A client of no
/// patience goes away when she has looked so often whether an answer is there.
pub fn shop(door: Door, requests: Vec<Request<Body>>, patience: Option<u32>) -> Errand {
    Box::pin(async move {
        let mut last = None;
        for request in requests {
            let reply = ask(&door, request, patience).await?;
            let is_granted = reply.status < 300;
            last = Some(reply);
            if !is_granted {
                break;
            }
        }
        last
    })
}

async fn ask(door: &Door, request: Request<Body>, patience: Option<u32>) -> Option<Reply> {
    let task = door.machine.spawn(stage::exchange(door.router.clone(), request));
    if let Some(patience) = patience {
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
        if !task.is_finished() {
            task.abort();
        }
    }
    let (status, headers, text) = task.await.ok().flatten()?;
    let cookies = headers.get_all(SET_COOKIE).into_iter().filter_map(|set| set.to_str().ok());
    let cookies = cookies.filter_map(|set| set.split(';').next().map(str::to_owned)).collect();
    Some(Reply { status, cookies, text })
}

/// The worker does what is due. What it does in loops of their own happens side by side.
pub fn work(door: Door) -> Errand {
    let backend = door.backend.clone();
    Box::pin(async move {
        let done = door.machine.spawn(async move {
            match &backend {
                Backend::Native(cx) => {
                    let (done, books) = tokio::join!(
                        rounds(|| worker::run_due(cx)),
                        compare_books::compare_due(cx)
                    );
                    format!("{done}, books: {books:?}")
                }
                Backend::Platform(px) => {
                    let (purchases, sessions) = tokio::join!(
                        rounds(|| worker::run_due_purchases(px)),
                        rounds(|| worker::run_due_sessions(px)),
                    );
                    format!("{purchases} purchases, {sessions} sessions")
                }
            }
        });
        done.await.ok().and_then(|done| said(&done))
    })
}

/// One kind of work until there is no more of it. Returns how much there was.
async fn rounds<F: Future<Output = usize>>(work: impl Fn() -> F) -> usize {
    let mut done = 0;
    for _ in 0..ROUNDS_MAX {
        let more = work().await;
        done += more;
        if more == 0 {
            break;
        }
    }
    done
}

/// So much time passes in the middle of everything that all claims have run out, and the worker takes
/// over. It begins after so many turns; `gateway` moves the other clock.
pub fn overtake(
    door: Door,
    ground: &Ground,
    turns: u32,
    gateway: impl FnOnce(Duration) + Send + 'static,
) -> Errand {
    let now = ground.now.clone();
    Box::pin(async move {
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let passed = i64::try_from(LONGER_THAN_A_CLAIM.as_millis()).unwrap();
        now.fetch_add(passed, Ordering::Relaxed);
        gateway(LONGER_THAN_A_CLAIM);
        work(door).await
    })
}
