//! Managed policies and their versions; inline policies; boundaries; simulation.

use nephos_iam::shapes::*;

use crate::world::*;

async fn policy(world: &World, name: &str, document: &str) -> Policy {
    let input =
        CreatePolicyRequest { policy_name: s(name), policy_document: s(document), ..Default::default() };
    world.iam::<op::CreatePolicy>(&world.root(), input).await.unwrap().policy.unwrap()
}

async fn ada(world: &World) -> nephos_core::Cx {
    let input = CreateUserRequest { user_name: s("ada"), ..Default::default() };
    world.iam::<op::CreateUser>(&world.root(), input).await.unwrap();
    world.user("ada").await
}

#[tokio::test]
async fn the_default_version_counts_at_once() {
    let world = World::new().await;
    let (root, ada) = (world.root(), ada(&world).await);
    let made = policy(&world, "p", &allow("s3:GetObject", "*")).await;
    assert_eq!(made.arn, s("arn:aws:iam::111111111111:policy/p"));
    assert_eq!((made.default_version_id, made.attachment_count), (s("v1"), Some(0)));
    let attach = AttachUserPolicyRequest { user_name: s("ada"), policy_arn: made.arn.clone() };
    world.iam::<op::AttachUserPolicy>(&root, attach).await.unwrap();
    let reads = || world.may(&ada, "s3:GetObject", "arn:aws:s3:::b/k").is_ok();
    assert!(reads());

    let version = |set_as_default| CreatePolicyVersionRequest {
        policy_arn: made.arn.clone(),
        policy_document: s(&allow("s3:PutObject", "*")),
        set_as_default,
    };
    world.iam::<op::CreatePolicyVersion>(&root, version(None)).await.unwrap();
    assert!(reads(), "a version that is not the default does not count");
    let set = |id: &str| SetDefaultPolicyVersionRequest { policy_arn: made.arn.clone(), version_id: s(id) };
    world.iam::<op::SetDefaultPolicyVersion>(&root, set("v2")).await.unwrap();
    assert!(!reads());

    for _ in 0..3 {
        world.iam::<op::CreatePolicyVersion>(&root, version(Some(true))).await.unwrap();
    }
    let sixth = fault(world.iam::<op::CreatePolicyVersion>(&root, version(None)).await);
    assert!(sixth.1.starts_with("A managed policy can have up to 5 versions."), "{sixth:?}");
    let drop = |id: &str| DeletePolicyVersionRequest { policy_arn: made.arn.clone(), version_id: s(id) };
    assert_eq!(
        fault(world.iam::<op::DeletePolicyVersion>(&root, drop("v5")).await).1,
        "Cannot delete the default version of a policy."
    );
    world.iam::<op::DeletePolicyVersion>(&root, drop("v1")).await.unwrap();
    let again = world.iam::<op::CreatePolicyVersion>(&root, version(None)).await.unwrap();
    assert_eq!(again.policy_version.unwrap().version_id, s("v6"), "numbers are never used again");
    let list = ListPolicyVersionsRequest { policy_arn: made.arn.clone(), ..Default::default() };
    let listed = world.iam::<op::ListPolicyVersions>(&root, list).await.unwrap().versions.unwrap();
    let ids: Vec<_> =
        listed.into_iter().map(|v| (v.version_id.unwrap(), v.is_default_version.unwrap())).collect();
    assert_eq!(ids[0], ("v6".into(), false));
    assert_eq!(ids[1], ("v5".into(), true));
}

