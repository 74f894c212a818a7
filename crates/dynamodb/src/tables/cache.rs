//! The tables that are in use, parsed. Where this process alone writes the store, a parsed table counts until a call of
//! this process changes it; otherwise each use reads the record and compares its bytes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use nephos_store::{Read, StoreError, Tx, View, record};

use crate::names::TableName;
use crate::records::TableRecord;
use crate::{DynamoDb, Error, keys};

/// The most tables that are kept; beyond that all are forgotten and read again as they are used.
const MAX_TABLES: usize = 10_000;

/// Parsed tables by name.
#[derive(Debug, Default)]
pub struct TableCache {
    tables: RwLock<HashMap<TableName, Parsed>>,
    /// Raised with every change, so that what was read before one is not kept after it.
    generation: AtomicU64,
}

#[derive(Debug, Clone)]
struct Parsed {
    bytes: Bytes,
    table: Arc<TableRecord>,
}

impl TableCache {
    /// Forgets a table that was changed.
    pub fn forget(&self, name: &TableName) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.tables.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.tables.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn get(&self, name: &TableName) -> Option<Parsed> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The table as `read` shows it.
    fn read(&self, read: &dyn Read, name: &TableName) -> Result<Option<Arc<TableRecord>>, StoreError> {
        let generation = self.generation.load(Ordering::SeqCst);
        let Some(bytes) = read.get(&keys::table(name))? else { return Ok(None) };
        if let Some(parsed) = self.get(name).filter(|parsed| parsed.bytes == bytes) {
            return Ok(Some(parsed.table));
        }
        let table: Arc<TableRecord> = Arc::new(record::decode(&bytes)?);
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if self.generation.load(Ordering::SeqCst) == generation {
            if tables.len() >= MAX_TABLES {
                tables.clear();
            }
            tables.insert(name.clone(), Parsed { bytes, table: Arc::clone(&table) });
        }
        Ok(Some(table))
    }
}

impl DynamoDb {
    /// The table, for a read.
    pub(crate) fn table(&self, view: &View, name: &TableName) -> Result<Arc<TableRecord>, Error> {
        if !self.config.shared_store
            && let Some(parsed) = self.tables.get(name)
        {
            return Ok(parsed.table);
        }
        self.tables.read(view, name)?.ok_or_else(Error::not_found)
    }

    /// The table, for a write. It is part of what the transaction has read, so that no change of the table passes by a
    /// write that does not know it.
    pub(crate) fn table_for_write(&self, tx: &Tx, name: &TableName) -> Result<Arc<TableRecord>, Error> {
        self.tables.read(tx, name)?.ok_or_else(Error::not_found)
    }

    /// The table, to decide who may do what with it; none if there is none.
    pub(crate) fn table_if_any(&self, name: &TableName) -> Result<Option<Arc<TableRecord>>, Error> {
        if !self.config.shared_store
            && let Some(parsed) = self.tables.get(name)
        {
            return Ok(Some(parsed.table));
        }
        Ok(self.store.read(|view| self.tables.read(view, name))?)
    }
}
