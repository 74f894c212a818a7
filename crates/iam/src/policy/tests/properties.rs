//! What holds for all policies.

use std::slice::from_ref;

use nephos_core::{AccountId, ContextKeys};
use proptest::prelude::*;

use super::*;

fn action() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["*", "s3:*", "s3:GetObject", "s3:Get*", "s3:PutObject", "dynamodb:*"])
        .prop_map(String::from)
}

fn any_statement() -> impl Strategy<Value = String> {
    let resource = prop::sample::select(vec![
        "*",
        OBJECT,
        "arn:aws:s3:::bucket/*",
        "arn:aws:s3:::other/*",
        "arn:aws:s3:::${aws:nobody}/*",
    ]);
    let condition = prop::sample::select(vec![
        "",
        r#", "Condition": {"StringEquals": {"aws:nobody": "x"}}"#,
        r#", "Condition": {"StringNotEquals": {"aws:nobody": "x"}}"#,
        r#", "Condition": {"Null": {"aws:nobody": "true"}}"#,
    ]);
    (any::<bool>(), any::<bool>(), any::<bool>(), action(), resource, condition).prop_map(
        |(deny, not_action, not_resource, action, resource, condition)| {
            let effect = if deny { "Deny" } else { "Allow" };
            let (a, r) = (
                if not_action { "NotAction" } else { "Action" },
                if not_resource { "NotResource" } else { "Resource" },
            );
            format!(r#"{{"Effect": "{effect}", "{a}": "{action}", "{r}": "{resource}"{condition}}}"#)
        },
    )
}

fn document(statements: &[String]) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(","))
}

fn verdict(statements: &[String]) -> Verdict {
    let caller = user();
    let keys = ContextKeys::new();
    let question = Question::new(&caller, "s3:GetObject", OBJECT, &keys);
    identity(&document(statements)).verdict(&question)
}

/// The same question answered without the index.
fn unindexed(statements: &[String]) -> (bool, bool) {
    let caller = user();
    let keys = ContextKeys::new();
    let question = Question::new(&caller, "s3:GetObject", OBJECT, &keys);
    let policy = Policy::parse(&document(statements), Kind::Identity).unwrap();
    let matching =
        |effect| policy.statements.iter().any(|s| s.effect == effect && s.applies(&question).is_some());
    (matching(Effect::Allow), matching(Effect::Deny))
}

proptest! {
    #[test]
    fn the_index_changes_no_verdict(statements in prop::collection::vec(any_statement(), 1..6)) {
        let (allows, denies) = unindexed(&statements);
        match verdict(&statements) {
            Verdict::Denied(_) => prop_assert!(denies),
            Verdict::Allowed(..) => prop_assert!(allows && !denies),
            Verdict::Silent => prop_assert!(!allows && !denies),
        }
    }

    #[test]
    fn an_added_allow_never_refuses_and_an_added_deny_never_allows(
        statements in prop::collection::vec(any_statement(), 1..5), added in any_statement(),
    ) {
        let before = matches!(verdict(&statements), Verdict::Allowed(..));
        let mut more = statements.clone();
        let adds_allow = added.contains(r#""Effect": "Allow""#);
        more.push(added);
        let after = matches!(verdict(&more), Verdict::Allowed(..));
        if adds_allow { prop_assert!(after >= before) } else { prop_assert!(after <= before) }
    }

    #[test]
    fn the_order_of_statements_does_not_matter(statements in prop::collection::vec(any_statement(), 1..6)) {
        let mut turned = statements.clone();
        turned.reverse();
        let sort = |v: &Verdict| match v { Verdict::Denied(_) => 0, Verdict::Allowed(..) => 1, Verdict::Silent => 2 };
        prop_assert_eq!(sort(&verdict(&statements)), sort(&verdict(&turned)));
    }

    #[test]
    fn reading_never_panics(text in "\\PC{0,200}") {
        for kind in [Kind::Identity, Kind::Resource, Kind::Trust] {
            let _ = Policy::parse(&text, kind);
        }
    }

    #[test]
    fn evaluating_whatever_was_accepted_never_panics(
        version in prop::sample::select(vec!["2008-10-17", "2012-10-17"]),
        action in "[a-z*?]{1,4}:[a-zA-Z*?$]{0,6}", resource in "\\PC{0,20}", operator in prop::sample::select(vec![
            "StringLike", "NumericEquals", "DateLessThan", "Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnLike",
            "ForAnyValue:StringNotLike", "ForAllValues:ArnNotLike", "NumericNotEqualsIfExists", "Null",
        ]),
        operand in "\\PC{0,12}", values in prop::option::of(prop::collection::vec("\\PC{0,12}", 0..3)),
    ) {
        let json = serde_json::json!({"Version": version, "Statement": {"Effect": "Allow", "Principal": "*", "Action": action,
            "Resource": resource, "Condition": {operator: {"test:key": operand}}}}).to_string();
        if let Ok(policy) = Policy::parse(&json, Kind::Resource) {
            let mut keys = ContextKeys::new();
            if let Some(values) = values {
                keys.set_all("test:key", values);
            }
            let caller = user();
            let question = Question::new(&caller, "s3:GetObject", OBJECT, &keys);
            let set = PolicySet::of("any", policy);
            let account: AccountId = HERE.parse().unwrap();
            let _ = decide(&question, account, Policies { resource: Some(&set), ..Policies::default() });
        }
    }

    #[test]
    fn a_deny_dominates_every_combination(
        identity_allows in any::<bool>(), boundary in prop::option::of(any::<bool>()), session in prop::option::of(any::<bool>()),
        place in 0usize..4, cross in any::<bool>(),
    ) {
        let (allow, none, deny) = (identity(&statement("Allow", "*", "*")), Arc::<PolicySet>::default(), identity(&statement("Deny", "*", "*")));
        let (open, closed) = (resource("Allow", r#""*""#), resource("Deny", r#""*""#));
        let pick = |allows: bool| if allows { &allow } else { &none };
        let mut policies = Policies {
            identity: Some(pick(identity_allows)), boundary: boundary.map(|allows| &**pick(allows)), session: session.map(pick).map(from_ref),
            resource: Some(&open), trust: false,
        };
        match place {
            0 => policies.identity = Some(&deny),
            1 => policies.boundary = Some(&deny),
            2 => policies.session = Some(from_ref(&deny)),
            _ => policies.resource = Some(&closed),
        }
        let owner = if cross { THERE } else { HERE };
        let denied = matches!(ask(&user(), owner, policies), Decision::ExplicitDeny { .. });
        prop_assert!(denied);
    }
}
