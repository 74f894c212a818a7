use std::time::{Duration, Instant};

use nephos_lambda::shapes::{self as s, op};
use serde_json::json;

use crate::harness::{Harness, python, zip_of};

trials! {
    a_timeout_ends_the_environment, too_much_memory_ends_the_environment, environments_are_used_again,
    environments_scale_out_and_end, concurrency_is_limited, functions_that_invoke_functions, a_slow_start_is_tried_again,
    an_invocation_outlives_its_caller, changed_code_is_run_at_once, idle_environments_are_frozen, logs_need_permission,
    payloads_are_checked, credentials_that_end_are_renewed, how_fast_it_is,
}

async fn a_timeout_ends_the_environment() {
    let h = Harness::new();
    let code = "import time\ndef handler(event, context):\n    print('before')\n    time.sleep(event)\n    return 'awake'\n";
    h.create_with("f", &python(), "app.handler", &[("app.py", code)], |input| input.timeout = Some(1))
        .await
        .unwrap();
    let began = Instant::now();
    let answer = h.invoke("f", "30").await;
    let (kind, text) = answer.failed();
    assert_eq!(kind, "Sandbox.Timedout");
    assert!(
        text.starts_with("RequestId: ") && text.ends_with(" Error: Task timed out after 1.00 seconds"),
        "{text}"
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(answer.log.contains("before\n") && answer.log.contains("Z "), "{}", answer.log);
    assert!(answer.log.contains(" Task timed out after 1.00 seconds\n"), "{}", answer.log);
    assert!(
        answer.log.contains("Duration: 1000.00 ms") && answer.log.contains("Status: timeout"),
        "{}",
        answer.log
    );
    assert_eq!(h.invoke("f", "0").await.ok(), json!("awake"));
}

async fn too_much_memory_ends_the_environment() {
    let h = Harness::new();
    let code = "def handler(event, context):\n    x = bytearray(event << 20)\n    return len(x)\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let answer = h.invoke("f", "20").await;
    assert_eq!(answer.ok(), json!(20 << 20));
    let used: u64 =
        answer.log.split("Max Memory Used: ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((20..=128).contains(&used), "{used}");
    let answer = h.invoke("f", "500").await;
    let (kind, text) = answer.failed();
    assert_eq!(kind, "Runtime.OutOfMemory", "{text}");
    assert!(text.ends_with("Runtime exited with error: signal: killed"), "{text}");
    assert_eq!(h.invoke("f", "1").await.ok(), json!(1 << 20));
}

async fn environments_are_used_again() {
    let h = Harness::new();
    let code =
        "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    for n in 1..=20 {
        let answer = h.invoke("f", "{}").await;
        assert_eq!(answer.ok(), json!(n));
        assert_eq!(answer.log.contains("Init Duration"), n == 1);
    }
}

async fn environments_scale_out_and_end() {
    let h = Harness::with(|config| config.plane.idle_expiry = Duration::from_millis(600));
    let code = "import time, os\nme = os.urandom(8).hex()\ndef handler(event, context):\n    time.sleep(0.5)\n    return me\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let calls = (0..4).map(|_| h.invoke("f", "{}"));
    let mut who: Vec<String> = Vec::new();
    for answer in futures(calls).await {
        who.push(answer.ok().as_str().unwrap().to_owned());
    }
    who.sort();
    who.dedup();
    assert_eq!(who.len(), 4);
    assert_eq!(h.lambda.idle_environments(), 4);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(h.lambda.idle_environments(), 0);
}

/// Awaits all at the same time.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (at, future) in all.iter_mut().enumerate() {
            if done[at].is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                done[at] = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

async fn concurrency_is_limited() {
    let h = Harness::new();
    let code = "import time\ndef handler(event, context):\n    time.sleep(0.4)\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let reserve = |count| s::PutFunctionConcurrencyRequest {
        function_name: Some("f".into()),
        reserved_concurrent_executions: Some(count),
    };
    h.call::<op::PutFunctionConcurrency>(reserve(1)).await.unwrap();
    let results = futures((0..3).map(|_| h.try_invoke("f", "{}"))).await;
    let refused: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert_eq!(refused.len(), 2);
    assert_eq!((refused[0].code.as_str(), refused[0].status), ("TooManyRequestsException", 429));
    assert_eq!(refused[0].message, "Rate Exceeded.");
    let reason =
        nephos_core::fault::FaultMember::Text("ReservedFunctionConcurrentInvocationLimitExceeded".into());
    assert!(refused[0].members.contains(&("Reason", reason)));
    h.call::<op::PutFunctionConcurrency>(reserve(0)).await.unwrap();
    assert_eq!(h.try_invoke("f", "{}").await.unwrap_err().status, 429);
    let delete = s::DeleteFunctionConcurrencyRequest { function_name: Some("f".into()) };
    h.call::<op::DeleteFunctionConcurrency>(delete).await.unwrap();
    assert!(h.try_invoke("f", "{}").await.is_ok());
    let refused = h.call::<op::PutFunctionConcurrency>(reserve(901)).await.unwrap_err();
    assert!(refused.message.contains("below its minimum value of [100]"), "{refused}");
    let settings = h.call::<op::GetAccountSettings>(s::GetAccountSettingsRequest::default()).await.unwrap();
    assert_eq!(settings.account_limit.unwrap().unreserved_concurrent_executions, Some(1000));
    assert_eq!(settings.account_usage.unwrap().function_count, Some(1));
}

