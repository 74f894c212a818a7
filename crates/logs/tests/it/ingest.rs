use serde_json::json;

use crate::harness::{Harness, messages};

#[tokio::test]
async fn a_functions_line_is_found_at_once() {
    let h = Harness::new();
    for n in 0..50 {
        h.write("s", h.now_millis(), &format!("line {n}"));
        let found = h.call("FilterLogEvents", json!({ "logGroupName": "/aws/lambda/f" })).await.unwrap();
        assert_eq!(messages(&found).len(), n + 1);
    }
    let streams = h.call("DescribeLogStreams", json!({ "logGroupName": "/aws/lambda/f" })).await.unwrap();
    let stream = &streams["logStreams"][0];
    assert_eq!(stream["logStreamName"], "s");
    assert!(stream["lastEventTimestamp"].as_i64() >= stream["firstEventTimestamp"].as_i64());
    let groups = h.call("DescribeLogGroups", json!({})).await.unwrap();
    assert!(groups["logGroups"][0]["storedBytes"].as_i64().unwrap() > 50 * 26);
}

#[tokio::test]
async fn streams_are_listed_by_name_or_by_time() {
    let h = Harness::new();
    let now = h.now_millis();
    for (stream, at) in [("a", 3), ("b", 1), ("c", 2)] {
        h.write(stream, now + at, "x");
    }
    let list = |more: serde_json::Value| {
        let mut input = json!({ "logGroupName": "/aws/lambda/f", "limit": 2 });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let h = &h;
        async move {
            let page = h.call("DescribeLogStreams", input).await.unwrap();
            let names = page["logStreams"].as_array().unwrap().iter();
            let names: Vec<String> = names.map(|s| s["logStreamName"].as_str().unwrap().to_owned()).collect();
            (names, page["nextToken"].clone())
        }
    };
    let (names, token) = list(json!({ "orderBy": "LastEventTime", "descending": true })).await;
    assert_eq!(names, ["a", "c"]);
    let (names, token) =
        list(json!({ "orderBy": "LastEventTime", "descending": true, "nextToken": token })).await;
    assert_eq!((names, token.is_null()), (vec!["b".to_owned()], true));
    let (names, token) = list(json!({ "descending": true })).await;
    assert_eq!(names, ["c", "b"]);
    assert_eq!(list(json!({ "descending": true, "nextToken": token })).await.0, ["a"]);
    assert_eq!(list(json!({ "logStreamNamePrefix": "b" })).await.0, ["b"]);
}

#[tokio::test]
async fn a_deleted_stream_is_gone_and_its_name_is_free() {
    let h = Harness::new();
    h.write("s", h.now_millis(), "before");
    h.write("t", h.now_millis(), "other");
    let name = json!({ "logGroupName": "/aws/lambda/f", "logStreamName": "s" });
    h.call("DeleteLogStream", name.clone()).await.unwrap();
    h.call("CreateLogStream", name.clone()).await.unwrap();
    let again = h.call("CreateLogStream", name).await.unwrap_err();
    assert_eq!(again.1, "The specified log stream already exists");
    let found = h.call("FilterLogEvents", json!({ "logGroupName": "/aws/lambda/f" })).await.unwrap();
    assert_eq!(messages(&found), ["other"]);
}
