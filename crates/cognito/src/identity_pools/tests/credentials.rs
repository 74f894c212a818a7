//! Sign-ins that become credentials, and those that do not.

use std::time::Duration;

use super::*;
use crate::testing::said;
use crate::user_pools::shapes::{self as users, op as users_op};

#[tokio::test]
async fn a_signed_in_user_gets_credentials_of_the_authenticated_role() {
    let stage = Stage::new(|_| {}).await;
    let token = stage.id_token("ann").await;
    let identity = stage.get_id(Some(&token)).await.unwrap();
    assert!(identity.starts_with("us-east-1:") && identity.len() == 46, "{identity}");
    let out = stage.credentials(&identity, Some(&token)).await.unwrap();
    assert_eq!(out.identity_id.as_deref(), Some(identity.as_str()));
    let credentials = out.credentials.unwrap();
    assert_eq!(credentials.access_key_id.as_deref(), Some("ASIATEST"));
    assert!(credentials.secret_key.is_some() && credentials.session_token.is_some());
    assert!(credentials.expiration.unwrap() > stage.bench.clock.now());

    let assumed = stage.bench.iam.assumed.lock().unwrap().pop().unwrap();
    assert_eq!((assumed.role_arn.as_str(), assumed.duration_seconds), (AUTHENTICATED, 3600));
    assert_eq!((assumed.session_name.as_str(), assumed.session_policy), ("CognitoIdentityCredentials", None));
    let web = assumed.web_identity.unwrap();
    assert_eq!(web.provider, "cognito-identity.amazonaws.com");
    let key = |name: &str| web.keys.get(&format!("cognito-identity.amazonaws.com:{name}")).unwrap().to_vec();
    assert_eq!((key("aud"), key("sub")), (vec![stage.pool.clone()], vec![identity]));
    let sub = stage.bench.claims(&token)["sub"].as_str().unwrap().to_owned();
    let provider = &stage.provider;
    assert_eq!(
        key("amr"),
        ["authenticated".to_owned(), provider.clone(), format!("{provider}:CognitoSignIn:{sub}")]
    );
}

#[tokio::test]
async fn guests_get_the_guest_role_narrowed_by_a_session_policy() {
    let stage = Stage::new(|_| {}).await;
    let (one, two) = (stage.get_id(None).await.unwrap(), stage.get_id(None).await.unwrap());
    assert_ne!(one, two);
    stage.credentials(&one, None).await.unwrap();
    let assumed = stage.bench.iam.assumed.lock().unwrap().pop().unwrap();
    assert_eq!(assumed.role_arn, GUEST);
    let policy: serde_json::Value = serde_json::from_str(&assumed.session_policy.unwrap()).unwrap();
    let actions = policy["Statement"][0]["Action"].as_array().unwrap().clone();
    assert!(actions.contains(&"s3:*".into()) && actions.contains(&"lambda:*".into()));
    assert!(!actions.iter().any(|action| action.as_str().unwrap().starts_with("iam:")));
    let amr = assumed.web_identity.unwrap();
    let amr = amr.keys.get("cognito-identity.amazonaws.com:amr").unwrap().to_vec();
    assert_eq!(amr, ["unauthenticated"]);
}

#[tokio::test]
async fn guests_are_refused_where_the_pool_has_none() {
    let stage = Stage::new(|input| input.allow_unauthenticated_identities = Some(false)).await;
    assert_eq!(
        said(stage.get_id(None).await),
        "NotAuthorizedException: Unauthenticated access is not supported for this identity pool."
    );
}

#[tokio::test]
async fn an_identity_with_logins_gives_nothing_without_one_of_them() {
    let stage = Stage::new(|_| {}).await;
    stage.second_user("bob").await;
    let (ann, bob) = (stage.id_token("ann").await, stage.id_token("bob").await);
    let identity = stage.get_id(Some(&ann)).await.unwrap();
    assert_eq!(
        said(stage.credentials(&identity, None).await),
        format!("NotAuthorizedException: Access to Identity '{identity}' is forbidden.")
    );
    assert!(
        said(stage.credentials(&identity, Some(&bob)).await)
            .starts_with("NotAuthorizedException: Logins don't match.")
    );
    let nobody = "us-east-1:00000000-0000-4000-8000-000000000000";
    assert_eq!(
        said(stage.credentials(nobody, Some(&ann)).await),
        format!("ResourceNotFoundException: Identity '{nobody}' not found.")
    );
}

