//! What can go wrong, and its one mapping to the wire.

use nephos_core::Fault;
use nephos_store::StoreError;

use crate::pattern::InvalidPattern;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such group.
    #[error("The specified log group does not exist.")]
    NoGroup,
    /// No such stream.
    #[error("The specified log stream does not exist.")]
    NoStream,
    /// The group is there already.
    #[error("The specified log group already exists")]
    GroupExists,
    /// The stream is there already.
    #[error("The specified log stream already exists")]
    StreamExists,
    /// A parameter, in AWS's words.
    #[error("{0}")]
    InvalidParameter(String),
    /// The group is protected against deletion.
    #[error("{0}")]
    Validation(String),
    /// A parameter that Nephos does not honour, and so refuses.
    #[error("{0}")]
    Unsupported(String),
    /// Too many tags.
    #[error("Resource: {0} has too many tags. The limit is 50.")]
    TooManyTags(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InvalidPattern> for Error {
    fn from(pattern: InvalidPattern) -> Error {
        Error::InvalidParameter(pattern.to_string())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let text = error.to_string();
        match error {
            Error::NoGroup | Error::NoStream => Fault::new("ResourceNotFoundException", text),
            Error::GroupExists | Error::StreamExists => Fault::new("ResourceAlreadyExistsException", text),
            Error::InvalidParameter(_) | Error::Unsupported(_) => {
                Fault::new("InvalidParameterException", text)
            }
            Error::Validation(_) => Fault::validation(text),
            Error::TooManyTags(resource) => {
                Fault::new("TooManyTagsException", text).member("resourceName", resource)
            }
            Error::Store(error) => {
                tracing::error!(%error, "the log store failed");
                Fault::internal()
            }
        }
    }
}
