//! Events count once, effects are called for once, and timed work is done by one worker at a time.

use std::collections::BTreeSet;

use domain::event::{EventId, GatewayReference};
use futures::future::join_all;
use jiff::Timestamp;
use storage::attention::NewItem;
use storage::inbox::{InboxEvent, NewEvent, Source, Turn};
use storage::outbox::{Effect, EffectKind, NewEffect};
use storage::{Lease, StoreError, attention, cursor, inbox, order, outbox, payment};

use crate::harness::{Database, at, cart_of, id, on_every_database, order_of, payment_of, stocked};

on_every_database! {
    event_ids_that_differ_only_in_case_are_different_events
    an_event_delivered_many_times_at_once_is_stored_once
    an_event_is_applied_once
    an_event_that_could_not_be_applied_comes_back
    many_workers_share_the_work_and_none_is_done_twice
    a_dead_workers_lease_ends_and_another_takes_over
    an_effect_is_called_for_once_and_done_until_it_is_done
    due_payments_are_claimed_longest_due_first
    a_matter_is_raised_once
    a_cursor_has_one_reader
}

fn new_event(name: &str, received_at: Timestamp) -> NewEvent {
    NewEvent {
        id: EventId::new(name).unwrap(),
        kind: "payment_intent.succeeded".to_owned(),
        object: Some(GatewayReference::new("pi_1").unwrap()),
        livemode: false,
        payload: format!("{{\"id\":\"{name}\"}}"),
        source: Source::Webhook,
        turn: Turn::First,
        received_at,
    }
}

async fn store(db: &Database, event: NewEvent) -> bool {
    db.write(event, |tx, event| Box::pin(inbox::store(tx, event))).await.unwrap()
}

async fn load(db: &Database, name: &str) -> Option<InboxEvent> {
    let id = EventId::new(name).unwrap();
    let found: Result<_, StoreError> =
        db.store.read(id, |tx, id| Box::pin(inbox::load(tx, id))).await;
    found.unwrap()
}

fn lease(until_ms: i64) -> Lease {
    Lease { token: id(), until: at(until_ms) }
}

async fn claim_events(db: &Database, now_ms: i64, lease: Lease, limit: u32) -> Vec<InboxEvent> {
    let claimed = db.write((now_ms, lease, limit), |tx, (now_ms, lease, limit)| {
        Box::pin(inbox::claim_due(tx, Turn::First, at(*now_ms), lease, *limit))
    });
    claimed.await.unwrap()
}

async fn event_ids_that_differ_only_in_case_are_different_events(db: &Database) {
    assert!(store(db, new_event("evt_1AbC", at(1))).await);
    assert!(store(db, new_event("evt_1abc", at(2))).await);
    assert!(!store(db, new_event("evt_1AbC", at(3))).await);
    assert_eq!(load(db, "evt_1AbC").await.unwrap().event, new_event("evt_1AbC", at(1)));
    assert_eq!(load(db, "evt_1abc").await.unwrap().event, new_event("evt_1abc", at(2)));
    assert_eq!(load(db, "EVT_1ABC").await, None);
}

async fn an_event_delivered_many_times_at_once_is_stored_once(db: &Database) {
    let delivered = (0..32).map(|n| store(db, new_event("evt_1", at(n))));
    let new = join_all(delivered).await.into_iter().filter(|new| *new).count();
    assert_eq!(new, 1);
    let counted: Result<i64, StoreError> =
        db.store.read((), |tx, ()| Box::pin(inbox::unapplied_count(tx))).await;
    assert_eq!(counted.unwrap(), 1);
}

async fn apply(db: &Database, name: &str, at_ms: i64) -> bool {
    let input = (EventId::new(name).unwrap(), at_ms);
    let applied = db.write(input, |tx, (id, at_ms)| {
        Box::pin(inbox::mark_applied(tx, id, "order paid", at(*at_ms)))
    });
    applied.await.unwrap()
}

