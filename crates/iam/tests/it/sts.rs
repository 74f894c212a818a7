//! Temporary credentials: who gets them, for how long, what they may do, and when they end.

use std::time::Duration;

use nephos_core::Cx;
use nephos_core::ports::{AssumeRole, Identify as _, IdentifyError, IssueCredentials as _};
use nephos_iam::Config;
use nephos_iam::shapes::{self, op as iam_op};
use nephos_iam::sts::shapes::*;

use crate::world::*;

pub const ROLE: &str = "arn:aws:iam::111111111111:role/team/app";

pub async fn user(world: &World, name: &str, document: Option<&str>) -> Cx {
    let input = shapes::CreateUserRequest { user_name: s(name), ..Default::default() };
    world.iam::<iam_op::CreateUser>(&world.root(), input).await.unwrap();
    if let Some(document) = document {
        let put = shapes::PutUserPolicyRequest {
            user_name: s(name),
            policy_name: s("p"),
            policy_document: s(document),
        };
        world.iam::<iam_op::PutUserPolicy>(&world.root(), put).await.unwrap();
    }
    world.user(name).await
}

pub async fn role(world: &World, name: &str, trust_policy: &str, document: &str) {
    let input = shapes::CreateRoleRequest {
        role_name: s(name),
        path: s("/team/"),
        assume_role_policy_document: s(trust_policy),
        max_session_duration: Some(7200),
        tags: Some(vec![shapes::Tag { key: s("stage"), value: s("prod") }]),
        ..Default::default()
    };
    world.iam::<iam_op::CreateRole>(&world.root(), input).await.unwrap();
    let put = shapes::PutRolePolicyRequest {
        role_name: s(name),
        policy_name: s("p"),
        policy_document: s(document),
    };
    world.iam::<iam_op::PutRolePolicy>(&world.root(), put).await.unwrap();
}

pub fn assume(arn: &str) -> AssumeRoleRequest {
    AssumeRoleRequest { role_arn: s(arn), role_session_name: s("run"), ..Default::default() }
}

