//! When two transactions get in each other's way, on the servers where they can: one of them is run
//! again, from its start, and nobody notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::id::ProductId;
use futures::future::join_all;
use storage::{StoreError, Tx, Work, catalog, cursor};
use tokio::sync::Barrier;

use crate::harness::{Database, Which, limits, on_every_server, run, stock_of, stocked};

on_every_server! {
    a_real_deadlock_ends_with_both_operations_done
    a_lock_that_is_held_too_long_is_tried_again_and_then_reported
    an_operation_of_no_end_is_cut_off_and_its_connection_closed
    a_restarted_server_is_found_again
    a_store_that_cannot_be_opened_says_what_to_change
}

storage::statements! {
    SERIALIZABLE = "set transaction isolation level serializable";
}

#[derive(Clone)]
struct Crossing {
    first: ProductId,
    second: ProductId,
    /// Both hold their first row before either asks for its second.
    met: Arc<Barrier>,
    runs: Arc<AtomicU32>,
}

fn cross<'a>(tx: &'a mut Tx, crossing: &'a Crossing) -> Work<'a, (), StoreError> {
    Box::pin(async move {
        let run = crossing.runs.fetch_add(1, Ordering::SeqCst);
        catalog::reserve(tx, crossing.first, 1).await?;
        if run < 2 {
            crossing.met.wait().await;
        }
        catalog::reserve(tx, crossing.second, 1).await?;
        Ok(())
    })
}

async fn a_real_deadlock_ends_with_both_operations_done(db: &Database) {
    let mug = stocked(db, "mug", 10).await;
    let bowl = stocked(db, "bowl", 10).await;
    let there = Crossing {
        first: mug.id,
        second: bowl.id,
        met: Arc::new(Barrier::new(2)),
        runs: Arc::new(AtomicU32::new(0)),
    };
    let back = Crossing { first: bowl.id, second: mug.id, ..there.clone() };
    let runs = there.runs.clone();
    let (one, other) = tokio::join!(db.write(there, cross), db.write(back, cross));
    one.unwrap();
    other.unwrap();
    assert_eq!(stock_of(db, mug.id).await.reserved(), 2);
    assert_eq!(stock_of(db, bowl.id).await.reserved(), 2);
    assert!(runs.load(Ordering::SeqCst) > 2, "there was no deadlock");
}

async fn a_lock_that_is_held_too_long_is_tried_again_and_then_reported(db: &Database) {
    let mug = stocked(db, "mug", 10).await;
    let hasty = storage::Limits { statement_ms: 1_000, ..limits() };
    let store = storage::Store::open(&db.url, &hasty).await.unwrap();
    let gates = (crate::harness::Gate::closed(), crate::harness::Gate::closed(), mug.id);
    let (held, let_go) = (gates.0.clone(), gates.1.clone());
    let holder = db.write(gates, |tx, (held, let_go, mug)| {
        Box::pin(async move {
            catalog::reserve(tx, *mug, 1).await?;
            held.open();
            let_go.passed().await;
            Ok(())
        })
    });
    let asker = async {
        held.passed().await;
        let refused: Result<bool, StoreError> =
            store.write(mug.id, |tx, mug| Box::pin(catalog::reserve(tx, *mug, 1))).await;
        let_go.open();
        refused
    };
    let (held, refused) = tokio::join!(holder, asker);
    held.unwrap();
    assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
    let then: Result<bool, StoreError> =
        store.write(mug.id, |tx, mug| Box::pin(catalog::reserve(tx, *mug, 1))).await;
    assert!(then.unwrap());
    assert_eq!(stock_of(db, mug.id).await.reserved(), 2);
    store.close().await;
}

fn endless<'a>(tx: &'a mut Tx, runs: &'a Arc<AtomicU32>) -> Work<'a, (), StoreError> {
    Box::pin(async move {
        runs.fetch_add(1, Ordering::SeqCst);
        cursor::save(tx, "endless", "1").await?;
        std::future::pending().await
    })
}

