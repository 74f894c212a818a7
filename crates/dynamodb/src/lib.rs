//! DynamoDB: tables, items, indexes, expressions, transactions and expiry.
//!
//! Invariants: a write of an item is one transaction of the store with its index entries and its expiry row in it, so
//! that an index never says anything that its table does not; numbers are exact decimals; a key's code sorts as the key
//! does; no expression, item or page is unbounded; what a deleted table leaves behind can be seen by nobody, because
//! keys carry the table's own number and not its name.
//!
//! Reading order: [`value`] (what items are made of), [`keys`] (where they lie), [`records`], [`expr`], [`schema`],
//! [`items`], [`query`], [`tables`], [`worker`].

pub mod access;
mod api;
pub mod choices;
pub mod error;
pub mod expr;
pub mod hash;
pub mod items;
pub mod keys;
pub mod legacy;
pub mod names;
pub mod query;
pub mod records;
pub mod schema;
pub mod shapes;
pub mod statistics;
pub mod tables;
pub mod value;
pub mod worker;

use std::time::Duration;

use nephos_core::Clock;
use nephos_store::Store;
use tokio::sync::Notify;

pub use api::ROWS;
pub use error::Error;
pub use shapes::MODEL;
pub use worker::Workers;

/// The bounds of the service.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether other processes write the same store, so that a table's record is read for every call.
    pub shared_store: bool,
    /// How often expired items are looked for.
    pub expiry_every: Duration,
    /// How often the counts of items and bytes are stored.
    pub statistics_every: Duration,
    /// How many rows one transaction of a background job touches at most.
    pub job_rows: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            shared_store: false,
            expiry_every: Duration::from_secs(1),
            statistics_every: Duration::from_secs(1),
            job_rows: 500,
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
pub struct DynamoDb {
    config: Config,
    store: Store,
    clock: Clock,
    tables: tables::cache::TableCache,
    statistics: statistics::Statistics,
    /// Wakes the worker of background jobs.
    job: Notify,
}

impl DynamoDb {
    /// The service, without its background tasks: [`Workers::start`] starts those.
    pub fn new(config: Config, deps: Deps) -> DynamoDb {
        let Deps { store, clock } = deps;
        DynamoDb {
            config,
            store,
            clock,
            tables: tables::cache::TableCache::default(),
            statistics: statistics::Statistics::default(),
            job: Notify::new(),
        }
    }

    /// Forgets what is in memory, after the store was cleared.
    pub fn reset(&self) {
        self.tables.clear();
        self.statistics.clear();
    }
}

impl std::fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamoDb").field("config", &self.config).finish_non_exhaustive()
    }
}

nephos_wire::service!(DynamoDb, &MODEL, ROWS);
