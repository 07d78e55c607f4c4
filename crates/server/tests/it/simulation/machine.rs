//! Machines: each has a runtime of its own on the one thread, so that taking it away drops every
//! future that was under way there, and a clock of its own that stands still until nothing else
//! can happen.

use std::{
    future::pending,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::runtime::{Builder, Handle, Runtime};

/// A machine that is turned by hand.
pub struct Machine {
    runtime: Runtime,
}

impl Machine {
    pub fn new() -> Self {
        let mut builder = Builder::new_current_thread();
        // Few tasks between two looks at the others, so that machines take turns often.
        let builder = builder.enable_time().start_paused(true).event_interval(4);
        Self { runtime: builder.build().unwrap() }
    }

    pub fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Lets its tasks go on for a moment.
    pub fn turn(&self) {
        self.runtime.block_on(async { tokio::task::yield_now().await });
    }

    /// Lets its timers go on; nothing is done but what waits for them.
    pub fn rest(&self, wait: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(wait).await });
    }

    /// Drives a future to its end, here and alone.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

/// Whether a process lives, and who goes first at each of its waits.
pub struct Fate {
    inner: Mutex<Inner>,
    /// Counts every wait of every process: where it stands still, all wait for time.
    moves: Arc<AtomicU64>,
}

struct Inner {
    dead: bool,
    /// Dies when it has waited so often.
    doom: Option<u32>,
    chance: ChaCha8Rng,
}

/// A wait at the border to the database or to Stripe.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Fate {
    pub fn new(moves: Arc<AtomicU64>) -> Arc<Self> {
        let chance = ChaCha8Rng::seed_from_u64(0);
        Arc::new(Self { inner: Mutex::new(Inner { dead: false, doom: None, chance }), moves })
    }

    /// The chance of a new step.
    pub fn draw_from(&self, chance: ChaCha8Rng) {
        self.inner.lock().unwrap().chance = chance;
    }

    pub fn doom(&self, after: u32) {
        self.inner.lock().unwrap().doom = Some(after);
    }

    pub fn spare(&self) {
        self.inner.lock().unwrap().doom = None;
    }

    pub fn is_dead(&self) -> bool {
        self.inner.lock().unwrap().dead
    }

    /// Here others may go first, and here the process dies: what waits here then never goes on.
    pub fn wait(self: &Arc<Self>) -> Wait {
        let fate = self.clone();
        Box::pin(async move {
            let turns = fate.next();
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            if fate.is_dead() {
                pending::<()>().await;
            }
        })
    }

    fn next(&self) -> u32 {
        self.moves.fetch_add(1, Ordering::Relaxed);
        let mut inner = self.inner.lock().unwrap();
        match inner.doom {
            Some(0) => inner.dead = true,
            Some(left) => inner.doom = Some(left - 1),
            None => {}
        }
        inner.chance.random_range(0..3)
    }
}
