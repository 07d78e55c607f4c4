//! What comes before a purchase: everything that the platform will refuse is refused here, before
//! money moves, and then the purchase is written down, which takes the cart. Only who has the cart
//! changes it: two tabs that both put the shipping right would add it twice.

use domain::{
    elastic_path::{EpCartId, ExternalRef},
    history::Actor,
    id::{PurchaseId, SessionId, VisitorId},
    purchase::{Abandonment, Buyer, Purchase, Terms},
    session::{
        AddressPart, CheckoutSession, Customer, Followed, FormAddress, PostcodeRule, Rate,
        SessionCart, SessionState, Standing,
    },
};
use gateways::elastic_path::{
    Caller,
    checkout::{self, CheckoutRequest, Contact, EpAddress},
};
use jiff::Timestamp;
use storage::{
    Tx,
    purchase::{self as rows, Inserted, Stored},
    purchase_history::{self, Line},
    session,
};
use tokio::time::Instant;

use super::{
    Pay, PayError, cart,
    go_on::{Drive, Prepared},
    record, words,
};
use crate::{
    context::Px,
    flows::{FlowError, session::platform::is_offered},
};

/// The most calls that a purchase makes when nothing goes wrong, tokens included.
const CALLS: u32 = 20;

/// The cart may change hands so often before whoever waits for it is turned away.
const ROUNDS: u32 = 5;

/// What came of the wish to pay.
pub(super) enum Begun {
    /// A new purchase, to be driven by whoever asked.
    Mine {
        /// How.
        drive: Box<Drive>,
        /// The purchase.
        stored: Box<Stored>,
    },
    /// The session follows a purchase that somebody else drives, or it is complete.
    Follows,
}

/// Begins a purchase, or follows the one that has the cart.
pub(super) async fn begin(px: &Px, wish: Pay, deadline: Instant) -> Result<Begun, PayError> {
    for _ in 0..ROUNDS {
        let joined = join(px, &wish).await?;
        let session = match joined {
            Joined::Follows => return Ok(Begun::Follows),
            Joined::Again => continue,
            Joined::Over => return Err(PayError::NotOpen),
            Joined::Free(session) => *session,
        };
        let admin = px.elastic_path.admin().ok_or(PayError::NoGateway)?;
        let Some(checked) = check(px, &wish, session).await? else { return Ok(Begun::Follows) };
        let sequence = admin.admit(CALLS).await?;
        if Instant::now() >= deadline {
            // Nobody waits any more: nothing is begun behind the shopper's back.
            return Err(PayError::NotBegun);
        }
        let Checked { session, terms, rate } = checked;
        let purchase = Purchase::new(terms, wish.token.clone()).map_err(|_| PayError::NoToken)?;
        if let Some(stored) = write_down(px, session, purchase).await? {
            if Instant::now() >= deadline {
                // Who asked has been told that nothing was begun, and so it is.
                let given_up =
                    stored.purchase.clone().give_up(Abandonment::NotBegun, px.clock.now());
                if let Ok(given_up) = given_up {
                    record::record(px, &stored, given_up).await?;
                }
                return Err(PayError::NotBegun);
            }
            let (sequence, prepared) = (Some(sequence), Some(Prepared { rate }));
            let drive = Drive { admin, sequence, prepared };
            return Ok(Begun::Mine { drive: Box::new(drive), stored: Box::new(stored) });
        }
    }
    Err(PayError::NotBegun)
}

enum Joined {
    /// The session follows a purchase.
    Follows,
    /// Nobody has the cart.
    Free(Box<CheckoutSession>),
    /// Things moved while we looked.
    Again,
    /// The session's time is over.
    Over,
}

/// Follows the live purchase of the session's cart, if there is one.
async fn join(px: &Px, wish: &Pay) -> Result<Joined, PayError> {
    let input = (wish.visitor, wish.session, px.clock.now());
    px.store.write(input, |tx, (visitor, id, at)| Box::pin(follow(tx, *visitor, *id, *at))).await
}

