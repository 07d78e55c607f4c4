//! The merchant's own server: it takes what it is told of orders, refuses it, or says nothing. At the
//! end everything that has happened was told and taken, each step under one id, and nothing else was.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    response::{IntoResponse, Response},
    routing::post,
};
use gateways::merchant::LIMITS;
use http::StatusCode;
use server::{cli::webhooks, context::Backend};
use simulators::stripe::ConnectionLost;
use storage::{Store, StoreError};

use super::{Native, books::Books, plan::Manner, refunds::Seen};
use crate::{
    erp::{Posted, verified},
    stage,
};

storage::statements! {
    GIVEN_UP = "select id from deliveries where state = 'given_up'";
    CALLED = "select id from attention where kind = 'webhook_undelivered'";
}

/// Where it listens.
pub const URL: &str = "http://127.0.0.1:82/hooks";

#[derive(Clone)]
pub struct Merchant(Arc<Mutex<Heard>>);

struct Heard {
    manner: Manner,
    /// Everything, also what it did not take.
    told: Vec<Posted>,
    /// The ids of what it has said yes to.
    taken: BTreeSet<String>,
}

/// A step of an order, as it is told: which kind, of which order, and of which refund why it did not
/// arrive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    kind: String,
    order: String,
    refund: Option<String>,
    reason: Option<String>,
}

impl Merchant {
    pub fn new() -> Self {
        let (told, taken) = (Vec::new(), BTreeSet::new());
        Self(Arc::new(Mutex::new(Heard { manner: Manner::Takes, told, taken })))
    }

    /// What it does from now on.
    pub fn behave(&self, manner: Manner) {
        self.0.lock().unwrap().manner = manner;
    }

    pub fn router(&self) -> Router {
        let merchant = self.clone();
        Router::new().route("/hooks", post(move |request| hear(merchant.clone(), request)))
    }
}

async fn hear(Merchant(heard): Merchant, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let posted = verified(&parts.headers, String::from_utf8(body.to_vec()).unwrap());
    let manner = {
        let mut heard = heard.lock().unwrap();
        let manner = heard.manner;
        if manner == Manner::Takes {
            heard.taken.insert(posted.id.clone());
        }
        heard.told.push(posted);
        manner
    };
    match manner {
        Manner::Takes => StatusCode::NO_CONTENT.into_response(),
        Manner::Refuses => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Manner::Silent => {
            tokio::time::sleep(LIMITS.exchange).await;
            let mut nothing = Response::new(Body::empty());
            nothing.extensions_mut().insert(ConnectionLost);
            nothing
        }
    }
}

impl Told {
    fn of(posted: &Posted) -> Self {
        let body = posted.json();
        let word = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        Self {
            kind: posted.kind(),
            order: word(&body["data"]["id"]).unwrap_or_default(),
            refund: word(&body["refund"]["id"]),
            reason: word(&body["refund"]["reason"]),
        }
    }
}

/// The merchant has mended his server: what was given up meanwhile, and a person was called for, is
/// sent again.
pub fn mend(world: &Native) -> Result<(), String> {
    world.merchant.behave(Manner::Takes);
    let street = &world.town.street;
    let (given_up, called) = street.block_on(given_up(&world.town.ground.store)).unwrap();
    if given_up == 0 {
        return Ok(());
    }
    if called == 0 {
        return Err(format!("{given_up} deliveries were given up, and nobody was called"));
    }
    let Backend::Native(cx) = world.town.door(0).backend else { return Ok(()) };
    let start = jiff::Timestamp::from_second(stage::START).unwrap().to_string();
    let sent = street.block_on(webhooks::replay_since(&cx, &start, std::io::sink()));
    sent.map_err(|error| error.to_string())
}

async fn given_up(store: &Store) -> Result<(usize, usize), StoreError> {
    store
        .read((), |tx, ()| {
            Box::pin(async move {
                Ok((tx.query(&GIVEN_UP, &[]).await?.len(), tx.query(&CALLED, &[]).await?.len()))
            })
        })
        .await
}

/// Everything that has happened was told and taken, each step under one id, and nothing else was.
pub fn check(world: &Native, books: &Books, refunds: &Seen) -> Result<(), String> {
    let heard = world.merchant.0.lock().unwrap();
    let mut bodies: BTreeMap<&str, &str> = BTreeMap::new();
    let mut ids: BTreeMap<Told, &str> = BTreeMap::new();
    for posted in &heard.told {
        let (id, told) = (posted.id.as_str(), Told::of(posted));
        if bodies.insert(id, &posted.body).is_some_and(|before| before != posted.body) {
            return Err(format!("notice {id} was told in two ways"));
        }
        match ids.insert(told.clone(), id) {
            Some(before) if before != id => {
                return Err(format!("{told:?} was told as {before} and as {id}"));
            }
            Some(_) | None => {}
        }
    }
    let (happened, perhaps) = happened(books, refunds);
    if let Some(told) = ids.keys().find(|told| !happened.contains(told) && !perhaps.contains(told))
    {
        return Err(format!("{told:?} was told, and has not happened"));
    }
    let is_taken = |told: &&Told| ids.get(told).is_some_and(|id| heard.taken.contains(*id));
    match happened.iter().find(|told| !is_taken(told)) {
        Some(told) => Err(format!("{told:?} has happened, and the merchant has not taken it")),
        None => Ok(()),
    }
}

/// What has happened, and what may have happened between two looks.
fn happened(books: &Books, refunds: &Seen) -> (BTreeSet<Told>, BTreeSet<Told>) {
    let (mut happened, mut perhaps) = (BTreeSet::new(), BTreeSet::new());
    for order in books.orders.iter().filter(|order| order.state != "pending") {
        let (kind, order) = (format!("order.{}", order.state), order.id.to_string());
        happened.insert(Told { kind, order, refund: None, reason: None });
    }
    for refund in &books.refunds {
        let states = refunds.get(&refund.id).into_iter().flatten();
        let step = |kind: &str, reason: Option<String>| {
            let (order, refund) = (refund.order.to_string(), Some(refund.id.to_string()));
            Told { kind: kind.to_owned(), order, refund, reason }
        };
        let on_its_way = step("order.refunded", None);
        let mut was_on_its_way = false;
        for (state, failure) in states {
            match state.as_str() {
                "pending" | "succeeded" => was_on_its_way = true,
                "refused" | "failed" => {
                    happened.insert(step("order.refund_failed", failure.clone()));
                }
                "cancelled" => {
                    perhaps.insert(step("order.refund_failed", Some("cancelled".to_owned())));
                }
                _ => {}
            }
        }
        match was_on_its_way {
            true => happened.insert(on_its_way),
            false if refund.reference.is_some() => perhaps.insert(on_its_way),
            false => false,
        };
    }
    (happened, perhaps)
}
