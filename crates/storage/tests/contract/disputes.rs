//! Disputes: each once, and always as the gateway told of it last.

use domain::dispute::{Dispute, DisputeNews, DisputeState};
use domain::event::GatewayReference;
use domain::id::{DisputeId, OrderId};
use storage::{StoreError, dispute};

use crate::harness::{Database, at, eur, id, on_every_database};
use crate::refunds::paid_for;

on_every_database! {
    every_state_of_a_dispute_reads_back_as_it_was_written
    a_dispute_of_the_gateway_is_stored_once
    a_dispute_reads_back_as_it_was_told_last
}

fn told(order: OrderId, name: &str, state: DisputeState) -> Dispute {
    let news = DisputeNews {
        reference: GatewayReference::new(name).unwrap(),
        payment: GatewayReference::new("pi_1").unwrap(),
        amount: eur(400),
        reason: "product_not_received".into(),
        respond_by: Some(at(9_000)),
        state,
    };
    Dispute::open(DisputeId(id()), order, news).0
}

async fn insert(db: &Database, dispute: &Dispute) -> bool {
    let stored = db
        .write(dispute.clone(), |tx, dispute| Box::pin(dispute::insert(tx, dispute, at(7))))
        .await;
    stored.unwrap()
}

async fn of_order(db: &Database, order: OrderId) -> Vec<Dispute> {
    let found: Result<_, StoreError> =
        db.store.read(order, |tx, id| Box::pin(dispute::of_order(tx, *id))).await;
    found.unwrap()
}

async fn every_state_of_a_dispute_reads_back_as_it_was_written(db: &Database) {
    let order = paid_for(db).await.order;
    let all = (1..).zip(DisputeState::ALL);
    let disputes: Vec<_> =
        all.map(|(number, state)| told(order, &format!("du_{number}"), state)).collect();
    for dispute in &disputes {
        assert!(insert(db, dispute).await, "{dispute:?}");
    }
    assert_eq!(of_order(db, order).await, disputes);
}

async fn a_dispute_of_the_gateway_is_stored_once(db: &Database) {
    let order = paid_for(db).await.order;
    let first = told(order, "du_1", DisputeState::Lost);
    assert!(insert(db, &first).await);
    assert!(!insert(db, &first).await);
    assert!(!insert(db, &told(order, "du_1", DisputeState::Won)).await);
    assert_eq!(of_order(db, order).await, [first]);
}

async fn a_dispute_reads_back_as_it_was_told_last(db: &Database) {
    let order = paid_for(db).await.order;
    let asked = told(order, "du_1", DisputeState::Inquiry);
    insert(db, &asked).await;
    let taken = DisputeNews {
        amount: eur(300),
        reason: "fraudulent".into(),
        respond_by: None,
        state: DisputeState::NeedsResponse,
        ..asked.news().clone()
    };
    let taken = asked.clone().hear(taken).0;
    let saved =
        db.write(taken.clone(), |tx, dispute| Box::pin(dispute::save(tx, dispute, at(8)))).await;
    saved.unwrap();
    let name = asked.news().reference.clone();
    let found: Result<_, StoreError> =
        db.store.read(name, |tx, name| Box::pin(dispute::by_reference(tx, name))).await;
    assert_eq!(found.unwrap(), Some(taken));
}
