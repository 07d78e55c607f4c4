//! Every difference between the databases, and nothing else: how a parameter is written, how a
//! transaction begins, what an error number means, which settings a session needs.
//!
//! | | SQLite | PostgreSQL | MySQL, MariaDB |
//! |---|---|---|---|
//! | parameters | `?1` | `$1` | `?`, in order of appearance |
//! | row locks | none: one writer | `for update` | `for update` |
//! | a key that exists, when inserting | `on conflict do nothing` | the same | error 1062 |
//! | rows affected | matched | matched | matched (`CLIENT_FOUND_ROWS`) |
//! | a failed statement | is undone alone, or undoes all | dooms the transaction | is undone alone, or undoes all |
//! | DDL | in the transaction | in the transaction | commits by itself |
//!
//! The fifth row is why a [`Tx`](crate::Tx) takes no statement after a failed one: what PostgreSQL
//! enforces is then true everywhere.

use std::sync::Arc;

use crate::error::Cause;
use crate::{Sql, StoreError};

/// Which database a store speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded database.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL 8.0.16 and MariaDB 10.2.1, or later.
    Mysql,
}

/// A statement as one database wants it.
pub(crate) struct Form {
    pub text: String,
    /// The same, for an insert that does nothing where the key exists.
    pub insert_new: String,
    /// Highest parameter number, which is how many values the caller passes.
    pub parameters: usize,
    /// For `?` in order of appearance: which value each one takes, counted from zero.
    pub order: Vec<usize>,
}

impl Dialect {
    /// Rewrites a statement of the common dialect. Text in single quotes is left alone.
    pub(crate) fn rewrite(self, common: &str) -> Form {
        let common = match self {
            Dialect::Sqlite => common.strip_suffix(" for update").unwrap_or(common),
            Dialect::Postgres | Dialect::Mysql => common,
        };
        let (text, order) = self.rewrite_parameters(common);
        let insert_new = match self {
            Dialect::Sqlite | Dialect::Postgres => format!("{text} on conflict do nothing"),
            Dialect::Mysql => text.clone(),
        };
        let parameters = order.iter().max().map_or(0, |last| last + 1);
        Form { text, insert_new, parameters, order }
    }

    fn rewrite_parameters(self, common: &str) -> (String, Vec<usize>) {
        let mut text = String::with_capacity(common.len() + 8);
        let mut order = Vec::new();
        let mut quoted = false;
        let mut rest = common.chars().peekable();
        while let Some(letter) = rest.next() {
            if letter == '\'' {
                quoted = !quoted;
            }
            if letter != '?' || quoted {
                text.push(letter);
                continue;
            }
            let mut number = 0;
            while let Some(digit) = rest.peek().and_then(|next| next.to_digit(10)) {
                number = number * 10 + digit as usize;
                rest.next();
            }
            order.push(number.saturating_sub(1));
            match self {
                Dialect::Sqlite => text.push_str(&format!("?{number}")),
                Dialect::Postgres => text.push_str(&format!("${number}")),
                Dialect::Mysql => text.push('?'),
            }
        }
        (text, order)
    }

