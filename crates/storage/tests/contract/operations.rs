//! What an operation may rely on: all or nothing, whatever happens in it or to its caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use storage::{Store, StoreError, Tx, Work, catalog, cursor};

use crate::harness::{
    Database, Gate, Which, at, limits, on_every_database, product, stock_of, stocked,
};

on_every_database! {
    a_failing_operation_leaves_no_trace
    an_error_that_the_operation_swallows_still_undoes_everything
    after_an_error_no_further_statement_is_carried_out
    a_panicking_operation_is_an_error_to_its_caller_alone
    a_caller_that_goes_away_changes_nothing
    a_key_that_exists_is_no_error_when_inserting_anew
    a_duplicate_key_is_named_the_same_everywhere
    a_broken_rule_of_the_schema_is_refused
    rows_that_match_count_even_if_nothing_changes
    a_reader_sees_one_state_and_waits_for_nobody
    a_reading_operation_cannot_write
    a_closed_store_takes_no_more_operations
    values_come_back_as_they_went_in
}

storage::statements! {
    SAVE_RAW = "insert into cursors (name, value) values (?1, ?2)";
    RENAME = "update products set name = ?2 where id = ?1";
    OVERSELL = "update products set reserved = on_hand + 1 where id = ?1";
    TWICE_REORDERED = "select ?2 as name, value from cursors where name = ?1 and ?1 <> ?2";
}

async fn value_of(db: &Database, name: &'static str) -> Option<String> {
    let value = db.store.read(name, |tx, name| Box::pin(cursor::load(tx, name)));
    let value: Result<_, StoreError> = value.await;
    value.unwrap()
}

#[derive(Debug)]
enum Refused {
    BySelf,
    ByStore(#[expect(dead_code, reason = "shown when a test fails")] StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        Refused::ByStore(error)
    }
}

async fn a_failing_operation_leaves_no_trace(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let failed: Result<(), Refused> = db
        .store
        .write(mug.id, |tx, mug| {
            Box::pin(async move {
                assert!(catalog::reserve(tx, *mug, 2).await?);
                cursor::save(tx, "trace", "1").await?;
                Err(Refused::BySelf)
            })
        })
        .await;
    assert!(matches!(failed, Err(Refused::BySelf)), "{failed:?}");
    assert_eq!(stock_of(db, mug.id).await.reserved(), 0);
    assert_eq!(value_of(db, "trace").await, None);
}

async fn an_error_that_the_operation_swallows_still_undoes_everything(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let swallowed = db
        .write(mug.id, |tx, mug| {
            Box::pin(async move {
                cursor::save(tx, "before", "1").await?;
                drop(tx.exec(&OVERSELL, &[mug.0.into()]).await);
                Ok(())
            })
        })
        .await;
    assert!(matches!(swallowed, Err(StoreError::Refused(_))), "{swallowed:?}");
    assert_eq!(value_of(db, "before").await, None);
}

async fn after_an_error_no_further_statement_is_carried_out(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let later = db
        .write(mug.id, |tx, mug| {
            Box::pin(async move {
                drop(tx.exec(&OVERSELL, &[mug.0.into()]).await);
                cursor::save(tx, "after", "1").await
            })
        })
        .await;
    assert!(matches!(later, Err(StoreError::Refused(_))), "{later:?}");
    assert_eq!(value_of(db, "after").await, None);
}

fn panicking<'a>(tx: &'a mut Tx, (): &'a ()) -> Work<'a, (), StoreError> {
    Box::pin(async move {
        cursor::save(tx, "panic", "1").await?;
        panic!("a bug in an operation");
    })
}

async fn a_panicking_operation_is_an_error_to_its_caller_alone(db: &Database) {
    let names: Vec<String> = (0..20).map(|n| format!("beside {n}")).collect();
    let others = names
        .iter()
        .map(|name| db.write(name.clone(), |tx, name| Box::pin(cursor::save(tx, name, "1"))));
    let (panicked, others) = tokio::join!(db.write((), panicking), join_all(others));
    assert!(matches!(panicked, Err(StoreError::Panicked)), "{panicked:?}");
    others.into_iter().for_each(Result::unwrap);
    assert_eq!(value_of(db, "panic").await, None);
    assert_eq!(value_of(db, "beside 19").await.as_deref(), Some("1"));
}

