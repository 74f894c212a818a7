//! Services that echo, access keys that are known, and a gateway over them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use nephos_core::ports::{Identify, IdentifyError, Identity};
use nephos_core::{
    Access, AccountId, Authorize, BoxFuture, Clock, Cx, Denied, Fault, Origin, Platform, Principal, Timestamp,
};
use nephos_gateway::{Builder, Config, Gateway};
use nephos_sigv4::Signer;
use nephos_wire::service::AnyShape;
use nephos_wire::{
    Absent, Admission, Body, BodyError, BucketCors, HostHandler, Operation, Place, Protocol, Request,
    Response, Service, ServiceModel, Structure, Visit,
};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

static UNIT: Structure = Structure { name: "Unit", members: &[], payload: None, xml_name: None };

const fn operation(name: &'static str, method: &'static str, uri: &'static str) -> Operation {
    Operation {
        name,
        method,
        uri,
        status: 200,
        input: &UNIT,
        output: &UNIT,
        wrapper: None,
        streaming_input: false,
        streaming_output: false,
        unsigned: false,
    }
}

const fn unsigned(name: &'static str) -> Operation {
    Operation { unsigned: true, ..operation(name, "POST", "/") }
}

const fn rpc(name: &'static str) -> Operation {
    operation(name, "POST", "/")
}

const fn model(
    name: &'static str,
    protocol: Protocol,
    operations: &'static [&'static Operation],
) -> ServiceModel {
    ServiceModel {
        name,
        signing_name: name,
        endpoint_prefix: name,
        protocol,
        target_prefix: None,
        api_version: "",
        xml_namespace: None,
        error_namespace: "",
        errors: &[],
        validation_code: "ValidationException",
        validates: false,
        members_not_null: false,
        operations,
        absent: &[],
    }
}

static PUT_ITEM: Operation = rpc("PutItem");
static LIST_STREAMS: Operation = rpc("ListStreams");
static INITIATE_AUTH: Operation = unsigned("InitiateAuth");
static ADMIN_GET_USER: Operation = rpc("AdminGetUser");
static GET_CALLER_IDENTITY: Operation = rpc("GetCallerIdentity");
static WEB_IDENTITY: Operation = unsigned("AssumeRoleWithWebIdentity");
static CREATE_USER: Operation = rpc("CreateUser");
static INVOKE: Operation = operation("Invoke", "POST", "/2015-03-31/functions/{FunctionName}/invocations");
static LIST_FUNCTIONS: Operation = operation("ListFunctions", "GET", "/2015-03-31/functions/");
static LIST_BUCKETS: Operation = operation("ListBuckets", "GET", "/");
static CREATE_BUCKET: Operation = operation("CreateBucket", "PUT", "/{Bucket}");
static PUT_BUCKET_TAGGING: Operation = operation("PutBucketTagging", "PUT", "/{Bucket}?tagging");
static GET_OBJECT: Operation = operation("GetObject", "GET", "/{Bucket}/{Key+}");
static PUT_OBJECT: Operation =
    Operation { streaming_input: true, ..operation("PutObject", "PUT", "/{Bucket}/{Key+}") };

static DYNAMODB: ServiceModel = ServiceModel {
    target_prefix: Some("DynamoDB_20120810"),
    absent: &[Absent { name: "RestoreTable", method: "POST", uri: "/" }],
    ..model("dynamodb", Protocol::AwsJson10, &[&PUT_ITEM])
};
static STREAMS: ServiceModel = ServiceModel {
    signing_name: "dynamodb",
    endpoint_prefix: "streams.dynamodb",
    target_prefix: Some("DynamoDBStreams_20120810"),
    ..model("dynamodbstreams", Protocol::AwsJson10, &[&LIST_STREAMS])
};
static COGNITO: ServiceModel = ServiceModel {
    target_prefix: Some("AWSCognitoIdentityProviderService"),
    ..model("cognito-idp", Protocol::AwsJson11, &[&INITIATE_AUTH, &ADMIN_GET_USER])
};
static STS: ServiceModel = ServiceModel {
    api_version: "2011-06-15",
    ..model("sts", Protocol::Query, &[&GET_CALLER_IDENTITY, &WEB_IDENTITY])
};
static IAM: ServiceModel =
    ServiceModel { api_version: "2010-05-08", ..model("iam", Protocol::Query, &[&CREATE_USER]) };
