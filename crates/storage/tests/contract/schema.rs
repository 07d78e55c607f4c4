//! The three schemas are one schema, and every statement fits it.

use std::collections::{BTreeMap, BTreeSet};

use storage::Described;

use crate::harness::{Database, Which, on_every_database, run};

on_every_database! {
    a_second_migration_finds_nothing_to_do
    every_statement_can_be_prepared
    many_processes_may_migrate_at_once
}

async fn a_second_migration_finds_nothing_to_do(db: &Database) {
    assert_eq!(db.store.pending_migrations().await.unwrap(), Vec::<&str>::new());
    assert_eq!(db.store.migrate().await.unwrap(), Vec::<&str>::new());
}

/// Every migration, oldest first.
pub const ALL: [&str; 15] = [
    "0001_shop",
    "0002_refunds",
    "0003_history",
    "0004_disputes",
    "0005_deliveries",
    "0006_shield",
    "0007_books",
    "0008_sessions",
    "0009_platform_carts",
    "0010_rest",
    "0011_session_ends",
    "0012_purchase_history",
    "0013_money_since",
    "0014_customers",
    "0016_noted",
];

async fn many_processes_may_migrate_at_once(db: &Database) {
    let Some(empty) = Database::make(db.which).await else { return };
    assert_eq!(empty.store.pending_migrations().await.unwrap(), ALL);
    let migrated =
        futures::future::join_all((0..6).map(|_| empty.store.migrate())).await.into_iter();
    let busy: Vec<_> = migrated.map(Result::unwrap).filter(|names| !names.is_empty()).collect();
    assert_eq!(busy, [ALL]);
    empty.store.ping().await.unwrap();
    empty.drop().await;
}

async fn every_statement_can_be_prepared(db: &Database) {
    let described = db.store.describe(&storage::statements()).await.unwrap();
    assert!(described.len() > 50, "{}", described.len());
}

#[test]
fn every_statement_selects_the_same_on_every_database() {
    let mut seen: Vec<(Which, Vec<Described>)> = Vec::new();
    for which in [Which::Sqlite, Which::Postgres, Which::Mysql] {
        let described = run(which, |db| {
            Box::pin(async { db.store.describe(&storage::statements()).await.unwrap() })
        });
        seen.extend(described.map(|described| (which, described)));
    }
    let (_, first) = &seen[0];
    for (which, other) in &seen[1..] {
        for (one, other) in first.iter().zip(other) {
            assert_eq!(one.statement, other.statement);
            let (names, others) = (names(one), names(other));
            assert_eq!(names, others, "{} on {which:?}", one.statement);
            for ((name, kind), (_, other)) in one.columns.iter().zip(&other.columns) {
                let (kind, other) = (class(kind), class(other));
                // An expression has no declared type in SQLite.
                assert!(
                    kind.is_none() || kind == other,
                    "{name} of {} is {kind:?} and {other:?} on {which:?}",
                    one.statement
                );
            }
        }
    }
}

fn names(described: &Described) -> Vec<&str> {
    described.columns.iter().map(|(name, _)| name.as_str()).collect()
}

/// The three kinds of value that a column can hold.
fn class(declared: &str) -> Option<&'static str> {
    let kind = declared.split('(').next().unwrap_or_default();
    match kind {
        "integer" | "bigint" | "int8" => Some("int"),
        "text" | "varchar" | "longtext" => Some("text"),
        "blob" | "uuid" | "bytea" | "binary" | "varbinary" | "bytes" => Some("bytes"),
        "" => None,
        other => panic!("a column is declared {other}"),
    }
}

/// What the schema files say, in one form: `table.column class null|not null`, and
/// `unique table (columns)`.
#[test]
fn the_three_schemas_are_one() {
    let [sqlite, postgres, mysql] = ["sqlite", "postgres", "mysql"].map(facts_of_file);
    assert!(sqlite.len() > 100, "{}", sqlite.len());
    assert_eq!(sqlite, postgres);
    assert_eq!(sqlite, mysql);
}

fn facts_of_file(dialect: &str) -> BTreeSet<String> {
    let path = format!("{}/migrations/{dialect}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(path).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut facts = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.lines().filter(|line| !line.starts_with("--"));
        for statement in code.collect::<Vec<_>>().join("\n").split(";\n") {
            facts.extend(facts_of_statement(statement.trim().trim_end_matches(';')));
        }
    }
    facts
}

