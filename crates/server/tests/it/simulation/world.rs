//! The world of a history: shoppers, a street of browsers and couriers, one or two nodes over one
//! database, Stripe, and a clock that moves when a step says so.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use domain::id::ProductId;
use jiff::Timestamp;
use server::clock::Ids;
use simulators::stripe::{Options, Stripe};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{
    disk,
    errand::{Errand, Reply, Tools},
    machine::Machine,
    node::{Door, Ground, Node, as_body},
    plan::{Call, Step, chance_of},
    trace::Trace,
};
use crate::{shop, stage};

/// A browser: its cookie, the lines that it shows, and the payments it was given.
#[derive(Default)]
pub struct Shopper {
    pub cookie: Option<String>,
    pub lines: Vec<String>,
    pub intents: Vec<Intent>,
}

/// What a browser got to pay with.
pub struct Intent {
    pub order: String,
    pub secret: String,
}

pub struct World {
    pub seed: u64,
    pub stripe: Stripe,
    pub ground: Ground,
    pub street: Machine,
    pub nodes: Vec<Node>,
    pub doors: Arc<Mutex<Vec<Door>>>,
    pub shoppers: Vec<Shopper>,
    pub products: HashMap<String, ProductId>,
    /// References of payments that Stripe gave another amount on purpose.
    pub drifted: BTreeSet<String>,
    /// References of payments whose secret a browser has seen.
    pub handed_out: BTreeSet<String>,
    /// Pieces that the operator brought or took, by product.
    pub delivered: HashMap<&'static str, i64>,
}

/// More turns than any step takes; what takes more hangs.
const TURNS_MAX: u32 = 40_000;

impl World {
    pub fn open(seed: u64, nodes: usize, trace: Trace) -> Self {
        let start = Timestamp::from_second(stage::START).unwrap();
        let options = Options {
            seed: Some(seed),
            start: Some(start),
            // A bank answers when a step says so, and Stripe does not give up on a webhook soon.
            debit_delay: Duration::from_secs(30 * 24 * 60 * 60),
            retry_delays: Options::live_retry_delays(),
            ..Options::default()
        };
        let stripe = Stripe::new(options);
        let webhook_secret = stripe.create_webhook_endpoint(stage::ENDPOINT);
        let next = Arc::new(AtomicU64::new(1));
        let ids = Ids::from_fn(move || {
            let number = u128::from(next.fetch_add(1, Ordering::Relaxed));
            Uuid::from_u128((u128::from(seed) << 64) | number)
        });
        let street = Machine::new();
        let store = disk::take(&street);
        let products = street.block_on(shop::fill_shelves(&store, &ids));
        let ground = Ground {
            store,
            stripe: stripe.api_router(),
            webhook_secret,
            now: Arc::new(AtomicI64::new(start.as_millisecond())),
            ids,
            trace,
            moves: Arc::default(),
        };
        let nodes: Vec<_> = (0..nodes).map(|number| Node::open(&ground, number)).collect();
        let doors = Arc::new(Mutex::new(nodes.iter().map(Node::door).collect()));
        let shoppers = (0..3).map(|_| Shopper::default()).collect();
        let (drifted, handed_out) = (BTreeSet::new(), BTreeSet::new());
        let world = Self {
            seed,
            stripe,
            ground,
            street,
            nodes,
            doors,
            shoppers,
            products,
            drifted,
            handed_out,
            delivered: HashMap::new(),
        };
        world.send_webhooks_here();
        world
    }

    /// Webhooks go to the nodes in turn; a node that dies on the way answers nothing.
    fn send_webhooks_here(&self) {
        let (doors, trace) = (self.doors.clone(), self.ground.trace.clone());
        let turn = Arc::new(AtomicU64::new(0));
        self.stripe.deliver_with(Arc::new(move |request| {
            let door = {
                let doors = doors.lock().unwrap();
                doors[turn.fetch_add(1, Ordering::Relaxed) as usize % doors.len()].clone()
            };
            let trace = trace.clone();
            Box::pin(async move {
                let asked = stage::exchange(door.router, as_body(request));
                let answer = door.machine.spawn(asked).await.ok().flatten();
                let status = answer.map(|(status, ..)| status);
                trace.say(|| format!("  webhook -> {status:?}"));
                status.ok_or_else(|| "the connection broke".to_owned())
            })
        }));
    }