/// A user who may assume a role that may read a bucket.
async fn scene() -> (World, Cx) {
    let world = World::new().await;
    let ada = user(&world, "ada", Some(&allow("sts:*", "*"))).await;
    role(&world, "app", &trust(r#"{"AWS":"111111111111"}"#), &allow("s3:Get*", "arn:aws:s3:::b/*")).await;
    (world, ada)
}

async fn session(world: &World, cx: &Cx, input: AssumeRoleRequest) -> Cx {
    let answer = world.sts::<op::AssumeRole>(cx, input).await.unwrap();
    let principal = world.identify(&credentials(answer.credentials)).await.unwrap();
    world.cx((*principal).clone())
}

#[tokio::test]
async fn a_role_is_taken_on_and_its_policies_count() {
    let (world, ada) = scene().await;
    let answer = world.sts::<op::AssumeRole>(&ada, assume(ROLE)).await.unwrap();
    let who = answer.assumed_role_user.unwrap();
    assert_eq!(who.arn, s("arn:aws:sts::111111111111:assumed-role/app/run"), "the path is left out");
    assert!(
        who.assumed_role_id.as_ref().unwrap().starts_with("AROA")
            && who.assumed_role_id.unwrap().ends_with(":run")
    );
    let given = credentials(answer.credentials);
    assert!(given.access_key_id.starts_with("ASIA"));
    let cx = world.cx((*world.identify(&given).await.unwrap()).clone());
    world.may(&cx, "s3:GetObject", "arn:aws:s3:::b/k").unwrap();
    assert_eq!(
        world.may(&cx, "s3:PutObject", "arn:aws:s3:::b/k").unwrap_err(),
        "User: arn:aws:sts::111111111111:assumed-role/app/run is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::b/k because no identity-based policy allows the s3:PutObject action"
    );
    let me = world.sts::<op::GetCallerIdentity>(&cx, GetCallerIdentityRequest {}).await.unwrap();
    assert_eq!(me.arn, s("arn:aws:sts::111111111111:assumed-role/app/run"));
}

#[tokio::test]
async fn trust_and_identity_must_agree() {
    let world = World::new().await;
    let (ada, bob) =
        (user(&world, "ada", None).await, user(&world, "bob", Some(&allow("sts:AssumeRole", "*"))).await);
    role(&world, "app", &trust(r#"{"AWS":"arn:aws:iam::111111111111:user/ada"}"#), &allow("s3:*", "*")).await;
    role(&world, "all", &trust(r#"{"AWS":"111111111111"}"#), &allow("s3:*", "*")).await;
    world.sts::<op::AssumeRole>(&ada, assume(ROLE)).await.unwrap();
    let refused = |cx: Cx, arn: &'static str| {
        let world = &world;
        async move { fault(world.sts::<op::AssumeRole>(&cx, assume(arn)).await).1 }
    };
    let start = |name: &str, arn: &str| {
        format!(
            "User: arn:aws:iam::111111111111:user/{name} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )
    };
    assert_eq!(
        refused(bob.clone(), ROLE).await,
        start("bob", ROLE) + " because no role trust policy allows the sts:AssumeRole action"
    );
    let all = "arn:aws:iam::111111111111:role/team/all";
    assert_eq!(
        refused(ada, all).await,
        start("ada", all) + " because no identity-based policy allows the sts:AssumeRole action"
    );
    world.sts::<op::AssumeRole>(&bob, assume(all)).await.unwrap();
    let nothing = "arn:aws:iam::111111111111:role/nothing";
    assert_eq!(
        refused(bob, nothing).await,
        start("bob", nothing) + " because no role trust policy allows the sts:AssumeRole action",
        "whether a role exists is not told"
    );
    assert_eq!(
        fault(world.sts::<op::AssumeRole>(&world.root(), assume("not-an-arn-but-long-enough")).await).0,
        "ValidationError"
    );
}

#[tokio::test]
async fn another_account_needs_both_sides_and_the_external_id() {
    let world = World::new().await;
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"secret-word"}}}}"#;
    role(&world, "app", trust, &allow("s3:*", "*")).await;
    let stranger = world.root_of(THERE);
    assert_eq!(fault(world.sts::<op::AssumeRole>(&stranger, assume(ROLE)).await).0, "AccessDenied");
    let with_id = AssumeRoleRequest { external_id: s("secret-word"), ..assume(ROLE) };
    let session = session(&world, &stranger, with_id).await;
    assert_eq!(session.account, account(HERE), "a session acts in the role's account");
}

#[tokio::test]
async fn durations_are_limited() {
    let (world, ada) = scene().await;
    let lasting = |seconds| AssumeRoleRequest { duration_seconds: Some(seconds), ..assume(ROLE) };
    let answer = world.sts::<op::AssumeRole>(&ada, lasting(7200)).await.unwrap();
    let left = answer.credentials.unwrap().expiration.unwrap() - world.clock.now();
    assert!((7198..=7200).contains(&left.as_secs()), "{left:?}");
    assert_eq!(
        fault(world.sts::<op::AssumeRole>(&ada, lasting(7201)).await),
        (
            "ValidationError".into(),
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".into()
        )
    );
    assert_eq!(fault(world.sts::<op::AssumeRole>(&ada, lasting(899)).await).0, "ValidationError");

    role(&world, "next", &trust(r#"{"AWS":"arn:aws:iam::111111111111:role/team/app"}"#), &allow("s3:*", "*"))
        .await;
    let chained = session(&world, &ada, assume(ROLE)).await;
    let next = "arn:aws:iam::111111111111:role/team/next";
    world.sts::<op::AssumeRole>(&chained, assume(next)).await.unwrap();
    let too_long = AssumeRoleRequest { duration_seconds: Some(3601), ..assume(next) };
    assert_eq!(
        fault(world.sts::<op::AssumeRole>(&chained, too_long).await).1,
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
    );
}

#[tokio::test]
async fn a_session_ends_and_a_token_fits_its_own_key_alone() {
    let (world, ada) = scene().await;
    let mut given = Vec::new();
    for _ in 0..2 {
        given.push(credentials(world.sts::<op::AssumeRole>(&ada, assume(ROLE)).await.unwrap().credentials));
    }
    let now = world.clock.now();
    let swapped = world.iam.identify(&given[0].access_key_id, Some(&given[1].session_token), now).await;
    assert_eq!(swapped.err(), Some(IdentifyError::InvalidToken));
    let bare = world.iam.identify(&given[0].access_key_id, None, now).await;
    assert_eq!(bare.err(), Some(IdentifyError::UnknownKey));
    let forged = world.iam.identify(&given[0].access_key_id, Some("AQAAAAE="), now).await;
    assert_eq!(forged.err(), Some(IdentifyError::InvalidToken));
    let end = given[0].expiration;
    let at = |moment| world.iam.identify(&given[0].access_key_id, Some(&given[0].session_token), moment);
    at(end - Duration::from_millis(1)).await.unwrap();
    assert_eq!(
        at(end).await.err(),
        Some(IdentifyError::ExpiredToken),
        "the last moment is the one before the end"
    );
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(world.identify(&given[0]).await.err(), Some(IdentifyError::ExpiredToken));
}

#[tokio::test]
async fn sessions_survive_a_restart_and_a_change_of_keys() {
    let (world, ada) = scene().await;
    let given = credentials(world.sts::<op::AssumeRole>(&ada, assume(ROLE)).await.unwrap().credentials);
    let config = Config { account: account(HERE), ..Config::default() };
    let after = world.restarted(config).await;
    after.identify(&given).await.unwrap();
    after.iam.rotate_token_keys().await.unwrap();
    after.identify(&given).await.unwrap();
    // The first node learns of the new key when it meets it.
    let newer = credentials(after.sts::<op::AssumeRole>(&ada, assume(ROLE)).await.unwrap().credentials);
    world.identify(&newer).await.unwrap();
}

#[tokio::test]
async fn sessions_end_with_their_role_and_when_they_are_revoked() {
    let (world, ada) = scene().await;
    let given = credentials(world.sts::<op::AssumeRole>(&ada, assume(ROLE)).await.unwrap().credentials);
    world.identify(&given).await.unwrap();
    world.clock.advance(Duration::from_secs(2));
    world.iam.revoke_sessions(account(HERE)).await.unwrap();
    assert_eq!(world.identify(&given).await.err(), Some(IdentifyError::ExpiredToken));
    world.clock.advance(Duration::from_secs(2));
    let given = credentials(world.sts::<op::AssumeRole>(&ada, assume(ROLE)).await.unwrap().credentials);
    world.identify(&given).await.unwrap();
    let drop = shapes::DeleteRolePolicyRequest { role_name: s("app"), policy_name: s("p") };
    world.iam::<iam_op::DeleteRolePolicy>(&world.root(), drop).await.unwrap();
    let delete = shapes::DeleteRoleRequest { role_name: s("app") };
    world.iam::<iam_op::DeleteRole>(&world.root(), delete).await.unwrap();
    assert_eq!(world.identify(&given).await.err(), Some(IdentifyError::InvalidToken));
}

#[tokio::test]
async fn older_sessions_are_ended_by_policy_date() {
    let (world, ada) = scene().await;
    let cx = session(&world, &ada, assume(ROLE)).await;
    world.may(&cx, "s3:GetObject", "arn:aws:s3:::b/k").unwrap();
    world.clock.advance(Duration::from_secs(2));
    let revoke = format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{"DateLessThan":{{"aws:TokenIssueTime":"{}"}}}}}}}}"#,
        world.clock.now()
    );
    let put = shapes::PutRolePolicyRequest {
        role_name: s("app"),
        policy_name: s("AWSRevokeOlderSessions"),
        policy_document: Some(revoke),
    };
    world.iam::<iam_op::PutRolePolicy>(&world.root(), put).await.unwrap();
    assert!(
        world
            .may(&cx, "s3:GetObject", "arn:aws:s3:::b/k")
            .unwrap_err()
            .contains("explicit deny in an identity-based policy")
    );
    world.clock.advance(Duration::from_secs(2));
    let cx = session(&world, &ada, assume(ROLE)).await;
    world.may(&cx, "s3:GetObject", "arn:aws:s3:::b/k").unwrap();
}