fn facts_of_statement(statement: &str) -> Vec<String> {
    let mut facts = Vec::new();
    // MySQL makes some of them only if they are not there.
    if let Some((_, index)) = statement.split_once("create unique index ") {
        let (name, on) = index.split('\'').next().unwrap().split_once(" on ").unwrap();
        facts.push(format!("unique {name} on {on}"));
    }
    let Some(table) = statement.strip_prefix("create table ") else { return facts };
    let table = table.trim_start_matches("if not exists ");
    let (table, body) = table.split_once(" (\n").unwrap();
    // Constraints over several lines are put on one.
    let body = body.replace("\n        ", " ").replace("\n    ) ", " ) ").replace("\n    )", " )");
    for line in body.lines().map(|line| line.trim().trim_end_matches(',')) {
        let words: Vec<&str> = line.split(' ').collect();
        if let Some(key) = line.strip_prefix("unique key ") {
            let (name, columns) = key.split_once(' ').unwrap();
            facts.push(format!("unique {name} on {table} {columns}"));
        } else if ["primary", "check", "foreign"].contains(&words[0]) {
            facts.push(format!("{table}: {}", words.join(" ")));
        } else if !["key", ")"].contains(&words[0]) {
            let class = class(words[1]).unwrap();
            facts.push(format!("{table}.{} {class} {}", words[0], words[2..].join(" ")));
        }
    }
    facts
}

/// The same comparison on what the servers made of the files.
#[test]
fn the_databases_made_the_same_of_the_schemas() {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for which in [Which::Sqlite, Which::Postgres, Which::Mysql] {
        let facts = run(which, |db| Box::pin(db.facts()));
        seen.extend(facts.map(|facts| (format!("{which:?}"), facts)));
    }
    let sqlite = &seen["Sqlite"];
    assert!(sqlite.len() > 100, "{}", sqlite.len());
    for (which, facts) in &seen {
        let only_here: Vec<_> = facts.difference(sqlite).collect();
        let missing: Vec<_> = sqlite.difference(facts).collect();
        assert!(only_here.is_empty() && missing.is_empty(), "{which}: {only_here:?} {missing:?}");
    }
}

impl Database {
    /// Columns and unique indexes as the database's own catalogue lists them.
    async fn facts(&self) -> BTreeSet<String> {
        let columns = match self.which {
            Which::Sqlite => {
                "select m.name || '.' || c.name || ' ' || lower(c.type) || ' ' ||
                        case when c.\"notnull\" = 1 then 'no' else 'yes' end
                 from sqlite_schema m join pragma_table_info(m.name) c where m.type = 'table'
                 union all
                 select 'unique ' || m.name || ' ' || i.name || ' ' || (
                     select group_concat(name) from (
                         select name from pragma_index_info(i.name) order by seqno))
                 from sqlite_schema m join pragma_index_list(m.name) i
                 where m.type = 'table' and i.\"unique\" = 1 and i.origin = 'c'"
            }
            Which::Postgres => {
                "select table_name || '.' || column_name || ' ' || data_type || ' ' ||
                        lower(is_nullable)
                 from information_schema.columns where table_schema = 'public'
                 union all
                 select 'unique ' || t.relname || ' ' || i.relname || ' ' || (
                     select string_agg(a.attname, ',' order by k.n)
                     from unnest(x.indkey) with ordinality as k(attnum, n)
                     join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum)
                 from pg_index x join pg_class i on i.oid = x.indexrelid
                 join pg_class t on t.oid = x.indrelid
                 join pg_namespace s on s.oid = t.relnamespace and s.nspname = 'public'
                 where x.indisunique and not x.indisprimary"
            }
            Which::Mysql => {
                "select concat(table_name, '.', column_name, ' ', data_type, ' ',
                        lower(is_nullable))
                 from information_schema.columns where table_schema = database()
                 union all
                 select concat('unique ', table_name, ' ', index_name, ' ',
                        group_concat(column_name order by seq_in_index separator ','))
                 from information_schema.statistics
                 where table_schema = database() and non_unique = 0 and index_name <> 'PRIMARY'
                 group by table_name, index_name"
            }
        };
        let lines = self.ask(columns).await.into_iter();
        // Only MySQL needs a row to lock while it migrates.
        let lines = lines.filter(|line| !line.starts_with("till_migration_guard"));
        lines.map(|line| one_form(&line)).collect()
    }
}

fn one_form(line: &str) -> String {
    if line.starts_with("unique ") {
        return line.to_owned();
    }
    let words: Vec<&str> = line.split(' ').collect();
    format!("{} {:?} {}", words[0], class(words[1]), words[words.len() - 1])
}
