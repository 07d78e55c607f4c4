//! An order's history: told in order, by whoever holds its lock.

use domain::history::{Actor, Entry, Kind};
use domain::id::OrderId;
use futures::future::join_all;
use storage::history::Line;
use storage::{StoreError, Tx, Work, history, order};

use crate::harness::{Database, at, cart_of, on_every_database, order_of, stocked};

on_every_database! {
    lines_are_numbered_in_the_order_in_which_they_are_told
    lines_told_at_the_same_time_are_all_kept
    what_goes_on_and_on_is_told_once
}

async fn new_order(db: &Database, sku: &str) -> OrderId {
    let product = stocked(db, sku, 50).await;
    let order = order_of(&cart_of(&[(&product, 1)]));
    let id = order.id;
    let stored = db.write(order, |tx, order| Box::pin(order::insert(tx, order)));
    assert!(stored.await.unwrap());
    id
}

fn entry(order: OrderId, kind: Kind, sentence: &str) -> Entry {
    Entry::new(order, Actor::Till, kind, sentence, at(7))
}

async fn told(db: &Database, order: OrderId) -> Vec<Line> {
    let read: Result<_, StoreError> =
        db.store.read(order, |tx, id| Box::pin(history::of_order(tx, *id, 0, 100))).await;
    read.unwrap()
}

async fn lines_are_numbered_in_the_order_in_which_they_are_told(db: &Database) {
    let order = new_order(db, "mug").await;
    let other = new_order(db, "lamp").await;
    let first = [entry(order, Kind::OrderMade, "Größe M"), entry(order, Kind::PaymentAsked, "2")];
    let later = entry(order, Kind::Answered, "3");
    let elsewhere = entry(other, Kind::OrderMade, "1");
    let input = (first.clone(), later.clone(), elsewhere.clone());
    let noted = db.write(input, |tx, (first, later, elsewhere)| {
        Box::pin(async move {
            history::note_all(tx, first).await?;
            history::note(tx, elsewhere).await?;
            history::note(tx, later).await
        })
    });
    noted.await.unwrap();
    let [one, two] = first;
    let lines = [(1, one), (2, two), (3, later)];
    let lines = lines.map(|(position, entry)| Line { position, entry });
    assert_eq!(told(db, order).await, lines);
    assert_eq!(told(db, other).await, [Line { position: 1, entry: elsewhere }]);
    let read: Result<_, StoreError> =
        db.store.read(order, |tx, id| Box::pin(history::of_order(tx, *id, 1, 1))).await;
    assert_eq!(read.unwrap(), lines[1..2]);
}

fn note_under_lock<'a>(tx: &'a mut Tx, entry: &'a Entry) -> Work<'a, (), StoreError> {
    Box::pin(async move {
        order::lock(tx, entry.order).await?;
        history::note(tx, entry).await
    })
}

async fn lines_told_at_the_same_time_are_all_kept(db: &Database) {
    let order = new_order(db, "mug").await;
    let tellers = (0..20).map(|number| {
        db.store.write(entry(order, Kind::TriedAgain, &number.to_string()), note_under_lock)
    });
    for noted in join_all(tellers).await {
        noted.unwrap();
    }
    let positions: Vec<_> = told(db, order).await.iter().map(|line| line.position).collect();
    assert_eq!(positions, (1..=20).collect::<Vec<_>>());
}

async fn what_goes_on_and_on_is_told_once(db: &Database) {
    let order = new_order(db, "mug").await;
    for kind in [Kind::OrderExtended, Kind::OrderExtended, Kind::Answered, Kind::OrderExtended] {
        let noted = db.write(entry(order, kind, "again"), |tx, entry| {
            Box::pin(history::note_once(tx, entry))
        });
        noted.await.unwrap();
    }
    let kinds: Vec<_> = told(db, order).await.iter().map(|line| line.entry.kind).collect();
    assert_eq!(kinds, [Kind::OrderExtended, Kind::Answered, Kind::OrderExtended]);
}
