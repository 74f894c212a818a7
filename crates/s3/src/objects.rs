//! Writing and removing an object: the one place where an object's row, its bytes' rows, the garbage that it leaves
//! and the events that it causes come together in a transaction.

use bytes::Bytes;
use nephos_blobs::BlobId;
use nephos_core::{Cx, Timestamp};
use nephos_store::{Read, Tx};

use crate::S3;
use crate::error::Error;
use crate::events;
use crate::garbage;
use crate::ingest::{Landed, Place};
use crate::keys::{self, NULL_VERSION};
use crate::names::UploadId;
use crate::notifications::Happening;
use crate::records::{Bucket, Content, Headers, Object, StoredChecksum};
use crate::tags::TagSet;

/// The `x-amz-server-side-encryption` of every answer about an object.
pub const ENCRYPTION: &str = "AES256";

/// Where a new object's bytes are.
#[derive(Debug, Clone)]
pub enum Source {
    /// Here.
    Inline(Bytes),
    /// In a blob that nothing names yet.
    Blob(BlobId),
    /// In a blob that another object names, too.
    Shared(BlobId),
    /// In the parts of an upload.
    Parts(UploadId),
}

/// An object to be written.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// Where the bytes are.
    pub bytes: Source,
    /// How many there are.
    pub size: u64,
    /// The ETag without quotes.
    pub etag: String,
    /// The CRC64NVME.
    pub crc64: u64,
    /// The checksum that is answered, unless it is the CRC64NVME.
    pub checksum: Option<StoredChecksum>,
    /// What the client says about it.
    pub headers: Headers,
    /// The tags.
    pub tags: TagSet,
}

impl NewObject {
    /// An object of bytes that have landed.
    pub fn landed(landed: &Landed, headers: Headers, tags: TagSet) -> NewObject {
        NewObject {
            bytes: match &landed.bytes {
                Place::Inline(bytes) => Source::Inline(bytes.clone()),
                Place::Blob(id) => Source::Blob(id.clone()),
            },
            size: landed.size,
            etag: landed.etag(),
            crc64: landed.crc64,
            checksum: landed.checksum.as_ref().map(StoredChecksum::full),
            headers,
            tags,
        }
    }
}

/// A change that a transaction makes to one key.
pub struct Change<'a> {
    /// The context of the request.
    pub cx: &'a Cx,
    /// The bucket, as the transaction sees it.
    pub bucket: &'a Bucket,
    /// The key.
    pub key: &'a str,
    /// What is there.
    pub previous: Option<&'a Object>,
    /// What the events say that happened.
    pub happening: Happening,
    /// The moment.
    pub now: Timestamp,
}

impl Change<'_> {
    fn sequence(&self) -> u64 {
        S3::next_sequence(self.now, self.previous.map(|object| object.sequence))
    }

    /// Puts `new` in the key's place.
    pub fn write(&self, tx: &mut Tx, new: NewObject) -> Result<Object, Error> {
        let (bucket, key) = (self.bucket, self.key);
        let inline = keys::inline(bucket.id, key, NULL_VERSION);
        // What is there is released last: a copy onto itself shares its blob.
        let content = match new.bytes {
            Source::Inline(bytes) => {
                tx.put(inline.clone(), bytes);
                Content::Inline
            }
            Source::Blob(id) => {
                garbage::adopt(tx, &id, new.size)?;
                Content::Blob(id)
            }
            Source::Shared(id) => {
                garbage::share(tx, &id)?;
                Content::Blob(id)
            }
            Source::Parts(upload) => Content::Parts(upload),
        };
        if let Some(previous) = self.previous {
            if previous.content == Content::Inline && content != Content::Inline {
                tx.delete(inline);
            }
            garbage::release(tx, &previous.content, self.now)?;
        }
        if !new.tags.is_empty() {
            note_tags(tx, bucket)?;
        }
        let object = Object {
            content,
            size: new.size,
            etag: new.etag,
            modified: self.now,
            sequence: self.sequence(),
            crc64: new.crc64,
            checksum: new.checksum,
            headers: new.headers,
            tags: new.tags,
        };
        tx.put_record(keys::object(bucket.id, key, NULL_VERSION), &object)?;
        events::note(tx, self, object.sequence, Some(&object))?;
        Ok(object)
    }

    /// Removes what is there.
    pub fn remove(&self, tx: &mut Tx) -> Result<(), Error> {
        let Some(previous) = self.previous else { return Ok(()) };
        if previous.content == Content::Inline {
            tx.delete(keys::inline(self.bucket.id, self.key, NULL_VERSION));
        }
        garbage::release(tx, &previous.content, self.now)?;
        tx.delete(keys::object(self.bucket.id, self.key, NULL_VERSION));
        events::note(tx, self, self.sequence(), None)
    }

    /// Changes the tags of what is there.
    pub fn retag(&self, tx: &mut Tx, tags: TagSet) -> Result<(), Error> {
        let Some(previous) = self.previous else { return Ok(()) };
        if !tags.is_empty() {
            note_tags(tx, self.bucket)?;
        }
        let object = Object { tags, sequence: self.sequence(), ..previous.clone() };
        tx.put_record(keys::object(self.bucket.id, self.key, NULL_VERSION), &object)?;
        events::note(tx, self, object.sequence, Some(&object))
    }
}

/// Remembers that the bucket has tagged objects, which accesses then look at.
fn note_tags(tx: &mut Tx, bucket: &Bucket) -> Result<(), Error> {
    if !bucket.tagged_objects {
        let row = keys::bucket(&bucket.name);
        if let Some(current) = tx.record::<Bucket>(&row)? {
            tx.put_record(row, &Bucket { tagged_objects: true, ..current })?;
        }
    }
    Ok(())
}

/// Reads a key's record.
pub fn current(from: &impl Read, bucket: &Bucket, key: &str) -> Result<Option<Object>, Error> {
    Ok(from.record(&keys::object(bucket.id, key, NULL_VERSION))?)
}

/// Checks a version id against a bucket that has no versions: there is only the `null` one.
pub fn check_version(version: Option<&str>) -> Result<(), Error> {
    match version {
        None | Some("null") => Ok(()),
        Some(other) => Err(Error::argument("Invalid version id specified", "versionId", other)),
    }
}
