//! Refunds: each once by every name it has, and moved only from where it was seen.

use domain::event::GatewayReference;
use domain::id::RefundId;
use domain::payment::{IdempotencyKey, Payment};
use domain::refund::{NotMade, Refund, RefundNews, RefundOrigin, RefundReport};
use storage::refund::{Request, Stored};
use storage::{StoreError, order, payment, refund};

use crate::harness::{
    Database, at, cart_of, eur, id, on_every_database, order_of, payment_of, stocked,
};

on_every_database! {
    every_state_of_a_refund_reads_back_as_it_was_written
    a_refund_of_the_gateway_is_stored_once
    an_order_has_one_automatic_refund
    the_rest_of_an_automatic_refund_is_stored_once_beside_it
    a_stray_has_one_automatic_refund_beside_that_of_its_order
    a_refund_is_moved_only_from_where_it_was_seen
}

pub async fn paid_for(db: &Database) -> Payment {
    let mug = stocked(db, "mug", 50).await;
    let order = order_of(&cart_of(&[(&mug, 1)]));
    let (payment, attempt) = payment_of(&order);
    let input = (order, payment.clone(), attempt);
    let stored = db.write(input, |tx, (order, payment, attempt)| {
        Box::pin(async move {
            order::insert(tx, order).await?;
            payment::insert(tx, payment, order.cart, attempt, at(1_000)).await
        })
    });
    stored.await.unwrap();
    payment
}

fn new(payment: &Payment, origin: RefundOrigin) -> Refund {
    Refund::new(RefundId(id()), payment, eur(400), origin)
}

fn operator() -> RefundOrigin {
    RefundOrigin::Operator { note: Some("Größe passt nicht".into()) }
}

fn told(refund: &Refund, name: &str, report: RefundReport) -> RefundNews {
    let reference = GatewayReference::new(name).unwrap();
    let own = GatewayReference::new("pi_1").unwrap();
    let payment = refund.stray.clone().unwrap_or(own);
    RefundNews { reference, payment, ours: Some(refund.id), amount: refund.amount, report }
}

async fn insert(db: &Database, refund: &Refund) -> bool {
    let request = (refund.origin != RefundOrigin::Elsewhere)
        .then(|| Request { key: IdempotencyKey::refund(refund.id), body: "amount=400".into() });
    let stored = db.write((refund.clone(), request), |tx, (refund, request)| {
        Box::pin(refund::insert(tx, refund, request.as_ref(), at(7)))
    });
    stored.await.unwrap()
}

async fn of_order(db: &Database, payment: &Payment) -> Vec<Stored> {
    let found: Result<_, StoreError> =
        db.store.read(payment.order, |tx, id| Box::pin(refund::of_order(tx, *id))).await;
    found.unwrap()
}

async fn every_state_of_a_refund_reads_back_as_it_was_written(db: &Database) {
    let payment = paid_for(db).await;
    let fresh = || new(&payment, operator());
    let failed = RefundReport::Failed { reason: "declined".into() };
    let heard = |name, report| {
        let refund = fresh();
        let news = told(&refund, name, report);
        refund.hear(&news).0
    };
    let elsewhere = told(&fresh(), "re_5", RefundReport::Succeeded);
    let refunds = [
        fresh(),
        fresh().lose_answer(),
        fresh().refuse(NotMade::Disputed).0,
        heard("re_1", RefundReport::Pending),
        heard("re_2", RefundReport::Succeeded),
        heard("re_3", failed),
        heard("re_4", RefundReport::Cancelled),
        Refund::elsewhere(RefundId(id()), &payment, &elsewhere).0,
        new(&payment, RefundOrigin::Automatic),
        of_stray(&payment, "pi_2"),
        of_stray(&payment, "pi_3").refuse(NotMade::AlreadyRefunded).0,
    ];
    for refund in &refunds {
        assert!(insert(db, refund).await, "{refund:?}");
        assert!(!insert(db, refund).await, "{refund:?}");
    }
    let stored = of_order(db, &payment).await;
    assert_eq!(stored.iter().map(|one| one.refund.clone()).collect::<Vec<_>>(), refunds);
    assert!(stored.iter().all(|one| one.created_at == at(7)));
    for one in stored {
        let keyed = one.request.as_ref().map(|request| &request.key);
        let ours = one.refund.origin != RefundOrigin::Elsewhere;
        assert_eq!(keyed, ours.then(|| IdempotencyKey::refund(one.refund.id)).as_ref());
        let found: Result<_, StoreError> =
            db.store.read(one.refund.id, |tx, id| Box::pin(refund::by_id(tx, *id))).await;
        assert_eq!(found.unwrap(), Some(one));
    }
}

