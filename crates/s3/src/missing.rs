//! The configurations that a bucket may lack, each with an error of its own.

/// A configuration that a bucket may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// The bucket policy.
    Policy,
    /// The website.
    Website,
    /// The CORS rules.
    Cors,
    /// The public access block.
    PublicAccessBlock,
    /// The tags.
    Tags,
    /// The ownership controls.
    OwnershipControls,
    /// The lifecycle rules.
    Lifecycle,
    /// The replication rules.
    Replication,
    /// The object lock.
    ObjectLock,
    /// An analytics, metrics, inventory or tiering configuration.
    Named,
    /// The metadata tables.
    Metadata,
}

impl Missing {
    /// The error's code.
    pub fn code(self) -> &'static str {
        match self {
            Missing::Policy => "NoSuchBucketPolicy",
            Missing::Website => "NoSuchWebsiteConfiguration",
            Missing::Cors => "NoSuchCORSConfiguration",
            Missing::PublicAccessBlock => "NoSuchPublicAccessBlockConfiguration",
            Missing::Tags => "NoSuchTagSet",
            Missing::OwnershipControls => "OwnershipControlsNotFoundError",
            Missing::Lifecycle => "NoSuchLifecycleConfiguration",
            Missing::Replication => "ReplicationConfigurationNotFoundError",
            Missing::ObjectLock => "ObjectLockConfigurationNotFoundError",
            Missing::Named => "NoSuchConfiguration",
            Missing::Metadata => "MetadataConfigurationNotFound",
        }
    }

    /// The error's text.
    pub fn message(self) -> &'static str {
        match self {
            Missing::Policy => "The bucket policy does not exist",
            Missing::Website => "The specified bucket does not have a website configuration",
            Missing::Cors => "The CORS configuration does not exist",
            Missing::PublicAccessBlock => "The public access block configuration was not found",
            Missing::Tags => "The TagSet does not exist",
            Missing::OwnershipControls => "The bucket ownership controls were not found",
            Missing::Lifecycle => "The lifecycle configuration does not exist",
            Missing::Replication => "The replication configuration was not found",
            Missing::ObjectLock => "Object Lock configuration does not exist for this bucket",
            Missing::Named => "The specified configuration does not exist.",
            Missing::Metadata => "The metadata configuration was not found",
        }
    }
}
