//! Buckets themselves: making, finding, listing and deleting them.

use std::ops::ControlFlow;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use nephos_core::{AccountId, Cx, Region, Timestamp, random};
use nephos_store::{Range, Read, Tx};
use sha2::{Digest, Sha256};

use crate::S3;
use crate::error::Error;
use crate::keys;
use crate::names::BucketName;
use crate::ownership::Ownership;
use crate::public_access::PublicAccessBlock;
use crate::records::Bucket;
use crate::shapes::{
    Bucket as ListedBucket, CreateBucketOutput, CreateBucketRequest, DeleteBucketRequest,
    GetBucketLocationOutput, GetBucketLocationRequest, HeadBucketOutput, HeadBucketRequest,
    ListBucketsOutput, ListBucketsRequest, Owner, Unit,
};
use crate::tagging::pairs;
use crate::tags::TagSet;

/// The region whose buckets have no location constraint.
const FIRST_REGION: &str = "us-east-1";

/// An account's canonical user id: 64 hexadecimal digits that do not show the account.
pub fn owner_id(account: AccountId) -> String {
    random::hex(&Sha256::digest(format!("nephos s3 canonical user {account}")))
}

/// Where a new bucket shall lie, as the endpoint's region allows.
fn location(cx: &Cx, constraint: Option<&str>) -> Result<Region, Error> {
    let endpoint = cx.region.as_str();
    let region = match constraint {
        None | Some("") if endpoint == FIRST_REGION => endpoint,
        None | Some("") => return Err(Error::IllegalLocationConstraint("unspecified".to_owned())),
        Some("EU") => "eu-west-1",
        Some(FIRST_REGION) => return Err(Error::InvalidLocationConstraint(FIRST_REGION.to_owned())),
        Some(other) => other,
    };
    if endpoint != FIRST_REGION && region != endpoint {
        return Err(Error::IllegalLocationConstraint(region.to_owned()));
    }
    region.parse().map_err(|_| Error::InvalidLocationConstraint(region.to_owned()))
}

/// Checks what Nephos cannot give, and the ACL, which a bucket without ACLs cannot have.
fn ownership(input: &CreateBucketRequest) -> Result<Ownership, Error> {
    if input.object_lock_enabled_for_bucket == Some(true) {
        return Err(Error::NotImplemented("object lock".to_owned()));
    }
    let configuration = input.create_bucket_configuration.as_ref();
    if configuration.is_some_and(|it| it.location.is_some() || it.bucket.is_some()) {
        return Err(Error::NotImplemented("directory buckets".to_owned()));
    }
    if input.bucket_namespace.as_deref().is_some_and(|namespace| namespace != "global") {
        return Err(Error::NotImplemented("bucket namespaces".to_owned()));
    }
    let ownership = match input.object_ownership.as_deref() {
        None => Ownership::BucketOwnerEnforced,
        Some(name) => Ownership::parse(name).ok_or_else(|| {
            Error::argument(
                "Invalid x-amz-object-ownership header: ".to_owned() + name,
                "x-amz-object-ownership",
                name,
            )
        })?,
    };
    let grants = input.grant_full_control.is_some()
        || input.grant_read.is_some()
        || input.grant_read_acp.is_some()
        || input.grant_write.is_some()
        || input.grant_write_acp.is_some();
    match input.acl.as_deref() {
        None | Some("private") if !grants => Ok(ownership),
        _ if ownership == Ownership::BucketOwnerEnforced => Err(Error::InvalidBucketAcl),
        acl => Err(Error::NotImplemented(format!("the bucket ACL {}", acl.unwrap_or("of grants")))),
    }
}

/// Makes a bucket. In the first region it is no error that the caller has it already.
pub async fn create_bucket(
    s3: &S3,
    cx: &Cx,
    input: CreateBucketRequest,
) -> Result<CreateBucketOutput, Error> {
    let name = BucketName::parse(input.bucket.as_deref().unwrap_or_default())?;
    let ownership = ownership(&input)?;
    let configuration = input.create_bucket_configuration.unwrap_or_default();
    let region = location(cx, configuration.location_constraint.as_deref())?;
    let tags = configuration.tags.map(|tags| TagSet::of_bucket(pairs(tags))).transpose()?;
    let bucket = Bucket {
        id: u64::from_be_bytes(random::bytes()),
        name: name.as_str().to_owned(),
        owner: cx.account,
        region,
        created: Timestamp::from_secs(cx.now().secs()),
        ownership: Some(ownership),
        public_access_block: Some(PublicAccessBlock::ALL),
        policy: None,
        website: None,
        cors: None,
        tags: tags.filter(|tags| !tags.is_empty()),
        notifications: Vec::new(),
        bucket_key: false,
        tagged_objects: false,
    };
    check_count(s3, cx.account)?;
    s3.store.transact("s3 create bucket", |tx: &mut Tx| insert(s3, tx, &bucket)).await?;
    let at_home = bucket.region.as_str() == FIRST_REGION;
    let location = if at_home { format!("/{name}") } else { format!("{}/{name}/", cx.origin.url()) };
    Ok(CreateBucketOutput { location: Some(location), bucket_arn: Some(format!("arn:aws:s3:::{name}")) })
}

