//! The ledger: rows that every batch carries, by which a start finds batches that have gone missing.
//!
//! Batches are numbered from 1. Batch `n` writes the row (level 0, slot `n` mod 64), so that the newest 64 batches are
//! all on record; every 64th also writes on level 1, every 4096th on level 2, and so on, so that a long gap shows even
//! when it lies far back: on level `l`, any gap of `64^l` batches among the newest `64^(l+1)`. Each row holds a checksum
//! chained over everything written so far, so that rows of two histories do not pass for one; and a random mark of its
//! store, so that no value that a client stores can pass for a batch.

use bytes::{BufMut, Bytes};
use nephos_core::random;

use crate::StoreError;
use crate::snapshot::Writes;

/// The first byte of the ledger's keys. No key of a service begins with it.
pub(super) const PREFIX: u8 = 0xFF;
const SLOTS: u64 = 64;
const LEVELS: u32 = 5;
const ROW_BYTES: usize = 25;

/// Where the ledger stands after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ledger {
    number: u64,
    chain: u32,
    mark: u64,
}

/// What a row says of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) number: u64,
    checksum: u32,
    chain: u32,
    pub(super) mark: u64,
    /// Everything before this batch was on the disk when it was written.
    pub(super) follows_durable: bool,
}

impl Ledger {
    /// The ledger of an empty store.
    fn new() -> Ledger {
        Ledger { number: 0, chain: 0, mark: u64::from_be_bytes(random::bytes()) }
    }

    /// How many batches were written.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The ledger after a batch of `writes`, and the rows that go into that batch.
    pub(super) fn next(&self, writes: &Writes, follows_durable: bool) -> (Ledger, Vec<(Bytes, Bytes)>) {
        let checksum = checksum(writes);
        let chain = chained(self.chain, checksum);
        let (number, mark) = (self.number + 1, self.mark);
        let row = Row { number, checksum, chain, mark, follows_durable }.encode();
        let levels = (0..LEVELS).filter(|level| number.is_multiple_of(stride(*level)));
        let rows = levels.map(|level| (row_key(level, slot(level, number)), row.clone()));
        (Ledger { number, chain, mark }, rows.collect())
    }

    /// Reads the ledger back, and fails if any batch that should be on record is not.
    pub(super) fn recover(rows: &[(Bytes, Bytes)]) -> Result<Ledger, StoreError> {
        let parsed: Vec<(&[u8], Row)> = rows.iter().map(parse).collect::<Result<_, _>>()?;
        let Some(newest) = parsed.iter().map(|(_, row)| *row).max_by_key(|row| row.number) else {
            return Ok(Ledger::new());
        };
        for level in 0..LEVELS {
            check_level(level, newest.number, &parsed)?;
        }
        check_chain(&parsed, newest.number)?;
        Ok(Ledger { number: newest.number, chain: newest.chain, mark: newest.mark })
    }
}

