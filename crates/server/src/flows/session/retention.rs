//! Sessions end by themselves: one whose shopper did not come back expires, and what she had typed is
//! deleted some days after her session has ended. One that follows a payment which may still move does
//! neither.
//!
//! What if the process dies? Each batch is one statement, and what it did not come to is found again.

use jiff::Timestamp;
use storage::{StoreError, session};

use crate::{context::Base, flows::FlowError};

/// So many sessions end in one transaction.
const AT_ONCE: u32 = 500;

/// Ends sessions whose time has passed, and deletes those that ended long ago. Returns how many.
pub async fn sweep(base: &Base) -> Result<usize, FlowError> {
    let ended = expire(base).await?;
    let deleted = forget(base).await?;
    Ok(usize::try_from(ended + deleted).unwrap_or(usize::MAX))
}

async fn expire(base: &Base) -> Result<u64, StoreError> {
    let now = base.clock.now();
    let read = base.store.read(now, |tx, now| Box::pin(session::overdue(tx, *now, AT_ONCE)));
    let Some(then) = read.await? else { return Ok(0) };
    let input = (then, now);
    base.store.write(input, |tx, (then, now)| Box::pin(session::expire(tx, *then, *now))).await
}

async fn forget(base: &Base) -> Result<u64, StoreError> {
    let ended_by = base.clock.now().checked_sub(base.session_retention);
    let ended_by = ended_by.unwrap_or(Timestamp::MIN);
    let read = base.store.read(ended_by, |tx, then| Box::pin(session::over(tx, *then, AT_ONCE)));
    let Some(then) = read.await? else { return Ok(0) };
    base.store.write(then, |tx, then| Box::pin(session::delete(tx, *then))).await
}
