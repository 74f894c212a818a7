//! What a request may ask for, what it is told, and what stays hidden.

use nephos_cloudformation::shapes::{self, op};
use serde_json::{Value, json};

use crate::platform::{Ground, Wrong};
use crate::{group, template};

fn change_set(stack: &str, name: &str, kind: &str, body: &Value) -> shapes::CreateChangeSetInput {
    shapes::CreateChangeSetInput {
        stack_name: Some(stack.to_owned()),
        change_set_name: Some(name.to_owned()),
        change_set_type: Some(kind.to_owned()),
        template_body: Some(body.to_string()),
        ..Default::default()
    }
}

fn execution(arn: Option<String>, stack: Option<&str>) -> shapes::ExecuteChangeSetInput {
    shapes::ExecuteChangeSetInput {
        change_set_name: arn,
        stack_name: stack.map(str::to_owned),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_set_is_executed_once_and_ends_the_others() {
    let ground = Ground::new();
    let body = template(json!({ "A": group("a") }));
    let make = |name| ground.ask::<op::CreateChangeSet>(change_set("s", name, "CREATE", &body));
    let (first, second) = (make("one").await.unwrap(), make("two").await.unwrap());
    assert_eq!(make("two").await.unwrap_err().message, "ChangeSet [two] already exists");
    assert_eq!(ground.stack("s").await.unwrap().stack_status.unwrap(), "REVIEW_IN_PROGRESS");
    ground.next("CreateLogGroup", Wrong::Hangs);
    let run = || ground.ask::<op::ExecuteChangeSet>(execution(first.id.clone(), None));
    let (one, other) = tokio::join!(run(), run());
    assert_eq!([one.is_ok(), other.is_ok()].into_iter().filter(|ok| *ok).count(), 1);
    let told = ground.ask::<op::ExecuteChangeSet>(execution(second.id, None)).await.unwrap_err();
    assert_eq!(told.code, "ChangeSetNotFound");
    let told = ground.update("s", &body).await.unwrap_err().message;
    assert!(told.ends_with("is in CREATE_IN_PROGRESS state and can not be updated."), "{told}");
    assert!(ground.delete("s").await.is_err());
    assert_eq!(ground.create("s", &body).await.unwrap_err().code, "AlreadyExistsException");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_set_is_of_the_stack_that_its_name_goes_with() {
    let ground = Ground::new();
    let body = template(json!({ "A": group("a") }));
    let made = ground.ask::<op::CreateChangeSet>(change_set("s", "one", "CREATE", &body)).await.unwrap();
    ground.ask::<op::CreateChangeSet>(change_set("t", "one", "CREATE", &body)).await.unwrap();
    let told = ground.ask::<op::ExecuteChangeSet>(execution(made.id, Some("t"))).await.unwrap_err();
    assert_eq!(told.code, "ChangeSetNotFound");
    // A stack's ARN is its whole ARN.
    let other = made.stack_id.unwrap().replace("stack/s/", "stack/t/");
    assert_eq!(
        ground.stack(&other).await.unwrap_err().message,
        format!("Stack with id {other} does not exist")
    );
    let told = ground.update("none", &body).await.unwrap_err().message;
    assert_eq!(told, "Stack [none] does not exist");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hidden_parameters_are_shown_to_nobody() {
    let ground = Ground::new();
    let body = json!({
        "Parameters": { "P": { "Type": "String", "NoEcho": true }, "Q": { "Type": "String", "Default": "q" } },
        "Resources": { "A": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": { "LogGroupName": { "Fn::Sub": "${Q}-group" }, "Tags": [{ "Key": "k", "Value": { "Ref": "P" } }] },
        } },
    });
    let parameter = shapes::Parameter {
        parameter_key: Some("P".to_owned()),
        parameter_value: Some("sesame".to_owned()),
        ..Default::default()
    };
    let mut input = change_set("s", "one", "CREATE", &body);
    input.parameters = Some(vec![parameter]);
    let made = ground.ask::<op::CreateChangeSet>(input).await.unwrap();
    let described = shapes::DescribeChangeSetInput { change_set_name: made.id.clone(), ..Default::default() };
    let described = ground.ask::<op::DescribeChangeSet>(described).await.unwrap();
    ground.ask::<op::ExecuteChangeSet>(execution(made.id, None)).await.unwrap();
    assert_eq!(ground.rests("s").await, "CREATE_COMPLETE");
    let events = shapes::DescribeStackEventsInput { stack_name: Some("s".to_owned()), ..Default::default() };
    let events = ground.ask::<op::DescribeStackEvents>(events).await.unwrap();
    let told = format!("{described:?} {:?} {events:?}", ground.stack("s").await.unwrap());
    assert!(!told.contains("sesame") && told.contains("****") && told.contains("q-group"), "{told}");
    // The value itself is kept: nothing changes when it stays.
    let previous = shapes::Parameter {
        parameter_key: Some("P".to_owned()),
        use_previous_value: Some(true),
        ..Default::default()
    };
    let input = shapes::UpdateStackInput {
        stack_name: Some("s".to_owned()),
        use_previous_template: Some(true),
        parameters: Some(vec![previous]),
        ..Default::default()
    };
    let told = ground.ask::<op::UpdateStack>(input).await.unwrap_err().message;
    assert_eq!(told, "No updates are to be performed.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_different_is_a_change() {
    let ground = Ground::new();
    let mut body = template(json!({ "A": group("a") }));
    body["Outputs"] = json!({ "O": { "Value": "1" } });
    ground.create("s", &body).await.unwrap();
    ground.rests("s").await;
    // The same, written differently.
    let input = shapes::UpdateStackInput {
        stack_name: Some("s".to_owned()),
        template_body: Some(format!("{body:#}")),
        ..Default::default()
    };
    let told = ground.ask::<op::UpdateStack>(input).await.unwrap_err().message;
    assert_eq!(told, "No updates are to be performed.");
    ground.calls();
    body["Outputs"]["O"]["Value"] = json!("2");
    ground.update("s", &body).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_COMPLETE");
    assert!(ground.calls().is_empty());
    assert_eq!(ground.stack("s").await.unwrap().outputs.unwrap()[0].output_value.as_deref(), Some("2"));
    body["Resources"]["A"]["DeletionPolicy"] = json!("Retain");
    ground.update("s", &body).await.unwrap();
    assert_eq!(ground.rests("s").await, "UPDATE_COMPLETE");
    ground.delete("s").await.unwrap();
    while ground.stack("s").await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(ground.groups().await.contains_key("a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_protected_stack_is_not_deleted() {
    let ground = Ground::new();
    ground.create("s", &template(json!({ "A": group("a") }))).await.unwrap();
    let protect = |on| shapes::UpdateTerminationProtectionInput {
        stack_name: Some("s".to_owned()),
        enable_termination_protection: Some(on),
    };
    ground.ask::<op::UpdateTerminationProtection>(protect(true)).await.unwrap();
    assert_eq!(ground.rests("s").await, "CREATE_COMPLETE");
    let told = ground.delete("s").await.unwrap_err().message;
    assert_eq!(told, "Stack [s] cannot be deleted while TerminationProtection is enabled");
    ground.ask::<op::UpdateTerminationProtection>(protect(false)).await.unwrap();
    ground.delete("s").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_be_left_undone_is_refused_by_name() {
    let ground = Ground::new();
    let body = template(json!({ "A": group("a") }));
    let input = || shapes::CreateStackInput {
        stack_name: Some("s".to_owned()),
        template_body: Some(body.to_string()),
        ..Default::default()
    };
    for (input, told) in [
        (shapes::CreateStackInput { stack_name: Some("1st".to_owned()), ..input() }, "pattern"),
        (shapes::CreateStackInput { stack_policy_body: Some("{}".to_owned()), ..input() }, "stack policies"),
        (
            shapes::CreateStackInput { notification_arns: Some(vec!["arn:x".to_owned()]), ..input() },
            "NotificationARNs",
        ),
    ] {
        let message = ground.ask::<op::CreateStack>(input).await.unwrap_err().message;
        assert!(message.contains(told), "{message}");
    }
    let mut unknown = body.clone();
    unknown["Resources"]["A"]["DeletionPolicy"] = json!("Snapshot");
    assert!(ground.create("s", &unknown).await.unwrap_err().message.contains("Snapshot"));
}
