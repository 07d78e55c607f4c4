//! Brings a database up to the schema this program knows, one plain SQL file after the other.
//!
//! Many processes may start at once: one of them migrates, the others wait for it and find nothing
//! left to do. SQLite and PostgreSQL do it in one transaction. MySQL commits after every `create`,
//! so each statement is noted down when it is done and an interrupted migration goes on where it
//! stopped; its files say `create table if not exists`, because the stop may have come between the
//! statement and the note.

use crate::dialect::Dialect;
use crate::{Sql, StoreError, Tx, Value, tx};

/// A step in the life of the schema. Files are never changed once released, only added.
struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    mysql: &'static str,
}

static MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_shop",
        sqlite: include_str!("../migrations/sqlite/0001_shop.sql"),
        postgres: include_str!("../migrations/postgres/0001_shop.sql"),
        mysql: include_str!("../migrations/mysql/0001_shop.sql"),
    },
    Migration {
        name: "0002_refunds",
        sqlite: include_str!("../migrations/sqlite/0002_refunds.sql"),
        postgres: include_str!("../migrations/postgres/0002_refunds.sql"),
        mysql: include_str!("../migrations/mysql/0002_refunds.sql"),
    },
    Migration {
        name: "0003_history",
        sqlite: include_str!("../migrations/sqlite/0003_history.sql"),
        postgres: include_str!("../migrations/postgres/0003_history.sql"),
        mysql: include_str!("../migrations/mysql/0003_history.sql"),
    },
    Migration {
        name: "0004_disputes",
        sqlite: include_str!("../migrations/sqlite/0004_disputes.sql"),
        postgres: include_str!("../migrations/postgres/0004_disputes.sql"),
        mysql: include_str!("../migrations/mysql/0004_disputes.sql"),
    },
    Migration {
        name: "0005_deliveries",
        sqlite: include_str!("../migrations/sqlite/0005_deliveries.sql"),
        postgres: include_str!("../migrations/postgres/0005_deliveries.sql"),
        mysql: include_str!("../migrations/mysql/0005_deliveries.sql"),
    },
    Migration {
        name: "0006_shield",
        sqlite: include_str!("../migrations/sqlite/0006_shield.sql"),
        postgres: include_str!("../migrations/postgres/0006_shield.sql"),
        mysql: include_str!("../migrations/mysql/0006_shield.sql"),
    },
    Migration {
        name: "0007_books",
        sqlite: include_str!("../migrations/sqlite/0007_books.sql"),
        postgres: include_str!("../migrations/postgres/0007_books.sql"),
        mysql: include_str!("../migrations/mysql/0007_books.sql"),
    },
    Migration {
        name: "0008_sessions",
        sqlite: include_str!("../migrations/sqlite/0008_sessions.sql"),
        postgres: include_str!("../migrations/postgres/0008_sessions.sql"),
        mysql: include_str!("../migrations/mysql/0008_sessions.sql"),
    },
    Migration {
        name: "0009_platform_carts",
        sqlite: include_str!("../migrations/sqlite/0009_platform_carts.sql"),
        postgres: include_str!("../migrations/postgres/0009_platform_carts.sql"),
        mysql: include_str!("../migrations/mysql/0009_platform_carts.sql"),
    },
    Migration {
        name: "0010_rest",
        sqlite: include_str!("../migrations/sqlite/0010_rest.sql"),
        postgres: include_str!("../migrations/postgres/0010_rest.sql"),
        mysql: include_str!("../migrations/mysql/0010_rest.sql"),
    },
    Migration {
        name: "0011_session_ends",
        sqlite: include_str!("../migrations/sqlite/0011_session_ends.sql"),
        postgres: include_str!("../migrations/postgres/0011_session_ends.sql"),
        mysql: include_str!("../migrations/mysql/0011_session_ends.sql"),
    },
    Migration {
        name: "0012_purchase_history",
        sqlite: include_str!("../migrations/sqlite/0012_purchase_history.sql"),
        postgres: include_str!("../migrations/postgres/0012_purchase_history.sql"),
        mysql: include_str!("../migrations/mysql/0012_purchase_history.sql"),
    },
    Migration {
        name: "0013_money_since",
        sqlite: include_str!("../migrations/sqlite/0013_money_since.sql"),
        postgres: include_str!("../migrations/postgres/0013_money_since.sql"),
        mysql: include_str!("../migrations/mysql/0013_money_since.sql"),
    },
    Migration {
        name: "0014_customers",
        sqlite: include_str!("../migrations/sqlite/0014_customers.sql"),
        postgres: include_str!("../migrations/postgres/0014_customers.sql"),
        mysql: include_str!("../migrations/mysql/0014_customers.sql"),
    },
    Migration {
        name: "0016_noted",
        sqlite: include_str!("../migrations/sqlite/0016_noted.sql"),
        postgres: include_str!("../migrations/postgres/0016_noted.sql"),
        mysql: include_str!("../migrations/mysql/0016_noted.sql"),
    },
];