async fn an_event_is_applied_once(db: &Database) {
    store(db, new_event("evt_1", at(1))).await;
    assert!(apply(db, "evt_1", 5).await);
    assert!(!apply(db, "evt_1", 6).await);
    let applied = load(db, "evt_1").await.unwrap();
    assert_eq!(applied.applied_at, Some(at(5)));
    assert_eq!(applied.outcome.as_deref(), Some("order paid"));
    assert_eq!(claim_events(db, 100, lease(200), 10).await, []);
    // A late delivery finds it there and does not make it due again.
    assert!(!store(db, new_event("evt_1", at(300))).await);
    assert_eq!(claim_events(db, 400, lease(500), 10).await, []);
    let newest: Result<_, StoreError> =
        db.store.read((), |tx, ()| Box::pin(inbox::newest_received(tx))).await;
    assert_eq!(newest.unwrap(), Some(at(1)));
}

async fn an_event_that_could_not_be_applied_comes_back(db: &Database) {
    store(db, new_event("evt_1", at(1))).await;
    assert_eq!(claim_events(db, 10, lease(50), 10).await[0].tries, 1);
    let id = EventId::new("evt_1").unwrap();
    let long = "x".repeat(100_000);
    let postponed =
        db.write((id, long), |tx, (id, long)| Box::pin(inbox::postpone(tx, id, at(30), long)));
    postponed.await.unwrap();
    assert_eq!(claim_events(db, 29, lease(60), 10).await, []);
    let again = claim_events(db, 30, lease(60), 10).await;
    assert_eq!((again.len(), again[0].tries), (1, 2));
}

async fn many_workers_share_the_work_and_none_is_done_twice(db: &Database) {
    for n in 0..30 {
        store(db, new_event(&format!("evt_{n}"), at(n))).await;
    }
    let workers = (0..8).map(|_| claim_events(db, 100, lease(1_000), 10));
    let claimed = join_all(workers).await;
    let names: Vec<_> = claimed.iter().flatten().map(|claimed| claimed.event.id.clone()).collect();
    let different: BTreeSet<_> = names.iter().collect();
    assert_eq!(names.len(), different.len(), "{names:?}");
    assert!(claimed.iter().flatten().all(|claimed| claimed.tries == 1));
    // Whoever was late on every row gets nothing this time; nothing is left over in the end.
    let mut total = names.len();
    while let rest @ 1.. = claim_events(db, 100, lease(1_000), 10).await.len() {
        total += rest;
    }
    assert_eq!(total, 30);
}

async fn a_dead_workers_lease_ends_and_another_takes_over(db: &Database) {
    store(db, new_event("evt_1", at(1))).await;
    let dead = lease(500);
    assert_eq!(claim_events(db, 10, dead, 10).await.len(), 1);
    assert_eq!(claim_events(db, 499, lease(900), 10).await, []);
    // The same claim, run again after its commit was lost, is the same claim.
    let same = claim_events(db, 10, dead, 10).await;
    assert_eq!((same.len(), same[0].tries), (1, 1));
    let taken_over = claim_events(db, 500, lease(900), 10).await;
    assert_eq!((taken_over.len(), taken_over[0].tries), (1, 2));
}

async fn claim_effects(db: &Database, now_ms: i64, lease: Lease) -> Vec<Effect> {
    let claimed = db.write((now_ms, lease), |tx, (now_ms, lease)| {
        Box::pin(outbox::claim_due(tx, at(*now_ms), lease, 10))
    });
    claimed.await.unwrap()
}

async fn an_effect_is_called_for_once_and_done_until_it_is_done(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let order = order_of(&cart_of(&[(&mug, 1)]));
    let effect = NewEffect {
        id: id(),
        order: order.id,
        kind: EffectKind::CancelPayment,
        subject: "pi_1".to_owned(),
        due_at: at(10),
    };
    let twin = NewEffect { id: id(), ..effect.clone() };
    let other = NewEffect { id: id(), subject: "PI_1".to_owned(), ..effect.clone() };
    let put = db
        .write((order, [effect.clone(), twin, other.clone()]), |tx, (order, effects)| {
            Box::pin(async move {
                order::insert(tx, order).await?;
                let mut put = Vec::new();
                for effect in effects {
                    put.push(outbox::put(tx, effect).await?);
                }
                Ok(put)
            })
        })
        .await;
    assert_eq!(put.unwrap(), [true, false, true]);
    let claimed = claim_effects(db, 10, lease(100)).await;
    assert_eq!(claimed.len(), 2);
    assert!(claimed.contains(&Effect { effect: effect.clone(), tries: 1 }));

    let ended = db.write((effect.id, other.id), |tx, (done, failed)| {
        Box::pin(async move {
            assert!(outbox::done(tx, *done, at(20)).await?);
            assert!(!outbox::done(tx, *done, at(21)).await?);
            outbox::postpone(tx, *failed, at(40), "no answer").await?;
            outbox::open_count(tx).await
        })
    });
    assert_eq!(ended.await.unwrap(), 1);
    let again = claim_effects(db, 40, lease(100)).await;
    assert_eq!(again, [Effect { effect: NewEffect { due_at: at(40), ..other }, tries: 2 }]);
}

