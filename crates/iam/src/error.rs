//! What can go wrong in IAM and STS, and its one mapping to the wire.

use nephos_core::{Denied, Fault};
use nephos_store::StoreError;

use crate::policy::MalformedPolicy;
use crate::seal::SealError;

/// An error of an operation. Texts are AWS's own.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was named does not exist.
    #[error("{0}")]
    NoSuchEntity(String),
    /// The name is taken.
    #[error("{0}")]
    EntityAlreadyExists(String),
    /// Something still hangs on what should be deleted.
    #[error("{0}")]
    DeleteConflict(String),
    /// A quota is full.
    #[error("{0}")]
    LimitExceeded(String),
    /// A policy document is not one.
    #[error("{0}")]
    MalformedPolicyDocument(String),
    /// The input contradicts itself or what exists.
    #[error("{0}")]
    InvalidInput(String),
    /// The input breaks a rule that the model does not state.
    #[error("{0}")]
    Validation(String),
    /// What was named is AWS's own and can't be changed.
    #[error("{0}")]
    Unmodifiable(String),
    /// Refused.
    #[error("{0}")]
    AccessDenied(String),
    /// The web identity token is over.
    #[error("{0}")]
    ExpiredToken(String),
    /// The web identity token is not good.
    #[error("{0}")]
    InvalidIdentityToken(String),
    /// Session policies and tags are too large together.
    #[error("{0}")]
    PackedPolicyTooLarge(String),
    /// An operation of the API that is not there in the form asked for.
    #[error("{0}")]
    NotImplemented(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file could not be read or written.
    #[error("file {path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
}

impl From<MalformedPolicy> for Error {
    fn from(malformed: MalformedPolicy) -> Error {
        tracing::debug!(detail = malformed.detail, "policy document refused");
        Error::MalformedPolicyDocument(malformed.message)
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Error {
        Error::AccessDenied(denied.message)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        let (code, status) = match &error {
            Error::NoSuchEntity(_) => ("NoSuchEntity", 404),
            Error::EntityAlreadyExists(_) => ("EntityAlreadyExists", 409),
            Error::DeleteConflict(_) => ("DeleteConflict", 409),
            Error::LimitExceeded(_) => ("LimitExceeded", 409),
            Error::MalformedPolicyDocument(_) => ("MalformedPolicyDocument", 400),
            Error::InvalidInput(_) => ("InvalidInput", 400),
            Error::Validation(_) => ("ValidationError", 400),
            Error::Unmodifiable(_) => ("UnmodifiableEntity", 400),
            Error::AccessDenied(_) => ("AccessDenied", 403),
            Error::ExpiredToken(_) => ("ExpiredTokenException", 400),
            Error::InvalidIdentityToken(_) => ("InvalidIdentityToken", 400),
            Error::PackedPolicyTooLarge(_) => ("PackedPolicyTooLarge", 400),
            Error::NotImplemented(_) => ("NotImplemented", 501),
            Error::Store(_) | Error::Seal(_) | Error::File { .. } => {
                tracing::error!(%error, "iam failed");
                return Fault::internal();
            }
        };
        Fault::new(code, error.to_string()).status(status)
    }
}

/// `The user with name NAME cannot be found.`
pub(crate) fn not_found(noun: &str, name: &str) -> Error {
    Error::NoSuchEntity(format!("The {noun} with name {name} cannot be found."))
}
