//! What the steps mean: a call becomes an errand, its answer is learnt, and what Stripe and the
//! operator do is arranged.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use server::cli::catalog::{import, sheet};
use simulators::stripe::{
    DisputeOrder, DisputeOutcome, Fault, FaultKind, LedgerEntry, Outcome, ReleaseOrder, Stripe,
};

use super::{
    errand::{Errand, Reply},
    node::Door,
    plan::{Call, Means, Place, Step, Trouble, Types, Verdict},
    trace::short,
    world::{Intent, World},
};
use crate::{guest, shop::SHELVES, stage};

impl World {
    /// The errand of a call; some have nothing to go for.
    pub fn prepare(&self, call: &Call, place: usize) -> Errand {
        match call {
            Call::Deliver => Errand::Deliver,
            Call::DeliverAgain => Errand::DeliverAgain,
            Call::Work { node } => Errand::Work(self.door(*node)),
            Call::Overtake { node, after } => Errand::Overtake(self.door(*node), *after),
            Call::Poll { node } => Errand::Poll(self.door(*node)),
            Call::Pay { shopper, payment, means } => match self.intent(*shopper, *payment) {
                Some(intent) if !intent.secret.is_empty() => {
                    Errand::AtStripe(stage::confirmation(&intent.secret, &means.form()))
                }
                Some(_) | None => Errand::Nothing,
            },
            Call::Challenge { shopper, payment, passed } => {
                if let Some(intent) = self.intent(*shopper, *payment) {
                    let reference = stage::payment_of(&intent.secret);
                    let done = self.stripe.authenticate(reference, *passed);
                    self.ground.trace.say(|| format!("  challenge {reference}: {done}"));
                }
                Errand::Nothing
            }
            Call::Add { .. }
            | Call::Change { .. }
            | Call::Empty { .. }
            | Call::Cart { .. }
            | Call::Intent { .. }
            | Call::Confirm { .. }
            | Call::Order { .. } => match self.shop_request(call) {
                Some(request) => Errand::Shop(self.door(place), request),
                None => Errand::Nothing,
            },
        }
    }

    fn shop_request(&self, call: &Call) -> Option<http::Request<axum::body::Body>> {
        Some(match call {
            Call::Add { shopper, sku, quantity } => {
                let product = self.products[SHELVES[*sku].0].to_string();
                let body = json!({ "productId": product, "quantity": quantity });
                self.request(*shopper, "POST", "/api/cart/items", Some(body))
            }
            Call::Change { shopper, line, quantity: 0 } => {
                let line = self.shoppers[*shopper].lines.get(*line)?;
                self.request(*shopper, "DELETE", &format!("/api/cart/items/{line}"), None)
            }
            Call::Change { shopper, line, quantity } => {
                let line = self.shoppers[*shopper].lines.get(*line)?;
                let body = json!({ "quantity": quantity });
                self.request(*shopper, "PATCH", &format!("/api/cart/items/{line}"), Some(body))
            }
            Call::Empty { shopper } => self.request(*shopper, "DELETE", "/api/cart", None),
            Call::Cart { shopper } => self.request(*shopper, "GET", "/api/cart", None),
            Call::Intent { shopper, form } => {
                let mut body = guest::checkout_request();
                body["shippingAddress"]["country"] = json!(["DE", "AT", "CH", "DE"][*form]);
                body["shippingAddress"]["postalCode"] =
                    json!(["10115", "1010", "8001", "10117"][*form]);
                self.request(*shopper, "POST", "/api/checkout/intent", Some(body))
            }
            Call::Confirm { shopper, payment } => {
                let body = json!({ "orderId": self.intent(*shopper, *payment)?.order });
                self.request(*shopper, "POST", "/api/checkout/confirm", Some(body))
            }
            Call::Order { shopper, payment } => {
                let path = format!("/api/orders/{}", self.intent(*shopper, *payment)?.order);
                self.request(*shopper, "GET", &path, None)
            }
            _ => return None,
        })
    }

    fn door(&self, number: usize) -> Door {
        let doors = self.doors.lock().unwrap();
        doors[number % doors.len()].clone()
    }

    /// A shopper's payment, counted from the newest.
    fn intent(&self, shopper: usize, payment: usize) -> Option<&Intent> {
        self.shoppers[shopper].intents.iter().rev().nth(payment)
    }

