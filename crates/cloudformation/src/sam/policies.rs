//! `Policies` of a serverless function: managed ones by name or ARN, documents, and SAM's policy templates.

use serde_json::{Map, Value, json};

use super::invalid;
use crate::error::Error;

const BASIC: &str = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";

/// The ARNs of managed policies, and inline policies as the role takes them.
pub fn expand(name: &str, policies: Option<&Value>) -> Result<(Vec<Value>, Vec<Value>), Error> {
    let (mut managed, mut inline) = (vec![json!(BASIC)], Vec::new());
    let given: Vec<&Value> = match policies {
        None => Vec::new(),
        Some(Value::Array(many)) => many.iter().collect(),
        Some(one) => vec![one],
    };
    for (index, policy) in given.into_iter().enumerate() {
        let document = match policy {
            Value::String(text) => {
                managed.push(managed_arn(text));
                continue;
            }
            Value::Object(map) if map.contains_key("Statement") => with_version(map),
            Value::Object(map) if is_intrinsic(map) => {
                managed.push(policy.clone());
                continue;
            }
            Value::Object(map) => template(name, map)?,
            _ => {
                return Err(invalid(
                    name,
                    "a policy must be a name, an ARN, a document or a policy template",
                ));
            }
        };
        inline.push(json!({ "PolicyName": format!("{name}RolePolicy{index}"), "PolicyDocument": document }));
    }
    Ok((managed, inline))
}

fn is_intrinsic(map: &Map<String, Value>) -> bool {
    map.len() == 1 && map.keys().all(|key| key == "Ref" || key.starts_with("Fn::"))
}

fn managed_arn(text: &str) -> Value {
    if text.starts_with("arn:") {
        return json!(text);
    }
    let folder = if text.starts_with("AWSLambda") && text.ends_with("Role") { "service-role/" } else { "" };
    json!(format!("arn:aws:iam::aws:policy/{folder}{text}"))
}

fn with_version(map: &Map<String, Value>) -> Value {
    let mut document = map.clone();
    document.entry("Version").or_insert_with(|| json!("2012-10-17"));
    Value::Object(document)
}

/// A policy template's actions and the resources that its parameters name.
struct Known {
    parameter: &'static str,
    actions: &'static [&'static str],
    resources: &'static [&'static str],
}

const TABLE: &[&str] = &[
    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${name}",
    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${name}/index/*",
];
const BUCKET: &[&str] = &["arn:${AWS::Partition}:s3:::${name}", "arn:${AWS::Partition}:s3:::${name}/*"];

fn known(template: &str) -> Option<Known> {
    let (parameter, actions, resources): (_, &'static [&'static str], _) = match template {
        "DynamoDBCrudPolicy" => (
            "TableName",
            &[
                "dynamodb:GetItem",
                "dynamodb:DeleteItem",
                "dynamodb:PutItem",
                "dynamodb:Scan",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:BatchGetItem",
                "dynamodb:DescribeTable",
                "dynamodb:ConditionCheckItem",
            ],
            TABLE,
        ),
        "DynamoDBReadPolicy" => (
            "TableName",
            &[
                "dynamodb:GetItem",
                "dynamodb:Scan",
                "dynamodb:Query",
                "dynamodb:BatchGetItem",
                "dynamodb:DescribeTable",
            ],
            TABLE,
        ),
        "DynamoDBWritePolicy" => {
            ("TableName", &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"], TABLE)
        }
        "S3ReadPolicy" => (
            "BucketName",
            &[
                "s3:GetObject",
                "s3:ListBucket",
                "s3:GetBucketLocation",
                "s3:GetObjectVersion",
                "s3:GetLifecycleConfiguration",
            ],
            BUCKET,
        ),
        "S3WritePolicy" => {
            ("BucketName", &["s3:PutObject", "s3:PutObjectAcl", "s3:PutLifecycleConfiguration"], BUCKET)
        }
        "S3CrudPolicy" => (
            "BucketName",
            &[
                "s3:GetObject",
                "s3:ListBucket",
                "s3:GetBucketLocation",
                "s3:GetObjectVersion",
                "s3:PutObject",
                "s3:PutObjectAcl",
                "s3:GetLifecycleConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:DeleteObject",
            ],
            BUCKET,
        ),
        "LambdaInvokePolicy" => (
            "FunctionName",
            &["lambda:InvokeFunction"],
            &["arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${name}*"],
        ),
        _ => return None,
    };
    Some(Known { parameter, actions, resources })
}

fn template(name: &str, map: &Map<String, Value>) -> Result<Value, Error> {
    let (Some((kind, parameters)), 1) = (map.iter().next(), map.len()) else {
        return Err(invalid(name, "a policy template has one name"));
    };
    let known = known(kind).ok_or_else(|| invalid(name, &format!("Nephos has no policy template {kind}")))?;
    let value = parameters.get(known.parameter).ok_or_else(|| {
        invalid(
            name,
            &format!("Missing required parameter '{}' in policy template '{kind}'", known.parameter),
        )
    })?;
    let resource = |text: &&str| json!({ "Fn::Sub": [text, { "name": value }] });
    let resources: Vec<Value> = known.resources.iter().map(resource).collect();
    let statement = json!({ "Effect": "Allow", "Action": known.actions, "Resource": resources });
    Ok(json!({ "Version": "2012-10-17", "Statement": [statement] }))
}
