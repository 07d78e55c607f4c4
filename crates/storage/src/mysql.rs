//! MySQL and MariaDB: one connection and how to make it.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};

use crate::dialect::{self, Dialect};
use crate::url::{Server, Tls};
use crate::{Limits, Row, Sql, StoreError, Value, network, tx};

/// More than the statements of the whole program, so that each is prepared once per connection.
const STATEMENTS_CACHED_MAX: usize = 512;

/// The number of the character set that MySQL calls `binary`: the column holds bytes, not text.
const BINARY: u16 = 63;

/// How to reach the server.
pub(crate) struct Mysql {
    opts: Opts,
}

/// One connection, outside any pool of the driver: dropping it closes it.
pub(crate) struct Connection {
    conn: Conn,
}

impl Mysql {
    pub(crate) fn new(server: &Server, limits: &Limits) -> Mysql {
        let tls = match &server.tls {
            Tls::Off => None,
            Tls::Verified { root_certificate: None } => Some(SslOpts::default()),
            Tls::Verified { root_certificate: Some(path) } => Some(
                SslOpts::default()
                    .with_root_certs(vec![path.clone().into()])
                    .with_disable_built_in_roots(true),
            ),
        };
        let opts = OptsBuilder::default()
            .ip_or_hostname(server.host.as_str())
            .tcp_port(server.port)
            .user(Some(server.user.as_str()))
            .pass(server.password.as_deref())
            .db_name(Some(server.database.as_str()))
            .ssl_opts(tls)
            // A conditional update asks whether the row matched, not whether it changed.
            .client_found_rows(true)
            .stmt_cache_size(STATEMENTS_CACHED_MAX)
            .prefer_socket(false)
            .tcp_keepalive(Some(Duration::from_secs(60)))
            .init(dialect::mysql_session(limits.statement_ms));
        Mysql { opts: opts.into() }
    }
}

impl network::Server for Mysql {
    type Connection = Connection;
    const DIALECT: Dialect = Dialect::Mysql;

    async fn connect(&self) -> Result<Connection, StoreError> {
        let mut conn = Conn::new(self.opts.clone()).await.map_err(from_connecting)?;
        let version: Option<String> =
            conn.query_first("select version()").await.map_err(from_driver)?;
        dialect::mysql_enforces_checks(&version.unwrap_or_default())?;
        Ok(Connection { conn })
    }

    /// Nothing watches an idle connection; a dead one is found by its first statement.
    fn is_dead(_: &Connection) -> bool {
        false
    }

    async fn run(connection: &mut Connection, text: &'static str) -> Result<(), StoreError> {
        connection.batch(text).await
    }

    fn wrap(connection: Connection) -> tx::Connection {
        tx::Connection::Mysql(connection)
    }

    fn unwrap(connection: tx::Connection) -> Option<Connection> {
        match connection {
            tx::Connection::Mysql(connection) => Some(connection),
            tx::Connection::Sqlite(_) | tx::Connection::Postgres(_) => None,
        }
    }
}

