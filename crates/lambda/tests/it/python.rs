use std::time::Duration;

use base64::Engine;
use nephos_lambda::shapes::{self as s};
use serde_json::json;

use crate::harness::{Harness, python};

trials! {
    events_and_context, errors_have_their_stack, handlers_that_cannot_be_loaded, output_and_logging,
    values_that_json_does_not_know, exit_ends_the_environment, every_python_of_the_host, the_sdk_is_beside_the_runtime,
}

async fn events_and_context() {
    let h = Harness::new();
    let code = r#"
import os
def handler(event, context):
    names = ["function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb", "log_group_name"]
    out = {name: getattr(context, name) for name in names}
    out["left"] = context.get_remaining_time_in_millis()
    out["event"] = event
    out["id"] = context.aws_request_id
    out["custom"] = context.client_context and context.client_context.custom
    out["identity"] = context.identity.cognito_identity_id
    out["trace"] = os.environ["_X_AMZN_TRACE_ID"]
    out["env"] = {k: os.environ.get(k) for k in ["_HANDLER", "MINE", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "TZ"]}
    out["cwd"] = os.getcwd()
    return out
"#;
    let variables = [("MINE".to_owned(), "1".to_owned())].into();
    h.create_with("f", &python(), "sub/app.handler", &[("sub/app.py", code)], |input| {
        input.environment = Some(s::Environment { variables: Some(variables) });
        input.memory_size = Some(256);
    })
    .await
    .unwrap();
    let context = base64::engine::general_purpose::STANDARD.encode(r#"{"custom":{"a":"b"}}"#);
    let answer = h
        .invoke_with(s::InvocationRequest {
            function_name: Some("f".into()),
            payload: Some(r#"{"key":["välue",1]}"#.into()),
            client_context: Some(context),
            ..Default::default()
        })
        .await
        .unwrap();
    let out = answer.ok();
    assert_eq!(out["event"], json!({ "key": ["välue", 1] }));
    assert_eq!(out["function_name"], "f");
    assert_eq!(out["function_version"], "$LATEST");
    assert_eq!(out["memory_limit_in_mb"], "256");
    assert_eq!(out["log_group_name"], "/aws/lambda/f");
    assert_eq!(out["invoked_function_arn"], "arn:aws:lambda:us-east-1:000000000000:function:f");
    assert_eq!(out["custom"], json!({ "a": "b" }));
    assert_eq!(out["identity"], json!(null));
    assert_eq!(out["cwd"], "/var/task");
    assert!(out["trace"].as_str().unwrap().starts_with("Root=1-"));
    let left = out["left"].as_u64().unwrap();
    assert!((8_000..=10_000).contains(&left), "{left}");
    assert_eq!(
        out["env"],
        json!({ "_HANDLER": "sub/app.handler", "MINE": "1", "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_SESSION_TOKEN": "a-token", "TZ": ":UTC" })
    );
    assert_eq!(answer.version.as_deref(), Some("$LATEST"));
}

async fn errors_have_their_stack() {
    let h = Harness::new();
    let code = "class Mine(Exception): pass\n\ndef inner():\n    raise Mine('broken é')\n\ndef handler(event, context):\n    inner()\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let answer = h.invoke("f", "{}").await;
    assert_eq!(answer.failed(), ("Mine".into(), "broken é".into()));
    let error = answer.json();
    assert_eq!(
        error["stackTrace"],
        json!([
            "  File \"/var/task/app.py\", line 7, in handler\n    inner()\n",
            "  File \"/var/task/app.py\", line 4, in inner\n    raise Mine('broken é')\n"
        ])
    );
    assert!(
        answer.log.contains("[ERROR] Mine: broken é\nTraceback (most recent call last):\n"),
        "{}",
        answer.log
    );
    // The environment goes on.
    let again = h.invoke("f", "{}").await;
    assert_eq!(again.failed().0, "Mine");
    assert!(!again.log.contains("Init Duration"));
}

async fn handlers_that_cannot_be_loaded() {
    let h = Harness::new();
    let python = python();
    for (name, handler, code, error_type, message) in [
        ("a", "app.missing", "x = 1", "Runtime.HandlerNotFound", "Handler 'missing' missing on module 'app'"),
        (
            "b",
            "none.handler",
            "x = 1",
            "Runtime.ImportModuleError",
            "Unable to import module 'none': No module named 'none'",
        ),
        (
            "c",
            "app.handler",
            "import nothing",
            "Runtime.ImportModuleError",
            "Unable to import module 'app': No module named 'nothing'",
        ),
        ("d", "handler", "x = 1", "Runtime.MalformedHandlerName", "Bad handler 'handler'"),
        ("e", "app.handler", "def (", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("f", "app.handler", "raise ValueError('at init')", "ValueError", "at init"),
    ] {
        h.create(name, &python, handler, &[("app.py", code)]).await;
        let answer = h.invoke(name, "{}").await;
        let (kind, text) = answer.failed();
        assert_eq!(kind, error_type);
        assert!(text.starts_with(message), "{text}");
    }
    let lines = h.lines();
    let reports: Vec<&String> = lines.iter().filter(|line| line.starts_with("INIT_REPORT")).collect();
    assert!(
        reports[0].contains("Phase: init\tStatus: error\tError Type: Runtime.HandlerNotFound"),
        "{reports:?}"
    );
    assert!(reports[1].contains("Phase: invoke"), "{reports:?}");
}

async fn output_and_logging() {
    let h = Harness::new();
    let code = r#"
import logging, sys
logger = logging.getLogger()
logger.setLevel(logging.INFO)
print("at init")
def handler(event, context):
    print("plain")
    print("to stderr", file=sys.stderr)
    logger.info("two\nlines")
    logger.debug("not shown")
    sys.stdout.write("no line end")
"#;
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let answer = h.invoke("f", "{}").await;
    assert_eq!(answer.ok(), json!(null));
    let lines: Vec<&str> = answer.log.lines().collect();
    assert!(
        lines[0].starts_with("START RequestId: ") && lines[0].ends_with(" Version: $LATEST"),
        "{lines:?}"
    );
    for wanted in ["plain", "to stderr", "lines", "no line end"] {
        assert!(lines.contains(&wanted), "{wanted}: {lines:?}");
    }
    let id = lines[0].split(' ').nth(2).unwrap();
    assert!(
        lines.iter().any(|line| line.starts_with("[INFO]\t20") && line.ends_with(&format!("Z\t{id}\ttwo"))),
        "{lines:?}"
    );
    assert!(!answer.log.contains("not shown"));
    assert_eq!(lines[lines.len() - 2], format!("END RequestId: {id}"));
    assert!(lines[lines.len() - 1].contains("Max Memory Used: ") && answer.log.contains("Init Duration: "));
    let kept = h.logs.0.lock().unwrap().clone();
    let group: Vec<&str> = kept.iter().map(|(target, _)| target.group.as_str()).collect();
    assert!(group.iter().all(|group| *group == "/aws/lambda/f"));
    let stream = &kept[0].0.stream;
    assert!(stream.len() == "2026/01/01/[$LATEST]".len() + 32 && stream.contains("/[$LATEST]"), "{stream}");
    let messages: Vec<&str> = kept.iter().map(|(_, line)| line.message.as_str()).collect();
    assert!(messages[0].starts_with("INIT_START Runtime Version: python:3."), "{messages:?}");
    assert_eq!(messages[1], "at init");
    assert!(messages.iter().any(|message| message.ends_with("\ttwo\nlines")), "{messages:?}");
}

async fn values_that_json_does_not_know() {
    let h = Harness::new();
    let code = r#"
from decimal import Decimal
def handler(event, context):
    if event["what"] == "decimal": return {"n": Decimal("1.10"), "list": [Decimal("3"), "x"]}
    if event["what"] == "bytes": return b"raw"
    if event["what"] == "set": return {1, 2}
    if event["what"] == "utf8": return "grün"
"#;
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let raw = |what: &str| {
        let payload = json!({ "what": what }).to_string();
        let h = &h;
        async move { h.invoke("f", &payload).await }
    };
    assert_eq!(raw("decimal").await.payload, r#"{"n": 1.10, "list": [3, "x"]}"#);
    assert_eq!(raw("bytes").await.payload, "raw");
    assert_eq!(raw("utf8").await.ok(), json!("grün"));
    let (kind, text) = raw("set").await.failed();
    assert_eq!(kind, "Runtime.MarshalError");
    assert_eq!(text, "Unable to marshal response: Object of type set is not JSON serializable");
}

async fn exit_ends_the_environment() {
    let h = Harness::new();
    let code = "import sys, os\ndef handler(event, context):\n    sys.exit(3) if event else None\n    return os.getpid()\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let answer = h.invoke("f", r#"{"a":1}"#).await;
    let (kind, text) = answer.failed();
    assert_eq!(kind, "Runtime.ExitError");
    assert!(text.ends_with(" Error: Runtime exited with error: exit status 3"), "{text}");
    assert!(answer.log.contains("Status: error\tError Type: Runtime.ExitError"), "{}", answer.log);
    // The next invocation gets a new environment.
    assert!(h.invoke("f", "{}").await.log.contains("Init Duration"));
}

async fn every_python_of_the_host() {
    let h = Harness::new();
    let code = "import sys\ndef handler(event, context):\n    return '%d.%d' % sys.version_info[:2]\n";
    for runtime in nephos_lambda::available_runtimes(&[]).into_iter().filter(|r| r.id.starts_with("python")) {
        let name = runtime.id.replace('.', "-");
        h.create(&name, &runtime.id, "app.handler", &[("app.py", code)]).await;
        assert_eq!(h.invoke(&name, "{}").await.ok(), json!(runtime.id.trim_start_matches("python")));
    }
}

async fn the_sdk_is_beside_the_runtime() {
    let h = Harness::new();
    let code = r#"
import sys, importlib.util
def handler(event, context):
    import boto3
    client = boto3.client("lambda")
    return {"endpoint": client.meta.endpoint_url, "region": client.meta.region_name, "docutils": bool(importlib.util.find_spec("docutils"))}
"#;
    h.create_with("f", &python(), "app.handler", &[("app.py", code)], |input| {
        input.memory_size = Some(512);
        input.timeout = Some(20);
    })
    .await
    .unwrap();
    let out = tokio::time::timeout(Duration::from_secs(20), h.invoke("f", "{}")).await.unwrap().ok();
    assert_eq!(out, json!({ "endpoint": "http://127.0.0.1:4566", "region": "us-east-1", "docutils": false }));
}
