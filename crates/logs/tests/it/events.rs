use serde_json::{Value, json};

use crate::harness::{Harness, messages};

async fn with_stream() -> (Harness, i64) {
    let h = Harness::new();
    h.call("CreateLogGroup", json!({ "logGroupName": "g" })).await.unwrap();
    h.call("CreateLogStream", json!({ "logGroupName": "g", "logStreamName": "s" })).await.unwrap();
    let now = h.now_millis();
    (h, now)
}

async fn put(h: &Harness, events: Value) -> Result<Value, (String, String)> {
    h.call("PutLogEvents", json!({ "logGroupName": "g", "logStreamName": "s", "logEvents": events })).await
}

#[tokio::test]
async fn a_stream_is_read_forward_and_backward_by_its_tokens() {
    let (h, now) = with_stream().await;
    let events: Vec<Value> =
        (0..5).map(|n| json!({ "timestamp": now + n, "message": format!("m{n}") })).collect();
    put(&h, json!(events)).await.unwrap();
    let get = |more: Value| {
        let mut input = json!({ "logGroupName": "g", "logStreamName": "s", "limit": 2 });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        h.call("GetLogEvents", input)
    };
    let latest = get(json!({})).await.unwrap();
    assert_eq!(messages(&latest), ["m3", "m4"]);
    let before = get(json!({ "nextToken": latest["nextBackwardToken"] })).await.unwrap();
    assert_eq!(messages(&before), ["m1", "m2"]);
    let head = get(json!({ "startFromHead": true })).await.unwrap();
    assert_eq!(messages(&head), ["m0", "m1"]);
    let next = get(json!({ "nextToken": head["nextForwardToken"] })).await.unwrap();
    assert_eq!(messages(&next), ["m2", "m3"]);
    let last = get(json!({ "nextToken": next["nextForwardToken"] })).await.unwrap();
    let end = get(json!({ "nextToken": last["nextForwardToken"] })).await.unwrap();
    assert_eq!((messages(&last), messages(&end)), (vec!["m4"], vec![]));
    assert_eq!(end["nextForwardToken"], last["nextForwardToken"]);
    assert_eq!(get(json!({ "nextToken": "x/1" })).await.unwrap_err().0, "InvalidParameterException");
}

#[tokio::test]
async fn an_empty_stream_can_be_followed() {
    let (h, now) = with_stream().await;
    let get = |token: &Value| {
        let mut input = json!({ "logGroupName": "g", "logStreamName": "s" });
        if !token.is_null() {
            input["nextToken"] = token.clone();
        }
        h.call("GetLogEvents", input)
    };
    let empty = get(&Value::Null).await.unwrap();
    put(&h, json!([{ "timestamp": now, "message": "first" }])).await.unwrap();
    assert_eq!(messages(&get(&empty["nextForwardToken"]).await.unwrap()), ["first"]);
}

#[tokio::test]
async fn what_the_service_refuses_is_refused() {
    let (h, now) = with_stream().await;
    let event = |at: i64, message: &str| json!({ "timestamp": at, "message": message });
    let unordered = put(&h, json!([event(now, "b"), event(now - 1, "a")])).await.unwrap_err();
    assert!(unordered.1.contains("chronological order"), "{unordered:?}");
    let day = 24 * 60 * 60 * 1000;
    let long = put(&h, json!([event(now - day - 1, "a"), event(now, "b")])).await.unwrap_err();
    assert!(long.1.contains("cannot span more than 24 hours"), "{long:?}");
    let large = "x".repeat(600_000);
    let large = put(&h, json!([event(now, &large), event(now, &large)])).await.unwrap_err();
    assert_eq!(large.1, "Upload too large: 1200052 bytes exceeds limit of 1048576");
    let missing = json!({ "logGroupName": "g", "logStreamName": "t", "logEvents": [event(now, "a")] });
    let missing = h.call("PutLogEvents", missing).await.unwrap_err();
    assert_eq!(missing.1, "The specified log stream does not exist.");
    let old = put(&h, json!([event(now - 15 * day, "a")])).await.unwrap();
    assert_eq!(old["rejectedLogEventsInfo"], json!({ "tooOldLogEventEndIndex": 1 }));
    let new = put(&h, json!([event(now, "a"), event(now + 3 * 60 * 60 * 1000, "b")])).await.unwrap();
    assert_eq!(new["rejectedLogEventsInfo"], json!({ "tooNewLogEventStartIndex": 1 }));
    let kept = h.call("FilterLogEvents", json!({ "logGroupName": "g" })).await.unwrap();
    assert_eq!(messages(&kept), ["a"]);
}

#[tokio::test]
async fn events_of_all_streams_are_filtered_in_the_order_of_time() {
    let h = Harness::new();
    let now = h.now_millis();
    for n in 0..6 {
        h.write(if n % 2 == 0 { "even" } else { "odd" }, now + n, &format!("[ERROR] number {n}"));
    }
    h.write("even", now + 9, r#"{"level":"info","n":9}"#);
    let filter = |more: Value| {
        let mut input = json!({ "logGroupName": "/aws/lambda/f" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        h.call("FilterLogEvents", input)
    };
    let all = filter(json!({ "filterPattern": "ERROR" })).await.unwrap();
    assert_eq!(all["events"].as_array().unwrap().len(), 6);
    assert_eq!(all["events"][1]["logStreamName"], "odd");
    let odd = filter(json!({ "logStreamNames": ["odd"], "startTime": now + 2 })).await.unwrap();
    assert_eq!(messages(&odd), ["[ERROR] number 3", "[ERROR] number 5"]);
    let even = filter(json!({ "logStreamNamePrefix": "ev", "filterPattern": "{ $.n = 9 }" })).await.unwrap();
    assert_eq!(messages(&even), [r#"{"level":"info","n":9}"#]);
    let first = filter(json!({ "limit": 4 })).await.unwrap();
    let rest = filter(json!({ "limit": 4, "nextToken": first["nextToken"] })).await.unwrap();
    assert_eq!((first["events"].as_array().unwrap().len(), rest["events"].as_array().unwrap().len()), (4, 3));
    assert!(rest["nextToken"].is_null());
    let refused = filter(json!({ "filterPattern": "a-b" })).await.unwrap_err();
    assert_eq!(refused, ("InvalidParameterException".into(), "Invalid character(s) in term 'a-b'".into()));
    let group = h.call("FilterLogEvents", json!({ "logGroupName": "none" })).await.unwrap_err();
    assert_eq!(group.0, "ResourceNotFoundException");
}