async fn follow(
    tx: &mut Tx,
    visitor: VisitorId,
    id: SessionId,
    now: Timestamp,
) -> Result<Joined, PayError> {
    let seen = session::of_visitor(tx, id, visitor).await?.ok_or(PayError::Gone)?;
    let cart = platform_cart(&seen)?;
    let live = rows::live_of_cart(tx, cart).await?;
    // The purchase is locked before the sessions that follow it, as everywhere.
    let live = match live {
        Some(live) => rows::lock(tx, live.purchase.terms.id).await?,
        None => None,
    };
    let session = session::lock_of_visitor(tx, id, visitor).await?.ok_or(PayError::Gone)?;
    let session = session.expire(now);
    match (session.state(), live) {
        (SessionState::Processing { .. } | SessionState::ActionRequired { .. }, _)
        | (SessionState::Complete { .. }, _) => Ok(Joined::Follows),
        (SessionState::Expired { .. }, _) => {
            session::save(tx, &session, now).await?;
            Ok(Joined::Over)
        }
        // Also where the platform does not let go of a bought cart, which holds what it held.
        (SessionState::Open { .. }, None) => match adopt(tx, &session, now).await? {
            true => Ok(Joined::Follows),
            false => Ok(Joined::Free(Box::new(session))),
        },
        (SessionState::Open { .. }, Some(live)) if !live.purchase.is_live() => Ok(Joined::Again),
        (SessionState::Open { .. }, Some(live)) => {
            let followed = Followed::Purchase(live.purchase.terms.id);
            let begun = session.begin(followed, now).map_err(|_| PayError::NotOpen)?;
            let standing = live.purchase.standing_for(visitor);
            let shown = begun.show(followed, standing, live.purchase.terms.cart_hash, now);
            session::save(tx, &shown, now).await?;
            Ok(Joined::Follows)
        }
    }
}

fn platform_cart(session: &CheckoutSession) -> Result<&EpCartId, PayError> {
    match &session.cart {
        SessionCart::Platform(cart) => Ok(cart),
        SessionCart::Here(_) => Err(PayError::Gone),
    }
}

/// What is fixed before the purchase is written down.
struct Checked {
    session: CheckoutSession,
    terms: Terms,
    rate: Option<Rate>,
}

/// Nothing where what she saw is bought already, and her session shows that.
async fn check(px: &Px, wish: &Pay, session: CheckoutSession) -> Result<Option<Checked>, PayError> {
    let name = platform_cart(&session)?;
    let seen = px.elastic_path.cart(Caller::Implicit, name).await?;
    let hash = cart::hash(&seen);
    // The session may have been priced anew since its page showed it. What is written down here is
    // what is charged, whatever the session shows later.
    let totals = session.totals.filter(|_| hash == session.cart_hash);
    let Some(totals) = totals.filter(|totals| wish.seen.allows(totals.total())) else {
        if hash != session.cart_hash && bought_before(px, &session).await? {
            return Ok(None);
        }
        let shown = cart::price(px, (wish.visitor, wish.session), &seen).await?;
        return Err(PayError::CartMismatch(Box::new(shown)));
    };
    // Nobody pays for the sending of nothing.
    if cart::is_empty(&seen) {
        return Err(PayError::Missing(vec!["items"]));
    }
    if seen.has_subscription() {
        return Err(PayError::AccountRequired);
    }
    let must_ship = session.form.requires_shipping || cart::is_physical(px, &seen).await;
    let missing = session.missing(must_ship, PostcodeRule::Always);
    if !missing.is_empty() {
        return Err(PayError::Missing(missing));
    }
    let rate = match must_ship {
        true => Some(session.selected_rate().cloned().ok_or(PayError::RateUnresolvable)?),
        false => None,
    };
    // Asked of the very goods that are charged: what these cost to send, not what others did.
    if let Some(rate) = &rate
        && !is_offered(px, &seen, &session, rate).await?
    {
        return Err(PayError::RateUnresolvable);
    }
    if seen.total.is_none() {
        return Err(PayError::NoTotal);
    }
    let terms = Terms {
        id: PurchaseId(px.ids.next()),
        visitor: wish.visitor,
        session: wish.session,
        cart: name.clone(),
        cart_hash: hash,
        amount: totals.total(),
        buyer: buyer(wish, &session, must_ship)?,
        attributes: session.form.attributes.clone().allowed(&px.attributes),
        created_at: px.clock.now(),
    };
    // The whole body that the platform will be sent: what cannot be said in it is refused now.
    request(&terms)?;
    Ok(Some(Checked { session, terms, rate }))
}

/// Whether the cart was bought in another tab as this session saw it, and has changed since because it
/// was. The session shows that order then.
async fn bought_before(px: &Px, seen: &CheckoutSession) -> Result<bool, PayError> {
    let input = (seen.clone(), px.clock.now());
    px.store.write(input, |tx, (seen, now)| Box::pin(adopt(tx, seen, *now))).await
}

async fn adopt(tx: &mut Tx, seen: &CheckoutSession, now: Timestamp) -> Result<bool, PayError> {
    let last = rows::last_of_cart(tx, platform_cart(seen)?).await?;
    let Some(last) = last.filter(|last| last.purchase.terms.cart_hash == seen.cart_hash) else {
        return Ok(false);
    };
    let followed = Followed::Purchase(last.purchase.terms.id);
    let standing = last.purchase.standing();
    let (Standing::Succeeded(_), Some(session)) =
        (&standing, session::lock_of_visitor(tx, seen.id, seen.visitor).await?)
    else {
        return Ok(false);
    };
    if session.followed() == Some(followed) {
        // A commit whose answer was lost is run again.
        return Ok(true);
    }
    let Ok(begun) = session.begin(followed, now) else { return Ok(false) };
    session::save(tx, &begun.show(followed, standing, seen.cart_hash, now), now).await?;
    Ok(true)
}

