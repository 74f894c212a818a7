//! Deployments that succeed, fail, panic and are interrupted, over real log groups with failures in between.

#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod exports;
mod platform;
mod requests;

use nephos_cloudformation::shapes::{self, op};
use platform::{Ground, Wrong};
use serde_json::{Value, json};

fn group(name: &str) -> Value {
    json!({ "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": name } })
}

fn with(mut resource: Value, key: &str, value: Value) -> Value {
    resource[key] = value;
    resource
}

fn keeping(name: &str, days: u32) -> Value {
    json!({ "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": name, "RetentionInDays": days } })
}

fn template(resources: Value) -> Value {
    json!({ "Resources": resources })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_is_made_changed_and_deleted_in_order_of_need() {
    let ground = Ground::new();
    let resources = json!({ "A": with(group("a"), "DependsOn", json!("B")), "B": group("b") });
    ground.create("s", &template(resources)).await.unwrap();
    let arn = ground.stack("s").await.unwrap().stack_id.unwrap();
    assert_eq!(ground.rests("s").await, "CREATE_COMPLETE");
    ground.update("s", &template(json!({ "B": keeping("b", 7), "C": group("c") }))).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_COMPLETE");
    assert_eq!(ground.groups().await, [("b".to_owned(), Some(7)), ("c".to_owned(), None)].into());
    ground.delete("s").await.unwrap();
    assert_eq!(ground.rests(&arn).await, "DELETE_COMPLETE");
    assert!(ground.groups().await.is_empty());
    let events = ground.events(&arn).await;
    let at = |event: &str| events.iter().position(|one| one == event).unwrap_or_else(|| panic!("{event}"));
    assert!(at("B CREATE_COMPLETE") < at("A CREATE_IN_PROGRESS"));
    assert!(at("s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS") < at("A DELETE_IN_PROGRESS"));
    assert_eq!(ground.stack("s").await.unwrap_err().message, "Stack with id s does not exist");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_that_fails_leaves_nothing_behind() {
    let ground = Ground::new();
    // The group is made, its retention is not: what was made half goes, too.
    ground.next("PutRetentionPolicy", Wrong::Refused);
    let resources = json!({ "A": group("a"), "B": with(keeping("b", 7), "DependsOn", json!("A")) });
    ground.create("s", &template(resources)).await.unwrap();
    assert_eq!(ground.rests("s").await, "ROLLBACK_COMPLETE");
    assert!(ground.groups().await.is_empty());
    let events = ground.events("s").await;
    let at = |event: &str| events.iter().position(|one| one == event).unwrap_or_else(|| panic!("{event}"));
    assert!(
        at("B CREATE_FAILED") < at("B DELETE_COMPLETE") && at("B DELETE_COMPLETE") < at("A DELETE_COMPLETE")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_to_be_retained_outlives_its_stack() {
    let ground = Ground::new();
    let kept = |name, policy: &str| with(group(name), "DeletionPolicy", json!(policy));
    ground.next("PutRetentionPolicy", Wrong::Refused);
    let mut resources = json!({ "A": kept("a", "Retain"), "B": kept("b", "RetainExceptOnCreate") });
    resources["C"] = with(keeping("c", 1), "DependsOn", json!(["A", "B"]));
    ground.create("s", &template(resources.clone())).await.unwrap();
    assert_eq!(ground.rests("s").await, "ROLLBACK_COMPLETE");
    assert_eq!(ground.groups().await.into_keys().collect::<Vec<_>>(), ["a"]);
    resources["A"] = kept("a2", "Retain");
    ground.create("t", &template(resources)).await.unwrap();
    let arn = ground.stack("t").await.unwrap().stack_id.unwrap();
    assert_eq!(ground.rests("t").await, "CREATE_COMPLETE");
    ground.delete("t").await.unwrap();
    assert_eq!(ground.rests(&arn).await, "DELETE_COMPLETE");
    assert_eq!(ground.groups().await.into_keys().collect::<Vec<_>>(), ["a", "a2", "b"]);
    assert!(ground.events(&arn).await.contains(&"A DELETE_SKIPPED".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_resource_goes_last_or_stays_as_its_policy_says() {
    let ground = Ground::new();
    let kept = |name| with(group(name), "UpdateReplacePolicy", json!("Retain"));
    ground.create("s", &template(json!({ "A": group("a1"), "B": kept("b1") }))).await.unwrap();
    ground.rests("s").await;
    ground.update("s", &template(json!({ "A": group("a2"), "B": kept("b2") }))).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_COMPLETE");
    assert_eq!(ground.groups().await.into_keys().collect::<Vec<_>>(), ["a2", "b1", "b2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_fails_is_put_back_whole() {
    let ground = Ground::new();
    let first = template(json!({ "A": keeping("a", 7), "B": group("b1"), "C": keeping("c", 1) }));
    ground.create("s", &first).await.unwrap();
    ground.rests("s").await;
    // A changes, B is replaced, C's change fails.
    let second = json!({ "A": keeping("a", 14), "B": group("b2"), "D": group("d") });
    let mut second = template(second);
    second["Resources"]["C"] = with(keeping("c", 3), "DependsOn", json!(["A", "B", "D"]));
    ground.calls();
    ground.next("PutRetentionPolicy", Wrong::Refused);
    // The first call of it is A's, so A fails here and nothing else was begun.
    ground.update("s", &second).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_ROLLBACK_COMPLETE");
    second["Resources"]["A"] = keeping("a", 7);
    second["Resources"]["E"] = with(group("NOT A NAME"), "DependsOn", json!("C"));
    ground.update("s", &second).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_ROLLBACK_COMPLETE");
    let groups = [("a", Some(7)), ("b1", None), ("c", Some(1))].map(|(name, days)| (name.to_owned(), days));
    assert_eq!(ground.groups().await, groups.into());
    // The stack says what it said before, so the same update can be tried again.
    let input = shapes::GetTemplateInput { stack_name: Some("s".to_owned()), ..Default::default() };
    let body = ground.ask::<op::GetTemplate>(input).await.unwrap().template_body.unwrap();
    assert_eq!(body, first.to_string());
    assert_eq!(ground.update("s", &first).await.unwrap_err().message, "No updates are to be performed.");
    second["Resources"]["E"] = group("e");
    ground.update("s", &second).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_COMPLETE");
    let names: Vec<String> = ground.groups().await.into_keys().collect();
    assert_eq!(names, ["a", "b2", "c", "d", "e"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_rollback_the_next_update_goes_on_where_the_last_failed() {
    let ground = Ground::new();
    let resources = json!({ "A": group("a"), "B": with(keeping("b", 7), "DependsOn", json!("A")) });
    ground.next("PutRetentionPolicy", Wrong::Refused);
    let input = shapes::CreateStackInput {
        stack_name: Some("s".to_owned()),
        template_body: Some(template(resources.clone()).to_string()),
        on_failure: Some("DO_NOTHING".to_owned()),
        ..Default::default()
    };
    ground.ask::<op::CreateStack>(input).await.unwrap();
    assert_eq!(ground.rests("s").await, "CREATE_FAILED");
    assert_eq!(ground.groups().await.len(), 2);
    ground.update("s", &template(resources)).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_COMPLETE");
    assert_eq!(ground.groups().await, [("a".to_owned(), None), ("b".to_owned(), Some(7))].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_that_is_to_be_deleted_on_failure_is_gone() {
    let ground = Ground::new();
    ground.next("PutRetentionPolicy", Wrong::Refused);
    let input = shapes::CreateStackInput {
        stack_name: Some("s".to_owned()),
        template_body: Some(template(json!({ "A": group("a"), "B": keeping("b", 7) })).to_string()),
        on_failure: Some("DELETE".to_owned()),
        ..Default::default()
    };
    let arn = ground.ask::<op::CreateStack>(input).await.unwrap().stack_id.unwrap();
    assert_eq!(ground.rests(&arn).await, "DELETE_COMPLETE");
    assert!(ground.groups().await.is_empty() && ground.stack("s").await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_ends_the_deployment_and_not_the_stack() {
    let ground = Ground::new();
    ground.next("CreateLogGroup", Wrong::Panics);
    ground.create("s", &template(json!({ "A": group("a") }))).await.unwrap();
    let arn = ground.stack("s").await.unwrap().stack_id.unwrap();
    assert_eq!(ground.rests("s").await, "CREATE_FAILED");
    ground.delete("s").await.unwrap();
    assert_eq!(ground.rests(&arn).await, "DELETE_COMPLETE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_update_is_told_and_can_be_done_again() {
    let ground = Ground::new();
    ground.create("s", &template(json!({ "A": group("a1"), "B": keeping("b", 1) }))).await.unwrap();
    ground.rests("s").await;
    let second = template(json!({ "A": group("a2"), "B": with(keeping("b", 3), "DependsOn", json!("A")) }));
    ground.next("PutRetentionPolicy", Wrong::Hangs);
    ground.update("s", &second).await.unwrap();
    while !ground.events("s").await.contains(&"B UPDATE_IN_PROGRESS".to_owned()) {
        tokio::task::yield_now().await;
    }
    let ground = ground.restart().await;
    assert_eq!(ground.rests("s").await, "UPDATE_FAILED");
    ground.update("s", &second).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_COMPLETE");
    // What the interrupted update had replaced is gone as well.
    assert_eq!(ground.groups().await, [("a2".to_owned(), None), ("b".to_owned(), Some(3))].into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_deleted_is_told_and_may_be_retained() {
    let ground = Ground::new();
    ground.create("s", &template(json!({ "A": group("a"), "B": group("b") }))).await.unwrap();
    let arn = ground.stack("s").await.unwrap().stack_id.unwrap();
    ground.rests("s").await;
    ground.next("DeleteLogGroup", Wrong::Refused);
    ground.delete("s").await.unwrap();
    assert_eq!(ground.rests("s").await, "DELETE_FAILED");
    let reason = ground.stack("s").await.unwrap().stack_status_reason.unwrap();
    assert_eq!(reason, "The following resource(s) failed to delete: [B]. ");
    let input = shapes::DeleteStackInput {
        stack_name: Some("s".to_owned()),
        retain_resources: Some(vec!["B".to_owned()]),
        ..Default::default()
    };
    ground.ask::<op::DeleteStack>(input).await.unwrap();
    assert_eq!(ground.rests(&arn).await, "DELETE_COMPLETE");
    assert_eq!(ground.groups().await.into_keys().collect::<Vec<_>>(), ["b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_tag_replaces_nothing() {
    let ground = Ground::new();
    let tagged = |value: &str| {
        let mut group = group("a");
        group["Properties"]["Tags"] = json!([{ "Key": value, "Value": value }]);
        template(json!({ "A": group }))
    };
    ground.create("s", &tagged("one")).await.unwrap();
    ground.rests("s").await;
    ground.calls();
    ground.update("s", &tagged("two")).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_COMPLETE");
    assert_eq!(ground.calls(), ["UntagResource", "TagResource"]);
}
