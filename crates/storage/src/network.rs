//! How an operation runs on a database server: in a tracked task that its caller cannot interrupt,
//! as often as needed and no more.
//!
//! An operation is run again, from its start and in a new transaction, when another transaction was
//! in the way (serialization failure, deadlock, lock timeout), when the connection was lost, and
//! when it was lost during COMMIT. Only in that last case may the earlier run have counted; that is
//! why operations find their own id already there and take that for done.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::dialect::Dialect;
use crate::pool::{Leased, Pool};
use crate::{Limits, StoreError, Tx, Work, tx};

/// Tries of one operation. Deadlocks between two orders end at the first repetition; under 64
/// buyers of one product five tries were enough, and eight leave room.
const TRIES_MAX: u32 = 8;

/// The first pause before a repetition; it doubles, with jitter, up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(5);

/// A server that is back is found again within this, and one that is starting is not stormed.
const PAUSE_MAX: Duration = Duration::from_millis(800);

/// For so long the fate of a lost COMMIT is asked for, however many tries that takes: a server
/// starts again or fails over meanwhile, and whoever asked would rather wait than not know.
const UNKNOWN_MAX: Duration = Duration::from_secs(15);

/// A connection to a server, and how to make one. Two implementations: PostgreSQL, MySQL.
pub(crate) trait Server: Send + Sync + 'static {
    type Connection: Send + 'static;
    const DIALECT: Dialect;

    fn connect(&self) -> impl Future<Output = Result<Self::Connection, StoreError>> + Send;
    /// Whether an idle connection is known to be dead.
    fn is_dead(connection: &Self::Connection) -> bool;
    fn run(
        connection: &mut Self::Connection,
        text: &'static str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
    fn wrap(connection: Self::Connection) -> tx::Connection;
    fn unwrap(connection: tx::Connection) -> Option<Self::Connection>;
}

pub(crate) struct Network<S: Server> {
    inner: std::sync::Arc<Inner<S>>,
    tasks: TaskTracker,
}

struct Inner<S: Server> {
    server: S,
    pool: Pool<S::Connection>,
    connect_max: Duration,
    statement_max: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Read,
}

/// What one try came to.
enum Try<T, E> {
    /// The result stands, good or bad.
    Ended(Result<T, E>),
    /// Nothing was written; the operation's own error, should this have been the last try.
    Conflict(E),
    /// Nothing was written, and the connection is gone.
    Lost(E),
    /// There is no way to begin: wrong password, closed store. Repeating it would not help.
    Barred(StoreError),
    /// COMMIT was sent and no answer came.
    Unknown(StoreError),
}

impl<S: Server> Network<S> {
    pub(crate) async fn open(server: S, limits: &Limits) -> Result<Network<S>, StoreError> {
        let pool = Pool::new(limits.connections_max, Duration::from_millis(limits.wait_ms));
        let connect_max = Duration::from_millis(limits.connect_ms);
        // The server gives up first and says why; our own limit is for a server that is silent.
        let statement_max = Duration::from_millis(limits.statement_ms) + Duration::from_secs(2);
        let inner = Inner { server, pool, connect_max, statement_max };
        let first = inner.take().await?;
        inner.pool.give_back(first);
        Ok(Network { inner: std::sync::Arc::new(inner), tasks: TaskTracker::new() })
    }

    /// A connection outside the pool, for migrations.
    pub(crate) async fn connect(&self) -> Result<S::Connection, StoreError> {
        self.inner.connect().await
    }

    /// Runs the operation in a task of its own: a caller that goes away changes nothing.
    pub(crate) async fn run<I, T, E>(
        &self,
        mode: Mode,
        input: I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        if self.tasks.is_closed() {
            return Err(StoreError::Closed.into());
        }
        let inner = self.inner.clone();
        let task = self.tasks.spawn(async move { inner.tries(mode, &input, operation).await });
        match task.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(StoreError::Panicked.into()),
            Err(_runtime_is_gone) => Err(StoreError::Closed.into()),
        }
    }

    pub(crate) async fn close(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.inner.pool.close().await;
    }
}

impl<S: Server> Inner<S> {
    async fn connect(&self) -> Result<S::Connection, StoreError> {
        let connected = timeout(self.connect_max, self.server.connect()).await;
        connected.unwrap_or(Err(StoreError::Unreachable(None)))
    }

    async fn take(&self) -> Result<Leased<S::Connection>, StoreError> {
        loop {
            let leased = self.pool.take(async || self.connect().await).await?;
            if !S::is_dead(&leased.connection) {
                return Ok(leased);
            }
        }
    }

