//! Disputes, as the gateway tells of them. Whoever writes here holds the lock on the order.

use domain::dispute::{Dispute, DisputeNews, DisputeState};
use domain::event::GatewayReference;
use domain::id::{DisputeId, OrderId};
use domain::money::{Currency, Money};
use jiff::Timestamp;

use crate::{Row, StoreError, Tx, statements};

macro_rules! columns {
    () => {
        "id, order_id, gateway_reference, payment_reference, amount_minor, currency, reason, \
         respond_by, state"
    };
}

/// Together they cannot dispute more than the payment; a list without an end would be a bug.
const DISPUTES_MAX: u32 = 1_000;

statements! {
    BY_REFERENCE = concat!("select ", columns!(), " from disputes where gateway_reference = ?1");
    OF_ORDER = concat!(
        "select ", columns!(), " from disputes where order_id = ?1 \
         order by created_at, id limit ?2"
    );
    INSERT = concat!(
        "insert into disputes (", columns!(), ", created_at, updated_at) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)"
    );
    UPDATE = "update disputes set amount_minor = ?2, currency = ?3, reason = ?4, respond_by = ?5, \
        state = ?6, updated_at = ?7 where id = ?1";
}

/// Stores a dispute; `false` if it is there already, by its id or by the gateway's.
pub async fn insert(tx: &mut Tx, dispute: &Dispute, at: Timestamp) -> Result<bool, StoreError> {
    let news = dispute.news();
    let params = [
        dispute.id.0.into(),
        dispute.order.0.into(),
        news.reference.as_str().into(),
        news.payment.as_str().into(),
        news.amount.minor().into(),
        news.amount.currency().code().into(),
        news.reason.as_str().into(),
        news.respond_by.into(),
        news.state.name().into(),
        at.into(),
    ];
    tx.insert_new(&INSERT, &params).await
}

/// The dispute that the gateway knows by this name.
pub async fn by_reference(
    tx: &mut Tx,
    reference: &GatewayReference,
) -> Result<Option<Dispute>, StoreError> {
    tx.query_opt(&BY_REFERENCE, &[reference.as_str().into()]).await?.map(read).transpose()
}

/// The disputes of an order's payments, oldest first.
pub async fn of_order(tx: &mut Tx, order: OrderId) -> Result<Vec<Dispute>, StoreError> {
    let rows = tx.query(&OF_ORDER, &[order.0.into(), DISPUTES_MAX.into()]).await?;
    rows.into_iter().map(read).collect()
}

/// Writes what the gateway says of a dispute now.
pub async fn save(tx: &mut Tx, dispute: &Dispute, at: Timestamp) -> Result<(), StoreError> {
    let news = dispute.news();
    let params = [
        dispute.id.0.into(),
        news.amount.minor().into(),
        news.amount.currency().code().into(),
        news.reason.as_str().into(),
        news.respond_by.into(),
        news.state.name().into(),
        at.into(),
    ];
    tx.exec(&UPDATE, &params).await.map(drop)
}

fn read(row: Row) -> Result<Dispute, StoreError> {
    let mut row = row.read("disputes");
    let id = DisputeId(row.id("id")?);
    let order = OrderId(row.id("order_id")?);
    let reference = row.parsed("gateway_reference", |text| GatewayReference::new(text))?;
    let payment = row.parsed("payment_reference", |text| GatewayReference::new(text))?;
    let minor = row.int("amount_minor")?;
    let currency = row.parsed("currency", str::parse::<Currency>)?;
    let amount = Money::new(minor, currency).map_err(|e| row.corrupt("amount_minor", &e))?;
    let reason = row.text("reason")?;
    let respond_by = row.time_opt("respond_by")?;
    let state = row.parsed("state", |name| {
        let state = DisputeState::ALL.into_iter().find(|state| state.name() == name);
        state.ok_or("not a state of a dispute")
    })?;
    let news = DisputeNews { reference, payment, amount, reason, respond_by, state };
    Ok(Dispute::restore(id, order, news))
}
