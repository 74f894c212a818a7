//! Rows that end by themselves: each has a second row that sorts by its end, and a sweep removes what is due.
//!
//! Nothing relies on the sweep for being right: whoever reads such a row checks its end.

use std::ops::Bound;

use nephos_core::Timestamp;
use nephos_store::{Key, Range, Read, Store, Tx};

use crate::error::Error;
use crate::keys;

/// The most rows that one transaction removes.
const BATCH: usize = 256;

/// Lets `target` end at `at`. `before` is the end that it had.
pub(crate) fn set(tx: &mut Tx, target: &Key, before: Option<Timestamp>, at: Timestamp) {
    if let Some(before) = before.filter(|before| *before != at) {
        tx.delete(keys::due(before, target));
    }
    tx.put(keys::due(at, target), Vec::new());
}

/// Removes a row together with its end.
pub(crate) fn remove(tx: &mut Tx, target: Key, at: Timestamp) {
    tx.delete(keys::due(at, &target));
    tx.delete(target);
}

/// Removes rows that were due at `now`; says how many.
pub(crate) async fn sweep(store: &Store, now: Timestamp) -> Result<usize, Error> {
    let mut removed = 0;
    loop {
        let due = store.read(|view| due_keys(view, now))?;
        if due.is_empty() {
            return Ok(removed);
        }
        store
            .transact("cognito sweep", |tx| {
                for key in &due {
                    // Reading it first makes a concurrent change of the end a conflict.
                    if tx.get(key)?.is_some() {
                        tx.delete(target(key)?);
                        tx.delete(key.clone());
                    }
                }
                Ok::<(), Error>(())
            })
            .await?;
        removed += due.len();
    }
}

fn due_keys(read: &dyn Read, now: Timestamp) -> Result<Vec<Key>, Error> {
    let end = keys::all_due().u64(now.millis().max(0).unsigned_abs());
    let range = Range::between(Bound::Included(keys::all_due()), Bound::Excluded(end)).limit(BATCH);
    Ok(read.range(&range)?.into_iter().map(|(key, _)| key).collect())
}

fn target(due: &Key) -> Result<Key, Error> {
    let mut reader = due.reader();
    reader.text()?;
    reader.text()?;
    reader.u64()?;
    Ok(Key::from_bytes(&reader.bytes()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_is_due_goes() {
        let store = Store::memory();
        let at = |secs| Timestamp::from_secs(secs);
        let (early, late, moved) = (keys::client("early"), keys::client("late"), keys::client("moved"));
        store
            .transact("t", |tx| {
                for (key, end) in [(&early, 10), (&late, 30), (&moved, 10)] {
                    tx.put(key.clone(), "row");
                    set(tx, key, None, at(end));
                }
                set(tx, &moved, Some(at(10)), at(40));
                Ok::<(), Error>(())
            })
            .await
            .unwrap();
        assert_eq!(sweep(&store, at(20)).await.unwrap(), 1);
        let there = |key: &Key| store.read(|view| Ok::<_, Error>(view.get(key)?.is_some())).unwrap();
        assert_eq!((there(&early), there(&late), there(&moved)), (false, true, true));
        assert_eq!(sweep(&store, at(50)).await.unwrap(), 2);
        assert!(!there(&late) && !there(&moved));
    }

    #[tokio::test]
    async fn more_than_a_batch_goes_in_one_sweep() {
        let store = Store::memory();
        for number in 0..600 {
            let key = keys::client(&number.to_string());
            let put = |tx: &mut Tx| {
                tx.put(key.clone(), "row");
                set(tx, &key, None, Timestamp::from_secs(1));
                Ok::<(), Error>(())
            };
            store.transact("t", put).await.unwrap();
        }
        assert_eq!(sweep(&store, Timestamp::from_secs(2)).await.unwrap(), 600);
    }
}
