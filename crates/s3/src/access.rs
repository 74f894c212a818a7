//! What each operation must be allowed to do: one row an operation, the bucket's policy and owner with each.

use nephos_core::{Access, Arn, Cx, Denied, PolicyDocument, Principal};

use crate::S3;
use crate::copy::CopySource;
use crate::error::Error;
use crate::keys;
use crate::records::{Bucket, Object};
use crate::shapes::{
    CopyObjectRequest, CreateBucketRequest, CreateMultipartUploadRequest, ListBucketsRequest,
    ListMultipartUploadsRequest, ListObjectVersionsRequest, ListObjectsRequest, ListObjectsV2Request,
    PutObjectRequest, PutObjectTaggingRequest, UploadPartCopyRequest,
};
use crate::tags::TagSet;
use crate::targets::{OnBucket, OnObject};
use nephos_store::Read;

/// What a row gives.
pub type Accesses = Result<Vec<Access>, Error>;

/// Access to a bucket itself.
pub fn to_bucket(action: &'static str, bucket: &Bucket) -> Access {
    of(action, bucket, bucket.name.clone())
}

/// Access to an object of a bucket.
pub fn to_object(action: &'static str, bucket: &Bucket, key: &str) -> Access {
    of(action, bucket, format!("{}/{key}", bucket.name))
}

fn of(action: &'static str, bucket: &Bucket, resource: String) -> Access {
    let policy = bucket.policy.as_ref().map(|policy| PolicyDocument { json: policy.json.clone() });
    Access::on(action, &Arn::s3(resource)).owned_by(bucket.owner).policy(policy)
}

/// A refusal as S3 words it: strangers are not told why.
pub fn refusal(cx: &Cx, denied: Denied) -> Error {
    match *cx.principal {
        Principal::Anonymous => Error::denied(),
        _ => denied.into(),
    }
}

/// What is refused whatever policies say: another owner than the caller expects, and strangers where a bucket with a
/// public policy is restricted to its own account.
pub fn admit(cx: &Cx, bucket: &Bucket, expected_owner: Option<&str>) -> Result<(), Error> {
    if expected_owner.is_some_and(|owner| owner != bucket.owner.as_str()) {
        return Err(Error::denied());
    }
    let stranger = match &*cx.principal {
        Principal::Service { .. } => false,
        principal => principal.account() != Some(bucket.owner),
    };
    if stranger && bucket.restricts_public() { Err(Error::denied()) } else { Ok(()) }
}

/// Requests about a bucket.
pub fn bucket<I: OnBucket>(action: &'static str) -> impl Fn(&S3, &Cx, &I) -> Accesses {
    move |s3, cx, input| {
        let bucket = s3.bucket(input.bucket())?;
        admit(cx, &bucket, input.expected_owner())?;
        Ok(vec![to_bucket(action, &bucket)])
    }
}

/// Requests about the bucket policy. The owner's root user is never locked out of it.
pub fn policy<I: OnBucket>(action: &'static str) -> impl Fn(&S3, &Cx, &I) -> Accesses {
    move |s3, cx, input| {
        let owner = s3.bucket(input.bucket())?.owner;
        let root = *cx.principal == Principal::Root { account: owner };
        let accesses = bucket::<I>(action)(s3, cx, input)?;
        Ok(if root { accesses.into_iter().map(|access| access.policy(None)).collect() } else { accesses })
    }
}

/// Requests about an object; with a version named, `versioned` is what they need.
pub fn object<I: OnObject>(
    action: &'static str,
    versioned: &'static str,
) -> impl Fn(&S3, &Cx, &I) -> Accesses {
    move |s3, cx, input| {
        let bucket = s3.bucket(input.bucket())?;
        admit(cx, &bucket, input.expected_owner())?;
        let action = if input.version().is_some() { versioned } else { action };
        let access = to_object(action, &bucket, input.key());
        Ok(vec![with_existing_tags(s3, &bucket, input.key(), access)?])
    }
}

/// GetObjectAttributes needs what GetObject needs, and its own.
pub fn attributes<I: OnObject>(s3: &S3, cx: &Cx, input: &I) -> Accesses {
    let mut accesses = object::<I>("s3:GetObject", "s3:GetObjectVersion")(s3, cx, input)?;
    accesses.extend(object::<I>("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes")(s3, cx, input)?);
    Ok(accesses)
}

/// DeleteObjects: each key is judged by the handler, for each is answered by itself.
pub fn delete_objects<I: OnBucket>(s3: &S3, cx: &Cx, input: &I) -> Accesses {
    admit(cx, &*s3.bucket(input.bucket())?, input.expected_owner())?;
    Ok(Vec::new())
}

