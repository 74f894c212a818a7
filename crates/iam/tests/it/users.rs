//! Users and groups.

use nephos_iam::shapes::*;

use crate::world::*;

async fn create(world: &World, name: &str) -> User {
    let input = CreateUserRequest { user_name: s(name), ..Default::default() };
    world.iam::<op::CreateUser>(&world.root(), input).await.unwrap().user.unwrap()
}

#[tokio::test]
async fn a_user_is_made_read_renamed_and_deleted() {
    let world = World::new().await;
    let root = world.root();
    let tags = Some(vec![Tag { key: s("team"), value: s("a") }]);
    let input = CreateUserRequest { user_name: s("Ada"), path: s("/eng/"), tags, ..Default::default() };
    let made = world.iam::<op::CreateUser>(&root, input.clone()).await.unwrap().user.unwrap();
    assert_eq!(made.arn, s("arn:aws:iam::111111111111:user/eng/Ada"));
    assert!(made.user_id.as_ref().unwrap().starts_with("AIDA") && made.user_id.as_ref().unwrap().len() == 21);
    let again = CreateUserRequest { user_name: s("aDA"), ..Default::default() };
    assert_eq!(
        fault(world.iam::<op::CreateUser>(&root, again).await),
        ("EntityAlreadyExists".into(), "User with name aDA already exists.".into())
    );
    let get = |name: &str| GetUserRequest { user_name: s(name) };
    let read = world.iam::<op::GetUser>(&root, get("Ada")).await.unwrap().user.unwrap();
    assert_eq!(read, made);
    assert_eq!(
        fault(world.iam::<op::GetUser>(&root, get("ada")).await),
        ("NoSuchEntity".into(), "The user with name ada cannot be found.".into())
    );
    let rename = UpdateUserRequest { user_name: s("Ada"), new_user_name: s("Lovelace"), new_path: s("/") };
    world.iam::<op::UpdateUser>(&root, rename).await.unwrap();
    let read = world.iam::<op::GetUser>(&root, get("Lovelace")).await.unwrap().user.unwrap();
    assert_eq!((read.user_id, read.arn), (made.user_id, s("arn:aws:iam::111111111111:user/Lovelace")));
    world.iam::<op::DeleteUser>(&root, DeleteUserRequest { user_name: s("Lovelace") }).await.unwrap();
    assert_eq!(fault(world.iam::<op::GetUser>(&root, get("Lovelace")).await).0, "NoSuchEntity");
}

#[tokio::test]
async fn accounts_are_apart() {
    let world = World::new().await;
    create(&world, "ada").await;
    let there = world.root_of(THERE);
    let get = GetUserRequest { user_name: s("ada") };
    assert_eq!(fault(world.iam::<op::GetUser>(&there, get).await).0, "NoSuchEntity");
    let listed = world.iam::<op::ListUsers>(&there, ListUsersRequest::default()).await.unwrap();
    assert_eq!(listed.users, Some(vec![]));
}

