//! Reading: the trait that a snapshot and a transaction share.

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::record::{self, Record};
use crate::{Key, Range, StoreError};

/// What a scan hands its entries to, key and value.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// One consistent state of the store, read synchronously. A transaction also sees what it wrote itself.
pub trait Read {
    /// The value at `key`.
    fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError>;

    /// The values at `keys`, in their order; one round trip where the engine is remote.
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// Visits the range in key order (or reverse) until `visit` breaks or the range's limit is reached. Copies nothing.
    fn scan(&self, range: &Range, visit: Visit<'_>) -> Result<(), StoreError>;

    /// The range's entries. Give it a limit wherever the number of entries has no other bound.
    fn range(&self, range: &Range) -> Result<Vec<(Key, Bytes)>, StoreError>;

    /// The record at `key`. On a `&dyn Read` called as `(&read).record(key)`.
    fn record<T: Record>(&self, key: &Key) -> Result<Option<T>, StoreError>
    where
        Self: Sized,
    {
        self.get(key)?.map(|bytes| record::decode(&bytes)).transpose()
    }

    /// The range's records. On a `&dyn Read` called as `(&read).records(range)`.
    fn records<T: Record>(&self, range: &Range) -> Result<Vec<(Key, T)>, StoreError>
    where
        Self: Sized,
    {
        let mut out = Vec::new();
        let mut failed = None;
        self.scan(range, &mut |key, value| match record::decode(value) {
            Ok(record) => {
                out.push((Key::from_bytes(key), record));
                ControlFlow::Continue(())
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(out), Err)
    }
}

impl<R: Read + ?Sized> Read for &R {
    fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        (**self).get(key)
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Bytes>>, StoreError> {
        (**self).get_many(keys)
    }

    fn scan(&self, range: &Range, visit: Visit<'_>) -> Result<(), StoreError> {
        (**self).scan(range, visit)
    }

    fn range(&self, range: &Range) -> Result<Vec<(Key, Bytes)>, StoreError> {
        (**self).range(range)
    }
}
