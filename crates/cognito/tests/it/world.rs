//! A platform in memory: IAM, STS, both of Cognito's services, and an outbox.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method};
use nephos_cognito::{Cognito, Config, Deps, Seal};
use nephos_core::ports::{Deliver, Identify as _, Message};
use nephos_core::{BoxFuture, Clock, ContextKeys, Cx, Fault, Origin, Platform, Principal, Region, RequestId};
use nephos_iam::seal::{Place, Sealed, Sealer};
use nephos_iam::{Iam, Sts};
use nephos_store::Store;
use nephos_wire::{Body, Request, Service};
use serde_json::Value;
use zeroize::Zeroizing;

pub const ACCOUNT: &str = "111111111111";

#[derive(Default)]
pub struct Outbox(pub Mutex<Vec<Message>>);

impl Deliver for Outbox {
    fn deliver<'a>(&'a self, _: &'a Cx, message: Message) -> BoxFuture<'a, Result<(), Fault>> {
        self.0.lock().unwrap().push(message);
        Box::pin(async { Ok(()) })
    }
}

struct Sealing(Sealer);

impl Seal for Sealing {
    fn seal(&self, aad: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let row = nephos_core::random::hex(aad);
        serde_json::to_vec(&self.0.seal(place(&row), plain).ok()?).ok()
    }

    fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let sealed: Sealed = serde_json::from_slice(sealed).ok()?;
        self.0.open(place(&nephos_core::random::hex(aad)), &sealed).ok()
    }
}

fn place(row: &str) -> Place<'_> {
    Place { table: "cognito", row, column: "secret" }
}

pub struct World {
    pub cognito: Cognito,
    pub iam: Arc<Iam>,
    pub sts: Sts,
    pub outbox: Arc<Outbox>,
    platform: Arc<Platform>,
}

impl World {
    pub async fn new() -> World {
        let (store, sealer, clock) = (Store::memory(), Sealer::ephemeral(), Clock::system());
        let deps = nephos_iam::Deps { store: store.clone(), sealer: sealer.clone(), clock: clock.clone() };
        let config = nephos_iam::Config { account: ACCOUNT.parse().unwrap(), ..Default::default() };
        let iam = Iam::start(config, deps).await.unwrap();
        let outbox = Arc::new(Outbox::default());
        let deps = Deps {
            store,
            seal: Arc::new(Sealing(sealer)),
            deliver: Arc::clone(&outbox) as _,
            credentials: Arc::clone(&iam) as _,
        };
        let cognito = Cognito::new(Config::default(), deps);
        iam.add_web_identity_verifier(Arc::clone(&cognito.identity_pools) as _);
        let platform = Arc::new(Platform {
            clock,
            authorizer: Arc::clone(&iam) as _,
            public_origin: Origin { scheme: "http", authority: "localhost:4566".to_owned() },
        });
        World { cognito, sts: Sts::new(Arc::clone(&iam)), iam, outbox, platform }
    }

    pub fn cx(&self, principal: Principal) -> Cx {
        Cx {
            account: principal.account().unwrap_or(nephos_core::AccountId::DEFAULT),
            principal: Arc::new(principal),
            region: Region::default(),
            request_id: RequestId::new(),
            origin: self.platform.public_origin.clone(),
            keys: Arc::new(ContextKeys::new()),
            deadline: None,
            platform: Arc::clone(&self.platform),
        }
    }

    pub fn root(&self) -> Cx {
        self.cx(Principal::Root { account: ACCOUNT.parse().unwrap() })
    }

    pub fn anybody(&self) -> Cx {
        self.cx(Principal::Anonymous)
    }

    /// A call of `cognito-idp` in JSON: its answer, which must be a success.
    pub async fn idp(&self, cx: &Cx, operation: &str, body: Value) -> Value {
        let (status, answer) = call(&*self.cognito.user_pools, cx, operation, body).await;
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// A call of `cognito-identity` in JSON: its answer, which must be a success.
    pub async fn identity(&self, cx: &Cx, operation: &str, body: Value) -> Value {
        let (status, answer) = call(&*self.cognito.identity_pools, cx, operation, body).await;
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// The principal behind temporary credentials.
    pub async fn identify(&self, access_key: &str, token: &str) -> Cx {
        let now = self.platform.clock.now();
        let identity = self.iam.identify(access_key, Some(token), now).await.unwrap();
        self.cx((*identity.principal).clone())
    }

    pub fn last_code(&self) -> String {
        self.outbox.0.lock().unwrap().last().unwrap().facts["code"].clone()
    }
}

/// A call in JSON: status and answer.
pub async fn call(service: &dyn Service, cx: &Cx, operation: &str, body: Value) -> (u16, Value) {
    let known = service.model().operations.iter().find(|known| known.name == operation).unwrap();
    let request = Request {
        method: Method::POST,
        path: "/".to_owned(),
        query: Vec::new(),
        headers: HeaderMap::new(),
        labels: Vec::new(),
        body: Body::from(body.to_string().into_bytes()),
    };
    let response = service.call(cx, known, request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect(1 << 20).await.unwrap();
    (status, if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() })
}
