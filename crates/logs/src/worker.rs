//! The background: the writer of queued lines, and the sweeper of what is deleted or past its retention.

use std::sync::Arc;
use std::time::Duration;

use nephos_store::{Key, Range, Read, Store, StoreError};
use tokio::task::AbortHandle;

use crate::records::{DoomedRecord, GroupRecord, StoredEvent};
use crate::{Logs, ingest, keys};

/// How many rows one sweeping transaction removes.
const ROWS_AT_A_TIME: usize = 2_000;

/// The running background tasks; they end when this is dropped.
#[derive(Debug)]
pub struct Workers {
    logs: Arc<Logs>,
    tasks: Vec<AbortHandle>,
}

impl Workers {
    /// Starts them on the current runtime.
    pub fn start(logs: &Arc<Logs>) -> Workers {
        let writer = Arc::clone(&logs.ingest).run(logs.store.clone(), Arc::clone(&logs.sequence));
        let sweeper = sweep_for_ever(Arc::clone(logs));
        let tasks = vec![tokio::spawn(writer).abort_handle(), tokio::spawn(sweeper).abort_handle()];
        Workers { logs: Arc::clone(logs), tasks }
    }

    /// Stores what is still queued, then ends the tasks. For a graceful stop.
    pub async fn stop(self) {
        self.logs.ingest.settle().await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

async fn sweep_for_ever(logs: Arc<Logs>) {
    loop {
        match sweep(&logs).await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(rows, "swept log rows"),
            Err(error) => tracing::error!(%error, "log rows could not be swept"),
        }
        let _ = tokio::time::timeout(logs.config.sweep_every, logs.sweep.notified()).await;
        // A burst of deletions is swept in one go, and never in a busy loop.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Removes what is deleted or past its retention; the number of rows removed.
pub async fn sweep(logs: &Logs) -> Result<usize, StoreError> {
    let mut rows = 0;
    let doomed = logs.store.read(|view| view.records::<DoomedRecord>(&Range::prefix(&keys::all_doomed())))?;
    for (key, record) in doomed {
        rows += sweep_doomed(&logs.store, key, &record).await?;
    }
    let now = logs.clock.now();
    let groups = logs.store.read(|view| view.records::<GroupRecord>(&Range::prefix(&keys::all_groups())))?;
    for (_, group) in groups.iter().filter(|(_, group)| group.retention_days.is_some()) {
        if let Some(last) = group.kept_since(now).checked_sub(1) {
            rows +=
                sweep_events(&logs.store, group.id, &keys::events_between(group.id, 0, last), None).await?;
        }
    }
    Ok(rows)
}

async fn sweep_doomed(store: &Store, key: Key, record: &DoomedRecord) -> Result<usize, StoreError> {
    let mut reader = key.reader();
    reader.text()?;
    reader.u8()?;
    let (group, stream) = (reader.u64()?, reader.u64()?);
    let range = keys::events_between(group, record.from_millis, record.to_millis);
    let mut rows = sweep_events(store, group, &range, (!record.whole_group).then_some(stream)).await?;
    if record.whole_group {
        for below in [keys::streams(group), keys::stream_names(group), keys::stored(group)] {
            rows += sweep_rows(store, &Range::prefix(&below)).await?;
        }
    }
    store
        .transact("logs-sweep-done", |tx| {
            tx.delete(key.clone());
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(rows)
}

/// Removes events of a range, all or those of one stream, and takes them off what the group holds.
async fn sweep_events(
    store: &Store,
    group: u64,
    range: &Range,
    stream: Option<u64>,
) -> Result<usize, StoreError> {
    let (mut rows, mut range) = (0, range.clone().limit(ROWS_AT_A_TIME));
    loop {
        let page = store.read(|view| view.range(&range))?;
        let Some((last, _)) = page.last() else { return Ok(rows) };
        let (mut doomed, mut bytes) = (Vec::new(), 0);
        for (key, value) in &page {
            let owner = keys::position(key.as_bytes())?.stream;
            if stream.is_none_or(|stream| stream == owner) {
                bytes += (StoredEvent::decode(value)?.message.len() + ingest::EVENT_OVERHEAD_BYTES) as u64;
                doomed.push(key.clone());
            }
        }
        rows += doomed.len();
        remove(store, &doomed, Some((group, bytes))).await?;
        range = range.after(last);
    }
}

async fn sweep_rows(store: &Store, range: &Range) -> Result<usize, StoreError> {
    let mut rows = 0;
    loop {
        let page = store.read(|view| view.range(&range.clone().limit(ROWS_AT_A_TIME)))?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows += page.len();
        let doomed: Vec<Key> = page.into_iter().map(|(key, _)| key).collect();
        remove(store, &doomed, None).await?;
    }
}

async fn remove(store: &Store, rows: &[Key], counted: Option<(u64, u64)>) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    store
        .transact("logs-sweep", |tx| {
            rows.iter().for_each(|key| tx.delete(key.clone()));
            if let Some((group, bytes)) = counted {
                let left = ingest::stored_bytes(tx, group)?.saturating_sub(bytes);
                tx.put(keys::stored(group), left.to_be_bytes().to_vec());
            }
            Ok::<_, StoreError>(())
        })
        .await
}
