//! One step of a job: a bounded number of rows, and where the next step starts.

use std::ops::ControlFlow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use nephos_store::{Key, Range, Read, StoreError, Tx};

use crate::items::change::{delta, entry, expiry_second};
use crate::keys::EntryKey;
use crate::records::{JobRecord, TableRecord, Work};
use crate::statistics::Delta;
use crate::value::{Item, ItemRef};
use crate::{DynamoDb, Error, keys};

/// A step that touches items ends once it has read so many bytes.
const STEP_BYTES: usize = 4 << 20;

/// What a step has come to.
enum Progress {
    /// It goes on behind this row.
    Behind(Key),
    /// There is no more to do.
    Done,
}

/// Takes one step of the job under `key`, if it is still there.
pub async fn step(db: &DynamoDb, key: &Key) -> Result<(), Error> {
    let stepping = db.store.transact("dynamodb-job", |tx| {
        let Some(job) = tx.record::<JobRecord>(key)? else { return Ok((Vec::new(), None)) };
        let mut counted = Vec::new();
        let mut changed = None;
        match work(db, tx, &job, &mut counted)? {
            Progress::Behind(row) => {
                let after = STANDARD_NO_PAD.encode(row.as_bytes());
                tx.put_record(key.clone(), &JobRecord { after, ..job })?;
            }
            Progress::Done => {
                tx.delete(key.clone());
                changed = finish(tx, &job)?;
            }
        }
        Ok::<_, Error>((counted, changed))
    });
    let (counted, changed) = stepping.await?;
    db.statistics.count(&counted);
    if let Some(table) = changed {
        db.tables.forget(&table.table_name());
    }
    Ok(())
}

fn work(db: &DynamoDb, tx: &mut Tx, job: &JobRecord, counted: &mut Vec<Delta>) -> Result<Progress, Error> {
    let rows = db.config.job_rows;
    match &job.work {
        Work::ReclaimItems => reclaim(tx, &rest(&keys::items(job.table_id), job)?, rows),
        Work::ReclaimEntries { index } => reclaim(tx, &rest(&keys::entries(*index), job)?, rows),
        Work::ReclaimExpiries => match table(tx, job)? {
            // Expiry was turned on again: the rows that do not fit any more are found as they fall due.
            Some(table) if table.expiry.is_some() => Ok(Progress::Done),
            _ => reclaim(tx, &rest(&keys::expiries(job.table_id), job)?, rows),
        },
        Work::FillIndex { index } => match table(tx, job)? {
            Some(table) => fill_index(tx, &table, *index, &rest(&keys::items(table.id), job)?, rows, counted),
            None => Ok(Progress::Done),
        },
        Work::FillExpiries { attribute } => match table(tx, job)? {
            Some(table) if table.expiry.as_ref().is_some_and(|expiry| expiry.attribute == *attribute) => {
                fill_expiries(tx, &table, attribute, &rest(&keys::items(table.id), job)?, rows)
            }
            _ => Ok(Progress::Done),
        },
    }
}

/// The job's table, unless it was deleted since.
fn table(tx: &Tx, job: &JobRecord) -> Result<Option<TableRecord>, Error> {
    let table: Option<TableRecord> = tx.record(&keys::table(&job.table_name()))?;
    Ok(table.filter(|table| table.id == job.table_id))
}

/// The rows that the job has not dealt with yet.
fn rest(all: &Key, job: &JobRecord) -> Result<Range, Error> {
    let range = Range::prefix(all);
    if job.after.is_empty() {
        return Ok(range);
    }
    let after = STANDARD_NO_PAD.decode(&job.after);
    let after =
        after.map_err(|_| StoreError::Corrupt("expected base64 in a job, got something else".to_owned()))?;
    Ok(range.after(&Key::from_bytes(&after)))
}

