//! The thread that writes batches, and what it shares with the transactions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::gate::{Batch, Gate, Waiter};
use super::{Backend, Bounds};
use crate::StoreError;
use crate::backlog::Backlog;
use crate::counts::Counters;
use crate::topics::{Announcement, Topics};

/// A write that took longer than this is worth a line in the log.
const SLOW_WRITE: Duration = Duration::from_millis(100);

/// What the transactions and the commit thread share.
pub(super) struct Shared<B> {
    pub(super) backend: B,
    pub(super) bounds: Bounds,
    pub(super) backlog: Backlog,
    /// The number of the newest batch that snapshots can see.
    pub(super) published: AtomicU64,
    pub(super) arrived: Condvar,
    pub(super) topics: Arc<Topics>,
    pub(super) counters: Counters,
    gate: Mutex<Gate>,
    /// Held while a batch is written. Taken before the gate, never after it.
    writing: Mutex<()>,
}

/// Starts the thread.
pub(super) fn spawn<B: Backend>(shared: Arc<Shared<B>>) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name("store-commit".into());
    Ok(thread.spawn(move || shared.write_batches())?)
}

impl<B: Backend> Shared<B> {
    pub(super) fn new(backend: B, bounds: Bounds, topics: Arc<Topics>) -> Self {
        let backlog = Backlog::new(bounds.backlog_bytes);
        let (published, arrived, counters, gate, writing) = Default::default();
        Shared { backend, bounds, backlog, published, arrived, topics, counters, gate, writing }
    }

    /// Takes the gate. A closure that panicked inside it has changed nothing, so that panic is no reason to stop.
    pub(super) fn lock(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stop(&self) {
        self.lock().stop();
        self.arrived.notify_all();
    }

    /// Writes the open batch on the calling thread, with the gate held.
    pub(super) fn commit_now(&self, gate: &mut Gate) -> Result<(), StoreError> {
        let Some(batch) = gate.begin() else { return Ok(()) };
        let outcome = self.apply(&batch);
        let waiters = self.settle(gate, &batch, &outcome);
        self.tell(waiters, &outcome);
        outcome
    }

    /// Wipes everything. Waits for the batch being written, and answers for the open one, which is wiped with the rest.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gate = self.lock();
        gate.check_open()?;
        let bytes = gate.open_bytes();
        let outcome = self.backend.clear();
        let waiters = match &outcome {
            Ok(()) => {
                let (published, waiters) = gate.wiped();
                self.published.store(published, Ordering::Release);
                waiters
            }
            Err(cause) => gate.break_off(cause),
        };
        drop(gate);
        self.backlog.remove(bytes);
        self.tell(waiters, &outcome);
        outcome
    }

    fn write_batches(&self) {
        let mut unsynced = None;
        loop {
            let (due, stopping) = self.wait(unsynced);
            if self.write_batch() && self.bounds.sync_every.is_some() {
                unsynced.get_or_insert_with(Instant::now);
            }
            if due || stopping {
                unsynced = None;
                self.sync();
            }
            if stopping {
                return;
            }
        }
    }

    /// Waits for a batch, or the time to sync, or the end. Tells whether to sync and whether it is the end.
    fn wait(&self, unsynced: Option<Instant>) -> (bool, bool) {
        let mut gate = self.lock();
        loop {
            let left = unsynced
                .zip(self.bounds.sync_every)
                .map(|(since, every): (Instant, _)| every.saturating_sub(since.elapsed()));
            let due = left.is_some_and(|left| left.is_zero());
            if due || gate.is_stopping() || gate.open_bytes() > 0 {
                return (due, gate.is_stopping());
            }
            gate = match left {
                Some(left) => {
                    self.arrived.wait_timeout(gate, left).map_or_else(|e| e.into_inner().0, |r| r.0)
                }
                None => self.arrived.wait(gate).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Writes the open batch; false if there was none.
    fn write_batch(&self) -> bool {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(batch) = self.lock().begin() else { return false };
        let outcome = self.apply(&batch);
        let waiters = self.settle(&mut self.lock(), &batch, &outcome);
        self.tell(waiters, &outcome);
        true
    }

    /// A panic of the engine is a failed commit like any other, and must not leave the waiters waiting.
    fn apply(&self, batch: &Batch) -> Result<(), StoreError> {
        let began = Instant::now();
        let apply = AssertUnwindSafe(|| self.backend.apply(&batch.writes));
        let outcome = catch_unwind(apply);
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        if began.elapsed() > SLOW_WRITE {
            let (millis, bytes) = (began.elapsed().as_millis(), batch.bytes);
            tracing::warn!(millis, bytes, "the disk took long to take a batch");
        }
        outcome.unwrap_or_else(|_| Err(StoreError::Poisoned("the engine panicked".into())))
    }

    fn settle(&self, gate: &mut Gate, batch: &Batch, outcome: &Result<(), StoreError>) -> Vec<Waiter> {
        let waiting = gate.open_bytes();
        let (released, waiters) = match outcome {
            Ok(()) => {
                let (published, waiters) = gate.publish();
                self.published.store(published, Ordering::Release);
                (batch.bytes, waiters)
            }
            Err(cause) => {
                tracing::error!(%cause, "a commit failed, no more writes are taken");
                (batch.bytes + waiting, gate.break_off(cause))
            }
        };
        self.backlog.remove(released);
        waiters
    }

    fn tell(&self, waiters: Vec<Waiter>, outcome: &Result<(), StoreError>) {
        for waiter in waiters {
            match outcome {
                Ok(()) => waiter.announced.iter().for_each(Announcement::ring),
                Err(cause) => {
                    waiter.tell(Err(StoreError::poisoned(cause)));
                    continue;
                }
            }
            waiter.tell(Ok(()));
        }
    }

    fn sync(&self) {
        if let Err(cause) = self.backend.sync() {
            tracing::error!(%cause, "a sync failed, no more writes are taken");
            let bytes = self.lock().open_bytes();
            let waiters = self.lock().break_off(&cause);
            self.backlog.remove(bytes);
            self.tell(waiters, &Err(cause));
        }
    }
}
