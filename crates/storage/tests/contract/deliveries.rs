//! What others are told: each step once, each receiver for himself, every try kept.

use domain::delivery::Receiver;
use domain::id::{DeliveryId, NoticeId, OrderId};
use domain::notice::NoticeKind;
use futures::future::join_all;
use storage::delivery::{Delivery, State, Try};
use storage::notice::Notice;
use storage::{Lease, StoreError, delivery, notice, order};

use crate::harness::{Database, at, cart_of, id, on_every_database, order_of, stocked};

on_every_database! {
    a_step_is_told_once_and_is_due_until_its_deliveries_are_written
    notices_are_read_in_pages_from_a_time_on
    a_delivery_is_claimed_by_its_receiver_alone
    a_delivery_is_tried_until_it_is_taken_and_every_try_is_kept
    a_delivery_that_was_given_up_can_be_sent_once_more
    an_endpoint_that_is_gone_is_so_until_it_is_there_again
}

fn shop() -> Receiver {
    Receiver::Endpoint("https://shop.example/hooks".into())
}

async fn ordered(db: &Database) -> OrderId {
    let mug = stocked(db, &id().to_string(), 5).await;
    let order = order_of(&cart_of(&[(&mug, 1)]));
    let of = order.id;
    let stored = db.write(order, |tx, order| Box::pin(order::insert(tx, order)));
    assert!(stored.await.unwrap());
    of
}

