//! The port: who may do what, with which condition keys, and what is recorded.

use std::sync::Arc;

use nephos_core::{Access, Arn, Cx, PolicyDocument, Principal};
use nephos_iam::policy::{Decision, PolicyKind};
use nephos_iam::shapes::*;
use nephos_iam::{Config, Mode};

use crate::world::*;

async fn user_with(world: &World, document: &str) -> Cx {
    let input = CreateUserRequest {
        user_name: s("ada"),
        tags: Some(vec![Tag { key: s("Team"), value: s("a") }]),
        ..Default::default()
    };
    world.iam::<op::CreateUser>(&world.root(), input).await.unwrap();
    let put = PutUserPolicyRequest { user_name: s("ada"), policy_name: s("p"), policy_document: s(document) };
    world.iam::<op::PutUserPolicy>(&world.root(), put).await.unwrap();
    world.user("ada").await
}

fn when(condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{condition}}}]}}"#
    )
}

#[tokio::test]
async fn the_platform_answers_global_keys() {
    let account = account(HERE);
    for (condition, holds) in [
        (r#"{"StringEquals":{"aws:username":"ada"}}"#, true),
        (r#"{"StringEquals":{"AWS:UserName":"ada"}}"#, true),
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111111111111:user/ada"}}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalAccount":"111111111111"}}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalType":"User"}}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalTag/team":"a"}}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalTag/team":"b"}}"#, false),
        (r#"{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#, true),
        (r#"{"StringEquals":{"aws:ResourceAccount":"111111111111"}}"#, true),
        (r#"{"Bool":{"aws:PrincipalIsAWSService":"false","aws:ViaAWSService":"false"}}"#, true),
        (
            r#"{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01"},"NumericGreaterThan":{"aws:EpochTime":"1600000000"}}"#,
            true,
        ),
        (
            r#"{"Null":{"aws:TokenIssueTime":"true","aws:MultiFactorAuthPresent":"true","aws:SourceIdentity":"true"}}"#,
            true,
        ),
        (r#"{"StringEquals":{"s3:prefix":"home/"}}"#, true),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, true),
    ] {
        let world = World::new().await;
        let mut ada = user_with(&world, &when(condition)).await;
        let mut keys = nephos_core::ContextKeys::new();
        keys.set("aws:SourceIp", "10.1.2.3");
        // What a request says of the caller counts for nothing.
        keys.set("aws:PrincipalTag/team", "b");
        keys.set("aws:username", "root");
        ada.keys = Arc::new(keys);
        let access = Access::on("s3:ListBucket", &Arn::s3("b")).owned_by(account).key("s3:prefix", "home/");
        assert_eq!(ada.authorize(&access).is_ok(), holds, "{condition}");
    }
}

#[tokio::test]
async fn a_users_own_folder_by_policy_variable() {
    let world = World::new().await;
    let ada = user_with(&world, &allow("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*")).await;
    world.may(&ada, "s3:GetObject", "arn:aws:s3:::b/ada/x").unwrap();
    assert!(world.may(&ada, "s3:GetObject", "arn:aws:s3:::b/bob/x").is_err());
}

#[tokio::test]
async fn a_deleted_user_may_nothing_not_even_by_a_resources_policy() {
    let world = World::new().await;
    let ada = user_with(&world, &allow("s3:*", "*")).await;
    let bucket = PolicyDocument {
        json: r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/ada"},"Action":"s3:*","Resource":"*"}}"#.into(),
    };
    let access = Access::on("s3:GetObject", &Arn::s3("b/k")).owned_by(account(HERE)).policy(Some(bucket));
    ada.authorize(&access).unwrap();
    let drop = DeleteUserPolicyRequest { user_name: s("ada"), policy_name: s("p") };
    world.iam::<op::DeleteUserPolicy>(&world.root(), drop).await.unwrap();
    ada.authorize(&access).unwrap();
    let delete = DeleteUserRequest { user_name: s("ada") };
    world.iam::<op::DeleteUser>(&world.root(), delete).await.unwrap();
    assert!(ada.authorize(&access).is_err());
    user_with(&world, &allow("s3:*", "*")).await;
    assert!(ada.authorize(&access).is_err(), "another user of the same name is another user");
}

#[tokio::test]
async fn a_resources_policy_that_does_not_compile_refuses() {
    let world = World::new().await;
    let ada = user_with(&world, &allow("s3:*", "*")).await;
    let access = Access::on("s3:GetObject", &Arn::s3("b/k")).owned_by(account(HERE));
    let broken = access.clone().policy(Some(PolicyDocument { json: "{}".into() }));
    ada.authorize(&access).unwrap();
    assert!(
        ada.authorize(&broken)
            .unwrap_err()
            .message
            .ends_with("with an explicit deny in a resource-based policy")
    );
    assert!(world.root().authorize(&broken).is_err());
}

#[tokio::test]
async fn services_and_strangers_have_what_the_resource_gives() {
    let world = World::new().await;
    let function = PolicyDocument {
        json: r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::mine"},"StringEquals":{"aws:SourceAccount":"111111111111"}}}}"#.into(),
    };
    let arn: Arn = "arn:aws:lambda:us-east-1:111111111111:function:f".parse().unwrap();
    let access = Access::on("lambda:InvokeFunction", &arn).policy(Some(function));
    let root = world.root();
    root.as_service("s3.amazonaws.com", "arn:aws:s3:::mine").authorize(&access).unwrap();
    assert!(root.as_service("s3.amazonaws.com", "arn:aws:s3:::other").authorize(&access).is_err());
    assert!(root.as_service("sns.amazonaws.com", "arn:aws:s3:::mine").authorize(&access).is_err());
    assert!(
        world.root_of(THERE).as_service("s3.amazonaws.com", "arn:aws:s3:::mine").authorize(&access).is_err()
    );
    let anonymous = world.cx(Principal::Anonymous);
    assert_eq!(
        anonymous.authorize(&access).unwrap_err().message,
        "User: anonymous is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:111111111111:function:f because no resource-based policy allows the lambda:InvokeFunction action"
    );
    assert!(world.root_of(THERE).authorize(&Access { resource_policy: None, ..access }).is_err());
}

#[tokio::test]
async fn audit_mode_allows_and_records() {
    let config = |mode| Config { account: account(HERE), mode, ..Config::default() };
    let world = World::with(config(Mode::Audit)).await;
    let ada = user_with(&world, &allow("s3:GetObject", "*")).await;
    world.may(&ada, "s3:GetObject", "arn:aws:s3:::b/k").unwrap();
    world.may(&ada, "s3:PutObject", "arn:aws:s3:::b/k").unwrap();
    let refusals = world.iam.refusals();
    assert_eq!(refusals.len(), 1);
    assert_eq!((refusals[0].action, refusals[0].enforced), ("s3:PutObject", false));
    assert_eq!(refusals[0].decision, Decision::ImplicitDeny { missing: PolicyKind::Identity });
    assert_eq!(refusals[0].request_id, ada.request_id);

    let enforced = World::with(Config { kept_refusals: 3, ..config(Mode::Enforce) }).await;
    let nobody = enforced.cx(Principal::Anonymous);
    for _ in 0..10 {
        assert!(enforced.may(&nobody, "s3:PutObject", "arn:aws:s3:::b/k").is_err());
    }
    let refusals = enforced.iam.refusals();
    assert_eq!(refusals.len(), 3, "what is kept is bounded");
    assert!(refusals.iter().all(|refusal| refusal.enforced));
}

#[tokio::test]
async fn administration_is_delegated_by_tag_boundary_and_policy() {
    let world = World::new().await;
    let document = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":["iam:CreateUser","iam:TagUser"],"Resource":"arn:aws:iam::111111111111:user/team/*","Condition":{
            "StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::aws:policy/PowerUserAccess","aws:RequestTag/team":"a"},
            "ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}},
        {"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*","Condition":{
            "ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/ReadOnlyAccess"},"StringEquals":{"iam:ResourceTag/team":"a"}}}]}"#;
    let ada = user_with(&world, document).await;
    let tag = |key: &str, value: &str| Tag { key: s(key), value: s(value) };
    let new = CreateUserRequest {
        user_name: s("bob"),
        path: s("/team/"),
        permissions_boundary: s("arn:aws:iam::aws:policy/PowerUserAccess"),
        tags: Some(vec![tag("team", "a")]),
    };
    for wrong in [
        CreateUserRequest { path: None, ..new.clone() },
        CreateUserRequest { permissions_boundary: None, ..new.clone() },
        CreateUserRequest {
            permissions_boundary: s("arn:aws:iam::aws:policy/AdministratorAccess"),
            ..new.clone()
        },
        CreateUserRequest { tags: None, ..new.clone() },
        CreateUserRequest { tags: Some(vec![tag("team", "a"), tag("cost", "1")]), ..new.clone() },
    ] {
        assert_eq!(fault(world.iam::<op::CreateUser>(&ada, wrong).await).0, "AccessDenied");
    }
    world.iam::<op::CreateUser>(&ada, new).await.unwrap();
    let attach =
        |user: &str, policy: &str| AttachUserPolicyRequest { user_name: s(user), policy_arn: s(policy) };
    let read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    world.iam::<op::AttachUserPolicy>(&ada, attach("bob", read_only)).await.unwrap();
    let admin = attach("bob", "arn:aws:iam::aws:policy/AdministratorAccess");
    assert_eq!(fault(world.iam::<op::AttachUserPolicy>(&ada, admin).await).0, "AccessDenied");
    let other = CreateUserRequest { user_name: s("eve"), ..Default::default() };
    world.iam::<op::CreateUser>(&world.root(), other).await.unwrap();
    assert_eq!(
        fault(world.iam::<op::AttachUserPolicy>(&ada, attach("eve", read_only)).await).0,
        "AccessDenied"
    );
}

#[tokio::test]
async fn to_make_with_tags_is_to_tag() {
    let world = World::new().await;
    let ada = user_with(&world, &allow("iam:CreateUser", "*")).await;
    let bare = CreateUserRequest { user_name: s("bob"), ..Default::default() };
    world.iam::<op::CreateUser>(&ada, bare).await.unwrap();
    let tags = Some(vec![Tag { key: s("team"), value: s("a") }]);
    let tagged = CreateUserRequest { user_name: s("eve"), tags, ..Default::default() };
    assert!(fault(world.iam::<op::CreateUser>(&ada, tagged).await).1.contains("perform: iam:TagUser"));
}
