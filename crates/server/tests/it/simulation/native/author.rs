//! Who writes histories on the native backend: of the shop's API, or of checkout sessions with the
//! shop's API beside them.

use super::{
    Native,
    plan::{Call, Deed, End, Manner, Means, Place, RefundCourse, Trouble, Types, Verdict},
};
use crate::simulation::{
    browser::Ask,
    history::{PlanOf, StepOf},
    step::{Dice, Step},
};

type Steps = Vec<StepOf<Native>>;

/// A plan of the shop's API, and on how many nodes it is played.
pub fn shop(seed: u64) -> (usize, PlanOf<Native>) {
    Author { dice: Dice::new(seed), has_sessions: false }.write()
}

/// The same with sessions.
pub fn sessions(seed: u64) -> (usize, PlanOf<Native>) {
    Author { dice: Dice::new(seed), has_sessions: true }.write()
}

struct Author {
    dice: Dice,
    has_sessions: bool,
}

fn one(call: Call) -> StepOf<Native> {
    Step::Do(vec![call])
}

impl Author {
    fn write(mut self) -> (usize, PlanOf<Native>) {
        let mut steps = Vec::new();
        for shopper in 0..self.dice.shoppers {
            steps.push(one(self.add(shopper)));
        }
        for _ in 0..self.dice.between(4, 12) {
            self.maybe_trouble(&mut steps);
            self.scene(&mut steps);
        }
        (self.dice.nodes, (0..).zip(steps).collect())
    }

    fn maybe_trouble(&mut self, steps: &mut Steps) {
        if self.dice.is_trouble() {
            steps.push(self.trouble());
        }
    }

    /// A few steps that belong together, so that a history comes to the places where money moves.
    fn scene(&mut self, steps: &mut Steps) {
        let shopper = self.dice.shopper();
        match self.dice.upto(13) {
            0 => steps.push(one(self.add(shopper))),
            1 => steps.push(one(self.change(shopper))),
            2..=6 => {
                match self.has_sessions && !self.dice.one_in(5) {
                    true => self.checkout(shopper, steps),
                    false => self.purchase(shopper, steps),
                }
                if self.dice.one_in(3) {
                    self.desk(steps);
                }
            }
            7 => steps.push(Step::Do(self.at_once())),
            8 => {
                let call = self.any_call();
                steps.push(Step::HangUp(call, self.dice.upto(12) as u32));
            }
            9 => {
                steps.push(self.dice.wait());
                steps.push(self.work());
            }
            10 => steps.push(self.work()),
            11 => self.desk(steps),
            _ => steps.push(one(self.any_call())),
        }
    }

    /// Somebody gives money back, two of them at once, or one here and one at Stripe; and a refund may
    /// come to nothing.
    fn desk(&mut self, steps: &mut Steps) {
        if self.dice.one_in(3) {
            let course = self.course();
            steps.push(Step::There(course));
        }
        if self.dice.one_in(5) {
            let manner = self.manner();
            steps.push(Step::There(manner));
        }
        self.maybe_trouble(steps);
        let mut calls = vec![self.of_the_desk()];
        for count in [2, 4] {
            if self.dice.one_in(count) {
                calls.push(self.of_the_desk());
            }
        }
        self.news(calls, steps);
        if self.dice.one_in(2) {
            let refund = self.dice.upto(3).saturating_sub(1);
            let end = self.dice.one_of(&[End::Arrives, End::Fails, End::Fails, End::Stopped]);
            steps.push(Step::There(Deed::EndRefund { refund, end }));
        }
        if self.dice.one_in(4) {
            steps.push(one(Call::Reconcile { node: self.dice.node() }));
        }
    }

