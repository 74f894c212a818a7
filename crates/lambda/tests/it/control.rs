use nephos_lambda::serve_code;
use nephos_lambda::shapes::{self as s, op};

use crate::harness::{Harness, ROLE, python, zip_of};

trials! {
    a_function_is_made_shown_and_deleted, roles_are_checked, what_is_wrong_is_refused, code_comes_from_a_bucket,
    code_can_be_had_back, revisions_guard_updates, functions_are_listed, tags, permissions, event_configs,
}

const CODE: &[(&str, &str)] = &[("app.py", "def handler(event, context): return 1\n")];

fn get(name: &str) -> s::GetFunctionRequest {
    s::GetFunctionRequest { function_name: Some(name.into()), qualifier: None }
}

async fn a_function_is_made_shown_and_deleted() {
    let h = Harness::new();
    let made = h.create("f", &python(), "app.handler", CODE).await;
    assert_eq!(made.function_arn.as_deref(), Some("arn:aws:lambda:us-east-1:000000000000:function:f"));
    assert_eq!((made.timeout, made.memory_size), (Some(10), Some(128)));
    assert_eq!(
        (made.state.as_deref(), made.last_update_status.as_deref()),
        (Some("Active"), Some("Successful"))
    );
    assert_eq!(made.version.as_deref(), Some("$LATEST"));
    assert_eq!(made.code_sha256.as_ref().unwrap().len(), 44);
    assert!(made.last_modified.as_ref().unwrap().ends_with("+0000"));
    let shown = h.call::<op::GetFunction>(get("f")).await.unwrap();
    assert_eq!(shown.configuration.unwrap(), made);
    let again = h.create_with("f", &python(), "app.handler", CODE, |_| {}).await.unwrap_err();
    assert_eq!((again.code.as_str(), again.status), ("ResourceConflictException", 409));
    assert_eq!(again.message, "Function already exist: f");
    let delete = s::DeleteFunctionRequest { function_name: Some("f".into()), qualifier: None };
    assert_eq!(h.call::<op::DeleteFunction>(delete.clone()).await.unwrap().status_code, Some(204));
    let gone = h.call::<op::DeleteFunction>(delete).await.unwrap_err();
    assert_eq!((gone.code.as_str(), gone.status), ("ResourceNotFoundException", 404));
    assert_eq!(gone.message, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f");
    assert_eq!(h.call::<op::GetFunction>(get("f")).await.unwrap_err().status, 404);
}

async fn roles_are_checked() {
    let h = Harness::new();
    let create = |role: &'static str| {
        h.create_with("f", "provided.al2023", "x", CODE, move |input| input.role = Some(role.into()))
    };
    let untrusting = create("arn:aws:iam::000000000000:role/untrusting").await.unwrap_err();
    assert_eq!(untrusting.code, "InvalidParameterValueException");
    assert_eq!(untrusting.message, "The role defined for the function cannot be assumed by Lambda.");
    let other = create("arn:aws:iam::123456789012:role/r").await.unwrap_err();
    assert_eq!(
        (other.code.as_str(), other.message.as_str()),
        ("AccessDeniedException", "Cross-account pass role is not allowed.")
    );
    let malformed = create("not a role").await.unwrap_err();
    assert_eq!(malformed.code, "ValidationException");
    h.judge.denied.lock().unwrap().insert("iam:PassRole".into());
    let denied = create(ROLE).await.unwrap_err();
    assert_eq!((denied.code.as_str(), denied.status), ("AccessDeniedException", 403));
    let asked = h.judge.asked.lock().unwrap();
    let pass = asked.iter().find(|access| access.action == "iam:PassRole").unwrap();
    assert_eq!(pass.keys.get("iam:PassedToService"), Some(&["lambda.amazonaws.com".to_owned()][..]));
}

async fn what_is_wrong_is_refused() {
    let h = Harness::new();
    let refused = |runtime: &'static str, change: fn(&mut s::CreateFunctionRequest)| {
        h.create_with("f", runtime, "app.handler", CODE, change)
    };
    let missing = refused("python3.14", |_| {}).await;
    if let Err(missing) = missing {
        assert!(
            missing
                .message
                .starts_with("The runtime python3.14 is not available on this host. Available runtimes: "),
            "{missing}"
        );
    }
    let unknown = refused("cobol", |_| {}).await.unwrap_err();
    assert!(unknown.message.contains("cobol"), "{unknown}");
    let old = refused("python3.6", |_| {}).await.unwrap_err();
    assert!(old.message.contains("python3.6 is no longer supported"), "{old}");
    let nothing =
        refused("provided.al2023", |input| input.code = Some(s::FunctionCode::default())).await.unwrap_err();
    assert_eq!(nothing.message, "Please provide a source for function code.");
    let both =
        refused("provided.al2023", |input| input.code.as_mut().unwrap().s3_bucket = Some("bucket".into()));
    assert!(
        both.await.unwrap_err().message.starts_with("Please do not provide other FunctionCode parameters")
    );
    let memory = refused("provided.al2023", |input| input.memory_size = Some(64)).await.unwrap_err();
    assert!(memory.message.contains("'memorySize' failed to satisfy constraint"), "{memory}");
    let name = h.create_with("a b", "provided.al2023", "x", CODE, |_| {}).await.unwrap_err();
    assert_eq!(name.code, "ValidationException");
}

