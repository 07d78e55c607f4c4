//! A fresh database for each story.

use std::env;

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
    _folder: Option<TempDir>,
}

impl Database {
    /// `None`, and a line that says why, where no such server is at hand.
    pub async fn fresh(on: On) -> Option<Self> {
        match on {
            On::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", folder.path().join("till.db").display());
                Some(Self { url, _folder: Some(folder) })
            }
            On::Postgres => {
                let admin = server("TILL_TEST_POSTGRES_URL")?;
                let name = name();
                let (client, connection) =
                    tokio_postgres::connect(&admin, tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                client.batch_execute(&format!("create database {name}")).await.unwrap();
                Some(Self { url: renamed(&admin, &name), _folder: None })
            }
            On::Mysql => {
                let admin = server("TILL_TEST_MYSQL_URL")?;
                let name = name();
                let opts = mysql_async::Opts::from_url(&admin).unwrap();
                let mut connection = mysql_async::Conn::new(opts).await.unwrap();
                connection.query_drop(format!("create database {name}")).await.unwrap();
                connection.disconnect().await.unwrap();
                Some(Self { url: renamed(&admin, &name), _folder: None })
            }
        }
    }
}

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
