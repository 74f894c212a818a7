//! Exports and imports between stacks.

use serde_json::{Value, json};

use crate::platform::Ground;
use crate::{group, template};

fn exporting(value: &str, name: &str) -> Value {
    let mut template = template(json!({ "A": group("a") }));
    template["Outputs"] = json!({ "O": { "Value": value, "Export": { "Name": name } } });
    template
}

fn importing(name: &str) -> Value {
    template(json!({ "B": {
        "Type": "AWS::Logs::LogGroup",
        "Properties": { "LogGroupName": { "Fn::Sub": ["b-${x}", { "x": { "Fn::ImportValue": name } }] } },
    } }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_in_use_stays_as_it_is() {
    let ground = Ground::new();
    ground.create("from", &exporting("v1", "shared")).await.unwrap();
    let arn = ground.stack("from").await.unwrap().stack_id.unwrap();
    ground.rests("from").await;
    ground.create("to", &importing("shared")).await.unwrap();
    let user = ground.stack("to").await.unwrap().stack_id.unwrap();
    assert_eq!(ground.rests("to").await, "CREATE_COMPLETE");
    assert!(ground.groups().await.contains_key("b-v1"));
    ground.update("from", &exporting("v2", "shared")).await.unwrap();
    assert_eq!(ground.rests("from").await, "UPDATE_ROLLBACK_COMPLETE");
    ground.delete("from").await.unwrap();
    assert_eq!(ground.rests("from").await, "DELETE_FAILED");
    let reason = ground.stack("from").await.unwrap().stack_status_reason.unwrap();
    assert_eq!(reason, "Delete canceled. Cannot delete export shared as it is in use by to");
    assert!(ground.groups().await.contains_key("a"));
    ground.delete("to").await.unwrap();
    ground.rests(&user).await;
    ground.delete("from").await.unwrap();
    assert_eq!(ground.rests(&arn).await, "DELETE_COMPLETE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_has_one_stack() {
    let ground = Ground::new();
    ground.create("one", &exporting("v", "shared")).await.unwrap();
    ground.rests("one").await;
    let mut second = exporting("v", "shared");
    second["Resources"] = json!({ "A": group("other") });
    ground.create("two", &second).await.unwrap();
    assert_eq!(ground.rests("two").await, "ROLLBACK_COMPLETE");
    assert!(!ground.groups().await.contains_key("other"));
    ground.create("three", &importing("nothing")).await.unwrap();
    assert_eq!(ground.rests("three").await, "ROLLBACK_COMPLETE");
}
