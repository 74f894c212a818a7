//! What calls say of the capacity that they use.

use serde_json::{Value, json};

use crate::harness::{Harness, all, definitions, index, table};

async fn indexed() -> Harness {
    let db = Harness::new();
    let mut input = table("xxx", &["p:S", "s:S"]);
    input["AttributeDefinitions"] = definitions(&["p:S", "s:S", "g:S", "l:S"]);
    input["GlobalSecondaryIndexes"] = json!([index("global", &["g"], all())]);
    input["LocalSecondaryIndexes"] =
        json!([index("local", &["p", "l"], json!({"ProjectionType": "KEYS_ONLY"}))]);
    db.ok("CreateTable", input).await;
    db
}

fn put(g: Option<&str>, l: Option<&str>, bytes: usize) -> Value {
    let mut item = json!({"p": {"S": "p"}, "s": {"S": "s"}, "d": {"S": "x".repeat(bytes)}});
    for (name, value) in [("g", g), ("l", l)] {
        if let Some(value) = value {
            item[name] = json!({"S": value});
        }
    }
    json!({"TableName": "xxx", "Item": item, "ReturnConsumedCapacity": "INDEXES"})
}

#[tokio::test]
async fn writes_cost_by_the_larger_item_and_by_every_entry() {
    let db = indexed().await;
    let capacity = |total: f64, table: f64, global: f64, local: f64| {
        let units = |units: f64| json!({"CapacityUnits": units});
        let mut report = json!({"TableName": "xxx", "CapacityUnits": total, "Table": units(table)});
        if global > 0.0 {
            report["GlobalSecondaryIndexes"] = json!({"global": units(global)});
        }
        if local > 0.0 {
            report["LocalSecondaryIndexes"] = json!({"local": units(local)});
        }
        report
    };
    for (input, expected) in [
        (put(None, None, 10), capacity(1.0, 1.0, 0.0, 0.0)),
        (put(Some("g"), None, 10), capacity(2.0, 1.0, 1.0, 0.0)),
        (put(Some("g"), Some("l"), 1500), capacity(5.0, 2.0, 2.0, 1.0)),
        // The same again writes nothing but is paid for.
        (put(Some("g"), Some("l"), 1500), capacity(2.0, 2.0, 0.0, 0.0)),
        // A key that moves costs a deletion and a write.
        (put(Some("h"), Some("l"), 10), capacity(5.0, 2.0, 3.0, 0.0)),
        (put(None, None, 10), capacity(3.0, 1.0, 1.0, 1.0)),
    ] {
        assert_eq!(db.ok("PutItem", input.clone()).await["ConsumedCapacity"], expected, "{input}");
    }
}

#[tokio::test]
async fn reads_cost_by_four_kilobytes() {
    let db = indexed().await;
    db.ok("PutItem", put(Some("g"), Some("l"), 5000)).await;
    let key = json!({"p": {"S": "p"}, "s": {"S": "s"}});
    let get = |consistent: bool, key: &Value| json!({"TableName": "xxx", "Key": key, "ConsistentRead": consistent, "ReturnConsumedCapacity": "TOTAL"});
    let missing = json!({"p": {"S": "p"}, "s": {"S": "no"}});
    for (input, expected) in [
        (get(true, &key), 2.0),
        (get(false, &key), 1.0),
        (get(true, &missing), 1.0),
        (get(false, &missing), 0.5),
    ] {
        let answer = db.ok("GetItem", input).await;
        assert_eq!(answer["ConsumedCapacity"], json!({"TableName": "xxx", "CapacityUnits": expected}));
    }
    let query = |select: &str| {
        json!({
            "TableName": "xxx", "IndexName": "local", "KeyConditionExpression": "p = :p", "Select": select,
            "ExpressionAttributeValues": {":p": {"S": "p"}}, "ReturnConsumedCapacity": "INDEXES",
        })
    };
    let answer = db.ok("Query", query("ALL_PROJECTED_ATTRIBUTES")).await;
    let report = &answer["ConsumedCapacity"];
    assert_eq!(report["CapacityUnits"], 0.5);
    assert_eq!(report["LocalSecondaryIndexes"]["local"]["CapacityUnits"], 0.5);
    // Looking up an item that the index does not hold costs a read of the table.
    let answer = db.ok("Query", query("ALL_ATTRIBUTES")).await;
    assert_eq!(answer["ConsumedCapacity"]["CapacityUnits"], 1.5);
}

#[tokio::test]
async fn collections_are_measured_where_there_are_local_indexes() {
    let db = indexed().await;
    let mut input = put(None, Some("l"), 10);
    input["ReturnItemCollectionMetrics"] = json!("SIZE");
    let answer = db.ok("PutItem", input).await;
    let expected = json!({"ItemCollectionKey": {"p": {"S": "p"}}, "SizeEstimateRangeGB": [0.0, 1.0]});
    assert_eq!(answer["ItemCollectionMetrics"], expected);
}
