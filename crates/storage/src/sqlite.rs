//! The embedded database. Writes go through one thread that commits many operations at once
//! ([`writer`]); reads have a few connections of their own, which see the last commit and neither
//! wait for the writer nor hold it up (WAL). For a simulation that must run the same way twice,
//! [`Inline`] does everything on the caller's thread.
//!
//! Nothing here waits: an operation that runs on SQLite is polled once and must be finished then.

mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, OpenFlags};
use tokio::sync::{Semaphore, oneshot};

use crate::dialect::{self, Dialect};
use crate::{Limits, Pause, Row, Sql, StoreError, Tx, Value, Work, tx};
use writer::{Writer, WriterJob};

/// How long a connection waits for another process (a CLI command beside the server) to finish its
/// transaction. Longer than any operation of ours takes, shorter than a shopper's patience.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// More than the statements of the whole program, so that each is compiled once per connection.
const STATEMENTS_CACHED_MAX: usize = 512;

/// Where an SQLite database lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqliteFile {
    /// In memory, gone when the store is dropped. Only for [`Store::sqlite_inline`](crate::Store).
    Memory,
    /// A file; `-wal` and `-shm` files lie beside it while it is open.
    Path(PathBuf),
}

/// What becomes of a commit on a machine whose power may fail: the word of whoever simulates the
/// machine, see [`Store::sqlite_inline_on`](crate::Store::sqlite_inline_on).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// The work reaches the disk, and the caller hears of it.
    Stays,
    /// Nothing of the work reaches the disk, and the caller never hears anything again.
    FailsBefore,
    /// The work reaches the disk, and the caller never hears of it.
    FailsAfter,
}

/// Asked at each commit.
pub(crate) type PowerSupply = Box<dyn Fn() -> Power + Send + Sync>;

/// One connection and its compiled statements.
pub(crate) struct Connection {
    raw: rusqlite::Connection,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    ReadWrite,
    ReadOnly,
}

impl Connection {
    pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
        Connection::open_as(&SqliteFile::Path(path.to_owned()), Access::ReadWrite)
    }

    fn open_as(file: &SqliteFile, access: Access) -> Result<Connection, StoreError> {
        let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        flags |= match access {
            Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let raw = match file {
            SqliteFile::Memory => rusqlite::Connection::open_in_memory_with_flags(flags),
            SqliteFile::Path(path) => rusqlite::Connection::open_with_flags(path, flags),
        };
        let raw = raw.map_err(|error| cannot_open(file, &error))?;
        raw.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
        raw.busy_timeout(BUSY_TIMEOUT).map_err(from_driver)?;
        // Otherwise a statement is compiled again whenever its values change, in case another plan
        // suited them better; that took half the time of an order.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(from_driver)?;
        let connection = Connection { raw };
        if access == Access::ReadWrite {
            connection.settings().map_err(|error| cannot_open(file, &error))?;
        }
        Ok(connection)
    }

    /// FULL: a commit is on the disk before anyone hears of it. The limit keeps one long import
    /// from leaving a huge `-wal` file behind for ever. What a savepoint would need to undo its
    /// work is kept in memory: in a file it took a fifth of the writer's time.
    fn settings(&self) -> rusqlite::Result<()> {
        self.raw.pragma_update(None, "journal_mode", "wal")?;
        self.raw.pragma_update(None, "synchronous", "full")?;
        self.raw.pragma_update(None, "foreign_keys", "on")?;
        self.raw.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        self.raw.pragma_update(None, "temp_store", "memory")?;
        self.raw.pragma_update(None, "trusted_schema", "off")
    }

    pub(crate) fn exec(&mut self, sql: &'static Sql, params: &[Value]) -> Result<u64, StoreError> {
        self.execute(&sql.form(Dialect::Sqlite).text, params)
    }

    pub(crate) fn insert_new(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&sql.form(Dialect::Sqlite).insert_new, params)? > 0)
    }

    fn execute(&mut self, text: &str, params: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.bound(text, params)?;
        Ok(statement.raw_execute().map_err(from_driver)? as u64)
    }

    pub(crate) fn query(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.bound(&sql.form(Dialect::Sqlite).text, params)?;
        let names = || statement.column_names().map(str::to_owned).collect();
        let columns = sql.columns_or(names).len();
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(from_driver)? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(value(row.get_ref(column).map_err(from_driver)?)?);
            }
            found.push(Row::new(sql, values));
        }
        Ok(found)
    }

    fn bound(&self, text: &str, params: &[Value]) -> Result<CachedStatement<'_>, StoreError> {
        let mut statement = self.raw.prepare_cached(text).map_err(from_driver)?;
        for (at, param) in params.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, param).map_err(from_driver)?;
        }
        Ok(statement)
    }

    /// Runs a statement without parameters and without a result: begin, commit, DDL.
    pub(crate) fn run(&self, text: &str) -> Result<(), StoreError> {
        let mut statement = self.raw.prepare_cached(text).map_err(from_driver)?;
        statement.raw_execute().map(drop).map_err(from_driver)
    }

    /// The number that a statement without parameters selects.
    pub(crate) fn number(&self, text: &str) -> Result<i64, StoreError> {
        self.raw.query_row(text, [], |row| row.get(0)).map_err(from_driver)
    }

    /// Names and declared types of a statement's columns.
    pub(crate) fn describe(&self, text: &str) -> Result<Vec<(String, String)>, StoreError> {
        let statement = self.raw.prepare(text).map_err(from_driver)?;
        let columns = statement.columns().map(|column| {
            (column.name().to_owned(), column.decl_type().unwrap_or_default().to_lowercase())
        });
        Ok(columns.collect())
    }

    /// Rows written since the connection was opened, undone or not.
    fn changes(&self) -> u64 {
        self.raw.total_changes()
    }

    fn in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
            Value::Id(id) => ValueRef::Blob(id.as_bytes()),
        }))
    }
}

