//! Signing up: asking for an account, and proving that its address is one's own; the same for another
//! address of an account that is there.

use domain::{
    contact::Email,
    customer::{Customer, LetterKind, Mailbox, Password},
    id::{CustomerId, LetterId, VisitorId},
    shield::{Network, Trait},
};
use jiff::Timestamp;
use storage::{
    StoreError, Tx,
    customer::{self, Stored},
    customer_letter::{self, Letter},
};

use super::{
    Browser, FlowError, Proof, Tried, Wanted, count, letter, ring,
    sign_in::{Opened, open},
    tell_of_change,
};
use crate::context::Context;

/// Somebody wants an account. What comes of it is told to the address alone.
pub async fn register(
    cx: &Context,
    network: Option<Network>,
    wanted: Wanted,
    password: Password,
) -> Result<(), FlowError> {
    count(cx, Tried::Letter, network, Some(Trait::Email(&wanted.email))).await?;
    // Whether or not the address has an account: the answer takes as long.
    let hashed = cx.accounts.passwords.hash(&password, cx.ids.next()).await?;
    let Wanted { email, name } = wanted;
    let confirm = letter(cx, LetterKind::Confirm, email);
    let confirm = Letter { password: Some(hashed), name, ..confirm };
    let write = cx.store.write(confirm, |tx, confirm| Box::pin(ask(tx, confirm)));
    write.await.map_err(FlowError::Store)?;
    ring(cx);
    Ok(())
}

async fn ask(tx: &mut Tx, confirm: &Letter) -> Result<(), StoreError> {
    let known = customer::by_mailbox(tx, &Mailbox::of(&confirm.email)).await?;
    let letter = match known {
        None => confirm.clone(),
        Some(known) => to_known(known.customer, confirm),
    };
    customer_letter::put(tx, &letter, true).await
}

/// What goes to the address that was proven, in place of a letter to one that somebody has typed.
fn to_known(known: Customer, asked: &Letter) -> Letter {
    let Customer { id, email, .. } = known;
    let (kind, customer) = (LetterKind::Known, Some(id));
    Letter { kind, customer, email, password: None, name: None, ..asked.clone() }
}

/// A customer wants to be known by the address to which this letter goes.
pub(super) async fn ask_for_address(
    tx: &mut Tx,
    customer: CustomerId,
    letter: &Letter,
) -> Result<(), StoreError> {
    let known = customer::by_mailbox(tx, &Mailbox::of(&letter.email)).await?;
    let letter = match known {
        Some(known) if known.customer.id != customer => to_known(known.customer, letter),
        // Nobody's, or hers in other letters.
        Some(_) | None => Letter { customer: Some(customer), ..letter.clone() },
    };
    customer_letter::put(tx, &letter, true).await
}

/// Whoever has the link from a letter, and the password of whoever asked for it, has an account by
/// that address, and is signed in.
pub async fn confirm(
    cx: &Context,
    (browser, network): (Browser, Option<Network>),
    token: &str,
    password: Password,
) -> Result<Opened, FlowError> {
    let links = &cx.accounts.links;
    let kinds = [LetterKind::Confirm, LetterKind::NewAddress];
    let id = kinds.iter().find_map(|kind| links.letter(*kind, token));
    let id = id.ok_or(FlowError::LinkOver)?;
    let read = cx.store.read((id, cx.clock.now()), |tx, (id, now)| Box::pin(look(tx, *id, *now)));
    let (letter, kept) = read.await?.ok_or(FlowError::LinkOver)?;
    count(cx, Tried::SignIn, network, Some(Trait::Email(&letter.email))).await?;
    if !cx.accounts.passwords.is_right(&password, Some(&kept)).await? {
        return Err(FlowError::SignInRefused);
    }
    let proven = Proven {
        letter: id,
        hash: kept.clone(),
        new: CustomerId(cx.ids.next()),
        visitor: VisitorId(cx.ids.next()),
        // The address in it is the old one, which the transaction knows.
        notice: super::letter(cx, LetterKind::Changed, letter.email),
        at: cx.clock.now(),
    };
    let customer = cx.store.write(proven, |tx, proven| Box::pin(proven.take(tx))).await?;
    ring(cx);
    open(cx, browser, Proof { customer, hash: kept }).await
}

