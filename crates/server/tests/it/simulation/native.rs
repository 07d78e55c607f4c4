//! The shop on the native backend: shoppers, an operator, Stripe with its webhooks, and the merchant's
//! own server.

pub mod author;
mod books;
mod calls;
mod deeds;
mod healing;
mod invariants;
mod merchant;
mod paid;
pub mod plan;
mod refunds;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use domain::id::ProductId;
use jiff::Timestamp;
use server::serve::Server;
use simulators::stripe::{Options, Stripe};

use super::{
    browser::Browser,
    disk,
    history::World,
    machine::Machine,
    node::{self, Ground},
    street::{Errand, Reply},
    town::Town,
    trace::Trace,
};
use crate::{erp::SECRET, shop, stage};
use invariants::Memory;
use merchant::Merchant;
use plan::{Call, Deed};

/// A shopper: her browser, the lines that it shows, and the payments it was given.
#[derive(Default)]
pub struct Shopper {
    browser: Browser,
    lines: Vec<String>,
    intents: Vec<Intent>,
}

/// What a browser got to pay with.
struct Intent {
    /// Nothing in a session: it is told of its order when that is bought.
    order: Option<String>,
    secret: String,
}

pub struct Native {
    town: Town,
    stripe: Stripe,
    merchant: Merchant,
    shoppers: Vec<Shopper>,
    products: HashMap<String, ProductId>,
    /// References of payments that Stripe gave another amount on purpose.
    drifted: BTreeSet<String>,
    /// References of payments whose secret a browser has seen.
    handed_out: BTreeSet<String>,
    /// Orders whose money, or a part of it, somebody wanted back.
    wanted_back: BTreeSet<String>,
    /// Pieces that the operator brought or took, by product.
    delivered: HashMap<&'static str, i64>,
    memory: Memory,
    /// How many calls this step has.
    calls: usize,
    /// Orders that sessions have come to in this step, by shopper.
    bought: BTreeMap<usize, String>,
}

impl World for Native {
    type Call = Call;
    type Deed = Deed;
    const STORY: &'static str = "Native";

    fn open(seed: u64, nodes: usize, trace: Trace) -> Self {
        let start = Timestamp::from_second(stage::START).unwrap();
        let stripe = Stripe::new(Options {
            seed: Some(seed),
            start: Some(start),
            // A bank answers when a step says so, and Stripe does not give up on a webhook soon.
            debit_delay: Duration::from_secs(30 * 24 * 60 * 60),
            refund_delay: Duration::from_secs(6 * 60 * 60),
            retry_delays: Options::live_retry_delays(),
            ..Options::default()
        });
        let webhook_secret = stripe.create_webhook_endpoint(stage::ENDPOINT);
        let ids = node::ids(seed);
        let street = Machine::new();
        let store = disk::take(&street);
        let products = street.block_on(shop::fill_shelves(&store, &ids));
        let merchant = Merchant::new();
        let ground = Ground {
            store,
            gateway: stripe.api_router(),
            merchant: merchant.router(),
            street: street.handle(),
            open: Arc::new(move |parts| {
                let hooks =
                    [("TILL_WEBHOOK_URLS", merchant::URL), ("TILL_WEBHOOK_SECRETS", SECRET)];
                Server::new(stage::config_with(&webhook_secret, &hooks), parts).unwrap()
            }),
            now: Arc::new(AtomicI64::new(start.as_millisecond())),
            ids,
            trace,
            moves: Arc::default(),
        };
        let world = Self {
            town: Town::open(seed, nodes, street, ground),
            stripe,
            merchant,
            shoppers: Browser::of_both_kinds(3)
                .map(|browser| Shopper { browser, ..Shopper::default() })
                .collect(),
            products,
            drifted: BTreeSet::new(),
            handed_out: BTreeSet::new(),
            wanted_back: BTreeSet::new(),
            delivered: HashMap::new(),
            memory: Memory::default(),
            calls: 0,
            bought: BTreeMap::new(),
        };
        world.send_webhooks_here();
        world
    }

    fn town(&self) -> &Town {
        &self.town
    }

    fn town_mut(&mut self) -> &mut Town {
        &mut self.town
    }

    fn pass_there(&self, time: Duration) {
        self.stripe.advance(time);
    }

    fn begin(&mut self) {
        self.bought.clear();
        self.calls = 0;
    }

    fn prepare(&mut self, call: &Call, place: usize, patience: Option<u32>) -> Errand {
        self.calls += 1;
        self.errand(call, place, patience)
    }

    fn learn(&mut self, call: &Call, reply: Option<Reply>) -> Result<(), String> {
        self.take_in(call, reply)
    }

    fn act(&mut self, deed: &Deed) {
        self.arrange(deed);
    }

    fn check(&mut self) -> Result<(), String> {
        let mut memory = std::mem::take(&mut self.memory);
        let checked = invariants::check(self, &mut memory);
        self.memory = memory;
        checked
    }

    fn heal(&mut self) -> Result<(), String> {
        healing::heal(self)
    }
}

impl Native {
    /// Webhooks go to the nodes in turn; a node that dies on the way answers nothing. Stripe does not
    /// own the doors: they lead to servers that own Stripe.
    fn send_webhooks_here(&self) {
        let (doors, trace) = (Arc::downgrade(&self.town.doors), self.town.ground.trace.clone());
        let turn = Arc::new(AtomicU64::new(0));
        self.stripe.deliver_with(Arc::new(move |request| {
            let door = doors.upgrade().map(|doors| {
                let doors = doors.lock().unwrap();
                doors[turn.fetch_add(1, Ordering::Relaxed) as usize % doors.len()].clone()
            });
            let trace = trace.clone();
            Box::pin(async move {
                let door = door.ok_or("nobody is there")?;
                let asked = stage::exchange(door.router, request.map(Body::from));
                let answer = door.machine.spawn(asked).await.ok().flatten();
                let status = answer.map(|(status, ..)| status);
                trace.say(|| format!("  webhook -> {status:?}"));
                status.ok_or_else(|| "the connection broke".to_owned())
            })
        }));
    }
}