#[tokio::test]
async fn a_policy_knows_where_it_is_used() {
    let world = World::new().await;
    let root = world.root();
    ada(&world).await;
    let made = policy(&world, "p", &allow("s3:*", "*")).await;
    let attach = AttachUserPolicyRequest { user_name: s("ada"), policy_arn: made.arn.clone() };
    world.iam::<op::AttachUserPolicy>(&root, attach).await.unwrap();
    let bound =
        PutUserPermissionsBoundaryRequest { user_name: s("ada"), permissions_boundary: made.arn.clone() };
    world.iam::<op::PutUserPermissionsBoundary>(&root, bound).await.unwrap();
    let get = GetPolicyRequest { policy_arn: made.arn.clone() };
    let read = world.iam::<op::GetPolicy>(&root, get).await.unwrap().policy.unwrap();
    assert_eq!((read.attachment_count, read.permissions_boundary_usage_count), (Some(1), Some(1)));
    let entities = ListEntitiesForPolicyRequest { policy_arn: made.arn.clone(), ..Default::default() };
    let entities = world.iam::<op::ListEntitiesForPolicy>(&root, entities).await.unwrap();
    assert_eq!(entities.policy_users.unwrap()[0].user_name, s("ada"));
    let local = ListPoliciesRequest { scope: s("Local"), ..Default::default() };
    assert_eq!(world.iam::<op::ListPolicies>(&root, local).await.unwrap().policies.unwrap().len(), 1);

    let delete = || DeletePolicyRequest { policy_arn: made.arn.clone() };
    assert_eq!(
        fault(world.iam::<op::DeletePolicy>(&root, delete()).await),
        ("DeleteConflict".into(), "Cannot delete a policy attached to entities.".into())
    );
    let detach = DetachUserPolicyRequest { user_name: s("ada"), policy_arn: made.arn.clone() };
    world.iam::<op::DetachUserPolicy>(&root, detach.clone()).await.unwrap();
    assert_eq!(fault(world.iam::<op::DetachUserPolicy>(&root, detach).await).0, "NoSuchEntity");
    assert_eq!(
        fault(world.iam::<op::DeletePolicy>(&root, delete()).await).0,
        "DeleteConflict",
        "it is a boundary still"
    );
    let unbound = DeleteUserPermissionsBoundaryRequest { user_name: s("ada") };
    world.iam::<op::DeleteUserPermissionsBoundary>(&root, unbound).await.unwrap();
    world.iam::<op::DeletePolicy>(&root, delete()).await.unwrap();
}

#[tokio::test]
async fn policies_of_aws_are_there_and_stay_as_they_are() {
    let world = World::new().await;
    let root = world.root();
    let arn = s("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole");
    let get = GetPolicyRequest { policy_arn: arn.clone() };
    let read = world.iam::<op::GetPolicy>(&root, get).await.unwrap().policy.unwrap();
    assert_eq!((read.path, read.default_version_id), (s("/service-role/"), s("v1")));
    let version = GetPolicyVersionRequest { policy_arn: arn.clone(), version_id: s("v1") };
    let version = world.iam::<op::GetPolicyVersion>(&root, version).await.unwrap().policy_version.unwrap();
    assert!(version.document.unwrap().starts_with("%7B%22Version%22%3A%222012-10-17%22"));
    let delete = DeletePolicyRequest { policy_arn: arn };
    assert_eq!(fault(world.iam::<op::DeletePolicy>(&root, delete).await).0, "UnmodifiableEntity");
    let attach =
        AttachUserPolicyRequest { user_name: s("ada"), policy_arn: s("arn:aws:iam::aws:policy/Nothing") };
    ada(&world).await;
    assert_eq!(
        fault(world.iam::<op::AttachUserPolicy>(&root, attach).await).1,
        "Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable."
    );
}

#[tokio::test]
async fn documents_are_checked_and_measured() {
    let world = World::new().await;
    let root = world.root();
    ada(&world).await;
    let put = |document: String| PutUserPolicyRequest {
        user_name: s("ada"),
        policy_name: s("p"),
        policy_document: Some(document),
    };
    assert_eq!(
        fault(world.iam::<op::PutUserPolicy>(&root, put("{}".into())).await),
        ("MalformedPolicyDocument".into(), "Syntax errors in policy.".into())
    );
    let long = |bytes: usize| allow("s3:GetObject", &format!("arn:aws:s3:::{}", "b".repeat(bytes)));
    let over = fault(world.iam::<op::PutUserPolicy>(&root, put(long(2048))).await);
    assert_eq!(
        over,
        ("LimitExceeded".into(), "Maximum policy size of 2048 bytes exceeded for user ada".into())
    );
    let spaced = format!("{}{}", " ".repeat(3000), long(1500));
    world.iam::<op::PutUserPolicy>(&root, put(spaced.clone())).await.unwrap();
    let get = GetUserPolicyRequest { user_name: s("ada"), policy_name: s("p") };
    let read = world.iam::<op::GetUserPolicy>(&root, get).await.unwrap().policy_document.unwrap();
    assert!(read.starts_with("%20%20") && read.contains("%3A%3A%3Ab"), "percent-encoded, spaces as %20");
    let create =
        CreatePolicyRequest { policy_name: s("p"), policy_document: s(&long(6144)), ..Default::default() };
    assert_eq!(
        fault(world.iam::<op::CreatePolicy>(&root, create).await).1,
        "Cannot exceed quota for PolicySize: 6144"
    );
}

