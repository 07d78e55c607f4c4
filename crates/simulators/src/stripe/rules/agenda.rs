//! What happens later by itself: it is written down with the simulated time at which it is due,
//! and done when somebody looks at a clock that is past it.
//!
//! A clock that jumps a week makes everything of that week happen in its order, each thing dated
//! with the moment it was due.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::stripe::objects::event::Origin;
use crate::stripe::objects::refund::RefundOutcome;
use crate::stripe::rules::disputes::{self, Later};
use crate::stripe::rules::{attempt, capture, refunds};
use crate::stripe::state::State;

/// Something that is due at some time. Whoever runs it looks first whether it still applies.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Task {
    /// The bank says whether it pays a debit that is processing.
    SettleDebit { intent: String, charge: String },
    /// Money that was set aside and not taken is let go.
    ExpireAuthorization { intent: String },
    /// A refund comes to its end.
    SettleRefund { refund: String, outcome: RefundOutcome },
    /// A bank closes a dispute, or decides it.
    Dispute { id: String, later: Later },
}

#[derive(Default)]
pub(crate) struct Agenda {
    /// By due time in milliseconds, then by the order they were written down in.
    tasks: BTreeMap<(i64, u64), Task>,
    written: u64,
}

impl Agenda {
    /// When the next task is due, in milliseconds since 1970.
    pub fn next_due(&self) -> Option<i64> {
        self.tasks.first_key_value().map(|((due, _), _)| *due)
    }
}

impl State {
    /// Lets `task` happen when `delay` has passed.
    pub fn schedule(&mut self, delay: Duration, task: Task) {
        let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        let due = self.clock.milliseconds().saturating_add(delay);
        self.agenda.written += 1;
        self.agenda.tasks.insert((due, self.agenda.written), task);
    }

    /// Does everything that is due, each at its own moment. Returns whether there was anything.
    pub fn run_due(&mut self) -> bool {
        let mut ran = false;
        while self.agenda.next_due().is_some_and(|due| due <= self.clock.milliseconds()) {
            let Some(((due, _), task)) = self.agenda.tasks.pop_first() else { break };
            self.clock.pretend(Timestamp::from_millisecond(due).ok());
            task.run(self);
            self.clock.pretend(None);
            ran = true;
        }
        ran
    }
}

impl Task {
    fn run(self, state: &mut State) {
        // Nobody's request: the events say so.
        let origin = Origin::default();
        match self {
            Self::SettleDebit { intent, charge } => {
                // It may have been settled by hand meanwhile, and tried again.
                let found = state.payment_intents.get(&intent);
                if found.is_some_and(|intent| intent.latest_charge.as_ref() == Some(&charge)) {
                    let paid = state.debit_would_succeed(&intent);
                    let _settled_before = attempt::settle(state, &intent, paid, &origin);
                }
            }
            Self::ExpireAuthorization { intent } => capture::expire(state, &intent, &origin),
            Self::SettleRefund { refund, outcome } => {
                let _settled_before = refunds::settle(state, &refund, outcome, &origin);
            }
            Self::Dispute { id, later } => disputes::later(state, &id, later, &origin),
        }
    }
}
