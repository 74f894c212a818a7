//! The way of a request through a service: decode, check, authorise, handle, encode. Rows of
//! [`operations!`](crate::operations) are made of these functions.

use std::any::Any;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use nephos_core::{Access, BoxFuture, Cx, Fault, Principal};

use crate::body::{Body, BodyError};
use crate::fault::content_type;
use crate::schema::{Kind, Operation, OperationShape, Protocol, ServiceModel, Structure, Type};
use crate::shape::{ReadError, Shape};
use crate::validate::validate;
use crate::xml::XmlWriter;
use crate::{form, json, query, rest, xml};

/// The largest body that is read whole: DynamoDB takes 16 MB, a Lambda invocation 6 MB, a function's zip 50 MB in
/// base64.
pub const MAX_BODY_BYTES: u64 = 72 << 20;

/// An answer.
pub type Response = http::Response<Body>;

/// A request that was routed and authenticated.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, percent-encoded; for S3 in path style, whatever the host was.
    pub path: String,
    /// The query string, decoded.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The values of the path's labels.
    pub labels: Vec<(&'static str, String)>,
    /// The body, with any `aws-chunked` coding taken off.
    pub body: Body,
}

/// A service, as the gateway sees it.
pub trait Service: Send + Sync {
    /// What it is.
    fn model(&self) -> &'static ServiceModel;

    /// Carries out `operation`, which is one of the model's. Never fails: a fault is an answer, too.
    fn call<'a>(
        &'a self,
        cx: &'a Cx,
        operation: &'static Operation,
        request: Request,
    ) -> BoxFuture<'a, Response>;

    /// Carries out `operation` for a caller inside the platform. Use [`invoke`].
    fn invoke<'a>(
        &'a self,
        cx: &'a Cx,
        operation: &'static Operation,
        input: AnyShape,
    ) -> BoxFuture<'a, Result<AnyShape, Fault>>;
}

/// Implements [`Service`] by a model and an operation table.
#[macro_export]
macro_rules! service {
    ($service:ty, $model:expr, $rows:expr) => {
        impl $crate::Service for $service {
            fn model(&self) -> &'static $crate::ServiceModel {
                $model
            }

            fn call<'a>(
                &'a self,
                cx: &'a nephos_core::Cx,
                operation: &'static $crate::Operation,
                request: $crate::Request,
            ) -> nephos_core::BoxFuture<'a, $crate::Response> {
                Box::pin($crate::service::dispatch(self, $model, $rows, cx, operation, request))
            }

            fn invoke<'a>(
                &'a self,
                cx: &'a nephos_core::Cx,
                operation: &'static $crate::Operation,
                input: $crate::service::AnyShape,
            ) -> nephos_core::BoxFuture<'a, Result<$crate::service::AnyShape, nephos_core::Fault>> {
                Box::pin($crate::service::dispatch_typed(self, $model, $rows, cx, operation, input))
            }
        }
    };
}

/// One row of an operation table.
pub struct Row<S: 'static> {
    /// The operation.
    pub operation: &'static Operation,
    /// Whether unsigned callers may call it.
    pub public: bool,
    /// Decodes, authorises, handles and encodes.
    pub call:
        for<'a> fn(&'a S, &'a Cx, &'static ServiceModel, Request) -> BoxFuture<'a, Result<Response, Fault>>,
    /// The same for a caller inside the platform, with typed input and output and no codec. Streaming operations
    /// have none.
    pub typed: Option<TypedCall<S>>,
}

/// A row's typed way in.
pub type TypedCall<S> =
    for<'a> fn(&'a S, &'a Cx, &'static ServiceModel, AnyShape) -> BoxFuture<'a, Result<AnyShape, Fault>>;

/// An operation's input or output, its type erased.
pub type AnyShape = Box<dyn Any + Send>;

/// Calls an operation from inside the platform: validated, authorised and handled as over the wire.
pub async fn invoke<O: OperationShape>(
    service: &dyn Service,
    cx: &Cx,
    input: O::Input,
) -> Result<O::Output, Fault>
where
    O::Input: 'static,
    O::Output: 'static,
{
    let output = service.invoke(cx, O::OPERATION, Box::new(input)).await?;
    output.downcast::<O::Output>().map(|output| *output).map_err(|_| Fault::internal())
}

