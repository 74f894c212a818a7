//! Tokens: claims, ends, refreshing, revocation, rotation.

use std::time::Duration;

use nephos_core::Fault;
use serde_json::json;

use crate::testing::{Bench, map, said, text};
use crate::user_pools::shapes::{self as users, op};

async fn get_user(bench: &Bench, token: &str) -> Result<users::GetUserResponse, Fault> {
    bench.open::<op::GetUser>(users::GetUserRequest { access_token: text(token) }).await
}

async fn refresh(bench: &Bench, client: &str, token: &str) -> Result<users::AuthenticationResultType, Fault> {
    let answer = bench.initiate(client, "REFRESH_TOKEN_AUTH", &[("REFRESH_TOKEN", token)]).await?;
    Ok(answer.authentication_result.unwrap())
}

#[tokio::test]
async fn claims_are_cognitos() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let before = bench.clock.now().secs();
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    let (id_token, access_token) = (tokens.id_token.unwrap(), tokens.access_token.unwrap());
    let (id, access) = (bench.claims(&id_token), bench.claims(&access_token));
    let issuer = format!("https://cognito-idp.us-east-1.amazonaws.com/{pool}");
    for claims in [&id, &access] {
        assert_eq!(claims["iss"], json!(issuer));
        assert_eq!(claims["sub"], id["sub"]);
        assert_eq!(claims["origin_jti"], id["origin_jti"]);
        assert_eq!(claims["event_id"], id["event_id"]);
        let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        assert!((before..before + 30).contains(&iat) && exp == iat + 3600);
        assert_eq!(claims["auth_time"], claims["iat"]);
    }
    assert_ne!(id["jti"], access["jti"]);
    assert_eq!((&id["token_use"], &id["aud"]), (&json!("id"), &json!(client)));
    assert_eq!((&id["email"], &id["email_verified"]), (&json!("ann@example.org"), &json!(true)));
    assert_eq!(id["cognito:username"], "ann");
    assert_eq!((&access["token_use"], &access["client_id"]), (&json!("access"), &json!(client)));
    assert_eq!(access["scope"], "aws.cognito.signin.user.admin");
    assert!(access.get("aud").is_none() && access.get("email").is_none());
    let kid = |token: &str| {
        let header = crate::crypto::from_base64url(token.split('.').next().unwrap()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&header).unwrap()["kid"].clone()
    };
    assert_ne!(kid(&id_token), kid(&access_token));
    let origin = &bench.admin().origin;
    let keys = bench.cognito.user_pools.well_known(origin, &pool, "jwks.json").unwrap().unwrap();
    for token in [&id_token, &access_token] {
        assert!(keys.contains(kid(token).as_str().unwrap()));
    }
}

#[tokio::test]
async fn discovery_points_to_the_keys_on_the_callers_host() {
    let bench = Bench::new();
    let pool = bench.pool(|_| {}).await;
    let origin = &bench.admin().origin;
    let pools = &bench.cognito.user_pools;
    let document = pools.well_known(origin, &pool, "openid-configuration").unwrap().unwrap();
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["issuer"], json!(format!("https://cognito-idp.us-east-1.amazonaws.com/{pool}")));
    let jwks = format!("http://localhost:4566/{pool}/.well-known/jwks.json");
    assert_eq!(document["jwks_uri"], json!(jwks));
    assert_eq!(pools.well_known(origin, &pool, "other").unwrap(), None);
    assert_eq!(pools.well_known(origin, "us-east-1_nobody", "jwks.json").unwrap(), None);
}

#[tokio::test]
async fn an_access_token_ends_and_an_id_token_is_none() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    let (id, access) = (tokens.id_token.unwrap(), tokens.access_token.unwrap());
    get_user(&bench, &access).await.unwrap();
    assert_eq!(said(get_user(&bench, &id).await), "NotAuthorizedException: Invalid Access Token");
    let mut forged = access.clone();
    forged.replace_range(access.len() - 5..access.len() - 3, "AA");
    if forged != access {
        assert_eq!(said(get_user(&bench, &forged).await), "NotAuthorizedException: Invalid Access Token");
    }
    bench.clock.advance(Duration::from_secs(3601));
    assert_eq!(said(get_user(&bench, &access).await), "NotAuthorizedException: Access Token has expired");
}