fn value(value: ValueRef<'_>) -> Result<Value, StoreError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => match String::from_utf8(text.to_vec()) {
            Ok(text) => Value::Text(text),
            Err(error) => Value::Bytes(error.into_bytes()),
        },
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => {
            return Err(StoreError::Database(dialect::cause("a column holds a fraction")));
        }
    })
}

fn from_driver(error: rusqlite::Error) -> StoreError {
    let (code, message) = match &error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            (failure.extended_code, message.clone().unwrap_or_default())
        }
        _ => (0, String::new()),
    };
    dialect::sqlite_error(code, &message, Arc::new(error))
}

fn cannot_open(file: &SqliteFile, error: &rusqlite::Error) -> StoreError {
    let name = match file {
        SqliteFile::Memory => "the database in memory".to_owned(),
        SqliteFile::Path(path) => path.display().to_string(),
    };
    StoreError::setup(format!(
        "cannot open {name}: {error}; the folder must exist and be writable, on a local disk"
    ))
}

/// Runs an operation to its end: one poll, because the database answers at once. Whatever it does,
/// the connection is the caller's again afterwards.
fn run_once<I, T, E: From<StoreError>>(
    tx: &mut Tx,
    input: &I,
    operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
) -> Result<T, E> {
    let polled = catch_unwind(AssertUnwindSafe(|| {
        operation(tx, input).as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }));
    let failure = tx.take_failure();
    match polled {
        Err(_panic) => Err(StoreError::Panicked.into()),
        Ok(Poll::Pending) => {
            Err(StoreError::Misuse("it waited for something that is not the database".to_owned())
                .into())
        }
        Ok(Poll::Ready(Ok(value))) => failure.map_or(Ok(value), |failure| Err(failure.into())),
        Ok(Poll::Ready(Err(error))) => Err(error),
    }
}

/// The SQLite connection of a transaction that this module made.
fn sqlite(tx: &mut Tx) -> &mut Connection {
    match tx.connection() {
        tx::Connection::Sqlite(connection) => connection,
        tx::Connection::Postgres(_) | tx::Connection::Mysql(_) => {
            unreachable!("this module makes transactions of SQLite only")
        }
    }
}

fn new_tx(connection: Connection) -> Tx {
    Tx::new(tx::Connection::Sqlite(connection))
}

/// Runs a reading operation and leaves no transaction behind.
fn read_once<I, T, E: From<StoreError>>(
    tx: &mut Tx,
    input: &I,
    operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
) -> Result<T, E> {
    sqlite(tx).run(Dialect::Sqlite.begin_read())?;
    let done = run_once(tx, input, operation);
    if sqlite(tx).in_transaction() {
        sqlite(tx).run("rollback")?;
    }
    done
}

/// The store of a server: one writer thread, a few readers.
pub(crate) struct Threads {
    path: PathBuf,
    writer: Writer,
    readers: Readers,
    wait: Duration,
}

