//! What happens at Stripe, at banks, and in the operator's office.

use std::time::Duration;

use http::Method;
use server::cli::catalog::{import, sheet};
use simulators::stripe::{
    DisputeOrder, DisputeOutcome, Fault, FaultKind, LedgerEntry, Outcome, RefundFailure,
    RefundOutcome, ReleaseOrder, Stripe,
};

use super::{
    Native,
    plan::{Deed, End, Place, Trouble, Types, Verdict},
};
use crate::shop::SHELVES;

impl Native {
    /// What happens without a request to the shop.
    pub fn arrange(&mut self, deed: &Deed) {
        let stripe = self.stripe.clone();
        match deed {
            Deed::Import { sku, cents, pieces } => self.import(*sku, *cents, *pieces),
            Deed::Settle { payment, paid } => {
                let outcome =
                    paid.map(|paid| if paid { Outcome::Succeeded } else { Outcome::Failed });
                if let Some(entry) = self.at_stripe(*payment, |entry| entry.status == "processing")
                {
                    stripe.settle(&entry.id, outcome);
                }
            }
            Deed::Drift { payment, amount } => {
                let open = |entry: &LedgerEntry| entry.amount_received == 0;
                if let Some(entry) = self.at_stripe(*payment, open)
                    && entry.amount != *amount
                {
                    stripe.falsify_amount_received(&entry.id, *amount);
                    self.drifted.insert(entry.id);
                }
            }
            Deed::Dispute { payment, inquiry } => {
                let paid = |entry: &LedgerEntry| entry.status == "succeeded";
                if let Some(entry) = self.at_stripe(*payment, paid) {
                    let order = DisputeOrder { inquiry: *inquiry, ..DisputeOrder::default() };
                    let done = stripe.dispute(&entry.id, &order);
                    self.town.ground.trace.say(|| format!("  dispute: {done:?}"));
                }
            }
            Deed::Judge { dispute, verdict } => {
                let done = verdict.fall(&stripe, *dispute);
                self.town.ground.trace.say(|| format!("  verdict: {done:?}"));
            }
            Deed::CancelThere { payment } => {
                if let Some(entry) = self.at_stripe(*payment, |_| true) {
                    stripe.cancel(&entry.id, None);
                }
            }
            Deed::Forget { payment } => {
                if let Some(entry) = self.at_stripe(*payment, |_| true) {
                    stripe.expire_authentication(&entry.id);
                }
            }
            Deed::Course(course) => stripe.order_refund_course(*course),
            Deed::EndRefund { refund, end } => self.end_refund(*refund, *end),
            Deed::Merchant(manner) => self.merchant.behave(*manner),
            Deed::Hold(types) => stripe.hold_webhooks_of(types.names()),
            Deed::Lose(types) => stripe.drop_webhooks_of(types.names()),
            Deed::Release { reversed: true } => {
                stripe.release_webhooks_of(Types::All.names(), ReleaseOrder::Reverse);
            }
            Deed::Release { reversed: false } => stripe.release_webhooks(),
            Deed::Delay(types, seconds) => {
                stripe.delay_webhooks(types.names(), Duration::from_secs(*seconds));
            }
            Deed::Repeat(types, times) => stripe.repeat_webhooks(types.names(), *times),
            Deed::Duplicate { event } => {
                let events = stripe.events();
                if let Some(event) = events.iter().rev().nth(*event) {
                    stripe.duplicate_event(&event.id);
                }
            }
            Deed::Fault(place, trouble, times) => stripe.inject(fault(*place, *trouble, *times)),
            Deed::Mend => stripe.clear_faults(),
        }
    }

    /// A payment at Stripe, counted from the newest of those that fit.
    pub fn at_stripe(
        &self,
        payment: usize,
        fits: impl Fn(&LedgerEntry) -> bool,
    ) -> Option<LedgerEntry> {
        let mut ledger = self.stripe.ledger();
        ledger.retain(|entry| fits(entry));
        ledger.into_iter().rev().nth(payment)
    }

    /// A refund at Stripe, counted from the newest.
    fn end_refund(&self, refund: usize, end: End) {
        let refunds = self.stripe.ledger().into_iter().flat_map(|entry| entry.refunds);
        let ids: Vec<String> = refunds.map(|one| one.id).collect();
        if let Some(id) = ids.iter().rev().nth(refund) {
            let done = self.stripe.settle_refund(id, end.outcome());
            self.town.ground.trace.say(|| format!("  {id} ends: {done}"));
        }
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
        let ground = &self.town.ground;
        let clock = ground.clock();
        let done = self.town.street.block_on(import(&ground.store, rows, &clock, &ground.ids));
        if done.is_ok() {
            *self.delivered.entry(name).or_default() += pieces;
        }
        ground.trace.say(|| format!("  import: {done:?}"));
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

impl End {
    fn outcome(self) -> RefundOutcome {
        match self {
            Self::Arrives => RefundOutcome::Succeeded,
            Self::Fails => RefundOutcome::Failed(RefundFailure::Unknown),
            Self::Stopped => RefundOutcome::Canceled,
        }
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
        Place::Refunds => (None, "/v1/refunds"),
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
