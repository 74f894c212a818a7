//! The generated shapes of the services, as their crates have them. Only the schemas are used; the structures are
//! made up by [`crate::dynamic`].

#![allow(dead_code, reason = "only the schemas are used")]

use nephos_wire::ServiceModel;

#[path = "../../../cloudformation/src/shapes.rs"]
pub mod cloudformation;
#[path = "../../../cognito/src/identity_pools/shapes.rs"]
mod cognito_identity;
#[path = "../../../cognito/src/user_pools/shapes.rs"]
mod cognito_idp;
#[path = "table/shapes.rs"]
pub mod dynamodb;
#[path = "../../../iam/src/shapes.rs"]
pub mod iam;
#[path = "../../../lambda/src/shapes.rs"]
pub mod lambda;
#[path = "../../../logs/src/shapes.rs"]
mod logs;
#[path = "../../../s3/src/shapes.rs"]
pub mod s3;
#[path = "../../../iam/src/sts/shapes.rs"]
mod sts;

/// All of them.
pub const MODELS: &[&ServiceModel] = &[
    &cloudformation::MODEL,
    &cognito_identity::MODEL,
    &cognito_idp::MODEL,
    &dynamodb::MODEL,
    &iam::MODEL,
    &lambda::MODEL,
    &logs::MODEL,
    &s3::MODEL,
    &sts::MODEL,
];

/// S3's and Lambda's.
pub const RESTFUL: &[&ServiceModel] = &[&lambda::MODEL, &s3::MODEL];