/// Adds `s3:ExistingObjectTag/...` where the bucket's objects have ever had tags.
pub fn with_existing_tags(s3: &S3, bucket: &Bucket, key: &str, mut access: Access) -> Result<Access, Error> {
    if !bucket.tagged_objects {
        return Ok(access);
    }
    let row = keys::object(bucket.id, key, keys::NULL_VERSION);
    let object: Option<Object> = s3.store.read(|view| Ok::<_, Error>(view.record(&row)?))?;
    for (name, value) in object.iter().flat_map(|object| object.tags.iter()) {
        access.keys.set(&format!("s3:ExistingObjectTag/{name}"), value);
    }
    Ok(access)
}

fn with_request_tags(mut access: Access, tags: &TagSet) -> Access {
    if !tags.is_empty() {
        access
            .keys
            .set_all("s3:RequestObjectTagKeys", tags.iter().map(|(name, _)| name.to_owned()).collect());
    }
    for (name, value) in tags.iter() {
        access.keys.set(&format!("s3:RequestObjectTag/{name}"), value);
    }
    access
}

fn with_given(mut access: Access, given: &[(&str, Option<&str>)]) -> Access {
    for (name, value) in given {
        if let Some(value) = value {
            access.keys.set(name, *value);
        }
    }
    access
}

/// The bucket does not exist yet, so nobody owns it.
pub fn create_bucket(_: &S3, cx: &Cx, input: &CreateBucketRequest) -> Accesses {
    let name = input.bucket.as_deref().unwrap_or_default();
    let location =
        input.create_bucket_configuration.as_ref().and_then(|it| it.location_constraint.as_deref());
    let ownership = input.object_ownership.as_deref();
    let given = [
        ("s3:x-amz-acl", input.acl.as_deref()),
        ("s3:locationconstraint", location),
        ("s3:x-amz-object-ownership", ownership),
    ];
    let asked = [
        (true, "s3:CreateBucket"),
        (ownership.is_some(), "s3:PutBucketOwnershipControls"),
        (input.acl.is_some(), "s3:PutBucketAcl"),
    ];
    let asked = asked.into_iter().filter(|(asked, _)| *asked);
    let access = |(_, action)| Access::on(action, &Arn::s3(name)).owned_by(cx.account);
    Ok(asked.map(|it| with_given(access(it), &given)).collect())
}

/// All buckets of the caller's account.
pub fn list_buckets(_: &S3, cx: &Cx, _: &ListBucketsRequest) -> Accesses {
    Ok(vec![Access::on("s3:ListAllMyBuckets", &Arn::s3("*")).owned_by(cx.account)])
}

/// A request that lists a bucket.
pub trait Lists: OnBucket {
    /// The prefix, the delimiter and the size of a page.
    fn scope(&self) -> (Option<&str>, Option<&str>, Option<i32>);
}

macro_rules! lists {
    ($($request:ident $size:ident),*) => {$(
        impl Lists for $request {
            fn scope(&self) -> (Option<&str>, Option<&str>, Option<i32>) {
                (self.prefix.as_deref(), self.delimiter.as_deref(), self.$size)
            }
        }
    )*};
}

lists!(
    ListObjectsRequest max_keys, ListObjectsV2Request max_keys, ListObjectVersionsRequest max_keys,
    ListMultipartUploadsRequest max_uploads
);

/// Listings, with what they ask for.
pub fn list<I: Lists>(action: &'static str) -> impl Fn(&S3, &Cx, &I) -> Accesses {
    move |s3, cx, input| {
        let (prefix, delimiter, size) = input.scope();
        let size = size.map(|size| size.to_string());
        let given = [("s3:prefix", prefix), ("s3:delimiter", delimiter), ("s3:max-keys", size.as_deref())];
        let accesses = bucket::<I>(action)(s3, cx, input)?;
        Ok(accesses.into_iter().map(|access| with_given(access, &given)).collect())
    }
}

/// What a request that writes an object says about it.
struct Writes<'a> {
    given: Vec<(&'static str, Option<&'a str>)>,
    sets_acl: bool,
    tagging: Option<&'a str>,
}

/// What every request that makes an object can say.
macro_rules! writes {
    ($input:expr) => {{
        let input = $input;
        Writes {
            given: vec![
                ("s3:x-amz-acl", input.acl.as_deref()),
                ("s3:x-amz-storage-class", input.storage_class.as_deref()),
                ("s3:x-amz-server-side-encryption", input.server_side_encryption.as_deref()),
                ("s3:x-amz-website-redirect-location", input.website_redirect_location.as_deref()),
                ("s3:x-amz-grant-full-control", input.grant_full_control.as_deref()),
                ("s3:x-amz-grant-read", input.grant_read.as_deref()),
                ("s3:x-amz-grant-read-acp", input.grant_read_acp.as_deref()),
                ("s3:x-amz-grant-write-acp", input.grant_write_acp.as_deref()),
            ],
            sets_acl: input.acl.is_some()
                || input.grant_full_control.is_some()
                || input.grant_read.is_some()
                || input.grant_read_acp.is_some()
                || input.grant_write_acp.is_some(),
            tagging: input.tagging.as_deref(),
        }
    }};
}

