//! Every storage key, and how an object listing walks them.
//!
//! An object's key ends in its inverted version, so that the newest of a key comes first. The version of an object
//! in a bucket that was never versioned is zero, which inverted sorts behind every later one, as S3 has it when
//! versioning begins.

use nephos_blobs::BlobId;
use nephos_core::{AccountId, Timestamp};
use nephos_store::{Key, KeyReader, StoreError};

use crate::names::UploadId;

const SPACE: &str = "s3";

/// The tables; a key's second component.
mod table {
    pub const BUCKET: u8 = 1;
    pub const OWNED: u8 = 2;
    pub const OBJECT: u8 = 3;
    pub const INLINE: u8 = 4;
    pub const UPLOAD: u8 = 5;
    pub const PART: u8 = 6;
    pub const PART_INLINE: u8 = 7;
    pub const MANIFEST: u8 = 8;
    pub const BLOB: u8 = 9;
    pub const GARBAGE: u8 = 10;
}

/// A bucket's number, which a bucket made later under the same name does not share.
pub type BucketId = u64;

/// The version of every object in a bucket without versioning.
pub const NULL_VERSION: u64 = 0;

fn row(table: u8) -> Key {
    Key::new(SPACE).u8(table)
}

/// A bucket's record.
pub fn bucket(name: &str) -> Key {
    row(table::BUCKET).text(name)
}

/// Marks a bucket as an account's.
pub fn owned(account: AccountId, name: &str) -> Key {
    owned_all(account).text(name)
}

/// All buckets of an account, in order of name.
pub fn owned_all(account: AccountId) -> Key {
    row(table::OWNED).text(account.as_str())
}

/// The buckets of an account whose names begin with `prefix`.
pub fn owned_under(account: AccountId, prefix: &str) -> Key {
    opened(owned_all(account), prefix)
}

/// The name in an [`owned`] key.
pub fn owned_name(key: &[u8]) -> Result<String, StoreError> {
    let mut reader = table_reader(key)?;
    reader.text()?;
    reader.text()
}

/// An object's record.
pub fn object(bucket: BucketId, key: &str, version: u64) -> Key {
    objects(bucket).text(key).u64(!version)
}

/// All objects of a bucket, in order of key, newest version first.
pub fn objects(bucket: BucketId) -> Key {
    row(table::OBJECT).u64(bucket)
}

/// The objects whose keys begin with `prefix`.
pub fn objects_under(bucket: BucketId, prefix: &str) -> Key {
    opened(objects(bucket), prefix)
}

/// The object key in an [`object`] key.
pub fn object_key(key: &[u8]) -> Result<String, StoreError> {
    let mut reader = table_reader(key)?;
    reader.u64()?;
    reader.text()
}

/// The bytes of a small object.
pub fn inline(bucket: BucketId, key: &str, version: u64) -> Key {
    row(table::INLINE).u64(bucket).text(key).u64(!version)
}

/// An upload that is under way.
pub fn upload(bucket: BucketId, key: &str, id: &UploadId) -> Key {
    uploads_of(bucket, key).text(id.as_str())
}

/// All uploads of one key, oldest first.
pub fn uploads_of(bucket: BucketId, key: &str) -> Key {
    uploads(bucket).text(key)
}

/// All uploads of a bucket, in order of key.
pub fn uploads(bucket: BucketId) -> Key {
    row(table::UPLOAD).u64(bucket)
}

/// The uploads whose keys begin with `prefix`.
pub fn uploads_under(bucket: BucketId, prefix: &str) -> Key {
    opened(uploads(bucket), prefix)
}

/// The object key and the id in an [`upload`] key.
pub fn upload_names(key: &[u8]) -> Result<(String, UploadId), StoreError> {
    let mut reader = table_reader(key)?;
    reader.u64()?;
    let object = reader.text()?;
    let id = reader.text()?;
    let id = UploadId::parse(&id)
        .ok_or_else(|| StoreError::Corrupt(format!("expected an upload id, got {id:?}")))?;
    Ok((object, id))
}

