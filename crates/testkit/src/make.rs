//! What most tests need first: users, roles, functions, tables, buckets, pools; made through the platform's own APIs.

use std::io::{Cursor, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::client::{Client, Credentials};
use crate::service::{COGNITO_IDP, DYNAMODB, IAM, LAMBDA, S3, STS};
use crate::{answer::Answer, programs};

/// A policy of statements.
pub fn policy(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// A policy that allows one action, or pattern of actions, on some resource.
pub fn allow(action: &str, resource: &str) -> Value {
    policy(&[json!({ "Effect": "Allow", "Action": action, "Resource": resource })])
}

/// A trust policy for one principal, such as `{"Service": "lambda.amazonaws.com"}`.
pub fn trust(principal: &Value) -> Value {
    policy(&[json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" })])
}

/// The files as a zip.
pub fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let mode = if content.starts_with("#!") { 0o755 } else { 0o644 };
        zip.start_file(*name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Bytes in Base64.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The newest Python of this host, as a function's runtime.
pub fn python() -> String {
    let found = nephos_lambda::available_runtimes(&[]).into_iter().map(|runtime| runtime.id);
    found.rev().find(|id| id.starts_with("python3.")).expect("these tests need Python 3 on the host")
}

/// A user pool with one client.
pub struct Pool {
    /// The pool's id.
    pub id: String,
    /// The client's id.
    pub client: String,
}

/// Each of these makes something as this client, and panics where that is refused.
impl Client {
    /// A user with an inline policy, and a client as that user.
    pub async fn user(&self, name: &str, policy: Option<&Value>) -> Client {
        self.call(IAM, "CreateUser", json!({ "UserName": name })).await.ok();
        if let Some(policy) = policy {
            self.user_policy(name, policy).await;
        }
        let key = self.call(IAM, "CreateAccessKey", json!({ "UserName": name })).await.ok();
        self.with(Credentials::read(&key))
    }

    /// A user's inline policy, in place of the one before.
    pub async fn user_policy(&self, name: &str, policy: &Value) {
        let input = json!({ "UserName": name, "PolicyName": "inline", "PolicyDocument": policy.to_string() });
        self.call(IAM, "PutUserPolicy", input).await.ok();
    }

    /// A role that `principal` may assume, with an inline policy; its ARN.
    pub async fn role(&self, name: &str, principal: &Value, policy: &Value) -> String {
        self.role_trusted(name, &trust(principal), policy).await
    }

    /// A role with this trust policy and inline policy; its ARN.
    pub async fn role_trusted(&self, name: &str, trust: &Value, policy: &Value) -> String {
        let input = json!({ "RoleName": name, "AssumeRolePolicyDocument": trust.to_string() });
        let role = self.call(IAM, "CreateRole", input).await.ok();
        let input = json!({ "RoleName": name, "PolicyName": "inline", "PolicyDocument": policy.to_string() });
        self.call(IAM, "PutRolePolicy", input).await.ok();
        role.get("Arn")
    }

    /// A role that functions have.
    pub async fn function_role(&self, name: &str, policy: &Value) -> String {
        self.role(name, &json!({ "Service": "lambda.amazonaws.com" }), policy).await
    }

    /// A client as a role that this client assumes; `more` are further members of the request.
    pub async fn assume(&self, role_arn: &str, session: &str, more: Value) -> Client {
        let mut input = more;
        input["RoleArn"] = role_arn.into();
        input["RoleSessionName"] = session.into();
        let assumed = self.call(STS, "AssumeRole", input).await.ok();
        self.with(Credentials::read(&assumed))
    }

    /// A function in Python of one file, whose handler is `handler(event, context)`; its ARN.
    pub async fn function(&self, name: &str, role: &str, code: &str) -> String {
        self.try_function(name, role, code).await.ok().get("FunctionArn")
    }

    /// The same, where it may be refused.
    pub async fn try_function(&self, name: &str, role: &str, code: &str) -> Answer {
        programs::existing(programs::sandbox_helper());
        let zip = base64(&zip(&[("main.py", code)]));
        let input = json!({
            "FunctionName": name, "Role": role, "Runtime": python(), "Handler": "main.handler", "Timeout": 20,
            "Code": { "ZipFile": zip },
        });
        self.call(LAMBDA, "CreateFunction", input).await
    }

    /// What a function answers.
    pub async fn invoke(&self, name: &str, event: &Value) -> Answer {
        self.call(LAMBDA, "Invoke", json!({ "FunctionName": name, "Payload": event.to_string() })).await
    }

    /// A table with the partition key `k`, a string; its ARN.
    pub async fn table(&self, name: &str) -> String {
        let input = json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "k", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "k", "KeyType": "HASH" }],
        });
        self.call(DYNAMODB, "CreateTable", input).await.ok().get("TableArn")
    }

    /// An item of such a table.
    pub async fn put_item(&self, table: &str, key: &str, value: &str) -> Answer {
        let item = json!({ "k": { "S": key }, "v": { "S": value } });
        self.call(DYNAMODB, "PutItem", json!({ "TableName": table, "Item": item })).await
    }

    /// The same, read; consistently.
    pub async fn get_item(&self, table: &str, key: &str) -> Answer {
        let input = json!({ "TableName": table, "Key": { "k": { "S": key } }, "ConsistentRead": true });
        self.call(DYNAMODB, "GetItem", input).await
    }

    /// A bucket.
    pub async fn bucket(&self, name: &str) {
        self.call(S3, "CreateBucket", json!({ "Bucket": name })).await.ok();
    }

    /// A bucket whose objects anybody may `action`, such as `s3:GetObject`.
    pub async fn public_bucket(&self, name: &str, action: &str) {
        self.bucket(name).await;
        self.call(S3, "DeletePublicAccessBlock", json!({ "Bucket": name })).await.ok();
        let policy = policy(&[json!({
            "Effect": "Allow", "Principal": "*", "Action": action, "Resource": format!("arn:aws:s3:::{name}/*"),
        })]);
        let input = json!({ "Bucket": name, "Policy": policy.to_string() });
        self.call(S3, "PutBucketPolicy", input).await.ok();
    }

    /// An object.
    pub async fn put_object(&self, bucket: &str, key: &str, body: &str) -> Answer {
        self.call(S3, "PutObject", json!({ "Bucket": bucket, "Key": key, "Body": body })).await
    }

    /// The same, read.
    pub async fn get_object(&self, bucket: &str, key: &str) -> Answer {
        self.call(S3, "GetObject", json!({ "Bucket": bucket, "Key": key })).await
    }

    /// A user pool that confirms by mail, and its client for signing in with a password.
    pub async fn pool(&self, name: &str) -> Pool {
        let input = json!({ "PoolName": name, "AutoVerifiedAttributes": ["email"] });
        let id = self.call(COGNITO_IDP, "CreateUserPool", input).await.ok().get("Id");
        let input = json!({
            "UserPoolId": id, "ClientName": "app",
            "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        });
        let client = self.call(COGNITO_IDP, "CreateUserPoolClient", input).await.ok().get("ClientId");
        Pool { id, client }
    }

    /// Signs a user up; it has yet to be confirmed.
    pub async fn sign_up(&self, pool: &Pool, name: &str) -> Answer {
        let email = json!({ "Name": "email", "Value": format!("{name}@example.org") });
        let input = json!({
            "ClientId": pool.client, "Username": name, "Password": PASSWORD, "UserAttributes": [email],
        });
        self.anonymous().call(COGNITO_IDP, "SignUp", input).await
    }

    /// Confirms a user as an administrator does.
    pub async fn confirm(&self, pool: &Pool, name: &str) -> Answer {
        let input = json!({ "UserPoolId": pool.id, "Username": name });
        self.call(COGNITO_IDP, "AdminConfirmSignUp", input).await
    }

    /// Signs a user in with a password; the answer has the tokens.
    pub async fn sign_in(&self, pool: &Pool, name: &str) -> Answer {
        let input = json!({
            "ClientId": pool.client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": { "USERNAME": name, "PASSWORD": PASSWORD },
        });
        self.anonymous().call(COGNITO_IDP, "InitiateAuth", input).await
    }
}

/// The password of every user of a test's pools.
pub const PASSWORD: &str = "Correct-horse-7";