/// A letter whose link works, and the hash that its password must fit.
async fn look(
    tx: &mut Tx,
    id: LetterId,
    now: Timestamp,
) -> Result<Option<(Letter, String)>, FlowError> {
    let Some(letter) = customer_letter::open(tx, id, now).await? else { return Ok(None) };
    let kept = match (&letter.password, letter.customer) {
        (Some(hash), _) => Some(hash.clone()),
        (None, Some(customer)) => customer::by_id(tx, customer).await?.map(|one| one.password),
        (None, None) => None,
    };
    Ok(kept.map(|kept| (letter, kept)))
}

/// An address that is proven to be its asker's.
struct Proven {
    letter: LetterId,
    /// Fits the password that was typed.
    hash: String,
    new: CustomerId,
    visitor: VisitorId,
    notice: Letter,
    at: Timestamp,
}

impl Proven {
    async fn take(&self, tx: &mut Tx) -> Result<CustomerId, FlowError> {
        // A lost commit runs this again: what is ours already is done.
        if customer::by_id(tx, self.new).await?.is_some() {
            return Ok(self.new);
        }
        let Some(letter) = customer_letter::open(tx, self.letter, self.at).await? else {
            return self.taken_before(tx).await;
        };
        if !customer_letter::burn(tx, letter.id, self.at).await? {
            return Err(FlowError::LinkOver);
        }
        match (letter.kind, letter.customer, letter.password) {
            (LetterKind::Confirm, None, Some(password)) => {
                let (name, marketing, default_address) = (letter.name, None, None);
                let (id, visitor, created_at) = (self.new, self.visitor, self.at);
                let email = letter.email;
                let customer =
                    Customer { id, visitor, email, name, marketing, default_address, created_at };
                if !customer::insert(tx, &Stored { customer, password }).await? {
                    // Somebody with the same mailbox was faster: she herself, with another letter.
                    return Err(FlowError::LinkOver);
                }
                // It is no customer's, so that nobody would take it away with her account.
                customer_letter::delete(tx, self.letter).await?;
                Ok(id)
            }
            (LetterKind::NewAddress, Some(id), None) => self.change(tx, id, &letter.email).await,
            (
                LetterKind::Confirm
                | LetterKind::NewAddress
                | LetterKind::Known
                | LetterKind::Reset
                | LetterKind::Changed,
                ..,
            ) => Err(FlowError::LinkOver),
        }
    }

    async fn change(
        &self,
        tx: &mut Tx,
        id: CustomerId,
        email: &Email,
    ) -> Result<CustomerId, FlowError> {
        let proof = Proof { customer: id, hash: self.hash.clone() };
        let known = proof.lock(tx).await?.ok_or(FlowError::SignInRefused)?;
        let other = customer::by_mailbox(tx, &Mailbox::of(email)).await?;
        if other.is_some_and(|other| other.customer.id != id) {
            return Err(FlowError::LinkOver);
        }
        match customer::set_email(tx, id, email, self.at).await {
            // Somebody else has proven it since it was looked for.
            Err(StoreError::Duplicate { .. }) => return Err(FlowError::LinkOver),
            set => set?,
        }
        // A link that went to the old address is no longer hers to use; and whoever is signed in elsewhere
        // may be the one whom she leaves it for.
        customer_letter::burn_all(tx, id, LetterKind::Reset, self.at).await?;
        customer::sign_out_others(tx, id, None).await?;
        tell_of_change(tx, (&self.notice, &known.customer.email), id).await?;
        Ok(id)
    }

    /// Where this very transaction has changed the address, its notice is there.
    async fn taken_before(&self, tx: &mut Tx) -> Result<CustomerId, FlowError> {
        let notice = customer_letter::open(tx, self.notice.id, self.at).await?;
        notice.and_then(|notice| notice.customer).ok_or(FlowError::LinkOver)
    }
}
