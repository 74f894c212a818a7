//! Serializable transactions and group commit over an ordered map that one process owns.
//!
//! A transaction first runs without any lock, on a snapshot, remembering what it reads. At the *gate* (one mutex) its
//! reads are compared with every write since that snapshot, durable or still waiting. If none touched them it joins the
//! open batch. Otherwise the closure runs once more *inside* the gate on the newest state, the waiting writes included,
//! where nothing can come between: so every transaction is done after two runs, whatever the contention.
//!
//! One thread writes batches: whatever arrived during the last fsync is the next batch. Writes become visible to
//! snapshots only when they are durable, and only then are their writers told. A transaction that was decided by waiting
//! writes is told with them, even if it wrote nothing or failed.

mod committer;
mod gate;
mod pending;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::backlog::Backlog;
use crate::counts::Counts;
use crate::engine::{Body, Engine, Limits, Receipt, Verdict};
use crate::snapshot::{Snapshot, Writes};
use crate::topics::Topics;
use crate::tx::{Changes, Reads};
use crate::{Durability, Options, StoreError, Tx, View};

use committer::Shared;
use gate::{Gate, Waiter};
use pending::Pending;

/// The longest key, in bytes. The embedded engine's own limit is 64 KiB.
const MAX_KEY_BYTES: usize = 32 * 1024;

/// A run at the gate that took longer than this is worth a line in the log.
const SLOW_RUN: Duration = Duration::from_millis(50);

/// An ordered map that applies batches one after the other.
pub(crate) trait Backend: Send + Sync + 'static {
    /// What can be read now: every batch that was applied, and no part of another.
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError>;

    /// Applies all of `writes` or none; they are durable, and then visible, when this returns.
    fn apply(&self, writes: &Writes) -> Result<(), StoreError>;

    /// Makes durable what [`Backend::apply`] left to later. Called every now and then.
    fn sync(&self) -> Result<(), StoreError>;

    /// Wipes everything, durably.
    fn clear(&self) -> Result<(), StoreError>;
}

/// Bounds of a local engine.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Of one transaction.
    pub(crate) limits: Limits,
    /// The most that may wait for the disk, in bytes.
    pub(crate) backlog_bytes: usize,
    /// How often [`Backend::sync`] is called; never if none.
    pub(crate) sync_every: Option<Duration>,
}

/// The engine.
pub(crate) struct Local<B: Backend> {
    shared: Arc<Shared<B>>,
    committer: Option<JoinHandle<()>>,
}

impl Bounds {
    pub(crate) fn of(options: &Options) -> Bounds {
        Bounds {
            limits: Limits { key_bytes: MAX_KEY_BYTES, transaction_bytes: options.max_batch_bytes },
            backlog_bytes: options.max_batch_bytes,
            sync_every: (options.durability == Durability::Relaxed).then_some(Options::SYNC_EVERY),
        }
    }
}

impl<B: Backend> Local<B> {
    /// An engine whose commits are batched by a thread of its own.
    pub(crate) fn new(backend: B, bounds: Bounds, topics: Arc<Topics>) -> Result<Local<B>, StoreError> {
        let mut local = Local::without_thread(backend, bounds, topics);
        local.committer = Some(committer::spawn(local.shared.clone())?);
        Ok(local)
    }

    /// An engine whose commits take no time, so that the calling thread does them.
    pub(crate) fn without_thread(backend: B, bounds: Bounds, topics: Arc<Topics>) -> Local<B> {
        Local { shared: Arc::new(Shared::new(backend, bounds, topics)), committer: None }
    }

    /// The first, lock-free run.
    fn run(&self, body: Body<'_>) -> Result<Run, StoreError> {
        // Read before the snapshot is taken: the snapshot may be newer than this says, never older.
        let since = self.shared.published.load(Ordering::Acquire);
        let mut tx = Tx::tracked(self.shared.backend.snapshot()?, &self.shared.topics);
        let verdict = body(&mut tx);
        let (reads, changes) = self.finish(verdict, tx)?;
        Ok(Run { since, reads, changes })
    }

