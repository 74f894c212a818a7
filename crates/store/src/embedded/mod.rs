//! The embedded engine: fjall, a log-structured tree, in its plain form behind the gate and group commit of `local`.
//!
//! Each batch is one of fjall's, which syncs its journal before it shows the batch to readers. All rows lie in one
//! keyspace, the ledger's among them, so that a batch and its record share one fate.
//!
//! The data is one *generation*, a folder. Clearing the store lets a new one count and removes the old one when its last
//! reader is gone. Making a generation takes some forty syncs, so it happens in the background: until it is done, readers
//! see that there is nothing, and commits wait.
//!
//! Reading order: [`folder`], [`generation`], [`journal`], [`ledger`].

mod folder;
mod generation;
mod journal;
mod ledger;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;

use crate::local::Backend;
use crate::snapshot::{Nothing, Snapshot, Writes};
use crate::{Durability, Options, StoreError};

use folder::Folder;
use generation::Generation;

/// A generation that is being made, or was, or could not be.
type Made = OnceLock<Result<Arc<Generation>, String>>;

/// The backend.
pub(crate) struct Embedded {
    folder: Folder,
    options: Options,
    current: RwLock<Slot>,
    makers: Mutex<Vec<JoinHandle<()>>>,
    /// Something was applied and not synced.
    unsynced: AtomicBool,
}

#[derive(Clone)]
struct Slot {
    number: u64,
    made: Arc<Made>,
}

impl Embedded {
    /// Opens the data folder, making it if it is not there, and checks that nothing acknowledged is missing.
    pub(crate) fn open(dir: &Path, options: Options) -> Result<Embedded, StoreError> {
        let folder = Folder::open(dir)?;
        let number = folder.current()?;
        folder.remove_leftovers(number)?;
        let slot = Slot { number, made: Arc::default() };
        let (unsynced, makers) = Default::default();
        let embedded = Embedded { folder, options, current: RwLock::new(slot.clone()), makers, unsynced };
        let path = embedded.folder.generation(number);
        if generation::is_whole(&path) {
            let generation = Generation::open(&path, &embedded.options)?;
            drop(slot.made.set(Ok(Arc::new(generation))));
        } else {
            embedded.make(&slot)?;
        }
        Ok(embedded)
    }

    /// Makes an empty generation in the background.
    fn make(&self, slot: &Slot) -> Result<(), StoreError> {
        let (path, options, made) =
            (self.folder.generation(slot.number), self.options.clone(), slot.made.clone());
        let make = move || {
            let generation = Generation::make(&path, &options).map(Arc::new);
            drop(made.set(generation.map_err(|error| error.to_string())));
        };
        let maker = std::thread::Builder::new().name("store-make".into()).spawn(make)?;
        let mut makers = self.makers.lock().unwrap_or_else(PoisonError::into_inner);
        makers.retain(|maker| !maker.is_finished());
        makers.push(maker);
        Ok(())
    }

    fn slot(&self) -> Slot {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The current generation, once it is made.
    fn current(&self) -> Result<Arc<Generation>, StoreError> {
        usable(self.slot().made.wait())
    }
}

fn usable(made: &Result<Arc<Generation>, String>) -> Result<Arc<Generation>, StoreError> {
    made.clone().map_err(StoreError::Poisoned)
}

impl Backend for Embedded {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        match self.slot().made.get() {
            Some(made) => Ok(Box::new(usable(made)?.snapshot()?)),
            None => Ok(Box::new(Nothing)),
        }
    }

    fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
        let strict = self.options.durability == Durability::Strict;
        let follows_durable = !self.unsynced.load(Ordering::Acquire);
        self.current()?.apply(writes, strict, follows_durable)?;
        self.unsynced.store(!strict, Ordering::Release);
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        if self.unsynced.load(Ordering::Acquire) {
            self.current()?.sync()?;
            self.unsynced.store(false, Ordering::Release);
        }
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        // Clearing again what is still being made would only pile up work.
        let old = self.current()?;
        let slot = Slot { number: self.slot().number + 1, made: Arc::default() };
        // From here on the new generation counts, made or not: what is not whole is empty.
        self.folder.set_current(slot.number)?;
        self.make(&slot)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = slot;
        old.doom();
        self.unsynced.store(false, Ordering::Release);
        Ok(())
    }
}

impl Drop for Embedded {
    /// The folder's lock must not be given up while a generation is being made in it.
    fn drop(&mut self) {
        for maker in std::mem::take(self.makers.get_mut().unwrap_or_else(PoisonError::into_inner)) {
            if maker.join().is_err() {
                tracing::error!("the thread that made a generation panicked");
            }
        }
    }
}
