//! Access keys, the first start, and `--dev`.

use nephos_core::ports::{Identify as _, IdentifyError};
use nephos_core::{Clock, Principal};
use nephos_iam::seal::Sealer;
use nephos_iam::shapes::*;
use nephos_iam::sts::shapes::op as op_sts;
use nephos_iam::{Config, Error, RootCredentials};
use nephos_store::{Range, Read as _, Store, StoreError};

use crate::world::*;

async fn key_of(world: &World, user: &str) -> AccessKey {
    let input = CreateAccessKeyRequest { user_name: s(user) };
    world.iam::<op::CreateAccessKey>(&world.root(), input).await.unwrap().access_key.unwrap()
}

async fn who(world: &World, id: &str, token: Option<&str>) -> Result<Principal, IdentifyError> {
    let identity = world.iam.identify(id, token, world.clock.now()).await?;
    Ok((*identity.principal).clone())
}

async fn with_ada() -> World {
    let world = World::new().await;
    let input = CreateUserRequest { user_name: s("ada"), ..Default::default() };
    world.iam::<op::CreateUser>(&world.root(), input).await.unwrap();
    world
}

#[tokio::test]
async fn a_key_identifies_its_user_until_it_is_off_or_gone() {
    let world = with_ada().await;
    let root = world.root();
    let key = key_of(&world, "ada").await;
    let id = key.access_key_id.clone().unwrap();
    assert!(id.starts_with("AKIA") && id.len() == 20);
    assert_eq!(key.secret_access_key.as_ref().unwrap().len(), 40);
    let identity = world.iam.identify(&id, None, world.clock.now()).await.unwrap();
    assert_eq!(Some(identity.secret_access_key), key.secret_access_key);
    assert_eq!(identity.principal.arn().unwrap().to_string(), "arn:aws:iam::111111111111:user/ada");

    let set = |status: &str| UpdateAccessKeyRequest {
        user_name: s("ada"),
        access_key_id: Some(id.clone()),
        status: s(status),
    };
    world.iam::<op::UpdateAccessKey>(&root, set("Inactive")).await.unwrap();
    assert_eq!(who(&world, &id, None).await, Err(IdentifyError::UnknownKey));
    world.iam::<op::UpdateAccessKey>(&root, set("Active")).await.unwrap();
    assert!(who(&world, &id, None).await.is_ok());
    assert_eq!(
        who(&world, &id, Some("token")).await,
        Err(IdentifyError::InvalidToken),
        "a long-term key has no token"
    );

    let rename = UpdateUserRequest { user_name: s("ada"), new_user_name: s("bob"), new_path: None };
    world.iam::<op::UpdateUser>(&root, rename).await.unwrap();
    assert_eq!(who(&world, &id, None).await.unwrap().arn().unwrap().resource, "user/bob");
    let delete = DeleteAccessKeyRequest { user_name: s("bob"), access_key_id: Some(id.clone()) };
    world.iam::<op::DeleteAccessKey>(&root, delete).await.unwrap();
    assert_eq!(who(&world, &id, None).await, Err(IdentifyError::UnknownKey));
}

#[tokio::test]
async fn a_user_has_two_keys_and_their_secrets_are_sealed() {
    let world = with_ada().await;
    let secrets =
        [key_of(&world, "ada").await, key_of(&world, "ada").await].map(|k| k.secret_access_key.unwrap());
    let third = CreateAccessKeyRequest { user_name: s("ada") };
    assert_eq!(
        fault(world.iam::<op::CreateAccessKey>(&world.root(), third).await),
        ("LimitExceeded".into(), "Cannot exceed quota for AccessKeysPerUser: 2".into())
    );
    let list = ListAccessKeysRequest { user_name: s("ada"), ..Default::default() };
    let listed = world.iam::<op::ListAccessKeys>(&world.root(), list).await.unwrap();
    assert_eq!(listed.access_key_metadata.unwrap().len(), 2);
    let everything = world.store.read(|view| view.range(&Range::all())).map_err(|e: StoreError| e).unwrap();
    for (_, value) in everything {
        let text = String::from_utf8_lossy(&value).into_owned();
        assert!(
            secrets.iter().all(|secret| !text.contains(secret.as_str())),
            "a secret is stored in the clear"
        );
    }
}

#[tokio::test]
async fn the_first_start_makes_a_root_key_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { account: account(HERE), data_dir: Some(folder.path().into()), ..Config::default() };
    let sealer = Sealer::open_file(&folder.path().join("master-key")).unwrap();
    let world = World::over(config.clone(), Store::memory(), sealer).await;
    let root = world.iam.root_credentials().unwrap();
    assert_eq!(RootCredentials::read(folder.path()).unwrap().unwrap(), root);
    let file = folder.path().join("root-credentials");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        who(&world, &root.access_key_id, None).await.unwrap(),
        Principal::Root { account: account(HERE) }
    );

    assert_eq!(world.restarted(config.clone()).await.iam.root_credentials().unwrap(), root);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        world.restarted(config.clone()).await.iam.root_credentials().unwrap(),
        root,
        "the store mends the file"
    );
    assert!(file.exists());
    let empty = World::over(config, Store::memory(), world.sealer.clone()).await;
    assert_eq!(empty.iam.root_credentials().unwrap(), root, "the file mends the store");
    assert!(who(&empty, &root.access_key_id, None).await.is_ok());
    assert!(!format!("{root:?}").contains(&root.secret_access_key));
}

