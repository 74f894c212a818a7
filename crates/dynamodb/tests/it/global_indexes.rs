//! Local and global indexes.

use serde_json::{Value, json};

use crate::harness::{Harness, all, definitions, index, numbers, table};

async fn indexed() -> Harness {
    let db = Harness::new();
    let mut input = table("xxx", &["p:S", "s:N"]);
    input["AttributeDefinitions"] = definitions(&["p:S", "s:N", "g:S", "h:N", "l:N"]);
    input["GlobalSecondaryIndexes"] = json!([
        index("all", &["g", "h"], all()),
        index("keys", &["g"], json!({"ProjectionType": "KEYS_ONLY"})),
        index("some", &["g"], json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]})),
    ]);
    input["LocalSecondaryIndexes"] =
        json!([index("local", &["p", "l"], json!({"ProjectionType": "KEYS_ONLY"}))]);
    db.ok("CreateTable", input).await;
    db
}

fn of_index(name: &str, condition: &str, values: Value) -> Value {
    json!({"TableName": "xxx", "IndexName": name, "KeyConditionExpression": condition, "ExpressionAttributeValues": values})
}

fn item(s: i64, g: &str, h: i64) -> Value {
    json!({
        "p": {"S": "a"}, "s": {"N": s.to_string()}, "g": {"S": g}, "h": {"N": h.to_string()}, "l": {"N": (-s).to_string()},
        "a": {"S": "A"}, "b": {"S": "B"},
    })
}

async fn found(db: &Harness, name: &str, g: &str) -> Value {
    db.ok("Query", of_index(name, "g = :g", json!({":g": {"S": g}}))).await["Items"].clone()
}

#[tokio::test]
async fn entries_follow_their_items() {
    let db = indexed().await;
    db.put("xxx", item(1, "one", 5)).await;
    db.put("xxx", item(2, "one", 3)).await;
    db.put("xxx", json!({"p": {"S": "a"}, "s": {"N": "3"}})).await;
    assert_eq!(numbers(&found(&db, "all", "one").await, "s"), [2, 1]);
    let keys = found(&db, "keys", "one").await;
    assert!(keys.as_array().unwrap().iter().all(|item| item.as_object().unwrap().len() == 3));
    assert_eq!(found(&db, "some", "one").await[0]["a"], json!({"S": "A"}));
    // Moved, cut out of an index, and gone.
    db.put("xxx", item(1, "two", 5)).await;
    assert_eq!(numbers(&found(&db, "all", "one").await, "s"), [2]);
    assert_eq!(numbers(&found(&db, "all", "two").await, "s"), [1]);
    let key = json!({"p": {"S": "a"}, "s": {"N": "1"}});
    db.ok("UpdateItem", json!({"TableName": "xxx", "Key": key, "UpdateExpression": "REMOVE h"})).await;
    assert_eq!(found(&db, "all", "two").await, json!([]));
    assert_eq!(numbers(&found(&db, "keys", "two").await, "s"), [1]);
    db.ok("DeleteItem", json!({"TableName": "xxx", "Key": key})).await;
    assert_eq!(found(&db, "keys", "two").await, json!([]));
    let described = db.ok("DescribeTable", json!({"TableName": "xxx"})).await["Table"].clone();
    let counts: Vec<_> =
        described["GlobalSecondaryIndexes"].as_array().unwrap().iter().map(|i| &i["ItemCount"]).collect();
    assert_eq!(counts, [&json!(1), &json!(1), &json!(1)]);
}

#[tokio::test]
async fn local_indexes_look_up_what_they_do_not_hold() {
    let db = indexed().await;
    for s in 1..4 {
        db.put("xxx", item(s, "g", s)).await;
    }
    let query = of_index("local", "p = :p AND l < :l", json!({":p": {"S": "a"}, ":l": {"N": "0"}}));
    let answer = db.ok("Query", query.clone()).await;
    assert_eq!(numbers(&answer["Items"], "s"), [3, 2, 1]);
    assert_eq!(answer["Items"][0].as_object().unwrap().len(), 3);
    let mut whole = query.clone();
    whole["Select"] = json!("ALL_ATTRIBUTES");
    assert_eq!(db.ok("Query", whole).await["Items"][0]["b"], json!({"S": "B"}));
    let mut part = query;
    part["ProjectionExpression"] = json!("b");
    part["ConsistentRead"] = json!(true);
    assert_eq!(
        db.ok("Query", part).await["Items"],
        json!([{"b": {"S": "B"}}, {"b": {"S": "B"}}, {"b": {"S": "B"}}])
    );
}

