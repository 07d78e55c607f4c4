//! What can happen to an SQLite file: the disk fills up or fails in the middle of a batch, an
//! operation misbehaves, another process writes beside us. What cannot happen: a lost answer, half an
//! operation, an operation that is gone though its caller heard that it was done.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::event::EventId;
use futures::StreamExt;
use futures::future::{BoxFuture, join_all};
use futures::stream::FuturesUnordered;
use storage::inbox::{NewEvent, Source, Turn};
use storage::{
    DatabaseUrl, Power, SqliteFile, Store, StoreError, Tx, Work, catalog, cursor, inbox,
};

use crate::harness::{Database, Gate, Which, at, limits, product, run, stock_of, stocked};

storage::statements! {
    LIMIT_PAGES = "pragma max_page_count = 200";
}

const KILOBYTE: usize = 1024;

/// Events whose payloads have the given sizes.
fn events(sizes: &[usize]) -> Vec<NewEvent> {
    let event = |(number, size): (usize, &usize)| NewEvent {
        id: EventId::new(format!("evt_{number}")).unwrap(),
        kind: "test".to_owned(),
        object: None,
        livemode: false,
        payload: "x".repeat(*size),
        source: Source::Poll,
        turn: Turn::First,
        received_at: at(0),
    };
    sizes.iter().enumerate().map(event).collect()
}

/// Stores the events in one batch: the writer is held up until all of them are in its queue.
async fn in_one_batch(store: &Store, events: &[NewEvent]) -> Vec<Result<bool, StoreError>> {
    let gate = Gate::closed();
    let mut held: BoxFuture<'_, Result<(), StoreError>> =
        Box::pin(store.write(gate.clone(), |tx, gate| {
            Box::pin(async move {
                gate.wait(tx.dialect()).await;
                Ok(())
            })
        }));
    assert!(futures::poll!(&mut held).is_pending());
    let mut stores: Vec<BoxFuture<'_, Result<bool, StoreError>>> = Vec::new();
    for event in events {
        let mut stored: BoxFuture<'_, _> =
            Box::pin(store.write(event.clone(), |tx, event| Box::pin(inbox::store(tx, event))));
        assert!(futures::poll!(&mut stored).is_pending());
        stores.push(stored);
    }
    gate.open();
    held.await.unwrap();
    join_all(stores).await
}

/// The events that a fresh look at the file finds.
async fn found(url: &DatabaseUrl, events: &[NewEvent]) -> Vec<bool> {
    let store = Store::open(url, &limits()).await.unwrap();
    let mut found = Vec::new();
    for event in events {
        let event: Result<_, StoreError> =
            store.read(event.id.clone(), |tx, id| Box::pin(inbox::load(tx, id))).await;
        found.push(event.unwrap().is_some());
    }
    store.close().await;
    found
}

#[test]
fn a_full_disk_fails_what_does_not_fit_and_nothing_else() {
    run(Which::Sqlite, |db| {
        Box::pin(async {
            let limited = db.write((), |tx, ()| Box::pin(tx.query(&LIMIT_PAGES, &[])));
            limited.await.unwrap();
            let events = events(&[100, 2_000 * KILOBYTE, 100, 200, 3_000 * KILOBYTE, 300, 400]);
            let stored = in_one_batch(&db.store, &events).await;
            let kept: Vec<bool> = stored.iter().map(|stored| matches!(stored, Ok(true))).collect();
            assert_eq!(kept, [true, false, true, true, false, true, true], "{stored:?}");
            for refused in [&stored[1], &stored[4]] {
                assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
            }
            assert_eq!(found(&db.url, &events).await, kept);
        })
    });
}

/// The size that the child process below may let a file have, in blocks of 512 bytes.
const FILE_BLOCKS_MAX: usize = 2 * 1024;

