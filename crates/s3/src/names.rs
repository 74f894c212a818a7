//! Bucket names, object keys and upload ids: parsed once, then trusted.

use std::fmt;
use std::net::Ipv4Addr;

use nephos_core::{Timestamp, random};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The longest object key, in bytes of UTF-8.
pub const MAX_KEY_BYTES: usize = 1024;

const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// A name that a new bucket may have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BucketName(String);

impl BucketName {
    /// Applies S3's naming rules for general purpose buckets.
    pub fn parse(name: &str) -> Result<BucketName, Error> {
        if lawful(name) {
            Ok(BucketName(name.to_owned()))
        } else {
            Err(Error::InvalidBucketName(name.to_owned()))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn lawful(name: &str) -> bool {
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends = bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric);
    let reserved = RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || RESERVED_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    (3..=63).contains(&name.len())
        && ends
        && bytes.iter().all(|b| alphanumeric(b) || matches!(b, b'.' | b'-'))
        && !name.contains("..")
        && name.parse::<Ipv4Addr>().is_err()
        && !reserved
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object's key: 1 to 1024 bytes of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Checks the length.
    pub fn parse(key: &str) -> Result<ObjectKey, Error> {
        match key.len() {
            0 => Err(Error::InvalidUri),
            1..=MAX_KEY_BYTES => Ok(ObjectKey(key.to_owned())),
            size => Err(Error::KeyTooLong { size }),
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of a multipart upload. Ids of one key sort by the time at which they were made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(String);

impl UploadId {
    /// The longest id that is looked up at all.
    const MAX_BYTES: usize = 256;

    /// A new id, made at `now`.
    pub fn new(now: Timestamp) -> UploadId {
        let noise: [u8; 24] = random::bytes();
        UploadId(format!("{:012x}{}", now.millis().max(0), random::hex(&noise)))
    }

    /// Takes what a client sent: any text that could be an id of ours.
    pub fn parse(text: &str) -> Option<UploadId> {
        let plausible =
            (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        plausible.then(|| UploadId(text.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules() {
        for good in ["abc", "my-bucket.example.com", "0-9", &"a".repeat(63)] {
            assert!(BucketName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            &long,
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "ab.",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "sthree-a",
            "amzn-s3-demo-bucket",
            "a-s3alias",
            "a--ol-s3",
            "a.mrap",
            "a--x-s3",
            "a/b",
            "ünter",
            "a\u{0}b",
        ] {
            assert!(BucketName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_bounded() {
        assert!(ObjectKey::parse(&"k".repeat(1024)).is_ok());
        assert!(matches!(ObjectKey::parse(&"k".repeat(1025)), Err(Error::KeyTooLong { size: 1025 })));
        assert!(ObjectKey::parse("").is_err());
        assert!(ObjectKey::parse("../a//b\u{1}").is_ok());
    }

    #[test]
    fn later_upload_ids_sort_later() {
        let early = UploadId::new(Timestamp::from_millis(1_700_000_000_000));
        let late = UploadId::new(Timestamp::from_millis(1_700_000_000_001));
        assert!(early < late);
        assert_eq!(UploadId::parse(early.as_str()), Some(early));
        assert_eq!(UploadId::parse("not hex"), None);
    }
}
