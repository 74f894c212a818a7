//! Items whose time has come, and tokens whose time is over.

use std::ops::ControlFlow;
use std::time::Duration;

use nephos_core::Timestamp;
use nephos_store::{Key, Range, Read, StoreError, Tx};

use crate::items::change::{Change, Effect, current, expiry_second};
use crate::keys::EntryKey;
use crate::records::{ExpiringTableRecord, TableRecord, TokenRecord};
use crate::{DynamoDb, Error, keys};

/// How many rows one transaction deals with.
const ROWS_AT_A_TIME: usize = 100;
/// Items whose moment is longer ago than this are left alone, as AWS leaves them.
const TOO_OLD: Duration = Duration::from_secs(5 * 365 * 24 * 60 * 60);

/// Removes the items that have expired and the tokens that count no more; how many items those were. A table that fails
/// does not keep the others from being swept.
pub async fn sweep(db: &DynamoDb) -> Result<usize, Error> {
    let now = db.clock.now();
    let range = Range::prefix(&keys::expiring_tables());
    let tables = db.store.read(|view| view.records::<ExpiringTableRecord>(&range))?;
    let mut outcome = sweep_tokens(db, now).await.map(|()| 0);
    for (_, mark) in tables {
        match (sweep_table(db, &mark, now).await, &mut outcome) {
            (Ok(more), Ok(items)) => *items += more,
            // The table was deleted meanwhile.
            (Ok(_) | Err(Error::ResourceNotFound(_)), _) => {}
            (Err(error), _) => outcome = Err(error),
        }
    }
    outcome
}

async fn sweep_table(db: &DynamoDb, mark: &ExpiringTableRecord, now: Timestamp) -> Result<usize, Error> {
    let name = mark.table_name();
    let second = u64::try_from(now.secs()).unwrap_or_default();
    let mut items = 0;
    loop {
        let due = db.store.read(|view| {
            // What is not there any more was deleted since the marks were read.
            let Some(table) = view.record::<TableRecord>(&keys::table(&name))? else { return Ok(Vec::new()) };
            rows(view, &keys::expiries_until(table.id, second).limit(ROWS_AT_A_TIME))
        });
        let due: Vec<Key> = due?;
        if due.is_empty() {
            return Ok(items);
        }
        let removing = db.store.transact("expire-items", |tx| {
            let table = db.table_for_write(tx, &name)?;
            let effects = due.iter().map(|row| expire(tx, &table, row, now));
            effects.collect::<Result<Vec<_>, Error>>()
        });
        let effects = removing.await?;
        for effect in effects.into_iter().flatten() {
            items += 1;
            db.statistics.count(&effect.deltas);
        }
    }
}

fn rows(read: &dyn Read, range: &Range) -> Result<Vec<Key>, StoreError> {
    let mut rows = Vec::new();
    read.scan(range, &mut |key, _| {
        rows.push(Key::from_bytes(key));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Removes an item if it has expired indeed; its row goes in any case.
fn expire(tx: &mut Tx, table: &TableRecord, row: &Key, now: Timestamp) -> Result<Option<Effect>, Error> {
    let (second, primary): (u64, EntryKey) = keys::read_expiry(row)?;
    tx.delete(row.clone());
    let Some(expiry) = &table.expiry else { return Ok(None) };
    let Some(item) = current(tx, table, &primary)? else { return Ok(None) };
    let still = expiry_second(&item, &expiry.attribute) == Some(second);
    let oldest = u64::try_from((now - TOO_OLD).secs()).unwrap_or_default();
    if !still || second < oldest {
        return Ok(None);
    }
    let change = Change { table, primary: &primary, old: Some(&item), new: None };
    Ok(Some(change.write(tx)?))
}

async fn sweep_tokens(db: &DynamoDb, now: Timestamp) -> Result<(), Error> {
    let range = keys::token_expiries_before(now.millis().unsigned_abs()).limit(ROWS_AT_A_TIME);
    loop {
        let due = db.store.read(|view| rows(view, &range))?;
        if due.is_empty() {
            return Ok(());
        }
        let removing = db.store.transact("forget-tokens", |tx| {
            for row in &due {
                let token = keys::read_token_expiry(row)?;
                // The token may have been used anew since.
                if tx.record::<TokenRecord>(&token)?.is_some_and(|record| record.until <= now.millis()) {
                    tx.delete(token);
                }
                tx.delete(row.clone());
            }
            Ok::<_, StoreError>(())
        });
        removing.await?;
    }
}
