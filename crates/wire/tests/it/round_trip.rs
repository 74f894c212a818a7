//! What is written is read back the same, in every protocol.

use http::HeaderMap;
use nephos_wire::xml::XmlWriter;
use nephos_wire::{
    Body, OperationShape, Protocol, ServiceModel, Shape, TimestampFormat, decode, encode, form, json, query,
    rest, route, xml,
};
use proptest::prelude::*;

use crate::body_of_form;
use crate::fill::{Filler, Moments, fill};
use crate::requests::request;
use crate::shapes::{Document, EverythingRequest, EverythingResponse, MODEL, PutStructureResponse, op};

pub static REST_XML: ServiceModel = ServiceModel { protocol: Protocol::RestXml, ..MODEL };
pub static QUERY: ServiceModel = ServiceModel { protocol: Protocol::Query, ..MODEL };
pub static AWS_JSON: ServiceModel = ServiceModel { protocol: Protocol::AwsJson10, ..MODEL };

fn entropy() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..600)
}

fn moments(body: TimestampFormat) -> Moments {
    Moments { body, header: TimestampFormat::Http, whole_seconds: false }
}

fn document(entropy: &[u8], body: TimestampFormat) -> Document {
    fill(&mut Filler::new(entropy, moments(body)))
}

/// An input through a request, the router and the decoder.
fn by_rest<O: OperationShape>(model: &'static ServiceModel, input: &O::Input) -> O::Input {
    let mut request = request(model.protocol, O::OPERATION, input);
    let found = route::rest(model, &request.method, &request.path, &request.query, &request.headers);
    let route::Found::Operation(operation, labels) = found else { panic!("{} {found:?}", request.path) };
    assert_eq!(operation.name, O::OPERATION.name);
    request.labels = labels;
    let Body::Bytes(body) = std::mem::take(&mut request.body) else {
        let mut read = O::Input::default();
        decode::read(model, operation, &request, bytes::Bytes::new(), &mut read).unwrap();
        return read;
    };
    let mut read = O::Input::default();
    decode::read(model, operation, &request, body, &mut read).unwrap();
    read
}