    async fn tries<I, T, E>(
        &self,
        mode: Mode,
        input: &I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    ) -> Result<T, E>
    where
        I: Send + Sync,
        T: Send,
        E: From<StoreError> + Send,
    {
        let began = Instant::now();
        let mut unknown: Option<(Instant, StoreError)> = None;
        let mut pause = PAUSE_FIRST;
        let mut tried = 0;
        loop {
            let error = match self.try_once(mode, input, operation).await {
                Try::Ended(result) => return result,
                Try::Barred(error) => {
                    return Err(unknown.map_or(error, |(_, unknown)| unknown).into());
                }
                Try::Conflict(error) => error,
                Try::Lost(error) => {
                    self.pool.clear();
                    error
                }
                Try::Unknown(error) => {
                    self.pool.clear();
                    let (since, _) = unknown.unwrap_or_else(|| (Instant::now(), error.clone()));
                    unknown = Some((since, error.clone()));
                    error.into()
                }
            };
            // Once a COMMIT is unknown it is worth waiting to learn its fate, and no later failure
            // may say that nothing was written.
            tried += 1;
            let again = match &unknown {
                None => tried < TRIES_MAX && began.elapsed() < self.statement_max,
                Some((since, _)) => since.elapsed() < UNKNOWN_MAX,
            };
            if !again {
                return Err(unknown.map_or(error, |(_, unknown)| unknown.into()));
            }
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn try_once<I, T, E>(
        &self,
        mode: Mode,
        input: &I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    ) -> Try<T, E>
    where
        I: Send + Sync,
        T: Send,
        E: From<StoreError> + Send,
    {
        let mut leased = match self.begin(mode).await {
            Ok(leased) => leased.map(|connection| Tx::new(S::wrap(connection))),
            Err(error) if error.is_lost() => return Try::Lost(error.into()),
            Err(error) if error.is_conflict() => return Try::Conflict(error.into()),
            Err(error) => return Try::Barred(error),
        };
        let done = timeout(self.statement_max, operation(&mut leased.connection, input)).await;
        let failure = leased.connection.take_failure();
        let Ok(done) = done else {
            // The statement is cut off in the middle, and with it the connection.
            return Try::Conflict(StoreError::Busy(None).into());
        };
        match (done, failure) {
            (Ok(value), None) => self.commit(leased, value).await,
            (Ok(_), Some(failure)) => {
                self.undo(leased, failure.clone().into(), Some(failure)).await
            }
            (Err(error), failure) => self.undo(leased, error, failure).await,
        }
    }

    async fn begin(&self, mode: Mode) -> Result<Leased<S::Connection>, StoreError> {
        let mut leased = self.take().await?;
        let text = match mode {
            Mode::Write => S::DIALECT.begin_write(),
            Mode::Read => S::DIALECT.begin_read(),
        };
        self.say(&mut leased.connection, text).await?;
        Ok(leased)
    }

    async fn commit<T, E: From<StoreError>>(&self, leased: Leased<Tx>, value: T) -> Try<T, E> {
        let Some(mut leased) = unwrapped::<S>(leased) else {
            return Try::Barred(StoreError::Closed);
        };
        match self.say(&mut leased.connection, "commit").await {
            Ok(()) => {
                self.pool.give_back(leased);
                Try::Ended(Ok(value))
            }
            Err(error) if error.is_lost() => {
                Try::Unknown(StoreError::OutcomeUnknown(Some(std::sync::Arc::new(error))))
            }
            // The server answered: the transaction was refused and nothing is left of it.
            Err(error) if error.is_conflict() => Try::Conflict(error.into()),
            Err(error) => Try::Ended(Err(error.into())),
        }
    }

    async fn undo<T, E>(
        &self,
        leased: Leased<Tx>,
        error: E,
        failure: Option<StoreError>,
    ) -> Try<T, E> {
        let lost = failure.as_ref().is_some_and(StoreError::is_lost);
        if let Some(mut leased) = unwrapped::<S>(leased)
            && !lost
            && self.say(&mut leased.connection, "rollback").await.is_ok()
        {
            self.pool.give_back(leased);
        }
        match failure {
            Some(failure) if failure.is_lost() => Try::Lost(error),
            Some(failure) if failure.is_conflict() => Try::Conflict(error),
            Some(_) | None => Try::Ended(Err(error)),
        }
    }

    /// A control statement; silence counts as a lost connection.
    async fn say(
        &self,
        connection: &mut S::Connection,
        text: &'static str,
    ) -> Result<(), StoreError> {
        let said = timeout(self.statement_max, S::run(connection, text)).await;
        said.unwrap_or(Err(StoreError::Unreachable(None)))
    }
}

fn unwrapped<S: Server>(leased: Leased<Tx>) -> Option<Leased<S::Connection>> {
    leased.map(|tx| S::unwrap(tx.into_connection())).transpose()
}

/// Between half and the whole of `pause`, so that two that collided do not meet again.
fn jittered(pause: Duration) -> Duration {
    let dice = RandomState::new().hash_one(0_u8);
    pause / 2 + pause * u32::try_from(dice % 1000).unwrap_or(0) / 2000
}