#[tokio::test]
async fn users_are_listed_by_page_and_path() {
    let world = World::new().await;
    let root = world.root();
    for n in 0..7 {
        let path = if n % 2 == 0 { "/even/" } else { "/" };
        let input = CreateUserRequest { user_name: s(&format!("u{n}")), path: s(path), ..Default::default() };
        world.iam::<op::CreateUser>(&root, input).await.unwrap();
    }
    let (mut names, mut marker) = (Vec::new(), None);
    loop {
        let input = ListUsersRequest { max_items: Some(3), marker, ..Default::default() };
        let page = world.iam::<op::ListUsers>(&root, input).await.unwrap();
        names.extend(page.users.unwrap().into_iter().map(|user| user.user_name.unwrap()));
        marker = page.marker;
        assert_eq!(page.is_truncated, Some(marker.is_some()));
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(names, ["u0", "u1", "u2", "u3", "u4", "u5", "u6"]);
    let even = ListUsersRequest { path_prefix: s("/even/"), max_items: Some(4), ..Default::default() };
    let page = world.iam::<op::ListUsers>(&root, even).await.unwrap();
    assert_eq!((page.users.unwrap().len(), page.is_truncated), (4, Some(false)));
    let bad = ListUsersRequest { marker: s("%"), ..Default::default() };
    assert_eq!(fault(world.iam::<op::ListUsers>(&root, bad).await).0, "ValidationError");
}

#[tokio::test]
async fn a_user_is_not_deleted_while_something_hangs_on_it() {
    let world = World::new().await;
    let root = world.root();
    create(&world, "ada").await;
    let delete = || DeleteUserRequest { user_name: s("ada") };
    let refused = || async { fault(world.iam::<op::DeleteUser>(&root, delete()).await).1 };

    let arn = s("arn:aws:iam::aws:policy/ReadOnlyAccess");
    let attach = AttachUserPolicyRequest { user_name: s("ada"), policy_arn: arn.clone() };
    world.iam::<op::AttachUserPolicy>(&root, attach).await.unwrap();
    assert_eq!(refused().await, "Cannot delete entity, must detach all policies first.");
    let detach = DetachUserPolicyRequest { user_name: s("ada"), policy_arn: arn };
    world.iam::<op::DetachUserPolicy>(&root, detach).await.unwrap();

    let document = s(&allow("s3:*", "*"));
    let put = PutUserPolicyRequest { user_name: s("ada"), policy_name: s("p"), policy_document: document };
    world.iam::<op::PutUserPolicy>(&root, put).await.unwrap();
    assert_eq!(refused().await, "Cannot delete entity, must delete policies first.");
    let delete_policy = DeleteUserPolicyRequest { user_name: s("ada"), policy_name: s("p") };
    world.iam::<op::DeleteUserPolicy>(&root, delete_policy).await.unwrap();

    let key = CreateAccessKeyRequest { user_name: s("ada") };
    let key = world.iam::<op::CreateAccessKey>(&root, key).await.unwrap().access_key.unwrap();
    assert_eq!(refused().await, "Cannot delete entity, must delete access keys first.");
    let delete_key = DeleteAccessKeyRequest { user_name: s("ada"), access_key_id: key.access_key_id };
    world.iam::<op::DeleteAccessKey>(&root, delete_key).await.unwrap();
    world.iam::<op::DeleteUser>(&root, delete()).await.unwrap();
}

#[tokio::test]
async fn groups_hold_users_and_give_them_policies() {
    let world = World::new().await;
    let root = world.root();
    create(&world, "ada").await;
    let group = CreateGroupRequest { group_name: s("devs"), path: None };
    let group = world.iam::<op::CreateGroup>(&root, group).await.unwrap().group.unwrap();
    assert_eq!(group.arn, s("arn:aws:iam::111111111111:group/devs"));
    let document = s(&allow("s3:GetObject", "arn:aws:s3:::bucket/*"));
    let put =
        PutGroupPolicyRequest { group_name: s("devs"), policy_name: s("read"), policy_document: document };
    world.iam::<op::PutGroupPolicy>(&root, put).await.unwrap();

    let ada = world.user("ada").await;
    let reads = || world.may(&ada, "s3:GetObject", "arn:aws:s3:::bucket/key").is_ok();
    assert!(!reads());
    let member = || AddUserToGroupRequest { group_name: s("devs"), user_name: s("ada") };
    world.iam::<op::AddUserToGroup>(&root, member()).await.unwrap();
    assert!(reads(), "what was acknowledged counts at once");

    let rename = UpdateGroupRequest { group_name: s("devs"), new_group_name: s("makers"), new_path: None };
    world.iam::<op::UpdateGroup>(&root, rename).await.unwrap();
    assert!(reads());
    let of_ada = ListGroupsForUserRequest { user_name: s("ada"), ..Default::default() };
    let groups = world.iam::<op::ListGroupsForUser>(&root, of_ada).await.unwrap().groups.unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].group_name, s("makers"));
    let get = GetGroupRequest { group_name: s("makers"), ..Default::default() };
    assert_eq!(world.iam::<op::GetGroup>(&root, get).await.unwrap().users.unwrap().len(), 1);

    let delete = || DeleteGroupRequest { group_name: s("makers") };
    assert_eq!(fault(world.iam::<op::DeleteGroup>(&root, delete()).await).0, "DeleteConflict");
    let gone = RemoveUserFromGroupRequest { group_name: s("makers"), user_name: s("ada") };
    world.iam::<op::RemoveUserFromGroup>(&root, gone).await.unwrap();
    assert!(!reads());
}

#[tokio::test]
async fn tags_are_merged_whatever_their_case() {
    let world = World::new().await;
    let root = world.root();
    create(&world, "ada").await;
    let tag = |key: &str, value: &str| Tag { key: s(key), value: s(value) };
    let put = |tags: Vec<Tag>| TagUserRequest { user_name: s("ada"), tags: Some(tags) };
    world.iam::<op::TagUser>(&root, put(vec![tag("Team", "a"), tag("x", "1")])).await.unwrap();
    world.iam::<op::TagUser>(&root, put(vec![tag("team", "b")])).await.unwrap();
    let list = || ListUserTagsRequest { user_name: s("ada"), ..Default::default() };
    let tags = world.iam::<op::ListUserTags>(&root, list()).await.unwrap().tags.unwrap();
    assert_eq!(tags, [tag("team", "b"), tag("x", "1")]);
    let twice = put(vec![tag("k", "1"), tag("K", "2")]);
    assert_eq!(fault(world.iam::<op::TagUser>(&root, twice).await).0, "InvalidInput");
    let untag = UntagUserRequest { user_name: s("ada"), tag_keys: Some(vec!["TEAM".into()]) };
    world.iam::<op::UntagUser>(&root, untag).await.unwrap();
    assert_eq!(world.iam::<op::ListUserTags>(&root, list()).await.unwrap().tags.unwrap(), [tag("x", "1")]);
    let many = (0..50).map(|n| tag(&format!("t{n}"), "")).collect();
    assert_eq!(fault(world.iam::<op::TagUser>(&root, put(many)).await).0, "LimitExceeded");
}

#[tokio::test]
async fn the_root_user_and_a_user_can_ask_who_they_are() {
    let world = World::new().await;
    create(&world, "ada").await;
    let me = world.iam::<op::GetUser>(&world.root(), GetUserRequest::default()).await.unwrap().user.unwrap();
    assert_eq!(me.arn, s("arn:aws:iam::111111111111:root"));
    let put = PutUserPolicyRequest {
        user_name: s("ada"),
        policy_name: s("self"),
        policy_document: s(&allow("iam:GetUser", "arn:aws:iam::*:user/${aws:username}")),
    };
    world.iam::<op::PutUserPolicy>(&world.root(), put).await.unwrap();
    let ada = world.user("ada").await;
    let me = world.iam::<op::GetUser>(&ada, GetUserRequest::default()).await.unwrap().user.unwrap();
    assert_eq!(me.user_name, s("ada"));
    let other = GetUserRequest { user_name: s("bob") };
    assert_eq!(
        fault(world.iam::<op::GetUser>(&ada, other).await),
        (
            "AccessDenied".into(),
            "User: arn:aws:iam::111111111111:user/ada is not authorized to perform: iam:GetUser on resource: arn:aws:iam::111111111111:user/bob because no identity-based policy allows the iam:GetUser action".into()
        )
    );
}
