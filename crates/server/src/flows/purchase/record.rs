//! A purchase's next state, and all that follows from it, in one commit.

use domain::history::Actor;
use domain::purchase::{Matter, Means, Purchase, PurchaseState, Reached};
use domain::session::Followed;
use jiff::Timestamp;
use storage::{
    StoreError, Tx,
    attention::{self, NewItem},
    platform_cart,
    purchase::{self as rows, Stored},
    purchase_history::{self, Line},
    session,
};
use uuid::Uuid;

use super::words;
use crate::context::PlatformContext;

/// A move of a purchase.
struct Move {
    before: Stored,
    after: Purchase,
    change: Uuid,
    item: Uuid,
    told: Told,
    at: Timestamp,
}

/// Who moves a purchase, and in which words, for its history.
pub(super) struct Told {
    /// Who.
    pub actor: Actor,
    /// What happened.
    pub sentence: String,
}

/// Moves a purchase from where it was seen. `None`, and nothing written, if somebody else has moved
/// it since. To give a claim back, hand in the same again.
pub(super) async fn record(
    px: &PlatformContext,
    before: &Stored,
    after: Purchase,
) -> Result<Option<Stored>, StoreError> {
    let told = Told { actor: Actor::Till, sentence: words::for_history(&after) };
    record_as(px, before, after, told).await
}

/// The same, where a person does it.
pub(super) async fn record_as(
    px: &PlatformContext,
    before: &Stored,
    after: Purchase,
    told: Told,
) -> Result<Option<Stored>, StoreError> {
    let (id, from, to) = (after.terms.id, before.purchase.state().name(), after.state().name());
    let (change, item, at) = (px.ids.next(), px.ids.next(), px.clock.now());
    let input = Move { before: before.clone(), after, change, item, told, at };
    let moved = Box::pin(px.store.write(input, |tx, step| Box::pin(write(tx, step)))).await?;
    if moved.is_some() && from != to {
        tracing::info!(purchase = %id, from, to, "purchase");
    }
    Ok(moved)
}

async fn write(tx: &mut Tx, step: &Move) -> Result<Option<Stored>, StoreError> {
    let Move { before, after, change, item, told, at } = step;
    if !rows::transition(tx, before, after, *change, *at).await? {
        return Ok(None);
    }
    show(tx, after, *at).await?;
    if before.purchase.state().name() != after.state().name() {
        let (position, sentence) = (before.revision + 1, told.sentence.clone());
        let line = Line { position, at: *at, actor: told.actor, sentence };
        purchase_history::note(tx, after.terms.id, &line).await?;
    }
    if before.purchase.state() != after.state() {
        // A matter that has come right, or that a person has settled, is closed.
        if let Some(matter) = matter_of(&before.purchase) {
            let subject = subject(&before.purchase);
            attention::resolve_matter(tx, &kind(matter), &subject, *at).await?;
        }
        if let Some(matter) = matter_of(after) {
            attention::raise_again(tx, &person(after, matter, (*item, *at))).await?;
        }
    }
    if let PurchaseState::Confirmed { .. } = after.state() {
        platform_cart::forget(tx, after.terms.visitor, &after.terms.cart).await?;
    }
    rows::by_id(tx, after.terms.id).await
}

/// Shows a purchase to the sessions that follow it.
pub(super) async fn show(
    tx: &mut Tx,
    purchase: &Purchase,
    at: Timestamp,
) -> Result<(), StoreError> {
    let followed = Followed::Purchase(purchase.terms.id);
    for session in session::lock_following(tx, followed).await? {
        let standing = purchase.standing_for(session.visitor);
        let shown = session.clone().show(followed, standing, purchase.terms.cart_hash, at);
        if shown != session {
            session::save(tx, &shown, at).await?;
        }
    }
    Ok(())
}

fn matter_of(purchase: &Purchase) -> Option<Matter> {
    let PurchaseState::NeedsReconciliation { matter, .. } = purchase.state() else { return None };
    Some(*matter)
}

/// What an operator is shown of a purchase that no rule can settle.
pub(super) fn person(purchase: &Purchase, matter: Matter, (id, at): (Uuid, Timestamp)) -> NewItem {
    let terms = &purchase.terms;
    let (amount, currency) = (terms.amount.major(), terms.amount.currency().code());
    let (mut reached, mut end) = (String::new(), String::new());
    if let PurchaseState::NeedsReconciliation { reached: there, .. } = purchase.state() {
        reached = names(there);
        end = format!(
            " Then end it with `till purchases settle {} --paid ORDER`, `--not-paid` or `--refunded`.",
            terms.id
        );
    }
    let sentence = format!(
        "{}{end} (Purchase {}, cart {}, {amount} {currency}{reached}.)",
        matter.sentence(),
        terms.id,
        terms.cart
    );
    NewItem { id, order: None, kind: kind(matter), subject: subject(purchase), sentence, at }
}

fn kind(matter: Matter) -> String {
    format!("purchase_{}", matter.name())
}

/// The same matter of a purchase is another one when it comes up again.
fn subject(purchase: &Purchase) -> String {
    format!("{} {}", purchase.terms.id, purchase.progress().since)
}

/// The platform's names for what a purchase has reached.
fn names(reached: &Reached) -> String {
    let paid_by = |means: &Means| match means {
        Means::Payment(payment) => format!(", payment {payment}"),
        Means::Free => String::new(),
    };
    match reached {
        Reached::Nothing => String::new(),
        Reached::Means(means) => paid_by(means),
        Reached::Order(means, order) => format!("{}, order {order}", paid_by(means)),
    }
}
