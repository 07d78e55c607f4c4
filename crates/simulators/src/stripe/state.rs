//! Everything the simulator remembers, behind one mutex that is never held across an await.

use std::collections::HashMap;
use std::time::Duration;

use super::Options;
use super::charge::Charge;
use super::clock::Clock;
use super::event::Event;
use super::fault::Fault;
use super::idempotency::Replies;
use super::ids::Ids;
use super::payment_intent::PaymentIntent;
use super::payment_method::{Kind, PaymentMethod, SepaOutcome};
use super::table::Table;
use super::webhook::{Endpoint, Webhooks};

pub(crate) struct State {
    pub settings: Settings,
    pub clock: Clock,
    pub ids: Ids,
    pub payment_intents: Table<PaymentIntent>,
    pub payment_methods: Table<PaymentMethod>,
    pub charges: Table<Charge>,
    pub events: Table<Event>,
    pub endpoints: Table<Endpoint>,
    pub webhooks: Webhooks,
    /// Challenge id to payment intent id.
    pub challenges: HashMap<String, String>,
    pub replies: Replies,
    pub faults: Vec<Fault>,
}

/// The options that hold for the whole life of a simulator.
pub(crate) struct Settings {
    pub secret_key: String,
    pub publishable_key: String,
    pub livemode: bool,
    pub retry_delays: Vec<Duration>,
}

impl State {
    pub fn new(options: Options) -> Self {
        Self {
            settings: Settings {
                secret_key: options.secret_key,
                publishable_key: options.publishable_key,
                livemode: options.livemode,
                retry_delays: options.retry_delays,
            },
            clock: Clock::new(options.start),
            ids: Ids::new(options.seed),
            payment_intents: Table::default(),
            payment_methods: Table::default(),
            charges: Table::default(),
            events: Table::default(),
            endpoints: Table::default(),
            webhooks: Webhooks::default(),
            challenges: HashMap::new(),
            replies: Replies::default(),
            faults: Vec::new(),
        }
    }

    /// Forgets what happened. Endpoints stay: a shop registers once, at its start.
    pub fn reset(&mut self) {
        self.payment_intents = Table::default();
        self.payment_methods = Table::default();
        self.charges = Table::default();
        self.events = Table::default();
        self.webhooks = Webhooks::default();
        self.challenges.clear();
        self.replies = Replies::default();
        self.faults.clear();
    }

    /// How the test account of a processing debit says that it ends.
    pub fn debit_would_succeed(&self, intent_id: &str) -> bool {
        let intent = self.payment_intents.get(intent_id);
        let method = intent.and_then(|intent| intent.payment_method.as_deref());
        let kind = method.and_then(|id| self.payment_methods.get(id)).map(|method| &method.kind);
        matches!(kind, Some(Kind::SepaDebit { outcome: SepaOutcome::Succeeds, .. }))
    }
}
