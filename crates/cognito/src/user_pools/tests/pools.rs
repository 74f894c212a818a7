//! Pools and clients: made, shown, changed, deleted; what is absent is refused by name.

use crate::testing::{ACCOUNT, Bench, map, said, text};
use crate::user_pools::shapes::{self as users, op};

async fn describe(bench: &Bench, pool: &str) -> users::UserPoolType {
    let input = users::DescribeUserPoolRequest { user_pool_id: text(pool) };
    bench.idp::<op::DescribeUserPool>(input).await.unwrap().user_pool.unwrap()
}

#[tokio::test]
async fn a_pool_has_cognitos_defaults() {
    let bench = Bench::new();
    let input = users::CreateUserPoolRequest { pool_name: text("people"), ..Default::default() };
    let made = bench.idp::<op::CreateUserPool>(input).await.unwrap().user_pool.unwrap();
    let id = made.id.clone().unwrap();
    assert_eq!(made, describe(&bench, &id).await);
    assert!(id.starts_with("us-east-1_") && id.len() == "us-east-1_".len() + 9, "{id}");
    assert_eq!(made.arn, Some(format!("arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{id}")));
    assert_eq!(made.mfa_configuration.as_deref(), Some("OFF"));
    assert_eq!(made.deletion_protection.as_deref(), Some("INACTIVE"));
    assert_eq!(made.user_pool_tier.as_deref(), Some("ESSENTIALS"));
    let policy = made.policies.unwrap().password_policy.unwrap();
    assert_eq!((policy.minimum_length, policy.require_symbols), (Some(8), Some(true)));
    assert_eq!(policy.temporary_password_validity_days, Some(7));
    let sub = made.schema_attributes.unwrap().remove(0);
    assert_eq!((sub.name.as_deref(), sub.required, sub.mutable), (Some("sub"), Some(true), Some(false)));
    assert_eq!(made.auto_verified_attributes, None);
}

#[tokio::test]
async fn an_update_sets_what_it_does_not_name_back_to_the_default() {
    let bench = Bench::new();
    let pool = bench
        .pool(|input| {
            input.deletion_protection = text("ACTIVE");
            input.user_pool_tags = Some(map(&[("team", "red")]));
        })
        .await;
    let protected = users::DeleteUserPoolRequest { user_pool_id: text(&pool) };
    assert!(
        said(bench.idp::<op::DeleteUserPool>(protected).await).contains("deletion protection is activated")
    );
    let input = users::UpdateUserPoolRequest { user_pool_id: text(&pool), ..Default::default() };
    bench.idp::<op::UpdateUserPool>(input).await.unwrap();
    let after = describe(&bench, &pool).await;
    assert_eq!(after.deletion_protection.as_deref(), Some("INACTIVE"));
    assert_eq!(after.auto_verified_attributes, None);
    assert_eq!(
        (after.name.as_deref(), after.user_pool_tags),
        (Some("people"), Some(map(&[("team", "red")])))
    );
}

