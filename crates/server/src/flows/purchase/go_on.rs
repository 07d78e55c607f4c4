//! The one loop that drives a purchase, for the shopper's request, for her second click, and for the
//! worker that finds it after a crash. It asks [`Purchase::next`], writes down what is about to be
//! asked for, puts that one question, and writes down what came of it; no transaction is open
//! meanwhile. A purchase is moved only from where it was seen, so of two drivers one puts the
//! question, and the other rests.

use std::time::Duration;

use domain::{
    purchase::{
        Abandonment, Aim, ChargeNews, Matter, Purchase, PurchaseState, Settlement, Step, StepError,
    },
    session::{Rate, Standing},
};
use gateways::elastic_path::{Admin, Caller, EpError, Sequence};
use jiff::Timestamp;
use storage::{StoreError, Tx, attention, purchase::Stored};
use tokio::time::timeout;

use super::{
    ask, cart, clean_up, closing, load, old_payment,
    record::{person, record},
};
use crate::{context::Px, flows::FlowError};

/// More steps than any purchase takes at a stretch.
const STEPS_MAX: u32 = 40;

/// The cart is ready so soon, or the purchase is given up. Well before anybody else may give it up
/// and begin another, whose cart this one would go on changing.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// With what a purchase is driven.
pub(super) struct Drive {
    /// The shop's own right to ask, for this one request or job.
    pub admin: Admin,
    /// There is room for the charge and what follows it.
    pub sequence: Option<Sequence>,
    /// What the cart still needs; only who began the purchase knows.
    pub prepared: Option<Prepared>,
}

/// What a cart needs before it is charged.
pub(super) struct Prepared {
    /// How the goods are sent; nothing where nothing is.
    pub rate: Option<Rate>,
}

/// How far a purchase is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// The shopper can be told what became of it.
    Answered,
    /// Nothing more can be done now.
    AtRest,
}

impl Drive {
    /// By somebody who did not begin it.
    pub fn of(admin: Admin) -> Self {
        Self { admin, sequence: None, prepared: None }
    }
}

/// What a driver holds.
pub(super) struct Driver<'a> {
    pub px: &'a Px,
    pub admin: Admin,
    sequence: Option<Sequence>,
    prepared: Option<Prepared>,
}

/// Drives a purchase. Answers where it stands then.
pub(super) async fn go_on(
    px: &Px,
    drive: Drive,
    mut stored: Stored,
    until: Until,
) -> Result<Stored, FlowError> {
    let Drive { admin, sequence, prepared } = drive;
    let mut driver = Driver { px, admin, sequence, prepared };
    for taken in 0..STEPS_MAX {
        if taken > 0 && until == Until::Answered && is_answered(&stored.purchase) {
            break;
        }
        // A step is most of the loop's size.
        match Box::pin(driver.step(stored.clone())).await? {
            Some(moved) => stored = moved,
            None => break,
        }
    }
    let id = stored.purchase.terms.id;
    Ok(load(px, id).await?.unwrap_or(stored))
}

/// Nothing is left that the shopper must wait for.
fn is_answered(purchase: &Purchase) -> bool {
    match purchase.standing() {
        Standing::Succeeded(_)
        | Standing::Failed { .. }
        | Standing::NotBegun
        | Standing::ActionRequired(_) => true,
        Standing::Pending { reconciling } => reconciling,
    }
}

