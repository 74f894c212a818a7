//! The bucket policy and the public access block.

use std::sync::Arc;

use nephos_core::Cx;

use crate::S3;
use crate::error::{Error, Missing};
use crate::policy;
use crate::public_access::PublicAccessBlock;
use crate::records::BucketPolicy;
use crate::shapes::{
    DeleteBucketPolicyRequest, DeletePublicAccessBlockRequest, GetBucketPolicyOutput, GetBucketPolicyRequest,
    GetBucketPolicyStatusOutput, GetBucketPolicyStatusRequest, GetPublicAccessBlockOutput,
    GetPublicAccessBlockRequest, PolicyStatus, PublicAccessBlockConfiguration, PutBucketPolicyRequest,
    PutPublicAccessBlockRequest, Unit,
};

/// Puts a policy. One that lets the public in is refused where the public access block says so.
pub async fn put_bucket_policy(s3: &S3, cx: &Cx, input: PutBucketPolicyRequest) -> Result<Unit, Error> {
    let name = input.bucket.unwrap_or_default();
    let text = input.policy.unwrap_or_default();
    policy::check(&text, &name)?;
    let policy = BucketPolicy { public: policy::is_public(&text), json: Arc::from(text) };
    let caller = cx.principal.display_name();
    s3.change_bucket("s3 put bucket policy", &name, |bucket| {
        if policy.public && bucket.public_access_block.is_some_and(|block| block.block_public_policy) {
            return Err(Error::AccessDenied(format!(
                "User: {caller} is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::{name}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access."
            )));
        }
        bucket.policy = Some(policy.clone());
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// The policy, as it was put.
pub async fn get_bucket_policy(
    s3: &S3,
    _: &Cx,
    input: GetBucketPolicyRequest,
) -> Result<GetBucketPolicyOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let missing = || Error::NoSuchConfiguration(Missing::Policy, bucket.name.clone());
    let policy = bucket.policy.as_ref().ok_or_else(missing)?;
    Ok(GetBucketPolicyOutput { policy: Some(policy.json.to_string()) })
}

/// Removes the policy.
pub async fn delete_bucket_policy(s3: &S3, _: &Cx, input: DeleteBucketPolicyRequest) -> Result<Unit, Error> {
    s3.change_bucket("s3 delete bucket policy", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.policy = None;
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// Whether the policy lets the public in.
pub async fn get_bucket_policy_status(
    s3: &S3,
    _: &Cx,
    input: GetBucketPolicyStatusRequest,
) -> Result<GetBucketPolicyStatusOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let missing = || Error::NoSuchConfiguration(Missing::Policy, bucket.name.clone());
    let policy = bucket.policy.as_ref().ok_or_else(missing)?;
    Ok(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public: Some(policy.public) }) })
}

/// Sets the four switches; one that is not named is off.
pub async fn put_public_access_block(
    s3: &S3,
    _: &Cx,
    input: PutPublicAccessBlockRequest,
) -> Result<Unit, Error> {
    let given = input.public_access_block_configuration.ok_or(Error::MalformedXml)?;
    let on = |switch: Option<bool>| switch == Some(true);
    let block = PublicAccessBlock {
        block_public_acls: on(given.block_public_acls),
        ignore_public_acls: on(given.ignore_public_acls),
        block_public_policy: on(given.block_public_policy),
        restrict_public_buckets: on(given.restrict_public_buckets),
    };
    s3.change_bucket("s3 put public access block", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.public_access_block = Some(block);
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// The four switches.
pub async fn get_public_access_block(
    s3: &S3,
    _: &Cx,
    input: GetPublicAccessBlockRequest,
) -> Result<GetPublicAccessBlockOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let missing = || Error::NoSuchConfiguration(Missing::PublicAccessBlock, bucket.name.clone());
    let block = bucket.public_access_block.ok_or_else(missing)?;
    Ok(GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(PublicAccessBlockConfiguration {
            block_public_acls: Some(block.block_public_acls),
            ignore_public_acls: Some(block.ignore_public_acls),
            block_public_policy: Some(block.block_public_policy),
            restrict_public_buckets: Some(block.restrict_public_buckets),
        }),
    })
}

/// Removes the block.
pub async fn delete_public_access_block(
    s3: &S3,
    _: &Cx,
    input: DeletePublicAccessBlockRequest,
) -> Result<Unit, Error> {
    s3.change_bucket("s3 delete public access block", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.public_access_block = None;
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}
