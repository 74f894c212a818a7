//! What goes wrong in Cognito, with AWS's own codes and texts, and the one mapping to the wire.

use nephos_core::{Denied, Fault};
use nephos_store::StoreError;

use crate::crypto::password::HashError;
use crate::crypto::rsa::KeyError;
use crate::crypto::workers::WorkerError;

/// A failed operation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller did not prove who it is, or the state forbids what it asks.
    #[error("{0}")]
    NotAuthorized(String),
    /// A parameter has a value that the pool or the operation does not take.
    #[error("{0}")]
    InvalidParameter(String),
    /// No such pool, client, group or identity.
    #[error("{0}")]
    ResourceNotFound(String),
    /// No such user.
    #[error("{0}")]
    UserNotFound(String),
    /// The username is taken.
    #[error("{0}")]
    UsernameExists(String),
    /// The e-mail address, phone number or preferred username is another user's.
    #[error("{0}")]
    AliasExists(String),
    /// The password does not meet the policy.
    #[error("Password did not conform with policy: {0}")]
    InvalidPassword(&'static str),
    /// The code is wrong.
    #[error("Invalid verification code provided, please try again.")]
    CodeMismatch,
    /// The code is used up or too old, or none was asked for.
    #[error("Invalid code provided, please request a code again.")]
    ExpiredCode,
    /// The code could not be handed to the delivery.
    #[error("Failed to send message to user.")]
    CodeDeliveryFailure,
    /// An hourly limit is reached.
    #[error("Attempt limit exceeded, please try after some time.")]
    AttemptLimit,
    /// A quota of the account is reached.
    #[error("{0}")]
    LimitExceeded(String),
    /// More is asked than can be served now.
    #[error("Rate exceeded")]
    TooManyRequests,
    /// The user has not confirmed.
    #[error("User is not confirmed.")]
    UserNotConfirmed,
    /// An administrator asked for a new password.
    #[error("Password reset required for the user")]
    PasswordResetRequired,
    /// The user's state does not allow it.
    #[error("{0}")]
    UnsupportedUserState(String),
    /// The group's name is taken.
    #[error("A group with the name already exists.")]
    GroupExists,
    /// The token or client does not allow it.
    #[error("{0}")]
    Unauthorized(String),
    /// The operation is switched off for the client.
    #[error("{0}")]
    UnsupportedOperation(String),
    /// The token is of a kind that can't be revoked.
    #[error("{0}")]
    UnsupportedTokenType(String),
    /// A refresh token that was exchanged before came again.
    #[error("Refresh token reuse detected")]
    RefreshTokenReuse,
    /// Identities or logins contradict each other.
    #[error("{0}")]
    ResourceConflict(String),
    /// The identity pool's roles can't be assumed.
    #[error("{0}")]
    InvalidIdentityPoolConfiguration(String),
    /// Part of the public API that Nephos does not have.
    #[error("Nephos does not implement {0}.")]
    NotImplemented(String),
    /// IAM refused.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Another part of the platform failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something of ours failed; the text is for the log only.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// `User does not exist.`
    pub(crate) fn no_user() -> Error {
        Error::UserNotFound("User does not exist.".to_owned())
    }

    /// `Incorrect username or password.`
    pub(crate) fn wrong_password() -> Error {
        Error::NotAuthorized("Incorrect username or password.".to_owned())
    }

    /// No pool of that id.
    pub(crate) fn no_pool(id: &str) -> Error {
        Error::ResourceNotFound(format!("User pool {id} does not exist."))
    }

    /// No client of that id.
    pub(crate) fn no_client(id: &str) -> Error {
        Error::ResourceNotFound(format!("User pool client {id} does not exist."))
    }

    /// A refused caller, in the words given.
    pub(crate) fn not_authorized(text: &str) -> Error {
        Error::NotAuthorized(text.to_owned())
    }

    /// A refused parameter, in the words given.
    pub(crate) fn invalid(text: impl Into<String>) -> Error {
        Error::InvalidParameter(text.into())
    }

    /// A member that the generated shape leaves optional although the model's validation guarantees it.
    pub(crate) fn missing(member: &str) -> Error {
        Error::InvalidParameter(format!("Missing required parameter {member}"))
    }

    fn code(&self) -> &'static str {
        match self {
            Error::NotAuthorized(_) => "NotAuthorizedException",
            Error::InvalidParameter(_) => "InvalidParameterException",
            Error::ResourceNotFound(_) => "ResourceNotFoundException",
            Error::UserNotFound(_) => "UserNotFoundException",
            Error::UsernameExists(_) => "UsernameExistsException",
            Error::AliasExists(_) => "AliasExistsException",
            Error::InvalidPassword(_) => "InvalidPasswordException",
            Error::CodeMismatch => "CodeMismatchException",
            Error::ExpiredCode => "ExpiredCodeException",
            Error::CodeDeliveryFailure => "CodeDeliveryFailureException",
            Error::AttemptLimit | Error::LimitExceeded(_) => "LimitExceededException",
            Error::TooManyRequests => "TooManyRequestsException",
            Error::UserNotConfirmed => "UserNotConfirmedException",
            Error::PasswordResetRequired => "PasswordResetRequiredException",
            Error::UnsupportedUserState(_) => "UnsupportedUserStateException",
            Error::GroupExists => "GroupExistsException",
            Error::Unauthorized(_) => "UnauthorizedException",
            Error::UnsupportedOperation(_) => "UnsupportedOperationException",
            Error::UnsupportedTokenType(_) => "UnsupportedTokenTypeException",
            Error::RefreshTokenReuse => "RefreshTokenReuseException",
            Error::ResourceConflict(_) => "ResourceConflictException",
            Error::InvalidIdentityPoolConfiguration(_) => "InvalidIdentityPoolConfigurationException",
            Error::NotImplemented(_) => "NotImplemented",
            Error::Denied(_) => "AccessDeniedException",
            Error::Fault(_) | Error::Store(_) | Error::Internal(_) => "InternalErrorException",
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        match error {
            Error::Denied(denied) => denied.into(),
            Error::Fault(fault) => fault,
            Error::NotImplemented(_) => Fault::new(error.code(), error.to_string()).status(501),
            Error::Store(_) | Error::Internal(_) => {
                tracing::error!(%error, "cognito failed");
                Fault::new(error.code(), "Internal server error.").status(500)
            }
            _ => Fault::new(error.code(), error.to_string()),
        }
    }
}

