//! Paying a cart at Elastic Path. [`pay`] writes the purchase down, which takes the cart, and drives
//! it as far as it goes; whoever comes while it is under way waits for its answer and gets the same.
//! What the process does not live to see, the worker finds ([`work_due`]) and drives on by the same
//! rules ([`go_on`]).

use std::time::Duration;

use domain::{
    id::{PurchaseId, SessionId, VisitorId},
    purchase::{Abandonment, Account, Closing, PayToken, Purchase, PurchaseState, Step},
    session::{CheckoutSession, Followed, SeenTotal, SessionCart, SessionState, Standing},
};
use gateways::elastic_path::{Busy, EpError};
use storage::{
    StoreError,
    purchase::{self as rows, Stored},
    session,
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{AT_ONCE, FlowError, session::SessionError, side_by_side};
use crate::context::Px;

mod ask;
mod begin;
pub mod cart;
mod clean_up;
mod go_on;
mod old_payment;
mod record;
pub mod settle;
mod words;

use begin::Begun;
use go_on::{Drive, Until};

/// What stands after so long is the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How often whoever waits for another's purchase looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// So many purchases are looked through for those that a person must know of, which takes no call.
const PERSONS_AT_ONCE: u32 = 200;

/// A shopper pays.
#[derive(Debug, Clone)]
pub struct Pay {
    /// Who.
    pub visitor: VisitorId,
    /// Her session.
    pub session: SessionId,
    /// What her page showed her that it costs.
    pub seen: SeenTotal,
    /// What her browser made of her card; needed unless there is nothing to pay.
    pub token: Option<PayToken>,
    /// Her account at the platform, if she is signed in there.
    pub account: Option<Account>,
}

/// How a session stands after a step of its shopper's.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The session.
    pub session: CheckoutSession,
    /// The gateway's name of the payment that it follows, where there is one.
    pub payment: Option<String>,
    word: Option<&'static str>,
}

impl Answer {
    /// A session, and the purchase that it follows or that was its cart's last. Another visitor's is
    /// not spoken of.
    pub fn of(session: CheckoutSession, purchase: Option<&Purchase>) -> Self {
        let hers = purchase.filter(|purchase| purchase.terms.visitor == session.visitor);
        let followed = hers
            .filter(|hers| session.followed() == Some(Followed::Purchase(hers.terms.id)))
            .and_then(Purchase::payment);
        let payment = followed.map(ToString::to_string);
        Self { word: hers.and_then(words::for_shopper), payment, session }
    }

    /// A session that follows a payment of this name, or none.
    pub fn of_payment(session: CheckoutSession, payment: Option<String>) -> Self {
        Self { session, payment, word: None }
    }

    /// What the shopper must know: why her payment failed, that a person looks at it, or why she
    /// cannot pay in another way yet.
    pub fn sentence(&self) -> Option<&str> {
        match (self.word, self.session.state()) {
            (Some(word), _) => Some(word),
            (None, SessionState::Open { failed: Some(failed) }) => Some(&failed.message),
            (
                None,
                SessionState::Open { failed: None }
                | SessionState::Processing { .. }
                | SessionState::ActionRequired { .. }
                | SessionState::Complete { .. }
                | SessionState::Expired { .. },
            ) => None,
        }
    }
}

/// Why a shopper's step was not taken. Nothing was charged for it.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
    /// There is no such session, or it is not hers.
    #[error("there is no such session")]
    Gone,
    /// The session is over.
    #[error("the session is not open")]
    NotOpen,
    /// The cart is another than she saw, or costs something else; the session shows it as it is.
    #[error("the cart has changed")]
    CartMismatch(Box<CheckoutSession>),
    /// Something in the cart can be bought with an account only.
    #[error("the cart holds a subscription")]
    AccountRequired,
    /// The order lacks these fields.
    #[error("missing required fields: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// The selected shipping rate is none that was offered.
    #[error("the selected shipping rate is not offered")]
    RateUnresolvable,
    /// The shop has no client secret, so it cannot be paid.
    #[error("no gateway takes payments")]
    NoGateway,
    /// There is something to pay, and nothing to pay it with.
    #[error("there is nothing to pay with")]
    NoToken,
    /// The platform does not say what the cart costs.
    #[error("the cart has no total")]
    NoTotal,
    /// The store has no room for the whole sequence now.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The platform did not do, or not in time, what must be done before the charge.
    #[error("the payment could not be started")]
    NotBegun,
    /// There is no challenge to go on from.
    #[error("the session waits for no challenge")]
    NotResumable,
    /// The shopper has not solved her challenge.
    #[error("the payment still requires action")]
    StillRequiresAction(Box<CheckoutSession>),
    /// There is no challenge to give up.
    #[error("the session has no payment that can be given up")]
    NotAbandonable,
    /// What must be known of the session before it is paid is not.
    #[error(transparent)]
    Unready(Box<SessionError>),
    /// Nothing that has to do with the payment.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

