//! What a test orders about deliveries, by event type: held or lost, later, more than once.
//!
//! Of each sort of order the newest rule that matches an event's type counts. Thin events are
//! named with their own types, such as `v1.payment_intent.succeeded`.

use serde_json::{Value, json};

use crate::stripe::api::list::kind_matches;

/// Event types: whole names, `charge.*`, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Types(Vec<String>);

/// What becomes of deliveries that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    Held,
    Dropping,
}

/// A value that rules may change for some types.
pub(crate) struct ByType<T> {
    usual: T,
    /// Oldest first.
    rules: Vec<(Types, T)>,
}

pub(crate) struct Rules {
    pub gate: ByType<Gate>,
    /// Milliseconds between an event and its first delivery.
    pub delay: ByType<i64>,
    /// How often an event is delivered.
    pub times: ByType<u32>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { gate: ByType::new(Gate::Open), delay: ByType::new(0), times: ByType::new(1) }
    }
}

impl Types {
    pub fn all() -> Self {
        Self(vec!["*".into()])
    }

    /// `None` is every type.
    pub fn read(given: Option<Vec<String>>) -> Result<Self, String> {
        let Some(given) = given else { return Ok(Self::all()) };
        let wrong = |name: &String| match name.strip_suffix('*').unwrap_or(name) {
            "" => name.is_empty(),
            start => start.contains('*'),
        };
        match given.iter().find(|name| wrong(name)) {
            Some(name) => Err(format!("'{name}' is not an event type: a star ends a name")),
            None if given.is_empty() => Err("types must name at least one event type".into()),
            None => Ok(Self(given)),
        }
    }

    pub fn matches(&self, kind: &str) -> bool {
        self.0.iter().any(|wanted| kind_matches(wanted, kind))
    }

    /// Whether nothing matches `other` that does not match `self`.
    fn cover(&self, other: &Self) -> bool {
        other.0.iter().all(|name| self.matches(name))
    }
}

impl<T: Copy + PartialEq> ByType<T> {
    fn new(usual: T) -> Self {
        Self { usual, rules: Vec::new() }
    }

    pub fn of(&self, kind: &str) -> T {
        let newest = self.rules.iter().rev().find(|(types, _)| types.matches(kind));
        newest.map_or(self.usual, |(_, value)| *value)
    }

    /// Adds a rule; those it covers can never count again.
    pub fn set(&mut self, types: &Types, value: T) {
        self.rules.retain(|(older, _)| !types.cover(older));
        if value != self.usual || !self.rules.is_empty() {
            self.rules.push((types.clone(), value));
        }
    }
}

impl Rules {
    /// For the control API, the oldest of each sort first.
    pub fn render(&self) -> Value {
        let gates = self.gate.rules.iter().map(|(types, gate)| {
            let order = match gate {
                Gate::Open => "release",
                Gate::Held => "hold",
                Gate::Dropping => "drop",
            };
            json!({ "order": order, "types": types.0 })
        });
        let delays = self.delay.rules.iter();
        let delays =
            delays.map(|(types, ms)| json!({ "order": "delay", "types": types.0, "ms": ms }));
        let times = self.times.rules.iter();
        let times = times
            .map(|(types, times)| json!({ "order": "repeat", "types": types.0, "times": times }));
        gates.chain(delays).chain(times).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(names: &[&str]) -> Types {
        Types::read(Some(names.iter().map(|name| (*name).to_owned()).collect())).unwrap()
    }

    #[test]
    fn the_newest_rule_that_matches_counts() {
        let mut gate = ByType::new(Gate::Open);
        gate.set(&types(&["charge.*"]), Gate::Held);
        gate.set(&types(&["charge.updated"]), Gate::Dropping);
        assert_eq!(gate.of("charge.updated"), Gate::Dropping);
        assert_eq!(gate.of("charge.succeeded"), Gate::Held);
        assert_eq!(gate.of("payment_intent.succeeded"), Gate::Open);
        gate.set(&types(&["charge.*"]), Gate::Open);
        assert_eq!(gate.of("charge.updated"), Gate::Open);
        assert!(gate.rules.is_empty());
    }

    #[test]
    fn a_rule_for_some_types_leaves_the_others_to_older_rules() {
        let mut gate = ByType::new(Gate::Open);
        gate.set(&Types::all(), Gate::Held);
        gate.set(&types(&["charge.updated", "refund.*"]), Gate::Open);
        assert_eq!(gate.of("refund.created"), Gate::Open);
        assert_eq!(gate.of("charge.succeeded"), Gate::Held);
    }

    #[test]
    fn a_star_stands_at_the_end_only() {
        for wrong in ["", "*.succeeded", "char*ge", "charge.**"] {
            assert!(Types::read(Some(vec![wrong.into()])).is_err(), "{wrong}");
        }
        assert!(Types::read(Some(Vec::new())).is_err());
        assert_eq!(Types::read(None).unwrap(), Types::all());
    }
}
