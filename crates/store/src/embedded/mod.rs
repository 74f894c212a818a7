//! The embedded engine: fjall, a log-structured tree, in its plain form behind the gate and group commit of `local`.
//!
//! Each batch is one of fjall's, which syncs its journal before it shows the batch to readers. All rows lie in one
//! keyspace, the ledger's among them, so that a batch and its record share one fate. Clearing the store makes a new,
//! empty generation and removes the old one when its last reader is gone.
//!
//! Reading order: [`folder`], [`journal`], [`ledger`].

mod folder;
mod generation;
mod journal;
mod ledger;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::local::Backend;
use crate::snapshot::{Snapshot, Writes};
use crate::{Durability, Options, StoreError};

use folder::Folder;
use generation::Generation;

/// The backend.
pub(crate) struct Embedded {
    folder: Folder,
    options: Options,
    current: RwLock<Arc<Generation>>,
    /// Something was applied and not synced.
    unsynced: AtomicBool,
}

impl Embedded {
    /// Opens the data folder, making it if it is not there, and checks that nothing acknowledged is missing.
    pub(crate) fn open(dir: &Path, options: Options) -> Result<Embedded, StoreError> {
        let folder = Folder::open(dir)?;
        let (number, generation) = match folder.current()? {
            Some(number) => (number, Generation::open(number, &folder.generation(number), &options)?),
            None => (1, new_generation(&folder, 1, &options)?),
        };
        folder.remove_leftovers(number)?;
        let current = RwLock::new(Arc::new(generation));
        Ok(Embedded { folder, options, current, unsynced: AtomicBool::new(false) })
    }

    fn current(&self) -> Arc<Generation> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Makes an empty generation and lets it count.
fn new_generation(folder: &Folder, number: u64, options: &Options) -> Result<Generation, StoreError> {
    let path = folder.generation(number);
    if path.exists() {
        // A crash came between its making and its counting.
        std::fs::remove_dir_all(&path)?;
    }
    let generation = Generation::open(number, &path, options)?;
    folder.set_current(number)?;
    Ok(generation)
}

impl Backend for Embedded {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(self.current().snapshot()?))
    }

    fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
        let strict = self.options.durability == Durability::Strict;
        let follows_durable = !self.unsynced.load(Ordering::Acquire);
        self.current().apply(writes, strict, follows_durable)?;
        self.unsynced.store(!strict, Ordering::Release);
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        if self.unsynced.load(Ordering::Acquire) {
            self.current().sync()?;
            self.unsynced.store(false, Ordering::Release);
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        let number = self.current().number() + 1;
        let fresh = Arc::new(new_generation(&self.folder, number, &self.options)?);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *current, fresh);
        drop(current);
        old.doom();
        self.unsynced.store(false, Ordering::Release);
        Ok(())
    }
}
