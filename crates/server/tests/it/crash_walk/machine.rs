//! The machine that the server runs on, as the walk needs it: it counts the boundaries that the
//! server crosses, and its power fails at the one that was chosen. A boundary is what others can
//! see of a process: a commit, a request that leaves, an answer that comes in. What happens
//! between two of them is lost with the process and was seen by nobody.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::{Router, body::Body};
use bytes::Bytes;
use gateways::Transport;
use http::{Request, Uri};
use storage::Power;
use tokio::sync::Notify;
use tower::{ServiceExt, service_fn};

/// What is crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Commit,
    Send,
    Answer,
}

/// On which side of a boundary the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The commit never reaches the disk, the request never leaves, the answer never comes in.
    Before,
    /// The commit is on the disk, the answer has come in; then nothing more.
    After,
    /// The request has left, but is on its way for so long that the next process has started and
    /// gone on when it arrives.
    OnTheWay,
}

impl Kind {
    /// Where the power can fail there. A request that has left is not listed: its other side is
    /// the answer's nearer one.
    pub fn sides(self) -> [Side; 2] {
        match self {
            Self::Commit | Self::Answer => [Side::Before, Side::After],
            Self::Send => [Side::Before, Side::OnTheWay],
        }
    }
}

/// A boundary that the undisturbed run has crossed.
#[derive(Debug, Clone)]
pub struct Boundary {
    pub kind: Kind,
    /// What is sent or answered. What a commit changed is told by the database.
    pub words: String,
}

/// Where the power is to fail: the number of the boundary, from 1, and the side.
pub type Cut = (usize, Side);

type Look = Box<dyn Fn() -> Vec<String> + Send>;

#[derive(Default)]
struct State {
    counting: bool,
    crossed: Vec<Boundary>,
    cut: Option<Cut>,
    is_dead: bool,
    under_way: Vec<Request<Bytes>>,
    /// Reads the database before each commit, so that the one before can be named.
    look: Option<Look>,
    looks: Vec<Vec<String>>,
}

#[derive(Default)]
pub struct Machine {
    state: Mutex<State>,
    died: Notify,
}

/// What the machine does with whatever crosses.
enum Fate {
    Crosses,
    CutOff(Side),
    /// It was dead before.
    Nothing,
}

impl Machine {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From here on boundaries count; `look` reads the database when a commit is to be named.
    pub fn count(&self, cut: Option<Cut>, look: Option<Look>) {
        let mut state = self.state();
        let looks = look.iter().map(|look| look()).collect();
        *state = State { counting: true, cut, look, looks, ..State::default() };
    }

    /// Counting ends. Returns what was crossed, with what the database said before each commit
    /// and now.
    pub fn counted(&self) -> (Vec<Boundary>, Vec<Vec<String>>) {
        let mut state = self.state();
        state.counting = false;
        if let Some(look) = state.look.take() {
            let last = look();
            state.looks.push(last);
        }
        (state.crossed.clone(), state.looks.clone())
    }

    pub fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// Returns when the power has failed.
    pub async fn died(&self) {
        while !self.is_dead() {
            self.died.notified().await;
        }
    }

    /// The power is back. Nothing is counted any more.
    pub fn revive(&self) {
        let mut state = self.state();
        state.is_dead = false;
        state.counting = false;
    }

    /// The requests that had left when the power failed and have not arrived yet.
    pub fn take_under_way(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut self.state().under_way)
    }

    fn cross(&self, kind: Kind, words: impl FnOnce() -> String) -> Fate {
        let mut state = self.state();
        if state.is_dead {
            return Fate::Nothing;
        }
        if !state.counting {
            return Fate::Crosses;
        }
        if kind == Kind::Commit
            && let Some(look) = &state.look
        {
            let seen = look();
            state.looks.push(seen);
        }
        state.crossed.push(Boundary { kind, words: words() });
        match state.cut {
            Some((number, side)) if number == state.crossed.len() => {
                state.is_dead = true;
                self.died.notify_one();
                Fate::CutOff(side)
            }
            Some(_) | None => Fate::Crosses,
        }
    }

    /// What the store asks at each commit.
    pub fn commit(&self) -> Power {
        match self.cross(Kind::Commit, String::new) {
            Fate::Crosses => Power::Stays,
            Fate::CutOff(Side::After) => Power::FailsAfter,
            Fate::CutOff(Side::Before | Side::OnTheWay) | Fate::Nothing => Power::FailsBefore,
        }
    }

    /// The way to the gateway over this machine's wire.
    pub fn wire(self: &Arc<Self>, gateway: Router) -> Transport {
        let gateway = gateways::in_process::<Router, Body, Body>(gateway);
        let machine = self.clone();
        Transport::new(service_fn(move |request: Request<Bytes>| {
            let (machine, gateway) = (machine.clone(), gateway.clone());
            async move {
                let words = || format!("{} {}", request.method(), shape(request.uri()));
                match machine.cross(Kind::Send, words) {
                    Fate::Crosses => {}
                    Fate::CutOff(Side::OnTheWay) => {
                        machine.state().under_way.push(request);
                        return std::future::pending().await;
                    }
                    Fate::CutOff(Side::Before | Side::After) | Fate::Nothing => {
                        return std::future::pending().await;
                    }
                }
                let answer = gateway.oneshot(request).await;
                let words = || match &answer {
                    Ok(answer) => answer.status().as_u16().to_string(),
                    Err(_) => "none: the connection was lost".to_owned(),
                };
                match machine.cross(Kind::Answer, words) {
                    Fate::Crosses | Fate::CutOff(Side::After) => answer,
                    Fate::CutOff(Side::Before | Side::OnTheWay) | Fate::Nothing => {
                        std::future::pending().await
                    }
                }
            }
        }))
    }
}

/// A path without ids and without its query.
fn shape(uri: &Uri) -> String {
    let is_id =
        |part: &&str| part.contains(['_', '-']) && part.chars().any(|sign| sign.is_ascii_digit());
    let parts = uri.path().split('/');
    parts.map(|part| if is_id(&part) { "{}" } else { part }).collect::<Vec<_>>().join("/")
}