fn reclaim(tx: &mut Tx, range: &Range, rows: usize) -> Result<Progress, Error> {
    let mut doomed = Vec::new();
    tx.scan(&range.clone().limit(rows), &mut |key, _| {
        doomed.push(Key::from_bytes(key));
        ControlFlow::Continue(())
    })?;
    doomed.iter().for_each(|key| tx.delete(key.clone()));
    Ok(if doomed.len() < rows { Progress::Done } else { behind(doomed.pop()) })
}

fn behind(last: Option<Key>) -> Progress {
    last.map_or(Progress::Done, Progress::Behind)
}

/// The next items of a table with their places, and whether these were the last.
fn items(tx: &Tx, range: &Range, rows: usize) -> Result<(Vec<(Key, Item)>, bool), Error> {
    let mut items = Vec::new();
    let mut bytes = 0;
    let mut failed = None;
    tx.scan(&range.clone().limit(rows), &mut |key, row| match ItemRef::from_stored(row) {
        Ok(item) => {
            bytes += item.size();
            items.push((Key::from_bytes(key), item.to_item()));
            if bytes < STEP_BYTES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        }
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failed.map_or(Ok(()), Err)?;
    let last = items.len() < rows && bytes < STEP_BYTES;
    Ok((items, last))
}

/// Where an item stands, from its row's key.
fn primary(row: &Key) -> Result<EntryKey, StoreError> {
    let mut reader = row.reader();
    reader.text()?;
    reader.u8()?;
    reader.u64()?;
    Ok(EntryKey::from_bytes(reader.rest()))
}

fn fill_index(
    tx: &mut Tx,
    table: &TableRecord,
    id: u64,
    range: &Range,
    rows: usize,
    counted: &mut Vec<Delta>,
) -> Result<Progress, Error> {
    let Some(index) = table.globals.iter().find(|index| index.id == id) else { return Ok(Progress::Done) };
    let (mut items, last) = items(tx, range, rows)?;
    for (row, item) in &items {
        // Items that lack the key, or have it in another type, are in no index.
        let Some((place, held)) = entry(table, index, item, &primary(row)?) else { continue };
        let key = keys::entry(id, &place);
        if tx.get(&key)?.is_none() {
            counted.push(delta(id, None, Some(&held)));
            tx.put(key, held.bytes());
        }
    }
    Ok(if last { Progress::Done } else { behind(items.pop().map(|(row, _)| row)) })
}

fn fill_expiries(
    tx: &mut Tx,
    table: &TableRecord,
    attribute: &str,
    range: &Range,
    rows: usize,
) -> Result<Progress, Error> {
    let (mut items, last) = items(tx, range, rows)?;
    for (row, item) in &items {
        if let Some(second) = expiry_second(item, attribute) {
            tx.put(keys::expiry(table.id, second, &primary(row)?), &b""[..]);
        }
    }
    Ok(if last { Progress::Done } else { behind(items.pop().map(|(row, _)| row)) })
}

/// What the end of a job changes in its table's record.
fn finish(tx: &mut Tx, job: &JobRecord) -> Result<Option<TableRecord>, Error> {
    match &job.work {
        Work::ReclaimItems => tx.delete(keys::statistics(job.table_id)),
        Work::ReclaimEntries { index } => tx.delete(keys::statistics(*index)),
        _ => {}
    }
    let Some(mut table) = table(tx, job)? else { return Ok(None) };
    match &job.work {
        Work::FillIndex { index } => {
            let Some(filled) = table.globals.iter_mut().find(|filled| filled.id == *index) else {
                return Ok(None);
            };
            filled.backfilling = false;
        }
        Work::FillExpiries { attribute } => {
            let Some(expiry) = table.expiry.as_mut().filter(|expiry| expiry.attribute == *attribute) else {
                return Ok(None);
            };
            expiry.enabling = false;
        }
        _ => return Ok(None),
    }
    tx.put_record(keys::table(&table.table_name()), &table)?;
    Ok(Some(table))
}
