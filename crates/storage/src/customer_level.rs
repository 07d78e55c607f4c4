//! How often somebody has tried to sign in, or has had letters sent: rows, so that all nodes count
//! together. No address is in them, only marks.

use std::time::Duration;

use domain::shield::{HOUR, Level, Limited, Mark};
use jiff::Timestamp;

use crate::{StoreError, Tx, statements};

statements! {
    LOCK = "select mark, empty_at from customer_levels where mark = ?1 for update";
    INSERT = "insert into customer_levels (mark, empty_at, forget_at) values (?1, ?2, ?3)";
    SAVE = "update customer_levels set empty_at = ?2, forget_at = ?3 where mark = ?1";
    OLD = "select mark from customer_levels where forget_at <= ?1 order by forget_at limit ?2";
    EMPTY = "delete from customer_levels where mark = ?1";
    DELETE = "delete from customer_levels where mark = ?1 and forget_at <= ?2";
}

/// Counts one more under each mark, or says how long to wait where one of them has no room for it;
/// then nothing is counted.
pub async fn count(
    tx: &mut Tx,
    limited: &[Limited],
    now: Timestamp,
) -> Result<Option<Duration>, StoreError> {
    let mut limited = limited.to_vec();
    // In one order, so that two who count the same marks wait for each other instead of both failing.
    limited.sort_by_key(|(mark, _)| *mark);
    let forget_at = now.checked_add(HOUR + HOUR).unwrap_or(Timestamp::MAX);
    let mut levels = Vec::with_capacity(limited.len());
    for (mark, limit) in limited {
        levels.push((mark, limit, lock(tx, mark, (now, forget_at)).await?));
    }
    let waits = levels.iter().filter_map(|(_, limit, level)| level.wait(*limit, now));
    if let Some(wait) = waits.max() {
        return Ok(Some(wait));
    }
    for (mark, limit, level) in &levels {
        let empty_at = level.plus_one(*limit, now).empty_at;
        tx.exec(&SAVE, &[mark.into(), empty_at.into(), forget_at.into()]).await?;
    }
    Ok(None)
}

/// What is counted under a mark, locked. Where there is no row an empty one is made: of many first
/// tries at once each waits for the one before.
async fn lock(
    tx: &mut Tx,
    mark: Mark,
    (now, forget_at): (Timestamp, Timestamp),
) -> Result<Level, StoreError> {
    let mut row = tx.query_opt(&LOCK, &[(&mark).into()]).await?;
    if row.is_none() {
        tx.insert_new(&INSERT, &[(&mark).into(), now.into(), forget_at.into()]).await?;
        row = tx.query_opt(&LOCK, &[(&mark).into()]).await?;
    }
    let empty_at = row.map(|row| row.read("customer_levels").time("empty_at")).transpose()?;
    Ok(empty_at.map_or(Level::EMPTY, |empty_at| Level { empty_at }))
}

/// Nothing is counted under a mark any more.
pub async fn empty(tx: &mut Tx, mark: Mark) -> Result<(), StoreError> {
    tx.exec(&EMPTY, &[(&mark).into()]).await.map(drop)
}

/// Up to `limit` marks under which nothing is counted any more.
pub async fn old(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<Vec<Mark>, StoreError> {
    let rows = tx.query(&OLD, &[now.into(), limit.into()]).await?;
    let marks = rows.into_iter().map(|row| {
        let mut row = row.read("customer_levels");
        let bytes = row.bytes("mark")?;
        let mark = <[u8; 32]>::try_from(bytes).map_err(|_| row.corrupt("mark", "not 32 bytes"))?;
        Ok(Mark(mark))
    });
    marks.collect()
}

/// Forgets a mark, unless something has been counted under it since.
pub async fn delete(tx: &mut Tx, mark: Mark, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(&DELETE, &[(&mark).into(), now.into()]).await.map(drop)
}
