//! A read-only snapshot.

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::read::Visit;
use crate::snapshot::{Entries, Snapshot};
use crate::{Key, Range, Read, StoreError};

/// One consistent, committed and durable state of the store.
pub struct View {
    base: Box<dyn Snapshot>,
}

impl View {
    pub(crate) fn new(base: Box<dyn Snapshot>) -> View {
        View { base }
    }
}

impl Read for View {
    fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        self.base.get(key.as_bytes())
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let keys: Vec<&[u8]> = keys.iter().map(Key::as_bytes).collect();
        self.base.get_many(&keys)
    }

    fn scan(&self, range: &Range, visit: Visit<'_>) -> Result<(), StoreError> {
        limited(range, &mut |key, value| visit(&key, &value), &mut |visit| self.base.scan(range, visit))
    }

    fn range(&self, range: &Range) -> Result<Vec<(Key, Bytes)>, StoreError> {
        collect(range, &mut |visit| self.base.scan(range, visit))
    }
}

type Scan<'a> = &'a mut dyn FnMut(Entries<'_>) -> Result<(), StoreError>;

/// Runs a scan that stops when the range's limit is reached. Visiting no empty range is the engine's part.
pub(crate) fn limited(range: &Range, visit: Entries<'_>, scan: Scan<'_>) -> Result<(), StoreError> {
    if range.bounds().is_none() {
        return Ok(());
    }
    let mut left = range.limit.unwrap_or(usize::MAX);
    scan(&mut |key, value| {
        left -= 1;
        visit(key, value)?;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

/// The entries of a limited scan. Values are shared with the engine, not copied.
pub(crate) fn collect(range: &Range, scan: Scan<'_>) -> Result<Vec<(Key, Bytes)>, StoreError> {
    let mut out = Vec::new();
    let mut keep = |key: Bytes, value| {
        out.push((Key::from_bytes(&key), value));
        ControlFlow::Continue(())
    };
    limited(range, &mut keep, scan)?;
    Ok(out)
}
