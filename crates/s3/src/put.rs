//! PutObject, in two steps that browsers' forms take as well: what can be judged before the body, and the body.

use nephos_core::Cx;
use nephos_store::Tx;
use nephos_wire::Body;

use crate::S3;
use crate::checksum_members::expected;
use crate::conditions::WriteConditions;
use crate::error::Error;
use crate::ingest::{Expected, Landed, MAX_BODY_BYTES};
use crate::names::ObjectKey;
use crate::notifications::Happening;
use crate::object_headers::Makes;
use crate::objects::{Change, ENCRYPTION, NewObject, current};
use crate::records::{Headers, Object};
use crate::shapes::{PutObjectOutput, PutObjectRequest};
use crate::tags::TagSet;

/// A request, parsed.
pub struct Put {
    bucket: String,
    key: ObjectKey,
    headers: Headers,
    tags: TagSet,
    conditions: WriteConditions,
    expected: Expected,
}

impl Put {
    fn parse(input: &PutObjectRequest) -> Result<Put, Error> {
        if input.write_offset_bytes.is_some() {
            return Err(Error::NotImplemented("x-amz-write-offset-bytes".to_owned()));
        }
        let length = checked_length(input.content_length)?;
        let expected = expected(input.content_md5.as_deref(), input.checksum_algorithm.as_deref(), input)?;
        Ok(Put {
            bucket: input.bucket.clone().unwrap_or_default(),
            key: ObjectKey::parse(input.key.as_deref().unwrap_or_default())?,
            headers: input.headers()?,
            tags: input.tagging.as_deref().map(TagSet::from_header).transpose()?.unwrap_or_default(),
            conditions: WriteConditions::parse(input.if_match.as_deref(), input.if_none_match.as_deref())?,
            expected: Expected { length, ..expected },
        })
    }
}

/// The announced length of a body, unless it is too large.
pub fn checked_length(length: Option<i64>) -> Result<Option<u64>, Error> {
    match length.map(|length| u64::try_from(length).unwrap_or(0)) {
        Some(length) if length > MAX_BODY_BYTES => {
            Err(Error::EntityTooLarge { proposed: length, limit: MAX_BODY_BYTES })
        }
        length => Ok(length),
    }
}

/// Stores an object.
pub async fn put_object(
    s3: &S3,
    cx: &Cx,
    input: PutObjectRequest,
    body: Body,
) -> Result<(PutObjectOutput, Body), Error> {
    let put = prepare(s3, &input)?;
    let object = carry_out(s3, cx, &put, body, Happening::Put).await?;
    let mut output = PutObjectOutput {
        etag: Some(object.quoted_etag()),
        server_side_encryption: Some(ENCRYPTION.to_owned()),
        ..PutObjectOutput::default()
    };
    output.carry_stored(&object.answered_checksum());
    Ok((output, Body::Empty))
}

/// Everything that can be refused before the body is read.
pub fn prepare(s3: &S3, input: &PutObjectRequest) -> Result<Put, Error> {
    let put = Put::parse(input)?;
    let bucket = s3.bucket(&put.bucket)?;
    input.asks().check(bucket.ownership)?;
    if !put.conditions.is_empty() {
        let there = s3.store.read(|view| current(view, &bucket, put.key.as_str()))?;
        put.conditions.check(put.key.as_str(), there.as_ref())?;
    }
    Ok(put)
}

/// Takes the body in and stores it.
pub async fn carry_out(
    s3: &S3,
    cx: &Cx,
    put: &Put,
    body: Body,
    happening: Happening,
) -> Result<Object, Error> {
    let landed = s3.land(body, &put.expected).await?;
    match store(s3, cx, put, &landed, happening).await {
        Ok(object) => {
            s3.garbage.notify_one();
            Ok(object)
        }
        Err(error) => {
            s3.give_up(&landed, &error).await;
            Err(error)
        }
    }
}

async fn store(s3: &S3, cx: &Cx, put: &Put, landed: &Landed, happening: Happening) -> Result<Object, Error> {
    let now = cx.now();
    s3.store
        .transact("s3 put object", |tx: &mut Tx| {
            let bucket = s3.catalog.get(tx, &put.bucket)?;
            let key = put.key.as_str();
            let previous = current(tx, &bucket, key)?;
            put.conditions.check(key, previous.as_ref())?;
            let previous = previous.as_ref();
            let change = Change { cx, bucket: &bucket, key, previous, happening, now };
            change.write(tx, NewObject::landed(landed, put.headers.clone(), put.tags.clone()))
        })
        .await
}
