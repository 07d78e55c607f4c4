//! PostgreSQL: one connection, its prepared statements, and how to make it.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;

use futures::future::join_all;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::task::AbortHandle;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;
use uuid::Uuid;

use crate::dialect::{self, Dialect};
use crate::url::{Server, Tls};
use crate::{Limits, Row, Sql, StoreError, Value, network, tx};

/// How to reach the server.
pub(crate) struct Postgres {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
    session: String,
}

/// One connection. Dropping it closes the socket at once, whatever the server is doing.
pub(crate) struct Connection {
    client: Client,
    driver: AbortHandle,
    prepared: HashMap<&'static str, Statement>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Postgres {
    pub(crate) fn new(server: &Server, limits: &Limits) -> Result<Postgres, StoreError> {
        let mut config = tokio_postgres::Config::new();
        config.host(&server.host).port(server.port).user(&server.user).dbname(&server.database);
        config.application_name("till");
        // After a failover the old server may come back as a copy that takes no writes.
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        config.ssl_mode(match server.tls {
            Tls::Off => tokio_postgres::config::SslMode::Disable,
            Tls::Verified { .. } => tokio_postgres::config::SslMode::Require,
        });
        if let Some(password) = &server.password {
            config.password(password);
        }
        let tls = match &server.tls {
            Tls::Off => None,
            Tls::Verified { root_certificate } => {
                Some(MakeRustlsConnect::new(client_config(root_certificate.as_deref())?))
            }
        };
        Ok(Postgres { config, tls, session: dialect::postgres_session(limits.statement_ms) })
    }
}

