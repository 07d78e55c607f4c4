//! Checkout sessions: a shopper says who she is and where it goes, reads what it costs, and pays in
//! one step. What she says is kept in a row; her browser knows the row's name alone.
//!
//! A session is read, changed in memory and written back only if nobody has changed it since
//! ([`replace`]): between reading and writing other servers may be asked. Sessions that follow a
//! payment are moved by whatever moves the payment, in its transaction.
//!
//! What if the process dies? A session that was not written back is as it was, and its shopper asks
//! again.

pub mod native;
pub mod pay;
pub mod platform;
mod rates;
pub mod retention;

use domain::{
    elastic_path::EpCartId,
    id::{SessionId, VisitorId},
    money::MoneyError,
    purchase::CartHash,
    session::{CheckoutSession, NewSession, Patch, SessionRefusal, SessionState, TextError},
};
use gateways::{elastic_path::EpError, shipping_rates::RatesError};
use storage::{StoreError, session};

use super::FlowError;
use crate::context::{Backend, Base};

/// A session, as its visitor's cookie names it.
#[derive(Debug, Clone, Copy)]
pub struct Named {
    /// Which.
    pub session: SessionId,
    /// Whose it must be.
    pub visitor: VisitorId,
}

/// What a new session begins with.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Whose it is.
    pub visitor: VisitorId,
    /// The cart at the platform that the storefront, or its better-auth, names.
    pub cart: Option<EpCartId>,
    /// Whether something must be sent, if the storefront says so.
    pub requires_shipping: Option<bool>,
}

/// Why a session could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is none, it is another visitor's, or its time is over.
    #[error("there is no such session any more")]
    Gone,
    /// A payment is under way, or the session is complete.
    #[error("the session is not open")]
    NotOpen,
    /// The visitor has nothing to check out.
    #[error("the visitor has no cart with anything in it")]
    NoCart,
    /// What was said cannot be understood or kept.
    #[error("{0}")]
    Invalid(String),
    /// An order needs more.
    #[error("missing: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// Nobody has said where it goes.
    #[error("there is no shipping address")]
    NoShippingAddress,
    /// The cart, or its price, is not what the shopper saw. The session shows what it is now.
    #[error("the cart has changed")]
    CartMismatch(Box<CheckoutSession>),
    /// The selected rate is not offered.
    #[error("the selected shipping rate is not offered")]
    RateUnresolvable,
    /// There is nothing to pay with by that name.
    #[error("unknown payment gateway")]
    UnknownGateway,
    /// No challenge waits for the shopper.
    #[error("the session has no payment to resume")]
    NotResumable,
    /// The shopper has not solved the challenge.
    #[error("the payment still waits for the shopper")]
    StillRequiresAction(Box<CheckoutSession>),
    /// No challenge waits that could be given up.
    #[error("the session has no payment to abandon")]
    NotAbandonable,
    /// The shopper's sign-in is too old, or never was one.
    #[error("the account token is not valid")]
    NotSignedIn,
    /// The platform did not say who is signed in.
    #[error("the account could not be read: {0}")]
    AccountUnreadable(EpError),
    /// The merchant's own server did not say what sending costs.
    #[error("the shipping rates are not known: {0}")]
    RatesUnknown(RatesError),
    /// The platform did not show the cart.
    #[error("the cart could not be read: {0}")]
    CartUnreadable(EpError),
    /// The platform did not say what the cart costs.
    #[error("the platform does not say what the cart costs")]
    CartUnpriced,
    /// There is more of one thing in the cart than anybody sends.
    #[error("the cart holds more of one thing than can be sent")]
    CartUncountable,
    /// The platform did not take the shipping line.
    #[error("shipping could not be applied: {0}")]
    ShippingNotApplied(EpError),
    /// A flow that the session goes through has failed.
    #[error(transparent)]
    Flow(#[from] FlowError),
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::Flow(error.into())
    }
}

impl From<MoneyError> for SessionError {
    fn from(error: MoneyError) -> Self {
        Self::Flow(error.into())
    }
}

