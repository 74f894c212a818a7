use serde_json::json;

use crate::harness::Harness;

#[tokio::test]
async fn groups_are_made_listed_and_deleted() {
    let h = Harness::new();
    for name in ["/aws/lambda/a", "/aws/lambda/b", "other"] {
        h.call("CreateLogGroup", json!({ "logGroupName": name })).await.unwrap();
    }
    let again = h.call("CreateLogGroup", json!({ "logGroupName": "other" })).await.unwrap_err();
    assert_eq!(again.0, "ResourceAlreadyExistsException");
    assert_eq!(again.1, "The specified log group already exists");

    let page =
        h.call("DescribeLogGroups", json!({ "logGroupNamePrefix": "/aws/", "limit": 1 })).await.unwrap();
    assert_eq!(page["logGroups"][0]["logGroupName"], "/aws/lambda/a");
    assert_eq!(page["logGroups"][0]["arn"], "arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/a:*");
    let next = json!({ "logGroupNamePrefix": "/aws/", "limit": 1, "nextToken": page["nextToken"] });
    let page = h.call("DescribeLogGroups", next).await.unwrap();
    assert_eq!(page["logGroups"][0]["logGroupName"], "/aws/lambda/b");
    assert!(page["nextToken"].is_null());
    let page = h.call("DescribeLogGroups", json!({ "logGroupNamePattern": "LAMBDA" })).await.unwrap();
    assert_eq!(page["logGroups"].as_array().unwrap().len(), 2);

    h.call("DeleteLogGroup", json!({ "logGroupName": "other" })).await.unwrap();
    let gone = h.call("DeleteLogGroup", json!({ "logGroupName": "other" })).await.unwrap_err();
    assert_eq!(gone, ("ResourceNotFoundException".into(), "The specified log group does not exist.".into()));
}

#[tokio::test]
async fn a_protected_group_is_not_deleted() {
    let h = Harness::new();
    h.call("CreateLogGroup", json!({ "logGroupName": "g", "deletionProtectionEnabled": true }))
        .await
        .unwrap();
    let refused = h.call("DeleteLogGroup", json!({ "logGroupName": "g" })).await.unwrap_err();
    assert_eq!(refused.0, "ValidationException");
}

#[tokio::test]
async fn a_group_made_anew_starts_empty() {
    let h = Harness::new();
    let group = json!({ "logGroupName": "/aws/lambda/f" });
    h.write("s", h.now_millis(), "before");
    h.call("DeleteLogGroup", group.clone()).await.unwrap();
    h.call("CreateLogGroup", group.clone()).await.unwrap();
    let found = h.call("FilterLogEvents", group).await.unwrap();
    assert_eq!(found["events"], json!([]));
    // What is out of sight is also swept.
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(nephos_logs::sweep(&h.logs).await.unwrap(), 0);
}

#[tokio::test]
async fn retention_hides_and_sweeps_old_events() {
    let h = Harness::new();
    let day = 24 * 60 * 60 * 1000;
    h.write("s", h.now_millis() - 2 * day, "old");
    h.write("s", h.now_millis(), "new");
    let group = json!({ "logGroupName": "/aws/lambda/f" });
    assert_eq!(
        crate::harness::messages(&h.call("FilterLogEvents", group.clone()).await.unwrap()),
        ["old", "new"]
    );
    let wrong = h
        .call("PutRetentionPolicy", json!({ "logGroupName": "/aws/lambda/f", "retentionInDays": 2 }))
        .await
        .unwrap_err();
    assert!(wrong.1.contains("Member must satisfy enum value set: [1, 3, 5"), "{wrong:?}");
    h.call("PutRetentionPolicy", json!({ "logGroupName": "/aws/lambda/f", "retentionInDays": 1 }))
        .await
        .unwrap();
    assert_eq!(crate::harness::messages(&h.call("FilterLogEvents", group.clone()).await.unwrap()), ["new"]);
    h.call("DeleteRetentionPolicy", group.clone()).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let described = h.call("DescribeLogGroups", json!({})).await.unwrap();
    assert!(described["logGroups"][0]["retentionInDays"].is_null());
}

#[tokio::test]
async fn tags_by_arn_and_by_name_are_the_same() {
    let h = Harness::new();
    h.call("CreateLogGroup", json!({ "logGroupName": "g", "tags": { "a": "1" } })).await.unwrap();
    let arn = "arn:aws:logs:us-east-1:000000000000:log-group:g";
    h.call("TagResource", json!({ "resourceArn": arn, "tags": { "b": "2" } })).await.unwrap();
    h.call("TagLogGroup", json!({ "logGroupName": "g", "tags": { "c": "3" } })).await.unwrap();
    h.call("UntagResource", json!({ "resourceArn": arn, "tagKeys": ["a"] })).await.unwrap();
    let tags = h.call("ListTagsForResource", json!({ "resourceArn": arn })).await.unwrap();
    assert_eq!(tags, json!({ "tags": { "b": "2", "c": "3" } }));
    let asked = h.asked.0.lock().unwrap().clone();
    assert!(asked.contains(&format!("logs:TagResource {arn}")), "{asked:?}");
    assert!(asked.contains(&format!("logs:TagLogGroup {arn}:log-stream:")), "{asked:?}");
}