impl Connection {
    pub(crate) async fn exec(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<u64, StoreError> {
        self.execute(sql, params).await.map_err(from_driver)
    }

    /// The plain insert; a key that exists is the one error that leaves the transaction usable,
    /// because InnoDB has undone no more than this statement.
    pub(crate) async fn insert_new(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<bool, StoreError> {
        match self.execute(sql, params).await.map_err(from_driver) {
            Ok(matched) => Ok(matched > 0),
            Err(StoreError::Duplicate { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn execute(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<u64, mysql_async::Error> {
        let form = sql.form(Dialect::Mysql);
        let params = in_order(&form.order, params);
        let result = self.conn.exec_iter(form.text.as_str(), params).await?;
        let matched = result.affected_rows();
        result.drop_result().await?;
        Ok(matched)
    }

    pub(crate) async fn query(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let form = sql.form(Dialect::Mysql);
        let params = in_order(&form.order, params);
        let rows: Vec<mysql_async::Row> =
            self.conn.exec(form.text.as_str(), params).await.map_err(from_driver)?;
        rows.into_iter().map(|row| read(sql, row)).collect()
    }

    /// Runs statements without parameters and without results.
    pub(crate) async fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.conn.query_drop(text).await.map_err(from_driver)
    }

    /// The number that a statement without parameters selects.
    pub(crate) async fn number(&mut self, text: &str) -> Result<i64, StoreError> {
        let number: Option<i64> = self.conn.query_first(text).await.map_err(from_driver)?;
        Ok(number.unwrap_or_default())
    }

    /// Names and types of a statement's columns.
    pub(crate) async fn describe(
        &mut self,
        text: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let statement = self.conn.prep(text).await.map_err(from_driver)?;
        let described = |column: &mysql_async::Column| {
            let kind = match column.column_type() {
                ColumnType::MYSQL_TYPE_LONGLONG => "bigint",
                _ if column.character_set() == BINARY => "bytes",
                _ => "text",
            };
            (column.name_str().into_owned(), kind.to_owned())
        };
        let columns = statement.columns().iter().map(described).collect();
        self.conn.close(statement).await.map_err(from_driver)?;
        Ok(columns)
    }
}

fn in_order(order: &[usize], params: &[Value]) -> mysql_async::Params {
    if order.is_empty() {
        return mysql_async::Params::Empty;
    }
    let value = |at: &usize| match &params[*at] {
        Value::Null => mysql_async::Value::NULL,
        Value::Int(number) => mysql_async::Value::Int(*number),
        Value::Text(text) => mysql_async::Value::Bytes(text.as_bytes().to_vec()),
        Value::Bytes(bytes) => mysql_async::Value::Bytes(bytes.clone()),
        Value::Id(id) => mysql_async::Value::Bytes(id.as_bytes().to_vec()),
    };
    mysql_async::Params::Positional(order.iter().map(value).collect())
}

fn read(sql: &'static Sql, row: mysql_async::Row) -> Result<Row, StoreError> {
    let columns = row.columns();
    sql.columns_or(|| columns.iter().map(|column| column.name_str().into_owned()).collect());
    let mut values = Vec::with_capacity(columns.len());
    for (column, value) in columns.iter().zip(row.unwrap()) {
        values.push(match value {
            mysql_async::Value::NULL => Value::Null,
            mysql_async::Value::Int(number) => Value::Int(number),
            mysql_async::Value::Bytes(bytes) if column.character_set() == BINARY => {
                Value::Bytes(bytes)
            }
            mysql_async::Value::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Value::Text(text),
                Err(error) => Value::Bytes(error.into_bytes()),
            },
            mysql_async::Value::UInt(_)
            | mysql_async::Value::Float(_)
            | mysql_async::Value::Double(_)
            | mysql_async::Value::Date(..)
            | mysql_async::Value::Time(..) => {
                let text = format!("column {} is neither BIGINT nor text", column.name_str());
                return Err(StoreError::Misuse(text));
            }
        });
    }
    Ok(Row::new(sql, values))
}

fn from_driver(error: mysql_async::Error) -> StoreError {
    let mysql_async::Error::Server(said) = &error else {
        return StoreError::Unreachable(Some(Arc::new(error)));
    };
    let (code, message) = (said.code, said.message.clone());
    dialect::mysql_error(code, &message, Arc::new(error))
}

/// A server that answers and refuses us needs a change of the configuration, not another try.
fn from_connecting(error: mysql_async::Error) -> StoreError {
    match &error {
        mysql_async::Error::Server(said) if [1044, 1045, 1049, 1698].contains(&said.code) => {
            StoreError::setup(format!(
                "the server refuses the connection: {}; check user, password and database in \
                 DATABASE_URL",
                said.message
            ))
        }
        _ => from_driver(error),
    }
}
