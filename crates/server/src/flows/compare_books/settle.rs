//! What looks different in the lists is read again by itself, Stripe first and we after it. What is
//! still different is ended by the flow that ends such a thing, and read once more.

use std::{collections::HashMap, time::Duration};

use domain::{
    books::{Difference, Remedy, is_given_back},
    event::{EventId, GatewayReference, Report},
    id::OrderId,
    payment::{Discrepancy, PaymentState},
};
use gateways::stripe::{
    CancelReason,
    books::{PaymentEntry, RefundEntry},
};
use jiff::Timestamp;
use storage::inbox::{self, Source, Turn};

use super::{
    Hands, Known, Outcome, Run, Suspect, YOUNG, is_here, judge_payment, judge_refund, load_all,
    needs_event, patiently, refund_of, sentence,
};
use crate::{
    context::{Context, after},
    flows::{
        FlowError, ask,
        call_person::{Matter, call_person},
        dispute, receive_event, refund,
        tell::Via,
    },
};

/// For so long Stripe has an event.
const EVENTS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Both sides of a suspect, read by themselves.
enum Look {
    Payment { theirs: Option<PaymentEntry>, ours: Option<Known> },
    Refund { theirs: Option<RefundEntry>, ours: Option<Known> },
}

impl Look {
    /// When Stripe made it.
    fn made_at(&self) -> Option<Timestamp> {
        match self {
            Self::Payment { theirs, .. } => theirs.as_ref().map(|entry| entry.made_at),
            Self::Refund { theirs, .. } => theirs.as_ref().map(|entry| entry.made_at),
        }
    }

    fn known(&self) -> Option<&Known> {
        match self {
            Self::Payment { ours, .. } | Self::Refund { ours, .. } => ours.as_ref(),
        }
    }

    /// Whether it still moves: just made there, just moved here, or about to be replaced.
    fn is_moving(&self, now: Timestamp) -> bool {
        let is_young = |at: Timestamp| after(at, YOUNG) > now;
        let moved = |known: &Known| {
            is_young(known.stored.updated_at) || known.stored.held_until.is_some_and(|at| at > now)
        };
        let payment_moves = match self {
            Self::Payment { ours, .. } => ours.as_ref().is_some_and(moved),
            Self::Refund { .. } => false,
        };
        payment_moves || self.made_at().is_some_and(is_young)
    }
}

impl Run<'_> {
    pub(super) async fn settle(&mut self, suspects: Vec<Suspect>) -> Result<(), FlowError> {
        let mut differing = Vec::new();
        for suspect in suspects {
            let look = read_again(self.cx, &suspect).await?;
            if self.is_in_another_slice(&suspect, &look) {
                continue;
            }
            match judge(self.cx, &suspect, &look).await? {
                None => self.count(&suspect, &look)?,
                Some(difference) => differing.push((suspect, look, difference)),
            }
        }
        let now = self.cx.clock.now();
        let unproven = differing
            .iter()
            .filter(|(_, look, difference)| needs_event(*difference) && !look.is_moving(now))
            .filter_map(|(suspect, look, _)| Some((suspect.payment.clone(), look.made_at()?)))
            .collect();
        let events = match self.hands {
            Hands::Mend => fetch_events(self.cx, unproven).await?,
            Hands::Still => HashMap::new(),
        };
        for (suspect, look, difference) in differing {
            let event = events.get(&suspect.payment);
            let (look, outcome) = self.end(&suspect, look, difference, event).await?;
            self.count(&suspect, &look)?;
            self.found(&suspect, difference, outcome);
        }
        Ok(())
    }

    /// Whether Stripe lists it in another slice of the period, where it is compared.
    fn is_in_another_slice(&self, suspect: &Suspect, look: &Look) -> bool {
        let listed = |at: Timestamp| self.period.from <= at && at < self.period.to;
        let name = suspect.refund.as_ref().unwrap_or(&suspect.payment);
        look.made_at().is_some_and(listed) && !self.seen.contains(name)
    }

    fn count(&mut self, suspect: &Suspect, look: &Look) -> Result<(), FlowError> {
        match look {
            Look::Payment { theirs, ours } => {
                self.sums.count_payment(theirs.as_ref(), ours.as_ref())?;
            }
            Look::Refund { theirs, ours } => {
                let ours = ours.as_ref();
                let ours = ours.and_then(|known| our_refund(suspect, theirs.as_ref(), known));
                self.sums.count_refund(theirs.as_ref(), ours)?;
            }
        }
        Ok(())
    }

    /// Ends a difference, if that can be done and is to be done.
    async fn end(
        &mut self,
        suspect: &Suspect,
        look: Look,
        difference: Difference,
        event: Option<&EventId>,
    ) -> Result<(Look, Outcome), FlowError> {
        let remedy = difference.remedy();
        if look.is_moving(self.cx.clock.now()) || remedy == Remedy::Wait {
            return Ok((look, Outcome::UnderWay));
        }
        if self.hands == Hands::Still {
            let is_for_person = remedy == Remedy::Person;
            let outcome = if is_for_person { Outcome::NeedsPerson } else { Outcome::NotTouched };
            return Ok((look, outcome));
        }
        if let Some(known) = look.known() {
            mend(self.cx, suspect, known.order.id, remedy).await?;
        }
        let look = read_again(self.cx, suspect).await?;
        let Some(left) = judge(self.cx, suspect, &look).await? else {
            return Ok((look, Outcome::Mended));
        };
        if left.remedy() == Remedy::Wait || is_on_its_way(self.cx, left, &look, event).await? {
            return Ok((look, Outcome::UnderWay));
        }
        let subject = suspect.refund.as_ref().unwrap_or(&suspect.payment).to_string();
        let order = look.known().map(|known| known.order.id);
        let kind = match left {
            // As the event of such a payment raises it.
            Difference::Discrepancy(_) => "discrepancy",
            other => other.name(),
        };
        call_person(self.cx, Matter { order, kind, subject }, sentence(suspect, left)).await?;
        Ok((look, Outcome::NeedsPerson))
    }
}

