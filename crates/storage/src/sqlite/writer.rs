//! The one thread that writes to an SQLite file, and why a shop on one disk takes thousands of
//! orders a second: it drains its queue, runs the operations one after the other in one transaction,
//! commits all of them with one flush of the disk, and only then tells the callers.
//!
//! An operation that fails is undone alone. If it has written nothing, there is nothing to undo;
//! otherwise the batch is rolled back and run again with a savepoint for each.
//!
//! What never happens: an answer before its commit; an operation that is half there; a caller that
//! hears nothing. If anything happens to a batch as a whole (SQLite gave the transaction up, the
//! commit failed), it is rolled back and every operation is run again in a transaction of its own,
//! so that only those fail which must.

use std::mem;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{Connection, SqliteFile, new_tx, run_once, sqlite};
use crate::dialect::{self, Dialect};
use crate::{StoreError, Tx, Work};

/// Operations in one commit. An operation takes about 50 µs, so that the first one of a full batch
/// waits some 6 ms for the last; by then the flush is a small part of the whole, and a larger batch
/// would gain little and cost more when it has to be run again.
const BATCH_MAX: usize = 128;

/// The door to the thread.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        file: SqliteFile,
        queue_max: usize,
    ) -> Result<Writer, StoreError> {
        let (queue, jobs) = mpsc::channel(queue_max);
        let tx = new_tx(connection);
        let thread = std::thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || Desk { tx, file }.work(jobs))
            .map_err(|error| StoreError::setup(format!("cannot start a thread: {error}")))?;
        Ok(Writer { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// Hands a job over; waits while the queue is full, but no longer than `wait`.
    pub(super) async fn send(&self, job: Box<dyn Job>, wait: Duration) -> Result<(), StoreError> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let queue = queue.ok_or(StoreError::Closed)?;
        // Most of the time there is room, and no timer is needed.
        match queue.try_send(job) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(StoreError::Closed),
            Err(mpsc::error::TrySendError::Full(job)) => {
                match queue.send_timeout(job, wait).await {
                    Ok(()) => Ok(()),
                    Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(StoreError::Busy(None)),
                    Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(StoreError::Closed),
                }
            }
        }
    }

    /// Takes no more jobs, finishes those it has, closes the file.
    pub(super) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Joining blocks; the pool for blocking work is where that is allowed. A panic of the
            // thread has been printed by the thread itself.
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
    }
}

/// An operation whose types have been forgotten.
pub(super) trait Job: Send {
    /// Runs the operation once, from the start, and keeps its result. Says whether its work stands.
    fn run(&mut self, tx: &mut Tx) -> Stands;
    /// Tells the caller the kept result or, if the work did not reach the disk, the reason.
    fn answer(self: Box<Self>, fate: Result<(), StoreError>);
}

/// Whether an operation's work is to be kept or undone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    Kept,
    Undone,
}

pub(super) struct WriterJob<I, T, E> {
    input: I,
    operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    result: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<I, T, E> WriterJob<I, T, E> {
    pub(super) fn new(
        input: I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
        caller: oneshot::Sender<Result<T, E>>,
    ) -> WriterJob<I, T, E> {
        WriterJob { input, operation, result: None, caller }
    }
}

impl<I, T, E> Job for WriterJob<I, T, E>
where
    I: Send + Sync,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx) -> Stands {
        let result = run_once(tx, &self.input, self.operation);
        let stands = if result.is_ok() { Stands::Kept } else { Stands::Undone };
        self.result = Some(result);
        stands
    }

    fn answer(self: Box<Self>, fate: Result<(), StoreError>) {
        let result = match (fate, self.result) {
            (Ok(()), Some(result)) => result,
            // Its own error is the better one: the operation failed before the commit did.
            (Err(_), Some(Err(error))) => Err(error),
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(StoreError::Closed.into()),
        };
        // A caller that has gone wants no answer; its work stays done.
        drop(self.caller.send(result));
    }
}

/// How an operation of a batch that fails is kept apart from the others.
#[derive(Clone, Copy)]
enum Undoing {
    /// It has written nothing, or the whole batch starts over.
    NotNeeded,
    /// Each operation has a savepoint to go back to.
    BySavepoint,
}

/// How a batch looks so far.
enum Batch {
    /// Every operation has done its work or left nothing.
    Sound,
    /// An operation failed after it had written something.
    NeedsUndoing,
}