#[tokio::test]
async fn a_refresh_token_gives_tokens_of_the_same_sign_in_until_it_ends() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    let first = bench.tokens(&client, "ann").await.unwrap();
    let token = first.refresh_token.unwrap();
    assert!(!bench.stores(&token));
    bench.clock.advance(Duration::from_secs(7200));
    let next = refresh(&bench, &client, &token).await.unwrap();
    assert_eq!(next.refresh_token, None);
    let (before, after) =
        (bench.claims(&first.access_token.unwrap()), bench.claims(&next.access_token.clone().unwrap()));
    for same in ["origin_jti", "auth_time", "sub"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_ne!(before["jti"], after["jti"]);
    get_user(&bench, &next.access_token.unwrap()).await.unwrap();
    assert_eq!(
        said(refresh(&bench, &client, "eyJjdHki.a.b.c.d").await),
        "NotAuthorizedException: Invalid Refresh Token"
    );
    bench.clock.advance(Duration::from_secs(30 * 86_400));
    assert_eq!(
        said(refresh(&bench, &client, &token).await),
        "NotAuthorizedException: Refresh Token has expired"
    );
    bench.clock.advance(Duration::from_secs(2 * 86_400));
    bench.cognito.sweep(bench.clock.now()).await.unwrap();
    assert_eq!(said(refresh(&bench, &client, &token).await), "NotAuthorizedException: Invalid Refresh Token");
}

#[tokio::test]
async fn another_client_can_not_use_a_refresh_token() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let other = bench.client(&pool, |_| {}).await.client_id.unwrap();
    let token = bench.tokens(&client, "ann").await.unwrap().refresh_token.unwrap();
    assert_eq!(said(refresh(&bench, &other, &token).await), "NotAuthorizedException: Invalid Refresh Token");
    let input = users::RevokeTokenRequest { token: Some(token), client_id: Some(other), client_secret: None };
    assert!(said(bench.open::<op::RevokeToken>(input).await).starts_with("UnauthorizedException"));
}

#[tokio::test]
async fn a_revoked_token_takes_its_sign_in_along_and_no_other() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    let (one, two) =
        (bench.tokens(&client, "ann").await.unwrap(), bench.tokens(&client, "ann").await.unwrap());
    let revoke = |token: Option<String>| {
        let input = users::RevokeTokenRequest { token, client_id: text(&client), client_secret: None };
        bench.open::<op::RevokeToken>(input)
    };
    revoke(one.refresh_token.clone()).await.unwrap();
    revoke(text("eyJjdHki.unknown.b.c.d")).await.unwrap();
    assert_eq!(
        said(revoke(one.access_token.clone()).await),
        "UnsupportedTokenTypeException: Unsupported token type."
    );
    assert_eq!(
        said(refresh(&bench, &client, &one.refresh_token.unwrap()).await),
        "NotAuthorizedException: Refresh Token has been revoked"
    );
    assert_eq!(
        said(get_user(&bench, &one.access_token.unwrap()).await),
        "NotAuthorizedException: Access Token has been revoked"
    );
    get_user(&bench, &two.access_token.unwrap()).await.unwrap();
    refresh(&bench, &client, &two.refresh_token.unwrap()).await.unwrap();
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_sign_in_before_it() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let (one, two) =
        (bench.tokens(&client, "ann").await.unwrap(), bench.tokens(&client, "ann").await.unwrap());
    let input = users::GlobalSignOutRequest { access_token: one.access_token.clone() };
    bench.open::<op::GlobalSignOut>(input).await.unwrap();
    for tokens in [&one, &two] {
        assert_eq!(
            said(get_user(&bench, tokens.access_token.as_ref().unwrap()).await),
            "NotAuthorizedException: Access Token has been revoked"
        );
        assert_eq!(
            said(refresh(&bench, &client, tokens.refresh_token.as_ref().unwrap()).await),
            "NotAuthorizedException: Refresh Token has been revoked"
        );
    }
    bench.clock.advance(Duration::from_millis(5));
    let three = bench.tokens(&client, "ann").await.unwrap();
    get_user(&bench, three.access_token.as_ref().unwrap()).await.unwrap();
    let input = users::AdminUserGlobalSignOutRequest { user_pool_id: text(&pool), username: text("ann") };
    bench.idp::<op::AdminUserGlobalSignOut>(input).await.unwrap();
    assert!(get_user(&bench, three.access_token.as_ref().unwrap()).await.is_err());
}

#[tokio::test]
async fn a_client_without_revocation_gives_tokens_without_a_sign_in() {
    let bench = Bench::new();
    let (pool, _) = bench.with_user("ann").await;
    let client = bench.client(&pool, |input| input.enable_token_revocation = Some(false)).await;
    let client = client.client_id.unwrap();
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    let access = tokens.access_token.unwrap();
    assert!(bench.claims(&access).get("origin_jti").is_none());
    get_user(&bench, &access).await.unwrap();
    let input = users::RevokeTokenRequest {
        token: tokens.refresh_token,
        client_id: Some(client),
        client_secret: None,
    };
    assert!(said(bench.open::<op::RevokeToken>(input).await).starts_with("UnsupportedOperationException"));
    bench.clock.advance(Duration::from_secs(2));
    let input = users::GlobalSignOutRequest { access_token: text(&access) };
    bench.open::<op::GlobalSignOut>(input).await.unwrap();
    bench.clock.advance(Duration::from_secs(1));
    assert!(get_user(&bench, &access).await.is_err());
}