async fn an_operation_of_no_end_is_cut_off_and_its_connection_closed(db: &Database) {
    let hasty = storage::Limits { statement_ms: 100, connections_max: 1, ..limits() };
    let store = storage::Store::open(&db.url, &hasty).await.unwrap();
    let runs = Arc::new(AtomicU32::new(0));
    let cut_off: Result<(), StoreError> = store.write(runs.clone(), endless).await;
    assert!(matches!(cut_off, Err(StoreError::Busy(_))), "{cut_off:?}");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    // Its connection was the only one, and its row was locked.
    let next: Result<_, StoreError> = store
        .write((), |tx, ()| {
            Box::pin(async move {
                let before = cursor::load(tx, "endless").await?;
                cursor::save(tx, "endless", "2").await?;
                Ok(before)
            })
        })
        .await;
    assert_eq!(next.unwrap(), None);
    store.close().await;
}

/// The server ends every connection, as it does when it is restarted; the next operation finds that
/// out and is carried out all the same.
async fn a_restarted_server_is_found_again(db: &Database) {
    let mug = stocked(db, "mug", 100).await;
    let reserve = || db.write(mug.id, |tx, mug| Box::pin(catalog::reserve(tx, *mug, 1)));
    for bought in join_all((0..8).map(|_| reserve())).await {
        assert!(bought.unwrap());
    }
    db.end_other_connections().await;
    for bought in join_all((0..8).map(|_| reserve())).await {
        assert!(bought.unwrap());
    }
    assert_eq!(stock_of(db, mug.id).await.reserved(), 16);
}

async fn a_store_that_cannot_be_opened_says_what_to_change(db: &Database) {
    let nobody = db.url_through(1);
    let error = storage::Store::open(&nobody, &limits()).await.err().unwrap();
    let sentence = error.to_string();
    assert!(sentence.contains("127.0.0.1:1/till_"), "{sentence}");
    assert!(sentence.contains("check that the server runs"), "{sentence}");
}

fn read_and_add<'a>(
    tx: &'a mut Tx,
    (met, runs): &'a (Arc<Barrier>, Arc<AtomicU32>),
) -> Work<'a, (), StoreError> {
    Box::pin(async move {
        tx.exec(&SERIALIZABLE, &[]).await?;
        let run = runs.fetch_add(1, Ordering::SeqCst);
        let sum = cursor::load(tx, "sum").await?.unwrap_or_default();
        if run < 2 {
            met.wait().await;
        }
        cursor::save(tx, "sum", &format!("{sum}+1")).await
    })
}

#[test]
fn a_real_serialization_failure_is_tried_again() {
    run(Which::Postgres, |db| {
        Box::pin(async {
            db.write((), |tx, ()| Box::pin(cursor::save(tx, "sum", "0"))).await.unwrap();
            let runs = Arc::new(AtomicU32::new(0));
            let input = (Arc::new(Barrier::new(2)), runs.clone());
            let adders = [db.write(input.clone(), read_and_add), db.write(input, read_and_add)];
            for added in join_all(adders).await {
                added.unwrap();
            }
            assert!(runs.load(Ordering::SeqCst) > 2, "there was no serialization failure");
            let sum: Result<_, StoreError> =
                db.store.read((), |tx, ()| Box::pin(cursor::load(tx, "sum"))).await;
            assert_eq!(sum.unwrap().as_deref(), Some("0+1+1"));
        })
    });
}

impl Database {
    async fn end_other_connections(&self) {
        match self.which {
            Which::Sqlite => {}
            Which::Postgres => {
                self.behind(
                    "select pg_terminate_backend(pid) from pg_stat_activity \
                     where datname = current_database() and pid <> pg_backend_pid()",
                )
                .await;
            }
            Which::Mysql => {
                let ids = self
                    .ask(
                        "select cast(id as char) from information_schema.processlist \
                         where db = database() and id <> connection_id()",
                    )
                    .await;
                assert!(!ids.is_empty());
                for id in ids {
                    self.behind(&format!("kill {id}")).await;
                }
            }
        }
    }
}
