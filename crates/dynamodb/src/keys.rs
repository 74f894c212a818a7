//! Every key in the store, as a typed constructor. The README has the picture.
//!
//! Invariants: a key of one kind never runs into another's; within a table or index, keys sort by the partition key's
//! hash, then by the partition key, then by the sort key's own order.

use std::ops::Bound;

use nephos_store::{Key, Range, StoreError};

use crate::hash::xxh64;
use crate::names::TableName;
use crate::value::{AttributeValue, Kind, ValueRef, number_code};

/// The service's space.
const SPACE: &str = "dynamodb";

/// What stands after the space.
mod kind {
    pub(super) const TABLE: u8 = b'T';
    pub(super) const ITEM: u8 = b'i';
    pub(super) const INDEX: u8 = b'x';
    pub(super) const EXPIRY: u8 = b't';
    pub(super) const EXPIRING_TABLE: u8 = b'e';
    pub(super) const JOB: u8 = b'j';
    pub(super) const TOKEN: u8 = b'd';
    pub(super) const TOKEN_EXPIRY: u8 = b'f';
    pub(super) const STATISTICS: u8 = b'n';
}

fn key(kind: u8) -> Key {
    Key::new(SPACE).u8(kind)
}

/// A table's record.
pub fn table(name: &TableName) -> Key {
    tables(name).text(&name.name)
}

/// The records of all tables of an account in a region, in order of name.
pub fn tables(of: &TableName) -> Key {
    key(kind::TABLE).text(of.account.as_str()).text(of.region.as_str())
}

/// The records of all tables.
pub fn all_tables() -> Key {
    key(kind::TABLE)
}

/// All items of a table.
pub fn items(table: u64) -> Key {
    key(kind::ITEM).u64(table)
}

/// One item.
pub fn item(table: u64, primary: &EntryKey) -> Key {
    items(table).raw(&primary.0)
}

/// All entries of an index.
pub fn entries(index: u64) -> Key {
    key(kind::INDEX).u64(index)
}

/// One entry of an index.
pub fn entry(index: u64, key: &EntryKey) -> Key {
    entries(index).raw(&key.0)
}

/// The expiry of all items of a table, soonest first.
pub fn expiries(table: u64) -> Key {
    key(kind::EXPIRY).u64(table)
}

/// The expiry of one item.
pub fn expiry(table: u64, epoch_seconds: u64, primary: &EntryKey) -> Key {
    expiries(table).u64(epoch_seconds).raw(&primary.0)
}

/// The expiries of a table up to a second, that one included.
pub fn expiries_until(table: u64, epoch_seconds: u64) -> Range {
    let end = expiries(table).u64(epoch_seconds.saturating_add(1));
    Range::between(Bound::Included(expiries(table)), Bound::Excluded(end))
}

/// The second and the item of an expiry row.
pub fn read_expiry(key: &Key) -> Result<(u64, EntryKey), StoreError> {
    let mut reader = key.reader();
    reader.text()?;
    reader.u8()?;
    reader.u64()?;
    Ok((reader.u64()?, EntryKey(reader.rest().to_vec())))
}

/// The mark that a table's items expire.
pub fn expiring_table(table: u64) -> Key {
    expiring_tables().u64(table)
}

/// The marks of all tables whose items expire.
pub fn expiring_tables() -> Key {
    key(kind::EXPIRING_TABLE)
}

/// A piece of background work.
pub fn job(id: u64) -> Key {
    jobs().u64(id)
}

/// All background work.
pub fn jobs() -> Key {
    key(kind::JOB)
}

/// A client's token for a transaction.
pub fn token(of: &TableName, token: &str) -> Key {
    key(kind::TOKEN).text(of.account.as_str()).text(of.region.as_str()).text(token)
}

/// The row by which a token is forgotten in time.
pub fn token_expiry(millis: u64, token: &Key) -> Key {
    key(kind::TOKEN_EXPIRY).u64(millis).bytes(token.as_bytes())
}

/// The rows of tokens that are to be forgotten before a moment.
pub fn token_expiries_before(millis: u64) -> Range {
    let all = key(kind::TOKEN_EXPIRY);
    Range::between(Bound::Included(all.clone()), Bound::Excluded(all.u64(millis)))
}

/// The token that an expiry row is about.
pub fn read_token_expiry(key: &Key) -> Result<Key, StoreError> {
    let mut reader = key.reader();
    reader.text()?;
    reader.u8()?;
    reader.u64()?;
    Ok(Key::from_bytes(&reader.bytes()?))
}

