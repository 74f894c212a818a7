//! Whole requests of S3 and Lambda: `METHOD target`, headers, an empty line, the body. Whatever is routed is decoded
//! or refused with a fault that can be written.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use nephos_core::RequestId;
use nephos_wire::{Body, Request, ServiceModel, decode, fault, form, route, validate};

use crate::dynamic::Dynamic;
use crate::targets::line;

/// Routes and decodes a request.
pub fn run(data: &[u8]) {
    let (first, data) = line(data);
    let (method, target) = first.split_once(' ').unwrap_or(("GET", &first));
    let Ok(method) = Method::from_bytes(method.as_bytes()) else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (headers, body) = headers(data);
    for model in [&nephos_s3::MODEL, &nephos_lambda::MODEL] {
        let request = Request {
            method: method.clone(),
            path: path.to_owned(),
            query: form::parse(query),
            headers: headers.clone(),
            labels: Vec::new(),
            body: Body::Empty,
        };
        call(model, request, Bytes::copy_from_slice(body));
    }
}

pub(crate) fn headers(mut data: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    while !data.is_empty() {
        let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
        let line = &data[..end];
        data = data.get(end + 1..).unwrap_or_default();
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    (headers, data)
}

fn call(model: &'static ServiceModel, mut request: Request, body: Bytes) {
    let found = route::rest(model, &request.method, &request.path, &request.query, &request.headers);
    let route::Found::Operation(operation, labels) = found else { return };
    assert!(labels.iter().all(|(_, value)| !value.is_empty()), "a label is never empty");
    request.labels = labels;
    let mut input = Dynamic::new(operation.input);
    let read = decode::read(model, operation, &request, body, &mut input);
    let refused = read.map_err(|error| model.unreadable(error)).and_then(|()| validate::validate(model, &input));
    if let Err(refusal) = refused {
        fault::response(model, &refusal, &RequestId::new());
    }
}
