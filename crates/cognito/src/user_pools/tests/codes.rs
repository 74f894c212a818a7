//! Codes: wrong, late, used up, limited, and never stored readable.

use std::time::Duration;

use crate::testing::{Bench, PASSWORD, said, text};
use crate::user_pools::shapes::{self as users, op};

const MISMATCH: &str = "CodeMismatchException: Invalid verification code provided, please try again.";
const VOID: &str = "ExpiredCodeException: Invalid code provided, please request a code again.";
const LIMIT: &str = "LimitExceededException: Attempt limit exceeded, please try after some time.";

async fn unconfirmed(bench: &Bench) -> (String, String) {
    let pool = bench.pool(|_| {}).await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    bench.sign_up(&client, "ann", &[("email", "ann@example.org")]).await.unwrap();
    (pool, client)
}

fn other(code: &str) -> String {
    if code == "000000" { "000001" } else { "000000" }.to_owned()
}

async fn resend(
    bench: &Bench,
    client: &str,
    name: &str,
) -> Result<users::CodeDeliveryDetailsType, nephos_core::Fault> {
    let input = users::ResendConfirmationCodeRequest {
        client_id: text(client),
        username: text(name),
        ..Default::default()
    };
    bench.open::<op::ResendConfirmationCode>(input).await.map(|out| out.code_delivery_details.unwrap())
}

#[tokio::test]
async fn a_wrong_code_is_refused_and_the_right_one_works_once() {
    let bench = Bench::new();
    let (_, client) = unconfirmed(&bench).await;
    let code = bench.last_code();
    assert!(!bench.stores(&code));
    assert_eq!(said(bench.confirm_with(&client, "ann", &other(&code)).await), MISMATCH);
    bench.confirm_with(&client, "ann", &code).await.unwrap();
    assert_eq!(
        said(bench.confirm_with(&client, "ann", &code).await),
        "NotAuthorizedException: User cannot be confirmed. Current status is CONFIRMED"
    );
}

#[tokio::test]
async fn a_code_ends_after_a_day_and_a_new_one_can_be_asked_for() {
    let bench = Bench::new();
    let (_, client) = unconfirmed(&bench).await;
    let code = bench.last_code();
    bench.clock.advance(Duration::from_secs(86_401));
    assert_eq!(said(bench.confirm_with(&client, "ann", &code).await), VOID);
    let details = resend(&bench, &client, "ann").await.unwrap();
    assert_eq!(details.destination.as_deref(), Some("a***@e***"));
    if bench.last_code() != code {
        assert_eq!(said(bench.confirm_with(&client, "ann", &code).await), MISMATCH);
    }
    bench.confirm(&client, "ann").await.unwrap();
    assert_eq!(
        said(resend(&bench, &client, "ann").await),
        "InvalidParameterException: User is already confirmed."
    );
}

#[tokio::test]
async fn guesses_are_limited_by_the_hour_and_by_the_code() {
    let bench = Bench::new();
    let (_, client) = unconfirmed(&bench).await;
    let code = bench.last_code();
    for _ in 0..15 {
        assert_eq!(said(bench.confirm_with(&client, "ann", &other(&code)).await), MISMATCH);
    }
    assert_eq!(said(bench.confirm_with(&client, "ann", &code).await), LIMIT);
    bench.clock.advance(Duration::from_secs(3601));
    assert_eq!(said(bench.confirm_with(&client, "ann", &code).await), VOID);
}

#[tokio::test]
async fn the_code_of_a_deleted_user_takes_no_later_one_along() {
    let bench = Bench::new();
    let (pool, client) = unconfirmed(&bench).await;
    bench.clock.advance(Duration::from_secs(80_000));
    let delete = users::AdminDeleteUserRequest { user_pool_id: text(&pool), username: text("ann") };
    bench.idp::<op::AdminDeleteUser>(delete).await.unwrap();
    bench.sign_up(&client, "ann", &[("email", "ann@example.org")]).await.unwrap();
    bench.clock.advance(Duration::from_secs(10_000));
    bench.cognito.sweep(bench.clock.now()).await.unwrap();
    bench.confirm(&client, "ann").await.unwrap();
}

#[tokio::test]
async fn messages_are_limited_by_the_hour() {
    let bench = Bench::new();
    let (_, client) = unconfirmed(&bench).await;
    for _ in 0..5 {
        resend(&bench, &client, "ann").await.unwrap();
    }
    assert_eq!(said(resend(&bench, &client, "ann").await), LIMIT);
    assert_eq!(bench.sent(), 6);
}

