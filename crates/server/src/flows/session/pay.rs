//! Paying a session on the native backend: what the shopper said becomes an order, whose payment is
//! made and confirmed in one call with the token of her card.
//!
//! A token pays once, so a try is an order of its own: the order, its payment, the exact request with
//! the token, and the session that follows them are written in one transaction before Stripe is
//! asked. After a decline the next token's order takes the place of the declined one, whose payment
//! is cancelled at Stripe first: a cart has one live payment, and none can be confirmed behind the
//! next one's back.
//!
//! What if the process dies after each step? Before the transaction: nothing happened. After it, or
//! after Stripe's answer: the worker asks again under the same key, and Stripe repeats its answer;
//! until then the session is `processing`, whoever asks. After the answer was taken in: the session
//! shows it already.

use std::time::Duration;

use domain::{
    checkout::{CheckoutRequest, Refusal},
    contact::{Address, Email},
    money::Money,
    order::{Marketing, Order, OrderState},
    payment::PaymentState,
    purchase::PayToken,
    session::{
        AllowedAttributes, CheckoutSession, Followed, FormAddress, PostcodeRule, SeenTotal,
        SessionOrder, SessionState, Standing,
    },
};
use jiff::Timestamp;
use storage::{StoreError, Tx, cart, order, payment, session};
use tokio::time::Instant;

use super::{Named, SessionError, alive, current, native, replace};
use crate::{
    context::{Context, Cx, after},
    flows::{
        FlowError, ask,
        cancel_order::{self, Canceller, cancel_order},
        fill_cart::look_at_cart,
        purchase::Answer,
        shield::Asking,
        start_checkout::{Seen, pay_session},
    },
};

/// With what a session is paid.
#[derive(Debug, Clone)]
pub enum Means {
    /// With a card, or whatever else the token stands for.
    Stripe(PayToken),
    /// With nothing: there is nothing to pay.
    Nothing,
}

/// A shopper's wish to pay.
#[derive(Debug, Clone)]
pub struct Wish {
    /// With what.
    pub means: Means,
    /// What her page showed her that it costs.
    pub seen: SeenTotal,
}

/// Whoever wants to pay while another try is under way waits so long for its end.
const WAIT: Duration = Duration::from_secs(10);
/// Another node may move the payment: the rows are read again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// So long after an order was paid a session that had seen just that cart has paid it too.
const REPEATED_WITHIN: Duration = Duration::from_secs(60 * 60);
/// A try that came between this one and an older payment is the one to follow; then nothing can come
/// between any more.
const TRIES_MAX: usize = 2;

/// Pays the session, or tells how the try to pay stands that is under way, or was made. A bank's no
/// is an answer: the session is open again and says so.
pub async fn pay(
    cx: &Cx,
    named: Named,
    who: Asking,
    wish: Wish,
) -> Result<CheckoutSession, SessionError> {
    let session = alive(cx, named).await?;
    if !matches!(session.state(), SessionState::Open { .. }) {
        return outcome(cx, named).await;
    }
    let page = wish.seen;
    let (session, request) = prepare(cx, session, wish).await?;
    let Some(request) = request else { return Ok(session) };
    let seen = Seen {
        session: session.id,
        cart_hash: session.cart_hash,
        total: session.totals.ok_or(FlowError::NotAsSeen)?.total(),
        page,
        return_url: cx.shop.return_url.clone(),
    };
    let mut paid = Ok(());
    for _ in 0..TRIES_MAX {
        paid = pay_session(cx, who.clone(), request.clone(), seen.clone()).await;
        if !matches!(paid, Err(FlowError::Conflict { .. })) {
            break;
        }
    }
    let Err(error) = paid else { return outcome(cx, named).await };
    let there = alive(cx, named).await?;
    match error {
        // It is written down, so the session tells what became of it.
        _ if there.followed() != session.followed() => outcome(cx, named).await,
        FlowError::NotAsSeen | FlowError::Refused(Refusal::PriceChanged(_)) => {
            Err(mismatch(cx, session).await)
        }
        error => Err(error.into()),
    }
}

/// A session as its shopper is told of it, with the gateway's name of its payment.
pub async fn told(cx: &Context, session: CheckoutSession) -> Result<Answer, StoreError> {
    let Some(Followed::Order(order)) = session.followed() else {
        return Ok(Answer::of_payment(session, None));
    };
    let read = cx.store.read(order, |tx, order| Box::pin(payment::of_order(tx, *order)));
    let stored: Option<payment::Stored> = read.await?;
    let name = stored.and_then(|stored| stored.payment.reference().map(ToString::to_string));
    Ok(Answer::of_payment(session, name))
}

