//! The store: what services hold.

use std::path::Path;
use std::sync::Arc;

use crate::counts::Counts;
use crate::embedded::Embedded;
use crate::engine::{Engine, Receipt, Verdict};
use crate::local::{Bounds, Local};
use crate::memory::Memory;
use crate::postgres::Postgres;
use crate::topics::Topics;
use crate::{Options, StoreError, Tx, View};

/// An ordered map of bytes with consistent snapshots and serializable transactions. Clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Engine>,
    topics: Arc<Topics>,
}

impl Store {
    /// Opens, or makes, the data folder `dir`. One process can have it open at a time.
    pub fn open(dir: &Path, options: Options) -> Result<Store, StoreError> {
        let topics = Topics::new(true);
        let bounds = Bounds::of(&options);
        let engine = Local::new(Embedded::open(dir, options)?, bounds, topics.clone())?;
        Ok(Store::over(engine, topics))
    }

    /// Uses a database server that speaks PostgreSQL's protocol; `url` is a connection string.
    pub fn postgres(url: &str, options: Options) -> Result<Store, StoreError> {
        let topics = Topics::new(false);
        Ok(Store::over(Postgres::connect(url, &options, topics.clone())?, topics))
    }

    /// A store that is gone with the process.
    pub fn memory() -> Store {
        let topics = Topics::new(true);
        let bounds = Bounds::of(&Options::default());
        Store::over(Local::without_thread(Memory::default(), bounds, topics.clone()), topics)
    }

    pub(crate) fn over(engine: impl Engine + 'static, topics: Arc<Topics>) -> Store {
        Store { engine: Arc::new(engine), topics }
    }

    /// Runs `f` on one consistent state, which holds every transaction that was acknowledged before and none in part.
    /// Synchronous: an embedded engine answers in microseconds, a remote one blocks in place.
    pub fn read<T, E: From<StoreError>>(&self, f: impl FnOnce(&View) -> Result<T, E>) -> Result<T, E> {
        let mut f = Some(f);
        let mut outcome = None;
        self.engine.read(&mut |view| {
            if let Some(f) = f.take() {
                outcome = Some(f(view));
            }
        })?;
        outcome.unwrap_or_else(|| Err(StoreError::Closed.into()))
    }

    /// Runs `f` as a transaction: as if nothing else ran at the same time. Returns when its writes are durable.
    ///
    /// `f` may run again after a conflict, so it must do nothing but read and write through the transaction, and it
    /// must not call the store otherwise. An error from `f` means that nothing was written. A future that is dropped
    /// has its writes committed or not, never in part.
    pub async fn transact<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        f: impl Fn(&mut Tx) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(backlog) = self.engine.backlog() {
            backlog.room().await;
        }
        let (outcome, receipt) = self.attempt(name, f)?;
        if let Some(receipt) = receipt {
            receipt.durable().await?;
        }
        outcome
    }

    /// What the store has done so far.
    pub fn counts(&self) -> Counts {
        self.engine.counts()
    }

    /// The longest key that the engine takes, in bytes.
    pub fn max_key_bytes(&self) -> usize {
        self.engine.limits().key_bytes
    }

    /// Wipes everything, in milliseconds. What runs meanwhile comes wholly before or wholly after.
    pub fn clear(&self) -> Result<(), StoreError> {
        self.engine.clear()
    }

    /// What this process knows of the outbox.
    pub(crate) fn topics(&self) -> &Topics {
        &self.topics
    }

    #[allow(clippy::type_complexity, reason = "the inner result is the closure's own")]
    fn attempt<T, E: From<StoreError>>(
        &self,
        name: &'static str,
        f: impl Fn(&mut Tx) -> Result<T, E>,
    ) -> Result<(Result<T, E>, Option<Receipt>), E> {
        let mut outcome = None;
        let receipt = self.engine.transact(name, &mut |tx| {
            let result = f(tx);
            let verdict = if result.is_ok() { Verdict::Commit } else { Verdict::Abort };
            outcome = Some(result);
            verdict
        })?;
        Ok((outcome.unwrap_or_else(|| Err(StoreError::Closed.into())), receipt))
    }
}
