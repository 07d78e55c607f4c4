//! One live payment for each cart, whoever asks for it and how often.

use domain::cart::Cart;
use domain::event::{EventId, GatewayReference, News, Report, Word};
use domain::order::Order;
use domain::payment::{Attempt, Payment};
use futures::future::join_all;
use storage::payment::{Inserted, Stored};
use storage::{StoreError, Tx, Work, order, payment};

use crate::harness::{Database, at, cart_of, on_every_database, order_of, payment_of, stocked};

on_every_database! {
    one_of_many_askers_gets_a_payment_for_the_cart
    asking_again_finds_ones_own_payment
    a_payment_that_is_over_frees_its_cart
    a_payment_is_found_by_order_reference_and_cart
    the_answer_to_a_request_is_kept_beside_it
    a_client_secret_stays_out_of_logs
}

type Asked = (Order, Payment, Attempt);

fn asked_for(cart: &Cart) -> Asked {
    let order = order_of(cart);
    let (payment, attempt) = payment_of(&order);
    (order, payment, attempt)
}

fn start<'a>(tx: &'a mut Tx, asked: &'a Asked) -> Work<'a, Inserted, StoreError> {
    let (order, payment, attempt) = asked;
    Box::pin(async move {
        order::insert(tx, order).await?;
        payment::insert(tx, payment, order.cart, attempt, at(1_000)).await
    })
}

pub fn event(payment: &Payment, event: &str, report: Report) -> News {
    News {
        reference: GatewayReference::new(format!("pi_{}", payment.id)).unwrap(),
        order: Some(payment.order),
        amount: payment.amount,
        livemode: payment.livemode,
        word: Word::Event(EventId::new(event).unwrap()),
        report,
        card: None,
    }
}

async fn stored(db: &Database, payment: &Payment) -> Stored {
    let found: Result<_, StoreError> =
        db.store.read(payment.id, |tx, id| Box::pin(payment::by_id(tx, *id))).await;
    found.unwrap().unwrap()
}

async fn save(db: &Database, payment: &Payment) {
    let saved =
        db.write(payment.clone(), |tx, payment| Box::pin(payment::save(tx, payment, at(50))));
    saved.await.unwrap();
}

async fn one_of_many_askers_gets_a_payment_for_the_cart(db: &Database) {
    let mug = stocked(db, "mug", 50).await;
    let cart = cart_of(&[(&mug, 1)]);
    let askers: Vec<Asked> = (0..32).map(|_| asked_for(&cart)).collect();
    let started = join_all(askers.into_iter().map(|asked| db.write(asked, start))).await;
    let started: Vec<_> = started.into_iter().map(Result::unwrap).collect();
    let count = |wanted| started.iter().filter(|inserted| **inserted == wanted).count();
    assert_eq!((count(Inserted::New), count(Inserted::CartHasAnother)), (1, 31), "{started:?}");
    assert_eq!(db.ask("select idempotency_key from payment_attempts").await.len(), 1);
}

async fn asking_again_finds_ones_own_payment(db: &Database) {
    let mug = stocked(db, "mug", 50).await;
    let asked = asked_for(&cart_of(&[(&mug, 1)]));
    assert_eq!(db.write(asked.clone(), start).await.unwrap(), Inserted::New);
    assert_eq!(db.write(asked.clone(), start).await.unwrap(), Inserted::AlreadyMine);
    let (_, payment, attempt) = asked;
    assert_eq!(stored(db, &payment).await.payment, payment);
    let attempts: Result<_, StoreError> =
        db.store.read(payment.id, |tx, id| Box::pin(payment::attempts(tx, *id))).await;
    assert_eq!(attempts.unwrap(), [attempt]);
}

async fn a_payment_that_is_over_frees_its_cart(db: &Database) {
    let mug = stocked(db, "mug", 50).await;
    let cart = cart_of(&[(&mug, 1)]);
    let first = asked_for(&cart);
    db.write(first.clone(), start).await.unwrap();
    let second = asked_for(&cart);
    assert_eq!(db.write(second.clone(), start).await.unwrap(), Inserted::CartHasAnother);

    let (cancelled, _) = first.1.clone().hear(&event(&first.1, "evt_1", Report::Cancelled), at(9));
    save(db, &cancelled).await;
    assert_eq!(stored(db, &first.1).await.payment, cancelled);
    assert_eq!(db.write(second.clone(), start).await.unwrap(), Inserted::New);
    // What is over stays over, and does not take the cart back.
    save(db, &cancelled).await;
    let live: Result<_, StoreError> =
        db.store.read(cart.id, |tx, id| Box::pin(payment::live_of_cart(tx, *id))).await;
    assert_eq!(live.unwrap().unwrap().payment, second.1);
}

async fn a_payment_is_found_by_order_reference_and_cart(db: &Database) {
    let mug = stocked(db, "mug", 50).await;
    let asked = asked_for(&cart_of(&[(&mug, 1)]));
    db.write(asked.clone(), start).await.unwrap();
    let (order, payment, _) = asked;
    let (opened, _) = payment.clone().hear(&event(&payment, "evt_1", Report::Open), at(9));
    save(db, &opened).await;
    let found: Result<_, StoreError> = db
        .store
        .read((order, opened.clone()), |tx, (order, payment)| {
            Box::pin(async move {
                let by_order = payment::of_order(tx, order.id).await?;
                let reference = payment.reference().unwrap();
                let by_reference = payment::by_reference(tx, reference).await?;
                let by_cart = payment::live_of_cart(tx, order.cart).await?;
                Ok([by_order, by_reference, by_cart])
            })
        })
        .await;
    for found in found.unwrap() {
        let found = found.unwrap();
        assert_eq!((found.payment, found.due_at), (opened.clone(), Some(at(1_000))));
    }
}

async fn the_answer_to_a_request_is_kept_beside_it(db: &Database) {
    let mug = stocked(db, "mug", 50).await;
    let asked = asked_for(&cart_of(&[(&mug, 1)]));
    db.write(asked.clone(), start).await.unwrap();
    let kept = db.write(asked.1.id, |tx, id| {
        Box::pin(payment::record_answer(tx, *id, 1, ("open", "{\"id\":\"pi_1\"}"), at(70)))
    });
    kept.await.unwrap();
    let answers =
        db.ask("select answer from payment_attempts where outcome = 'open' and number = 1").await;
    assert_eq!(answers, ["{\"id\":\"pi_1\"}"]);
    let nothing = db.write(asked.1.id, |tx, id| {
        Box::pin(payment::record_answer(tx, *id, 2, ("open", ""), at(70)))
    });
    assert!(matches!(nothing.await, Err(StoreError::Misuse(_))));
}

async fn a_client_secret_stays_out_of_logs(db: &Database) {
    let mug = stocked(db, "mug", 50).await;
    let asked = asked_for(&cart_of(&[(&mug, 1)]));
    db.write(asked.clone(), start).await.unwrap();
    let kept = db.write(asked.1.id, |tx, id| {
        Box::pin(payment::save_client_secret(tx, *id, "pi_1_secret_x"))
    });
    kept.await.unwrap();
    let stored = stored(db, &asked.1).await;
    assert_eq!(stored.client_secret.as_deref(), Some("pi_1_secret_x"));
    assert!(!format!("{stored:?}").contains("secret_x"));
}