/// Asks how the payment stands after the shopper has been at her bank's.
pub async fn resume(cx: &Cx, named: Named) -> Result<CheckoutSession, SessionError> {
    let session = alive(cx, named).await?;
    match session.state() {
        SessionState::ActionRequired { followed: Followed::Order(order), .. } => {
            let order = *order;
            let read = cx.store.read(order, |tx, order| Box::pin(payment::of_order(tx, *order)));
            let stored: Result<_, StoreError> = read.await;
            let reference = stored?.and_then(|stored| stored.payment.reference().cloned());
            let reference = reference.ok_or(FlowError::NoSuchOrder)?;
            ask::look_up(cx, order, &reference).await?;
        }
        // The answer of an earlier call was lost, or an event was faster.
        SessionState::Processing { .. } | SessionState::Complete { .. } => {}
        SessionState::ActionRequired { followed: Followed::Purchase(_), .. }
        | SessionState::Open { .. }
        | SessionState::Expired { .. } => return Err(SessionError::NotResumable),
    }
    let session = outcome(cx, named).await?;
    match session.state() {
        SessionState::ActionRequired { .. } => {
            Err(SessionError::StillRequiresAction(Box::new(session)))
        }
        SessionState::Open { .. }
        | SessionState::Processing { .. }
        | SessionState::Complete { .. }
        | SessionState::Expired { .. } => Ok(session),
    }
}

/// Gives a payment up that waits for its shopper: it is cancelled at Stripe, unless she was faster.
pub async fn abandon(cx: &Cx, named: Named) -> Result<CheckoutSession, SessionError> {
    let session = alive(cx, named).await?;
    let SessionState::ActionRequired { followed: Followed::Order(order), .. } = session.state()
    else {
        return Err(SessionError::NotAbandonable);
    };
    let read = cx.store.read(*order, |tx, order| Box::pin(order::load(tx, *order)));
    let read: Result<_, StoreError> = read.await;
    // Whose the session is, hers is the order, though she may have made it before she signed in.
    let visitor = read?.ok_or(FlowError::NoSuchOrder)?.visitor;
    let wish = cancel_order::Wish { order: *order, by: Canceller::Shopper(visitor) };
    match cancel_order(cx, wish).await {
        Ok(()) | Err(FlowError::NotCancellable { .. }) => outcome(cx, named).await,
        Err(error) => Err(error.into()),
    }
}

/// What the order will be made of; nothing where the cart is bought already, and the session shows
/// that. Every reason not to pay is found here or, for what may change meanwhile, in the transaction
/// that makes the order.
async fn prepare(
    cx: &Cx,
    session: CheckoutSession,
    wish: Wish,
) -> Result<(CheckoutSession, Option<CheckoutRequest>), SessionError> {
    let cart = look_at_cart(cx, session.visitor).await?.cart;
    if native::hash(&cart) != session.cart_hash && !has_live_payment(cx, &session).await? {
        return match bought_before(cx, &session).await? {
            Some(bought) => Ok((bought, None)),
            None => Err(mismatch(cx, session).await),
        };
    }
    let must_ship = native::must_ship(&cart);
    let missing = session.missing(must_ship, PostcodeRule::ByCountry);
    if !missing.is_empty() {
        return Err(SessionError::Missing(missing));
    }
    let offered = native::rates(cx, &cart, &session).await?;
    if must_ship && !offered.iter().any(|rate| Some(rate) == session.selected_rate()) {
        return Err(SessionError::RateUnresolvable);
    }
    let total = session.totals.map(|totals| totals.total());
    let token = match (wish.means, total.is_some_and(Money::is_zero)) {
        (Means::Stripe(_) | Means::Nothing, true) => None,
        (Means::Stripe(token), false) => Some(token),
        // Her page showed that there is nothing to pay.
        (Means::Nothing, false) if total.is_some_and(|total| !wish.seen.allows(total)) => {
            return Err(mismatch(cx, session).await);
        }
        (Means::Nothing, false) => return Err(SessionError::UnknownGateway),
    };
    let request = request(&session, must_ship, (token, &cx.attributes))?;
    Ok((session, Some(request)))
}

/// Whether a payment of the session's cart is under way that its shopper should hear of, whatever the
/// cart holds by now.
async fn has_live_payment(cx: &Context, seen: &CheckoutSession) -> Result<bool, StoreError> {
    let read = cx.store.read(seen.visitor, |tx, visitor| {
        Box::pin(async move {
            let Some(cart) = cart::of_visitor(tx, *visitor).await? else { return Ok(None) };
            let Some(live) = payment::live_of_cart(tx, cart.id).await? else { return Ok(None) };
            order::load(tx, live.payment.order).await
        })
    });
    let live: Option<Order> = read.await?;
    Ok(live.is_some_and(|order| native::hash_of_lines(&order.lines) == seen.cart_hash))
}

fn request(
    session: &CheckoutSession,
    must_ship: bool,
    (token, allowed): (Option<PayToken>, &AllowedAttributes),
) -> Result<CheckoutRequest, SessionError> {
    let lacks = |field| SessionError::Missing(vec![field]);
    let form = &session.form;
    let customer = form.customer.as_ref().ok_or_else(|| lacks("customerInfo"))?;
    let email = customer.email().parse::<Email>().map_err(|_| lacks("customerInfo"))?;
    let billing = form.billing_address.as_ref().ok_or_else(|| lacks("billingAddress"))?;
    let shipping = native::destination(form, must_ship).ok_or_else(|| lacks("shippingAddress"))?;
    Ok(CheckoutRequest {
        email,
        shipping_address: address("shippingAddress", shipping)?,
        billing_address: address("billingAddress", billing)?,
        marketing: Marketing::Declined,
        token,
        shipping: session.selected_rate().filter(|_| must_ship).map(|rate| rate.amount),
        attributes: form.attributes.clone().allowed(allowed),
    })
}

