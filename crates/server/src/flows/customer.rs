//! Customers: signing up, in and out, and what belongs to them.
//!
//! Nobody finds out here whether an address has an account. Whoever asks is told the same, after the
//! same work, in the same time; what differs goes to the mailbox. An account is made by the link in that
//! mail *and* the password of whoever asked for it: the link alone proves the mailbox, not that its
//! owner wants to share an account with a stranger who typed her address.
//!
//! What if the process dies? Each step is one transaction. A letter is a row that is due in the step's
//! own transaction; a link is used up in the transaction that does what it is for.

pub mod join;
pub mod post;
pub mod profile;
pub mod reset;
pub mod sign_in;

use std::time::Duration;

use domain::{
    contact::Email,
    customer::{LetterKind, PersonName},
    id::{CustomerId, LetterId, SessionId, VisitorId},
    shield::{Key, Limited, Network, PerHour, Trait},
};
use jiff::Timestamp;
use storage::{
    StoreError, Tx,
    customer::{self, SignedIn, Stored},
    customer_letter::{self, Letter},
    customer_level,
};

use super::FlowError;
use crate::{context::Context, customer_link::CustomerLinks, password::Passwords};

/// What accounts are made of.
pub struct Accounts {
    /// The key of the marks under which tries are counted.
    pub key: Key,
    /// The links in letters.
    pub links: CustomerLinks,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// What the merchant decides.
    pub rules: AccountRules,
}

/// What the merchant decides of accounts.
#[derive(Debug, Clone, Copy)]
pub struct AccountRules {
    /// Tries to sign in.
    pub sign_ins: TryLimits,
    /// Letters that somebody has sent to an address.
    pub letters: TryLimits,
    /// How long a sign-in lasts.
    pub lasts: Duration,
}

/// How often something may be tried in an hour.
#[derive(Debug, Clone, Copy)]
pub struct TryLimits {
    /// From one network; a whole office may share it.
    pub network: PerHour,
    /// For one e-mail address.
    pub email: PerHour,
}

/// Who asks: her browser, and who she is where she is signed in.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// The visitor of her cookie.
    pub browser: VisitorId,
    /// Where she is signed in.
    pub signed_in: Option<SignedIn>,
}

/// The browser in which somebody signs in.
#[derive(Debug, Clone, Copy)]
pub struct Browser {
    /// Who she was there.
    pub asker: Asker,
    /// The checkout session that its cookie names.
    pub session: Option<SessionId>,
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
enum Tried {
    SignIn,
    Letter,
    /// Her password, by who is signed in. Nobody else's tries are counted there: whoever guesses at it
    /// from elsewhere does not keep her from changing it.
    OwnPassword,
}

impl Tried {
    fn purpose(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Letter => "letter",
            Self::OwnPassword => "own password",
        }
    }
}

/// Counts a try, or refuses it. Tries for an address are counted whether or not it has an account.
async fn count(
    cx: &Context,
    what: Tried,
    network: Option<Network>,
    of: Option<Trait<'_>>,
) -> Result<(), FlowError> {
    let Accounts { key, rules, .. } = &cx.accounts;
    let limits = match what {
        Tried::SignIn | Tried::OwnPassword => rules.sign_ins,
        Tried::Letter => rules.letters,
    };
    let mark = |of| key.mark_for(what.purpose(), of);
    let network = network.map(|one| (mark(Trait::Network(one)), limits.network));
    let of = of.map(|one| (mark(one), limits.email));
    let limited: Vec<Limited> = network.into_iter().chain(of).collect();
    let input = (limited, cx.clock.now());
    let wait = cx
        .store
        .write(input, |tx, (limited, now)| Box::pin(customer_level::count(tx, limited, *now)));
    let wait: Option<Duration> = wait.await.map_err(FlowError::Store)?;
    wait.map_or(Ok(()), |wait| Err(FlowError::TooOften { wait }))
}

/// A customer, and the hash that fits the password of whoever asks in her name.
#[derive(Clone)]
struct Proof {
    customer: CustomerId,
    hash: String,
}

impl Proof {
    /// The customer, locked, if that is her password still. It was compared outside of a transaction,
    /// after waiting for a turn, and she may have chosen another meanwhile, perhaps because somebody
    /// knew this one: what the old one began does not outlive it.
    async fn lock(&self, tx: &mut Tx) -> Result<Option<Stored>, StoreError> {
        let known = customer::lock(tx, self.customer).await?;
        Ok(known.filter(|known| known.password == self.hash))
    }
}

/// A letter that is asked for now.
fn letter(cx: &Context, kind: LetterKind, email: Email) -> Letter {
    let created_at = cx.clock.now();
    let expires_at = created_at.checked_add(kind.lives()).unwrap_or(Timestamp::MAX);
    let id = LetterId(cx.ids.next());
    let (customer, password, name) = (None, None, None);
    Letter { id, kind, customer, email, password, name, created_at, expires_at }
}

/// What an account that somebody asks for will have.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Her address, not proven yet.
    pub email: Email,
    /// How she wants to be called.
    pub name: Option<PersonName>,
}

/// Tells a customer that something of hers is another now.
async fn tell_of_change(
    tx: &mut Tx,
    (notice, email): (&Letter, &Email),
    customer: CustomerId,
) -> Result<(), StoreError> {
    let notice = Letter { customer: Some(customer), email: email.clone(), ..notice.clone() };
    customer_letter::put(tx, &notice, true).await
}

/// Letters may be due.
fn ring(cx: &Context) {
    cx.bells.letters.notify_one();
}