static LAMBDA: ServiceModel = ServiceModel {
    absent: &[Absent { name: "ListLayers", method: "GET", uri: "/2018-10-31/layers" }],
    ..model("lambda", Protocol::RestJson, &[&INVOKE, &LIST_FUNCTIONS])
};
static S3: ServiceModel = ServiceModel {
    absent: &[Absent { name: "GetBucketReplication", method: "GET", uri: "/{Bucket}?replication" }],
    ..model(
        "s3",
        Protocol::RestXml,
        &[&LIST_BUCKETS, &CREATE_BUCKET, &PUT_BUCKET_TAGGING, &GET_OBJECT, &PUT_OBJECT],
    )
};

/// Echoes what reached it.
struct Echo(&'static ServiceModel);

impl Service for Echo {
    fn model(&self) -> &'static ServiceModel {
        self.0
    }

    fn call<'a>(
        &'a self,
        cx: &'a Cx,
        operation: &'static Operation,
        request: Request,
    ) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            match request.headers.get("x-test").map(|value| value.as_bytes()) {
                Some(b"panic") => panic!("as the test asked"),
                Some(b"slow") => tokio::time::sleep(Duration::from_millis(400)).await,
                Some(b"large") => return Response::new(Body::from(vec![b'x'; 3_000_000])),
                _ => {}
            }
            let description = describe(cx, &request);
            match request.body.collect_with_trailers(1 << 30).await {
                Ok((body, trailers)) => {
                    echo(description, self.0.name, operation.name, &body, trailers.as_ref())
                }
                Err(BodyError::Fault(fault)) => nephos_wire::fault::response(self.0, &fault, &cx.request_id),
                Err(error) => {
                    let fault = Fault::new("IncompleteBody", error.to_string());
                    nephos_wire::fault::response(self.0, &fault, &cx.request_id)
                }
            }
        })
    }

    fn invoke<'a>(
        &'a self,
        _: &'a Cx,
        _: &'static Operation,
        _: AnyShape,
    ) -> BoxFuture<'a, Result<AnyShape, Fault>> {
        Box::pin(async { Err(Fault::internal()) })
    }
}

fn header_json(headers: &HeaderMap) -> serde_json::Value {
    let pairs = headers.iter().map(|(n, v)| (n.to_string(), json!(String::from_utf8_lossy(v.as_bytes()))));
    serde_json::Value::Object(pairs.collect())
}

fn describe(cx: &Cx, request: &Request) -> serde_json::Value {
    json!({
        "principal": cx.principal.display_name(),
        "account": cx.account.as_str(),
        "region": cx.region.as_str(),
        "origin": cx.origin.url(),
        "request_id": cx.request_id.as_str(),
        "keys": cx.keys.iter().map(|(k, v)| (k.to_owned(), json!(v))).collect::<serde_json::Map<_, _>>(),
        "path": request.path,
        "query": request.query,
        "labels": request.labels,
        "headers": header_json(&request.headers),
        "length": request.body.length(),
    })
}

fn echo(
    mut description: serde_json::Value,
    service: &str,
    operation: &str,
    body: &[u8],
    trailers: Option<&HeaderMap>,
) -> Response {
    description["service"] = json!(service);
    description["operation"] = json!(operation);
    description["body_length"] = json!(body.len());
    description["body"] = json!(String::from_utf8_lossy(&body[..body.len().min(200)]));
    description["trailers"] = json!(trailers.map(header_json));
    Response::new(Body::from(description.to_string()))
}

/// A place that echoes; `closed...` does not exist, `signed...` demands a signature.
struct EchoPlace(Place);

