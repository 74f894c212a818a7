//! Requests into inputs: where each member travels is the protocol's and the schema's to say.

use nephos_core::Fault;

use crate::body::{Body, BodyError};
use crate::schema::{Kind, Operation, OperationShape, Protocol, ServiceModel, Structure, Type};
use crate::service::Request;
use crate::shape::{ReadError, Shape};
use crate::validate::validate;
use crate::{form, json, query, rest, xml};

/// The largest body that is read whole: DynamoDB takes 16 MB, a Lambda invocation 6 MB, a function's zip 50 MB in
/// base64.
pub const MAX_BODY_BYTES: u64 = 72 << 20;

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

/// Reads a request into `input`, whose schema is the operation's.
pub fn read(
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
            // One more than may be, so that it is seen.
            pairs.extend(form::pairs(&String::from_utf8_lossy(&body)).take(query::MAX_PARAMETERS + 1));
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
    let member = &schema.members[index];
    let ty: &'static Type = member.ty;
    let Some(slot) = input.slot(index).filter(|_| !body.is_empty()) else { return Ok(()) };
    match (&ty.kind, protocol) {
        (Kind::Blob | Kind::String, _) => slot.read(ty, &mut rest::RawReader(body)),
        (_, Protocol::RestXml) => match xml::parse(&body)? {
            Some(root) if root.name != member.wire => Err(xml::malformed()),
            Some(root) => slot.read(ty, &mut xml::XmlReader::new(&root)),
            None => Ok(()),
        },
        (_, _) => slot.read(ty, &mut json::JsonReader::new(&body)),
    }
}
