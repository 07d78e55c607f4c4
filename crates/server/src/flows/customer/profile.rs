//! What belongs to a customer: what she says of herself, her addresses, her orders; and her leaving.

use domain::{
    contact::{Address, Email},
    customer::{
        ADDRESSES_MAX, Consent, ConsentText, Customer, KeptAddress, LetterKind, Password,
        PersonName,
    },
    id::{AddressId, CustomerId, OrderId},
    shield::{Network, Trait},
};
use jiff::Timestamp;
use storage::{
    StoreError, Tx,
    customer::{self, SignedIn, Stored},
    customer_letter::{self, Letter},
    customer_order,
};

use super::{FlowError, Proof, Tried, count, join, letter, ring, sign_in::prove, tell_of_change};
use crate::{
    context::Context,
    flows::see_order::{self, Seen},
};

/// A customer, and where goods may go.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Who she is.
    pub customer: Customer,
    /// Her addresses, in the order in which she added them.
    pub addresses: Vec<KeptAddress>,
}

/// What a customer says of herself anew; what is not there stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Another name, or none any more.
    pub name: Option<Option<PersonName>>,
    /// What she agrees to hear, or that she wants to hear nothing more.
    pub marketing: Option<Option<ConsentText>>,
    /// Another address, once it is proven.
    pub email: Option<Email>,
    /// Another password.
    pub new_password: Option<Password>,
    /// Hers, without which neither of these two changes.
    pub password: Option<Password>,
}

/// The customer.
pub async fn look(cx: &Context, customer: CustomerId) -> Result<Profile, FlowError> {
    let read = cx.store.read(customer, |tx, id| Box::pin(read(tx, *id)));
    read.await.map_err(FlowError::Store)?.ok_or(FlowError::NobodySignedIn)
}

async fn read(tx: &mut Tx, id: CustomerId) -> Result<Option<Profile>, StoreError> {
    let Some(Stored { customer, .. }) = customer::by_id(tx, id).await? else { return Ok(None) };
    let addresses = customer::addresses(tx, id).await?;
    Ok(Some(Profile { customer, addresses }))
}

/// Changes what a customer has said, all of it or nothing. Another address is asked for, and becomes hers
/// by its letter.
pub async fn change(
    cx: &Context,
    (signed_in, network): (SignedIn, Option<Network>),
    changes: Changes,
) -> Result<Profile, FlowError> {
    let Changes { name, marketing, email, new_password, password } = changes;
    let mut proof = None;
    if email.is_some() || new_password.is_some() {
        proof = Some(check_password(cx, (signed_in, network), password).await?);
    }
    // Whatever may be refused comes before the one transaction: then nothing has changed.
    let mut chosen = None;
    if let Some(password) = new_password {
        chosen = Some(cx.accounts.passwords.hash(&password, cx.ids.next()).await?);
    }
    if let Some(email) = &email {
        count(cx, Tried::Letter, network, Some(Trait::Email(email))).await?;
    }
    let own = look(cx, signed_in.customer).await?.customer.email;
    let changing = Changing {
        signed_in,
        proof,
        name,
        marketing,
        asks: email.map(|email| letter(cx, LetterKind::NewAddress, email)),
        chosen,
        notice: letter(cx, LetterKind::Changed, own),
        at: cx.clock.now(),
    };
    let profile = cx.store.write(changing, |tx, changing| Box::pin(changing.run(tx))).await?;
    ring(cx);
    Ok(profile)
}

struct Changing {
    signed_in: SignedIn,
    /// Where an address or a password is among the changes.
    proof: Option<Proof>,
    name: Option<Option<PersonName>>,
    marketing: Option<Option<ConsentText>>,
    /// To the new address.
    asks: Option<Letter>,
    /// The hash of the new password.
    chosen: Option<String>,
    notice: Letter,
    at: Timestamp,
}