#[tokio::test]
async fn what_is_absent_is_refused_by_name() {
    let bench = Bench::new();
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:f";
    let base = users::CreateUserPoolRequest { pool_name: text("people"), ..Default::default() };
    let lambda = users::LambdaConfigType { pre_sign_up: text(arn), ..Default::default() };
    let policies = |history: Option<i32>, factor: &str| users::UserPoolPolicyType {
        password_policy: Some(users::PasswordPolicyType {
            password_history_size: history,
            ..Default::default()
        }),
        sign_in_policy: Some(users::SignInPolicyType {
            allowed_first_auth_factors: Some(vec![factor.to_owned()]),
        }),
    };
    let template = users::VerificationMessageTemplateType {
        default_email_option: text("CONFIRM_WITH_LINK"),
        ..Default::default()
    };
    for (input, name) in [
        (
            users::CreateUserPoolRequest { lambda_config: Some(lambda), ..base.clone() },
            "the LambdaConfig trigger PreSignUp",
        ),
        (
            users::CreateUserPoolRequest { mfa_configuration: text("OPTIONAL"), ..base.clone() },
            "MfaConfiguration OPTIONAL",
        ),
        (
            users::CreateUserPoolRequest { policies: Some(policies(Some(3), "PASSWORD")), ..base.clone() },
            "PasswordHistorySize",
        ),
        (
            users::CreateUserPoolRequest { policies: Some(policies(None, "EMAIL_OTP")), ..base.clone() },
            "AllowedFirstAuthFactors EMAIL_OTP",
        ),
        (
            users::CreateUserPoolRequest { verification_message_template: Some(template), ..base.clone() },
            "DefaultEmailOption CONFIRM_WITH_LINK",
        ),
    ] {
        let refused = bench.idp::<op::CreateUserPool>(input).await;
        assert_eq!(said(refused), format!("NotImplemented: Nephos does not implement cognito-idp {name}."));
    }
    let pool = bench.pool(|_| {}).await;
    let oauth = users::CreateUserPoolClientRequest {
        user_pool_id: text(&pool),
        client_name: text("web"),
        allowed_o_auth_flows: Some(vec!["code".to_owned()]),
        ..Default::default()
    };
    assert!(said(bench.idp::<op::CreateUserPoolClient>(oauth).await).starts_with("NotImplemented"));
    let totp = users::SetUserPoolMfaConfigRequest {
        user_pool_id: text(&pool),
        software_token_mfa_configuration: Some(users::SoftwareTokenMfaConfigType { enabled: Some(true) }),
        ..Default::default()
    };
    assert!(said(bench.idp::<op::SetUserPoolMfaConfig>(totp).await).starts_with("NotImplemented"));
    let off = users::SetUserPoolMfaConfigRequest {
        user_pool_id: text(&pool),
        mfa_configuration: text("OFF"),
        ..Default::default()
    };
    bench.idp::<op::SetUserPoolMfaConfig>(off).await.unwrap();
}

#[tokio::test]
async fn contradictions_are_refused() {
    let bench = Bench::new();
    let both = users::CreateUserPoolRequest {
        pool_name: text("people"),
        alias_attributes: Some(vec!["email".to_owned()]),
        username_attributes: Some(vec!["email".to_owned()]),
        ..Default::default()
    };
    assert!(said(bench.idp::<op::CreateUserPool>(both).await).contains("Only one of the aliasAttributes"));
    let long = users::CreateUserPoolRequest { pool_name: text(&"x".repeat(129)), ..Default::default() };
    assert!(
        said(bench.idp::<op::CreateUserPool>(long).await)
            .starts_with("InvalidParameterException: 1 validation error detected")
    );
    let pool = bench.pool(|_| {}).await;
    for change in [
        (|input| {
            input.explicit_auth_flows = Some(vec!["ALLOW_USER_SRP_AUTH".into(), "ADMIN_NO_SRP_AUTH".into()])
        }) as fn(&mut users::CreateUserPoolClientRequest),
        |input| input.read_attributes = Some(vec!["custom:none".into()]),
        |input| input.supported_identity_providers = Some(vec!["Google".into()]),
    ] {
        let mut input = users::CreateUserPoolClientRequest {
            user_pool_id: text(&pool),
            client_name: text("app"),
            ..Default::default()
        };
        change(&mut input);
        assert!(
            said(bench.idp::<op::CreateUserPoolClient>(input).await).starts_with("InvalidParameterException")
        );
    }
}

#[tokio::test]
async fn clients_are_listed_changed_and_deleted() {
    let bench = Bench::new();
    let pool = bench.pool(|_| {}).await;
    let made = bench.client(&pool, |input| input.generate_secret = Some(true)).await;
    let id = made.client_id.clone().unwrap();
    let describe = users::DescribeUserPoolClientRequest { user_pool_id: text(&pool), client_id: text(&id) };
    let shown = bench.idp::<op::DescribeUserPoolClient>(describe.clone()).await.unwrap().user_pool_client;
    assert_eq!(shown, Some(made.clone()));
    assert_eq!((made.refresh_token_validity, made.auth_session_validity), (Some(30), Some(3)));
    let update = users::UpdateUserPoolClientRequest {
        user_pool_id: text(&pool),
        client_id: text(&id),
        prevent_user_existence_errors: text("ENABLED"),
        ..Default::default()
    };
    let updated = bench.idp::<op::UpdateUserPoolClient>(update).await.unwrap().user_pool_client.unwrap();
    assert_eq!(updated.explicit_auth_flows, None);
    assert_eq!((updated.client_name, updated.client_secret), (made.client_name, made.client_secret));
    assert_eq!(updated.prevent_user_existence_errors.as_deref(), Some("ENABLED"));
    let list = users::ListUserPoolClientsRequest { user_pool_id: text(&pool), ..Default::default() };
    let listed = bench.idp::<op::ListUserPoolClients>(list).await.unwrap().user_pool_clients.unwrap();
    assert_eq!(listed[0].client_id, Some(id.clone()));
    let delete = users::DeleteUserPoolClientRequest { user_pool_id: text(&pool), client_id: text(&id) };
    bench.idp::<op::DeleteUserPoolClient>(delete).await.unwrap();
    assert_eq!(
        said(bench.idp::<op::DescribeUserPoolClient>(describe).await),
        format!("ResourceNotFoundException: User pool client {id} does not exist.")
    );
}