/// Trusts the given authorities or, without any, those that browsers trust.
fn client_config(root: Option<&std::path::Path>) -> Result<ClientConfig, StoreError> {
    let mut roots = RootCertStore::empty();
    match root {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                StoreError::setup(format!(
                    "sslrootcert {} cannot be read as certificates in PEM form: {error}",
                    path.display()
                ))
            };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::setup(format!("TLS cannot be set up: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

impl network::Server for Postgres {
    type Connection = Connection;
    const DIALECT: Dialect = Dialect::Postgres;

    async fn connect(&self) -> Result<Connection, StoreError> {
        let (client, driver) = match &self.tls {
            None => {
                let (client, connection) =
                    self.config.connect(NoTls).await.map_err(from_connecting)?;
                (client, tokio::spawn(async move { drop(connection.await) }))
            }
            Some(tls) => {
                let (client, connection) =
                    self.config.connect(tls.clone()).await.map_err(from_connecting)?;
                (client, tokio::spawn(async move { drop(connection.await) }))
            }
        };
        let driver = driver.abort_handle();
        let connection = Connection { client, driver, prepared: HashMap::new() };
        connection.client.batch_execute(&self.session).await.map_err(from_driver)?;
        Ok(connection)
    }

    fn is_dead(connection: &Connection) -> bool {
        connection.client.is_closed()
    }

    async fn run(connection: &mut Connection, text: &'static str) -> Result<(), StoreError> {
        connection.batch(text).await
    }

    fn wrap(connection: Connection) -> tx::Connection {
        tx::Connection::Postgres(connection)
    }

    fn unwrap(connection: tx::Connection) -> Option<Connection> {
        match connection {
            tx::Connection::Postgres(connection) => Some(connection),
            tx::Connection::Sqlite(_) | tx::Connection::Mysql(_) => None,
        }
    }
}

impl Connection {
    pub(crate) async fn exec(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<u64, StoreError> {
        self.execute(&sql.form(Dialect::Postgres).text, params).await
    }

    pub(crate) async fn insert_new(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<bool, StoreError> {
        Ok(self.execute(&sql.form(Dialect::Postgres).insert_new, params).await? > 0)
    }

    /// All statements are sent before the first answer is read. If one fails the server refuses
    /// those behind it; the first error is the one that says why.
    pub(crate) async fn execs(
        &mut self,
        statements: &[(&'static Sql, Vec<Value>)],
    ) -> Result<Vec<u64>, StoreError> {
        let mut ready = Vec::with_capacity(statements.len());
        for (sql, params) in statements {
            let statement = self.prepared(&sql.form(Dialect::Postgres).text).await?;
            ready.push((statement, borrowed(params)));
        }
        let flights =
            ready.iter().map(|(statement, params)| self.client.execute(statement, params));
        join_all(flights).await.into_iter().map(|done| done.map_err(from_driver)).collect()
    }

    pub(crate) async fn query(
        &mut self,
        sql: &'static Sql,
        params: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(&sql.form(Dialect::Postgres).text).await?;
        let columns = statement.columns();
        sql.columns_or(|| columns.iter().map(|column| column.name().to_owned()).collect());
        let rows = self.client.query(&statement, &borrowed(params)).await.map_err(from_driver)?;
        rows.iter().map(|row| Ok(Row::new(sql, values(row)?))).collect()
    }

    async fn execute(&mut self, text: &'static str, params: &[Value]) -> Result<u64, StoreError> {
        let statement = self.prepared(text).await?;
        self.client.execute(&statement, &borrowed(params)).await.map_err(from_driver)
    }

    async fn prepared(&mut self, text: &'static str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.prepared.get(text) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(text).await.map_err(from_driver)?;
        self.prepared.insert(text, statement.clone());
        Ok(statement)
    }

    /// Runs statements without parameters and without results.
    pub(crate) async fn batch(&self, text: &str) -> Result<(), StoreError> {
        self.client.batch_execute(text).await.map_err(from_driver)
    }

    /// The number that a statement without parameters selects.
    pub(crate) async fn number(&self, text: &str) -> Result<i64, StoreError> {
        let row = self.client.query_one(text, &[]).await.map_err(from_driver)?;
        row.try_get(0).map_err(from_driver)
    }

    /// Names and types of a statement's columns.
    pub(crate) async fn describe(&self, text: &str) -> Result<Vec<(String, String)>, StoreError> {
        let statement = self.client.prepare(text).await.map_err(from_driver)?;
        let columns = statement.columns().iter();
        Ok(columns.map(|c| (c.name().to_owned(), c.type_().name().to_owned())).collect())
    }
}

fn borrowed(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|param| param as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => number.to_sql_checked(ty, out),
            Value::Text(text) => text.to_sql_checked(ty, out),
            Value::Bytes(bytes) => bytes.to_sql_checked(ty, out),
            Value::Id(id) => id.to_sql_checked(ty, out),
        }
    }

    /// Each kind of value checks its own type when it is written.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn values(row: &tokio_postgres::Row) -> Result<Vec<Value>, StoreError> {
    let mut values = Vec::with_capacity(row.len());
    for (at, column) in row.columns().iter().enumerate() {
        values.push(
            match *column.type_() {
                Type::INT8 => row.try_get::<_, Option<i64>>(at).map(Value::from),
                Type::TEXT | Type::VARCHAR => row.try_get::<_, Option<String>>(at).map(Value::from),
                Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at).map(Value::from),
                Type::UUID => row.try_get::<_, Option<Uuid>>(at).map(Value::from),
                ref other => {
                    let text = format!("column {} has the type {other}", column.name());
                    return Err(StoreError::Misuse(text));
                }
            }
            .map_err(from_driver)?,
        );
    }
    Ok(values)
}

fn from_driver(error: tokio_postgres::Error) -> StoreError {
    let Some(said) = error.as_db_error() else {
        // Everything that the server did not say happened to the connection, except a value that
        // could not be written or read.
        if error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()) {
            return StoreError::Unreachable(Some(Arc::new(error)));
        }
        return StoreError::Database(Arc::new(error));
    };
    let state = said.code().code().to_owned();
    let constraint = said.constraint().map(str::to_owned);
    dialect::postgres_error(&state, constraint.as_deref(), Arc::new(error))
}

/// A server that answers and refuses us needs a change of the configuration, not another try.
fn from_connecting(error: tokio_postgres::Error) -> StoreError {
    match error.as_db_error() {
        Some(said) if ["28", "3D"].iter().any(|class| said.code().code().starts_with(class)) => {
            StoreError::setup(format!(
                "PostgreSQL refuses the connection: {}; check user, password and database in \
                 DATABASE_URL",
                said.message()
            ))
        }
        Some(_) => from_driver(error),
        None => StoreError::Unreachable(Some(Arc::new(error))),
    }
}
