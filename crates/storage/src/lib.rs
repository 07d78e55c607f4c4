//! What is remembered: one [`Store`] over SQLite, PostgreSQL and MySQL or MariaDB. The only crate
//! that names a database driver.
//!
//! A flow hands the store an *operation*: a plain function that works in a transaction, [`Tx`], and
//! waits for nothing but the database. The store runs it to the end and answers once its work is
//! on the disk, or not there at all. It may run the operation several times: when another
//! transaction was in the way, when the connection was lost, or when it was lost during COMMIT and
//! nobody knows what became of it. So an operation captures nothing; ids, keys and the time are made
//! before and travel in its input, and an id of its own that is already there means that it has
//! been done.
//!
//! ```
//! # use storage::{Sql, SqliteFile, Store, StoreError};
//! storage::statements! {
//!     COUNT = "select count(*) as carts from carts where updated_at > ?1";
//! }
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let store = Store::sqlite_inline(&SqliteFile::Memory)?;
//! store.migrate().await?;
//! let since_ms: i64 = 1_700_000_000_000;
//! let carts: i64 = store
//!     .read(since_ms, |tx, since_ms| {
//!         Box::pin(async move {
//!             let row = tx.query_opt(&COUNT, &[(*since_ms).into()]).await?;
//!             row.map_or(Ok(0), |row| row.read("carts").int("carts"))
//!         })
//!     })
//!     .await?;
//! assert_eq!(carts, 0);
//! # Ok::<_, StoreError>(()) }).unwrap();
//! ```
//!
//! Whoever hangs up changes nothing: on SQLite the operation is in the writer's queue, on a server
//! it runs in a task of its own that [`Store::close`] waits for.
//!
//! Reading order: `tx.rs` (what an operation can do), `sqlite/writer.rs` and `network.rs` (how it is
//! run), `dialect.rs` (where the databases differ), then the rows.

pub mod attention;
pub mod cart;
pub mod catalog;
mod condition;
pub mod cursor;
pub mod customer;
pub mod customer_letter;
pub mod customer_level;
pub mod customer_order;
pub mod delivery;
mod dialect;
pub mod dispute;
mod error;
pub mod history;
pub mod inbox;
mod lease;
mod lines;
mod migrate;
mod mysql;
mod network;
pub mod notice;
pub mod order;
pub mod outbox;
pub mod payment;
pub mod platform_cart;
mod pool;
mod postgres;
pub mod purchase;
pub mod purchase_history;
pub mod refund;
mod row;
pub mod session;
pub mod shield;
mod sql;
mod sqlite;
mod tx;
mod url;

use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;

pub use condition::Condition;
pub use dialect::Dialect;
pub use error::{Cause, StoreError};
pub use lease::Lease;
pub use row::{Columns, Row, Value};
pub use sql::Sql;
pub use sqlite::{Power, SqliteFile};
pub use tx::{Tx, Work};
pub use url::DatabaseUrl;

use network::{Mode, Network, Server};
use url::Place;

/// How much a store may hold, and how long it may wait.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections to a database server. Two for each core of the database is a common measure, and
    /// more only queue inside it.
    pub connections_max: usize,
    /// Reading connections to an SQLite file. Reads take microseconds; more threads than cores gain
    /// nothing.
    pub readers_max: usize,
    /// Operations waiting for SQLite's writer. At 10 000 a second a full queue is a tenth of a
    /// second.
    pub queue_max: usize,
    /// How long an operation waits for a connection, or for room in the queue, in milliseconds.
    pub wait_ms: u64,
    /// How long connecting to a server may take, in milliseconds.
    pub connect_ms: u64,
    /// How long a statement, or waiting for a lock, may take, in milliseconds. No statement of ours
    /// takes a hundredth of it.
    pub statement_ms: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections_max: 16,
            readers_max: 4,
            queue_max: 1024,
            wait_ms: 5_000,
            connect_ms: 5_000,
            statement_ms: 10_000,
        }
    }
}

/// What [`Store::pausing`] waits for after each operation.
pub type Pause = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// The shop's database. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Store {
    engine: Arc<Engine>,
}

