//! Events on their way to functions.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nephos_core::ports::{Invoke, InvokeFunction, InvokeMode, InvokeOutcome};
use nephos_core::{BoxFuture, Cx, Fault, Principal};
use nephos_s3::Workers;
use nephos_wire::Body;
use serde_json::Value;

use crate::world::{World, noise};

/// Functions that remember what they were called with, and fail a number of times first.
#[derive(Default)]
struct Functions {
    failures: Mutex<usize>,
    calls: Mutex<Vec<(String, Value)>>,
}

impl Invoke for Functions {
    fn invoke<'a>(&'a self, cx: &'a Cx, call: InvokeFunction) -> BoxFuture<'a, Result<InvokeOutcome, Fault>> {
        Box::pin(async move {
            assert_eq!(*cx.principal, Principal::Service { name: "s3.amazonaws.com" });
            assert_eq!(cx.keys.get("aws:SourceArn").unwrap(), ["arn:aws:s3:::b00"]);
            assert_eq!(cx.keys.get("aws:SourceAccount").unwrap(), ["111111111111"]);
            assert_eq!(call.mode, InvokeMode::Event);
            let mut failures = self.failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return Err(Fault::internal());
            }
            let event = serde_json::from_slice(&call.payload).unwrap();
            self.calls.lock().unwrap().push((call.function, event));
            Ok(InvokeOutcome { payload: bytes::Bytes::new(), function_error: None })
        })
    }
}

impl Functions {
    async fn wait_for(&self, count: usize) -> Vec<(String, Value)> {
        for _ in 0..600 {
            if self.calls.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut calls = self.calls.lock().unwrap().clone();
        assert_eq!(calls.len(), count, "{calls:?}");
        calls.sort_by_key(|(_, event)| event["Records"][0]["s3"]["object"]["sequencer"].to_string());
        calls
    }
}

const ARN: &str = "arn:aws:lambda:us-east-1:111111111111:function:thumbs";

fn configuration(event: &str, rules: &str) -> String {
    format!(
        "<NotificationConfiguration><CloudFunctionConfiguration><Id>c1</Id><CloudFunction>{ARN}</CloudFunction><Event>{event}</Event><Filter><S3Key>{rules}</S3Key></Filter></CloudFunctionConfiguration></NotificationConfiguration>"
    )
}

async fn world() -> World {
    let world = World::new();
    world.root().put("/b00", Body::Empty).await.ok();
    world
}

#[tokio::test]
async fn functions_hear_of_what_they_asked_for() {
    let world = world().await;
    let root = world.root();
    let functions = Arc::new(Functions::default());
    let workers = Workers::start(&world.s3, &world.platform, functions.clone());
    let rules = "<FilterRule><Name>prefix</Name><Value>in/</Value></FilterRule>";
    root.put("/b00?notification", configuration("s3:ObjectCreated:*", rules)).await.ok();
    let shown = root.get("/b00?notification").await.ok();
    assert!(
        shown.text().contains("<FilterRule><Name>Prefix</Name><Value>in/</Value></FilterRule>"),
        "{}",
        shown.text()
    );
    root.put("/b00/out/x", "no").await.ok();
    root.put("/b00/in/a%20b%2B.png", "hello").await.ok();
    world.clock.advance(Duration::from_secs(1));
    root.send("PUT", "/b00/in/copy", &[("x-amz-copy-source", "b00/out/x")], Body::Empty).await.ok();
    world.clock.advance(Duration::from_secs(1));
    let id = root.post("/b00/in/parts?uploads", Body::Empty).await.ok().element("UploadId").unwrap();
    let etag = root.put(&format!("/b00/in/parts?partNumber=1&uploadId={id}"), noise(70_000, 1)).await.ok();
    let etag = etag.header("etag").unwrap();
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    root.post(&format!("/b00/in/parts?uploadId={id}"), document).await.ok();
    root.delete("/b00/in/copy").await.ok();
    let calls = functions.wait_for(3).await;
    let names: Vec<_> = calls.iter().map(|(_, event)| event["Records"][0]["eventName"].clone()).collect();
    assert_eq!(names, ["ObjectCreated:Put", "ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload"]);
    let (function, event) = &calls[0];
    assert_eq!(function, ARN);
    let record = &event["Records"][0];
    assert_eq!((&record["eventVersion"], &record["eventSource"]), (&"2.1".into(), &"aws:s3".into()));
    assert_eq!(
        (&record["awsRegion"], &record["requestParameters"]["sourceIPAddress"]),
        (&"us-east-1".into(), &"192.0.2.7".into())
    );
    assert_eq!(record["userIdentity"]["principalId"], "AWS:111111111111");
    assert_eq!(
        (&record["s3"]["configurationId"], &record["s3"]["s3SchemaVersion"]),
        (&"c1".into(), &"1.0".into())
    );
    assert_eq!(
        (&record["s3"]["bucket"]["name"], &record["s3"]["bucket"]["arn"]),
        (&"b00".into(), &"arn:aws:s3:::b00".into())
    );
    let object = &record["s3"]["object"];
    assert_eq!((&object["key"], &object["size"]), (&"in/a+b%2B.png".into(), &5.into()));
    assert_eq!(object["eTag"], "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(object["sequencer"].as_str().unwrap().len(), 18);
    drop(workers);
}

#[tokio::test]
async fn removals_are_told_and_failures_tried_again() {
    let world = world().await;
    let root = world.root();
    root.put("/b00?notification", configuration("s3:ObjectRemoved:*", "")).await.ok();
    root.put("/b00/k", "v").await.ok();
    root.delete("/b00/k").await.ok();
    root.delete("/b00/k").await.ok();
    // Nobody listens yet: the events wait in the store.
    let functions = Arc::new(Functions { failures: Mutex::new(2), ..Functions::default() });
    let workers = Workers::start(&world.s3, &world.platform, functions.clone());
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.clock.advance(Duration::from_secs(2));
        if !functions.calls.lock().unwrap().is_empty() {
            break;
        }
    }
    let calls = functions.wait_for(1).await;
    let object = &calls[0].1["Records"][0]["s3"]["object"];
    assert_eq!((&object["key"], &object["size"], &object["eTag"]), (&"k".into(), &Value::Null, &Value::Null));
    drop(workers);
}

#[tokio::test]
async fn what_cannot_be_delivered_is_refused() {
    let world = world().await;
    let root = world.root();
    let queue = "<NotificationConfiguration><QueueConfiguration><Queue>arn:aws:sqs:us-east-1:111111111111:q</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>";
    root.put("/b00?notification", queue).await.fails(501, "NotImplemented");
    root.put("/b00?notification", configuration("s3:ObjectEaten:*", "")).await.fails(400, "InvalidArgument");
    root.put("/b00?notification", "<NotificationConfiguration/>").await.ok();
}