/// Three functions in a row, each with one place: the platform is called from inside, and nothing waits for ever.
async fn functions_that_invoke_functions() {
    let h = Harness::with(|config| config.plane.max_environments = 3);
    let code = r#"
import urllib.request, os
def handler(event, context):
    to = os.environ.get("NEXT")
    if not to: return "end"
    return to + ">" + urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/" + to).read().decode().strip('"')
"#;
    for (name, next) in [("a", "b"), ("b", "c"), ("c", "")] {
        h.create_with(name, &python(), "app.handler", &[("app.py", code)], |input| {
            let variables = [("NEXT".to_owned(), next.to_owned())].into();
            input.environment = Some(s::Environment { variables: Some(variables) });
        })
        .await
        .unwrap();
        let reserve = s::PutFunctionConcurrencyRequest {
            function_name: Some(name.into()),
            reserved_concurrent_executions: Some(1),
        };
        h.call::<op::PutFunctionConcurrency>(reserve).await.unwrap();
    }
    for _ in 0..3 {
        assert_eq!(h.invoke("a", "{}").await.ok(), json!("b>c>end"));
    }
}

async fn a_slow_start_is_tried_again() {
    let h = Harness::with(|config| config.plane.init_limit = Duration::from_millis(600));
    let code = "import time\ntime.sleep(1.5)\ndef handler(event, context):\n    return 'late'\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let answer = h.invoke("f", "{}").await;
    assert_eq!(answer.ok(), json!("late"));
    let lines = h.lines();
    let report = lines.iter().find(|line| line.starts_with("INIT_REPORT")).unwrap();
    assert!(report.contains("Phase: init\tStatus: timeout"), "{report}");
    assert!(!answer.log.contains("Init Duration"), "{}", answer.log);
    let never = "import time\ntime.sleep(60)\n";
    h.create_with("g", &python(), "app.handler", &[("app.py", never)], |input| input.timeout = Some(1))
        .await
        .unwrap();
    let (kind, text) = h.invoke("g", "{}").await.failed();
    assert_eq!(kind, "Sandbox.Timedout");
    assert!(text.ends_with("Task timed out after 1.00 seconds"), "{text}");
}

async fn an_invocation_outlives_its_caller() {
    let h = Harness::new();
    let code = "import time\ndef handler(event, context):\n    time.sleep(0.5)\n    print('to the end')\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let gone = tokio::time::timeout(Duration::from_millis(300), h.invoke("f", "{}")).await;
    assert!(gone.is_err());
    h.wait_for("the end of the invocation", |lines| lines.iter().any(|line| line == "to the end")).await;
}

async fn changed_code_is_run_at_once() {
    let h = Harness::new();
    let code = |n: u32| format!("def handler(event, context):\n    return {n}\n");
    h.create("f", &python(), "app.handler", &[("app.py", &code(1))]).await;
    assert_eq!(h.invoke("f", "{}").await.ok(), json!(1));
    let update = s::UpdateFunctionCodeRequest {
        function_name: Some("f".into()),
        zip_file: Some(zip_of(&[("app.py", &code(2))])),
        ..Default::default()
    };
    let before = h.call::<op::GetFunctionConfiguration>(get("f")).await.unwrap();
    let after = h.call::<op::UpdateFunctionCode>(update).await.unwrap();
    assert_ne!(before.code_sha256, after.code_sha256);
    assert_ne!(before.revision_id, after.revision_id);
    assert_eq!(h.lambda.idle_environments(), 0);
    assert_eq!(h.invoke("f", "{}").await.ok(), json!(2));
}

fn get(name: &str) -> s::GetFunctionConfigurationRequest {
    s::GetFunctionConfigurationRequest { function_name: Some(name.into()), qualifier: None }
}

