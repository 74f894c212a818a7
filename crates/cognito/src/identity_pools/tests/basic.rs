//! The basic flow: a token of the identity, which STS verifies.

use std::time::Duration;

use nephos_core::ports::WebIdentityError;

use super::*;
use crate::testing::said;

async fn open_id_token(stage: &Stage, identity: &str, token: Option<&str>) -> Result<String, Fault> {
    let input = identity::GetOpenIdTokenInput {
        identity_id: text(identity),
        logins: token.map(|token| map(&[(&stage.provider, token)])),
    };
    stage.bench.open_identity::<op::GetOpenIdToken>(input).await.map(|out| out.token.unwrap())
}

#[tokio::test]
async fn the_token_of_an_identity_verifies_until_it_ends() {
    let stage = Stage::new(|input| input.allow_classic_flow = Some(true)).await;
    let login = stage.id_token("ann").await;
    let identity = stage.get_id(Some(&login)).await.unwrap();
    let token = open_id_token(&stage, &identity, Some(&login)).await.unwrap();
    let verified = stage.bench.web_identity(&token).await.unwrap();
    assert_eq!(verified.issuer, "https://cognito-identity.amazonaws.com");
    assert_eq!(
        (verified.subject.as_str(), verified.audience.as_str()),
        (identity.as_str(), stage.pool.as_str())
    );
    assert_eq!(verified.identity.provider, "cognito-identity.amazonaws.com");
    let amr = verified.identity.keys.get("cognito-identity.amazonaws.com:amr").unwrap();
    assert_eq!((amr[0].as_str(), &amr[1]), ("authenticated", &stage.provider));
    let set = stage.bench.cognito.identity_pools.open_id_key_set().unwrap();
    assert_eq!(set.matches("\"kid\"").count(), 1);

    let parts: Vec<&str> = token.split('.').collect();
    let claims = crate::crypto::from_base64url(parts[1]).unwrap();
    let forged = String::from_utf8(claims).unwrap().replace(&identity, "us-east-1:someone-else");
    let forged = format!("{}.{}.{}", parts[0], crate::crypto::base64url(forged.as_bytes()), parts[2]);
    let refused = stage.bench.web_identity(&forged).await.unwrap_err();
    assert!(matches!(refused, WebIdentityError::Invalid(_)), "{refused}");
    let foreign = stage.bench.web_identity(&login).await.unwrap_err();
    assert_eq!(foreign, WebIdentityError::Foreign);
    assert!(matches!(stage.bench.web_identity("x").await, Err(WebIdentityError::Invalid(_))));
    stage.bench.clock.advance(Duration::from_secs(601));
    assert_eq!(stage.bench.web_identity(&token).await.unwrap_err(), WebIdentityError::Expired);
}

#[tokio::test]
async fn the_basic_flow_is_off_unless_the_pool_says_so() {
    let stage = Stage::new(|_| {}).await;
    let guest = stage.get_id(None).await.unwrap();
    assert_eq!(
        said(open_id_token(&stage, &guest, None).await),
        "InvalidParameterException: Basic (classic) flow is not enabled, please use enhanced flow."
    );
}

#[tokio::test]
async fn guests_say_that_they_are() {
    let stage = Stage::new(|input| input.allow_classic_flow = Some(true)).await;
    let guest = stage.get_id(None).await.unwrap();
    let token = open_id_token(&stage, &guest, None).await.unwrap();
    let verified = stage.bench.web_identity(&token).await.unwrap();
    let amr = verified.identity.keys.get("cognito-identity.amazonaws.com:amr").unwrap();
    assert_eq!(amr, ["unauthenticated"]);
}
