//! Nothing fails any more, time passes, and everything comes to its end.

use super::{Platform, invariants, plan::Call};
use crate::simulation::{
    history::{World, take},
    step::Step,
};

/// How often the worker looks while the money must be settled.
const TICK_S: u64 = 45;
/// So many looks are six minutes.
const TICKS: u64 = 8;
/// Beyond them: challenges, debits, late twins, deadlines of every kind.
const DEADLINES: [u64; 8] =
    [16 * 60, 31 * 60, 65 * 60, 2 * 3600, 12 * 3600, 24 * 3600, 24 * 3600, 72 * 3600];

pub fn heal(world: &mut Platform) -> Result<(), String> {
    world.ep.clear_faults();
    world.town.spare();
    let mut number = 1_000;
    for _ in 0..TICKS {
        number = work(world, TICK_S, number)?;
    }
    for wait in DEADLINES {
        let settled = settle(world, wait);
        if !settled && invariants::open(world).is_empty() {
            break;
        }
        number = work(world, wait, number)?;
        number = work(world, TICK_S, number)?;
    }
    let open = invariants::open(world);
    if !open.is_empty() {
        return Err(format!("never ends: {}", open.join("; ")));
    }
    invariants::compare(world)
}

/// Time passes, and the worker does what is due.
fn work(world: &mut Platform, wait: u64, number: u64) -> Result<u64, String> {
    take(world, number, &Step::Wait(wait))?;
    take(world, number + 1, &Step::Do(vec![Call::Work { node: 0 }]))?;
    world.check()?;
    Ok(number + 10)
}

/// The banks answer, and no challenge waits for ever. Whether there was one.
fn settle(world: &Platform, wait: u64) -> bool {
    let payments = world.ep.ledger().payments;
    let ended = payments.iter().filter(|one| match one.status {
        "processing" => world.ep.settle(&one.id, None),
        "requires_action" if wait > 2 * 3600 => world.ep.authenticate(&one.id, Some(false)),
        _ => false,
    });
    ended.count() > 0
}
