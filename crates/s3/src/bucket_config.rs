//! CORS rules, ownership controls, encryption and versioning of a bucket.

use nephos_core::Cx;

use crate::S3;
use crate::cors::{self, CorsRule};
use crate::error::{Error, Missing};
use crate::ownership::Ownership;
use crate::shapes::{
    CORSRule, DeleteBucketCorsRequest, DeleteBucketEncryptionRequest, DeleteBucketOwnershipControlsRequest,
    GetBucketCorsOutput, GetBucketCorsRequest, GetBucketEncryptionOutput, GetBucketEncryptionRequest,
    GetBucketOwnershipControlsOutput, GetBucketOwnershipControlsRequest, GetBucketVersioningOutput,
    GetBucketVersioningRequest, OwnershipControls, OwnershipControlsRule, PutBucketCorsRequest,
    PutBucketEncryptionRequest, PutBucketOwnershipControlsRequest, PutBucketVersioningRequest,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Unit,
};

fn rule(given: CORSRule) -> CorsRule {
    CorsRule {
        id: given.id,
        origins: given.allowed_origins.unwrap_or_default(),
        methods: given.allowed_methods.unwrap_or_default(),
        headers: given.allowed_headers.unwrap_or_default(),
        exposed: given.expose_headers.unwrap_or_default(),
        max_age_secs: given.max_age_seconds,
    }
}

fn shown(rule: &CorsRule) -> CORSRule {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    CORSRule {
        id: rule.id.clone(),
        allowed_headers: some(&rule.headers),
        allowed_methods: some(&rule.methods),
        allowed_origins: some(&rule.origins),
        expose_headers: some(&rule.exposed),
        max_age_seconds: rule.max_age_secs,
    }
}

