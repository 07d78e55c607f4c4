//! What the shield counts reads back as it was written, counts together, and is forgotten.

use std::time::Duration;

use domain::id::OrderId;
use domain::shield::{Asker, Breaker, Level, Mark, Tally, Tries};
use futures::future::join_all;
use jiff::Timestamp;
use storage::shield::{self, Tallies, Watched};
use storage::{StoreError, order};

use crate::harness::{Database, at, cart_of, id, on_every_database, order_of, stocked};

on_every_database! {
    a_tally_reads_back_and_another_is_empty
    tries_of_the_time_watched_are_counted_together
    the_breaker_opens_once_for_each_incident
    a_proof_counts_for_one_order
    only_pending_orders_hold_pieces
    what_is_old_is_forgotten_and_nothing_else
}

const HOUR_MS: i64 = 3_600_000;

fn mark(number: u8) -> Mark {
    Mark([number; 32])
}

async fn tallies(db: &Database, marks: Vec<Mark>) -> Tallies {
    db.write(marks, |tx, marks| Box::pin(shield::tallies(tx, marks))).await.unwrap()
}

async fn save(db: &Database, of: Mark, tally: Tally, now: Timestamp) {
    let saved = db.write((of, tally, now), |tx, (of, tally, now)| {
        Box::pin(async move {
            let known = shield::tallies(tx, &[*of]).await?;
            shield::save_tally(tx, &known, (*of, *tally), *now).await
        })
    });
    saved.await.unwrap();
}

async fn a_tally_reads_back_and_another_is_empty(db: &Database) {
    let level = |ms| Level { empty_at: at(ms) };
    for ms in [5_000, 7_000] {
        let tally = Tally { orders: level(ms), declines: level(ms + 1) };
        save(db, mark(1), tally, at(1)).await;
        let read = tallies(db, vec![mark(2), mark(1)]).await;
        assert_eq!((read.of(mark(1)), read.of(mark(2))), (tally, Tally::NONE));
    }
    let none: Result<_, StoreError> =
        db.write((), |tx, ()| Box::pin(shield::tallies(tx, &[]))).await;
    assert!(matches!(none, Err(StoreError::Misuse(_))), "{none:?}");
}

async fn tries_of_the_time_watched_are_counted_together(db: &Database) {
    let add = |minute: i64, tries: Tries| {
        let input = (tries, OrderId(id()), at(minute * 60_000));
        db.write(input, |tx, (tries, by, now)| Box::pin(shield::add_tries(tx, *tries, *by, *now)))
    };
    let declined = Tries { succeeded: 0, declined: 1 };
    for added in join_all((0..20).map(|number| add(100 + number % 3, declined))).await {
        added.unwrap();
    }
    add(101, Tries { succeeded: 1, declined: 0 }).await.unwrap();
    let seen =
        |minute: i64| db.write(at(minute * 60_000), |tx, now| Box::pin(shield::tries(tx, *now)));
    assert_eq!(seen(105).await.unwrap(), Tries { succeeded: 1, declined: 20 });
    assert_eq!(seen(112).await.unwrap(), Tries { succeeded: 0, declined: 6 });
    assert_eq!(seen(113).await.unwrap(), Tries::default());
}

async fn the_breaker_opens_once_for_each_incident(db: &Database) {
    let open = |from: i64| {
        let breaker = Breaker { opened_at: at(from), open_until: at(from + 900_000) };
        db.write(breaker, |tx, breaker| Box::pin(shield::open_breaker(tx, *breaker)))
    };
    let known = || db.write((), |tx, ()| Box::pin(shield::breaker(tx)));
    assert_eq!(known().await.unwrap(), None);
    for first in [1_000, 2_000_000] {
        let opened = join_all((0..4).map(|later| open(first + later))).await;
        let opened = opened.into_iter().filter(|opened| *opened.as_ref().unwrap());
        assert_eq!(opened.count(), 1);
    }
    let Breaker { opened_at, open_until } = known().await.unwrap().unwrap();
    let longer = Breaker { opened_at, open_until: open_until + Duration::from_secs(60) };
    let another =
        Breaker { opened_at: at(5), open_until: longer.open_until + Duration::from_secs(9) };
    for held in [longer, Breaker { opened_at, open_until }, another] {
        let hold = db.write(held, |tx, held| Box::pin(shield::hold_breaker(tx, *held)));
        hold.await.unwrap();
        assert_eq!(known().await.unwrap(), Some(longer), "longer, and of this incident");
    }
}