impl From<SessionError> for PayError {
    fn from(error: SessionError) -> Self {
        Self::Unready(Box::new(error))
    }
}

impl From<StoreError> for PayError {
    fn from(error: StoreError) -> Self {
        Self::Flow(error.into())
    }
}

impl From<EpError> for PayError {
    fn from(error: EpError) -> Self {
        Self::Flow(error.into())
    }
}

/// Pays the session's cart, or follows the payment of it that is under way.
pub async fn pay(px: &Px, wish: Pay) -> Result<Answer, PayError> {
    let deadline = Instant::now() + ANSWER_WITHIN;
    let (visitor, session) = (wish.visitor, wish.session);
    let flow = {
        let px = px.clone();
        async move { Ok(Box::pin(begin_and_drive(&px, wish, deadline)).await) }
    };
    match timeout_at(deadline, px.see_through(flow)).await {
        Ok(answer) => answer?,
        Err(_) => {
            let (session, purchase) = look(px, visitor, session).await?;
            match session.state() {
                SessionState::Open { failed: None } => Err(PayError::NotBegun),
                SessionState::Open { failed: Some(_) }
                | SessionState::Processing { .. }
                | SessionState::ActionRequired { .. }
                | SessionState::Complete { .. }
                | SessionState::Expired { .. } => answer(session, purchase.as_ref()),
            }
        }
    }
}

async fn begin_and_drive(px: &Px, wish: Pay, deadline: Instant) -> Result<Answer, PayError> {
    let (visitor, session) = (wish.visitor, wish.session);
    let (drive, stored) = match begin::begin(px, wish, deadline).await? {
        Begun::Mine { drive, stored } => (drive, stored),
        Begun::Follows => return follow(px, visitor, session, deadline).await,
    };
    let driven = drive_and_tidy(px, *drive, *stored).await;
    if let Some(PurchaseState::Abandoned { why: Abandonment::CartChanged, .. }) =
        driven.as_ref().map(|stored| stored.purchase.state())
    {
        cart::refresh(px, visitor, session).await?;
    }
    // Another node may have gone on with it.
    wait(px, visitor, session, deadline).await
}

/// Waits for what somebody else drives. Where that was not what this session saw, its shopper sees
/// the cart as it is then.
async fn follow(
    px: &Px,
    visitor: VisitorId,
    session: SessionId,
    deadline: Instant,
) -> Result<Answer, PayError> {
    let told = wait(px, visitor, session, deadline).await;
    if !matches!(told, Err(PayError::CartMismatch(_))) {
        return told;
    }
    cart::refresh(px, visitor, session).await?;
    wait(px, visitor, session, deadline).await
}

/// Drives a purchase until the shopper can be answered; what is to be tidied up after it is done
/// without her.
async fn drive_and_tidy(px: &Px, drive: Drive, stored: Stored) -> Option<Stored> {
    let (id, admin) = (stored.purchase.terms.id, drive.admin.clone());
    let stored = went_on(id, go_on::go_on(px, drive, stored, Until::Answered).await)?;
    if let PurchaseState::Confirmed { .. } = stored.purchase.state() {
        let (flow_px, confirmed) = (px.clone(), stored.clone());
        px.tasks.spawn(async move {
            let drive = Drive::of(admin);
            went_on(id, go_on::go_on(&flow_px, drive, confirmed, Until::AtRest).await)
        });
    }
    Some(stored)
}

/// A platform that does not answer is no failure of the payment: the worker goes on.
fn went_on(id: PurchaseId, driven: Result<Stored, FlowError>) -> Option<Stored> {
    driven
        .inspect_err(|error| {
            tracing::warn!(purchase = %id, %error, "could not go on with a purchase; the worker does");
        })
        .ok()
}

