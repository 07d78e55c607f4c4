//! Disputes, which only Stripe can open: those of our payments and of strays that our books do not
//! have as they stand there are read into them, and whoever must act is called as if the event had
//! come.

use domain::{
    books::{Difference, Remedy},
    dispute::Dispute,
    event::GatewayReference,
    id::OrderId,
};
use gateways::stripe::books::{DisputeEntry, Span};
use storage::{StoreError, dispute};

use super::{Hands, Outcome, Period, Run, Suspect, known_order, patiently, settle::mend};
use crate::{
    context::Context,
    flows::{
        FlowError,
        call_person::{Matter, call_if_stuck},
    },
};

impl Run<'_> {
    /// A key that may not read disputes does not keep the rest of the books from being compared.
    pub(super) async fn compare_disputes(&mut self, slice: Period) -> Result<(), FlowError> {
        match (self.disputes_there(slice).await, self.hands) {
            (Err(error @ FlowError::GatewayRefusesUs(_)), Hands::Mend) => {
                let subject = "books".to_owned();
                let matter = Matter { order: None, kind: "disputes_stuck", subject };
                call_if_stuck(self.cx, matter, self.cx.clock.now(), &error).await?;
                Ok(())
            }
            (compared, _) => compared,
        }
    }

    async fn disputes_there(&mut self, slice: Period) -> Result<(), FlowError> {
        let span = Span { from: slice.from, to: slice.to };
        let mut behind = None;
        loop {
            let stripe = &self.cx.stripe;
            let page = patiently(|| stripe.disputes_made(span, behind.as_ref())).await?;
            for entry in page.entries {
                self.compare_dispute(entry).await?;
            }
            behind = page.next;
            if behind.is_none() {
                return Ok(());
            }
        }
    }

    async fn compare_dispute(&mut self, entry: DisputeEntry) -> Result<(), FlowError> {
        let Some(payment) = entry.payment else { return Ok(()) };
        let Some((order, known)) = find(self.cx, &payment, entry.reference).await? else {
            return Ok(());
        };
        let known = known.map(|known| known.news().clone());
        if known.is_some() && entry.news.is_ok_and(|news| news == known) {
            return Ok(());
        }
        let suspect = Suspect { payment, refund: None, order: Some(order) };
        let outcome = match self.hands {
            Hands::Mend => {
                mend(self.cx, &suspect, order, Remedy::TakeInDisputes).await?;
                Outcome::Mended
            }
            Hands::Still => Outcome::NotTouched,
        };
        self.found(&suspect, Difference::Dispute, outcome);
        Ok(())
    }
}

/// The order that a disputed payment is for, and the dispute as we have it.
async fn find(
    cx: &Context,
    payment: &GatewayReference,
    dispute: GatewayReference,
) -> Result<Option<(OrderId, Option<Dispute>)>, StoreError> {
    let read = cx.store.read((payment.clone(), dispute), |tx, (payment, dispute)| {
        Box::pin(async move {
            let order = known_order(tx, payment).await?;
            let Some(order) = order else { return Ok(None) };
            Ok(Some((order, dispute::by_reference(tx, dispute).await?)))
        })
    });
    read.await
}
