//! The way of a request through a service: decode, check, authorise, handle, encode. Rows of
//! [`operations!`](crate::operations) are made of these functions.

use std::any::Any;

use http::{HeaderMap, Method};
use nephos_core::{Access, BoxFuture, Cx, Fault, Principal};

use crate::body::Body;
pub use crate::decode::{MAX_BODY_BYTES, decode, decode_streaming};
pub use crate::encode::{encode, encode_streaming};
use crate::schema::{Operation, OperationShape, Protocol, ServiceModel};
use crate::validate::validate;

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
