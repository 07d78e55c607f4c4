//! A purchase's history, line by line. A line is written in the transaction that moves the purchase, and
//! carries the revision that it came to: an operation that runs again after its commit was lost tells
//! nothing twice.

use domain::history::Actor;
use domain::id::PurchaseId;
use jiff::Timestamp;

use crate::lease::shortened;
use crate::{Row, StoreError, Tx, statements};

statements! {
    INSERT = "insert into purchase_history (purchase_id, position, happened_at, actor, sentence) \
        values (?1, ?2, ?3, ?4, ?5)";
    OF_PURCHASE = "select purchase_id, position, happened_at, actor, sentence \
        from purchase_history where purchase_id = ?1 order by position limit 500";
}

/// One line of a purchase's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Which revision of the purchase it led to.
    pub position: u32,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What happened, for a person; one line.
    pub sentence: String,
}

/// Tells a line, unless it was told by an earlier run of the same operation.
pub async fn note(tx: &mut Tx, purchase: PurchaseId, line: &Line) -> Result<(), StoreError> {
    let sentence = line.sentence.replace(char::is_control, " ");
    let params = [
        purchase.0.into(),
        line.position.into(),
        line.at.into(),
        line.actor.name().into(),
        shortened(&sentence).into(),
    ];
    tx.insert_new(&INSERT, &params).await.map(drop)
}

/// The lines of a purchase, first one first; the first 500, many times what any comes to.
pub async fn of_purchase(tx: &mut Tx, purchase: PurchaseId) -> Result<Vec<Line>, StoreError> {
    let rows = tx.query(&OF_PURCHASE, &[purchase.0.into()]).await?;
    rows.into_iter().map(read).collect()
}

fn read(row: Row) -> Result<Line, StoreError> {
    let mut row = row.read("purchase_history");
    Ok(Line {
        position: row.count("position")?,
        at: row.time("happened_at")?,
        actor: row.parsed("actor", |name| Actor::from_name(name).ok_or("not an actor"))?,
        sentence: row.text("sentence")?,
    })
}
