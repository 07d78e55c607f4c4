//! Real processes, really killed. The real binary serves a few shoppers who buy at the same time,
//! is killed (SIGKILL) at instants that a seed chooses, and is started again on the same database
//! and port. In the end time passes, and the books are compared: every charge has its paid order
//! and every paid order its charge, the shelves are right, and nothing is left lying.
//!
//! Which instruction a kill hits is up to the machine, so a seed tells a run apart but does not
//! repeat it; the crash walk beside this file leaves nothing to chance. Longer runs:
//! `cargo xtask kill --kills 100 --database postgres`.

mod dice;
pub mod process;
mod shopper;

use std::{
    collections::HashMap,
    env,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant, SystemTime},
};

use domain::catalog::Stock;
use storage::{Store, StoreError};

use crate::{
    books,
    guest::Guest,
    shelves::{self, Pieces},
    shop::{Shop, stories},
};
use dice::Dice;
use process::Process;
use shopper::{Noticed, Purchase, Shopper};

storage::statements! {
    PAID = "select cart_id, total_minor from orders where state = 'paid'";
    FAILED = "select id from orders where state = 'failed'";
    EFFECTS = "select order_id, done_at from outbox";
}

const KILLS: u64 = 5;
const SHOPPERS: usize = 4;
/// A process lives for less than this many milliseconds.
const LIFE_MS: u64 = 1500;
/// More than all shoppers of a long run can buy.
const PLENTY: u32 = 1_000_000;

stories! {
    async fn a_server_that_is_killed_again_and_again_charges_once_and_loses_nothing(shop: Shop) {
        let mut shop = shop;
        let (kills, seed) = (number("TILL_KILLS").unwrap_or(KILLS), seed());
        let database = shop.cx.store.dialect();
        println!("{database:?}: {kills} kills, seed {seed}");
        for sku in ["sticker", "mug", "book"] {
            shop.change(sku, |product| product.stock = Stock::new(PLENTY, 0).unwrap()).await;
        }
        let shelves = shelves::on_hand(&shop.cx.store).await;
        shop.stop().await;
        let began = Instant::now();
        let noticed = Noticed::default();

        let purchases = storm(&shop, &noticed, kills, Dice::new(seed)).await;

        let stormed = began.elapsed();
        shop.start().await;
        heal(&shop).await;
        let faults = faults(&shop, &shelves, &purchases).await;
        let charged = purchases.iter().filter(|purchase| purchase.was_charged).count();
        let told = purchases.iter().filter(|purchase| purchase.was_told).count();
        println!(
            "{database:?}, seed {seed}: {kills} kills in {stormed:.1?}, {:?} requests repeated, \
             {} purchases, {charged} charged, {told} of them told so at once; orders: {}; \
             {} faults; {:.1?} in all",
            noticed.repeated,
            purchases.len(),
            shop.orders().await,
            faults.len(),
            began.elapsed(),
        );
        assert!(faults.is_empty(), "seed {seed}:\n{}", faults.join("\n"));
        assert!(charged > 0, "nobody could buy anything between the kills");
        shop.close().await;
    }
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().filter(|text| !text.is_empty()).map(|text| text.parse().unwrap())
}

fn seed() -> u64 {
    number("TILL_KILL_SEED").unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        u64::from(since.subsec_nanos())
    })
}

/// Shoppers buy while the server is killed; returns when all kills are done and everybody has
/// left. Then no server runs.
async fn storm(shop: &Shop, noticed: &Noticed, kills: u64, mut dice: Dice) -> Vec<Purchase> {
    let is_over = AtomicBool::new(false);
    let mut process = Process::of(shop);
    process.start();
    process.is_up().await;
    let shoppers = (0..SHOPPERS).map(|_| {
        let mut shopper = Shopper::new(shop, noticed, dice.another());
        let is_over = &is_over;
        async move {
            let mut purchases = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                purchases.extend(shopper.buy().await);
            }
            purchases
        }
    });
    let shoppers: Vec<_> = shoppers.collect();
    let killing = async {
        for number in 1..=kills {
            let life_ms = dice.below(LIFE_MS);
            // Where the instant lies is the seed's choice; nothing is waited for here.
            tokio::time::sleep(Duration::from_millis(life_ms)).await;
            let under_way = noticed.under_way.load(Ordering::SeqCst);
            process.kill().await;
            println!(
                "kill {number:>3} after {life_ms:>3} ms, {under_way} requests under way, \
                 {:?} purchases so far",
                noticed.purchases
            );
            process.start();
            // Now and then it is killed while it starts.
            if number == kills || !dice.one_in(4) {
                process.is_up().await;
            }
        }
        is_over.store(true, Ordering::SeqCst);
    };
    let (bought, ()) = tokio::join!(futures::future::join_all(shoppers), killing);
    process.kill().await;
    bought.into_iter().flatten().collect()
}

