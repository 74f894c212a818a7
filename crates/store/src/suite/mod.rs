//! What every engine must do, run on each of them.

mod basics;
#[path = "../../../testkit/src/postgres.rs"]
mod cluster;
mod history;
mod model;
mod outbox;
mod server;

use std::any::Any;

use crate::{Key, Options, Store, StoreError};

/// A store under test, and what must live as long as it does.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) _keep: Box<dyn Any>,
}

/// How much a test does: a remote engine is slower.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) cases: u32,
    pub(crate) transactions: usize,
}

pub(crate) fn memory() -> (Fixture, Effort) {
    let fixture = Fixture { store: Store::memory(), _keep: Box::new(()) };
    (fixture, Effort { cases: 64, transactions: 2000 })
}

pub(crate) fn embedded() -> (Fixture, Effort) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default()).unwrap();
    (Fixture { store, _keep: Box::new(dir) }, Effort { cases: 24, transactions: 2000 })
}

pub(crate) fn key(n: u32) -> Key {
    Key::new("suite").u32(n)
}

/// Runs a future to its end on a runtime with several threads.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.unwrap().block_on(work)
}

/// Writes in one transaction.
pub(crate) async fn write(store: &Store, writes: &[(Key, Option<&str>)]) -> Result<(), StoreError> {
    let body = |tx: &mut crate::Tx| {
        for (key, value) in writes {
            match value {
                Some(value) => tx.put(key.clone(), value.as_bytes().to_vec()),
                None => tx.delete(key.clone()),
            }
        }
        Ok(())
    };
    store.transact("test write", body).await
}

macro_rules! suite {
    ($($module:ident: $($test:ident),*;)*) => {
        /// Every test's name and function.
        const SUITE: &[(&str, fn(&Store, Effort))] = &[$($((stringify!($test), $module::$test)),*),*];

        mod memory_engine {
            $($(#[test] fn $test() {
                let (fixture, effort) = super::memory();
                super::$module::$test(&fixture.store, effort);
            })*)*
        }

        mod embedded_engine {
            $($(#[test] fn $test() {
                let (fixture, effort) = super::embedded();
                super::$module::$test(&fixture.store, effort);
            })*)*
        }
    };
}

suite! {
    basics: reads_and_writes, an_error_writes_nothing, a_snapshot_stays_as_it_was,
        a_transaction_sees_its_own_writes, scans_keep_order_bounds_and_limits, every_byte_sorts, limits_are_kept,
        clearing_leaves_nothing, a_dropped_future_is_whole_or_nothing, a_panic_in_a_transaction_harms_nothing;
    model: agrees_with_the_model;
    history: a_hot_counter_loses_nothing, sums_are_kept, no_write_skew, no_phantoms, histories_are_serializable,
        clearing_among_writers;
    outbox: workers_share_events;
}
