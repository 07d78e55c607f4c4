//! The shop at Elastic Path: shoppers, the platform with its gateway inside, banks, and programs that
//! do as they like with carts there.

pub mod author;
mod calls;
mod healing;
mod invariants;
pub mod plan;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use axum::Router;
use jiff::Timestamp;
use rand::RngExt;
use server::{
    config::{Config, Sources},
    serve::Server,
};
use simulators::elastic_path::{
    CancelPending, ConfirmAgain, DeclinedPayment, DeleteUnknownCart, ElasticPath, EmptyCheckout,
    Modes, Options, Pending, Product, Scopes, SecondPayment, UpdateEndedPayment, sample_catalogue,
};

use super::{
    browser::Browser,
    disk,
    history::World,
    machine::Machine,
    node::{self, Ground},
    step::chance_of,
    street::{Errand, Reply},
    town::Town,
    trace::Trace,
};
use crate::{platform, stage};
use invariants::Memory;
use plan::{Call, Deed};

/// What costs nothing.
const GIFT: &str = "00000000-0000-4000-8000-000000000000";

/// A shopper: her browser, and the cart that it last heard of.
struct Shopper {
    browser: Browser,
    cart: Option<String>,
    /// Every account that she has signed in to.
    accounts: BTreeSet<String>,
}

pub struct Platform {
    town: Town,
    ep: ElasticPath,
    /// The accounts there; the first two are one member's.
    accounts: Vec<String>,
    shoppers: Vec<Shopper>,
    /// Every cart that a browser has heard of.
    carts: BTreeSet<String>,
    /// Confirmation tokens that were made.
    tokens: u32,
    /// How many calls this step has.
    calls: usize,
    /// Orders that sessions have come to in this step, by cart.
    bought: BTreeMap<String, String>,
    /// Shoppers who have emptied their carts: such a request may come late.
    emptied: BTreeSet<usize>,
    memory: Memory,
}

impl World for Platform {
    type Call = Call;
    type Deed = Deed;
    const STORY: &'static str = "Platform";

    fn open(seed: u64, nodes: usize, trace: Trace) -> Self {
        let start = Timestamp::from_second(stage::START).unwrap();
        let (modes, closes_challenges) = undocumented(seed);
        let ep = ElasticPath::new(Options {
            seed: Some(seed),
            start: Some(start),
            modes,
            // What was forgotten by itself cannot be told from what was deleted.
            cart_days: 60,
            ..Options::default()
        });
        sample_catalogue(&ep);
        ep.add_product(Product { id: GIFT.into(), ..Product::new("gift", "A gift", "USD", 0) });
        trace.say(|| format!("{modes:?}, closes challenges: {closes_challenges}"));
        let (first, _) = ep.add_account();
        let (second, _) = ep.add_account_beside(&first).unwrap();
        let (other, _) = ep.add_account();
        let street = Machine::new();
        let ground = Ground {
            store: disk::take(&street),
            gateway: ep.router(),
            merchant: Router::new(),
            street: street.handle(),
            open: Arc::new(move |parts| Server::new(config(closes_challenges), parts).unwrap()),
            now: Arc::new(AtomicI64::new(start.as_millisecond())),
            ids: node::ids(seed),
            trace,
            moves: Arc::default(),
        };
        Self {
            town: Town::open(seed, nodes, street, ground),
            ep,
            accounts: vec![first, second, other],
            shoppers: Browser::of_both_kinds(3)
                .map(|browser| Shopper { browser, cart: None, accounts: BTreeSet::new() })
                .collect(),
            carts: BTreeSet::new(),
            tokens: 0,
            calls: 0,
            bought: BTreeMap::new(),
            emptied: BTreeSet::new(),
            memory: Memory::default(),
        }
    }

    fn town(&self) -> &Town {
        &self.town
    }

    fn town_mut(&mut self) -> &mut Town {
        &mut self.town
    }

    fn pass_there(&self, time: Duration) {
        self.ep.advance(time);
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

/// What nobody has documented is so in this history, and what the merchant takes for granted.
fn undocumented(seed: u64) -> (Modes, bool) {
    let mut chance = chance_of(seed, u64::MAX - 1);
    let mut coin = || chance.random_ratio(1, 2);
    let scope = |is_strict| if is_strict { Scopes::Strict } else { Scopes::Lenient };
    let modes = Modes {
        scopes: scope(coin()),
        confirm_scope: scope(coin()),
        second_payment: match (coin(), coin()) {
            (true, true) => SecondPayment::Replace,
            (true, false) => SecondPayment::Reject409,
            (false, _) => SecondPayment::Second,
        },
        confirm_again: if coin() { ConfirmAgain::Refused } else { ConfirmAgain::Duplicate },
        delete_unknown_cart: match coin() {
            true => DeleteUnknownCart::NoContent,
            false => DeleteUnknownCart::NotFound,
        },
        empty_checkout: match coin() {
            true => EmptyCheckout::BadRequest,
            false => EmptyCheckout::Unprocessable,
        },
        pending: if coin() { Pending::Waits } else { Pending::FollowsStripe },
        cancel_pending: if coin() { CancelPending::Allowed } else { CancelPending::Refused422 },
        update_ended_payment: match coin() {
            true => UpdateEndedPayment::Refused,
            false => UpdateEndedPayment::Answers,
        },
        declined_payment: match coin() {
            true => DeclinedPayment::Says,
            false => DeclinedPayment::Untold,
        },
        order_index_lag_ms: match (coin(), coin()) {
            (true, true) => 60_000,
            (true, false) => 3_000,
            (false, _) => 0,
        },
    };
    (modes, coin())
}

fn config(closes_challenges: bool) -> Config {
    let closes = if closes_challenges { "yes" } else { "no" };
    let settings = platform::settings(&[
        ("EP_CLOSES_CHALLENGES", closes),
        ("TILL_RATE_VISITOR_PER_MINUTE", "10000"),
        ("TILL_RATE_ADDRESS_PER_MINUTE", "10000"),
    ]);
    let pairs = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Config::load(Sources::of_texts(pairs, "", "")).unwrap()
}