/// The shopper has solved her bank's challenge, or says so.
pub async fn resume(px: &Px, visitor: VisitorId, id: SessionId) -> Result<Answer, PayError> {
    let deadline = Instant::now() + ANSWER_WITHIN;
    let (session, purchase) = look(px, visitor, id).await?;
    match (session.state(), purchase) {
        (SessionState::Complete { .. }, purchase) => answer(session, purchase.as_ref()),
        (SessionState::ActionRequired { .. }, Some(purchase)) => {
            drive_for_shopper(px, purchase.terms.id, deadline).await?;
            let answer = wait(px, visitor, id, deadline).await?;
            match answer.session.state() {
                SessionState::ActionRequired { .. } => {
                    Err(PayError::StillRequiresAction(Box::new(answer.session)))
                }
                SessionState::Open { .. }
                | SessionState::Processing { .. }
                | SessionState::Complete { .. }
                | SessionState::Expired { .. } => Ok(answer),
            }
        }
        (SessionState::Processing { .. }, Some(_)) => wait(px, visitor, id, deadline).await,
        (SessionState::Expired { .. }, _) => Err(PayError::NotOpen),
        (SessionState::Open { .. }, _)
        | (SessionState::Processing { .. } | SessionState::ActionRequired { .. }, None) => {
            Err(PayError::NotResumable)
        }
    }
}

/// The shopper gives up before her bank's challenge. Where the platform can close the payment it is
/// closed now; else her cart is not free before the payment can move no money.
pub async fn abandon(px: &Px, visitor: VisitorId, id: SessionId) -> Result<Answer, PayError> {
    let deadline = Instant::now() + ANSWER_WITHIN;
    let (session, purchase) = look(px, visitor, id).await?;
    let (SessionState::ActionRequired { .. }, Some(purchase)) = (session.state(), purchase) else {
        return Err(PayError::NotAbandonable);
    };
    let id_of_purchase = purchase.terms.id;
    if !give_up(px, id_of_purchase).await? {
        return Err(PayError::NotAbandonable);
    }
    drive_for_shopper(px, id_of_purchase, deadline).await?;
    wait(px, visitor, id, deadline).await
}

/// How payments are closed that shoppers give up.
fn closing(px: &Px) -> Closing {
    match px.shop.closes_challenges {
        true => Closing::ThroughOrder,
        false => Closing::ByWatching,
    }
}

