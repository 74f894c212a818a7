//! Accounts and regions are apart in every service; names of buckets are everybody's.

use nephos_testkit::service::{
    CLOUDFORMATION, COGNITO_IDENTITY, COGNITO_IDP, DYNAMODB, IAM, LAMBDA, LOGS, S3,
};
use nephos_testkit::{Client, Credentials, Server, make};
use nephos_wire::ServiceModel;
use serde_json::{Value, json};

use crate::everything::{TEMPLATE, stack};

const SEED: &str = r#"
accounts:
  - id: "111111111111"
    name: Blue
    root_access_keys: [{ access_key_id: AKIABLUEROOT00000001, secret_access_key: blue-secret }]
  - id: "222222222222"
    name: Green
    root_access_keys: [{ access_key_id: AKIAGREENROOT0000001, secret_access_key: green-secret }]
"#;

fn blue(server: &Server) -> Client {
    server.anonymous().with(Credentials::new("AKIABLUEROOT00000001", "blue-secret"))
}

fn green(server: &Server) -> Client {
    server.anonymous().with(Credentials::new("AKIAGREENROOT0000001", "green-secret"))
}

/// Makes the same names of every regional service, and a `mark` in each.
async fn fill(client: &Client, role: &str, mark: &str) {
    client.table("notes").await;
    client.put_item("notes", "k", mark).await.ok();
    client.function("greet", role, &format!("def handler(event, context):\n    return '{mark}'\n")).await;
    client.call(LOGS, "CreateLogGroup", json!({ "logGroupName": format!("/{mark}") })).await.ok();
    client.call(COGNITO_IDP, "CreateUserPool", json!({ "PoolName": mark })).await.ok();
    let identities = json!({ "IdentityPoolName": mark, "AllowUnauthenticatedIdentities": true });
    client.call(COGNITO_IDENTITY, "CreateIdentityPool", identities).await.ok();
    stack(client, mark, TEMPLATE).await;
}

