//! Who writes histories at Elastic Path.

use super::{
    Platform,
    plan::{Call, Course, Deed, Place, Trouble},
};
use crate::simulation::{
    browser::Ask,
    history::{PlanOf, StepOf},
    step::{Dice, Step},
};

type Steps = Vec<StepOf<Platform>>;

/// A plan, and on how many nodes it is played.
pub fn sessions(seed: u64) -> (usize, PlanOf<Platform>) {
    Author(Dice::new(seed)).write()
}

struct Author(Dice);

fn one(call: Call) -> StepOf<Platform> {
    Step::Do(vec![call])
}

fn session(shopper: usize, tab: usize, ask: Ask<Course>) -> Call {
    Call::Session { shopper, tab, ask }
}

impl Author {
    fn write(mut self) -> (usize, PlanOf<Platform>) {
        let mut steps = Vec::new();
        for shopper in 0..self.0.shoppers {
            steps.push(one(self.add(shopper)));
        }
        for _ in 0..self.0.between(3, 9) {
            self.maybe_trouble(&mut steps);
            self.scene(&mut steps);
        }
        (self.0.nodes, (0..).zip(steps).collect())
    }

    fn maybe_trouble(&mut self, steps: &mut Steps) {
        if self.0.is_trouble() {
            steps.push(self.trouble());
        }
    }

    /// A few steps that belong together, so that a history comes to the places where money moves.
    fn scene(&mut self, steps: &mut Steps) {
        let shopper = self.0.shopper();
        match self.0.upto(12) {
            0 => steps.push(one(self.add(shopper))),
            1..=6 => self.checkout(shopper, steps),
            7 => {
                let count = self.0.between(2, 4);
                steps.push(Step::Do((0..count).map(|_| self.any_call()).collect()));
            }
            8 => {
                let call = self.any_call();
                steps.push(Step::HangUp(call, self.0.upto(40) as u32));
            }
            9 => {
                steps.push(self.0.wait());
                steps.push(self.work());
            }
            10 => self.watch(steps),
            _ => steps.push(one(self.any_call())),
        }
    }

    /// From the cart to the money, each step of which may be left out.
    fn checkout(&mut self, shopper: usize, steps: &mut Steps) {
        if self.0.one_in(2) {
            steps.push(one(self.add(shopper)));
        }
        if !self.0.one_in(6) {
            let tabs = if self.0.one_in(4) { 2 } else { 1 };
            for _ in 0..tabs {
                steps.push(one(session(shopper, 0, Ask::Open)));
                if !self.0.one_in(10) {
                    steps.push(one(session(shopper, 0, Ask::FillIn(self.0.upto(2)))));
                }
            }
        }
        if self.0.one_in(8) {
            steps.push(self.0.wait());
        }
        if self.0.one_in(5) {
            steps.push(one(self.sign(shopper)));
        }
        if self.0.one_in(10) {
            steps.push(one(self.there(shopper)));
        }
        self.maybe_trouble(steps);
        let course = self.course();
        self.pay(shopper, course, steps);
        self.maybe_trouble(steps);
        if matches!(course, Course::Challenge | Course::ChallengeFails) && !self.0.one_in(4) {
            let passed = self.0.one_of(&[None, None, Some(true), Some(false)]);
            steps.push(one(Call::Prove { payment: 0, passed }));
        }
        if matches!(course, Course::Processing | Course::ProcessingFails) && self.0.one_in(2) {
            steps.push(self.work());
            steps.push(Step::Wait(3 * 86_400));
            steps.push(Step::There(Deed::Settle { payment: 0, paid: None }));
        }
        self.maybe_trouble(steps);
        let mut ending = Vec::new();
        for (ask, count) in [(Ask::Resume, 2), (Ask::Abandon, 5), (Ask::Read, 4)] {
            if self.0.one_in(count) {
                ending.push(session(shopper, self.0.upto(5) / 4, ask));
            }
        }
        if self.0.one_in(4) {
            let course = self.course();
            ending.push(session(shopper, self.0.upto(2), Ask::Pay(course)));
        }
        if self.0.one_in(3) {
            ending.push(Call::Work { node: self.0.node() });
        }
        self.0.ending(ending, steps);
        match self.0.upto(4) {
            0 => steps.push(self.work()),
            1 => self.watch(steps),
            _ => {}
        }
    }

    /// She pays, perhaps twice at once, or while something else happens to her cart.
    fn pay(&mut self, shopper: usize, course: Course, steps: &mut Steps) {
        let mut calls = vec![session(shopper, 0, Ask::Pay(course))];
        if self.0.one_in(3) {
            let (tab, course) = (self.0.upto(2), self.course());
            let again = if self.0.one_in(3) { Ask::PayAgain(0) } else { Ask::Pay(course) };
            calls.push(session(shopper, tab, again));
        }
        if self.0.one_in(6) {
            calls.push(self.there(shopper));
        }
        if self.0.one_in(6) {
            calls.push(self.any_call());
        }
        match calls.len() {
            1 if self.0.one_in(6) => {
                let patience = self.0.upto(80) as u32;
                steps.push(Step::HangUp(calls.remove(0), patience));
            }
            _ => steps.push(Step::Do(calls)),
        }
    }

