//! Users that administrators invite, and the challenge of a first password.

use std::time::Duration;

use nephos_core::Fault;
use serde_json::Value;

use crate::testing::{Bench, PASSWORD, attributes, map, said, text};
use crate::user_pools::shapes::{self as users, op};

async fn invite(
    bench: &Bench,
    pool: &str,
    change: impl FnOnce(&mut users::AdminCreateUserRequest),
) -> Result<users::UserType, Fault> {
    let mut input = users::AdminCreateUserRequest {
        user_pool_id: text(pool),
        username: text("ann"),
        user_attributes: Some(attributes(&[("email", "ann@example.org"), ("email_verified", "true")])),
        desired_delivery_mediums: Some(vec!["EMAIL".to_owned()]),
        ..Default::default()
    };
    change(&mut input);
    bench.idp::<op::AdminCreateUser>(input).await.map(|out| out.user.unwrap())
}

async fn answer(
    bench: &Bench,
    client: &str,
    session: &str,
    responses: &[(&str, &str)],
) -> Result<users::RespondToAuthChallengeResponse, Fault> {
    let input = users::RespondToAuthChallengeRequest {
        client_id: text(client),
        challenge_name: text("NEW_PASSWORD_REQUIRED"),
        session: text(session),
        challenge_responses: Some(map(responses)),
        ..Default::default()
    };
    bench.open::<op::RespondToAuthChallenge>(input).await
}

#[tokio::test]
async fn an_invited_user_sets_a_password_at_the_first_sign_in() {
    let bench = Bench::new();
    let name = users::SchemaAttributeType { name: text("name"), required: Some(true), ..Default::default() };
    let pool = bench.pool(|input| input.schema = Some(vec![name])).await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    let user = invite(&bench, &pool, |_| {}).await.unwrap();
    assert_eq!(user.user_status.as_deref(), Some("FORCE_CHANGE_PASSWORD"));
    let temporary = bench.last_code();
    let message = bench.outbox.0.lock().unwrap().last().cloned().unwrap();
    assert_eq!(message.subject, "Your temporary password");
    assert_eq!(message.body, format!("Your username is ann and temporary password is {temporary}."));
    assert!(!bench.stores(&temporary));

    let step = bench.password(&client, "ann", &temporary).await.unwrap();
    assert_eq!(step.challenge_name.as_deref(), Some("NEW_PASSWORD_REQUIRED"));
    let session = step.session.unwrap();
    assert!((20..=2048).contains(&session.len()));
    let parameters = step.challenge_parameters.unwrap();
    assert_eq!(parameters["USER_ID_FOR_SRP"], "ann");
    assert_eq!(parameters["requiredAttributes"], r#"["userAttributes.name"]"#);
    let shown: Value = serde_json::from_str(&parameters["userAttributes"]).unwrap();
    assert_eq!(shown["email"], "ann@example.org");

    let weak = answer(&bench, &client, &session, &[("USERNAME", "ann"), ("NEW_PASSWORD", "short")]).await;
    assert!(said(weak).starts_with("InvalidPasswordException"));
    let good = [("USERNAME", "ann"), ("NEW_PASSWORD", PASSWORD)];
    assert_eq!(
        said(answer(&bench, &client, &session, &good).await),
        "InvalidParameterException: Attributes did not conform to the schema: name: The attribute is required\n"
    );
    let good = [("USERNAME", "ann"), ("NEW_PASSWORD", PASSWORD), ("userAttributes.name", "Ann")];
    let done = answer(&bench, &client, &session, &good).await.unwrap();
    let claims = bench.claims(&done.authentication_result.unwrap().id_token.unwrap());
    assert_eq!(claims["name"], "Ann");
    let again = [("USERNAME", "ann"), ("NEW_PASSWORD", PASSWORD)];
    assert_eq!(
        said(answer(&bench, &client, &session, &again).await),
        "NotAuthorizedException: Invalid session for the user, session can only be used once."
    );
    bench.tokens(&client, "ann").await.unwrap();
    assert!(bench.password(&client, "ann", &temporary).await.is_err());
}

#[tokio::test]
async fn sessions_are_of_their_client_and_end() {
    let bench = Bench::new();
    let pool = bench.pool(|_| {}).await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    let other = bench.client(&pool, |_| {}).await.client_id.unwrap();
    invite(&bench, &pool, |input| input.temporary_password = text("T3mp!pass")).await.unwrap();
    let step = bench.password(&client, "ann", "T3mp!pass").await.unwrap();
    let session = step.session.unwrap();
    let good = [("USERNAME", "ann"), ("NEW_PASSWORD", PASSWORD)];
    let invalid = "NotAuthorizedException: Invalid session for the user.";
    assert_eq!(said(answer(&bench, &other, &session, &good).await), invalid);
    assert_eq!(said(answer(&bench, &client, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &good).await), invalid);
    bench.clock.advance(Duration::from_secs(181));
    assert_eq!(
        said(answer(&bench, &client, &session, &good).await),
        "NotAuthorizedException: Invalid session for the user, session is expired."
    );
}

#[tokio::test]
async fn a_temporary_password_ends_and_can_be_sent_again() {
    let bench = Bench::new();
    let pool = bench.pool(|_| {}).await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    invite(&bench, &pool, |_| {}).await.unwrap();
    let first = bench.last_code();
    bench.clock.advance(Duration::from_secs(7 * 86_400 + 1));
    assert_eq!(
        said(bench.password(&client, "ann", &first).await),
        "NotAuthorizedException: Temporary password has expired and must be reset by an administrator."
    );
    invite(&bench, &pool, |input| input.message_action = text("RESEND")).await.unwrap();
    assert_ne!(bench.last_code(), first);
    bench.password(&client, "ann", &bench.last_code()).await.unwrap();
    assert_eq!(
        said(invite(&bench, &pool, |_| {}).await),
        "UsernameExistsException: User account already exists"
    );
    let unknown = invite(&bench, &pool, |input| {
        input.username = text("bob");
        input.message_action = text("RESEND");
    });
    assert_eq!(said(unknown.await), "UserNotFoundException: User does not exist.");
}

#[tokio::test]
async fn an_invitation_can_be_silent() {
    let bench = Bench::new();
    let pool = bench.pool(|_| {}).await;
    invite(&bench, &pool, |input| input.message_action = text("SUPPRESS")).await.unwrap();
    assert_eq!(bench.sent(), 0);
}

#[tokio::test]
async fn a_disabled_user_can_do_nothing_until_enabled() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    let (user_pool_id, username) = (text(&pool), text("ann"));
    let disable = users::AdminDisableUserRequest { user_pool_id, username };
    bench.idp::<op::AdminDisableUser>(disable).await.unwrap();
    assert_eq!(said(bench.tokens(&client, "ann").await), "NotAuthorizedException: User is disabled.");
    let access_token = tokens.access_token;
    let get = bench.open::<op::GetUser>(users::GetUserRequest { access_token }).await;
    assert_eq!(said(get), "NotAuthorizedException: User is disabled.");
    let refresh = tokens.refresh_token.unwrap();
    let refreshed = bench.initiate(&client, "REFRESH_TOKEN_AUTH", &[("REFRESH_TOKEN", &refresh)]).await;
    assert_eq!(said(refreshed), "NotAuthorizedException: User is disabled.");
    let enable = users::AdminEnableUserRequest { user_pool_id: text(&pool), username: text("ann") };
    bench.idp::<op::AdminEnableUser>(enable).await.unwrap();
    bench.tokens(&client, "ann").await.unwrap();
    let refreshed = bench.initiate(&client, "REFRESH_TOKEN_AUTH", &[("REFRESH_TOKEN", &refresh)]).await;
    assert_eq!(said(refreshed), "NotAuthorizedException: Refresh Token has been revoked");
}