/// Finds the operation's row and runs it with typed input. The whole of most services' [`Service::invoke`].
pub async fn dispatch_typed<S: Sync>(
    service: &S,
    model: &'static ServiceModel,
    rows: &'static [Row<S>],
    cx: &Cx,
    operation: &'static Operation,
    input: AnyShape,
) -> Result<AnyShape, Fault> {
    let row = rows.iter().find(|row| std::ptr::eq(row.operation, operation));
    match row.and_then(|row| row.typed) {
        Some(typed) => typed(service, cx, model, input).await,
        None => Err(Fault::not_implemented(model.name, operation.name)),
    }
}

/// Takes a typed input out of its box and validates it.
pub fn unbox<O: OperationShape>(model: &'static ServiceModel, input: AnyShape) -> Result<O::Input, Fault>
where
    O::Input: 'static,
{
    let input = input.downcast::<O::Input>().map_err(|_| Fault::internal())?;
    validate(model, &*input)?;
    Ok(*input)
}

/// Finds the operation's row and runs it. The whole of most services' [`Service::call`].
pub async fn dispatch<S: Sync>(
    service: &S,
    model: &'static ServiceModel,
    rows: &'static [Row<S>],
    cx: &Cx,
    operation: &'static Operation,
    request: Request,
) -> Response {
    let row = rows.iter().find(|row| std::ptr::eq(row.operation, operation));
    let result = match row {
        None => Err(Fault::not_implemented(model.name, operation.name)),
        // S3's anonymous callers are for its policies to judge.
        Some(row) if !row.public && model.protocol != Protocol::RestXml && is_anonymous(cx) => {
            Err(model.unsigned())
        }
        Some(row) => (row.call)(service, cx, model, request).await,
    };
    result.unwrap_or_else(|fault| {
        if fault.status >= 500 {
            tracing::error!(service = model.name, operation = operation.name, request_id = %cx.request_id,
                code = fault.code, message = fault.message, "operation failed");
        }
        crate::fault::response(model, &fault, &cx.request_id)
    })
}

fn is_anonymous(cx: &Cx) -> bool {
    matches!(*cx.principal, Principal::Anonymous)
}

/// Authorises everything that a call needs, in order.
pub fn authorize(model: &'static ServiceModel, cx: &Cx, accesses: Vec<Access>) -> Result<(), Fault> {
    accesses.iter().try_for_each(|access| cx.authorize(access)).map_err(|denied| match model.protocol {
        // S3 does not tell strangers why.
        Protocol::RestXml if is_anonymous(cx) => model.unsigned(),
        _ => model.refusal(denied.message),
    })
}

fn body_fault(model: &ServiceModel, error: BodyError) -> Fault {
    match error {
        BodyError::Fault(fault) => *fault,
        BodyError::TooLarge { .. } if model.protocol == Protocol::RestJson => Fault::new(
            "RequestTooLargeException",
            "Request must be smaller than 70167211 bytes for the operation",
        )
        .status(413),
        BodyError::TooLarge { .. } => {
            Fault::new("RequestEntityTooLargeException", "the request's body is too large").status(413)
        }
        BodyError::Incomplete => Fault::new("IncompleteBody", "The request body terminated unexpectedly"),
    }
}

/// Reads, decodes and validates an operation's input.
pub async fn decode<O: OperationShape>(
    model: &'static ServiceModel,
    mut request: Request,
) -> Result<O::Input, Fault> {
    let body = std::mem::take(&mut request.body);
    let body = body.collect(MAX_BODY_BYTES).await.map_err(|error| body_fault(model, error))?;
    let mut input = O::Input::default();
    read(model, O::OPERATION, &request, body, &mut input).map_err(|error| model.unreadable(error))?;
    validate(model, &input)?;
    Ok(input)
}

/// The same for an operation whose handler takes the body itself. Where the model's payload is no stream the body
/// is decoded as usual and the handler gets an empty one.
pub async fn decode_streaming<O: OperationShape>(
    model: &'static ServiceModel,
    mut request: Request,
) -> Result<(O::Input, Body), Fault> {
    if !O::OPERATION.streaming_input {
        return decode::<O>(model, request).await.map(|input| (input, Body::Empty));
    }
    let body = std::mem::take(&mut request.body);
    let mut input = O::Input::default();
    rest::read(&mut input, &request.labels, &request.query, &request.headers)
        .map_err(|error| invalid_argument(model, error))?;
    validate(model, &input)?;
    Ok((input, body))
}

/// A malformed header or query parameter, which S3 names differently from a malformed body.
fn invalid_argument(model: &ServiceModel, error: ReadError) -> Fault {
    match (error, model.protocol) {
        (ReadError::Fault(fault), _) => *fault,
        (error, Protocol::RestXml) => Fault::new("InvalidArgument", error.to_string()),
        (error, _) => model.unreadable(error),
    }
}

fn read(
    model: &'static ServiceModel,
    operation: &'static Operation,
    request: &Request,
    body: bytes::Bytes,
    input: &mut dyn Shape,
) -> Result<(), ReadError> {
    match model.protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => json::read(&body, input),
        Protocol::Query => {
            let mut pairs = request.query.clone();
            pairs.extend(form::parse(&String::from_utf8_lossy(&body)));
            query::read(&pairs, input)
        }
        Protocol::RestJson | Protocol::RestXml => {
            rest::read(input, &request.labels, &request.query, &request.headers)
                .map_err(|error| ReadError::from(invalid_argument(model, error)))?;
            read_payload(model.protocol, operation.input, body, input)
        }
    }
}

