//! What survives a restart: users, sign-ins, tokens, keys.

use nephos_store::{Options, Store};

use crate::testing::{Bench, said, text};
use crate::user_pools::shapes::{self as users, op};

#[tokio::test]
async fn tokens_and_refresh_tokens_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench::over(Store::open(folder.path(), Options::default()).unwrap());
    let (pool, client) = bench.with_user("ann").await;
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    let revoked = bench.tokens(&client, "ann").await.unwrap();
    let revoke = users::RevokeTokenRequest {
        token: revoked.refresh_token.clone(),
        client_id: text(&client),
        client_secret: None,
    };
    bench.open::<op::RevokeToken>(revoke).await.unwrap();
    let keys = bench.cognito.user_pools.well_known(&bench.admin().origin, &pool, "jwks.json").unwrap();
    for _ in 0..5 {
        assert!(bench.password(&client, "ann", "wrong").await.is_err());
    }
    drop(bench);

    let bench = Bench::over(Store::open(folder.path(), Options::default()).unwrap());
    assert_eq!(
        said(bench.tokens(&client, "ann").await),
        "NotAuthorizedException: Password attempts exceeded"
    );
    assert_eq!(bench.cognito.user_pools.well_known(&bench.admin().origin, &pool, "jwks.json").unwrap(), keys);
    let access_token = tokens.access_token;
    bench.open::<op::GetUser>(users::GetUserRequest { access_token }).await.unwrap();
    let parameters = [("REFRESH_TOKEN", tokens.refresh_token.as_deref().unwrap())];
    let renewed = bench.initiate(&client, "REFRESH_TOKEN_AUTH", &parameters).await.unwrap();
    let access_token = renewed.authentication_result.unwrap().access_token;
    bench.open::<op::GetUser>(users::GetUserRequest { access_token }).await.unwrap();
    let parameters = [("REFRESH_TOKEN", revoked.refresh_token.as_deref().unwrap())];
    assert!(bench.initiate(&client, "REFRESH_TOKEN_AUTH", &parameters).await.is_err());
    bench.clock.advance(std::time::Duration::from_secs(5));
    bench.tokens(&client, "ann").await.unwrap();
}
