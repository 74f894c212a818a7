use std::time::Duration;

use nephos_core::ports::{Invoke, InvokeFunction, InvokeMode};
use nephos_lambda::Workers;
use nephos_lambda::shapes::{self as s, op};

use crate::harness::{Harness, python};

trials! { events_are_delivered, failures_are_tried_again_twice, events_outlive_their_worker, old_events_are_dropped }

const CODE: &str = "def handler(event, context):\n    print('got', event['n'])\n    if event.get('fail'): raise ValueError('no')\n";

async fn send(h: &Harness, payload: &'static str) -> Option<i32> {
    let input = s::InvocationRequest {
        function_name: Some("f".into()),
        invocation_type: Some("Event".into()),
        payload: Some(payload.into()),
        ..Default::default()
    };
    let answer = h.invoke_with(input).await.unwrap();
    assert!(answer.payload.is_empty());
    answer.status
}

fn count(lines: &[String], wanted: &str) -> usize {
    lines.iter().filter(|line| *line == wanted).count()
}

async fn function() -> Harness {
    let h = Harness::new();
    h.create("f", &python(), "app.handler", &[("app.py", CODE)]).await;
    h
}

async fn events_are_delivered() {
    let h = function().await;
    assert_eq!(send(&h, r#"{"n":1}"#).await, Some(202));
    let call = InvokeFunction {
        function: "arn:aws:lambda:us-east-1:000000000000:function:f".into(),
        payload: r#"{"n":2}"#.into(),
        mode: InvokeMode::Event,
    };
    Invoke::invoke(&*h.lambda, &h.cx, call.clone()).await.unwrap();
    h.wait_for("both events", |lines| count(lines, "got 1") == 1 && count(lines, "got 2") == 1).await;
    let waiting = InvokeFunction { mode: InvokeMode::RequestResponse, ..call };
    let outcome = Invoke::invoke(&*h.lambda, &h.cx, waiting.clone()).await.unwrap();
    assert_eq!((&outcome.payload[..], outcome.function_error), (&b"null"[..], None));
    h.judge.denied.lock().unwrap().insert("lambda:InvokeFunction".into());
    assert_eq!(Invoke::invoke(&*h.lambda, &h.cx, waiting).await.unwrap_err().code, "AccessDeniedException");
    h.judge.denied.lock().unwrap().clear();
    let large = s::InvocationRequest {
        function_name: Some("f".into()),
        invocation_type: Some("Event".into()),
        payload: Some(format!("\"{}\"", "x".repeat(1 << 20)).into()),
        ..Default::default()
    };
    let large = h.invoke_with(large).await.unwrap_err();
    assert_eq!(
        large.message,
        "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"
    );
}

async fn failures_are_tried_again_twice() {
    let h = function().await;
    send(&h, r#"{"n":7,"fail":true}"#).await;
    h.wait_for("the first try", |lines| count(lines, "got 7") == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    for tries in [2, 3] {
        h.clock.advance(Duration::from_secs(121));
        h.wait_for("the next try", |lines| count(lines, "got 7") == tries).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    h.clock.advance(Duration::from_secs(1000));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(count(&h.lines(), "got 7"), 3);
    // One id for all tries.
    let lines = h.lines();
    let starts: std::collections::BTreeSet<&str> = lines
        .iter()
        .filter(|line| line.starts_with("START"))
        .map(|line| line.split(' ').nth(2).unwrap())
        .collect();
    assert_eq!(starts.len(), 1);
}

async fn events_outlive_their_worker() {
    let mut h = function().await;
    h.stop_workers();
    send(&h, r#"{"n":3}"#).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(count(&h.lines(), "got 3"), 0);
    let _workers = Workers::start(&h.lambda);
    h.wait_for("the event", |lines| count(lines, "got 3") == 1).await;
}

async fn old_events_are_dropped() {
    let mut h = function().await;
    let put = s::PutFunctionEventInvokeConfigRequest {
        function_name: Some("f".into()),
        maximum_event_age_in_seconds: Some(60),
        ..Default::default()
    };
    h.call::<op::PutFunctionEventInvokeConfig>(put).await.unwrap();
    h.stop_workers();
    send(&h, r#"{"n":4}"#).await;
    h.clock.advance(Duration::from_secs(61));
    send(&h, r#"{"n":5}"#).await;
    let _workers = Workers::start(&h.lambda);
    h.wait_for("the newer event", |lines| count(lines, "got 5") == 1).await;
    assert_eq!(count(&h.lines(), "got 4"), 0);
}