async fn due_payments_are_claimed_longest_due_first(db: &Database) {
    let mug = stocked(db, "mug", 5).await;
    let mut orders = Vec::new();
    for due_ms in [30, 10, 20, 99] {
        let cart = cart_of(&[(&mug, 1)]);
        let order = order_of(&cart);
        let (payment, attempt) = payment_of(&order);
        orders.push((order.id, payment.id));
        let input = (order, payment, attempt, due_ms);
        let stored = db.write(input, |tx, (order, payment, attempt, due_ms)| {
            Box::pin(async move {
                order::insert(tx, order).await?;
                payment::insert(tx, payment, order.cart, attempt, at(*due_ms)).await
            })
        });
        stored.await.unwrap();
    }
    let claim = |now_ms: i64, limit: u32| {
        db.write((now_ms, lease(1_000), limit), |tx, (now_ms, lease, limit)| {
            Box::pin(payment::claim_due(tx, at(*now_ms), lease, *limit))
        })
    };
    assert_eq!(claim(50, 2).await.unwrap(), [orders[1].0, orders[2].0]);
    assert_eq!(claim(50, 2).await.unwrap(), [orders[0].0]);
    let scheduled =
        db.write(orders[1].1, |tx, id| Box::pin(payment::schedule(tx, *id, Some(at(60)))));
    scheduled.await.unwrap();
    assert_eq!(claim(60, 2).await.unwrap(), [orders[1].0]);
    let over = db.write(orders[1].1, |tx, id| Box::pin(payment::schedule(tx, *id, None)));
    over.await.unwrap();
    assert_eq!(claim(2_000, 9).await.unwrap().len(), 3);
}

async fn a_matter_is_raised_once(db: &Database) {
    let item = NewItem {
        id: id(),
        order: None,
        kind: "discrepancy".to_owned(),
        subject: "evt_1".to_owned(),
        sentence: "The gateway reports another amount.".to_owned(),
        at: at(3),
    };
    let twin = NewItem { id: id(), ..item.clone() };
    let raised = db.write([item.clone(), twin], |tx, items| {
        Box::pin(async move {
            let [item, twin] = items;
            Ok((attention::raise(tx, item).await?, attention::raise(tx, twin).await?))
        })
    });
    assert_eq!(raised.await.unwrap(), (true, false));
    let open = db.write((), |tx, ()| Box::pin(attention::open(tx, 10)));
    assert_eq!(open.await.unwrap(), std::slice::from_ref(&item));
    let resolved = db.write(item.id, |tx, id| {
        Box::pin(async move {
            let first = attention::resolve(tx, *id, at(9)).await?;
            let again = attention::resolve(tx, *id, at(9)).await?;
            Ok((first, again, attention::open_count(tx).await?))
        })
    });
    assert_eq!(resolved.await.unwrap(), (true, false, 0));
}

async fn a_cursor_has_one_reader(db: &Database) {
    let claim = |now_ms: i64, lease: Lease| {
        db.write((now_ms, lease), |tx, (now_ms, lease)| {
            Box::pin(cursor::claim(tx, "events", at(*now_ms), lease))
        })
    };
    let readers = join_all((0..8).map(|_| claim(0, lease(100)))).await;
    assert_eq!(readers.into_iter().map(Result::unwrap).filter(|got| *got).count(), 1);
    let mine = lease(300);
    assert!(!claim(99, mine).await.unwrap());
    assert!(claim(100, mine).await.unwrap());
    assert!(claim(100, mine).await.unwrap());
    let saved = db.write(mine, |tx, mine| {
        Box::pin(async move {
            cursor::save(tx, "events", "evt_9").await?;
            cursor::give_back(tx, "events", mine).await?;
            cursor::load(tx, "events").await
        })
    });
    assert_eq!(saved.await.unwrap().as_deref(), Some("evt_9"));
    assert!(claim(101, lease(400)).await.unwrap());
}
