//! What is stored: buckets, objects, uploads and parts. Each record has a version; fields that are absent take their
//! default when read, so that adding one needs no migration.

use std::collections::BTreeMap;
use std::sync::Arc;

use nephos_blobs::BlobId;
use nephos_core::{AccountId, Region, Timestamp};
use nephos_store::Record;
use serde::{Deserialize, Serialize};

use crate::checksum::{Algorithm, Checksum, Coverage};
use crate::cors::CorsRule;
use crate::keys::BucketId;
use crate::names::UploadId;
use crate::notifications::NotificationTarget;
use crate::ownership::Ownership;
use crate::public_access::PublicAccessBlock;
use crate::tags::TagSet;
use crate::website::config::Website;

/// A bucket with all its configurations, so that one read knows everything about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The number under which its objects are stored.
    pub id: BucketId,
    /// The name.
    pub name: String,
    /// The account that owns it.
    #[serde(with = "text")]
    pub owner: AccountId,
    /// Where it says that it lies.
    #[serde(with = "text")]
    pub region: Region,
    /// When it was made.
    #[serde(with = "millis")]
    pub created: Timestamp,
    /// Who owns uploads; none after its controls were deleted.
    pub ownership: Option<Ownership>,
    /// What keeps the public out; none after it was deleted.
    pub public_access_block: Option<PublicAccessBlock>,
    /// The bucket policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<BucketPolicy>,
    /// The website.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<Website>,
    /// Which pages of other origins may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Vec<CorsRule>>,
    /// The tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<TagSet>,
    /// Which functions hear of which events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<NotificationTarget>,
    /// Whether a bucket key was asked for, which only GetBucketEncryption shows.
    #[serde(default)]
    pub bucket_key: bool,
    /// Whether any object ever had tags; unless one had, no access needs to look for them.
    #[serde(default)]
    pub tagged_objects: bool,
}

impl Bucket {
    /// Whether the policy lets the public in.
    pub fn is_public(&self) -> bool {
        self.policy.as_ref().is_some_and(|policy| policy.public)
    }

    /// Whether strangers stay out although the policy lets them in.
    pub fn restricts_public(&self) -> bool {
        self.is_public() && self.public_access_block.is_some_and(|block| block.restrict_public_buckets)
    }
}

impl Record for Bucket {
    const VERSION: u16 = 1;
}

/// A bucket policy, judged when it was put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketPolicy {
    /// The JSON, as it was sent.
    #[serde(with = "shared_text")]
    pub json: Arc<str>,
    /// Whether it lets the public in.
    pub public: bool,
}

/// Where an object's or part's bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// In the row beside the record.
    Inline,
    /// In one blob.
    Blob(BlobId),
    /// In the parts of the upload that made it.
    Parts(UploadId),
}

/// A checksum as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredChecksum {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// What it covers.
    pub coverage: Coverage,
    /// Base64; a composite one ends in `-` and the number of parts.
    pub value: String,
}

impl StoredChecksum {
    /// A checksum over all bytes.
    pub fn full(checksum: &Checksum) -> Self {
        let Checksum { algorithm, .. } = *checksum;
        StoredChecksum { algorithm, coverage: Coverage::FullObject, value: checksum.base64() }
    }
}

/// The headers that a client gave an object and gets back with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Headers {
    /// `Content-Type`; `binary/octet-stream` where none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// `Cache-Control`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Encoding`, without `aws-chunked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Expires`, as it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// `x-amz-meta-...` without the prefix.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// `x-amz-website-redirect-location`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<String>,
    /// The storage class, unless it is `STANDARD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
}

impl Headers {
    /// The content type of an object that was given none.
    pub const DEFAULT_TYPE: &'static str = "binary/octet-stream";

    /// Whether nothing was said.
    fn is_plain(&self) -> bool {
        *self == Headers::default()
    }

    /// The content type.
    pub fn content_type(&self) -> &str {
        self.content_type.as_deref().unwrap_or(Self::DEFAULT_TYPE)
    }

    /// The storage class.
    pub fn storage_class(&self) -> &str {
        self.storage_class.as_deref().unwrap_or("STANDARD")
    }
}