impl From<TextError> for SessionError {
    fn from(error: TextError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<SessionRefusal> for SessionError {
    fn from(refusal: SessionRefusal) -> Self {
        match refusal {
            SessionRefusal::PaymentUnderWay | SessionRefusal::Over => Self::NotOpen,
            SessionRefusal::Attributes(error) => Self::Invalid(error.to_string()),
        }
    }
}

/// Two tabs of one shopper may type at the same time; more than a few is a loop.
const TRIES_MAX: usize = 5;

/// Opens a session on the visitor's cart.
pub async fn open(backend: &Backend, opening: Opening) -> Result<CheckoutSession, SessionError> {
    let session = match backend {
        Backend::Native(cx) => native::open(cx, opening).await?,
        Backend::Platform(px) => platform::open(px, opening).await?,
    };
    let input = (session.clone(), backend.clock.now());
    let write = backend.store.write(input, |tx, (session, at)| {
        Box::pin(async move { session::insert(tx, session, *at).await.map(drop) })
    });
    let written: Result<(), StoreError> = write.await;
    written?;
    Ok(session)
}

/// The session as it stands; one whose time is over is expired.
pub async fn current(base: &Base, named: Named) -> Result<Option<CheckoutSession>, StoreError> {
    let Some(session) = find(base, named).await? else { return Ok(None) };
    let expired = session.clone().expire(base.clock.now());
    match expired == session || replace(base, &session, &expired).await? {
        true => Ok(Some(expired)),
        // Somebody has moved it since.
        false => find(base, named).await,
    }
}

/// Takes in what the shopper typed. A session whose price follows from it is priced anew.
pub async fn patch(
    backend: &Backend,
    named: Named,
    patch: Patch,
) -> Result<CheckoutSession, SessionError> {
    for _ in 0..TRIES_MAX {
        let before = alive(backend, named).await?;
        let patched = before.clone().patch(patch.clone(), backend.clock.now())?;
        let after = match backend {
            Backend::Native(cx) => native::follow_form(cx, &before, patched).await?,
            Backend::Platform(px) => platform::follow_form(px, &before, patched).await?,
        };
        if replace(backend, &before, &after).await? {
            return Ok(after);
        }
    }
    Err(too_busy())
}

/// Offers the ways in which the order can be sent to where the shopper says.
pub async fn offer_shipping(
    backend: &Backend,
    named: Named,
) -> Result<CheckoutSession, SessionError> {
    for _ in 0..TRIES_MAX {
        let before = alive(backend, named).await?;
        if before.form.shipping_address.is_none() {
            return Err(SessionError::NoShippingAddress);
        }
        let after = match backend {
            Backend::Native(cx) => native::offer_shipping(cx, before.clone()).await?,
            Backend::Platform(px) => platform::offer_shipping(px, &before).await?,
        };
        if replace(backend, &before, &after).await? {
            return Ok(after);
        }
    }
    Err(too_busy())
}

/// The session, if its shopper can still do something with it.
pub async fn alive(base: &Base, named: Named) -> Result<CheckoutSession, SessionError> {
    let session = current(base, named).await?.ok_or(SessionError::Gone)?;
    match session.state() {
        SessionState::Expired { .. } => Err(SessionError::Gone),
        SessionState::Open { .. }
        | SessionState::Processing { .. }
        | SessionState::ActionRequired { .. }
        | SessionState::Complete { .. } => Ok(session),
    }
}

async fn find(base: &Base, named: Named) -> Result<Option<CheckoutSession>, StoreError> {
    let Named { session, visitor } = named;
    let read = base.store.read((session, visitor), |tx, (session, visitor)| {
        Box::pin(session::of_visitor(tx, *session, *visitor))
    });
    read.await
}

/// Writes a session that was seen as `before`; `false`, and nothing written, if somebody has moved
/// it since.
async fn replace(
    base: &Base,
    before: &CheckoutSession,
    after: &CheckoutSession,
) -> Result<bool, StoreError> {
    let input = (before.clone(), after.clone(), base.clock.now());
    let write = base.store.write(input, |tx, (before, after, at)| {
        Box::pin(async move {
            let there = session::lock(tx, before.id).await?;
            if there.as_ref() == Some(before) {
                session::save(tx, after, *at).await?;
                return Ok(true);
            }
            // A commit whose answer was lost is run again.
            Ok(there.as_ref() == Some(after))
        })
    });
    write.await
}

fn too_busy() -> SessionError {
    FlowError::Broken("a session never stood still".to_owned()).into()
}

/// A new session before its cart is priced.
fn fresh(
    base: &Base,
    visitor: VisitorId,
    (cart, cart_hash): (domain::session::SessionCart, CartHash),
    requires_shipping: bool,
) -> CheckoutSession {
    let (id, at) = (SessionId(base.ids.next()), base.clock.now());
    let (lifetime, totals) = (base.session_lifetime, None);
    CheckoutSession::open(NewSession {
        id,
        visitor,
        cart,
        cart_hash,
        totals,
        requires_shipping,
        lifetime,
        at,
    })
}