/// Callers hang up at every moment there is; nothing is lost, doubled or left open.
async fn a_caller_that_goes_away_changes_nothing(db: &Database) {
    let few = storage::Limits { connections_max: 2, ..limits() };
    let store = Store::open(&db.url, &few).await.unwrap();
    let mug = stocked(db, "mug", 10_000).await;
    for patience in 0..60_u32 {
        let asked: futures::future::BoxFuture<'_, Result<bool, StoreError>> =
            Box::pin(store.write(mug.id, |tx, mug| Box::pin(catalog::reserve(tx, *mug, 1))));
        let mut asked = asked;
        for _ in 0..patience % 6 {
            if futures::poll!(&mut asked).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // An operation that was begun is carried out; one that was never polled was never asked for.
    store.close().await;
    assert_eq!(stock_of(db, mug.id).await.reserved(), 50);
    assert!(matches!(
        store.write(mug.id, |tx, mug| Box::pin(catalog::reserve(tx, *mug, 1))).await,
        Err(StoreError::Closed)
    ));
}

async fn a_key_that_exists_is_no_error_when_inserting_anew(db: &Database) {
    let inserted = db
        .write((), |tx, ()| {
            Box::pin(async move {
                let first = tx.insert_new(&SAVE_RAW, &["a".into(), "1".into()]).await?;
                let again = tx.insert_new(&SAVE_RAW, &["a".into(), "2".into()]).await?;
                let other = tx.insert_new(&SAVE_RAW, &["A".into(), "3".into()]).await?;
                Ok((first, again, other))
            })
        })
        .await;
    assert_eq!(inserted.unwrap(), (true, false, true));
    assert_eq!(value_of(db, "a").await.as_deref(), Some("1"));
    assert_eq!(value_of(db, "A").await.as_deref(), Some("3"));
}

async fn a_duplicate_key_is_named_the_same_everywhere(db: &Database) {
    stocked(db, "mug", 1).await;
    let bowl = stocked(db, "bowl", 1).await;
    let renamed = domain::catalog::Product { sku: "mug".to_owned(), ..bowl };
    let clash = db
        .write(renamed, |tx, product| Box::pin(catalog::update_product(tx, product, at(1))))
        .await;
    let Err(StoreError::Duplicate { constraint }) = clash else { panic!("{clash:?}") };
    assert_eq!(constraint, "products_sku");

    let twice = db
        .write((), |tx, ()| {
            Box::pin(async move {
                tx.exec(&SAVE_RAW, &["a".into(), "1".into()]).await?;
                tx.exec(&SAVE_RAW, &["a".into(), "1".into()]).await
            })
        })
        .await;
    let Err(StoreError::Duplicate { constraint }) = twice else { panic!("{twice:?}") };
    assert_eq!(constraint, "primary key");
}

async fn a_broken_rule_of_the_schema_is_refused(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let oversold = db
        .write(mug.id, |tx, mug| Box::pin(async move { tx.exec(&OVERSELL, &[mug.0.into()]).await }))
        .await;
    assert!(matches!(oversold, Err(StoreError::Refused(_))), "{oversold:?}");
    assert_eq!(stock_of(db, mug.id).await.reserved(), 0);
}

async fn rows_that_match_count_even_if_nothing_changes(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let matched = db
        .write(mug.id, |tx, mug| {
            Box::pin(async move {
                let name = || vec![mug.0.into(), "Same".into()];
                let first = tx.exec(&RENAME, &name()).await?;
                let rest = tx.execs(&[(&RENAME, name()), (&RENAME, name())]).await?;
                Ok((first, rest))
            })
        })
        .await;
    assert_eq!(matched.unwrap(), (1, vec![1, 1]));
}

/// Two looks in one operation, with a commit in between.
fn look_twice<'a>(tx: &'a mut Tx, gates: &'a (Gate, Gate)) -> Work<'a, Sights, StoreError> {
    Box::pin(async move {
        let first = cursor::load(tx, "seen").await?;
        gates.0.open();
        gates.1.wait(tx.dialect()).await;
        Ok((first, cursor::load(tx, "seen").await?))
    })
}

type Sights = (Option<String>, Option<String>);

async fn a_reader_sees_one_state_and_waits_for_nobody(db: &Database) {
    let gates = (Gate::closed(), Gate::closed());
    let (looked, meanwhile) = (gates.0.clone(), gates.1.clone());
    let writer = async {
        looked.passed().await;
        db.write((), |tx, ()| Box::pin(cursor::save(tx, "seen", "1"))).await.unwrap();
        assert_eq!(value_of(db, "seen").await.as_deref(), Some("1"));
        meanwhile.open();
    };
    let (sights, ()) = tokio::join!(db.store.read(gates, look_twice), writer);
    assert_eq!(sights.unwrap(), (None, None));
}

async fn a_reading_operation_cannot_write(db: &Database) {
    let wrote: Result<(), StoreError> =
        db.store.read((), |tx, ()| Box::pin(cursor::save(tx, "written", "1"))).await;
    assert!(matches!(wrote, Err(StoreError::Database(_))), "{wrote:?}");
    assert_eq!(value_of(db, "written").await, None);
}

async fn a_closed_store_takes_no_more_operations(db: &Database) {
    let runs = Arc::new(AtomicU32::new(0));
    db.store.close().await;
    let written = db
        .write(runs.clone(), |_, runs| {
            Box::pin(async move {
                runs.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        })
        .await;
    assert!(matches!(written, Err(StoreError::Closed)), "{written:?}");
    let read: Result<(), StoreError> = db.store.read((), |_, ()| Box::pin(async { Ok(()) })).await;
    assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

async fn values_come_back_as_they_went_in(db: &Database) {
    let odd = "Größe 🫖 'quoted' \\n \u{7f} %_! ?1 $1";
    let came_back = db
        .write(odd.to_owned(), |tx, odd| {
            Box::pin(async move {
                cursor::save(tx, "odd", odd).await?;
                cursor::load(tx, "odd").await
            })
        })
        .await;
    assert_eq!(came_back.unwrap().as_deref(), Some(odd));

    let named = db
        .write((), |tx, ()| {
            Box::pin(async move {
                let row = tx.query_opt(&TWICE_REORDERED, &["odd".into(), "x".into()]).await?;
                row.map(|row| row.read("cursors").text("name")).transpose()
            })
        })
        .await;
    assert_eq!(named.unwrap().as_deref(), Some("x"));

    let mut mug = product("mug", 3);
    mug.image = Some(String::new());
    mug.price = crate::harness::eur(domain::money::Money::MINOR_MAX);
    let stored = db
        .write(mug.clone(), |tx, mug| {
            Box::pin(async move {
                catalog::insert_product(tx, mug, at(0)).await?;
                catalog::product(tx, mug.id).await
            })
        })
        .await;
    assert_eq!(stored.unwrap(), Some(mug));
    assert!([Which::Sqlite, Which::Postgres, Which::Mysql].contains(&db.which));
}
