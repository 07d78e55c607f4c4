//! Choosing another password by mail, for whoever has forgotten hers.

use domain::{
    contact::Email,
    customer::{Customer, LetterKind, Mailbox, Password},
    id::LetterId,
    shield::{Key, Network, Trait},
};
use jiff::Timestamp;
use storage::{
    StoreError, Tx, customer,
    customer_letter::{self, Letter},
    customer_level,
};

use super::{FlowError, Tried, count, letter, ring, tell_of_change};
use crate::context::Context;

/// Sends a link to the address, if it has an account; nobody but its mailbox learns whether it has.
pub async fn ask(cx: &Context, network: Option<Network>, email: Email) -> Result<(), FlowError> {
    count(cx, Tried::Letter, network, Some(Trait::Email(&email))).await?;
    let reset = letter(cx, LetterKind::Reset, email);
    let write = cx.store.write(reset, |tx, reset| Box::pin(write_down(tx, reset)));
    write.await.map_err(FlowError::Store)?;
    ring(cx);
    Ok(())
}

/// One row either way: the answer takes as long. The link goes to the address that was proven: what was
/// typed is the same to us, but who knows what a mail server makes of other letters.
async fn write_down(tx: &mut Tx, reset: &Letter) -> Result<(), StoreError> {
    let known = customer::by_mailbox(tx, &Mailbox::of(&reset.email)).await?;
    let reset = match known.map(|known| known.customer) {
        Some(Customer { id, email, .. }) => Letter { customer: Some(id), email, ..reset.clone() },
        None => reset.clone(),
    };
    customer_letter::put(tx, &reset, reset.customer.is_some()).await
}

/// Whoever has the link from a letter chooses another password. She is signed in nowhere afterwards:
/// somebody else may have been.
pub async fn finish(
    cx: &Context,
    network: Option<Network>,
    token: &str,
    password: Password,
) -> Result<(), FlowError> {
    let id = cx.accounts.links.letter(LetterKind::Reset, token).ok_or(FlowError::LinkOver)?;
    count(cx, Tried::SignIn, network, None).await?;
    let password = cx.accounts.passwords.hash(&password, cx.ids.next()).await?;
    let read = cx
        .store
        .read((id, cx.clock.now()), |tx, (id, now)| Box::pin(customer_letter::open(tx, *id, *now)));
    let reset: Option<Letter> = read.await.map_err(FlowError::Store)?;
    let email = reset.ok_or(FlowError::LinkOver)?.email;
    let notice = letter(cx, LetterKind::Changed, email);
    let (key, at) = (cx.accounts.key.clone(), cx.clock.now());
    let chosen = Chosen { letter: id, password, notice, key, at };
    cx.store.write(chosen, |tx, chosen| Box::pin(chosen.take(tx))).await?;
    ring(cx);
    Ok(())
}

struct Chosen {
    letter: LetterId,
    password: String,
    notice: Letter,
    /// The key of the marks.
    key: Key,
    at: Timestamp,
}

impl Chosen {
    async fn take(&self, tx: &mut Tx) -> Result<(), FlowError> {
        // A lost commit runs this again: what is ours already is done.
        if customer_letter::open(tx, self.notice.id, self.at).await?.is_some() {
            return Ok(());
        }
        let letter = customer_letter::open(tx, self.letter, self.at).await?;
        let customer = letter.and_then(|letter| letter.customer).ok_or(FlowError::LinkOver)?;
        let known = customer::lock(tx, customer).await?.ok_or(FlowError::LinkOver)?;
        if !customer_letter::burn(tx, self.letter, self.at).await? {
            return Err(FlowError::LinkOver);
        }
        customer::set_password(tx, customer, &self.password, self.at).await?;
        customer_letter::burn_all(tx, customer, LetterKind::Reset, self.at).await?;
        customer::sign_out_others(tx, customer, None).await?;
        // She may sign in at once, however often others have tried in vain.
        let tries = Trait::Email(&known.customer.email);
        customer_level::empty(tx, self.key.mark_for(Tried::SignIn.purpose(), tries)).await?;
        tell_of_change(tx, (&self.notice, &known.customer.email), customer).await?;
        Ok(())
    }
}
