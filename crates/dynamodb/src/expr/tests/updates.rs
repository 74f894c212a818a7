//! Updates.

use super::*;

#[test]
fn updates_are_refused_in_awss_words() {
    let overlap =
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one:";
    let wrong = "Incorrect operand type for operator or function;";
    for (text, fault) in [
        ("INVALID SYNTAX HERE", "Syntax error; token: \"INVALID\", near: \"INVALID SYNTAX\"".to_owned()),
        ("set a", "Syntax error; token: \"<EOF>\", near: \"a\"".to_owned()),
        ("set a=set", "Syntax error; token: \"set\", near: \"=set\"".to_owned()),
        ("remove a = b", "Syntax error; token: \"=\", near: \"a = b\"".to_owned()),
        ("add a b", "Syntax error; token: \"<EOF>\", near: \"b\"".to_owned()),
        ("set :a = b", "Syntax error; token: \":a\", near: \"set :a =\"".to_owned()),
        ("SET a = if_not_exists(a, 100)", "Syntax error; token: \"100\", near: \", 100)\"".to_owned()),
        ("set a = b + c + d", "Syntax error; token: \"+\", near: \"c + d\"".to_owned()),
        (" set #c = :c set abOrt = true ", "Attribute name is a reserved keyword; reserved keyword: abOrt".to_owned()),
        ("set #c = if_not_exist(:c) set c = d", "Invalid function name; function: if_not_exist".to_owned()),
        ("set a = #c set c = :d", "The \"SET\" section can only be used once in an update expression;".to_owned()),
        ("delete #nope :e set a = b delete #e :f", "The \"DELETE\" section can only be used once in an update expression;".to_owned()),
        ("SET #nope = if_not_exists(:c)", "An expression attribute name used in the document path is not defined; attribute name: #nope".to_owned()),
        ("SET #a = if_not_exists(:c)", "An expression attribute value used in expression is not defined; attribute value: :c".to_owned()),
        ("set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)", format!("{overlap} [c, [1], a], path two: [c]")),
        ("remove a, #c, a", format!("{overlap} [a], path two: [a]")),
        ("remove a.#c set a[1] = #d", "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, c], path two: [a, [1]]".to_owned()),
        ("set b = list_append(:s, a), c = if_not_exists(a) add a.b :s", format!("{wrong} operator: ADD, operand type: STRING")),
        ("delete a.b :n", format!("{wrong} operator: DELETE, operand type: NUMBER")),
        ("add a.b :map", format!("{wrong} operator: ADD, operand type: MAP")),
        ("set a = if_not_exists(c)", "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1".to_owned()),
        ("set a = if_not_exists(:s, c)", "Operator or function requires a document path; operator or function: if_not_exists".to_owned()),
        ("set a = list_append(a, :n)", format!("{wrong} operator or function: list_append, operand type: N")),
        ("set a = a - :ss", format!("{wrong} operator or function: -, operand type: SS")),
    ] {
        assert_eq!(update_fault(text), fault, "{text}");
    }
    let long = format!("SET {} = :s", "a".repeat(4090));
    assert_eq!(update_fault(&long), "Expression size has exceeded the maximum allowed size;");
}