async fn a_refund_of_the_gateway_is_stored_once(db: &Database) {
    let payment = paid_for(db).await;
    let news = told(&new(&payment, operator()), "re_1", RefundReport::Pending);
    let first = Refund::elsewhere(RefundId(id()), &payment, &news).0;
    let second = Refund::elsewhere(RefundId(id()), &payment, &news).0;
    assert!(insert(db, &first).await);
    assert!(!insert(db, &second).await);
    let found: Result<_, StoreError> =
        db.store.read(news.reference, |tx, name| Box::pin(refund::by_reference(tx, name))).await;
    assert_eq!(found.unwrap().unwrap().refund, first);
}

async fn an_order_has_one_automatic_refund(db: &Database) {
    let payment = paid_for(db).await;
    let first = new(&payment, RefundOrigin::Automatic);
    assert!(insert(db, &first).await);
    assert!(!insert(db, &new(&payment, RefundOrigin::Automatic)).await);
    assert!(insert(db, &new(&payment, operator())).await);
    assert_eq!(of_order(db, &payment).await.len(), 2);
}

async fn the_rest_of_an_automatic_refund_is_stored_once_beside_it(db: &Database) {
    let payment = paid_for(db).await;
    for stray in [None, Some("pi_2")] {
        let of = |minor| {
            let one = Refund::new(RefundId(id()), &payment, eur(minor), RefundOrigin::Automatic);
            match stray {
                Some(stray) => one.of_stray(GatewayReference::new(stray).unwrap()),
                None => one,
            }
        };
        assert!(insert(db, &of(400)).await);
        assert!(insert(db, &of(290)).await);
        assert!(!insert(db, &of(290)).await);
    }
    assert_eq!(of_order(db, &payment).await.len(), 4);
}

fn of_stray(payment: &Payment, stray: &str) -> Refund {
    new(payment, RefundOrigin::Automatic).of_stray(GatewayReference::new(stray).unwrap())
}

async fn a_stray_has_one_automatic_refund_beside_that_of_its_order(db: &Database) {
    let payment = paid_for(db).await;
    let first = of_stray(&payment, "pi_2");
    assert!(insert(db, &first).await);
    assert!(!insert(db, &of_stray(&payment, "pi_2")).await);
    assert!(insert(db, &of_stray(&payment, "pi_3")).await);
    assert!(insert(db, &new(&payment, RefundOrigin::Automatic)).await);
    assert_eq!(of_order(db, &payment).await.len(), 3);
    let sent = first.clone().hear(&told(&first, "re_1", RefundReport::Succeeded)).0;
    let moved = db.write((first, sent.clone()), |tx, (first, sent)| {
        Box::pin(refund::transition(tx, first, sent, at(9)))
    });
    assert!(moved.await.unwrap());
    assert_eq!(of_order(db, &payment).await[0].refund, sent);
    let order_of = |name: &'static str| {
        db.store.read(GatewayReference::new(name).unwrap(), |tx, name| {
            Box::pin(refund::order_of_stray(tx, name))
        })
    };
    let found: [Result<_, StoreError>; 2] = [order_of("pi_2").await, order_of("pi_9").await];
    assert_eq!(found.map(Result::unwrap), [Some(payment.order), None]);
}

async fn a_refund_is_moved_only_from_where_it_was_seen(db: &Database) {
    let payment = paid_for(db).await;
    let seen = new(&payment, operator());
    insert(db, &seen).await;
    let sent = seen.clone().hear(&told(&seen, "re_1", RefundReport::Succeeded)).0;
    for moved in [true, false] {
        let done = db.write((seen.clone(), sent.clone()), |tx, (seen, sent)| {
            Box::pin(refund::transition(tx, seen, sent, at(9)))
        });
        assert_eq!(done.await.unwrap(), moved);
    }
    assert_eq!(of_order(db, &payment).await[0].refund, sent);
}
