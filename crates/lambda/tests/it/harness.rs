//! A platform with nothing but functions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use nephos_blobs::Blobs;
use nephos_core::ports::{
    AssumeRole, AssumedRole, Credentials, IssueCredentials, LogLine, LogTarget, ReadObject, ServeEndpoint,
    ServingGuard, WriteLogs,
};
use nephos_core::principal::SessionFacts;
use nephos_core::{
    Access, AccountId, Authorize, BoxFuture, Clock, ContextKeys, Cx, Denied, Fault, Origin, Platform,
    Principal, RequestId, RoleSession,
};
use nephos_lambda::shapes::{self as s, op};
use nephos_lambda::{Config, Deps, Lambda, Workers};
use nephos_store::Store;
use nephos_wire::OperationShape;
use serde_json::Value;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Declares a module's trials: async functions that take a fresh platform.
macro_rules! trials {
    ($($name:ident),* $(,)?) => {
        pub fn trials() -> Vec<libtest_mimic::Trial> {
            let module = module_path!().rsplit("::").next().unwrap();
            vec![$($crate::harness::trial(format!("{module}::{}", stringify!($name)), || Box::pin($name()))),*]
        }
    };
}

pub type Test = fn() -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

pub fn trial(name: String, test: Test) -> libtest_mimic::Trial {
    libtest_mimic::Trial::test(name, move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test());
        Ok(())
    })
}

pub const ROLE: &str = "arn:aws:iam::000000000000:role/function";

/// Allows everything but what is denied.
#[derive(Default)]
pub struct Judge {
    pub denied: Mutex<BTreeSet<String>>,
    pub asked: Mutex<Vec<Access>>,
}

impl Authorize for Judge {
    fn authorize(&self, cx: &Cx, access: &Access) -> Result<(), Denied> {
        self.asked.lock().unwrap().push(access.clone());
        if self.denied.lock().unwrap().contains(access.action) {
            let who = cx.principal.display_name();
            let text = format!(
                "User: {who} is not authorized to perform: {} on resource: {}",
                access.action, access.resource
            );
            return Err(Denied { message: text });
        }
        Ok(())
    }
}

/// Issues credentials for every role but `untrusting`.
struct Issuer(Clock);

impl IssueCredentials for Issuer {
    fn assume_role<'a>(
        &'a self,
        _: &'a Cx,
        request: AssumeRole,
    ) -> BoxFuture<'a, Result<AssumedRole, Fault>> {
        let expiration = self.0.now() + Duration::from_secs(request.duration_seconds.into());
        let role = AssumedRole {
            credentials: Credentials {
                access_key_id: "ASIATEST".into(),
                secret_access_key: "a-secret".into(),
                session_token: "a-token".into(),
                expiration,
            },
            principal: Principal::Role(Arc::new(RoleSession {
                account: AccountId::DEFAULT,
                role_path: "/".into(),
                role_name: "function".into(),
                role_id: "AROATEST".into(),
                session_name: request.session_name,
                session: SessionFacts::default(),
            })),
        };
        Box::pin(std::future::ready(Ok(role)))
    }

    fn trusts<'a>(&'a self, _: &'a Cx, role: &'a str, _: &'static str) -> BoxFuture<'a, Result<bool, Fault>> {
        Box::pin(std::future::ready(Ok(!role.contains("untrusting"))))
    }
}

#[derive(Default)]
pub struct Objects(pub Mutex<BTreeMap<String, Bytes>>);

impl ReadObject for Objects {
    fn read_object<'a>(
        &'a self,
        _: &'a Cx,
        bucket: &'a str,
        key: &'a str,
        _: u64,
    ) -> BoxFuture<'a, Result<Bytes, Fault>> {
        let found = self.0.lock().unwrap().get(&format!("{bucket}/{key}")).cloned();
        let missing = || Fault::new("NoSuchKey", "The specified key does not exist.").status(404);
        Box::pin(std::future::ready(found.ok_or_else(missing)))
    }
}

/// Keeps every line, with its group and stream.
#[derive(Default)]
pub struct Kept(pub Mutex<Vec<(LogTarget, LogLine)>>);

impl WriteLogs for Kept {
    fn write_logs(&self, target: &LogTarget, lines: Vec<LogLine>) {
        self.0.lock().unwrap().extend(lines.into_iter().map(|line| (target.clone(), line)));
    }
}