    pub fn now(&self) -> i64 {
        self.ground.now.load(Ordering::Relaxed)
    }

    /// Time passes, here and at Stripe.
    pub fn advance(&self, seconds: u64) {
        self.ground.now.fetch_add(i64::try_from(seconds).unwrap() * 1000, Ordering::Relaxed);
        self.stripe.advance(Duration::from_secs(seconds));
    }

    /// Takes one step. An error is a sentence that says what must never happen.
    pub fn take(&mut self, number: u64, step: &Step) -> Result<(), String> {
        self.ground.trace.say(|| format!("{number}: {step:?}"));
        // Two steps are never at the same time.
        self.advance(1);
        let chance = chance_of(self.seed, number);
        for (place, node) in self.nodes.iter().enumerate() {
            let mut own = chance.clone();
            own.set_stream(number * 8 + place as u64 + 2);
            node.fate.draw_from(own);
        }
        match step {
            Step::Do(calls) => self.run(calls, None)?,
            Step::HangUp(call, patience) => {
                self.run(std::slice::from_ref(call), Some(*patience))?
            }
            other => self.arrange(other),
        }
        self.reopen();
        Ok(())
    }

    /// Runs calls side by side until everything has come to rest.
    pub fn run(&mut self, calls: &[Call], patience: Option<u32>) -> Result<(), String> {
        let tools = Tools {
            stripe: self.stripe.clone(),
            stripe_router: self.ground.stripe.clone(),
            patience,
            now: self.ground.now.clone(),
        };
        let errands: Vec<Errand> =
            calls.iter().enumerate().map(|(place, call)| self.prepare(call, place)).collect();
        let street = self.street.handle();
        let jobs: Vec<_> =
            errands.into_iter().map(|errand| street.spawn(tools.clone().go(errand))).collect();
        self.play(&jobs)?;
        for (call, job) in calls.iter().zip(jobs) {
            let reply = self.street.block_on(job).map_err(|error| error.to_string())?;
            self.learn(call, reply)?;
        }
        Ok(())
    }

    /// Machines take turns until the jobs are done and no money flow is under way.
    fn play(&mut self, jobs: &[JoinHandle<Option<Reply>>]) -> Result<(), String> {
        let (mut idle, mut moves) = (0, 0);
        for _ in 0..TURNS_MAX {
            self.street.turn();
            for node in &self.nodes {
                node.machine.turn();
            }
            self.bury();
            let rest = self.nodes.iter().all(Node::is_at_rest);
            if rest && jobs.iter().all(JoinHandle::is_finished) {
                return Ok(());
            }
            let moved = self.ground.moves.load(Ordering::Relaxed);
            idle = if moved == moves { idle + 1 } else { 0 };
            moves = moved;
            // Nobody moves: all wait for time. (Two rounds, for a word from machine to machine.)
            if idle > 4 {
                self.street.rest(Duration::from_millis(100));
                for node in &self.nodes {
                    node.machine.rest(Duration::from_millis(100));
                }
                self.bury();
            }
        }
        Err("a step never came to rest".to_owned())
    }

    /// Takes the machine of a process that died, and opens the next one over the same database.
    fn bury(&mut self) {
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if node.fate.is_dead() {
                self.ground.trace.say(|| format!("  node {number} died"));
                *node = Node::open(&self.ground, number);
                self.doors.lock().unwrap()[number] = node.door();
            }
        }
    }

    fn reopen(&mut self) {
        self.bury();
    }

    /// The shop's part of a request.
    pub fn request(
        &self,
        shopper: usize,
        method: &str,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> http::Request<Body> {
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(cookie) = &self.shoppers[shopper].cookie {
            request = request.header(http::header::COOKIE, cookie);
        }
        if body.is_some() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        request.body(body).unwrap()
    }
}

impl Drop for World {
    /// Stripe knows the doors for its webhooks, and behind each door is a way to Stripe: nothing of a
    /// history would ever be freed.
    fn drop(&mut self) {
        self.doors.lock().unwrap().clear();
    }
}
