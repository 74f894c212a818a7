//! Query and Scan on tables.

use serde_json::{Value, json};

use crate::harness::{Harness, numbers};

async fn filled(items: i64) -> Harness {
    let db = Harness::with_range_table().await;
    for n in 0..items {
        db.put("rrr", json!({"p": {"S": "a"}, "s": {"N": format!("{n}")}, "odd": {"BOOL": n % 2 == 1}}))
            .await;
    }
    db.put("rrr", json!({"p": {"S": "b"}, "s": {"N": "0"}})).await;
    db
}

fn query(condition: &str, values: Value) -> Value {
    let mut values = values;
    values[":p"] = json!({"S": "a"});
    json!({"TableName": "rrr", "KeyConditionExpression": condition, "ExpressionAttributeValues": values})
}

fn with(mut input: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

#[tokio::test]
async fn queries_find_ranges_in_order() {
    let db = filled(12).await;
    let two = || json!({":l": {"N": "3"}, ":h": {"N": "5"}});
    let one = || json!({":l": {"N": "9"}});
    for (condition, values, expected) in [
        ("p = :p", json!({}), (0..12).collect::<Vec<_>>()),
        ("p = :p AND s = :l", one(), vec![9]),
        ("p = :p AND s < :l", one(), (0..9).collect()),
        ("p = :p AND s <= :l", one(), (0..10).collect()),
        ("s > :l AND :p = p", one(), vec![10, 11]),
        ("(p = :p) AND (s >= :l)", one(), vec![9, 10, 11]),
        ("p = :p AND s BETWEEN :l AND :h", two(), vec![3, 4, 5]),
    ] {
        let input = query(condition, values);
        let answer = db.ok("Query", input.clone()).await;
        assert_eq!(numbers(&answer["Items"], "s"), expected, "{condition}");
        assert!(answer.get("LastEvaluatedKey").is_none());
        let backward = db.ok("Query", with(input, json!({"ScanIndexForward": false}))).await;
        let reversed: Vec<i64> = expected.into_iter().rev().collect();
        assert_eq!(numbers(&backward["Items"], "s"), reversed, "{condition} backward");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_in_both_directions() {
    let db = filled(10).await;
    for forward in [true, false] {
        let (mut seen, mut start, mut pages) = (Vec::new(), None, 0);
        loop {
            let mut input =
                with(query("p = :p", json!({})), json!({"Limit": 3, "ScanIndexForward": forward}));
            if let Some(start) = start {
                input["ExclusiveStartKey"] = start;
            }
            let page = db.ok("Query", input).await;
            seen.extend(numbers(&page["Items"], "s"));
            pages += 1;
            match page.get("LastEvaluatedKey") {
                Some(key) => start = Some(key.clone()),
                None => break,
            }
        }
        let mut expected: Vec<i64> = (0..10).collect();
        if !forward {
            expected.reverse();
        }
        assert_eq!((seen, pages), (expected, 4));
    }
}

#[tokio::test]
async fn a_page_that_ends_with_the_limit_names_its_last_key() {
    let db = filled(3).await;
    let page = db.ok("Query", with(query("p = :p", json!({})), json!({"Limit": 3}))).await;
    assert_eq!(page["LastEvaluatedKey"], json!({"p": {"S": "a"}, "s": {"N": "2"}}));
    let next = with(query("p = :p", json!({})), json!({"ExclusiveStartKey": page["LastEvaluatedKey"]}));
    let next = db.ok("Query", next).await;
    assert_eq!(next, json!({"Items": [], "Count": 0, "ScannedCount": 0}));
}

#[tokio::test]
async fn filters_drop_items_after_they_were_counted() {
    let db = filled(10).await;
    let input = with(
        query("p = :p", json!({":t": {"BOOL": true}})),
        json!({"FilterExpression": "odd = :t", "Limit": 5, "ProjectionExpression": "s"}),
    );
    let page = db.ok("Query", input.clone()).await;
    assert_eq!((&page["Count"], &page["ScannedCount"]), (&json!(2), &json!(5)));
    assert_eq!(page["Items"], json!([{"s": {"N": "1"}}, {"s": {"N": "3"}}]));
    let mut counted = input;
    counted.as_object_mut().unwrap().remove("ProjectionExpression");
    let counted = db.ok("Query", with(counted, json!({"Select": "COUNT"}))).await;
    assert!(counted.get("Items").is_none());
    assert_eq!(counted["Count"], 2);
}

#[tokio::test]
async fn a_page_ends_once_a_megabyte_was_read() {
    let db = Harness::with_range_table().await;
    for n in 0..12 {
        db.put(
            "rrr",
            json!({"p": {"S": "a"}, "s": {"N": format!("{n}")}, "d": {"S": "x".repeat(100 * 1024)}}),
        )
        .await;
    }
    let page = db.ok("Query", with(query("p = :p", json!({})), json!({"ProjectionExpression": "s"}))).await;
    // The item by which the page crosses the line is still in it.
    assert_eq!(page["Count"], 11);
    assert_eq!(page["LastEvaluatedKey"]["s"], json!({"N": "10"}));
    let scan = db.ok("Scan", json!({"TableName": "rrr", "Select": "COUNT"})).await;
    assert_eq!((&scan["Count"], &scan["ScannedCount"]), (&json!(11), &json!(11)));
}

#[tokio::test]
async fn segments_share_out_a_scan() {
    let db = Harness::with_table().await;
    for n in 0..100 {
        db.put("ttt", json!({"p": {"S": format!("key {n}")}, "n": {"N": format!("{n}")}})).await;
    }
    let mut seen = Vec::new();
    let mut used = 0;
    for segment in 0..4 {
        let mut start = Value::Null;
        let before = seen.len();
        loop {
            let mut input = json!({"TableName": "ttt", "Segment": segment, "TotalSegments": 4, "Limit": 10});
            if !start.is_null() {
                input["ExclusiveStartKey"] = start;
            }
            let page = db.ok("Scan", input).await;
            seen.extend(numbers(&page["Items"], "n"));
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
        used += usize::from(seen.len() > before);
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
    assert_eq!(used, 4);
}

#[tokio::test]
async fn faulty_queries_are_refused_in_awss_words() {
    let db = filled(2).await;
    let values = |more: Value| with(json!({":p": {"S": "a"}}), more);
    let condition = |text: &str, more: Value| json!({"TableName": "rrr", "KeyConditionExpression": text, "ExpressionAttributeValues": values(more)});
    for (input, expected) in [
        (
            json!({"TableName": "rrr"}),
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ),
        (condition("s = :p", json!({})), "Query condition missed key schema element: p"),
        (condition("p > :p", json!({})), "Query key condition not supported"),
        (
            condition("p = :p AND s = :s", json!({":s": {"S": "x"}})),
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            condition("p = :p AND x = :s", json!({":s": {"S": "x"}})),
            "Query condition missed key schema element: s",
        ),
        (
            with(condition("p = :p", json!({":t": {"N": "1"}})), json!({"FilterExpression": "s = :t"})),
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: s",
        ),
        (
            with(condition("p = :p", json!({})), json!({"IndexName": "nope"})),
            "The table does not have the specified index: nope",
        ),
        (
            with(condition("p = :p", json!({})), json!({"ExclusiveStartKey": {"p": {"S": "a"}}})),
            "The provided starting key is invalid",
        ),
        (
            with(
                condition("p = :p", json!({})),
                json!({"ExclusiveStartKey": {"p": {"S": "b"}, "s": {"N": "1"}}}),
            ),
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
        (
            with(condition("p = :p", json!({})), json!({"Select": "ALL_PROJECTED_ATTRIBUTES"})),
            "1 validation error detected: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        ),
        (
            with(condition("p = :p", json!({})), json!({"Select": "COUNT", "ProjectionExpression": "s"})),
            "1 validation error detected: Cannot specify the ProjectionExpression when choosing to get only the Count",
        ),
        (
            with(condition("p = :p", json!({})), json!({"AttributesToGet": ["s"]})),
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {AttributesToGet} Expression parameters: {KeyConditionExpression}",
        ),
    ] {
        assert_eq!(db.invalid("Query", input.clone()).await, expected, "{input}");
    }
}

#[tokio::test]
async fn faulty_scans_are_refused_in_awss_words() {
    let db = filled(2).await;
    for (input, expected) in [
        (
            json!({"Segment": 0}),
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        ),
        (
            json!({"Segment": 4, "TotalSegments": 4}),
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 4 is not less than \
             TotalSegments: 4",
        ),
        (
            json!({"FilterExpression": "a = :nope"}),
            "Invalid FilterExpression: An expression attribute value used in expression is not defined; attribute value: \
             :nope",
        ),
    ] {
        assert_eq!(db.invalid("Scan", with(json!({"TableName": "rrr"}), input)).await, expected);
    }
    let (code, message) = db.fails("Scan", json!({"TableName": "nope"})).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("ResourceNotFoundException", "Requested resource not found")
    );
}
