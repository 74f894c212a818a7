//! Random histories against a model: what a table, its indexes and its counts say must be what the model derives.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::harness::{Harness, all, definitions, index, table};

/// One write: the item's number, and its attributes `g` and `l`, each perhaps missing; or a deletion.
#[derive(Debug, Clone)]
enum Write {
    Put(u8, Option<u8>, Option<u8>),
    Set(u8, Option<u8>),
    Remove(u8),
    Delete(u8),
    Batch(Vec<(u8, Option<u8>)>),
    Transact(Vec<(u8, Option<u8>)>),
}

const ITEMS: u8 = 6;

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let small = || proptest::option::of(0..3u8);
    let several = || proptest::collection::btree_map(0..ITEMS, small(), 1..4);
    let write = prop_oneof![
        (0..ITEMS, small(), small()).prop_map(|(n, g, l)| Write::Put(n, g, l)),
        (0..ITEMS, small()).prop_map(|(n, g)| Write::Set(n, g)),
        (0..ITEMS).prop_map(Write::Remove),
        (0..ITEMS).prop_map(Write::Delete),
        several().prop_map(|items| Write::Batch(items.into_iter().collect())),
        several().prop_map(|items| Write::Transact(items.into_iter().collect())),
    ];
    proptest::collection::vec(write, 1..24)
}

fn key(n: u8) -> Value {
    json!({"p": {"S": format!("p{}", n % 2)}, "s": {"N": n.to_string()}})
}

fn item(n: u8, g: Option<u8>, l: Option<u8>) -> Value {
    let mut item = key(n);
    if let Some(g) = g {
        item["g"] = json!({"S": format!("g{g}")});
    }
    if let Some(l) = l {
        item["l"] = json!({"N": l.to_string()});
    }
    item["rest"] = json!({"S": "r".repeat(usize::from(n))});
    item
}

type Model = BTreeMap<u8, Value>;

impl Write {
    async fn carry_out(&self, db: &Harness, model: &mut Model) {
        match self {
            Write::Put(n, g, l) => {
                db.put("model", item(*n, *g, *l)).await;
                model.insert(*n, item(*n, *g, *l));
            }
            Write::Set(n, g) => set(db, model, *n, *g).await,
            Write::Remove(n) => {
                let update = json!({"TableName": "model", "Key": key(*n), "UpdateExpression": "REMOVE g, l"});
                db.ok("UpdateItem", update).await;
                if let Some(item) = model.get_mut(n).and_then(Value::as_object_mut) {
                    item.remove("g");
                    item.remove("l");
                }
            }
            Write::Delete(n) => {
                db.ok("DeleteItem", json!({"TableName": "model", "Key": key(*n)})).await;
                model.remove(n);
            }
            Write::Batch(items) | Write::Transact(items) => {
                several(db, model, items, matches!(self, Write::Batch(_))).await
            }
        }
    }
}

async fn set(db: &Harness, model: &mut Model, n: u8, g: Option<u8>) {
    let g = json!({"S": format!("g{}", g.unwrap_or(9))});
    let update = json!({
        "TableName": "model", "Key": key(n), "UpdateExpression": "SET g = :g",
        "ExpressionAttributeValues": {":g": g},
    });
    db.ok("UpdateItem", update).await;
    model.entry(n).or_insert_with(|| key(n))["g"] = g;
}

/// Puts the items that have a `g`, and deletes the others.
async fn several(db: &Harness, model: &mut Model, items: &[(u8, Option<u8>)], batch: bool) {
    let one = |(n, g): &(u8, Option<u8>)| match (g, batch) {
        (Some(_), true) => json!({"PutRequest": {"Item": item(*n, *g, None)}}),
        (None, true) => json!({"DeleteRequest": {"Key": key(*n)}}),
        (Some(_), false) => json!({"Put": {"TableName": "model", "Item": item(*n, *g, None)}}),
        (None, false) => json!({"Delete": {"TableName": "model", "Key": key(*n)}}),
    };
    let requests: Vec<Value> = items.iter().map(one).collect();
    if batch {
        db.ok("BatchWriteItem", json!({"RequestItems": {"model": requests}})).await;
    } else {
        db.ok("TransactWriteItems", json!({"TransactItems": requests})).await;
    }
    for (n, g) in items {
        match g {
            Some(_) => model.insert(*n, item(*n, *g, None)),
            None => model.remove(n),
        };
    }
}

