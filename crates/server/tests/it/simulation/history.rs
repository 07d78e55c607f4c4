//! A history from its seed to its end: every step, what holds after each, and the healing at the
//! end, after which nothing may be open.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    disk,
    invariants::{self, Memory},
    plan::{Call, Step},
    trace::Trace,
    world::World,
};

/// Why a history failed, and what was said until then.
pub struct Failure {
    /// What must never happen.
    pub breach: String,
    /// During or after which step; nothing: at the end.
    pub step: Option<u64>,
    pub trace: Vec<String>,
}

/// Plays a plan. Returns everything that was said, if it is heard.
pub fn play(
    seed: u64,
    nodes: usize,
    plan: &[(u64, Step)],
    trace: &Trace,
) -> Result<Vec<String>, Box<Failure>> {
    let (mut world, mut step) = (None, None);
    let played = catch_unwind(AssertUnwindSafe(|| {
        let world = world.insert(World::open(seed, nodes, trace.clone()));
        let mut memory = Memory::default();
        for (number, taken) in plan {
            step = Some(*number);
            world.take(*number, taken)?;
            invariants::check(world, &mut memory)?;
        }
        step = None;
        heal(world, &mut memory)
    }));
    let trace = trace.take();
    let breach = match played {
        Ok(Ok(())) => {
            world.into_iter().for_each(|world| disk::give_back(world.ground.store.clone()));
            return Ok(trace);
        }
        Ok(Err(breach)) => breach,
        Err(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "a panic".to_owned()),
    };
    Err(Box::new(Failure { breach, step, trace }))
}

/// Minutes within which the money must be settled once nothing fails any more.
const MINUTES: [u64; 3] = [0, 65, 8 * 60];
/// Beyond them: reservations, leases, keys, deadlines of every kind.
const DEADLINES: [u64; 8] =
    [35 * 60, 65 * 60, 2 * 3600, 12 * 3600, 24 * 3600, 24 * 3600, 72 * 3600, 24 * 3600];

fn heal(world: &mut World, memory: &mut Memory) -> Result<(), String> {
    world.stripe.clear_faults();
    world.stripe.delay_webhooks(&["*"], std::time::Duration::ZERO);
    world.stripe.repeat_webhooks(&["*"], 1);
    world.stripe.release_webhooks();
    for node in &world.nodes {
        node.fate.spare();
    }
    let mut number = 1_000;
    for wait in MINUTES {
        number = work(world, memory, wait, number)?;
        if invariants::check_money(world).is_ok() {
            break;
        }
    }
    invariants::check_money(world)?;
    for wait in DEADLINES {
        let settled = settle_debits(world);
        if !settled && invariants::open(world)?.is_empty() {
            break;
        }
        number = work(world, memory, wait, number)?;
    }
    invariants::check_money(world)?;
    invariants::check_histories(world)?;
    let open = invariants::open(world)?;
    if open.is_empty() { Ok(()) } else { Err(format!("never ends: {}", open.join("; "))) }
}

/// Time passes, webhooks come, and the worker and the poller do what is due, until no more is.
fn work(world: &mut World, memory: &mut Memory, wait: u64, number: u64) -> Result<u64, String> {
    world.take(number, &Step::Wait(wait))?;
    let rounds =
        [Call::Deliver, Call::Work { node: 0 }, Call::Poll { node: 0 }, Call::Work { node: 0 }];
    for (place, call) in (1..).zip(rounds) {
        world.take(number + place, &Step::Do(vec![call]))?;
    }
    invariants::check(world, memory)?;
    Ok(number + 10)
}

/// The banks answer: no debit takes longer than two weeks. Whether there was one.
fn settle_debits(world: &World) -> bool {
    let under_way = world.stripe.ledger().into_iter().filter(|entry| entry.status == "processing");
    under_way.filter(|entry| world.stripe.settle(&entry.id, None)).count() > 0
}
