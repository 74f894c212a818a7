//! Seeds.

use nephos_core::ports::Identify as _;
use nephos_iam::seed::Seed;
use nephos_iam::shapes::*;

use crate::world::*;

fn seed(text: &str) -> Seed {
    serde_json::from_str(text).unwrap()
}

const TWO_ACCOUNTS: &str = r#"{"accounts": [
    {"id": "111111111111", "name": "mine",
     "root_access_keys": [{"access_key_id": "AKIASEEDROOTSEEDROOT", "secret_access_key": "root-secret"}],
     "policies": [{"name": "notes", "document": {"Version": "2012-10-17", "Statement": [
         {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:*:111111111111:table/notes"}]}}],
     "groups": [{"name": "devs", "managed_policies": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]}],
     "users": [{"name": "ada", "groups": ["devs"], "managed_policies": ["arn:aws:iam::111111111111:policy/notes"],
                "tags": {"team": "a"},
                "access_keys": [{"access_key_id": "AKIASEEDUSERSEEDUSER", "secret_access_key": "user-secret"}]}],
     "roles": [{"name": "app", "assume_role_policy": {"Version": "2012-10-17", "Statement": [
         {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:user/ada"}, "Action": "sts:AssumeRole"}]}}]},
    {"id": "222222222222", "name": "yours", "users": [{"name": "ada"}]}
]}"#;

#[tokio::test]
async fn a_seed_is_there_and_can_be_applied_again() {
    let world = World::new().await;
    for _ in 0..2 {
        world.iam.seed(&seed(TWO_ACCOUNTS)).await.unwrap();
    }
    let identity = world.iam.identify("AKIASEEDUSERSEEDUSER", None, world.clock.now()).await.unwrap();
    assert_eq!(identity.secret_access_key, "user-secret");
    let ada = world.cx((*identity.principal).clone());
    world.may(&ada, "dynamodb:PutItem", "arn:aws:dynamodb:us-east-1:111111111111:table/notes").unwrap();
    world.may(&ada, "s3:GetObject", "arn:aws:s3:::b/k").unwrap();
    assert!(world.may(&ada, "s3:PutObject", "arn:aws:s3:::b/k").is_err());
    assert!(world.iam.identify("AKIASEEDROOTSEEDROOT", None, world.clock.now()).await.is_ok());
    let there = world.iam::<op::ListUsers>(&world.root_of(THERE), ListUsersRequest::default()).await.unwrap();
    assert_eq!(there.users.unwrap().len(), 1);
}

#[tokio::test]
async fn a_wrong_seed_is_refused_whole() {
    let world = World::new().await;
    for (bad, says) in [
        (r#"{"accounts": [{"id": "1"}]}"#, "12 digits"),
        (r#"{"accounts": [{"id": "111111111111", "users": [{"name": "a b"}]}]}"#, "expected a name"),
        (
            r#"{"accounts": [{"id": "111111111111", "users": [{"name": "a", "access_keys": [{"access_key_id": "222222222222", "secret_access_key": "x"}]}]}]}"#,
            "access key id",
        ),
        (
            r#"{"accounts": [{"id": "111111111111", "users": [{"name": "a", "managed_policies": ["arn:aws:iam::aws:policy/Nothing"]}]}]}"#,
            "not attachable",
        ),
        (
            r#"{"accounts": [{"id": "111111111111", "users": [{"name": "a", "inline_policies": {"p": {}}}]}]}"#,
            "Syntax errors",
        ),
        (
            r#"{"accounts": [{"id": "111111111111", "users": [{"name": "a"}], "roles": [{"name": "r"}]}]}"#,
            "trust policy",
        ),
    ] {
        let error = world.iam.seed(&seed(bad)).await.unwrap_err().to_string();
        assert!(error.contains(says), "{bad}: {error}");
        let users = world.iam::<op::ListUsers>(&world.root(), ListUsersRequest::default()).await.unwrap();
        assert_eq!(users.users, Some(vec![]), "{bad}");
    }
    assert!(serde_json::from_str::<Seed>(r#"{"acounts": []}"#).is_err(), "a typing mistake is noticed");
}

#[tokio::test]
async fn a_seeded_key_does_not_take_another_users() {
    let world = World::new().await;
    world.iam.seed(&seed(TWO_ACCOUNTS)).await.unwrap();
    let theft = r#"{"accounts": [{"id": "222222222222", "users": [{"name": "ada", "access_keys":
        [{"access_key_id": "AKIASEEDUSERSEEDUSER", "secret_access_key": "mine now"}]}]}]}"#;
    assert!(world.iam.seed(&seed(theft)).await.unwrap_err().to_string().contains("someone else"));
}