#[test]
fn updates_change_what_they_name() {
    for (text, change) in [
        ("SET a = :v, n = n + :one", Ok(vec![("a", r#"{"S":"v"}"#), ("n", r#"{"N":"11"}"#)])),
        ("SET n = n - :one, o = n", Ok(vec![("n", r#"{"N":"9"}"#), ("o", r#"{"N":"10"}"#)])),
        ("SET a = if_not_exists(a, :one) + :one", Ok(vec![("a", r#"{"N":"2"}"#)])),
        ("SET n = (if_not_exists(n, :one))", Ok(vec![])),
        (
            "SET l = list_append(l, :more), o = list_append(:more, l)",
            Ok(vec![
                ("l", r#"{"L":[{"S":"0"},{"S":"1"},{"S":"2"},{"S":"9"}]}"#),
                ("o", r#"{"L":[{"S":"9"},{"S":"0"},{"S":"1"},{"S":"2"}]}"#),
            ]),
        ),
        (
            "SET l[9] = :w, l[7] = :v, l[0] = :v",
            Ok(vec![("l", r#"{"L":[{"S":"v"},{"S":"1"},{"S":"2"},{"S":"v"},{"S":"w"}]}"#)]),
        ),
        ("REMOVE l[0], l[1], l[8]", Ok(vec![("l", r#"{"L":[{"S":"2"}]}"#)])),
        ("SET l[2] = :v REMOVE l[0]", Ok(vec![("l", r#"{"L":[{"S":"1"},{"S":"v"}]}"#)])),
        ("SET l[5] = :v REMOVE l[1]", Ok(vec![("l", r#"{"L":[{"S":"0"},{"S":"2"},{"S":"v"}]}"#)])),
        (
            "SET m.y = :v, m.l[0] = m.x",
            Ok(vec![("m", r#"{"M":{"x":{"N":"1"},"y":{"S":"v"},"l":{"L":[{"N":"1"}]}}}"#)]),
        ),
        ("REMOVE m.x, m.nope, nope", Ok(vec![("m", r#"{"M":{"l":{"L":[{"N":"5"}]}}}"#)])),
        (
            "ADD n :one, ss :ab, o :one",
            Ok(vec![("n", r#"{"N":"11"}"#), ("ss", r#"{"SS":["a","b","c"]}"#), ("o", r#"{"N":"1"}"#)]),
        ),
        (
            "ADD m.x :one, m.ss :ab",
            Ok(vec![("m", r#"{"M":{"x":{"N":"2"},"ss":{"SS":["b","c"]},"l":{"L":[{"N":"5"}]}}}"#)]),
        ),
        ("DELETE ss :ab, nope :ab", Ok(vec![("ss", r#"{"SS":["a"]}"#)])),
        ("DELETE ss :all", Ok(vec![("ss", "")])),
        ("SET a.b = :v", Err("The document path provided in the update expression is invalid for update")),
        ("SET m[0] = :v", Err("The document path provided in the update expression is invalid for update")),
        ("REMOVE n.x", Err("The document path provided in the update expression is invalid for update")),
        (
            "DELETE nope.x :ab",
            Err("The document path provided in the update expression is invalid for update"),
        ),
        ("SET a = b", Err("The provided expression refers to an attribute that does not exist in the item")),
        ("SET a = n + pk", Err("An operand in the update expression has an incorrect data type")),
        ("SET a = list_append(l, n)", Err("An operand in the update expression has an incorrect data type")),
        ("ADD ss :one", Err("An operand in the update expression has an incorrect data type")),
        ("DELETE n :ns", Err("An operand in the update expression has an incorrect data type")),
        ("SET n = n + :big", Err("Attempting to store more than 38 significant digits in a Number")),
    ] {
        assert_change(text, change);
    }
}

/// What an update changes of an item: attributes and their JSON, empty where they go; or the fault.
type Changed = Result<Vec<(&'static str, &'static str)>, &'static str>;

fn assert_change(text: &str, change: Changed) {
    let before = r#"{"pk":{"S":"k"},"n":{"N":"10"},"l":{"L":[{"S":"0"},{"S":"1"},{"S":"2"}]},
        "m":{"M":{"x":{"N":"1"},"l":{"L":[{"N":"5"}]}}},"ss":{"SS":["a","b"]}}"#;
    let values = r#"{":v":{"S":"v"},":w":{"S":"w"},":one":{"N":"1"},":big":{"N":"1e125"},":more":{"L":[{"S":"9"}]},
        ":ab":{"SS":["b","c"]},":all":{"SS":["a","b"]},":ns":{"NS":["1"]}}"#;
    let placeholders = Placeholders::new(None, Some(item(values).into()), Layer::Bare).unwrap();
    let update = Update::parse(text, &placeholders).unwrap();
    let mut got = item(before);
    let outcome = update.apply(&mut got);
    let mut expected = item(before);
    match change {
        Err(fault) => assert_eq!(outcome.unwrap_err().to_string(), fault, "{text}"),
        Ok(changes) => {
            outcome.unwrap();
            for (name, json) in changes {
                expected.remove(name);
                if !json.is_empty() {
                    expected.extend(item(&format!("{{\"{name}\":{json}}}")));
                }
            }
        }
    }
    assert_eq!(got, expected, "{text}");
}
