//! DeleteObject and DeleteObjects.

use nephos_core::{Cx, Timestamp};
use nephos_store::Tx;

use crate::S3;
use crate::access::{refusal, to_object, with_existing_tags};
use crate::conditions::WriteConditions;
use crate::error::Error;
use crate::names::ObjectKey;
use crate::notifications::Happening;
use crate::objects::{Change, check_version, current};
use crate::records::Bucket;
use crate::shapes::{
    DeleteObjectOutput, DeleteObjectRequest, DeleteObjectsOutput, DeleteObjectsRequest, DeletedObject,
    Error as KeyError, ObjectIdentifier,
};

/// How many keys one request deletes at most.
const MAX_KEYS: usize = 1000;

/// Deletes an object; it is no error if there is none.
pub async fn delete_object(
    s3: &S3,
    cx: &Cx,
    input: DeleteObjectRequest,
) -> Result<DeleteObjectOutput, Error> {
    check_version(input.version_id.as_deref())?;
    if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
        return Err(Error::NotImplemented("conditions of directory buckets".to_owned()));
    }
    let conditions = WriteConditions::parse(input.if_match.as_deref(), None)?;
    let key = ObjectKey::parse(input.key.as_deref().unwrap_or_default())?;
    let (name, now) = (input.bucket.unwrap_or_default(), cx.now());
    s3.store
        .transact("s3 delete object", |tx: &mut Tx| {
            let bucket = s3.catalog.get(tx, &name)?;
            remove(tx, cx, &bucket, key.as_str(), &conditions, now)
        })
        .await?;
    s3.garbage.notify_one();
    Ok(DeleteObjectOutput::default())
}

fn remove(
    tx: &mut Tx,
    cx: &Cx,
    bucket: &Bucket,
    key: &str,
    conditions: &WriteConditions,
    now: Timestamp,
) -> Result<(), Error> {
    let previous = current(tx, bucket, key)?;
    conditions.check(key, previous.as_ref())?;
    let change = Change { cx, bucket, key, previous: previous.as_ref(), happening: Happening::Deleted, now };
    change.remove(tx)
}

/// Deletes up to a thousand objects in one transaction. Each key is authorised and answered by itself.
pub async fn delete_objects(
    s3: &S3,
    cx: &Cx,
    input: DeleteObjectsRequest,
) -> Result<DeleteObjectsOutput, Error> {
    let delete = input.delete.ok_or(Error::MalformedXml)?;
    let identifiers = delete.objects.unwrap_or_default();
    if identifiers.is_empty() || identifiers.len() > MAX_KEYS {
        return Err(Error::MalformedXml);
    }
    let (name, now) = (input.bucket.unwrap_or_default(), cx.now());
    let bucket = s3.bucket(&name)?;
    let mut errors = Vec::new();
    let mut wanted = Vec::new();
    for identifier in identifiers {
        match judge(s3, cx, &bucket, &identifier) {
            Ok(doomed) => wanted.push((doomed, identifier.version_id)),
            Err(error) => errors.push(told(&identifier, &error)),
        }
    }
    let failed = s3
        .store
        .transact("s3 delete objects", |tx: &mut Tx| {
            let bucket = s3.catalog.get(tx, &name)?;
            let mut failed = Vec::new();
            for (index, ((key, conditions), _)) in wanted.iter().enumerate() {
                match remove(tx, cx, &bucket, key.as_str(), conditions, now) {
                    Ok(()) => {}
                    Err(error @ (Error::PreconditionFailed(_) | Error::NoSuchKey(_))) => {
                        failed.push((index, error));
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(failed)
        })
        .await?;
    s3.garbage.notify_one();
    let mut deleted = Vec::new();
    for (index, ((key, _), version)) in wanted.into_iter().enumerate() {
        let identifier = ObjectIdentifier {
            key: Some(key.as_str().to_owned()),
            version_id: version,
            ..ObjectIdentifier::default()
        };
        match failed.iter().find(|(at, _)| *at == index) {
            Some((_, error)) => errors.push(told(&identifier, error)),
            None => deleted.push(DeletedObject {
                key: identifier.key,
                version_id: identifier.version_id,
                ..DeletedObject::default()
            }),
        }
    }
    let quiet = delete.quiet == Some(true);
    Ok(DeleteObjectsOutput {
        deleted: (!quiet && !deleted.is_empty()).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        ..DeleteObjectsOutput::default()
    })
}

/// Whether a key may be deleted, and under which conditions.
fn judge(
    s3: &S3,
    cx: &Cx,
    bucket: &Bucket,
    identifier: &ObjectIdentifier,
) -> Result<(ObjectKey, WriteConditions), Error> {
    let key = ObjectKey::parse(identifier.key.as_deref().unwrap_or_default())?;
    check_version(identifier.version_id.as_deref())?;
    let conditions = WriteConditions::parse(identifier.etag.as_deref(), None)?;
    let versioned = identifier.version_id.is_some();
    let action = if versioned { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
    let access = with_existing_tags(s3, bucket, key.as_str(), to_object(action, bucket, key.as_str()))?;
    cx.authorize(&access).map_err(|denied| refusal(cx, denied))?;
    Ok((key, conditions))
}

/// What the answer says of a key that was not deleted.
fn told(identifier: &ObjectIdentifier, error: &Error) -> KeyError {
    KeyError {
        key: identifier.key.clone(),
        version_id: identifier.version_id.clone(),
        code: Some(error.code_and_status().0.to_owned()),
        message: Some(error.to_string()),
    }
}
