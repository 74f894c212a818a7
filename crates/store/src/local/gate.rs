//! The gate's state: the batches of the recent past, the one being written, and the open one.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::StoreError;
use crate::snapshot::Writes;
use crate::topics::Announcement;
use crate::tx::Reads;

/// How many published batches are kept to compare reads with. An older snapshot counts as a conflict.
const RECENT_BATCHES: usize = 1024;
/// How large they may be together.
const RECENT_BYTES: usize = 2 * 1024 * 1024;

/// Everything that the gate's mutex guards.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// The number of the newest published batch.
    published: u64,
    recent: VecDeque<Batch>,
    recent_bytes: usize,
    writing: Option<Flight>,
    open: Flight,
    broken: Option<StoreError>,
    stopping: bool,
}

/// Writes that are committed together.
#[derive(Debug, Default, Clone)]
pub(super) struct Batch {
    pub(super) writes: Arc<Writes>,
    pub(super) bytes: usize,
}

/// A batch under way and those who wait for it.
#[derive(Debug, Default)]
pub(super) struct Flight {
    pub(super) batch: Batch,
    pub(super) waiters: Vec<Waiter>,
}

/// Someone who is to be told how a batch ended.
#[derive(Debug)]
pub(super) struct Waiter {
    told: oneshot::Sender<Result<(), StoreError>>,
    pub(super) announced: Vec<Announcement>,
}

impl Waiter {
    pub(super) fn writer(
        told: oneshot::Sender<Result<(), StoreError>>,
        announced: Vec<Announcement>,
    ) -> Self {
        Waiter { told, announced }
    }

    pub(super) fn reader(told: oneshot::Sender<Result<(), StoreError>>) -> Self {
        Waiter { told, announced: Vec::new() }
    }

    /// Tells. Nobody may be listening any more, which changes nothing.
    pub(super) fn tell(self, outcome: Result<(), StoreError>) {
        drop(self.told.send(outcome));
    }
}

impl Gate {
    /// Fails if no more writes are taken.
    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        match &self.broken {
            Some(cause) => Err(StoreError::poisoned(cause)),
            None if self.stopping => Err(StoreError::Closed),
            None => Ok(()),
        }
    }

    /// Whether anything that was read from a snapshot no older than batch `since` was written after it.
    pub(super) fn conflicts(&self, since: u64, reads: &Reads) -> bool {
        let newer = usize::try_from(self.published.saturating_sub(since)).unwrap_or(usize::MAX);
        if reads.overflowed || newer > self.recent.len() {
            return true;
        }
        let published = self.recent.iter().rev().take(newer);
        let writing = self.writing.as_ref().map(|flight| &flight.batch);
        published.chain(writing).chain([&self.open.batch]).any(|batch| touches(&batch.writes, reads))
    }

    /// The writes that are not published: those being written, and those waiting.
    pub(super) fn layers(&self) -> [Arc<Writes>; 2] {
        let writing = self.writing.as_ref().map(|flight| flight.batch.writes.clone());
        [writing.unwrap_or_default(), self.open.batch.writes.clone()]
    }

    /// Adds writes to the open batch.
    pub(super) fn join(&mut self, writes: Writes, bytes: usize, waiter: Waiter) {
        let open = &mut self.open;
        let all = Arc::make_mut(&mut open.batch.writes);
        if all.is_empty() {
            *all = writes
        } else {
            all.extend(writes)
        }
        open.batch.bytes += bytes;
        open.waiters.push(waiter);
    }

    /// Enlists with the newest unpublished batch; false if there is none.
    pub(super) fn wait_for_pending(&mut self, waiter: Waiter) -> bool {
        let open = Some(&mut self.open).filter(|open| !open.batch.writes.is_empty());
        match open.or(self.writing.as_mut()) {
            Some(flight) => flight.waiters.push(waiter),
            None => return false,
        }
        true
    }

    /// Closes the open batch and begins writing it; none if it is empty.
    pub(super) fn begin(&mut self) -> Option<Batch> {
        if self.open.batch.writes.is_empty() {
            return None;
        }
        let flight = std::mem::take(&mut self.open);
        let batch = flight.batch.clone();
        self.writing = Some(flight);
        Some(batch)
    }

    /// The batch being written is durable and visible. Returns its number and those to tell.
    pub(super) fn publish(&mut self) -> (u64, Vec<Waiter>) {
        let Some(flight) = self.writing.take() else { return (self.published, Vec::new()) };
        self.published += 1;
        self.recent_bytes += flight.batch.bytes;
        self.recent.push_back(flight.batch);
        while self.recent.len() > RECENT_BATCHES || self.recent_bytes > RECENT_BYTES {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.recent_bytes -= oldest.bytes;
        }
        (self.published, flight.waiters)
    }

    /// A write failed: takes no more, and returns those to tell.
    pub(super) fn break_off(&mut self, cause: &StoreError) -> Vec<Waiter> {
        self.broken = Some(StoreError::poisoned(cause));
        let flights = self.writing.take().into_iter().chain([std::mem::take(&mut self.open)]);
        flights.flat_map(|flight| flight.waiters).collect()
    }

    /// Everything was wiped, the open batch with it: every running transaction is out of date.
    pub(super) fn wiped(&mut self) -> (u64, Vec<Waiter>) {
        let open = std::mem::take(&mut self.open);
        self.recent.clear();
        self.recent_bytes = 0;
        self.published += 1;
        (self.published, open.waiters)
    }

    pub(super) fn stop(&mut self) {
        self.stopping = true;
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping || self.broken.is_some()
    }

    pub(super) fn open_bytes(&self) -> usize {
        self.open.batch.bytes
    }
}

/// Whether `writes` changed anything that was read.
fn touches(writes: &Writes, reads: &Reads) -> bool {
    !writes.is_empty()
        && (reads.keys.iter().any(|key| writes.contains_key(key.as_bytes()))
            || reads.ranges.iter().any(|range| range_touched(writes, range)))
}

fn range_touched(writes: &Writes, range: &crate::tx::Seen) -> bool {
    crate::Range::between(range.0.clone(), range.1.clone())
        .bounds()
        .is_some_and(|bounds| writes.range::<[u8], _>(bounds).next().is_some())
}