/// How many items and bytes a table or index has.
pub fn statistics(id: u64) -> Key {
    key(kind::STATISTICS).u64(id)
}

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::Number;
    use crate::value::stored::encode_value;

    fn scalars() -> impl Strategy<Value = (AttributeValue, AttributeValue)> {
        let text = || "[\\x00a-c\u{ff}\u{10ffff}]{0,4}".prop_map(AttributeValue::S);
        let bytes = || proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xFF)], 0..4);
        let bytes = move || bytes().prop_map(|bytes| AttributeValue::B(bytes.into()));
        let number = || {
            let parts = (any::<bool>(), prop_oneof![0..200u128, 0..10u128.pow(38)], -20..20i64);
            parts.prop_filter_map("in range", |(sign, digits, exponent)| {
                Number::new(sign, digits, exponent).ok().map(AttributeValue::N)
            })
        };
        prop_oneof![(text(), text()), (bytes(), bytes()), (number(), number())]
    }

    fn order(a: &AttributeValue, b: &AttributeValue) -> std::cmp::Ordering {
        match (a, b) {
            (AttributeValue::S(a), AttributeValue::S(b)) => a.as_bytes().cmp(b.as_bytes()),
            (AttributeValue::B(a), AttributeValue::B(b)) => a.cmp(b),
            (AttributeValue::N(a), AttributeValue::N(b)) => a.cmp(b),
            _ => panic!("two scalars of one type were expected"),
        }
    }

    fn at(partition: &str, sort: &AttributeValue) -> EntryKey {
        EntryKey::partition([&AttributeValue::S(partition.into())]).with([sort])
    }

    proptest! {
        #[test]
        fn sort_keys_keep_their_order((a, b) in scalars()) {
            prop_assert_eq!(at("p", &a).cmp(&at("p", &b)), order(&a, &b));
        }

        #[test]
        fn stored_values_have_the_same_code((a, _) in scalars()) {
            let stored = encode_value(&a);
            let partition = EntryKey::partition([&AttributeValue::S("p".into())]);
            prop_assert_eq!(partition.with(ValueRef::new(&stored)), at("p", &a));
        }

        #[test]
        fn ranges_hold_exactly_what_passes_the_test((a, b) in scalars()) {
            let prefix = EntryKey::partition([&AttributeValue::S("p".into())]);
            // Another key attribute behind the tested one must not matter.
            let entry = at("p", &a).of_item(&at("q", &b));
            let all = PartitionRange::all(&prefix);
            prop_assert!(all.contains(&entry));
            prop_assert!(!all.contains(&at("p2", &a)));
            for included in [true, false] {
                let from = all.clone().from(&prefix, &b, included).contains(&entry);
                prop_assert_eq!(from, order(&a, &b).is_gt() || included && order(&a, &b).is_eq());
                let to = all.clone().to(&prefix, &b, included).contains(&entry);
                prop_assert_eq!(to, order(&a, &b).is_lt() || included && order(&a, &b).is_eq());
            }
            let begins = match (&a, &b) {
                (AttributeValue::S(a), AttributeValue::S(b)) => a.starts_with(b.as_str()),
                (AttributeValue::B(a), AttributeValue::B(b)) => a.starts_with(b),
                _ => return Ok(()),
            };
            prop_assert_eq!(PartitionRange::begins_with(&prefix, &b).contains(&entry), begins);
        }
    }

    #[test]
    fn keys_of_different_kinds_never_meet() {
        let name = TableName {
            account: nephos_core::AccountId::DEFAULT,
            region: nephos_core::Region::default(),
            name: "t".into(),
        };
        let primary = at("p", &AttributeValue::S("s".into()));
        let token = token(&name, "abc");
        let keys = [
            table(&name),
            item(1, &primary),
            entry(1, &primary),
            expiry(1, 5, &primary),
            expiring_table(1),
            job(1),
            token.clone(),
            token_expiry(1, &token),
            statistics(1),
        ];
        for (at, one) in keys.iter().enumerate() {
            for two in &keys[at + 1..] {
                assert!(
                    !one.as_bytes().starts_with(two.as_bytes())
                        && !two.as_bytes().starts_with(one.as_bytes())
                );
            }
        }
        assert_eq!(read_expiry(&expiry(1, 5, &primary)).unwrap(), (5, primary));
        assert_eq!(read_token_expiry(&token_expiry(9, &token)).unwrap(), token);
    }

    #[tokio::test]
    async fn segments_cut_the_table_without_gap_or_overlap() {
        let store = nephos_store::Store::memory();
        let hashes =
            [0, 1, u64::MAX / 3, u64::MAX / 3 + 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX - 1, u64::MAX];
        store
            .transact("segments", |tx| {
                hashes.iter().for_each(|hash| tx.put(items(7).u64(*hash).raw(b"x"), &b""[..]));
                tx.put(items(8).u64(0), &b""[..]);
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
        for total in [1, 2, 3, 7, 1_000_000] {
            for hash in hashes {
                let segment = u32::try_from((u128::from(hash) * u128::from(total)) >> 64).unwrap();
                let found = store
                    .read(|view| nephos_store::Read::range(view, &super::segment(&items(7), segment, total)));
                let found: Vec<u64> = found
                    .unwrap_or_else(|error: StoreError| panic!("{error}"))
                    .iter()
                    .map(|(key, _)| {
                        let mut reader = key.reader();
                        (reader.text().unwrap(), reader.u8().unwrap(), reader.u64().unwrap());
                        reader.u64().unwrap()
                    })
                    .collect();
                let expected: Vec<u64> =
                    hashes.into_iter().filter(|hash| in_segment(*hash, segment, total)).collect();
                assert_eq!(found, expected, "segment {segment} of {total}");
            }
        }
    }
}
