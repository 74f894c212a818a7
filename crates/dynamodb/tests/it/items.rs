//! Put, get, delete.

use serde_json::json;

use crate::harness::Harness;

#[tokio::test]
async fn every_type_comes_back_as_it_was_put() {
    let db = Harness::with_table().await;
    let item = json!({
        "p": {"S": "a"}, "s": {"S": "é\u{0}x"}, "n": {"N": "-0.5"}, "b": {"B": "AAEC"}, "yes": {"BOOL": true},
        "nil": {"NULL": true}, "l": {"L": [{"N": "1"}, {"M": {}}, {"S": ""}]}, "m": {"M": {"k": {"L": []}}},
        "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2.5"]}, "bs": {"BS": ["AA==", "AQ=="]},
    });
    db.put("ttt", item.clone()).await;
    assert_eq!(db.get("ttt", json!({"p": {"S": "a"}})).await, item);
    assert!(db.get("ttt", json!({"p": {"S": "b"}})).await.is_null());
}

#[tokio::test]
async fn numbers_are_exact_and_expanded() {
    let db = Harness::with_table().await;
    for (given, expected) in [
        ("1e3", "1000"),
        (".5", "0.5"),
        ("-0.0", "0"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("1E-130", &format!("0.{}1", "0".repeat(129))),
        ("00010.100", "10.1"),
    ] {
        db.put("ttt", json!({"p": {"S": "n"}, "n": {"N": given}})).await;
        assert_eq!(db.get("ttt", json!({"p": {"S": "n"}})).await["n"]["N"], json!(expected));
    }
}

#[tokio::test]
async fn what_was_there_is_given_back_when_asked_for() {
    let db = Harness::with_table().await;
    let put = |v: &str, returns: &str| json!({"TableName": "ttt", "Item": {"p": {"S": "a"}, "v": {"S": v}}, "ReturnValues": returns});
    assert_eq!(db.ok("PutItem", put("1", "ALL_OLD")).await, json!({}));
    assert_eq!(db.ok("PutItem", put("2", "NONE")).await, json!({}));
    let answer = db.ok("PutItem", put("3", "ALL_OLD")).await;
    assert_eq!(answer, json!({"Attributes": {"p": {"S": "a"}, "v": {"S": "2"}}}));
    let delete = json!({"TableName": "ttt", "Key": {"p": {"S": "a"}}, "ReturnValues": "ALL_OLD"});
    let answer = db.ok("DeleteItem", delete.clone()).await;
    assert_eq!(answer["Attributes"]["v"], json!({"S": "3"}));
    assert_eq!(db.ok("DeleteItem", delete).await, json!({}));
    assert_eq!(
        db.invalid("PutItem", put("4", "UPDATED_OLD")).await,
        "1 validation error detected: ReturnValues can only be ALL_OLD or NONE"
    );
}

#[tokio::test]
async fn conditions_guard_writes() {
    let db = Harness::with_table().await;
    let put = json!({
        "TableName": "ttt", "Item": {"p": {"S": "a"}, "v": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(p)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    db.ok("PutItem", put.clone()).await;
    let error = db.call("PutItem", put).await.unwrap_err();
    assert_eq!(error["__type"], json!("com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"));
    assert_eq!(error["message"], json!("The conditional request failed"));
    assert_eq!(error["Item"], json!({"p": {"S": "a"}, "v": {"N": "1"}}));
    let delete = |v: &str| {
        json!({
            "TableName": "ttt", "Key": {"p": {"S": "a"}}, "ConditionExpression": "#v = :v",
            "ExpressionAttributeNames": {"#v": "v"}, "ExpressionAttributeValues": {":v": {"N": v}},
        })
    };
    assert_eq!(db.fails("DeleteItem", delete("2")).await.0, "ConditionalCheckFailedException");
    db.ok("DeleteItem", delete("1.0")).await;
    assert_eq!(db.fails("DeleteItem", delete("1")).await.0, "ConditionalCheckFailedException");
}

#[tokio::test]
async fn projections_cut_items() {
    let db = Harness::with_table().await;
    db.put(
        "ttt",
        json!({
            "p": {"S": "a"}, "x": {"N": "1"}, "m": {"M": {"k": {"S": "v"}, "o": {"S": "w"}}},
            "l": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]},
        }),
    )
    .await;
    let get = |expression: &str| {
        json!({
            "TableName": "ttt", "Key": {"p": {"S": "a"}}, "ProjectionExpression": expression,
            "ExpressionAttributeNames": {"#l": "l"},
        })
    };
    let answer = db.ok("GetItem", get("x, m.k, #l[2], #l[0], nope")).await;
    let expected =
        json!({"x": {"N": "1"}, "m": {"M": {"k": {"S": "v"}}}, "l": {"L": [{"S": "0"}, {"S": "2"}]}});
    assert_eq!(answer["Item"], expected);
    assert_eq!(db.ok("GetItem", get("#l[9]")).await["Item"], json!({}));
}

#[tokio::test]
async fn items_may_be_as_large_as_aws_allows_and_no_larger() {
    let db = Harness::with_table().await;
    // p, its value, and d are three bytes.
    let item = |bytes: usize| json!({"p": {"S": "a"}, "d": {"S": "x".repeat(bytes - 3)}});
    db.put("ttt", item(409_600)).await;
    let put = json!({"TableName": "ttt", "Item": item(409_601)});
    assert_eq!(db.invalid("PutItem", put).await, "Item size has exceeded the maximum allowed size");
    let update = json!({
        "TableName": "ttt", "Key": {"p": {"S": "a"}}, "UpdateExpression": "SET e = :e",
        "ExpressionAttributeValues": {":e": {"BOOL": true}},
    });
    let expected = "Item size to update has exceeded the maximum allowed size";
    assert_eq!(db.invalid("UpdateItem", update).await, expected);
}

#[tokio::test]
async fn keys_are_checked_against_the_schema() {
    let db = Harness::with_range_table().await;
    let mismatch = "The provided key element does not match the schema";
    for (key, expected) in [
        (json!({"p": {"S": "a"}}), mismatch),
        (json!({"p": {"S": "a"}, "s": {"S": "1"}}), mismatch),
        (json!({"p": {"S": "a"}, "s": {"N": "1"}, "x": {"N": "1"}}), mismatch),
        (json!({}), mismatch),
        (
            json!({"p": {"S": ""}, "s": {"N": "1"}}),
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             string value. Key: p",
        ),
    ] {
        assert_eq!(db.invalid("GetItem", json!({"TableName": "rrr", "Key": key})).await, expected);
        assert_eq!(db.invalid("DeleteItem", json!({"TableName": "rrr", "Key": key})).await, expected);
    }
    let put = |item: serde_json::Value| json!({"TableName": "rrr", "Item": item});
    assert_eq!(
        db.invalid("PutItem", put(json!({"p": {"S": "a"}}))).await,
        "One or more parameter values were invalid: Missing the key s in the item"
    );
    assert_eq!(
        db.invalid("PutItem", put(json!({"p": {"S": "a"}, "s": {"S": "1"}}))).await,
        "One or more parameter values were invalid: Type mismatch for key s expected: N actual: S"
    );
    assert_eq!(
        db.invalid("PutItem", put(json!({"p": {"S": "a".repeat(2049)}, "s": {"N": "1"}}))).await,
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
    );
}
