//! Calling a person: what no rule can settle, or what has failed for too long, becomes an item with
//! a sentence that says why and what to do. The same matter is raised once, and closed when a person
//! has dealt with it; work that fails on, or again, opens its matter again.

use std::time::Duration;

use domain::id::OrderId;
use jiff::Timestamp;
use storage::{Store, StoreError, Tx, attention, history, order};
use uuid::Uuid;

use super::{FlowError, tell};
use crate::context::{Base, after};

/// Work that keeps failing for so long is not mended by trying again.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// What it is about.
#[derive(Debug)]
pub struct Matter {
    /// The order, where there is one.
    pub order: Option<OrderId>,
    /// What sort of matter, such as `event_stuck`.
    pub kind: &'static str,
    /// What identifies it: raised once.
    pub subject: String,
}

/// Raises a matter, once.
pub async fn call_person(base: &Base, matter: Matter, sentence: String) -> Result<(), StoreError> {
    let item = item(base, matter, sentence);
    let raised = base.store.write(item.clone(), |tx, item| {
        Box::pin(async move {
            lock(tx, item).await?;
            let raised = attention::raise(tx, item).await?;
            note(tx, item, raised).await
        })
    });
    log(&item, raised.await?);
    Ok(())
}

/// Raises a matter that goes on by itself: again, where a person has closed it since.
pub async fn call_again(base: &Base, matter: Matter, sentence: String) -> Result<(), StoreError> {
    let item = item(base, matter, sentence);
    let raised = base.store.write(item.clone(), |tx, item| {
        Box::pin(async move {
            lock(tx, item).await?;
            let raised = attention::raise_again(tx, item).await?;
            note(tx, item, raised).await
        })
    });
    log(&item, raised.await?);
    Ok(())
}

fn item(base: &Base, matter: Matter, sentence: String) -> attention::NewItem {
    let Matter { order, kind, subject } = matter;
    let (id, at, kind) = (base.ids.next(), base.clock.now(), kind.to_owned());
    attention::NewItem { id, order, kind, subject, sentence, at }
}

fn log(item: &attention::NewItem, raised: bool) {
    if raised {
        tracing::warn!(
            kind = item.kind,
            subject = item.subject,
            sentence = item.sentence,
            "needs attention"
        );
    }
}

async fn lock(tx: &mut Tx, item: &attention::NewItem) -> Result<(), StoreError> {
    match item.order {
        Some(order) => order::lock(tx, order).await.map(drop),
        None => Ok(()),
    }
}

/// Has the order's history tell it, where it was raised.
async fn note(tx: &mut Tx, item: &attention::NewItem, raised: bool) -> Result<bool, StoreError> {
    if let Some(order) = item.order.filter(|_| raised) {
        history::note(tx, &tell::raised(order, &item.sentence, item.at)).await?;
    }
    Ok(raised)
}

/// A person has dealt with an item. `None`: there is no such item; else whether it was open.
pub async fn resolve(
    store: &Store,
    id: Uuid,
    note: Option<String>,
    at: Timestamp,
) -> Result<Option<bool>, StoreError> {
    store
        .write((id, note, at), |tx, (id, note, at)| {
            Box::pin(async move {
                let Some(item) = attention::by_id(tx, *id).await? else { return Ok(None) };
                if let Some(order) = item.order {
                    order::lock(tx, order).await?;
                }
                let resolved = attention::resolve(tx, *id, *at).await?;
                if let Some(order) = item.order.filter(|_| resolved) {
                    history::note(tx, &tell::resolved(order, &item, note.as_deref(), *at)).await?;
                }
                Ok(Some(resolved))
            })
        })
        .await
}

/// Raises a matter of work that has failed since `since`, if that is long enough ago, or if the
/// gateway refuses to work with us, which never mends itself.
pub async fn call_if_stuck(
    base: &Base,
    matter: Matter,
    since: Timestamp,
    error: &FlowError,
) -> Result<(), StoreError> {
    let refused = matches!(error, FlowError::GatewayRefusesUs(_));
    if !refused && after(since, PATIENCE) > base.clock.now() {
        return Ok(());
    }
    let advice = match error {
        FlowError::GatewayRefusesUs(_) => {
            "Check the Stripe key: its account, its mode, and what it may do."
        }
        FlowError::NoSuchProduct
        | FlowError::NoSuchLine
        | FlowError::Platform(_)
        | FlowError::NoSuchOrder
        | FlowError::Cart(_)
        | FlowError::Refused(_)
        | FlowError::AmountTooSmall
        | FlowError::Conflict { .. }
        | FlowError::CartBeingPaid
        | FlowError::NotCancellable { .. }
        | FlowError::PaymentUnknown
        | FlowError::TooOften { .. }
        | FlowError::TooManyPieces { .. }
        | FlowError::ChallengeRequired(_)
        | FlowError::Declined { .. }
        | FlowError::AuthRequired
        | FlowError::ContactRefused { .. }
        | FlowError::NotAsSeen
        | FlowError::Session(_)
        | FlowError::SignInRefused
        | FlowError::NobodySignedIn
        | FlowError::PasswordNeeded
        | FlowError::LinkOver
        | FlowError::NoSuchAddress
        | FlowError::TooManyAddresses
        | FlowError::Store(_)
        | FlowError::Broken(_) => "It is tried again every five minutes; look at the log for more.",
    };
    let sentence = format!("It could not be worked off: {error}. {advice}");
    call_again(base, matter, sentence).await
}
