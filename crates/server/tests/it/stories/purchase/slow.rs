//! A platform that takes long, and a server that is held up: however long a question is open, nobody
//! else puts it meanwhile. Told where the clock of waits stands still, which is on SQLite.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use domain::{
    id::PurchaseId,
    purchase::{ChargeNews, PayToken, Purchase, Terms},
};
use http::Method;
use server::{
    clock::{Clock, Ids},
    context::Backend,
    worker::{self, Rhythm},
};
use simulators::elastic_path::{
    ConfirmAgain, ElasticPath, Fault, FaultKind, Options, sample_catalogue,
};
use storage::{Power, SqliteFile, Store, StoreError, purchase::Inserted};
use tokio_util::sync::CancellationToken;

use crate::{
    database::On,
    platform::{self, PAN, Platform, said},
};

/// The questions that move something.
const QUESTIONS: [&str; 3] = ["/payments", "/checkout", "/confirm"];

/// Another server works on what is due, again and again, while time passes twice as fast as the
/// platform answers.
async fn works_beside(shop: &Platform, seconds: u32) {
    for _ in 0..seconds {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shop.ep.advance(Duration::from_secs(2));
        worker::run_due_purchases(&shop.px).await;
    }
}

#[test]
fn a_question_that_is_answered_late_is_not_put_by_another_server() {
    platform::tell(On::Sqlite, answered_late);
}

#[test]
fn a_cart_that_cannot_be_made_ready_in_time_is_not_charged_and_not_touched_again() {
    platform::tell(On::Sqlite, not_ready_in_time);
}

#[test]
fn a_confirmation_that_arrives_after_its_repetition_is_a_matter_for_a_person() {
    platform::tell(On::Sqlite, confirmed_late);
}

#[test]
fn an_outage_with_two_hundred_debits_calls_a_person_for_a_charge_within_five_minutes() {
    platform::tell(On::Sqlite, outage_with_debits);
}

async fn outage_with_debits(shop: Platform) {
    let shopper = shop.shopper([(PAN, 1)]).await;
    let hangs = FaultKind::Slow(Duration::from_secs(3_600));
    shop.ep.inject(Fault::once("/v2/carts/{}", hangs).of(Method::GET).nth(3).times(1_000));
    assert_eq!(said(&shopper.click("ctoken_ok").await), "processing/pending");
    shop.ep.inject(Fault::once("/", hangs).times(100_000));
    let read = shop
        .px
        .store
        .read(shopper.cart.clone(), |tx, cart| Box::pin(storage::purchase::last_of_cart(tx, cart)));
    let charged: Result<_, StoreError> = read.await;
    let terms = charged.unwrap().unwrap().purchase.terms;
    for _ in 0..200 {
        debit(&shop, terms.clone()).await;
    }
    let stop = CancellationToken::new();
    let rhythm = Rhythm { tick: Duration::from_secs(1), poll: Duration::from_secs(1) };
    let works = worker::run(Backend::Platform(shop.px.clone()), rhythm, stop.clone());
    let time = async {
        for _ in 0..300 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            shop.ep.advance(Duration::from_secs(1));
        }
        stop.cancel();
        shop.items().await
    };
    let ((), items) = futures::join!(works, time);
    assert_eq!(items, ["purchase_cart_unread"]);
    shop.leave();
}

/// A purchase like another that waits for its shopper's bank.
async fn debit(shop: &Platform, like: Terms) {
    let id = shop.px.ids.next();
    let (now, amount) = (shop.px.clock.now(), like.amount);
    let terms = Terms { id: PurchaseId(id), cart: id.to_string().parse().unwrap(), ..like };
    let payment = format!("pi_{}", id.simple()).parse().unwrap();
    let terms = Terms { created_at: now, ..terms };
    let token = PayToken::new("ctoken_debit").unwrap();
    let asked = Purchase::new(terms, Some(token)).unwrap().charge(now).unwrap();
    let waits = asked.hear_charge(ChargeNews::Processing { payment, amount }, now);
    let write =
        shop.px.store.write(waits, |tx, debit| Box::pin(storage::purchase::insert(tx, debit)));
    let written: Result<Inserted, StoreError> = write.await;
    assert_eq!(written.unwrap(), Inserted::New);
}

