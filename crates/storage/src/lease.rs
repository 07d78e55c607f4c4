//! The right to do a piece of timed work for a while. It is taken by a conditional update, so that
//! of many workers one gets it, and it ends by itself when that worker dies.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Row, Sql, StoreError, Tx, Value};

/// Who works on a row, and until when nobody else will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Made anew for every claim, so that a claim that is run again finds its own rows.
    pub token: Uuid,
    /// When others may take the work over. Later than the work can take.
    pub until: Timestamp,
}

/// The three statements by which the rows of a table are claimed.
pub(crate) struct Claims {
    /// Keys of rows that are due and free: `?1` now, `?2` how many, `?3` among which, where the
    /// claim says so. The key is the first column.
    pub due: &'static Sql,
    /// Takes one row if it is still free: `?1` key, `?2` token, `?3` until, `?4` now.
    pub take: &'static Sql,
    /// The rows taken: `?1` now, `?2` token, `?3` how many.
    pub taken: &'static Sql,
}

impl Claims {
    /// Leases up to `limit` rows that are due, oldest first, and returns what `taken` selects.
    pub(crate) async fn claim(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        lease: &Lease,
        limit: u32,
    ) -> Result<Vec<Row>, StoreError> {
        self.claim_among(tx, None, (now, lease), limit).await
    }

    /// The same among the rows that `scope` names.
    pub(crate) async fn claim_among(
        &self,
        tx: &mut Tx,
        scope: Option<Value>,
        (now, lease): (Timestamp, &Lease),
        limit: u32,
    ) -> Result<Vec<Row>, StoreError> {
        let mine = [now.into(), lease.token.into(), limit.into()];
        let before = tx.query(self.taken, &mine).await?;
        if !before.is_empty() {
            // The claim has been made already; its commit was lost on the way back.
            return Ok(before);
        }
        let which: Vec<Value> = [now.into(), limit.into()].into_iter().chain(scope).collect();
        let due = tx.query(self.due, &which).await?;
        if due.is_empty() {
            return Ok(due);
        }
        let claim = |row: &Row| {
            let key = row.values().first().cloned().unwrap_or(Value::Null);
            (self.take, vec![key, lease.token.into(), lease.until.into(), now.into()])
        };
        // One row after the other: whoever was faster on a row keeps it, and this one gets the rest.
        tx.execs(&due.iter().map(claim).collect::<Vec<_>>()).await?;
        tx.query(self.taken, &mine).await
    }
}

/// An error text that fits its column; the beginning says what went wrong.
pub(crate) fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 1_000;
    text.chars().take(CHARS_MAX).collect()
}
