//! The tags of buckets and objects.

use nephos_core::Cx;
use nephos_store::Tx;

use crate::S3;
use crate::error::{Error, Missing};
use crate::notifications::Happening;
use crate::objects::{Change, check_version, current};
use crate::shapes::{
    DeleteBucketTaggingRequest, DeleteObjectTaggingOutput, DeleteObjectTaggingRequest,
    GetBucketTaggingOutput, GetBucketTaggingRequest, GetObjectTaggingOutput, GetObjectTaggingRequest,
    PutBucketTaggingRequest, PutObjectTaggingOutput, PutObjectTaggingRequest, Tag, Unit,
};
use crate::tags::TagSet;

/// Tags as they were sent.
pub fn pairs(tags: Vec<Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())).collect()
}

fn shown(tags: &TagSet) -> Vec<Tag> {
    let tag = |(key, value): (&str, &str)| Tag { key: Some(key.to_owned()), value: Some(value.to_owned()) };
    tags.iter().map(tag).collect()
}

/// Replaces a bucket's tags.
pub async fn put_bucket_tagging(s3: &S3, _: &Cx, input: PutBucketTaggingRequest) -> Result<Unit, Error> {
    let tags = input.tagging.and_then(|it| it.tag_set).ok_or(Error::MalformedXml)?;
    let tags = TagSet::of_bucket(pairs(tags))?;
    s3.change_bucket("s3 put bucket tagging", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.tags = Some(tags.clone());
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// A bucket's tags.
pub async fn get_bucket_tagging(
    s3: &S3,
    _: &Cx,
    input: GetBucketTaggingRequest,
) -> Result<GetBucketTaggingOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let missing = || Error::NoSuchConfiguration(Missing::Tags, bucket.name.clone());
    let tags = bucket.tags.as_ref().filter(|tags| !tags.is_empty()).ok_or_else(missing)?;
    Ok(GetBucketTaggingOutput { tag_set: Some(shown(tags)) })
}

/// Removes a bucket's tags.
pub async fn delete_bucket_tagging(
    s3: &S3,
    _: &Cx,
    input: DeleteBucketTaggingRequest,
) -> Result<Unit, Error> {
    s3.change_bucket("s3 delete bucket tagging", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.tags = None;
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

async fn retag(
    s3: &S3,
    cx: &Cx,
    name: Option<String>,
    key: Option<String>,
    tags: TagSet,
    happening: Happening,
) -> Result<(), Error> {
    let (name, key, now) = (name.unwrap_or_default(), key.unwrap_or_default(), cx.now());
    let bucket = s3.bucket(&name)?;
    let changed = s3
        .store
        .transact("s3 tag object", |tx: &mut Tx| {
            let bucket = s3.catalog.get(tx, &name)?;
            let previous = current(tx, &bucket, &key)?;
            let previous = previous.as_ref();
            Change { cx, bucket: &bucket, key: &key, previous, happening, now }.retag(tx, tags.clone())?;
            Ok::<_, Error>(previous.is_some())
        })
        .await?;
    if changed { Ok(()) } else { Err(s3.absent(cx, &bucket, &key)) }
}

/// Replaces an object's tags.
pub async fn put_object_tagging(
    s3: &S3,
    cx: &Cx,
    input: PutObjectTaggingRequest,
) -> Result<PutObjectTaggingOutput, Error> {
    check_version(input.version_id.as_deref())?;
    let tags = input.tagging.and_then(|it| it.tag_set).ok_or(Error::MalformedXml)?;
    let tags = TagSet::of_object(pairs(tags))?;
    retag(s3, cx, input.bucket, input.key, tags, Happening::Tagged).await?;
    Ok(PutObjectTaggingOutput::default())
}

/// An object's tags.
pub async fn get_object_tagging(
    s3: &S3,
    cx: &Cx,
    input: GetObjectTaggingRequest,
) -> Result<GetObjectTaggingOutput, Error> {
    check_version(input.version_id.as_deref())?;
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let key = input.key.unwrap_or_default();
    let object = s3.store.read(|view| current(view, &bucket, &key))?;
    let object = object.ok_or_else(|| s3.absent(cx, &bucket, &key))?;
    Ok(GetObjectTaggingOutput { tag_set: Some(shown(&object.tags)), ..GetObjectTaggingOutput::default() })
}

/// Removes an object's tags.
pub async fn delete_object_tagging(
    s3: &S3,
    cx: &Cx,
    input: DeleteObjectTaggingRequest,
) -> Result<DeleteObjectTaggingOutput, Error> {
    check_version(input.version_id.as_deref())?;
    retag(s3, cx, input.bucket, input.key, TagSet::default(), Happening::Untagged).await?;
    Ok(DeleteObjectTaggingOutput::default())
}