/// What the platform's endpoint inside a function does: it invokes the function that the path names, and answers with
/// its payload.
#[derive(Default)]
pub struct Endpoint(Mutex<Option<(std::sync::Weak<Lambda>, Cx)>>);

impl ServeEndpoint for Endpoint {
    fn serve_endpoint(&self, listener: std::net::TcpListener) -> ServingGuard {
        let Some((lambda, cx)) = self.0.lock().unwrap().clone() else { return ServingGuard::new(|| {}) };
        let task = tokio::spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(endpoint_connection(stream, lambda.clone(), cx.clone()));
            }
        });
        ServingGuard::new(move || task.abort())
    }
}

async fn endpoint_connection(mut stream: tokio::net::TcpStream, lambda: std::sync::Weak<Lambda>, cx: Cx) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut head = vec![0; 4096];
    let count = stream.read(&mut head).await.unwrap_or(0);
    let head = String::from_utf8_lossy(&head[..count]).into_owned();
    let function = head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let Some(lambda) = lambda.upgrade() else { return };
    let call = nephos_core::ports::InvokeFunction {
        function,
        payload: Bytes::from_static(b"{}"),
        mode: nephos_core::ports::InvokeMode::RequestResponse,
    };
    let payload = match nephos_core::ports::Invoke::invoke(&*lambda, &cx, call).await {
        Ok(outcome) => outcome.payload,
        Err(fault) => fault.to_string().into(),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", payload.len());
    let _ = stream.write_all(&[head.as_bytes(), &payload].concat()).await;
}

/// The platform.
pub struct Harness {
    pub lambda: Arc<Lambda>,
    pub cx: Cx,
    pub clock: Clock,
    pub judge: Arc<Judge>,
    pub logs: Arc<Kept>,
    pub objects: Arc<Objects>,
    workers: Option<Workers>,
    _dir: tempfile::TempDir,
}

impl Harness {
    pub fn new() -> Harness {
        Harness::with(|_| {})
    }

    pub fn with(configure: impl FnOnce(&mut Config)) -> Harness {
        let dir = tempfile::tempdir().unwrap();
        let (clock, judge) = (Clock::system(), Arc::new(Judge::default()));
        let (logs, objects, endpoint) =
            (Arc::<Kept>::default(), Arc::<Objects>::default(), Arc::<Endpoint>::default());
        let origin = Origin { scheme: "http", authority: "localhost:4566".to_owned() };
        let platform = Arc::new(Platform {
            clock: clock.clone(),
            authorizer: judge.clone(),
            public_origin: origin.clone(),
        });
        let mut config = Config::new(dir.path().join("lambda"));
        share_runtimes(&config.dir);
        configure(&mut config);
        let deps = Deps {
            store: Store::memory(),
            blobs: Blobs::open(&dir.path().join("blobs")).unwrap(),
            sandbox: nephos_sandbox::Config { accept_degraded: true, ..Default::default() },
            objects: objects.clone(),
            logs: logs.clone(),
            endpoint: Some(endpoint.clone()),
            credentials: Arc::new(Issuer(clock.clone())),
            platform: platform.clone(),
        };
        let lambda = Arc::new(Lambda::new(config, deps).unwrap());
        let cx = Cx {
            principal: Arc::new(Principal::Root { account: AccountId::DEFAULT }),
            account: AccountId::DEFAULT,
            region: Default::default(),
            request_id: RequestId::new(),
            origin,
            keys: Arc::new(ContextKeys::new()),
            deadline: None,
            platform,
        };
        *endpoint.0.lock().unwrap() = Some((Arc::downgrade(&lambda), cx.clone()));
        let workers = Some(Workers::start(&lambda));
        Harness { lambda, cx, clock, judge, logs, objects, workers, _dir: dir }
    }

    /// Calls an operation as the root user.
    pub async fn call<O: OperationShape + 'static>(&self, input: O::Input) -> Result<O::Output, Fault>
    where
        O::Input: Clone + 'static,
        O::Output: 'static,
    {
        let cx = Cx { request_id: RequestId::new(), ..self.cx.clone() };
        nephos_wire::service::invoke::<O>(&*self.lambda, &cx, input).await
    }