impl Changing {
    async fn run(&self, tx: &mut Tx) -> Result<Profile, FlowError> {
        let id = self.signed_in.customer;
        // A lost commit runs this again: what is ours already is done.
        if self.chosen.is_some()
            && customer_letter::open(tx, self.notice.id, self.at).await?.is_some()
        {
            return read(tx, id).await?.ok_or(FlowError::NobodySignedIn);
        }
        let known = match &self.proof {
            Some(proof) => lock(tx, proof, (self.signed_in, self.at)).await?,
            None => customer::lock(tx, id).await?.ok_or(FlowError::NobodySignedIn)?,
        };
        if let Some(asks) = &self.asks {
            join::ask_for_address(tx, id, asks).await?;
        }
        self.say(tx, known.customer.clone()).await?;
        if let Some(hash) = &self.chosen {
            self.set_password(tx, &known.customer, hash).await?;
        }
        read(tx, id).await?.ok_or(FlowError::NobodySignedIn)
    }

    async fn say(&self, tx: &mut Tx, known: Customer) -> Result<(), StoreError> {
        let Self { name, marketing, at, .. } = self;
        if name.is_none() && marketing.is_none() {
            return Ok(());
        }
        let consent = |text| Consent { at: *at, text };
        let customer = Customer {
            name: name.clone().unwrap_or(known.name),
            marketing: marketing.clone().map_or(known.marketing, |text| text.map(consent)),
            ..known
        };
        customer::save(tx, &customer, *at).await
    }

    /// Ends her other sign-ins too: she may do this because somebody else knew the old one.
    async fn set_password(
        &self,
        tx: &mut Tx,
        Customer { id, email, .. }: &Customer,
        hash: &str,
    ) -> Result<(), StoreError> {
        customer::set_password(tx, *id, hash, self.at).await?;
        customer_letter::burn_all(tx, *id, LetterKind::Reset, self.at).await?;
        customer::sign_out_others(tx, *id, Some(self.signed_in.id)).await?;
        tell_of_change(tx, (&self.notice, email), *id).await
    }
}

/// Whoever finds a browser that somebody has left open does not know her password.
async fn check_password(
    cx: &Context,
    (signed_in, network): (SignedIn, Option<Network>),
    password: Option<Password>,
) -> Result<Proof, FlowError> {
    let read = cx.store.read(signed_in.customer, |tx, id| Box::pin(customer::by_id(tx, *id)));
    let known: Option<Stored> = read.await.map_err(FlowError::Store)?;
    let known = known.ok_or(FlowError::NobodySignedIn)?;
    let Some(password) = password else { return Err(FlowError::PasswordNeeded) };
    match prove(cx, network, &known, &password).await? {
        true => Ok(Proof { customer: signed_in.customer, hash: known.password }),
        false => Err(FlowError::PasswordNeeded),
    }
}

/// The customer, locked, if the password that was right is hers still, and she is signed in where it
/// was typed.
async fn lock(
    tx: &mut Tx,
    proof: &Proof,
    (signed_in, at): (SignedIn, Timestamp),
) -> Result<Stored, FlowError> {
    let known = proof.lock(tx).await?.ok_or(FlowError::NobodySignedIn)?;
    let still = customer::signed_in(tx, signed_in.id, at).await?;
    still.map(|_| known).ok_or(FlowError::NobodySignedIn)
}

/// What a customer does with an address.
#[derive(Debug, Clone)]
pub enum AddressChange {
    /// Keeps one more.
    Add(AddressId, Address),
    /// Replaces one.
    Set(AddressId, Address),
    /// Makes one the first.
    Prefer(AddressId),
    /// Forgets one.
    Remove(AddressId),
}