#[tokio::test]
async fn only_an_id_token_of_the_right_pool_and_client_is_a_login() {
    let stage = Stage::new(|_| {}).await;
    let refused = |text: &str| format!("NotAuthorizedException: Invalid login token. {text}");
    let access = stage.bench.tokens(&stage.client, "ann").await.unwrap().access_token.unwrap();
    assert_eq!(
        said(stage.get_id(Some(&access)).await),
        refused("Not a valid OpenId Connect identity token.")
    );
    assert_eq!(said(stage.get_id(Some("no token")).await), refused("Couldn't verify signed token."));

    let other = stage.bench.client(&stage.user_pool, |_| {}).await.client_id.unwrap();
    let foreign = stage.bench.tokens(&other, "ann").await.unwrap().id_token.unwrap();
    assert_eq!(said(stage.get_id(Some(&foreign)).await), refused("Incorrect token audience."));

    let (_, elsewhere) = stage.bench.with_user("ann").await;
    let foreign = stage.bench.tokens(&elsewhere, "ann").await.unwrap().id_token.unwrap();
    assert_eq!(said(stage.get_id(Some(&foreign)).await), refused("Issuer doesn't match providerName"));

    let token = stage.id_token("ann").await;
    let input = identity::GetIdInput {
        identity_pool_id: text(&stage.pool),
        logins: Some(map(&[("accounts.google.com", &token)])),
        ..Default::default()
    };
    assert_eq!(
        said(stage.bench.open_identity::<op::GetId>(input).await),
        "NotAuthorizedException: Token is not from a supported provider of this identity pool."
    );
    stage.bench.clock.advance(Duration::from_secs(3601));
    assert!(
        said(stage.get_id(Some(&token)).await)
            .starts_with("NotAuthorizedException: Invalid login token. Token expired: ")
    );
}

#[tokio::test]
async fn signing_out_ends_logins_where_the_pool_checks_it() {
    for (check, refused) in [(Some(true), true), (Some(false), false), (None, false)] {
        let stage = Stage::new(|input| {
            for provider in input.cognito_identity_providers.iter_mut().flatten() {
                provider.server_side_token_check = check;
            }
        })
        .await;
        let tokens = stage.bench.tokens(&stage.client, "ann").await.unwrap();
        let token = tokens.id_token.unwrap();
        stage.get_id(Some(&token)).await.unwrap();
        let out = users::GlobalSignOutRequest { access_token: tokens.access_token };
        stage.bench.open::<users_op::GlobalSignOut>(out).await.unwrap();
        assert_eq!(stage.get_id(Some(&token)).await.is_err(), refused, "{check:?}");
    }
}

#[tokio::test]
async fn a_role_that_does_not_trust_the_pool_is_a_misconfiguration() {
    let stage = Stage::new(|_| {}).await;
    let text = "InvalidIdentityPoolConfigurationException: Invalid identity pool configuration. Check assigned IAM roles for this pool.";
    stage.bench.iam.untrusted.lock().unwrap().insert(AUTHENTICATED.to_owned());
    let token = stage.id_token("ann").await;
    let identity = stage.get_id(Some(&token)).await.unwrap();
    assert_eq!(said(stage.credentials(&identity, Some(&token)).await), text);
    let none = identity::SetIdentityPoolRolesInput {
        identity_pool_id: Some(stage.pool.clone()),
        roles: Some(Default::default()),
        ..Default::default()
    };
    stage.bench.identity::<op::SetIdentityPoolRoles>(none).await.unwrap();
    assert_eq!(said(stage.credentials(&identity, Some(&token)).await), text);
}
