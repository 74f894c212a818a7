//! Every key in the store, as a typed constructor. The README has the picture.
//!
//! Invariants: a key of one kind never runs into another's; within a table or index, keys sort by the partition key's
//! hash, then by the partition key, then by the sort key's own order.

use std::ops::Bound;

use nephos_store::{Key, Range, StoreError};

use crate::names::TableName;

mod place;

pub use place::{EntryKey, KeyPart, PartitionRange, in_segment, segment};

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
    items(table).raw(primary.bytes())
}

/// All entries of an index.
pub fn entries(index: u64) -> Key {
    key(kind::INDEX).u64(index)
}

/// One entry of an index.
pub fn entry(index: u64, key: &EntryKey) -> Key {
    entries(index).raw(key.bytes())
}

/// The expiry of all items of a table, soonest first.
pub fn expiries(table: u64) -> Key {
    key(kind::EXPIRY).u64(table)
}

/// The expiry of one item.
pub fn expiry(table: u64, epoch_seconds: u64, primary: &EntryKey) -> Key {
    expiries(table).u64(epoch_seconds).raw(primary.bytes())
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
    Ok((reader.u64()?, EntryKey::from_bytes(reader.rest())))
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

#[cfg(test)]
mod tests;
