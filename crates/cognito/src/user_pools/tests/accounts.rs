//! Users and their own account, and what other callers may not do.

use nephos_core::AccountId;

use crate::testing::{ACCOUNT, Bench, PASSWORD, call, said, text};
use crate::user_pools::shapes::{self as users, op};

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    let access_token = bench.tokens(&client, "ann").await.unwrap().access_token;
    let change = |previous: &str, proposed: &str| {
        let input = users::ChangePasswordRequest {
            previous_password: text(previous),
            proposed_password: text(proposed),
            access_token: access_token.clone(),
        };
        bench.open::<op::ChangePassword>(input)
    };
    assert_eq!(
        said(change("wrong", "N3w!passw").await),
        "NotAuthorizedException: Incorrect username or password."
    );
    assert_eq!(
        said(change(PASSWORD, "short").await),
        "InvalidPasswordException: Password did not conform with policy: Password not long enough"
    );
    change(PASSWORD, "N3w!passw").await.unwrap();
    bench.password(&client, "ann", "N3w!passw").await.unwrap();
    for _ in 0..2 {
        assert!(change("wrong", "N3w!passw").await.is_err());
    }
    assert_eq!(
        said(change("N3w!passw", PASSWORD).await),
        "LimitExceededException: Attempt limit exceeded, please try after some time."
    );
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_everything() {
    let bench = Bench::new();
    let pool = bench.pool(|input| input.username_attributes = Some(vec!["email".to_owned()])).await;
    let client = bench.client(&pool, |_| {}).await.client_id.unwrap();
    let mail = "ann@example.org";
    bench.sign_up(&client, mail, &[]).await.unwrap();
    bench.confirm(&client, mail).await.unwrap();
    let tokens = bench.tokens(&client, mail).await.unwrap();
    let delete = users::DeleteUserRequest { access_token: tokens.access_token.clone() };
    bench.open::<op::DeleteUser>(delete.clone()).await.unwrap();
    assert_eq!(
        said(bench.open::<op::DeleteUser>(delete).await),
        "UserNotFoundException: User does not exist."
    );
    assert_eq!(said(bench.tokens(&client, mail).await), "UserNotFoundException: User does not exist.");
    assert!(!bench.stores(mail));
    bench.sign_up(&client, mail, &[]).await.unwrap();
    bench.confirm(&client, mail).await.unwrap();
    let access_token = tokens.access_token;
    let stale = bench.open::<op::GetUser>(users::GetUserRequest { access_token }).await;
    assert_eq!(said(stale), "UserNotFoundException: User does not exist.");
}

#[tokio::test]
async fn administrators_need_credentials_and_the_permission() {
    let bench = Bench::new();
    let (pool, _) = bench.with_user("ann").await;
    let input = users::AdminGetUserRequest { user_pool_id: text(&pool), username: text("ann") };
    bench.iam.asked.lock().unwrap().clear();
    bench.idp::<op::AdminGetUser>(input.clone()).await.unwrap();
    let asked = bench.iam.asked.lock().unwrap().pop().unwrap();
    assert_eq!(asked.action, "cognito-idp:AdminGetUser");
    assert_eq!(asked.resource, format!("arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{pool}"));
    assert_eq!(asked.owner, ACCOUNT.parse::<AccountId>().ok());

    bench.iam.denied.lock().unwrap().insert("cognito-idp:AdminGetUser");
    assert!(said(bench.idp::<op::AdminGetUser>(input).await).contains("cognito-idp:AdminGetUser"));
}

#[tokio::test]
async fn calls_without_credentials_ask_iam_nothing() {
    let bench = Bench::new();
    let (_, client) = bench.with_user("ann").await;
    bench.iam.asked.lock().unwrap().clear();
    bench.tokens(&client, "ann").await.unwrap();
    assert!(bench.iam.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn another_account_or_region_has_other_pools() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    let pools = &*bench.cognito.user_pools;
    for cx in [bench.admin_of("999900001111", "us-east-1"), bench.admin_of(ACCOUNT, "eu-west-1")] {
        let missing = format!("ResourceNotFoundException: User pool {pool} does not exist.");
        let describe = users::DescribeUserPoolRequest { user_pool_id: text(&pool) };
        assert_eq!(said(call::<op::DescribeUserPool>(pools, &cx, describe).await), missing);
        let delete = users::DeleteUserPoolRequest { user_pool_id: text(&pool) };
        assert_eq!(said(call::<op::DeleteUserPool>(pools, &cx, delete).await), missing);
        let get = users::AdminGetUserRequest { user_pool_id: text(&pool), username: text("ann") };
        assert_eq!(said(call::<op::AdminGetUser>(pools, &cx, get).await), missing);
        let list = users::ListUserPoolsRequest { max_results: Some(10), ..Default::default() };
        let listed = call::<op::ListUserPools>(pools, &cx, list).await.unwrap();
        assert_eq!(listed.user_pools.unwrap(), []);
        let tags = users::ListTagsForResourceRequest {
            resource_arn: Some(format!("arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/{pool}")),
        };
        assert_eq!(said(call::<op::ListTagsForResource>(pools, &cx, tags).await), missing);
    }
    // Calls without credentials name a client, and find it from anywhere.
    bench.tokens(&client, "ann").await.unwrap();
}
