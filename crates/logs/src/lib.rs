//! CloudWatch Logs: log groups, streams and events, filter patterns, retention.
//!
//! Invariants: an event lies in its group by time and order of arrival, so that one scan answers FilterLogEvents; what
//! hangs on a deleted group or stream is out of sight with the transaction that deletes it; functions' lines come in
//! through a bounded queue that never makes a function wait, and a read first waits for what was queued before it.
//!
//! Reading order: [`keys`], [`records`], [`ingest`], [`groups`], [`streams`], [`events`], [`filter`], [`pattern`],
//! [`worker`].

mod access;
mod api;
mod error;
mod events;
mod filter;
mod groups;
mod ingest;
mod keys;
mod names;
mod paging;
pub mod pattern;
mod records;
pub mod shapes;
mod streams;
mod tags;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use nephos_core::Clock;
use nephos_core::ports::{LogLine, LogTarget, WriteLogs};
use nephos_store::Store;
use tokio::sync::Notify;

pub use api::ROWS;
pub use error::Error;
pub use shapes::MODEL;
pub use worker::{Workers, sweep};

/// The bounds of the service.
#[derive(Debug, Clone)]
pub struct Config {
    /// How many bytes of lines may wait to be stored.
    pub queue_bytes: usize,
    /// How many bytes one transaction stores at most.
    pub transaction_bytes: usize,
    /// How long lines may wait for others to be stored with, unless somebody reads.
    pub linger: Duration,
    /// How often retention is looked after.
    pub sweep_every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            queue_bytes: 64 << 20,
            transaction_bytes: 4 << 20,
            linger: Duration::from_millis(20),
            sweep_every: Duration::from_secs(15 * 60),
        }
    }
}

/// What the service stands on.
pub struct Deps {
    /// Where everything is stored.
    pub store: Store,
    /// Tells the time to the background tasks.
    pub clock: Clock,
}

/// The service.
pub struct Logs {
    config: Config,
    store: Store,
    clock: Clock,
    ingest: Arc<ingest::Ingest>,
    sequence: Arc<ingest::Sequence>,
    sweep: Notify,
}

impl Logs {
    /// The service, without its background tasks: [`Workers::start`] starts those.
    pub fn new(config: Config, deps: Deps) -> Logs {
        let Deps { store, clock } = deps;
        let ingest = Arc::new(ingest::Ingest::new(config.clone(), clock.clone()));
        Logs { config, store, clock, ingest, sequence: Arc::default(), sweep: Notify::new() }
    }

    /// How many lines were lost since the start because the queue was full or the store failed.
    pub fn dropped_lines(&self) -> u64 {
        self.ingest.dropped_lines()
    }

    /// Waits until every line that was taken so far is stored, so that none comes after what follows.
    pub async fn settle(&self) {
        self.ingest.settle().await;
    }

    fn sweep_soon(&self) {
        self.sweep.notify_one();
    }
}

impl std::fmt::Debug for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Logs").field("config", &self.config).finish_non_exhaustive()
    }
}

impl WriteLogs for Logs {
    fn write_logs(&self, target: &LogTarget, lines: Vec<LogLine>) {
        self.ingest.write_logs(target, lines);
    }
}

nephos_wire::service!(Logs, &MODEL, ROWS);
