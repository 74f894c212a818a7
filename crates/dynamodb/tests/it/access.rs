//! What policies are asked.

use std::sync::Arc;

use nephos_core::{AccountId, Principal};
use serde_json::json;

use crate::harness::{Harness, all, definitions, index, table};

async fn as_user() -> Harness {
    let mut db = Harness::new();
    let mut input = table("ttt", &["p:S", "s:N"]);
    input["AttributeDefinitions"] = definitions(&["p:S", "s:N", "g:N"]);
    input["GlobalSecondaryIndexes"] = json!([index("idx", &["g"], all())]);
    db.ok("CreateTable", input).await;
    db.table("uuu", &["n:N"]).await;
    db.cx.principal = Arc::new(Principal::User {
        account: AccountId::DEFAULT,
        path: "/".to_owned(),
        name: "ann".to_owned(),
        id: "AIDA".to_owned(),
        session: None,
    });
    db.asked.0.lock().unwrap().clear();
    db
}

/// What was asked: action, resource without its beginning, and the condition keys by their short names.
fn asked(db: &Harness) -> Vec<String> {
    let mut asked = Vec::new();
    for access in db.asked.0.lock().unwrap().drain(..) {
        let resource = access.resource.replace("arn:aws:dynamodb:us-east-1:000000000000:", "");
        let keys: Vec<String> = access
            .keys
            .iter()
            .map(|(name, values)| format!("{}={}", name.trim_start_matches("dynamodb:"), values.join("+")))
            .filter(|key| !key.starts_with("returnconsumedcapacity"))
            .collect();
        let action = access.action.trim_start_matches("dynamodb:");
        asked.push(format!("{action} {resource} {}", keys.join(" ")).trim_end().to_owned());
    }
    asked
}

#[tokio::test]
async fn items_are_judged_by_keys_attributes_and_what_comes_back() {
    let db = as_user().await;
    let key = json!({"p": {"S": "ann"}, "s": {"N": "1"}});
    db.ok(
        "PutItem",
        json!({
            "TableName": "ttt", "Item": {"p": {"S": "ann"}, "s": {"N": "1"}, "x": {"N": "1"}},
            "ConditionExpression": "attribute_not_exists(y.z)",
        }),
    )
    .await;
    db.ok("UpdateItem", json!({
        "TableName": "ttt", "Key": key, "UpdateExpression": "SET #a = x REMOVE q", "ReturnValues": "ALL_OLD",
        "ExpressionAttributeNames": {"#a": "alias"},
    }))
    .await;
    db.ok("GetItem", json!({"TableName": "ttt", "Key": key, "ProjectionExpression": "x, m.k"})).await;
    db.ok("GetItem", json!({"TableName": "ttt", "Key": key})).await;
    assert_eq!(
        asked(&db),
        [
            "PutItem table/ttt attributes=p+s+x+y leadingkeys=ann returnvalues=NONE",
            "UpdateItem table/ttt attributes=alias+p+q+s+x leadingkeys=ann returnvalues=ALL_OLD",
            "GetItem table/ttt attributes=m+p+s+x leadingkeys=ann select=SPECIFIC_ATTRIBUTES",
            "GetItem table/ttt attributes=p+s leadingkeys=ann select=ALL_ATTRIBUTES",
        ]
    );
}

#[tokio::test]
async fn queries_are_judged_on_their_index() {
    let db = as_user().await;
    let query = json!({
        "TableName": "ttt", "KeyConditionExpression": "#p = :p AND s > :s", "ExpressionAttributeNames": {"#p": "p"},
        "ExpressionAttributeValues": {":p": {"S": "ann"}, ":s": {"N": "1"}},
    });
    db.ok("Query", query).await;
    let query = json!({
        "TableName": "ttt", "IndexName": "idx", "KeyConditionExpression": ":g = g", "FilterExpression": "x = :g",
        "ExpressionAttributeValues": {":g": {"N": "1e2"}}, "Select": "COUNT",
    });
    db.ok("Query", query).await;
    let query = json!({
        "TableName": "ttt", "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "bob"}]}},
    });
    db.ok("Query", query).await;
    db.ok("Scan", json!({"TableName": "ttt", "IndexName": "idx"})).await;
    assert_eq!(
        asked(&db),
        [
            "Query table/ttt attributes=p+s leadingkeys=ann select=ALL_ATTRIBUTES",
            "Query table/ttt/index/idx attributes=g+x leadingkeys=100 select=COUNT",
            "Query table/ttt attributes=p leadingkeys=bob select=ALL_ATTRIBUTES",
            "Scan table/ttt/index/idx select=ALL_PROJECTED_ATTRIBUTES",
        ]
    );
}

#[tokio::test]
async fn batches_are_judged_by_table_and_transactions_by_action() {
    let db = as_user().await;
    let put = |n: &str| json!({"PutRequest": {"Item": {"n": {"N": n}}}});
    let item = json!({"p": {"S": "a"}, "s": {"N": "1"}});
    db.ok(
        "BatchWriteItem",
        json!({"RequestItems": {
            "uuu": [put("1"), put("2")], "ttt": [{"PutRequest": {"Item": item}}],
        }}),
    )
    .await;
    db.ok(
        "BatchGetItem",
        json!({"RequestItems": {"uuu": {"Keys": [{"n": {"N": "1"}}, {"n": {"N": "2.0"}}]}}}),
    )
    .await;
    db.ok(
        "TransactWriteItems",
        json!({"TransactItems": [
            {"Put": {"TableName": "uuu", "Item": {"n": {"N": "3"}}}},
            {"ConditionCheck": {"TableName": "ttt", "Key": item, "ConditionExpression": "attribute_exists(p)"}},
        ]}),
    )
    .await;
    db.ok("TransactGetItems", json!({"TransactItems": [{"Get": {"TableName": "ttt", "Key": item}}]})).await;
    assert_eq!(
        asked(&db),
        [
            "BatchWriteItem table/ttt attributes=p+s leadingkeys=a",
            "BatchWriteItem table/uuu attributes=n leadingkeys=1+2",
            "BatchGetItem table/uuu attributes=n leadingkeys=1+2 select=ALL_ATTRIBUTES",
            "PutItem table/uuu attributes=n enclosingoperation=TransactWriteItems leadingkeys=3 returnvalues=NONE",
            "ConditionCheckItem table/ttt attributes=p+s enclosingoperation=TransactWriteItems leadingkeys=a returnvalues=NONE",
            "GetItem table/ttt attributes=p+s enclosingoperation=TransactGetItems leadingkeys=a select=ALL_ATTRIBUTES",
        ]
    );
}

#[tokio::test]
async fn tags_and_tables_of_others_are_named() {
    let db = as_user().await;
    let mut input = table("tagged", &["p:S"]);
    input["Tags"] = json!([{"Key": "team", "Value": "blue"}]);
    db.ok("CreateTable", input).await;
    db.ok("DescribeTable", json!({"TableName": "tagged"})).await;
    let other = "arn:aws:dynamodb:eu-west-1:111122223333:table/theirs";
    db.fails("DescribeTable", json!({"TableName": other})).await;
    db.ok("ListTables", json!({})).await;
    assert_eq!(
        asked(&db),
        [
            "CreateTable table/tagged aws:requesttag/team=blue aws:tagkeys=team",
            "TagResource table/tagged aws:requesttag/team=blue aws:tagkeys=team",
            "DescribeTable table/tagged aws:resourcetag/team=blue",
            "DescribeTable arn:aws:dynamodb:eu-west-1:111122223333:table/theirs",
            "ListTables *",
        ]
    );
}