async fn give_up(px: &Px, id: PurchaseId) -> Result<bool, FlowError> {
    while let Some(stored) = load(px, id).await? {
        let Ok(after) = stored.purchase.clone().abandon(closing(px)) else { return Ok(false) };
        if record::record(px, &stored, after).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn drive_for_shopper(px: &Px, id: PurchaseId, deadline: Instant) -> Result<(), PayError> {
    let admin = px.elastic_path.admin().ok_or(PayError::NoGateway)?;
    let flow = {
        let px = px.clone();
        async move {
            let Some(stored) = load(&px, id).await? else { return Ok(()) };
            drive_and_tidy(&px, Drive::of(admin), stored).await;
            Ok(())
        }
    };
    match timeout_at(deadline, px.see_through(flow)).await {
        Ok(driven) => Ok(driven?),
        Err(_) => Ok(()),
    }
}

/// Calls a person for purchases whose money has waited too long. That needs no word of the platform's,
/// so it waits for none: also where somebody is asking about the same purchase.
pub async fn call_due_persons(px: &Px) -> Result<(), FlowError> {
    let now = px.clock.now();
    let due =
        px.store.read(now, |tx, now| Box::pin(rows::due_with_money(tx, *now, PERSONS_AT_ONCE)));
    let due: Result<Vec<Stored>, StoreError> = due.await;
    for stored in due? {
        if let Step::CallPerson(matter) = stored.purchase.next(now) {
            let called = stored.purchase.clone().call_person(matter, now);
            record::record(px, &stored, called).await?;
        }
    }
    Ok(())
}

/// Drives the purchases that are due. Returns how many there were.
pub async fn work_due(px: &Px) -> Result<usize, FlowError> {
    let claim = (px.clock.now(), px.lease());
    let due = px
        .store
        .write(claim, |tx, (now, lease)| Box::pin(rows::claim_due(tx, *now, lease, AT_ONCE)))
        .await?;
    let count = due.len();
    side_by_side(due.into_iter().map(|id| work_on(px, id))).await?;
    Ok(count)
}

async fn work_on(px: &Px, id: PurchaseId) -> Result<(), StoreError> {
    let Some(stored) = load(px, id).await? else { return Ok(()) };
    match px.elastic_path.admin() {
        Some(admin) => {
            went_on(id, go_on::go_on(px, Drive::of(admin), stored, Until::AtRest).await);
        }
        None => tracing::error!(purchase = %id, "cannot go on: EP_CLIENT_SECRET is not set"),
    }
    let Some(stored) = load(px, id).await? else { return Ok(()) };
    match stored.due_at {
        // The claim is given back, and the next look is put off.
        Some(due_at) if due_at <= px.clock.now() => {
            record::record(px, &stored, stored.purchase.clone()).await.map(drop)
        }
        Some(_) | None => Ok(()),
    }
}

/// Waits until the purchase that the session follows has come to something.
async fn wait(
    px: &Px,
    visitor: VisitorId,
    id: SessionId,
    deadline: Instant,
) -> Result<Answer, PayError> {
    loop {
        let (session, purchase) = look(px, visitor, id).await?;
        let is_under_way = purchase.as_ref().is_some_and(|purchase| {
            purchase.standing() == Standing::Pending { reconciling: false }
                && may_end_soon(purchase)
        });
        if !is_under_way || Instant::now() + LOOK_EVERY >= deadline {
            return answer(session, purchase.as_ref());
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Whether it is worth waiting for: a debit takes days, and a challenge that was given up hours.
fn may_end_soon(purchase: &Purchase) -> bool {
    use PurchaseState as S;
    match purchase.state() {
        S::Created { .. }
        | S::Charging { .. }
        | S::Charged { .. }
        | S::Ordering { .. }
        | S::Ordered { .. }
        | S::Confirming { .. }
        | S::Cancelling { .. } => true,
        S::RequiresAction { .. }
        | S::Processing { .. }
        | S::Pending { .. }
        | S::Confirmed { .. }
        | S::Cleaned { .. }
        | S::Declined { .. }
        | S::Abandoned { .. }
        | S::NeedsReconciliation { .. } => false,
    }
}

/// What the shopper is told: the same whether she began it or came second.
fn answer(session: CheckoutSession, purchase: Option<&Purchase>) -> Result<Answer, PayError> {
    let state = purchase.map(Purchase::state);
    match (session.state(), state) {
        (
            SessionState::Open { failed: None },
            Some(
                PurchaseState::Abandoned { why: Abandonment::CartChanged, .. }
                // What was bought is not what this session saw.
                | PurchaseState::Confirmed { .. }
                | PurchaseState::Cleaned { .. },
            ),
        ) => Err(PayError::CartMismatch(Box::new(session))),
        (
            SessionState::Open { failed: None },
            Some(PurchaseState::Abandoned { why: Abandonment::NotBegun, .. }),
        ) => Err(PayError::NotBegun),
        (_, Some(_) | None) => Ok(Answer::of(session, purchase)),
    }
}

/// The visitor's session, and the purchase that it follows or that was its cart's last.
async fn look(
    px: &Px,
    visitor: VisitorId,
    id: SessionId,
) -> Result<(CheckoutSession, Option<Purchase>), PayError> {
    let read = px.store.read((visitor, id), |tx, (visitor, id)| {
        Box::pin(async move {
            let Some(session) = session::of_visitor(tx, *id, *visitor).await? else {
                return Ok(None);
            };
            let stored = match (session.followed(), &session.cart) {
                (Some(Followed::Purchase(id)), _) => rows::by_id(tx, id).await?,
                (None, SessionCart::Platform(cart)) => rows::last_of_cart(tx, cart).await?,
                (Some(Followed::Order(_)), _) | (None, SessionCart::Here(_)) => None,
            };
            Ok(Some((session, stored.map(|stored| stored.purchase))))
        })
    });
    let seen: Result<_, StoreError> = read.await;
    seen?.ok_or(PayError::Gone)
}

async fn load(px: &Px, id: PurchaseId) -> Result<Option<Stored>, StoreError> {
    px.store.read(id, |tx, id| Box::pin(rows::by_id(tx, *id))).await
}