impl Driver<'_> {
    /// Takes one step; `None` if there is nothing more to do now, or somebody else is at it.
    async fn step(&mut self, stored: Stored) -> Result<Option<Stored>, FlowError> {
        match stored.purchase.next(self.px.clock.now()) {
            Step::Wait | Step::Nothing => Ok(None),
            Step::Prepare => Box::pin(self.prepare(stored)).await,
            Step::GiveUp => {
                self.put(stored, |purchase, now| purchase.give_up(Abandonment::TooLate, now)).await
            }
            Step::FindCharge { may_repeat } => Box::pin(self.find_charge(stored, may_repeat)).await,
            Step::AskPayment(payment) => Box::pin(self.ask_payment(stored, &payment)).await,
            Step::Abandon => {
                let closing = closing(self.px);
                self.put(stored, |purchase, _| purchase.abandon(closing)).await
            }
            Step::CheckOut => Box::pin(self.check_out(stored)).await,
            Step::FindOrder { may_repeat } => Box::pin(self.find_order(stored, may_repeat)).await,
            Step::Confirm(order) => Box::pin(self.confirm(stored, &order)).await,
            Step::ReadOrder { order, may_repeat } => {
                Box::pin(self.read_order(stored, &order, may_repeat)).await
            }
            Step::Cancel(booking) => Box::pin(self.cancel(stored, &booking)).await,
            Step::CleanUp(_first) => clean_up::tidy(self, stored).await,
            Step::CallPerson(matter) => self.call_person(stored, matter).await,
        }
    }

    /// Brings the cart to what the shopper saw, and charges it.
    async fn prepare(&mut self, stored: Stored) -> Result<Option<Stored>, FlowError> {
        // Whoever else sees it so leaves it to who began it.
        let Some(prepared) = self.prepared.take() else { return Ok(None) };
        let ready = timeout(READY_WITHIN, self.make_ready(&stored.purchase, &prepared)).await;
        let obstacle = match ready {
            Ok(Ok(obstacle)) => obstacle,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a payment was not begun");
                Some(Abandonment::NotBegun)
            }
            Err(_) => {
                tracing::warn!("a payment was not begun in time");
                Some(Abandonment::NotBegun)
            }
        };
        if let Some(why) = obstacle {
            return self.put(stored, |purchase, now| purchase.give_up(why, now)).await;
        }
        if stored.purchase.terms.amount.is_zero() {
            let Some(asked) = self.put_question(stored, Purchase::order_free).await? else {
                return Ok(None);
            };
            return Box::pin(self.ask_order(asked)).await;
        }
        let Some(sequence) = self.sequence.take() else { return Ok(None) };
        let Some(asked) = self.put_question(stored, Purchase::charge).await? else {
            return Ok(None);
        };
        Box::pin(self.ask_charge(asked, &sequence)).await
    }

    /// Puts right in the cart what is the server's own: no payment of an earlier try, the shipping,
    /// the account. What stands in the way of the charge, if anything does: the cart is not what the
    /// shopper saw, or its payment stays. It is asked about before the cart is changed, for to ask
    /// may bring its amount up to the cart's.
    async fn make_ready(
        &self,
        purchase: &Purchase,
        prepared: &Prepared,
    ) -> Result<Option<Abandonment>, FlowError> {
        let (ep, caller) = (&self.px.elastic_path, Caller::Admin(&self.admin));
        let name = &purchase.terms.cart;
        let seen = ep.cart(caller, name).await?;
        if cart::hash(&seen) != purchase.terms.cart_hash {
            return Ok(Some(Abandonment::CartChanged));
        }
        if let Some(payment) = &seen.payment
            && !old_payment::take_off(self, purchase, payment).await?
        {
            return Ok(Some(Abandonment::CartHasPayment));
        }
        let noted = cart::attributes(&purchase.terms.attributes);
        if let Err(error) = ep.add_attributes(caller, &seen, &noted).await {
            tracing::warn!(%error, "the notes of the storefront are not on the cart");
        }
        let rate = prepared.rate.as_ref();
        let seen = cart::put_shipping(self.px, caller, seen, rate).await?;
        if !cart::is_as_seen(purchase, &seen) {
            return Ok(Some(Abandonment::CartChanged));
        }
        if let Some(account) = &purchase.terms.buyer.account
            && !seen.accounts.contains(&account.account)
        {
            // A cart has one account. A try of hers that was declined has left it with the one that
            // she was signed in to then.
            for other in &seen.accounts {
                ep.dissociate(caller, name, other).await?;
            }
            ep.associate(caller, name, &account.account).await?;
        }
        Ok(None)
    }

    /// Writes down what is about to be asked for. `None` if it may not be, or somebody else has moved
    /// the purchase: then nothing may be asked.
    pub async fn put(
        &self,
        mut stored: Stored,
        step: impl Fn(Purchase, Timestamp) -> Result<Purchase, StepError>,
    ) -> Result<Option<Stored>, FlowError> {
        loop {
            let Ok(after) = step(stored.purchase.clone(), self.px.clock.now()) else {
                return Ok(None);
            };
            if let Some(moved) = record(self.px, &stored, after).await? {
                return Ok(Some(moved));
            }
            match load(self.px, stored.purchase.terms.id).await? {
                // Only a claim was given back meanwhile.
                Some(now) if now.purchase == stored.purchase => stored = now,
                Some(_) | None => return Ok(None),
            }
        }
    }

    /// Writes a question down that may be put now. `None`: it may not, also where writing took so
    /// long that another driver could be looking for its answer before that can come.
    pub async fn put_question(
        &self,
        stored: Stored,
        step: impl Fn(Purchase, Timestamp) -> Result<Purchase, StepError>,
    ) -> Result<Option<Stored>, FlowError> {
        let Some(asked) = self.put(stored, step).await? else { return Ok(None) };
        if asked.purchase.may_still_ask(self.px.clock.now()) {
            return Ok(Some(asked));
        }
        self.lose(asked).await?;
        Ok(None)
    }

    /// Takes in what the platform said. `None` if that changes nothing.
    pub async fn hear(
        &self,
        mut stored: Stored,
        news: impl Fn(Purchase, Timestamp) -> Purchase,
    ) -> Result<Option<Stored>, FlowError> {
        loop {
            let after = news(stored.purchase.clone(), self.px.clock.now());
            if after == stored.purchase {
                return Ok(None);
            }
            if let Some(moved) = record(self.px, &stored, after).await? {
                return Ok(Some(moved));
            }
            match load(self.px, stored.purchase.terms.id).await? {
                Some(now) => stored = now,
                None => return Ok(None),
            }
        }
    }

    /// Takes in what became of the charge; money that moved for a purchase that is over is a matter
    /// for a person.
    pub async fn hear_charge(
        &self,
        stored: Stored,
        news: ChargeNews,
    ) -> Result<Option<Stored>, FlowError> {
        let id = stored.purchase.terms.id;
        let moved =
            self.hear(stored, |purchase, now| purchase.hear_charge(news.clone(), now)).await?;
        if moved.is_none()
            && let Some(stored) = load(self.px, id).await?
            && let Some(matter) = stored.purchase.contradiction(&news)
        {
            let item = person(&stored.purchase, matter, (self.px.ids.next(), self.px.clock.now()));
            let raise = self.px.store.write(item, |tx: &mut Tx, item| {
                Box::pin(async move { attention::raise(tx, item).await })
            });
            let _: bool = raise.await.map_err(|error: StoreError| error)?;
        }
        Ok(moved)
    }

    /// No answer will come to the question that was put last.
    pub async fn lose(&self, stored: Stored) -> Result<Option<Stored>, FlowError> {
        self.hear(stored, |purchase, _| purchase.lose_answer()).await
    }

    /// A question has no answer. One that reached nobody is put again later, as if it had not been.
    pub async fn unanswered(
        &self,
        asked: Stored,
        error: &EpError,
    ) -> Result<Option<Stored>, FlowError> {
        match error {
            EpError::NotSent(_) => {
                let Some(unsent) = self.hear(asked, Purchase::unsent).await? else {
                    return Ok(None);
                };
                // It rests here, and nobody waits for a person until it is looked at again.
                if let Step::CallPerson(matter) = unsent.purchase.next(self.px.clock.now()) {
                    self.call_person(unsent, matter).await?;
                }
                Ok(None)
            }
            EpError::Unknown(_) | EpError::Refused(_) => self.lose(asked).await,
        }
    }

    /// Takes in how the order's payment stands.
    pub async fn hear_settlement(
        &self,
        stored: Stored,
        news: Settlement,
    ) -> Result<Option<Stored>, FlowError> {
        self.hear(stored, |purchase, now| purchase.hear_settlement(news.clone(), now)).await
    }

    /// Calls a person.
    pub async fn call_person(
        &self,
        stored: Stored,
        matter: Matter,
    ) -> Result<Option<Stored>, FlowError> {
        self.hear(stored, |purchase, now| purchase.call_person(matter, now)).await
    }

    /// Room for a charge that is asked for once more.
    pub async fn sequence(&mut self) -> Option<Sequence> {
        match self.sequence.take() {
            Some(admitted) => Some(admitted),
            None => self.admin.admit(ask::CALLS_AGAIN).await.ok(),
        }
    }
}

/// Whether the purchase has a payment that its shopper gave up and that cannot be closed.
pub(super) fn is_watched(purchase: &Purchase) -> bool {
    use PurchaseState as S;
    let waits = matches!(purchase.state(), S::RequiresAction { .. } | S::Processing { .. });
    waits && purchase.aim() == Aim::WatchUntilOver
}
