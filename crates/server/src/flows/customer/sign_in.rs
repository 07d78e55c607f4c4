//! Signing in and out. Each sign-in has a name of its own, made then: one that somebody had put into the
//! browser before is worth nothing. The cart of the browser comes along (`domain::customer`), and so do
//! the checkout session that it names, and paid orders of the same mailbox that are nobody's yet.

use domain::{
    cart::Cart,
    contact::Email,
    customer::{Basket, Carts, Customer, Mailbox, Password, carts_on_sign_in},
    id::{CustomerId, SessionId, SignInId, VisitorId},
    shield::{Network, Trait},
};
use jiff::Timestamp;
use storage::{StoreError, Tx, cart, customer, customer_order, payment, session};

use super::{Browser, FlowError, Proof, Tried, count};
use crate::context::Context;

/// Orders that become a customer's in one transaction.
const CLAIMED_AT_ONCE: u32 = 200;

/// Somebody is signed in.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What her cookie names.
    pub sign_in: SignInId,
    /// Who she is.
    pub customer: CustomerId,
}

/// Signs a customer in who knows her password. Whoever does not hears the same as for an address that
/// has no account, and as late.
pub async fn sign_in(
    cx: &Context,
    (browser, network): (Browser, Option<Network>),
    email: Email,
    password: Password,
) -> Result<Opened, FlowError> {
    count(cx, Tried::SignIn, network, Some(Trait::Email(&email))).await?;
    let read = cx
        .store
        .read(Mailbox::of(&email), |tx, mailbox| Box::pin(customer::by_mailbox(tx, mailbox)));
    let known: Option<customer::Stored> = read.await.map_err(FlowError::Store)?;
    let kept = known.as_ref().map(|known| known.password.as_str());
    match (cx.accounts.passwords.is_right(&password, kept).await?, known) {
        (true, Some(known)) => {
            let proof = Proof { customer: known.customer.id, hash: known.password };
            open(cx, browser, proof).await
        }
        (true, None) | (false, Some(_) | None) => Err(FlowError::SignInRefused),
    }
}

/// Whether the password is hers who is signed in; tries are counted.
pub(super) async fn prove(
    cx: &Context,
    network: Option<Network>,
    customer: &customer::Stored,
    password: &Password,
) -> Result<bool, FlowError> {
    let of = Trait::Visitor(customer.customer.visitor);
    count(cx, Tried::OwnPassword, network, Some(of)).await?;
    cx.accounts.passwords.is_right(password, Some(&customer.password)).await
}

/// Signs out. What was in the cart stays the account's.
pub async fn sign_out(cx: &Context, sign_in: SignInId) -> Result<(), FlowError> {
    let write = cx.store.write(sign_in, |tx, id| Box::pin(customer::sign_out(tx, *id)));
    write.await.map_err(FlowError::Store)
}

/// Signs in somebody who has proven who she is.
pub(super) async fn open(
    cx: &Context,
    Browser { asker, session }: Browser,
    proof: Proof,
) -> Result<Opened, FlowError> {
    let customer = proof.customer;
    let opening = Opening {
        sign_in: SignInId(cx.ids.next()),
        proof,
        browser: asker.browser,
        session,
        before: asker.signed_in.map(|before| before.id),
        parked: VisitorId(cx.ids.next()),
        at: cx.clock.now(),
        until: cx.later(cx.accounts.rules.lasts),
    };
    let sign_in = opening.sign_in;
    cx.store.write(opening, |tx, opening| Box::pin(opening.run(tx))).await?;
    while claim(cx, customer).await? == CLAIMED_AT_ONCE as usize {}
    Ok(Opened { sign_in, customer })
}

