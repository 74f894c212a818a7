//! A service on a store of its own, called as the gateway calls it.

use std::sync::{Arc, Mutex};

use nephos_core::{
    Access, AccountId, Authorize, Clock, ContextKeys, Cx, Denied, Origin, Platform, Principal, RequestId,
};
use nephos_dynamodb::{Config, Deps, DynamoDb};
use nephos_store::Store;
use nephos_wire::{Body, Request, Service};
use serde_json::{Value, json};

/// Allows everything and remembers what was asked.
#[derive(Default)]
pub struct Recorder(pub Mutex<Vec<Access>>);

impl Authorize for Recorder {
    fn authorize(&self, _: &Cx, access: &Access) -> Result<(), Denied> {
        self.0.lock().unwrap().push(access.clone());
        Ok(())
    }
}

pub struct Harness {
    pub db: Arc<DynamoDb>,
    pub store: Store,
    pub clock: Clock,
    pub cx: Cx,
    pub asked: Arc<Recorder>,
}

/// An error's name without its namespace, and its message.
pub type Failure = (String, String);

impl Harness {
    pub fn new() -> Harness {
        Harness::on(Store::memory())
    }

    pub fn on(store: Store) -> Harness {
        let (clock, asked) = (Clock::system(), Arc::new(Recorder::default()));
        let config = Config { job_rows: 2, ..Config::default() };
        let db = Arc::new(DynamoDb::new(config, Deps { store: store.clone(), clock: clock.clone() }));
        let origin = Origin { scheme: "http", authority: "localhost:4566".to_owned() };
        let platform =
            Platform { clock: clock.clone(), authorizer: asked.clone(), public_origin: origin.clone() };
        let cx = Cx {
            principal: Arc::new(Principal::Root { account: AccountId::DEFAULT }),
            account: AccountId::DEFAULT,
            region: Default::default(),
            request_id: RequestId::new(),
            origin,
            keys: Arc::new(ContextKeys::new()),
            deadline: None,
            platform: Arc::new(platform),
        };
        Harness { db, store, clock, cx, asked }
    }

    /// With a table `t` of partition key `p`.
    pub async fn with_table() -> Harness {
        let harness = Harness::new();
        harness.table("ttt", &["p:S"]).await;
        harness
    }

    /// With a table `r` of partition key `p` and numeric sort key `s`.
    pub async fn with_range_table() -> Harness {
        let harness = Harness::new();
        harness.table("rrr", &["p:S", "s:N"]).await;
        harness
    }

    /// Makes an on-demand table with these keys, `name:type`.
    pub async fn table(&self, name: &str, keys: &[&str]) {
        self.ok("CreateTable", table(name, keys)).await;
    }

    /// Calls an operation; the answer's body, or the error.
    pub async fn call(&self, operation: &str, input: Value) -> Result<Value, Value> {
        self.call_text(operation, &input.to_string()).await
    }

    pub async fn call_text(&self, operation: &str, input: &str) -> Result<Value, Value> {
        let model = self.db.model();
        let operation = model.operations.iter().find(|op| op.name == operation).unwrap();
        let request = Request {
            method: "POST".parse().unwrap(),
            path: "/".to_owned(),
            query: Vec::new(),
            headers: Default::default(),
            labels: Vec::new(),
            body: Body::from(input.to_owned()),
        };
        let response = self.db.call(&self.cx, operation, request).await;
        let ok = response.status().is_success();
        let body = response.into_body().collect(1 << 26).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if ok { Ok(body) } else { Err(body) }
    }

    /// Calls an operation that must do.
    pub async fn ok(&self, operation: &str, input: Value) -> Value {
        match self.call(operation, input.clone()).await {
            Ok(answer) => answer,
            Err(error) => panic!("{operation} {input} failed: {error}"),
        }
    }

    /// Calls an operation that must fail.
    pub async fn fails(&self, operation: &str, input: Value) -> Failure {
        match self.call(operation, input.clone()).await {
            Ok(answer) => panic!("{operation} {input} did not fail: {answer}"),
            Err(error) => failure(&error),
        }
    }

    /// Calls an operation that must fail with a ValidationException, and returns its text.
    pub async fn invalid(&self, operation: &str, input: Value) -> String {
        let (code, message) = self.fails(operation, input).await;
        assert_eq!(code, "ValidationException", "{message}");
        message
    }

    pub async fn put(&self, table: &str, item: Value) {
        self.ok("PutItem", json!({"TableName": table, "Item": item})).await;
    }

    pub async fn get(&self, table: &str, key: Value) -> Value {
        let answer =
            self.ok("GetItem", json!({"TableName": table, "Key": key, "ConsistentRead": true})).await;
        answer["Item"].clone()
    }

    /// Carries all background jobs to their end.
    pub async fn settle(&self) {
        nephos_dynamodb::worker::run_jobs(&self.db).await.unwrap();
    }
}

/// The input that makes an on-demand table with these keys, `name:type`.
pub fn table(name: &str, keys: &[&str]) -> Value {
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": definitions(keys),
        "KeySchema": schema(keys),
    })
}

/// Key attributes as definitions.
pub fn definitions(keys: &[&str]) -> Value {
    let parts = keys.iter().map(|key| key.split_once(':').unwrap());
    parts.map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind})).collect()
}

/// Key attributes as a schema: the first decides the partition.
pub fn schema(keys: &[&str]) -> Value {
    let parts = keys.iter().map(|key| key.split(':').next().unwrap()).zip(["HASH", "RANGE"]);
    parts.map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind})).collect()
}

/// An index with these keys.
pub fn index(name: &str, keys: &[&str], projection: Value) -> Value {
    json!({"IndexName": name, "KeySchema": schema(keys), "Projection": projection})
}

pub fn all() -> Value {
    json!({"ProjectionType": "ALL"})
}

pub fn failure(error: &Value) -> Failure {
    let code = error["__type"].as_str().unwrap_or_default();
    let message = error["message"].as_str().or(error["Message"].as_str()).unwrap_or_default();
    (code.rsplit('#').next().unwrap_or_default().to_owned(), message.to_owned())
}

/// The numbers of an attribute in a list of items.
pub fn numbers(items: &Value, attribute: &str) -> Vec<i64> {
    let items = items.as_array().unwrap().iter();
    items.map(|item| item[attribute]["N"].as_str().unwrap().parse().unwrap()).collect()
}
