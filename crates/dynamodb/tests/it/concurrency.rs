//! Many writers at once, on the embedded engine.

use std::sync::Arc;

use nephos_store::Store;
use serde_json::json;

use crate::harness::{Harness, all, definitions, index, table};

const WRITERS: usize = 64;
const WRITES: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_increment_of_a_counter_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Default::default()).unwrap();
    let db = Arc::new(Harness::on(store));
    let mut input = table("ccc", &["p:S"]);
    input["AttributeDefinitions"] = definitions(&["p:S", "n:N"]);
    input["GlobalSecondaryIndexes"] = json!([index("by-count", &["n"], all())]);
    db.ok("CreateTable", input).await;
    let tasks: Vec<_> = (0..WRITERS)
        .map(|_| {
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                for _ in 0..WRITES {
                    let add = json!({
                        "TableName": "ccc", "Key": {"p": {"S": "counter"}}, "UpdateExpression": "ADD n :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                    });
                    db.ok("UpdateItem", add).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let total = (WRITERS * WRITES).to_string();
    assert_eq!(db.get("ccc", json!({"p": {"S": "counter"}})).await["n"], json!({"N": total}));
    let entries = db.ok("Scan", json!({"TableName": "ccc", "IndexName": "by-count"})).await;
    assert_eq!(entries["Items"], json!([{"p": {"S": "counter"}, "n": {"N": total}}]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfers_between_accounts_lose_nothing() {
    let db = Arc::new(Harness::with_table().await);
    for account in 0..4 {
        db.put("ttt", json!({"p": {"S": account.to_string()}, "n": {"N": "100"}})).await;
    }
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                for n in 0..10 {
                    let (from, to) = ((task + n) % 4, (task * 3 + n + 1) % 4);
                    if from == to {
                        continue;
                    }
                    let change = |account: usize, by: &str| json!({"Update": {
                        "TableName": "ttt", "Key": {"p": {"S": account.to_string()}}, "UpdateExpression": "ADD n :by",
                        "ExpressionAttributeValues": {":by": {"N": by}},
                    }});
                    let input = json!({"TransactItems": [change(from, "-7"), change(to, "7")]});
                    db.ok("TransactWriteItems", input).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let get = |account: usize| json!({"Get": {"TableName": "ttt", "Key": {"p": {"S": account.to_string()}}}});
    let answer =
        db.ok("TransactGetItems", json!({"TransactItems": (0..4).map(get).collect::<Vec<_>>()})).await;
    let sum: i64 = answer["Responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|response| response["Item"]["n"]["N"].as_str().unwrap().parse::<i64>().unwrap())
        .sum();
    assert_eq!(sum, 400);
}

#[tokio::test]
async fn items_indexes_and_unfinished_jobs_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    {
        let db = Harness::on(Store::open(folder.path(), Default::default()).unwrap());
        db.table("ttt", &["p:S"]).await;
        for n in 0..9 {
            db.put("ttt", json!({"p": {"S": n.to_string()}, "g": {"S": "g"}})).await;
        }
        let create = json!({
            "TableName": "ttt", "AttributeDefinitions": definitions(&["p:S", "g:S"]),
            "GlobalSecondaryIndexUpdates": [{"Create": index("late", &["g"], all())}],
        });
        db.ok("UpdateTable", create).await;
        nephos_dynamodb::worker::step_all(&db.db).await.unwrap();
    }
    let db = Harness::on(Store::open(folder.path(), Default::default()).unwrap());
    db.settle().await;
    for index in ["late", ""] {
        let mut scan = json!({"TableName": "ttt"});
        if !index.is_empty() {
            scan["IndexName"] = json!(index);
        }
        assert_eq!(db.ok("Scan", scan).await["Count"], 9, "{index}");
    }
}