impl Threads {
    pub(crate) fn open(path: &Path, limits: &Limits) -> Result<Threads, StoreError> {
        let file = SqliteFile::Path(path.to_owned());
        let writer = Writer::start(Connection::open(path)?, file.clone(), limits.queue_max)?;
        let mut idle = Vec::with_capacity(limits.readers_max);
        for _ in 0..limits.readers_max {
            idle.push(new_tx(Connection::open_as(&file, Access::ReadOnly)?));
        }
        let permits = Arc::new(Semaphore::new(limits.readers_max));
        let readers =
            Readers { permits, idle: Arc::new(Mutex::new(idle)), all: limits.readers_max };
        let wait = Duration::from_millis(limits.wait_ms);
        Ok(Threads { path: path.to_owned(), writer, readers, wait })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn write<I, T, E>(
        &self,
        input: I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.writer.send(Box::new(WriterJob::new(input, operation, answer)), self.wait).await?;
        // The thread answers every job; it can fail to only by dying between commit and answer.
        answered.await.unwrap_or_else(|_| Err(StoreError::OutcomeUnknown(None).into()))
    }

    pub(crate) async fn read<I, T, E>(
        &self,
        input: I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let acquired = self.readers.permits.clone().acquire_owned();
        let permit = match tokio::time::timeout(self.wait, acquired).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_closed)) => return Err(StoreError::Closed.into()),
            Err(_elapsed) => return Err(StoreError::Busy(None).into()),
        };
        let idle = self.readers.idle.clone();
        let task = tokio::task::spawn_blocking(move || {
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut tx = taken.ok_or(StoreError::Closed)?;
            let done = read_once(&mut tx, &input, operation);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(tx);
            drop(permit);
            done
        });
        task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }

    /// Finishes what was accepted, then closes the file.
    pub(crate) async fn close(&self) {
        self.writer.close().await;
        // All permits together mean that no reader is at work.
        let all = u32::try_from(self.readers.all).unwrap_or(u32::MAX);
        if let Ok(permits) = self.readers.permits.acquire_many(all).await {
            permits.forget();
        }
        self.readers.permits.close();
        self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

struct Readers {
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Tx>>>,
    all: usize,
}

/// The store of a simulation: no thread, no channel, no clock. Each call runs to its end the first
/// time it is polled.
pub(crate) struct Inline {
    tx: Arc<Mutex<Tx>>,
    power: Arc<PowerSupply>,
    pause: Option<Pause>,
}

impl Inline {
    pub(crate) fn open(file: &SqliteFile, power: PowerSupply) -> Result<Inline, StoreError> {
        let connection = Connection::open_as(file, Access::ReadWrite)?;
        Ok(Inline {
            tx: Arc::new(Mutex::new(new_tx(connection))),
            power: Arc::new(power),
            pause: None,
        })
    }

    /// Another handle on the same connection.
    pub(crate) fn pausing(&self, pause: Pause) -> Inline {
        Inline { tx: self.tx.clone(), power: self.power.clone(), pause: Some(pause) }
    }

    /// Waits where the caller has been told that the operation is done, and before it goes on.
    pub(crate) async fn pause(&self) {
        if let Some(pause) = &self.pause {
            pause().await;
        }
    }

    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Tx) -> R) -> R {
        work(&mut self.tx.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) async fn write<I, T, E: From<StoreError>>(
        &self,
        input: &I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    ) -> Result<T, E> {
        match self.with(|tx| write_alone(tx, input, operation, &self.power))? {
            Some(done) => done,
            // The machine stands still.
            None => std::future::pending().await,
        }
    }

    pub(crate) fn read<I, T, E: From<StoreError>>(
        &self,
        input: &I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    ) -> Result<T, E> {
        self.with(|tx| {
            let before = sqlite(tx).changes();
            let done = read_once(tx, input, operation);
            // The other stores refuse the statement; here it is undone, and must not go unseen.
            if sqlite(tx).changes() != before {
                return Err(StoreError::Misuse("it wrote while reading".to_owned()).into());
            }
            done
        })
    }
}

/// One operation in a transaction of its own. `None`: the power failed. What has changed nothing
/// is no commit.
fn write_alone<I, T, E: From<StoreError>>(
    tx: &mut Tx,
    input: &I,
    operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    power: &PowerSupply,
) -> Result<Option<Result<T, E>>, StoreError> {
    let before = sqlite(tx).changes();
    sqlite(tx).run(Dialect::Sqlite.begin_write())?;
    let done = run_once(tx, input, operation);
    let power = match &done {
        Ok(_) if sqlite(tx).changes() != before => power(),
        Ok(_) | Err(_) => Power::Stays,
    };
    let committed = match (&done, power) {
        (Ok(_), Power::Stays | Power::FailsAfter) => sqlite(tx).run("commit"),
        (Ok(_), Power::FailsBefore) | (Err(_), _) => Ok(()),
    };
    if sqlite(tx).in_transaction() {
        sqlite(tx).run("rollback")?;
    }
    committed?;
    Ok(match power {
        Power::Stays => Some(done),
        Power::FailsBefore | Power::FailsAfter => None,
    })
}
