//! What guests can do at most in the enhanced flow, whatever their role allows: AWS's session policies for
//! unauthenticated identities, the inline one and the managed one (`AmazonCognitoUnAuthedIdentitiesSessionPolicy`),
//! which allow together.

/// Actions of both.
const ACTIONS: &[&str] = &[
    "cloudwatch:*",
    "logs:*",
    "dynamodb:*",
    "kinesis:*",
    "mobileanalytics:*",
    "s3:*",
    "ses:*",
    "sns:*",
    "sqs:*",
    "lambda:*",
    "machinelearning:*",
    "execute-api:*",
    "iot:*",
    "gamelift:*",
    "scs:*",
    "cognito-identity:*",
    "cognito-idp:*",
    "cognito-sync:*",
    "lex:*",
    "polly:*",
    "rekognition:*",
    "translate:*",
    "geo:*",
    "rum:PutRumEvents",
    "sagemaker:InvokeEndpoint",
    "comprehend:*",
    "transcribe:*",
    "mobiletargeting:*",
    "firehose:*",
    "appsync:*",
    "personalize:*",
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptTo",
    "kms:ReEncryptFrom",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
];

/// The session policy.
pub(crate) fn policy() -> String {
    let statement = serde_json::json!({ "Effect": "Allow", "Action": ACTIONS, "Resource": "*" });
    serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}
