//! The configurations that Nephos does not have. Tools read each of them after they made a bucket, and expect a particular
//! answer where there is none: an empty document, a default, or an error of its own.

use nephos_core::Cx;

use crate::S3;
use crate::attributes::owner_grants;
use crate::error::{Error, Missing};
use crate::shapes::*;

/// A handler that answers an empty document.
macro_rules! empty {
    ($($(#[$doc:meta])* $name:ident($input:ident) -> $output:ident $body:tt)*) => {$(
        $(#[$doc])*
        pub async fn $name(s3: &S3, _: &Cx, input: $input) -> Result<$output, Error> {
            s3.bucket(&input.bucket.unwrap_or_default())?;
            Ok($output $body)
        }
    )*};
}

/// A handler that answers that there is none.
macro_rules! missing {
    ($($(#[$doc:meta])* $name:ident($input:ident) -> $output:ident: $missing:ident)*) => {$(
        $(#[$doc])*
        pub async fn $name(s3: &S3, _: &Cx, input: $input) -> Result<$output, Error> {
            let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
            Err(Error::NoSuchConfiguration(Missing::$missing, bucket.name.clone()))
        }
    )*};
}

/// The grants of a bucket: its owner has everything.
pub async fn get_bucket_acl(
    s3: &S3,
    _: &Cx,
    input: GetBucketAclRequest,
) -> Result<GetBucketAclOutput, Error> {
    let bucket = s3.bucket(&input.bucket.unwrap_or_default())?;
    let (owner, grants) = owner_grants(&bucket);
    Ok(GetBucketAclOutput { owner: Some(owner), grants: Some(grants) })
}

empty! {
    /// Transfers are not accelerated.
    get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationRequest)
        -> GetBucketAccelerateConfigurationOutput { ..Default::default() }
    /// Accesses are not logged.
    get_bucket_logging(GetBucketLoggingRequest) -> GetBucketLoggingOutput { ..Default::default() }
    /// The bucket's owner pays.
    get_bucket_request_payment(GetBucketRequestPaymentRequest)
        -> GetBucketRequestPaymentOutput { payer: Some("BucketOwner".to_owned()) }
    /// No analytics configurations.
    list_bucket_analytics_configurations(ListBucketAnalyticsConfigurationsRequest)
        -> ListBucketAnalyticsConfigurationsOutput { is_truncated: Some(false), ..Default::default() }
    /// No inventory configurations.
    list_bucket_inventory_configurations(ListBucketInventoryConfigurationsRequest)
        -> ListBucketInventoryConfigurationsOutput { is_truncated: Some(false), ..Default::default() }
    /// No metrics configurations.
    list_bucket_metrics_configurations(ListBucketMetricsConfigurationsRequest)
        -> ListBucketMetricsConfigurationsOutput { is_truncated: Some(false), ..Default::default() }
    /// No tiering configurations.
    list_bucket_intelligent_tiering_configurations(ListBucketIntelligentTieringConfigurationsRequest)
        -> ListBucketIntelligentTieringConfigurationsOutput { is_truncated: Some(false), ..Default::default() }
}

missing! {
    /// No lifecycle rules.
    get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationRequest)
        -> GetBucketLifecycleConfigurationOutput: Lifecycle
    /// No replication rules.
    get_bucket_replication(GetBucketReplicationRequest) -> GetBucketReplicationOutput: Replication
    /// No object lock.
    get_object_lock_configuration(GetObjectLockConfigurationRequest)
        -> GetObjectLockConfigurationOutput: ObjectLock
    /// No such analytics configuration.
    get_bucket_analytics_configuration(GetBucketAnalyticsConfigurationRequest)
        -> GetBucketAnalyticsConfigurationOutput: Named
    /// No such inventory configuration.
    get_bucket_inventory_configuration(GetBucketInventoryConfigurationRequest)
        -> GetBucketInventoryConfigurationOutput: Named
    /// No such metrics configuration.
    get_bucket_metrics_configuration(GetBucketMetricsConfigurationRequest)
        -> GetBucketMetricsConfigurationOutput: Named
    /// No such tiering configuration.
    get_bucket_intelligent_tiering_configuration(GetBucketIntelligentTieringConfigurationRequest)
        -> GetBucketIntelligentTieringConfigurationOutput: Named
}
