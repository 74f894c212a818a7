//! Every operator against one table: operator, policy values, request values (none: the key is missing), outcome.

use nephos_core::ContextKeys;

use super::*;

fn holds(operator: &str, operands: &[&str], request: Option<&[&str]>, effect: Effect) -> bool {
    let mut keys = ContextKeys::new();
    if let Some(values) = request {
        keys.set_all("test:key", values.iter().map(|v| (*v).to_owned()).collect());
    }
    keys.set("aws:username", "ada");
    let operands: Vec<String> = operands.iter().map(|v| (*v).to_owned()).collect();
    let parsed = Operator::parse(operator).unwrap_or_else(|| panic!("{operator} is no operator"));
    Condition::compile(parsed, "Test:Key", &operands, true).holds(&keys, effect)
}

type Row = (&'static str, &'static [&'static str], Option<&'static [&'static str]>, bool);

fn check(rows: &[Row]) {
    for (operator, operands, request, expected) in rows {
        let found = holds(operator, operands, *request, Effect::Allow);
        assert_eq!(found, *expected, "{operator} {operands:?} against {request:?}");
    }
}

#[test]
fn strings() {
    check(&[
        ("StringEquals", &["a", "b"], Some(&["b"]), true),
        ("StringEquals", &["a"], Some(&["A"]), false),
        ("StringEquals", &["a*"], Some(&["ab"]), false),
        ("StringEquals", &["a*"], Some(&["a*"]), true),
        ("StringEquals", &["${aws:username}"], Some(&["ada"]), true),
        ("StringEquals", &["${aws:nobody}"], Some(&["ada"]), false),
        ("StringEquals", &["${aws:nobody, 'ada'}"], Some(&["ada"]), true),
        ("StringEquals", &["a"], None, false),
        ("StringNotEquals", &["a", "b"], Some(&["c"]), true),
        ("StringNotEquals", &["a", "b"], Some(&["b"]), false),
        ("StringNotEquals", &["a"], None, true),
        ("StringNotEquals", &["${aws:nobody}"], Some(&["ada"]), true),
        ("StringEqualsIgnoreCase", &["ÄB"], Some(&["äb"]), true),
        ("StringEqualsIgnoreCase", &["ab*"], Some(&["abc"]), false),
        ("StringNotEqualsIgnoreCase", &["AB"], Some(&["ab"]), false),
        ("StringNotEqualsIgnoreCase", &["AB"], Some(&["b"]), true),
        ("StringLike", &["home/*"], Some(&["home/a/b"]), true),
        ("StringLike", &["home/?"], Some(&["home/ab"]), false),
        ("StringLike", &["HOME/*"], Some(&["home/a"]), false),
        ("StringLike", &["${aws:username}/*"], Some(&["ada/x"]), true),
        ("StringNotLike", &["a*", "b*"], Some(&["c"]), true),
        ("StringNotLike", &["a*", "b*"], Some(&["bc"]), false),
        ("stringequals", &["a"], Some(&["a"]), true),
    ]);
}

#[test]
fn numbers_and_dates() {
    check(&[
        ("NumericEquals", &["10"], Some(&["10.0"]), true),
        ("NumericNotEquals", &["10"], Some(&["11"]), true),
        ("NumericNotEquals", &["10"], Some(&["ten"]), false),
        ("NumericNotEquals", &["10"], None, true),
        ("NumericLessThan", &["10"], Some(&["9"]), true),
        ("NumericLessThan", &["10"], Some(&["10"]), false),
        ("NumericLessThanEquals", &["10"], Some(&["10"]), true),
        ("NumericGreaterThan", &["10"], Some(&["9"]), false),
        ("NumericGreaterThanEquals", &["10", "20"], Some(&["11"]), true),
        ("NumericEquals", &["ten"], Some(&["ten"]), false),
        ("DateEquals", &["2026-01-01T00:00:00Z"], Some(&["2026-01-01T01:00:00+01:00"]), true),
        ("DateNotEquals", &["2026-01-01"], Some(&["2026-01-02"]), true),
        ("DateLessThan", &["2026-01-01"], Some(&["2025-12-31T23:59:59Z"]), true),
        ("DateLessThanEquals", &["2026-01-01"], Some(&["1767225600"]), true),
        ("DateGreaterThan", &["2026-01-01"], Some(&["2025-12-31"]), false),
        ("DateGreaterThanEquals", &["2026-01-01"], Some(&["2026"]), true),
        ("DateGreaterThan", &["2026-01-01"], Some(&["soon"]), false),
        ("DateGreaterThan", &["2026-01-01"], None, false),
    ]);
}

#[test]
fn booleans_bytes_addresses_and_arns() {
    check(&[
        ("Bool", &["true"], Some(&["True"]), true),
        ("Bool", &["true"], Some(&["false"]), false),
        ("Bool", &["true"], Some(&["1"]), false),
        ("Bool", &["false"], None, false),
        ("BinaryEquals", &["QmluYXJ5"], Some(&["QmluYXJ5"]), true),
        ("BinaryEquals", &["QmluYXJ5"], Some(&["QmluYXJ6"]), false),
        ("BinaryEquals", &["%"], Some(&["%"]), false),
        ("IpAddress", &["10.0.0.0/8", "::1"], Some(&["10.9.8.7"]), true),
        ("IpAddress", &["10.0.0.0/8"], Some(&["11.0.0.1"]), false),
        ("IpAddress", &["10.0.0.0/8"], Some(&["nowhere"]), false),
        ("NotIpAddress", &["10.0.0.0/8"], Some(&["11.0.0.1"]), true),
        ("NotIpAddress", &["10.0.0.0/8"], Some(&["10.0.0.1"]), false),
        ("NotIpAddress", &["10.0.0.0/8"], Some(&["nowhere"]), false),
        ("NotIpAddress", &["10.0.0.0/8"], None, true),
        ("ArnEquals", &["arn:aws:s3:::b*"], Some(&["arn:aws:s3:::bucket"]), true),
        ("ArnLike", &["arn:aws:s3:::b*"], Some(&["arn:aws:s3:::bucket/key:x"]), true),
        ("ArnLike", &["arn:aws:*"], Some(&["arn:aws:s3:::bucket"]), false),
        ("ArnLike", &["arn:aws:iam::*:user/${aws:username}"], Some(&["arn:aws:iam::1:user/ada"]), true),
        ("ArnNotEquals", &["arn:aws:s3:::b"], Some(&["arn:aws:s3:::c"]), true),
        ("ArnNotLike", &["arn:aws:s3:::*"], Some(&["arn:aws:s3:::c"]), false),
        ("ArnNotLike", &["arn:aws:s3:::*"], Some(&["no arn"]), false),
        ("ArnNotLike", &["arn:aws:s3:::*"], None, true),
    ]);
}

#[test]
fn presence() {
    check(&[
        ("Null", &["true"], None, true),
        ("Null", &["true"], Some(&["x"]), false),
        ("Null", &["false"], Some(&["x"]), true),
        ("Null", &["false"], None, false),
        ("Null", &["false"], Some(&[]), false),
        ("StringEqualsIfExists", &["a"], None, true),
        ("StringEqualsIfExists", &["a"], Some(&["a"]), true),
        ("StringEqualsIfExists", &["a"], Some(&["b"]), false),
        ("NumericLessThanIfExists", &["1"], None, true),
        ("BoolIfExists", &["true"], Some(&["false"]), false),
    ]);
}

#[test]
fn sets_of_values() {
    check(&[
        ("ForAllValues:StringEquals", &["a", "b"], Some(&["a", "b", "a"]), true),
        ("ForAllValues:StringEquals", &["a", "b"], Some(&["a", "c"]), false),
        ("ForAllValues:StringEquals", &["a"], None, true),
        ("ForAllValues:StringEquals", &["a"], Some(&[]), true),
        ("ForAllValues:StringNotLike", &["a*"], Some(&["b", "c"]), true),
        ("ForAllValues:StringNotLike", &["a*"], Some(&["b", "ab"]), false),
        ("ForAnyValue:StringEquals", &["a", "b"], Some(&["c", "b"]), true),
        ("ForAnyValue:StringEquals", &["a"], Some(&["c"]), false),
        ("ForAnyValue:StringEquals", &["a"], None, false),
        ("ForAnyValue:StringEqualsIfExists", &["a"], None, false),
        ("ForAnyValue:StringNotEquals", &["a"], Some(&["a", "b"]), true),
        ("ForAnyValue:StringNotEquals", &["a"], None, false),
        // Several values without a set operator match no Allow.
        ("StringEquals", &["a"], Some(&["a", "b"]), false),
        ("StringEquals", &["a"], Some(&["a", "a"]), false),
    ]);
    assert!(
        holds("StringEquals", &["a"], Some(&["b", "a"]), Effect::Deny),
        "a Deny reaches each of several values"
    );
}

#[test]
fn unknown_operators_have_no_meaning() {
    for name in [
        "",
        "StringMatches",
        "NumericLike",
        "ForSomeValues:StringEquals",
        "ForAllValues:",
        "NullIfExists",
        "IfExists",
        "StringEqualsIfExistsIfExists",
        "DateBefore",
        " StringEquals",
    ] {
        assert!(Operator::parse(name).is_none(), "{name}");
    }
}
