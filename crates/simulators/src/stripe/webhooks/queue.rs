//! Webhook endpoints and what is sent to them.
//!
//! Every event is queued once per endpoint that wants it, tried again with growing pauses until
//! the endpoint answers 2xx or the tries are used up, and signed anew for every try. Deliveries
//! may come late, twice and in another order; the control API makes each of these happen.

use std::collections::BTreeSet;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::stripe::state::State;

/// What happens to deliveries that are due.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) enum Mode {
    #[default]
    Flowing,
    Held,
    Dropping,
}

#[derive(Default)]
pub(crate) struct Webhooks {
    pub mode: Mode,
    rows: Vec<Delivery>,
    /// Due time in milliseconds, order among equals, place in `rows`.
    waiting: BTreeSet<(i64, i64, usize)>,
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
        match self.mode {
            Mode::Flowing => self.waiting.first().map(|(due, _, _)| *due),
            Mode::Held | Mode::Dropping => None,
        }
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

    /// Lets waiting deliveries go again.
    pub fn release(&mut self) {
        self.mode = Mode::Flowing;
    }

    /// Lets waiting deliveries go again, of those due at `now` the newest first.
    pub fn release_reversed(&mut self, now: i64) {
        self.mode = Mode::Flowing;
        let waiting = std::mem::take(&mut self.waiting);
        let turned = |(due, order, place): (i64, i64, usize)| match due <= now {
            true => (0, -order, place),
            false => (due, order, place),
        };
        self.waiting = waiting.into_iter().map(turned).collect();
    }

    /// Loses everything that waits, and everything to come until released.
    pub fn drop_all(&mut self) {
        self.mode = Mode::Dropping;
        for (_, _, place) in std::mem::take(&mut self.waiting) {
            self.rows[place].state = DeliveryState::Dropped;
        }
    }
}

impl State {
    pub fn queue_deliveries(&mut self, event: &str, kind: &'static str) -> Vec<usize> {
        let endpoints: Vec<String> = self
            .endpoints
            .rows()
            .iter()
            .filter(|endpoint| endpoint.enabled && endpoint.wants(kind))
            .map(|endpoint| endpoint.id.clone())
            .collect();
        endpoints
            .into_iter()
            .map(|endpoint| {
                let place = self.add_delivery(event, kind, endpoint, false);
                if self.webhooks.mode == Mode::Dropping {
                    self.webhooks.rows[place].state = DeliveryState::Dropped;
                } else {
                    let now = self.clock.milliseconds();
                    self.webhooks.wait(place, now);
                }
                place
            })
            .collect()
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
            let due = self.webhooks.next_due()?;
            if due > self.clock.milliseconds() {
                return None;
            }
            let (_, _, place) = self.webhooks.waiting.pop_first()?;
            self.webhooks.rows[place].state = DeliveryState::InFlight;
            match self.sign(place) {
                Some(outgoing) => return Some(outgoing),
                // Its endpoint was deleted meanwhile.
                None => self.webhooks.rows[place].state = DeliveryState::Failed,
            }
        }
    }

    /// A second delivery of an event to every endpoint that wants it, outside the queue.
    pub fn repeat_delivery(&mut self, event: &str) -> Vec<Outgoing> {
        let Some(kind) = self.events.get(event).map(|event| event.kind) else { return Vec::new() };
        let endpoints: Vec<String> = self
            .endpoints
            .rows()
            .iter()
            .filter(|endpoint| endpoint.enabled && endpoint.wants(kind))
            .map(|endpoint| endpoint.id.clone())
            .collect();
        endpoints
            .into_iter()
            .filter_map(|endpoint| {
                let place = self.add_delivery(event, kind, endpoint, true);
                self.sign(place)
            })
            .collect()
    }

    /// Writes down how an attempt ended; an attempt without a 2xx is tried again later.
    pub fn finish_delivery(&mut self, place: usize, id: &str, answer: Answer) {
        let now = self.clock.milliseconds();
        let delivered = answer.as_ref().is_ok_and(|status| (200..300).contains(status));
        let dropping = self.webhooks.mode == Mode::Dropping;
        // After a reset the place may be empty or another delivery's.
        let found = self.webhooks.rows.get_mut(place).filter(|delivery| delivery.id == id);
        let Some(delivery) = found else { return };
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
        let endpoint = self.endpoints.get(&delivery.endpoint)?;
        let event = self.events.get(&delivery.event)?;
        let mut body = serde_json::to_string_pretty(&self.render_event(event)).ok()?;
        body.push('\n');
        let now = self.clock.seconds();
        let mut signature = format!("t={now}");
        for secret in endpoint.secrets.iter().filter(|secret| secret.signs_at(now)) {
            signature.push_str(&format!(",v1={}", v1(&secret.text, now, body.as_bytes())));
        }
        if !endpoint.livemode {
            // Stripe adds a worthless v0 in test mode; a receiver has to ignore it.
            signature.push_str(&format!(",v0={}", hex::encode(Sha256::digest(body.as_bytes()))));
        }
        let request = http::Request::post(&endpoint.url)
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