    fn of_the_desk(&mut self) -> Call {
        let node = self.dice.node();
        let payment = self.dice.upto(6).saturating_sub(3);
        let cents = match self.dice.one_in(2) {
            true => Some(self.dice.one_of(&[100, 400, 1000, 2000])),
            false => None,
        };
        match self.dice.upto(10) {
            0..=5 => Call::GiveBack { node, payment, cents },
            6 | 7 => {
                let after = self.dice.upto(40) as u32;
                Call::GiveBackThere { payment, cents, after }
            }
            8 => Call::CancelHere { node, payment },
            _ => Call::Reconcile { node },
        }
    }

    fn manner(&mut self) -> Deed {
        Deed::Merchant(self.dice.one_of(&[Manner::Takes, Manner::Refuses, Manner::Silent]))
    }

    fn course(&mut self) -> Deed {
        use RefundCourse::{FailsLater, InsufficientFunds, Pending};
        Deed::Course(self.dice.one_of(&[Pending, FailsLater, InsufficientFunds]))
    }

    /// From the cart to the money, each step of which may be left out.
    fn purchase(&mut self, shopper: usize, steps: &mut Steps) {
        let payment = 0;
        let form = self.form();
        if !self.dice.one_in(8) {
            let intent = Call::Intent { shopper, form };
            let twice = self.dice.one_in(4);
            steps.push(Step::Do(vec![intent; if twice { 2 } else { 1 }]));
        }
        if self.dice.one_in(6) {
            steps.push(self.dice.wait());
        }
        let means = self.means();
        self.maybe_trouble(steps);
        if !self.dice.one_in(8) {
            steps.push(one(Call::Pay { shopper, payment, means }));
        }
        if means == Means::ThreeDSecure && !self.dice.one_in(4) {
            let passed = !self.dice.one_in(4);
            steps.push(one(Call::Challenge { shopper, payment, passed }));
        }
        self.debit(means, steps);
        self.maybe_trouble(steps);
        let ending =
            if self.dice.one_in(2) { vec![Call::Confirm { shopper, payment }] } else { Vec::new() };
        self.news(ending, steps);
    }

    /// A session from its opening to the money, each step of which may be left out.
    fn checkout(&mut self, shopper: usize, steps: &mut Steps) {
        let session = |tab, ask| Call::Session { shopper, tab, ask };
        if self.dice.one_in(3) {
            steps.push(one(self.add(shopper)));
        }
        if !self.dice.one_in(6) {
            let tabs = if self.dice.one_in(4) { 2 } else { 1 };
            for _ in 0..tabs {
                steps.push(one(session(0, Ask::Open)));
                let place = self.form();
                if !self.dice.one_in(10) {
                    steps.push(one(session(0, Ask::FillIn(place))));
                }
            }
        }
        if self.dice.one_in(8) {
            steps.push(self.dice.wait());
        }
        self.maybe_trouble(steps);
        let means = self.means();
        let mut pays = vec![session(0, Ask::Pay(means))];
        if self.dice.one_in(3) {
            let (tab, means) = (self.dice.upto(2), self.means());
            let again = if self.dice.one_in(3) { Ask::PayAgain(0) } else { Ask::Pay(means) };
            pays.push(session(tab, again));
        }
        if self.dice.one_in(5) {
            pays.push(self.any_call());
        }
        match pays.len() {
            1 if self.dice.one_in(6) => {
                let patience = self.dice.upto(40) as u32;
                steps.push(Step::HangUp(pays.remove(0), patience));
            }
            _ => steps.push(Step::Do(pays)),
        }
        self.maybe_trouble(steps);
        if means == Means::ThreeDSecure && !self.dice.one_in(4) {
            let passed = !self.dice.one_in(4);
            steps.push(one(Call::Prove { payment: 0, passed }));
        }
        self.debit(means, steps);
        self.maybe_trouble(steps);
        let mut ending = Vec::new();
        for (ask, count) in [(Ask::Resume, 2), (Ask::Abandon, 6), (Ask::Read, 4)] {
            if self.dice.one_in(count) {
                ending.push(session(self.dice.upto(5) / 4, ask));
            }
        }
        if self.dice.one_in(4) {
            let means = self.means();
            ending.push(session(self.dice.upto(2), Ask::Pay(means)));
        }
        self.news(ending, steps);
    }

