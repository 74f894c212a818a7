//! CopyObject, and how copies find their source.
//!
//! A copy shares the source's blob where it can, so that it costs no bytes. An object made of parts is read and written
//! anew, because its copy's ETag is the MD5 of all bytes.

use std::sync::Arc;

use nephos_core::Cx;
use nephos_store::Tx;
use nephos_wire::form::decode_path;

use crate::S3;
use crate::checksum;
use crate::checksum::Algorithm;
use crate::checksum_members::parse_algorithm;
use crate::conditions::{Conditions, WriteConditions};
use crate::content::Found;
use crate::error::Error;
use crate::ingest::MAX_BODY_BYTES;
use crate::names::ObjectKey;
use crate::notifications::Happening;
use crate::object_headers::Makes;
use crate::objects::{Change, ENCRYPTION, NewObject, Source, check_version, current};
use crate::records::{Bucket, Content, Headers, Object, StoredChecksum};
use crate::shapes::{CopyObjectOutput, CopyObjectRequest, CopyObjectResult};
use crate::tags::TagSet;

/// The `x-amz-copy-source` header: bucket, key and perhaps a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopySource {
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// The version.
    pub version: Option<String>,
}

impl CopySource {
    /// Reads the header, which is percent-encoded and may begin with a slash.
    pub fn parse(header: &str) -> Result<CopySource, Error> {
        let invalid = |text: &str| Error::argument(text, "x-amz-copy-source", header);
        let (path, version) = match header.split_once("?versionId=") {
            Some((path, version)) => (path, Some(decode_path(version))),
            None => (header, None),
        };
        let decoded = decode_path(path);
        let path = decoded.strip_prefix('/').unwrap_or(&decoded);
        if path.starts_with("arn:") {
            return Err(Error::NotImplemented("copy sources that are access points".to_owned()));
        }
        let malformed = || invalid("Invalid copy source bucket name");
        let (bucket, key) = path.split_once('/').ok_or_else(malformed)?;
        if key.is_empty() {
            return Err(invalid("You must specify a copy source key"));
        }
        ObjectKey::parse(key)?;
        Ok(CopySource { bucket: bucket.to_owned(), key: key.to_owned(), version })
    }
}

impl S3 {
    /// Finds a copy's source, which the access row has authorised, and checks the conditions on it.
    pub(crate) fn copy_source(
        &self,
        cx: &Cx,
        header: &str,
        conditions: &Conditions<'_>,
    ) -> Result<(CopySource, Arc<Bucket>, Found), Error> {
        let source = CopySource::parse(header)?;
        check_version(source.version.as_deref())?;
        let (bucket, found) = self.store.read(|view| {
            let bucket = self.catalog.get(view, &source.bucket)?;
            let found = self.find(view, bucket.id, &source.key, true)?;
            Ok::<_, Error>((bucket, found))
        })?;
        let found = found.ok_or_else(|| self.absent(cx, &bucket, &source.key))?;
        conditions.check_source(&found.object)?;
        Ok((source, bucket, found))
    }
}

/// A request, parsed.
struct Copy {
    bucket: String,
    key: ObjectKey,
    headers: Headers,
    tags: TagSet,
    conditions: WriteConditions,
    algorithm: Option<Algorithm>,
}

