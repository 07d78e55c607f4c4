//! What happens in a history: steps that a seed chooses. A step holds everything it needs, so that
//! any of them can be left out of a story and the others still mean the same.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One thing that happens. Whoever is named by a number is counted from 0; payments from the
/// newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// All of these at the same time.
    Do(Vec<Call>),
    /// The client goes away after its server was polled so often.
    HangUp(Call, u32),
    /// The operator imports a product at another price, with so many pieces more or less.
    Import { sku: usize, cents: i64, pieces: i64 },
    /// A bank settles a debit; without an outcome as its account says.
    Settle { payment: usize, paid: Option<bool> },
    /// Stripe says of a payment that it brought another amount.
    Drift { payment: usize, amount: i64 },
    /// A shopper disputes a payment, or her bank asks about it first.
    Dispute { payment: usize, inquiry: bool },
    /// A bank decides about a dispute, counted from the newest.
    Judge { dispute: usize, verdict: Verdict },
    /// Somebody cancels a payment in Stripe's dashboard.
    CancelThere { payment: usize },
    /// Nobody answers a challenge for too long.
    Forget { payment: usize },
    /// Stripe keeps webhooks back.
    Hold(Types),
    /// Stripe loses webhooks.
    Lose(Types),
    /// Stripe sends what it kept, and loses no more; the newest first if so said.
    Release { reversed: bool },
    /// From now on webhooks come so many seconds late.
    Delay(Types, u64),
    /// From now on webhooks come so often.
    Repeat(Types, u32),
    /// Stripe makes a second event of something that happened.
    Duplicate { event: usize },
    /// The next requests to Stripe fail.
    Fault(Place, Trouble, u32),
    /// Nothing fails any more.
    Mend,
    /// So many seconds pass.
    Wait(u64),
    /// The server dies when it has waited for the database or Stripe so often from now on, with
    /// everything that was under way in it. Another one opens when the step is over.
    Die { node: usize, after: u32 },
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// A shopper puts something in her cart.
    Add { shopper: usize, sku: usize, quantity: u32 },
    /// She changes how many.
    Change { shopper: usize, line: usize, quantity: u32 },
    /// She empties it.
    Empty { shopper: usize },
    /// She looks at it.
    Cart { shopper: usize },
    /// She goes to the checkout with one of several addresses.
    Intent { shopper: usize, form: usize },
    /// Her browser confirms a payment at Stripe.
    Pay { shopper: usize, payment: usize, means: Means },
    /// She passes or fails the challenge.
    Challenge { shopper: usize, payment: usize, passed: bool },
    /// Her browser says that it has confirmed.
    Confirm { shopper: usize, payment: usize },
    /// She looks at her order.
    Order { shopper: usize, payment: usize },
    /// Stripe delivers what is due.
    Deliver,
    /// Stripe delivers every event once more, the newest first.
    DeliverAgain,
    /// The worker does what is due.
    Work { node: usize },
    /// So much time passes in the middle of everything that all claims have run out, and the worker
    /// takes over from those who are still at it. It begins after so many turns.
    Overtake { node: usize, after: u32 },
    /// The poller fetches Stripe's events.
    Poll { node: usize },
}

/// What a shopper pays with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    Good,
    Declined,
    NoFunds,
    ThreeDSecure,
    Debit,
    DebitThatFails,
}

/// How a bank decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Won,
    Lost,
    Closed,
    Prevented,
    Escalated,
}

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Types {
    All,
    Succeeded,
    Hints,
    Ends,
}

/// Which requests to Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Any,
    Change,
    Question,
    Cancel,
    Events,
}

/// What goes wrong with a request to Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    LoseBefore,
    LoseAfter,
    Status(u16),
    LockTimeout,
    FailBefore,
    FailAfter,
    SlowBy(u64),
    SlowAfterBy(u64),
    Truncated,
    Garbage,
}

/// A plan: each step with the number that its own chance follows from.
pub type Plan = Vec<(u64, Step)>;

/// A plan, and on how many nodes it is played.
pub fn of(seed: u64) -> (usize, Plan) {
    let mut author = Author::new(seed);
    let steps = author.write();
    (author.nodes, (0..).zip(steps).collect())
}

struct Author {
    chance: ChaCha8Rng,
    nodes: usize,
    shoppers: usize,
    /// Out of a hundred steps so many are trouble; some histories have none.
    trouble: u32,
}

impl Author {
    fn new(seed: u64) -> Self {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let nodes = if chance.random_ratio(1, 4) { 2 } else { 1 };
        let shoppers = chance.random_range(1..=3);
        let trouble = [0, 15, 30, 45][chance.random_range(0..4)];
        Self { chance, nodes, shoppers, trouble }
    }

