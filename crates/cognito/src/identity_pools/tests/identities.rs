//! Identities that stay the same, are linked, merged, unlinked and deleted.

use super::*;
use crate::testing::{ACCOUNT, call, said};

#[tokio::test]
async fn a_user_has_one_identity_and_another_user_another() {
    let stage = Stage::new(|_| {}).await;
    stage.second_user("bob").await;
    let ann = stage.get_id(Some(&stage.id_token("ann").await)).await.unwrap();
    stage.bench.clock.advance(std::time::Duration::from_secs(86_400));
    assert_eq!(stage.get_id(Some(&stage.id_token("ann").await)).await.unwrap(), ann);
    assert_ne!(stage.get_id(Some(&stage.id_token("bob").await)).await.unwrap(), ann);
}

#[tokio::test]
async fn a_guest_who_signs_in_keeps_the_identity_or_gives_way_to_the_one_there_is() {
    let stage = Stage::new(|_| {}).await;
    let token = stage.id_token("ann").await;
    let guest = stage.get_id(None).await.unwrap();
    let out = stage.credentials(&guest, Some(&token)).await.unwrap();
    assert_eq!(out.identity_id.as_deref(), Some(guest.as_str()));
    assert_eq!(stage.get_id(Some(&token)).await.unwrap(), guest);

    let second = stage.get_id(None).await.unwrap();
    let out = stage.credentials(&second, Some(&token)).await.unwrap();
    assert_eq!(out.identity_id.as_deref(), Some(guest.as_str()));
    assert_eq!(
        said(stage.credentials(&second, None).await),
        format!("NotAuthorizedException: Access to Identity '{second}' is forbidden.")
    );
    let list = identity::ListIdentitiesInput {
        identity_pool_id: text(&stage.pool),
        max_results: Some(10),
        hide_disabled: Some(true),
        ..Default::default()
    };
    let all = identity::ListIdentitiesInput { hide_disabled: None, ..list.clone() };
    let count = async |input| {
        stage.bench.identity::<op::ListIdentities>(input).await.unwrap().identities.unwrap().len()
    };
    assert_eq!((count(list).await, count(all).await), (1, 2));
}

#[tokio::test]
async fn logins_of_two_user_pools_are_one_identity() {
    let stage = Stage::new(|_| {}).await;
    let (other_pool, other_client) = stage.bench.with_user("ann").await;
    let other_provider = format!("cognito-idp.us-east-1.amazonaws.com/{other_pool}");
    let provider = |name: &str, client: &str| identity::CognitoIdentityProvider {
        provider_name: text(name),
        client_id: text(client),
        server_side_token_check: None,
    };
    let update = identity::IdentityPool {
        identity_pool_id: text(&stage.pool),
        identity_pool_name: text("visitors"),
        allow_unauthenticated_identities: Some(false),
        cognito_identity_providers: Some(vec![
            provider(&stage.provider, &stage.client),
            provider(&other_provider, &other_client),
        ]),
        ..Default::default()
    };
    stage.bench.identity::<op::UpdateIdentityPool>(update).await.unwrap();
    let one = stage.id_token("ann").await;
    let two = stage.bench.tokens(&other_client, "ann").await.unwrap().id_token.unwrap();
    let get = |logins: &[(&str, &str)]| {
        stage.bench.open_identity::<op::GetId>(identity::GetIdInput {
            identity_pool_id: text(&stage.pool),
            logins: Some(map(logins)),
            ..Default::default()
        })
    };
    let (first, second) = ((stage.provider.as_str(), one.as_str()), (other_provider.as_str(), two.as_str()));
    let apart = get(&[second]).await.unwrap().identity_id;
    let ann = get(&[first]).await.unwrap().identity_id;
    assert_ne!(apart, ann);
    let merged = get(&[first, second]).await.unwrap().identity_id;
    assert!(merged == ann || merged == apart);
    assert_eq!(get(&[first]).await.unwrap().identity_id, merged);
    assert_eq!(get(&[second]).await.unwrap().identity_id, merged);

    let describe = identity::DescribeIdentityInput { identity_id: merged.clone() };
    let shown = stage.bench.identity::<op::DescribeIdentity>(describe).await.unwrap();
    assert_eq!(shown.logins.unwrap().len(), 2);
    let unlink = identity::UnlinkIdentityInput {
        identity_id: merged.clone(),
        logins: Some(map(&[first])),
        logins_to_remove: Some(vec![other_provider.clone()]),
    };
    stage.bench.open_identity::<op::UnlinkIdentity>(unlink).await.unwrap();
    assert_eq!(get(&[first]).await.unwrap().identity_id, merged);
    assert_ne!(get(&[second]).await.unwrap().identity_id, merged);
}

#[tokio::test]
async fn identities_are_looked_at_and_deleted_by_their_own_account() {
    let stage = Stage::new(|_| {}).await;
    let token = stage.id_token("ann").await;
    let ann = stage.get_id(Some(&token)).await.unwrap();
    let describe = identity::DescribeIdentityInput { identity_id: text(&ann) };
    let shown = stage.bench.identity::<op::DescribeIdentity>(describe.clone()).await.unwrap();
    assert_eq!(shown.logins, Some(vec![stage.provider.clone()]));

    let delete = identity::DeleteIdentitiesInput { identity_ids_to_delete: Some(vec![ann.clone()]) };
    let pools = &*stage.bench.cognito.identity_pools;
    for cx in [stage.bench.admin_of("999900001111", "us-east-1"), stage.bench.admin_of(ACCOUNT, "eu-west-1")]
    {
        let missing = format!("ResourceNotFoundException: Identity '{ann}' not found.");
        assert_eq!(said(call::<op::DescribeIdentity>(pools, &cx, describe.clone()).await), missing);
        let out = call::<op::DeleteIdentities>(pools, &cx, delete.clone()).await.unwrap();
        assert_eq!(out.unprocessed_identity_ids.unwrap()[0].error_code.as_deref(), Some("AccessDenied"));
    }
    let out = stage.bench.identity::<op::DeleteIdentities>(delete).await.unwrap();
    assert_eq!(out.unprocessed_identity_ids.unwrap(), []);
    assert_ne!(stage.get_id(Some(&token)).await.unwrap(), ann);
}
