//! Roles.

use nephos_iam::shapes::*;

use crate::world::*;

fn role(name: &str, trust_policy: String) -> CreateRoleRequest {
    CreateRoleRequest {
        role_name: s(name),
        assume_role_policy_document: Some(trust_policy),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_role_is_made_changed_and_deleted() {
    let world = World::new().await;
    let root = world.root();
    let input = CreateRoleRequest {
        path: s("/app/"),
        description: s("the app"),
        ..role("Runner", trust(r#"{"Service":"lambda.amazonaws.com"}"#))
    };
    let made = world.iam::<op::CreateRole>(&root, input).await.unwrap().role.unwrap();
    assert_eq!(made.arn, s("arn:aws:iam::111111111111:role/app/Runner"));
    assert_eq!(made.max_session_duration, Some(3600));
    assert!(made.role_id.as_ref().unwrap().starts_with("AROA"));
    assert!(made.assume_role_policy_document.as_ref().unwrap().contains("lambda.amazonaws.com"));
    let update =
        UpdateRoleRequest { role_name: s("Runner"), max_session_duration: Some(7200), description: None };
    world.iam::<op::UpdateRole>(&root, update).await.unwrap();
    let get = || GetRoleRequest { role_name: s("Runner") };
    let read = world.iam::<op::GetRole>(&root, get()).await.unwrap().role.unwrap();
    assert_eq!((read.max_session_duration, read.description), (Some(7200), s("the app")));
    let put = PutRolePolicyRequest {
        role_name: s("Runner"),
        policy_name: s("logs"),
        policy_document: s(&allow("logs:*", "*")),
    };
    world.iam::<op::PutRolePolicy>(&root, put).await.unwrap();
    let delete = || DeleteRoleRequest { role_name: s("Runner") };
    assert_eq!(fault(world.iam::<op::DeleteRole>(&root, delete()).await).0, "DeleteConflict");
    let names = ListRolePoliciesRequest { role_name: s("Runner"), ..Default::default() };
    assert_eq!(
        world.iam::<op::ListRolePolicies>(&root, names).await.unwrap().policy_names.unwrap(),
        ["logs"]
    );
    let drop = DeleteRolePolicyRequest { role_name: s("Runner"), policy_name: s("logs") };
    world.iam::<op::DeleteRolePolicy>(&root, drop).await.unwrap();
    world.iam::<op::DeleteRole>(&root, delete()).await.unwrap();
    assert_eq!(
        fault(world.iam::<op::GetRole>(&root, get()).await),
        ("NoSuchEntity".into(), "The role with name Runner cannot be found.".into())
    );
}

#[tokio::test]
async fn a_trust_policy_names_only_principals_that_exist() {
    let world = World::new().await;
    let root = world.root();
    let ghost = trust(r#"{"AWS":"arn:aws:iam::111111111111:user/ghost"}"#);
    assert_eq!(
        fault(world.iam::<op::CreateRole>(&root, role("r", ghost.clone())).await),
        (
            "MalformedPolicyDocument".into(),
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::111111111111:user/ghost""#.into()
        )
    );
    let input = CreateUserRequest { user_name: s("ghost"), ..Default::default() };
    world.iam::<op::CreateUser>(&root, input).await.unwrap();
    world.iam::<op::CreateRole>(&root, role("r", ghost)).await.unwrap();
    let update = UpdateAssumeRolePolicyRequest { role_name: s("r"), policy_document: s(&allow("s3:*", "*")) };
    assert_eq!(
        fault(world.iam::<op::UpdateAssumeRolePolicy>(&root, update).await).0,
        "MalformedPolicyDocument"
    );
    // Accounts that we know nothing of are for their owners to know.
    world.iam::<op::CreateRole>(&root, role("r2", trust(r#"{"AWS":"999999999999"}"#))).await.unwrap();
}

#[tokio::test]
async fn roles_are_listed_without_what_only_one_shows() {
    let world = World::new().await;
    let root = world.root();
    for n in 0..3 {
        let tags = Some(vec![Tag { key: s("k"), value: s("v") }]);
        let input = CreateRoleRequest { tags, ..role(&format!("r{n}"), trust(r#"{"AWS":"111111111111"}"#)) };
        world.iam::<op::CreateRole>(&root, input).await.unwrap();
    }
    let page = ListRolesRequest { max_items: Some(2), ..Default::default() };
    let page = world.iam::<op::ListRoles>(&root, page).await.unwrap();
    let roles = page.roles.unwrap();
    assert_eq!((roles.len(), page.is_truncated), (2, Some(true)));
    assert!(roles.iter().all(|role| role.tags.is_none() && role.role_last_used.is_none()));
    let tags = ListRoleTagsRequest { role_name: s("r0"), ..Default::default() };
    assert_eq!(world.iam::<op::ListRoleTags>(&root, tags).await.unwrap().tags.unwrap().len(), 1);
    let profiles = ListInstanceProfilesForRoleRequest { role_name: s("r0"), ..Default::default() };
    let profiles = world.iam::<op::ListInstanceProfilesForRole>(&root, profiles).await.unwrap();
    assert_eq!(profiles.instance_profiles, Some(vec![]));
}

#[tokio::test]
async fn summary_and_alias() {
    let world = World::new().await;
    let root = world.root();
    world.iam::<op::CreateRole>(&root, role("r", trust(r#"{"AWS":"111111111111"}"#))).await.unwrap();
    let summary = world.iam::<op::GetAccountSummary>(&root, Unit {}).await.unwrap().summary_map.unwrap();
    assert_eq!((summary["Roles"], summary["Users"], summary["AccountAccessKeysPresent"]), (1, 0, 1));
    let create = |alias: &str| CreateAccountAliasRequest { account_alias: s(alias) };
    world.iam::<op::CreateAccountAlias>(&root, create("acme")).await.unwrap();
    let taken = world.iam::<op::CreateAccountAlias>(&world.root_of(THERE), create("acme")).await;
    assert_eq!(fault(taken).0, "EntityAlreadyExists");
    assert_eq!(fault(world.iam::<op::CreateAccountAlias>(&root, create("a--b")).await).0, "ValidationError");
    let list = ListAccountAliasesRequest::default();
    assert_eq!(
        world.iam::<op::ListAccountAliases>(&root, list).await.unwrap().account_aliases.unwrap(),
        ["acme"]
    );
}

#[tokio::test]
async fn another_user_of_the_same_name_is_not_trusted() {
    use nephos_iam::sts::shapes::{AssumeRoleRequest, op::AssumeRole};
    let world = World::new().await;
    let root = world.root();
    let user = || CreateUserRequest { user_name: s("ada"), ..Default::default() };
    world.iam::<op::CreateUser>(&root, user()).await.unwrap();
    let arn = "arn:aws:iam::111111111111:user/ada";
    let written = trust(&format!(r#"{{"AWS":["{arn}"]}}"#));
    world.iam::<op::CreateRole>(&root, role("r", written)).await.unwrap();
    let assume = || AssumeRoleRequest {
        role_arn: s("arn:aws:iam::111111111111:role/r"),
        role_session_name: s("run"),
        ..Default::default()
    };
    world.sts::<AssumeRole>(&world.user("ada").await, assume()).await.unwrap();
    let get = GetRoleRequest { role_name: s("r") };
    let shown = world.iam::<op::GetRole>(&root, get).await.unwrap().role.unwrap();
    assert!(
        shown.assume_role_policy_document.unwrap().contains("user%2Fada"),
        "it is shown as it was written"
    );
    world.iam::<op::DeleteUser>(&root, DeleteUserRequest { user_name: s("ada") }).await.unwrap();
    world.iam::<op::CreateUser>(&root, user()).await.unwrap();
    assert_eq!(fault(world.sts::<AssumeRole>(&world.user("ada").await, assume()).await).0, "AccessDenied");
}

#[tokio::test]
async fn a_role_that_trusts_a_role_trusts_its_sessions() {
    use nephos_iam::sts::shapes::{AssumeRoleRequest, op::AssumeRole};
    let world = World::new().await;
    let root = world.root();
    world
        .iam::<op::CreateRole>(&root, role("a", trust(r#"{"AWS":"arn:aws:iam::111111111111:root"}"#)))
        .await
        .unwrap();
    let trusting = trust(r#"{"AWS":"arn:aws:iam::111111111111:role/a"}"#);
    world.iam::<op::CreateRole>(&root, role("b", trusting)).await.unwrap();
    let assume = |name: &str| AssumeRoleRequest {
        role_arn: s(&format!("arn:aws:iam::111111111111:role/{name}")),
        role_session_name: s("run"),
        ..Default::default()
    };
    let answer = world.sts::<AssumeRole>(&root, assume("a")).await.unwrap();
    let a = world.cx((*world.identify(&credentials(answer.credentials)).await.unwrap()).clone());
    world.sts::<AssumeRole>(&a, assume("b")).await.unwrap();
    assert_eq!(fault(world.sts::<AssumeRole>(&root, assume("b")).await).0, "AccessDenied");
}