/// The names that a client sees in every regional service.
async fn seen(client: &Client) -> Vec<Vec<String>> {
    let asked: [(&'static ServiceModel, &str, Value, &str); 6] = [
        (DYNAMODB, "ListTables", json!({}), "TableNames"),
        (LAMBDA, "ListFunctions", json!({}), "FunctionArn"),
        (LOGS, "DescribeLogGroups", json!({}), "logGroupName"),
        (COGNITO_IDP, "ListUserPools", json!({ "MaxResults": 9 }), "Name"),
        (COGNITO_IDENTITY, "ListIdentityPools", json!({ "MaxResults": 9 }), "IdentityPoolName"),
        (CLOUDFORMATION, "DescribeStacks", json!({}), "StackName"),
    ];
    let mut found = Vec::new();
    for (service, operation, input, name) in asked {
        found.push(client.call(service, operation, input).await.ok().all(name));
    }
    found
}

fn expected(account: &str, region: &str, mark: &str) -> Vec<Vec<String>> {
    let group = format!("/{mark}");
    let function = format!("arn:aws:lambda:{region}:{account}:function:greet");
    let names = [vec!["notes"], vec![&function], vec![&group, "/stack"], vec![mark], vec![mark], vec![mark]];
    names.into_iter().map(|names| names.into_iter().map(str::to_owned).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_regions_are_apart() {
    let server = Server::seeded(SEED).await;
    let places = [
        (blue(&server), "111111111111", "us-east-1", "blue-east"),
        (blue(&server).region("eu-west-1"), "111111111111", "eu-west-1", "blue-west"),
        (green(&server), "222222222222", "us-east-1", "green-east"),
    ];
    let nothing = vec![Vec::<String>::new(); 6];
    assert_eq!(seen(&server.root()).await, nothing);
    for (client, ..) in [&places[0], &places[2]] {
        client.function_role("worker", &make::allow("logs:*", "*")).await;
    }
    for (client, account, region, mark) in &places {
        assert_eq!(seen(client).await, nothing, "{mark}");
        fill(client, &format!("arn:aws:iam::{account}:role/worker"), mark).await;
        assert_eq!(seen(client).await, expected(account, region, mark));
    }
    for (client, account, region, mark) in &places {
        assert_eq!(seen(client).await, expected(account, region, mark), "after all were made");
        assert_eq!(client.get_item("notes", "k").await.ok().json()["Item"]["v"]["S"], *mark);
        assert_eq!(client.invoke("greet", &json!({})).await.ok().text(), format!("\"{mark}\""));
    }
    // What one deletes stays with the others.
    blue(&server).call(DYNAMODB, "DeleteTable", json!({ "TableName": "notes" })).await.ok();
    blue(&server).call(LAMBDA, "DeleteFunction", json!({ "FunctionName": "greet" })).await.ok();
    for (client, _, _, mark) in &places[1..] {
        assert_eq!(client.get_item("notes", "k").await.ok().json()["Item"]["v"]["S"], *mark);
        assert_eq!(client.invoke("greet", &json!({})).await.ok().text(), format!("\"{mark}\""));
    }
    assert_eq!(seen(&server.root()).await, nothing);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_belong_to_an_account_and_to_no_region() {
    let server = Server::seeded(SEED).await;
    let (blue, green) = (blue(&server), green(&server));
    blue.user("ada", Some(&make::allow("*", "*"))).await;
    let there = blue.region("ap-southeast-2").call(IAM, "GetUser", json!({ "UserName": "ada" })).await.ok();
    assert_eq!(there.get("Arn"), "arn:aws:iam::111111111111:user/ada");
    green.call(IAM, "GetUser", json!({ "UserName": "ada" })).await.refused(404, "NoSuchEntity");
    let other = green.user("ada", None).await;
    other.call(DYNAMODB, "ListTables", json!({})).await.refused(400, "AccessDeniedException");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arn_opens_no_other_account() {
    let server = Server::seeded(SEED).await;
    let (blue, green) = (blue(&server), green(&server));
    let ada = green.user("ada", Some(&make::allow("*", "*"))).await;
    let table = blue.table("notes").await;
    let role = blue.function_role("worker", &make::allow("logs:*", "*")).await;
    let function = blue.function("greet", &role, "def handler(event, context):\n    return 1\n").await;
    for stranger in [&green, &ada] {
        let key = json!({ "TableName": table, "Key": { "k": { "S": "k" } } });
        stranger.call(DYNAMODB, "GetItem", key).await.refused(400, "AccessDeniedException");
        stranger.invoke(&function, &json!({})).await.refused(403, "AccessDeniedException");
        stranger
            .call(LAMBDA, "DeleteFunction", json!({ "FunctionName": function }))
            .await
            .refused(403, "AccessDeniedException");
        stranger
            .try_function("mine", &role, "def handler(event, context):\n    return 1\n")
            .await
            .refused(403, "AccessDeniedException");
    }
    blue.invoke(&function, &json!({})).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn bucket_names_are_everybodys() {
    let server = Server::seeded(SEED).await;
    let (blue, green) = (blue(&server), green(&server));
    blue.bucket("photos").await;
    green.call(S3, "CreateBucket", json!({ "Bucket": "photos" })).await.refused(409, "BucketAlreadyExists");
    let west =
        json!({ "Bucket": "photos", "CreateBucketConfiguration": { "LocationConstraint": "eu-west-1" } });
    green.region("eu-west-1").call(S3, "CreateBucket", west).await.refused(409, "BucketAlreadyExists");
    green.put_object("photos", "k", "v").await.refused(403, "AccessDenied");
    green.call(S3, "DeleteBucket", json!({ "Bucket": "photos" })).await.refused(403, "AccessDenied");
    green.bucket("paintings").await;
    assert_eq!(blue.call(S3, "ListBuckets", json!({})).await.ok().all("Name"), ["photos"]);
    assert_eq!(green.call(S3, "ListBuckets", json!({})).await.ok().all("Name"), ["paintings"]);
    blue.call(S3, "DeleteBucket", json!({ "Bucket": "photos" })).await.ok();
    green.bucket("photos").await;
}
