//! Requests that botocore serializes are read as they were meant, for every operation of every service.

use nephos_wire::{Operation, Protocol, Reader, ServiceModel, TimestampFormat, decode, route};
use serde_json::{Value as Json, json};

use crate::botocore::{ask, request};
use crate::dump::dump;
use crate::dynamic::Dynamic;
use crate::fill::{Filler, Moments};
use crate::real::MODELS;

/// How many inputs each operation gets.
const ROUNDS: u64 = 4;

/// Random bytes that are the same at every run.
pub fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..3000).map(step).collect()
}

/// What a protocol's body calls a moment.
pub fn moments(protocol: Protocol) -> Moments {
    let body = match protocol {
        Protocol::RestXml | Protocol::Query => TimestampFormat::Iso8601,
        _ => TimestampFormat::Unix,
    };
    Moments { body, header: TimestampFormat::Http, whole_seconds: true }
}

struct Case {
    model: &'static ServiceModel,
    operation: &'static Operation,
    input: Dynamic,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &model in MODELS {
        for &operation in model.operations {
            for round in 0..ROUNDS {
                let entropy = noise(cases.len() as u64 + 1 + round);
                let mut filler = Filler::new(&entropy, moments(model.protocol));
                // What the serializers leave out cannot come back: botocore sends no empty maps in forms, drops
                // unnamed headers, and signs what XML cannot carry.
                (filler.no_empty, filler.plain) = (true, true);
                let mut input = Dynamic::new(operation.input);
                filler.structure(&mut input).unwrap();
                cases.push(Case { model, operation, input });
            }
        }
    }
    cases
}

fn read(case: &Case, made: &Json) -> Dynamic {
    let (mut request, body) = request(made);
    if matches!(case.model.protocol, Protocol::RestJson | Protocol::RestXml) {
        let found = route::rest(case.model, &request.method, &request.path, &request.query, &request.headers);
        let route::Found::Operation(operation, labels) = found else {
            panic!("{} is {found:?}", made["path"])
        };
        assert_eq!(operation.name, case.operation.name, "{made}");
        request.labels = labels;
    }
    let mut read = Dynamic::new(case.operation.input);
    decode::read(case.model, case.operation, &request, body, &mut read)
        .unwrap_or_else(|error| panic!("{} of {}: {error}\n{made}", case.operation.name, case.model.name));
    read
}

#[test]
fn what_botocore_sends_is_read() {
    let cases = cases();
    let asked: Vec<Json> = cases
        .iter()
        .map(|case| {
            json!({ "service": case.model.name, "operation": case.operation.name, "input": dump(&case.input) })
        })
        .collect();
    let answered = ask(json!({ "requests": asked }));
    let mut members = 0;
    for (case, made) in cases.iter().zip(answered["requests"].as_array().unwrap()) {
        let read = read(case, made);
        members += dump(&read).as_object().unwrap().len();
        assert_eq!(dump(&read), dump(&case.input), "{} of {}: {made}", case.operation.name, case.model.name);
    }
    assert!(cases.len() > 1000 && members > 2 * cases.len(), "{} cases, {members} members", cases.len());
}
