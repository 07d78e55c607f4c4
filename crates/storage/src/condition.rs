//! How the database itself is: for whoever checks a shop before its shoppers do.

use jiff::Timestamp;

use crate::{StoreError, Tx};

/// What the database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its version, in its own words.
    pub version: String,
    /// Its clock.
    pub clock: Timestamp,
    /// Whether what it has confirmed is still there when the power fails.
    pub keeps_what_it_confirms: bool,
}

pub(crate) async fn condition(tx: &mut Tx) -> Result<Condition, StoreError> {
    let row = tx.query_opt(tx.dialect().condition(), &[]).await?;
    let row = row.ok_or_else(|| StoreError::Misuse("a select of no table has one row".into()))?;
    let mut row = row.read("condition");
    Ok(Condition {
        version: row.text("version")?,
        clock: row.time("clock")?,
        keeps_what_it_confirms: row.truth("keeps")?,
    })
}
