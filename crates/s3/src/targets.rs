//! Which bucket, key and version a request is about, so that access rows are written once for all requests.

use crate::shapes::*;

/// A request about a bucket.
pub trait OnBucket {
    /// The bucket's name.
    fn bucket(&self) -> &str;
    /// The account that must own it, where the request says so.
    fn expected_owner(&self) -> Option<&str>;
}

/// A request about an object.
pub trait OnObject: OnBucket {
    /// The object's key.
    fn key(&self) -> &str;
    /// The version, where one is named.
    fn version(&self) -> Option<&str>;
}

macro_rules! on_bucket {
    ($($request:ident),* $(,)?) => {$(
        impl OnBucket for $request {
            fn bucket(&self) -> &str {
                self.bucket.as_deref().unwrap_or_default()
            }

            fn expected_owner(&self) -> Option<&str> {
                self.expected_bucket_owner.as_deref()
            }
        }
    )*};
}

macro_rules! on_object {
    ($($request:ident),* $(,)?) => {$(
        on_bucket!($request);

        impl OnObject for $request {
            fn key(&self) -> &str {
                self.key.as_deref().unwrap_or_default()
            }

            fn version(&self) -> Option<&str> {
                None
            }
        }
    )*};
}

macro_rules! on_version {
    ($($request:ident),* $(,)?) => {$(
        on_bucket!($request);

        impl OnObject for $request {
            fn key(&self) -> &str {
                self.key.as_deref().unwrap_or_default()
            }

            fn version(&self) -> Option<&str> {
                self.version_id.as_deref()
            }
        }
    )*};
}

on_bucket! {
    DeleteBucketCorsRequest, DeleteBucketEncryptionRequest, DeleteBucketOwnershipControlsRequest,
    DeleteBucketPolicyRequest, DeleteBucketRequest, DeleteBucketTaggingRequest, DeleteBucketWebsiteRequest,
    DeleteObjectsRequest, DeletePublicAccessBlockRequest, GetBucketAccelerateConfigurationRequest,
    GetBucketAclRequest, GetBucketAnalyticsConfigurationRequest, GetBucketCorsRequest,
    GetBucketEncryptionRequest, GetBucketIntelligentTieringConfigurationRequest,
    GetBucketInventoryConfigurationRequest, GetBucketLifecycleConfigurationRequest,
    GetBucketLocationRequest, GetBucketLoggingRequest, GetBucketMetricsConfigurationRequest,
    GetBucketNotificationConfigurationRequest, GetBucketOwnershipControlsRequest, GetBucketPolicyRequest,
    GetBucketPolicyStatusRequest, GetBucketReplicationRequest, GetBucketRequestPaymentRequest,
    GetBucketTaggingRequest, GetBucketVersioningRequest, GetBucketWebsiteRequest,
    GetObjectLockConfigurationRequest, GetPublicAccessBlockRequest, HeadBucketRequest,
    ListBucketAnalyticsConfigurationsRequest, ListBucketIntelligentTieringConfigurationsRequest,
    ListBucketInventoryConfigurationsRequest, ListBucketMetricsConfigurationsRequest,
    ListMultipartUploadsRequest, ListObjectVersionsRequest, ListObjectsRequest, ListObjectsV2Request,
    PutBucketCorsRequest, PutBucketEncryptionRequest, PutBucketNotificationConfigurationRequest,
    PutBucketOwnershipControlsRequest, PutBucketPolicyRequest, PutBucketTaggingRequest,
    PutBucketVersioningRequest, PutBucketWebsiteRequest, PutPublicAccessBlockRequest,
}

on_object! {
    AbortMultipartUploadRequest, CompleteMultipartUploadRequest, CopyObjectRequest,
    CreateMultipartUploadRequest, ListPartsRequest, PutObjectRequest, UploadPartCopyRequest,
    UploadPartRequest,
}

on_version! {
    DeleteObjectRequest, DeleteObjectTaggingRequest, GetObjectAclRequest, GetObjectAttributesRequest,
    GetObjectRequest, GetObjectTaggingRequest, HeadObjectRequest, PutObjectTaggingRequest,
}