    /// Begins a transaction that may write. READ COMMITTED where that is a choice: an operation
    /// locks the row that matters first, and a stricter level would only add failures to retry.
    pub(crate) fn begin_write(self) -> &'static str {
        match self {
            Dialect::Sqlite => "begin immediate",
            Dialect::Postgres => "begin isolation level read committed read write",
            Dialect::Mysql => "start transaction read write",
        }
    }

    /// Begins a transaction that sees one state of the database and may not write.
    pub(crate) fn begin_read(self) -> &'static str {
        match self {
            Dialect::Sqlite => "begin deferred",
            Dialect::Postgres => "begin isolation level repeatable read read only",
            Dialect::Mysql => {
                "set transaction isolation level repeatable read; \
                 start transaction with consistent snapshot, read only"
            }
        }
    }

    /// Makes the tables that migrations need for themselves, unless they are there. Two processes
    /// that do it at once may both fail on PostgreSQL, where `if not exists` looks before it leaps.
    pub(crate) fn prepare_migrating(self) -> &'static [&'static str] {
        match self {
            Dialect::Sqlite => &["create table if not exists till_migrations (
                    name text not null, step integer not null, primary key (name, step)
                ) strict, without rowid"],
            Dialect::Postgres => &["create table if not exists till_migrations (
                    name text not null, step bigint not null, primary key (name, step)
                )"],
            Dialect::Mysql => &[
                "create table if not exists till_migrations (
                    name varchar(100) not null, step bigint not null, primary key (name, step)
                ) engine = innodb default character set utf8mb4 collate utf8mb4_bin",
                "create table if not exists till_migration_guard (
                    id bigint not null primary key
                ) engine = innodb",
                "insert into till_migration_guard (id) values (1) on duplicate key update id = 1",
            ],
        }
    }

    /// Begins a transaction during which nobody else migrates.
    pub(crate) fn begin_migrating(self) -> &'static [&'static str] {
        match self {
            Dialect::Sqlite => &["begin immediate"],
            Dialect::Postgres => &["begin", "lock table till_migrations in exclusive mode"],
            Dialect::Mysql => &[
                "start transaction",
                "select id from till_migration_guard where id = 1 for update",
            ],
        }
    }

    /// Version, clock in milliseconds, and whether a confirmed commit survives a power cut.
    pub(crate) fn condition(self) -> &'static Sql {
        static SQLITE: Sql = Sql::new(
            "dialect::SQLITE",
            "select sqlite_version() as version, \
             cast(round((julianday('now') - 2440587.5) * 86400000) as integer) as clock, \
             (select synchronous >= 2 from pragma_synchronous) as keeps",
        );
        static POSTGRES: Sql = Sql::new(
            "dialect::POSTGRES",
            "select current_setting('server_version') as version, \
             cast(extract(epoch from clock_timestamp()) * 1000 as bigint) as clock, \
             cast(case when current_setting('fsync') = 'on' \
             and current_setting('synchronous_commit') <> 'off' then 1 else 0 end as bigint) as keeps",
        );
        static MYSQL: Sql = Sql::new(
            "dialect::MYSQL",
            "select version() as version, \
             cast(unix_timestamp(now(3)) * 1000 as signed) as clock, \
             cast(@@innodb_flush_log_at_trx_commit = 1 as signed) as keeps",
        );
        match self {
            Dialect::Sqlite => &SQLITE,
            Dialect::Postgres => &POSTGRES,
            Dialect::Mysql => &MYSQL,
        }
    }

    /// Whether tables of this name exist, as a count, in the database we are connected to.
    pub(crate) fn count_tables(self, name: &str) -> String {
        match self {
            Dialect::Sqlite => {
                format!(
                    "select count(*) from sqlite_schema where type = 'table' and name = '{name}'"
                )
            }
            Dialect::Postgres => format!(
                "select count(*) from information_schema.tables \
                 where table_schema = current_schema() and table_name = '{name}'"
            ),
            Dialect::Mysql => format!(
                "select count(*) from information_schema.tables \
                 where table_schema = database() and table_name = '{name}'"
            ),
        }
    }
}

/// Settings of a PostgreSQL session. Half a second more than the client waits would be too late.
pub(crate) fn postgres_session(statement_ms: u64) -> String {
    format!(
        "set statement_timeout = {statement_ms}; set lock_timeout = {statement_ms}; \
         set idle_in_transaction_session_timeout = {}; set timezone = 'UTC'; \
         set client_min_messages = warning; set standard_conforming_strings = on",
        statement_ms * 2
    )
}

/// Settings of a MySQL or MariaDB session: refuse bad values instead of bending them, never hold
/// two versions of a row longer than a statement, and compare literals as bytes.
pub(crate) fn mysql_session(statement_ms: u64) -> Vec<String> {
    let lock_seconds = (statement_ms / 1000).max(1);
    vec![
        "set session sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,\
         NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'"
            .to_owned(),
        "set names utf8mb4 collate utf8mb4_bin".to_owned(),
        "set session transaction isolation level read committed".to_owned(),
        "set session autocommit = 1".to_owned(),
        format!("set session innodb_lock_wait_timeout = {lock_seconds}"),
    ]
}

