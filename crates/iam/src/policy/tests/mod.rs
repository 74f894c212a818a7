//! Whole decisions; whole documents and properties of both in the files below.

mod documents;
mod properties;

use std::slice::from_ref;
use std::sync::Arc;

use nephos_core::ContextKeys;

use super::*;

const HERE: &str = "111111111111";
const THERE: &str = "222222222222";

fn user() -> Caller {
    Caller {
        kind: CallerKind::User,
        account: HERE.parse().ok(),
        name: "arn:aws:iam::111111111111:user/ada".into(),
        role_arn: None,
        unique_id: Some("AIDAAAAAAAAAAAAAAAAAA".into()),
    }
}

fn role() -> Caller {
    Caller {
        kind: CallerKind::Role,
        account: HERE.parse().ok(),
        name: "arn:aws:sts::111111111111:assumed-role/app/run".into(),
        role_arn: Some("arn:aws:iam::111111111111:role/path/app".into()),
        unique_id: Some("AROAAAAAAAAAAAAAAAAAA".into()),
    }
}

fn sort(kind: CallerKind, name: &str) -> Caller {
    let account = matches!(kind, CallerKind::Root | CallerKind::Federated).then(|| HERE.parse().unwrap());
    Caller { kind, account, name: name.into(), role_arn: None, unique_id: None }
}

fn identity(json: &str) -> Arc<PolicySet> {
    Arc::new(PolicySet::of("test", Policy::parse(json, Kind::Identity).unwrap()))
}

fn statement(effect: &str, action: &str, resource: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Sid": "S1", "Effect": "{effect}", "Action": "{action}", "Resource": "{resource}"}}}}"#
    )
}

fn resource(effect: &str, principal: &str) -> PolicySet {
    let json = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "{effect}", "Principal": {principal}, "Action": "s3:*", "Resource": "*"}}]}}"#
    );
    PolicySet::of("bucket policy", Policy::parse(&json, Kind::Resource).unwrap())
}

const OBJECT: &str = "arn:aws:s3:::bucket/key";

fn ask(caller: &Caller, owner: &str, policies: Policies<'_>) -> Decision {
    let keys = ContextKeys::new();
    let question = Question::new(caller, "s3:GetObject", OBJECT, &keys);
    decide(&question, owner.parse().unwrap(), policies)
}

fn refusal(decision: &Decision) -> Option<PolicyKind> {
    match decision {
        Decision::Allowed { .. } => None,
        Decision::ExplicitDeny { by, .. } => Some(*by),
        Decision::ImplicitDeny { missing } => Some(*missing),
    }
}

#[test]
fn actions_have_no_case_and_resources_do() {
    for (action, resource, allowed) in [
        ("S3:GETOBJECT", OBJECT, true),
        ("s3:Get*", OBJECT, true),
        ("s3:Get?bject", OBJECT, true),
        ("*", "*", true),
        ("*:GetObject", "*", true),
        ("s3:PutObject", OBJECT, false),
        ("s3:GetObject", "arn:aws:s3:::Bucket/key", false),
        ("s3:GetObject", "arn:aws:s3:::bucket", false),
        ("s3:GetObject", "arn:aws:s3:::*", true),
        ("dynamodb:*", "*", false),
    ] {
        let set = identity(&statement("Allow", action, resource));
        let decision = ask(&user(), HERE, Policies { identity: Some(&set), ..Policies::default() });
        assert_eq!(decision.is_allowed(), allowed, "{action} on {resource}");
    }
}