#[tokio::test]
async fn global_indexes_refuse_what_they_cannot_do() {
    let db = indexed().await;
    let query = |name: &str, more: Value| {
        let mut input = of_index(name, "g = :g", json!({":g": {"S": "g"}}));
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        input
    };
    for (input, expected) in [
        (
            query("all", json!({"ConsistentRead": true})),
            "Consistent reads are not supported on global secondary indexes",
        ),
        (
            query("keys", json!({"Select": "ALL_ATTRIBUTES"})),
            "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary \
             index keys because its projection type is not ALL",
        ),
        (
            query("some", json!({"ProjectionExpression": "a, b"})),
            "One or more parameter values were invalid: Global secondary index some does not project [b]",
        ),
    ] {
        assert_eq!(db.invalid("Query", input).await, expected);
    }
    for (attribute, expected) in [
        (
            json!({"N": "1"}),
            "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: all",
        ),
        (
            json!({"S": ""}),
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The \
             AttributeValue for a key attribute cannot contain an empty string value. IndexName: all, IndexKey: g",
        ),
    ] {
        let put = json!({"TableName": "xxx", "Item": {"p": {"S": "a"}, "s": {"N": "1"}, "g": attribute}});
        assert_eq!(db.invalid("PutItem", put).await, expected);
    }
}

#[tokio::test]
async fn no_road_leads_to_an_index_key_that_is_too_long() {
    let db = indexed().await;
    let long = json!({"S": "g".repeat(2049)});
    let expected = "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes";
    let item = json!({"p": {"S": "a"}, "s": {"N": "1"}, "g": long});
    assert_eq!(db.invalid("PutItem", json!({"TableName": "xxx", "Item": item})).await, expected);
    let update = json!({
        "TableName": "xxx", "Key": {"p": {"S": "a"}, "s": {"N": "1"}}, "UpdateExpression": "SET g = :g",
        "ExpressionAttributeValues": {":g": long},
    });
    assert_eq!(db.invalid("UpdateItem", update).await, expected);
    // An item from before the index stays out of it.
    let db = Harness::with_table().await;
    db.put("ttt", json!({"p": {"S": "a"}, "g": long})).await;
    let create = json!({
        "TableName": "ttt", "AttributeDefinitions": definitions(&["p:S", "g:S"]),
        "GlobalSecondaryIndexUpdates": [{"Create": index("later", &["g"], all())}],
    });
    db.ok("UpdateTable", create).await;
    db.settle().await;
    assert_eq!(db.ok("Scan", json!({"TableName": "ttt", "IndexName": "later"})).await["Count"], 0);
}

