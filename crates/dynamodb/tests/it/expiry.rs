//! Items that expire.

use std::time::Duration;

use nephos_dynamodb::worker;
use serde_json::{Value, json};

use crate::harness::{Harness, all, definitions, index, table};

fn specification(enabled: bool) -> Value {
    json!({"TableName": "ttt", "TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": "ttl"}})
}

async fn put(db: &Harness, p: &str, seconds: i64) {
    let at = db.clock.now().secs() + seconds;
    db.put("ttt", json!({"p": {"S": p}, "g": {"S": "g"}, "ttl": {"N": at.to_string()}})).await;
}

async fn left(db: &Harness) -> Vec<String> {
    let scan = db.ok("Scan", json!({"TableName": "ttt"})).await;
    let mut left: Vec<String> = scan["Items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["p"]["S"].as_str().unwrap().to_owned())
        .collect();
    left.sort_unstable();
    left
}

#[tokio::test]
async fn items_go_when_their_time_has_come() {
    let db = Harness::new();
    let mut input = table("ttt", &["p:S"]);
    input["AttributeDefinitions"] = definitions(&["p:S", "g:S"]);
    input["GlobalSecondaryIndexes"] = json!([index("idx", &["g"], all())]);
    db.ok("CreateTable", input).await;
    put(&db, "before", 5).await;
    db.put("ttt", json!({"p": {"S": "text"}, "ttl": {"S": "1"}})).await;
    put(&db, "ancient", -6 * 365 * 24 * 3600).await;
    db.ok("UpdateTimeToLive", specification(true)).await;
    let status = || async {
        db.ok("DescribeTimeToLive", json!({"TableName": "ttt"})).await["TimeToLiveDescription"].clone()
    };
    assert_eq!(status().await, json!({"TimeToLiveStatus": "ENABLING", "AttributeName": "ttl"}));
    db.settle().await;
    assert_eq!(status().await, json!({"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}));
    put(&db, "soon", 10).await;
    put(&db, "later", 1000).await;
    put(&db, "moved", 10).await;
    put(&db, "moved", 1000).await;
    assert_eq!(worker::expire::sweep(&db.db).await.unwrap(), 0);
    db.clock.advance(Duration::from_secs(11));
    assert_eq!(worker::expire::sweep(&db.db).await.unwrap(), 2);
    assert_eq!(left(&db).await, ["ancient", "later", "moved", "text"]);
    let indexed = db.ok("Scan", json!({"TableName": "ttt", "IndexName": "idx"})).await;
    assert_eq!(indexed["Count"], 3);
    db.ok("UpdateTimeToLive", specification(false)).await;
    db.clock.advance(Duration::from_secs(1000));
    assert_eq!(worker::expire::sweep(&db.db).await.unwrap(), 0);
    db.settle().await;
    assert_eq!(status().await, json!({"TimeToLiveStatus": "DISABLED"}));
    db.ok("UpdateTimeToLive", specification(true)).await;
    db.settle().await;
    assert_eq!(worker::expire::sweep(&db.db).await.unwrap(), 2);
    assert_eq!(left(&db).await, ["ancient", "text"]);
}

#[tokio::test]
async fn expiry_is_turned_on_and_off_once() {
    let db = Harness::with_table().await;
    assert_eq!(db.invalid("UpdateTimeToLive", specification(false)).await, "TimeToLive is already disabled");
    db.ok("UpdateTimeToLive", specification(true)).await;
    assert_eq!(db.invalid("UpdateTimeToLive", specification(true)).await, "TimeToLive is already enabled");
    let missing = json!({"TableName": "nope"});
    assert_eq!(db.fails("DescribeTimeToLive", missing).await.0, "ResourceNotFoundException");
}

#[tokio::test]
async fn workers_do_it_by_themselves() {
    let db = Harness::with_table().await;
    let _workers = nephos_dynamodb::Workers::start(&db.db);
    db.ok("UpdateTimeToLive", specification(true)).await;
    put(&db, "a", 3).await;
    db.clock.advance(Duration::from_secs(4));
    for _ in 0..100 {
        if left(&db).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the item did not expire within five seconds");
}
