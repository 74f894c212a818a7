//! What a store has done so far, for the platform's metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Figures since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Transactions that wrote something.
    pub commits: u64,
    /// Writes to the disk; each carries the transactions that arrived during the last one. None on a remote engine.
    pub batches: u64,
    /// Transactions that had to run again.
    pub conflicts: u64,
    /// Bytes that wait for the disk now.
    pub waiting_bytes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) conflicts: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self, waiting_bytes: usize) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            commits: read(&self.commits),
            batches: read(&self.batches),
            conflicts: read(&self.conflicts),
            waiting_bytes: waiting_bytes as u64,
        }
    }
}
