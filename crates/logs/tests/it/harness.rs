//! A service on a store in memory, called as the gateway calls it.

use std::sync::{Arc, Mutex};

use nephos_core::ports::{LogLine, LogTarget, WriteLogs};
use nephos_core::{
    Access, AccountId, Authorize, Clock, ContextKeys, Cx, Denied, Origin, Platform, Principal, RequestId,
    Timestamp,
};
use nephos_logs::{Config, Deps, Logs, Workers};
use nephos_store::Store;
use nephos_wire::{Body, Request, Service};
use serde_json::Value;

/// Allows everything and remembers what was asked.
#[derive(Default)]
pub struct Recorder(pub Mutex<Vec<String>>);

impl Authorize for Recorder {
    fn authorize(&self, _: &Cx, access: &Access) -> Result<(), Denied> {
        self.0.lock().unwrap().push(format!("{} {}", access.action, access.resource));
        Ok(())
    }
}

pub struct Harness {
    pub logs: Arc<Logs>,
    pub cx: Cx,
    pub asked: Arc<Recorder>,
    _workers: Workers,
}

impl Harness {
    pub fn new() -> Harness {
        let (clock, asked) = (Clock::system(), Arc::new(Recorder::default()));
        let deps = Deps { store: Store::memory(), clock: clock.clone() };
        let logs = Arc::new(Logs::new(Config::default(), deps));
        let origin = Origin { scheme: "http", authority: "localhost:4566".to_owned() };
        let platform = Platform { clock, authorizer: asked.clone(), public_origin: origin.clone() };
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
        let _workers = Workers::start(&logs);
        Harness { logs, cx, asked, _workers }
    }

    /// Calls an operation; the answer's body, or the error's code and message.
    pub async fn call(&self, operation: &str, input: Value) -> Result<Value, (String, String)> {
        let model = self.logs.model();
        let operation = model.operations.iter().find(|op| op.name == operation).unwrap();
        let request = Request {
            method: "POST".parse().unwrap(),
            path: "/".to_owned(),
            query: Vec::new(),
            headers: Default::default(),
            labels: Vec::new(),
            body: Body::from(input.to_string()),
        };
        let response = self.logs.call(&self.cx, operation, request).await;
        let ok = response.status().is_success();
        let body = response.into_body().collect(1 << 24).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if ok { Ok(body) } else { Err((text("__type"), text("message"))) }
    }

    pub fn now_millis(&self) -> i64 {
        self.cx.now().millis()
    }

    /// Writes a line as a function does.
    pub fn write(&self, stream: &str, at_millis: i64, message: &str) {
        let target = LogTarget {
            account: AccountId::DEFAULT,
            region: Default::default(),
            group: "/aws/lambda/f".to_owned(),
            stream: stream.to_owned(),
        };
        let line = LogLine { at: Timestamp::from_millis(at_millis), message: message.to_owned() };
        self.logs.write_logs(&target, vec![line]);
    }
}

/// The `message` of each event.
pub fn messages(answer: &Value) -> Vec<&str> {
    answer["events"].as_array().unwrap().iter().map(|event| event["message"].as_str().unwrap()).collect()
}