    /// What a client learns from an answer.
    pub fn learn(&mut self, call: &Call, reply: Option<Reply>) -> Result<(), String> {
        let Some(reply) = reply else {
            self.ground.trace.say(|| format!("  {call:?} -> no answer"));
            return Ok(());
        };
        let Reply { status, cookie, text } = reply;
        self.ground.trace.say(|| format!("  {call:?} -> {status} {}", short(&text)));
        if status == 500 && !matches!(call, Call::Pay { .. }) {
            return Err(format!("the server answered 500 to {call:?}: {text}"));
        }
        let (Call::Add { shopper, .. }
        | Call::Change { shopper, .. }
        | Call::Empty { shopper }
        | Call::Cart { shopper }
        | Call::Intent { shopper, .. }) = call
        else {
            return Ok(());
        };
        let shopper = *shopper;
        if let Some(cookie) = cookie {
            self.shoppers[shopper].cookie.get_or_insert(cookie);
        }
        if status != 200 {
            return Ok(());
        }
        let body: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        if let Call::Intent { .. } = call {
            return self.keep_intent(shopper, &text, &body);
        }
        let lines = body["items"].as_array().into_iter().flatten();
        self.shoppers[shopper].lines =
            lines.filter_map(|line| Some(line["id"].as_str()?.to_owned())).collect();
        Ok(())
    }

    /// The amount that she is shown is the amount that Stripe would charge.
    fn keep_intent(&mut self, shopper: usize, text: &str, body: &Value) -> Result<(), String> {
        let order = body["orderId"].as_str().unwrap_or_default().to_owned();
        let secret = body["clientSecret"].as_str().unwrap_or_default().to_owned();
        if !secret.is_empty() {
            let reference = stage::payment_of(&secret);
            let entry = self.at_stripe(0, |entry| entry.id == reference);
            let cents = entry.map_or(0, |entry| entry.amount);
            if !text.contains(&format!("\"amount\":{}.{:02}", cents / 100, cents % 100)) {
                return Err(format!("{reference} is {cents} at Stripe, and she was shown {text}"));
            }
            self.handed_out.insert(reference.to_owned());
        }
        let intents = &mut self.shoppers[shopper].intents;
        if intents.last().is_none_or(|last| last.order != order) {
            intents.push(Intent { order, secret });
        }
        Ok(())
    }

    /// What happens without a request to the shop.
    pub fn arrange(&mut self, step: &Step) {
        let stripe = self.stripe.clone();
        match step {
            Step::Do(_) | Step::HangUp(..) => {}
            Step::Import { sku, cents, pieces } => self.import(*sku, *cents, *pieces),
            Step::Settle { payment, paid } => {
                let outcome =
                    paid.map(|paid| if paid { Outcome::Succeeded } else { Outcome::Failed });
                if let Some(entry) = self.at_stripe(*payment, |entry| entry.status == "processing")
                {
                    stripe.settle(&entry.id, outcome);
                }
            }
            Step::Drift { payment, amount } => {
                let open = |entry: &LedgerEntry| entry.amount_received == 0;
                if let Some(entry) = self.at_stripe(*payment, open)
                    && entry.amount != *amount
                {
                    stripe.falsify_amount_received(&entry.id, *amount);
                    self.drifted.insert(entry.id);
                }
            }
            Step::Dispute { payment, inquiry } => {
                let paid = |entry: &LedgerEntry| entry.status == "succeeded";
                if let Some(entry) = self.at_stripe(*payment, paid) {
                    let order = DisputeOrder { inquiry: *inquiry, ..DisputeOrder::default() };
                    let done = stripe.dispute(&entry.id, &order);
                    self.ground.trace.say(|| format!("  dispute: {done:?}"));
                }
            }
            Step::Judge { dispute, verdict } => {
                let done = verdict.fall(&stripe, *dispute);
                self.ground.trace.say(|| format!("  verdict: {done:?}"));
            }
            Step::CancelThere { payment } => {
                if let Some(entry) = self.at_stripe(*payment, |_| true) {
                    stripe.cancel(&entry.id, None);
                }
            }
            Step::Forget { payment } => {
                if let Some(entry) = self.at_stripe(*payment, |_| true) {
                    stripe.expire_authentication(&entry.id);
                }
            }
            Step::Hold(types) => stripe.hold_webhooks_of(types.names()),
            Step::Lose(types) => stripe.drop_webhooks_of(types.names()),
            Step::Release { reversed: true } => {
                stripe.release_webhooks_of(Types::All.names(), ReleaseOrder::Reverse);
            }
            Step::Release { reversed: false } => stripe.release_webhooks(),
            Step::Delay(types, seconds) => {
                stripe.delay_webhooks(types.names(), Duration::from_secs(*seconds));
            }
            Step::Repeat(types, times) => stripe.repeat_webhooks(types.names(), *times),
            Step::Duplicate { event } => {
                let events = stripe.events();
                if let Some(event) = events.iter().rev().nth(*event) {
                    stripe.duplicate_event(&event.id);
                }
            }
            Step::Fault(place, trouble, times) => stripe.inject(fault(*place, *trouble, *times)),
            Step::Mend => stripe.clear_faults(),
            Step::Wait(seconds) => self.advance(*seconds),
            Step::Die { node, after } => self.nodes[node % self.nodes.len()].fate.doom(*after),
        }
    }

