//! Webhook endpoints and what is sent to them.
//!
//! Every event is queued once per endpoint that wants it, tried again with growing pauses until
//! the endpoint answers 2xx or the tries are used up, and signed anew for every try. Deliveries
//! may come late, twice and in another order; the control API makes each of these happen.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::stripe::objects::event_destination::Payload;
use crate::stripe::state::State;
use crate::stripe::webhooks::rules::{Gate, Rules, Types};

/// When a delivery is due in milliseconds, its order among equals, its place in the rows.
type Turn = (i64, i64, usize);

#[derive(Default)]
pub(crate) struct Webhooks {
    pub rules: Rules,
    rows: Vec<Delivery>,
    waiting: BTreeSet<Turn>,
    /// Were due, but a rule held them.
    held: BTreeSet<Turn>,
}

/// In which order released deliveries go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseOrder {
    /// As they were made.
    #[default]
    AsMade,
    /// The newest first.
    Reverse,
    /// In an order that the seed chooses.
    Shuffle,
}

pub(crate) struct Delivery {
    pub id: String,
    pub event: String,
    pub kind: &'static str,
    pub endpoint: String,
    pub state: DeliveryState,
    pub attempts: Vec<Attempt>,
    /// Sent by hand: does not count for `pending_webhooks` and is not tried again.
    pub repeat: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum DeliveryState {
    Waiting,
    InFlight,
    Delivered,
    Failed,
    Dropped,
}

pub(crate) struct Attempt {
    /// Milliseconds since 1970.
    pub at: i64,
    pub answer: Answer,
}

/// The endpoint's status code, or why there was none.
pub(crate) type Answer = Result<u16, String>;

/// One signed request, ready to be sent.
pub(crate) struct Outgoing {
    pub place: usize,
    pub id: String,
    pub request: http::Request<Bytes>,
}

impl Webhooks {
    pub fn is_delivered(&self, place: usize) -> bool {
        self.rows.get(place).is_some_and(|row| row.state == DeliveryState::Delivered)
    }

    pub fn rows(&self) -> &[Delivery] {
        &self.rows
    }

    /// When the next delivery is due, in milliseconds since 1970.
    pub fn next_due(&self) -> Option<i64> {
        self.waiting.first().map(|(due, _, _)| *due)
    }

    /// When each waiting delivery is due, in milliseconds since 1970, by its place.
    pub fn due_times(&self) -> HashMap<usize, i64> {
        self.waiting.iter().chain(&self.held).map(|(due, _, place)| (*place, *due)).collect()
    }

    fn push(&mut self, delivery: Delivery) -> usize {
        self.rows.push(delivery);
        self.rows.len() - 1
    }

    fn wait(&mut self, place: usize, due: i64) {
        let order = i64::try_from(place).unwrap_or(i64::MAX);
        self.waiting.insert((due, order, place));
        self.rows[place].state = DeliveryState::Waiting;
    }

    fn gate(&self, (_, _, place): Turn) -> Gate {
        self.rules.gate.of(self.rows[place].kind)
    }

    /// Holds what waits and what will wait.
    pub fn hold(&mut self, types: &Types) {
        self.rules.gate.set(types, Gate::Held);
        self.sort_held();
    }

    /// Loses what waits, and what comes until it is released.
    pub fn drop(&mut self, types: &Types) {
        self.rules.gate.set(types, Gate::Dropping);
        let rows = &mut self.rows;
        let mut keep = |turn: &Turn| {
            let row = &mut rows[turn.2];
            let lost = types.matches(row.kind);
            if lost {
                row.state = DeliveryState::Dropped;
            }
            !lost
        };
        self.waiting.retain(&mut keep);
        self.held.retain(&mut keep);
    }

    /// Lets deliveries go again.
    fn release(&mut self, types: &Types) {
        self.rules.gate.set(types, Gate::Open);
        self.sort_held();
    }

    /// What no rule holds any more waits again.
    fn sort_held(&mut self) {
        for turn in std::mem::take(&mut self.held) {
            match self.gate(turn) {
                Gate::Held => self.held.insert(turn),
                // What is dropped was taken out when it was.
                Gate::Open | Gate::Dropping => self.waiting.insert(turn),
            };
        }
    }

    /// Takes the next delivery that is due and not held.
    fn take_due(&mut self, now: i64) -> Option<usize> {
        loop {
            let turn = self.waiting.first().copied().filter(|(due, _, _)| *due <= now)?;
            self.waiting.remove(&turn);
            match self.gate(turn) {
                Gate::Open => return Some(turn.2),
                Gate::Held => {
                    self.held.insert(turn);
                }
                Gate::Dropping => self.rows[turn.2].state = DeliveryState::Dropped,
            }
        }
    }

