//! What falls out of use, and how its space comes back.
//!
//! A row that stops naming bytes notes them as garbage in the same transaction; the collector removes them after a
//! grace, unless somebody is still reading. Blobs that no row ever named, because a crash came between, are swept.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use nephos_blobs::BlobId;
use nephos_core::Timestamp;
use nephos_store::{Key, KeyReader, Range, Read, StoreError, Tx};

use crate::S3;
use crate::error::Error;
use crate::keys;
use crate::names::UploadId;
use crate::records::{BlobUse, Content, Part};

/// How many items one round of the collector takes.
const ITEMS_A_ROUND: usize = 256;

/// How many parts one transaction removes.
const PARTS_A_TRANSACTION: usize = 500;

/// Something to be reclaimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reclaim {
    /// A blob that nothing needs.
    Blob(BlobId),
    /// All parts of an upload that is gone, with the object that it became if it became one.
    Parts(UploadId),
}

impl fmt::Display for Reclaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reclaim::Blob(id) => write!(f, "blob:{id}"),
            Reclaim::Parts(upload) => write!(f, "parts:{}", upload.as_str()),
        }
    }
}

impl FromStr for Reclaim {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Reclaim, StoreError> {
        let corrupt = || StoreError::Corrupt(format!("expected a blob or an upload, got {text:?}"));
        match text.split_once(':').ok_or_else(corrupt)? {
            ("blob", id) => Ok(Reclaim::Blob(id.parse().map_err(|_| corrupt())?)),
            ("parts", id) => Ok(Reclaim::Parts(UploadId::parse(id).ok_or_else(corrupt)?)),
            _ => Err(corrupt()),
        }
    }
}

/// Notes a new blob that the row written beside needs.
pub fn adopt(tx: &mut Tx, id: &BlobId, size: u64) -> Result<(), StoreError> {
    tx.put_record(keys::blob(id), &BlobUse { count: 1, size })
}

/// Notes that one more row needs a blob.
pub fn share(tx: &mut Tx, id: &BlobId) -> Result<(), StoreError> {
    let row = keys::blob(id);
    let used = tx.record::<BlobUse>(&row)?.filter(|used| used.count > 0);
    let used = used.ok_or_else(|| StoreError::Corrupt(format!("nothing is known of blob {id}")))?;
    tx.put_record(row, &BlobUse { count: used.count.saturating_add(1), ..used })
}

/// Notes that a row no longer needs its bytes. Those beside the row are the caller's to remove.
pub fn release(tx: &mut Tx, content: &Content, now: Timestamp) -> Result<(), StoreError> {
    match content {
        Content::Inline => Ok(()),
        Content::Blob(id) => release_blob(tx, id, now),
        Content::Parts(upload) => {
            note(tx, now, &Reclaim::Parts(upload.clone()));
            Ok(())
        }
    }
}

fn release_blob(tx: &mut Tx, id: &BlobId, now: Timestamp) -> Result<(), StoreError> {
    let row = keys::blob(id);
    // A blob without a row is what the sweep looks for.
    let Some(used) = tx.record::<BlobUse>(&row)? else { return Ok(()) };
    let count = used.count.saturating_sub(1);
    if count == 0 {
        note(tx, now, &Reclaim::Blob(id.clone()));
    }
    tx.put_record(row, &BlobUse { count, ..used })
}

/// Notes something to be reclaimed.
pub fn note(tx: &mut Tx, now: Timestamp, item: &Reclaim) {
    tx.put(keys::garbage(now, &item.to_string()), Bytes::new());
}

/// The item of a garbage row, and since when it is one.
fn parse(key: &[u8]) -> Result<(u64, Reclaim), StoreError> {
    let mut reader = KeyReader::new(key);
    reader.text()?;
    reader.u8()?;
    let since = reader.u64()?;
    Ok((since, reader.text()?.parse()?))
}

