//! Customers with their addresses, and where they are signed in. Whoever changes a customer's addresses
//! locks her row first.

use domain::contact::{Address, AddressDraft, Email};
use domain::customer::{
    ADDRESSES_MAX, Consent, ConsentText, Customer, KeptAddress, Mailbox, PersonName,
};
use domain::id::{AddressId, CustomerId, SignInId, VisitorId};
use jiff::Timestamp;

use crate::{Columns, Row, Sql, StoreError, Tx, Value, statements};

macro_rules! columns {
    () => {
        "id, visitor_id, email, password, name, marketing_at, marketing_text, \
         default_address_id, created_at"
    };
}

statements! {
    BY_ID = concat!("select ", columns!(), " from customers where id = ?1");
    LOCK = concat!("select ", columns!(), " from customers where id = ?1 for update");
    BY_MAILBOX = concat!("select ", columns!(), " from customers where mailbox = ?1");
    LOCK_OF_VISITOR = "select id from customers where visitor_id = ?1 for update";
    INSERT = concat!(
        "insert into customers (", columns!(), ", mailbox, updated_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?9)"
    );
    SAVE = "update customers set name = ?2, marketing_at = ?3, marketing_text = ?4, \
        default_address_id = ?5, updated_at = ?6 where id = ?1";
    SET_PASSWORD = "update customers set password = ?2, updated_at = ?3 where id = ?1";
    SET_EMAIL = "update customers set email = ?2, mailbox = ?3, updated_at = ?4 where id = ?1";
    DELETE = "delete from customers where id = ?1";
    ADDRESSES = "select id, name, company, street, postal_code, city, country, phone \
        from customer_addresses where customer_id = ?1 order by created_at, id limit ?2";
    INSERT_ADDRESS = "insert into customer_addresses (id, customer_id, name, company, street, \
        postal_code, city, country, phone, created_at) \
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    UPDATE_ADDRESS = "update customer_addresses set name = ?3, company = ?4, street = ?5, \
        postal_code = ?6, city = ?7, country = ?8, phone = ?9 where id = ?1 and customer_id = ?2";
    DELETE_ADDRESS = "delete from customer_addresses where id = ?1 and customer_id = ?2";
    DELETE_ADDRESSES = "delete from customer_addresses where customer_id = ?1";
    SIGNED_IN = "select s.id, s.customer_id, c.visitor_id from customer_sign_ins s \
        join customers c on c.id = s.customer_id where s.id = ?1 and s.expires_at > ?2";
    SIGN_IN = "insert into customer_sign_ins (id, customer_id, created_at, expires_at) \
        values (?1, ?2, ?3, ?4)";
    SIGN_OUT = "delete from customer_sign_ins where id = ?1";
    SIGN_OUT_OTHERS = "delete from customer_sign_ins where customer_id = ?1 and id <> ?2";
    SIGN_OUT_EVERYWHERE = "delete from customer_sign_ins where customer_id = ?1";
    OLD_SIGN_INS = "select id from customer_sign_ins where expires_at <= ?1 \
        order by expires_at limit ?2";
}

/// A customer as she is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Who she is.
    pub customer: Customer,
    /// The hash of her password, with its parameters.
    pub password: String,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stored({})", self.customer.id)
    }
}

/// Where a customer is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// What the cookie names.
    pub id: SignInId,
    /// Who.
    pub customer: CustomerId,
    /// Who she is to cart and checkout.
    pub visitor: VisitorId,
}

/// A customer, for looking at.
pub async fn by_id(tx: &mut Tx, id: CustomerId) -> Result<Option<Stored>, StoreError> {
    one(tx, &BY_ID, id.0.into()).await
}

/// A customer, locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: CustomerId) -> Result<Option<Stored>, StoreError> {
    one(tx, &LOCK, id.0.into()).await
}

/// The customer whose proven mailbox this is.
pub async fn by_mailbox(tx: &mut Tx, mailbox: &Mailbox) -> Result<Option<Stored>, StoreError> {
    one(tx, &BY_MAILBOX, mailbox.as_str().into()).await
}

/// The customer who is this visitor wherever she signs in, locked until the transaction ends.
pub async fn lock_of_visitor(
    tx: &mut Tx,
    visitor: VisitorId,
) -> Result<Option<CustomerId>, StoreError> {
    let row = tx.query_opt(&LOCK_OF_VISITOR, &[visitor.0.into()]).await?;
    row.map(|row| row.read("customers").id("id").map(CustomerId)).transpose()
}