/// Time passes: until what the dead have claimed is free again and done, and in the end longer
/// than any order waits.
///
/// While something waits, every fortieth look, once a second, moves the clock. Moved more often, it
/// would run out on claims of the living, and on events that the poller is about to fetch.
async fn heal(shop: &Shop) {
    for minutes in [2, 45, 45] {
        shop.advance(Duration::from_secs(minutes * 60));
        let looks = AtomicUsize::new(1);
        shop.until("everything that is due has been done", || async {
            let is_done = is_done(shop).await;
            if !is_done && looks.fetch_add(1, Ordering::SeqCst).is_multiple_of(40) {
                shop.advance(Duration::from_secs(30));
            }
            is_done
        })
        .await;
    }
}

/// Whether nothing waits, and all of Stripe's news has arrived.
async fn is_done(shop: &Shop) -> bool {
    let store = &shop.cx.store;
    let items = books::items(store).await;
    books::is_quiet(store).await
        && !books::is_overdue(store, shop.cx.clock.now()).await
        && books::compare(store, &shop.stripe, items).await.is_empty()
}

/// Every difference, as a sentence.
async fn faults(shop: &Shop, shelves: &Pieces, purchases: &[Purchase]) -> Vec<String> {
    let store = &shop.cx.store;
    let mut faults = books::compare(store, &shop.stripe, 0).await;
    faults.extend(books::asked_twice(&shop.stripe));
    faults.extend(shelves::compare(store, shelves).await);
    faults.extend(compare_orders(store, shop).await);
    let orders = shop.orders().await;
    if orders.contains("pending") {
        faults.push(format!("orders are pending although time has passed: {orders}"));
    }
    for purchase in purchases.iter().filter(|purchase| purchase.was_charged) {
        let guest = Guest::returning(shop, purchase.cookie.clone());
        let reply = guest.get(&format!("/api/orders/{}", purchase.order)).await;
        if reply.body["status"] != "paid" {
            faults.push(format!("she was charged, and her order says {reply}: {purchase:?}"));
        }
    }
    faults
}

async fn compare_orders(store: &Store, shop: &Shop) -> Vec<String> {
    let read = store.read((), |tx, ()| {
        Box::pin(async move {
            let mut paid = Vec::new();
            for row in tx.query(&PAID, &[]).await? {
                paid.push(row.read("orders").id("cart_id")?);
            }
            let mut failed = Vec::new();
            for row in tx.query(&FAILED, &[]).await? {
                failed.push(row.read("orders").id("id")?);
            }
            let mut effects = HashMap::new();
            for row in tx.query(&EFFECTS, &[]).await? {
                let mut row = row.read("outbox");
                let order = row.id("order_id")?;
                let (all, done) = effects.entry(order).or_insert((0, 0));
                *all += 1;
                *done += i32::from(row.int_opt("done_at")?.is_some());
            }
            Ok((paid, failed, effects))
        })
    });
    type Read = (Vec<uuid::Uuid>, Vec<uuid::Uuid>, HashMap<uuid::Uuid, (i32, i32)>);
    let read: Result<Read, StoreError> = read.await;
    let (paid, failed, effects) = read.unwrap();
    let mut faults = Vec::new();
    let succeeded = shop.stripe.ledger().iter().filter(|entry| entry.status == "succeeded").count();
    if succeeded != paid.len() {
        faults.push(format!("{succeeded} payments succeeded, {} orders are paid", paid.len()));
    }
    let mut by_cart: HashMap<uuid::Uuid, usize> = HashMap::new();
    for cart in paid {
        *by_cart.entry(cart).or_default() += 1;
    }
    // Everybody comes with a new cart and buys once.
    let twice = by_cart.into_iter().filter(|(_, orders)| *orders > 1);
    faults.extend(twice.map(|(cart, orders)| format!("cart {cart} has {orders} paid orders")));
    for order in failed {
        let effects = effects.get(&order).copied().unwrap_or_default();
        if effects != (1, 1) {
            faults.push(format!("{order} failed with {effects:?} effects, all and done"));
        }
    }
    faults
}
