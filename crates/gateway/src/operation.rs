//! Which operation a request asks of the service that it was routed to.

use http::{HeaderMap, Method};
use nephos_core::Fault;
use nephos_sigv4::uri;
use nephos_wire::route::Found;
use nephos_wire::{Operation, Protocol, ServiceModel};

/// An operation, with the values of its path's labels.
pub(crate) type Asked = (&'static Operation, Vec<(&'static str, String)>);

/// Why there is none: the fault, and the name to count it by.
#[derive(Debug)]
pub(crate) struct NoOperation {
    pub(crate) fault: Box<Fault>,
    pub(crate) name: String,
}

impl NoOperation {
    fn new(fault: Fault, name: &str) -> Self {
        NoOperation { fault: Box::new(fault), name: name.to_owned() }
    }
}

fn absent(model: &'static ServiceModel, name: &str) -> NoOperation {
    NoOperation::new(Fault::not_implemented(model.name, name), name)
}

/// By `X-Amz-Target`.
pub(crate) fn by_target(model: &'static ServiceModel, headers: &HeaderMap) -> Result<Asked, NoOperation> {
    let mut targets = headers.get_all("x-amz-target").iter();
    let target = targets.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (prefix, name) = target.rsplit_once('.').unwrap_or(("", target));
    let is_ours = model.target_prefix == Some(prefix) && targets.next().is_none();
    named(model, name).filter(|_| is_ours).ok_or_else(|| {
        if is_ours && model.absent.iter().any(|a| a.name == name) {
            return absent(model, name);
        }
        let name = if name.is_empty() { "?" } else { name };
        NoOperation::new(Fault::new("UnknownOperationException", ""), name)
    })
}

/// By `Action` of the query protocol.
pub(crate) fn by_action(
    model: &'static ServiceModel,
    action: Option<&str>,
    version: Option<&str>,
) -> Result<Asked, NoOperation> {
    let Some(action) = action else {
        let text = "The request must contain the parameter Action.";
        return Err(NoOperation::new(Fault::new("MissingAction", text), "?"));
    };
    let version_fits = version.is_none_or(|version| version == model.api_version);
    named(model, action).filter(|_| version_fits).ok_or_else(|| {
        if version_fits && model.absent.iter().any(|a| a.name == action) {
            return absent(model, action);
        }
        invalid_action(action, version.unwrap_or(model.api_version))
    })
}

/// An action that no service has.
pub(crate) fn invalid_action(action: &str, version: &str) -> NoOperation {
    let text = format!("Could not find operation {action} for version {version}");
    NoOperation::new(Fault::new("InvalidAction", text), action)
}

fn named(model: &'static ServiceModel, name: &str) -> Option<Asked> {
    let operation = model.operations.iter().find(|operation| operation.name == name)?;
    Some((operation, Vec::new()))
}

/// By method, path and query. For S3, `path` is in path style.
pub(crate) fn by_rest(
    model: &'static ServiceModel,
    method: &Method,
    path: &str,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Result<Asked, NoOperation> {
    match nephos_wire::route::rest(model, method, path, query, headers) {
        Found::Operation(operation, labels) => Ok((operation, labels)),
        Found::Absent(name) => Err(absent(model, name)),
        Found::Malformed => {
            let fault = if model.protocol == Protocol::RestXml {
                Fault::new("InvalidURI", "Couldn't parse the specified URI.")
            } else {
                Fault::new("BadRequestException", "the path is not percent-encoded UTF-8")
            };
            Err(NoOperation::new(fault, method.as_str()))
        }
        Found::Nothing => {
            let fault = if model.protocol == Protocol::RestXml {
                Fault::new("MethodNotAllowed", "The specified method is not allowed against this resource.")
                    .status(405)
                    .member("Method", method.as_str())
            } else {
                Fault::new("UnknownOperationException", "").status(404)
            };
            Err(NoOperation::new(fault, method.as_str()))
        }
    }
}

/// A parameter of the query protocol, from the query string or else from the form.
pub(crate) fn parameter(name: &str, query: &str, form: &[u8]) -> Option<String> {
    let form = std::str::from_utf8(form).unwrap_or_default();
    let mut values = uri::values_of(query, name).chain(uri::values_of(form, name));
    values.next().map(|value| String::from_utf8_lossy(&value).into_owned())
}