#[test]
fn all_but_the_named() {
    for (body, allowed) in [
        (r#""NotAction": "s3:PutObject", "Resource": "*""#, true),
        (r#""NotAction": ["s3:PutObject", "s3:Get*"], "Resource": "*""#, false),
        (r#""Action": "s3:*", "NotResource": "arn:aws:s3:::other/*""#, true),
        (r#""Action": "s3:*", "NotResource": "arn:aws:s3:::bucket/*""#, false),
        // Nobody has this variable: "all but mine" must not become "all".
        (r#""Action": "s3:*", "NotResource": "arn:aws:s3:::${aws:nobody}/*""#, false),
    ] {
        let set =
            identity(&format!(r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", {body}}}}}"#));
        let decision = ask(&user(), HERE, Policies { identity: Some(&set), ..Policies::default() });
        assert_eq!(decision.is_allowed(), allowed, "{body}");
    }
}

#[test]
fn a_deny_of_any_kind_wins() {
    let (allow, deny) = (identity(&statement("Allow", "*", "*")), identity(&statement("Deny", "s3:*", "*")));
    let open = resource("Allow", r#""*""#);
    let closed = resource("Deny", r#"{"AWS": "111111111111"}"#);
    let all = Policies { identity: Some(&allow), resource: Some(&open), ..Policies::default() };
    assert!(ask(&user(), HERE, all).is_allowed());
    for (kind, policies) in [
        (PolicyKind::Identity, Policies { identity: Some(&deny), ..all }),
        (PolicyKind::Boundary, Policies { boundary: Some(&deny), ..all }),
        (PolicyKind::Session, Policies { session: Some(from_ref(&deny)), ..all }),
        (PolicyKind::Resource, Policies { resource: Some(&closed), ..all }),
    ] {
        assert!(
            matches!(ask(&user(), HERE, policies), Decision::ExplicitDeny { by, .. } if by == kind),
            "{kind:?}"
        );
    }
    let root = sort(CallerKind::Root, "arn:aws:iam::111111111111:root");
    let denied = ask(&root, HERE, Policies { resource: Some(&closed), ..Policies::default() });
    assert_eq!(refusal(&denied), Some(PolicyKind::Resource), "the root user is not above a resource's Deny");
}

/// Same account: what suffices, by how closely the resource's policy names the caller.
#[test]
fn within_an_account_identity_or_resource_suffices() {
    let (allow, none) = (identity(&statement("Allow", "s3:*", "*")), Arc::<PolicySet>::default());
    let named = resource("Allow", r#"{"AWS": "arn:aws:iam::111111111111:user/ada"}"#);
    let session = resource("Allow", r#"{"AWS": "arn:aws:sts::111111111111:assumed-role/app/run"}"#);
    let of_role = resource("Allow", r#"{"AWS": "arn:aws:iam::111111111111:role/path/app"}"#);
    let account = resource("Allow", r#"{"AWS": "arn:aws:iam::111111111111:root"}"#);
    let everyone = resource("Allow", r#"{"AWS": "*"}"#);
    let by_id = resource("Allow", r#"{"AWS": "AIDAAAAAAAAAAAAAAAAAA"}"#);
    let rows: [(&str, Caller, &PolicySet, Option<&PolicySet>, bool, Option<PolicyKind>); 13] = [
        ("identity alone", user(), &allow, None, false, None),
        ("nothing", user(), &none, None, false, Some(PolicyKind::Identity)),
        ("the user", user(), &none, Some(&named), false, None),
        ("the user's id", user(), &none, Some(&by_id), false, None),
        ("the user, past a boundary", user(), &none, Some(&named), true, None),
        ("the session, past a boundary", role(), &none, Some(&session), true, None),
        ("the role", role(), &none, Some(&of_role), false, None),
        ("the role, within a boundary", role(), &none, Some(&of_role), true, Some(PolicyKind::Boundary)),
        ("the account only delegates", user(), &none, Some(&account), false, Some(PolicyKind::Identity)),
        ("the account and identity", user(), &allow, Some(&account), false, None),
        ("everyone", user(), &none, Some(&everyone), false, None),
        ("everyone, within a boundary", user(), &none, Some(&everyone), true, Some(PolicyKind::Boundary)),
        ("identity, within a boundary", user(), &allow, None, true, Some(PolicyKind::Boundary)),
    ];
    for (name, caller, identity, resource, bounded, expected) in rows {
        let boundary = bounded.then_some(&*none);
        let decision = ask(
            &caller,
            HERE,
            Policies { identity: Some(identity), boundary, resource, ..Policies::default() },
        );
        assert_eq!(refusal(&decision), expected, "{name}");
    }
}

#[test]
fn a_session_policy_narrows_unless_the_session_is_named() {
    let (allow, none) = (identity(&statement("Allow", "s3:*", "*")), Arc::<PolicySet>::default());
    let narrow = Policies { identity: Some(&allow), session: Some(from_ref(&none)), ..Policies::default() };
    assert_eq!(refusal(&ask(&role(), HERE, narrow)), Some(PolicyKind::Session));
    assert!(ask(&role(), HERE, Policies { session: Some(from_ref(&allow)), ..narrow }).is_allowed());
    let session = resource("Allow", r#"{"AWS": "arn:aws:sts::111111111111:assumed-role/app/run"}"#);
    assert!(ask(&role(), HERE, Policies { resource: Some(&session), ..narrow }).is_allowed());
    let federated = sort(CallerKind::Federated, "arn:aws:sts::111111111111:federated-user/bob");
    assert_eq!(refusal(&ask(&federated, HERE, narrow)), Some(PolicyKind::Session));
    let named = resource("Allow", r#"{"AWS": "arn:aws:sts::111111111111:federated-user/bob"}"#);
    assert!(ask(&federated, HERE, Policies { resource: Some(&named), ..narrow }).is_allowed());
}

#[test]
fn across_accounts_both_sides_must_allow() {
    let (allow, none) = (identity(&statement("Allow", "s3:*", "*")), Arc::<PolicySet>::default());
    let account = resource("Allow", r#"{"AWS": "111111111111"}"#);
    let named = resource("Allow", r#"{"AWS": "arn:aws:iam::111111111111:user/ada"}"#);
    let other = resource("Allow", r#"{"AWS": "333333333333"}"#);
    for (name, identity, resource, expected) in [
        ("both", &allow, Some(&account), None),
        ("both, named", &allow, Some(&named), None),
        ("identity alone", &allow, None, Some(PolicyKind::Resource)),
        ("identity and a stranger", &allow, Some(&other), Some(PolicyKind::Resource)),
        ("resource alone", &none, Some(&account), Some(PolicyKind::Identity)),
        ("resource alone, named", &none, Some(&named), Some(PolicyKind::Identity)),
    ] {
        let policies = Policies { identity: Some(identity), resource, ..Policies::default() };
        assert_eq!(refusal(&ask(&user(), THERE, policies)), expected, "{name}");
    }
    let root = sort(CallerKind::Root, "arn:aws:iam::111111111111:root");
    assert!(ask(&root, HERE, Policies::default()).is_allowed());
    assert_eq!(refusal(&ask(&root, THERE, Policies::default())), Some(PolicyKind::Resource));
    assert!(ask(&root, THERE, Policies { resource: Some(&account), ..Policies::default() }).is_allowed());
}

#[test]
fn callers_without_identity_have_what_the_resource_gives() {
    let everyone = resource("Allow", r#""*""#);
    let service = resource("Allow", r#"{"Service": "lambda.amazonaws.com"}"#);
    let anonymous = sort(CallerKind::Anonymous, "anonymous");
    let lambda = sort(CallerKind::Service, "lambda.amazonaws.com");
    let s3 = sort(CallerKind::Service, "s3.amazonaws.com");
    let with = |set| Policies { resource: Some(set), ..Policies::default() };
    assert!(ask(&anonymous, HERE, with(&everyone)).is_allowed());
    assert!(!ask(&anonymous, HERE, with(&service)).is_allowed());
    assert!(!ask(&anonymous, HERE, Policies::default()).is_allowed());
    assert!(ask(&lambda, HERE, with(&service)).is_allowed());
    assert!(!ask(&s3, HERE, with(&service)).is_allowed());
    let federated = resource("Allow", r#"{"Federated": "cognito-identity.amazonaws.com"}"#);
    let web = Caller::web_identity("cognito-identity.amazonaws.com");
    assert!(ask(&web, HERE, with(&federated)).is_allowed());
    assert!(!ask(&web, HERE, with(&everyone)).is_allowed(), "a web identity must be named");
    assert!(!ask(&Caller::web_identity("accounts.google.com"), HERE, with(&federated)).is_allowed());
}

#[test]
fn a_denial_spares_only_those_wholly_listed() {
    let allow = identity(&statement("Allow", "*", "*"));
    let spare = |principals: &str| {
        let json = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Deny", "NotPrincipal": {{"AWS": [{principals}]}}, "Action": "*", "Resource": "*"}}}}"#
        );
        let set = PolicySet::of("bucket policy", Policy::parse(&json, Kind::Resource).unwrap());
        ask(&role(), HERE, Policies { identity: Some(&allow), resource: Some(&set), ..Policies::default() })
            .is_allowed()
    };
    let (account, role, session) = (
        r#""111111111111""#,
        r#""arn:aws:iam::111111111111:role/path/app""#,
        r#""arn:aws:sts::111111111111:assumed-role/app/run""#,
    );
    assert!(spare(&format!("{account}, {role}, {session}")));
    assert!(!spare(&format!("{account}, {role}")));
    assert!(!spare(&format!("{account}, {session}")));
    assert!(!spare(&format!("{role}, {session}")));
}

#[test]
fn a_trust_policy_must_allow() {
    let trust = |principal: &str| {
        let json = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole"}}}}"#
        );
        PolicySet::of("trust policy", Policy::parse(&json, Kind::Trust).unwrap())
    };
    let (allow, none) = (identity(&statement("Allow", "sts:*", "*")), Arc::<PolicySet>::default());
    let assume = |caller: &Caller, owner: &str, identity, set: &PolicySet| {
        let keys = ContextKeys::new();
        let question = Question::new(caller, "sts:AssumeRole", "arn:aws:iam::111111111111:role/r", &keys);
        let policies =
            Policies { identity: Some(identity), resource: Some(set), trust: true, ..Policies::default() };
        refusal(&decide(&question, owner.parse().unwrap(), policies))
    };
    let (named, account) =
        (trust(r#"{"AWS": "arn:aws:iam::111111111111:user/ada"}"#), trust(r#"{"AWS": "111111111111"}"#));
    let stranger = trust(r#"{"AWS": "333333333333"}"#);
    assert_eq!(assume(&user(), HERE, &none, &named), None);
    assert_eq!(assume(&user(), HERE, &none, &account), Some(PolicyKind::Identity));
    assert_eq!(assume(&user(), HERE, &allow, &account), None);
    assert_eq!(assume(&user(), HERE, &allow, &stranger), Some(PolicyKind::Trust));
    assert_eq!(assume(&user(), THERE, &none, &named), Some(PolicyKind::Identity));
    assert_eq!(assume(&user(), THERE, &allow, &named), None);
    let root = sort(CallerKind::Root, "arn:aws:iam::111111111111:root");
    assert_eq!(assume(&root, HERE, &none, &stranger), Some(PolicyKind::Trust));
    assert_eq!(assume(&root, HERE, &none, &account), None);
}

#[test]
fn refusals_speak_as_aws_does() {
    let (allow, deny) = (identity(&statement("Allow", "*", "*")), identity(&statement("Deny", "*", "*")));
    let none = Arc::<PolicySet>::default();
    let texts = [
        (
            Policies { identity: Some(&none), ..Policies::default() },
            "because no identity-based policy allows the s3:GetObject action",
        ),
        (
            Policies { identity: Some(&deny), ..Policies::default() },
            "with an explicit deny in an identity-based policy",
        ),
        (
            Policies { identity: Some(&allow), boundary: Some(&none), ..Policies::default() },
            "because no permissions boundary allows the s3:GetObject action",
        ),
        (
            Policies { identity: Some(&allow), session: Some(from_ref(&none)), ..Policies::default() },
            "because no session policy allows the s3:GetObject action",
        ),
    ];
    for (policies, end) in texts {
        let decision = ask(&user(), HERE, policies);
        let start = "User: arn:aws:iam::111111111111:user/ada is not authorized to perform: s3:GetObject";
        assert_eq!(
            decision.message(&user().name, "s3:GetObject", OBJECT),
            format!("{start} on resource: {OBJECT} {end}")
        );
        assert_eq!(decision.message(&user().name, "s3:GetObject", "*"), format!("{start} {end}"));
    }
    let Decision::ExplicitDeny { statement, .. } =
        ask(&user(), HERE, Policies { identity: Some(&deny), ..Policies::default() })
    else {
        panic!("expected a denial")
    };
    assert_eq!((statement.sid.as_deref(), statement.index, &*statement.source), (Some("S1"), 0, "test"));
}
