//! Where entries stand in a table or index, and the ranges of them that queries and scans go over.

use std::ops::Bound;

use nephos_store::{Key, Range};

use crate::hash::xxh64;
use crate::value::{AttributeValue, Kind, ValueRef, number_code};

/// Where an item or index entry stands in its table or index: the hash of the partition key, the key attributes'
/// order-preserving codes one after another, and for an index entry the item's own key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryKey(Vec<u8>);

impl EntryKey {
    /// The beginning that all entries of a partition share.
    pub fn partition<V: KeyPart>(values: impl IntoIterator<Item = V>) -> EntryKey {
        let mut bytes = Vec::with_capacity(64);
        bytes.resize(8, 0);
        values.into_iter().for_each(|value| value.encode(&mut bytes));
        let hash = xxh64(&bytes[8..]);
        bytes[..8].copy_from_slice(&hash.to_be_bytes());
        EntryKey(bytes)
    }

    /// The same with further key attributes.
    #[must_use]
    pub fn with<V: KeyPart>(mut self, values: impl IntoIterator<Item = V>) -> EntryKey {
        values.into_iter().for_each(|value| value.encode(&mut self.0));
        self
    }

    /// The same with the item's own key behind it, which makes an index entry's key unique.
    #[must_use]
    pub fn of_item(mut self, primary: &EntryKey) -> EntryKey {
        self.0.extend_from_slice(primary.0.get(8..).unwrap_or_default());
        self
    }

    /// The partition's hash.
    pub fn hash(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes bytes that were an entry key before.
    pub fn from_bytes(bytes: &[u8]) -> EntryKey {
        EntryKey(bytes.to_vec())
    }
}

/// The entries of one partition of a table or index that pass a test of the next key attribute.
#[derive(Debug, Clone)]
pub struct PartitionRange {
    start: Vec<u8>,
    /// The first key behind the range.
    end: Vec<u8>,
}

impl PartitionRange {
    /// All entries that begin with `prefix`.
    pub fn all(prefix: &EntryKey) -> PartitionRange {
        PartitionRange { start: prefix.0.clone(), end: successor(&prefix.0) }
    }

    /// Those whose next key attribute is at least (or above) this one.
    #[must_use]
    pub fn from(mut self, prefix: &EntryKey, value: &AttributeValue, included: bool) -> PartitionRange {
        let at = prefix.clone().with([value]).0;
        self.start = if included { at } else { successor(&at) };
        self
    }

    /// Those whose next key attribute is at most (or below) this one.
    #[must_use]
    pub fn to(mut self, prefix: &EntryKey, value: &AttributeValue, included: bool) -> PartitionRange {
        let at = prefix.clone().with([value]).0;
        self.end = if included { successor(&at) } else { at };
        self
    }

    /// Those whose next key attribute, a text or binary, begins with this one.
    pub fn begins_with(prefix: &EntryKey, value: &AttributeValue) -> PartitionRange {
        let mut start = prefix.0.clone();
        match value {
            AttributeValue::S(text) => escape(text.as_bytes(), &mut start),
            AttributeValue::B(bytes) => escape(bytes, &mut start),
            other => other.encode(&mut start),
        }
        let end = successor(&start);
        PartitionRange { start, end }
    }

    /// Whether an entry lies in the range.
    pub fn contains(&self, key: &EntryKey) -> bool {
        self.start <= key.0 && key.0 < self.end
    }

    /// The range of the store's keys, under a table's or index's own.
    pub fn under(&self, owner: &Key) -> Range {
        let bound = |bytes: &[u8]| owner.clone().raw(bytes);
        Range::between(Bound::Included(bound(&self.start)), Bound::Excluded(bound(&self.end)))
    }
}

/// A segment of a parallel scan: the partitions whose hash lies in its share of all hashes.
pub fn segment(owner: &Key, segment: u32, total: u32) -> Range {
    let start = |n: u32| (u128::from(n) << 64).div_ceil(u128::from(total.max(1)));
    let bound = |n: u32| u64::try_from(start(n)).ok().map(|hash| owner.clone().u64(hash));
    let from = bound(segment).unwrap_or_else(|| owner.clone());
    let end = bound(segment + 1).unwrap_or_else(|| Key::from_bytes(&successor(owner.as_bytes())));
    Range::between(Bound::Included(from), Bound::Excluded(end))
}

/// Whether a hash lies in a segment.
pub fn in_segment(hash: u64, segment: u32, total: u32) -> bool {
    (u128::from(hash) * u128::from(total)) >> 64 == u128::from(segment)
}

/// A key attribute's value: something with an order-preserving code that delimits itself.
pub trait KeyPart {
    /// Appends the code.
    fn encode(&self, out: &mut Vec<u8>);
}

impl KeyPart for &AttributeValue {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            AttributeValue::N(number) => number_code::encode(number, out),
            AttributeValue::S(text) => delimited(text.as_bytes(), out),
            AttributeValue::B(bytes) => delimited(bytes, out),
            // Nothing else gets past the schema.
            _ => delimited(&[], out),
        }
    }
}

impl KeyPart for ValueRef<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self.kind() {
            // Stored numbers are in their key's form already.
            Kind::N => out.extend_from_slice(self.payload()),
            _ => delimited(self.payload(), out),
        }
    }
}

fn delimited(bytes: &[u8], out: &mut Vec<u8>) {
    escape(bytes, out);
    out.extend_from_slice(&[0x00, 0x01]);
}

fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut left = bytes;
    while let Some(at) = memchr::memchr(0, left) {
        out.extend_from_slice(&left[..=at]);
        out.push(0xFF);
        left = &left[at + 1..];
    }
    out.extend_from_slice(left);
}

/// The first byte string after all that begin with this one. Codes end in a byte that is not `FF` or stands behind one
/// that is not, so there always is one.
fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut bytes = prefix.to_vec();
    while bytes.last() == Some(&0xFF) {
        bytes.pop();
    }
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    bytes
}
