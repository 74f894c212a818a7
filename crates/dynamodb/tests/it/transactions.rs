//! TransactWriteItems and TransactGetItems.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Harness, failure};

fn key(p: &str) -> Value {
    json!({"p": {"S": p}})
}

fn put(p: &str) -> Value {
    json!({"Put": {"TableName": "ttt", "Item": {"p": {"S": p}}}})
}

#[tokio::test]
async fn all_actions_happen_or_none() {
    let db = Harness::with_table().await;
    db.put("ttt", json!({"p": {"S": "old"}, "n": {"N": "1"}})).await;
    db.put("ttt", json!({"p": {"S": "gone"}})).await;
    let add = |condition: &str| {
        json!({"Update": {
            "TableName": "ttt", "Key": key("old"), "UpdateExpression": "ADD n :one", "ConditionExpression": condition,
            "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }})
    };
    let actions = |condition: &str| {
        json!({"TransactItems": [
            put("new"),
            {"Delete": {"TableName": "ttt", "Key": key("gone")}},
            add(condition),
            {"ConditionCheck": {"TableName": "ttt", "Key": key("nobody"), "ConditionExpression": "attribute_not_exists(p)"}},
        ]})
    };
    let error = db.call("TransactWriteItems", actions("attribute_exists(n) AND n > :one")).await.unwrap_err();
    let (code, message) = failure(&error);
    assert_eq!(code, "TransactionCanceledException");
    assert_eq!(
        message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, None, \
         ConditionalCheckFailed, None]"
    );
    assert_eq!(
        error["CancellationReasons"],
        json!([
            {"Code": "None"}, {"Code": "None"},
            {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed",
             "Item": {"p": {"S": "old"}, "n": {"N": "1"}}},
            {"Code": "None"},
        ])
    );
    assert!(db.get("ttt", key("new")).await.is_null());
    assert!(!db.get("ttt", key("gone")).await.is_null());
    assert_eq!(db.ok("TransactWriteItems", actions("n = :one")).await, json!({}));
    assert!(!db.get("ttt", key("new")).await.is_null());
    assert!(db.get("ttt", key("gone")).await.is_null());
    assert_eq!(db.get("ttt", key("old")).await["n"], json!({"N": "2"}));
}

#[tokio::test]
async fn a_token_makes_a_transaction_happen_once() {
    let db = Harness::with_table().await;
    let add = |n: &str| {
        json!({"ClientRequestToken": "once", "ReturnConsumedCapacity": "TOTAL", "TransactItems": [{"Update": {
            "TableName": "ttt", "Key": key("a"), "UpdateExpression": "ADD n :n",
            "ExpressionAttributeValues": {":n": {"N": n}},
        }}]})
    };
    let first = db.ok("TransactWriteItems", add("1")).await;
    assert_eq!(first["ConsumedCapacity"][0]["WriteCapacityUnits"], json!(2.0));
    let second = db.ok("TransactWriteItems", add("1")).await;
    assert_eq!(second["ConsumedCapacity"][0]["ReadCapacityUnits"], json!(2.0));
    assert_eq!(db.get("ttt", key("a")).await["n"], json!({"N": "1"}));
    assert_eq!(db.fails("TransactWriteItems", add("2")).await.0, "IdempotentParameterMismatchException");
    db.clock.advance(Duration::from_secs(601));
    nephos_dynamodb::worker::expire::sweep(&db.db).await.unwrap();
    db.ok("TransactWriteItems", add("2")).await;
    assert_eq!(db.get("ttt", key("a")).await["n"], json!({"N": "3"}));
}

#[tokio::test]
async fn faulty_transactions_are_refused() {
    let db = Harness::with_table().await;
    let write = |actions: Value| json!({"TransactItems": actions});
    for (input, expected) in [
        (
            write(json!([put("a"), put("a")])),
            "Transaction request cannot include multiple operations on one item",
        ),
        (
            write(
                json!([{"Put": {"TableName": "ttt", "Item": key("a")}, "Delete": {"TableName": "ttt", "Key": key("a")}}]),
            ),
            "TransactItems can only contain one of Check, Put, Update or Delete",
        ),
        (
            write(json!([{"Put": {"TableName": "ttt", "Item": key("")}}])),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             string value. Key: p",
        ),
        (
            write(json!([{"Delete": {"TableName": "ttt", "Key": key("a"), "ConditionExpression": "a = "}}])),
            "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"=\"",
        ),
    ] {
        assert_eq!(db.invalid("TransactWriteItems", input).await, expected);
    }
    let error = db
        .call(
            "TransactWriteItems",
            write(json!([put("a"), {"Delete": {"TableName": "ttt", "Key": {"p": {"N": "1"}}}}])),
        )
        .await
        .unwrap_err();
    assert_eq!(
        error["CancellationReasons"],
        json!([
            {"Code": "None"},
            {"Code": "ValidationError", "Message": "The provided key element does not match the schema"},
        ])
    );
    let missing = write(json!([{"Put": {"TableName": "nope", "Item": key("a")}}]));
    assert_eq!(db.fails("TransactWriteItems", missing).await.0, "ResourceNotFoundException");
    let many: Vec<Value> = (0..101).map(|n| put(&n.to_string())).collect();
    let message = db.invalid("TransactWriteItems", write(json!(many))).await;
    assert!(message.contains("Member must have length less than or equal to 100"), "{message}");
}

#[tokio::test]
async fn a_transaction_reads_one_moment() {
    let db = Harness::with_table().await;
    db.put("ttt", json!({"p": {"S": "a"}, "x": {"N": "1"}, "y": {"N": "2"}})).await;
    let get = |p: &str, projection: &str| json!({"Get": {"TableName": "ttt", "Key": key(p), "ProjectionExpression": projection}});
    let input = json!({"TransactItems": [get("a", "x"), get("b", "x"), ], "ReturnConsumedCapacity": "TOTAL"});
    let answer = db.ok("TransactGetItems", input).await;
    assert_eq!(answer["Responses"], json!([{"Item": {"x": {"N": "1"}}}, {}]));
    assert_eq!(
        answer["ConsumedCapacity"],
        json!([{"TableName": "ttt", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}])
    );
    let twice = json!({"TransactItems": [get("a", "x"), get("a", "y")]});
    let expected = "Transaction request cannot include multiple operations on one item";
    assert_eq!(db.invalid("TransactGetItems", twice).await, expected);
}
