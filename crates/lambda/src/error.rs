//! What can go wrong, and its one mapping to the wire. The texts are the service's own where clients may match on them.

use nephos_blobs::BlobError;
use nephos_core::{Denied, Fault};
use nephos_store::StoreError;

use crate::names::{FunctionId, Qualifier};

/// Why a call was throttled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// The account's limit.
    Account,
    /// The function's own limit.
    Reserved,
    /// The host's limit of environments.
    Host,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A parameter, in AWS's words.
    #[error("{0}")]
    InvalidParameter(String),
    /// A violated constraint, in AWS's words.
    #[error("{0}")]
    Validation(String),
    /// No such function, version or alias.
    #[error("{0}")]
    NotFound(String),
    /// It is there already, or in the way.
    #[error("{0}")]
    Conflict(String),
    /// The revision is another by now.
    #[error("{0}")]
    Precondition(String),
    /// The policy would be too long.
    #[error("{0}")]
    PolicyLength(String),
    /// The request holds too much.
    #[error("{0}")]
    TooLarge(String),
    /// The payload is not JSON.
    #[error("{0}")]
    InvalidContent(String),
    /// The code can't be run as it is.
    #[error("{0}")]
    InvalidZip(String),
    /// The runtime can't be run on this host.
    #[error("{0}")]
    InvalidRuntime(String),
    /// Too many at a time.
    #[error("Rate Exceeded.")]
    Throttled(Throttle),
    /// Not allowed.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Something that Nephos does not have.
    #[error("{0}")]
    NotImplemented(String),
    /// Another part of the platform refused.
    #[error(transparent)]
    Fault(Fault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blobs failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Our own failure; the text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// No such function, version or alias.
    pub fn no_function(function: &FunctionId, qualifier: Option<&str>) -> Error {
        let arn = function.qualified_arn(qualifier);
        match Qualifier::parse(qualifier) {
            Qualifier::Alias(_) => Error::NotFound(format!("Cannot find alias arn: {arn}")),
            _ => Error::NotFound(format!("Function not found: {arn}")),
        }
    }

    /// The revision is another by now.
    pub fn stale_revision() -> Error {
        Error::Precondition(
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to \
             retrieve the latest Revision Id"
                .to_owned(),
        )
    }

    /// A member that Nephos does not honour, and so refuses.
    pub fn unsupported(member: &str) -> Error {
        Error::InvalidParameter(format!("Nephos does not implement {member} for functions."))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::Internal(format!("file system: {error}"))
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Error {
        Error::Internal(format!("a task ended early: {error}"))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let text = error.to_string();
        match error {
            Error::InvalidParameter(_) => Fault::new("InvalidParameterValueException", text),
            Error::Validation(_) => Fault::validation(text),
            Error::NotFound(_) => Fault::new("ResourceNotFoundException", text).status(404),
            Error::Conflict(_) => Fault::new("ResourceConflictException", text).status(409),
            Error::Precondition(_) => Fault::new("PreconditionFailedException", text).status(412),
            Error::PolicyLength(_) => Fault::new("PolicyLengthExceededException", text),
            Error::TooLarge(_) => Fault::new("RequestTooLargeException", text).status(413),
            Error::InvalidContent(_) => Fault::new("InvalidRequestContentException", text),
            Error::InvalidZip(_) => Fault::new("InvalidZipFileException", text).status(502),
            Error::InvalidRuntime(_) => Fault::new("InvalidRuntimeException", text).status(502),
            Error::Throttled(throttle) => throttled(throttle),
            Error::Denied(denied) => Fault::new("AccessDeniedException", denied.message).status(403),
            Error::NotImplemented(_) => Fault::new("NotImplemented", text).status(501),
            Error::Fault(fault) => fault,
            Error::Store(_) | Error::Blob(_) | Error::Internal(_) => {
                tracing::error!(error = text, "the function service failed");
                Fault::new("ServiceException", "An error occurred and the request cannot be processed.")
                    .status(500)
            }
        }
    }
}

fn throttled(throttle: Throttle) -> Fault {
    let reason = match throttle {
        Throttle::Account | Throttle::Host => "ConcurrentInvocationLimitExceeded",
        Throttle::Reserved => "ReservedFunctionConcurrentInvocationLimitExceeded",
    };
    Fault::new("TooManyRequestsException", "Rate Exceeded.")
        .status(429)
        .member("Reason", reason)
        .header("Retry-After", "1")
}
