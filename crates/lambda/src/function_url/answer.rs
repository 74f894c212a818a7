//! The answer that a function's result becomes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderName, HeaderValue, StatusCode};
use nephos_wire::{Body, Response};
use serde::Deserialize;
use serde_json::{Map, Value};

/// An answer that says itself what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Structured {
    status_code: Value,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

/// Reads a result. With a `statusCode` it describes the answer; without, it is the answer's body. Nothing is returned
/// for a description that makes no sense.
pub fn read(payload: Bytes) -> Option<Response> {
    let value: Value = serde_json::from_slice(&payload).ok()?;
    if value.get("statusCode").is_none() {
        return Some(plain(payload));
    }
    structured(serde_json::from_value(value).ok()?)
}

fn plain(payload: Bytes) -> Response {
    let mut response = Response::new(Body::from(payload));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn structured(answer: Structured) -> Option<Response> {
    let status = answer.status_code.as_u64().or_else(|| answer.status_code.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    let body = match answer.body.unwrap_or(Value::Null) {
        Value::Null => Bytes::new(),
        Value::String(text) if answer.is_base64_encoded == Some(true) => STANDARD.decode(text).ok()?.into(),
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    for (name, value) in answer.headers.unwrap_or_default() {
        let value = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // How the body is framed is not for the function to say.
        if !matches!(name.as_str(), "content-length" | "transfer-encoding" | "connection") {
            response.headers_mut().insert(name, HeaderValue::from_str(&value).ok()?);
        }
    }
    for cookie in answer.cookies.unwrap_or_default() {
        response.headers_mut().append(SET_COOKIE, HeaderValue::from_str(&cookie).ok()?);
    }
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().entry(CONTENT_TYPE).or_insert(json);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(response: Response) -> Bytes {
        response.into_body().collect(1000).await.unwrap()
    }

    #[tokio::test]
    async fn a_described_answer() {
        let payload = r#"{"statusCode":201,"headers":{"X-A":"1","content-length":"999","n":2},"cookies":["a=1","b=2"],
            "body":"aGk=","isBase64Encoded":true}"#;
        let response = read(Bytes::from_static(payload.as_bytes())).unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["x-a"], "1");
        assert_eq!(response.headers()["n"], "2");
        assert_eq!(response.headers().get_all(SET_COOKIE).iter().count(), 2);
        assert!(!response.headers().contains_key("content-length"));
        assert_eq!(body(response).await, "hi");
    }

    #[tokio::test]
    async fn a_plain_answer() {
        for payload in ["\"hello\"", "{\"a\":1}", "[1]", "null"] {
            let response = read(Bytes::from_static(payload.as_bytes())).unwrap();
            assert_eq!(
                (response.status(), &response.headers()[CONTENT_TYPE]),
                (StatusCode::OK, &"application/json".parse().unwrap())
            );
            assert_eq!(body(response).await, payload);
        }
    }

    #[test]
    fn nonsense_is_no_answer() {
        for payload in [
            "no json",
            r#"{"statusCode":"x"}"#,
            r#"{"statusCode":99}"#,
            r#"{"statusCode":200,"headers":{"a b":"1"}}"#,
            r#"{"statusCode":200,"headers":{"a":"\n"}}"#,
            r#"{"statusCode":200,"body":"%","isBase64Encoded":true}"#,
        ] {
            assert!(read(Bytes::from_static(payload.as_bytes())).is_none(), "{payload}");
        }
    }
}