/// Stores a new customer; `false`, and nothing stored, if her mailbox has an account or she is stored
/// already.
pub async fn insert(tx: &mut Tx, stored: &Stored) -> Result<bool, StoreError> {
    let Stored { customer, password } = stored;
    let mut params = vec![
        customer.id.0.into(),
        customer.visitor.0.into(),
        customer.email.as_str().into(),
        password.as_str().into(),
    ];
    params.extend(said_params(customer));
    params.push(customer.created_at.into());
    params.push(Mailbox::of(&customer.email).as_str().into());
    tx.insert_new(&INSERT, &params).await
}

/// Writes what she has said of herself, and which address is her first. The caller holds the lock.
pub async fn save(tx: &mut Tx, customer: &Customer, at: Timestamp) -> Result<(), StoreError> {
    let mut params = vec![customer.id.0.into()];
    params.extend(said_params(customer));
    params.push(at.into());
    tx.exec(&SAVE, &params).await.map(drop)
}

/// Name, consent, first address.
fn said_params(customer: &Customer) -> [Value; 4] {
    let Customer { name, marketing, default_address, .. } = customer;
    [
        name.as_ref().map(PersonName::as_str).into(),
        marketing.as_ref().map(|consent| consent.at).into(),
        marketing.as_ref().map(|consent| consent.text.as_str()).into(),
        default_address.map(|id| id.0).into(),
    ]
}

/// Writes the hash of another password. The caller holds the lock.
pub async fn set_password(
    tx: &mut Tx,
    id: CustomerId,
    password: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(&SET_PASSWORD, &[id.0.into(), password.into(), at.into()]).await.map(drop)
}

/// Writes another address. The caller knows that its mailbox is nobody else's.
pub async fn set_email(
    tx: &mut Tx,
    id: CustomerId,
    email: &Email,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mailbox = Mailbox::of(email);
    let params = [id.0.into(), email.as_str().into(), mailbox.as_str().into(), at.into()];
    tx.exec(&SET_EMAIL, &params).await.map(drop)
}

/// Deletes a customer with her addresses and sign-ins. The caller holds the lock.
pub async fn delete(tx: &mut Tx, id: CustomerId) -> Result<(), StoreError> {
    for sql in [&DELETE_ADDRESSES, &SIGN_OUT_EVERYWHERE, &DELETE] {
        tx.exec(sql, &[id.0.into()]).await?;
    }
    Ok(())
}

/// Her addresses, in the order in which she added them.
pub async fn addresses(tx: &mut Tx, of: CustomerId) -> Result<Vec<KeptAddress>, StoreError> {
    let limit = Value::from(i64::try_from(ADDRESSES_MAX).unwrap_or(i64::MAX));
    let rows = tx.query(&ADDRESSES, &[of.0.into(), limit]).await?;
    rows.into_iter().map(address).collect()
}

/// Keeps an address, unless it is kept already.
pub async fn insert_address(
    tx: &mut Tx,
    of: CustomerId,
    kept: &KeptAddress,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut params = vec![kept.id.0.into(), of.0.into()];
    params.extend(address_params(&kept.address));
    params.push(at.into());
    tx.insert_new(&INSERT_ADDRESS, &params).await.map(drop)
}

/// Changes an address; `false` if she has none with this id.
pub async fn update_address(
    tx: &mut Tx,
    of: CustomerId,
    kept: &KeptAddress,
) -> Result<bool, StoreError> {
    let mut params = vec![kept.id.0.into(), of.0.into()];
    params.extend(address_params(&kept.address));
    Ok(tx.exec(&UPDATE_ADDRESS, &params).await? == 1)
}

/// Deletes an address; `false` if she has none with this id.
pub async fn delete_address(
    tx: &mut Tx,
    of: CustomerId,
    id: AddressId,
) -> Result<bool, StoreError> {
    Ok(tx.exec(&DELETE_ADDRESS, &[id.0.into(), of.0.into()]).await? == 1)
}

