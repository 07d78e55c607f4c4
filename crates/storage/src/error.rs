//! Why the store could not do what it was asked, sorted by what the caller can do about it.

use std::error::Error;
use std::sync::Arc;

/// What a driver said. Kept for the log; never shown to a shopper, because servers repeat values
/// of the row in it.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why an operation of the store failed. It is cheap to clone, because the transaction keeps the
/// first one: see [`Tx`](crate::Tx).
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A row with this unique key is already there. `constraint` has the same name on every
    /// database: the unique index (`carts_visitor_id`), or `primary key`.
    #[error("a row with the same key exists already ({constraint})")]
    Duplicate {
        /// Name of the unique index, or `primary key`.
        constraint: String,
    },
    /// A rule of the schema (check, foreign key, not null) refused the row: the caller has a bug,
    /// or the rule caught a state that the domain did not expect.
    #[error("the database refused a row that breaks a rule of the schema")]
    Refused(#[source] Cause),
    /// Other transactions were in the way on every try, or a queue or pool stayed full. Nothing was
    /// written; the request may be repeated later.
    #[error("the database is busy; nothing was written")]
    Busy(#[source] Option<Cause>),
    /// No connection could be made, or it was lost before COMMIT was sent. Nothing was written.
    #[error("the database cannot be reached; nothing was written")]
    Unreachable(#[source] Option<Cause>),
    /// The connection was lost while COMMIT was under way and no later try could learn what became
    /// of it. The operation may have been carried out: read before repeating it.
    #[error("the connection was lost during commit; the outcome is unknown")]
    OutcomeUnknown(#[source] Option<Cause>),
    /// The disk is full, or the file has reached its size limit. Nothing was written.
    #[error("the disk is full; nothing was written")]
    Full(#[source] Cause),
    /// A stored row cannot be what the program wrote.
    #[error("column {column} of {table} {id} is corrupt: {reason}")]
    Corrupt {
        /// The table the row was read from.
        table: &'static str,
        /// The column that does not make sense.
        column: &'static str,
        /// First column of the row, which is its key.
        id: String,
        /// What is wrong with the value, without the value.
        reason: String,
    },
    /// An operation broke a rule of the store, for instance by waiting for something that is not
    /// the database. Nothing was written.
    #[error("an operation broke a rule of the store: {0}")]
    Misuse(String),
    /// The operation panicked. Nothing was written.
    #[error("an operation panicked; nothing was written")]
    Panicked,
    /// The store is being closed and takes no more work.
    #[error("the store is closed")]
    Closed,
    /// The configuration or the server is unusable; the text says what to change.
    #[error("{0}")]
    Setup(String),
    /// Anything else the database said. Nothing was written.
    #[error("the database reported an error")]
    Database(#[source] Cause),
}

impl StoreError {
    /// Whether running the whole operation again may help: another transaction was in the way.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, StoreError::Busy(_))
    }

    /// Whether the connection is gone, so that a new one may help.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, StoreError::Unreachable(_))
    }

    pub(crate) fn setup(text: impl Into<String>) -> StoreError {
        StoreError::Setup(text.into())
    }
}

/// What the last of a chain of errors says: the drivers' own add little but their name.
pub(crate) fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
