//! A story that is as short as it can be: steps are left out as long as it still fails.

use super::{
    history::{Failure, PlanOf, StepOf, World, play},
    step::Step,
    trace::Trace,
};

/// More runs than a plan of thirty steps needs.
const RUNS_MAX: usize = 400;

/// Leaves out steps, and calls of steps, while what remains still fails.
pub fn shrink<W: World>(
    seed: u64,
    nodes: usize,
    plan: PlanOf<W>,
    failure: Box<Failure>,
) -> (PlanOf<W>, Box<Failure>) {
    let (mut plan, mut failure) = (plan, failure);
    let mut runs = 0;
    let mut width = (plan.len() / 2).max(1);
    loop {
        let before = plan.len() + calls::<W>(&plan);
        let mut at = plan.len();
        while at > 0 && runs < RUNS_MAX {
            at = at.saturating_sub(width);
            let mut fewer = plan.clone();
            fewer.drain(at..(at + width).min(plan.len()));
            runs += 1;
            if let Err(still) = play::<W>(seed, nodes, &fewer, &Trace::heard()) {
                (plan, failure) = (fewer, still);
            }
        }
        for at in 0..plan.len() {
            while let Some(fewer) = without_a_call::<W>(&plan, at, seed, nodes, &mut runs) {
                (plan, failure) = fewer;
            }
        }
        if runs >= RUNS_MAX || (width == 1 && before == plan.len() + calls::<W>(&plan)) {
            return (plan, failure);
        }
        width = (width / 2).max(1);
    }
}

fn calls<W: World>(plan: &PlanOf<W>) -> usize {
    plan.iter().map(|(_, step)| step.parts()).sum()
}

/// The plan with one call fewer in a step that has several, if it still fails.
fn without_a_call<W: World>(
    plan: &PlanOf<W>,
    at: usize,
    seed: u64,
    nodes: usize,
    runs: &mut usize,
) -> Option<(PlanOf<W>, Box<Failure>)> {
    let Step::Do(calls) = &plan[at].1 else { return None };
    for leave in (0..calls.len()).filter(|_| calls.len() > 1) {
        if *runs >= RUNS_MAX {
            return None;
        }
        let mut fewer = plan.clone();
        let Step::Do(calls) = &mut fewer[at].1 else { return None };
        calls.remove(leave);
        *runs += 1;
        if let Err(still) = play::<W>(seed, nodes, &fewer, &Trace::heard()) {
            return Some((fewer, still));
        }
    }
    None
}

/// The story as a test can be made of it.
pub fn story<W: World>(seed: u64, nodes: usize, plan: &PlanOf<W>) -> String {
    let steps: Vec<_> =
        plan.iter().map(|(number, step)| format!("    ({number}, {}),", code::<W>(step))).collect();
    format!("replay::<{}>({seed}, {nodes}, &vec![\n{}\n]);", W::STORY, steps.join("\n"))
}

/// The step as code: lists are vectors there.
fn code<W: World>(step: &StepOf<W>) -> String {
    format!("{step:?}").replace("Do([", "Do(vec![")
}