/// Checks how many buckets the account has. Before the transaction, so that buckets made at the same time do not get
/// into each other's way.
fn check_count(s3: &S3, account: AccountId) -> Result<(), Error> {
    let most = s3.config.max_buckets;
    let mut count = 0;
    let range = Range::prefix(&keys::owned_all(account)).limit(most);
    s3.store.read(|view| {
        view.scan(&range, &mut |_, _| {
            count += 1;
            ControlFlow::Continue(())
        })
    })?;
    if count >= most { Err(Error::TooManyBuckets) } else { Ok(()) }
}

fn insert(s3: &S3, tx: &mut Tx, bucket: &Bucket) -> Result<(), Error> {
    let name = &bucket.name;
    if let Some(there) = s3.catalog.find(tx, name)? {
        return match there.owner == bucket.owner {
            true if bucket.region.as_str() == FIRST_REGION && there.region == bucket.region => Ok(()),
            true => Err(Error::BucketAlreadyOwnedByYou(name.clone())),
            false => Err(Error::BucketAlreadyExists(name.clone())),
        };
    }
    tx.put(keys::owned(bucket.owner, name), Bytes::new());
    tx.put_record(keys::bucket(name), bucket)?;
    Ok(())
}

/// Tells whether a bucket is there, and where.
pub async fn head_bucket(s3: &S3, _: &Cx, input: HeadBucketRequest) -> Result<HeadBucketOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    Ok(HeadBucketOutput {
        bucket_arn: Some(format!("arn:aws:s3:::{}", bucket.name)),
        bucket_region: Some(bucket.region.as_str().to_owned()),
        access_point_alias: Some(false),
        ..HeadBucketOutput::default()
    })
}

/// Deletes a bucket that holds neither objects nor uploads.
pub async fn delete_bucket(s3: &S3, _: &Cx, input: DeleteBucketRequest) -> Result<Unit, Error> {
    let name = input.bucket.unwrap_or_default();
    s3.store
        .transact("s3 delete bucket", |tx: &mut Tx| {
            let bucket = s3.catalog.get(tx, &name)?;
            for rows in [keys::objects(bucket.id), keys::uploads(bucket.id)] {
                if !tx.range(&Range::prefix(&rows).limit(1))?.is_empty() {
                    return Err(Error::BucketNotEmpty(name.clone()));
                }
            }
            tx.delete(keys::owned(bucket.owner, &name));
            tx.delete(keys::bucket(&name));
            Ok(())
        })
        .await?;
    Ok(Unit::default())
}

/// Where a bucket lies; nothing for the first region.
pub async fn get_bucket_location(
    s3: &S3,
    _: &Cx,
    input: GetBucketLocationRequest,
) -> Result<GetBucketLocationOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let region = bucket.region.as_str();
    let constraint = if region == FIRST_REGION { String::new() } else { region.to_owned() };
    Ok(GetBucketLocationOutput { location_constraint: Some(constraint) })
}

fn token(name: &str) -> String {
    BASE64.encode(name)
}

fn from_token(token: &str) -> Result<String, Error> {
    let name = BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| {
        Error::argument("The continuation token provided is incorrect", "continuation-token", token)
    })
}

/// The caller's buckets, in order of name.
pub async fn list_buckets(s3: &S3, cx: &Cx, input: ListBucketsRequest) -> Result<ListBucketsOutput, Error> {
    let most = input.max_buckets.unwrap_or(10_000);
    let limit = usize::try_from(most).ok().filter(|limit| (1..=10_000).contains(limit)).ok_or_else(|| {
        let text = "Argument max-buckets must be an integer between 1 and 10000";
        Error::argument(text, "max-buckets", most.to_string())
    })?;
    let after = input.continuation_token.as_deref().map(from_token).transpose()?;
    let prefix = input.prefix.clone().unwrap_or_default();
    // The region is shown to those who ask for anything.
    let shows_region = input.max_buckets.is_some()
        || input.prefix.is_some()
        || input.bucket_region.is_some()
        || input.continuation_token.is_some();
    let mut found = s3.store.read(|view| {
        let mut range = Range::prefix(&keys::owned_under(cx.account, &prefix));
        if let Some(after) = &after {
            range = range.after(&keys::owned(cx.account, after));
        }
        let mut found = Vec::new();
        for (row, _) in view.range(&range.limit(s3.config.max_buckets))? {
            let bucket = s3.catalog.get(view, &keys::owned_name(row.as_bytes())?)?;
            if input.bucket_region.as_deref().is_none_or(|region| region == bucket.region.as_str()) {
                found.push(bucket);
            }
            if found.len() > limit {
                break;
            }
        }
        Ok::<_, Error>(found)
    })?;
    let truncated = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| truncated).map(|bucket| token(&bucket.name));
    let buckets = found.iter().map(|bucket| ListedBucket {
        name: Some(bucket.name.clone()),
        creation_date: Some(bucket.created),
        bucket_region: shows_region.then(|| bucket.region.as_str().to_owned()),
        bucket_arn: Some(format!("arn:aws:s3:::{}", bucket.name)),
    });
    Ok(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        owner: Some(Owner { id: Some(owner_id(cx.account)), ..Owner::default() }),
        continuation_token: next,
        prefix: input.prefix,
    })
}
