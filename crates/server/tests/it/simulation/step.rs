//! What happens in a history: steps that a seed chooses. A step holds everything it needs, so that
//! any of them can be left out of a story and the others still mean the same.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One thing that happens. `C` are the calls of a world, `D` the deeds of those who are not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<C, D> {
    /// All of these at the same time.
    Do(Vec<C>),
    /// The client goes away after its server was polled so often.
    HangUp(C, u32),
    /// Something happens elsewhere: at the gateway, at a bank, in the operator's office.
    There(D),
    /// So many seconds pass.
    Wait(u64),
    /// The server dies when it has waited for the database or the gateway so often from now on, with
    /// everything that was under way in it. Another one opens when the step is over.
    Die { node: usize, after: u32 },
}

/// A plan: each step with the number that its own chance follows from.
pub type Plan<C, D> = Vec<(u64, Step<C, D>)>;

impl<C, D> Step<C, D> {
    /// Whatever can be left out by itself.
    pub fn parts(&self) -> usize {
        match self {
            Self::Do(calls) => calls.len(),
            Self::HangUp(..) | Self::There(_) | Self::Wait(_) | Self::Die { .. } => 1,
        }
    }
}

/// The chance of one step, whatever came before it.
pub fn chance_of(seed: u64, number: u64) -> ChaCha8Rng {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(number + 1);
    let _first = chance.next_u64();
    chance
}

/// What an author of histories throws.
pub struct Dice {
    chance: ChaCha8Rng,
    /// On how many nodes the history is played.
    pub nodes: usize,
    pub shoppers: usize,
    /// Out of a hundred steps so many are trouble; some histories have none.
    trouble: u32,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let nodes = if chance.random_ratio(1, 4) { 2 } else { 1 };
        let shoppers = chance.random_range(1..=3);
        let trouble = [0, 15, 30, 45][chance.random_range(0..4)];
        Self { chance, nodes, shoppers, trouble }
    }

    pub fn upto(&mut self, end: usize) -> usize {
        self.chance.random_range(0..end)
    }

    pub fn between(&mut self, first: u32, last: u32) -> u32 {
        self.chance.random_range(first..=last)
    }

    pub fn one_in(&mut self, count: u32) -> bool {
        self.chance.random_ratio(1, count)
    }

    pub fn one_of<T: Copy>(&mut self, some: &[T]) -> T {
        some[self.upto(some.len())]
    }

    pub fn shopper(&mut self) -> usize {
        self.upto(self.shoppers)
    }

    pub fn node(&mut self) -> usize {
        self.upto(self.nodes)
    }

    /// Whether something goes wrong here.
    pub fn is_trouble(&mut self) -> bool {
        self.chance.random_range(0..100) < self.trouble
    }

    pub fn wait<C, D>(&mut self) -> Step<C, D> {
        const LONG: [u64; 10] =
            [5, 30, 61, 5 * 60, 11 * 60, 31 * 60, 61 * 60, 21 * 3600, 25 * 3600, 4 * 86400];
        let limit = self.one_of(&LONG);
        Step::Wait(self.chance.random_range(limit / 2..=limit))
    }

    pub fn death<C, D>(&mut self) -> Step<C, D> {
        Step::Die { node: self.node(), after: self.between(0, 23) }
    }

    /// Some of these calls, at the same time or one after the other.
    pub fn ending<C, D>(&mut self, calls: Vec<C>, steps: &mut Vec<Step<C, D>>) {
        if self.one_in(2) {
            steps.push(Step::Do(calls));
        } else {
            steps.extend(calls.into_iter().map(|call| Step::Do(vec![call])));
        }
    }
}
