//! A server of the merchant's: it keeps what it is told, and answers as a story wants it to.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::any,
};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// What the shop signs with in stories.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What was posted.
#[derive(Debug, Clone)]
pub struct Posted {
    pub id: String,
    pub second: i64,
    pub body: String,
}

impl Posted {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Such as `order.paid`.
    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

#[derive(Clone)]
pub struct Erp {
    posted: Arc<Mutex<Vec<Posted>>>,
    status: Arc<AtomicU16>,
    /// Whether answers are held back.
    held: watch::Sender<bool>,
}

impl Default for Erp {
    fn default() -> Self {
        let status = Arc::new(AtomicU16::new(204));
        Self { posted: Arc::default(), status, held: watch::Sender::new(false) }
    }
}

impl Erp {
    /// The server at a port of this machine, until the handle is dropped with its runtime.
    pub async fn serve() -> (Self, String, JoinHandle<()>) {
        let erp = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let router = erp.router();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (erp, url, serving)
    }

    pub fn router(&self) -> Router {
        Router::new().route("/hooks", any(take)).with_state(self.clone())
    }

    /// How it answers from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// It takes what it is told, and answers nothing until it is let go.
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    pub fn let_go(&self) {
        self.held.send_replace(false);
    }

    /// Everything that was posted, in order.
    pub fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap().clone()
    }

    /// How many orders it has heard of.
    pub fn orders(&self) -> usize {
        let ids = self.posted().into_iter().map(|posted| posted.id);
        ids.collect::<BTreeSet<String>>().len()
    }

    /// What it was told, such as `order.paid, order.refunded`.
    pub fn told(&self) -> String {
        let kinds: Vec<String> = self.posted().iter().map(Posted::kind).collect();
        kinds.join(", ")
    }
}

async fn take(State(erp): State<Erp>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let posted = verified(&parts.headers, String::from_utf8(body.to_vec()).unwrap());
    erp.posted.lock().unwrap().push(posted);
    let mut held = erp.held.subscribe();
    held.wait_for(|held| !held).await.unwrap();
    let status = StatusCode::from_u16(erp.status.load(Ordering::SeqCst)).unwrap();
    // Whoever follows it finds another delivery here.
    let elsewhere = [(header::LOCATION, "/hooks")];
    if status.is_redirection() {
        (status, elsewhere).into_response()
    } else {
        status.into_response()
    }
}

/// As a merchant's server would check it, with a library of others; the time in it is that of the
/// story.
pub fn verified(headers: &HeaderMap, body: String) -> Posted {
    let text = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, second) = (text("webhook-id"), text("webhook-timestamp").parse().unwrap());
    let expected = Webhook::new(SECRET).unwrap().sign(&id, second, body.as_bytes()).unwrap();
    let signatures = text("webhook-signature");
    assert!(signatures.split(' ').any(|one| one == expected), "{signatures}");
    assert_eq!(text("content-type"), "application/json");
    Posted { id, second, body }
}
