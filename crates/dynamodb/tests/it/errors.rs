//! The order in which faults are told, and hostile input.

use serde_json::json;

use crate::harness::{Harness, failure};

#[tokio::test]
async fn faults_are_told_in_awss_order() {
    let db = Harness::new();
    // Each input has the faults of those below it besides its own.
    let condition_fault =
        "1 validation error detected: Invalid ConditionExpression: Syntax error; token: \"=\", near: \"= a\"";
    for (input, expected) in [
        (
            json!({
                "TableName": "nope", "Item": {"p": {"N": "x"}}, "ConditionExpression": "= a", "Expected": {},
                "ReturnValues": "odd",
            }),
            "1 validation error detected: Value 'odd' at 'returnValues' failed to satisfy constraint: Member must satisfy \
             enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
        ),
        (
            json!({"TableName": "nope", "Item": {"p": {"N": "x"}}, "ConditionExpression": "= a", "Expected": {}}),
            "1 validation error detected: Can not use both expression and non-expression parameters in the same request: \
             Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}",
        ),
        (
            json!({"TableName": "nope", "Item": {"p": {"N": "x"}}, "ConditionExpression": "= a"}),
            "1 validation error detected: The parameter cannot be converted to a numeric value: x",
        ),
        (
            json!({"TableName": "nope", "Item": {"p": {"S": "x"}}, "ConditionExpression": "= a"}),
            condition_fault,
        ),
    ] {
        assert_eq!(db.invalid("PutItem", input).await, expected);
    }
    let missing = db.fails("PutItem", json!({"TableName": "nope", "Item": {"p": {"S": ""}}})).await;
    assert_eq!(missing, ("ResourceNotFoundException".to_owned(), "Requested resource not found".to_owned()));
}

#[tokio::test]
async fn values_are_checked_in_each_layers_words() {
    let db = Harness::with_table().await;
    let put = |value: serde_json::Value| json!({"TableName": "ttt", "Item": {"p": {"S": "a"}, "v": value}});
    for (value, expected) in [
        (json!({"SS": []}), "One or more parameter values were invalid: An string set  may not be empty"),
        (json!({"NS": ["1", "1.0"]}), "Input collection contains duplicates"),
        (
            json!({"N": "123456789012345678901234567890123456789"}),
            "Attempting to store more than 38 significant digits in a Number",
        ),
        (
            json!({"N": "1e126"}),
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            json!({"N": "1e-131"}),
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ),
        (json!({}), "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
        (
            json!({"S": "a", "N": "1"}),
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
    ] {
        let message = db.invalid("PutItem", put(value.clone())).await;
        assert!(message.contains(expected), "{value}: {message}");
    }
}

#[tokio::test]
async fn hostile_input_is_refused_quickly() {
    let db = Harness::with_table().await;
    let deep = |levels: usize| {
        format!(
            r#"{{"TableName":"ttt","Item":{{"p":{{"S":"a"}},"v":{}{}{}}}}}"#,
            r#"{"L":["#.repeat(levels),
            r#"{"S":"x"}"#,
            "]}".repeat(levels)
        )
    };
    assert!(db.call_text("PutItem", &deep(31)).await.is_ok());
    let error = db.call_text("PutItem", &deep(33)).await.unwrap_err();
    assert!(failure(&error).1.contains("Nesting Levels have exceeded supported limits"), "{error}");
    for text in [
        deep(100_000),
        r#"{"TableName":"ttt","Item":{"p":{"S":12}}}"#.to_owned(),
        r#"{"TableName":"ttt","Item":{"p":{"N":1}}}"#.to_owned(),
        r#"{"TableName":"ttt","Item":{"p":{"Q":"x"}}}"#.to_owned(),
        r#"{"TableName":"ttt","Item":{"p":{"S":"a"},"b":{"B":"!"}}}"#.to_owned(),
        r#"{"TableName":"ttt","Item":{"p":{"S":"a"},"n":{"N":"1e1000000000000000000000"}}}"#.to_owned(),
        format!(
            r#"{{"TableName":"ttt","Item":{{"p":{{"S":"a"}},"n":{{"N":"{}"}}}}}}"#,
            "1".repeat(1_000_000)
        ),
        "[]".to_owned(),
        "{".to_owned(),
    ] {
        let error = db.call_text("PutItem", &text).await.unwrap_err();
        let (code, _) = failure(&error);
        assert!(["ValidationException", "SerializationException"].contains(&code.as_str()), "{error}");
    }
    let long = json!({"TableName": "ttt", "FilterExpression": "a = b OR ".repeat(500_000)});
    let message = db.invalid("Scan", long).await;
    assert!(
        message
            .starts_with("Invalid FilterExpression: Expression size has exceeded the maximum allowed size"),
        "{message}"
    );
}