fn written(s3: &S3, cx: &Cx, input: &impl OnObject, writes: Writes<'_>) -> Accesses {
    let bucket = s3.bucket(input.bucket())?;
    admit(cx, &bucket, input.expected_owner())?;
    let tags = writes.tagging.map(TagSet::from_header).transpose()?.unwrap_or_default();
    let one = |action| {
        let access = to_object(action, &bucket, input.key());
        with_request_tags(with_given(access, &writes.given), &tags)
    };
    let mut accesses = vec![one("s3:PutObject")];
    if !tags.is_empty() {
        accesses.push(one("s3:PutObjectTagging"));
    }
    if writes.sets_acl {
        accesses.push(one("s3:PutObjectAcl"));
    }
    Ok(accesses)
}

/// PutObject, with tagging and ACL where the request sets them.
pub fn put_object(s3: &S3, cx: &Cx, input: &PutObjectRequest) -> Accesses {
    let mut writes = writes!(input);
    writes.given.push(("s3:if-none-match", input.if_none_match.as_deref()));
    writes.given.push(("s3:if-match", input.if_match.as_deref()));
    written(s3, cx, input, writes)
}

/// CreateMultipartUpload, likewise.
pub fn create_upload(s3: &S3, cx: &Cx, input: &CreateMultipartUploadRequest) -> Accesses {
    written(s3, cx, input, writes!(input))
}

/// CopyObject: reading the source, and its tags where they go along; writing the copy.
pub fn copy_object(s3: &S3, cx: &Cx, input: &CopyObjectRequest) -> Accesses {
    let mut writes = writes!(input);
    writes.given.push(("s3:x-amz-copy-source", input.copy_source.as_deref()));
    writes.given.push(("s3:x-amz-metadata-directive", input.metadata_directive.as_deref()));
    let replaces_tags = input.tagging_directive.as_deref() == Some("REPLACE");
    if !replaces_tags {
        writes.tagging = None;
    }
    let mut accesses =
        source(s3, cx, input.copy_source.as_deref(), input.expected_source_bucket_owner.as_deref())?;
    accesses.extend(written(s3, cx, input, writes)?);
    Ok(accesses)
}

/// UploadPartCopy: reading the source, writing the part.
pub fn copy_part(s3: &S3, cx: &Cx, input: &UploadPartCopyRequest) -> Accesses {
    let mut accesses =
        source(s3, cx, input.copy_source.as_deref(), input.expected_source_bucket_owner.as_deref())?;
    accesses.extend(object::<UploadPartCopyRequest>("s3:PutObject", "s3:PutObject")(s3, cx, input)?);
    Ok(accesses)
}

fn source(s3: &S3, cx: &Cx, header: Option<&str>, expected_owner: Option<&str>) -> Accesses {
    let source = CopySource::parse(header.unwrap_or_default())?;
    let bucket = s3.bucket(&source.bucket)?;
    admit(cx, &bucket, expected_owner)?;
    let action = if source.version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    let access = to_object(action, &bucket, &source.key);
    Ok(vec![with_existing_tags(s3, &bucket, &source.key, access)?])
}

/// PutObjectTagging, with the tags that are set.
pub fn put_object_tagging(s3: &S3, cx: &Cx, input: &PutObjectTaggingRequest) -> Accesses {
    let given = input.tagging.as_ref().and_then(|it| it.tag_set.clone()).unwrap_or_default();
    let tags = TagSet::of_object(crate::tagging::pairs(given))?;
    let accesses = object::<PutObjectTaggingRequest>("s3:PutObjectTagging", "s3:PutObjectVersionTagging")(
        s3, cx, input,
    )?;
    Ok(accesses.into_iter().map(|access| with_request_tags(access, &tags)).collect())
}

impl S3 {
    /// What a caller is told of a key that is not there: only those who may list the bucket learn that.
    pub(crate) fn absent(&self, cx: &Cx, bucket: &Bucket, key: &str) -> Error {
        match cx.authorize(&to_bucket("s3:ListBucket", bucket)) {
            Ok(()) => Error::NoSuchKey(key.to_owned()),
            Err(denied) => refusal(cx, denied),
        }
    }
}