async fn answered_late(shop: Platform) {
    for question in QUESTIONS {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let before = shop.asked("POST", question);
        shop.fault(Method::POST, question, FaultKind::Slow(Duration::from_secs(20)));
        let (answer, ()) = futures::join!(shopper.click("ctoken_ok"), works_beside(&shop, 21));
        assert_eq!(said(&answer), "processing/pending", "{question}");
        shop.rest().await;
        assert_eq!(shopper.stands().await, "complete/succeeded", "{question}");
        assert_eq!(shop.asked("POST", question) - before, 1, "{question}");
    }
    shop.close().await;
}

async fn not_ready_in_time(shop: Platform) {
    let shopper = shop.shopper([(PAN, 1)]).await;
    shop.pay_elsewhere(&shopper.cart, "ctoken_decline_201").await;
    let charges = shop.asked("POST", "/payments");
    shop.fault(Method::PUT, "/v2/carts/{}/payments/{}", FaultKind::Slow(Duration::from_secs(29)));
    shop.fault(Method::PUT, "/v2/carts/{}", FaultKind::Slow(Duration::from_secs(29)));
    let answer = shopper.click("ctoken_ok").await;
    assert_eq!(said(&answer), "processing/pending");
    shop.rest().await;
    assert_eq!(shop.purchases().await, "1 abandoned");
    assert_eq!(shop.asked("POST", "/payments"), charges);
    assert_eq!(said(&shopper.pay("ctoken_ok").await), "complete/succeeded");
    shop.close().await;
}

async fn confirmed_late(shop: Platform) {
    let mut shop = shop;
    shop.set(|modes| modes.confirm_again = ConfirmAgain::Duplicate);
    {
        let shopper = shop.shopper([(PAN, 1)]).await;
        let late = FaultKind::Slow(Duration::from_secs(45));
        shop.fault(Method::POST, "/v2/orders/{}/confirm", late);
        assert_eq!(said(&shopper.pay("ctoken_ok").await), "processing/pending");
        shop.pass(4, Duration::from_secs(20)).await;
        assert_eq!(shopper.stands().await, "complete/succeeded");
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(shop.ep.ledger().transactions.len(), 2, "the first has arrived");
        shop.pass(2, Duration::from_secs(20 * 60)).await;
    }
    assert_eq!(shop.purchases().await, "1 cleaned");
    assert_eq!(shop.items().await, ["purchase_second_booking"]);
    shop.expected_items = 1;
    shop.close_apart(&["pays 2 times", "its transactions say 4198"]).await;
}

#[test]
fn a_server_that_is_held_up_before_its_question_leaves_it_to_another() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
    // Each commit of the way to the order's payment takes longer than a question is waited for.
    for held_up_at in 1..=6 {
        runtime.block_on(held_up(held_up_at));
    }
}

async fn held_up(held_up_at: u32) {
    let ep = ElasticPath::new(Options {
        seed: Some(1),
        start: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        ..Options::default()
    });
    sample_catalogue(&ep);
    let commits = Arc::new(AtomicU32::new(u32::MAX));
    let power = {
        let (ep, commits) = (ep.clone(), commits.clone());
        move || {
            if commits.fetch_sub(1, Ordering::SeqCst) == 1 {
                ep.advance(Duration::from_secs(150));
            }
            Power::Stays
        }
    };
    let store = Store::sqlite_inline_on(&SqliteFile::Memory, power).unwrap();
    store.migrate().await.unwrap();
    let clock = {
        let ep = ep.clone();
        Clock::from_fn(move || ep.now())
    };
    let server = platform::server(platform::store_wire(&ep), store, clock, Ids::system(), &[]);
    let Backend::Platform(px) = server.backend else { panic!("another backend") };
    let shop = Platform::over(ep, px);
    let shopper = shop.shopper([(PAN, 1)]).await;
    for question in QUESTIONS {
        shop.fault(Method::POST, question, FaultKind::Slow(Duration::from_secs(2)));
    }
    commits.store(held_up_at, Ordering::SeqCst);
    let other_server = async {
        for _ in 0..9 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            worker::run_due_purchases(&shop.px).await;
        }
    };
    let (_, ()) = futures::join!(shopper.click("ctoken_ok"), other_server);
    shop.rest().await;
    shop.heal().await;
    for question in QUESTIONS {
        assert!(shop.asked("POST", question) <= 1, "{question}, held up at commit {held_up_at}");
    }
    let stands = shopper.stands().await;
    assert!(["complete/succeeded", "open/failed"].contains(&stands.as_str()), "{stands}");
    shop.close().await;
}
