//! The platform is killed again and again in the middle of its work: whatever it acknowledged is there afterwards, and
//! what it gave out before still counts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nephos_testkit::make::Pool;
use nephos_testkit::service::{COGNITO_IDP, DYNAMODB, LAMBDA, S3, STS};
use nephos_testkit::{Answer, Call, Client, Credentials, Process, encode, make, until};
use serde_json::json;
use tokio::task::JoinHandle;

/// How often it is killed.
const ROUNDS: u64 = 15;

/// An event's only trace is an object that the function puts, as anybody may.
const LEAVE_A_TRACE: &str = "
import os, urllib.request
def handler(event, context):
    url = os.environ['AWS_ENDPOINT_URL'] + '/traces/' + event['id']
    urllib.request.urlopen(urllib.request.Request(url, data=b'ran', method='PUT')).read()
";

/// The names of what was acknowledged.
#[derive(Default)]
struct Acknowledged {
    items: Vec<String>,
    objects: Vec<String>,
    users: Vec<String>,
    events: Vec<String>,
}

type Shared = Arc<Mutex<Acknowledged>>;

/// An object's content, told by its name: every third is too large to lie in the store.
fn content(name: &str, index: u32) -> String {
    name.repeat(if index.is_multiple_of(3) { 20_000 } else { 5 })
}

fn index_of(name: &str) -> u32 {
    name.rsplit('-').next().unwrap().parse().unwrap()
}

/// Works without a pause until the platform is gone.
async fn work(
    client: Client,
    name: String,
    call: impl Fn(&str, u32) -> Call,
    service: &str,
    acknowledge: impl Fn(String),
) {
    for index in 0.. {
        let name = format!("{name}-{index}");
        match client.try_send(client.sign(service, call(&name, index))).await {
            Ok(answer) => {
                answer.ok();
                acknowledge(name);
            }
            Err(_) => return,
        }
    }
}

/// The mixed load of one round.
fn load(client: &Client, round: u64, pool: &Pool, acknowledged: &Shared) -> Vec<JoinHandle<()>> {
    let note = |list: fn(&mut Acknowledged) -> &mut Vec<String>| {
        let acknowledged = Arc::clone(acknowledged);
        move |name| list(&mut acknowledged.lock().unwrap()).push(name)
    };
    let item = |name: &str, _| {
        let item = json!({ "k": { "S": name }, "v": { "S": name } });
        encode::encode(DYNAMODB, "PutItem", &json!({ "TableName": "notes", "Item": item }))
    };
    let object = |name: &str, index| Call::put(&format!("/files/{name}"), content(name, index));
    let app = pool.client.clone();
    let user = move |name: &str, _| {
        let input = json!({ "ClientId": app, "Username": name, "Password": make::PASSWORD });
        encode::encode(COGNITO_IDP, "SignUp", &input)
    };
    let event = |name: &str, _| {
        let input = json!({
            "FunctionName": "trace", "InvocationType": "Event", "Payload": json!({ "id": name }).to_string(),
        });
        encode::encode(LAMBDA, "Invoke", &input)
    };
    let name = |worker: &str| format!("{worker}-{round}");
    vec![
        tokio::spawn(work(client.clone(), name("a"), item, "dynamodb", note(|all| &mut all.items))),
        tokio::spawn(work(client.clone(), name("b"), item, "dynamodb", note(|all| &mut all.items))),
        tokio::spawn(work(client.clone(), name("c"), object, "s3", note(|all| &mut all.objects))),
        tokio::spawn(work(client.clone(), name("d"), user, "cognito-idp", note(|all| &mut all.users))),
        tokio::spawn(work(client.clone(), name("e"), event, "lambda", note(|all| &mut all.events))),
    ]
}

/// What was acknowledged is there, whole.
async fn check(client: &Client, pool: &Pool, acknowledged: &Acknowledged) {
    for name in &acknowledged.items {
        let item = client.get_item("notes", name).await.ok().json();
        assert_eq!(item["Item"]["v"]["S"], **name, "an item is lost");
    }
    for name in &acknowledged.objects {
        let object = client.get_object("files", name).await.ok();
        assert_eq!(object.text(), content(name, index_of(name)), "an object is not what it was");
    }
    for name in &acknowledged.users {
        let input = json!({ "UserPoolId": pool.id, "Username": name });
        client.call(COGNITO_IDP, "AdminGetUser", input).await.ok();
    }
}