async fn code_comes_from_a_bucket() {
    let h = Harness::new();
    h.objects.0.lock().unwrap().insert("bucket/code.zip".into(), zip_of(CODE));
    let from = |key: &'static str| {
        move |input: &mut s::CreateFunctionRequest| {
            input.code = Some(s::FunctionCode {
                s3_bucket: Some("bucket".into()),
                s3_key: Some(key.into()),
                ..Default::default()
            });
        }
    };
    h.create_with("f", &python(), "app.handler", &[], from("code.zip")).await.unwrap();
    assert_eq!(h.invoke("f", "{}").await.ok(), 1);
    let missing = h.create_with("g", &python(), "app.handler", &[], from("none.zip")).await.unwrap_err();
    assert_eq!(
        missing.message,
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
    );
}

async fn code_can_be_had_back() {
    let h = Harness::new();
    h.create("f", "provided.al2023", "x", CODE).await;
    let shown = h.call::<op::GetFunction>(get("f")).await.unwrap();
    let location = shown.code.unwrap().location.unwrap();
    let path = location.strip_prefix("http://localhost:4566").unwrap();
    let path = path.strip_prefix(nephos_lambda::LINK_PATH).unwrap().to_owned();
    let response = serve_code(&h.lambda, &path).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect(1 << 20).await.unwrap(), zip_of(CODE));
    let mut forged = path.clone();
    forged.replace_range(path.len() - 1.., if path.ends_with('0') { "1" } else { "0" });
    assert_eq!(serve_code(&h.lambda, &forged).await.status(), 403);
    h.clock.advance(std::time::Duration::from_secs(601));
    assert_eq!(serve_code(&h.lambda, &path).await.status(), 403);
}

async fn revisions_guard_updates() {
    let h = Harness::new();
    let made = h.create("f", "provided.al2023", "x", CODE).await;
    let update = |revision: Option<String>| s::UpdateFunctionConfigurationRequest {
        function_name: Some("f".into()),
        description: Some("new".into()),
        revision_id: revision,
        ..Default::default()
    };
    let changed = h.call::<op::UpdateFunctionConfiguration>(update(made.revision_id.clone())).await.unwrap();
    assert_eq!(changed.description.as_deref(), Some("new"));
    let stale = h.call::<op::UpdateFunctionConfiguration>(update(made.revision_id)).await.unwrap_err();
    assert_eq!((stale.code.as_str(), stale.status), ("PreconditionFailedException", 412));
    let dry = s::UpdateFunctionCodeRequest {
        function_name: Some("f".into()),
        zip_file: Some(zip_of(&[("other", "x")])),
        dry_run: Some(true),
        ..Default::default()
    };
    let dry = h.call::<op::UpdateFunctionCode>(dry).await.unwrap();
    assert_ne!(dry.code_sha256, changed.code_sha256);
    let now = h.call::<op::GetFunction>(get("f")).await.unwrap().configuration.unwrap();
    assert_eq!(now.code_sha256, changed.code_sha256);
}

async fn functions_are_listed() {
    let h = Harness::new();
    for name in ["a", "b", "c"] {
        h.create(name, "provided.al2023", "x", CODE).await;
    }
    let list =
        |marker: Option<String>| s::ListFunctionsRequest { max_items: Some(2), marker, ..Default::default() };
    let first = h.call::<op::ListFunctions>(list(None)).await.unwrap();
    let names = |list: &s::ListFunctionsResponse| -> Vec<String> {
        list.functions.iter().flatten().map(|f| f.function_name.clone().unwrap()).collect()
    };
    assert_eq!(names(&first), ["a", "b"]);
    let second = h.call::<op::ListFunctions>(list(first.next_marker)).await.unwrap();
    assert_eq!((names(&second), second.next_marker), (vec!["c".to_owned()], None));
}

