//! Table-driven: what AWS answers to each expression, to the letter.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::value::testing::item;
use crate::value::{AttributeMap, Attributes, Item};

/// Names `#a` to `#d` and values of every type.
fn placeholders() -> Placeholders {
    let names = [("#a", "a"), ("#b", "b"), ("#c", "c"), ("#d", "[3]"), ("#name", "name")];
    let names = names.map(|(key, name)| (key.to_owned(), name.to_owned()));
    let values = item(
        r#"{":s":{"S":"a"},":t":{"S":"b"},":n":{"N":"1"},":m":{"N":"2"},":b":{"B":"YQ=="},":y":{"BOOL":true},
           ":z":{"NULL":true},":ss":{"SS":["a"]},":ns":{"NS":["1"]},":bs":{"BS":["YQ=="]},":l":{"L":[]},":map":{"M":{}},
           ":type":{"S":"N"},":list":{"L":[{"N":"3"}]}}"#,
    );
    Placeholders::new(Some(BTreeMap::from(names)), Some(values.into()), Layer::Bare).unwrap()
}

fn condition_fault(text: &str) -> String {
    Condition::parse(text, Parameter::Filter, &placeholders()).unwrap_err().to_string()
}

fn update_fault(text: &str) -> String {
    Update::parse(text, &placeholders()).unwrap_err().to_string()
}

#[test]
fn conditions_are_refused_in_awss_words() {
    let wrong = "Incorrect operand type for operator or function; operator or function:";
    let distinct = "The first operand must be distinct from the remaining operands for this operator or function; operator:";
    let between = "The BETWEEN operator requires";
    for (text, fault) in [
        ("", "The expression can not be empty;".to_owned()),
        ("a", "Syntax error; token: \"<EOF>\", near: \"a\"".to_owned()),
        ("attribute_not_exists(", "Syntax error; token: \"<EOF>\", near: \"(\"".to_owned()),
        ("a = ", "Syntax error; token: \"<EOF>\", near: \"=\"".to_owned()),
        ("a IN ()", "Syntax error; token: \")\", near: \"()\"".to_owned()),
        ("_a = :s", "Syntax error; token: \"_\", near: \"_a\"".to_owned()),
        ("a = \"x\"", "Syntax error; token: \"\"\", near: \"= \"x\"".to_owned()),
        ("a == :s", "Syntax error; token: \"=\", near: \"== :s\"".to_owned()),
        ("a-b = :s", "Syntax error; token: \"-\", near: \"a-b\"".to_owned()),
        ("((a = :s))", "The expression has redundant parentheses;".to_owned()),
        ("((a)) = :s", "The expression has redundant parentheses;".to_owned()),
        ("a = ((:s))", "The expression has redundant parentheses;".to_owned()),
        ("a = :s AND ((b = :s))", "The expression has redundant parentheses;".to_owned()),
        ("bogus(a) = :s", "Invalid function name; function: bogus".to_owned()),
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size".to_owned()),
        ("contains(a, b) = :s", "The function is not allowed to be used this way in an expression; function: contains".to_owned()),
        ("name = :s", "Attribute name is a reserved keyword; reserved keyword: name".to_owned()),
        ("a.Status = :nope", "Attribute name is a reserved keyword; reserved keyword: Status".to_owned()),
        ("#nope = :s", "An expression attribute name used in the document path is not defined; attribute name: #nope".to_owned()),
        ("a = :nope", "An expression attribute value used in expression is not defined; attribute value: :nope".to_owned()),
        ("attribute_exists(:s)", "Operator or function requires a document path; operator or function: attribute_exists".to_owned()),
        ("attribute_exists(a, b)", "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2".to_owned()),
        ("begins_with(a)", "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1".to_owned()),
        ("size(a, b) = :n", "Incorrect number of operands for operator or function; operator or function: size, number of operands: 2".to_owned()),
        ("begins_with(a, :n)", format!("{wrong} begins_with, operand type: N")),
        ("begins_with(a, size(b))", format!("{wrong} begins_with, operand type: N")),
        ("size(:n) = :n", format!("{wrong} size, operand type: N")),
        ("attribute_type(a, b)", format!("{wrong} attribute_type, operand type: {{NS,SS,L,BS,N,M,B,BOOL,NULL,S}}")),
        ("attribute_type(a, :n)", format!("{wrong} attribute_type, operand type: N")),
        ("attribute_type(a, :s)", "Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}".to_owned()),
        ("a < :y", format!("{wrong} <, operand type: BOOL")),
        (":l >= a", format!("{wrong} >=, operand type: L")),
        ("a BETWEEN :l AND :l", format!("{wrong} BETWEEN, operand type: L")),
        ("a BETWEEN :m AND :n", format!("{between} upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {{N:2}}, upper bound operand: AttributeValue: {{N:1}}")),
        ("a BETWEEN :s AND :n", format!("{between} same data type for lower and upper bounds; lower bound operand: AttributeValue: {{S:a}}, upper bound operand: AttributeValue: {{N:1}}")),
        ("a = a", format!("{distinct} =, first operand: [a]")),
        ("contains(a.b[1], #a.b[1])", format!("{distinct} contains, first operand: [a, b, [1]]")),
        ("a[99999999999] = :s", "List index is not within the allowable range; index: [99999999999]".to_owned()),
    ] {
        assert_eq!(condition_fault(text), fault, "{text}");
    }
}

