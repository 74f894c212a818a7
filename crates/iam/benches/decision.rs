//! What a decision and the proof of a session cost. `cargo bench -p nephos-iam`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints its table and stops at what is wrong"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use nephos_core::ports::{AssumeRole, Identify as _, IssueCredentials as _};
use nephos_core::{Access, Clock, ContextKeys, Cx, Origin, Platform, Principal, Region, RequestId};
use nephos_iam::seal::Sealer;
use nephos_iam::seed::Seed;
use nephos_iam::{Config, Deps, Iam};
use nephos_store::Store;

const ACTIONS: [&str; 8] =
    ["GetItem", "PutItem", "Query", "Scan", "UpdateItem", "DeleteItem", "BatchGetItem", "BatchWriteItem"];

/// A policy of about 6 KB: many statements on tables and buckets that are not the one asked for.
fn policy(n: usize) -> serde_json::Value {
    let statements: Vec<_> = (0..15)
        .map(|at| {
            let actions: Vec<_> = ACTIONS.iter().map(|action| format!("dynamodb:{action}")).collect();
            serde_json::json!({
                "Sid": format!("S{n}x{at}"), "Effect": "Allow", "Action": actions,
                "Resource": [format!("arn:aws:dynamodb:*:111111111111:table/team{n}-{at}"), format!("arn:aws:dynamodb:*:111111111111:table/team{n}-{at}/index/*")],
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": format!("team{n}")}},
            })
        })
        .collect();
    serde_json::json!({"Version": "2012-10-17", "Statement": statements})
}

/// A role with nothing but what is needed, and a user with 10 policies and 10 groups of 4 more.
fn seed() -> Seed {
    let name = |n: usize| format!("p{n}");
    let arn = |n: usize| format!("arn:aws:iam::111111111111:policy/{}", name(n));
    let policies: Vec<_> = (0..50)
        .map(|n| {
            let mut document = policy(n);
            if n == 49 {
                document["Statement"][14] = serde_json::json!({"Effect": "Allow", "Action": "dynamodb:*",
                    "Resource": "arn:aws:dynamodb:*:111111111111:table/notes"});
            }
            serde_json::json!({"name": name(n), "document": document})
        })
        .collect();
    let groups: Vec<_> = (0..10)
        .map(|g| serde_json::json!({"name": format!("g{g}"), "managed_policies": (0..4).map(|p| arn(10 + g * 4 + p)).collect::<Vec<_>>()}))
        .collect();
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
    serde_json::from_value(serde_json::json!({"accounts": [{
        "id": "111111111111", "policies": policies, "groups": groups,
        "users": [{"name": "ada", "managed_policies": (0..10).map(arn).collect::<Vec<_>>(),
                   "groups": (0..10).map(|g| format!("g{g}")).collect::<Vec<_>>(),
                   "access_keys": [{"access_key_id": "AKIABENCHBENCHBENCH", "secret_access_key": "bench"}]}],
        "roles": [{"name": "app", "assume_role_policy": trust,
                   "inline_policies": {"notes": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "dynamodb:*",
                       "Resource": "arn:aws:dynamodb:*:111111111111:table/notes"}}}}],
    }]}))
    .unwrap()
}

fn measure(name: &str, mut run: impl FnMut()) {
    let mut nanos: Vec<u128> = (0..20_000)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_nanos()
        })
        .collect();
    nanos.sort_unstable();
    println!("{name:<58} p50 {:>8} ns   p99 {:>8} ns", nanos[nanos.len() / 2], nanos[nanos.len() * 99 / 100]);
}

fn cx(platform: &Arc<Platform>, principal: Principal) -> Cx {
    let mut keys = ContextKeys::new();
    keys.set("aws:SourceIp", "127.0.0.1");
    keys.set("aws:SecureTransport", "false");
    keys.set("aws:UserAgent", "bench");
    Cx {
        principal: Arc::new(principal),
        account: "111111111111".parse().unwrap(),
        region: Region::default(),
        request_id: RequestId::new(),
        origin: platform.public_origin.clone(),
        keys: Arc::new(keys),
        deadline: None,
        platform: Arc::clone(platform),
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let clock = Clock::system();
    let deps = Deps { store: Store::memory(), sealer: Sealer::ephemeral(), clock: clock.clone() };
    let iam = runtime.block_on(Iam::start(Config::default(), deps)).unwrap();
    runtime.block_on(iam.seed(&seed())).unwrap();
    let origin = Origin { scheme: "http", authority: "localhost:4566".into() };
    let platform = Arc::new(Platform {
        clock: clock.clone(),
        authorizer: Arc::<Iam>::clone(&iam),
        public_origin: origin,
    });

    let user = runtime.block_on(iam.identify("AKIABENCHBENCHBENCH", None, clock.now())).unwrap();
    let ada = cx(&platform, (*user.principal).clone());
    let table = Access::on(
        "dynamodb:PutItem",
        &"arn:aws:dynamodb:us-east-1:111111111111:table/notes".parse().unwrap(),
    );
    measure("decision, 50 policies of 6 KB", || ada.authorize(black_box(&table)).unwrap());

    let service = cx(&platform, Principal::Service { name: "lambda.amazonaws.com" });
    let request = AssumeRole {
        role_arn: "arn:aws:iam::111111111111:role/app".into(),
        session_name: "bench".into(),
        duration_seconds: 3600,
        session_policy: None,
        web_identity: None,
    };
    let assumed = runtime.block_on(iam.assume_role(&service, request.clone())).unwrap();
    let role = cx(&platform, assumed.principal.clone());
    measure("decision, a role with one policy", || role.authorize(black_box(&table)).unwrap());
    measure("access key of a user: identify", || {
        drop(runtime.block_on(iam.identify("AKIABENCHBENCHBENCH", None, clock.now())).unwrap());
    });
    let (id, token) = (assumed.credentials.access_key_id, assumed.credentials.session_token);
    measure("session token: identify", || {
        drop(runtime.block_on(iam.identify(&id, Some(&token), clock.now())).unwrap());
    });
    measure("a role is taken on", || {
        drop(runtime.block_on(iam.assume_role(&service, request.clone())).unwrap());
    });
}