    fn debit(&mut self, means: Means, steps: &mut Steps) {
        if matches!(means, Means::Debit | Means::DebitThatFails) && self.dice.one_in(2) {
            steps.push(self.work());
            steps.push(Step::Wait(3 * 86_400));
            steps.push(Step::There(Deed::Settle { payment: 0, paid: None }));
        }
    }

    /// The shop hears of it, beside what shoppers do at the end.
    fn news(&mut self, mut ending: Vec<Call>, steps: &mut Steps) {
        if self.dice.one_in(2) {
            ending.push(Call::Deliver);
        }
        if self.dice.one_in(3) {
            ending.push(Call::Work { node: self.dice.node() });
        }
        if self.dice.one_in(5) {
            ending.push(Call::Poll { node: self.dice.node() });
        }
        self.dice.ending(ending, steps);
        if self.dice.one_in(2) {
            steps.push(self.work());
        }
    }

    /// Two tabs, a double click, the worker at the wrong moment.
    fn at_once(&mut self) -> Vec<Call> {
        let count = self.dice.between(2, 4);
        (0..count).map(|_| self.any_call()).collect()
    }

    fn any_call(&mut self) -> Call {
        if self.has_sessions && !self.dice.one_in(3) {
            return self.any_of_sessions();
        }
        let shopper = self.dice.shopper();
        let payment = self.dice.upto(6).saturating_sub(4);
        match self.dice.upto(23) {
            0 => self.add(shopper),
            1 => self.change(shopper),
            2 => Call::Empty { shopper },
            3 => Call::Cart { shopper },
            4..=7 => Call::Intent { shopper, form: self.form() },
            8..=10 => Call::Pay { shopper, payment, means: self.means() },
            11 => Call::Challenge { shopper, payment, passed: !self.dice.one_in(3) },
            12 | 13 => Call::Confirm { shopper, payment },
            14 => Call::Order { shopper, payment },
            15 | 16 => Call::Deliver,
            17 => Call::Poll { node: self.dice.node() },
            18 if self.dice.one_in(3) => Call::DeliverAgain,
            19 => Call::Cancel { shopper, payment },
            20 => self.of_the_desk(),
            21 => Call::CancelHere { node: self.dice.node(), payment },
            _ => Call::Work { node: self.dice.node() },
        }
    }

    fn any_of_sessions(&mut self) -> Call {
        let shopper = self.dice.shopper();
        let tab = self.dice.upto(6).saturating_sub(3);
        let ask = match self.dice.upto(15) {
            0 => Ask::Open,
            1 => Ask::FillIn(self.form()),
            2 => Ask::Move(self.form()),
            3 => Ask::Read,
            4..=7 => Ask::Pay(self.means()),
            8 => Ask::PayAgain(self.dice.upto(2)),
            9 if self.dice.one_in(2) => Ask::PayNothing,
            9 | 10 => Ask::Resume,
            11 => Ask::Abandon,
            12 => {
                let (payment, passed) = (self.dice.upto(2), !self.dice.one_in(3));
                return Call::Prove { payment, passed };
            }
            13 => return self.of_the_desk(),
            _ => return Call::Work { node: self.dice.node() },
        };
        Call::Session { shopper, tab, ask }
    }

    fn add(&mut self, shopper: usize) -> Call {
        Call::Add { shopper, sku: self.dice.upto(6), quantity: self.dice.between(1, 4) }
    }

    fn change(&mut self, shopper: usize) -> Call {
        let quantity = self.dice.between(0, 6);
        Call::Change { shopper, line: self.dice.upto(3), quantity }
    }

    fn form(&mut self) -> usize {
        self.dice.upto(8).saturating_sub(4)
    }