    pub async fn create(
        &self,
        name: &str,
        runtime: &str,
        handler: &str,
        files: &[(&str, &str)],
    ) -> s::FunctionConfiguration {
        self.create_with(name, runtime, handler, files, |_| {}).await.unwrap()
    }

    pub async fn create_with(
        &self,
        name: &str,
        runtime: &str,
        handler: &str,
        files: &[(&str, &str)],
        change: impl FnOnce(&mut s::CreateFunctionRequest),
    ) -> Result<s::FunctionConfiguration, Fault> {
        let mut input = s::CreateFunctionRequest {
            function_name: Some(name.into()),
            runtime: Some(runtime.into()),
            handler: Some(handler.into()),
            role: Some(ROLE.into()),
            timeout: Some(10),
            code: Some(s::FunctionCode { zip_file: Some(zip_of(files)), ..Default::default() }),
            ..Default::default()
        };
        change(&mut input);
        self.call::<op::CreateFunction>(input).await
    }

    pub async fn try_invoke(&self, name: &str, payload: &str) -> Result<Answer, Fault> {
        let input = s::InvocationRequest {
            function_name: Some(name.into()),
            payload: Some(Bytes::from(payload.to_owned())),
            log_type: Some("Tail".into()),
            ..Default::default()
        };
        self.invoke_with(input).await
    }

    pub async fn invoke_with(&self, input: s::InvocationRequest) -> Result<Answer, Fault> {
        let output = self.call::<op::Invoke>(input).await?;
        let log = output.log_result.map(|log| String::from_utf8(STANDARD.decode(log).unwrap()).unwrap());
        Ok(Answer {
            payload: output.payload.unwrap_or_default(),
            error: output.function_error,
            version: output.executed_version,
            status: output.status_code,
            log: log.unwrap_or_default(),
        })
    }

    pub async fn invoke(&self, name: &str, payload: &str) -> Answer {
        self.try_invoke(name, payload).await.unwrap()
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.logs.0.lock().unwrap().iter().map(|(_, line)| line.message.clone()).collect()
    }

    /// Waits until `found` sees what it looks for among the lines.
    pub async fn wait_for(&self, what: &str, found: impl Fn(&[String]) -> bool) {
        let began = Instant::now();
        while !found(&self.lines()) {
            assert!(began.elapsed() < Duration::from_secs(10), "{what}: {:#?}", self.lines());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn stop_workers(&mut self) {
        self.workers = None;
    }
}

/// The runtimes' folders are named by what is in them, so all tests can use the same.
fn share_runtimes(dir: &std::path::Path) {
    let shared = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("runtimes");
    std::fs::create_dir_all(&shared).unwrap();
    std::fs::create_dir_all(dir).unwrap();
    std::os::unix::fs::symlink(shared, dir.join("runtimes")).unwrap();
}

/// What an invocation gave.
#[derive(Debug)]
pub struct Answer {
    pub payload: Bytes,
    pub error: Option<String>,
    pub version: Option<String>,
    pub status: Option<i32>,
    pub log: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_else(|_| panic!("{:?}", self.payload))
    }

    /// The answer of a function that did not fail.
    pub fn ok(&self) -> Value {
        assert_eq!(self.error, None, "{:?}\n{}", self.payload, self.log);
        self.json()
    }

    /// The error's type and message.
    pub fn failed(&self) -> (String, String) {
        assert_eq!(self.error.as_deref(), Some("Unhandled"), "{:?}", self.payload);
        let json = self.json();
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        (text("errorType"), text("errorMessage"))
    }
}

/// A zip; programs are files named `bootstrap` or beginning with `#!`.
pub fn zip_of(files: &[(&str, &str)]) -> Bytes {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let mode = if content.starts_with("#!") { 0o755 } else { 0o644 };
        zip.start_file(*name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner().into()
}

/// The newest Python of this host.
pub fn python() -> String {
    newest("python3.")
}

/// The newest Node.js of this host.
pub fn node() -> String {
    newest("nodejs")
}

fn newest(prefix: &str) -> String {
    let found = nephos_lambda::available_runtimes(&[]);
    let found = found.into_iter().map(|runtime| runtime.id).rfind(|id| id.starts_with(prefix));
    found.unwrap_or_else(|| panic!("these tests need {prefix} on the host"))
}
