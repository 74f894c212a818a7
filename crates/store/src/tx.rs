//! A transaction: a snapshot, the writes laid over it, and the record of what was read.
//!
//! The record is what makes optimism safe: at the commit gate it is compared with what others wrote meanwhile. It holds
//! each key that was asked for, present or not, and of each scan the stretch that was really seen.

use std::cell::RefCell;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::Limits;
use crate::read::Visit;
use crate::record::{self, Record};
use crate::snapshot::{Entries, Snapshot, Writes, get_many_over, owned, scan_over};
use crate::topics::{Announcement, Topics};
use crate::view::{collect, limited};
use crate::{Key, Range, Read, StoreError};

/// More reads than this are not remembered one by one: the transaction runs at the gate instead.
const MAX_READS: usize = 16 * 1024;

/// A running transaction.
pub struct Tx {
    base: Box<dyn Snapshot>,
    writes: Writes,
    write_bytes: usize,
    longest_key: usize,
    reads: RefCell<Reads>,
    topics: Arc<Topics>,
    announced: Vec<Announcement>,
}

/// The stretch of keys that a scan has seen.
pub(crate) type Seen = (Bound<Key>, Bound<Key>);

/// What a transaction has read.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    pub(crate) keys: Vec<Key>,
    pub(crate) ranges: Vec<Seen>,
    /// More was read than is remembered.
    pub(crate) overflowed: bool,
    untracked: bool,
}

/// What a transaction wants written.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) writes: Writes,
    pub(crate) bytes: usize,
    /// Rows of the outbox among the writes.
    pub(crate) announced: Vec<Announcement>,
}

impl Tx {
    /// A transaction that remembers its reads.
    pub(crate) fn tracked(base: Box<dyn Snapshot>, topics: &Arc<Topics>) -> Tx {
        let (writes, announced, reads) = Default::default();
        Tx { base, writes, write_bytes: 0, longest_key: 0, reads, topics: topics.clone(), announced }
    }

    /// A transaction that nothing can come between, so that its reads need no record.
    pub(crate) fn untracked(base: Box<dyn Snapshot>, topics: &Arc<Topics>) -> Tx {
        let mut tx = Tx::tracked(base, topics);
        tx.reads.get_mut().untracked = true;
        tx
    }

    /// Writes `value` at `key`.
    pub fn put(&mut self, key: Key, value: impl Into<Bytes>) {
        self.write(key, Some(value.into()));
    }

    /// Removes `key`, present or not.
    pub fn delete(&mut self, key: Key) {
        self.write(key, None);
    }

    /// Writes a record at `key`.
    pub fn put_record<T: Record>(&mut self, key: Key, value: &T) -> Result<(), StoreError> {
        self.put(key, record::encode(value)?);
        Ok(())
    }

    /// Says that this transaction writes a row of the outbox, before it does; `rings` if its readers are to be woken.
    pub(crate) fn announce(&mut self, topic: &'static str, due: i64, rings: bool) {
        self.announced.push(self.topics.announce(topic, due, rings));
    }

    fn write(&mut self, key: Key, value: Option<Bytes>) {
        self.longest_key = self.longest_key.max(key.as_bytes().len());
        self.write_bytes += key.as_bytes().len() + value.as_ref().map_or(0, Bytes::len);
        self.writes.insert(key.into_bytes(), value);
    }

    /// Ends the transaction: what it read, and what it wants written if that is within the limits.
    pub(crate) fn finish(self, limits: &Limits) -> Result<(Reads, Changes), StoreError> {
        within("key", self.longest_key, limits.key_bytes)?;
        within("transaction", self.write_bytes, limits.transaction_bytes)?;
        let changes = Changes { writes: self.writes, bytes: self.write_bytes, announced: self.announced };
        Ok((self.reads.into_inner(), changes))
    }

    fn scan_tracked(&self, range: &Range, visit: Entries<'_>) -> Result<(), StoreError> {
        let mut seen = 0;
        let mut stopped_at = None;
        let limit = range.limit.unwrap_or(usize::MAX);
        let outcome = scan_over(&*self.base, &self.writes, range, &mut |key, value| {
            seen += 1;
            let at = key.clone();
            let flow = visit(key, value);
            if flow.is_break() || seen == limit {
                stopped_at = Some(at);
            }
            flow
        });
        self.reads.borrow_mut().range(range, stopped_at.as_ref().map(owned));
        outcome
    }
}

fn within(what: &'static str, bytes: usize, limit: usize) -> Result<(), StoreError> {
    if bytes > limit { Err(StoreError::TooLarge { what, bytes, limit }) } else { Ok(()) }
}

impl Reads {
    fn key(&mut self, key: &Key) {
        if self.has_room() {
            self.keys.push(key.clone());
        }
    }

    fn range(&mut self, range: &Range, stopped_at: Option<Key>) {
        if self.has_room() {
            self.ranges.push(match stopped_at {
                Some(last) => range.up_to(last),
                None => (range.start.clone(), range.end.clone()),
            });
        }
    }

    fn has_room(&mut self) -> bool {
        self.overflowed |= self.keys.len() + self.ranges.len() >= MAX_READS;
        !self.untracked && !self.overflowed
    }
}

impl Read for Tx {
    fn get(&self, key: &Key) -> Result<Option<Bytes>, StoreError> {
        if let Some(written) = self.writes.get(key.as_bytes()) {
            return Ok(written.clone());
        }
        self.reads.borrow_mut().key(key);
        self.base.get(key.as_bytes())
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Bytes>>, StoreError> {
        for key in keys.iter().filter(|key| !self.writes.contains_key(key.as_bytes())) {
            self.reads.borrow_mut().key(key);
        }
        let keys: Vec<&[u8]> = keys.iter().map(Key::as_bytes).collect();
        get_many_over(&*self.base, &self.writes, &keys)
    }

    fn scan(&self, range: &Range, visit: Visit<'_>) -> Result<(), StoreError> {
        let mut visit = |key: Bytes, value: Bytes| -> ControlFlow<()> { visit(&key, &value) };
        limited(range, &mut visit, &mut |visit| self.scan_tracked(range, visit))
    }

    fn range(&self, range: &Range) -> Result<Vec<(Key, Bytes)>, StoreError> {
        collect(range, &mut |visit| self.scan_tracked(range, visit))
    }
}