/// An object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Where the bytes are.
    pub content: Content,
    /// How many there are.
    pub size: u64,
    /// The ETag without quotes.
    pub etag: String,
    /// When it was written.
    #[serde(with = "millis")]
    pub modified: Timestamp,
    /// Grows with every write of the key; the events' sequencer.
    pub sequence: u64,
    /// The CRC64NVME over all bytes.
    pub crc64: u64,
    /// The checksum that is answered when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<StoredChecksum>,
    /// What the client said about it.
    #[serde(default, skip_serializing_if = "Headers::is_plain")]
    pub headers: Headers,
    /// The tags.
    #[serde(default, skip_serializing_if = "TagSet::is_empty")]
    pub tags: TagSet,
}

impl Object {
    /// The ETag in quotes, as headers and listings carry it.
    pub fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }

    /// The moment of writing in whole seconds, which is what headers can say and conditions compare with.
    pub fn modified_secs(&self) -> Timestamp {
        Timestamp::from_secs(self.modified.secs())
    }
}

impl Record for Object {
    const VERSION: u16 = 1;
}

/// An upload in parts that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// When it began.
    #[serde(with = "millis")]
    pub initiated: Timestamp,
    /// The ARN of who began it.
    pub initiator_id: String,
    /// The name of who began it.
    pub initiator_name: String,
    /// What the client said about the object to be.
    pub headers: Headers,
    /// The tags of the object to be.
    #[serde(default)]
    pub tags: TagSet,
    /// The checksum that the client asked for.
    pub checksum: Option<(Algorithm, Coverage)>,
}

impl Record for Upload {
    const VERSION: u16 = 1;
}

/// A part of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where the bytes are: never in parts of their own.
    pub content: Content,
    /// How many there are.
    pub size: u64,
    /// The MD5 in hexadecimal.
    pub md5: String,
    /// When it was written.
    #[serde(with = "millis")]
    pub modified: Timestamp,
    /// The CRC64NVME.
    pub crc64: u64,
    /// The checksum that the client asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<(Algorithm, String)>,
}

impl Record for Part {
    const VERSION: u16 = 1;
}

/// The layout of an object that an upload became: which parts, and where each ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The parts' numbers, growing.
    pub numbers: Vec<u32>,
    /// The offset at which each ends; the last one is the object's size.
    pub ends: Vec<u64>,
}

impl Manifest {
    /// The stretch of bytes that the part at `index` is.
    pub fn span(&self, index: usize) -> Option<std::ops::Range<u64>> {
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? };
        Some(start..end)
    }

    /// The index of the part that holds the byte at `offset`.
    pub fn holder(&self, offset: u64) -> usize {
        self.ends.partition_point(|end| *end <= offset)
    }
}

impl Record for Manifest {
    const VERSION: u16 = 1;
}

/// How many rows need a blob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobUse {
    /// The number; copies within the store share a blob.
    pub count: u32,
    /// How large it is.
    pub size: u64,
}

impl Record for BlobUse {
    const VERSION: u16 = 1;
}

/// Moments are stored in milliseconds.
pub(crate) mod millis {
    use nephos_core::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(moment.millis())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}

/// Text that is handed round without being copied.
mod shared_text {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}

/// Names are stored as text and parsed when read.
pub(crate) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(name: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(name)
    }

    pub fn deserialize<'de, D, T>(deserializer: D) -> Result<T, D::Error>
    where
        D: Deserializer<'de>,
        T: FromStr<Err: Display>,
    {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_finds_the_part_of_a_byte() {
        let manifest = Manifest { numbers: vec![1, 3, 4], ends: vec![10, 20, 25] };
        assert_eq!(manifest.holder(0), 0);
        assert_eq!(manifest.holder(9), 0);
        assert_eq!(manifest.holder(10), 1);
        assert_eq!(manifest.holder(24), 2);
        assert_eq!(manifest.span(1), Some(10..20));
        assert_eq!(manifest.span(3), None);
    }

    #[test]
    fn a_plain_object_is_stored_in_few_bytes() {
        let object = Object {
            content: Content::Inline,
            size: 1024,
            etag: "d41d8cd98f00b204e9800998ecf8427e".into(),
            modified: Timestamp::from_millis(1_795_350_896_789),
            sequence: 1_795_350_896_789_000,
            crc64: u64::MAX,
            checksum: None,
            headers: Headers::default(),
            tags: TagSet::default(),
        };
        let stored = serde_json::to_vec(&object).unwrap();
        assert!(stored.len() < 200, "{}", stored.len());
        assert_eq!(serde_json::from_slice::<Object>(&stored).unwrap(), object);
    }
}