    fn upto(&mut self, end: usize) -> usize {
        self.chance.random_range(0..end)
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.chance.random_ratio(1, count)
    }

    fn write(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        for shopper in 0..self.shoppers {
            steps.push(Step::Do(vec![self.add(shopper)]));
        }
        for _ in 0..self.chance.random_range(4..=12) {
            self.maybe_trouble(&mut steps);
            self.scene(&mut steps);
        }
        steps
    }

    fn maybe_trouble(&mut self, steps: &mut Vec<Step>) {
        if self.chance.random_range(0..100) < self.trouble {
            let trouble = self.trouble();
            steps.push(trouble);
        }
    }

    /// A few steps that belong together, so that a history comes to the places where money moves.
    fn scene(&mut self, steps: &mut Vec<Step>) {
        let shopper = self.upto(self.shoppers);
        match self.upto(12) {
            0 => steps.push(Step::Do(vec![self.add(shopper)])),
            1 => {
                let change = self.change(shopper);
                steps.push(Step::Do(vec![change]));
            }
            2..=6 => self.purchase(shopper, steps),
            7 => {
                let calls = self.at_once();
                steps.push(Step::Do(calls));
            }
            8 => {
                let call = self.any_call();
                steps.push(Step::HangUp(call, self.upto(12) as u32));
            }
            9 => {
                let wait = self.wait();
                steps.push(wait);
                steps.push(self.work());
            }
            10 => steps.push(self.work()),
            _ => {
                let call = self.any_call();
                steps.push(Step::Do(vec![call]));
            }
        }
    }

    /// From the cart to the money, each step of which may be left out.
    fn purchase(&mut self, shopper: usize, steps: &mut Vec<Step>) {
        let payment = 0;
        let form = self.form();
        if !self.one_in(8) {
            let intent = Call::Intent { shopper, form };
            let twice = if self.one_in(4) { vec![intent.clone(), intent] } else { vec![intent] };
            steps.push(Step::Do(twice));
        }
        if self.one_in(6) {
            steps.push(self.wait());
        }
        let means = self.means();
        self.maybe_trouble(steps);
        if !self.one_in(8) {
            steps.push(Step::Do(vec![Call::Pay { shopper, payment, means }]));
        }
        if means == Means::ThreeDSecure && !self.one_in(4) {
            let passed = !self.one_in(4);
            steps.push(Step::Do(vec![Call::Challenge { shopper, payment, passed }]));
        }
        if matches!(means, Means::Debit | Means::DebitThatFails) && self.one_in(2) {
            steps.push(self.work());
            steps.push(Step::Wait(3 * 86_400));
            steps.push(Step::Settle { payment: 0, paid: None });
        }
        self.maybe_trouble(steps);
        let mut ending = Vec::new();
        if self.one_in(2) {
            ending.push(Call::Confirm { shopper, payment });
        }
        if self.one_in(2) {
            ending.push(Call::Deliver);
        }
        if self.one_in(3) {
            ending.push(Call::Work { node: self.upto(self.nodes) });
        }
        if self.one_in(5) {
            ending.push(Call::Poll { node: self.upto(self.nodes) });
        }
        if self.one_in(2) {
            steps.push(Step::Do(ending));
        } else {
            steps.extend(ending.into_iter().map(|call| Step::Do(vec![call])));
        }
        if self.one_in(2) {
            steps.push(self.work());
        }
    }

    /// Two tabs, a double click, the worker at the wrong moment.
    fn at_once(&mut self) -> Vec<Call> {
        let count = self.chance.random_range(2..=4);
        (0..count).map(|_| self.any_call()).collect()
    }

    fn any_call(&mut self) -> Call {
        let shopper = self.upto(self.shoppers);
        let payment = self.upto(6).saturating_sub(4);
        match self.upto(20) {
            0 => self.add(shopper),
            1 => self.change(shopper),
            2 => Call::Empty { shopper },
            3 => Call::Cart { shopper },
            4..=7 => Call::Intent { shopper, form: self.form() },
            8..=10 => Call::Pay { shopper, payment, means: self.means() },
            11 => Call::Challenge { shopper, payment, passed: !self.one_in(3) },
            12 | 13 => Call::Confirm { shopper, payment },
            14 => Call::Order { shopper, payment },
            15 | 16 => Call::Deliver,
            17 => Call::Poll { node: self.upto(self.nodes) },
            18 if self.one_in(3) => Call::DeliverAgain,
            _ => Call::Work { node: self.upto(self.nodes) },
        }
    }

