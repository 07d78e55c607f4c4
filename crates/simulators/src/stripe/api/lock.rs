//! Locks on objects: while a slow request works on an object, the others that would change it
//! wait for their turn, the first that came first.
//!
//! Requests that are not slow are answered in one critical section and need no lock of their own,
//! so nothing is locked, or allocated, unless a slow request runs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// Who waits for each locked object.
#[derive(Default)]
pub(crate) struct Locks {
    queues: Mutex<HashMap<String, VecDeque<oneshot::Sender<Held>>>>,
}

/// A lock; dropped, it goes to whoever waits longest.
pub(crate) struct Held {
    object: String,
    /// `None` when it was passed on.
    locks: Option<Arc<Locks>>,
}

impl Locks {
    fn queues(&self) -> MutexGuard<'_, HashMap<String, VecDeque<oneshot::Sender<Held>>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_locked(&self, object: &str) -> bool {
        let queues = self.queues();
        !queues.is_empty() && queues.contains_key(object)
    }

    /// The lock of an object; `None` when it did not come free within `patience`.
    pub async fn acquire(self: Arc<Self>, object: &str, patience: Duration) -> Option<Held> {
        let mut turn = {
            let mut queues = self.queues();
            let Some(queue) = queues.get_mut(object) else {
                queues.insert(object.to_owned(), VecDeque::new());
                drop(queues);
                return Some(Held { object: object.to_owned(), locks: Some(self) });
            };
            let (give, turn) = oneshot::channel();
            queue.push_back(give);
            turn
        };
        match tokio::time::timeout(patience, &mut turn).await {
            Ok(held) => held.ok(),
            Err(_) => {
                // The lock may have come in this very moment.
                turn.close();
                turn.try_recv().ok()
            }
        }
    }

    fn pass_on(self: Arc<Self>, object: &str) {
        loop {
            let next = {
                let mut queues = self.queues();
                match queues.get_mut(object).and_then(VecDeque::pop_front) {
                    Some(next) => next,
                    None => {
                        queues.remove(object);
                        return;
                    }
                }
            };
            match next.send(Held { object: object.to_owned(), locks: Some(self.clone()) }) {
                Ok(()) => return,
                // It has given up; the lock is still here to be passed on.
                Err(mut unwanted) => unwanted.locks = None,
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(locks) = self.locks.take() {
            locks.pass_on(&self.object);
        }
    }
}
