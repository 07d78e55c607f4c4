//! The connection dies at the one moment when nobody can know what became of the transaction: while
//! COMMIT is under way. A proxy between the store and the server cuts it there, once before the
//! server has seen the COMMIT and once after it has carried it out. Either way there is one result.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use domain::order::Order;
use storage::{Store, StoreError, Tx, Work};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{
    Database, at, cart_of, limits, on_every_server, order_of, payment_of, stock_of, stocked,
};
use crate::stock::{buy, orders_in};

on_every_server! {
    a_commit_that_never_arrived_is_made_up_for
    a_commit_whose_answer_was_lost_is_not_repeated
    a_commit_that_is_lost_again_and_again_is_reported_as_unknown
    a_connection_cut_before_the_commit_changes_nothing
    a_lost_commit_is_learned_of_when_the_server_is_back_seconds_later
}

const PASS: u8 = 0;
const CUT_BEFORE_COMMIT_ARRIVES: u8 = 1;
const CUT_AFTER_COMMIT_IS_DONE: u8 = 2;
const CUT_EVERY_COMMIT_AFTER_IT_IS_DONE: u8 = 3;
const CUT_NEXT_STATEMENT: u8 = 4;
const CUT_AFTER_COMMIT_AND_GO_AWAY: u8 = 5;
const AWAY: u8 = 6;

/// What the proxy does with the next COMMIT it sees, and how many connections it has carried.
#[derive(Clone, Default)]
struct Plan {
    next: Arc<AtomicU8>,
    cuts: Arc<AtomicU32>,
}

/// A store that reaches its server through a proxy, and the proxy's plan.
async fn through_a_proxy(db: &Database) -> (Store, Plan) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = db.url_through(listener.local_addr().unwrap().port());
    let plan = Plan::default();
    let (server, planned) = (db.server_address(), plan.clone());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            if planned.next.load(Ordering::SeqCst) == AWAY {
                continue;
            }
            let server = TcpStream::connect(&server).await.unwrap();
            tokio::spawn(carry(client, server, planned.clone()));
        }
    });
    (Store::open(&url, &limits()).await.unwrap(), plan)
}

/// Carries bytes both ways until one side closes or the plan says cut. Both protocols send COMMIT as
/// plain text in a message of its own.
async fn carry(mut client: TcpStream, mut server: TcpStream, plan: Plan) {
    let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let is_commit = [&b"commit\0"[..], b"commit"].iter().any(|end| up[..count].ends_with(end));
                let cut = match plan.next.load(Ordering::SeqCst) {
                    CUT_NEXT_STATEMENT => Some(CUT_BEFORE_COMMIT_ARRIVES),
                    PASS => None,
                    planned => is_commit.then_some(planned),
                };
                let Some(planned) = cut else {
                    if server.write_all(&up[..count]).await.is_err() { return };
                    continue;
                };
                plan.cuts.fetch_add(1, Ordering::SeqCst);
                let next = match planned {
                    CUT_EVERY_COMMIT_AFTER_IT_IS_DONE => planned,
                    CUT_AFTER_COMMIT_AND_GO_AWAY => AWAY,
                    _ => PASS,
                };
                plan.next.store(next, Ordering::SeqCst);
                if planned != CUT_BEFORE_COMMIT_ARRIVES {
                    server.write_all(&up[..count]).await.unwrap();
                    // The answer means that it is done; it goes no further.
                    assert!(server.read(&mut down).await.unwrap() > 0);
                }
                return;
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&down[..count]).await.is_err() { return };
            }
        }
    }
}

async fn exactly_one_order(db: &Database, planned: u8) {
    let mug = stocked(db, "mug", 10).await;
    let (store, plan) = through_a_proxy(db).await;
    // The second try must not be helped by a second connection that is there already.
    store.ping().await.unwrap();
    plan.next.store(planned, Ordering::SeqCst);
    let order = order_of(&cart_of(&[(&mug, 3)]));
    store.write(order.clone(), buy).await.unwrap();
    assert_eq!(plan.cuts.load(Ordering::SeqCst), 1);
    assert_eq!(orders_in(db, "pending").await, 1);
    assert_eq!(stock_of(db, mug.id).await.reserved(), 3);
    // The store is as good as before.
    store.write(order, buy).await.unwrap();
    assert_eq!(stock_of(db, mug.id).await.reserved(), 3);
    store.close().await;
}

async fn a_commit_that_never_arrived_is_made_up_for(db: &Database) {
    exactly_one_order(db, CUT_BEFORE_COMMIT_ARRIVES).await;
}

async fn a_commit_whose_answer_was_lost_is_not_repeated(db: &Database) {
    exactly_one_order(db, CUT_AFTER_COMMIT_IS_DONE).await;
}

async fn a_connection_cut_before_the_commit_changes_nothing(db: &Database) {
    exactly_one_order(db, CUT_NEXT_STATEMENT).await;
}

fn pay_for<'a>(
    tx: &'a mut Tx,
    order: &'a Order,
) -> Work<'a, storage::payment::Inserted, StoreError> {
    Box::pin(async move {
        storage::order::insert(tx, order).await?;
        let (payment, attempt) = payment_of(order);
        storage::payment::insert(tx, &payment, order.cart, &attempt, at(9)).await
    })
}

async fn a_commit_that_is_lost_again_and_again_is_reported_as_unknown(db: &Database) {
    let mug = stocked(db, "mug", 10).await;
    let (store, plan) = through_a_proxy(db).await;
    plan.next.store(CUT_EVERY_COMMIT_AFTER_IT_IS_DONE, Ordering::SeqCst);
    let order = order_of(&cart_of(&[(&mug, 3)]));
    let unknown = store.write(order.clone(), pay_for).await;
    assert!(matches!(unknown, Err(StoreError::OutcomeUnknown(_))), "{unknown:?}");
    plan.next.store(PASS, Ordering::SeqCst);
    // It was done all the time, and asking again finds it.
    assert_eq!(
        store.write(order, pay_for).await.unwrap(),
        storage::payment::Inserted::CartHasAnother
    );
    assert_eq!(orders_in(db, "pending").await, 1);
    store.close().await;
}

async fn a_lost_commit_is_learned_of_when_the_server_is_back_seconds_later(db: &Database) {
    let mug = stocked(db, "mug", 10).await;
    let (store, plan) = through_a_proxy(db).await;
    plan.next.store(CUT_AFTER_COMMIT_AND_GO_AWAY, Ordering::SeqCst);
    let back = tokio::spawn({
        let plan = plan.clone();
        async move {
            while plan.next.load(Ordering::SeqCst) != AWAY {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_secs(4)).await;
            plan.next.store(PASS, Ordering::SeqCst);
        }
    });
    let order = order_of(&cart_of(&[(&mug, 3)]));
    store.write(order, buy).await.unwrap();
    back.await.unwrap();
    assert_eq!(plan.cuts.load(Ordering::SeqCst), 1);
    assert_eq!(orders_in(db, "pending").await, 1);
    assert_eq!(stock_of(db, mug.id).await.reserved(), 3);
    store.close().await;
}