/// The oldest servers that enforce CHECK: before these, `check (reserved <= on_hand)` was read and
/// forgotten. <https://mariadb.com/kb/en/constraint/>,
/// <https://dev.mysql.com/doc/relnotes/mysql/8.0/en/news-8-0-16.html> (read 2026-11-21).
pub(crate) fn mysql_enforces_checks(version: &str) -> Result<(), StoreError> {
    let mariadb = version.to_ascii_lowercase().contains("mariadb");
    // Behind a proxy for old clients MariaDB says `5.5.5-10.11.6-MariaDB`.
    let plain = if mariadb { version.strip_prefix("5.5.5-").unwrap_or(version) } else { version };
    let mut numbers = plain.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().ok());
    let mut next = || numbers.next().flatten().unwrap_or(0_u32);
    let found = (next(), next(), next());
    let (product, needed) = if mariadb { ("MariaDB", (10, 2, 1)) } else { ("MySQL", (8, 0, 16)) };
    if found >= needed {
        return Ok(());
    }
    Err(StoreError::setup(format!(
        "this server is {product} {}.{}.{}, which ignores CHECK constraints, so stock could become \
         negative; use {product} {}.{}.{} or later",
        found.0, found.1, found.2, needed.0, needed.1, needed.2
    )))
}

/// What an SQLite error means. `extended` is the extended result code.
pub(crate) fn sqlite_error(extended: i32, message: &str, cause: Cause) -> StoreError {
    const CONSTRAINT_PRIMARYKEY: i32 = 1555;
    const CONSTRAINT_UNIQUE: i32 = 2067;
    const CONSTRAINT_ROWID: i32 = 2579;
    match (extended, extended & 0xff) {
        (CONSTRAINT_PRIMARYKEY | CONSTRAINT_ROWID, _) => {
            StoreError::Duplicate { constraint: PRIMARY_KEY.to_owned() }
        }
        (CONSTRAINT_UNIQUE, _) => {
            // `UNIQUE constraint failed: orders.cart_id, orders.number`: the index is named for
            // its table and columns everywhere, so the name can be put together again.
            let columns = message.rsplit(": ").next().unwrap_or_default();
            let mut name = String::new();
            for (position, column) in columns.split(", ").enumerate() {
                let (table, column) = column.split_once('.').unwrap_or(("", column));
                if position == 0 {
                    name.push_str(table);
                }
                name.push('_');
                name.push_str(column);
            }
            StoreError::Duplicate { constraint: name }
        }
        (_, 19) => StoreError::Refused(cause),
        // BUSY and LOCKED: another process held the file longer than the busy timeout.
        (_, 5 | 6) => StoreError::Busy(Some(cause)),
        (_, 13) => StoreError::Full(cause),
        (_, 14) => StoreError::Unreachable(Some(cause)),
        _ => StoreError::Database(cause),
    }
}

/// What a PostgreSQL error means, by its SQLSTATE.
pub(crate) fn postgres_error(state: &str, constraint: Option<&str>, cause: Cause) -> StoreError {
    match state {
        "23505" => {
            let name = constraint.unwrap_or_default();
            let name = if name.ends_with("_pkey") { PRIMARY_KEY } else { name };
            StoreError::Duplicate { constraint: name.to_owned() }
        }
        // Serialization failure, deadlock, lock timeout, statement timeout, too many connections.
        "40001" | "40P01" | "55P03" | "57014" | "53300" => StoreError::Busy(Some(cause)),
        "53100" => StoreError::Full(cause),
        // Shutdown, crash, starting up, idle in transaction for too long.
        "57P01" | "57P02" | "57P03" | "25P03" => StoreError::Unreachable(Some(cause)),
        _ if state.starts_with("08") => StoreError::Unreachable(Some(cause)),
        _ if state.starts_with("23") => StoreError::Refused(cause),
        _ => StoreError::Database(cause),
    }
}

