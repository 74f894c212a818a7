//! What a request costs before its service sees it, in processor time: `cargo bench -p nephos-gateway`.
//!
//! The first table is the parts by themselves; the second is whole requests over a keep-alive connection, the CPU time
//! being that of the thread that serves, kernel included.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Method};
use nephos_core::ports::{Identify, IdentifyError, Identity};
use nephos_core::{
    Access, AccountId, Authorize, BoxFuture, Clock, Cx, Denied, Fault, Origin, Platform, Principal, Timestamp,
};
use nephos_gateway::route::{Ask, route};
use nephos_gateway::{Config, Gateway, host};
use nephos_sigv4::sign::Request as ToSign;
use nephos_sigv4::{Head, KeyCache, PathRules, Payload, Signer, parse, sha256_hex};
use nephos_wire::service::AnyShape;
use nephos_wire::{Body, Operation, Protocol, Request, Response, Service, ServiceModel, Structure};

static UNIT: Structure = Structure { name: "Unit", members: &[], payload: None, xml_name: None };
static PUT_ITEM: Operation = Operation {
    name: "PutItem",
    method: "POST",
    uri: "/",
    status: 200,
    input: &UNIT,
    output: &UNIT,
    wrapper: None,
    streaming_input: false,
    streaming_output: false,
    unsigned: false,
};
static MODEL: ServiceModel = ServiceModel {
    name: "dynamodb",
    signing_name: "dynamodb",
    endpoint_prefix: "dynamodb",
    protocol: Protocol::AwsJson10,
    target_prefix: Some("DynamoDB_20120810"),
    api_version: "",
    xml_namespace: None,
    error_namespace: "",
    errors: &[],
    validation_code: "ValidationException",
    validates: false,
    members_not_null: false,
    operations: &[&PUT_ITEM],
    absent: &[],
};

struct Empty;

impl Service for Empty {
    fn model(&self) -> &'static ServiceModel {
        &MODEL
    }

    fn call<'a>(&'a self, _: &'a Cx, _: &'static Operation, _: Request) -> BoxFuture<'a, Response> {
        Box::pin(std::future::ready(Response::new(Body::from("{}"))))
    }

    fn invoke<'a>(
        &'a self,
        _: &'a Cx,
        _: &'static Operation,
        _: AnyShape,
    ) -> BoxFuture<'a, Result<AnyShape, Fault>> {
        Box::pin(std::future::ready(Err(Fault::internal())))
    }
}

struct Keys(Arc<Principal>);

impl Identify for Keys {
    fn identify<'a>(
        &'a self,
        _: &'a str,
        _: Option<&'a str>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Identity, IdentifyError>> {
        let identity = Identity { secret_access_key: "secret".to_owned(), principal: Arc::clone(&self.0) };
        Box::pin(std::future::ready(Ok(identity)))
    }
}

struct AllowAll;

impl Authorize for AllowAll {
    fn authorize(&self, _: &Cx, _: &Access) -> Result<(), Denied> {
        Ok(())
    }
}

fn gateway() -> Gateway {
    let platform = Platform {
        clock: Clock::system(),
        authorizer: Arc::new(AllowAll),
        public_origin: Origin { scheme: "http", authority: "localhost:4566".to_owned() },
    };
    let keys = Keys(Arc::new(Principal::Root { account: AccountId::DEFAULT }));
    let builder = Gateway::builder(Config::default(), Arc::new(platform), Arc::new(keys));
    builder.service(Arc::new(Empty)).build().unwrap()
}

const BODY: &str =
    r#"{"TableName":"notes","Item":{"id":{"S":"0b7c"},"text":{"S":"a note of ordinary length"}}}"#;

/// A PutItem as botocore sends it.
fn signed() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "localhost:4566"),
        ("x-amz-target", "DynamoDB_20120810.PutItem"),
        ("content-type", "application/x-amz-json-1.0"),
        (
            "user-agent",
            "Boto3/1.43.11 md/Botocore#1.43.11 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.11.7",
        ),
        ("amz-sdk-invocation-id", "0d9e3c3c-7a52-4a53-9f0c-5c3b7d7f2f4a"),
        ("amz-sdk-request", "attempt=1"),
        ("accept-encoding", "identity"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let signer = Signer {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: "dynamodb".to_owned(),
    };
    let request = ToSign { method: "POST", path: "/", query: "" };
    let payload = Payload::Sha256(sha256_hex(BODY.as_bytes()));
    signer.sign_headers(&request, &mut headers, &payload, Clock::system().now()).unwrap();
    headers
}

fn measure(name: &str, mut work: impl FnMut()) {
    const ROUNDS: u32 = 200_000;
    (0..1000).for_each(|_| work());
    let begun = Instant::now();
    (0..ROUNDS).for_each(|_| work());
    println!("{name:<44}{:>9.2} us", begun.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
}

fn parts(gateway: &Gateway) {
    let (headers, keys, now) = (signed(), KeyCache::default(), Clock::system().now());
    let head = Head { method: "POST", path: "/", query: "", headers: &headers };
    measure("signature: parse, check, verify", || {
        let claim = parse(&head).unwrap().unwrap();
        claim.check(&head, PathRules::Standard, now).unwrap();
        let payload = Payload::Sha256(sha256_hex(BODY.as_bytes()));
        claim.verify(&head, PathRules::Standard, &payload, "secret", &keys).unwrap();
    });
    measure("route: host and table", || {
        let name = host::name_of("localhost:4566");
        let ask = Ask {
            method: &Method::POST,
            host: host::read(&name, &[]),
            path: "/",
            query: "",
            headers: &headers,
            registry: gateway.registry(),
        };
        std::hint::black_box(route(&ask));
    });
}

/// The calling thread's processor time.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn whole(connections: usize) {
    const PER_CONNECTION: u32 = 20_000;
    let (tell, told) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            tell.send((listener.local_addr().unwrap(), stop)).unwrap();
            let begun = thread_cpu();
            gateway().serve(listener, async { drop(stopped.await) }).await;
            thread_cpu() - begun
        })
    });
    let (address, stop) = told.recv().unwrap();
    let mut text = "POST / HTTP/1.1\r\n".to_owned();
    for (name, value) in &signed() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{BODY}", BODY.len()));
    let begun = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let text = text.clone();
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut answer = [0; 4096];
                for _ in 0..PER_CONNECTION {
                    stream.write_all(text.as_bytes()).unwrap();
                    let length = stream.read(&mut answer).unwrap();
                    assert!(
                        answer[..length].starts_with(b"HTTP/1.1 200"),
                        "{}",
                        String::from_utf8_lossy(&answer)
                    );
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    let elapsed = begun.elapsed();
    stop.send(()).unwrap();
    let cpu = server.join().unwrap();
    let requests = f64::from(PER_CONNECTION) * connections as f64;
    println!(
        "{:<44}{:>9.2} us CPU, {:>7.0} requests/s",
        format!("PutItem over {connections} connections"),
        cpu.as_secs_f64() * 1e6 / requests,
        requests / elapsed.as_secs_f64()
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let gateway = runtime.block_on(async { gateway() });
    parts(&gateway);
    [1, 8].into_iter().for_each(whole);
}