fn read_payload(
    protocol: Protocol,
    schema: &'static Structure,
    body: bytes::Bytes,
    input: &mut dyn Shape,
) -> Result<(), ReadError> {
    let Some(index) = schema.payload else {
        return if protocol == Protocol::RestXml {
            xml::read(&body, input)
        } else {
            json::read(&body, input)
        };
    };
    let ty: &'static Type = schema.members[index].ty;
    let Some(slot) = input.slot(index).filter(|_| !body.is_empty()) else { return Ok(()) };
    match (&ty.kind, protocol) {
        (Kind::Blob | Kind::String, _) => slot.read(ty, &mut rest::RawReader(body)),
        (_, Protocol::RestXml) => match xml::parse(&body)? {
            Some(root) => slot.read(ty, &mut xml::XmlReader::new(&root)),
            None => Ok(()),
        },
        (_, _) => slot.read(ty, &mut json::JsonReader::new(&body)),
    }
}

/// Encodes an output.
pub fn encode<O: OperationShape>(
    model: &'static ServiceModel,
    cx: &Cx,
    output: &O::Output,
) -> Result<Response, Fault> {
    Ok(encode_shape(model, O::OPERATION, cx, output))
}

/// Encodes an output whose payload may be a stream that the handler gave.
pub fn encode_streaming<O: OperationShape>(
    model: &'static ServiceModel,
    cx: &Cx,
    output: &O::Output,
    body: Body,
) -> Result<Response, Fault> {
    let mut response = encode_shape(model, O::OPERATION, cx, output);
    if O::OPERATION.streaming_output {
        *response.body_mut() = body;
    }
    Ok(response)
}

fn encode_shape(
    model: &'static ServiceModel,
    operation: &'static Operation,
    cx: &Cx,
    output: &dyn Shape,
) -> Response {
    let mut headers = HeaderMap::new();
    let content = HeaderValue::from_static(content_type(model.protocol));
    let mut status = None;
    let body = match model.protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let body = if output.schema().members.is_empty() && model.protocol == Protocol::AwsJson11 {
                b"{}".to_vec()
            } else {
                json::write(output)
            };
            headers.insert(CONTENT_TYPE, content);
            rest::insert(&mut headers, "x-amz-crc32", &crc32fast::hash(&body).to_string());
            body
        }
        Protocol::Query => {
            headers.insert(CONTENT_TYPE, content);
            query_answer(model, operation, cx, output)
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
    cx: &Cx,
    output: &dyn Shape,
) -> Vec<u8> {
    let root = format!("{}Response", operation.name);
    let mut xml = XmlWriter::default();
    xml.open(&root, model.xml_namespace);
    if let Some(wrapper) = operation.wrapper {
        xml.open(wrapper, None);
        xml.members(output);
        xml.close(wrapper);
    }
    xml.open("ResponseMetadata", None);
    xml.leaf("RequestId", cx.request_id.as_str());
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
            xml.open(root, model.xml_namespace);
            xml.members(output);
            xml.close(root);
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
        self.xml.open(root, self.model.xml_namespace);
        self.xml.members(value);
        self.xml.close(root);
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
