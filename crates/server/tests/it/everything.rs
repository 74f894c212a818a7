//! Something in every service: what a smoke run makes, and what a reset must wipe.

use nephos_testkit::make::Pool;
use nephos_testkit::service::{
    CLOUDFORMATION, COGNITO_IDENTITY, COGNITO_IDP, DYNAMODB, IAM, LAMBDA, LOGS, S3,
};
use nephos_testkit::{Answer, Call, Client, make, until};
use serde_json::json;

/// What tells the generations apart: a function that answers its generation.
fn code(generation: &str) -> String {
    format!("def handler(event, context):\n    print('generation {generation}')\n    return '{generation}'\n")
}

/// A stack of one resource.
pub const TEMPLATE: &str = r#"{ "Resources": { "Group": { "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": "/stack" } } } }"#;

/// What a generation has of callers.
pub struct Callers {
    pub user: Client,
    pub session: Client,
    pub pool: Pool,
    pub access_token: String,
}

/// Makes something in every service, and uses it, so that whatever is cached is cached.
pub async fn fill(root: &Client, generation: &str) -> Callers {
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
    stack(root, "stack", TEMPLATE).await;

    let pool = root.pool("people").await;
    root.sign_up(&pool, "ann").await.ok();
    root.confirm(&pool, "ann").await.ok();
    let access_token = root.sign_in(&pool, "ann").await.ok().get("AccessToken");
    let identities = json!({ "IdentityPoolName": "people", "AllowUnauthenticatedIdentities": true });
    root.call(COGNITO_IDENTITY, "CreateIdentityPool", identities).await.ok();
    Callers { user, session, pool, access_token }
}

/// What there is in each service, by name.
pub async fn names(root: &Client) -> Vec<(&'static str, Vec<String>)> {
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

/// Deploys a template and gives the finished stack's description.
pub async fn stack(client: &Client, name: &str, template: &str) -> Answer {
    let input = json!({ "StackName": name, "TemplateBody": template });
    client.call(CLOUDFORMATION, "CreateStack", input).await.ok();
    until("the stack", async || {
        let stack = client.call(CLOUDFORMATION, "DescribeStacks", json!({ "StackName": name })).await.ok();
        match stack.get("StackStatus").as_str() {
            "CREATE_COMPLETE" => Some(stack),
            "CREATE_IN_PROGRESS" => None,
            _ => panic!("{}", stack.shown()),
        }
    })
    .await
}