/// Changes a customer's addresses, one change after the other; the first that she keeps is her first.
pub async fn change_addresses(
    cx: &Context,
    customer: CustomerId,
    changes: Vec<AddressChange>,
) -> Result<Profile, FlowError> {
    let input = (customer, changes, cx.clock.now());
    let write = cx.store.write(input, |tx, (id, changes, at)| {
        Box::pin(async move {
            let mut customer =
                customer::lock(tx, *id).await?.ok_or(FlowError::NobodySignedIn)?.customer;
            for change in changes {
                customer = apply(tx, customer, change, *at).await?;
            }
            customer::save(tx, &customer, *at).await?;
            read(tx, *id).await?.ok_or(FlowError::NobodySignedIn)
        })
    });
    write.await
}

async fn apply(
    tx: &mut Tx,
    customer: Customer,
    change: &AddressChange,
    at: Timestamp,
) -> Result<Customer, FlowError> {
    let kept = customer::addresses(tx, customer.id).await?;
    let first = customer.default_address;
    let default_address = match change {
        AddressChange::Add(new, address) => {
            let is_new = kept.iter().all(|known| known.id != *new);
            if is_new && kept.len() >= ADDRESSES_MAX {
                return Err(FlowError::TooManyAddresses);
            }
            let address = KeptAddress { id: *new, address: address.clone() };
            customer::insert_address(tx, customer.id, &address, at).await?;
            first.or(Some(*new))
        }
        AddressChange::Set(id, address) => {
            let address = KeptAddress { id: *id, address: address.clone() };
            if !customer::update_address(tx, customer.id, &address).await? {
                return Err(FlowError::NoSuchAddress);
            }
            first
        }
        AddressChange::Prefer(id) => {
            if !kept.iter().any(|known| known.id == *id) {
                return Err(FlowError::NoSuchAddress);
            }
            Some(*id)
        }
        AddressChange::Remove(id) => {
            if !customer::delete_address(tx, customer.id, *id).await? {
                return Err(FlowError::NoSuchAddress);
            }
            let oldest = kept.iter().map(|known| known.id).find(|known| known != id);
            first.filter(|first| first != id).or(oldest)
        }
    };
    Ok(Customer { default_address, ..customer })
}

/// A page of the customer's orders, newest first, and where the next one begins.
pub async fn orders(
    cx: &Context,
    customer: CustomerId,
    (before, limit): (Option<OrderId>, u32),
) -> Result<(Vec<Seen>, Option<OrderId>), FlowError> {
    let read = cx.store.read((customer, before, limit), |tx, (customer, before, limit)| {
        Box::pin(async move {
            // One more than asked for tells whether there is a next page.
            let mut ids = customer_order::newest(tx, *customer, *before, limit + 1).await?;
            let more = ids.len() > *limit as usize;
            ids.truncate(*limit as usize);
            let next = ids.last().copied().filter(|_| more);
            let mut page = Vec::with_capacity(ids.len());
            for id in ids {
                page.extend(see_order::read(tx, id).await?);
            }
            Ok::<_, StoreError>((page, next))
        })
    });
    Ok(read.await?)
}

/// A customer leaves. Her orders stay, as the law wants them to, and are nobody's; what else was kept of
/// her goes.
pub async fn leave(
    cx: &Context,
    (signed_in, network): (SignedIn, Option<Network>),
    password: Password,
) -> Result<(), FlowError> {
    let proof = check_password(cx, (signed_in, network), Some(password)).await?;
    let input = (signed_in, proof, cx.clock.now());
    let write = cx
        .store
        .write(input, |tx, (signed_in, proof, at)| Box::pin(delete(tx, proof, (*signed_in, *at))));
    write.await
}

async fn delete(
    tx: &mut Tx,
    proof: &Proof,
    signed_in: (SignedIn, Timestamp),
) -> Result<(), FlowError> {
    let id = proof.customer;
    if customer::lock(tx, id).await?.is_none() {
        // A lost commit, or another tab.
        return Ok(());
    }
    lock(tx, proof, signed_in).await?;
    customer_order::release(tx, id).await?;
    customer_letter::delete_of_customer(tx, id).await?;
    Ok(customer::delete(tx, id).await?)
}