/// Where the steps done are noted; made by the program, not by a migration.
const NOTES: &str = "till_migrations";

static DONE: Sql = Sql::new("migrate::DONE", "select name, step from till_migrations");
static NOTE: Sql =
    Sql::new("migrate::NOTE", "insert into till_migrations (name, step) values (?1, ?2)");

impl Migration {
    fn statements(&self, dialect: Dialect) -> Vec<&'static str> {
        let file = match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
            Dialect::Mysql => self.mysql,
        };
        file.split(";\n").map(str::trim).filter(|text| !text.is_empty()).collect()
    }
}

/// Migrations of which a step is missing, oldest first.
pub(crate) async fn pending(tx: &mut Tx) -> Result<Vec<&'static str>, StoreError> {
    let done = done(tx).await?;
    let dialect = tx.dialect();
    let is_pending = |migration: &&Migration| {
        let steps = migration.statements(dialect).len() as i64;
        (0..steps).any(|step| !done.contains(&(migration.name.to_owned(), step)))
    };
    Ok(MIGRATIONS.iter().filter(is_pending).map(|migration| migration.name).collect())
}

async fn done(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    if number(tx, &tx.dialect().count_tables(NOTES)).await? == 0 {
        return Ok(Vec::new());
    }
    let mut done = Vec::new();
    for row in tx.query(&DONE, &[]).await? {
        let mut row = row.read(NOTES);
        done.push((row.text("name")?, row.int("step")?));
    }
    if let Some((name, _)) =
        done.iter().find(|(name, _)| !MIGRATIONS.iter().any(|known| known.name == name))
    {
        return Err(StoreError::setup(format!(
            "the database knows the migration {name}, which this program does not: it was made by \
             a newer version; use that one"
        )));
    }
    Ok(done)
}

/// SQLite and PostgreSQL: all steps in one transaction, under a lock that ends with it.
pub(crate) async fn run_in_transaction(tx: &mut Tx) -> Result<Vec<&'static str>, StoreError> {
    begin(tx).await?;
    let migrated = steps(tx).await;
    run(tx, if migrated.is_ok() { "commit" } else { "rollback" }).await?;
    migrated
}

/// MySQL: `tx` takes the steps while `guard`, another connection, holds a row lock, which the
/// server releases when that connection ends, however it ends.
pub(crate) async fn run_under_guard(
    tx: &mut Tx,
    guard: &mut Tx,
) -> Result<Vec<&'static str>, StoreError> {
    begin(guard).await?;
    let migrated = steps(tx).await;
    run(guard, "rollback").await?;
    migrated
}

async fn begin(tx: &mut Tx) -> Result<(), StoreError> {
    for text in tx.dialect().prepare_migrating() {
        if run(tx, text).await.is_err() {
            // Another process was making the same table; by now it is there.
            run(tx, text).await?;
        }
    }
    for text in tx.dialect().begin_migrating() {
        run(tx, text).await?;
    }
    Ok(())
}

async fn steps(tx: &mut Tx) -> Result<Vec<&'static str>, StoreError> {
    let done = done(tx).await?;
    let mut migrated = Vec::new();
    for migration in MIGRATIONS {
        for (step, statement) in (0_i64..).zip(migration.statements(tx.dialect())) {
            if done.contains(&(migration.name.to_owned(), step)) {
                continue;
            }
            run(tx, statement).await?;
            tx.exec(&NOTE, &[Value::from(migration.name), Value::Int(step)]).await?;
            if !migrated.contains(&migration.name) {
                migrated.push(migration.name);
            }
        }
    }
    Ok(migrated)
}

async fn run(tx: &mut Tx, text: &str) -> Result<(), StoreError> {
    match tx.connection() {
        tx::Connection::Sqlite(connection) => connection.run(text),
        tx::Connection::Postgres(connection) => Box::pin(connection.batch(text)).await,
        tx::Connection::Mysql(connection) => Box::pin(connection.batch(text)).await,
    }
}

async fn number(tx: &mut Tx, text: &str) -> Result<i64, StoreError> {
    match tx.connection() {
        tx::Connection::Sqlite(connection) => connection.number(text),
        tx::Connection::Postgres(connection) => Box::pin(connection.number(text)).await,
        tx::Connection::Mysql(connection) => Box::pin(connection.number(text)).await,
    }
}
