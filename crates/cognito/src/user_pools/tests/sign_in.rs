//! Sign-up, confirmation, and sign-in with a password in clear.

use crate::testing::{Bench, PASSWORD, map, said, text};
use crate::user_pools::shapes::{self as users, op};

#[tokio::test]
async fn a_user_signs_up_confirms_and_signs_in() {
    let bench = Bench::new();
    let pool = bench.pool(|_| {}).await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    let signed_up = bench.sign_up(&client, "ann", &[("email", "ann@example.org")]).await.unwrap();
    let details = signed_up.code_delivery_details.unwrap();
    assert_eq!(details.destination.as_deref(), Some("a***@e***"));
    assert_eq!(details.delivery_medium.as_deref(), Some("EMAIL"));
    assert_eq!(signed_up.user_confirmed, Some(false));
    let message = bench.outbox.0.lock().unwrap().last().cloned().unwrap();
    assert_eq!(message.to, "ann@example.org");
    assert_eq!(message.facts["user_pool_id"], pool);
    assert_eq!(message.facts["username"], "ann");
    assert_eq!(message.body, format!("Your confirmation code is {}", message.facts["code"]));

    let early = bench.tokens(&client, "ann").await;
    assert_eq!(said(early), "UserNotConfirmedException: User is not confirmed.");
    bench.confirm(&client, "ann").await.unwrap();
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    assert_eq!((tokens.expires_in, tokens.token_type.as_deref()), (Some(3600), Some("Bearer")));
    let access_token = tokens.access_token;
    let me = bench.open::<op::GetUser>(users::GetUserRequest { access_token }).await.unwrap();
    assert_eq!(me.username.as_deref(), Some("ann"));
    let me: Vec<(String, String)> =
        me.user_attributes.unwrap().into_iter().map(|a| (a.name.unwrap(), a.value.unwrap())).collect();
    let sub = signed_up.user_sub.unwrap();
    assert_eq!(
        me,
        [("sub", sub.as_str()), ("email", "ann@example.org"), ("email_verified", "true")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[tokio::test]
async fn names_that_are_taken_are_refused() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    let again = bench.sign_up(&client, "ann", &[]).await;
    assert_eq!(said(again), "UsernameExistsException: User already exists");
    bench.sign_up(&client, "Ann", &[]).await.unwrap();
}

#[tokio::test]
async fn case_does_not_matter_where_the_pool_says_so() {
    let bench = Bench::new();
    let pool = bench
        .pool(|input| {
            let case_sensitive = Some(false);
            input.username_configuration = Some(users::UsernameConfigurationType { case_sensitive });
        })
        .await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    bench.sign_up(&client, "Ann", &[("email", "ann@example.org")]).await.unwrap();
    bench.confirm(&client, "ANN").await.unwrap();
    assert!(bench.sign_up(&client, "ann", &[]).await.is_err());
    bench.tokens(&client, "aNN").await.unwrap();
}

#[tokio::test]
async fn an_address_takes_the_usernames_place() {
    let bench = Bench::new();
    let pool = bench.pool(|input| input.username_attributes = Some(vec!["email".to_owned()])).await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    let bad = bench.sign_up(&client, "ann", &[]).await;
    assert_eq!(said(bad), "InvalidParameterException: Username should be an email.");
    let sub = bench.sign_up(&client, "ann@example.org", &[]).await.unwrap().user_sub;
    bench.confirm(&client, "ann@example.org").await.unwrap();
    let again = bench.sign_up(&client, "ann@example.org", &[]).await;
    assert_eq!(said(again), "UsernameExistsException: An account with the given email already exists.");
    let tokens = bench.tokens(&client, "ann@example.org").await.unwrap();
    let claims = bench.claims(&tokens.id_token.unwrap());
    assert_eq!(claims["cognito:username"].as_str(), sub.as_deref());
    assert_eq!(claims["email"], "ann@example.org");
    bench.tokens(&client, &sub.unwrap()).await.unwrap();
}

#[tokio::test]
async fn an_alias_signs_in_once_it_is_verified() {
    let bench = Bench::new();
    let pool = bench.pool(|input| input.alias_attributes = Some(vec!["email".to_owned()])).await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    let form = bench.sign_up(&client, "ann@example.org", &[]).await;
    assert!(said(form).contains("Username cannot be of email format"));
    bench.sign_up(&client, "ann", &[("email", "ann@example.org")]).await.unwrap();
    assert_eq!(
        said(bench.tokens(&client, "ann@example.org").await),
        "UserNotFoundException: User does not exist."
    );
    bench.confirm(&client, "ann").await.unwrap();
    bench.tokens(&client, "ann@example.org").await.unwrap();

    bench.sign_up(&client, "bob", &[("email", "ann@example.org")]).await.unwrap();
    let code = bench.last_code();
    assert_eq!(
        said(bench.confirm_with(&client, "bob", &code).await),
        "AliasExistsException: An account with the email already exists."
    );
    let force = users::ConfirmSignUpRequest {
        client_id: text(&client),
        username: text("bob"),
        confirmation_code: Some(code),
        force_alias_creation: Some(true),
        ..Default::default()
    };
    bench.open::<op::ConfirmSignUp>(force).await.unwrap();
    let tokens = bench.tokens(&client, "ann@example.org").await.unwrap();
    assert_eq!(bench.claims(&tokens.id_token.unwrap())["cognito:username"], "bob");
}

#[tokio::test]
async fn a_client_with_a_secret_wants_its_hash() {
    let bench = Bench::new();
    let pool = bench.pool(|_| {}).await;
    let client = bench.client(&pool, |input| input.generate_secret = Some(true)).await;
    let (id, secret) = (client.client_id.unwrap(), client.client_secret.unwrap());
    assert!(!bench.stores(&secret));
    assert_eq!(
        said(bench.sign_up(&id, "ann", &[]).await),
        format!(
            "NotAuthorizedException: Client {id} is configured with secret but SECRET_HASH was not received"
        )
    );
    let hash = |name: &str| {
        crate::crypto::base64(&crate::crypto::hmac(secret.as_bytes(), &[name.as_bytes(), id.as_bytes()]))
    };
    let input = users::SignUpRequest {
        client_id: text(&id),
        username: text("ann"),
        password: text(PASSWORD),
        secret_hash: Some(hash("bob")),
        ..Default::default()
    };
    let wrong = bench.open::<op::SignUp>(input.clone()).await;
    assert_eq!(said(wrong), format!("NotAuthorizedException: Unable to verify secret hash for client {id}"));
    let right = users::SignUpRequest { secret_hash: Some(hash("ann")), ..input };
    bench.open::<op::SignUp>(right).await.unwrap();
    let confirm = users::AdminConfirmSignUpRequest {
        user_pool_id: text(&pool),
        username: text("ann"),
        ..Default::default()
    };
    bench.idp::<op::AdminConfirmSignUp>(confirm).await.unwrap();
    let parameters = [("USERNAME", "ann"), ("PASSWORD", PASSWORD), ("SECRET_HASH", &hash("ann"))];
    let tokens = bench.initiate(&id, "USER_PASSWORD_AUTH", &parameters).await.unwrap();
    let refresh = tokens.authentication_result.unwrap().refresh_token.unwrap();
    let without = bench.initiate(&id, "REFRESH_TOKEN_AUTH", &[("REFRESH_TOKEN", &refresh)]).await;
    assert!(said(without).contains("SECRET_HASH was not received"));
    let parameters = [("REFRESH_TOKEN", refresh.as_str()), ("SECRET_HASH", &hash("ann"))];
    bench.initiate(&id, "REFRESH_TOKEN_AUTH", &parameters).await.unwrap();
}

#[tokio::test]
async fn flows_that_a_client_does_not_allow_are_refused() {
    let bench = Bench::new();
    let pool = bench.pool(|_| {}).await;
    let client = bench.client(&pool, |input| input.explicit_auth_flows = None).await.client_id.unwrap();
    for (flow, text) in [
        (
            "USER_PASSWORD_AUTH",
            "InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client",
        ),
        ("ADMIN_NO_SRP_AUTH", "InvalidParameterException: Initiate Auth method not supported."),
        (
            "CUSTOM_AUTH",
            "NotImplemented: Nephos does not implement the cognito-idp authentication flow CUSTOM_AUTH.",
        ),
        ("USER_SRP_AUTH", "InvalidParameterException: Missing required parameter USERNAME"),
    ] {
        assert_eq!(said(bench.initiate(&client, flow, &[]).await), text);
    }
    let unknown = bench.initiate("nobody", "USER_SRP_AUTH", &[]).await;
    assert_eq!(said(unknown), "ResourceNotFoundException: User pool client nobody does not exist.");
    let input = users::AdminInitiateAuthRequest {
        user_pool_id: text(&pool),
        client_id: text(&client),
        auth_flow: text("ADMIN_USER_PASSWORD_AUTH"),
        auth_parameters: Some(map(&[("USERNAME", "ann"), ("PASSWORD", "x")])),
        ..Default::default()
    };
    let refused = bench.idp::<op::AdminInitiateAuth>(input).await;
    assert_eq!(said(refused), "InvalidParameterException: Auth flow not enabled for this client");
}

#[tokio::test]
async fn sign_up_is_closed_where_only_administrators_make_users() {
    let bench = Bench::new();
    let pool = bench
        .pool(|input| {
            input.admin_create_user_config = Some(users::AdminCreateUserConfigType {
                allow_admin_create_user_only: Some(true),
                ..Default::default()
            });
        })
        .await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    assert_eq!(
        said(bench.sign_up(&client, "ann", &[]).await),
        "NotAuthorizedException: SignUp is not permitted for this user pool"
    );
}