fn buyer(wish: &Pay, session: &CheckoutSession, must_ship: bool) -> Result<Buyer, PayError> {
    let form = &session.form;
    let (Some(customer), Some(billing)) = (&form.customer, &form.billing_address) else {
        return Err(PayError::Missing(session.missing(must_ship, PostcodeRule::Always)));
    };
    let shipping = form.shipping_address.as_ref();
    let shipping = shipping.filter(|address| address.is_complete(PostcodeRule::Always));
    Ok(Buyer {
        customer: customer.clone(),
        billing_address: billing.clone(),
        shipping_address: shipping.unwrap_or(billing).clone(),
        account: wish.account.clone(),
    })
}

/// What makes the order; the same however often it is asked for.
pub(super) fn request(terms: &Terms) -> Result<CheckoutRequest, FlowError> {
    let Buyer { customer, billing_address, shipping_address, account } = &terms.buyer;
    let contact = contact(customer)?;
    let buyer = match account {
        Some(account) => checkout::Buyer::Account {
            account: account.account.clone(),
            member: account.member.clone(),
            contact,
        },
        None => checkout::Buyer::Guest(contact),
    };
    let external_ref: ExternalRef =
        terms.id.to_string().parse().map_err(|_| broken("an id that is none"))?;
    let (billing, shipping) = (address(billing_address), address(shipping_address));
    Ok(CheckoutRequest { buyer, external_ref, billing, shipping })
}

fn contact(customer: &Customer) -> Result<Contact, FlowError> {
    let email = customer.email().parse().map_err(|_| broken("an e-mail address that is none"))?;
    Ok(Contact { name: customer.name().to_owned(), email })
}

fn broken(what: &str) -> FlowError {
    FlowError::Broken(format!("a purchase with {what}"))
}

fn address(form: &FormAddress) -> EpAddress {
    use AddressPart as P;
    let part = |part| form.get(part).to_owned();
    EpAddress {
        first_name: part(P::FirstName),
        last_name: part(P::LastName),
        company_name: part(P::Company),
        line_1: part(P::Line1),
        line_2: part(P::Line2),
        city: part(P::City),
        county: part(P::County),
        region: String::new(),
        postcode: part(P::Postcode),
        country: part(P::Country).to_ascii_uppercase(),
        phone_number: String::new(),
        instructions: String::new(),
    }
}

/// Writes a purchase down and lets the session follow it, in one commit. Nothing where somebody else
/// was faster.
async fn write_down(
    px: &Px,
    seen: CheckoutSession,
    purchase: Purchase,
) -> Result<Option<Stored>, PayError> {
    let written = px
        .store
        .write((purchase, seen), |tx, (purchase, seen)| Box::pin(insert(tx, purchase, seen)));
    match written.await {
        Ok(stored) => Ok(Some(stored)),
        Err(NotTaken::Taken) => Ok(None),
        Err(NotTaken::Failed(error)) => Err(error.into()),
    }
}

/// Why a cart was not taken; nothing was written.
enum NotTaken {
    /// Somebody else has it, or the session is no longer open, or says something else by now.
    Taken,
    /// The database failed.
    Failed(storage::StoreError),
}

impl From<storage::StoreError> for NotTaken {
    fn from(error: storage::StoreError) -> Self {
        Self::Failed(error)
    }
}

async fn insert(
    tx: &mut Tx,
    purchase: &Purchase,
    seen: &CheckoutSession,
) -> Result<Stored, NotTaken> {
    match rows::insert(tx, purchase).await? {
        Inserted::New | Inserted::AlreadyMine => {}
        Inserted::CartHasAnother => return Err(NotTaken::Taken),
    }
    let (id, now) = (purchase.terms.id, purchase.terms.created_at);
    let session = session::lock_of_visitor(tx, seen.id, seen.visitor).await?;
    let session = session.ok_or(NotTaken::Taken)?;
    // What another tab was told that it has changed goes into the order.
    if (&session.form, session.rates()) != (&seen.form, seen.rates()) {
        return Err(NotTaken::Taken);
    }
    let follows = Followed::Purchase(id);
    let session = session.begin(follows, now).map_err(|_| NotTaken::Taken)?;
    session::save(tx, &session, now).await?;
    let sentence = words::for_history(purchase);
    let line = Line { position: 0, at: now, actor: Actor::Shopper, sentence };
    purchase_history::note(tx, id, &line).await?;
    rows::by_id(tx, id).await?.ok_or(NotTaken::Taken)
}