/// Who is signed in by this name, if she still is.
pub async fn signed_in(
    tx: &mut Tx,
    id: SignInId,
    now: Timestamp,
) -> Result<Option<SignedIn>, StoreError> {
    let row = tx.query_opt(&SIGNED_IN, &[id.0.into(), now.into()]).await?;
    let signed_in = row.map(|row| {
        let mut row = row.read("customer_sign_ins");
        let id = SignInId(row.id("id")?);
        let customer = CustomerId(row.id("customer_id")?);
        Ok(SignedIn { id, customer, visitor: VisitorId(row.id("visitor_id")?) })
    });
    signed_in.transpose()
}

/// Signs a customer in; `false` if this very sign-in has been made already.
pub async fn sign_in(
    tx: &mut Tx,
    (id, customer): (SignInId, CustomerId),
    (at, until): (Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    tx.insert_new(&SIGN_IN, &[id.0.into(), customer.0.into(), at.into(), until.into()]).await
}

/// Ends a sign-in.
pub async fn sign_out(tx: &mut Tx, id: SignInId) -> Result<(), StoreError> {
    tx.exec(&SIGN_OUT, &[id.0.into()]).await.map(drop)
}

/// Ends all sign-ins of a customer but the one that is kept.
pub async fn sign_out_others(
    tx: &mut Tx,
    customer: CustomerId,
    kept: Option<SignInId>,
) -> Result<(), StoreError> {
    let customer = Value::from(customer.0);
    let done = match kept {
        Some(kept) => tx.exec(&SIGN_OUT_OTHERS, &[customer, kept.0.into()]).await,
        None => tx.exec(&SIGN_OUT_EVERYWHERE, &[customer]).await,
    };
    done.map(drop)
}

/// Up to `limit` sign-ins whose time has passed.
pub async fn old_sign_ins(
    tx: &mut Tx,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<SignInId>, StoreError> {
    let rows = tx.query(&OLD_SIGN_INS, &[now.into(), limit.into()]).await?;
    rows.into_iter().map(|row| row.read("customer_sign_ins").id("id").map(SignInId)).collect()
}

async fn one(tx: &mut Tx, sql: &'static Sql, key: Value) -> Result<Option<Stored>, StoreError> {
    tx.query_opt(sql, &[key]).await?.map(read).transpose()
}

/// Parses without repeating what it read: no personal data in logs.
pub(crate) fn email(row: &mut Columns, column: &'static str) -> Result<Email, StoreError> {
    row.parsed(column, |text| text.parse::<Email>().map_err(|_| "not an address"))
}

fn read(row: Row) -> Result<Stored, StoreError> {
    let mut row = row.read("customers");
    let id = CustomerId(row.id("id")?);
    let visitor = VisitorId(row.id("visitor_id")?);
    let email = email(&mut row, "email")?;
    let password = row.text("password")?;
    let name = row.text_opt("name")?.map(|name| name.parse::<PersonName>()).transpose();
    let name = name.map_err(|_| row.corrupt("name", "not a name"))?;
    let since = row.time_opt("marketing_at")?;
    let text = row.text_opt("marketing_text")?.map(|text| text.parse::<ConsentText>()).transpose();
    let text = text.map_err(|_| row.corrupt("marketing_text", "not one line"))?;
    let marketing = since.zip(text).map(|(at, text)| Consent { at, text });
    let default_address = row.id_opt("default_address_id")?.map(AddressId);
    let created_at = row.time("created_at")?;
    let customer = Customer { id, visitor, email, name, marketing, default_address, created_at };
    Ok(Stored { customer, password })
}

fn address_params(address: &Address) -> [Value; 7] {
    [
        address.name().into(),
        address.company().into(),
        address.street().into(),
        address.postal_code().into(),
        address.city().into(),
        address.country().as_str().into(),
        address.phone().into(),
    ]
}

fn address(row: Row) -> Result<KeptAddress, StoreError> {
    let mut row = row.read("customer_addresses");
    let id = AddressId(row.id("id")?);
    let draft = AddressDraft {
        name: row.text("name")?,
        company: row.text_opt("company")?,
        street: row.text("street")?,
        postal_code: row.text("postal_code")?,
        city: row.text("city")?,
        country: row.text("country")?,
        phone: row.text_opt("phone")?,
    };
    let address = Address::restore(draft).map_err(|error| row.corrupt("country", &error))?;
    Ok(KeptAddress { id, address })
}