impl From<WorkerError> for Error {
    fn from(error: WorkerError) -> Error {
        match error {
            WorkerError::Busy => Error::TooManyRequests,
            WorkerError::Abandoned => Error::Internal(error.to_string()),
        }
    }
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Error {
        Error::Internal(error.to_string())
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Error {
        Error::Internal(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_codes_and_texts_go_over_the_wire() {
        let fault = Fault::from(Error::InvalidPassword("Password not long enough"));
        assert_eq!(fault.code, "InvalidPasswordException");
        assert_eq!(fault.message, "Password did not conform with policy: Password not long enough");
        assert_eq!(fault.status, 400);
    }

    #[test]
    fn our_own_failures_tell_the_caller_nothing() {
        let fault = Fault::from(Error::Store(StoreError::Corrupt("row of ann".to_owned())));
        assert_eq!((fault.code.as_str(), fault.status), ("InternalErrorException", 500));
        assert!(!fault.message.contains("ann"));
    }

    #[test]
    fn what_is_absent_says_so() {
        let fault = Fault::from(Error::NotImplemented("LambdaConfig".to_owned()));
        assert_eq!((fault.code.as_str(), fault.status), ("NotImplemented", 501));
        assert_eq!(fault.message, "Nephos does not implement LambdaConfig.");
    }
}
