//! What goes wrong, in CloudFormation's words.

use nephos_core::Fault;
use nephos_store::StoreError;

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The template or a parameter is wrong.
    #[error("{0}")]
    Validation(String),
    /// There is no such stack.
    #[error("Stack with id {0} does not exist")]
    NoStack(String),
    /// A capability was not acknowledged.
    #[error("Requires capabilities : [{0}]")]
    InsufficientCapabilities(&'static str),
    /// There is such a stack already.
    #[error("Stack [{0}] already exists")]
    AlreadyExists(String),
    /// There is such a change set already.
    #[error("ChangeSet [{0}] already exists")]
    ChangeSetExists(String),
    /// There is no such change set.
    #[error("ChangeSet [{0}] does not exist")]
    ChangeSetNotFound(String),
    /// A change set in another state than the call needs.
    #[error("{0}")]
    InvalidChangeSetStatus(String),
    /// There is too much of something.
    #[error("{0}")]
    LimitExceeded(String),
    /// Another service refused.
    #[error("{0}")]
    Service(Fault),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(String),
}

impl Error {
    /// A wrong template or parameter.
    pub fn template(text: impl Into<String>) -> Self {
        Error::Validation(text.into())
    }

    /// The text that deploy tools match on.
    pub fn no_stack(name: &str) -> Self {
        Error::NoStack(name.to_owned())
    }

    /// The same in the words that the operations on one stack have for it.
    pub fn in_brackets(self) -> Self {
        match self {
            Error::NoStack(name) => Error::Validation(format!("Stack [{name}] does not exist")),
            other => other,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Error::Store(error.to_string())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::Service(fault)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let text = error.to_string();
        match error {
            Error::Validation(_) | Error::NoStack(_) => Fault::new("ValidationError", text),
            Error::InsufficientCapabilities(_) => Fault::new("InsufficientCapabilitiesException", text),
            Error::AlreadyExists(_) | Error::ChangeSetExists(_) => Fault::new("AlreadyExistsException", text),
            Error::ChangeSetNotFound(_) => Fault::new("ChangeSetNotFound", text).status(404),
            Error::InvalidChangeSetStatus(_) => Fault::new("InvalidChangeSetStatus", text),
            Error::LimitExceeded(_) => Fault::new("LimitExceededException", text),
            Error::Service(fault) => fault,
            Error::Store(detail) => {
                tracing::error!(detail, "cloudformation's store failed");
                Fault::internal()
            }
        }
    }
}
