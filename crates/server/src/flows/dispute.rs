//! Disputes, as Stripe tells of them. An event only hints that one has moved: it is read again, and
//! taken in by [`apply_all`] in the transaction that marks the event as applied. The order stays as
//! it is; a person is called where she can do something, or must know.
//!
//! Nothing is asked of Stripe here but how things stand, so whatever dies, the event is still due.

use domain::{
    dispute::{Dispute, DisputeConsequence, DisputeNews, DisputeState},
    event::GatewayReference,
    id::{DisputeId, OrderId},
    order::Order,
    refund::{Refund, RefundRefused, decide_refund},
};
use gateways::{GatewayError, stripe::account::Readable};
use jiff::{Timestamp, tz::TimeZone};
use storage::{StoreError, Tx, dispute, history, refund};
use uuid::Uuid;

use super::{
    FlowError,
    apply::{self, Standing},
    ask::unanswered,
    tell::{self, Via},
};
use crate::context::Context;

/// News of a dispute, with the id of the row, and of the item for a person, that it may cause.
#[derive(Debug, Clone)]
pub struct Told {
    news: DisputeNews,
    id: Uuid,
}

/// How a dispute stands now.
pub async fn look(cx: &Context, reference: &GatewayReference) -> Result<Vec<Told>, FlowError> {
    let news = cx.stripe.retrieve_dispute(reference).await;
    let news = news.map_err(|error| unread(error, &format!("dispute {reference}")))?;
    Ok(told(cx, news))
}

/// A key that may not read disputes is told apart: what is missed is money.
fn unread(error: GatewayError, what: &str) -> FlowError {
    match error {
        GatewayError::Refused(no) if no.is_operator_fault() => {
            let permission = Readable::Disputes.permission();
            let why = format!("{no}; to read the {what} the key needs \"{permission}\"");
            FlowError::GatewayRefusesUs(why)
        }
        error => unanswered(error),
    }
}

/// Reads all disputes of a payment into our books.
pub async fn sync(
    cx: &Context,
    order: OrderId,
    payment: &GatewayReference,
) -> Result<(), FlowError> {
    let news = cx.stripe.list_disputes(payment).await;
    let mut news = news.map_err(|error| unread(error, &format!("disputes of {payment}")))?;
    // The list is newest first; our books are told in the order in which it happened.
    news.reverse();
    let input = (order, told(cx, news), cx.clock.now());
    let write = cx.store.write(input, |tx, (order, told, now)| {
        Box::pin(apply_all(tx, *order, told, &Via::Answer, *now))
    });
    write.await.map_err(|error: StoreError| error.into())
}

fn told(cx: &Context, news: impl IntoIterator<Item = DisputeNews>) -> Vec<Told> {
    news.into_iter().map(|news| Told { news, id: cx.ids.next() }).collect()
}

/// Takes in what Stripe says of disputes of an order.
pub async fn apply_all(
    tx: &mut Tx,
    order: OrderId,
    told: &[Told],
    via: &Via,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(Standing { order, .. }) = apply::lock(tx, order).await? else { return Ok(()) };
    let mut moved = false;
    for told in told {
        moved |= apply(tx, &order, told, via, now).await?;
    }
    match via.unchanged(order.id, "nothing new.", now) {
        Some(entry) if !moved => history::note(tx, &entry).await,
        Some(_) | None => Ok(()),
    }
}

/// One dispute, as Stripe says it stands. Says whether that was new.
async fn apply(
    tx: &mut Tx,
    order: &Order,
    Told { news, id }: &Told,
    via: &Via,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let known = dispute::by_reference(tx, &news.reference).await?;
    let (after, consequence) = match known.clone() {
        Some(before) => before.hear(news.clone()),
        None => Dispute::open(DisputeId(*id), order.id, news.clone()),
    };
    let moved = known.as_ref() != Some(&after);
    let (reference, state) = (&news.reference, after.state().name());
    if moved {
        match known {
            Some(_) => dispute::save(tx, &after, now).await?,
            None => dispute::insert(tx, &after, now).await.map(drop)?,
        }
        history::note(tx, &tell::dispute_moved(via, &after, now)).await?;
        tracing::info!(order = %order.id, dispute = %reference, state, "dispute moved");
    }
    let (kind, sentence) = match consequence {
        DisputeConsequence::Nothing => return Ok(moved),
        DisputeConsequence::CallPerson => (format!("dispute_{state}"), sentence(after.news())),
        DisputeConsequence::Contradiction => {
            let sentence = format!(
                "Stripe reports the dispute {reference} as lost that it had reported as won. \
                 Compare it there."
            );
            ("dispute_contradiction".to_owned(), sentence)
        }
    };
    apply::raise(tx, order, (&kind, reference.as_str()), sentence, (*id, now)).await?;
    Ok(moved)
}

