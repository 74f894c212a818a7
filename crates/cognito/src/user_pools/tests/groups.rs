//! Groups, and what they put into tokens.

use serde_json::json;

use crate::testing::{Bench, said, text};
use crate::user_pools::shapes::{self as users, op};

async fn group(bench: &Bench, pool: &str, name: &str, role: &str, precedence: i32) {
    let input = users::CreateGroupRequest {
        user_pool_id: text(pool),
        group_name: text(name),
        role_arn: Some(format!("arn:aws:iam::111122223333:role/{role}")),
        precedence: Some(precedence),
        ..Default::default()
    };
    bench.idp::<op::CreateGroup>(input).await.unwrap();
}

async fn join(bench: &Bench, pool: &str, name: &str) {
    let input = users::AdminAddUserToGroupRequest {
        user_pool_id: text(pool),
        username: text("ann"),
        group_name: text(name),
    };
    bench.idp::<op::AdminAddUserToGroup>(input).await.unwrap();
}

#[tokio::test]
async fn groups_and_their_roles_are_claims() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    group(&bench, &pool, "writers", "writer", 5).await;
    group(&bench, &pool, "admins", "admin", 1).await;
    join(&bench, &pool, "writers").await;
    join(&bench, &pool, "admins").await;
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    let id = bench.claims(&tokens.id_token.unwrap());
    assert_eq!(id["cognito:groups"], json!(["admins", "writers"]));
    let roles = ["admin", "writer"].map(|role| format!("arn:aws:iam::111122223333:role/{role}"));
    assert_eq!(id["cognito:roles"], json!(roles));
    assert_eq!(id["cognito:preferred_role"], json!(roles[0]));
    let access = bench.claims(&tokens.access_token.unwrap());
    assert_eq!(access["cognito:groups"], id["cognito:groups"]);
    assert!(access.get("cognito:roles").is_none());
}

#[tokio::test]
async fn groups_are_made_listed_changed_and_deleted() {
    let bench = Bench::new();
    let (pool, client) = bench.with_user("ann").await;
    group(&bench, &pool, "admins", "admin", 1).await;
    group(&bench, &pool, "writers", "writer", 2).await;
    let again = users::CreateGroupRequest {
        user_pool_id: text(&pool),
        group_name: text("admins"),
        ..Default::default()
    };
    assert_eq!(
        said(bench.idp::<op::CreateGroup>(again).await),
        "GroupExistsException: A group with the name already exists."
    );
    join(&bench, &pool, "admins").await;
    join(&bench, &pool, "writers").await;
    let of_ann = users::AdminListGroupsForUserRequest {
        user_pool_id: text(&pool),
        username: text("ann"),
        limit: Some(1),
        ..Default::default()
    };
    let page = bench.idp::<op::AdminListGroupsForUser>(of_ann.clone()).await.unwrap();
    assert_eq!(page.groups.unwrap()[0].group_name.as_deref(), Some("admins"));
    let rest = users::AdminListGroupsForUserRequest { next_token: page.next_token, ..of_ann.clone() };
    let rest = bench.idp::<op::AdminListGroupsForUser>(rest).await.unwrap();
    assert_eq!(rest.groups.unwrap()[0].group_name.as_deref(), Some("writers"));
    assert_eq!(rest.next_token, None);
    let members = users::ListUsersInGroupRequest {
        user_pool_id: text(&pool),
        group_name: text("admins"),
        ..Default::default()
    };
    let listed = bench.idp::<op::ListUsersInGroup>(members.clone()).await.unwrap().users.unwrap();
    assert_eq!(listed[0].username.as_deref(), Some("ann"));

    let update = users::UpdateGroupRequest {
        user_pool_id: text(&pool),
        group_name: text("admins"),
        description: text("all of them"),
        ..Default::default()
    };
    let updated = bench.idp::<op::UpdateGroup>(update).await.unwrap().group.unwrap();
    assert_eq!((updated.description.as_deref(), updated.precedence), (Some("all of them"), Some(1)));

    let remove = users::AdminRemoveUserFromGroupRequest {
        user_pool_id: text(&pool),
        username: text("ann"),
        group_name: text("writers"),
    };
    bench.idp::<op::AdminRemoveUserFromGroup>(remove).await.unwrap();
    let delete = users::DeleteGroupRequest { user_pool_id: text(&pool), group_name: text("admins") };
    bench.idp::<op::DeleteGroup>(delete).await.unwrap();
    assert_eq!(
        said(bench.idp::<op::ListUsersInGroup>(members).await),
        "ResourceNotFoundException: Group not found."
    );
    let left = bench.idp::<op::AdminListGroupsForUser>(of_ann).await.unwrap();
    assert_eq!(left.groups.unwrap(), []);
    let tokens = bench.tokens(&client, "ann").await.unwrap();
    assert!(bench.claims(&tokens.id_token.unwrap()).get("cognito:groups").is_none());
    let all = users::ListGroupsRequest { user_pool_id: text(&pool), ..Default::default() };
    assert_eq!(bench.idp::<op::ListGroups>(all).await.unwrap().groups.unwrap().len(), 1);
}
