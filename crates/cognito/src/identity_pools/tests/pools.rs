//! Identity pools: made, shown, changed, deleted; what can't be verified is refused by name.

use super::*;
use crate::testing::{ACCOUNT, call, said};

#[tokio::test]
async fn a_pool_is_made_shown_changed_and_listed() {
    let stage = Stage::new(|input| input.identity_pool_tags = Some(map(&[("team", "red")]))).await;
    assert!(stage.pool.starts_with("us-east-1:"));
    let describe = identity::DescribeIdentityPoolInput { identity_pool_id: text(&stage.pool) };
    let shown = stage.bench.identity::<op::DescribeIdentityPool>(describe.clone()).await.unwrap();
    assert_eq!(shown.identity_pool_name.as_deref(), Some("visitors"));
    assert_eq!(shown.identity_pool_tags, Some(map(&[("team", "red")])));
    let asked = stage.bench.iam.asked.lock().unwrap().last().cloned().unwrap();
    let arn = format!("arn:aws:cognito-identity:us-east-1:{ACCOUNT}:identitypool/{}", stage.pool);
    assert_eq!(
        (asked.action, asked.resource.as_str()),
        ("cognito-identity:DescribeIdentityPool", arn.as_str())
    );

    let update = identity::IdentityPool {
        allow_unauthenticated_identities: Some(false),
        cognito_identity_providers: None,
        ..shown
    };
    let updated = stage.bench.identity::<op::UpdateIdentityPool>(update).await.unwrap();
    assert_eq!(updated.cognito_identity_providers, None);
    let token = stage.id_token("ann").await;
    assert!(said(stage.get_id(Some(&token)).await).contains("not from a supported provider"));

    let tag = identity::TagResourceInput { resource_arn: text(&arn), tags: Some(map(&[("stage", "dev")])) };
    stage.bench.identity::<op::TagResource>(tag).await.unwrap();
    let untag =
        identity::UntagResourceInput { resource_arn: text(&arn), tag_keys: Some(vec!["team".to_owned()]) };
    stage.bench.identity::<op::UntagResource>(untag).await.unwrap();
    let list = identity::ListTagsForResourceInput { resource_arn: text(&arn) };
    let tags = stage.bench.identity::<op::ListTagsForResource>(list).await.unwrap().tags.unwrap();
    assert_eq!(tags, map(&[("stage", "dev")]));

    let list = identity::ListIdentityPoolsInput { max_results: Some(5), next_token: None };
    let listed = stage.bench.identity::<op::ListIdentityPools>(list.clone()).await.unwrap();
    assert_eq!(listed.identity_pools.unwrap()[0].identity_pool_id, Some(stage.pool.clone()));
    let other = stage.bench.admin_of("999900001111", "us-east-1");
    let pools = &*stage.bench.cognito.identity_pools;
    let listed = call::<op::ListIdentityPools>(pools, &other, list).await.unwrap();
    assert_eq!(listed.identity_pools.unwrap(), []);
    assert_eq!(
        said(call::<op::DescribeIdentityPool>(pools, &other, describe).await),
        format!("ResourceNotFoundException: IdentityPool '{}' not found.", stage.pool)
    );
}

#[tokio::test]
async fn a_deleted_pool_takes_its_identities_along() {
    let stage = Stage::new(|_| {}).await;
    let token = stage.id_token("ann").await;
    let ann = stage.get_id(Some(&token)).await.unwrap();
    let delete = identity::DeleteIdentityPoolInput { identity_pool_id: text(&stage.pool) };
    stage.bench.identity::<op::DeleteIdentityPool>(delete).await.unwrap();
    assert_eq!(
        said(stage.get_id(Some(&token)).await),
        format!("ResourceNotFoundException: IdentityPool '{}' not found.", stage.pool)
    );
    assert_eq!(
        said(stage.credentials(&ann, Some(&token)).await),
        format!("ResourceNotFoundException: Identity '{ann}' not found.")
    );
    assert!(!stage.bench.stores(&ann) && !stage.bench.stores(&stage.pool));
}

#[tokio::test]
async fn providers_that_can_not_be_verified_are_refused_by_name() {
    let bench = Bench::new();
    let base = identity::CreateIdentityPoolInput {
        identity_pool_name: text("visitors"),
        allow_unauthenticated_identities: Some(false),
        ..Default::default()
    };
    let arn = "arn:aws:iam::111122223333:saml-provider/x";
    for (input, name) in [
        (
            identity::CreateIdentityPoolInput {
                supported_login_providers: Some(map(&[("accounts.google.com", "app")])),
                ..base.clone()
            },
            "SupportedLoginProviders",
        ),
        (
            identity::CreateIdentityPoolInput { developer_provider_name: text("own"), ..base.clone() },
            "DeveloperProviderName",
        ),
        (
            identity::CreateIdentityPoolInput {
                open_id_connect_provider_arns: Some(vec![arn.to_owned()]),
                ..base.clone()
            },
            "OpenIdConnectProviderARNs",
        ),
        (
            identity::CreateIdentityPoolInput {
                saml_provider_arns: Some(vec![arn.to_owned()]),
                ..base.clone()
            },
            "SamlProviderARNs",
        ),
    ] {
        assert_eq!(
            said(bench.identity::<op::CreateIdentityPool>(input).await),
            format!("NotImplemented: Nephos does not implement cognito-identity {name}.")
        );
    }
    let bad = identity::CreateIdentityPoolInput {
        cognito_identity_providers: Some(vec![identity::CognitoIdentityProvider {
            provider_name: text("cognito-idp.us-east-1.amazonaws.com/eu-west-1_abc"),
            client_id: text("c"),
            server_side_token_check: None,
        }]),
        ..base
    };
    assert!(
        said(bench.identity::<op::CreateIdentityPool>(bad).await).starts_with("InvalidParameterException")
    );
}
