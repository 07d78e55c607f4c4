//! Whose an order is. The row is written with the order; who was not signed in then becomes its owner
//! when she has proven that its mailbox is hers.

use domain::customer::Mailbox;
use domain::id::{CustomerId, OrderId};
use uuid::Uuid;

use crate::{Row, StoreError, Tx, statements};

statements! {
    INSERT = "insert into customer_orders (order_id, customer_id, mailbox) values (?1, ?2, ?3)";
    OWNER = "select order_id, customer_id from customer_orders where order_id = ?1";
    UNCLAIMED = "select c.order_id from customer_orders c join orders o on o.id = c.order_id \
        where c.mailbox = ?1 and c.customer_id is null and o.state = 'paid' \
        order by c.order_id limit ?2";
    CLAIM = "update customer_orders set customer_id = ?2 where order_id = ?1 \
        and customer_id is null";
    RELEASE = "update customer_orders set customer_id = null where customer_id = ?1";
    NEWEST = "select order_id from customer_orders where customer_id = ?1 and order_id < ?2 \
        order by order_id desc limit ?3";
}

/// Notes whose a new order is: a customer's, or whoever will prove that the mailbox is hers.
pub async fn insert(
    tx: &mut Tx,
    order: OrderId,
    customer: Option<CustomerId>,
    mailbox: &Mailbox,
) -> Result<(), StoreError> {
    let customer = customer.map(|customer| customer.0);
    let params = [order.0.into(), customer.into(), mailbox.as_str().into()];
    tx.insert_new(&INSERT, &params).await.map(drop)
}

/// The customer whose order it is.
pub async fn owner(tx: &mut Tx, order: OrderId) -> Result<Option<CustomerId>, StoreError> {
    let Some(row) = tx.query_opt(&OWNER, &[order.0.into()]).await? else { return Ok(None) };
    Ok(row.read("customer_orders").id_opt("customer_id")?.map(CustomerId))
}

/// Makes an order the customer's, unless it is somebody's already.
pub async fn claim(tx: &mut Tx, order: OrderId, by: CustomerId) -> Result<(), StoreError> {
    tx.exec(&CLAIM, &[order.0.into(), by.0.into()]).await.map(drop)
}

/// Makes up to `limit` orders of the mailbox that are nobody's, and paid, the customer's: anybody may order
/// with her address, and what nobody has paid for is no order of hers. Returns how many.
pub async fn claim_all(
    tx: &mut Tx,
    mailbox: &Mailbox,
    by: CustomerId,
    limit: u32,
) -> Result<usize, StoreError> {
    let orders = ids(tx.query(&UNCLAIMED, &[mailbox.as_str().into(), limit.into()]).await?)?;
    for order in &orders {
        claim(tx, *order, by).await?;
    }
    Ok(orders.len())
}

/// The customer's orders are nobody's any more.
pub async fn release(tx: &mut Tx, customer: CustomerId) -> Result<(), StoreError> {
    tx.exec(&RELEASE, &[customer.0.into()]).await.map(drop)
}

/// The customer's newest orders made before `before`, newest first: an id begins with the time it was
/// made at.
pub async fn newest(
    tx: &mut Tx,
    customer: CustomerId,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Vec<OrderId>, StoreError> {
    let before = before.map_or(Uuid::max(), |order| order.0);
    ids(tx.query(&NEWEST, &[customer.0.into(), before.into(), limit.into()]).await?)
}

fn ids(rows: Vec<Row>) -> Result<Vec<OrderId>, StoreError> {
    rows.into_iter().map(|row| row.read("customer_orders").id("order_id").map(OrderId)).collect()
}
