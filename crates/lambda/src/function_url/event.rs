//! The event that a visit becomes: payload format 2.0.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use nephos_core::{Cx, Principal, Timestamp};
use nephos_wire::Visit;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::header;
use crate::records::UrlRecord;

/// Builds the event.
pub fn build(cx: &Cx, url: &UrlRecord, visit: &Visit, body: &Bytes) -> Value {
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": visit.path,
        "rawQueryString": visit.query,
        "headers": headers(cx, visit),
        "requestContext": context(cx, url, visit),
        "isBase64Encoded": false,
    });
    let cookies: Vec<&str> = header(&visit.headers, http::header::COOKIE)
        .map(|cookies| cookies.split(';').map(str::trim).filter(|cookie| !cookie.is_empty()).collect())
        .unwrap_or_default();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    let query = query(&visit.query);
    if !query.is_empty() {
        event["queryStringParameters"] = json!(query);
    }
    if !body.is_empty() {
        let text = std::str::from_utf8(body).ok().filter(|_| is_text(&visit.headers));
        event["isBase64Encoded"] = json!(text.is_none());
        event["body"] = text.map_or_else(|| json!(STANDARD.encode(body)), |text| json!(text));
    }
    event
}

fn headers(cx: &Cx, visit: &Visit) -> Map<String, Value> {
    let mut joined: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &visit.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert_with(|| value.into_owned());
    }
    joined.entry("host".to_owned()).or_insert_with(|| cx.origin.authority.clone());
    joined.insert("x-forwarded-proto".to_owned(), cx.origin.scheme.to_owned());
    let port = cx.origin.port_suffix().trim_start_matches(':');
    let port = if port.is_empty() { if cx.origin.scheme == "https" { "443" } else { "80" } } else { port };
    joined.insert("x-forwarded-port".to_owned(), port.to_owned());
    joined.insert("x-forwarded-for".to_owned(), source_ip(cx).to_owned());
    joined.into_iter().map(|(name, value)| (name, Value::String(value))).collect()
}

fn source_ip(cx: &Cx) -> &str {
    cx.keys.get("aws:SourceIp").and_then(|values| values.first()).map_or("127.0.0.1", String::as_str)
}

fn context(cx: &Cx, url: &UrlRecord, visit: &Visit) -> Value {
    let now = cx.now();
    let host = header(&visit.headers, http::header::HOST).unwrap_or(&cx.origin.authority);
    let domain = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let mut context = json!({
        "accountId": "anonymous",
        "apiId": url.id,
        "domainName": domain,
        "domainPrefix": url.id,
        "http": {
            "method": visit.method.as_str(),
            "path": visit.path,
            "protocol": "HTTP/1.1",
            "sourceIp": source_ip(cx),
            "userAgent": header(&visit.headers, http::header::USER_AGENT).unwrap_or_default(),
        },
        "requestId": cx.request_id.as_str(),
        "routeKey": "$default",
        "stage": "$default",
        "time": common_log_time(now),
        "timeEpoch": now.millis(),
    });
    if let (Some(account), Some(arn)) = (cx.principal.account(), cx.principal.arn()) {
        context["accountId"] = json!(account.as_str());
        context["authorizer"] = json!({ "iam": {
            "accountId": account.as_str(),
            "callerId": cx.principal.user_id(),
            "cognitoIdentity": cognito(&cx.principal),
            "principalOrgId": null,
            "userArn": arn.to_string(),
            "userId": cx.principal.user_id(),
        } });
    }
    context
}

fn cognito(principal: &Principal) -> Value {
    let Some(keys) = principal.session().map(|session| &session.keys) else { return Value::Null };
    let one = |name: &str| keys.get(name).and_then(|values| values.first());
    let Some(identity) = one("cognito-identity.amazonaws.com:sub") else { return Value::Null };
    json!({
        "identityId": identity,
        "identityPoolId": one("cognito-identity.amazonaws.com:aud"),
        "amr": keys.get("cognito-identity.amazonaws.com:amr"),
    })
}

/// `22/Nov/2026:12:34:56 +0000`.
fn common_log_time(at: Timestamp) -> String {
    let http = at.http_date();
    // Sun, 22 Nov 2026 12:34:56 GMT
    let parts: Vec<&str> = http.split(' ').collect();
    match parts[..] {
        [_, day, month, year, time, _] => format!("{day}/{month}/{year}:{time} +0000"),
        _ => http,
    }
}

/// Parameters, decoded; several values of a name are joined by commas.
fn query(raw: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value);
        parameters
            .entry(decode(name))
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert_with(|| value.clone());
    }
    parameters
}

/// Bodies of these types are text; all others are sent in base64.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = header(headers, http::header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || matches!(kind.as_str(), "application/json" | "application/javascript" | "application/xml")
        || (kind.starts_with("application/") && (kind.ends_with("+json") || kind.ends_with("+xml")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Method};

    fn visit(content_type: &'static str) -> Visit {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        headers.insert("cookie", HeaderValue::from_static("a=1; b=2"));
        headers.append("x-many", HeaderValue::from_static("1"));
        headers.append("x-many", HeaderValue::from_static("2"));
        headers.insert("host", HeaderValue::from_static("abc.lambda-url.us-east-1.localhost:4566"));
        Visit {
            name: "abc".into(),
            region: None,
            base: String::new(),
            method: Method::POST,
            path: "/a%20b".into(),
            query: "x=1&x=2&y=%C3%A9".into(),
            headers,
            body: Default::default(),
        }
    }

    fn url() -> UrlRecord {
        UrlRecord {
            id: "abc".into(),
            auth_type: "NONE".into(),
            cors: None,
            created_millis: 0,
            modified_millis: 0,
        }
    }

    #[test]
    fn a_visit_becomes_an_event() {
        let cx = crate::testing::cx().as_principal(Principal::Anonymous);
        let event = build(&cx, &url(), &visit("application/json; charset=utf-8"), &Bytes::from_static(b"{}"));
        assert_eq!(event["body"], "{}");
        assert_eq!(event["isBase64Encoded"], false);
        assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        assert_eq!(event["headers"]["x-many"], "1,2");
        assert_eq!(event["queryStringParameters"], json!({ "x": "1,2", "y": "é" }));
        assert_eq!(event["rawPath"], "/a%20b");
        assert_eq!(event["requestContext"]["accountId"], "anonymous");
        assert_eq!(event["requestContext"]["http"]["method"], "POST");
        assert_eq!(event["requestContext"]["domainName"], "abc.lambda-url.us-east-1.localhost");
        assert!(event["requestContext"]["time"].as_str().unwrap().ends_with(" +0000"));
        let signed = build(&crate::testing::cx(), &url(), &visit("x/y"), &Bytes::new());
        let caller = &signed["requestContext"]["authorizer"]["iam"];
        assert_eq!(caller["userArn"], "arn:aws:iam::000000000000:root");
        assert!(signed["body"].is_null());
    }

    #[test]
    fn what_is_no_text_is_base64() {
        let cx = crate::testing::cx();
        let event = build(&cx, &url(), &visit("application/json"), &Bytes::from_static(b"\xff"));
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("/w=="), &json!(true)));
        let form =
            build(&cx, &url(), &visit("application/x-www-form-urlencoded"), &Bytes::from_static(b"a=1"));
        assert_eq!(form["isBase64Encoded"], true);
    }
}
