//! The platform with its records in PostgreSQL does what it does with its own engine.

use std::path::Path;

use nephos_server::{App, Config, Engine};
use nephos_testkit::postgres::Cluster;
use nephos_testkit::service::{COGNITO_IDP, S3};
use nephos_testkit::{Call, Client, Credentials, server};
use serde_json::json;

use crate::everything::{fill, names};

/// Starts as soon as the database answers.
async fn start(cluster: &Cluster, data: &Path) -> App {
    let engine = Engine::Postgres(cluster.url());
    let config = Config { engine, data: Some(data.to_owned()), dev: true, ..server::config() };
    let mut tries = 0;
    loop {
        match App::start(config.clone()).await {
            Ok(app) => return app,
            Err(error) if tries > 600 => panic!("{error}\n{}", cluster.log()),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
        tries += 1;
    }
}

fn root(app: &App) -> Client {
    Client::new(app.address()).with(Credentials::dev())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_works_on_postgres() {
    let (cluster, dir) = (Cluster::start(), tempfile::tempdir().unwrap());
    let data = dir.path().join("data");
    let app = start(&cluster, &data).await;
    let callers = fill(&root(&app), "one").await;
    app.stop().await;

    // Another process on the same database goes on where that one stopped.
    let app = start(&cluster, &data).await;
    let root = root(&app);
    assert!(root.get_item("notes", "one").await.ok().find("Item").is_some());
    assert_eq!(root.get_object("files", "one").await.ok().body.len(), 100_000);
    assert_eq!(root.invoke("greet", &json!({})).await.ok().text(), "\"one\"");
    let visitor = root.with(callers.session.credentials().clone());
    visitor.call(S3, "ListBuckets", json!({})).await.ok();
    let me = json!({ "AccessToken": callers.access_token });
    root.call(COGNITO_IDP, "GetUser", me).await.ok();

    root.send(Call::new("POST", "/_nephos/reset")).await.ok();
    let left = names(&root).await;
    assert!(left.iter().all(|(_, names)| names.is_empty()), "{left:?}");
    app.stop().await;
}
