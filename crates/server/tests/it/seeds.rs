//! `--seed`: accounts, users with given keys, roles and policies that are there from the start.

use nephos_server::App;
use nephos_testkit::service::{DYNAMODB, IAM, S3, STS};
use nephos_testkit::{Call, Client, Credentials, Server, server};
use serde_json::json;

const YAML: &str = r#"
accounts:
  - id: "111111111111"
    name: Blue team
    root_access_keys:
      - { access_key_id: AKIABLUEROOT00000001, secret_access_key: blue-root-secret }
    policies:
      - name: tables
        document:
          Version: "2012-10-17"
          Statement: [{ Effect: Allow, Action: "dynamodb:*", Resource: "*" }]
    users:
      - name: ci
        access_keys:
          - { access_key_id: AKIABLUETEAMCI000001, secret_access_key: blue-team-secret }
        managed_policies: ["arn:aws:iam::111111111111:policy/tables"]
        inline_policies:
          list:
            Version: "2012-10-17"
            Statement: [{ Effect: Allow, Action: "s3:ListAllMyBuckets", Resource: "*" }]
    roles:
      - name: deploy
        assume_role_policy:
          Version: "2012-10-17"
          Statement: [{ Effect: Allow, Principal: { AWS: "arn:aws:iam::111111111111:user/ci" }, Action: "sts:AssumeRole" }]
        inline_policies:
          all:
            Version: "2012-10-17"
            Statement: [{ Effect: Allow, Action: "*", Resource: "*" }]
"#;

fn ci(server: &Server) -> Client {
    server.anonymous().with(Credentials::new("AKIABLUETEAMCI000001", "blue-team-secret"))
}

/// What the seed says is so.
async fn check(server: &Server) {
    let ci = ci(server);
    let who = ci.call(STS, "GetCallerIdentity", json!({})).await.ok();
    assert_eq!(who.get("Arn"), "arn:aws:iam::111111111111:user/ci");
    ci.call(DYNAMODB, "ListTables", json!({})).await.ok();
    ci.call(S3, "ListBuckets", json!({})).await.ok();
    ci.call(S3, "CreateBucket", json!({ "Bucket": "blue" })).await.refused(403, "AccessDenied");
    let deploy = ci.assume("arn:aws:iam::111111111111:role/deploy", "me", json!({})).await;
    deploy.call(IAM, "ListUsers", json!({})).await.ok();
    let root = server.anonymous().with(Credentials::new("AKIABLUEROOT00000001", "blue-root-secret"));
    assert_eq!(
        root.call(STS, "GetCallerIdentity", json!({})).await.ok().get("Arn"),
        "arn:aws:iam::111111111111:root"
    );
}

async fn start(file: &str, text: &str, dev: bool) -> Server {
    Server::with(|config, dir| {
        let path = dir.join(file);
        std::fs::write(&path, text).unwrap();
        (config.seed, config.dev) = (Some(path), dev);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_in_yaml_is_there_from_the_start_and_after_a_reset() {
    let server = start("seed.yaml", YAML, true).await;
    check(&server).await;
    let root = server.account("111111111111");
    root.user("extra", None).await;
    root.call(IAM, "DeleteUserPolicy", json!({ "UserName": "ci", "PolicyName": "list" })).await.ok();
    ci(&server).call(S3, "ListBuckets", json!({})).await.refused(403, "AccessDenied");
    server.anonymous().send(Call::new("POST", "/_nephos/reset")).await.ok();
    check(&server).await;
    assert_eq!(root.call(IAM, "ListUsers", json!({})).await.ok().all("UserName"), ["ci"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_in_json_says_the_same() {
    let value: serde_json::Value = serde_yaml_ng::from_str(YAML).unwrap();
    check(&start("seed.json", &value.to_string(), false).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_seed_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let start = async |file: &str, text: &str| {
        let path = dir.path().join(file);
        std::fs::write(&path, text).unwrap();
        let mut config = server::config();
        config.seed = Some(path);
        match App::start(config).await {
            Ok(_) => panic!("the platform started with {text}"),
            Err(error) => error.to_string(),
        }
    };
    let refused = start("a.yaml", &YAML.replace("access_keys", "acces_keys")).await;
    assert!(refused.contains("acces_keys") && refused.contains("a.yaml"), "{refused}");
    let refused = start("b.json", r#"{"accounts":[{"id":"111111111111","nmae":"Blue"}]}"#).await;
    assert!(refused.contains("nmae") && refused.contains("b.json"), "{refused}");
    let refused = start("c.yaml", &YAML.replace("\"111111111111\"", "\"1111\"")).await;
    assert!(refused.contains("1111"), "{refused}");
    let refused = start("d.yaml", &YAML.replace("policy/tables\"", "policy/absent\"")).await;
    assert!(refused.contains("absent"), "{refused}");
    let refused =
        start("e.yaml", &YAML.replace("Effect: Allow, Action: \"*\"", "Effect: Maybe, Action: \"*\"")).await;
    assert!(refused.starts_with("the seed: "), "{refused}");
    let refused = start("f.toml", YAML).await;
    assert!(refused.contains("expected .json, .yaml or .yml"), "{refused}");
}