impl Copy {
    fn parse(input: &CopyObjectRequest, source: &CopySource, object: &Object) -> Result<Copy, Error> {
        let replaces = |directive: Option<&str>, name: &str| match directive {
            None | Some("COPY") => Ok(false),
            Some("REPLACE") => Ok(true),
            Some(other) => Err(Error::argument(
                format!("Unknown {name} directive."),
                &format!("x-amz-{name}-directive"),
                other,
            )),
        };
        let replaces_headers = replaces(input.metadata_directive.as_deref(), "metadata")?;
        let replaces_tags = replaces(input.tagging_directive.as_deref(), "tagging")?;
        let bucket = input.bucket.clone().unwrap_or_default();
        let key = ObjectKey::parse(input.key.as_deref().unwrap_or_default())?;
        let given = input.headers()?;
        let changes = replaces_headers
            || given.storage_class != object.headers.storage_class && input.storage_class.is_some()
            || given.redirect.is_some()
            || input.server_side_encryption.is_some();
        if source.bucket == bucket && source.key == key.as_str() && !changes {
            return Err(Error::request(
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        // Redirect and storage class are never taken from the source.
        let Headers { redirect, storage_class, .. } = given.clone();
        let headers = if replaces_headers {
            given
        } else {
            Headers { redirect, storage_class, ..object.headers.clone() }
        };
        let tags = match (replaces_tags, input.tagging.as_deref()) {
            (true, Some(header)) => TagSet::from_header(header)?,
            (true, None) => TagSet::default(),
            (false, _) => object.tags.clone(),
        };
        Ok(Copy {
            bucket,
            key,
            headers,
            tags,
            conditions: WriteConditions::parse(input.if_match.as_deref(), input.if_none_match.as_deref())?,
            algorithm: input.checksum_algorithm.as_deref().map(parse_algorithm).transpose()?,
        })
    }

    /// The algorithm of the copy's checksum: the one that is asked for, or the source's.
    fn algorithm_for(&self, object: &Object) -> Algorithm {
        self.algorithm.unwrap_or_else(|| object.answered_checksum().algorithm)
    }

    /// The new object where the source's bytes are at hand or can be shared.
    fn without_reading(&self, found: &Found) -> Option<NewObject> {
        let object = &found.object;
        let algorithm = self.algorithm_for(object);
        let known = Some(algorithm) == object.checksum.as_ref().map(|it| it.algorithm);
        let (bytes, checksum) = match (&object.content, &found.inline) {
            (Content::Inline, Some(bytes)) => {
                let checksum = if known { object.checksum.clone() } else { stored(algorithm, bytes) };
                (Source::Inline(bytes.clone()), checksum)
            }
            (Content::Blob(id), _) if known => (Source::Shared(id.clone()), object.checksum.clone()),
            (Content::Blob(id), _) if algorithm == Algorithm::Crc64Nvme => (Source::Shared(id.clone()), None),
            _ => return None,
        };
        Some(NewObject {
            bytes,
            size: object.size,
            etag: object.etag.clone(),
            crc64: object.crc64,
            checksum,
            headers: self.headers.clone(),
            tags: self.tags.clone(),
        })
    }
}

fn stored(algorithm: Algorithm, bytes: &[u8]) -> Option<StoredChecksum> {
    (algorithm != Algorithm::Crc64Nvme).then(|| StoredChecksum::full(&checksum::of(algorithm, bytes)))
}

/// Copies an object.
pub async fn copy_object(s3: &S3, cx: &Cx, input: CopyObjectRequest) -> Result<CopyObjectOutput, Error> {
    let conditions = Conditions {
        if_match: input.copy_source_if_match.as_deref(),
        if_none_match: input.copy_source_if_none_match.as_deref(),
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let header = input.copy_source.as_deref().unwrap_or_default();
    let (source, from, found) = s3.copy_source(cx, header, &conditions)?;
    let copy = Copy::parse(&input, &source, &found.object)?;
    input.asks().check(s3.bucket(&copy.bucket)?.ownership)?;
    if found.object.size > MAX_BODY_BYTES {
        return Err(Error::request(format!(
            "The specified copy source is larger than the maximum allowable size for a copy source: {MAX_BODY_BYTES}"
        )));
    }
    let shared = match copy.without_reading(&found) {
        Some(new) => write_shared(s3, cx, &copy, new, (&from, &source.key, &found.object)).await?,
        None => None,
    };
    let object = match shared {
        Some(object) => object,
        None => write_anew(s3, cx, &copy, found).await?,
    };
    s3.garbage.notify_one();
    let mut result = CopyObjectResult {
        etag: Some(object.quoted_etag()),
        last_modified: Some(object.modified),
        ..CopyObjectResult::default()
    };
    result.carry_stored(&object.answered_checksum());
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        server_side_encryption: Some(ENCRYPTION.to_owned()),
        ..CopyObjectOutput::default()
    })
}

/// Writes the copy if the source is still what was found; otherwise nothing is written.
async fn write_shared(
    s3: &S3,
    cx: &Cx,
    copy: &Copy,
    new: NewObject,
    (from, key, seen): (&Bucket, &str, &Object),
) -> Result<Option<Object>, Error> {
    let now = cx.now();
    let write = |tx: &mut Tx| {
        if current(tx, from, key)?.as_ref() != Some(seen) {
            return Ok(None);
        }
        write_copy(s3, cx, tx, copy, new.clone(), now).map(Some)
    };
    s3.store.transact("s3 copy object", write).await
}

/// Reads the source as it was found, which stays readable while it is, and writes its bytes anew.
async fn write_anew(s3: &S3, cx: &Cx, copy: &Copy, found: Found) -> Result<Object, Error> {
    let (size, algorithm) = (found.object.size, copy.algorithm_for(&found.object));
    let body = s3.open(found, 0..size).await?;
    let landed = s3.land_copy(body, algorithm).await?;
    let now = cx.now();
    let write = |tx: &mut Tx| {
        let new = NewObject::landed(&landed, copy.headers.clone(), copy.tags.clone());
        write_copy(s3, cx, tx, copy, new, now)
    };
    match s3.store.transact("s3 copy object anew", write).await {
        Ok(object) => Ok(object),
        Err(error) => {
            s3.give_up(&landed, &error).await;
            Err(error)
        }
    }
}

fn write_copy(
    s3: &S3,
    cx: &Cx,
    tx: &mut Tx,
    copy: &Copy,
    new: NewObject,
    now: nephos_core::Timestamp,
) -> Result<Object, Error> {
    let bucket = s3.catalog.get(tx, &copy.bucket)?;
    let key = copy.key.as_str();
    let previous = current(tx, &bucket, key)?;
    copy.conditions.check(key, previous.as_ref())?;
    let previous = previous.as_ref();
    Change { cx, bucket: &bucket, key, previous, happening: Happening::Copy, now }.write(tx, new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_in_every_spelling() {
        let of = |header| CopySource::parse(header).unwrap();
        let plain = of("b/a%20b/c+d");
        assert_eq!((plain.bucket.as_str(), plain.key.as_str()), ("b", "a b/c+d"));
        assert_eq!(of("/b/k"), of("b%2Fk"));
        assert_eq!(of("b/k?versionId=null").version.as_deref(), Some("null"));
        for bad in ["", "b", "b/", "/"] {
            assert!(CopySource::parse(bad).is_err(), "{bad}");
        }
    }
}
