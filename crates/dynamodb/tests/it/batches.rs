//! BatchGetItem and BatchWriteItem.

use serde_json::{Value, json};

use crate::harness::Harness;

fn put(p: &str) -> Value {
    json!({"PutRequest": {"Item": {"p": {"S": p}, "v": {"S": p}}}})
}

#[tokio::test]
async fn batches_write_and_read_several_tables() {
    let db = Harness::with_table().await;
    db.table("other", &["p:S"]).await;
    db.put("ttt", json!({"p": {"S": "old"}})).await;
    let delete = json!({"DeleteRequest": {"Key": {"p": {"S": "old"}}}});
    let write = json!({"RequestItems": {"ttt": [put("a"), put("b"), delete], "other": [put("c")]}});
    assert_eq!(db.ok("BatchWriteItem", write).await, json!({"UnprocessedItems": {}}));
    let keys: Vec<Value> = ["a", "b", "old", "none"].iter().map(|p| json!({"p": {"S": p}})).collect();
    let read = json!({"RequestItems": {
        "ttt": {"Keys": keys, "ProjectionExpression": "v"}, "other": {"Keys": [{"p": {"S": "c"}}]},
    }});
    let answer = db.ok("BatchGetItem", read).await;
    assert_eq!(
        answer["Responses"],
        json!({
            "ttt": [{"v": {"S": "a"}}, {"v": {"S": "b"}}], "other": [{"p": {"S": "c"}, "v": {"S": "c"}}],
        })
    );
    assert_eq!(answer["UnprocessedKeys"], json!({}));
}

#[tokio::test]
async fn a_batch_that_would_be_too_large_is_left_unprocessed() {
    let db = Harness::with_table().await;
    for n in 0..45 {
        db.put("ttt", json!({"p": {"S": n.to_string()}, "d": {"S": "x".repeat(400_000)}})).await;
    }
    let keys: Vec<Value> = (0..45).map(|n| json!({"p": {"S": n.to_string()}})).collect();
    let answer =
        db.ok("BatchGetItem", json!({"RequestItems": {"ttt": {"Keys": keys, "ConsistentRead": true}}})).await;
    let found = answer["Responses"]["ttt"].as_array().unwrap().len();
    let rest = &answer["UnprocessedKeys"]["ttt"];
    assert_eq!(found, 41);
    assert_eq!(rest["Keys"].as_array().unwrap().len(), 4);
    assert_eq!(rest["ConsistentRead"], true);
}

#[tokio::test]
async fn faulty_batches_are_refused() {
    let db = Harness::with_table().await;
    let write = |requests: Value| json!({"RequestItems": {"ttt": requests}});
    for (input, expected) in [
        (write(json!([put("a"), put("a")])), "Provided list of item keys contains duplicates"),
        (
            write(json!([{"PutRequest": {"Item": {"x": {"S": "a"}}}}])),
            "The provided key element does not match the schema",
        ),
        (
            write(json!([{"PutRequest": {"Item": {"p": {"S": "a"}, "x": {"SS": ["b", "a", "b"]}}}}])),
            "One or more parameter values were invalid: Input collection [b, a, b] contains duplicates.",
        ),
    ] {
        assert_eq!(db.invalid("BatchWriteItem", input).await, expected);
    }
    let many: Vec<Value> = (0..26).map(|n| put(&n.to_string())).collect();
    assert!(db.fails("BatchWriteItem", write(json!(many))).await.0 == "ValidationException");
    let missing = json!({"RequestItems": {"ttt": [put("a")], "nope": [put("a")]}});
    assert_eq!(db.fails("BatchWriteItem", missing).await.0, "ResourceNotFoundException");
    assert!(db.get("ttt", json!({"p": {"S": "a"}})).await.is_null());
    let twice = json!({"RequestItems": {"ttt": {"Keys": [{"p": {"S": "a"}}, {"p": {"S": "a"}}]}}});
    assert_eq!(db.invalid("BatchGetItem", twice).await, "Provided list of item keys contains duplicates");
}