impl Row {
    fn encode(self) -> Bytes {
        let mut out = Vec::with_capacity(ROW_BYTES);
        out.put_u64(self.number);
        out.put_u32(self.checksum);
        out.put_u32(self.chain);
        out.put_u64(self.mark);
        out.put_u8(u8::from(self.follows_durable));
        out.into()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Row> {
        let (number, rest) = bytes.split_first_chunk()?;
        let (checksum, rest) = rest.split_first_chunk()?;
        let (chain, rest) = rest.split_first_chunk()?;
        let (mark, rest) = rest.split_first_chunk()?;
        let [flag @ (0 | 1)] = rest else { return None };
        Some(Row {
            number: u64::from_be_bytes(*number),
            checksum: u32::from_be_bytes(*checksum),
            chain: u32::from_be_bytes(*chain),
            mark: u64::from_be_bytes(*mark),
            follows_durable: *flag == 1,
        })
    }
}

fn parse((key, value): &(Bytes, Bytes)) -> Result<(&[u8], Row), StoreError> {
    let row = Row::decode(value).ok_or_else(|| hole("a row that cannot be read"))?;
    Ok((key, row))
}

/// Every slot of a level must hold the newest batch that belongs there.
fn check_level(level: u32, newest: u64, rows: &[(&[u8], Row)]) -> Result<(), StoreError> {
    let on_level = newest / stride(level);
    for index in on_level.saturating_sub(SLOTS - 1).max(1)..=on_level {
        let number = index * stride(level);
        let key = row_key(level, slot(level, number));
        let found = rows.iter().find(|(at, _)| *at == &key[..]).map(|(_, row)| row.number);
        if found != Some(number) {
            let found = found.map_or("nothing".into(), |found| format!("batch {found}"));
            return Err(hole(&format!("{found} where batch {number} was expected")));
        }
    }
    Ok(())
}

/// Of two batches that follow each other, the second's chain must begin with the first's.
fn check_chain(rows: &[(&[u8], Row)], newest: u64) -> Result<(), StoreError> {
    let mut recent: Vec<Row> = rows.iter().map(|(_, row)| *row).collect();
    recent.retain(|row| row.number + SLOTS > newest);
    recent.sort_by_key(|row| row.number);
    recent.dedup();
    let linked = recent.windows(2).all(|pair| pair[1].chain == chained(pair[0].chain, pair[1].checksum));
    if linked { Ok(()) } else { Err(hole("rows of different histories")) }
}

fn hole(found: &str) -> StoreError {
    StoreError::Corrupt(format!("committed writes are missing: the ledger has {found}"))
}

fn stride(level: u32) -> u64 {
    SLOTS.pow(level)
}

fn slot(level: u32, number: u64) -> u8 {
    (number / stride(level) % SLOTS) as u8
}

fn row_key(level: u32, slot: u8) -> Bytes {
    Bytes::copy_from_slice(&[PREFIX, level as u8, slot])
}

fn chained(chain: u32, checksum: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(chain);
    hasher.update(&checksum.to_be_bytes());
    hasher.finalize()
}

fn checksum(writes: &Writes) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for (key, value) in writes {
        hasher.update(&(key.len() as u64).to_be_bytes());
        hasher.update(key);
        let value = value.as_deref();
        hasher.update(&value.map_or(u64::MAX, |value| value.len() as u64).to_be_bytes());
        hasher.update(value.unwrap_or_default());
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The rows that are left after `count` batches of which those in `lost` never reached the disk.
    fn rows(count: u64, lost: std::ops::Range<u64>) -> Vec<(Bytes, Bytes)> {
        let mut ledger = Ledger::new();
        let mut rows = BTreeMap::new();
        for number in 1..=count {
            let writes = Writes::from([(Bytes::from(format!("key {number}")), Some(Bytes::new()))]);
            let (next, written) = ledger.next(&writes, true);
            ledger = next;
            if !lost.contains(&number) {
                rows.extend(written);
            }
        }
        rows.into_iter().collect()
    }

    #[test]
    fn a_whole_history_passes_at_every_length() {
        for count in (0..300).chain([4095, 4096, 4097, 10_000]) {
            assert_eq!(Ledger::recover(&rows(count, 0..0)).unwrap().number(), count);
        }
    }

    #[test]
    fn a_missing_batch_among_the_newest_is_found() {
        for lost in 37..100 {
            let error = Ledger::recover(&rows(100, lost..lost + 1)).unwrap_err();
            assert!(error.to_string().contains("missing"), "{error}");
        }
    }

    #[test]
    fn a_long_gap_far_back_is_found() {
        for (count, lost) in [(4000, 1000..1064), (10_000, 6000..6064), (10_000, 500..4600)] {
            assert!(Ledger::recover(&rows(count, lost.clone())).is_err(), "{lost:?}");
        }
    }

    #[test]
    fn rows_of_two_histories_do_not_pass_for_one() {
        let mut mixed: BTreeMap<_, _> = rows(100, 0..0).into_iter().collect();
        let (_, other) = Ledger { number: 99, chain: 1, mark: 1 }.next(&Writes::new(), true);
        mixed.extend(other);
        let mixed: Vec<_> = mixed.into_iter().collect();
        assert!(Ledger::recover(&mixed).unwrap_err().to_string().contains("histories"));
    }
}
