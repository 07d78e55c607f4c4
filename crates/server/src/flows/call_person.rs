//! Calling a person: what no rule can settle, or what has failed for too long, becomes an item with
//! a sentence that says why and what to do. The same matter is raised once, and closed when a person
//! has dealt with it.

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

/// Raises a matter.
pub async fn call_person(base: &Base, matter: Matter, sentence: String) -> Result<(), StoreError> {
    let Matter { order, kind, subject } = matter;
    let (id, at) = (base.ids.next(), base.clock.now());
    let kind = kind.to_owned();
    let item = attention::NewItem { id, order, kind, subject, sentence, at };
    let raised = base.store.write(item.clone(), |tx, item| Box::pin(raise(tx, item))).await?;
    if raised {
        tracing::warn!(
            kind = item.kind,
            subject = item.subject,
            sentence = item.sentence,
            "needs attention"
        );
    }
    Ok(())
}

async fn raise(tx: &mut Tx, item: &attention::NewItem) -> Result<bool, StoreError> {
    let Some(order) = item.order else { return attention::raise(tx, item).await };
    order::lock(tx, order).await?;
    let raised = attention::raise(tx, item).await?;
    if raised {
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
        | FlowError::Store(_)
        | FlowError::Broken(_) => "It is tried again every five minutes; look at the log for more.",
    };
    let sentence = format!("It could not be worked off: {error}. {advice}");
    call_person(base, matter, sentence).await
}