#[tokio::test]
async fn ten_policies_attach_and_no_more() {
    let world = World::new().await;
    let root = world.root();
    ada(&world).await;
    for n in 0..11 {
        let made = policy(&world, &format!("p{n}"), &allow("s3:*", "*")).await;
        let attach = AttachUserPolicyRequest { user_name: s("ada"), policy_arn: made.arn };
        let attached = world.iam::<op::AttachUserPolicy>(&root, attach).await;
        match n {
            10 => assert_eq!(fault(attached).1, "Cannot exceed quota for PoliciesPerUser: 10"),
            _ => drop(attached.unwrap()),
        }
    }
    let list =
        ListAttachedUserPoliciesRequest { user_name: s("ada"), max_items: Some(4), ..Default::default() };
    let page = world.iam::<op::ListAttachedUserPolicies>(&root, list).await.unwrap();
    assert_eq!((page.attached_policies.unwrap().len(), page.is_truncated), (4, Some(true)));
}

#[tokio::test]
async fn a_boundary_narrows_what_a_user_has() {
    let world = World::new().await;
    let (root, ada) = (world.root(), ada(&world).await);
    let attach = AttachUserPolicyRequest {
        user_name: s("ada"),
        policy_arn: s("arn:aws:iam::aws:policy/AdministratorAccess"),
    };
    world.iam::<op::AttachUserPolicy>(&root, attach).await.unwrap();
    world.may(&ada, "dynamodb:PutItem", "*").unwrap();
    let bound = PutUserPermissionsBoundaryRequest {
        user_name: s("ada"),
        permissions_boundary: s("arn:aws:iam::aws:policy/AmazonS3FullAccess"),
    };
    world.iam::<op::PutUserPermissionsBoundary>(&root, bound).await.unwrap();
    world.may(&ada, "s3:PutObject", "arn:aws:s3:::b/k").unwrap();
    assert!(
        world
            .may(&ada, "dynamodb:PutItem", "*")
            .unwrap_err()
            .ends_with("because no permissions boundary allows the dynamodb:PutItem action")
    );
}

#[tokio::test]
async fn simulation_says_what_enforcement_does() {
    let world = World::new().await;
    let root = world.root();
    ada(&world).await;
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}]}"#;
    let put = PutUserPolicyRequest { user_name: s("ada"), policy_name: s("p"), policy_document: s(deny) };
    world.iam::<op::PutUserPolicy>(&root, put).await.unwrap();
    let input = SimulatePrincipalPolicyRequest {
        policy_source_arn: s("arn:aws:iam::111111111111:user/ada"),
        action_names: Some(vec!["s3:GetObject".into(), "s3:DeleteBucket".into(), "iam:ListUsers".into()]),
        ..Default::default()
    };
    let answer = world.iam::<op::SimulatePrincipalPolicy>(&root, input).await.unwrap();
    let words: Vec<_> =
        answer.evaluation_results.unwrap().into_iter().map(|r| r.eval_decision.unwrap()).collect();
    assert_eq!(words, ["allowed", "explicitDeny", "implicitDeny"]);

    let custom = SimulateCustomPolicyRequest {
        policy_input_list: Some(vec![
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:username":"ada"}}}}"#.into(),
        ]),
        action_names: Some(vec!["s3:GetObject".into()]),
        context_entries: Some(vec![ContextEntry {
            context_key_name: s("aws:username"),
            context_key_values: Some(vec!["ada".into()]),
            context_key_type: s("string"),
        }]),
        ..Default::default()
    };
    let answer = world.iam::<op::SimulateCustomPolicy>(&root, custom).await.unwrap();
    let result = answer.evaluation_results.unwrap().remove(0);
    assert_eq!(result.eval_decision, s("allowed"));
    assert_eq!(result.matched_statements.unwrap()[0].source_policy_id, s("PolicyInputList.1"));
}
