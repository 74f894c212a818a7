//! ListObjects, ListObjectsV2 and ListObjectVersions.

use nephos_core::Cx;
use nephos_store::record;

use crate::S3;
use crate::buckets::owner_id;
use crate::coding::encode_listed;
use crate::error::Error;
use crate::keys::{self, NULL_VERSION};
use crate::listing::{Page, Shown, Start, Walk, common_prefix, walk};
use crate::records::{Bucket, Object};
use crate::shapes::{
    CommonPrefix, ListObjectVersionsOutput, ListObjectVersionsRequest, ListObjectsOutput, ListObjectsRequest,
    ListObjectsV2Output, ListObjectsV2Request, Object as Listed, ObjectVersion, Owner,
};

/// The largest page.
const MAX_KEYS: i32 = 1000;

/// Whether names are percent-coded in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As they are.
    Plain,
    /// `encoding-type=url`.
    Url,
}

impl Coding {
    /// Reads the parameter.
    pub fn parse(name: Option<&str>) -> Result<Coding, Error> {
        match name {
            None => Ok(Coding::Plain),
            Some("url") => Ok(Coding::Url),
            Some(other) => {
                Err(Error::argument("Invalid Encoding Method specified in Request", "encoding-type", other))
            }
        }
    }

    /// A name as the answer carries it.
    pub fn of(self, name: &str) -> String {
        match self {
            Coding::Plain => name.to_owned(),
            Coding::Url => encode_listed(name),
        }
    }

    /// What the answer says of the coding.
    pub fn name(self) -> Option<String> {
        (self == Coding::Url).then(|| "url".to_owned())
    }
}

/// How many a page may show.
pub fn page_limit(given: Option<i32>, argument: &str) -> Result<i32, Error> {
    match given {
        None => Ok(MAX_KEYS),
        Some(count) if count < 0 => {
            let text = format!("Argument {argument} must be an integer between 0 and 2147483647");
            Err(Error::argument(text, argument, count.to_string()))
        }
        Some(count) => Ok(count.min(MAX_KEYS)),
    }
}

/// Common prefixes as the answer carries them.
pub fn prefixes(coding: Coding, prefixes: &[String]) -> Option<Vec<CommonPrefix>> {
    let shown = |prefix: &String| CommonPrefix { prefix: Some(coding.of(prefix)) };
    (!prefixes.is_empty()).then(|| prefixes.iter().map(shown).collect())
}

/// What is asked of a listing of objects.
struct Ask<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    limit: i32,
}

impl S3 {
    fn list(
        &self,
        ask: &Ask<'_>,
        start: impl FnOnce(&Bucket) -> Start,
    ) -> Result<(String, Page<Object>), Error> {
        self.store.read(|view| {
            let bucket = self.catalog.get(view, ask.bucket)?;
            let under = |prefix: &str| keys::objects_under(bucket.id, prefix);
            let limit = usize::try_from(ask.limit).unwrap_or(0);
            let (prefix, delimiter) = (ask.prefix, ask.delimiter.filter(|it| !it.is_empty()));
            let start = start(&bucket);
            let wanted = Walk { under: &under, name: keys::object_key, prefix, delimiter, start, limit };
            let page = walk(view, &wanted, &mut |_, value| record::decode::<Object>(value))?;
            Ok((owner_id(bucket.owner), page))
        })
    }
}

fn after_key(bucket: &Bucket, key: &str) -> Start {
    Start::After(keys::object(bucket.id, key, NULL_VERSION))
}

fn after_prefix(bucket: &Bucket, prefix: &str) -> Start {
    Start::At(keys::past(&keys::objects_under(bucket.id, prefix)))
}

/// A marker inside a common prefix has shown that prefix already.
fn after_marker(bucket: &Bucket, marker: &str, ask: &Ask<'_>) -> Start {
    let delimiter = ask.delimiter.filter(|it| !it.is_empty());
    match common_prefix(marker, ask.prefix, delimiter) {
        Some(prefix) => after_prefix(bucket, prefix),
        None => after_key(bucket, marker),
    }
}

fn listed(coding: Coding, key: &str, object: &Object, owner: Option<&str>) -> Listed {
    let checksum = object.answered_checksum();
    Listed {
        key: Some(coding.of(key)),
        last_modified: Some(object.modified_secs()),
        etag: Some(object.quoted_etag()),
        checksum_algorithm: Some(vec![checksum.algorithm.name().to_owned()]),
        checksum_type: Some(checksum.coverage.name().to_owned()),
        size: i64::try_from(object.size).ok(),
        storage_class: Some(object.headers.storage_class().to_owned()),
        owner: owner.map(|id| Owner { id: Some(id.to_owned()), ..Owner::default() }),
        ..Listed::default()
    }
}

fn contents(coding: Coding, page: &Page<Object>, owner: Option<&str>) -> Option<Vec<Listed>> {
    let show = |(key, object): &(String, Object)| listed(coding, key, object, owner);
    (!page.rows.is_empty()).then(|| page.rows.iter().map(show).collect())
}

