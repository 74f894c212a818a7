//! One generation of the data: one of fjall's databases.

use std::fs::{self, File};
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Slice};

use super::folder::{make_folder, remove_in_background, write_format};
use super::journal;
use super::ledger::{self, Ledger};
use crate::snapshot::{Entries, Snapshot, Writes};
use crate::{Options, Range, StoreError};

/// What may be in memory of the newest writes before they go to a sorted file; two such tables is the usual.
const MEMTABLE_BYTES: u64 = 8 * 1024 * 1024;
/// The most that all journals may hold, and so the most that a start has to read.
const JOURNAL_BYTES: u64 = 192 * 1024 * 1024;
/// One to write memtables to files, one to merge files.
const WORKERS: usize = 2;
const OPEN_FILES: usize = 256;
const KEYSPACE: &str = "data";
/// Stands in the folder of a generation whose making was finished; without it nothing was ever written there.
const WHOLE: &str = "WHOLE";

/// A generation, open.
pub(super) struct Generation {
    path: PathBuf,
    /// There until the generation is dropped.
    engine: Option<Engine>,
    ledger: Mutex<Ledger>,
    doomed: AtomicBool,
}

/// The engine's handles.
struct Engine {
    // Declared before the database, so that it is gone first.
    rows: Keyspace,
    database: Database,
}

/// Whether there is a generation in `path` that may hold something.
pub(super) fn is_whole(path: &Path) -> bool {
    path.join(WHOLE).exists()
}

impl Generation {
    /// Makes an empty generation in `path`, in place of one that is not whole.
    pub(super) fn make(path: &Path, options: &Options) -> Result<Generation, StoreError> {
        if path.exists() {
            if journal::is_used(path)? {
                let found = format!("{} was never finished and yet holds data", path.display());
                return Err(StoreError::Corrupt(found));
            }
            fs::remove_dir_all(path)?;
        }
        make_folder(path)?;
        let generation = Generation::open(path, options)?;
        let folder = path.parent().unwrap_or(path);
        write_format(folder)?;
        File::create_new(path.join(WHOLE))?.sync_all()?;
        File::open(path)?.sync_all()?;
        File::open(folder)?.sync_all()?;
        Ok(generation)
    }

    /// Opens the generation in `path`.
    pub(super) fn open(path: &Path, options: &Options) -> Result<Generation, StoreError> {
        journal::check(path)?;
        let database = Database::builder(path)
            .cache_size(options.cache_bytes)
            .max_cached_files(Some(OPEN_FILES))
            .max_journaling_size(JOURNAL_BYTES)
            .journal_compression(CompressionType::None)
            .manual_journal_persist(true)
            .worker_threads(WORKERS)
            .open()
            .map_err(failed)?;
        let tuning = || {
            KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES).manual_journal_persist(true)
        };
        let rows = database.keyspace(KEYSPACE, tuning).map_err(failed)?;
        let ledger = Ledger::recover(&ledger_rows(&database, &rows)?)?;
        tracing::debug!(path = %path.display(), batches = ledger.number(), "a generation is open");
        let (ledger, doomed) = (Mutex::new(ledger), AtomicBool::new(false));
        Ok(Generation { path: path.into(), engine: Some(Engine { rows, database }), ledger, doomed })
    }

    fn engine(&self) -> Result<&Engine, StoreError> {
        self.engine.as_ref().ok_or(StoreError::Closed)
    }

    /// What can be read now.
    pub(super) fn snapshot(self: Arc<Self>) -> Result<View, StoreError> {
        let Engine { rows, database } = self.engine()?;
        Ok(View { snapshot: database.snapshot(), rows: rows.clone(), _generation: self.clone() })
    }

    /// Writes a batch and its record in the ledger.
    pub(super) fn apply(&self, writes: &Writes, sync: bool, follows_durable: bool) -> Result<(), StoreError> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let (next, records) = ledger.next(writes, follows_durable);
        let mode = if sync { PersistMode::SyncData } else { PersistMode::Buffer };
        let Engine { rows, database } = self.engine()?;
        let mut batch = database.batch().durability(Some(mode));
        for (key, value) in writes {
            // Copied, because a value may be a small part of a large request that it would keep in memory.
            match value {
                Some(value) => batch.insert(rows, Slice::new(key), Slice::new(value)),
                None => batch.remove(rows, Slice::new(key)),
            }
        }
        for (key, value) in records {
            batch.insert(rows, key, value);
        }
        batch.commit().map_err(failed)?;
        *ledger = next;
        Ok(())
    }

    pub(super) fn sync(&self) -> Result<(), StoreError> {
        self.engine()?.database.persist(PersistMode::SyncData).map_err(failed)
    }

    /// Has the files removed when the last reader is gone.
    pub(super) fn doom(&self) {
        self.doomed.store(true, Ordering::Release);
    }
}

impl Drop for Generation {
    /// Closing waits for the engine's threads, which a reader that happens to be the last should not.
    fn drop(&mut self) {
        if !self.doomed.load(Ordering::Acquire) {
            return;
        }
        let engine = self.engine.take();
        if let Err(error) = remove_in_background(self.path.clone(), move || drop(engine)) {
            tracing::warn!(%error, "an old generation is left for the next start to remove");
        }
    }
}

fn ledger_rows(database: &Database, rows: &Keyspace) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
    let found = database.snapshot().prefix(rows, [ledger::PREFIX]);
    found
        .map(|guard| guard.into_inner().map(|(key, value)| (key.into(), value.into())).map_err(failed))
        .collect()
}

/// A snapshot of a generation, which it keeps alive.
pub(super) struct View {
    snapshot: fjall::Snapshot,
    rows: Keyspace,
    // Dropped last: its end may be the end of the files.
    _generation: Arc<Generation>,
}

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let found = self.snapshot.get(&self.rows, key).map_err(failed)?;
        Ok(found.map(Bytes::from))
    }

    fn scan(&self, range: &Range, visit: Entries<'_>) -> Result<(), StoreError> {
        let Some((start, end)) = range.bounds() else { return Ok(()) };
        let ledger: &[u8] = &[ledger::PREFIX];
        let end = match end {
            Bound::Unbounded => Bound::Excluded(ledger),
            Bound::Included(key) | Bound::Excluded(key) if key >= ledger => Bound::Excluded(ledger),
            bounded => bounded,
        };
        let mut found = self.snapshot.range::<&[u8], _>(&self.rows, (start, end));
        while let Some(guard) = if range.reverse { found.next_back() } else { found.next() } {
            let (key, value) = guard.into_inner().map_err(failed)?;
            if let ControlFlow::Break(()) = visit(key.into(), value.into()) {
                break;
            }
        }
        Ok(())
    }
}

/// The engine's error as the store's.
fn failed(error: fjall::Error) -> StoreError {
    match error {
        fjall::Error::Io(error) => StoreError::Io(error),
        fjall::Error::Poisoned => StoreError::Poisoned("a write of the engine failed before".into()),
        fjall::Error::Storage(fjall::LsmError::Io(error)) => StoreError::Io(error),
        other => StoreError::Corrupt(other.to_string()),
    }
}
