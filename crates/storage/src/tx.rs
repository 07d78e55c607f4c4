//! The transaction an operation works in, the same for every database.

use std::pin::Pin;

use crate::dialect::Dialect;
use crate::{Row, Sql, StoreError, Value, mysql, postgres, sqlite};

/// What an operation returns: a future that waits for the database and for nothing else.
pub type Work<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// One operation's transaction.
///
/// After a statement has failed every further one returns that first error, and the transaction is
/// rolled back even if the operation swallows it: no database is asked to go on after an error,
/// because they disagree about what is then left of the transaction.
pub struct Tx {
    connection: Connection,
    failure: Option<StoreError>,
}

pub(crate) enum Connection {
    Sqlite(sqlite::Connection),
    Postgres(postgres::Connection),
    Mysql(mysql::Connection),
}

impl Tx {
    pub(crate) fn new(connection: Connection) -> Tx {
        Tx { connection, failure: None }
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// The first error since the last call, which decides what becomes of the transaction.
    pub(crate) fn take_failure(&mut self) -> Option<StoreError> {
        self.failure.take()
    }

    /// The database this transaction runs on. For tests and reports: SQL that depends on it belongs
    /// in `dialect.rs`.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match &self.connection {
            Connection::Sqlite(_) => Dialect::Sqlite,
            Connection::Postgres(_) => Dialect::Postgres,
            Connection::Mysql(_) => Dialect::Mysql,
        }
    }

    /// Runs one statement and says how many rows its `where` matched, changed or not.
    pub async fn exec(&mut self, sql: &'static Sql, params: &[Value]) -> Result<u64, StoreError> {
        self.ready(sql, params)?;
        let done = match &mut self.connection {
            Connection::Sqlite(connection) => connection.exec(sql, params),
            Connection::Postgres(connection) => Box::pin(connection.exec(sql, params)).await,
            Connection::Mysql(connection) => Box::pin(connection.exec(sql, params)).await,
        };
        self.noted(done)
    }

    /// Runs statements that do not need each other's results and says for each how many rows it
    /// matched. PostgreSQL gets them in one flight; elsewhere they run one after the other.
    pub async fn execs(
        &mut self,
        statements: &[(&'static Sql, Vec<Value>)],
    ) -> Result<Vec<u64>, StoreError> {
        for (sql, params) in statements {
            self.ready(sql, params)?;
        }
        if let Connection::Postgres(connection) = &mut self.connection {
            let done = Box::pin(connection.execs(statements)).await;
            return self.noted(done);
        }
        let mut matched = Vec::with_capacity(statements.len());
        for (sql, params) in statements {
            matched.push(self.exec(sql, params).await?);
        }
        Ok(matched)
    }

    /// Inserts a row, or says `false` if a unique key of it exists already. The row that is there
    /// may be another's: read it, if that matters.
    pub async fn insert_new(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<bool, StoreError> {
        self.ready(sql, params)?;
        let done = match &mut self.connection {
            Connection::Sqlite(connection) => connection.insert_new(sql, params),
            Connection::Postgres(connection) => Box::pin(connection.insert_new(sql, params)).await,
            Connection::Mysql(connection) => Box::pin(connection.insert_new(sql, params)).await,
        };
        self.noted(done)
    }

    /// All rows of a select. Every select has a limit, by key or by `limit`, so that this ends.
    pub async fn query(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        self.ready(sql, params)?;
        let rows = match &mut self.connection {
            Connection::Sqlite(connection) => connection.query(sql, params),
            Connection::Postgres(connection) => Box::pin(connection.query(sql, params)).await,
            Connection::Mysql(connection) => Box::pin(connection.query(sql, params)).await,
        };
        self.noted(rows)
    }

    /// The row of a select by key, if there is one. More than one is a bug of the statement.
    pub async fn query_opt(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        let mut rows = self.query(sql, params).await?;
        if rows.len() > 1 {
            let text = format!("{} found {} rows instead of one", sql.name(), rows.len());
            return self.noted(Err(StoreError::Misuse(text)));
        }
        Ok(rows.pop())
    }

    pub(crate) async fn ping(&mut self) -> Result<(), StoreError> {
        let text = "select 1";
        match &mut self.connection {
            Connection::Sqlite(connection) => connection.number(text).map(drop),
            Connection::Postgres(connection) => Box::pin(connection.batch(text)).await,
            Connection::Mysql(connection) => Box::pin(connection.batch(text)).await,
        }
    }

    pub(crate) async fn describe(
        &mut self,
        sql: &'static Sql,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let text = &sql.form(self.dialect()).text;
        match &mut self.connection {
            Connection::Sqlite(connection) => connection.describe(text),
            Connection::Postgres(connection) => Box::pin(connection.describe(text)).await,
            Connection::Mysql(connection) => Box::pin(connection.describe(text)).await,
        }
    }

    fn ready(&mut self, sql: &'static Sql, params: &[Value]) -> Result<(), StoreError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let wanted = sql.form(self.dialect()).parameters;
        if wanted == params.len() {
            return Ok(());
        }
        let text = format!("{} takes {wanted} values, not {}", sql.name(), params.len());
        self.noted(Err(StoreError::Misuse(text)))
    }

    fn noted<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &done
            && self.failure.is_none()
        {
            self.failure = Some(error.clone());
        }
        done
    }
}
