//! A node: a server on a machine of its own, over a database that outlives it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use server::{
    clock::{Clock, Ids},
    context::Cx,
    serve::{Parts, Server},
};
use simulators::stripe::ConnectionLost;
use storage::Store;
use tokio::runtime::Handle;
use tower::{ServiceExt, service_fn};

use super::{
    machine::{Fate, Machine},
    trace::Trace,
};
use crate::stage;

/// What every node has in common, and what remains when one dies.
#[derive(Clone)]
pub struct Ground {
    pub store: Store,
    pub stripe: Router,
    pub webhook_secret: String,
    /// Milliseconds since 1970.
    pub now: Arc<AtomicI64>,
    pub ids: Ids,
    pub trace: Trace,
    pub moves: Arc<std::sync::atomic::AtomicU64>,
}

impl Ground {
    pub fn clock(&self) -> Clock {
        let now = self.now.clone();
        Clock::from_fn(move || Timestamp::from_millisecond(now.load(Ordering::Relaxed)).unwrap())
    }
}

pub struct Node {
    pub machine: Machine,
    pub fate: Arc<Fate>,
    pub cx: Cx,
    router: Router,
}

/// How a node is reached, as long as it lives.
#[derive(Clone)]
pub struct Door {
    pub machine: Handle,
    pub router: Router,
    pub cx: Cx,
}

impl Node {
    pub fn open(ground: &Ground, number: usize) -> Self {
        let fate = Fate::new(ground.moves.clone());
        let store = {
            let fate = fate.clone();
            ground.store.pausing(Arc::new(move || fate.wait()))
        };
        let parts = Parts {
            store,
            transport: transport(ground, &fate, number),
            merchant: transport(ground, &fate, number),
            clock: ground.clock(),
            ids: ground.ids.clone(),
            tick: Duration::from_secs(1),
        };
        let server = Server::new(stage::config(&ground.webhook_secret), parts).unwrap();
        let (cx, router) = (server.native().unwrap().clone(), server.router());
        Self { machine: Machine::new(), fate, cx, router }
    }

    pub fn door(&self) -> Door {
        Door { machine: self.machine.handle(), router: self.router.clone(), cx: self.cx.clone() }
    }

    /// Whether no money flow is under way.
    pub fn is_at_rest(&self) -> bool {
        self.cx.tasks.is_empty()
    }
}

/// The way to Stripe: the process may die before a request leaves it, and before it hears the
/// answer.
fn transport(ground: &Ground, fate: &Arc<Fate>, number: usize) -> gateways::Transport {
    let (stripe, trace, fate) = (ground.stripe.clone(), ground.trace.clone(), fate.clone());
    gateways::in_process(service_fn(move |request: Request<Body>| {
        let (stripe, trace, fate) = (stripe.clone(), trace.clone(), fate.clone());
        async move {
            let line = format!("  node {number}: {} {}", request.method(), request.uri().path());
            fate.wait().await;
            let response = stripe.oneshot(request).await.map_err(io::Error::other)?;
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

/// The bytes of a webhook as a request of axum's.
pub fn as_body(request: Request<Bytes>) -> Request<Body> {
    request.map(Body::from)
}