/// Makes paid orders of her mailbox hers that are nobody's. A process that dies meanwhile leaves the rest to
/// her next sign-in.
async fn claim(cx: &Context, customer: CustomerId) -> Result<usize, FlowError> {
    let write = cx.store.write(customer, |tx, customer| {
        Box::pin(async move {
            // Not while she leaves: a dead customer has no order.
            let Some(known) = customer::lock(tx, *customer).await? else { return Ok(0) };
            let mailbox = Mailbox::of(&known.customer.email);
            customer_order::claim_all(tx, &mailbox, *customer, CLAIMED_AT_ONCE).await
        })
    });
    write.await.map_err(FlowError::Store)
}

struct Opening {
    sign_in: SignInId,
    proof: Proof,
    browser: VisitorId,
    session: Option<SessionId>,
    /// A sign-in that ends with this one.
    before: Option<SignInId>,
    /// Nobody: whose cart has been replaced is not shown to the browser's next user.
    parked: VisitorId,
    at: Timestamp,
    until: Timestamp,
}

impl Opening {
    async fn run(&self, tx: &mut Tx) -> Result<(), FlowError> {
        let known = self.proof.lock(tx).await?.ok_or(FlowError::SignInRefused)?;
        let named = (self.sign_in, known.customer.id);
        if !customer::sign_in(tx, named, (self.at, self.until)).await? {
            // A lost commit: it has been done.
            return Ok(());
        }
        if let Some(before) = self.before {
            customer::sign_out(tx, before).await?;
        }
        self.bring_cart(tx, &known.customer).await?;
        // After the cart: with it its checkout stays in sight, above all a challenge that waits for her.
        if let Some(session) = self.session {
            session::give(tx, session, (self.browser, known.customer.visitor)).await?;
        }
        Ok(())
    }

    async fn bring_cart(&self, tx: &mut Tx, customer: &Customer) -> Result<(), StoreError> {
        let browsers = cart::lock_of_visitor(tx, self.browser).await?;
        let accounts = cart::lock_of_visitor(tx, customer.visitor).await?;
        let decided = {
            let browsers = basket(tx, browsers.as_ref()).await?;
            carts_on_sign_in(browsers, basket(tx, accounts.as_ref()).await?)
        };
        let Some(browsers) = browsers else { return Ok(()) };
        match (decided, accounts) {
            (Carts::AccountsStays, _) => Ok(()),
            (Carts::IntoAccounts, Some(accounts)) => {
                let joined = accounts.clone().join(&browsers);
                cart::save_lines(tx, &accounts, &joined, self.at).await?;
                cart::save_lines(tx, &browsers, &browsers.clone().clear(), self.at).await
            }
            (Carts::BrowsersWithAccounts, Some(accounts)) => {
                let joined = browsers.clone().join(&accounts);
                cart::save_lines(tx, &browsers, &joined, self.at).await?;
                self.replace(tx, customer, &browsers, Some(&accounts)).await
            }
            (Carts::BrowsersAlone, accounts) => {
                self.replace(tx, customer, &browsers, accounts.as_ref()).await
            }
            (Carts::IntoAccounts | Carts::BrowsersWithAccounts, None) => {
                self.replace(tx, customer, &browsers, None).await
            }
        }
    }

    /// The browser's cart becomes the account's, under its own name; the order that is being paid of it
    /// is the customer's.
    async fn replace(
        &self,
        tx: &mut Tx,
        customer: &Customer,
        browsers: &Cart,
        accounts: Option<&Cart>,
    ) -> Result<(), StoreError> {
        if let Some(accounts) = accounts {
            cart::give(tx, accounts.id, self.parked).await?;
        }
        cart::give(tx, browsers.id, customer.visitor).await?;
        match payment::live_of_cart(tx, browsers.id).await? {
            Some(live) => customer_order::claim(tx, live.payment.order, customer.id).await,
            None => Ok(()),
        }
    }
}

async fn basket(tx: &mut Tx, cart: Option<&Cart>) -> Result<Option<Basket>, StoreError> {
    let Some(cart) = cart else { return Ok(None) };
    let is_being_paid = payment::live_of_cart(tx, cart.id).await?.is_some();
    Ok(Some(Basket { is_empty: cart.lines().is_empty(), is_being_paid }))
}
