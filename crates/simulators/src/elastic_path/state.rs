//! Everything a store remembers, behind one mutex that is never held across an await.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::clock::Clock;
use crate::elastic_path::Options;
use crate::elastic_path::api::log::Logged;
use crate::elastic_path::api::token::AccessToken;
use crate::elastic_path::control::fault::Fault;
use crate::elastic_path::objects::account::Account;
use crate::elastic_path::objects::cart::Cart;
use crate::elastic_path::objects::order::Order;
use crate::elastic_path::objects::payment_intent::PaymentIntent;
use crate::elastic_path::objects::product::Product;
use crate::elastic_path::objects::promotion::Promotion;
use crate::elastic_path::objects::transaction::Transaction;
use crate::elastic_path::rules::confirmation_token::ConfirmationTokens;
use crate::elastic_path::rules::stripe::StripeAccount;
use crate::ids::Ids;

pub(crate) struct State {
    pub options: Options,
    pub clock: Clock,
    pub ids: Ids,
    pub tokens: HashMap<String, AccessToken>,
    /// By id, which is how carts and products are always asked for.
    pub carts: BTreeMap<String, Cart>,
    pub products: BTreeMap<String, Product>,
    /// By code.
    pub promotions: BTreeMap<String, Promotion>,
    pub accounts: Vec<Account>,
    pub confirmation_tokens: ConfirmationTokens,
    /// Oldest first, like orders and transactions.
    pub payment_intents: Vec<PaymentIntent>,
    pub orders: Vec<Order>,
    pub transactions: Vec<Transaction>,
    /// By slug, as they were put.
    pub gateways: BTreeMap<String, Value>,
    /// By id, as they were posted.
    pub integrations: BTreeMap<String, Value>,
    /// Where payments with tokens of Stripe.js are made; `None`: nowhere but here.
    pub stripe: Option<StripeAccount>,
    pub faults: Vec<Fault>,
    pub log: Vec<Logged>,
}

impl State {
    pub fn new(options: Options) -> Self {
        let mut ids = Ids::new(options.seed);
        let gateways = crate::elastic_path::routes::settings::default_gateways(&options, &mut ids);
        Self {
            clock: Clock::new(options.start),
            ids,
            options,
            tokens: HashMap::new(),
            carts: BTreeMap::new(),
            products: BTreeMap::new(),
            promotions: BTreeMap::new(),
            accounts: Vec::new(),
            confirmation_tokens: ConfirmationTokens::default(),
            payment_intents: Vec::new(),
            orders: Vec::new(),
            transactions: Vec::new(),
            gateways,
            integrations: BTreeMap::new(),
            stripe: None,
            faults: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Forgets what shoppers and the shop did, and what was ordered to go wrong. What is sold and
    /// to whom, the settings, the clock and the tokens stay.
    pub fn reset(&mut self) {
        self.carts.clear();
        self.confirmation_tokens = ConfirmationTokens::default();
        self.payment_intents.clear();
        self.orders.clear();
        self.transactions.clear();
        self.faults.clear();
        self.log.clear();
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn payment_intent(&self, id: &str) -> Option<&PaymentIntent> {
        self.payment_intents.iter().find(|intent| intent.id == id)
    }

    pub fn payment_intent_mut(&mut self, id: &str) -> Option<&mut PaymentIntent> {
        self.payment_intents.iter_mut().find(|intent| intent.id == id)
    }

    pub fn order(&self, id: &str) -> Option<&Order> {
        self.orders.iter().find(|order| order.id == id)
    }

    pub fn order_mut(&mut self, id: &str) -> Option<&mut Order> {
        self.orders.iter_mut().find(|order| order.id == id)
    }

    /// The cart as it is now: gone when it has expired, and then an empty one of the same id.
    pub fn cart(&mut self, id: &str) -> &mut Cart {
        let (now, days) = (self.now(), self.options.cart_days);
        let lifetime = SignedDuration::from_hours(24 * days);
        let is_over = |cart: &Cart| now.duration_since(cart.updated) >= lifetime;
        if self.carts.get(id).is_some_and(is_over) {
            self.carts.remove(id);
        }
        self.carts.entry(id.to_owned()).or_insert_with(|| Cart::new(id, now, days))
    }
}