/// Stripe first, then we.
async fn read_again(cx: &Context, suspect: &Suspect) -> Result<Look, FlowError> {
    let Suspect { payment, refund, order } = suspect;
    let stripe = &cx.stripe;
    let names = || vec![(payment.clone(), *order)];
    Ok(match refund {
        None => {
            let theirs = patiently(|| stripe.payment_entry(payment)).await?;
            Look::Payment { theirs, ours: load_all(cx, names()).await?.pop().flatten() }
        }
        Some(refund) => {
            let theirs = patiently(|| stripe.refund_entry(refund)).await?;
            Look::Refund { theirs, ours: load_all(cx, names()).await?.pop().flatten() }
        }
    })
}

async fn judge(
    cx: &Context,
    suspect: &Suspect,
    look: &Look,
) -> Result<Option<Difference>, FlowError> {
    match look {
        Look::Payment { theirs, ours } => {
            let difference = judge_payment(theirs.as_ref(), ours.as_ref());
            let second = Difference::Discrepancy(Discrepancy::Reference);
            let news = theirs.as_ref().and_then(|entry| entry.news.as_ref().ok());
            match (difference, news.map(|news| &news.report)) {
                // A second payment is settled when all of it has gone back.
                (Some(found), Some(Report::Succeeded { received })) if found == second => {
                    let stripe = &cx.stripe;
                    let refunds = patiently(|| stripe.list_refunds(&suspect.payment)).await?;
                    Ok(difference.filter(|_| !is_given_back(*received, &refunds)))
                }
                (Some(Difference::NoOrderHere), _) if is_here(cx, suspect.order).await? => {
                    Ok(Some(Difference::NothingToPay))
                }
                (difference, _) => Ok(difference),
            }
        }
        Look::Refund { theirs, ours } => Ok(judge_refund(
            theirs.as_ref(),
            ours.as_ref().and_then(|known| our_refund(suspect, theirs.as_ref(), known)),
        )),
    }
}

fn our_refund<'k>(
    suspect: &Suspect,
    theirs: Option<&RefundEntry>,
    known: &'k Known,
) -> Option<&'k domain::refund::Refund> {
    match theirs {
        Some(entry) => refund_of(entry, known),
        None => known.refunds.iter().find(|one| one.reference() == suspect.refund.as_ref()),
    }
}

pub(super) async fn mend(
    cx: &Context,
    suspect: &Suspect,
    order: OrderId,
    remedy: Remedy,
) -> Result<(), FlowError> {
    match remedy {
        // The event has been fetched, if there is one; here the payment learns that the money
        // is there, so that the worker looks after it too.
        Remedy::FetchEvent | Remedy::Hear => {
            ask::look_up(cx, order, &suspect.payment).await?;
        }
        Remedy::Cancel => {
            let standing = ask::look_up(cx, order, &suspect.payment).await?;
            ask::cancel(cx, &standing, CancelReason::Abandoned, Via::Answer).await?;
        }
        Remedy::TakeInRefunds => refund::sync(cx, order, &suspect.payment).await?,
        Remedy::TakeInDisputes => dispute::sync(cx, order, &suspect.payment).await?,
        Remedy::Wait | Remedy::Person => {}
    }
    Ok(())
}

/// Whether the proof is here and about to be applied, or may still come.
async fn is_on_its_way(
    cx: &Context,
    difference: Difference,
    look: &Look,
    event: Option<&EventId>,
) -> Result<bool, FlowError> {
    if !needs_event(difference) {
        return Ok(false);
    }
    if let Some(event) = event {
        let read = cx.store.read(event.clone(), |tx, id| Box::pin(inbox::load(tx, id)));
        let stored = read.await.map_err(FlowError::Store)?;
        return Ok(stored.is_some_and(|stored| stored.applied_at.is_none()));
    }
    // The worker waits for it, and calls a person when it is overdue.
    let now = cx.clock.now();
    let may_exist = look.made_at().is_some_and(|at| after(at, EVENTS_KEPT) > now);
    let is_awaited = look.known().is_some_and(|known| {
        matches!(known.stored.payment.state(), PaymentState::Answered)
            && after(known.stored.updated_at, YOUNG) > now
    });
    Ok(may_exist && is_awaited)
}

/// Fetches the events that prove these successes, as far as Stripe still has them, into the inbox,
/// and applies them from there like any others.
async fn fetch_events(
    cx: &Context,
    unproven: Vec<(GatewayReference, Timestamp)>,
) -> Result<HashMap<GatewayReference, EventId>, FlowError> {
    let mut found = HashMap::new();
    let Some(since) = unproven.iter().map(|(_, made_at)| *made_at).min() else { return Ok(found) };
    let mut behind = None;
    // Ends: Stripe keeps the events of thirty days, and each page lies further back.
    while found.len() < unproven.len() {
        let page = patiently(|| cx.stripe.successes(since, behind.as_ref())).await?;
        let mut proofs = Vec::new();
        for event in page.events {
            let Ok(read) = event.read() else { continue };
            let wanted = read.object.filter(|id| unproven.iter().any(|(one, _)| one == id));
            if let Some(payment) = wanted {
                found.insert(payment, read.id);
                proofs.push(event);
            }
        }
        receive_event::receive(cx, &proofs, Source::Poll).await?;
        behind = page.next;
        if behind.is_none() {
            break;
        }
    }
    while receive_event::apply_due(cx, Turn::First).await? > 0 {}
    Ok(found)
}
