//! Everything the simulator remembers, behind one mutex that is never held across an await.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Clock;
use crate::ids::Ids;
use crate::stripe::Options;
use crate::stripe::api::idempotency::Replies;
use crate::stripe::api::rate_limit::{Meter, RateLimits};
use crate::stripe::control::fault::Fault;
use crate::stripe::objects::balance_transaction::BalanceTransaction;
use crate::stripe::objects::charge::Charge;
use crate::stripe::objects::confirmation_token::ConfirmationToken;
use crate::stripe::objects::customer::Customer;
use crate::stripe::objects::dispute::Dispute;
use crate::stripe::objects::early_fraud_warning::EarlyFraudWarning;
use crate::stripe::objects::event::Event;
use crate::stripe::objects::event_destination::EventDestination;
use crate::stripe::objects::payment_intent::PaymentIntent;
use crate::stripe::objects::payment_method::{Kind, PaymentMethod};
use crate::stripe::objects::refund::Refund;
use crate::stripe::objects::thin_event::ThinEvent;
use crate::stripe::objects::webhook_endpoint::Endpoint;
use crate::stripe::rules::agenda::Agenda;
use crate::stripe::rules::debits::{self, Account};
use crate::stripe::rules::refunds::RefundCourse;
use crate::stripe::table::Table;
use crate::stripe::webhooks::queue::Webhooks;

pub(crate) struct State {
    /// How often everything was forgotten.
    pub resets: u64,
    pub settings: Settings,
    pub clock: Clock,
    pub ids: Ids,
    pub payment_intents: Table<PaymentIntent>,
    pub payment_methods: Table<PaymentMethod>,
    pub charges: Table<Charge>,
    pub refunds: Table<Refund>,
    pub disputes: Table<Dispute>,
    pub early_fraud_warnings: Table<EarlyFraudWarning>,
    pub customers: Table<Customer>,
    pub confirmation_tokens: Table<ConfirmationToken>,
    pub balance_transactions: Table<BalanceTransaction>,
    pub events: Table<Event>,
    pub thin_events: Table<ThinEvent>,
    pub endpoints: Table<Endpoint>,
    pub event_destinations: Table<EventDestination>,
    pub webhooks: Webhooks,
    /// Challenge id to payment intent id.
    pub challenges: HashMap<String, String>,
    pub replies: Replies,
    pub faults: Vec<Fault>,
    /// Whether Stripe lets the account take money.
    pub charges_enabled: bool,
    /// What the next refunds do, as a test has ordered it.
    pub refund_courses: Vec<RefundCourse>,
    pub meter: Meter,
    pub agenda: Agenda,
}

/// The options that hold for the whole life of a simulator.
pub(crate) struct Settings {
    pub secret_key: String,
    pub publishable_key: String,
    pub livemode: bool,
    pub retry_delays: Vec<Duration>,
    pub lock_wait: Duration,
    pub rate_limits: Option<RateLimits>,
    pub debit_delay: Duration,
    pub search_lag: Duration,
    pub refund_delay: Duration,
    pub dispute_delay: Duration,
}

impl State {
    pub fn new(options: Options) -> Self {
        Self {
            resets: 0,
            settings: Settings {
                secret_key: options.secret_key,
                publishable_key: options.publishable_key,
                livemode: options.livemode,
                retry_delays: options.retry_delays,
                lock_wait: options.lock_wait,
                rate_limits: options.rate_limits,
                debit_delay: options.debit_delay,
                search_lag: options.search_lag,
                refund_delay: options.refund_delay,
                dispute_delay: options.dispute_delay,
            },
            clock: Clock::new(options.start),
            ids: Ids::new(options.seed),
            payment_intents: Table::default(),
            payment_methods: Table::default(),
            charges: Table::default(),
            refunds: Table::default(),
            disputes: Table::default(),
            early_fraud_warnings: Table::default(),
            customers: Table::default(),
            confirmation_tokens: Table::default(),
            balance_transactions: Table::default(),
            events: Table::default(),
            thin_events: Table::default(),
            endpoints: Table::default(),
            event_destinations: Table::default(),
            webhooks: Webhooks::default(),
            challenges: HashMap::new(),
            replies: Replies::default(),
            faults: Vec::new(),
            charges_enabled: true,
            refund_courses: Vec::new(),
            meter: Meter::default(),
            agenda: Agenda::default(),
        }
    }

    /// Forgets what happened and what was ordered. The clock, the keys, the rate limits and
    /// whoever receives events stay: a shop registers once, at its start.
    pub fn reset(&mut self) {
        self.resets += 1;
        self.payment_intents = Table::default();
        self.payment_methods = Table::default();
        self.charges = Table::default();
        self.refunds = Table::default();
        self.disputes = Table::default();
        self.early_fraud_warnings = Table::default();
        self.customers = Table::default();
        self.confirmation_tokens = Table::default();
        self.balance_transactions = Table::default();
        self.agenda = Agenda::default();
        self.events = Table::default();
        self.thin_events = Table::default();
        self.webhooks = Webhooks::default();
        self.challenges.clear();
        self.replies = Replies::default();
        self.faults.clear();
        self.charges_enabled = true;
        self.refund_courses.clear();
        self.meter = Meter::default();
    }

    /// What was made before this second is found by a search.
    pub fn indexed(&self) -> i64 {
        let lag = i64::try_from(self.settings.search_lag.as_secs()).unwrap_or(i64::MAX);
        self.clock.seconds().saturating_sub(lag)
    }

    /// The test account that a debit is drawn on.
    pub fn debited(&self, intent_id: &str) -> Option<&'static Account> {
        let intent = self.payment_intents.get(intent_id)?;
        match &self.payment_methods.get(intent.payment_method.as_deref()?)?.kind {
            Kind::SepaDebit { account, .. } => Some(account),
            Kind::Card { .. } | Kind::Redirect(_) => None,
        }
    }

    /// How the test account of a processing debit says that it ends.
    pub fn debit_would_succeed(&self, intent_id: &str) -> bool {
        self.debited(intent_id).is_some_and(|account| account.refusal.is_none())
    }

    /// How long the bank takes.
    pub fn debit_delay(&self, intent_id: &str) -> Duration {
        let slow = self.debited(intent_id).is_some_and(|account| account.slow);
        self.settings.debit_delay + if slow { debits::SLOW } else { Duration::ZERO }
    }
}