    fn add(&mut self, shopper: usize) -> Call {
        Call::Add { shopper, sku: self.upto(6), quantity: self.chance.random_range(1..=4) }
    }

    fn change(&mut self, shopper: usize) -> Call {
        let quantity = self.chance.random_range(0..=6);
        Call::Change { shopper, line: self.upto(3), quantity }
    }

    fn form(&mut self) -> usize {
        self.upto(8).saturating_sub(4)
    }

    fn means(&mut self) -> Means {
        match self.upto(10) {
            0..=3 => Means::Good,
            4 => Means::Declined,
            5 => Means::NoFunds,
            6 | 7 => Means::ThreeDSecure,
            8 => Means::Debit,
            _ => Means::DebitThatFails,
        }
    }

    fn work(&mut self) -> Step {
        let node = self.upto(self.nodes);
        let mut calls = vec![Call::Work { node }];
        if self.one_in(2) {
            calls.insert(0, Call::Deliver);
        }
        if self.one_in(3) {
            calls.push(Call::Poll { node });
        }
        if self.nodes > 1 && self.one_in(3) {
            calls.push(Call::Work { node: 1 - node });
        }
        if self.one_in(8) {
            let node = self.upto(self.nodes);
            calls.push(Call::Overtake { node, after: self.upto(40) as u32 });
        }
        Step::Do(calls)
    }

    fn wait(&mut self) -> Step {
        const LONG: [u64; 10] =
            [5, 30, 61, 5 * 60, 11 * 60, 31 * 60, 61 * 60, 21 * 3600, 25 * 3600, 4 * 86400];
        let limit = LONG[self.chance.random_range(0..LONG.len())];
        Step::Wait(self.chance.random_range(limit / 2..=limit))
    }

    fn trouble(&mut self) -> Step {
        let payment = self.upto(3);
        match self.upto(20) {
            0..=4 => Step::Die { node: self.upto(self.nodes), after: self.upto(24) as u32 },
            5..=9 => {
                let (place, trouble) = (self.place(), self.fault());
                Step::Fault(place, trouble, self.chance.random_range(1..=5))
            }
            10 => Step::Mend,
            11 => Step::Hold(self.types()),
            12 => Step::Lose(self.types()),
            13 => Step::Release { reversed: self.one_in(2) },
            14 => Step::Delay(self.types(), [0, 60, 3600, 3 * 86400][self.upto(4)]),
            15 => Step::Repeat(self.types(), self.chance.random_range(1..=3)),
            16 => Step::Settle { payment, paid: [None, Some(true), Some(false)][self.upto(3)] },
            17 => self.at_stripe(payment),
            18 => Step::Duplicate { event: self.upto(12) },
            _ => {
                let cents = [30, 1200, 1300, 2450, 8900][self.upto(5)];
                Step::Import { sku: self.upto(6), cents, pieces: self.upto(9) as i64 - 4 }
            }
        }
    }

    /// What nobody of the shop has asked for. Rare: such a history cannot end well.
    fn at_stripe(&mut self, payment: usize) -> Step {
        match self.upto(6) {
            0 => Step::CancelThere { payment },
            1 => Step::Forget { payment },
            2 | 3 => Step::Dispute { payment, inquiry: self.one_in(2) },
            4 => {
                use Verdict::{Closed, Escalated, Lost, Prevented, Won};
                let verdict = [Won, Lost, Closed, Prevented, Escalated][self.upto(5)];
                Step::Judge { dispute: self.upto(2), verdict }
            }
            _ => Step::Drift { payment, amount: 1 + self.upto(9000) as i64 },
        }
    }

    fn types(&mut self) -> Types {
        [Types::All, Types::Succeeded, Types::Hints, Types::Ends][self.upto(4)]
    }

    fn place(&mut self) -> Place {
        [Place::Any, Place::Change, Place::Question, Place::Cancel, Place::Events][self.upto(5)]
    }

    fn fault(&mut self) -> Trouble {
        match self.upto(10) {
            0 => Trouble::LoseBefore,
            1 => Trouble::LoseAfter,
            2 => Trouble::Status([409, 424, 429, 500, 502, 503][self.upto(6)]),
            3 => Trouble::LockTimeout,
            4 => Trouble::FailBefore,
            5 => Trouble::FailAfter,
            6 => Trouble::SlowBy([1, 5, 15][self.upto(3)]),
            7 => Trouble::SlowAfterBy([1, 5, 15][self.upto(3)]),
            8 => Trouble::Truncated,
            _ => Trouble::Garbage,
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