/// What a MySQL or MariaDB error means, by its number.
pub(crate) fn mysql_error(code: u16, message: &str, cause: Cause) -> StoreError {
    match code {
        1062 => {
            // `Duplicate entry '…' for key 'carts.carts_visitor_id'` (MySQL) or without the table
            // (MariaDB). The entry is a value of the row, and goes no further.
            let name = message.trim_end_matches('\'').rsplit('\'').next().unwrap_or_default();
            let name = name.rsplit('.').next().unwrap_or_default();
            let name = if name == "PRIMARY" { PRIMARY_KEY } else { name };
            StoreError::Duplicate { constraint: name.to_owned() }
        }
        // Deadlock, lock wait timeout, record changed since last read, statement timeouts, too
        // many connections.
        1213 | 1205 | 1020 | 1969 | 3024 | 1317 | 1040 | 1203 => StoreError::Busy(Some(cause)),
        1021 | 1114 => StoreError::Full(cause),
        // Shutdown, killed, gone away, a server gone read-only.
        1053 | 1077 | 1079 | 1927 | 2006 | 2013 | 1290 | 1836 | 4031 => {
            StoreError::Unreachable(Some(cause))
        }
        1048 | 1364 | 1451 | 1452 | 3819 | 4025 => StoreError::Refused(cause),
        _ => StoreError::Database(cause),
    }
}

/// An error without a driver behind it.
pub(crate) fn cause(text: impl Into<String>) -> Cause {
    let error: Box<dyn std::error::Error + Send + Sync> = text.into().into();
    Arc::from(error)
}

const PRIMARY_KEY: &str = "primary key";

#[cfg(test)]
mod tests {
    use super::*;

    const REORDERED: &str =
        "update t set a = ?2, b = '?1 stays' where id = ?1 and a < ?2 for update";

    #[test]
    fn a_parameter_may_repeat_and_come_out_of_order() {
        let mysql = Dialect::Mysql.rewrite(REORDERED);
        assert_eq!(
            mysql.text,
            "update t set a = ?, b = '?1 stays' where id = ? and a < ? for update"
        );
        assert_eq!(mysql.order, [1, 0, 1]);
        assert_eq!(mysql.parameters, 2);
        let postgres = Dialect::Postgres.rewrite(REORDERED);
        assert_eq!(
            postgres.text,
            "update t set a = $2, b = '?1 stays' where id = $1 and a < $2 for update"
        );
    }

    #[test]
    fn row_locks_are_dropped_where_there_is_one_writer() {
        let sqlite = Dialect::Sqlite.rewrite(REORDERED);
        assert_eq!(sqlite.text, "update t set a = ?2, b = '?1 stays' where id = ?1 and a < ?2");
    }

    #[test]
    fn servers_that_forget_checks_are_refused_with_a_sentence() {
        for good in
            ["10.11.19-MariaDB-0+deb12u1", "5.5.5-10.2.1-MariaDB", "8.0.16", "8.4.3", "9.1.0"]
        {
            mysql_enforces_checks(good).unwrap();
        }
        for old in ["5.5.5-10.2.0-MariaDB", "10.1.48-MariaDB", "8.0.15", "5.7.44-log", "nonsense"] {
            let sentence = mysql_enforces_checks(old).unwrap_err().to_string();
            assert!(sentence.contains("ignores CHECK"), "{old}: {sentence}");
        }
    }

    #[test]
    fn a_duplicate_key_has_the_same_name_on_every_database() {
        let names = [
            sqlite_error(
                2067,
                "UNIQUE constraint failed: orders.cart_id, orders.number",
                cause(""),
            ),
            postgres_error("23505", Some("orders_cart_id_number"), cause("")),
            mysql_error(1062, "Duplicate entry 'o'x' for key 'orders_cart_id_number'", cause("")),
            mysql_error(
                1062,
                "Duplicate entry 'x' for key 'orders.orders_cart_id_number'",
                cause(""),
            ),
        ];
        for error in names {
            let StoreError::Duplicate { constraint } = error else { panic!("{error:?}") };
            assert_eq!(constraint, "orders_cart_id_number");
        }
    }

    #[test]
    fn a_duplicate_id_is_called_primary_key_on_every_database() {
        let names = [
            sqlite_error(1555, "UNIQUE constraint failed: orders.id", cause("")),
            postgres_error("23505", Some("orders_pkey"), cause("")),
            mysql_error(1062, "Duplicate entry 'x' for key 'orders.PRIMARY'", cause("")),
            mysql_error(1062, "Duplicate entry 'x' for key 'PRIMARY'", cause("")),
        ];
        for error in names {
            let StoreError::Duplicate { constraint } = error else { panic!("{error:?}") };
            assert_eq!(constraint, "primary key");
        }
    }
}
