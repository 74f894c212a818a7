//! A backend that keeps everything in memory, with versions so that snapshots cost nothing. For tests and trials.

use std::collections::{BTreeMap, VecDeque};
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;

use crate::local::Backend;
use crate::snapshot::{Entries, Snapshot, Writes};
use crate::{Key, Range, StoreError};

/// How many entries a scan takes at a time, so that it never holds the lock while it visits them.
const PAGE: usize = 128;

/// The values that a key had, oldest first, each with the version that wrote it.
type Versions = Vec<(u64, Option<Bytes>)>;

#[derive(Default)]
pub(crate) struct Memory {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    rows: RwLock<Rows>,
    /// How many snapshots live at each version.
    live: Mutex<BTreeMap<u64, usize>>,
}

#[derive(Default)]
struct Rows {
    version: u64,
    keys: BTreeMap<Bytes, Versions>,
    /// Keys that hold more than one live value, and since when.
    garbage: VecDeque<(u64, Bytes)>,
}

impl Backend for Memory {
    fn snapshot(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let rows = self.shared.rows.read().unwrap_or_else(PoisonError::into_inner);
        let mut live = self.shared.live.lock().unwrap_or_else(PoisonError::into_inner);
        *live.entry(rows.version).or_default() += 1;
        Ok(Box::new(AtVersion { version: rows.version, shared: self.shared.clone() }))
    }

    fn apply(&self, writes: &Writes) -> Result<(), StoreError> {
        let mut rows = self.shared.rows.write().unwrap_or_else(PoisonError::into_inner);
        rows.version += 1;
        let version = rows.version;
        for (key, value) in writes {
            // Not the caller's buffer: it may be a small part of a large body.
            let value = value.as_ref().map(|value| Bytes::copy_from_slice(value));
            rows.keys.entry(key.clone()).or_default().push((version, value));
            rows.garbage.push_back((version, key.clone()));
        }
        let live = self.shared.live.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = live.keys().next().copied().unwrap_or(version);
        drop(live);
        rows.collect_garbage(oldest);
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn clear(&self) -> Result<(), StoreError> {
        let rows = self.shared.rows.read().unwrap_or_else(PoisonError::into_inner);
        let everything = rows.keys.keys().map(|key| (key.clone(), None)).collect();
        drop(rows);
        self.apply(&everything)
    }
}

impl Rows {
    /// Drops what no snapshot at `oldest` or later can see.
    fn collect_garbage(&mut self, oldest: u64) {
        while let Some((version, key)) = self.garbage.pop_front() {
            if version > oldest {
                self.garbage.push_front((version, key));
                return;
            }
            let Some(versions) = self.keys.get_mut(&key) else { continue };
            let seen = versions.iter().rposition(|(at, _)| *at <= oldest).unwrap_or(0);
            versions.drain(..seen);
            if matches!(versions[..], [(at, None)] if at <= oldest) {
                self.keys.remove(&key);
            }
        }
    }
}

/// The state at one version.
struct AtVersion {
    version: u64,
    shared: Arc<Shared>,
}

impl AtVersion {
    fn visible<'a>(&self, versions: &'a Versions) -> Option<&'a Bytes> {
        versions.iter().rev().find(|(at, _)| *at <= self.version)?.1.as_ref()
    }

    fn page(&self, range: &Range) -> Vec<(Bytes, Bytes)> {
        let Some(bounds) = range.bounds() else { return Vec::new() };
        let rows = self.shared.rows.read().unwrap_or_else(PoisonError::into_inner);
        let found = rows.keys.range::<[u8], _>(bounds);
        let seen =
            |(key, versions): (&Bytes, &Versions)| Some((key.clone(), self.visible(versions)?.clone()));
        let count = range.limit.unwrap_or(PAGE).min(PAGE);
        if range.reverse {
            found.rev().filter_map(seen).take(count).collect()
        } else {
            found.filter_map(seen).take(count).collect()
        }
    }
}

impl Snapshot for AtVersion {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let rows = self.shared.rows.read().unwrap_or_else(PoisonError::into_inner);
        Ok(rows.keys.get(key).and_then(|versions| self.visible(versions)).cloned())
    }

    fn scan(&self, range: &Range, visit: Entries<'_>) -> Result<(), StoreError> {
        let mut range = range.clone();
        loop {
            let page = self.page(&range);
            let Some((last, _)) = page.last() else { return Ok(()) };
            let last = Bound::Excluded(Key::from_bytes(last));
            for (key, value) in page {
                if let ControlFlow::Break(()) = visit(key, value) {
                    return Ok(());
                }
            }
            if range.reverse { range.end = last } else { range.start = last }
        }
    }
}

impl Drop for AtVersion {
    fn drop(&mut self) {
        let mut live = self.shared.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = live.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                live.remove(&self.version);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(memory: &Memory, value: Option<&'static [u8]>) {
        let writes = Writes::from([(Bytes::from_static(b"k"), value.map(Bytes::from_static))]);
        memory.apply(&writes).unwrap();
    }

    #[test]
    fn a_snapshot_stays_as_it_was_and_then_leaves_nothing_behind() {
        let memory = Memory::default();
        write(&memory, Some(b"1"));
        let old = memory.snapshot().unwrap();
        write(&memory, Some(b"2"));
        write(&memory, None);
        assert_eq!(old.get(b"k").unwrap().unwrap(), "1");
        assert!(memory.snapshot().unwrap().get(b"k").unwrap().is_none());
        drop(old);
        memory.apply(&Writes::new()).unwrap();
        let rows = memory.shared.rows.read().unwrap();
        assert!(rows.keys.is_empty() && rows.garbage.is_empty());
    }
}