impl HostHandler for EchoPlace {
    fn admission<'a>(&'a self, _: &'a Cx, visit: &'a Visit) -> BoxFuture<'a, Result<Admission, Response>> {
        let admission = if visit.name.starts_with("closed") {
            let mut response = Response::new(Body::from("no such place"));
            *response.status_mut() = StatusCode::NOT_FOUND;
            Err(response)
        } else if visit.name.starts_with("signed") {
            Ok(Admission::Signed { service: "lambda", max_body_bytes: 1000 })
        } else {
            Ok(Admission::Open)
        };
        Box::pin(std::future::ready(admission))
    }

    fn visit<'a>(&'a self, cx: &'a Cx, visit: Visit) -> BoxFuture<'a, Response> {
        Box::pin(async move {
            let mut answer = json!({
                "place": format!("{:?}", self.0),
                "name": visit.name,
                "region": visit.region.map(|r| r.to_string()),
                "base": visit.base,
                "path": visit.path,
                "query": visit.query,
                "principal": cx.principal.display_name(),
                "origin": cx.origin.url(),
                "headers": header_json(&visit.headers),
            });
            let body = visit.body.collect(1 << 20).await.unwrap();
            answer["body"] = json!(String::from_utf8_lossy(&body));
            Response::new(Body::from(answer.to_string()))
        })
    }

    fn refuse(&self, _: &Cx, fault: &Fault) -> Response {
        let mut response = Response::new(Body::from(format!("refused: {}", fault.code)));
        *response.status_mut() = StatusCode::FORBIDDEN;
        response
    }
}

struct Rules;

impl BucketCors for Rules {
    fn preflight<'a>(
        &'a self,
        _: &'a Cx,
        bucket: &'a str,
        key: Option<&'a str>,
        _: &'a HeaderMap,
    ) -> BoxFuture<'a, Response> {
        let answer = format!("preflight of {bucket} {key:?}");
        Box::pin(async move { Response::new(Body::from(answer)) })
    }

    fn answer_headers<'a>(
        &'a self,
        _: &'a Cx,
        bucket: &'a str,
        method: &'a Method,
        _: &'a HeaderMap,
    ) -> BoxFuture<'a, HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert("x-test-cors", format!("{method} {bucket}").parse().unwrap());
        Box::pin(async move { headers })
    }
}

/// `AKID` has the secret `secret`; `ASIA` needs the token `token`.
pub struct Keys;

impl Identify for Keys {
    fn identify<'a>(
        &'a self,
        access_key_id: &'a str,
        session_token: Option<&'a str>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Identity, IdentifyError>> {
        let outcome = match (access_key_id, session_token) {
            ("AKID", None) | ("ASIA", Some("token")) => Ok(Identity {
                secret_access_key: "secret".to_owned(),
                principal: Arc::new(Principal::Root { account: account() }),
            }),
            ("ASIA", Some("old")) => Err(IdentifyError::ExpiredToken),
            ("AKID" | "ASIA", _) => Err(IdentifyError::InvalidToken),
            _ => Err(IdentifyError::UnknownKey),
        };
        Box::pin(std::future::ready(outcome))
    }
}

struct AllowAll;

impl Authorize for AllowAll {
    fn authorize(&self, _: &Cx, _: &Access) -> Result<(), Denied> {
        Ok(())
    }
}

pub fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

/// A signer with the known key.
pub fn signer(service: &str) -> Signer {
    Signer {
        access_key_id: "AKID".to_owned(),
        secret_access_key: "secret".to_owned(),
        session_token: None,
        region: "eu-central-2".to_owned(),
        service: service.to_owned(),
    }
}

pub fn now() -> Timestamp {
    Clock::system().now()
}

pub fn platform() -> Arc<Platform> {
    Arc::new(Platform {
        clock: Clock::system(),
        authorizer: Arc::new(AllowAll),
        public_origin: Origin { scheme: "http", authority: "localhost:4566".to_owned() },
    })
}

pub fn builder(config: Config) -> Builder {
    let mut builder = Gateway::builder(config, platform(), Arc::new(Keys));
    for model in [&DYNAMODB, &STREAMS, &COGNITO, &STS, &IAM, &LAMBDA, &S3] {
        builder = builder.service(Arc::new(Echo(model)));
    }
    for place in
        [Place::Website, Place::FunctionUrl, Place::SignIn, Place::UserPool, Place::Upload, Place::Platform]
    {
        builder = builder.site(place, Arc::new(EchoPlace(place)));
    }
    builder.bucket_cors(Arc::new(Rules))
}

/// A gateway that serves until it is told to stop.
pub struct Running {
    pub gateway: Gateway,
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<usize>,
}

impl Running {
    pub async fn start(config: Config) -> Self {
        let gateway = builder(config).build().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = gateway.clone();
        let served =
            tokio::spawn(async move { serving.serve(listener, async { drop(stopped.await) }).await });
        Running { gateway, address, stop, served }
    }

    /// Tells it to stop; how many connections were cut off.
    pub async fn stop(self) -> usize {
        self.stop.send(()).unwrap();
        self.served.await.unwrap()
    }
}