/// A value as text with its names in order, whatever order they came in.
fn canonical(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

/// All items of the table or of an index, in no order.
async fn scanned(db: &Harness, index: Option<&str>) -> Vec<String> {
    let (mut found, mut start) = (Vec::new(), Value::Null);
    loop {
        let mut input = json!({"TableName": "model", "Limit": 2});
        if let Some(index) = index {
            input["IndexName"] = json!(index);
        }
        if !start.is_null() {
            input["ExclusiveStartKey"] = start;
        }
        let page = db.ok("Scan", input).await;
        found.extend(page["Items"].as_array().unwrap().iter().cloned().map(canonical));
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            found.sort_unstable();
            return found;
        }
    }
}

/// What an index holds by the model: items with these attributes, cut to those that are held.
fn derived(model: &Model, keys: &[&str], held: Option<&[&str]>) -> Vec<String> {
    let has_keys = |item: &&Value| keys.iter().all(|key| item.get(key).is_some());
    let cut = |item: &Value| {
        let attributes = item.as_object().unwrap().iter();
        let kept = attributes.filter(|(name, _)| held.is_none_or(|held| held.contains(&name.as_str())));
        let kept = kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>();
        canonical(Value::Object(kept))
    };
    let mut items: Vec<String> = model.values().filter(has_keys).map(cut).collect();
    items.sort_unstable();
    items
}

async fn run(writes: &[Write], late: usize) {
    let db = Harness::new();
    let mut input = table("model", &["p:S", "s:N"]);
    input["AttributeDefinitions"] = definitions(&["p:S", "s:N", "g:S", "l:N"]);
    input["GlobalSecondaryIndexes"] = json!([index("global", &["g", "l"], all())]);
    input["LocalSecondaryIndexes"] =
        json!([index("local", &["p", "l"], json!({"ProjectionType": "KEYS_ONLY"}))]);
    db.ok("CreateTable", input).await;
    let mut model = Model::new();
    for (at, write) in writes.iter().enumerate() {
        if at == late {
            // An index that is made in the midst of it all, and filled step by step between the writes.
            let late =
                index("late", &["g"], json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["rest"]}));
            let create = json!({"TableName": "model", "GlobalSecondaryIndexUpdates": [{"Create": late}]});
            db.ok("UpdateTable", create).await;
        }
        write.carry_out(&db, &mut model).await;
        nephos_dynamodb::worker::step_all(&db.db).await.unwrap();
    }
    db.settle().await;
    assert_eq!(scanned(&db, None).await, derived(&model, &[], None));
    assert_eq!(scanned(&db, Some("global")).await, derived(&model, &["g", "l"], None));
    assert_eq!(scanned(&db, Some("local")).await, derived(&model, &["l"], Some(&["p", "s", "l"])));
    if late < writes.len() {
        assert_eq!(scanned(&db, Some("late")).await, derived(&model, &["g"], Some(&["p", "s", "g", "rest"])));
    }
    let described = db.ok("DescribeTable", json!({"TableName": "model"})).await["Table"].clone();
    assert_eq!(described["ItemCount"], model.len());
    for index in described["GlobalSecondaryIndexes"].as_array().unwrap() {
        let name = index["IndexName"].as_str().unwrap();
        assert_eq!(index["ItemCount"], scanned(&db, Some(name)).await.len(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn tables_indexes_and_counts_agree_with_a_model(writes in writes(), late in 0..24usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(&writes, late));
    }
}