impl S3 {
    /// Reclaims what has been out of use for longer than the grace at `now`; tells how many items that were. What is
    /// being read, or cannot be removed now, is passed over.
    pub async fn collect_garbage(&self, now: Timestamp) -> Result<usize, Error> {
        let until = (now - self.config.garbage_grace).millis().max(0).unsigned_abs();
        let mut after = None;
        loop {
            let mut range = Range::prefix(&keys::all_garbage());
            if let Some(row) = &after {
                range = range.after(row);
            }
            let rows = self.store.read(|view| view.range(&range.limit(ITEMS_A_ROUND)))?;
            let last = rows.len() < ITEMS_A_ROUND;
            after = rows.last().map(|(row, _)| row.clone());
            let collected = self.collect_rows(rows, until, now).await?;
            if last || collected > 0 {
                return Ok(collected);
            }
        }
    }

    async fn collect_rows(
        &self,
        rows: Vec<(Key, Bytes)>,
        until: u64,
        now: Timestamp,
    ) -> Result<usize, Error> {
        let mut collected = 0;
        let mut blobs = Vec::new();
        for (row, _) in rows {
            let (since, item) = parse(row.as_bytes())?;
            if since > until {
                break;
            }
            if self.pins.holds(&item.to_string()) {
                continue;
            }
            match item {
                Reclaim::Parts(upload) => self.remove_parts(&row, &upload, now).await?,
                Reclaim::Blob(id) => match self.blobs.delete(&id).await {
                    Ok(()) => blobs.push((row, id)),
                    Err(error) => {
                        tracing::error!(%error, %id, "a blob that nothing needs could not be removed");
                        continue;
                    }
                },
            }
            collected += 1;
        }
        if !blobs.is_empty() {
            self.forget_blobs(&blobs).await?;
        }
        Ok(collected)
    }

    /// Removes the rows of blobs that are gone from the disk.
    async fn forget_blobs(&self, blobs: &[(Key, BlobId)]) -> Result<(), Error> {
        let forget = |tx: &mut Tx| {
            for (row, id) in blobs {
                tx.delete(row.clone());
                tx.delete(keys::blob(id));
            }
            Ok(())
        };
        self.store.transact("s3 forget blobs", forget).await
    }

    /// Removes an upload's parts, so many at a time; their blobs become garbage of their own.
    async fn remove_parts(&self, row: &Key, upload: &UploadId, now: Timestamp) -> Result<(), Error> {
        loop {
            let remove = |tx: &mut Tx| {
                let range = Range::prefix(&keys::parts(upload)).limit(PARTS_A_TRANSACTION);
                let parts = tx.records::<Part>(&range)?;
                for (key, part) in &parts {
                    let number = keys::part_number(key.as_bytes())?;
                    release(tx, &part.content, now)?;
                    tx.delete(keys::part_inline(upload, number));
                    tx.delete(key.clone());
                }
                let last = parts.len() < PARTS_A_TRANSACTION;
                if last {
                    tx.delete(keys::manifest(upload));
                    tx.delete(row.clone());
                }
                Ok::<_, Error>(last)
            };
            if self.store.transact("s3 remove parts", remove).await? {
                return Ok(());
            }
        }
    }

    /// Removes blobs that no row names and that are older than any transaction; tells how many those were.
    pub async fn sweep_orphans(&self) -> Result<u64, Error> {
        let keep = |id: &BlobId| {
            let known = self.store.read(|view| Ok::<_, StoreError>(view.get(&keys::blob(id))?.is_some()));
            // What cannot be looked up is kept.
            known.unwrap_or(true)
        };
        Ok(self.blobs.sweep(&keep, self.config.orphan_age).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_round_trip_through_their_rows() {
        let blob = Reclaim::Blob("0123456789abcdef0123456789abcdef".parse().unwrap());
        let parts = Reclaim::Parts(UploadId::new(Timestamp::from_millis(5)));
        for item in [blob, parts] {
            let key = keys::garbage(Timestamp::from_millis(77), &item.to_string());
            assert_eq!(parse(key.as_bytes()).unwrap(), (77, item));
        }
        assert!("glob:1".parse::<Reclaim>().is_err());
    }
}
