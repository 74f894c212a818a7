use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use nephos_core::Principal;
use nephos_lambda::shapes::{self as s, op};
use nephos_wire::{Admission, Body, HostHandler, Response, Visit};
use serde_json::Value;

use crate::harness::{Harness, python};

trials! { a_url_is_visited, both_permissions_are_needed, browsers_are_answered, configurations }

const CODE: &str = r#"
def handler(event, context):
    path = event["rawPath"]
    if path == "/event": return event
    if path == "/made": return {"statusCode": 201, "headers": {"x-made": "yes"}, "cookies": ["a=1"], "body": "<p>", "isBase64Encoded": False}
    if path == "/broken": raise ValueError("no")
    return "plain"
"#;

async fn with_url(auth_type: &str, cors: Option<s::Cors>) -> (Harness, String) {
    let h = Harness::new();
    h.create("f", &python(), "app.handler", &[("app.py", CODE)]).await;
    let create = s::CreateFunctionUrlConfigRequest {
        function_name: Some("f".into()),
        auth_type: Some(auth_type.into()),
        cors,
        ..Default::default()
    };
    let url = h.call::<op::CreateFunctionUrlConfig>(create).await.unwrap().function_url.unwrap();
    let id = url.strip_prefix("http://").unwrap().split('.').next().unwrap().to_owned();
    assert_eq!(url, format!("http://{id}.lambda-url.us-east-1.localhost:4566/"));
    (h, id)
}

fn visit(id: &str, method: Method, path: &str, body: &'static str) -> Visit {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("text/plain"));
    headers.insert("origin", HeaderValue::from_static("http://app.localhost"));
    Visit {
        name: id.into(),
        region: None,
        base: String::new(),
        method,
        path: path.into(),
        query: "a=1".into(),
        headers,
        body: Body::from(body),
    }
}

async fn get(h: &Harness, id: &str, path: &str) -> Response {
    let cx = h.cx.as_principal(Principal::Anonymous);
    h.lambda.visit(&cx, visit(id, Method::POST, path, "body")).await
}

async fn text(response: Response) -> Bytes {
    response.into_body().collect(1 << 20).await.unwrap()
}

async fn a_url_is_visited() {
    let (h, id) = with_url("NONE", None).await;
    let cx = h.cx.as_principal(Principal::Anonymous);
    assert_eq!(h.lambda.admission(&cx, &visit(&id, Method::GET, "/", "")).await.unwrap(), Admission::Open);
    let event: Value = serde_json::from_slice(&text(get(&h, &id, "/event").await).await).unwrap();
    assert_eq!(event["version"], "2.0");
    assert_eq!(
        (&event["body"], &event["queryStringParameters"]["a"]),
        (&Value::from("body"), &Value::from("1"))
    );
    assert_eq!(event["requestContext"]["apiId"], id.as_str());
    let made = get(&h, &id, "/made").await;
    assert_eq!((made.status().as_u16(), &made.headers()["x-made"]), (201, &HeaderValue::from_static("yes")));
    assert_eq!(made.headers()["set-cookie"], "a=1");
    assert_eq!(text(made).await, "<p>");
    let broken = get(&h, &id, "/broken").await;
    assert_eq!(broken.status(), 502);
    assert_eq!(text(broken).await, "Internal Server Error");
    assert_eq!(text(get(&h, &id, "/").await).await, "\"plain\"");
    assert_eq!(get(&h, "unknown", "/").await.status(), 403);
}

async fn both_permissions_are_needed() {
    let (h, id) = with_url("AWS_IAM", None).await;
    let cx = h.cx.as_principal(Principal::Anonymous);
    let admission = h.lambda.admission(&cx, &visit(&id, Method::GET, "/", "")).await.unwrap();
    assert!(matches!(admission, Admission::Signed { service: "lambda", .. }));
    for action in ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"] {
        h.judge.denied.lock().unwrap().insert(action.into());
        let refused = get(&h, &id, "/").await;
        assert_eq!(refused.status(), 403);
        assert!(text(refused).await.starts_with(b"{\"Message\":\"Forbidden. For troubleshooting"));
        h.judge.denied.lock().unwrap().clear();
    }
    assert_eq!(get(&h, &id, "/").await.status(), 200);
    let asked = h.judge.asked.lock().unwrap();
    let url = asked.iter().rfind(|access| access.action == "lambda:InvokeFunctionUrl").unwrap();
    assert_eq!(url.keys.get("lambda:FunctionUrlAuthType"), Some(&["AWS_IAM".to_owned()][..]));
    let function = asked.iter().rfind(|access| access.action == "lambda:InvokeFunction").unwrap();
    assert_eq!(function.keys.get("lambda:InvokedViaFunctionUrl"), Some(&["true".to_owned()][..]));
}

async fn browsers_are_answered() {
    let cors = s::Cors {
        allow_origins: Some(vec!["*".into()]),
        allow_methods: Some(vec!["POST".into()]),
        allow_headers: Some(vec!["authorization".into()]),
        ..Default::default()
    };
    let (h, id) = with_url("AWS_IAM", Some(cors)).await;
    let cx = h.cx.as_principal(Principal::Anonymous);
    let mut question = visit(&id, Method::OPTIONS, "/", "");
    question.headers.insert("access-control-request-method", HeaderValue::from_static("POST"));
    assert_eq!(h.lambda.admission(&cx, &question).await.unwrap(), Admission::Open);
    let answer = h.lambda.visit(&cx, question).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-methods"], "POST");
    let real = get(&h, &id, "/").await;
    assert_eq!(real.headers()["access-control-allow-origin"], "http://app.localhost");
}

async fn configurations() {
    let (h, id) = with_url("NONE", None).await;
    let create = s::CreateFunctionUrlConfigRequest {
        function_name: Some("f".into()),
        auth_type: Some("NONE".into()),
        ..Default::default()
    };
    let again = h.call::<op::CreateFunctionUrlConfig>(create.clone()).await.unwrap_err();
    assert!(again.message.ends_with("FunctionUrlConfig exists for this Lambda function"), "{again}");
    let streaming =
        s::CreateFunctionUrlConfigRequest { invoke_mode: Some("RESPONSE_STREAM".into()), ..create };
    let streaming = h.call::<op::CreateFunctionUrlConfig>(streaming).await.unwrap_err();
    assert!(streaming.message.contains("RESPONSE_STREAM"), "{streaming}");
    let update = s::UpdateFunctionUrlConfigRequest {
        function_name: Some("f".into()),
        auth_type: Some("AWS_IAM".into()),
        ..Default::default()
    };
    let updated = h.call::<op::UpdateFunctionUrlConfig>(update).await.unwrap();
    assert_eq!(updated.auth_type.as_deref(), Some("AWS_IAM"));
    let list = s::ListFunctionUrlConfigsRequest { function_name: Some("f".into()), ..Default::default() };
    let list = h.call::<op::ListFunctionUrlConfigs>(list).await.unwrap().function_url_configs.unwrap();
    assert!(list[0].function_url.as_ref().unwrap().contains(&id));
    let delete = s::DeleteFunctionUrlConfigRequest { function_name: Some("f".into()), qualifier: None };
    h.call::<op::DeleteFunctionUrlConfig>(delete.clone()).await.unwrap();
    assert_eq!(h.call::<op::DeleteFunctionUrlConfig>(delete).await.unwrap_err().status, 404);
    assert_eq!(get(&h, &id, "/").await.status(), 403);
}