async fn tags() {
    let h = Harness::new();
    let arn = h
        .create_with("f", "provided.al2023", "x", CODE, |input| {
            input.tags = Some([("a".into(), "1".into())].into())
        })
        .await
        .unwrap()
        .function_arn;
    let add = s::TagResourceRequest { resource: arn.clone(), tags: Some([("b".into(), "2".into())].into()) };
    h.call::<op::TagResource>(add).await.unwrap();
    let remove = s::UntagResourceRequest { resource: arn.clone(), tag_keys: Some(vec!["a".into()]) };
    h.call::<op::UntagResource>(remove).await.unwrap();
    let tags = h.call::<op::ListTags>(s::ListTagsRequest { resource: arn }).await.unwrap().tags.unwrap();
    assert_eq!(tags, [("b".to_owned(), "2".to_owned())].into());
}

async fn permissions() {
    let h = Harness::new();
    h.create("f", "provided.al2023", "x", CODE).await;
    let add = s::AddPermissionRequest {
        function_name: Some("f".into()),
        statement_id: Some("s3".into()),
        action: Some("lambda:InvokeFunction".into()),
        principal: Some("s3.amazonaws.com".into()),
        source_arn: Some("arn:aws:s3:::bucket".into()),
        ..Default::default()
    };
    h.call::<op::AddPermission>(add.clone()).await.unwrap();
    let again = h.call::<op::AddPermission>(add).await.unwrap_err();
    assert!(again.message.starts_with("The statement id (s3) provided already exists."), "{again}");
    let policy = s::GetPolicyRequest { function_name: Some("f".into()), qualifier: None };
    let shown = h.call::<op::GetPolicy>(policy.clone()).await.unwrap().policy.unwrap();
    assert!(shown.contains(r#""Principal":{"Service":"s3.amazonaws.com"}"#), "{shown}");
    // The policy goes with every invocation to whoever decides.
    let _ = h.try_invoke("f", "{}").await;
    let asked = h.judge.asked.lock().unwrap().clone();
    let invoke = asked.iter().rfind(|access| access.action == "lambda:InvokeFunction").unwrap();
    assert_eq!(&*invoke.resource_policy.as_ref().unwrap().json, shown);
    let remove = s::RemovePermissionRequest {
        function_name: Some("f".into()),
        statement_id: Some("s3".into()),
        ..Default::default()
    };
    h.call::<op::RemovePermission>(remove.clone()).await.unwrap();
    assert_eq!(h.call::<op::RemovePermission>(remove).await.unwrap_err().status, 404);
    assert_eq!(
        h.call::<op::GetPolicy>(policy).await.unwrap_err().message,
        "The resource you requested does not exist."
    );
}

async fn event_configs() {
    let h = Harness::new();
    h.create("f", "provided.al2023", "x", CODE).await;
    let put = s::PutFunctionEventInvokeConfigRequest {
        function_name: Some("f".into()),
        maximum_retry_attempts: Some(1),
        ..Default::default()
    };
    h.call::<op::PutFunctionEventInvokeConfig>(put).await.unwrap();
    let update = s::UpdateFunctionEventInvokeConfigRequest {
        function_name: Some("f".into()),
        maximum_event_age_in_seconds: Some(120),
        ..Default::default()
    };
    let updated = h.call::<op::UpdateFunctionEventInvokeConfig>(update).await.unwrap();
    assert_eq!((updated.maximum_retry_attempts, updated.maximum_event_age_in_seconds), (Some(1), Some(120)));
    let destination = s::DestinationConfig {
        on_failure: Some(s::OnFailure { destination: Some("arn:aws:sqs:us-east-1:000000000000:q".into()) }),
        ..Default::default()
    };
    let refused = s::PutFunctionEventInvokeConfigRequest {
        function_name: Some("f".into()),
        destination_config: Some(destination),
        ..Default::default()
    };
    let refused = h.call::<op::PutFunctionEventInvokeConfig>(refused).await.unwrap_err();
    assert!(refused.message.contains("DestinationConfig"), "{refused}");
    let list =
        s::ListFunctionEventInvokeConfigsRequest { function_name: Some("f".into()), ..Default::default() };
    let list = h.call::<op::ListFunctionEventInvokeConfigs>(list).await.unwrap();
    assert_eq!(list.function_event_invoke_configs.unwrap().len(), 1);
    let delete =
        s::DeleteFunctionEventInvokeConfigRequest { function_name: Some("f".into()), qualifier: None };
    h.call::<op::DeleteFunctionEventInvokeConfig>(delete.clone()).await.unwrap();
    assert_eq!(h.call::<op::DeleteFunctionEventInvokeConfig>(delete).await.unwrap_err().status, 404);
}
