//! What every world stands on: a street of browsers and couriers, one or two nodes over one database,
//! and a clock that moves when a step says so.

use std::{
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use tokio::task::JoinHandle;

use super::{
    machine::Machine,
    node::{Door, Ground, Node},
    step::chance_of,
    street::Reply,
};

pub struct Town {
    pub seed: u64,
    pub ground: Ground,
    pub street: Machine,
    pub nodes: Vec<Node>,
    pub doors: Arc<Mutex<Vec<Door>>>,
    /// How many processes have died.
    pub deaths: u32,
}

/// More turns than any step takes; what takes more hangs.
const TURNS_MAX: u32 = 40_000;

impl Town {
    pub fn open(seed: u64, nodes: usize, street: Machine, ground: Ground) -> Self {
        let nodes: Vec<_> = (0..nodes).map(|number| Node::open(&ground, number)).collect();
        let doors = Arc::new(Mutex::new(nodes.iter().map(Node::door).collect()));
        Self { seed, ground, street, nodes, doors, deaths: 0 }
    }

    /// How a node is reached, whoever it is by now.
    pub fn door(&self, number: usize) -> Door {
        let doors = self.doors.lock().unwrap();
        doors[number % doors.len()].clone()
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.ground.now.load(Ordering::Relaxed)
    }

    /// Each step has a chance of its own.
    pub fn draw(&self, number: u64) {
        let chance = chance_of(self.seed, number);
        for (place, node) in self.nodes.iter().enumerate() {
            let mut own = chance.clone();
            own.set_stream(number * 8 + place as u64 + 2);
            node.fate.draw_from(own);
        }
    }

    /// Machines take turns until the jobs are done and no money flow is under way.
    pub fn play(&mut self, jobs: &[JoinHandle<Option<Reply>>]) -> Result<(), String> {
        let (mut idle, mut moves) = (0, 0);
        for _ in 0..TURNS_MAX {
            self.street.turn();
            for node in &self.nodes {
                node.machine.turn();
            }
            self.bury();
            let rest = self.nodes.iter().all(Node::is_at_rest);
            if rest && jobs.iter().all(JoinHandle::is_finished) {
                return Ok(());
            }
            let moved = self.ground.moves.load(Ordering::Relaxed);
            idle = if moved == moves { idle + 1 } else { 0 };
            moves = moved;
            // Nobody moves: all wait for time. (Two rounds, for a word from machine to machine.)
            if idle > 4 {
                self.rest(Duration::from_millis(100));
                self.bury();
            }
        }
        Err("a step never came to rest".to_owned())
    }

    /// Every machine's clock goes on for so long.
    pub fn rest(&self, time: Duration) {
        self.street.rest(time);
        for node in &self.nodes {
            node.machine.rest(time);
        }
    }

    /// Takes the machine of a process that died, and opens the next one over the same database.
    pub fn bury(&mut self) {
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if node.fate.is_dead() {
                self.ground.trace.say(|| format!("  node {number} died"));
                self.deaths += 1;
                *node = Node::open(&self.ground, number);
                self.doors.lock().unwrap()[number] = node.door();
            }
        }
    }

    /// Nobody is doomed any more.
    pub fn spare(&self) {
        for node in &self.nodes {
            node.fate.spare();
        }
    }
}