#[tokio::test]
async fn the_root_user_is_known_before_the_store_has_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { account: account(HERE), data_dir: Some(folder.path().into()), ..Config::default() };
    let (store, sealer, clock) = (Store::memory(), Sealer::ephemeral(), Clock::system());
    let rows = || store.read(|view| view.range(&Range::all())).map_err(|e: StoreError| e).unwrap().len();
    let deps = nephos_iam::Deps { store: store.clone(), sealer: sealer.clone(), clock: clock.clone() };
    let iam = nephos_iam::Iam::open(config.clone(), deps).unwrap();
    let root = RootCredentials::read(folder.path()).unwrap().unwrap();
    let known = iam.identify(&root.access_key_id, None, clock.now()).await.unwrap();
    assert_eq!(known.secret_access_key, root.secret_access_key);
    assert_eq!(*known.principal, Principal::Root { account: account(HERE) });
    assert!(iam.identify("AKIAIOSFODNN7EXAMPLE", None, clock.now()).await.is_err());
    assert_eq!(rows(), 0);

    // A session is sealed under a key that the store has by then.
    let world = World::around(store.clone(), sealer.clone(), clock.clone(), iam);
    let token = world.sts::<op_sts::GetSessionToken>(&world.root(), Default::default()).await.unwrap();
    let stored = rows();
    assert!(stored > 0);
    world.iam.settle().await.unwrap();
    assert_eq!(rows(), stored, "settling twice changes nothing");
    let after = World::over(config, store.clone(), sealer).await;
    let session = token.credentials.unwrap();
    let (id, token) = (session.access_key_id.unwrap(), session.session_token.unwrap());
    assert!(who(&after, &id, Some(&token)).await.is_ok());

    // From then on the store says who the root user is.
    let delete = DeleteAccessKeyRequest { user_name: None, access_key_id: Some(root.access_key_id.clone()) };
    world.iam::<op::DeleteAccessKey>(&world.root(), delete).await.unwrap();
    assert_eq!(who(&world, &root.access_key_id, None).await, Err(IdentifyError::UnknownKey));
}

#[tokio::test]
async fn a_wrong_master_key_stops_the_start() {
    let world = World::new().await;
    let deps = nephos_iam::Deps {
        store: world.store.clone(),
        sealer: Sealer::ephemeral(),
        clock: world.clock.clone(),
    };
    let started = nephos_iam::Iam::start(Config::default(), deps).await;
    assert!(matches!(started.err(), Some(Error::Seal(_))));
}

#[tokio::test]
async fn well_known_keys_work_only_under_dev() {
    let world = World::new().await;
    for id in ["test", THERE, "000000000000"] {
        assert_eq!(who(&world, id, None).await, Err(IdentifyError::UnknownKey), "{id}");
    }
    let dev = World::with(Config { dev: true, ..Config::default() }).await;
    for (id, owner) in [("test", "000000000000"), (THERE, THERE)] {
        let identity = dev.iam.identify(id, None, dev.clock.now()).await.unwrap();
        assert_eq!(identity.secret_access_key, "test");
        assert_eq!(*identity.principal, Principal::Root { account: account(owner) });
    }
    assert_eq!(who(&dev, "1234", None).await, Err(IdentifyError::UnknownKey));
    assert_eq!(who(&dev, "test", Some("test")).await, Err(IdentifyError::InvalidToken));
}

#[tokio::test]
async fn a_wiped_store_forgets_keys_and_sessions_but_not_the_root_key() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { account: account(HERE), data_dir: Some(folder.path().into()), ..Config::default() };
    let world = World::with(config).await;
    let input = CreateUserRequest { user_name: s("ada"), ..Default::default() };
    world.iam::<op::CreateUser>(&world.root(), input).await.unwrap();
    let key = key_of(&world, "ada").await.access_key_id.unwrap();
    assert!(who(&world, &key, None).await.is_ok());
    let root = world.iam.root_credentials().unwrap();
    world.store.clear().unwrap();
    world.iam.reset().unwrap();
    assert_eq!(who(&world, &key, None).await, Err(IdentifyError::UnknownKey));
    assert!(who(&world, &root.access_key_id, None).await.is_ok());
    world.iam.settle().await.unwrap();
    assert!(who(&world, &root.access_key_id, None).await.is_ok());
}