    fn means(&mut self) -> Means {
        match self.dice.upto(10) {
            0..=3 => Means::Good,
            4 => Means::Declined,
            5 => Means::NoFunds,
            6 | 7 => Means::ThreeDSecure,
            8 => Means::Debit,
            _ => Means::DebitThatFails,
        }
    }

    fn work(&mut self) -> StepOf<Native> {
        let node = self.dice.node();
        let mut calls = vec![Call::Work { node }];
        if self.dice.one_in(2) {
            calls.insert(0, Call::Deliver);
        }
        if self.dice.one_in(3) {
            calls.push(Call::Poll { node });
        }
        if self.dice.nodes > 1 && self.dice.one_in(3) {
            calls.push(Call::Work { node: 1 - node });
        }
        if self.dice.one_in(8) {
            let node = self.dice.node();
            calls.push(Call::Overtake { node, after: self.dice.upto(40) as u32 });
        }
        Step::Do(calls)
    }

    fn trouble(&mut self) -> StepOf<Native> {
        let payment = self.dice.upto(3);
        Step::There(match self.dice.upto(22) {
            0..=4 => return self.dice.death(),
            5..=9 => {
                let (place, trouble) = (self.place(), self.fault());
                Deed::Fault(place, trouble, self.dice.between(1, 5))
            }
            10 => Deed::Mend,
            11 => Deed::Hold(self.types()),
            12 => Deed::Lose(self.types()),
            13 => Deed::Release { reversed: self.dice.one_in(2) },
            14 => Deed::Delay(self.types(), self.dice.one_of(&[0, 60, 3600, 3 * 86400])),
            15 => Deed::Repeat(self.types(), self.dice.between(1, 3)),
            16 => {
                let paid = self.dice.one_of(&[None, Some(true), Some(false)]);
                Deed::Settle { payment, paid }
            }
            17 => self.at_stripe(payment),
            18 => Deed::Duplicate { event: self.dice.upto(12) },
            19 => self.course(),
            20 => self.manner(),
            _ => {
                let cents = self.dice.one_of(&[30, 1200, 1300, 2450, 8900]);
                Deed::Import { sku: self.dice.upto(6), cents, pieces: self.dice.upto(9) as i64 - 4 }
            }
        })
    }

    /// What nobody of the shop has asked for. Rare: such a history cannot end well.
    fn at_stripe(&mut self, payment: usize) -> Deed {
        use Verdict::{Closed, Escalated, Lost, Prevented, Won};
        match self.dice.upto(6) {
            0 => Deed::CancelThere { payment },
            1 => Deed::Forget { payment },
            2 | 3 => Deed::Dispute { payment, inquiry: self.dice.one_in(2) },
            4 => {
                let verdict = self.dice.one_of(&[Won, Lost, Closed, Prevented, Escalated]);
                Deed::Judge { dispute: self.dice.upto(2), verdict }
            }
            _ => Deed::Drift { payment, amount: 1 + self.dice.upto(9000) as i64 },
        }
    }

    fn types(&mut self) -> Types {
        self.dice.one_of(&[Types::All, Types::Succeeded, Types::Hints, Types::Ends])
    }

    fn place(&mut self) -> Place {
        self.dice.one_of(&[
            Place::Any,
            Place::Change,
            Place::Question,
            Place::Cancel,
            Place::Events,
            Place::Refunds,
        ])
    }

    fn fault(&mut self) -> Trouble {
        match self.dice.upto(10) {
            0 => Trouble::LoseBefore,
            1 => Trouble::LoseAfter,
            2 => Trouble::Status(self.dice.one_of(&[409, 424, 429, 500, 502, 503])),
            3 => Trouble::LockTimeout,
            4 => Trouble::FailBefore,
            5 => Trouble::FailAfter,
            6 => Trouble::SlowBy(self.dice.one_of(&[1, 5, 15])),
            7 => Trouble::SlowAfterBy(self.dice.one_of(&[1, 5, 15])),
            8 => Trouble::Truncated,
            _ => Trouble::Garbage,
        }
    }
}
