//! Nothing is allowed unless a policy allows it, whoever asks: users, sessions, functions, and the services themselves.

use nephos_testkit::service::{
    CLOUDFORMATION, COGNITO_IDENTITY, COGNITO_IDP, DYNAMODB, IAM, LAMBDA, LOGS, S3, STS,
};
use nephos_testkit::{Answer, Call, Client, Server, make, until};
use nephos_wire::{Protocol, ServiceModel};
use serde_json::{Value, json};

const ACCOUNT: &str = "000000000000";

fn user(name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{name}")
}

/// AWS's text of a refusal; an action that has no resource of its own names none.
fn text(who: &str, action: &str, resource: &str, why: &str) -> String {
    let on = if resource.is_empty() { String::new() } else { format!(" on resource: {resource}") };
    format!("User: {who} is not authorized to perform: {action}{on} because {why}")
}

fn no_policy(kind: &str, action: &str) -> String {
    format!("no {kind} policy allows the {action} action")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_says_who_what_on_what_and_by_which_policy() {
    let server = Server::start().await;
    let root = server.root();
    let nobody = root.user("nobody", None).await;
    root.bucket("files").await;
    let role = root.role("reader", &json!({ "AWS": ACCOUNT }), &make::allow("s3:*", "*")).await;
    let here = |service: &str, resource: &str| format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}");
    let get = json!({ "TableName": "notes", "Key": { "k": { "S": "k" } } });
    let user_of_pool = json!({ "UserPoolId": "us-east-1_AbCdEfGhI", "Username": "ann" });
    let put = json!({ "Bucket": "files", "Key": "a/b", "Body": "x" });
    type Row = (&'static ServiceModel, &'static str, Value, &'static str, String);
    let rows: [Row; 9] = [
        (DYNAMODB, "GetItem", get, "GetItem", here("dynamodb", "table/notes")),
        (LAMBDA, "Invoke", json!({ "FunctionName": "f" }), "InvokeFunction", here("lambda", "function:f")),
        (
            LOGS,
            "CreateLogGroup",
            json!({ "logGroupName": "/app" }),
            "CreateLogGroup",
            here("logs", "log-group:/app:log-stream:"),
        ),
        (
            COGNITO_IDP,
            "AdminGetUser",
            user_of_pool,
            "AdminGetUser",
            here("cognito-idp", "userpool/us-east-1_AbCdEfGhI"),
        ),
        (
            COGNITO_IDENTITY,
            "ListIdentityPools",
            json!({ "MaxResults": 1 }),
            "ListIdentityPools",
            String::new(),
        ),
        (IAM, "CreateUser", json!({ "UserName": "eve" }), "CreateUser", user("eve")),
        (STS, "AssumeRole", json!({ "RoleArn": role, "RoleSessionName": "me" }), "AssumeRole", role),
        (
            CLOUDFORMATION,
            "DeleteStack",
            json!({ "StackName": "app" }),
            "DeleteStack",
            here("cloudformation", "stack/app/*"),
        ),
        (S3, "PutObject", put, "PutObject", "arn:aws:s3:::files/a/b".to_owned()),
    ];
    for (service, operation, input, action, resource) in rows {
        let (status, code) = match service.protocol {
            Protocol::AwsJson10 | Protocol::AwsJson11 => (400, "AccessDeniedException"),
            Protocol::RestJson => (403, "AccessDeniedException"),
            Protocol::Query | Protocol::RestXml => (403, "AccessDenied"),
        };
        let refused = nobody.call(service, operation, input).await.refused(status, code);
        let action = format!("{}:{action}", service.name);
        let why = no_policy("identity-based", &action);
        assert_eq!(refused.message(), text(&user("nobody"), &action, &resource, &why));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explicit_deny_wins() {
    let server = Server::start().await;
    let root = server.root();
    root.bucket("files").await;
    let policy = make::policy(&[
        json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }),
        json!({ "Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/secret/*" }),
    ]);
    let ada = root.user("ada", Some(&policy)).await;
    for key in ["secret/a", "public/a"] {
        ada.put_object("files", key, "x").await.ok();
    }
    ada.get_object("files", "public/a").await.ok();
    let said = |kind: &str| {
        let why = format!("with an explicit deny in {kind} policy");
        let user = user("ada");
        format!(
            "User: {user} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::files/secret/a {why}"
        )
    };
    let refused = ada.get_object("files", "secret/a").await.refused(403, "AccessDenied");
    assert_eq!(refused.message(), said("an identity-based"));
    // The bucket's own policy cannot open it again, and can close it to the root user.
    let statement = |effect: &str| {
        make::policy(&[json!({
            "Effect": effect, "Principal": { "AWS": ACCOUNT }, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*",
        })])
    };
    let put = async |effect: &str| {
        let input = json!({ "Bucket": "files", "Policy": statement(effect).to_string() });
        root.call(S3, "PutBucketPolicy", input).await.ok();
    };
    put("Allow").await;
    ada.get_object("files", "secret/a").await.refused(403, "AccessDenied");
    put("Deny").await;
    let refused = ada.get_object("files", "public/a").await.refused(403, "AccessDenied");
    assert!(
        refused.message().ends_with("with an explicit deny in a resource-based policy"),
        "{}",
        refused.message()
    );
    root.get_object("files", "public/a").await.refused(403, "AccessDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_policy_narrows_a_role() {
    let server = Server::start().await;
    let root = server.root();
    root.table("notes").await;
    let role = root.role("writer", &json!({ "AWS": ACCOUNT }), &make::allow("dynamodb:*", "*")).await;
    let whole = root.assume(&role, "whole", json!({})).await;
    whole.put_item("notes", "k", "v").await.ok();
    let narrow = make::policy(&[
        json!({ "Effect": "Allow", "Action": ["dynamodb:GetItem", "s3:*"], "Resource": "*" }),
    ]);
    let narrow = root.assume(&role, "narrow", json!({ "Policy": narrow.to_string() })).await;
    narrow.get_item("notes", "k").await.ok();
    let refused = narrow.put_item("notes", "k", "v").await.refused(400, "AccessDeniedException");
    let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/writer/narrow");
    let table = format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/notes");
    let action = "dynamodb:PutItem";
    assert_eq!(refused.message(), text(&session, action, &table, &no_policy("session", action)));
    // Nor does it give what the role does not have.
    narrow.call(S3, "ListBuckets", json!({})).await.refused(403, "AccessDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permissions_boundary_narrows_a_user() {
    let server = Server::start().await;
    let root = server.root();
    root.table("notes").await;
    let ada = root.user("ada", Some(&make::allow("*", "*"))).await;
    ada.put_item("notes", "k", "v").await.ok();
    let boundary = make::allow("dynamodb:GetItem", "*").to_string();
    let input = json!({ "PolicyName": "boundary", "PolicyDocument": boundary });
    let arn = root.call(IAM, "CreatePolicy", input).await.ok().get("Arn");
    let input = json!({ "UserName": "ada", "PermissionsBoundary": arn });
    root.call(IAM, "PutUserPermissionsBoundary", input).await.ok();
    ada.get_item("notes", "k").await.ok();
    let refused = ada.put_item("notes", "k", "v").await.refused(400, "AccessDeniedException");
    let table = format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/notes");
    let why = "no permissions boundary allows the dynamodb:PutItem action";
    assert_eq!(refused.message(), text(&user("ada"), "dynamodb:PutItem", &table, why));
    root.call(IAM, "DeleteUserPermissionsBoundary", json!({ "UserName": "ada" })).await.ok();
    ada.put_item("notes", "k", "v").await.ok();
}

const TOUCH: &str = "
def handler(event, context):
    print('ran for', event['Records'][0]['s3']['object']['key'])
";

async fn refusals(server: &Server) -> String {
    let call = Call::get("/_nephos/refusals");
    server.root().signed("nephos", call).await.ok().text()
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_calls_no_function_that_does_not_let_it() {
    let server = Server::start().await;
    let root = server.root();
    let role = root.function_role("worker", &make::allow("logs:*", "*")).await;
    let function = root.function("touch", &role, TOUCH).await;
    root.bucket("files").await;
    let configuration = json!({ "LambdaFunctionConfigurations": [{ "LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"] }] });
    let input = json!({ "Bucket": "files", "NotificationConfiguration": configuration });
    root.call(S3, "PutBucketNotificationConfiguration", input).await.ok();
    root.put_object("files", "first", "x").await.ok();
    until("the refusal", async || {
        let told = refusals(&server).await;
        (told.contains("s3.amazonaws.com") && told.contains("lambda:InvokeFunction")).then_some(())
    })
    .await;
    let groups = root.call(LOGS, "DescribeLogGroups", json!({})).await.ok();
    assert_eq!(groups.all("logGroupName"), Vec::<String>::new(), "the function ran");
    // A permission for another bucket is none for this one.
    let permit = async |bucket: &str| {
        let input = json!({
            "FunctionName": "touch", "StatementId": bucket, "Action": "lambda:InvokeFunction",
            "Principal": "s3.amazonaws.com", "SourceArn": format!("arn:aws:s3:::{bucket}"),
        });
        root.call(LAMBDA, "AddPermission", input).await.ok();
    };
    permit("others").await;
    root.put_object("files", "second", "x").await.ok();
    let before = refusals(&server).await.matches("lambda:InvokeFunction").count();
    until("another refusal", async || {
        (refusals(&server).await.matches("lambda:InvokeFunction").count() > before).then_some(())
    })
    .await;
    permit("files").await;
    root.put_object("files", "third", "x").await.ok();
    until("the event", async || {
        let input = json!({ "logGroupName": "/aws/lambda/touch", "filterPattern": "ran" });
        root.call(LOGS, "FilterLogEvents", input).await.text().contains("ran for third").then_some(())
    })
    .await;
}

const READ: &str = "
import boto3
def handler(event, context):
    try:
        item = boto3.client('dynamodb').get_item(TableName='notes', Key={'k': {'S': 'k'}})['Item']
        return item['v']['S']
    except Exception as error:
        return str(error)
";

#[tokio::test(flavor = "multi_thread")]
async fn a_function_has_its_roles_rights_and_no_more() {
    let server = Server::start().await;
    let root = server.root();
    root.table("notes").await;
    root.put_item("notes", "k", "kept").await.ok();
    let role = root.function_role("worker", &make::allow("logs:*", "*")).await;
    root.function("read", &role, READ).await;
    let said = root.invoke("read", &json!({})).await.ok().text();
    let who = format!(
        "User: arn:aws:sts::{ACCOUNT}:assumed-role/worker/read is not authorized to perform: dynamodb:GetItem"
    );
    assert!(said.contains(&who) && said.contains("table/notes"), "{said}");
    let more = json!({ "RoleName": "worker", "PolicyName": "more", "PolicyDocument": make::allow("dynamodb:GetItem", "*").to_string() });
    root.call(IAM, "PutRolePolicy", more).await.ok();
    assert_eq!(root.invoke("read", &json!({})).await.ok().text(), "\"kept\"");
}

const RETURN: &str = "def handler(event, context):\n    return 1\n";

async fn denied_pass_role(answer: Answer, status: u16, code: &str, role: &str) {
    let refused =
        answer.refused(status, code).saying("is not authorized to perform: iam:PassRole on resource: ");
    assert!(refused.message().contains(role), "{}", refused.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_a_role_away_needs_pass_role() {
    let server = Server::start().await;
    let root = server.root();
    let role = root.function_role("worker", &make::allow("*", "*")).await;
    let dev = root.user("dev", Some(&make::policy(&[
        json!({ "Effect": "Allow", "Action": ["lambda:*", "cognito-identity:*", "cloudformation:*"], "Resource": "*" }),
    ])))
    .await;
    denied_pass_role(dev.try_function("f", &role, RETURN).await, 403, "AccessDeniedException", &role).await;
    root.function("f", &role, RETURN).await;
    let other = root.function_role("other", &make::allow("*", "*")).await;
    let change = json!({ "FunctionName": "f", "Role": other });
    denied_pass_role(
        dev.call(LAMBDA, "UpdateFunctionConfiguration", change).await,
        403,
        "AccessDeniedException",
        &other,
    )
    .await;
    let pool = json!({ "IdentityPoolName": "people", "AllowUnauthenticatedIdentities": false });
    let pool = dev.call(COGNITO_IDENTITY, "CreateIdentityPool", pool).await.ok().get("IdentityPoolId");
    let roles = json!({ "IdentityPoolId": pool, "Roles": { "authenticated": role } });
    denied_pass_role(
        dev.call(COGNITO_IDENTITY, "SetIdentityPoolRoles", roles).await,
        400,
        "AccessDeniedException",
        &role,
    )
    .await;
    // PassRole for functions only.
    let pass = make::policy(&[
        json!({ "Effect": "Allow", "Action": "lambda:*", "Resource": "*" }),
        json!({
            "Effect": "Allow", "Action": "iam:PassRole", "Resource": role,
            "Condition": { "StringEquals": { "iam:PassedToService": "lambda.amazonaws.com" } },
        }),
    ]);
    root.user_policy("dev", &pass).await;
    dev.function("g", &role, RETURN).await;
    denied_pass_role(dev.try_function("h", &other, RETURN).await, 403, "AccessDeniedException", &other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_for_those_whom_it_trusts() {
    let server = Server::start().await;
    let root = server.root();
    let all = make::allow("sts:AssumeRole", "*");
    let (ada, bob) = (root.user("ada", Some(&all)).await, root.user("bob", Some(&all)).await);
    let role = root.role("reader", &json!({ "AWS": user("ada") }), &make::allow("s3:*", "*")).await;
    ada.assume(&role, "me", json!({})).await.call(S3, "ListBuckets", json!({})).await.ok();
    let input = json!({ "RoleArn": role, "RoleSessionName": "me" });
    let refused = bob.call(STS, "AssumeRole", input).await.refused(403, "AccessDenied");
    let why = no_policy("role trust", "sts:AssumeRole");
    assert_eq!(refused.message(), text(&user("bob"), "sts:AssumeRole", &role, &why));
    let function_role = root.function_role("worker", &make::allow("*", "*")).await;
    let input = json!({ "RoleArn": function_role, "RoleSessionName": "me" });
    ada.call(STS, "AssumeRole", input).await.refused(403, "AccessDenied");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_not_told_why() {
    let server = Server::start().await;
    let (root, stranger): (Client, Client) = (server.root(), server.anonymous());
    root.bucket("files").await;
    root.put_object("files", "k", "v").await.ok();
    let refused = stranger.get_object("files", "k").await.refused(403, "AccessDenied");
    assert_eq!(refused.message(), "Access Denied");
    stranger
        .call(DYNAMODB, "ListTables", json!({}))
        .await
        .refused(400, "MissingAuthenticationTokenException");
    stranger
        .call(LAMBDA, "ListFunctions", json!({}))
        .await
        .refused(403, "MissingAuthenticationTokenException");
    stranger.call(IAM, "ListUsers", json!({})).await.refused(403, "MissingAuthenticationToken");
}
