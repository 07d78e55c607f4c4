//! Letters to customers: each is mail to be sent, claimed by lease, and what its link is good for, once.
//! The link is not in the row; see the server's `customer_link`.

use domain::contact::Email;
use domain::customer::{LetterKind, PersonName};
use domain::id::{CustomerId, LetterId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::customer::email;
use crate::lease::{Claims, shortened};
use crate::{Lease, Row, StoreError, Tx, statements};

macro_rules! columns {
    () => {
        "id, kind, customer_id, email, password, name, created_at, expires_at"
    };
}

statements! {
    INSERT = concat!(
        "insert into customer_letters (", columns!(), ", due_at, tries) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)"
    );
    OPEN = concat!(
        "select ", columns!(), " from customer_letters \
         where id = ?1 and used_at is null and expires_at > ?2"
    );
    BURN = "update customer_letters set used_at = ?2 where id = ?1 and used_at is null";
    BURN_ALL = "update customer_letters set used_at = ?3 \
        where customer_id = ?1 and kind = ?2 and used_at is null";
    DUE = "select id from customer_letters where due_at <= ?1 \
        and (lease_until is null or lease_until <= ?1) and expires_at > ?1 \
        order by case when kind = 'reset' then 0 else 1 end, due_at, id limit ?2";
    TAKE = "update customer_letters set lease_token = ?2, lease_until = ?3, tries = tries + 1 \
        where id = ?1 and due_at <= ?4 and (lease_until is null or lease_until <= ?4)";
    TAKEN = concat!(
        "select ", columns!(), ", tries from customer_letters where due_at <= ?1 \
         and lease_token = ?2 order by due_at, id limit ?3"
    );
    SETTLE = "update customer_letters set due_at = ?2, last_outcome = ?3, lease_token = null, \
        lease_until = null where id = ?1 and lease_token = ?4 and due_at is not null";
    OLD = "select id from customer_letters where expires_at <= ?1 order by expires_at limit ?2";
    DELETE = "delete from customer_letters where id = ?1";
    DELETE_OF_CUSTOMER = "delete from customer_letters where customer_id = ?1";
    DUE_COUNT = "select count(*) as letters from customer_letters where due_at is not null";
}

static CLAIMS: Claims = Claims { due: &DUE, take: &TAKE, taken: &TAKEN };

/// A letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Our id.
    pub id: LetterId,
    /// What it says.
    pub kind: LetterKind,
    /// Of whom; nobody where there is no account yet, or none at all.
    pub customer: Option<CustomerId>,
    /// To whom.
    pub email: Email,
    /// The hash of the password that the account will have.
    pub password: Option<String>,
    /// The name that it will have.
    pub name: Option<PersonName>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// From when on it does not matter any more.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Letter({} {})", self.id, self.kind.name())
    }
}

/// Writes a letter down, unless it is already; one that is `sent` is due at once, and any other never.
pub async fn put(tx: &mut Tx, letter: &Letter, sent: bool) -> Result<(), StoreError> {
    let params = [
        letter.id.0.into(),
        letter.kind.name().into(),
        letter.customer.map(|customer| customer.0).into(),
        letter.email.as_str().into(),
        letter.password.as_deref().into(),
        letter.name.as_ref().map(PersonName::as_str).into(),
        letter.created_at.into(),
        letter.expires_at.into(),
        sent.then_some(letter.created_at).into(),
    ];
    tx.insert_new(&INSERT, &params).await.map(drop)
}

/// A letter whose link still works.
pub async fn open(tx: &mut Tx, id: LetterId, now: Timestamp) -> Result<Option<Letter>, StoreError> {
    tx.query_opt(&OPEN, &[id.0.into(), now.into()]).await?.map(read).transpose()
}

/// Its link has been used; `false` if it had been before.
pub async fn burn(tx: &mut Tx, id: LetterId, at: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.exec(&BURN, &[id.0.into(), at.into()]).await? == 1)
}

/// No link of this kind of the customer's works any more.
pub async fn burn_all(
    tx: &mut Tx,
    customer: CustomerId,
    kind: LetterKind,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(&BURN_ALL, &[customer.0.into(), kind.name().into(), at.into()]).await.map(drop)
}

/// Leases up to `limit` letters that are due and matter still, resets first, each with how often it has
/// been tried.
pub async fn claim_due(
    tx: &mut Tx,
    now: Timestamp,
    lease: &Lease,
    limit: u32,
) -> Result<Vec<(Letter, u32)>, StoreError> {
    let rows = CLAIMS.claim(tx, now, lease, limit).await?;
    let letters = rows.into_iter().map(|row| {
        let tries = row.clone().read("customer_letters").count("tries")?;
        Ok((read(row)?, tries))
    });
    letters.collect()
}

/// How a try ended that was made under a claim, and when the next one is; none where none follows. Where
/// the claim has run out somebody else says it.
pub async fn settle(
    tx: &mut Tx,
    (id, claim): (LetterId, Uuid),
    next: Option<Timestamp>,
    outcome: &str,
) -> Result<(), StoreError> {
    let params = [id.0.into(), next.into(), shortened(outcome).into(), claim.into()];
    tx.exec(&SETTLE, &params).await.map(drop)
}

/// Up to `limit` letters that do not matter any more.
pub async fn old(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<LetterId>, StoreError> {
    let rows = tx.query(&OLD, &[now.into(), limit.into()]).await?;
    rows.into_iter().map(|row| row.read("customer_letters").id("id").map(LetterId)).collect()
}

/// Deletes a letter.
pub async fn delete(tx: &mut Tx, id: LetterId) -> Result<(), StoreError> {
    tx.exec(&DELETE, &[id.0.into()]).await.map(drop)
}

/// Deletes all letters to a customer.
pub async fn delete_of_customer(tx: &mut Tx, customer: CustomerId) -> Result<(), StoreError> {
    tx.exec(&DELETE_OF_CUSTOMER, &[customer.0.into()]).await.map(drop)
}

/// How many letters wait to be sent.
pub async fn due_count(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = tx.query_opt(&DUE_COUNT, &[]).await?;
    row.map_or(Ok(0), |row| row.read("customer_letters").int("letters"))
}

fn read(row: Row) -> Result<Letter, StoreError> {
    let mut row = row.read("customer_letters");
    let id = LetterId(row.id("id")?);
    let kind = row.parsed("kind", |name| {
        LetterKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or("not a kind we know")
    })?;
    let customer = row.id_opt("customer_id")?.map(CustomerId);
    let email = email(&mut row, "email")?;
    let password = row.text_opt("password")?;
    let name = row.text_opt("name")?.map(|name| name.parse::<PersonName>()).transpose();
    let name = name.map_err(|_| row.corrupt("name", "not a name"))?;
    let (created_at, expires_at) = (row.time("created_at")?, row.time("expires_at")?);
    Ok(Letter { id, kind, customer, email, password, name, created_at, expires_at })
}
