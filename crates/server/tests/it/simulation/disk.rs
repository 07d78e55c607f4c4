//! The disk of a history: a database in memory with empty tables. Making the tables and compiling
//! every statement anew took half of a history's time, so that a thread empties the tables of the
//! history before and goes on. What failed is thrown away.

use std::{cell::RefCell, sync::OnceLock};

use storage::{Sql, SqliteFile, Store, StoreError};

use super::machine::Machine;

storage::statements! {
    // The newest first: a table refers to older ones.
    TABLES = "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' \
        and name <> 'till_migrations' order by rowid desc";
}

thread_local! {
    static USED: RefCell<Option<Store>> = const { RefCell::new(None) };
}

/// A database whose tables are empty.
pub fn take(machine: &Machine) -> Store {
    let store = USED.with_borrow_mut(Option::take);
    machine.block_on(async {
        let Some(store) = store else {
            let store = Store::sqlite_inline(&SqliteFile::Memory).unwrap();
            store.migrate().await.unwrap();
            return store;
        };
        empty(&store).await.unwrap();
        store
    })
}

/// For the thread's next history.
pub fn give_back(store: Store) {
    USED.set(Some(store));
}

async fn empty(store: &Store) -> Result<(), StoreError> {
    let tables = store.read((), |tx, ()| Box::pin(tx.query(&TABLES, &[])));
    let tables = tables.await?.into_iter().map(|row| row.read("sqlite_schema").text("name"));
    let tables = tables.collect::<Result<Vec<_>, _>>()?;
    let statements = deletions(&tables);
    store
        .write(statements, |tx, statements| {
            Box::pin(async move {
                for statement in *statements {
                    tx.exec(statement, &[]).await?;
                }
                Ok(())
            })
        })
        .await
}

/// A statement for each table, made once: whatever tables the migrations have made, none is left
/// out.
fn deletions(tables: &[String]) -> &'static [Sql] {
    static DELETIONS: OnceLock<Vec<Sql>> = OnceLock::new();
    DELETIONS.get_or_init(|| {
        let text = |table| &*Box::leak(format!("delete from {table}").into_boxed_str());
        tables.iter().map(|table| Sql::new("simulation::DELETE", text(table))).collect()
    })
}
