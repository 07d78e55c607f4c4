//! Nothing fails any more, time passes, and everything comes to its end.

use std::time::Duration;

use simulators::stripe::RefundOutcome;

use super::{Native, invariants, merchant, plan::Call};
use crate::simulation::{
    history::{World, take},
    step::Step,
};

/// Minutes within which the money must be settled once nothing fails any more.
const MINUTES: [u64; 3] = [0, 65, 8 * 60];
/// Beyond them: reservations, leases, keys, deadlines of every kind.
const DEADLINES: [u64; 8] =
    [35 * 60, 65 * 60, 2 * 3600, 12 * 3600, 24 * 3600, 24 * 3600, 72 * 3600, 24 * 3600];

pub fn heal(world: &mut Native) -> Result<(), String> {
    world.stripe.clear_faults();
    world.stripe.delay_webhooks(&["*"], Duration::ZERO);
    world.stripe.repeat_webhooks(&["*"], 1);
    world.stripe.release_webhooks();
    world.town.spare();
    merchant::mend(world)?;
    let mut number = 1_000;
    for wait in MINUTES {
        number = work(world, wait, number)?;
        if invariants::check_money(world).is_ok() {
            break;
        }
    }
    invariants::check_money(world)?;
    for wait in DEADLINES {
        let settled = settle_debits(world) | settle_refunds(world);
        if !settled && invariants::open(world)?.is_empty() {
            break;
        }
        number = work(world, wait, number)?;
    }
    invariants::check_money(world)?;
    let open = invariants::open(world)?;
    if !open.is_empty() {
        return Err(format!("never ends: {}", open.join("; ")));
    }
    invariants::check_told(world)
}

/// Time passes, webhooks come, and the worker and the poller do what is due, until no more is.
fn work(world: &mut Native, wait: u64, number: u64) -> Result<u64, String> {
    take(world, number, &Step::Wait(wait))?;
    let rounds =
        [Call::Deliver, Call::Work { node: 0 }, Call::Poll { node: 0 }, Call::Work { node: 0 }];
    for (place, call) in (1..).zip(rounds) {
        take(world, number + place, &Step::Do(vec![call]))?;
    }
    world.check()?;
    Ok(number + 10)
}

/// The banks answer: no debit takes longer than two weeks. Whether there was one.
fn settle_debits(world: &mut Native) -> bool {
    let under_way = world.stripe.ledger().into_iter().filter(|entry| entry.status == "processing");
    under_way.filter(|entry| world.stripe.settle(&entry.id, None)).count() > 0
}

/// No refund is on its way for ever. Whether there was one.
fn settle_refunds(world: &mut Native) -> bool {
    let refunds = world.stripe.ledger().into_iter().flat_map(|entry| entry.refunds);
    let under_way = refunds.filter(|one| matches!(one.status, "pending" | "requires_action"));
    under_way.filter(|one| world.stripe.settle_refund(&one.id, RefundOutcome::Succeeded)).count()
        > 0
}
