//! The public access block: four switches that keep a bucket from strangers whatever its policy says.

use serde::{Deserialize, Serialize};

/// The four switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    /// Refuse ACLs that let the public in.
    pub block_public_acls: bool,
    /// Disregard such ACLs.
    pub ignore_public_acls: bool,
    /// Refuse policies that let the public in.
    pub block_public_policy: bool,
    /// Let nobody but the owner's account and AWS services use a bucket whose policy lets the public in.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// As every new bucket has it.
    pub const ALL: PublicAccessBlock = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}