async fn a_proof_counts_for_one_order(db: &Database) {
    let (proof, first, second) = (id(), OrderId(id()), OrderId(id()));
    for (order, counts) in [(first, true), (first, true), (second, false)] {
        let used = db.write((proof, order), |tx, (proof, order)| {
            Box::pin(shield::use_proof(tx, *proof, *order, at(1)))
        });
        assert_eq!(used.await.unwrap(), counts);
    }
}

async fn only_pending_orders_hold_pieces(db: &Database) {
    let mug = stocked(db, "mug", 50).await;
    let asker = |network, email| Asker { visitor: mark(1), network, email };
    let mut orders = Vec::new();
    for asker in [
        asker(Some(mark(2)), mark(3)),
        asker(Some(mark(2)), mark(4)),
        asker(None, mark(3)),
        asker(Some(mark(5)), mark(6)),
    ] {
        let order = order_of(&cart_of(&[(&mug, 1)]));
        let watched = Watched { order: order.id, asker, pieces: 7, proven: true };
        let stored = db.write((order, watched), |tx, (order, watched)| {
            Box::pin(async move {
                order::insert(tx, order).await?;
                shield::insert_order(tx, watched).await?;
                shield::order(tx, order.id).await
            })
        });
        assert_eq!(stored.await.unwrap(), Some(watched));
        orders.push(watched);
    }
    let hers =
        |asker: Asker| db.write(asker, |tx, asker| Box::pin(shield::orders_of(tx, asker, 100)));
    assert_eq!(hers(orders[0].asker).await.unwrap().len(), 3);
    assert_eq!(hers(orders[2].asker).await.unwrap().len(), 2, "nobody's network is not one");
    let released = db.write(orders[1], |tx, watched| {
        Box::pin(async move {
            shield::release_order(tx, watched.order, at(1)).await?;
            shield::order(tx, watched.order).await
        })
    });
    assert_eq!(released.await.unwrap(), Some(orders[1]), "it may still be heard of");
    assert_eq!(hers(orders[0].asker).await.unwrap().len(), 2);
}

async fn what_is_old_is_forgotten_and_nothing_else(db: &Database) {
    let forgotten = |ms: i64| {
        db.write(at(ms), |tx, now| {
            Box::pin(async move {
                let old = shield::old(tx, *now, 100).await?;
                shield::forget(tx, &old, *now).await?;
                Ok::<_, StoreError>(old.count())
            })
        })
    };
    let tally = Tally { orders: Level { empty_at: at(9) }, ..Tally::NONE };
    for (number, ms) in [(1, 0), (2, HOUR_MS)] {
        save(db, mark(number), tally, at(ms)).await;
        let counted = db.write(ms, |tx, ms| {
            Box::pin(async move {
                let tries = Tries { succeeded: 1, declined: 0 };
                shield::add_tries(tx, tries, OrderId(id()), at(*ms)).await?;
                shield::use_proof(tx, id(), OrderId(id()), at(*ms)).await
            })
        });
        assert!(counted.await.unwrap());
    }
    // The tries and the proof of the first hour, and the proof of this moment.
    assert_eq!(forgotten(HOUR_MS).await.unwrap(), 3);
    assert_eq!(forgotten(2 * HOUR_MS).await.unwrap(), 2);
    let read = tallies(db, vec![mark(1), mark(2)]).await;
    assert_eq!((read.of(mark(1)), read.of(mark(2))), (Tally::NONE, tally));
    assert_eq!(forgotten(3 * HOUR_MS).await.unwrap(), 1);
    assert_eq!(forgotten(9 * HOUR_MS).await.unwrap(), 0);
}