/// What a person reads: how much, why, and what to do by when.
fn sentence(news: &DisputeNews) -> String {
    let DisputeNews { reference, payment, reason, .. } = news;
    let what = format!("{} of {payment} ({reference}, {reason})", news.amount);
    let by = match news.respond_by {
        Some(at) => format!(" by {}", at.to_zoned(TimeZone::UTC).strftime("%F %H:%M UTC")),
        None => String::new(),
    };
    match news.state {
        DisputeState::Inquiry => format!(
            "The shopper's bank asks about {what}; it has taken nothing. Answer at Stripe{by}, or \
             give all of it back, which ends the question."
        ),
        DisputeState::InquiryUnderReview => format!(
            "The shopper's bank asks about {what} and has an answer; it has taken nothing. Giving \
             all of it back ends the question."
        ),
        DisputeState::InquiryClosed => format!("The bank asks no more about {what}."),
        DisputeState::InquiryLost => format!(
            "The question of the shopper's bank about {what} was given in to, and the bank has \
             taken nothing: give the money back if it is owed."
        ),
        DisputeState::NeedsResponse => format!(
            "The shopper disputes {what}, and her bank has taken the money. Send evidence at \
             Stripe{by}, or accept it there; do not give the money back beside it."
        ),
        DisputeState::UnderReview => format!(
            "The shopper disputes {what}, and her bank has taken the money and reads the evidence. \
             Wait for its decision; do not give the money back beside it."
        ),
        DisputeState::Won => format!("The dispute about {what} is won: the money is back."),
        DisputeState::Lost => format!(
            "The dispute about {what} is lost: the bank has given the money to the shopper. Do not \
             give it back beside that."
        ),
        DisputeState::Prevented => format!(
            "The card network has given the shopper {what} before there was a dispute. Do not give \
             it back beside that."
        ),
    }
}

/// The bank that issued the card reports a payment as fraud. Money that is given back before the
/// shopper disputes it costs no fee, so a person is asked to, if there is any to give back.
pub async fn warn(
    tx: &mut Tx,
    order: OrderId,
    reference: &GatewayReference,
    via: &Via,
    (id, now): (Uuid, Timestamp),
) -> Result<(), StoreError> {
    let Some(Standing { order, payment }) = apply::lock(tx, order).await? else { return Ok(()) };
    let why = "the bank that issued the card reports the payment as fraud.";
    if let Some(entry) = via.unchanged(order.id, why, now) {
        history::note(tx, &entry).await?;
    }
    if payment.payment.reference() != Some(reference) {
        // What a stray brought goes back anyway.
        return Ok(());
    }
    let refunds = refund::of_order(tx, order.id).await?;
    let refunds: Vec<Refund> = refunds.into_iter().map(|stored| stored.refund).collect();
    let disputes = dispute::of_order(tx, order.id).await?;
    match decide_refund(&payment.payment, &refunds, &disputes, None) {
        Err(RefundRefused::AlreadyRefunded { .. } | RefundRefused::Disputed { .. }) => {
            return Ok(());
        }
        // The warning may be faster than the news that the payment has succeeded.
        Ok(_)
        | Err(
            RefundRefused::NothingPaid
            | RefundRefused::MoreThanLeft { .. }
            | RefundRefused::Nothing
            | RefundRefused::NoReference
            | RefundRefused::Amount(_),
        ) => {}
    }
    let sentence = format!(
        "The bank that issued the card reports {reference} as fraud, and a dispute may follow. \
         Before anything is sent, consider giving the money back: till orders refund {}",
        order.id
    );
    apply::raise(tx, &order, ("fraud_warning", reference.as_str()), sentence, (id, now)).await
}