async fn idle_environments_are_frozen() {
    let h = Harness::with(|config| config.plane.freeze_after = Some(Duration::from_millis(300)));
    let code = r#"
import threading, time
ticks = 0
def tick():
    global ticks
    while True:
        time.sleep(0.01)
        ticks += 1
threading.Thread(target=tick, daemon=True).start()
def handler(event, context):
    return ticks
"#;
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let first = h.invoke("f", "{}").await.ok().as_u64().unwrap();
    tokio::time::sleep(Duration::from_millis(2000)).await;
    let second = h.invoke("f", "{}").await.ok().as_u64().unwrap();
    // Two seconds are two hundred ticks, of which about sixty come before it is frozen.
    assert!(second - first < 120, "{first} {second}");
}

async fn logs_need_permission() {
    let h = Harness::new();
    h.judge.denied.lock().unwrap().insert("logs:PutLogEvents".into());
    let code = "def handler(event, context):\n    print('said')\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let answer = h.invoke("f", "{}").await;
    assert!(answer.log.contains("said\n"));
    assert!(h.lines().is_empty());
    let asked = h.judge.asked.lock().unwrap();
    let stream = asked.iter().find(|access| access.action == "logs:CreateLogStream").unwrap();
    assert!(
        stream
            .resource
            .starts_with("arn:aws:logs:us-east-1:000000000000:log-group:/aws/lambda/f:log-stream:20")
    );
}

async fn payloads_are_checked() {
    let h = Harness::new();
    h.create(
        "f",
        &python(),
        "app.handler",
        &[("app.py", "def handler(event, context):\n    return event\n")],
    )
    .await;
    let bad = h.try_invoke("f", "hello").await.unwrap_err();
    assert_eq!((bad.code.as_str(), bad.status), ("InvalidRequestContentException", 400));
    assert!(bad.message.starts_with("Could not parse request body into json"), "{bad}");
    assert_eq!(h.invoke("f", "").await.ok(), json!({}));
    let large = format!("\"{}\"", "x".repeat(6 * 1024 * 1024));
    let large = h.try_invoke("f", &large).await.unwrap_err();
    assert_eq!((large.code.as_str(), large.status), ("RequestTooLargeException", 413));
    assert_eq!(
        large.message,
        "6291458 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"
    );
    let nearly = format!("\"{}\"", "x".repeat(6 * 1024 * 1024 - 2));
    assert_eq!(h.invoke("f", &nearly).await.payload.len(), 6 * 1024 * 1024);
    let dry = s::InvocationRequest {
        function_name: Some("f".into()),
        invocation_type: Some("DryRun".into()),
        ..Default::default()
    };
    assert_eq!(h.invoke_with(dry).await.unwrap().status, Some(204));
    let missing = h.try_invoke("g", "{}").await.unwrap_err();
    assert_eq!(missing.message, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g");
}

async fn credentials_that_end_are_renewed() {
    let h = Harness::new();
    let code = "import os\nme = os.urandom(4).hex()\ndef handler(event, context):\n    return me\n";
    h.create("f", &python(), "app.handler", &[("app.py", code)]).await;
    let first = h.invoke("f", "{}").await.ok();
    assert_eq!(h.invoke("f", "{}").await.ok(), first);
    // An hour later by the platform's clock, the environment's credentials have ended, and so has it.
    h.clock.advance(Duration::from_secs(3600));
    assert_ne!(h.invoke("f", "{}").await.ok(), first);
}

/// Not a benchmark, but a guard against a slow path: figures are printed, and have generous bounds.
async fn how_fast_it_is() {
    let h = Harness::new();
    h.create("f", &python(), "app.handler", &[("app.py", "def handler(event, context):\n    return 1\n")])
        .await;
    let mut cold: Vec<Duration> = Vec::new();
    for n in 0..10 {
        let began = Instant::now();
        assert_eq!(h.invoke("f", "{}").await.ok(), json!(1));
        // The first one also finds the interpreter, compiles the runtime and starts the helper.
        if n > 0 {
            cold.push(began.elapsed());
        }
        h.lambda.end_environments();
    }
    let mut warm: Vec<Duration> = Vec::new();
    for _ in 0..500 {
        let began = Instant::now();
        let input = s::InvocationRequest { function_name: Some("f".into()), ..Default::default() };
        h.invoke_with(input).await.unwrap();
        warm.push(began.elapsed());
    }
    cold.sort();
    warm.sort();
    let (cold, warm) = (cold[cold.len() / 2], warm[warm.len() / 2]);
    eprintln!("cold start p50 {cold:?}, warm invoke p50 {warm:?}");
    assert!(cold < Duration::from_millis(2000), "{cold:?}");
    assert!(warm < Duration::from_millis(50), "{warm:?}");
}
