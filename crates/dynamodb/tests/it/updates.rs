//! UpdateItem.

use serde_json::{Value, json};

use crate::harness::Harness;

fn update(expression: &str, values: Value, returns: &str) -> Value {
    let mut input = json!({
        "TableName": "ttt", "Key": {"p": {"S": "a"}}, "UpdateExpression": expression, "ReturnValues": returns,
    });
    if values != json!({}) {
        input["ExpressionAttributeValues"] = values;
    }
    input
}

#[tokio::test]
async fn an_update_makes_the_item_unless_it_only_removes() {
    let db = Harness::with_table().await;
    assert_eq!(db.ok("UpdateItem", update("REMOVE x", json!({}), "ALL_NEW")).await, json!({}));
    assert!(db.get("ttt", json!({"p": {"S": "a"}})).await.is_null());
    let answer = db.ok("UpdateItem", update("SET x = :x", json!({":x": {"N": "1"}}), "ALL_NEW")).await;
    assert_eq!(answer["Attributes"], json!({"p": {"S": "a"}, "x": {"N": "1"}}));
    let no_expression = json!({"TableName": "ttt", "Key": {"p": {"S": "b"}}});
    db.ok("UpdateItem", no_expression).await;
    assert_eq!(db.get("ttt", json!({"p": {"S": "b"}})).await, json!({"p": {"S": "b"}}));
}

#[tokio::test]
async fn updates_return_what_they_are_asked_for() {
    let db = Harness::with_table().await;
    let start = json!({"p": {"S": "a"}, "n": {"N": "1"}, "m": {"M": {"k": {"N": "1"}, "o": {"N": "2"}}}});
    for (returns, expected) in [
        ("NONE", json!({})),
        ("ALL_OLD", json!({"Attributes": start})),
        ("UPDATED_OLD", json!({"Attributes": {"n": {"N": "1"}, "m": {"M": {"k": {"N": "1"}}}}})),
        (
            "UPDATED_NEW",
            json!({"Attributes": {"n": {"N": "2"}, "m": {"M": {"k": {"N": "7"}}}, "z": {"N": "1"}}}),
        ),
        (
            "ALL_NEW",
            json!({"Attributes": {
                "p": {"S": "a"}, "n": {"N": "2"}, "m": {"M": {"k": {"N": "7"}, "o": {"N": "2"}}}, "z": {"N": "1"},
            }}),
        ),
    ] {
        db.put("ttt", start.clone()).await;
        let values = json!({":one": {"N": "1"}, ":k": {"N": "7"}});
        let answer =
            db.ok("UpdateItem", update("SET n = n + :one, m.k = :k ADD z :one", values, returns)).await;
        assert_eq!(answer, expected, "{returns}");
    }
}

#[tokio::test]
async fn lists_and_defaults_work_on_the_item_as_it_was() {
    let db = Harness::with_table().await;
    let values = json!({":none": {"L": []}, ":x": {"L": [{"S": "x"}]}, ":one": {"N": "1"}});
    let expression = "SET l = list_append(if_not_exists(l, :none), :x), n = if_not_exists(n, :one)";
    db.ok("UpdateItem", update(expression, values.clone(), "NONE")).await;
    let answer = db.ok("UpdateItem", update(expression, values, "ALL_NEW")).await;
    assert_eq!(answer["Attributes"]["l"], json!({"L": [{"S": "x"}, {"S": "x"}]}));
    assert_eq!(answer["Attributes"]["n"], json!({"N": "1"}));
    let answer = db.ok("UpdateItem", update("REMOVE l[0], n", json!({}), "ALL_NEW")).await;
    assert_eq!(answer["Attributes"], json!({"p": {"S": "a"}, "l": {"L": [{"S": "x"}]}}));
}

#[tokio::test]
async fn faulty_updates_are_refused_in_awss_words() {
    let db = Harness::with_table().await;
    db.put("ttt", json!({"p": {"S": "a"}, "s": {"S": "x"}, "n": {"N": "9e125"}})).await;
    let one = json!({":v": {"N": "1"}});
    for (expression, values, expected) in [
        (
            "SET p = :v",
            one.clone(),
            "One or more parameter values were invalid: Cannot update attribute p. This attribute is part of the key",
        ),
        ("SET s = s + :v", one.clone(), "An operand in the update expression has an incorrect data type"),
        (
            "SET x.y = :v",
            one.clone(),
            "The document path provided in the update expression is invalid for update",
        ),
        (
            "SET x = y",
            json!({}),
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        (
            "SET n = n + :v",
            json!({":v": {"N": "9e125"}}),
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            "SET x = :v",
            json!({":v": {"N": "1"}, ":w": {"N": "1"}}),
            "1 validation error detected: Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}",
        ),
        (
            "SET name = :v",
            one.clone(),
            "1 validation error detected: Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: \
             name",
        ),
        (
            "SET x = :nope",
            one.clone(),
            "1 validation error detected: Invalid UpdateExpression: An expression attribute value used in expression is not \
             defined; attribute value: :nope",
        ),
        (
            "SET x = :v, x = :v",
            one.clone(),
            "1 validation error detected: Invalid UpdateExpression: Two document paths overlap with each other; must \
             remove or rewrite one of these paths; path one: [x], path two: [x]",
        ),
        (
            "SAT x = :v",
            one,
            "1 validation error detected: Invalid UpdateExpression: Syntax error; token: \"SAT\", near: \"SAT x\"",
        ),
    ] {
        assert_eq!(
            db.invalid("UpdateItem", update(expression, values, "NONE")).await,
            expected,
            "{expression}"
        );
    }
}