/// Replaces the CORS rules.
pub async fn put_bucket_cors(s3: &S3, _: &Cx, input: PutBucketCorsRequest) -> Result<Unit, Error> {
    let given = input.cors_configuration.and_then(|it| it.cors_rules).unwrap_or_default();
    let rules: Vec<_> = given.into_iter().map(rule).collect();
    cors::check(&rules)?;
    s3.change_bucket("s3 put bucket cors", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.cors = Some(rules.clone());
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// The CORS rules.
pub async fn get_bucket_cors(
    s3: &S3,
    _: &Cx,
    input: GetBucketCorsRequest,
) -> Result<GetBucketCorsOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let missing = || Error::NoSuchConfiguration(Missing::Cors, bucket.name.clone());
    let rules = bucket.cors.as_ref().ok_or_else(missing)?;
    Ok(GetBucketCorsOutput { cors_rules: Some(rules.iter().map(shown).collect()) })
}

/// Removes the CORS rules.
pub async fn delete_bucket_cors(s3: &S3, _: &Cx, input: DeleteBucketCorsRequest) -> Result<Unit, Error> {
    s3.change_bucket("s3 delete bucket cors", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.cors = None;
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// Sets who owns what is uploaded.
pub async fn put_bucket_ownership_controls(
    s3: &S3,
    _: &Cx,
    input: PutBucketOwnershipControlsRequest,
) -> Result<Unit, Error> {
    let rules = input.ownership_controls.and_then(|it| it.rules).unwrap_or_default();
    let [only] = rules.as_slice() else { return Err(Error::MalformedXml) };
    let ownership = only.object_ownership.as_deref().and_then(Ownership::parse).ok_or(Error::MalformedXml)?;
    s3.change_bucket("s3 put ownership controls", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.ownership = Some(ownership);
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// Who owns what is uploaded.
pub async fn get_bucket_ownership_controls(
    s3: &S3,
    _: &Cx,
    input: GetBucketOwnershipControlsRequest,
) -> Result<GetBucketOwnershipControlsOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let missing = || Error::NoSuchConfiguration(Missing::OwnershipControls, bucket.name.clone());
    let ownership = bucket.ownership.ok_or_else(missing)?;
    let rule = OwnershipControlsRule { object_ownership: Some(ownership.name().to_owned()) };
    Ok(GetBucketOwnershipControlsOutput {
        ownership_controls: Some(OwnershipControls { rules: Some(vec![rule]) }),
    })
}

/// Removes the ownership controls.
pub async fn delete_bucket_ownership_controls(
    s3: &S3,
    _: &Cx,
    input: DeleteBucketOwnershipControlsRequest,
) -> Result<Unit, Error> {
    s3.change_bucket("s3 delete ownership controls", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.ownership = None;
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// Sets the encryption of new objects, which can only be the one that they have anyway.
pub async fn put_bucket_encryption(
    s3: &S3,
    _: &Cx,
    input: PutBucketEncryptionRequest,
) -> Result<Unit, Error> {
    let rules = input.server_side_encryption_configuration.and_then(|it| it.rules).unwrap_or_default();
    let [rule] = rules.as_slice() else { return Err(Error::MalformedXml) };
    if rule.blocked_encryption_types.is_some() {
        return Err(Error::NotImplemented("BlockedEncryptionTypes".to_owned()));
    }
    let default = rule.apply_server_side_encryption_by_default.as_ref();
    match default.and_then(|it| it.sse_algorithm.as_deref()) {
        Some("AES256") if default.is_some_and(|it| it.kms_master_key_id.is_some()) => {
            return Err(Error::argument(
                "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
                "ApplyServerSideEncryptionByDefault",
                "AES256",
            ));
        }
        Some("AES256") => {}
        None if default.is_none() && rule.bucket_key_enabled.is_some() => {}
        Some("aws:kms" | "aws:kms:dsse") => {
            return Err(Error::NotImplemented("encryption with KMS keys".to_owned()));
        }
        _ => return Err(Error::MalformedXml),
    }
    let bucket_key = rule.bucket_key_enabled == Some(true);
    s3.change_bucket("s3 put bucket encryption", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.bucket_key = bucket_key;
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// The encryption of new objects.
pub async fn get_bucket_encryption(
    s3: &S3,
    _: &Cx,
    input: GetBucketEncryptionRequest,
) -> Result<GetBucketEncryptionOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let default = ServerSideEncryptionByDefault {
        sse_algorithm: Some("AES256".to_owned()),
        ..ServerSideEncryptionByDefault::default()
    };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(default),
        bucket_key_enabled: Some(bucket.bucket_key),
        ..ServerSideEncryptionRule::default()
    };
    Ok(GetBucketEncryptionOutput {
        server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration {
            rules: Some(vec![rule]),
        }),
    })
}

/// Takes the encryption back to its default.
pub async fn delete_bucket_encryption(
    s3: &S3,
    _: &Cx,
    input: DeleteBucketEncryptionRequest,
) -> Result<Unit, Error> {
    s3.change_bucket("s3 delete bucket encryption", &input.bucket.unwrap_or_default(), |bucket| {
        bucket.bucket_key = false;
        Ok(())
    })
    .await?;
    Ok(Unit::default())
}

/// Buckets are without versions, which nothing can change.
pub async fn put_bucket_versioning(
    s3: &S3,
    _: &Cx,
    input: PutBucketVersioningRequest,
) -> Result<Unit, Error> {
    s3.bucket(&input.bucket.unwrap_or_default())?;
    let given = input.versioning_configuration.unwrap_or_default();
    match given.status.as_deref() {
        Some("Enabled" | "Suspended") => Err(Error::NotImplemented("bucket versioning".to_owned())),
        None => Err(Error::argument("The Versioning element must be specified", "Versioning", "null")),
        Some(_) => Err(Error::MalformedXml),
    }
}

/// A bucket that was never versioned has no status.
pub async fn get_bucket_versioning(
    s3: &S3,
    _: &Cx,
    input: GetBucketVersioningRequest,
) -> Result<GetBucketVersioningOutput, Error> {
    s3.bucket(&input.bucket.unwrap_or_default())?;
    Ok(GetBucketVersioningOutput::default())
}
