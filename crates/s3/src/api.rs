//! The operation table.

use crate::shapes::op;
use crate::{
    S3, access, attributes, bucket_config, bucket_policy, buckets, complete, copy, delete, get, list,
    notification_config, parts, put, subresources, tagging, uploads, website,
};

nephos_wire::operations! { S3 =>
    CreateBucket(buckets::create_bucket, access::create_bucket);
    HeadBucket(buckets::head_bucket, access::bucket("s3:ListBucket"));
    DeleteBucket(buckets::delete_bucket, access::bucket("s3:DeleteBucket"));
    ListBuckets(buckets::list_buckets, access::list_buckets);
    GetBucketLocation(buckets::get_bucket_location, access::bucket("s3:GetBucketLocation"));
    PutBucketPolicy(bucket_policy::put_bucket_policy, access::policy("s3:PutBucketPolicy"));
    GetBucketPolicy(bucket_policy::get_bucket_policy, access::policy("s3:GetBucketPolicy"));
    DeleteBucketPolicy(bucket_policy::delete_bucket_policy, access::policy("s3:DeleteBucketPolicy"));
    GetBucketPolicyStatus(bucket_policy::get_bucket_policy_status, access::bucket("s3:GetBucketPolicyStatus"));
    PutPublicAccessBlock(bucket_policy::put_public_access_block, access::bucket("s3:PutBucketPublicAccessBlock"));
    GetPublicAccessBlock(bucket_policy::get_public_access_block, access::bucket("s3:GetBucketPublicAccessBlock"));
    DeletePublicAccessBlock(bucket_policy::delete_public_access_block, access::bucket("s3:PutBucketPublicAccessBlock"));
    PutBucketWebsite(website::api::put_bucket_website, access::bucket("s3:PutBucketWebsite"));
    GetBucketWebsite(website::api::get_bucket_website, access::bucket("s3:GetBucketWebsite"));
    DeleteBucketWebsite(website::api::delete_bucket_website, access::bucket("s3:DeleteBucketWebsite"));
    PutBucketCors(bucket_config::put_bucket_cors, access::bucket("s3:PutBucketCORS"));
    GetBucketCors(bucket_config::get_bucket_cors, access::bucket("s3:GetBucketCORS"));
    DeleteBucketCors(bucket_config::delete_bucket_cors, access::bucket("s3:PutBucketCORS"));
    PutBucketOwnershipControls(bucket_config::put_bucket_ownership_controls, access::bucket("s3:PutBucketOwnershipControls"));
    GetBucketOwnershipControls(bucket_config::get_bucket_ownership_controls, access::bucket("s3:GetBucketOwnershipControls"));
    DeleteBucketOwnershipControls(bucket_config::delete_bucket_ownership_controls, access::bucket("s3:PutBucketOwnershipControls"));
    PutBucketEncryption(bucket_config::put_bucket_encryption, access::bucket("s3:PutEncryptionConfiguration"));
    GetBucketEncryption(bucket_config::get_bucket_encryption, access::bucket("s3:GetEncryptionConfiguration"));
    DeleteBucketEncryption(bucket_config::delete_bucket_encryption, access::bucket("s3:PutEncryptionConfiguration"));
    PutBucketVersioning(bucket_config::put_bucket_versioning, access::bucket("s3:PutBucketVersioning"));
    GetBucketVersioning(bucket_config::get_bucket_versioning, access::bucket("s3:GetBucketVersioning"));
    PutBucketTagging(tagging::put_bucket_tagging, access::bucket("s3:PutBucketTagging"));
    GetBucketTagging(tagging::get_bucket_tagging, access::bucket("s3:GetBucketTagging"));
    DeleteBucketTagging(tagging::delete_bucket_tagging, access::bucket("s3:PutBucketTagging"));
    PutBucketNotificationConfiguration(notification_config::put_bucket_notification_configuration, access::bucket("s3:PutBucketNotification"));
    GetBucketNotificationConfiguration(notification_config::get_bucket_notification_configuration, access::bucket("s3:GetBucketNotification"));
    GetBucketAcl(subresources::get_bucket_acl, access::bucket("s3:GetBucketAcl"));
    GetBucketAccelerateConfiguration(subresources::get_bucket_accelerate_configuration, access::bucket("s3:GetAccelerateConfiguration"));
    GetBucketLifecycleConfiguration(subresources::get_bucket_lifecycle_configuration, access::bucket("s3:GetLifecycleConfiguration"));
    GetBucketLogging(subresources::get_bucket_logging, access::bucket("s3:GetBucketLogging"));
    GetBucketReplication(subresources::get_bucket_replication, access::bucket("s3:GetReplicationConfiguration"));
    GetBucketRequestPayment(subresources::get_bucket_request_payment, access::bucket("s3:GetBucketRequestPayment"));
    GetObjectLockConfiguration(subresources::get_object_lock_configuration, access::bucket("s3:GetBucketObjectLockConfiguration"));
    GetBucketAnalyticsConfiguration(subresources::get_bucket_analytics_configuration, access::bucket("s3:GetAnalyticsConfiguration"));
    GetBucketInventoryConfiguration(subresources::get_bucket_inventory_configuration, access::bucket("s3:GetInventoryConfiguration"));
    GetBucketMetricsConfiguration(subresources::get_bucket_metrics_configuration, access::bucket("s3:GetMetricsConfiguration"));
    GetBucketIntelligentTieringConfiguration(subresources::get_bucket_intelligent_tiering_configuration, access::bucket("s3:GetIntelligentTieringConfiguration"));
    ListBucketAnalyticsConfigurations(subresources::list_bucket_analytics_configurations, access::bucket("s3:GetAnalyticsConfiguration"));
    ListBucketInventoryConfigurations(subresources::list_bucket_inventory_configurations, access::bucket("s3:GetInventoryConfiguration"));
    ListBucketMetricsConfigurations(subresources::list_bucket_metrics_configurations, access::bucket("s3:GetMetricsConfiguration"));
    ListBucketIntelligentTieringConfigurations(subresources::list_bucket_intelligent_tiering_configurations, access::bucket("s3:GetIntelligentTieringConfiguration"));
    PutObject(stream put::put_object, access::put_object);
    GetObject(stream get::get_object, access::object("s3:GetObject", "s3:GetObjectVersion"));
    HeadObject(get::head_object, access::object("s3:GetObject", "s3:GetObjectVersion"));
    DeleteObject(delete::delete_object, access::object("s3:DeleteObject", "s3:DeleteObjectVersion"));
    DeleteObjects(delete::delete_objects, access::delete_objects);
    CopyObject(copy::copy_object, access::copy_object);
    GetObjectAttributes(attributes::get_object_attributes, access::attributes);
    GetObjectAcl(attributes::get_object_acl, access::object("s3:GetObjectAcl", "s3:GetObjectVersionAcl"));
    PutObjectTagging(tagging::put_object_tagging, access::put_object_tagging);
    GetObjectTagging(tagging::get_object_tagging, access::object("s3:GetObjectTagging", "s3:GetObjectVersionTagging"));
    DeleteObjectTagging(tagging::delete_object_tagging, access::object("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"));
    ListObjects(list::list_objects, access::list("s3:ListBucket"));
    ListObjectsV2(list::list_objects_v2, access::list("s3:ListBucket"));
    ListObjectVersions(list::list_object_versions, access::list("s3:ListBucketVersions"));
    CreateMultipartUpload(uploads::create_multipart_upload, access::create_upload);
    UploadPart(stream parts::upload_part, access::object("s3:PutObject", "s3:PutObject"));
    UploadPartCopy(parts::upload_part_copy, access::copy_part);
    CompleteMultipartUpload(complete::complete_multipart_upload, access::object("s3:PutObject", "s3:PutObject"));
    AbortMultipartUpload(uploads::abort_multipart_upload, access::object("s3:AbortMultipartUpload", "s3:AbortMultipartUpload"));
    ListParts(parts::list_parts, access::object("s3:ListMultipartUploadParts", "s3:ListMultipartUploadParts"));
    ListMultipartUploads(uploads::list_multipart_uploads, access::list("s3:ListBucketMultipartUploads"));
}
