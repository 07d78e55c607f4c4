//! The transaction that creates an order, on SQLite: through the store, and as the same statements in
//! a bare loop over one connection, which is as fast as one thread on this disk can be.
//!
//! Thirteen statements on three lines: lock the cart and read its lines, look at the products and for
//! a live payment, insert the order, its lines, the payment and the attempt, reserve the stock.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on stops here")]

#[path = "create_order/bare.rs"]
mod bare;
#[path = "create_order/orders.rs"]
mod orders;

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use storage::catalog::StockMove;
use storage::payment::Inserted;
use storage::{Limits, Store, StoreError, Tx, Work, cart, catalog, order, payment};
use tokio::runtime::Runtime;

use orders::{Checkout, Shop};

const CALLERS: usize = 64;

fn create_order<'a>(tx: &'a mut Tx, checkout: &'a Checkout) -> Work<'a, (), StoreError> {
    Box::pin(async move {
        let Checkout { order, payment, attempt } = checkout;
        let cart = cart::lock(tx, order.cart).await?.expect("the cart is there");
        let offers = catalog::offers_of_cart(tx, cart.id).await?;
        assert!(cart.drift(&offers).shortages.is_empty());
        assert!(payment::live_of_cart(tx, cart.id).await?.is_none());
        assert!(order::insert(tx, order).await?);
        let refused = catalog::move_stock(tx, &order.lines, StockMove::Reserve).await?;
        assert!(refused.is_empty());
        let inserted = payment::insert(tx, payment, cart.id, attempt, order.created_at).await?;
        assert_eq!(inserted, Inserted::New);
        Ok(())
    })
}

/// The time that `callers` take together for all checkouts, each waiting for its own to be done.
fn through_the_store(runtime: &Runtime, operations: u64, callers: usize) -> Duration {
    let shop = Shop::with_carts(operations);
    let store = runtime.block_on(Store::open(&shop.url(), &Limits::default())).unwrap();
    let mut queues: Vec<Vec<Checkout>> = (0..callers).map(|_| Vec::new()).collect();
    for (number, checkout) in shop.checkouts().enumerate() {
        queues[number % callers].push(checkout);
    }
    let spent = runtime.block_on(async {
        let began = Instant::now();
        let callers = queues.into_iter().map(|queue| {
            let store = store.clone();
            tokio::spawn(async move {
                for checkout in queue {
                    store.write(checkout, create_order).await.unwrap();
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        began.elapsed()
    });
    runtime.block_on(store.close());
    shop.check(operations);
    spent
}

/// The time of a loop that commits after every `batch` checkouts.
fn in_a_bare_loop(operations: u64, batch: usize) -> Duration {
    let shop = Shop::with_carts(operations);
    let checkouts: Vec<Checkout> = shop.checkouts().collect();
    let connection = bare::open(&shop.path());
    let began = Instant::now();
    for batch in checkouts.chunks(batch) {
        connection.prepare_cached("begin immediate").unwrap().raw_execute().unwrap();
        for checkout in batch {
            bare::create_order(&connection, checkout);
        }
        connection.prepare_cached("commit").unwrap().raw_execute().unwrap();
    }
    let spent = began.elapsed();
    drop(connection);
    shop.check(operations);
    spent
}

fn create_orders(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("create_order");
    group.throughput(Throughput::Elements(1));
    group.sample_size(10);
    group.measurement_time(Duration::from_secs(10));
    group.bench_function("store, 1 caller", |bencher| {
        bencher.iter_custom(|operations| through_the_store(&runtime, operations, 1));
    });
    group.bench_function("store, 64 callers", |bencher| {
        bencher.iter_custom(|operations| through_the_store(&runtime, operations, CALLERS));
    });
    group.bench_function("bare, a commit for each", |bencher| {
        bencher.iter_custom(|operations| in_a_bare_loop(operations, 1));
    });
    group.bench_function("bare, a commit for 64", |bencher| {
        bencher.iter_custom(|operations| in_a_bare_loop(operations, CALLERS));
    });
    group.finish();
}

criterion_group!(benches, create_orders);
criterion_main!(benches);