fn address(of: &str, typed: &FormAddress) -> Result<Address, SessionError> {
    Address::parse(&typed.draft())
        .map_err(|error| SessionError::Invalid(format!("{of}: {}", error.reason)))
}

/// The cart is not what the shopper saw: shows her what it is.
async fn mismatch(cx: &Cx, session: CheckoutSession) -> SessionError {
    match show_again(cx, session).await {
        Ok(session) => SessionError::CartMismatch(Box::new(session)),
        Err(error) => error,
    }
}

async fn show_again(cx: &Cx, session: CheckoutSession) -> Result<CheckoutSession, SessionError> {
    let (prices, now) = (&cx.shop.prices, cx.clock.now());
    let cart = look_at_cart(cx, session.visitor).await?.cart;
    let rates = native::rates(cx, &cart, &session).await?;
    let shown = session.clone().offer(rates, now)?;
    let shown = native::priced(prices, &cart, shown, now)?;
    // Where another request was faster, that one's answer stands.
    replace(cx, &session, &shown).await?;
    Ok(shown)
}

/// The session of a second tab, whose cart the first has bought: just that cart, not long ago. It
/// shows the same order.
async fn bought_before(
    cx: &Cx,
    seen: &CheckoutSession,
) -> Result<Option<CheckoutSession>, SessionError> {
    let write = cx
        .store
        .write((seen.clone(), cx.clock.now()), |tx, (seen, now)| Box::pin(adopt(tx, seen, *now)));
    write.await
}

async fn adopt(
    tx: &mut Tx,
    seen: &CheckoutSession,
    now: Timestamp,
) -> Result<Option<CheckoutSession>, SessionError> {
    let Some(cart) = cart::lock_of_visitor(tx, seen.visitor).await? else { return Ok(None) };
    let Some(newest) = order::newest_of_cart(tx, cart.id).await? else { return Ok(None) };
    let is_paid = match newest.state() {
        OrderState::Paid { at, .. } => after(*at, REPEATED_WITHIN) > now,
        OrderState::Pending { .. } | OrderState::Failed { .. } | OrderState::Cancelled { .. } => {
            false
        }
    };
    if !is_paid || native::hash_of_lines(&newest.lines) != seen.cart_hash {
        return Ok(None);
    }
    let Some(there) = session::lock(tx, seen.id).await? else { return Ok(None) };
    let standing = match payment::of_order(tx, newest.id).await? {
        Some(stored) => Standing::of_payment(&stored.payment, None),
        None => {
            let id = newest.id.to_string();
            Standing::Succeeded(SessionOrder { id, transaction: None, is_free: true })
        }
    };
    let of = Followed::Order(newest.id);
    let following = match there.followed() == Some(of) {
        // A commit whose answer was lost is run again.
        true => there,
        false => there.begin(of, now)?,
    };
    let shown = following.show(of, standing, seen.cart_hash, now);
    session::save(tx, &shown, now).await?;
    Ok(Some(shown))
}

/// What became of the payment, as far as it is known. One of another session that has bought something
/// else than this one saw has left this one as it was: its shopper sees what her cart holds now.
async fn outcome(cx: &Cx, named: Named) -> Result<CheckoutSession, SessionError> {
    let session = settled(cx, named).await?;
    match session.state() {
        SessionState::Open { failed: None } => Err(mismatch(cx, session).await),
        SessionState::Open { failed: Some(_) }
        | SessionState::Processing { .. }
        | SessionState::ActionRequired { .. }
        | SessionState::Complete { .. }
        | SessionState::Expired { .. } => Ok(session),
    }
}

/// Waits until it is known what became of the payment, though not for a bank that takes days.
async fn settled(cx: &Cx, named: Named) -> Result<CheckoutSession, SessionError> {
    let end = Instant::now() + WAIT;
    loop {
        let session = current(cx, named).await?.ok_or(SessionError::Gone)?;
        if !is_awaited(cx, &session).await? || Instant::now() >= end {
            return Ok(session);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

async fn is_awaited(cx: &Context, session: &CheckoutSession) -> Result<bool, StoreError> {
    let SessionState::Processing { followed: Followed::Order(order), .. } = session.state() else {
        return Ok(false);
    };
    let read = cx.store.read(*order, |tx, order| Box::pin(payment::of_order(tx, *order)));
    let stored: Option<payment::Stored> = read.await?;
    let state = stored.as_ref().map(|stored| stored.payment.state());
    Ok(!matches!(state, None | Some(PaymentState::Processing)))
}
