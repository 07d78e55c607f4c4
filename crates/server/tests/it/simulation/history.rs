//! A history from its seed to its end: every step, what holds after each, and the healing at the
//! end, after which nothing may be open.

use std::{
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
    time::Duration,
};

use super::{
    disk,
    step::{Plan, Step},
    street::{Errand, Reply},
    town::Town,
    trace::Trace,
};

/// A shop and everybody around it. An error is a sentence that says what must never happen.
pub trait World: Sized {
    /// What somebody asks for.
    type Call: Clone + Debug;
    /// What happens elsewhere.
    type Deed: Clone + Debug;
    /// How a story of this world begins when it is printed.
    const STORY: &'static str;

    fn open(seed: u64, nodes: usize, trace: Trace) -> Self;
    fn town(&self) -> &Town;
    fn town_mut(&mut self) -> &mut Town;
    /// Time passes at the gateway.
    fn pass_there(&self, time: Duration);
    /// Another step begins.
    fn begin(&mut self) {}
    /// The errand of a call, which is the so manieth of its step.
    fn prepare(&mut self, call: &Self::Call, place: usize, patience: Option<u32>) -> Errand;
    /// What a client learns from an answer.
    fn learn(&mut self, call: &Self::Call, reply: Option<Reply>) -> Result<(), String>;
    /// Something happens elsewhere.
    fn act(&mut self, deed: &Self::Deed);
    /// What always holds.
    fn check(&mut self) -> Result<(), String>;
    /// Nothing fails any more, and everything comes to its end.
    fn heal(&mut self) -> Result<(), String>;
}

/// The plan of a world.
pub type PlanOf<W> = Plan<<W as World>::Call, <W as World>::Deed>;
/// One step in it.
pub type StepOf<W> = Step<<W as World>::Call, <W as World>::Deed>;

/// Why a history failed, and what was said until then.
pub struct Failure {
    /// What must never happen.
    pub breach: String,
    /// During or after which step; nothing: at the end.
    pub step: Option<u64>,
    pub trace: Vec<String>,
}

/// Plays a plan. Returns everything that was said, if it is heard.
pub fn play<W: World>(
    seed: u64,
    nodes: usize,
    plan: &PlanOf<W>,
    trace: &Trace,
) -> Result<Vec<String>, Box<Failure>> {
    let (mut world, mut step) = (None, None);
    let played = catch_unwind(AssertUnwindSafe(|| {
        let world = world.insert(W::open(seed, nodes, trace.clone()));
        for (number, taken) in plan {
            step = Some(*number);
            take(world, *number, taken)?;
            world.check()?;
        }
        step = None;
        world.heal()
    }));
    let trace = trace.take();
    let breach = match played {
        Ok(Ok(())) => {
            world.into_iter().for_each(|world| disk::give_back(world.town().ground.store.clone()));
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

/// Takes one step.
pub fn take<W: World>(world: &mut W, number: u64, step: &StepOf<W>) -> Result<(), String> {
    world.town().ground.trace.say(|| format!("{number}: {step:?}"));
    // Two steps are never at the same time.
    pass(world, 1);
    world.town().draw(number);
    world.begin();
    match step {
        Step::Do(calls) => run(world, calls, None)?,
        Step::HangUp(call, patience) => run(world, std::slice::from_ref(call), Some(*patience))?,
        Step::There(deed) => world.act(deed),
        Step::Wait(seconds) => pass(world, *seconds),
        Step::Die { node, after } => {
            let nodes = &world.town().nodes;
            nodes[node % nodes.len()].fate.doom(*after);
        }
    }
    world.town_mut().bury();
    Ok(())
}

/// Time passes, here and at the gateway. What somebody is slow at comes to its end meanwhile.
fn pass<W: World>(world: &W, seconds: u64) {
    let time = Duration::from_secs(seconds);
    world.town().rest(time);
    let ms = i64::try_from(time.as_millis()).unwrap();
    world.town().ground.now.fetch_add(ms, Ordering::Relaxed);
    world.pass_there(time);
}

/// Runs calls side by side until everything has come to rest.
fn run<W: World>(world: &mut W, calls: &[W::Call], patience: Option<u32>) -> Result<(), String> {
    let errands: Vec<Errand> =
        (0..).zip(calls).map(|(place, call)| world.prepare(call, place, patience)).collect();
    let town = world.town_mut();
    let street = town.street.handle();
    let jobs: Vec<_> = errands.into_iter().map(|errand| street.spawn(errand)).collect();
    town.play(&jobs)?;
    for (call, job) in calls.iter().zip(jobs) {
        let reply = world.town().street.block_on(job).map_err(|error| error.to_string())?;
        let said = match &reply {
            Some(reply) => format!("{} {}", reply.status, super::trace::short(&reply.text)),
            None => "no answer".to_owned(),
        };
        world.town().ground.trace.say(|| format!("  {call:?} -> {said}"));
        world.learn(call, reply)?;
    }
    Ok(())
}