#[test]
fn the_first_fault_in_the_order_of_clauses_is_told() {
    let undefined =
        "An expression attribute value used in expression is not defined; attribute value: :missing";
    let operand =
        "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N";
    assert_eq!(condition_fault("pk = :missing AND begins_with(sk, :n)"), undefined);
    assert_eq!(condition_fault("begins_with(sk, :n) AND pk = :missing"), operand);
}

#[test]
fn sizes_and_numbers_of_operators_are_bounded() {
    let long = format!("{} = :s", "a".repeat(4091));
    assert_eq!(long.len(), 4096);
    assert!(Condition::parse(&long, Parameter::Filter, &placeholders()).is_ok());
    let longer = format!("{long} ");
    assert_eq!(
        condition_fault(&longer),
        "Expression size has exceeded the maximum allowed size; expression size: 4097"
    );
    let many = |count: usize| vec!["a=:s"; count].join(" OR ");
    assert!(Condition::parse(&many(150), Parameter::Filter, &placeholders()).is_ok());
    assert_eq!(
        condition_fault(&many(151)),
        "The expression contains too many operators; operator count: 301"
    );
    let within = |count: usize| format!("a IN ({})", vec![":s"; count].join(","));
    assert!(Condition::parse(&within(100), Parameter::Filter, &placeholders()).is_ok());
    assert_eq!(
        condition_fault(&within(101)),
        "The IN operator is provided with too many operands; number of operands: 101"
    );
    let deep = format!("a{} = :s", ".b".repeat(32));
    assert_eq!(condition_fault(&deep), "The document path has too many nesting elements; nesting levels: 33");
}

#[test]
fn nesting_without_end_is_refused_and_survived() {
    for (open, count) in [("(", 4000), ("NOT ", 1000), ("size(", 800)] {
        assert!(Condition::parse(&open.repeat(count), Parameter::Filter, &placeholders()).is_err(), "{open}");
    }
    assert!(Update::parse(&format!("SET a = {}", "(".repeat(4000)), &placeholders()).is_err());
    assert!(Update::parse(&format!("SET a = {}", "list_append(".repeat(300)), &placeholders()).is_err());
}