#[tokio::test]
async fn pages_of_an_index_start_where_the_last_ended() {
    let db = indexed().await;
    for s in 0..7 {
        db.put("xxx", item(s, "g", s / 3)).await;
    }
    for forward in [true, false] {
        let (mut seen, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut input = of_index("all", "g = :g", json!({":g": {"S": "g"}}));
            (input["Limit"], input["ScanIndexForward"]) = (json!(2), json!(forward));
            if !start.is_null() {
                assert_eq!(start.as_object().unwrap().len(), 4);
                input["ExclusiveStartKey"] = start;
            }
            let page = db.ok("Query", input).await;
            seen.extend(numbers(&page["Items"], "s"));
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
        let mut expected: Vec<i64> = (0..7).collect();
        if !forward {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
    let scan = db.ok("Scan", json!({"TableName": "xxx", "IndexName": "all", "Limit": 4})).await;
    assert_eq!(scan["Count"], 4);
}

#[tokio::test]
async fn a_new_index_takes_over_what_was_there() {
    let db = Harness::with_table().await;
    for n in 0..40 {
        let g = if n % 4 == 0 { json!({"N": "1"}) } else { json!({"S": "g"}) };
        db.put("ttt", json!({"p": {"S": format!("{n}")}, "g": g, "n": {"N": n.to_string()}})).await;
    }
    let create = json!({
        "TableName": "ttt", "AttributeDefinitions": definitions(&["p:S", "g:S"]),
        "GlobalSecondaryIndexUpdates": [{"Create": index("later", &["g"], all())}],
    });
    let made = db.ok("UpdateTable", create.clone()).await["TableDescription"].clone();
    assert_eq!(made["TableStatus"], "UPDATING");
    assert_eq!(made["GlobalSecondaryIndexes"][0]["IndexStatus"], "CREATING");
    assert_eq!(made["GlobalSecondaryIndexes"][0]["Backfilling"], true);
    let query = json!({
        "TableName": "ttt", "IndexName": "later", "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": {":g": {"S": "g"}},
    });
    let message = db.invalid("Query", query.clone()).await;
    assert_eq!(message, "Cannot read from backfilling global secondary index: later");
    // Written while the index is being filled: before a step, between two, and after the items' own turn.
    nephos_dynamodb::worker::step_all(&db.db).await.unwrap();
    db.put("ttt", json!({"p": {"S": "1"}, "g": {"S": "g"}, "n": {"N": "100"}})).await;
    db.ok("DeleteItem", json!({"TableName": "ttt", "Key": {"p": {"S": "2"}}})).await;
    db.put("ttt", json!({"p": {"S": "new"}, "g": {"S": "g"}, "n": {"N": "101"}})).await;
    db.ok("DeleteItem", json!({"TableName": "ttt", "Key": {"p": {"S": "39"}}})).await;
    db.settle().await;
    let mut found = numbers(&db.ok("Query", query).await["Items"], "n");
    found.sort_unstable();
    let mut expected: Vec<i64> = (0..39).filter(|n| n % 4 != 0 && *n > 2).collect();
    expected.extend([100, 101]);
    assert_eq!(found, expected);
    let described = db.ok("DescribeTable", json!({"TableName": "ttt"})).await["Table"].clone();
    let index = &described["GlobalSecondaryIndexes"][0];
    assert_eq!((&index["IndexStatus"], &index["ItemCount"]), (&json!("ACTIVE"), &json!(expected.len())));
    assert_eq!(db.invalid("UpdateTable", create).await, "Attempting to create an index which already exists");
    let delete =
        json!({"TableName": "ttt", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "later"}}]});
    db.ok("UpdateTable", delete.clone()).await;
    let described = db.ok("DescribeTable", json!({"TableName": "ttt"})).await["Table"].clone();
    assert!(described.get("GlobalSecondaryIndexes").is_none());
    assert_eq!(described["AttributeDefinitions"], definitions(&["p:S"]));
    assert_eq!(db.fails("UpdateTable", delete).await.0, "ResourceNotFoundException");
    db.put("ttt", json!({"p": {"S": "x"}, "g": {"N": "1"}})).await;
}

#[tokio::test]
async fn indexes_may_have_keys_of_several_attributes() {
    let db = Harness::new();
    let mut input = table("many", &["p:S"]);
    input["AttributeDefinitions"] = definitions(&["p:S", "a:S", "b:N", "c:S", "d:N"]);
    let keys: Vec<Value> = [("a", "HASH"), ("b", "HASH"), ("c", "RANGE"), ("d", "RANGE")]
        .map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind}))
        .to_vec();
    input["GlobalSecondaryIndexes"] =
        json!([{"IndexName": "wide", "KeySchema": keys, "Projection": {"ProjectionType": "ALL"}}]);
    db.ok("CreateTable", input).await;
    for n in 0..6 {
        db.put("many", json!({
            "p": {"S": format!("{n}")}, "a": {"S": "a"}, "b": {"N": "1"}, "c": {"S": if n < 3 { "x" } else { "y" }},
            "d": {"N": n.to_string()},
        }))
        .await;
    }
    let values = || json!({":a": {"S": "a"}, ":b": {"N": "1"}});
    let query = |condition: &str, more: Value| {
        let mut values = values();
        for (name, value) in more.as_object().unwrap() {
            values[name] = value.clone();
        }
        json!({
            "TableName": "many", "IndexName": "wide", "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
        })
    };
    for (condition, more, expected) in [
        ("a = :a AND b = :b", json!({}), vec![0, 1, 2, 3, 4, 5]),
        ("a = :a AND b = :b AND c = :c", json!({":c": {"S": "y"}}), vec![3, 4, 5]),
        ("a = :a AND b = :b AND c = :c AND d > :d", json!({":c": {"S": "y"}, ":d": {"N": "3"}}), vec![4, 5]),
        ("a = :a AND b = :b AND begins_with(c, :c)", json!({":c": {"S": "x"}}), vec![0, 1, 2]),
    ] {
        let answer = db.ok("Query", query(condition, more)).await;
        assert_eq!(numbers(&answer["Items"], "d"), expected, "{condition}");
    }
    let mut lacking = query("a = :a", json!({}));
    lacking["ExpressionAttributeValues"].as_object_mut().unwrap().remove(":b");
    assert_eq!(db.invalid("Query", lacking).await, "Query condition missed key schema element: b");
}