    /// Every delivery that waits or is held, in its order, with the time at which it is due.
    pub fn render_waiting(&self) -> Value {
        let turns = self.held.iter().chain(&self.waiting);
        let row = |turn: &Turn| {
            let mut row = self.rows[turn.2].render();
            row["due_ms"] = turn.0.into();
            row["held"] = (self.gate(*turn) == Gate::Held).into();
            row
        };
        turns.map(row).collect()
    }
}

impl State {
    /// Queues an event for everybody who wants it; the places are those that count for
    /// `pending_webhooks`.
    pub fn queue_deliveries(
        &mut self,
        event: &str,
        kind: &'static str,
        payload: Payload,
    ) -> Vec<usize> {
        let receivers = self.receivers(kind, payload);
        let due = self.clock.milliseconds().saturating_add(self.webhooks.rules.delay.of(kind));
        let times = self.webhooks.rules.times.of(kind);
        let mut counted = Vec::with_capacity(receivers.len());
        for receiver in receivers {
            counted.push(self.queue_delivery(event, kind, &receiver, due));
            for _ in 1..times {
                let place = self.queue_delivery(event, kind, &receiver, due);
                self.webhooks.rows[place].repeat = true;
            }
        }
        counted
    }

    /// Queues an event for one receiver.
    pub fn queue_delivery(
        &mut self,
        event: &str,
        kind: &'static str,
        receiver: &str,
        due: i64,
    ) -> usize {
        let place = self.add_delivery(event, kind, receiver.to_owned(), false);
        match self.webhooks.rules.gate.of(kind) {
            Gate::Dropping => self.webhooks.rows[place].state = DeliveryState::Dropped,
            Gate::Open | Gate::Held => self.webhooks.wait(place, due),
        }
        place
    }

    /// Lets deliveries of these types go again; of those that are due in the order asked for.
    pub fn release_deliveries(&mut self, types: &Types, order: ReleaseOrder) {
        self.webhooks.release(types);
        let now = self.clock.milliseconds();
        let rows = &self.webhooks.rows;
        let (mut due, rest): (Vec<Turn>, Vec<Turn>) = std::mem::take(&mut self.webhooks.waiting)
            .into_iter()
            .partition(|turn| turn.0 <= now && types.matches(rows[turn.2].kind));
        match order {
            ReleaseOrder::AsMade => {}
            ReleaseOrder::Reverse => due.sort_by_key(|turn| std::cmp::Reverse(turn.2)),
            ReleaseOrder::Shuffle => self.ids.shuffle(&mut due),
        }
        if order != ReleaseOrder::AsMade {
            // Before everything else, so that no due time changes the order.
            for (rank, turn) in (0..).zip(&mut due) {
                (turn.0, turn.1) = (0, rank);
            }
        }
        self.webhooks.waiting = due.into_iter().chain(rest).collect();
    }

    fn add_delivery(
        &mut self,
        event: &str,
        kind: &'static str,
        endpoint: String,
        repeat: bool,
    ) -> usize {
        let id = self.ids.make("whd_", 24);
        self.webhooks.push(Delivery {
            id,
            event: event.to_owned(),
            kind,
            endpoint,
            state: DeliveryState::InFlight,
            attempts: Vec::new(),
            repeat,
        })
    }

    /// Takes the next delivery that is due, signed for now.
    pub fn next_delivery(&mut self) -> Option<Outgoing> {
        loop {
            let place = self.webhooks.take_due(self.clock.milliseconds())?;
            self.webhooks.rows[place].state = DeliveryState::InFlight;
            match self.sign(place) {
                Some(outgoing) => return Some(outgoing),
                // Its endpoint is deleted or disabled: Stripe prevents this and later tries.
                None => self.webhooks.rows[place].state = DeliveryState::Failed,
            }
        }
    }

    /// A second delivery of an event to everybody who wants it, outside the queue.
    pub fn repeat_delivery(&mut self, event: &str) -> Vec<Outgoing> {
        let Some((kind, payload)) = self.kind_of(event) else { return Vec::new() };
        let receivers = self.receivers(kind, payload);
        receivers.iter().filter_map(|receiver| self.send_to(event, receiver)).collect()
    }