fn told(order: OrderId, kind: NoticeKind, at_ms: i64) -> Notice {
    let id = NoticeId::of(order, kind, None);
    let body = format!(r#"{{"type":"{}","grüße":"12.50"}}"#, kind.name());
    Notice { id, order, kind, refund: None, body, created_at: at(at_ms) }
}

async fn put(db: &Database, notice: &Notice) -> bool {
    let put = db.write(notice.clone(), |tx, notice| Box::pin(notice::put(tx, notice)));
    put.await.unwrap()
}

/// A notice on its way to both receivers, since 10.
async fn on_its_way(db: &Database) -> Notice {
    let notice = told(ordered(db).await, NoticeKind::OrderPaid, 10);
    assert!(put(db, &notice).await);
    let sent = db.write(notice.id, |tx, id| {
        Box::pin(async move {
            let mut new = Vec::new();
            for receiver in [shop(), Receiver::Shopper, shop()] {
                new.push(delivery::put(tx, *id, &receiver, at(10)).await?);
            }
            Ok(new)
        })
    });
    assert_eq!(sent.await.unwrap(), [true, true, false]);
    notice
}

fn lease(until_ms: i64) -> Lease {
    Lease { token: id(), until: at(until_ms) }
}

async fn claim(db: &Database, receiver: Receiver, now_ms: i64, lease: Lease) -> Vec<Delivery> {
    let claimed = db.write((receiver, now_ms, lease), |tx, (receiver, now_ms, lease)| {
        Box::pin(delivery::claim_due(tx, receiver, at(*now_ms), lease, 10))
    });
    claimed.await.unwrap()
}

async fn by_id(db: &Database, id: DeliveryId) -> Delivery {
    let found: Result<_, StoreError> =
        db.store.read(id, |tx, id| Box::pin(delivery::by_id(tx, *id))).await;
    found.unwrap().unwrap()
}

async fn a_step_is_told_once_and_is_due_until_its_deliveries_are_written(db: &Database) {
    let order = ordered(db).await;
    let first = told(order, NoticeKind::OrderPaid, 10);
    assert!(put(db, &first).await);
    assert!(!put(db, &Notice { body: "{}".into(), ..first.clone() }).await);
    assert!(put(db, &told(order, NoticeKind::OrderCancelled, 5)).await);

    let due = db.write((), |tx, ()| {
        Box::pin(async move {
            let early = notice::due(tx, at(9), 10).await?;
            for one in &early {
                notice::done(tx, one.id).await?;
            }
            Ok((early.len(), notice::due(tx, at(10), 10).await?, notice::due_count(tx).await?))
        })
    });
    assert_eq!(due.await.unwrap(), (1, vec![first], 1));
}

async fn notices_are_read_in_pages_from_a_time_on(db: &Database) {
    let mut all = Vec::new();
    for at_ms in [7, 7, 7, 8] {
        all.push(told(ordered(db).await, NoticeKind::OrderPaid, at_ms));
    }
    for notice in &all {
        assert!(put(db, notice).await);
    }
    all.sort_by_key(|notice| (notice.created_at, notice.id));
    let (mut seen, mut after) = (Vec::new(), (at(7), NoticeId(uuid::Uuid::nil())));
    loop {
        let page: Result<Vec<Notice>, StoreError> =
            db.store.read(after, |tx, after| Box::pin(notice::since(tx, *after, 2))).await;
        let page = page.unwrap();
        let Some(last) = page.last() else { break };
        after = (last.created_at, last.id);
        seen.extend(page);
    }
    assert_eq!(seen, all);
}

async fn a_delivery_is_claimed_by_its_receiver_alone(db: &Database) {
    let notice = on_its_way(db).await;
    let workers = join_all((0..8).map(|_| claim(db, shop(), 10, lease(100)))).await;
    let claimed: Vec<Delivery> = workers.into_iter().flatten().collect();
    assert_eq!(claimed.len(), 1);
    let one = &claimed[0];
    assert_eq!((one.notice, one.order, one.kind), (notice.id, notice.order, notice.kind));
    assert_eq!((&one.receiver, one.tries), (&shop(), 1));

    assert_eq!(claim(db, Receiver::Shopper, 10, lease(100)).await.len(), 1);
    // Whoever had it died: it is free again when the claim has ended.
    assert_eq!(claim(db, shop(), 99, lease(200)).await, []);
    let mine = lease(200);
    assert_eq!(claim(db, shop(), 100, mine).await[0].tries, 2);
    // The answer to the claim was lost, and it is run again.
    assert_eq!(claim(db, shop(), 100, mine).await[0].tries, 2);
}

async fn a_delivery_is_tried_until_it_is_taken_and_every_try_is_kept(db: &Database) {
    let notice = on_its_way(db).await;
    let of = DeliveryId::of(notice.id, &shop());
    let tries = [(10, "500"), (40, "204")].map(|(at_ms, outcome)| Try {
        id: id(),
        at: at(at_ms),
        duration_ms: 7,
        outcome: outcome.to_owned(),
    });
    claim(db, shop(), 10, lease(100)).await;
    let input = (of, tries.clone());
    let postponed = db.write(input, |tx, (of, tries)| {
        Box::pin(async move {
            delivery::keep_try(tx, *of, &tries[0]).await?;
            delivery::postpone(tx, *of, at(40), &tries[0].outcome).await
        })
    });
    postponed.await.unwrap();
    assert_eq!(claim(db, shop(), 39, lease(100)).await, []);
    assert_eq!(claim(db, shop(), 40, lease(100)).await[0].last_outcome.as_deref(), Some("500"));

    let done = db.write((of, tries.clone()), |tx, (of, tries)| {
        Box::pin(async move {
            delivery::keep_try(tx, *of, &tries[1]).await?;
            let first = delivery::done(tx, *of, at(41), "204").await?;
            // Somebody else was slower, with another outcome: it changes nothing.
            let again = delivery::give_up(tx, *of, at(42), "500").await?;
            delivery::postpone(tx, *of, at(43), "500").await?;
            let kept = delivery::tries(tx, *of, 10).await?;
            Ok((first, again, kept, delivery::waiting_count(tx).await?))
        })
    });
    assert_eq!(done.await.unwrap(), (true, false, tries.to_vec(), 1));
    let one = by_id(db, of).await;
    assert_eq!((one.state, one.last_outcome.as_deref()), (State::Done { at: at(41) }, Some("204")));
    assert_eq!(claim(db, shop(), 1_000, lease(2_000)).await, []);
}

async fn a_delivery_that_was_given_up_can_be_sent_once_more(db: &Database) {
    let notice = on_its_way(db).await;
    let of = DeliveryId::of(notice.id, &shop());
    claim(db, shop(), 10, lease(100)).await;
    let given_up = db.write(of, |tx, of| Box::pin(delivery::give_up(tx, *of, at(50), "500")));
    assert!(given_up.await.unwrap());
    let lists = db.write(notice.order, |tx, order| {
        Box::pin(async move {
            let failed = delivery::failed(tx, 10).await?;
            let of_order = delivery::of_order(tx, *order, 10).await?;
            Ok((failed, of_order.len(), delivery::newest(tx, 1).await?.len()))
        })
    });
    let (failed, of_order, newest) = lists.await.unwrap();
    assert_eq!((failed.len(), of_order, newest), (1, 2, 1));
    assert_eq!((failed[0].id, failed[0].state), (of, State::GivenUp { at: at(50) }));

    let again = db.write(of, |tx, of| Box::pin(delivery::repeat(tx, *of, at(60))));
    assert!(again.await.unwrap());
    assert_eq!(by_id(db, of).await.state, State::Waiting { due_at: at(60) });
    assert_eq!(claim(db, shop(), 60, lease(100)).await[0].tries, 1);
    let none = db.write(DeliveryId(id()), |tx, of| Box::pin(delivery::repeat(tx, *of, at(60))));
    assert!(!none.await.unwrap());
}

async fn an_endpoint_that_is_gone_is_so_until_it_is_there_again(db: &Database) {
    let told = db.write((), |tx, ()| {
        Box::pin(async move {
            let url = "https://shop.example/hooks";
            let first = delivery::mark_gone(tx, url, at(5)).await?;
            let again = delivery::mark_gone(tx, url, at(6)).await?;
            let since = delivery::gone_since(tx, url).await?;
            let other = delivery::gone_since(tx, "https://shop.example/HOOKS").await?;
            let there = delivery::mark_there(tx, url).await?;
            let since_then = delivery::gone_since(tx, url).await?;
            Ok((first, again, since, other, there, since_then))
        })
    });
    assert_eq!(told.await.unwrap(), (true, false, Some(at(5)), None, true, None));
}
