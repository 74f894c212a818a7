//! The services by short names, as their models describe them.

use nephos_wire::ServiceModel;

/// CloudFormation.
pub static CLOUDFORMATION: &ServiceModel = &nephos_cloudformation::shapes::MODEL;
/// Cognito identity pools.
pub static COGNITO_IDENTITY: &ServiceModel = &nephos_cognito::identity_pools::shapes::MODEL;
/// Cognito user pools.
pub static COGNITO_IDP: &ServiceModel = &nephos_cognito::user_pools::shapes::MODEL;
/// DynamoDB.
pub static DYNAMODB: &ServiceModel = &nephos_dynamodb::shapes::MODEL;
/// IAM.
pub static IAM: &ServiceModel = &nephos_iam::shapes::MODEL;
/// Lambda.
pub static LAMBDA: &ServiceModel = &nephos_lambda::shapes::MODEL;
/// CloudWatch Logs.
pub static LOGS: &ServiceModel = &nephos_logs::shapes::MODEL;
/// S3.
pub static S3: &ServiceModel = &nephos_s3::shapes::MODEL;
/// STS.
pub static STS: &ServiceModel = &nephos_iam::sts::shapes::MODEL;

/// All of them.
pub fn all() -> [&'static ServiceModel; 9] {
    [CLOUDFORMATION, COGNITO_IDENTITY, COGNITO_IDP, DYNAMODB, IAM, LAMBDA, LOGS, S3, STS]
}
