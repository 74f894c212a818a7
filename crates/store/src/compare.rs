//! redb behind the same gate and group commit, for the measurement that chose the embedded engine. Not a supported engine.

use std::ops::ControlFlow;
use std::path::Path;

use bytes::Bytes;
use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, TableDefinition};

use crate::local::{Backend, Bounds, Local};
use crate::snapshot::{Entries, Snapshot, Writes};
use crate::topics::Topics;
use crate::{Options, Range, Store, StoreError};

const TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("data");

struct Redb {
    database: Database,
    durability: Durability,
}

/// A store over redb in the file `path`.
pub fn redb(path: &Path, options: Options) -> Result<Store, StoreError> {
    let cache = usize::try_from(options.cache_bytes).unwrap_or(usize::MAX);
    let database = Database::builder().set_cache_size(cache).create(path).map_err(failed)?;
    let durability = match options.durability {
        crate::Durability::Strict => Durability::Immediate,
        crate::Durability::Relaxed => Durability::None,
    };
    let backend = Redb { database, durability };
    backend.apply(&Writes::new())?;
    let topics = Topics::new(true);
    Ok(Store::over(Local::new(backend, Bounds::of(&options), topics.clone())?, topics))
}

impl Backend for Redb {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let table = self.database.begin_read().map_err(failed)?.open_table(TABLE).map_err(failed)?;
        Ok(Box::new(View(table)))
    }

    fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().map_err(failed)?;
        transaction.set_durability(self.durability).map_err(failed)?;
        let mut table = transaction.open_table(TABLE).map_err(failed)?;
        for (key, value) in writes {
            match value {
                Some(value) => drop(table.insert(&key[..], &value[..]).map_err(failed)?),
                None => drop(table.remove(&key[..]).map_err(failed)?),
            }
        }
        drop(table);
        transaction.commit().map_err(failed)
    }

    fn sync(&self) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().map_err(failed)?;
        transaction.set_durability(Durability::Immediate).map_err(failed)?;
        transaction.commit().map_err(failed)
    }

    fn clear(&self) -> Result<(), StoreError> {
        let transaction = self.database.begin_write().map_err(failed)?;
        transaction.delete_table(TABLE).map_err(failed)?;
        drop(transaction.open_table(TABLE).map_err(failed)?);
        transaction.commit().map_err(failed)
    }
}

struct View(ReadOnlyTable<&'static [u8], &'static [u8]>);

impl Snapshot for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.0.get(key).map_err(failed)?.map(|value| Bytes::copy_from_slice(value.value())))
    }

    fn scan(&self, range: &Range, visit: Entries<'_>) -> Result<(), StoreError> {
        let Some(bounds) = range.bounds() else { return Ok(()) };
        let mut found = self.0.range::<&[u8]>(bounds).map_err(failed)?;
        while let Some(entry) = if range.reverse { found.next_back() } else { found.next() } {
            let (key, value) = entry.map_err(failed)?;
            let flow = visit(Bytes::copy_from_slice(key.value()), Bytes::copy_from_slice(value.value()));
            if let ControlFlow::Break(()) = flow {
                break;
            }
        }
        Ok(())
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Io(std::io::Error::other(error))
}