#[tokio::test]
async fn session_policies_narrow() {
    let (world, ada) = scene().await;
    let inline =
        AssumeRoleRequest { policy: s(&allow("s3:GetObject", "arn:aws:s3:::b/mine/*")), ..assume(ROLE) };
    let answer = world.sts::<op::AssumeRole>(&ada, inline.clone()).await.unwrap();
    assert!(answer.packed_policy_size.is_some_and(|percent| (1..100).contains(&percent)));
    let cx = session(&world, &ada, inline).await;
    world.may(&cx, "s3:GetObject", "arn:aws:s3:::b/mine/k").unwrap();
    assert!(
        world
            .may(&cx, "s3:GetObject", "arn:aws:s3:::b/k")
            .unwrap_err()
            .ends_with("because no session policy allows the s3:GetObject action")
    );
    let by_arn = |arn: &str| AssumeRoleRequest {
        policy_arns: Some(vec![PolicyDescriptorType { arn: s(arn) }]),
        ..assume(ROLE)
    };
    let cx = session(&world, &ada, by_arn("arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess")).await;
    assert!(world.may(&cx, "s3:GetObject", "arn:aws:s3:::b/k").is_err());
    let cx = session(&world, &ada, by_arn("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")).await;
    world.may(&cx, "s3:GetObject", "arn:aws:s3:::b/k").unwrap();
    let refuse = |input| async { fault(world.sts::<op::AssumeRole>(&ada, input).await).0 };
    assert_eq!(refuse(by_arn("arn:aws:iam::aws:policy/NothingOfTheSort")).await, "ValidationError");
    assert_eq!(
        refuse(AssumeRoleRequest { policy: s("{}"), ..assume(ROLE) }).await,
        "MalformedPolicyDocument"
    );
    let huge = allow("s3:GetObject", &format!("arn:aws:s3:::{}", "b".repeat(2048)));
    assert_eq!(refuse(AssumeRoleRequest { policy: s(&huge), ..assume(ROLE) }).await, "PackedPolicyTooLarge");
}