enum Engine {
    Sqlite(sqlite::Threads),
    Inline(Box<sqlite::Inline>),
    Postgres(Network<postgres::Postgres>),
    Mysql(Network<mysql::Mysql>),
}

/// A statement and the names and types of its columns, as one database sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// [`Sql::name`] of the statement.
    pub statement: &'static str,
    /// Name and type of each column, in the database's own words; none for a statement that
    /// selects nothing.
    pub columns: Vec<(String, String)>,
}

/// Every statement of this crate, so that a test can prepare all of them on every database.
#[must_use]
pub fn statements() -> Vec<&'static Sql> {
    let modules = [
        attention::ALL,
        cart::ALL,
        catalog::ALL,
        cursor::ALL,
        customer::ALL,
        customer_letter::ALL,
        customer_level::ALL,
        customer_order::ALL,
        delivery::ALL,
        dispute::ALL,
        history::ALL,
        inbox::ALL,
        notice::ALL,
        order::ALL,
        outbox::ALL,
        payment::ALL,
        platform_cart::ALL,
        purchase::ALL,
        purchase_history::ALL,
        refund::ALL,
        session::ALL,
        shield::ALL,
    ];
    modules.concat()
}

impl Store {
    /// Opens the database and checks that it can be used; it may still need [`Store::migrate`]. The
    /// error is a sentence that says what to change.
    pub async fn open(url: &DatabaseUrl, limits: &Limits) -> Result<Store, StoreError> {
        let engine = match &url.0 {
            Place::Sqlite(path) => sqlite::Threads::open(path, limits).map(Engine::Sqlite),
            Place::Postgres(server) => {
                let server = postgres::Postgres::new(server, limits)?;
                Network::open(server, limits).await.map(Engine::Postgres)
            }
            Place::Mysql(server) => {
                let server = mysql::Mysql::new(server, limits);
                Network::open(server, limits).await.map(Engine::Mysql)
            }
        };
        match engine {
            Ok(engine) => Ok(Store { engine: Arc::new(engine) }),
            Err(StoreError::Unreachable(cause)) => Err(StoreError::setup(format!(
                "{url} cannot be reached: {}; check that the server runs, that host and port in \
                 DATABASE_URL are right, and with TLS that sslrootcert names the authority that \
                 signed its certificate",
                cause.map_or("it does not answer".to_owned(), |cause| error::innermost(&*cause)),
            ))),
            Err(error) => Err(error),
        }
    }

    /// A store that does everything on the caller's thread the first time it is polled: no threads,
    /// no timers, no retries. For simulations that must run the same way twice.
    pub fn sqlite_inline(file: &SqliteFile) -> Result<Store, StoreError> {
        Store::sqlite_inline_on(file, || Power::Stays)
    }

    /// The same on a machine whose power may fail: `power` is asked at every commit that changes
    /// something, before it reaches the disk.
    pub fn sqlite_inline_on(
        file: &SqliteFile,
        power: impl Fn() -> Power + Send + Sync + 'static,
    ) -> Result<Store, StoreError> {
        let inline = Box::new(sqlite::Inline::open(file, Box::new(power))?);
        Ok(Store { engine: Arc::new(Engine::Inline(inline)) })
    }

    /// The same database as another process sees it: after each operation this store waits for
    /// what `pause` returns, so that a simulation can let others go first there, or let the process
    /// die. Only a store of [`Store::sqlite_inline`] pauses; any other is returned as it is.
    #[must_use]
    pub fn pausing(&self, pause: Pause) -> Store {
        match &*self.engine {
            Engine::Inline(inline) => {
                Store { engine: Arc::new(Engine::Inline(Box::new(inline.pausing(pause)))) }
            }
            Engine::Sqlite(_) | Engine::Postgres(_) | Engine::Mysql(_) => self.clone(),
        }
    }