#[test]
fn as_many_parentheses_as_operators_allow_are_fine() {
    // boto3 puts each `|` into parentheses of its own.
    let ors = 149;
    let text = format!("{}a = :s{}", "(".repeat(ors), " OR b = :s)".repeat(ors));
    let condition = Condition::parse(&text, Parameter::Filter, &placeholders()).unwrap();
    let stored = Item::encode(&item(r#"{"b":{"S":"no"}}"#));
    assert!(!condition.holds(Some(stored.view())));
    assert!(
        Condition::parse(&format!("{}a = :s", "NOT ".repeat(299)), Parameter::Filter, &placeholders())
            .is_ok()
    );
}

#[test]
fn conditions_hold_as_awss_do() {
    let stored = Item::encode(&item(
        r#"{"a":{"S":"hello"},"n":{"N":"5"},"b":{"B":"aGVsbG8="},"l":{"L":[{"N":"3"},{"S":"x"},{"SS":["a"]}]},
           "m":{"M":{"k":{"N":"5.0"},"deep":{"L":[{"M":{"x":{"BOOL":true}}}]}}},"ss":{"SS":["a","zz"]},
           "ns":{"NS":["1","20"]},"bs":{"BS":["YQ=="]},"yes":{"BOOL":true},"nil":{"NULL":true},"name":{"S":"é"}}"#,
    ));
    for (text, with, without) in [
        ("attribute_exists(a)", true, false),
        ("attribute_not_exists(a)", false, true),
        ("attribute_exists(m.deep[0].x)", true, false),
        ("attribute_exists(m.deep[1])", false, false),
        ("attribute_exists(m.nope.x)", false, false),
        ("a = a2", false, false),
        ("a <> a2", true, true),
        ("n = m.k", true, false),
        ("n > :n", true, false),
        ("n < :s", false, false),
        (":n <= n", true, false),
        ("n BETWEEN :n AND m.k", true, false),
        ("n IN (:n, :m, m.k)", true, false),
        ("n IN (:s, :m)", false, false),
        ("begins_with(a, :h)", true, false),
        ("begins_with(n, :h)", false, false),
        ("contains(a, :h)", true, false),
        ("contains(b, :b)", false, false),
        ("contains(ss, :s)", true, false),
        ("contains(ns, :n)", true, false),
        ("contains(bs, :b)", true, false),
        ("contains(l, :three)", true, false),
        ("contains(l, :ss)", true, false),
        ("contains(ss, :n)", false, false),
        ("attribute_type(m, :map)", false, false),
        ("attribute_type(n, :type)", true, false),
        ("attribute_type(:n, :type)", true, true),
        ("size(a) = n", true, false),
        ("size(ss) = :m", true, false),
        ("size(l) > :m", true, false),
        ("size(m) <= :m", true, false),
        ("size(n) = :n", false, false),
        ("size(#name) = :n", true, false),
        ("NOT a = :s", true, true),
        ("NOT (a = :h OR n = :n) AND yes = :y", true, false),
        ("nil = :z and yes = :y", true, false),
        ("(m.deep)[0].x = :y", true, false),
        ("a = :s OR n = :n OR (ss = :ss AND bs = :bs) OR bs = :bs", true, false),
    ] {
        let mut values = item(r#"{":h":{"S":"hell"},":three":{"N":"3.0"}}"#);
        values.extend(item(r#"{":s":{"S":"a"},":n":{"N":"1"},":m":{"N":"2"},":b":{"B":"YQ=="},":y":{"BOOL":true},":z":{"NULL":true},":ss":{"SS":["a"]},":bs":{"BS":["YQ=="]},":type":{"S":"N"},":map":{"S":"L"}}"#));
        let names = BTreeMap::from([("#name".to_owned(), "name".to_owned())]);
        let placeholders = Placeholders::new(Some(names), Some(values.into()), Layer::Bare).unwrap();
        let condition = Condition::parse(text, Parameter::Condition, &placeholders).unwrap();
        assert_eq!(condition.holds(Some(stored.view())), with, "{text} with the item");
        assert_eq!(condition.holds(None), without, "{text} without an item");
    }
}

#[test]
fn projections_pick_parts_and_refuse_overlaps() {
    let stored = Item::encode(&item(
        r#"{"a":{"M":{"b":{"S":"x"},"c":{"S":"y"},"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"}]}}},"z":{"N":"1"},"pk":{"S":"k"}}"#,
    ));
    for (text, picked) in [
        ("z, pk, nope", r#"{"z":{"N":"1"},"pk":{"S":"k"}}"#),
        ("a.b", r#"{"a":{"M":{"b":{"S":"x"}}}}"#),
        ("a.l[2], a.l[0], a.c", r#"{"a":{"M":{"c":{"S":"y"},"l":{"L":[{"N":"0"},{"N":"2"}]}}}}"#),
        ("a.b.c, a.l.x, z[0]", "{}"),
    ] {
        let projection = Projection::parse(text, &placeholders()).unwrap();
        let AttributeMap::Stored(got) = projection.apply(stored.view()) else {
            let AttributeMap::Tree(got, None) = projection.apply(stored.view()) else { panic!("{text}") };
            assert_eq!(got, item(picked), "{text}");
            continue;
        };
        assert_eq!(got.attributes().unwrap(), item(picked), "{text}");
    }
    let overlap = "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two:";
    for (text, fault) in [
        ("!!! INVALID !!!", "Syntax error; token: \"!\", near: \"!!\"".to_owned()),
        ("a,", "Syntax error; token: \"<EOF>\", near: \",\"".to_owned()),
        ("name", "Attribute name is a reserved keyword; reserved keyword: name".to_owned()),
        ("a, a", format!("{overlap} [a]")),
        ("a, #a", format!("{overlap} [a]")),
        ("a, a.b", format!("{overlap} [a, b]")),
        ("a.b, a[1]", "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [1]]".to_owned()),
        ("#nope", "An expression attribute name used in the document path is not defined; attribute name: #nope".to_owned()),
    ] {
        assert_eq!(Projection::parse(text, &placeholders()).unwrap_err().to_string(), fault, "{text}");
    }
}

#[test]
fn key_conditions_are_refused_in_awss_words() {
    let bare = "Invalid condition in KeyConditionExpression:";
    for (text, fault) in [
        ("a = :s OR b = :s", "Invalid operator used in KeyConditionExpression: OR".to_owned()),
        ("NOT a = :s", "Invalid operator used in KeyConditionExpression: NOT".to_owned()),
        ("a IN (:s)", "Invalid operator used in KeyConditionExpression: IN".to_owned()),
        ("a <> :s", "Invalid operator used in KeyConditionExpression: <>".to_owned()),
        (
            "attribute_exists(a)",
            "Invalid operator used in KeyConditionExpression: attribute_exists".to_owned(),
        ),
        (
            "attribute_not_exists(a)",
            "Invalid operator used in KeyConditionExpression: attribute_not_exists".to_owned(),
        ),
        ("contains(a, :s)", "Invalid operator used in KeyConditionExpression: contains".to_owned()),
        ("size(a) = :n", "KeyConditionExpressions cannot contain nested operations".to_owned()),
        (
            ":n BETWEEN a AND b",
            format!("{bare} BETWEEN operator must have the key attribute as its first operand"),
        ),
        (
            "begins_with(:s, a)",
            format!("{bare} begins_with operator must have the key attribute as its first operand"),
        ),
        ("a = b", format!("{bare} Multiple attribute names used in one condition")),
        (":s = :s", format!("{bare} No key attribute specified")),
        ("a.b = :s", "KeyConditionExpressions cannot have conditions on nested attributes".to_owned()),
        ("a > :n AND a < :m", "KeyConditionExpressions must only contain one condition per key".to_owned()),
        ("((a = :s))", "The expression has redundant parentheses;".to_owned()),
    ] {
        assert_eq!(KeyConditions::parse(text, &placeholders()).unwrap_err().to_string(), fault, "{text}");
    }
    for text in [
        "(#a = :s AND (#b = :s))",
        "(a = :s) AND (b = :s)",
        "a = :s AND :n <= b",
        "begins_with(b, :s) AND a = :n",
    ] {
        assert_eq!(KeyConditions::parse(text, &placeholders()).unwrap().0.len(), 2, "{text}");
    }
}

#[test]
fn placeholders_are_checked_and_counted() {
    let names = |key: &str| Some(BTreeMap::from([(key.to_owned(), "x".to_owned())]));
    let values = |key: &str| Some(Attributes::from([(key.to_owned(), crate::value::AttributeValue::Null)]));
    for (names, values, fault) in [
        (Some(BTreeMap::new()), None, "ExpressionAttributeNames must not be empty"),
        (names("a"), None, "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\""),
        (names("#"), None, "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\""),
        (None, Some(Attributes::new()), "ExpressionAttributeValues must not be empty"),
        (None, values("b"), "ExpressionAttributeValues contains invalid key: Syntax error; key: \"b\""),
    ] {
        assert_eq!(Placeholders::new(names, values.map(AttributeMap::from), Layer::Bare).unwrap_err(), fault);
    }
    let used = Placeholders::new(names("#x"), values(":v").map(AttributeMap::from), Layer::Bare).unwrap();
    assert_eq!(
        used.check_used().unwrap_err(),
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}"
    );
    let _ = used.name("#x");
    assert_eq!(
        used.check_used().unwrap_err(),
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"
    );
    let _ = used.value(":v");
    assert_eq!(used.check_used(), Ok(()));
}

/// Expressions that are nearly right, so that the parsers get far into them.
fn nearly() -> impl Strategy<Value = String> {
    let tokens = [
        "a",
        "#a",
        ":s",
        ":n",
        "(",
        ")",
        "=",
        "<>",
        "<",
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "IN",
        ",",
        ".",
        "[",
        "0",
        "]",
        "SET",
        "REMOVE",
        "ADD",
        "DELETE",
        "+",
        "-",
        "size",
        "contains",
        "attribute_exists",
        "if_not_exists",
        "list_append",
        "name",
        "é",
        "\"",
    ];
    proptest::collection::vec(proptest::sample::select(tokens.to_vec()), 0..40)
        .prop_map(|tokens| tokens.join(" "))
}

proptest! {
    #[test]
    fn no_input_panics(any: String, near in nearly()) {
        let placeholders = placeholders();
        for text in [&any, &near] {
            let _ = Condition::parse(text, Parameter::Condition, &placeholders);
            let _ = Projection::parse(text, &placeholders);
            let _ = KeyConditions::parse(text, &placeholders);
            let _ = Update::parse(text, &placeholders);
        }
    }

    #[test]
    fn what_parses_evaluates_and_applies(near in nearly(), attributes in crate::value::testing::attributes()) {
        let placeholders = placeholders();
        let stored = Item::encode(&attributes);
        if let Ok(condition) = Condition::parse(&near, Parameter::Condition, &placeholders) {
            let not = Condition::Not(Box::new(condition.clone()));
            prop_assert_ne!(condition.holds(Some(stored.view())), not.holds(Some(stored.view())));
        }
        if let Ok(update) = Update::parse(&near, &placeholders) {
            let mut changed = attributes.clone();
            if update.apply(&mut changed).is_err() {
                prop_assert_eq!(changed, attributes);
            }
        }
    }
}

mod updates;