async fn forgot(
    bench: &Bench,
    client: &str,
    name: &str,
) -> Result<users::CodeDeliveryDetailsType, nephos_core::Fault> {
    let input =
        users::ForgotPasswordRequest { client_id: text(client), username: text(name), ..Default::default() };
    bench.open::<op::ForgotPassword>(input).await.map(|out| out.code_delivery_details.unwrap())
}

async fn confirm_forgot(
    bench: &Bench,
    client: &str,
    name: &str,
    code: &str,
) -> Result<(), nephos_core::Fault> {
    let input = users::ConfirmForgotPasswordRequest {
        client_id: text(client),
        username: text(name),
        confirmation_code: text(code),
        password: text("N3w!passw"),
        ..Default::default()
    };
    bench.open::<op::ConfirmForgotPassword>(input).await.map(drop)
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_with_a_code() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    assert_eq!(said(confirm_forgot(&bench, &client, "ann", "123456").await), VOID);
    assert_eq!(forgot(&bench, &client, "ann").await.unwrap().attribute_name.as_deref(), Some("email"));
    let code = bench.last_code();
    assert_eq!(said(confirm_forgot(&bench, &client, "ann", &other(&code)).await), MISMATCH);
    confirm_forgot(&bench, &client, "ann", &code).await.unwrap();
    assert!(bench.tokens(&client, "ann").await.is_err());
    bench.password(&client, "ann", "N3w!passw").await.unwrap();
    assert!(!bench.stores("N3w!passw") && !bench.stores(PASSWORD));
    assert_eq!(
        said(forgot(&bench, &client, "nobody").await),
        "UserNotFoundException: Username/client id combination not found."
    );
}

#[tokio::test]
async fn recovery_codes_end_after_an_hour() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    forgot(&bench, &client, "ann").await.unwrap();
    bench.clock.advance(Duration::from_secs(3601));
    assert_eq!(said(confirm_forgot(&bench, &client, "ann", &bench.last_code()).await), VOID);
}

#[tokio::test]
async fn without_a_verified_contact_there_is_no_recovery() {
    let bench = Bench::new();
    let (pool, client) = unconfirmed(&bench).await;
    let confirm = users::AdminConfirmSignUpRequest {
        user_pool_id: text(&pool),
        username: text("ann"),
        ..Default::default()
    };
    bench.idp::<op::AdminConfirmSignUp>(confirm).await.unwrap();
    assert_eq!(
        said(forgot(&bench, &client, "ann").await),
        "InvalidParameterException: Cannot reset password for the user as there is no registered/verified email or phone_number"
    );
}

#[tokio::test]
async fn a_client_that_hides_who_exists_simulates_deliveries() {
    let bench = Bench::new();
    let (pool, _) = bench.with_user("ann").await;
    let hide = |input: &mut users::CreateUserPoolClientRequest| {
        input.prevent_user_existence_errors = text("ENABLED");
    };
    let client = bench.client(&pool, hide).await.client_id.unwrap();
    let sent = bench.sent();
    let (one, two) =
        (forgot(&bench, &client, "nobody").await.unwrap(), forgot(&bench, &client, "nobody").await.unwrap());
    assert_eq!(one, two);
    assert_eq!(one.delivery_medium.as_deref(), Some("EMAIL"));
    let mail = forgot(&bench, &client, "x@y.example").await.unwrap();
    assert_eq!(mail.destination.as_deref(), Some("x***@y***"));
    let phone = forgot(&bench, &client, "+15555550100").await.unwrap();
    assert_eq!(phone.delivery_medium.as_deref(), Some("SMS"));
    assert_eq!(resend(&bench, &client, "nobody").await.unwrap(), one);
    assert_eq!(resend(&bench, &client, "ann").await.unwrap().delivery_medium.as_deref(), Some("EMAIL"));
    assert_eq!(bench.sent(), sent);

    assert_eq!(said(confirm_forgot(&bench, &client, "nobody", "123456").await), MISMATCH);
    assert_eq!(said(confirm_forgot(&bench, &client, "stranger", "123456").await), VOID);
    forgot(&bench, &client, "ann").await.unwrap();
    let wrong = other(&bench.last_code());
    assert_eq!(said(confirm_forgot(&bench, &client, "ann", &wrong).await), MISMATCH);
    assert_eq!(said(bench.confirm_with(&client, "nobody", "123456").await), VOID);
}