#[tokio::test]
async fn a_deleted_pool_leaves_nothing_but_what_ends_by_itself() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    let group = users::CreateGroupRequest {
        user_pool_id: text(&pool),
        group_name: text("admins"),
        ..Default::default()
    };
    bench.idp::<op::CreateGroup>(group).await.unwrap();
    let delete = users::DeleteUserPoolRequest { user_pool_id: text(&pool) };
    bench.idp::<op::DeleteUserPool>(delete).await.unwrap();
    let gone = bench.open::<op::GetUser>(users::GetUserRequest { access_token: tokens.access_token }).await;
    assert_eq!(said(gone), "NotAuthorizedException: Invalid Access Token");
    assert!(said(bench.tokens(&client, "ann").await).starts_with("ResourceNotFoundException"));
    let origin = &bench.admin().origin;
    assert_eq!(bench.cognito.user_pools.well_known(origin, &pool, "jwks.json").unwrap(), None);
    bench.clock.advance(std::time::Duration::from_secs(40 * 86_400));
    bench.cognito.sweep(bench.clock.now()).await.unwrap();
    assert_eq!(bench.stored(), b"");
}

#[tokio::test]
async fn pools_are_listed_page_by_page() {
    let bench = Bench::new();
    for _ in 0..3 {
        bench.pool(|_| {}).await;
    }
    let list = |next_token| {
        bench.idp::<op::ListUserPools>(users::ListUserPoolsRequest { max_results: Some(2), next_token })
    };
    let first = list(None).await.unwrap();
    let second = list(first.next_token).await.unwrap();
    let mut ids: Vec<_> =
        [first.user_pools.unwrap(), second.user_pools.unwrap()].concat().into_iter().map(|p| p.id).collect();
    ids.dedup();
    assert_eq!((ids.len(), second.next_token), (3, None));
}

#[tokio::test]
async fn pools_have_tags_that_policies_see() {
    let bench = Bench::new();
    let pool = bench.pool(|input| input.user_pool_tags = Some(map(&[("team", "red")]))).await;
    let arn = format!("arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{pool}");
    let tag = users::TagResourceRequest { resource_arn: text(&arn), tags: Some(map(&[("stage", "dev")])) };
    bench.idp::<op::TagResource>(tag).await.unwrap();
    let asked = bench.iam.asked.lock().unwrap().last().cloned().unwrap();
    assert_eq!(asked.keys.get("aws:ResourceTag/team"), Some(["red".to_owned()].as_slice()));
    assert_eq!(asked.keys.get("aws:RequestTag/stage"), Some(["dev".to_owned()].as_slice()));
    let untag =
        users::UntagResourceRequest { resource_arn: text(&arn), tag_keys: Some(vec!["team".to_owned()]) };
    bench.idp::<op::UntagResource>(untag).await.unwrap();
    let list = users::ListTagsForResourceRequest { resource_arn: text(&arn) };
    let tags = bench.idp::<op::ListTagsForResource>(list).await.unwrap().tags.unwrap();
    assert_eq!(tags, map(&[("stage", "dev")]));
    let reserved = users::TagResourceRequest { resource_arn: text(&arn), tags: Some(map(&[("aws:x", "y")])) };
    assert!(bench.idp::<op::TagResource>(reserved).await.is_err());
}