/// A write beyond the limit on the size of files fails as one on a broken disk does. The limit holds
/// for a whole process, so the batch runs in a child: this test binary, this test.
#[test]
fn an_io_error_in_the_middle_of_a_batch_fails_one_operation() {
    const NAME: &str = "sqlite_faults::an_io_error_in_the_middle_of_a_batch_fails_one_operation";
    const FOLDER: &str = "TILL_TEST_LIMITED_FOLDER";
    const SIZES: [usize; 4] = [100, 4_000 * KILOBYTE, 100, 200];
    const KEPT: [bool; 4] = [true, false, true, true];
    if let Ok(folder) = std::env::var(FOLDER) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let url = DatabaseUrl::parse(&format!("sqlite://{folder}/till.db")).unwrap();
            let store = Store::open(&url, &limits()).await.unwrap();
            let events = events(&SIZES);
            let stored = in_one_batch(&store, &events).await;
            let done: Vec<bool> = stored.iter().map(|stored| matches!(stored, Ok(true))).collect();
            eprintln!("{stored:?}");
            assert_eq!(done, KEPT);
            assert!(matches!(stored[1], Err(StoreError::Database(_))), "{stored:?}");
            assert_eq!(found(&url, &events).await, KEPT);
        });
        return;
    }
    run(Which::Sqlite, |db| {
        Box::pin(async {
            db.store.close().await;
            // A process that may not write on is sent a signal first; ignored, the write fails.
            let child = Command::new("sh")
                .args([
                    "-c",
                    &format!("trap '' XFSZ; ulimit -f {FILE_BLOCKS_MAX}; exec \"$0\" \"$@\""),
                ])
                .arg(std::env::current_exe().unwrap())
                .args([NAME, "--exact", "--nocapture"])
                .env(FOLDER, db.folder.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&child.stderr);
            assert!(child.status.success() && said.contains("disk I/O error"), "{said}");
            assert_eq!(found(&db.url, &events(&SIZES)).await, KEPT);
            assert_eq!(db.ask("pragma integrity_check").await, ["ok"]);
        })
    });
}

fn waiting<'a>(tx: &'a mut Tx, (): &'a ()) -> Work<'a, (), StoreError> {
    Box::pin(async move {
        cursor::save(tx, "waiting", "1").await?;
        tokio::task::yield_now().await;
        Ok(())
    })
}

#[test]
fn an_operation_that_waits_for_something_else_is_refused() {
    run(Which::Sqlite, |db| {
        Box::pin(async {
            let refused = db.write((), waiting).await;
            assert!(matches!(refused, Err(StoreError::Misuse(_))), "{refused:?}");
            let seen: Result<_, StoreError> =
                db.store.read((), |tx, ()| Box::pin(cursor::load(tx, "waiting"))).await;
            assert_eq!(seen.unwrap(), None);
        })
    });
}

fn now_and_then_a_bug<'a>(tx: &'a mut Tx, number: &'a u32) -> Work<'a, (), StoreError> {
    Box::pin(async move {
        cursor::save(tx, &format!("number {number}"), "1").await?;
        assert!(!number.is_multiple_of(7), "a bug");
        Ok(())
    })
}

#[test]
fn a_panic_in_a_batch_undoes_its_own_operation_and_the_thread_lives() {
    run(Which::Sqlite, |db| {
        Box::pin(async {
            for round in 0..3_u32 {
                let numbers = (0..100).map(|n| round * 100 + n);
                let done = join_all(numbers.clone().map(|n| db.write(n, now_and_then_a_bug))).await;
                for (number, done) in numbers.zip(done) {
                    match done {
                        Ok(()) => assert_ne!(number % 7, 0),
                        Err(StoreError::Panicked) => assert_eq!(number % 7, 0),
                        Err(error) => panic!("{error:?}"),
                    }
                }
            }
            assert_eq!(db.ask("select name from cursors").await.len(), 257);
        })
    });
}

#[test]
fn another_process_may_write_beside_the_server() {
    run(Which::Sqlite, |db| {
        Box::pin(async {
            let mug = stocked(db, "mug", 10_000).await;
            let beside = Store::open(&db.url, &limits()).await.unwrap();
            let reserve = |store: &Store| {
                let store = store.clone();
                async move {
                    let reserved: Result<bool, StoreError> = store
                        .write(mug.id, |tx, mug| Box::pin(catalog::reserve(tx, *mug, 1)))
                        .await;
                    assert!(reserved.unwrap());
                }
            };
            let both = (0..200).map(|n| reserve(if n % 2 == 0 { &db.store } else { &beside }));
            join_all(both).await;
            assert_eq!(stock_of(db, mug.id).await.reserved(), 200);
            beside.close().await;
        })
    });
}

#[test]
fn everything_accepted_before_closing_is_done() {
    run(Which::Sqlite, |db| {
        Box::pin(async {
            let mug = stocked(db, "mug", 10_000).await;
            let mut asked: Vec<BoxFuture<'_, Result<bool, StoreError>>> = Vec::new();
            for _ in 0..300 {
                let mut one: BoxFuture<'_, _> =
                    Box::pin(db.write(mug.id, |tx, mug| Box::pin(catalog::reserve(tx, *mug, 1))));
                assert!(futures::poll!(&mut one).is_pending());
                asked.push(one);
            }
            db.store.close().await;
            assert!(join_all(asked).await.into_iter().all(|reserved| reserved.unwrap()));
            let reserved = db.ask("select cast(reserved as text) from products").await;
            assert_eq!(reserved, ["300"]);
        })
    });
}