/// An output through an answer: its status, headers and body.
fn answer<O: OperationShape>(model: &'static ServiceModel, output: &O::Output) -> (u16, HeaderMap, Vec<u8>) {
    let id = nephos_core::RequestId::new();
    let response = encode::answer(model, O::OPERATION, &id, output);
    let (parts, body) = response.into_parts();
    let body = match body {
        Body::Bytes(bytes) => bytes.to_vec(),
        _ => Vec::new(),
    };
    (parts.status.as_u16(), parts.headers, body)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn json_bodies(entropy in entropy()) {
        let document = document(&entropy, TimestampFormat::Unix);
        let (_, headers, body) = answer::<op::PutDocument>(&AWS_JSON, &document);
        prop_assert_eq!(&headers["x-amz-crc32"], &crc32fast::hash(&body).to_string());
        let mut read = Document::default();
        json::read(&body, &mut read).unwrap();
        prop_assert_eq!(&read, &document);
        // And any JSON parser reads it.
        serde_json::from_slice::<serde_json::Value>(&body).unwrap();
    }

    #[test]
    fn xml_bodies(entropy in entropy()) {
        let document = document(&entropy, TimestampFormat::Iso8601);
        let mut writer = XmlWriter::default();
        writer.element("Document", Some("urn:x"), &document);
        let text = writer.finish();
        let mut read = Document::default();
        xml::read(text.as_bytes(), &mut read).unwrap();
        prop_assert_eq!(read, document, "{}", text);
    }

    #[test]
    fn forms(entropy in entropy()) {
        let document = document(&entropy, TimestampFormat::Iso8601);
        let pairs = body_of_form::form(&document);
        let body = pairs.iter().map(|(name, value)| format!("{}={}", form::encode(name), form::encode(value)));
        let body = body.collect::<Vec<_>>().join("&").replace("%20", "+");
        let mut read = Document::default();
        query::read(&form::parse(&body), &mut read).unwrap();
        prop_assert_eq!(read, document, "{}", body);
    }

    #[test]
    fn answers_to_forms(entropy in entropy()) {
        let document = document(&entropy, TimestampFormat::Iso8601);
        let (status, _, body) = answer::<op::PutDocument>(&QUERY, &document);
        prop_assert_eq!(status, 200);
        let root = xml::parse(&body).unwrap().unwrap();
        prop_assert_eq!(root.name.as_str(), "PutDocumentResponse");
        prop_assert_eq!(root.children[1].children[0].name.as_str(), "RequestId");
        let mut read = Document::default();
        nephos_wire::Reader::structure(&mut xml::XmlReader::new(&root.children[0]), &mut read).unwrap();
        prop_assert_eq!(read, document);
    }

    #[test]
    fn paths_queries_headers_and_bodies(entropy in entropy()) {
        let input: EverythingRequest = fill(&mut Filler::new(&entropy, moments(TimestampFormat::Unix)));
        prop_assert_eq!(by_rest::<op::Everything>(&MODEL, &input), input);
    }

    #[test]
    fn paths_queries_headers_and_bodies_in_xml(entropy in entropy()) {
        let input: EverythingRequest = fill(&mut Filler::new(&entropy, moments(TimestampFormat::Iso8601)));
        prop_assert_eq!(by_rest::<op::Everything>(&REST_XML, &input), input);
    }

    #[test]
    fn statuses_headers_and_bodies(entropy in entropy(), status in proptest::option::of(200..=599_i32)) {
        for (model, format) in [(&MODEL, TimestampFormat::Unix), (&REST_XML, TimestampFormat::Iso8601)] {
            let mut output: EverythingResponse = fill(&mut Filler::new(&entropy, moments(format)));
            output.status = status;
            let (sent, headers, body) = answer::<op::Everything>(model, &output);
            prop_assert_eq!(i32::from(sent), status.unwrap_or(202));
            let mut read = EverythingResponse { status, ..EverythingResponse::default() };
            rest::read(&mut read, &[], &[], &headers).unwrap();
            match model.protocol {
                Protocol::RestXml => xml::read(&body, &mut read).unwrap(),
                _ => json::read(&body, &mut read).unwrap(),
            }
            prop_assert_eq!(read, output);
        }
    }

    #[test]
    fn payloads(entropy in entropy()) {
        for (model, format) in [(&MODEL, TimestampFormat::Unix), (&REST_XML, TimestampFormat::Iso8601)] {
            let input = fill(&mut Filler::new(&entropy, moments(format)));
            prop_assert_eq!(by_rest::<op::PutStructure>(model, &input), input);
            let mut input: <op::PutBlob as OperationShape>::Input = fill(&mut Filler::new(&entropy, moments(format)));
            // An empty body is no body.
            input.data = input.data.filter(|data| !data.is_empty());
            prop_assert_eq!(by_rest::<op::PutBlob>(model, &input), input);
            let mut input: <op::PutText as OperationShape>::Input = fill(&mut Filler::new(&entropy, moments(format)));
            input.text = input.text.filter(|text| !text.is_empty());
            prop_assert_eq!(by_rest::<op::PutText>(model, &input), input);
        }
    }

    #[test]
    fn answers_that_are_payloads(entropy in entropy()) {
        for (model, format) in [(&MODEL, TimestampFormat::Unix), (&REST_XML, TimestampFormat::Iso8601)] {
            let document = document(&entropy, format);
            let output = PutStructureResponse { document: Some(document.clone()), token: None };
            let (_, _, body) = answer::<op::PutStructure>(model, &output);
            let mut read = Document::default();
            match model.protocol {
                Protocol::RestXml => xml::read(&body, &mut read).unwrap(),
                _ => json::read(&body, &mut read).unwrap(),
            }
            prop_assert_eq!(read, document);
        }
    }

    /// Whatever comes is read or refused, never a panic; and what is read can be written.
    #[test]
    fn noise_is_refused(noise in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\",:a-zNT<>/=&.0-9 -]{0,80}") {
        for bytes in [noise.as_slice(), text.as_bytes()] {
            let mut document = Document::default();
            let _ = json::read(bytes, &mut document);
            let _ = xml::read(bytes, &mut document);
            let _ = query::read(&form::parse(&String::from_utf8_lossy(bytes)), &mut document);
            json::write(&document);
        }
    }
}

#[test]
fn an_empty_structure_is_an_empty_answer() {
    let nothing = <op::Nothing as OperationShape>::Output::default();
    assert_eq!(answer::<op::Nothing>(&AWS_JSON, &nothing).2, b"{}");
    assert_eq!(answer::<op::Nothing>(&MODEL, &nothing).2, b"");
    assert_eq!(answer::<op::Nothing>(&REST_XML, &nothing).2, b"");
    let text = String::from_utf8(answer::<op::Nothing>(&QUERY, &nothing).2).unwrap();
    assert!(
        text.contains("<NothingResponse xmlns=\"https://example.com/doc/2026-01-01/\"><ResponseMetadata>"),
        "{text}"
    );
    assert_eq!(nothing.schema().members.len(), 0);
}
