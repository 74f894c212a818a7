use serde_json::json;

use crate::harness::{Harness, zip_of};
use nephos_lambda::shapes::{self as s, op};

trials! {
    a_shell_script_is_a_runtime, packages_without_a_program, errors_that_a_runtime_reports, large_answers,
}

const LOOP: &str = r#"#!/bin/sh
set -u
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
echo "bootstrap of $_HANDLER"
while true; do
  HEAD=$(mktemp)
  EVENT=$(curl -sS -D "$HEAD" "$API/invocation/next")
  ID=$(grep -i lambda-runtime-aws-request-id "$HEAD" | tr -d '[:space:]' | cut -d: -f2)
"#;

fn script(body: &str) -> String {
    format!("{LOOP}{body}\ndone\n")
}

async fn a_shell_script_is_a_runtime() {
    let h = Harness::new();
    let code = script(
        r#"curl -sS -X POST "$API/invocation/$ID/response" -d "{\"echo\":$EVENT,\"env\":\"${AWS_EXECUTION_ENV-unset}\"}""#,
    );
    h.create("f", "provided.al2023", "my.handler", &[("bootstrap", &code)]).await;
    let answer = h.invoke("f", r#"{"a":1}"#).await;
    assert_eq!(answer.ok(), json!({ "echo": { "a": 1 }, "env": "unset" }));
    assert!(h.lines().contains(&"bootstrap of my.handler".to_owned()), "{:?}", h.lines());
    assert!(!h.invoke("f", "[]").await.log.contains("Init Duration"));
}

async fn packages_without_a_program() {
    let h = Harness::new();
    h.create("none", "provided.al2023", "x", &[("readme", "x")]).await;
    let (kind, text) = h.invoke("none", "{}").await.failed();
    assert_eq!(kind, "Runtime.InvalidEntrypoint");
    assert!(
        text.ends_with("Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
        "{text}"
    );
    assert!(
        h.lines().iter().any(|line| line.contains("Status: error\tError Type: Runtime.InvalidEntrypoint"))
    );
    h.create("plain", "provided.al2023", "x", &[("bootstrap", "no program")]).await;
    let (kind, text) = h.invoke("plain", "{}").await.failed();
    assert_eq!(kind, "PermissionDenied", "{text}");
    assert!(text.ends_with("fork/exec /var/task/bootstrap: permission denied"), "{text}");
    h.create("exits", "provided.al2023", "x", &[("bootstrap", "#!/bin/sh\nexit 5\n")]).await;
    let (kind, text) = h.invoke("exits", "{}").await.failed();
    assert_eq!(kind, "Runtime.ExitError");
    assert!(text.ends_with("exit status 5"), "{text}");
}

async fn errors_that_a_runtime_reports() {
    let h = Harness::new();
    let code = script(
        r#"curl -sS -X POST "$API/invocation/$ID/error" -H "Lambda-Runtime-Function-Error-Type: Function.Bad" -d '{"errorMessage":"mine","errorType":"Bad"}'"#,
    );
    h.create("f", "provided.al2", "x", &[("bootstrap", &code)]).await;
    assert_eq!(h.invoke("f", "{}").await.failed(), ("Bad".into(), "mine".into()));
    let init = r#"#!/bin/sh
curl -sS -X POST "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error" -H "Lambda-Runtime-Function-Error-Type: Runtime.NoWay" -d '{"errorMessage":"no way","errorType":"Runtime.NoWay"}'
sleep 60
"#;
    let zip = s::UpdateFunctionCodeRequest {
        function_name: Some("f".into()),
        zip_file: Some(zip_of(&[("bootstrap", init)])),
        ..Default::default()
    };
    h.call::<op::UpdateFunctionCode>(zip).await.unwrap();
    assert_eq!(h.invoke("f", "{}").await.failed(), ("Runtime.NoWay".into(), "no way".into()));
}

async fn large_answers() {
    let h = Harness::new();
    let code = script(
        r#"SIZE=$(echo "$EVENT" | tr -d '[:space:]')
head -c "$SIZE" /dev/zero | tr '\0' '1' > /tmp/answer
CODE=$(curl -sS -o /tmp/said -w '%{http_code}' -X POST "$API/invocation/$ID/response" --data-binary @/tmp/answer)
echo "said $CODE""#,
    );
    h.create("f", "provided.al2023", "x", &[("bootstrap", &code)]).await;
    assert_eq!(h.invoke("f", "6000000").await.payload.len(), 6_000_000);
    let answer = h.invoke("f", "6291557").await;
    let (kind, text) = answer.failed();
    assert_eq!(kind, "Function.ResponseSizeTooLarge");
    assert_eq!(
        text,
        "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."
    );
    assert!(answer.log.contains("said 413"), "{}", answer.log);
    assert_eq!(h.invoke("f", "3").await.payload, "111");
}
