//! Answers that are written here are read by botocore's parsers as they were meant, for every operation of every
//! service; and so are errors.

use nephos_core::RequestId;
use nephos_wire::text::base64;
use nephos_wire::{Body, Kind, Location, Operation, Protocol, Reader, Response, ServiceModel, encode};
use serde_json::{Value as Json, json};

use crate::botocore::ask;
use crate::dump::dump;
use crate::dynamic::Dynamic;
use crate::fill::Filler;
use crate::real::MODELS;
use crate::requests::{moments, noise};

const ROUNDS: u64 = 4;

struct Case {
    model: &'static ServiceModel,
    operation: &'static Operation,
    output: Dynamic,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &model in MODELS {
        for &operation in model.operations {
            for round in 0..ROUNDS {
                let entropy = noise(7_000_000 + cases.len() as u64 + round);
                let mut filler = Filler::new(&entropy, moments(model.protocol));
                filler.plain = true;
                let mut output = Dynamic::new(operation.output);
                filler.structure(&mut output).unwrap();
                cases.push(Case { model, operation, output });
            }
        }
    }
    cases
}

/// An answer in the form that driver.py takes.
pub fn asked(model: &ServiceModel, operation: &Operation, response: Response) -> Json {
    let (parts, body) = response.into_parts();
    let body = match body {
        Body::Bytes(bytes) => base64(&bytes),
        _ => String::new(),
    };
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<[String; 2]> =
        parts.headers.iter().map(|(name, value)| [name.as_str().to_owned(), text(value)]).collect();
    json!({
        "service": model.name, "operation": operation.name,
        "status": parts.status.as_u16(), "headers": headers, "body": body,
    })
}

/// GetBucketLocation's root is its only member, which botocore reads by a handler of its own.
fn by_hand(operation: &Operation) -> bool {
    operation.name == "GetBucketLocation"
}

/// What was written, and what botocore always finds: the status, and maps of headers and
/// the payload though they are empty.
fn expected(case: &Case, status: &Json) -> Json {
    let mut expected = dump(&case.output);
    for member in case.operation.output.members {
        match member.location {
            Location::Status => expected[member.name] = status.clone(),
            Location::Headers if expected.get(member.name).is_none() => expected[member.name] = json!({}),
            _ => {}
        }
    }
    let payload = case.operation.output.payload.map(|index| &case.operation.output.members[index]);
    let (name, nothing) = match payload {
        Some(member) if matches!(member.ty.kind, Kind::Structure(_)) => (member.name, json!({})),
        Some(member) => (member.name, json!("")),
        None if case.operation.streaming_output => ("Body", json!("")),
        None => return expected,
    };
    if expected.get(name).is_none() {
        expected[name] = nothing;
    }
    expected
}

#[test]
fn what_is_answered_botocore_reads() {
    let cases: Vec<Case> = cases().into_iter().filter(|case| !by_hand(case.operation)).collect();
    let asked: Vec<Json> = cases
        .iter()
        .map(|case| {
            let response = encode::answer(case.model, case.operation, &RequestId::new(), &case.output);
            asked(case.model, case.operation, response)
        })
        .collect();
    let answered = ask(json!({ "answers": asked }));
    let mut members = 0;
    for ((case, sent), read) in cases.iter().zip(&asked).zip(answered["answers"].as_array().unwrap()) {
        let body = nephos_wire::text::from_base64(sent["body"].as_str().unwrap()).unwrap();
        let body = String::from_utf8_lossy(&body);
        let expected = expected(case, &sent["status"]);
        members += expected.as_object().unwrap().len();
        assert_eq!(read, &expected, "{} of {}: {sent}\n{body}", case.operation.name, case.model.name);
    }
    assert!(members > 1000, "{members} members");
}

#[test]
fn errors_are_read() {
    let fault = nephos_core::Fault::new("SomethingWrong", "what <is> \"wrong\" & ümläut").status(409);
    let all: Vec<_> = MODELS.iter().map(|model| (*model, model.operations[0])).collect();
    let asked: Vec<Json> = all
        .iter()
        .map(|(model, operation)| {
            asked(model, operation, nephos_wire::fault::response(model, &fault, &RequestId::new()))
        })
        .collect();
    let answered = ask(json!({ "answers": asked }));
    for ((model, _), read) in all.iter().zip(answered["answers"].as_array().unwrap()) {
        assert_eq!(read["error"]["Code"], "SomethingWrong", "{}: {read}", model.name);
        assert_eq!(read["error"]["Message"], fault.message.as_str(), "{}: {read}", model.name);
        if model.protocol == Protocol::Query {
            assert_eq!(read["error"]["Type"], "Sender");
        }
    }
}
