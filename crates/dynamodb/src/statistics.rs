//! How many items and bytes tables and indexes have. Writes count in memory; a worker adds the counts to the store, so
//! that no two writes meet at a counter. What a crash loses is what was written in the last second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use nephos_store::{Read, Store, StoreError};

use crate::keys;
use crate::records::StatisticsRecord;

/// What was written since the counts were last stored, by table or index.
#[derive(Debug, Default)]
pub struct Statistics {
    pending: Mutex<HashMap<u64, StatisticsRecord>>,
}

/// How a write changes a table's or index's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta {
    /// The table or index.
    pub id: u64,
    /// Items more or less.
    pub items: i64,
    /// Bytes more or less.
    pub bytes: i64,
}

impl Statistics {
    /// Counts what a transaction that was committed has changed.
    pub fn count(&self, deltas: &[Delta]) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for delta in deltas {
            let counts = pending.entry(delta.id).or_default();
            counts.items += delta.items;
            counts.bytes += delta.bytes;
        }
    }

    /// A table's or index's counts: the stored ones and what came since.
    pub fn of(&self, read: &impl Read, id: u64) -> Result<StatisticsRecord, StoreError> {
        let mut counts: StatisticsRecord = read.record(&keys::statistics(id))?.unwrap_or_default();
        if let Some(more) = self.pending.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            counts.items += more.items;
            counts.bytes += more.bytes;
        }
        Ok(StatisticsRecord { items: counts.items.max(0), bytes: counts.bytes.max(0) })
    }

    /// Adds the counts to the store.
    pub async fn flush(&self, store: &Store) -> Result<(), StoreError> {
        let pending = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        if pending.is_empty() {
            return Ok(());
        }
        let stored = store.transact("dynamodb-statistics", |tx| {
            for (id, more) in &pending {
                let key = keys::statistics(*id);
                let mut counts: StatisticsRecord = tx.record(&key)?.unwrap_or_default();
                counts.items += more.items;
                counts.bytes += more.bytes;
                tx.put_record(key, &counts)?;
            }
            Ok::<_, StoreError>(())
        });
        let result = stored.await;
        if result.is_err() {
            let deltas = pending.iter().map(|(id, counts)| Delta {
                id: *id,
                items: counts.items,
                bytes: counts.bytes,
            });
            self.count(&deltas.collect::<Vec<_>>());
        }
        result
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