/// The first version of the listing, with markers.
pub async fn list_objects(s3: &S3, _: &Cx, input: ListObjectsRequest) -> Result<ListObjectsOutput, Error> {
    let coding = Coding::parse(input.encoding_type.as_deref())?;
    let limit = page_limit(input.max_keys, "maxKeys")?;
    let (name, prefix) = (input.bucket.unwrap_or_default(), input.prefix.unwrap_or_default());
    let marker = input.marker.unwrap_or_default();
    let ask = Ask { bucket: &name, prefix: &prefix, delimiter: input.delimiter.as_deref(), limit };
    let (owner, page) = s3.list(&ask, |bucket| match marker.as_str() {
        "" => Start::First,
        marker => after_marker(bucket, marker, &ask),
    })?;
    // Without a delimiter the last key is the marker, and clients take it from there.
    let next = page.last.as_ref().filter(|_| input.delimiter.as_deref().is_some_and(|it| !it.is_empty()));
    Ok(ListObjectsOutput {
        is_truncated: Some(page.last.is_some()),
        marker: Some(coding.of(&marker)),
        next_marker: next.map(|shown| coding.of(shown.text())),
        contents: contents(coding, &page, Some(&owner)),
        name: Some(name.clone()),
        prefix: Some(coding.of(&prefix)),
        delimiter: input.delimiter.as_deref().filter(|it| !it.is_empty()).map(|it| coding.of(it)),
        max_keys: Some(limit),
        common_prefixes: prefixes(coding, &page.prefixes),
        encoding_type: coding.name(),
        ..ListObjectsOutput::default()
    })
}

/// The second version of the listing, with tokens.
pub async fn list_objects_v2(
    s3: &S3,
    _: &Cx,
    input: ListObjectsV2Request,
) -> Result<ListObjectsV2Output, Error> {
    let coding = Coding::parse(input.encoding_type.as_deref())?;
    let limit = page_limit(input.max_keys, "maxKeys")?;
    let (name, prefix) = (input.bucket.unwrap_or_default(), input.prefix.unwrap_or_default());
    let token = match input.continuation_token.as_deref() {
        None => None,
        Some(token) => Some(Shown::from_token(token).ok_or_else(|| {
            Error::argument("The continuation token provided is incorrect", "continuation-token", token)
        })?),
    };
    let ask = Ask { bucket: &name, prefix: &prefix, delimiter: input.delimiter.as_deref(), limit };
    let (owner, page) = s3.list(&ask, |bucket| match (&token, input.start_after.as_deref()) {
        (Some(Shown::Row(key)), _) => after_key(bucket, key),
        (Some(Shown::Prefix(prefix)), _) => after_prefix(bucket, prefix),
        (None, Some(key)) if !key.is_empty() => after_key(bucket, key),
        _ => Start::First,
    })?;
    let owner = (input.fetch_owner == Some(true)).then_some(owner.as_str());
    Ok(ListObjectsV2Output {
        is_truncated: Some(page.last.is_some()),
        contents: contents(coding, &page, owner),
        name: Some(name.clone()),
        prefix: Some(coding.of(&prefix)),
        delimiter: input.delimiter.as_deref().filter(|it| !it.is_empty()).map(|it| coding.of(it)),
        max_keys: Some(limit),
        common_prefixes: prefixes(coding, &page.prefixes),
        encoding_type: coding.name(),
        key_count: i32::try_from(page.rows.len() + page.prefixes.len()).ok(),
        continuation_token: input.continuation_token,
        next_continuation_token: page.last.as_ref().map(Shown::token),
        start_after: input.start_after.map(|it| coding.of(&it)),
        ..ListObjectsV2Output::default()
    })
}

/// The versions of a bucket without versioning: each object is its own latest and only one, named `null`.
pub async fn list_object_versions(
    s3: &S3,
    _: &Cx,
    input: ListObjectVersionsRequest,
) -> Result<ListObjectVersionsOutput, Error> {
    let coding = Coding::parse(input.encoding_type.as_deref())?;
    let limit = page_limit(input.max_keys, "maxKeys")?;
    let (name, prefix) = (input.bucket.unwrap_or_default(), input.prefix.unwrap_or_default());
    let marker = input.key_marker.unwrap_or_default();
    if marker.is_empty() && input.version_id_marker.as_deref().is_some_and(|it| !it.is_empty()) {
        return Err(Error::argument(
            "A version-id marker cannot be specified without a key marker.",
            "version-id-marker",
            input.version_id_marker.unwrap_or_default(),
        ));
    }
    let ask = Ask { bucket: &name, prefix: &prefix, delimiter: input.delimiter.as_deref(), limit };
    let (owner, page) = s3.list(&ask, |bucket| match marker.as_str() {
        "" => Start::First,
        marker => after_marker(bucket, marker, &ask),
    })?;
    let versions = page.rows.iter().map(|(key, object)| version(coding, key, object, &owner)).collect();
    let row = matches!(page.last, Some(Shown::Row(_)));
    Ok(ListObjectVersionsOutput {
        is_truncated: Some(page.last.is_some()),
        key_marker: Some(coding.of(&marker)),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        next_key_marker: page.last.as_ref().map(|shown| coding.of(shown.text())),
        next_version_id_marker: row.then(|| "null".to_owned()),
        versions: Some(versions).filter(|versions: &Vec<_>| !versions.is_empty()),
        name: Some(name.clone()),
        prefix: Some(coding.of(&prefix)),
        delimiter: input.delimiter.as_deref().filter(|it| !it.is_empty()).map(|it| coding.of(it)),
        max_keys: Some(limit),
        common_prefixes: prefixes(coding, &page.prefixes),
        encoding_type: coding.name(),
        ..ListObjectVersionsOutput::default()
    })
}

fn version(coding: Coding, key: &str, object: &Object, owner: &str) -> ObjectVersion {
    let listed = listed(coding, key, object, Some(owner));
    ObjectVersion {
        etag: listed.etag,
        checksum_algorithm: listed.checksum_algorithm,
        checksum_type: listed.checksum_type,
        size: listed.size,
        storage_class: listed.storage_class,
        key: listed.key,
        version_id: Some("null".to_owned()),
        is_latest: Some(true),
        last_modified: listed.last_modified,
        owner: listed.owner,
        ..ObjectVersion::default()
    }
}