#[test]
fn a_queue_that_stays_full_is_reported_as_busy() {
    run(Which::Sqlite, |db| {
        Box::pin(async {
            let short = storage::Limits { queue_max: 1, wait_ms: 50, ..limits() };
            let store = Store::open(&db.url, &short).await.unwrap();
            let gate = Gate::closed();
            let waiting = gate.clone();
            let held: BoxFuture<'_, Result<(), StoreError>> =
                Box::pin(store.write(waiting, |tx, gate| {
                    Box::pin(async move {
                        gate.wait(tx.dialect()).await;
                        Ok(())
                    })
                }));
            let save = || store.write((), |tx, ()| Box::pin(cursor::save(tx, "a", "1")));
            let mut others: FuturesUnordered<_> = (0..4).map(|_| save()).collect();
            let refusals = async {
                // One operation is held up and one is in the queue: the others find no room.
                let refused = [others.next().await, others.next().await];
                gate.open();
                let rest: Vec<Result<(), StoreError>> = others.collect().await;
                (refused, rest)
            };
            let (held, (refused, rest)) = tokio::join!(held, refusals);
            held.unwrap();
            for refused in refused {
                assert!(matches!(refused, Some(Err(StoreError::Busy(None)))), "{refused:?}");
            }
            assert!(rest.iter().any(Result::is_ok), "{rest:?}");
            store.close().await;
        })
    });
}

/// A simulation's machine loses its power on either side of a commit: the disk has all of it or
/// nothing, and whoever waits for the answer waits for ever.
#[test]
fn a_commit_at_which_the_power_fails_is_wholly_there_or_not_at_all_and_is_not_answered() {
    for (power, there) in [(Power::FailsBefore, 0), (Power::FailsAfter, 1), (Power::Stays, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteFile::Path(folder.path().join("till.db"));
        let migrated = Store::sqlite_inline(&file).unwrap();
        at_once(migrated.migrate()).unwrap().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        let store = Store::sqlite_inline_on(&file, move || {
            count.fetch_add(1, Ordering::SeqCst);
            power
        });
        let store = store.unwrap();
        let mug = product("mug", 5);

        let written = at_once(store.write(mug.clone(), |tx, mug| {
            Box::pin(async move {
                assert!(catalog::insert_product(tx, mug, at(0)).await?);
                Ok::<_, StoreError>(())
            })
        }));

        assert_eq!(written.is_some(), power == Power::Stays, "{power:?}");
        let found = at_once(migrated.read(mug.id, |tx, id| Box::pin(catalog::product(tx, *id))));
        let found: Result<_, StoreError> = found.unwrap();
        assert_eq!(found.unwrap().iter().len(), there, "{power:?}");
        // What changes nothing is no commit.
        let nothing = store.write((), |_tx, ()| Box::pin(async { Ok::<_, StoreError>(()) }));
        assert!(at_once(nothing).is_some());
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}

fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    futures::FutureExt::now_or_never(future)
}

/// The store of a simulation behaves as the one of a server, on the caller's thread and at once.
#[test]
fn the_inline_store_runs_without_threads_or_a_runtime() {
    let store = Store::sqlite_inline(&SqliteFile::Memory).unwrap();
    let at_once = |future: BoxFuture<'_, ()>| {
        assert!(futures::FutureExt::now_or_never(future).is_some(), "it waited");
    };
    at_once(Box::pin(async {
        assert_eq!(store.migrate().await.unwrap(), crate::schema::ALL);
        let mug = product("mug", 5);
        let stored: Result<bool, StoreError> = store
            .write(mug.clone(), |tx, mug| Box::pin(catalog::insert_product(tx, mug, at(0))))
            .await;
        assert!(stored.unwrap());
        let runs = Arc::new(AtomicU32::new(0));
        let failed: Result<(), StoreError> = store
            .write((mug.id, runs.clone()), |tx, (mug, runs)| {
                Box::pin(async move {
                    runs.fetch_add(1, Ordering::SeqCst);
                    catalog::reserve(tx, *mug, 2).await?;
                    Err(StoreError::Closed)
                })
            })
            .await;
        assert!(matches!(failed, Err(StoreError::Closed)));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        for waits in [store.write((), waiting).await, store.read((), waiting).await] {
            assert!(matches!(waits, Err(StoreError::Misuse(_))), "{waits:?}");
        }
        let read: Result<_, StoreError> =
            store.read(mug.id, |tx, id| Box::pin(catalog::product(tx, *id))).await;
        assert_eq!(read.unwrap(), Some(mug));
        store.close().await;
    }));
}

/// A second look by somebody else: the file is a plain SQLite database.
#[test]
fn the_file_can_be_read_by_others_while_the_server_runs() {
    run(Which::Sqlite, |db: &Database| {
        Box::pin(async {
            stocked(db, "mug", 5).await;
            assert_eq!(db.ask("select sku from products").await, ["mug"]);
            assert_eq!(db.ask("pragma journal_mode").await, ["wal"]);
        })
    });
}