/// Every object that is there is whole, acknowledged or not.
async fn no_half_objects(client: &Client) {
    let listed = client.call(S3, "ListObjectsV2", json!({ "Bucket": "files" })).await.ok();
    for name in listed.all("Key") {
        assert_eq!(client.get_object("files", &name).await.ok().text(), content(&name, index_of(&name)));
    }
}

/// What was given out before the first kill.
struct Given {
    session: Credentials,
    tokens: Answer,
}

impl Given {
    async fn check(&self, client: &Client, pool: &Pool) {
        let session = client.with(self.session.clone());
        let who = session.call(STS, "GetCallerIdentity", json!({})).await.ok();
        assert!(who.get("Arn").ends_with(":assumed-role/visitor/me"));
        session.call(S3, "ListBuckets", json!({})).await.ok();
        let me = json!({ "AccessToken": self.tokens.get("AccessToken") });
        client.anonymous().call(COGNITO_IDP, "GetUser", me).await.ok();
        let refresh = json!({
            "ClientId": pool.client, "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": { "REFRESH_TOKEN": self.tokens.get("RefreshToken") },
        });
        client.anonymous().call(COGNITO_IDP, "InitiateAuth", refresh).await.ok();
    }
}

async fn set_up(root: &Client) -> (Pool, Given) {
    root.table("notes").await;
    root.bucket("files").await;
    root.public_bucket("traces", "s3:PutObject").await;
    let role = root.function_role("worker", &make::allow("logs:*", "*")).await;
    root.function("trace", &role, LEAVE_A_TRACE).await;
    let pool = root.pool("people").await;
    root.sign_up(&pool, "ann").await.ok();
    root.confirm(&pool, "ann").await.ok();
    let tokens = root.sign_in(&pool, "ann").await.ok();
    let visitor = root.role("visitor", &json!({ "AWS": "000000000000" }), &make::allow("s3:*", "*")).await;
    let session = root.assume(&visitor, "me", json!({})).await.credentials().clone();
    (pool, Given { session, tokens })
}

/// Waits until every acknowledged event has left its trace.
async fn delivered(root: &Client, events: &[String]) {
    // What was under way at a kill is leased for a minute, and what failed is tried again after one.
    let later = Call::new("POST", "/_nephos/clock").body(r#"{"advance_seconds":300}"#);
    root.send(later).await.ok();
    until("the last events", async || {
        let mut left = 0;
        for name in events {
            let trace = json!({ "Bucket": "traces", "Key": name });
            left += u32::from(root.call(S3, "HeadObject", trace).await.status != 200);
        }
        (left == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let mut process = Process::start(&["--dev"]).await;
    let (pool, given) = set_up(&process.root()).await;
    let mut all = Acknowledged::default();
    for round in 0..ROUNDS {
        let acknowledged = Shared::default();
        let workers = load(&process.root(), round, &pool, &acknowledged);
        tokio::time::sleep(Duration::from_millis(60 + round * 97 % 300)).await;
        process.kill();
        for worker in workers {
            worker.await.unwrap();
        }
        process.again().await;
        let mut acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
        check(&process.root(), &pool, &acknowledged).await;
        given.check(&process.root(), &pool).await;
        all.items.append(&mut acknowledged.items);
        all.objects.append(&mut acknowledged.objects);
        all.users.append(&mut acknowledged.users);
        all.events.append(&mut acknowledged.events);
    }
    let root = process.root();
    check(&root, &pool, &all).await;
    no_half_objects(&root).await;
    delivered(&root, &all.events).await;
    let counts = [&all.items, &all.objects, &all.users, &all.events].map(Vec::len);
    println!("killed {ROUNDS} times; items, objects, users and events acknowledged: {counts:?}");
    assert!(counts.iter().all(|count| *count > 0), "the load did nothing: {counts:?}");
}
