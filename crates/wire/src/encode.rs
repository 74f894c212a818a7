//! Outputs into answers.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use nephos_core::{Cx, Fault, RequestId};

use crate::body::Body;
use crate::fault::content_type;
use crate::schema::{Kind, Operation, OperationShape, Protocol, ServiceModel, Type};
use crate::service::Response;
use crate::shape::Shape;
use crate::xml::XmlWriter;
use crate::{json, rest};

/// Encodes an output.
pub fn encode<O: OperationShape>(
    model: &'static ServiceModel,
    cx: &Cx,
    output: &O::Output,
) -> Result<Response, Fault> {
    Ok(answer(model, O::OPERATION, &cx.request_id, output))
}

/// Encodes an output whose payload may be a stream that the handler gave.
pub fn encode_streaming<O: OperationShape>(
    model: &'static ServiceModel,
    cx: &Cx,
    output: &O::Output,
    body: Body,
) -> Result<Response, Fault> {
    let mut response = answer(model, O::OPERATION, &cx.request_id, output);
    if O::OPERATION.streaming_output {
        *response.body_mut() = body;
    }
    Ok(response)
}

/// Writes `output`, whose schema is the operation's, as the operation's answer.
pub fn answer(
    model: &'static ServiceModel,
    operation: &'static Operation,
    request_id: &RequestId,
    output: &dyn Shape,
) -> Response {
    let mut headers = HeaderMap::new();
    let content = HeaderValue::from_static(content_type(model.protocol));
    let mut status = None;
    let body = match model.protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let body = json::write(output);
            headers.insert(CONTENT_TYPE, content);
            rest::insert(&mut headers, "x-amz-crc32", &crc32fast::hash(&body).to_string());
            body
        }
        Protocol::Query => {
            headers.insert(CONTENT_TYPE, content);
            query_answer(model, operation, request_id, output)
        }
        Protocol::RestJson | Protocol::RestXml => {
            status = rest::write(output, &mut headers);
            let body = rest_payload(model, operation, output);
            if !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
                headers.insert(CONTENT_TYPE, content);
            }
            body
        }
    };
    let mut response = Response::new(Body::from(body));
    let status = status.unwrap_or(operation.status);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    *response.headers_mut() = headers;
    response
}

fn query_answer(
    model: &'static ServiceModel,
    operation: &'static Operation,
    request_id: &RequestId,
    output: &dyn Shape,
) -> Vec<u8> {
    let root = format!("{}Response", operation.name);
    let mut xml = XmlWriter::for_query();
    xml.open(&root, model.xml_namespace);
    if let Some(wrapper) = operation.wrapper {
        xml.open(wrapper, None);
        xml.members(output);
        xml.close(wrapper);
    }
    xml.open("ResponseMetadata", None);
    xml.leaf("RequestId", request_id.as_str());
    xml.close("ResponseMetadata");
    xml.close(&root);
    xml.finish().into_bytes()
}

fn rest_payload(model: &'static ServiceModel, operation: &'static Operation, output: &dyn Shape) -> Vec<u8> {
    let schema = output.schema();
    if let Some(index) = schema.payload {
        let ty = schema.members[index].ty;
        let Some(value) = output.value(index) else { return Vec::new() };
        return match (&ty.kind, model.protocol) {
            (Kind::Blob | Kind::String, _) => rest::payload_bytes(output, index).unwrap_or_default(),
            (_, Protocol::RestXml) => {
                let mut root = RootWriter { xml: XmlWriter::default(), model, operation };
                value.write(ty, &mut root);
                root.xml.finish().into_bytes()
            }
            (_, _) => {
                let mut writer = json::JsonWriter::default();
                value.write(ty, &mut writer);
                writer.0
            }
        };
    }
    let in_body = schema.members.iter().any(|m| m.location == crate::Location::Body);
    match model.protocol {
        _ if !in_body || operation.streaming_output => Vec::new(),
        Protocol::RestXml => {
            let root = operation.wrapper.or(schema.xml_name).unwrap_or(schema.name);
            let mut xml = XmlWriter::default();
            if let [only] = schema.members
                && only.wire == root
            {
                // S3's GetBucketLocation: the member is the root element itself.
                xml.root_text(root, model.xml_namespace, &rest::payload_bytes(output, 0).unwrap_or_default());
                return xml.finish().into_bytes();
            }
            xml.element(root, model.xml_namespace, output);
            xml.finish().into_bytes()
        }
        _ => json::write(output),
    }
}

/// Writes a payload structure as the root element, with the service's namespace.
struct RootWriter {
    xml: XmlWriter,
    model: &'static ServiceModel,
    operation: &'static Operation,
}

impl crate::Writer for RootWriter {
    fn structure(&mut self, ty: &'static Type, value: &dyn Shape) {
        let root = self.operation.wrapper.or(value.schema().xml_name).unwrap_or(ty.name);
        self.xml.element(root, self.model.xml_namespace, value);
    }

    // A payload in XML is always a structure.
    fn string(&mut self, _: &'static Type, _: &str) {}
    fn boolean(&mut self, _: &'static Type, _: bool) {}
    fn integer(&mut self, _: &'static Type, _: i64) {}
    fn double(&mut self, _: &'static Type, _: f64) {}
    fn blob(&mut self, _: &'static Type, _: &[u8]) {}
    fn timestamp(&mut self, _: &'static Type, _: nephos_core::Timestamp, _: Option<crate::TimestampFormat>) {}
    fn list(&mut self, _: &'static Type, _: usize, _: &mut dyn FnMut(usize, &mut dyn crate::Writer)) {}
    fn map(&mut self, _: &'static Type, _: &mut dyn FnMut(&mut dyn FnMut(&str, &dyn crate::Value))) {}
}
