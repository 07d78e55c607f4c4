//! Which cart at the commerce platform is a visitor's. The platform makes a cart of any id it is
//! asked for, so the id is written down before it is used, and a lost answer leaves no cart that
//! nobody knows.

use domain::elastic_path::EpCartId;
use domain::id::VisitorId;
use jiff::Timestamp;

use crate::{StoreError, Tx, statements};

statements! {
    OF_VISITOR = "select cart_id from platform_carts where visitor_id = ?1";
    INSERT = "insert into platform_carts (visitor_id, cart_id, created_at) values (?1, ?2, ?3)";
    FORGET = "delete from platform_carts where visitor_id = ?1 and cart_id = ?2";
}

/// The visitor's cart, if she has one.
pub async fn of_visitor(tx: &mut Tx, visitor: VisitorId) -> Result<Option<EpCartId>, StoreError> {
    let Some(row) = tx.query_opt(&OF_VISITOR, &[visitor.0.into()]).await? else { return Ok(None) };
    row.read("platform_carts").parsed("cart_id", str::parse).map(Some)
}

/// The visitor's cart; `cart` if she has none.
pub async fn of_visitor_or_new(
    tx: &mut Tx,
    visitor: VisitorId,
    cart: &EpCartId,
    at: Timestamp,
) -> Result<EpCartId, StoreError> {
    let params = [visitor.0.into(), cart.as_str().into(), at.into()];
    match tx.insert_new(&INSERT, &params).await? {
        true => Ok(cart.clone()),
        false => Ok(of_visitor(tx, visitor).await?.unwrap_or_else(|| cart.clone())),
    }
}

/// The visitor has this cart no longer; another one that she has by now stays.
pub async fn forget(tx: &mut Tx, visitor: VisitorId, cart: &EpCartId) -> Result<(), StoreError> {
    tx.exec(&FORGET, &[visitor.0.into(), cart.as_str().into()]).await.map(drop)
}