    /// A delivery of an event to one receiver, outside the queue, wanted or not. `None` when the
    /// event is not there, or the receiver is not there or disabled.
    pub fn send_to(&mut self, event: &str, receiver: &str) -> Option<Outgoing> {
        let (kind, _) = self.kind_of(event)?;
        self.receiver(receiver).filter(|receiver| receiver.enabled)?;
        let place = self.add_delivery(event, kind, receiver.to_owned(), true);
        self.sign(place)
    }

    fn kind_of(&self, event: &str) -> Option<(&'static str, Payload)> {
        let snapshot = self.events.get(event).map(|event| (event.kind, Payload::Snapshot));
        snapshot.or_else(|| self.thin_events.get(event).map(|event| (event.kind, Payload::Thin)))
    }

    /// Writes down how an attempt ended; an attempt without a 2xx is tried again later.
    pub fn finish_delivery(&mut self, place: usize, id: &str, answer: Answer) {
        let now = self.clock.milliseconds();
        let delivered = answer.as_ref().is_ok_and(|status| (200..300).contains(status));
        // After a reset the place may be empty or another delivery's.
        let found = self.webhooks.rows.get_mut(place).filter(|delivery| delivery.id == id);
        let Some(delivery) = found else { return };
        let dropping = self.webhooks.rules.gate.of(delivery.kind) == Gate::Dropping;
        delivery.attempts.push(Attempt { at: now, answer });
        let pause = self.settings.retry_delays.get(delivery.attempts.len() - 1).copied();
        delivery.state = match pause {
            _ if delivered => DeliveryState::Delivered,
            _ if dropping => DeliveryState::Dropped,
            Some(pause) if !delivery.repeat => {
                let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                self.webhooks.wait(place, now.saturating_add(pause));
                return;
            }
            _ => DeliveryState::Failed,
        };
    }

    fn sign(&self, place: usize) -> Option<Outgoing> {
        let delivery = &self.webhooks.rows[place];
        let receiver = self.receiver(&delivery.endpoint).filter(|receiver| receiver.enabled)?;
        let event = match self.events.get(&delivery.event) {
            Some(event) => self.render_event(event),
            None => self.thin_events.get(&delivery.event)?.notification(),
        };
        let mut body = serde_json::to_string_pretty(&event).ok()?;
        body.push('\n');
        let now = self.clock.seconds();
        let mut signature = format!("t={now}");
        for secret in receiver.secrets.iter().filter(|secret| secret.signs_at(now)) {
            signature.push_str(&format!(",v1={}", v1(&secret.text, now, body.as_bytes())));
        }
        if !self.settings.livemode {
            // Stripe adds a worthless v0 in test mode; a receiver has to ignore it.
            signature.push_str(&format!(",v0={}", hex::encode(Sha256::digest(body.as_bytes()))));
        }
        let request = http::Request::post(receiver.url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("cache-control", "no-cache")
            .header("accept", "*/*; q=0.5, application/xml")
            .header("stripe-signature", signature)
            .body(Bytes::from(body))
            .ok()?;
        Some(Outgoing { place, id: delivery.id.clone(), request })
    }
}

/// The signature of docs.stripe.com/webhooks/signatures: the whole secret is the key, `t`, a dot
/// and the raw body are the message.
pub(crate) fn v1(secret: &str, seconds: i64, body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(seconds.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

impl Delivery {
    /// For the control API; Stripe has no such object.
    pub fn render(&self) -> Value {
        let attempts: Vec<Value> = self
            .attempts
            .iter()
            .map(|attempt| {
                json!({
                    "at_ms": attempt.at,
                    "status": attempt.answer.as_ref().ok(),
                    "error": attempt.answer.as_ref().err(),
                })
            })
            .collect();
        json!({
            "id": self.id,
            "event": self.event,
            "type": self.kind,
            "endpoint": self.endpoint,
            "state": self.state.name(),
            "repeat": self.repeat,
            "attempts": attempts,
        })
    }
}

impl DeliveryState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InFlight => "in_flight",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_official_library() {
        let event = b"{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}";
        assert_eq!(
            v1("whsec_test_secret", 1_700_000_000, event),
            "4f1cd7feda9826e746b7d482c4badebb657398df1099e1046364f6196a230150"
        );
        assert_eq!(
            v1("whsec_other", 1_700_000_000, event),
            "62837b024f75143bacf95b5aefe083505d73fd291de844e4e837186da8abbeaa"
        );
        assert_eq!(
            v1(
                "whsec_test_secret",
                1_700_000_000,
                "{\"id\":\"evt_é\",\"note\":\"żółć €\"}".as_bytes()
            ),
            "e9060c7b7a51ef4bfe10fd688732e9ef1c696cbb99c50ced918047197ab3b63b"
        );
    }
}