    /// Who buys as a guest does so in the name of an account from now on, or the other way round.
    fn sign(&mut self, shopper: usize) -> Call {
        match self.0.one_in(4) {
            true => Call::SignOut { shopper },
            false => Call::SignIn { shopper, account: self.0.upto(3) },
        }
    }

    /// What another program does to a cart.
    fn there(&mut self, shopper: usize) -> Call {
        match self.0.one_in(2) {
            true => Call::AddThere { shopper, product: self.0.upto(3) },
            false => Call::PayThere { shopper, course: self.course() },
        }
    }

    /// Six minutes in which the worker works.
    fn watch(&mut self, steps: &mut Steps) {
        let node = self.0.node();
        for _ in 0..8 {
            steps.push(Step::Wait(45));
            steps.push(one(Call::Work { node }));
        }
    }

    fn any_call(&mut self) -> Call {
        let shopper = self.0.shopper();
        let tab = self.0.upto(6).saturating_sub(3);
        let ask = match self.0.upto(21) {
            0 => return self.add(shopper),
            1 => return Call::Cart { shopper },
            2 if self.0.one_in(3) => return Call::Empty { shopper },
            2 | 3 => return self.there(shopper),
            4 => Ask::Open,
            5 => Ask::FillIn(self.0.upto(2)),
            6 => Ask::Move(self.0.upto(2)),
            7 => Ask::Read,
            8..=11 => Ask::Pay(self.course()),
            12 => Ask::PayAgain(self.0.upto(2)),
            13 if self.0.one_in(2) => Ask::PayNothing,
            13 | 14 => Ask::Resume,
            15 | 16 => Ask::Abandon,
            17 => {
                let passed = self.0.one_of(&[None, Some(true), Some(false)]);
                return Call::Prove { payment: self.0.upto(2), passed };
            }
            18 => return self.sign(shopper),
            _ => return Call::Work { node: self.0.node() },
        };
        session(shopper, tab, ask)
    }

    fn add(&mut self, shopper: usize) -> Call {
        Call::Add { shopper, product: self.0.upto(4), quantity: self.0.between(1, 3) }
    }

    fn course(&mut self) -> Course {
        match self.0.upto(16) {
            0..=5 => Course::Ok,
            6 => Course::AuthOnly,
            7 | 8 => Course::Challenge,
            9 => Course::ChallengeFails,
            10 => Course::DeclineRefused,
            11 => Course::DeclineAnswered,
            12 => Course::DeclineSoft,
            13 => Course::Processing,
            14 => Course::ProcessingFails,
            _ => Course::Expired,
        }
    }

    fn work(&mut self) -> StepOf<Platform> {
        let mut calls = vec![Call::Work { node: self.0.node() }];
        if self.0.nodes > 1 && self.0.one_in(3) {
            calls.push(Call::Work { node: self.0.node() });
        }
        if self.0.one_in(6) {
            let node = self.0.node();
            calls.push(Call::Overtake { node, after: self.0.upto(60) as u32 });
        }
        Step::Do(calls)
    }

    fn trouble(&mut self) -> StepOf<Platform> {
        Step::There(match self.0.upto(20) {
            0..=5 => return self.0.death(),
            6..=13 => {
                let (place, trouble) = (self.place(), self.fault());
                Deed::Fault(place, trouble, self.0.between(1, 6))
            }
            14 => Deed::Mend,
            15 => Deed::ForgetTokens,
            16 => Deed::Stock { product: self.0.upto(2), pieces: self.0.upto(3) as i64 },
            17 => Deed::Price { product: self.0.upto(3), cents: self.0.one_of(&[0, 900, 1600]) },
            _ => {
                let paid = self.0.one_of(&[None, Some(true), Some(false)]);
                Deed::Settle { payment: self.0.upto(3), paid }
            }
        })
    }

    fn place(&mut self) -> Place {
        use Place as P;
        self.0.one_of(&[
            P::Any,
            P::Token,
            P::ReadCart,
            P::Items,
            P::ReadAccount,
            P::Associate,
            P::Charge,
            P::Charge,
            P::AskPayment,
            P::Detach,
            P::Delete,
            P::CheckOut,
            P::CheckOut,
            P::Confirm,
            P::Confirm,
            P::Orders,
            P::Order,
            P::Transactions,
            P::AskTransaction,
            P::CancelTransaction,
            P::Catalogue,
        ])
    }

    fn fault(&mut self) -> Trouble {
        match self.0.upto(12) {
            0 => Trouble::LoseBefore,
            1 | 2 => Trouble::LoseAfter,
            3 => Trouble::Status(self.0.one_of(&[401, 403, 409, 422, 500, 503])),
            4 => Trouble::TooMany,
            5 => Trouble::FailAfter,
            6 => Trouble::Page,
            7 => Trouble::PageAfter,
            // The longest arrives when the answer has long been given up.
            8 => Trouble::SlowBy(self.0.one_of(&[1, 5, 15, 60])),
            9 => Trouble::SlowAfterBy(self.0.one_of(&[1, 5, 15])),
            10 => Trouble::Garbage,
            _ => Trouble::SoftErrors,
        }
    }
}