#[tokio::test]
async fn a_session_policy_that_is_deleted_leaves_nothing_allowed() {
    let (world, ada) = scene().await;
    let create = shapes::CreatePolicyRequest {
        policy_name: s("narrow"),
        policy_document: s(&allow("s3:GetObject", "*")),
        ..Default::default()
    };
    let arn = world.iam::<iam_op::CreatePolicy>(&world.root(), create).await.unwrap().policy.unwrap().arn;
    let input = AssumeRoleRequest {
        policy_arns: Some(vec![PolicyDescriptorType { arn: arn.clone() }]),
        ..assume(ROLE)
    };
    let given = credentials(world.sts::<op::AssumeRole>(&ada, input).await.unwrap().credentials);
    let delete = shapes::DeletePolicyRequest { policy_arn: arn };
    world.iam::<iam_op::DeletePolicy>(&world.root(), delete).await.unwrap();
    let cx = world.cx((*world.identify(&given).await.unwrap()).clone());
    assert!(world.may(&cx, "s3:GetObject", "arn:aws:s3:::b/k").is_err());
}

#[tokio::test]
async fn tags_and_source_identity_travel_down_the_chain() {
    let (world, ada) = scene().await;
    let open = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}"#;
    let first = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"}}"#;
    let by_tag = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:PrincipalTag/team}-${aws:PrincipalTag/stage}/*","Condition":{"StringEquals":{"aws:SourceIdentity":"ada"}}}}"#;
    role(&world, "first", open, first).await;
    role(&world, "second", open, by_tag).await;
    let tagged = AssumeRoleRequest {
        tags: Some(vec![Tag { key: s("team"), value: s("red") }, Tag { key: s("own"), value: s("1") }]),
        transitive_tag_keys: Some(vec!["team".into()]),
        source_identity: s("ada"),
        ..assume("arn:aws:iam::111111111111:role/team/first")
    };
    let closed = AssumeRoleRequest { role_arn: s(ROLE), ..tagged.clone() };
    assert!(fault(world.sts::<op::AssumeRole>(&ada, closed).await).1.contains("perform: sts:TagSession"));
    let first = session(&world, &ada, tagged).await;
    let second_arn = "arn:aws:iam::111111111111:role/team/second";
    let second = session(&world, &first, assume(second_arn)).await;
    world.may(&second, "s3:GetObject", "arn:aws:s3:::red-prod/k").unwrap();
    assert!(world.may(&second, "s3:GetObject", "arn:aws:s3:::blue-prod/k").is_err());
    assert!(
        second.principal.session().unwrap().keys.get("aws:PrincipalTag/own").is_none(),
        "only transitive tags go on"
    );
    let other = AssumeRoleRequest { source_identity: s("eve"), ..assume(second_arn) };
    assert_eq!(fault(world.sts::<op::AssumeRole>(&first, other).await).0, "AccessDenied");
    let overlay = AssumeRoleRequest {
        tags: Some(vec![Tag { key: s("Team"), value: s("blue") }]),
        ..assume(second_arn)
    };
    assert_eq!(fault(world.sts::<op::AssumeRole>(&first, overlay).await).0, "ValidationError");
    let stray = AssumeRoleRequest { transitive_tag_keys: Some(vec!["x".into()]), ..assume(second_arn) };
    assert_eq!(fault(world.sts::<op::AssumeRole>(&first, stray).await).0, "ValidationError");
}

#[tokio::test]
async fn a_users_session_can_neither_administer_nor_make_another() {
    let (world, ada) = scene().await;
    let put = shapes::PutUserPolicyRequest {
        user_name: s("ada"),
        policy_name: s("all"),
        policy_document: s(&allow("*", "*")),
    };
    world.iam::<iam_op::PutUserPolicy>(&world.root(), put).await.unwrap();
    let answer = world.sts::<op::GetSessionToken>(&ada, GetSessionTokenRequest::default()).await.unwrap();
    let given = credentials(answer.credentials);
    assert_eq!((given.expiration - world.clock.now()).as_secs().div_ceil(100), 432);
    let cx = world.cx((*world.identify(&given).await.unwrap()).clone());
    world.may(&cx, "s3:GetObject", "arn:aws:s3:::b/k").unwrap();
    assert_eq!(
        fault(world.iam::<iam_op::ListUsers>(&cx, shapes::ListUsersRequest::default()).await).0,
        "AccessDenied"
    );
    world.sts::<op::AssumeRole>(&cx, assume(ROLE)).await.unwrap();
    assert_eq!(
        fault(world.sts::<op::GetSessionToken>(&cx, GetSessionTokenRequest::default()).await).1,
        "Cannot call GetSessionToken with session credentials"
    );
    let federate = GetFederationTokenRequest { name: s("bob"), ..Default::default() };
    assert_eq!(
        fault(world.sts::<op::GetFederationToken>(&cx, federate).await).1,
        "Cannot call GetFederationToken with session credentials"
    );
    let mfa = GetSessionTokenRequest {
        serial_number: s("arn:aws:iam::111111111111:mfa/ada"),
        token_code: s("123456"),
        ..Default::default()
    };
    assert_eq!(fault(world.sts::<op::GetSessionToken>(&ada, mfa).await).0, "AccessDenied");
}

#[tokio::test]
async fn a_federated_user_has_what_both_its_issuer_and_its_policy_allow() {
    let world = World::new().await;
    let both = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:GetFederationToken","s3:Get*"],"Resource":"*"}}"#;
    let ada = user(&world, "ada", Some(both)).await;
    let federate =
        |policy: Option<String>| GetFederationTokenRequest { name: s("bob"), policy, ..Default::default() };
    let answer = world.sts::<op::GetFederationToken>(&ada, federate(s(&allow("s3:*", "*")))).await.unwrap();
    assert_eq!(answer.federated_user.unwrap().arn, s("arn:aws:sts::111111111111:federated-user/bob"));
    let bob = world.cx((*world.identify(&credentials(answer.credentials)).await.unwrap()).clone());
    world.may(&bob, "s3:GetObject", "arn:aws:s3:::b/k").unwrap();
    assert!(world.may(&bob, "s3:PutObject", "arn:aws:s3:::b/k").is_err());
    let answer = world.sts::<op::GetFederationToken>(&ada, federate(None)).await.unwrap();
    let bare = world.cx((*world.identify(&credentials(answer.credentials)).await.unwrap()).clone());
    assert!(
        world.may(&bare, "s3:GetObject", "arn:aws:s3:::b/k").is_err(),
        "without a session policy nothing is allowed"
    );
    let by_root =
        world.sts::<op::GetFederationToken>(&world.root(), federate(s(&allow("s3:*", "*")))).await.unwrap();
    let given = credentials(by_root.credentials);
    assert!((given.expiration - world.clock.now()).as_secs() <= 3600);
    let bob = world.cx((*world.identify(&given).await.unwrap()).clone());
    world.may(&bob, "s3:PutObject", "arn:aws:s3:::b/k").unwrap();
    assert!(world.may(&bob, "dynamodb:PutItem", "*").is_err());
}

#[tokio::test]
async fn a_service_takes_on_a_role_that_trusts_it() {
    let world = World::new().await;
    role(&world, "app", &trust(r#"{"Service":"lambda.amazonaws.com"}"#), &allow("dynamodb:*", "*")).await;
    let request = AssumeRole {
        role_arn: ROLE.into(),
        session_name: "function".into(),
        duration_seconds: 43_200,
        session_policy: None,
        web_identity: None,
    };
    let as_service = |name| world.root().as_service(name, "arn:aws:lambda:us-east-1:111111111111:function:f");
    let assumed = world.iam.assume_role(&as_service("lambda.amazonaws.com"), request.clone()).await.unwrap();
    assert_eq!(*world.identify(&assumed.credentials).await.unwrap(), assumed.principal);
    world.may(&world.cx(assumed.principal), "dynamodb:PutItem", "*").unwrap();
    let refused = world.iam.assume_role(&as_service("s3.amazonaws.com"), request).await;
    assert_eq!(fault(refused).0, "AccessDenied");
    let trusts = |role, service| {
        let world = &world;
        async move { world.iam.trusts(&world.root(), role, service).await.unwrap() }
    };
    assert!(trusts(ROLE, "lambda.amazonaws.com").await);
    assert!(!trusts(ROLE, "s3.amazonaws.com").await);
    assert!(!trusts("arn:aws:iam::111111111111:role/none", "lambda.amazonaws.com").await);
}

#[tokio::test]
async fn an_access_key_tells_its_account() {
    let (world, ada) = scene().await;
    let given = credentials(world.sts::<op::AssumeRole>(&ada, assume(ROLE)).await.unwrap().credentials);
    let ask = |id: &str| GetAccessKeyInfoRequest { access_key_id: s(id) };
    let root = world.root();
    let answer = world.sts::<op::GetAccessKeyInfo>(&root, ask(&given.access_key_id)).await.unwrap();
    assert_eq!(answer.account, s(HERE));
    assert_eq!(
        fault(world.sts::<op::GetAccessKeyInfo>(&root, ask("NOTANACCESSKEYATALL")).await).0,
        "ValidationError"
    );
}
