//! Faults in each protocol's form.

use http::header::CONTENT_TYPE;
use nephos_core::{Fault, RequestId};
use nephos_wire::{Body, Protocol, ReadError, ServiceModel, fault};
use serde_json::{Value as Json, json};

use crate::round_trip::{AWS_JSON, QUERY, REST_XML};
use crate::shapes::MODEL;

static DYNAMODB: ServiceModel = ServiceModel {
    protocol: Protocol::AwsJson10,
    error_namespace: "com.amazonaws.dynamodb.v20120810",
    ..MODEL
};

fn answer(model: &ServiceModel, fault: &Fault) -> (u16, http::HeaderMap, String) {
    let (parts, body) = fault::response(model, fault, &RequestId::new()).into_parts();
    let Body::Bytes(body) = body else { panic!("a fault has a body") };
    (parts.status.as_u16(), parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn json_of(model: &ServiceModel, fault: &Fault) -> Json {
    serde_json::from_str(&answer(model, fault).2).unwrap()
}

fn gone() -> Fault {
    Fault::new("ThingGone", "no \"thing\" <here>")
        .status(404)
        .member("Name", "a&b")
        .json_member("Item", "{\"id\":{\"S\":\"1\"}}")
        .header("retry-after", "7")
}

#[test]
fn json_services_name_the_type() {
    let body = json_of(&AWS_JSON, &gone());
    let expected = json!({"__type": "ThingGone", "message": "no \"thing\" <here>", "Name": "a&b", "Item": {"id": {"S": "1"}}});
    assert_eq!(body, expected);
    let (status, headers, _) = answer(&AWS_JSON, &gone());
    assert_eq!(
        (status, &headers["x-amzn-errortype"], &headers["retry-after"]),
        (404, &"ThingGone".parse().unwrap(), &"7".parse().unwrap())
    );
    assert_eq!(headers[CONTENT_TYPE], "application/x-amz-json-1.0");
}

#[test]
fn a_type_stands_in_the_namespace_of_whoever_gives_it() {
    for (code, expected) in [
        ("ThingGone", "com.amazonaws.dynamodb.v20120810#ThingGone"),
        ("ValidationException", "com.amazon.coral.validate#ValidationException"),
        ("AccessDeniedException", "com.amazon.coral.service#AccessDeniedException"),
    ] {
        assert_eq!(json_of(&DYNAMODB, &Fault::new(code, "m")), json!({"__type": expected, "message": "m"}));
    }
    // This one has a capital, and no text where the body is no JSON at all.
    let unreadable = |error| json_of(&DYNAMODB, &DYNAMODB.unreadable(error));
    let code = "com.amazon.coral.service#SerializationException";
    assert_eq!(unreadable(ReadError::unexpected("text")), json!({"__type": code, "Message": "text"}));
    assert_eq!(unreadable(ReadError::Syntax("byte 1".into())), json!({ "__type": code }));
}

#[test]
fn rest_json_services_name_the_type_in_a_header() {
    let fault = gone().member("Type", "Sender");
    let (status, headers, _) = answer(&MODEL, &fault);
    assert_eq!((status, headers["x-amzn-errortype"].as_bytes()), (404, b"ThingGone".as_slice()));
    let body = json_of(&MODEL, &fault);
    assert_eq!((&body["Type"], &body["Name"]), (&json!("User"), &json!("a&b")));
    assert_eq!((&body["Message"], &body["message"]), (&json!(fault.message), &json!(fault.message)));
    assert_eq!(json_of(&MODEL, &Fault::internal())["Type"], "Service");
    let unreadable = MODEL.unreadable(ReadError::unexpected("text"));
    assert_eq!(unreadable.code, "InvalidRequestContentException");
    assert_eq!(unreadable.message, "Could not parse request body into json: text");
}

#[test]
fn forms_are_answered_by_an_error_response() {
    let (status, headers, body) = answer(&QUERY, &gone());
    assert_eq!((status, headers[CONTENT_TYPE].to_str().unwrap()), (404, "text/xml"));
    let expected = "<ErrorResponse xmlns=\"https://example.com/doc/2026-01-01/\"><Error><Type>Sender</Type>\
        <Code>ThingGone</Code><Message>no &quot;thing&quot; &lt;here&gt;</Message><Name>a&amp;b</Name></Error><RequestId>";
    assert!(body.contains(expected), "{body}");
    assert!(
        answer(&QUERY, &Fault::internal()).2.contains("<Type>Receiver</Type><Code>InternalFailure</Code>")
    );
}

#[test]
fn s3_answers_by_an_error() {
    let (status, headers, body) = answer(&REST_XML, &gone());
    assert_eq!((status, headers[CONTENT_TYPE].to_str().unwrap()), (404, "application/xml"));
    let expected = "<Error><Code>ThingGone</Code><Message>no &quot;thing&quot; &lt;here&gt;</Message><Name>a&amp;b</Name><RequestId>";
    assert!(body.contains(expected) && body.contains("<HostId>"), "{body}");
    assert_eq!(REST_XML.unreadable(ReadError::Syntax(String::new())).code, "MalformedXML");
}

#[test]
fn a_hand_written_shape_s_own_fault_stays() {
    let own = Fault::validation("the shape's own");
    for model in [&MODEL, &AWS_JSON, &QUERY, &REST_XML] {
        assert_eq!(model.unreadable(ReadError::from(own.clone())), own);
    }
}