/// A part of an upload, or of the object that it became.
pub fn part(upload: &UploadId, number: u32) -> Key {
    parts(upload).u32(number)
}

/// All parts of an upload, in order of number.
pub fn parts(upload: &UploadId) -> Key {
    row(table::PART).text(upload.as_str())
}

/// The number in a [`part`] key.
pub fn part_number(key: &[u8]) -> Result<u32, StoreError> {
    let mut reader = table_reader(key)?;
    reader.text()?;
    reader.u32()
}

/// The bytes of a small part.
pub fn part_inline(upload: &UploadId, number: u32) -> Key {
    row(table::PART_INLINE).text(upload.as_str()).u32(number)
}

/// The layout of an object that an upload became.
pub fn manifest(upload: &UploadId) -> Key {
    row(table::MANIFEST).text(upload.as_str())
}

/// How many rows need a blob.
pub fn blob(id: &BlobId) -> Key {
    row(table::BLOB).text(&id.to_string())
}

/// Something to be reclaimed, in the order in which it fell out of use.
pub fn garbage(since: Timestamp, item: &str) -> Key {
    all_garbage().u64(since.millis().max(0).unsigned_abs()).text(item)
}

/// Everything to be reclaimed.
pub fn all_garbage() -> Key {
    row(table::GARBAGE)
}

/// Reads a key's components after its table.
fn table_reader(key: &[u8]) -> Result<KeyReader<'_>, StoreError> {
    let mut reader = KeyReader::new(key);
    reader.text()?;
    reader.u8()?;
    Ok(reader)
}

/// `key` with the beginning of a text component: the start of every key whose text begins with `prefix`.
fn opened(mut key: Key, prefix: &str) -> Key {
    for piece in prefix.as_bytes().split_inclusive(|b| *b == 0) {
        key = key.raw(piece);
        if piece.last() == Some(&0) {
            key = key.raw(&[0xFF]);
        }
    }
    key
}

/// The first key after all that begin with `key`. Tables are below `FF`, so there always is one.
pub fn past(key: &Key) -> Key {
    let mut bytes = key.as_bytes().to_vec();
    while bytes.last() == Some(&0xFF) {
        bytes.pop();
    }
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    Key::from_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_newest_version_comes_first_and_the_null_version_of_old_last() {
        let of = |version| object(7, "k", version);
        assert!(of(3) < of(2) && of(2) < of(NULL_VERSION));
        assert!(of(NULL_VERSION) < object(7, "k\0", 9));
    }

    proptest! {
        #[test]
        fn objects_sort_by_key(a in ".{0,12}", b in ".{0,12}", v in any::<u64>(), w in any::<u64>()) {
            let (left, right) = (object(1, &a, v), object(1, &b, w));
            prop_assert_eq!(left.cmp(&right), a.as_bytes().cmp(b.as_bytes()).then(w.cmp(&v)));
            prop_assert_eq!(object_key(left.as_bytes()).unwrap(), a);
        }

        #[test]
        fn a_prefix_finds_what_begins_with_it(key in "[a\0\u{1}\u{ff}]{0,5}", prefix in "[a\0\u{1}\u{ff}]{0,3}") {
            let start = objects_under(1, &prefix);
            let found = object(1, &key, 0);
            let inside = found >= start && found < past(&start);
            prop_assert_eq!(inside, key.starts_with(&prefix));
            prop_assert_eq!(inside, found.as_bytes().starts_with(start.as_bytes()));
        }

        #[test]
        fn upload_keys_round_trip(key in ".{0,12}", millis in 0i64..4_000_000_000_000) {
            let id = UploadId::new(Timestamp::from_millis(millis));
            let stored = upload(9, &key, &id);
            prop_assert_eq!(upload_names(stored.as_bytes()).unwrap(), (key, id));
        }
    }
}
