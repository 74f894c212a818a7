//! Tables.

use serde_json::{Value, json};

use crate::harness::{Harness, all, definitions, index, schema, table};

#[tokio::test]
async fn a_table_is_made_described_listed_and_deleted() {
    let db = Harness::new();
    let made = db.ok("CreateTable", table("notes", &["p:S", "s:N"])).await["TableDescription"].clone();
    assert_eq!(made["TableStatus"], "CREATING");
    assert_eq!(made["TableArn"], "arn:aws:dynamodb:us-east-1:000000000000:table/notes");
    assert_eq!(made["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    let described = db.ok("DescribeTable", json!({"TableName": "notes"})).await["Table"].clone();
    assert_eq!(described["TableStatus"], "ACTIVE");
    assert_eq!(described["TableId"], made["TableId"]);
    assert_eq!(described["KeySchema"], schema(&["p", "s"]));
    assert_eq!(described["AttributeDefinitions"], definitions(&["p:S", "s:N"]));
    assert_eq!(described["DeletionProtectionEnabled"], false);
    let by_arn = db.ok("DescribeTable", json!({"TableName": made["TableArn"]})).await;
    assert_eq!(by_arn["Table"]["TableId"], made["TableId"]);
    assert_eq!(db.ok("ListTables", json!({})).await, json!({"TableNames": ["notes"]}));
    let again = db.fails("CreateTable", table("notes", &["p:S"])).await;
    assert_eq!(again, ("ResourceInUseException".to_owned(), "Table already exists: notes".to_owned()));
    let deleted = db.ok("DeleteTable", json!({"TableName": "notes"})).await["TableDescription"].clone();
    assert_eq!(deleted["TableStatus"], "DELETING");
    for operation in ["DescribeTable", "DeleteTable"] {
        let (code, message) = db.fails(operation, json!({"TableName": "notes"})).await;
        assert_eq!(code, "ResourceNotFoundException");
        assert_eq!(message, "Requested resource not found: Table: notes not found");
    }
}

#[tokio::test]
async fn a_new_table_of_the_same_name_has_nothing_of_the_old_one() {
    let db = Harness::with_table().await;
    for n in 0..30 {
        db.put("ttt", json!({"p": {"S": format!("{n}")}})).await;
    }
    db.ok("DeleteTable", json!({"TableName": "ttt"})).await;
    db.table("ttt", &["p:S"]).await;
    assert_eq!(db.ok("Scan", json!({"TableName": "ttt"})).await["Count"], 0);
    db.put("ttt", json!({"p": {"S": "new"}})).await;
    db.settle().await;
    assert_eq!(db.ok("Scan", json!({"TableName": "ttt"})).await["Count"], 1);
    // Of the old table nothing is left: what is in the store is the new table, its item and its counts.
    let rows = db.store.read(|view| {
        use nephos_store::Read;
        view.range(&nephos_store::Range::prefix(&nephos_store::Key::new("dynamodb")))
    });
    assert_eq!(rows.unwrap().len(), 2);
}

#[tokio::test]
async fn tables_are_listed_page_by_page() {
    let db = Harness::new();
    for name in ["beta", "alpha", "gamma"] {
        db.table(name, &["p:S"]).await;
    }
    let page = db.ok("ListTables", json!({"Limit": 2})).await;
    assert_eq!(page, json!({"TableNames": ["alpha", "beta"], "LastEvaluatedTableName": "beta"}));
    let page = db.ok("ListTables", json!({"Limit": 2, "ExclusiveStartTableName": "beta"})).await;
    assert_eq!(page, json!({"TableNames": ["gamma"]}));
}

fn with(base: &Value, name: &str, value: Value) -> Value {
    let mut changed = base.clone();
    changed[name] = value;
    changed
}

#[tokio::test]
async fn faulty_tables_are_refused_in_awss_words() {
    let db = Harness::new();
    let prefix = "One or more parameter values were invalid: ";
    let base = table("tab", &["p:S", "s:S"]);
    let units = json!({"ReadCapacityUnits": 1, "WriteCapacityUnits": 1});
    for (input, expected) in [
        (
            with(&base, "TableName", json!("ab")),
            "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length \
             greater than or equal to 3"
                .to_owned(),
        ),
        (
            with(&base, "ProvisionedThroughput", units.clone()),
            format!(
                "{prefix}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is \
                 PAY_PER_REQUEST"
            ),
        ),
        (
            with(&base, "BillingMode", json!("PROVISIONED")),
            format!(
                "{prefix}ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
            ),
        ),
        (
            with(&base, "AttributeDefinitions", definitions(&["p:S"])),
            "Invalid KeySchema: Some index key attribute have no definition".to_owned(),
        ),
        (
            with(&base, "AttributeDefinitions", definitions(&["p:S", "s:S", "x:S"])),
            format!(
                "{prefix}Number of attributes in KeySchema does not exactly match number of attributes defined in \
                 AttributeDefinitions"
            ),
        ),
        (
            with(&base, "KeySchema", json!([{"AttributeName": "p", "KeyType": "RANGE"}])),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type".to_owned(),
        ),
        (
            with(&base, "KeySchema", schema(&["p", "p"])),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name".to_owned(),
        ),
    ] {
        assert_eq!(db.invalid("CreateTable", input).await, expected);
    }
    assert_eq!(db.ok("ListTables", json!({})).await, json!({"TableNames": []}));
}

#[tokio::test]
async fn faulty_indexes_are_refused_in_awss_words() {
    let db = Harness::new();
    let prefix = "One or more parameter values were invalid: ";
    let base = table("tab", &["p:S", "s:S"]);
    for (input, expected) in [
        (
            with(&base, "LocalSecondaryIndexes", json!([])),
            format!("{prefix}List of LocalSecondaryIndexes is empty"),
        ),
        (
            with(&base, "LocalSecondaryIndexes", json!([index("loc", &["s", "p"], all())])),
            format!(
                "{prefix}Index KeySchema does not have the same leading hash key as table KeySchema for index: loc. index \
                 hash key: s, table hash key: p"
            ),
        ),
        (
            with(
                &base,
                "GlobalSecondaryIndexes",
                json!([index("one", &["s"], all()), index("one", &["p"], all())]),
            ),
            format!("{prefix}Duplicate index name: one"),
        ),
        (
            with(&base, "GlobalSecondaryIndexes", json!([index("one", &["s"], json!({}))])),
            format!("{prefix}Unknown ProjectionType: null"),
        ),
        (
            with(
                &base,
                "GlobalSecondaryIndexes",
                json!([index("one", &["s"], json!({"ProjectionType": "ALL", "NonKeyAttributes": ["a"]}))]),
            ),
            format!("{prefix}ProjectionType is ALL, but NonKeyAttributes is specified"),
        ),
    ] {
        assert_eq!(db.invalid("CreateTable", input).await, expected);
    }
    assert_eq!(db.ok("ListTables", json!({})).await, json!({"TableNames": []}));
}

#[tokio::test]
async fn a_protected_table_is_not_deleted() {
    let db = Harness::new();
    let mut input = table("safe", &["p:S"]);
    input["DeletionProtectionEnabled"] = json!(true);
    db.ok("CreateTable", input).await;
    let message = db.invalid("DeleteTable", json!({"TableName": "safe"})).await;
    assert!(message.starts_with("Resource cannot be deleted as it is currently protected against deletion."));
    db.ok("UpdateTable", json!({"TableName": "safe", "DeletionProtectionEnabled": false})).await;
    db.ok("DeleteTable", json!({"TableName": "safe"})).await;
}

#[tokio::test]
async fn capacity_and_billing_change() {
    let db = Harness::new();
    let units = |read: i64, write: i64| json!({"ReadCapacityUnits": read, "WriteCapacityUnits": write});
    let mut input = table("cap", &["p:S"]);
    input["BillingMode"] = json!("PROVISIONED");
    input["ProvisionedThroughput"] = units(5, 6);
    let made = db.ok("CreateTable", input).await["TableDescription"].clone();
    assert!(made.get("BillingModeSummary").is_none());
    let change = |units: Value| json!({"TableName": "cap", "ProvisionedThroughput": units});
    let message = db.invalid("UpdateTable", change(units(5, 6))).await;
    assert!(message.starts_with(
        "The provisioned throughput for the table will not change. The requested value equals the current value. Current \
         ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5."
    ));
    let changed = db.ok("UpdateTable", change(units(4, 7))).await["TableDescription"].clone();
    assert_eq!(changed["TableStatus"], "UPDATING");
    let described = db.ok("DescribeTable", json!({"TableName": "cap"})).await["Table"].clone();
    assert_eq!(described["ProvisionedThroughput"]["NumberOfDecreasesToday"], 1);
    assert_eq!(described["ProvisionedThroughput"]["WriteCapacityUnits"], 7);
    db.ok("UpdateTable", json!({"TableName": "cap", "BillingMode": "PAY_PER_REQUEST"})).await;
    let described = db.ok("DescribeTable", json!({"TableName": "cap"})).await["Table"].clone();
    assert_eq!(described["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(described["ProvisionedThroughput"]["ReadCapacityUnits"], 0);
    let nothing = db.invalid("UpdateTable", json!({"TableName": "cap"})).await;
    assert!(nothing.starts_with("At least one of ProvisionedThroughput, BillingMode,"));
    let (code, message) = db
        .fails(
            "UpdateTable",
            json!({"TableName": "cap", "ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]}),
        )
        .await;
    assert_eq!(code, "NotImplemented");
    assert!(message.contains("global tables"));
}

#[tokio::test]
async fn tags_come_and_go() {
    let db = Harness::new();
    let mut input = table("tagged", &["p:S"]);
    input["Tags"] = json!([{"Key": "team", "Value": "blue"}]);
    let arn = db.ok("CreateTable", input).await["TableDescription"]["TableArn"].clone();
    db.ok("TagResource", json!({"ResourceArn": arn, "Tags": [{"Key": "env", "Value": "test"}]})).await;
    let tags = db.ok("ListTagsOfResource", json!({"ResourceArn": arn})).await;
    let expected = json!([{"Key": "env", "Value": "test"}, {"Key": "team", "Value": "blue"}]);
    assert_eq!(tags["Tags"], expected);
    db.ok("UntagResource", json!({"ResourceArn": arn, "TagKeys": ["team", "nope"]})).await;
    let tags = db.ok("ListTagsOfResource", json!({"ResourceArn": arn})).await;
    assert_eq!(tags["Tags"], json!([{"Key": "env", "Value": "test"}]));
    let missing = "arn:aws:dynamodb:us-east-1:000000000000:table/missing";
    let (code, message) = db.fails("ListTagsOfResource", json!({"ResourceArn": missing})).await;
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(message, format!("Requested resource not found: ResourcArn: {missing} not found"));
    assert_eq!(
        db.fails("ListTagsOfResource", json!({"ResourceArn": "nonsense"})).await.0,
        "ValidationException"
    );
}

#[tokio::test]
async fn what_tools_ask_after_a_creation_is_answered() {
    let db = Harness::with_table().await;
    let backups = db.ok("DescribeContinuousBackups", json!({"TableName": "ttt"})).await;
    let description = &backups["ContinuousBackupsDescription"];
    assert_eq!(description["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "DISABLED");
    assert_eq!(
        db.fails("DescribeContinuousBackups", json!({"TableName": "no"})).await.0,
        "TableNotFoundException"
    );
    assert_eq!(db.ok("DescribeLimits", json!({})).await["TableMaxReadCapacityUnits"], 40_000);
    assert_eq!(db.ok("DescribeEndpoints", json!({})).await["Endpoints"][0]["Address"], "localhost:4566");
}

#[tokio::test]
async fn a_table_counts_its_items() {
    let db = Harness::with_table().await;
    for n in 0..3 {
        db.put("ttt", json!({"p": {"S": format!("{n}")}, "v": {"N": "12"}})).await;
    }
    db.ok("DeleteItem", json!({"TableName": "ttt", "Key": {"p": {"S": "0"}}})).await;
    let described = db.ok("DescribeTable", json!({"TableName": "ttt"})).await["Table"].clone();
    assert_eq!((&described["ItemCount"], &described["TableSizeBytes"]), (&json!(2), &json!(10)));
}