#[tokio::test]
async fn lives_are_as_the_client_says() {
    let bench = Bench::new();
    let (pool, _) = bench.with_user("ann").await;
    let units = users::TokenValidityUnitsType {
        access_token: text("minutes"),
        id_token: text("hours"),
        refresh_token: text("hours"),
    };
    let client = bench
        .client(&pool, |input| {
            input.token_validity_units = Some(units.clone());
            input.access_token_validity = Some(5);
            input.id_token_validity = Some(2);
            input.refresh_token_validity = Some(1);
        })
        .await;
    assert_eq!(client.token_validity_units, Some(units));
    let client = client.client_id.unwrap();
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    assert_eq!(tokens.expires_in, Some(300));
    let life = |token: &str| {
        let claims = bench.claims(token);
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
    };
    assert_eq!((life(&tokens.access_token.unwrap()), life(&tokens.id_token.unwrap())), (300, 7200));
    bench.clock.advance(Duration::from_secs(3601));
    assert!(refresh(&bench, &client, &tokens.refresh_token.unwrap()).await.is_err());
    let short = users::CreateUserPoolClientRequest {
        user_pool_id: text(&pool),
        client_name: text("short"),
        access_token_validity: Some(4),
        token_validity_units: Some(users::TokenValidityUnitsType {
            access_token: text("minutes"),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(
        said(bench.idp::<op::CreateUserPoolClient>(short).await),
        "InvalidParameterException: Invalid range for token validity."
    );
}

async fn exchange(
    bench: &Bench,
    client: &str,
    token: &str,
) -> Result<users::AuthenticationResultType, Fault> {
    let input = users::GetTokensFromRefreshTokenRequest {
        refresh_token: text(token),
        client_id: text(client),
        ..Default::default()
    };
    let answer = bench.open::<op::GetTokensFromRefreshToken>(input).await?;
    Ok(answer.authentication_result.unwrap())
}

#[tokio::test]
async fn a_rotated_refresh_token_that_comes_again_ends_the_sign_in() {
    let bench = Bench::new();
    let (pool, _) = bench.with_user("ann").await;
    let client = bench
        .client(&pool, |input| {
            input.explicit_auth_flows = Some(vec!["ALLOW_USER_PASSWORD_AUTH".to_owned()]);
            input.refresh_token_rotation = Some(users::RefreshTokenRotationType {
                feature: text("ENABLED"),
                retry_grace_period_seconds: Some(10),
            });
        })
        .await
        .client_id
        .unwrap();
    let first = bench.tokens(&client, "ann").await.unwrap().refresh_token.unwrap();
    assert!(refresh(&bench, &client, &first).await.is_err());
    let second = exchange(&bench, &client, &first).await.unwrap();
    let second_token = second.refresh_token.unwrap();
    assert_ne!(second_token, first);
    bench.clock.advance(Duration::from_secs(9));
    exchange(&bench, &client, &first).await.unwrap();
    bench.clock.advance(Duration::from_secs(5));
    assert!(said(exchange(&bench, &client, &first).await).starts_with("RefreshTokenReuseException"));
    assert_eq!(
        said(exchange(&bench, &client, &second_token).await),
        "NotAuthorizedException: Refresh Token has been revoked"
    );
}

#[tokio::test]
async fn without_rotation_the_exchange_keeps_the_refresh_token() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    let token = bench.tokens(&client, "ann").await.unwrap().refresh_token.unwrap();
    let tokens = exchange(&bench, &client, &token).await.unwrap();
    assert_eq!(tokens.refresh_token, None);
    exchange(&bench, &client, &token).await.unwrap();
}

#[tokio::test]
async fn administrators_sign_users_in() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let input = users::AdminInitiateAuthRequest {
        user_pool_id: text(&pool),
        client_id: text(&client),
        auth_flow: text("ADMIN_USER_PASSWORD_AUTH"),
        auth_parameters: Some(map(&[("USERNAME", "ann"), ("PASSWORD", crate::testing::PASSWORD)])),
        ..Default::default()
    };
    let tokens = bench.idp::<op::AdminInitiateAuth>(input).await.unwrap().authentication_result.unwrap();
    get_user(&bench, &tokens.access_token.unwrap()).await.unwrap();
}
