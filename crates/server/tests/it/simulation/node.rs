//! A node: a server on a machine of its own, over a database that outlives it.

use std::{
    future::poll_fn,
    io,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use http::{Request, Response};
use jiff::Timestamp;
use server::{
    clock::{Clock, Ids},
    context::Backend,
    serve::{Parts, Server},
};
use simulators::stripe::ConnectionLost;
use storage::Store;
use tokio::runtime::Handle;
use tower::{ServiceExt, service_fn};
use uuid::Uuid;

use super::{
    machine::{Fate, Machine},
    trace::Trace,
};

/// What every node has in common, and what remains when one dies.
#[derive(Clone)]
pub struct Ground {
    pub store: Store,
    /// Stripe, or the platform.
    pub gateway: Router,
    /// The merchant's own server.
    pub merchant: Router,
    /// Where both work: what one of them is slow at outlives the node that asked for it.
    pub street: Handle,
    pub open: Arc<dyn Fn(Parts) -> Server>,
    /// Milliseconds since 1970.
    pub now: Arc<AtomicI64>,
    pub ids: Ids,
    pub trace: Trace,
    pub moves: Arc<AtomicU64>,
}

impl Ground {
    pub fn clock(&self) -> Clock {
        let now = self.now.clone();
        Clock::from_fn(move || Timestamp::from_millisecond(now.load(Ordering::Relaxed)).unwrap())
    }
}

/// Ids that follow from the seed.
pub fn ids(seed: u64) -> Ids {
    let next = Arc::new(AtomicU64::new(1));
    Ids::from_fn(move || {
        let number = u128::from(next.fetch_add(1, Ordering::Relaxed));
        Uuid::from_u128((u128::from(seed) << 64) | number)
    })
}

pub struct Node {
    pub machine: Machine,
    pub fate: Arc<Fate>,
    backend: Backend,
    router: Router,
}

/// How a node is reached, as long as it lives.
#[derive(Clone)]
pub struct Door {
    pub machine: Handle,
    pub router: Router,
    pub backend: Backend,
}

impl Node {
    pub fn open(ground: &Ground, number: usize) -> Self {
        let fate = Fate::new(ground.moves.clone());
        let store = {
            let fate = fate.clone();
            ground.store.pausing(Arc::new(move || fate.wait()))
        };
        let way = |to: &Router| transport(to.clone(), ground, &fate, number);
        let server = (ground.open)(Parts {
            store,
            merchant: way(&ground.merchant),
            transport: way(&ground.gateway),
            clock: ground.clock(),
            ids: ground.ids.clone(),
            tick: Duration::from_secs(1),
        });
        let router = server.router();
        Self { machine: Machine::new(), fate, backend: server.backend, router }
    }

    pub fn door(&self) -> Door {
        let (router, backend) = (self.router.clone(), self.backend.clone());
        Door { machine: self.machine.handle(), router, backend }
    }

    /// Whether no money flow is under way.
    pub fn is_at_rest(&self) -> bool {
        self.backend.tasks.is_empty()
    }
}

/// The way to somebody else: the process may die before a request leaves it, and before it hears the
/// answer.
fn transport(to: Router, ground: &Ground, fate: &Arc<Fate>, number: usize) -> gateways::Transport {
    let (street, trace, fate) = (ground.street.clone(), ground.trace.clone(), fate.clone());
    gateways::in_process(service_fn(move |request: Request<Body>| {
        let (to, street) = (to.clone(), street.clone());
        let (trace, fate) = (trace.clone(), fate.clone());
        async move {
            let line = format!("  node {number}: {} {}", request.method(), request.uri().path());
            fate.wait().await;
            let mut answer = Box::pin(to.oneshot(request));
            let answer = poll_fn(|cx| {
                let _there = street.enter();
                answer.as_mut().poll(cx)
            });
            let response = answer.await.map_err(io::Error::other)?;
            let lost = response.extensions().get::<ConnectionLost>().is_some();
            trace
                .say(|| format!("{line} -> {}", if lost { 0 } else { response.status().as_u16() }));
            fate.wait().await;
            if lost {
                return Err(io::Error::from(io::ErrorKind::ConnectionReset));
            }
            Ok::<Response<Body>, io::Error>(response)
        }
    }))
}
