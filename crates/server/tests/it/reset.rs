//! `POST /_nephos/reset`: nothing of what was is left, in the store, on the disk or in any service's memory.

use std::time::Instant;

use nephos_testkit::make::Pool;
use nephos_testkit::service::{
    CLOUDFORMATION, COGNITO_IDENTITY, COGNITO_IDP, DYNAMODB, IAM, LAMBDA, LOGS, S3, STS,
};
use nephos_testkit::{Call, Client, Server, make, until};
use serde_json::json;

/// What tells the generations apart: a function that answers its generation.
fn code(generation: &str) -> String {
    format!("def handler(event, context):\n    print('generation {generation}')\n    return '{generation}'\n")
}

const TEMPLATE: &str = r#"{ "Resources": { "Group": { "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": "/stack" } } } }"#;

/// What a generation has of callers.
struct Callers {
    user: Client,
    session: Client,
    pool: Pool,
    access_token: String,
}

/// Makes something in every service, and uses it, so that whatever is cached is cached.
async fn fill(root: &Client, generation: &str) -> Callers {
    let user = root.user("ada", Some(&make::allow("*", "*"))).await;
    user.call(IAM, "ListUsers", json!({})).await.ok();
    let role = root.function_role("worker", &make::allow("logs:*", "*")).await;
    let assumed = root.role("visitor", &json!({ "AWS": "000000000000" }), &make::allow("s3:*", "*")).await;
    let session = root.assume(&assumed, "me", json!({})).await;
    session.call(S3, "ListBuckets", json!({})).await.ok();
    root.call(IAM, "CreateAccountAlias", json!({ "AccountAlias": "blue-team" })).await.ok();

    root.bucket("files").await;
    root.put_object("files", generation, &"x".repeat(100_000)).await.ok();
    root.get_object("files", generation).await.ok();
    root.table("notes").await;
    root.put_item("notes", generation, "v").await.ok();
    root.get_item("notes", generation).await.ok();

    root.function("greet", &role, &code(generation)).await;
    assert_eq!(root.invoke("greet", &json!({})).await.ok().text(), format!("\"{generation}\""));
    let created = json!({ "StackName": "stack", "TemplateBody": TEMPLATE });
    root.call(CLOUDFORMATION, "CreateStack", created).await.ok();
    until("the stack", async || {
        let stack = root.call(CLOUDFORMATION, "DescribeStacks", json!({ "StackName": "stack" })).await.ok();
        (stack.get("StackStatus") == "CREATE_COMPLETE").then_some(())
    })
    .await;

    let pool = root.pool("people").await;
    root.sign_up(&pool, "ann").await.ok();
    root.confirm(&pool, "ann").await.ok();
    let access_token = root.sign_in(&pool, "ann").await.ok().get("AccessToken");
    let identities = json!({ "IdentityPoolName": "people", "AllowUnauthenticatedIdentities": true });
    root.call(COGNITO_IDENTITY, "CreateIdentityPool", identities).await.ok();
    Callers { user, session, pool, access_token }
}

/// What there is in each service, by name.
async fn names(root: &Client) -> Vec<(&'static str, Vec<String>)> {
    let few = || json!({ "MaxResults": 10 });
    let asked = [
        (S3, "ListBuckets", json!({}), "Name"),
        (DYNAMODB, "ListTables", json!({}), "TableNames"),
        (LAMBDA, "ListFunctions", json!({}), "FunctionName"),
        (LOGS, "DescribeLogGroups", json!({}), "logGroupName"),
        (CLOUDFORMATION, "ListStacks", json!({}), "StackName"),
        (COGNITO_IDP, "ListUserPools", few(), "Name"),
        (COGNITO_IDENTITY, "ListIdentityPools", few(), "IdentityPoolName"),
        (IAM, "ListUsers", json!({}), "UserName"),
        (IAM, "ListRoles", json!({}), "RoleName"),
        (IAM, "ListAccountAliases", json!({}), "member"),
    ];
    let mut found = Vec::new();
    for (service, operation, input, name) in asked {
        let mut all = root.call(service, operation, input).await.ok().all(name);
        all.retain(|text| !text.trim().is_empty());
        found.push((operation, all));
    }
    let outbox = root.send(Call::get("/_nephos/outbox")).await.ok();
    found.push(("outbox", outbox.all("to")));
    let refusals = root.send(Call::get("/_nephos/refusals")).await.ok();
    found.push(("refusals", refusals.all("refusals")));
    found
}

async fn reset(root: &Client) {
    let began = Instant::now();
    let answer = root.send(Call::new("POST", "/_nephos/reset")).await.ok();
    println!("reset in {} ms", began.elapsed().as_millis());
    assert_eq!(answer.json(), json!({ "reset": true }));
}

fn count(found: &[(&str, Vec<String>)]) -> Vec<usize> {
    found.iter().map(|(_, names)| names.len()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_leaves_nothing_of_any_service() {
    let server = Server::dev().await;
    let root = server.root();
    assert_eq!(count(&names(&root).await), vec![0; 12], "a new platform is empty");
    let former = fill(&root, "one").await;
    former.session.call(DYNAMODB, "ListTables", json!({})).await.refused(400, "AccessDeniedException");
    let before = names(&root).await;
    assert!(before.iter().all(|(_, names)| !names.is_empty()), "{before:?}");
    server.clock().advance(std::time::Duration::from_secs(600));

    reset(&root).await;
    assert_eq!(server.clock().offset().as_secs(), 0);
    let after = names(&root).await;
    assert_eq!(count(&after), vec![0; 12], "{after:?}");
    former.user.call(STS, "GetCallerIdentity", json!({})).await.refused(403, "InvalidClientTokenId");
    former.session.call(S3, "ListBuckets", json!({})).await.refused(400, "InvalidToken");
    let me = json!({ "AccessToken": former.access_token });
    root.anonymous().call(COGNITO_IDP, "GetUser", me).await.refused(400, "NotAuthorizedException");
    let keys = Call::get(&format!("/{}/.well-known/jwks.json", former.pool.id));
    assert_eq!(root.anonymous().send(keys).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_after_a_reset_has_nothing_of_its_namesake() {
    let server = Server::dev().await;
    let root = server.root();
    fill(&root, "one").await;
    reset(&root).await;
    let callers = fill(&root, "two").await;
    assert_eq!(root.get_item("notes", "one").await.ok().json(), json!({}));
    root.get_object("files", "one").await.refused(404, "NoSuchKey");
    assert_eq!(root.get_object("files", "two").await.ok().body.len(), 100_000);
    callers.session.call(S3, "ListBuckets", json!({})).await.ok();
    let lines = json!({ "logGroupName": "/aws/lambda/greet", "filterPattern": "generation" });
    let lines = root.call(LOGS, "FilterLogEvents", lines).await.ok().json();
    let lines = lines["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap());
    assert_eq!(lines.map(str::trim_end).collect::<Vec<_>>(), ["generation two"]);
    let users = root.call(COGNITO_IDP, "ListUsers", json!({ "UserPoolId": callers.pool.id })).await.ok();
    assert_eq!(users.all("Username"), ["ann"]);
}
