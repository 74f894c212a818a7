use nephos_lambda::shapes::{self as s, op};
use serde_json::json;

use crate::harness::{Harness, python, zip_of};

trials! { versions_stay_as_they_were, aliases_lead_to_versions, a_version_that_is_used_stays }

fn code(n: u32) -> String {
    format!(
        "def handler(event, context):\n    return [{n}, context.function_version, context.invoked_function_arn[-6:]]\n"
    )
}

async fn published(h: &Harness) -> s::FunctionConfiguration {
    let publish = s::PublishVersionRequest { function_name: Some("f".into()), ..Default::default() };
    h.call::<op::PublishVersion>(publish).await.unwrap()
}

async fn two_versions() -> Harness {
    let h = Harness::new();
    h.create("f", &python(), "app.handler", &[("app.py", &code(1))]).await;
    published(&h).await;
    let update = s::UpdateFunctionCodeRequest {
        function_name: Some("f".into()),
        zip_file: Some(zip_of(&[("app.py", &code(2))])),
        publish: Some(true),
        ..Default::default()
    };
    assert_eq!(h.call::<op::UpdateFunctionCode>(update).await.unwrap().version.as_deref(), Some("2"));
    h
}

async fn versions_stay_as_they_were() {
    let h = two_versions().await;
    // Nothing has changed since: the last version is given again.
    assert_eq!(published(&h).await.version.as_deref(), Some("2"));
    let one = h.invoke("f:1", "{}").await;
    assert_eq!(one.ok(), json!([1, "1", "on:f:1"]));
    assert_eq!(one.version.as_deref(), Some("1"));
    assert!(one.log.contains(" Version: 1\n"));
    assert_eq!(h.invoke("f", "{}").await.ok(), json!([2, "$LATEST", "tion:f"]));
    let list = s::ListVersionsByFunctionRequest { function_name: Some("f".into()), ..Default::default() };
    let list = h.call::<op::ListVersionsByFunction>(list).await.unwrap().versions.unwrap();
    let labels: Vec<&str> = list.iter().map(|v| v.version.as_deref().unwrap()).collect();
    assert_eq!(labels, ["$LATEST", "1", "2"]);
    assert!(list[1].function_arn.as_ref().unwrap().ends_with(":function:f:1"));
    let missing = h.try_invoke("f:9", "{}").await.unwrap_err();
    assert_eq!(missing.message, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:9");
    let wrong = s::PublishVersionRequest {
        function_name: Some("f".into()),
        code_sha256: Some("other".into()),
        ..Default::default()
    };
    let wrong = h.call::<op::PublishVersion>(wrong).await.unwrap_err();
    assert!(
        wrong.message.starts_with("CodeSHA256 (other) is different from current CodeSHA256 in $LATEST"),
        "{wrong}"
    );
}

async fn aliases_lead_to_versions() {
    let h = two_versions().await;
    let create = |name: &str, version: &str| s::CreateAliasRequest {
        function_name: Some("f".into()),
        name: Some(name.into()),
        function_version: Some(version.into()),
        ..Default::default()
    };
    let made = h.call::<op::CreateAlias>(create("live", "1")).await.unwrap();
    assert_eq!(made.alias_arn.as_deref(), Some("arn:aws:lambda:us-east-1:000000000000:function:f:live"));
    let again = h.call::<op::CreateAlias>(create("live", "1")).await.unwrap_err();
    assert!(again.message.starts_with("Alias already exists: "), "{again}");
    assert_eq!(h.call::<op::CreateAlias>(create("12", "1")).await.unwrap_err().code, "ValidationException");
    assert_eq!(h.call::<op::CreateAlias>(create("none", "9")).await.unwrap_err().status, 404);
    assert_eq!(h.invoke("f:live", "{}").await.ok(), json!([1, "1", "f:live"]));
    let update = s::UpdateAliasRequest {
        function_name: Some("f".into()),
        name: Some("live".into()),
        function_version: Some("2".into()),
        revision_id: made.revision_id,
        ..Default::default()
    };
    h.call::<op::UpdateAlias>(update.clone()).await.unwrap();
    assert_eq!(h.call::<op::UpdateAlias>(update).await.unwrap_err().status, 412);
    assert_eq!(h.invoke("f:live", "{}").await.version.as_deref(), Some("2"));
    let weights =
        s::AliasRoutingConfiguration { additional_version_weights: Some([("1".to_owned(), 1.0)].into()) };
    let shift = s::UpdateAliasRequest {
        function_name: Some("f".into()),
        name: Some("live".into()),
        routing_config: Some(weights),
        ..Default::default()
    };
    h.call::<op::UpdateAlias>(shift).await.unwrap();
    assert_eq!(h.invoke("f:live", "{}").await.version.as_deref(), Some("1"));
    let unknown = h.try_invoke("f:other", "{}").await.unwrap_err();
    assert_eq!(
        unknown.message,
        "Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:f:other"
    );
}

async fn a_version_that_is_used_stays() {
    let h = two_versions().await;
    let alias = s::CreateAliasRequest {
        function_name: Some("f".into()),
        name: Some("live".into()),
        function_version: Some("1".into()),
        ..Default::default()
    };
    h.call::<op::CreateAlias>(alias).await.unwrap();
    let delete = |qualifier: &str| s::DeleteFunctionRequest {
        function_name: Some("f".into()),
        qualifier: Some(qualifier.into()),
    };
    let used = h.call::<op::DeleteFunction>(delete("1")).await.unwrap_err();
    assert_eq!(used.message, "Unable to delete version because the following aliases reference it: [live]");
    let latest = h.call::<op::DeleteFunction>(delete("$LATEST")).await.unwrap_err();
    assert_eq!(latest.message, "$LATEST version cannot be deleted without deleting the function.");
    let alias = s::DeleteAliasRequest { function_name: Some("f".into()), name: Some("live".into()) };
    h.call::<op::DeleteAlias>(alias).await.unwrap();
    h.call::<op::DeleteFunction>(delete("1")).await.unwrap();
    assert_eq!(h.try_invoke("f:1", "{}").await.unwrap_err().status, 404);
    assert_eq!(h.invoke("f:2", "{}").await.version.as_deref(), Some("2"));
}