    /// A payment at Stripe, counted from the newest of those that fit.
    fn at_stripe(
        &self,
        payment: usize,
        fits: impl Fn(&LedgerEntry) -> bool,
    ) -> Option<LedgerEntry> {
        let mut ledger = self.stripe.ledger();
        ledger.retain(|entry| fits(entry));
        ledger.into_iter().rev().nth(payment)
    }

    /// By the functions of `till catalog import`. A refusal (too few pieces) is an answer.
    fn import(&mut self, sku: usize, cents: i64, pieces: i64) {
        let (name, _, _, shipping) = SHELVES[sku];
        let row = format!(
            "{name},A {name},,,{}.{:02},EUR,{pieces:+},yes,{}",
            cents / 100,
            cents % 100,
            if shipping { "yes" } else { "no" }
        );
        let file = format!("{}\n{row}", sheet::COLUMNS.join(","));
        let rows = sheet::read(file.as_bytes(), "EUR".parse().unwrap()).unwrap();
        let ground = &self.ground;
        let clock = ground.clock();
        let done = self.street.block_on(import(&ground.store, rows, &clock, &ground.ids));
        if done.is_ok() {
            *self.delivered.entry(name).or_default() += pieces;
        }
        ground.trace.say(|| format!("  import: {done:?}"));
    }
}

impl Means {
    fn form(self) -> String {
        let debit = |iban: &str| {
            format!(
                "payment_method_data[type]=sepa_debit&payment_method_data[sepa_debit][iban]={iban}\
                 &payment_method_data[billing_details][name]=Ada\
                 &payment_method_data[billing_details][email]=ada@example.org"
            )
        };
        match self {
            Self::Good => stage::card("4242424242424242"),
            Self::Declined => stage::card("4000000000000002"),
            Self::NoFunds => stage::card("4000000000009995"),
            Self::ThreeDSecure => stage::card("4000000000003220"),
            Self::Debit => debit("DE89370400440532013000"),
            Self::DebitThatFails => debit("DE62370400440532013001"),
        }
    }
}

impl Verdict {
    /// Falls on a dispute, counted from the newest; false where it cannot end so, or not any more.
    fn fall(self, stripe: &Stripe, dispute: usize) -> Option<bool> {
        let disputes = stripe.ledger().into_iter().flat_map(|entry| entry.disputes);
        let ids: Vec<String> = disputes.map(|one| one.id).collect();
        let id = ids.iter().rev().nth(dispute)?;
        let outcome = match self {
            Self::Won => DisputeOutcome::Won,
            Self::Lost => DisputeOutcome::Lost,
            Self::Closed => DisputeOutcome::WarningClosed,
            Self::Prevented => DisputeOutcome::Prevented,
            Self::Escalated => return Some(stripe.escalate_dispute(id)),
        };
        Some(stripe.decide_dispute(id, outcome))
    }
}

impl Types {
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::All => &["*"],
            Self::Succeeded => &["payment_intent.succeeded"],
            Self::Hints => &[
                "payment_intent.payment_failed",
                "payment_intent.processing",
                "payment_intent.requires_action",
            ],
            Self::Ends => &["payment_intent.succeeded", "payment_intent.cancel*"],
        }
    }
}

fn fault(place: Place, trouble: Trouble, times: u32) -> Fault {
    let (method, path) = match place {
        Place::Any => (None, ""),
        Place::Change => (Some(Method::POST), "/v1/payment_intents"),
        Place::Question => (Some(Method::GET), "/v1/payment_intents"),
        Place::Cancel => (Some(Method::POST), "/cancel"),
        Place::Events => (Some(Method::GET), "/v1/events"),
    };
    let kind = match trouble {
        Trouble::LoseBefore => FaultKind::LoseBefore,
        Trouble::LoseAfter => FaultKind::LoseAfter,
        Trouble::Status(status) => FaultKind::Status(status),
        Trouble::LockTimeout => FaultKind::LockTimeout,
        Trouble::FailBefore => FaultKind::FailBefore,
        Trouble::FailAfter => FaultKind::FailAfter,
        Trouble::SlowBy(seconds) => FaultKind::Slow(Duration::from_secs(seconds)),
        Trouble::SlowAfterBy(seconds) => FaultKind::SlowAfter(Duration::from_secs(seconds)),
        Trouble::Truncated => FaultKind::Truncated,
        Trouble::Garbage => FaultKind::Garbage,
    };
    Fault { method, path_prefix: path.to_owned(), times, kind }
}