/// After a full disk or an I/O error SQLite may have rolled back the whole transaction, and with it
/// the operations that came before.
fn given_up() -> StoreError {
    StoreError::Database(dialect::cause("SQLite gave the transaction up"))
}

/// What the thread owns.
struct Desk {
    tx: Tx,
    file: SqliteFile,
}

impl Desk {
    fn work(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while let Some(first) = jobs.blocking_recv() {
            batch.push(first);
            while batch.len() < BATCH_MAX {
                let Ok(next) = jobs.try_recv() else { break };
                batch.push(next);
            }
            self.run(mem::replace(&mut batch, Vec::with_capacity(BATCH_MAX)));
        }
    }

    fn run(&mut self, mut batch: Vec<Box<dyn Job>>) {
        if batch.len() > 1 && self.run_together(&mut batch) {
            for job in batch {
                job.answer(Ok(()));
            }
            return;
        }
        for mut job in batch {
            let fate = self.run_alone(job.as_mut());
            job.answer(fate);
        }
    }

    /// One commit for all of them, or `false` and nothing of the batch is left.
    fn run_together(&mut self, batch: &mut [Box<dyn Job>]) -> bool {
        for undoing in [Undoing::NotNeeded, Undoing::BySavepoint] {
            match self.try_together(batch, undoing) {
                Ok(Batch::Sound) => return true,
                Ok(Batch::NeedsUndoing) => {}
                Err(error) => {
                    tracing::warn!(%error, operations = batch.len(), "a batch is run one by one");
                    break;
                }
            }
        }
        false
    }

    fn try_together(
        &mut self,
        batch: &mut [Box<dyn Job>],
        undoing: Undoing,
    ) -> Result<Batch, StoreError> {
        self.begin()?;
        let mut done = Ok(Batch::Sound);
        for job in batch {
            done = match undoing {
                Undoing::NotNeeded => self.run_plain(job.as_mut()),
                Undoing::BySavepoint => self.run_in_savepoint(job.as_mut()),
            };
            if !matches!(done, Ok(Batch::Sound)) {
                break;
            }
        }
        if let Ok(Batch::Sound) = done {
            done = sqlite(&mut self.tx).run("commit").map(|()| Batch::Sound);
        }
        self.end();
        done
    }

    /// Most operations that fail do so before they have written anything; for them, and for those
    /// that do not fail, a savepoint would be a quarter of the work.
    fn run_plain(&mut self, job: &mut dyn Job) -> Result<Batch, StoreError> {
        let before = sqlite(&mut self.tx).changes();
        let stands = job.run(&mut self.tx);
        let connection = sqlite(&mut self.tx);
        if !connection.in_transaction() {
            return Err(given_up());
        }
        match stands {
            Stands::Undone if connection.changes() != before => Ok(Batch::NeedsUndoing),
            Stands::Undone | Stands::Kept => Ok(Batch::Sound),
        }
    }

    fn run_in_savepoint(&mut self, job: &mut dyn Job) -> Result<Batch, StoreError> {
        sqlite(&mut self.tx).run("savepoint operation")?;
        let stands = job.run(&mut self.tx);
        if !sqlite(&mut self.tx).in_transaction() {
            return Err(given_up());
        }
        if stands == Stands::Undone {
            sqlite(&mut self.tx).run("rollback to operation")?;
        }
        sqlite(&mut self.tx).run("release operation")?;
        Ok(Batch::Sound)
    }

    fn run_alone(&mut self, job: &mut dyn Job) -> Result<(), StoreError> {
        self.begin()?;
        let done = match job.run(&mut self.tx) {
            Stands::Kept => sqlite(&mut self.tx).run("commit"),
            Stands::Undone => Ok(()),
        };
        self.end();
        done
    }

    fn begin(&mut self) -> Result<(), StoreError> {
        self.end();
        sqlite(&mut self.tx).run(Dialect::Sqlite.begin_write())
    }

    /// Leaves no transaction open, whatever happened. A connection that cannot even roll back is
    /// replaced; if that fails too, the next `begin` reports it.
    fn end(&mut self) {
        let connection = sqlite(&mut self.tx);
        if !connection.in_transaction() {
            return;
        }
        if let Err(error) = connection.run("rollback") {
            tracing::error!(%error, "a rollback failed");
        }
        if !connection.in_transaction() {
            return;
        }
        if let SqliteFile::Path(path) = &self.file
            && let Ok(fresh) = Connection::open(path)
        {
            self.tx = new_tx(fresh);
        }
    }
}