    /// What a run leaves to commit; nothing if it aborted.
    fn finish(&self, verdict: Verdict, tx: Tx) -> Result<(Reads, Changes), StoreError> {
        match verdict {
            Verdict::Commit => tx.finish(&self.shared.bounds.limits),
            Verdict::Abort => Ok(Default::default()),
        }
    }

    /// Takes a run's writes into the open batch, or runs once more where they can be taken.
    fn pass(&self, name: &'static str, run: Run, body: Body<'_>) -> Result<Option<Receipt>, StoreError> {
        let mut gate = self.shared.lock();
        gate.check_open()?;
        if !gate.conflicts(run.since, &run.reads) {
            return self.accept(&mut gate, run.changes);
        }
        self.shared.counters.conflicts.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let outcome = self.run_at_gate(&mut gate, body);
        if began.elapsed() > SLOW_RUN {
            let millis = began.elapsed().as_millis();
            tracing::warn!(name, millis, "a transaction with a conflict held up all others");
        }
        outcome
    }

    /// The second run, with the gate held.
    fn run_at_gate(&self, gate: &mut Gate, body: Body<'_>) -> Result<Option<Receipt>, StoreError> {
        let (pending, saw_pending) = Pending::new(self.shared.backend.snapshot()?, gate.layers());
        let mut tx = Tx::untracked(Box::new(pending), &self.shared.topics);
        let verdict = body(&mut tx);
        let (_, changes) = self.finish(verdict, tx)?;
        if !changes.writes.is_empty() {
            return self.accept(gate, changes);
        }
        let (told, receipt) = oneshot::channel();
        let waits = saw_pending.get() && gate.wait_for_pending(Waiter::reader(told));
        Ok(waits.then_some(Receipt(receipt)))
    }

    fn accept(&self, gate: &mut Gate, changes: Changes) -> Result<Option<Receipt>, StoreError> {
        let (told, receipt) = oneshot::channel();
        self.shared.counters.commits.fetch_add(1, Ordering::Relaxed);
        self.shared.backlog.add(changes.bytes);
        gate.join(changes.writes, changes.bytes, Waiter::writer(told, changes.announced));
        if self.committer.is_none() {
            self.shared.commit_now(gate)?;
            return Ok(None);
        }
        Ok(Some(Receipt(receipt)))
    }
}

/// The outcome of a lock-free run.
struct Run {
    since: u64,
    reads: Reads,
    changes: Changes,
}

impl<B: Backend> Engine for Local<B> {
    fn read(&self, body: &mut dyn FnMut(&View)) -> Result<(), StoreError> {
        body(&View::new(self.shared.backend.snapshot()?));
        Ok(())
    }

    fn transact(&self, name: &'static str, body: Body<'_>) -> Result<Option<Receipt>, StoreError> {
        let run = self.run(&mut *body)?;
        if run.changes.writes.is_empty() {
            // It read one durable state and changed nothing: it belongs right after that state.
            return Ok(None);
        }
        let receipt = self.pass(name, run, body)?;
        // Only now, because the commit thread needs the gate as soon as it wakes.
        if receipt.is_some() {
            self.shared.arrived.notify_one();
        }
        Ok(receipt)
    }

    fn backlog(&self) -> Option<&Backlog> {
        Some(&self.shared.backlog)
    }

    fn counts(&self) -> Counts {
        self.shared.counters.read(self.shared.backlog.bytes())
    }

    fn limits(&self) -> Limits {
        self.shared.bounds.limits
    }

    fn clear(&self) -> Result<(), StoreError> {
        self.shared.clear()
    }
}

impl<B: Backend> Drop for Local<B> {
    /// Writes what is still waiting, then ends the thread.
    fn drop(&mut self) {
        self.shared.stop();
        if let Some(committer) = self.committer.take()
            && committer.join().is_err()
        {
            tracing::error!("the commit thread panicked");
        }
    }
}
