//! How far we have read in somebody else's list, for instance the gateway's events, and which worker
//! is reading it now.

use jiff::Timestamp;

use crate::{Lease, StoreError, Tx, Value, statements};

statements! {
    LOAD = "select name, value from cursors where name = ?1";
    INSERT = "insert into cursors (name, value, lease_token, lease_until) \
        values (?1, ?2, ?3, ?4)";
    SAVE = "update cursors set value = ?2 where name = ?1";
    TAKE = "update cursors set lease_token = ?2, lease_until = ?3 where name = ?1 \
        and (lease_until is null or lease_until <= ?4 or lease_token = ?2)";
    GIVE_BACK = "update cursors set lease_token = null, lease_until = null where name = ?1 \
        and lease_token = ?2";
}

/// Where the cursor stands, if it was ever saved. Names have at most 100 characters.
pub async fn load(tx: &mut Tx, name: &str) -> Result<Option<String>, StoreError> {
    let row = tx.query_opt(&LOAD, &[name.into()]).await?;
    row.map_or(Ok(None), |row| row.read("cursors").text_opt("value"))
}

/// Moves the cursor.
pub async fn save(tx: &mut Tx, name: &str, value: &str) -> Result<(), StoreError> {
    let params = [name.into(), value.into()];
    if tx.exec(&SAVE, &params).await? == 1 {
        return Ok(());
    }
    let row = [name.into(), value.into(), Value::Null, Value::Null];
    if !tx.insert_new(&INSERT, &row).await? {
        // Another made the row in between; ours is the later word.
        tx.exec(&SAVE, &params).await?;
    }
    Ok(())
}

/// Takes the right to read on; `false` while another has it.
pub async fn claim(
    tx: &mut Tx,
    name: &str,
    now: Timestamp,
    lease: &Lease,
) -> Result<bool, StoreError> {
    let params = [name.into(), lease.token.into(), lease.until.into(), now.into()];
    if tx.exec(&TAKE, &params).await? == 1 {
        return Ok(true);
    }
    let row = [name.into(), Value::Null, lease.token.into(), lease.until.into()];
    tx.insert_new(&INSERT, &row).await
}

/// Gives the right back, if it is still ours.
pub async fn give_back(tx: &mut Tx, name: &str, lease: &Lease) -> Result<(), StoreError> {
    tx.exec(&GIVE_BACK, &[name.into(), lease.token.into()]).await.map(drop)
}
