//! `POST /_nephos/reset`: nothing of what was is left, in the store, on the disk or in any service's memory.

use std::time::Instant;

use nephos_testkit::service::{COGNITO_IDP, DYNAMODB, LOGS, S3, STS};
use nephos_testkit::{Call, Client, Server};
use serde_json::json;

use crate::everything::{fill, names};

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
