//! A story that is as short as it can be: steps are left out as long as it still fails.

use super::{
    history::{Failure, play},
    plan::{Plan, Step},
    trace::Trace,
};

/// More runs than a plan of thirty steps needs.
const RUNS_MAX: usize = 400;

/// Leaves out steps, and calls of steps, while what remains still fails.
pub fn shrink(seed: u64, nodes: usize, plan: Plan, failure: Box<Failure>) -> (Plan, Box<Failure>) {
    let (mut plan, mut failure) = (plan, failure);
    let mut runs = 0;
    let mut width = (plan.len() / 2).max(1);
    loop {
        let before = plan.len() + calls(&plan);
        let mut at = plan.len();
        while at > 0 && runs < RUNS_MAX {
            at = at.saturating_sub(width);
            let mut fewer = plan.clone();
            fewer.drain(at..(at + width).min(plan.len()));
            runs += 1;
            if let Err(still) = play(seed, nodes, &fewer, &Trace::heard()) {
                (plan, failure) = (fewer, still);
            }
        }
        for at in 0..plan.len() {
            while let Some(fewer) = without_a_call(&plan, at, seed, nodes, &mut runs) {
                (plan, failure) = fewer;
            }
        }
        if runs >= RUNS_MAX || (width == 1 && before == plan.len() + calls(&plan)) {
            return (plan, failure);
        }
        width = (width / 2).max(1);
    }
}

fn calls(plan: &Plan) -> usize {
    plan.iter().map(|(_, step)| if let Step::Do(calls) = step { calls.len() } else { 1 }).sum()
}

/// The plan with one call fewer in a step that has several, if it still fails.
fn without_a_call(
    plan: &Plan,
    at: usize,
    seed: u64,
    nodes: usize,
    runs: &mut usize,
) -> Option<(Plan, Box<Failure>)> {
    let Step::Do(calls) = &plan[at].1 else { return None };
    for leave in (0..calls.len()).filter(|_| calls.len() > 1) {
        if *runs >= RUNS_MAX {
            return None;
        }
        let mut fewer = plan.clone();
        let Step::Do(calls) = &mut fewer[at].1 else { return None };
        calls.remove(leave);
        *runs += 1;
        if let Err(still) = play(seed, nodes, &fewer, &Trace::heard()) {
            return Some((fewer, still));
        }
    }
    None
}

/// The story as a test can be made of it.
pub fn story(seed: u64, nodes: usize, plan: &Plan) -> String {
    let steps: Vec<_> =
        plan.iter().map(|(number, step)| format!("    ({number}, {}),", code(step))).collect();
    format!("replay({seed}, {nodes}, &vec![\n{}\n]);", steps.join("\n"))
}

/// The step as code: lists are vectors there.
fn code(step: &Step) -> String {
    format!("{step:?}").replace("Do([", "Do(vec![")
}
