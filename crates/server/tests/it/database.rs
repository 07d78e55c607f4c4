//! A database for each story, with nothing in it.
//!
//! Making one with all its tables takes a server longer than most stories do, so a story that ended
//! well leaves its database to the next one, which empties it.

use std::{env, sync::Mutex};

use mysql_async::prelude::Queryable;
use tempfile::TempDir;

/// Which database a story runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
    Mysql,
}

/// A database that nobody else uses. It is dropped with its server, or with its folder.
pub struct Database {
    pub url: String,
    on: On,
    _folder: Option<TempDir>,
}

/// Of stories that are over, with all tables and whatever the stories wrote.
static LEFT: Mutex<Vec<Database>> = Mutex::new(Vec::new());

impl Database {
    /// `None`, and a line that says why, where no such server is at hand.
    pub async fn fresh(on: On) -> Option<Self> {
        let left = {
            let mut left = LEFT.lock().unwrap();
            let place = left.iter().position(|database| database.on == on);
            place.map(|place| left.swap_remove(place))
        };
        if let Some(left) = left {
            left.empty().await;
            return Some(left);
        }
        match on {
            On::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", folder.path().join("till.db").display());
                Some(Self { url, on, _folder: Some(folder) })
            }
            On::Postgres => {
                let admin = server("TILL_TEST_POSTGRES_URL")?;
                let name = name();
                let client = on_postgres(&admin).await;
                client.batch_execute(&format!("create database {name}")).await.unwrap();
                Some(Self { url: renamed(&admin, &name), on, _folder: None })
            }
            On::Mysql => {
                let admin = server("TILL_TEST_MYSQL_URL")?;
                let name = name();
                let mut connection = on_mysql(&admin).await;
                connection.query_drop(format!("create database {name}")).await.unwrap();
                connection.disconnect().await.unwrap();
                Some(Self { url: renamed(&admin, &name), on, _folder: None })
            }
        }
    }

    /// For the next story; nobody works with it any more.
    pub fn leave(self) {
        // A file is made faster than it is emptied.
        if self.on != On::Sqlite {
            LEFT.lock().unwrap().push(self);
        }
    }

    async fn empty(&self) {
        match self.on {
            On::Sqlite => unreachable!("no file is left"),
            On::Postgres => {
                let client = on_postgres(&self.url).await;
                client.batch_execute(EMPTY_POSTGRES).await.unwrap();
            }
            On::Mysql => {
                let mut connection = on_mysql(&self.url).await;
                let tables: Vec<String> = connection.query(TABLES_OF_MYSQL).await.unwrap();
                connection.query_drop("set foreign_key_checks = 0").await.unwrap();
                for table in tables {
                    connection.query_drop(format!("delete from {table}")).await.unwrap();
                }
                connection.disconnect().await.unwrap();
            }
        }
    }
}

/// The newest first: a table refers to older ones.
const EMPTY_POSTGRES: &str = "do $$ declare name text; begin \
    for name in select relname from pg_class \
        where relnamespace = 'public'::regnamespace and relkind = 'r' \
            and relname not like 'till_migration%' order by oid desc \
    loop execute 'delete from ' || name; end loop; end $$";
const TABLES_OF_MYSQL: &str = "select table_name from information_schema.tables \
    where table_schema = database() and table_name not like 'till_migration%'";

async fn on_postgres(url: &str) -> tokio_postgres::Client {
    let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
    let (client, connection) = connected.unwrap();
    tokio::spawn(connection);
    client
}

async fn on_mysql(url: &str) -> mysql_async::Conn {
    let opts = mysql_async::Opts::from_url(url).unwrap();
    mysql_async::Conn::new(opts).await.unwrap()
}

/// A connection of somebody else's that keeps everybody from writing to one table, and nobody from
/// reading it: whoever wants to write waits until it is gone.
pub enum Held {
    Postgres(tokio_postgres::Client),
    Mysql(mysql_async::Conn),
}

impl Held {
    /// Only of a database in which several write at once.
    pub async fn table(database: &str, table: &str) -> Self {
        if database.starts_with("postgres:") {
            let client = on_postgres(database).await;
            let lock = format!("begin; lock table {table} in exclusive mode");
            client.batch_execute(&lock).await.unwrap();
            return Self::Postgres(client);
        }
        let mut connection = on_mysql(database).await;
        connection.query_drop(format!("lock tables {table} read")).await.unwrap();
        Self::Mysql(connection)
    }

    /// How many wait, for the table or for one another.
    pub async fn waiting(&mut self) -> i64 {
        match self {
            Self::Postgres(client) => {
                client.query_one(WAITING_ON_POSTGRES, &[]).await.unwrap().get(0)
            }
            Self::Mysql(connection) => {
                connection.query_first(WAITING_ON_MYSQL).await.unwrap().unwrap()
            }
        }
    }

    /// Everybody goes on.
    pub async fn let_go(self) {
        match self {
            Self::Postgres(client) => client.batch_execute("commit").await.unwrap(),
            Self::Mysql(connection) => connection.disconnect().await.unwrap(),
        }
    }
}

const WAITING_ON_POSTGRES: &str = "select count(*) from pg_stat_activity \
    where datname = current_database() and wait_event_type = 'Lock'";
/// Who waits for a row is not shown to everybody; but the rows that are locked here are waited for.
const WAITING_ON_MYSQL: &str = "select count(*) from information_schema.processlist \
    where db = database() and id <> connection_id() \
        and (state like 'Waiting for table%lock' or info like '%for update')";

fn server(variable: &str) -> Option<String> {
    let url = env::var(variable).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        eprintln!("skipped: {variable} is not set; `cargo xtask test` starts the servers");
    }
    url
}

fn name() -> String {
    format!("story_{}", uuid::Uuid::now_v7().simple())
}

/// The same server, another database.
fn renamed(admin: &str, name: &str) -> String {
    let mut url = url::Url::parse(admin).unwrap();
    url.set_path(name);
    url.to_string()
}