    /// Runs one operation in a transaction that may write, and answers when its work is on the
    /// disk. An `Err` of the operation undoes its work and is returned as it is.
    ///
    /// The operation may run several times, always from the start. If the store's own error is
    /// [`StoreError::OutcomeUnknown`], and only then, the work may be there in spite of the error.
    pub async fn write<I, T, E>(
        &self,
        input: I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &*self.engine {
            Engine::Sqlite(threads) => threads.write(input, operation).await,
            Engine::Inline(inline) => {
                let done = inline.write(&input, operation).await;
                inline.pause().await;
                done
            }
            Engine::Postgres(network) => network.run(Mode::Write, input, operation).await,
            Engine::Mysql(network) => network.run(Mode::Write, input, operation).await,
        }
    }

    /// Runs one operation that sees a single state of the database and writes nothing.
    pub async fn read<I, T, E>(
        &self,
        input: I,
        operation: for<'a> fn(&'a mut Tx, &'a I) -> Work<'a, T, E>,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &*self.engine {
            Engine::Sqlite(threads) => threads.read(input, operation).await,
            Engine::Inline(inline) => {
                let done = inline.read(&input, operation);
                inline.pause().await;
                done
            }
            Engine::Postgres(network) => network.run(Mode::Read, input, operation).await,
            Engine::Mysql(network) => network.run(Mode::Read, input, operation).await,
        }
    }

    /// Brings the schema up to date and says which migrations that took. Safe to call from many
    /// processes at once.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, StoreError> {
        match &*self.engine {
            Engine::Sqlite(threads) => {
                let mut tx = own(tx::Connection::Sqlite(sqlite::Connection::open(threads.path())?));
                migrate::run_in_transaction(&mut tx).await
            }
            Engine::Inline(inline) => {
                inline.with(|tx| at_once(migrate::run_in_transaction(tx).now_or_never()))
            }
            Engine::Postgres(network) => {
                let mut tx = own(postgres::Postgres::wrap(network.connect().await?));
                migrate::run_in_transaction(&mut tx).await
            }
            Engine::Mysql(network) => {
                let mut guard = own(mysql::Mysql::wrap(network.connect().await?));
                let mut tx = own(mysql::Mysql::wrap(network.connect().await?));
                migrate::run_under_guard(&mut tx, &mut guard).await
            }
        }
    }

    /// The migrations that [`Store::migrate`] would run.
    pub async fn pending_migrations(&self) -> Result<Vec<&'static str>, StoreError> {
        self.read((), |tx, ()| Box::pin(migrate::pending(tx))).await
    }

    /// Asks the database whether it is there.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read((), |tx, ()| Box::pin(tx.ping())).await
    }

    /// How the database is. Asked as one who may write, so that the answer also says that writing
    /// works.
    pub async fn condition(&self) -> Result<Condition, StoreError> {
        self.write((), |tx, ()| Box::pin(condition::condition(tx))).await
    }

    /// Prepares statements and says what they select: a program and a schema that do not fit are
    /// found before the first shopper finds them.
    pub async fn describe(
        &self,
        statements: &[&'static Sql],
    ) -> Result<Vec<Described>, StoreError> {
        let statements = statements.to_vec();
        // MariaDB prepares no writing statement in a transaction that only reads.
        self.write(statements, |tx, statements| {
            Box::pin(async move {
                let mut described = Vec::with_capacity(statements.len());
                for sql in statements {
                    let columns = tx.describe(sql).await?;
                    described.push(Described { statement: sql.name(), columns });
                }
                Ok(described)
            })
        })
        .await
    }

    /// Which database this is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match &*self.engine {
            Engine::Sqlite(_) | Engine::Inline(_) => Dialect::Sqlite,
            Engine::Postgres(_) => Dialect::Postgres,
            Engine::Mysql(_) => Dialect::Mysql,
        }
    }

    /// Takes no more operations, waits for those under way, closes the connections.
    pub async fn close(&self) {
        match &*self.engine {
            Engine::Sqlite(threads) => threads.close().await,
            Engine::Inline(_) => {}
            Engine::Postgres(network) => network.close().await,
            Engine::Mysql(network) => network.close().await,
        }
    }
}

fn own(connection: tx::Connection) -> Tx {
    Tx::new(connection)
}

fn at_once<T>(done: Option<Result<T, StoreError>>) -> Result<T, StoreError> {
    done.unwrap_or_else(|| Err(StoreError::Misuse("a migration waited".to_owned())))
}
