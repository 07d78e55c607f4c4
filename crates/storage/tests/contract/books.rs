//! Books are read page by page, in the order in which things were made.

use domain::id::{PaymentId, RefundId};
use domain::refund::{Refund, RefundOrigin};
use jiff::Timestamp;
use storage::refund::Request;
use storage::{StoreError, inbox, order, outbox, payment, refund};
use uuid::Uuid;

use crate::harness::{
    Database, at, cart_of, eur, id, on_every_database, order_of, payment_of, stocked,
};

on_every_database! {
    what_was_made_in_a_period_is_read_page_by_page_and_once
    the_database_tells_its_version_and_its_clock
    nothing_is_overdue_in_an_empty_shop
}

/// A payment and a refund of it, both written down at `ms`.
async fn made_at(db: &Database, ms: i64) -> PaymentId {
    let mug = stocked(db, &format!("mug{}", id()), 50).await;
    let order = order_of(&cart_of(&[(&mug, 1)]));
    let (payment, mut attempt) = payment_of(&order);
    attempt.created_at = at(ms);
    let refund = Refund::new(RefundId(id()), &payment, eur(100), RefundOrigin::Automatic);
    let made = payment.id;
    let stored =
        db.write((order, payment, attempt, refund), |tx, (order, payment, attempt, refund)| {
            Box::pin(async move {
                order::insert(tx, order).await?;
                payment::insert(tx, payment, order.cart, attempt, at(1)).await?;
                let key = domain::payment::IdempotencyKey::refund(refund.id);
                let request = Request { key, body: "amount=100".into() };
                refund::insert(tx, refund, Some(&request), attempt.created_at).await
            })
        });
    assert!(stored.await.unwrap());
    made
}

async fn what_was_made_in_a_period_is_read_page_by_page_and_once(db: &Database) {
    let mut wanted = Vec::new();
    // Several in one millisecond, and one on each side of the period.
    for ms in [999, 1_000, 1_500, 1_500, 1_500, 1_999, 2_000] {
        let made = made_at(db, ms).await;
        if (1_000..2_000).contains(&ms) {
            wanted.push((at(ms), made));
        }
    }
    wanted.sort();
    let (mut found, mut refunds) = (Vec::new(), 0);
    let (mut place, mut refund_place) =
        ((at(1_000), PaymentId(Uuid::nil())), (at(1_000), RefundId(Uuid::nil())));
    loop {
        let page: Result<_, StoreError> = db
            .store
            .read((place, refund_place), |tx, (place, refund_place)| {
                Box::pin(async move {
                    let payments = payment::made(tx, *place, at(2_000), 2).await?;
                    Ok((payments, refund::made(tx, *refund_place, at(2_000), 2).await?))
                })
            })
            .await;
        let (payments, page_of_refunds) = page.unwrap();
        refunds += page_of_refunds.len();
        if let Some(last) = page_of_refunds.last() {
            refund_place = (last.created_at, last.refund.id);
        }
        let Some(last) = payments.last() else { break };
        place = (last.created_at, last.id);
        found.extend(payments.into_iter().map(|made| (made.created_at, made.id)));
    }
    assert_eq!((found, refunds), (wanted, 5));
}

async fn the_database_tells_its_version_and_its_clock(db: &Database) {
    let condition = db.store.condition().await.unwrap();
    assert!(condition.version.chars().any(|letter| letter.is_ascii_digit()), "{condition:?}");
    let apart = condition.clock.duration_since(Timestamp::now()).as_secs().abs();
    assert!(apart < 60, "{condition:?}");
}

async fn nothing_is_overdue_in_an_empty_shop(db: &Database) {
    let counted: Result<_, StoreError> = db
        .store
        .read(at(1_000), |tx, now| {
            Box::pin(async move {
                let events = inbox::overdue_count(tx, *now).await?;
                let effects = outbox::overdue_count(tx, *now).await?;
                let payments = payment::overdue_count(tx, *now).await?;
                let newest = inbox::newest_from(tx, inbox::Source::Webhook).await?;
                Ok((events, effects, payments, newest))
            })
        })
        .await;
    assert_eq!(counted.unwrap(), (0, 0, 0, None));
}
