//! The parameters from before expressions.

use serde_json::json;

use crate::harness::{Harness, numbers};

#[tokio::test]
async fn expectations_guard_writes() {
    let db = Harness::with_table().await;
    let put = |expected: serde_json::Value| json!({"TableName": "ttt", "Item": {"p": {"S": "a"}, "v": {"N": "1"}}, "Expected": expected});
    db.ok("PutItem", put(json!({"p": {"Exists": false}}))).await;
    assert_eq!(
        db.fails("PutItem", put(json!({"p": {"Exists": false}}))).await.0,
        "ConditionalCheckFailedException"
    );
    db.ok("PutItem", put(json!({"v": {"Value": {"N": "1"}}}))).await;
    let two = |operator: &str| {
        let mut input = put(json!({
            "v": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "5"}]},
            "p": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "a"}]},
        }));
        input["ConditionalOperator"] = json!(operator);
        input
    };
    db.ok("PutItem", two("OR")).await;
    assert_eq!(db.fails("PutItem", two("AND")).await.0, "ConditionalCheckFailedException");
}

#[tokio::test]
async fn attribute_updates_put_add_and_delete() {
    let db = Harness::with_table().await;
    db.put("ttt", json!({"p": {"S": "a"}, "n": {"N": "1"}, "s": {"SS": ["a", "b"]}, "x": {"S": "x"}})).await;
    let answer = db
        .ok(
            "UpdateItem",
            json!({
                "TableName": "ttt", "Key": {"p": {"S": "a"}}, "ReturnValues": "ALL_NEW",
                "AttributeUpdates": {
                    "n": {"Action": "ADD", "Value": {"N": "2"}},
                    "s": {"Action": "DELETE", "Value": {"SS": ["a"]}},
                    "x": {"Action": "DELETE"},
                    "y": {"Value": {"S": "y"}},
                },
            }),
        )
        .await;
    assert_eq!(
        answer["Attributes"],
        json!({"p": {"S": "a"}, "n": {"N": "3"}, "s": {"SS": ["b"]}, "y": {"S": "y"}})
    );
}

#[tokio::test]
async fn queries_and_scans_take_conditions() {
    let db = Harness::with_range_table().await;
    for n in 0..6 {
        db.put("rrr", json!({"p": {"S": "a"}, "s": {"N": n.to_string()}, "v": {"N": (n % 3).to_string()}}))
            .await;
    }
    let answer = db
        .ok(
            "Query",
            json!({
                "TableName": "rrr", "AttributesToGet": ["s"],
                "KeyConditions": {
                    "p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]},
                    "s": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "1"}, {"N": "4"}]},
                },
                "QueryFilter": {"v": {"ComparisonOperator": "NE", "AttributeValueList": [{"N": "0"}]}},
            }),
        )
        .await;
    assert_eq!(answer["Items"], json!([{"s": {"N": "1"}}, {"s": {"N": "2"}}, {"s": {"N": "4"}}]));
    let answer = db
        .ok("Scan", json!({
            "TableName": "rrr", "ScanFilter": {"v": {"ComparisonOperator": "IN", "AttributeValueList": [{"N": "2"}]}},
        }))
        .await;
    assert_eq!(numbers(&answer["Items"], "s"), [2, 5]);
}