#[tokio::test]
async fn a_reset_password_must_be_recovered() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let input = users::AdminResetUserPasswordRequest {
        user_pool_id: text(&pool),
        username: text("ann"),
        ..Default::default()
    };
    bench.idp::<op::AdminResetUserPassword>(input).await.unwrap();
    assert_eq!(
        said(bench.tokens(&client, "ann").await),
        "PasswordResetRequiredException: Password reset required for the user"
    );
    let confirm = users::ConfirmForgotPasswordRequest {
        client_id: text(&client),
        username: text("ann"),
        confirmation_code: Some(bench.last_code()),
        password: text("N3w!passw"),
        ..Default::default()
    };
    bench.open::<op::ConfirmForgotPassword>(confirm).await.unwrap();
    bench.password(&client, "ann", "N3w!passw").await.unwrap();
}

#[tokio::test]
async fn users_are_listed_and_filtered() {
    let bench = Bench::new();
    let pool = bench.pool(|_| {}).await;
    for name in ["ann", "bob", "cem", "dan", "eve"] {
        let mail = format!("{name}@example.org");
        invite(&bench, &pool, |input| {
            input.username = text(name);
            input.user_attributes = Some(attributes(&[("email", &mail)]));
            input.message_action = text("SUPPRESS");
        })
        .await
        .unwrap();
    }
    let list = |filter: Option<&str>, limit: Option<i32>, token: Option<String>| {
        let input = users::ListUsersRequest {
            user_pool_id: text(&pool),
            filter: filter.map(str::to_owned),
            limit,
            pagination_token: token,
            attributes_to_get: Some(vec!["email".to_owned()]),
        };
        bench.idp::<op::ListUsers>(input)
    };
    let names = |out: &users::ListUsersResponse| -> Vec<String> {
        out.users.iter().flatten().map(|user| user.username.clone().unwrap()).collect()
    };
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let page = list(None, Some(2), token).await.unwrap();
        assert!(names(&page).len() <= 2);
        seen.extend(names(&page));
        token = page.pagination_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["ann", "bob", "cem", "dan", "eve"]);
    let found = list(Some(r#"email ^= "c""#), None, None).await.unwrap();
    assert_eq!(names(&found), ["cem"]);
    let shown = found.users.unwrap().remove(0).attributes.unwrap();
    assert_eq!(shown, attributes(&[("email", "cem@example.org")]));
    let found = list(Some(r#"username = "eve""#), None, None).await.unwrap();
    assert_eq!(names(&found), ["eve"]);
    let found = list(Some(r#"cognito:user_status = "CONFIRMED""#), None, None).await.unwrap();
    assert_eq!(names(&found), Vec::<String>::new());
    assert!(said(list(Some("nonsense"), None, None).await).starts_with("InvalidParameterException"));
    assert!(said(list(None, None, text("?")).await).starts_with("InvalidParameterException"));
}
